"""The server that is loaded."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"


class Server:
    """gunicorn with two workers on a free port of the loopback.

    :param app: what it serves.
    :param page: a page of that.
    :param environ: further variables of its environment.
    """

    def __init__(self, app: str, page: str, **environ: str) -> None:
        self.page = page
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the server
        with socket.socket() as free:
            free.bind((HOST, 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(  # noqa: S603 - all of it is written here
            [
                *(sys.executable, "-m", "gunicorn", app),
                *("--bind", f"{HOST}:{self.port}", "--workers", "2", "--threads", "4"),
                *("--worker-class", "gthread", "--keep-alive", "30", "--log-level", "warning"),
            ],
            env={**os.environ, **environ},
            stdout=self.log,
            stderr=self.log,
        )

    def wait(self) -> None:
        """Return when both workers are there and answer."""
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
            with (
                contextlib.closing(connection),
                contextlib.suppress(OSError, http.client.HTTPException),
            ):
                connection.request("GET", self.page)
                if connection.getresponse().status == 200 and len(self.workers()) == 2:
                    return
            time.sleep(0.1)
        raise SystemExit(f"gunicorn did not start:\n{self.said()}")

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [int(pid) for pid in children.split()]

    def said(self) -> str:
        """Return what the server logged."""
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> str:
        """End this server and no other, and return what it logged."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with self.log:
            return self.said()
