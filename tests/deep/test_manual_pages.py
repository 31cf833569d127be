"""Tests for the built manual: its pages, its links and its search.

Run ``make docs`` before these tests. To test that a query finds a page, add a row to ``QUERIES``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.measure import find_axe_violations
from tests.manual.blocks import ROOT
from tests.support import parse_html, serve_app

BUILD = (ROOT / "build/docs").resolve()

#: The search queries in each language, each with the page that must be the first result.
QUERIES = {
    "en": {
        "which python versions are supported": "reference/stability",
        "what may change in a minor version": "reference/stability",
        "my links are http but the site is https": "how-to/proxy-and-https",
        "nginx proxy": "how-to/proxy-and-https",
        "login wall before_request": "how-to/login-walls",
        "members must log in": "how-to/login-walls",
        "docker env file": "reference/settings",
        "webhook": "how-to/callback",
        "the button does nothing": "how-to/symptoms",
        "csrf token missing on notify": "how-to/csrf-and-limiters",
        "flask-limiter too many requests": "how-to/csrf-and-limiters",
        "can I cache a page with an entry": "how-to/caching",
        "cdn vary": "how-to/caching",
        "stream_template headers": "how-to/streaming",
        "htmx hx-boost": "how-to/htmx-turbo-vue",
        "vue single page app api": "how-to/native-apps-and-spas",
        "tailwind": "how-to/css-frameworks",
        "dark mode": "how-to/css-frameworks",
        "ios app web view user agent": "how-to/native-apps-and-spas",
        "link in a mail without login": "how-to/mail-and-sms",
        "wechat mini program": "how-to/wechat",
        "ipad shows qr code": "how-to/ipad",
        "harmonyos next": "how-to/harmonyos",
        "several stores sub-account": "how-to/sub-accounts",
        "product code test production": "how-to/product-codes",
        "which alarms monitoring": "how-to/monitoring",
        "rotate SECRET_KEY": "how-to/key-rotation",
        "row numbers member secret": "how-to/member-secret",
        "go live checklist": "how-to/going-live",
        "policy number where does it come from": "how-to/callback",
        "upgrade from 0.1": "how-to/upgrading",
        "XIEBAO_PUBLIC_URL": "reference/settings",
        "--xiebao-price": "reference/styles",
        "payment_returned": "reference/signals",
        "postgres": "how-to/purchases",
        "list of policies": "how-to/purchases",
        "surrender state": "how-to/purchases",
        "rq queue": "how-to/purchases",
        "close an account erase": "how-to/purchases",
        "X-Forwarded-Prefix": "how-to/proxy-and-https",
        "apache": "how-to/proxy-and-https",
        "bearer link": "how-to/mail-and-sms",
        "what do I need for a button": "tutorial/first-entry",
        "licence": "how-to/without-a-licence",
        "ask xiebao for a key": "how-to/ask-xiebao",
        "sold out": "reference/styles",
        "bootstrap button": "how-to/css-frameworks",
        "junit ci": "how-to/testing",
        "uuid": "how-to/member-secret",
        "brute force key": "explanation/the-sign",
        "An absolute link cannot be built from the Host header": "reference/errors",
        "XIEBAO_MEMBER_SECRET must have at least 32 characters, got 8. Generate a value with"
        ' `python -c "import secrets; print(secrets.token_hex())"`': "reference/errors",
        "LinkError: caseCode is empty or contains only whitespace": "reference/errors",
        'RuntimeError: This app already has a blueprint with the name "xiebao"': "reference/errors",
        "Flask-Caching ignores the Vary header, so every device": "reference/errors",
        "Refused a request for a policy link with status 410 (expired), because the time in which"
        " the link needs no login (no_login_for) is over and the visitor is not"
        " logged in.": "reference/errors",
        'The signature of the notification (field "sign") was not made': "reference/errors",
    },
    "zh": {
        "支持哪些 Python 版本": "reference/stability",
        "网站是 https，链接却是 http": "how-to/proxy-and-https",
        "登录墙": "how-to/login-walls",
        "登录后又跳回登录页": "how-to/login-walls",
        "支付后回来变成未登录": "how-to/proxy-and-https",
        "CSRF": "how-to/csrf-and-limiters",
        "限流": "how-to/csrf-and-limiters",
        "页面缓存": "how-to/caching",
        "流式输出": "how-to/streaming",
        "Turbo": "how-to/htmx-turbo-vue",
        "深色模式": "how-to/css-frameworks",
        "单页应用": "how-to/native-apps-and-spas",
        "邮件里的按钮": "how-to/mail-and-sms",
        "微信小程序": "how-to/wechat",
        "iPad 打开的是二维码": "how-to/ipad",
        "鸿蒙": "how-to/harmonyos",
        "渠道子账号": "how-to/sub-accounts",
        "产品方案代码 测试 生产": "how-to/product-codes",
        "监控报警": "how-to/monitoring",
        "更换密钥": "how-to/key-rotation",
        "自增主键 会员密钥": "how-to/member-secret",
        "上线检查清单": "how-to/going-live",
        "退保通知怎么处理": "how-to/purchases",
        "从 0.1 升级": "how-to/upgrading",
        "免登录": "how-to/mail-and-sms",
        "postgres": "how-to/purchases",
        "保单列表": "how-to/purchases",
        "队列": "how-to/purchases",
        "X-Forwarded-Prefix": "how-to/proxy-and-https",
        "全站登录拦截": "how-to/login-walls",
        "保险牌照": "how-to/without-a-licence",
        "向携保要密钥": "how-to/ask-xiebao",
        "一分钱支付": "how-to/ask-xiebao",
        "暴力破解": "explanation/the-sign",
        "已售罄": "reference/styles",
        "按钮需要什么": "tutorial/first-entry",
        "回调地址": "how-to/callback",
        "二维码海报": "how-to/posters-and-qr-codes",
        "按钮不显示": "how-to/symptoms",
        "点击没反应": "how-to/symptoms",
        "对账": "how-to/purchases",
        "建表": "how-to/purchases",
        "定时任务": "how-to/purchases",
        "本地调试": "how-to/simulator",
        "幂等": "how-to/callback",
        "公网地址": "how-to/proxy-and-https",
        "nginx": "how-to/proxy-and-https",
        "XIEBAO_MEMBER_SECRET must have at least 32 characters, got 8. Generate a value with"
        ' `python -c "import secrets; print(secrets.token_hex())"`': "reference/errors",
    },
}


def find_html_files(language: str) -> list[Path]:
    """Return the HTML files of all manual pages in a language, including the search page."""
    return sorted((BUILD / language).rglob("*.html"))


@pytest.fixture(scope="module")
def manual_url(chrome: tuple[Playwright, Browser]) -> Iterator[str]:
    """The URL at which the built manual is served."""
    assert BUILD.is_dir(), 'The manual is not built. Run "make docs".'
    app = Flask("manual", static_folder=str(BUILD), static_url_path="")
    with serve_app(app) as url:
        yield url


@pytest.fixture
def phone_page(chrome: tuple[Playwright, Browser], manual_url: str) -> Iterator[Page]:
    """A browser page that is 360 pixels wide, like a phone. No console message may appear."""
    page = chrome[1].new_page(base_url=manual_url, viewport={"width": 360, "height": 780})
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    yield page
    page.close()
    assert messages == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_fit_phone_and_pass_accessibility_rules(phone_page: Page, language: str) -> None:
    problems: list[tuple[str, ...]] = []
    for number, file in enumerate(find_html_files(language)):
        path = file.relative_to(BUILD).as_posix()
        phone_page.emulate_media(color_scheme="dark" if number % 2 else "light")
        phone_page.goto(f"/{path}")
        if phone_page.evaluate("document.documentElement.scrollWidth") > 360:
            problems.append((path, "The page is wider than the screen."))
        problems += [(path, violation) for violation in find_axe_violations(phone_page)]
    assert problems == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_links_in_manual_have_existing_targets(language: str) -> None:
    pages = {file: parse_html(file.read_text("utf-8")) for file in find_html_files(language)}
    broken_links = []
    for file, page in pages.items():
        for link in page.select('a[href]:not([href^="http:"], [href^="https:"])'):
            path, _, fragment = str(link["href"]).partition("#")
            target = (file.parent / path).resolve() if path else file
            if not target.exists() or (
                fragment and target in pages and pages[target].find(id=fragment) is None
            ):
                broken_links.append((str(file.relative_to(BUILD)), link["href"]))
    assert broken_links == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_first_search_result_is_expected_page(phone_page: Page, language: str) -> None:
    phone_page.goto(f"/{language}/search.html")
    results = {}
    for query in QUERIES[language]:
        phone_page.get_by_role("searchbox").fill(query)
        results[query] = phone_page.locator("#search-results li h2 a").first.get_attribute("href")
    assert results == {query: f"{page}.html" for query, page in QUERIES[language].items()}


def test_search_query_is_in_url_and_kept_in_other_language(phone_page: Page) -> None:
    searchbox = phone_page.get_by_role("searchbox")
    phone_page.goto("/en/search.html?q=wechat")
    assert phone_page.locator("#search-results h2").first.text_content() == "WeChat"
    expect(phone_page.get_by_role("status")).to_have_text(re.compile("^([2-9]|The 10 best) pages$"))

    searchbox.fill("qwertzuiop")
    alert = phone_page.get_by_role("alert")
    assert "Nothing found" in (alert.text_content() or "")
    assert alert.get_by_role("link").get_attribute("href") == "index.html"
    assert phone_page.url.endswith("?q=qwertzuiop")

    searchbox.fill("登录墙 wechat")
    phone_page.goto(phone_page.locator(".languages a").get_attribute("href") or "")
    assert searchbox.input_value() == "登录墙 wechat"
    assert phone_page.locator("mark", has_text=re.compile("^登录墙$")).count() > 0


def test_language_link_opens_same_page_in_other_language(phone_page: Page) -> None:
    phone_page.set_viewport_size({"width": 1280, "height": 800})
    phone_page.goto("/en/how-to/wechat.html")
    phone_page.get_by_role("link", name="中文").click()
    assert phone_page.url.endswith("/zh/how-to/wechat.html")
    assert phone_page.locator("html").get_attribute("lang") == "zh-CN"
    phone_page.get_by_role("link", name="English").click()
    assert phone_page.url.endswith("/en/how-to/wechat.html")
