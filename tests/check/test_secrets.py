"""What no report of a check has in it, and no error of one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree as ET

import pytest
from flask import Response, current_app, redirect, request

from flask_xiebao import Xiebao
from flask_xiebao.testing import FORMATS, CheckError, Report, check_entries
from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    OUTSIDE,
    check,
    command,
    every_form,
    forged,
    kinds,
    link_of,
    shop,
)
from tests.support import SIGN_OF_API_KEY

PLAIN: dict[str, Any] = {"devices": ["iphone"], "only": ["product-plain"]}
MEMBER = "m_7Qk2vX9rT4"


def assert_unsaid(report: Report, *secrets: str) -> None:
    said = every_form(report)
    for secret in secrets:
        assert secret not in said, secret


def leading(change: Callable[[str], Any]) -> Callable[[Response], None]:
    """Return a hook that sends members elsewhere than to the gateway."""

    def lead(response: Response) -> None:
        if "/dispatch/" in (response.location or ""):
            response.location = change(str(response.location))

    return lead


# A member's id and key: the key opens their policies to whoever puts it into a URL.

IDS = [
    *(MEMBER, "alice@example.com", "用户7", "a/lice&c d", "0b7d73aa-8f3e-4d0c-9c1b-77aa"),
    *("王芳@例子.com", "O'Brien & Söhne", "a/b c:d"),
]
GATEWAYS = ["https://gw.example", "/", "/lo"]


def in_base64(said: str) -> str:
    return base64.urlsafe_b64encode(f"This is who it is: {said}".encode()).decode()


#: To where a hook sends a member, of whose URL, key and id.
LEADS: dict[str, Callable[[str, str, str], str]] = {
    "misspelt": lambda url, key, member: url.replace("partnerUniqKey=", "partnerUniqueKey="),
    "another parameter": lambda url, key, member: re.sub(
        "partnerUniqKey=([^&]+)", r"caseCode=\1&\g<0>", url
    ),
    "the path": lambda url, key, member: re.sub(r"\?(.*partnerUniqKey=([^&]+).*)", r"/\2?\1", url),
    "base64": lambda url, key, member: f"/go/{base64.b64encode(url.encode()).decode()}",
    "elsewhere": lambda url, key, member: f"https://x.example/{quote(key)}.html",
    "a password": lambda url, key, member: "https://user:hunter2@other.example/x",
    "a path's own": lambda url, key, member: f"/a;k={quote(key)};b=1",
    "quoted twice": lambda url, key, member: f"/u/{quote(quote(member))}/您好{quote(member)}！",
    "upper case": lambda url, key, member: f"/u/{member.upper()}?k={quote(key, safe='')},1",
    "as a form has it": lambda url, key, member: (
        f"/u/{quote(member, safe='@:!$&()*+,;=')}?{urlencode({'m': member})}"
    ),
    "their id in base64": lambda url, key, member: (
        f"/u/{in_base64(member)}/{in_base64(json.dumps([member]))}"
    ),
}


def assert_nobody_is_named(lead: str, member: str, gateway: str) -> None:
    page = f'{{{{ insurance_entry("QX1", return_to="/u/{quote(member)}/orders") }}}}'
    config = {**HIDDEN_KEY, "XIEBAO_BASE_URL": gateway}
    other = shop(**config)
    with other.app_context():
        key = other.extensions["xiebao"].partner_uniq_key(member)
    app = shop(page=page, after=leading(lambda url: LEADS[lead](url, key, member)), **config)
    only = ["product-plain", "product-return", "policy-return"]
    report = check(app, devices=["iphone"], member=member, pages=["/page"], only=only)
    assert not report.passed
    assert_unsaid(
        report, SIGN_OF_API_KEY, "hunter2", in_base64(member), in_base64(json.dumps([member]))
    )
    said = every_form(report).lower()
    assert key[:16] not in said
    for form in (member, quote(member), quote(member, safe="@:+,&'"), quote_plus(member)):
        assert form.lower() not in said
    for run in re.findall("[A-Za-z0-9+/]{40,}", FORMATS["text"](report)):
        assert SIGN_OF_API_KEY.encode() not in base64.b64decode(run[: len(run) // 4 * 4])


@pytest.mark.parametrize(
    ("member", "gateway"), [("王芳@例子.com", "/lo"), ("a/lice&c d", "https://gw.example")]
)
@pytest.mark.parametrize("lead", LEADS)
def test_no_id_and_no_key_of_a_member_is_in_a_report(lead: str, member: str, gateway: str) -> None:
    assert_nobody_is_named(lead, member, gateway)


def test_no_key_of_a_member_is_in_a_report_of_what_is_right() -> None:
    app = shop(**HIDDEN_KEY)
    with app.app_context():
        key = app.extensions["xiebao"].partner_uniq_key(MEMBER)
    report = check(app, devices=["iphone"], member=MEMBER)
    assert report.passed, str(report)
    assert_unsaid(report, key, MEMBER, "paySuccess=aH")


def test_no_id_of_somebody_elses_is_in_a_report() -> None:
    app = shop(**OUTSIDE)
    link = link_of(app, "product", "QX1", member="bob@example.com", no_login_for=9)
    report = check_entries(app, devices=["iphone"], links=[link], only=())
    assert report.passed, str(report)
    assert_unsaid(report, "bob")


def test_no_id_is_in_the_note_of_a_page() -> None:
    app = shop(
        page=f"{{% if 'iPhone' not in request.user_agent.string %}}{ENTRY}{{% endif %}}",
        loader=lambda: MEMBER,
    )
    app.add_url_rule(f"/members/{MEMBER}", view_func=app.view_functions["page"], endpoint="theirs")
    report = check(
        app,
        pages=[f"/members/{MEMBER}"],
        member=MEMBER,
        login=lambda client, member: None,
        only=["product-plain"],
    )
    assert "has no insurance entries on some devices" in "".join(report.notes_in("en"))
    assert_unsaid(report, MEMBER)


@pytest.mark.parametrize("name", [SIGN_OF_API_KEY, MEMBER, "\x1b]0;pwned\x07"])
def test_the_name_of_a_parameter_is_no_way_into_a_report(name: str) -> None:
    app = shop(after=leading(lambda url: f"{url}&{quote(name)}=1"))
    report = check(app, member=MEMBER, **PLAIN)
    assert kinds(report) == {"parameter"}
    for form in FORMATS.values():
        assert name not in form(report)
    ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - our own


# Links that let somebody in


def leads_on(response: Response) -> None:
    if request.endpoint in ("xiebao.product", "xiebao.home", "xiebao.policy"):
        response.status_code = 301
        response.location = f"https://www.shop.example{request.full_path}"


def wall_of_home() -> Any:
    is_home = request.path.startswith("/xiebao/home")
    return redirect(f"/login?next={request.full_path}") if is_home else None


def test_no_link_that_lets_somebody_in_is_in_a_report() -> None:
    entry = '{{ insurance_entry("QX1", member="m1", no_login_for=3600, return_to="/") }}'

    def mine() -> str:
        xiebao: Xiebao = current_app.extensions["xiebao"]
        return xiebao.product_link("QX1", member="m1", no_login_for=3600)

    views = {"/buy": lambda: redirect(mine())}
    app = shop(page=entry, before=wall_of_home, after=leads_on, views=views)
    with app.test_request_context():
        link = mine()
    report = check(app, only=None, member="m1", pages=["/page", "/buy", link], devices=["pc"])
    assert "page.302" in kinds(report)
    assert "www.shop.example" in str(report)
    assert_unsaid(report, link.rpartition("/")[2])
    # Two parts of a token, of which the second is the signature.
    assert not re.search(r"WyJ[A-Za-z0-9_-]{8,}(\.|%2E)", every_form(report), re.IGNORECASE)


def test_no_secret_is_in_what_stops_a_check() -> None:
    app, where = shop(**OUTSIDE), "https://user:hunter2@other.example/x"
    link = link_of(app, "product", "QX1", member="m1", no_login_for=600)
    wrongs: list[dict[str, Any]] = [
        {"url": where},
        {"pages": [f"{where}?sign={SIGN_OF_API_KEY}"]},
        {"pages": [link + "\n"]},
        {"links": [link.replace("shop", "other")]},
    ]
    for wrong in wrongs:
        with pytest.raises(CheckError) as told:
            check_entries(app, **wrong)
        for secret in ("hunter2", SIGN_OF_API_KEY, link.rpartition("/")[2]):
            assert secret not in str(told.value)


# What else is a site's own


def test_no_api_key_is_in_a_report_however_it_is_written() -> None:
    key = "NDQ5NzVhMzFiZjM=key+1/2=="
    hook = leading(lambda url: f"{url}&apiKey={quote(key, safe='')}")
    for config in ({"after": hook}, {"XIEBAO_EXTRA": {"apiKey": key}}):
        report = check(shop(XIEBAO_API_KEY=key, **config), **PLAIN)
        assert_unsaid(report, "NDQ5NzVhMzFiZjM", "key%2B")


def answers_by_name(response: Response) -> None:
    if response.status_code == 403:
        said = {"error": "no", "user": {"name": "Wang Fang", "phone": "13800138000"}}
        response.set_data(json.dumps(said) if response.is_json else "<h1>Dear Wang Fang</h1>")


def test_what_a_site_answers_to_a_refusal_is_in_no_report() -> None:
    only = ["product-another", "product-another-json"]
    report = check(shop(after=answers_by_name), only=only)
    assert kinds(report) == {"json", "notice.heading"}
    assert_unsaid(report, "Wang", "13800138000")
    assert "after_request" not in "".join(report.notes_in("en"))


def test_what_no_file_and_no_terminal_should_hold_is_not_shown(tmp_path: Path) -> None:
    app = shop(page=forged('["product","\\ud800"]') + "<h1>\x1b]0;pwn\x07</h1>")
    file = tmp_path / "report.json"
    done = command(app, "--page", "/page", "--case", "product-plain", "--json", str(file))
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert json.loads(file.read_text("utf-8"))["failed"]
