"""The forms in which a check is reported: for a terminal, for other programs, and to be mailed."""

from __future__ import annotations

import base64
import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from types import MappingProxyType
from xml.etree import ElementTree as ET  # nosec B405

import click
from jinja2 import Environment, PackageLoader

from ..simulator.document import PLATFORMS
from ..texts import text
from .results import Report, Result, Trouble, counts_of, lines_of

#: Makes a text of a report, in a locale, which is English by default.
Format = Callable[..., str]
# Of a problem: how many places, and differences, are shown.
_SHOWN, _DIFFERENCES = 5, 3


def facts(report: Report, locale: str) -> list[tuple[str, str]]:
    """Return what a report is about: names and values."""
    word = partial(text, locale)
    comma = word("list.comma")
    member = word("check.report.named") if report.member == "…" else report.member
    return [
        (
            word("check.report.site"),
            comma.join((report.site, report.url or word("check.report.nowhere"))),
        ),
        (word("check.report.environment"), report.environment),
        (word("check.report.gateway"), report.gateway),
        (word("check.report.member"), member or word("check.report.made_up")),
        *((page, _counted(entries, locale)) for page, entries in report.entries.items()),
        (word("check.report.versions"), comma.join(map(" ".join, report.versions.items()))),
        (word("check.report.devices"), report.devices_as_of),
        (word("check.report.at"), report.at.strftime("%Y-%m-%d %H:%M:%S %z")),
    ]


def _counted(entries: Sequence[str], locale: str) -> str:
    """Return what the entries of a page are, each once, and of many only the first."""
    said = [f"{said} ×{n}" if n > 1 else said for said, n in Counter(entries).items()]
    more = len(said) - _SHOWN
    said[_SHOWN:] = [text(locale, "check.report.more", count=f"{more:,}")] if more > 0 else []
    return text(locale, "list.comma").join(said) or "—"


def remarks(report: Report, locale: str) -> list[str]:
    """Say what has to be known beside the results, and what the verdict leaves out."""
    return [*report.notes_in(locale), *reservations(report, locale)]


def verdict(results: Sequence[Result], locale: str) -> str:
    """Say how many passed and failed."""
    passed, failed = counts_of(results)
    return text(locale, "check.report.counts", passed=f"{passed:,}", failed=f"{failed:,}")


def reservations(report: Report, locale: str) -> list[str]:
    """Say what the verdict leaves out: what the check was not told, and the rules left out."""
    return [*filter(None, (report.not_told_in(locale), report.ignored_in(locale)))]


def where(result: Result, locale: str) -> str:
    """Return what failed, and on which device."""
    if not result.case.is_done:
        return result.case.title_in(locale)
    return text(
        locale,
        "check.report.on",
        case=result.case.title_in(locale),
        device=result.device.title_in(locale),
    )


def again(report: Report, result: Result) -> str:
    """Return the command that does the same once more."""
    case = result.case
    # With a page, one case alone: what is on the page is what matters.
    page = f"--page {shlex.quote(case.site_page)} " if case.page else ""
    what = f"{page}--case {'product-plain' if page else case.name} --device {result.device.name}"
    return " ".join(filter(None, [report.command, what if case.is_done else "", report.options]))


def differences(trouble: Trouble, locale: str) -> list[tuple[str, str]]:
    """Return what came and what should have, as far as that differs between places."""
    return [(failure.came_in(locale), failure.should) for failure in trouble.failures]


def as_text(report: Report, locale: str = "en") -> str:
    """Return a report for a terminal, in color."""
    return "\n".join(_lines(report, locale))


def _lines(report: Report, locale: str) -> Iterator[str]:
    word = partial(text, locale)
    colon = word("check.report.colon")
    for name, value in facts(report, locale):
        yield f"{name}{colon}{value}"
    for trouble in report.problems():
        results = trouble.results
        yield ""
        head = word("check.report.failed", count=f"{len(results):,}")
        yield click.style(f"{head}  {trouble.means_in(locale)}", fg="red", bold=True)
        yield f"  {word('check.report.rule')}{colon}{trouble.code}"
        pairs = differences(trouble, locale)
        for number, (came, should) in enumerate(pairs[:_DIFFERENCES]):
            if number:
                yield ""
            yield f"  {word('check.report.came')}{colon}{came}"
            yield f"  {word('check.report.should')}{colon}{should}"
        if len(pairs) > _DIFFERENCES:
            yield f"  {word('check.report.more', count=f'{len(pairs) - _DIFFERENCES:,}')}"
        for result in results[:_SHOWN]:
            yield f"  - {where(result, locale)}"
        if len(results) > _SHOWN:
            yield f"  - {word('check.report.more', count=f'{len(results) - _SHOWN:,}')}"
        yield f"  {again(report, results[0])}"
    yield ""
    for said in remarks(report, locale):
        yield click.style(said, fg="yellow")
    mark, color = ("✓", "green") if report.passed else ("✗", "red")
    yield click.style(f"{mark} {verdict(report.results, locale)}", fg=color, bold=True)


