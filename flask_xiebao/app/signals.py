"""What a site can listen to. The sender is the app; none of the signals carries the gateway URL."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable
from typing import Any

from blinker import NamedSignal, Namespace
from flask import Flask

from .current import get_current_app
from .log import get_error_location, get_function_name, log_throttled
from .rehearsal import find_current_rehearsal
from .state import AppState

#: What a function of the site's may raise. A cancelled task is not a reason to end the process.
SITE_EXCEPTIONS = (Exception, CancelledError)

_signals = Namespace()

#: A member goes to the gateway: ``entry`` (:class:`~flask_xiebao.Entry`), ``member`` (their id),
#: ``platform`` (:class:`~flask_xiebao.Platform`), ``click_id``. Sent before the redirect.
entry_clicked = _signals.signal("entry-clicked")

#: Somebody was not let through: ``status`` (401, 403, 404 or 410, or that of the site's own
#: answer), ``reason``, ``cause`` (more than the reason, for the site alone), ``page`` (``paid`` for
#: the way back from a payment), and, where they are known, ``entry`` and ``member``, the one who
#: clicked.
entry_refused = _signals.signal("entry-refused")

#: The browser came back after payment: ``entry``, ``member``, ``click_id`` of the click, and
#: ``same_session``: whether that member is the one logged in now. It can repeat, since a page can
#: be loaded again, and it is no proof of payment: the callback tells of one, and the order query
#: confirms it.
payment_returned = _signals.signal("payment-returned")

#: A notification verified, and the site's handler is done with it: ``notification``
#: (:class:`~flask_xiebao.Notification`). It can repeat.
notification_received = _signals.signal("notification-received")

# Internal signals, which carry information for a rehearsal that the public ones do not have.
login_requested = _signals.signal("login-requested")
qr_code_drawn = _signals.signal("qr-code-drawn")
fault_found = _signals.signal("fault-found")


def send_signal(signal: NamedSignal, state: AppState, **values: Any) -> None:
    """Send *signal* to each receiver.

    One that fails raises in strict mode. Otherwise it is logged, and the others still hear.
    """
    app = get_current_app()
    for receiver in _record_signal_and_get_receivers(signal, app, values):
        try:
            app.ensure_sync(receiver)(app, **values)
        except SITE_EXCEPTIONS:
            if state.is_strict:
                raise
            send_signal_without_raising(
                fault_found, fault=_describe_receiver_failure(signal, receiver)
            )
            log_throttled(_describe_receiver_failure(signal, receiver), exc_info=True)


def send_signal_without_raising(signal: NamedSignal, **values: Any) -> None:
    """Send *signal* to each receiver, and raise nothing, strict or not.

    One that fails is logged without what it says, which may be somebody's name.
    """
    app = get_current_app()
    for receiver in _record_signal_and_get_receivers(signal, app, values):
        failure = ""
        try:
            app.ensure_sync(receiver)(app, **values)
        except SITE_EXCEPTIONS as error:
            failure = f"{type(error).__name__} in {get_error_location(error)}."
        if failure:  # here, where no variable holds the error: some error reports show those
            log_throttled(
                f"{_describe_receiver_failure(signal, receiver)} The exception is {failure}"
            )


def _record_signal_and_get_receivers(
    signal: NamedSignal, app: Flask, values: dict[str, Any]
) -> Iterable[Callable[..., Any]]:
    """Record the signal if this request is a rehearsal, and return the receivers to call."""
    rehearsed = find_current_rehearsal()
    if rehearsed is not None:
        rehearsed.sent_signals.append((signal.name, values))
        if not rehearsed.should_call_receivers:
            return ()
    return () if signal.is_muted else signal.receivers_for(app)


def _describe_receiver_failure(signal: NamedSignal, receiver: object) -> str:
    return (
        f'The receiver {get_function_name(receiver)} of the signal "{signal.name}" failed.'
        " Fix the receiver."
    )
