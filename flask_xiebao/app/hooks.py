"""The functions of a site's own: who is logged in, who may go, what to do with a notification."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
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
from ..links.members import MemberId, normalize_member
from ..links.tokens import Entry
from .log import get_function_name, log_throttled
from .rehearsal import find_current_rehearsal

F = TypeVar("F", bound=Callable[..., Any])

#: Who is logged in.
MemberLoader = TypeVar(
    "MemberLoader", bound=Callable[[], MemberId | Awaitable[MemberId | None] | None]
)
#: Whether a member may go: True, False, or an answer in place of the extension's.
ClickGuardResult = bool | BaseResponse | tuple[Any, ...]
ClickGuard = TypeVar(
    "ClickGuard", bound=Callable[[str, Entry], ClickGuardResult | Awaitable[ClickGuardResult]]
)
#: Whether the gateway knows a member by the bare id.
KeepsPlainKey = TypeVar("KeepsPlainKey", bound=Callable[[str], bool | Awaitable[bool]])
#: What a site does with a notification.
NotificationHandler = TypeVar("NotificationHandler", bound=Callable[[Notification], object])
# What it cannot return, since that would be lost.
_INVALID_HANDLER_RESULT_TYPES = (
    BaseResponse,
    tuple,
    dict,
    str,
    CoroutineType,
    GeneratorType,
    AsyncGeneratorType,
)
#: How a site reads a notification itself: from the body and the headers.
NotificationReader = TypeVar(
    "NotificationReader", bound=Callable[[bytes, Headers], Notification | Awaitable[Notification]]
)

# The arguments of each hook, by the name of its decorator.
_HOOK_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "member_loader": (),
    "click_guard": ("member", "entry"),
    "keeps_plain_key": ("member",),
    "notification_handler": ("notification",),
    "notification_reader": ("body", "headers"),
}


class Hooks:
    """The functions that a site registered, for all apps of one extension object."""

    def __init__(self) -> None:
        self._registered: dict[str, Callable[..., Any]] = {}
        #: The site's functions by the names of their decorators; those that are ``async`` are
        #: wrapped, and block until they are done.
        self.functions: dict[str, Callable[..., Any]] = {}
        #: What keeps purchases in the site's database, if the site has it: :mod:`.sqla`.
        self.purchases: Any = None

    def register(self, name: str, function: F) -> F:
        """Register a function of the site's, and return it.

        :param name: that of its decorator.
        :raises ConfigError: when it is not a function, takes other arguments, or is a second
            ``notification_handler``.
        """
        if not callable(function):
            raise ConfigError(f'"{name}" must be a function, got {type(function).__name__}.')
        check_accepts_arguments(name, function, _HOOK_ARGUMENTS[name])
        there = self._registered.get(name, function)
        if name == "notification_handler" and there != function:
            raise ConfigError(
                f"{get_function_name(there)} is already registered as the notification_handler."
                " Call the"
                " new function from the registered function, or connect the new function to the"
                " signal notification_received. If the app has an application factory, register"
                " the handler once, outside of the factory."
            )
        self._registered[name] = function
        # Found out once: it takes longer than most of these functions.
        self.functions[name] = (
            _wrap_async_function(name, function) if is_async(function) else function
        )
        return function

    def register_purchases(self, purchases: object) -> None:
        """Make known what keeps purchases in the site's database.

        :raises ConfigError: when something does so already.
        """
        if self.purchases is not None:
            raise ConfigError(
                "This Xiebao object already has a Purchases object. Create Purchases once, outside"
                " of an application factory."
            )
        self.purchases = purchases

    @property
    def async_hook_names(self) -> list[str]:
        """The names of the decorators whose functions are ``async``."""
        return [
            name for name, given in self._registered.items() if self.functions[name] is not given
        ]

    def can_identify_members(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return "member_loader" in self.functions or find_login_manager() is not None

    def find_current_member_id(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        It is what the loader says, else Flask-Login where the app uses it.

        :raises LinkError: when the loader returns something that is not a member's id. What the
            loader itself raises is the site's error and is passed on.
        """
        rehearsed = find_current_rehearsal()
        loader = (rehearsed and rehearsed.member_loader) or self.functions.get("member_loader")
        if loader is not None:
            source, found = "The member_loader", loader()
        elif find_login_manager() is not None:
            from flask_login import current_user

            source = "get_id() of Flask-Login's current_user"
            found = current_user.get_id() if current_user.is_authenticated else None
        else:
            return None
        try:
            return normalize_member(found)
        except LinkError as error:
            why = (
                f"The function returned {_format_result_type(found)}."
                if iscoroutine(found)
                else str(error)
            )
            raise LinkError(f"{source} did not return a member's id. {why}", "member") from None

    def call_click_guard(self, member: str, entry: Entry) -> bool | Response:
        """Ask the site whether a member may follow a link that lets them through.

        :return: True, False, or an answer of the site's own in place of ours.
        :raises ConfigError: when the site's function says anything else.
        """
        guard, rehearsed = self.functions.get("click_guard"), find_current_rehearsal()
        if rehearsed is not None:
            guard = rehearsed.click_guard or (guard if rehearsed.should_call_click_guard else None)
        if guard is None:
            return True
        answer = guard(member, entry)
        if isinstance(answer, bool):
            return bool(answer)  # of a lazy proxy, what it stands for
        if isinstance(answer, BaseResponse | tuple):
            return make_response(answer)
        raise ConfigError(
            "click_guard must return True, False or a response, such as `redirect(...)` or"
            f" `(render_template(...), 403)`, got {_format_result_type(answer)}."
        )

    def is_known_by_plain_key(self, member: str) -> bool:
        """Tell whether the gateway knows a member by the bare id.

        :raises ConfigError: when the site's function says neither True nor False.
        """
        if "keeps_plain_key" not in self.functions:
            return False
        answer = self.functions["keeps_plain_key"](member)
        if not isinstance(answer, bool):
            raise ConfigError(
                f"keeps_plain_key must return True or False, got {_format_result_type(answer)}."
            )
        return answer

    def read_notification(
        self, body: bytes, headers: Headers, api_key: Secret[str]
    ) -> Notification | None:
        """Return the notification in a request, or None in a rehearsal.

        The site's ``notification_reader`` reads it, if there is one. What it raises is passed on.

        :raises NotificationError: the body is not a notification of the platform's for this key.
        :raises ConfigError: the site's reader returned something else than a notification.
        """
        rehearsed = find_current_rehearsal()
        if rehearsed is not None:
            rehearsed.notification_body = body
            return None
        reader = self.functions.get("notification_reader")
        if reader is None:
            return parse_notification(body, api_key=api_key)
        notification = reader(body, headers)
        if not isinstance(notification, Notification):
            raise _log_and_build_config_error(
                "notification_reader must return a Notification, got"
                f" {_format_result_type(notification)}."
            )
        return notification

    def call_notification_handler(self, notification: Notification) -> None:
        """Give a notification to the site; what its ``notification_handler`` raises is passed on.

        :raises ConfigError: when it returns something that would be lost.
        """
        answer = self.functions["notification_handler"](notification)
        if answer is False or isinstance(answer, _INVALID_HANDLER_RESULT_TYPES):
            raise _log_and_build_config_error(
                f"notification_handler returned {_format_result_type(answer)}. Return None if the"
                " notification"
                " was processed, and otherwise raise an exception."
            )


