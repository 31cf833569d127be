"""What an outsider may try: forged links, forged requests, old keys, and reports that say too much.

The rules themselves are tested where they live. Here properties are tried with many values, and
requests are made that no browser sends.
"""

from __future__ import annotations

import base64
import dataclasses
import gc
import hashlib
import json
import logging
import os
import pprint
import random
import re
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import time_machine
from flask import Flask, Response, redirect, render_template_string, request
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from itsdangerous import BadData, Signer, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from jinja2 import DictLoader
from werkzeug.debug import DebuggedApplication
from werkzeug.local import LocalProxy
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from flask_xiebao import (
    ConfigError,
    Entry,
    Gateway,
    LinkError,
    Platform,
    Xiebao,
    XiebaoError,
    entry_clicked,
    entry_refused,
)
from flask_xiebao.links.tokens import Click, LinkSigner
from flask_xiebao.testing import GatewaySimulator
from tests import qr, support
from tests.support import (
    CODE,
    KEY,
    LIVE,
    MACROS,
    NUMBER,
    PC,
    PHONE,
    SECRET,
    SETTINGS,
    SIGN_OF_KEY,
    MakeSite,
    Site,
    accepted,
    arrival,
    one,
    paid_url,
    soup,
)
from tests.tools import fuzz

NOW = 1_800_000_000
PAGES = ("product", "home", "policy")

settings.register_profile(
    "xiebao",
    deadline=None,
    max_examples=200,
    derandomize="CI" in os.environ,
    # A site is made once for all examples of a test; each example says who is logged in.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("xiebao")


def paid_link(return_to: str = "/orders/8", **config: Any) -> str:
    """Return the path by which a payment of alice's comes back to any site with these settings."""
    site = support.make_site(**config)
    site.log_in("alice")
    return urlsplit(paid_url(site.follow(site.link("product", return_to=return_to)))).path


def fail() -> str:
    raise KeyError("member")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveler:
        yield traveler


# Links

_PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
_TEXTS = st.text(_PRINTABLE, min_size=1, max_size=40).filter(str.strip)
_MEMBERS = _TEXTS.map(str.strip)  # an id has no white space at its ends
_PATHS = st.builds("/{}".format, st.text(_PRINTABLE, max_size=40)).filter(
    lambda path: not path.startswith("//") and "\\" not in path
)


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    page = draw(st.sampled_from(PAGES))
    member = draw(st.none() | _MEMBERS)
    platforms = [one for one in Platform if page == "product" or one is not Platform.PC]
    return Entry(
        page=page,
        reference=None if page == "home" else draw(_TEXTS),
        member=member,
        no_login_for=None if member is None else draw(st.none() | st.integers(1, 10**9)),
        sub_partner_id=None if page == "policy" else draw(st.none() | st.just("") | _TEXTS),
        platform=draw(st.none() | st.sampled_from(platforms)),
        return_to=draw(st.none() | _PATHS),
    )


_ENTRIES = _entries()
_CLICKS = st.builds(Click, _ENTRIES, _MEMBERS, _TEXTS, st.integers(0, 2**40))

_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["change", "insert", "delete", "swap", "repeat", "cut"]),
        st.floats(0, 1, exclude_max=True),
        st.characters() | st.sampled_from("ABab01-_.=+/%"),
    ),
    min_size=1,
    max_size=4,
)


def edited(token: str, edits: list[tuple[str, float, str]]) -> str:
    for kind, where, letter in edits:
        place = int(where * len(token))
        before, here, after = token[:place], token[place : place + 1], token[place + 1 :]
        token = {
            "change": before + letter + after,
            "insert": before + letter + here + after,
            "delete": before + after,
            "swap": after + here + before,
            "repeat": before + here + here + after,
            "cut": before,
        }[kind]
    return token


def is_another_spelling(changed: str, token: str) -> bool:
    """Tell whether both hold the same payload, to the letter, and the same signature."""
    payload, _, signature = token.rpartition(".")
    changed_payload, _, spelling = changed.rpartition(".")
    if changed_payload != payload or not re.fullmatch("[A-Za-z0-9_-]+", spelling):
        return False
    try:
        return spelling[:3] == signature[:3] and (
            base64_decode(spelling[3:]) == base64_decode(signature[3:])
        )
    except BadData:
        return False


@given(entry=_ENTRIES)
def test_any_entry_comes_back_from_its_token(entry: Entry) -> None:
    signer = LinkSigner([SECRET], "12345")
    loaded = signer.loads(signer.dumps(entry))
    assert loaded == entry
    assert type(loaded.platform) is type(entry.platform)


@given(click=_CLICKS)
def test_any_click_comes_back_from_its_token(click: Click) -> None:
    signer = LinkSigner([SECRET], "12345")
    assert signer.loads_click(signer.dumps_click(click)) == click


@given(entry=_ENTRIES, edits=_EDITS)
def test_a_changed_token_opens_only_if_it_spells_the_same_signature(
    entry: Entry, edits: list[tuple[str, float, str]]
) -> None:
    signer = LinkSigner([SECRET], "12345")
    token = signer.dumps(entry)
    changed = edited(token, edits)
    if is_another_spelling(changed, token):
        assert signer.loads(changed) == entry
    else:
        with pytest.raises(LinkError):
            signer.loads(changed)


@given(click=_CLICKS, edits=_EDITS)
def test_a_changed_return_token_opens_only_if_it_spells_the_same_signature(
    click: Click, edits: list[tuple[str, float, str]]
) -> None:
    signer = LinkSigner([SECRET], "12345")
    token = signer.dumps_click(click)
    changed = edited(token, edits)
    assume(not is_another_spelling(changed, token))
    with pytest.raises(LinkError):
        signer.loads_click(changed)


@settings(max_examples=100)
@given(entry=_ENTRIES, edits=_EDITS, opened_as=st.sampled_from([*PAGES, "paid"]))
def test_a_changed_link_is_not_found(
    site: Site, entry: Entry, edits: list[tuple[str, float, str]], opened_as: str
) -> None:
    token = LinkSigner([SECRET], "12345").dumps(entry)
    changed = edited(token, edits)
    assume(not is_another_spelling(changed, token))
    assume("//" not in f"/{changed}")  # the router answers these itself
    site.log_in("alice")
    try:
        path = f"/xiebao/{opened_as}/{changed}".encode().decode("latin-1")
    except UnicodeEncodeError:  # a lone surrogate, which no client can send in a path
        assume(False)
    assert raw(site.app, path).status_code == 404


@given(entry=_ENTRIES)
def test_a_link_opens_on_its_own_page_only(site: Site, entry: Entry) -> None:
    site.log_in(entry.member or "alice")
    token = LinkSigner([SECRET], "12345").dumps(entry)
    opened = [
        page
        for page in (*PAGES, "paid")
        if raw(site.app, f"/xiebao/{page}/{token}").status_code != 404
    ]
    no_link = entry.page == "policy" and entry.member is None
    assert opened == ([] if no_link else [entry.page])


