"""The mixin with a purchase's columns and state, and functions that fill a row from an order."""

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

#: The states of a purchase; see :attr:`PurchaseMixin.state`.
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

_MAX_TEXT_LENGTH = 255  # characters
_MAX_INTEGER = 2**63 - 1


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


def _build_case_sensitive_string_type(length: int) -> TypeEngine[str]:
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
_MYSQL_TEXT = mysql.VARCHAR(_MAX_TEXT_LENGTH, charset="utf8mb4")
_COLUMN_TYPES: dict[type, TypeEngine[Any]] = {
    str: String(_MAX_TEXT_LENGTH).with_variant(_MYSQL_TEXT, "mysql", "mariadb"),
    int: BigInteger(),
    datetime: _UtcDateTime(),
    date: Date(),
    bool: Boolean(),
}


# The columns have no type annotations. With annotations, they would become fields if the site's
# models are dataclasses.
def _required_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T]:
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=False, **options)


def _nullable_column(
    python_type: type[T], column_type: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T | None]:
    return mapped_column(column_type or _COLUMN_TYPES[python_type], nullable=True, **options)


class PurchaseMixin:
    """A mixin with the columns of a purchase. Add your own columns and relationships to the model.

    Order queries fill the columns. The data about people are the member's id, the policy numbers of
    the insured people and their surrenders. Times are in UTC, and values that the gateway does not
    report are None. Provisional: it may change in a minor version, once Xiebao's own document about
    the order query is known.

    :ivar insure_num: ``insureNum``, the application number (投保单号); the primary key.
    :ivar member: The member's id on the site. None if the purchase has no member or the member was
        forgotten. Only :meth:`.Purchases.reassign` overwrites a known member.
    :ivar case_code: ``caseCode``, the product code.
    :ivar product_name: ``productName``. Only the first 255 characters of this and other texts are
        stored.
    :ivar plan_name: ``planName``.
    :ivar insure_partner_id: ``insurePartnerId``, the id of the account that sold it. A sub-account
        has its own id.
    :ivar pay_status: ``payStatus``; see :class:`~flask_xiebao.PayStatus`.
    :ivar issue_status: ``issueStatus``; see :class:`~flask_xiebao.IssueStatus`.
    :ivar effective_status: ``effectiveStatus``; see :class:`~flask_xiebao.EffectiveStatus`.
    :ivar price_fen: ``payAmount``, in fen (分).
    :ivar paid_at: ``payedTime``.
    :ivar issued_at: ``issueTime``.
    :ivar start_date: The first day of the cover, in China.
    :ivar end_date: The last day of the cover, in China.
    :ivar policy_nums: The ``policyNum`` of each insurant, the insurer's number (保单号).
    :ivar replaced_by: The new application number after a reissue, also of a part of the policy.
    :ivar surrenders: The insured people who have left the policy or are leaving it, or None. For
        each person, a dict with ``policy_num``, ``status`` (``retreatStatus`` as the gateway sends
        it) and ``since`` (the time in UTC when the site first learned of it). It contains no names.
    :ivar failed_step: 2 if a payment failed, 3 if the issue failed, and None if the gateway reports
        that a later step succeeded or that the order was cancelled. A notification reports this,
        and the order query does not.
    :ivar failures: The failed steps that were notified: for each, the beginning of a hash of the
        data, and the number of the step.
    :ivar behind: The notifications that the order query does not confirm yet: for each, its id and
        the first and the last time when the site received it. None after a status changes.
    :ivar forgotten: True if the member was forgotten. The row never gets a member again.
    :ivar version: A number that increases by 1 whenever an answer of the gateway is written.
    :ivar created_at: The time of the application if the gateway reports it, otherwise the time of
        the payment or the issue, or when the site first learned of the order. It does not change
        after the first answer of the gateway.
    :ivar updated_at: The time when the gateway last reported something new, or None if it has not
        reported anything yet.
    """

    __tablename__ = "xiebao_purchase"

    insure_num = _required_column(
        str, _build_case_sensitive_string_type(_MAX_TEXT_LENGTH), primary_key=True
    )
    member = _nullable_column(
        str, _build_case_sensitive_string_type(MAX_MEMBER_ID_BYTES), index=True
    )
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
    surrenders = _nullable_column(list[dict[str, Any]], JSON(none_as_null=True))
    failed_step = _nullable_column(int)
    failures = _nullable_column(list[Any], JSON(none_as_null=True))
    behind = _nullable_column(list[Any], JSON(none_as_null=True))
    forgotten = _required_column(bool)
    version = _required_column(int)
    created_at = _required_column(datetime)
    updated_at = _nullable_column(datetime)

    # Compare purchases by identity. If the site's models are dataclasses, the generated __eq__
    # would compare only the site's own columns, because this mixin's columns are not dataclass
    # fields.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def __init_subclass__(cls, **options: Any) -> None:
        if issubclass(cls, MappedAsDataclass):
            options = {"eq": False, "repr": False, **options}
        super().__init_subclass__(**options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.insure_num}>"

    @property
    def state(self) -> PurchaseState:
        """The state of the purchase, for example ``applied``, ``paid`` or ``in_force``.

        No notification of a known type reports the beginning or the end of a cover, so this follows
        from the dates at each access. A failed step is shown until the gateway reports a later one.
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
            return self._get_state_by_cover_dates()
        if issue == IssueStatus.CANCELLED:
            return "cancelled"
        if pay in (PayStatus.PAID, PayStatus.DEBITED):
            return "not_issued" if self.failed_step == NotificationType.ISSUE else "paid"
        if pay not in {None, *PayStatus}:
            return "unknown"
        failed = self.failed_step == NotificationType.PAYMENT
        return _UNPAID_STATES.get(pay) or ("failed" if failed else "applied")

    @property
    def is_partly_surrendered(self) -> bool:
        """True if an insured person has left or is leaving the policy, and the policy goes on."""
        return bool(self.surrenders) and self.effective_status != EffectiveStatus.SURRENDERED

    def _get_state_by_cover_dates(self) -> PurchaseState:
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
# The columns that describe the purchase. A Snapshot contains these columns, and on_change is called
# if one of them changes. The columns excluded below, such as the version, only describe the row. A
# new column of the mixin describes the purchase unless it is excluded below, too.
_COMPARED_COLUMNS = [
    name
    for name, value in vars(PurchaseMixin).items()
    if isinstance(value, MappedColumn)
    and name not in ("failures", "behind", "version", "created_at", "updated_at")
]


class Snapshot:
    """A copy of a purchase as it was before a change.

    Its attributes are the columns that describe the purchase, and its ``state``. It is read-only.
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
    """Return a dict of a purchase's column values, without columns such as the row's ``version``.

    The columns that are left out describe only the row and not the purchase.
    """
    return {name: getattr(purchase, name) for name in _COMPARED_COLUMNS}


