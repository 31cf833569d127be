"""The functions by which a site tells of its members, and hears of their purchases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutine, iscoroutinefunction, signature
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

from flask import Response, current_app, make_response
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from ..errors import ConfigError, LinkError
from ..gateway.notifications import Notification
from ..links.members import MemberId, normalize_member
from ..links.tokens import Entry
from .log import complain, name_of
from .rehearsal import rehearsal

#: Who is logged in.
MemberLoader = Callable[[], MemberId | Awaitable[MemberId | None] | None]
#: Whether a member may go: True, False, or an answer in place of the extension's.
Answer = bool | BaseResponse | tuple[Any, ...]
ClickGuard = Callable[[str, Entry], Answer | Awaitable[Answer]]
#: Whether the gateway knows a member by the bare id.
KeepsPlainKey = Callable[[str], bool | Awaitable[bool]]
#: What a site does with a notification, and what it returns that would mean nothing here.
NotificationHandler = Callable[[Notification], object]
_ANSWERS = (BaseResponse, tuple, dict, str, CoroutineType, GeneratorType, AsyncGeneratorType)
#: How a site reads a notification itself: from the body and the headers.
NotificationReader = Callable[[bytes, Headers], Notification | Awaitable[Notification]]


class Hooks:
    """The functions that a site registered, for all apps of one extension object."""

    def __init__(self) -> None:
        self._member_loader: Callable[[], object] | None = None
        self._click_guard: Callable[[str, Entry], object] | None = None
        self._keeps_plain_key: Callable[[str], object] | None = None
        self._notification_handler: NotificationHandler | None = None
        #: The names of those that are ``async``.
        self.asynchronous: list[str] = []
        #: Gives a notification to the site; what its handler raises is passed on.
        self.handle: Callable[[Notification], None] | None = None
        #: Reads a notification in the site's own way; what its reader raises is passed on.
        self.read: Callable[[bytes, Headers], Notification] | None = None

    def register_member_loader(self, loader: MemberLoader) -> None:
        """Ask this function who is logged in.

        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        self._member_loader = self._callable("member_loader", loader, ())

    def register_click_guard(self, guard: ClickGuard) -> None:
        """Ask this function who may go.

        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        self._click_guard = self._callable("click_guard", guard, ("member", "entry"))

    def register_keeps_plain_key(self, keeps_plain_key: KeepsPlainKey) -> None:
        """Ask this function who keeps the bare id.

        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        self._keeps_plain_key = self._callable("keeps_plain_key", keeps_plain_key, ("member",))

    def register_notification_handler(self, handler: NotificationHandler) -> None:
        """Give notifications to this function.

        :raises ConfigError: when it is not a function, takes other arguments, or is a second one.
        """
        if self.handle is not None:
            if handler == self._notification_handler:
                return
            raise ConfigError(
                f"There is a notification_handler already, {name_of(self._notification_handler)}:"
                " call the other function from it, or connect that to the signal"
                " notification_received. In an application factory, register it once, outside."
            )
        self.handle = _handling(self._callable("notification_handler", handler, ("notification",)))
        self._notification_handler = handler

    def register_notification_reader(self, reader: NotificationReader) -> None:
        """Have notifications read by this function.

        :raises ConfigError: when it is not a function, or takes other arguments.
        """
        self.read = _reading(self._callable("notification_reader", reader, ("body", "headers")))

    def _callable(
        self, name: str, function: Callable[..., object], arguments: tuple[str, ...]
    ) -> Callable[..., object]:
        """Return a function of the site's as it is called: one that is ``async`` is waited for."""
        if not callable(function):
            raise ConfigError(f"{name} takes a function, not {type(function).__name__}.")
        check_arguments(name, function, arguments)
        # Looking for coroutines takes longer than most of these functions: not at each call.
        if not any(map(iscoroutinefunction, (function, type(function).__call__))):
            return function
        self.asynchronous.append(name)
        return _waited_for(name, function)

    @property
    def member_loader(self) -> Callable[[], object] | None:
        """The site's own function that says who is logged in."""
        return self._member_loader

    @property
    def plain_key_rule(self) -> Callable[[str], object] | None:
        """The site's own function that says whom the gateway knows by the bare id."""
        return self._keeps_plain_key

    @property
    def has_click_guard(self) -> bool:
        """Whether the site says who may go."""
        return self._click_guard is not None

    def members_are_known(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return self._member_loader is not None or login_manager() is not None

    def current_member(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        It is what the loader says, else Flask-Login where the app uses it.

        :raises LinkError: when the loader returns something that is not a member's id. What the
            loader itself raises is the site's error and is passed on.
        """
        rehearsed = rehearsal()
        played = None if rehearsed is None else rehearsed.member_loader
        loader = played or self._member_loader
        if loader is not None:
            return _member_from("The member_loader", loader())
        if login_manager() is not None:
            from flask_login import current_user

            found = current_user.get_id() if current_user.is_authenticated else None
            return _member_from("get_id() of Flask-Login's current_user", found)
        return None

    def may_go(self, member: str, entry: Entry) -> bool | Response:
        """Ask the site whether a member may follow a link that lets them through.

        :return: True, False, or an answer of the site's own in place of ours.
        :raises ConfigError: when the site's function says anything else.
        """
        guard, rehearsed = self._click_guard, rehearsal()
        if rehearsed is not None:
            guard = rehearsed.click_guard or (guard if rehearsed.aloud else None)
        if guard is None:
            return True
        answer = guard(member, entry)
        if isinstance(answer, bool):
            return bool(answer)  # of a lazy proxy, what it stands for
        if isinstance(answer, BaseResponse | tuple):
            return make_response(answer)
        raise ConfigError(
            "click_guard must return True, False or a response, such as redirect(...) or"
            f" (render_template(...), 403), not {_kind(answer)}."
        )

    def keeps_plain_key(self, member: str) -> bool:
        """Tell whether the gateway knows a member by the bare id.

        :raises ConfigError: when the site's function says neither True nor False.
        """
        if self._keeps_plain_key is None:
            return False
        answer = self._keeps_plain_key(member)
        if not isinstance(answer, bool):
            raise ConfigError(f"keeps_plain_key must return True or False, not {_kind(answer)}.")
        return answer


def _reading(read: Callable[..., object]) -> Callable[[bytes, Headers], Notification]:
    """Return a reader of notifications that returns one."""

    def read_one(body: bytes, headers: Headers) -> Notification:
        notification = read(body, headers)
        if not isinstance(notification, Notification):
            raise _said(
                f"notification_reader must return a Notification, not {_kind(notification)}."
            )
        return notification

    return read_one


def _handling(handle: Callable[..., object]) -> Callable[[Notification], None]:
    """Return a handler of notifications that is done when it returns."""

    def handle_one(notification: Notification) -> None:
        answer = handle(notification)
        # Whoever returns these means something by it that would be lost.
        if answer is False or isinstance(answer, _ANSWERS):
            raise _said(
                f"notification_handler returned {_kind(answer)}. It says that it is done by"
                " returning, None for instance, and that it is not by raising an exception."
            )

    return handle_one


def _said(problem: str) -> ConfigError:
    """Return an error, and say it in the log: what is said of what fails there is its class."""
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
                f"{name} is async, which needs an extra of Flask's: pip install 'flask[async]'."
            ) from None
        return run(*arguments)

    return waited_for


def can_wait() -> bool:
    """Tell whether the current app can call functions that are ``async``."""

    async def nothing() -> None: ...

    try:
        current_app.ensure_sync(nothing)
    except RuntimeError:
        return False
    return True


def check_arguments(name: str, function: Callable[..., object], arguments: tuple[str, ...]) -> None:
    """See that a function of the site's can be called as it will be.

    :param arguments: the names of what it is given.
    :raises ConfigError: it takes something else.
    """
    try:
        expected = signature(function)
    except Exception:  # of what is written in C, or a proxy that stands for nothing now
        return
    try:
        expected.bind(*arguments)
    except TypeError as error:
        given = f"with {' and '.join(arguments)}" if arguments else "without arguments"
        raise ConfigError(
            f"{name} is called {given}, and {name_of(function)} does not take that: {error}."
        ) from None


def _kind(answer: object) -> str:
    """Say what a function of the site's returned, without what may be somebody's data."""
    if iscoroutine(answer):
        answer.close()
        return "a coroutine, which nobody awaits: register the async function itself"
    return "None" if answer is None else f"{type(answer).__name__}"


def _member_from(source: str, found: object) -> str | None:
    try:
        return normalize_member(found)
    except LinkError as error:
        why = f"It returned {_kind(found)}." if iscoroutine(found) else str(error)
        raise LinkError(f"{source} did not return a member's id. {why}", "member") from None


def login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)
