"""The insurer behind the simulator: it sells, notifies the site, and answers order queries."""

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

#: What is sold, whatever its code: invented, as its people are.
SIMULATED_PRODUCT = {
    "productName": "境内旅行意外险",
    "planName": "计划一",
    "companyName": "模拟保险公司",
}
DEFAULT_CASE_CODE = "QX000000127257"
_PERSON = "王小明"
_PRICE = 1500  # fen
_PAYMENT_FAILURE = "余额不足"
_ISSUE_FAILURE = "核保未通过"
#: What can be done with an order; ``again`` sends what was sent about it once more, and whatever
#: has not arrived.
ORDER_ACTIONS = ("pay", "issue", "surrender", "reissue", "again")
#: The type of a notification, and the fields that are its own.
NotificationContent = tuple[int, dict[str, Any]]
# How often a notification that the site refuses is sent at once; the next step sends it again.
_MAX_TRIES = 3
_MAX_PAGE_NUMBER = 1_000_000
_MAX_TOTAL_TRIES = 20  # after which the site will hardly accept it
_MAX_STORED_RESPONSE = 200  # characters of an answer that are kept


class NotificationDelivery(NamedTuple):
    """How the site is notified of a step: in good order, or as on one of the platform's bad days.

    :param times: how often each notification comes.
    :param backwards: the last one comes first.
    :param late: they are held back until they are sent again.
    :param forged: before each comes one with a wrong sign.
    """

    repeat_count: int = 1
    is_reversed: bool = False
    is_held_back: bool = False
    has_forgeries: bool = False

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> NotificationDelivery:
        """Return what a form says."""
        times = form.get("times", "1")
        return cls(
            int(times) if times in ("1", "2", "3") else 1,
            "backwards" in form,
            "late" in form,
            "forged" in form,
        )


