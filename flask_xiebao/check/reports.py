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

from ..simulator.document import PLATFORM_NAMES
from ..texts import get_text
from .results import Report, Result, Trouble, count_passed_and_failed, lines_of

#: Makes a text of a report, in a locale, which is English by default.
ReportFormatter = Callable[..., str]
# Of a problem: how many places, and differences, are shown.
_MAX_SHOWN_ITEMS, _MAX_SHOWN_PAIRS = 5, 3


def build_site_facts(report: Report, locale: str) -> list[tuple[str, str]]:
    """Return what a report is about: names and values."""
    word = partial(get_text, locale)
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
        *(
            (page, _format_entry_counts(entries, locale))
            for page, entries in report.entries.items()
        ),
        (word("check.report.versions"), comma.join(map(" ".join, report.versions.items()))),
        (word("check.report.devices"), report.devices_as_of),
        (word("check.report.at"), report.at.strftime("%Y-%m-%d %H:%M:%S %z")),
    ]


def _format_entry_counts(entries: Sequence[str], locale: str) -> str:
    """Return what the entries of a page are, each once, and of many only the first."""
    said = [f"{said} ×{n}" if n > 1 else said for said, n in Counter(entries).items()]
    more = len(said) - _MAX_SHOWN_ITEMS
    said[_MAX_SHOWN_ITEMS:] = (
        [get_text(locale, "check.report.more", count=f"{more:,}")] if more > 0 else []
    )
    return get_text(locale, "list.comma").join(said) or "—"


def get_notes_and_verdict_omissions(report: Report, locale: str) -> list[str]:
    """Say what has to be known beside the results, and what the verdict leaves out."""
    return [*report.notes_in(locale), *get_verdict_omissions(report, locale)]


def format_passed_and_failed(results: Sequence[Result], locale: str) -> str:
    """Say how many passed and failed."""
    passed, failed = count_passed_and_failed(results)
    return get_text(locale, "check.report.counts", passed=f"{passed:,}", failed=f"{failed:,}")


def get_verdict_omissions(report: Report, locale: str) -> list[str]:
    """Say what the verdict leaves out: what the check was not told, and the rules left out."""
    return [*filter(None, (report.missing_options_in(locale), report.ignored_rules_in(locale)))]


def format_result_title(result: Result, locale: str) -> str:
    """Return what failed, and on which device."""
    if not result.case.can_be_repeated:
        return result.case.title_in(locale)
    return get_text(
        locale,
        "check.report.on",
        case=result.case.title_in(locale),
        device=result.device.title_in(locale),
    )


def build_repeat_command(report: Report, result: Result) -> str:
    """Return the command that does the same once more."""
    case = result.case
    # With a page, one case alone: what is on the page is what matters.
    page = f"--page {shlex.quote(case.site_page)} " if case.page else ""
    what = f"{page}--case {'product-plain' if page else case.name} --device {result.device.name}"
    return " ".join(
        filter(None, [report.command, what if case.can_be_repeated else "", report.options])
    )


def get_actual_and_expected_values(trouble: Trouble, locale: str) -> list[tuple[str, str]]:
    """Return what came and what should have, as far as that differs between places."""
    return [(failure.actual_value_in(locale), failure.expected) for failure in trouble.failures]


def format_text_report(report: Report, locale: str = "en") -> str:
    """Return a report for a terminal, in color."""
    return "\n".join(_iter_text_lines(report, locale))


def _iter_text_lines(report: Report, locale: str) -> Iterator[str]:
    word = partial(get_text, locale)
    colon = word("check.report.colon")
    for name, value in build_site_facts(report, locale):
        yield f"{name}{colon}{value}"
    for trouble in report.problems():
        results = trouble.results
        yield ""
        head = word("check.report.failed", count=f"{len(results):,}")
        yield click.style(f"{head}  {trouble.meaning_in(locale)}", fg="red", bold=True)
        yield f"  {word('check.report.rule')}{colon}{trouble.code}"
        pairs = get_actual_and_expected_values(trouble, locale)
        for number, (came, should) in enumerate(pairs[:_MAX_SHOWN_PAIRS]):
            if number:
                yield ""
            yield f"  {word('check.report.came')}{colon}{came}"
            yield f"  {word('check.report.should')}{colon}{should}"
        if len(pairs) > _MAX_SHOWN_PAIRS:
            yield f"  {word('check.report.more', count=f'{len(pairs) - _MAX_SHOWN_PAIRS:,}')}"
        for result in results[:_MAX_SHOWN_ITEMS]:
            yield f"  - {format_result_title(result, locale)}"
        if len(results) > _MAX_SHOWN_ITEMS:
            yield f"  - {word('check.report.more', count=f'{len(results) - _MAX_SHOWN_ITEMS:,}')}"
        yield f"  {build_repeat_command(report, results[0])}"
    yield ""
    for said in get_notes_and_verdict_omissions(report, locale):
        yield click.style(said, fg="yellow")
    mark, color = ("✓", "green") if report.passed else ("✗", "red")
    yield click.style(
        f"{mark} {format_passed_and_failed(report.results, locale)}", fg=color, bold=True
    )


