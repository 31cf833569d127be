"""PostgreSQL and MariaDB servers for tests. Each server has a temporary folder and a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from tests.requirements import find_program


def find_free_port() -> int:
    with socket.socket() as free_socket:
        free_socket.bind(("127.0.0.1", 0))
        port: int = free_socket.getsockname()[1]
    return port


@contextmanager
def run_server(command: list[str], url: str, **options: Any) -> Iterator[str]:
    """Run a database server during a ``with`` block, and yield the URL when the server is ready.

    :param url: The URL of the database.
    :param options: Options of ``subprocess.Popen``.
    """
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    ) as server:
        try:
            wait_for_database(url)
            yield url
        finally:
            server.terminate()


def wait_for_database(url: str) -> None:
    """Wait until a connection to the database can be opened.

    :raises OperationalError: if this takes more than 60 seconds.
    """
    engine, deadline = create_engine(url, poolclass=NullPool), time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def run_postgresql() -> Iterator[str]:
    """Run a PostgreSQL server during a ``with`` block, and yield the URL of an empty database."""
    initdb, postgres = find_program("initdb"), find_program("postgres")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="database.") as folder:
        if user is not None:
            shutil.chown(folder, user)
        options: dict[str, Any] = {"user": user, "cwd": folder}
        create = [initdb, "-D", f"{folder}/data", "-A", "trust", "-U", "shop"]
        subprocess.run(  # noqa: S603
            [*create, "--no-sync"], check=True, stdout=subprocess.DEVNULL, **options
        )
        port = find_free_port()
        command = [
            *(postgres, "-D", f"{folder}/data", "-h", "127.0.0.1"),
            *("-p", str(port), "-k", folder, "-c", "fsync=off"),
        ]
        url = f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"
        with run_server(command, url, **options):
            yield url


@contextmanager
def run_mariadb() -> Iterator[str]:
    """Run a MariaDB server during a ``with`` block, and yield the URL of an empty database."""
    with tempfile.TemporaryDirectory(prefix="database.") as folder:
        user = pwd.getpwuid(os.getuid()).pw_name
        options = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        create = [find_program("mariadb-install-db"), *options]
        subprocess.run(  # noqa: S603
            [*create, "--auth-root-authentication-method=normal"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        port = find_free_port()
        command = [
            *(find_program("mariadbd"), *options, "--bind-address=127.0.0.1", f"--port={port}"),
            *(f"--socket={folder}/socket", f"--pid-file={folder}/pid"),
        ]
        url = f"mysql+pymysql://root@127.0.0.1:{port}/test"
        with run_server(command, url):
            yield url
