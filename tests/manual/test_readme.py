"""The README, done as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from flask import Flask

from tests.manual.blocks import README, ROOT
from tests.support import accepted, arrival, href
from tests.tools import quickstart

QUICK_STARTS = [README, ROOT / "docs/en/tutorial/first-entry.md"]


@pytest.mark.parametrize("readme", QUICK_STARTS, ids=str)
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


def test_the_quick_start_runs_as_the_server_that_the_readme_starts() -> None:
    location = quickstart.main(README)
    accepted(location)


def test_the_quick_start_is_checked_as_a_ci_would(tmp_path: Path) -> None:
    for path, text in quickstart.files(README.read_text("utf-8")).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    page = ROOT / "docs/en/how-to/testing.md"
    [command] = re.findall(r"^\$ (flask .* --junit .*)$", page.read_text("utf-8"), re.M)
    # As the manual has it, with the page of this site, on which everybody is logged in.
    for manuals, own in {"/orders/8": "/", "--member 7 --login tests.login:log_in": ""}.items():
        assert manuals in command
        command = command.replace(manuals, own)

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
    assert "\n/: product QX…127257\n" in done.stdout
    assert re.search(r"^✓ [\d,]+ passed, 0 failed$", done.stdout, re.M)
    suites = ET.parse(tmp_path / "xiebao.xml").getroot()  # noqa: S314
    assert {suite.get("failures") for suite in suites} == {"0"}

    shop = (tmp_path / "shop.py").read_text()
    wrong = '\n@app.before_request\ndef wall():\n    return "Log in", 403\n'
    (tmp_path / "shop.py").write_text(shop + wrong)
    assert ci().returncode == 1
    suites = ET.parse(tmp_path / "xiebao.xml").getroot()  # noqa: S314
    said = {failure.get("message", "") for failure in suites.iter("failure")}
    assert any("gets 403 before the link is read" in each for each in said)
    assert any("before_request hooks may do it: shop.wall." in each for each in said)


def test_every_link_to_a_file_leads_to_one() -> None:
    text = README.read_text("utf-8")
    for target in re.findall(r'\]\((?!http|#)([^)]+)\)|src="(demo[^"]+)"', text):
        assert (ROOT / "".join(target)).exists(), target


def test_it_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 150
