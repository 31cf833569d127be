"""Secrets: what is made of one, what goes wrong with one, and what an error report shows of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, Gateway, GatewayError, LinkError, Xiebao, XiebaoError
from flask_xiebao.gateway.values import Secret, WrongValueError
from flask_xiebao.testing import GatewaySimulator
from tests.support import CONFIG

KEY = "k3y-that-1s-0nly-here"


def report_of(error: BaseException | None) -> Iterator[str]:
    """Return what an error report shows: texts, attributes, and the locals of the package."""
    while error is not None:
        yield f"{error} {error!r} {error.args} {vars(error)} {getattr(error, 'object', '')}"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                yield from (repr(value) for value in frame.f_locals.values())
        error = error.__cause__ or error.__context__


def fail_with(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


class Lazy(str):
    """Text of a site's own kind, which fails when it is read."""

    error: Exception

    def __iter__(self) -> Iterator[str]:
        raise self.error

    def __format__(self, _spec: str) -> str:
        raise self.error

    def encode(self, *_arguments: Any, **_options: Any) -> bytes:
        raise self.error


#: What a value's own code may raise, with the value in it.
ERRORS = [
    ValueError(f"invalid literal for int() with base 10: {KEY!r}"),
    UnicodeEncodeError("ascii", KEY, 0, 1, "ordinal not in range"),
    TypeError(f"cannot read {KEY}"),
    KeyError(KEY),
    OSError(KEY),
]


def lazy(error: Exception) -> Any:
    return LocalProxy(fail_with(error))


def odd(error: Exception) -> Any:
    text = Lazy(KEY)
    text.error = error
    return text


def make_gateway(key: Any) -> object:
    return Gateway("12345", key)


def make_simulator(key: Any) -> object:
    return GatewaySimulator("12345", key)


def make_site(key: Any) -> object:
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_API_KEY=key)
    return Xiebao(app)


def make_link(key: Any) -> object:
    app = Flask("shop")
    app.config.update(CONFIG, SECRET_KEY=key, XIEBAO_PUBLIC_URL="https://shop.example")
    xiebao = Xiebao(app)
    with app.app_context():
        return xiebao.home_link()


@pytest.mark.parametrize("kind", [lazy, odd], ids=["lazy", "odd"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [make_gateway, make_simulator, make_site, make_link])
def test_a_key_that_fails_when_it_is_read_is_in_no_report(
    make: Callable[[Any], object], error: Exception, kind: Callable[[Exception], Any]
) -> None:
    key = kind(error)
    with pytest.raises((XiebaoError, ValueError), match=type(error).__name__) as raised:
        make(key)
    del key
    assert KEY not in "\n".join(report_of(raised.value))


def test_a_number_of_thousands_of_digits_is_no_reason_to_show_the_key() -> None:
    with pytest.raises(ValueError, match="too large a number") as raised:
        GatewaySimulator(10**5000, KEY)
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    assert all(KEY not in frame.f_locals.values() for frame in frames)


def test_what_is_made_of_a_secret_is_one() -> None:
    assert Secret("a").map(str.upper).reveal() == "A"
    assert "A" not in repr(Secret("a").map(str.upper))


@pytest.mark.parametrize(
    "error", [WrongValueError("is wrong."), GatewayError("wrong", "p"), LinkError("wrong", "a")]
)
def test_what_a_check_says_is_said(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        Secret(KEY).map(lambda _: fail_with(error)())
    assert raised.value is error
    assert KEY not in "\n".join(report_of(raised.value))


def test_a_key_that_is_wrong_is_the_setting_that_is_wrong() -> None:
    with pytest.raises(ConfigError) as raised:
        make_link(odd(TypeError(KEY)))
    assert list(raised.value.problems) == ["SECRET_KEY"]
