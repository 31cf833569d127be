"""What the tests of the callback and of the order query share: a site that hears, and a gateway."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import httpx
import pytest
from werkzeug.test import TestResponse

from flask_xiebao import Gateway, Notification, OrderClient, OrderError
from tests.support import INSURE_NUM, Site
from tests.vectors import NAME

TOKEN = "notify-" + "x" * 20

# The site's side


@dataclass
class Listener:
    """A handler that keeps what it hears.

    :ivar then: what it does after that, and returns.
    """

    then: Callable[[Notification], object]
    notifications: list[Notification] = field(default_factory=list)

    def __call__(self, notification: Notification) -> object:
        self.notifications.append(notification)
        return self.then(notification)


def listen(site: Site, then: Callable[[Notification], object] = lambda _: None) -> Listener:
    return site.xiebao.notification_handler(Listener(then))


def post(site: Site, body: bytes, url: str = "/xiebao/notify", **options: Any) -> TestResponse:
    options = {"content_type": "application/json;charset=UTF-8", **options}  # as Java does
    return site.app.test_client().post(url, data=body, **options)


class Slow(BytesIO):
    """A body of which a few bytes come at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size if size is None or size < 0 else min(size, 1000))


def in_chunks(site: Site, body: bytes | BytesIO) -> TestResponse:
    """Send a body without saying how long it is."""
    stream = Slow(body) if isinstance(body, bytes) else body
    response = post(
        site,
        b"",
        input_stream=stream,
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    assert stream.tell() <= 256 * 1024 + 1  # The rest is never read into memory.
    return response


def said(response: TestResponse) -> int:
    """Return the status of an answer, whose body says the same to the platform.

    No answer can be stored, and none begins a session.
    """
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    answer = json.loads(response.data)
    if response.status_code == 200:
        assert answer == {"state": True}
    else:
        assert answer == {"state": False, "failMsg": answer["failMsg"]}
        assert answer["failMsg"].isprintable()
    return response.status_code


def tell(site: Site, body: bytes, url: str = "/xiebao/notify", **options: Any) -> int:
    """Return the status with which a notification is answered."""
    return said(post(site, body, url, **options))


def logged(site: Site, caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return what is in the site's own log, with the levels."""
    records = [each for each in caplog.records if each.name == site.app.logger.name]
    assert not any(each.exc_info for each in records)
    return [(each.levelno, each.getMessage()) for each in records]


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what is said of who was refused."""
    records = [each for each in caplog.records if each.name == "flask_xiebao"]
    assert {each.levelno for each in records} <= {logging.INFO}
    return [each.getMessage() for each in records]


# The platform's side

#: What a gateway of the family says of an order.
DETAIL: dict[str, Any] = {
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


def ok(data: Any) -> dict[str, Any]:
    return {"respCode": 0, "respMsg": "成功", "data": data}


def detail(**own: Any) -> dict[str, Any]:
    """Return the answer about the order, with these fields of its own."""
    return ok({"orderDetail": {**DETAIL, **own}})


def page(index: int, pages: int, *numbers: str) -> dict[str, Any]:
    """Return a page of the list: the orders of these numbers."""
    rows = [{**DETAIL, "insureNum": number} for number in numbers]
    orders = {"pageIndex": index, "pageSize": 2, "pageNums": pages, "total": 5, "data": rows}
    return ok({"orders": orders})


class Platform:
    """The gateway as a transport: it keeps what it is asked, and answers with what it is told."""

    def __init__(self, *answers: Any, **options: Any) -> None:
        self.asked: list[httpx.Request] = []
        self.answers = list(answers or [detail()])
        options = {"partner_id": "12345", "api_key": "Key", "base_url": Gateway.TEST, **options}
        self.client = OrderClient(transport=httpx.MockTransport(self.answer), **options)

    def answer(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        return httpx.Response(200, json=answer)

    @property
    def sign(self) -> str:
        """That of the last query."""
        return self.asked[-1].url.params["sign"]

    def refused(self) -> OrderError:
        """Return the error with which a query ends."""
        with pytest.raises(OrderError) as caught:
            self.client.get(INSURE_NUM)
        return caught.value


def refused(*answers: Any, **options: Any) -> OrderError:
    """Return the error of a query that is answered so."""
    return Platform(*answers, **options).refused()
