"""Purchases on the databases that sites have: SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
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

from flask_xiebao.sqla import ClickMixin, PurchaseMixin, Purchases
from tests.callback.purchases.support import APPLIED, SURRENDERED, Gateway, Shop, make_shop
from tests.callback.purchases.test_attribution import (
    DAY,
    NOON,
    SCENARIOS,
    find_clicks_and_attributions,
    find_insure_nums,
    product_click,
    purchase_at,
    store_rows,
)
from tests.deep import click_contention, contention, databases
from tests.manual.blocks import run_module
from tests.support import INSURE_NUM, MEMBER_SECRET, PC, make_site

SERVERS = {"PostgreSQL": databases.run_postgresql, "MariaDB": databases.run_mariadb}
SERVERS["mariadb://"] = databases.run_mariadb
LEVELS = {
    "SQLite": [""],
    "PostgreSQL": ["", "REPEATABLE READ", "SERIALIZABLE"],
    "MariaDB": ["", "READ COMMITTED", "SERIALIZABLE"],
    "mariadb://": [],
}


@pytest.fixture(scope="module", params=["SQLite", *SERVERS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def database(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database."""
    with ExitStack() as stack:
        file = tmp_path_factory.mktemp("database") / "shop.sqlite3"
        url = stack.enter_context(SERVERS[name]()) if name in SERVERS else f"sqlite:///{file}"
        yield url.replace("mysql+", "mariadb+") if name == "mariadb://" else url


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine with a pool of four, and none of our tables."""
    made = create_engine(database, pool_size=4, max_overflow=0, pool_timeout=20)
    with made.begin() as connection:
        for table in ("xiebao_purchase", "xiebao_click"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    yield made
    made.dispose()


@pytest.fixture
def shop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return make_shop(engine, monkeypatch)


def test_many_processes_keep_the_same_rows_and_some_are_killed(name: str, database: str) -> None:
    for level in LEVELS[name]:
        done, wrong = contention.find_wrong_purchases(
            database, level, seconds=10, workers=6, kills=6
        )
        assert wrong == []
        assert done > 20


def test_a_row_is_the_same_everywhere(shop: Shop) -> None:
    shop.gateway.says(productName=f"险\0{'长' * 300}", planName="😀", payAmount=2**62)
    shop.refresh()
    row = shop.row()
    assert (row.product_name, row.plan_name) == (f"险{'长' * 254}", "😀")
    assert (row.price_fen, row.policy_nums) == (2**62, ["P10042019030100001"])
    assert row.paid_at.isoformat() == "2019-02-26T02:20:30+00:00"
    shop.gateway.says(planName="计划一", **SURRENDERED)
    assert shop.ring(4) == 200
    assert shop.row().state == "surrendered"


def test_no_two_members_are_one(shop: Shop) -> None:
    members = ["bob", "Bob", "bób", "ß", "ss", "x" * 256]
    for number, member in enumerate(members):
        shop.gateway.says(f"N{number}", partnerUniqueKey=member)
        shop.gateway.says(f"n{number}", partnerUniqueKey=None)
        shop.refresh(f"N{number}")
        shop.refresh(f"n{number}")
    with Session(shop.engine) as session:
        for number, member in enumerate(members):
            [row] = session.scalars(shop.purchases.of(member))
            assert row.insure_num == f"N{number}"
    assert shop.purchases.forget("Bob") == 1
    assert [row.member for row in shop.rows().values() if row.forgotten] == [None]


def test_four_requests_do_with_a_pool_of_four(shop: Shop) -> None:
    """All wait for the gateway at the same time."""
    waiting = threading.Barrier(4, timeout=15)
    shop.gateway.then = lambda method, number: waiting.wait()
    for number in "1234":
        shop.gateway.says(number)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(shop.ring(1, insureNum=n)))
        for n in "1234"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert len(shop.rows()) == 4


@pytest.fixture
def locked_row(shop: Shop) -> Iterator[threading.Event]:
    """Hold the lock of a row for 40 seconds, unless the test sets the event earlier."""
    shop.gateway.says()
    shop.refresh()
    is_locked, should_end = threading.Event(), threading.Event()

    def hold_lock() -> None:
        with shop.engine.begin() as connection:
            connection.execute(text("UPDATE xiebao_purchase SET plan_name = 'locked'"))
            is_locked.set()
            should_end.wait(40)
        should_end.set()

    thread = threading.Thread(target=hold_lock)
    thread.start()
    assert is_locked.wait(10)
    yield should_end
    should_end.set()
    thread.join()


def test_locked_row_fails_before_lock_is_released(
    shop: Shop, locked_row: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    shop.gateway.says(**SURRENDERED)
    assert shop.ring(4) == 500
    with pytest.raises(DBAPIError), shop.app.app_context():
        shop.purchases.forget("101000")
    assert not locked_row.is_set()
    locked_row.set()
    assert shop.ring(4) == 200
    assert shop.states() == {INSURE_NUM: "surrendered"}


def test_refresh_fails_if_own_session_has_locked_row(shop: Shop) -> None:
    """A view that has written the row without a commit gets an error and keeps its work."""
    shop.gateway.says()
    shop.refresh()
    with Session(shop.engine) as session:
        session.execute(text("UPDATE xiebao_purchase SET plan_name = 'mine'"))
        with pytest.raises(DBAPIError):
            shop.refresh()
        session.commit()
    assert shop.row().plan_name == "mine"


def test_burst_of_notifications_with_hook_that_reads_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty notifications reach 24 threads that share a pool of four connections."""
    site, sessions = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET), sessionmaker(engine)
    db = scoped_session(sessions, scopefunc=lambda: id(g._get_current_object()))
    site.app.teardown_appcontext(lambda _: db.remove())

    class Base(DeclarativeBase):
        pass

    class Purchase(PurchaseMixin, Base):
        pass

    Base.metadata.create_all(engine)
    purchases = Purchases(site.xiebao, Purchase, db)
    site.xiebao.notification_handler(purchases.handle)
    site.xiebao.keeps_plain_key(lambda member: db.scalar(select(1)) == 1)
    shop = Shop(site, Gateway(), engine, Purchase, ClickMixin, purchases)
    shop.gateway.answers(monkeypatch)
    numbers = [f"2026{number:04}" for number in range(40)]
    for number in numbers:
        shop.gateway.says(number)
    with ThreadPoolExecutor(24) as threads:
        statuses = list(threads.map(lambda number: shop.ring(1, insureNum=number), numbers))
    assert statuses == [200] * 40
    assert {row.member for row in shop.rows().values()} == {"101000"}


