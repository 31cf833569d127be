"""Sites on a real port, Debian's Chromium and the devices it plays."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from flask_xiebao import Xiebao
from tests.demo import support
from tests.support import INSURE_NUM, PRODUCT_CODE

#: Where `make test` has npm install what package.json names.
MODULES = Path(__file__).parents[2] / ".venv/npm/node_modules"

MEMBER, NAME = "m_7Qk2vX9rT4", "林晓"

#: Of the pages to which the entries lead: their titles, and the titles of their handoffs.
TITLES = {"product": "产品详情页", "home": "携保首页", "policy": "保单详情页"}
HANDOFFS = {"home": "用手机打开保险商城", "policy": "用手机查看保单"}

_REFERENCES = {"product": ("caseCode", PRODUCT_CODE), "policy": ("insureNum", INSURE_NUM)}

_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: Device: the name of Playwright's descriptor, and what is different from it.
DEVICES: dict[str, tuple[str, dict[str, Any]]] = {
    "desktop": ("Desktop Chrome", {}),
    "iPhone": ("iPhone 15", {}),
    "Pixel": ("Pixel 7", {}),
    "iPad": ("iPad (gen 7)", {}),
    "iPad as a Mac": (
        "iPad (gen 7)",
        {
            "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
            "is_mobile": False,
        },
    ),
    "WeChat": (
        "iPhone 15",
        {
            "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
            " AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
            " MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN"
        },
    ),
    "HarmonyOS NEXT": (
        "Pixel 7",
        {
            "user_agent": "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like"
            " Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile"
        },
    ),
}
#: What an iPad says that asks for desktop pages cannot be told from a Mac.
PCS = ("desktop", "iPad as a Mac")


@dataclass
class Demo:
    """The demo, in service."""

    app: Flask
    xiebao: Xiebao
    address: str


#: The demo in service, as *settings* in the environment make it; it writes to a folder.
create_demo = partial(support.create_demo, testing=False, XIEBAO_STRICT="true")


def one_of(*params: Any, ids: Any = None) -> Any:
    """Return a fixture that is each of these in turn."""
    return pytest.fixture(params=params, ids=ids)(lambda request: request.param)


def add_icon(app: Flask) -> None:
    """Have a site the icon that browsers ask for."""
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))


@contextlib.contextmanager
def chromium() -> Iterator[tuple[Playwright, Browser]]:
    """Start the browser."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        yield playwright, browser
        browser.close()


class Visit:
    """One person with one device: a browser context, and whatever went wrong in it.

    :param options: Playwright's, for the context; they go before the device's.
    """

    def __init__(
        self, playwright: Playwright, browser: Browser, device: str, **options: Any
    ) -> None:
        name, changes = DEVICES[device]
        descriptor = dict(playwright.devices[name])
        plays_chrome = descriptor.pop("default_browser_type") == "chromium"
        self.context = browser.new_context(**descriptor | changes | {"locale": "zh-CN"} | options)
        if not plays_chrome or "user_agent" in changes:  # then Chromium's hints would be a lie
            hints = ("Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
            self.context.set_extra_http_headers(dict.fromkeys(hints, ""))
        self.has_touch: bool = descriptor["has_touch"]
        self.context.set_default_timeout(10_000)
        self.troubles: list[str] = []
        # What the policy forbids becomes an error in the console, which is one trouble more.
        self.context.add_init_script(
            "document.addEventListener('securitypolicyviolation', event =>"
            " console.error(`CSP: ${event.violatedDirective} of ${event.blockedURI}`))"
        )
        self.context.on("console", self._note)
        self.context.on("weberror", lambda event: self.troubles.append(str(event.error)))
        self.context.on("requestfailed", self._note_failure)
        self.page: Page = self.context.new_page()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.text} ({message.location['url']})")

    def _note_failure(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # by a navigation
            self.troubles.append(f"{request.failure} ({request.url})")

    def sign_in(self, address: str, member: str = MEMBER) -> None:
        """Sign in to the demo without a look at its pages."""
        self.context.request.post(f"{address}/sign-in", form={"member": member}, max_redirects=0)

    def expect_refusal(self, status: int) -> None:
        """Forget that the console tells of pages with this *status*; there has to be one."""
        told = [trouble for trouble in self.troubles if f"with a status of {status} " in trouble]
        assert told, f"no page with a status of {status}"
        self.troubles = [trouble for trouble in self.troubles if trouble not in told]

    def close(self) -> None:
        """Close every page."""
        self.context.close()


Visits = Callable[..., Visit]
Demos = Callable[..., Demo]


def press(visit: Visit, target: Locator, *, new_tab: bool = False) -> Page:
    """Click or tap, as the device does; return the page that opens."""
    act = target.tap if visit.has_touch else target.click
    if not new_tab:
        act()
        return target.page
    with target.page.expect_popup() as popup:
        act()
    return popup.value


def scan(seen: Page | Locator) -> str | None:
    """Return what a camera reads off the screen, or off a part of it."""
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(seen.screenshot())))
    return codes[0].text if codes else None


def expect_accepted(page: Page, entry: str, platform: str, member: str = MEMBER) -> None:
    """Expect that the gateway was asked for this, and accepted it."""
    expect(page.locator(".xiebao-verdict")).to_have_text(f"已接受：{TITLES[entry]}")
    received = page.eval_on_selector_all(
        ".xiebao-parameters tbody tr",
        "rows => Object.fromEntries(rows.map(({cells}) =>"
        " [cells[0].textContent, cells[1].textContent]))",
    )
    assert received["platform"] == platform
    assert received["partnerUniqKey"] == member
    if entry in _REFERENCES:
        name, value = _REFERENCES[entry]
        assert received[name] == value
