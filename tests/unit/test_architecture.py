"""Tests for the imports between the package's modules, and for adding a gateway page or a locale.

A new top-level module or subpackage needs a place in ``LAYERS``. A module in a subpackage belongs
to the layer of the subpackage.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import flask_xiebao

PACKAGE = Path(flask_xiebao.__file__).parent

#: The package's top-level modules and subpackages are its layers. Each layer imports only from the
#: layers before it. The empty string stands for ``__init__``.
LAYERS = (
    *("deprecated", "errors", "texts", "gateway", "links"),
    *("app", "sqla", "macros", "views"),
    *("simulator", "check", "cli"),
    *("extension", ""),
    *("testing", "pytest_plugin"),  # Only the code of sites imports these layers.
)
#: The layers that do not import Flask.
LAYERS_WITHOUT_FLASK = LAYERS[: LAYERS.index("app")]


def get_module_name(file: Path) -> str:
    """Return a file's module name without the prefix ``flask_xiebao.``, or "" for ``__init__``."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def find_imports(file: Path) -> set[str]:
    """Return the names of all modules that a Python file imports, also inside functions.

    The names of the package's own modules are returned without the prefix ``flask_xiebao.``.
    """
    package = ".".join(file.parent.relative_to(PACKAGE.parent).parts)
    modules = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {remove_package_prefix(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            names = [remove_package_prefix(f"{module}.{alias.name}") for alias in node.names]
            modules |= {name if name in FILES else remove_package_prefix(module) for name in names}
    return modules


def remove_package_prefix(module: str) -> str:
    """Remove the prefix ``flask_xiebao.`` from a module's name, if the name has this prefix."""
    return "" if module == "flask_xiebao" else module.removeprefix("flask_xiebao.")


def get_layer(module: str) -> str:
    return module.partition(".")[0]


FILES = {get_module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
IMPORTS = {name: find_imports(file) for name, file in FILES.items()}


def test_every_module_belongs_to_a_layer() -> None:
    assert {get_layer(name) for name in FILES} == set(LAYERS)


@pytest.mark.parametrize("module", FILES)
def test_module_imports_only_its_own_and_lower_layers(module: str) -> None:
    allowed_layers = LAYERS[: LAYERS.index(get_layer(module)) + 1]
    assert {get_layer(name) for name in IMPORTS[module] & FILES.keys()} <= set(allowed_layers)


def test_imports_have_no_cycles() -> None:
    TopologicalSorter({name: IMPORTS[name] & FILES.keys() for name in FILES}).prepare()


@pytest.mark.parametrize(
    "module", [name for name in FILES if get_layer(name) in LAYERS_WITHOUT_FLASK]
)
def test_module_in_lower_layer_does_not_import_flask(module: str) -> None:
    other_packages = {get_layer(name) for name in IMPORTS[module] - FILES.keys()}
    assert other_packages <= {*sys.stdlib_module_names, "itsdangerous", "httpx"}


def test_names_of_files_and_public_classes_are_unique() -> None:
    stems = Counter(file.stem for file in FILES.values() if file.stem != "__init__")
    classes = Counter(
        node.name
        for file in FILES.values()
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in (stems + classes).items() if count > 1] == []


def test_import_does_not_load_segno() -> None:
    code = "import flask_xiebao, flask_xiebao.cli, sys; print('segno' in sys.modules)"
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"


def test_simulator_shares_no_url_code_with_package() -> None:
    """The gateway simulator has its own implementation of Xiebao's interface document."""
    assert IMPORTS["simulator.document"] & FILES.keys() == {"texts", "gateway.values"}
    assert IMPORTS["simulator.wire"] & FILES.keys() == {"gateway.values"}
    assert IMPORTS["simulator.gateway_simulator"].isdisjoint(
        {"gateway.pages", "gateway.urls", "links.tokens", "app.endpoints"}
    )


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.with_name("demo_app").rglob("*.py")), ids=lambda file: file.name
)
def test_demo_imports_only_public_modules(file: Path) -> None:
    assert find_imports(file) & FILES.keys() <= {"", "sqla", "testing"}


#: The source code of two rows that add gateway pages to ``gateway/pages.py``. The second row has
#: only the required fields.
GATEWAY_PAGES = """
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
#: The source code of two rows that add the same gateway pages to ``simulator/document.py``.
PAGE_SPECS = """
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
#: The source code of a file that adds the locale Esperanto. Texts that the file lacks are shown in
#: English.
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


def add_page_rows(file: Path, rows: str) -> None:
    """Add rows to the table of gateway pages in a source file."""
    table = r"^(?:_GATEWAY_PAGES|PAGE_SPECS) = \(\n.*?(?=^\)$)"
    text = re.sub(table, rf"\g<0>{rows}", file.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    file.write_text(text, "utf-8")


@pytest.mark.requires("flask_babel")
def test_page_and_locale_can_be_added_in_one_place(tmp_path: Path) -> None:
    copy = tmp_path / "flask_xiebao"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    add_page_rows(copy / "gateway/pages.py", GATEWAY_PAGES)
    add_page_rows(copy / "simulator/document.py", PAGE_SPECS)
    (copy / "texts/eo.py").write_text(LOCALE.lstrip(), "utf-8")
    (copy / "texts/zh_hant.py").write_text(
        'TEXTS = {"language": "zh-Hant", "qr.label": "用手機掃碼投保"}\n', "utf-8"
    )
    tests = tmp_path / "test_extended_package.py"
    shutil.copy(Path(__file__).with_name("extended_package.py"), tests)
    run = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "flask_xiebao.pytest_plugin", "-p", "tests.conftest", str(tests)),
        ],
        cwd=tmp_path,
        # The copy of the package comes first in ``PYTHONPATH``, so Python imports the copy.
        # ``PYTHONPATH`` also has the project, because the copied tests use ``tests.support`` and
        # the fixtures in ``tests.conftest``.
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