def build_json_report(report: Report, locale: str = "en") -> str:
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
        "not_told": report.missing_options_in(locale),
        "ignored": dict(report.ignored),
        "entries": report.entries,
        "notes": report.notes_in(locale),
        "problems": [
            {
                "code": trouble.code,
                "means": trouble.meaning_in(locale),
                "differences": [
                    {
                        "came": failure.actual,
                        "should": failure.expected,
                        "step": failure.step_name_in(locale),
                        "where": [_get_case_and_device_names(result) for result in results],
                    }
                    for failure, results in trouble.failures.items()
                ],
            }
            for trouble in report.problems()
        ],
        "results": [
            {
                **_get_case_and_device_names(result),
                "title": format_result_title(result, locale),
                "expected": result.expected_outcome_in(locale),
                "status": result.status or None,
                "location": result.location or None,
                "passed": result.passed,
            }
            for result in report.results
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=1)


def _get_case_and_device_names(result: Result) -> dict[str, str]:
    case = result.case
    return {"case": case.page or case.name, "device": result.device.name}


def build_junit_report(report: Report, locale: str = "en") -> str:
    """Return a report as CI servers read it: JUnit's XML, a suite for each page."""
    suites = ET.Element(
        "testsuites", {"name": "flask xiebao check", **_build_junit_counts(report.results)}
    )
    about = [
        *build_site_facts(report, locale),
        *(("note", said) for said in get_notes_and_verdict_omissions(report, locale)),
    ]
    for page, results in _group_results_by_page(report, locale).items():
        suite = ET.SubElement(
            suites,
            "testsuite",
            {
                "name": _replace_invalid_xml_characters(page),
                "timestamp": report.at.isoformat(timespec="seconds"),
                **_build_junit_counts(results),
            },
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in about:
            ET.SubElement(
                properties,
                "property",
                name=_replace_invalid_xml_characters(name),
                value=_replace_invalid_xml_characters(value),
            )
        for result in results:
            _add_junit_testcase(suite, page, report, result, locale)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _group_results_by_page(report: Report, locale: str) -> dict[str, list[Result]]:
    """Return the results of each page: those of the site, and then those of the gateway."""
    found: dict[str, list[Result]] = {}
    for result in report.results:
        case = result.case
        row = (
            get_text(locale, "check.report.site")
            if case.is_about_site
            else case.row.get_title(locale)
        )
        page = case.site_page or row
        found.setdefault(page, []).append(result)
    return found


def _build_junit_counts(results: Sequence[Result]) -> dict[str, str]:
    errors = sum(_has_crashed(result) for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(sum(not result.passed for result in results) - errors),
        "errors": str(errors),
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _has_crashed(result: Result) -> bool:
    return any(failure.code.partition(".")[0] == "crash" for failure in result.failures)


def _add_junit_testcase(
    suite: ET.Element, page: str, report: Report, result: Result, locale: str
) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_replace_invalid_xml_characters(f"xiebao.{page}"),
        name=_replace_invalid_xml_characters(
            f"{result.case.short_title_in(locale)} [{result.device.name}]"
        ),
        time=f"{result.seconds:.3f}",
    )
    if result.passed:
        return
    first, *_ = result.failures
    failure = ET.SubElement(
        case,
        "error" if _has_crashed(result) else "failure",
        type=first.code,
        message=_replace_invalid_xml_characters(first.meaning_in(locale)),
    )
    lines = [
        f"{each.meaning_in(locale)}\n{get_text(locale, 'check.report.came')}:"
        f" {each.actual_value_in(locale)}\n"
        f"{get_text(locale, 'check.report.should')}: {each.expected}"
        for each in result.failures
    ]
    failure.text = _replace_invalid_xml_characters(
        "\n".join([*lines, build_repeat_command(report, result)])
    )


def _replace_invalid_xml_characters(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in text)


def render_html_report(report: Report, locale: str = "en") -> str:
    """Return a report as one page, with all that it needs in it."""
    environment = Environment(loader=PackageLoader("flask_xiebao"), autoescape=True)
    sheet = (files("flask_xiebao") / "static" / "report.css").read_bytes()
    return environment.get_template("xiebao/report.html").render(
        report=report,
        facts=build_site_facts(report, locale),
        reservations=get_verdict_omissions(report, locale),
        verdict=format_passed_and_failed(report.results, locale),
        pages={
            page: (lines_of(results), format_passed_and_failed(results, locale))
            for page, results in _group_results_by_page(report, locale).items()
        },
        where=partial(format_result_title, locale=locale),
        again=partial(build_repeat_command, report),
        differences=partial(get_actual_and_expected_values, locale=locale),
        shown=_MAX_SHOWN_ITEMS,
        most=_MAX_SHOWN_PAIRS,
        platforms=PLATFORM_NAMES,
        locale=locale,
        text=partial(get_text, locale),
        # A page that is mailed is alone, and a policy that forbids styles in pages is met.
        sheet=f"data:text/css;base64,{base64.b64encode(sheet).decode()}",
    )


#: The forms by name: ``FORMATS["html"](report, "en")`` is a page.
FORMATS: Mapping[str, ReportFormatter] = MappingProxyType(
    {
        "text": format_text_report,
        "json": build_json_report,
        "junit": build_junit_report,
        "html": render_html_report,
    }
)
