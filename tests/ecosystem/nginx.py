"""Run nginx as a reverse proxy in front of a site."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.requirements import find_program

_CONFIGURATION = """
daemon off;
# Without a master process, nginx needs no second user, and leaves no process behind.
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
def run_nginx(server: str, folder: Path, http: str = "") -> Iterator[int]:
    """Run nginx until the context ends, and yield the port of nginx.

    :param server: the directives of nginx for its ``server`` block.
    :param folder: an empty folder for the files of nginx.
    :param http: the directives of nginx for its ``http`` block.
    """
    program, log = find_program("nginx"), folder / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, log.open("wb") as stderr:
        port: int = listener.getsockname()[1]
        (folder / "nginx.conf").write_text(
            _CONFIGURATION % {"port": port, "server": server, "http": http}
        )
        # nginx inherits the open socket, as it does during an upgrade. So no other process can
        # take the port, and requests wait until nginx is ready.
        process = subprocess.Popen(  # noqa: S603 - The arguments are constants.
            [program, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"],
            env={**os.environ, "NGINX": f"{listener.fileno()};"},
            pass_fds=[listener.fileno()],
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
