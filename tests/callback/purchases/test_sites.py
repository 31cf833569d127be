"""Sites of several kinds, told and asked by the fixtures for a site's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask, Response
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, String, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Mapper,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)

from flask_xiebao import ConfigError, Order, Xiebao
from flask_xiebao.sqla import PurchaseMixin, Purchases
from tests.support import CONFIG, INSURE_NUM, MEMBER_SECRET

pytest_plugins = ["flask_xiebao.pytest_plugin"]

Notify = Callable[..., Any]
Orders = Callable[[list[object]], None]


@dataclass
class Site:
    """A site of one app or more, and how its tables are made and looked at."""

    apps: list[Flask]
    purchases: Purchases[Any]
    make_tables: Callable[[], object]
    session: Callable[[], Session]
    engines: Callable[[], Iterable[Engine]]

    def numbers(self, app: Flask, member: str = "7") -> list[str]:
        with app.app_context(), self.session() as session:
            return [row.insure_num for row in session.scalars(self.purchases.of(member))]


def app_at(folder: Path, name: str = "shop", **config: Any) -> Flask:
    app = Flask(name)
    app.config.update(CONFIG, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / name}.sqlite3")
    app.config.update(TESTING=True, **config)
    return app


def with_flask_sqlalchemy(folder: Path, bind: str | None = None, apps: int = 1) -> Site:
    db: Any = SQLAlchemy()
    xiebao = Xiebao()

    class Purchase(PurchaseMixin, db.Model):  # type: ignore[misc]
        __bind_key__ = bind

    purchases = Purchases(xiebao, Purchase, db.session)
    xiebao.notification_handler(purchases.handle)
    made = []
    for each in range(apps):
        binds = {"SQLALCHEMY_BINDS": {bind: f"sqlite:///{folder / 'bound'}"}} if bind else {}
        app = app_at(folder, f"shop{each}", **binds)
        db.init_app(app)
        xiebao.init_app(app)
        made.append(app)
    return Site(made, purchases, db.create_all, lambda: db.session(), lambda: db.engines.values())


def without(
    folder: Path,
    *,
    scoped: bool = False,
    bases: tuple[type, ...] = (DeclarativeBase,),
    **own: Any,
) -> Site:
    """Return a site that has no Flask-SQLAlchemy.

    :param bases: of its models.
    :param own: columns of its own.
    """
    base: Any = type("Base", bases, {})
    notes = {"own": Mapped[str]} if own else {}
    model: Any = type("Purchase", (PurchaseMixin, base), {"__annotations__": notes, **own})
    engine = create_engine(f"sqlite:///{folder / 'shop.sqlite3'}")
    make: Any = sessionmaker(engine)
    xiebao = Xiebao(app := app_at(folder))
    purchases = Purchases(xiebao, model, scoped_session(make) if scoped else make)
    xiebao.notification_handler(purchases.handle)
    return Site([app], purchases, lambda: base.metadata.create_all(engine), make, lambda: [engine])


SITES: dict[str, Callable[[Path], Site]] = {
    "Flask-SQLAlchemy": with_flask_sqlalchemy,
    "of another bind": lambda folder: with_flask_sqlalchemy(folder, bind="insurance"),
    "two apps": lambda folder: with_flask_sqlalchemy(folder, apps=2),
    "scoped_session": lambda folder: without(folder, scoped=True),
    "sessionmaker": without,
    "dataclasses": lambda folder: without(
        folder,
        bases=(MappedAsDataclass, DeclarativeBase),
        own=mapped_column(String(9), default="x"),
    ),
}


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    made: Site = request.param(tmp_path)
    for app in made.apps:
        with app.app_context():
            made.make_tables()
    yield made
    for app in made.apps:
        with app.app_context():
            for engine in made.engines():
                engine.dispose()


@pytest.mark.parametrize("site", SITES.values(), ids=SITES, indirect=True)
def test_it_keeps_what_its_members_buy(site: Site, notify: Notify, xiebao_orders: Orders) -> None:
    xiebao_orders(
        [Order(insure_num=INSURE_NUM, partner_uniq_key="7", pay_status=1), {"insure_num": "2"}]
    )
    app, *others = site.apps
    answer = notify(app.test_client(), type=2, insure_num=INSURE_NUM, member="7")
    assert answer.json == {"state": True}
    assert site.numbers(app) == [INSURE_NUM]
    assert [site.numbers(other) for other in others] == [[]] * len(others)
    with app.app_context():
        assert site.purchases.store.find_missing_columns() == []
        assert [str(each) for each in site.purchases.reconcile(per_second=1000)] == [
            "2: no row -> unknown, repaired"
        ]


@pytest.mark.parametrize("site", [SITES["Flask-SQLAlchemy"]], ids=[""], indirect=True)
def test_what_a_caller_has_begun_is_neither_committed_nor_lost(
    site: Site, xiebao_orders: Orders
) -> None:
    xiebao_orders([Order(insure_num=INSURE_NUM, partner_uniq_key="7")])
    with site.apps[0].app_context():
        begun, unfinished = site.session(), site.purchases.store.build_empty_row("unfinished")
        begun.add(unfinished)
        site.purchases.refresh(INSURE_NUM)
        assert unfinished in begun.new
        begun.rollback()
    assert site.numbers(site.apps[0]) == [INSURE_NUM]


@pytest.mark.parametrize("site", [SITES["dataclasses"]], ids=[""], indirect=True)
def test_two_purchases_are_not_equal_because_what_the_site_adds_is(
    site: Site, xiebao_orders: Orders
) -> None:
    xiebao_orders(
        [
            Order(insure_num=INSURE_NUM, partner_uniq_key="7"),
            Order(insure_num="2", partner_uniq_key="8"),
        ]
    )
    with site.apps[0].app_context():
        first, second = site.purchases.refresh(INSURE_NUM), site.purchases.refresh("2")
    assert first not in {second}
    assert repr(first) == f"<Purchase {INSURE_NUM}>"


def test_sessions_may_choose_their_engines(tmp_path: Path, xiebao_orders: Orders) -> None:
    xiebao_orders([Order(insure_num=INSURE_NUM, partner_uniq_key="7")])
    site = without(tmp_path)
    [engine] = site.engines()

    class Routing(Session):
        def get_bind(self, mapper: Mapper[Any] | None = None, **_: Any) -> Engine:  # type: ignore[override]
            assert mapper is None or mapper.class_ is site.purchases.store.model
            return engine

    site.purchases.store._session_factory = sessionmaker(class_=Routing)
    site.make_tables()
    with site.apps[0].app_context():
        assert site.purchases.refresh(INSURE_NUM).member == "7"
    engine.dispose()


@pytest.mark.parametrize(
    ("own", "error", "said"),
    [
        (mapped_column(String(9), nullable=False), IntegrityError, "own"),
        (
            mapped_column(String(9), init=True),
            ConfigError,
            r"creates rows with Purchase\(\), but this call failed",
        ),
    ],
)
def test_columns_of_its_own_need_a_default(
    tmp_path: Path, own: Any, error: type[Exception], said: str, xiebao_orders: Orders
) -> None:
    bases = (MappedAsDataclass, DeclarativeBase) if error is ConfigError else (DeclarativeBase,)
    site = without(tmp_path, bases=bases, own=own)
    site.make_tables()
    xiebao_orders([{"insure_num": INSURE_NUM}])
    with site.apps[0].app_context(), pytest.raises(error, match=said):
        site.purchases.refresh(INSURE_NUM)
    for engine in site.engines():
        engine.dispose()


# Hooks that use the database


def test_keeps_plain_key_reading_database_leaves_connection_of_small_pool_free(
    tmp_path: Path, notify: Notify, xiebao_orders: Orders
) -> None:
    """The example of the manual, with a pool of one connection."""
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.2}
    db, app = SQLAlchemy(), app_at(tmp_path, XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = pool
    xiebao = Xiebao(app)
    db.init_app(app)

    class Purchase(PurchaseMixin, db.Model):  # type: ignore[name-defined,misc]
        pass

    def is_ours(order: Order) -> bool:
        return db.session.scalar(select(1)) == 1

    purchases = Purchases(xiebao, Purchase, db.session, only=is_ours)
    xiebao.notification_handler(purchases.handle)

    @xiebao.keeps_plain_key
    def keeps(member: str) -> bool:
        return db.session.scalar(select(1)) == 1

    with app.app_context():
        db.create_all()
    xiebao_orders([Order(insure_num=number, partner_uniq_key="7") for number in (INSURE_NUM, "2")])
    answer = notify(app.test_client(), type=1, insure_num=INSURE_NUM, member="7")
    assert answer.json == {"state": True}
    with app.app_context():
        assert len([*purchases.reconcile(per_second=1000, repair=False)]) == 1
        db.engine.dispose()


def test_refresh_keeps_pending_work_of_thread_local_session(
    tmp_path: Path, xiebao_orders: Orders
) -> None:
    """A hook shares the session that a view already uses, so that the view's work is not lost."""
    site = without(tmp_path, scoped=True)
    [app], session = site.apps, cast("scoped_session[Any]", site.purchases.store._session_factory)
    app.teardown_appcontext(lambda _: session.remove())
    xiebao = app.extensions["xiebao"]
    xiebao.keeps_plain_key(lambda member: session.scalar(select(1)) == 1)
    with app.app_context():
        site.make_tables()
        xiebao_orders([Order(insure_num=INSURE_NUM, partner_uniq_key="7")])
        unfinished = site.purchases.store.build_empty_row("unfinished")
        session.add(unfinished)
        site.purchases.refresh(INSURE_NUM)
        assert unfinished in session.new
    for engine in site.engines():
        engine.dispose()


@pytest.mark.parametrize("scoped", [True, False])
def test_notification_keeps_pending_work_of_thread_local_session(
    tmp_path: Path, notify: Notify, xiebao_orders: Orders, scoped: bool
) -> None:
    """A request hook adds a row to a session that the teardown of each app context removes."""
    site = without(tmp_path, scoped=scoped)
    [app], store = site.apps, site.purchases.store
    session: Any = store._session_factory if scoped else scoped_session(cast(Any, site.session))
    app.teardown_appcontext(lambda _: session.remove())
    xiebao = app.extensions["xiebao"]
    xiebao.keeps_plain_key(lambda member: session.scalar(select(1)) == 1)
    app.before_request(lambda: session.add(store.build_empty_row("unfinished")))

    @app.after_request
    def check_session(response: Response) -> Response:
        assert [row.insure_num for row in session.new] == ["unfinished"]
        session.expunge_all()
        return response

    with app.app_context():
        site.make_tables()
    xiebao_orders([Order(insure_num=INSURE_NUM, partner_uniq_key="7")])
    answer = notify(app.test_client(), type=1, insure_num=INSURE_NUM, member="7")
    assert answer.json == {"state": True}
    for engine in site.engines():
        engine.dispose()
