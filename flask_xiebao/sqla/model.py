"""A purchase as a row: what the gateway says of an order, and the state that follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, MappedAsDataclass, MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from ..gateway.notifications import NotificationType
from ..gateway.orders import EffectiveStatus, IssueStatus, Order, PayStatus
from ..gateway.payloads import CHINA_TIMEZONE
from ..gateway.values import MAX_MEMBER_ID_BYTES

T = TypeVar("T")

#: How far a purchase has come: see :attr:`PurchaseMixin.state`.
PurchaseState = Literal[
    "unknown",
    "applied",
    "paying",
    "failed",
    "paid",
    "not_issued",
    "issued",
    "in_force",
    "expired",
    "surrendering",
    "surrendered",
    "replaced",
    "cancelled",
]

_MAX_TEXT_LENGTH = 255  # characters of a text
_MAX_INTEGER = 2**63 - 1


class _UtcDateTime(TypeDecorator[datetime]):
    """A time with its zone, kept in UTC: few databases keep zones.

    It counts as one of SQLAlchemy's, so that Alembic writes ``sa.DateTime()`` into migrations.
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


def _case_sensitive_string(length: int) -> TypeEngine[str]:
    """Return a type of text that is compared byte by byte: to MySQL, Bob and bób are the same."""
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), "mariadb")
    )


# On MySQL, where a database may have another charset: names are Chinese.
_MYSQL_TEXT = mysql.VARCHAR(_MAX_TEXT_LENGTH, charset="utf8mb4")
_COLUMN_TYPES: dict[type, TypeEngine[Any]] = {
    str: String(_MAX_TEXT_LENGTH).with_variant(_MYSQL_TEXT, "mysql", "mariadb"),
    int: BigInteger(),
    datetime: _UtcDateTime(),
    date: Date(),
    bool: Boolean(),
}


# Columns without annotations are no fields where the site's models are dataclasses.
def _required_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T]:
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=False, **options)


def _nullable_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T | None]:
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=True, **options)


class PurchaseMixin:
    """What the gateway says of one order, as columns; add your own, and relationships.

    Of people there is nothing but the member's id. Times are in UTC, and what the gateway does not
    say is None. Provisional: it may change in a minor version, once Xiebao's own document of the
    order query is known.

    :ivar insure_num: ``insureNum``, the application number (投保单号); the primary key.
    :ivar member: whose it is, by their id on the site; None for nobody's, and once that member is
        forgotten. Where it is known, it is never overwritten.
    :ivar case_code: ``caseCode``, the product code.
    :ivar product_name: ``productName``; of this and other texts, the first 255 characters.
    :ivar plan_name: ``planName``.
    :ivar insure_partner_id: ``insurePartnerId``, whose sale it is: a sub-account's own id.
    :ivar pay_status: ``payStatus``; see :class:`~flask_xiebao.PayStatus`.
    :ivar issue_status: ``issueStatus``; see :class:`~flask_xiebao.IssueStatus`.
    :ivar effective_status: ``effectiveStatus``; see :class:`~flask_xiebao.EffectiveStatus`.
    :ivar price_fen: ``payAmount``, in fen (分).
    :ivar paid_at: ``payedTime``.
    :ivar issued_at: ``issueTime``.
    :ivar start_date: the first day of the cover, in China.
    :ivar end_date: its last day.
    :ivar policy_nums: ``policyNum`` of each insurant, the insurer's numbers (保单号).
    :ivar replaced_by: of a reissue, the application number that follows.
    :ivar failed_step: 2 where a payment failed, 3 where the issue did: a notification says so, and
        the order query does not.
    :ivar first_behind_at: since when the gateway did not confirm what notifications said,
    :ivar last_behind_at: and until when.
    :ivar forgotten: its member was forgotten, and it never gets one again.
    :ivar version: goes up by 1 whenever an answer of the gateway is written.
    :ivar created_at: when it was applied for, as far as the gateway says so; else when it was paid,
        issued or first heard of.
    :ivar updated_at: when the gateway last said something new; None where it has said nothing yet.
    """

    __tablename__ = "xiebao_purchase"

    insure_num = _required_column(str, _case_sensitive_string(_MAX_TEXT_LENGTH), primary_key=True)
    member = _nullable_column(str, _case_sensitive_string(MAX_MEMBER_ID_BYTES), index=True)
    case_code = _nullable_column(str)
    product_name = _nullable_column(str)
    plan_name = _nullable_column(str)
    insure_partner_id = _nullable_column(str)
    pay_status = _nullable_column(int)
    issue_status = _nullable_column(int)
    effective_status = _nullable_column(int)
    price_fen = _nullable_column(int)
    paid_at = _nullable_column(datetime)
    issued_at = _nullable_column(datetime)
    start_date = _nullable_column(date)
    end_date = _nullable_column(date)
    policy_nums = _required_column(list[str], JSON())
    replaced_by = _nullable_column(str)
    failed_step = _nullable_column(int)
    first_behind_at = _nullable_column(datetime)
    last_behind_at = _nullable_column(datetime)
    forgotten = _required_column(bool)
    version = _required_column(int)
    created_at = _required_column(datetime)
    updated_at = _nullable_column(datetime)

    # Dataclasses would take two purchases for equal where the columns of the site's own are.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init_subclass__(cls, **options: Any) -> None:
        if issubclass(cls, MappedAsDataclass):
            options = {"eq": False, "repr": False, **options}
        super().__init_subclass__(**options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.insure_num}>"

    @property
    def state(self) -> PurchaseState:
        """How far it has come: ``applied``, ``paid``, ``in_force`` and so on.

        Nobody tells when a cover begins or ends: that follows from the dates, whenever the state is
        read. A step that failed shows until the gateway goes further.
        """
        pay, issue, effective = get_statuses(self)
        if {pay, issue, effective, self.failed_step} == {None}:
            return "unknown"
        if effective == EffectiveStatus.SURRENDER_RUNNING:
            return "surrendering"
        if effective == EffectiveStatus.SURRENDERED:
            return "surrendered" if self.replaced_by is None else "replaced"
        if effective not in {None, *EffectiveStatus} or issue not in {None, *IssueStatus}:
            return "unknown"
        if effective == EffectiveStatus.IN_FORCE or issue == IssueStatus.ISSUED:
            return self._get_cover_state()
        if issue == IssueStatus.CANCELLED:
            return "cancelled"
        if pay in (PayStatus.PAID, PayStatus.DEBITED):
            return "not_issued" if self.failed_step == NotificationType.ISSUE else "paid"
        if pay not in {None, *PayStatus}:
            return "unknown"
        failed = self.failed_step == NotificationType.PAYMENT
        return _UNPAID_STATES.get(pay) or ("failed" if failed else "applied")

    def _get_cover_state(self) -> PurchaseState:
        today = datetime.now(CHINA_TIMEZONE).date()
        if self.end_date is not None and self.end_date < today:
            return "expired"
        has_begun = self.start_date is not None and self.start_date <= today
        in_force = has_begun or self.effective_status == EffectiveStatus.IN_FORCE
        return "in_force" if in_force else "issued"


