"""Further tests of links: rare kinds of hooks, long links, and changed tokens at each endpoint.

The other tests of links are in ``tests/click/``.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, abort
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Forbidden
from werkzeug.local import LocalProxy

from flask_xiebao import Entry, LinkError, Platform, Xiebao
from flask_xiebao.testing import entry_of
from tests.click.support import LINK_ENDPOINTS, get_warnings
from tests.click.test_click_guard import RESPONSES
from tests.click.test_proxies_and_prefixes import make_proxied_site
from tests.click.test_refusals import (
    CHANGED_TOKENS,
    RefusedLink,
    assert_is_refused,
    make_token_changer,
)
from tests.qr import read as read_qr
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    parse_html,
)

# Refused links


@pytest.mark.parametrize("endpoint", LINK_ENDPOINTS)
@pytest.mark.parametrize(("cause", "change"), CHANGED_TOKENS.values(), ids=CHANGED_TOKENS)
def test_changed_token_of_each_endpoint_is_refused(
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    cause: str,
    change: Callable[[str], str],
    endpoint: str,
) -> None:
    link = RefusedLink(cause, endpoint, make_token_changer(change))
    assert_is_refused(link, "GET", sent_signals, caplog)


@pytest.mark.parametrize(
    "token", ["x'\"><script>alert(1)<script>", "%0d%0aSet-Cookie:%20a=b", "保险", "a b"]
)
def test_special_characters_in_token_are_escaped_in_continue_page(site: Site, token: str) -> None:
    response = site.follow(f"/xiebao/product/{token}", {**PHONE, "HX-Request": "true"})
    assert response.status_code == 200
    assert parse_html(response).script is None
    assert response.headers["HX-Redirect"].startswith("/xiebao/product/")
    assert "Set-Cookie" not in response.headers
    assert find_href(response) == response.headers["HX-Redirect"] + "?go=1"


def test_warnings_about_forged_path_prefixes_are_limited_to_ten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = make_proxied_site(**DEPLOYED, XIEBAO_PUBLIC_URL="https://a.example")
    link = site.link("product")
    site.follow("/xiebao/product/nonsense", {**PHONE, "X-Forwarded-Prefix": "/shop"})
    assert get_warnings(caplog) == []

    for number in range(50):
        prefix = f"/{number}\x1b[31m{'x' * 5000}"
        site.follow(link, {**PHONE, "X-Forwarded-Prefix": prefix})
    warnings = get_warnings(caplog)
    assert len(warnings) == 10
    assert all(len(warning) < 600 and warning.isprintable() for warning in warnings)


def test_refused_click_is_not_logged_if_logger_has_level_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "flask_xiebao"):
        site.follow("/xiebao/product/nonsense")
    assert caplog.records == []


# Hooks that a site registers


class AsyncClickGuard:
    """An object whose async methods are click guards that refuse each click."""

    async def __call__(self, *_: Any) -> bool:
        return False

    async def refuse_click(self, member: str, entry: Entry) -> bool:
        return False


@pytest.mark.parametrize(
    "guard",
    [
        AsyncClickGuard(),
        AsyncClickGuard().refuse_click,
        functools.partial(AsyncClickGuard().__call__, "more"),
        lambda member, entry: LocalProxy(lambda: False),
    ],
    ids=["async object", "async method", "partial of async method", "proxy of False"],
)
def test_click_guard_can_be_async_object_method_or_partial(site: Site, guard: Any) -> None:
    site.xiebao.click_guard(guard)
    site.log_in("lucy")
    assert site.follow(site.link("product")).status_code == 403


def test_click_guard_can_return_proxy_of_true(site: Site) -> None:
    site.xiebao.click_guard(lambda member, entry: LocalProxy(lambda: True))
    site.log_in("lucy")
    assert assert_gateway_accepts(site.follow(site.link("product")))


def test_exception_of_click_guard_is_handled_by_error_handler_of_site(
    site: Site, sent_signals: SentSignals
) -> None:
    @site.app.errorhandler(403)
    def show_error_page(error: Forbidden) -> Any:
        return f"<p>The shop: {error.description}</p>", 403

    site.xiebao.click_guard(lambda member, entry: abort(403, "locked"))
    site.log_in("lucy")
    response = site.follow(site.link("product"))
    assert (response.status_code, response.text) == (403, "<p>The shop: locked</p>")
    assert [values["status"] for _, values in sent_signals] == [403]


@pytest.mark.parametrize("name", ["tuple", "redirect"])
def test_guard_response_and_login_redirect_work_with_trap_http_exceptions(
    make_site: MakeSite, name: str
) -> None:
    get_result, status, _ = RESPONSES[name]
    site = make_site(TRAP_HTTP_EXCEPTIONS=True, XIEBAO_LOGIN_VIEW="page")
    site.xiebao.click_guard(lambda member, entry: get_result())
    link = site.link("product")
    assert site.follow(link).location == f"/page?next={quote(link)}"
    site.log_in("lucy")
    assert site.follow(link).status_code == status


@pytest.mark.parametrize("hook", ["member_loader", "click_guard", "keeps_plain_key"])
def test_hook_decorator_returns_function(hook: str) -> None:
    def hook_function(*_: Any) -> bool:
        return True

    assert getattr(Xiebao(), hook)(hook_function) is hook_function


# Links that a site builds


@pytest.mark.parametrize("member", ["a" * 256, "é" * 128, '"' * 256, "会员" * 42, "\\" * 256])
def test_handoff_page_has_qr_code_for_longest_member_id_and_link(
    make_site: MakeSite, member: str
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"https://{'shop.' * 40}example/below/a/path")
    site.log_in(member)
    handoff_page = site.follow(site.link("home", return_to="/" + "x" * 1180), PC)
    assert handoff_page.status_code == 200
    assert "<svg" in handoff_page.text


@pytest.mark.parametrize("value", [True, 1.0])
def test_invalid_argument_raises_link_error_after_equal_valid_argument(
    site: Site, value: Any
) -> None:
    with site.app.test_request_context():
        assert entry_of(site.xiebao.product_link(1)) == Entry("product", "1")
        with pytest.raises(LinkError):
            site.xiebao.product_link(value)

        link = site.xiebao.product_link(PRODUCT_CODE, platform=1)
        assert entry_of(link) == Entry("product", PRODUCT_CODE, platform=Platform.H5)
        with pytest.raises(LinkError):
            site.xiebao.product_link(PRODUCT_CODE, platform=value)


def test_links_built_in_one_request_have_their_own_tokens(site: Site) -> None:
    codes = [f"QX{number}" for number in range(50)] * 2
    with site.app.test_request_context(base_url="https://shop.example/mall"):
        links = [site.xiebao.product_link(code) for code in codes]
        assert [entry_of(link) for link in links] == [Entry("product", code) for code in codes]
        assert site.xiebao.home_link().startswith("/mall/xiebao/home/")
    assert {link.rpartition("/")[0] for link in links} == {"/mall/xiebao/product"}


def test_trusted_hosts_setting_is_ignored_with_flask_3_0(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {name: value for name, value in Flask.default_config.items() if "TRUSTED" not in name}
    monkeypatch.setattr(Flask, "default_config", ImmutableDict(config))
    site = make_site(**DEPLOYED, TRUSTED_HOSTS=["shop.example"])
    with pytest.raises(LinkError, match="Set XIEBAO_PUBLIC_URL"):
        site.link("home", "https://shop.example", member="7", external=True)


def test_init_app_raises_each_time_after_first_request() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False)
    app.test_client().get("/")
    for _ in range(2):
        with pytest.raises(AssertionError, match="setup"):
            Xiebao(app)


@pytest.mark.parametrize("order", ["order-8", 10])
@pytest.mark.parametrize(
    "source",
    [
        f'{{{{ insurance_entry("{PRODUCT_CODE}", client_reference=order) }}}}',
        '{{ insurance_home_entry(client_reference=order, class="btn") }}',
        f'{{{{ policy_entry("{INSURE_NUM}", client_reference=order) }}}}',
        '{{ xiebao_entry("home", client_reference=order, member="alice") }}',
        "<a href=\"{{ xiebao_link('home', client_reference=order) }}\">Insure</a>",
    ],
)
def test_client_reference_of_macro_is_sent_with_signal_and_is_no_attribute(
    site: Site, sent_signals: SentSignals, source: str, order: str | int
) -> None:
    site.log_in("alice")
    link = find_element(site.render(source, order=order))
    assert "order" not in "".join(link.attrs)
    site.follow(find_href(link))
    assert [values["entry"].client_reference for _, values in sent_signals] == [str(order)]


def test_client_reference_of_qr_code_is_sent_with_signal(
    site: Site, sent_signals: SentSignals
) -> None:
    page = site.render(f'{{{{ insurance_qr("{PRODUCT_CODE}", client_reference="qr-3") }}}}')
    site.log_in("alice")
    site.follow(read_qr(page.text))
    assert [values["entry"].client_reference for _, values in sent_signals] == ["qr-3"]
