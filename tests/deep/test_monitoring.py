"""Tests for Sentry reports and OpenTelemetry spans about clicks and errors."""

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
from tests.ecosystem.conftest import exit_stack
from tests.ecosystem.shop import DEFAULT_SETUP, Shop
from tests.ecosystem.sites import trace_app
from tests.ecosystem.test_sentry import (
    SECRET_KEY,
    URL_RULES,
    FailingShop,
    get_exceptions,
    sentry_events,
    shop,
)
from tests.support import API_KEY, PC, PHONE, SIGN, failing_function, find_leaks

__all__ = ["exit_stack", "sentry_events", "shop"]

#: A person's name in an order. No error report may contain the name.
NAME = "Lin Xiao of the order"


# Reports to Sentry. The fixture ``sentry_events`` also checks that no report contains a secret.


def test_sentry_spans_have_names_of_url_rules(shop: FailingShop, sentry_events: list[str]) -> None:
    browser = shop.open_browser(PHONE)
    links = browser.get_links()

    for entry_id in URL_RULES:
        assert browser.get(links[entry_id]).status_code == 302
    assert browser.get("/xiebao/paid/nonsense").status_code == 404

    sentry_sdk.flush()
    spans = [span for text in sentry_events for span in json.loads(text).get("items", [])]
    names = [span["name"] for span in spans if span.get("is_segment")]
    assert sorted(names) == sorted(["/", *URL_RULES.values(), "/xiebao/paid/<token>"])
    assert not get_exceptions(sentry_events)


@pytest.mark.parametrize(("entry_id", "url_rule"), URL_RULES.items(), ids=URL_RULES)
def test_failed_receiver_is_reported_and_click_is_redirected(
    shop: FailingShop, sentry_events: list[str], entry_id: str, url_rule: str
) -> None:
    browser = shop.open_browser(PHONE)
    receiver = failing_function(ConnectionError("statistics are down"))

    with entry_clicked.connected_to(receiver, shop.app):
        assert browser.get(browser.get_links()[entry_id]).status_code == 302

    assert get_exceptions(sentry_events) == [(url_rule, "statistics are down")]


def test_exception_in_view_with_links_is_reported(
    shop: FailingShop, sentry_events: list[str]
) -> None:
    @shop.app.get("/broken")
    def raise_after_links() -> str:
        page = render_template("index.html")
        links = [shop.xiebao.product_link("QX1"), shop.xiebao.policy_link("20190226020146")]
        raise RuntimeError(f"failed after {len(links)} links and {page[:15]}")

    assert shop.open_browser(PHONE).get("/broken").status_code == 500
    assert get_exceptions(sentry_events) == [
        ("/broken", "failed after 2 links and <!doctype html>")
    ]


def test_report_of_invalid_settings_names_each_setting(sentry_events: list[str]) -> None:
    app = Flask("shop")
    app.config.update(SECRET_KEY=SECRET_KEY, XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY=API_KEY)
    app.config.update(XIEBAO_ENV="live", XIEBAO_LOCALE="fr")

    try:
        Xiebao(app)
    except ConfigError as error:
        sentry_sdk.capture_exception(error)

    [text] = sentry_events
    assert "XIEBAO_ENV" in text
    assert "XIEBAO_LOCALE" in text


@pytest.mark.parametrize("failing_part", ["on_change", "database", "gateway"])
def test_failed_refresh_is_reported_without_names(
    sentry_events: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_part: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    purchases = make_shop(engine, monkeypatch, XIEBAO_API_KEY=API_KEY)
    purchases.gateway.set_order(applicant={"cName": NAME}, insurants=[{"cName": NAME}])
    raise_error = failing_function(ZeroDivisionError())
    if failing_part == "on_change":
        purchases.on_change = raise_error
    elif failing_part == "gateway":
        purchases.gateway.on_query = raise_error
    else:
        purchases.execute_sql("DROP TABLE xiebao_purchase")

    try:
        purchases.refresh()
    except Exception as error:
        sentry_sdk.capture_exception(error)
    engine.dispose()

    [text] = sentry_events
    assert "test_failed_refresh_is_reported_without_names" in text
    assert find_leaks(text, NAME, API_KEY, SIGN) == []


# OpenTelemetry spans


def test_opentelemetry_spans_have_route_names_and_no_sign(exit_stack: ExitStack) -> None:
    exporter = InMemorySpanExporter()
    shop = Shop(DEFAULT_SETUP, lambda app: trace_app(app, exporter, exit_stack))
    phone, pc = shop.open_browser(PHONE, member="alice"), shop.open_browser(PC, member="alice")
    links = phone.get_links()
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
