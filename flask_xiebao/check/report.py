"""The results of a check, and the report as text, JSON, JUnit XML or HTML."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.resources import files
from types import MappingProxyType
from xml.etree import ElementTree as ET  # nosec B405

import click
from jinja2 import Environment, PackageLoader

from ..texts import get_text, get_text_keys
from .devices import Device

#: The prefix of the texts that explain the rules.
RULE_PREFIX = "check.means."


@dataclass(frozen=True)
class Failure:
    """Something that is wrong on a page, in a click or in a setting.

    :param rule: The rule that is broken, as ``--ignore`` names it.
    :param actual: The observation. It contains no secrets after the check has masked it.
    :param expected: The expected value, or "".
    :param suspects: The names of the request hooks that may be the cause, or "".
    """

    rule: str
    actual: str
    expected: str = ""
    suspects: str = ""

    def explain_in(self, locale: str) -> str:
        """Return what a member suffers, and what to do."""
        meaning = get_text(locale, RULE_PREFIX + self.rule)
        if not self.suspects:
            return meaning
        suspects = get_text(locale, "suspects", hooks=self.suspects)
        return get_text(locale, "list.sentences", first=meaning, then=suspects)

    def message_in(self, locale: str) -> str:
        """Return the explanation, followed by the actual and the expected value."""
        key = "check.failure" if self.expected else "check.failure.actual"
        return get_text(
            locale,
            key,
            meaning=self.explain_in(locale),
            actual=self.actual.rstrip("."),
            expected=self.expected,
        )


@dataclass(frozen=True)
class Result:
    """The result of one click, or of what the check saw on one page or in the settings.

    :param page: The page of the site, or "" for the check's own clicks and the settings.
    :param entry: The short description of the entry, the name of the check's own click, or "" for
        the page itself.
    :param device: The device, or None for the settings.
    :param visitor: ``member`` or ``nobody``.
    :param status: The status of the response, or 0 if nothing was clicked.
    :param location: The target of the redirect, without secrets.
    :param failures: Everything that is wrong.
    """

    page: str
    entry: str = ""
    device: Device | None = None
    visitor: str = "member"
    status: int = 0
    location: str = ""
    failures: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        """True if nothing is wrong."""
        return not self.failures

    def title_in(self, locale: str) -> str:
        """Return a title that names the page and the entry."""
        if not self.page:
            return get_text(locale, f"check.case.{self.entry or 'site'}")
        entry = self.entry
        if entry and self.visitor == "nobody":
            entry = get_text(locale, "check.report.anonymous", entry=entry)
        return " · ".join(filter(None, (self.page, entry)))


@dataclass(frozen=True)
class SiteProblem:
    """Equal failures in all places of the site.

    :param failure: The failure.
    :param results: The results that have the failure.
    """

    failure: Failure
    results: list[Result] = field(default_factory=list)

    def places_in(self, locale: str) -> list[str]:
        """Return the titles of the places, each with its device if only one device has it."""
        devices: dict[str, list[Device]] = {}
        for result in self.results:
            names = devices.setdefault(result.title_in(locale), [])
            if result.device is not None:
                names.append(result.device)
        return [
            get_text(locale, "check.report.on", place=place, device=each[0].title_in(locale))
            if len(each) == 1
            else place
            for place, each in devices.items()
        ]


@dataclass(kw_only=True, repr=False)
class Report:
    """The report of a check of a site's insurance entries.

    :ivar site: The name of the app.
    :ivar url: The URL of the site.
    :ivar environment: ``test`` or ``production``.
    :ivar gateway: The gateway to which the entries must lead, as a URL or a path of the site.
    :ivar at: The time when the check began.
    :ivar versions: The versions of Flask-Xiebao and Flask.
    :ivar results: The results.
    :ivar notes: Notes for the reader, as the last parts of text keys.
    :ivar ignored: The number of failures of each ignored rule.
    """

    site: str
    url: str
    environment: str
    gateway: str
    at: datetime
    versions: Mapping[str, str]
    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> list[Result]:
        """The results that have failures."""
        return [result for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        """True if there are results and none of them failed."""
        return bool(self.results) and not self.failed

    @property
    def devices(self) -> list[Device]:
        """The devices of the results."""
        devices = {each.device.name: each.device for each in self.results if each.device}
        return list(devices.values())

    @property
    def rows(self) -> list[tuple[Result, dict[str, Result]]]:
        """The clicks as rows of a table, each with its first result and all results by device."""
        rows: dict[tuple[str, ...], dict[str, Result]] = {}
        for result in self.results:
            if result.device is not None:
                place = (result.page, result.entry, result.visitor)
                rows.setdefault(place, {})[result.device.name] = result
        return [(next(iter(row.values())), row) for row in rows.values()]

    @property
    def problems(self) -> list[SiteProblem]:
        """The problems, with the results that have each of them. The most frequent comes first."""
        problems: dict[Failure, SiteProblem] = {}
        for result in self.failed:
            for failure in result.failures:
                problems.setdefault(failure, SiteProblem(failure)).results.append(result)
        return sorted(problems.values(), key=lambda problem: -len(problem.results))

    def notes_in(self, locale: str) -> list[str]:
        """Return the notes, and a sentence about the ignored rules, if there are any."""
        notes = [get_text(locale, f"check.note.{name}") for name in self.notes]
        rules = [f"{rule} ({count:,})" for rule, count in self.ignored.items()]
        if rules:
            names = get_text(locale, "list.comma").join(rules)
            notes.append(get_text(locale, "check.report.ignored", rules=names))
        return notes

    def facts_in(self, locale: str) -> dict[str, str]:
        """Return names and values that describe the checked site."""
        versions = get_text(locale, "list.comma").join(map(" ".join, self.versions.items()))
        facts = {
            "site": f"{self.site}, {self.url}",
            "environment": self.environment,
            "gateway": self.gateway,
            "versions": versions,
            "at": self.at.strftime("%Y-%m-%d %H:%M:%S %z"),
        }
        return {get_text(locale, f"check.report.{name}"): fact for name, fact in facts.items()}

    def verdict_in(self, locale: str) -> str:
        """Return a mark and the number of passed and failed results."""
        failed = len(self.failed)
        counts = {"passed": f"{len(self.results) - failed:,}", "failed": f"{failed:,}"}
        mark = "✓" if self.passed else "✗"
        return f"{mark} {get_text(locale, 'check.report.counts', **counts)}"

    def __repr__(self) -> str:
        return f"<Report of {self.site}: {self.verdict_in('en')}>"

    def __str__(self) -> str:
        return click.unstyle(format_text_report(self))


def get_rules() -> list[str]:
    """Return the names of all rules of the check."""
    return sorted(
        key.removeprefix(RULE_PREFIX) for key in get_text_keys() if key.startswith(RULE_PREFIX)
    )


def format_text_report(report: Report, locale: str = "en") -> str:
    """Return a report as colored text for a terminal, with one line for each problem."""
    lines = [
        f"{name}{get_text(locale, 'check.report.colon')}{value}"
        for name, value in report.facts_in(locale).items()
    ]
    for problem in report.problems:
        places = _join_places(problem.places_in(locale), locale)
        lines += ["", f"{click.style(f'✗ {places}', fg='red', bold=True)} [{problem.failure.rule}]"]
        lines.append(f"  {problem.failure.message_in(locale)}")
    lines += ["", *(click.style(note, fg="yellow") for note in report.notes_in(locale))]
    color = "green" if report.passed else "red"
    lines.append(click.style(report.verdict_in(locale), fg=color, bold=True))
    return "\n".join(lines)


def _join_places(places: list[str], locale: str, limit: int = 5) -> str:
    more = len(places) - limit
    if more > 0:
        places = [*places[:limit], get_text(locale, "check.report.more", count=f"{more:,}")]
    return get_text(locale, "list.comma").join(places)


def build_json_report(report: Report, locale: str = "en") -> str:
    """Return a report as JSON for other programs."""
    content = {
        "site": report.site,
        "url": report.url,
        "environment": report.environment,
        "gateway": report.gateway,
        "at": report.at.isoformat(timespec="seconds"),
        "versions": dict(report.versions),
        "passed": len(report.results) - len(report.failed),
        "failed": len(report.failed),
        "ignored": dict(report.ignored),
        "notes": report.notes_in(locale),
        "problems": [
            {
                "rule": problem.failure.rule,
                "explanation": problem.failure.explain_in(locale),
                "actual": problem.failure.actual,
                "expected": problem.failure.expected,
                "places": problem.places_in(locale),
            }
            for problem in report.problems
        ],
        "results": [
            {
                "page": result.page,
                "entry": result.entry,
                "device": result.device.name if result.device else None,
                "visitor": result.visitor,
                "status": result.status or None,
                "location": result.location or None,
                "rules": [failure.rule for failure in result.failures],
            }
            for result in report.results
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


def build_junit_report(report: Report, locale: str = "en") -> str:
    """Return a report as JUnit XML for CI servers."""
    counts = {"tests": str(len(report.results)), "failures": str(len(report.failed))}
    suite = ET.Element("testsuite", {"name": "flask xiebao check", **counts})
    suite.set("timestamp", report.at.isoformat(timespec="seconds"))
    properties = ET.SubElement(suite, "properties")
    facts = [
        *report.facts_in(locale).items(),
        *(("note", each) for each in report.notes_in(locale)),
    ]
    for name, value in facts:
        ET.SubElement(properties, "property", name=name, value=value)
    for result in report.results:
        title = result.title_in(locale)
        if result.device is not None:
            device = result.device.title_in(locale)
            title = get_text(locale, "check.report.on", place=title, device=device)
        case = ET.SubElement(suite, "testcase", classname=result.page or "xiebao", name=title)
        if result.failures:
            messages = [failure.message_in(locale) for failure in result.failures]
            failure = ET.SubElement(case, "failure", message=messages[0])
            failure.text = "\n".join(messages)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)


def build_html_report(report: Report, locale: str = "en") -> str:
    """Return a report as an HTML page without scripts, whose stylesheet is in a data: URL."""
    environment = Environment(loader=PackageLoader("flask_xiebao"), autoescape=True)
    stylesheet = files("flask_xiebao").joinpath("static/report.css").read_bytes()
    return environment.get_template("xiebao/report.html").render(
        report=report,
        locale=locale,
        text=partial(get_text, locale),
        stylesheet=f"data:text/css;base64,{base64.b64encode(stylesheet).decode()}",
    )


#: The functions that format a report, by the name of the format.
FORMATS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "text": format_text_report,
        "json": build_json_report,
        "junit": build_junit_report,
        "html": build_html_report,
    }
)
