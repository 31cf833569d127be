"""``flask xiebao inspect`` on URLs of the gateway: what it says of each, and what it hides.

A URL, and what is to be said of it, is a row of ``ROWS``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from flask import Flask
from flask.cli import ScriptInfo

from flask_xiebao.cli import xiebao
from tests.cli.support import (
    KEY_OF_8,
    PRODUCTION,
    PUBLISHED,
    TEST,
    findings,
    inspect,
    run,
    shop,
)
from tests.support import PRODUCT_CODE, SIGN

PRODUCT_URL = (
    f"{TEST}/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}&sign={SIGN}"
    "&partnerUniqKey=m1&platform=1"
)
HOME_URL = f"{TEST}/dispatch/cps/index?partnerId=12345&subPartnerId=&sign={SIGN}&partnerUniqKey=m1"

#: A site of the account whose sign these URLs have.
site = partial(shop, XIEBAO_API_KEY="Key", XIEBAO_MEMBER_SECRET=None)


def no_app() -> Flask:
    raise RuntimeError("postgres://user:hunter2@host")


def encoded(url: str | bytes) -> str:
    return quote(base64.b64encode(url if isinstance(url, bytes) else url.encode()), safe="")


# The URLs that the document has, letter by letter

_2_1 = "/dispatch/cps?partnerId=1039147&subPartnerId=&caseCode=QX000000127257&sign="
_2_2 = "/dispatch/cps/index?partnerId=1039147&subPartnerId=&sign="
_2_3 = "/dispatch/cps/insureDetail?partnerId=1039147&insureNum=20190226020146&sign="
EXAMPLE_2_1 = f"{PRODUCTION}{_2_1}YTVhYTk0YTk3ZDI1039147& partnerUniqKey=101000"
EXAMPLE_2_2 = f"{PRODUCTION}{_2_2}82e20232fddc2d78eb42c74bb18f9014&partnerUniqKey=101000"
EXAMPLE_2_3 = f"{PRODUCTION}{_2_3}82e20232fddc2d78eb42c74bb18f9014&paySuccess=*"
IN_TEST_2_1 = f"{TEST}{_2_1}ZGE1ODBiMjkwYTM1039147& partnerUniqKey=101000"
IN_TEST_2_2 = f"{TEST}{_2_2}84d7668b0c732b7d3fd24fc243fe9c0c&partnerUniqKey=101000"
IN_TEST_2_3 = f"{TEST}{_2_3}84d7668b0c732b7d3fd24fc243fe9c0c&paySuccess=*"

#: What is right with them, and what is wrong: parts of lines, as many lines as there are lists.
RIGHT_2_1 = (
    "the product page (section 2.1 of",
    "partnerId=1039147: the partner's account",
    "subPartnerId=: the partner's sub-account, empty if there is none",
    "caseCode=QX000000127257: the product code",
)
RIGHT_2_2 = (
    "the home page (section 2.2 of",
    "partnerUniqKey=101000: the partner's unique id for the member.",
)
RIGHT_2_3 = (
    "the policy page (section 2.3 of",
    "insureNum=20190226020146: the application number of the policy.",
)
ANOTHER_KEY = ("was not made with the API key of this account and environment",)
WRONG_2_1 = (
    (
        'The value of "sign" looks like an API key, as in the examples in section 2.1',
        "ask Xiebao for a new key",
    ),
    ('" partnerUniqKey" has leading or trailing whitespace',),
)
WRONG_2_3 = (
    ANOTHER_KEY,
    (
        'The value of "paySuccess" is not standard base64',
        'Send the encoded URL instead of the placeholder "*" from the examples in section 2.3 of'
        " Xiebao's interface document.",
    ),
)


@pytest.mark.parametrize(
    ("env", "example", "right", "wrong"),
    [
        pytest.param("production", EXAMPLE_2_1, RIGHT_2_1, WRONG_2_1, id="2.1"),
        pytest.param("test", IN_TEST_2_1, RIGHT_2_1, WRONG_2_1, id="2.1 in test"),
        pytest.param("production", EXAMPLE_2_2, RIGHT_2_2, (ANOTHER_KEY,), id="2.2"),
        pytest.param("test", IN_TEST_2_2, RIGHT_2_2, (ANOTHER_KEY,), id="2.2 in test"),
        pytest.param("production", EXAMPLE_2_3, RIGHT_2_3, WRONG_2_3, id="2.3"),
        pytest.param("test", IN_TEST_2_3, RIGHT_2_3, WRONG_2_3, id="2.3 in test"),
    ],
)
def test_the_documents_examples_are_explained_and_what_is_wrong_with_them(
    env: str, example: str, right: tuple[str, ...], wrong: tuple[tuple[str, ...], ...]
) -> None:
    app = shop(XIEBAO_PARTNER_ID="1039147", XIEBAO_ENV=env, XIEBAO_MEMBER_SECRET=None)
    result = run(app, "inspect", example)
    said = findings(result)
    assert f"on the {env} gateway." in said["ok"]
    for words in right:
        assert words in said["ok"]
    for line, parts in zip(said["ERROR"].splitlines(), wrong, strict=True):
        for words in parts:
            assert words in line
    assert result.output.endswith("The gateway would refuse this URL.\n")
    # Not even a part of what looks like a key is shown, nor a sign.
    assert not re.search("YTVh|ZDI1|ZGE1|YTM1|YT…|ZG…|82e20232|84d7668b", result.output)


def test_a_right_url_is_explained_word_by_word() -> None:
    said = inspect(site(), PRODUCT_URL)
    assert said["ok"].splitlines() == [
        "This URL opens the product page (section 2.1 of Xiebao's interface document) on the test"
        " gateway.",
        "partnerId=12345: the partner's account at Xiebao.",
        "subPartnerId=: the partner's sub-account, empty if there is none.",
        f"caseCode={PRODUCT_CODE}: the product code that Xiebao provides.",
        "sign=00…35: the signature is valid for the configured key.",
        "partnerUniqKey=m1: the partner's unique id for the member.",
        "platform=1: the platform for which the page is shown (1 = H5).",
    ]
    assert (said["ERROR"], said["WARNING"]) == ("", "")


class Row(NamedTuple):
    """A URL, and what is said of it.

    :ivar level: where it is said, and nothing is worse.
    :ivar site: where it is asked.
    :ivar errors: how many there are, where it is not one slip that is one error.
    """

    url: str
    said: str
    level: str = "ERROR"
    site: Callable[[], Flask] = site
    errors: int | None = None


def on(address: str, *, base_url: str | None = None, level: str = "ERROR") -> Row:
    """Return a row of a URL elsewhere than on the site's own gateway."""
    said = f"The URL is not a URL of this site's gateway, {base_url or TEST}."
    return Row(
        PRODUCT_URL.replace(TEST, address), said, level, partial(site, XIEBAO_BASE_URL=base_url)
    )


