"""What can go wrong. :exc:`XiebaoError` is the base of all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from .deprecated import RenamedAttribute


class XiebaoError(Exception):
    """Base of every error raised by Flask-Xiebao."""


class ConfigError(XiebaoError):
    """The app is configured wrongly.

    :ivar problems: what is wrong with each setting and what it should be, by the setting's name;
        empty where it is not about settings.
    :ivar app: the app that was refused, or None.
    """

    #: Set by ``init_app``: ``doctor`` reads the settings of an app that did not load from it.
    app: Any = None

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the app, which stays in its process.
        return type(self), (str(self), self.problems)

    @classmethod
    def about(cls, setting: str, problem: str) -> ConfigError:
        """Return the error of one setting.

        :param problem: what is wrong with it, as it follows on its name.
        """
        return cls(f"{setting} {problem}", {setting: problem})


class GatewayError(XiebaoError):
    """A gateway URL cannot be built.

    :ivar parameter: the parameter that is wrong, as the interface document spells it, or an
        argument that the document does not have; None where it is about neither.
    """

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class LinkError(XiebaoError):
    """A link cannot be made from these arguments, or a token is not one of ours.

    :ivar argument: the argument that is wrong, or None.
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class TokenError(LinkError):
    """A token is not one of this site's links.

    :ivar cause: why, as :data:`.links.admission.REFUSALS` explains it.
    """

    def __init__(self, cause: str) -> None:
        super().__init__("The link was not made by this site, or it was changed.")
        self.cause = cause


class UnknownSiteUrlError(LinkError):
    """Nothing says where the site is: wrong for every link, not for one."""


#: Why a notification is refused: see :exc:`NotificationError`.
NotificationErrorReason = Literal["too_large", "malformed", "wrong_sign", "wrong_field"]


class NotificationError(XiebaoError):
    """A notification is not one of the platform's for this account, or cannot be read.

    Its text shows neither key nor sign nor what the notification says of anybody.

    :ivar reason: ``too_large``, ``malformed`` (not the JSON that it should be), ``wrong_sign`` or
        ``wrong_field`` (signed by the platform, and something in it is missing or not as it should
        be).
    """

    def __init__(self, message: str, reason: NotificationErrorReason = "malformed") -> None:
        super().__init__(message)
        self.reason = reason


class OrderError(XiebaoError):
    """An order query failed.

    :ivar code: the gateway's own ``respCode``; None where it gave no answer that can be read.
    :ivar said: its ``respMsg``, in Chinese, where there is one. It is not in the text of the error,
        which is logged, since it may name somebody.
    """

    def __init__(self, message: str, code: int | None = None, gateway_message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.gateway_message = gateway_message

    # A deprecated name
    said = RenamedAttribute("gateway_message")


class OrderBehindError(OrderError):
    """The order query does not say yet what a notification says, which has to come again.

    :ivar behind_for: for how long that has been so.
    """

    def __init__(self, message: str, behind_for: timedelta = timedelta()) -> None:
        super().__init__(message)
        self.behind_for = behind_for