@pytest.fixture
def click_shop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Shop:
    shop = make_shop(engine, monkeypatch, clicks=True)
    shop.site.log_in("alice")
    return shop


def test_purchases_belong_to_the_expected_clicks(click_shop: Shop) -> None:
    for name, (clicks, purchases, expected) in SCENARIOS.items():
        click_shop.execute("DELETE FROM xiebao_purchase")
        click_shop.execute("DELETE FROM xiebao_click")
        store_rows(click_shop, clicks, purchases)
        assert find_clicks_and_attributions(click_shop) == expected, name


def test_references_are_compared_byte_by_byte(click_shop: Shop) -> None:
    references = ["QY-a", "QY-A", "QY-á"]
    for number, reference in enumerate(references):
        clicked, click_id = 10 * number, f"click {number}"
        click = product_click(click_id, clicked, clicked + 3, client_reference=reference)
        store_rows(click_shop, [click], [purchase_at(clicked + 1, clicked + 2, str(number))])
    for number, reference in enumerate(references):
        assert find_insure_nums(click_shop, reference) == [str(number)]


def test_tables_with_different_collations_can_be_compared(click_shop: Shop) -> None:
    """The tables may have been created by servers with different defaults."""
    if click_shop.engine.dialect.name not in ("mysql", "mariadb"):
        pytest.skip("The database has no collation for each column.")
    for collation in ("utf8mb4_general_ci", "utf8mb4_unicode_ci"):
        click_shop.execute(
            "ALTER TABLE xiebao_purchase MODIFY case_code VARCHAR(255) CHARACTER SET utf8mb4"
            f" COLLATE {collation}"
        )
        assert find_clicks_and_attributions(click_shop) == {}


def test_attributions_can_be_counted(click_shop: Shop) -> None:
    store_rows(
        click_shop,
        [product_click("a", 0, 7)],
        [purchase_at(5, 6), purchase_at(8, 9, "2"), purchase_at(None, 1, "3")],
    )
    how = click_shop.purchases.attribution.label("how")
    with Session(click_shop.engine) as session:
        rows = session.execute(select(how, func.count()).group_by(how)).all()
    assert dict(rows) == {"returned": 1, "last": 1, None: 1}


def test_burst_of_clicks_is_stored_although_a_hook_reads_database(click_shop: Shop) -> None:
    """Send forty clicks in 24 threads, which share a pool of four connections."""
    db = scoped_session(
        sessionmaker(click_shop.engine), scopefunc=lambda: id(g._get_current_object())
    )
    click_shop.app.teardown_appcontext(lambda _: db.remove())
    click_shop.xiebao.member_loader(lambda: db.scalar(select(literal("alice"))))
    links = [click_shop.site.link("product", client_reference=number) for number in range(40)]
    with ThreadPoolExecutor(24) as threads:
        responses = list(threads.map(lambda link: click_shop.site.follow(link, PC), links))
    assert {response.status_code for response in responses} == {302}
    references = {click.client_reference for click in click_shop.stored_clicks()}
    assert references == {str(number) for number in range(40)}


