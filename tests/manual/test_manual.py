"""The manual: what it shows is run."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import click
import pytest
from flask import Flask, g
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_required
from flask_migrate.cli import db as flask_migrate
from flask_seasurf import SeaSurf
from flask_sqlalchemy import SQLAlchemy
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import String, cast, create_engine, orm

from flask_xiebao import Order, Xiebao
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases
from tests.manual.blocks import DOCS, ROOT, Block, all_blocks, blocks, run
from tests.support import CONFIG, DEPLOYED, INSURE_NUM, SETTING_NAMES

pytest_plugins = ["flask_xiebao.pytest_plugin"]

# What stands around the examples of the manual: templates of the site's own.
_TEMPLATES = {
    "base.html": "{% block main %}{% endblock %}",
    "my_header.html": "",
    "mail/policy.html": "{{ insure_num }} {{ member_id }}",
    "policies.html": "",
}


class Base(orm.DeclarativeBase):
    """The tables of a site as the manual takes it for granted."""


class Kept(PurchaseMixin, Base):
    """Its purchases."""


class InsuranceClick(ClickMixin, Base):
    """The clicks of its members."""


@pytest.fixture
def app() -> Flask:
    """A site as the manual takes it for granted, in service."""
    app = Flask("shop")
    app.config.update(
        CONFIG,
        **DEPLOYED,
        SQLALCHEMY_DATABASE_URI="sqlite://",
        XIEBAO_PUBLIC_URL="https://shop.example",
        XIEBAO_STRICT=True,
        INSURANCE={"trip": "QX000000127257"},
    )
    own = DictLoader(_TEMPLATES)
    app.jinja_env.loader = ChoiceLoader([app.create_global_jinja_loader(), own])
    app.add_url_rule("/sign-in", "auth.login", lambda: "")
    return app


@pytest.fixture
def names(app: Flask, xiebao_orders: Any) -> Iterator[dict[str, Any]]:
    """What the Python of the manual takes for granted."""
    LoginManager(app)
    xiebao_orders([Order(insure_num=INSURE_NUM)])
    db = SQLAlchemy()
    db.init_app(app)
    Base.metadata.create_all(engine := create_engine("sqlite://"))
    yield {
        "__name__": "shop",
        "__file__": "shop.py",
        "app": app,
        "cache": Cache(app, config={"CACHE_TYPE": "SimpleCache"}),
        "compare": lambda order: None,
        "csrf": SeaSurf(),
        "current_user": current_user,
        "db": db,
        "insure_num": INSURE_NUM,
        "login_required": login_required,
        "limiter": Limiter(get_remote_address, app=app, storage_uri="memory://"),
        "member_id": 8,
        **{name: getattr(orm, name) for name in _ORM},
        **{"cast": cast, "String": String, "PurchaseMixin": PurchaseMixin, "Purchases": Purchases},
        "InsuranceClick": InsuranceClick,
        "Purchase": Kept,
        "purchases": Purchases(Xiebao(), Kept, orm.sessionmaker(engine), clicks=InsuranceClick),
        **dict.fromkeys(("create_app", "redis", "rq", "user"), MagicMock(id=8)),
        "portal": lambda environ, start: [],
        "render_template": lambda name, **values: "",
        "session": {},
        "xiebao": Xiebao(app),
    }
    engine.dispose()


_ORM = ("Mapped", "foreign", "mapped_column", "relationship")


def _whole(*languages: str) -> list[Block]:
    """Return the blocks that stand alone; the tutorial's are run in the shop that grows."""
    return [block for block in all_blocks(*languages) if ":caption:" not in block.options]


@pytest.mark.parametrize("block", _whole("python"), ids=str)
def test_the_python_runs(block: Block, names: dict[str, Any]) -> None:
    code = compile(block.code, str(block), "exec", dont_inherit=True)
    if "pytest_plugins" in block.code or "def test_" in block.code:
        return  # run below, as tests
    with names["app"].app_context():
        exec(code, names)  # noqa: S102 - what the manual says
    names["app"].test_client().get("/")