@given(click=_CLICKS)
def test_a_return_link_opens_no_entry(site: Site, click: Click) -> None:
    site.log_in(click.member)
    token = LinkSigner([SECRET], "12345").dumps_click(click)
    statuses = [raw(site.app, f"/xiebao/{page}/{token}").status_code for page in (*PAGES, "paid")]
    assert statuses == [404, 404, 404, 302]


FOREIGN: dict[str, Callable[[Flask, list[Any]], str]] = {
    "another secret": lambda _, fields: signed(fields, key="another secret"),
    "another salt": lambda _, fields: signed(fields, salt="itsdangerous.Signer"),
    "the salt of another purpose": lambda _, fields: signed(
        fields, salt="flask-xiebao.click.12345"
    ),
    "another shop that shares the secret": lambda _, fields: signed(
        fields, salt="flask-xiebao.entry.54321"
    ),
    "no salt": lambda _, fields: signed(fields, salt=""),
    "a prefix of the secret": lambda _, fields: signed(fields, key=SECRET[:-1]),
    "another digest": lambda _, fields: signed(fields, digest=hashlib.sha1),
    "another derivation": lambda _, fields: signed(fields, derivation="django-concat"),
    "a serializer": lambda _, fields: URLSafeSerializer(SECRET).dumps(fields),
    "a serializer with our salt": lambda _, fields: URLSafeSerializer(
        SECRET, "flask-xiebao.entry.12345"
    ).dumps(fields),
    "a timed serializer": lambda _, fields: URLSafeTimedSerializer(SECRET).dumps(fields),
    "a timed serializer with our salt": lambda _, fields: URLSafeTimedSerializer(
        SECRET,
        "flask-xiebao.entry.12345",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    ).dumps(fields),
    "a timestamp signer": lambda _, fields: (
        TimestampSigner(SECRET, "flask-xiebao.entry.12345").sign(packed(fields)).decode()
    ),
    "a session cookie": lambda app, fields: session_cookie(app, fields),
    "a session cookie of a dict": lambda app, fields: session_cookie(
        app, {"member": "alice", "entry": fields}
    ),
}


def session_cookie(app: Flask, value: Any) -> str:
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    cookie: str = serializer.dumps(value)
    return cookie


def packed(fields: Any) -> bytes:
    return base64_encode(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def signed(
    fields: Any,
    *,
    key: str = SECRET,
    salt: str = "flask-xiebao.entry.12345",
    derivation: str = "hmac",
    digest: Any = hashlib.sha256,
) -> str:
    signer = Signer(key, salt, key_derivation=derivation, digest_method=digest)
    key_id = base64_encode(hashlib.sha256(signer.derive_key()).digest())[:3]
    value = packed(fields) + b"." + key_id
    return (value + signer.get_signature(value)).decode()


def test_what_is_signed_here_as_the_site_signs_opens(site: Site) -> None:
    site.log_in("alice")
    assert site.follow(f"/xiebao/product/{signed(['product', CODE])}").status_code == 302


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("page", [*PAGES, "paid"])
def test_what_others_signed_is_not_found(site: Site, kind: str, page: str) -> None:
    site.log_in("alice")
    payloads: dict[str, list[Any]] = {
        "product": ["product", CODE],
        "home": ["home"],
        "policy": ["policy", NUMBER, None, None, None, "alice", int(time.time()), 60],
        "paid": ["alice", "click", int(time.time()), "product", CODE],
    }
    fields = payloads[page]
    with site.app.test_request_context():
        token = FOREIGN[kind](site.app, fields)
    if (page, kind) == ("paid", "the salt of another purpose"):
        token = signed(fields)  # here the other purpose is the entry's
    assert site.follow(f"/xiebao/{page}/{token}").status_code == 404


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_FIELDS = st.lists(st.sampled_from([*PAGES, CODE, 1, 2, "/", "alice"]) | _JSON, max_size=12)


@given(fields=_FIELDS)
def test_whatever_was_signed_is_an_entry_or_a_link_error(fields: list[Any]) -> None:
    signer = LinkSigner([SECRET], "12345")
    for load, salt in ((signer.loads, "entry"), (signer.loads_click, "click")):
        try:
            loaded = load(signed(fields, salt=f"flask-xiebao.{salt}.12345"))
        except LinkError:
            continue
        assert isinstance(loaded, Entry | Click)


# 100,000 of these are `make fuzz`.


def test_five_thousand_forged_tokens_open_nothing_and_break_nothing() -> None:
    outcome = fuzz.run(5000, seed=8)
    assert outcome.violations == []
    assert outcome.tried == 5000
    assert outcome.genuine > 50
    assert outcome.refused > 4000


def test_the_fuzzer_notices_a_signature_that_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Signer, "verify_signature", lambda *_: True)
    assert any("was let in" in violation for violation in fuzz.run(300, seed=8).violations)


def test_the_fuzzer_notices_an_error_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    verify = Signer.verify_signature

    def verify_or_fail(*arguments: Any) -> bool:
        if verify(*arguments):
            return True
        raise ZeroDivisionError

    monkeypatch.setattr(Signer, "verify_signature", verify_or_fail)
    assert any("answered 500" in violation for violation in fuzz.run(50, seed=8).violations)


# Handoff


@settings(max_examples=40)
@given(
    page=st.sampled_from(["home", "policy"]),
    lives=st.integers(1, 1000),
    waits=st.lists(st.integers(0, 400), min_size=1, max_size=5),
    direct=st.booleans(),
)
def test_no_chain_of_handoffs_outlives_the_first_bearer_link(
    site: Site, page: str, lives: int, waits: list[int], direct: bool
) -> None:
    site.log_in(None)
    with time_machine.travel(NOW, tick=False) as traveler:
        url = site.link(page, member="alice", no_login_for=lives)
        for wait in waits:
            traveler.shift(wait)
            shown = site.follow(url, PC)
            on_phone = site.follow(f"{url}?platform=h5", PC) if direct else site.follow(url)
            if shown.status_code == 410:
                assert on_phone.status_code == 410
                return
            assert time.time() < NOW + lives
            assert (shown.status_code, on_phone.status_code) == (200, 302)
            url = qr.read(shown.text)
        traveler.move_to(NOW + lives)
        assert site.follow(url, PC).status_code == 410
        assert site.follow(url).status_code == 410


