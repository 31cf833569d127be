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
from ..gateway.payloads import CHINA_TIME
from ..gateway.values import LONGEST_ID

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

_LONGEST = 255  # characters of a text
_LARGEST = 2**63 - 1


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


def _exact(length: int) -> TypeEngine[str]:
    """Return a type of text that is compared byte by byte: to MySQL, Bob and bób are the same."""
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), "mariadb")
    )


# On MySQL, where a database may have another charset: names are Chinese.
_ANY = mysql.VARCHAR(_LONGEST, charset="utf8mb4")
_TYPES: dict[type, TypeEngine[Any]] = {
    str: String(_LONGEST).with_variant(_ANY, "mysql", "mariadb"),
    int: BigInteger(),
    datetime: _UtcDateTime(),
    date: Date(),
    bool: Boolean(),
}


# Columns without annotations are no fields where the site's models are dataclasses.
def _column(kind: type[T], column: TypeEngine[Any] | None = None, **options: Any) -> Mapped[T]:
    return mapped_column(column or _TYPES[kind], nullable=False, **options)


def _optional(
    kind: type[T], column: TypeEngine[Any] | None = None, **options: Any
) -> Mapped[T | None]:
    return mapped_column(column or _TYPES[kind], nullable=True, **options)


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

    insure_num = _column(str, _exact(_LONGEST), primary_key=True)
    member = _optional(str, _exact(LONGEST_ID), index=True)
    case_code = _optional(str)
    product_name = _optional(str)
    plan_name = _optional(str)
    insure_partner_id = _optional(str)
    pay_status = _optional(int)
    issue_status = _optional(int)
    effective_status = _optional(int)
    price_fen = _optional(int)
    paid_at = _optional(datetime)
    issued_at = _optional(datetime)
    start_date = _optional(date)
    end_date = _optional(date)
    policy_nums = _column(list[str], JSON())
    replaced_by = _optional(str)
    failed_step = _optional(int)
    first_behind_at = _optional(datetime)
    last_behind_at = _optional(datetime)
    forgotten = _column(bool)
    version = _column(int)
    created_at = _column(datetime)
    updated_at = _optional(datetime)

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
        pay, issue, effective = statuses(self)
        if {pay, issue, effective, self.failed_step} == {None}:
            return "unknown"
        if effective == EffectiveStatus.SURRENDER_RUNNING:
            return "surrendering"
        if effective == EffectiveStatus.SURRENDERED:
            return "surrendered" if self.replaced_by is None else "replaced"
        if effective not in {None, *EffectiveStatus} or issue not in {None, *IssueStatus}:
            return "unknown"
        if effective == EffectiveStatus.IN_FORCE or issue == IssueStatus.ISSUED:
            return self._state_of_cover()
        if issue == IssueStatus.CANCELLED:
            return "cancelled"
        if pay in (PayStatus.PAID, PayStatus.DEBITED):
            return "not_issued" if self.failed_step == NotificationType.ISSUE else "paid"
        if pay not in {None, *PayStatus}:
            return "unknown"
        failed = self.failed_step == NotificationType.PAYMENT
        return _UNPAID.get(pay) or ("failed" if failed else "applied")

    def _state_of_cover(self) -> PurchaseState:
        today = datetime.now(CHINA_TIME).date()
        if self.end_date is not None and self.end_date < today:
            return "expired"
        has_begun = self.start_date is not None and self.start_date <= today
        in_force = has_begun or self.effective_status == EffectiveStatus.IN_FORCE
        return "in_force" if in_force else "issued"


_UNPAID: dict[int | None, PurchaseState] = {
    PayStatus.CANNOT_BE_PAID: "cancelled",
    PayStatus.DEBIT_RUNNING: "paying",
    PayStatus.DEBIT_FAILED: "failed",
}
# The columns that say something of the purchase, and not of the row.
_FACTS = [
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
        vars(self).update(facts_in(purchase), state=purchase.state)

    if TYPE_CHECKING:
        state: PurchaseState

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        return f"<Snapshot {self.insure_num}>"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Snapshot cannot be changed. Change the purchase instead.")


def facts_in(purchase: PurchaseMixin | Snapshot) -> dict[str, Any]:
    """Return what is said of a purchase, by the names of the columns."""
    return {name: getattr(purchase, name) for name in _FACTS}


def statuses(said: PurchaseMixin | Order) -> tuple[int | None, ...]:
    """Return how far the gateway says that an order has come."""
    return said.pay_status, said.issue_status, said.effective_status


def fill(row: PurchaseMixin, order: Order) -> None:
    """Write what the gateway says of an order into its row."""
    if row.updated_at is None or statuses(order) != statuses(row):
        # It has gone on: what it is behind of from now on is another thing.
        row.first_behind_at = row.last_behind_at = None
    if row.updated_at is None:
        row.created_at = _made_at(order) or row.created_at
    if row.member is None and not row.forgotten:
        row.member = order.member
    for name in ("case_code", "product_name", "plan_name", "insure_partner_id"):
        setattr(row, name, _cut(getattr(order, name)))
    for name in ("pay_status", "issue_status", "effective_status", "price_fen"):
        setattr(row, name, _small(getattr(order, name)))
    row.paid_at, row.issued_at = _possible(order.paid_at), _possible(order.issued_at)
    row.start_date, row.end_date = order.start_date, order.end_date
    row.policy_nums = [each.policy_num for each in order.policies if each.policy_num]


def _cut(text: str | None) -> str | None:
    # PostgreSQL and MariaDB would refuse the rest, and so the whole order, for ever.
    return None if text is None else text.replace("\0", "")[:_LONGEST]


def _small(number: int | None) -> int | None:
    return None if number is None or abs(number) > _LARGEST else int(number)


def _possible(when: datetime | None) -> datetime | None:
    # What stands for no time at some places cannot be said in UTC.
    return None if when is None or when.year < 1900 else when


def _made_at(order: Order) -> datetime | None:
    times = (order.applied_at, order.paid_at, order.issued_at)
    return next(filter(None, map(_possible, times)), None)


def is_before(order: Order, since: datetime | None) -> bool:
    """Tell whether an order was applied for before that, as far as the gateway says so."""
    made_at = _made_at(order)
    return since is not None and made_at is not None and made_at < since


def now() -> datetime:
    """Return the time, without a fraction of a second: MariaDB keeps none."""
    return datetime.now(UTC).replace(microsecond=0)
