"""A test shop that stores insurance purchases, and a fake gateway that answers order queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker

from flask_xiebao import OrderClient
from flask_xiebao.app import order_client
from flask_xiebao.app.state import AppState
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases, Snapshot
from tests.callback.support import ORDER_FIELDS
from tests.support import INSURE_NUM, MEMBER_SECRET, SIGN, Site, find_leaks, make_site
from tests.vectors import build_notification

#: The arguments of ``create_engine`` for a pool with only one connection.
POOL_OF_ONE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
#: The fields to change in ``ORDER_FIELDS`` for a paid order whose policy is not issued yet.
PAID_ORDER: dict[str, Any] = {
    "payStatus": 1,
    "payedTime": "2019-02-26 10:20:30",
    "issueStatus": 0,
    "issueTime": None,
    "effectiveStatus": 0,
}
#: The fields to change in ``ORDER_FIELDS`` for an unpaid order.
UNPAID_ORDER: dict[str, Any] = {**PAID_ORDER, "payStatus": 0, "payedTime": None}
#: The field to change in ``ORDER_FIELDS`` for an order whose policy is surrendered.
SURRENDERED_ORDER: dict[str, Any] = {"effectiveStatus": 3}
#: The fields to change in ``ORDER_FIELDS`` for an order whose insurance cover has begun and has not
#: ended.
COVER: dict[str, Any] = {"startDate": "2026-01-01", "endDate": "2999-01-01"}


class Base(DeclarativeBase):
    """The base class of the shop's models."""


class Purchase(PurchaseMixin, Base):
    """A purchase in the shop's database."""


class Click(ClickMixin, Base):
    """A click in the shop's database."""


class FakeGateway:
    """A gateway that answers order queries from a dict.

    :ivar orders: the orders, by application number. Fields that are None are left out of responses.
    :ivar queries: the queries so far. Each query is a tuple of the method and the application
        number. The application number is None for the order list.
    :ivar on_query: a function that is called with each query. It may raise an httpx error.
    """

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.queries: list[tuple[str, str | None]] = []
        self.on_query: Callable[[str, str | None], object] = lambda *_: None

    def set_order(self, insure_num: str = INSURE_NUM, **fields: Any) -> None:
        """Change an order, or add an order that has ``ORDER_FIELDS`` and these fields."""
        order = self.orders.get(insure_num, ORDER_FIELDS)
        self.orders[insure_num] = {**order, "insureNum": insure_num, **fields}

    def build_listed_order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return an order in the order list's format, which has fewer and renamed fields."""
        return {
            "insureNum": order["insureNum"],
            "price": order["payAmount"] / 100,
            "payState": order["payStatus"],
            "issueState": order["issueStatus"],
            "effectiveState": order["effectiveStatus"],
            "partnerUniqueKey": order["partnerUniqueKey"],
        }

    def answer_query(self, request: httpx.Request) -> httpx.Response:
        """Return the response to an order query."""
        method = request.url.path.rpartition("/")[2]
        insure_num = json.loads(request.content).get("insureNum")
        self.queries.append((method, insure_num))
        # Copy the orders, so that a change by ``on_query`` affects only the next response.
        orders = dict(self.orders)
        self.on_query(method, insure_num)
        if method == "orderList":
            rows = [_drop_none(self.build_listed_order(order)) for order in orders.values()]
            data = {"orders": {"pageIndex": 1, "pageNums": 1, "data": rows}}
        elif insure_num in orders:
            data = {"orderDetail": _drop_none(orders[insure_num])}
        else:
            return httpx.Response(200, json={"respCode": 1002, "respMsg": "投保单号不存在"})
        return httpx.Response(200, json={"respCode": 0, "data": data})

    def get_queried_numbers(self) -> list[str | None]:
        """Return the application number of each query for a single order."""
        return [insure_num for method, insure_num in self.queries if method == "orderDetail"]


def assert_command_error(result: Result, *messages: str) -> None:
    """Assert that a command failed with exit code 2 and printed these messages."""
    assert result.exit_code == 2, result.output
    assert [message for message in messages if message not in result.output] == []


def build_insurant(name: str, policy_num: str, retreat_status: object = None) -> dict[str, Any]:
    """Return the fields of an insured person in an order."""
    return _drop_none({"cName": name, "policyNum": policy_num, "retreatStatus": retreat_status})


def _drop_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