def get_statuses(purchase_or_order: PurchaseMixin | Order) -> tuple[int | None, ...]:
    """Return a purchase's or order's ``pay_status``, ``issue_status`` and ``effective_status``."""
    return (
        purchase_or_order.pay_status,
        purchase_or_order.issue_status,
        purchase_or_order.effective_status,
    )


def fill_row_from_order(row: PurchaseMixin, order: Order) -> None:
    """Fill a row with the values of the order that the gateway returned."""
    if row.updated_at is None or get_statuses(order) != get_statuses(row):
        # The lag is the time until the order query confirms a notification. Measure the lag from
        # zero again after the gateway's first answer about the order, and after each new status. A
        # notification that is still not confirmed after a new status is about another step of the
        # purchase.
        row.behind = None
    if row.updated_at is None:
        row.created_at = _find_creation_time(order) or row.created_at
    # Never overwrite a known member. If Purchases.forget has removed the member from a row, the row
    # never gets a member again.
    if row.member is None and not row.forgotten:
        row.member = order.member
    for name in ("case_code", "product_name", "plan_name", "insure_partner_id"):
        setattr(row, name, _cut_to_column_length(getattr(order, name)))
    for name in ("pay_status", "issue_status", "effective_status", "price_fen"):
        setattr(row, name, _drop_too_large_number(getattr(order, name)))
    # The order's times are in China's time zone. The column type converts them to UTC.
    row.paid_at, row.issued_at = (
        _drop_time_before_1900(order.paid_at),
        _drop_time_before_1900(order.issued_at),
    )
    row.start_date, row.end_date = order.start_date, order.end_date
    policy_nums = [policy.policy_num for policy in order.policies if policy.policy_num]
    # The gateway may list the same policies in another order. That is not a change.
    if sorted(policy_nums) != sorted(row.policy_nums):
        row.policy_nums = policy_nums
    row.surrenders = _build_surrenders(row, order) or None
    set_failed_step(row)


