"""Tests for a site behind the nginx configuration of the manual."""

from __future__ import annotations

import logging
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.ecosystem.nginx import run_nginx
from tests.manual.blocks import DOCS, find_blocks
from tests.support import DEPLOYED, PHONE, assert_gateway_accepts, find_href, make_site, serve_app


def test_links_below_path_prefix_work_behind_nginx(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_PUBLIC_URL="https://shop.example/shop")
    site.source = '{{ insurance_entry("QX1", return_to=url_for("page")) }}'
    site.log_in("8")
    site.app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        site.app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1
    )
    blocks = find_blocks(DOCS / "en/how-to/proxy-and-https.md", "nginx")
    [location] = [block.code for block in blocks if "/shop/" in block.code]

    def get_location_and_body(path: str) -> tuple[str | None, str]:
        """Request a path, and return the Location header and the body of the response."""
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            # Clients must not be able to set the path prefix, so nginx must overwrite this header.
            headers = {**PHONE, "Host": "shop.example", "X-Forwarded-Prefix": "/evil"}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.getheader("Location"), response.read().decode()

    with (
        serve_app(site.app) as url,
        run_nginx(location.replace("http://127.0.0.1:8000", url), tmp_path) as port,
    ):
        link = find_href(get_location_and_body("/shop/page")[1])
        assert link.startswith("/shop/xiebao/product/")
        return_link = str(assert_gateway_accepts(get_location_and_body(link)[0]).pay_success)
        assert return_link.startswith("https://shop.example/shop/xiebao/paid/")
        assert get_location_and_body(urlsplit(return_link).path)[0] == "/shop/page"
    assert [record for record in caplog.records if record.levelno == logging.WARNING] == []
