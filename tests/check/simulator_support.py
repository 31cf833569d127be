"""Helpers for tests of the gateway simulator: a test shop whose gateway is the simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from flask_xiebao import Notification
from flask_xiebao.testing import GatewaySimulator
from tests.support import (
    DEPLOYED,
    PHONE,
    PRODUCT_CODE,
    SIGN,
    assert_gateway_accepts,
    find_element,
    make_site,
    parse_html,
    pay,
)
from tests.vectors import compute_sign

#: The name of the simulated buyer, who is also the insured person.
PERSON = "王小明"
#: The types of the notifications about a complete purchase: applied, paid, issued and in force.
PURCHASE_TYPES = [1, 2, 3, 9]
#: A query parameter with a return URL, the base64 encoding of https://shop.example/orders.
PAY_SUCCESS = "&paySuccess=aHR0cHM6Ly9zaG9wLmV4YW1wbGUvb3JkZXJz"
#: The path and query string of the product page in an app that serves only the simulator.
STANDALONE_PRODUCT = (
    f"/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}&sign={SIGN}"
    "&partnerUniqKey=m_7"
)
#: The path and query string of the product page in a shop that serves the simulator at
#: ``/gateway``.
PRODUCT = f"/gateway{STANDALONE_PRODUCT}"


class SimulatorShop:
    """A test site with its gateway simulator at ``/gateway``. Member ``m_7`` is logged in.

    :param notify_url: the URL to which the simulator sends notifications.
    :param orders: the file in which the simulator stores its orders.
    :param has_handler: False to register no notification handler.

    :ivar notifications: the notifications that the handler accepted.
    :ivar failures_left: how many more times the handler raises an exception.
    """

    def __init__(
        self,
        notify_url: str | None = None,
        partner_id: str = "12345",
        orders: str | Path | None = None,
        has_handler: bool = True,
        **config: Any,
    ) -> None:
        self.notifications: list[Notification] = []
        self.failures_left = 0
        settings = {**DEPLOYED, "XIEBAO_BASE_URL": "/gateway", "XIEBAO_PARTNER_ID": partner_id}
        site = make_site(**{**settings, **config})
        site.log_in("m_7")
        self.app, self.xiebao = site.app, site.xiebao
        if has_handler:
            self.xiebao.notification_handler(self.handle_notification)
        simulator = GatewaySimulator(partner_id, "Key", notify_url=notify_url, orders=orders)
        self.app.register_blueprint(simulator.blueprint, url_prefix="/gateway")

    def handle_notification(self, notification: Notification) -> None:
        """Record a notification, or raise an exception while ``failures_left`` is not 0."""
        if self.failures_left:
            self.failures_left -= 1
            raise ConnectionError("the database is away")
        self.notifications.append(notification)

    @property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def buy(self, **form: str) -> str:
        """Buy the product, and return the application number."""
        location = pay(self.browser, PRODUCT, **form)
        return dict(assert_gateway_accepts(location).parameters)["insureNum"]

    def submit_action(self, action: str, number: str = "") -> str:
        """Submit a form on a page of the simulator, and return the URL of the redirect.

        :param action: the action of the form, for example ``"surrender"``.
        :param number: the application number of an order, to submit the form on the order's page.
            By default, the form is submitted on the product page.
        """
        url = self.get_order_url(number) if number else PRODUCT
        return self.browser.post(url, data={"do": action}).location or ""

    def get_notification_types(self) -> list[int]:
        return [int(notification.type) for notification in self.notifications]

    def get_order_url(self, number: str) -> str:
        """Return the path and query string of an order's page in the simulator."""
        with self.app.test_request_context():
            link = self.xiebao.policy_link(number)
        location = self.browser.get(link, headers=PHONE).location
        assert location is not None
        return location

    def query_order(self, number: str) -> Any:
        with self.app.app_context():
            return self.xiebao.orders.get(number)

    def get_order_fields(self, number: str) -> dict[str, str]:
        """Return the fields that an order's page in the simulator shows, by label."""
        page = parse_html(self.browser.get(self.get_order_url(number)))
        rows = page.select("dl.xiebao-order div")
        return {find_element(row, "dt").text: find_element(row, "dd").text for row in rows}

    def get_notification_rows(self, number: str) -> list[list[str]]:
        """Return the rows of the notification table on an order's page in the simulator.

        Each row has the notification's title, the number of attempts and the response.
        """
        page = parse_html(self.browser.get(self.get_order_url(number)))
        [table] = [table for table in page.select("table") if "发给商家的通知" in table.text]
        return [[cell.text for cell in row.select("th, td")] for row in table.select("tbody tr")]

    def send_order_query(self, method: str, body: dict[str, Any] | str, **options: Any) -> Any:
        """Send an order query to the simulator without the extension, and return the JSON response.

        :param options: the keyword argument ``sign`` replaces the valid signature.
        """
        text = body if isinstance(body, str) else json.dumps({"transNo": "12345-1", **body})
        sign = options.get("sign", compute_sign(text))
        response = self.browser.post(f"/gateway/api/{method}?sign={sign}", data=text)
        assert response.status_code == 200
        return response.json


@pytest.fixture
def shop() -> SimulatorShop:
    """A test site that uses the gateway simulator as its gateway."""
    return SimulatorShop()
