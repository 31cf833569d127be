"""Whose clicks a check makes, on what, and what it has to be told for that."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from flask_login import current_user

from flask_xiebao import Entry, detect_platform
from flask_xiebao.check.cases import build_cases
from flask_xiebao.check.devices import build_mobile_app_devices
from flask_xiebao.testing import DEVICES, CheckError, check_entries
from tests.check.support import (
    HIDDEN_KEY,
    ON_PAGE,
    OUTSIDE,
    MakeSite,
    assert_is_right,
    by_form,
    check,
    fails,
    flask_login,
    kinds,
    login_shop,
    registers,
    right,
    shop,
)

PC: dict[str, Any] = {"devices": ["pc"], "only": ["product-plain", "policy-plain"]}

# Members who log in


class OwnClient(FlaskClient):
    """The site's own test client, which can do more than browsers."""

    def sign_in(self, name: str) -> None:
        self.post("/login", data={"name": name})

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("follow_redirects", True)  # which no click does
        return super().open(*args, **kwargs)


def with_own_client(app: Flask) -> None:
    app.test_client_class = OwnClient


def has_other_ids() -> str | None:
    """Than Flask-Login has."""
    return f"m_{current_user.get_id()}" if current_user.is_authenticated else None


#: Its rule knows its own ids alone, and keeps some of them plain.
WITH_A_RULE_FOR_IDS = partial(
    shop, registers("keeps_plain_key", lambda member: int(member) < 5), **HIDDEN_KEY
)


def guards_forms() -> Any:
    """Over https, such guards want to know from which page a form comes."""
    is_ours = request.headers.get("Referer", "").startswith("https://shop.example/")
    return None if request.method == "GET" or is_ours or request.blueprint else ("No", 400)


WITH_IDS_OF_ITS_OWN = partial(shop, flask_login(), loader=has_other_ids)
LOGINS = {"by Flask-Login": None, "by a form": by_form}
AT_ITS_ADDRESS = partial(login_shop, **OUTSIDE)


@pytest.mark.parametrize(
    ("site", "notes", "options"),
    [
        *(
            right(
                f"{how}, protection {protection}",
                partial(login_shop, login=flask_login(protection=protection)),
                login=login,
                member=7,
                pages=["/page"],
                only=["product-plain"],
            )
            for protection in ("basic", "strong", None)
            for how, login in LOGINS.items()
        ),
        *(
            right(f"{how}, at an address of its own", AT_ITS_ADDRESS, member=7, login=login)
            for how, login in LOGINS.items()
        ),
        right("whoever logs in", login_shop, login=by_form, **PC),
        right(
            "a cookie of its own",
            partial(shop, loader=lambda: request.cookies.get("uid"), **OUTSIDE),
            login=lambda client, member: client.set_cookie("uid", member),
            member="7",
            **PC,
        ),
        right(
            "a client of its own",
            partial(login_shop, with_own_client),
            login=lambda client, member: client.sign_in(member),
            member="7",
            **PC,
        ),
        right("ids of its own", WITH_IDS_OF_ITS_OWN, member="7", **PC),
        right(
            "a form that is guarded",
            partial(login_shop, before=guards_forms, **OUTSIDE),
            login=by_form,
            member=7,
            **PC,
        ),
        *(
            right(f"{member}, by a rule for ids", WITH_A_RULE_FOR_IDS, member=member, **PC)
            for member in ("3", "7")
        ),
    ],
)
def test_a_member_of_the_sites_own(
    site: MakeSite, notes: tuple[str, ...], options: dict[str, Any]
) -> None:
    report = assert_is_right(site, notes, options)
    assert report.member is not None
    if "pages" in options:
        assert report.not_told == ""
        on_page = [result.case.page for result in report.results if result.case.page]
        assert set(on_page) == {"/page · product", "/page · policy", "/page · home", "/page · QR"}
        assert len(on_page) == 4 * 2


def test_a_guard_is_asked_once_for_each_page_as_a_member_who_is_logged_in() -> None:
    asked = []

    def guard(member: str, entry: Entry) -> bool:
        asked.append((member, entry.page))
        return member != "8"

    app = login_shop(registers("click_guard", guard))
    report = check(app, member="7", **ON_PAGE)
    assert report.passed, str(report)
    assert sorted(asked) == [("7", "home"), ("7", "policy"), ("7", "product")]
    assert not any("click_guard" in note for note in report.notes_in("en"))
    assert kinds(check(app, member="8", **ON_PAGE)) == {"guard"}


# What a check has to be told


def no_login(client: Any, member: str | None) -> None:
    """A login that does nothing."""


def exits(client: Any, member: str | None) -> None:
    sys.exit("hunter2")


def divides(client: Any, member: str | None) -> None:
    client.get("/no").status / 0


COOKIE_ELSEWHERE = partial(login_shop, SESSION_COOKIE_PATH="/account")
FAILS = partial(shop, loader=fails)


