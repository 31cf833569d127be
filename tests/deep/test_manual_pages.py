"""The manual as it is read: every page, its search, and questions of the kind people ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.measure import find_axe_violations
from tests.manual.blocks import ROOT
from tests.support import serve_app

BUILT = ROOT / "build/docs"
LANGUAGES = ("en", "zh")

#: What is asked, and the page that has the answer.
QUESTIONS = {
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


def names(language: str) -> list[str]:
    """Return the pages that people wrote, and the search."""
    found = sorted(
        page.relative_to(BUILT / language) for page in (BUILT / language).rglob("*.html")
    )
    return [name.with_suffix("").as_posix() for name in found]


@pytest.fixture(scope="module")
def manual(chrome: tuple[Playwright, Browser]) -> Iterator[str]:
    assert BUILT.is_dir(), "The manual is not there: run make docs."
    app = Flask("manual", static_folder=str(BUILT), static_url_path="")
    with serve_app(app) as address:
        yield address


@pytest.fixture
def phone(chrome: tuple[Playwright, Browser], manual: str) -> Iterator[Page]:
    """A narrow page; the test fails when the browser complains of anything."""
    context = chrome[1].new_context(base_url=manual, viewport={"width": 360, "height": 780})
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    context.close()
    assert troubles == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole_on_a_phone_and_axe_finds_nothing(phone: Page, language: str) -> None:
    wrong: list[tuple[str, ...]] = []
    for number, name in enumerate(names(language)):
        phone.emulate_media(color_scheme="dark" if number % 2 else "light")
        phone.goto(f"/{language}/{name}.html")
        if phone.evaluate("document.documentElement.scrollWidth") > 360:
            wrong.append((name, "scrolls sideways"))
        wrong += [(name, each) for each in find_axe_violations(phone)]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_in_the_manual_leads_somewhere(language: str) -> None:
    pages = {
        name: BeautifulSoup((BUILT / language / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in names(language)
    }
    dead = []
    for name, page in pages.items():
        here = BUILT / language / f"{name}.html"
        for link in page.select("a[href]"):
            url = str(link["href"])
            if re.match(r"https?:", url):
                continue
            path, _, anchor = url.partition("#")
            there = (here.parent / path).resolve() if path else here
            if not there.exists():
                dead.append((name, url))
            elif anchor and there.suffix == ".html" and BUILT / language in there.parents:
                target = pages[there.relative_to(BUILT / language).with_suffix("").as_posix()]
                if target.find(id=anchor) is None:
                    dead.append((name, url))
    assert dead == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_on_the_first_page_found(phone: Page, language: str) -> None:
    phone.goto(f"/{language}/search.html")
    found = {}
    for question in QUESTIONS[language]:
        phone.get_by_role("searchbox").fill(question)
        first = phone.locator("#search-found li h2 a").first
        found[question] = first.get_attribute("href")
    assert found == {asked: f"{page}.html" for asked, page in QUESTIONS[language].items()}


def test_a_question_can_be_sent_and_found_again(phone: Page) -> None:
    phone.goto("/en/search.html?q=wechat")
    assert phone.locator("#search-found h2").first.text_content() == "WeChat"
    assert re.fullmatch(
        r"[2-9] pages|The 10 best pages", phone.get_by_role("status").text_content() or ""
    )
    phone.get_by_role("searchbox").fill("qwertzuiop")
    nothing = phone.get_by_role("alert")
    assert "Nothing found" in (nothing.text_content() or "")
    assert nothing.get_by_role("link").get_attribute("href") == "index.html"
    assert phone.url.endswith("?q=qwertzuiop")
    phone.get_by_role("searchbox").fill("登录墙 wechat")
    other = phone.locator(".languages a").get_attribute("href")
    phone.goto(str(other))
    assert phone.get_by_role("searchbox").input_value() == "登录墙 wechat"
    assert phone.locator("mark", has_text=re.compile("^登录墙$")).count() > 0


def test_each_page_leads_to_itself_in_the_other_language(phone: Page) -> None:
    phone.set_viewport_size({"width": 1280, "height": 800})
    phone.goto("/en/how-to/wechat.html")
    phone.get_by_role("link", name="中文").click()
    assert phone.url.endswith("/zh/how-to/wechat.html")
    assert phone.locator("html").get_attribute("lang") == "zh-CN"
    phone.get_by_role("link", name="English").click()
    assert phone.url.endswith("/en/how-to/wechat.html")
