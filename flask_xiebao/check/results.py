"""What a check found: results, what is wrong, and what has to be known beside that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ..deprecated import RenamedAttribute
from ..texts import get_text
from .cases import Case
from .devices import DEVICES_AS_OF, Device
from .response_checks import Failure


def get_expected_outcome_and_platform(case: Case, device: Device) -> tuple[str, str]:
    """Return what has to come of a case on a device, and the platform of whoever clicks."""
    platform = case.platform or device.platform
    return case.expected_outcome_on(platform), platform


class Note(NamedTuple):
    """What has to be known beside what failed and passed.

    :param key: that of its text.
    :param what: of what that says it.
    """

    key: str
    detail: str = ""


@dataclass(frozen=True)
class Result:
    """What came of a case on a device.

    :param case: what was done.
    :param device: on what.
    :param status: of the answer; 0 where nothing was clicked, or none came.
    :param location: where the answer leads, or a handoff in the end, without the sign.
    :param seconds: how many seconds it took.
    :param failures: what is wrong.
    """

    case: Case
    device: Device
    status: int = 0
    location: str = ""
    seconds: float = 0
    failures: Sequence[Failure] = ()

    # Deprecated names
    ends = RenamedAttribute("expected_outcome")
    should_in = RenamedAttribute("expected_outcome_in")

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    @property
    def expected_outcome(self) -> str:
        """What had to come of it here; see :class:`.Case`."""
        return get_expected_outcome_and_platform(self.case, self.device)[0]

    def expected_outcome_in(self, locale: str) -> str:
        """Say what had to come of it here."""
        return get_text(locale, f"check.ends.{self.expected_outcome}")

    @property
    def platform(self) -> str:
        """The code that the gateway was to get; "" where nobody was to go there."""
        ends, platform = get_expected_outcome_and_platform(self.case, self.device)
        return platform if ends == "gateway" else ""


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


def count_passed_and_failed(results: Sequence[Result]) -> tuple[int, int]:
    """Return how many passed, and how many failed."""
    failed = sum(not result.passed for result in results)
    return len(results) - failed, failed


@dataclass
class Trouble:
    """Something that is wrong, wherever it is.

    :ivar failures: each difference between what came and what should have, with the results in
        which it shows.
    """

    failures: dict[Failure, list[Result]] = field(default_factory=dict)

    # A deprecated name
    means_in = RenamedAttribute("meaning_in")

    @property
    def code(self) -> str:
        """What it is; see :class:`.Failure`."""
        return next(iter(self.failures)).code

    @property
    def results(self) -> list[Result]:
        """Where it is, each result once."""
        found = {id(result): result for each in self.failures.values() for result in each}
        return list(found.values())

    def meaning_in(self, locale: str) -> str:
        """Return what it means to the site, and what to do."""
        return next(iter(self.failures)).meaning_in(locale)


@dataclass(kw_only=True, repr=False)
class Report:
    """What a check found.

    :ivar site: the name of the app.
    :ivar url: where the site says that it is; None where it does not.
    :ivar environment: ``test`` or ``production``.
    :ivar gateway: where the entries have to lead.
    :ivar at: when it began.
    :ivar member: whose clicks they were, where that is a member of the site's; their id is masked.
    :ivar versions: of Flask-Xiebao and of Flask.
    :ivar devices_as_of: the month of which the list of devices is.
    :ivar notes: what has to be known beside the results, by the keys of their texts.
    :ivar results: what came of each case on each device.
    :ivar entries: what the entries of each page are, in a few words.
    :ivar ignored: how often each rule that was left out was broken.
    :ivar not_told: what the check was not told, by the key of its text; "" for nothing.
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
    devices_as_of: str = DEVICES_AS_OF
    results: list[Result] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    entries: dict[str, list[str]] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)
    not_told: str = ""
    command: str = "flask xiebao check"
    options: str = ""

    # Deprecated names
    not_told_in = RenamedAttribute("missing_options_in")
    ignored_in = RenamedAttribute("ignored_rules_in")

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
        return count_passed_and_failed(self.results)

    @property
    def pages(self) -> dict[str, int]:
        """How many entries were found on each page of the site."""
        return {page: len(entries) for page, entries in self.entries.items()}

    @property
    def devices(self) -> list[Device]:
        """The devices that were clicked with, those on which most was done first."""
        done = Counter(result.device.name for result in self.results)
        devices = {result.device.name: result.device for result in self.results}
        return sorted(devices.values(), key=lambda device: -done[device.name])

    def problems(self) -> list[Trouble]:
        """Return what is wrong, each kind once; what is wrong most often is first."""
        found: dict[str, Trouble] = {}
        for result in self.failed:
            for failure in result.failures:
                trouble = found.setdefault(failure.code, Trouble())
                trouble.failures.setdefault(failure, []).append(result)
        return sorted(found.values(), key=lambda trouble: -len(trouble.results))

    def notes_in(self, locale: str) -> list[str]:
        """Say what has to be known beside the results."""
        return [get_text(locale, note.key, what=note.detail) for note in dict.fromkeys(self.notes)]

    def ignored_rules_in(self, locale: str) -> str:
        """Say which rules were left out, and how often each was broken; "" for none."""
        said = [f"{rule} ({count:,})" for rule, count in self.ignored.items()]
        if not said:
            return ""
        return get_text(
            locale, "check.report.ignored", rules=get_text(locale, "list.comma").join(said)
        )

    def missing_options_in(self, locale: str) -> str:
        """Say what the check was not told; "" for nothing."""
        return get_text(locale, self.not_told) if self.not_told else ""

    def __repr__(self) -> str:
        return "<Report of {}: {} passed, {} failed>".format(self.site, *self.counts)

    def __str__(self) -> str:
        """Return what a failing test shows."""
        lines = ["{} passed, {} failed.".format(*self.counts)]
        for trouble in self.problems():
            (first, *others), failure = trouble.results, next(iter(trouble.failures))
            lines.append(
                f"{first.case.title_in('en')}, on {first.device.title_in('en')}"
                f"{f' (and {len(others)} more)' * bool(others)}: {failure}"
            )
        return "\n".join(lines)
