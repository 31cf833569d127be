"""Whose clicks a check makes: members of the site's, who log in there, or made up."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from flask_login import current_user

from flask_xiebao import Entry, Xiebao
from flask_xiebao.testing import CheckError, check_entries
from tests.check.support import (
    FEW,
    by_form,
    kinds,
    login_shop,
    shop,
    shop_whose_loader_fails,
    users,
    users_shop,
)
from tests.tools.mutants.sites import ACCOUNT, SITES


def test_a_rule_for_ids_that_takes_only_the_sites_own() -> None:
    app = shop(XIEBAO_MEMBER_SECRET="a secret of thirty-two characters")
    app.extensions["xiebao"].keeps_plain_key(lambda member: int(member) < 5)
    with pytest.raises(CheckError, match=r"keeps_plain_key fails .* ValueError in <lambda> \("):
        check_entries(app, devices=["pc"])
    report = check_entries(app, devices=["pc"], member="7")
    assert report.passed, str(report)


def test_a_site_that_nobody_can_log_in_to_has_no_use_for_a_member() -> None:
    with pytest.raises(CheckError, match="cannot say who is logged in, so it has no use"):
        check_entries(SITES["nobody_logs_in"](), member="7")


def test_a_login_that_is_followed_by_an_error_says_where_that_is() -> None:
    app = shop_whose_loader_fails()
    with pytest.raises(
        CheckError, match=r"does not say who .*: AttributeError in fails \("
    ) as told:
        check_entries(app, login=lambda client, member: None)
    assert "hunter2" not in str(told.value)


def test_a_check_says_whether_the_sites_own_functions_were_asked() -> None:
    app = shop()
    app.extensions["xiebao"].click_guard(lambda member, entry: True)
    _, guard, loader = sorted(check_entries(app, devices=["pc"], only=["loader"]).notes_in("en"))
    assert loader.startswith("Your site was asked only once who is logged in")
    assert guard.startswith("Your click_guard was not asked")


def test_a_member_whom_the_check_cannot_log_in_is_no_reason_to_say_that_they_are_made_up() -> None:
    report = check_entries(shop(), devices=["pc"], member="7")
    assert "say how: --login" in report.notes_in("en")[0]
    assert "made up" not in " ".join(report.notes_in("en"))


def test_a_site_with_an_address_of_its_own_logs_its_members_in() -> None:
    for login in (None, by_form):
        app = users_shop(XIEBAO_PUBLIC_URL="https://shop.example")
        report = check_entries(app, devices=FEW, member=7, login=login)
        assert report.passed, str(report)


def test_a_guard_is_asked_once_for_each_page_as_a_member_who_is_logged_in() -> None:
    app, asked = login_shop(), []

    @app.extensions["xiebao"].click_guard  # type: ignore[untyped-decorator]
    def guard(member: str, entry: Entry) -> bool:
        asked.append((member, entry.page, entry.reference))
        return member != "8"

    options: dict[str, Any] = {"pages": ["/page"], "only": ["product-plain"]}
    report = check_entries(app, member="7", **options)
    assert report.passed, str(report)
    assert sorted(page for _, page, _ in asked) == ["home", "policy", "product"]
    assert {member for member, _, _ in asked} == {"7"}
    assert not any("click_guard" in note for note in report.notes_in("en"))

    report = check_entries(app, member="8", **options)
    assert kinds(report) == {"guard"}
    assert "Your click_guard refuses this member" in str(report)


@pytest.mark.parametrize("protection", ["basic", "strong", None])
@pytest.mark.parametrize("login", [None, by_form])
def test_a_member_of_the_sites_own(login: Any, protection: str | None) -> None:
    app = login_shop(protection)
    report = check_entries(app, devices=FEW, member=7, login=login, pages=["/page"])
    assert report.passed, str(report)
    assert report.not_told == ""
    on_page = [result.case.page for result in report.results if result.case.page]
    assert set(on_page) == {"/page · product", "/page · policy", "/page · home", "/page · QR"}
    assert len(on_page) == 4 * len(FEW)


def test_whoever_the_login_logs_in_is_the_member() -> None:
    report = check_entries(login_shop(), devices=["pc"], login=by_form, only=["policy-plain"])
    assert report.passed, str(report)
    assert report.member is not None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"member": "9"}, "nobody is logged in: .* Does the site know this member"),
        ({"member": "7", "login": lambda client, member: None}, "nobody is logged in"),
        (
            {"member": "7", "login": lambda client, member: by_form(client, "8")},
            "log in member …, but the site says …: name the id",
        ),
        (
            {"member": "7", "login": lambda client: None},
            r"has to take .*: def log_in\(client, member",
        ),
        ({"login": lambda client, member: client.get("/no").status / 0}, "The login fails: Type"),
        ({"login": lambda client, member: client.get("/no")}, "answer to the login was 404"),
        ({"app_user_agent": ""}, "app_user_agent is empty"),
        ({"member": "x" * 300}, "has 300 bytes"),
        ({"member": ""}, "member '' is nobody: give the id of one"),
        ({"devices": []}, "Nothing is left to check: name a device"),
        ({"pages": "https://a..b/"}, "is not a page of the site"),
        ({"devices": ["nokia"]}, "no device 'nokia'. There are: pc, mac"),
        ({"devices": "iphnoe"}, "no device 'iphnoe'. Did you mean iphone"),
        ({"only": ["product-plane"]}, "no case 'product-plane'. Did you mean product-plain"),
        ({"pages": "orders/8"}, "'orders/8' is not a page of the site: begin it with /"),
        ({"pages": "//evil.example/p"}, "'//evil.example/p' is not a page of the site"),
        ({"pages": "https://evil.example/p"}, "is not a page .* or with https://localhost"),
        ({"pages": "https://[localhost/p"}, "is not a page of the site"),
        ({"pages": ""}, "The page '' is empty"),
        ({"pages": "/p\n"}, "The page .* has U\\+000A"),
        ({"url": "shop.example"}, "The url 'shop.example' must be an absolute http"),
        ({"url": "https://[shop"}, "must be an absolute http"),
        ({"only": []}, "Nothing is left to check"),
    ],
)
def test_a_check_that_cannot_begin_says_why(options: Any, says: str) -> None:
    with pytest.raises(CheckError, match=says):
        check_entries(login_shop(), **options)


def test_a_login_that_sets_a_cookie_of_its_own() -> None:
    app = Flask("shop")
    app.config.update(ACCOUNT, XIEBAO_PUBLIC_URL="https://shop.example")
    Xiebao(app).member_loader(lambda: request.cookies.get("uid"))

    def log_in(client: Any, member: str | None) -> None:
        client.set_cookie("uid", member)

    report = check_entries(app, devices=["pc"], member="7", login=log_in, only=["product-plain"])
    assert report.passed, str(report)


def test_a_login_that_uses_what_the_sites_own_test_client_can_do() -> None:
    class Client(FlaskClient):
        def sign_in(self, name: str) -> None:
            self.post("/login", data={"name": name})

        def open(self, *args: Any, **kwargs: Any) -> Any:
            kwargs.setdefault("follow_redirects", True)  # which no click does
            return super().open(*args, **kwargs)

    app = login_shop()
    app.test_client_class = Client
    report = check_entries(
        app,
        devices=["iphone"],
        login=lambda client, member: client.sign_in(member),  # type: ignore[attr-defined]
        member="7",
        only=["product-plain"],
    )
    assert report.passed, str(report)


def test_ids_of_flask_login_that_are_not_those_of_the_loader() -> None:
    app = Flask("shop")
    app.config.update(ACCOUNT)

    @Xiebao(app).member_loader
    def member() -> str | None:
        return f"m_{current_user.get_id()}" if current_user.is_authenticated else None

    users(app)
    report = check_entries(app, devices=["pc"], member="7", only=["policy-plain"])
    assert report.passed, str(report)


def test_a_login_that_guards_its_form() -> None:
    """Over https, such guards want to know from which page a form comes."""
    app = login_shop()
    app.config["XIEBAO_PUBLIC_URL"] = "https://shop.example"

    @app.before_request
    def guard() -> Any:
        is_ours = request.headers.get("Referer", "").startswith("https://localhost/")
        return None if request.method == "GET" or is_ours or request.blueprint else ("No", 400)

    report = check_entries(app, devices=["pc"], member=7, login=by_form, only=["policy-plain"])
    assert report.passed, str(report)


def test_what_a_login_says_that_ends_the_process_stays_unsaid() -> None:
    def log_in(client: Any, member: str | None) -> None:
        sys.exit("hunter2")

    with pytest.raises(CheckError, match="The login fails: SystemExit in log_in") as told:
        check_entries(login_shop(), login=log_in)
    assert "hunter2" not in str(told.value)
