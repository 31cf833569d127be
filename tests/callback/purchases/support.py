"""A shop that keeps its purchases in SQLite, and a gateway that says what a test tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from flask_xiebao import OrderClient, Xiebao
from flask_xiebao.app import order_client
from flask_xiebao.app.state import AppState
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases, Snapshot
from tests.callback.support import ORDER_FIELDS, build_gateway_response
from tests.support import INSURE_NUM, Site, make_site
from tests.vectors import build_notification

#: What the gateway says of an order in each state of the table.
PAID: dict[str, Any] = {"issueStatus": 0, "effectiveStatus": 0, "issueTime": None}
APPLIED: dict[str, Any] = {**PAID, "payStatus": 0, "payedTime": None}
COVER: dict[str, Any] = {"startDate": "2026-12-01", "endDate": "2027-12-01"}
SURRENDERED: dict[str, Any] = {"effectiveStatus": 3}


class Gateway:
    """The orders that it knows; what is None in one is left out.

    :ivar asked: the methods that were asked for, each with its number.
    :ivar then: is called before each answer, and may raise one of httpx's errors.
    """

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.then: Callable[[str, str | None], object] = lambda *_: None

    def answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have it answer the order queries of the sites in a test."""

        def client_of(state: AppState) -> OrderClient:
            url, transport = "https://testapi.xiebao18.com", httpx.MockTransport(self.answer)
            options: dict[str, Any] = {
                "transport": transport,
                "member_of": state.find_member_by_key,
            }
            return OrderClient("12345", "Key", base_url=url, **options)

        monkeypatch.setattr(order_client, "get_order_client", client_of)

    def says(self, number: str = INSURE_NUM, **own: Any) -> None:
        """Have it say this of an order from now on."""
        self.orders[number] = {**self.orders.get(number, ORDER_FIELDS), "insureNum": number, **own}

    def answer(self, request: httpx.Request) -> httpx.Response:
        method, asked = request.url.path.rpartition("/")[2], json.loads(request.content)
        number = asked.get("insureNum")
        self.asked.append((method, number))
        known = {key: _without_none(order) for key, order in self.orders.items()}
        self.then(method, number)
        if method == "orderList":
            rows = [self.listed(order) for order in known.values()]
            size = asked["pageSize"]
            first = (asked["pageIndex"] - 1) * size
            pages = {"pageIndex": asked["pageIndex"], "pageNums": -(-len(rows) // size)}
            return httpx.Response(
                200, json=build_gateway_response({"orders": {**pages, "data": rows[first:][:size]}})
            )
        if number not in known:
            return httpx.Response(200, json={"respCode": 1002, "respMsg": "投保单号不存在"})
        return httpx.Response(200, json=build_gateway_response({"orderDetail": known[number]}))

    def listed(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return an order as the SDK spells it in a list."""
        states = {f"{each}State": order.get(f"{each}Status") for each in _STATES}
        row = {"insureNum": order["insureNum"], "price": order.get("payAmount", 0) / 100, **states}
        return _without_none({**row, "partnerUniqueKey": order.get("partnerUniqueKey")})


_STATES = ("pay", "issue", "effective")


def insurant(name: str, policy_num: str, status: object = None) -> dict[str, Any]:
    """Return an insured person as the gateway reports them."""
    return _without_none({"cName": name, "policyNum": policy_num, "retreatStatus": status})


def _without_none(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


@dataclass
class Shop:
    """A site that hears of purchases and keeps them.

    :ivar clicks: the model for clicks. Clicks are stored only with ``make_shop(clicks=True)``.
    :ivar told: what ``on_change`` was told: the states before and after.
    :ivar then: what it does besides.
    """

    site: Site
    gateway: Gateway
    engine: Engine
    model: type[Any]
    clicks: type[Any]
    purchases: Purchases[Any]
    told: list[tuple[str | None, str]] = field(default_factory=list)
    then: Callable[[Session, Any, Snapshot | None], object] = lambda *_: None

    @property
    def app(self) -> Flask:
        return self.site.app

    @property
    def xiebao(self) -> Xiebao:
        return self.site.xiebao

    def tell(self, session: Session, purchase: Any, before: Snapshot | None) -> None:
        self.then(session, purchase, before)
        self.told.append((None if before is None else before.state, purchase.state))

    def hear(self, *bodies: bytes) -> list[int]:
        """Return the statuses with which notifications are answered."""
        browser = self.app.test_client()
        return [browser.post("/xiebao/notify", data=body).status_code for body in bodies]

    def ring(self, step: int, **own: Any) -> int:
        """Return the status with which one notification is answered."""
        [status] = self.hear(build_notification(step, **own))
        return status

    def refresh(self, number: str = INSURE_NUM) -> Any:
        with self.app.app_context():
            return self.purchases.refresh(number)

    def execute(self, statement: str) -> None:
        """Change the tables themselves."""
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def rows(self) -> dict[str, Any]:
        """Return all rows by their numbers."""
        with Session(self.engine) as session:
            return {row.insure_num: row for row in session.scalars(select(self.model))}

    def stored_clicks(self) -> list[Any]:
        """Return all rows of clicks, oldest first."""
        order = (self.clicks.clicked_at, self.clicks.click_id)
        with Session(self.engine) as session:
            return list(session.scalars(select(self.clicks).order_by(*order)))

    def row(self, number: str = INSURE_NUM) -> Any:
        return self.rows()[number]

    def states(self) -> dict[str, str]:
        return {number: row.state for number, row in self.rows().items()}

    def reconcile(self, **options: Any) -> list[str]:
        """Return the differences, as they are shown."""
        with self.app.app_context():
            found = self.purchases.reconcile(**{"per_second": 1e9, **options})
            return [str(difference) for difference in found]


def make_shop(engine: Engine, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Shop:
    """Return a shop with its table, and a gateway that answers it in this test.

    :param options: settings, by their names, and options of Purchases. With ``clicks=True``, the
        shop stores clicks.
    """
    settings = {name: options.pop(name) for name in [*options] if name.isupper()}
    site = make_site(**settings)

    class Base(DeclarativeBase):
        pass

    class Purchase(PurchaseMixin, Base):
        pass

    class Click(ClickMixin, Base):
        pass

    if options.get("clicks") is True:
        options["clicks"] = Click
    Base.metadata.create_all(engine)
    purchases = Purchases(site.xiebao, Purchase, sessionmaker(engine), **options)
    site.xiebao.notification_handler(purchases.handle)
    shop = Shop(site, Gateway(), engine, Purchase, Click, purchases)
    shop.gateway.answers(monkeypatch)
    purchases.on_change(shop.tell)
    return shop
