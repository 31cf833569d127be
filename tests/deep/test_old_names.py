"""The upgrade notes' command that finds names of 0.2."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from tests.click.test_older_versions import REMOVED_KEYWORDS
from tests.manual.blocks import DOCS


def test_the_manual_finds_what_still_has_an_old_name(tmp_path: Path) -> None:
    page = (DOCS / "en/how-to/upgrading.md").read_text("utf-8")
    *_, command = re.findall(r"^\$ (grep .*)$", page, re.MULTILINE)
    old = [
        *REMOVED_KEYWORDS.values(),
        *("xiebao.orders.policy_file('1')", "xiebao.state.settings"),
        *("from flask_xiebao.links import Entry", "parse_notification(body, partner_id=1)"),
        *("notify(client, wrong='partner')", 'NotificationError("", "wrong_partner")'),
    ]
    (tmp_path / "page.html").write_text("\n".join(old))
    (tmp_path / "shop.py").write_text("Entry('home', 'no_login_for')\nguard(entry.max_age)\n")
    found = subprocess.run(  # noqa: S603 - what the manual says
        shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert len([line for line in found.splitlines() if "page.html" in line]) == len(old)
    assert found.count("shop.py") == 1
