"""Tests for the code blocks and the commands in the manual and the READMEs.

Each block is a test. Python blocks without a caption run with the variables of ``namespace``; if a
page needs another variable, add it there. Blocks with a caption belong to the shop of the tutorial,
or to a page with its own test.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import click
import pytest
from flask import g
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_required
from flask_migrate.cli import db as flask_migrate
from flask_seasurf import SeaSurf
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from sqlalchemy import String, cast, create_engine, orm

from flask_xiebao import Order, Xiebao
from flask_xiebao.cli import xiebao as xiebao_commands
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases
from tests.manual.blocks import (
    DOCS,
    ROOT,
    CodeBlock,
    find_all_blocks,
    find_blocks,
    run_module,
    run_tests,
)
from tests.support import DEPLOYED, INSURE_NUM, SETTING_NAMES, Site, make_site

pytest_plugins = ["flask_xiebao.pytest_plugin"]


class Base(orm.DeclarativeBase):
    """The base class of the database models."""


class Purchase(PurchaseMixin, Base):
    """A member's purchase."""


class InsuranceClick(ClickMixin, Base):
    """A member's click on an insurance entry."""


@pytest.fixture
def site() -> Site:
    """A deployed site without a member loader, in which the code blocks run."""
    site = make_site(
        loader=False,
        **DEPLOYED,
        SQLALCHEMY_DATABASE_URI="sqlite://",
        XIEBAO_PUBLIC_URL="https://shop.example",
        XIEBAO_STRICT=True,
        INSURANCE={"trip": "QX000000127257"},
    )
    site.app.jinja_loader = DictLoader(
        {
            "base.html": "{% block main %}{% endblock %}",
            "my_header.html": "",
            "mail/policy.html": "{{ insure_num }} {{ member_id }}",
            "policies.html": "",
        }
    )
    site.app.add_url_rule("/sign-in", "auth.login", lambda: "")
    return site


@pytest.fixture
def namespace(site: Site, xiebao_orders: Any) -> Iterator[dict[str, Any]]:
    """The global variables that the manual's Python blocks use but do not define."""
    LoginManager(site.app)
    xiebao_orders([Order(insure_num=INSURE_NUM)])
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield {
        "__name__": "shop",
        "__file__": "shop.py",
        "app": site.app,
        "cache": Cache(site.app, config={"CACHE_TYPE": "SimpleCache"}),
        "cast": cast,
        "compare": lambda order: None,
        "csrf": SeaSurf(),
        "current_user": current_user,
        "db": SQLAlchemy(site.app),
        "foreign": orm.foreign,
        "insure_num": INSURE_NUM,
        "login_required": login_required,
        "limiter": Limiter(get_remote_address, app=site.app, storage_uri="memory://"),
        "mapped_column": orm.mapped_column,
        "member_id": 8,
        "portal": lambda environ, start: [],
        "purchases": Purchases(Xiebao(), Purchase, orm.sessionmaker(engine), clicks=InsuranceClick),
        "relationship": orm.relationship,
        "render_template": lambda name, **values: "",
        "session": {},
        "xiebao": site.xiebao,
        "InsuranceClick": InsuranceClick,
        "Mapped": orm.Mapped,
        "Purchase": Purchase,
        "PurchaseMixin": PurchaseMixin,
        "Purchases": Purchases,
        "String": String,
        **dict.fromkeys(("create_app", "redis", "rq", "user"), MagicMock(id=8)),
    }
    engine.dispose()


@pytest.mark.parametrize("block", find_all_blocks("python", captions=False), ids=str)
def test_python_block_of_manual_runs(
    block: CodeBlock, site: Site, namespace: dict[str, Any]
) -> None:
    code = compile(block.code, str(block), "exec", dont_inherit=True)
    # Code blocks with tests are only compiled here, because pytest must run them.
    if "pytest_plugins" in block.code or "def test_" in block.code:
        return
    with site.app.app_context():
        exec(code, namespace)  # noqa: S102 - The code is from the manual.
    site.app.test_client().get("/")


@pytest.mark.parametrize("block", find_all_blocks("jinja", "html+jinja", captions=False), ids=str)
def test_template_block_of_manual_renders(block: CodeBlock, site: Site) -> None:
    site.xiebao.member_loader(lambda: 8)
    macros, *_ = find_blocks(DOCS / "en/reference/macros.md", "jinja")
    source = block.code if "extends" in block.code else macros.code + block.code
    variables = {
        "insure_num": INSURE_NUM,
        "member_id": 8,
        "order": SimpleNamespace(id=8),
        "store": SimpleNamespace(xiebao_id="store-17"),
        "csp_nonce": lambda: "r4nd0m",
        # A template block may override a page template of the extension, so pass the variables of
        # the page templates.
        **{"start": "/", "site": "shop.example", "title": "", "code": "", "direct": "/"},
    }
    with site.app.test_request_context():
        g.store = variables["store"]
        site.app.jinja_env.from_string(source).render(variables)


