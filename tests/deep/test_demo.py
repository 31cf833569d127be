"""The demo on every device, in any order of notifications, with other workers, and as it is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import EnvironBuilder, run_wsgi_app

import demo_app
from demo_app.qa import events
from tests.demo.conftest import demo, one_device
from tests.demo.support import (
    LIN,
    ZHOU,
    create_demo,
    kept_events,
    link,
    look,
    matrix,
    told,
    visit,
    words,
)
from tests.support import SIGN, find_element, find_href
from tests.tools.load import notifications

__all__ = ["demo", "one_device"]

pytest_plugins = ["flask_xiebao.pytest_plugin"]


# Purchases


def test_two_workers_keep_each_genuine_one_once_also_where_they_die_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert notifications.main(["--seconds", "10"]) == 0, capsys.readouterr().out


# Events


def happen(
    demo: Flask, kind: str, click_id: str | None, member: str, page: str, **own: Any
) -> None:
    with demo.app_context():
        events.add_event(kind, click_id=click_id, member=member, page=page, **own)


#: Clicks in two threads, once both processes are there.
CLICKS = f"""
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


def test_two_processes_with_two_threads_each_lose_no_event(tmp_path: Path) -> None:
    def run(_: int) -> str:
        return subprocess.run(  # noqa: S603 - Python, with the code above
            [sys.executable, "-W", "error", "-c", CLICKS, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "FLASK_SECRET_KEY": "a secret for tests"},
            cwd=Path(demo_app.__file__).parents[1],
        ).stderr

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == ["", ""]
    stored = kept_events(create_demo(tmp_path))
    assert len({event.click_id for event in stored}) == len(stored) == 160


