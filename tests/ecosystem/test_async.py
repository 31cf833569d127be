"""Loaders and receivers that are coroutines, as Flask's own views may be."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import entry_clicked, entry_refused, payment_returned
from tests.ecosystem.shop import ONE_WAY, Shop, paid_url, remembered
from tests.ecosystem.sites import asynchronous
from tests.support import PC, PHONE


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_loader_may_wait_for_what_it_asks(name: str) -> None:
    async def load() -> str | None:
        member = remembered()
        await asyncio.sleep(0)
        return member

    shop = Shop(ONE_WAY, loader=load)
    browser = shop.browser(PC, signed_in=name)
    click = browser.get(browser.entries()["product"])
    assert click.location == shop.gateway_url("product", name, 2)


@pytest.mark.parametrize("said", [None, "", 0, False])
def test_nobody_is_nobody_for_a_coroutine_too(said: object) -> None:
    async def load() -> object:
        return said

    shop = Shop(ONE_WAY, loader=load)
    browser = shop.browser(PHONE)
    entries = browser.entries()
    assert "policy" not in entries
    assert browser.get(entries["product"]).status_code == 401


def test_a_coroutine_that_fails_is_an_error_and_never_a_click() -> None:
    async def load() -> str:
        raise ConnectionError("the database is down")

    shop = Shop(ONE_WAY, loader=load)
    for device in (PHONE, PC):
        answer = shop.browser(device).get(shop.link("home"))
        assert answer.status_code == 500
        assert "Location" not in answer.headers
    assert not shop.clicks


def test_receivers_may_be_coroutines_and_hear_everything_once(scene: ExitStack) -> None:
    shop = asynchronous(ONE_WAY, scene)
    heard: list[str] = []

    async def clicked(_app: Flask, **values: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"{values['member']} clicked")

    async def returned(_app: Flask, **values: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"{values['member']} returned")

    async def refused(_app: Flask, **values: Any) -> None:
        await asyncio.sleep(0)
        heard.append(f"{values['reason']}")

    browser = shop.browser(PHONE, signed_in="alice")
    with (
        entry_clicked.connected_to(clicked, shop.app),
        payment_returned.connected_to(returned, shop.app),
        entry_refused.connected_to(refused, shop.app),
    ):
        click = browser.get(browser.entries()["order"])
        browser.get(paid_url(click))
        browser.get("/xiebao/product/nonsense")

    assert heard == ["m_7Qk2vX9rT4 clicked", "m_7Qk2vX9rT4 returned", "invalid_link"]


def test_a_coroutine_of_a_receiver_that_fails_stops_nobody(
    scene: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    shop = asynchronous(ONE_WAY, scene)

    async def fail(_app: Flask, **_values: Any) -> None:
        raise ConnectionError("statistics are down")

    browser = shop.browser(PHONE, signed_in="alice")
    with entry_clicked.connected_to(fail, shop.app):
        click = browser.get(browser.entries()["product"])
    assert click.location == shop.gateway_url("product", "alice", 1)
    assert "statistics are down" in caplog.text
