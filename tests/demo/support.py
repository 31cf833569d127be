"""Helpers for the tests of the demo: create a demo, log in, buy policies, and read pages."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from unittest import mock

from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import demo_app
from demo_app.auth import MEMBERS
from tests.support import PHONE, find_element, find_href, make_link, parse_html, pay

#: The ids of the demo's members, Lin Xiao (林晓) and Zhou Hang (周航).
LIN, ZHOU = MEMBERS

#: Environment variables with a partner account at the real gateway. Without them, the demo uses the
#: gateway simulator.
REAL_ACCOUNT = {
    "XIEBAO_PARTNER_ID": "1039147",
    "XIEBAO_API_KEY": '"a-key-of-4711"',
    "XIEBAO_ENV": "production",
    "XIEBAO_PUBLIC_URL": "https://shop.example",
    "XIEBAO_MEMBER_SECRET": "a secret of thirty-two characters or more",
}
#: An environment variable with which the demo's check runs only for an iPhone, so that the check is
#: quick.
ONE_DEVICE = {"QA_DEVICES": '["iphone"]'}

#: Matches a sequence of Chinese characters and Chinese punctuation.
_CHINESE = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")


def create_demo(folder: Path, testing: Any = True, **settings: str) -> Flask:
    """Return a demo app that stores its files in this folder.

    :param settings: The environment variables, without the prefix ``FLASK_``.
    """
    settings.setdefault("SECRET_KEY", "a secret for tests")
    environment = {f"FLASK_{name}": value for name, value in settings.items()}
    with mock.patch.dict(os.environ, environment, clear=True):
        app = demo_app.create_app(instance_path=str(folder))
    app.testing = testing
    return app


def open_client(
    demo: Flask, member: str | None = LIN, user_agent: str = PHONE["User-Agent"]
) -> FlaskClient:
    """Return a test client for the demo, by default with the User-Agent of a phone.

    :param member: The member to log in, or None for a client that is not logged in.
    """
    client = demo.test_client()
    client.environ_base["HTTP_USER_AGENT"] = user_agent
    if member is not None:
        client.post("/sign-in", data={"member": member})
    return client


def build_link(demo: Flask, page: str = "product", **options: Any) -> str:
    """Build a link to a gateway page during a request to the demo, and return the link."""
    with demo.test_request_context():
        return make_link(demo.extensions["xiebao"], page, **options)


def get_page(client: FlaskClient, url: str = "/qa", **options: Any) -> Tag:
    """Return a parsed page of the demo."""
    response = client.get(url, **options)
    assert response.status_code == 200, response.text
    return parse_html(response)


def get_text(page: TestResponse | Tag) -> str:
    """Return the text of a page or an element, with whitespace collapsed to single spaces."""
    return " ".join(parse_html(page).get_text(" ").split())


def find_missing_texts(page: TestResponse | Tag, *texts: str) -> list[str]:
    """Return the expected texts that a page or an element does not contain."""
    content = get_text(page)
    return [text for text in texts if text not in content]


def find_chinese(page: TestResponse | Tag) -> list[str]:
    """Return the Chinese texts of a page, except the text of the language switch."""
    return [text for text in _CHINESE.findall(str(parse_html(page))) if text != "中文"]


# Clicks and purchases in the shop

#: One row per entry on the order page: the name of its gateway page, and its CSS selector.
ORDER_PAGE_ENTRIES = {
    "product": "[data-xiebao-entry=product]",
    "home": "#home",
    "policy": "li .xiebao-entry",
}


def click_entry(client: FlaskClient, url: str, selector: str) -> str:
    """Click the entry that matches a CSS selector on a page, and return the gateway URL."""
    gateway_url = client.get(find_href(find_element(client.get(url), selector))).location
    assert gateway_url is not None
    return gateway_url


def click_order_entry(client: FlaskClient, page: str = "product") -> str:
    """Click the order page's entry for this gateway page, and return the gateway URL."""
    return click_entry(client, "/", f"[data-xiebao-entry={page}]")


def click_policy_entry(client: FlaskClient, insure_num: str) -> str:
    """Click the entry of a policy on the page "My policies", and return the gateway URL."""
    return click_entry(client, "/policies", f"[aria-describedby=policy-{insure_num}]")


def get_policies(client: FlaskClient) -> list[str]:
    """Return the text of each policy on the page "My policies", except the demo's old policies."""
    items = parse_html(client.get("/policies")).select(".policies li:has([class*=state--])")
    return [get_text(item) for item in items]


def find_insure_num(policy: str) -> str:
    """Return the application number in the text of a policy."""
    return str(re.findall(r" (\d{12,})", policy)[0])


def buy_policy(client: FlaskClient, page: str = "product", **form: str) -> str:
    """Buy a policy from the order page, and return its application number."""
    pay(client, click_order_entry(client, page), **form)
    return find_insure_num(get_policies(client)[0])


# Pages of the QA console


def get_event_rows(demo: Flask, query: str = "") -> list[list[str]]:
    """Return the texts of the cells in each row of the QA console's list of events."""
    rows = get_page(demo.test_client(), f"/qa/events?{query}").select(".events tbody tr")
    return [[get_text(cell) for cell in row.select("td")] for row in rows]


def find_result_cells(page: Tag) -> dict[str, dict[str, Tag]]:
    """Return the cells of the QA console's table, by row title and device name."""
    devices = [get_text(head).rpartition(" ")[0] for head in page.select(".matrix thead th")[1:]]
    return {
        get_text(find_element(row, "th")): dict(zip(devices, row.select("td"), strict=True))
        for row in page.select(".matrix tbody tr")
    }
