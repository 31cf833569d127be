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

_CHINA = timezone(timedelta(hours=8))


class UnknownNameError(TypeError):
    """A name that no field has."""


def sign(key: Secret[str], text: str) -> str:
    """Return what the platform signs a text with: md5(apiKey + text)."""
    return key.map(
        lambda key: hashlib.md5((key + text).encode(), usedforsecurity=False).hexdigest()
    ).reveal()


def callback(key: Secret[str], kind: int, data: Mapping[str, Any]) -> bytes:
    """Return the body of a callback.

    :param kind: ``notifyType``.
    :param data: the fields of its ``data``; those that are None or empty are left out.
    """
    sent = {name: value for name, value in data.items() if value not in (None, "", [], {}, ())}
    text = to_json(sent)
    return f'{{"notifyType":{kind},"sign":"{sign(key, text)}","data":{text}}}'.encode()


def accepted(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to an order query."""
    return {"respCode": 0, "respMsg": "成功", "data": data}


def page_of(
    details: Iterable[Mapping[str, Any]], index: int, size: int, total: int
) -> dict[str, Any]:
    """Return the answer to a query of a list: a page of it, the first of which is 1.

    :param details: the orders on it, as the query of one order answers each.
    :param total: how many there are on all pages.
    """
    orders = {"pageIndex": index, "pageSize": size, "pageNums": -(-total // size), "total": total}
    return accepted({"orders": {**orders, "data": [row_of(detail) for detail in details]}})


def refusal(code: int, why: str) -> dict[str, Any]:
    """Return the answer to an order query that the platform refuses."""
    return {"respCode": code, "respMsg": why}


def to_json(value: object) -> str:
    """Return JSON as the platform writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def a_number(partner_id: str) -> int | str:
    """Return a partner id as the platform writes it."""
    is_number = partner_id.isascii() and partner_id.isdecimal() and partner_id[0] != "0"
    return int(partner_id) if is_number else partner_id


def moment(when: datetime) -> str:
    """Return a time in China, ``yyyy-MM-dd HH:mm:ss``."""
    return when.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _no_text(names: object) -> Any:
    if isinstance(names, str):  # each letter of it would be a name
        raise TypeError
    return names


def now() -> datetime:
    """Return the time in China."""
    return datetime.now(_CHINA)


#: How each field of :class:`~flask_xiebao.Notification` is written: as what, and by what.
_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "insure_num": ("insureNum", str),
    "succeeded": ("state", bool),
    "failure": ("failMsg", str),
    "case_code": ("caseCode", str),
    "partner_id": ("partnerId", lambda partner_id: a_number(str(partner_id))),
    "partner_uniq_key": ("partnerUniqueKey", str),
    "price_fen": ("price", index),
    "paid_at": ("payTime", moment),
    "payment_method": ("onlinePaymentId", str),
    "policies": ("policys", lambda policies: [_written(each, _POLICY) for each in policies]),
    "new_insure_num": ("newInsureNum", str),
    "cancelled_insurants": ("cancelInsurants", lambda names: [*_no_text(names)]),
    "cancel_reason": ("cancelMsg", str),
    "other_info": ("otherInfo", dict),
}
_ALSO = ("member", "data", "type", "wrong")
_POLICY: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
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
_ORDER: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
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
    "applied_at": ("insureTime", moment),
    "paid_at": ("payedTime", moment),
    "issued_at": ("issueTime", moment),
    "pay_status": ("payStatus", int),
    "issue_status": ("issueStatus", int),
    "effective_status": ("effectiveStatus", int),
}


def fields_of(partner_id: str, kind: int, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``data`` of a callback that says this.

    :param said: by the names of :class:`~flask_xiebao.Notification`. What a step that succeeded has
        to say is made up where it is not given. ``data`` has further fields, as they are sent.
    :raises TypeError: no field has that name, or its value is of another type.
    """
    if not isinstance(kind, int) or isinstance(kind, bool):
        raise TypeError(f"type must be an integer, got {type(kind).__name__}.")
    said = {"succeeded": True, **said}
    more = said.pop("data", {})
    if said["succeeded"]:
        said = {**_made_up(kind, said), **said}
    return {"partnerId": a_number(partner_id), **_written(said, _FIELDS, _ALSO), **more}


def _made_up(kind: int, said: Mapping[str, Any]) -> dict[str, Any]:
    number = said.get("insure_num")
    made_up: dict[int, dict[str, Any]] = {
        2: {"price_fen": 1500, "paid_at": now(), "payment_method": "21"},
        3: {"policies": [{"policy_num": f"P{number}"}]},
        5: {"new_insure_num": f"{number}1"},
    }
    return made_up.get(kind, {})


def order_of(said: object) -> dict[str, Any]:
    """Return an order as the order query answers it.

    :param said: an :class:`~flask_xiebao.Order`, or a mapping of its names.
    """
    names = as_mapping(said)
    policies = names.get("policies") or ()
    insurants = [
        {"cName": each.get("insurant"), "policyNum": each.get("policy_num")}
        for each in map(as_mapping, policies)
    ]
    applicant = as_mapping(policies[0]).get("applicant") if policies else None
    besides = ("member", "policies", "data")
    own = {name: value for name, value in names.items() if name not in besides}
    return {
        **_written(own, _ORDER, besides),
        **({"applicant": {"cName": applicant}} if applicant else {}),
        **({"insurants": insurants} if insurants else {}),
        **(names.get("data") or {}),
    }


def row_of(detail: Mapping[str, Any]) -> dict[str, Any]:
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


def _written(
    said: object,
    fields: Mapping[str, tuple[str, Callable[[Any], Any]]],
    also: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return fields as they are written.

    :param also: further names that there are, for the error about one that there is not.
    """
    written = {}
    for name, value in as_mapping(said).items():
        if name not in fields:
            raise UnknownNameError(
                f'There is no field "{name}". Use one of {", ".join((*fields, *also))}.'
            )
        if value is not None:
            field, write = fields[name]
            try:
                written[field] = write(value)
            except UnknownNameError:
                raise
            except (TypeError, ValueError, AttributeError):
                raise TypeError(
                    f'"{name}" has an invalid value of type {type(value).__name__}.'
                ) from None
    return written


def as_mapping(said: object) -> Mapping[str, Any]:
    """Return what an object of the extension's, or a mapping of its names, says."""
    if isinstance(said, Mapping):
        return said
    return {name: value for name, value in vars(said).items() if not name.startswith("_")}
