"""Tests for the commands ``flask xiebao reconcile`` and ``flask xiebao reassign``.

``reconcile`` waits 0.2 seconds before each query but the first, so these tests use few orders.
``test_reconcile.py`` tests the comparison of rows and orders. To test another option of
``reconcile``, add a row to ``OPTIONS``. To test another error that stops both commands, add a row
to ``ERRORS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import COVER, SURRENDERED_ORDER, Shop, assert_command_error
from tests.support import INSURE_NUM, MEMBER_KEYS, MEMBER_SECRET, failing_function, make_site

OTHER_NUM = "20190226020147"


@pytest.fixture
def shop_with_secret(make_shop: MakeShop) -> Shop:
    """A test shop with a member secret. The shop has sold a policy to member 8."""
    shop = make_shop(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    shop.gateway.set_order(partnerUniqueKey=MEMBER_KEYS["8"], **COVER)
    shop.refresh()
    shop.changes.clear()
    return shop


DIFFERENCE = f"{INSURE_NUM}: in_force -> surrendered"
REPAIRED = [f"{DIFFERENCE}, repaired", "Compared: 1. Different: 1. Repaired: 1."]
#: One row per set of options of ``reconcile``: the options, the lines of the output, the exit code,
#: and the number of calls of ``on_change``.
OPTIONS: dict[str, tuple[list[str], list[str], int, int]] = {
    "default": ([], REPAIRED, 0, 1),
    "dry run": (
        ["--dry-run"],
        [f"{DIFFERENCE}, not repaired", "Compared: 1. Different: 1. Repaired: 0."],
        1,
        0,
    ),
    "no call of on_change": (["--no-on-change"], REPAIRED, 0, 0),
    "only newer orders": (
        ["--since", "2026-11-01"],
        ["Compared: 1. Different: 0. Repaired: 0."],
        0,
        0,
    ),
    "Chinese": (
        ["--locale", "zh"],
        [
            f"{INSURE_NUM}：in_force -> surrendered，已修正",
            "已比较 1 个，不一致 1 个，已修正 1 个。",
        ],
        0,
        1,
    ),
}


@pytest.mark.parametrize(
    ("options", "lines", "exit_code", "on_change_calls"), OPTIONS.values(), ids=OPTIONS
)
def test_reconcile_prints_differences_and_counts(
    shop_with_secret: Shop,
    options: list[str],
    lines: list[str],
    exit_code: int,
    on_change_calls: int,
) -> None:
    shop_with_secret.gateway.set_order(**SURRENDERED_ORDER)
    result = shop_with_secret.run_command("reconcile", *options)
    assert (result.output.splitlines(), result.exit_code) == (lines, exit_code)
    assert len(shop_with_secret.changes) == on_change_calls


def test_reconcile_rejects_future_date(shop_with_secret: Shop) -> None:
    result = shop_with_secret.run_command("reconcile", "--since", "2999-01-01")
    assert_command_error(result, "The date 2999-01-01 is in the future. Pass a date in the past.")


#: One row per error that stops ``reconcile`` and ``reassign``: a function that breaks the test
#: shop, and the expected parts of the output.
ERRORS: dict[str, tuple[Callable[[Shop], object], list[str]]] = {
    "unreachable gateway": (
        lambda shop: setattr(shop.gateway, "on_query", failing_function(httpx.ConnectError(""))),
        ["The gateway cannot be reached at https://"],
    ),
    "query refused by the gateway": (
        lambda shop: setattr(
            shop.gateway,
            "answer_query",
            lambda request: httpx.Response(200, json={"respCode": 1001, "respMsg": "签名错误"}),
        ),
        [
            'with respCode 1001 and the message "签名错误".',
            "Probably XIEBAO_API_KEY is not the key",
        ],
    ),
    "no SECRET_KEY": (
        lambda shop: shop.site.app.config.pop("SECRET_KEY"),
        [
            "The SECRET_KEY of the site is missing or invalid. Run the command with the same"
            " environment as the site.\n"
        ],
    ),
    "missing column": (
        lambda shop: shop.execute_sql("ALTER TABLE xiebao_purchase DROP COLUMN plan_name"),
        ['The table "xiebao_purchase" lacks these columns: plan_name. Migrate the table.\n'],
    ),
    "missing table": (
        lambda shop: shop.execute_sql("DROP TABLE xiebao_purchase"),
        ['has no table "xiebao_purchase". Check that this is the database of the'],
    ),
    "unreachable database": (
        lambda shop: event.listen(
            shop.engine,
            "before_cursor_execute",
            failing_function(OperationalError("", None, Exception("a password"))),
        ),
        [
            'The database with the table "xiebao_purchase" cannot be used (OperationalError). Check'
            " that the database is running, and run the command with the same environment as the"
            " site.\n"
        ],
    ),
    "no Purchases object": (
        lambda shop: setattr(shop, "site", make_site()),
        ["The app has no Purchases object."],
    ),
}


def dump_database(shop: Shop) -> list[str]:
    """Return the SQL statements that create a copy of the shop's SQLite database."""
    with shop.engine.connect() as connection:
        sqlite_connection: Any = connection.connection.driver_connection
        return [*sqlite_connection.iterdump()]


