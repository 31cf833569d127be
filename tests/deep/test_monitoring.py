"""Sentry and OpenTelemetry: clicks by their names, errors where they were, and no secret."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from flask import Flask, render_template
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from sqlalchemy import create_engine

from flask_xiebao import ConfigError, Xiebao, entry_clicked
from tests.callback.purchases.support import make_shop
from tests.check.support import fails as broken
from tests.ecosystem.conftest import scene
from tests.ecosystem.shop import ONE_WAY, Shop
from tests.ecosystem.sites import THEIR_WARNINGS, trace
from tests.ecosystem.test_sentry import (
    ENDPOINTS,
    SECRET_KEY,
    WatchedShop,
    errors,
    sent,
    shop,
)
from tests.support import API_KEY, PC, PHONE, SIGN

PERSON = "Lin Xiao of the order"

__all__ = ["scene", "sent", "shop"]

pytestmark = THEIR_WARNINGS


def test_clicks_are_transactions_named_after_their_endpoints(
    shop: WatchedShop, sent: list[str]
) -> None:
    browser = shop.browser(PHONE)
    links = browser.entries()
    for id in ENDPOINTS:
        assert browser.get(links[id]).status_code == 302
    assert browser.get("/xiebao/paid/nonsense").status_code == 404

    events = [json.loads(text) for text in sent]
    transactions = [event["transaction"] for event in events if event.get("type") == "transaction"]
    assert transactions == ["index", *ENDPOINTS.values(), "xiebao.paid"]
    assert not errors(sent)


def fail(_app: Flask, **_values: Any) -> None:
    raise ConnectionError("statistics are down")


@pytest.mark.parametrize(("id", "endpoint"), ENDPOINTS.items(), ids=ENDPOINTS)
def test_a_receiver_that_fails_is_reported_and_stops_nobody(
    shop: WatchedShop, sent: list[str], id: str, endpoint: str
) -> None:
    browser = shop.browser(PHONE)
    with entry_clicked.connected_to(fail, shop.app):
        assert browser.get(browser.entries()[id]).status_code == 302
    assert errors(sent) == [(endpoint, "statistics are down")]


def test_a_page_of_the_shop_that_fails_is_reported(shop: WatchedShop, sent: list[str]) -> None:
    @shop.app.get("/broken")
    def broken() -> str:
        page = render_template("index.html")
        links = [shop.xiebao.product_link("QX1"), shop.xiebao.policy_link("20190226020146")]
        raise RuntimeError(f"{len(links)} links and {page[:15]} were in vain")

    assert shop.browser(PHONE).get("/broken").status_code == 500
    assert errors(sent) == [("broken", "2 links and <!doctype html> were in vain")]


def test_a_shop_that_does_not_start_is_reported_with_what_is_wrong(sent: list[str]) -> None:
    app = Flask("shop")
    app.config.update(SECRET_KEY=SECRET_KEY, XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY=API_KEY)
    app.config.update(XIEBAO_ENV="live", XIEBAO_LOCALE="fr")
    try:
        Xiebao(app)
    except ConfigError as error:
        sentry_sdk.capture_exception(error)

    [text] = sent
    assert "XIEBAO_ENV" in text
    assert "XIEBAO_LOCALE" in text


@pytest.mark.parametrize("fails", ["on_change", "database", "gateway"])
def test_purchases_that_fail_are_reported_without_names(
    sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    purchases = make_shop(engine, monkeypatch, XIEBAO_API_KEY=API_KEY)
    purchases.gateway.says(applicant={"cName": PERSON}, insurants=[{"cName": PERSON}])
    if fails == "on_change":
        purchases.then = broken
    elif fails == "database":
        purchases.model.metadata.drop_all(engine)
    else:
        purchases.gateway.then = broken
    try:
        purchases.refresh()
    except Exception as error:
        sentry_sdk.capture_exception(error)
    engine.dispose()
    [text] = sent
    assert "test_purchases_that_fail" in text
    assert [secret for secret in (PERSON, API_KEY, SIGN) if secret in text] == []


def test_clicks_are_spans_named_after_their_routes_without_the_sign(
    scene: ExitStack,
) -> None:
    spans = InMemorySpanExporter()
    shop = Shop(ONE_WAY, lambda app: trace(app, spans, scene))
    phone, pc = shop.browser(PHONE, signed_in="alice"), shop.browser(PC, signed_in="alice")
    links = phone.entries()
    spans.clear()

    for id in ("product", "home", "policy", "order"):
        assert phone.get(links[id]).status_code == 302
    assert pc.get(links["home"]).status_code == 200
    assert phone.get("/xiebao/paid/nonsense").status_code == 404

    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == [
        f"GET /xiebao/{page}/<token>"
        for page in ("product", "home", "policy", "product", "home", "paid")
    ]
    for span in finished:
        assert span.kind is SpanKind.SERVER
        assert (span.attributes or {})["http.route"] == span.name.removeprefix("GET ")
        assert SIGN not in span.to_json()
        assert "/dispatch/cps" not in span.to_json()
