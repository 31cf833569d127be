"""The QA console of the demo: what it shows is true, and looking at it changes nothing."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from bs4 import Tag
from flask import Flask, Response, render_template_string, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import demo_app
from demo_app import events
from flask_xiebao import ConfigError
from flask_xiebao.testing import DEVICES
from tests import qr
from tests.support import CODE, NUMBER, PC, PHONE, SIGN, Site, href, make_link, one, paid_url, soup

LIN, ZHOU = demo_app.shop.MEMBERS

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

#: What some rows give on Windows, on an iPhone and in the shop's Android app.
RESULTS = {
    "product": {
        "已登录": ("✓ 302 PC", "✓ 302 H5", "✓ 302 Android"),
        "没有登录": ("✓ 302", "✓ 302", ""),
        "链接指定 H5": ("✓ 302 H5", "✓ 302 H5", ""),
        "支付后返回": ("✓ 302 PC", "✓ 302 H5", ""),
        "免登录链接已过期": ("✓ 410", "✓ 410", ""),
        "别人的链接": ("✓ 403", "✓ 403", ""),
        "链接被改动": ("✓ 404", "✓ 404", ""),
    },
    "home": {"已登录": ("✓ 200 二维码", "✓ 302 H5", "✓ 302 Android")},
    "policy": {"支付后返回": ("✓ 200 二维码", "✓ 302 H5", "")},
}

MakeDemo = Callable[..., Flask]


@pytest.fixture
def make_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeDemo:
    """Return a maker of demos; all of a test's have the same instance folder."""

    def make(*, testing: bool = True, **settings: str) -> Flask:
        monkeypatch.setenv("FLASK_SECRET_KEY", "a secret for tests")
        for name, value in settings.items():
            monkeypatch.setenv(f"FLASK_{name}", value)
        app = demo_app.create_app(instance_path=str(tmp_path))
        app.testing = testing
        return app

    return make


@pytest.fixture
def demo(make_demo: MakeDemo) -> Flask:
    return make_demo()


@pytest.fixture
def real_account(make_demo: MakeDemo) -> Flask:
    return make_demo(
        XIEBAO_PARTNER_ID="1039147",
        XIEBAO_API_KEY='"a-key-of-4711"',
        XIEBAO_ENV="production",
        XIEBAO_PUBLIC_URL="https://shop.example",
    )


def signed_in(app: Flask, member: str | None = LIN) -> FlaskClient:
    client = app.test_client()
    if member:
        client.post("/sign-in", data={"member": member})
    return client


def get(client: FlaskClient, url: str = "/qa", **options: Any) -> TestResponse:
    """Open a page; while the demo is checked, come again."""
    for _ in range(1000):
        response = client.get(url, **options)
        if "<progress" not in response.text:
            return response
        time.sleep(0.05)
    raise AssertionError("The check does not end.")


def look(client: FlaskClient, url: str = "/qa", **options: Any) -> Tag:
    response = get(client, url, **options)
    assert response.status_code == 200, response.text
    return soup(response)


def text(element: Any) -> str:
    return " ".join(element.get_text(" ").split())


def matrix(page: Tag) -> dict[str, dict[str, Any]]:
    """Return the cells by row and device."""
    table = one(page, "table.matrix")
    devices = [text(head).rpartition(" ")[0] for head in table.select("thead th")[1:]]
    return {
        name_of(line): dict(zip(devices, line.select("td"), strict=True))
        for line in table.select("tbody tr")
    }


def name_of(line: Tag) -> str:
    """Return what a row of the matrix is about."""
    return str(one(line, "th").contents[0]).strip()


def cells(page: Tag) -> list[Any]:
    """Return the cells of what was done."""
    return [cell for line in matrix(page).values() for cell in line.values() if text(cell)]


def parameters(page: Tag) -> dict[str, str]:
    lines = [line.select("th, td") for line in page.select(".parameters tbody tr")]
    return {name.text: value.text for name, value, *_ in lines}


def link(app: Flask, page: str = "product", **options: Any) -> str:
    with app.test_request_context():
        return make_link(app.extensions["xiebao"], page, **options)


def log(page: Tag) -> list[list[str]]:
    return [[text(cell) for cell in line.select("td")] for line in page.select(".log tbody tr")]


def kept(app: Flask) -> list[events.Event]:
    return events.store(app).newest()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check on two devices only, where it is not what is looked at."""
    monkeypatch.setattr("demo_app.check.ON", ["pc", "iphone"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tag]:
    """The console as it comes, looked at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASK_SECRET_KEY", "a secret for tests")
        app = demo_app.create_app(instance_path=str(tmp_path_factory.mktemp("instance")))
    client = app.test_client()
    return {
        name: look(client, f"/qa?show={name}") for name in ("product", "home", "policy", "pages")
    }


