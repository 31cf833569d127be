"""Slow tests for the demo: several processes, all devices, many events, and ``flask run``.

To test the platform of another device, add a row to ``PLATFORMS``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import EnvironBuilder, run_wsgi_app

import demo_app
from demo_app.extensions import db
from demo_app.qa import events
from tests.demo.conftest import demo
from tests.demo.support import (
    LIN,
    ZHOU,
    build_link,
    create_demo,
    get_event_rows,
    get_page,
    get_text,
    open_client,
)
from tests.support import SIGN, find_element, find_href
from tests.tools.load import notifications

__all__ = ["demo"]

#: One row per device of the demo's check: the device's title in the console for QA, and the
#: platform that the check detects.
PLATFORMS = {
    "Windows Chrome": "PC",
    "iPad 桌面模式": "PC",
    "iPhone Safari": "H5",
    "微信 鸿蒙": "H5",
    "微信 Mac": "PC",
    "自有 App iPad": "iOS",
    "自有 App Android": "Android",
}


# The demo in several processes


def test_two_workers_store_each_genuine_notification_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert notifications.main(["--seconds", "10"]) == 0, capsys.readouterr().out


#: A script that clicks a link in two threads. The script waits until it runs in two processes.
CLICK_IN_TWO_THREADS = f"""
import os, pathlib, sys, threading, time, demo_app
folder = pathlib.Path(sys.argv[1])
app = demo_app.create_app(instance_path=sys.argv[1])
with app.test_request_context():
    link = app.extensions["xiebao"].product_link("QX1", member={LIN!r}, no_login_for=60)
def click():
    for _ in range(40):
        assert app.test_client().get(link).status_code == 302
(folder / f"ready.{{os.getpid()}}").touch()
while len(list(folder.glob("ready.*"))) < 2:
    time.sleep(0.001)
threads = [threading.Thread(target=click) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_two_processes_with_two_threads_lose_no_event(tmp_path: Path) -> None:
    def run_click_script(_: int) -> str:
        return subprocess.run(  # noqa: S603 - The command is the script above.
            [sys.executable, "-W", "error", "-c", CLICK_IN_TWO_THREADS, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "FLASK_SECRET_KEY": "a secret for tests"},
            cwd=Path(demo_app.__file__).parents[1],
        ).stderr

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run_click_script, range(2))) == ["", ""]
    with create_demo(tmp_path).app_context():
        click_ids = db.session.scalars(select(events.Event.click_id)).all()
    assert len(set(click_ids)) == len(click_ids) == 160


# Events in the demo's database


def add_event(
    demo: Flask, kind: str, click_id: str | None, member: str, page: str, **values: Any
) -> None:
    """Store an event in the demo's database."""
    with demo.app_context():
        events.add_event(kind, click_id=click_id, member=member, page=page, **values)


