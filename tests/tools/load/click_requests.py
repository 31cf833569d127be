"""Random requests for the load test of clicks, each with the expected response."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import time_machine
from flask.sessions import SecureCookieSessionInterface

from flask_xiebao.testing import GatewaySimulator
from tests.support import INSURE_NUM, PC, PHONE, PRIVATE_HEADERS, PRODUCT_CODE, get_return_link
from tests.tools.load.click_site import create_app

_simulator = GatewaySimulator("12345", "Key")
_HREF = re.compile(r'href="(/xiebao/(?:product|home|policy)/[^"]+)"')


class Request(NamedTuple):
    """A request and the expected response.

    :param login: The member who is logged in, or None.
    :param gateway_member: The member in the gateway URL, if a redirect to the gateway is expected.
    :param locations: The possible ``Location`` headers, if there is no redirect to the gateway.
    :param text: A text in the body.
    :param link_count: For a page of the site, the number of links on the page.
    :param worker: The process id of the worker that built the link, if the server has built it.
    """

    kind: str
    path: str
    login: str | None = None
    status: int = 302
    gateway_member: str | None = None
    locations: tuple[str, ...] = ("",)
    text: str = ""
    link_count: int | None = None
    headers: Mapping[str, str] = PHONE
    worker: int | None = None

    def find_violation(self, response: HTTPResponse, body: str) -> str:
        """Return a description of the difference from the expected response, or ""."""
        location = response.headers.get("Location", "")
        if response.status != self.status:
            return f"status {response.status} instead of {self.status}"
        if self.link_count is not None:
            count = len(_HREF.findall(body))
            return "" if count == self.link_count else f"{count} links instead of {self.link_count}"
        if self.gateway_member is None:
            if location not in self.locations or self.text not in body:
                return f"the location is {location!r} or the body lacks {self.text!r}"
        else:
            verdict = _simulator.check(location)
            if not verdict.accepted or verdict.member != self.gateway_member:
                return f"{verdict.member} instead of {self.gateway_member}, {verdict.reasons}"
        privacy_headers = {name: response.headers.get(name) for name in PRIVATE_HEADERS}
        if privacy_headers != PRIVATE_HEADERS:
            return f"the privacy headers are {privacy_headers}"
        return ""


class RequestGenerator:
    """Endless random requests. A link with a member is followed only once, unless it has expired.

    :param secret_key: The secret key of the server.
    :param seed: The seed for the random choices.
    :param served_requests: Requests for the links on the server's pages. All generators share this
        list.
    """

    def __init__(self, secret_key: str, seed: int, served_requests: list[Request]) -> None:
        self.app = create_app(secret_key)
        self.random = random.Random(seed)  # noqa: S311
        self.seed, self.count = seed, 0
        self.served_requests = served_requests
        # Build the expired links now, because time_machine changes the time in all threads.
        with time_machine.travel(time.time() - 3600):
            self.expired_links = [self._build_link("alice", no_login_for=60) for _ in range(1000)]

    def __iter__(self) -> Iterator[Request]:
        builders = (
            *(self._follow_own_link, self._follow_own_link, self._follow_bearer_link),
            *(self._follow_bearer_link, self._follow_link_logged_out, self._follow_expired_link),
            *(self._follow_tampered_link, self._follow_link_of_another_member),
            *(self._follow_link_without_member, self._open_handoff_page, self._return_from_payment),
            *(self._request_page, self._prefetch, self._follow_served_link),
            self._follow_served_link,
        )
        while True:
            yield self.random.choice(builders)()

    def record_links(self, page: Request, worker: int, body: str) -> None:
        """Store a request for each link on a page, so that all generators use them."""
        for path in _HREF.findall(body):
            member = page.login if "/policy/" in path else "bob"
            request = Request("served", path, member, gateway_member=member, worker=worker)
            self.served_requests.append(request)
        del self.served_requests[:-200]

    def build_session_cookie(self, member: str | None) -> str:
        """Return the session cookie that a member gets at the login."""
        serializer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert serializer is not None
        return f"session={serializer.dumps({'member': member})}"

    def _follow_own_link(self) -> Request:
        return Request("own", self._build_link("alice"), "alice", gateway_member="alice")

    def _follow_link_without_member(self) -> Request:
        path = self._build_link(None, "product", f"QX{self.count % 5000}")
        return Request("shared", path, "bob", gateway_member="bob")

    def _follow_bearer_link(self) -> Request:
        member = f"m-{self.seed}-{self.count}"
        path = self._build_link(member, no_login_for=3600)
        return Request("bearer", path, gateway_member=member)

    def _follow_link_logged_out(self) -> Request:
        path = self._build_link("alice")
        # Some versions of Werkzeug escape slashes in a query.
        paths = (path, path.replace("/", "%2F"))
        return Request("logged out", path, locations=tuple(f"/login?next={path}" for path in paths))

    def _follow_expired_link(self) -> Request:
        return Request("expired", self.random.choice(self.expired_links), status=410)

    def _follow_tampered_link(self) -> Request:
        path = self._build_link("alice", no_login_for=3600)
        # Do not change the last letter of the token, because some of its bits are not used.
        position = self.random.randrange(path.rindex("/") + 1, len(path) - 1)
        letter = "A" if path[position] not in "A." else "B"
        return Request("tampered", path[:position] + letter + path[position + 1 :], "alice", 404)

    def _follow_link_of_another_member(self) -> Request:
        path = self._build_link("alice", no_login_for=self.random.choice((None, 3600)))
        return Request("another's", path, "bob", 403)

    def _open_handoff_page(self) -> Request:
        path = self._build_link("alice", "policy", INSURE_NUM)
        return Request("handoff", path, "alice", 200, text="<svg", headers=PC)

    def _return_from_payment(self) -> Request:
        return_to = f"/back/{self.count}"
        link = self._build_link(
            "alice", "product", PRODUCT_CODE, no_login_for=3600, return_to=return_to
        )
        return_link = get_return_link(self.app.test_client().get(link, headers=PHONE))
        return Request("paid", urlsplit(return_link).path, locations=(return_to,))

    def _prefetch(self) -> Request:
        headers = {**PHONE, "Sec-Purpose": "prefetch"}
        return Request("prefetch", self._build_link("alice"), "alice", 503, headers=headers)

    def _request_page(self) -> Request:
        member = self.random.choice((None, "alice", "bob"))
        return Request("page", "/page", member, 200, link_count=3 if member else 2)

    def _follow_served_link(self) -> Request:
        return self.random.choice(self.served_requests or [self._request_page()])

    def _build_link(
        self, member: str | None, page: str = "", *references: str, **options: Any
    ) -> str:
        """Return a link as the site builds it.

        Without a page, the page is random, the reference is new, and every second link has a
        ``return_to``.
        """
        self.count += 1
        if not page:
            page = self.random.choice(("product", "home", "policy"))
            references = () if page == "home" else (f"Q{self.seed}-{self.count}",)
            options["return_to"] = f"/back/{self.count}" if self.count % 2 else None
        xiebao = self.app.extensions["xiebao"]
        with self.app.test_request_context():
            link: str = getattr(xiebao, f"{page}_link")(*references, member=member, **options)
        return link
