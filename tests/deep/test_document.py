"""The simulator, and queries that nobody would write."""

from __future__ import annotations

import random
from urllib.parse import urlencode

from tests.check.urls import (
    BROWSER,
    GOOD,
    HOME,
    PAY_SUCCESS,
    POLICY,
    PRODUCT,
    SIMULATOR,
    encoded,
    page_at,
    url,
)
from tests.support import SIGN

PIECES = [
    *("partnerId", "sign", "Sign", "platform", "paySuccess", "partnerUniqKey", "caseCode", SIGN),
    *("=", "=", "=", "&", "&", "+", "%z", "%ff", "%00", "%0d%0a", "%ED%A0%80", "%F0%9F%98%80"),
    *(";", "?", "/", "*", "<script>", "12345", "2", "9" * 5000, "\x7f", "[", "://", PAY_SUCCESS),
    *(encoded("http://["), encoded("https://a:99999999/"), encoded("//"), encoded(b"\xff\xfe")),
]


def test_no_query_breaks_it() -> None:
    rng = random.Random(18)  # noqa: S311
    for _ in range(600):
        query = "".join(rng.choices(PIECES, k=rng.randrange(1, 40)))
        if rng.random() < 0.3:
            query = f"{urlencode(GOOD[HOME])}&{query}"
        path = rng.choice(list(GOOD))
        accept = rng.choice(["text/html", "application/json", "*/*;q=x", ";,"])
        environ = {"QUERY_STRING": query, "PATH_INFO": path, "HTTP_ACCEPT": accept}
        response = BROWSER.get("/", environ_overrides=environ)
        assert SIGN not in response.text, query
        accepted = SIMULATOR.check(f"{path}?{query}").accepted
        assert response.status_code == (200 if accepted else 400), query


def test_bytes_that_are_no_text_do_not_break_it() -> None:
    rng = random.Random(19)  # noqa: S311
    for _ in range(200):
        noise = rng.randbytes(rng.randrange(1, 30)).decode("latin-1")
        query = f"{urlencode(GOOD[POLICY])}&partnerUniqKey={noise}\xff"
        environ = {"QUERY_STRING": query, "PATH_INFO": POLICY}
        assert BROWSER.get("/", environ_overrides=environ).status_code == 400, query


def test_a_very_long_query() -> None:
    long = "x" * 300_000
    assert page_at(url(PRODUCT, partnerUniqKey=long))[0] == 200
    assert page_at(url(PRODUCT, platform=long, paySuccess=long))[0] == 400
