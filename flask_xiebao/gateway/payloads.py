"""What the platform sends: JSON that is read strictly, and the fields of its objects.

Errors are :exc:`.WrongValueError` and never show a value, which may be somebody's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum
from itertools import accumulate
from typing import Any, TypeAlias, TypeVar

from .values import WrongValueError, check_text, is_whole

E = TypeVar("E", bound=IntEnum)
T = TypeVar("T")

#: Returns what the value of a field means.
#:
#: :raises WrongValueError: it is of another kind.
Reader: TypeAlias = Callable[[Any], T]

#: The platform's own time zone, which has no summer time.
CHINA_TIME = timezone(timedelta(hours=8), "UTC+8")

# No body of the platform comes near these limits. Beyond them, reading may exhaust the process.
_DEEPEST, _LONGEST_NUMBER = 32, 64

# A surrogate pair, half of one (which is the group), or any other escape.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# What comes before a member's value in an object that is known to be valid.
_BEFORE_VALUE = re.compile(r'[\s{,]*"(?:[^"\\]++|\\.)*+"\s*:\s*', re.DOTALL)
# A string, even one without an end, or a bracket. No character is looked at twice.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{\]}]', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def whole_characters(body: bytes) -> bytes:
    """Return JSON with U+FFFD for each half of a surrogate pair, where a text was cut in two."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def read_object(body: bytes) -> dict[str, Any]:
    """Read one JSON object, with nothing after it.

    :raises WrongValueError: it is anything else; it is not strict UTF-8, has a name twice, half a
        surrogate pair or a number that JSON does not allow, or is nested too deeply.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise WrongValueError("must be encoded in UTF-8.") from None
    steps = (_STEPS.get(found[0], 0) for found in _BRACKETS.finditer(text))
    if any(depth > _DEEPEST for depth in accumulate(steps)):
        raise WrongValueError(f"must not be nested more than {_DEEPEST} levels deep.")
    try:
        if not text.lstrip().startswith("{"):
            raise json.JSONDecodeError("Expecting {", text, 0)
        members: dict[str, Any] = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise WrongValueError(
            f'must be a single JSON object. The JSON parser reports "{error.msg}" at character'
            f" {error.pos}."
        ) from None
    # Python reads more than strict JSON allows, but then cannot write it as strict JSON.
    try:
        json.dumps(members, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise WrongValueError("must not contain a string with half of a surrogate pair.") from None
    except ValueError:
        raise WrongValueError(
            "must not contain NaN, Infinity or a number that is too large for Python."
        ) from None
    return members


def texts_of(body: bytes, names: Iterable[str]) -> dict[str, str]:
    """Return the members of an object as text, exactly as it was sent.

    :param body: what :func:`read_object` has read, and so accepted.
    :param names: the names of all its members, in their order.
    """
    text, at = body.decode(), 0
    texts = {}
    for name in names:
        start = _BEFORE_VALUE.match(text, at).end()  # type: ignore[union-attr]
        _, at = _decoder.raw_decode(text, start)
        texts[name] = text[start:at]
    return texts


def compact(value: object, *, sort_names: bool = False) -> bytes:
    """Return JSON without spaces, and without escapes for what is not ASCII."""
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_names, default=_plain
    ).encode()


def _plain(value: object) -> object:
    """Return a value of JSON in place of one that JSON does not have."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()  # the same moment is the same
    return vars(value) if is_dataclass(value) else str(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise WrongValueError("must not contain an object with duplicate names.")
    return read


def _short(number: str) -> str:
    if len(number) > _LONGEST_NUMBER:
        raise WrongValueError(
            f"must not contain a number with more than {_LONGEST_NUMBER} characters."
        )
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=lambda number: int(_short(number)),
    parse_float=lambda number: float(_short(number)),
)