@pytest.mark.parametrize("block", _whole("jinja", "html+jinja"), ids=str)
def test_the_templates_render(block: Block, app: Flask) -> None:
    Xiebao(app).member_loader(lambda: 8)
    imports = (DOCS / "en/reference/macros.md").read_text("utf-8")
    macros = re.findall(r"^\{% from .*?(?=^```)", imports, re.DOTALL | re.MULTILINE)[0]
    source = block.code if "extends" in block.code else macros + block.code
    variables = {
        "insure_num": INSURE_NUM,
        "member_id": 8,
        "order": SimpleNamespace(id=8),
        "store": SimpleNamespace(xiebao_id="store-17"),
        "csp_nonce": lambda: "r4nd0m",
        # what the extension's own pages have
        **{"start": "/", "site": "shop.example", "title": "", "code": "", "direct": "/"},
    }
    with app.test_request_context():
        g.store = variables["store"]
        app.jinja_env.from_string(source).render(variables)


def test_the_tests_that_the_manual_shows_pass(tmp_path: Path) -> None:
    page = DOCS / "en/how-to/testing.md"
    login, plugin, tests, *_ = (block.code for block in blocks(page) if block.language == "python")
    (tmp_path / "tests").mkdir()
    for path, text in {
        "shop.py": _SHOP,
        "tests/__init__.py": "",  # or one elsewhere on the path would win
        "tests/login.py": login,
        "conftest.py": f"{plugin}{_FIXTURES}",
        "test_shop.py": tests,
    }.items():
        (tmp_path / path).write_text(text)
    said = run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", ".")
    assert re.search(r"^4 passed", said, re.MULTILINE), said
    options = ("--login", "tests.login:log_in", "--member", "8", "--case", "product-plain")
    assert ", 0 failed" in run(tmp_path, "flask", "--app", "shop", "xiebao", "check", *options)


_SHOP = """
from flask import Flask, render_template_string, session
from flask_xiebao import EffectiveStatus, Xiebao

app = Flask(__name__)
app.config.update(TESTING=True, SECRET_KEY="a", XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="Key")
xiebao = Xiebao(app)
xiebao.member_loader(lambda: session.get("member_id", 7))


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
    return shop.app.test_client()
"""


_INSTALLED = {
    *("Flask-Xiebao", "Flask-Xiebao[orders]", "Flask-Xiebao[sqla]"),
    *(".[test]", "--editable", ".", "gunicorn"),
}


@pytest.mark.parametrize("block", all_blocks("console"), ids=str)
def test_the_commands_are_there(block: Block) -> None:
    for line, after in pairwise([*block.code.splitlines(), ""]):
        command = line.removeprefix("$ ").partition("  #")[0]
        if line.startswith("$ printf"):
            said = subprocess.run(  # noqa: S602 - what the manual says
                command, shell=True, capture_output=True, text=True, check=True, timeout=10
            )
            assert said.stdout.splitlines() == [after]
        elif line.startswith("$ "):
            _try(shlex.split(command))


def _try(words: list[str]) -> None:
    """Fail if there is no such command, or it has no such option."""
    while "=" in words[0]:
        assert words.pop(0).removeprefix("FLASK_").partition("=")[0] in SETTING_NAMES
    match words:
        case ["flask", "--app", "shop", "xiebao", *arguments]:
            _parse(commands, arguments)
        case ["flask", "--app", "shop", "run" | "init-db" | "add-samples", *options]:
            assert options in ([], ["--debug"])
        case ["flask", "--app", "shop", "db", *arguments]:
            _parse(flask_migrate, arguments)
        case ["make", *targets]:
            known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert {target for target in targets if "=" not in target} <= set(known)
        case ["pip", "install", *what]:
            assert set(what) - {"--upgrade"} <= _INSTALLED
        case ["python", "-c", code]:
            compile(code, "<manual>", "exec")
        case ["python", file, *_]:
            assert (ROOT / file).exists()
        case (
            ["python3", "-m", "venv", _]
            | [".", _]
            | ["pytest"]
            | ["set", "-a;", *_]
            | ["gunicorn", *_, "shop:create_app()"]
            | ["grep", *_]  # tests/deep/test_old_names.py runs it
        ):
            pass
        case _:
            raise AssertionError(f"Unknown: {words}")


def _parse(command: click.Command, arguments: list[str]) -> None:
    context = command.make_context("xiebao", arguments, resilient_parsing=False)
    if isinstance(command, click.Group):
        name, sub, rest = command.resolve_command(context, arguments)
        assert sub is not None, name
        _parse(sub, rest)


@pytest.mark.parametrize("block", all_blocks("text"), ids=str)
def test_the_environment_has_names_of_settings(block: Block) -> None:
    assert {*re.findall(r"^FLASK_(XIEBAO_\w+)=", block.code, re.MULTILINE)} <= {*SETTING_NAMES}
