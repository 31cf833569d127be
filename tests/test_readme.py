"""The READMEs, done as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from flask_xiebao.config import Settings
from tests import quickstart
from tests.support import accepted, arrival, href

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


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_every_setting_is_explained(readme: Path) -> None:
    explained = set(re.findall(r"^\| .*?\|", readme.read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(XIEBAO_\w+)`", "".join(explained)))
    assert named == {f"XIEBAO_{name.upper()}" for name in Settings.__dataclass_fields__}


def test_every_link_to_a_file_leads_to_one() -> None:
    for readme in READMES:
        text = readme.read_text("utf-8")
        for target in re.findall(r'\]\((?!http|#)([^)]+)\)|src="(demo[^"]+)"', text):
            assert (ROOT / "".join(target)).exists(), target
