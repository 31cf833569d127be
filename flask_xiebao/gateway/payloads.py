"""What the platform sends: JSON that is read strictly, and the fields of its objects.

What is wrong is a :exc:`.WrongValueError` that never shows a value: it may be somebody's name.
Nothing here uses Flask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from .values import WrongValueError, check_text, is_whole

E = TypeVar("E", bound=IntEnum)
T = TypeVar("T")

#: The platform's own time zone, which has no summer time.
CHINA_TIME = timezone(timedelta(hours=8), "UTC+8")

# No body of the platform's comes near them; what goes beyond may exhaust who reads it.
_DEEPEST, _LONGEST_NUMBER = 32, 64

# A whole pair, half of one, or anything else that is escaped.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\n\r]*")
# A string, also one without an end, or a bracket: every mark is looked at once.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{\]}]', re.DOTALL)


class Sent(NamedTuple):
    """A member of an object, and its text as it was sent."""

    value: Any
    text: str


def whole_characters(body: bytes) -> bytes:
    """Return JSON with U+FFFD for each half of a surrogate pair, as of a text that was cut."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def read_object(body: bytes) -> dict[str, Sent]:
    """Read one JSON object, with nothing after it.

    :raises WrongValueError: it is anything else; it is not strict UTF-8, has a name twice, half of
        a surrogate pair or a number that is none, or is nested too deeply.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise WrongValueError("must be UTF-8.") from None
    _check_nesting(text)
    try:
        members = dict(_pairs(text))
        compact({name: member.value for name, member in members.items()})
    except UnicodeEncodeError:
        raise WrongValueError("has half of a surrogate pair in a string.") from None
    except json.JSONDecodeError as error:
        raise WrongValueError(f"must be one JSON object: {error.msg} at {error.pos}.") from None
    return members


def compact(value: object, *, sort_names: bool = False) -> bytes:
    """Return JSON without spaces, its characters as they are."""
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_names, default=_plain
    ).encode()


def _plain(value: object) -> object:
    """Return what JSON can say of a value that no JSON has."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()  # the same moment is the same
    return vars(value) if is_dataclass(value) else str(value)


def _check_nesting(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > _DEEPEST:
            raise WrongValueError(f"must not be nested more than {_DEEPEST} deep.")


def _pairs(text: str) -> Iterator[tuple[str, Sent]]:
    """Go through the members of the object that a text is."""
    names = set()
    at = _after(text, 0, "{")
    more = text[at : at + 1] != "}"
    while more:
        start = at
        name, end = _decoder.raw_decode(text, at)
        if not isinstance(name, str):
            raise json.JSONDecodeError("Expecting a name", text, start)
        if name in names:
            raise WrongValueError("must not have a name twice.")
        names.add(name)
        at = _after(text, end, ":")
        value, end = _decoder.raw_decode(text, at)
        yield name, Sent(value, text[at:end])
        at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
        if more := text[at : at + 1] == ",":
            at = _after(text, at, ",")
    if (end := _after(text, at, "}")) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)


