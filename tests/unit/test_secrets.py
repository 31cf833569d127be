"""Tests that API keys and secret keys appear in no exception and in no error report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import pytest
from werkzeug.local import LocalProxy

import flask_xiebao
from flask_xiebao import (
    ConfigError,
    Gateway,
    GatewayError,
    LinkError,
    Xiebao,
    XiebaoError,
    testing,
)
from flask_xiebao.errors import OrderBehindError
from flask_xiebao.gateway.values import Secret, WrongValueError, format_untrusted_text
from flask_xiebao.testing import CheckError, GatewaySimulator
from tests.support import API_KEY, failing_function, format_error_report, make_site


def failing_string(error: Exception) -> Any:
    """Return a string that raises this error when it is iterated, formatted or encoded."""
    methods = ("__iter__", "__format__", "encode")
    return type("FailingString", (str,), dict.fromkeys(methods, failing_function(error)))(API_KEY)


def failing_proxy(error: Exception) -> Any:
    return LocalProxy(failing_function(error))


#: Exceptions that may be raised when code reads the API key. Each exception contains the key.
ERRORS = [
    ValueError(f"invalid literal for int() with base 10: {API_KEY!r}"),
    UnicodeEncodeError("ascii", API_KEY, 0, 1, "ordinal not in range"),
    TypeError(f"cannot read {API_KEY}"),
    KeyError(API_KEY),
    OSError(API_KEY),
]


def sign_link(**config: Any) -> object:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example", **config)
    with site.app.app_context():
        return site.xiebao.home_link()


@pytest.mark.parametrize("make_key", [failing_proxy, failing_string])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("use_key", "name"),
    [
        (partial(Gateway, "12345"), "api_key"),
        (partial(GatewaySimulator, "12345"), "api_key"),
        (make_site, "XIEBAO_API_KEY"),
        (sign_link, "SECRET_KEY"),
    ],
    ids=["gateway", "simulator", "site", "link"],
)
def test_error_report_names_key_that_raises_when_read_and_hides_its_text(
    use_key: Callable[..., object],
    name: str,
    error: Exception,
    make_key: Callable[[Exception], Any],
) -> None:
    message = f"(?m)^{name}.* cannot be read because of the exception {type(error).__name__}"
    with pytest.raises((XiebaoError, ValueError), match=message) as raised:
        use_key(**{name: make_key(error)})
    assert API_KEY not in format_error_report(raised.value)


@pytest.mark.parametrize(
    ("class_", "fail"),
    [
        (Gateway, partial(Gateway("12345", API_KEY).product_url, "", partner_uniq_key="7")),
        (Xiebao, partial(make_site, XIEBAO_ENV="prod")),
    ],
    ids=["gateway", "site"],
)
def test_error_report_of_these_tests_shows_local_variables(
    monkeypatch: pytest.MonkeyPatch, class_: type, fail: Callable[[], object]
) -> None:
    monkeypatch.setattr(class_, "__repr__", lambda _: API_KEY)
    with pytest.raises(XiebaoError) as raised:
        fail()
    assert API_KEY in format_error_report(raised.value)


def test_error_about_long_partner_id_hides_key(request: pytest.FixtureRequest) -> None:
    with pytest.raises(ValueError, match="must be an integer of at most 256 bits") as raised:
        GatewaySimulator(10**5000, API_KEY)
    # The report contains the partner id. By default, Python raises an error if it has to convert an
    # integer of this length to text.
    request.addfinalizer(partial(sys.set_int_max_str_digits, sys.get_int_max_str_digits()))
    sys.set_int_max_str_digits(0)
    assert API_KEY not in format_error_report(raised.value)


@pytest.mark.parametrize(
    "error", [WrongValueError("is wrong."), GatewayError("wrong", "p"), LinkError("wrong", "a")]
)
def test_mapped_secret_raises_error_of_mapping_function(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        Secret(API_KEY).map(failing_function(error))
    assert raised.value is error
    assert API_KEY not in format_error_report(raised.value)


def test_every_exception_is_subclass_of_xiebao_error() -> None:
    from flask_xiebao import sqla

    errors = [
        value
        for module in (flask_xiebao, sqla, testing)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert {GatewayError, ConfigError, LinkError, OrderBehindError, CheckError} <= set(errors)
    assert all(issubclass(error, XiebaoError) for error in errors)


@pytest.mark.parametrize(
    "encoding",
    [
        str,
        quote_plus,
        lambda key: quote_plus(quote_plus(key)),
        lambda key: json.dumps(key)[1:-1].replace("/", r"\/"),
        lambda key: "".join(f"\\u{ord(character):04X}" for character in key),
        lambda key: "".join(f"&#{ord(character)};" for character in key),
    ],
)
def test_secret_in_untrusted_text_is_masked_in_any_encoding(
    encoding: Callable[[str], str],
) -> None:
    key = "a9/Kx+7m=="
    assert format_untrusted_text(f"the key is {encoding(key)}!", (key,)) == "the key is ***!"
