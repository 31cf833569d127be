"""Helpers that tests in three or more folders use: a test site, requests to it, and its HTML.

Helpers for a single folder are in that folder's ``support.py``.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse
from werkzeug.wsgi import ClosingIterator

from flask_xiebao import Xiebao
from flask_xiebao.app.settings import Settings, get_setting_name
from flask_xiebao.testing import GatewaySimulator, Verdict

#: The Jinja statement that imports the extension's macros, for the beginning of a template.
MACROS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " insurance_qr, insurance_card, xiebao_entry, xiebao_styles, xiebao_script %}"
)

#: The request headers of a browser on a PC and of a browser on an iPhone.
PC = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
}
PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
}

PRODUCT_CODE = "QX000000127257"
INSURE_NUM = "20190226020146"
#: One row per gateway page: its name, and the positional arguments for a link to it.
LINK_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "product": (PRODUCT_CODE,),
    "home": (),
    "policy": (INSURE_NUM,),
}
#: The Unix timestamp at which the fixture ``clock`` stops the time. The timestamp is in the future.
NOW = 1_800_000_000

SECRET_KEY = "a secret for tests"
#: Settings with the partner account in the interface document's example, and the account's
#: signature.
CONFIG = {"SECRET_KEY": SECRET_KEY, "XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": "Key"}
SIGN = "001f9594105fd5b7ccb07caa01481a35"
#: An API key that no output contains by chance, and the signature of partner 12345 with this key.
API_KEY = "a-key-that-nobody-guesses"
SIGN_OF_API_KEY = "3e630aa9d45ff943dbb939202f3f247a"
#: A value for the setting ``XIEBAO_PUBLIC_URL``.
PUBLIC_URL = "https://shop.example"
#: A value for the setting ``XIEBAO_MEMBER_SECRET``.
MEMBER_SECRET = "0123456789abcdef0123456789abcdef"
#: One row per member: the id, and the member key with ``MEMBER_SECRET``. OpenSSL computed the part
#: of the key before the id:
#: printf 'flask-xiebao.member\0%s\0%s' 12345 "$id" | openssl dgst -sha256 -hmac "$secret" -binary
#:   | head -c 10 | base32 | tr A-Z a-z
MEMBER_KEYS = {
    "8": "n4koo53z3p6f6cab8",
    "m_7Qk2vX9rT4": "woa4c7uo27gv5alxm_7Qk2vX9rT4",
    "li.na@shop.example": "dq4sk5fhp42nwvsuli.na@shop.example",
    "会员八号": "r3gakdeaz7xryimd会员八号",
}
#: Settings of a deployed site, which is neither in debug mode nor in testing mode.
DEPLOYED: dict[str, Any] = {"TESTING": False, "XIEBAO_ENV": "test"}

#: The names of all of Flask-Xiebao's settings.
SETTING_NAMES = [get_setting_name(setting.name) for setting in fields(Settings)]
NEEDS_TRUSTED_HOSTS = pytest.mark.skipif(
    "TRUSTED_HOSTS" not in Flask.default_config, reason="This version of Flask has no TRUSTED_HOSTS"
)

#: The privacy headers of every response to a request for a link.
PRIVATE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass
class Site:
    """A test site with the extension and one page.

    :ivar member: the member who is logged in, or None.
    :ivar source: the template of the page at ``/page``, without the import of the macros.
    :ivar context: the variables of the template.
    """

    app: Flask
    xiebao: Xiebao
    member: Any = None
    source: str = ""
    context: dict[str, Any] = field(default_factory=dict)

    def log_in(self, member: Any) -> None:
        self.member = member

    def render(self, source: str, headers: dict[str, str] = PC, **context: Any) -> TestResponse:
        """Set the template of ``/page``, request the page, and return the response."""
        self.source, self.context = source, context
        return self.follow("/page", headers)

    def link(self, page: str, base_url: str | None = None, **options: Any) -> str:
        """Build a link to a gateway page during a request, and return the link."""
        with self.app.test_request_context(base_url=base_url):
            return make_link(self.xiebao, page, **options)

    def follow(self, url: str, headers: dict[str, str] = PHONE, **options: Any) -> TestResponse:
        """Request a URL with a new client, which has no cookies, and return the response."""
        return self.app.test_client().open(url, headers=headers, **options)


class Clock:
    """The clock that :func:`set_clock` puts in the place of ``time.time()``.

    :ivar now: the current Unix timestamp.
    """

    def __init__(self, now: float) -> None:
        self.now = now

    def shift(self, seconds: float) -> None:
        self.now += seconds


@contextlib.contextmanager
def set_clock(timestamp: float) -> Iterator[Clock]:
    """Let ``time.time()`` return this timestamp until the context ends. The clock stands still.

    ``datetime.now()`` does not change. Tests of code that calls it use time_machine.
    """
    clock = Clock(timestamp)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: clock.now)
        yield clock


MakeSite = Callable[..., Site]
#: One item per sent signal, oldest first: a short name such as "clicked", and the signal's keyword
#: arguments.
SentSignals = list[tuple[str, dict[str, Any]]]


def make_site(app: Flask | None = None, *, loader: bool = True, **config: Any) -> Site:
    """Return a test site with these settings.

    :param app: the app of the site, for example an app with hooks. The default is a new app.
    :param loader: False to register no ``member_loader``.
    """
    app = app or Flask("shop")
    app.config.update(CONFIG, TESTING=True)
    app.config.update(config)
    site = Site(app, Xiebao(app))
    if loader:
        site.xiebao.member_loader(lambda: site.member)

    @app.get("/page")
    def page() -> str:
        return render_template_string(MACROS + site.source, **site.context)

    return site


def make_link(xiebao: Xiebao, page: str, **options: Any) -> str:
    """Return a link to a gateway page, built by the method for this page if there is one."""
    build_link = getattr(xiebao, f"{page}_link", partial(xiebao.link, page))
    link: str = build_link(*LINK_ARGUMENTS[page], **options)
    return link


def assert_gateway_accepts(target: TestResponse | str | None, key: str = "Key") -> Verdict:
    """Assert that the simulator accepts a URL or the URL of a redirect, and return the verdict."""
    if isinstance(target, TestResponse):
        assert target.status_code == 302, target
        target = target.location
    assert target is not None
    verdict = GatewaySimulator("12345", key).check(target)
    assert verdict.accepted, verdict.reasons
    return verdict


def get_return_link(redirect: TestResponse, key: str = "Key") -> str:
    """Return the URL to which the gateway sends the browser after a payment."""
    url = assert_gateway_accepts(redirect, key).pay_success
    assert url is not None
    return url


def pay(browser: FlaskClient, page: TestResponse | str, **form: str) -> str:
    """Pay on a page of the gateway simulator, and return the URL to which the page redirects.

    :param page: the response with the page, or the page's URL.
    """
    url = page if isinstance(page, str) else page.request.url
    response = browser.post(url, data={"do": "pay", **form})
    assert response.status_code == 303, response
    assert response.location is not None
    return response.location


def parse_html(page: TestResponse | Tag | str) -> Tag:
    """Return the parsed HTML of a page. A tag is already parsed, so it is returned unchanged."""
    if isinstance(page, Tag):
        return page
    return BeautifulSoup(page if isinstance(page, str) else page.text, "html.parser")


def find_element(page: TestResponse | Tag | str, selector: str = ":root") -> Tag:
    """Return the only element that matches a CSS selector."""
    [element] = parse_html(page).select(selector)
    return element


def find_href(page: TestResponse | Tag | str, text: str | None = None) -> str:
    """Return the ``href`` of the only link on a page.

    :param page: a page, a part of a page, or the link itself.
    :param text: only consider links with this text.
    """
    part = parse_html(page)
    [link] = [part] if part.name == "a" else part.find_all("a", string=text)
    return str(link["href"])


def find_inline_code(page: TestResponse | Tag | str) -> list[Tag]:
    """Return a page's elements with inline scripts, inline styles or event handlers."""
    return [
        element
        for element in parse_html(page).select("*")
        if element.name == "style"
        or (element.name == "script" and (element.text or not element.has_attr("src")))
        or any(name == "style" or name.startswith("on") for name in element.attrs)
    ]


