"""Worker processes that write the same purchases, while some workers are killed.

The gateway's orders change all the time, and its responses are delayed. So an outdated response can
arrive after a newer response. A worker prints a line for each purchase that it has refreshed, and
for each error in a purchase::

    python -m tests.deep.contention DATABASE ISOLATION_LEVEL GATEWAY_URL SECONDS SEED
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from flask import Flask, request
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from flask_xiebao import Notification, Xiebao
from flask_xiebao.sqla import PurchaseMixin, Purchases, Snapshot
from tests.deep.workers import run_and_kill_workers
from tests.support import CONFIG, serve_app

ORDERS = [f"2026112700000{digit}" for digit in range(4)]
#: The maximum delay of a gateway response, in seconds.
MAX_DELAY = 0.03


class Base(DeclarativeBase):
    """The base class of the models."""


class Purchase(PurchaseMixin, Base):
    """A member's purchase."""


class Change(Base):
    """A recorded call of the hook ``on_change``, with the prices before and after the change."""

    __tablename__ = "change"
    id: Mapped[int] = mapped_column(primary_key=True)
    insure_num: Mapped[str] = mapped_column(index=False, type_=Purchase.__table__.c.insure_num.type)
    before: Mapped[int | None]
    after: Mapped[int]


@contextmanager
def run_gateway() -> Iterator[tuple[dict[str, int], str]]:
    """Run a gateway whose orders change all the time.

    Yield the orders' prices and the gateway's URL. Prices only increase, so the lower of two prices
    of an order is the older price. The plan name of an order contains its price.
    """
    prices, rng = dict.fromkeys(ORDERS, 0), random.Random(1)  # noqa: S311
    app, is_over = Flask("gateway"), threading.Event()
    app.add_url_rule("/prices", "prices", lambda: prices)

    @app.post("/api/orderDetail")
    def respond_with_order() -> Any:
        number = request.get_json()["insureNum"]
        order = {"insureNum": number, "partnerUniqueKey": "7", "payAmount": prices[number]}
        order["planName"] = f"plan for {order['payAmount']}"
        time.sleep(rng.random() * MAX_DELAY)
        return {"respCode": 0, "data": {"orderDetail": order}}

    def increase_prices() -> None:
        while not is_over.wait(0.005):
            prices[rng.choice(ORDERS)] += 1

    thread = threading.Thread(target=increase_prices)
    thread.start()
    try:
        with serve_app(app) as url:
            yield prices, url
    finally:
        is_over.set()
        thread.join()


def create_site_with_purchases(engine: Engine, url: str) -> tuple[Flask, Purchases[Purchase]]:
    """Return the app and the ``Purchases`` object of a site that records changes of purchases.

    :param url: The URL of the gateway.
    """
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL=url)
    purchases = Purchases(Xiebao(app), Purchase, sessionmaker(engine))

    @purchases.on_change
    def record_change(session: Session, purchase: Purchase, before: Snapshot | None) -> None:
        prices = {"before": before and before.price_fen, "after": purchase.price_fen}
        session.add(Change(insure_num=purchase.insure_num, **prices))

    return app, purchases


def refresh_purchases(database: str, isolation: str, url: str, seconds: float, seed: int) -> None:
    """Refresh random purchases in a loop, and check each refreshed row.

    :param isolation: The isolation level, or "" for the default of the database.
    :param url: The URL of the gateway.
    """
    rng, end = random.Random(seed), time.monotonic() + seconds  # noqa: S311
    engine = create_engine(database, **({"isolation_level": isolation} if isolation else {}))
    app, purchases = create_site_with_purchases(engine, url)
    with app.app_context(), httpx.Client(base_url=url) as client:
        while time.monotonic() < end:
            number = rng.choice(ORDERS)
            price = client.get("/prices").json()[number]
            if rng.random() < 0.3:
                # A notification of an unknown type refreshes the purchase, too.
                purchases.handle(Notification(type=17, insure_num=number))
            else:
                row = purchases.refresh(number)
                if row.price_fen is None or row.price_fen < price:
                    print(f"outdated: {number} has {row.price_fen}, not {price}", flush=True)
                if row.plan_name != f"plan for {row.price_fen}":
                    print(f"inconsistent: {number} has {row.plan_name}", flush=True)
            print("refreshed", flush=True)
    engine.dispose()


def find_wrong_purchases(
    database: str, isolation: str = "", *, seconds: float, workers: int, kills: int
) -> tuple[int, list[str]]:
    """Run worker processes and kill some. Return the number of refreshes and the problems."""
    engine = create_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with run_gateway() as (prices, url):
        arguments = (database, isolation, url)
        lines = run_and_kill_workers(
            __name__, *arguments, seconds=seconds, workers=workers, kills=kills
        )
        app, purchases = create_site_with_purchases(engine, url)
        with app.app_context():
            lines += iter_problems(purchases, engine, prices)
    engine.dispose()
    return lines.count("refreshed"), [line for line in lines if line != "refreshed"]


def iter_problems(
    purchases: Purchases[Purchase], engine: Engine, prices: dict[str, int]
) -> Iterator[str]:
    """Yield a description of each wrong purchase or recorded change, after all workers have ended.

    :param prices: The current prices of the orders.
    """
    for number in ORDERS:
        price = prices[number]
        row = purchases.refresh(number)
        if (row.price_fen or 0) < price:
            yield f"outdated at the end: {number} has {row.price_fen}, not {price}"
    last_prices: dict[str, int] = {}
    with Session(engine) as session:
        for change in session.scalars(select(Change).order_by(Change.id)):
            if change.before != last_prices.get(change.insure_num):
                yield f"a change of {change.insure_num} is missing before {change.after}"
            if change.before is not None and change.after <= change.before:
                yield f"{change.insure_num} changed from {change.before} back to {change.after}"
            last_prices[change.insure_num] = change.after


if __name__ == "__main__":
    _, database, isolation, url, seconds, seed = sys.argv
    refresh_purchases(database, isolation, url, float(seconds), int(seed))
