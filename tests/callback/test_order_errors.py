"""An order query that fails: what its error says, and what no error, log or report shows."""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import pickle
import re
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from flask_xiebao import OrderClient, OrderError
from tests.callback.support import DETAIL, Platform, detail, ok, refused
from tests.support import (
    API_KEY,
    INSURE_NUM,
    SIGN_OF_API_KEY,
    failing_function,
    find_leaks,
    format_error_report,
)
from tests.vectors import NAME, compute_sign


def shown(platform: Platform, error: OrderError) -> str:
    """Return what an error report may show, save the message of the gateway's."""
    report = format_error_report(error, suppressed=False)
    return f"{platform.client!r} {vars(platform.client)} {report}"


# What the gateway refuses


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (f"{NAME} 不符", f"{NAME} 不符"),
        ("", ""),
        (None, ""),
        (f"签名错误: {API_KEY}{{...}}", "签名错误: ***{...}"),
        (f"sign={SIGN_OF_API_KEY}", "sign=***"),
        ("应为 SIGN", "应为 ***"),
        ("\x1b[31m\r\nforged line", " [31m  forged line"),
        ("啊" * 999, f"{'啊' * 199}…"),
    ],
)
def test_what_a_refusal_says_is_not_in_the_error_and_tells_no_secret(
    sent: str | None, said: str
) -> None:
    """It may name somebody, and gateways tell what should have been signed."""
    platform = Platform(api_key=API_KEY)
    platform.answers = [
        lambda _: {"respCode": -5, "respMsg": sent and sent.replace("SIGN", platform.sign)}
    ]
    error = platform.refused()
    assert str(error) == "The gateway refused the order query with respCode -5."
    assert (error.code, error.gateway_message) == (-5, said)
    assert find_leaks(shown(platform, error), API_KEY, platform.sign, SIGN_OF_API_KEY) == []
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own
    assert (again.code, again.gateway_message) == (-5, said)


def test_what_is_nearly_the_key_is_looked_through_in_a_moment() -> None:
    key = "abcdefghijklmnopqrstuvwxyzabcdef"
    error = refused({"respCode": 7, "respMsg": f"{key[:31]} " * 30_000}, api_key=key)
    assert error.code == 7


# What is no answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "must be a single JSON object"),
        (b"<html>", "must be a single JSON object"),
        (b"[]", "must be a single JSON object"),
        (b"\xff", "must be encoded in UTF-8"),
        (b'{"respCode":0,"respCode":1}', "must not contain an object with duplicate names"),
        (b'{"respCode":0,"data":{"orderDetail":{"payAmount":1e999}}}', "too large for Python"),
        (
            b'{"respCode":0,"data":{"orderDetail":{"insureNum":"\\ud800"}}}',
            '"insureNum" must be the application number',
        ),
        (b'{"respCode":0,"a":' + b"[" * 9999, "nested"),
        ({}, 'returned an invalid response: "respCode" is missing'),
        ({"respCode": "0", "data": {"orderDetail": DETAIL}}, '"respCode" must be an integer'),
        ({"respCode": False, "data": {"orderDetail": DETAIL}}, '"respCode" must be an integer'),
        (ok(None), '"insureNum" is missing'),
        (ok([DETAIL]), '"data" must be an object'),
        (ok({"orderDetail": [DETAIL]}), '"orderDetail" must be an object'),
        (ok(DETAIL), '"insureNum" is missing'),
        (detail(insureNum="1"), '"insureNum" must be the application number that was requested'),
        (detail(payStatus="1"), '"payStatus" must be an integer'),
        (
            failing_function(httpx.ConnectTimeout("x")),
            "The gateway did not respond within 10 seconds.",
        ),
        (
            failing_function(httpx.ReadTimeout("x")),
            "The gateway did not respond within 10 seconds.",
        ),
        (
            failing_function(httpx.ConnectError("x")),
            "cannot be reached at https://testapi.xiebao18.com (ConnectE",
        ),
        (failing_function(httpx.RemoteProtocolError("x")), "(RemoteProtocolError)"),
        (
            failing_function(ValueError(f"{NAME} https://a.example/?sign=x")),
            "because of the exception ValueError",
        ),
        # Or nearly never: a client that reads on is to fail this test, and not to hold it.
        (
            lambda _: httpx.Response(200, content=(b" " * 100_000 for _ in range(100))),
            "is larger than 1,048,576 bytes",
        ),
        *(
            (
                lambda _, how=how: httpx.Response(
                    200,
                    content=iter([gzip.compress(json.dumps(detail()).encode())]),
                    headers={"Content-Encoding": how},
                ),
                "Content-Encoding",
            )
            for how in ("gzip", "deflate", "br", "gzip, gzip")
        ),
    ],
)
def test_an_answer_that_is_not_what_it_should_be_is_an_error(answer: Any, said: str) -> None:
    platform = Platform(answer, api_key=API_KEY)
    error = platform.refused()
    assert said in str(error)
    assert error.code is None
    assert platform.asked[0].headers["Accept-Encoding"] == "identity"
    secrets = (API_KEY, platform.sign, NAME, "13800000000")
    assert find_leaks(shown(platform, error), *secrets) == []


