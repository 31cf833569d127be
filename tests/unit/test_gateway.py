"""Tests for the URLs of ``Gateway``, against the examples of the interface document.

To test another invalid argument, add a row to ``BAD_URLS`` or ``BAD_GATEWAYS``.
"""

from __future__ import annotations

import base64
import string
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from flask_xiebao import Gateway, GatewayError, Platform
from flask_xiebao.gateway.pages import PAGES, GatewayPage
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
from tests.unit.support import short_id

#: Valid keyword arguments for gateway URLs, by the gateway page.
GATEWAY_URL_ARGUMENTS: dict[str, dict[str, Any]] = {
    "product": {"case_code": PRODUCT_CODE, "partner_uniq_key": "101000"},
    "home": {"partner_uniq_key": "101000"},
    "policy": {"insure_num": INSURE_NUM},
}

RETURN_URL = "https://shop.example/orders/8?paid=>>>&from=???~1"
#: The Base64 encoding of ``RETURN_URL``. It contains every Base64 character that must be
#: percent-encoded in a query string.
PAY_SUCCESS = "aHR0cHM6Ly9zaG9wLmV4YW1wbGUvb3JkZXJzLzg/cGFpZD0+Pj4mZnJvbT0/Pz9+MQ=="


@pytest.fixture
def gateway() -> Gateway:
    return Gateway("12345", "Key")


def build_gateway_url(gateway: Gateway, page: str, **values: Any) -> str:
    """Return the URL of a gateway page, built from ``GATEWAY_URL_ARGUMENTS`` and ``values``."""
    url: str = getattr(gateway, f"{page}_url")(**{**GATEWAY_URL_ARGUMENTS[page], **values})
    return url


def parse_query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize("partner_id", ["12345", 12345])
def test_signature_matches_interface_document(partner_id: str | int) -> None:
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
def test_urls_match_examples_of_interface_document(
    example: str, page: str, values: dict[str, str]
) -> None:
    gateway = Gateway("1039147", "Key", base_url=Gateway.PRODUCTION)
    assert build_gateway_url(gateway, page, **values) == example.replace("SIGN", gateway.sign)


@pytest.mark.parametrize(
    ("page", "path", "page_parameters"),
    [
        ("product", "", [("subPartnerId", "branch"), ("caseCode", PRODUCT_CODE)]),
        ("home", "/index", [("subPartnerId", "branch")]),
        ("policy", "/insureDetail", [("insureNum", INSURE_NUM)]),
    ],
)
def test_url_has_parameters_in_documented_order(
    page: str, path: str, page_parameters: list[tuple[str, str]]
) -> None:
    url = build_gateway_url(
        Gateway("12345", "Key", sub_partner_id="branch"),
        page,
        partner_uniq_key="101000",
        platform=Platform.ANDROID,
        pay_success=RETURN_URL,
        extra={"toLogin": 1, "hidenav": "是"},
    )
    assert url.startswith(f"https://testapi.xiebao18.com/dispatch/cps{path}?")
    assert parse_query(url) == [
        ("partnerId", "12345"),
        *page_parameters,
        ("sign", SIGN),
        ("partnerUniqKey", "101000"),
        ("platform", "4"),
        ("paySuccess", PAY_SUCCESS),
        ("toLogin", "1"),
        ("hidenav", "是"),
    ]


@pytest.mark.parametrize("page", ["product", "home"])
@pytest.mark.parametrize(
    ("default", "argument", "sent"),
    [
        ("", None, ""),
        ("", "branch", "branch"),
        ("branch", None, "branch"),
        ("branch", "other", "other"),
        ("branch", "", ""),
    ],
)
def test_sub_partner_argument_overrides_gateway_default(
    page: str, default: str, argument: str | None, sent: str
) -> None:
    gateway = Gateway("12345", "Key", sub_partner_id=default)
    assert ("subPartnerId", sent) in parse_query(
        build_gateway_url(gateway, page, sub_partner_id=argument)
    )


class Name(str, Enum):  # noqa: UP042 - With StrEnum, str() would return the value.
    HOME = "home"
    TRAVEL = PRODUCT_CODE


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        ({"page": Name.HOME}, {"page": "home"}),
        ({"page": "product", "reference": 8}, {"page": "product", "reference": "8"}),
        (
            {"page": "product", "reference": Name.TRAVEL},
            {"page": "product", "reference": PRODUCT_CODE},
        ),
        (
            {"page": "policy", "reference": int(INSURE_NUM)},
            {"page": "policy", "reference": INSURE_NUM},
        ),
        (
            {"page": "home", "partner_uniq_key": Name.TRAVEL},
            {"page": "home", "partner_uniq_key": PRODUCT_CODE},
        ),
    ],
    ids=short_id,
)
def test_integers_and_string_enums_are_sent_as_text(
    gateway: Gateway, arguments: dict[str, Any], texts: dict[str, Any]
) -> None:
    url = gateway.url(**{"partner_uniq_key": 8, **arguments})
    # A ``Gateway`` object caches parts of URLs, and a string enum is equal to its text. Build the
    # second URL with another object, so that no part of the URL comes from the cache.
    assert url == Gateway("12345", "Key").url(**{"partner_uniq_key": "8", **texts})


