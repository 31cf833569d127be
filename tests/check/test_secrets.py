"""What no report of a check has in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree as ET

import pytest
from flask import Flask, Response, redirect, render_template_string, request

from flask_xiebao import LinkError, Xiebao, XiebaoError
from flask_xiebao.check.reports import FORMATS
from flask_xiebao.testing import CheckError, check_entries
from tests.check.support import (
    command,
    forged,
    kinds,
    login_shop,
    outside,
    shop,
    spoilt,
    users,
)
from tests.support import KEY, MACROS, SIGN_OF_KEY


def test_no_link_that_lets_somebody_in_is_in_a_report() -> None:
    def elsewhere(response: Response) -> Response | None:
        if request.endpoint in ("xiebao.product", "xiebao.home", "xiebao.policy"):
            return cast(Response, redirect(f"https://www.shop.example{request.full_path}", 301))
        return None

    app = spoilt(elsewhere)

    @app.get("/page")
    def page() -> str:
        return render_template_string(
            MACROS + '{{ insurance_entry("QX1", member="m1", no_login_for=3600, return_to="/") }}'
        )

    @app.before_request
    def wall() -> Any:
        if request.path.startswith("/xiebao/home"):
            return redirect(f"/login?next={request.full_path}")
        return None

    @app.get("/buy")
    def buy() -> Any:
        return redirect(
            app.extensions["xiebao"].product_link("QX1", member="m1", no_login_for=3600)
        )

    report = check_entries(app, devices=["pc"], member="m1", pages=["/page", "/buy"])
    assert "page.302" in kinds(report)
    said = [form(report, locale) for form in FORMATS.values() for locale in ("zh", "en")]
    assert "www.shop.example" in said[0]
    for each in said:
        # Two parts of a token, of which the second is the signature.
        assert not re.search(r"WyJ[A-Za-z0-9_-]{8,}(\.|%2E)", each, re.IGNORECASE)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("partnerUniqKey=", "partnerUniqueKey="),
        lambda url: re.sub("partnerUniqKey=([^&]+)", r"caseCode=\1&\g<0>", url),
        lambda url: re.sub(r"\?(.*partnerUniqKey=([^&]+).*)", r"/\2?\1", url),
        lambda url: f"/go/{base64.b64encode(url.encode()).decode()}",
    ],
)
@pytest.mark.parametrize("gateway", ["https://gw.example", "/", "/lo"])
def test_no_key_of_a_member_is_in_a_report(change: Callable[[str], str], gateway: str) -> None:
    """It opens a member's policies to whoever puts it into a URL, as the sign does."""
    app = login_shop()
    app.config.update(
        XIEBAO_MEMBER_SECRET="a secret of thirty-two characters",
        XIEBAO_BASE_URL=gateway,
        XIEBAO_API_KEY=KEY,
    )
    again = Flask("shop")
    again.config.update(app.config)
    xiebao = Xiebao(again)
    users(again)
    with again.app_context():
        key = xiebao.partner_uniq_key("7")

    def lead_on(status: str, headers: list[Any]) -> tuple[str, list[Any]]:
        return status, [
            (name, change(value) if name == "Location" and "/dispatch/" in value else value)
            for name, value in headers
        ]

    outside(again, lead_on)
    only = ["product-plain", "product-return", "policy-return"]
    report = check_entries(again, devices=["iphone"], member="7", only=only)
    assert not report.passed
    for form in FORMATS.values():
        said = form(report, "en")
        assert key[:16] not in said.lower()
        assert SIGN_OF_KEY not in said
        for run in re.findall("[A-Za-z0-9+/]{40,}", said if form is not FORMATS["html"] else ""):
            whole = run[: len(run) // 4 * 4]
            assert SIGN_OF_KEY.encode() not in base64.b64decode(whole)


def test_no_api_key_is_in_a_report_however_it_is_written() -> None:
    key = "NDQ5NzVhMzFiZjM=key+1/2=="

    def add(response: Response) -> None:
        if response.location:
            response.location += f"&apiKey={quote(key, safe='')}"

    for app in (
        spoilt(add, XIEBAO_API_KEY=key),
        shop(XIEBAO_API_KEY=key, XIEBAO_EXTRA={"apiKey": key}),
    ):
        report = check_entries(app, devices=["iphone"], only=["product-plain"])
        for form in FORMATS.values():
            assert "NDQ5NzVhMzFiZjM" not in form(report)
            assert "key%2B" not in form(report)


def test_no_link_that_was_asked_for_as_a_page_is_in_a_report() -> None:
    app = shop()
    with app.test_request_context():
        link = app.extensions["xiebao"].product_link("QX1", member="m1", no_login_for=600)
    report = check_entries(app, devices=["pc"], pages=[link], only=["product-plain"])
    for form in FORMATS.values():
        assert link.rpartition("/")[2] not in form(report)


def test_an_error_of_the_sites_own_kind_says_nothing_private() -> None:
    class MineError(XiebaoError):
        pass

    def change(response: Response) -> None:
        raise MineError("the password is hunter2")

    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert kinds(report) == {"crash"}
    assert "hunter2" not in str(report)


def test_what_opens_an_account_at_the_gateway_is_in_no_report() -> None:
    app = shop(XIEBAO_MEMBER_SECRET="a secret of thirty-two characters or more")
    key = app.extensions["xiebao"]
    with app.app_context():
        whole = key.partner_uniq_key("m1")
    report = check_entries(app, devices=["iphone"], member="m1")
    assert report.passed, str(report)
    for form in FORMATS.values():
        said = form(report, "en")
        assert whole not in said
        assert "paySuccess=aH" not in said


IDS = [
    *("m_7Qk2vX9rT4", "alice@example.com", "用户7", "a/lice&c d", "0b7d73aa-8f3e-4d0c-9c1b-77aa"),
    *("王芳@例子.com", "O'Brien & Söhne", "a/b c:d"),
]


def in_base64(said: str) -> str:
    return base64.urlsafe_b64encode(f"This is who it is: {said}".encode()).decode()


@pytest.mark.parametrize("member", IDS)
@pytest.mark.parametrize(
    "change",
    [
        lambda key, member: f"https://x.example/{quote(key)}.html",
        lambda key, member: f"/a;k={quote(key)};b=1",
        lambda key, member: f"/u/{quote(quote(member))}/您好{quote(member)}！",
        lambda key, member: f"/u/{member.upper()}?k={quote(key, safe='')},1",
        lambda key, member: f"/u/{quote(member, safe='@:!$&()*+,;=')}?{urlencode({'m': member})}",
        lambda key, member: f"/u/{in_base64(member)}/{in_base64(json.dumps([member]))}",
    ],
)
def test_no_id_and_no_key_of_a_member_is_in_a_report(member: str, change: Any) -> None:
    app = shop(XIEBAO_MEMBER_SECRET="a secret of thirty-two characters")
    with app.app_context():
        key = app.extensions["xiebao"].partner_uniq_key(member)

    @app.after_request
    def lead_on(response: Response) -> Response:
        if "/dispatch/" in (response.location or ""):
            response.location = change(key, member)
        return response

    @app.get("/page")
    def page() -> str:
        back = f"/u/{quote(member)}/orders"
        return render_template_string(
            MACROS + '{{ insurance_entry("QX1", return_to=back) }}', back=back
        )

    report = check_entries(
        app, devices=["iphone"], member=member, pages=["/page"], only=["product-plain"]
    )
    assert not report.passed
    said = [str(report), repr(report.results), *(form(report) for form in FORMATS.values())]
    for each in said:
        assert key[:16] not in each.lower()
        for form in (member, quote(member), quote(member, safe="@:+,&'"), quote_plus(member)):
            assert form.lower() not in each.lower()
        assert in_base64(member) not in each
        assert in_base64(json.dumps([member])) not in each


def test_no_id_of_somebody_elses_is_in_a_report() -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example")
    with app.app_context():
        link = app.extensions["xiebao"].product_link(
            "QX1", member="bob@example.com", no_login_for=9
        )
    report = check_entries(app, devices=["iphone"], links=[link], only=())
    assert report.passed, str(report)
    for form in FORMATS.values():
        assert "bob" not in form(report)
    assert "bob" not in repr(report.results)


def test_no_id_is_in_the_note_of_a_page() -> None:
    app = login_shop()

    @app.get("/members/m_7Qk2vX9rT4")
    def their_page() -> str:
        is_phone = "iPhone" in request.user_agent.string
        return "" if is_phone else render_template_string(MACROS + '{{ insurance_entry("QX1") }}')

    app.extensions["xiebao"].member_loader(lambda: "m_7Qk2vX9rT4")
    report = check_entries(
        app,
        devices=["iphone", "pc"],
        pages=["/members/m_7Qk2vX9rT4"],
        member="m_7Qk2vX9rT4",
        login=lambda client, member: None,
        only=["product-plain"],
    )
    assert "some devices find no entry" in "".join(report.notes_in("en"))
    for form in FORMATS.values():
        assert "m_7Qk2vX9rT4" not in form(report)


@pytest.mark.parametrize("name", [SIGN_OF_KEY, "m_7Qk2vX9rT4", "\x1b]0;pwned\x07"])
def test_the_name_of_a_parameter_is_no_way_into_a_report(name: str) -> None:
    def change(response: Response) -> None:
        if "/dispatch/" in (response.location or ""):
            response.location = f"{response.location}&{quote(name)}=1"

    app = spoilt(change, XIEBAO_API_KEY=KEY)
    report = check_entries(app, devices=["iphone"], member="m_7Qk2vX9rT4", only=["product-plain"])
    assert kinds(report) == {"parameter"}
    for form in FORMATS.values():
        assert name not in form(report)
    ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - our own


def test_what_a_site_answers_to_a_refusal_is_in_no_report() -> None:
    app = shop()

    @app.after_request
    def answer(response: Response) -> Response:
        if response.status_code == 403:
            said = {"error": "no", "user": {"name": "Wang Fang", "phone": "13800138000"}}
            is_json = response.is_json
            response.set_data(json.dumps(said) if is_json else "<h1>Dear Wang Fang</h1>")
        return response

    report = check_entries(
        app, devices=["iphone"], only=["product-another", "product-another-json"]
    )
    assert kinds(report) == {"json", "notice.heading"}
    assert "Wang" not in str(report)
    assert "13800138000" not in str(report)


def test_no_password_in_a_url_is_in_a_report() -> None:
    where = "https://user:hunter2@other.example/x"

    def change(response: Response) -> None:
        if response.location:
            response.location = where

    app = spoilt(change)
    assert "hunter2" not in str(check_entries(app, devices=["iphone"], only=["product-plain"]))
    wrongs: list[dict[str, Any]] = [{"url": where}, {"pages": [f"{where}?sign={SIGN_OF_KEY}"]}]
    for wrong in wrongs:
        with pytest.raises(CheckError) as told:
            check_entries(shop(), **wrong)
        assert "hunter2" not in str(told.value)
        assert SIGN_OF_KEY not in str(told.value)


def test_no_link_is_in_what_stops_a_check() -> None:
    app = shop(XIEBAO_PUBLIC_URL="https://shop.example")
    with app.app_context():
        link = app.extensions["xiebao"].product_link("QX1", member="m1", no_login_for=600)
    for pages, links in (([link + "\n"], []), ([], [link.replace("shop", "other")])):
        with pytest.raises(CheckError) as told:
            check_entries(app, pages=pages, links=links)
        assert link.rpartition("/")[2] not in str(told.value)


def test_an_error_of_our_kind_that_the_site_raises_says_nothing_private() -> None:
    def change(response: Response) -> None:
        raise LinkError("the password is hunter2")

    report = check_entries(spoilt(change), devices=["iphone"], only=["product-plain"])
    assert kinds(report) == {"crash"}
    assert "hunter2" not in str(report)


def test_what_no_file_and_no_terminal_should_hold_is_not_shown(tmp_path: Path) -> None:
    app = shop()
    page = forged('["product","\\ud800"]') + "<h1>\x1b]0;pwn\x07</h1>"
    app.add_url_rule("/page", "page", lambda: page)
    file = tmp_path / "report.json"
    done = command(app, "--page", "/page", "--case", "product-plain", "--json", str(file))
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert json.loads(file.read_text("utf-8"))["failed"]
