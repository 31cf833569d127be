"""The callback and the order query, written a second time and by hand: what goes over the wire.

It shares nothing with :mod:`.gateway.notifications` and :mod:`.gateway.orders`, which read
what is written here, so that a mistake in either shows where they meet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from operator import index
from typing import Any

from ..gateway.values import Secret

#: The ``Content-Type`` of a callback.
CONTENT_TYPE = "application/json;charset=UTF-8"

_CHINA_TIMEZONE = timezone(timedelta(hours=8))


class UnknownFieldError(TypeError):
    """A name that no field has."""


def compute_signature(api_key: Secret[str], text: str) -> str:
    """Return what the platform signs a text with: md5(apiKey + text)."""
    return api_key.map(
        lambda key: hashlib.md5((key + text).encode(), usedforsecurity=False).hexdigest()
    ).reveal()


def build_signed_notification(
    api_key: Secret[str], notify_type: int, data: Mapping[str, Any]
) -> bytes:
    """Return the body of a callback.

    :param kind: ``notifyType``.
    :param data: the fields of its ``data``; those that are None or empty are left out.
    """
    sent = {name: value for name, value in data.items() if value not in (None, "", [], {}, ())}
    text = dump_compact_json(sent)
    signature = compute_signature(api_key, text)
    return f'{{"notifyType":{notify_type},"sign":"{signature}","data":{text}}}'.encode()


def build_order_response(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to an order query."""
    return {"respCode": 0, "respMsg": "成功", "data": data}


