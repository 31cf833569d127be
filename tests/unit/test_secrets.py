"""Secrets: what is made of one, what goes wrong with one, and what an error report shows of it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import pytest
from werkzeug.local import LocalProxy

import flask_xiebao
from flask_xiebao import ConfigError, Gateway, GatewayError, LinkError, Xiebao, XiebaoError
from flask_xiebao.gateway.values import Secret, WrongValueError, format_untrusted_text
from flask_xiebao.testing import GatewaySimulator
from tests.support import API_KEY, failing_function, format_error_report, make_site


def odd(error: Exception) -> Any:
    """Return text of a site's own kind, which fails when it is read."""
    ways_to_read = ("__iter__", "__format__", "encode")
    return type("Odd", (str,), dict.fromkeys(ways_to_read, failing_function(error)))(API_KEY)


def lazy(error: Exception) -> Any:
    return LocalProxy(failing_function(error))


#: What a value's own code may raise, with the value in it.
ERRORS = [
    ValueError(f"invalid literal for int() with base 10: {API_KEY!r}"),
    UnicodeEncodeError("ascii", API_KEY, 0, 1, "ordinal not in range"),
    TypeError(f"cannot read {API_KEY}"),
    KeyError(API_KEY),
    OSError(API_KEY),
]


def site_of(key: Any) -> object:
    return make_site(XIEBAO_API_KEY=key)


def link_of(key: Any) -> object:
    site = make_site(SECRET_KEY=key, XIEBAO_PUBLIC_URL="https://shop.example")
    with site.app.app_context():
        return site.xiebao.home_link()


@pytest.mark.parametrize("kind", [lazy, odd])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "make",
    [partial(Gateway, "12345"), partial(GatewaySimulator, "12345"), site_of, link_of],
    ids=["gateway", "simulator", "site", "link"],
)
def test_a_key_that_fails_when_it_is_read_is_in_no_report(
    make: Callable[[Any], object], error: Exception, kind: Callable[[Exception], Any]
) -> None:
    key = kind(error)
    with pytest.raises((XiebaoError, ValueError), match=type(error).__name__) as raised:
        make(key)
    del key
    assert API_KEY not in format_error_report(raised.value)


@pytest.mark.parametrize(
    ("shown", "fail"),
    [
        (Gateway, partial(Gateway("12345", API_KEY).product_url, "", partner_uniq_key="7")),
        (Xiebao, partial(make_site, XIEBAO_ENV="prod")),
    ],
    ids=["gateway", "site"],
)
def test_the_reports_in_these_tests_would_show_a_key_that_is_a_local_variable(
    monkeypatch: pytest.MonkeyPatch, shown: type, fail: Callable[[], object]
) -> None:
    monkeypatch.setattr(shown, "__repr__", lambda _: API_KEY)
    with pytest.raises(XiebaoError) as raised:
        fail()
    assert API_KEY in format_error_report(raised.value)


def test_a_number_of_thousands_of_digits_is_no_reason_to_show_the_key() -> None:
    with pytest.raises(ValueError, match="must be an integer of at most 256 bits") as raised:
        GatewaySimulator(10**5000, API_KEY)
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    assert all(API_KEY not in frame.f_locals.values() for frame in frames)


def test_what_is_made_of_a_secret_is_one() -> None:
    made = Secret("a").map(str.upper)
    assert made.reveal() == "A"
    assert "A" not in repr(made)


@pytest.mark.parametrize(
    "error", [WrongValueError("is wrong."), GatewayError("wrong", "p"), LinkError("wrong", "a")]
)
def test_what_a_check_says_is_said(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        Secret(API_KEY).map(failing_function(error))
    assert raised.value is error
    assert API_KEY not in format_error_report(raised.value)


def test_a_key_that_is_wrong_is_the_setting_that_is_wrong() -> None:
    with pytest.raises(ConfigError) as raised:
        link_of(odd(TypeError(API_KEY)))
    assert list(raised.value.problems) == ["SECRET_KEY"]


def test_every_error_of_the_package_can_be_caught_at_once() -> None:
    public = [value for value in vars(flask_xiebao).values() if isinstance(value, type)]
    errors = [value for value in public if issubclass(value, Exception)]
    assert {GatewayError, ConfigError, LinkError} <= set(errors)
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
    text = format_untrusted_text(f"the key is {encoding(key)}!", (key,))
    assert text == "the key is ***!"
