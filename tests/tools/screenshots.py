"""Make the pictures of the demo and of the manual: python -m tests.tools.screenshots.

The pictures of the demo are in ``demo_app/screenshots``. Those of the looks, of the catalog's
sections, and of pages with other stylesheets are in ``docs/_static/looks``.
"""

from __future__ import annotations

import io
import logging
import re
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import time_machine
from PIL import Image
from playwright.sync_api import Browser, Page, Route, ViewportSize

import demo_app
from tests.browser.harness import Visit, chromium, create_demo
from tests.browser.hosts import serve_hosts
from tests.support import serve_app

FOLDER = Path(demo_app.__file__).with_name("screenshots")
LOOKS_FOLDER = Path(__file__).parents[2] / "docs/_static/looks"
#: The pages of tests/browser/hosts.py in the pictures of the looks, by the name of the picture.
LOOKS = {
    "plain-light": "a media query",
    "plain-dark": "a media query",
    "tokens": "tokens of a brand",
}
#: The manual's page with the tokens for each framework.
TOKENS_PAGE = Path(__file__).parents[2] / "docs/en/how-to/css-frameworks.md"


class Framework(NamedTuple):
    """A CSS framework. A picture shows a button of the framework beside entries.

    :ivar host: The name of the framework's page in tests/browser/hosts.py.
    :ivar comment: The comment before the framework's design tokens in the manual.
    :ivar button_class: The HTML class of the framework's button.
    """

    host: str
    comment: str
    button_class: str


#: The frameworks in the pictures of the manual, by the name of the picture.
FRAMEWORKS = {
    "bootstrap": Framework("Bootstrap", "Bootstrap 5", "btn btn-primary btn-lg"),
    "bootstrap-dark": Framework("Bootstrap, dark", "Bootstrap 5", "btn btn-primary btn-lg"),
    "vant": Framework("Vant", "Vant 4", "van-button van-button--primary van-button--normal"),
    "vant-dark": Framework(
        "Vant, dark", "Vant 4", "van-button van-button--primary van-button--normal"
    ),
    "tailwind-4": Framework(
        "Tailwind 4", "Tailwind 4", "rounded-lg bg-teal-700 px-4 py-2.5 font-semibold text-white"
    ),
    "pico": Framework("Pico", "Pico 2", ""),
    "bulma": Framework("Bulma", "Bulma 1", "button is-link"),
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


def open_host_page(browser: Browser, address: str, name: str, host: str, part: str) -> Page:
    """Open a page of tests/browser/hosts.py, in dark mode if the picture is called "…-dark"."""
    page = browser.new_page(
        viewport=ViewportSize(width=390, height=100),
        device_scale_factor=2,
        color_scheme="dark" if name.endswith("dark") else "light",
        reduced_motion="reduce",
    )
    page.goto(f"{address}/host/{quote(host)}/{part}", wait_until="load")
    page.locator("h1").evaluate("heading => heading.remove()")
    return page


def save_look_screenshots(browser: Browser, address: str) -> None:
    """Save a screenshot of all looks on each page without a framework."""
    for name, host in LOOKS.items():
        page = open_host_page(browser, address, name, host, "looks")
        save(page.screenshot(full_page=True), LOOKS_FOLDER / f"{name}.png")
        page.close()


def save_framework_screenshots(browser: Browser, address: str) -> None:
    """Save a screenshot of each framework's button beside entries in the framework's colors."""
    for name, framework in FRAMEWORKS.items():
        page = open_host_page(browser, address, name, framework.host, "framework")
        page.locator(".framework").evaluate(
            """(entries, [className, tokens]) => {
                for (const [selector, token, value] of tokens) {
                    const elements = document.querySelectorAll(selector);
                    for (const element of elements) element.style.setProperty(token, value);
                }
                const button = document.createElement("button");
                button.className = className;
                button.textContent = "Pay";
                entries.prepend(button);
            }""",
            [framework.button_class, read_tokens_from_manual(framework.comment)],
        )
        save(page.screenshot(full_page=True), LOOKS_FOLDER / f"{name}.png")
        page.close()


def read_tokens_from_manual(comment: str) -> list[tuple[str, str, str]]:
    """Return the selector, name and value of each token below a comment in the manual."""
    css = TOKENS_PAGE.read_text(encoding="utf-8").partition(f"/* {comment} */")[2]
    css = re.sub(r"/\*.*?\*/", "", re.split(r"\n/\*|```", css)[0])
    return [
        (selector.strip(), name, value)
        for selector, rule in re.findall(r"([^{}]+)\{([^{}]+)\}", css)
        for name, value in re.findall(r"(--xiebao-[\w-]+): (.+);", rule)
    ]


def save_section_screenshots(browser: Browser, address: str) -> None:
    """Save a screenshot of each section of the catalog, in English and without its code."""
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
        serve_app(create_demo(Path(folder), XIEBAO_PUBLIC_URL=ADDRESS)) as address,
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
        save_section_screenshots(chrome[1], address)
        with serve_hosts(Path(folder)) as addresses:
            save_look_screenshots(chrome[1], addresses["en"])
            save_framework_screenshots(chrome[1], addresses["en"])


if __name__ == "__main__":
    main()
