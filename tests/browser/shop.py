"""A test shop whose pages use HTMX, Turbo or neither, and a page object for the shop.

To test another way to use HTMX or Turbo, add a row to ``FRONTENDS``.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from flask import Flask, Response, redirect, render_template, request, session
from playwright.sync_api import Page, expect
from werkzeug.wrappers import Response as AnyResponse

from demo_app.logs import mask_sign
from flask_xiebao import Xiebao
from flask_xiebao.testing import GatewaySimulator
from tests.browser.support import (
    HANDOFF_TITLES,
    OTHER_MEMBER,
    PC,
    DeviceContext,
    add_favicon,
    assert_gateway_accepted,
)
from tests.requirements import find_npm_packages
from tests.support import CONFIG, INSURE_NUM, PRODUCT_CODE, SentSignals, serve_app


class Frontend(NamedTuple):
    """The JavaScript libraries and the markup of a test shop's pages.

    :param scripts: the script elements in the head.
    :param body: the HTML of the body, with ``%s`` at the place of the content.
    :param attributes: more HTML attributes of each entry.
    :param fetches_on_hover: True if the scripts request a link when the mouse is over its entry.
    """

    scripts: str = ""
    body: str = "<body>%s</body>"
    attributes: dict[str, Any] = {}  # noqa: RUF012 - The dict is never changed.
    fetches_on_hover: bool = False


_HTMX_2 = '<script src="/scripts/htmx.org/dist/htmx.min.js"></script>'
_HTMX_2_PRELOAD = '<script src="/scripts/htmx-ext-preload/dist/preload.min.js"></script>'
_HTMX_4 = '<script src="/scripts/htmx-4/dist/htmx.min.js"></script>'
_HTMX_4_PRELOAD = '<script src="/scripts/htmx-4/dist/ext/hx-preload.min.js"></script>'
_TURBO = '<script src="/scripts/@hotwired/turbo/dist/turbo.es2017-esm.js" type="module"></script>'

#: One row per frontend: its name, its scripts and its markup.
FRONTENDS = {
    "plain": Frontend(),
    "htmx 2": Frontend(_HTMX_2, '<body hx-boost="true">%s</body>'),
    "htmx 2 with target": Frontend(
        _HTMX_2,
        '<body><div hx-boost="true" hx-target="#content" hx-select="#content" hx-swap="outerHTML">'
        '<div id="content">%s</div></div></body>',
    ),
    "htmx 2 with preload": Frontend(
        _HTMX_2 + _HTMX_2_PRELOAD,
        '<body hx-boost="true" hx-ext="preload">%s</body>',
        {"preload": "mouseover"},
        fetches_on_hover=True,
    ),
    # In HTMX 4, elements inherit an attribute only if its name has the suffix ":inherited".
    "htmx 4": Frontend(_HTMX_4, '<body hx-boost:inherited="true">%s</body>'),
    "htmx 4 with target": Frontend(
        _HTMX_4,
        '<body><div hx-boost:inherited="true" hx-target:inherited="#content"'
        ' hx-select:inherited="#content" hx-swap:inherited="outerHTML">'
        '<div id="content">%s</div></div></body>',
    ),
    "htmx 4 with preload": Frontend(
        _HTMX_4 + _HTMX_4_PRELOAD,
        '<body hx-boost:inherited="true">%s</body>',
        {"hx-preload": "mouseenter"},
        fetches_on_hover=True,
    ),
    "turbo": Frontend(_TURBO, fetches_on_hover=True),
    "turbo with preload": Frontend(
        _TURBO, attributes={"data-turbo-preload": True}, fetches_on_hover=True
    ),
    "turbo frame": Frontend(
        _TURBO,
        '<body><turbo-frame id="content">%s</turbo-frame></body>',
        fetches_on_hover=True,
    ),
    "turbo frame with history": Frontend(
        _TURBO,
        '<body><turbo-frame id="content" data-turbo-action="advance">%s</turbo-frame></body>',
        fetches_on_hover=True,
    ),
}


#: One item per request for a link: the entry, and whether HTMX or Turbo has sent the request.
LinkRequests = list[tuple[str, bool]]


@contextlib.contextmanager
def serve_shop(
    frontend: str,
    *,
    gateway_elsewhere: bool = False,
    device_markup: bool = True,
    script: bool = False,
    extend: Callable[[Flask], object] = lambda _: None,
) -> Iterator[tuple[str, LinkRequests]]:
    """Serve a test shop with a gateway simulator until the context ends.

    The context manager yields the shop's URL and a list of the requests for links. Each new request
    for a link is appended to the list.

    :param frontend: a key of :data:`FRONTENDS`.
    :param gateway_elsewhere: True to serve the simulator on another origin. By default, the
        simulator is a blueprint of the shop.
    :param device_markup: the setting ``XIEBAO_DEVICE_MARKUP``.
    :param script: True to put ``xiebao_script()`` on the page.
    :param extend: a function that adds views and hooks to the app.
    """
    simulator = GatewaySimulator("12345", "Key")
    with contextlib.ExitStack() as stack:
        # The shop's server logs gateway URLs of the simulator, so the signatures in the log must be
        # masked.
        log = logging.getLogger("werkzeug")
        log.addFilter(mask_sign)
        stack.callback(log.removeFilter, mask_sign)
        app = Flask(__name__, static_folder=find_npm_packages(), static_url_path="/scripts")
        app.config.update(
            CONFIG,
            XIEBAO_ENV="test",
            XIEBAO_STRICT=True,
            XIEBAO_BASE_URL="/gateway",
            XIEBAO_LOGIN_VIEW="sign_in",
            XIEBAO_DEVICE_MARKUP=device_markup,
        )
        if gateway_elsewhere:
            gateway = simulator.create_app()
            add_favicon(gateway)
            app.config["XIEBAO_BASE_URL"] = stack.enter_context(serve_app(gateway))
        else:
            app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
        xiebao = Xiebao(app)
        xiebao.member_loader(lambda: session.get("member"))
        app.jinja_env.globals.update(frontend=FRONTENDS[frontend], script=script)
        link_requests: LinkRequests = []
        _add_shop_views(app, xiebao, link_requests)
        extend(app)
        yield stack.enter_context(serve_app(app)), link_requests


def _add_shop_views(app: Flask, xiebao: Xiebao, link_requests: LinkRequests) -> None:
    add_favicon(app)
    app.add_url_rule("/start", "start", partial(render_template, "start.html"))
    app.add_url_rule("/insured", "insured", partial(render_template, "insured.html"))

    @app.get("/")
    def show_entries() -> str:
        """Show entries with the HTML attributes from the query string.

        With the parameter ``prefetch``, the page also makes the browser prefetch a link.
        """
        attributes = request.args.to_dict()
        return render_template(
            "shop.html",
            prefetch=attributes.pop("prefetch", None),
            code=PRODUCT_CODE,
            policy=INSURE_NUM,
            other_member=OTHER_MEMBER,
            link=xiebao.product_link(PRODUCT_CODE, return_to="/insured"),
            attributes=attributes,
        )

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> str | AnyResponse:
        if request.method == "GET":
            return render_template("sign-in.html")
        session["member"] = request.form["member"]
        return redirect(request.form.get("next", "/"), 303)

    @app.after_request
    def set_csp_and_record_link_request(response: Response) -> Response:
        # HTMX and Turbo add inline styles to the page, so the Content Security Policy must allow
        # inline styles.
        response.headers.setdefault(
            "Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'"
        )
        if "token" in (request.view_args or {}):
            by_framework = (
                "HX-Request" in request.headers or "X-Turbo-Request-Id" in request.headers
            )
            link_requests.append((str(request.endpoint).removeprefix("xiebao."), by_framework))
            if "Location" in response.headers:
                # Delay the redirect, so that a faulty script has the time to request the link again
                # before the browser leaves the page. The second request would be a second click.
                time.sleep(0.05)
        return response


class ShopPage:
    """A page object for a page of the test shop that is open on a phone or a PC."""

    def __init__(
        self,
        url: str,
        link_requests: LinkRequests,
        context: DeviceContext,
        platform: str,
        sent_signals: SentSignals,
    ) -> None:
        self.url = url
        self.link_requests = link_requests
        self.context = context
        self.page = context.page
        self._platform = platform
        self._sent_signals = sent_signals

    def log_in_and_open(self, path: str = "/") -> None:
        """Log in and open a page of the shop."""
        self.context.log_in(self.url)
        self.page.goto(self.url + path)

    def tap_or_click(self, entry: str) -> None:
        """Tap an entry on a phone, or click the entry on a PC."""
        self.context.tap_or_click(self.page.locator(f"#{entry}"))

    def assert_arrived(self, entry: str, page: Page | None = None) -> None:
        """Assert that the browser has loaded the gateway page or the handoff page of an entry."""
        page = page or self.page
        if self._platform == PC and entry in HANDOFF_TITLES:
            expect(page.locator("h1")).to_have_text(HANDOFF_TITLES[entry])
        else:
            page.wait_for_url("**/dispatch/**", wait_until="commit")
            assert_gateway_accepted(page, entry, self._platform)
        assert_loaded_by_browser(page)

    @property
    def clicks(self) -> list[str]:
        """The clicked entries, from the signals ``entry_clicked`` that the extension has sent."""
        return [values["entry"].page for name, values in self._sent_signals if name == "clicked"]

    @property
    def received_framework_request(self) -> bool:
        """True if HTMX or Turbo has requested a link."""
        return any(by_framework for _, by_framework in self.link_requests)

    def wait_for_link_request(self, entry: str) -> None:
        """Wait until the shop has answered a request for an entry's link."""
        deadline = time.monotonic() + 10
        while entry not in dict(self.link_requests):
            assert time.monotonic() < deadline, self.link_requests
            self.page.wait_for_timeout(10)

    def go_back(self) -> None:
        """Go back to the shop's page in the browser history."""
        self.page.wait_for_load_state()
        self.page.go_back(wait_until="commit")
        expect(self.page.locator("h1")).to_have_text("商店")
        self.page.wait_for_load_state()


def assert_loaded_by_browser(page: Page) -> None:
    """Assert that the browser has loaded this page itself, without HTMX or Turbo.

    If HTMX or Turbo had inserted the page into a page of the shop, their scripts would still run.
    """
    assert page.evaluate("typeof htmx + typeof Turbo") == "undefined" * 2
