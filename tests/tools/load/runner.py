"""A load test: a gunicorn server, and client threads that send requests to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.deep.databases import find_free_port

HOST = "127.0.0.1"


class LoadTest:
    """A load test. The server runs with two workers on a free port during a ``with`` block.

    :param app: The app to serve, for example ``"package.module:create_app()"``.
    :param path: The path of a page that returns 200 as soon as the app works.
    :param environ: Additional environment variables.
    :ivar stop_event: An event that stops the clients when it is set.
    :ivar responses: The kinds of all responses, in the order of arrival.
    :ivar violations: Descriptions of wrong responses and other errors.
    """

    def __init__(self, app: str, path: str, **environ: str) -> None:
        self.path, self.port = path, find_free_port()
        self.stop_event = threading.Event()
        self.responses: list[str] = []
        self.violations: list[str] = []
        self._log_file = tempfile.TemporaryFile("w+")  # noqa: SIM115 - __exit__ closes the file.
        self._process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "gunicorn", app),
                *("--bind", f"{HOST}:{self.port}", "--workers", "2", "--threads", "4"),
                *("--worker-class", "gthread", "--keep-alive", "30", "--log-level", "warning"),
            ],
            env={**os.environ, **environ},
            stdout=self._log_file,
            stderr=self._log_file,
        )

    def __enter__(self) -> LoadTest:
        """Wait until both workers have started."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                contextlib.closing(self.connect()) as connection,
            ):
                connection.request("GET", self.path)
                if connection.getresponse().status == 200 and len(self.get_worker_pids()) == 2:
                    return self
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit(f"gunicorn did not start:\n{self.log}")

    def __exit__(self, *_exception: object) -> None:
        """Stop the server. If the server's log contains a traceback, add it to the violations."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._log_file:
            self._log_file.seek(0)
            self.log = self._log_file.read()
        if "Traceback" in self.log:
            self.violations.append(f"the server logged an error: {self.log[-2000:]}")

    def connect(self, timeout: float = 10) -> http.client.HTTPConnection:
        """Return a connection to the server. The connection opens with the first request."""
        return http.client.HTTPConnection(HOST, self.port, timeout=timeout)

    def get_worker_pids(self) -> list[int]:
        """Return the process ids of the server's workers."""
        master = self._process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [int(pid) for pid in children.split()]

    @contextlib.contextmanager
    def run_clients(self, clients: Iterable[Callable[[], None]]) -> Iterator[None]:
        """Run client functions in threads during a ``with`` block, then stop the clients."""
        threads = [threading.Thread(target=client) for client in clients]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop_event.set()
            for thread in threads:
                thread.join(30)
            if any(thread.is_alive() for thread in threads):
                self.violations.append("a client did not stop")

    def print_violations(self) -> int:
        """Print at most 20 violations. Return 1 if there are any violations, otherwise 0."""
        for violation in self.violations[:20]:
            print(f"VIOLATION: {violation}")
        return 1 if self.violations else 0
