"""Whether every entry of a site leads where it should: clicked, through the whole app, and judged.

It is what ``flask xiebao check``, the fixture ``check_entries`` and the console of the demo share.
What is done is in :mod:`.cases`, on which devices in :mod:`.devices`, and what has to come in
:mod:`.expectations` and :mod:`.markup`, all of it by hand. Nothing is sent to Xiebao.
"""

from __future__ import annotations

import contextvars
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from typing import NamedTuple, TypeVar

from flask import Flask

from ..app.hooks import check_arguments
from ..app.log import name_of
from ..app.state import State, current_state
from ..errors import ConfigError, LinkError
from ..gateway.values import WrongValueError, check_text, check_web_url
from ..links.members import MemberId, normalize_member
from ..simulator.document import Problem
from ..texts import text
from .browsers import Login, by_flask_login
from .cases import MEMBER, Case, cases
from .devices import AS_OF, DEVICES, Device, app_devices, sample_of
from .expectations import Failure
from .judge import Judge, Outcome, ends_of
from .log_reader import reading_log
from .masks import Mask
from .player import CheckError, Player
from .site import Site
from .site_pages import entries_on

__all__ = [
    "CheckError",
    "Failure",
    "Line",
    "Login",
    "Report",
    "Result",
    "Trouble",
    "check_entries",
    "lines_of",
]

T = TypeVar("T")
_VERSIONS = ("Flask-Xiebao", "Flask")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a case on a device.

    :param case: what was done.
    :param device: on what.
    :param status: of the answer; 0 where nothing was clicked, or none came.
    :param location: where the answer leads, without the sign.
    :param rendered: what a template made, without what lets somebody in.
    :param seconds: how many seconds it took.
    :param failures: what is wrong.
    """

    case: Case
    device: Device
    status: int = 0
    location: str = ""
    rendered: str = ""
    seconds: float = 0
    failures: Sequence[Failure] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    @property
    def ends(self) -> str:
        """What had to come of it here; see :class:`.Case`."""
        return ends_of(self.case, self.device)[0]

    def should_in(self, locale: str) -> str:
        """Say what had to come of it here."""
        return text(locale, f"check.ends.{self.ends}")

    @property
    def platform(self) -> str:
        """The code that the gateway was to get; "" where nobody was to go there."""
        ends, platform = ends_of(self.case, self.device)
        return platform if ends == "gateway" and not self.case.template else ""


class Line(NamedTuple):
    """A line of a report's table: a case, and what came of it on each device."""

    case: Case
    """What was tried."""
    results: dict[str, Result]
    """What came of it, by the name of the device."""


def lines_of(results: Iterable[Result]) -> list[Line]:
    """Return results as the lines of a table."""
    lines: dict[str, Line] = {}
    for result in results:
        line = lines.setdefault(result.case.page or result.case.name, Line(result.case, {}))
        line.results[result.device.name] = result
    return list(lines.values())


@dataclass
class Trouble:
    """Something that is wrong, wherever it is.

    :ivar failures: each difference between what came and what should have, with the results in
        which it shows.
    """

    failures: dict[Failure, list[Result]] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """What it is; see :class:`.Failure`."""
        return next(iter(self.failures)).code

    @property
    def results(self) -> list[Result]:
        """Where it is, each result once."""
        found = {id(result): result for each in self.failures.values() for result in each}
        return list(found.values())

    def means_in(self, locale: str) -> str:
        """Return what it means to the site, and what to do."""
        return next(iter(self.failures)).means_in(locale)


