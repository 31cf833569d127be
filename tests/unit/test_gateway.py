"""The gateway's URLs, against the document's words, examples and one sign."""

from __future__ import annotations

import base64
import hashlib
import pprint
import random
import string
import traceback
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from flask_xiebao import ConfigError, Gateway, GatewayError, Platform, XiebaoError
from flask_xiebao.testing import GatewaySimulator
from tests.support import CODE, NUMBER, SIGN

HOSTS = [Gateway.TEST, Gateway.PRODUCTION]

# A key that is part of no parameter's name, so that it is found wherever it is shown.
KEY = "5e1f-c0nta1ned"
KEY_SIGN = hashlib.md5(f"{KEY}12345".encode(), usedforsecurity=False).hexdigest()

SHOP = "https://shop.example/orders/8?paid=>>>&from=???~1"
PAY_SUCCESS = base64.b64encode(SHOP.encode()).decode()

AWKWARD = ["1+1", "a=b", "a/b", "a b", "a&b=c", "#8", "旅行险", "100%", "%2B", "?;:@'\"<>\\", "😀é"]
UNPRINTABLE = ["a\nb", "a\rb", "a\tb", "a\0b", "a\u200bb", "a\u202eb", "a\ud800b"]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway("12345", "Key")


def url_of(gateway: Gateway, page: str, **values: Any) -> str:
    """Build a good URL of *page*, or one in which only *values* differ."""
    if page == "product":
        code = values.pop("case_code", CODE)
        return gateway.product_url(code, **{"partner_uniq_key": "101000", **values})
    if page == "home":
        return gateway.home_url(**{"partner_uniq_key": "101000", **values})
    return gateway.policy_url(values.pop("insure_num", NUMBER), **values)


def parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


