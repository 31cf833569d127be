"""The report formats of ``flask xiebao check``: terminal text, JSON, JUnit XML and HTML."""

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
from .results import Report, Result, Trouble, count_passed_and_failed

#: A function that formats a report. Its second argument is the locale, English by default.
ReportFormatter = Callable[..., str]
# A report shows at most 5 results for each problem, 5 entries for each page, and 3 pairs of actual
# and expected values for each problem.
_MAX_SHOWN_ITEMS, _MAX_SHOWN_PAIRS = 5, 3


def build_site_facts(report: Report, locale: str) -> list[tuple[str, str]]:
    """Return names and values that describe the checked site: URL, member, versions and so on."""
    translate = partial(get_text, locale)
    comma = translate("list.comma")
    member = translate("check.report.named") if report.member == "…" else report.member
    return [
        (
            translate("check.report.site"),
            comma.join((report.site, report.url or translate("check.report.nowhere"))),
        ),
        (translate("check.report.environment"), report.environment),
        (translate("check.report.gateway"), report.gateway),
        (translate("check.report.member"), member or translate("check.report.made_up")),
        *(
            (
                translate("check.report.entries", page=page),
                _format_entry_counts(entries, locale),
            )
            for page, entries in report.entries.items()
        ),
        (translate("check.report.versions"), comma.join(map(" ".join, report.versions.items()))),
        (translate("check.report.devices"), report.devices_as_of),
        (translate("check.report.at"), report.at.strftime("%Y-%m-%d %H:%M:%S %z")),
    ]


def _format_entry_counts(entries: Sequence[str], locale: str) -> str:
    """Return a text with the distinct entries of a page and their counts.

    At most five entries are shown, followed by the number of the others.
    """
    items = [f"{entry} ×{n}" if n > 1 else entry for entry, n in Counter(entries).items()]
    more = len(items) - _MAX_SHOWN_ITEMS
    items[_MAX_SHOWN_ITEMS:] = (
        [get_text(locale, "check.report.more", count=f"{more:,}")] if more > 0 else []
    )
    return get_text(locale, "list.comma").join(items) or "—"


def describe_notes_options_and_ignored_rules(report: Report, locale: str) -> list[str]:
    """Return the notes, recommended options and ignored rules of a report as sentences."""
    return [*report.notes_in(locale), *describe_missing_options_and_ignored_rules(report, locale)]


def format_passed_and_failed(results: Sequence[Result], locale: str) -> str:
    """Return a text with the number of passed and of failed results."""
    passed, failed = count_passed_and_failed(results)
    return get_text(locale, "check.report.counts", passed=f"{passed:,}", failed=f"{failed:,}")


def describe_missing_options_and_ignored_rules(report: Report, locale: str) -> list[str]:
    """Return sentences that recommend options of the check and list the ignored rules.

    Options are recommended if they were not passed to the check.
    """
    return [*filter(None, (report.missing_options_in(locale), report.ignored_rules_in(locale)))]


def format_result_title(result: Result, locale: str) -> str:
    """Return a title for a result, which names the test case and the device.

    A test case that does not run on a device has only its own title.
    """
    if not result.case.can_be_repeated:
        return result.case.title_in(locale)
    return get_text(
        locale,
        "check.report.on",
        case=result.case.title_in(locale),
        device=result.device.title_in(locale),
    )


def build_rerun_command(report: Report, result: Result) -> str:
    """Return the shell command that runs the test case of a result again."""
    case = result.case
    # The option --page adds a page to the check. With --page alone, the command would also run all
    # test cases for gateway pages. Add --case to run only one of these test cases.
    page = f"--page {shlex.quote(case.site_page)} " if case.page else ""
    choice = f"{page}--case {'product-plain' if page else case.name} --device {result.device.name}"
    return " ".join(
        filter(None, [report.command, choice if case.can_be_repeated else "", report.options])
    )


def get_actual_and_expected_values(trouble: Trouble, locale: str) -> list[tuple[str, str]]:
    """Return the actual and expected values of a problem's failures, without duplicates."""
    return [(failure.actual_value_in(locale), failure.expected) for failure in trouble.failures]


def format_text_report(report: Report, locale: str = "en") -> str:
    """Return a report as colored text for a terminal."""
    return "\n".join(_iter_text_lines(report, locale))