def failing_function(error: BaseException) -> Callable[..., Any]:
    """Return a function that accepts any arguments and raises this error."""

    def raise_error(*_args: object, **_kwargs: object) -> Any:
        raise error

    return raise_error


def format_error_report(error: BaseException | None, *, suppressed: bool = True) -> str:
    """Return the text of a detailed error report.

    The report has the messages and attributes of the exception and of the exceptions before it in
    the chain, and the local variables of the extension's functions.

    :param suppressed: also report the context of an exception that was raised ``from None``. Most
        error reporters leave it out.
    """
    parts = []
    while error is not None:
        parts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        # The attribute ``object`` of a UnicodeError is the text that could not be converted.
        parts.append(str(getattr(error, "object", "")))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                parts += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        has_context = suppressed or not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if has_context else None)
    return "\n".join(parts)


def find_leaks(text: str, *secrets: str) -> list[str]:
    """Return the secrets that a text contains."""
    return [secret for secret in secrets if secret in text]


@contextlib.contextmanager
def serve_app(app: Flask, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve an app in a thread until the context ends. The context manager yields the app's URL.

    :param tls: the TLS context for HTTPS. By default, the server speaks HTTP.
    """

    def serve_whole_response(environ: Any, start_response: Any) -> list[bytes]:
        # Werkzeug's server leaves a file open if the browser disconnects while the file is sent.
        # So the file is read and closed before the server sends the response.
        with contextlib.closing(ClosingIterator(app(environ, start_response))) as body:
            return [b"".join(body)]

    server = make_server("127.0.0.1", 0, serve_whole_response, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
