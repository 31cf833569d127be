"""What the commands find, and how it is printed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable

import click

#: A level and a message: what was found and, unless it is right, what to do about it.
Finding = tuple[str, str]

ERROR = "ERROR"


def ok(text: str) -> Finding:
    """Return a finding: something is as it should be."""
    return "ok", text


def warning(text: str) -> Finding:
    """Return a finding: something works, but may not be meant."""
    return "WARNING", text


def bad(text: str) -> Finding:
    """Return a finding: something does not work."""
    return ERROR, text


def report(ctx: click.Context, findings: Iterable[Finding], verdict: str = "") -> None:
    """Print one finding a line; exit with 1, and say *verdict*, if any is an error."""
    levels: Counter[str] = Counter()
    encoding = sys.stdout.encoding or "utf-8"
    for level, text in findings:
        levels[level] += 1
        line = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)
        said = line.encode(encoding, "backslashreplace").decode(encoding)
        click.echo(f"{level:<7}  {said}")
    count = f"Errors: {levels[ERROR]}. Warnings: {levels['WARNING']}."
    click.echo(f"{count} {verdict}" if verdict and levels[ERROR] else count)
    ctx.exit(1 if levels[ERROR] else 0)
