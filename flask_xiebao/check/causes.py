"""Who answered a click before the extension did, as far as it shows: see the texts for what to do.

The doctor's clicks and those of a check that do not arrive are explained here alike.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from flask import Flask

from ..app.current import get_current_app
from ..app.log import get_function_name
from ..app.mounts import build_urls_by_mount
from ..texts import get_text
from .visits import Visit


class UnreachedViewCause(NamedTuple):
    """Why something did not arrive.

    :param code: what it is, by the end of the key of its text.
    :param values: what its text names.
    """

    code: str
    values: dict[str, str]


def find_cause_of_unreached_view(visit: Visit, endpoint: str) -> UnreachedViewCause:
    """Return why a click was not answered by the extension's view.

    :param endpoint: whose view it is.
    """
    at, status = urlsplit(visit.url), str(visit.status)
    if not visit.reached_flask:
        return _find_cause_outside_flask(visit)
    if visit.endpoint is None:
        return UnreachedViewCause("no_view", {"host": at.netloc, "status": status})
    if visit.endpoint != endpoint:
        return UnreachedViewCause("view", {"endpoint": visit.endpoint})
    if not visit.location:
        codes = {429: "limiter", **dict.fromkeys((400, 401, 403), "wall")}
        return UnreachedViewCause(
            codes.get(visit.status, "hook"), {"host": at.netloc, "status": status}
        )
    to = urlsplit(urljoin(visit.url, visit.location))
    if at.path.rpartition("/")[2] not in to.path:
        origin = "" if to.netloc == at.netloc else f"{to.scheme}://{to.netloc}"
        return UnreachedViewCause("sent", {"to": f"{origin}{to.path}"})
    if (to.scheme, to.netloc) != (at.scheme, at.netloc):
        return UnreachedViewCause("host", {"to": f"{to.scheme}://{to.netloc}"})
    return UnreachedViewCause("form", {})


def _find_cause_outside_flask(visit: Visit) -> UnreachedViewCause:
    """Return who answered before Flask did."""
    status = str(visit.status)
    for mount, url in build_urls_by_mount(visit.url).items():
        if urlsplit(visit.url).path.startswith(f"{mount}/"):
            return UnreachedViewCause("mounted", {"mount": mount})
        if Visit(get_current_app(), url).reached_flask:
            return UnreachedViewCause("below", {"status": status, "mount": mount})
    # What gets 404 from a middleware may be looked for at the wrong path.
    return UnreachedViewCause("nowhere" if visit.status == 404 else "outside", {"status": status})


def format_site_hooks(app: Flask, hook_type: str) -> str:
    """Return the names of the site's hooks of a kind: those for all views, and those for ours.

    :param kind: ``before_request`` or ``after_request``.
    """
    hooks = getattr(app, f"{hook_type}_funcs")
    names = [get_function_name(hook) for views in (None, "xiebao") for hook in hooks.get(views, ())]
    # Flask-WTF lets the extension's views through: the extension sees to that.
    return ", ".join(name for name in names if not name.startswith(("flask_xiebao.", "flask_wtf.")))


def append_suspected_hooks(message: str, locale: str, hook_type: str, hook_names: str) -> str:
    """Return what is wrong, and the hooks that may be the cause.

    :param hooks: their names; "" for none.
    """
    if not hook_names:
        return message
    named = get_text(locale, "suspects", kind=hook_type, hooks=hook_names)
    return get_text(locale, "list.sentences", first=message, then=named)
