"""Tests for ``flask xiebao inspect`` with gateway URLs.

To test another URL, add a row to ``URL_CASES``.
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
from tests.check.support import register_hook
from tests.cli.support import (
    KEY_OF_8,
    PRODUCTION_GATEWAY,
    PUBLISHED_SECRET,
    TEST_GATEWAY,
    inspect_url,
    make_shop,
    parse_findings,
    run_command,
)
from tests.support import PRODUCT_CODE, SIGN, failing_function

PRODUCT_URL = (
    f"{TEST_GATEWAY}/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}&sign={SIGN}"
    "&partnerUniqKey=m1&platform=1"
)
HOME_URL = (
    f"{TEST_GATEWAY}/dispatch/cps/index?partnerId=12345&subPartnerId=&sign={SIGN}&partnerUniqKey=m1"
)

#: Builds a site with the partner account for which the URLs in these tests are signed.
make_site = partial(make_shop, XIEBAO_API_KEY="Key", XIEBAO_MEMBER_SECRET=None)
#: An app factory that raises an exception with a password in its message.
fail_to_load = failing_function(RuntimeError("postgres://user:hunter2@host"))


def encode_pay_success(url: str | bytes) -> str:
    """Encode a return URL as a value of the parameter "paySuccess"."""
    return quote(base64.b64encode(url if isinstance(url, bytes) else url.encode()), safe="")


# Mistakes in the example URLs of Xiebao's interface document

PATH_2_1 = "/dispatch/cps?partnerId=1039147&subPartnerId=&caseCode=QX000000127257&sign="
PATH_2_2 = "/dispatch/cps/index?partnerId=1039147&subPartnerId=&sign="
PATH_2_3 = "/dispatch/cps/insureDetail?partnerId=1039147&insureNum=20190226020146&sign="
EXAMPLE_2_1 = f"{PRODUCTION_GATEWAY}{PATH_2_1}YTVhYTk0YTk3ZDI1039147& partnerUniqKey=101000"
EXAMPLE_2_2 = (
    f"{PRODUCTION_GATEWAY}{PATH_2_2}82e20232fddc2d78eb42c74bb18f9014&partnerUniqKey=101000"
)
EXAMPLE_2_3 = f"{PRODUCTION_GATEWAY}{PATH_2_3}82e20232fddc2d78eb42c74bb18f9014&paySuccess=*"
TEST_EXAMPLE_2_1 = f"{TEST_GATEWAY}{PATH_2_1}ZGE1ODBiMjkwYTM1039147& partnerUniqKey=101000"
TEST_EXAMPLE_2_2 = f"{TEST_GATEWAY}{PATH_2_2}84d7668b0c732b7d3fd24fc243fe9c0c&partnerUniqKey=101000"
TEST_EXAMPLE_2_3 = f"{TEST_GATEWAY}{PATH_2_3}84d7668b0c732b7d3fd24fc243fe9c0c&paySuccess=*"

#: Parts of the "ok" findings about the example URLs, for each section of the interface document.
OK_2_1 = (
    "the product page (section 2.1 of",
    "partnerId=1039147: the partner's account",
    "subPartnerId=: the partner's sub-account, empty if there is none",
    "caseCode=QX000000127257: the product code",
)
OK_2_2 = (
    "the home page (section 2.2 of",
    "partnerUniqKey=101000: the partner's unique id for the member.",
)
OK_2_3 = (
    "the policy page (section 2.3 of",
    "insureNum=20190226020146: the application number of the policy.",
)
#: The errors about the example URLs of the interface document. Each error has texts that must be in
#: the same line of the output.
OTHER_KEY = ("was not made with the API key of this account and environment",)
ERRORS_2_1 = (
    (
        'The value of "sign" looks like an API key, as in the examples in section 2.1',
        "ask Xiebao for a new key",
    ),
    ('" partnerUniqKey" has leading or trailing whitespace',),
)
ERRORS_2_3 = (
    OTHER_KEY,
    (
        'The value of "paySuccess" is not standard base64',
        'Send the encoded URL instead of the placeholder "*" from the examples in section 2.3 of'
        " Xiebao's interface document.",
    ),
)


@pytest.mark.parametrize(
    ("env", "url", "messages", "errors"),
    [
        pytest.param("production", EXAMPLE_2_1, OK_2_1, ERRORS_2_1, id="2.1"),
        pytest.param("test", TEST_EXAMPLE_2_1, OK_2_1, ERRORS_2_1, id="2.1 in test"),
        pytest.param("production", EXAMPLE_2_2, OK_2_2, (OTHER_KEY,), id="2.2"),
        pytest.param("test", TEST_EXAMPLE_2_2, OK_2_2, (OTHER_KEY,), id="2.2 in test"),
        pytest.param("production", EXAMPLE_2_3, OK_2_3, ERRORS_2_3, id="2.3"),
        pytest.param("test", TEST_EXAMPLE_2_3, OK_2_3, ERRORS_2_3, id="2.3 in test"),
    ],
)
def test_inspect_reports_mistakes_in_examples_of_document(
    env: str, url: str, messages: tuple[str, ...], errors: tuple[tuple[str, ...], ...]
) -> None:
    app = make_shop(XIEBAO_PARTNER_ID="1039147", XIEBAO_ENV=env, XIEBAO_MEMBER_SECRET=None)

    result = run_command(app, "inspect", url)

    findings = parse_findings(result)
    for message in (f"on the {env} gateway.", *messages):
        assert message in findings["ok"]
    for line, texts in zip(findings["ERROR"].splitlines(), errors, strict=True):
        for text in texts:
            assert text in line
    assert result.output.endswith("The gateway would refuse this URL.\n")
    # The output must not contain a part of a signature, or of a value that looks like an API key.
    assert not re.search("YTVh|ZDI1|ZGE1|YTM1|YT…|ZG…|82e20232|84d7668b", result.output)


def test_inspect_explains_each_parameter_of_valid_url() -> None:
    findings = inspect_url(make_site(), PRODUCT_URL)

    assert findings["ok"].splitlines() == [
        "This URL opens the product page (section 2.1 of Xiebao's interface document) on the test"
        " gateway.",
        "partnerId=12345: the partner's account at Xiebao.",
        "subPartnerId=: the partner's sub-account, empty if there is none.",
        f"caseCode={PRODUCT_CODE}: the product code that Xiebao provides.",
        "sign=00…35: the signature is valid for the configured key.",
        "partnerUniqKey=m1: the partner's unique id for the member.",
        "platform=1: the platform for which the page is shown (1 = H5).",
    ]
    assert (findings["ERROR"], findings["WARNING"]) == ("", "")


class UrlCase(NamedTuple):
    """A gateway URL and a finding of ``flask xiebao inspect`` about this URL.

    :ivar message: a part of the finding.
    :ivar level: the level of the finding. If it is "ok", the command must not report a problem.
    :ivar make_site: the function that builds the site that inspects the URL.
    :ivar errors: the number of errors. The default is 1 for the level "ERROR", and 0 otherwise.
    """

    url: str
    message: str
    level: str = "ERROR"
    make_site: Callable[[], Flask] = make_site
    errors: int | None = None


def build_host_case(url: str, *, base_url: str | None = None, level: str = "ERROR") -> UrlCase:
    """Return a :class:`UrlCase` with a product URL of a gateway that the site does not use.

    :param url: the base URL of the gateway in the product URL.
    :param base_url: the setting ``XIEBAO_BASE_URL`` of the site.
    """
    message = f"The URL is not a URL of this site's gateway, {base_url or TEST_GATEWAY}."
    return UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, url),
        message,
        level,
        partial(make_site, XIEBAO_BASE_URL=base_url),
    )


make_site_with_local_gateway = partial(make_site, XIEBAO_BASE_URL="/gateway")
make_site_with_member_keys = partial(make_site, XIEBAO_MEMBER_SECRET=PUBLISHED_SECRET)
CONTAINS_SPACE = "The value contains a space"

#: One row per gateway URL: the URL, a part of the finding, and optionally its level, the function
#: that builds the site, and the number of errors. The default level is "ERROR".
URL_CASES = [
    UrlCase(PRODUCT_URL.replace("12345", "12346"), 'Use the partnerId "12345"'),
    UrlCase(
        PRODUCT_URL.replace(SIGN, SIGN.upper()),
        'The signature "00…35" (parameter "sign") has the wrong format',
    ),
    UrlCase(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI1039147"), "looks like an API key"),
    UrlCase(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI12345"), "looks like an API key"),
    UrlCase(PRODUCT_URL.replace(SIGN, "YTVhYTk0YTk3ZDI="), "looks like an API key"),
    UrlCase(PRODUCT_URL.replace(SIGN, "Key"), "looks like an API key"),
    UrlCase(PRODUCT_URL.replace(".com/", ".com.evil.example/"), "although the name is similar"),
    UrlCase(
        PRODUCT_URL.replace("testapi.", "testapi-"),
        "testapi-xiebao18.com is not Xiebao's gateway",
    ),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, f"{TEST_GATEWAY}@evil.example"), "is not Xiebao's gateway"
    ),
    UrlCase(PRODUCT_URL.replace("//test", "//me@test"), "The URL has a user name before the host"),
    UrlCase(PRODUCT_URL.replace("xiebao18", "xieba018"), "although the name is similar"),
    UrlCase(PRODUCT_URL.removeprefix("https://"), 'Begin the URL with "https://"'),
    UrlCase(PRODUCT_URL.replace("https:", "http:"), 'Begin the URL with "https://"'),
    UrlCase(PRODUCT_URL.replace(TEST_GATEWAY, f"{TEST_GATEWAY}:8443"), "does not use port 8443"),
    UrlCase(PRODUCT_URL.replace(TEST_GATEWAY, f"{TEST_GATEWAY}:80"), "does not use port 80"),
    UrlCase(
        PRODUCT_URL.replace(SIGN, "0" * 32),
        'The signature "00…00" (parameter "sign") was not made with the API key of this account',
    ),
    UrlCase(PRODUCT_URL.replace(f"sign={SIGN}", "sign="), '"sign" is empty'),
    UrlCase(PRODUCT_URL.replace(f"&sign={SIGN}", ""), '"sign" is missing'),
    UrlCase(PRODUCT_URL.replace("&partnerUniqKey=m1", ""), '"partnerUniqKey" is missing'),
    UrlCase(
        PRODUCT_URL.replace("caseCode", "casecode"),
        'The parameter name "casecode" is misspelled. Write "caseCode"',
    ),
    UrlCase(
        f"{PRODUCT_URL}&colour=red",
        'The parameter "colour" is not defined in section 2.1',
    ),
    UrlCase(f"{PRODUCT_URL}&platform=1", '"platform" appears 2 times'),
    UrlCase(PRODUCT_URL.replace("m1", "林"), '"partnerUniqKey" is not percent-encoded'),
    UrlCase(
        PRODUCT_URL.replace("platform=1", "platform=5"),
        'does not support the platform "5". Use one of these platforms: 1 (H5), 2 (PC), 3 (iOS)',
    ),
    UrlCase(
        f"{HOME_URL}&platform=2",
        '(platform "2") at present. Use one of these platforms: 1 (H5), 3 (iOS), 4 (Android)',
    ),
    UrlCase(
        f"{HOME_URL}&paySuccess={encode_pay_success('/paid')}",
        'The value of "paySuccess" must be the base64 form of an absolute',
    ),
    UrlCase(
        f"{HOME_URL}&paySuccess={encode_pay_success('http://a/保'.encode('gbk'))}",
        'The value of "paySuccess" must be the base64 form of',
    ),
    UrlCase(
        f"{HOME_URL}&paySuccess=aHR0cDovL2E", 'The value of "paySuccess" is not standard base64'
    ),
    UrlCase(f"{HOME_URL}&paySuccess=aHR0cDovL2E+Pw==", 'Send "+" as "%2B"'),
    UrlCase(f"{HOME_URL}&paySuccess=aHR0cDovL2E_Pw==", "URL-safe base64"),
    UrlCase(
        f"{TEST_GATEWAY}/dispatch/elsewhere?sign={SIGN}",
        'The gateway has no page "/dispatch/elsewhere"',
    ),
    UrlCase(
        f"{TEST_GATEWAY}/gateway/dispatch/cps", 'The gateway has no page "/gateway/dispatch/cps"'
    ),
    UrlCase("https://shop.example/about", "nor a link of this site"),
    # Spaces in parameters
    UrlCase(PRODUCT_URL.replace(PRODUCT_CODE, f"{PRODUCT_CODE}%20"), CONTAINS_SPACE, "WARNING"),
    UrlCase(PRODUCT_URL.replace(PRODUCT_CODE, "QX%20000"), CONTAINS_SPACE, "WARNING"),
    UrlCase(PRODUCT_URL.replace("=m1", "=+m1"), CONTAINS_SPACE, "WARNING"),
    UrlCase(
        PRODUCT_URL.replace("subPartnerId=", "subPartnerId=branch+7"), CONTAINS_SPACE, "WARNING"
    ),
    UrlCase(
        PRODUCT_URL.replace("=m1", "=m%201"), "partnerUniqKey=m 1: the partner's unique id", "ok"
    ),
    UrlCase(
        PRODUCT_URL.replace(PRODUCT_CODE, "QX 1"),
        '"caseCode" contains a space or a line break. Remove this character, or write a space as'
        ' "%20".',
    ),
    # Mistakes while copying a URL
    UrlCase(
        PRODUCT_URL.replace("&", "&amp;"),
        'instead of "&" before "caseCode", so the parameter is named "amp;caseCode"',
        errors=5,
    ),
    UrlCase(PRODUCT_URL.partition("&")[0], '"caseCode" is missing', errors=3),
    UrlCase(PRODUCT_URL.partition("&")[0], "put the URL in quotes", "WARNING", errors=3),
    # Member keys
    UrlCase(
        PRODUCT_URL.replace("=m1", f"={KEY_OF_8}"),
        f"partnerUniqKey={KEY_OF_8}: the key of member 8.",
        "ok",
        make_site_with_member_keys,
    ),
    UrlCase(
        PRODUCT_URL.replace("=m1", "=8"),
        "partnerUniqKey=8: this is not the key of a member of this site.",
        "WARNING",
        make_site_with_member_keys,
    ),
    UrlCase(
        PRODUCT_URL,
        "partnerUniqKey: the member cannot be determined: ConfigError: The keeps_plain_key hook"
        " must return True or False, got None.",
        make_site=partial(
            make_site_with_member_keys, register_hook("keeps_plain_key", lambda member: None)
        ),
    ),
    UrlCase(
        PRODUCT_URL,
        "partnerUniqKey: the member cannot be determined: ValueError in raise_error (",
        make_site=partial(
            make_site_with_member_keys,
            register_hook("keeps_plain_key", failing_function(ValueError("8"))),
        ),
    ),
    # Parameters that the interface document does not define
    UrlCase(
        f"{HOME_URL}&channel=7&hidenav=1",
        'The parameter "channel" is not defined in section 2.2',
    ),
    UrlCase(
        f"{HOME_URL}&channel=7&hidenav=1",
        "channel=7: a parameter that is not defined in Xiebao's interface document.",
        "ok",
        partial(make_site, XIEBAO_EXTRA={"channel": 7}),
    ),
    # Signatures with an API key of another account or environment
    UrlCase(
        HOME_URL,
        "not verified, because no key is available. XIEBAO_ENABLED is off.",
        "WARNING",
        partial(make_site, XIEBAO_ENABLED=False),
    ),
    UrlCase(
        HOME_URL,
        "not verified, because no key is available. XIEBAO_ENABLED is off.",
        "WARNING",
        partial(make_site, XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None),
    ),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, PRODUCTION_GATEWAY),
        "sign=00…35: the signature was made with the key of this site's environment",
    ),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, PRODUCTION_GATEWAY).replace(SIGN, "0123456789abcdef" * 2),
        "does not have the key of the production gateway",
        "WARNING",
    ),
    UrlCase(TEST_EXAMPLE_2_2, "the URL is for another partner account", "WARNING", errors=1),
    # Hosts of other gateways. If the URL leads to a real or local gateway, the command only warns,
    # because the URL may be intended.
    build_host_case("https://evil.example"),
    build_host_case("http://127.0.0.1:5000", level="WARNING"),
    build_host_case("https://gw.example.evil", base_url="https://gw.example"),
    build_host_case(TEST_GATEWAY, base_url="https://gw.example", level="WARNING"),
    build_host_case("http://gw.example", base_url="https://gw.example"),
    build_host_case("https://gw.example:8443", base_url="https://gw.example"),
    build_host_case("https://gw.example/y/x", base_url="https://gw.example/x"),
    build_host_case(TEST_GATEWAY, base_url="/gateway", level="WARNING"),
    build_host_case("https://shop.example", base_url="/gateway"),
    build_host_case("https://shop.example/gateway/x", base_url="/gateway"),
    UrlCase(PRODUCT_URL.replace("https://test", "HTTPS://TEST"), "on the test gateway", "ok"),
    UrlCase(PRODUCT_URL.replace(TEST_GATEWAY, f"{TEST_GATEWAY}:443"), "on the test gateway", "ok"),
    UrlCase(
        f"/gateway{HOME_URL.removeprefix(TEST_GATEWAY)}",
        "the home page (section 2.2 of",
        "ok",
        make_site_with_local_gateway,
    ),
    UrlCase(
        HOME_URL.replace(TEST_GATEWAY, "http://127.0.0.1:5000/gateway"),
        "127.0.0.1",
        "ok",
        make_site_with_local_gateway,
    ),
    UrlCase(
        HOME_URL.replace(TEST_GATEWAY, "https://shop.example/at/gateway"),
        "shop.example",
        "ok",
        make_site_with_local_gateway,
    ),
    # If the app does not load, the command checks everything except the signature.
    UrlCase(
        EXAMPLE_2_2,
        "sign=82…14: the format is correct, but the signature was not verified",
        "WARNING",
        fail_to_load,
    ),
    UrlCase(EXAMPLE_2_2, "The app does not load (RuntimeError)", "WARNING", fail_to_load),
    UrlCase(EXAMPLE_2_1, "looks like an API key", "ERROR", fail_to_load, errors=2),
    UrlCase(EXAMPLE_2_3, 'The value of "paySuccess" is not standard base64', "ERROR", fail_to_load),
    UrlCase(PRODUCT_URL, "on the test gateway", "ok", fail_to_load),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, "http://localhost:5000/gateway"),
        "localhost",
        "ok",
        fail_to_load,
    ),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, ""),
        "the product page (section 2.1 of",
        "ok",
        fail_to_load,
    ),
    UrlCase(
        PRODUCT_URL.replace(TEST_GATEWAY, "https://gw.example"),
        "gw.example is not Xiebao's gateway",
        "ERROR",
        fail_to_load,
    ),
]


@pytest.mark.parametrize("case", URL_CASES, ids=[case.message for case in URL_CASES])
def test_inspect_reports_gateway_url_and_its_problems(case: UrlCase) -> None:
    findings = inspect_url(case.make_site, case.url)

    assert case.message in findings[case.level]
    errors = int(case.level == "ERROR") if case.errors is None else case.errors
    assert len(findings["ERROR"].splitlines()) == errors, findings["ERROR"]
    # If the app does not load, the command always warns that it did not verify the signature.
    if case.level == "ok" and case.make_site is not fail_to_load:
        assert findings["WARNING"] == ""


@pytest.mark.parametrize(
    ("create_app", "url", "exit_code", "message"),
    [
        (
            make_site,
            PRODUCT_URL.replace(TEST_GATEWAY, f"{TEST_GATEWAY}:none"),
            2,
            "The URL is not valid. Check its host and port.",
        ),
        (
            fail_to_load,
            "/xiebao/product/abc",
            1,
            "A link can be decoded only with the Flask app of the site that created it. The app"
            " does not load",
        ),
    ],
    ids=["invalid port", "link without app"],
)
def test_inspect_rejects_urls_that_cannot_be_decoded(
    create_app: Callable[[], Flask], url: str, exit_code: int, message: str
) -> None:
    result = run_command(create_app, "inspect", url)
    assert result.exit_code == exit_code
    assert message in result.output


@pytest.mark.parametrize(
    ("host", "lines"),
    [
        (
            TEST_GATEWAY,
            [
                "正常  测试网关的产品详情页（2.1）。\n",
                "正常  sign=00…35：和设置的密钥相符。\n",
            ],
        ),
        (
            f"{TEST_GATEWAY}:8443",
            [
                "错误  携保的网关不在端口 8443 上",
                "错误 1 项，警告 0 项。网关会拒绝这个网址。\n",
            ],
        ),
    ],
    ids=["valid URL", "invalid port"],
)
def test_inspect_with_locale_zh_prints_chinese_findings(host: str, lines: list[str]) -> None:
    url = PRODUCT_URL.replace(TEST_GATEWAY, host)
    output = run_command(make_site(), "inspect", url, "--locale", "zh").output
    for line in lines:
        assert line in output


def test_inspect_reports_import_error_of_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text("import missing_module")
    monkeypatch.chdir(tmp_path)

    result = (
        Flask("runner")
        .test_cli_runner()
        .invoke(xiebao, ["inspect", "/xiebao/home/x"], obj=ScriptInfo(app_import_path="broken"))
    )

    assert 'an ImportError was raised. Run "flask xiebao doctor".' in result.output


# Masked secrets in URLs

API_KEY = "NDQ5NzVhMzFiZjM="


@pytest.mark.parametrize(
    ("url", "config", "text", "secret"),
    [
        *(
            (url.replace(f"sign={SIGN}", "sign=0"), {}, "00…35", SIGN)
            for url in (
                PRODUCT_URL.replace("m1", SIGN.upper()),
                f"{PRODUCT_URL}&{SIGN}=1",
                f"{TEST_GATEWAY}/dispatch/{SIGN}",
                f"{HOME_URL}&paySuccess={encode_pay_success('https://a.example/' + SIGN)}",
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
                f"{HOME_URL}&paySuccess={encode_pay_success(url)}",
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
                {"XIEBAO_API_KEY": API_KEY},
                "subPartnerId=",
                "NDQ5",
            )
            for key in (API_KEY, quote(API_KEY))
        ),
    ],
)
def test_inspect_masks_signature_and_api_key_in_every_part_of_url(
    url: str, config: dict[str, Any], text: str, secret: str
) -> None:
    output = run_command(make_site(**config), "inspect", url).output
    assert text in output
    assert secret not in output


def test_inspect_escapes_control_characters() -> None:
    pay_success = encode_pay_success("https://shop.example/?a=1")
    url = f"{HOME_URL}&paySuccess={pay_success}&hidenav=%1b[2J%0a%5cok"

    output = run_command(make_site(), "inspect", url).output

    assert r"hidenav=\x1b[2J\n\ok" in output
    assert "\x1b" not in output