def reported(error: BaseException | None) -> str:
    """Return what an error report shows: messages, and the locals of the package's frames."""
    shown = []
    while error is not None:
        shown.append(str(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                for value in frame.f_locals.values():
                    try:
                        shown.append(repr(value))
                    except AttributeError:  # an object that was being made has no repr yet
                        shown.append(repr(getattr(value, "__dict__", None)))
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def test_the_documents_key_and_partner_give_the_documents_sign() -> None:
    assert Gateway("12345", "Key").sign == SIGN
    assert Gateway(12345, "Key").sign == SIGN


def test_a_key_of_digits_may_be_a_whole_number() -> None:
    assert Gateway("12345", 678).sign == Gateway("12345", "678").sign


@pytest.mark.parametrize(
    ("example", "page", "values"),
    [
        (
            "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&subPartnerId="
            "&caseCode=QX000000127257&sign=SIGN&partnerUniqKey=101000",
            "product",
            {},
        ),
        (
            "https://api.xiebao18.com/dispatch/cps/index?partnerId=1039147&subPartnerId="
            "&sign=SIGN&partnerUniqKey=101000",
            "home",
            {},
        ),
        (
            "https://api.xiebao18.com/dispatch/cps/insureDetail?partnerId=1039147"
            "&insureNum=20190226020146&sign=SIGN&paySuccess=aHR0cHM6Ly9zaG9wLmV4YW1wbGUv",
            "policy",
            {"pay_success": "https://shop.example/"},
        ),
    ],
)
def test_the_documents_examples_come_out_letter_by_letter(
    example: str, page: str, values: dict[str, str]
) -> None:
    gateway = Gateway("1039147", "Key", base_url=Gateway.PRODUCTION)
    assert url_of(gateway, page, **values) == example.replace("SIGN", gateway.sign)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("page", "path", "expected"),
    [
        (
            "product",
            "/dispatch/cps",
            [
                ("partnerId", "12345"),
                ("subPartnerId", "branch"),
                ("caseCode", CODE),
                ("sign", SIGN),
                ("partnerUniqKey", "101000"),
            ],
        ),
        (
            "home",
            "/dispatch/cps/index",
            [
                ("partnerId", "12345"),
                ("subPartnerId", "branch"),
                ("sign", SIGN),
                ("partnerUniqKey", "101000"),
            ],
        ),
        (
            "policy",
            "/dispatch/cps/insureDetail",
            [
                ("partnerId", "12345"),
                ("insureNum", NUMBER),
                ("sign", SIGN),
                ("partnerUniqKey", "101000"),
            ],
        ),
    ],
)
def test_a_page_gets_every_parameter_in_the_documents_order(
    host: str, page: str, path: str, expected: list[tuple[str, str]]
) -> None:
    gateway = Gateway("12345", "Key", sub_partner_id="branch", base_url=host)
    url = url_of(
        gateway,
        page,
        partner_uniq_key="101000",
        platform=Platform.ANDROID,
        pay_success=SHOP,
        extra={"toLogin": 1, "hidenav": "是"},
    )
    assert url.startswith(f"{host}{path}?")
    assert parameters(url) == [
        *expected,
        ("platform", "4"),
        ("paySuccess", PAY_SUCCESS),
        ("toLogin", "1"),
        ("hidenav", "是"),
    ]


@pytest.mark.parametrize("page", ["product", "home"])
@pytest.mark.parametrize(
    ("own", "given", "sent"),
    [
        ("", None, ""),
        ("", "branch", "branch"),
        ("branch", None, "branch"),
        ("branch", "other", "other"),
        ("branch", "", ""),
    ],
)
def test_the_sub_partner_of_a_url_wins_and_none_is_sent_empty(
    gateway: Gateway, page: str, own: str, given: str | None, sent: str
) -> None:
    gateway = Gateway("12345", "Key", sub_partner_id=own)
    assert ("subPartnerId", sent) in parameters(url_of(gateway, page, sub_partner_id=given))


def test_whole_numbers_become_their_digits(gateway: Gateway) -> None:
    found = dict(parameters(gateway.product_url(8, partner_uniq_key=7)))
    assert (found["caseCode"], found["partnerUniqKey"]) == ("8", "7")
    assert ("insureNum", NUMBER) in parameters(gateway.policy_url(int(NUMBER)))


def test_a_page_may_be_a_text_enum(gateway: Gateway) -> None:
    class Pages(str, Enum):  # noqa: UP042 - unlike StrEnum, str() of it is not its text
        HOME = "home"

    assert "/dispatch/cps/index?" in gateway.url(Pages.HOME, partner_uniq_key="m1")
    with pytest.raises(GatewayError, match="partnerUniqKey is required for the home page"):
        gateway.url(Pages.HOME)


def test_a_member_of_a_text_enum_is_sent_as_its_text(gateway: Gateway) -> None:
    class Product(str, Enum):  # noqa: UP042 - unlike StrEnum, str() of it is not its text
        TRAVEL = CODE

    url = gateway.product_url(Product.TRAVEL, partner_uniq_key="7")
    assert ("caseCode", CODE) in parameters(url)


@pytest.mark.parametrize("value", AWKWARD)
def test_any_printable_text_arrives_as_it_was_given(value: str) -> None:
    gateway = Gateway(value, "Key", sub_partner_id=value, extra={"own": value})
    product = gateway.product_url(value, partner_uniq_key=value, extra={value: value})
    policy = gateway.policy_url(value)
    found = dict(parameters(product))

    for name in ("partnerId", "subPartnerId", "caseCode", "partnerUniqKey", "own", value):
        assert found[name] == value
    assert dict(parameters(policy))["insureNum"] == value
    for url in (product, policy):
        assert set(urlsplit(url).query) <= {*string.ascii_letters, *string.digits, *"%&=-._~"}
        assert not urlsplit(url).fragment


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_pay_success_is_standard_base64_escaped_as_any_value(gateway: Gateway, page: str) -> None:
    assert {"+", "/", "="} <= set(PAY_SUCCESS), "all that a query spells differently"

    url = url_of(gateway, page, pay_success=SHOP)
    escaped = PAY_SUCCESS.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert url.endswith(f"&paySuccess={escaped}")
    assert base64.b64decode(dict(parameters(url))["paySuccess"], validate=True).decode() == SHOP


def test_pay_success_in_chinese_is_utf_8(gateway: Gateway) -> None:
    url = gateway.home_url(partner_uniq_key="7", pay_success="https://商店.example/订单")
    value = dict(parameters(url))["paySuccess"]
    assert base64.b64decode(value).decode() == "https://商店.example/订单"


@pytest.mark.parametrize("platform", list(Platform))
def test_a_platform_may_be_given_by_member_code_or_name(
    gateway: Gateway, platform: Platform
) -> None:
    for spelling in (platform, int(platform), platform.name, platform.name.lower()):
        url = url_of(gateway, "product", platform=spelling)
        assert ("platform", str(int(platform))) in parameters(url)


def test_a_url_that_says_no_platform_leaves_it_to_the_gateway(gateway: Gateway) -> None:
    for page in ("product", "home", "policy"):
        assert "platform" not in dict(parameters(url_of(gateway, page)))


@pytest.mark.parametrize("page", ["home", "policy"])
@pytest.mark.parametrize("spelling", [Platform.PC, 2, "pc", "PC"])
def test_a_page_without_pc_refuses_it(gateway: Gateway, page: str, spelling: Any) -> None:
    with pytest.raises(GatewayError, match=r"^platform: .* does not serve PC at present"):
        url_of(gateway, page, platform=spelling)


def test_extra_of_a_url_wins_over_the_gateways() -> None:
    gateway = Gateway("12345", "Key", extra={"hidenav": "1", "toLogin": "0"})
    url = gateway.home_url(partner_uniq_key="7", extra={"toLogin": "1"})
    assert parameters(url)[-2:] == [("hidenav", "1"), ("toLogin", "1")]
    assert parameters(gateway.home_url(partner_uniq_key="7"))[-1] == ("toLogin", "0")


def test_a_gateway_keeps_its_extra_when_the_mapping_changes_later() -> None:
    extra = {"hidenav": "1"}
    gateway = Gateway("12345", "Key", extra=extra)
    extra.update(hidenav="2", sign="x")
    assert parameters(gateway.home_url(partner_uniq_key="7"))[-1] == ("hidenav", "1")


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("https://gateway.example", "https://gateway.example/dispatch/cps?"),
        ("https://gateway.example:8443/x/", "https://gateway.example:8443/x/dispatch/cps?"),
        ("http://localhost:5000", "http://localhost:5000/dispatch/cps?"),
        ("/gateway", "/gateway/dispatch/cps?"),
        ("/gateway/", "/gateway/dispatch/cps?"),
        ("/", "/dispatch/cps?"),
    ],
)
def test_another_gateway_may_be_a_url_or_a_path(base_url: str, start: str) -> None:
    gateway = Gateway("12345", "Key", base_url=base_url)
    assert url_of(gateway, "product").startswith(start)


