"""Many processes that keep the same rows, some of them killed, while the gateway goes on.

The gateway's orders go from step to step, and its answers take their time, so they arrive in
another order than they were given. A worker says what is wrong with what it sees::

    python -m tests.deep.contention DATABASE ISOLATION GATEWAY SECONDS SEED
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

ORDERS = [f"2026112700000{each}" for each in range(4)]
#: The longest that an answer takes, once the gateway has looked at the order.
SLOWEST = 0.03


class Base(DeclarativeBase):
    """The tables."""


class Purchase(PurchaseMixin, Base):
    """What is kept."""


class Change(Base):
    """What ``on_change`` was told, in the order in which it was committed."""

    __tablename__ = "change"
    id: Mapped[int] = mapped_column(primary_key=True)
    insure_num: Mapped[str] = mapped_column(index=False, type_=Purchase.__table__.c.insure_num.type)
    before: Mapped[int | None]
    after: Mapped[int]


@contextmanager
def gateway() -> Iterator[tuple[dict[str, int], str]]:
    """Serve orders that go from step to step, which is their price; yield the steps, and where."""
    steps, chance = dict.fromkeys(ORDERS, 0), random.Random(1)  # noqa: S311
    app, is_over = Flask("gateway"), threading.Event()

    @app.post("/api/orderDetail")
    def detail() -> Any:
        number = request.get_json()["insureNum"]
        step = steps[number]
        time.sleep(chance.random() * SLOWEST)  # meanwhile, the order may go on
        order = {"insureNum": number, "partnerUniqueKey": "7", "payAmount": step}
        return {"respCode": 0, "data": {"orderDetail": {**order, "planName": f"step {step}"}}}

    app.add_url_rule("/now", "now", lambda: steps)

    def go_on() -> None:
        while not is_over.wait(0.005):
            steps[chance.choice(ORDERS)] += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        with serve_app(app) as url:
            yield steps, url
    finally:
        is_over.set()
        thread.join()


def site(engine: Engine, url: str) -> tuple[Flask, Purchases[Purchase]]:
    """Return a site that keeps its purchases there, and notes each change."""
    app = Flask("shop")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_BASE_URL=url)
    purchases = Purchases(Xiebao(app), Purchase, sessionmaker(engine))

    @purchases.on_change
    def note(session: Session, purchase: Purchase, before: Snapshot | None) -> None:
        session.add(
            Change(
                insure_num=purchase.insure_num,
                before=before and before.price_fen,
                after=purchase.price_fen,
            )
        )

    return app, purchases


def engine_of(database: str, isolation: str) -> Engine:
    """Return an engine with an isolation level, or the database's own."""
    return create_engine(database, **({"isolation_level": isolation} if isolation else {}))


def work(database: str, isolation: str, url: str, seconds: float, seed: int) -> None:
    """Refresh for a while, and print what is wrong; last, how often it was done."""
    pick = random.Random(seed)  # noqa: S311
    until, done = time.monotonic() + seconds, 0
    engine = engine_of(database, isolation)
    app, purchases = site(engine, url)
    with app.app_context(), httpx.Client(base_url=url) as asks:
        while time.monotonic() < until:
            number = pick.choice(ORDERS)
            least = asks.get("/now").json()[number]
            done += 1
            if pick.random() < 0.3:
                # A step that the gateway says nothing of, such as an insurer's number for it.
                purchases.handle(Notification(type=17, insure_num=number))
                continue
            row = purchases.refresh(number)
            if row.price_fen is None or row.price_fen < least:
                print(f"stale: {number} is {row.price_fen}, and was {least} before", flush=True)
            if row.plan_name != f"step {row.price_fen}":
                print(f"half written: {number}", flush=True)
    engine.dispose()
    print(f"refreshed {done}", flush=True)


def attack(
    database: str, isolation: str = "", *, seconds: float, workers: int, kills: int
) -> tuple[int, list[str]]:
    """Have workers keep the rows, and kill some; return how many refreshes, and what is wrong."""
    engine = create_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    said: list[str] = []
    try:
        with gateway() as (steps, url):
            arguments = (database, isolation, url)
            said += run_and_kill_workers(
                __name__, *arguments, seconds=seconds, workers=workers, kills=kills
            )
            app, purchases = site(engine, url)
            said += ends(app, purchases, engine, steps)
    finally:
        engine.dispose()
    refreshed = [line for line in said if line.startswith("refreshed")]
    done = sum(int(line.split()[1]) for line in refreshed)
    return done, [line for line in said if line not in refreshed]


def ends(
    app: Flask, purchases: Purchases[Purchase], engine: Engine, steps: dict[str, int]
) -> Iterator[str]:
    """Say what is wrong in the end."""
    for number in ORDERS:
        least = steps[number]
        with app.app_context():
            row = purchases.refresh(number)
        if (row.price_fen or 0) < least:
            yield f"wrong in the end: {number} is {row.price_fen}, and not {least}"
    last: dict[str, int] = {}
    with Session(engine) as session:
        for change in session.scalars(select(Change).order_by(Change.id)):
            if change.before != last.get(change.insure_num):
                yield f"a change was left out before {change.after} of {change.insure_num}"
            if change.before is not None and change.after <= change.before:
                yield f"{change.insure_num} went back from {change.before} to {change.after}"
            last[change.insure_num] = change.after


if __name__ == "__main__":
    _, database, isolation, url, seconds, seed = sys.argv
    work(database, isolation, url, float(seconds), int(seed))