class SimulatedInsurer:
    """Sells on behalf of one account.

    :param notify_url: where the site takes notifications; None for the callback of the app in which
        the simulator is, if it has one.
    :param file: where orders are kept; in memory without one.
    :raises ValueError: the URL is neither an http(s) URL nor a path.
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
        """Whether the site is notified."""
        return find_notify_url(self._notify_url) is not None

    def build_unsaved_order(self, case_code: str, partner_uniq_key: str) -> SimulatedOrder:
        """Return the order that a member gets who applies now."""
        today = wire.china_now()
        return SimulatedOrder(
            insure_num=_generate_insure_num(),
            case_code=case_code,
            partner_uniq_key=partner_uniq_key,
            start_date=f"{today:%Y-%m-%d}",
            end_date=f"{today + timedelta(days=4):%Y-%m-%d}",
            price=_PRICE,
            applied_at=wire.format_china_time(today),
        )

    def place_order(
        self,
        case_code: str,
        partner_uniq_key: str,
        delivery_options: NotificationDelivery,
        outcome: str,
    ) -> str:
        """Have a member apply for a product; return the application number.

        :param outcome: ``pay`` where all goes well; ``fail`` where the payment fails, and
            ``not_issued`` where the issue does.
        """
        order = self.build_unsaved_order(case_code, partner_uniq_key)
        if outcome == "fail":
            self.orders.save_order(order._replace(failure=_PAYMENT_FAILURE))
            steps = [(2, {**_build_failure_fields(_PAYMENT_FAILURE), "price": 0})]
        else:
            steps = self._record_payment_and_issue(order, is_issued=outcome == "pay")
        self._notify_site(order, delivery_options, [(1, {}), *steps])
        return order.insure_num

    def perform_action(
        self, order: SimulatedOrder, action: str, delivery_options: NotificationDelivery
    ) -> str:
        """Do one of the :data:`STEPS`, if the order is in a state for it.

        :return: the application number of the order, which is a new one after a ``reissue``.
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
            case "reissue", "issued":
                self._record_surrender(order)
                new = order._replace(
                    insure_num=_generate_insure_num(),
                    applied_at=wire.format_china_time(wire.china_now()),
                    issued_at=None,
                )
                steps = self._issue_policy(new)
                self._notify_site(order, delivery_options, [(5, {"newInsureNum": new.insure_num})])
                self._notify_site(new, delivery_options, steps)
                return new.insure_num
            case "again", _:
                known = {
                    message.body: message.notify_type
                    for message in self.orders.get_notifications(order.insure_num)
                    if not message.is_forged
                }
                self._queue_and_send_notifications(
                    order, delivery_options, [(kind, body) for body, kind in known.items()]
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
        paid = order._replace(failure=None if is_issued else _ISSUE_FAILURE, paid_at=now)
        self.orders.save_order(paid)
        payment = {"payTime": now, "price": order.price, "onlinePaymentId": "21"}
        issued = (
            self._issue_policy(paid) if is_issued else [(3, _build_failure_fields(_ISSUE_FAILURE))]
        )
        return [(2, payment), *issued]

    def _issue_policy(self, order: SimulatedOrder) -> list[NotificationContent]:
        policy = f"P{order.insure_num}"
        now = wire.format_china_time(wire.china_now())
        self.orders.save_order(order._replace(failure=None, issued_at=now, policy_num=policy))
        issued = {
            "productName": SIMULATED_PRODUCT["productName"],
            "planName": SIMULATED_PRODUCT["planName"],
            "applicant": _PERSON,
            "insurant": _PERSON,
            "startDate": order.start_date,
            "endDate": order.end_date,
            "policyNum": policy,
        }
        return [(3, {"policys": [issued]}), (9, {})]

    def _notify_site(
        self,
        order: SimulatedOrder,
        delivery_options: NotificationDelivery,
        contents: Iterable[NotificationContent],
    ) -> None:
        about = {
            "partnerId": wire.get_json_partner_id(self._partner_id),
            "partnerUniqueKey": order.partner_uniq_key,
            "insureNum": order.insure_num,
            "caseCode": order.case_code,
            "state": True,
        }
        bodies = [
            (kind, wire.build_signed_notification(self._api_key, kind, {**about, **own}))
            for kind, own in contents
        ]
        self._queue_and_send_notifications(order, delivery_options, bodies)

    def _queue_and_send_notifications(
        self,
        order: SimulatedOrder,
        delivery_options: NotificationDelivery,
        types_and_bodies: list[tuple[int, bytes]],
    ) -> None:
        url = find_notify_url(self._notify_url)
        if url is None:
            return
        messages = [
            (kind, body, False)
            for kind, body in types_and_bodies
            for _ in range(delivery_options.repeat_count)
        ]
        if delivery_options.is_reversed:
            messages.reverse()
        if delivery_options.has_forgeries:
            messages = [
                each
                for kind, body, _ in messages
                for each in ((kind, _forge_signature(body), True), (kind, body, False))
            ]
        self.orders.queue_notifications(order.insure_num, messages)
        if not delivery_options.is_held_back:
            self._send_pending_and_retry_others(url, order)

    def _send_pending_and_retry_others(self, url: str, order: SimulatedOrder) -> None:
        """Send what has not arrived; of other orders, only what was not held back."""
        for message in self.orders.get_pending_notifications():
            if message.insure_num != order.insure_num and not message.attempts:
                continue
            for _ in range(_MAX_TRIES):
                answer = deliver_notification(url, message.body)
                said = f"{answer.status} {answer.text}"
                said = (
                    f"{said[:_MAX_STORED_RESPONSE]}…" if len(said) > _MAX_STORED_RESPONSE else said
                )
                is_done = (
                    answer.is_accepted or message.is_forged or message.attempts >= _MAX_TOTAL_TRIES
                )
                self.orders.record_response(message, said, is_done=is_done)
                if is_done:
                    break
            if not (answer.is_accepted or message.is_forged):
                # The answer itself may name people, and the path may have the token in it.
                current_app.logger.warning(
                    "The simulator's notification of type %d about order %s was not accepted: %s"
                    ' returned %s instead of {"state": true}. Open the order in the simulator to'
                    " see the response and to send the notification again.",
                    message.notify_type,
                    message.insure_num,
                    urlsplit(url).netloc or "this site",
                    answer.status or f"no response ({answer.text})",
                )

    def answer_order_query(
        self, api_method: str, body: bytes, sign: str, build_file_url: Callable[[str], str]
    ) -> Any:
        """Return the answer to an order query, as it is written in JSON.

        :param method: ``orderDetail``, ``orderList`` or ``downloadUrl``.
        :param file_url: makes the URL of an order's policy file.
        """
        text = body.decode("utf-8", "replace")
        if not hmac.compare_digest(
            sign.encode(), wire.compute_signature(self._api_key, text).encode()
        ):
            return wire.build_query_refusal(1001, "签名错误")
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not (
            asked.get("partnerId") == wire.get_json_partner_id(self._partner_id)
            and asked.get("transNo")
        ):
            return wire.build_query_refusal(1000, "请求有误")
        if api_method == "orderList":
            index, size = asked.get("pageIndex"), asked.get("pageSize")
            if not (
                is_integer_in_range(index, 1, _MAX_PAGE_NUMBER)
                and is_integer_in_range(size, 1, _MAX_PAGE_NUMBER)
            ):
                return wire.build_query_refusal(1000, "请求有误")
            purchases, total = self.orders.get_order_page(index, size)
            return wire.build_order_list_response(
                map(self._build_order_detail, purchases), index, size, total
            )
        number = asked.get("insureNum")
        if not isinstance(number, str):
            return wire.build_query_refusal(1000, "请求有误")
        purchase = self.orders.find_order(number)
        if purchase is None:
            return wire.build_query_refusal(1002, "投保单号不存在")
        if api_method == "orderDetail":
            return wire.build_order_response({"orderDetail": self._build_order_detail(purchase)})
        if purchase.issued_at is None:
            return wire.build_query_refusal(1003, "电子保单尚未生成")
        url = build_file_url(purchase.insure_num)
        return wire.build_order_response({"insureNum": purchase.insure_num, "fileUrl": url})

    def _build_order_detail(self, order: SimulatedOrder) -> dict[str, Any]:
        detail = {
            "insurePartnerId": wire.get_json_partner_id(self._partner_id),
            "insureNum": order.insure_num,
            "caseCode": order.case_code,
            "partnerUniqueKey": order.partner_uniq_key,
            **SIMULATED_PRODUCT,
            "totalNum": 1,
            "startDate": order.start_date,
            "endDate": order.end_date,
            "insureTime": order.applied_at,
            "payStatus": 0 if order.paid_at is None else 1,
            "payAmount": order.price,
            "payedTime": order.paid_at,
            "issueStatus": 0 if order.issued_at is None else 1,
            "issueTime": order.issued_at,
            "effectiveStatus": {"issued": 1, "surrendered": 3}.get(order.state, 0),
            "applicant": {"cName": _PERSON},
            "insurants": [{"cName": _PERSON, "policyNum": order.policy_num}],
        }
        return {name: value for name, value in detail.items() if value is not None}


def _generate_insure_num() -> str:
    return f"{wire.china_now():%Y%m%d%H%M%S%f}"


def _build_failure_fields(failure_message: str) -> dict[str, Any]:
    return {"state": False, "failMsg": failure_message}


def _forge_signature(body: bytes) -> bytes:
    """Return the body of a callback with a wrong sign."""
    start = body.index(b'"sign":"') + len(b'"sign":"')
    return body[:start] + b"0" * 32 + body[start + 32 :]
