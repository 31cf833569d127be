"""What several files of tests share: a small site, its visitors, and where they arrive."""

from __future__ import annotations

import contextlib
import hashlib
import json
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from itsdangerous import Signer
from itsdangerous.encoding import base64_encode
from werkzeug.serving import make_server
from werkzeug.test import TestResponse
from werkzeug.wsgi import ClosingIterator

from flask_xiebao import Entry, Xiebao
from flask_xiebao.app.settings import Settings, get_setting_name
from flask_xiebao.testing import GatewaySimulator, Verdict, entry_of

MACROS = (
    '{% from "xiebao/entry.html" import insurance_entry, insurance_home_entry, policy_entry,'
    " insurance_qr, insurance_card, xiebao_entry, xiebao_styles, xiebao_script %}"
)

PC = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
}
PHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
}

CODE = "QX000000127257"
NUMBER = "20190226020146"
#: When tests take place whose clock stands still, which is later than they run.
NOW = 1_800_000_000
A_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
#: What is said of a member who is nothing of the kind.
NO_ID = "A member's id must be a string, an integer or a UUID, got"
#: What a link of each page is made with.
REFERENCES: dict[str, tuple[str, ...]] = {"product": (CODE,), "home": (), "policy": (NUMBER,)}

SECRET = "a secret for tests"
CONFIG = {"SECRET_KEY": SECRET, "XIEBAO_PARTNER_ID": "12345", "XIEBAO_API_KEY": "Key"}
#: By the salt of a purpose and an account, a token is for these alone.
ENTRY_SALT = "flask-xiebao.entry.12345"
CLICK_SALT = "flask-xiebao.click.12345"
#: Of this account, which is the example in the gateway's document.
SIGN = "001f9594105fd5b7ccb07caa01481a35"
#: A key that is in no output by chance, and the sign of its account.
KEY = "a-key-that-nobody-guesses"
SIGN_OF_KEY = "3e630aa9d45ff943dbb939202f3f247a"
#: Where a site may be.
SHOP = "https://shop.example"
#: An ``XIEBAO_MEMBER_SECRET``.
MEMBER_SECRET = "0123456789abcdef0123456789abcdef"
#: What ``MEMBER_SECRET`` makes of members' ids.
#: Made apart from the code, with OpenSSL:
#: printf 'flask-xiebao.member\0%s\0%s' 12345 "$id" | openssl dgst -sha256 -hmac "$secret" -binary
#:   | head -c 10 | base32 | tr A-Z a-z
KEYS_OF_MEMBERS = {
    "8": "n4koo53z3p6f6cab8",
    "m_7Qk2vX9rT4": "woa4c7uo27gv5alxm_7Qk2vX9rT4",
    "li.na@shop.example": "dq4sk5fhp42nwvsuli.na@shop.example",
    "会员八号": "r3gakdeaz7xryimd会员八号",
}
#: A site in service: neither debug nor testing.
LIVE: dict[str, Any] = {"TESTING": False, "XIEBAO_ENV": "test"}

SETTINGS = [get_setting_name(each.name) for each in fields(Settings)]
NEEDS_TRUSTED_HOSTS = pytest.mark.skipif(
    "TRUSTED_HOSTS" not in Flask.default_config, reason="this Flask has none"
)

#: What every answer of a link says to caches and others.
HIDDEN = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass
class Site:
    """A site in its tests.

    :ivar member: who is logged in.
    :ivar source: the template of its ``/page``, after the import of the macros.
    :ivar context: for this template.
    """

    app: Flask
    xiebao: Xiebao
    member: Any = None
    source: str = ""
    context: dict[str, Any] = field(default_factory=dict)

    def log_in(self, member: Any) -> None:
        self.member = member

    def render(self, source: str, headers: dict[str, str] = PC, **context: Any) -> TestResponse:
        """Serve a page with this template."""
        self.source, self.context = source, context
        return self.follow("/page", headers)

    def link(self, page: str, base_url: str | None = None, **options: Any) -> str:
        """Return a link as a view of the site would make it."""
        with self.app.test_request_context(base_url=base_url):
            return make_link(self.xiebao, page, **options)

    def follow(self, url: str, headers: dict[str, str] = PHONE, **options: Any) -> TestResponse:
        """Open a URL in a browser that is new to the site."""
        return self.app.test_client().open(url, headers=headers, **options)


MakeSite = Callable[..., Site]
#: Signals that were sent: each one's name, and what it said.
Heard = list[tuple[str, dict[str, Any]]]


