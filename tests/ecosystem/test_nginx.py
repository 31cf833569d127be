"""The nginx of the manual before a site that is below a path."""

from __future__ import annotations

import logging
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.ecosystem import nginx
from tests.manual.blocks import DOCS, blocks
from tests.support import DEPLOYED, PHONE, assert_gateway_accepts, find_href, make_site, serve_app


@nginx.NEEDED
def test_behind_the_nginx_of_the_manual_members_buy_and_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_PUBLIC_URL="https://shop.example/shop")
    site.source = '{{ insurance_entry("QX1", return_to=url_for("page")) }}'
    site.log_in("8")
    fixed = ProxyFix(site.app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    site.app.wsgi_app = fixed  # type: ignore[method-assign]
    page = DOCS / "en/how-to/proxy-and-https.md"
    [location] = [
        block.code for block in blocks(page) if block.language == "nginx" and "/shop/" in block.code
    ]

    def get(path: str) -> tuple[str | None, str]:
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            # Whoever sends a prefix of their own is not believed.
            headers = {**PHONE, "Host": "shop.example", "X-Forwarded-Prefix": "/evil"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.getheader("Location"), answer.read().decode()

    with serve_app(site.app) as address:
        server = location.replace("http://127.0.0.1:8000", address)
        with nginx.before(server, tmp_path) as port:
            link = find_href(get("/shop/page")[1])
            assert link.startswith("/shop/xiebao/product/")
            paid = str(assert_gateway_accepts(get(link)[0]).pay_success)
            assert paid.startswith("https://shop.example/shop/xiebao/paid/")
            assert get(urlsplit(paid).path)[0] == "/shop/page"
    assert [each for each in caplog.records if each.levelno == logging.WARNING] == []
