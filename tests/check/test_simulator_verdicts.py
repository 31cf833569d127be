"""Tests for the verdicts of the gateway simulator, which follow Xiebao's interface document.

To test another URL, add a row to ``ACCEPTED`` or ``REFUSED``.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from flask_xiebao.testing import GatewaySimulator
from tests.check.gateway_urls import (
    BROWSER,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    RETURN_URL,
    SIMULATOR,
    VALID_PARAMETERS,
    build_gateway_url,
    encode_base64,
)
from tests.support import SIGN

#: One row per accepted URL: the URL, and the expected attributes of the verdict.
ACCEPTED = [
    (build_gateway_url(PRODUCT), {"page": "product"}),
    (build_gateway_url(HOME), {"page": "home"}),
    (build_gateway_url(POLICY), {"page": "policy"}),
    *((build_gateway_url(path, without="subPartnerId"), {}) for path in (PRODUCT, HOME)),
    *(
        (build_gateway_url(path, paySuccess=PAY_SUCCESS), {"pay_success": RETURN_URL})
        for path in VALID_PARAMETERS
    ),
    *(
        (build_gateway_url(path, platform=code), {"platform": int(code)})
        for path, served in {PRODUCT: "1234", HOME: "134", POLICY: "134"}.items()
        for code in served
    ),
    (build_gateway_url(POLICY), {"member": None, "platform": None, "pay_success": None}),
    (build_gateway_url(POLICY, partnerUniqKey="张 三&1"), {"member": "张 三&1"}),
    (
        build_gateway_url(
            PRODUCT, subPartnerId="s1", platform="2", paySuccess=PAY_SUCCESS, toLogin="", isApp="1"
        ),
        {"page": "product", "platform": 2, "member": "101000", "pay_success": RETURN_URL},
    ),
    (
        f"{build_gateway_url(HOME)}&paySuccess={quote(encode_base64('https://shop.example/?q=>>>'))}",
        {},
    ),
    # The simulator masks a signature that is encoded in the member key, but accepts the member key.
    (build_gateway_url(HOME, partnerUniqKey=encode_base64(SIGN)), {"member": "MD…U="}),
    # Browsers do not send the fragment of a URL, so the simulator ignores it.
    (f"{build_gateway_url(POLICY)}&partnerUniqKey=7#&sign=again", {"member": "7"}),
    *(
        (start + build_gateway_url(POLICY), {"page": "policy"})
        for start in (
            "https://api.xiebao18.com",
            "https://testapi.xiebao18.com",
            "http://localhost:5000/gateway",
            "/gateway",
        )
    ),
]


@pytest.mark.parametrize(
    ("url", "expected"), ACCEPTED, ids=[row[0].replace(SIGN, "SIGN")[-90:] for row in ACCEPTED]
)
def test_verdict_accepts_url(url: str, expected: dict[str, Any]) -> None:
    verdict = SIMULATOR.check(url)
    assert verdict.accepted, verdict.reasons
    assert {name: getattr(verdict, name) for name in expected} == expected


MALFORMED_SIGNS = [
    *(SIGN.upper(), SIGN[:-1], SIGN + "0", "YTVhYTk0YTk3ZDI1039147", "签名", "Key"),
    hashlib.md5(b"12345Key", usedforsecurity=False).hexdigest(),
]
INVALID_BASE64 = [
    *("*", "=", "https://shop.example/", "\uff0b\uff0b\uff0b\uff0b"),
    encode_base64("https://shop.example/1").rstrip("="),
    encode_base64("https://shop.example/1") + "=",
    encode_base64("https://shop.example/12") + "=",
    "aHR0cDovL2F=",  # The unused bits of the last base64 character are not zero.
]
INVALID_RETURN_URLS: list[str | bytes] = [
    *("/orders/8", "//shop.example/", "shop.example", "data:text/html,x", "ftp://shop.example/"),
    *("javascript:alert(1)", "javascript://shop.example/%0aalert(1)", "https:shop.example"),
    *("https://", "https:///orders", "https://:443/", "https://shop.example:port/"),
    *("https://[shop.example/", "https://shop.example/\r\nSet-Cookie: a=b"),
    *("https://shop.example/\x00", "https://shop.example/a b", " https://shop.example/"),
    b"https://shop.example/\xff",
]
#: One row per refused URL: the URL, and a part of each reason in the verdict, in the same order.
REFUSED: list[tuple[str, tuple[str, ...]]] = [
    *(
        row
        for path, parameters in VALID_PARAMETERS.items()
        for name in parameters
        if name != "subPartnerId"
        for row in (
            (build_gateway_url(path, without=name), (f"缺少 {name}",)),
            *(
                (build_gateway_url(path, **{name: blank}), (f"{name} 是空的",))
                for blank in ("", " ", "\u3000")
            ),
        )
    ),
    *(
        (url, (f"{name} 是空的",))
        for name in ("platform", "paySuccess", "partnerUniqKey")
        for url in (build_gateway_url(POLICY, **{name: ""}), f"{build_gateway_url(POLICY)}&{name}")
    ),
    *((build_gateway_url(PRODUCT, sign=sign), ("32 位小写",)) for sign in MALFORMED_SIGNS),
    (build_gateway_url(PRODUCT, sign="0" * 32), (" 不对：应为 md5(apiKey + partnerId)",)),
    (build_gateway_url(HOME, partnerId="1234"), ("partnerId 不是 12345",)),
    *(
        (build_gateway_url(PRODUCT, platform=platform), ("platform 不对",))
        for platform in ("0", "5", "-1", "01", "12", "1 ", "１", "h5", "9" * 5000)
    ),
    *((build_gateway_url(path, platform="2"), ("目前不支持 PC",)) for path in (HOME, POLICY)),
    *(
        (f"{build_gateway_url(HOME, platform='1')}&{name}={value}", (f"{name} 出现了 2 次",))
        for name, value in {"sign": SIGN, "partnerUniqKey": "101000", "platform": "1"}.items()
    ),
    (build_gateway_url(HOME, hidenav="1"), ("“hidenav”",)),
    (build_gateway_url(POLICY, subPartnerId=""), ("“subPartnerId”",)),
    (build_gateway_url(HOME, insureNum="1"), ("“insureNum”",)),
    *(
        (
            build_gateway_url(HOME, without="partnerUniqKey", **{name: "1"}),
            ("缺少 partnerUniqKey", f"“{name}”：应写作 partnerUniqKey"),
        )
        for name in ("PartnerUniqKey", " partnerUniqKey", "partneruniqkey ")
    ),
    (
        f"{build_gateway_url(POLICY)}&partnerUniqKey=a b",
        ("partnerUniqKey 里有空格或换行：请去掉，或写成 %20。",),
    ),
    *(
        (f"{build_gateway_url(POLICY)}&partnerUniqKey={tail}", ("partnerUniqKey 的转义有误",))
        for tail in ("%ff", "%E4%BD", "%zz", "%", "张三", "\ud800")
    ),
    # A plus sign in a query string means a space, so it is not a part of the base64 text.
    (
        f"{build_gateway_url(HOME)}&paySuccess={encode_base64('https://shop.example/?q=>>>')}",
        ("+ 要写成 %2B",),
    ),
    *(
        (
            build_gateway_url(HOME, paySuccess=base64.urlsafe_b64encode(url).decode()),
            ("paySuccess 用了 URL 安全的 base64",),
        )
        for url in (b"https://shop.example/?q=???", b"https://shop.example/?q=>>>")
    ),
    *(
        (build_gateway_url(HOME, paySuccess=value), ("paySuccess 不是标准 base64",))
        for value in INVALID_BASE64
    ),
    *(
        (
            build_gateway_url(HOME, paySuccess=encode_base64(url)),
            ("paySuccess 解码后不是完整的网址",),
        )
        for url in INVALID_RETURN_URLS
    ),
    (build_gateway_url(HOME, sign="x", platform="2", foo="1"), ("sign", "platform", "“foo”")),
    (PRODUCT, ("缺少 partnerId", "缺少 caseCode", "缺少 sign", "缺少 partnerUniqKey")),
    # URLs with a path at which the gateway has no page.
    *(
        (f"{path}?{urlencode(VALID_PARAMETERS[PRODUCT])}", (f"网关没有这个页面（{path or '/'}）",))
        for path in (
            *("", "/", "/dispatch", "/dispatch/cps/", "/dispatch/CPS", "dispatch/cps"),
            *("/dispatch/cps/insuredetail", "/dispatch%2Fcps", "/dispatch\n/cps"),
        )
    ),
    ("https://api.xiebao18.com/gateway/dispatch/cps", ("页面（/gateway/dispatch/cps）",)),
    *(
        (url, ("网址有误",))
        for url in (
            *("ftp://api.xiebao18.com/dispatch/cps", "javascript:/dispatch/cps"),
            *("http://[/dispatch/cps", "https://api.xiebao18.com\u3002/dispatch/cps"),
            *("HTPS://api.xiebao18.com/dispatch/cps", "htps://shop.example/gateway/dispatch/cps"),
            "https://shop.example/网关/dispatch/cps",
        )
    ),
]


@pytest.mark.parametrize(
    ("url", "reasons"), REFUSED, ids=[row[0].replace(SIGN, "SIGN")[-90:] for row in REFUSED]
)
def test_verdict_refuses_url_and_gives_reasons(url: str, reasons: tuple[str, ...]) -> None:
    verdict = SIMULATOR.check(url)

    for reason, expected in zip(verdict.reasons, reasons, strict=True):
        assert expected in reason
    refused = {problem.parameter for problem in verdict.problems}
    for name, value in {
        "platform": verdict.platform,
        "paySuccess": verdict.pay_success,
        "partnerUniqKey": verdict.member,
    }.items():
        assert value is None or name not in refused
    if verdict.problems[0].code in ("page", "address"):
        assert verdict.page is None
    assert SIGN not in repr(verdict)


# Signatures in the output of the gateway simulator


def percent_encode(sign: str, times: int) -> str:
    """Return the signature with every character percent-encoded *times* times."""
    return "".join(f"%{'25' * (times - 1)}{ord(digit):x}" for digit in sign)


RETURN_URL_WITH_SIGN = encode_base64(f"https://shop.example/?>>>/{SIGN}")
#: A well-formed signature of another partner account.
FOREIGN_SIGN = "82e20232fddc2d78eb42c74bb18f9014"


@pytest.mark.parametrize(
    "url",
    [
        build_gateway_url(PRODUCT),
        build_gateway_url(PRODUCT) + f"&sign={SIGN}",
        build_gateway_url(PRODUCT, Sign=SIGN),
        build_gateway_url(PRODUCT, without="sign", SIGN=SIGN),
        build_gateway_url(PRODUCT, partnerUniqKey=SIGN, caseCode=f"x{SIGN.upper()}y"),
        build_gateway_url(PRODUCT, **{SIGN: "a name"}),
        build_gateway_url(PRODUCT, paySuccess=encode_base64(f"https://shop.example/{SIGN}")),
        build_gateway_url(PRODUCT, sign=SIGN.upper()),
        build_gateway_url(PRODUCT, partnerUniqKey=encode_base64(SIGN)),
        f"{build_gateway_url(PRODUCT)}&x={percent_encode(SIGN.upper(), 1)}",
        *(f"{build_gateway_url(PRODUCT)}&x={percent_encode(SIGN, times)}" for times in (2, 3)),
        *(
            build_gateway_url(PRODUCT, partnerUniqKey=percent_encode(SIGN, times))
            for times in (1, 2, 3)
        ),
    ],
)
def test_no_output_shows_whole_signature(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)

    page = BROWSER.get(url).text
    json_text = BROWSER.get(url, headers={"Accept": "application/json"}).text

    for output in (page, json_text, repr(SIMULATOR.check(url)), caplog.text):
        assert SIGN not in output.lower()
        assert encode_base64(SIGN) not in output
        assert not any(percent_encode(SIGN, times) in output for times in (1, 2, 3))
    assert "00…35" in page


@pytest.mark.parametrize(
    ("url", "name", "masked"),
    [
        (build_gateway_url(HOME, sign="0123456789"), "sign", "01…89"),
        (build_gateway_url(HOME, Sign="abcdefgh"), "Sign", "ab…gh"),
        *(
            (build_gateway_url(HOME, sign=short), "sign", "***")
            for short in ("Key", "1234567", "k")
        ),
        *(
            (build_gateway_url(HOME, without="sign", **{name: FOREIGN_SIGN}), name, "82…14")
            for name in (
                *("amp;sign", " sign", "SIGN", "amp;Sign", "amp;amp;sign", "amp; sign"),
                " amp;sign ",
            )
        ),
        (build_gateway_url(HOME, partnerUniqKey=encode_base64(SIGN)), "partnerUniqKey", "MD…U="),
        *(
            (build_gateway_url(HOME, paySuccess=value), "paySuccess", f"{value[:2]}…{value[-2:]}")
            for value in (
                RETURN_URL_WITH_SIGN,
                RETURN_URL_WITH_SIGN.rstrip("="),
                RETURN_URL_WITH_SIGN.replace("+", "-"),
                RETURN_URL_WITH_SIGN.replace("+", " "),
                f"{RETURN_URL_WITH_SIGN[:40]}\n{RETURN_URL_WITH_SIGN[40:]}\r\n",
            )
        ),
        (f"/{percent_encode(SIGN, 1)}?x=1", "x", "1"),
    ],
)
def test_verdict_masks_parameters_that_may_be_signatures(url: str, name: str, masked: str) -> None:
    verdict = SIMULATOR.check(url)
    assert dict(verdict.parameters)[name] == masked
    for secret in (SIGN, FOREIGN_SIGN, percent_encode(SIGN, 1), encode_base64(SIGN)):
        assert secret not in str(verdict)


# Arguments and ``repr()`` of ``GatewaySimulator``


def test_simulator_repr_shows_partner_id_and_no_api_key() -> None:
    simulator = GatewaySimulator("12345", "the-api-key")
    assert repr(simulator) == "<GatewaySimulator 12345>"
    # Debuggers and error reporters show an object's attributes, so no attribute may contain the API
    # key.
    assert "the-api-key" not in str(getattr(simulator, "__dict__", {}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partner_id": ""}, "partner_id is empty"),
        ({"partner_id": None}, "partner_id is None"),
        ({"partner_id": True}, "partner_id must be a string or an integer, got bool"),
        ({"partner_id": 12345.0}, "partner_id must be a string or an integer, got float"),
        *(({"api_key": key}, "api_key must be a non-empty string") for key in ("", None, 5)),
        ({"api_key": "k\ud800"}, "api_key cannot be read"),
        *(
            ({"notify_url": url}, 'notify_url .*such as "/xiebao/notify"')
            for url in ("", "xiebao/notify", "//evil.example/", "ftp://a.example/", 7)
        ),
    ],
)
def test_simulator_rejects_invalid_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        GatewaySimulator(**{"partner_id": "12345", "api_key": "the-api-key", **arguments})
    assert "the-api-key" not in str(error.value)
