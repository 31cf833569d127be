"""What a stranger may sign and send, and every kind of answer that links have for it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import time_machine
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests import qr, support
from tests.support import (
    LINK_ARGUMENTS,
    NOW,
    PC,
    PHONE,
    PRIVATE_HEADERS,
    MakeSite,
    Site,
    get_return_link,
)
from tests.tokens import sign_token

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
    "platform that is no UTF-8": {"QUERY_STRING": "platform=\xff"},
    "platform after what is no UTF-8": {"QUERY_STRING": "a=\x80&platform=h5"},
    "a query that is no UTF-8": {"QUERY_STRING": "\xe9&\xb1\xa3\xcf\xd5=1"},
    "a surrogate": {"QUERY_STRING": f"platform=%ED%A0%80{EVIL}"},
    "a long query": {"QUERY_STRING": f"platform={EVIL}" + "&a=b" * 2000},
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
    "another method": {"HTTP_X_HTTP_METHOD_OVERRIDE": "POST"},
    "a body": {"CONTENT_LENGTH": "-1", "CONTENT_TYPE": f"application/json;{EVIL}"},
}

OTHER_METHODS = ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")
#: Headers by which caches are told to keep what a browser may not.
FOR_CACHES_ONLY = {
    *("Expires", "Surrogate-Control", "Edge-Control", "X-Accel-Expires"),
    *("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "X-LiteSpeed-Cache-Control"),
}

#: Hosts that a name server would not know, and some that it would.
HOSTS = [
    *(EVIL, f"{EVIL}:6666", f"shop.example@{EVIL}", f"{EVIL}\\@shop.example", f"{EVIL}/shop"),
    *(f"{EVIL}?", f"{EVIL}#", f"{EVIL}\r\nLocation: //{EVIL}", f"{EVIL}\x00", f" {EVIL}"),
    *("", " ", "-", "..", "a..b", "[", "[::1", "[::1]", "x:y", "x:99999", "x:0", "\xc3\xa9"),
    *("xn--", "\xff", "\ud800", "%00", "<script>", '"', "x" * 300, "x." * 2000, "xn--a", "127.1"),
]


def raw(app: Any, path: str, method: str = "GET", **environ: str) -> TestResponse:
    """Ask a server that hands over whatever was sent, as WSGI servers do: no client in between."""
    path, _, query = path.partition("?")
    base = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_USER_AGENT": PHONE["User-Agent"]}
    full = {**EnvironBuilder(method=method).get_environ(), **base, **environ}
    body, status, headers = run_wsgi_app(app, full, buffered=True)
    return TestResponse(body, status, headers, request=None)  # type: ignore[arg-type]


def paid_path(return_to: str = "/orders/8", **config: Any) -> str:
    """Return the path by which a payment of alice's comes back to any site with these settings."""
    site = support.make_site(**config)
    site.log_in("alice")
    return urlsplit(get_return_link(site.follow(site.link("product", return_to=return_to)))).path


@dataclass(frozen=True)
class Way:
    """One kind of answer of a link.

    :ivar goes: where it leads: to the gateway, the login, back from a payment, or nowhere.
    :ivar reason: why somebody is not let through, as ``entry_refused`` has it.
    :ivar method: where it is always the same.
    """

    site: Site
    member: Any
    path: str
    status: int
    goes: str = ""
    reason: str | None = None
    method: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def ask(self, method: str = "GET", **environ: str) -> TestResponse:
        self.site.log_in(self.member)
        return raw(self.site.app, self.path, self.method or method, **{**self.environ, **environ})


def ways(
    pages: Iterable[str] = ("product",), make: MakeSite = support.make_site, **config: Any
) -> list[Way]:
    """Return every kind of answer, those that each page has for these pages."""
    config = {"PROPAGATE_EXCEPTIONS": False, **config}
    site = make(XIEBAO_LOGIN_VIEW="page", **config)
    no_login = make(**config)
    off = make(XIEBAO_ENABLED=False, **config)
    paid = paid_path()
    found = [
        Way(site, "alice", paid, 302, "back"),
        *(
            Way(site, "alice", paid.replace("paid", page), 404, reason="invalid_link")
            for page in LINK_ARGUMENTS
        ),
        Way(site, "alice", "/xiebao/paid/nonsense", 404, reason="invalid_link"),
        Way(
            site,
            "alice",
            f"/xiebao/policy/{sign_token(['policy', '1'])}",
            404,
            reason="invalid_link",
        ),
        # No links at all, and so the site's own 404.
        *(Way(site, "alice", f"/xiebao/product/{path}", 404) for path in ("", "a/b")),
        # Nobody listens to what the platform says.
        Way(site, None, "/xiebao/notify", 404, method="POST"),
        Way(site, None, "/xiebao/notify", 405),
        Way(site, "alice", paid, 405, method="PUT"),
    ]
    for page in LINK_ARGUMENTS.keys() - {"product"}:
        link = site.link(page, member="alice")
        found += [
            Way(site, "alice", link, 200, environ={"HTTP_USER_AGENT": PC["User-Agent"]}),
            Way(site, "alice", link.replace(page, "product"), 404, reason="invalid_link"),
            Way(site, "alice", link.replace(page, "paid"), 404, reason="invalid_link"),
        ]
    for page in pages:
        link = site.link(page, member="alice", return_to="/orders/8")
        with time_machine.travel(NOW - 10**8):
            old = site.link(page, member="alice", no_login_for=1)
        found += [
            Way(site, "alice", link, 302, "gateway"),
            Way(site, "bob", link, 403, reason="another_member"),
            Way(site, None, link, 302, "login"),
            Way(site, None, old, 410, reason="expired"),
            Way(no_login, None, link, 401, reason="login_required"),
            Way(
                *(no_login, None, link, 401),
                reason="login_required",
                environ={"HTTP_ACCEPT": "application/json"},
            ),
            Way(off, "alice", link, 404, reason="disabled"),
            Way(site, "alice", f"/xiebao/{page}/nonsense", 404, reason="invalid_link"),
            Way(site, "bob", link, 503, environ={"HTTP_PURPOSE": "prefetch"}),
            Way(site, "bob", link, 200, environ={"HTTP_HX_REQUEST": "true"}),
            Way(site, "bob", link, 200, method="OPTIONS"),
            *(Way(site, "bob", link, 405, method=method) for method in OTHER_METHODS),
            Way(site, ["no member"], link, 500),
        ]
    return found


def assert_sealed(response: TestResponse, what: object) -> None:
    """Assert that an answer of a link is kept by nobody, and told to no other site."""
    for name, value in PRIVATE_HEADERS.items():
        assert response.headers.getlist(name) == [value], f"{name} of {what}"
    assert not FOR_CACHES_ONLY & set(response.headers.keys()), what
    if response.location is None:
        assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], what


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
