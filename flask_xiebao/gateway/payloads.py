"""Strict parsing of the gateway's JSON, and typed access to the fields of JSON objects.

Errors are raised as :exc:`.WrongValueError`. Their messages never contain a value, because the
value may be a person's name.
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

from .values import WrongValueError, is_integer_in_range, normalize_query_text

E = TypeVar("E", bound=IntEnum)
T = TypeVar("T")

#: A function that parses the value of a JSON field. It raises :exc:`.WrongValueError` if the
#: value is not valid.
FieldParser: TypeAlias = Callable[[Any], T]

#: The gateway's time zone, without daylight saving time.
CHINA_TIMEZONE = timezone(timedelta(hours=8), "UTC+8")

# The maximum nesting depth of a JSON message, and the maximum number of characters of a number in
# the message. The gateway's messages stay far below both limits. A message above a limit could use
# up the stack or the CPU time of the process.
_MAX_DEPTH, _MAX_NUMBER_LENGTH = 32, 64

# Matches one JSON escape: a surrogate pair, an unpaired surrogate (the only capturing group), or
# another escape such as "\n".
_JSON_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# Matches the name and the colon before the value of a JSON field, for example '"sign": '. The JSON
# must be valid.
_FIELD_NAME_AND_COLON = re.compile(r'[\s{,]*"(?:[^"\\]++|\\.)*+"\s*:\s*', re.DOTALL)
# Matches a bracket, a brace or a string in JSON. The closing quote of the string may be missing,
# because the JSON has not been parsed yet and may be invalid. The possessive quantifiers prevent
# backtracking.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[\[{\]}]', re.DOTALL)
_DEPTH_CHANGES = {"[": 1, "{": 1, "]": -1, "}": -1}


def parse_json_object(body: bytes) -> dict[str, Any]:
    """Parse a body strictly as JSON, and return its fields. The body must be a single object.

    U+FFFD replaces half of a surrogate pair. A text contains such a half if its sender has cut the
    text in the middle of an emoji.

    :raises WrongValueError: if the body is anything else, is not strict UTF-8, is nested too
        deeply, or contains a duplicate name, a number that JSON does not allow or a number that is
        too long.
    """
    try:
        text = _JSON_ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], body).decode()
    except UnicodeDecodeError:
        raise WrongValueError("must be encoded in UTF-8.") from None
    changes = (_DEPTH_CHANGES.get(match[0], 0) for match in _STRING_OR_BRACKET.finditer(text))
    if any(depth > _MAX_DEPTH for depth in accumulate(changes)):
        raise WrongValueError(f"must not be nested more than {_MAX_DEPTH} levels deep.")
    try:
        if not text.lstrip().startswith("{"):
            raise json.JSONDecodeError("Expecting {", text, 0)
        fields: dict[str, Any] = _JSON_DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise WrongValueError(
            f'must be a single JSON object. The JSON parser reports "{error.msg}" at character'
            f" {error.pos}."
        ) from None
    # Python's JSON decoder accepts NaN and Infinity, which JSON does not allow. To reject such
    # values, encode the decoded fields again.
    try:
        json.dumps(fields, allow_nan=False)
    except ValueError:
        raise WrongValueError(
            "must not contain NaN, Infinity or a number that is too large for Python."
        ) from None
    return fields


def get_raw_json_values(body: bytes, field_names: Iterable[str]) -> dict[str, str]:
    """Return the exact text of the value of every field of a JSON object, in a dict by field name.

    :param body: A body that :func:`parse_json_object` has accepted.
    :param field_names: The names of all fields of the object, in the order of the body.
    """
    text, end = body.decode(), 0
    raw_values = {}
    for name in field_names:
        start = _FIELD_NAME_AND_COLON.match(text, end).end()  # type: ignore[union-attr]
        _, end = _JSON_DECODER.raw_decode(text, start)
        raw_values[name] = text[start:end]
    return raw_values


def encode_compact_json(value: object, *, sort_keys: bool = False) -> bytes:
    """Return a value as compact JSON in UTF-8, with non-ASCII characters unescaped."""
    return json.dumps(
        value,
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=sort_keys,
        default=_convert_for_json,
    ).encode()


def _convert_for_json(value: object) -> object:
    """Convert a value that JSON does not support to a value that JSON supports."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        # Equal times in different time zones must give equal JSON.
        return value.astimezone(UTC).isoformat()
    return vars(value) if is_dataclass(value) else str(value)


def _build_dict_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise WrongValueError("must not contain an object with duplicate names.")
    return fields


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


def is_json_value_empty(value: object) -> bool:
    """Return True for null, a blank string, an empty list or an empty object."""
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


