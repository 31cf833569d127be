"""A check leaves a site, and what it hears and logs, as they are."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import request

from flask_xiebao import Entry, entry_clicked, entry_refused, payment_returned
from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import Report, check_entries, is_rehearsal
from tests.check.support import ON_PAGE, OUTSIDE, check, login_shop, registers, shop
from tests.support import MEMBER_SECRET

PLAIN: dict[str, Any] = {"devices": ["iphone"], "only": ["product-plain"]}


def test_the_site_hears_nothing_of_members_who_are_made_up() -> None:
    sent_signals = list[Any]()

    def guard(member: str, entry: Entry) -> bool:
        sent_signals.append(member)
        return True

    app = shop(registers("click_guard", guard))
    for signal in (entry_clicked, entry_refused, payment_returned):
        signal.connect(lambda _app, **said: sent_signals.append(said), app, weak=False)

    assert check(app).passed
    assert sent_signals == []
    # No visitor can say that a click is a check's.
    pretended = {"flask_xiebao.rehearsal": "1", "Flask-Xiebao-Rehearsal": "1"}
    app.test_client().get("/xiebao/product/x", headers=pretended)
    assert sent_signals.pop()["reason"] == "invalid_link"

    options = {**PLAIN, "only": ["product-plain", "product-expired"]}
    assert check(app, **options, with_receivers=True).passed
    clicked, refused = sent_signals
    assert clicked["entry"].page == "product"
    assert refused["reason"] == "expired"


def test_hooks_of_the_site_can_leave_a_check_out_of_what_they_count() -> None:
    counted: list[str] = []

    def count() -> None:
        if not is_rehearsal():
            counted.append(request.path)

    app = shop(before=count)
    assert check(app, **PLAIN).passed
    assert counted == []
    app.test_client().get("/xiebao/product/x")
    assert counted == ["/xiebao/product/x"]


def test_what_a_check_has_heard_is_still_logged_for_visitors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = shop(page='{{ insurance_entry("QX1", platfrom="h5") }}', XIEBAO_STRICT=False)
    check(app, **ON_PAGE)
    assert "platfrom" not in caplog.text
    app.test_client().get("/page")
    assert "platfrom" in caplog.text


def loggers() -> list[Any]:
    """Return what a check might change of them."""
    root, own = logging.getLogger(), logging.getLogger("shop")
    return [logging.getLogRecordFactory(), root.handlers[:], own.filters[:]]


def test_logging_is_left_as_it_was() -> None:
    app, inner, before = shop(), list[Report](), loggers()

    def once_more(_done: int, _of: int) -> None:
        inner.append(check(app, **PLAIN))

    assert check(app, **PLAIN, progress=once_more).passed
    assert inner[0].passed
    assert loggers() == before


# In production, each click may be a row of a site that counts visits.


def test_in_production_plain_clicks_alone_are_made() -> None:
    clicks = []

    def count() -> None:
        is_made = request.method != "GET" or "Sec-Purpose" in request.headers
        if request.blueprint == "xiebao" and request.endpoint != "xiebao.static" and not is_made:
            clicks.append(request.endpoint)

    app = shop(before=count, XIEBAO_ENV="production", **OUTSIDE)
    report = check_entries(app)
    assert report.passed, str(report)
    assert {result.case.kind for result in report.results} == {"plain", "visitor"}
    notes = "".join(report.notes_in("en"))
    assert f"clicks by an anonymous visitor. It made {len(clicks)} clicks." in notes
    few = len(clicks)
    assert few < 34 * len(PAGES)
    assert check_entries(app, devices=iter(["pc", "iphone"]), full=True).passed
    assert len(clicks) > 2 * few


def test_in_production_the_way_back_is_opened_only_on_demand() -> None:
    opened: list[str] = []

    def order() -> str:
        opened.append("paid")
        return "Thank you"

    body = '{{ insurance_entry("QX1", return_to="/orders/8") }}'
    app = login_shop(
        page=body,
        views={"/orders/8": order},
        XIEBAO_ENV="production",
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
        **OUTSIDE,
    )
    report = check(app, member=7, **ON_PAGE)
    assert report.passed, str(report)
    assert opened == []
    assert "Add --follow-return to open these pages" in "".join(report.notes_in("en"))
    assert check(app, member=7, **ON_PAGE, follow_return=True).passed
    assert opened == ["paid"]