@pytest.mark.parametrize(
    "value",
    ["1+1", "a=b", "a/b", "a b", "a&b=c", "#8", "旅行险", "100%", "%2B", "?;:@'\"<>\\", "😀é"],
)
def test_printable_text_is_percent_encoded_without_loss(value: str) -> None:
    gateway = Gateway(value, "Key", sub_partner_id=value, extra={"own": value})
    product = gateway.product_url(value, partner_uniq_key=value, extra={value: value})
    policy = gateway.policy_url(value)
    parameters = dict(parse_query(product) + parse_query(policy))
    names = ["partnerId", "subPartnerId", "caseCode", "partnerUniqKey", "own", value, "insureNum"]
    assert {name: parameters[name] for name in names} == dict.fromkeys(names, value)
    for url in (product, policy):
        query = url.partition("?")[2]
        assert set(query) <= {*string.ascii_letters, *string.digits, *"%&=-._~"}


@pytest.mark.parametrize("page", ["product", "home", "policy"])
@pytest.mark.parametrize("return_url", [RETURN_URL, "https://商店.example/订单"])
def test_pay_success_is_percent_encoded_base64(
    gateway: Gateway, page: str, return_url: str
) -> None:
    sent = build_gateway_url(gateway, page, pay_success=return_url).rpartition("&paySuccess=")[2]
    assert not {"+", "/", "="} & set(sent)
    assert base64.b64decode(unquote(sent), validate=True).decode() == return_url


def test_extra_argument_overrides_extra_of_gateway() -> None:
    extra = {"hidenav": "1", "toLogin": "0"}
    gateway = Gateway("12345", "Key", extra=extra)
    extra.update(hidenav="2", sign="x")
    assert build_gateway_url(gateway, "home").endswith("&hidenav=1&toLogin=0")
    assert build_gateway_url(gateway, "home", extra={"toLogin": "1"}).endswith(
        "&hidenav=1&toLogin=1"
    )


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
def test_base_url_may_be_url_or_path(base_url: str, start: str) -> None:
    url = build_gateway_url(Gateway("12345", "Key", base_url=base_url), "product")
    assert url.startswith(start)
    assert assert_gateway_accepts(url).page == "product"


# Invalid arguments of the class ``Gateway`` and its methods

_EMPTY = "is empty or contains only whitespace. Provide a value."
_UNPRINTABLE = "contains the unprintable character U+"
_TYPE = "must be a string or an integer, got "
_NONE = "is None, for example because of a NULL in a database. Provide a value."

