"""Pastes a README's quick start into an empty folder, serves it, clicks its entry and pays.

    python tests/tools/quickstart.py README.md

It needs nothing but an environment with Flask-Xiebao in it: `make dist` runs it on a fresh wheel.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path


def files(readme: str) -> dict[str, str]:
    """Return the files that the quick start names, each before its block of code."""
    found = re.findall(r"^`([\w./]+)`[:：]\n\n```\w+\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    return dict(found)


def serve(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Run `flask --app shop run` there and return the process and its address."""
    command = [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", "0"]
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)  # noqa: S603
    deadline = time.monotonic() + 30
    while not (address := re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text())):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            sys.exit(f"The quick start does not run:\n{log.read_text()}")
        time.sleep(0.05)
    return server, address[1]


def ask(url: str, data: bytes | None = None) -> tuple[str, str]:
    """Return where a request ends, and the page that is there."""
    with urllib.request.urlopen(url, data, timeout=10) as page:  # noqa: S310
        return page.url, page.read().decode()


def click(address: str) -> str:
    """Open the page, click its entry and return where that leads."""
    _, html = ask(address)
    link = re.search(r'<a href="([^"]+)" class="xiebao-entry ', html)
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', html)
    if not link or not sheet:
        sys.exit(f"The page has no entry or no stylesheet:\n{html}")
    ask(address + sheet[1])
    return ask(address + link[1])[0]


def main(readme: Path) -> str:
    """Return the page that whoever has clicked the quick start's entry and paid is on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in files(readme.read_text("utf-8")).items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        server, address = serve(folder)
        try:
            return ask(click(address), b"do=pay")[1]
        finally:
            server.terminate()
            server.wait(timeout=10)


if __name__ == "__main__":
    bought = main(Path(sys.argv[1]))
    if "保单号" not in bought:
        sys.exit(f"Whoever pays has no policy:\n{bought}")
    print("The quick start works: whoever clicks its entry and pays has a policy.")
