"""Tests for the argument ``only`` of ``Purchases``, which leaves out the orders of other sites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from flask_xiebao import NotificationType, OrderError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import SURRENDERED_ORDER, Shop
from tests.support import INSURE_NUM


@pytest.fixture
def selective_shop(make_shop: MakeShop) -> Shop:
    """A test shop that stores only orders with the product code "ours"."""
    return make_shop(only=lambda order: order.case_code == "ours")


def test_order_of_another_site_is_not_stored(selective_shop: Shop) -> None:
    selective_shop.gateway.set_order()
    assert selective_shop.notify(NotificationType.PAYMENT) == 200
    assert (selective_shop.reconcile(), selective_shop.reconcile(repair=False)) == ([], [])
    with pytest.raises(OrderError, match='the function passed as "only" returned False'):
        selective_shop.refresh()
    assert selective_shop.read_purchase_rows() == {}


@pytest.mark.parametrize(
    "update",
    [lambda shop: shop.notify(NotificationType.APPLICATION), lambda shop: shop.reconcile()],
    ids=["notification", "reconcile"],
)
def test_row_of_unknown_order_is_deleted_if_order_is_of_another_site(
    selective_shop: Shop, update: Callable[[Shop], object]
) -> None:
    assert selective_shop.notify(NotificationType.APPLICATION) == 500
    assert selective_shop.read_purchase_states() == {INSURE_NUM: "unknown"}
    selective_shop.gateway.set_order()
    assert selective_shop.reconcile(repair=False) == []
    update(selective_shop)
    assert selective_shop.read_purchase_rows() == {}


def test_stored_order_is_kept_if_only_returns_false_later(selective_shop: Shop) -> None:
    selective_shop.gateway.set_order(caseCode="ours")
    assert selective_shop.notify(NotificationType.PAYMENT) == 200
    selective_shop.gateway.set_order(caseCode="another", **SURRENDERED_ORDER)
    assert selective_shop.notify(NotificationType.SURRENDER) == 200
    assert selective_shop.read_purchase_states() == {INSURE_NUM: "surrendered"}


def test_reconcile_with_since_keeps_row_of_unknown_order(selective_shop: Shop) -> None:
    assert selective_shop.notify(NotificationType.APPLICATION) == 500
    selective_shop.gateway.set_order(caseCode="ours")
    assert selective_shop.reconcile(since=date(2026, 1, 1)) == []
    assert selective_shop.read_purchase_states() == {INSURE_NUM: "unknown"}


def test_only_must_return_bool(make_shop: MakeShop, caplog: pytest.LogCaptureFixture) -> None:
    shop = make_shop(only=lambda order: None)
    shop.gateway.set_order()
    assert shop.notify(NotificationType.PAYMENT) == 500
    message = 'The function passed as "only" must return True or False, got NoneType'
    assert f"ConfigError: {message}" in caplog.text
