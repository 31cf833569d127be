"""The tutorial's shop: it works after each page, and at the end it sells insurance."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.manual.blocks import blocks, grow, load_shop, run, shop_pages
from tests.support import PHONE, accepted, one, pay

PAGES = [page.stem for page in shop_pages()]


@pytest.mark.parametrize("page", PAGES)
def test_the_shop_works_after_each_page(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    grow(folder, page)
    # The check of every entry takes its time: once is enough.
    but = [] if page == PAGES[-1] else ["-k", "not every_entry"]
    run(folder, "pytest", "-q", "-p", "no:cacheprovider", *but)
    run(folder, "flask", "--app", "shop", "init-db")
    said = run(folder, "flask", "--app", "shop", "xiebao", "doctor")
    assert "Errors: 0." in said
    # As the page on the extension says: until the next but one, there are two of them.
    caching = PAGES.index(page) < PAGES.index("caching")
    assert ("Flask-Caching does not look at Vary" in said) == caching


def test_no_block_of_the_tutorial_is_left_out(tmp_path: Path) -> None:
    """Each names its file, and after the last page the shop has every line of each."""
    grow(tmp_path / "site")
    shown = (block for page in shop_pages() for block in blocks(page))
    for block in shown:
        if block.language not in ("python", "html+jinja", "toml"):
            continue
        file = re.findall(r":caption: `(\S+)`", block.options)[0]
        lines = (tmp_path / "site" / file).read_text("utf-8").splitlines()
        assert set(block.code.splitlines()) - {"...", ""} <= set(lines), str(block)


def test_a_member_buys_insurance_and_finds_the_policy(tmp_path: Path) -> None:
    grow(tmp_path / "site")
    app, _ = load_shop(
        tmp_path / "site", TESTING=True, WTF_CSRF_ENABLED=False, SQLALCHEMY_DATABASE_URI="sqlite://"
    )
    for command in ("init-db", "add-samples"):
        app.test_cli_runner().invoke(args=[command])
    browser = app.test_client()
    browser.post("/login", data={"email": "lin@shanye.example", "password": "shanye"})
    card = browser.get("/orders/1", headers=PHONE)
    entry = one(card, "[data-xiebao-entry=product]")
    click = browser.get(str(entry["href"]), headers=PHONE)
    accepted(click.location)
    back = pay(browser, click.location)
    order = browser.get(back, headers=PHONE, follow_redirects=True)
    assert order.request.path == "/orders/1"
    assert "谢谢" in order.text
    policies = browser.get("/orders/", headers=PHONE)
    assert "已出单" in policies.text
    entry = one(policies, "[data-xiebao-entry=policy]")
    accepted(browser.get(str(entry["href"]), headers=PHONE).location)
