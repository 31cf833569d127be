"""The demo, used as its visitors do: every entry from every device ends where it should."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

import demo_app
from flask_xiebao import ConfigError
from flask_xiebao.cli import xiebao
from tests import qr
from tests.support import SIGN, one, pay, soup

MEMBER = "m_7Qk2vX9rT4"

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Mobile/15E148"
_PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"

#: Device, User-Agent, platform code (1 H5, 2 PC, 3 iOS, 4 Android).
DEVICES = [
    ("PC", f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36", 2),
    ("iPhone", f"{_IPHONE} Version/17.5 Safari/604.1", 1),
    ("Android phone", f"{_PIXEL} Chrome/126.0.0.0 Mobile Safari/537.36", 1),
    ("WeChat on a phone", f"{_IPHONE} MicroMessenger/8.0.49(0x18003137) NetType/WIFI", 1),
    (
        "WeChat on a PC",
        f"{_WINDOWS} Chrome/122.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
        " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13)",
        2,
    ),
    (
        "iPad",
        f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_WEBKIT} Version/17.5 Mobile/15E148"
        " Safari/604.1",
        1,
    ),
    (
        "iPad that says it is a Mac",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/17.5 Safari/605.1.15",
        2,
    ),
    ("the shop's iOS app", f"{_IPHONE} QingyouApp/3.2", 3),
    ("the shop's Android app", f"{_PIXEL} Chrome/126.0.0.0 Mobile Safari/537.36 QingyouApp/3.2", 4),
]
ENTRIES = {"product": "[data-xiebao-entry=product]", "home": "#home", "policy": "li .xiebao-entry"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Flask:
    monkeypatch.setenv("FLASK_SECRET_KEY", "a secret for tests")
    return demo_app.create_app(str(tmp_path))


def visit(shop: Flask, agent: str, member: str | None = MEMBER) -> FlaskClient:
    """Return a browser with this User-Agent, signed in unless *member* is None."""
    client = shop.test_client()
    client.environ_base["HTTP_USER_AGENT"] = agent
    if member:
        client.post("/sign-in", data={"member": member})
    return client


def entry_link(client: FlaskClient, entry: str) -> str:
    """Return where an entry of the order page leads."""
    return str(one(client.get("/"), ENTRIES[entry])["href"])


def click(client: FlaskClient, entry: str) -> TestResponse:
    return follow(client, entry_link(client, entry))


def follow(client: FlaskClient, url: str) -> TestResponse:
    return client.get(url, follow_redirects=True)


def received(response: TestResponse) -> dict[str, str]:
    """Return what the simulator says it received, once it says that it accepts it."""
    assert response.status_code == 200, response.text
    assert "已接受" in one(response, ".xiebao-verdict--accepted").text
    rows = soup(response).select(".xiebao-parameters tbody tr")
    return {name.text: value.text for name, value, _ in (row.select("th, td") for row in rows)}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(("agent", "code"), [d[1:] for d in DEVICES], ids=[d[0] for d in DEVICES])
def test_each_entry_from_each_device_ends_at_accepted(
    shop: Flask, agent: str, code: int, entry: str
) -> None:
    response = click(visit(shop, agent), entry)
    if code == 2 and entry != "product":  # the gateway has these pages for phones only
        phone = visit(shop, DEVICES[1][1], member=None)
        assert "支付成功" not in response.text
        link = urlsplit(qr.read(response.text))
        response, code = follow(phone, link.path), 1
    parameters = received(response)
    assert parameters["platform"] == str(code)
    assert parameters["partnerUniqKey"] == MEMBER


def test_a_visitor_signs_in_on_the_way_and_arrives_where_they_clicked(shop: Flask) -> None:
    phone = visit(shop, DEVICES[1][1], member=None)
    form = one(click(phone, "product"), "form.members")
    going_on = phone.post(
        form["action"],
        data={"next": one(form, "[name=next]")["value"], "member": MEMBER},
        follow_redirects=True,
    )
    assert received(going_on)["partnerUniqKey"] == MEMBER


def test_payment_leads_back_to_the_shop(shop: Flask) -> None:
    phone = visit(shop, DEVICES[1][1])
    paid = pay(phone, click(phone, "product"))
    response = follow(phone, urlsplit(paid).path)
    assert response.request.path == "/insured"
    assert one(response, "h1").text == "投保成功"


def test_each_member_sees_their_own_policies_and_a_visitor_none(shop: Flask) -> None:
    pages = [visit(shop, DEVICES[0][1], member).get("/").text for member in shop_members()]
    numbers = [set(re.findall(r"投保单号 (\d+)", page)) for page in pages]
    assert numbers == [{"20190226020146"}, {"20261103110527", "20261119093308"}]
    assert "投保单号" not in visit(shop, DEVICES[0][1], None).get("/").text


def shop_members() -> list[str]:
    return list(demo_app.shop.MEMBERS)


def test_signing_out_ends_the_session(shop: Flask) -> None:
    client = visit(shop, DEVICES[0][1])
    assert "林晓" in client.get("/").text
    client.post("/sign-out")
    assert "林晓" not in client.get("/").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_goes_to_no_other_site(shop: Flask, target: str) -> None:
    response = visit(shop, "", None).post("/sign-in", data={"member": MEMBER, "next": target})
    assert response.location == "/"


def test_with_an_account_in_the_environment_it_leads_to_xiebao(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("FLASK_SECRET_KEY", "a secret for tests")
    monkeypatch.setenv("FLASK_XIEBAO_PARTNER_ID", "1039147")
    monkeypatch.setenv("FLASK_XIEBAO_API_KEY", "another key")
    monkeypatch.setenv("FLASK_XIEBAO_ENV", "production")
    client = visit(demo_app.create_app(str(tmp_path)), DEVICES[1][1])
    location = client.get(entry_link(client, "product")).location
    assert location is not None
    assert location.startswith("https://api.xiebao18.com/dispatch/cps?partnerId=1039147&")
    assert client.get("/gateway/dispatch/cps").status_code == 404


def test_an_account_without_its_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_XIEBAO_PARTNER_ID", "1039147")
    with pytest.raises(ConfigError, match="XIEBAO_API_KEY is not set"):
        demo_app.create_app()


def test_the_secret_is_made_once_and_kept(tmp_path: Any) -> None:
    apps = [demo_app.create_app(str(tmp_path / "instance")) for _ in range(2)]
    first, second = (app.config["SECRET_KEY"] for app in apps)
    assert first == second
    assert len(first) == 64
    assert [file.name for file in (tmp_path / "instance").iterdir()] == ["secret_key"]


def test_no_page_shows_the_sign(shop: Flask) -> None:
    seen = set()
    for _, agent, _ in DEVICES:
        for member in (MEMBER, None):
            client = visit(shop, agent, member)
            for url in ("/", "/sign-in", "/insured", "/xiebao/home/nonsense", "/nowhere"):
                seen.add(client.get(url).text)
            for entry in ENTRIES:
                if member or entry != "policy":
                    seen.add(click(client, entry).text)
    assert any("已接受" in page for page in seen)
    assert any("二维码" in page for page in seen)
    assert not [page for page in seen if SIGN in page]


@pytest.fixture
def server(tmp_path: Any) -> Iterator[tuple[str, Any]]:
    """Serve the demo as `flask run` does; yields its address and its log file."""
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "demo_app", "run", "--port", "0"],
            stderr=output,
            stdout=output,
        )
    try:
        deadline = time.monotonic() + 30
        while not (found := re.search(r"Running on (http://\S+)", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield found[1], log
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_the_access_log_masks_the_sign(server: tuple[str, Any]) -> None:
    address, log = server
    query = f"partnerId=12345&subPartnerId=&caseCode=QX1&sign={SIGN}&partnerUniqKey=m1"
    with urllib.request.urlopen(f"{address}/gateway/dispatch/cps?{query}", timeout=10) as answer:  # noqa: S310
        assert "已接受" in answer.read().decode()
    logged = log.read_text()
    assert "sign=***&partnerUniqKey=m1" in logged
    assert SIGN not in logged


def test_the_filter_masks_once_and_keeps_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.makeLogRecord(
        {"msg": '"%s" %s', "args": (f"GET /x?a=1&sign={SIGN}&b=2 HTTP/1.1", 200)}
    )
    assert demo_app.logs.MaskSign().filter(record)
    assert record.getMessage() == '"GET /x?a=1&sign=***&b=2 HTTP/1.1" 200'


def test_the_demo_is_right_with_production_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {
        "SECRET_KEY": "a secret for tests",
        "XIEBAO_PARTNER_ID": "1039147",
        "XIEBAO_API_KEY": '"a-key-of-4711"',
        "XIEBAO_ENV": "production",
        "XIEBAO_PUBLIC_URL": "https://shop.example",
        "XIEBAO_MEMBER_SECRET": "a secret of thirty-two characters or more",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    app = demo_app.create_app(str(tmp_path))
    done = app.test_cli_runner().invoke(xiebao, ["check", "--page", "/", "--locale", "zh"])
    assert done.exit_code == 0, done.output
    assert "网关：https://api.xiebao18.com" in done.output
    assert not (tmp_path / "events.sqlite3").exists()


@pytest.mark.parametrize("path", ["/", "/qa", "/qa/links?page=product&reference=QX1", "/widgets/"])
def test_a_host_that_is_none_breaks_no_page(shop: Flask, path: str) -> None:
    # The test client cannot send this one.
    environ = {**EnvironBuilder(path).get_environ(), "HTTP_HOST": "xn--"}
    _, status, _ = run_wsgi_app(shop, environ)
    assert not status.startswith("5")  # what is a host differs between versions of Python
