"""A site at another path, behind a proxy, at a public address: its links and payments follow."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import url_for
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, TestResponse

from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import GatewaySimulator
from tests.support import (
    DEPLOYED,
    LINK_ARGUMENTS,
    PHONE,
    MakeSite,
    Site,
    get_return_link,
    make_site,
)


def behind_a_proxy(site: Site) -> Site:
    """Have a site believe its proxy, and show its links."""
    proxy = ProxyFix(site.app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)
    site.app.wsgi_app = proxy  # type: ignore[method-assign]
    site.log_in("8")

    @site.app.get("/links")
    def links() -> list[str]:
        local = site.xiebao.product_link("QX1", return_to=url_for("links"))
        return [local, site.xiebao.home_link(external=True)]

    return site


@pytest.mark.parametrize("prefix", ["/xiebao", "/insurance/cps"])
def test_the_endpoints_are_where_the_site_puts_them(make_site: MakeSite, prefix: str) -> None:
    site = make_site(XIEBAO_URL_PREFIX=prefix)
    rules = {rule.endpoint: rule.rule for rule in site.app.url_map.iter_rules()}
    assert {name: rule for name, rule in rules.items() if name.startswith("xiebao.")} == {
        **{f"xiebao.{page}": f"{prefix}/{page}/<token>" for page in PAGES},
        "xiebao.product": f"{prefix}/product/<token>",
        "xiebao.home": f"{prefix}/home/<token>",
        "xiebao.policy": f"{prefix}/policy/<token>",
        "xiebao.paid": f"{prefix}/paid/<token>",
        "xiebao.notify": f"{prefix}/notify",
        "xiebao.qr": f"{prefix}/qr/<token>.png",
        "xiebao.static": f"{prefix}/static/<path:filename>",
    }
    site.log_in("alice")
    url = site.link("product", return_to="/")
    assert url.startswith(f"{prefix}/product/")
    assert f"{prefix}/paid/" in get_return_link(site.follow(url))


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("https://A.Example:443/x", "https://a.example:443/x/dispatch/cps"),
        ('https://a.example/"{x}', "https://a.example/%22%7Bx%7D/dispatch/cps"),
        ("https://a.example/%25/%41", "https://a.example/%25/%41/dispatch/cps"),
        (None, "https://testapi.xiebao18.com/dispatch/cps"),
    ],
)
def test_a_redirect_names_the_gateway_as_a_uri_and_has_no_page(
    make_site: MakeSite, base_url: str | None, start: str
) -> None:
    site = make_site(XIEBAO_BASE_URL=base_url)
    site.log_in("alice")
    for page in LINK_ARGUMENTS:
        response = site.follow(site.link(page))
        assert (response.location or "").startswith(start)
        assert (response.status_code, response.data) == (302, b"")
        assert "paySuccess" not in (response.location or "")  # no way back was asked for


@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_gateway_that_is_a_path_of_the_site_is_found_wherever_the_site_is(
    make_site: MakeSite, page: str, mount: str
) -> None:
    site = make_site(XIEBAO_BASE_URL="/gateway")
    site.app.register_blueprint(GatewaySimulator("12345", "Key").blueprint, url_prefix="/gateway")
    site.log_in("alice")
    browser = Client(DispatcherMiddleware(NotFound(), {mount: site.app}), TestResponse)
    url = site.link(page, base_url=f"http://localhost{mount}", member="alice", return_to="/done")

    response = browser.get(url, headers=PHONE)
    assert response.location.startswith(f"{mount}/gateway/dispatch/cps")
    verdict = browser.get(response.location, headers={"Accept": "application/json"})

    assert verdict.status_code == 200
    said = verdict.get_json()
    assert (said["accepted"], said["page"]) == (True, page)
    paid = browser.get(said["pay_success"])
    assert (paid.status_code, paid.location) == (302, "/done")


def test_links_and_payments_have_the_address_that_the_proxy_tells(site: Site) -> None:
    told = {
        **PHONE,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/mall",
    }
    local, external = behind_a_proxy(site).follow("/links", told).json or []
    assert local.startswith("/mall/xiebao/product/")
    assert external.startswith("https://shop.example/mall/xiebao/home/")
    paid = get_return_link(site.follow(local.removeprefix("/mall"), told))
    assert paid.startswith("https://shop.example/mall/xiebao/paid/")
    assert site.follow(paid.removeprefix("https://shop.example/mall")).location == "/mall/links"


def test_a_site_may_give_every_view_a_value_of_its_own(site: Site) -> None:
    @site.app.url_value_preprocessor
    def add_tenant(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values["tenant"] = "north"

    @site.app.url_defaults
    def add_language(_endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", "en")

    site.log_in("7")
    link = site.link("product", return_to="/orders/8")
    assert link.endswith("?lang=en")
    assert site.follow(get_return_link(site.follow(link))).location == "/orders/8"
    assert site.app.test_client().post("/xiebao/notify").status_code == 404  # nobody listens


@pytest.mark.parametrize("page", [*LINK_ARGUMENTS, "paid"])
def test_slashes_too_many_are_no_redirect_with_the_link(site: Site, page: str) -> None:
    response = site.follow(f"/xiebao//{page}/token", {**PHONE, "Host": "evil.example"})
    assert response.status_code == 404
    assert "Location" not in response.headers


# Whoever has paid comes back below the same path


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


#: The path of XIEBAO_PUBLIC_URL, that which the proxy tells, and what is advised if they differ.
PREFIXES = [
    ("", "", None),
    ("/shop", "/shop", None),
    ("/%E5%BA%97", "/店", None),
    ("", "/shop", "set XIEBAO_PUBLIC_URL to a URL that ends with the path of the site"),
    ("/shop", "", 'If links on pages lack "/shop", make the proxy set X-Forwarded-Prefix on every'),
    ("/shop", "/store", "set XIEBAO_PUBLIC_URL to a URL that ends with the path of the site"),
]


@pytest.mark.parametrize(("public", "prefix", "advice"), PREFIXES)
def test_clicks_below_another_path_than_payments_come_back_to_are_one_warning(
    caplog: pytest.LogCaptureFixture,
    later: Callable[[float], None],
    public: str,
    prefix: str,
    advice: str | None,
) -> None:
    site = behind_a_proxy(make_site(**DEPLOYED, XIEBAO_PUBLIC_URL=f"https://a.example{public}"))
    link = site.link("product", return_to="/")
    for _ in range(3):
        later(61)  # whatever else goes wrong may be said again
        headers = {**PHONE, "X-Forwarded-Prefix": prefix.encode().decode("latin-1")}
        paid = get_return_link(site.follow(link, headers))
        assert paid.startswith(f"https://a.example{public}/xiebao/paid/")
    if advice is None:
        assert warnings(caplog) == []
    else:
        [line] = warnings(caplog)
        assert line.startswith(
            f'A click arrived under the path "{prefix or "/"}", but XIEBAO_PUBLIC_URL is'
            f' "https://a.example{public}". '
        )
        assert f"https://a.example{public}/xiebao/" in line
        assert advice in line
