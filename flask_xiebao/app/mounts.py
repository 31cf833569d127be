"""Where the site is, and below which path the server, or what is wrapped around the app, has it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .current import this_app
from .endpoints import a_host_of_this_site
from .state import State

M = TypeVar("M")

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Place(NamedTuple):
    """Where a URL of a site is found.

    :param url: the URL, with the path below which the app is mounted.
    :param mount: that path as far as the server takes it off, as its ``SCRIPT_NAME``; else it is
        taken off by what is wrapped around the app.
    """

    url: str
    mount: str = ""


def where_the_site_is(state: State) -> str:
    """Return the URL at which the site is, as far as it says so."""
    if state.settings.public_url:
        return state.settings.public_url
    config = current_app.config
    if config["SERVER_NAME"]:
        return f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_NAME']}{config['APPLICATION_ROOT']}"
    return f"https://{a_host_of_this_site()}"


def places_of(state: State, url: str, site: str) -> list[Place]:
    """Return where a URL of the site may be found, the likeliest first.

    A path below which the site is mounted is known to the server, or else to what is wrapped around
    the app.

    :param site: where the site is.
    """
    places = [Place(url, urlsplit(site).path.rstrip("/")), Place(url)]
    if not state.settings.public_url:
        places += [Place(below) for below in below_mounts(url).values()]
    return list(dict.fromkeys(places))


def below_mounts(url: str) -> dict[str, str]:
    """Return a URL of the site as it is below each path at which something mounts an app."""
    dispatcher = around(DispatcherMiddleware)
    if dispatcher is None:
        return {}
    parts = urlsplit(url)
    return {mount: parts._replace(path=mount + parts.path).geturl() for mount in dispatcher.mounts}


def around(kind: type[M]) -> M | None:
    """Return the middleware of this kind that is wrapped around the current app, if one is."""
    wrapped: Any = this_app().wsgi_app
    while wrapped is not None and not isinstance(wrapped, kind):
        wrapped = getattr(wrapped, "app", None)
    return wrapped


def is_this_machine(url: str) -> bool:
    """Tell whether a URL is one that nobody else can reach."""
    try:
        return urlsplit(url).hostname in _THIS_MACHINE
    except ValueError:
        return False
