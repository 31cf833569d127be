"""Sentry is told what goes wrong, with local variables, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from flask import Flask, render_template

from flask_xiebao import ConfigError, Notification, Xiebao, entry_clicked
from tests import vectors
from tests.ecosystem.shop import ONE_WAY, Shop
from tests.ecosystem.sites import THEIR_WARNINGS, sentry
from tests.support import KEY, PC, PHONE, SIGN_OF_KEY

pytestmark = THEIR_WARNINGS

# They are no local variables of a test: Sentry would rightly report those.
SECRET_KEY = "a secret key that nobody guesses"
SECRETS = (KEY, SIGN_OF_KEY, SECRET_KEY, "/dispatch/cps")


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

    def __init__(self, **config: Any) -> None:
        super().__init__(
            ONE_WAY,
            loader=self.load,
            SECRET_KEY=SECRET_KEY,
            XIEBAO_API_KEY=KEY,
            XIEBAO_BASE_URL=None,
            **config,
        )

        @self.app.get("/broken")
        def broken() -> str:
            page = render_template("index.html")
            links = [self.xiebao.product_link("QX1"), self.xiebao.policy_link("20190226020146")]
            raise RuntimeError(f"{len(links)} links and {len(page)} characters were in vain")

    def load(self) -> str:
        if self.failing:
            raise ConnectionError("the database is down")
        return "m_7Qk2vX9rT4"


def errors(sent: list[str]) -> list[tuple[str, str]]:
    """Return what was sent of exceptions: in which transaction, and what they say."""
    events = [json.loads(text) for text in sent]
    return [
        (event["transaction"], event["exception"]["values"][-1]["value"])
        for event in events
        if "exception" in event
    ]


def transactions(sent: list[str]) -> list[str]:
    """Return the names of the transactions that were sent."""
    events = [json.loads(text) for text in sent]
    return [event["transaction"] for event in events if event.get("type") == "transaction"]


def test_clicks_are_transactions_named_after_their_endpoints(sent: list[str]) -> None:
    browser = WatchedShop().browser(PHONE)
    links = browser.entries()
    for id in ("product", "home", "policy", "order"):
        assert browser.get(links[id]).status_code == 302
    assert browser.get("/xiebao/paid/nonsense").status_code == 404

    assert transactions(sent) == [
        "index",
        "xiebao.product",
        "xiebao.home",
        "xiebao.policy",
        "xiebao.product",
        "xiebao.paid",
    ]
    assert not errors(sent)


@pytest.mark.parametrize("device", [PHONE, PC], ids=["phone", "PC"])
@pytest.mark.parametrize("id", ["product", "home", "policy", "order"])
def test_a_loader_that_fails_is_reported(sent: list[str], id: str, device: dict[str, str]) -> None:
    shop = WatchedShop()
    browser = shop.browser(device)
    link = browser.entries()[id]
    shop.failing = True

    assert browser.get(link).status_code == 500

    page = "product" if id == "order" else id
    assert errors(sent) == [(f"xiebao.{page}", "the database is down")]
    assert any('"vars"' in text for text in sent)


def fail(_app: Flask, **_values: Any) -> None:
    raise ConnectionError("statistics are down")


@pytest.mark.parametrize("id", ["product", "home", "policy", "order"])
def test_a_receiver_that_fails_is_reported_and_stops_nobody(sent: list[str], id: str) -> None:
    shop = WatchedShop()
    browser = shop.browser(PHONE)
    with entry_clicked.connected_to(fail, shop.app):
        click = browser.get(browser.entries()[id])

    assert click.status_code == 302
    page = "product" if id == "order" else id
    assert errors(sent) == [(f"xiebao.{page}", "statistics are down")]


def test_a_page_of_the_shop_that_fails_is_reported(sent: list[str]) -> None:
    assert WatchedShop().browser(PHONE).get("/broken").status_code == 500
    [(transaction, said)] = errors(sent)
    assert transaction == "broken"
    assert said.startswith("2 links and ")


def test_a_shop_that_does_not_start_is_reported_with_what_is_wrong(sent: list[str]) -> None:
    app = Flask("shop")
    app.config.update(
        SECRET_KEY=SECRET_KEY,
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY=KEY,
        XIEBAO_ENV="live",
        XIEBAO_LOCALE="fr",
    )
    try:
        Xiebao(app)
    except ConfigError as error:
        sentry_sdk.capture_exception(error)

    [text] = sent
    assert "XIEBAO_ENV" in text
    assert "XIEBAO_LOCALE" in text


def test_a_notification_that_is_not_processed_is_reported_without_names(sent: list[str]) -> None:
    """Neither in the error, nor in local variables, nor in the body of the request."""

    class FailingShop(WatchedShop):
        def hear(self, notification: Notification) -> None:
            raise ValueError(f"duplicate key: {notification.policies[0].insurant}")

    shop = FailingShop()
    body = vectors.callback(3, json.loads(vectors.ISSUED)["data"], key=KEY)
    answer = shop.app.test_client().post(
        "/xiebao/notify", base_url=shop.address, data=body, content_type="application/json"
    )
    assert answer.status_code == 500
    [event] = [text for text in sent if "not processed" in text]
    assert "ValueError in hear" in json.loads(event)["logentry"]["message"]
    assert not [text for text in sent if "林晓" in text or r"\u6797\u6653" in text]