@dataclass(frozen=True, repr=False)
class Fields:
    """The fields of an object that the platform sent. What is null, blank or empty is left out.

    A field is read by a function that returns what a value means, or raises
    :exc:`.WrongValueError`; :func:`.check_text` and those below are such readers. Where the fields
    are lenient, what a reader refuses counts as left out.
    """

    values: Mapping[str, Any]
    is_lenient: bool = False

    def get(self, read: Reader[T], *names: str) -> T | None:
        """Return the first of these fields that is not left out; None if all are."""
        for name in names:
            value = self.values.get(name)
            if value in (None, [], {}) or (isinstance(value, str) and not value.strip()):
                continue
            try:
                return read(value)
            except WrongValueError as error:
                if not self.is_lenient:
                    raise WrongValueError(f'"{name}" {error}') from None
        return None

    def need(self, read: Reader[T], name: str) -> T:
        """Return a field that must not be left out."""
        found = self.get(read, name)
        if found is None:
            raise WrongValueError(f'"{name}" is missing.')
        return found

    def object(self, name: str) -> Fields:
        """Return the fields of an object; none where it is left out."""
        return Fields(self.get(_an_object, name) or {}, self.is_lenient)

    def objects(self, name: str) -> list[Fields]:
        """Return the fields of each object of a list."""
        return [Fields(each, self.is_lenient) for each in self.get(_objects, name) or []]


def _reader(what: str, is_right: Callable[[Any], bool]) -> Reader[Any]:
    """Return a reader that returns a value as it is, and refuses what is not right.

    :param what: what it should be.
    """

    def read(value: Any) -> Any:
        if not is_right(value):
            raise WrongValueError(f"must be {what}.")
        return value

    return read


def _list_reader(kind: type[Any], kinds: str) -> Reader[Any]:
    return _reader(
        f"a list of {kinds}",
        lambda value: isinstance(value, list) and all(isinstance(each, kind) for each in value),
    )


#: What somebody may read, line breaks included.
prose: Reader[str] = _reader("a string", lambda value: isinstance(value, str))
#: A whole number, 0 or more.
whole: Reader[int] = _reader("a non-negative integer", lambda value: is_whole(value, 0))
#: A whole number that stands for something.
code: Reader[int] = _reader("an integer", lambda value: is_whole(value, -(2**63)))
#: True or false.
flag: Reader[bool] = _reader("true or false", lambda value: isinstance(value, bool))
texts: Reader[list[str]] = _list_reader(str, "strings")
#: A list whose members may be anything.
rows: Reader[list[Any]] = _list_reader(object, "objects")
_objects: Reader[list[dict[str, Any]]] = _list_reader(dict, "objects")
_an_object: Reader[dict[str, Any]] = _reader("an object", lambda value: isinstance(value, dict))


def label(value: Any) -> str:
    """Read what something is called; of a whole number, its digits."""
    return str(value) if is_whole(value, 0) else prose(value)


def moment(value: Any) -> datetime:
    """Read a time, written ``yyyy-MM-dd HH:mm:ss`` in China time."""
    what = 'a time in the format "yyyy-MM-dd HH:mm:ss"'
    return _time(check_text(value), "%Y-%m-%d %H:%M:%S", what).replace(tzinfo=CHINA_TIME)


def day(value: Any) -> date:
    """Read a date, written ``yyyy-MM-dd``; a time that follows is passed over."""
    [written, *_] = re.split("[ T]", check_text(value))
    return _time(written, "%Y-%m-%d", 'a date in the format "yyyy-MM-dd"').date()


def _time(written: str, layout: str, what: str) -> datetime:
    try:
        return datetime.strptime(written, layout)
    except ValueError:
        raise WrongValueError(f"must be {what}.") from None


def named(kind: type[E]) -> Reader[E | int]:
    """Return a reader of numbers that are members of an enum, or have no name there."""
    return lambda value: known(kind, code(value))


def known(kind: type[E], number: int) -> E | int:
    """Return the member of an enum, or the number as it is where the enum has none."""
    try:
        return kind(number)
    except ValueError:
        return number
