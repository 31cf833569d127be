"""Which links open: those that this site signed, on their page, while their key is in force.

Thousands of forged ones are tried in ``tests/deep/test_security.py`` and by ``make fuzz``.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

from flask_xiebao import Gateway
from tests import qr
from tests.click.forged import paid_path
from tests.support import (
    API_KEY,
    INSURE_NUM,
    LINK_ARGUMENTS,
    NOW,
    PC,
    PRODUCT_CODE,
    SECRET_KEY,
    MakeSite,
    Site,
    assert_gateway_accepts,
    get_return_link,
)
from tests.tokens import CLICK_SALT, ENTRY_SALT, encode_payload, sign_token
from tests.tools import fuzz

# Whose they are


#: What a link of each page says, with the salt of its purpose.
PAYLOADS: dict[str, tuple[list[Any], str]] = {
    "product": (["product", PRODUCT_CODE], ENTRY_SALT),
    "home": (["home"], ENTRY_SALT),
    "policy": (["policy", INSURE_NUM, None, None, None, "alice", NOW, 60], ENTRY_SALT),
    "paid": (["alice", "click", NOW, "product", PRODUCT_CODE], CLICK_SALT),
}


def forgeries(app: Flask, fields: list[Any], salt: str) -> dict[str, str]:
    """Return the token as others may make it, by what is not the site's in it."""
    swapped = salt.replace("entry", "paid").replace("click", "entry").replace("paid", "click")
    as_ours = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    cookies = SecureCookieSessionInterface().get_signing_serializer(app)
    assert cookies is not None
    return {
        "another secret": sign_token(fields, salt, key="another secret"),
        "a prefix of the secret": sign_token(fields, salt, key=SECRET_KEY[:-1]),
        "another salt": sign_token(fields, "itsdangerous.Signer"),
        "the salt of another purpose": sign_token(fields, swapped),
        "another shop that shares the secret": sign_token(fields, salt.replace("12345", "54321")),
        "no salt": sign_token(fields, ""),
        "another digest": sign_token(fields, salt, digest=hashlib.sha1),
        "another derivation": sign_token(fields, salt, derivation="django-concat"),
        "a serializer": URLSafeSerializer(SECRET_KEY).dumps(fields),
        "a serializer with our salt": URLSafeSerializer(SECRET_KEY, salt).dumps(fields),
        "a timed serializer": URLSafeTimedSerializer(SECRET_KEY).dumps(fields),
        "a timed serializer with our salt": URLSafeTimedSerializer(
            SECRET_KEY, salt, signer_kwargs=as_ours
        ).dumps(fields),
        "a timestamp signer": TimestampSigner(SECRET_KEY, salt)
        .sign(encode_payload(fields))
        .decode(),
        "a session cookie": cookies.dumps(fields),
        "a session cookie of a dict": cookies.dumps({"member": "alice", "entry": fields}),
    }


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("page", PAYLOADS)
def test_what_the_site_signed_opens_and_what_others_signed_is_not_found(
    site: Site, page: str
) -> None:
    site.log_in("alice")
    fields, salt = PAYLOADS[page]
    assert site.follow(f"/xiebao/{page}/{sign_token(fields, salt)}").status_code == 302
    for kind, token in forgeries(site.app, fields, salt).items():
        assert site.follow(f"/xiebao/{page}/{token}").status_code == 404, kind


def test_three_hundred_forged_tokens_open_nothing_and_break_nothing() -> None:
    outcome = fuzz.run(300, seed=8)
    assert outcome.violations == []
    assert (outcome.tried, outcome.refused > 200, outcome.genuine > 1) == (300, True, True)


# For how long


#: The key of each day, and the older ones that still count; the fifth goes back to an older one.
KEYS = [("a",), ("b", "a"), ("c", "b", "a"), ("c", "b"), ("b",), ("d", "c")]


def test_links_open_exactly_while_their_key_is_in_force(site: Site) -> None:
    site.log_in("alice")
    made: list[tuple[str, str]] = []
    seen = set()
    for key, *fallbacks in KEYS:
        site.app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=fallbacks)
        # Links without a member are made once for all pages: that must not outlive the key.
        for options in ({}, {"member": "alice"}, {"member": "alice", "no_login_for": 60}):
            url = site.link("product", return_to="/orders/8", **options)
            made += [(key, url), (key, get_return_link(site.follow(url)))]
        for made_with, url in made:
            opens = made_with in (key, *fallbacks)
            seen.add((opens, "/paid/" in url))
            assert site.follow(url).status_code == (302 if opens else 404)
    assert seen == {(True, True), (True, False), (False, True), (False, False)}


def test_a_new_api_key_and_environment_leave_links_valid(site: Site, make_site: MakeSite) -> None:
    site.log_in("alice")
    code = qr.read(site.follow(site.link("home"), PC).text)

    after = make_site(XIEBAO_API_KEY=API_KEY, XIEBAO_ENV="production")
    after.log_in("alice")
    for page in LINK_ARGUMENTS:
        location = after.follow(site.link(page, member="alice")).location or ""
        assert assert_gateway_accepts(location, API_KEY).member == "alice"
        assert location.startswith(Gateway.PRODUCTION)
    assert after.follow(paid_path()).location == "/orders/8"
    after.log_in(None)
    assert assert_gateway_accepts(after.follow(code), API_KEY).member == "alice"
