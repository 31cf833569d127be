"""Firefox: entries are in their places there, too, and a double click is one."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.browser.frameworks import BUILDS, serve_shop
from tests.browser.harness import MODULES
from tests.browser.hosts import HOSTS, WHOLE, serve_hosts
from tests.browser.measure import OUT_OF_PLACE
from tests.support import SentSignals

_DRIVER = Path(__file__).with_name("firefox.mjs")


def ask_firefox(folder: Path, **task: Any) -> Any:
    """Have Firefox do something, and return what it saw."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    node = shutil.which("node")
    assert path is not None
    assert node is not None
    # Node looks for packages beside the file.
    driver = folder / "firefox.mjs"
    driver.write_text(_DRIVER.read_text())
    (folder / "node_modules").symlink_to(MODULES)
    done = subprocess.run(  # noqa: S603
        [node, driver, json.dumps({"path": path, **task})],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_entries_are_in_their_places(tmp_path: Path) -> None:
    (tmp_path / "hosts").mkdir()
    with serve_hosts(tmp_path / "hosts") as addresses:
        pages = [f"{address}/host/{name}" for address in addresses.values() for name in HOSTS]
        widths = [320, 360, 768, 1280]
        found = ask_firefox(
            tmp_path, addresses=pages, widths=widths, outOfPlace=OUT_OF_PLACE, entries=WHOLE
        )
    assert found == []


def test_a_double_click_leads_to_the_gateway_once(
    tmp_path: Path, sent_signals: SentSignals
) -> None:
    with serve_shop(BUILDS["nothing"], script=True) as shop:
        seen = ask_firefox(tmp_path, address=shop.address, member="m_7Qk2vX9rT4")
        time.sleep(0.3)  # for one click too many to come
    assert "/gateway/dispatch/cps" in seen["url"]
    assert [signal for signal, _ in sent_signals] == ["clicked"]
