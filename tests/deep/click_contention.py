"""Worker processes in which members click, pay and return, while some workers are killed.

A worker prints each click after it has received the response, and each purchase that was attributed
to a wrong click::

    python -m tests.deep.click_contention DATABASE SECONDS SEED
"""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from flask_xiebao import Xiebao, entry_clicked
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases
from tests.deep.workers import run_and_kill_workers
from tests.support import CONFIG, PC, PRODUCT_CODE, get_return_link

MEMBERS = ["alice", "Alice", "bob", "m_7Qk2vX9rT4"]


class Base(DeclarativeBase):
    """The base class of the models."""


class Purchase(PurchaseMixin, Base):
    """A member's purchase."""


class Click(ClickMixin, Base):
    """A member's click on an insurance entry."""


def create_site_with_clicks(engine: Engine) -> tuple[Flask, Xiebao, Purchases[Purchase]]:
    """Return the app, the extension and the ``Purchases`` object of a site that stores clicks.

    The logged-in member is ``g.member``.
    """
    app = Flask("shop")
    app.config.update(CONFIG, TESTING=True)
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: g.member)
    return app, xiebao, Purchases(xiebao, Purchase, sessionmaker(engine), clicks=Click)


def click_and_buy(database: str, seconds: float, seed: int) -> None:
    """Click an insurance entry, buy, and return from payment in a loop for this many seconds."""
    rng, end, count = random.Random(seed), time.monotonic() + seconds, 0  # noqa: S311
    engine = create_engine(database)
    app, xiebao, purchases = create_site_with_clicks(engine)
    click_ids: list[str] = []
    entry_clicked.connect(lambda _, click_id, **__: click_ids.append(click_id), app, weak=False)
    member = ""
    app.before_request(lambda: setattr(g, "member", member))
    while time.monotonic() < end:
        member, reference, count = rng.choice(MEMBERS), f"{seed}-{count}", count + 1
        with app.test_request_context():
            link = xiebao.product_link(PRODUCT_CODE, client_reference=reference, return_to="/")
        response = app.test_client().get(link, headers=PC)
        print(f"{response.status_code} {click_ids.pop()} {member} {reference}", flush=True)
        now = datetime.now(UTC).replace(microsecond=0)
        values: dict[str, Any] = {"policy_nums": [], "forgotten": False, "version": 1}
        values |= dict.fromkeys(("applied_at", "paid_at", "created_at"), now)
        with Session(engine) as session, session.begin():
            session.add(
                Purchase(insure_num=reference, member=member, case_code=PRODUCT_CODE, **values)
            )
        # Bob never returns from payment, so his purchases are attributed to his last click.
        if member != "bob" and rng.random() < 0.7:
            app.test_client().get(get_return_link(response))
        with Session(engine) as session:
            click = session.scalar(purchases.click_of(session.get_one(Purchase, reference)))
            found = session.scalars(purchases.for_reference(reference, rng.choice(MEMBERS)))
            owners = {purchase.member for purchase in found}
        if click is None or click.member != member or owners - {member}:
            print(f"wrong: {reference} of {member} belongs to {click}, {owners}", flush=True)
    engine.dispose()


def find_wrong_clicks(
    database: str, *, seconds: float, workers: int, kills: int
) -> tuple[int, list[str]]:
    """Run worker processes and kill some of them. Return the number of clicks and the problems."""
    engine = create_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    lines = run_and_kill_workers(__name__, database, seconds=seconds, workers=workers, kills=kills)
    clicks = [line.split() for line in lines if line.startswith("302 ") and line.count(" ") == 3]
    with Session(engine) as session:
        stored = {
            click.click_id: [click.member, click.client_reference]
            for click in session.scalars(select(Click))
        }
        purchases = create_site_with_clicks(engine)[2]
        attributions = set(session.scalars(select(purchases.attribution)))
    engine.dispose()
    problems = [line for line in lines if not line.startswith("302 ")]
    problems += [f"lost: {click}" for _, *click in clicks if stored.get(click[0]) != click[1:]]
    problems += [f"no purchase is {kind}" for kind in {"returned", "last"} - attributions]
    return len(clicks), problems


if __name__ == "__main__":
    click_and_buy(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
