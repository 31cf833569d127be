"""The values that a notification adds to a row, and the lag of the order query behind it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..gateway.notifications import Notification, NotificationType
from ..gateway.orders import EffectiveStatus, IssueStatus, Order, PayStatus
from .columns import utc_now
from .model import PurchaseMixin, set_failed_step

#: The maximum time to wait until the order query confirms a notification. The time begins with the
#: first query that does not confirm the notification. After this time, the notification is accepted
#: even if the order query still does not confirm the notification.
MAX_LAG = timedelta(days=1)
# The maximum numbers of unconfirmed notifications and of failed steps that a row records.
_MAX_RECORDED_LAGS, _MAX_RECORDED_FAILURES = 8, 32
# Fields that only a notification about a payment has.
_PAYMENT_FIELDS = ("price", "premium", "payTime", "onlinePaymentId")
_ENDING_STEPS = (NotificationType.SURRENDER, NotificationType.REISSUE)


@dataclass(frozen=True)
class NotifiedRowValues:
    """The values that a notification adds to a row because the order query does not report them.

    :param new_row: For a reissue, the row of the new application number, or None if there is none.
    :param should_forget_member: For a reissue, True if the old row's member is forgotten, so that
        the new row must not have a member either.
    """

    notification: Notification
    new_row: PurchaseMixin | None = None
    should_forget_member: bool = False

    def adds_nothing_to(self, row: PurchaseMixin | None) -> bool:
        """Return True if the row exists and the notification has nothing to write to it."""
        if row is None or self.should_forget_member or self.new_row is not None:
            return False
        notification = self.notification
        # A failed step is recorded. A partial surrender can only be compared with an answer of the
        # gateway, because a row contains no names.
        can_compare_row = notification.succeeded and not notification.is_partial
        return can_compare_row and not is_order_behind(row, None, notification)

    def apply_to_row(self, row: PurchaseMixin, order: Order | None) -> None:
        """Update a row with the values that only the notification contains.

        :param order: The gateway's answer, or None if the gateway does not know the row's number.
        """
        notification = self.notification
        if notification.insure_num == row.insure_num:
            self._record_failure(row)
            if self._is_replaced_by_new_row(row, order):
                row.replaced_by = notification.new_insure_num
        if self.should_forget_member:
            row.member, row.forgotten = None, True
        if order is None or is_order_behind(row, order, notification):
            _record_lag(row, notification)

    def _is_replaced_by_new_row(self, row: PurchaseMixin, order: Order | None) -> bool:
        """Return True if the gateway knows both orders of a reissue and both have the same member.

        Two orders without a member also count, and so does a member who was forgotten.
        """
        new_row = self.new_row
        return (
            new_row is not None
            and new_row.updated_at is not None
            and (order is not None or row.updated_at is not None)
            and (new_row.member == row.member or new_row.forgotten or row.forgotten)
        )

    def _record_failure(self, row: PurchaseMixin) -> None:
        """Record that a step failed, and show it if it is the payment or the issue.

        The signature does not cover the type of a notification. Anyone who has seen a failed
        payment can send it again as a failed issue. Therefore, data with the fields of a payment is
        not a failed issue, and the same data counts only as the step that it was first received as.
        """
        notification = self.notification
        step = int(notification.type)
        is_other_step = step == NotificationType.ISSUE and _has_payment_fields(notification)
        if notification.succeeded or is_other_step:
            return
        # The id of a notification depends on its type and its data. With the same type for all
        # notifications, equal data has equal ids.
        data_id = replace(notification, type=0, id="").id[:16]
        failures = row.failures or []
        if data_id not in (recorded_id for recorded_id, _ in failures):
            row.failures = [*failures, [data_id, step]][-_MAX_RECORDED_FAILURES:]
            set_failed_step(row)


def _has_payment_fields(notification: Notification) -> bool:
    values = (notification.price_fen, notification.paid_at, notification.payment_method)
    return values != (None, None, None) or not notification.data.keys().isdisjoint(_PAYMENT_FIELDS)


def is_order_behind(row: PurchaseMixin, order: Order | None, notification: Notification) -> bool:
    """Return True if the order query does not yet show what a notification reports.

    The order query may be behind after a successful payment, issue, surrender or reissue. An order
    that cannot be paid, is cancelled or is surrendered is never behind. Return False if the
    notification is about another order.

    :param row: The row with the gateway's last answer.
    :param order: The gateway's last answer, with the names to which a partial surrender is
        compared. None if there is no answer.
    """
    is_final = (
        row.pay_status == PayStatus.CANNOT_BE_PAID
        or row.issue_status == IssueStatus.CANCELLED
        or row.effective_status == EffectiveStatus.SURRENDERED
    )
    if is_final or not notification.succeeded or notification.insure_num != row.insure_num:
        return False
    if notification.type == NotificationType.PAYMENT:
        unpaid = (PayStatus.NOT_PAID, PayStatus.DEBIT_RUNNING, PayStatus.DEBIT_FAILED)
        return row.pay_status in unpaid or (row.pay_status is None and row.paid_at is None)
    if notification.type == NotificationType.ISSUE:
        not_issued = (IssueStatus.NOT_ISSUED, IssueStatus.DELAYED)
        return row.issue_status in not_issued or (
            row.issue_status is None and row.issued_at is None
        )
    if notification.is_partial:
        return order is not None and _is_anyone_still_insured(notification, order)
    not_ended = (
        None,
        EffectiveStatus.NOT_IN_FORCE,
        EffectiveStatus.IN_FORCE,
        EffectiveStatus.SURRENDER_RUNNING,
    )
    return notification.type in _ENDING_STEPS and row.effective_status in not_ended


def _is_anyone_still_insured(notification: Notification, order: Order) -> bool:
    """Return True if a person who leaves the policy is still insured in the gateway's answer.

    A name that the answer does not contain is ignored. Two people may have the same name.
    """
    insured = Counter(policy.insurant for policy in order.policies)
    surrendered = Counter(policy.insurant for policy in order.policies if policy.is_surrendered)
    leaving = Counter(notification.cancelled_insurants)
    return any(surrendered[name] < min(number, insured[name]) for name, number in leaving.items())


def is_surrender_running(row: PurchaseMixin, notification: Notification) -> bool:
    """Return True if the gateway reports that the notified surrender is in progress (退保中)."""
    return (
        notification.type in _ENDING_STEPS
        and row.effective_status == EffectiveStatus.SURRENDER_RUNNING
    )


def _record_lag(row: PurchaseMixin, notification: Notification) -> None:
    """Record that the order query does not confirm a notification at the current time.

    The lag begins again if the notification was accepted without confirmation, or if it was last
    received at least a day ago. The earlier notification may have been sent again by another
    person. Only the notifications that were received most recently are recorded.
    """
    now = first = utc_now()
    others = []
    for recorded in row.behind or []:
        recorded_id, *recorded_times = recorded
        recorded_first, recorded_last = map(datetime.fromisoformat, recorded_times)
        if recorded_id != notification.id:
            others.append(recorded)
        elif max(now - recorded_last, recorded_last - recorded_first) < MAX_LAG:
            first = recorded_first
    recorded = [notification.id, first.isoformat(), now.isoformat()]
    row.behind = [*others, recorded][-_MAX_RECORDED_LAGS:]


def find_lag(row: PurchaseMixin, notification: Notification) -> timedelta | None:
    """Return the time for which the order query has been behind a notification, or None."""
    for recorded_id, first_time, _ in row.behind or []:
        if recorded_id == notification.id:
            return utc_now() - datetime.fromisoformat(first_time)
    return None
