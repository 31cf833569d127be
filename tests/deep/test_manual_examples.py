"""Examples of the manual that take a site to the end of what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from flask import session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from flask_xiebao import Notification
from tests.manual.blocks import DOCS, README, blocks
from tests.support import DEPLOYED, make_site
from tests.tools import quickstart
from tests.vectors import APPLIED


def test_the_quick_start_is_checked_as_a_ci_would(tmp_path: Path) -> None:
    for path, text in quickstart.files(README.read_text("utf-8")).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    page = (DOCS / "en/how-to/testing.md").read_text("utf-8")
    [command] = re.findall(r"^\$ (flask .* --junit .*)$", page, re.M)
    # As the manual has it, with the page of this site, on which everybody is logged in.
    for manuals, own in {"/orders/8": "/", "--member 7 --login tests.login:log_in": ""}.items():
        assert manuals in command
        command = command.replace(manuals, own)

    def ci() -> tuple[subprocess.CompletedProcess[str], ET.Element]:
        done = subprocess.run(  # noqa: S603 - what the manual says
            [sys.executable, "-m", *command.split()],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done, ET.parse(tmp_path / "xiebao.xml").getroot()  # noqa: S314

    done, suites = ci()
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nEntries on /: product QX…127257\n" in done.stdout
    assert re.search(r"^✓ [\d,]+ passed, 0 failed$", done.stdout, re.M)
    assert {suite.get("failures") for suite in suites} == {"0"}

    wall = '\n@app.before_request\ndef wall():\n    return "Log in", 403\n'
    (tmp_path / "shop.py").write_text((tmp_path / "shop.py").read_text() + wall)
    done, suites = ci()
    assert done.returncode == 1
    said = {failure.get("message", "") for failure in suites.iter("failure")}
    assert any("got status 403 from the host" in each for each in said)
    assert any("one of these before_request hooks: shop.wall." in each for each in said)


def test_the_limit_of_clicks_leaves_notifications_out() -> None:
    page = DOCS / "en/how-to/csrf-and-limiters.md"
    [limits] = [block.code for block in blocks(page) if "limiter.limit(" in block.code]
    site = make_site(**DEPLOYED)
    site.xiebao.notification_handler(lambda notification: None)
    limiter = Limiter(get_remote_address, app=site.app, storage_uri="memory://")
    names = {"app": site.app, "limiter": limiter, "session": session}
    exec(limits, names)  # noqa: S102 - what the manual says
    browser = site.app.test_client()
    told = {browser.post("/xiebao/notify", data=APPLIED).status_code for _ in range(30)}
    link = site.link("product")
    clicked = [browser.get(link).status_code for _ in range(21)]
    assert (told, clicked[-1]) == ({200}, 429)
    assert 429 not in clicked[:-1]


def test_the_reader_of_notifications_reads_and_refuses_as_it_says() -> None:
    [block] = (each for each in blocks(DOCS / "en/how-to/own-reader.md"))
    site = make_site(**DEPLOYED)
    sent_signals: list[Notification] = []
    site.xiebao.notification_handler(sent_signals.append)
    names = {"xiebao": site.xiebao, "sign_of": lambda body: b"%d" % len(body)}
    exec(block.code, names)  # noqa: S102 - what the manual says

    def answer(body: str, sign: str | None = None) -> int:
        headers = {"X-Sign": str(len(body)) if sign is None else sign}
        return site.app.test_client().post("/xiebao/notify", data=body, headers=headers).status_code

    good = '{"step": 2, "ok": false, "no": "2019", "user": 8}'
    assert answer(good) == 200
    [said] = sent_signals
    assert (said.type, said.succeeded, said.insure_num) == (2, False, "2019")
    assert said.member == "8"
    assert answer(good, "wrong") == answer(good, "\xe9") == 403
    for wrong in ("{", "[]", "{}", good.replace("2,", '"2",'), good.replace('"2019"', "null")):
        assert answer(wrong) == 400, wrong
    assert len(sent_signals) == 1