def as_json(report: Report, locale: str = "en") -> str:
    """Return a report for other programs."""
    passed, failed = report.counts
    said = {
        "site": report.site,
        "url": report.url,
        "environment": report.environment,
        "gateway": report.gateway,
        "member": report.member,
        "at": report.at.isoformat(timespec="seconds"),
        "versions": dict(report.versions),
        "devices_as_of": report.devices_as_of,
        "passed": passed,
        "failed": failed,
        "not_told": report.not_told_in(locale),
        "ignored": dict(report.ignored),
        "entries": report.entries,
        "notes": report.notes_in(locale),
        "problems": [
            {
                "code": trouble.code,
                "means": trouble.means_in(locale),
                "differences": [
                    {
                        "came": failure.came,
                        "should": failure.should,
                        "step": failure.step_in(locale),
                        "where": [_place(result) for result in results],
                    }
                    for failure, results in trouble.failures.items()
                ],
            }
            for trouble in report.problems()
        ],
        "results": [
            {
                **_place(result),
                "title": where(result, locale),
                "expected": result.should_in(locale),
                "status": result.status or None,
                "location": result.location or None,
                "passed": result.passed,
            }
            for result in report.results
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=1)


def _place(result: Result) -> dict[str, str]:
    case = result.case
    return {"case": case.page or case.name, "device": result.device.name}


def as_junit(report: Report, locale: str = "en") -> str:
    """Return a report as CI servers read it: JUnit's XML, a suite for each page."""
    suites = ET.Element("testsuites", {"name": "flask xiebao check", **_counts(report.results)})
    about = [*facts(report, locale), *(("note", said) for said in remarks(report, locale))]
    for page, results in _by_page(report, locale).items():
        suite = ET.SubElement(
            suites,
            "testsuite",
            {
                "name": _for_xml(page),
                "timestamp": report.at.isoformat(timespec="seconds"),
                **_counts(results),
            },
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in about:
            ET.SubElement(properties, "property", name=_for_xml(name), value=_for_xml(value))
        for result in results:
            _add_case(suite, page, report, result, locale)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _by_page(report: Report, locale: str) -> dict[str, list[Result]]:
    """Return the results of each page: those of the site, and then those of the gateway."""
    found: dict[str, list[Result]] = {}
    for result in report.results:
        case = result.case
        row = text(locale, "check.report.site") if case.is_of_site else case.row.title_in(locale)
        page = case.site_page or row
        found.setdefault(page, []).append(result)
    return found


def _counts(results: Sequence[Result]) -> dict[str, str]:
    errors = sum(_crashed(result) for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results) - errors),
        "errors": str(errors),
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _crashed(result: Result) -> bool:
    return any(failure.code.partition(".")[0] == "crash" for failure in result.failures)


def _add_case(suite: ET.Element, page: str, report: Report, result: Result, locale: str) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_for_xml(f"xiebao.{page}"),
        name=_for_xml(f"{result.case.what_in(locale)} [{result.device.name}]"),
        time=f"{result.seconds:.3f}",
    )
    if result.passed:
        return
    first, *_ = result.failures
    failure = ET.SubElement(
        case,
        "error" if _crashed(result) else "failure",
        type=first.code,
        message=_for_xml(first.means_in(locale)),
    )
    lines = [
        f"{each.means_in(locale)}\n{text(locale, 'check.report.came')}: {each.came_in(locale)}\n"
        f"{text(locale, 'check.report.should')}: {each.should}"
        for each in result.failures
    ]
    failure.text = _for_xml("\n".join([*lines, again(report, result)]))


def _for_xml(said: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in said)


def as_html(report: Report, locale: str = "en") -> str:
    """Return a report as one page, with all that it needs in it."""
    environment = Environment(loader=PackageLoader("flask_xiebao"), autoescape=True)
    sheet = (files("flask_xiebao") / "static" / "report.css").read_bytes()
    return environment.get_template("xiebao/report.html").render(
        report=report,
        facts=facts(report, locale),
        reservations=reservations(report, locale),
        verdict=verdict(report.results, locale),
        pages={
            page: (lines_of(results), verdict(results, locale))
            for page, results in _by_page(report, locale).items()
        },
        where=partial(where, locale=locale),
        again=partial(again, report),
        differences=partial(differences, locale=locale),
        shown=_SHOWN,
        most=_DIFFERENCES,
        platforms=PLATFORMS,
        locale=locale,
        text=partial(text, locale),
        # A page that is mailed is alone, and a policy that forbids styles in pages is met.
        sheet=f"data:text/css;base64,{base64.b64encode(sheet).decode()}",
    )


#: The forms by name: ``FORMATS["html"](report, "en")`` is a page.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {"text": as_text, "json": as_json, "junit": as_junit, "html": as_html}
)
