"""How a check is reported, and the command."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask, Response, request

from flask_xiebao.check.reports import FORMATS
from flask_xiebao.testing import check_entries
from tests.check.support import (
    another_status,
    command,
    login_shop,
    shop,
    spoilt,
)
from tests.support import SIGN_OF_KEY
from tests.tools.mutants.sites import SITES


def test_the_command_says_what_it_tested_and_passes() -> None:
    done = command(SITES["everything"](), "--device", "iphone")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "Site: shop, https://shop.example/~~~travel"
    assert "Environment: production" in lines
    assert "Gateway: https://api.xiebao18.com" in lines
    assert any(line.startswith("Versions: Flask-Xiebao 0.") for line in lines)
    assert lines[-1].endswith(" passed, 0 failed")


def test_the_command_says_what_is_wrong_and_how_to_see_it_again() -> None:
    app = spoilt(another_status(302, 301))
    done = command(app, "--device", "iphone", "--device", "android")
    assert done.exit_code == 1
    assert "Browsers keep a permanent redirect" in done.output
    assert "Came: 301" in done.output
    again = "flask xiebao check --case product-plain --device iphone"
    assert again in done.output
    once = command(app, *again.split()[3:])
    assert once.exit_code == 1
    assert once.output.endswith("0 passed, 1 failed\n")
    in_chinese = command(app, *again.split()[3:], "--locale", "zh")
    assert "浏览器会一直记住永久跳转" in in_chinese.output
    assert in_chinese.output.endswith("通过 0 项，不通过 1 项\n")


def test_one_run_writes_every_report_and_the_text(tmp_path: Path) -> None:
    app = spoilt(another_status(403, 404))
    files = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "html")}
    written = [part for form, file in files.items() for part in (f"--{form}", str(file))]
    done = command(app, "--device", "pc", *written)
    assert done.exit_code == 1
    assert "Rule: status.404" in done.stdout

    suites = ET.parse(files["junit"]).getroot()  # noqa: S314
    passed = len(list(suites.iter("testcase"))) - 12
    assert done.stdout.endswith(f"{passed} passed, 12 failed\n")
    pages = ["product page", "home page", "policy page", "Site"]
    assert [suite.get("name") for suite in suites] == pages
    assert suites.get("failures") == "12"
    names = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
    assert len(set(names)) == len(names)
    assert all(float(case.get("time", "")) >= 0 for case in suites.iter("testcase"))
    assert sum(int(suite.get("failures", "")) for suite in suites) == 12
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.get("type") == "status.404"
    assert "Came: 404" in (failure.text or "")

    said = json.loads(files["json"].read_text("utf-8"))
    assert (said["failed"], said["passed"], said["environment"]) == (12, passed, "test")
    [problem] = said["problems"]
    assert problem["code"] == "status.404"
    differences = {each["came"]: each for each in problem["differences"]}
    assert differences.keys() == {"404 another_member", "404 not_allowed"}
    assert {each["should"] for each in differences.values()} == {"403"}
    assert sum(len(each["where"]) for each in differences.values()) == 12
    plain = next(each for each in said["results"] if each["case"] == "home-plain")
    assert (plain["device"], plain["status"], plain["passed"]) == ("pc", 200, True)

    assert "12 failed" in files["html"].read_text("utf-8")


def test_the_options_of_0_2_work_and_say_what_they_are_called_now(tmp_path: Path) -> None:
    done = command(shop(), "--device", "pc", "--format", "json")
    assert json.loads(done.stdout)["failed"] == 0
    assert "--format and --output are now --json FILE" in done.stderr
    file = tmp_path / "report.xml"
    done = command(shop(), "--device", "pc", "--format", "junit", "--output", str(file))
    assert ET.parse(file).getroot().get("failures") == "0"  # noqa: S314
    assert done.stdout.endswith(" passed, 0 failed\n")
    assert "--format" not in command(shop(), "--help").output


def test_the_command_writes_a_page_that_is_whole() -> None:
    for app, wrong in ((shop(), 0), (spoilt(another_status(302, 301)), 1)):
        done = command(app, "--device", "pc", "--format", "html", "--locale", "zh")
        assert done.exit_code == wrong
        assert '<html lang="zh-CN">' in done.output
        assert "<script" not in done.output
        assert "style=" not in done.output
        assert "<style" not in done.output
        assert 'href="data:text/css;base64,' in done.output
        assert SIGN_OF_KEY not in done.output


def test_the_command_follows_pages_as_whoever_a_login_logs_in(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our_login.py").write_text(
        "def log_in(client, member):\n    client.post('/login', data={'name': member})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--login", "our_login:log_in", "--member", "7", "--page", "/page", "--device", "pc")
    done = command(login_shop(), *options)
    assert done.exit_code == 0, done.output
    assert "/page: product QX1 → /orders/8, policy P1, home, QR product QX1\n" in done.output
    wrong = command(spoilt_login_shop(), *options)
    again = "flask xiebao check --page /page --case product-plain --device pc --member ID"
    assert f"{again} --login our_login:log_in\n" in wrong.output


def spoilt_login_shop() -> Flask:
    app = login_shop()

    @app.after_request
    def spoil(response: Response) -> Response:
        if response.status_code == 302:
            response.status_code = 303
        return response

    return app


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("no_such_module:log_in", "ModuleNotFoundError: there is no no_such_module"),
        ("json:log_in", "is not a function: write module:function"),
        ("json", "is not a function: write module:function"),
    ],
)
def test_a_login_that_is_not_there(login: str, says: str) -> None:
    done = command(login_shop(), "--login", login, "--member", "7")
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(
    "options",
    [("--device", "nokia"), ("--case", "nothing"), ("--page", ""), ("--member", "x" * 300)],
)
def test_what_is_asked_wrongly_is_told_from_a_site_that_is_wrong(options: tuple[str, ...]) -> None:
    done = command(shop(), *options)
    assert done.exit_code == 2
    assert done.output.startswith("Usage:")


def test_a_report_that_cannot_be_written_is_said_before_the_check(tmp_path: Any) -> None:
    done = command(shop(), "--output", str(tmp_path / "none" / "report.xml"))
    assert done.exit_code == 2
    assert "report.xml' cannot be written: No such file or directory." in done.output


@pytest.mark.parametrize("wrong", [["--device", "nokia"], ["--page", "orders"]])
def test_a_check_that_cannot_begin_leaves_the_older_report(
    wrong: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "report.xml"
    file.write_text("older", "utf-8")
    done = command(shop(), "--format", "junit", "--output", str(file), *wrong)
    assert done.exit_code == 2
    assert [each.name for each in tmp_path.iterdir()] == ["report.xml"]
    assert file.read_text("utf-8") == "older"


@pytest.mark.parametrize("wrong", [False, True])
def test_a_report_for_a_pipe(wrong: bool, tmp_path: Path) -> None:
    """Nothing takes the place of a device or a pipe, as it does of a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    reader.start()
    page = ["--page", "orders"] if wrong else []
    command(shop(), "--device", "pc", "--format", "json", "--output", str(pipe), *page)
    reader.join(10)
    assert pipe.is_fifo()
    assert bool(read[0]) != wrong


