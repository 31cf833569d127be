"""Worker processes that use a database, some of which are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time


def run_and_kill_workers(
    module: str, *arguments: str, seconds: float, workers: int, kills: int
) -> list[str]:
    """Run processes with a module, kill some of them, and return the lines that all have printed.

    Each killed process is replaced by a new one.

    :param arguments: the arguments of the module. The number of seconds to run and a seed for
        random numbers are appended.
    """
    lines: list[str] = []
    until, seeds = time.monotonic() + seconds, iter(range(1000))

    def start_worker() -> subprocess.Popen[str]:
        seconds_left = max(0.1, until - time.monotonic())
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *arguments, str(seconds_left), str(next(seeds))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    running = [start_worker() for _ in range(workers)]
    for _ in range(kills):
        time.sleep(seconds / (kills + 1))
        victim = running.pop(0)
        victim.send_signal(signal.SIGKILL)
        lines += victim.communicate()[0].splitlines()
        running.append(start_worker())
    for worker in running:
        lines += worker.communicate(timeout=seconds + 60)[0].splitlines()
    return lines