@dataclass(frozen=True, repr=False)
class JsonFields:
    """The fields of a JSON object from the gateway.

    A field counts as missing if its value is null, blank or empty. Each field is parsed by a
    :data:`FieldParser`, such as :func:`.normalize_query_text` or the functions of this module. If
    the fields are lenient, a field also counts as missing if its parser rejects the value.
    """

    values: Mapping[str, Any]
    is_lenient: bool = False

    def find_first_present_value(self, parse: FieldParser[T], *names: str) -> T | None:
        """Return the parsed value of the first of the named fields that is present, or None."""
        for name in names:
            value = self.values.get(name)
            if is_json_value_empty(value):
                continue
            try:
                return parse(value)
            except WrongValueError as error:
                if not self.is_lenient:
                    raise WrongValueError(f'"{name}" {error}') from None
        return None

    def get_required_value(self, parse: FieldParser[T], name: str) -> T:
        """Return the parsed value of a field, or raise WrongValueError if it is missing."""
        value = self.find_first_present_value(parse, name)
        if value is None:
            raise WrongValueError(f'"{name}" is missing.')
        return value

    def get_json_object(self, name: str) -> JsonFields:
        """Return the JSON object in a field, or an empty object if the field is missing."""
        return JsonFields(self.find_first_present_value(_check_object, name) or {}, self.is_lenient)

    def get_json_object_list(self, name: str) -> list[JsonFields]:
        """Return the JSON objects in a list field, without the items of other types.

        The result is empty if the field is missing.
        """
        return [
            JsonFields(item, self.is_lenient)
            for item in self.find_first_present_value(check_list, name) or []
            if isinstance(item, dict)
        ]


def _build_checker(expected: str, is_valid: Callable[[Any], bool]) -> FieldParser[Any]:
    """Build a function that returns a valid value unchanged, and otherwise raises an error.

    :param expected: The description of a valid value, for the error message.
    """

    def check_field_value(value: Any) -> Any:
        if not is_valid(value):
            raise WrongValueError(f"must be {expected}.")
        return value

    return check_field_value


#: A function that accepts only strings. Line breaks are allowed, because the texts are for people.
check_string: FieldParser[str] = _build_checker("a string", lambda value: isinstance(value, str))
#: A function that accepts only non-negative integers.
check_non_negative_integer: FieldParser[int] = _build_checker(
    "a non-negative integer", lambda value: is_integer_in_range(value, 0)
)
#: A function that accepts only integers that are at least -2**63. Status codes, for example, may be
#: negative.
check_integer: FieldParser[int] = _build_checker(
    "an integer", lambda value: is_integer_in_range(value, -(2**63))
)
#: A function that accepts only booleans.
check_boolean: FieldParser[bool] = _build_checker(
    "true or false", lambda value: isinstance(value, bool)
)
#: A function that accepts only lists. The items may have any type.
check_list: FieldParser[list[Any]] = _build_checker("a list", lambda value: isinstance(value, list))
_check_object: FieldParser[dict[str, Any]] = _build_checker(
    "an object", lambda value: isinstance(value, dict)
)


def convert_to_decimal_string(value: Any) -> str:
    """Return a string unchanged, and a non-negative integer as a decimal string."""
    return str(value) if is_integer_in_range(value, 0) else check_string(value)


def parse_integer(value: Any) -> int:
    """Return an integer, or the integer that a string of digits contains."""
    is_digits = isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) is not None
    return int(value) if is_digits else check_integer(value)


def parse_china_time(value: Any) -> datetime:
    """Parse a time in China's time zone, in the format ``yyyy-MM-dd HH:mm:ss``.

    The date may contain slashes instead of hyphens.
    """
    return _parse_datetime(normalize_query_text(value), "%Y-%m-%d %H:%M:%S").replace(
        tzinfo=CHINA_TIMEZONE
    )


def parse_date(value: Any) -> date:
    """Parse a date in the format ``yyyy-MM-dd`` or ``yyyy/MM/dd``. Ignore a time after the date."""
    [date_text, *_] = re.split("[ T]", normalize_query_text(value))
    return _parse_datetime(date_text, "%Y-%m-%d").date()


def _parse_datetime(text: str, time_format: str) -> datetime:
    try:
        return datetime.strptime(text.replace("/", "-"), time_format)
    except ValueError:
        raise WrongValueError("is not a date or a time in the expected format.") from None


def build_enum_parser(enum_class: type[E]) -> FieldParser[E | int]:
    """Build a function that converts an integer to an enum member and keeps an unknown integer."""
    return lambda value: get_enum_member_or_number(enum_class, check_integer(value))


def get_enum_member_or_number(enum_class: type[E], number: int) -> E | int:
    """Return the enum member with this value, or the number itself if there is no such member."""
    try:
        return enum_class(number)
    except ValueError:
        return number
