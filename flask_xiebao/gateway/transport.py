"""Sends HTTP requests with one deadline each, over connection, headers and body.

httpx applies its timeout to each read, so that a server which sends a byte now and then can hold
whoever waits for it. This is its connection pool, httpcore's, on sockets that know the moment at
which all has to be over. It is loaded with httpx, which :mod:`.orders` does when a client is made.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

_CONNECTIONS, _SECONDS_KEPT = 100, 5  # as httpx has them


class DeadlineTransport(httpx.BaseTransport):
    """A transport of httpx's for which a request's timeout is that of the whole of it.

    The name of a host is looked up by the system, in its own time.

    :raises OSError: the certificates that the environment names cannot be read.
    """

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=_CONNECTIONS,
            keepalive_expiry=_SECONDS_KEPT,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its answer as soon as its headers are there.

        Errors are httpcore's, which have the names of httpx's, here and while the body is read.

        :raises httpcore.TimeoutException: it takes longer than the ``timeout`` of its extensions.
        :raises httpcore.NetworkError: there is no answer.
        :raises httpcore.ProtocolError: it is not one that HTTP allows.
        """
        seconds: float = request.extensions["timeout"]["read"]
        # What httpcore takes for seconds is a moment here: it hands it on to our sockets as it is.
        until = time.monotonic() + seconds
        asked = httpcore.Request(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions={
                "timeout": {"pool": seconds, **dict.fromkeys(("connect", "read", "write"), until)}
            },
        )
        answer = self._pool.handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """What follows on the headers of an answer."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _left(until: float | None, error: type[Exception]) -> float:
    """Return how many seconds are left.

    :raises httpcore.TimeoutException: none are, as this *error*.
    """
    left = (until or 0) - time.monotonic()
    if left <= 0:
        raise error
    return left


class _Network(httpcore.NetworkBackend):
    """Opens sockets, each with the time that is left."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise httpcore.ConnectError from None
        network = httpcore.SyncBackend()
        failed: Exception = httpcore.ConnectError()
        for to_go, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
            # One that never answers leaves the others their share.
            seconds = _left(timeout, httpcore.ConnectTimeout) / to_go
            try:
                return _Stream(network.connect_tcp(str(address[0]), port, seconds))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _Stream(httpcore.NetworkStream):
    """A connection, whose every read and write has the time that is left."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
