"""The simulator reads a URL as the interface document has it: its own words and examples.

What the gateway takes is a row of ``ACCEPTED``, and what it refuses one of ``REFUSED``.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from flask_xiebao.testing import GatewaySimulator
from tests.check.urls import (
    BROWSER,
    GOOD,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    SHOP,
    SIMULATOR,
    encoded,
    url,
)
from tests.support import SIGN

ACCEPTED = [
    (url(PRODUCT), {"page": "product"}),
    (url(HOME), {"page": "home"}),
    (url(POLICY), {"page": "policy"}),
    *((url(path, without="subPartnerId"), {}) for path in (PRODUCT, HOME)),
    *((url(path, paySuccess=PAY_SUCCESS), {"pay_success": SHOP}) for path in GOOD),
    *(
        (url(path, platform=code), {"platform": int(code)})
        for path, served in {PRODUCT: "1234", HOME: "134", POLICY: "134"}.items()
        for code in served
    ),
    (url(POLICY), {"member": None, "platform": None, "pay_success": None}),
    (url(POLICY, partnerUniqKey="张 三&1"), {"member": "张 三&1"}),
    (
        url(
            PRODUCT, subPartnerId="s1", platform="2", paySuccess=PAY_SUCCESS, toLogin="", isApp="1"
        ),
        {"page": "product", "platform": 2, "member": "101000", "pay_success": SHOP},
    ),
    (f"{url(HOME)}&paySuccess={quote(encoded('https://shop.example/?q=>>>'))}", {}),
    # It is masked, and a member all the same.
    (url(HOME, partnerUniqKey=encoded(SIGN)), {"member": "MD…U="}),
    # No client sends a fragment.
    (f"{url(POLICY)}&partnerUniqKey=7#&sign=again", {"member": "7"}),
    *(
        (start + url(POLICY), {"page": "policy"})
        for start in (
            "https://api.xiebao18.com",
            "https://testapi.xiebao18.com",
            "http://localhost:5000/gateway",
            "/gateway",
        )
    ),
]


@pytest.mark.parametrize(
    ("address", "says"), ACCEPTED, ids=[row[0].replace(SIGN, "SIGN")[-90:] for row in ACCEPTED]
)
def test_what_the_document_promises_is_accepted(address: str, says: dict[str, Any]) -> None:
    verdict = SIMULATOR.check(address)
    assert verdict.accepted, verdict.reasons
    assert {name: getattr(verdict, name) for name in says} == says


NOT_BASE64 = "paySuccess 不是标准 base64"
NO_URL = "paySuccess 解码后不是完整的网址"
URL_SAFE = "paySuccess 用了 URL 安全的 base64"
SPACE = "partnerUniqKey 里有空格或换行：请去掉，或写成 %20。"
OTHER_SIGNS = [
    *(SIGN.upper(), SIGN[:-1], SIGN + "0", "YTVhYTk0YTk3ZDI1039147", "签名", "Key"),
    hashlib.md5(b"12345Key", usedforsecurity=False).hexdigest(),
]
NO_BASE64 = [
    *("*", "=", "https://shop.example/", "\uff0b\uff0b\uff0b\uff0b"),
    encoded("https://shop.example/1").rstrip("="),
    encoded("https://shop.example/1") + "=",
    encoded("https://shop.example/12") + "=",
    "aHR0cDovL2F=",  # not what any encoder writes: the last bits are lost
]
NO_ADDRESS: list[str | bytes] = [
    *("/orders/8", "//shop.example/", "shop.example", "data:text/html,x", "ftp://shop.example/"),
    *("javascript:alert(1)", "javascript://shop.example/%0aalert(1)", "https:shop.example"),
    *("https://", "https:///orders", "https://:443/", "https://shop.example:port/"),
    *("https://[shop.example/", "https://shop.example/\r\nSet-Cookie: a=b"),
    *("https://shop.example/\x00", "https://shop.example/a b", " https://shop.example/"),
    b"https://shop.example/\xff",
]
REFUSED: list[tuple[str, tuple[str, ...]]] = [
    *(
        row
        for path, parameters in GOOD.items()
        for name in parameters
        if name != "subPartnerId"
        for row in (
            (url(path, without=name), (f"缺少 {name}",)),
            *((url(path, **{name: blank}), (f"{name} 是空的",)) for blank in ("", " ", "\u3000")),
        )
    ),
    *(
        (address, (f"{name} 是空的",))
        for name in ("platform", "paySuccess", "partnerUniqKey")
        for address in (url(POLICY, **{name: ""}), f"{url(POLICY)}&{name}")
    ),
    *((url(PRODUCT, sign=sign), ("32 位小写",)) for sign in OTHER_SIGNS),
    (url(PRODUCT, sign="0" * 32), (" 不对：应为 md5(apiKey + partnerId)",)),
    (url(HOME, partnerId="1234"), ("partnerId 不是 12345",)),
    *(
        (url(PRODUCT, platform=platform), ("platform 不对",))
        for platform in ("0", "5", "-1", "01", "12", "1 ", "１", "h5", "9" * 5000)
    ),
    *((url(path, platform="2"), ("目前不支持 PC",)) for path in (HOME, POLICY)),
    *(
        (f"{url(HOME, platform='1')}&{name}={value}", (f"{name} 出现了 2 次",))
        for name, value in {"sign": SIGN, "partnerUniqKey": "101000", "platform": "1"}.items()
    ),
    (url(HOME, hidenav="1"), ("“hidenav”",)),
    (url(POLICY, subPartnerId=""), ("“subPartnerId”",)),
    (url(HOME, insureNum="1"), ("“insureNum”",)),
    *(
        (
            url(HOME, without="partnerUniqKey", **{name: "1"}),
            ("缺少 partnerUniqKey", f"“{name}”：应写作 partnerUniqKey"),
        )
        for name in ("PartnerUniqKey", " partnerUniqKey", "partneruniqkey ")
    ),
    (f"{url(POLICY)}&partnerUniqKey=a b", (SPACE,)),
    *(
        (f"{url(POLICY)}&partnerUniqKey={tail}", ("partnerUniqKey 的转义有误",))
        for tail in ("%ff", "%E4%BD", "%zz", "%", "张三", "\ud800")
    ),
    # A bare plus is a space.
    (f"{url(HOME)}&paySuccess={encoded('https://shop.example/?q=>>>')}", ("+ 要写成 %2B",)),
    *(
        (url(HOME, paySuccess=base64.urlsafe_b64encode(address).decode()), (URL_SAFE,))
        for address in (b"https://shop.example/?q=???", b"https://shop.example/?q=>>>")
    ),
    *((url(HOME, paySuccess=value), (NOT_BASE64,)) for value in NO_BASE64),
    *((url(HOME, paySuccess=encoded(address)), (NO_URL,)) for address in NO_ADDRESS),
    (url(HOME, sign="x", platform="2", foo="1"), ("sign", "platform", "“foo”")),
    (PRODUCT, ("缺少 partnerId", "缺少 caseCode", "缺少 sign", "缺少 partnerUniqKey")),
    # Where there is no page
    *(
        (f"{path}?{urlencode(GOOD[PRODUCT])}", (f"网关没有这个页面（{path or '/'}）",))
        for path in (
            *("", "/", "/dispatch", "/dispatch/cps/", "/dispatch/CPS", "dispatch/cps"),
            *("/dispatch/cps/insuredetail", "/dispatch%2Fcps", "/dispatch\n/cps"),
        )
    ),
    ("https://api.xiebao18.com/gateway/dispatch/cps", ("页面（/gateway/dispatch/cps）",)),
    *(
        (address, ("网址有误",))
        for address in (
            *("ftp://api.xiebao18.com/dispatch/cps", "javascript:/dispatch/cps"),
            *("http://[/dispatch/cps", "https://api.xiebao18.com\u3002/dispatch/cps"),
            *("HTPS://api.xiebao18.com/dispatch/cps", "htps://shop.example/gateway/dispatch/cps"),
            "https://shop.example/网关/dispatch/cps",
        )
    ),
]


@pytest.mark.parametrize(
    ("address", "says"), REFUSED, ids=[row[0].replace(SIGN, "SIGN")[-90:] for row in REFUSED]
)
def test_what_is_refused_is_told_why(address: str, says: tuple[str, ...]) -> None:
    verdict = SIMULATOR.check(address)
    for reason, said in zip(verdict.reasons, says, strict=True):
        assert said in reason
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


# Secrets


def as_escapes(sign: str, times: int) -> str:
    again = "".join(f"%{ord(digit):x}" for digit in sign)
    return again.replace("%", "%" + "25" * (times - 1))


MIXED = encoded(f"https://shop.example/?>>>/{SIGN}")
OTHER = "82e20232fddc2d78eb42c74bb18f9014"


@pytest.mark.parametrize(
    "address",
    [
        url(PRODUCT),
        url(PRODUCT) + f"&sign={SIGN}",
        url(PRODUCT, Sign=SIGN),
        url(PRODUCT, without="sign", SIGN=SIGN),
        url(PRODUCT, partnerUniqKey=SIGN, caseCode=f"x{SIGN.upper()}y"),
        url(PRODUCT, **{SIGN: "a name"}),
        url(PRODUCT, paySuccess=encoded(f"https://shop.example/{SIGN}")),
        url(PRODUCT, sign=SIGN.upper()),
        url(PRODUCT, partnerUniqKey=encoded(SIGN)),
        f"{url(PRODUCT)}&x={as_escapes(SIGN.upper(), 1)}",
        *(f"{url(PRODUCT)}&x={as_escapes(SIGN, times)}" for times in (2, 3)),
        *(url(PRODUCT, partnerUniqKey=as_escapes(SIGN, times)) for times in (1, 2, 3)),
    ],
)
def test_the_sign_is_shown_nowhere_in_full(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    page = BROWSER.get(address).text
    answer = BROWSER.get(address, headers={"Accept": "application/json"}).text
    for shown in (page, answer, repr(SIMULATOR.check(address)), caplog.text):
        assert SIGN not in shown.lower()
        assert encoded(SIGN) not in shown
        assert not any(as_escapes(SIGN, times) in shown for times in (1, 2, 3))
    assert "00…35" in page


@pytest.mark.parametrize(
    ("address", "name", "shown"),
    [
        (url(HOME, sign="0123456789"), "sign", "01…89"),
        (url(HOME, Sign="abcdefgh"), "Sign", "ab…gh"),
        *((url(HOME, sign=short), "sign", "***") for short in ("Key", "1234567", "k")),
        *(
            (url(HOME, without="sign", **{name: OTHER}), name, "82…14")
            for name in (
                *("amp;sign", " sign", "SIGN", "amp;Sign", "amp;amp;sign", "amp; sign"),
                " amp;sign ",
            )
        ),
        (url(HOME, partnerUniqKey=encoded(SIGN)), "partnerUniqKey", "MD…U="),
        *(
            (url(HOME, paySuccess=sent), "paySuccess", f"{sent[:2]}…{sent[-2:]}")
            for sent in (
                *(MIXED, MIXED.rstrip("="), MIXED.replace("+", "-"), MIXED.replace("+", " ")),
                f"{MIXED[:40]}\n{MIXED[40:]}\r\n",
            )
        ),
        (f"/{as_escapes(SIGN, 1)}?x=1", "x", "1"),
    ],
)
def test_what_may_be_a_sign_is_masked_however_it_is_written(
    address: str, name: str, shown: str
) -> None:
    verdict = SIMULATOR.check(address)
    assert dict(verdict.parameters)[name] == shown
    for secret in (SIGN, OTHER, as_escapes(SIGN, 1), encoded(SIGN)):
        assert secret not in str(verdict)


def test_the_simulator_tells_its_partner_and_no_secret() -> None:
    simulator = GatewaySimulator("12345", "the-api-key")
    assert repr(simulator) == "<GatewaySimulator 12345>"
    assert "the-api-key" not in str(getattr(simulator, "__dict__", {}))  # as debuggers show it


SUCH_AS = 'notify_url .*such as "/xiebao/notify"'


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"partner_id": ""}, "partner_id is empty"),
        ({"partner_id": None}, "partner_id is None"),
        ({"partner_id": True}, "partner_id must be a string or an integer, got bool"),
        ({"partner_id": 12345.0}, "partner_id must be a string or an integer, got float"),
        *(({"api_key": key}, "api_key must be a non-empty string") for key in ("", None, 5)),
        ({"api_key": "k\ud800"}, "api_key cannot be read"),
        *(
            ({"notify_url": wrong}, SUCH_AS)
            for wrong in ("", "xiebao/notify", "//evil.example/", "ftp://a.example/", 7)
        ),
    ],
)
def test_a_simulator_of_no_account_is_an_error(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        GatewaySimulator(**{"partner_id": "12345", "api_key": "the-api-key", **changed})
    assert "the-api-key" not in str(error.value)
