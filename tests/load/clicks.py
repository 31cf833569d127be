"""The clicks of the load: for each kind who clicks on what, and the one right answer."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from unittest.mock import patch

from flask_xiebao import Entry
from flask_xiebao.links import Click, LinkSigner
from flask_xiebao.testing import GatewaySimulator

from .site import API_KEY, CODE, NUMBER, PARTNER_ID

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
PC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
HIDDEN = ("no-store", "strict-origin", "noindex, nofollow")

_simulator = GatewaySimulator(PARTNER_ID, API_KEY)
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
    headers: tuple[tuple[str, str], ...] = (("User-Agent", PHONE),)


class Clicker:
    """Makes clicks without end; no two of its links with a member are the same.

    :param seed: the same seed makes the same mixture.
    :param made: links that the server itself made, with the process that made them.
    """

    def __init__(self, secret: str, seed: int, made: list[tuple[int, str, str | None]]) -> None:
        self.signer = LinkSigner([secret], PARTNER_ID)
        self.chance = random.Random(seed)  # noqa: S311 - the same mixture every time
        self.seed = seed
        self.made = made
        self.count = 0

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
        entry = self._entry(member="alice")
        return Request("own", self._path(entry), "alice", _goes_as("alice"))

    def shared(self) -> Request:
        """Follow a link without a member, logged in."""
        entry = Entry("product", f"QX{self.count % 5000}")
        return Request("shared", self._path(entry), "bob", _goes_as("bob"))

    def bearer(self) -> Request:
        """Follow a bearer link, logged out."""
        member = f"m-{self.seed}-{self.count}"
        entry = self._entry(member=member, max_age=3600)
        return Request("bearer", self._path(entry), None, _goes_as(member))

    def anonymous(self) -> Request:
        """Follow a link, logged out: to the login."""
        path = self._path(self._entry(member="alice"))
        return Request("anonymous", path, None, _logs_in(path))

    def expired(self) -> Request:
        """Follow a bearer link that has ended, logged out."""
        entry = self._entry(member="alice", max_age=60)
        long_ago = time.time() - 3600
        with patch("flask_xiebao.links.time.time", lambda: long_ago):
            path = self._path(entry)
        return Request("expired", path, None, _is(410))

    def tampered(self) -> Request:
        """Follow a link that was changed in one place."""
        path = self._path(self._entry(member="alice", max_age=3600))
        # Not the last letter: some of its bits mean nothing.
        place = self.chance.randrange(path.rindex("/") + 1, len(path) - 1)
        letter = "A" if path[place] not in "A." else "B"
        return Request("tampered", path[:place] + letter + path[place + 1 :], "alice", _is(404))

    def another(self) -> Request:
        """Follow the link of another member."""
        entry = self._entry(member="alice", max_age=self.chance.choice((None, 3600)))
        return Request("another's", self._path(entry), "bob", _is(403))

    def handoff(self) -> Request:
        """Follow a policy link on a PC."""
        entry = Entry("policy", NUMBER, member="alice")
        on_pc = (("User-Agent", PC),)
        return Request("handoff", self._path(entry), "alice", _is(200, "<svg"), on_pc)

    def paid(self) -> Request:
        """Come back from a payment."""
        entry = Entry("product", CODE, return_to=f"/back/{self.count}")
        click = Click(entry, "alice", "click", int(time.time()))
        path = f"/xiebao/paid/{self.signer.dumps_click(click)}"
        return Request("paid", path, None, _goes_to(f"/back/{self.count}"))

    def prefetch(self) -> Request:
        """Look ahead, as browsers do."""
        path = self._path(self._entry(member="alice"))
        ahead = (("User-Agent", PHONE), ("Sec-Purpose", "prefetch"))
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
        right = _goes_as(member)

        def wrong(answer: Answer) -> str:
            return right(answer)

        return Request(f"served by {worker}", path, member, wrong)

    def _entry(self, member: str, max_age: int | None = None) -> Entry:
        page = self.chance.choice(("product", "home", "policy"))
        reference = None if page == "home" else f"Q{self.seed}-{self.count}"
        entry = Entry(page, reference, member=member, max_age=max_age)
        return replace(entry, return_to=f"/back/{self.count}") if self.count % 2 else entry

    def _path(self, entry: Entry) -> str:
        return f"/xiebao/{entry.page}/{self.signer.dumps(entry)}"


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


def _goes_to(path: str) -> Callable[[Answer], str]:
    def wrong(answer: Answer) -> str:
        if (answer.status, answer.location) != (302, path):
            return f"{answer.status} {answer.location} instead of 302 {path}"
        return _not_hidden(answer)

    return wrong


def _logs_in(path: str) -> Callable[[Answer], str]:
    # How much of a query is escaped differs between versions of Werkzeug.
    ways = [f"/login?next={path}", f"/login?next={path.replace('/', '%2F')}"]

    def wrong(answer: Answer) -> str:
        if answer.status != 302 or answer.location not in ways:
            return f"{answer.status} {answer.location} instead of the login"
        return _not_hidden(answer)

    return wrong


def _is(status: int, words: str = "") -> Callable[[Answer], str]:
    def wrong(answer: Answer) -> str:
        if answer.status != status or answer.location or words not in answer.body:
            return f"{answer.status} {answer.location} instead of {status}"
        return _not_hidden(answer)

    return wrong


def _not_hidden(answer: Answer) -> str:
    return "" if answer.hidden == HIDDEN else f"its headers are {answer.hidden}"
