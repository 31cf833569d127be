"""Tests in Firefox: the layout of insurance entries, and double clicks."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.browser.measure import LAYOUT_ERRORS_JS
from tests.browser.shop import serve_shop
from tests.browser.site_styles import ENTRY, SITE_STYLES, serve_styled_pages
from tests.browser.support import MEMBER
from tests.requirements import find_npm_packages, find_program
from tests.support import SentSignals


def run_firefox_script(folder: Path, **task: Any) -> Any:
    """Run a task of the script ``firefox.mjs`` in Firefox, and return the result."""
    path = find_program("firefox", "firefox-esr")
    # Copy the script, because Node.js looks for the folder node_modules beside the script.
    shutil.copy(Path(__file__).with_name("firefox.mjs"), folder)
    (folder / "node_modules").symlink_to(find_npm_packages())
    result = subprocess.run(  # noqa: S603
        [find_program("node"), "firefox.mjs", json.dumps({"path": path, **task})],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_entries_fit_screens_of_phones_and_pcs(tmp_path: Path) -> None:
    with serve_styled_pages(tmp_path) as sites:
        errors = run_firefox_script(
            tmp_path,
            urls=[f"{url}/page/{name}" for url in sites.values() for name in SITE_STYLES],
            widths=[320, 360, 768, 1280],
            entries=ENTRY,
            findLayoutErrors=LAYOUT_ERRORS_JS,
        )
    assert errors == []


def test_double_click_counts_as_one_click(tmp_path: Path, sent_signals: SentSignals) -> None:
    with serve_shop("plain", script=True) as (url, _):
        final_url = run_firefox_script(tmp_path, url=url, member=MEMBER)
        # Wait for a second request, which the double click must not send.
        time.sleep(0.3)
    assert "/gateway/dispatch/cps" in final_url
    assert [signal for signal, _ in sent_signals] == ["clicked"]
