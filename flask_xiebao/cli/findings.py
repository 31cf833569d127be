"""Findings of the commands, and how they are printed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

import click

from ..texts import get_text

#: A level and a message: what was found and, unless it is right, what to do about it.
Finding = tuple[str, str]

ERROR = "ERROR"
_LEVELS = (ERROR, "WARNING", "ok")


def ok_finding(message: str) -> Finding:
    """Return a finding: something is as it should be."""
    return "ok", message


def warning_finding(message: str) -> Finding:
    """Return a finding: something works, but may not be meant."""
    return "WARNING", message


def error_finding(message: str) -> Finding:
    """Return a finding: something does not work."""
    return ERROR, message


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the errors first, then the warnings, and what is right last."""
    return sorted(findings, key=lambda finding: _LEVELS.index(finding[0]))


def print_escaped_line(text: str) -> None:
    """Print a line; control characters, and what the terminal cannot show, are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    line = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def print_findings_and_exit(
    ctx: click.Context, findings: Iterable[Finding], error_summary: str = "", locale: str = "en"
) -> None:
    """Print one finding per line; if any is an error, say *verdict* and exit with 1."""
    levels: Counter[str] = Counter()
    width = max(len(get_text(locale, f"level.{level}")) for level in _LEVELS)
    for level, said in findings:
        levels[level] += 1
        print_escaped_line(f"{get_text(locale, f'level.{level}'):<{width}}  {said}")
    count = get_text(locale, "level.counts", errors=levels[ERROR], warnings=levels["WARNING"])
    if error_summary and levels[ERROR]:
        count = get_text(locale, "list.sentences", first=count, then=error_summary)
    print_escaped_line(count)
    ctx.exit(1 if levels[ERROR] else 0)
