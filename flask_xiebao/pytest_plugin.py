"""Fixtures for a site's own tests: check its insurance entries, and tell it of a purchase.

In the site's ``conftest.py``::

    pytest_plugins = ["flask_xiebao.pytest_plugin"]

``check_entries`` follows every entry on every device, and compares all that comes with what should
come, as ``flask xiebao check`` does; *pages* are those of the site that have entries. It is
:func:`flask_xiebao.testing.check_entries`. In a test module of its own, for a site ``shop.py``::

    from shop import app


    def test_every_insurance_entry_leads_where_it_should(check_entries):
        report = check_entries(app, pages=["/"])

        assert report.passed, str(report)

``follow_entry`` follows one, for a test that has an eye on what it says, such as that the start
page has an entry to the right product::

    import pytest


    @pytest.mark.parametrize("device", ["pc", "iphone", "android", "wechat", "ipad"])
    def test_the_insurance_entry_leads_to_the_product(follow_entry, device):
        client = app.test_client()
        # Log in here, as the site's tests do: client.post("/login", data=...)

        verdict = follow_entry(client, "/", "product", device=device)

        assert verdict.accepted, verdict.reasons
        assert dict(verdict.parameters)["caseCode"] == "QX000000127257"
        assert verdict.platform == (2 if device == "pc" else 1)

``notify`` sends the site's own ``notification_handler`` a notification, with the keywords of
:class:`~flask_xiebao.Notification`; ``xiebao_orders`` says what ``xiebao.orders`` answers::

    from flask_xiebao import Order


    def test_a_surrender_that_the_platform_confirms(notify, xiebao_orders):
        client = app.test_client()
        xiebao_orders([Order(insure_num="20190226020146", effective_status=3)])

        response = notify(client, type=4, insure_num="20190226020146", member="m_7Qk2vX9rT4")

        assert response.json == {"state": True}

Nothing is sent to Xiebao: the redirect is read by a :class:`~flask_xiebao.testing.GatewaySimulator`
that has the site's own account, and a handler that asks about an order that ``xiebao_orders`` was
not given hears that there is none. The site is left as it is, and the client keeps its cookies.
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
from .app.endpoints import build_notify_path
from .app.settings import GATEWAY_BASE_URLS
from .app.state import AppState, get_current_app_state
from .check import check_run
from .check.devices import DEVICES
from .check.html_parser import ParsedPage
from .check.link_helpers import entry_of
from .check.results import Report
from .errors import ConfigError
from .gateway.orders import OrderClient
from .gateway.pages import PAGES
from .gateway.urls import Gateway
from .simulator import wire
from .simulator.delivery import build_notification_body
from .simulator.document import Verdict
from .simulator.gateway_simulator import build_simulator
from .simulator.order_transport import build_simulated_transport

_LOGIN_HINT = "No member is logged in. Log in the client first."
_NO_REDIRECT = (
    'The response is not a redirect to the gateway. Run "flask xiebao doctor" to find the cause.'
)
_HINTS_BY_STATUS = {
    200: "The response is a page and not a redirect. To click an entry on a page, pass the name of"
    ' the entry, such as "product". If the page is from a handoff template of the site, add a link'
    ' with href="{{ direct }}".',
    **dict.fromkeys((302, 303, 307), _LOGIN_HINT),
    401: _LOGIN_HINT,
    403: "The link belongs to another member than the one who is logged in, or the click_guard"
    " refused the click. Log in as the member of the link, or check the click_guard.",
    404: "The link was not made by this site, or XIEBAO_ENABLED is off. Read the log at level INFO"
    " for the cause.",
    410: "The link's no_login_for has run out, and no member is logged in. Log in the client, or"
    " make a new link.",
}


@dataclass(frozen=True)
class ClickVerdict(Verdict):
    """What the gateway makes of a click; a :class:`~flask_xiebao.testing.Verdict` and more.

    :param member: who goes, by their id on the site; None for nobody of the site's.
    :param handoff: the click ended at the page with a QR code that a PC gets where the gateway has
        no page for PCs. The verdict is then about that page's link "On a tablet or phone?".
    """

    handoff: bool = False


@pytest.fixture
def follow_entry() -> Callable[..., ClickVerdict]:
    """Return :func:`follow`."""
    return click_entry


@pytest.fixture
def check_entries() -> Callable[..., Report]:
    """Return :func:`flask_xiebao.testing.check_entries`."""
    return check_run.check_entries


@pytest.fixture
def notify(xiebao_orders: object) -> Callable[..., TestResponse]:
    """Return :func:`send_notification`. What the site then asks, :func:`xiebao_orders` answers."""
    return send_notification


@pytest.fixture
def xiebao_orders(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterable[object]], None]:
    """Return a function that says which orders ``xiebao.orders`` knows in this test, and no others.

    It takes a list. Each order is an :class:`~flask_xiebao.Order`, or a mapping of its names, in
    which ``member`` may replace ``partner_uniq_key``. Until then there are none, unless
    ``XIEBAO_BASE_URL`` is another gateway, such as a simulator.
    """
    known: list[object] | None = None
    site_asks = order_client.get_order_client

    def set_orders(orders: Iterable[object]) -> None:
        nonlocal known
        known = list(orders)
        for number, each in enumerate(known, 1):
            # What is wrong with one is said here, and not in the handler.
            if "insureNum" not in wire.build_order_detail(each):
                raise TypeError(
                    f"Order {number} of {len(known)} has no insure_num. Add the application number."
                )

    def build_test_order_client(state: AppState) -> OrderClient:
        if known is None and state.settings.gateway_base_url not in GATEWAY_BASE_URLS.values():
            return site_asks(state)
        return OrderClient(
            state.settings.partner_id,
            state.settings.api_key,
            base_url=Gateway.TEST,
            transport=build_simulated_transport(known or (), state.build_member_key),
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
    """Send the site a notification, as the platform does, and return the site's answer.

    :param client: a test client of the site.
    :param type: a :class:`~flask_xiebao.NotificationType`, or a number.
    :param insure_num: the application number.
    :param member: whose purchase it is, by their id on the site.
    :param wrong: send one that the site has to refuse: with a wrong ``sign``, or with a ``body``
        that breaks off.
    :param said: the other keywords of :class:`~flask_xiebao.Notification`. What the success of a
        step comes with, such as ``price_fen`` and ``paid_at``, is made up where it is left out.
    :raises TypeError: there is no such keyword, or its value is of another type.
    """
    if wrong not in (None, *get_args(InvalidPart)):
        raise TypeError(f"wrong must be one of {', '.join(get_args(InvalidPart))}, got {wrong!r}.")
    fields["insure_num"] = insure_num
    with client.application.app_context():
        state = get_current_app_state()
        body = build_notification_body(
            state, type, fields, member=member, wrong_sign=wrong == "sign"
        )
        path = build_notify_path(state)
    sent = body[:-2] if wrong == "body" else body
    return client.post(path, data=sent, content_type=wire.CONTENT_TYPE)


def click_entry(
    client: FlaskClient,
    url: str,
    entry: str | None = None,
    *,
    reference: str | None = None,
    index: int = 0,
    device: str = "iphone",
) -> ClickVerdict:
    """Click an insurance entry; return what the gateway makes of it.

    Where the click does not lead to the gateway, the test fails and says why.

    :param client: a test client of the site, logged in as far as the click needs it.
    :param url: the page that has the entry; without *entry*, a link itself, such as one that
        :meth:`.Xiebao.product_link` returned for a mail.
    :param entry: ``"product"``, ``"home"`` or ``"policy"``.
    :param reference: the case code or the application number, where the page has several entries.
    :param index: which of the entries that remain, from 0.
    :param device: a name in :data:`DEVICES`, or a User-Agent, such as that of the site's own app.
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
            visit = _DeviceClient(client, headers, get_current_app_state())
        except ConfigError as error:
            _fail_test(str(error))
    if entry is not None:
        url = visit.find_entry_link(url, entry, reference, index)
    return visit.click_link(url)


