"""Entries that are made once and shown many times are what they would be if made anew each time.

Each test shows something that an earlier page, device, member, language, key or app could spoil.
"""

from __future__ import annotations

import gc
import weakref
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest
import segno
from bs4 import Tag
from flask import Flask, Response, render_template_string, request
from flask_babel import Babel, force_locale
from jinja2 import StrictUndefined, Undefined
from markupsafe import Markup

from flask_xiebao import Platform
from flask_xiebao.links.tokens import TokenSigner
from tests.page.support import BREAKS_OUT, EVERYTHING, HOME, NASTY, POLICY, PRODUCT, QR, kept_by
from tests.support import (
    MACROS,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    make_site,
    parse_html,
)


def shown(site: Site, source: str, **context: Any) -> Tag:
    """Return what a template shows, once it has been shown before."""
    site.render(source, PHONE, **context)
    return find_element(site.render(source, PHONE, **context), "*")


# Values


#: The classes of an entry of which nothing says how it looks.
BUTTON = ["xiebao-entry", "xiebao-entry--button"]


@pytest.mark.parametrize(
    ("keyword", "first", "then", "expected"),
    [
        ("data_x", True, 1, "1"),
        ("data_x", 1, True, ""),
        ("data_x", 1, "1", "1"),
        ("data_x", 1, 1.0, "1.0"),
        ("data_x", True, "True", "True"),
        ("data_x", False, 0, "0"),
        ("data_x", 0, False, None),
        ("data_x", None, "None", "None"),
        ("data_x", "a", None, None),
        ("data_x", "&amp;", Markup("&amp;"), "&"),
        ("data_x", Markup("&amp;"), "&amp;", "&amp;"),
        ("title", BREAKS_OUT, Markup(BREAKS_OUT), BREAKS_OUT),
        ("title", Markup(BREAKS_OUT), BREAKS_OUT, BREAKS_OUT),
        ("data_x", "1", Platform.H5, "1"),
        ("data_x", "2026-11-25", date(2026, 11, 25), "2026-11-25"),
        ("data_x", Decimal("3.0"), Decimal("3.00"), "3.00"),
        ("class", ["btn"], ["btn", "wide"], [*BUTTON, "btn", "wide"]),
        ("class", ["btn", "wide"], ("btn", "wide"), [*BUTTON, "btn", "wide"]),
        ("class", "btn wide", ["other"], [*BUTTON, "other"]),
    ],
)
def test_values_that_are_equal_and_not_the_same_are_told_apart(
    site: Site, keyword: str, first: Any, then: Any, expected: Any
) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", {keyword}=value) }}}}'
    shown(site, source, value=first)
    assert shown(site, source, value=then).get(keyword.replace("_", "-")) == expected


@pytest.mark.parametrize(
    ("first", "then"),
    [("7", 7), (7, "7"), ("7", Markup("7")), (1, Platform.H5), (Platform.PC, 2), (7, "保险&Co")],
)
def test_a_product_is_what_its_code_says(site: Site, first: Any, then: Any) -> None:
    source = "{{ insurance_entry(code) }}"
    site.render(source, code=first)
    site.log_in("alice")
    verdict = assert_gateway_accepts(site.follow(find_href(shown(site, source, code=then))))
    said = int(then) if isinstance(then, Platform) else then
    assert dict(verdict.parameters)["caseCode"] == str(said)


@pytest.mark.parametrize("wrong", [True, 1.0, Decimal(1), ["1"], {"1": 1}, "", None, object()])
def test_what_is_no_code_stays_wrong_after_one_that_is(make_site: MakeSite, wrong: Any) -> None:
    site = make_site(XIEBAO_STRICT=False)
    texts = [site.render("{{ insurance_entry(it) }}", it=it).text for it in ("1", 1, wrong)]
    assert [text == "" for text in texts] == [False, False, True]


@pytest.mark.parametrize("undefined", [Undefined, StrictUndefined])
def test_what_is_undefined_is_what_it_was_before(
    make_site: MakeSite, undefined: type[Undefined]
) -> None:
    site = make_site(XIEBAO_STRICT=False)
    site.app.jinja_env.undefined = undefined
    source = "{{ insurance_entry(code, data_x=value) }}"
    for _ in range(2):
        assert "data-x" in shown(site, source, code=PRODUCT_CODE, value="x").attrs
        assert "data-x" not in shown(site, source, code=PRODUCT_CODE).attrs
        assert site.render(source).text == ""


def test_a_value_that_changes_is_shown_as_it_is_now(site: Site) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", basket, data_basket=basket) }}}}'
    basket = ["one"]
    for _ in range(2):
        entry = shown(site, source, basket=basket)
        assert entry.text == entry["data-basket"] == str(basket)
        basket.append("another")


# Devices, places, languages


def test_links_lead_to_where_the_site_is_for_this_visitor(site: Site) -> None:
    """One behind two proxies, one of which puts it below a path."""
    site.source = PRODUCT
    for root in ("", "/shop", "", "/mall"):
        page = site.follow("/page", base_url=f"http://localhost{root}")
        assert find_href(page).startswith(f"{root}/xiebao/product/")


def test_every_url_has_what_the_site_adds_to_it_now(site: Site) -> None:
    def add(endpoint: str, values: dict[str, Any]) -> None:
        values["lang"] = request.headers["X-Lang"]
        if endpoint == "xiebao.home":
            values["ref"] = "start"

    site.app.url_defaults(add)
    for language in ("zh", "en", "zh"):
        page = site.render(PRODUCT + HOME, {**PC, "X-Lang": language})
        product, home = (find_href(link) for link in parse_html(page).select("a"))
        assert product.endswith(f"?lang={language}")
        assert home.endswith(f"?lang={language}&ref=start")


