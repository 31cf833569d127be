"""Tests for requests with forged or malformed headers, query strings and hosts.

To test another forged value, add a row to ``FORGED_ENVIRONS``. To test another ``Host`` header, add
it to ``HOSTS``.
"""

from __future__ import annotations

import base64
import itertools
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from tests import qr
from tests.click.support import LinkCase, assert_redirect_target, build_link_cases
from tests.support import PUBLIC_URL, assert_gateway_accepts, find_leaks

EVIL = "evil.example"

#: One row per forged request: a name, and the forged values by their keys in the WSGI environ.
FORGED_ENVIRONS: dict[str, dict[str, str]] = {
    "X-Forwarded headers": {
        "HTTP_X_FORWARDED_HOST": EVIL,
        "HTTP_X_FORWARDED_PROTO": "javascript",
        "HTTP_X_FORWARDED_PORT": "6666",
        "HTTP_X_FORWARDED_PREFIX": f"//{EVIL}",
        "HTTP_X_FORWARDED_FOR": EVIL,
        "HTTP_X_FORWARDED_SERVER": EVIL,
    },
    "Forwarded header": {"HTTP_FORWARDED": f"host={EVIL};proto=https"},
    "X-Original-URL header": {
        "HTTP_X_ORIGINAL_URL": f"//{EVIL}/",
        "HTTP_X_REWRITE_URL": f"//{EVIL}/",
    },
    "X-Host headers": {
        "HTTP_X_HOST": EVIL,
        "HTTP_X_REAL_IP": EVIL,
        "HTTP_X_HTTP_HOST_OVERRIDE": EVIL,
    },
    "Referer header": {"HTTP_REFERER": f"https://{EVIL}/", "HTTP_ORIGIN": f"https://{EVIL}"},
    "next parameter": {
        "QUERY_STRING": f"next=//{EVIL}&next=https://{EVIL}/&url=//{EVIL}&return_to=//{EVIL}"
    },
    "unknown platform": {"QUERY_STRING": f"platform=//{EVIL}"},
    "platform with encoded ampersand": {"QUERY_STRING": f"platform=h5%26next=//{EVIL}"},
    "platform with encoded line break": {"QUERY_STRING": f"platform=h5%0d%0aLocation:%20//{EVIL}"},
    "platform with raw line break": {"QUERY_STRING": f"platform=h5\r\nLocation: //{EVIL}"},
    "platform with NUL": {"QUERY_STRING": f"platform=h5%00{EVIL}"},
    "platform in Latin-1": {"QUERY_STRING": "platform=\xff"},
    "platform after parameter in Latin-1": {"QUERY_STRING": "a=\x80&platform=h5"},
    "platform with surrogate": {"QUERY_STRING": f"platform=%ED%A0%80{EVIL}"},
    "query string in Latin-1": {"QUERY_STRING": "\xe9&\xb1\xa3\xcf\xd5=1"},
    "long query string": {"QUERY_STRING": f"platform={EVIL}" + "&a=b" * 2000},
    "parameters of the gateway": {
        "QUERY_STRING": (
            f"partnerUniqKey=the.stranger&member=the.stranger&sign={EVIL}&paySuccess={EVIL}"
        )
    },
    "member in headers": {
        "HTTP_X_USER": "the.stranger",
        "HTTP_AUTHORIZATION": "Basic dGhlLnN0cmFuZ2VyOg==",
    },
    "cookies": {
        "HTTP_COOKIE": f"session={EVIL}; next=//{EVIL}; member=the.stranger; platform={EVIL}"
    },
    "malformed cookie": {"HTTP_COOKIE": f"session=\r\n{EVIL}\x00; a={chr(0xFF)}"},
    "malformed Accept-Language": {"HTTP_ACCEPT_LANGUAGE": f"{EVIL},\r\n, zh;q=nan"},
    "malformed User-Agent": {"HTTP_USER_AGENT": f"iPhone \r\nLocation: //{EVIL}\x00 <script>"},
    "long User-Agent": {"HTTP_USER_AGENT": f"iPhone {EVIL}" + "x" * 100_000},
    "client hints": {"HTTP_SEC_CH_UA_PLATFORM": f'"{EVIL}"\r\n', "HTTP_SEC_CH_UA_MOBILE": EVIL},
    "surrogates in headers": {
        "HTTP_USER_AGENT": "iPhone \ud800",
        "HTTP_ACCEPT": "\udfff",
        "HTTP_SEC_PURPOSE": "\udcff",
        "HTTP_SEC_CH_UA_PLATFORM": "\ud800",
    },
    "method override": {"HTTP_X_HTTP_METHOD_OVERRIDE": "POST"},
    "body headers": {"CONTENT_LENGTH": "-1", "CONTENT_TYPE": f"application/json;{EVIL}"},
}

