"""What the tests of the demo share: a demo of one's own, its visitors, and what they see."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any
from unittest import mock

from bs4 import Tag
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import demo_app
from demo_app.auth import MEMBERS
from demo_app.extensions import db
from demo_app.qa import events
from tests.support import PHONE, find_element, find_href, make_link, parse_html, pay

LIN, ZHOU = MEMBERS

#: An account of Xiebao's, as it is in the environment.
REAL_ACCOUNT = {
    "XIEBAO_PARTNER_ID": "1039147",
    "XIEBAO_API_KEY": '"a-key-of-4711"',
    "XIEBAO_ENV": "production",
    "XIEBAO_PUBLIC_URL": "https://shop.example",
    "XIEBAO_MEMBER_SECRET": "a secret of thirty-two characters or more",
}


def create_demo(folder: Path, testing: Any = True, **settings: str) -> Flask:
    """Return the demo as *settings* in the environment make it; what it writes goes to *folder*."""
    environment = {"FLASK_SECRET_KEY": "a secret for tests"}
    environment |= {f"FLASK_{name}": value for name, value in settings.items()}
    with mock.patch.dict(os.environ, environment, clear=True):
        app = demo_app.create_app(instance_path=str(folder))
    app.testing = testing
    return app


def visit(
    demo: Flask, member: str | None = LIN, agent: str | None = PHONE["User-Agent"]
) -> FlaskClient:
    """Return a browser, a phone's by default, signed in unless *member* is None."""
    browser = demo.test_client()
    if agent is not None:
        browser.environ_base["HTTP_USER_AGENT"] = agent
    if member is not None:
        browser.post("/sign-in", data={"member": member})
    return browser


def words(element: Any) -> str:
    """Return the text of an element, in one line."""
    return " ".join(element.get_text(" ").split())


def look(browser: FlaskClient, url: str = "/qa", **options: Any) -> Tag:
    """Return a page; while the demo is checked, come again."""
    for _ in range(1000):
        response = browser.get(url, **options)
        assert response.status_code == 200, response.text
        if "<progress" not in response.text:
            return parse_html(response)
        time.sleep(0.05)
    raise AssertionError("The check does not end.")


def link(demo: Flask, page: str = "product", **options: Any) -> str:
    """Return a link as the shop makes it."""
    with demo.test_request_context():
        return make_link(demo.extensions["xiebao"], page, **options)


# Purchases


def arrival(browser: FlaskClient, entry: Tag) -> str:
    """Click an entry; return the gateway's page."""
    location = browser.get(find_href(entry)).location
    assert location is not None
    return location


def gateway(browser: FlaskClient, entry: str = "product") -> str:
    """Click an entry of the order page; return the gateway's page."""
    return arrival(browser, find_element(browser.get("/"), f"[data-xiebao-entry={entry}]"))


def shown(browser: FlaskClient) -> list[str]:
    """Return what the member's page says of the policies of which the shop has heard."""
    items = parse_html(browser.get("/policies")).select(".policies li")
    return [" ".join(item.text.split()) for item in items if "早先投保" not in item.text]


def number_of(policy: str) -> str:
    """Return the first application number that a policy's text has."""
    return str(re.findall(r"投保单号 (\d+)", policy)[0])


def buy(browser: FlaskClient, entry: str = "product", **form: str) -> str:
    """Buy something; return the application number."""
    pay(browser, gateway(browser, entry), **form)
    return number_of(shown(browser)[0])


def order_page(browser: FlaskClient, number: str) -> str:
    """Click the policy's entry; return the gateway's page of it."""
    items = parse_html(browser.get("/policies")).select(".policies li")
    [item] = [item for item in items if number in item.text]
    return arrival(browser, find_element(item, "a"))


# The console


def kept_events(demo: Flask) -> list[events.Event]:
    """Return what the demo keeps of what happened, newest first."""
    with demo.app_context():
        return list(db.session.scalars(select(events.Event).order_by(events.Event.id.desc())))


def matrix(page: Tag) -> dict[str, dict[str, Tag]]:
    """Return the cells of the console by row and device, and "should" of each row."""
    cells = {}
    for table in page.select("table.matrix"):
        devices = [words(head).rpartition(" ")[0] for head in table.select("thead th")[1:]]
        for line in table.select("tbody tr"):
            name = str(find_element(line, "th").contents[0]).strip()
            cells[name] = dict(zip(("should", *devices), line.select("th, td"), strict=True))
    return cells


def told(demo: Flask, query: str = "") -> list[list[str]]:
    """Return the lines of the console's log, newest first."""
    lines = look(demo.test_client(), f"/qa/events?{query}").select(".events tbody tr")
    return [[words(cell) for cell in line.select("td")] for line in lines]
