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
from .log import complain, name_of
from .rehearsal import rehearsal

F = TypeVar("F", bound=Callable[..., Any])

#: Who is logged in.
MemberLoader = TypeVar(
    "MemberLoader", bound=Callable[[], MemberId | Awaitable[MemberId | None] | None]
)
#: Whether a member may go: True, False, or an answer in place of the extension's.
Answer = bool | BaseResponse | tuple[Any, ...]
ClickGuard = TypeVar("ClickGuard", bound=Callable[[str, Entry], Answer | Awaitable[Answer]])
#: Whether the gateway knows a member by the bare id.
KeepsPlainKey = TypeVar("KeepsPlainKey", bound=Callable[[str], bool | Awaitable[bool]])
#: What a site does with a notification.
NotificationHandler = TypeVar("NotificationHandler", bound=Callable[[Notification], object])
# What it cannot return, since that would be lost.
_ANSWERS = (BaseResponse, tuple, dict, str, CoroutineType, GeneratorType, AsyncGeneratorType)
#: How a site reads a notification itself: from the body and the headers.
NotificationReader = TypeVar(
    "NotificationReader", bound=Callable[[bytes, Headers], Notification | Awaitable[Notification]]
)

# The arguments of each hook, by the name of its decorator.
_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "member_loader": (),
    "click_guard": ("member", "entry"),
    "keeps_plain_key": ("member",),
    "notification_handler": ("notification",),
    "notification_reader": ("body", "headers"),
}


