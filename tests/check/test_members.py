"""Tests for logins, made-up members and the ``click_guard`` in ``flask xiebao check``.

To test another way to log in, add a row to ``LOGINS``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import request

from flask_xiebao import Entry
from flask_xiebao.testing import Report
from tests.check.support import (
    HIDDEN_KEY,
    WITH_PUBLIC_URL,
    MakeApp,
    get_failed_rules,
    log_in_by_form,
    make_login_shop,
    make_shop,
    register_hook,
    run_check,
    use_flask_login,
)

ON_PAGE: dict[str, Any] = {"pages": ["/page"]}


def load_prefixed_member() -> str | None:
    """Return a member id that differs from the id in Flask-Login."""
    from flask_login import current_user

    return f"m_{current_user.get_id()}" if current_user.is_authenticated else None


def reject_cross_site_forms() -> Any:
    """Reject POST requests with a missing or foreign Referer, as CSRF protection does for HTTPS."""
    is_same_site = request.headers.get("Referer", "").startswith("https://shop.example/")
    is_allowed = request.method == "GET" or is_same_site or request.blueprint
    return None if is_allowed else ("No", 400)


#: Builds a site whose hook ``keeps_plain_key`` raises an exception for member ids that are not
#: numbers.
make_shop_with_numeric_ids = partial(
    make_shop, register_hook("keeps_plain_key", lambda member: int(member) < 5), **HIDDEN_KEY
)

#: One row per way to log in: the function that builds the site, and the arguments of
#: ``check_entries``.
LOGINS: dict[str, tuple[MakeApp, dict[str, Any]]] = {
    **{
        f"Flask-Login, session protection {protection}": (
            partial(make_login_shop, login=use_flask_login(protection=protection)),
            {"member": 7, **ON_PAGE},
        )
        for protection in ("basic", "strong", None)
    },
    "Flask-Login, XIEBAO_PUBLIC_URL": (
        partial(make_login_shop, **WITH_PUBLIC_URL),
        {"member": 7, **ON_PAGE},
    ),
    "login form, XIEBAO_PUBLIC_URL": (
        partial(make_login_shop, **WITH_PUBLIC_URL),
        {"member": 7, "login": log_in_by_form, **ON_PAGE},
    ),
    "login form without member": (make_login_shop, {"login": log_in_by_form, **ON_PAGE}),
    "member without login function": (make_shop, {"member": "7"}),
    "custom cookie": (
        partial(make_shop, loader=lambda: request.cookies.get("uid"), **WITH_PUBLIC_URL),
        {"login": lambda client, member: client.set_cookie("uid", member), "member": "7"},
    ),
    "ids different from those of Flask-Login": (
        partial(make_shop, use_flask_login(), loader=load_prefixed_member),
        {"member": "7"},
    ),
    "login form with CSRF protection": (
        partial(make_login_shop, before=reject_cross_site_forms, **WITH_PUBLIC_URL),
        {"login": log_in_by_form, "member": 7},
    ),
    **{
        f"keeps_plain_key, member {member}": (make_shop_with_numeric_ids, {"member": member})
        for member in ("3", "7")
    },
}


def get_entries(report: Report) -> set[tuple[str, str]]:
    """Return the entries on pages that the check clicked, each with its visitor."""
    return {(each.entry, each.visitor) for each in report.results if each.page and each.status}


@pytest.mark.parametrize(("site", "options"), LOGINS.values(), ids=LOGINS)
def test_check_logs_in_member(site: MakeApp, options: dict[str, Any]) -> None:
    report = run_check(site, **options)

    assert report.passed, str(report)
    entries = {
        *(("product QX1", "member"), ("policy P1", "member"), ("home", "member")),
        ("QR product QX1", "nobody"),
    }
    assert get_entries(report) == (entries if "pages" in options else set())


def test_click_guard_is_called_once_per_click_with_logged_in_member() -> None:
    calls = []

    def record_click(member: str, entry: Entry) -> bool:
        calls.append((member, entry.page))
        return True

    app = make_login_shop(register_hook("click_guard", record_click))
    report = run_check(app, member="7", devices="iphone", pages=["/page"])
    assert report.passed, str(report)
    # The member clicks the page's entries and a link of the check. A QR code is scanned by an
    # anonymous visitor.
    assert sorted(calls) == [("7", "home"), ("7", "policy"), ("7", "product"), ("7", "product")]


@pytest.mark.parametrize(("options", "rules"), [({}, set()), ({"member": "7"}, {"guard"})])
def test_click_guard_is_called_only_with_logged_in_member(
    options: dict[str, Any], rules: set[str]
) -> None:
    app = make_login_shop(register_hook("click_guard", lambda member, entry: False))
    assert get_failed_rules(run_check(app, **options)) == rules
