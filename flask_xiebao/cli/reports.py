"""The forms in which a check is reported: for a terminal, for other programs, and to be mailed."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import click
from jinja2 import Environment, PackageLoader

from ..testing.acceptance import Report, Result
from ..testing.expectations import Failure
from ..texts import text

#: A report as text, in a locale.
Format = Callable[[Report, str], str]
_SHOWN = 5  # of the places of a problem


def facts(report: Report, locale: str) -> Iterator[tuple[str, str]]:
    """Return what a report is about: names and values."""
    word = partial(text, locale)
    yield word("check.report.site"), f"{report.site}, {report.url or word('check.report.nowhere')}"
    yield word("check.report.environment"), report.environment
    yield word("check.report.gateway"), report.gateway
    yield word("check.report.member"), report.member or word("check.report.made_up")
    yield word("check.report.versions"), ", ".join(map(" ".join, report.versions.items()))
    yield word("check.report.devices"), report.devices_as_of
    yield word("check.report.at"), report.at.strftime("%Y-%m-%d %H:%M:%S %z")


def verdict(report: Report, locale: str) -> str:
    """Say how many passed and failed."""
    failed = len(report.failed)
    passed = len(report.results) - failed
    return text(locale, "check.report.counts", passed=f"{passed:,}", failed=f"{failed:,}")


def where(result: Result, locale: str) -> str:
    """Return what failed, and on which device."""
    return text(
        locale,
        "check.report.on",
        case=result.case.title_in(locale),
        device=result.device.title_in(locale),
    )


def again(result: Result) -> str:
    """Return the command that does the same once more, and nothing else."""
    device = f"--device {result.device.name}"
    if result.case.page:
        page = result.case.page.partition(" · ")[0]
        return f"flask xiebao check --page {shlex.quote(page)} {device}"
    return f"flask xiebao check --case {result.case.name} {device}"


def as_text(report: Report, locale: str) -> str:
    """Return a report for a terminal, in color."""
    return "\n".join(_lines(report, locale))


def _lines(report: Report, locale: str) -> Iterator[str]:
    word = partial(text, locale)
    for name, value in facts(report, locale):
        yield f"{name}{word('check.report.colon')}{value}"
    for note in report.notes_in(locale):
        yield click.style(note, fg="yellow")
    for failure, results in report.problems().items():
        yield ""
        head = word("check.report.failed", count=f"{len(results):,}")
        yield click.style(f"{head} {failure.means_in(locale)}", fg="red", bold=True)
        yield f"  {word('check.report.came')}{word('check.report.colon')}{failure.came}"
        yield f"  {word('check.report.should')}{word('check.report.colon')}{failure.should}"
        for result in results[:_SHOWN]:
            yield f"  - {where(result, locale)}"
        if len(results) > _SHOWN:
            yield f"  - {word('check.report.more', count=f'{len(results) - _SHOWN:,}')}"
        yield f"  {again(results[0])}"
    yield ""
    yield click.style(verdict(report, locale), fg="green" if report.passed else "red", bold=True)


def as_json(report: Report, locale: str) -> str:
    """Return a report for other programs."""
    said = {
        "site": report.site,
        "url": report.url,
        "environment": report.environment,
        "gateway": report.gateway,
        "member": report.member,
        "at": report.at.isoformat(timespec="seconds"),
        "versions": dict(report.versions),
        "devices_as_of": report.devices_as_of,
        "passed": len(report.results) - len(report.failed),
        "failed": len(report.failed),
        "notes": report.notes_in(locale),
        "problems": [
            {**_failure(failure, locale), "where": [_place(result) for result in results]}
            for failure, results in report.problems().items()
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


def _failure(failure: Failure, locale: str) -> dict[str, str]:
    return {
        "code": failure.code,
        "came": failure.came,
        "should": failure.should,
        "means": failure.means_in(locale),
    }


def _place(result: Result) -> dict[str, str]:
    case = result.case
    return {"case": case.page or case.name, "device": result.device.name}


def as_junit(report: Report, locale: str) -> str:
    """Return a report as CI servers read it: JUnit's XML, a suite for each page."""
    suites = ET.Element("testsuites", name="flask xiebao check")
    by_page: dict[str, list[Result]] = {}
    for result in report.results:
        case = result.case
        by_page.setdefault(case.page.partition(" · ")[0] or case.row.name, []).append(result)
    for page, results in by_page.items():
        failed = sum(not result.passed for result in results)
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=page,
            tests=str(len(results)),
            failures=str(failed),
            errors="0",
            timestamp=report.at.isoformat(timespec="seconds"),
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in facts(report, locale):
            ET.SubElement(properties, "property", name=name, value=_for_xml(value))
        for result in results:
            _add_case(suite, page, result, locale)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _add_case(suite: ET.Element, page: str, result: Result, locale: str) -> None:
    title = result.case.title_in(locale)
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_for_xml(f"xiebao.{page}"),
        name=_for_xml(f"{title} [{result.device.name}]"),
    )
    if result.passed:
        return
    first, *_ = result.failures
    failure = ET.SubElement(
        case, "failure", type=first.code, message=_for_xml(first.means_in(locale))
    )
    lines = [
        f"{each.means_in(locale)}\n{text(locale, 'check.report.came')}: {each.came}\n"
        f"{text(locale, 'check.report.should')}: {each.should}"
        for each in result.failures
    ]
    failure.text = _for_xml("\n".join([*lines, again(result)]))


def _for_xml(said: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in said)


def as_html(report: Report, locale: str) -> str:
    """Return a report as one page, with all that it needs in it."""
    environment = Environment(loader=PackageLoader("flask_xiebao"), autoescape=True)
    sheet = (files("flask_xiebao") / "static" / "report.css").read_bytes()
    return environment.get_template("xiebao/report.html").render(
        report=report,
        facts=list(facts(report, locale)),
        verdict=verdict(report, locale),
        problems=report.problems(),
        pages=_by_page(report),
        devices=list({result.device.name: result.device for result in report.results}.values()),
        where=partial(where, locale=locale),
        again=again,
        shown=_SHOWN,
        locale=locale,
        text=partial(text, locale),
        # A page that is mailed is alone, and a policy that forbids styles in pages is met.
        sheet=f"data:text/css;base64,{base64.b64encode(sheet).decode()}",
    )


def _by_page(report: Report) -> Mapping[str, Mapping[Any, Mapping[str, Result]]]:
    """Return the results by page, case and device."""
    pages: dict[str, dict[str, dict[str, Result]]] = {}
    for result in report.results:
        page = result.case.page.partition(" · ")[0] or result.case.row.name
        line = pages.setdefault(page, {}).setdefault(result.case.page or result.case.name, {})
        line[result.device.name] = result
    return pages


FORMATS: dict[str, Format] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "html": as_html,
}
