"""The class ``Secret``, and functions that check and format values for URLs, messages and logs.

A check raises :exc:`WrongValueError` if a value is not valid. The message of this exception
continues the value's name. Callers know the name, and use :func:`check_named_value` to raise one of
the package's public exceptions instead.
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
# Matches nearly all valid URLs and no invalid URL. Only a URL that does not match is checked with
# urlsplit(), which is slow. If every URL were checked with urlsplit(), the checks would take 11 %
# of the time of a request for a link with a return URL.
_SIMPLE_URL = re.compile(
    r"https?://[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*(:[1-9][0-9]{0,3})?"
    r"([/?#][!-\[\]-~]*)?"
)
# The maximum size in bits of an integer that is used as an id. Sites do not use larger ids, and
# Python cannot convert a very large integer to a string.
_MAX_INTEGER_BITS = 256
# The maximum numbers of characters in a text and in a URL. These limits keep the package's caches
# small. Real texts are much shorter, and many servers do not accept URLs of this length.
_MAX_TEXT_LENGTH, _MAX_URL_LENGTH = 2000, 8000
_MAX_REPR_LENGTH = 60
# Two limits for an untrusted text in a message. The first is the maximum number of characters that
# are shown. The second is the maximum number of characters that are searched for secrets before the
# text is shortened. The second limit is larger, because a secret may begin in the shown part and
# end after it.
_MAX_UNTRUSTED_LENGTH, _MAX_SEARCHED_LENGTH = 200, 2000
#: The maximum size of a member's id, in bytes. The length limit of a link leaves room for an id of
#: this size, even if the link has no member. If a member on a PC clicks a link without a member,
#: the site may show a QR code for the phone. The QR code contains the link with the member's id
#: added.
MAX_MEMBER_ID_BYTES = 256
#: The length of the prefix before the id in a member's key. A key may also be the id without a
#: prefix; see :class:`.MemberKeyCodec`.
KEY_PREFIX_LENGTH = 16


class WrongValueError(ValueError):
    """A value is not valid. The caller puts the value's name before the message of this error.

    For example, the message "must be a string, got int." follows the name "page". The message
    contains no secret. A value such as a lazy proxy can run code that raises other exceptions.
    Checks do not catch them, but :meth:`Secret.map` raises this exception instead, because their
    messages may contain the secret.
    """


class Secret(Generic[T]):
    """A wrapper that hides a value from logs, tracebacks and ``repr``.

    They show a placeholder instead. Error reports show the local variables of each frame.
    Therefore, create the secret first, and use :meth:`map` to check the hidden value.
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
        """Apply *convert* to the hidden value, and return the result as another secret.

        Exceptions are raised without the frames of *convert*, because the local variables may
        contain the hidden value.

        :raises WrongValueError: if *convert* raises it, or raises another exception. The message
            then names only the type of the other exception, because its text may contain the
            hidden value. A :exc:`.XiebaoError`, or an exception that ends the process, is raised
            unchanged.
        """
        try:
            return Secret(convert(self._value))
        except BaseException as error:
            raised = error
        if isinstance(raised, Exception) and not isinstance(raised, WrongValueError | XiebaoError):
            raised = WrongValueError(
                f"cannot be read because of the exception {type(raised).__name__}. Fix the code"
                " that raises this exception."
            )
        raised.__cause__ = raised.__context__ = None
        raise raised.with_traceback(None)


def check_named_value(
    name: str,
    check: Callable[[Any], T],
    value: object,
    error_class: Callable[..., Exception],
    *error_args: str,
) -> T:
    """Return ``check(value)``, or raise an error whose message begins with the value's name.

    :param name: The name of the value, with which the message begins.
    :param error_class: The exception to raise in place of :exc:`WrongValueError`. It is called with
        the message and *error_args*.
    """
    try:
        return check(value)
    except WrongValueError as error:
        raise error_class(f"{name} {error}", *error_args) from None


def compute_sign(api_key: str, signed_data: bytes) -> str:
    """Return the signature ``md5(api_key + signed_data)`` as 32 lower-case hex digits."""
    return hashlib.md5(api_key.encode() + signed_data, usedforsecurity=False).hexdigest()


def convert_to_exact_str(value: str | int) -> str:
    """Return a string or an integer as an exact ``str``, not as an instance of a subclass.

    The value may be a lazy proxy, or an enum member that is a string or an integer.
    """
    if type(value) is str:
        return value
    # For an enum member, str() would return the name instead of the value.
    return "".join(value) if isinstance(value, str) else str(int(value))


def is_integer_in_range(value: object, minimum: int, maximum: float = math.inf) -> TypeGuard[int]:
    """Return True if *value* is an integer from *minimum* to *maximum*, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum


def format_short_repr(value: object) -> str:
    """Return the repr of a value for a message, cut after 60 characters. Do not pass secrets."""
    try:
        text = repr(value)
    # repr() may raise, for example if an integer has too many digits.
    except Exception:
        return f"an unprintable {type(value).__name__}"
    return text if len(text) <= _MAX_REPR_LENGTH else f"{text[:_MAX_REPR_LENGTH]}…"


def format_untrusted_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text from an external source as a short, printable line for a log or a message.

    :param secrets: The texts to replace by ``***``.
    """
    text = text[:_MAX_SEARCHED_LENGTH]
    for secret in filter(None, secrets):
        text = build_pattern_for_any_encoding(secret).sub("***", text)
    text = "".join(
        character if character.isprintable() else " "
        for character in text[: _MAX_UNTRUSTED_LENGTH + 1]
    )
    return text if len(text) <= _MAX_UNTRUSTED_LENGTH else f"{text[: _MAX_UNTRUSTED_LENGTH - 1]}…"


