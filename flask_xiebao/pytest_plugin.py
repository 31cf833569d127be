"""Pytest fixtures that check a site's insurance entries and send it notifications of purchases.

In the site's ``conftest.py``::

    pytest_plugins = ["flask_xiebao.pytest_plugin"]

``check_entries`` is :func:`flask_xiebao.testing.check_entries`. Like ``flask xiebao check``, it
follows every entry on every device and compares the responses with the expected ones. *pages* are
the site's pages that have entries. In a separate test module, for a site ``shop.py``::

    from shop import app


    def test_every_insurance_entry_passes_check(check_entries):
        report = check_entries(app, pages=["/"])

        assert report.passed, str(report)

``follow_entry`` follows one entry. For example, a test can check that the start page has an entry
for the right product::

    import pytest


    @pytest.mark.parametrize("device", ["pc", "iphone", "android", "wechat", "ipad"])
    def test_start_page_leads_to_product(follow_entry, device):
        client = app.test_client()
        # Log in here, as the site's tests do: client.post("/login", data=...)

        verdict = follow_entry(client, "/", "product", device=device)

        assert verdict.accepted, verdict.reasons
        assert dict(verdict.parameters)["caseCode"] == "QX000000127257"
        assert verdict.platform == (2 if device == "pc" else 1)

``notify`` sends a notification to the site's ``notification_handler``. It accepts the keyword
arguments of :class:`~flask_xiebao.Notification`. ``xiebao_orders`` sets the orders that
``xiebao.orders`` finds::

    from flask_xiebao import Order


    def test_confirmed_surrender_is_accepted(notify, xiebao_orders):
        client = app.test_client()
        xiebao_orders([Order(insure_num="20190226020146", effective_status=3)])

        response = notify(client, type=4, insure_num="20190226020146", member="m_7Qk2vX9rT4")

        assert response.json == {"state": True}

Nothing is sent to Xiebao. A :class:`~flask_xiebao.testing.GatewaySimulator` with the site's account
reads the URL of the redirect. An order query for an order that ``xiebao_orders`` was not given
finds no order. The fixtures do not change the site, and the client keeps its cookies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, get_args
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from .app import order_client
from .app.endpoints import build_callback_path
from .app.settings import GATEWAY_BASE_URLS
from .app.state import AppState, get_current_app_state
from .check import check_run
from .check.devices import DEVICES
from .check.page import get_attribute, parse_html
from .check.report import Report
from .errors import ConfigError
from .gateway.orders import OrderClient
from .gateway.pages import PAGES
from .gateway.urls import Gateway
from .simulator import wire
from .simulator.delivery import build_notification_body
from .simulator.document import Verdict
from .simulator.gateway_simulator import build_simulator
from .simulator.order_transport import build_simulated_transport
from .testing import entry_of

_LOGIN_HINT = "No member is logged in. Log in the client first."
_NO_REDIRECT = (
    'The response is not a redirect to the gateway. Run "flask xiebao doctor" to find the cause.'
)
_HINTS_BY_STATUS = {
    200: "The response is a page and not a redirect. To click an entry on a page, pass the name"
    ' of the entry, such as "product". If the page is rendered by the site\'s own handoff'
    ' template, add a link with href="{{ direct }}".',
    **dict.fromkeys((302, 303, 307), _LOGIN_HINT),
    401: _LOGIN_HINT,
    403: "The link belongs to a member other than the one who is logged in, or the click_guard"
    " refused the click. Log in as the member of the link, or check the click_guard.",
    404: "The link was not made by this site, or XIEBAO_ENABLED is off. Read the log at level INFO"
    " for the cause.",
    410: "The time in which the link needs no login (no_login_for) is over, and no member is"
    " logged in. Log in the client, or create a new link.",
}


@dataclass(frozen=True)
class ClickVerdict(Verdict):
    """The gateway's verdict on a click: accepted or refused, and whether a QR code page came first.

    :param member: The id of the member who follows the link, or None if no member has the key.
    :param handoff: True if the click led to the handoff, the page with a QR code for a PC if the
        gateway page has no PC version. Then the verdict is about its link "On a tablet or phone?".
    """

    handoff: bool = False


@pytest.fixture
def follow_entry() -> Callable[..., ClickVerdict]:
    """Return the function :func:`click_entry`, with which a test clicks an insurance entry."""
    return click_entry


@pytest.fixture
def check_entries() -> Callable[..., Report]:
    """Return :func:`flask_xiebao.testing.check_entries`, which checks a site's entries."""
    return check_run.check_entries


@pytest.fixture
def notify(xiebao_orders: object) -> Callable[..., TestResponse]:
    """Return :func:`send_notification`. :func:`xiebao_orders` answers the site's order queries."""
    return send_notification