def test_the_newest_events_are_kept_and_shown_page_by_page(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_EVENTS", 120)
    for number in range(125):
        happen(demo, "click", f"c{number}", LIN, "home")
    url, seen = "/qa/events", ""
    for number in (1, 2, 3):
        page = look(demo.test_client(), url)
        assert f"第 {number} 页，共 3 页" in words(page)
        seen += words(page)
        url = "".join(find_href(older) for older in page.select("a[rel=next]")[:1])
    assert url == ""
    assert re.findall(r"\bc\d+\b", seen) == [f"c{number}" for number in range(124, 4, -1)]
    assert look(demo.test_client(), "/qa/events?at=99").select("a[rel=prev]")


def test_a_return_may_repeat_find_nobody_signed_in_and_come_after_its_click_is_gone(
    demo: Flask,
) -> None:
    happen(demo, "click", "c1", LIN, "product", platform=1)
    happen(demo, "return", "c1", LIN, "product", same_session=False)
    happen(demo, "return", "c1", LIN, "product", same_session=True)
    happen(demo, "return", "gone", LIN, "home", same_session=True)
    gone, click = told(demo)
    assert click[7].endswith("已返回，共 2 次，登录的不是这位会员")
    assert (gone[1], gone[6]) == ("返回", "gone")
    assert gone[7].endswith("点击已不在记录里")


def test_it_can_be_narrowed_down(demo: Flask) -> None:
    for member in (LIN, ZHOU):
        for page in ("product", "home"):
            happen(demo, "click", f"{member}-{page}", member, page)
    happen(demo, "refusal", None, LIN, "home", status=410, reason="expired")
    for query, clicks in {
        f"member={ZHOU}": [f"{ZHOU}-home", f"{ZHOU}-product"],
        f"member={LIN}&page=home&kind=click": [f"{LIN}-home"],
        "kind=refusal": ["—"],
        "kind=login": [],
    }.items():
        assert [line[6] for line in told(demo, query)] == clicks
    assert find_element(
        look(demo.test_client(), "/qa/events?kind=refusal"), "[name=kind] [selected]"
    )


def test_a_database_that_is_gone_stops_no_click_in_service(demo: Flask, tmp_path: Path) -> None:
    demo.testing = False
    (tmp_path / "shop.sqlite3").unlink()
    assert visit(demo).get(link(demo)).status_code == 302


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_shanghai")
def test_events_have_beijing_time(demo: Flask) -> None:
    happen(demo, "click", "c1", LIN, "home", at=1798761600.0)
    [shown_at] = look(demo.test_client(), "/qa/events").select(".events time")
    assert words(shown_at) == "01-01 08:00:00"
    assert shown_at["datetime"] == "2027-01-01T08:00:00+08:00"


# The console

#: Some columns of the console, and what the gateway should be told about each.
PLATFORMS = {
    "Windows Chrome": "PC",
    "iPad 桌面模式": "PC",
    "iPhone Safari": "H5",
    "微信 鸿蒙": "H5",
    "微信 Mac": "PC",
    "自有 App iPad": "iOS",
    "自有 App Android": "Android",
}


def test_every_row_is_green_on_every_device_which_is_found_as_what_it_is(demo: Flask) -> None:
    page = look(demo.test_client())
    count = int(re.findall(r"✓ ([\d,]+) 项全部通过", words(page.h1))[0].replace(",", ""))
    assert count > 300
    heads = [words(head).rpartition(" ") for head in page.select("table.matrix thead th")[1:]]
    assert {title: found for title, _, found in heads}.items() >= PLATFORMS.items()
    row = matrix(page)["已登录"]
    assert {name: words(row[name]) for name in PLATFORMS} == {
        name: f"✓ 302 {platform}" for name, platform in PLATFORMS.items()
    }


@pytest.mark.usefixtures("one_device")
def test_one_check_runs_at_a_time_whatever_host_is_asked_for_and_four_are_kept(
    demo: Flask,
) -> None:
    browser, before, most = demo.test_client(), threading.active_count(), 0
    for number in range(40):
        address = {"base_url": f"http://{number}.example/"}
        assert browser.get("/qa", **address).status_code == 200
        browser.post("/qa/check", **address)
        most = max(most, threading.active_count() - before)
    assert most == 1
    for number in range(6):
        address = {"base_url": f"http://192.168.1.{number}:5000"}
        assert f"http://192.168.1.{number}:5000/" in words(look(browser, **address).main)
    # Of those who looked last, the check is at hand.
    assert "正在检查" not in browser.get("/qa", **address).text
    assert "正在检查" in browser.get("/qa", base_url="http://192.168.1.0:5000").text


def test_one_cause_is_one_problem_and_says_at_which_step(
    demo: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.config["QA_DEVICES"] = ["pc", "iphone"]

    @demo.after_request
    def elsewhere(response: Response) -> Response:
        if (response.location or "").startswith("/gateway"):
            response.location = f"https://evil.example{response.location}"
        return response

    browser = demo.test_client()
    [problem] = look(browser).select(".problem")
    assert "会员连同 sign 被送到别的地址" in words(problem)
    details = words(look(browser, "/qa/home-plain/pc").main)
    assert "在哪一步 扫码的手机" in details
    assert "实际 https://evil.example/gateway/dispatch/cps/index" in details


@pytest.mark.usefixtures("one_device")
def test_switched_off_that_is_what_is_checked(
    tmp_path: Path,
) -> None:
    browser = create_demo(tmp_path, XIEBAO_ENABLED="false").test_client()
    page = look(browser)
    assert "项全部通过" in words(page.h1)
    assert "XIEBAO_ENABLED 已关闭" in words(page.main)
    assert "XIEBAO_ENABLED" in find_element(look(browser, "/qa/links?page=home"), "#error").text


@pytest.mark.usefixtures("one_device")
def test_a_setting_that_is_not_the_one_in_use_is_red(
    demo: Flask,
) -> None:
    demo.config["XIEBAO_API_KEY"] = "another key"  # after init_app
    page = look(demo.test_client())
    assert "请在初始化扩展之前设置" in words(page.main)
    assert "XIEBAO_API_KEY" in words(page.main)
    assert SIGN not in str(page)


# As it is run


def test_the_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first, second = (
        demo_app.create_app(str(tmp_path / "instance")).config["SECRET_KEY"] for _ in range(2)
    )
    assert first == second
    assert len(first) == 64
    assert [file.name for file in (tmp_path / "instance").glob("secret*")] == ["secret_key"]


@pytest.mark.parametrize("path", ["/", "/qa", "/qa/links?page=product&reference=QX1", "/widgets/"])
def test_a_host_that_is_none_breaks_no_page(demo: Flask, path: str) -> None:
    # The test client cannot send this one.
    environ = {**EnvironBuilder(path).get_environ(), "HTTP_HOST": "xn--"}
    _, status, _ = run_wsgi_app(demo, environ)
    assert not status.startswith("5")  # what is a host differs between versions of Python


def test_the_access_log_of_flask_run_masks_the_sign() -> None:
    query = f"partnerId=12345&subPartnerId=&caseCode=QX1&sign={SIGN}&partnerUniqKey=m1"
    run = [sys.executable, "-m", "flask", "--app", "demo_app", "run", "--port", "0"]
    with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as server, ExitStack() as stack:  # noqa: S603
        stack.callback(server.terminate)  # before it is waited for
        assert server.stderr is not None
        begun = "".join(iter(server.stderr.readline, "Press CTRL+C to quit\n"))
        [address] = re.findall(r"Running on (http://\S+)", begun)
        url = f"{address}/gateway/dispatch/cps?{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            assert "已接受" in answer.read().decode()
        logged = server.stderr.readline()
    assert "sign=***&partnerUniqKey=m1" in logged
    assert SIGN not in logged