@settings(max_examples=20)
@given(
    page=st.sampled_from(["home", "policy"]),
    waits=st.lists(st.integers(0, 200), min_size=1, max_size=4),
)
def test_no_chain_of_handoffs_outlives_the_code_that_a_member_was_shown(
    site: Site, page: str, waits: list[int]
) -> None:
    with time_machine.travel(NOW, tick=False) as traveler:
        site.log_in("alice")
        url = qr.read(site.follow(site.link(page), PC).text)
        site.log_in(None)
        for wait in waits:
            traveler.shift(wait)
            shown = site.follow(url, PC)
            assert shown.status_code == (200 if time.time() < NOW + 300 else 410)
            if shown.status_code == 410:
                return
            url = qr.read(shown.text)
        traveler.move_to(NOW + 300)
        assert site.follow(url).status_code == 410


@pytest.mark.parametrize("page", ["home", "policy"])
def test_a_slow_server_does_not_prolong_a_chain_of_handoffs(
    site: Site, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    now = float(NOW)

    def passing() -> float:
        nonlocal now
        now += 0.4
        return now

    monkeypatch.setattr(time, "time", passing)
    url = site.link(page, member="alice", no_login_for=60)
    for _ in range(200):
        asked_at = now
        shown = site.follow(url, PC)
        if shown.status_code == 410:
            break
        assert asked_at < NOW + 62, "it was signed within a second of NOW"
        url = qr.read(shown.text)
    assert shown.status_code == 410


# Ways out

EVIL = "evil.example"

#: What a stranger may write into a request, by the names of the WSGI environ.
FORGED: dict[str, dict[str, str]] = {
    "X-Forwarded-*": {
        "HTTP_X_FORWARDED_HOST": EVIL,
        "HTTP_X_FORWARDED_PROTO": "javascript",
        "HTTP_X_FORWARDED_PORT": "6666",
        "HTTP_X_FORWARDED_PREFIX": f"//{EVIL}",
        "HTTP_X_FORWARDED_FOR": EVIL,
        "HTTP_X_FORWARDED_SERVER": EVIL,
    },
    "Forwarded": {"HTTP_FORWARDED": f"host={EVIL};proto=https"},
    "X-Original-URL": {"HTTP_X_ORIGINAL_URL": f"//{EVIL}/", "HTTP_X_REWRITE_URL": f"//{EVIL}/"},
    "X-Host": {"HTTP_X_HOST": EVIL, "HTTP_X_REAL_IP": EVIL, "HTTP_X_HTTP_HOST_OVERRIDE": EVIL},
    "Referer": {"HTTP_REFERER": f"https://{EVIL}/", "HTTP_ORIGIN": f"https://{EVIL}"},
    "next": {"QUERY_STRING": f"next=//{EVIL}&next=https://{EVIL}/&url=//{EVIL}&return_to=//{EVIL}"},
    "platform": {"QUERY_STRING": f"platform=//{EVIL}"},
    "platform and more": {"QUERY_STRING": f"platform=h5%26next=//{EVIL}"},
    "platform with a line break": {"QUERY_STRING": f"platform=h5%0d%0aLocation:%20//{EVIL}"},
    "platform with a raw line break": {"QUERY_STRING": f"platform=h5\r\nLocation: //{EVIL}"},
    "platform with NUL": {"QUERY_STRING": f"platform=h5%00{EVIL}"},
    "a surrogate": {"QUERY_STRING": f"platform=%ED%A0%80{EVIL}"},
    "a long query": {"QUERY_STRING": f"platform={EVIL}" + "&a=b" * 20_000},
    "parameters of the gateway": {
        "QUERY_STRING": (
            f"partnerUniqKey=the.stranger&member=the.stranger&sign={EVIL}&paySuccess={EVIL}"
        )
    },
    "a member in headers": {
        "HTTP_X_USER": "the.stranger",
        "HTTP_AUTHORIZATION": "Basic dGhlLnN0cmFuZ2VyOg==",
    },
    "a cookie": {
        "HTTP_COOKIE": f"session={EVIL}; next=//{EVIL}; member=the.stranger; platform={EVIL}"
    },
    "a raw cookie": {"HTTP_COOKIE": f"session=\r\n{EVIL}\x00; a={chr(0xFF)}"},
    "a language": {"HTTP_ACCEPT_LANGUAGE": f"{EVIL},\r\n, zh;q=nan"},
    "a device": {"HTTP_USER_AGENT": f"iPhone \r\nLocation: //{EVIL}\x00 <script>"},
    "a long device": {"HTTP_USER_AGENT": f"iPhone {EVIL}" + "x" * 100_000},
    "hints": {"HTTP_SEC_CH_UA_PLATFORM": f'"{EVIL}"\r\n', "HTTP_SEC_CH_UA_MOBILE": EVIL},
    "surrogates in headers": {
        "HTTP_USER_AGENT": "iPhone \ud800",
        "HTTP_ACCEPT": "\udfff",
        "HTTP_SEC_PURPOSE": "\udcff",
        "HTTP_SEC_CH_UA_PLATFORM": "\ud800",
    },
    "a body": {"CONTENT_LENGTH": "-1", "CONTENT_TYPE": f"application/json;{EVIL}"},
}


def raw(app: Any, path: str, method: str = "GET", **environ: str) -> TestResponse:
    """Ask a server that hands over whatever was sent, as WSGI servers do: no client in between."""
    path, _, query = path.partition("?")
    base = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_USER_AGENT": PHONE["User-Agent"]}
    full = {**EnvironBuilder(method=method).get_environ(), **base, **environ}
    body, status, headers = run_wsgi_app(app, full, buffered=True)
    return TestResponse(body, status, headers, request=None)  # type: ignore[arg-type]


def told(response: TestResponse) -> str:
    """Return all that an answer says, what is encoded in it too."""
    said = [
        response.get_data(as_text=True),
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    said += [base64.b64decode(url).decode() for url in query.get("paySuccess", [])]
    if 'class="xiebao-qr"' in said[0]:
        said.append(qr.read(said[0]))
    return "\n".join(said)


def ways(make_site: MakeSite, **config: Any) -> Iterator[tuple[str, Flask, str, str]]:
    """Return every kind of answer: its name, the app, the path, the device."""
    site = make_site(XIEBAO_LOGIN_VIEW="page", **config)
    site.source, site.context = "Who are you?", {}
    phone, desktop = PHONE["User-Agent"], PC["User-Agent"]
    paid = paid_link()
    members = {page: site.link(page, member="alice", return_to="/orders/8") for page in PAGES}
    with time_machine.travel(NOW - 10**8):
        old = site.link("home", member="alice", no_login_for=1)
    for page in PAGES:
        site.log_in("alice")
        yield f"{page} 302 gateway", site.app, members[page], phone
        site.log_in("bob")
        yield f"{page} 403", site.app, members[page], phone
        site.log_in(None)
        yield f"{page} 302 login", site.app, members[page], phone
        yield f"{page} 404", site.app, f"/xiebao/{page}/nonsense", phone
    yield "home 410", site.app, old, phone
    site.log_in("alice")
    yield "home 200", site.app, members["home"], desktop
    yield "policy 200", site.app, members["policy"], desktop
    yield "paid 302 back", site.app, paid, phone


def test_every_way_out_is_tried_below(make_site: MakeSite) -> None:
    for name, app, path, device in ways(make_site):
        _, status, *target = name.split()
        response = raw(app, path, HTTP_USER_AGENT=device)
        assert response.status_code == int(status)
        location = response.headers.get("Location", "")
        match target:
            case ["gateway"]:
                assert accepted(location).member == "alice"
            case ["login"]:
                assert location == f"/page?next={path.replace('/', '%2F')}" or location == (
                    f"/page?next={path}"
                )
            case ["back"]:
                assert location == "/orders/8"
            case _:
                assert location == ""


@pytest.mark.parametrize("public", [None, "https://shop.example"])
@pytest.mark.parametrize("forgery", FORGED)
def test_nothing_that_a_stranger_writes_into_a_request_is_in_an_answer(
    make_site: MakeSite, forgery: str, public: str | None
) -> None:
    config = {} if public is None else {"XIEBAO_PUBLIC_URL": public}
    for name, app, path, device in ways(make_site, PROPAGATE_EXCEPTIONS=False, **config):
        _, status, *target = name.split()
        response = raw(app, path, **{"HTTP_USER_AGENT": device, **FORGED[forgery]})

        if "HTTP_USER_AGENT" not in FORGED[forgery] and "platform" not in forgery:
            assert response.status_code == int(status), name
        assert response.status_code < 500, name
        # None of them can be a part of a token by chance.
        for word in (EVIL, "javascript:", ":6666", "<script>", "the.stranger"):
            assert word not in told(response), name
        if target == ["gateway"]:
            verdict = accepted(response.headers["Location"])
            assert (verdict.member, verdict.platform) == ("alice", 1)
            assert urlsplit(verdict.pay_success or "").netloc == (
                "localhost" if public is None else "shop.example"
            )


#: Hosts that a name server would not know, and one that it would.
HOSTS = [
    *(EVIL, f"{EVIL}:6666", f"shop.example@{EVIL}", f"{EVIL}\\@shop.example", f"{EVIL}/shop"),
    *(f"{EVIL}?", f"{EVIL}#", f"{EVIL}\r\nLocation: //{EVIL}", f"{EVIL}\x00", f" {EVIL}"),
    *("", " ", "-", "..", "a..b", "[", "[::1", "[::1]", "x:y", "x:99999", "x:0", "\xc3\xa9"),
    *("xn--", "\xff", "\ud800", "%00", "<script>", '"', "x" * 300, "x." * 2000, "xn--a", "127.1"),
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_header_gets_out_where_the_public_address_is_known(
    make_site: MakeSite, host: str
) -> None:
    config = {"PROPAGATE_EXCEPTIONS": False, "XIEBAO_PUBLIC_URL": "https://shop.example"}
    for name, app, path, device in ways(make_site, **config):
        response = raw(app, path, HTTP_USER_AGENT=device, HTTP_HOST=host)
        assert response.status_code < 500, name
        assert EVIL not in told(response), name
        assert "<script>" not in told(response), name


def test_no_host_header_breaks_an_answer(make_site: MakeSite) -> None:
    broken = set()
    for name, app, path, device in ways(make_site, PROPAGATE_EXCEPTIONS=False):
        for host in HOSTS:
            response = raw(app, path, HTTP_USER_AGENT=device, HTTP_HOST=host)
            if response.status_code >= 500:
                broken.add((name, host))
            assert EVIL not in response.headers.get("Location", ""), name
            assert "<script>" not in response.get_data(as_text=True), name
    assert broken == set()


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:80@evil.example", "localhost@evil.example", "127.0.0.1:@evil.example"),
        *("[::1]@evil.example", "[::1]:5000@evil.example", "localhost:80 @evil.example"),
        *("localhost\\@evil.example", "localhost:80#@evil.example", "localhost/.evil.example"),
        *("localhost:80\t@evil.example", "localhost:evil.example", "localhost:0@evil.example:80"),
    ],
)
@pytest.mark.parametrize("in_service", [True, False])
def test_a_host_that_only_begins_like_this_machine_gets_no_payment(
    make_site: MakeSite, host: str, in_service: bool
) -> None:
    """In development any host is taken, save what is none."""
    site = make_site(TESTING=not in_service, XIEBAO_ENV="test")
    site.log_in("alice")
    url = site.link("product", return_to="/orders/8")
    response = raw(site.app, url, HTTP_HOST=host, HTTP_USER_AGENT=PHONE["User-Agent"])
    if response.status_code == 400:  # what Werkzeug itself refuses
        return
    assert "evil" not in (arrival(response).pay_success or "")


def test_a_query_that_is_no_utf8_breaks_no_answer(make_site: MakeSite) -> None:
    broken = set()
    for name, app, path, device in ways(make_site, PROPAGATE_EXCEPTIONS=False):
        for query in ("\xe9", "platform=\xff", "\xb1\xa3\xcf\xd5=1", "a=\x80&platform=h5"):
            response = raw(app, path, HTTP_USER_AGENT=device, QUERY_STRING=query)
            if response.status_code >= 500:
                broken.add((name, query))
    assert broken == set()


@given(path=_PATHS)
def test_a_payment_comes_back_to_this_site_whatever_its_path_is_called(
    site: Site, path: str
) -> None:
    location = raw(site.app, paid_link(path)).headers["Location"]

    assert location.isascii()
    assert location.isprintable()
    assert location.startswith("/")
    assert location[1:2] not in ("/", "\\")
    assert (
        urlsplit(urljoin("https://shop.example/xiebao/paid/x", location)).netloc == "shop.example"
    )


# What belongs to one answer is in no other


@pytest.mark.parametrize("page", [*PAGES, "paid"])
def test_a_cookie_of_one_visitor_is_not_set_for_the_next(make_site: MakeSite, page: str) -> None:
    site = make_site()
    url = paid_link() if page == "paid" else site.link(page, member="alice")

    @site.app.after_request
    def remember(response: Response) -> Response:
        response.set_cookie("session", f"of {request.headers['X-Name']}")
        response.headers["X-Seen-By"] = request.headers["X-Name"]
        return response

    site.log_in("alice")
    for name in ("alice", "mallory", "bob"):
        response = site.follow(url, {**PHONE, "X-Name": name})
        assert response.status_code == 302
        [cookie] = response.headers.getlist("Set-Cookie")
        assert cookie.startswith(f'session="of {name}"')
        assert response.headers.getlist("X-Seen-By") == [name]


@pytest.mark.parametrize("page", [*PAGES, "paid"])
def test_a_click_in_the_middle_of_another_changes_nothing_of_it(
    make_site: MakeSite, page: str
) -> None:
    site = make_site()
    site.log_in("bob")
    other = site.link("product", member="bob")
    url = paid_link() if page == "paid" else site.link(page, member="alice")
    meanwhile_went = []
    site.xiebao.member_loader(lambda: request.headers["X-Member"])

    @site.app.after_request
    def meanwhile(response: Response) -> Response:
        if request.headers["X-Member"] == "alice":
            with site.app.test_client() as client:
                headers = {**PHONE, "X-Member": "bob"}
                meanwhile_went.append(arrival(client.get(other, headers=headers)).member)
        return response

    response = site.follow(url, {**PHONE, "X-Member": "alice"})
    if page == "paid":
        assert response.location == "/orders/8"
    else:
        assert arrival(response).member == "alice"
    assert meanwhile_went == ["bob"]


LEAVES_NO_SITE = st.sampled_from(
    [f"//{EVIL}", f"/\\{EVIL}", f"https://{EVIL}", f"/\t/{EVIL}", f"/\r\n/{EVIL}", "orders", ""]
) | st.text(max_size=20)


@given(path=LEAVES_NO_SITE)
def test_a_return_path_is_refused_or_stays_on_this_site(path: str) -> None:
    try:
        entry = Entry("product", CODE, return_to=path)
    except LinkError:
        return
    there = urljoin("https://shop.example/x", entry.return_to or "")
    assert urlsplit(there).netloc == "shop.example"
    assert "\\" not in there


#: Every way in which a template makes a link with a member that leaves the site.
MEMBERS_LINKS = [
    f"{{{{ insurance_entry('{CODE}', member='m-alice', external=True) }}}}",
    f"{{{{ insurance_entry('{CODE}', member='m-alice', no_login_for=60, external=True) }}}}",
    "{{ insurance_home_entry(member='m-alice', external=True) }}",
    f"{{{{ policy_entry('{NUMBER}', external=True) }}}}",
    f"{{{{ policy_entry('{NUMBER}', member='m-alice', no_login_for=60, external=True) }}}}",
    f"{{{{ insurance_qr('{CODE}', member='m-alice', no_login_for=60) }}}}",
    f"{{{{ xiebao_link('product', '{CODE}', member='m-alice', external=True) }}}}",
    "{{ xiebao_link('home', member='m-alice', no_login_for=60, external=True) }}",
    f"{{{{ xiebao_link('policy', '{NUMBER}', external=True) }}}}",
]


@pytest.mark.parametrize("source", MEMBERS_LINKS)
def test_a_page_under_a_host_that_nobody_vouched_for_has_no_members_link_that_leaves_it(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    site = make_site(**LIVE)
    site.log_in("m-alice")
    site.source, site.context = f"before{source}after", {}
    answers = [
        raw(site.app, "/page", HTTP_HOST=host, **FORGED["X-Forwarded-*"]).get_data(as_text=True)
        for host in (EVIL, "localhost")
    ]
    assert answers == ["beforeafter", "beforeafter"]
    assert "set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text


@pytest.mark.parametrize("source", MEMBERS_LINKS)
def test_where_the_public_address_is_known_the_link_is_there_and_is_on_it(
    make_site: MakeSite, source: str
) -> None:
    site = make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")
    site.log_in("m-alice")
    site.source, site.context = source, {}
    page = raw(site.app, "/page", HTTP_HOST=EVIL).get_data(as_text=True)
    url = qr.read(page) if "<svg" in page else page
    assert "https://shop.example/xiebao/" in url
    assert EVIL not in url


# Caches

_EVERYBODYS = (
    "{{ xiebao_styles() }}"
    f"{{{{ insurance_entry('{CODE}', class='btn', return_to='/orders/8') }}}}"
    f"{{{{ insurance_entry('{CODE}', external=True) }}}}"
    "{{ insurance_home_entry('Shop') }}"
    f"{{{{ insurance_qr('{CODE}') }}}}"
    f"{{{{ xiebao_link('product', '{CODE}', platform='h5') }}}}"
)


@pytest.mark.parametrize(
    "devices",
    [
        (PC, {"User-Agent": PC["User-Agent"].replace("126", "127")}),
        (PHONE, {"User-Agent": PHONE["User-Agent"].replace("17_5", "18_1")}),
    ],
)
def test_a_page_without_members_links_is_the_same_for_everybody_on_one_kind_of_device(
    make_site: MakeSite, devices: tuple[dict[str, str], dict[str, str]]
) -> None:
    pages = set()
    site = make_site()
    for member in (None, "alice", "bob", 7, ["no member"], LookupError):
        for device, day in ((devices[0], 0), (devices[1], 9)):
            site.log_in(member)
            if member is LookupError:
                site.xiebao.member_loader(fail)
            with time_machine.travel(NOW + day * 86_400):
                response = site.render(_EVERYBODYS, device)
            headers = tuple(sorted(response.headers))
            pages.add((response.status_code, headers, response.data))
    assert len(pages) == 1
    [(status, headers, _)] = pages
    assert status == 200
    assert "private" not in dict(headers).get("Cache-Control", "")


@pytest.mark.parametrize("source", MEMBERS_LINKS)
def test_a_page_with_any_members_link_is_private(site: Site, source: str) -> None:
    site.log_in("m-alice")
    assert site.render(f"<p>{source}</p>").headers["Cache-Control"] == "private"


# Keys


def test_links_open_exactly_while_their_key_is_in_force(make_site: MakeSite) -> None:
    chance = random.Random("keys")  # noqa: S311 - the same story every time
    site = make_site()
    made: list[tuple[str, str]] = []
    key, fallbacks = SECRET, list[str]()
    seen = set()
    for step in range(40):
        match chance.randrange(4):
            case 0:
                fallbacks, key = [*fallbacks, key], f"key {step}"
            case 1:
                fallbacks, key = [], f"key {step}"
            case 2 if fallbacks:
                fallbacks.remove(chance.choice(fallbacks))
            case 3 if fallbacks:  # back to an older one
                fallbacks, key = [], chance.choice(fallbacks)
        site.app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks))
        site.log_in("alice")
        # Links without a member are made once for all pages: that must not outlive the key.
        for options in ({}, {"member": "alice"}, {"member": "alice", "no_login_for": 60}):
            made.append((key, site.link("product", return_to="/orders/8", **options)))
        made.append((key, paid_link(SECRET_KEY=key)))
        for made_with, url in made[-60:]:
            opens = made_with in (key, *fallbacks)
            seen.add((opens, "/paid/" in url))
            assert site.follow(url).status_code == (302 if opens else 404)
    assert seen == {(True, True), (True, False), (False, True), (False, False)}