@pytest.fixture
def xiebao_orders(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[object]], None]:
    """Return a function that sets which orders ``xiebao.orders`` finds in this test.

    The function accepts a list. Each order is an :class:`~flask_xiebao.Order`, or a mapping of its
    field names in which ``member`` may replace ``partner_uniq_key``. Before the function is called,
    there are no orders, unless ``XIEBAO_BASE_URL`` is another gateway, such as a simulator.
    """
    known_orders: list[object] | None = None
    get_site_order_client = order_client.get_order_client

    def set_orders(orders: Iterable[object]) -> None:
        nonlocal known_orders
        known_orders = list(orders)
        # Reject invalid orders here, so that the error is raised in the test and not in the site's
        # notification handler.
        for number, order in enumerate(known_orders, 1):
            if "insureNum" not in wire.build_order_detail(order):
                raise TypeError(
                    f"The order at position {number} of {len(known_orders)} has no application"
                    ' number. Add the application number as "insure_num".'
                )

    def build_test_order_client(state: AppState) -> OrderClient:
        if (
            known_orders is None
            and state.settings.gateway_base_url not in GATEWAY_BASE_URLS.values()
        ):
            return get_site_order_client(state)
        return OrderClient(
            state.settings.partner_id,
            state.settings.api_key,
            base_url=Gateway.TEST,
            transport=build_simulated_transport(known_orders or (), state.build_member_key),
            member_of=state.find_member_by_key,
        )

    monkeypatch.setattr(order_client, "get_order_client", build_test_order_client)
    return set_orders


InvalidPart = Literal["sign", "body"]


def send_notification(
    client: FlaskClient,
    *,
    type: int,
    insure_num: str,
    member: str | int | None = None,
    wrong: InvalidPart | None = None,
    **fields: Any,
) -> TestResponse:
    """Send the site a notification, as the gateway does, and return the site's response.

    :param client: A test client of the site.
    :param type: A :class:`~flask_xiebao.NotificationType`, or its number.
    :param insure_num: The application number.
    :param member: The id of the member whose purchase it is.
    :param wrong: The part that makes the notification invalid: ``sign`` for a wrong signature, or
        ``body`` for a body that is cut off. The site must reject it.
    :param fields: The other keyword arguments of :class:`~flask_xiebao.Notification`. Fields that a
        successful step needs, such as ``price_fen`` and ``paid_at``, have made-up defaults.
    :raises TypeError: if a keyword argument does not exist or its value has the wrong type.
    """
    if wrong not in (None, *get_args(InvalidPart)):
        raise TypeError(f"wrong must be one of {', '.join(get_args(InvalidPart))}, got {wrong!r}.")
    fields["insure_num"] = insure_num
    with client.application.app_context():
        state = get_current_app_state()
        body = build_notification_body(
            state, type, fields, member=member, wrong_sign=wrong == "sign"
        )
        path = build_callback_path(state)
    body = body[:-2] if wrong == "body" else body
    return client.post(path, data=body, content_type=wire.CONTENT_TYPE)


def click_entry(
    client: FlaskClient,
    url: str,
    entry: str | None = None,
    *,
    reference: str | None = None,
    index: int = 0,
    device: str = "iphone",
) -> ClickVerdict:
    """Click an insurance entry and return the gateway's verdict.

    If the click does not lead to the gateway, the test fails with an explanation.

    :param client: A test client of the site, logged in if the click needs a member.
    :param url: The page that has the entry. Without *entry*, the link itself, for example one that
        :meth:`.Xiebao.product_link` returned for a mail.
    :param entry: The name of the entry: ``"product"``, ``"home"`` or ``"policy"``.
    :param reference: The case code or application number, if the page has several such entries.
    :param index: The index of the entry among those that match, from 0.
    :param device: A name in :data:`DEVICES`, or a User-Agent, such as that of the site's own app.
    """
    if entry is not None and entry not in PAGES:
        raise ValueError(f"entry must be one of {', '.join(PAGES)}, got {entry!r}.")
    if device not in DEVICES and "/" not in device:
        raise ValueError(
            f"device must be a User-Agent or one of {', '.join(DEVICES)}, got {device!r}."
        )
    headers = DEVICES[device].headers if device in DEVICES else {"User-Agent": device}
    with client.application.app_context():
        try:
            device_client = _DeviceClient(client, headers, get_current_app_state())
        except ConfigError as error:
            _fail_test(str(error))
    if entry is not None:
        url = device_client.find_entry_link(url, entry, reference, index)
    return device_client.click_link(url)


