"""Tests for ``reconcile`` in a process without the site's member secret, or with another secret.

With the wrong secret, the process reads wrong members from the member keys, so it must not write
these members.
"""

from __future__ import annotations

import httpx
import pytest

from flask_xiebao import ConfigError, OrderError
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import COVER, Shop
from tests.support import MEMBER_SECRET

WRONG_SECRET = "another secret of at least 32 characters"


def set_order_of_member(shop: Shop, insure_num: str, member: str) -> None:
    with shop.site.app.app_context():
        key = shop.site.xiebao.partner_uniq_key(member)
    shop.gateway.set_order(insure_num, partnerUniqueKey=key, **COVER)


def make_shop_with_purchases(make_shop: MakeShop, count: int) -> Shop:
    """Return a test shop with a member secret and purchases of the members 10, 11, 12 and so on.

    The application numbers are "order10", "order11" and so on. The gateway also has the order
    "new", which has no row.
    """
    shop = make_shop(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    for member in range(10, 10 + count):
        set_order_of_member(shop, f"order{member}", str(member))
        shop.refresh(f"order{member}")
    set_order_of_member(shop, "new", "99")
    return shop


# ``reconcile`` can notice a wrong secret only if at least two members are stored, so the wrong
# secret is tested with two or more members.
@pytest.mark.parametrize(
    ("secret", "count"),
    [*[(None, count) for count in (0, 1, 2, 3, 12)], *[(WRONG_SECRET, n) for n in (2, 3, 12)]],
    ids=lambda value: "wrong secret" if value == WRONG_SECRET else str(value),
)
def test_reconcile_with_wrong_secret_raises_and_writes_nothing(
    make_shop: MakeShop, secret: str | None, count: int
) -> None:
    shop = make_shop_with_purchases(make_shop, count)
    wrong_shop = make_shop(gateway=shop.gateway, XIEBAO_MEMBER_SECRET=secret)
    rows = {number: (row.member, row.version) for number, row in shop.read_purchase_rows().items()}
    with pytest.raises(ConfigError, match="XIEBAO_MEMBER_SECRET"):
        wrong_shop.reconcile()
    assert {n: (row.member, row.version) for n, row in shop.read_purchase_rows().items()} == rows


@pytest.mark.parametrize("secret", [None, WRONG_SECRET], ids=["no secret", "wrong secret"])
def test_members_with_plain_keys_do_not_hide_wrong_secret(
    make_shop: MakeShop, secret: str | None
) -> None:
    shop = make_shop_with_purchases(make_shop, 2)
    shop.site.xiebao.keeps_plain_key(lambda member: member > "20")
    for member in range(21, 27):
        shop.gateway.set_order(f"plain{member}", partnerUniqueKey=str(member), **COVER)
        shop.refresh(f"plain{member}")
    wrong_shop = make_shop(gateway=shop.gateway, XIEBAO_MEMBER_SECRET=secret)
    wrong_shop.site.xiebao.keeps_plain_key(lambda member: member > "20")
    with pytest.raises(ConfigError, match="another member for 2 of 2 purchases"):
        wrong_shop.reconcile()
    assert "new" not in wrong_shop.read_purchase_rows()


@pytest.mark.parametrize("count", [11, 12])
def test_refused_orders_do_not_hide_wrong_secret(make_shop: MakeShop, count: int) -> None:
    shop = make_shop_with_purchases(make_shop, 14)
    # ``reconcile`` compares the members of up to ten orders, beginning with the newest orders. In
    # this test, the gateway refuses the queries for the newest orders.
    shop.execute_sql("UPDATE xiebao_purchase SET created_at = '2026-01-' || member || ' 00:00:00'")
    for member in range(24 - count, 24):
        del shop.gateway.orders[f"order{member}"]
    wrong_shop = make_shop(gateway=shop.gateway, XIEBAO_MEMBER_SECRET=WRONG_SECRET)
    with pytest.raises(ConfigError, match="another member"):
        wrong_shop.reconcile()
    assert "new" not in wrong_shop.read_purchase_rows()


def test_reconcile_raises_and_writes_nothing_if_no_member_can_be_compared(
    make_shop: MakeShop,
) -> None:
    shop = make_shop_with_purchases(make_shop, 3)
    shop.gateway.queries.clear()

    def fail_three_times(method: str, insure_num: str | None) -> None:
        if method == "orderDetail" and len(shop.gateway.get_queried_numbers()) <= 3:
            raise httpx.ReadTimeout("")

    shop.gateway.on_query = fail_three_times
    with pytest.raises(OrderError, match="no order could be queried to compare its member"):
        shop.reconcile()
    assert "new" not in shop.read_purchase_rows()
    assert shop.reconcile() == ["new: no row -> in_force, repaired"]


@pytest.mark.parametrize("count", [0, 1, 12])
def test_reconcile_with_right_secret_stores_members(make_shop: MakeShop, count: int) -> None:
    shop = make_shop_with_purchases(make_shop, count)
    shop.gateway.set_order("foreign", partnerUniqueKey="another site's member", **COVER)
    assert len(shop.reconcile()) == 2
    assert shop.read_purchase_row("new").member == "99"


def test_reconcile_without_secret_accepts_ids_that_look_like_member_keys(shop: Shop) -> None:
    for number in "12":
        shop.gateway.set_order(number, partnerUniqueKey=f"n4koo53z3p6f6cab{number}", **COVER)
    shop.refresh("1")
    assert shop.reconcile() == ["2: no row -> in_force, repaired"]