# What is refused, and in which words. Each row is used twice: for its message, and for what a
# report of the error would show.

_EMPTY = "is empty: give it a value."
_UNPRINTABLE = "has U+"  # and which character it is
_TYPE = "must be text or a whole number, not "
_NONE = "is None, such as a NULL in a database: give it a value."
_PAY = "paySuccess must be an absolute http:// or https:// URL."

BAD_TEXTS = [
    *[(text, _EMPTY) for text in ("", "  ", "\u3000", "\n")],
    *[(text, _UNPRINTABLE) for text in UNPRINTABLE],
    ("7" * 2001, "has 2,001 characters: 2,000 at most are allowed."),
    *[(value, _TYPE) for value in (True, False, ["7"], {"7": 7}, b"7", 7.0, object())],
]
BAD_PAY_SUCCESS = [
    *("/orders/8", "orders/8", "//shop.example/", "shop.example", "shop.example:443/", "?paid=1"),
    *("javascript:alert(1)", "javascript://shop.example/%0aalert(1)", "data:text/html,x"),
    *("ftp://shop.example/", "http:shop.example", "https:/shop.example", "https://", "https:///x"),
    *("https://?x", "https://:443/", "https://shop.example:port/", "https://shop.example:99999/"),
    *("https://[::1", "https://shop example/", "https://shop.example\\@evil.example/", 8),
    *("https://shop..example/", f"https://{'a' * 64}.example/", "https://.example/"),
    *("https://shop.example:0/", "https://shop.example:65536/", "https://shop.example:x/"),
    *("https://shop.example/a\\b", "https://shop.example/a b", "xhttps://shop.example/"),
    *("https://shop.example?\\", "https://shop!.example/"),
]
BAD_EXTRA = [
    *[
        ({name: "x"}, f"extra must not set {name}, which the document defines")
        for name in (
            *("sign", "SIGN", "partnerId", "partnerid", "subPartnerId", "caseCode", "CASECODE"),
            *("insureNum", "partnerUniqKey", "platform", "Platform", "paySuccess", "paysuccess"),
        )
    ],
    *[
        (extra, "extra must be a mapping")
        for extra in ("hidenav=1", [("hidenav", "1")], {"hidenav"}, 5, True)
    ],
    ({"": "1"}, "extra has a wrong name: it is empty"),
    (
        {"hide\nnav": "1"},
        "extra has a wrong name: it has U+000A, a character that cannot be printed: remove it.",
    ),
    ({True: "1"}, "extra has a wrong name: it must be text"),
    ({"hidenav": ""}, "extra has a wrong value: 'hidenav' is empty"),
    ({"hidenav": "1\n"}, "extra has a wrong value: 'hidenav' has U+000A"),
    ({"hidenav": True}, "extra has a wrong value: 'hidenav' must be text"),
    ({"hidenav": None}, "extra has a wrong value: 'hidenav' is None"),
]
BAD_URLS = [
    *[("product", {"case_code": bad}, f"caseCode {words}") for bad, words in BAD_TEXTS],
    *[("policy", {"insure_num": bad}, f"insureNum {words}") for bad, words in BAD_TEXTS],
    *[
        (page, {"partner_uniq_key": bad}, f"partnerUniqKey {words}")
        for page in ("product", "home", "policy")
        for bad, words in BAD_TEXTS
    ],
    *[
        ("home", {"sub_partner_id": bad}, f"subPartnerId {words}")
        for bad, words in BAD_TEXTS
        if bad != ""
    ],
    ("product", {"case_code": None}, "caseCode is required for the product page"),
    ("product", {"partner_uniq_key": None}, "partnerUniqKey is required for the product page"),
    ("home", {"partner_uniq_key": None}, "partnerUniqKey is required for the home page"),
    ("policy", {"insure_num": None}, "insureNum is required for the policy page"),
    *[
        (page, {"platform": bad}, f"platform: {bad!r} is not a platform: pass a Platform")
        for page in ("product", "home", "policy")
        for bad in (0, 5, -1, "tv", "", "1", True, 1.0, [1])
    ],
    ("home", {"platform": Platform.PC}, "platform: /dispatch/cps/index does not serve PC"),
    *[("product", {"pay_success": bad}, _PAY) for bad in BAD_PAY_SUCCESS],
    *[
        ("home", {"pay_success": bad}, f"paySuccess {words}")
        for bad, words in [
            ("", _EMPTY),
            ("https://shop.example/\n", _UNPRINTABLE),
            (True, _TYPE),
            ("https://localhost:80@evil.example/", "must have no user name or password"),
            (
                f"https://shop.example/{'x' * 8000}",
                "has 8,021 characters: 8,000 at most are allowed.",
            ),
        ]
    ],
    *[("policy", {"extra": bad}, words) for bad, words in BAD_EXTRA],
]
BAD_BASE_URLS = [
    *("gateway", "gateway.example", "//gateway.example", "ftp://gateway.example", "https://"),
    *("javascript:alert(1)", "https://gateway.example?x=1", "https://gateway.example/#x"),
    *(
        "https://user:word@gateway.example",
        "https://gateway.example/a b",
        "/gateway?x=1",
        "/gate way",
    ),
    *("/网关", "https://网关.example"),
    *("https://gateway.example/dispatch/cps", "https://gateway.example/x/dispatch/cps/"),
    *("/gateway/dispatch/cps/index", "/dispatch/cps/insureDetail"),
    *("/gateway#x", "/\\gateway.example", "https://gateway.example:port", "", " ", "/gate\nway"),
    *(None, True, 5, b"/gateway"),
]
BAD_GATEWAYS = [
    *[({"partner_id": bad}, f"partnerId {words}") for bad, words in (*BAD_TEXTS, (None, _NONE))],
    *[
        ({"sub_partner_id": bad}, f"subPartnerId {words}")
        for bad, words in (*BAD_TEXTS, (None, _NONE))
        if bad != ""
    ],
    *[({"base_url": bad}, "base_url ") for bad in BAD_BASE_URLS],
    *[({"extra": bad}, words) for bad, words in BAD_EXTRA],
    *[
        ({"api_key": bad}, f"api_key {words}")
        for bad, words in [
            *((f"{KEY}\n", _UNPRINTABLE), (f"{KEY}\u200b", _UNPRINTABLE), ("", _EMPTY)),
            *((" ", _EMPTY), ([KEY], _TYPE), (KEY.encode(), _TYPE), (None, _NONE), (True, _TYPE)),
        ]
    ],
]


