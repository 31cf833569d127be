"""The current app's client for order queries to Xiebao's gateway or to a simulator in the app."""

from __future__ import annotations

import contextvars
import os
from contextlib import closing
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wsgi import ClosingIterator

from ..errors import ConfigError
from ..gateway.orders import OrderClient, load_httpx
from .current import get_current_app
from .endpoints import get_host_for_internal_requests
from .state import AppState


def get_order_client(state: AppState) -> OrderClient:
    """Return the app's client for order queries; see :attr:`.Xiebao.orders`.

    :raises ConfigError: if the partner id or the API key is not set.
    :raises OrderError: if httpx is not installed.
    """
    # Each process has its own client, because a forked worker must not share the connections of its
    # parent.
    process_id = os.getpid()
    client = state.order_clients.get(process_id)
    if client is None:
        # setdefault() makes sure that all threads use the same client.
        client = state.order_clients.setdefault(process_id, _build_order_client(state))
    return client


def _build_order_client(state: AppState) -> OrderClient:
    settings = state.settings
    if not settings.has_partner_account:
        raise ConfigError(
            "Order queries require XIEBAO_PARTNER_ID and XIEBAO_API_KEY. Set both settings."
        )
    base_url = settings.gateway_base_url
    transport = None
    if base_url.startswith("/"):
        transport = load_httpx().WSGITransport(
            _wrap_in_empty_context(get_current_app()), raise_app_exceptions=False
        )
        base_url = f"http://{get_host_for_internal_requests()}{base_url}"
    return OrderClient(
        settings.partner_id,
        settings.api_key,
        base_url=base_url,
        transport=transport,
        member_of=state.find_member_by_key,
    )


def _wrap_in_empty_context(app: WSGIApplication) -> WSGIApplication:
    """Return a WSGI app that handles each request in an empty :mod:`contextvars` context.

    The request must not share ``g`` and other context variables with the code that sends it.
    """

    def call_app_and_read_response(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        # httpx decodes the path as UTF-8, but WSGI requires that it is decoded as Latin-1.
        path = environ["PATH_INFO"].encode().decode("latin-1")
        wsgi_environ = {**environ, "PATH_INFO": path}
        with closing(ClosingIterator(app(wsgi_environ, start_response))) as body:
            return [b"".join(body)]

    return lambda environ, start: contextvars.Context().run(
        call_app_and_read_response, environ, start
    )
