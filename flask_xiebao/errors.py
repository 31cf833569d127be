"""What can go wrong. Catch :exc:`XiebaoError` to catch everything this package raises."""

from __future__ import annotations


class XiebaoError(Exception):
    """Base of every error raised by Flask-Xiebao."""


class ConfigError(XiebaoError):
    """The app is configured wrongly: the message lists every setting and what it should be."""


class GatewayError(XiebaoError):
    """A gateway URL cannot be built: the message names the parameter as the document spells it."""


class LinkError(XiebaoError):
    """A link cannot be made from these arguments, or a token is not one of ours."""