@dataclass
class _DeviceClient:
    """A device on a site."""

    client: FlaskClient
    headers: Mapping[str, str]
    state: AppState

    def find_entry_link(self, url: str, entry: str, reference: str | None, index: int) -> str:
        """Return the link of an entry on a page."""
        response = self._send_get_request(url)
        if response.status_code != 200:
            _fail_test(
                f"{url} returned {_format_response(response)} instead of a page. Pass the URL of"
                " a page with"
                " an entry, and log in the client if the page needs a login."
            )
        with self.client.application.app_context():
            entries = [
                # What the link of another site is about cannot be read: None.
                (page, getattr(entry_of(link.href), "reference", None), link.href)
                for link in ParsedPage(response.text).links
                if link.href and (page := link.attributes.get("data-xiebao-entry")) is not None
            ]
        found = [
            href for page, about, href in entries if page == entry and reference in (None, about)
        ]
        if index >= len(found):
            there = [f"{page} {about or ''}".strip() for page, about, _ in entries]
            wanted = f"{entry} entry{f' for {reference!r}' if reference else ''}"
            which = f" with index {index}" if index else ""
            hint = (
                " Log in the client first if the entry needs a logged-in member."
                if PAGES[entry].requires_member
                else ""
            )
            _fail_test(
                f"{url} has no {wanted}{which}. The entries on the page are:"
                f" {', '.join(there) or 'none'}.{hint}"
            )
        return found[index]

    def click_link(self, link: str) -> ClickVerdict:
        """Follow a link to the gateway, through the handoff if need be."""
        response = self._send_get_request(link)
        direct = _find_handoff_direct_link(response) if response.status_code == 200 else None
        if direct is not None:
            response = self._send_get_request(direct)
        location = response.headers.get("Location", "")
        if 300 <= response.status_code < 400 and self._is_gateway_location(location):
            verdict = build_simulator(self.state.settings).check(location)
            with self.client.application.app_context():
                member = self.state.find_member_by_key(verdict.member)
            return ClickVerdict(**{**vars(verdict), "member": member}, handoff=direct is not None)
        _fail_test(
            f"The click returned {_format_response(response)}."
            f" {_HINTS_BY_STATUS.get(response.status_code, _NO_REDIRECT)}"
        )

    def _send_get_request(self, url: str) -> TestResponse:
        """Get a URL of the site, from wherever it is mounted."""
        parts, config = urlsplit(url), self.client.application.config
        roots = (config["APPLICATION_ROOT"], self.state.settings.public_url or "")
        mounts = [urlsplit(root).path.rstrip("/") for root in roots]
        mount = next((each for each in mounts if each and parts.path.startswith(f"{each}/")), "")
        path = parts.path.removeprefix(mount)
        return self.client.get(path, query_string=parts.query, headers=self.headers)

    def _is_gateway_location(self, location: str) -> bool:
        """Tell whether a redirect leads to a page of the gateway."""
        if not self.state.settings.enabled:
            return False
        address, base = location.partition("?")[0], self.state.gateway.base_url
        pages = tuple(base + row.path for row in PAGES.values())
        # A path of this site may be mounted below another.
        return urlsplit(address).netloc == urlsplit(base).netloc and address.endswith(pages)


def _find_handoff_direct_link(response: TestResponse) -> str | None:
    """Return a handoff page's link for tablets and phones; None on any other page."""
    path = response.request.path
    hrefs = (link.href for link in ParsedPage(response.text).links)
    return next((h for h in hrefs if "platform=h5" in h and urlsplit(h).path.endswith(path)), None)


def _format_response(response: TestResponse) -> str:
    location = urlsplit(response.headers.get("Location", "")).path
    return f"{response.status_code}{f' to {location}' if location else ''}"


def _fail_test(message: str) -> NoReturn:
    # No traceback: its frames hold the gateway URL, and pytest may show their variables.
    pytest.fail(message, pytrace=False)
