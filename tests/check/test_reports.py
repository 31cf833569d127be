"""Tests for the command ``flask xiebao check`` and its reports.

To test another command that fails, add a row to ``REJECTED``.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Response, request

from flask_xiebao.simulator.document import PAGE_SPECS
from flask_xiebao.testing import FORMATS
from tests.check.support import (
    MakeApp,
    make_login_shop,
    make_shop,
    replace_status,
    run_check,
    run_check_command,
)
from tests.support import SIGN_OF_API_KEY, find_element, find_leaks, parse_html
from tests.tools.mutants.sites import SITES

#: Builds a site whose redirects have status 301 instead of 302.
WITH_STATUS_301 = partial(make_shop, replace_status(302, 301))
ONE_CASE = ("--case", "product-plain", "--device", "iphone")


# Report formats


def test_command_prints_site_and_versions_and_passes() -> None:
    result = run_check_command(SITES["everything"](), *ONE_CASE, "--expect-env", "production")

    assert result.exit_code == 0
    for text in (
        "Site: shop, https://shop.example/~~~travel\n",
        "\nEnvironment: production\n",
        "\nGateway: https://api.xiebao18.com\n",
        "\nVersions: Flask-Xiebao 0.",
        "\nThe check opened no page of the site. It used placeholder members",
        " passed, 0 failed\n",
    ):
        assert text in result.output


def test_command_fails_if_environment_differs_from_expect_env() -> None:
    result = run_check_command(make_shop(), *ONE_CASE, "--expect-env", "production")
    assert result.exit_code == 1
    assert 'not the value of "--expect-env"' in result.output


def test_command_prints_failure_and_command_to_repeat_it() -> None:
    app = WITH_STATUS_301()
    devices = ("--device", "iphone", "--device", "android")
    result = run_check_command(app, *devices, "--with-receivers")

    assert result.exit_code == 1
    command = "flask xiebao check --case product-plain --device iphone --with-receivers"
    for text in (
        "A redirect has status 301 instead of 302, so browsers cache its URL",
        "Actual: 301",
        f"  {command}\n",
    ):
        assert text in result.output

    repeated = run_check_command(app, *command.split()[3:])
    assert repeated.exit_code == 1
    assert repeated.output.endswith("0 passed, 1 failed\n")


def test_command_prints_chinese_with_locale_zh() -> None:
    result = run_check_command(WITH_STATUS_301(), *ONE_CASE, "--locale", "zh")
    assert "浏览器会一直记住永久跳转" in result.output
    assert result.output.endswith("通过 0 项，不通过 1 项\n")


def test_command_writes_all_report_formats_in_one_run(tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    arguments = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    app = make_shop(replace_status(403, 404))
    result = run_check_command(app, "--device", "pc", *arguments)

    assert result.exit_code == 1
    assert "Rule: status.404" in result.stdout
    failed = 4 * len(PAGE_SPECS)  # For each gateway page, 4 test cases expect status 403.

    suites = ET.parse(files["junit"]).getroot()  # noqa: S314 - This test wrote the file.
    cases = list(suites.iter("testcase"))
    passed = len(cases) - failed
    assert result.stdout.endswith(f"{passed} passed, {failed} failed\n")
    pages = [page_spec.get_title("en") for page_spec in PAGE_SPECS]
    assert [suite.get("name") for suite in suites] == [*pages, "Site"]
    assert sum(int(suite.get("failures", "")) for suite in suites) == failed
    names = {(case.get("classname"), case.get("name")) for case in cases if case.get("time")}
    assert len(names) == len(cases)
    assert {failure.get("type") for failure in suites.iter("failure")} == {"status.404"}
    assert all("Actual: 404" in (failure.text or "") for failure in suites.iter("failure"))

    report = json.loads(files["json"].read_text("utf-8"))
    assert (report["failed"], report["passed"], report["environment"]) == (failed, passed, "test")
    [problem] = report["problems"]
    differences = {each["came"]: each for each in problem["differences"]}
    assert differences.keys() == {"404 another_member", "404 not_allowed"}
    assert {each["should"] for each in differences.values()} == {"403"}
    assert sum(len(each["where"]) for each in differences.values()) == failed
    [plain] = [each for each in report["results"] if each["case"] == "home-plain"]
    assert (plain["device"], plain["status"], plain["passed"]) == ("pc", 200, True)

    assert f"{failed} failed" in files["html"].read_text("utf-8")


@pytest.mark.parametrize(("site", "exit_code"), [(make_shop, 0), (WITH_STATUS_301, 1)])
def test_html_report_has_no_external_files_and_no_signature(
    site: MakeApp, exit_code: int, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    result = run_check_command(site(), *ONE_CASE, "--html", str(file), "--locale", "zh")
    assert result.exit_code == exit_code
    page = file.read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert 'href="data:text/css;base64,' in page
    assert find_leaks(page, "<script", "style=", "<style", SIGN_OF_API_KEY) == []


def test_html_report_shows_failures_first_and_no_empty_columns() -> None:
    def change_home_page_status(response: Response) -> None:
        if "/home/" in request.path and response.location:
            response.status_code = 301

    page = parse_html(FORMATS["html"](run_check(make_shop(after=change_home_page_status))))
    sections = page.select("details")
    assert page.select("details[open]") == sections[:1]
    assert "Home page" in find_element(sections[0], "summary").text
    for table in sections[0].select("table"):
        has_failed = ["✗" in row.text for row in table.select("tbody tr")]
        assert has_failed[0]
        assert has_failed == sorted(has_failed, reverse=True)
    assert all(cell.text.strip() for cell in page.select("td"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("json", '"step": "scanning the'),
        *((name, "301 (while scanning the QR code") for name in FORMATS if name != "json"),
    ],
)
def test_report_names_failed_step_after_click(name: str, text: str) -> None:
    report = run_check(WITH_STATUS_301, devices=["pc"], only=["policy-bearer"])
    assert text in FORMATS[name](report)


# Options of ``flask xiebao check``


@pytest.fixture
def login_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create the modules ``our_login``, which logs in members, and ``leaky_login``.

    An import of ``leaky_login`` raises SystemExit with a secret in the message.
    """
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "our_login.py").write_text(
        "def log_in(client, member):\n    client.post('/login', data={'name': member})\n"
    )
    (tmp_path / "leaky_login.py").write_text("import sys\nsys.exit('hunter2')\n")


