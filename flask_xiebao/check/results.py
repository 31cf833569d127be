"""The results of a check, the problems that they show, and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ..deprecated import DeprecatedAlias
from ..texts import get_text
from .cases import Case
from .devices import DEVICES_AS_OF, Device
from .response_checks import Failure


def get_expected_outcome_and_platform(case: Case, device: Device) -> tuple[str, str]:
    """Return a test case's expected outcome on a device, and the gateway's platform code."""
    platform = case.platform or device.platform
    return case.expected_outcome_on(platform), platform


class Note(NamedTuple):
    """A note for the reader of a report, in addition to the results.

    :param key: The text key.
    :param detail: The thing that the text is about, for example a page.
    """

    key: str
    detail: str = ""


@dataclass(frozen=True)
class Result:
    """The result of running a test case of the check on a device, such as an iPhone.

    :param case: The case.
    :param device: The device.
    :param status: The status of the response, or 0 if nothing was clicked or there was no response.
    :param location: The URL to which the response redirects, without the sign. For a handoff, the
        URL to which the handoff page's link for tablets redirects.
    :param seconds: The duration in seconds.
    :param failures: The differences between actual and expected values.
    """

    case: Case
    device: Device
    status: int = 0
    location: str = ""
    seconds: float = 0
    failures: Sequence[Failure] = ()

    # Deprecated names
    ends = DeprecatedAlias("expected_outcome")
    should_in = DeprecatedAlias("expected_outcome_in")

    @property
    def passed(self) -> bool:
        """True if there are no failures."""
        return not self.failures

    @property
    def expected_outcome(self) -> str:
        """The outcome that the test case must have on this device; see :class:`.Case`."""
        return get_expected_outcome_and_platform(self.case, self.device)[0]

    def expected_outcome_in(self, locale: str) -> str:
        """Return a description of the outcome that is expected on this device."""
        return get_text(locale, f"check.ends.{self.expected_outcome}")

    @property
    def platform(self) -> str:
        """The ``platform`` code that the gateway must get, or "" if a click must not lead there."""
        outcome, platform = get_expected_outcome_and_platform(self.case, self.device)
        return platform if outcome == "gateway" else ""


class Line(NamedTuple):
    """A row of a report's table: a test case of the check and its result on each device."""

    case: Case
    """The case."""
    results: dict[str, Result]
    """The results, by the name of the device."""


def lines_of(results: Iterable[Result]) -> list[Line]:
    """Return results as the rows of a table, one row for each test case, failed ones first."""
    lines: dict[str, Line] = {}
    for result in results:
        line = lines.setdefault(result.case.page or result.case.name, Line(result.case, {}))
        line.results[result.device.name] = result
    return sorted(
        lines.values(), key=lambda line: all(result.passed for result in line.results.values())
    )


def count_passed_and_failed(results: Sequence[Result]) -> tuple[int, int]:
    """Return the number of passed results and the number of failed results."""
    failed = sum(not result.passed for result in results)
    return len(results) - failed, failed


@dataclass
class Trouble:
    """A problem of the site: the group of all failures that have the same failure code.

    :ivar failures: The different failures, each with the results that have it.
    """

    failures: dict[Failure, list[Result]] = field(default_factory=dict)

    # A deprecated name
    means_in = DeprecatedAlias("meaning_in")

    @property
    def code(self) -> str:
        """The code that all failures of this problem have; see :class:`.Failure`."""
        return next(iter(self.failures)).code

    @property
    def results(self) -> list[Result]:
        """The results in which the problem occurred, without duplicates."""
        by_id = {id(result): result for each in self.failures.values() for result in each}
        return list(by_id.values())

    def meaning_in(self, locale: str) -> str:
        """Return what the problem means for the site and what to do."""
        return next(iter(self.failures)).meaning_in(locale)


