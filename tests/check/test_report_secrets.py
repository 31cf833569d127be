"""Tests that no output of ``flask xiebao check`` has keys, ids, signatures, links or names.

To test another redirect with an id or a key in its URL, add a row to ``REDIRECTS``. To test a
report with another secret, add a row to ``REPORTS``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree as ET

import pytest
from flask import Response, redirect, request

from flask_xiebao.testing import FORMATS, Report
from tests.check.support import (
    HIDDEN_KEY,
    WITH_PUBLIC_URL,
    MakeApp,
    get_failed_rules,
    make_shop,
    render_all_formats,
    render_forged_link,
    replace_in_location,
    run_check,
    run_check_command,
)
from tests.support import MEMBER_KEYS, SIGN_OF_API_KEY, find_leaks
from tests.tokens import sign_token

ON_IPHONE: dict[str, Any] = {"devices": ["iphone"]}
MEMBER = "m_7Qk2vX9rT4"


def assert_report_hides(report: Report, *secrets: str) -> None:
    """Assert that the report contains none of these secrets in any output format."""
    assert find_leaks(render_all_formats(report), *secrets) == []


def change_gateway_redirect(change: Callable[[str], Any]) -> Callable[[Response], None]:
    """Return an after_request function that replaces the URL of redirects to the gateway."""

    def replace_location(response: Response) -> None:
        if "/dispatch/" in (response.location or ""):
            response.location = change(str(response.location))

    return replace_location


# Member ids and member keys in reports. With a URL that contains a member key, anyone can open the
# policies of this member.


def build_base64_sentence(text: str) -> str:
    """Return the base64 encoding of a sentence that contains this text."""
    return base64.urlsafe_b64encode(f"This is who it is: {text}".encode()).decode()


#: One row per faulty redirect: the function that builds its URL from the gateway URL, the member
#: key and the member id.
REDIRECTS: dict[str, Callable[[str, str, str], str]] = {
    "misspelled parameter": lambda url, key, member: url.replace(
        "partnerUniqKey=", "partnerUniqueKey="
    ),
    "key in another parameter": lambda url, key, member: re.sub(
        "partnerUniqKey=([^&]+)", r"caseCode=\1&\g<0>", url
    ),
    "key in path": lambda url, key, member: re.sub(
        r"\?(.*partnerUniqKey=([^&]+).*)", r"/\2?\1", url
    ),
    "URL in base64": lambda url, key, member: f"/go/{base64.b64encode(url.encode()).decode()}",
    "key in file name": lambda url, key, member: f"https://x.example/{quote(key)}.html",
    "password": lambda url, key, member: "https://user:hunter2@other.example/x",
    "key in path parameter": lambda url, key, member: f"/a;k={quote(key)};b=1",
    "id quoted twice": lambda url, key, member: f"/u/{quote(quote(member))}/您好{quote(member)}！",
    "id in upper case": lambda url, key, member: f"/u/{member.upper()}?k={quote(key, safe='')},1",
    "id as in a form": lambda url, key, member: (
        f"/u/{quote(member, safe='@:!$&()*+,;=')}?{urlencode({'m': member})}"
    ),
    "id in base64": lambda url, key, member: (
        f"/u/{build_base64_sentence(member)}/{build_base64_sentence(json.dumps([member]))}"
    ),
}


@pytest.mark.parametrize(
    ("member", "gateway"), [("王芳@例子.com", "/lo"), ("a/lice&c d", "https://gw.example")]
)
@pytest.mark.parametrize("redirect_name", REDIRECTS)
def test_report_masks_member_in_wrong_redirect(
    redirect_name: str, member: str, gateway: str
) -> None:
    config = {**HIDDEN_KEY, "XIEBAO_BASE_URL": gateway}
    key_app = make_shop(**config)
    with key_app.app_context():
        key = key_app.extensions["xiebao"].partner_uniq_key(member)
    app = make_shop(
        page=f'{{{{ insurance_entry("QX1", return_to="/u/{quote(member)}/orders") }}}}',
        after=change_gateway_redirect(lambda url: REDIRECTS[redirect_name](url, key, member)),
        **config,
    )
    report = run_check(app, devices=["iphone"], member=member, pages=["/page"])

    assert not report.passed
    encoded_ids = build_base64_sentence(member), build_base64_sentence(json.dumps([member]))
    assert_report_hides(report, SIGN_OF_API_KEY, "hunter2", *encoded_ids)
    text = render_all_formats(report).lower()
    ids = (member, quote(member), quote(member, safe="@:+,&'"), quote_plus(member))
    assert find_leaks(text, key[:16], *map(str.lower, ids)) == []
    for word in re.findall("[A-Za-z0-9+/]{40,}", FORMATS["text"](report)):
        assert SIGN_OF_API_KEY.encode() not in base64.b64decode(word[: len(word) // 4 * 4])


# Links that open without a login, in reports and error messages


#: The token of a link that belongs to member m1, and opens without a login from 2025 to 2035.
TOKEN = sign_token(["product", "QX1", None, None, None, "m1", 1_764_000_000, 315_360_000])


def test_report_hides_link_tokens() -> None:
    link = f"/xiebao/product/{TOKEN}"
    app = make_shop(
        page='{{ insurance_entry("QX1", member="m1", no_login_for=3600, return_to="/") }}'
        + f'<a href="/en{link}">x</a><a href="{link}x">x</a>',
        before=lambda: (
            redirect(f"https://www.shop.example/login?next={request.full_path}")
            if request.blueprint == "xiebao"
            else None
        ),
        views={"/buy": lambda: redirect(link)},
    )
    report = run_check(app, member="m1", pages=["/page", "/buy", link])

    assert get_failed_rules(report) == {
        *("link", "page", "private.shown", "unreached.redirect"),
    }
    assert "www.shop.example" in str(report)
    assert_report_hides(report, TOKEN)
    # This regular expression matches a token from its first letters to the dot before its
    # signature.
    token = r"WyJ[A-Za-z0-9_-]{8,}(\.|%2E)"
    assert not re.search(token, render_all_formats(report), re.IGNORECASE)


# Personal data, secrets and control characters in reports

KEY_WITH_SYMBOLS = "NDQ5NzVhMzFiZjM=key+1/2=="
#: Control characters that change the title of a terminal's window.
TITLE_SEQUENCE = "\x1b]0;pwned\x07"


#: One row per report that could show a secret: the function that builds the site, the arguments of
#: ``check_entries``, a text that the report contains, and the secrets.
REPORTS: dict[str, tuple[MakeApp, dict[str, Any], str, tuple[str, ...]]] = {
    "member key in passed clicks": (
        partial(make_shop, **HIDDEN_KEY),
        {"member": MEMBER},
        " passed, 0 failed",
        (MEMBER_KEYS[MEMBER], MEMBER, "paySuccess=aH"),
    ),
    "link with text and id of another member": (
        partial(
            make_shop,
            page='{% call insurance_entry("QX1", member="bob@example.com") %}'
            "Wang Fang{% endcall %}",
        ),
        {"pages": ["/page"], "member": MEMBER},
        "[page.another_member]",
        ("bob", "Wang Fang", MEMBER),
    ),
    "misspelled key of another member": (
        partial(
            make_shop,
            replace_in_location("partnerUniqKey=", "uniqKey="),
            page='{{ insurance_qr("QX1", member="8", no_login_for=600) }}',
            **HIDDEN_KEY,
            **WITH_PUBLIC_URL,
        ),
        {"devices": ["pc"], "pages": ["/page"], "member": "agent1"},
        "[parameter]",
        (MEMBER_KEYS["8"][:16],),
    ),
    "names of unknown parameters": (
        partial(
            make_shop,
            after=change_gateway_redirect(
                lambda url: f"{url}&{SIGN_OF_API_KEY}=1&{MEMBER}=1&{quote(TITLE_SEQUENCE)}=1"
            ),
        ),
        {**ON_IPHONE, "member": MEMBER},
        "[parameter]\n",
        (SIGN_OF_API_KEY, MEMBER, TITLE_SEQUENCE),
    ),
    "API key from a hook": (
        partial(
            make_shop,
            XIEBAO_API_KEY=KEY_WITH_SYMBOLS,
            after=change_gateway_redirect(
                lambda url: f"{url}&apiKey={quote(KEY_WITH_SYMBOLS, safe='')}"
            ),
        ),
        ON_IPHONE,
        "[parameter]\n",
        ("NDQ5NzVhMzFiZjM", "key%2B"),
    ),
    "API key in XIEBAO_EXTRA": (
        partial(
            make_shop, XIEBAO_API_KEY=KEY_WITH_SYMBOLS, XIEBAO_EXTRA={"apiKey": KEY_WITH_SYMBOLS}
        ),
        ON_IPHONE,
        " passed, 0 failed",
        ("NDQ5NzVhMzFiZjM", "key%2B"),
    ),
}


@pytest.mark.parametrize(("site", "options", "text", "secrets"), REPORTS.values(), ids=REPORTS)
def test_report_masks_secrets(
    site: MakeApp, options: dict[str, Any], text: str, secrets: tuple[str, ...]
) -> None:
    report = run_check(site, **options)
    assert text in FORMATS["text"](report)
    assert_report_hides(report, *secrets)
    ET.fromstring(FORMATS["junit"](report))  # noqa: S314 - check_entries() made the report.


@pytest.mark.requires("html5lib")
def test_report_has_no_control_characters_and_lone_surrogates(tmp_path: Path) -> None:
    app = make_shop(page=render_forged_link('["product","\\ud800"]') + "<h1>\x1b]0;pwn\x07</h1>")
    file = tmp_path / "report.json"
    result = run_check_command(app, "--page", "/page", "--json", str(file))
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert json.loads(file.read_text("utf-8"))["failed"]
