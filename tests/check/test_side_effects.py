"""Tests for side effects of ``flask xiebao check``: signals, hooks, logging and clicks."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import request

from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import Report, check_entries, is_rehearsal
from tests.check.support import (
    ON_PAGE,
    WITH_PUBLIC_URL,
    divide_by_zero,
    get_notes,
    make_login_shop,
    make_shop,
    register_hook,
    run_check,
)
from tests.support import MEMBER_SECRET, SentSignals

ONE_CASE: dict[str, Any] = {"devices": ["iphone"], "only": ["product-plain"]}


def test_check_sends_no_signals_and_calls_no_click_guard(sent_signals: SentSignals) -> None:
    # If ``check_entries`` called this ``click_guard``, the report would contain its exception.
    app = make_shop(register_hook("click_guard", divide_by_zero))
    assert run_check(app).passed
    assert sent_signals == []


def test_check_with_receivers_sends_signals(sent_signals: SentSignals) -> None:
    only = ["product-plain", "product-expired"]
    assert run_check(make_shop(), devices=["iphone"], only=only, with_receivers=True).passed
    (clicked, click), (refused, refusal) = sent_signals
    assert (clicked, click["entry"].page) == ("clicked", "product")
    assert (refused, refusal["reason"]) == ("refused", "expired")


def test_request_headers_cannot_imitate_check(sent_signals: SentSignals) -> None:
    values: list[bool] = []
    app = make_shop(before=lambda: values.append(is_rehearsal()))
    app.test_client().get(
        "/xiebao/product/x",
        headers={"flask_xiebao.rehearsal": "1", "Flask-Xiebao-Rehearsal": "1"},
    )
    assert values == [False]
    assert [name for name, _ in sent_signals] == ["refused"]


def test_warning_is_logged_for_visitor_after_check(caplog: pytest.LogCaptureFixture) -> None:
    app = make_shop(page='{{ insurance_entry("QX1", platfrom="h5") }}', XIEBAO_STRICT=False)
    run_check(app, **ON_PAGE)
    assert "platfrom" not in caplog.text
    app.test_client().get("/page")
    assert "platfrom" in caplog.text


def get_logging_state() -> list[Any]:
    """Return the log record factory, handlers and filters, to compare them after a check."""
    return [
        logging.getLogRecordFactory(),
        logging.getLogger().handlers[:],
        logging.getLogger("shop").filters[:],
    ]


def test_nested_checks_restore_logging() -> None:
    app, nested_reports, state = make_shop(), list[Report](), get_logging_state()

    def check_again(_done: int, _total: int) -> None:
        nested_reports.append(run_check(app, **ONE_CASE))

    assert run_check(app, **ONE_CASE, progress=check_again).passed
    assert nested_reports[0].passed
    assert get_logging_state() == state


# Clicks of ``flask xiebao check`` in production, where a site may count each click as a visit


def test_check_in_production_makes_few_clicks() -> None:
    clicks = []

    def count_clicks() -> None:
        is_click = request.method == "GET" and "Sec-Purpose" not in request.headers
        if request.blueprint == "xiebao" and request.endpoint != "xiebao.static" and is_click:
            clicks.append(request.endpoint)

    app = make_shop(before=count_clicks, XIEBAO_ENV="production", **WITH_PUBLIC_URL)
    report = check_entries(app)
    few = len(clicks)

    assert report.passed, str(report)
    assert {result.case.kind for result in report.results} == {"plain", "visitor"}
    assert f"clicks by an anonymous visitor. It made {few} clicks." in get_notes(report)
    assert few < 34 * len(PAGES)
    assert check_entries(app, devices=iter(["pc", "iphone"]), full=True).passed
    assert len(clicks) > 2 * few


def test_check_in_production_opens_return_url_only_on_request() -> None:
    visits: list[str] = []
    app = make_login_shop(
        page='{{ insurance_entry("QX1", return_to="/orders/8") }}',
        views={"/orders/8": "Thank you"},
        before=lambda: visits.append(request.path),
        XIEBAO_ENV="production",
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
        **WITH_PUBLIC_URL,
    )

    report = run_check(app, member=7, **ON_PAGE)
    assert report.passed, str(report)
    assert "/orders/8" not in visits
    assert "Add --follow-return to open these pages" in get_notes(report)

    assert run_check(app, member=7, **ON_PAGE, follow_return=True).passed
    assert visits.count("/orders/8") == 1