def test_the_command_to_see_it_again_names_the_app() -> None:
    again = command(spoilt(another_status(302, 301)), "--device", "iphone", "--with-receivers")
    assert (
        "  flask xiebao check --case product-plain --device iphone --with-receivers\n"
        in again.output
    )


def test_a_report_for_standard_output() -> None:
    done = command(shop(), "--device", "pc", "--format", "json", "--output", "-")
    assert json.loads(done.stdout)["failed"] == 0


def test_where_else_than_at_the_click_it_showed_is_said() -> None:
    app = shop()

    @app.after_request
    def fail_on_phones(response: Response) -> Response:
        if "iPhone" in request.user_agent.string and response.location:
            response.status_code = 301
        return response

    report = check_entries(app, devices=["pc"], only=["policy-bearer"])
    for name, form in FORMATS.items():
        wanted = '"step": "the phone that' if name == "json" else "301 (at: the phone that scans"
        assert wanted in form(report)


def test_a_site_without_the_extension() -> None:
    done = command(Flask("other"))
    assert done.exit_code == 1
    assert "has no Xiebao" in done.output


def test_two_reports_need_two_files(tmp_path: Path) -> None:
    file = str(tmp_path / "report")
    done = command(shop(), "--json", file, "--html", file)
    assert done.exit_code == 2
    assert "Two reports cannot be written to one file." in done.output


def test_the_terminal_has_the_text_alone() -> None:
    done = command(shop(), "--json", "-")
    assert done.exit_code == 2
    assert "'-' cannot be written: the terminal has the text. Name a file." in done.output


def test_what_cannot_be_imported_says_where_and_not_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaky_login.py").write_text("import sys\nsys.exit('hunter2')\n")
    monkeypatch.syspath_prepend(tmp_path)
    done = command(login_shop(), "--login", "leaky_login:log_in")
    assert done.exit_code == 2
    assert "SystemExit: in <module>" in done.output
    assert "hunter2" not in done.output
