"""A test for the ``grep`` command in the upgrade notes that finds names of older versions."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from tests.click.test_older_versions import REMOVED_KEYWORDS
from tests.manual.blocks import DOCS


def test_grep_command_of_upgrade_notes_finds_old_names(tmp_path: Path) -> None:
    old_code = [
        *REMOVED_KEYWORDS.values(),
        "xiebao.orders.policy_file('1')",
        "xiebao.state.settings",
        "from flask_xiebao.links import Entry",
        "parse_notification(body, partner_id=1)",
        "notify(client, wrong='partner')",
        'NotificationError("", "wrong_partner")',
    ]
    (tmp_path / "page.html").write_text("\n".join(old_code))
    # The first line of this file is valid in the current version, so the command must not find it.
    (tmp_path / "shop.py").write_text("Entry('home', 'no_login_for')\nguard(entry.max_age)\n")
    *_, command = re.findall(
        r"(?m)^\$ (grep .*)$", (DOCS / "en/how-to/upgrading.md").read_text("utf-8")
    )

    output = subprocess.check_output(shlex.split(command), cwd=tmp_path, text=True)  # noqa: S603

    assert output.count("page.html:") == len(old_code)
    assert output.count("shop.py:") == 1
