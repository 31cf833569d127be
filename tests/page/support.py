"""Helpers for tests of pages: templates that call the macros, and functions that read the pages."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from bs4 import Tag
from flask import render_template_string
from markupsafe import Markup
from werkzeug.test import TestResponse

from flask_xiebao import Platform
from tests.support import INSURE_NUM, MACROS, PC, PHONE, PRODUCT_CODE, Site, parse_html

if TYPE_CHECKING:
    from flask_caching import Cache

# Templates that call the extension's macros

PRODUCT_ENTRY = f'{{{{ insurance_entry("{PRODUCT_CODE}") }}}}'
HOME_ENTRY = "{{ insurance_home_entry() }}"
POLICY_ENTRY = f'{{{{ policy_entry("{INSURE_NUM}") }}}}'
QR_CODE = f'{{{{ insurance_qr("{PRODUCT_CODE}") }}}}'
#: Templates with one insurance entry each, by the gateway page that the entry opens.
ENTRIES = {"product": PRODUCT_ENTRY, "home": HOME_ENTRY, "policy": POLICY_ENTRY}
#: Templates with an insurance entry that belongs to the member with the id ``li``.
MEMBER_ENTRY = f"{{{{ insurance_entry('{PRODUCT_CODE}', member='li') }}}}"
MEMBER_POLICY_ENTRY = f"{{{{ policy_entry('{INSURE_NUM}', member='li') }}}}"
#: A template with an insurance entry that the member ``li`` can open without a login for an hour.
ENTRY_WITHOUT_LOGIN = f"{{{{ insurance_entry('{PRODUCT_CODE}', member='li', no_login_for=3600) }}}}"

#: The beginning of a template that imports the macro for emails.
MAIL_MACRO = '{% from "xiebao/mail.html" import mail_entry %}'
#: A template that calls every macro for entries and QR codes. The values of its variables are in
#: ``UNSAFE_CONTEXT``.
ALL_ENTRIES = (
    PRODUCT_ENTRY
    + HOME_ENTRY
    + POLICY_ENTRY
    + '{% call insurance_entry("1", class="btn") %}<b>{{ 1 + 1 }}</b>{% endcall %}'
    + '{% call policy_entry("1") %} {% endcall %}'
    + '{% call xiebao_entry("home") %}<b>x</b>{% endcall %}'
    + '{{ insurance_entry("1", unsafe, title=unsafe, class=unsafe) }}'
    + '{{ insurance_card("1", unsafe, text=unsafe, price=unsafe, badge=unsafe, image="/" ~ unsafe,'
    ' action=unsafe, insurer=unsafe, terms_url="/" ~ unsafe) }}'
    + '{{ insurance_card("1", "T", image=icon, insurer=icon) }}'
    + QR_CODE
    + '{{ xiebao_link("home") }}'
    + MAIL_MACRO
    + '{{ mail_entry("product", "1", unsafe, qr=9) }}'
)
#: A template that loads the stylesheet and the script. The values of its variables are in
#: ``UNSAFE_CONTEXT``.
ASSETS = "{{ xiebao_styles(title=unsafe) }}{{ xiebao_script(title=unsafe) }}"
UNSAFE_CONTEXT: dict[str, Any] = {
    "unsafe": '"><script>alert(1)</script>',
    "icon": Markup("<svg><path/></svg>"),
}
#: An attribute value that adds an event handler to the HTML element if its quotes are not escaped.
HANDLER_INJECTION = 'x" onmouseover="alert(1)'

# Devices, and markup that depends on the device

IOS_APP = {"User-Agent": f"{PHONE['User-Agent']} ShopApp/3.1"}
#: One row per device: the request headers, and the expected platform if the setting
#: ``XIEBAO_APP_USER_AGENT`` is "ShopApp/".
DEVICES = [(PC, Platform.PC), (PHONE, Platform.H5), (IOS_APP, Platform.IOS)]
#: The values of the ``Vary`` header of a page whose markup depends on the device.
VARY_BY_DEVICE = ["sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent"]
#: The HTML attributes of an entry whose markup is the same for every device.
SHARED_ATTRIBUTES = {"class", "href", "data-xiebao-entry", "rel", "lang"}

# Functions that read pages or render templates

T = TypeVar("T")


def find_entries(html: str) -> list[Tag]:
    """Return the ``<a>`` elements of all entries on a page."""
    return parse_html(html).select("a[data-xiebao-entry]")


def get_header_values(response: TestResponse, name: str) -> list[str]:
    """Return all values of a response header in lower case, sorted and with duplicates."""
    lines = ", ".join(response.headers.getlist(name))
    return sorted(value.strip().lower() for value in lines.split(",") if value.strip())


def get_cache_headers(response: TestResponse) -> tuple[list[str], list[str]]:
    """Return the values of the headers ``Vary`` and ``Cache-Control``."""
    return get_header_values(response, "Vary"), get_header_values(response, "Cache-Control")


def create_cache(site: Site) -> Cache:
    """Add Flask-Caching with an in-memory cache to a site, and return the cache."""
    from flask_caching import Cache

    return Cache(site.app, config={"CACHE_TYPE": "SimpleCache"})


def run_in_thread(function: Callable[[], T]) -> T:
    """Call a function in another thread, where no Flask context is active. Return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def render_without_request(site: Site, source: str, **context: object) -> str:
    """Render a template with an app context but without a request, and return the text.

    Background jobs that send emails render their templates in this way.
    """

    def render() -> str:
        with site.app.app_context():
            return render_template_string(MACROS + source, **context)

    return run_in_thread(render)


def measure_retained_memory(render: Callable[[int], object], times: int = 20) -> int:
    """Return the number of bytes that stay allocated after repeated calls of a function.

    :param render: the function. Its argument is a different number in each call.
    """
    render(-1)  # The first call fills caches. Their memory is not a leak.
    tracemalloc.start()
    try:
        for number in range(times):
            render(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
