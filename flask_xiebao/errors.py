"""The exceptions of Flask-Xiebao. All of them derive from :exc:`XiebaoError`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from .deprecated import DeprecatedAlias


class XiebaoError(Exception):
    """The base class of all exceptions that Flask-Xiebao raises."""


class ConfigError(XiebaoError):
    """The app is not configured correctly.

    :ivar problems: The problem with each wrong setting and the expected value, by the setting's
        name. Empty if the error is not about settings.
    :ivar app: The app that was rejected, or None.
    """

    #: The app that ``init_app`` rejected with this ConfigError. None if other code raised this
    #: ConfigError. If the site's code cannot be loaded because of this ConfigError, the command
    #: ``flask xiebao doctor`` reads the settings of the rejected app.
    app: Any = None

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # Do not pickle the app, because it can be used only in this process.
        return type(self), (str(self), self.problems)

    @classmethod
    def about(cls, setting: str, problem: str) -> ConfigError:
        """Return a ConfigError about a problem with one setting.

        :param problem: The problem with the setting, as a text that continues the setting's name.
        """
        return cls(f"{setting} {problem}", {setting: problem})


class GatewayError(XiebaoError):
    """A gateway URL cannot be built.

    :ivar parameter: The invalid parameter, as the interface document spells it, or an argument that
        the document does not have. None if the error is about neither.
    """

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class LinkError(XiebaoError):
    """A link cannot be built from the given arguments, or a link's token is invalid.

    :ivar argument: The invalid argument, or None.
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class TokenError(LinkError):
    """A link's token is malformed, not signed by this site, or signed for another kind of link.

    :ivar cause: The cause, a key of :data:`.links.access_rules.REFUSALS`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__("The link was not made by this site, or it was changed.")
        self.cause = cause


class UnknownSiteUrlError(LinkError):
    """The site's URL is not configured, so no link can be built outside of a request.

    The error does not depend on the arguments of the link.
    """


#: The possible values of ``NotificationError.reason``.
NotificationErrorReason = Literal["too_large", "malformed", "wrong_sign", "wrong_field"]


class NotificationError(XiebaoError):
    """A notification cannot be read, or was not signed with the partner account's API key.

    The message contains neither the key nor the ``sign`` nor any data about a person.

    :ivar reason: ``too_large``, ``malformed`` (not the expected JSON), ``wrong_sign`` or
        ``wrong_field`` (the gateway signed the notification, but a field is missing or invalid).
    """

    def __init__(self, message: str, reason: NotificationErrorReason = "malformed") -> None:
        super().__init__(message)
        self.reason = reason


class OrderError(XiebaoError):
    """An order query failed.

    :ivar code: The gateway's ``respCode``, or None if the gateway returned no readable response.
    :ivar gateway_message: The gateway's ``respMsg`` in Chinese, or ``""`` if there is none. The
        error's message is logged and omits the ``respMsg``, because it may name a person.
    """

    def __init__(self, message: str, code: int | None = None, gateway_message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.gateway_message = gateway_message

    # The deprecated name of the attribute gateway_message.
    said = DeprecatedAlias("gateway_message")


class OrderBehindError(OrderError):
    """An order query does not show a notified change yet. The gateway must notify again later.

    :ivar behind_for: The lag: the time since the order query was first found to be behind.
    :ivar is_in_progress: True if the order query shows that the change is in progress, such as a
        surrender (退保中), which may last for days.
    """

    def __init__(
        self, message: str, behind_for: timedelta = timedelta(), *, is_in_progress: bool = False
    ) -> None:
        super().__init__(message)
        self.behind_for = behind_for
        self.is_in_progress = is_in_progress
