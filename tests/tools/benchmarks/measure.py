"""Times things in turn, so that a machine whose speed drifts is fair to all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

Run = Callable[[], Any]


def medians(
    runs: dict[str, Run],
    *,
    calls: int,
    rounds: int = 25,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    """Return the median time of one call of each function, in microseconds.

    The functions are called in interleaved rounds.

    :param clock: By default, processor time is measured.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in runs.items():
                started = clock()
                for _ in range(calls):
                    run()
                times[name].append((clock() - started) / calls * 1e6)
    finally:
        gc.enable()
    return {name: statistics.median(rows) for name, rows in times.items()}


def request(app: Flask, path: str, expect: int, headers: dict[str, str]) -> Run:
    """Return a function that sends one request through the app as a WSGI server does."""
    environ = EnvironBuilder(path=path, headers=Headers(headers)).get_environ()
    statuses: list[str] = []

    def start(status: str, *_: Any) -> Any:
        statuses.append(status)

    def run() -> None:
        body: Any = app(dict(environ), start)
        for _ in body:
            pass
        body.close()

    run()
    if not statuses[0].startswith(str(expect)):
        raise AssertionError(f"{path} answered {statuses[0]}, not {expect}")
    statuses.clear()
    return run


def resident() -> float:
    """Return this process's resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
