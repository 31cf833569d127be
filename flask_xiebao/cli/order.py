"""What ``flask xiebao order`` prints of an order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum

from ..orders import Order


def lines_of(order: Order, *, with_names: bool) -> Iterator[str]:
    """Return what is known of an order, by the document's own names.

    :param with_names: people's names, too.
    """
    key = order.partner_uniq_key
    whose = "nobody's of this site" if order.member is None else f"member {order.member}"
    known = {
        "insureNum": order.insure_num,
        "caseCode": order.case_code,
        "partnerUniqueKey": None if key is None else f"{key} ({whose})",
        "productName": order.product_name,
        "planName": order.plan_name,
        "companyName": order.company_name,
        "startDate": order.start_date,
        "endDate": order.end_date,
        "payStatus": _status(order.pay_status),
        "payAmount": None if order.price_fen is None else f"{order.price_fen} fen",
        "payedTime": _time(order.paid_at),
        "issueStatus": _status(order.issue_status),
        "issueTime": _time(order.issued_at),
        "effectiveStatus": _status(order.effective_status),
    }
    for name, value in known.items():
        if value is not None:
            yield f"{name:<17} {value}"
    for policy in order.policies:
        yield f"{'policyNum':<17} {policy.policy_num or '-'}"
        if with_names:
            yield f"{'applicant':<17} {policy.applicant or '-'}"
            yield f"{'insurant':<17} {policy.insurant or '-'}"


def _status(number: int | None) -> str | None:
    if isinstance(number, IntEnum):
        return f"{int(number)} ({number.name.lower().replace('_', ' ')})"
    return None if number is None else f"{number} (unknown)"


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(" ")
