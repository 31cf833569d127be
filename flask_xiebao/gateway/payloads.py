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

from .values import WrongValueError, is_integer_in_range, normalize_text

E = TypeVar("E", bound=IntEnum)
T = TypeVar("T")

#: Returns what the value of a field means.
#:
#: :raises WrongValueError: it is of another kind.
FieldParser: TypeAlias = Callable[[Any], T]

#: The platform's own time zone, which has no summer time.
CHINA_TIMEZONE = timezone(timedelta(hours=8), "UTC+8")

# No body of the platform comes near these limits. Beyond them, reading may exhaust the process.
_MAX_DEPTH, _MAX_NUMBER_LENGTH = 32, 64

# A surrogate pair, half of one (which is the group), or any other escape.
_JSON_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# What comes before a member's value in an object that is known to be valid.
_FIELD_NAME_AND_COLON = re.compile(r'[\s{,]*"(?:[^"\\]++|\\.)*+"\s*:\s*', re.DOTALL)
# A string, even one without an end, or a bracket. No character is looked at twice.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{\]}]', re.DOTALL)
_DEPTH_CHANGES = {"[": 1, "{": 1, "]": -1, "}": -1}


def replace_lone_surrogates(body: bytes) -> bytes:
    """Return JSON with U+FFFD for each half of a surrogate pair, where a text was cut in two."""
    return _JSON_ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Read one JSON object, with nothing after it.

    :raises WrongValueError: it is anything else; it is not strict UTF-8, has a name twice, half a
        surrogate pair or a number that JSON does not allow, or is nested too deeply.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise WrongValueError("must be encoded in UTF-8.") from None
    steps = (_DEPTH_CHANGES.get(found[0], 0) for found in _STRING_OR_BRACKET.finditer(text))
    if any(depth > _MAX_DEPTH for depth in accumulate(steps)):
        raise WrongValueError(f"must not be nested more than {_MAX_DEPTH} levels deep.")
    try:
        if not text.lstrip().startswith("{"):
            raise json.JSONDecodeError("Expecting {", text, 0)
        members: dict[str, Any] = _JSON_DECODER.decode(text)
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


def get_raw_json_values(body: bytes, field_names: Iterable[str]) -> dict[str, str]:
    """Return the members of an object as text, exactly as it was sent.

    :param body: what :func:`read_object` has read, and so accepted.
    :param names: the names of all its members, in their order.
    """
    text, at = body.decode(), 0
    texts = {}
    for name in field_names:
        start = _FIELD_NAME_AND_COLON.match(text, at).end()  # type: ignore[union-attr]
        _, at = _JSON_DECODER.raw_decode(text, start)
        texts[name] = text[start:at]
    return texts


def encode_compact_json(value: object, *, sort_keys: bool = False) -> bytes:
    """Return JSON without spaces, and without escapes for what is not ASCII."""
    return json.dumps(
        value,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=sort_keys,
        default=_convert_for_json,
    ).encode()


