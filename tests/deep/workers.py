"""Worker processes that use a database at the same time, while some workers are killed."""

from __future__ import annotations

import subprocess
import sys
import time


def run_and_kill_workers(
    module: str, *arguments: str, seconds: float, workers: int, kills: int
) -> list[str]:
    """Run a module in several processes, and return all lines that the processes print.

    In the meantime, kill some processes, and replace each with a new process.

    :param arguments: The arguments of the module. The number of seconds to run and a seed for
        random numbers are appended.
    :param workers: The number of processes that run at the same time.
    """
    lines: list[str] = []
    end, seeds = time.monotonic() + seconds, iter(range(1000))

    def start_worker() -> subprocess.Popen[str]:
        seconds_left = max(0.1, end - time.monotonic())
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module, *arguments, str(seconds_left), str(next(seeds))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    running = [start_worker() for _ in range(workers)]
    for _ in range(kills):
        time.sleep(seconds / (kills + 1))
        worker = running.pop(0)
        worker.kill()
        lines += worker.communicate()[0].splitlines()
        running.append(start_worker())
    for worker in running:
        lines += worker.communicate(timeout=seconds + 60)[0].splitlines()
    return lines
