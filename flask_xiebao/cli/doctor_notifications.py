"""The doctor's check that notifications from the gateway reach the site."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urljoin, urlsplit

from flask import current_app

from ..app.endpoints import build_callback_path, build_callback_url
from ..app.log import describe_exception
from ..app.mounts import is_loopback_url
from ..app.state import AppState
from ..check.visits import (
    Visit,
    find_cause_of_unreached_view,
    find_mount_and_send_request,
    format_request_hook_names,
)
from ..gateway.notifications import MAX_NOTIFICATION_BYTES
from ..links.tokens import mask_tokens_and_credentials
from ..simulator.delivery import build_notification_body
from ..simulator.wire import CONTENT_TYPE
from ..texts import get_text
from .doctor_secrets import is_notify_token_safe
from .findings import Finding, error_finding, ok_finding, warning_finding

# The headers of the gateway's notifications.
_GATEWAY_HEADERS = {"User-Agent": "Java/1.8.0_202", "Accept": "*/*", "Content-Type": CONTENT_TYPE}


def check_notifications(state: AppState, locale: str) -> Iterator[Finding]:
    """Send a test notification to the app, through its middleware, and yield the findings.

    The request looks like a request from the gateway.
    """
    if not is_notify_token_safe(state):
        yield warning_finding(get_text(locale, "doctor.notify.guessed"))
    if "notification_handler" not in state.hooks.functions:
        # If there is a Purchases object, check_database() reports the missing notification_handler,
        # so it is not reported here.
        if state.hooks.purchases is None:
            build_finding = ok_finding if state.settings.notify_token is None else warning_finding
            if state.settings.env == "production":
                build_finding = error_finding
            url = mask_api_key_and_token(state, build_callback_url(state))
            yield build_finding(get_text(locale, "doctor.notify.unheard", url=url))
        return
    # The test notification is about a purchase that does not exist. The extension's view recognizes
    # a test notification and does not pass it to the site's handler.
    body = build_notification_body(state, 1, {"insure_num": "0"})
    try:
        visit = find_mount_and_send_request(
            state,
            build_callback_path(state),
            method="POST",
            headers=_GATEWAY_HEADERS,
            body=body,
            # Return True if Flask-Limiter applies a rate limit to the notification.
            probe=lambda: any(
                limiter.current_limits for limiter in current_app.extensions.get("limiter", ())
            ),
        )
        problem = _describe_delivery_failure(visit, body, locale)
    except Exception as error:
        # The request itself may fail, for example because the host name of the site is invalid.
        problem = get_text(locale, "doctor.notify.unsent", error=describe_exception(error))
    if problem:
        yield error_finding(
            get_text(locale, "doctor.notify", what=mask_api_key_and_token(state, problem))
        )
    else:
        receiver = "reader" if "notification_reader" in state.hooks.functions else "handler"
        yield ok_finding(get_text(locale, f"doctor.ok.notify.{receiver}"))
        if visit.probe_result:
            yield warning_finding(get_text(locale, "doctor.notify.counted"))
    yield _get_notify_url_finding(state, locale)
    if state.settings.notify_token is None:
        yield ok_finding(get_text(locale, "doctor.ok.notify_url.open"))
    if find_spec("httpx") is None:
        # Purchases needs httpx for its order queries. If the site has a Purchases object, a missing
        # httpx is an error, otherwise a warning.
        build_finding = warning_finding if state.hooks.purchases is None else error_finding
        yield build_finding(get_text(locale, "doctor.httpx"))


def _get_notify_url_finding(state: AppState, locale: str) -> Finding:
    url = mask_api_key_and_token(state, build_callback_url(state))
    if url.startswith("/"):
        return warning_finding(get_text(locale, "doctor.notify_url.path", url=url))
    if is_loopback_url(url):
        return ok_finding(get_text(locale, "doctor.ok.notify_url.this_machine", url=url))
    if urlsplit(url).scheme != "https":
        return warning_finding(get_text(locale, "doctor.notify_url.http", url=url))
    return ok_finding(get_text(locale, "doctor.ok.notify_url", url=url))


def mask_api_key_and_token(state: AppState, message: str) -> str:
    """Mask the site's API key in a message, and the notify token unless it is safe to show.

    A token is masked if it is weak, or if it is reused, which means that it is also used as another
    secret. Other tokens are shown, because Xiebao needs to know the URL that contains the token.
    """
    message = state.settings.api_key.map(lambda key: message.replace(key, "…")).reveal()
    token = state.settings.notify_token
    if token is None or is_notify_token_safe(state):
        return message
    return message.replace(token.reveal(), "…")


def _describe_delivery_failure(visit: Visit, body: bytes, locale: str) -> str:
    """Return a sentence that says why a notification did not arrive, or "" if it arrived.

    :param body: The body that was sent.
    :param locale: The language of the sentence.
    """
    rehearsal, url = visit.rehearsal, urlsplit(visit.url)
    if (
        visit.status == 413
        or (current_app.config["MAX_CONTENT_LENGTH"] or MAX_NOTIFICATION_BYTES)
        < MAX_NOTIFICATION_BYTES
    ):
        return get_text(locale, "doctor.notify.size")
    error = rehearsal.view_error or visit.error
    if rehearsal.has_reached_view and rehearsal.view_error is None:
        if rehearsal.notification_body != body:
            return _append_suspected_hooks(
                get_text(locale, "doctor.notify.body"), locale, "before_request"
            )
        if visit.status == 200 and visit.body == b'{"state": true}':
            return ""
        problem = get_text(locale, "doctor.notify.answer", status=visit.status)
        return _append_suspected_hooks(problem, locale, "after_request")
    if error is not None:
        return get_text(locale, "doctor.notify.fails", error=describe_exception(error))
    status = str(visit.status)
    if visit.endpoint is None:
        meaning = get_text(locale, "check.means.unreached.address")
        actual = f"{status} {visit.url}"
        return get_text(locale, "check.failure.actual", meaning=meaning, actual=actual)
    if visit.endpoint != "xiebao.notify":
        return get_text(locale, "doctor.notify.view", path=url.path, view=visit.endpoint)
    if visit.location:
        target = urlsplit(urljoin(visit.url, visit.location))._replace(query="", fragment="")
        if (target.netloc, target.path) == (url.netloc, url.path):
            problem = get_text(locale, "doctor.notify.address", to=target.geturl())
        else:
            location = (
                target.path
                if target.netloc == url.netloc
                else mask_tokens_and_credentials(target.geturl())
            )
            problem = get_text(locale, "doctor.notify.sent", to=location)
    else:
        cause = find_cause_of_unreached_view(visit, "xiebao.notify")
        problem = get_text(locale, f"doctor.notify.{cause}", status=status)
    return _append_suspected_hooks(problem, locale, "before_request")


def _append_suspected_hooks(message: str, locale: str, hook_type: str) -> str:
    """Return a message, followed by the names of the request hooks that may be the cause."""
    names = format_request_hook_names(hook_type)
    if not names:
        return message
    suspects = get_text(locale, "suspects", hooks=names)
    return get_text(locale, "list.sentences", first=message, then=suspects)