def test_newest_events_are_kept_and_listed_on_pages(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EVENTS", 120)
    for number in range(125):
        add_event(demo, "click", f"c{number}", LIN, "home")

    client = demo.test_client()
    pages = [get_page(client, f"/qa/events?at={number}") for number in (1, 2, 3)]

    links = [{find_href(link) for link in page.select("a[rel=next]")} for page in pages]
    assert links == [{"/qa/events?at=2"}, {"/qa/events?at=3"}, set()]
    text = "".join(map(get_text, pages))
    assert all(f"第 {number} 页，共 3 页" in text for number in (1, 2, 3))
    assert re.findall(r"\bc\d+\b", text) == [f"c{number}" for number in range(124, 4, -1)]
    assert get_page(client, "/qa/events?at=99").select("a[rel=prev]")


@pytest.mark.parametrize(
    ("query", "click_ids"),
    [
        (f"member={ZHOU}", [f"{ZHOU}-home", f"{ZHOU}-product"]),
        (f"member={LIN}&page=home&kind=click", [f"{LIN}-home"]),
        ("kind=refusal", ["—"]),
        ("kind=login", []),
    ],
)
def test_event_filter_lists_only_matching_events(
    demo: Flask, query: str, click_ids: list[str]
) -> None:
    for member in (LIN, ZHOU):
        for page in ("product", "home"):
            add_event(demo, "click", f"{member}-{page}", member, page)
    add_event(demo, "refusal", None, LIN, "home", status=410, reason="expired")

    assert [row[6] for row in get_event_rows(demo, query)] == click_ids
    options = get_page(demo.test_client(), f"/qa/events?{query}").select("form.make [selected]")
    assert {option["value"] for option in options} == set(re.findall("=([^&]+)", query))


def test_click_redirects_if_database_is_missing(demo: Flask, tmp_path: Path) -> None:
    demo.testing = False
    (tmp_path / "shop.sqlite3").unlink()
    assert open_client(demo).get(build_link(demo)).status_code == 302


def test_events_have_beijing_time(demo: Flask) -> None:
    # time_machine also sets the time zone of the process to Asia/Shanghai.
    with time_machine.travel(datetime(2027, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        add_event(demo, "click", "c1", LIN, "home")
        element = find_element(get_page(demo.test_client(), "/qa/events"), ".events time")
    assert get_text(element) == "01-01 08:00:00"
    assert element["datetime"] == "2027-01-01T08:00:00+08:00"


# The demo's check, which the console at ``/qa`` shows


def test_only_one_check_runs_at_a_time(demo: Flask) -> None:
    client, threads = demo.test_client(), threading.active_count()
    counts = []
    for number in range(40):
        site = {"base_url": f"http://{number}.example/"}
        assert client.get("/qa", **site).status_code == 200
        client.post("/qa/check", **site)
        counts.append(threading.active_count() - threads)
    assert max(counts) == 1


def test_link_form_explains_that_insurance_is_disabled(tmp_path: Path) -> None:
    disabled = create_demo(tmp_path, XIEBAO_ENABLED="false")
    page = get_page(disabled.test_client(), "/qa/links?page=home")
    assert "XIEBAO_ENABLED" in find_element(page, "#error").text


# The demo's secret key, invalid host names, and the access log


def test_secret_key_is_created_once(tmp_path: Path) -> None:
    keys = {demo_app.create_app(str(tmp_path / "instance")).config["SECRET_KEY"] for _ in range(2)}
    assert [len(key) for key in keys] == [64]
    assert [file.name for file in (tmp_path / "instance").glob("secret*")] == ["secret_key"]


@pytest.mark.parametrize("path", ["/", "/qa", "/qa/links?page=product&reference=QX1", "/widgets/"])
def test_invalid_punycode_host_causes_no_server_error(demo: Flask, path: str) -> None:
    # Call the app without a test client, because a test client cannot send the host name "xn--".
    # Only some versions of Python accept this host name.
    environ = {**EnvironBuilder(path).get_environ(), "HTTP_HOST": "xn--"}
    _, status, _ = run_wsgi_app(demo, environ)
    assert not status.startswith("5")


def test_access_log_of_flask_run_masks_signature() -> None:
    command = [sys.executable, "-m", "flask", "--app", "demo_app", "run", "--port", "0"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server,  # noqa: S603
        ExitStack() as stack,
    ):
        # Stop the server at the end of this block, because Popen then waits until the server ends.
        stack.callback(server.terminate)
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        running = next(line for line in lines if "Running on" in line)
        [address] = re.findall(r"Running on (http://\S+)", running)
        url = (
            f"{address}/gateway/dispatch/cps?partnerId=12345&subPartnerId=&caseCode=QX1"
            f"&sign={SIGN}&partnerUniqKey=m1"
        )
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - The scheme is http.
            assert "已接受" in response.read().decode()
        log = next(line for line in lines if "/gateway/" in line)
    assert "sign=***&partnerUniqKey=m1" in log
    assert SIGN not in log
