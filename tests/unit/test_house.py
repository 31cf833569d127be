"""How the package is built: its order, and what it takes to add a page or a locale."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import flask_xiebao

PACKAGE = Path(flask_xiebao.__file__).parent

#: The rooms, from the ground up: each imports only what stands before it.
ROOMS = (
    *("deprecated", "errors", "texts", "gateway", "links"),
    *("app", "sqla", "macros", "views"),
    *("simulator", "check", "testing", "cli"),
    *("extension", "", "pytest_plugin"),
)
#: Those that need no Flask.
PURE = ROOMS[: ROOMS.index("app")]


def name_of(file: Path) -> str:
    """Return what a module is called inside of the package, which is "" itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, wherever it does: ours as :func:`name_of` does."""
    package = file.parent.relative_to(PACKAGE.parent).parts
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {ours(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*here, *filter(None, [node.module])])
            names = [ours(f"{module}.{alias.name}") for alias in node.names]
            found |= {name if name in FILES else ours(module) for name in names}
    return found


def ours(module: str) -> str:
    """Return what a module of ours is called; others keep their names."""
    return "" if module == "flask_xiebao" else module.removeprefix("flask_xiebao.")


def room_of(module: str) -> str:
    return module.partition(".")[0]


DEMO = sorted(PACKAGE.with_name("demo_app").rglob("*.py"))
FILES = {name_of(file): file for file in PACKAGE.rglob("*.py")}
IMPORTS = {name: imported(file) for name, file in FILES.items()}


def test_every_file_has_its_room() -> None:
    assert {room_of(name) for name in FILES} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_before_it(room: str) -> None:
    before = set(ROOMS[: ROOMS.index(room)])
    names = [name for name in FILES if room_of(name) == room]
    others = {each for name in names for each in IMPORTS[name] & FILES.keys()} - set(names)
    assert {each for each in others if room_of(each) not in before} == set()


def test_no_files_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: IMPORTS[name] & FILES.keys() for name in FILES}).prepare()


@pytest.mark.parametrize("room", PURE)
def test_the_rooms_below_need_nothing_but_python(room: str) -> None:
    names = {each for name in FILES if room_of(name) == room for each in IMPORTS[name]}
    others = {room_of(name) for name in names - FILES.keys()}
    assert others <= {*sys.stdlib_module_names, "itsdangerous", "httpx"}


def test_no_command_and_no_site_in_service_loads_what_is_for_tests() -> None:
    assert {name for name in FILES if "testing" in IMPORTS[name]} == set()


def test_no_two_files_and_no_two_public_classes_have_one_name() -> None:
    stems = Counter(file.stem for file in FILES.values() if file.stem != "__init__")
    classes = Counter(
        node.name
        for file in FILES.values()
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in (stems + classes).items() if count > 1] == []


def test_what_draws_qr_codes_is_loaded_when_one_is_drawn() -> None:
    code = "import flask_xiebao, flask_xiebao.cli, sys; print('segno' in sys.modules)"
    run = subprocess.run(  # noqa: S603 - all of it is written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


def test_the_document_is_read_twice() -> None:
    """What the gateway is sent is judged by a reading that shares nothing with ours."""
    assert IMPORTS["simulator.document"] & FILES.keys() == {"texts", "gateway.values"}
    assert IMPORTS["simulator.wire"] & FILES.keys() == {"gateway.values"}
    tokens = {"gateway.pages", "gateway.urls", "links.tokens", "app.endpoints"}
    assert not IMPORTS["simulator.gateway_simulator"] & tokens


@pytest.mark.parametrize("file", DEMO, ids=lambda file: file.name)
def test_the_demo_needs_nothing_that_a_site_may_not_use(file: Path) -> None:
    assert imported(file) & FILES.keys() <= {"", "sqla", "testing"}


#: What a page that the gateway may have one day takes: two rows. The second page here has nothing
#: that it need not have.
PAGE = """
    GatewayPage(
        name="claim",
        document_section="2.4",
        path="/dispatch/cps/claim",
        reference_parameter_name="claimNum",
        parameters=("partnerId", "claimNum", "sign", "partnerUniqKey", "platform", "paySuccess"),
        required_parameters=frozenset({"claimNum", "partnerUniqKey"}),
        platforms=_ALL_PLATFORMS_EXCEPT_PC,
        requires_member=True,
        button_label={"zh": "查看理赔", "en": "View claim"},
        handoff_title={"zh": "用手机查看理赔", "en": "View your claim on your phone"},
        sample_reference="LP20260101",
    ),
    GatewayPage(
        name="help",
        document_section="2.5",
        path="/dispatch/cps/help",
        parameters=("partnerId", "sign"),
        required_parameters=frozenset(),
        platforms=_ALL_PLATFORMS,
        button_label={"zh": "帮助", "en": "Help"},
    ),
"""
ROW = """
    PageSpec(
        name="claim",
        section="2.4",
        path="/dispatch/cps/claim",
        required=("partnerId", "claimNum", "sign", "partnerUniqKey"),
        optional=("platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "理赔详情页", "en": "claim page"},
        requires_member=True,
        meanings={"claimNum": {"zh": "理赔号", "en": "the claim, by its number"}},
    ),
    PageSpec(
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
    "handoff.step.scan": "Skanu la kodon.",
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
    table = re.search(
        r"^(?:_GATEWAY_PAGES|PAGE_SPECS) = \(\n.*?(?=^\)$)", text, re.DOTALL | re.MULTILINE
    )
    assert table
    file.write_text(text[: table.end()] + row.lstrip("\n") + text[table.end() :], "utf-8")


def test_a_page_is_a_row_and_a_locale_is_a_file(tmp_path: Path) -> None:
    copy = tmp_path / "flask_xiebao"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with_row(copy / "gateway/pages.py", PAGE)
    with_row(copy / "simulator/document.py", ROW)
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
        # The copy comes before the package; of these tests it needs what they share.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])]),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
