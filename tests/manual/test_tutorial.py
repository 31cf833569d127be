"""Tests for the finished shop of the tutorial, after the last page.

``tests/deep/test_tutorial.py`` tests the unfinished shop after each of the other pages.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import (
    find_blocks,
    find_tutorial_pages,
    grow_shop,
    load_shop,
    run_module,
    run_tests,
)
from tests.support import PHONE, assert_gateway_accepts, find_element, find_href, pay

PAGES = [page.stem for page in find_tutorial_pages()]


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tutorial's finished shop."""
    folder = tmp_path_factory.mktemp("tutorial") / "site"
    grow_shop(folder)
    return folder


def assert_shop_works(folder: Path, page: str) -> None:
    """Assert that the shop's own tests pass, and that ``flask xiebao doctor`` finds no error.

    :param page: the last page of the tutorial that the shop follows.
    """
    run_tests(
        folder,
        # This plugin sets a fast method for password hashes, because hashing would take most of the
        # time of the tests.
        {
            "cheap_passwords.py": "from werkzeug.security import generate_password_hash\n"
            'generate_password_hash.__defaults__ = ("pbkdf2:sha256:1", 16)\n'
        },
        *("-p", "cheap_passwords"),
        # The shop's test of every entry is slow, so run this test only after the last page of the
        # tutorial.
        *("-k", "" if page == PAGES[-1] else "not every_entry"),
    )
    run_module(folder, "flask", "--app", "shop", "init-db")
    report = run_module(folder, "flask", "--app", "shop", "xiebao", "doctor")
    assert "Errors: 0." in report
    # Until the tutorial's page "caching", the shop caches one front page for all devices, so the
    # doctor reports the cache.
    assert ("Flask-Caching ignores the Vary header" in report) == (
        PAGES.index(page) < PAGES.index("caching")
    )


@pytest.mark.requires("flask_caching", "flask_login", "flask_sqlalchemy", "flask_wtf", "httpx")
def test_finished_tutorial_shop_passes_tests_and_doctor(shop_folder: Path) -> None:
    assert_shop_works(shop_folder, PAGES[-1])


def test_finished_tutorial_shop_has_every_line_of_tutorial(shop_folder: Path) -> None:
    blocks = [
        block
        for page in find_tutorial_pages()
        for block in find_blocks(page, "python", "html+jinja", "toml")
    ]
    for block in blocks:
        [file] = re.findall(r":caption: `(\S+)`", block.options)
        lines = (shop_folder / file).read_text("utf-8").splitlines()
        assert set(block.code.splitlines()) - {"...", ""} <= set(lines), str(block)


def test_finished_tutorial_shop_shows_purchase_and_surrender(shop_folder: Path) -> None:
    app, _ = load_shop(
        shop_folder, TESTING=True, WTF_CSRF_ENABLED=False, SQLALCHEMY_DATABASE_URI="sqlite://"
    )
    for command in ("init-db", "add-samples"):
        app.test_cli_runner().invoke(args=[command])
    browser = app.test_client()
    browser.environ_base["HTTP_USER_AGENT"] = PHONE["User-Agent"]
    browser.post("/login", data={"email": "lin@shanye.example", "password": "shanye"})

    click = browser.get(
        find_href(find_element(browser.get("/orders/1"), "[data-xiebao-entry=product]"))
    )
    assert_gateway_accepts(click)
    order = browser.get(pay(browser, click.location or ""), follow_redirects=True)
    assert order.request.path == "/orders/1"
    assert "谢谢" in order.text
    assert "已投保" in order.text
    assert "去投保" not in order.text

    orders = browser.get("/orders/")
    assert "保障中" in orders.text
    click = browser.get(find_href(find_element(orders, "[data-xiebao-entry=policy]")))
    assert_gateway_accepts(click)
    assert browser.post(click.location or "", data={"do": "surrender"}).status_code == 303
    assert "去投保" in browser.get("/orders/1").text
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()
