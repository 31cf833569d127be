"""The formatting of an order for the output of ``flask xiebao order``."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from ..app.log import format_error_without_message
from ..app.settings import Settings
from ..gateway.orders import Order
from ..gateway.urls import Gateway
from ..gateway.values import format_untrusted_text
from ..texts import get_text


def iter_order_lines(
    order: Order, settings: Settings, locale: str, *, include_people: bool
) -> Iterator[str]:
    """Yield the lines that describe an order, each with the name and the value of a field.

    The names are those of the gateway.

    :param settings: The settings whose API key and sign are masked, even if the gateway sends them.
    :param locale: The language of the explanations.
    :param include_people: If True, also yield people's names.
    """
    key = order.partner_uniq_key
    values = {
        "insureNum": order.insure_num,
        "caseCode": order.case_code,
        "insurePartnerId": order.insure_partner_id,
        "partnerUniqueKey": (
            None if key is None else f"{key} ({_format_order_member(order, locale)})"
        ),
        "productName": order.product_name,
        "planName": order.plan_name,
        "companyName": order.company_name,
        "startDate": order.start_date,
        "endDate": order.end_date,
        "insureTime": order.applied_at,
        "payStatus": _format_status(order.pay_status, locale),
        "payAmount": (
            None
            if order.price_fen is None
            else get_text(locale, "order.fen", price=order.price_fen)
        ),
        "payedTime": order.paid_at,
        "issueStatus": _format_status(order.issue_status, locale),
        "issueTime": order.issued_at,
        "effectiveStatus": _format_status(order.effective_status, locale),
    }
    lines = [(name, value) for name, value in values.items() if value is not None]
    for policy in order.policies:
        surrendered = get_text(locale, "order.surrendered")
        suffix = f" ({surrendered}, retreatStatus {policy.retreat_status})"
        lines.append(
            ("policyNum", f"{policy.policy_num or '-'}{suffix if policy.is_surrendered else ''}")
        )
        if include_people:
            lines += [("applicant", policy.applicant or "-"), ("insurant", policy.insurant or "-")]
    sign = Gateway(settings.partner_id, settings.api_key).sign
    for name, value in lines:
        yield f"{name:<17} {format_untrusted_text(str(value), (settings.api_key.reveal(), sign))}"


def _format_order_member(order: Order, locale: str) -> str:
    try:
        member = order.member
    except Exception as error:
        # The site's keeps_plain_key hook may raise any exception.
        return get_text(locale, "order.member_error", error=format_error_without_message(error))
    key = "order.no_member" if member is None else "order.member"
    return get_text(locale, key, member=member)


def _format_status(status: int | None, locale: str) -> str | None:
    if isinstance(status, IntEnum):
        return f"{int(status)} ({status.name.lower().replace('_', ' ')})"
    return None if status is None else f"{status} ({get_text(locale, 'order.unknown_status')})"