def build_pattern_for_any_encoding(text: str) -> re.Pattern[str]:
    """Return a case-insensitive pattern for a text in plain, percent-encoded or escaped form.

    The pattern matches the escapes of HTML and JSON, and text that was percent-encoded several
    times.
    """
    return re.compile("".join(map(_build_character_pattern, text)), re.IGNORECASE)


def _build_character_pattern(character: str) -> str:
    # No two alternatives of this regular expression may match the same text. Otherwise, a search in
    # a text that almost matches would take exponential time.
    cases = {character.lower(), character.upper()}
    percent_encoded = ("".join(f"%(?:25)*{byte:02x}" for byte in case.encode()) for case in cases)
    numeric = (f"&#(?:0*{ord(case)}|x0*{ord(case):x});" for case in cases if len(case) == 1)
    literal = sorted({re.escape(character), re.escape(html.escape(character))})
    plus = [r"\+"] * (character == " ")
    json_escapes = [rf"\\u{ord(case):04x}" for case in cases if len(case) == 1]
    escaped_slash = [r"\\/"] * (character == "/")
    alternatives = [*literal, *plus, *percent_encoded, *numeric, *json_escapes, *escaped_slash]
    return f"(?:{'|'.join(alternatives)})"


def normalize_member_id(value: object, max_bytes: int = MAX_MEMBER_ID_BYTES) -> str:
    """Return a member's id as text.

    :param max_bytes: The maximum size in bytes.
    :raises WrongValueError: if a URL cannot contain the id, the id has leading or trailing
        whitespace, or it is too long.
    """
    text = normalize_query_text(value)
    if text != text.strip():
        raise WrongValueError("has leading or trailing whitespace. Remove the whitespace.")
    length = len(text.encode())
    if length > max_bytes:
        raise WrongValueError(f"must have at most {max_bytes} bytes, got {length:,}.")
    return text


def normalize_member_key_or_none(
    value: object, max_bytes: int = MAX_MEMBER_ID_BYTES + KEY_PREFIX_LENGTH
) -> str | None:
    """Return a received ``partnerUniqKey`` as text, or None if no member can have this key.

    The key can be any text, because every member sees the ``sign`` and can send any key with it.

    :param max_bytes: The maximum size in bytes.
    """
    try:
        return normalize_member_id(value, max_bytes)
    except WrongValueError:
        return None


def normalize_query_text(value: object, max_length: int = _MAX_TEXT_LENGTH) -> str:
    """Return a string or an integer as text that a query parameter can contain.

    :param value: A string, or an integer that is converted to its digits.
    :param max_length: The maximum number of characters.
    :raises WrongValueError: if the value is empty, blank, unprintable, too long or of another type.
    """
    text = value if type(value) is str else _convert_to_text(value)
    if not text.strip():
        raise WrongValueError("is empty or contains only whitespace. Provide a value.")
    if len(text) > max_length:
        raise WrongValueError(f"must have at most {max_length:,} characters, got {len(text):,}.")
    if not text.isprintable():
        unprintable = next(character for character in text if not character.isprintable())
        raise WrongValueError(
            f"contains the unprintable character U+{ord(unprintable):04X}. Remove this character."
        )
    return text


def normalize_application_number(value: object) -> str:
    """Return an insurance application number (投保单号) as text, without surrounding spaces.

    A CHAR(n) column of a database pads the number with spaces.

    :raises WrongValueError: if :func:`normalize_query_text` rejects the value, or the value
        contains a space.
    """
    text = normalize_query_text(value).strip()
    if " " in text:
        raise WrongValueError("must be a single application number, without spaces.")
    return text


def _convert_to_text(value: object) -> str:
    # isinstance() also recognizes a lazy proxy of None. `is None` would not.
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
    return convert_to_exact_str(value)


def check_web_url(value: object) -> str:
    """Check that a value is an absolute http(s) URL, and return the URL as a string.

    :raises WrongValueError: if the value is anything else, or the URL has a user name or password.
    """
    text = normalize_query_text(value, _MAX_URL_LENGTH)
    if _SIMPLE_URL.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
        # An invalid port and a host that is not valid in DNS raise ValueError here.
        host = (parts.hostname or "").encode("idna").decode()
        is_web = (
            parts.scheme in ("http", "https") and _VALID_HOST.fullmatch(host) and parts.port != 0
        )
    except ValueError:
        is_web = False
    if not is_web or " " in text or "\\" in text:
        raise WrongValueError("must be an absolute http:// or https:// URL.")
    if "@" in parts.netloc:  # The host of http://localhost:80@evil.example is evil.example.
        raise WrongValueError(
            "must not contain a user name or password before the host. Remove these credentials."
        )
    return text


def normalize_url_or_path(value: object) -> str:
    """Return an http(s) URL or a path without trailing slashes, so that a path can be appended.

    The path ``/`` is returned unchanged.

    :raises WrongValueError: if the value is neither, or has a query, a fragment or credentials.
    """
    text = normalize_query_text(value)
    if not text.startswith("/") or text.startswith("//"):
        check_web_url(text)
    if any(character in text for character in "?#@\\ "):
        raise WrongValueError(
            'must not contain "?", "#", "@", "\\" or a space. Remove any query, fragment or'
            " credentials."
        )
    return text.rstrip("/") or "/"
