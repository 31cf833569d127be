"""Tests for failed order queries: the ``OrderError`` and its message, which contains no secrets.

To test another invalid response of the gateway, add a row to ``INVALID_RESPONSES``.
"""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from flask_xiebao import OrderClient, OrderError
from tests.callback.support import (
    ORDER_FIELDS,
    FakeOrderGateway,
    build_gateway_response,
    build_order_response,
)
from tests.support import (
    API_KEY,
    INSURE_NUM,
    SIGN_OF_API_KEY,
    failing_function,
    find_leaks,
    format_error_report,
)
from tests.vectors import NAME


def format_client_report(gateway: FakeOrderGateway, error: OrderError) -> str:
    """Return the text that an error reporter may show about an order client and an error."""
    client = gateway.client
    return f"{client!r} {vars(client)} {format_error_report(error, suppressed=False)}"


# Order queries that the gateway refuses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{NAME} 不符", f"{NAME} 不符", id="name"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param(f"签名错误: {API_KEY}{{...}}", "签名错误: ***{...}", id="API key"),
        pytest.param(f"sign={SIGN_OF_API_KEY}", "sign=***", id="signature of gateway pages"),
        pytest.param("应为 SIGN", "应为 ***", id="signature of the query"),
        pytest.param("\x1b[31m\r\nforged line", " [31m  forged line", id="control characters"),
        pytest.param("啊" * 999, f"{'啊' * 199}…", id="999 characters"),
        pytest.param(
            f"{API_KEY[:-1]} " * 30_000,
            f"{(API_KEY[:-1] + ' ') * 8}"[:199] + "…",
            id="30,000 beginnings of the API key",
        ),
    ],
)
def test_order_error_has_gateway_message_with_masked_secrets(
    text: str | None, expected: str
) -> None:
    """The gateway's message may contain a person's name, so ``str(error)`` omits the message."""
    gateway = FakeOrderGateway(api_key=API_KEY)
    gateway.responses = [
        lambda _: {
            "respCode": -5,
            "respMsg": text and text.replace("SIGN", gateway.last_sign),
        }
    ]
    error = gateway.get_query_error()

    assert str(error) == "The gateway refused the order query with respCode -5."
    assert (error.code, error.gateway_message) == (-5, expected)
    secrets = (API_KEY, gateway.last_sign, SIGN_OF_API_KEY)
    assert find_leaks(format_client_report(gateway, error), *secrets) == []


# Invalid responses to order queries

#: One row per invalid response: the response that ``FakeOrderGateway`` sends, and a part of the
#: message of the ``OrderError``.
INVALID_RESPONSES = [
    pytest.param(b"", "must be a single JSON object", id="empty body"),
    pytest.param(b"<html>", "must be a single JSON object", id="HTML"),
    pytest.param(b"[]", "must be a single JSON object", id="JSON list"),
    pytest.param(b"\xff", "must be encoded in UTF-8", id="other encoding"),
    pytest.param(
        b'{"respCode":0,"respCode":1}',
        "must not contain an object with duplicate names",
        id="duplicate name",
    ),
    pytest.param(
        b'{"respCode":0,"data":{"orderDetail":{"payAmount":1e999}}}',
        "too large for Python",
        id="too large number",
    ),
    pytest.param(
        b'{"respCode":0,"data":{"orderDetail":{"insureNum":"\\ud800"}}}',
        '"insureNum" must be the application number',
        id="surrogate as number",
    ),
    pytest.param(b'{"respCode":0,"a":' + b"[" * 9999, "nested", id="deep nesting"),
    pytest.param({}, 'returned an invalid response: "respCode" is missing', id="no respCode"),
    pytest.param(
        {"respCode": "0", "data": {"orderDetail": ORDER_FIELDS}},
        '"respCode" must be an integer',
        id="string as respCode",
    ),
    pytest.param(
        {"respCode": False, "data": {"orderDetail": ORDER_FIELDS}},
        '"respCode" must be an integer',
        id="false as respCode",
    ),
    pytest.param(build_gateway_response(None), '"insureNum" is missing', id="no data"),
    pytest.param(
        build_gateway_response([ORDER_FIELDS]), '"data" must be an object', id="list as data"
    ),
    pytest.param(
        build_gateway_response({"orderDetail": [ORDER_FIELDS]}),
        '"orderDetail" must be an object',
        id="list as order",
    ),
    pytest.param(
        build_gateway_response(ORDER_FIELDS), '"insureNum" is missing', id="no orderDetail"
    ),
    pytest.param(
        build_order_response(insureNum="1"),
        '"insureNum" must be the application number that was requested',
        id="other order",
    ),
    pytest.param(
        build_order_response(payStatus="1"),
        '"payStatus" must be an integer',
        id="string as status",
    ),
    pytest.param(
        failing_function(httpx.ConnectTimeout("x")),
        "The gateway did not respond within 10 seconds.",
        id="connect timeout",
    ),
    pytest.param(
        failing_function(httpx.ReadTimeout("x")),
        "The gateway did not respond within 10 seconds.",
        id="read timeout",
    ),
    pytest.param(
        failing_function(httpx.ConnectError("x")),
        "cannot be reached at https://testapi.xiebao18.com (ConnectE",
        id="connect error",
    ),
    pytest.param(
        failing_function(httpx.RemoteProtocolError("x")), "(RemoteProtocolError)", id="no HTTP"
    ),
    pytest.param(
        failing_function(ValueError(f"{NAME} https://a.example/?sign=x")),
        "because of the exception ValueError",
        id="error of transport",
    ),
    # The body is finite, so a client without a size limit fails this test instead of reading
    # forever.
    pytest.param(
        lambda _: httpx.Response(200, content=(b" " * 100_000 for _ in range(100))),
        "is larger than 1,048,576 bytes",
        id="more than 1 MiB",
    ),
    *(
        pytest.param(
            lambda _, encoding=encoding: httpx.Response(
                200,
                content=iter([gzip.compress(json.dumps(build_order_response()).encode())]),
                headers={"Content-Encoding": encoding},
            ),
            "Content-Encoding",
            id=f"compressed with {encoding}",
        )
        for encoding in ("gzip", "deflate", "br", "gzip, gzip")
    ),
    *(
        pytest.param(
            lambda _, status=status: httpx.Response(
                status,
                json=build_order_response(),
                headers={"Location": "https://evil.example/?sign=x"},
            ),
            f"The gateway returned HTTP status {status} with the Location header"
            " 'https://evil.example/'.",
            id=f"status {status}",
        )
        for status in (201, 301, 302, 307, 400, 401, 404, 429, 500, 503)
    ),
]


