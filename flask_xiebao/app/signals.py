"""The extension's signals. The app is the sender, and no signal contains a gateway URL."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable
from typing import Any

from blinker import NamedSignal, Namespace
from flask import Flask

from .current import get_current_app
from .log import format_error_without_message, get_function_name, log_throttled
from .rehearsal import find_current_rehearsal
from .state import AppState

#: The exceptions to catch when a function of the site is called. A cancelled asyncio task raises
#: ``CancelledError``, which is not a subclass of ``Exception``. It must be caught, too, because it
#: could otherwise end the process.
SITE_EXCEPTIONS = (Exception, CancelledError)

_signals = Namespace()

#: Sent before a member is redirected to the gateway, with ``entry``
#: (:class:`~flask_xiebao.Entry`), ``member`` (the member's id), ``platform``
#: (:class:`~flask_xiebao.Platform`) and ``click_id``. It is not sent for ``HEAD`` requests.
entry_clicked = _signals.signal("entry-clicked")

#: Sent when a click or a return link is refused, with ``status`` (401, 403, 404 or 410, or the
#: status of the site's own response), ``reason``, ``cause`` (more specific than the reason, and
#: only for the site), ``page`` (``paid`` for a return link), and ``entry`` and ``member`` (the
#: member who clicked), which are None if they are not known.
entry_refused = _signals.signal("entry-refused")

#: Sent when the browser returns after payment, with ``entry``, ``member`` and ``click_id`` of the
#: click, and ``same_session``, which is True if the same member is logged in now. It is sent only
#: for a ``GET`` request within 24 hours of the click. It can be sent again, because a page can be
#: reloaded, and it does not prove a payment. The callback notifies the site of a payment, and the
#: order query confirms it.
payment_returned = _signals.signal("payment-returned")

#: Sent after a notification was verified and the site's handler has returned, with
#: ``notification`` (:class:`~flask_xiebao.Notification`). It can be sent again for the same
#: notification.
notification_received = _signals.signal("notification-received")

# These internal signals are for the extension's commands, such as flask xiebao check. They contain
# information that the public signals do not contain.
login_requested = _signals.signal("login-requested")
qr_code_drawn = _signals.signal("qr-code-drawn")
fault_found = _signals.signal("fault-found")


def send_signal(signal: NamedSignal, state: AppState, **values: Any) -> None:
    """Send *signal* to each receiver.

    If a receiver fails, its exception is raised in strict mode (``XIEBAO_STRICT``). Otherwise, the
    exception is logged, and the remaining receivers are called.
    """
    app = get_current_app()
    for receiver in _record_signal_and_get_receivers(signal, app, values):
        try:
            app.ensure_sync(receiver)(app, **values)
        except SITE_EXCEPTIONS as error:
            if state.is_strict:
                raise
            failure = _describe_receiver_failure(signal, receiver)
            fault = f"{failure} {format_error_without_message(error)}"
            send_signal_without_raising(fault_found, fault=fault)
            log_throttled(failure, exc_info=True)


def send_signal_without_raising(signal: NamedSignal, **values: Any) -> None:
    """Send *signal* to each receiver. Log exceptions of receivers instead of raising them.

    This does not depend on ``XIEBAO_STRICT``. If a receiver fails, the log does not contain the
    text of the exception, because it may contain people's names.
    """
    app = get_current_app()
    for receiver in _record_signal_and_get_receivers(signal, app, values):
        failure = ""
        try:
            app.ensure_sync(receiver)(app, **values)
        except SITE_EXCEPTIONS as error:
            failure = f"{format_error_without_message(error)}."
        # Log only after the except block has ended, because no local variable contains the
        # exception then. Some error reports show local variables, and the exception may contain
        # people's names.
        if failure:
            log_throttled(
                f"{_describe_receiver_failure(signal, receiver)} The exception is {failure}"
            )


def _record_signal_and_get_receivers(
    signal: NamedSignal, app: Flask, values: dict[str, Any]
) -> Iterable[Callable[..., Any]]:
    """Return the receivers to call.

    If ``flask xiebao check`` or ``flask xiebao doctor`` sent the current request, record the signal
    and return no receivers.
    """
    rehearsal = find_current_rehearsal()
    if rehearsal is not None:
        rehearsal.sent_signals.append((signal.name, values))
        return ()
    return signal.receivers_for(app) if signal.receivers and not signal.is_muted else ()


def _describe_receiver_failure(signal: NamedSignal, receiver: object) -> str:
    python_name = signal.name.replace("-", "_")
    return (
        f'The receiver {get_function_name(receiver)} of the signal "{python_name}" failed.'
        " Fix the receiver."
    )
