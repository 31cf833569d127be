"""Helpers for the tests of links.

To test another kind of response to a link, add a case to ``build_link_cases``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests import support
from tests.support import (
    LINK_ARGUMENTS,
    NOW,
    PC,
    PHONE,
    PRIVATE_HEADERS,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    get_return_link,
    set_clock,
)
from tests.tokens import sign_token

#: The endpoints whose URLs end with a token: the links to the gateway pages, and the return link.
LINK_ENDPOINTS = [*LINK_ARGUMENTS, "paid"]
#: The response headers that caches obey instead of ``Cache-Control``.
CACHE_OVERRIDE_HEADERS = {
    *("Expires", "Surrogate-Control", "Edge-Control", "X-Accel-Expires"),
    *("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "X-LiteSpeed-Cache-Control"),
}
#: The request headers of WeChat on a HarmonyOS phone. The User-Agent names neither Android nor iOS.
WECHAT_ON_HARMONY = {
    "User-Agent": "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.11.32(0xf380b20)"
    " WeChat/HarmonyOS"
}


def send_raw_request(app: Any, path: str, method: str = "GET", **environ: str) -> TestResponse:
    """Send a request with these values in its WSGI environ, and return the response.

    Werkzeug's test client would correct or reject malformed values, but WSGI servers do not.
    """
    path, _, query = path.partition("?")
    values = {
        **EnvironBuilder(method=method).get_environ(),
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_USER_AGENT": PHONE["User-Agent"],
        **environ,
    }
    body, status, headers = run_wsgi_app(app, values, buffered=True)
    return TestResponse(body, status, headers, request=None)  # type: ignore[arg-type]


def click_and_get_return_link(
    site: Site, page: str = "product", return_to: str = "/orders/8"
) -> str:
    """Click a link as the member alice, and return the return link of this click."""
    site.log_in("alice")
    return get_return_link(site.follow(site.link(page, return_to=return_to)))


def get_return_link_path(return_to: str = "/orders/8") -> str:
    """Return the path of a return link that is valid on all test sites with the same secret key."""
    return urlsplit(click_and_get_return_link(support.make_site(), return_to=return_to)).path


def get_warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages of the logged warnings."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def make_user(name: str) -> Any:
    """Return a Flask-Login user whose id is this name."""
    from flask_login import UserMixin

    user = UserMixin()
    user.id = name
    return user


def init_flask_login(site: Site) -> Any:
    """Add Flask-Login to a test site, and return the login manager. Every user id is valid."""
    from flask_login import LoginManager

    manager = LoginManager(site.app)
    manager.user_loader(make_user)
    return manager


def assert_click_outcome(response: TestResponse, sent_signals: SentSignals, expected: str) -> None:
    """Assert that a click sent one signal, and that the signal and response are as expected.

    :param expected: the status and the member who is redirected to the gateway, for example
        ``302 alice``, or the status and the reason for the refusal, for example ``410 expired``.
    """
    assert len(sent_signals) == 1, f"{len(sent_signals)} signals were sent; got {response.status}"
    [(signal, values)] = sent_signals
    if signal == "clicked":
        assert assert_gateway_accepts(response).member == values["member"]
        assert f"302 {values['member']}" == expected
    else:
        assert (response.status_code, response.headers.get("Location")) == (values["status"], None)
        assert f"{values['status']} {values['reason']}" == expected


@dataclass(frozen=True)
class LinkCase:
    """A request for a link on a test site, and the expected response.

    :ivar member: the member who is logged in, or None.
    :ivar target: the expected target of a redirect: ``gateway``, ``login`` or ``return_to``. An
        empty string if no redirect is expected.
    :ivar reason: the reason for which the click is refused, or None.
    :ivar method: the request method. None if the response is the same for GET and HEAD.
    :ivar environ: additional values of the WSGI environ.
    """

    site: Site
    member: Any
    path: str
    status: int
    target: str = ""
    reason: str | None = None
    method: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def send_request(self, method: str = "GET", **environ: str) -> TestResponse:
        """Log in the test case's member, send the request, and return the response.

        :param environ: more values of the WSGI environ.
        """
        self.site.log_in(self.member)
        environ = {**self.environ, **environ}
        return send_raw_request(self.site.app, self.path, self.method or method, **environ)


def build_link_cases(
    pages: Iterable[str] = ("product",), make_site: MakeSite = support.make_site, **config: Any
) -> list[LinkCase]:
    """Return one or more test cases for each kind of response to a request for a link.

    :param pages: the gateway pages to which the links of most cases lead.
    :param make_site: the function that makes the sites.
    :param config: the settings of the sites.
    """
    config = {"PROPAGATE_EXCEPTIONS": False, **config}
    site = make_site(XIEBAO_LOGIN_VIEW="page", **config)
    site_without_login = make_site(**config)
    disabled_site = make_site(XIEBAO_ENABLED=False, **config)
    return_path = get_return_link_path()
    invalid_paths = [
        "/xiebao/paid/nonsense",
        # This link is invalid, because a link to the policy page needs a member.
        f"/xiebao/policy/{sign_token(['policy', '1'])}",
        *(return_path.replace("paid", page) for page in LINK_ARGUMENTS),
    ]
    cases = [
        LinkCase(site, "alice", return_path, 302, "return_to"),
        *(LinkCase(site, "alice", path, 404, reason="invalid_link") for path in invalid_paths),
        # No route matches these paths, so Flask itself returns 404.
        *(LinkCase(site, "alice", f"/xiebao/product/{path}", 404) for path in ("", "a/b")),
        # Without a notification handler, the callback returns 404 for a notification.
        LinkCase(site, None, "/xiebao/notify", 404, method="POST"),
        LinkCase(site, None, "/xiebao/notify", 405),
        LinkCase(site, "alice", return_path, 405, method="PUT"),
    ]
    for page in LINK_ARGUMENTS.keys() - {"product"}:
        link = site.link(page, member="alice")
        cases += [
            LinkCase(site, "alice", link, 200, environ={"HTTP_USER_AGENT": PC["User-Agent"]}),
            LinkCase(site, "alice", link.replace(page, "product"), 404, reason="invalid_link"),
            LinkCase(site, "alice", link.replace(page, "paid"), 404, reason="invalid_link"),
        ]
    for page in pages:
        link = site.link(page, member="alice", return_to="/orders/8")
        with set_clock(NOW - 10**8):
            expired_link = site.link(page, member="alice", no_login_for=1)
        cases += [
            LinkCase(site, "alice", link, 302, "gateway"),
            LinkCase(site, "bob", link, 403, reason="another_member"),
            LinkCase(site, None, link, 302, "login"),
            LinkCase(site, None, expired_link, 410, reason="expired"),
            LinkCase(site_without_login, None, link, 401, reason="login_required"),
            LinkCase(
                *(site_without_login, None, link, 401),
                reason="login_required",
                environ={"HTTP_ACCEPT": "application/json"},
            ),
            LinkCase(disabled_site, "alice", link, 404, reason="disabled"),
            LinkCase(site, "alice", f"/xiebao/{page}/nonsense", 404, reason="invalid_link"),
            LinkCase(site, "bob", link, 503, environ={"HTTP_PURPOSE": "prefetch"}),
            # A script gets the page with the "Continue" link, even if a click on the link would be
            # refused.
            *(
                LinkCase(each_site, visitor, path, 200, environ={"HTTP_HX_REQUEST": "true"})
                for each_site, visitor, path in (
                    *((site, "bob", link), (site, None, link), (site, None, expired_link)),
                    *((site, "bob", f"/xiebao/{page}/nonsense"), (disabled_site, "alice", link)),
                )
            ),
            LinkCase(site, "bob", link, 200, method="OPTIONS"),
            *(
                LinkCase(site, "bob", link, 405, method=method)
                for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")
            ),
            LinkCase(site, ["not a member id"], link, 500),
        ]
    return cases


def assert_redirect_target(case: LinkCase, location: str, login_query: str = "") -> None:
    """Assert that a response redirects to the target that the test case expects, if any.

    :param login_query: a query string that the login may add to the link.
    """
    if case.target == "gateway":
        verdict = assert_gateway_accepts(location)
        assert (verdict.member, verdict.platform) == ("alice", 1)
    elif case.target == "login":
        assert urlsplit(location)[:3] == ("", "", "/page")
        assert parse_qs(urlsplit(location).query) in (
            {"next": [case.path]},
            {"next": [f"{case.path}{login_query}"]},
        )
    else:
        assert location == ("/orders/8" if case.target == "return_to" else "")


def assert_has_privacy_headers(
    response: TestResponse, case: object, policy: str = "frame-ancestors 'self'"
) -> None:
    """Assert that a response forbids caching, indexing, embedding in frames, and sending referrers.

    :param policy: the expected ``Content-Security-Policy`` of a response that is not a redirect.
    """
    for name, value in PRIVATE_HEADERS.items():
        assert response.headers.getlist(name) == [value], f"{name} of {case}"
    assert not CACHE_OVERRIDE_HEADERS & set(response.headers.keys()), case
    if response.location is None:
        assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], case
        assert response.headers.getlist("Content-Security-Policy") == [policy], case
