"""Tests of the commands on sites whose hooks or settings are broken."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from tests.check.support import register_hook
from tests.cli.support import ACCOUNT_KEY, doctor, run, shop
from tests.support import failing_function

KEY_URL = (
    "https://testapi.xiebao18.com/dispatch/cps?partnerId=12345&subPartnerId=&caseCode=QX1"
    "&sign=0&partnerUniqKey=101000"
)


@pytest.mark.parametrize("secret_key", [None, 5])
def test_notify_runs_without_usable_secret_key(secret_key: Any) -> None:
    site = shop(XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses", SECRET_KEY=secret_key)
    result = run(site, "notify", "issue", "1", "--url", "http://127.0.0.1:9/notify")
    assert result.exit_code == 1
    assert "no response" in result.output


@pytest.mark.parametrize(
    ("keeps_plain_key", "words"),
    [
        (lambda member: None, "must return True or False"),
        (failing_function(ValueError("8")), "ValueError"),
    ],
)
def test_inspect_reports_failing_keeps_plain_key(keeps_plain_key: Any, words: str) -> None:
    result = run(shop(register_hook("keeps_plain_key", keeps_plain_key)), "inspect", KEY_URL)
    assert result.exit_code == 1
    assert "partnerUniqKey: the member cannot be determined: " in result.output
    assert words in result.output


def test_notify_reports_failing_keeps_plain_key_without_its_message() -> None:
    def fail(member: str) -> bool:
        raise RuntimeError(f"no account for {member}")

    app = shop(register_hook("keeps_plain_key", fail))
    result = run(app, "notify", "issue", "1", "--member", "alice")
    assert result.exit_code == 2
    assert "the member cannot be determined: RuntimeError in fail (" in result.output
    assert "no account" not in result.output


def test_check_reports_invalid_trusted_hosts_without_traceback() -> None:
    app = shop(XIEBAO_PUBLIC_URL=None)
    app.config["TRUSTED_HOSTS"] = ["exa mple"]
    result = run(app, "check")
    assert result.exit_code == 2
    assert "TRUSTED_HOSTS must be a list with at least one valid host name" in result.output


def test_doctor_reports_hook_that_exits() -> None:
    app = shop(register_hook("keeps_plain_key", lambda member: sys.exit(0)))
    assert "SystemExit" in doctor(app)["ERROR"]
    assert run(app, "doctor").exit_code == 1


def test_doctor_says_that_checks_were_skipped_if_setting_is_wrong() -> None:
    site = partial(shop, XIEBAO_ENV="prod")
    assert "All other checks were skipped." in run(site, "doctor").output
    assert "其他检查都没有进行" in run(site, "doctor", "--locale", "zh").output
    assert "skipped" not in run(shop(XIEBAO_LOGIN_VIEW="nowhere"), "doctor").output


def test_error_names_extra_if_sqlalchemy_is_missing() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; import flask_xiebao.sqla"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "Run `pip install 'Flask-Xiebao[sqla]'`." in done.stderr
    assert ACCOUNT_KEY not in done.stderr
