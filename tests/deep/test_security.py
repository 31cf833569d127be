"""Security tests: forged tokens, return paths, handoffs and hosts, most with random values.

The tables of forged tokens and links are in ``tests/unit/test_tokens.py`` and ``tests/click/``.
``make fuzz`` tries 100,000 tokens.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import string
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from itsdangerous import Signer

from flask_xiebao import Entry, Gateway, LinkError, Platform
from flask_xiebao.links.tokens import RedirectedClick, TokenSigner
from flask_xiebao.testing import GatewaySimulator
from tests import qr
from tests.click.support import get_return_link_path, send_raw_request
from tests.support import (
    API_KEY,
    DEPLOYED,
    LINK_ARGUMENTS,
    NOW,
    PC,
    PRODUCT_CODE,
    SECRET_KEY,
    MakeSite,
    Site,
)
from tests.tokens import sign_token
from tests.tools import fuzz

SIGNER = TokenSigner([SECRET_KEY], "12345")
#: One row per type of token: the class of the token's content, the purpose in the salt of the
#: signature, the function that builds the token, and the function that parses the token.
CODECS: dict[type, tuple[str, Callable[[Any], str], Callable[[str], object]]] = {
    Entry: ("entry", SIGNER.build_entry_token, SIGNER.parse_entry_token),
    RedirectedClick: ("click", SIGNER.build_return_token, SIGNER.parse_return_token),
}

THOROUGH = settings(
    deadline=None,
    max_examples=100,
    derandomize="CI" in os.environ,
    # Hypothesis reports that all examples of a test use the same site. This is safe, because each
    # example logs in the member that it needs.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


# Forged tokens

_PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
_TEXTS = st.text(_PRINTABLE, min_size=1, max_size=40).filter(str.strip)
_MEMBERS = _TEXTS.map(str.strip)  # Member ids have no leading or trailing whitespace.
_PATHS = st.builds("/{}".format, st.text(_PRINTABLE, max_size=40)).filter(
    lambda path: not path.startswith("//") and "\\" not in path
)


@st.composite
def _build_entry_strategy(draw: st.DrawFn) -> Entry:
    page = draw(st.sampled_from([*LINK_ARGUMENTS]))
    member = draw(st.none() | _MEMBERS)
    platforms = [platform for platform in Platform if page == "product" or platform != Platform.PC]
    return Entry(
        page=page,
        reference=None if page == "home" else draw(_TEXTS),
        member=member,
        no_login_for=None if member is None else draw(st.none() | st.integers(1, 10**9)),
        sub_partner_id=None if page == "policy" else draw(st.none() | st.just("") | _TEXTS),
        platform=draw(st.none() | st.sampled_from(platforms)),
        return_to=draw(st.none() | _PATHS),
        client_reference=draw(st.none() | _TEXTS),
    )


_ENTRIES = _build_entry_strategy()
_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["change", "insert", "delete", "swap", "repeat", "cut"]),
        st.floats(0, 1, exclude_max=True),
        st.characters() | st.sampled_from("ABab01-_.=+/%"),
    ),
    min_size=1,
    max_size=4,
)


def edit_token(token: str, edits: list[tuple[str, float, str]]) -> str:
    """Apply edits to a token, and return the changed token.

    :param edits: one tuple per edit: the kind, the position as a share of the token's length, and a
        character.
    """
    for kind, position, character in edits:
        index = int(position * len(token))
        before, edited, after = token[:index], token[index : index + 1], token[index + 1 :]
        token = {
            "change": before + character + after,
            "insert": before + character + edited + after,
            "delete": before + after,
            "swap": after + edited + before,
            "repeat": before + edited + edited + after,
            "cut": before,
        }[kind]
    return token


@THOROUGH
@given(
    value=_ENTRIES | st.builds(RedirectedClick, _ENTRIES, _MEMBERS, _TEXTS, st.integers(0, 2**40)),
    edits=_EDITS,
)
def test_token_is_parsed_and_edited_token_raises_link_error(
    value: Entry | RedirectedClick, edits: list[tuple[str, float, str]]
) -> None:
    _, build, parse = CODECS[type(value)]
    token = build(value)
    assert set(token) <= {*string.ascii_letters, *string.digits, *"-_."}
    assert parse(token) == value
    # Compare the repr(), too, because a plain integer would be equal to a Platform.
    assert repr(getattr(parse(token), "platform", "")) == repr(getattr(value, "platform", ""))

    edited = edit_token(token, edits)
    # The last Base64 character has unused bits, so a signature can be written in several ways.
    if fuzz.is_another_spelling(edited, token):
        assert parse(edited) == value
    else:
        with pytest.raises(LinkError):
            parse(edited)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@THOROUGH
@given(
    fields=st.lists(
        st.sampled_from([*LINK_ARGUMENTS, "paid", PRODUCT_CODE, 1, 2, "/", "alice"]) | _JSON,
        max_size=12,
    )
)
def test_signed_token_with_random_fields_is_parsed_or_raises_link_error(fields: list[Any]) -> None:
    for type_, (purpose, _, parse) in CODECS.items():
        token = sign_token(fields, f"flask-xiebao.{purpose}.12345")
        with contextlib.suppress(LinkError):
            assert isinstance(parse(token), type_)


_verify_signature = Signer.verify_signature


def raise_if_forged(*arguments: Any) -> bool:
    """Verify a signature, and raise an exception instead of returning False."""
    if not _verify_signature(*arguments):
        raise ZeroDivisionError
    return True


@pytest.mark.parametrize(
    ("verify_signature", "violation", "count"),
    [(lambda *_: True, "was accepted", 300), (raise_if_forged, "returned 500", 50)],
    ids=["all signatures accepted", "exception for forged signatures"],
)
def test_fuzzer_reports_wrong_verification_of_signatures(
    monkeypatch: pytest.MonkeyPatch,
    verify_signature: Callable[..., bool],
    violation: str,
    count: int,
) -> None:
    monkeypatch.setattr(Signer, "verify_signature", verify_signature)
    assert any(violation in text for text in fuzz.send_random_tokens(count, seed=8).violations)


# Return paths


@THOROUGH
@given(path=_PATHS)
def test_return_link_redirects_to_printable_path_on_site(site: Site, path: str) -> None:
    location = send_raw_request(site.app, get_return_link_path(path)).headers["Location"]
    # A browser would go to another site if a second slash or a backslash followed the first slash.
    assert re.fullmatch(r"/(?![/\\])[ -~]*", location)
    assert (
        urlsplit(urljoin("https://shop.example/xiebao/paid/x", location)).netloc == "shop.example"
    )


# Handoffs


@pytest.mark.parametrize("first", ["link without login", "QR code on handoff page"])
@settings(THOROUGH, max_examples=20)
@given(
    page=st.sampled_from(["home", "policy"]),
    lifetime=st.integers(1, 1000),
    delays=st.lists(st.integers(0, 400), min_size=1, max_size=5),
    direct=st.booleans(),
)
def test_chain_of_handoffs_expires_with_first_link(
    site: Site, first: str, page: str, lifetime: int, delays: list[int], direct: bool
) -> None:
    with time_machine.travel(NOW, tick=False) as traveler:
        if first == "link without login":
            url = site.link(page, member="alice", no_login_for=lifetime)
        else:
            lifetime = 300
            site.log_in("alice")
            url = qr.read(site.follow(site.link(page), PC).text)
        site.log_in(None)
        expires_at = NOW + lifetime
        for delay in delays:
            traveler.shift(delay)
            handoff = site.follow(url, PC)
            click = site.follow(f"{url}?platform=h5", PC) if direct else site.follow(url)
            if time.time() >= expires_at:
                assert (handoff.status_code, click.status_code) == (410, 410)
                return
            assert (handoff.status_code, click.status_code) == (200, 302)
            url, expires_at = qr.read(handoff.text), min(expires_at, int(time.time()) + 300)
        traveler.move_to(NOW + lifetime)
        assert site.follow(url, PC).status_code == 410
        assert site.follow(url).status_code == 410


@pytest.mark.parametrize("page", ["home", "policy"])
def test_slow_server_does_not_extend_chain_of_handoffs(
    site: Site, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    # Each call of time() advances the clock by 0.4 seconds.
    monkeypatch.setattr(time, "time", itertools.count(float(NOW), 0.4).__next__)
    url = site.link(page, member="alice", no_login_for=60)
    requested_at = time.time()
    handoff = site.follow(url, PC)
    while handoff.status_code == 200:
        assert requested_at < NOW + 62, "The first link was signed within a second of NOW."
        url, requested_at = qr.read(handoff.text), time.time()
        handoff = site.follow(url, PC)
    assert handoff.status_code == 410


# Invalid host names


def test_too_long_host_returns_400_and_logs_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("alice")
    link = site.link("home")
    # Remove segno.make_qr(), so that each attempt to draw a QR code raises an exception.
    monkeypatch.setattr("segno.make_qr", None)
    for number in range(3):
        host = f"{number}.{'x.' * 950}example"
        handoff = send_raw_request(site.app, link, HTTP_USER_AGENT=PC["User-Agent"], HTTP_HOST=host)
        assert handoff.status_code == 400
        assert "Host" in handoff.get_data(as_text=True)
        page = site.render("<p>{{ insurance_qr('QX1') }}</p>", {**PC, "Host": host})
        assert page.status_code == 400
    assert caplog.records == []


# Verdicts of the gateway simulator


def test_simulator_with_wrong_key_rejects_url_without_showing_key() -> None:
    simulator = GatewaySimulator("12345", f"{API_KEY}\n")
    verdict = simulator.check(Gateway("12345", API_KEY).home_url(partner_uniq_key="1"))
    assert not verdict.accepted
    assert API_KEY not in repr(verdict)
