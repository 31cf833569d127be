"""Tests for the cache of rendered insurance entries: no entry appears in place of another.

Each test renders entries that a faulty cache could confuse, for example because their values are
equal. To test another pair of values, add a row to ``EQUAL_VALUES``.
"""

from __future__ import annotations

import gc
import re
import weakref
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask, Response, render_template_string, request
from jinja2 import StrictUndefined, Undefined
from markupsafe import Markup

from flask_xiebao import Platform
from tests.page.support import (
    ALL_ENTRIES,
    ASSETS,
    HANDLER_INJECTION,
    HOME_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    UNSAFE_CONTEXT,
    measure_retained_memory,
)
from tests.support import (
    MACROS,
    PC,
    PHONE,
    PRODUCT_CODE,
    Clock,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    make_site,
    parse_html,
)


def render_twice(site: Site, source: str, **context: Any) -> Tag:
    """Render a template twice, and return the element that comes from the entry cache."""
    site.render(source, PHONE, **context)
    return find_element(site.render(source, PHONE, **context), "*")


# Macro arguments that the cache could confuse

#: The CSS classes of an entry that is rendered without keyword arguments.
DEFAULT_CLASSES = ["xiebao-entry", "xiebao-entry--button"]
#: One row per pair of values: the keyword, the value that is rendered and cached first, the value
#: that is rendered next, and the expected attribute of the second entry. In most rows, both values
#: are equal in Python or have the same text.
EQUAL_VALUES = [
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
    ("title", HANDLER_INJECTION, Markup(HANDLER_INJECTION), HANDLER_INJECTION),
    ("title", Markup(HANDLER_INJECTION), HANDLER_INJECTION, HANDLER_INJECTION),
    ("data_x", "1", Platform.H5, "1"),
    ("data_x", "2026-11-25", date(2026, 11, 25), "2026-11-25"),
    ("data_x", Decimal("3.0"), Decimal("3.00"), "3.00"),
    ("data_x", "x", Undefined(), None),
    ("data_x", "x", StrictUndefined(), None),
    ("class", ["btn"], ["btn", "wide"], [*DEFAULT_CLASSES, "btn", "wide"]),
    ("class", ["btn", "wide"], ("btn", "wide"), [*DEFAULT_CLASSES, "btn", "wide"]),
    ("class", "btn wide", ["other"], [*DEFAULT_CLASSES, "other"]),
]


@pytest.mark.parametrize(("keyword", "cached", "value", "expected"), EQUAL_VALUES)
def test_cached_entry_is_not_used_for_equal_attribute_value(
    site: Site, keyword: str, cached: Any, value: Any, expected: Any
) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", {keyword}=value) }}}}'
    render_twice(site, source, value=cached)
    entry = render_twice(site, source, value=value)
    assert entry.get(keyword.replace("_", "-")) == expected


@pytest.mark.parametrize(
    ("cached", "code", "expected"),
    [
        ("7", 7, "7"),
        (7, "7", "7"),
        ("7", Markup("7"), "7"),
        (1, Platform.H5, "1"),
        (Platform.PC, 2, "2"),
        (7, "保险&Co", "保险&Co"),
    ],
)
def test_link_contains_current_case_code_not_cached_code(
    site: Site, cached: Any, code: Any, expected: str
) -> None:
    site.log_in("alice")
    render_twice(site, "{{ insurance_entry(code) }}", code=cached)
    entry = render_twice(site, "{{ insurance_entry(code) }}", code=code)

    verdict = assert_gateway_accepts(site.follow(find_href(entry)))
    assert dict(verdict.parameters)["caseCode"] == expected


@pytest.mark.parametrize(
    "code",
    [
        *(True, 1.0, Decimal(1), ["1"], {"1": 1}, "", None, object()),
        *(Undefined(), StrictUndefined()),
    ],
)
def test_invalid_case_code_does_not_use_cached_entry_of_equal_code(
    make_site: MakeSite, code: Any
) -> None:
    site = make_site(XIEBAO_STRICT=False)
    for valid_code in ("1", 1):
        assert site.render("{{ insurance_entry(code) }}", code=valid_code).text
    assert site.render("{{ insurance_entry(code) }}", code=code).text == ""


def test_changed_list_is_rendered_with_current_items(site: Site) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", basket, data_basket=basket) }}}}'
    basket = ["ticket"]
    for _ in range(2):
        entry = render_twice(site, source, basket=basket)
        assert entry.text == entry["data-basket"] == str(basket)
        basket.append("hotel")


# Cached entries in different requests, locales and apps


