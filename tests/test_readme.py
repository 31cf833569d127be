"""The READMEs, done as they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Flask

from flask_xiebao import Notification
from flask_xiebao.cli import xiebao
from tests import quickstart
from tests.support import LIVE, SETTINGS, accepted, arrival, href, make_site

ROOT = Path(__file__).parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_quick_start_works_as_pasted(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pasted = quickstart.files(readme.read_text("utf-8"))
    assert pasted.keys() == {"shop.py", "templates/index.html"}
    (tmp_path / "templates").mkdir()
    for path, text in pasted.items():
        (tmp_path / path).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": "shop", "__file__": str(tmp_path / "shop.py")}
    exec(compile(pasted["shop.py"], "shop.py", "exec"), scope)  # noqa: S102
    app = scope["app"]
    assert isinstance(app, Flask)
    app.root_path = str(tmp_path)
    client = app.test_client()
    arrival(client.get(href(client.get("/"))))


@pytest.mark.slow
def test_the_quick_start_runs_as_the_server_that_the_readme_starts() -> None:
    location = quickstart.main(READMES[0])
    accepted(location)


@pytest.mark.slow
def test_the_quick_start_is_checked_as_its_ci_would(tmp_path: Path) -> None:
    for path, text in quickstart.files(READMES[0].read_text("utf-8")).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    [command] = re.findall(r"In CI: `(flask .*?)`", READMES[0].read_text("utf-8"))
    [said] = re.findall(r"`(flask --app shop xiebao check --format .*?)`", READMES[1].read_text())
    assert command == said

    def ci() -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - what the manual says
            [sys.executable, "-m", *command.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = ci()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"[\d,]+ passed, 0 failed: xiebao.xml\n", done.stdout)
    suites = ET.parse(tmp_path / "xiebao.xml").getroot()  # noqa: S314
    assert [suite.get("failures") for suite in suites] == ["0", "0", "0"]

    shop = (tmp_path / "shop.py").read_text()
    wrong = '\n@app.before_request\ndef wall():\n    return "Log in", 403\n'
    (tmp_path / "shop.py").write_text(shop + wrong)
    assert ci().returncode == 1
    suites = ET.parse(tmp_path / "xiebao.xml").getroot()  # noqa: S314
    failure = suites.find(".//failure")
    assert failure is not None
    assert "answered before the extension did" in failure.get("message", "")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_setting_is_explained(readme: Path) -> None:
    explained = set(re.findall(r"^\| .*?\|", readme.read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(XIEBAO_\w+)`", "".join(explained)))
    doctor = make_site(**LIVE).app.test_cli_runner().invoke(xiebao, ["doctor"])
    told = set(re.findall(r"^ok +(XIEBAO_\w+)", doctor.output, re.MULTILINE))
    assert named == told == set(SETTINGS)


def test_every_link_to_a_file_leads_to_one() -> None:
    for readme in READMES:
        text = readme.read_text("utf-8")
        for target in re.findall(r'\]\((?!http|#)([^)]+)\)|src="(demo[^"]+)"', text):
            assert (ROOT / "".join(target)).exists(), target


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_reader_of_notifications_reads_and_refuses_as_it_says(readme: Path) -> None:
    [block] = re.findall(
        r"```python\n((?:(?!```).)*@xiebao\.notification_reader.*?)```",
        readme.read_text("utf-8"),
        re.DOTALL,
    )
    site = make_site(**LIVE)
    heard: list[Notification] = []
    site.xiebao.notification_handler(heard.append)
    names = {"xiebao": site.xiebao, "sign_of": lambda body: b"%d" % len(body)}
    exec(block, names)  # noqa: S102 - what the manual says

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
