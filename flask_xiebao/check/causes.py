"""Who answered a click before the extension did, as far as it shows: see the texts for what to do.

The doctor's clicks and those of a check that do not arrive are explained here alike.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from flask import Flask

from ..app.current import this_app
from ..app.log import name_of
from ..app.mounts import below_mounts
from ..texts import text
from .visits import Visit


class Cause(NamedTuple):
    """Why something did not arrive.

    :param code: what it is, by the end of the key of its text.
    :param values: what its text names.
    """

    code: str
    values: dict[str, str]


def why_unreached(visit: Visit, endpoint: str) -> Cause:
    """Return why a click was not answered by the extension's view.

    :param endpoint: whose view it is.
    """
    at, status = urlsplit(visit.url), str(visit.status)
    if not visit.started:
        return _outside(visit)
    if visit.endpoint is None:
        return Cause("no_view", {"host": at.netloc, "status": status})
    if visit.endpoint != endpoint:
        return Cause("view", {"endpoint": visit.endpoint})
    if not visit.location:
        codes = {429: "limiter", **dict.fromkeys((400, 401, 403), "wall")}
        return Cause(codes.get(visit.status, "hook"), {"host": at.netloc, "status": status})
    to = urlsplit(urljoin(visit.url, visit.location))
    if at.path.rpartition("/")[2] not in to.path:
        origin = "" if to.netloc == at.netloc else f"{to.scheme}://{to.netloc}"
        return Cause("sent", {"to": f"{origin}{to.path}"})
    if (to.scheme, to.netloc) != (at.scheme, at.netloc):
        return Cause("host", {"to": f"{to.scheme}://{to.netloc}"})
    return Cause("form", {})


def _outside(visit: Visit) -> Cause:
    """Return who answered before Flask did."""
    status = str(visit.status)
    for mount, url in below_mounts(visit.url).items():
        if urlsplit(visit.url).path.startswith(f"{mount}/"):
            return Cause("mounted", {"mount": mount})
        if Visit(this_app(), url).started:
            return Cause("below", {"status": status, "mount": mount})
    # What gets 404 from a middleware may be looked for at the wrong path.
    return Cause("nowhere" if visit.status == 404 else "outside", {"status": status})


def suspects(app: Flask, kind: str) -> str:
    """Return the names of the site's hooks of a kind: those for all views, and those for ours.

    :param kind: ``before_request`` or ``after_request``.
    """
    hooks = getattr(app, f"{kind}_funcs")
    names = [name_of(hook) for views in (None, "xiebao") for hook in hooks.get(views, ())]
    # Flask-WTF lets the extension's views through: the extension sees to that.
    return ", ".join(name for name in names if not name.startswith(("flask_xiebao.", "flask_wtf.")))


def with_suspects(said: str, locale: str, kind: str, hooks: str) -> str:
    """Return what is wrong, and the hooks that may be the cause.

    :param hooks: their names; "" for none.
    """
    if not hooks:
        return said
    named = text(locale, "suspects", kind=kind, hooks=hooks)
    return text(locale, "list.sentences", first=said, then=named)