def test_an_answer_that_comes_in_drops_is_left_when_the_time_is_over() -> None:
    def drops() -> Iterator[bytes]:
        for _ in range(100):
            threading.Event().wait(0.02)
            yield b" "

    error = refused(httpx.Response(200, content=drops()), timeout=0.1)
    assert str(error) == "The gateway did not respond within 0.1 seconds."


@pytest.mark.parametrize("status", [201, 301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_another_status_is_no_answer_and_no_redirect_is_followed(status: int) -> None:
    headers = {"Location": "https://evil.example/?sign=x"}
    platform = Platform(httpx.Response(status, json=detail(), headers=headers))
    error = platform.refused()
    assert error.code is None
    assert (
        str(error)
        == f"The gateway returned HTTP status {status} with the Location header 'https://evil.example/'."
    )
    assert len(platform.asked) == 1


def test_where_a_gateway_leads_tells_no_secret_and_is_one_short_line() -> None:
    key = "a key/that+nobody guesses"

    def answer(_: httpx.Request) -> httpx.Response:
        secrets = (platform.sign, compute_sign("12345", key), quote_plus(key), quote(key))
        location = f"https://evil.example/{'/'.join(secrets)}/\x1b[31m{'a' * 500}"
        return httpx.Response(302, headers={"Location": location})

    platform = Platform(answer, api_key=key)
    error = platform.refused()
    assert str(error).startswith(
        "The gateway returned HTTP status 302 with the Location header 'https://evil.example/***/***/***/***/"
    )
    assert platform.sign not in shown(platform, error)
    assert str(error).isprintable()
    assert len(str(error)) < 300


# What is not shown


@pytest.mark.parametrize("ends", [SystemExit(1), KeyboardInterrupt()])
def test_what_ends_a_worker_in_the_middle_takes_no_secret_along(ends: BaseException) -> None:
    platform = Platform(failing_function(ends), api_key=API_KEY)
    with pytest.raises(type(ends)) as caught:
        platform.client.get(INSURE_NUM)
    assert "OrderClient" in format_error_report(caught.value)
    assert find_leaks(format_error_report(caught.value), API_KEY, platform.sign) == []


def test_where_httpx_is_missing_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(OrderError, match=re.escape("pip install 'Flask-Xiebao[orders]'")):
        OrderClient("12345", "Key", base_url="https://testapi.xiebao18.com")


@contextlib.contextmanager
def drips(*parts: bytes) -> Iterator[str]:
    """Serve an answer on whose last part the same follows for ever; the value is the address.

    It gives up after many seconds, by which the connection breaks.
    """
    given_up = threading.Event()

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for part in parts[:-1]:
                connection.sendall(part)
            for _ in range(400):
                if given_up.wait(0.05):
                    break
                connection.sendall(parts[-1])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        given_up.set()
        thread.join()


# Headers that arrive byte by byte are not tested: their time is not bounded, as the manual says.
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [(b"",), (SIZED, b""), (SIZED, b" "), (CHUNKED, b"1\r\n \r\n")],
    ids=["no response", "no body", "slow body", "slow chunks"],
)
def test_slow_response_raises_order_error_after_timeout(parts: tuple[bytes, ...]) -> None:
    with (
        drips(*parts) as address,
        OrderClient("12345", "Key", base_url=address, timeout=0.3) as client,
        pytest.raises(OrderError) as caught,
    ):
        client.get(INSURE_NUM)
    assert str(caught.value) == "The gateway did not respond within 0.3 seconds."


@pytest.mark.parametrize(
    "response", [b"nonsense\r\n\r\n", CHUNKED + b"nonsense\r\n"], ids=["headers", "body"]
)
def test_malformed_response_raises_order_error_without_signature(response: bytes) -> None:
    with (
        drips(response, b"") as address,
        OrderClient("12345", API_KEY, base_url=address) as client,
        pytest.raises(OrderError) as caught,
    ):
        client.get(INSURE_NUM)
    message = f"The gateway cannot be reached at {address} (RemoteProtocolError)."
    assert str(caught.value) == message
    assert find_leaks(format_error_report(caught.value, suppressed=False), API_KEY, "sign=") == []


def test_a_client_that_is_closed_keeps_no_connection_open() -> None:
    answer = json.dumps(detail()).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
    with drips(head + answer, b"") as address:
        with OrderClient("12345", "Key", base_url=address) as client:
            client.get(INSURE_NUM)
        del client
        gc.collect()  # warns of sockets that nobody has closed
