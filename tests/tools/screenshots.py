"""Make the pictures of the demo and of the manual: python -m tests.tools.screenshots.

The pictures of the demo are in ``demo_app/screenshots``. Those of the looks on pages with other
stylesheets are in ``docs/_static/looks``.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import time_machine
from PIL import Image
from playwright.sync_api import Browser, Page, Route, ViewportSize

import demo_app
from tests.browser.harness import Visit, chromium, create_demo
from tests.browser.hosts import serve_hosts
from tests.support import serve

FOLDER = Path(demo_app.__file__).with_name("screenshots")
LOOKS_FOLDER = Path(__file__).parents[2] / "docs/_static/looks"
#: The pages of other frameworks in the manual, by the names of the pictures.
FRAMEWORKS = {
    "plain-light": "a media query",
    "plain-dark": "a media query",
    "cards-light": "a media query",
    "cards-dark": "a media query",
    "tokens": "tokens of a brand",
    "bootstrap": "Bootstrap",
    "bootstrap-dark": "Bootstrap, dark",
    "tailwind-4": "Tailwind 4",
    "vant": "Vant",
    "vant-dark": "Vant, dark",
    "pico": "Pico",
    "bulma": "Bulma",
}
#: The sections of the demo's catalog in the manual.
SECTIONS = ("variants", "states", "cards")
LARGEST = 200_000  # bytes
#: In codes and links there is a time, and the address of the site.
TIME = datetime(2027, 1, 1, tzinfo=UTC)
ADDRESS = "https://shop.example"


def looks(page: Page, address: str) -> bytes:
    page.goto(f"{address}/widgets/")
    page.locator(".controls").evaluate("controls => controls.scrollIntoView()")
    return page.screenshot()


def shop(page: Page, address: str) -> bytes:
    page.goto(address)
    # Pictures come when somebody scrolls near them.
    page.evaluate(
        "Promise.all([...document.images].map("
        "image => { image.loading = 'eager'; return image.decode(); }))"
    )
    page.evaluate("scrollTo(0, 150)")  # so that the picture contains the whole card
    return page.screenshot()


def handoff(page: Page, address: str) -> bytes:
    page.goto(address)
    page.goto(address + str(page.get_attribute("#home", "href")))
    return page.screenshot(full_page=True)


def serve_from(address: str, route: Route) -> None:
    """Answer what is asked of the shop's outside address."""
    route.fulfill(response=route.fetch(url=route.request.url.replace(ADDRESS, address)))


def take_looks(browser: Browser, addresses: Mapping[str, str]) -> None:
    """Take a picture of the looks on the page of each framework."""
    for name, host in FRAMEWORKS.items():
        page = browser.new_page(
            viewport=ViewportSize(width=390, height=640),
            device_scale_factor=2,
            color_scheme="dark" if name.endswith("dark") else "light",
        )
        part = "cards" if name.startswith("cards") else "looks"
        page.goto(f"{addresses['en']}/host/{quote(host)}/{part}", wait_until="load")
        page.locator("h1").evaluate("heading => heading.remove()")
        save(page.screenshot(full_page=True), LOOKS_FOLDER / f"{name}.png")
        page.close()


def take_sections(browser: Browser, address: str) -> None:
    """Take a picture of each section of the catalog, in English and without code."""
    page = browser.new_page(
        viewport=ViewportSize(width=840, height=1200), device_scale_factor=1.5, color_scheme="light"
    )
    page.goto(f"{address}/widgets/?lang=en", wait_until="load")
    page.evaluate("document.querySelectorAll('.controls, .source').forEach(part => part.remove())")
    for name in SECTIONS:
        section = page.locator(f"section[aria-labelledby={name}]")
        save(section.screenshot(), LOOKS_FOLDER / f"{name}.png")
    page.close()


def save(screenshot: bytes, file: Path) -> None:
    """Write the picture with a palette, which takes a third of the space."""
    Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(256).save(file, optimize=True)
    assert file.stat().st_size < LARGEST, f"{file.name} is too large"


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    FOLDER.mkdir(exist_ok=True)
    LOOKS_FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        time_machine.travel(TIME, tick=False),
        serve(create_demo(Path(folder), XIEBAO_PUBLIC_URL=ADDRESS)) as address,
        chromium() as chrome,
    ):
        screen = ViewportSize(width=360, height=720)
        person = Visit(*chrome, "desktop", viewport=screen, device_scale_factor=2)
        # What the shop calls itself outside is here.
        person.page.route(f"{ADDRESS}/**", partial(serve_from, address))
        person.sign_in(address)
        for picture in (looks, shop, handoff):
            save(picture(person.page, address), FOLDER / f"{picture.__name__}-phone.png")
        assert not person.troubles, person.troubles
        person.close()
        take_sections(chrome[1], address)
        with serve_hosts(Path(folder)) as addresses:
            take_looks(chrome[1], addresses)


if __name__ == "__main__":
    main()
