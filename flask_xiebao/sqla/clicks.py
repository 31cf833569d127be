"""The mixin with a click's columns, and the store that writes the clicks of a site's members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any, TypeVar

from flask import Flask, Response, after_this_request, appcontext_tearing_down, g, has_app_context
from sqlalchemy import Index, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, declared_attr, scoped_session, sessionmaker

from ..app.current import get_current_app
from ..app.log import format_error_for_log, log_throttled
from ..app.rehearsal import is_rehearsal
from ..app.signals import entry_clicked, payment_returned
from ..app.state import get_current_app_state
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..gateway.values import MAX_MEMBER_ID_BYTES
from ..links.tokens import Entry
from .columns import (
    MAX_TEXT_LENGTH,
    IdentityMixin,
    build_case_sensitive_string_type,
    cut_to_column_length,
    nullable_column,
    required_column,
    utc_now,
)
from .model_store import ModelStore, execute_statement

C = TypeVar("C", bound="ClickMixin")
R = TypeVar("R", bound=Response)

# The length of the columns for ids and names, in characters.
_MAX_NAME_LENGTH = 32
# The number of clicks that are deleted in one transaction, and the number of ids that are read for
# it. SQLite may allow only 999 parameters in a statement.
_CLICKS_PER_DELETION, _CLICKS_PER_QUERY = 500, 100_000
# The functions that write to the database when the app context ends are stored in Flask's "g" under
# this name.
_PENDING_WRITES = "_flask_xiebao_pending_click_writes"


class ClickMixin(IdentityMixin):
    """A mixin with the columns of a click on a product or home entry that led to the gateway.

    The model may have other columns that have a default or are nullable. Times are in UTC.
    Provisional, like :class:`PurchaseMixin`.

    :ivar click_id: The id that the signals send; the primary key.
    :ivar member: The id of the member who was redirected to the gateway.
    :ivar page: ``product`` or ``home``, the name of the gateway page.
    :ivar case_code: ``caseCode``, the product code. None for the home page.
    :ivar client_reference: The site's own reference from the entry, such as an order number, or
        None. Only the first 255 characters of this and other texts are stored.
    :ivar sub_partner_id: ``subPartnerId``, the sub-account, or None.
    :ivar platform: ``h5``, ``pc``, ``ios`` or ``android``.
    :ivar clicked_at: The time of the click.
    :ivar expires_at: Applications from this time on are not attributed to the click.
    :ivar returned_at: The time when the browser first returned after payment, or None.
    """

    __tablename__ = "xiebao_click"

    click_id = required_column(
        str, build_case_sensitive_string_type(_MAX_NAME_LENGTH), primary_key=True
    )
    member = required_column(str, build_case_sensitive_string_type(MAX_MEMBER_ID_BYTES))
    page = required_column(str, build_case_sensitive_string_type(_MAX_NAME_LENGTH))
    # A binary collation can be compared with any collation that the column of the purchases has.
    case_code = nullable_column(str, build_case_sensitive_string_type(MAX_TEXT_LENGTH))
    client_reference = nullable_column(str, build_case_sensitive_string_type(MAX_TEXT_LENGTH))
    sub_partner_id = nullable_column(str)
    platform = required_column(str, build_case_sensitive_string_type(_MAX_NAME_LENGTH))
    clicked_at = required_column(datetime)
    expires_at = required_column(datetime)
    returned_at = nullable_column(datetime)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> Any:
        return (Index(None, "member", "clicked_at"),)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.click_id}>"


class ClickStore(ModelStore[C]):
    """The store that writes a site's clicks and the returns from payment.

    It writes at the end of the app context, when the request's own connection is back in the pool.
    If each request needed two connections, simultaneous clicks could exhaust the pool.

    :param xiebao: The extension whose clicks are stored.
    :param within: How long a click counts. A later application is not attributed to the click.
    """

    def __init__(
        self,
        xiebao: object,
        model: type[C],
        session_factory: scoped_session[Any] | sessionmaker[Any],
        within: timedelta,
    ) -> None:
        super().__init__(model, session_factory)
        self._xiebao = xiebao
        self._within = within
        entry_clicked.connect(self._insert_click_later)
        payment_returned.connect(self._record_return_later)
        # Flask sends this signal after it has called all teardown functions. The order in which the
        # extensions were created does not matter.
        appcontext_tearing_down.connect(_run_pending_writes)

    def build_empty_row(self, primary_key: str) -> C:
        """Build a row with a value in each column of the mixin that requires one.

        :raises ConfigError: if the model cannot be called without arguments.
        """
        now = utc_now()
        return self.build_row(
            click_id=primary_key, member="", page="", platform="", clicked_at=now, expires_at=now
        )

    def _insert_click_later(
        self,
        app: Flask,
        *,
        entry: Entry,
        member: str,
        platform: Platform,
        click_id: str,
        **_: object,
    ) -> None:
        if not PAGES[entry.page].sells_insurance:
            return
        now, sub_partner_id = utc_now(), entry.sub_partner_id
        if sub_partner_id is None:
            sub_partner_id = get_current_app_state().settings.sub_partner_id
        values = {
            "click_id": click_id,
            "member": member,
            "page": entry.page,
            "case_code": cut_to_column_length(entry.reference),
            "client_reference": cut_to_column_length(entry.client_reference),
            "sub_partner_id": cut_to_column_length(sub_partner_id) or None,
            "platform": platform.slug,
            "clicked_at": now,
            "expires_at": now + self._within,
        }
        self._write_later(app, lambda session: session.add(self.build_row(**values)))

    def _record_return_later(self, app: Flask, *, click_id: str, **_: object) -> None:
        # Record only the first return, because the member may open the return link again later.
        statement = (
            update(self.model)
            .where(self.model.click_id == click_id, self.model.returned_at.is_(None))
            .values(returned_at=utc_now())
        )
        self._write_later(app, lambda session: execute_statement(session, statement))

    def _write_later(self, app: Flask, write: Callable[[Session], object]) -> None:
        # The signals are also sent for the apps of other Xiebao objects, and for test clicks.
        if app.extensions.get("xiebao") is not self._xiebao or is_rehearsal():
            return
        g.setdefault(_PENDING_WRITES, []).append(partial(self._write_without_raising, write))
        after_this_request(_run_pending_writes_on_close)

    def _write_without_raising(self, write: Callable[[Session], object]) -> None:
        """Run *write* in a transaction. Log an error, because a click must not fail for it."""
        for is_second_attempt in (False, True):
            try:
                with self.separate_transaction() as session:
                    write(session)
                return
            except Exception as error:
                # If the database was restarted, all connections in the pool are broken. SQLAlchemy
                # replaces all of them after the first error, so the second attempt succeeds.
                is_disconnect = isinstance(error, DBAPIError) and error.connection_invalidated
                exception = format_error_for_log(error)
            # The second attempt and the log entry come after the except block, because another
            # error would otherwise show the parameters of the first error in its traceback.
            if is_second_attempt or not is_disconnect:
                break
        log_throttled(
            f'A click could not be written to the table "{self.table.name}", so a purchase may be'
            ' attributed to another click or to none. Run "flask xiebao doctor". The exception is'
            f" {exception}.",
            duplicate_key="click",
        )

    def delete_clicks_before(self, time: datetime) -> int:
        """Delete the clicks before a time, and return their number.

        Each transaction deletes only a part of the clicks. Between the transactions, other
        processes have time to write new clicks.
        """
        expired_ids = select(self.model.click_id).where(self.model.clicked_at < time)
        deleted_count = 0
        while True:
            with self.separate_transaction() as session:
                click_ids = session.scalars(expired_ids.limit(_CLICKS_PER_QUERY)).all()
            for start in range(0, len(click_ids), _CLICKS_PER_DELETION):
                started_at = monotonic()
                some_ids = click_ids[start : start + _CLICKS_PER_DELETION]
                statement = delete(self.model).where(self.model.click_id.in_(some_ids))
                # MariaDB and SQLite may refuse to delete rows after a SELECT in the same
                # transaction, because another process has written to the table since.
                with self.separate_transaction() as session:
                    deleted_count += execute_statement(session, statement)
                sleep(monotonic() - started_at)
            if len(click_ids) < _CLICKS_PER_QUERY:
                return deleted_count


def _run_pending_writes(_app: Flask, *, exc: BaseException | None = None, **_: object) -> None:
    """Run the writes of the app context that ends, but not if the request raised an exception.

    Then the visitor got an error page instead of the redirect to the gateway.
    """
    for write in g.pop(_PENDING_WRITES, []):
        if exc is None:
            write()


def _run_pending_writes_on_close(response: R) -> R:
    """Run the pending writes when the response is closed if the app context has not ended by then.

    If the site has pushed an app context for its whole lifetime, Flask uses it for all requests.
    """

    def run_pending_writes() -> None:
        if has_app_context():
            _run_pending_writes(get_current_app())

    response.call_on_close(run_pending_writes)
    return response
