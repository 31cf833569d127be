"""The manual: what it shows is run."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from flask import Flask, g
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user
from flask_seasurf import SeaSurf
from jinja2 import ChoiceLoader, DictLoader

from flask_xiebao import Notification, Order, Xiebao
from flask_xiebao.cli import xiebao as commands
from tests.manual.blocks import DOCS, ROOT, Block, all_blocks, blocks, run
from tests.support import CODE, CONFIG, LIVE, NUMBER, SETTINGS, make_site
from tests.vectors import APPLIED

pytest_plugins = ["flask_xiebao.pytest_plugin"]

# What stands around the examples of the manual: templates of the site's own.
_TEMPLATES = {
    "base.html": "{% block main %}{% endblock %}",
    "my_header.html": "",
    "mail/policy.html": "{{ insure_num }} {{ member_id }}",
    "policies.html": "",
}


@pytest.fixture
def app() -> Flask:
    """A site as the manual takes it for granted, in service."""
    app = Flask("shop")
    app.config.update(CONFIG, **LIVE, XIEBAO_PUBLIC_URL="https://shop.example", XIEBAO_STRICT=True)
    app.config["INSURANCE"] = {"trip": "QX000000127257"}
    loader = app.jinja_env.loader
    assert loader is not None
    app.jinja_env.loader = ChoiceLoader([loader, DictLoader(_TEMPLATES)])
    app.add_url_rule("/sign-in", "auth.login", lambda: "")
    return app


@pytest.fixture
def names(app: Flask, xiebao_orders: Any) -> dict[str, Any]:
    """What the Python of the manual takes for granted."""
    LoginManager(app)
    xiebao_orders([Order(insure_num=NUMBER)])
    return {
        "__name__": "shop",
        "__file__": "shop.py",
        "app": app,
        "cache": Cache(app, config={"CACHE_TYPE": "SimpleCache"}),
        "compare": lambda order: None,
        "csrf": SeaSurf(),
        "current_user": current_user,
        "insure_num": NUMBER,
        "limiter": Limiter(get_remote_address, app=app, storage_uri="memory://"),
        "member_id": 8,
        "portal": lambda environ, start: [],
        "render_template": lambda name, **values: "",
        "session": {},
        "xiebao": Xiebao(app),
    }


def _whole(*languages: str) -> list[Block]:
    """Return the blocks that stand alone; the tutorial's are run in the shop that grows."""
    return [block for block in all_blocks(*languages) if ":caption:" not in block.options]


def _is_own_app(block: Block) -> bool:
    return "Flask(__name__)" in block.code


@pytest.mark.parametrize("block", _whole("python"), ids=str)
def test_the_python_runs(block: Block, names: dict[str, Any]) -> None:
    code = compile(block.code, str(block), "exec")
    if "pytest_plugins" in block.code or "def test_" in block.code:
        return  # run below, as tests
    app = names["app"]
    with app.app_context():
        exec(code, names)  # noqa: S102 - what the manual says
    if not _is_own_app(block):
        app.test_client().get("/")


def test_the_limit_of_clicks_leaves_notifications_out(app: Flask, names: dict[str, Any]) -> None:
    names["xiebao"].notification_handler(lambda notification: None)
    page = DOCS / "en/how-to/csrf-and-limiters.md"
    [limits] = [block.code for block in blocks(page) if "limiter.limit(" in block.code]
    exec(limits, names)  # noqa: S102 - what the manual says
    browser = app.test_client()
    told = {browser.post("/xiebao/notify", data=APPLIED).status_code for _ in range(30)}
    with app.test_request_context():
        link = names["xiebao"].product_link(CODE)
    clicked = [browser.get(link).status_code for _ in range(21)]
    assert (told, clicked[-1]) == ({200}, 429)