@pytest.mark.parametrize(
    ("site", "options", "says"),
    [
        (
            partial(shop, loader=None),
            {"member": "7"},
            "A member was passed, but Flask-Xiebao cannot find out who",
        ),
        (
            FAILS,
            {"login": no_login},
            r"cannot find out who .*, because ZeroDivisionError was raised in fails \(",
        ),
        (
            COOKIE_ELSEWHERE,
            {"member": 7, "login": by_form},
            "After the login, the member_loader .* finds no logged-in member",
        ),
        (WITH_A_RULE_FOR_IDS, {}, r"The keeps_plain_key hook raised ValueError in <lambda> \("),
        *(
            (login_shop, options, says)
            for options, says in [
                (
                    {"member": "9"},
                    "finds no logged-in member.* Check that the site knows this member",
                ),
                ({"member": "7", "login": no_login}, "finds no logged-in member"),
                (
                    {"member": "7", "login": lambda client, member: by_form(client, "8")},
                    'for member "…", but member "…" is logged in. Pass the id',
                ),
                ({"login": lambda client: None}, r"must accept .* `def log_in\(client, member"),
                ({"login": divides}, "The login function raised TypeError in divides"),
                ({"login": exits}, "The login function raised SystemExit in exits"),
                (
                    {"login": lambda client, member: client.get("/no")},
                    "response to the login was 404",
                ),
                ({"app_user_agent": ""}, "app_user_agent must not be empty"),
                ({"member": "x" * 300}, "at most 256 bytes, got 300"),
                (
                    {"member": ""},
                    "member's id must not be empty or 0, got ''. Pass the id of a member",
                ),
                ({"devices": []}, "No device is selected. Select at least one device"),
                ({"devices": ["nokia"]}, "no device 'nokia'. Choose one of pc, mac"),
                ({"devices": "iphnoe"}, "no device 'iphnoe'. Did you mean iphone"),
                ({"only": []}, "No case is selected"),
                ({"only": ["product-plane"]}, "no case 'product-plane'. Did you mean product-pl"),
                ({"ignore": "unreeched"}, "no rule 'unreeched'. Did you mean unreached"),
                ({"expect_env": "prod"}, "expect_env must be .*test.*, got 'prod'"),
                ({"pages": "orders/8"}, "'orders/8' is not a page of the site. Use a path"),
                ({"pages": "https://a..b/"}, "is not a page of the site"),
                ({"pages": "//evil.example/p"}, "'//evil.example/p' is not a page of the site"),
                (
                    {"pages": "https://evil.example/p"},
                    'is not a page .* begins with "https://localhost',
                ),
                ({"pages": "https://[localhost/p"}, "is not a page of the site"),
                ({"pages": ""}, "The page '' is empty"),
                ({"pages": "/p\n"}, "The page .* contains the unprintable character U\\+000A"),
                ({"url": "shop.example"}, "The url 'shop.example' must be an absolute http"),
                ({"url": "https://[shop"}, "must be an absolute http"),
            ]
        ),
    ],
)
def test_a_check_that_cannot_begin_says_why(site: MakeSite, options: Any, says: str) -> None:
    with pytest.raises(CheckError, match=says) as told:
        check_entries(site(), **options)
    assert "hunter2" not in str(told.value)


def test_check_says_once_that_members_were_made_up() -> None:
    app = shop(registers("click_guard", lambda member, entry: True))
    report = check(app, devices=["pc"], only=["loader"])
    _, guard = sorted(report.notes_in("en"))
    assert guard.startswith("The click_guard was not called")
    with_page = check(app, devices=["pc"], only=["loader"], pages=["/page"])
    for each in (report, with_page):
        said = " ".join([each.missing_options_in("en"), *each.notes_in("en")])
        assert said.count("placeholder members") == 1
        assert "did not test at each click whether the site recognizes the member" in said


def test_a_member_whom_the_check_cannot_log_in_is_no_reason_to_say_that_they_are_made_up() -> None:
    first, *others = check(shop(), member="7", **PC).notes_in("en")
    assert 'Pass a login function, for example "--login' in first
    assert "placeholder" not in " ".join([first, *others])


def test_site_without_member_loader_fails_and_is_checked_as_far_as_possible() -> None:
    report = check(shop(loader=None), only=None)
    assert "Register a member_loader" in report.notes_in("en")[0]
    assert {result.case.name for result in report.failed} == {"members"}
    assert "every click that needs a login returns status 401" in str(report)
    assert "product-bearer" in {result.case.name for result in report.results}


# Cases and devices


@pytest.mark.parametrize("enabled", [True, False])
def test_whatever_is_done_has_a_name_of_its_own_in_both_languages(enabled: bool) -> None:
    done = build_cases(enabled=enabled)
    assert len({case.name for case in done}) == len(done)
    for locale in ("zh", "en"):
        assert len({case.title_in(locale) for case in done}) == len(done)
        assert all(case.expected_outcome_in(locale) for case in done)


def test_the_devices_are_found_as_what_they_are_and_have_names_of_their_own() -> None:
    """What each is stands beside it, by hand: the extension has to see the same."""
    for device in (*DEVICES.values(), *build_mobile_app_devices("ShopApp/3.2")):
        found = detect_platform(device.headers, app_user_agent=r"ShopApp/")
        assert str(int(found)) == device.platform, device.name
    assert {device.name for device in DEVICES.values()} == DEVICES.keys()
    for locale in ("zh", "en"):
        assert len({device.title_in(locale) for device in DEVICES.values()}) == len(DEVICES)
