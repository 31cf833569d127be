"""Tests that the pytest fixtures have no side effects, and that their documented examples work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request, session
from flask.testing import FlaskClient

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests.check.test_pytest_plugin import make_member_client

pytest_plugins = ["flask_xiebao.pytest_plugin"]


def get_client_state(client: FlaskClient) -> Any:
    """Return the state of a client, app and signals that the pytest fixtures could change."""
    app = client.application
    return (
        dict(app.config),
        list(app.blueprints),
        list(app.url_map.iter_rules()),
        [dict(each.receivers) for each in (entry_clicked, entry_refused, payment_returned)],
        {key: list(functions) for key, functions in app.after_request_funcs.items()},
        client.environ_base,
    )


def test_follow_entry_leaves_app_and_client_unchanged(follow_entry: Any) -> None:
    client, members = make_member_client(), list[str]()
    client.set_cookie("basket", "full")

    def record_member(_app: Flask, member: str, **_: Any) -> None:
        members.append(member)

    with entry_clicked.connected_to(record_member, client.application):
        state = get_client_state(client)
        follow_entry(client, "/page", "home", device="pc")
        assert get_client_state(client) == state

    assert members == ["m1"]
    with client:
        client.get("/about")
        assert request.cookies["basket"] == "full"
        assert session["member"] == "m1"
        assert "Windows" not in str(request.user_agent)


# Examples in the documentation of the pytest fixtures

#: The Python source of a shop for which the examples in the documentation pass.
DOC_SHOP = """
from flask import Flask, render_template_string
from flask_xiebao import Xiebao

app = Flask(__name__)
app.config.update(SECRET_KEY="a secret for tests", XIEBAO_PARTNER_ID="12345", XIEBAO_ENV="test")
app.config["XIEBAO_API_KEY"] = "a9Kx7mQp2ZrT8wLc"
xiebao = Xiebao(app)
xiebao.member_loader(lambda: MEMBER)
MEMBER = "m1"

@xiebao.notification_handler
def on_notification(notification):
    assert notification.member == "m_7Qk2vX9rT4"
    assert xiebao.orders.get(notification.insure_num).effective_status == 3
MACROS = '{% from "xiebao/entry.html" import insurance_entry %}'

@app.get("/")
def start():
    return render_template_string(MACROS + '{{ insurance_entry("QX000000127257") }}')
"""


def run_documentation_examples(folder: Path, shop: str) -> subprocess.CompletedProcess[str]:
    """Write the documentation's examples and a shop into a folder, and run the examples."""
    doc = import_module("flask_xiebao.pytest_plugin").__doc__ or ""
    conftest, *tests = re.findall(r"::\n\n((?:    .*\n|\n)+)", doc)
    (folder / "conftest.py").write_text(textwrap.dedent(conftest))
    (folder / "test_insurance.py").write_text(textwrap.dedent("".join(tests)))
    (folder / "shop.py").write_text(shop)
    options = ["-q", "-W", "error", "--showlocals", "-p", "no:cacheprovider"]
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_documentation_examples_pass(tmp_path: Path) -> None:
    result = run_documentation_examples(tmp_path, DOC_SHOP)
    assert result.returncode == 0, result.stdout
    assert "7 passed" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        (
            '"m1"',
            "None",
            ("5 failed, 2 passed", "The click returned 401. No member is logged in."),
        ),
        ("QX000000127257", "QX1", ("5 failed", "assert 'QX1' == 'QX000000127257'")),
    ],
    ids=["no member", "other product"],
)
def test_documentation_examples_fail_for_faulty_shop(
    tmp_path: Path, old: str, new: str, messages: tuple[str, ...]
) -> None:
    result = run_documentation_examples(tmp_path, DOC_SHOP.replace(old, new))
    assert result.returncode == 1
    assert [message for message in messages if message not in result.stdout] == []
    assert "a9Kx7mQp2ZrT8wLc" not in result.stdout
