"""The callback beside what few sites have, and the order query over sockets that misbehave."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import request
from flask_limiter import Limiter
from flask_login import LoginManager

from flask_xiebao import OrderClient, OrderError
from tests.callback.support import listen, tell
from tests.callback.test_own_gateway import gateway
from tests.support import LIVE, NUMBER, MakeSite, Site
from tests.vectors import PAID


def test_another_guard_by_the_same_name_is_left_alone(site: Site) -> None:
    site.app.extensions["csrf"] = object()
    listen(site)
    assert tell(site, PAID) == 200


def test_a_site_with_a_login_and_a_limiter_hears_of_purchases(make_site: MakeSite) -> None:
    site = make_site(**LIVE, RATELIMIT_STORAGE_URI="memory://")
    LoginManager(site.app)
    limiter = Limiter(lambda: request.remote_addr or "", default_limits=["1 per day"])
    limiter.init_app(site.app)
    limiter.exempt(site.app.view_functions["xiebao.notify"])
    listener = listen(site)
    assert [tell(site, PAID) for _ in range(3)] == [200] * 3
    assert len(listener.heard) == 3


@contextlib.contextmanager
def drips(*parts: bytes) -> Iterator[str]:
    """Serve an answer on whose last part the same follows for ever; the value is the address.

    It gives up after many seconds, by which the connection breaks.
    """
    given_up = threading.Event()

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for part in parts[:-1]:
                connection.sendall(part)
            for _ in range(400):
                if given_up.wait(0.05):
                    break
                connection.sendall(parts[-1])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        given_up.set()
        thread.join()


@pytest.mark.parametrize(
    "parts",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["nothing", "a header", "100 Continue", "a body", "chunks"],
)
def test_a_gateway_that_drips_is_left_when_the_time_is_over(parts: tuple[bytes, ...]) -> None:
    with (
        drips(*parts) as address,
        OrderClient("12345", "Key", base_url=address, timeout=0.3) as client,
        pytest.raises(OrderError) as caught,
    ):
        client.get(NUMBER)
    assert str(caught.value) == "The gateway gives no answer within 0.3 seconds."


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
            assert client.get(NUMBER).insure_num == NUMBER
    assert len(asked) == 1


def test_httpx_is_loaded_when_an_order_is_asked_for() -> None:
    code = """
import sys
import flask_xiebao, flask_xiebao.cli, flask_xiebao.testing
print("httpx" in sys.modules)
flask_xiebao.OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")
print("httpx" in sys.modules)
"""
    run = subprocess.run(  # noqa: S603 - all of it is written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]
