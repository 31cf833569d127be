"""Tests for the clicks that a site stores.

To test another request that is not stored, add a row to ``UNSTORED_REQUESTS``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from flask_xiebao import ConfigError, entry_clicked
from flask_xiebao.testing import check_entries
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import POOL_OF_ONE, Purchase, Shop
from tests.support import (
    INSURE_NUM,
    PC,
    PHONE,
    PRODUCT_CODE,
    failing_function,
    find_leaks,
    get_return_link,
    make_site,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def click_entry(
    shop: Shop, page: str = "product", headers: dict[str, str] = PC, **options: Any
) -> TestResponse:
    """Click an insurance entry for this gateway page, and return the response."""
    return shop.site.follow(shop.site.link(page, **options), headers)


def test_click_is_stored_with_all_columns(make_shop: MakeShop) -> None:
    shop = make_shop(clicks=True, within=timedelta(hours=2), XIEBAO_SUB_PARTNER_ID="branch 1")
    shop.site.log_in(8)
    signals = []

    with (
        time_machine.travel(NOON, tick=False),
        entry_clicked.connected_to(lambda _, **values: signals.append(values)),
    ):
        assert click_entry(shop, client_reference=1008, return_to="/orders/8").status_code == 302
        click_entry(shop, "home", PHONE, sub_partner_id="branch 2")
        click_entry(shop, sub_partner_id="")

    rows = {row.click_id: row for row in shop.read_clicks()}
    product, home, main_account = [rows[signal["click_id"]] for signal in signals]
    columns = [column.key for column in product.__table__.columns]
    assert {name: getattr(product, name) for name in columns} == {
        "click_id": signals[0]["click_id"],
        "member": "8",
        "page": "product",
        "case_code": PRODUCT_CODE,
        "client_reference": "1008",
        "sub_partner_id": "branch 1",
        "platform": "pc",
        "clicked_at": NOON,
        "expires_at": NOON + timedelta(hours=2),
        "returned_at": None,
    }
    assert (home.page, home.case_code, home.client_reference) == ("home", None, None)
    assert (home.sub_partner_id, home.platform) == ("branch 2", "h5")
    assert (main_account.page, main_account.sub_partner_id) == ("product", None)
    assert repr(product) == f"<Click {product.click_id}>"


def test_long_texts_are_cut_to_length_of_column(shop_storing_clicks: Shop) -> None:
    with shop_storing_clicks.site.app.test_request_context():
        link = shop_storing_clicks.site.xiebao.product_link(
            "z" * 300, client_reference="x" * 300, sub_partner_id="y" * 300
        )
    assert shop_storing_clicks.site.follow(link, PC).status_code == 302
    [row] = shop_storing_clicks.read_clicks()
    assert (row.client_reference, row.sub_partner_id) == ("x" * 255, "y" * 255)
    assert row.case_code == "z" * 255


def test_only_first_return_from_payment_is_recorded(shop_storing_clicks: Shop) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        return_link = get_return_link(click_entry(shop_storing_clicks, return_to="/orders/8"))
        click_entry(shop_storing_clicks)
        for _ in range(2):
            clock.shift(60)
            assert shop_storing_clicks.site.follow(return_link).status_code == 302
    times = [row.returned_at for row in shop_storing_clicks.read_clicks()]
    assert sorted(times, key=str) == [NOON + timedelta(minutes=1), None]


# Requests that are not stored as clicks


def click_without_login(shop: Shop) -> TestResponse:
    link = shop.site.link("product")
    shop.site.log_in(None)
    return shop.site.follow(link)


#: One row per request that is not stored as a click: a function that sends the request, and the
#: status of the response.
UNSTORED_REQUESTS: dict[str, tuple[Callable[[Shop], TestResponse], int]] = {
    "click on a policy entry": (
        lambda shop: click_entry(shop, "policy", PHONE, member="alice"),
        302,
    ),
    "handoff page": (lambda shop: click_entry(shop, "home"), 200),
    "HEAD request": (
        lambda shop: shop.site.follow(shop.site.link("product"), PC, method="HEAD"),
        302,
    ),
    "prefetch": (lambda shop: click_entry(shop, headers={**PC, "Sec-Purpose": "prefetch"}), 503),
    "click without login": (click_without_login, 401),
}


@pytest.mark.parametrize(("send", "status"), UNSTORED_REQUESTS.values(), ids=UNSTORED_REQUESTS)
def test_request_is_not_stored_as_click(
    shop_storing_clicks: Shop, send: Callable[[Shop], TestResponse], status: int
) -> None:
    assert send(shop_storing_clicks).status_code == status
    assert shop_storing_clicks.read_clicks() == []


def test_check_entries_stores_no_clicks(shop_storing_clicks: Shop) -> None:
    report = check_entries(shop_storing_clicks.site.app, devices=["pc"], member="alice")
    assert any(each.status == 302 for each in report.results)
    assert shop_storing_clicks.read_clicks() == []


def test_click_is_not_stored_if_after_request_hook_raises(shop_storing_clicks: Shop) -> None:
    shop_storing_clicks.site.app.after_request(failing_function(RuntimeError("a hook of the site")))
    assert click_entry(shop_storing_clicks).status_code == 500
    assert shop_storing_clicks.read_clicks() == []


def test_click_in_app_with_another_xiebao_object_is_not_stored(shop_storing_clicks: Shop) -> None:
    site = make_site(Flask("another shop"))
    site.log_in("alice")
    assert site.follow(site.link("product"), PC).status_code == 302
    assert shop_storing_clicks.read_clicks() == []


def test_clicks_are_not_stored_without_click_model(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.site.log_in("alice")
    assert click_entry(shop).status_code == 302
    assert shop.read_clicks() == []
    for use_clicks in (
        lambda: shop.purchases.click_id,
        lambda: shop.purchases.attribution,
        lambda: shop.purchases.click_of(Purchase(insure_num=INSURE_NUM)),
        lambda: shop.purchases.for_reference("QY-1008", "alice"),
    ):
        with pytest.raises(ConfigError, match="does not store clicks"):
            use_clicks()


# Database errors while a click is stored


def test_database_errors_are_logged_once_without_values_of_click(
    shop_storing_clicks: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop_storing_clicks.execute_sql("DROP TABLE xiebao_click")
    assert click_entry(shop_storing_clicks, client_reference="QY-1008").status_code == 302
    event.listen(
        shop_storing_clicks.engine, "before_cursor_execute", failing_function(ValueError("another"))
    )
    assert click_entry(shop_storing_clicks).status_code == 302

    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert 'A click could not be written to the table "xiebao_click"' in record.message
    assert "OperationalError" in record.message
    assert find_leaks(caplog.text, "alice", "QY-1008", "no such table") == []


def test_click_is_stored_after_database_restart(shop_storing_clicks: Shop) -> None:
    click_entry(shop_storing_clicks)
    # This simulates a database restart: the next SQL statement fails because its connection is
    # closed, and SQLAlchemy then replaces the connection.
    event.listen(
        shop_storing_clicks.engine,
        "before_cursor_execute",
        lambda connection, *_: connection.connection.dbapi_connection.close(),
        once=True,
    )
    event.listen(
        shop_storing_clicks.engine,
        "handle_error",
        lambda context: setattr(context, "is_disconnect", True),
    )
    click_entry(shop_storing_clicks)
    assert len(shop_storing_clicks.read_clicks()) == 2


def test_second_database_error_has_no_context(shop_storing_clicks: Shop) -> None:
    """The context of the second error would be the first error, which has the click's values."""
    click_entry(shop_storing_clicks)
    errors: list[BaseException] = []

    @event.listens_for(shop_storing_clicks.engine, "handle_error")
    def mark_as_disconnect(context: Any) -> None:
        context.is_disconnect = True
        errors.append(context.original_exception)

    error = sqlite3.OperationalError("a broken connection")
    event.listen(shop_storing_clicks.engine, "do_execute", failing_function(error))
    assert click_entry(shop_storing_clicks).status_code == 302
    assert len(errors) == 2
    assert errors[1].__context__ is None