def _iter_text_lines(report: Report, locale: str) -> Iterator[str]:
    translate = partial(get_text, locale)
    colon = translate("check.report.colon")
    for name, value in build_site_facts(report, locale):
        yield f"{name}{colon}{value}"
    for trouble in report.problems():
        results = trouble.results
        yield ""
        count = translate("check.report.failed", count=f"{len(results):,}")
        yield click.style(f"{count}  {trouble.meaning_in(locale)}", fg="red", bold=True)
        yield f"  {translate('check.report.rule')}{colon}{trouble.code}"
        pairs = get_actual_and_expected_values(trouble, locale)
        for number, (actual, expected) in enumerate(pairs[:_MAX_SHOWN_PAIRS]):
            if number:
                yield ""
            yield f"  {translate('check.report.came')}{colon}{actual}"
            yield f"  {translate('check.report.should')}{colon}{expected}"
        more = len(pairs) - _MAX_SHOWN_PAIRS
        if more > 0:
            yield f"  {translate('check.report.more', count=f'{more:,}')}"
        for result in results[:_MAX_SHOWN_ITEMS]:
            yield f"  - {format_result_title(result, locale)}"
        more = len(results) - _MAX_SHOWN_ITEMS
        if more > 0:
            yield f"  - {translate('check.report.more', count=f'{more:,}')}"
        yield f"  {build_rerun_command(report, results[0])}"
    yield ""
    for sentence in describe_notes_options_and_ignored_rules(report, locale):
        yield click.style(sentence, fg="yellow")
    mark, color = ("✓", "green") if report.passed else ("✗", "red")
    yield click.style(
        f"{mark} {format_passed_and_failed(report.results, locale)}", fg=color, bold=True
    )


def build_json_report(report: Report, locale: str = "en") -> str:
    """Return a report as JSON for other programs."""
    passed, failed = report.counts
    content = {
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
    return json.dumps(content, ensure_ascii=False, indent=1)


def _get_case_and_device_names(result: Result) -> dict[str, str]:
    return {"case": result.case.page or result.case.name, "device": result.device.name}


def build_junit_report(report: Report, locale: str = "en") -> str:
    """Return a report as JUnit XML for CI servers, with a test suite for each page."""
    suites = ET.Element(
        "testsuites", {"name": "flask xiebao check", **_build_junit_counts(report.results)}
    )
    facts_and_notes = [
        *build_site_facts(report, locale),
        *(
            ("note", sentence)
            for sentence in describe_notes_options_and_ignored_rules(report, locale)
        ),
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
        for name, value in facts_and_notes:
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
    """Return the results of a report, grouped by page.

    A page is a path of the site, otherwise the title of a gateway page, or "Site" for a test case
    that is about the whole site.
    """
    by_page: dict[str, list[Result]] = {}
    for result in report.results:
        case = result.case
        title = (
            get_text(locale, "check.report.site")
            if case.is_about_site
            else case.page_spec.get_title(locale)
        )
        by_page.setdefault(case.site_page or title, []).append(result)
    return by_page


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
        "\n".join([*lines, build_rerun_command(report, result)])
    )


def _replace_invalid_xml_characters(text: str) -> str:
    """Return a text with unprintable characters, except line breaks, replaced by U+FFFD."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd"
        for character in text
    )


def render_html_report(report: Report, locale: str = "en") -> str:
    """Return a report as one self-contained HTML page."""
    environment = Environment(loader=PackageLoader("flask_xiebao"), autoescape=True)
    stylesheet = (files("flask_xiebao") / "static" / "report.css").read_bytes()
    return environment.get_template("xiebao/report.html").render(
        report=report,
        facts=build_site_facts(report, locale),
        reservations=describe_missing_options_and_ignored_rules(report, locale),
        verdict=format_passed_and_failed(report.results, locale),
        # Pages with failed results come first.
        results_by_page=sorted(
            _group_results_by_page(report, locale).items(),
            key=lambda item: all(result.passed for result in item[1]),
        ),
        counts=partial(format_passed_and_failed, locale=locale),
        where=partial(format_result_title, locale=locale),
        again=partial(build_rerun_command, report),
        differences=partial(get_actual_and_expected_values, locale=locale),
        shown=_MAX_SHOWN_ITEMS,
        most=_MAX_SHOWN_PAIRS,
        platforms=PLATFORM_NAMES,
        locale=locale,
        text=partial(get_text, locale),
        # Embed the stylesheet as a data URL. A report in a mail cannot load a separate file, and a
        # Content-Security-Policy may forbid <style>.
        sheet=f"data:text/css;base64,{base64.b64encode(stylesheet).decode()}",
    )


#: The report formats by name. For example, ``FORMATS["html"]`` formats a report as an HTML page.
FORMATS: Mapping[str, ReportFormatter] = MappingProxyType(
    {
        "text": format_text_report,
        "json": build_json_report,
        "junit": build_junit_report,
        "html": render_html_report,
    }
)
