"""The clicks of the load: for each kind who clicks on what, and the one right answer."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import time_machine

from flask_xiebao.testing import GatewaySimulator
from tests.support import (
    INSURE_NUM,
    PC,
    PHONE,
    PRIVATE_HEADERS,
    PRODUCT_CODE,
    assert_gateway_accepts,
)

from .site import create_app

_simulator = GatewaySimulator("12345", "Key")
_HREF = re.compile(r'href="(/xiebao/(?:product|home|policy)/[^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What a client looks at."""

    status: int
    location: str
    hidden: tuple[str, ...]
    body: str
    worker: int


@dataclass(frozen=True)
class Request:
    """One click, and what is wrong with an answer: an empty text if nothing is."""

    kind: str
    path: str
    member: str | None
    wrong: Callable[[Answer], str]
    headers: tuple[tuple[str, str], ...] = tuple(PHONE.items())


class Clicker:
    """Makes clicks without end; of its links with a member only old ones come again.

    :param secret: that of the site.
    :param seed: the same seed makes the same mixture.
    :param made: links that the server itself made, with the process that made them.
    """

    def __init__(self, secret: str, seed: int, made: list[tuple[int, str, str | None]]) -> None:
        self.app = create_app(secret)
        self.xiebao = self.app.extensions["xiebao"]
        self.chance = random.Random(seed)  # noqa: S311 - the same mixture every time
        self.seed = seed
        self.made = made
        self.count = 0
        self.old: list[str] = []
        # They are made now: later all threads would travel, and not this one alone.
        with time_machine.travel(time.time() - 3600):
            for _ in range(1000):
                self.count += 1
                self.old.append(self._link_of("alice", no_login_for=60))

    def __iter__(self) -> Iterator[Request]:
        kinds = (
            *(self.own, self.own, self.bearer, self.bearer, self.anonymous, self.expired),
            *(self.tampered, self.another, self.shared, self.handoff, self.paid, self.page),
            *(self.prefetch, self.served, self.served),
        )
        while True:
            self.count += 1
            yield self.chance.choice(kinds)()

    def own(self) -> Request:
        """Follow a link of one's own, logged in."""
        return Request("own", self._link_of("alice"), "alice", _goes_as("alice"))

    def shared(self) -> Request:
        """Follow a link without a member, logged in."""
        path = self._link("product", f"QX{self.count % 5000}")
        return Request("shared", path, "bob", _goes_as("bob"))

    def bearer(self) -> Request:
        """Follow a bearer link, logged out."""
        member = f"m-{self.seed}-{self.count}"
        path = self._link_of(member, no_login_for=3600)
        return Request("bearer", path, None, _goes_as(member))

    def anonymous(self) -> Request:
        """Follow a link, logged out: to the login."""
        path = self._link_of("alice")
        # How much of a query is escaped differs between versions of Werkzeug.
        logins = (f"/login?next={path}", f"/login?next={path.replace('/', '%2F')}")
        return Request("anonymous", path, None, _is(302, *logins))

    def expired(self) -> Request:
        """Follow a bearer link that has ended, logged out."""
        return Request("expired", self.chance.choice(self.old), None, _is(410))

    def tampered(self) -> Request:
        """Follow a link that was changed in one place."""
        path = self._link_of("alice", no_login_for=3600)
        # Not the last letter: some of its bits mean nothing.
        place = self.chance.randrange(path.rindex("/") + 1, len(path) - 1)
        letter = "A" if path[place] not in "A." else "B"
        return Request("tampered", path[:place] + letter + path[place + 1 :], "alice", _is(404))

    def another(self) -> Request:
        """Follow the link of another member."""
        path = self._link_of("alice", no_login_for=self.chance.choice((None, 3600)))
        return Request("another's", path, "bob", _is(403))

    def handoff(self) -> Request:
        """Follow a policy link on a PC."""
        path = self._link("policy", INSURE_NUM, member="alice")
        return Request("handoff", path, "alice", _is(200, words="<svg"), tuple(PC.items()))

    def paid(self) -> Request:
        """Come back from a payment."""
        options = {"member": "alice", "no_login_for": 3600, "return_to": f"/back/{self.count}"}
        link = self._link("product", PRODUCT_CODE, **options)
        click = assert_gateway_accepts(self.app.test_client().get(link, headers=PHONE).location)
        path = urlsplit(click.pay_success or "").path
        return Request("paid", path, None, _is(302, f"/back/{self.count}"))

    def prefetch(self) -> Request:
        """Look ahead, as browsers do."""
        path = self._link_of("alice")
        ahead = (*PHONE.items(), ("Sec-Purpose", "prefetch"))
        return Request("prefetch", path, "alice", _is(503), ahead)

    def page(self) -> Request:
        """Load a page with entries, and remember its links for others to follow."""
        member = self.chance.choice((None, "alice", "bob"))

        def wrong(answer: Answer) -> str:
            links = _HREF.findall(answer.body)
            for link in links:
                whose = member if "/policy/" in link else None
                self.made.append((answer.worker, link, whose))
            del self.made[:-200]
            expected = 3 if member else 2
            fine = answer.status == 200 and len(links) == expected
            return "" if fine else f"{answer.status} with {len(links)} links"

        return Request("page", "/page", member, wrong)

    def served(self) -> Request:
        """Follow a link from a page that any of the workers made."""
        if not self.made:
            return self.page()
        worker, path, whose = self.chance.choice(self.made)
        member = whose or "bob"
        return Request(f"served by {worker}", path, member, _goes_as(member))

    def _link_of(self, member: str, no_login_for: int | None = None) -> str:
        page = self.chance.choice(("product", "home", "policy"))
        references = [] if page == "home" else [f"Q{self.seed}-{self.count}"]
        return_to = f"/back/{self.count}" if self.count % 2 else None
        return self._link(
            page, *references, member=member, no_login_for=no_login_for, return_to=return_to
        )

    def _link(self, page: str, *references: str, **options: Any) -> str:
        """Return a link as the site makes it."""
        with self.app.test_request_context():
            link: str = getattr(self.xiebao, f"{page}_link")(*references, **options)
        return link


def _goes_as(member: str) -> Callable[[Answer], str]:
    def wrong(answer: Answer) -> str:
        if answer.status != 302:
            return f"{answer.status} instead of 302"
        verdict = _simulator.check(answer.location)
        if not verdict.accepted:
            return f"the gateway refuses it: {verdict.reasons}"
        if verdict.member != member:
            return f"went as {verdict.member} instead of {member}"
        return _not_hidden(answer)

    return wrong


def _is(status: int, *locations: str, words: str = "") -> Callable[[Answer], str]:
    def wrong(answer: Answer) -> str:
        goes_there = answer.location in (locations or [""])
        if answer.status != status or not goes_there or words not in answer.body:
            return f"{answer.status} {answer.location} instead of {status} {locations}"
        return _not_hidden(answer)

    return wrong


def _not_hidden(answer: Answer) -> str:
    return (
        ""
        if answer.hidden == tuple(PRIVATE_HEADERS.values())
        else f"its headers are {answer.hidden}"
    )
