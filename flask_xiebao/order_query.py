"""Which gateway the current app asks for orders: Xiebao's, or a simulator that is a part of it."""

from __future__ import annotations

from flask import current_app

from .config import ENVIRONMENTS
from .errors import ConfigError
from .orders import OrderClient, load_httpx
from .state import State
from .urls import a_host_of_this_site


def order_client(state: State) -> OrderClient:
    """Return the app's client; see :attr:`.Xiebao.orders`.

    :raises ConfigError: the partner id or the key is not set.
    :raises OrderError: httpx is not installed.
    """
    if state.order_client is None:
        state.order_client = _make(state)
    return state.order_client


def _make(state: State) -> OrderClient:
    settings = state.settings
    if not settings.has_account:
        raise ConfigError("XIEBAO_PARTNER_ID and XIEBAO_API_KEY ask for orders: set both.")
    base_url = settings.base_url or ENVIRONMENTS[settings.env or "test"]
    transport = None
    if base_url.startswith("/"):
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        transport = load_httpx().WSGITransport(app, raise_app_exceptions=False)
        base_url = f"http://{a_host_of_this_site()}{base_url}"
    return OrderClient(
        settings.partner_id,
        settings.api_key,
        base_url=base_url,
        transport=transport,
        member_of=state.member_of,
    )
