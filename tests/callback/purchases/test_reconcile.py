"""The comparison with what the gateway lists, and the command that makes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from flask_xiebao import ConfigError, OrderError
from flask_xiebao.sqla import reconciliation
from tests.callback.purchases.conftest import MakeShop
from tests.callback.purchases.support import APPLIED, COVER, PAID, SURRENDERED, Shop
from tests.cli.support import run
from tests.support import INSURE_NUM, MEMBER_SECRET, failing_function

DOWN = failing_function(httpx.ConnectError(""))


def filled(shop: Shop, count: int = 3, **own: Any) -> list[str]:
    """Have the gateway know some orders that the shop knows, too; return their numbers."""
    numbers = [f"2026{each:05}" for each in range(count)]
    for number in numbers:
        shop.gateway.says(number, **{**COVER, **own})
        shop.refresh(number)
    shop.gateway.asked.clear()
    shop.told.clear()
    return numbers


def details(shop: Shop) -> list[str | None]:
    """Return the numbers that the gateway was asked about one by one."""
    return [number for method, number in shop.gateway.asked if method == "orderDetail"]


def test_what_agrees_is_not_asked_about(shop: Shop) -> None:
    filled(shop)
    assert (shop.reconcile(), details(shop)) == ([], [])


@pytest.mark.parametrize(
    ("here", "there", "difference"),
    [
        ({}, SURRENDERED, "in_force -> surrendered"),
        (APPLIED, {"payStatus": 1}, "applied -> paid"),
        (PAID, {"issueStatus": 3}, "paid -> cancelled"),
        ({"partnerUniqueKey": None}, {"partnerUniqueKey": "7"}, "in_force -> in_force"),
    ],
)
def test_what_nobody_rang_for_is_found(
    shop: Shop, here: dict[str, Any], there: dict[str, Any], difference: str
) -> None:
    first, second, _ = filled(shop, **here)
    shop.gateway.says(second, **there)
    assert shop.reconcile(repair=False) == [f"{second}: {difference}, not repaired"]
    assert details(shop) == [second]
    assert shop.reconcile() == [f"{second}: {difference}, repaired"]
    assert details(shop)[-1] == second
    assert shop.reconcile() == []
    assert shop.row(first).version == 1


def test_what_the_list_does_not_say_is_asked_about_unless_it_is_over(shop: Shop) -> None:
    numbers = filled(shop, 4)
    shop.gateway.says(numbers[0], **SURRENDERED)
    shop.refresh(numbers[0])
    shop.gateway.says(numbers[1], endDate="2026-11-01")  # it has ended, and may have before
    shop.refresh(numbers[1])
    shop.gateway.says(numbers[2], **SURRENDERED)
    shop.gateway.asked.clear()
    shop.gateway.listed = lambda order: {"insureNum": order["insureNum"]}  # type: ignore[method-assign]
    assert shop.reconcile(repair=False) == [f"{numbers[2]}: in_force -> surrendered, not repaired"]
    assert details(shop) == numbers[1:]
    assert shop.reconcile() == [f"{numbers[2]}: in_force -> surrendered, repaired"]


def test_after_an_outage_one_run_finds_all_of_it(shop: Shop) -> None:
    numbers = filled(shop)
    shop.gateway.then = DOWN
    for number in numbers:
        shop.gateway.says(number, **SURRENDERED)
        assert shop.ring(4, insureNum=number) == 500
    shop.gateway.then = lambda *_: None
    assert shop.reconcile() == [
        f"{number}: in_force -> surrendered, repaired" for number in numbers
    ]
    assert shop.reconcile() == []


def test_a_shop_that_has_sold_before_is_filled_without_news(shop: Shop) -> None:
    for number in ("1", "2"):
        shop.gateway.says(number, **COVER)
    assert shop.reconcile(repair=False) == [f"{n}: no row -> in_force, not repaired" for n in "12"]
    assert shop.rows() == {}
    assert shop.reconcile(on_change=False) == [f"{n}: no row -> in_force, repaired" for n in "12"]
    assert (shop.states(), shop.told) == ({"1": "in_force", "2": "in_force"}, [])
    shop.gateway.says("3", **COVER)
    assert len(shop.reconcile()) == 1
    assert shop.told == [(None, "in_force")]


def test_a_row_that_is_not_in_the_list_is_asked_about(shop: Shop) -> None:
    """It may be on a page that moved; else it is one that the gateway does not know."""
    first, second, third = filled(shop)
    shop.ring(1, insureNum="made up")
    listed = {third: shop.gateway.orders[third]}
    known = shop.gateway.orders
    shop.gateway.says(second, **SURRENDERED)
    del known[first]

    def forget(method: str, number: str | None) -> None:
        shop.gateway.orders = listed if method == "orderList" else known

    shop.gateway.asked.clear()
    shop.gateway.then = forget
    shop.gateway.orders = listed
    found = shop.reconcile(repair=False)
    assert [each.partition(", ")[0] for each in found] == [
        f"{first}: in_force -> ?",
        f"{second}: in_force -> surrendered",
    ]
    assert "The gateway refused the order query with respCode 1002" in found[0]


def test_rows_that_the_gateway_does_not_know_are_no_failure(shop: Shop) -> None:
    numbers = filled(shop, 12)
    shop.gateway.orders.clear()
    assert [each.partition(":")[0] for each in shop.reconcile()] == numbers


def test_one_that_fails_is_a_difference_and_ten_are_the_end(shop: Shop) -> None:
    numbers = filled(shop, 12)
    for number in numbers:
        shop.gateway.says(number, **SURRENDERED)

    def fail(method: str, number: str | None) -> None:
        if number in bad:
            raise httpx.ReadTimeout("")

    shop.gateway.then = fail
    bad = numbers[3:12]  # nine
    found = shop.reconcile()
    assert [each.endswith(", repaired") for each in found] == [True] * 3 + [False] * 9
    no_answer = "OrderError: The gateway did not respond within 10 seconds"
    assert found[3] == f"{numbers[3]}: in_force -> ?, {no_answer}"
    for number in numbers:
        shop.gateway.says(number, effectiveStatus=2)
    bad = [*numbers[:9], *numbers[10:]]
    assert len(shop.reconcile()) == 12
    # What agrees has not failed, either.
    assert len(shop.reconcile()) == 11
    bad = numbers
    shop.gateway.says(numbers[9], **SURRENDERED)
    with pytest.raises(OrderError, match="did not respond"):
        shop.reconcile(repair=False)


def test_what_the_gateway_lists_and_refuses_does_not_hide_the_rest(shop: Shop) -> None:
    *refused, last = filled(shop, 12)
    for number in (*refused, last):
        shop.gateway.says(number, **SURRENDERED)

    def forget(method: str, number: str | None) -> None:
        shop.gateway.orders = {last: shop.gateway.orders[last]}  # from the next answer on

    shop.gateway.then = forget
    found = shop.reconcile()
    assert found[-1] == f"{last}: in_force -> surrendered, repaired"
    assert len(found) == 12


def test_since_leaves_out_what_is_older(shop: Shop) -> None:
    for day in (1, 2, 3):
        shop.gateway.says(f"{day}", **COVER, insureTime=f"2026-11-0{day} 00:00:00")
    shop.refresh("1")
    shop.gateway.says("1", **SURRENDERED)
    found = shop.reconcile(since=date(2026, 11, 3), repair=False)
    assert found == ["3: no row -> in_force, not repaired"]
    assert details(shop)[1:] == ["2", "3"]  # of the second, the list does not say when it was
    assert len(shop.reconcile(since=date(2026, 11, 3))) == 1
    assert [each[0] for each in shop.reconcile(since=date(2026, 11, 1))] == ["1", "2"]


@pytest.mark.parametrize("per_second", [0, -1])
def test_it_has_to_ask(shop: Shop, per_second: int) -> None:
    with pytest.raises(ValueError, match=f"greater than 0, got {per_second}"):
        shop.reconcile(per_second=per_second)


def test_it_asks_no_faster_than_it_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(reconciliation, "sleep", slept.append)
    monkeypatch.setattr(reconciliation, "monotonic", lambda: 5000.0)  # no time goes by meanwhile
    for number in "123":
        shop.gateway.says(number)
    shop.reconcile(per_second=4, repair=False)
    assert slept == [0, 0.25, 0.25]


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_the_command_says_each_difference_and_whether_both_agree(
    shop: Shop, options: list[str]
) -> None:
    numbers = filled(shop)
    shop.gateway.says(numbers[1], **SURRENDERED)
    done = run(shop.app, "reconcile", *options)
    outcome = "not repaired" if options else "repaired"
    assert done.output.splitlines() == [
        f"{numbers[1]}: in_force -> surrendered, {outcome}",
        f"Compared: 3. Different: 1. Repaired: {0 if options else 1}.",
    ]
    assert done.exit_code == (1 if options else 0)
    assert run(shop.app, "reconcile", "--since", "2026-11-01").exit_code == 0


def test_the_command_fills_a_shop_without_news(shop: Shop) -> None:
    shop.gateway.says()
    assert run(shop.app, "reconcile", "--no-on-change").exit_code == 0
    assert ([*shop.rows()], shop.told) == ([INSURE_NUM], [])


#: What is wrong with a site, and what the command says of it.
SPOILT: dict[str, Callable[[Shop], object]] = {
    "Stopped after 0 orders. The gateway cannot be reached at https://": (
        lambda shop: setattr(shop.gateway, "then", DOWN)
    ),
    "Run the command with the same environment as the site.": lambda shop: shop.app.config.pop(
        "SECRET_KEY"
    ),
    'The table "xiebao_purchase" lacks these columns: plan_name. Migrate the table.\n': (
        lambda shop: shop.execute("ALTER TABLE xiebao_purchase DROP COLUMN plan_name")
    ),
    'The table "xiebao_purchase" does not exist. Create it with': (
        lambda shop: shop.execute("DROP TABLE xiebao_purchase")
    ),
    "The app has no Purchases object.": (
        lambda shop: setattr(shop.xiebao._hooks, "purchases", None)
    ),
}


@pytest.mark.parametrize("said", SPOILT)
def test_the_command_says_what_it_lacks_and_writes_nothing(shop: Shop, said: str) -> None:
    shop.gateway.says()
    SPOILT[said](shop)
    done = run(shop.app, "reconcile")
    assert (done.exit_code, shop.told) == (2, [])
    assert said in done.output


# The wrong environment


def shop_with_secret(new_shop: MakeShop, *members: str) -> Shop:
    """Return a shop with a member secret that has sold a policy to each of these members."""
    shop = new_shop(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    for member in members:
        with shop.app.app_context():
            key = shop.xiebao.partner_uniq_key(member)
        shop.gateway.says(f"2026{member}", partnerUniqueKey=key, **COVER)
        shop.refresh(f"2026{member}")
    return shop


@pytest.mark.parametrize("secret", [None, "another secret of at least 32 characters"])
@pytest.mark.parametrize("row_count", [0, 1, 2, 3, 12])
def test_reconcile_with_wrong_secret_writes_nothing(
    new_shop: MakeShop, secret: str | None, row_count: int
) -> None:
    members = [str(number) for number in range(10, 23)]
    right = shop_with_secret(new_shop, *members[:row_count])
    with right.app.app_context():
        right.gateway.says("new", partnerUniqueKey=right.xiebao.partner_uniq_key("99"), **COVER)
    wrong = new_shop(XIEBAO_MEMBER_SECRET=secret)
    wrong.gateway.orders = right.gateway.orders
    before = {number: (row.member, row.version) for number, row in wrong.rows().items()}

    done = run(wrong.app, "reconcile")

    can_be_noticed = secret is None or row_count > 1
    assert (done.exit_code == 2) == can_be_noticed
    assert ("XIEBAO_MEMBER_SECRET" in done.output) == can_be_noticed
    if can_be_noticed:
        after = {number: (row.member, row.version) for number, row in wrong.rows().items()}
        assert after == before


@pytest.mark.parametrize("secret", [None, "another secret of at least 32 characters"])
def test_members_with_plain_keys_do_not_hide_wrong_secret(
    new_shop: MakeShop, secret: str | None
) -> None:
    right = shop_with_secret(new_shop, "10", "11")
    right.xiebao.keeps_plain_key(lambda member: member > "20")
    for member in map(str, range(21, 27)):
        right.gateway.says(f"2026{member}", partnerUniqueKey=member, **COVER)
        right.refresh(f"2026{member}")
    right.gateway.says("new", partnerUniqueKey="29", **COVER)
    wrong = new_shop(XIEBAO_MEMBER_SECRET=secret)
    wrong.xiebao.keeps_plain_key(lambda member: member > "20")
    wrong.gateway.orders = right.gateway.orders
    with pytest.raises(ConfigError, match="another member for 2 of 2 purchases"):
        wrong.reconcile()
    assert "new" not in wrong.rows()


@pytest.mark.parametrize("refused", [11, 12])
def test_orders_that_the_gateway_refuses_do_not_hide_wrong_secret(
    new_shop: MakeShop, refused: int
) -> None:
    right = shop_with_secret(new_shop, *map(str, range(10, 24)))
    right.execute("UPDATE xiebao_purchase SET created_at = '2026-01-' || member || ' 00:00:00'")
    for number in [*right.gateway.orders][-refused:]:
        del right.gateway.orders[number]
    right.gateway.says("new", partnerUniqueKey="29", **COVER)
    wrong = new_shop(XIEBAO_MEMBER_SECRET="another secret of at least 32 characters")
    wrong.gateway.orders = right.gateway.orders
    with pytest.raises(ConfigError, match="another member"):
        wrong.reconcile()
    assert "new" not in wrong.rows()


def test_reconcile_writes_nothing_if_gateway_answers_no_comparison(shop: Shop) -> None:
    filled(shop, 3)
    shop.gateway.says("new", **COVER)

    def fail_once_per_row(method: str, number: str | None) -> None:
        if method == "orderDetail" and len(details(shop)) <= 3:
            raise httpx.ReadTimeout("")

    shop.gateway.asked.clear()
    shop.gateway.then = fail_once_per_row
    with pytest.raises(OrderError, match="no order could be queried to compare its member"):
        shop.reconcile()
    assert "new" not in shop.rows()
    assert shop.reconcile() == ["new: no row -> in_force, repaired"]


@pytest.mark.parametrize("row_count", [0, 1, 12])
def test_reconcile_with_right_secret_is_not_stopped(new_shop: MakeShop, row_count: int) -> None:
    shop = shop_with_secret(new_shop, *map(str, range(10, 10 + row_count)))
    shop.gateway.says("foreign", partnerUniqueKey="another site's member", **COVER)
    with shop.app.app_context():
        shop.gateway.says("new", partnerUniqueKey=shop.xiebao.partner_uniq_key("99"), **COVER)
    assert run(shop.app, "reconcile").exit_code == 0
    assert shop.row("new").member == "99"


def test_reconcile_accepts_plain_ids_that_look_like_keys_if_stored_members_agree(
    shop: Shop,
) -> None:
    for number in ("1", "2"):
        shop.gateway.says(number, partnerUniqueKey=f"n4koo53z3p6f6cab{number}", **COVER)
    shop.refresh("1")
    assert shop.reconcile() == ["2: no row -> in_force, repaired"]


def test_reassign_replaces_member_of_one_row(new_shop: MakeShop) -> None:
    right = shop_with_secret(new_shop, "7")
    right.execute("UPDATE xiebao_purchase SET member = 'n4koo53z3p6f6cab7'")
    assert right.reconcile() == [
        "20267: in_force -> in_force, the gateway reports another member, or no member, for this"
        " order"
    ]
    done = run(right.app, "reassign", "20267")
    assert (done.exit_code, right.row("20267").member) == (0, "7")
    assert "20267" in done.output
    assert right.told[-1] == ("in_force", "in_force")
    assert run(right.app, "reassign", "20267").exit_code == 0
    assert right.reconcile() == []


def test_reassign_does_not_restore_member_who_is_forgotten_meanwhile(new_shop: MakeShop) -> None:
    shop = shop_with_secret(new_shop, "7")
    shop.gateway.then = lambda method, number: shop.purchases.forget("7")
    done = run(shop.app, "reassign", "20267")
    assert done.exit_code == 2
    assert "was forgotten" in done.output
    assert (shop.row("20267").member, shop.row("20267").forgotten) == (None, True)


def test_reassign_rejects_order_without_row_forgotten_member_and_unknown_key(
    new_shop: MakeShop,
) -> None:
    shop = shop_with_secret(new_shop, "7", "8")
    shop.purchases.forget("7")
    shop.gateway.says("20268", partnerUniqueKey="stranger")
    shop.gateway.says("new", **COVER)
    for number, words in {
        "20267": "was forgotten",
        "20268": "reports no member of this site",
        "new": "has no row",
        "": "insure_num is empty",
    }.items():
        done = run(shop.app, "reassign", number)
        assert (done.exit_code, words in done.output) == (2, True), done.output
    assert (shop.row("20267").member, shop.row("20268").member) == (None, "8")
    assert "new" not in shop.rows()


def test_reassign_without_member_secret_keeps_member(new_shop: MakeShop) -> None:
    right = shop_with_secret(new_shop, "7")
    wrong = new_shop(XIEBAO_MEMBER_SECRET=None)
    wrong.gateway.orders = right.gateway.orders
    done = run(wrong.app, "reassign", "20267")
    assert (done.exit_code, wrong.row("20267").member) == (2, "7")
    assert "with the same XIEBAO_MEMBER_SECRET as the site" in done.output


def test_reconcile_with_refused_query_shows_message_and_meaning(
    new_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = new_shop()

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"respCode": 1001, "respMsg": "签名错误"})

    monkeypatch.setattr(shop.gateway, "answer", refuse)
    done = run(shop.app, "reconcile")
    assert done.exit_code == 2
    assert 'with respCode 1001 and the message "签名错误".' in done.output
    assert "Probably XIEBAO_API_KEY is not the key" in done.output


def test_reassign_reports_missing_table(shop: Shop) -> None:
    shop.execute("DROP TABLE xiebao_purchase")
    done = run(shop.app, "reassign", "1")
    assert (done.exit_code, "does not exist" in done.output) == (2, True)


def test_commands_print_chinese(new_shop: MakeShop) -> None:
    shop = shop_with_secret(new_shop, "7")
    shop.gateway.says("new", **COVER)
    done = run(shop.app, "reconcile", "--locale", "zh")
    assert done.output.splitlines() == [
        "new：没有记录 -> in_force，已修正",
        "已比较 2 个，不一致 1 个，已修正 1 个。",
    ]
    assert (
        "20267：记录中的会员与网关一致。"
        in run(shop.app, "reassign", "20267", "--locale", "zh").output
    )
    refused = run(shop.app, "reassign", "other", "--locale", "zh")
    assert "has no row" in refused.output
    shop.app.config.pop("SECRET_KEY")
    assert "请用网站自己的环境运行这个命令" in run(shop.app, "reconcile", "--locale", "zh").output
