"""Tests for errors that Sentry reports. No report may contain a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import sentry_sdk

from flask_xiebao import Notification
from tests import vectors
from tests.ecosystem.shop import DEFAULT_SETUP, Shop
from tests.ecosystem.sites import run_sentry
from tests.support import API_KEY, PC, PHONE, SIGN_OF_API_KEY, find_leaks

# The secrets are constants, because Sentry reports the local variables of tests.
SECRET_KEY = "a secret key that nobody guesses"
SECRETS = (API_KEY, SIGN_OF_API_KEY, SECRET_KEY, "/dispatch/cps")

#: One row per entry on the front page: the id of its element, and the URL rule of its link.
URL_RULES = {
    "product": "/xiebao/product/<token>",
    "home": "/xiebao/home/<token>",
    "policy": "/xiebao/policy/<token>",
    "order": "/xiebao/product/<token>",
}


@pytest.fixture
def sentry_events() -> Iterator[list[str]]:
    """The events that Sentry sends, as JSON texts. The test fails if an event contains a secret."""
    with run_sentry() as events:
        yield events
    assert find_leaks("\n".join(events), *SECRETS) == []


class FailingShop(Shop):
    """A test shop whose notification handler fails, and whose member loader can fail.

    The shop's links redirect to Xiebao's gateway instead of the simulator.
    """

    has_database = True

    def __init__(self) -> None:
        super().__init__(
            DEFAULT_SETUP,
            member_loader=self.load_member,
            notification_handler=self.handle_notification,
            SECRET_KEY=SECRET_KEY,
            XIEBAO_API_KEY=API_KEY,
            XIEBAO_BASE_URL=None,
        )

    def load_member(self) -> str:
        if not self.has_database:
            raise ConnectionError("the database is down")
        return "m_7Qk2vX9rT4"

    def handle_notification(self, notification: Notification) -> None:
        raise ValueError(f"duplicate key: {notification.policies[0].insurant}")


@pytest.fixture
def shop() -> FailingShop:
    """A shop whose notification handler fails, and whose member loader does not fail yet."""
    return FailingShop()


def get_exceptions(sentry_events: list[str]) -> list[tuple[str, str]]:
    """Return the transaction name and the message of each exception that Sentry reports."""
    return [
        (event["transaction"], event["exception"]["values"][-1]["value"])
        for event in map(json.loads, sentry_events)
        if "exception" in event
    ]


@pytest.mark.parametrize("device", [PHONE, PC], ids=["phone", "PC"])
@pytest.mark.parametrize(("id", "url_rule"), URL_RULES.items(), ids=URL_RULES)
def test_sentry_reports_error_of_member_loader(
    shop: FailingShop,
    sentry_events: list[str],
    id: str,
    url_rule: str,
    device: dict[str, str],
) -> None:
    browser = shop.open_browser(device)
    link = browser.get_links()[id]
    shop.has_database = False
    assert browser.get(link).status_code == 500
    assert get_exceptions(sentry_events) == [(url_rule, "the database is down")]
    assert any('"vars"' in event for event in sentry_events)


def test_sentry_report_of_failed_notification_has_no_names(
    shop: FailingShop, sentry_events: list[str]
) -> None:
    """The person's name is in the exception, in local variables and in the request body."""
    body = vectors.build_notification(3, json.loads(vectors.ISSUED)["data"], key=API_KEY)
    response = shop.app.test_client().post(
        "/xiebao/notify", base_url=shop.base_url, data=body, content_type="application/json"
    )
    assert response.status_code == 500
    sentry_sdk.flush()
    [entry] = [event["logentry"] for event in map(json.loads, sentry_events) if "logentry" in event]
    assert "ValueError in handle_notification" in entry["message"]
    assert not [event for event in sentry_events if "林晓" in event or r"\u6797\u6653" in event]
