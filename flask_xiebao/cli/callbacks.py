"""Whether the platform can notify the site of a purchase, and what to do if it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urljoin, urlsplit

from flask import current_app

from ..app.endpoints import notify_path, notify_url
from ..app.log import this_app
from ..app.mounts import is_this_machine, where_the_site_is
from ..app.settings import NEW_KEY
from ..app.state import State
from ..check.causes import suspects, why_unreached, with_suspects
from ..check.token_reader import without_token
from ..check.visits import Visit, what_raised
from ..gateway.notifications import LARGEST
from ..simulator.delivery import body_for
from ..simulator.wire import CONTENT_TYPE
from ..texts import text
from .clicks import visit
from .findings import Finding, bad, ok, warning
from .keys import token_is_fine

_LET_IT_THROUGH = (
    'let it through, which checks for itself: if request.blueprint == "xiebao": return.'
)
# The view of notifications, for extensions that exempt a view.
_EXEMPT = 'app.view_functions["xiebao.notify"]'

# Who may answer a notification with a status, and what to do.
_GUARD = ("a CSRF guard or a login wall", f"exempt it, with csrf.exempt({_EXEMPT}), or ")
_WHO_SAYS = {
    429: ("a limiter", f"exempt it, with limiter.exempt({_EXEMPT}), or "),
    **dict.fromkeys((400, 401, 403), _GUARD),
}

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
            "There is no notification_handler, or its module is not imported, so the site does not"
            " hear what its members buy."
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
        problem = _why_not_told(sent, body)
    except Exception as error:  # the site's own address may be wrong
        problem = f"a notification cannot be sent: {what_raised(error)}"
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
                f" them, with limiter.exempt({_EXEMPT})."
            )
    yield _address(state)
    if find_spec("httpx") is None:
        # Purchases are what the order query says.
        found = warning if state.hooks.purchases is None else bad
        yield found(
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
    """Return a text without the API key, and the token, if that is also another secret."""
    said = state.settings.api_key.map(lambda key: said.replace(key, "…")).reveal()
    token = state.settings.notify_token
    if token is None or token_is_fine(state):
        return said
    return said.replace(token.reveal(), "…")


def _why_not_told(visit: Visit, body: bytes) -> str:
    """Say why a notification did not arrive; "" if it did.

    :param body: what was sent.
    """
    seen, at = visit.rehearsal, urlsplit(visit.url)
    if visit.status == 413 or (current_app.config["MAX_CONTENT_LENGTH"] or LARGEST) < LARGEST:
        return "a notification is too long for MAX_CONTENT_LENGTH: let 64 KiB through."
    error = seen.error or visit.error
    if seen.reached and seen.error is None:
        if seen.received != body:
            said = (
                "the body of a notification is read before it arrives, by request.stream or a form"
                " parser. Have hooks read it by request.get_data() or get_json(), which keep it."
            )
            return _and_suspects(said, "before_request")
        if visit.status == 200 and visit.body == b'{"state": true}':
            return ""
        said = (
            "the answer to a notification is changed on its way out, by an after_request hook or a"
            ' middleware, and the platform waits for 200 {"state": true}: leave what the blueprint'
            f" xiebao answers as it is. It gets {visit.status}."
        )
        return _and_suspects(said, "after_request")
    if error is not None:
        return f"a notification fails. Fix this: {what_raised(error)}"
    if not visit.started:
        cause = why_unreached(visit, "xiebao.notify")
        said = text("en", f"check.means.unreached.{cause.code}", **cause.values)
        return _and_suspects(said, "before_request")
    if visit.endpoint != "xiebao.notify":
        return f"{at.path} leads to {visit.endpoint or 'no view'}: change XIEBAO_URL_PREFIX."
    if visit.location:
        to = urlsplit(urljoin(visit.url, visit.location))._replace(query="", fragment="")
        if (to.netloc, to.path) == (at.netloc, at.path):
            what = (
                f"is sent on to {to.geturl()}, which Xiebao does not follow: set XIEBAO_PUBLIC_URL"
                " to its address, with https."
            )
        else:
            where = to.path if to.netloc == at.netloc else without_token(to.geturl())
            what = f"is sent on to {where}, by a login wall, perhaps: {_LET_IT_THROUGH}"
    else:
        who, how = _WHO_SAYS.get(visit.status, ("one of the site's hooks", ""))
        what = f"gets {visit.status} from {who}, perhaps: {how}{_LET_IT_THROUGH}"
    return _and_suspects(f"a notification {what}", "before_request")


def _and_suspects(said: str, kind: str) -> str:
    return with_suspects(said, "en", kind, suspects(this_app(), kind))
