"""Any entry, any edit of a token, and chains of handoffs: what an outsider may try at length.

The quick half is in ``tests/click/test_which_links_open.py``, ``test_forged_requests.py`` and
``test_leaks.py``; 100,000 tokens are ``make fuzz``.
"""

from __future__ import annotations

import os
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

THOROUGH = settings(
    deadline=None,
    max_examples=100,
    derandomize="CI" in os.environ,
    # A site is made once for all examples of a test; each example says who is logged in.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

_PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")
_TEXTS = st.text(_PRINTABLE, min_size=1, max_size=40).filter(str.strip)
_MEMBERS = _TEXTS.map(str.strip)  # an id has no white space at its ends
_PATHS = st.builds("/{}".format, st.text(_PRINTABLE, max_size=40)).filter(
    lambda path: not path.startswith("//") and "\\" not in path
)


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    page = draw(st.sampled_from([*LINK_ARGUMENTS]))
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
        client_reference=draw(st.none() | _TEXTS),
    )


_ENTRIES = _entries()
_CLICKS = st.builds(RedirectedClick, _ENTRIES, _MEMBERS, _TEXTS, st.integers(0, 2**40))
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


# Tokens


@THOROUGH
@given(made=_ENTRIES | _CLICKS, edits=_EDITS)
def test_a_token_opens_as_it_was_and_a_changed_one_only_if_it_spells_the_same_signature(
    made: Entry | RedirectedClick, edits: list[tuple[str, float, str]]
) -> None:
    load: Callable[[str], Entry | RedirectedClick] = SIGNER.parse_entry_token
    if isinstance(made, RedirectedClick):
        token, load = SIGNER.build_return_token(made), SIGNER.parse_return_token
    else:
        token = SIGNER.build_entry_token(made)
    assert set(token) <= {*string.ascii_letters, *string.digits, *"-_."}
    loaded = load(token)
    assert loaded == made
    if isinstance(made, Entry) and isinstance(loaded, Entry):
        assert type(loaded.platform) is type(made.platform)
    changed = edited(token, edits)
    if fuzz.is_another_spelling(changed, token):
        assert load(changed) == made
    else:
        with pytest.raises(LinkError):
            load(changed)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_FIELDS = st.lists(
    st.sampled_from([*LINK_ARGUMENTS, "paid", PRODUCT_CODE, 1, 2, "/", "alice"]) | _JSON,
    max_size=12,
)


@THOROUGH
@given(fields=_FIELDS)
def test_whatever_was_signed_is_an_entry_or_a_link_error(fields: list[Any]) -> None:
    for load, purpose in (
        (SIGNER.parse_entry_token, "entry"),
        (SIGNER.parse_return_token, "click"),
    ):
        try:
            loaded = load(sign_token(fields, f"flask-xiebao.{purpose}.12345"))
        except LinkError:
            continue
        assert isinstance(loaded, Entry | RedirectedClick)


def test_the_fuzzer_notices_a_signature_that_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Signer, "verify_signature", lambda *_: True)
    assert any("was accepted" in violation for violation in fuzz.run(300, seed=8).violations)


def test_the_fuzzer_notices_an_error_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    verify = Signer.verify_signature

    def verify_or_fail(*arguments: Any) -> bool:
        if verify(*arguments):
            return True
        raise ZeroDivisionError

    monkeypatch.setattr(Signer, "verify_signature", verify_or_fail)
    assert any("returned 500" in violation for violation in fuzz.run(50, seed=8).violations)


# Return paths


@THOROUGH
@given(path=_PATHS)
def test_a_payment_comes_back_to_this_site_whatever_its_path_is_called(
    site: Site, path: str
) -> None:
    location = send_raw_request(site.app, get_return_link_path(path)).headers["Location"]
    assert location.isascii()
    assert location.isprintable()
    assert location.startswith("/")
    assert location[1:2] not in ("/", "\\")
    there = urljoin("https://shop.example/xiebao/paid/x", location)
    assert urlsplit(there).netloc == "shop.example"


# Handoffs


@pytest.mark.parametrize("first", ["a bearer link", "the code that a member was shown"])
@settings(THOROUGH, max_examples=20)
@given(
    page=st.sampled_from(["home", "policy"]),
    lives=st.integers(1, 1000),
    waits=st.lists(st.integers(0, 400), min_size=1, max_size=5),
    direct=st.booleans(),
)
def test_no_chain_of_handoffs_outlives_its_beginning(
    site: Site, first: str, page: str, lives: int, waits: list[int], direct: bool
) -> None:
    with time_machine.travel(NOW, tick=False) as traveler:
        if first == "a bearer link":
            url = site.link(page, member="alice", no_login_for=lives)
        else:
            lives = 300
            site.log_in("alice")
            url = qr.read(site.follow(site.link(page), PC).text)
        site.log_in(None)
        ends = NOW + lives
        for wait in waits:
            traveler.shift(wait)
            shown = site.follow(url, PC)
            on_phone = site.follow(f"{url}?platform=h5", PC) if direct else site.follow(url)
            if time.time() >= ends:
                assert (shown.status_code, on_phone.status_code) == (410, 410)
                return
            assert (shown.status_code, on_phone.status_code) == (200, 302)
            url, ends = qr.read(shown.text), min(ends, int(time.time()) + 300)
        traveler.move_to(NOW + lives)
        assert site.follow(url, PC).status_code == 410
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
    asked_at = now
    shown = site.follow(url, PC)
    while shown.status_code == 200:
        assert asked_at < NOW + 62, "it was signed within a second of NOW"
        url, asked_at = qr.read(shown.text), now
        shown = site.follow(url, PC)
    assert shown.status_code == 410


# Requests


def test_a_host_too_long_to_be_one_is_no_code_to_draw_and_says_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("alice")
    handoff, poster = site.link("home"), "<p>{{ insurance_qr('QX1') }}</p>"
    monkeypatch.setattr("segno.make_qr", None)
    for number in range(3):
        host = f"{number}.{'x.' * 950}example"
        response = send_raw_request(
            site.app, handoff, HTTP_USER_AGENT=PC["User-Agent"], HTTP_HOST=host
        )
        assert response.status_code == 400
        assert "Host" in response.get_data(as_text=True)
        assert site.render(poster, {**PC, "Host": host}).status_code == 400
    assert caplog.records == []


def test_a_simulator_with_a_key_of_nobodys_refuses_and_tells_nothing() -> None:
    url = Gateway("12345", API_KEY).home_url(partner_uniq_key="1")
    verdict = GatewaySimulator("12345", f"{API_KEY}\n").check(url)
    assert not verdict.accepted
    assert API_KEY not in repr(verdict)
