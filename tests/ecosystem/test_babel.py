"""Flask-Babel says which language a visitor reads."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import Shop, Way, soup, title
from tests.ecosystem.sites import flask_babel
from tests.support import PC

CHINESE, ENGLISH = {"Accept-Language": "zh-CN,zh;q=0.9"}, {"Accept-Language": "en-GB,en;q=0.9"}


@pytest.fixture
def shop(way: Way, scene: ExitStack) -> Shop:
    return flask_babel(way, scene)


@pytest.mark.parametrize(
    ("language", "labels", "code"),
    [
        (
            CHINESE,
            {"product": "我要投保", "order": "我要投保", "home": "保险商城", "policy": "查看保单"},
            "用手机扫码投保",
        ),
        (
            ENGLISH,
            {
                "product": "Get insured",
                "order": "Get insured",
                "home": "Insurance shop",
                "policy": "View policy",
            },
            "QR code: scan it with a phone to get insured",
        ),
    ],
    ids=["Chinese", "English"],
)
def test_entries_speak_the_visitors_language(
    shop: Shop, language: Mapping[str, str], labels: Mapping[str, str], code: str
) -> None:
    page = soup(shop.browser(PC, signed_in="alice").get("/", language))
    assert {a["id"]: a.text for a in page.select("a.xiebao-entry")} == labels
    [drawn] = page.select("svg.xiebao-qr")
    assert drawn["aria-label"] == code


@pytest.mark.parametrize(
    ("language", "lang", "titles"),
    [
        (CHINESE, "zh-CN", ["用手机打开保险商城", "用手机查看保单", "链接无效", "请先登录"]),
        (
            ENGLISH,
            "en",
            [
                "Open the insurance shop on your phone",
                "View your policy on your phone",
                "This link does not work",
                "Please sign in",
            ],
        ),
    ],
    ids=["Chinese", "English"],
)
def test_handoffs_and_notices_speak_the_visitors_language(
    shop: Shop, language: Mapping[str, str], lang: str, titles: list[str]
) -> None:
    browser = shop.browser(PC, signed_in="alice")
    entries = browser.entries()
    pages = [
        browser.get(entries["home"], language),
        browser.get(entries["policy"], language),
        browser.get("/xiebao/home/nonsense", language),
        shop.browser(PC).get(entries["home"], language),
    ]
    assert [title(page) for page in pages] == titles
    for page in pages:
        html = soup(page).html
        assert html is not None
        assert html["lang"] == lang
