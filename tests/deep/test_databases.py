"""Tests for purchases and clicks on SQLite, PostgreSQL and MariaDB.

To test another database, add a row to ``SERVERS`` and a row to ``ISOLATION_LEVELS``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import g
from sqlalchemy import Engine, String, cast, create_engine, func, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    foreign,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
)

from flask_xiebao import NotificationType
from flask_xiebao.sqla import PurchaseMixin
from tests.callback.purchases.support import SURRENDERED_ORDER, UNPAID_ORDER, Shop, make_shop
from tests.callback.purchases.test_attribution import (
    DAY,
    NOON,
    SCENARIOS,
    assert_attributions,
    build_product_click,
    build_purchase,
    find_insure_nums,
    store_rows,
)
from tests.deep import click_contention, contention, databases
from tests.manual.blocks import run_module
from tests.support import INSURE_NUM, MEMBER_SECRET, PC

#: One row per database server: the name, and a context manager that runs the server and yields the
#: database's URL.
SERVERS = {
    "PostgreSQL": databases.run_postgresql,
    "MariaDB": databases.run_mariadb,
    "mariadb://": databases.run_mariadb,
}
#: One row per database: the name, and the isolation levels to test. An empty string stands for the
#: default level.
ISOLATION_LEVELS = {
    "SQLite": [""],
    "PostgreSQL": ["", "REPEATABLE READ", "SERIALIZABLE"],
    "MariaDB": ["", "READ COMMITTED", "SERIALIZABLE"],
    "mariadb://": [],
}


@pytest.fixture(scope="module", params=["SQLite", *SERVERS])
def database_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def database_url(database_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database."""
    with ExitStack() as stack:
        file = tmp_path_factory.mktemp("database") / "shop.sqlite3"
        url = (
            stack.enter_context(SERVERS[database_name]())
            if database_name in SERVERS
            else f"sqlite:///{file}"
        )
        yield url.replace("mysql+", "mariadb+") if database_name == "mariadb://" else url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine with a pool of four connections. The tables of earlier tests are dropped."""
    engine = create_engine(database_url, pool_size=4, max_overflow=0, pool_timeout=20)
    with engine.begin() as connection:
        for table in ("xiebao_purchase", "xiebao_click", "alembic_version"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    yield engine
    engine.dispose()


@pytest.fixture
def shop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A test shop that stores clicks. The member Alice is logged in."""
    shop = make_shop(engine, monkeypatch, clicks=True)
    shop.site.log_in("alice")
    return shop


@contextmanager
def hold_lock(engine: Engine, statement: str) -> Iterator[threading.Event]:
    """Execute an SQL statement in another connection, and hold its locks during the ``with`` block.

    Yield an event that is set when the locks are released, after 40 seconds at the latest.
    """
    is_locked, is_released = threading.Event(), threading.Event()

    def run_statement() -> None:
        with engine.connect() as connection:
            connection.execute(text(statement))
            is_locked.set()
            is_released.wait(40)
            # Close the connection, because MariaDB holds a table lock until its connection ends.
            connection.invalidate()
        is_released.set()

    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(run_statement)
        assert is_locked.wait(10)
        yield is_released
        is_released.set()
        future.result()


def make_request_session(engine: Engine) -> scoped_session[Session]:
    """Return a ``scoped_session`` with one session per app context, like Flask-SQLAlchemy's."""
    return scoped_session(sessionmaker(engine), scopefunc=lambda: id(g._get_current_object()))


# Stored purchases and clicks, and queries for them


def test_row_has_same_values_on_each_database(shop: Shop) -> None:
    shop.gateway.set_order(productName=f"险\0{'长' * 300}", planName="😀", payAmount=2**62)
    shop.refresh()
    row = shop.read_purchase_row()
    assert (row.product_name, row.plan_name) == (f"险{'长' * 254}", "😀")
    assert (row.price_fen, row.policy_nums) == (2**62, ["P10042019030100001"])
    assert row.paid_at.isoformat() == "2019-02-26T02:20:30+00:00"
    shop.gateway.set_order(planName="计划一", **SURRENDERED_ORDER)
    assert shop.notify(NotificationType.SURRENDER) == 200
    assert shop.read_purchase_row().state == "surrendered"


