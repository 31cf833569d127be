"""What 0.2 made and what was written for it, in rarer places than ``tests/click/`` has it."""

from __future__ import annotations

import logging
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from flask import render_template_string

from flask_xiebao import parse_notification
from flask_xiebao.cli import xiebao as commands
from tests.click.test_old_names import BEARER, IN_TEMPLATES, check_bearer
from tests.manual.blocks import DOCS
from tests.support import CODE, LIVE, NUMBER, Site, href, make_site
from tests.vectors import PAID


@pytest.fixture
def site() -> Site:
    return make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")


def test_a_code_and_a_mail_work_by_the_old_name_too(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.warns(DeprecationWarning, match="no_login_for"):
        assert "<path" in site.render(f'{{{{ insurance_qr("{CODE}", {BEARER}) }}}}').text
    mail = '{% from "xiebao/mail.html" import mail_entry %}'
    source = f'{mail}\n{{{{ mail_entry("home", {BEARER}) }}}}'
    with (
        site.app.test_request_context(),
        pytest.warns(DeprecationWarning, match="no_login_for"),
    ):
        page = render_template_string(source)
    check_bearer(site, href(page))
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == 2


def test_the_command_takes_its_old_option_and_shows_it_nowhere(site: Site) -> None:
    runner = site.app.test_cli_runner()
    arguments = ["link", "policy", NUMBER, "--member", "8", "--max-age", "3600"]
    result = runner.invoke(commands, arguments)
    check_bearer(site, result.stdout.strip())
    assert result.stderr == (
        "--max-age is now called --no-login-for, and will be refused from 0.4 on.\n"
    )
    both = runner.invoke(commands, [*arguments, "--no-login-for", "3600"])
    assert both.exit_code == 2
    assert "give that alone" in both.stderr
    assert "--max-age" not in runner.invoke(commands, ["link", "--help"]).stdout


def test_a_notification_is_read_whoever_is_named_and_the_log_says_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        assert parse_notification(PAID, partner_id="99", api_key="Key").price_fen == 1500
    [line] = [each.getMessage() for each in caplog.records]
    assert line.startswith("parse_notification does not look at partner_id")
    assert __file__ in line


def test_the_manual_finds_what_still_has_an_old_name(tmp_path: Path) -> None:
    page = (DOCS / "en/how-to/upgrading.md").read_text("utf-8")
    *_, command = re.findall(r"^\$ (grep .*)$", page, re.MULTILINE)
    old = [
        *IN_TEMPLATES.values(),
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
