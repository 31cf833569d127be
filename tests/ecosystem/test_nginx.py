"""The nginx of the manual before a site that is below a path."""

from __future__ import annotations

import logging
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.ecosystem import nginx
from tests.manual.blocks import DOCS, blocks
from tests.support import LIVE, PHONE, accepted, href, make_site, serve


@nginx.NEEDED
def test_behind_the_nginx_of_the_manual_members_buy_and_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    page = DOCS / "en/how-to/proxy-and-https.md"
    [location] = [
        block.code for block in blocks(page) if block.language == "nginx" and "/shop/" in block.code
    ]
    apps: list[Flask] = []

    def answer(environ: Any, start_response: Any) -> Any:
        return apps[0](environ, start_response)

    with serve(cast(Flask, answer)) as address:
        server = location.replace("http://127.0.0.1:8000", address).replace("$host", "$http_host")
        with nginx.before(server, tmp_path) as port:
            site = make_site(**LIVE, XIEBAO_PUBLIC_URL=f"http://127.0.0.1:{port}/shop")
            site.source = '{{ insurance_entry("QX1", return_to=url_for("page")) }}'
            site.log_in("8")
            fixed = ProxyFix(site.app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
            site.app.wsgi_app = fixed  # type: ignore[method-assign]
            apps.append(site.app)

            def get(path: str) -> tuple[int, str | None, str]:
                connection = HTTPConnection("127.0.0.1", port, timeout=10)
                with closing(connection):
                    # Whoever sends a prefix of their own is not believed.
                    headers = {**PHONE, "X-Forwarded-Prefix": "/evil"}
                    connection.request("GET", path, headers=headers)
                    answer = connection.getresponse()
                    return answer.status, answer.getheader("Location"), answer.read().decode()

            link = href(get("/shop/page")[2])
            assert link.startswith("/shop/xiebao/product/")
            paid = str(accepted(get(link)[1]).pay_success)
            assert get(urlsplit(paid).path)[1] == "/shop/page"
    assert [each for each in caplog.records if each.levelno == logging.WARNING] == []
