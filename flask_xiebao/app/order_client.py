"""Which gateway the current app asks for orders: Xiebao's, or a simulator that is a part of it."""

from __future__ import annotations

import contextvars
import os
from contextlib import closing
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

from ..errors import ConfigError
from ..gateway.orders import OrderClient, load_httpx
from .current import this_app
from .endpoints import a_host_of_this_site
from .state import State

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def order_client(state: State) -> OrderClient:
    """Return the app's client; see :attr:`.Xiebao.orders`.

    :raises ConfigError: the partner id or the key is not set.
    :raises OrderError: httpx is not installed.
    """
    # A worker that was forked does not share the connections of its parent.
    client = state.order_clients.get(os.getpid())
    if client is None:
        client = state.order_clients[os.getpid()] = _make(state)
    return client


def _make(state: State) -> OrderClient:
    settings = state.settings
    if not settings.has_account:
        raise ConfigError(
            "Order queries require XIEBAO_PARTNER_ID and XIEBAO_API_KEY. Set both settings."
        )
    base_url = settings.gateway_url
    transport = None
    if base_url.startswith("/"):
        transport = load_httpx().WSGITransport(_alone(this_app()), raise_app_exceptions=False)
        base_url = f"http://{a_host_of_this_site()}{base_url}"
    return OrderClient(
        settings.partner_id,
        settings.api_key,
        base_url=base_url,
        transport=transport,
        member_of=state.member_of,
    )


def _alone(app: WSGIApplication) -> WSGIApplication:
    """Return an app whose requests share nothing with the one that sends them, such as ``g``."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as body:
            return [b"".join(body)]

    return lambda environ, start: contextvars.Context().run(answer, environ, start)