_UNPAID_STATES: dict[int | None, PurchaseState] = {
    PayStatus.CANNOT_BE_PAID: "cancelled",
    PayStatus.DEBIT_RUNNING: "paying",
    PayStatus.DEBIT_FAILED: "failed",
}
# The columns that say something of the purchase, and not of the row.
_PURCHASE_COLUMNS = [
    name
    for name, value in vars(PurchaseMixin).items()
    if isinstance(value, MappedColumn)
    and name not in ("first_behind_at", "last_behind_at", "version", "created_at", "updated_at")
]


class Snapshot:
    """What a purchase was before a change: its columns, by their names, and its ``state``.

    It cannot be changed.
    """

    def __init__(self, purchase: PurchaseMixin) -> None:
        vars(self).update(get_purchase_values(purchase), state=purchase.state)

    if TYPE_CHECKING:
        state: PurchaseState

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        return f"<Snapshot {self.insure_num}>"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Snapshot cannot be changed. Change the purchase instead.")


def get_purchase_values(purchase: PurchaseMixin | Snapshot) -> dict[str, Any]:
    """Return what is said of a purchase, by the names of the columns."""
    return {name: getattr(purchase, name) for name in _PURCHASE_COLUMNS}


def get_statuses(purchase_or_order: PurchaseMixin | Order) -> tuple[int | None, ...]:
    """Return how far the gateway says that an order has come."""
    return (
        purchase_or_order.pay_status,
        purchase_or_order.issue_status,
        purchase_or_order.effective_status,
    )


def fill_row_from_order(row: PurchaseMixin, order: Order) -> None:
    """Write what the gateway says of an order into its row."""
    if row.updated_at is None or get_statuses(order) != get_statuses(row):
        # It has gone on: what it is behind of from now on is another thing.
        row.first_behind_at = row.last_behind_at = None
    if row.updated_at is None:
        row.created_at = _find_creation_time(order) or row.created_at
    if row.member is None and not row.forgotten:
        row.member = order.member
    for name in ("case_code", "product_name", "plan_name", "insure_partner_id"):
        setattr(row, name, _cut_to_column_length(getattr(order, name)))
    for name in ("pay_status", "issue_status", "effective_status", "price_fen"):
        setattr(row, name, _drop_unstorable_number(getattr(order, name)))
    row.paid_at, row.issued_at = (
        _drop_unstorable_time(order.paid_at),
        _drop_unstorable_time(order.issued_at),
    )
    row.start_date, row.end_date = order.start_date, order.end_date
    row.policy_nums = [each.policy_num for each in order.policies if each.policy_num]


def _cut_to_column_length(text: str | None) -> str | None:
    # PostgreSQL and MariaDB would refuse the rest, and so the whole order, for ever.
    return None if text is None else text.replace("\0", "")[:_MAX_TEXT_LENGTH]


def _drop_unstorable_number(number: int | None) -> int | None:
    return None if number is None or abs(number) > _MAX_INTEGER else int(number)


def _drop_unstorable_time(time: datetime | None) -> datetime | None:
    # What stands for no time at some places cannot be said in UTC.
    return None if time is None or time.year < 1900 else time


def _find_creation_time(order: Order) -> datetime | None:
    times = (order.applied_at, order.paid_at, order.issued_at)
    return next(filter(None, map(_drop_unstorable_time, times)), None)


def is_order_created_before(order: Order, since: datetime | None) -> bool:
    """Tell whether an order was applied for before that, as far as the gateway says so."""
    made_at = _find_creation_time(order)
    return since is not None and made_at is not None and made_at < since


def utc_now() -> datetime:
    """Return the time, without a fraction of a second: MariaDB keeps none."""
    return datetime.now(UTC).replace(microsecond=0)
