"""Tests for examples of the manual that are slow or consist of several code blocks."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from flask import session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from flask_xiebao import Notification
from tests.manual.blocks import DOCS, README, find_blocks, run_module, write_files
from tests.support import DEPLOYED, make_site
from tests.tools import quickstart
from tests.vectors import APPLIED


def run_quick_start_check(folder: Path, hook: str = "", status: int = 0) -> tuple[str, ET.Element]:
    """Run the manual's ``flask xiebao check`` command for CI on the site of the quick start.

    Return the command's output and JUnit report.

    :param hook: Python code that is appended to the quick start of the README.
    :param status: the expected exit status.
    """
    files = quickstart.find_quick_start_files(README.read_text("utf-8"))
    write_files(folder, {**files, "shop.py": files["shop.py"] + hook})
    [command] = re.findall(
        r"(?m)^\$ (flask .* --junit xiebao\.xml)$",
        (DOCS / "en/how-to/testing.md").read_text("utf-8"),
    )
    # Change options of the command, because the quick start has its entry on another page than the
    # manual's example, and needs no login.
    options = command.replace("/orders/8", "/").replace("--member 7 --login tests.login:log_in", "")
    output = run_module(folder, *options.split(), status=status)
    return output, ET.parse(folder / "xiebao.xml").getroot()  # noqa: S314 - The check wrote the file.


def test_check_command_for_ci_passes_on_quick_start(tmp_path: Path) -> None:
    output, report = run_quick_start_check(tmp_path)
    # Text from stderr would follow the result at the end of the output, so this also checks that
    # stderr is empty.
    assert re.search(r"\n✓ [\d,]+ passed, 0 failed\n\Z", output)
    assert report.get("failures") == "0"


def test_check_command_for_ci_reports_hook_that_returns_403(tmp_path: Path) -> None:
    hook = '\n@app.before_request\ndef wall():\n    return "Log in", 403\n'
    _, report = run_quick_start_check(tmp_path, hook, status=1)
    messages = "\n".join(failure.get("message", "") for failure in report.iter("failure"))
    assert "refuses the click with status 403" in messages
    assert "one of these request hooks: shop.wall." in messages


def test_limit_of_manual_applies_to_clicks_but_not_to_notifications() -> None:
    site = make_site(**DEPLOYED)
    blocks = find_blocks(DOCS / "en/how-to/csrf-and-limiters.md")
    [example] = [block.code for block in blocks if "limiter.limit(" in block.code]
    site.xiebao.notification_handler(lambda notification: None)
    exec(  # noqa: S102 - The code is from the manual.
        example,
        {
            "app": site.app,
            "limiter": Limiter(get_remote_address, app=site.app, storage_uri="memory://"),
            "session": session,
        },
    )
    client, link = site.app.test_client(), site.link("product")

    notified = {client.post("/xiebao/notify", data=APPLIED).status_code for _ in range(30)}
    clicked = [client.get(link).status_code for _ in range(21)]

    assert notified == {200}
    # The client is not logged in, so clicks below the limit return 401.
    assert clicked == [401] * 20 + [429]


def test_notification_reader_of_manual_accepts_and_rejects_bodies() -> None:
    site = make_site(**DEPLOYED)
    [block] = find_blocks(DOCS / "en/how-to/own-reader.md")
    notifications: list[Notification] = []
    site.xiebao.notification_handler(notifications.append)
    exec(  # noqa: S102 - The code is from the manual.
        block.code, {"xiebao": site.xiebao, "sign_of": lambda body: b"%d" % len(body)}
    )

    def send_notification(body: str, signature: str | None = None) -> int:
        headers = {"X-Sign": str(len(body)) if signature is None else signature}
        return site.follow("/xiebao/notify", headers, method="POST", data=body).status_code

    valid = '{"step": 2, "ok": false, "no": "2019", "user": 8}'
    assert send_notification(valid) == 200
    [notification] = notifications
    assert (notification.type, notification.succeeded) == (2, False)
    assert (notification.insure_num, notification.member) == ("2019", "8")
    assert send_notification(valid, "wrong") == send_notification(valid, "\xe9") == 403
    for body in ("{", "[]", "{}", valid.replace("2,", '"2",'), valid.replace('"2019"', "null")):
        assert send_notification(body) == 400, body
    assert len(notifications) == 1
