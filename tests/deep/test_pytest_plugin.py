"""The fixtures for a site's own tests: what they leave, and their documentation as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import request, session

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests.check.test_pytest_plugin import member

pytest_plugins = ["flask_xiebao.pytest_plugin"]


def test_the_site_and_the_client_stay_as_they_are_and_the_click_is_a_real_one(
    follow_entry: Any,
) -> None:
    client, members = member(), list[str]()
    app = client.application

    def state() -> Any:
        return (
            dict(app.config),
            list(app.blueprints),
            list(app.url_map.iter_rules()),
            [dict(each.receivers) for each in (entry_clicked, entry_refused, payment_returned)],
            {key: list(functions) for key, functions in app.after_request_funcs.items()},
            client.environ_base,
        )

    client.set_cookie("basket", "full")
    with entry_clicked.connected_to(lambda app, member, **_: members.append(member), app):
        before = state()
        follow_entry(client, "/page", "home", device="pc")
        assert state() == before
    assert members == ["m1"]
    basket = client.get_cookie("basket")
    assert basket is not None
    assert basket.value == "full"
    with client:
        client.get("/about")
        assert session["member"] == "m1"
        assert "Windows" not in str(request.user_agent)


# The documentation

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


def paste(folder: Path, shop: str) -> subprocess.CompletedProcess[str]:
    """Make a site's tests of the blocks of the documentation, and run them."""
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


def test_the_documentation_is_a_test_that_passes(tmp_path: Path) -> None:
    done = paste(tmp_path, DOC_SHOP)
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_the_documentation_is_a_test_that_fails_where_it_should(tmp_path: Path) -> None:
    done = paste(tmp_path, DOC_SHOP.replace('"m1"', "None"))
    assert done.returncode == 1
    assert "5 failed, 2 passed" in done.stdout
    assert "The click returned 401. No member is logged in." in done.stdout
    other = paste(tmp_path, DOC_SHOP.replace("QX000000127257", "QX1"))
    assert "5 failed" in other.stdout
    assert "assert 'QX1' == 'QX000000127257'" in other.stdout
    assert "a9Kx7mQp2ZrT8wLc" not in other.stdout