@pytest.mark.usefixtures("login_modules")
def test_command_follows_page_entries_after_login() -> None:
    options = ("--login", "our_login:log_in", "--member", "7", "--page", "/page", "--device", "pc")
    result = run_check_command(make_login_shop(), *options)
    assert result.exit_code == 0, result.output
    entries = "product QX1 → /orders/8, policy P1, home, QR product QX1"
    assert f"Entries on /page: {entries}\n" in result.output

    failed = run_check_command(make_login_shop(replace_status(302, 303)), *options)
    command = (
        "flask xiebao check --page /page --case product-plain --device pc --member ID"
        " --login our_login:log_in"
    )
    assert f"{command}\n" in failed.output


#: One row per ``flask xiebao check`` command with invalid options: the options, and a part of the
#: error message.
REJECTED = [
    (
        "--login no_such_module:log_in",
        '"no_such_module" raised ModuleNotFoundError for "no_such_module".',
    ),
    ("--login json:log_in", "is not a function. Write MODULE:FUNCTION"),
    ("--login json", "is not a function. Write MODULE:FUNCTION"),
    ("--login leaky_login:log_in", '"leaky_login" raised SystemExit in <module>'),
    ("--device nokia", "no device 'nokia'"),
    ("--case nothing", "no case 'nothing'"),
    ("--page orders", 'Use a path, such as "/orders/8"'),
    (f"--member {'x' * 300}", "at most 256 bytes, got 300"),
    (
        "--json -",
        'cannot be written to standard output ("-"), because the text report is printed there',
    ),
    ("--json report --html report", "Two reports cannot be written to the same file."),
    (
        "--format junit --output report.xml",
        'no option "--format". Use "--json" or "--junit" or "--html" instead.',
    ),
    ("--output report.xml", 'no option "--output". Use "--json" or "--junit" or "--html"'),
    (
        "--junit none/report.xml",
        "report.xml' cannot be written (No such file or directory). Choose another path.",
    ),
]


@pytest.mark.usefixtures("login_modules")
@pytest.mark.parametrize(("options", "message"), REJECTED)
def test_command_rejects_options(options: str, message: str) -> None:
    result = run_check_command(make_login_shop(), *options.split())
    assert result.exit_code == 2
    assert "Usage:" in result.output
    assert message in " ".join(result.output.split())
    assert "hunter2" not in result.output


def test_check_passes_if_failed_rules_are_ignored() -> None:
    result = run_check_command(
        WITH_STATUS_301(), *ONE_CASE, "--ignore", "status", "--ignore", "header.nosniff"
    )
    assert result.exit_code == 0
    assert "Ignored rules: status (1), header.nosniff (0)." in result.output
