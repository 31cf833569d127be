"""Tests that the simulator responds to random and very long query strings.

The tables of valid and invalid URLs are in ``tests/check/test_simulator_verdicts.py``.
"""

from __future__ import annotations

import random
from urllib.parse import urlencode

from tests.check.gateway_urls import (
    BROWSER,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    SIMULATOR,
    VALID_PARAMETERS,
    build_gateway_url,
    encode_base64,
    get_status_and_page,
)
from tests.support import SIGN

#: The pieces from which random query strings are made.
PIECES = [
    *("partnerId", "sign", "Sign", "platform", "paySuccess", "partnerUniqKey", "caseCode", SIGN),
    *("=", "=", "=", "&", "&", "+", "%z", "%ff", "%00", "%0d%0a", "%ED%A0%80", "%F0%9F%98%80"),
    *(";", "?", "/", "*", "<script>", "12345", "2", "9" * 5000, "\x7f", "[", "://", PAY_SUCCESS),
    *(
        encode_base64("http://["),
        encode_base64("https://a:99999999/"),
        encode_base64("//"),
        encode_base64(b"\xff\xfe"),
    ),
]


def test_random_query_returns_200_or_400_without_signature() -> None:
    rng = random.Random(18)  # noqa: S311 - The numbers are no secrets.
    for _ in range(600):
        query = "".join(rng.choices(PIECES, k=rng.randrange(1, 40)))
        if rng.random() < 0.3:
            query = f"{urlencode(VALID_PARAMETERS[HOME])}&{query}"
        path = rng.choice(list(VALID_PARAMETERS))
        response = BROWSER.get(
            "/",
            # Set QUERY_STRING here, because the test client would encode a query in the URL.
            environ_overrides={
                "QUERY_STRING": query,
                "PATH_INFO": path,
                "HTTP_ACCEPT": rng.choice(["text/html", "application/json", "*/*;q=x", ";,"]),
            },
        )
        assert SIGN not in response.text, query
        is_accepted = SIMULATOR.check(f"{path}?{query}").accepted
        assert response.status_code == (200 if is_accepted else 400), query


def test_query_with_invalid_utf8_returns_400() -> None:
    rng = random.Random(19)  # noqa: S311 - The numbers are no secrets.
    for _ in range(200):
        noise = rng.randbytes(rng.randrange(1, 30)).decode("latin-1")
        query = f"{urlencode(VALID_PARAMETERS[POLICY])}&partnerUniqKey={noise}\xff"
        environ = {"QUERY_STRING": query, "PATH_INFO": POLICY}
        assert BROWSER.get("/", environ_overrides=environ).status_code == 400, query


def test_long_query_is_accepted_unless_value_is_invalid() -> None:
    long = "x" * 300_000
    assert get_status_and_page(build_gateway_url(PRODUCT, partnerUniqKey=long))[0] == 200
    assert get_status_and_page(build_gateway_url(PRODUCT, platform=long, paySuccess=long))[0] == 400
