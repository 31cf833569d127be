"""How the package is built: its order, and what it takes to add a page or a locale."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flask_xiebao

PACKAGE = Path(flask_xiebao.__file__).parent

TEXTS = sorted(f"texts.{file.stem}" for file in PACKAGE.glob("texts/[a-z]*.py"))

#: Each file imports only what stands above it. A folder's files are in this order, too.
ORDER = (
    # pure Python, without Flask
    *("errors", "deprecated", "values", "texts", *TEXTS, "platforms", "pages", "gateway"),
    *("members", "links", "admission", "payloads", "notifications", "transport", "orders"),
    # what belongs to an app and to a request
    *("current", "log", "places", "config", "rehearsal", "hooks", "state", "signals", "caching"),
    *("urls", "order_query"),
    # what visitors meet
    *("assets", "codes", "attributes", "entries", "templating"),
    *("answers", "callback", "csrf", "views"),
    # for a site's tests, and for its shell
    *("testing.document", "testing.links", "testing.wire", "testing.delivery"),
    *("testing.purchases", "testing.platform", "testing.simulator", "testing.orders"),
    *("testing.devices", "testing.visits", "testing.tokens", "testing.qr", "testing.site"),
    "testing.png",
    *("testing.masks", "testing.page"),
    *("testing.listening", "testing.cases", "testing.expectations", "testing.markup"),
    *("testing.browsers", "testing.player"),
    *("testing.judge", "testing.site_pages", "testing.acceptance", "testing.reports", "testing"),
    *("cli.findings", "cli.link", "cli.inspect", "cli.keys", "cli.diagnosis"),
    "cli.check",
    *("cli.clicks", "cli.callbacks", "cli.notify", "cli.order", "cli.doctor", "cli"),
    *("extension", "", "pytest_plugin"),
)
PURE = ORDER[: ORDER.index("current")]


def name_of(file: Path) -> str:
    """Return what a file is called in :data:`ORDER`."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, wherever it does: ours as in :data:`ORDER`."""
    package = file.parent.relative_to(PACKAGE).parts if PACKAGE in file.parents else ()
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {ours(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = ["flask_xiebao", *package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*here, *filter(None, [node.module])])
            names = [ours(f"{module}.{alias.name}") for alias in node.names]
            found |= {name if name in ORDER else ours(module) for name in names}
    return found


def ours(module: str) -> str:
    """Return what a module of ours is called in :data:`ORDER`; others keep their names."""
    return "" if module == "flask_xiebao" else module.removeprefix("flask_xiebao.")


DEMO = sorted(PACKAGE.with_name("demo_app").rglob("*.py"))
FILES = {name_of(file): file for file in PACKAGE.rglob("*.py")}


def test_every_file_has_its_place() -> None:
    assert sorted(FILES) == sorted(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_file_imports_only_what_stands_above_it(name: str) -> None:
    above = set(ORDER[: ORDER.index(name)])
    assert imported(FILES[name]) & set(ORDER) <= above


@pytest.mark.parametrize("name", PURE)
def test_the_ground_floor_stands_on_nothing_but_python(name: str) -> None:
    others = {module.partition(".")[0] for module in imported(FILES[name]) - set(ORDER)}
    assert others <= {*sys.stdlib_module_names, "itsdangerous", "httpx", "httpcore"}


def test_what_draws_qr_codes_is_loaded_when_one_is_drawn() -> None:
    code = "import flask_xiebao, flask_xiebao.cli, sys; print('segno' in sys.modules)"
    run = subprocess.run(  # noqa: S603 - all of it is written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


def test_the_document_is_read_twice() -> None:
    """What the gateway is sent is judged by a reading that shares nothing with ours."""
    assert imported(FILES["testing.document"]) & set(ORDER) == {"texts", "values"}
    assert not imported(FILES["testing.simulator"]) & {"pages", "gateway", "links", "urls"}


@pytest.mark.parametrize("file", DEMO, ids=lambda file: file.name)
def test_the_demo_needs_nothing_that_a_site_may_not_use(file: Path) -> None:
    assert imported(file) & set(ORDER) <= {"", "testing"}


#: What a page that the gateway may have one day takes: two rows. The second page here has nothing
#: that it need not have.
PAGE = """
    Page(
        name="claim",
        section="2.4",
        path="/dispatch/cps/claim",
        reference="claimNum",
        parameters=("partnerId", "claimNum", "sign", "partnerUniqKey", "platform", "paySuccess"),
        required=frozenset({"claimNum", "partnerUniqKey"}),
        platforms=_NO_PC_AT_PRESENT,
        members_own=True,
        label={"zh": "查看理赔", "en": "View claim"},
        on_phone={"zh": "用手机查看理赔", "en": "View your claim on your phone"},
        sample="LP20260101",
    ),
    Page(
        name="help",
        section="2.5",
        path="/dispatch/cps/help",
        parameters=("partnerId", "sign"),
        required=frozenset(),
        platforms=_EVERYWHERE,
        label={"zh": "帮助", "en": "Help"},
    ),
"""
ROW = """
    Row(
        name="claim",
        section="2.4",
        path="/dispatch/cps/claim",
        required=("partnerId", "claimNum", "sign", "partnerUniqKey"),
        optional=("platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "理赔详情页", "en": "claim page"},
        members_own=True,
        meanings={"claimNum": {"zh": "理赔号", "en": "the claim, by its number"}},
    ),
    Row(
        name="help",
        section="2.5",
        path="/dispatch/cps/help",
        required=("partnerId", "sign"),
        optional=(),
        platforms=("1", "2", "3", "4"),
        title={"zh": "帮助页", "en": "help page"},
    ),
"""
#: And what a locale takes: a file. What it leaves out is in English.
LOCALE = '''
"""Esperanto."""

TEXTS = {
    "language": "eo",
    "claim.label": "Vidi reklamon",
    "claim.on_phone": "Vidi vian reklamon per telefono",
    "claim.title": "paĝo de reklamo",
    "meaning.claimNum": "la reklamo",
    "handoff.how": "Skanu la kodon.",
    "notice.invalid_link.title": "Ĉi tiu ligilo ne funkcias",
    "qr.label": "Kodo por telefono",
    "simulator.accepted": "Akceptita: {page}",
    "problem.missing": "{parameter} mankas: {meaning}",
}
'''


TRADITIONAL = 'TEXTS = {"language": "zh-Hant", "qr.label": "用手機掃碼投保"}\n'


def with_row(file: Path, row: str) -> None:
    """Add a row to the table of a file."""
    text = file.read_text("utf-8")
    table = re.search(r"^_?ROWS = \(\n.*?(?=^\)$)", text, re.DOTALL | re.MULTILINE)
    assert table
    file.write_text(text[: table.end()] + row.lstrip("\n") + text[table.end() :], "utf-8")


def test_a_page_is_a_row_and_a_locale_is_a_file(tmp_path: Path) -> None:
    copy = tmp_path / "flask_xiebao"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with_row(copy / "pages.py", PAGE)
    with_row(copy / "testing/document.py", ROW)
    (copy / "texts/eo.py").write_text(LOCALE.lstrip(), "utf-8")
    (copy / "texts/zh_hant.py").write_text(TRADITIONAL, "utf-8")
    tests = tmp_path / "test_another_page.py"
    shutil.copy(Path(__file__).with_name("another_page.py"), tests)
    run = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "flask_xiebao.pytest_plugin", str(tests)),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
