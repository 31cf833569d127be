"""Tests for the clicks that a site stores, and for the deletion of clicks."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from flask_xiebao import ConfigError, Xiebao, entry_clicked
from flask_xiebao.sqla import ClickMixin, Purchases, clicks
from flask_xiebao.testing import check_entries
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import Shop
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PC,
    PRODUCT_CODE,
    failing_function,
    get_return_link,
    make_site,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def shop(new_shop: MakeShop) -> Shop:
    shop = new_shop(clicks=True)
    shop.site.log_in("alice")
    return shop


def click(shop: Shop, page: str = "product", headers: dict[str, str] = PC, **options: Any) -> Any:
    """Click an entry, and return the response."""
    return shop.site.follow(shop.site.link(page, **options), headers)


def test_click_is_stored_with_all_columns(new_shop: MakeShop) -> None:
    shop = new_shop(clicks=True, within=timedelta(hours=2), XIEBAO_SUB_PARTNER_ID="branch 1")
    shop.site.log_in(8)
    with time_machine.travel(NOON, tick=False):
        sent = []
        with entry_clicked.connected_to(lambda _, **values: sent.append(values)):
            response = click(shop, client_reference="QY-1008", return_to="/orders/8")
        click(shop, "home", sub_partner_id="branch 2", headers={"User-Agent": "iPhone"})
    assert response.status_code == 302
    columns = [column.key for column in shop.clicks.__table__.columns]
    product, home = sorted(shop.stored_clicks(), key=lambda row: row.page, reverse=True)
    assert {name: getattr(product, name) for name in columns} == {
        "click_id": sent[0]["click_id"],
        "member": "8",
        "page": "product",
        "case_code": PRODUCT_CODE,
        "client_reference": "QY-1008",
        "sub_partner_id": "branch 1",
        "platform": "pc",
        "clicked_at": NOON,
        "expires_at": NOON + timedelta(hours=2),
        "returned_at": None,
    }
    assert (home.page, home.case_code, home.client_reference) == ("home", None, None)
    assert (home.sub_partner_id, home.platform) == ("branch 2", "h5")
    assert repr(product) == f"<Click {product.click_id}>"


def test_click_on_policy_entry_is_not_stored(shop: Shop) -> None:
    assert (
        click(shop, "policy", headers={"User-Agent": "iPhone"}, member="alice").status_code == 302
    )
    assert shop.stored_clicks() == []


def test_request_that_is_not_a_click_is_not_stored(shop: Shop) -> None:
    link = shop.site.link("product")
    assert shop.app.test_client().head(link, headers=PC).status_code == 302
    shop.site.follow(link, {**PC, "Sec-Purpose": "prefetch"})
    shop.site.log_in(None)
    shop.site.follow(link)
    assert shop.stored_clicks() == []


def test_handoff_is_stored_only_when_the_phone_is_redirected(shop: Shop) -> None:
    assert click(shop, "home").status_code == 200
    assert shop.stored_clicks() == []


@pytest.mark.parametrize("with_receivers", [True, False])
def test_clicks_of_the_check_command_are_not_stored(shop: Shop, with_receivers: bool) -> None:
    report = check_entries(shop.app, member="alice", with_receivers=with_receivers)
    assert report.results
    assert shop.stored_clicks() == []


def test_click_that_ends_with_an_exception_is_not_stored(shop: Shop) -> None:
    shop.app.after_request(failing_function(RuntimeError("a hook of the site")))
    with pytest.raises(RuntimeError, match="a hook of the site"):
        click(shop)
    assert shop.stored_clicks() == []


def test_clicks_of_another_xiebao_object_are_not_stored(shop: Shop) -> None:
    other = make_site(Flask("another shop"))
    other.log_in("alice")
    assert other.follow(other.link("product"), PC).status_code == 302
    assert shop.stored_clicks() == []


def test_long_texts_are_cut_to_the_length_of_their_columns(shop: Shop) -> None:
    with shop.app.test_request_context():
        link = shop.xiebao.product_link(
            "z" * 300, client_reference="x" * 300, sub_partner_id="y" * 300
        )
    assert shop.site.follow(link, PC).status_code == 302
    [row] = shop.stored_clicks()
    stored = (row.client_reference, row.sub_partner_id, row.case_code)
    assert stored == ("x" * 255, "y" * 255, "z" * 255)


def test_only_the_first_return_is_recorded(shop: Shop) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        paid = get_return_link(click(shop, return_to="/orders/8"))
        click(shop)
        for _ in range(2):
            clock.shift(60)
            assert shop.site.follow(paid).status_code == 302
    returned = [row.returned_at for row in shop.stored_clicks()]
    assert sorted(returned, key=str) == [NOON + timedelta(minutes=1), None]


def test_click_is_redirected_if_the_database_fails(
    new_shop: MakeShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop = new_shop(clicks=True, **DEPLOYED)
    shop.site.log_in("alice")
    shop.execute("DROP TABLE xiebao_click")
    for _ in range(3):
        assert click(shop, client_reference="QY-1008").status_code == 302
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert 'A click could not be written to the table "xiebao_click"' in record.message
    assert "OperationalError" in record.message
    assert "alice" not in caplog.text
    assert "QY-1008" not in caplog.text


def test_only_one_error_is_logged_within_a_minute(
    new_shop: MakeShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop = new_shop(clicks=True, **DEPLOYED)
    shop.site.log_in("alice")
    for error in (RuntimeError("first"), ValueError("second")):
        receiver = failing_function(error)
        event.listen(shop.engine, "before_cursor_execute", receiver)
        assert click(shop).status_code == 302
        event.remove(shop.engine, "before_cursor_execute", receiver)
    [record] = caplog.records
    assert "RuntimeError" in record.message
    assert "first" not in record.message


def test_click_is_stored_after_the_database_was_restarted(shop: Shop) -> None:
    click(shop)
    is_broken = True

    @event.listens_for(shop.engine, "handle_error")
    def report_disconnect(context: Any) -> None:
        context.is_disconnect = True

    @event.listens_for(shop.engine, "before_cursor_execute")
    def break_connection(connection: Any, *_: object) -> None:
        nonlocal is_broken
        if is_broken:
            is_broken = False
            connection.connection.dbapi_connection.close()

    click(shop)
    assert len(shop.stored_clicks()) == 2


def test_click_is_written_after_the_connection_is_back_in_the_pool(
    new_shop: MakeShop,
) -> None:
    shop = new_shop(clicks=True, engine={"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1})
    session = Session(shop.engine)
    shop.app.teardown_appcontext(lambda _: session.close())

    @shop.xiebao.member_loader
    def load_member() -> str:
        session.execute(text("SELECT 1"))
        return "alice"

    assert click(shop).status_code == 302
    assert len(shop.stored_clicks()) == 1


def test_click_is_stored_if_the_app_context_outlives_the_request(shop: Shop) -> None:
    """A site may push an app context for its whole lifetime. Servers close each response."""
    with shop.app.app_context():
        click(shop).close()
        assert len(shop.stored_clicks()) == 1
    assert len(shop.stored_clicks()) == 1


def test_click_is_stored_if_the_class_of_g_has_only_attributes(shop: Shop) -> None:
    shop.app.app_ctx_globals_class = SimpleNamespace  # type: ignore[assignment]
    assert click(shop).status_code == 302
    assert len(shop.stored_clicks()) == 1


def test_second_error_does_not_show_the_parameters_of_the_first(shop: Shop) -> None:
    click(shop)
    errors: list[BaseException] = []

    @event.listens_for(shop.engine, "handle_error")
    def report_disconnect(context: Any) -> None:
        context.is_disconnect = True
        errors.append(context.original_exception)

    receiver = failing_function(sqlite3.OperationalError("a broken connection"))
    event.listen(shop.engine, "before_cursor_execute", receiver)
    assert click(shop).status_code == 302
    assert len(errors) == 2
    assert errors[1].__context__ is None


def test_clicks_are_not_stored_without_the_argument_clicks(new_shop: MakeShop) -> None:
    shop = new_shop()
    shop.site.log_in("alice")
    assert click(shop).status_code == 302
    assert shop.stored_clicks() == []
    for use in (
        lambda: shop.purchases.click_id,
        lambda: shop.purchases.attribution,
        lambda: shop.purchases.click_of(shop.model(insure_num=INSURE_NUM)),
        lambda: shop.purchases.for_reference("QY-1008", "alice"),
    ):
        with pytest.raises(ConfigError, match="does not store clicks"):
            use()


def test_forget_deletes_the_clicks_of_the_member(shop: Shop) -> None:
    click(shop)
    shop.site.log_in("bob")
    click(shop)
    with shop.app.app_context():
        assert shop.purchases.forget("alice") == 0
    assert [row.member for row in shop.stored_clicks()] == ["bob"]


def test_forget_deletes_no_click_if_purchases_cannot_be_changed(shop: Shop) -> None:
    click(shop)
    shop.execute("DROP TABLE xiebao_purchase")
    with shop.app.app_context(), pytest.raises(Exception, match="xiebao_purchase"):
        shop.purchases.forget("alice")
    assert len(shop.stored_clicks()) == 1


def run_prune(shop: Shop, *arguments: str, exit_code: int = 0) -> str:
    """Run the command "flask xiebao prune", and return its output."""
    runner = shop.app.test_cli_runner()
    result = runner.invoke(args=["xiebao", "prune", "--clicks-before", *arguments])
    assert result.exit_code == exit_code, result.output
    return result.output


def test_prune_deletes_clicks_before_a_date_in_china(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "_CLICKS_PER_DELETION", 2)
    monkeypatch.setattr(clicks, "_CLICKS_PER_QUERY", 4)
    midnight = datetime(2026, 11, 26, 16, tzinfo=UTC)  # midnight in China
    for minutes in (-1, -1, -5, -3000, -9999, 0, 1):
        with time_machine.travel(midnight + timedelta(minutes=minutes), tick=False):
            click(shop)
    assert run_prune(shop, "2026-11-27") == "Deleted clicks: 5.\n"
    assert [row.clicked_at - midnight for row in shop.stored_clicks()] == [
        timedelta(0),
        timedelta(minutes=1),
    ]
    assert run_prune(shop, "2026-11-27", "--locale", "zh") == "已删除 0 次点击。\n"


def test_prune_rejects_a_date_in_the_future(shop: Shop) -> None:
    click(shop)
    assert "The date 2999-01-01 is in the future." in run_prune(shop, "2999-01-01", exit_code=2)
    assert len(shop.stored_clicks()) == 1


def test_prune_reports_a_missing_table(shop: Shop) -> None:
    shop.execute("DROP TABLE xiebao_click")
    output = run_prune(shop, "2026-11-27", exit_code=2)
    assert 'The table "xiebao_click" does not exist.' in output


def test_prune_exits_with_2_if_the_database_fails(shop: Shop) -> None:
    event.listen(shop.engine, "before_cursor_execute", failing_function(RuntimeError("a password")))
    assert run_prune(shop, "2026-11-27", exit_code=2).startswith("RuntimeError in fail (")


def test_prune_fails_without_the_argument_clicks(new_shop: MakeShop) -> None:
    assert "does not store clicks" in run_prune(new_shop(), "2026-11-27", exit_code=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clicks": object}, '"clicks" of Purchases must be a mapped class .* ClickMixin'),
        ({"within": timedelta()}, '"within" of Purchases must be a positive timedelta of at most'),
        ({"within": timedelta.max}, "of at most 3650 days, got datetime.timedelta"),
        ({"within": 86400}, "of at most 3650 days, got 86400"),
    ],
)
def test_wrong_arguments_raise_config_error(
    new_shop: MakeShop, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        new_shop(**options)


def test_click_is_redirected_if_the_model_requires_arguments(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    class Base(DeclarativeBase):
        pass

    class Click(ClickMixin, Base):
        def __init__(self, required: object) -> None:
            raise NotImplementedError

    xiebao = Xiebao()
    app = Flask("shop 2")
    app.config.update(shop.app.config)
    xiebao.init_app(app)
    xiebao.member_loader(lambda: "alice")
    Purchases(xiebao, shop.model, sessionmaker(shop.engine), clicks=Click)
    with app.test_request_context():
        link = xiebao.product_link(PRODUCT_CODE)
    assert app.test_client().get(link, headers=PC).status_code == 302
    assert "creates rows with Click(), but this call failed" in caplog.text
