"""Whether the platform can notify the site of a purchase, and what to do if it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urljoin, urlsplit

from flask import current_app

from ..app.current import this_app
from ..app.endpoints import notify_path, notify_url
from ..app.mounts import is_this_machine
from ..app.state import State
from ..check.causes import suspects, why_unreached, with_suspects
from ..check.visits import Visit, first_reached, what_raised
from ..gateway.notifications import LARGEST
from ..links.tokens import mask_tokens
from ..simulator.delivery import body_for
from ..simulator.wire import CONTENT_TYPE
from ..texts import text
from .findings import Finding, bad, ok, warning
from .keys import token_is_fine

# The headers that the platform sends.
_JAVA = {"User-Agent": "Java/1.8.0_202", "Accept": "*/*", "Content-Type": CONTENT_TYPE}


def check_notifications(state: State, locale: str) -> Iterator[Finding]:
    """Send the site a notification through the whole app, as the platform does."""
    if not token_is_fine(state):
        yield warning(text(locale, "doctor.notify.guessed"))
    if "notification_handler" not in state.hooks.functions:
        if state.hooks.purchases is None:  # of which check_database says it
            found = ok if state.settings.notify_token is None else warning
            url = without_secret(state, notify_url(state))
            yield found(text(locale, "doctor.notify.unheard", url=url))
        return
    # About a purchase that nobody made: it reaches the view, but is not passed to the handler.
    body = body_for(state, 1, {"insure_num": "0"})
    try:
        sent = first_reached(
            state,
            notify_path(state),
            method="POST",
            headers=_JAVA,
            body=body,
            # Whether Flask-Limiter counts it against a limit.
            inside=lambda: any(
                limiter.current_limits for limiter in current_app.extensions.get("limiter", ())
            ),
        )
        problem = _why_not_told(sent, body, locale)
    except Exception as error:  # the site's own address may be wrong
        problem = text(locale, "doctor.notify.unsent", error=what_raised(error))
    if problem:
        yield bad(text(locale, "doctor.notify", what=without_secret(state, problem)))
    else:
        own = "reader" if "notification_reader" in state.hooks.functions else "handler"
        yield ok(text(locale, f"doctor.ok.notify.{own}"))
        if sent.found:
            yield warning(text(locale, "doctor.notify.counted"))
    yield _address(state, locale)
    if state.settings.notify_token is None:
        yield ok(text(locale, "doctor.ok.notify_url.open"))
    if find_spec("httpx") is None:
        # Purchases are what the order query says.
        found = warning if state.hooks.purchases is None else bad
        yield found(text(locale, "doctor.httpx"))


def _address(state: State, locale: str) -> Finding:
    url = without_secret(state, notify_url(state))
    if url.startswith("/"):
        return warning(text(locale, "doctor.notify_url.path", url=url))
    if is_this_machine(url):
        return ok(text(locale, "doctor.ok.notify_url.this_machine", url=url))
    if urlsplit(url).scheme != "https":
        return warning(text(locale, "doctor.notify_url.http", url=url))
    return ok(text(locale, "doctor.ok.notify_url", url=url))


def without_secret(state: State, said: str) -> str:
    """Return a text without the API key, and the token, if that is also another secret."""
    said = state.settings.api_key.map(lambda key: said.replace(key, "…")).reveal()
    token = state.settings.notify_token
    if token is None or token_is_fine(state):
        return said
    return said.replace(token.reveal(), "…")


def _why_not_told(visit: Visit, body: bytes, locale: str) -> str:
    """Say why a notification did not arrive; "" if it did.

    :param body: what was sent.
    :param locale: of what is said.
    """
    seen, at = visit.rehearsal, urlsplit(visit.url)
    if visit.status == 413 or (current_app.config["MAX_CONTENT_LENGTH"] or LARGEST) < LARGEST:
        return text(locale, "doctor.notify.size")
    error = seen.error or visit.error
    if seen.reached and seen.error is None:
        if seen.received != body:
            return _and_suspects(text(locale, "doctor.notify.body"), locale, "before_request")
        if visit.status == 200 and visit.body == b'{"state": true}':
            return ""
        said = text(locale, "doctor.notify.answer", status=visit.status)
        return _and_suspects(said, locale, "after_request")
    if error is not None:
        return text(locale, "doctor.notify.fails", error=what_raised(error))
    cause = why_unreached(visit, "xiebao.notify")
    if not visit.started:
        said = text(locale, f"check.means.unreached.{cause.code}", **cause.values)
    elif visit.endpoint != "xiebao.notify":
        view = visit.endpoint or text(locale, "doctor.notify.no_view")
        return text(locale, "doctor.notify.view", path=at.path, view=view)
    elif visit.location:
        to = urlsplit(urljoin(visit.url, visit.location))._replace(query="", fragment="")
        if (to.netloc, to.path) == (at.netloc, at.path):
            said = text(locale, "doctor.notify.address", to=to.geturl())
        else:
            where = to.path if to.netloc == at.netloc else mask_tokens(to.geturl())
            said = text(locale, "doctor.notify.sent", to=where)
    else:
        said = text(locale, f"doctor.notify.{cause.code}", **cause.values)
    return _and_suspects(said, locale, "before_request")


def _and_suspects(said: str, locale: str, kind: str) -> str:
    return with_suspects(said, locale, kind, suspects(this_app(), kind))