def _log_and_build_config_error(problem: str) -> ConfigError:
    """Log *problem* and return an error of it: where a callback fails, only its class is logged."""
    log_throttled(problem)
    return ConfigError(problem)


def _wrap_async_function(name: str, function: Callable[..., Any]) -> Callable[..., object]:
    async def await_function(*arguments: Any) -> object:
        return await function(*arguments)

    @wraps(function, updated=())
    def run_async_function(*arguments: Any) -> object:
        try:
            run = current_app.ensure_sync(await_function)
        except RuntimeError:
            raise _log_and_build_config_error(
                f'"{name}" is async, but the "async" extra of Flask is not installed. Run'
                " `pip install 'flask[async]'`."
            ) from None
        return run(*arguments)

    return run_async_function


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether what a function or a callable object returns has to be awaited."""
    return any(map(iscoroutinefunction, (function, type(function).__call__)))


def can_call_async_functions() -> bool:
    """Tell whether the current app can call functions that are ``async``."""
    try:
        current_app.ensure_sync(asyncio.sleep)
    except RuntimeError:
        return False
    return True


def check_accepts_arguments(
    function_name: str, function: Callable[..., object], argument_names: tuple[str, ...]
) -> None:
    """Check that a function of the site's takes the arguments with which it will be called.

    :param arguments: their names.
    :raises ConfigError: it does not.
    """
    try:
        expected = signature(function)
    except Exception:  # of a function in C, or a proxy without its object
        return
    try:
        expected.bind(*argument_names)
    except TypeError as error:
        given = (
            f"with the arguments ({', '.join(argument_names)})"
            if argument_names
            else "without arguments"
        )
        raise ConfigError(
            f'"{function_name}" is called {given}, but {get_function_name(function)} cannot be'
            " called this way"
            f" ({error}). Change the parameters of this function."
        ) from None


def _format_result_type(result: object) -> str:
    """Return the kind of an answer of the site's: its text may be somebody's data."""
    if iscoroutine(result):
        result.close()
        return "a coroutine that is never awaited. Register the async function itself"
    return "None" if result is None else f"{type(result).__name__}"


def find_login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)