def test_member_ids_and_application_numbers_are_compared_by_bytes(shop: Shop) -> None:
    members = ["bob", "Bob", "bób", "ß", "ss", "x" * 256]
    for index, member in enumerate(members):
        shop.gateway.set_order(f"N{index}", partnerUniqueKey=member)
        shop.gateway.set_order(f"n{index}", partnerUniqueKey=None)
        shop.refresh(f"N{index}")
        shop.refresh(f"n{index}")
    with Session(shop.engine) as session:
        rows = [session.scalars(shop.purchases.of(member)).one() for member in members]
    assert [row.insure_num for row in rows] == [f"N{index}" for index in range(len(members))]
    assert shop.purchases.forget("Bob") == 1
    assert [row.member for row in shop.read_purchase_rows().values() if row.forgotten] == [None]


def test_references_are_compared_by_bytes(shop: Shop) -> None:
    references = ["QY-a", "QY-A", "QY-á"]
    for index, reference in enumerate(references):
        minute = 10 * index
        click = build_product_click(
            f"click {index}", minute, minute + 3, client_reference=reference
        )
        store_rows(shop, [click], [build_purchase(minute + 1, minute + 2, str(index))])
    for index, reference in enumerate(references):
        assert find_insure_nums(shop, reference) == [str(index)]


def test_purchases_are_attributed_to_expected_clicks(shop: Shop) -> None:
    for clicks, purchases, expected in SCENARIOS.values():
        shop.execute_sql("DELETE FROM xiebao_purchase")
        shop.execute_sql("DELETE FROM xiebao_click")
        store_rows(shop, clicks, purchases)
        assert_attributions(shop, expected)


def test_attributions_can_be_counted(shop: Shop) -> None:
    purchases = [build_purchase(5, 6), build_purchase(8, 9, "2"), build_purchase(None, 1, "3")]
    store_rows(shop, [build_product_click("a", 0, 7)], purchases)
    attribution = shop.purchases.attribution.label("attribution")
    with Session(shop.engine) as session:
        rows = session.execute(select(attribution, func.count()).group_by(attribution)).all()
    assert dict(rows) == {"returned": 1, "last": 1, None: 1}


def test_product_codes_in_columns_with_different_collations_are_compared(shop: Shop) -> None:
    """Columns have different collations if servers with different defaults created the tables."""
    if shop.engine.dialect.name not in ("mysql", "mariadb"):
        pytest.skip("Only columns of MariaDB have a collation.")
    for collation in ("utf8mb4_general_ci", "utf8mb4_unicode_ci"):
        column = f"case_code VARCHAR(255) CHARACTER SET utf8mb4 COLLATE {collation}"
        shop.execute_sql(f"ALTER TABLE xiebao_purchase MODIFY {column}")
        assert_attributions(shop, {})


