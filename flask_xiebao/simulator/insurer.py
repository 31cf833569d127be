"""The simulated insurer: it sells policies, notifies the site and answers order queries."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app

from ..gateway.values import Secret, check_named_value, is_integer_in_range
from . import wire
from .delivery import check_notify_url, deliver_notification, find_notify_url
from .order_database import OrderDatabase, SimulatedOrder

#: Every simulated order contains this invented product, even if the product code (``caseCode``) of
#: the order belongs to another product. The people in the order are invented, too.
SIMULATED_PRODUCT = {
    "productName": "境内旅行意外险",
    "planName": "计划一",
    "companyName": "模拟保险公司",
}
#: The product code (``caseCode``) of an order that is placed on the simulated home page.
DEFAULT_CASE_CODE = "QX000000127257"
# The names of the insured people. The first is also the applicant.
_PEOPLE = ("王小明", "李小红")
_PRICE = 1500  # fen, for each insured person
# The retreatStatus of a person who has left the policy. The real numbers are not documented.
_SURRENDERED_PERSON = 1
_PAYMENT_FAILURE = "余额不足"
_ISSUE_FAILURE = "核保未通过"
#: The possible actions on an order. ``again`` sends all notifications about the order once more,
#: including those that the site has not accepted yet.
ORDER_ACTIONS = ("pay", "issue", "surrender", "surrender_one", "reissue", "again")
#: A tuple of a notification's type and the fields that are specific to this type.
NotificationContent = tuple[int, dict[str, Any]]
# The maximum number of consecutive attempts to send a notification that the site does not accept.
# After the next action on an order, the simulator tries to send the notification again.
_MAX_TRIES = 3
# The largest pageIndex and pageSize of a query for the order list.
_MAX_PAGE_NUMBER = 1_000_000
# The number of attempts after which the simulator gives up on a notification, because the site is
# unlikely ever to accept the notification. The simulator compares this number only with the
# attempts before the current series of at most _MAX_TRIES attempts. A few more attempts than this
# number are therefore possible.
_MAX_TOTAL_TRIES = 20
_MAX_STORED_RESPONSE = 200  # characters


class DeliveryOptions(NamedTuple):
    """Options that simulate faults in sending notifications, such as a reversed sequence.

    :param repeat_count: The number of times that each notification is sent.
    :param is_reversed: True to send the last notification first.
    :param is_held_back: True to queue the notifications until a later action on the same order
        sends them.
    :param has_forgeries: True to send a notification with a wrong signature before each one.
    """

    repeat_count: int = 1
    is_reversed: bool = False
    is_held_back: bool = False
    has_forgeries: bool = False

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> DeliveryOptions:
        """Read the delivery options from a submitted form."""
        times = form.get("times", "1")
        return cls(
            repeat_count=int(times) if times in ("1", "2", "3") else 1,
            is_reversed="backwards" in form,
            is_held_back="late" in form,
            has_forgeries="forged" in form,
        )


class SimulatedInsurer:
    """The simulated insurer, which sells policies through one partner account.

    :param notify_url: The URL or path of the site's callback. None stands for the callback of the
        app that contains the simulator, if it has one.
    :param orders_file: The SQLite file of the orders, or None to keep them in memory.
    :raises ValueError: if the URL is neither an http(s) URL nor a path.
    """

    def __init__(
        self,
        partner_id: str,
        api_key: Secret[str],
        notify_url: str | None,
        orders_file: str | Path | None,
    ) -> None:
        self._notify_url = (
            None
            if notify_url is None
            else check_named_value("notify_url", check_notify_url, notify_url, ValueError)
        )
        self._partner_id = partner_id
        self._api_key = api_key
        self.orders = OrderDatabase(orders_file)

    @property
    def has_notify_url(self) -> bool:
        """True if there is a URL or path to send notifications to."""
        return find_notify_url(self._notify_url) is not None

    def build_unsaved_order(
        self, case_code: str, partner_uniq_key: str, *, insured_count: int = 1
    ) -> SimulatedOrder:
        """Build a new order for a purchase at the current time, but do not store the order."""
        now = wire.china_now()
        return SimulatedOrder(
            insure_num=_generate_application_number(),
            case_code=case_code,
            partner_uniq_key=partner_uniq_key,
            start_date=f"{now:%Y-%m-%d}",
            end_date=f"{now + timedelta(days=4):%Y-%m-%d}",
            price=_PRICE * insured_count,
            applied_at=wire.format_china_time(now),
            insured_count=insured_count,
        )

    def place_order(
        self,
        case_code: str,
        partner_uniq_key: str,
        delivery_options: DeliveryOptions,
        outcome: str,
        *,
        insured_count: int = 1,
    ) -> str:
        """Create an order, notify the site and return the application number.

        :param outcome: ``pay`` if everything succeeds, ``fail`` if the payment fails, or
            ``not_issued`` if the issue fails.
        :param insured_count: The number of insured people, 1 or 2.
        """
        order = self.build_unsaved_order(case_code, partner_uniq_key, insured_count=insured_count)
        if outcome == "fail":
            self.orders.save_order(order._replace(failure=_PAYMENT_FAILURE))
            contents = [(2, {"state": False, "failMsg": _PAYMENT_FAILURE, "price": 0})]
        else:
            contents = self._record_payment_and_issue(order, is_issued=outcome == "pay")
        self._notify_site(order, delivery_options, [(1, {}), *contents])
        return order.insure_num

    def perform_action(
        self, order: SimulatedOrder, action: str, delivery_options: DeliveryOptions
    ) -> str:
        """Perform an action, such as ``pay``, if the state of the order allows this action.

        The possible actions are listed in :data:`ORDER_ACTIONS`.

        :return: The application number of the order, which is a new number after a ``reissue``.
        """
        match action, order.state:
            case "pay", "unpaid":
                self._notify_site(
                    order, delivery_options, self._record_payment_and_issue(order, is_issued=True)
                )
            case "issue", "paid":
                self._notify_site(order, delivery_options, self._issue_policy(order))
            case "surrender", "issued":
                self._record_surrender(order)
                self._notify_site(order, delivery_options, [(4, {"cancelMsg": "客户申请退保"})])
            case "surrender_one", "issued" if order.can_one_person_surrender:
                now = wire.format_china_time(wire.china_now())
                self.orders.save_order(order._replace(partly_surrendered_at=now))
                contents = [(4, {"cancelInsurants": [_PEOPLE[1]], "cancelMsg": "被保险人申请退保"})]
                self._notify_site(order, delivery_options, contents)
            case "reissue", "issued":
                self._record_surrender(order)
                has_one_left = order.partly_surrendered_at is not None
                insured_count = 1 if has_one_left else order.insured_count
                new_order = order._replace(
                    insure_num=_generate_application_number(),
                    applied_at=wire.format_china_time(wire.china_now()),
                    issued_at=None,
                    price=_PRICE * insured_count,
                    insured_count=insured_count,
                    partly_surrendered_at=None,
                )
                contents = self._issue_policy(new_order)
                self._notify_site(
                    order, delivery_options, [(5, {"newInsureNum": new_order.insure_num})]
                )
                self._notify_site(new_order, delivery_options, contents)
                return new_order.insure_num
            case "again", _:
                # The dict types_by_body contains a repeated notification only once, because all
                # repetitions have the same body.
                types_by_body = {
                    notification.body: notification.notify_type
                    for notification in self.orders.get_notifications(order.insure_num)
                    if not notification.is_forged
                }
                self._queue_and_send_notifications(
                    order,
                    delivery_options,
                    [(type_, body) for body, type_ in types_by_body.items()],
                )
        return order.insure_num

    def _record_surrender(self, order: SimulatedOrder) -> None:
        self.orders.save_order(
            order._replace(surrendered_at=wire.format_china_time(wire.china_now()))
        )

    def _record_payment_and_issue(
        self, order: SimulatedOrder, *, is_issued: bool
    ) -> list[NotificationContent]:
        now = wire.format_china_time(wire.china_now())
        paid_order = order._replace(failure=None if is_issued else _ISSUE_FAILURE, paid_at=now)
        self.orders.save_order(paid_order)
        payment_fields = {"payTime": now, "price": order.price, "onlinePaymentId": "21"}
        issue_contents = (
            self._issue_policy(paid_order)
            if is_issued
            else [(3, {"state": False, "failMsg": _ISSUE_FAILURE})]
        )
        return [(2, payment_fields), *issue_contents]

    def _issue_policy(self, order: SimulatedOrder) -> list[NotificationContent]:
        now = wire.format_china_time(wire.china_now())
        order = order._replace(failure=None, issued_at=now, policy_num=f"P{order.insure_num}")
        self.orders.save_order(order)
        policies = [
            {
                "productName": SIMULATED_PRODUCT["productName"],
                "planName": SIMULATED_PRODUCT["planName"],
                "applicant": _PEOPLE[0],
                "insurant": insurant["cName"],
                "startDate": order.start_date,
                "endDate": order.end_date,
                "policyNum": insurant["policyNum"],
            }
            for insurant in build_insurants(order)
        ]
        return [(3, {"policys": policies}), (9, {})]

    def _notify_site(
        self,
        order: SimulatedOrder,
        delivery_options: DeliveryOptions,
        contents: Iterable[NotificationContent],
    ) -> None:
        order_fields = {
            "partnerId": wire.convert_partner_id_for_json(self._partner_id),
            "partnerUniqueKey": order.partner_uniq_key,
            "insureNum": order.insure_num,
            "caseCode": order.case_code,
            "state": True,
        }
        types_and_bodies = [
            (type_, wire.build_signed_notification(self._api_key, type_, order_fields | fields))
            for type_, fields in contents
        ]
        self._queue_and_send_notifications(order, delivery_options, types_and_bodies)

    def _queue_and_send_notifications(
        self,
        order: SimulatedOrder,
        delivery_options: DeliveryOptions,
        types_and_bodies: list[tuple[int, bytes]],
    ) -> None:
        url = find_notify_url(self._notify_url)
        if url is None:
            return
        notifications = [
            (type_, body, False)
            for type_, body in types_and_bodies
            for _ in range(delivery_options.repeat_count)
        ]
        if delivery_options.is_reversed:
            notifications.reverse()
        if delivery_options.has_forgeries:
            notifications = [
                notification
                for type_, body, _ in notifications
                for notification in ((type_, _forge_signature(body), True), (type_, body, False))
            ]
        self.orders.queue_notifications(order.insure_num, notifications)
        if not delivery_options.is_held_back:
            self._send_pending_and_retry_failed_notifications(url, order)

    def _send_pending_and_retry_failed_notifications(self, url: str, order: SimulatedOrder) -> None:
        """Send an order's pending notifications, and retry failed notifications about other orders.

        A notification about another order is sent only if it has been tried before. Notifications
        of other orders that were held back are not sent.
        """
        for notification in self.orders.get_pending_notifications():
            if notification.insure_num != order.insure_num and not notification.attempts:
                continue
            for _ in range(_MAX_TRIES):
                response = deliver_notification(url, notification.body)
                stored_response = f"{response.status} {response.text}"
                if len(stored_response) > _MAX_STORED_RESPONSE:
                    stored_response = f"{stored_response[:_MAX_STORED_RESPONSE]}…"
                is_finished = (
                    response.accepts_notification
                    or notification.is_forged
                    or notification.attempts >= _MAX_TOTAL_TRIES
                )
                self.orders.record_response(notification, stored_response, is_done=is_finished)
                if is_finished:
                    break
            if not (response.accepts_notification or notification.is_forged):
                # Do not log the body of the response, because it may contain people's names. Do not
                # log the path of the notification URL, because it may contain XIEBAO_NOTIFY_TOKEN.
                current_app.logger.warning(
                    "The simulator's notification of type %d about order %s was not accepted: %s"
                    ' returned %s instead of {"state": true}. Open the order in the simulator to'
                    " see the response and to send the notification again.",
                    notification.notify_type,
                    notification.insure_num,
                    urlsplit(url).netloc or "this site",
                    response.status or f"no response ({response.text})",
                )

    def answer_order_query(
        self, api_method: str, body: bytes, sign: str, build_file_url: Callable[[str], str]
    ) -> Any:
        """Return the response to an order query as a JSON-serializable dict.

        :param api_method: ``orderDetail``, ``orderList`` or ``downloadUrl``.
        :param build_file_url: A function that returns the URL of an order's policy file.
        """
        text = body.decode("utf-8", "replace")
        if not hmac.compare_digest(
            sign.encode(), wire.compute_signature(self._api_key, text).encode()
        ):
            return wire.build_query_refusal(1001, "签名错误")
        try:
            query = json.loads(text)
        except (ValueError, RecursionError):
            query = None
        if not isinstance(query, dict) or not (
            query.get("partnerId") == wire.convert_partner_id_for_json(self._partner_id)
            and query.get("transNo")
        ):
            return wire.build_query_refusal(1000, "请求有误")
        if api_method == "orderList":
            page_index, page_size = query.get("pageIndex"), query.get("pageSize")
            if not (
                is_integer_in_range(page_index, 1, _MAX_PAGE_NUMBER)
                and is_integer_in_range(page_size, 1, _MAX_PAGE_NUMBER)
            ):
                return wire.build_query_refusal(1000, "请求有误")
            orders, total = self.orders.get_order_page(page_index, page_size)
            return wire.build_order_list_response(
                map(self._build_order_detail, orders), page_index, page_size, total
            )
        insure_num = query.get("insureNum")
        if not isinstance(insure_num, str):
            return wire.build_query_refusal(1000, "请求有误")
        order = self.orders.find_order(insure_num)
        if order is None:
            return wire.build_query_refusal(1002, "投保单号不存在")
        if api_method == "orderDetail":
            return wire.build_order_response({"orderDetail": self._build_order_detail(order)})
        if order.issued_at is None:
            return wire.build_query_refusal(1003, "电子保单尚未生成")
        return wire.build_order_response(
            {"insureNum": insure_num, "fileUrl": build_file_url(insure_num)}
        )

    def _build_order_detail(self, order: SimulatedOrder) -> dict[str, Any]:
        detail = {
            "insurePartnerId": wire.convert_partner_id_for_json(self._partner_id),
            "insureNum": order.insure_num,
            "caseCode": order.case_code,
            "partnerUniqueKey": order.partner_uniq_key,
            **SIMULATED_PRODUCT,
            "totalNum": order.insured_count,
            "startDate": order.start_date,
            "endDate": order.end_date,
            "insureTime": order.applied_at,
            "payStatus": 0 if order.paid_at is None else 1,
            "payAmount": order.price,
            "payedTime": order.paid_at,
            "issueStatus": 0 if order.issued_at is None else 1,
            "issueTime": order.issued_at,
            "effectiveStatus": {"issued": 1, "surrendered": 3}.get(order.state, 0),
            "applicant": {"cName": _PEOPLE[0]},
            "insurants": build_insurants(order),
        }
        return {name: value for name, value in detail.items() if value is not None}


def build_insurants(order: SimulatedOrder) -> list[dict[str, Any]]:
    """Return the insured people of an order, each with a policy number if the policy is issued."""
    insurants: list[dict[str, Any]] = []
    for index, name in enumerate(_PEOPLE[: order.insured_count]):
        suffix = f"-{index + 1}" if index else ""
        number = None if order.policy_num is None else f"{order.policy_num}{suffix}"
        has_left = index > 0 and order.partly_surrendered_at is not None
        insurant = {"cName": name, "policyNum": number}
        insurants.append(
            {**insurant, "retreatStatus": _SURRENDERED_PERSON} if has_left else insurant
        )
    return insurants


def _generate_application_number() -> str:
    return f"{wire.china_now():%Y%m%d%H%M%S%f}"


def _forge_signature(body: bytes) -> bytes:
    """Return the body of a notification with its signature replaced by zeros."""
    start = body.index(b'"sign":"') + len(b'"sign":"')
    return body[:start] + b"0" * 32 + body[start + 32 :]