#: Values of the ``Host`` header, most of which are not valid hosts.
HOSTS = [
    *(EVIL, f"{EVIL}:6666", f"shop.example@{EVIL}", f"{EVIL}\\@shop.example", f"{EVIL}/shop"),
    *(f"{EVIL}?", f"{EVIL}#", f"{EVIL}\r\nLocation: //{EVIL}", f"{EVIL}\x00", f" {EVIL}"),
    *("", " ", "-", "..", "a..b", "[", "[::1", "[::1]", "x:y", "x:99999", "x:0", "\xc3\xa9"),
    *("xn--", "\xff", "\ud800", "%00", "<script>", '"', "x" * 300, "x." * 2000, "xn--a", "127.1"),
]


def build_reflecting_cases(public_url: str | None) -> list[LinkCase]:
    """Return the test cases whose responses could contain a part of the request.

    All refusal pages are built in the same way, so only the pages with the status 403 are tested.
    """
    cases = build_link_cases(XIEBAO_PUBLIC_URL=public_url)
    return [case for case in cases if case.status in (200, 302, 403) and case.method is None]


def collect_response_text(response: TestResponse) -> str:
    """Return the body and headers of a response, and the URLs that are encoded in them."""
    query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    return_urls = [base64.b64decode(url).decode() for url in query.get("paySuccess", [])]
    codes = [qr.read(response.text)] if 'class="xiebao-qr"' in response.text else []
    headers = [f"{name}: {value}" for name, value in response.headers]
    return "\n".join([response.text, *headers, *return_urls, *codes])


@pytest.mark.parametrize("public_url", [None, PUBLIC_URL])
@pytest.mark.parametrize(("name", "environ"), FORGED_ENVIRONS.items(), ids=FORGED_ENVIRONS)
def test_forged_values_appear_in_no_response(
    name: str, environ: dict[str, str], public_url: str | None
) -> None:
    changes_device = "HTTP_USER_AGENT" in environ
    for case in build_reflecting_cases(public_url):
        response = case.send_request(**environ)

        assert response.status_code < 500, case
        if not changes_device and "platform" not in name:
            assert response.status_code == case.status, case
        # None of these words can appear in a token by chance, so each match comes from a forged
        # value.
        words = (EVIL, "javascript:", ":6666", "<script>", "the.stranger")
        assert find_leaks(collect_response_text(response), *words) == [], case
        location = response.headers.get("Location", "")
        # With a forged User-Agent, the site may show the handoff page instead of redirecting.
        if case.target and (location or not changes_device):
            assert_redirect_target(case, location, "?platform=h5")
        if case.target == "gateway":
            return_url = assert_gateway_accepts(location).pay_success or ""
            assert urlsplit(return_url).netloc == ("shop.example" if public_url else "localhost")


@pytest.mark.parametrize("public_url", [None, PUBLIC_URL])
def test_forged_host_raises_no_error_and_appears_in_no_redirect(public_url: str | None) -> None:
    for case, host in itertools.product(build_reflecting_cases(public_url), HOSTS):
        response = case.send_request(HTTP_HOST=host)

        assert response.status_code < 500, (case, host)
        assert EVIL not in response.headers.get("Location", ""), (case, host)
        text = collect_response_text(response)
        assert "<script>" not in text, (case, host)
        assert public_url is None or EVIL not in text, (case, host)
