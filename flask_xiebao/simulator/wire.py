"""Functions that build the bodies of notifications and of responses to order queries.

The simulator has its own code for this. It shares no code with :mod:`.gateway.notifications` and
:mod:`.gateway.orders`, which parse these bodies. Keep them independent, so that a mistake in one of
them makes a test fail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from operator import index
from typing import Any

from ..gateway.values import Secret

#: The ``Content-Type`` of a notification.
CONTENT_TYPE = "application/json;charset=UTF-8"

_CHINA_TIMEZONE = timezone(timedelta(hours=8))


class UnknownFieldError(TypeError):
    """Raised for the name of a field that does not exist."""


def compute_signature(api_key: Secret[str], text: str) -> str:
    """Return the gateway's signature of a text, ``md5(apiKey + text)`` in hex."""
    return api_key.map(
        lambda key: hashlib.md5((key + text).encode(), usedforsecurity=False).hexdigest()
    ).reveal()


def build_signed_notification(
    api_key: Secret[str], notify_type: int, data: Mapping[str, Any]
) -> bytes:
    """Build the signed body of a notification.

    :param notify_type: The ``notifyType``.
    :param data: The fields of ``data``. Fields that are None or empty are left out.
    """
    # The gateway writes compact JSON and does not escape characters outside ASCII.
    text = json.dumps(
        {name: value for name, value in data.items() if value not in (None, "", [], {}, ())},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    signature = compute_signature(api_key, text)
    return f'{{"notifyType":{notify_type},"sign":"{signature}","data":{text}}}'.encode()


def build_order_response(data: Mapping[str, Any]) -> dict[str, Any]:
    """Build the response to an accepted order query."""
    return {"respCode": 0, "respMsg": "成功", "data": data}


def build_order_list_response(
    details: Iterable[Mapping[str, Any]], page_index: int, page_size: int, total: int
) -> dict[str, Any]:
    """Build the response to a query for one page of the order list.

    :param details: The orders on the page, each as the query for one order returns it.
    :param page_index: The number of the page, beginning with 1.
    :param total: The number of orders on all pages.
    """
    return build_order_response(
        {
            "orders": {
                "pageIndex": page_index,
                "pageSize": page_size,
                "pageNums": -(-total // page_size),
                "total": total,
                "data": [build_listed_order(detail) for detail in details],
            }
        }
    )


def build_query_refusal(code: int, message: str) -> dict[str, Any]:
    """Build the response to an order query that the gateway refuses."""
    return {"respCode": code, "respMsg": message}


def convert_partner_id_for_json(partner_id: str) -> int | str:
    """Convert a partner id to the type that it has in the gateway's JSON, integer or string.

    The gateway writes an integer if the partner id consists of digits without a leading
    zero, otherwise a string.
    """
    is_number = partner_id.isascii() and partner_id.isdecimal() and partner_id[0] != "0"
    return int(partner_id) if is_number else partner_id


def format_china_time(time: datetime) -> str:
    """Format a time as ``yyyy-MM-dd HH:mm:ss`` in China's timezone."""
    return time.astimezone(_CHINA_TIMEZONE).strftime("%Y-%m-%d %H:%M:%S")


def _convert_to_name_list(names: Iterable[Any]) -> list[Any]:
    if isinstance(names, str):
        # The names were passed as one string instead of a list. Reject the string. Otherwise, each
        # character of the string would be read as a person's name.
        raise TypeError
    return list(names)


def china_now() -> datetime:
    """Return the current time in China."""
    return datetime.now(_CHINA_TIMEZONE)


#: This mapping contains, for each field of :class:`~flask_xiebao.Notification`, the gateway's field
#: name and the function that converts the value.
_NOTIFICATION_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "insure_num": ("insureNum", str),
    "succeeded": ("state", bool),
    "failure": ("failMsg", str),
    "case_code": ("caseCode", str),
    "partner_id": ("partnerId", lambda partner_id: convert_partner_id_for_json(str(partner_id))),
    "partner_uniq_key": ("partnerUniqueKey", str),
    "price_fen": ("price", index),
    "paid_at": ("payTime", format_china_time),
    "payment_method": ("onlinePaymentId", str),
    "policies": (
        "policys",
        lambda policies: [_convert_to_gateway_fields(info, _POLICY_FIELDS) for info in policies],
    ),
    "new_insure_num": ("newInsureNum", str),
    "cancelled_insurants": ("cancelInsurants", _convert_to_name_list),
    "cancel_reason": ("cancelMsg", str),
    "other_info": ("otherInfo", dict),
}
# The keyword arguments that callers may pass in addition to the fields of a notification. The error
# message about an unknown field lists these arguments, too.
_OTHER_NOTIFICATION_NAMES = ("member", "data", "type", "wrong")
#: This mapping contains, for each field of :class:`~flask_xiebao.PolicyInfo`, the gateway's field
#: name and the function that converts the value.
_POLICY_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "product_id": ("productId", str),
    "product_name": ("productName", str),
    "plan_id": ("planId", str),
    "plan_name": ("planName", str),
    "applicant": ("applicant", str),
    "insurant": ("insurant", str),
    "start_date": ("startDate", date.isoformat),
    "end_date": ("endDate", date.isoformat),
    "policy_num": ("policyNum", str),
    "retreat_status": ("retreatStatus", index),
}
#: This mapping contains, for each field of :class:`~flask_xiebao.Order`, the gateway's field name
#: and the function that converts the value.
_ORDER_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "insure_num": ("insureNum", str),
    "case_code": ("caseCode", str),
    "insure_partner_id": ("insurePartnerId", str),
    "partner_uniq_key": ("partnerUniqueKey", str),
    "product_name": ("productName", str),
    "plan_name": ("planName", str),
    "company_name": ("companyName", str),
    "start_date": ("startDate", date.isoformat),
    "end_date": ("endDate", date.isoformat),
    "price_fen": ("payAmount", index),
    "applied_at": ("insureTime", format_china_time),
    "paid_at": ("payedTime", format_china_time),
    "issued_at": ("issueTime", format_china_time),
    "pay_status": ("payStatus", int),
    "issue_status": ("issueStatus", int),
    "effective_status": ("effectiveStatus", int),
}