@dataclass
class _DeviceClient:
    """A test client of the site that sends the headers of one device."""

    client: FlaskClient
    headers: Mapping[str, str]
    state: AppState

    def find_entry_link(self, url: str, entry: str, reference: str | None, index: int) -> str:
        """Return the link of an entry on a page. Fail the test if the page has no such entry."""
        response = self._send_get_request(url)
        if response.status_code != 200:
            _fail_test(
                f"{url} returned {_format_response(response)} instead of a page. Pass the URL of"
                " a page with"
                " an entry, and log in the client if the page needs a login."
            )
        with self.client.application.app_context():
            entries = [
                # If another site has signed the link, entry_of() cannot verify the link and returns
                # None. The entry's product code or application number (reference) is unknown then.
                (
                    get_attribute(link, "data-xiebao-entry"),
                    getattr(entry_of(get_attribute(link, "href")), "reference", None),
                    get_attribute(link, "href"),
                )
                for link in parse_html(response.text).select("a[href][data-xiebao-entry]")
            ]
        matching_links = [
            href
            for name, entry_reference, href in entries
            if name == entry and reference in (None, entry_reference)
        ]
        if index >= len(matching_links):
            entry_titles = [f"{name} {number or ''}".strip() for name, number, _ in entries]
            wanted = f"{entry} entry{f' for {reference!r}' if reference else ''}"
            position = f" with index {index}" if index else ""
            hint = (
                " Log in the client first if the entry needs a logged-in member."
                if PAGES[entry].requires_member
                else ""
            )
            _fail_test(
                f"{url} has no {wanted}{position}. The entries on the page are:"
                f" {', '.join(entry_titles) or 'none'}.{hint}"
            )
        return matching_links[index]

    def click_link(self, link: str) -> ClickVerdict:
        """Follow a link to the gateway and return the verdict.

        If the link leads to a handoff page, follow the page's link for tablets and phones.
        """
        response = self._send_get_request(link)
        direct_link = (
            _find_tablet_link_on_handoff_page(response) if response.status_code == 200 else None
        )
        if direct_link is not None:
            response = self._send_get_request(direct_link)
        location = response.headers.get("Location", "")
        if 300 <= response.status_code < 400 and self._is_gateway_location(location):
            verdict = build_simulator(self.state.settings).check(location)
            with self.client.application.app_context():
                member = self.state.find_member_by_key(verdict.member)
            return ClickVerdict(
                **{**vars(verdict), "member": member}, handoff=direct_link is not None
            )
        _fail_test(
            f"The click returned {_format_response(response)}."
            f" {_HINTS_BY_STATUS.get(response.status_code, _NO_REDIRECT)}"
        )

    def _send_get_request(self, url: str) -> TestResponse:
        """Send a GET request for a URL of the site.

        The path at which the app is mounted is removed from the URL.
        """
        parts, config = urlsplit(url), self.client.application.config
        site_urls = (config["APPLICATION_ROOT"], self.state.settings.public_url or "")
        mounts = [urlsplit(site_url).path.rstrip("/") for site_url in site_urls]
        mount = next((each for each in mounts if each and parts.path.startswith(f"{each}/")), "")
        path = parts.path.removeprefix(mount)
        return self.client.get(path, query_string=parts.query, headers=self.headers)

    def _is_gateway_location(self, location: str) -> bool:
        """Return True if a redirect leads to a gateway page.

        Return False if XIEBAO_ENABLED is off, because the site has no gateway URLs then.
        """
        if not self.state.settings.enabled:
            return False
        address, base_url = location.partition("?")[0], self.state.gateway.base_url
        page_urls = tuple(base_url + page.path for page in PAGES.values())
        # If XIEBAO_BASE_URL is a path of this site, the redirect's location may have another path
        # before it: the path at which the server mounts the app (SCRIPT_NAME). So compare only the
        # end of the location.
        return urlsplit(address).netloc == urlsplit(base_url).netloc and address.endswith(page_urls)


def _find_tablet_link_on_handoff_page(response: TestResponse) -> str | None:
    """Return the link "On a tablet or phone?" on the page that shows PC users a QR code.

    Return None for any other page.
    """
    path = response.request.path
    hrefs = (get_attribute(link, "href") for link in parse_html(response.text).select("a[href]"))
    return next(
        (href for href in hrefs if "platform=h5" in href and urlsplit(href).path.endswith(path)),
        None,
    )


def _format_response(response: TestResponse) -> str:
    location = urlsplit(response.headers.get("Location", "")).path
    return f"{response.status_code}{f' to {location}' if location else ''}"


def _fail_test(message: str) -> NoReturn:
    # Show no traceback, because pytest may show the local variables in it, and they contain the
    # gateway URL.
    pytest.fail(message, pytrace=False)
