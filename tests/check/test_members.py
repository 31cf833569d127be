"""Tests for logins, placeholder members and the ``click_guard`` in ``flask xiebao check``.

To test another way to log in, add a row to ``LOGINS``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from flask_xiebao import Entry
from tests.check.support import (
    HIDDEN_KEY,
    ON_PAGE,
    WITH_PUBLIC_URL,
    MakeApp,
    assert_check_passes,
    get_notes,
    log_in_by_form,
    make_login_shop,
    make_shop,
    passing_row,
    register_hook,
    run_check,
    use_flask_login,
)

ON_PC: dict[str, Any] = {"devices": ["pc"], "only": ["product-plain", "policy-plain"]}


class CustomClient(FlaskClient):
    """A custom test client that follows redirects and can log in members."""

    def sign_in(self, name: str) -> None:
        self.post("/login", data={"name": name})

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("follow_redirects", True)
        return super().open(*args, **kwargs)


def use_custom_client(app: Flask) -> None:
    app.test_client_class = CustomClient


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
WITH_NUMERIC_IDS = partial(
    make_shop, register_hook("keeps_plain_key", lambda member: int(member) < 5), **HIDDEN_KEY
)
LOGIN_FUNCTIONS = {"Flask-Login": None, "login form": log_in_by_form}
#: One row per way to log in: the function that builds the site, texts of the expected notes, and
#: the arguments of ``check_entries``.
LOGINS = [
    *(
        passing_row(
            f"{name}, session protection {protection}",
            partial(make_login_shop, login=use_flask_login(protection=protection)),
            login=login,
            member=7,
            pages=["/page"],
            only=["product-plain"],
        )
        for protection in ("basic", "strong", None)
        for name, login in LOGIN_FUNCTIONS.items()
    ),
    *(
        passing_row(
            f"{name}, XIEBAO_PUBLIC_URL",
            partial(make_login_shop, **WITH_PUBLIC_URL),
            member=7,
            login=login,
        )
        for name, login in LOGIN_FUNCTIONS.items()
    ),
    passing_row("login form without member", make_login_shop, login=log_in_by_form, **ON_PC),
    passing_row(
        "member without login function",
        make_shop,
        'Pass a login function, for example "--login',
        member="7",
        **ON_PC,
    ),
    passing_row(
        "custom cookie",
        partial(make_shop, loader=lambda: request.cookies.get("uid"), **WITH_PUBLIC_URL),
        login=lambda client, member: client.set_cookie("uid", member),
        member="7",
        **ON_PC,
    ),
    passing_row(
        "custom test client",
        partial(make_login_shop, use_custom_client),
        login=lambda client, member: client.sign_in(member),
        member="7",
        **ON_PC,
    ),
    passing_row(
        "ids different from those of Flask-Login",
        partial(make_shop, use_flask_login(), loader=load_prefixed_member),
        member="7",
        **ON_PC,
    ),
    passing_row(
        "login form with CSRF protection",
        partial(make_login_shop, before=reject_cross_site_forms, **WITH_PUBLIC_URL),
        login=log_in_by_form,
        member=7,
        **ON_PC,
    ),
    *(
        passing_row(f"keeps_plain_key, member {member}", WITH_NUMERIC_IDS, member=member, **ON_PC)
        for member in ("3", "7")
    ),
]


@pytest.mark.parametrize(("site", "notes", "options"), LOGINS)
def test_check_logs_in_member(
    site: MakeApp, notes: tuple[str, ...], options: dict[str, Any]
) -> None:
    report = assert_check_passes(site, notes, options)

    assert report.member is not None
    assert "placeholder" not in get_notes(report)
    if "pages" in options:
        assert report.not_told == ""
        pages = [result.case.page for result in report.results if result.case.page]
        assert sorted(pages) == sorted(
            [f"/page · {name}" for name in ("product", "policy", "home", "QR")] * 2
        )


def test_click_guard_is_called_once_per_entry_with_logged_in_member() -> None:
    calls = []

    def record_click(member: str, entry: Entry) -> bool:
        calls.append((member, entry.page))
        return True

    app = make_login_shop(register_hook("click_guard", record_click))
    report = run_check(app, member="7", **ON_PAGE)
    assert report.passed, str(report)
    assert sorted(calls) == [("7", "home"), ("7", "policy"), ("7", "product")]
    assert "click_guard" not in get_notes(report)


@pytest.mark.parametrize("pages", [[], ["/page"]])
def test_report_mentions_placeholder_members_once(pages: list[str]) -> None:
    app = make_shop(register_hook("click_guard", lambda member, entry: True))
    report = run_check(app, devices=["pc"], only=["loader"], pages=pages)
    text = " ".join([report.missing_options_in("en"), *report.notes_in("en")])
    assert text.count("placeholder members") == 1
    assert "did not test at each click whether the site recognizes the member" in text
    assert "The click_guard was not called" in get_notes(report)