def build_notification_data(
    partner_id: str, notify_type: int, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """Build the object under the key ``data`` in the body of a notification.

    :param fields: The values by the names of :class:`~flask_xiebao.Notification`. For a step that
        succeeded, required values that are missing are made up. The value of ``data`` is a mapping
        of further fields, which are sent unchanged.
    :raises TypeError: if a field does not exist, or its value has the wrong type.
    """
    if not isinstance(notify_type, int) or isinstance(notify_type, bool):
        raise TypeError(f"type must be an integer, got {type(notify_type).__name__}.")
    fields = {"succeeded": True, **fields}
    unconverted_fields = fields.pop("data", {})
    if fields["succeeded"]:
        fields = {**_build_default_fields(notify_type, fields), **fields}
    return {
        "partnerId": convert_partner_id_for_json(partner_id),
        **_convert_to_gateway_fields(fields, _NOTIFICATION_FIELDS, _OTHER_NOTIFICATION_NAMES),
        **unconverted_fields,
    }


def _build_default_fields(notify_type: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    number = fields.get("insure_num")
    fields_by_type: dict[int, dict[str, Any]] = {
        2: {"price_fen": 1500, "paid_at": china_now(), "payment_method": "21"},
        3: {"policies": [{"policy_num": f"P{number}"}]},
        5: {"new_insure_num": f"{number}1"},
    }
    return fields_by_type.get(notify_type, {})


def build_order_detail(order: object) -> dict[str, Any]:
    """Build the fields that the gateway returns for a query about a single order.

    :param order: An :class:`~flask_xiebao.Order`, or a mapping with the names of its fields.
    """
    values = convert_to_mapping(order)
    policies = values.get("policies") or ()
    insurants = [
        {"cName": policy.get("insurant"), "policyNum": policy.get("policy_num")}
        | (
            {"retreatStatus": status}
            if (status := policy.get("retreat_status")) is not None
            else {}
        )
        for policy in map(convert_to_mapping, policies)
    ]
    applicant = convert_to_mapping(policies[0]).get("applicant") if policies else None
    other_names = ("member", "policies", "data")
    fields = {name: value for name, value in values.items() if name not in other_names}
    return {
        **_convert_to_gateway_fields(fields, _ORDER_FIELDS, other_names),
        **({"applicant": {"cName": applicant}} if applicant else {}),
        **({"insurants": insurants} if insurants else {}),
        **(values.get("data") or {}),
    }


def build_listed_order(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Build an item of the gateway's order list.

    The item has fewer fields than the response to a query about a single order, and some of its
    fields have other names.

    :param detail: The order as the query for one order returns it.
    """
    row = {name: detail.get(name) for name in ("insureNum", "caseCode", "partnerUniqueKey")}
    row |= {f"{step}State": detail.get(f"{step}Status") for step in ("pay", "issue", "effective")}
    if "payAmount" in detail:
        row["price"] = detail["payAmount"] / 100  # in yuan
    dates = {name: detail.get(name) for name in ("startDate", "endDate", "insureTime")}
    row["policys"] = [
        {"policyNum": insurant.get("policyNum"), "insurant": insurant.get("cName"), **dates}
        for insurant in detail.get("insurants", ())
    ]
    return {name: value for name, value in row.items() if value is not None}


def _convert_to_gateway_fields(
    values: object,
    converters: Mapping[str, tuple[str, Callable[[Any], Any]]],
    gateway_names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Convert values to the gateway's formats, and return a dict with the gateway's field names.

    :param gateway_names: Further accepted names, for the message about an unknown name.
    :raises TypeError: if a field does not exist, or its value has the wrong type.
    """
    gateway_fields = {}
    for name, value in convert_to_mapping(values).items():
        if name not in converters:
            raise UnknownFieldError(
                f'There is no field "{name}". Use one of'
                f" {', '.join((*converters, *gateway_names))}."
            )
        if value is not None:
            gateway_name, convert = converters[name]
            try:
                gateway_fields[gateway_name] = convert(value)
            except UnknownFieldError:
                raise
            except (TypeError, ValueError, AttributeError):
                raise TypeError(
                    f'"{name}" has an invalid value of type {type(value).__name__}.'
                ) from None
    return gateway_fields


def convert_to_mapping(source: object) -> Mapping[str, Any]:
    """Return a mapping unchanged. For any other object, return a dict of its public attributes."""
    if isinstance(source, Mapping):
        return source
    return {name: value for name, value in vars(source).items() if not name.startswith("_")}
