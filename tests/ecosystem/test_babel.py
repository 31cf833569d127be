"""Flask-Babel says which language a visitor reads."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import ONE_WAY, soup, title
from tests.ecosystem.sites import flask_babel
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
    ("accepts", "lang", "words"),
    [("zh-CN,zh;q=0.9", "zh-CN", CHINESE), ("en-GB,en;q=0.9", "en", ENGLISH)],
    ids=["Chinese", "English"],
)
def test_entries_handoffs_and_notices_speak_the_visitors_language(
    scene: ExitStack, accepts: str, lang: str, words: tuple[list[str], str, list[str]]
) -> None:
    shop = flask_babel(ONE_WAY, scene)
    language = {"Accept-Language": accepts}
    browser = shop.browser(PC, signed_in="alice")
    page = soup(browser.get("/", language))
    entries = {str(a["id"]): a for a in page.select("a.xiebao-entry")}
    others = [
        browser.get(str(entries["home"]["href"]), language),
        browser.get(str(entries["policy"]["href"]), language),
        browser.get("/xiebao/home/nonsense", language),
        shop.browser(PC).get(str(entries["home"]["href"]), language),
    ]

    labels, code, titles = words
    assert [entries[id].text for id in ("product", "order", "home", "policy")] == labels
    assert find_element(page, "svg.xiebao-qr")["aria-label"] == code
    assert [title(each) for each in others] == titles
    assert [find_element(each, "html")["lang"] for each in others] == [lang] * 4