# Database sessions and app contexts in which a click is stored


def test_click_is_stored_after_session_of_request_is_closed(make_shop: MakeShop) -> None:
    """Until the session is closed, the request itself uses the only connection of the pool."""
    shop = make_shop(clicks=True, engine_options=POOL_OF_ONE)
    session = Session(shop.engine)
    shop.site.app.teardown_appcontext(lambda _: session.close())

    @shop.site.xiebao.member_loader
    def load_member() -> str:
        session.execute(text("SELECT 1"))
        return "alice"

    assert click_entry(shop).status_code == 302
    assert len(shop.read_clicks()) == 1


def test_click_is_stored_when_response_is_closed_in_permanent_app_context(
    shop_storing_clicks: Shop,
) -> None:
    """A site may push an app context for its whole lifetime, but servers close each response."""
    with shop_storing_clicks.site.app.app_context():
        click_entry(shop_storing_clicks).close()
        assert len(shop_storing_clicks.read_clicks()) == 1
    assert len(shop_storing_clicks.read_clicks()) == 1


# Clicks of forgotten members


def test_forget_deletes_only_clicks_of_member(shop_storing_clicks: Shop) -> None:
    click_entry(shop_storing_clicks)
    shop_storing_clicks.site.log_in("bob")
    click_entry(shop_storing_clicks)
    assert shop_storing_clicks.purchases.forget("alice") == 0
    assert [row.member for row in shop_storing_clicks.read_clicks()] == ["bob"]


def test_forget_keeps_clicks_if_purchases_cannot_be_changed(shop_storing_clicks: Shop) -> None:
    click_entry(shop_storing_clicks)
    shop_storing_clicks.execute_sql("DROP TABLE xiebao_purchase")
    with pytest.raises(Exception, match="xiebao_purchase"):
        shop_storing_clicks.purchases.forget("alice")
    assert len(shop_storing_clicks.read_clicks()) == 1