class Hooks:
    """The functions that a site registered, for all apps of one extension object."""

    def __init__(self) -> None:
        self._given: dict[str, Callable[..., Any]] = {}
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
        check_arguments(name, function, _ARGUMENTS[name])
        there = self._given.get(name, function)
        if name == "notification_handler" and there != function:
            raise ConfigError(
                f"{name_of(there)} is already registered as the notification_handler. Call the"
                " new function from the registered function, or connect the new function to the"
                " signal notification_received. If the app has an application factory, register"
                " the handler once, outside of the factory."
            )
        self._given[name] = function
        # Found out once: it takes longer than most of these functions.
        self.functions[name] = _waited_for(name, function) if is_async(function) else function
        return function

    def keep_purchases(self, purchases: object) -> None:
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
    def asynchronous(self) -> list[str]:
        """The names of the decorators whose functions are ``async``."""
        return [name for name, given in self._given.items() if self.functions[name] is not given]

    def members_are_known(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return "member_loader" in self.functions or login_manager() is not None

    def current_member(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        It is what the loader says, else Flask-Login where the app uses it.

        :raises LinkError: when the loader returns something that is not a member's id. What the
            loader itself raises is the site's error and is passed on.
        """
        rehearsed = rehearsal()
        loader = (rehearsed and rehearsed.member_loader) or self.functions.get("member_loader")
        if loader is not None:
            source, found = "The member_loader", loader()
        elif login_manager() is not None:
            from flask_login import current_user

            source = "get_id() of Flask-Login's current_user"
            found = current_user.get_id() if current_user.is_authenticated else None
        else:
            return None
        try:
            return normalize_member(found)
        except LinkError as error:
            why = f"The function returned {_kind(found)}." if iscoroutine(found) else str(error)
            raise LinkError(f"{source} did not return a member's id. {why}", "member") from None

    def may_go(self, member: str, entry: Entry) -> bool | Response:
        """Ask the site whether a member may follow a link that lets them through.

        :return: True, False, or an answer of the site's own in place of ours.
        :raises ConfigError: when the site's function says anything else.
        """
        guard, rehearsed = self.functions.get("click_guard"), rehearsal()
        if rehearsed is not None:
            guard = rehearsed.click_guard or (guard if rehearsed.calls_guard else None)
        if guard is None:
            return True
        answer = guard(member, entry)
        if isinstance(answer, bool):
            return bool(answer)  # of a lazy proxy, what it stands for
        if isinstance(answer, BaseResponse | tuple):
            return make_response(answer)
        raise ConfigError(
            "click_guard must return True, False or a response, such as `redirect(...)` or"
            f" `(render_template(...), 403)`, got {_kind(answer)}."
        )

    def keeps_plain_key(self, member: str) -> bool:
        """Tell whether the gateway knows a member by the bare id.

        :raises ConfigError: when the site's function says neither True nor False.
        """
        if "keeps_plain_key" not in self.functions:
            return False
        answer = self.functions["keeps_plain_key"](member)
        if not isinstance(answer, bool):
            raise ConfigError(f"keeps_plain_key must return True or False, got {_kind(answer)}.")
        return answer

    def read_notification(
        self, body: bytes, headers: Headers, api_key: Secret[str]
    ) -> Notification | None:
        """Return the notification in a request, or None in a rehearsal.

        The site's ``notification_reader`` reads it, if there is one. What it raises is passed on.

        :raises NotificationError: the body is not a notification of the platform's for this key.
        :raises ConfigError: the site's reader returned something else than a notification.
        """
        rehearsed = rehearsal()
        if rehearsed is not None:
            rehearsed.received = body
            return None
        reader = self.functions.get("notification_reader")
        if reader is None:
            return parse_notification(body, api_key=api_key)
        notification = reader(body, headers)
        if not isinstance(notification, Notification):
            raise _said(
                f"notification_reader must return a Notification, got {_kind(notification)}."
            )
        return notification

    def handle(self, notification: Notification) -> None:
        """Give a notification to the site; what its ``notification_handler`` raises is passed on.

        :raises ConfigError: when it returns something that would be lost.
        """
        answer = self.functions["notification_handler"](notification)
        if answer is False or isinstance(answer, _ANSWERS):
            raise _said(
                f"notification_handler returned {_kind(answer)}. Return None if the notification"
                " was processed, and otherwise raise an exception."
            )


def _said(problem: str) -> ConfigError:
    """Log *problem* and return an error of it: where a callback fails, only its class is logged."""
    complain(problem)
    return ConfigError(problem)


def _waited_for(name: str, function: Callable[..., Any]) -> Callable[..., object]:
    async def call(*arguments: Any) -> object:
        return await function(*arguments)

    @wraps(function, updated=())
    def waited_for(*arguments: Any) -> object:
        try:
            run = current_app.ensure_sync(call)
        except RuntimeError:
            raise _said(
                f'"{name}" is async, but the "async" extra of Flask is not installed. Run'
                " `pip install 'flask[async]'`."
            ) from None
        return run(*arguments)

    return waited_for


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether what a function or a callable object returns has to be awaited."""
    return any(map(iscoroutinefunction, (function, type(function).__call__)))


def can_wait() -> bool:
    """Tell whether the current app can call functions that are ``async``."""
    try:
        current_app.ensure_sync(asyncio.sleep)
    except RuntimeError:
        return False
    return True


def check_arguments(name: str, function: Callable[..., object], arguments: tuple[str, ...]) -> None:
    """Check that a function of the site's takes the arguments with which it will be called.

    :param arguments: their names.
    :raises ConfigError: it does not.
    """
    try:
        expected = signature(function)
    except Exception:  # of a function in C, or a proxy without its object
        return
    try:
        expected.bind(*arguments)
    except TypeError as error:
        given = f"with the arguments ({', '.join(arguments)})" if arguments else "without arguments"
        raise ConfigError(
            f'"{name}" is called {given}, but {name_of(function)} cannot be called this way'
            f" ({error}). Change the parameters of this function."
        ) from None


def _kind(answer: object) -> str:
    """Return the kind of an answer of the site's: its text may be somebody's data."""
    if iscoroutine(answer):
        answer.close()
        return "a coroutine that is never awaited. Register the async function itself"
    return "None" if answer is None else f"{type(answer).__name__}"


def login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)