def test_a_page_may_change_its_language_half_way(site: Site) -> None:
    def in_chinese() -> Markup:
        with force_locale("zh"):
            return Markup(render_template_string(MACROS + PRODUCT))

    Babel(site.app, default_locale="en")
    site.app.add_template_global(in_chinese)
    for _ in range(2):
        links = parse_html(site.render(f"{PRODUCT}{{{{ in_chinese() }}}}{PRODUCT}")).select("a")
        assert [link.text for link in links] == ["Get insured", "我要投保", "Get insured"]
        assert [link["lang"] for link in links] == ["en", "zh-CN", "en"]


def test_one_request_may_show_the_entries_of_two_apps(site: Site, make_site: MakeSite) -> None:
    """As a portal does that renders a part of its shop's page into its own."""
    other = make_site(
        SECRET_KEY="another",
        XIEBAO_DEVICE_MARKUP=False,
        XIEBAO_PUBLIC_URL="https://other.example",
    )
    other.log_in("bob")
    site.log_in("alice")

    def part() -> Markup:
        with other.app.app_context():
            return Markup(render_template_string(MACROS + PRODUCT.replace(")", ", external=true)")))

    site.app.add_template_global(part)
    for _ in range(2):
        page = site.render(f"{PRODUCT}{{{{ part() }}}}{PRODUCT}", PHONE)
        first, theirs, second = parse_html(page).select("a")
        assert first == second
        assert "data-xiebao-platform" in first.attrs
        assert "data-xiebao-platform" not in theirs.attrs
        assert assert_gateway_accepts(site.follow(find_href(first))).page == "product"
        assert assert_gateway_accepts(other.follow(find_href(theirs))).page == "product"


# Members


def test_no_member_gets_the_link_of_another(site: Site) -> None:
    source = f'{POLICY}{{{{ insurance_entry("{PRODUCT_CODE}", member=who, return_to="/me") }}}}'
    for member in ("alice", "bob", "alice"):
        site.log_in(member)
        for link in parse_html(site.render(source, PHONE, who=member)).select("a"):
            assert assert_gateway_accepts(site.follow(find_href(link))).member == member
    site.log_in(None)
    assert site.render(POLICY).text == ""


def test_a_link_that_ends_begins_when_it_is_shown(site: Site, clock: Any) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", member="alice", no_login_for=60) }}}}'
    for _ in range(3):
        link = find_href(site.render(source))
        assert assert_gateway_accepts(site.follow(link)).member == "alice"
        clock.shift(61)
        assert site.follow(link).status_code == 410


# Keys and apps


def test_a_key_that_is_changed_signs_no_more(site: Site) -> None:
    site.log_in("alice")
    links = []
    for key in ("first", "second", "third"):
        site.app.config["SECRET_KEY"] = key
        links.append(find_href(shown(site, PRODUCT)))
        assert assert_gateway_accepts(site.follow(links[-1])).page == "product"
        assert [site.follow(link).status_code for link in links[:-1]] == [404] * (len(links) - 1)


def use_an_app() -> list[weakref.ref[Any]]:
    """Return what an app had that did all that it can: its classes, and what signed its links."""

    class OwnResponse(Response):
        pass

    class OwnFlask(Flask):
        response_class = OwnResponse

    before = {id(thing) for thing in gc.get_objects() if type(thing) is TokenSigner}
    site = make_site(OwnFlask("shop"))
    site.log_in("alice")
    for headers in (PC, PHONE):
        for link in parse_html(site.render(EVERYTHING, headers, **NASTY)).select("a.xiebao-entry"):
            assert site.follow(find_href(link), headers).status_code in (200, 302)
    signers = [thing for thing in gc.get_objects() if type(thing) is TokenSigner]
    gone = [
        site.app,
        site.xiebao,
        OwnFlask,
        OwnResponse,
        *(it for it in signers if id(it) not in before),
    ]
    assert len(gone) > 4
    return [weakref.ref(thing) for thing in gone]


def test_an_app_that_is_gone_leaves_nothing_behind() -> None:
    """Neither itself, nor what signed its links, nor a class of its own."""
    gone = use_an_app()
    gc.collect()
    assert [thing() for thing in gone] == [None] * len(gone)


def test_a_code_is_drawn_once_for_its_app_and_anew_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = Mock(wraps=segno.make_qr)
    monkeypatch.setattr(segno, "make_qr", draw)
    for times in (1, 2):
        site = make_site()
        for _ in range(2):
            site.render(QR)
        assert draw.call_count == times


def test_a_long_value_does_not_stay_in_memory(site: Site) -> None:
    """Nor does anything else, as ``tests/deep/test_memory_of_pages.py`` tries at length."""

    def show(number: int) -> None:
        text = f"{number} {'x' * 400_000}"
        site.render('{{ insurance_entry("1", data_x=text, class=text) }}', text=text)
        site.context = {}

    assert kept_by(show, times=3) < 250_000


def test_long_reference_does_not_stay_in_memory(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_STRICT=False)

    def show(number: int) -> None:
        site.render("{{ insurance_entry(code) }}", code=f"QX{number}{' ' * 400_000}")
        site.context = {}

    assert kept_by(show, times=3) < 250_000
