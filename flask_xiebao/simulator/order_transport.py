"""An httpx transport that answers order queries from a list of orders, without network access.

A site's tests use it. httpx is imported when the transport is built, because it is an optional
dependency.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import wire

if TYPE_CHECKING:
    import httpx


def build_simulated_transport(
    orders: Iterable[object], build_member_key: Callable[[str], str]
) -> httpx.BaseTransport:
    """Build an httpx transport that answers order queries from these orders.

    The answers are like those of the gateway. The transport does not use the network.

    :param orders: The orders. Each is an :class:`~flask_xiebao.Order` or a mapping with the names
        of its fields.
    :param build_member_key: A function that returns the member key for a mapping's ``member``.
    """
    import httpx

    details = {
        detail["insureNum"]: detail
        for detail in (_build_order_detail(order, build_member_key) for order in orders)
    }

    def handle_request(request: httpx.Request) -> httpx.Response:
        method = request.url.path.rpartition("/")[2]
        return httpx.Response(
            200, json=_build_order_query_response(method, json.loads(request.content), details)
        )

    return httpx.MockTransport(handle_request)


def _build_order_detail(order: object, build_member_key: Callable[[str], str]) -> dict[str, Any]:
    detail = wire.build_order_detail(order)
    member = wire.convert_to_mapping(order).get("member")
    if member is not None:
        detail.setdefault("partnerUniqueKey", build_member_key(str(member)))
    return detail


def _build_order_query_response(
    api_method: str, query: Any, details: Mapping[str, Any]
) -> dict[str, Any]:
    if api_method == "orderList":
        index, size = query["pageIndex"], query["pageSize"]
        page = list(details.values())[(index - 1) * size : index * size]
        return wire.build_order_list_response(page, index, size, len(details))
    number = query["insureNum"]
    if number not in details:
        return wire.build_query_refusal(1002, "投保单号不存在")
    if api_method == "orderDetail":
        return wire.build_order_response({"orderDetail": details[number]})
    return wire.build_order_response(
        {"insureNum": number, "fileUrl": f"https://files.example/{number}.pdf"}
    )