@dataclass(kw_only=True, repr=False)
class Report:
    """The report of a check of a site's insurance entries.

    :ivar site: The name of the app.
    :ivar url: The URL of the site, or None if neither the caller nor the settings specify it.
    :ivar environment: ``test`` or ``production``.
    :ivar gateway: The gateway to which the entries must lead, as a URL or a path of the site.
    :ivar at: The time when the check began.
    :ivar member: The masked id of the site's member who clicks, or None for a placeholder member.
    :ivar versions: The versions of Flask-Xiebao and Flask.
    :ivar devices_as_of: The month in which the list of devices was last updated.
    :ivar notes: Notes for the reader, with their text keys.
    :ivar results: The result of each case on each device.
    :ivar entries: Short descriptions of the entries on each page.
    :ivar ignored: The number of failures of each ignored rule.
    :ivar not_told: The key of the text that names the options that were not passed to the check,
        or "".
    :ivar command: The command that repeats the check, without the choice of cases and devices.
    :ivar options: The other options of that command.
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
    not_told_in = DeprecatedAlias("missing_options_in")
    ignored_in = DeprecatedAlias("ignored_rules_in")

    @property
    def failed(self) -> list[Result]:
        """The results that have failures."""
        return [result for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        """True if there are results and none of them failed."""
        return bool(self.results) and not self.failed

    @property
    def counts(self) -> tuple[int, int]:
        """The number of passed results and the number of failed results."""
        return count_passed_and_failed(self.results)

    def build_tables(self, results: Iterable[Result]) -> list[tuple[list[Device], list[Line]]]:
        """Return results as tables without empty columns.

        The test cases in a table ran on the same devices. The devices are the table's columns.

        :param results: Results of this report.
        """
        lines_by_devices: dict[frozenset[str], list[Line]] = {}
        for line in lines_of(results):
            lines_by_devices.setdefault(frozenset(line.results), []).append(line)
        devices = self.devices
        return [
            ([device for device in devices if device.name in names], lines)
            for names, lines in lines_by_devices.items()
        ]

    @property
    def pages(self) -> dict[str, int]:
        """The number of entries that were found on each page of the site."""
        return {page: len(entries) for page, entries in self.entries.items()}

    @property
    def devices(self) -> list[Device]:
        """The devices of the results, sorted by their numbers of results, highest first."""
        counts = Counter(result.device.name for result in self.results)
        devices = {result.device.name: result.device for result in self.results}
        return sorted(devices.values(), key=lambda device: -counts[device.name])

    def problems(self) -> list[Trouble]:
        """Return the problems, one for each failure code. The most frequent problem comes first."""
        by_code: dict[str, Trouble] = {}
        for result in self.failed:
            for failure in result.failures:
                trouble = by_code.setdefault(failure.code, Trouble())
                trouble.failures.setdefault(failure, []).append(result)
        return sorted(by_code.values(), key=lambda trouble: -len(trouble.results))

    def notes_in(self, locale: str) -> list[str]:
        """Return the texts of the notes, without duplicates."""
        return [get_text(locale, note.key, what=note.detail) for note in dict.fromkeys(self.notes)]

    def ignored_rules_in(self, locale: str) -> str:
        """Return a text with the ignored rules and how often each was broken, or "" for none."""
        rules = [f"{rule} ({count:,})" for rule, count in self.ignored.items()]
        if not rules:
            return ""
        return get_text(
            locale, "check.report.ignored", rules=get_text(locale, "list.comma").join(rules)
        )

    def missing_options_in(self, locale: str) -> str:
        """Return a text that recommends options that were not passed, or "" if there are none."""
        return get_text(locale, self.not_told) if self.not_told else ""

    def __repr__(self) -> str:
        return "<Report of {}: {} passed, {} failed>".format(self.site, *self.counts)

    def __str__(self) -> str:
        """Return a summary of the report, for the message of a failed assertion in a test.

        It contains the number of passed and failed results, and the first result of each problem.
        """
        lines = ["{} passed, {} failed.".format(*self.counts)]
        for trouble in self.problems():
            (first, *others), failure = trouble.results, next(iter(trouble.failures))
            lines.append(
                f"{first.case.title_in('en')}, on {first.device.title_in('en')}"
                f"{f' (and {len(others)} more)' * bool(others)}: {failure}"
            )
        return "\n".join(lines)