def _after(text: str, at: int, mark: str) -> int:
    """Return where what follows on a mark begins; white space around it is passed over."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"Expecting {mark}", text, at)
    return _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise WrongValueError("must not have a name twice.")
    return read


def _number(kind: type[int] | type[float], text: str) -> int | float:
    if len(text) > _LONGEST_NUMBER:
        raise WrongValueError(f"must not have a number of more than {_LONGEST_NUMBER} characters.")
    number = kind(text)
    if number in (float("inf"), float("-inf")):
        _not_a_number(text)
    return number


def _not_a_number(_: str) -> None:
    raise WrongValueError("must not have NaN, Infinity or a number that is too large for Python.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=lambda text: _number(int, text),
    parse_float=lambda text: _number(float, text),
    parse_constant=_not_a_number,
)


def _reader(read: Callable[[Fields, str], T]) -> Callable[[Fields, str], T]:
    """Return a reader that takes what it cannot read for left out, where the fields are lenient."""

    @wraps(read)
    def read_leniently(self: Fields, name: str) -> T:
        try:
            return read(self, name)
        except WrongValueError:
            if not self.is_lenient:
                raise
            return read(Fields({}), name)

    return read_leniently


@dataclass(frozen=True, repr=False)
class Fields:
    """The fields of an object that the platform sent. What is null, blank or empty is left out.

    Each reader returns None for what is left out, and raises :exc:`.WrongValueError` for a value of
    another kind than its own; not where the fields are lenient.
    """

    values: Mapping[str, Any]
    is_lenient: bool = False

    def _get(self, name: str) -> Any:
        value = self.values.get(name)
        is_empty = value in (None, [], {}) or (isinstance(value, str) and not value.strip())
        return None if is_empty else value

    def require(self, *names: str) -> None:
        """Refuse an object without one of these fields."""
        for name in names:
            if self._get(name) is None:
                raise WrongValueError(f"{name} is missing.")

    @_reader
    def text(self, name: str) -> str | None:
        """Return a name or a number that can go into a URL; of a whole number, its digits."""
        value = self._get(name)
        try:
            return None if value is None else check_text(value)
        except WrongValueError as error:
            raise WrongValueError(f"{name} {error}") from None

    @_reader
    def name(self, name: str) -> str | None:
        """Return what something is called; of a whole number, its digits."""
        value = self._get(name)
        return str(value) if is_whole(value, 0) else self.prose(name)

    @_reader
    def prose(self, name: str) -> str | None:
        """Return what somebody may read, line breaks included."""
        value = self._get(name)
        if value is not None and not isinstance(value, str):
            raise WrongValueError(f"{name} must be text.")
        return value

    @_reader
    def whole(self, name: str) -> int | None:
        """Return a whole number, 0 or more."""
        value = self._get(name)
        if value is not None and not is_whole(value, 0):
            raise WrongValueError(f"{name} must be a whole number, 0 or more.")
        return value

    @_reader
    def code(self, name: str) -> int | None:
        """Return a whole number that stands for something."""
        value = self._get(name)
        if value is not None and not is_whole(value, -(2**63)):
            raise WrongValueError(f"{name} must be a whole number.")
        return value

    def is_true(self, name: str) -> bool:
        """Tell which of true and false it is."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise WrongValueError(f"{name} must be true or false.")
        return value

    @_reader
    def moment(self, name: str) -> datetime | None:
        """Return a time, written ``yyyy-MM-dd HH:mm:ss`` in China time."""
        written = self.text(name)
        if written is None:
            return None
        try:
            return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA_TIME)
        except ValueError:
            raise WrongValueError(f"{name} must be a time, yyyy-MM-dd HH:mm:ss.") from None

    @_reader
    def day(self, name: str) -> date | None:
        """Return a date, written ``yyyy-MM-dd``; a time that follows is passed over."""
        written = self.text(name)
        if written is None:
            return None
        try:
            return datetime.strptime(re.split("[ T]", written)[0], "%Y-%m-%d").date()
        except ValueError:
            raise WrongValueError(f"{name} must be a date, yyyy-MM-dd.") from None

    @_reader
    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        return tuple(self._list(name, str, "texts"))

    @_reader
    def objects(self, name: str) -> tuple[Fields, ...]:
        """Return the objects of a list."""
        return tuple(Fields(each, self.is_lenient) for each in self._list(name, dict, "objects"))

    def rows(self, name: str) -> list[Fields]:
        """Return the rows of a list, leniently; one that is not an object has no fields."""
        rows = self._list(name, object, "objects")
        return [Fields(row if isinstance(row, dict) else {}, is_lenient=True) for row in rows]

    @_reader
    def object(self, name: str) -> Fields:
        """Return an object; one without fields where it is left out."""
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise WrongValueError(f"{name} must be an object.")
        return Fields(value or {}, self.is_lenient)

    def _list(self, name: str, kind: type[Any], kinds: str) -> list[Any]:
        value = self._get(name)
        if value is None:
            return []
        if not (isinstance(value, list) and all(isinstance(each, kind) for each in value)):
            raise WrongValueError(f"{name} must be a list of {kinds}.")
        return value


def known(kind: type[E], number: int) -> E | int:
    """Return the member of an enum, or the number as it is where the enum has none."""
    try:
        return kind(number)
    except ValueError:
        return number
