"""The hooks that a site registers on :class:`.Xiebao`, such as the ``member_loader``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from inspect import iscoroutine, iscoroutinefunction, signature
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, TypeVar

from flask import Response, current_app, make_response
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from ..errors import ConfigError, LinkError
from ..gateway.notifications import Notification, parse_notification
from ..gateway.values import Secret
from ..links.members import MemberId, normalize_member_id_or_none
from ..links.tokens import Entry
from .log import get_function_name, log_throttled
from .rehearsal import find_current_rehearsal

F = TypeVar("F", bound=Callable[..., Any])

#: A function that returns the id of the logged-in member, or None.
MemberLoader = TypeVar(
    "MemberLoader", bound=Callable[[], MemberId | Awaitable[MemberId | None] | None]
)
#: The result of a click guard: True to allow the click, False to refuse it, or a response to send.
ClickGuardResult = bool | BaseResponse | tuple[Any, ...]
ClickGuard = TypeVar(
    "ClickGuard", bound=Callable[[str, Entry], ClickGuardResult | Awaitable[ClickGuardResult]]
)
#: A function that returns True for a member whose key at the gateway is the member's id without a
#: prefix. If ``XIEBAO_MEMBER_SECRET`` is set, the keys of all other members have a prefix before
#: the id.
KeepsPlainKey = TypeVar("KeepsPlainKey", bound=Callable[[str], bool | Awaitable[bool]])
#: A function that processes a notification.
NotificationHandler = TypeVar("NotificationHandler", bound=Callable[[Notification], object])
# A notification handler must not return a value of these types. The value would be lost: a response
# or a string would not be sent, and the code of a coroutine or generator would not run.
_INVALID_HANDLER_RESULT_TYPES = (
    BaseResponse,
    tuple,
    dict,
    str,
    CoroutineType,
    GeneratorType,
    AsyncGeneratorType,
)
#: A function that reads a notification from the body and the headers of a request.
NotificationReader = TypeVar(
    "NotificationReader", bound=Callable[[bytes, Headers], Notification | Awaitable[Notification]]
)

# Maps the name of each hook's decorator to the names of the hook's arguments.
_HOOK_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "member_loader": (),
    "click_guard": ("member", "entry"),
    "keeps_plain_key": ("member",),
    "notification_handler": ("notification",),
    "notification_reader": ("body", "headers"),
}


class Hooks:
    """The hooks that a site registered on a :class:`.Xiebao` object.

    All apps of this object share the hooks.
    """

    def __init__(self) -> None:
        self._registered: dict[str, Callable[..., Any]] = {}
        #: Maps the names of decorators to the registered hooks. An ``async`` hook is wrapped in a
        #: function that blocks until the hook is done.
        self.functions: dict[str, Callable[..., Any]] = {}
        #: The registered :class:`.Purchases` object, or None if no such object is registered.
        self.purchases: Any = None

    def register(self, name: str, function: F) -> F:
        """Register a hook and return it.

        :param name: the name of the hook's decorator.
        :raises ConfigError: if *function* is not callable, does not accept the arguments of the
            hook, or is a second ``notification_handler``.
        """
        if not callable(function):
            raise ConfigError(f'"{name}" must be a function, got {type(function).__name__}.')
        check_accepts_arguments(name, function, _HOOK_ARGUMENTS[name])
        existing = self._registered.get(name, function)
        if name == "notification_handler" and existing != function:
            raise ConfigError(
                f"There can be only one notification_handler, and {get_function_name(existing)}"
                " is already registered. Call the new function from the registered function, or"
                " connect the new function to the signal notification_received. In an app"
                " with an application factory, register the handler only once, outside of it."
            )
        self._registered[name] = function
        # is_async() takes longer than most hooks, so it is called when a hook is registered and not
        # each time the hook is called.
        self.functions[name] = (
            _wrap_async_function(name, function) if is_async(function) else function
        )
        return function

    def register_purchases(self, purchases: object) -> None:
        """Register the object that stores purchases in the site's database.

        :raises ConfigError: if such an object is already registered.
        """
        if self.purchases is not None:
            raise ConfigError(
                "This Xiebao object already has a Purchases object. Create Purchases only once,"
                " outside of the application factory."
            )
        self.purchases = purchases

    def release_hook_connection(self) -> AbstractContextManager[None]:
        """Return the context manager :meth:`.PurchaseStore.release_hook_connection`.

        Without a :class:`.Purchases` object, nothing else needs a connection, so it does nothing.
        """
        purchases = self.purchases
        return nullcontext() if purchases is None else purchases.store.release_hook_connection()

    @property
    def async_hook_names(self) -> list[str]:
        """The names of the registered hooks that are ``async`` functions."""
        return [name for name, hook in self._registered.items() if self.functions[name] is not hook]

    def can_identify_members(self) -> bool:
        """Return True if the app has a ``member_loader`` or a ``LoginManager`` of Flask-Login."""
        return "member_loader" in self.functions or find_login_manager() is not None

    def find_current_member_id(self) -> str | None:
        """Return the id of the logged-in member, or None for an anonymous visitor.

        The ``member_loader`` returns the id. If there is no loader, Flask-Login returns it if the
        app uses Flask-Login. An exception that the loader raises propagates, because it must not
        make the visitor anonymous.

        :raises LinkError: if the loader or Flask-Login returns a value that is not a member's id.
        """
        rehearsal = find_current_rehearsal()
        loader = (rehearsal and rehearsal.member_loader) or self.functions.get("member_loader")
        if loader is not None:
            source, member = "The member_loader", loader()
        elif find_login_manager() is not None:
            from flask_login import current_user

            source = "get_id() of Flask-Login's current_user"
            member = current_user.get_id() if current_user.is_authenticated else None
        else:
            return None
        try:
            return normalize_member_id_or_none(member)
        except LinkError as error:
            problem = (
                f"The function returned {_format_result_type(member)}."
                if iscoroutine(member)
                else str(error)
            )
            raise LinkError(f"{source} did not return a member's id. {problem}", "member") from None

    def call_click_guard(self, member: str, entry: Entry) -> bool | Response:
        """Call the ``click_guard`` for a click that passed the extension's own checks.

        :return: True, False, or a response to send instead of the extension's own response. True if
            there is no guard to call.
        :raises ConfigError: if the guard returns anything else.
        """
        guard, rehearsal = self.functions.get("click_guard"), find_current_rehearsal()
        if guard is None or (rehearsal is not None and not rehearsal.should_call_click_guard):
            return True
        result = guard(member, entry)
        if isinstance(result, bool):
            # A lazy proxy of a bool also passes isinstance(result, bool). Convert it to a bool.
            return bool(result)
        if isinstance(result, BaseResponse | tuple):
            return make_response(result)
        raise ConfigError(
            "The click_guard must return True, False or a response, such as `redirect(...)`"
            f" or `(render_template(...), 403)`, got {_format_result_type(result)}."
        )

    def has_plain_member_key(self, member: str) -> bool:
        """Return True if a member's key at the gateway is the member's id without a prefix.

        If ``XIEBAO_MEMBER_SECRET`` is set, the keys of all other members have a prefix before the
        id. The ``keeps_plain_key`` hook decides this. Return False if there is no such hook.

        :raises ConfigError: if the hook returns neither True nor False.
        """
        if "keeps_plain_key" not in self.functions:
            return False
        result = self.functions["keeps_plain_key"](member)
        if not isinstance(result, bool):
            raise ConfigError(
                "The keeps_plain_key hook must return True or False, got"
                f" {_format_result_type(result)}."
            )
        return result

    def read_notification(
        self, body: bytes, headers: Headers, api_key: Secret[str]
    ) -> Notification | None:
        """Verify and parse the notification in a request. Return None for a test request.

        A test request is a rehearsal, which ``flask xiebao check`` or ``flask xiebao doctor``
        sends. If the site has a ``notification_reader``, it reads the notification instead of the
        extension. Its exceptions propagate.

        :raises NotificationError: if the body is not a notification of the gateway for this key.
        :raises ConfigError: if the site's reader returns anything but a notification.
        """
        rehearsal = find_current_rehearsal()
        if rehearsal is not None:
            rehearsal.notification_body = body
            return None
        reader = self.functions.get("notification_reader")
        if reader is None:
            return parse_notification(body, api_key=api_key)
        notification = reader(body, headers)
        if not isinstance(notification, Notification):
            raise _log_and_build_config_error(
                "The notification_reader must return a Notification, got"
                f" {_format_result_type(notification)}."
            )
        return notification

    def call_notification_handler(self, notification: Notification) -> None:
        """Call the ``notification_handler`` and let its exceptions propagate.

        :raises ConfigError: if the handler returns False or a value that would be lost.
        """
        result = self.functions["notification_handler"](notification)
        if result is False or isinstance(result, _INVALID_HANDLER_RESULT_TYPES):
            raise _log_and_build_config_error(
                f"The notification_handler returned {_format_result_type(result)}. Return"
                " None if the notification was processed, and otherwise raise an exception."
            )


def _log_and_build_config_error(problem: str) -> ConfigError:
    """Log *problem* and return it as an error.

    The problem is logged here, because the view of the callback may log only the error's class.
    """
    log_throttled(problem)
    return ConfigError(problem)


def _wrap_async_function(name: str, function: Callable[..., Any]) -> Callable[..., object]:
    async def call_and_await_function(*arguments: Any) -> object:
        return await function(*arguments)

    @wraps(function, updated=())
    def run_async_hook(*arguments: Any) -> object:
        try:
            run = current_app.ensure_sync(call_and_await_function)
        except RuntimeError:
            raise _log_and_build_config_error(
                f'"{name}" is async, but the "async" extra of Flask is not installed. Run'
                " `pip install 'flask[async]'`."
            ) from None
        return run(*arguments)

    return run_async_hook


def is_async(function: Callable[..., object]) -> bool:
    """Return True if the result of a function or callable object has to be awaited."""
    return any(map(iscoroutinefunction, (function, type(function).__call__)))


def can_call_async_functions() -> bool:
    """Return True if the current app can call ``async`` functions."""
    try:
        current_app.ensure_sync(asyncio.sleep)
    except RuntimeError:
        return False
    return True


def check_accepts_arguments(
    function_name: str, function: Callable[..., object], argument_names: tuple[str, ...]
) -> None:
    """Check that a site's function accepts the arguments that it will be called with.

    :param argument_names: the names of the positional arguments.
    :raises ConfigError: if the function does not accept these arguments.
    """
    try:
        signature(function).bind(*argument_names)
    except TypeError as error:
        arguments = (
            f"with the arguments ({', '.join(argument_names)})"
            if argument_names
            else "without arguments"
        )
        raise ConfigError(
            f'{get_function_name(function)} has the wrong parameters, because "{function_name}" is'
            f" called {arguments} ({error}). Change the parameters of the function."
        ) from None
    except Exception:  # Functions written in C and unbound proxies may have no signature.
        return


def _format_result_type(result: object) -> str:
    """Return the name of the type of a hook's result, for an error message.

    The result itself is left out, because it may contain personal data. A coroutine is closed, so
    that Python does not warn that it was never awaited.
    """
    if iscoroutine(result):
        result.close()
        return "a coroutine that is never awaited. Register the async function itself"
    return "None" if result is None else f"{type(result).__name__}"


def find_login_manager() -> Any:
    """Return the ``LoginManager`` of the current app if the app uses Flask-Login, or else None."""
    return getattr(current_app, "login_manager", None)
