"""The gateway's URLs, against the document's words, examples and one sign."""

from __future__ import annotations

import base64
import string
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from flask_xiebao import Gateway, GatewayError, Platform
from tests.support import (
    API_KEY,
    INSURE_NUM,
    PRODUCT_CODE,
    SIGN,
    SIGN_OF_API_KEY,
    assert_gateway_accepts,
    find_leaks,
    format_error_report,
)
from tests.unit.support import short

#: What a good URL of each page is made with.
GOOD: dict[str, dict[str, Any]] = {
    "product": {"case_code": PRODUCT_CODE, "partner_uniq_key": "101000"},
    "home": {"partner_uniq_key": "101000"},
    "policy": {"insure_num": INSURE_NUM},
}

SHOP = "https://shop.example/orders/8?paid=>>>&from=???~1"
PAY_SUCCESS = base64.b64encode(SHOP.encode()).decode()


@pytest.fixture
def gateway() -> Gateway:
    return Gateway("12345", "Key")


def url_of(gateway: Gateway, page: str, **values: Any) -> str:
    """Build a good URL of *page*, or one in which only *values* differ."""
    url: str = getattr(gateway, f"{page}_url")(**{**GOOD[page], **values})
    return url


def parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize("partner_id", ["12345", 12345])
def test_the_documents_key_and_partner_give_the_documents_sign(partner_id: str | int) -> None:
    assert Gateway(partner_id, "Key").sign == SIGN
    assert Gateway(partner_id, 678).sign == Gateway(partner_id, "678").sign


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


@pytest.mark.parametrize(
    ("page", "path", "own"),
    [
        ("product", "", [("subPartnerId", "branch"), ("caseCode", PRODUCT_CODE)]),
        ("home", "/index", [("subPartnerId", "branch")]),
        ("policy", "/insureDetail", [("insureNum", INSURE_NUM)]),
    ],
)
def test_a_page_gets_every_parameter_in_the_documents_order(
    page: str, path: str, own: list[tuple[str, str]]
) -> None:
    url = url_of(
        Gateway("12345", "Key", sub_partner_id="branch"),
        page,
        partner_uniq_key="101000",
        platform=Platform.ANDROID,
        pay_success=SHOP,
        extra={"toLogin": 1, "hidenav": "是"},
    )
    assert url.startswith(f"https://testapi.xiebao18.com/dispatch/cps{path}?")
    assert parameters(url) == [
        ("partnerId", "12345"),
        *own,
        ("sign", SIGN),
        ("partnerUniqKey", "101000"),
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
    page: str, own: str, given: str | None, sent: str
) -> None:
    gateway = Gateway("12345", "Key", sub_partner_id=own)
    assert ("subPartnerId", sent) in parameters(url_of(gateway, page, sub_partner_id=given))


class Name(str, Enum):  # noqa: UP042 - unlike StrEnum, str() of it is not its text
    HOME = "home"
    TRAVEL = PRODUCT_CODE


def test_whole_numbers_and_enums_that_are_text_are_sent_as_their_text(gateway: Gateway) -> None:
    for given, text in ((8, "8"), (Name.TRAVEL, PRODUCT_CODE)):
        url = url_of(gateway, "product", case_code=given, partner_uniq_key=given)
        assert url == url_of(gateway, "product", case_code=text, partner_uniq_key=text)
    assert gateway.policy_url(int(INSURE_NUM)) == gateway.policy_url(INSURE_NUM)
    assert gateway.url(Name.HOME, partner_uniq_key="101000") == url_of(gateway, "home")


@pytest.mark.parametrize(
    "value",
    ["1+1", "a=b", "a/b", "a b", "a&b=c", "#8", "旅行险", "100%", "%2B", "?;:@'\"<>\\", "😀é"],
)
def test_any_printable_text_arrives_as_it_was_given(value: str) -> None:
    gateway = Gateway(value, "Key", sub_partner_id=value, extra={"own": value})
    product = gateway.product_url(value, partner_uniq_key=value, extra={value: value})
    policy = gateway.policy_url(value)
    found = dict(parameters(product) + parameters(policy))
    names = ["partnerId", "subPartnerId", "caseCode", "partnerUniqKey", "own", value, "insureNum"]
    assert {name: found[name] for name in names} == dict.fromkeys(names, value)
    for url in (product, policy):
        assert set(urlsplit(url).query) <= {*string.ascii_letters, *string.digits, *"%&=-._~"}
        assert not urlsplit(url).fragment


@pytest.mark.parametrize("page", ["product", "home", "policy"])
@pytest.mark.parametrize("shop", [SHOP, "https://商店.example/订单"])
def test_pay_success_is_standard_base64_of_utf_8_escaped_as_any_value(
    gateway: Gateway, page: str, shop: str
) -> None:
    assert {"+", "/", "="} <= set(PAY_SUCCESS), "all that a query spells differently"
    sent = url_of(gateway, page, pay_success=shop).rpartition("&paySuccess=")[2]
    assert not {"+", "/", "="} & set(sent)
    assert base64.b64decode(unquote(sent), validate=True).decode() == shop


