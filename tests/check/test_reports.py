"""Tests for the command ``flask xiebao check`` and its reports.

To test another command that fails, add a row to ``REJECTED``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Response, request

from flask_xiebao.testing import DEVICES, FORMATS, Failure, Report, Result
from tests.check.support import (
    ENTRY,
    make_login_shop,
    make_shop,
    replace_status,
    run_check_command,
)
from tests.support import SIGN_OF_API_KEY, find_leaks, parse_html
from tests.tools.mutants.sites import SITES

#: Builds a site whose redirects have status 301 instead of 302.
make_shop_with_status_301 = partial(make_shop, replace_status(302, 301), page=ENTRY)
ON_IPHONE = ("--device", "iphone")


# Report formats


def test_command_prints_site_and_versions_and_passes() -> None:
    result = run_check_command(SITES["everything"](), *ON_IPHONE, "--expect-env", "production")

    assert result.exit_code == 0
    for text in (
        "Site: shop, https://shop.example/~~~travel\n",
        "\nEnvironment: production\n",
        "\nGateway: https://api.xiebao18.com\n",
        "\nVersions: Flask-Xiebao 0.",
        "\nNo page of the site was opened. The check made only its three built-in clicks.",
    ):
        assert text in result.output
    assert result.output.endswith("✓ 4 passed, 0 failed\n")


@pytest.mark.requires("html5lib")
def test_command_prints_problem_once_with_all_places() -> None:
    def change_home_page_status(response: Response) -> None:
        if request.endpoint == "xiebao.home" and response.location:
            response.status_code = 301

    result = run_check_command(
        make_shop(
            page="{{ insurance_home_entry() }} {{ insurance_home_entry() }}" + ENTRY,
            after=change_home_page_status,
        ),
        *("--page", "/page", "--device", "iphone", "--device", "android"),
    )

    assert result.exit_code == 1
    assert "✗ /page · home, /page · home (2) [status]\n" in result.output
    assert (
        "A redirect with status 301 or 308 is stored by the browser, so the next member on the"
        " device continues as this one." in result.output
    )
    assert "change_home_page_status. Found: 301. Expected: 302.\n" in result.output
    assert result.output.count("[") == 1
    assert result.output.endswith("✗ 11 passed, 4 failed\n")


def test_report_lists_most_frequent_problem_first_and_shortens_places() -> None:
    rare, frequent = Failure("status", "301", "302"), Failure("page.empty", "0 <a>", "1")
    pc, pages = DEVICES["pc"], [f"/products/{number}" for number in range(7)]
    report = Report(
        site="shop",
        url="https://shop.example",
        environment="test",
        gateway="https://gateway.example",
        at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        versions={"Flask": "3.1"},
    )
    assert not report.passed  # A report without results does not pass.
    report.results.append(Result("/a", "home", pc, "nobody", failures=(rare,)))
    report.results += [Result(page, device=pc, failures=(frequent,)) for page in pages]

    title, text = pc.title_in("en"), str(report)
    assert [problem.failure for problem in report.problems] == [frequent, rare]
    assert f"✗ /products/0, on {title}, " in text
    assert "and 2 more [page.empty]" in text
    assert "/products/5" not in text
    assert f"✗ /a · home (not logged in), on {title} [status]" in text
    for name in ("json", "junit", "html"):
        assert all(page in FORMATS[name](report) for page in pages)


def test_command_prints_chinese_with_locale_zh() -> None:
    result = run_check_command(make_shop_with_status_301(), *ON_IPHONE, "--locale", "zh")
    assert "301 和 308 会被浏览器记住" in result.output
    assert result.output.endswith("通过 3 项，不通过 1 项\n")


@pytest.mark.requires("html5lib")
def test_command_writes_all_report_formats_in_one_run(tmp_path: Path) -> None:
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "html")}
    arguments = [part for name, file in files.items() for part in (f"--{name}", str(file))]
    result = run_check_command(make_shop_with_status_301(), "--page", "/page", *arguments)

    assert result.exit_code == 1
    assert "[status]" in result.stdout
    # On each of two devices, two clicks of a member fail, and the page and two other clicks pass.
    # The settings pass, too.
    assert result.stdout.endswith("✗ 7 passed, 4 failed\n")

    suite = ET.parse(files["junit"]).getroot()  # noqa: S314 - This test wrote the file.
    assert (suite.get("tests"), suite.get("failures")) == ("11", "4")
    cases = list(suite.iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases) == 11
    failures = [failure.text or "" for failure in suite.iter("failure")]
    assert len(failures) == 4
    assert all("Found: 301. Expected: 302." in failure for failure in failures)

    report = json.loads(files["json"].read_text("utf-8"))
    assert (report["passed"], report["failed"], report["environment"]) == (7, 4, "test")
    [problem] = report["problems"]
    assert (problem["rule"], problem["actual"], problem["expected"]) == ("status", "301", "302")
    assert problem["places"] == ["/page · product QX1", "a member's click on a product link"]
    [click] = [
        each
        for each in report["results"]
        if (each["entry"], each["device"]) == ("product QX1", "pc")
    ]
    assert click == {
        "page": "/page",
        "entry": "product QX1",
        "device": "pc",
        "visitor": "member",
        "status": 301,
        "location": "https://testapi.xiebao18.com/dispatch/cps",
        "rules": ["status"],
    }

    html = files["html"].read_text("utf-8")
    assert '<html lang="en">' in html
    assert 'href="data:text/css;base64,' in html
    assert find_leaks(html, "<script", "style=", "<style", SIGN_OF_API_KEY) == []
    page = parse_html(html)
    assert "✗ 7 passed, 4 failed" in page.text
    assert [item.text for item in page.select("ol.problems code")] == ["301", "302", "status"]
    rows = {row.select("th")[0].text: row.select("td") for row in page.select("tbody tr")}
    assert [cell.text for cell in rows["/page · product QX1"]] == ["✗ 301", "✗ 301"]
    # No temporary file is left.
    assert sorted(tmp_path.iterdir()) == sorted(files.values())


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
def test_command_clicks_page_entries_after_login(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    result = run_check_command(
        make_login_shop(),
        *("--login", "our_login:log_in", "--member", "7", "--page", "/page", "--device", "pc"),
        *("--json", str(file)),
    )
    assert result.exit_code == 0, result.output
    entries = [each["entry"] for each in json.loads(file.read_text("utf-8"))["results"]]
    assert {"product QX1", "policy P1", "home", "QR product QX1"} <= set(entries)


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
    ("--expect-env prod", "'prod' is not one of 'test', 'production'"),
    (
        "--json -",
        'cannot be written to standard output ("-"), because the text report is printed there',
    ),
    ("--json report --html report", "Two reports cannot be written to the same file."),
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


def test_failed_check_keeps_old_report_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("an older report")
    result = run_check_command(make_shop(), "--device", "nokia", "--json", str(file))
    assert result.exit_code == 2
    assert file.read_text() == "an older report"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.requires("html5lib")
def test_check_passes_if_failed_rules_are_ignored() -> None:
    app = make_shop(replace_status(302, 301), page="No entries")
    options = ("--page", "/page", *ON_IPHONE, "--ignore", "header")
    result = run_check_command(app, *options, "--ignore", "status", "--ignore", "page")
    assert result.exit_code == 0
    assert "Ignored rules: header (0), status (1), page (1)." in result.output
    # To ignore a rule does not ignore the rule that its name begins with.
    assert run_check_command(app, *options, "--ignore", "page.empty").exit_code == 1