def test_a_new_api_key_and_environment_leave_links_valid(make_site: MakeSite, clock: Any) -> None:
    before = make_site()
    paid = paid_link()
    before.log_in("alice")
    code = qr.read(before.follow(before.link("home"), PC).text)
    links = {page: before.link(page, member="alice") for page in PAGES}

    after = make_site(XIEBAO_API_KEY=KEY, XIEBAO_ENV="production")
    after.log_in("alice")
    for url in links.values():
        location = after.follow(url).location or ""
        assert accepted(location, KEY).member == "alice"
        assert location.startswith(Gateway.PRODUCTION)
        assert SIGN_OF_KEY in location
    assert after.follow(paid).location == "/orders/8"
    after.log_in(None)
    assert arrival(after.follow(code), KEY).member == "alice"


def test_a_new_partner_id_counts_at_the_next_start_and_ends_the_links_of_the_old_one(
    make_site: MakeSite,
) -> None:
    before, after = make_site(), make_site(XIEBAO_PARTNER_ID="777", XIEBAO_SUB_PARTNER_ID="9")
    after.log_in("alice")
    query = parse_qs(urlsplit(after.follow(after.link("product")).location or "").query)
    assert (query["partnerId"], query["subPartnerId"]) == (["777"], ["9"])
    assert after.follow(before.link("product")).status_code == 404