def test_extra_of_a_url_wins_over_the_gateways_which_is_as_it_was_when_given() -> None:
    extra = {"hidenav": "1", "toLogin": "0"}
    gateway = Gateway("12345", "Key", extra=extra)
    extra.update(hidenav="2", sign="x")
    assert url_of(gateway, "home").endswith("&hidenav=1&toLogin=0")
    assert url_of(gateway, "home", extra={"toLogin": "1"}).endswith("&hidenav=1&toLogin=1")


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
    url = url_of(Gateway("12345", "Key", base_url=base_url), "product")
    assert url.startswith(start)
    assert assert_gateway_accepts(url).page == "product"


# What is refused, and in which words. Each row is used twice: for its message, and for what a
# report of the error would show.

_EMPTY = "is empty or contains only whitespace. Provide a value."
_UNPRINTABLE = "contains the unprintable character U+"  # and which character it is
_TYPE = "must be a string or an integer, got "
_NONE = "is None, for example because of a NULL in a database. Provide a value."
_PAY = "paySuccess must be an absolute http:// or https:// URL."

UNPRINTABLE = ["a\nb", "a\rb", "a\tb", "a\0b", "a\u200bb", "a\u202eb", "a\ud800b"]
BAD_TEXTS: list[tuple[Any, str]] = [
    *[(text, _EMPTY) for text in ("", "  ", "\u3000", "\n")],
    *[(text, _UNPRINTABLE) for text in UNPRINTABLE],
    ("7" * 2001, "must have at most 2,000 characters, got 2,001."),
    *[(value, _TYPE) for value in (True, False, ["7"], {"7": 7}, b"7", 7.0, ...)],
]
BAD_SUB_PARTNERS = [row for row in BAD_TEXTS if row[0] != ""]
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
BAD_EXTRA: list[tuple[Any, str]] = [
    *[
        (
            {name: "x"},
            f"extra must not contain {name!r}, which is a parameter in Xiebao's interface",
        )
        for name in (
            *("sign", "SIGN", "partnerId", "partnerid", "subPartnerId", "caseCode", "CASECODE"),
            *("insureNum", "partnerUniqKey", "platform", "Platform", "paySuccess", "paysuccess"),
        )
    ],
    *[
        (extra, "extra must be a mapping")
        for extra in ("hidenav=1", [("hidenav", "1")], {"hidenav"}, 5, True)
    ],
    ({"": "1"}, "extra has an invalid parameter name. The name is empty"),
    (
        {"a\nb": "1"},
        "extra has an invalid parameter name. The name contains the unprintable character U+000A",
    ),
    ({True: "1"}, "extra has an invalid parameter name. The name must be a string"),
    ({"hidenav": ""}, "extra has an invalid value. The value of 'hidenav' is empty"),
    (
        {"hidenav": "1\n"},
        "extra has an invalid value. The value of 'hidenav' contains the unprintable character U+",
    ),
    ({"hidenav": True}, "extra has an invalid value. The value of 'hidenav' must be a string"),
    ({"hidenav": None}, "extra has an invalid value. The value of 'hidenav' is None"),
]
#: A page, what is wrong, and what is said of it.
BAD_URLS: list[tuple[str, dict[str, Any], str]] = [
    *[("product", {"case_code": bad}, f"caseCode {words}") for bad, words in BAD_TEXTS],
    *[("policy", {"insure_num": bad}, f"insureNum {words}") for bad, words in BAD_TEXTS],
    *[
        (page, {"partner_uniq_key": bad}, f"partnerUniqKey {words}")
        for page in GOOD
        for bad, words in BAD_TEXTS
    ],
    *[
        ("home", {"sub_partner_id": bad}, f"subPartnerId {words}")
        for bad, words in BAD_SUB_PARTNERS
    ],
    ("product", {"case_code": None}, "caseCode is required for the product page"),
    ("product", {"partner_uniq_key": None}, "partnerUniqKey is required for the product page"),
    ("home", {"partner_uniq_key": None}, "partnerUniqKey is required for the home page"),
    ("policy", {"insure_num": None}, "insureNum is required for the policy page"),
    *[
        (page, {"platform": bad}, f"platform: {bad!r} is not a platform. Pass a Platform")
        for page in GOOD
        for bad in (0, 5, -1, "tv", "", "1", True, 1.0, [1])
    ],
    *[
        (page, {"platform": pc}, f"platform PC is not supported by the {page} page at present")
        for page, path in (("home", "index"), ("policy", "insureDetail"))
        for pc in (Platform.PC, 2, "pc", "PC")
    ],
    *[("product", {"pay_success": bad}, _PAY) for bad in BAD_PAY_SUCCESS],
    *[
        ("home", {"pay_success": bad}, f"paySuccess {words}")
        for bad, words in [
            ("", _EMPTY),
            ("https://shop.example/\n", _UNPRINTABLE),
            (True, _TYPE),
            ("https://localhost:80@evil.example/", "must not contain a user name or password"),
            (
                f"https://shop.example/{'x' * 8000}",
                "must have at most 8,000 characters, got 8,021.",
            ),
        ]
    ],
    *[("policy", {"extra": bad}, words) for bad, words in BAD_EXTRA],
]
BAD_BASE_URLS = [
    *("gateway", "gateway.example", "//gateway.example", "ftp://gateway.example", "https://"),
    *("javascript:alert(1)", "https://gateway.example?x=1", "https://gateway.example/#x"),
    *("https://user:word@gateway.example", "https://gateway.example/a b"),
    *("/gateway?x=1", "/gate way", "/网关", "https://网关.example"),
    *("https://gateway.example/dispatch/cps", "https://gateway.example/x/dispatch/cps/"),
    *("/gateway/dispatch/cps/index", "/dispatch/cps/insureDetail"),
    *("/gateway#x", "/\\gateway.example", "https://gateway.example:port", "", " ", "/gate\nway"),
    *(None, True, 5, b"/gateway"),
]
#: What is wrong with a gateway, and what is said of it.
BAD_GATEWAYS: list[tuple[dict[str, Any], str]] = [
    *[({"partner_id": bad}, f"partnerId {words}") for bad, words in (*BAD_TEXTS, (None, _NONE))],
    *[
        ({"sub_partner_id": bad}, f"subPartnerId {words}")
        for bad, words in (*BAD_SUB_PARTNERS, (None, _NONE))
    ],
    *[({"base_url": bad}, "base_url ") for bad in BAD_BASE_URLS],
    *[({"extra": bad}, words) for bad, words in BAD_EXTRA],
    *[
        ({"api_key": bad}, f"api_key {words}")
        for bad, words in [
            *((f"{API_KEY}\n", _UNPRINTABLE), (f"{API_KEY}\u200b", _UNPRINTABLE), ("", _EMPTY)),
            *(
                (" ", _EMPTY),
                ([API_KEY], _TYPE),
                (API_KEY.encode(), _TYPE),
                (None, _NONE),
                (True, _TYPE),
            ),
        ]
    ],
]