BAD_TEXTS: list[tuple[Any, str]] = [
    *[(text, _EMPTY) for text in ("", "  ", "\u3000", "\n")],
    *[
        (text, _UNPRINTABLE)
        for text in ("a\nb", "a\rb", "a\tb", "a\0b", "a\u200bb", "a\u202eb", "a\ud800b")
    ],
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
#: One row per invalid argument of a gateway URL: the gateway page, the keyword argument, and the
#: beginning of the error message.
BAD_URLS: list[tuple[str, dict[str, Any], str]] = [
    *[("product", {"case_code": value}, f"caseCode {message}") for value, message in BAD_TEXTS],
    *[("policy", {"insure_num": value}, f"insureNum {message}") for value, message in BAD_TEXTS],
    *[
        (page, {"partner_uniq_key": value}, f"partnerUniqKey {message}")
        for page in GATEWAY_URL_ARGUMENTS
        for value, message in BAD_TEXTS
    ],
    *[
        ("home", {"sub_partner_id": value}, f"subPartnerId {message}")
        for value, message in BAD_SUB_PARTNERS
    ],
    ("product", {"case_code": None}, "caseCode is required for the product page"),
    ("product", {"partner_uniq_key": None}, "partnerUniqKey is required for the product page"),
    ("home", {"partner_uniq_key": None}, "partnerUniqKey is required for the home page"),
    ("policy", {"insure_num": None}, "insureNum is required for the policy page"),
    *[
        (page, {"platform": value}, f"platform: {value!r} is not a platform. Pass a Platform")
        for page in GATEWAY_URL_ARGUMENTS
        for value in (0, 5, -1, "tv", "", "1", True, 1.0, [1])
    ],
    *[
        (page, {"platform": pc}, f"platform PC is not supported by the {page} page at present")
        for page, path in (("home", "index"), ("policy", "insureDetail"))
        for pc in (Platform.PC, 2, "pc", "PC")
    ],
    *[
        (
            "product",
            {"pay_success": value},
            "paySuccess must be an absolute http:// or https:// URL.",
        )
        for value in BAD_PAY_SUCCESS
    ],
    *[
        ("home", {"pay_success": value}, f"paySuccess {message}")
        for value, message in [
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
    *[("policy", {"extra": value}, message) for value, message in BAD_EXTRA],
]
#: One row per invalid base URL: the value, and the beginning of the error message after the words
#: "base_url".
BAD_BASE_URLS: list[tuple[Any, str]] = [
    *[
        (
            value,
            'must be an http:// or https:// URL, or a path of this site such as "/gateway", got',
        )
        for value in ("gateway", "gateway.example", "javascript:alert(1)", 5)
    ],
    *[
        (url, "must be an absolute http:// or https:// URL.")
        for url in (
            *("//gateway.example", "ftp://gateway.example", "https://"),
            *("https://gateway.example/a b", "https://gateway.example:port"),
        )
    ],
    *[
        (url, 'must not contain "?", "#", "@", "\\" or a space.')
        for url in (
            *("https://gateway.example?x=1", "https://gateway.example/#x", "/gateway?x=1"),
            *("/gate way", "/gateway#x", "/\\gateway.example"),
        )
    ],
    ("https://user:word@gateway.example", "must not contain a user name or password"),
    *[
        (url, "must contain only ASCII characters. Percent-encode the path")
        for url in ("/网关", "https://网关.example")
    ],
    *[
        (url, f'must not end with "{path}", the path of a gateway page. Use "{base_url}" instead.')
        for url, path, base_url in (
            ("https://gateway.example/dispatch/cps", "/dispatch/cps", "https://gateway.example"),
            (
                "https://gateway.example/x/dispatch/cps/",
                "/dispatch/cps",
                "https://gateway.example/x",
            ),
            ("/gateway/dispatch/cps/index", "/dispatch/cps/index", "/gateway"),
            ("/dispatch/cps/insureDetail", "/dispatch/cps/insureDetail", "/"),
        )
    ],
    *[(text, _EMPTY) for text in ("", " ")],
    ("/gate\nway", _UNPRINTABLE),
    (None, _NONE),
    *[(value, _TYPE) for value in (True, b"/gateway")],
]
#: One row per invalid argument of ``Gateway``: the keyword argument, and the beginning of the error
#: message.
BAD_GATEWAYS: list[tuple[dict[str, Any], str]] = [
    *[
        ({"partner_id": value}, f"partnerId {message}")
        for value, message in (*BAD_TEXTS, (None, _NONE))
    ],
    *[
        ({"sub_partner_id": value}, f"subPartnerId {message}")
        for value, message in (*BAD_SUB_PARTNERS, (None, _NONE))
    ],
    *[({"base_url": value}, f"base_url {message}") for value, message in BAD_BASE_URLS],
    *[({"extra": value}, message) for value, message in BAD_EXTRA],
    *[
        ({"api_key": value}, f"api_key {message}")
        for value, message in [
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


def assert_error_has_no_key(error: GatewayError, message: str) -> None:
    assert str(error).startswith(message)
    assert error.parameter == message.partition(" ")[0].rstrip(":")
    assert find_leaks(format_error_report(error), API_KEY, SIGN_OF_API_KEY) == []


@pytest.mark.parametrize(("page", "values", "message"), BAD_URLS, ids=short_id)
def test_invalid_url_argument_raises_error_without_key(
    page: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(GatewayError) as error:
        build_gateway_url(Gateway("12345", API_KEY), page, **values)
    assert_error_has_no_key(error.value, message)


@pytest.mark.parametrize(
    ("page", "name"), [("product", "case_code"), ("policy", "insure_num"), ("home", "platform")]
)
@pytest.mark.parametrize("equal", [True, 1.0])
def test_invalid_argument_raises_after_equal_valid_argument(
    gateway: Gateway, page: str, name: str, equal: object
) -> None:
    assert "=1&" in f"{build_gateway_url(gateway, page, **{name: 1})}&"
    with pytest.raises(GatewayError):
        build_gateway_url(gateway, page, **{name: equal})


@pytest.mark.parametrize(("values", "message"), BAD_GATEWAYS, ids=short_id)
def test_invalid_gateway_argument_raises_error_without_key(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(GatewayError) as error:
        Gateway(**{"partner_id": "12345", "api_key": API_KEY, **values})
    assert_error_has_no_key(error.value, message)


@pytest.mark.parametrize(
    ("arguments", "options", "parameter", "message"),
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
    ids=short_id,
)
def test_url_raises_for_unknown_page_or_unsupported_argument(
    gateway: Gateway, arguments: list[Any], options: dict[str, Any], parameter: str, message: str
) -> None:
    with pytest.raises(GatewayError, match=message) as error:
        gateway.url(*arguments, **options)
    assert error.value.parameter == parameter


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_only_page_with_reference_parameter_has_sample_reference(page: GatewayPage) -> None:
    assert (page.sample_reference is None) == (page.reference_parameter_name is None)


def test_gateway_repr_has_no_key_and_no_signature() -> None:
    assert repr(Gateway("12345", API_KEY)) == (
        "Gateway('12345', base_url='https://testapi.xiebao18.com')"
    )
