"""nginx before a site of the tests, on the loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# Debian keeps it out of the PATH of ordinary users.
_NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")

#: The mark of tests that need it.
NEEDED = pytest.mark.skipif(_NGINX is None, reason="nginx is missing; `make test` brings it")

_CONFIGURATION = """
daemon off;
# One process with the rights of whoever runs the tests: it needs no user of its own that may read
# this folder, and leaves no other process behind.
master_process off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  %(http)s
  server {
    listen 127.0.0.1:%(port)s;
    %(server)s
  }
}
"""


@contextlib.contextmanager
def before(server: str, folder: Path, http: str = "") -> Iterator[int]:
    """Run nginx with this in its ``server`` and ``http`` blocks; the value is its port."""
    log = folder / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening, log.open("wb") as stderr:
        port: int = listening.getsockname()[1]
        (folder / "nginx.conf").write_text(
            _CONFIGURATION % {"port": port, "server": server, "http": http}
        )
        # nginx takes an open socket over, as it does from the one it replaces in service: nobody
        # else can have taken the port meanwhile, and whoever asks too early waits.
        process = subprocess.Popen(  # noqa: S603 - all of it is written here
            [str(_NGINX), "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"],
            env={**os.environ, "NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
            stderr=stderr,
        )
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
    assert not re.search(r"\[(error|crit|alert|emerg)\]", log.read_text()), log.read_text()
