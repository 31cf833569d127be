"""Measure functions in turn, so that a change in the machine's speed affects all functions."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

Run = Callable[[], Any]


def measure_medians(
    runs: dict[str, Run],
    *,
    calls: int,
    rounds: int = 25,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    """Return the median time of one call of each function, in microseconds.

    Each round calls every function, so the functions take turns.

    :param clock: The clock to measure with. The default is the processor time.
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
    return {name: statistics.median(durations) for name, durations in times.items()}


def build_request_sender(
    app: Flask, path: str, expected_status: int, headers: dict[str, str]
) -> Run:
    """Return a function that sends a request to the app, as a WSGI server does.

    The request is also sent once at the beginning, to check the status of the response.
    """
    environ = EnvironBuilder(path=path, headers=Headers(headers)).get_environ()
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    def send_request() -> None:
        body: Any = app(dict(environ), start_response)
        for _ in body:
            pass
        body.close()

    send_request()
    if not statuses[0].startswith(str(expected_status)):
        raise AssertionError(f"{path} returned {statuses[0]} instead of {expected_status}.")
    statuses.clear()
    return send_request


def print_table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
