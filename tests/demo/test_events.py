"""Tests for the console's list of events: clicks, QR codes, returns, refusals and notifications."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import qr
from tests.demo.support import (
    LIN,
    ZHOU,
    build_link,
    buy_policy,
    click_order_entry,
    create_demo,
    find_insure_num,
    get_event_rows,
    get_page,
    get_policies,
    get_text,
    open_client,
)
from tests.support import (
    INSURE_NUM,
    PC,
    PHONE,
    PRODUCT_CODE,
    SIGN,
    SentSignals,
    Site,
    find_leaks,
    get_return_link,
)


@pytest.fixture
def demo_with_events(demo: Flask) -> Flask:
    """The demo after a login redirect, a QR code, two refused clicks, three clicks and a return."""
    phone, home = open_client(demo, member=None), build_link(demo, "home", client_reference="QY-8")
    phone.get(home)
    phone.post("/sign-in", data={"member": LIN})
    handoff = phone.get(home, headers=PC)
    open_client(demo, member=None).get(urlsplit(qr.read(handoff.text)).path)
    phone.get(f"/xiebao/home/{SIGN}")
    phone.get(build_link(demo, "policy", member=ZHOU))
    click = phone.get(build_link(demo, return_to="/insured"))
    phone.get(click.location)
    app = open_client(demo, user_agent=f"{PHONE['User-Agent']} QingyouApp/3.2")
    app.get(build_link(demo, "home"))
    assert phone.get(urlsplit(get_return_link(click)).path).location == "/insured"
    return demo


def test_events_are_listed_newest_first(sent_signals: SentSignals, demo_with_events: Flask) -> None:
    click_ids = [signal["click_id"] for name, signal in sent_signals[::-1] if name == "clicked"]
    lin = f"林晓 {LIN}"

    assert [row[1:] for row in get_event_rows(demo_with_events)] == [
        ["返回", "—", lin, f"产品详情页 {PRODUCT_CODE}", "—", click_ids[1], "—"],
        ["点击", "—", lin, "携保首页", "iOS", click_ids[0], "—"],
        ["点击", "—", lin, f"产品详情页 {PRODUCT_CODE}", "H5", click_ids[1], "—"],
        ["不放行 403 他人链接", "—", lin, f"保单详情页 {INSURE_NUM}", "—", "—", "—"],
        ["不放行 404 无效链接", "—", lin, "携保首页", "—", "—", "—"],
        ["点击", "—", lin, "携保首页", "H5", click_ids[2], "QY-8"],
        ["二维码", "—", lin, "携保首页", "—", "—", "QY-8"],
        ["去登录", "—", "—", "携保首页", "—", "—", "QY-8"],
    ]


def test_event_list_is_filtered_by_kind(demo_with_events: Flask) -> None:
    assert [row[1] for row in get_event_rows(demo_with_events, "kind=refusal")] == [
        "不放行 403 他人链接",
        "不放行 404 无效链接",
    ]
    assert [row[1] for row in get_event_rows(demo_with_events, "kind=return")] == ["返回"]


def test_return_by_another_member_is_marked(demo: Flask) -> None:
    click = open_client(demo).get(build_link(demo, return_to="/insured"))
    open_client(demo, ZHOU).get(urlsplit(get_return_link(click)).path)
    assert [row[1] for row in get_event_rows(demo)] == ["返回，登录的不是这位会员", "点击"]


def test_events_are_counted_by_step(demo_with_events: Flask) -> None:
    items = get_page(demo_with_events.test_client(), "/qa/events").select(".funnel li")
    counts = dict(get_text(item).split(" ")[::-1] for item in items)
    expected = {"去登录": 1, "不放行": 2, "二维码": 1, "去网关": 3, "支付": 0, "支付后返回": 1}
    assert {step: int(counts[step]) for step in expected} == expected


def test_event_database_contains_no_signature_or_gateway_url(demo_with_events: Flask) -> None:
    files = Path(demo_with_events.instance_path).glob("shop.sqlite3*")
    content = "".join(file.read_text("latin-1") for file in files)
    assert LIN in content
    assert find_leaks(content, SIGN, "dispatch", "/paid/") == []


def test_notifications_are_listed_as_events(demo: Flask, client: FlaskClient) -> None:
    client.post(click_order_entry(client), data={"do": "fail"})
    failed = find_insure_num(get_policies(client)[0])
    paid = buy_policy(open_client(demo, ZHOU))

    assert [(row[1].replace(" ", ""), row[2]) for row in get_event_rows(demo)] == [
        *((f"通知·{step}", paid) for step in ("电子保单", "出单", "支付", "投保")),
        ("点击", "—"),
        *((f"通知·{step}", failed) for step in ("支付失败", "投保")),
        ("点击", "—"),
    ]


def test_events_are_kept_after_restart(demo: Flask, client: FlaskClient, tmp_path: Path) -> None:
    client.get(build_link(demo))
    restarted = create_demo(tmp_path, XIEBAO_LOGIN_VIEW="null")
    open_client(restarted).get(build_link(restarted))
    assert [row[1] for row in get_event_rows(restarted)] == ["点击", "点击"]


def test_clicks_of_other_apps_are_not_stored(demo: Flask, site: Site) -> None:
    site.log_in("m1")
    assert site.follow(site.link("product")).status_code == 302
    assert get_event_rows(demo) == []
