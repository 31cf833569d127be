"""Where the site is, and below which path the server, or what is wrapped around the app, has it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .current import get_current_app
from .endpoints import get_configured_host
from .state import AppState

M = TypeVar("M")

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class MountedUrl(NamedTuple):
    """Where a URL of a site is found.

    :param url: the URL, with the path below which the app is mounted.
    :param mount: that path as far as the server takes it off, as its ``SCRIPT_NAME``; else it is
        taken off by what is wrapped around the app.
    """

    url: str
    mount: str = ""


def get_site_url(state: AppState) -> str:
    """Return the URL at which the site is, as far as it says so."""
    if state.settings.public_url:
        return state.settings.public_url
    config = current_app.config
    if config["SERVER_NAME"]:
        return f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_NAME']}{config['APPLICATION_ROOT']}"
    return f"https://{get_configured_host()}"


def build_candidate_urls_and_mounts(state: AppState, url: str, site_url: str) -> list[MountedUrl]:
    """Return where a URL of the site may be found, the likeliest first.

    A path below which the site is mounted is known to the server, or else to what is wrapped around
    the app.

    :param site: where the site is.
    """
    places = [MountedUrl(url, urlsplit(site_url).path.rstrip("/")), MountedUrl(url)]
    if not state.settings.public_url:
        places += [MountedUrl(below) for below in build_urls_by_mount(url).values()]
    return list(dict.fromkeys(places))


def build_urls_by_mount(url: str) -> dict[str, str]:
    """Return a URL of the site as it is below each path at which something mounts an app."""
    dispatcher = find_middleware(DispatcherMiddleware)
    if dispatcher is None:
        return {}
    parts = urlsplit(url)
    return {mount: parts._replace(path=mount + parts.path).geturl() for mount in dispatcher.mounts}


def find_middleware(middleware_class: type[M]) -> M | None:
    """Return the middleware of this kind that is wrapped around the current app, if one is."""
    wrapped: Any = get_current_app().wsgi_app
    while wrapped is not None and not isinstance(wrapped, middleware_class):
        wrapped = getattr(wrapped, "app", None)
    return wrapped


def is_loopback_url(url: str) -> bool:
    """Tell whether a URL is one that nobody else can reach."""
    try:
        return urlsplit(url).hostname in _LOOPBACK_HOSTS
    except ValueError:
        return False
