"""What the tests of kept, streamed and mailed pages share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bs4 import Tag
from flask import render_template_string
from werkzeug.test import TestResponse

from flask_xiebao import Platform
from tests.support import INSURE_NUM, MACROS, PC, PHONE, PRODUCT_CODE, Site, parse_html

IOS_APP = {"User-Agent": f"{PHONE['User-Agent']} ShopApp/3.1"}
DEVICES = [(PC, Platform.PC), (PHONE, Platform.H5), (IOS_APP, Platform.IOS)]
VARIES = ["sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent"]

MEMBERS_ENTRY = f"{{{{ insurance_entry('{PRODUCT_CODE}', member='li') }}}}"
MEMBERS_POLICY = f"{{{{ policy_entry('{INSURE_NUM}', member='li') }}}}"
MAILED = f"{{{{ insurance_entry('{PRODUCT_CODE}', member='li', no_login_for=3600) }}}}"

#: The attributes of an entry that is the same for every device.
FOR_ALL = {"class", "href", "data-xiebao-entry", "rel", "lang"}

T = TypeVar("T")


def anchors(html: str) -> list[Tag]:
    return parse_html(html).select("a[data-xiebao-entry]")


def said(response: TestResponse, header: str) -> list[str]:
    """Return every word of every such header, as often as it is there."""
    lines = ", ".join(response.headers.getlist(header))
    return sorted(word.strip().lower() for word in lines.split(",") if word.strip())


def for_caches(response: TestResponse) -> tuple[list[str], list[str]]:
    """Return what a page says of devices and of caches."""
    return said(response, "Vary"), said(response, "Cache-Control")


def in_worker(work: Callable[[], T]) -> T:
    """Do it where no context of the caller's is left: in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def mail(site: Site, source: str, **context: object) -> str:
    """Return a mail as a worker renders it: with the app, without a request."""

    def work() -> str:
        with site.app.app_context():
            return render_template_string(MACROS + source, **context)

    return in_worker(work)
