"""A site that is below a path, behind a proxy: whoever has paid comes back to it."""

from __future__ import annotations

import logging

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.support import CODE, LIVE, PHONE, Site, accepted, href, make_site

FROM = 'insurance_entry("QX1", return_to=url_for("page"))'


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def shop(public: str) -> Site:
    site = make_site(**LIVE, XIEBAO_PUBLIC_URL=public)
    site.app.wsgi_app = ProxyFix(site.app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    site.log_in("8")
    return site


def click(site: Site, prefix: str) -> str:
    """Click on an entry of a page behind a proxy that says this; return where a payment goes."""
    headers = {**PHONE, "X-Forwarded-Prefix": prefix} if prefix else PHONE
    link = href(site.render(f"{{{{ {FROM} }}}}", headers))
    assert link.startswith(f"{prefix}/xiebao/")
    answer = site.follow(link.removeprefix(prefix), headers)
    return str(accepted(answer.location).pay_success)


@pytest.mark.parametrize(
    ("public", "prefix"), [("", ""), ("/shop", "/shop"), ("/%E5%BA%97", "/店")]
)
def test_a_payment_comes_back_to_where_the_site_is(
    caplog: pytest.LogCaptureFixture, public: str, prefix: str
) -> None:
    site = shop(f"https://a.example{public}")
    with site.app.test_request_context():
        link = site.xiebao.product_link(CODE, return_to="/")
    headers = {**PHONE, "X-Forwarded-Prefix": prefix.encode().decode("latin-1")}
    paid = str(accepted(site.follow(link, headers).location).pay_success)
    assert paid.startswith(f"https://a.example{public}/xiebao/paid/")
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    ("public", "prefix", "advice"),
    [
        ("", "/shop", "end XIEBAO_PUBLIC_URL in the path under which it is"),
        (
            "/shop",
            "",
            "If links on pages lack /shop, have the proxy set X-Forwarded-Prefix on every",
        ),
        ("/shop", "/store", "end XIEBAO_PUBLIC_URL in the path under which it is"),
    ],
)
def test_a_click_below_another_path_is_one_warning(
    caplog: pytest.LogCaptureFixture, public: str, prefix: str, advice: str
) -> None:
    site = shop(f"https://a.example{public}")
    for _ in range(3):
        click(site, prefix)
    [line] = warnings(caplog)
    assert line.startswith(
        f"A click came under the path {prefix or '/'}, but XIEBAO_PUBLIC_URL is"
        f" https://a.example{public}: "
    )
    assert f"https://a.example{public}/xiebao/" in line
    assert advice in line


def test_a_prefix_that_anybody_can_send_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = shop("https://a.example")
    with site.app.test_request_context():
        link = site.xiebao.product_link(CODE)
    for number in range(50):
        prefix = f"/{number}\x1b[31m{'x' * 5000}"
        site.follow(link, {**PHONE, "X-Forwarded-Prefix": prefix})
    lines = warnings(caplog)
    assert len(lines) == 10
    assert all(len(line) < 600 and line.isprintable() for line in lines)


def test_what_is_no_link_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    site = shop("https://a.example")
    site.follow("/xiebao/product/nonsense", {**PHONE, "X-Forwarded-Prefix": "/shop"})
    assert warnings(caplog) == []