def _build_surrenders(row: PurchaseMixin, order: Order) -> list[dict[str, Any]]:
    """Return the surrenders in an order, by time. A person whose surrender is known keeps its time.

    People are identified by the numbers of their policies, because no names are stored. Several
    people may have the same number.
    """
    known_times: dict[str | None, list[str]] = {}
    for surrender in row.surrenders or []:
        known_times.setdefault(surrender["policy_num"], []).append(surrender["since"])
    surrenders = [
        {
            "policy_num": policy.policy_num,
            "status": policy.retreat_status,
            "since": (
                known_times[policy.policy_num].pop(0)
                if known_times.get(policy.policy_num)
                else utc_now().isoformat()
            ),
        }
        for policy in order.policies
        if policy.is_surrendered
    ]
    return sorted(surrenders, key=lambda each: (each["since"], each["policy_num"] or ""))


def set_failed_step(row: PurchaseMixin) -> None:
    """Set the failed step of a row to the notified failure that its statuses allow, or to None."""
    pay, issue, effective = get_statuses(row)
    notified_steps = {row.failed_step, *(step for _, step in row.failures or [])}
    if (
        effective not in (None, EffectiveStatus.NOT_IN_FORCE)
        or issue in (IssueStatus.ISSUED, IssueStatus.CANCELLED)
        or pay == PayStatus.CANNOT_BE_PAID
    ):
        row.failed_step = None
    else:
        is_paid = pay in (PayStatus.PAID, PayStatus.DEBITED)
        possible_step = NotificationType.ISSUE if is_paid else NotificationType.PAYMENT
        row.failed_step = int(possible_step) if possible_step in notified_steps else None


def _cut_to_column_length(text: str | None) -> str | None:
    # Cut long strings and remove NUL characters. Otherwise, PostgreSQL or MariaDB would reject the
    # whole row at each attempt to write it.
    return None if text is None else text.replace("\0", "")[:_MAX_TEXT_LENGTH]


def _drop_too_large_number(number: int | None) -> int | None:
    return None if number is None or abs(number) > _MAX_INTEGER else int(number)


def _drop_time_before_1900(time: datetime | None) -> datetime | None:
    # Some systems write a date such as 0001-01-01 if there is no date. Its conversion to UTC can
    # fail, so times before 1900 are dropped.
    return None if time is None or time.year < 1900 else time


def _find_creation_time(order: Order) -> datetime | None:
    times = (order.applied_at, order.paid_at, order.issued_at)
    return next(filter(None, map(_drop_time_before_1900, times)), None)


def is_order_created_before(order: Order, since: datetime | None) -> bool:
    """Return True if the gateway reports a creation time and it is before the given time."""
    created_at = _find_creation_time(order)
    return since is not None and created_at is not None and created_at < since


def utc_now() -> datetime:
    """Return the current time in UTC, without microseconds, because MariaDB does not store them."""
    return datetime.now(UTC).replace(microsecond=0)
