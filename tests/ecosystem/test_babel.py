"""Tests for the language of the extension's texts on a site with Flask-Babel."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import DEFAULT_SETUP, get_title, parse_page
from tests.ecosystem.sites import SITES
from tests.support import PC, find_element

CHINESE = (
    ["我要投保", "我要投保", "保险商城", "查看保单"],
    "用手机扫码投保",
    ["用手机打开保险商城", "用手机查看保单", "链接无效", "请先登录"],
)
ENGLISH = (
    ["Get insured", "Get insured", "Insurance shop", "View policy"],
    "QR code: scan with your phone to get insured",
    [
        "Open the insurance shop on your phone",
        "View your policy on your phone",
        "This link does not work",
        "Please sign in",
    ],
)


@pytest.mark.parametrize(
    ("accept_language", "lang", "texts"),
    [("zh-CN,zh;q=0.9", "zh-CN", CHINESE), ("en-GB,en;q=0.9", "en", ENGLISH)],
    ids=["Chinese", "English"],
)
def test_flask_babel_selects_language_of_entries_and_pages(
    exit_stack: ExitStack,
    accept_language: str,
    lang: str,
    texts: tuple[list[str], str, list[str]],
) -> None:
    labels, code_label, titles = texts
    shop = SITES["Flask-Babel"](DEFAULT_SETUP, exit_stack)
    headers = {"Accept-Language": accept_language}
    browser = shop.open_browser(PC, "alice")

    page = parse_page(browser.get("/", headers=headers))
    entries = page.select("a.xiebao-entry")
    links = {str(entry["id"]): str(entry["href"]) for entry in entries}
    responses = [
        browser.get(links["home"], headers=headers),
        browser.get(links["policy"], headers=headers),
        browser.get("/xiebao/home/nonsense", headers=headers),
        shop.open_browser(PC).get(links["home"], headers=headers),
    ]

    assert list(links) == ["product", "order", "home", "policy"]
    assert [entry.text for entry in entries] == labels
    assert find_element(page, "svg.xiebao-qr")["aria-label"] == code_label
    assert [get_title(response) for response in responses] == titles
    assert {find_element(response, "html")["lang"] for response in responses} == {lang}