def make_site(app: Flask | None = None, *, loader: bool = True, **config: Any) -> Site:
    """Return a site with these settings; without a loader it knows no members.

    :param app: what has something already, such as hooks.
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


def signed(
    fields: Any,
    salt: str = ENTRY_SALT,
    *,
    key: str = SECRET,
    derivation: str = "hmac",
    digest: Any = hashlib.sha256,
) -> str:
    """Return a token of these fields, by default as the site itself signs."""
    signer = Signer(key, salt, key_derivation=derivation, digest_method=digest)
    key_id = base64_encode(hashlib.sha256(signer.derive_key()).digest())[:3]
    value = packed(fields) + b"." + key_id
    return (value + signer.get_signature(value)).decode()


def packed(fields: Any) -> bytes:
    """Return what a token says, without its signature; bytes are as they are."""
    if isinstance(fields, bytes):
        return base64_encode(fields)
    return base64_encode(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def said_by(site: Site, link: str) -> Entry | None:
    """Return what a link says, by its URL or its token."""
    with site.app.app_context():
        return entry_of(link)


def make_link(xiebao: Xiebao, page: str, **options: Any) -> str:
    """Return a link to the product, the home page or the policy."""
    link: str = getattr(xiebao, f"{page}_link")(*REFERENCES[page], **options)
    return link


def accepted(location: str | None, key: str = "Key") -> Verdict:
    """Return how the gateway reads this address, which it has to accept."""
    assert location is not None
    verdict = GatewaySimulator("12345", key).check(location)
    assert verdict.accepted, verdict.reasons
    return verdict


def arrival(response: TestResponse, key: str = "Key") -> Verdict:
    """Return how the gateway reads this redirect, which it has to accept."""
    assert response.status_code == 302, response
    return accepted(response.location, key)


def paid_url(click: TestResponse, key: str = "Key") -> str:
    """Return where the gateway sends the browser after a payment."""
    url = arrival(click, key).pay_success
    assert url is not None
    return url


def pay(browser: FlaskClient, page: TestResponse | str, **form: str) -> str:
    """Pay on the simulator's page, or on that at a URL; return where the browser is sent."""
    url = page if isinstance(page, str) else page.request.url
    response = browser.post(url, data={"do": "pay", **form})
    assert response.status_code == 303, response
    assert response.location is not None
    return response.location


def soup(page: TestResponse | Tag | str) -> Tag:
    """Return a page, or a part of one, as it can be looked at."""
    if isinstance(page, Tag):
        return page
    return BeautifulSoup(page if isinstance(page, str) else page.text, "html.parser")


def inline(page: TestResponse | Tag | str) -> list[Tag]:
    """Return what a strict policy would keep from working: scripts, styles and handlers inside."""
    return [
        each
        for each in soup(page).select("*")
        if each.name == "style"
        or (each.name == "script" and (each.text or not each.has_attr("src")))
        or any(name == "style" or name.startswith("on") for name in each.attrs)
    ]


def one(page: TestResponse | Tag | str, selector: str = ":root") -> Tag:
    """Return the one element there that the selector finds."""
    [element] = soup(page).select(selector)
    return element


def href(page: TestResponse | Tag | str, text: str | None = None) -> str:
    """Return where a link leads: this one, the one in there, or the one there that says this."""
    part = soup(page)
    [link] = [part] if part.name == "a" else part.find_all("a", string=text)
    return str(link["href"])


def fail_with(error: BaseException) -> Callable[..., Any]:
    """Return a function that raises this, whatever it is called with."""

    def fail(*_arguments: object, **_options: object) -> Any:
        raise error

    return fail


async def never_awaited() -> bool:
    """Answer a site that forgot to register this function itself."""
    return True


def reported(error: BaseException | None, *, suppressed: bool = True) -> str:
    """Return what a report of an error shows: texts, attributes, and the package's variables.

    :param suppressed: also of what was raised ``from None``, which most reports leave out.
    """
    shown = []
    while error is not None:
        shown += [str(error), repr(error), repr(error.args), repr(vars(error))]
        shown.append(str(getattr(error, "object", "")))  # what could not be encoded
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                shown += [f"{name} = {value!r}" for name, value in frame.f_locals.items()]
        is_told = suppressed or not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if is_told else None)
    return "\n".join(shown)


def leaked(shown: str, *secrets: str) -> list[str]:
    """Return which of these secrets can be read somewhere."""
    return [secret for secret in secrets if secret in shown]


@contextlib.contextmanager
def serve(app: Flask, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve *app* in a separate thread, and return its URL.

    :param tls: the context to serve HTTPS with, instead of HTTP.
    """

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        # Werkzeug's server leaves a file open when the browser hangs up while it is sent.
        with contextlib.closing(ClosingIterator(app(environ, start_response))) as body:
            return [b"".join(body)]

    server = make_server("127.0.0.1", 0, answer, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
