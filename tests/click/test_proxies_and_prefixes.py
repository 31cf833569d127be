"""Tests for the URLs of a site behind a proxy, below a path or with ``XIEBAO_PUBLIC_URL``.

To test another path in ``XIEBAO_PUBLIC_URL``, or another path that the proxy sends, add a row to
``PATHS``.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import url_for
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, TestResponse

from flask_xiebao.gateway.pages import PAGES
from flask_xiebao.testing import GatewaySimulator
from tests.click.support import LINK_ENDPOINTS, click_and_get_return_link, get_warnings
from tests.support import (
    DEPLOYED,
    LINK_ARGUMENTS,
    PHONE,
    Clock,
    MakeSite,
    Site,
    get_return_link,
    make_site,
)


def make_proxied_site(**config: Any) -> Site:
    """Return a test site that trusts the headers of a proxy. The member 8 is logged in."""
    site = make_site(**config)
    site.app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        site.app.wsgi_app, x_proto=1, x_host=1, x_prefix=1
    )
    site.log_in("8")
    return site


@pytest.mark.parametrize("prefix", ["/xiebao", "/insurance/cps"])
def test_url_prefix_setting_changes_all_endpoints(make_site: MakeSite, prefix: str) -> None:
    rules = make_site(XIEBAO_URL_PREFIX=prefix).app.url_map.iter_rules()
    assert {rule.endpoint: rule.rule for rule in rules if "xiebao." in rule.endpoint} == {
        **{f"xiebao.{page}": f"{prefix}/{page}/<token>" for page in PAGES},
        "xiebao.paid": f"{prefix}/paid/<token>",
        "xiebao.notify": f"{prefix}/notify",
        "xiebao.qr": f"{prefix}/qr/<token>.png",
        "xiebao.static": f"{prefix}/static/<path:filename>",
    }


# Redirects to gateway URLs


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://A.Example:443/x", "https://a.example:443/x/dispatch/cps"),
        ('https://a.example/"{x}', "https://a.example/%22%7Bx%7D/dispatch/cps"),
        ("https://a.example/%25/%41", "https://a.example/%25/%41/dispatch/cps"),
        (None, "https://testapi.xiebao18.com/dispatch/cps"),
    ],
)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_redirect_has_percent_encoded_gateway_url_and_empty_body(
    make_site: MakeSite, page: str, base_url: str | None, expected: str
) -> None:
    site = make_site(XIEBAO_BASE_URL=base_url)
    site.log_in("alice")
    response = site.follow(site.link(page))
    assert (response.status_code, response.data) == (302, b"")
    assert response.location.startswith(expected)
    assert "paySuccess" not in response.location


@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_redirect_to_relative_gateway_url_includes_path_of_site(
    make_site: MakeSite, page: str, mount: str
) -> None:
    site = make_site(XIEBAO_BASE_URL="/gateway")
    site.app.register_blueprint(GatewaySimulator("12345", "Key").blueprint, url_prefix="/gateway")
    site.log_in("alice")
    browser = Client(DispatcherMiddleware(NotFound(), {mount: site.app}), TestResponse)
    link = site.link(page, base_url=f"http://localhost{mount}", member="alice", return_to="/done")

    response = browser.get(link, headers=PHONE)
    assert response.location.startswith(f"{mount}/gateway/dispatch/cps")
    verdict = browser.get(response.location, headers={"Accept": "application/json"}).get_json()
    assert (verdict["accepted"], verdict["page"]) == (True, page)
    assert browser.get(verdict["pay_success"]).location == "/done"


# Links on sites that are behind a proxy or change URLs


def test_links_have_scheme_host_and_prefix_of_proxy_headers() -> None:
    site = make_proxied_site()
    site.app.add_url_rule(
        "/links",
        "links",
        lambda: [
            site.xiebao.product_link("QX1", return_to=url_for("links")),
            site.xiebao.home_link(external=True),
        ],
    )
    headers = {
        **PHONE,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/mall",
    }
    path, absolute_link = site.follow("/links", headers).json or []
    assert path.startswith("/mall/xiebao/product/")
    assert absolute_link.startswith("https://shop.example/mall/xiebao/home/")
    return_link = get_return_link(site.follow(path.removeprefix("/mall"), headers))
    assert return_link.startswith("https://shop.example/mall/xiebao/paid/")
    return_path = return_link.removeprefix("https://shop.example/mall")
    assert site.follow(return_path).location == "/mall/links"


def test_url_values_added_by_site_are_ignored_by_views(site: Site) -> None:
    @site.app.url_value_preprocessor
    def add_tenant(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values["tenant"] = "north"

    assert site.follow(click_and_get_return_link(site)).location == "/orders/8"
    assert site.app.test_client().post("/xiebao/notify").status_code == 404


@pytest.mark.parametrize("endpoint", LINK_ENDPOINTS)
def test_double_slash_returns_404_without_redirect(site: Site, endpoint: str) -> None:
    response = site.follow(f"/xiebao//{endpoint}/token", {**PHONE, "Host": "evil.example"})
    assert (response.status_code, response.headers.get("Location")) == (404, None)


CHANGE_URL = (
    "If the site is not at this URL, set XIEBAO_PUBLIC_URL to a URL that ends with the path of the"
    " site."
)
CHANGE_PROXY = (
    'If links on pages lack "/shop", make the proxy set X-Forwarded-Prefix on every request, and'
    " trust this header with `ProxyFix(..., x_prefix=1)`."
)
#: One row per site: the path in ``XIEBAO_PUBLIC_URL``, the header ``X-Forwarded-Prefix`` from the
#: proxy, and the advice in the warning, or None if no warning is expected.
PATHS = [
    ("", "", None),
    ("/shop", "/shop", None),
    ("/%E5%BA%97", "/店", None),
    ("", "/shop", CHANGE_URL),
    ("/shop", "", CHANGE_PROXY),
    ("/shop", "/store", CHANGE_URL),
]


@pytest.mark.parametrize(("path", "prefix", "advice"), PATHS)
def test_click_below_other_path_than_public_url_is_logged_as_one_warning(
    caplog: pytest.LogCaptureFixture,
    monotonic_clock: Clock,
    path: str,
    prefix: str,
    advice: str | None,
) -> None:
    public_url = f"https://a.example{path}"
    site = make_proxied_site(**DEPLOYED, XIEBAO_PUBLIC_URL=public_url)
    link = site.link("product", return_to="/")
    for _ in range(3):
        monotonic_clock.shift(61)  # This warning is not repeated after a minute.
        headers = {**PHONE, "X-Forwarded-Prefix": prefix.encode().decode("latin-1")}
        return_link = get_return_link(site.follow(link, headers))
        assert return_link.startswith(f"{public_url}/xiebao/paid/")

    warnings = [
        f'A click arrived under the path "{prefix or "/"}", but XIEBAO_PUBLIC_URL is'
        f' "{public_url}". Return links and links in emails begin with "{public_url}/xiebao/".'
        f" {advice}"
    ]
    assert get_warnings(caplog) == (warnings if advice else [])
