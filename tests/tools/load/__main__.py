"""Loads two workers of gunicorn, kills one in the middle, and looks at every answer.

Nothing leaves this machine. The clients are threads of this process, and all of it ends by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .clicks import Answer, Clicker, Request
from .server import HOST, Server

CLIENTS = 6
#: A client opens a new connection after so many requests: it may be with another worker.
_PER_CONNECTION = 25
#: When a worker's memory is compared from, and by how much it may grow after that.
_SETTLED = 10
_MAY_GROW = 2 * 1024 * 1024


class Client(threading.Thread):
    """Clicks until it is told to stop, over connections that are kept."""

    def __init__(self, server: Server, clicker: Clicker, stop: threading.Event) -> None:
        super().__init__()
        self.server, self.clicker, self.stop = server, clicker, stop
        self.kinds: Counter[str] = Counter()
        self.across: Counter[bool] = Counter()
        self.wrong: list[str] = []
        self.lost: list[float] = []
        self.cookies: dict[str, str] = {}

    def run(self) -> None:
        """Click."""
        connection = None
        for count, click in enumerate(self.clicker):
            if self.stop.is_set():
                break
            if connection is None or count % _PER_CONNECTION == 0:
                if connection is not None:
                    connection.close()
                connection = http.client.HTTPConnection(HOST, self.server.port, timeout=10)
            try:
                self._look(click, self._ask(connection, click))
            except (OSError, http.client.HTTPException):
                self.lost.append(time.monotonic())
                connection = None
        if connection is not None:
            connection.close()

    def _look(self, click: Request, answer: Answer) -> None:
        problem = click.wrong(answer)
        kind, _, maker = click.kind.partition(" by ")
        self.kinds[kind] += 1
        if maker:
            self.across[int(maker) != answer.worker] += 1
        if problem:
            self.wrong.append(f"{kind} {click.path[:60]}: {problem}")

    def _ask(self, connection: http.client.HTTPConnection, click: Request) -> Answer:
        headers = dict(click.headers)
        if click.member is not None:
            if click.member not in self.cookies:
                connection.request("GET", f"/login/{click.member}")
                response = connection.getresponse()
                response.read()
                cookie = response.headers["Set-Cookie"].partition(";")[0]
                self.cookies[click.member] = cookie
            headers["Cookie"] = self.cookies[click.member]
        connection.request("GET", click.path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        get = response.headers.get
        return Answer(
            response.status,
            get("Location", ""),
            (
                get("Cache-Control", ""),
                get("Referrer-Policy", ""),
                get("X-Robots-Tag", ""),
            ),
            body,
            int(get("X-Worker", "0")),
        )


class Memory:
    """What each worker holds, second by second."""

    def __init__(self) -> None:
        self.samples: dict[int, list[int]] = {}

    def look(self, workers: list[int]) -> None:
        """Take a sample of each worker; one that was just killed may be gone."""
        for pid in workers:
            with contextlib.suppress(OSError, IndexError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                if pages:
                    self.samples.setdefault(pid, []).append(pages * os.sysconf("SC_PAGE_SIZE"))

    def lines(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield pid, seconds, bytes when it had settled, and bytes at the end."""
        for pid, sizes in self.samples.items():
            if len(sizes) > _SETTLED:
                yield pid, len(sizes), sizes[_SETTLED], max(sizes[-3:])


def main() -> int:
    """Run the load; return 1 if anything was not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args().seconds
    secret = secrets.token_hex()
    server = Server("tests.tools.load.site:create_app()", "/page", LOAD_SECRET_KEY=secret)
    try:
        server.wait()
        violations = load(server, secret, seconds)
    finally:
        said = server.stop()
    if "Traceback" in said:
        violations.append(f"the server logged an error: {said[-2000:]}")
    for violation in violations:
        print(f"VIOLATION: {violation}")
    return 1 if violations else 0


def load(server: Server, secret: str, seconds: int) -> list[str]:
    """Click for so many seconds, print what came of it, and return what was wrong."""
    stop = threading.Event()
    made: list[tuple[int, str, str | None]] = []
    clients = [Client(server, Clicker(secret, seed, made), stop) for seed in range(CLIENTS)]
    memory = Memory()
    before = server.workers()
    killed_at = replaced_after = 0.0
    for client in clients:
        client.start()
    try:
        for second in range(seconds):
            if second == seconds // 2:
                killed_at = time.monotonic()
                os.kill(before[0], signal.SIGKILL)
            memory.look(server.workers())
            time.sleep(1)
            if killed_at and not replaced_after and _is_replaced(server, before[0]):
                replaced_after = time.monotonic() - killed_at
    finally:
        stop.set()
        for client in clients:
            client.join(20)
    return report(clients, memory, seconds, killed_at, replaced_after)


def _is_replaced(server: Server, killed: int) -> bool:
    workers = server.workers()
    return len(workers) == 2 and killed not in workers


def report(
    clients: list[Client], memory: Memory, seconds: int, killed_at: float, replaced_after: float
) -> list[str]:
    """Print the table; return the violations."""
    kinds = sum((client.kinds for client in clients), Counter[str]())
    across = sum((client.across for client in clients), Counter[bool]())
    wrong = [problem for client in clients for problem in client.wrong]
    lost = [at for client in clients for at in client.lost]
    total = kinds.total()

    print(f"{total:,} requests in {seconds} s ({total / seconds:,.0f} a second)")
    for kind, count in sorted(kinds.items()):
        print(f"  {kind:<12}{count:>8,}")
    print(f"  links followed at another worker than made them: {across[True]:,}")
    print(f"  wrong answers: {len(wrong)}; lost with the killed worker: {len(lost)}")
    print(f"  a new worker was seen {replaced_after:.0f} s after the kill")
    violations = wrong[:20]
    for pid, samples, settled, end in memory.lines():
        print(
            f"  memory of worker {pid}, {samples} s: {settled / 2**20:.1f} MiB settled,"
            f" {end / 2**20:.1f} MiB at the end"
        )
        if end - settled > _MAY_GROW:
            violations.append(f"worker {pid} grew by {(end - settled) / 2**20:.1f} MiB")
    # A client has one request at a time, and perhaps one more connection that it did not know
    # was gone.
    if len(lost) > 2 * CLIENTS or any(not 0 <= at - killed_at < 12 for at in lost):
        violations.append(f"{len(lost)} requests were lost, not all of them with the worker")
    if not replaced_after:
        violations.append("the killed worker was not replaced")
    if not across[True]:
        violations.append("no link was followed at another worker: the load proves nothing")
    if any(client.is_alive() for client in clients):
        violations.append("a client did not end")
    return violations


if __name__ == "__main__":
    sys.exit(main())