_SHOP = """
from flask import Flask, render_template_string, session
from flask_xiebao import EffectiveStatus, Xiebao

app = Flask(__name__)
app.config.update(TESTING=True, SECRET_KEY="a", XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="Key")
xiebao = Xiebao(app)
xiebao.member_loader(lambda: session.get("member_id"))


@xiebao.notification_handler
def on_notification(notification):
    order = xiebao.orders.get(notification.insure_num)
    assert order.effective_status == EffectiveStatus.SURRENDERED


@app.get("/orders/8")
def order():
    return render_template_string(
        '{% from "xiebao/entry.html" import insurance_entry %}'
        '{{ insurance_entry("QX000000127257") }}'
    )
"""

_FIXTURES = """
import pytest
import shop


@pytest.fixture
def app():
    return shop.app


@pytest.fixture
def client():
    client = shop.app.test_client()
    with client.session_transaction() as session:
        session["member_id"] = 7
    return client
"""


def test_examples_on_testing_page_pass(tmp_path: Path) -> None:
    login, plugin, tests, *_ = find_blocks(DOCS / "en/how-to/testing.md", "python")
    files = {
        "shop.py": _SHOP,
        # Without this file, Python could import another package with the name "tests".
        "tests/__init__.py": "",
        "tests/login.py": login.code,
        "conftest.py": f"{plugin.code}{_FIXTURES}",
        "test_shop.py": tests.code,
    }
    assert "\n4 passed" in run_tests(tmp_path, files)
    check = "flask --app shop xiebao check --login tests.login:log_in --member 8"
    assert ", 0 failed" in run_module(tmp_path, *check.split(), "--page", "/orders/8")


@pytest.mark.parametrize("block", find_all_blocks("console"), ids=str)
def test_console_block_of_manual_has_valid_commands(block: CodeBlock) -> None:
    for command in re.findall(r"^\$ (.*?)(?:  #.*)?$", block.code, re.MULTILINE):
        if command.startswith("printf"):
            output = subprocess.check_output(command, shell=True, text=True, timeout=10)  # noqa: S602
            assert f"{command}\n{output}" in block.code
        else:
            assert_command_is_valid(shlex.split(command))


def assert_command_is_valid(words: list[str]) -> None:
    """Assert that a command exists and accepts its options, without running the command."""
    while "=" in words[0]:
        assert words.pop(0).removeprefix("FLASK_").partition("=")[0] in SETTING_NAMES
    match words:
        case ["flask", "--app", "shop", "xiebao", *arguments]:
            assert_arguments_are_valid(xiebao_commands, arguments)
        case ["flask", "--app", "shop", "run" | "init-db" | "add-samples", *options]:
            assert options in ([], ["--debug"])
        case ["flask", "--app", "shop", "db", *arguments]:
            assert_arguments_are_valid(flask_migrate, arguments)
        case ["make", *arguments]:
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert {word for word in arguments if "=" not in word} <= set(targets)
        case ["pip", "install", *arguments]:
            assert set(arguments) <= {
                *("../flask-xiebao", "../flask-xiebao[check]", "../flask-xiebao[check,sqla]"),
                *("../flask-xiebao[orders]", "../flask-xiebao[sqla]", "Flask-Xiebao[check]"),
                *("--editable", ".[test]", "gunicorn"),
            }
        case ["python", "-c", code]:
            compile(code, "<manual>", "exec")
        case ["python", file, *_]:
            assert (ROOT / file).exists()
        case (
            ["python3", "-m", "venv", _]
            | [".", _]
            | ["git", "-C", "../flask-xiebao", "pull"]
            | ["pytest"]
            | ["set", "-a;", *_]
            | ["gunicorn", *_, "shop:create_app()"]
            | ["grep", *_]  # tests/deep/test_upgrade_notes.py runs this command.
        ):
            pass
        case _:
            raise AssertionError(f"Add a case for this command: {words}")


def assert_arguments_are_valid(group: click.Group, arguments: list[str]) -> None:
    """Assert that a command group accepts these arguments, the first of which names a command."""
    name, command, rest = group.resolve_command(click.Context(group), arguments)
    assert command is not None
    command.make_context(name, rest)


@pytest.mark.parametrize(
    "block", [block for block in find_all_blocks("text") if "FLASK_XIEBAO_" in block.code], ids=str
)
def test_environment_variables_in_manual_are_settings(block: CodeBlock) -> None:
    assert set(re.findall(r"(?m)^FLASK_(XIEBAO_\w+)=", block.code)) <= set(SETTING_NAMES)
