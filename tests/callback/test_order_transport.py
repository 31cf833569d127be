"""Tests for the transports of order queries: HTTP, or direct calls of the site's own WSGI app.

If ``XIEBAO_BASE_URL`` is a path, the gateway, for example a simulator, is a part of the app.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, redirect, request

from flask_xiebao import ConfigError, Gateway, OrderClient, OrderError
from tests.callback.support import build_order_response
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

pytestmark = pytest.mark.requires("httpx")

# Order queries to the site's own app


def make_site_with_gateway(**config: Any) -> tuple[Site, list[tuple[str, bytes]]]:
    """Return a site with a gateway at ``/gateway``, and the list of queries to this gateway.

    The list contains the URL and the body of each query.
    """
    site = make_site(**{**DEPLOYED, "XIEBAO_BASE_URL": "/gateway", **config})
    requests = []

    @site.app.post("/gateway/api/orderDetail")
    def send_order() -> dict[str, Any]:
        requests.append((request.url, request.get_data()))
        return build_order_response()

    return site, requests


@pytest.mark.parametrize(
    ("config", "host", "member"),
    [
        ({}, "localhost", "101000"),
        ({"SERVER_NAME": "shop.example"}, "shop.example", "101000"),
        ({"TRUSTED_HOSTS": [".shop.example"]}, "shop.example", "101000"),
        ({"XIEBAO_ENABLED": False}, "localhost", "101000"),
        ({"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}, "localhost", None),
    ],
    ids=["default", "SERVER_NAME", "TRUSTED_HOSTS", "disabled site", "member secret"],
)
def test_order_query_to_own_app_uses_host_of_site(
    config: dict[str, Any], host: str, member: str | None
) -> None:
    site, requests = make_site_with_gateway(**config)
    with site.app.app_context():
        order = site.xiebao.orders.get(INSURE_NUM)
        assert (order.price_fen, order.member) == (1500, member)
    [(url, body)] = requests
    assert url == f"http://{host}/gateway/api/orderDetail?sign={compute_sign(body)}"


def test_order_query_to_own_app_has_separate_request_context() -> None:
    site, _ = make_site_with_gateway()
    closed_paths = []

    @site.app.before_request
    def open_database() -> None:
        g.database = request.path

    @site.app.teardown_request
    def close_database(_: object) -> None:
        closed_paths.append(g.pop("database"))

    @site.app.get("/order")
    def show_order() -> str:
        price = site.xiebao.orders.get(INSURE_NUM).price_fen
        return f"{price} {request.path} {g.database}"

    assert site.follow("/order").text == "1500 /order /order"
    assert closed_paths == ["/gateway/api/orderDetail", "/order"]


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("/gateway", r"HTTP status 30[23] with the Location header '/login'\.$"),
        ("/unknown", r"HTTP status 404\.$"),
    ],
    ids=["redirect to login", "unknown path"],
)
def test_order_query_to_own_app_raises_order_error_for_redirect_or_404(
    base_url: str, message: str
) -> None:
    site, _ = make_site_with_gateway(XIEBAO_BASE_URL=base_url)
    site.app.before_request(
        lambda: redirect("/login?next=/gateway?sign=x") if request.path[:8] == "/gateway" else None
    )
    with site.app.app_context(), pytest.raises(OrderError, match=message):
        site.xiebao.orders.get(INSURE_NUM)


# Order clients of a site


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This platform has no os.fork()")
def test_each_process_has_its_own_order_client(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked process must not use the connections of its parent."""
    with site.app.app_context():
        client = site.xiebao.orders
        assert site.xiebao.orders is client
        monkeypatch.setattr(os, "getpid", lambda: -1)
        assert site.xiebao.orders is not client


def test_all_threads_share_one_order_client(site: Site) -> None:
    barrier = threading.Barrier(8)

    def get_client(_: int) -> OrderClient:
        with site.app.app_context():
            barrier.wait()
            return site.xiebao.orders

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(get_client, range(8)))) == 1


def test_xiebao_orders_without_api_key_raises_config_error(make_site: MakeSite) -> None:
    site = make_site(**DEPLOYED, XIEBAO_ENABLED=False, XIEBAO_API_KEY=None)
    with site.app.app_context(), pytest.raises(ConfigError, match="XIEBAO_API_KEY"):
        _ = site.xiebao.orders


# Order queries over HTTP


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({"XIEBAO_ENV": "test"}, "https://testapi.xiebao18.com"),
        ({"XIEBAO_ENV": "production"}, "https://api.xiebao18.com"),
        ({"XIEBAO_BASE_URL": "https://gateway.example/a"}, "https://gateway.example/a"),
    ],
    ids=["test", "production", "base URL"],
)
def test_unreachable_gateway_raises_order_error_with_url_from_settings(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], url: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", failing_function(socket.gaierror()))
    site = make_site(**config)
    with site.app.app_context(), pytest.raises(OrderError) as error:
        site.xiebao.orders.get(INSURE_NUM)
    assert str(error.value) == f"The gateway cannot be reached at {url} (ConnectError)."


@contextmanager
def serve_gateway(
    status: int = 200, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve a gateway, and yield its URL and a list of the requested paths.

    :param status: the status of the responses, which all have a Location header.
    :param tls: the context for HTTPS. By default, the server speaks HTTP.
    """
    app = Flask("gateway")
    paths = []

    @app.before_request
    def answer_query() -> Any:
        paths.append(request.full_path)
        return build_order_response(), status, {"Location": "/elsewhere"}

    with serve_app(app, tls) as url:
        yield url, paths


def query_price_twice(url: str) -> int | None:
    """Query an order twice with one client, and return the price in the second response."""
    with OrderClient("12345", "Key", base_url=url) as client:
        client.get(INSURE_NUM)
        return client.get(INSURE_NUM).price_fen


def test_http_client_ignores_proxies_and_redirects_and_logs_no_signature(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Ignore the log of Werkzeug's server, because this log contains the URLs of all requests to the
    # gateway.
    monkeypatch.setattr(logging.getLogger("werkzeug"), "disabled", True)
    with (
        serve_gateway() as (proxy_url, proxy_paths),
        serve_gateway() as (url, paths),
        serve_gateway(302) as (redirecting_url, redirecting_paths),
    ):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy_url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert query_price_twice(url) == 1500
        with pytest.raises(OrderError, match="HTTP status 302"):
            query_price_twice(redirecting_url)

    assert (len(paths), len(redirecting_paths), len(proxy_paths)) == (2, 1, 0)
    signatures = [path.partition("?sign=")[2] for path in (*paths, *redirecting_paths)]
    assert [sign for sign in signatures if not sign or sign in caplog.text] == []


# TLS certificates

#: A self-signed certificate for 127.0.0.1, with its private key. The certificate is used only in
#: the tests of this file.
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


def test_invalid_ssl_cert_file_raises_order_error_with_variable_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("not a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(OrderError, match="SSL_CERT_FILE"):
        OrderClient("12345", "Key", base_url=Gateway.TEST)


def test_self_signed_certificate_is_rejected_unless_in_ssl_cert_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(SELF_SIGNED)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serve_gateway(tls=tls) as (url, paths):
        with pytest.raises(OrderError) as error:
            query_price_twice(url)
        assert str(error.value) == f"The gateway cannot be reached at {url} (ConnectError)."
        assert paths == []

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert query_price_twice(url) == 1500
