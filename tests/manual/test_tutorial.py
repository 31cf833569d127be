"""The tutorial's shop, as it is after the last page: it works, and it sells insurance.

As it is after each of the other pages, it is in ``tests/deep/test_tutorial.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import blocks, grow, load_shop, run, shop_pages
from tests.support import PHONE, assert_gateway_accepts, find_element, find_href, pay

PAGES = [page.stem for page in shop_pages()]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tutorial") / "site"
    grow(folder)
    return folder


def works_after(page: str, folder: Path) -> None:
    """Have the shop run its own tests, make its database, and be looked at by the doctor."""
    # The check of every entry takes its time: once is enough.
    but = [] if page == PAGES[-1] else ["-k", "not every_entry"]
    run(folder, "pytest", "-q", "-p", "no:cacheprovider", *but)
    run(folder, "flask", "--app", "shop", "init-db")
    said = run(folder, "flask", "--app", "shop", "xiebao", "doctor")
    assert "Errors: 0." in said
    # As the page on the extension says: until the next but one, there are two of them.
    caching = PAGES.index(page) < PAGES.index("caching")
    assert ("Flask-Caching ignores the Vary header" in said) == caching


def test_the_shop_works_after_the_last_page(shop: Path) -> None:
    works_after(PAGES[-1], shop)


def test_no_block_of_the_tutorial_is_left_out(shop: Path) -> None:
    """Each names its file, and after the last page the shop has every line of each."""
    for block in (block for page in shop_pages() for block in blocks(page)):
        if block.language in ("python", "html+jinja", "toml"):
            [file] = re.findall(r":caption: `(\S+)`", block.options)
            lines = (shop / file).read_text("utf-8").splitlines()
            assert set(block.code.splitlines()) - {"...", ""} <= set(lines), str(block)


def test_a_member_buys_insurance_and_finds_the_policy(shop: Path) -> None:
    app, _ = load_shop(
        shop, TESTING=True, WTF_CSRF_ENABLED=False, SQLALCHEMY_DATABASE_URI="sqlite://"
    )
    for command in ("init-db", "add-samples"):
        app.test_cli_runner().invoke(args=[command])
    browser = app.test_client()
    browser.post("/login", data={"email": "lin@shanye.example", "password": "shanye"})
    card = find_element(browser.get("/orders/1", headers=PHONE), "[data-xiebao-entry=product]")
    click = browser.get(find_href(card), headers=PHONE)
    assert_gateway_accepts(click.location)
    back = pay(browser, str(click.location))
    order = browser.get(back, headers=PHONE, follow_redirects=True)
    assert order.request.path == "/orders/1"
    assert "谢谢" in order.text
    assert "已投保" in order.text
    assert "去投保" not in order.text
    policies = browser.get("/orders/", headers=PHONE)
    assert "保障中" in policies.text
    policy = find_element(policies, "[data-xiebao-entry=policy]")
    policy_click = browser.get(find_href(policy), headers=PHONE)
    assert_gateway_accepts(policy_click.location)
    surrender = browser.post(str(policy_click.location), data={"do": "surrender"})
    assert surrender.status_code == 303
    assert "去投保" in browser.get("/orders/1", headers=PHONE).text
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()
