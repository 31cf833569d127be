"""Whether the platform could tell the site of a purchase, and what to do where it could not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urljoin, urlsplit

from flask import current_app

from ..app.endpoints import notify_path, notify_url
from ..app.state import State
from ..check.visits import Visit, explain, is_this_machine, where_the_site_is
from ..gateway.notifications import LARGEST
from ..simulator import wire
from .clicks import visit_notify
from .diagnosis import outside, suspects_after, suspects_before, who_says
from .findings import Finding, bad, ok, warning
from .keys import token_is_fine

_LET_THROUGH = 'let it through, which checks for itself: if request.blueprint == "xiebao": return.'
_EXEMPT = 'app.view_functions["xiebao.notify"]'


def check_notifications(state: State) -> Iterator[Finding]:
    """Send the site a notification through the whole app, as the platform does."""
    if "notification_handler" not in state.hooks.functions:
        found = ok if state.settings.notify_token is None else warning
        yield found(
            "There is no notification_handler, so the site does not hear what its members buy."
            f" Notifications would go to {_without_secret(state, notify_url(state))}."
        )
        return
    # One of a purchase that nobody made: it reaches the view, and no handler hears of it.
    body = wire.callback(
        state.settings.api_key,
        1,
        wire.fields_of(state.settings.partner_id, 1, {"insure_num": "0"}),
    )
    counted: list[object] = []

    def look() -> None:
        # What Flask-Limiter counted this request against.
        for limiter in current_app.extensions.get("limiter", ()):
            counted.extend(limiter.current_limits)

    try:
        url = f"{where_the_site_is(state).rstrip('/')}{notify_path(state)}"
        problem = _why_not_told(state, visit_notify(state, url, look, body), body)
    except Exception as error:  # where the site says that it is may be nowhere
        problem = f"a notification cannot be sent. {explain(error)}"
    if problem:
        yield bad(f"notify: {_without_secret(state, problem)}")
    else:
        reader = (
            "notification_reader and " if "notification_reader" in state.hooks.functions else ""
        )
        yield ok(f"notify: a notification arrives at the {reader}notification_handler.")
        if counted:
            yield warning(
                "Flask-Limiter counts notifications, which Xiebao sends from few addresses: exempt"
                f" them, with limiter.exempt({_EXEMPT})."
            )
    yield _address(state)
    if find_spec("httpx") is None:
        yield warning(
            "httpx is not installed, so xiebao.orders cannot confirm what notifications say: pip"
            " install 'Flask-Xiebao[orders]'."
        )


def _address(state: State) -> Finding:
    url = _without_secret(state, notify_url(state))
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


def _without_secret(state: State, said: str) -> str:
    """Return what is said without the token, where that is another secret of the site."""
    token = state.settings.notify_token
    if token is None or token_is_fine(state):
        return said
    return said.replace(token.reveal(), "…")


def _why_not_told(state: State, visit: Visit, body: bytes) -> str:
    """Say why a notification did not arrive; "" if it did."""
    seen = visit.rehearsal
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    if visit.status == 413 or (limit is not None and limit < LARGEST):
        return "a notification is too long for MAX_CONTENT_LENGTH: let 64 KiB through."
    if seen.reached and seen.error is None:
        if seen.received == body:
            arrived = visit.status == 200 and visit.body == b'{"state": true}'
            return "" if arrived else _changed(visit)
        return (
            "the body of a notification is read before it arrives, by request.stream or a form"
            " parser. Have hooks read it by request.get_data() or get_json(), which keep it."
            + suspects_before()
        )
    error = seen.error or visit.error
    if error is not None:
        return f"a notification fails. {explain(error)}"
    where = urlsplit(visit.url)
    if not visit.started:
        return outside(visit, f"have it let POST {where.path} through.")
    if visit.endpoint != "xiebao.notify":
        return f"{where.path} leads to {visit.endpoint or 'no view'}: change XIEBAO_URL_PREFIX."
    if visit.location:
        to = urlsplit(urljoin(visit.url, visit.location))
        sent_to = to.path if to.netloc == where.netloc else f"{to.scheme}://{to.netloc}{to.path}"
        advice = f"by a login wall, perhaps: {_LET_THROUGH}"
        if sent_to == where.path:
            sent_to = f"{to.scheme}://{to.netloc}{to.path}"
            advice = (
                "which Xiebao does not follow: set XIEBAO_PUBLIC_URL to its address, with https."
            )
        return f"a notification is sent on to {sent_to}, {advice}{suspects_before()}"
    if visit.status in (400, 403):
        advice = (
            f"a CSRF guard or a login wall, perhaps: exempt it, with csrf.exempt({_EXEMPT}), or"
        )
        return f"a notification gets {visit.status} from {advice} {_LET_THROUGH}{suspects_before()}"
    return f"a notification gets {visit.status} from {who_says(visit.status)}{suspects_before()}"


def _changed(visit: Visit) -> str:
    return (
        "the answer to a notification is changed on its way out, by an after_request hook or a"
        ' middleware, and the platform waits for 200 {"state": true}: leave what the blueprint'
        f" xiebao answers as it is. It gets {visit.status}." + suspects_after()
    )
