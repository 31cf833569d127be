"""The base class of the stores that write the rows of a model."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Delete, Update, event, inspect
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from ..errors import ConfigError

M = TypeVar("M")

# The time in seconds for which a statement waits for a row that another transaction has locked.
# This time and _MAX_CONFLICT_SECONDS in store.py limit the response to a notification to about 15
# seconds. SQLite waits for 5 seconds by default. On MySQL, the server has a setting for this time.
_MAX_LOCK_SECONDS = 3


class ModelStore(Generic[M]):
    """A store that writes the rows of one model, in sessions that are separate from the site's.

    :param session_factory: The site's ``scoped_session`` or ``sessionmaker``.
    """

    def __init__(
        self, model: type[M], session_factory: scoped_session[Any] | sessionmaker[Any]
    ) -> None:
        self.model = model
        self._session_factory = session_factory

    def build_empty_row(self, primary_key: str) -> M:
        """Build a row with a value in each column of the mixin that requires one.

        :raises ConfigError: if the model cannot be called without arguments.
        """
        raise NotImplementedError

    def build_row(self, **values: Any) -> M:
        """Build a row with these values. The model is called without arguments.

        :raises ConfigError: if the model cannot be called without arguments.
        """
        try:
            row = self.model()
        except TypeError as error:
            raise ConfigError(
                f"The Purchases object creates rows with {self.model.__name__}(), but this call"
                f" failed ({error}). Set a default for each column that you added, or make these"
                " columns nullable."
            ) from None
        for name, value in values.items():
            setattr(row, name, value)
        return row

    @contextmanager
    def separate_transaction(self) -> Iterator[Session]:
        """Open a new session with a transaction, and commit at the end of the ``with`` block."""
        factory: Any = self._session_factory
        session: Session = getattr(factory, "session_factory", factory)()
        # Do not expire rows on commit, because callers read the values of the rows after the
        # commit.
        session.expire_on_commit = False
        with session, session.begin():
            self._check_no_autocommit(session)
            _limit_lock_time(self._get_connection(session))
            yield session

    def _get_connection(self, session: Session) -> Connection:
        return session.connection(bind_arguments={"mapper": inspect(self.model)})

    def _check_no_autocommit(self, session: Session) -> None:
        connection = self._get_connection(session)
        driver: Any = connection.connection.dbapi_connection
        # A connection that is in a transaction is accepted even if its driver reports AUTOCOMMIT.
        # For example, the site may configure SQLAlchemy to send BEGIN to SQLite itself. The driver
        # sqlite3 then reports AUTOCOMMIT, although the connection is in a transaction.
        if not getattr(driver, "in_transaction", False):
            with suppress(NotImplementedError):
                if connection.dialect.detect_autocommit_setting(driver):
                    raise ConfigError(
                        "The engine of Purchases commits each statement (AUTOCOMMIT), so an error"
                        " could leave a row that is only partly written. Pass a sessionmaker that"
                        " is bound to an engine without AUTOCOMMIT."
                    )

    @property
    def table(self) -> Any:
        """The database table of the model.

        The table is looked up at each access, because it may be reflected later.
        """
        return inspect(self.model).local_table

    def get_database_name(self) -> str:
        """Return the name of the database. For SQLite, the name is the path of the file.

        If the database URL contains no name, return the type of the database, for example
        ``sqlite``.
        """
        with self.separate_transaction() as session:
            url = self._get_connection(session).engine.url
        return url.database or url.get_backend_name()

    def find_missing_columns(self) -> list[str]:
        """Return the names of the model's columns that are missing in the database.

        If the table does not exist, all columns are missing.
        """
        table, existing_names = self.table, set()
        with self.separate_transaction() as session, suppress(NoSuchTableError):
            columns = inspect(self._get_connection(session)).get_columns(table.name, table.schema)
            existing_names = {column["name"] for column in columns}
        return [column.name for column in table.columns if column.name not in existing_names]

    def find_columns_without_default(self) -> list[str]:
        """Return the names of NOT NULL columns that have no default in the model or the database.

        A value that the model itself sets for a new row counts as a default.
        """
        row, mapper = self.build_empty_row(""), inspect(self.model)
        return [
            column.name
            for column in self.table.columns
            if not (column.nullable or column.default or column.server_default)
            and getattr(row, mapper.get_property_by_column(column).key) is None
        ]

    def can_insert_empty_row(self) -> bool:
        """Return True if the database accepts a new row. The row is not kept.

        A listener for ``before_insert`` may fill columns that have no default.
        """
        with self.separate_transaction() as session:
            session.add(self.build_empty_row(f"test-{secrets.token_hex(8)}"))
            try:
                session.flush()
            except DBAPIError:
                return False
            finally:
                session.rollback()
        return True


def execute_statement(session: Session, statement: Update | Delete) -> int:
    """Execute an UPDATE or DELETE statement and return the number of rows that it matched."""
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)


def _limit_lock_time(connection: Connection) -> None:
    """Limit the time for which the statements of a transaction wait for a locked row."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_MAX_LOCK_SECONDS}s'")
    elif getattr(connection.dialect, "is_mariadb", False):
        event.listen(connection, "before_cursor_execute", _add_mariadb_lock_time, retval=True)


def _add_mariadb_lock_time(
    _connection: Connection, _cursor: object, statement: str, parameters: object, *_: object
) -> tuple[str, object]:
    # MariaDB has no setting for one transaction, only for a session or for a single statement.
    if statement.startswith(("INSERT", "UPDATE", "DELETE")):
        # The second setting is for a table that is locked, for example during a migration.
        settings = (
            f"innodb_lock_wait_timeout={_MAX_LOCK_SECONDS}, lock_wait_timeout={_MAX_LOCK_SECONDS}"
        )
        statement = f"SET STATEMENT {settings} FOR {statement}"
    return statement, parameters