@dataclass(kw_only=True, repr=False)
class Report:
    """What a check found.

    :ivar site: the name of the app.
    :ivar url: where the site says that it is; None where it does not.
    :ivar environment: ``test`` or ``production``.
    :ivar gateway: where the entries have to lead.
    :ivar at: when it began.
    :ivar member: whose clicks they were, where that is a member of the site's.
    :ivar versions: of Flask-Xiebao and of Flask.
    :ivar devices_as_of: the month of which the list of devices is.
    :ivar notes: what has to be known beside the results, by the keys of their texts.
    :ivar results: what came of each case on each device.
    :ivar command: the command that repeats the check, without the choice of cases and devices.
    :ivar options: its further options.
    """

    site: str
    url: str | None
    environment: str
    gateway: str
    at: datetime
    member: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    devices_as_of: str = AS_OF
    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    command: str = "flask xiebao check"
    options: str = ""

    @property
    def failed(self) -> list[Result]:
        """Those of the results that are wrong."""
        return [result for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        """Whether there are results, and none is wrong."""
        return bool(self.results) and not self.failed

    @property
    def counts(self) -> tuple[int, int]:
        """How many passed, and how many failed."""
        failed = len(self.failed)
        return len(self.results) - failed, failed

    @property
    def pages(self) -> dict[str, int]:
        """How many entries and codes were found on each page of the site."""
        found: dict[str, set[str]] = {}
        for result in self.results:
            case = result.case
            if case.page:
                found.setdefault(case.site_page, set()).update({case.page} - {case.site_page})
        return {page: len(entries) for page, entries in found.items()}

    @property
    def devices(self) -> list[Device]:
        """The devices that were clicked with, each once."""
        return list({result.device.name: result.device for result in self.results}.values())

    def problems(self) -> list[Trouble]:
        """Return what is wrong, each kind once; what is wrong most often is first."""
        found: dict[tuple[str, Problem | None], Trouble] = {}
        for result in self.failed:
            for failure in result.failures:
                trouble = found.setdefault((failure.code, failure.problem), Trouble())
                trouble.failures.setdefault(failure, []).append(result)
        return sorted(found.values(), key=lambda trouble: -len(trouble.results))

    def notes_in(self, locale: str) -> list[str]:
        """Say what has to be known beside the results."""
        return [text(locale, note) for note in self.notes]

    def __repr__(self) -> str:
        return "<Report of {}: {} passed, {} failed>".format(self.site, *self.counts)

    def __str__(self) -> str:
        """Return what a failing test shows."""
        lines = ["{} passed, {} failed.".format(*self.counts)]
        for trouble in self.problems():
            (first, *others), failure = trouble.results, next(iter(trouble.failures))
            lines.append(
                f"{first.case.title_in('en')}, on {first.device.title_in('en')}"
                f"{f' (and {len(others)} more)' * bool(others)}: {trouble.means_in('en')}"
                f" It came: {failure.came.rstrip('.')}. It should be: {failure.should}."
            )
        return "\n".join(lines)


def check_entries(
    app: Flask,
    *,
    devices: Iterable[str] | None = None,
    only: Collection[str] | None = None,
    pages: Iterable[str] = (),
    member: MemberId | None = None,
    login: Login | None = None,
    app_user_agent: str | None = None,
    url: str | None = None,
    with_receivers: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Report:
    """Follow the entries of a site on many devices, and compare what comes with what should.

    It does not need a browser, or the network. The members are made up, unless one of the site's is
    named; the site's signal receivers and its ``click_guard`` hear nothing of them.

    :param app: the site's app.
    :param devices: names in :data:`.DEVICES`; by default all of them.
    :param only: names of cases, such as ``product-plain``; by default all of them.
    :param pages: pages of the site, such as ``/orders/8``: the entries on them are followed, too.
    :param member: a member of the site's, by their id; by default one is made up.
    :param login: logs a test client in as that member, by the site's own login. On a site that uses
        Flask-Login, a member needs none.
    :param app_user_agent: what the site's own app adds to a User-Agent, such as ``ShopApp/3.2``,
        where ``XIEBAO_APP_USER_AGENT`` does not show it.
    :param url: where the site is, with the path below which it is mounted; by default where its
        settings say that it is.
    :param with_receivers: have the site's receivers and its ``click_guard`` hear of the clicks.
    :param progress: is called with the number of clicks done and the total.
    :raises CheckError: an argument is wrong, there is nothing that it leaves to check, or the login
        logs nobody in.
    :raises ConfigError: the app has no Xiebao.
    """

    def check() -> Report:
        with app.app_context():
            state = current_state()
            who = None if member is None else _member(state, member)
            if login is not None:
                _check_login(login)
            log_in = login or (by_flask_login(app) if who is not None else None)
            player = Player(app, state, who, log_in, url=_address(url), aloud=with_receivers)
            report = _report(
                app, player, known=who is not None or login is not None, asked=url is not None
            )
            own = {device.name: device for device in _own_app(state, app_user_agent, report)}
            on = _chosen({**DEVICES, **own}, devices, "device")
            todo = _cases(player, report, only)
            on_site = [_page(player.site, each) for each in _several(pages)]
            if not todo and not on_site:
                raise CheckError(
                    "Nothing is left to check: this site has no use for the cases that were chosen."
                )
            with reading_log(), warnings.catch_warnings():
                # Flask before 3.1 warns of a Host header that is not SERVER_NAME, as a forged one.
                warnings.filterwarnings("ignore", "Current server name", UserWarning)
                _do(player, report, todo, on, on_site, progress)
        return report

    # A context of its own: whoever asks may be in a request of this very app.
    return contextvars.Context().run(check)


def _member(state: State, member: MemberId) -> str:
    if not state.hooks.members_are_known():
        raise CheckError(
            "This site cannot say who is logged in, so it has no use for a member: add a"
            " member_loader."
        )
    try:
        who = normalize_member(member)
    except LinkError as error:
        raise CheckError(f"{error}") from None
    if who is None:
        raise CheckError(f"The member {member!r} is nobody: give the id of one.")
    return who


def _check_login(login: Login) -> None:
    try:
        check_arguments("login", login, ("client", "member"))
    except ConfigError:
        raise CheckError(
            f"The login {name_of(login)} has to take a test client and a member's id:"
            " def log_in(client, member)."
        ) from None


def _address(url: str | None) -> str | None:
    try:
        return None if url is None else check_web_url(url)
    except WrongValueError as error:
        raise CheckError(f"The url {url!r} {error}") from None


def _report(app: Flask, player: Player, *, known: bool, asked: bool) -> Report:
    """Return the report that begins.

    :param known: whether the member is one of the site's.
    :param asked: whether it was said where the site is.
    """
    site = player.site
    return Report(
        site=app.name,
        url=site.outside if site.knows_its_address or asked else None,
        environment=site.settings.environment,
        gateway=site.gateway,
        at=datetime.now().astimezone(),
        member=player.members[MEMBER] if known else None,
        versions={name: version(name) for name in _VERSIONS},
    )


def _chosen(known: Mapping[str, T], names: Iterable[str] | None, what: str) -> list[T]:
    if names is None:
        return list(known.values())
    names = _several(names)
    if not names:
        raise CheckError(f"Nothing is left to check: name a {what}, or none to have all.")
    for name in names:
        if name not in known:
            likely = get_close_matches(name, known, 3)
            if likely:
                raise CheckError(f"There is no {what} {name!r}. Did you mean {', '.join(likely)}?")
            raise CheckError(f"There is no {what} {name!r}. There are: {', '.join(known)}.")
    return [known[name] for name in names]


def _several(names: Iterable[str]) -> list[str]:
    """Return names as a list; one may have been given alone."""
    return [names] if isinstance(names, str) else list(names)


def _page(site: Site, url: str) -> str:
    try:
        check_text(url)
    except WrongValueError as error:
        raise CheckError(f"The page {url!r} {error}") from None
    is_path = url.startswith("/") and not url.startswith("//")
    if not is_path and not site.is_at(url):
        raise CheckError(
            f"{url!r} is not a page of the site: begin it with /, as /orders/8, or with"
            f" {site.outside}."
        )
    return url


def _own_app(state: State, sample: str | None, report: Report) -> list[Device]:
    """Return the devices that have the site's own app, if it has one."""
    pattern = state.settings.app_user_agent
    if sample == "":
        raise CheckError("app_user_agent is empty: give what the app adds, as ShopApp/3.2.")
    if pattern is None:
        return []
    sample = sample or sample_of(pattern)
    if sample is None:
        report.notes.append("check.note.no_app")
        return []
    return list(app_devices(sample))


def _cases(player: Player, report: Report, only: Collection[str] | None) -> list[Case]:
    site = player.site
    if not site.settings.enabled:
        report.notes.append("check.note.off")
    knows_members = player.state.hooks.members_are_known()
    if not knows_members:
        report.notes.append("check.note.no_members")
    known = {case.name: case for case in cases(enabled=site.settings.enabled)}
    chosen = _chosen(known, only, "case")
    if site.in_development or player.logs_in:
        # There, any Host is taken for the site's own; and no browser has its cookies elsewhere.
        chosen = [case for case in chosen if not case.host or case.ends == "mail"]
    if player.logs_in:
        chosen = [case for case in chosen if case.ends != "loader"]
    if not site.older_keys:
        chosen = [case for case in chosen if case.spoilt != "older_key"]
    chosen = [case for case in chosen if knows_members or not case.needs_login]
    if any(case.ends == "loader" for case in chosen):
        note = "played" if report.member is None else "nobody_logged_in"
        report.notes.append(f"check.note.{note}")
    if "click_guard" in player.state.hooks.functions and not player.aloud:
        report.notes.append("check.note.guard")
    return chosen


def _do(
    player: Player,
    report: Report,
    todo: Sequence[Case],
    devices: Sequence[Device],
    pages: Iterable[str],
    progress: Callable[[int, int], object] | None,
) -> None:
    judge, mask = Judge(player), Mask(player.site)
    of = len(todo) * len(devices)
    since = time.perf_counter()

    def keep(case: Case, device: Device, outcome: Outcome) -> None:
        nonlocal since
        before, since = since, time.perf_counter()
        result = Result(
            case=replace(case, page=mask.hide(case.page)),
            device=device,
            status=outcome.status,
            location=mask.hide(outcome.location),
            rendered=mask.hide(outcome.rendered),
            seconds=since - before,
            failures=[
                replace(each, came=mask.hide(each.came), should=mask.hide(each.should))
                for each in outcome.failures
            ],
        )
        report.results.append(result)
        if progress is not None:
            progress(len(report.results), max(of, len(report.results)))

    for page in pages:
        for device in devices:
            for case, link, problems in entries_on(player, page, device):
                outcome = judge.judge(case, device, link) if link else Outcome([])
                keep(case, device, outcome._replace(failures=[*problems, *outcome.failures]))
    for case in todo:
        for device in devices:
            keep(case, device, judge.judge(case, device))
