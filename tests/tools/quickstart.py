"""Pastes a README's quick start into an empty folder, serves it and clicks its entry.

    python tests/tools/quickstart.py README.md

It needs nothing but an environment with Flask-Xiebao in it: `make dist` runs it on a fresh wheel.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import urllib.error
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


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def click(address: str) -> str:
    """Open the page, click its entry and return where the browser is sent."""
    with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310
        html = page.read().decode()
    link = re.search(r'<a href="([^"]+)" class="xiebao-entry ', html)
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', html)
    if not link or not sheet:
        sys.exit(f"The page has no entry or no stylesheet:\n{html}")
    urllib.request.urlopen(address + sheet[1], timeout=10).close()  # noqa: S310
    try:
        urllib.request.build_opener(_StayHere).open(address + link[1], timeout=10).close()
    except urllib.error.HTTPError as answer:
        return str(answer.headers["Location"])
    sys.exit("The entry does not redirect.")


def main(readme: Path) -> str:
    """Return where the quick start's entry leads."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in files(readme.read_text("utf-8")).items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        server, address = serve(folder)
        try:
            return click(address)
        finally:
            server.terminate()
            server.wait(timeout=10)


if __name__ == "__main__":
    location = main(Path(sys.argv[1]))
    if not location.startswith("https://testapi.xiebao18.com/dispatch/cps?partnerId=12345&"):
        sys.exit(f"The entry leads to {location}")
    print("The quick start works: its entry leads to Xiebao's test gateway.")
