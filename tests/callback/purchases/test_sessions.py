"""The database's side: whose session it is, and what is refused."""

from __future__ import annotations

import sqlite3
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import ForeignKey, String, create_engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import QueuePool

from flask_xiebao import ConfigError, Xiebao
from flask_xiebao.sqla import PurchaseMixin, Purchases
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import Shop
from tests.support import INSURE_NUM, MEMBER_SECRET


def test_no_connection_is_held_while_the_gateway_is_waited_for(new_shop: MakeShop) -> None:
    shop = new_shop()
    pool = shop.engine.pool
    assert isinstance(pool, QueuePool)
    held: list[int] = []
    shop.gateway.then = lambda *_: held.append(pool.checkedout())
    shop.gateway.says()
    shop.refresh()
    shop.refresh()
    assert held == [0, 0]


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "SERIALIZABLE"])
def test_an_engine_that_commits_each_statement_is_refused(new_shop: MakeShop, level: str) -> None:
    shop = new_shop(engine={"isolation_level": level})
    shop.gateway.says()
    assert shop.ring(1) == (500 if level == "AUTOCOMMIT" else 200)
    assert [*shop.rows()] == [INSURE_NUM] * (level != "AUTOCOMMIT")


def test_sqlite_may_have_its_transactions_begun_by_sqlalchemy(shop: Shop) -> None:
    engine = create_engine(shop.engine.url)
    event.listen(engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    shop.purchases.store._session_factory = sessionmaker(engine)
    shop.gateway.says()
    assert shop.refresh().insure_num == INSURE_NUM
    engine.dispose()


def test_a_database_that_is_away_is_asked_once(shop: Shop) -> None:
    connect = Mock(side_effect=sqlite3.OperationalError)
    engine = create_engine("sqlite://", creator=connect)
    shop.purchases.store._session_factory = sessionmaker(engine)
    with pytest.raises(OperationalError):
        shop.refresh()
    assert connect.call_count == 1


def test_a_constraint_of_the_sites_own_is_no_reason_to_ask_again(shop: Shop) -> None:
    shop.execute("CREATE UNIQUE INDEX one_each ON xiebao_purchase (member)")
    for number in "12":
        shop.gateway.says(number)
    shop.refresh("1")
    shop.gateway.asked.clear()
    with pytest.raises(IntegrityError):
        shop.refresh("2")
    assert shop.gateway.asked == [("orderDetail", "2")]


def test_whose_it_is_may_be_asked_of_the_same_small_pool(
    new_shop: MakeShop,
) -> None:
    small = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    shop = new_shop(engine=small, XIEBAO_MEMBER_SECRET=MEMBER_SECRET)

    @shop.xiebao.keeps_plain_key
    def keeps(member: str) -> bool:
        with Session(shop.engine) as session:
            return bool(session.scalar(text("SELECT 1")))

    shop.gateway.says()
    assert shop.refresh().member == "101000"


class Base(DeclarativeBase):
    """Of sites that do without Flask-SQLAlchemy."""


class Kept(PurchaseMixin, Base):
    """What they keep."""


class Special(Kept):
    """What a second table says more of."""

    __tablename__ = "special"
    insure_num: Mapped[str] = mapped_column(
        String(255), ForeignKey(Kept.insure_num), primary_key=True
    )


class Numbered(PurchaseMixin, Base):
    """What one of them would keep."""

    __tablename__ = "numbered"
    id: Mapped[int] = mapped_column(primary_key=True)


async def later(session: Session, purchase: Kept, before: object) -> None:
    """Be told, but not now."""


class Later:
    """The same as an object."""

    async def __call__(self, session: Session, purchase: Kept, before: object) -> None:
        """Be told, but not now."""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((dict, sessionmaker()), "PurchaseMixin"),
        ((Kept, Session()), "got Session"),
        ((Kept, async_sessionmaker()), "got async_sessionmaker"),
        (
            (Kept, sessionmaker(), lambda: True),
            r'because "only" is called with the arguments \(order\)',
        ),
        ((Kept, sessionmaker(), later), '"only" must be a function and must not be async'),
        ((PurchaseMixin, sessionmaker()), "PurchaseMixin"),
        ((Numbered, sessionmaker()), "no primary key besides"),
        ((Special, sessionmaker()), "with one table"),
    ],
)
def test_what_it_cannot_work_with_is_said_at_once(given: Any, said: str) -> None:
    make: Any = Purchases
    model, session_factory, *only = given
    with pytest.raises(ConfigError, match=said):
        make(Xiebao(), model, session_factory, only=next(iter(only), None))


def test_an_extension_has_one_of_it(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="already has a Purchases object"):
        Purchases(shop.xiebao, Kept, sessionmaker())


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (later, "async"),
        (Later(), "async"),
        (None, "function"),
        (lambda purchase: None, "session, purchase"),
    ],
)
def test_what_cannot_be_told_is_said_at_once(shop: Shop, function: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        shop.purchases.on_change(function)


def test_one_function_is_told(shop: Shop) -> None:
    shop.purchases.on_change(shop.tell)
    with pytest.raises(
        ConfigError, match=r"tests\.callback\.purchases\.support\.Shop\.tell is already"
    ):
        shop.purchases.on_change(lambda session, purchase, before: None)
