"""A site that has a simulator as its gateway, and keeps what it is told."""

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

#: Who buys, and is insured.
PERSON = "王小明"
#: What a site is told of a purchase: the types of its notifications.
TOLD = [1, 2, 3, 9]
PAY_SUCCESS = "&paySuccess=aHR0cHM6Ly9zaG9wLmV4YW1wbGUvb3JkZXJz"  # https://shop.example/orders
#: The page of a product, at a simulator that is an app of its own, and on a site.
ALONE = f"/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}&sign={SIGN}"
ALONE += "&partnerUniqKey=m_7"
PRODUCT = f"/gateway{ALONE}"


class Shop:
    """A site that has a simulator as its gateway, and keeps what it is told."""

    def __init__(
        self,
        notify_url: str | None = None,
        partner_id: str = "12345",
        orders: str | Path | None = None,
        listens: bool = True,
        **config: Any,
    ) -> None:
        self.told: list[Notification] = []
        self.fails = 0
        settings = {**DEPLOYED, "XIEBAO_BASE_URL": "/gateway", "XIEBAO_PARTNER_ID": partner_id}
        site = make_site(**{**settings, **config})
        site.log_in("m_7")
        self.app, self.xiebao = site.app, site.xiebao
        if listens:
            self.xiebao.notification_handler(self.hear)
        simulator = GatewaySimulator(partner_id, "Key", notify_url=notify_url, orders=orders)
        self.app.register_blueprint(simulator.blueprint, url_prefix="/gateway")

    def hear(self, notification: Notification) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        self.told.append(notification)

    @property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def buy(self, **form: str) -> str:
        """Buy the product; return the application number."""
        location = pay(self.browser, PRODUCT, **form)
        return dict(assert_gateway_accepts(location).parameters)["insureNum"]

    def do(self, what: str, number: str = "") -> str:
        """Do a step on the page of the product, or of an order; return to where that leads."""
        url = self.order_page(number) if number else PRODUCT
        return self.browser.post(url, data={"do": what}).location or ""

    def steps(self) -> list[int]:
        return [int(each.type) for each in self.told]

    def order_page(self, number: str) -> str:
        """Return the path and query of the page on which an order is looked at."""
        with self.app.test_request_context():
            link = self.xiebao.policy_link(number)
        location = self.browser.get(link, headers=PHONE).location
        assert location is not None
        return location

    def order(self, number: str) -> Any:
        with self.app.app_context():
            return self.xiebao.orders.get(number)

    def shown(self, number: str) -> dict[str, str]:
        """Return what the page of an order says of it."""
        page = parse_html(self.browser.get(self.order_page(number)))
        rows = page.select("dl.xiebao-order div")
        return {find_element(row, "dt").text: find_element(row, "dd").text for row in rows}

    def sent(self, number: str) -> list[list[str]]:
        """Return the notifications that the page of an order lists: each with its answer."""
        page = parse_html(self.browser.get(self.order_page(number)))
        [table] = [each for each in page.select("table") if "发给商家的通知" in each.text]
        return [[cell.text for cell in row.select("th, td")] for row in table.select("tbody tr")]

    def ask(self, method: str, body: dict[str, Any] | str, **options: Any) -> Any:
        """Ask for orders as the platform's public clients do, with a sign made by hand."""
        text = body if isinstance(body, str) else json.dumps({"transNo": "12345-1", **body})
        sign = options.get("sign", compute_sign(text))
        answer = self.browser.post(f"/gateway/api/{method}?sign={sign}", data=text)
        assert answer.status_code == 200
        return answer.json


@pytest.fixture
def shop() -> Shop:
    return Shop()
