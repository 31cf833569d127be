"""Helpers that register notification handlers, send notifications, and answer order queries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import TestResponse

from flask_xiebao import Gateway, Notification, OrderClient, OrderError
from tests.support import INSURE_NUM, Site
from tests.vectors import NAME

if TYPE_CHECKING:
    import httpx

# Helpers for the callback


@dataclass
class RecordingHandler:
    """A notification handler that records the notifications that it receives.

    :ivar action: a function that the handler calls with each notification. The handler returns the
        result of this function.
    """

    action: Callable[[Notification], object]
    notifications: list[Notification] = field(default_factory=list)

    def __call__(self, notification: Notification) -> object:
        self.notifications.append(notification)
        return self.action(notification)


def register_handler(
    site: Site, action: Callable[[Notification], object] = lambda _: None
) -> RecordingHandler:
    """Register a ``RecordingHandler`` on a test site, and return the handler."""
    return site.xiebao.notification_handler(RecordingHandler(action))


def send_notification(
    site: Site, body: bytes, url: str = "/xiebao/notify", **options: Any
) -> TestResponse:
    """Post a notification to the callback, and return the response.

    :param options: arguments for the test client's ``post()``.
    """
    # HTTP clients that are written in Java send this Content-Type.
    options = {"content_type": "application/json;charset=UTF-8", **options}
    return site.app.test_client().post(url, data=body, **options)


class SlowStream(BytesIO):
    """A stream whose ``read(size)`` returns at most 1000 bytes per call."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size if size is None or size < 0 else min(size, 1000))


def send_chunked_notification(site: Site, body: bytes | BytesIO) -> TestResponse:
    """Post a notification without a Content-Length header, and return the response."""
    return send_notification(
        site,
        b"",
        input_stream=SlowStream(body) if isinstance(body, bytes) else body,
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )


def get_log_entries(caplog: pytest.LogCaptureFixture, logger_name: str) -> list[tuple[int, str]]:
    """Return the level and the message of each log entry of a logger.

    :param logger_name: the name of the logger. The name of ``app.logger`` is the app's name.
    """
    return [(level, text) for name, level, text in caplog.record_tuples if name == logger_name]


# Helpers for order queries

#: The fields of the test order that the gateway sends in the response to an order query.
ORDER_FIELDS: dict[str, Any] = {
    "insureNum": INSURE_NUM,
    "caseCode": "QX000000127257",
    "partnerUniqueKey": "101000",
    "productName": "境内旅行意外险",
    "planName": "计划一",
    "companyName": "某某财险",
    "totalNum": 1,
    "startDate": "2019-03-01",
    "endDate": "2019-03-05",
    "insureTime": "2019-02-26 10:18:00",
    "payStatus": 1,
    "payAmount": 1500,
    "payedTime": "2019-02-26 10:20:30",
    "issueStatus": 1,
    "issueTime": "2019-02-26 10:21:00",
    "effectiveStatus": 1,
    "applicant": {"cName": NAME, "mobile": "13800000000"},
    "insurants": [{"cName": NAME, "policyNum": "P10042019030100001"}],
}


def build_gateway_response(data: Any) -> dict[str, Any]:
    """Return the gateway's JSON response to a successful query."""
    return {"respCode": 0, "respMsg": "成功", "data": data}


def build_order_response(**fields: Any) -> dict[str, Any]:
    """Return the gateway's JSON response to the query for one order.

    :param fields: fields of the order to change or to add.
    """
    return build_gateway_response({"orderDetail": {**ORDER_FIELDS, **fields}})


def build_order_page(index: int, pages: int, *numbers: str) -> dict[str, Any]:
    """Return the gateway's JSON response to the query for one page of the order list.

    :param index: the number of this page.
    :param pages: the total number of pages.
    :param numbers: the application numbers of the orders on this page.
    """
    orders = {
        "pageIndex": index,
        "pageSize": 2,
        "pageNums": pages,
        "total": 5,
        "data": [{**ORDER_FIELDS, "insureNum": number} for number in numbers],
    }
    return build_gateway_response({"orders": orders})


class FakeOrderGateway:
    """A gateway that records order queries and answers with prepared responses.

    :ivar client: an order client that sends its queries to this gateway.
    :ivar requests: the requests that the client sent.
    :ivar responses: the prepared responses, first to last. The gateway repeats the last response. A
        response is an object to send as JSON, bytes, an ``httpx.Response``, or a function that
        accepts the request and returns one of these.
    """

    def __init__(self, *responses: Any, **options: Any) -> None:
        import httpx

        self.requests: list[httpx.Request] = []
        self.responses = list(responses or [build_order_response()])
        options = {"partner_id": "12345", "api_key": "Key", "base_url": Gateway.TEST, **options}
        self.client = OrderClient(transport=httpx.MockTransport(self.answer_query), **options)

    def answer_query(self, request: httpx.Request) -> httpx.Response:
        import httpx

        self.requests.append(request)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if callable(response):
            response = response(request)
        if isinstance(response, httpx.Response):
            return response
        content = response if isinstance(response, bytes) else json.dumps(response)
        return httpx.Response(200, content=content)

    @property
    def last_sign(self) -> str:
        """The parameter ``sign`` of the last request."""
        return self.requests[-1].url.params["sign"]

    def get_query_error(self) -> OrderError:
        """Return the error that the client raises for an order query."""
        with pytest.raises(OrderError) as error:
            self.client.get(INSURE_NUM)
        return error.value
