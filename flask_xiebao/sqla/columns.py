"""The columns of the mixins: their types, and functions that prepare values for them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeEngine

T = TypeVar("T")

#: The length of a text column, in characters.
MAX_TEXT_LENGTH = 255


class _UtcDateTime(TypeDecorator[datetime]):
    """A column type for timezone-aware datetimes, which are stored in UTC.

    UTC is used because few databases store timezones. The module and the ``repr`` of this type are
    those of SQLAlchemy's type, so that Alembic writes ``sa.DateTime()`` into migrations.
    """

    impl = DateTime
    cache_ok = True
    __module__ = DateTime.__module__

    def __repr__(self) -> str:
        return repr(self.impl_instance)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(
                "The datetime must be timezone-aware, for example `datetime.now(UTC)`."
            )
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def build_case_sensitive_string_type(length: int) -> TypeEngine[str]:
    """Return a string type that is compared byte by byte, also on MySQL and MariaDB.

    By default, these two databases treat "Bob" and "bób" as equal.
    """
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), "mariadb")
    )


# Product names are Chinese, so their columns use the charset utf8mb4. The default charset of a
# MySQL database may not support Chinese.
_MYSQL_TEXT = mysql.VARCHAR(MAX_TEXT_LENGTH, charset="utf8mb4")
_COLUMN_TYPES: dict[type, TypeEngine[Any]] = {
    str: String(MAX_TEXT_LENGTH).with_variant(_MYSQL_TEXT, "mysql", "mariadb"),
    int: BigInteger(),
    datetime: _UtcDateTime(),
    date: Date(),
    bool: Boolean(),
}


# The columns have no type annotations. With annotations, they would become fields if the site's
# models are dataclasses.
def required_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T]:
    """Return a NOT NULL column for values of a Python type."""
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=False, **options)


def nullable_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T | None]:
    """Return a column for values of a Python type that may be NULL."""
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=True, **options)


class IdentityMixin:
    """A mixin whose rows are compared by identity, also if the site's models are dataclasses.

    The ``__eq__`` that a dataclass generates would compare only the site's own columns, because the
    columns of the mixins are not dataclass fields.
    """

    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init_subclass__(cls, **options: Any) -> None:
        if issubclass(cls, MappedAsDataclass):
            options = {"eq": False, "repr": False, **options}
        super().__init_subclass__(**options)


def cut_to_column_length(text: str | None) -> str | None:
    """Return a text that fits into a column: cut, and without NUL characters.

    Otherwise, PostgreSQL or MariaDB would reject the whole row at each attempt to write it.
    """
    return None if text is None else text.replace("\0", "")[:MAX_TEXT_LENGTH]


def utc_now() -> datetime:
    """Return the current time in UTC, without microseconds, because MariaDB does not store them."""
    return datetime.now(UTC).replace(microsecond=0)