def build_order_list_response(
    details: Iterable[Mapping[str, Any]], page_index: int, page_size: int, total: int
) -> dict[str, Any]:
    """Return the answer to a query of a list: a page of it, the first of which is 1.

    :param details: the orders on it, as the query of one order answers each.
    :param total: how many there are on all pages.
    """
    orders = {
        "pageIndex": page_index,
        "pageSize": page_size,
        "pageNums": -(-total // page_size),
        "total": total,
    }
    return build_order_response(
        {"orders": {**orders, "data": [build_listed_order(detail) for detail in details]}}
    )


def build_query_refusal(code: int, message: str) -> dict[str, Any]:
    """Return the answer to an order query that the platform refuses."""
    return {"respCode": code, "respMsg": message}


def dump_compact_json(value: object) -> str:
    """Return JSON as the platform writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def get_json_partner_id(partner_id: str) -> int | str:
    """Return a partner id as the platform writes it."""
    is_number = partner_id.isascii() and partner_id.isdecimal() and partner_id[0] != "0"
    return int(partner_id) if is_number else partner_id


def format_china_time(time: datetime) -> str:
    """Return a time in China, ``yyyy-MM-dd HH:mm:ss``."""
    return time.astimezone(_CHINA_TIMEZONE).strftime("%Y-%m-%d %H:%M:%S")


def _check_name_list(names: object) -> Any:
    if isinstance(names, str):  # each letter of it would be a name
        raise TypeError
    return names


def china_now() -> datetime:
    """Return the time in China."""
    return datetime.now(_CHINA_TIMEZONE)


#: How each field of :class:`~flask_xiebao.Notification` is written: as what, and by what.
_NOTIFICATION_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "insure_num": ("insureNum", str),
    "succeeded": ("state", bool),
    "failure": ("failMsg", str),
    "case_code": ("caseCode", str),
    "partner_id": ("partnerId", lambda partner_id: get_json_partner_id(str(partner_id))),
    "partner_uniq_key": ("partnerUniqueKey", str),
    "price_fen": ("price", index),
    "paid_at": ("payTime", format_china_time),
    "payment_method": ("onlinePaymentId", str),
    "policies": (
        "policys",
        lambda policies: [_convert_to_gateway_fields(each, _POLICY_FIELDS) for each in policies],
    ),
    "new_insure_num": ("newInsureNum", str),
    "cancelled_insurants": ("cancelInsurants", lambda names: [*_check_name_list(names)]),
    "cancel_reason": ("cancelMsg", str),
    "other_info": ("otherInfo", dict),
}
_OTHER_NOTIFICATION_NAMES = ("member", "data", "type", "wrong")
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
}
#: The same of each field of :class:`~flask_xiebao.Order`.
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
    """Return the ``data`` of a callback that says this.

    :param said: by the names of :class:`~flask_xiebao.Notification`. What a step that succeeded has
        to say is made up where it is not given. ``data`` has further fields, as they are sent.
    :raises TypeError: no field has that name, or its value is of another type.
    """
    if not isinstance(notify_type, int) or isinstance(notify_type, bool):
        raise TypeError(f"type must be an integer, got {type(notify_type).__name__}.")
    fields = {"succeeded": True, **fields}
    more = fields.pop("data", {})
    if fields["succeeded"]:
        fields = {**_build_default_fields(notify_type, fields), **fields}
    return {
        "partnerId": get_json_partner_id(partner_id),
        **_convert_to_gateway_fields(fields, _NOTIFICATION_FIELDS, _OTHER_NOTIFICATION_NAMES),
        **more,
    }


def _build_default_fields(notify_type: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    number = fields.get("insure_num")
    made_up: dict[int, dict[str, Any]] = {
        2: {"price_fen": 1500, "paid_at": china_now(), "payment_method": "21"},
        3: {"policies": [{"policy_num": f"P{number}"}]},
        5: {"new_insure_num": f"{number}1"},
    }
    return made_up.get(notify_type, {})


def build_order_detail(order: object) -> dict[str, Any]:
    """Return an order as the order query answers it.

    :param said: an :class:`~flask_xiebao.Order`, or a mapping of its names.
    """
    names = convert_to_mapping(order)
    policies = names.get("policies") or ()
    insurants = [
        {"cName": each.get("insurant"), "policyNum": each.get("policy_num")}
        for each in map(convert_to_mapping, policies)
    ]
    applicant = convert_to_mapping(policies[0]).get("applicant") if policies else None
    besides = ("member", "policies", "data")
    own = {name: value for name, value in names.items() if name not in besides}
    return {
        **_convert_to_gateway_fields(own, _ORDER_FIELDS, besides),
        **({"applicant": {"cName": applicant}} if applicant else {}),
        **({"insurants": insurants} if insurants else {}),
        **(names.get("data") or {}),
    }


def build_listed_order(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order as a list has it: less of it, and in part otherwise spelt.

    :param detail: the order, as the query of one order answers it.
    """
    row = {name: detail.get(name) for name in ("insureNum", "caseCode", "partnerUniqueKey")}
    row |= {f"{step}State": detail.get(f"{step}Status") for step in ("pay", "issue", "effective")}
    if "payAmount" in detail:
        row["price"] = detail["payAmount"] / 100  # in yuan
    dates = {name: detail.get(name) for name in ("startDate", "endDate", "insureTime")}
    row["policys"] = [
        {"policyNum": each.get("policyNum"), "insurant": each.get("cName"), **dates}
        for each in detail.get("insurants", ())
    ]
    return {name: value for name, value in row.items() if value is not None}


def _convert_to_gateway_fields(
    values: object,
    converters: Mapping[str, tuple[str, Callable[[Any], Any]]],
    gateway_names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return fields as they are written.

    :param also: further names that there are, for the error about one that there is not.
    """
    written = {}
    for name, value in convert_to_mapping(values).items():
        if name not in converters:
            raise UnknownFieldError(
                f'There is no field "{name}". Use one of'
                f" {', '.join((*converters, *gateway_names))}."
            )
        if value is not None:
            field, write = converters[name]
            try:
                written[field] = write(value)
            except UnknownFieldError:
                raise
            except (TypeError, ValueError, AttributeError):
                raise TypeError(
                    f'"{name}" has an invalid value of type {type(value).__name__}.'
                ) from None
    return written


def convert_to_mapping(source: object) -> Mapping[str, Any]:
    """Return what an object of the extension's, or a mapping of its names, says."""
    if isinstance(source, Mapping):
        return source
    return {name: value for name, value in vars(source).items() if not name.startswith("_")}