def test_one_check_runs_at_a_time_whatever_host_is_asked_for(
    make_demo: MakeDemo, quick: None
) -> None:
    app = make_demo()
    before, most = threading.active_count(), 0
    for number in range(40):
        page = app.test_client().get("/qa", base_url=f"http://{number}.example/")
        assert page.status_code == 200
        app.test_client().post("/qa/check", base_url=f"http://{number}.example/")
        most = max(most, threading.active_count() - before)
    assert most == 1
    while "正在检查" in (page := app.test_client().get("/qa", base_url="http://0.example/")).text:
        time.sleep(0.1)
    assert "http://0.example/" in page.text


class TestMatrix:
    def test_everything_is_green(self, pages: dict[str, Tag]) -> None:
        for page in pages.values():
            assert [text(cell) for cell in cells(page) if cell["class"] != ["ok"]] == []
            [count] = re.findall(r"^QA 控制台 ✓ ([\d,]+) 项全部通过$", text(page.h1))
            shown = sum(len(cells(each)) for each in pages.values())
            assert count == f"{shown:,}"
            assert shown > 300

    def test_each_device_is_found_as_what_it_is(self, pages: dict[str, Tag]) -> None:
        heads = [text(head).rpartition(" ") for head in pages["product"].select("thead th")[1:]]
        assert {title: found for title, _, found in heads}.items() >= PLATFORMS.items()
        row = matrix(pages["product"])["已登录"]
        assert {name: row[name].b.text for name in PLATFORMS} == PLATFORMS

    def test_each_row_says_what_came_of_it(self, pages: dict[str, Tag]) -> None:
        devices = ("Windows Chrome", "iPhone Safari", "自有 App Android")
        for name, rows in RESULTS.items():
            lines = matrix(pages[name])
            assert {row: tuple(text(lines[row][each]) for each in devices) for row in rows} == rows

    def test_each_row_says_what_should_come_of_it(self, pages: dict[str, Tag]) -> None:
        should = {
            (name, name_of(line)): one(line, ".should").text
            for name, page in pages.items()
            for line in page.select(".matrix tbody tr")
        }
        assert should["product", "已登录"] == "302 跳转到网关"
        assert should["home", "已登录"] == "302 跳转到网关；电脑上 200 二维码页面"
        assert should["home", "?platform=pc"] == "200 二维码页面"
        assert should["home", "?platform=h5"] == "302 跳转到网关"
        assert should["product", "没有登录"] == "跳转去登录，再回来"
        assert should["policy", "链接被改动"] == "404 不说原因"

    def test_it_says_what_it_tested(self, pages: dict[str, Tag]) -> None:
        facts = {text(each.dt): text(each.dd) for each in pages["home"].select(".facts > div")}
        assert facts["环境"] == "test，模拟网关"
        assert facts["网关"] == "/gateway"
        assert facts["本站"] == "http://localhost/"
        assert facts["版本"].startswith("Flask-Xiebao 0.")
        assert re.fullmatch(r"\d+ 种，列表更新于 20\d\d-\d\d", facts["设备"])
        assert re.match(r"\d\d-\d\d \d\d:\d\d:\d\d ", facts["时间"])

    def test_it_reads_without_script_and_without_color(self, pages: dict[str, Tag]) -> None:
        page = pages["product"]
        assert page.select("script, style, [style], [onclick]") == []
        assert all(text(cell).startswith("✓") for cell in cells(page))
        region = one(page, ":has(> table.matrix)")
        assert (region["tabindex"], region["role"]) == ("0", "region")
        assert region["aria-label"]
        assert one(region, "table").select("tbody th[scope=row]")

    def test_it_says_how_far_it_is_and_comes_again_by_itself(self, demo: Flask) -> None:
        client = demo.test_client()
        first = soup(client.get("/qa"))
        assert text(first.h1) == "正在检查…"
        assert href(one(first, "main > p > a")) == "/qa"
        with client.get(str(one(first, "script")["src"])) as script:
            assert "javascript" in script.content_type
        assert re.search(r"已完成 \d+ / (…|\d+) 项", text(first.main))
        assert one(first, "progress")["aria-label"]
        assert "项全部通过" in text(look(client).h1)

    def test_each_address_has_its_own(self, demo: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("demo_app.check.ON", ["iphone"])
        client = demo.test_client()
        for number in range(6):
            page = look(client, base_url=f"http://192.168.1.{number}:5000")
            assert f"http://192.168.1.{number}:5000/" in text(page.main)
        # Of those who looked last, the check is at hand.
        last = client.get("/qa", base_url="http://192.168.1.5:5000")
        assert "正在检查" not in last.text
        first = client.get("/qa", base_url="http://192.168.1.0:5000")
        assert "正在检查" in first.text

    @pytest.mark.usefixtures("quick")
    def test_it_can_be_taken_along_as_one_page(self, demo: Flask) -> None:
        client = demo.test_client()
        assert client.get("/qa/report").location == "/qa"  # while it is not over
        console = look(client)
        sent = client.get(href(one(console, "a:-soup-contains('下载报告')")))
        disposition = sent.headers["Content-Disposition"]
        assert re.fullmatch(r"attachment; filename=xiebao-check-[\d-]{15}\.html", disposition)
        [count] = re.findall(r"✓ (\d+) 项全部通过", text(console.h1))
        assert f"通过 {int(count):,} 项，不通过 0 项" in text(soup(sent))
        assert soup(sent).select("script, style, [style]") == []

    def test_it_is_kept_until_it_is_asked_for_again(
        self, demo: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("demo_app.check.ON", ["iphone"])
        client = demo.test_client()
        before = text(look(client).h1)
        monkeypatch.setattr("demo_app.check.ON", ["iphone", "pc"])
        assert text(look(client).h1) == before
        form = one(look(client, "/qa?show=home"), "form[method=post]:not(.account)")
        fields = {field["name"]: field["value"] for field in form.select("input")}
        again = client.post(str(form["action"]), data=fields)
        assert (again.status_code, again.location) == (303, "/qa?show=home")
        assert text(look(client).h1) != before


@pytest.mark.usefixtures("quick")
class TestRed:
    """A console that is always green would be worth nothing."""

    def test_what_is_wrong_says_what_it_means_and_where(self, demo: Flask) -> None:
        @demo.after_request
        def for_ever(response: Response) -> Response:
            if response.status_code == 302:
                response.status_code = 301
            return response

        client = demo.test_client()
        page = look(client)
        assert re.fullmatch(r"QA 控制台 ✗ \d\d\d 项不通过，1 种原因", text(page.h1))
        assert re.match(r"✗ \d+ 项不通过", one(page, "title").text)
        first = page.select(".problem")[0]
        assert "浏览器会一直记住永久跳转" in text(first)
        assert "实际 301 应当 302" in text(first)
        assert "产品详情页：已登录 · Windows Chrome" in text(first)
        # What is wrong is shown first, whole rows of it.
        assert one(page, ".filters [aria-current=true]").text.startswith("✗ 不通过")
        assert text(matrix(page)["产品详情页：已登录"]["iPhone Safari"]) == "✗ 301 H5"
        assert "产品详情页：链接被改动" not in matrix(page)
        details = look(client, "/qa/product-plain/iphone")
        assert text(details.h1).endswith("✗ 不通过")
        assert "浏览器会一直记住永久跳转" in text(details.main)

    def test_a_crash_is_called_one(self, demo: Flask) -> None:
        @demo.after_request
        def fails(response: Response) -> Response:
            if response.status_code == 410:
                raise ZeroDivisionError("the password is hunter2")
            return response

        page = look(demo.test_client())
        assert "程序出错" in text(page.main)
        assert "ZeroDivisionError in fails" in text(page.main)
        assert "hunter2" not in page.text

    def test_one_cause_is_one_problem_and_says_at_which_step(self, demo: Flask) -> None:
        @demo.after_request
        def elsewhere(response: Response) -> Response:
            if (response.location or "").startswith("/gateway"):
                response.location = f"https://evil.example{response.location}"
            return response

        client = demo.test_client()
        [problem] = look(client).select(".problem")
        assert "会员连同 sign 被送到别的地址" in text(problem)
        details = look(client, "/qa/home-plain/pc")
        assert "在哪一步 扫码的手机" in text(details.main)
        assert "实际 https://evil.example/gateway/dispatch/cps/index" in text(details.main)

    def test_a_setting_that_is_not_the_one_in_use_is_red(self, demo: Flask) -> None:
        demo.config["XIEBAO_API_KEY"] = "another key"  # after init_app
        page = look(demo.test_client())
        assert "密钥是这个账号、这个环境的吗" in text(page.main)
        assert SIGN not in str(page)

    def test_nothing_wrong_is_said(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa?show=bad")
        assert page.select("table.matrix, .problem") == []
        assert "没有不通过的" in text(page.main)


@pytest.mark.usefixtures("quick")
class TestDetails:
    def test_it_shows_where_it_leads_and_the_sign_is_masked(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/product-sub-partner/iphone")
        said = text(page.main)
        assert "302 /gateway/dispatch/cps?partnerId=12345&subPartnerId=branch-7&" in said
        assert f"sign={SIGN[:2]}…{SIGN[-2:]}&" in said
        assert "sub_partner_id=branch-7" in said

    def test_it_shows_the_headers(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/product-htmx/android")
        assert DEVICES["android"].user_agent in text(page.main)
        assert 'Sec-CH-UA-Platform "Android"' in text(page.main)
        assert "HX-Request true" in text(page.main)

    def test_every_cell_leads_to_its_details(self, demo: Flask) -> None:
        client = demo.test_client()
        for row, line in matrix(look(client, "/qa?show=policy")).items():
            page = look(client, line["iPhone Safari"].a["href"])
            assert text(page.h1) == f"保单详情页：{row} · iPhone Safari ✓ 通过"

    @pytest.mark.parametrize(
        "url", ["/qa/product-plain/nokia", "/qa/nothing/iphone", "/qa?show=nothing"]
    )
    def test_what_is_not_there_is_not_found(self, demo: Flask, url: str) -> None:
        assert demo.test_client().get(url).status_code == 404


class TestLog:
    def test_clicks_returns_and_refusals_are_there_newest_first(self, demo: Flask) -> None:
        phone = signed_in(demo)
        first = phone.get(link(demo, return_to="/insured"), headers=PHONE)
        phone.get("/xiebao/home/nonsense")
        phone.get(link(demo, "policy", member=ZHOU))
        app_headers = {"User-Agent": f"{PHONE['User-Agent']} QingyouApp/3.2"}
        phone.get(link(demo, "home"), headers=app_headers)
        assert phone.get(urlsplit(paid_url(first)).path).location == "/insured"

        ids = [event.click_id for event in kept(demo) if event.kind == "click"]
        [home, other, nonsense, product] = log(look(phone, "/qa/events"))
        who, none = f"林晓 {LIN}", ["—"] * 5
        assert home[1:] == ["点击", "—", who, "携保首页", "iOS", ids[0], *none[:2]]
        assert other[1:] == ["不放行 403 他人链接", "—", who, f"保单详情页 {NUMBER}", *none[:4]]
        assert nonsense[1:] == ["不放行 404 无效链接", "—", who, "携保首页", *none[:4]]
        assert product[1:7] == ["点击", "—", f"林晓 {LIN}", f"产品详情页 {CODE}", "H5", ids[1]]
        assert re.fullmatch(r"\d\d:\d\d:\d\d 已返回", product[7])

    def test_a_return_may_repeat_and_may_find_nobody_signed_in(self, demo: Flask) -> None:
        store = events.store(demo)
        store.add(events.Event(1.0, "click", "c1", LIN, "product", CODE, 1))
        store.add(events.Event(2.0, "return", "c1", LIN, "product", CODE, same_session=False))
        store.add(events.Event(3.0, "return", "c1", LIN, "product", CODE, same_session=True))
        [line] = log(look(demo.test_client(), "/qa/events"))
        assert line[7].endswith("已返回，共 2 次，登录的不是这位会员")

    def test_a_return_whose_click_is_gone_stands_alone(self, demo: Flask) -> None:
        returned = events.Event(2.0, "return", "gone", LIN, "home", same_session=True)
        events.store(demo).add(returned)
        [line] = log(look(demo.test_client(), "/qa/events"))
        assert line[1] == "返回"
        assert line[6] == "gone"
        assert line[7].endswith("点击已不在记录里")

    def test_a_click_is_kept_where_no_login_is_set(self, make_demo: MakeDemo) -> None:
        demo = make_demo(XIEBAO_LOGIN_VIEW="null")
        assert signed_in(demo).get(link(demo, "home"), headers=PHONE).status_code == 302
        assert [event.kind for event in kept(demo)] == ["click"]

    def test_it_survives_a_restart(self, make_demo: MakeDemo) -> None:
        signed_in(before := make_demo()).get(link(before))
        after = make_demo()
        assert len(log(look(after.test_client(), "/qa/events"))) == 1
        signed_in(after).get(link(after))
        assert len(log(look(before.test_client(), "/qa/events"))) == 2

    def test_the_newest_are_kept_and_shown_page_by_page(
        self, demo: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "MOST", 120)
        for number in range(125):
            events.store(demo).add(events.Event(float(number), "click", f"c{number}", LIN, "home"))
        assert [event.click_id for event in kept(demo)] == [f"c{n}" for n in range(124, 4, -1)]

        client, seen = demo.test_client(), []
        page = look(client, "/qa/events")
        while True:
            seen += [line[6] for line in log(page)]
            older = page.select("a[rel=next]")
            if not older:
                break
            page = look(client, str(older[0]["href"]))
        assert seen == [f"c{n}" for n in range(124, 4, -1)]
        assert "第 3 页，共 3 页" in text(page.main)
        assert look(client, "/qa/events?at=99").select("a[rel=prev]")

    def test_it_can_be_narrowed_down(self, demo: Flask) -> None:
        store = events.store(demo)
        for member in (LIN, ZHOU):
            for page in ("product", "home"):
                store.add(events.Event(1.0, "click", f"{member}-{page}", member, page))
        store.add(events.Event(2.0, "refusal", None, LIN, "home", status=410, reason="expired"))
        client = demo.test_client()

        def shown(query: str) -> list[str]:
            return [line[6] for line in log(look(client, f"/qa/events?{query}"))]

        assert shown(f"member={ZHOU}") == [f"{ZHOU}-home", f"{ZHOU}-product"]
        assert shown(f"member={LIN}&page=home&kind=click") == [f"{LIN}-home"]
        assert shown("kind=refusal") == ["—"]
        assert shown("kind=login") == []
        assert one(look(client, "/qa/events?kind=refusal"), "[name=kind] [selected]")

    def test_codes_and_logins_are_there_and_the_numbers_say_how_many_came_how_far(
        self, demo: Flask
    ) -> None:
        client = demo.test_client()
        home = link(demo, "home", client_reference="QY-8")
        client.get(home, headers=PHONE)
        client.post("/sign-in", data={"member": LIN})
        code = qr.read(client.get(home, headers=PC).text)
        demo.test_client().get(urlsplit(code).path, headers=PHONE)
        client.get("/xiebao/home/nonsense")

        page = look(client, "/qa/events")
        assert [line[1] for line in log(page)] == [
            "不放行 404 无效链接",
            "点击",
            "二维码",
            "去登录",
        ]
        assert [line[8] for line in log(page)] == ["—", "QY-8", "QY-8", "QY-8"]
        assert [line[3] for line in log(page)][1:] == [f"林晓 {LIN}", f"林晓 {LIN}", "—"]
        numbers = dict(text(each).split(" ")[::-1] for each in page.select(".funnel li"))
        assert {
            name: numbers[name] for name in ("去登录", "不放行", "二维码", "去网关", "支付")
        } == {
            "去登录": "1",
            "不放行": "1",
            "二维码": "1",
            "去网关": "1",
            "支付": "0",
        }

    def test_two_processes_with_two_threads_each_lose_nothing(self, tmp_path: Path) -> None:
        code = f"""
import threading, demo_app
app = demo_app.create_app(instance_path={str(tmp_path)!r})
with app.test_request_context():
    link = app.extensions["xiebao"].product_link("QX1", member={LIN!r}, no_login_for=60)
def click():
    for _ in range(40):
        assert app.test_client().get(link).status_code == 302
print("ready", flush=True)
input()
threads = [threading.Thread(target=click) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
        environment = {**os.environ, "FLASK_SECRET_KEY": "a secret for tests"}
        with contextlib.ExitStack() as stack:
            workers = [
                stack.enter_context(
                    subprocess.Popen(  # noqa: S603 - Python, with the code above
                        [sys.executable, "-W", "error", "-c", code],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        text=True,
                        env=environment,
                        cwd=Path(demo_app.__file__).parents[1],
                    )
                )
                for _ in range(2)
            ]
            for worker in workers:
                stack.callback(worker.kill)  # before it is waited for
            says = [worker.stdout.readline() for worker in workers if worker.stdout]
            assert says == ["ready\n"] * 2
            assert not (tmp_path / "events.sqlite3").exists()  # so that both create it
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write("go\n")
                worker.stdin.flush()
            errors = [worker.communicate(timeout=120)[1] for worker in workers]
        assert errors == ["", ""]
        stored = events.Store(str(tmp_path)).newest()
        assert len({event.click_id for event in stored}) == len(stored) == 160

    def test_threads_that_make_the_file_together_leave_one_whole_one(self, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        barrier = threading.Barrier(8)

        def add(number: int) -> None:
            store = events.Store(str(folder))
            barrier.wait()
            store.add(events.Event(0.0, "click", str(number)))

        threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {event.click_id for event in events.Store(str(folder)).newest()} == set("01234567")
        assert [file.name for file in folder.iterdir()] == ["events.sqlite3"]

    def test_neither_sign_nor_gateway_url_is_stored(self, demo: Flask, tmp_path: Path) -> None:
        client = signed_in(demo)
        client.get(client.get(link(demo, return_to="/insured")).location)
        client.get(f"/xiebao/product/{SIGN}")
        stored = b"".join(file.read_bytes() for file in tmp_path.glob("events.sqlite3*"))
        assert LIN.encode() in stored
        assert SIGN.encode() not in stored
        assert b"dispatch" not in stored
        assert b"paid" not in stored

    def test_a_folder_that_cannot_be_written_stops_no_click_in_service(
        self, demo: Flask, tmp_path: Path
    ) -> None:
        demo.testing = False
        (tmp_path / "events.sqlite3").mkdir()
        assert signed_in(demo).get(link(demo)).status_code == 302

    @pytest.fixture
    def in_shanghai(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Shanghai")
            time.tzset()
            yield
        time.tzset()

    @pytest.mark.usefixtures("in_shanghai")
    def test_times_are_local_and_name_their_zone(self, demo: Flask) -> None:
        events.store(demo).add(events.Event(1798761600.0, "click", "c1", LIN, "home"))
        page = look(demo.test_client(), "/qa/events")
        assert log(page)[0][0] == "01-01 08:00:00 CST"
        assert one(page, "time")["datetime"] == "2027-01-01T08:00:00+08:00"


@pytest.mark.usefixtures("quick")
class TestQuiet:
    def test_looking_leaves_the_log_and_the_session_alone(
        self, demo: Flask, tmp_path: Path
    ) -> None:
        client = signed_in(demo, ZHOU)
        before = client.get_cookie("session")
        for url in ("/qa", "/qa/product-another/iphone", "/qa/links?page=home", "/qa/events"):
            response = get(client, url)
            assert response.headers.getlist("Set-Cookie") == []
            assert "周航，您好" in response.text
        assert client.get_cookie("session") == before
        assert kept(demo) == []
        assert not (tmp_path / "events.sqlite3").exists()

    def test_a_visitor_who_clicks_meanwhile_is_kept(self, demo: Flask) -> None:
        demo.test_client().get("/qa")  # which begins to check
        signed_in(demo).get(link(demo))
        look(demo.test_client())
        assert [event.member for event in kept(demo)] == [LIN]

    def test_no_longer_once_it_is_over(self, demo: Flask) -> None:
        client = signed_in(demo)
        look(client)
        client.get(link(demo))
        assert len(kept(demo)) == 1

    def test_other_sites_of_the_process_are_not_listened_to(self, demo: Flask, site: Site) -> None:
        site.log_in("m1")
        assert site.follow(site.link("product")).status_code == 302
        assert kept(demo) == []


class TestForm:
    def make(self, client: FlaskClient, **values: Any) -> Tag:
        values = {"page": "product", "reference": CODE, **values}
        return look(client, "/qa/links", query_string=values, headers=PHONE)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, {"caseCode": CODE, "platform": "1", "partnerUniqKey": "…"}),
            ({"member": ZHOU}, {"partnerUniqKey": "…"}),
            ({"member": ZHOU, "no_login_for": "60"}, {"partnerUniqKey": "…"}),
            ({"platform": "android"}, {"platform": "4"}),
            ({"sub_partner_id": "分店 7"}, {"subPartnerId": "分店 7"}),
            ({"page": "home"}, {"partnerUniqKey": "…", "platform": "1"}),
            (
                {"page": "policy", "reference": NUMBER, "member": LIN},
                {"insureNum": NUMBER, "platform": "1"},
            ),
        ],
    )
    def test_each_option_reaches_the_gateway(
        self, demo: Flask, values: dict[str, str], expected: dict[str, str]
    ) -> None:
        page = self.make(demo.test_client(), **values)
        received = parameters(page)
        assert received["sign"] == f"{SIGN[:2]}…{SIGN[-2:]}"
        assert {name: received[name] for name in expected} == expected
        assert "✓ 网关接受" in text(one(page, ".made"))

    def test_a_return_path_reaches_the_gateway(self, demo: Flask) -> None:
        page = self.make(demo.test_client(), return_to="/insured?from=qa")
        assert "支付后回到 /insured?from=qa" in text(one(page, ".parameters"))

    @pytest.mark.parametrize(
        "values",
        [
            {},
            {"page": "home", "platform": "h5"},
            {"page": "policy", "reference": NUMBER, "member": ZHOU, "no_login_for": "900"},
            {"page": "policy", "reference": NUMBER},
            {
                "member": LIN,
                "platform": "ios",
                "sub_partner_id": "branch-7",
                "return_to": "/insured",
                "no_login_for": "3600",
            },
            {"reference": "a\"b'c\\n{{7}}{%raw%}\U0001f600</code>&amp;"},
            {"sub_partner_id": "'\"\\", "return_to": "/订单/8?a=1&b=%22#}}"},
        ],
    )
    def test_the_jinja_makes_the_same_link(self, demo: Flask, values: dict[str, str]) -> None:
        with time_machine.travel(1_800_000_000, tick=False):
            page = self.make(signed_in(demo), **values)
            with demo.test_request_context(headers=PHONE):
                session["member"] = LIN
                pasted = render_template_string(one(page, "#jinja").text)
        made = one(page, "#link")
        assert made["href"] == made.text == href(pasted)

    @pytest.mark.parametrize(
        "values",
        [{}, {"member": LIN, "no_login_for": "60"}, {"page": "home", "return_to": "/insured"}],
    )
    def test_the_qr_code_is_the_link_with_its_address(
        self, demo: Flask, values: dict[str, str]
    ) -> None:
        with time_machine.travel(1_800_000_000, tick=False):
            url = {"page": "product", "reference": CODE, **values}
            response = demo.test_client().get("/qa/links", query_string=url)
        code = qr.read(response.text)
        assert code == one(response, "#external").text
        assert code == f"http://localhost{one(response, '#link')['href']}"
        assert one(response, "svg[role=img]")["aria-label"]

    def test_the_link_can_be_clicked(self, demo: Flask) -> None:
        page = self.make(demo.test_client(), member=LIN, no_login_for="60")
        response = demo.test_client().get(one(page, "#link")["href"])
        assert response.location.startswith("/gateway/dispatch/cps?")

    @pytest.mark.parametrize(
        ("device", "code"),
        [
            ({"device": "pc"}, "2"),
            ({"device": "wechat-harmony"}, "1"),
            ({"user_agent": f"{PHONE['User-Agent']} QingyouApp/3"}, "3"),
            ({"user_agent": PC["User-Agent"], "device": "iphone"}, "2"),
            ({"user_agent": "某某\r\nX-Evil: 1"}, "2"),
        ],
    )
    def test_another_device_clicks(self, demo: Flask, device: dict[str, str], code: str) -> None:
        page = self.make(demo.test_client(), **device)
        assert parameters(page)["platform"] == code

    def test_a_code_that_no_phone_can_open_is_explained(self, demo: Flask) -> None:
        client = demo.test_client()
        for url in ("/qa/links?page=home", "/widgets/"):
            assert "手机扫了打不开" in look(client, url).text
            away = look(client, url, base_url="http://192.168.1.20:5000")
            assert "手机扫了打不开" not in away.text
        signed = signed_in(demo)
        assert "手机扫了打不开" in signed.get(link(demo, "home"), headers=PC).text

    def test_on_a_pc_it_says_that_a_code_comes_first(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/links?page=home", headers=PC)
        assert "200 二维码" in text(one(page, ".made"))
        assert parameters(page)["platform"] == "1"

    def test_whoever_asks_is_not_mixed_up_with_whose_link_it_is(self, demo: Flask) -> None:
        lin, zhou = (str(demo_app.shop.MEMBERS[each]["name"]) for each in (LIN, ZHOU))
        page = self.make(signed_in(demo, ZHOU), member=LIN)
        assert f"登录的是{lin}" in text(one(page, ".made"))
        page = self.make(signed_in(demo, ZHOU), member=LIN, no_login_for="60")
        assert "没有人登录" in text(one(page, ".made"))
        assert lin in text(one(page, ".parameters"))
        page = self.make(signed_in(demo, ZHOU))
        assert f"登录的是{zhou}" in text(one(page, ".made"))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"reference": ""}, "caseCode is empty: give it a value."),
            ({"page": "policy", "reference": " "}, "insureNum is empty"),
            ({"platform": "fax"}, "platform: 'fax' is not a platform"),
            ({"page": "home", "platform": "pc"}, "the home page does not serve PC at present"),
            ({"no_login_for": "60"}, "no_login_for needs member"),
            (
                {"member": LIN, "no_login_for": "soon"},
                "no_login_for must be a positive whole number",
            ),
            ({"member": LIN, "no_login_for": "0"}, "no_login_for must be a positive whole number"),
            (
                {"member": LIN, "no_login_for": "9" * 5000},
                "no_login_for must be a positive whole number",
            ),
            ({"return_to": "//evil.example"}, "return_to must stay on this site"),
            ({"return_to": "https://evil.example"}, "return_to must be a path of this site"),
            ({"return_to": "/" + "x" * 2000}, "Shorten return_to"),
            ({"sub_partner_id": " "}, "sub_partner_id is empty"),
            (
                {"page": "policy", "reference": NUMBER, "member": LIN, "sub_partner_id": "b"},
                "The policy page takes no sub_partner_id.",
            ),
            ({"page": "nowhere"}, "'nowhere' is not a page"),
            ({"member": "somebody"}, "两位会员"),
            ({"device": "nokia"}, "没有这种设备"),
        ],
    )
    def test_bad_input_says_what_a_developer_would_be_told(
        self, demo: Flask, values: dict[str, str], message: str
    ) -> None:
        page = self.make(demo.test_client(), **values)
        said = one(page, "#error").text
        assert re.match("[\u4e00-\u9fff]", said), said
        assert message in said + "".join(each.text for each in page.select("#exception"))
        assert page.select("#link, .made svg") == []

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"reference": " "}, "请填产品方案代码"),
            ({"reference": "x" * 5000}, "不能太长"),
            ({"sub_partner_id": "\t"}, "不能只有空白"),
            (
                {"page": "policy", "reference": "P1", "member": LIN, "sub_partner_id": "b"},
                "保单没有渠道子账号",
            ),
            ({"no_login_for": "60"}, "请选一位会员"),
            ({"member": LIN, "no_login_for": "0"}, "要填正整数"),
        ],
    )
    def test_bad_input_says_what_to_do_about_just_that(
        self, demo: Flask, values: dict[str, str], words: str
    ) -> None:
        said = one(self.make(demo.test_client(), **values), "#error").text
        assert words in said

    def test_the_message_comes_without_strict_mode_too(self, make_demo: MakeDemo) -> None:
        demo = make_demo(testing=False)
        page = self.make(demo.test_client(), reference="")
        assert "caseCode is empty" in one(page, "#exception").text

    def test_nothing_is_lost_from_the_form(self, demo: Flask) -> None:
        values = {
            "page": "policy",
            "reference": NUMBER,
            "member": ZHOU,
            "platform": "h5",
            "sub_partner_id": "branch-7",
            "return_to": "no path",
            "no_login_for": "soon",
            "client_reference": "QY-8",
            "device": "wechat",
            "user_agent": "Own/1",
        }
        form = one(self.make(demo.test_client(), **values), "form.make")
        fields = {field["name"]: field.get("value") for field in form.select("input")}
        fields |= {
            field["name"]: one(field, "[selected]")["value"] for field in form.select("select")
        }
        assert fields == values
        assert form["method"] == "get"

    def test_a_policy_of_nobody_has_no_link(self, demo: Flask) -> None:
        page = self.make(demo.test_client(), page="policy", reference=NUMBER)
        assert "没有人登录" in one(page, "#error").text

    def test_without_a_vouched_host_only_the_code_is_missing(self, make_demo: MakeDemo) -> None:
        client = make_demo(testing=False).test_client()
        page = self.make(client, member=LIN, no_login_for="60")
        assert "请设置 FLASK_XIEBAO_PUBLIC_URL" in one(page, "#qr-error").text
        assert page.select(".made svg") == []
        assert one(page, "#link")
        assert parameters(page)["partnerUniqKey"] == "…"
        assert self.make(client).select(".made svg")

    @pytest.mark.parametrize(
        "name",
        ["page", "reference", "member", "platform", "sub_partner_id", "return_to", "no_login_for"],
    )
    def test_what_is_typed_is_only_text(self, demo: Flask, name: str) -> None:
        attack = "\"'><img src=x onerror=alert(1)>{{ 7 * 191 }}"
        page = self.make(demo.test_client(), **{name: attack})
        assert page.select("img, script, [onerror]") == []
        assert "1337" not in page.text


@pytest.mark.usefixtures("quick")
class TestAnywhere:
    def test_with_a_real_account_it_judges_without_a_mounted_simulator(
        self, real_account: Flask
    ) -> None:
        client = real_account.test_client()
        assert client.get("/gateway/dispatch/cps").status_code == 404
        assert "项全部通过" in text(look(client).h1)
        page = look(client, "/qa/product-plain/iphone")
        assert "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&" in text(page.main)

    def test_an_account_read_as_numbers_works_too(self, make_demo: MakeDemo) -> None:
        demo = make_demo(
            XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="4711", XIEBAO_EXTRA='{"hidenav": 1}'
        )
        page = look(demo.test_client(), "/qa/product-plain/iphone")
        assert "✓ 通过" in text(page.h1)
        assert "&hidenav=1" in text(page.main)

    def test_below_a_path(self, demo: Flask) -> None:
        page = look(demo.test_client(), base_url="https://portal.example/shop")
        assert "项全部通过" in text(page.h1)
        assert cells(page)[0].a["href"] == "/shop/qa/product-plain/pc"

    def test_switched_off_that_is_what_is_checked(self, make_demo: MakeDemo) -> None:
        client = make_demo(XIEBAO_ENABLED="false").test_client()
        page = look(client)
        assert "项全部通过" in text(page.h1)
        assert "XIEBAO_ENABLED 已关闭" in text(page.main)
        assert "XIEBAO_ENABLED" in one(look(client, "/qa/links?page=home"), "#error").text

    def test_half_an_account_is_an_error_and_not_the_simulator(self, make_demo: MakeDemo) -> None:
        with pytest.raises(ConfigError, match="XIEBAO_PARTNER_ID is not set"):
            make_demo(XIEBAO_API_KEY='"a-key-of-4711"')

    @pytest.mark.parametrize(
        ("env", "says"), [("test", "携保的测试环境，账号 1039147"), ("production", "付的钱是真的")]
    )
    def test_the_footer_says_where_entries_lead(
        self, make_demo: MakeDemo, env: str, says: str
    ) -> None:
        assert "模拟网关" in one(look(make_demo().test_client(), "/"), "footer").text
        demo = make_demo(XIEBAO_PARTNER_ID="1039147", XIEBAO_API_KEY="secret-4711", XIEBAO_ENV=env)
        assert says in one(look(demo.test_client(), "/"), "footer").text

    def test_no_page_shows_the_sign_or_the_key(self, real_account: Flask) -> None:
        client = signed_in(real_account)
        client.get(link(real_account, return_to="/insured"))
        with real_account.app_context():
            sign = real_account.extensions["xiebao"].gateway.sign
        urls = ["/qa", "/qa?show=home", "/qa/events"]
        urls += [f"/qa/links?page=product&reference={CODE}&return_to=/insured"]
        urls += [f"/qa/links?page=policy&reference={NUMBER}"]
        cells_of = [cell for line in matrix(look(client)).values() for cell in line.values()]
        urls += [str(cell.a["href"]) for cell in cells_of]
        pages = {url: get(client, url) for url in urls}
        assert {page.status_code for page in pages.values()} == {200}
        assert "sign=" in pages["/qa/product-plain/iphone"].text
        assert [url for url, page in pages.items() if "a-key-of-4711" in page.text] == []
        assert [url for url, page in pages.items() if sign in page.text] == []

    def test_nothing_is_cached_and_the_policy_is_the_demos(self, demo: Flask) -> None:
        response = demo.test_client().get("/qa/product-plain/iphone")
        assert "no-store" in response.headers["Cache-Control"]
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]

    def test_the_shop_links_to_it(self, demo: Flask) -> None:
        assert one(look(demo.test_client(), "/"), "footer a[href='/qa']")