@pytest.mark.parametrize(("response", "message"), INVALID_RESPONSES)
def test_invalid_response_raises_order_error_without_secrets(response: Any, message: str) -> None:
    gateway = FakeOrderGateway(response, api_key=API_KEY)
    error = gateway.get_query_error()
    assert message in str(error)
    assert error.code is None
    assert len(gateway.requests) == 1
    secrets = (API_KEY, gateway.last_sign, NAME, "13800000000")
    assert find_leaks(format_client_report(gateway, error), *secrets) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://evil.example/SIGN", "https://evil.example/***"),
        (f"https://evil.example/{SIGN_OF_API_KEY}", "https://evil.example/***"),
        (f"https://evil.example/{API_KEY}", "https://evil.example/***"),
        ("https://evil.example/\x1b[31m", "https://evil.example/ [31m"),
        (f"https://evil.example/{'a' * 500}", f"https://evil.example/{'a' * 178}…"),
    ],
    ids=["signature", "signature of links", "API key", "control character", "500 characters"],
)
def test_location_header_is_masked_and_shortened_in_error(url: str, expected: str) -> None:
    gateway = FakeOrderGateway(api_key=API_KEY)
    gateway.responses = [
        lambda _: httpx.Response(302, headers={"Location": url.replace("SIGN", gateway.last_sign)})
    ]
    error = gateway.get_query_error()
    assert str(error).endswith(f"with the Location header {expected!r}.")
    assert find_leaks(format_client_report(gateway, error), API_KEY, gateway.last_sign) == []


# Order queries that fail before there is a response


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_error_report_of_process_exit_during_query_has_no_secrets(error: BaseException) -> None:
    gateway = FakeOrderGateway(failing_function(error), api_key=API_KEY)
    with pytest.raises(type(error)) as raised:
        gateway.client.get(INSURE_NUM)
    report = format_error_report(raised.value)
    assert "OrderClient" in report
    assert find_leaks(report, API_KEY, gateway.last_sign) == []


def test_missing_httpx_raises_order_error_with_pip_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(OrderError, match=re.escape("pip install 'Flask-Xiebao[orders]'")):
        OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")


# HTTP connections of the order client


@contextlib.contextmanager
def serve_raw_response(start: bytes, repeated_part: bytes = b"") -> Iterator[str]:
    """Serve one HTTP response from a socket, and return the server's URL.

    The connection stays open until the context ends, or for 20 seconds at most.

    :param start: the beginning of the response.
    :param repeated_part: the bytes to send every 0.05 seconds after the beginning.
    """
    stop = threading.Event()

    def send_response(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(start)
            for _ in range(400):
                if stop.wait(0.05):
                    break
                connection.sendall(repeated_part)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=send_response, args=[server])
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        thread.join()


# Response headers that announce a body of 99,999 bytes, or a chunked body.
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TIMEOUT_MESSAGE = "The gateway did not respond within 0.3 seconds."
MALFORMED_MESSAGE = "The gateway cannot be reached at {url} (RemoteProtocolError)."


# As the manual says, the client does not limit the time for slow headers, so no test case sends the
# headers byte by byte.
@pytest.mark.parametrize(
    ("start", "repeated_part", "timeout", "message"),
    [
        pytest.param(b"", b"", 0.3, TIMEOUT_MESSAGE, id="no response"),
        pytest.param(SIZED, b"", 0.3, TIMEOUT_MESSAGE, id="no body"),
        pytest.param(SIZED, b" ", 0.3, TIMEOUT_MESSAGE, id="slow body"),
        pytest.param(CHUNKED, b"1\r\n \r\n", 0.3, TIMEOUT_MESSAGE, id="slow chunks"),
        pytest.param(b"nonsense\r\n\r\n", b"", 10, MALFORMED_MESSAGE, id="malformed headers"),
        pytest.param(CHUNKED + b"nonsense\r\n", b"", 10, MALFORMED_MESSAGE, id="malformed chunks"),
    ],
)
def test_slow_or_malformed_response_raises_order_error_without_signature(
    start: bytes, repeated_part: bytes, timeout: float, message: str
) -> None:
    with (
        serve_raw_response(start, repeated_part) as url,
        OrderClient("12345", API_KEY, base_url=url, timeout=timeout) as client,
        pytest.raises(OrderError) as error,
    ):
        client.get(INSURE_NUM)
    assert str(error.value) == message.format(url=url)
    assert find_leaks(format_error_report(error.value, suppressed=False), API_KEY, "sign=") == []


def test_order_client_closes_connection_when_context_ends() -> None:
    body = json.dumps(build_order_response()).encode()
    headers = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serve_raw_response(headers + body) as url:
        with OrderClient("12345", "Key", base_url=url) as client:
            client.get(INSURE_NUM)
        del client
        # If the socket is still open, Python warns, and pytest turns the warning into an error.
        gc.collect()
