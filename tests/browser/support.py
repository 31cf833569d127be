"""Helpers for tests in Chromium: the browser, the emulated devices, the demo and the simulator."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from flask_xiebao import Xiebao
from tests.demo import support
from tests.qr import decode_qr_code
from tests.requirements import find_program
from tests.support import INSURE_NUM, PRODUCT_CODE

#: The id and the name of one of the demo's two members.
MEMBER, MEMBER_NAME = "m_7Qk2vX9rT4", "林晓"
#: The id of the demo's second member.
OTHER_MEMBER = "m_b81TzPwE6c"

#: The codes for phones and for PCs in the parameter ``platform`` of gateway URLs.
H5, PC = "1", "2"

#: One row per gateway page: its name, and its title in the gateway simulator.
GATEWAY_TITLES = {"product": "产品详情页", "home": "携保首页", "policy": "保单详情页"}
#: One row per gateway page that opens only on phones: its name, and the title of the handoff page
#: that a PC shows instead.
HANDOFF_TITLES = {"home": "用手机打开保险商城", "policy": "用手机查看保单"}

#: One row per entry: its name, and the parameter of the gateway URL that specifies the product or
#: the policy.
_REFERENCES = {
    "product": {"caseCode": PRODUCT_CODE},
    "home": {},
    "policy": {"insureNum": INSURE_NUM},
}

_CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: One row per emulated device: its name, the name of its model in Playwright, and the options that
#: differ from the model's.
DEVICES: dict[str, tuple[str, dict[str, Any]]] = {
    "desktop": ("Desktop Chrome", {}),
    "iPhone": ("iPhone 15", {}),
    "Pixel": ("Pixel 7", {}),
    "iPad": ("iPad (gen 7)", {}),
    "iPad with desktop pages": (
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
#: The devices that the extension treats as PCs. An iPad that requests desktop pages is one of them,
#: because it has the User-Agent of a Mac.
PC_DEVICES = ("desktop", "iPad with desktop pages")

# Turbo logs this text if a page requires a full page load, as the extension's pages do.
_TURBO_MESSAGE = "is performing a full page visit due to turbo-visit-control"


class Demo(NamedTuple):
    """A running demo app, its extension and its URL."""

    app: Flask
    xiebao: Xiebao
    url: str


#: A function that returns the demo app. It accepts a folder for the app's files, and settings as
#: keyword arguments.
create_demo = partial(support.create_demo, testing=False, XIEBAO_STRICT="true")


def parametrized_fixture(*params: Any, ids: Any = None) -> Any:
    """Return a fixture with these values. Each test that uses the fixture runs once per value.

    Modules of tests/deep/browser import the tests and define a fixture with the same name, so that
    the tests also run with other values.
    """
    return pytest.fixture(params=params, ids=ids)(lambda request: request.param)


def add_favicon(app: Flask) -> None:
    """Serve an empty favicon, because the browser would report a missing favicon as an error."""
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))


@contextlib.contextmanager
def launch_chromium() -> Iterator[tuple[Playwright, Browser]]:
    """Start Playwright and Chromium, and stop both when the context ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"), args=_CHROMIUM_ARGS
        )
        yield playwright, browser
        browser.close()


class DeviceContext:
    """A browser context that emulates a device and collects the errors of its pages.

    :param device: a key of :data:`DEVICES`.
    :param options: options of Playwright's ``new_context()``, which override those of the device.
    :ivar page: the first page of the context.
    :ivar errors: warnings and errors in the console, uncaught exceptions, violations of the
        Content-Security-Policy, and failed requests.
    """

    def __init__(
        self, playwright: Playwright, browser: Browser, device: str, **options: Any
    ) -> None:
        name, overrides = DEVICES[device]
        descriptor = dict(playwright.devices[name])
        is_chromium = descriptor.pop("default_browser_type") == "chromium"
        self.context = browser.new_context(**descriptor | overrides | {"locale": "zh-CN"} | options)
        if not is_chromium or "user_agent" in overrides:
            # Send no client hints, because the client hints of Chromium would contradict the
            # device's User-Agent.
            hints = ("Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
            self.context.set_extra_http_headers(dict.fromkeys(hints, ""))
        self._has_touch: bool = descriptor["has_touch"]
        self.context.set_default_timeout(10_000)
        self.errors: list[str] = []
        self.context.add_init_script(
            "document.addEventListener('securitypolicyviolation', event =>"
            " console.error(`CSP: ${event.violatedDirective} of ${event.blockedURI}`))"
        )
        self.context.on("console", self._add_console_error)
        self.context.on("weberror", lambda event: self.errors.append(str(event.error)))
        self.context.on("requestfailed", self._add_failed_request)
        self.page: Page = self.context.new_page()

    def _add_console_error(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} ({message.location['url']})")

    def _add_failed_request(self, request: Request) -> None:
        # A navigation aborts the page's unfinished requests, so an aborted request is no error.
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"{request.failure} ({request.url})")

    def log_in(self, url: str, member: str = MEMBER) -> None:
        """Log in to the app at this URL without opening a page."""
        self.context.request.post(f"{url}/sign-in", form={"member": member}, max_redirects=0)

    def tap_or_click(self, target: Locator, *, new_tab: bool = False) -> Page:
        """Tap or click an element, depending on the device, and return the page that opens.

        :param new_tab: True to wait for a new tab, and return its page.
        """
        with target.page.expect_popup() if new_tab else contextlib.nullcontext() as popup:
            (target.tap if self._has_touch else target.click)()
        return popup.value if popup else target.page

    def assert_status_in_console(self, status: int) -> None:
        """Assert that the console has reported this response status, and remove the report."""
        text = f"with a status of {status} "
        reports = [error for error in self.errors if text in error]
        assert reports, f"The console reports no response with the status {status}."
        self.errors = [error for error in self.errors if error not in reports]

    def assert_no_errors(self) -> None:
        """Assert that the pages had no errors since the last call."""
        errors, self.errors = self.errors, []
        assert [error for error in errors if _TURBO_MESSAGE not in error] == []

    def close(self) -> None:
        """Close all pages of the context."""
        self.context.close()


def read_qr_code(target: Page | Locator) -> str | None:
    """Return the text of the QR code in a screenshot, or None if no QR code can be decoded."""
    return decode_qr_code(Image.open(io.BytesIO(target.screenshot())))


def assert_gateway_accepted(page: Page, entry: str, platform: str, member: str = MEMBER) -> None:
    """Assert that the simulator shows a gateway page and received the expected parameters.

    :param entry: "product", "home" or "policy".
    """
    expect(page.locator(".xiebao-verdict")).to_have_text(f"已接受：{GATEWAY_TITLES[entry]}")
    received = page.eval_on_selector_all(
        ".xiebao-parameters tbody tr",
        "rows => Object.fromEntries(rows.map(({cells}) =>"
        " [cells[0].textContent, cells[1].textContent]))",
    )
    expected = {"platform": platform, "partnerUniqKey": member, **_REFERENCES[entry]}
    assert {name: received[name] for name in expected} == expected
