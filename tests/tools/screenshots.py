"""Save the screenshots of the demo and of the manual: ``python -m tests.tools.screenshots``."""

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

from tests.browser.site_styles import serve_styled_pages
from tests.browser.support import DeviceContext, create_demo, launch_chromium
from tests.support import serve_app

ROOT = Path(__file__).parents[2]
DEMO_FOLDER = ROOT / "demo_app/screenshots"
MANUAL_FOLDER = ROOT / "docs/_static/looks"
#: The page of the manual that lists the design tokens for each CSS framework.
TOKENS_PAGE = ROOT / "docs/en/how-to/css-frameworks.md"


class StyledPage(NamedTuple):
    """A test page that shows entries together with a site's own styles.

    :ivar styles: The name of the page in ``tests/browser/site_styles.py``.
    :ivar comment: The CSS comment above the framework's design tokens in the manual. If it is
        empty, the page has no CSS framework and shows all looks.
    :ivar button_class: The CSS classes of the framework's own button, which is shown beside the
        entries.
    """

    styles: str
    comment: str = ""
    button_class: str = ""


VANT_BUTTON = "van-button van-button--primary van-button--normal"
TAILWIND_BUTTON = "rounded-lg bg-teal-700 px-4 py-2.5 font-semibold text-white"
#: The styled pages, by the name of the screenshot. If the name ends in "-dark", the page is in dark
#: mode.
STYLED_PAGES = {
    "plain-light": StyledPage("dark by media query"),
    "plain-dark": StyledPage("dark by media query"),
    "tokens": StyledPage("brand tokens"),
    "bootstrap": StyledPage("Bootstrap", "Bootstrap 5", "btn btn-primary btn-lg"),
    "bootstrap-dark": StyledPage("Bootstrap, dark", "Bootstrap 5", "btn btn-primary btn-lg"),
    "vant": StyledPage("Vant", "Vant 4", VANT_BUTTON),
    "vant-dark": StyledPage("Vant, dark", "Vant 4", VANT_BUTTON),
    "tailwind-4": StyledPage("Tailwind 4", "Tailwind 4", TAILWIND_BUTTON),
    "pico": StyledPage("Pico", "Pico 2"),
    "bulma": StyledPage("Bulma", "Bulma 1", "button is-link"),
}
#: The sections of the demo's component catalog that the manual shows.
SECTIONS = ("variants", "states", "cards")
MAX_BYTES = 200_000
#: The fixed time and URL of the demo. QR codes and links depend on both, so a new screenshot shows
#: the same codes.
TIME = datetime(2027, 1, 1, tzinfo=UTC)
PUBLIC_URL = "https://shop.example"


def save_screenshot(screenshot: bytes, file: Path) -> None:
    """Save a screenshot with 256 colors, because this reduces its size to a third."""
    Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(256).save(file, optimize=True)
    assert file.stat().st_size < MAX_BYTES, f"{file.name} is too large"


def save_demo_screenshots(page: Page, address: str) -> None:
    """Save the screenshots of the demo on a phone. A member must be logged in."""
    page.goto(f"{address}/widgets/")
    page.locator(".controls").evaluate("controls => controls.scrollIntoView()")
    save_screenshot(page.screenshot(), DEMO_FOLDER / "looks-phone.png")

    page.goto(address)
    # Load all images now, because the browser loads some images only after scrolling.
    page.evaluate(
        "Promise.all([...document.images].map("
        "image => { image.loading = 'eager'; return image.decode(); }))"
    )
    page.evaluate("scrollTo(0, 150)")  # Show the whole insurance card.
    save_screenshot(page.screenshot(), DEMO_FOLDER / "shop-phone.png")

    page.goto(address)
    page.goto(address + str(page.get_attribute("#home", "href")))
    save_screenshot(page.screenshot(full_page=True), DEMO_FOLDER / "handoff-phone.png")


def fulfill_from_demo(address: str, route: Route) -> None:
    """Answer a request to the public URL with the demo's response.

    :param address: The URL of the local server for the demo.
    """
    route.fulfill(response=route.fetch(url=route.request.url.replace(PUBLIC_URL, address)))


def save_styled_page_screenshots(browser: Browser, address: str) -> None:
    """Save a screenshot of each styled page for the manual.

    On pages with a CSS framework, the entries have the design tokens that the manual recommends.
    """
    for name, (styles, comment, button_class) in STYLED_PAGES.items():
        page = browser.new_page(
            viewport=ViewportSize(width=390, height=100),
            device_scale_factor=2,
            color_scheme="dark" if name.endswith("dark") else "light",
            reduced_motion="reduce",
        )
        part = "framework" if comment else "looks"
        page.goto(f"{address}/page/{quote(styles)}/{part}", wait_until="load")
        page.locator("h1").evaluate("heading => heading.remove()")
        if comment:
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
                [button_class, read_tokens_from_manual(comment)],
            )
        save_screenshot(page.screenshot(full_page=True), MANUAL_FOLDER / f"{name}.png")
        page.close()


def read_tokens_from_manual(comment: str) -> list[tuple[str, str, str]]:
    """Return the selector, name and value of each design token below a comment in the manual."""
    css = TOKENS_PAGE.read_text(encoding="utf-8").partition(f"/* {comment} */")[2]
    css = re.sub(r"/\*.*?\*/", "", re.split(r"\n/\*|```", css)[0])
    return [
        (selector.strip(), name, value)
        for selector, rule in re.findall(r"([^{}]+)\{([^{}]+)\}", css)
        for name, value in re.findall(r"(--xiebao-[\w-]+): (.+);", rule)
    ]


def save_section_screenshots(browser: Browser, address: str) -> None:
    """Save screenshots of the catalog's sections for the manual, in English and without code."""
    page = browser.new_page(
        viewport=ViewportSize(width=840, height=1200), device_scale_factor=1.5, color_scheme="light"
    )
    page.goto(f"{address}/widgets/?lang=en", wait_until="load")
    page.evaluate("document.querySelectorAll('.controls, .source').forEach(part => part.remove())")
    for name in SECTIONS:
        section = page.locator(f"section[aria-labelledby={name}]")
        save_screenshot(section.screenshot(), MANUAL_FOLDER / f"{name}.png")
    page.close()


def main() -> None:
    """Save the screenshots of the demo and of the manual."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    DEMO_FOLDER.mkdir(exist_ok=True)
    MANUAL_FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        time_machine.travel(TIME, tick=False),
        serve_app(create_demo(Path(folder), XIEBAO_PUBLIC_URL=PUBLIC_URL)) as address,
        launch_chromium() as (playwright, browser),
    ):
        screen = ViewportSize(width=360, height=720)
        device = DeviceContext(
            playwright, browser, "desktop", viewport=screen, device_scale_factor=2
        )
        device.page.route(f"{PUBLIC_URL}/**", partial(fulfill_from_demo, address))
        device.log_in(address)
        save_demo_screenshots(device.page, address)
        assert not device.errors, device.errors
        device.close()
        save_section_screenshots(browser, address)
        with serve_styled_pages(Path(folder)) as addresses:
            save_styled_page_screenshots(browser, addresses["en"])


if __name__ == "__main__":
    main()
