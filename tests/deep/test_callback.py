"""Tests for the callback with Flask-Login and Flask-Limiter, and for the connections of httpx."""

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
from tests.callback.support import register_handler, send_notification
from tests.callback.test_order_transport import serve_gateway
from tests.support import DEPLOYED, INSURE_NUM, MakeSite
from tests.vectors import PAID


def test_notifications_need_no_login_and_can_be_exempted_from_rate_limit(
    make_site: MakeSite,
) -> None:
    site = make_site(**DEPLOYED, RATELIMIT_STORAGE_URI="memory://")
    LoginManager(site.app)
    limiter = Limiter(lambda: request.remote_addr or "", default_limits=["1 per day"])
    limiter.init_app(site.app)
    limiter.exempt(site.app.view_functions["xiebao.notify"])
    handler = register_handler(site)

    responses = [send_notification(site, PAID) for _ in range(3)]

    assert [response.status_code for response in responses] == [200] * 3
    assert not any("Set-Cookie" in response.headers for response in responses)
    assert len(handler.notifications) == 3


def test_order_query_tries_next_address_of_host_if_first_is_unreachable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original_getaddrinfo = socket.getaddrinfo
    with serve_gateway() as (url, paths):
        port = int(url.rpartition(":")[2])
        # No server listens at the first address.
        addresses = [("127.0.0.2", 9), ("127.0.0.1", port)]
        results = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        def fake_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
            if host == "gateway.example":
                return results
            return original_getaddrinfo(host, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", fake_getaddrinfo)
        with OrderClient("12345", "Key", base_url=f"http://gateway.example:{port}") as client:
            assert client.get(INSURE_NUM).insure_num == INSURE_NUM
    assert len(paths) == 1


def test_optional_packages_are_not_imported_until_needed() -> None:
    code = """
import sys
import flask_xiebao, flask_xiebao.cli, flask_xiebao.testing
print([name for name in ("pytest", "httpx", "zxingcpp", "segno") if name in sys.modules])
flask_xiebao.OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")
print("httpx" in sys.modules)
"""
    process = subprocess.run(  # noqa: S603 - The code above has no input from outside.
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == ["[]", "True"]