@dataclass
class Shop:
    """A test site that stores purchases.

    The site copies the values of a purchase from the order at the fake gateway. Only a failed step,
    or the new application number after a reissue, is copied from the notification itself.

    :ivar changes: the changes that ``Purchases`` reported to ``on_change``. Each change is a tuple
        of the purchase's state before and after the change.
    :ivar on_change: a function that is also called with each change. It may raise an error.
    """

    site: Site
    gateway: FakeGateway
    engine: Engine
    purchases: Purchases[Any]
    changes: list[tuple[str | None, str]] = field(default_factory=list)
    on_change: Callable[[Session, Any, Snapshot | None], object] = lambda *_: None

    def record_change(self, session: Session, purchase: Any, before: Snapshot | None) -> None:
        self.on_change(session, purchase, before)
        self.changes.append((None if before is None else before.state, purchase.state))

    def send_bodies(self, *bodies: bytes) -> list[int]:
        """Send a notification with each body, and return the statuses of the responses."""
        client = self.site.app.test_client()
        return [client.post("/xiebao/notify", data=body).status_code for body in bodies]

    def notify(self, notification_type: int, **fields: Any) -> int:
        """Send a notification of this type, and return the status of the response."""
        return self.send_bodies(build_notification(notification_type, **fields))[0]

    def refresh(self, insure_num: str = INSURE_NUM) -> Any:
        """Query an order at the gateway, store the changes, and return the row of the purchase."""
        with self.site.app.app_context():
            return self.purchases.refresh(insure_num)

    def reconcile(self, **options: Any) -> list[str]:
        """Run ``Purchases.reconcile`` without pauses, and return the differences as texts."""
        with self.site.app.app_context():
            return [*map(str, self.purchases.reconcile(**{"per_second": 1e9, **options}))]

    def run_command(self, *arguments: str) -> Result:
        """Run ``flask xiebao`` with these arguments, and return the exit code and the output."""
        result = self.site.app.test_cli_runner().invoke(args=["xiebao", *arguments])
        assert find_leaks(result.output, MEMBER_SECRET, SIGN) == []
        return result

    def execute_sql(self, statement: str) -> None:
        """Execute an SQL statement in a transaction."""
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def read_purchase_rows(self) -> dict[str, Any]:
        """Return the rows of all purchases, by application number."""
        with Session(self.engine) as session:
            return {
                row.insure_num: row for row in session.scalars(select(self.purchases.store.model))
            }

    def read_purchase_row(self, insure_num: str = INSURE_NUM) -> Any:
        return self.read_purchase_rows()[insure_num]

    def read_purchase_states(self) -> dict[str, str]:
        """Return the states of all purchases, by application number."""
        return {insure_num: row.state for insure_num, row in self.read_purchase_rows().items()}

    def read_purchase_members(self) -> dict[str, tuple[str | None, bool]]:
        """Return each purchase's member and ``forgotten`` flag, by application number."""
        return {
            number: (row.member, row.forgotten) for number, row in self.read_purchase_rows().items()
        }

    def read_clicks(self) -> list[Any]:
        """Return the rows of all clicks, oldest first."""
        with Session(self.engine) as session:
            return [*session.scalars(select(Click).order_by(Click.clicked_at, Click.click_id))]


def make_shop(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    app: Flask | None = None,
    model: type[Any] = Purchase,
    gateway: FakeGateway | None = None,
    make_session_factory: Callable[
        [Engine], scoped_session[Any] | sessionmaker[Any]
    ] = sessionmaker,
    clicks: bool = False,
    **options: Any,
) -> Shop:
    """Return a test shop, and create its tables if they do not exist.

    :param app: the app of the shop. By default, a new app.
    :param model: the model for purchases.
    :param gateway: the gateway for this shop and for all earlier shops. By default, a new gateway.
    :param make_session_factory: a function that returns the session factory for an engine.
    :param clicks: True to store clicks.
    :param options: settings with their upper-case names, and arguments of ``Purchases``.
    """
    settings = {name: options.pop(name) for name in [*options] if name.isupper()}
    site, gateway = make_site(app, **settings), gateway or FakeGateway()

    def build_order_client(state: AppState) -> OrderClient:
        return OrderClient(
            "12345",
            "Key",
            base_url="https://testapi.xiebao18.com",
            transport=httpx.MockTransport(gateway.answer_query),
            member_of=state.find_member_by_key,
        )

    monkeypatch.setattr(order_client, "get_order_client", build_order_client)
    model.metadata.create_all(engine)
    purchases = Purchases(
        site.xiebao,
        model,
        make_session_factory(engine),
        clicks=Click if clicks else None,
        **options,
    )
    site.xiebao.notification_handler(purchases.handle)
    shop = Shop(site, gateway, engine, purchases)
    purchases.on_change(shop.record_change)
    return shop