def test_click_does_not_wait_long_for_a_locked_table(
    click_shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    lock = {
        "sqlite": "BEGIN EXCLUSIVE",
        "postgresql": "LOCK TABLE xiebao_click",
        "mysql": "LOCK TABLES xiebao_click WRITE",
        "mariadb": "LOCK TABLES xiebao_click WRITE",
    }[click_shop.engine.dialect.name]
    is_locked, should_end = threading.Event(), threading.Event()

    def hold_lock() -> None:
        with click_shop.engine.connect() as connection:
            connection.execute(text(lock))
            is_locked.set()
            should_end.wait(40)
            connection.invalidate()
        should_end.set()

    thread = threading.Thread(target=hold_lock)
    thread.start()
    assert is_locked.wait(10)
    link = click_shop.site.link("product")
    assert click_shop.site.follow(link, PC).status_code == 302
    assert not should_end.is_set()
    assert "could not be written to the table" in caplog.text
    should_end.set()
    thread.join()
    assert click_shop.site.follow(link, PC).status_code == 302
    assert len(click_shop.stored_clicks()) == 1


def test_killed_processes_lose_no_click(database: str) -> None:
    count, wrong = click_contention.find_wrong_clicks(database, seconds=10, workers=6, kills=6)
    assert wrong == []
    assert count > 20


def test_clicks_are_stored_while_old_clicks_are_deleted(click_shop: Shop) -> None:
    store_rows(click_shop, [product_click(f"{each:05}", -3 * DAY) for each in range(20_000)], [])
    click_store = click_shop.purchases.click_store
    assert click_store is not None
    count = 0
    with ThreadPoolExecutor(1) as thread:
        deletion = thread.submit(click_store.delete_clicks_before, NOON - timedelta(days=2))
        while not deletion.done():
            assert click_shop.site.follow(click_shop.site.link("product"), PC).status_code == 302
            count += 1
        assert deletion.result() == 20_000
    assert count > 0
    assert len(click_shop.stored_clicks()) == count


def test_a_purchase_knows_the_sites_user(engine: Engine) -> None:
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

    Base.metadata.create_all(engine)
    site = make_site()
    purchases = Purchases(site.xiebao, Purchase, sessionmaker(engine))
    row = purchases.store.build_empty_row(INSURE_NUM)
    row.member = "7"
    with Session(engine) as session:
        session.add_all([User(id=7), row])
        session.commit()
        assert session.get_one(Purchase, INSURE_NUM).user.id == 7
    Base.metadata.drop_all(engine)


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


def test_a_second_migration_has_nothing_to_change(
    engine: Engine, database: str, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(SITE)
    flask = partial(run_module, tmp_path, "flask", "--app", "shop", DATABASE=database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    output = flask("xiebao", "doctor", status=1)
    for table in ("xiebao_purchase", "xiebao_click"):
        assert f'The table "{table}" does not exist' in output
    flask("db", "init")
    flask("db", "migrate", "-m", "Purchases")
    [migration] = (tmp_path / "migrations/versions").glob("*.py")
    assert "flask_xiebao" not in migration.read_text()
    flask("db", "upgrade")
    output = flask("xiebao", "doctor")
    assert 'Purchases are stored in the table "xiebao_purchase"' in output
    assert 'Clicks on product and home entries are stored in the table "xiebao_click"' in output
    assert "No changes in schema detected" in flask("db", "migrate")


def test_migration_of_filled_table_of_version_0_3(
    shop: Shop, database: str, tmp_path: Path
) -> None:
    shop.gateway.says()
    shop.refresh()
    shop.execute("DROP TABLE xiebao_click")
    for column in ("surrenders", "failures", "behind", "applied_at"):
        shop.execute(f"ALTER TABLE xiebao_purchase DROP COLUMN {column}")
    kind = "TIMESTAMP" if shop.engine.dialect.name == "postgresql" else "DATETIME"
    for column in ("first_behind_at", "last_behind_at"):
        shop.execute(f"ALTER TABLE xiebao_purchase ADD COLUMN {column} {kind} NULL")
    shop.execute("DROP TABLE IF EXISTS alembic_version")
    (tmp_path / "shop.py").write_text(SITE)
    flask = partial(run_module, tmp_path, "flask", "--app", "shop", DATABASE=database)
    output = flask("xiebao", "doctor", status=1)
    assert "lacks these columns: applied_at, surrenders, failures, behind" in output
    flask("db", "init")
    flask("db", "migrate", "-m", "New columns")
    [migration] = (tmp_path / "migrations/versions").glob("*.py")
    assert "flask_xiebao" not in migration.read_text()
    flask("db", "upgrade")
    assert "No changes in schema detected" in flask("db", "migrate")
    # A failed payment and an unconfirmed surrender use the new columns.
    shop.gateway.says(**APPLIED)
    assert shop.ring(2, state=False, failMsg="x") == 200
    assert shop.ring(4) == 500
    row = shop.row()
    assert (row.state, row.member, row.version) == ("failed", "101000", 3)
    assert (len(row.failures), len(row.behind), row.surrenders) == (1, 1, None)
    assert row.applied_at is not None