def _convert_for_json(value: object) -> object:
    """Return a value of JSON in place of one that JSON does not have."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()  # the same moment is the same
    return vars(value) if is_dataclass(value) else str(value)


def _build_dict_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise WrongValueError("must not contain an object with duplicate names.")
    return read


def _check_number_length(number_text: str) -> str:
    if len(number_text) > _MAX_NUMBER_LENGTH:
        raise WrongValueError(
            f"must not contain a number with more than {_MAX_NUMBER_LENGTH} characters."
        )
    return number_text


_JSON_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_dict_without_duplicates,
    parse_int=lambda number: int(_check_number_length(number)),
    parse_float=lambda number: float(_check_number_length(number)),
)


@dataclass(frozen=True, repr=False)
class JsonFields:
    """The fields of an object that the platform sent. What is null, blank or empty is left out.

    A field is read by a function that returns what a value means, or raises
    :exc:`.WrongValueError`; :func:`.check_text` and those below are such readers. Where the fields
    are lenient, what a reader refuses counts as left out.
    """

    values: Mapping[str, Any]
    is_lenient: bool = False

    def find_first_value(self, parse: FieldParser[T], *names: str) -> T | None:
        """Return the first of these fields that is not left out; None if all are."""
        for name in names:
            value = self.values.get(name)
            if value in (None, [], {}) or (isinstance(value, str) and not value.strip()):
                continue
            try:
                return parse(value)
            except WrongValueError as error:
                if not self.is_lenient:
                    raise WrongValueError(f'"{name}" {error}') from None
        return None

    def get_required_value(self, parse: FieldParser[T], name: str) -> T:
        """Return a field that must not be left out."""
        found = self.find_first_value(parse, name)
        if found is None:
            raise WrongValueError(f'"{name}" is missing.')
        return found

    def get_object(self, name: str) -> JsonFields:
        """Return the fields of an object; none where it is left out."""
        return JsonFields(self.find_first_value(_check_object, name) or {}, self.is_lenient)

    def get_object_list(self, name: str) -> list[JsonFields]:
        """Return the fields of each object of a list."""
        return [
            JsonFields(each, self.is_lenient)
            for each in self.find_first_value(_check_object_list, name) or []
        ]


def _build_checker(expected: str, is_valid: Callable[[Any], bool]) -> FieldParser[Any]:
    """Return a reader that returns a value as it is, and refuses what is not right.

    :param what: what it should be.
    """

    def check_field_value(value: Any) -> Any:
        if not is_valid(value):
            raise WrongValueError(f"must be {expected}.")
        return value

    return check_field_value


def _build_list_checker(item_type: type[Any], item_description: str) -> FieldParser[Any]:
    return _build_checker(
        f"a list of {item_description}",
        lambda value: (
            isinstance(value, list) and all(isinstance(each, item_type) for each in value)
        ),
    )


#: What somebody may read, line breaks included.
check_string: FieldParser[str] = _build_checker("a string", lambda value: isinstance(value, str))
#: A whole number, 0 or more.
check_non_negative_integer: FieldParser[int] = _build_checker(
    "a non-negative integer", lambda value: is_integer_in_range(value, 0)
)
#: A whole number that stands for something.
check_integer: FieldParser[int] = _build_checker(
    "an integer", lambda value: is_integer_in_range(value, -(2**63))
)
#: True or false.
check_boolean: FieldParser[bool] = _build_checker(
    "true or false", lambda value: isinstance(value, bool)
)
check_string_list: FieldParser[list[str]] = _build_list_checker(str, "strings")
#: A list whose members may be anything.
check_list: FieldParser[list[Any]] = _build_list_checker(object, "objects")
_check_object_list: FieldParser[list[dict[str, Any]]] = _build_list_checker(dict, "objects")
_check_object: FieldParser[dict[str, Any]] = _build_checker(
    "an object", lambda value: isinstance(value, dict)
)


def normalize_string_or_integer(value: Any) -> str:
    """Read what something is called; of a whole number, its digits."""
    return str(value) if is_integer_in_range(value, 0) else check_string(value)


def parse_china_time(value: Any) -> datetime:
    """Read a time, written ``yyyy-MM-dd HH:mm:ss`` in China time."""
    what = 'a time in the format "yyyy-MM-dd HH:mm:ss"'
    return _parse_datetime(normalize_text(value), "%Y-%m-%d %H:%M:%S", what).replace(
        tzinfo=CHINA_TIMEZONE
    )


def parse_date(value: Any) -> date:
    """Read a date, written ``yyyy-MM-dd``; a time that follows is passed over."""
    [written, *_] = re.split("[ T]", normalize_text(value))
    return _parse_datetime(written, "%Y-%m-%d", 'a date in the format "yyyy-MM-dd"').date()


def _parse_datetime(text: str, time_format: str, expected: str) -> datetime:
    try:
        return datetime.strptime(text, time_format)
    except ValueError:
        raise WrongValueError(f"must be {expected}.") from None


def build_enum_parser(enum_class: type[E]) -> FieldParser[E | int]:
    """Return a reader of numbers that are members of an enum, or have no name there."""
    return lambda value: get_enum_member_or_number(enum_class, check_integer(value))


def get_enum_member_or_number(enum_class: type[E], number: int) -> E | int:
    """Return the member of an enum, or the number as it is where the enum has none."""
    try:
        return enum_class(number)
    except ValueError:
        return number