@pytest.mark.parametrize("block", _whole("jinja", "html+jinja"), ids=str)
def test_the_templates_render(block: Block, app: Flask) -> None:
    site = Xiebao(app)
    site.member_loader(lambda: 8)
    imports = (DOCS / "en/reference/macros.md").read_text("utf-8")
    [macros] = re.findall(r"^\{% from .*?(?=^```)", imports, re.DOTALL | re.MULTILINE)[:1]
    source = block.code if "extends" in block.code else macros + block.code
    variables = {
        "insure_num": NUMBER,
        "member_id": 8,
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
    (tmp_path / "shop.py").write_text(_SHOP)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/__init__.py").touch()  # or one elsewhere on the path would win
    (tmp_path / "tests/login.py").write_text(login)
    (tmp_path / "conftest.py").write_text(f"{plugin}{_FIXTURES}")
    (tmp_path / "test_shop.py").write_text(tests)
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


@pytest.mark.parametrize("block", all_blocks("console"), ids=str)
def test_the_commands_are_there(block: Block) -> None:
    lines = block.code.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("$ "):
            continue
        command = line.removeprefix("$ ").partition("  #")[0]
        if command.startswith("printf"):
            said = subprocess.run(  # noqa: S602 - what the manual says
                command, shell=True, capture_output=True, text=True, check=True, timeout=10
            )
            assert said.stdout.splitlines() == lines[number + 1 : number + 2]
            continue
        _try(shlex.split(command))


def _try(words: list[str]) -> None:
    """Fail if there is no such command, or it has no such option."""
    while "=" in words[0]:
        assert words[0].removeprefix("FLASK_").partition("=")[0] in SETTINGS
        del words[0]
    match words:
        case ["flask", "--app", "shop", "xiebao", *arguments]:
            _parse(commands, arguments)
        case ["flask", "--app", "shop", "run" | "init-db" | "add-samples", *options]:
            assert options in ([], ["--debug"])
        case ["make", *targets]:
            known = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert {target for target in targets if "=" not in target} <= set(known)
        case ["pip", "install", *what]:
            assert {
                "gunicorn",
                "Flask-Xiebao",
                "Flask-Xiebao[orders]",
                ".[test]",
                "--editable",
                ".",
            } >= {name for name in what if name != "--upgrade"}
        case ["python", "-c", code]:
            compile(code, "<manual>", "exec")
        case ["python", file, *_]:
            assert (ROOT / file).exists()
        case ["python3", "-m", "venv", _] | [".", _] | ["pytest"] | ["set", "-a;", *_]:
            pass
        case ["grep", *_]:
            pass  # test_old_names.py runs it
        case ["gunicorn", *_, "shop:create_app()"]:
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
    named = set(re.findall(r"^FLASK_(XIEBAO_\w+)=", block.code, re.MULTILINE))
    assert named <= set(SETTINGS)


def test_the_reader_of_notifications_reads_and_refuses_as_it_says() -> None:
    [block] = (each for each in blocks(DOCS / "en/how-to/own-reader.md"))
    site = make_site(**LIVE)
    heard: list[Notification] = []
    site.xiebao.notification_handler(heard.append)
    names = {"xiebao": site.xiebao, "sign_of": lambda body: b"%d" % len(body)}
    exec(block.code, names)  # noqa: S102 - what the manual says

    def answer(body: str, sign: str | None = None) -> int:
        headers = {"X-Sign": str(len(body)) if sign is None else sign}
        return site.app.test_client().post("/xiebao/notify", data=body, headers=headers).status_code

    good = '{"step": 2, "ok": false, "no": "2019", "user": 8}'
    assert answer(good) == 200
    [said] = heard
    assert (said.type, said.succeeded, said.insure_num) == (2, False, "2019")
    assert said.member == "8"
    assert answer(good, "wrong") == answer(good, "\xe9") == 403
    for wrong in ("{", "[]", "{}", good.replace("2,", '"2",'), good.replace('"2019"', "null")):
        assert answer(wrong) == 400, wrong
    assert len(heard) == 1
