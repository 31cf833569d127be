"""Pages and pieces of pages that a cache of the site keeps: they serve every device and member.

A new way of keeping is a row of ``KEPT``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from flask import render_template_string
from flask_caching import Cache

from tests.page.kept import (
    DEVICES,
    FOR_ALL,
    anchors,
    for_caches,
)
from tests.page.support import PRODUCT
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

#: What was rendered, each time.
Made = list[str]


def cache_of(site: Site) -> Cache:
    return Cache(site.app, config={"CACHE_TYPE": "SimpleCache"})


def cached_view(site: Site, source: str) -> Made:
    """Give the site ``/kept``, one cached view with this template."""
    made: Made = []

    @site.app.get("/kept")
    @cache_of(site).cached(timeout=60)
    def kept() -> str:
        made.append(source)
        return render_template_string(MACROS + source)

    return made


def memoized_piece(site: Site, source: str) -> Made:
    """Give the site ``/kept``, whose view calls a function that is cached."""
    made: Made = []

    @cache_of(site).memoize(60)
    def piece(code: str) -> str:
        made.append(code)
        return render_template_string(MACROS + source)

    site.app.add_url_rule("/kept", "kept", lambda: piece(PRODUCT_CODE))
    return made


def cached_fragment(site: Site, source: str) -> Made:
    """Give the site ``/kept``, a page of which a fragment is cached."""
    cache_of(site)
    made: Made = []
    fragment = (
        f"{{% cache 60, 'insurance' %}}{{{{ made.append('') or '' }}}}{source}{{% endcache %}}"
    )
    site.app.add_url_rule(
        "/kept", "kept", lambda: render_template_string(MACROS + fragment, made=made)
    )
    return made


Keep = Callable[[Site, str], Made]
KEPT = pytest.mark.parametrize("keep", [cached_view, memoized_piece, cached_fragment])


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site whose markup is the same for every device."""
    return make_site(
        XIEBAO_DEVICE_MARKUP=False, XIEBAO_APP_USER_AGENT="ShopApp/", XIEBAO_PUBLIC_URL=PUBLIC_URL
    )


@KEPT
@pytest.mark.parametrize("first", [0, 1, 2], ids=["pc", "phone", "app"])
def test_a_kept_page_serves_every_device_and_everybody_goes_as_themselves(
    site: Site, keep: Keep, first: int
) -> None:
    made = keep(site, PRODUCT)
    pages = set()
    for headers, platform in DEVICES[first:] + DEVICES[:first]:
        for member in ("li", "wang"):
            site.log_in(member)
            with time_machine.travel(0, tick=False):  # what it shows does not grow old
                page = site.follow("/kept", headers)
            assert for_caches(page) == ([], [])
            pages.add(page.text)
            verdict = assert_gateway_accepts(site.follow(find_href(page), headers))
            found = (verdict.page, verdict.platform, verdict.member)
            assert found == ("product", platform, member)
    [text] = pages
    assert len(made) == 1
    assert set(anchors(text)[0].attrs) == FOR_ALL
    assert find_href(text) == site.link("product")
    site.log_in(None)
    assert site.follow(find_href(text)).status_code == 401


@KEPT
def test_what_a_kept_entry_holds_is_escaped_once(site: Site, keep: Keep) -> None:
    call = f"{{% call insurance_entry('{PRODUCT_CODE}') %}}<b>A & {{{{ '<' }}}}</b>{{% endcall %}}"
    keep(site, call + "{{ insurance_entry('X', '<i>', title='\"') }}")
    for _ in range(2):
        block, label = anchors(site.follow("/kept").text)
        assert find_element(block, "b").text == "A & <"
        assert (label.text, label.i, label["title"]) == ("<i>", None, '"')
