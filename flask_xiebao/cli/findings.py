"""The findings of commands such as ``doctor``, and the functions that print them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

import click

from ..texts import get_text

#: The level and the message of a finding. Unless the level is "ok", the message says what to do.
Finding = tuple[str, str]

ERROR = "ERROR"
_LEVELS = (ERROR, "WARNING", "ok")


def ok_finding(message: str) -> Finding:
    """Return a finding about something that is correct."""
    return "ok", message


def warning_finding(message: str) -> Finding:
    """Return a finding about something that works but may be unintended."""
    return "WARNING", message


def error_finding(message: str) -> Finding:
    """Return a finding about something that does not work."""
    return ERROR, message


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings sorted by level: errors first, then warnings, then the rest."""
    return sorted(findings, key=lambda finding: _LEVELS.index(finding[0]))


def print_escaped_line(text: str) -> None:
    """Print a line; escape control characters and characters that the terminal cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def print_findings_and_exit(
    ctx: click.Context,
    findings: Iterable[Finding],
    locale: str,
    error_summary: str = "",
    *,
    strict: bool = False,
) -> None:
    """Print each finding on a line, then their counts, and exit with status 1 if one is an error.

    :param error_summary: The sentence to print after the counts if a finding is an error.
    :param strict: If True, also exit with status 1 if a finding is a warning.
    """
    counts: Counter[str] = Counter()
    width = max(len(get_text(locale, f"level.{level}")) for level in _LEVELS)
    for level, message in findings:
        counts[level] += 1
        print_escaped_line(f"{get_text(locale, f'level.{level}'):<{width}}  {message}")
    summary = get_text(locale, "level.counts", errors=counts[ERROR], warnings=counts["WARNING"])
    if error_summary and counts[ERROR]:
        summary = get_text(locale, "list.sentences", first=summary, then=error_summary)
    print_escaped_line(summary)
    ctx.exit(1 if counts[ERROR] or (strict and counts["WARNING"]) else 0)
