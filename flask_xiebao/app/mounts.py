"""The site's URL, and the paths below which a server or a middleware serves the app."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .current import get_current_app
from .endpoints import get_host_for_internal_requests
from .state import AppState

M = TypeVar("M")

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class MountedUrl(NamedTuple):
    """A URL of the site, and the part of its path that the server moves to ``SCRIPT_NAME``.

    :param url: the URL, including the path below which the app is mounted.
    :param mount: the part of the path that the server removes as ``SCRIPT_NAME``. If a middleware
        removes it instead, or the app is not mounted below a path, it is empty.
    """

    url: str
    mount: str = ""


def get_site_url(state: AppState) -> str:
    """Return the site's URL from the settings, or else build a URL with a host the app accepts."""
    if state.settings.public_url:
        return state.settings.public_url
    config = current_app.config
    if config["SERVER_NAME"]:
        return f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_NAME']}{config['APPLICATION_ROOT']}"
    return f"https://{get_host_for_internal_requests()}"


def build_candidate_urls_and_mounts(state: AppState, url: str, site_url: str) -> list[MountedUrl]:
    """Return (URL, mount path) pairs to try in turn for a request to *url*, the likeliest first.

    Either the server or a middleware around the app knows the path below which the app is mounted.
    Each URL is returned with the part of its path that the server would move to ``SCRIPT_NAME``.

    :param site_url: the site's URL, which is the beginning of *url*.
    """
    candidates = [MountedUrl(url, urlsplit(site_url).path.rstrip("/")), MountedUrl(url)]
    if not state.settings.public_url:
        candidates += [MountedUrl(mounted) for mounted in build_urls_below_mounts(url).values()]
    return list(dict.fromkeys(candidates))


def build_urls_below_mounts(url: str) -> dict[str, str]:
    """Return *url* moved below each path at which a ``DispatcherMiddleware`` mounts an app.

    :return: a mapping of these paths to the URLs. It is empty if the current app is not wrapped in
        a ``DispatcherMiddleware``.
    """
    dispatcher = find_middleware(DispatcherMiddleware)
    if dispatcher is None:
        return {}
    parts = urlsplit(url)
    return {mount: parts._replace(path=mount + parts.path).geturl() for mount in dispatcher.mounts}


def find_middleware(middleware_class: type[M]) -> M | None:
    """Return the middleware of this class that is wrapped around the current app, or None."""
    wrapped: Any = get_current_app().wsgi_app
    while wrapped is not None and not isinstance(wrapped, middleware_class):
        wrapped = getattr(wrapped, "app", None)
    return wrapped


def is_loopback_url(url: str) -> bool:
    """Return True if a URL has a loopback host, so that no other machine can reach it."""
    try:
        return urlsplit(url).hostname in _LOOPBACK_HOSTS
    except ValueError:
        return False
