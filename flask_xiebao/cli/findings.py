"""Findings of the commands, and how they are printed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

import click

from ..texts import text

#: A level and a message: what was found and, unless it is right, what to do about it.
Finding = tuple[str, str]

ERROR = "ERROR"
_LEVELS = (ERROR, "WARNING", "ok")


def ok(said: str) -> Finding:
    """Return a finding: something is as it should be."""
    return "ok", said


def warning(said: str) -> Finding:
    """Return a finding: something works, but may not be meant."""
    return "WARNING", said


def bad(said: str) -> Finding:
    """Return a finding: something does not work."""
    return ERROR, said


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the errors first, then the warnings, and what is right last."""
    return sorted(findings, key=lambda finding: _LEVELS.index(finding[0]))


def echo(said: str) -> None:
    """Print a line; control characters, and what the terminal cannot show, are escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    line = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in said)
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding))


def report(
    ctx: click.Context, findings: Iterable[Finding], verdict: str = "", locale: str = "en"
) -> None:
    """Print one finding per line; if any is an error, say *verdict* and exit with 1."""
    levels: Counter[str] = Counter()
    width = max(len(text(locale, f"level.{level}")) for level in _LEVELS)
    for level, said in findings:
        levels[level] += 1
        echo(f"{text(locale, f'level.{level}'):<{width}}  {said}")
    count = text(locale, "level.counts", errors=levels[ERROR], warnings=levels["WARNING"])
    if verdict and levels[ERROR]:
        count = text(locale, "list.sentences", first=count, then=verdict)
    echo(count)
    ctx.exit(1 if levels[ERROR] else 0)
