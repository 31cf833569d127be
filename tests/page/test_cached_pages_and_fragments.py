"""Tests for pages, functions and template fragments that a site caches with Flask-Caching.

With ``XIEBAO_DEVICE_MARKUP=False``, a cached entry serves every device and every member. To test
another kind of cache, add a function to ``CACHES``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import render_template_string

from tests.page.support import (
    DEVICES,
    PRODUCT_ENTRY,
    SHARED_ATTRIBUTES,
    create_cache,
    find_entries,
    get_cache_headers,
)
from tests.support import (
    MACROS,
    PRODUCT_CODE,
    PUBLIC_URL,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
)


def add_cached_view(site: Site, source: str) -> None:
    """Add the page ``/cached`` to a site, and cache the whole response of its view."""

    @site.app.get("/cached")
    @create_cache(site).cached(timeout=600)
    def show_cached_page() -> str:
        return render_template_string(MACROS + source)


def add_memoized_function(site: Site, source: str) -> None:
    """Add the page ``/cached`` to a site, with a view that calls a cached function."""

    @create_cache(site).memoize(600)
    def render_part(code: str) -> str:
        return render_template_string(MACROS + source, code=code)

    site.app.add_url_rule("/cached", "cached", lambda: render_part(PRODUCT_CODE))


def add_cached_fragment(site: Site, source: str) -> None:
    """Add the page ``/cached`` to a site, with a template that has a cached fragment."""
    create_cache(site)
    template = f"{MACROS}{{% cache 600, 'insurance' %}}{source}{{% endcache %}}"
    site.app.add_url_rule("/cached", "cached", lambda: render_template_string(template))


AddPage = Callable[[Site, str], None]
CACHES = pytest.mark.parametrize(
    "add_page", [add_cached_view, add_memoized_function, add_cached_fragment]
)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site whose markup is the same for every device."""
    return make_site(
        XIEBAO_DEVICE_MARKUP=False, XIEBAO_APP_USER_AGENT="ShopApp/", XIEBAO_PUBLIC_URL=PUBLIC_URL
    )


@CACHES
@pytest.mark.parametrize("start", [0, 1, 2], ids=["PC first", "phone first", "app first"])
def test_cached_entry_works_for_every_device_and_member(
    site: Site, add_page: AddPage, start: int
) -> None:
    renders: list[int] = []
    site.app.jinja_env.globals["renders"] = renders
    add_page(site, f"{{{{ renders.append(1) or '' }}}}{PRODUCT_ENTRY}")

    for headers, platform in DEVICES[start:] + DEVICES[:start]:
        for member in ("li", "wang"):
            site.log_in(member)
            page = site.follow("/cached", headers)
            assert get_cache_headers(page) == ([], [])
            assert find_element(page, "a").attrs.keys() == SHARED_ATTRIBUTES
            verdict = assert_gateway_accepts(site.follow(find_href(page), headers))
            assert (verdict.page, verdict.platform, verdict.member) == ("product", platform, member)
    assert len(renders) == 1


@CACHES
def test_cached_label_and_call_block_are_escaped_only_once(site: Site, add_page: AddPage) -> None:
    call = "{% call insurance_entry('X') %}<b>A & {{ '<' }}</b>{% endcall %}"
    add_page(site, call + "{{ insurance_entry('X', '<i>', title='\"') }}")
    for _ in range(2):
        block, label = find_entries(site.follow("/cached").text)
        assert find_element(block, "b").text == "A & <"
        assert (label.text, label.i, label["title"]) == ("<i>", None, '"')