OWN = partial(site, XIEBAO_BASE_URL="/gateway")
WITH_KEYS = partial(site, XIEBAO_MEMBER_SECRET=PUBLISHED)
A_SPACE = "The value contains a space"

ROWS = [
    Row(PRODUCT_URL.replace("12345", "12346"), 'Use the partnerId "12345"'),
    Row(
        PRODUCT_URL.replace(SIGN, SIGN.upper()),
        'The signature "00…35" (parameter "sign") has the wrong format',
    ),
    Row(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI1039147"), "looks like an API key"),
    Row(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI12345"), "looks like an API key"),
    Row(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI="), "looks like an API key"),
    Row(PRODUCT_URL.replace(SIGN, "Key"), "looks like an API key"),
    Row(PRODUCT_URL.replace(".com/", ".com.evil.example/"), "although the name is similar"),
    Row(
        PRODUCT_URL.replace("testapi.", "testapi-"),
        "testapi-xiebao18.com is not Xiebao's gateway",
    ),
    Row(PRODUCT_URL.replace(TEST, f"{TEST}@evil.example"), "is not Xiebao's gateway"),
    Row(PRODUCT_URL.replace("//test", "//me@test"), "The URL has a user name before the host"),
    Row(PRODUCT_URL.replace("xiebao18", "xieba018"), "although the name is similar"),
    Row(PRODUCT_URL.removeprefix("https://"), 'Begin the URL with "https://"'),
    Row(PRODUCT_URL.replace("https:", "http:"), 'Begin the URL with "https://"'),
    Row(PRODUCT_URL.replace(TEST, f"{TEST}:8443"), "does not use port 8443"),
    Row(PRODUCT_URL.replace(TEST, f"{TEST}:80"), "does not use port 80"),
    Row(
        PRODUCT_URL.replace(SIGN, "0" * 32),
        'The signature "00…00" (parameter "sign") was not made with the API key of this account',
    ),
    Row(PRODUCT_URL.replace(f"sign={SIGN}", "sign="), '"sign" is empty'),
    Row(PRODUCT_URL.replace(f"&sign={SIGN}", ""), '"sign" is missing'),
    Row(PRODUCT_URL.replace("&partnerUniqKey=m1", ""), '"partnerUniqKey" is missing'),
    Row(
        PRODUCT_URL.replace("caseCode", "casecode"),
        'The parameter name "casecode" is misspelled. Write "caseCode"',
    ),
    Row(
        f"{PRODUCT_URL}&colour=red",
        'The parameter "colour" is not defined in section 2.1',
    ),
    Row(f"{PRODUCT_URL}&platform=1", '"platform" appears 2 times'),
    Row(PRODUCT_URL.replace("m1", "林"), '"partnerUniqKey" is not percent-encoded'),
    Row(
        PRODUCT_URL.replace("platform=1", "platform=5"),
        'does not support the platform "5". Use one of these platforms: 1 (H5), 2 (PC), 3 (iOS)',
    ),
    Row(
        f"{HOME_URL}&platform=2",
        '(platform "2") at present. Use one of these platforms: 1 (H5), 3 (iOS), 4 (Android)',
    ),
    Row(
        f"{HOME_URL}&paySuccess={encoded('/paid')}",
        'The value of "paySuccess" must be the base64 form of an absolute',
    ),
    Row(
        f"{HOME_URL}&paySuccess={encoded('http://a/保'.encode('gbk'))}",
        'The value of "paySuccess" must be the base64 form of',
    ),
    Row(f"{HOME_URL}&paySuccess=aHR0cDovL2E", 'The value of "paySuccess" is not standard base64'),
    Row(f"{HOME_URL}&paySuccess=aHR0cDovL2E+Pw==", 'Send "+" as "%2B"'),
    Row(f"{HOME_URL}&paySuccess=aHR0cDovL2E_Pw==", "URL-safe base64"),
    Row(f"{TEST}/dispatch/elsewhere?sign={SIGN}", 'The gateway has no page "/dispatch/elsewhere"'),
    Row(f"{TEST}/gateway/dispatch/cps", 'The gateway has no page "/gateway/dispatch/cps"'),
    Row("https://shop.example/about", "nor a link of this site"),
    # Spaces
    Row(PRODUCT_URL.replace(PRODUCT_CODE, f"{PRODUCT_CODE}%20"), A_SPACE, "WARNING"),
    Row(PRODUCT_URL.replace(PRODUCT_CODE, "QX%20000"), A_SPACE, "WARNING"),
    Row(PRODUCT_URL.replace("=m1", "=+m1"), A_SPACE, "WARNING"),
    Row(PRODUCT_URL.replace("subPartnerId=", "subPartnerId=branch+7"), A_SPACE, "WARNING"),
    Row(PRODUCT_URL.replace("=m1", "=m%201"), "partnerUniqKey=m 1: the partner's unique id", "ok"),
    Row(
        PRODUCT_URL.replace(PRODUCT_CODE, "QX 1"),
        '"caseCode" contains a space or a line break. Remove this character, or write a space as'
        ' "%20".',
    ),
    # How it was copied
    Row(
        PRODUCT_URL.replace("&", "&amp;"),
        'instead of "&" before "caseCode", so the parameter is named "amp;caseCode"',
        errors=5,
    ),
    Row(PRODUCT_URL.partition("&")[0], '"caseCode" is missing', errors=3),
    Row(PRODUCT_URL.partition("&")[0], "put the URL in quotes", "WARNING", errors=3),
    # Whose key it is
    Row(
        PRODUCT_URL.replace("=m1", f"={KEY_OF_8}"),
        f"partnerUniqKey={KEY_OF_8}: the key of member 8.",
        "ok",
        WITH_KEYS,
    ),
    Row(
        PRODUCT_URL.replace("=m1", "=8"),
        "partnerUniqKey=8: this is not the key of a member of this site.",
        "WARNING",
        WITH_KEYS,
    ),
    # Parameters that the document lacks
    Row(
        f"{HOME_URL}&channel=7&hidenav=1",
        'The parameter "channel" is not defined in section 2.2',
    ),
    Row(
        f"{HOME_URL}&channel=7&hidenav=1",
        "channel=7: a parameter that is not defined in Xiebao's interface document.",
        "ok",
        partial(site, XIEBAO_EXTRA={"channel": 7}),
    ),
    # Keys that the site does not have: each environment has its own
    Row(
        HOME_URL,
        "not verified, because no key is available. XIEBAO_ENABLED is off.",
        "WARNING",
        partial(site, XIEBAO_ENABLED=False),
    ),
    Row(
        HOME_URL,
        "not verified, because no key is available. XIEBAO_ENABLED is off.",
        "WARNING",
        partial(site, XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None),
    ),
    Row(
        PRODUCT_URL.replace(TEST, PRODUCTION),
        "sign=00…35: the signature was made with the key of this site's environment",
    ),
    Row(
        PRODUCT_URL.replace(TEST, PRODUCTION).replace(SIGN, "0123456789abcdef" * 2),
        "does not have the key of the production gateway",
        "WARNING",
    ),
    Row(IN_TEST_2_2, "the URL is for another partner account", "WARNING", errors=1),
    # Addresses: Xiebao's own, or one on this machine, may be meant
    on("https://evil.example"),
    on("http://127.0.0.1:5000", level="WARNING"),
    on("https://gw.example.evil", base_url="https://gw.example"),
    on(TEST, base_url="https://gw.example", level="WARNING"),
    on("http://gw.example", base_url="https://gw.example"),
    on("https://gw.example:8443", base_url="https://gw.example"),
    on("https://gw.example/y/x", base_url="https://gw.example/x"),
    on(TEST, base_url="/gateway", level="WARNING"),
    on("https://shop.example", base_url="/gateway"),
    on("https://shop.example/gateway/x", base_url="/gateway"),
    Row(PRODUCT_URL.replace("https://test", "HTTPS://TEST"), "on the test gateway", "ok"),
    Row(PRODUCT_URL.replace(TEST, f"{TEST}:443"), "on the test gateway", "ok"),
    Row(f"/gateway{HOME_URL.removeprefix(TEST)}", "the home page (section 2.2 of", "ok", OWN),
    Row(HOME_URL.replace(TEST, "http://127.0.0.1:5000/gateway"), "127.0.0.1", "ok", OWN),
    Row(HOME_URL.replace(TEST, "https://shop.example/at/gateway"), "shop.example", "ok", OWN),
    # Without an app all is checked but the key
    Row(
        EXAMPLE_2_2,
        "sign=82…14: the format is correct, but the signature was not verified",
        "WARNING",
        no_app,
    ),
    Row(EXAMPLE_2_2, "The app does not load (RuntimeError)", "WARNING", no_app),
    Row(EXAMPLE_2_1, "looks like an API key", "ERROR", no_app, errors=2),
    Row(EXAMPLE_2_3, 'The value of "paySuccess" is not standard base64', "ERROR", no_app),
    Row(PRODUCT_URL, "on the test gateway", "ok", no_app),
    Row(PRODUCT_URL.replace(TEST, "http://localhost:5000/gateway"), "localhost", "ok", no_app),
    Row(PRODUCT_URL.replace(TEST, ""), "the product page (section 2.1 of", "ok", no_app),
    Row(
        PRODUCT_URL.replace(TEST, "https://gw.example"),
        "gw.example is not Xiebao's gateway",
        "ERROR",
        no_app,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.said for row in ROWS])
def test_what_a_url_is_and_what_is_wrong_with_it_is_said(row: Row) -> None:
    said = inspect(row.site, row.url)
    assert row.said in said[row.level]
    errors = int(row.level == "ERROR") if row.errors is None else row.errors
    assert len(said["ERROR"].splitlines()) == errors, said["ERROR"]
    if row.level == "ok" and row.site is not no_app:  # of which it warns
        assert said["WARNING"] == ""


def test_what_is_no_url_is_a_usage_error() -> None:
    result = run(site(), "inspect", PRODUCT_URL.replace(TEST, f"{TEST}:none"))
    assert result.exit_code == 2
    assert "The URL is not valid. Check its host and port." in result.output


def test_it_speaks_chinese() -> None:
    right = run(site(), "inspect", PRODUCT_URL, "--locale", "zh")
    assert "正常  测试网关的产品详情页（2.1）。\n" in right.output
    assert "正常  sign=00…35：和设置的密钥相符。\n" in right.output
    wrong = run(site(), "inspect", PRODUCT_URL.replace(TEST, f"{TEST}:8443"), "--locale", "zh")
    assert "错误  携保的网关不在端口 8443 上" in wrong.output
    assert "错误 1 项，警告 0 项。网关会拒绝这个网址。\n" in wrong.output


# Without an app


def test_a_link_is_not_read_without_an_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(no_app, "inspect", "/xiebao/product/abc")
    assert result.exit_code == 1
    needs_app = "A link can be decoded only with the Flask app of the site that created it."
    assert f"{needs_app} The app does not load" in result.output
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    monkeypatch.chdir(tmp_path)
    info = ScriptInfo(app_import_path="broken")
    result = Flask("any").test_cli_runner().invoke(xiebao, ["inspect", "/xiebao/home/x"], obj=info)
    assert 'an ImportError was raised. Run "flask xiebao doctor".' in result.output


# What is hidden, wherever it is


#: The key of a site.
A_KEY = "NDQ5NzVhMzFiZjM="


@pytest.mark.parametrize(
    ("url", "config", "shown", "hidden"),
    [
        *(
            (url.replace(f"sign={SIGN}", "sign=0"), {}, "00…35", SIGN)
            for url in (
                PRODUCT_URL.replace("m1", SIGN.upper()),
                f"{PRODUCT_URL}&{SIGN}=1",
                f"{TEST}/dispatch/{SIGN}",
                f"{HOME_URL}&paySuccess={encoded('https://a.example/' + SIGN)}",
                f"{HOME_URL}&toLogin=https://a.example/{SIGN}",
            )
        ),
        *(
            (
                HOME_URL.replace("&subPartnerId=", "").replace("=m1", f"={sign}"),
                {"XIEBAO_ENABLED": False},
                "partnerUniqKey=00…35",
                SIGN,
            )
            for sign in (SIGN, SIGN.upper(), "".join(f"%{ord(digit):x}" for digit in SIGN))
        ),
        *(
            (
                f"{HOME_URL}&paySuccess={encoded(url)}",
                {},
                "the browser is sent to https://",
                "82e20232",
            )
            for url in (
                EXAMPLE_2_2,
                f"https://shop.example/?next={quote(EXAMPLE_2_2, safe='')}",
            )
        ),
        *(
            (
                PRODUCT_URL.replace("subPartnerId=", f"subPartnerId={key}"),
                {"XIEBAO_API_KEY": A_KEY},
                "subPartnerId=",
                "NDQ5",
            )
            for key in (A_KEY, quote(A_KEY))
        ),
    ],
)
def test_a_sign_and_the_key_are_masked_wherever_they_are(
    url: str, config: dict[str, Any], shown: str, hidden: str
) -> None:
    output = run(site(**config), "inspect", url).output
    assert shown in output
    assert hidden not in output


def test_a_finding_is_one_line_whatever_the_url_holds() -> None:
    url = f"{HOME_URL}&paySuccess={encoded('https://shop.example/?a=1')}&hidenav=%1b[2J%0a%5cok"
    result = run(site(), "inspect", url)
    assert r"hidenav=\x1b[2J\n\ok" in result.output  # what can be printed is as it was
    assert "\x1b" not in result.output