@pytest.mark.parametrize(
    "command", [["reconcile"], ["reassign", INSURE_NUM]], ids=["reconcile", "reassign"]
)
@pytest.mark.parametrize(("break_shop", "messages"), ERRORS.values(), ids=ERRORS)
def test_command_exits_with_2_after_error_and_writes_nothing(
    shop_with_secret: Shop,
    break_shop: Callable[[Shop], object],
    messages: list[str],
    command: list[str],
) -> None:
    shop_with_secret.gateway.set_order(**SURRENDERED_ORDER)
    break_shop(shop_with_secret)
    # Compare dumps instead of rows, because a table or a column may be missing.
    dump = dump_database(shop_with_secret)
    assert_command_error(shop_with_secret.run_command(*command), *messages)
    assert dump_database(shop_with_secret) == dump
    assert shop_with_secret.changes == []


@pytest.mark.parametrize(
    ("command", "messages"),
    [
        (["reconcile"], ["Stopped after 0 orders.", "XIEBAO_MEMBER_SECRET is not set"]),
        (["reassign", INSURE_NUM], ["with the same XIEBAO_MEMBER_SECRET as the site"]),
    ],
    ids=["reconcile", "reassign"],
)
def test_command_without_member_secret_exits_with_2_and_keeps_member(
    shop_with_secret: Shop, make_shop: MakeShop, command: list[str], messages: list[str]
) -> None:
    wrong_shop = make_shop(gateway=shop_with_secret.gateway, XIEBAO_MEMBER_SECRET=None)
    assert_command_error(wrong_shop.run_command(*command), *messages)
    assert shop_with_secret.read_purchase_members() == {INSURE_NUM: ("8", False)}


# The command ``flask xiebao reassign``


def test_reassign_replaces_wrong_member(shop_with_secret: Shop) -> None:
    shop_with_secret.execute_sql("UPDATE xiebao_purchase SET member = 'n4koo53z3p6f6cab8'")
    for _ in range(2):
        result = shop_with_secret.run_command("reassign", INSURE_NUM)
        assert (result.exit_code, shop_with_secret.read_purchase_row().member) == (0, "8")
        assert INSURE_NUM in result.output
        assert shop_with_secret.changes == [("in_force", "in_force")]


def test_reassign_does_not_restore_member_who_is_forgotten_during_query(
    shop_with_secret: Shop,
) -> None:
    shop_with_secret.gateway.on_query = lambda *_: shop_with_secret.purchases.forget("8")
    assert_command_error(shop_with_secret.run_command("reassign", INSURE_NUM), "was forgotten")
    assert shop_with_secret.read_purchase_members() == {INSURE_NUM: (None, True)}


@pytest.mark.parametrize(
    ("insure_num", "message"),
    [
        (INSURE_NUM, "was forgotten"),
        ("stranger", "reports no member of this site"),
        (OTHER_NUM, "has no row"),
        ("", "insure_num is empty"),
    ],
    ids=["forgotten member", "unknown member key", "order without a row", "empty number"],
)
def test_reassign_exits_with_2_and_keeps_members(
    shop_with_secret: Shop, insure_num: str, message: str
) -> None:
    shop_with_secret.gateway.set_order("stranger", partnerUniqueKey=MEMBER_KEYS["8"])
    shop_with_secret.purchases.forget("8")
    shop_with_secret.refresh("stranger")
    shop_with_secret.gateway.set_order("stranger", partnerUniqueKey="another site's member")
    shop_with_secret.gateway.set_order(OTHER_NUM)

    assert_command_error(shop_with_secret.run_command("reassign", insure_num), message)
    assert shop_with_secret.read_purchase_members() == {
        INSURE_NUM: (None, True),
        "stranger": ("8", False),
    }


# Output of the commands in Chinese


@pytest.mark.parametrize(
    ("command", "prepare", "message"),
    [
        (
            ["reconcile", "--dry-run"],
            lambda shop: shop.gateway.set_order(OTHER_NUM),
            f"{OTHER_NUM}：没有记录 -> expired，未修正",
        ),
        (["reassign", INSURE_NUM], lambda shop: None, f"{INSURE_NUM}：记录中的会员与网关一致。"),
        (["reconcile"], ERRORS["unreachable gateway"][0], "比较 0 个订单之后停止。The gateway"),
        (["reconcile"], ERRORS["no SECRET_KEY"][0], "请用网站自己的环境运行这个命令"),
    ],
    ids=["dry run", "reassign", "unreachable gateway", "no SECRET_KEY"],
)
def test_command_prints_chinese(
    shop_with_secret: Shop, command: list[str], prepare: Callable[[Shop], object], message: str
) -> None:
    prepare(shop_with_secret)
    assert message in shop_with_secret.run_command(*command, "--locale", "zh").output