def assert_refused(error: GatewayError, words: str) -> None:
    assert str(error).startswith(words)
    assert error.parameter == words.partition(" ")[0].rstrip(":")
    assert find_leaks(format_error_report(error), API_KEY, SIGN_OF_API_KEY) == []


@pytest.mark.parametrize(("page", "values", "words"), BAD_URLS, ids=short)
def test_a_wrong_argument_is_named_and_neither_key_nor_sign_is_reported(
    page: str, values: dict[str, Any], words: str
) -> None:
    gateway = Gateway("12345", API_KEY)
    with pytest.raises(GatewayError) as raised:
        url_of(gateway, page, **values)
    assert_refused(raised.value, words)


@pytest.mark.parametrize(
    ("page", "name"), [("product", "case_code"), ("policy", "insure_num"), ("home", "platform")]
)
@pytest.mark.parametrize("equal", [True, 1.0])
def test_a_wrong_argument_is_refused_also_after_a_good_one_that_equals_it(
    gateway: Gateway, page: str, name: str, equal: object
) -> None:
    assert "=1&" in f"{url_of(gateway, page, **{name: 1})}&"
    with pytest.raises(GatewayError):
        url_of(gateway, page, **{name: equal})


@pytest.mark.parametrize(("values", "words"), BAD_GATEWAYS, ids=short)
def test_a_gateway_refuses_wrong_arguments_and_reports_no_key(
    values: dict[str, Any], words: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        Gateway(**{"partner_id": "12345", "api_key": API_KEY, **values})
    assert_refused(raised.value, words)


@pytest.mark.parametrize(
    ("arguments", "options", "parameter", "words"),
    [
        *[
            ([page], {}, "page", "is not a gateway page. Use one of 'product', 'home', 'policy'")
            for page in ("tv", "", "HOME", None, ["home"])
        ],
        (
            ["home", PRODUCT_CODE],
            {},
            "reference",
            r"The home page does not accept a reference \(a case code or an application num",
        ),
        (
            *(["policy", INSURE_NUM], {"sub_partner_id": "7"}),
            *("subPartnerId", 'The policy page does not accept "subPartnerId"'),
        ),
        ([Name.HOME], {}, "partnerUniqKey", "partnerUniqKey is required for the home page"),
        (["policy"], {}, "insureNum", "insureNum is required for the policy page"),
    ],
    ids=short,
)
def test_a_page_is_one_that_there_is_with_what_it_takes(
    gateway: Gateway, arguments: list[Any], options: dict[str, Any], parameter: str, words: str
) -> None:
    with pytest.raises(GatewayError, match=words) as raised:
        gateway.url(*arguments, **options)
    assert raised.value.parameter == parameter


def test_a_gateway_is_printed_without_key_and_sign() -> None:
    assert repr(Gateway("12345", API_KEY)) == (
        "Gateway('12345', base_url='https://testapi.xiebao18.com')"
    )
