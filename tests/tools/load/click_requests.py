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


class ClickRequest(NamedTuple):
    """A request of the load test, with the expected response.

    :param login: The member who is logged in, or None.
    :param gateway_member: The member in the gateway URL, or None if no redirect to the gateway is
        expected.
    :param locations: The possible ``Location`` headers of a response that does not redirect to the
        gateway.
    :param text: A text that the body of the response must contain.
    :param link_count: The number of links on the page, or None for a request that follows a link.
    :param worker: The process id of the worker that built the link, or None if the load test built
        it.
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
        """Return a description of what is wrong with the response, or "" if nothing is wrong."""
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
    """An endless generator of random requests.

    A link with a member is followed only once, unless the link has expired.

    :param secret_key: The secret key of the server.
    :param seed: The seed for the random choices.
    :param served_requests: The requests for links on the server's pages. All generators share this
        list.
    """

    def __init__(self, secret_key: str, seed: int, served_requests: list[ClickRequest]) -> None:
        self.app = create_app(secret_key)
        self.random = random.Random(seed)  # noqa: S311
        self.seed, self.count = seed, 0
        self.served_requests = served_requests
        # Build the expired links before the client threads start, because ``time_machine`` changes
        # the time in all threads.
        with time_machine.travel(time.time() - 3600):
            self.expired_links = [self._build_link("alice", no_login_for=60) for _ in range(1000)]

    def __iter__(self) -> Iterator[ClickRequest]:
        builders = (
            *(
                self._build_own_link_request,
                self._build_own_link_request,
                self._build_bearer_request,
            ),
            *(
                self._build_bearer_request,
                self._build_logged_out_request,
                self._build_expired_request,
            ),
            *(self._build_tampered_request, self._build_other_member_request),
            *(
                self._build_memberless_request,
                self._build_handoff_request,
                self._build_return_request,
            ),
            *(self._build_page_request, self._build_prefetch_request, self._choose_served_request),
            self._choose_served_request,
        )
        while True:
            yield self.random.choice(builders)()

    def record_links(self, page: ClickRequest, worker: int, body: str) -> None:
        """Store a request for each link on a page, so that all generators can use the links."""
        for path in _HREF.findall(body):
            member = page.login if "/policy/" in path else "bob"
            request = ClickRequest("served", path, member, gateway_member=member, worker=worker)
            self.served_requests.append(request)
        del self.served_requests[:-200]

    def build_session_cookie(self, member: str | None) -> str:
        """Return the session cookie that a member receives when logging in."""
        serializer = SecureCookieSessionInterface().get_signing_serializer(self.app)
        assert serializer is not None
        return f"session={serializer.dumps({'member': member})}"

    def _build_own_link_request(self) -> ClickRequest:
        return ClickRequest("own", self._build_link("alice"), "alice", gateway_member="alice")

    def _build_memberless_request(self) -> ClickRequest:
        path = self._build_link(None, "product", f"QX{self.count % 5000}")
        return ClickRequest("shared", path, "bob", gateway_member="bob")

    def _build_bearer_request(self) -> ClickRequest:
        member = f"m-{self.seed}-{self.count}"
        path = self._build_link(member, no_login_for=3600)
        return ClickRequest("bearer", path, gateway_member=member)

    def _build_logged_out_request(self) -> ClickRequest:
        path = self._build_link("alice")
        # Some versions of Werkzeug percent-encode slashes in a query string.
        paths = (path, path.replace("/", "%2F"))
        return ClickRequest(
            "logged out", path, locations=tuple(f"/login?next={path}" for path in paths)
        )

    def _build_expired_request(self) -> ClickRequest:
        return ClickRequest("expired", self.random.choice(self.expired_links), status=410)

    def _build_tampered_request(self) -> ClickRequest:
        path = self._build_link("alice", no_login_for=3600)
        # Do not change the last letter of the token, because base64 ignores some of its bits.
        position = self.random.randrange(path.rindex("/") + 1, len(path) - 1)
        letter = "A" if path[position] not in "A." else "B"
        return ClickRequest(
            "tampered", path[:position] + letter + path[position + 1 :], "alice", 404
        )

    def _build_other_member_request(self) -> ClickRequest:
        path = self._build_link("alice", no_login_for=self.random.choice((None, 3600)))
        return ClickRequest("another's", path, "bob", 403)

    def _build_handoff_request(self) -> ClickRequest:
        path = self._build_link("alice", "policy", INSURE_NUM)
        return ClickRequest("handoff", path, "alice", 200, text="<svg", headers=PC)

    def _build_return_request(self) -> ClickRequest:
        return_to = f"/back/{self.count}"
        link = self._build_link(
            "alice", "product", PRODUCT_CODE, no_login_for=3600, return_to=return_to
        )
        return_link = get_return_link(self.app.test_client().get(link, headers=PHONE))
        return ClickRequest("paid", urlsplit(return_link).path, locations=(return_to,))

    def _build_prefetch_request(self) -> ClickRequest:
        headers = {**PHONE, "Sec-Purpose": "prefetch"}
        return ClickRequest("prefetch", self._build_link("alice"), "alice", 503, headers=headers)

    def _build_page_request(self) -> ClickRequest:
        member = self.random.choice((None, "alice", "bob"))
        return ClickRequest("page", "/page", member, 200, link_count=3 if member else 2)

    def _choose_served_request(self) -> ClickRequest:
        return self.random.choice(self.served_requests or [self._build_page_request()])

    def _build_link(
        self, member: str | None, page: str = "", *references: str, **options: Any
    ) -> str:
        """Return a link to a gateway page, built by the extension with the site's secret key.

        If no page is passed, the page is random, the product code or application number is new, and
        every second link has a ``return_to``.
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
