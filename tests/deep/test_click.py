"""Who follows a link, more thoroughly and in rarer sites than ``tests/click/`` has it."""

from __future__ import annotations

import functools
import logging
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, abort
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Forbidden
from werkzeug.local import LocalProxy

from flask_xiebao import Entry, LinkError, Platform, Xiebao
from flask_xiebao.testing import entry_of
from tests.click.test_guard import OWN, is_refused
from tests.click.test_refusals import PATHS, SPOILT, Case, check_refusal, with_token
from tests.click.test_where_the_site_is import behind_a_proxy, warnings
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
    make_site,
    parse_html,
)

# Links that are refused


@pytest.mark.parametrize("page", PATHS)
@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_link_of_each_page_is_refused(
    sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, what: str, page: str
) -> None:
    cause, change = SPOILT[what]
    check_refusal(Case(cause, page, with_token(change)), "GET", sent_signals, caplog)


@pytest.mark.parametrize(
    "token", ["x'\"><script>alert(1)<script>", "%0d%0aSet-Cookie:%20a=b", "保险", "a b"]
)
def test_what_stands_in_the_place_of_a_token_breaks_out_of_nothing(site: Site, token: str) -> None:
    response = site.follow(f"/xiebao/product/{token}", {**PHONE, "HX-Request": "true"})
    assert response.status_code == 200
    assert parse_html(response).script is None
    assert response.headers["HX-Redirect"].startswith("/xiebao/product/")
    assert "Set-Cookie" not in response.headers
    assert find_href(response) == response.headers["HX-Redirect"] + "?go=1"


def test_a_prefix_that_anybody_can_send_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = behind_a_proxy(make_site(**DEPLOYED, XIEBAO_PUBLIC_URL="https://a.example"))
    link = site.link("product")
    site.follow("/xiebao/product/nonsense", {**PHONE, "X-Forwarded-Prefix": "/shop"})
    assert warnings(caplog) == []  # what is no link says nothing

    for number in range(50):
        prefix = f"/{number}\x1b[31m{'x' * 5000}"
        site.follow(link, {**PHONE, "X-Forwarded-Prefix": prefix})
    lines = warnings(caplog)
    assert len(lines) == 10
    assert all(len(line) < 600 and line.isprintable() for line in lines)


def test_a_logger_that_is_off_says_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "flask_xiebao"):
        site.follow("/xiebao/product/nonsense")
    assert caplog.records == []


# What sites register


class Waiting:
    """Hooks whose methods are async, an object that is called, and what takes anything."""

    async def __call__(self, *_: Any) -> bool:
        return False

    async def method(self, member: str, entry: Entry) -> bool:
        return False


@pytest.mark.parametrize(
    "guard",
    [
        Waiting(),
        Waiting().method,
        functools.partial(Waiting().__call__, "more"),
        lambda member, entry: LocalProxy(lambda: False),
    ],
    ids=["an object", "a method", "a partial", "a lazy answer"],
)
def test_a_no_is_a_no_in_whatever_shape_it_comes(site: Site, guard: Any) -> None:
    site.xiebao.click_guard(guard)
    site.log_in("lucy")
    assert is_refused(site.follow(site.link("product")))
    site.xiebao.click_guard(lambda member, entry: LocalProxy(lambda: True))
    assert assert_gateway_accepts(site.follow(site.link("product")))


def test_what_a_guard_aborts_with_goes_to_the_sites_error_handler(
    site: Site, sent_signals: SentSignals
) -> None:
    @site.app.errorhandler(403)
    def forbidden(error: Forbidden) -> Any:
        return f"<p>The shop says: {error.description}</p>", 403

    site.xiebao.click_guard(lambda member, entry: abort(403, "locked"))
    site.log_in("lucy")
    response = site.follow(site.link("product"))
    assert (response.status_code, response.text) == (403, "<p>The shop says: locked</p>")
    assert [refused["status"] for _, refused in sent_signals] == [403]


@pytest.mark.parametrize("way", ["tuple", "redirect"])
def test_a_guards_own_answer_is_sent_also_where_the_site_traps_exceptions(
    make_site: MakeSite, way: str
) -> None:
    answer, status, _ = OWN[way]
    site = make_site(TRAP_HTTP_EXCEPTIONS=True, XIEBAO_LOGIN_VIEW="page")
    site.xiebao.click_guard(lambda member, entry: answer())
    link = site.link("product")
    assert site.follow(link).location == f"/page?next={quote(link)}"
    site.log_in("lucy")
    assert site.follow(link).status_code == status


