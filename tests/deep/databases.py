"""PostgreSQL and MariaDB, each in a folder of its own and on 127.0.0.1, while a test runs."""

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
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@contextmanager
def folder_of(user: str | None) -> Iterator[Path]:
    """Make a folder; the servers' own users may write in it, where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="database."))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(command: list[str], url: str, **options: Any) -> Iterator[str]:
    """Run a server until the end of the block."""
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    ) as server:
        try:
            wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def wait_for(url: str) -> None:
    engine = create_engine(url)
    for attempt in range(300):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError:
            if attempt == 299:
                raise
            time.sleep(0.1)
        else:
            break
    engine.dispose()


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of an empty database of PostgreSQL, which root may not run."""
    [*_, programs] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    user = "postgres" if os.getuid() == 0 else None
    with folder_of(user) as folder:
        options: dict[str, Any] = {"user": user, "cwd": folder}
        initdb = [f"{programs}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "shop"]
        subprocess.run(  # noqa: S603
            [*initdb, "--no-sync"], check=True, stdout=subprocess.DEVNULL, **options
        )
        port = free_port()
        server = [programs / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", port]
        command = [*map(str, server), "-k", str(folder), "-c", "fsync=off"]
        url = f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"
        with running(command, url, **options) as address:
            yield address


@contextmanager
def mariadb() -> Iterator[str]:
    """Yield the URL of an empty database of MariaDB."""
    with folder_of(None) as folder:
        data, user = folder / "data", pwd.getpwuid(os.getuid()).pw_name
        own = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
        subprocess.run(  # noqa: S603
            ["mariadb-install-db", *own, "--auth-root-authentication-method=normal"],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
        )
        port = free_port()
        where = [f"--port={port}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
        command = [program, *own, "--bind-address=127.0.0.1", *where]
        url = f"mysql+pymysql://root@127.0.0.1:{port}/test"
        with running(command, url) as address:
            yield address
