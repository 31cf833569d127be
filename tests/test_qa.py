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
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from bs4 import Tag
from flask import Flask, Response, render_template_string, request, session
from flask.testing import FlaskClient

import demo_app
from demo_app import events
from demo_app.devices import DEVICES
from demo_app.rows import ROWS
from tests import qr
from tests.support import CODE, NUMBER, PC, PHONE, SIGN, Site, href, make_link, one, paid_url, soup

LIN, ZHOU = demo_app.shop.MEMBERS

#: What the gateway should be told about each device, as the console heads its columns.
PLATFORMS = {
    "Windows Chrome": "PC",
    "macOS Safari": "PC",
    "统信 UOS": "PC",
    "iPhone Safari": "H5",
    "iPad 移动模式": "H5",
    "iPad 桌面模式": "PC",
    "Android Chrome": "H5",
    "微信 手机": "H5",
    "微信 Windows": "PC",
    "支付宝 手机": "H5",
    "鸿蒙 NEXT 手机": "H5",
    "鸿蒙 NEXT 平板": "H5",
    "鸿蒙 NEXT 电脑": "PC",
    "轻游 App iOS": "iOS",
    "轻游 App Android": "Android",
}

#: What each row gives on Windows, on an iPhone and in the shop's Android app.
RESULTS = {
    "产品": ("✓ 302 PC 网关接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "产品，未登录": ("✓ 302 去登录",) * 3,
    "产品，指定 H5": ("✓ 302 H5 网关接受",) * 3,
    "产品，渠道子账号": ("✓ 302 PC 网关接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "产品，支付后返回": ("✓ 302 PC 网关接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "产品，限时链接": ("✓ 302 PC 网关接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "产品，限时链接已过期": ("✓ 410 已过期",) * 3,
    "产品，别人的链接": ("✓ 403 他人链接",) * 3,
    "产品，链接被改动": ("✓ 404 无效链接",) * 3,
    "产品，浏览器预取": ("✓ 503 还没点击",) * 3,
    "商城": ("✓ 200 PC 二维码 接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "商城，未登录": ("✓ 302 去登录",) * 3,
    "商城，指定 H5": ("✓ 302 H5 网关接受",) * 3,
    "商城，限时链接": ("✓ 200 PC 二维码 接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "保单": ("✓ 200 PC 二维码 接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "保单，未登录": ("✓ 302 去登录",) * 3,
    "保单，支付后返回": ("✓ 200 PC 二维码 接受", "✓ 302 H5 网关接受", "✓ 302 Android 网关接受"),
    "保单，别人的链接": ("✓ 403 他人链接",) * 3,
    "保单，限时链接已过期": ("✓ 410 已过期",) * 3,
    "保单，换上产品的链接": ("✓ 404 无效链接",) * 3,
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


def look(client: FlaskClient, url: str = "/qa", **options: Any) -> Tag:
    response = client.get(url, **options)
    assert response.status_code == 200, response.text
    return soup(response)


def text(element: Any) -> str:
    return " ".join(element.get_text(" ").split())


def matrix(page: Tag) -> dict[str, dict[str, Any]]:
    """Return the cells by row and device; those that a filter left out are missing."""
    table = one(page, "table.matrix")
    devices = [text(head).rpartition(" ")[0] for head in table.select("thead th")[2:]]
    lines = {}
    for line in table.select("tbody tr"):
        cells = dict(zip(devices, line.select("td")[1:], strict=True))
        lines[text(line.th)] = {name: cell for name, cell in cells.items() if cell.a}
    return lines


def cells(page: Tag) -> list[Any]:
    return [cell for line in matrix(page).values() for cell in line.values()]


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
def one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave one row of the matrix, where it is not what is looked at."""
    monkeypatch.setattr("demo_app.matrix.ROWS", {"product": ROWS["product"]})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Tag:
    """The console as it comes, looked at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASK_SECRET_KEY", "a secret for tests")
        app = demo_app.create_app(instance_path=str(tmp_path_factory.mktemp("instance")))
    return look(app.test_client())


class TestMatrix:
    def test_every_cell_is_green(self, page: Tag) -> None:
        assert [text(cell) for cell in cells(page) if cell["class"] != ["ok"]] == []
        assert len(cells(page)) == len(RESULTS) * len(PLATFORMS) == 300
        assert text(page.h1) == "QA 控制台 ✓ 300 格全部符合"

    def test_each_device_is_found_as_what_it_is(self, page: Tag) -> None:
        heads = [text(head).rpartition(" ") for head in page.select(".matrix thead th")[2:]]
        assert {title: found for title, _, found in heads} == PLATFORMS
        assert {title: cell.b.text for title, cell in matrix(page)["产品"].items()} == PLATFORMS

    def test_each_row_says_what_came_of_it(self, page: Tag) -> None:
        devices = ("Windows Chrome", "iPhone Safari", "轻游 App Android")
        assert {
            row: tuple(text(line[device]) for device in devices)
            for row, line in matrix(page).items()
        } == RESULTS

    def test_pages_without_pc_hand_off_on_every_pc_and_nowhere_else(self, page: Tag) -> None:
        for row in ("商城", "保单"):
            handed = {name for name, cell in matrix(page)[row].items() if "二维码" in text(cell)}
            assert handed == {name for name, found in PLATFORMS.items() if found == "PC"}

    def test_it_reads_without_script_and_without_color(self, page: Tag) -> None:
        assert page.select("script, style, [style], [onclick]") == []
        assert all(text(cell).startswith("✓") for cell in cells(page))
        region = one(page, ":has(> table.matrix)")
        assert region["tabindex"] == "0"
        assert region["role"] == "region"
        assert region["aria-label"]
        table = one(region, "table")
        assert len(table.select("tbody th[scope=row]")) == len(RESULTS)
        assert len(table.select("thead th[scope=col]")) == len(PLATFORMS) + 2

    def test_each_row_says_what_should_come_of_it(self, page: Tag) -> None:
        should = {text(line.th): text(line.td) for line in page.select(".matrix tbody tr")}
        assert should["产品"] == "302 去网关"
        assert should["商城"] == "302 去网关，电脑出二维码"
        assert should["商城，指定 H5"] == "302 去网关"
        assert should["产品，链接被改动"].startswith("404")


class TestRed:
    """A console that is always green would be worth nothing."""

    def test_a_device_that_is_found_as_another_is_red(
        self, demo: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = DEVICES["ipad"]._replace(headers=PC)
        monkeypatch.setitem(DEVICES, "ipad", wrong)
        page = look(demo.test_client())
        red = {
            (row, name)
            for row, line in matrix(page).items()
            for name, cell in line.items()
            if cell["class"] == ["bad"]
        }
        rows = {
            row for row, (_, phone, _) in RESULTS.items() if "H5" in phone and "指定" not in row
        }
        assert red == {(row, "iPad 移动模式") for row in rows}
        assert text(page.h1) == "QA 控制台 ✗ 8 格不符"
        assert text(matrix(page)["产品"]["iPad 移动模式"]).startswith("✗ 不符 302 PC")
        green = cells(look(demo.test_client(), "/qa?show=ok"))
        assert {tuple(cell["class"]) for cell in green} == {("ok",)}
        assert len(green) == 292
        details = look(demo.test_client(), "/qa/product/ipad")
        assert "platform 应为 1，收到 2" in text(details.main)
        assert "应当302 去网关" in text(look(demo.test_client(), "/qa/home/ipad").main)

    def test_what_the_gateway_refuses_is_red(self, demo: Flask) -> None:
        demo.config["XIEBAO_API_KEY"] = "another key"  # which only the simulator sees
        page = look(demo.test_client(), "/qa?show=rejected")
        assert len(cells(page)) == 150
        assert all("✗ 不符" in text(cell) and "拒绝" in text(cell) for cell in cells(page))
        details = look(demo.test_client(), "/qa/product/iphone")
        assert "✗ 不符" in text(details.h1)
        assert "sign 不对" in text(details.main)

    def test_a_refusal_that_does_not_come_is_red(
        self, demo: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = ROWS["product"]
        broken = replace(row, ends="expired")
        monkeypatch.setitem(ROWS, "product", broken)
        assert "应当410" in text(look(demo.test_client(), "/qa/product/iphone").main)

    def test_a_payment_that_returns_elsewhere_is_red(self, demo: Flask) -> None:
        @demo.after_request
        def divert(response: Response) -> Response:
            if request.path.startswith("/xiebao/paid/"):
                response.location = "/elsewhere"
            return response

        details = text(look(demo.test_client(), "/qa/product-return/iphone").main)
        assert "支付后应回到 /insured，却回到 /elsewhere" in details

    def test_a_missing_sub_account_is_red(
        self, demo: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = ROWS["product-sub"]
        monkeypatch.setitem(ROWS, row.name, replace(row, options={}))
        details = text(look(demo.test_client(), "/qa/product-sub/iphone").main)
        assert "subPartnerId 应为 branch-7" in details


class TestDetails:
    def test_the_parameters_are_a_table_and_the_sign_is_masked(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/product-sub/iphone")
        assert parameters(page) == {
            "partnerId": "12345",
            "subPartnerId": "branch-7",
            "caseCode": CODE,
            "sign": f"{SIGN[:2]}…{SIGN[-2:]}",
            "partnerUniqKey": LIN,
            "platform": "1",
        }
        shown = one(page, "p.code code").text
        assert shown.startswith("/gateway/dispatch/cps?partnerId=12345&subPartnerId=branch-7&")
        assert f"sign={SIGN[:2]}…{SIGN[-2:]}&" in shown
        assert "✓ 网关接受" in text(page.main)

    def test_a_return_is_decoded_and_followed(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/policy-return/iphone")
        assert parameters(page)["insureNum"] == NUMBER
        [note] = [line for line in page.select(".parameters tr") if "paySuccess" in line.text]
        assert "http://localhost/xiebao/paid/" in note.text
        assert "支付后回到 /insured" in note.text

    def test_a_handoff_shows_where_the_phone_goes(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/home/windows")
        assert "二维码" in text(page.main)
        assert parameters(page)["platform"] == "1"

    def test_it_shows_the_headers_and_a_link_to_click(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa/product/android")
        assert DEVICES["android"].headers["User-Agent"] in text(page.main)
        assert 'Sec-CH-UA-Platform "Android"' in text(page.main)
        followed = signed_in(demo).get(href(one(page, ".facts")))
        assert followed.location.startswith("/gateway/dispatch/cps?")

    def test_every_cell_of_the_matrix_leads_to_its_details(self, demo: Flask) -> None:
        client = demo.test_client()
        line = matrix(look(client))["保单，支付后返回"]
        for device in ("Windows Chrome", "轻游 App iOS"):
            page = look(client, line[device].a["href"])
            assert text(page.h1) == f"保单，支付后返回 · {device} ✓ 符合"

    @pytest.mark.parametrize("url", ["/qa/product/nokia", "/qa/nothing/iphone", "/qa?show=nothing"])
    def test_what_is_not_there_is_not_found(self, demo: Flask, url: str) -> None:
        assert demo.test_client().get(url).status_code == 404


class TestFilter:
    @pytest.mark.parametrize(
        ("name", "count", "says"),
        [
            ("ok", 300, "✓"),
            ("accepted", 150, "接受"),
            ("handoff", 24, "二维码"),
            ("login", 45, "去登录"),
            ("refused", 105, ""),
        ],
    )
    def test_it_leaves_out_all_others(self, demo: Flask, name: str, count: int, says: str) -> None:
        page = look(demo.test_client(), f"/qa?show={name}")
        assert len(cells(page)) == count
        assert all(says in text(cell) for cell in cells(page))
        current = one(page, ".filters [aria-current]")
        assert str(current["href"]).startswith(f"/qa?show={name}")
        assert text(current).endswith(f" {count}")

    def test_rows_and_devices_with_nothing_to_show_are_left_out(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa?show=handoff")
        assert list(matrix(page)) == ["商城", "商城，限时链接", "保单", "保单，支付后返回"]
        assert {name for line in matrix(page).values() for name in line} == {
            name for name, found in PLATFORMS.items() if found == "PC"
        }

    def test_nothing_to_show_is_said(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa?show=bad")
        assert page.select("table.matrix") == []
        assert "没有这样的格子" in text(page.main)


@pytest.mark.usefixtures("one_row")
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
        [home, other, nonsense, product] = log(look(phone))
        who, none = f"林晓 {LIN}", ["—"] * 5
        assert home[1:] == ["点击", "—", who, "商城", "iOS", ids[0], *none[:2]]
        assert other[1:] == ["不放行 403 他人链接", "—", who, f"保单 {NUMBER}", *none[:4]]
        assert nonsense[1:] == ["不放行 404 无效链接", "—", who, "商城", *none[:4]]
        assert product[1:7] == ["点击", "—", f"林晓 {LIN}", f"产品 {CODE}", "H5", ids[1]]
        assert re.fullmatch(r"\d\d:\d\d:\d\d 已返回", product[7])

    def test_a_return_may_repeat_and_may_find_nobody_signed_in(self, demo: Flask) -> None:
        store = events.store(demo)
        store.add(events.Event(1.0, "click", "c1", LIN, "product", CODE, 1))
        store.add(events.Event(2.0, "return", "c1", LIN, "product", CODE, same_session=False))
        store.add(events.Event(3.0, "return", "c1", LIN, "product", CODE, same_session=True))
        [line] = log(look(demo.test_client()))
        assert line[7].endswith("已返回，共 2 次，登录的不是这位会员")

    def test_a_return_whose_click_is_gone_stands_alone(self, demo: Flask) -> None:
        returned = events.Event(2.0, "return", "gone", LIN, "home", same_session=True)
        events.store(demo).add(returned)
        [line] = log(look(demo.test_client()))
        assert line[1] == "返回"
        assert line[6] == "gone"
        assert line[7].endswith("点击已不在记录里")

    def test_it_survives_a_restart(self, make_demo: MakeDemo) -> None:
        signed_in(before := make_demo()).get(link(before))
        after = make_demo()
        assert len(log(look(after.test_client()))) == 1
        signed_in(after).get(link(after))
        assert len(log(look(before.test_client()))) == 2

    def test_the_newest_are_kept(self, demo: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        assert events.MOST == 1000
        monkeypatch.setattr(events, "MOST", 30)
        for number in range(35):
            events.store(demo).add(events.Event(float(number), "click", f"c{number}", LIN, "home"))
        assert [event.click_id for event in kept(demo)] == [f"c{n}" for n in range(34, 4, -1)]

        page = look(demo.test_client())
        assert len(log(page)) == 20
        rest = look(demo.test_client(), href(page, "全部 30 行"))
        assert [line[6] for line in log(rest)] == [f"c{n}" for n in range(34, 4, -1)]

    @pytest.mark.slow
    def test_two_processes_with_two_threads_each_lose_nothing(self, tmp_path: Path) -> None:
        code = f"""
import threading, demo_app
app = demo_app.create_app(instance_path={str(tmp_path)!r})
with app.test_request_context():
    link = app.extensions["xiebao"].product_link("QX1", member={LIN!r}, max_age=60)
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


class TestQuiet:
    def test_looking_leaves_the_log_and_the_session_alone(
        self, demo: Flask, tmp_path: Path
    ) -> None:
        client = signed_in(demo, ZHOU)
        before = client.get_cookie("session")
        for url in ("/qa", "/qa/product-other/iphone", "/qa?page=home", "/qa/events"):
            response = client.get(url)
            assert response.headers.getlist("Set-Cookie") == []
            assert "周航，您好" in response.text
        assert client.get_cookie("session") == before
        assert kept(demo) == []
        assert not (tmp_path / "events.sqlite3").exists()

    def test_a_visitor_who_clicks_meanwhile_is_kept(self, demo: Flask) -> None:
        with events.aside() as heard:
            visitor = threading.Thread(target=lambda: signed_in(demo).get(link(demo)))
            visitor.start()
            visitor.join()
            signed_in(demo, ZHOU).get(link(demo))
        assert [event.member for event in kept(demo)] == [LIN]
        assert [event.member for event in heard] == [ZHOU]

    def test_no_longer_once_it_is_over(self, demo: Flask) -> None:
        client = signed_in(demo)
        look(client)
        client.get(link(demo))
        assert len(kept(demo)) == 1

    def test_other_sites_of_the_process_are_not_listened_to(self, demo: Flask, site: Site) -> None:
        site.log_in("m1")
        assert site.follow(site.link("product")).status_code == 302
        assert kept(demo) == []


@pytest.mark.usefixtures("one_row")
class TestForm:
    def make(self, client: FlaskClient, **values: Any) -> Tag:
        values = {"page": "product", "reference": CODE, **values}
        return look(client, "/qa", query_string=values, headers=PHONE)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, {"caseCode": CODE, "platform": "1", "partnerUniqKey": LIN}),
            ({"member": ZHOU}, {"partnerUniqKey": ZHOU}),
            ({"member": ZHOU, "max_age": "60"}, {"partnerUniqKey": ZHOU}),
            ({"platform": "android"}, {"platform": "4"}),
            ({"sub_partner_id": "分店 7"}, {"subPartnerId": "分店 7"}),
            ({"page": "home"}, {"partnerUniqKey": LIN, "platform": "1"}),
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
            {"page": "policy", "reference": NUMBER, "member": ZHOU, "max_age": "900"},
            {"page": "policy", "reference": NUMBER},
            {
                "member": LIN,
                "platform": "ios",
                "sub_partner_id": "branch-7",
                "return_to": "/insured",
                "max_age": "3600",
            },
            {"reference": "a\"b'c\\n{{ 7 }} {% raw %} \U0001f600 </code>&amp;"},
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
        [{}, {"member": LIN, "max_age": "60"}, {"page": "home", "return_to": "/insured"}],
    )
    def test_the_qr_code_is_the_link_with_its_address(
        self, demo: Flask, values: dict[str, str]
    ) -> None:
        with time_machine.travel(1_800_000_000, tick=False):
            url = {"page": "product", "reference": CODE, **values}
            response = demo.test_client().get("/qa", query_string=url)
        code = qr.read(response.text)
        assert code == one(response, "#external").text
        assert code == f"http://localhost{one(response, '#link')['href']}"
        assert one(response, "svg[role=img]")["aria-label"]

    def test_the_link_can_be_clicked(self, demo: Flask) -> None:
        page = self.make(demo.test_client(), member=LIN, max_age="60")
        response = demo.test_client().get(one(page, "#link")["href"])
        assert response.location.startswith("/gateway/dispatch/cps?")

    def test_on_a_pc_it_says_that_a_code_comes_first(self, demo: Flask) -> None:
        page = look(demo.test_client(), "/qa?page=home", headers=PC)
        assert "200 二维码" in text(one(page, ".made"))
        assert parameters(page)["platform"] == "1"

    def test_whoever_asks_is_not_mixed_up_with_whose_link_it_is(self, demo: Flask) -> None:
        page = self.make(signed_in(demo, ZHOU), member=LIN)
        assert parameters(page)["partnerUniqKey"] == LIN
        page = self.make(signed_in(demo, ZHOU), member=LIN, max_age="60")
        assert parameters(page)["partnerUniqKey"] == LIN
        page = self.make(signed_in(demo, ZHOU))
        assert parameters(page)["partnerUniqKey"] == ZHOU

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"reference": ""}, "caseCode is empty: give it a value."),
            ({"page": "policy", "reference": " "}, "insureNum is empty"),
            ({"platform": "fax"}, "platform: 'fax' is not a platform"),
            ({"page": "home", "platform": "pc"}, "the home page does not serve PC at present"),
            ({"max_age": "60"}, "max_age needs member"),
            ({"member": LIN, "max_age": "soon"}, "max_age must be a positive whole number"),
            ({"member": LIN, "max_age": "0"}, "max_age must be a positive whole number"),
            ({"member": LIN, "max_age": "9" * 5000}, "max_age must be a positive whole number"),
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
        ],
    )
    def test_bad_input_says_what_a_developer_would_be_told(
        self, demo: Flask, values: dict[str, str], message: str
    ) -> None:
        page = self.make(demo.test_client(), **values)
        assert message in one(page, "#error").text
        assert page.select("#link, .made svg") == []

    def test_the_message_comes_without_strict_mode_too(self, make_demo: MakeDemo) -> None:
        demo = make_demo(testing=False)
        assert "caseCode is empty" in one(self.make(demo.test_client(), reference=""), "main").text

    def test_nothing_is_lost_from_the_form(self, demo: Flask) -> None:
        values = {
            "page": "policy",
            "reference": NUMBER,
            "member": ZHOU,
            "platform": "h5",
            "sub_partner_id": "branch-7",
            "return_to": "no path",
            "max_age": "soon",
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
        page = self.make(client, member=LIN, max_age="60")
        assert "XIEBAO_PUBLIC_URL" in one(page, "#qr-error").text
        assert page.select(".made svg") == []
        assert one(page, "#link")
        assert parameters(page)["partnerUniqKey"] == LIN
        assert self.make(client).select(".made svg")

    @pytest.mark.parametrize(
        "name",
        ["page", "reference", "member", "platform", "sub_partner_id", "return_to", "max_age"],
    )
    def test_what_is_typed_is_only_text(self, demo: Flask, name: str) -> None:
        attack = "\"'><img src=x onerror=alert(1)>{{ 7 * 191 }}"
        page = self.make(demo.test_client(), **{name: attack})
        assert page.select("img, script, [onerror]") == []
        assert "1337" not in page.text


class TestAnywhere:
    def test_with_a_real_account_it_judges_without_a_mounted_simulator(
        self, real_account: Flask
    ) -> None:
        client = real_account.test_client()
        assert client.get("/gateway/dispatch/cps").status_code == 404
        assert text(look(client).h1) == "QA 控制台 ✓ 300 格全部符合"
        page = look(client, "/qa/product/iphone")
        assert "https://api.xiebao18.com/dispatch/cps?partnerId=1039147&" in text(page.main)

    def test_an_account_read_as_numbers_works_too(self, make_demo: MakeDemo) -> None:
        demo = make_demo(
            XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="4711", XIEBAO_EXTRA='{"hidenav": 1}'
        )
        page = look(demo.test_client(), "/qa/product/iphone")
        assert "✓ 符合" in text(page.h1)
        assert parameters(page)["hidenav"] == "1"

    def test_below_a_path(self, demo: Flask) -> None:
        page = look(demo.test_client(), base_url="https://portal.example/shop")
        assert text(page.h1) == "QA 控制台 ✓ 300 格全部符合"
        assert cells(page)[0].a["href"] == "/shop/qa/product/windows"

    def test_switched_off_it_is_red_and_still_there(self, make_demo: MakeDemo) -> None:
        client = make_demo(XIEBAO_ENABLED="false").test_client()
        assert "✗" in text(look(client).h1)
        assert "没有链接" in text(look(client, "/qa/product/iphone").main)
        assert "XIEBAO_ENABLED" in one(look(client, "/qa?page=home"), "#error").text

    def test_no_page_shows_the_sign_or_the_key(self, real_account: Flask) -> None:
        client = signed_in(real_account)
        client.get(link(real_account, return_to="/insured"))
        with real_account.app_context():
            sign = real_account.extensions["xiebao"].gateway.sign
        urls = ["/qa", "/qa/events", f"/qa?page=product&reference={CODE}&return_to=/insured"]
        urls += [f"/qa?page=policy&reference={NUMBER}"]
        urls += [f"/qa/{row}/{name}" for row in ROWS for name in ("windows", "iphone")]
        pages = {url: client.get(url) for url in urls}
        assert {page.status_code for page in pages.values()} == {200}
        assert "sign=" in pages["/qa/product/iphone"].text
        assert [url for url, page in pages.items() if "a-key-of-4711" in page.text] == []
        assert [url for url, page in pages.items() if sign in page.text] == []

    def test_nothing_is_cached_and_the_policy_is_the_demos(self, demo: Flask) -> None:
        response = demo.test_client().get("/qa/product/iphone")
        assert "no-store" in response.headers["Cache-Control"]
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]

    def test_the_shop_links_to_it(self, demo: Flask) -> None:
        assert one(look(demo.test_client(), "/"), "footer a[href='/qa']")
