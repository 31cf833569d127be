"""The rule that attributes a purchase to a click, as SQL expressions.

1. The candidates are the clicks of the purchase's member on the same product or on the home page,
   with ``clicked_at <= applied_at < expires_at``.
2. If one or more candidates have a return to the site after the payment (``returned_at >=
   paid_at``), the click with the earliest return is chosen, and the attribution is ``returned``.
3. Otherwise the latest candidate is chosen, and the attribution is ``last``.
4. If there is no candidate, the purchase has no click.
5. After a reissue, the new order has the same click as the order that it replaces
   (``replaced_by``).

A purchase has at most one click. A click may have several purchases.

The database evaluates the rule in each query, and no column contains its result. So the result does
not depend on the order in which notifications and returns arrive.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import aliased


class AttributionExpressions(NamedTuple):
    """Two SQL expressions for a query that selects purchases. They are NULL if there is no click.

    :param click_id: The id of the purchase's click.
    :param attribution: ``returned`` or ``last``, depending on how the click was chosen.
    """

    click_id: ColumnElement[str | None]
    attribution: ColumnElement[str | None]


def build_attribution_expressions(
    purchase_model: Any, click_model: Any, member: str | None = None
) -> AttributionExpressions:
    """Build the SQL expressions for a query that selects rows of *purchase_model*.

    :param member: If the query is for one member's purchases, the id of this member. Otherwise the
        database reads all purchases to find the reissued ones.
    """
    click, first_order = aliased(click_model), aliased(purchase_model)
    is_candidate = and_(
        click.member == first_order.member,
        or_(click.case_code == first_order.case_code, click.page == "home"),
        click.clicked_at <= first_order.applied_at,
        first_order.applied_at < click.expires_at,
    )
    candidates = (
        select(click.click_id)
        .join(first_order, is_candidate)
        .where(first_order.insure_num == _build_first_insure_num(purchase_model, member))
        .limit(1)
        .correlate(purchase_model)
    )
    # If two clicks have the same time, their ids decide, so that the result is always the same.
    returned = (
        candidates.where(click.returned_at >= first_order.paid_at)
        .order_by(click.returned_at, click.clicked_at.desc(), click.click_id.desc())
        .scalar_subquery()
    )
    last = candidates.order_by(click.clicked_at.desc(), click.click_id.desc()).scalar_subquery()
    # If a query selects nothing but these expressions, its FROM clause contains the table of
    # purchases only because of this condition. The subqueries refer to the table's current row.
    has_member = purchase_model.member.is_not(None)
    return AttributionExpressions(
        case((has_member, func.coalesce(returned, last))),
        case(
            (and_(has_member, returned.is_not(None)), "returned"),
            (and_(has_member, last.is_not(None)), "last"),
        ),
    )


def _build_first_insure_num(purchase_model: Any, member: str | None) -> ColumnElement[str]:
    """Build an SQL expression for a purchase's application number before any reissue.

    Only reissues between orders of the same member count.
    """

    def is_replaced(order: Any) -> ColumnElement[bool]:
        is_in_scope = true() if member is None else order.member == member
        return and_(order.replaced_by.is_not(None), is_in_scope)

    order, earlier_order, later_order = (aliased(purchase_model) for _ in range(3))
    is_earlier = and_(
        earlier_order.replaced_by == order.insure_num, earlier_order.member == order.member
    )
    reissues = (
        select(order.replaced_by.label("insure_num"), order.insure_num.label("first"), order.member)
        .outerjoin(earlier_order, is_earlier)
        .where(is_replaced(order), earlier_order.insure_num.is_(None))
        .cte(recursive=True)
    )
    is_later = and_(
        later_order.insure_num == reissues.c.insure_num, later_order.member == reissues.c.member
    )
    # UNION drops duplicate rows, so the recursion ends even if numbers replace each other.
    reissues = reissues.union(
        select(later_order.replaced_by, reissues.c.first, later_order.member)
        .join(reissues, is_later)
        .where(is_replaced(later_order))
    )
    first_insure_num = (
        select(func.min(reissues.c.first))
        .where(
            reissues.c.insure_num == purchase_model.insure_num,
            reissues.c.member == purchase_model.member,
        )
        .correlate(purchase_model)
        .scalar_subquery()
    )
    return func.coalesce(first_insure_num, purchase_model.insure_num)