# Secrets


def frames_of(error: BaseException | None) -> Iterator[str]:
    """Return what an error report shows of the package: the locals of its frames, and messages."""
    while error is not None:
        yield f"{error} {error!r}"
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_globals["__name__"].startswith("flask_xiebao"):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_name}: {name} = {value!r}"
        error = error.__cause__ or error.__context__


class _TimeoutOfAWorker(BaseException):
    """As gevent's Timeout and a worker's exit are: no Exception, so that nobody stops it."""


def _loader_fails(site: Site) -> None:
    site.xiebao.member_loader(fail)
    site.follow(site.link("product"))


def _no_member(site: Site) -> None:
    site.log_in(["no member"])
    site.follow(site.link("product", return_to="/orders/8"))


def _member_cannot_be_sent(site: Site) -> None:
    site.log_in("two\nlines")
    site.follow(site.link("product", return_to="/orders/8"))


def _receiver_is_stopped(site: Site) -> None:
    def stop(_app: Flask, **_: Any) -> None:
        raise _TimeoutOfAWorker

    site.log_in("alice")
    with entry_clicked.connected_to(stop):
        site.follow(site.link("product"))


def _template_fails(site: Site) -> None:
    site.app.jinja_loader = DictLoader({"xiebao/handoff.html": "{{ 1 // 0 }}"})
    site.log_in("alice")
    site.follow(site.link("home"), PC)


