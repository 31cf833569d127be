"""Tests for the signatures of links: ``SECRET_KEY``, its fallbacks and forged tokens.

To test another forged signature, add it to ``build_forged_tokens``. To test another change of the
keys, add a row to ``KEY_ROTATIONS``. Thousands of forged tokens are tested in
``tests/deep/test_security.py`` and by ``make fuzz``.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

from flask_xiebao import ConfigError, Gateway
from tests import qr
from tests.click.support import get_return_link_path
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
    find_href,
    find_leaks,
    get_return_link,
)
from tests.tokens import CLICK_SALT, ENTRY_SALT, encode_payload, sign_token
from tests.tools import fuzz

#: One row per endpoint: the name of the endpoint, the fields of a valid token, and the salt of the
#: signature.
TOKENS: list[tuple[str, list[Any], str]] = [
    ("product", ["product", PRODUCT_CODE], ENTRY_SALT),
    ("home", ["home"], ENTRY_SALT),
    ("policy", ["policy", INSURE_NUM, None, None, None, "alice", NOW, 60], ENTRY_SALT),
    ("paid", ["alice", "click", NOW, "product", PRODUCT_CODE], CLICK_SALT),
]


def build_forged_tokens(fields: list[Any], salt: str) -> dict[str, str]:
    """Return tokens with these fields and forged signatures, by the kind of forgery.

    :param salt: the salt of a valid signature.
    """
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    # Flask signs its session cookies with the same kind of serializer.
    cookies = URLSafeTimedSerializer(
        SECRET_KEY, "cookie-session", signer_kwargs={**options, "digest_method": hashlib.sha1}
    )
    return {
        "another key": sign_token(fields, salt, key="another secret"),
        "prefix of the key": sign_token(fields, salt, key=SECRET_KEY[:-1]),
        "default salt of itsdangerous": sign_token(fields, "itsdangerous.Signer"),
        "salt of another purpose": sign_token(
            fields, CLICK_SALT if salt == ENTRY_SALT else ENTRY_SALT
        ),
        "another partner account": sign_token(fields, salt.replace("12345", "54321")),
        "no salt": sign_token(fields, ""),
        "another digest": sign_token(fields, salt, digest=hashlib.sha1),
        "another key derivation": sign_token(fields, salt, derivation="django-concat"),
        "serializer": URLSafeSerializer(SECRET_KEY).dumps(fields),
        "serializer with the salt": URLSafeSerializer(SECRET_KEY, salt).dumps(fields),
        "timed serializer": URLSafeTimedSerializer(SECRET_KEY).dumps(fields),
        "timed serializer with the salt": URLSafeTimedSerializer(
            SECRET_KEY, salt, signer_kwargs=options
        ).dumps(fields),
        "timestamp signer": TimestampSigner(SECRET_KEY, salt).sign(encode_payload(fields)).decode(),
        "session cookie": cookies.dumps(fields),
        "session cookie with a dict": cookies.dumps({"member": "alice", "entry": fields}),
    }


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("endpoint", "fields", "salt"), TOKENS)
def test_forged_signatures_return_404(
    site: Site, endpoint: str, fields: list[Any], salt: str
) -> None:
    site.log_in("alice")
    assert site.follow(f"/xiebao/{endpoint}/{sign_token(fields, salt)}").status_code == 302
    for name, token in build_forged_tokens(fields, salt).items():
        assert site.follow(f"/xiebao/{endpoint}/{token}").status_code == 404, name


def test_random_forged_tokens_are_refused() -> None:
    outcome = fuzz.send_random_tokens(300, seed=8)
    assert outcome.violations == []
    assert (outcome.tried, outcome.refused > 200, outcome.genuine > 1) == (300, True, True)


# Keys in SECRET_KEY and SECRET_KEY_FALLBACKS

#: One row per deployment, in chronological order: the ``SECRET_KEY``, the
#: ``SECRET_KEY_FALLBACKS``, and the keys whose links are expected to open. In the fifth row, an
#: older key becomes the ``SECRET_KEY`` again.
KEY_ROTATIONS: list[tuple[str, Any, set[str]]] = [
    ("a", None, {"a"}),
    ("b", ["a"], {"a", "b"}),
    ("c", ("b", "a"), {"a", "b", "c"}),
    ("c", [b"b"], {"b", "c"}),
    ("b", [], {"b"}),
    ("d", ["c"], {"c", "d"}),
]


def test_links_open_only_while_their_key_is_configured(site: Site) -> None:
    site.log_in("alice")
    signed_links: list[tuple[str, str]] = []
    for key, fallbacks, valid_keys in KEY_ROTATIONS:
        site.app.config.update(SECRET_KEY=key, SECRET_KEY_FALLBACKS=fallbacks)
        # For a link without a member, the extension caches the token and the rendered entry, but
        # only while the key that signed the token is configured.
        signed_links.append((key, find_href(site.render("{{ insurance_home_entry() }}"))))
        for options in ({}, {"member": "alice"}, {"member": "alice", "no_login_for": 60}):
            link = site.link("product", return_to="/orders/8", **options)
            signed_links += [(key, link), (key, get_return_link(site.follow(link)))]

        for signing_key, link in signed_links:
            expected = 302 if signing_key in valid_keys else 404
            assert site.follow(link).status_code == expected, (signing_key, key)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        *(("SECRET_KEY", value, "SECRET_KEY") for value in (None, "", b"", 123456, 1.5)),
        *(
            ("SECRET_KEY_FALLBACKS", value, "SECRET_KEY_FALLBACKS must be a list of keys")
            for value in (
                *("old secret", b"old secret", [""], ["old", ""], [None], [5]),
                *({"old": 1}, [["a"]]),
            )
        ),
    ],
)
def test_link_raises_config_error_until_secret_key_is_valid(
    site: Site, setting: str, value: Any, message: str
) -> None:
    # Change the setting inside the request context, because Flask cannot enter the context with
    # some of these values.
    with site.app.test_request_context():
        site.app.config[setting] = value
        with pytest.raises(ConfigError, match=message) as error:
            site.xiebao.product_link(PRODUCT_CODE)
        site.app.config.update(SECRET_KEY=SECRET_KEY, SECRET_KEY_FALLBACKS=None)
        assert site.xiebao.product_link(PRODUCT_CODE)
    assert list(error.value.problems) == [setting]
    assert find_leaks(str(error.value), "old", SECRET_KEY) == []


def test_links_stay_valid_if_api_key_and_environment_change(
    site: Site, make_site: MakeSite
) -> None:
    site.log_in("alice")
    links = [
        *(site.link(page, member="alice", no_login_for=60) for page in LINK_ARGUMENTS),
        qr.read(site.follow(site.link("home"), PC).text),
    ]

    new_site = make_site(XIEBAO_API_KEY=API_KEY, XIEBAO_ENV="production")
    for link in links:
        location = new_site.follow(link).location or ""
        assert assert_gateway_accepts(location, API_KEY).member == "alice"
        assert location.startswith(Gateway.PRODUCTION)
    assert new_site.follow(get_return_link_path()).location == "/orders/8"
