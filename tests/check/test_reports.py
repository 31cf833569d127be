"""How a check is reported, and the command."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Response, request

from flask_xiebao.simulator.document import PAGE_SPECS
from flask_xiebao.testing import FORMATS, check_entries
from tests.check.support import OUTSIDE, command, login_shop, shop, status
from tests.support import SIGN_OF_API_KEY, parse_html
from tests.tools.mutants.sites import SITES

PERMANENT = partial(shop, status(302, 301))
PLAIN = ("--case", "product-plain", "--device", "iphone")


def test_the_command_says_what_it_tested_and_passes() -> None:
    done = command(SITES["everything"](), "--device", "iphone")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "Site: shop, https://shop.example/~~~travel"
    assert "Environment: production" in lines
    assert "Gateway: https://api.xiebao18.com" in lines
    assert any(line.startswith("Versions: Flask-Xiebao 0.") for line in lines)
    missing = "The check opened no page of the site. It used placeholder members"
    assert any(line.startswith(missing) for line in lines)
    assert lines[-1].endswith(" passed, 0 failed")


def test_the_command_says_what_is_wrong_and_how_to_see_it_again() -> None:
    app = PERMANENT()
    done = command(app, "--device", "iphone", "--device", "android", "--with-receivers")
    assert done.exit_code == 1
    assert "A redirect has status 301 instead of 302, so browsers cache its URL" in done.output
    assert "Actual: 301" in done.output
    again = "flask xiebao check --case product-plain --device iphone --with-receivers"
    assert f"  {again}\n" in done.output
    once = command(app, *again.split()[3:])
    assert once.exit_code == 1
    assert once.output.endswith("0 passed, 1 failed\n")
    in_chinese = command(app, *again.split()[3:], "--locale", "zh")
    assert "浏览器会一直记住永久跳转" in in_chinese.output
    assert in_chinese.output.endswith("通过 0 项，不通过 1 项\n")


def test_one_run_writes_every_report_and_the_text(tmp_path: Path) -> None:
    files = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "html")}
    written = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    done = command(shop(status(403, 404)), "--device", "pc", *written)
    assert done.exit_code == 1
    assert "Rule: status.404" in done.stdout

    suites = ET.parse(files["junit"]).getroot()  # noqa: S314
    cases = list(suites.iter("testcase"))
    failed = 4 * len(PAGE_SPECS)  # the cases of each page that expect a 403
    passed = len(cases) - failed
    assert done.stdout.endswith(f"{passed} passed, {failed} failed\n")
    pages = [row.get_title("en") for row in PAGE_SPECS]
    assert [suite.get("name") for suite in suites] == [*pages, "Site"]
    assert suites.get("failures") == str(failed)
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    assert all(float(case.get("time", "")) >= 0 for case in cases)
    assert sum(int(suite.get("failures", "")) for suite in suites) == failed
    assert {failure.get("type") for failure in suites.iter("failure")} == {"status.404"}
    assert all("Actual: 404" in (failure.text or "") for failure in suites.iter("failure"))

    said = json.loads(files["json"].read_text("utf-8"))
    assert (said["failed"], said["passed"], said["environment"]) == (failed, passed, "test")
    [problem] = said["problems"]
    assert problem["code"] == "status.404"
    differences = {each["came"]: each for each in problem["differences"]}
    assert differences.keys() == {"404 another_member", "404 not_allowed"}
    assert {each["should"] for each in differences.values()} == {"403"}
    assert sum(len(each["where"]) for each in differences.values()) == failed
    plain = next(each for each in said["results"] if each["case"] == "home-plain")
    assert (plain["device"], plain["status"], plain["passed"]) == ("pc", 200, True)

    assert f"{failed} failed" in files["html"].read_text("utf-8")


def test_a_page_of_a_report_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    for site, wrong in ((shop, 0), (PERMANENT, 1)):
        done = command(site(), *PLAIN, "--html", str(file), "--locale", "zh")
        assert done.exit_code == wrong
        page = file.read_text("utf-8")
        assert '<html lang="zh-CN">' in page
        assert 'href="data:text/css;base64,' in page
        for outside in ("<script", "style=", "<style", SIGN_OF_API_KEY):
            assert outside not in page


def test_html_report_shows_failures_first_and_no_empty_columns() -> None:
    def fail_on_home_page(response: Response) -> None:
        if "/home/" in request.path and response.location:
            response.status_code = 301

    page = parse_html(FORMATS["html"](check_entries(shop(after=fail_on_home_page))))
    first, *others = page.select("details")
    assert first.has_attr("open")
    assert not any(section.has_attr("open") for section in others)
    assert first.summary is not None
    assert "Home page" in first.summary.text
    for table in first.select("table"):
        has_failed = ["✗" in row.text for row in table.select("tbody tr")]
        assert has_failed[0]
        assert has_failed == sorted(has_failed, reverse=True)
    assert all(cell.text.strip() for cell in page.select("td"))


def test_where_else_than_at_the_click_it_showed_is_said() -> None:
    def fail_on_phones(response: Response) -> None:
        if "iPhone" in request.user_agent.string and response.location:
            response.status_code = 301

    report = check_entries(shop(after=fail_on_phones), devices=["pc"], only=["policy-bearer"])
    for name, form in FORMATS.items():
        wanted = '"step": "scanning the' if name == "json" else "301 (while scanning the QR code"
        assert wanted in form(report)


# Logins


LOGINS = {
    "our_login": "def log_in(client, member):\n    client.post('/login', data={'name': member})\n",
    "leaky_login": "import sys\nsys.exit('hunter2')\n",
}


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in LOGINS.items():
        (tmp_path / f"{name}.py").write_text(source)


@pytest.mark.usefixtures("logins")
def test_the_command_follows_pages_as_whoever_a_login_logs_in() -> None:
    options = ("--login", "our_login:log_in", "--member", "7", "--page", "/page", "--device", "pc")
    done = command(login_shop(), *options)
    assert done.exit_code == 0, done.output
    assert (
        "Entries on /page: product QX1 → /orders/8, policy P1, home, QR product QX1\n"
        in done.output
    )
    wrong = command(login_shop(status(302, 303)), *options)
    again = "flask xiebao check --page /page --case product-plain --device pc --member ID"
    assert f"{again} --login our_login:log_in\n" in wrong.output


# What is asked wrongly is told from a site that is wrong.


@pytest.mark.usefixtures("logins")
@pytest.mark.parametrize(
    ("options", "says"),
    [
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
    ],
)
def test_what_the_command_cannot_do_is_said(options: str, says: str) -> None:
    done = command(login_shop(), *options.split())
    assert done.exit_code == 2
    assert "Usage:" in done.output
    assert says in " ".join(done.output.split())
    assert "hunter2" not in done.output


# What is left out, or added


def test_a_rule_can_be_left_out_and_the_verdict_says_so() -> None:
    app = PERMANENT()
    assert command(app, *PLAIN).exit_code == 1
    done = command(app, *PLAIN, "--ignore", "status", "--ignore", "header.nosniff")
    assert done.exit_code == 0
    assert "Ignored rules: status (1), header.nosniff (0)." in done.output


@pytest.mark.parametrize(("environment", "wrong"), [("test", True), ("production", False)])
def test_the_environment_is_another_than_expected(environment: str, wrong: bool) -> None:
    app = shop(XIEBAO_ENV=environment, **OUTSIDE)
    done = command(app, *PLAIN, "--expect-env", "production")
    assert done.exit_code == int(wrong)
    assert ('not the value of "--expect-env"' in done.output) == wrong
