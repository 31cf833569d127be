"""Which gateway an app asks for orders: Xiebao's over HTTP, or one of its own, in itself."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, redirect, request

from flask_xiebao import ConfigError, Gateway, OrderClient, OrderError
from tests.callback.support import detail
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    MEMBER_SECRET,
    MakeSite,
    Site,
    failing_function,
    make_site,
    serve_app,
)
from tests.vectors import compute_sign

# One of its own


def own_gateway(**config: Any) -> tuple[Site, list[tuple[str, bytes]]]:
    """Return a site that has a gateway at a path of its own, and what that is asked."""
    site = make_site(**{**DEPLOYED, "XIEBAO_BASE_URL": "/gateway", **config})
    asked = []

    @site.app.post("/gateway/api/orderDetail")
    def order_detail() -> dict[str, Any]:
        asked.append((request.url, request.get_data()))
        return detail()

    return site, asked


@pytest.mark.parametrize(
    ("config", "host", "member"),
    [
        ({}, "localhost", "101000"),
        ({"SERVER_NAME": "shop.example"}, "shop.example", "101000"),
        ({"TRUSTED_HOSTS": [".shop.example"]}, "shop.example", "101000"),
        ({"XIEBAO_ENABLED": False}, "localhost", "101000"),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, "localhost", None),
    ],
)
def test_a_path_of_the_site_is_asked_in_the_app_itself(
    config: dict[str, Any], host: str, member: str | None
) -> None:
    site, asked = own_gateway(**config)
    with site.app.app_context():
        order = site.xiebao.orders.get(INSURE_NUM)
        assert site.xiebao.orders is site.xiebao.orders
        assert (order.price_fen, order.member) == (1500, member)
    [(url, body)] = asked
    assert url == f"http://{host}/gateway/api/orderDetail?sign={compute_sign(body)}"


def test_a_request_that_asks_shares_nothing_with_the_one_that_answers() -> None:
    site, asked = own_gateway()
    opened: list[str] = []

    @site.app.before_request
    def open_database() -> None:
        g.database = request.path
        opened.append(request.path)

    @site.app.teardown_request
    def close_database(_: object) -> None:
        opened.remove(g.pop("database"))

    @site.app.get("/order")
    def order() -> str:
        price = site.xiebao.orders.get(INSURE_NUM).price_fen
        return f"{price} {request.path} {g.database}"

    assert site.follow("/order").text == "1500 /order /order"
    assert len(asked) == 1
    assert opened == []


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("/gateway", r"HTTP status 30[23] with the Location header '/login'\.$"),
        ("/nowhere", r"HTTP status 404\.$"),
    ],
)
def test_what_a_gateway_of_the_sites_own_answers_instead_is_told(base_url: str, said: str) -> None:
    site, _ = own_gateway(XIEBAO_BASE_URL=base_url)

    @site.app.before_request
    def wall() -> Any:
        return redirect("/login?next=/gateway?sign=x") if request.path[:8] == "/gateway" else None

    with site.app.app_context(), pytest.raises(OrderError, match=said):
        site.xiebao.orders.get(INSURE_NUM)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_worker_that_was_forked_has_a_client_of_its_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.app.app_context():
        before = site.xiebao.orders
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert site.xiebao.orders is not before


def test_without_an_account_there_are_no_orders(make_site: MakeSite) -> None:
    site = make_site(**DEPLOYED, XIEBAO_ENABLED=False, XIEBAO_API_KEY=None)
    with site.app.app_context(), pytest.raises(ConfigError, match="XIEBAO_API_KEY"):
        _ = site.xiebao.orders


# Over HTTP


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"XIEBAO_ENV": "test"}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "production"}, "https://api.xiebao18.com"),
        ({"XIEBAO_BASE_URL": "https://gateway.example/a"}, "https://gateway.example/a"),
    ],
)
def test_elsewhere_it_asks_the_gateway_of_the_pages(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], host: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", failing_function(socket.gaierror()))
    site = make_site(**config)
    with site.app.app_context(), pytest.raises(OrderError) as caught:
        site.xiebao.orders.get(INSURE_NUM)
    assert str(caught.value) == f"The gateway cannot be reached at {host} (ConnectError)."


def test_certificates_that_are_none_are_an_order_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "certificates.pem").write_text("none")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificates.pem"))
    with pytest.raises(OrderError, match="SSL_CERT_FILE"):
        OrderClient("12345", "Key", base_url=Gateway.TEST)


#: A self-signed certificate for 127.0.0.1, with its private key. It is only used in the tests of
#: this file.
SELF_SIGNED = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVGb6jrc5QVvSyTHW
4pKsHsrmPi/WK9DrDZdmG3ry0imhRANCAARKiitZiEsikMLZM1MgSX6UaGYs4grn
ah2semCDcwkN33yX+L21ownoF1JwziRxlRZE5/fdrIbtMpIGw4hY9aW1
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBjjCCATOgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAkxMjcuMC4w
LjEwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CTEyNy4wLjAuMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEqKK1mISyKQwtkz
UyBJfpRoZiziCudqHax6YINzCQ3ffJf4vbWjCegXUnDOJHGVFkTn992shu0ykgbD
iFj1pbWjdDByMA8GA1UdEQQIMAaHBH8AAAEwDwYDVR0TAQH/BAUwAwEB/zAdBgNV
HQ4EFgQU+xth5ww96qClQLKeGS0tmNIbSd0wHwYDVR0jBBgwFoAU+xth5ww96qCl
QLKeGS0tmNIbSd0wDgYDVR0PAQH/BAQDAgKEMAoGCCqGSM49BAMCA0kAMEYCIQDJ
p3ECD8L2rxCCQsAot1S0ivWVTy0mlQCPKzY61UI89QIhAPNvGKn825FDUHbQ7twR
ulD+UQqWwupO1zmgVLYregho
-----END CERTIFICATE-----
"""


@contextmanager
def gateway(
    status: int = 200, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve a gateway over HTTP; the value is its address, and the paths that it is asked for."""
    app = Flask("gateway")
    asked = []

    @app.before_request
    def answer() -> Any:
        asked.append(request.full_path)
        return detail(), status, {"Location": "/elsewhere"}

    with serve_app(app, tls) as address:
        yield address, asked


def ask(address: str) -> int | None:
    """Ask twice; return the price."""
    with OrderClient("12345", "Key", base_url=address) as client:
        client.get(INSURE_NUM)
        return client.get(INSURE_NUM).price_fen


def test_over_http_nothing_is_logged_no_proxy_asked_and_no_redirect_followed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(lambda record: record.name != "werkzeug")  # the gateway's own
    with (
        gateway() as (proxy, through_proxy),
        gateway() as (here, asked),
        gateway(302) as (
            elsewhere,
            redirected,
        ),
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(here) == 1500
        with pytest.raises(OrderError, match="HTTP status 302"):
            ask(elsewhere)
    assert (len(asked), len(redirected), through_proxy) == (2, 1, [])
    for path in (*asked, *redirected):
        assert path.startswith("/api/orderDetail?sign=")
        assert path.partition("sign=")[2] not in caplog.text


def test_self_signed_certificate_raises_order_error_unless_environment_trusts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(SELF_SIGNED)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with gateway(tls=tls) as (address, asked):
        with pytest.raises(OrderError) as caught:
            ask(address)
        assert str(caught.value) == f"The gateway cannot be reached at {address} (ConnectError)."
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert ask(address) == 1500
