"""Follow the quick start of a README in an empty folder, and buy a policy.

    python tests/tools/quickstart.py README.md

The module needs only Flask-Xiebao, so ``make dist`` can test a new wheel with it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path


def find_quick_start_files(readme: str) -> dict[str, str]:
    """Return the texts of the files in the quick start, by the path above the code block."""
    matches = re.findall(
        r"^`([\w./]+)`[:：]\n\n```[\w+]+\n(.*?)^```", readme, re.DOTALL | re.MULTILINE
    )
    return dict(matches)


def read_server_url(server: subprocess.Popen[str]) -> str:
    """Wait until the server prints its URL, and return the URL."""
    output = ""
    for line in server.stdout or ():
        output += line
        if address := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
            return address[1]
    sys.exit(f"The quick start does not run:\n{output}")


def fetch_page(url: str, form: bytes | None = None) -> tuple[str, str]:
    """Send a request, follow redirects, and return the final URL and the HTML of the page."""
    with urllib.request.urlopen(url, form, timeout=10) as response:  # noqa: S310
        return response.url, response.read().decode()


def click_entry(address: str) -> str:
    """Fetch the page and its stylesheet, click the entry, and return the gateway URL."""
    html = fetch_page(address)[1]
    link = re.search(r'<a href="([^"]+)" class="xiebao-entry ', html)
    stylesheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', html)
    if not link or not stylesheet:
        sys.exit(f"The page has no entry or no stylesheet:\n{html}")
    fetch_page(address + stylesheet[1])
    return fetch_page(address + link[1])[0]


def main(readme: Path) -> str:
    """Run the site of the quick start, buy a policy, and return the page after the payment."""
    command = [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        for path, text in find_quick_start_files(readme.read_text("utf-8")).items():
            Path(folder, path).parent.mkdir(exist_ok=True)
            Path(folder, path).write_text(text, "utf-8")
        with subprocess.Popen(  # noqa: S603
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as server:
            try:
                return fetch_page(click_entry(read_server_url(server)), b"do=pay")[1]
            finally:
                server.terminate()


if __name__ == "__main__":
    page_after_payment = main(Path(sys.argv[1]))
    if "保单号" not in page_after_payment:
        sys.exit(f"The page after the payment shows no policy:\n{page_after_payment}")
    print("The quick start works: the page after the payment shows a policy.")