def test_purchase_can_have_relationship_to_user(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Purchase(PurchaseMixin, Base):
        user: Mapped[Any] = relationship(
            User,
            primaryjoin=lambda: foreign(Purchase.member) == cast(User.id, String(256)),
            viewonly=True,
        )

    shop = make_shop(engine, monkeypatch, model=Purchase)
    shop.gateway.set_order(partnerUniqueKey="7")
    shop.refresh()
    with Session(engine) as session, session.begin():
        session.add(User(id=7))
        assert session.get_one(Purchase, INSURE_NUM).user.id == 7
    Base.metadata.drop_all(engine)


# Locked rows and tables


def test_locked_row_fails_before_lock_is_released(shop: Shop) -> None:
    shop.gateway.set_order()
    shop.refresh()
    shop.gateway.set_order(**SURRENDERED_ORDER)
    with hold_lock(shop.engine, "UPDATE xiebao_purchase SET plan_name = 'locked'") as is_released:
        assert shop.notify(NotificationType.SURRENDER) == 500
        with pytest.raises(DBAPIError):
            shop.purchases.forget("101000")
        assert not is_released.is_set()
    assert shop.notify(NotificationType.SURRENDER) == 200
    assert shop.read_purchase_states() == {INSURE_NUM: "surrendered"}


def test_refresh_raises_if_session_of_same_view_has_locked_row(shop: Shop) -> None:
    """The view can still commit its own change of the row."""
    shop.gateway.set_order()
    shop.refresh()
    with Session(shop.engine) as session:
        session.execute(text("UPDATE xiebao_purchase SET plan_name = 'mine'"))
        with pytest.raises(DBAPIError):
            shop.refresh()
        session.commit()
    assert shop.read_purchase_row().plan_name == "mine"


def test_click_is_redirected_before_lock_of_table_is_released(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    statement = {
        "sqlite": "BEGIN EXCLUSIVE",
        "postgresql": "LOCK TABLE xiebao_click",
    }.get(shop.engine.dialect.name, "LOCK TABLES xiebao_click WRITE")
    link = shop.site.link("product")
    with hold_lock(shop.engine, statement) as is_released:
        assert shop.site.follow(link, PC).status_code == 302
        assert not is_released.is_set()
        assert "could not be written to the table" in caplog.text
    assert shop.site.follow(link, PC).status_code == 302
    assert len(shop.read_clicks()) == 1


# Simultaneous requests


def test_killed_processes_leave_correct_purchases(database_name: str, database_url: str) -> None:
    for level in ISOLATION_LEVELS[database_name]:
        count, wrong = contention.find_wrong_purchases(
            database_url, level, seconds=10, workers=6, kills=6
        )
        assert wrong == []
        assert count > 20


def test_killed_processes_lose_no_clicks(database_url: str) -> None:
    count, wrong = click_contention.find_wrong_clicks(database_url, seconds=10, workers=6, kills=6)
    assert wrong == []
    assert count > 20


def test_pool_of_four_is_enough_for_four_simultaneous_notifications(shop: Shop) -> None:
    barrier = threading.Barrier(4, timeout=15)
    shop.gateway.on_query = lambda *_: barrier.wait()
    for number in "1234":
        shop.gateway.set_order(number)
    with ThreadPoolExecutor(4) as threads:
        statuses = threads.map(lambda number: shop.notify(1, insureNum=number), "1234")
        assert [*statuses] == [200] * 4
    assert len(shop.read_purchase_rows()) == 4


def test_pool_of_four_is_enough_for_40_notifications_with_database_hook(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_request_session(engine)
    shop = make_shop(
        engine,
        monkeypatch,
        make_session_factory=lambda _: session,
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
    )
    shop.site.app.teardown_appcontext(lambda _: session.remove())
    shop.site.xiebao.keeps_plain_key(lambda member: session.scalar(select(1)) == 1)
    numbers = [f"2026{index:04}" for index in range(40)]
    for number in numbers:
        shop.gateway.set_order(number)
    with ThreadPoolExecutor(24) as threads:
        statuses = threads.map(lambda number: shop.notify(1, insureNum=number), numbers)
        assert [*statuses] == [200] * 40
    assert {row.member for row in shop.read_purchase_rows().values()} == {"101000"}


def test_pool_of_four_is_enough_for_40_clicks_with_database_member_loader(
    shop: Shop,
) -> None:
    session = make_request_session(shop.engine)
    shop.site.app.teardown_appcontext(lambda _: session.remove())
    shop.site.xiebao.member_loader(lambda: session.scalar(select(literal("alice"))))
    links = [shop.site.link("product", client_reference=index) for index in range(40)]
    with ThreadPoolExecutor(24) as threads:
        responses = threads.map(lambda link: shop.site.follow(link, PC), links)
        assert {response.status_code for response in responses} == {302}
    references = {click.client_reference for click in shop.read_clicks()}
    assert references == {str(index) for index in range(40)}


def test_clicks_are_stored_while_old_clicks_are_deleted(shop: Shop) -> None:
    store_rows(shop, [build_product_click(f"{index:05}", -3 * DAY) for index in range(20_000)], [])
    click_store: Any = shop.purchases.click_store
    count = 0
    with ThreadPoolExecutor(1) as thread:
        deletion = thread.submit(click_store.delete_clicks_before, NOON - timedelta(days=2))
        while not deletion.done():
            assert shop.site.follow(shop.site.link("product"), PC).status_code == 302
            count += 1
    assert deletion.result() == 20_000
    assert count > 0
    assert len(shop.read_clicks()) == count


# Database migrations

SITE = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_xiebao import Xiebao
from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases

app = Flask(__name__)
app.config.update(
    SECRET_KEY="a",
    XIEBAO_PARTNER_ID="12345",
    XIEBAO_API_KEY="Key",
    XIEBAO_ENV="test",
    SQLALCHEMY_DATABASE_URI=os.environ["DATABASE"],
)
db, xiebao = SQLAlchemy(app), Xiebao(app)
Migrate(app, db)
xiebao.member_loader(lambda: None)


class Purchase(PurchaseMixin, db.Model):
    pass


class InsuranceClick(ClickMixin, db.Model):
    pass


purchases = Purchases(xiebao, Purchase, db.session, clicks=InsuranceClick)
xiebao.notification_handler(purchases.handle)
"""


def migrate_database(database_url: str, folder: Path) -> tuple[str, str]:
    """Create a site in a folder, and migrate the database to the site's models with Flask-Migrate.

    :return: the output of ``flask xiebao doctor`` before the migration and after it.
    """
    (folder / "shop.py").write_text(SITE)
    flask = partial(run_module, folder, "flask", "--app", "shop", DATABASE=database_url)
    before = flask("xiebao", "doctor", status=1)
    flask("db", "init")
    flask("db", "migrate", "-m", "Purchases")
    [migration] = (folder / "migrations/versions").glob("*.py")
    assert "flask_xiebao" not in migration.read_text()
    flask("db", "upgrade")
    assert "No changes in schema detected" in flask("db", "migrate")
    return before, flask("xiebao", "doctor")


@pytest.mark.usefixtures("engine")
def test_migration_creates_tables_without_importing_extension(
    database_url: str, tmp_path: Path
) -> None:
    before, after = migrate_database(database_url, tmp_path)
    for table in ("xiebao_purchase", "xiebao_click"):
        assert f'has no table "{table}"' in before
    assert 'Purchases are stored in the table "xiebao_purchase"' in after
    assert 'Clicks on product and home entries are stored in the table "xiebao_click"' in after


def test_migration_adds_columns_to_filled_table_of_version_0_3(
    shop: Shop, database_url: str, tmp_path: Path
) -> None:
    shop.gateway.set_order()
    shop.refresh()
    shop.execute_sql("DROP TABLE xiebao_click")
    for column in ("surrenders", "failures", "behind", "applied_at"):
        shop.execute_sql(f"ALTER TABLE xiebao_purchase DROP COLUMN {column}")
    time_type = "TIMESTAMP" if shop.engine.dialect.name == "postgresql" else "DATETIME"
    for column in ("first_behind_at", "last_behind_at"):
        shop.execute_sql(f"ALTER TABLE xiebao_purchase ADD COLUMN {column} {time_type} NULL")

    before, _ = migrate_database(database_url, tmp_path)

    assert "lacks these columns: applied_at, surrenders, failures, behind" in before
    # The failed payment and the unconfirmed surrender are stored in the new columns.
    shop.gateway.set_order(**UNPAID_ORDER)
    assert shop.notify(NotificationType.PAYMENT, state=False, failMsg="x") == 200
    assert shop.notify(NotificationType.SURRENDER) == 500
    row = shop.read_purchase_row()
    assert (row.state, row.member, row.version) == ("failed", "101000", 3)
    assert (len(row.failures), len(row.behind), row.surrenders) == (1, 1, None)
    assert row.applied_at is not None
