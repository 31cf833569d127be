"""The callback beside what few sites have, and the order query over hosts that are away."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest
from flask import request
from flask_limiter import Limiter
from flask_login import LoginManager

from flask_xiebao import OrderClient
from tests.callback.support import listen, tell
from tests.callback.test_own_gateway import gateway
from tests.support import DEPLOYED, INSURE_NUM, MakeSite, Site
from tests.vectors import PAID


def test_another_guard_by_the_same_name_is_left_alone(site: Site) -> None:
    site.app.extensions["csrf"] = object()
    listen(site)
    assert tell(site, PAID) == 200


def test_a_site_with_a_login_and_a_limiter_hears_of_purchases(make_site: MakeSite) -> None:
    site = make_site(**DEPLOYED, RATELIMIT_STORAGE_URI="memory://")
    LoginManager(site.app)
    limiter = Limiter(lambda: request.remote_addr or "", default_limits=["1 per day"])
    limiter.init_app(site.app)
    limiter.exempt(site.app.view_functions["xiebao.notify"])
    listener = listen(site)
    assert [tell(site, PAID) for _ in range(3)] == [200] * 3
    assert len(listener.notifications) == 3


def test_a_gateway_with_an_address_that_is_away_is_found_at_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo
    with gateway() as (address, asked):
        port = int(address.rpartition(":")[2])
        hosts = [("127.0.0.2", 9), ("127.0.0.1", port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", host) for host in hosts]

        def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
            return found if host == "gateway.example" else resolve(host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        with OrderClient("12345", "Key", base_url=f"http://gateway.example:{port}") as client:
            assert client.get(INSURE_NUM).insure_num == INSURE_NUM
    assert len(asked) == 1


def test_nothing_that_a_site_need_not_have_is_loaded_and_httpx_when_an_order_is_asked_for() -> None:
    code = """
import sys
import flask_xiebao, flask_xiebao.cli, flask_xiebao.testing
print([name for name in ("pytest", "httpx", "zxingcpp", "segno") if name in sys.modules])
flask_xiebao.OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")
print("httpx" in sys.modules)
"""
    run = subprocess.run(  # noqa: S603 - all of it is written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["[]", "True"]
