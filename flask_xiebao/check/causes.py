"""Reasons why requests do not reach the extension's views, and request hooks that may be at fault.

The check and ``flask xiebao doctor`` explain such requests alike. The texts say what to do.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from flask import Flask

from ..app.current import get_current_app
from ..app.log import get_function_name
from ..app.mounts import build_urls_below_mounts
from ..texts import get_text
from .visits import Visit


class UnreachedViewCause(NamedTuple):
    """The reason why a request did not reach the extension's view.

    :param code: The last part of the cause's text key.
    :param values: The values for the placeholders of the text.
    """

    code: str
    values: dict[str, str]


def find_cause_of_unreached_view(visit: Visit, endpoint: str) -> UnreachedViewCause:
    """Return the reason why a request did not reach the view of an endpoint.

    :param endpoint: The endpoint of the extension's view.
    """
    requested, status = urlsplit(visit.url), str(visit.status)
    if not visit.reached_flask:
        return _find_cause_outside_flask(visit)
    if visit.endpoint is None:
        return UnreachedViewCause("no_view", {"host": requested.netloc, "status": status})
    if visit.endpoint != endpoint:
        return UnreachedViewCause("view", {"endpoint": visit.endpoint})
    if not visit.location:
        codes = {429: "limiter", **dict.fromkeys((400, 401, 403), "wall")}
        return UnreachedViewCause(
            codes.get(visit.status, "hook"), {"host": requested.netloc, "status": status}
        )
    target = urlsplit(urljoin(visit.url, visit.location))
    # If the path of a redirect contains the token of the requested link, the redirect leads to the
    # same link again, for example on another host. Any other redirect leads to another page.
    if requested.path.rpartition("/")[2] not in target.path:
        origin = "" if target.netloc == requested.netloc else f"{target.scheme}://{target.netloc}"
        return UnreachedViewCause("sent", {"to": f"{origin}{target.path}"})
    if (target.scheme, target.netloc) != (requested.scheme, requested.netloc):
        return UnreachedViewCause("host", {"to": f"{target.scheme}://{target.netloc}"})
    return UnreachedViewCause("form", {})


def _find_cause_outside_flask(visit: Visit) -> UnreachedViewCause:
    """Return the reason why a request was answered before it reached Flask."""
    status = str(visit.status)
    for mount, url in build_urls_below_mounts(visit.url).items():
        if urlsplit(visit.url).path.startswith(f"{mount}/"):
            return UnreachedViewCause("mounted", {"mount": mount})
        if Visit(get_current_app(), url).reached_flask:
            return UnreachedViewCause("below", {"status": status, "mount": mount})
    # A 404 from middleware may mean that the middleware serves the app below another path.
    return UnreachedViewCause("nowhere" if visit.status == 404 else "outside", {"status": status})


def format_request_hook_names(app: Flask, hook_type: str) -> str:
    """Return the names of the site's request hooks that run for the extension's views.

    These are the hooks for all views and the hooks for the extension's blueprint.

    :param hook_type: ``before_request`` or ``after_request``.
    """
    hooks = getattr(app, f"{hook_type}_funcs")
    names = [
        get_function_name(hook)
        for blueprint in (None, "xiebao")
        for hook in hooks.get(blueprint, ())
    ]
    # Do not list Flask-Xiebao's own hooks. Do not list Flask-WTF's CSRF hook either, because
    # Flask-Xiebao exempts its views from CSRF protection.
    return ", ".join(name for name in names if not name.startswith(("flask_xiebao.", "flask_wtf.")))


def append_suspected_hooks(message: str, locale: str, hook_type: str, hook_names: str) -> str:
    """Return a message, followed by the names of the request hooks that may be the cause.

    :param hook_names: The names of the hooks, or "" to return only the message.
    """
    if not hook_names:
        return message
    suspects = get_text(locale, "suspects", kind=hook_type, hooks=hook_names)
    return get_text(locale, "list.sentences", first=message, then=suspects)
