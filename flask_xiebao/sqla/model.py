"""The mixin with a purchase's columns and state, and functions that fill a row from an order."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import JSON
from sqlalchemy.orm import MappedColumn

from ..gateway.notifications import NotificationType
from ..gateway.orders import EffectiveStatus, IssueStatus, Order, PayStatus
from ..gateway.payloads import CHINA_TIMEZONE
from ..gateway.values import MAX_MEMBER_ID_BYTES
from .columns import (
    MAX_TEXT_LENGTH,
    IdentityMixin,
    build_case_sensitive_string_type,
    cut_to_column_length,
    nullable_column,
    required_column,
    utc_now,
)

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

_MAX_INTEGER = 2**63 - 1


class PurchaseMixin(IdentityMixin):
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
    :ivar applied_at: The time of the application, or None if the gateway does not report it.
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

    insure_num = required_column(
        str, build_case_sensitive_string_type(MAX_TEXT_LENGTH), primary_key=True
    )
    member = nullable_column(str, build_case_sensitive_string_type(MAX_MEMBER_ID_BYTES), index=True)
    case_code = nullable_column(str)
    product_name = nullable_column(str)
    plan_name = nullable_column(str)
    insure_partner_id = nullable_column(str)
    pay_status = nullable_column(int)
    issue_status = nullable_column(int)
    effective_status = nullable_column(int)
    price_fen = nullable_column(int)
    applied_at = nullable_column(datetime)
    paid_at = nullable_column(datetime)
    issued_at = nullable_column(datetime)
    start_date = nullable_column(date)
    end_date = nullable_column(date)
    policy_nums = required_column(list[str], JSON())
    replaced_by = nullable_column(str, build_case_sensitive_string_type(MAX_TEXT_LENGTH))
    surrenders = nullable_column(list[dict[str, Any]], JSON(none_as_null=True))
    failed_step = nullable_column(int)
    failures = nullable_column(list[Any], JSON(none_as_null=True))
    behind = nullable_column(list[Any], JSON(none_as_null=True))
    forgotten = required_column(bool)
    version = required_column(int)
    created_at = required_column(datetime)
    updated_at = nullable_column(datetime)

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
# The columns that describe the purchase: all columns of the mixin except those named below. A
# Snapshot contains these columns, and on_change is called if one of them changes. Most of the
# excluded columns, such as the version, only describe the row. applied_at is excluded because it is
# new in 0.4. When an order query fills it in an older row, on_change must not be called.
_COMPARED_COLUMNS = [
    name
    for name, value in vars(PurchaseMixin).items()
    if isinstance(value, MappedColumn)
    and name not in ("applied_at", "failures", "behind", "version", "created_at", "updated_at")
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
        setattr(row, name, cut_to_column_length(getattr(order, name)))
    for name in ("pay_status", "issue_status", "effective_status", "price_fen"):
        setattr(row, name, _drop_too_large_number(getattr(order, name)))
    # The order's times are in China's time zone. The column type converts them to UTC.
    for name in ("applied_at", "paid_at", "issued_at"):
        setattr(row, name, _drop_time_before_1900(getattr(order, name)))
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