def _notice_fails(site: Site) -> None:
    site.app.jinja_loader = DictLoader({"xiebao/notice.html": "{{ 1 // 0 }}"})
    site.follow("/xiebao/home/nonsense")


def _wrong_argument(site: Site) -> None:
    site.render("{{ insurance_entry('') }}")


def _wrong_gateway_argument(site: Site) -> None:
    with site.app.app_context():
        site.xiebao.gateway.product_url("QX1", partner_uniq_key="alice", platform=cast(Any, "tv"))


def _secret_is_taken_away(site: Site) -> None:
    site.link("product")
    with site.app.test_request_context():
        site.app.config["SECRET_KEY"] = ""
        site.xiebao.product_link(CODE)


def _fallbacks_are_wrong(site: Site) -> None:
    site.link("product")
    with site.app.test_request_context():
        site.app.config["SECRET_KEY_FALLBACKS"] = [f"{SECRET} of last year", ""]
        site.xiebao.product_link(CODE)


def _secret_cannot_be_encoded(site: Site) -> None:
    with site.app.test_request_context():
        site.app.config["SECRET_KEY"] = f"{SECRET}\udcff"  # a byte in the environment
        site.xiebao.product_link(CODE)


REPORTS = [
    _loader_fails,
    _no_member,
    _member_cannot_be_sent,
    _receiver_is_stopped,
    _template_fails,
    _notice_fails,
    _wrong_argument,
    _wrong_gateway_argument,
    _secret_is_taken_away,
    _fallbacks_are_wrong,
    _secret_cannot_be_encoded,
]


@pytest.mark.parametrize("cause", REPORTS, ids=lambda cause: cause.__name__.strip("_"))
def test_no_error_report_shows_the_key_the_sign_or_the_secret(
    make_site: MakeSite, cause: Callable[[Site], None]
) -> None:
    site = make_site(XIEBAO_API_KEY=KEY)
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - any report is looked at
        cause(site)
    frames = list(frames_of(raised.value))
    assert len(frames) > 3
    for shown in frames:
        assert KEY not in shown
        assert SIGN_OF_KEY not in shown
        assert SECRET not in shown

    report = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    # Jinja's own frames hold Flask's ``config``, and with it whatever the site configured.
    lines = [line for line in "".join(report.format()).splitlines() if "<Config {" not in line]
    assert len(lines) > 10
    assert KEY not in "\n".join(lines)
    assert SIGN_OF_KEY not in "\n".join(lines)


def test_the_report_above_would_show_a_secret_that_is_a_local_variable(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Xiebao, "__repr__", lambda _: SECRET)
    with pytest.raises(LinkError) as raised, make_site().app.test_request_context() as context:
        context.app.extensions["xiebao"].product_link("")
    assert any(SECRET in shown for shown in frames_of(raised.value))


@pytest.mark.parametrize("cause", [_loader_fails, _no_member, _member_cannot_be_sent])
def test_the_debuggers_page_shows_neither_key_nor_sign_nor_secret(
    make_site: MakeSite, cause: Callable[[Site], None]
) -> None:
    site = make_site(XIEBAO_API_KEY=KEY, DEBUG=True)
    url = site.link("product", return_to="/orders/8")
    with pytest.raises((KeyError, XiebaoError)):  # the site is as it has to be
        cause(site)
    page = raw(DebuggedApplication(site.app, evalex=True), url)
    text = page.get_data(as_text=True)
    assert page.status_code == 500
    assert "Werkzeug Debugger" in text
    assert "flask_xiebao/views/click.py" in text
    for secret in (KEY, SIGN_OF_KEY, SECRET):
        assert secret not in text


def objects_of_the_package() -> dict[int, Any]:
    """Return every instance of a class of the package, by its id."""
    gc.collect()  # the redirect itself has the sign, and is gone once it is sent
    return {
        id(thing): thing
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("flask_xiebao")
    }


def fields_of(value: Any) -> dict[str, Any]:
    is_dataclass = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return dataclasses.asdict(value) if is_dataclass else {}


