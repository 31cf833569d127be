"""Whether the platform can notify the site of a purchase, and what to do if it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from flask import current_app

from ..app.endpoints import notify_path, notify_url
from ..app.mounts import is_this_machine, where_the_site_is
from ..app.settings import NEW_KEY
from ..app.state import State
from ..check.visits import explain
from ..simulator.delivery import body_for
from ..simulator.wire import CONTENT_TYPE
from .clicks import visit
from .diagnosis import EXEMPT, why_not_told
from .findings import Finding, bad, ok, warning
from .keys import token_is_fine

# The headers that the platform sends.
_JAVA = {"User-Agent": "Java/1.8.0_202", "Accept": "*/*", "Content-Type": CONTENT_TYPE}


def check_notifications(state: State) -> Iterator[Finding]:
    """Send the site a notification through the whole app, as the platform does."""
    if not token_is_fine(state):
        yield warning(
            "XIEBAO_NOTIFY_TOKEN is another secret of the site, too, or easily guessed, and it is"
            f" in the address that Xiebao is given: choose another. {NEW_KEY}."
        )
    if "notification_handler" not in state.hooks.functions:
        found = ok if state.settings.notify_token is None else warning
        yield found(
            "There is no notification_handler, so the site does not hear what its members buy."
            f" Notifications would go to {without_secret(state, notify_url(state))}."
        )
        return
    # About a purchase that nobody made: it reaches the view, but is not passed to the handler.
    body = body_for(state, 1, {"insure_num": "0"})
    try:
        sent = visit(
            state,
            f"{where_the_site_is(state).rstrip('/')}{notify_path(state)}",
            method="POST",
            headers=_JAVA,
            body=body,
            # Whether Flask-Limiter counts it against a limit.
            inside=lambda: any(
                limiter.current_limits for limiter in current_app.extensions.get("limiter", ())
            ),
        )
        problem = why_not_told(sent, body)
    except Exception as error:  # the site's own address may be wrong
        problem = f"a notification cannot be sent. {explain(error)}"
    if problem:
        yield bad(f"notify: {without_secret(state, problem)}")
    else:
        reader = (
            "notification_reader and " if "notification_reader" in state.hooks.functions else ""
        )
        yield ok(f"notify: a notification arrives at the {reader}notification_handler.")
        if sent.found:
            yield warning(
                "Flask-Limiter counts notifications, which Xiebao sends from few addresses: exempt"
                f" them, with limiter.exempt({EXEMPT})."
            )
    yield _address(state)
    if find_spec("httpx") is None:
        yield warning(
            "httpx is not installed, so xiebao.orders cannot confirm what notifications say: pip"
            " install 'Flask-Xiebao[orders]'."
        )


def _address(state: State) -> Finding:
    url = without_secret(state, notify_url(state))
    if url.startswith("/"):
        return warning(
            f"The address to give to Xiebao for notifications ends in {url}: set XIEBAO_PUBLIC_URL"
            " to see the whole of it."
        )
    if is_this_machine(url):
        return ok(
            f"Notifications go to {url}, which Xiebao cannot reach: while you develop, use"
            " the simulator, or flask xiebao notify."
        )
    if urlsplit(url).scheme != "https":
        return warning(
            f"The address to give to Xiebao for notifications is {url}. Without https the people's"
            " names in them can be read on the way."
        )
    return ok(f"The address to give to Xiebao for notifications is {url}")


def without_secret(state: State, said: str) -> str:
    """Return a text without the token, if that is also another secret of the site."""
    token = state.settings.notify_token
    if token is None or token_is_fine(state):
        return said
    return said.replace(token.reveal(), "…")
