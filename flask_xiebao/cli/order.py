"""What ``flask xiebao order`` prints of an order."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from ..app.log import place_of
from ..app.settings import Settings
from ..gateway.orders import Order
from ..gateway.urls import Gateway
from ..gateway.values import quoted


def lines_of(order: Order, settings: Settings, *, with_names: bool) -> Iterator[str]:
    """Return the lines that describe an order, by the document's names.

    :param settings: their key and sign are masked, even if the gateway sends them.
    :param with_names: people's names, too.
    """
    key = order.partner_uniq_key
    known = {
        "insureNum": order.insure_num,
        "caseCode": order.case_code,
        "insurePartnerId": order.insure_partner_id,
        "partnerUniqueKey": None if key is None else f"{key} ({_whose(order)})",
        "productName": order.product_name,
        "planName": order.plan_name,
        "companyName": order.company_name,
        "startDate": order.start_date,
        "endDate": order.end_date,
        "insureTime": order.applied_at,
        "payStatus": _status(order.pay_status),
        "payAmount": None if order.price_fen is None else f"{order.price_fen} fen",
        "payedTime": order.paid_at,
        "issueStatus": _status(order.issue_status),
        "issueTime": order.issued_at,
        "effectiveStatus": _status(order.effective_status),
    }
    lines = [(name, value) for name, value in known.items() if value is not None]
    for policy in order.policies:
        lines.append(("policyNum", policy.policy_num or "-"))
        if with_names:
            lines += [("applicant", policy.applicant or "-"), ("insurant", policy.insurant or "-")]
    sign = Gateway(settings.partner_id, settings.api_key).sign
    for name, value in lines:
        yield f"{name:<17} {quoted(str(value), (settings.api_key.reveal(), sign))}"


def _whose(order: Order) -> str:
    try:
        member = order.member
    except Exception as error:  # of the site's keeps_plain_key
        return f"the member cannot be determined: {type(error).__name__} in {place_of(error)}"
    return "not a member of this site" if member is None else f"member {member}"


def _status(number: int | None) -> str | None:
    if isinstance(number, IntEnum):
        return f"{int(number)} ({number.name.lower().replace('_', ' ')})"
    return None if number is None else f"{number} (unknown)"