FORMS: dict[str, Callable[[Any], str]] = {
    "str": str,
    "repr": repr,
    "format": "{}".format,
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031 - as logging does it
    "pprint": pprint.pformat,
    "json": lambda value: json.dumps({"value": value}, default=str),
    "in a list": lambda value: repr([value, {"key": value}, (value,)]),
    "vars": lambda value: repr(vars(value)) if hasattr(value, "__dict__") else "",
    "vars as json": lambda value: (
        json.dumps(vars(value), default=repr, skipkeys=True) if hasattr(value, "__dict__") else ""
    ),
    "fields": lambda value: repr(fields_of(value)),
    "fields as json": lambda value: json.dumps(fields_of(value), default=str, skipkeys=True),
    "slots": lambda value: repr(
        [
            getattr(value, name, None)
            for name in getattr(type(value), "__slots__", ())
            if name != "_hidden"
        ]
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_no_object_of_the_package_prints_the_key_or_the_sign(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, form: str
) -> None:
    caplog.set_level(logging.DEBUG)
    before = objects_of_the_package()
    site = make_site(XIEBAO_API_KEY=KEY)
    assert site.follow(site.link("product", member="alice", no_login_for=60)).status_code == 302
    found = [thing for key, thing in objects_of_the_package().items() if key not in before]
    assert {Xiebao, Gateway, Entry} <= set(map(type, found))
    for value in (*found, site.app.blueprints["xiebao"], site.app.extensions):
        caplog.clear()
        logging.getLogger("shop").info("%s %r", value, value)
        for text in (FORMS[form](value), caplog.text):
            assert KEY not in text, type(value)
            assert SIGN_OF_KEY not in text, type(value)
            assert SECRET not in text, type(value)


def test_what_asks_for_the_key_or_the_sign_gets_it(make_site: MakeSite) -> None:
    """Above they could be missing because they are nowhere."""
    site = make_site(XIEBAO_API_KEY=KEY)
    assert site.app.config["XIEBAO_API_KEY"] == KEY
    with site.app.app_context():
        assert site.xiebao.gateway.sign == Gateway("12345", KEY).sign == SIGN_OF_KEY


# Failing soft


@pytest.fixture
def later(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], None]:
    """Return a function that lets so many seconds go by, on every clock of Python's."""
    monotonic = 5000.0

    def wait(seconds: float) -> None:
        nonlocal monotonic
        monotonic += seconds
        clock.shift(seconds)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    return wait


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("{{ insurance_entry(code) }}", {"code": ""}, "caseCode is empty: give it a value"),
    ("{{ insurance_entry(code) }}", {"code": None}, "caseCode is None, such as a NULL"),
    ("{{ insurance_entry(code) }}", {}, "is undefined in this template"),
    ("{{ insurance_entry(code) }}", {"code": "Q\0X"}, "cannot be printed"),
    ("{{ insurance_entry('QX1', return_to=to) }}", {"to": "//evil.example"}, "stay on this site"),
    ("{{ insurance_entry('QX1', return_to=to) }}", {"to": "orders/8"}, "that begins with /"),
    ("{{ insurance_qr('QX1', return_to='/' + 'x' * 2000) }}", {}, "Shorten return_to"),
    ("{{ insurance_home_entry(platform='pc') }}", {}, "does not serve PC at present"),
    ("{{ xiebao_link('tv') }}", {}, "use one of product, home, policy"),
]


@pytest.mark.parametrize(("source", "context", "words"), MISTAKES)
def test_a_mistake_leaves_the_page_standing_and_is_logged_once_a_minute(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    later: Callable[[float], None],
    source: str,
    context: dict[str, Any],
    words: str,
) -> None:
    site = make_site(**LIVE)
    good = f"{{{{ insurance_entry('{CODE}') }}}}"

    def complaints() -> int:
        caplog.clear()
        for _ in range(3):
            response = site.render(f"<p>{source}</p>{good}", **context)
            assert response.status_code == 200
            assert one(response, "p").decode_contents() == ""
            assert len(soup(response).select("a.xiebao-entry")) == 1
        for record in caplog.records:
            assert record.levelno == logging.ERROR
            assert words in record.getMessage()
        return len(caplog.records)

    assert complaints() == 1
    later(59)
    assert complaints() == 0
    later(1)
    assert complaints() == 1


def test_different_mistakes_are_each_logged(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**LIVE)
    for source, context, _ in MISTAKES:
        site.render(source, **context)
    assert len(caplog.records) == len(MISTAKES)


def test_many_receivers_that_fail_are_each_logged(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**LIVE)
    site.log_in("alice")
    url = site.link("product")

    def failing(name: str) -> Callable[..., None]:
        def fail(_app: Flask, **_: Any) -> None:
            raise ConnectionError("statistics are down")

        fail.__qualname__ = name
        return fail

    with ExitStack() as connected:
        for number in range(12):
            connected.enter_context(entry_clicked.connected_to(failing(f"count_{number}")))
        site.follow(url)
    assert len(caplog.records) == 12
    assert "left out for a minute" not in caplog.text


def test_a_failing_receiver_stops_nobody_and_is_logged_once_a_minute(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, later: Callable[[float], None]
) -> None:
    site = make_site(**LIVE)
    site.log_in("alice")
    url = site.link("product")

    def fail(_app: Flask, **_: Any) -> None:
        raise ConnectionError("statistics are down")

    logged = []
    with entry_clicked.connected_to(fail):
        for wait in (0, 30, 29, 1, 59):
            later(wait)
            caplog.clear()
            assert arrival(site.follow(url)).member == "alice"
            logged.append(len(caplog.records))
    assert logged == [1, 0, 0, 1, 0]


@pytest.fixture
def refusals() -> Iterator[list[tuple[int, str]]]:
    heard: list[tuple[int, str]] = []

    def hear(_app: Flask, status: int, reason: str, **_: Any) -> None:
        heard.append((status, reason))

    with entry_refused.connected_to(hear):
        yield heard


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_refusal_is_told_once_and_nothing_else_is(
    make_site: MakeSite, refusals: list[tuple[int, str]], method: str, accept: str
) -> None:
    site = make_site()
    paid = paid_link()
    theirs = {page: site.link(page, member="alice") for page in PAGES}
    with time_machine.travel(NOW - 10**8):
        old = {page: site.link(page, member="alice", no_login_for=1) for page in PAGES}
    token = theirs["home"].rpartition("/")[2]
    memberless = signed(["policy", NUMBER])
    off = make_site(XIEBAO_ENABLED=False)
    with_login = make_site(loader=False)
    LoginManager(with_login.app).user_loader(lambda _: None)

    expected: list[tuple[Any, Any, str, int, str | None]] = [
        *((site, "alice", url, 302, None) for url in (*theirs.values(), paid)),
        *((site, "bob", url, 403, "another_member") for url in theirs.values()),
        *((site, None, url, 401, "login_required") for url in theirs.values()),
        *((site, None, url, 410, "expired") for url in old.values()),
        *((site, "alice", f"/xiebao/{page}/x", 404, "invalid_link") for page in (*PAGES, "paid")),
        (site, "alice", f"/xiebao/product/{token}", 404, "invalid_link"),
        (site, "alice", f"/xiebao/paid/{token}", 404, "invalid_link"),
        (site, "alice", f"/xiebao/policy/{memberless}", 404, "invalid_link"),
        *((off, "alice", url, 404, "disabled") for url in theirs.values()),
        *((with_login, None, url, 401, "login_required") for url in theirs.values()),
        (site, None, "/xiebao/product/", 404, None),  # no link at all: the site's own 404
        (site, None, "/xiebao/product/a/b", 404, None),
    ]
    for where, member, url, status, reason in expected:
        where.log_in(member)
        refusals.clear()
        headers = {**PHONE, "Accept": accept}
        response = where.app.test_client().open(url, method=method, headers=headers)
        assert response.status_code == status
        assert refusals == ([] if reason is None else [(status, reason)]), url


