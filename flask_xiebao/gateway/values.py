"""Values that go into a URL or stay secret: how they are hidden, shown and checked.

A check that fails raises :exc:`WrongValueError`, whose text goes on after the value's name. Callers
know the name, and turn it into one of the package's public errors with :func:`checked`.
"""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any, Generic, NoReturn, TypeGuard, TypeVar
from urllib.parse import urlsplit

from ..errors import XiebaoError

T = TypeVar("T")
U = TypeVar("U")

_VALID_HOST = re.compile(r"[a-z0-9_.-]+|[a-f0-9:.]+")
# Matches nearly every valid URL and no invalid one. Splitting every URL instead would take 11 % of
# a click with return_to.
_SIMPLE_URL = re.compile(
    r"https?://[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*(:[1-9][0-9]{0,3})?"
    r"([/?#][!-\[\]-~]*)?"
)
_MAX_INTEGER_BITS = 256  # more than any id has; Python refuses to print far larger numbers
# The most characters of a value and of a whole URL. Servers accept fewer; this bounds our caches.
_MAX_TEXT_LENGTH, _MAX_URL_LENGTH = 2000, 8000
_MAX_REPR_LENGTH = 60
# Of a text from somebody else: how many characters are shown, and how many are searched for
# secrets, so that none is shown in part.
_MAX_UNTRUSTED_LENGTH, _MAX_SEARCHED_LENGTH = 200, 2000
#: The most bytes of a member's id. Each link has room for them: it may get a member at its handoff.
MAX_MEMBER_ID_BYTES = 256
#: The number of characters that may come before the id in a key; see :class:`.MemberKeys`.
KEY_PREFIX_LENGTH = 16


class WrongValueError(ValueError):
    """A value is not what it should be; the text says so without showing a secret.

    Checks pass on what a value's own code raises, such as that of a lazy proxy; :meth:`Secret.map`
    makes this error of it, since its text may hold the secret.
    """


class Secret(Generic[T]):
    """Hides a value from logs, tracebacks and ``repr``, which show a placeholder instead.

    Error reports show the local variables of each frame, so a secret is hidden first and checked
    afterwards, with :meth:`map`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<secret>"

    def __deepcopy__(self, memo: object) -> Secret[T]:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An object that holds a secret, such as the API key, cannot be pickled. Create the"
            " object again where you need it."
        )

    def reveal(self) -> T:
        """Return the hidden value."""
        return self._value

    def map(self, convert: Callable[[T], U]) -> Secret[U]:
        """Return the result of *change*, hidden as well.

        Errors leave without the frames of *change*, whose variables may hold the hidden value.

        :raises WrongValueError: *change* raises it, or some other exception, whose text may hold
            the hidden value: then only its type is named. A :exc:`.XiebaoError`, or an exception
            that ends the process, is raised as it is.
        """
        try:
            return Secret(convert(self._value))
        except BaseException as error:
            failed = error
        if isinstance(failed, Exception) and not isinstance(failed, WrongValueError | XiebaoError):
            failed = WrongValueError(
                f"cannot be read because of the exception {type(failed).__name__}. Fix the code"
                " that raises this exception."
            )
        failed.__cause__ = failed.__context__ = None
        raise failed.with_traceback(None)


def check_named_value(
    name: str,
    check: Callable[[Any], T],
    value: object,
    error_class: Callable[..., Exception],
    *error_args: str,
) -> T:
    """Return what *check* makes of a value.

    :param name: what the value is called in the text of the error.
    :param make_error: makes the error of a wrong value, from its text and *details*.
    """
    try:
        return check(value)
    except WrongValueError as error:
        raise error_class(f"{name} {error}", *error_args) from None


def compute_sign(api_key: str, signed_data: bytes) -> str:
    """Return ``md5(apiKey + said)``: 32 lower-case hex digits."""
    return hashlib.md5(api_key.encode() + signed_data, usedforsecurity=False).hexdigest()


def get_plain_string(value: str | int) -> str:
    """Return what *value* says, as a plain string.

    It may be a lazy proxy or an enum that is text or a number: str() would name the latter.
    """
    if type(value) is str:
        return value
    return "".join(value) if isinstance(value, str) else str(int(value))


def is_integer_in_range(value: object, minimum: int, maximum: float = math.inf) -> TypeGuard[int]:
    """Tell whether *value* is a whole number from *least* to *most*; bools do not count."""
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum


def format_short_repr(value: object) -> str:
    """Return how a message shows what was given. It is not for secrets."""
    try:
        text = repr(value)
    except Exception:  # such as of a number of thousands of digits
        return f"an unprintable {type(value).__name__}"
    return text if len(text) <= _MAX_REPR_LENGTH else f"{text[:_MAX_REPR_LENGTH]}…"


def format_untrusted_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text from somebody else as a log can show it: short, printable and on one line.

    :param secrets: texts to replace by ``***``.
    """
    text = text[:_MAX_SEARCHED_LENGTH]
    for secret in filter(None, secrets):
        text = build_any_encoding_pattern(secret).sub("***", text)
    text = "".join(
        mark if mark.isprintable() else " " for mark in text[: _MAX_UNTRUSTED_LENGTH + 1]
    )
    return text if len(text) <= _MAX_UNTRUSTED_LENGTH else f"{text[: _MAX_UNTRUSTED_LENGTH - 1]}…"


