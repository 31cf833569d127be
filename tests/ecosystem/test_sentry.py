"""Sentry is told what goes wrong, with local variables, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from flask_xiebao import Notification
from tests import vectors
from tests.ecosystem.shop import ONE_WAY, Shop
from tests.ecosystem.sites import THEIR_WARNINGS, sentry
from tests.support import API_KEY, PC, PHONE, SIGN_OF_API_KEY

pytestmark = THEIR_WARNINGS

# They are no local variables of a test: Sentry would rightly report those.
SECRET_KEY = "a secret key that nobody guesses"
SECRETS = (API_KEY, SIGN_OF_API_KEY, SECRET_KEY, "/dispatch/cps")

#: The endpoint of each entry in a page, by the entry's id.
ENDPOINTS = {
    "product": "xiebao.product",
    "home": "xiebao.home",
    "policy": "xiebao.policy",
    "order": "xiebao.product",
}


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """What Sentry was sent; none of it may hold a secret."""
    with sentry() as sent:
        yield sent
    for secret in SECRETS:
        assert not [text for text in sent if secret in text], "a secret was sent to Sentry"


class WatchedShop(Shop):
    """A shop with a key and a secret that can be looked for, and Xiebao's own gateway."""

    failing = False

    def __init__(self) -> None:
        super().__init__(
            ONE_WAY,
            loader=self.load,
            SECRET_KEY=SECRET_KEY,
            XIEBAO_API_KEY=API_KEY,
            XIEBAO_BASE_URL=None,
        )

    def load(self) -> str:
        if self.failing:
            raise ConnectionError("the database is down")
        return "m_7Qk2vX9rT4"

    def hear(self, notification: Notification) -> None:
        raise ValueError(f"duplicate key: {notification.policies[0].insurant}")


@pytest.fixture
def shop() -> WatchedShop:
    return WatchedShop()


def errors(sent: list[str]) -> list[tuple[str, str]]:
    """Return what was sent of exceptions: in which transaction, and what they say."""
    events = [json.loads(text) for text in sent]
    return [
        (event["transaction"], event["exception"]["values"][-1]["value"])
        for event in events
        if "exception" in event
    ]


@pytest.mark.parametrize("device", [PHONE, PC], ids=["phone", "PC"])
@pytest.mark.parametrize(("id", "endpoint"), ENDPOINTS.items(), ids=ENDPOINTS)
def test_a_loader_that_fails_is_reported(
    shop: WatchedShop, sent: list[str], id: str, endpoint: str, device: dict[str, str]
) -> None:
    browser = shop.browser(device)
    link = browser.entries()[id]
    shop.failing = True
    assert browser.get(link).status_code == 500
    assert errors(sent) == [(endpoint, "the database is down")]
    assert any('"vars"' in text for text in sent)


def test_a_notification_that_is_not_processed_is_reported_without_names(
    shop: WatchedShop, sent: list[str]
) -> None:
    """Neither in the error, nor in local variables, nor in the body of the request."""
    body = vectors.build_notification(3, json.loads(vectors.ISSUED)["data"], key=API_KEY)
    answer = shop.app.test_client().post(
        "/xiebao/notify", base_url=shop.address, data=body, content_type="application/json"
    )
    assert answer.status_code == 500
    [event] = [text for text in sent if "not processed" in text]
    assert "ValueError in hear" in json.loads(event)["logentry"]["message"]
    assert not [text for text in sent if "林晓" in text or r"\u6797\u6653" in text]