def test_other_methods_and_prefetches_are_told_to_nobody(
    site: Site, refusals: list[tuple[int, str]]
) -> None:
    site.log_in("bob")
    url = site.link("home", member="alice")
    client = site.app.test_client()
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
        assert client.open(url, method=method).status_code == 405
        override = {"X-HTTP-Method-Override": "GET"}
        assert client.open(url, method=method, headers=override).status_code == 405
    assert client.get(url, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert refusals == []


def test_the_login_of_the_site_gets_a_path_and_no_more(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")

    @site.app.get("/login")
    def login() -> Any:
        return redirect(request.args["next"])

    for page in PAGES:
        url = site.link(page, member="alice")
        for forged in FORGED.values():
            first = raw(site.app, url, **forged)
            if first.status_code >= 400 or "HTTP_USER_AGENT" in forged:
                continue
            path, _, query = first.headers["Location"].partition("?")
            assert path == "/login"
            [back] = parse_qs(query)["next"]
            assert back.partition("?")[0] == url
            assert back.partition("?")[2] in ("", "platform=h5")
            assert set(parse_qs(query)) == {"next"}


def test_a_secret_that_is_wrong_is_a_config_error_without_the_secret(make_site: MakeSite) -> None:
    site = make_site()
    with site.app.test_request_context():
        site.app.config["SECRET_KEY_FALLBACKS"] = [SECRET, 5]
        with pytest.raises(ConfigError) as raised:
            site.xiebao.product_link(CODE)
    assert SECRET not in str(raised.value)


# Requests that cost, and logs that fill


def test_a_host_too_long_to_be_one_is_no_code_to_draw(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**LIVE)
    site.log_in("alice")
    handoff, poster = site.link("home"), "<p>{{ insurance_qr('QX1') }}</p>"
    monkeypatch.setattr("segno.make_qr", None)
    for number in range(3):
        host = f"{number}.{'x.' * 950}example"
        response = raw(site.app, handoff, HTTP_USER_AGENT=PC["User-Agent"], HTTP_HOST=host)
        assert response.status_code == 400
        assert "Host" in response.get_data(as_text=True)
        assert site.render(poster, {**PC, "Host": host}).status_code == 400
    assert caplog.records == []


def test_what_visitors_send_does_not_fill_the_log(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**LIVE)

    @site.app.get("/offer")
    def offer() -> str:
        return render_template_string(
            MACROS + "{{ insurance_entry('QX1', platform=request.args.platform) }}"
        )

    for number in range(500):
        assert site.app.test_client().get(f"/offer?platform={number}").status_code == 200
    assert 1 <= len(caplog.records) <= 10
    site.app.test_client().get(f"/offer?platform={'x' * 100_000}")
    site.render("{{ insurance_entry('') }}")
    assert "of page was left out: caseCode is empty" in caplog.records[-1].getMessage()
    assert all(len(record.getMessage()) < 2000 for record in caplog.records)


def test_a_host_that_is_none_does_not_matter_where_another_is_known(make_site: MakeSite) -> None:
    for config in ({"XIEBAO_PUBLIC_URL": "https://shop.example"}, {"SERVER_NAME": "shop.example"}):
        site = make_site(**LIVE, **config)
        with site.app.test_request_context(base_url="https://shop.example"):
            request.environ["HTTP_HOST"] = "a b"
            assert "//shop.example/" in site.xiebao.product_link(CODE, external=True)


def test_a_simulator_with_a_key_of_nobodys_refuses_and_tells_nothing() -> None:
    url = Gateway("12345", KEY).home_url(partner_uniq_key="1")
    verdict = GatewaySimulator("12345", f"{KEY}\n").check(url)
    assert not verdict.accepted
    assert KEY not in repr(verdict)


class Odd:
    """A value whose comparison and representation fail, as some proxies' do."""

    def __eq__(self, other: object) -> bool:
        raise LookupError("nothing is bound")

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        raise LookupError("nothing is bound")


ODD_SETTINGS = {
    "odd": Odd(),
    "a signalling NaN": Decimal("sNaN"),
    "a proxy that fails": LocalProxy(lambda: 1 / 0),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", ODD_SETTINGS)
def test_a_setting_that_fails_when_it_is_looked_at_is_named(
    make_site: MakeSite, name: str, kind: str
) -> None:
    with pytest.raises(ConfigError, match=name) as raised:
        make_site(**{"XIEBAO_API_KEY": KEY, name: ODD_SETTINGS[kind]})
    assert all(KEY not in shown for shown in frames_of(raised.value))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", KEY), "partner_id is empty"),
        (("1\udc80", KEY), r"partner_id has U\+DC80"),
        (("12345", ""), "api_key must be text, and not empty"),
    ],
)
def test_a_simulator_refuses_wrong_arguments_and_reports_no_key(
    arguments: tuple[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        GatewaySimulator(*arguments)
    assert all(KEY not in shown for shown in frames_of(raised.value))


@pytest.mark.parametrize(
    "wrong",
    [
        {"XIEBAO_HANDOFF_MAX_AGE": "9" * 5000},
        {"XIEBAO_HANDOFF_MAX_AGE": 10**5000},
        {"XIEBAO_ENV": 10**5000},
        {"XIEBAO_STRICT": 10**5000},
        {"XIEBAO_APP_USER_AGENT": "(" * 3000 + ")" * 3000},
        {"XIEBAO_APP_USER_AGENT": "[[a]"},
        {"XIEBAO_APP_USER_AGENT": r"(\w+)+/ShopApp"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_setting_escapes_as_an_error_of_somebody_elses(
    make_site: MakeSite, wrong: dict[str, Any]
) -> None:
    [name] = wrong
    started = time.monotonic()
    with pytest.raises(ConfigError, match=name) as raised:
        make_site(XIEBAO_API_KEY=KEY, **wrong)
    assert time.monotonic() - started < 5
    assert all(KEY not in shown for shown in frames_of(raised.value))
    assert len(str(raised.value)) < 1000
