"""Tests for Sentry and OpenTelemetry: what they record about clicks and errors."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
import sentry_sdk
from flask import Flask, render_template
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from sqlalchemy import create_engine

from flask_xiebao import ConfigError, Xiebao, entry_clicked
from tests.callback.purchases.support import make_shop
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
from tests.support import API_KEY, PC, PHONE, SIGN, failing_function, find_leaks

__all__ = ["scene", "sent", "shop"]

pytestmark = THEIR_WARNINGS

#: A person's name that no report may contain.
NAME = "Lin Xiao of the order"


# Sentry. The fixture ``sent`` also checks that no report contains a secret.


def test_sentry_transactions_have_endpoint_names(shop: WatchedShop, sent: list[str]) -> None:
    browser = shop.browser(PHONE)
    links = browser.entries()

    for entry_id in ENDPOINTS:
        assert browser.get(links[entry_id]).status_code == 302
    assert browser.get("/xiebao/paid/nonsense").status_code == 404

    events = [json.loads(text) for text in sent]
    transactions = [event["transaction"] for event in events if event.get("type") == "transaction"]
    assert transactions == ["index", *ENDPOINTS.values(), "xiebao.paid"]
    assert not errors(sent)


@pytest.mark.parametrize(("entry_id", "endpoint"), ENDPOINTS.items(), ids=ENDPOINTS)
def test_failed_receiver_is_reported_and_click_is_redirected(
    shop: WatchedShop, sent: list[str], entry_id: str, endpoint: str
) -> None:
    browser = shop.browser(PHONE)
    receiver = failing_function(ConnectionError("statistics are down"))

    with entry_clicked.connected_to(receiver, shop.app):
        assert browser.get(browser.entries()[entry_id]).status_code == 302

    assert errors(sent) == [(endpoint, "statistics are down")]


def test_exception_in_view_with_links_is_reported(shop: WatchedShop, sent: list[str]) -> None:
    @shop.app.get("/broken")
    def broken() -> str:
        page = render_template("index.html")
        links = [shop.xiebao.product_link("QX1"), shop.xiebao.policy_link("20190226020146")]
        raise RuntimeError(f"failed after {len(links)} links and {page[:15]}")

    assert shop.browser(PHONE).get("/broken").status_code == 500
    assert errors(sent) == [("broken", "failed after 2 links and <!doctype html>")]


def test_report_of_invalid_settings_names_each_setting(sent: list[str]) -> None:
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


@pytest.mark.parametrize("failing_part", ["on_change", "database", "gateway"])
def test_failed_refresh_is_reported_without_names(
    sent: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_part: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    purchases = make_shop(engine, monkeypatch, XIEBAO_API_KEY=API_KEY)
    purchases.gateway.says(applicant={"cName": NAME}, insurants=[{"cName": NAME}])
    fail = failing_function(ZeroDivisionError())
    if failing_part == "on_change":
        purchases.then = fail
    elif failing_part == "gateway":
        purchases.gateway.then = fail
    else:
        purchases.model.metadata.drop_all(engine)

    try:
        purchases.refresh()
    except Exception as error:
        sentry_sdk.capture_exception(error)
    engine.dispose()

    [text] = sent
    assert "test_failed_refresh_is_reported_without_names" in text
    assert find_leaks(text, NAME, API_KEY, SIGN) == []


# OpenTelemetry


def test_opentelemetry_spans_have_route_names_and_no_sign(scene: ExitStack) -> None:
    exporter = InMemorySpanExporter()
    shop = Shop(ONE_WAY, lambda app: trace(app, exporter, scene))
    phone, pc = shop.browser(PHONE, signed_in="alice"), shop.browser(PC, signed_in="alice")
    links = phone.entries()
    exporter.clear()

    for entry_id in ("product", "home", "policy", "order"):
        assert phone.get(links[entry_id]).status_code == 302
    assert pc.get(links["home"]).status_code == 200
    assert phone.get("/xiebao/paid/nonsense").status_code == 404

    spans = exporter.get_finished_spans()
    pages = ("product", "home", "policy", "product", "home", "paid")
    assert [span.name for span in spans] == [f"GET /xiebao/{page}/<token>" for page in pages]
    for span in spans:
        assert span.kind is SpanKind.SERVER
        assert (span.attributes or {})["http.route"] == span.name.removeprefix("GET ")
        assert find_leaks(span.to_json(), SIGN, "/dispatch/cps") == []
