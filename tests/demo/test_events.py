"""What the demo's console tells of what happened: clicks, codes, returns and notifications."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from tests import qr
from tests.demo.support import (
    LIN,
    ZHOU,
    buy,
    create_demo,
    gateway,
    kept_events,
    link,
    look,
    number_of,
    shown,
    told,
    visit,
    words,
)
from tests.support import INSURE_NUM, PC, PHONE, PRODUCT_CODE, SIGN, Site, get_return_link


def test_what_happens_is_there_newest_first_and_no_sign_or_gateways_url_is_kept(
    demo: Flask, tmp_path: Path
) -> None:
    phone, home = visit(demo, None), link(demo, "home", client_reference="QY-8")
    phone.get(home)
    phone.post("/sign-in", data={"member": LIN})
    code = qr.read(phone.get(home, headers=PC).text)
    visit(demo, None).get(urlsplit(code).path)
    phone.get(f"/xiebao/home/{SIGN}")
    phone.get(link(demo, "policy", member=ZHOU))
    first = phone.get(link(demo, return_to="/insured"))
    phone.get(first.location)
    visit(demo, agent=f"{PHONE['User-Agent']} QingyouApp/3.2").get(link(demo, "home"))
    assert phone.get(urlsplit(get_return_link(first)).path).location == "/insured"

    ids = [event.click_id for event in kept_events(demo) if event.kind == "click"]
    who = f"林晓 {LIN}"
    in_app, product, *others = told(demo)
    assert in_app[1:] == ["点击", "—", who, "携保首页", "iOS", ids[0], "—", "—"]
    assert product[1:7] == ["点击", "—", who, f"产品详情页 {PRODUCT_CODE}", "H5", ids[1]]
    assert re.fullmatch(r"\d\d:\d\d:\d\d 已返回", product[7])
    assert [line[1:] for line in others] == [
        ["不放行 403 他人链接", "—", who, f"保单详情页 {INSURE_NUM}", *["—"] * 4],
        ["不放行 404 无效链接", "—", who, "携保首页", *["—"] * 4],
        ["点击", "—", who, "携保首页", "H5", ids[2], "—", "QY-8"],
        ["二维码", "—", who, "携保首页", "—", "—", "—", "QY-8"],
        ["去登录", "—", "—", "携保首页", "—", "—", "—", "QY-8"],
    ]
    counts = look(phone, "/qa/events").select(".funnel li")
    numbers = dict(words(each).split(" ")[::-1] for each in counts)
    steps = ("去登录", "不放行", "二维码", "去网关", "支付", "支付后返回")
    assert [numbers[step] for step in steps] == ["1", "2", "1", "3", "0", "1"]

    stored = b"".join(file.read_bytes() for file in tmp_path.glob("shop.sqlite3*"))
    assert LIN.encode() in stored
    assert [each for each in (SIGN.encode(), b"dispatch", b"/paid/") if each in stored] == []


def test_each_notification_is_a_line_of_its_own(demo: Flask) -> None:
    browser = visit(demo)
    browser.post(gateway(browser), data={"do": "fail"})
    failed = number_of(shown(browser)[0])
    number = buy(visit(demo, ZHOU))
    assert [(line[1].replace(" ", ""), line[2]) for line in told(demo)] == [
        *((f"通知·{step}", number) for step in ("电子保单", "出单", "支付", "投保")),
        ("点击", "—"),
        *((f"通知·{step}", failed) for step in ("支付失败", "投保")),
        ("点击", "—"),
    ]


def test_it_survives_a_restart_also_where_no_login_is_set(tmp_path: Path) -> None:
    before = create_demo(tmp_path, XIEBAO_LOGIN_VIEW="null")
    visit(before).get(link(before))
    after = create_demo(tmp_path)
    assert len(told(after)) == 1
    visit(after).get(link(after))
    assert [line[1] for line in told(before)] == ["点击", "点击"]


def test_other_sites_of_the_process_are_not_listened_to(demo: Flask, site: Site) -> None:
    site.log_in("m1")
    assert site.follow(site.link("product")).status_code == 302
    assert told(demo) == []