@pytest.mark.parametrize("hook", ["member_loader", "click_guard", "keeps_plain_key"])
def test_a_decorator_returns_the_function(hook: str) -> None:
    def function(*_: Any) -> bool:
        return True

    assert getattr(Xiebao(), hook)(function) is function


def test_a_loader_that_nobody_awaits_is_told_to_be_registered_itself(site: Site) -> None:
    async def current_member() -> str:
        return "8"

    site.xiebao.member_loader(lambda: current_member())
    with pytest.raises(LinkError, match="a coroutine that is never awaited"):
        site.follow(site.link("product", member="8"))


# Links that sites make


@pytest.mark.parametrize("member", ["a" * 256, "é" * 128, '"' * 256, "会员" * 42, "\\" * 256])
def test_the_longest_member_fits_into_the_code_of_the_longest_link(
    make_site: MakeSite, member: str
) -> None:
    host = f"{'shop.' * 40}example"
    site = make_site(XIEBAO_PUBLIC_URL=f"https://{host}/below/a/path")
    site.log_in(member)
    handoff = site.follow(site.link("home", return_to="/" + "x" * 1180), PC)
    assert handoff.status_code == 200
    assert "<svg" in handoff.text


def test_a_link_that_was_made_does_not_answer_for_a_wrong_argument_that_equals_its_own(
    site: Site,
) -> None:
    xiebao: Any = site.xiebao  # whose types forbid this
    with site.app.test_request_context():
        assert entry_of(xiebao.product_link(1)) == Entry("product", "1")
        link = xiebao.product_link(PRODUCT_CODE, platform=1)
        assert entry_of(link) == Entry("product", PRODUCT_CODE, platform=Platform.H5)
        for wrong in (True, 1.0):
            with pytest.raises(LinkError):
                xiebao.product_link(wrong)
            with pytest.raises(LinkError):
                xiebao.product_link(PRODUCT_CODE, platform=wrong)


def test_links_of_one_page_differ_in_what_they_say_only(site: Site) -> None:
    codes = [f"QX{number}" for number in range(50)] * 2
    with site.app.test_request_context(base_url="https://shop.example/mall"):
        links = [site.xiebao.product_link(code) for code in codes]
        home = site.xiebao.home_link()
        entries = [entry_of(link) for link in links]
    assert entries == [Entry("product", code) for code in codes]
    assert {link.rpartition("/")[0] for link in links} == {"/mall/xiebao/product"}
    assert home.startswith("/mall/xiebao/home/")


def test_a_flask_that_ignores_trusted_hosts_vouches_for_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: value for name, value in Flask.default_config.items() if "TRUSTED" not in name}
    monkeypatch.setattr(Flask, "default_config", ImmutableDict(known))
    site = make_site(**DEPLOYED, TRUSTED_HOSTS=["shop.example"])
    with pytest.raises(LinkError, match="Set XIEBAO_PUBLIC_URL"):
        site.link("home", "https://shop.example", member="7", external=True)


def test_an_app_that_has_served_is_refused_each_time_as_flask_does() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False)
    app.test_client().get("/")
    for _ in range(2):
        with pytest.raises(AssertionError, match="setup"):
            Xiebao(app)


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
def test_the_macros_take_a_client_reference_and_make_no_attribute_of_it(
    site: Site, sent_signals: SentSignals, source: str
) -> None:
    site.log_in("alice")
    for order in ("order-8", 10):
        link = find_element(site.render(source, order=order))
        assert "order" not in "".join(link.attrs)
        site.follow(find_href(link))
    assert [values["entry"].client_reference for _, values in sent_signals] == ["order-8", "10"]


def test_a_code_makes_a_link_with_a_client_reference(site: Site, sent_signals: SentSignals) -> None:
    code = read_qr(
        site.render(f'{{{{ insurance_qr("{PRODUCT_CODE}", client_reference="qr-3") }}}}').text
    )
    site.log_in("alice")
    site.follow(code)
    assert [values["entry"].client_reference for _, values in sent_signals] == ["qr-3"]
