"""Answers order queries from a list, for a site's own tests; httpx is loaded when it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import wire

if TYPE_CHECKING:
    import httpx


def transport_of(orders: Iterable[object], key_of: Callable[[str], str]) -> httpx.BaseTransport:
    """Return a transport that answers order queries from these orders, as the gateway would.

    :param orders: each an :class:`~flask_xiebao.Order`, or a mapping of its names.
    :param key_of: makes the key for the ``member`` of a mapping.
    """
    import httpx

    details = {detail["insureNum"]: detail for detail in (_detail(each, key_of) for each in orders)}

    def answer(asked: httpx.Request) -> httpx.Response:
        method = asked.url.path.rpartition("/")[2]
        return httpx.Response(200, json=_answer(method, json.loads(asked.content), details))

    return httpx.MockTransport(answer)


def _detail(order: object, key_of: Callable[[str], str]) -> dict[str, Any]:
    detail = wire.order_of(order)
    member = wire.as_mapping(order).get("member")
    if member is not None:
        detail.setdefault("partnerUniqueKey", key_of(str(member)))
    return detail


def _answer(method: str, asked: Any, details: Mapping[str, Any]) -> dict[str, Any]:
    if method == "orderList":
        index, size = asked["pageIndex"], asked["pageSize"]
        page = list(details.values())[(index - 1) * size : index * size]
        return wire.page_of(page, index, size, len(details))
    number = asked["insureNum"]
    if number not in details:
        return wire.refusal(1002, "投保单号不存在")
    if method == "orderDetail":
        return wire.accepted({"orderDetail": details[number]})
    url = f"https://files.example/{number}.pdf"
    return wire.accepted({"insureNum": number, "fileUrl": url})