def test_urls_have_script_name_and_url_defaults_of_current_request(site: Site) -> None:
    @site.app.url_defaults
    def add_language_and_endpoint(endpoint: str, values: dict[str, Any]) -> None:
        values.update(lang=request.headers["X-Lang"], from_=endpoint)

    site.source = PRODUCT_ENTRY + HOME_ENTRY + ASSETS
    for path, language in (("", "zh"), ("/shop", "en"), ("", "zh"), ("/mall", "en")):
        page = site.follow("/page", {"X-Lang": language}, base_url=f"http://localhost{path}")
        urls = re.findall(r'(?:href|src)="([^"]*)', page.text)
        for url, endpoint in zip(urls, ("product", "home", "static", "static"), strict=True):
            assert url.startswith(f"{path}/xiebao/{endpoint}/")
            assert f"lang={language}&amp;from_=xiebao.{endpoint}" in url


def test_label_follows_force_locale_within_page(site: Site) -> None:
    from flask_babel import Babel, force_locale

    Babel(site.app, default_locale="en")

    @site.app.template_global()
    def render_in_chinese() -> Markup:
        with force_locale("zh"):
            return Markup(render_template_string(MACROS + PRODUCT_ENTRY))

    for _ in range(2):
        page = site.render(f"{PRODUCT_ENTRY}{{{{ render_in_chinese() }}}}{PRODUCT_ENTRY}")
        entries = parse_html(page).select("a")
        assert [entry.text for entry in entries] == ["Get insured", "我要投保", "Get insured"]
        assert [entry["lang"] for entry in entries] == ["en", "zh-CN", "en"]


def test_entries_of_two_apps_on_one_page_stay_separate(site: Site, make_site: MakeSite) -> None:
    other_site = make_site(
        SECRET_KEY="another",
        XIEBAO_DEVICE_MARKUP=False,
        XIEBAO_PUBLIC_URL="https://other.example",
    )
    other_site.log_in("bob")
    site.log_in("alice")

    @site.app.template_global()
    def render_other_app() -> Markup:
        source = f'{{{{ insurance_entry("{PRODUCT_CODE}", external=true) }}}}'
        with other_site.app.app_context():
            return Markup(render_template_string(MACROS + source))

    for _ in range(2):
        page = site.render(f"{PRODUCT_ENTRY}{{{{ render_other_app() }}}}{PRODUCT_ENTRY}", PHONE)
        first, other, last = parse_html(page).select("a")
        assert first == last
        assert "data-xiebao-platform" in first.attrs
        assert "data-xiebao-platform" not in other.attrs
        assert assert_gateway_accepts(site.follow(find_href(first))).page == "product"
        assert assert_gateway_accepts(other_site.follow(find_href(other))).page == "product"


# Links of members in cached entries


def test_cached_links_are_not_shared_between_members(site: Site) -> None:
    member_entry = f'{{{{ insurance_entry("{PRODUCT_CODE}", member=member, return_to="/me") }}}}'
    for member in ("alice", "bob", "alice"):
        site.log_in(member)
        page = site.render(POLICY_ENTRY + member_entry, PHONE, member=member)
        for entry in parse_html(page).select("a"):
            assert assert_gateway_accepts(site.follow(find_href(entry))).member == member

    site.log_in(None)
    assert site.render(POLICY_ENTRY).text == ""


def test_lifetime_of_link_begins_when_entry_is_rendered(site: Site, clock: Clock) -> None:
    source = f'{{{{ insurance_entry("{PRODUCT_CODE}", member="alice", no_login_for=60) }}}}'
    for _ in range(3):
        link = find_href(site.render(source))
        assert assert_gateway_accepts(site.follow(link)).member == "alice"
        clock.shift(61)
        assert site.follow(link).status_code == 410


# Memory usage of the cache


def use_and_discard_app() -> list[weakref.ref[Any]]:
    """Click all entries of a new app, and return weak references to the app's objects."""

    class ShopResponse(Response):
        pass

    class ShopApp(Flask):
        response_class = ShopResponse

    site = make_site(ShopApp("shop"))
    site.log_in("alice")
    for headers in (PC, PHONE):
        page = site.render(ALL_ENTRIES, headers, **UNSAFE_CONTEXT)
        for entry in parse_html(page).select("a.xiebao-entry"):
            site.follow(find_href(entry), headers)
    signer = site.app.extensions["xiebao_state"].signer
    return [weakref.ref(item) for item in (site.app, site.xiebao, ShopApp, ShopResponse, signer)]


def test_app_is_garbage_collected_with_its_classes_and_signer() -> None:
    references = use_and_discard_app()
    gc.collect()
    assert [reference() for reference in references] == [None] * len(references)


@pytest.mark.parametrize(
    ("source", "character"),
    [
        ('{{ insurance_entry("1", data_x=text, class=text) }}', "x"),
        ("{{ insurance_entry(text) }}", " "),
    ],
    ids=["attributes", "case code"],
)
def test_long_argument_of_macro_does_not_stay_in_memory(
    site: Site, source: str, character: str
) -> None:
    def render(number: int) -> None:
        site.render(source, text=f"QX{number} {character * 400_000}")
        site.context = {}

    assert measure_retained_memory(render, times=3) < 250_000
