"""Tests that ``flask xiebao check`` changes nothing on the site: signals, hooks, logs, sessions."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import g, request, session

from flask_xiebao.testing import check_entries, is_rehearsal
from tests.check.support import (
    ON_PAGE,
    WITH_PUBLIC_URL,
    divide_by_zero,
    make_login_shop,
    make_shop,
    register_hook,
    run_check,
)
from tests.support import MEMBER_SECRET, SentSignals

RETURN_PAGE = '{{ insurance_entry("QX1", return_to="/orders/8") }}'


def test_check_calls_no_receivers_and_no_handlers(sent_signals: SentSignals) -> None:
    # If ``check_entries`` called one of these hooks, the report would contain its exception. The
    # member is made up, so the click_guard is not called, either.
    app = make_shop(
        register_hook("click_guard", divide_by_zero),
        register_hook("notification_handler", divide_by_zero),
        page=RETURN_PAGE,
        views={"/orders/8": "Thank you"},
    )
    report = run_check(app, **ON_PAGE)
    assert report.passed, str(report)
    assert sent_signals == []


def test_request_headers_cannot_imitate_check(sent_signals: SentSignals) -> None:
    values: list[bool] = []
    app = make_shop(before=lambda: values.append(is_rehearsal()))
    app.test_client().get(
        "/xiebao/product/x",
        headers={"flask_xiebao.rehearsal": "1", "Flask-Xiebao-Rehearsal": "1"},
    )
    assert values == [False]
    assert [name for name, _ in sent_signals] == ["refused"]


def test_every_request_of_check_is_rehearsal() -> None:
    values: list[bool] = []
    app = make_login_shop(before=lambda: values.append(is_rehearsal()))
    assert run_check(app, member=7, **ON_PAGE).passed
    assert set(values) == {True}
    assert not is_rehearsal()


def test_warning_is_logged_for_visitor_after_check(caplog: pytest.LogCaptureFixture) -> None:
    app = make_shop(page='{{ insurance_entry("QX1", platfrom="h5") }}', XIEBAO_STRICT=False)
    run_check(app, **ON_PAGE)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    app.test_client().get("/page")
    assert "platfrom" in caplog.text


def test_check_keeps_context_and_session_of_caller() -> None:
    app = make_login_shop()

    @app.get("/console")
    def check_site() -> dict[str, Any]:
        g.user, session["cart"] = "alice", [1]
        report = check_entries(app, member="7", pages=["/page"], devices="iphone")
        state = {"user": g.user, "cart": session["cart"], "path": request.path}
        return {**state, "passed": report.passed, "members": sorted(session)}

    client = app.test_client()
    assert client.get("/console").json == {
        "user": "alice",
        "cart": [1],
        "path": "/console",
        "passed": True,
        "members": ["cart"],
    }
    with client.session_transaction() as stored_session:
        assert dict(stored_session) == {"cart": [1]}


def test_check_restores_logging() -> None:
    app, root = make_shop(), logging.getLogger()
    state = root.handlers[:], app.logger.filters[:]
    assert run_check(app, devices="iphone").passed
    assert (root.handlers, app.logger.filters) == state


# Pages after payment, where a shop may take an order for paid


@pytest.mark.parametrize(("environment", "is_opened"), [("test", True), ("production", False)])
def test_check_opens_return_page_only_in_test_environment(
    environment: str, is_opened: bool
) -> None:
    visits: list[str] = []
    app = make_login_shop(
        page=RETURN_PAGE,
        views={"/orders/8": "Thank you"},
        before=lambda: visits.append(request.path),
        XIEBAO_ENV=environment,
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
        **WITH_PUBLIC_URL,
    )

    report = run_check(app, member=7, **ON_PAGE)
    assert report.passed, str(report)
    assert ("/orders/8" in visits) is is_opened