def build_any_encoding_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern that finds a text in any case, percent-encoded repeatedly, or as HTML."""
    return re.compile("".join(map(_build_any_encoding_character_pattern, text)), re.IGNORECASE)


def _build_any_encoding_character_pattern(character: str) -> str:
    # No two alternatives match the same text, or a near miss would take exponential time.
    either = {character.lower(), character.upper()}
    escaped = ("".join(f"%(?:25)*{byte:02x}" for byte in each.encode()) for each in either)
    numbers = (f"&#(?:0*{ord(each)}|x0*{ord(each):x});" for each in either if len(each) == 1)
    named = sorted({re.escape(character), re.escape(html.escape(character))})
    plus = [r"\+"] * (character == " ")
    return f"(?:{'|'.join([*named, *plus, *escaped, *numbers])})"


def normalize_id(value: object, max_bytes: int = MAX_MEMBER_ID_BYTES) -> str:
    """Return *value* as the text of a member's id.

    :param longest: how many bytes it may have.
    :raises WrongValueError: when a URL cannot carry it, it has white space at its ends, or it is
        too long.
    """
    text = normalize_text(value)
    if text != text.strip():
        raise WrongValueError("has leading or trailing whitespace. Remove the whitespace.")
    length = len(text.encode())
    if length > max_bytes:
        raise WrongValueError(f"must have at most {max_bytes} bytes, got {length:,}.")
    return text


def normalize_member_key_or_none(
    value: object, max_bytes: int = MAX_MEMBER_ID_BYTES + KEY_PREFIX_LENGTH
) -> str | None:
    """Return a ``partnerUniqKey`` that came from outside; None for one that no member can have.

    Every member knows the sign, and so can choose any key.

    :param longest: how many bytes it may have.
    """
    try:
        return normalize_id(value, max_bytes)
    except WrongValueError:
        return None


def normalize_text(value: object, max_length: int = _MAX_TEXT_LENGTH) -> str:
    """Return *value* as the text that a query parameter can carry.

    :param value: text, or a whole number, which becomes its digits.
    :param longest: how many characters it may have.
    :raises WrongValueError: when it is empty, blank, unprintable, too long or of another type.
    """
    text = value if type(value) is str else _convert_to_text(value)
    if not text.strip():
        raise WrongValueError("is empty or contains only whitespace. Provide a value.")
    if len(text) > max_length:
        raise WrongValueError(f"must have at most {max_length:,} characters, got {len(text):,}.")
    if not text.isprintable():
        [mark, *_] = (mark for mark in text if not mark.isprintable())
        raise WrongValueError(
            f"contains the unprintable character U+{ord(mark):04X}. Remove this character."
        )
    return text


def normalize_application_number(value: object) -> str:
    """Return *value* as an application number (投保单号), without the padding of CHAR(n) columns.

    :raises WrongValueError: as :func:`check_text` has it, or there is white space in it.
    """
    text = normalize_text(value).strip()
    if " " in text:
        raise WrongValueError("must be a single application number, without spaces.")
    return text


def _convert_to_text(value: object) -> str:
    # isinstance() asks a lazy proxy for its class, `is None` does not.
    if isinstance(value, NoneType):
        raise WrongValueError(
            "is None, for example because of a NULL in a database. Provide a value."
        )
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongValueError(f"must be a string or an integer, got {type(value).__name__}.")
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        raise WrongValueError(
            f"must be an integer of at most {_MAX_INTEGER_BITS} bits. Use a string instead."
        )
    return get_plain_string(value)


def check_web_url(value: object) -> str:
    """Return *value* if it is an absolute http(s) URL.

    :raises WrongValueError: when it is anything else, or has a user name.
    """
    text = normalize_text(value, _MAX_URL_LENGTH)
    if _SIMPLE_URL.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
        # An invalid port, and a host that DNS cannot have, raise when they are asked for.
        host = (parts.hostname or "").encode("idna").decode()
        is_web = (
            parts.scheme in ("http", "https") and _VALID_HOST.fullmatch(host) and parts.port != 0
        )
    except ValueError:
        is_web = False
    if not is_web or " " in text or "\\" in text:
        raise WrongValueError("must be an absolute http:// or https:// URL.")
    if "@" in parts.netloc:  # localhost:80@evil.example is evil.example
        raise WrongValueError(
            "must not contain a user name or password before the host. Remove these credentials."
        )
    return text


def normalize_url_or_path(value: object) -> str:
    """Return an http(s) URL or a path without the slash at its end, so that paths can be added.

    :raises WrongValueError: when it is neither, or has a query, a fragment or credentials.
    """
    text = normalize_text(value)
    if not text.startswith("/") or text.startswith("//"):
        check_web_url(text)
    if any(mark in text for mark in "?#@\\ "):
        raise WrongValueError(
            'must not contain "?", "#", "@", "\\" or a space. Remove any query, fragment or'
            " credentials."
        )
    return text.rstrip("/") or "/"