def assert_refused(error: XiebaoError, words: str) -> None:
    assert str(error).startswith(words)
    for secret in (KEY, KEY_SIGN):
        assert secret not in reported(error)


@pytest.mark.parametrize(("page", "values", "words"), BAD_URLS)
def test_a_wrong_argument_is_named_and_neither_key_nor_sign_is_reported(
    page: str, values: dict[str, Any], words: str
) -> None:
    gateway = Gateway("12345", KEY)
    with pytest.raises(GatewayError) as raised:
        url_of(gateway, page, **values)
    assert_refused(raised.value, words)


@pytest.mark.parametrize(("values", "words"), BAD_GATEWAYS)
def test_a_gateway_refuses_wrong_arguments_and_reports_no_key(
    values: dict[str, Any], words: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        Gateway(**{"partner_id": "12345", "api_key": KEY, **values})
    assert_refused(raised.value, words)


def test_the_report_above_would_show_a_key_that_is_a_local_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = Gateway("12345", KEY)
    monkeypatch.setattr(Gateway, "__repr__", lambda _: KEY)
    with pytest.raises(GatewayError) as raised:
        url_of(gateway, "product", case_code="")
    assert KEY in reported(raised.value)


@pytest.mark.parametrize("page", ["tv", "", "HOME", None, ["home"]])
def test_an_unknown_page_is_refused_with_those_that_there_are(gateway: Gateway, page: Any) -> None:
    with pytest.raises(
        GatewayError, match="is not a page of the gateway: use one of product, home, policy"
    ):
        gateway.url(page, partner_uniq_key="7")


def test_the_home_page_takes_no_reference(gateway: Gateway) -> None:
    with pytest.raises(GatewayError, match="home page takes no case code or application number"):
        gateway.url("home", CODE, partner_uniq_key="7")


def test_neither_key_nor_sign_is_printed() -> None:
    gateway = Gateway("12345", KEY, sub_partner_id="branch", extra={"hidenav": "1"})
    gateway.home_url(partner_uniq_key="7")
    held = getattr(gateway, "__dict__", {})  # as debuggers show it
    printed = "\n".join(
        [repr(gateway), str(gateway), f"{gateway}", repr(held), pprint.pformat(gateway)]
    )
    assert "12345" in printed
    assert Gateway.TEST in printed
    for secret in (KEY, KEY_SIGN):
        assert secret not in printed


def test_every_error_of_the_package_can_be_caught_at_once() -> None:
    assert issubclass(GatewayError, XiebaoError)
    assert issubclass(ConfigError, XiebaoError)


# The simulator is another reading of the document.

_LETTERS = string.printable[:95] + "携保旅行险éßñ😀" + "+=/&#%?" * 4


def some_text(chance: random.Random) -> str:
    # Something that is no space stands at each end: blank text is refused.
    middle = "".join(chance.choices(_LETTERS, k=chance.randrange(12)))
    return f"{chance.choice('x+%/=&#保')}{middle}{chance.choice('x+%/=&#保')}"


@pytest.mark.parametrize("base_url", [*HOSTS, "/gateway", "https://gateway.example:8443/x"])
@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_the_simulator_accepts_and_reads_whatever_is_built(base_url: str, page: str) -> None:
    simulator = GatewaySimulator("12345", "Key", also_known=["hidenav", "全屏"])
    gateway = Gateway("12345", "Key", base_url=base_url, extra={"hidenav": "1"})
    chance = random.Random(f"{page} at {base_url}")  # noqa: S311 - the same values every time
    platforms = [None, *Platform] if page == "product" else [None, "h5", 3, Platform.ANDROID]

    for _ in range(200):
        member, reference = some_text(chance), some_text(chance)
        platform = chance.choice(platforms)
        path = some_text(chance).replace(" ", "").replace("\\", "")
        pay_success = chance.choice([None, f"https://shop.example:8443/mall?{path}"])
        values: dict[str, Any] = {
            "partner_uniq_key": member,
            "platform": platform,
            "pay_success": pay_success,
            "extra": chance.choice([None, {"全屏": some_text(chance)}]),
        }
        if page != "home":
            values["case_code" if page == "product" else "insure_num"] = reference
        if page != "policy":
            values["sub_partner_id"] = chance.choice([None, "", some_text(chance)])

        url = url_of(gateway, page, **values)
        verdict = simulator.check(url)

        assert verdict.accepted, (url, verdict.reasons)
        assert verdict.page == page
        assert verdict.member == member
        assert verdict.platform == (None if platform is None else Platform.of(platform))
        assert verdict.pay_success == pay_success
        if page != "home":
            assert reference in dict(verdict.parameters).values()


def test_the_simulator_tells_a_wrong_key() -> None:
    verdict = GatewaySimulator("12345", "Key").check(url_of(Gateway("12345", "Kez"), "home"))
    assert not verdict.accepted
