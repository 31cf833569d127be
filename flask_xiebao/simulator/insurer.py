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

from ..gateway.values import Secret, checked, is_whole
from . import wire
from .delivery import check_notify_url, send, where_to
from .order_book import OrderBook, SimulatedOrder

#: What is sold, whatever its code: invented, as its people are.
PRODUCT = {"productName": "境内旅行意外险", "planName": "计划一", "companyName": "模拟保险公司"}
CASE_CODE = "QX000000127257"
_PERSON = "王小明"
_PRICE = 1500  # fen
_NO_MONEY = "余额不足"
_NOT_ISSUED = "核保未通过"
#: What can be done with an order; ``again`` sends what was sent about it once more, and whatever
#: has not arrived.
STEPS = ("pay", "issue", "surrender", "reissue", "again")
#: The type of a notification, and the fields that are its own.
Step = tuple[int, dict[str, Any]]
# How often a notification that the site refuses is sent at once; the next step sends it again.
_ATTEMPTS = 3
_MOST_ROWS = 1_000_000
_MOST_ATTEMPTS = 20  # after which the site will hardly accept it
_MOST_SAID = 200  # characters of an answer that are kept


class Manner(NamedTuple):
    """How the site is notified of a step: in good order, or as on one of the platform's bad days.

    :param times: how often each notification comes.
    :param backwards: the last one comes first.
    :param late: they are held back until they are sent again.
    :param forged: before each comes one with a wrong sign.
    """

    times: int = 1
    backwards: bool = False
    late: bool = False
    forged: bool = False

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Manner:
        """Return what a form says."""
        times = form.get("times", "1")
        return cls(
            int(times) if times in ("1", "2", "3") else 1,
            "backwards" in form,
            "late" in form,
            "forged" in form,
        )


class Insurer:
    """Sells on behalf of one account.

    :param notify_url: where the site takes notifications; None for the callback of the app in which
        the simulator is, if it has one.
    :param file: where orders are kept; in memory without one.
    :raises ValueError: the URL is neither an http(s) URL nor a path.
    """

    def __init__(
        self,
        partner_id: str,
        key: Secret[str],
        notify_url: str | None,
        file: str | Path | None,
    ) -> None:
        self._notify_url = (
            None
            if notify_url is None
            else checked("notify_url", check_notify_url, notify_url, ValueError)
        )
        self._partner_id = partner_id
        self._key = key
        self.purchases = OrderBook(file)

    @property
    def notifies(self) -> bool:
        """Whether the site is notified."""
        return where_to(self._notify_url) is not None

    def offer(self, case_code: str, partner_uniq_key: str) -> SimulatedOrder:
        """Return the order that a member gets who applies now."""
        today = wire.now()
        return SimulatedOrder(
            insure_num=_new_number(),
            case_code=case_code,
            partner_uniq_key=partner_uniq_key,
            start_date=f"{today:%Y-%m-%d}",
            end_date=f"{today + timedelta(days=4):%Y-%m-%d}",
            price=_PRICE,
            applied_at=wire.moment(today),
        )

    def apply(self, case_code: str, partner_uniq_key: str, manner: Manner, outcome: str) -> str:
        """Have a member apply for a product; return the application number.

        :param outcome: ``pay`` where all goes well; ``fail`` where the payment fails, and
            ``not_issued`` where the issue does.
        """
        order = self.offer(case_code, partner_uniq_key)
        if outcome == "fail":
            self.purchases.keep(order._replace(failure=_NO_MONEY))
            steps = [(2, {**_failed(_NO_MONEY), "price": 0})]
        else:
            steps = self._pay(order, issue=outcome == "pay")
        self._tell(order, manner, [(1, {}), *steps])
        return order.insure_num

    def act(self, order: SimulatedOrder, what: str, manner: Manner) -> str:
        """Do one of the :data:`STEPS`, if the order is in a state for it.

        :return: the application number of the order, which is a new one after a ``reissue``.
        """
        match what, order.state:
            case "pay", "unpaid":
                self._tell(order, manner, self._pay(order, issue=True))
            case "issue", "paid":
                self._tell(order, manner, self._issue(order))
            case "surrender", "issued":
                self._end(order)
                self._tell(order, manner, [(4, {"cancelMsg": "客户申请退保"})])
            case "reissue", "issued":
                self._end(order)
                new = order._replace(
                    insure_num=_new_number(), applied_at=wire.moment(wire.now()), issued_at=None
                )
                steps = self._issue(new)
                self._tell(order, manner, [(5, {"newInsureNum": new.insure_num})])
                self._tell(new, manner, steps)
                return new.insure_num
            case "again", _:
                known = {
                    message.body: message.kind
                    for message in self.purchases.messages_about(order.insure_num)
                    if not message.forged
                }
                self._queue(order, manner, [(kind, body) for body, kind in known.items()])
        return order.insure_num

    def _end(self, order: SimulatedOrder) -> None:
        self.purchases.keep(order._replace(surrendered_at=wire.moment(wire.now())))

    def _pay(self, order: SimulatedOrder, *, issue: bool) -> list[Step]:
        now = wire.moment(wire.now())
        paid = order._replace(failure=None if issue else _NOT_ISSUED, paid_at=now)
        self.purchases.keep(paid)
        payment = {"payTime": now, "price": order.price, "onlinePaymentId": "21"}
        issued = self._issue(paid) if issue else [(3, _failed(_NOT_ISSUED))]
        return [(2, payment), *issued]

    def _issue(self, order: SimulatedOrder) -> list[Step]:
        policy = f"P{order.insure_num}"
        now = wire.moment(wire.now())
        self.purchases.keep(order._replace(failure=None, issued_at=now, policy_num=policy))
        issued = {
            "productName": PRODUCT["productName"],
            "planName": PRODUCT["planName"],
            "applicant": _PERSON,
            "insurant": _PERSON,
            "startDate": order.start_date,
            "endDate": order.end_date,
            "policyNum": policy,
        }
        return [(3, {"policys": [issued]}), (9, {})]

    def _tell(self, purchase: SimulatedOrder, manner: Manner, steps: Iterable[Step]) -> None:
        about = {
            "partnerId": wire.a_number(self._partner_id),
            "partnerUniqueKey": purchase.partner_uniq_key,
            "insureNum": purchase.insure_num,
            "caseCode": purchase.case_code,
            "state": True,
        }
        bodies = [(kind, wire.callback(self._key, kind, {**about, **own})) for kind, own in steps]
        self._queue(purchase, manner, bodies)

    def _queue(
        self, purchase: SimulatedOrder, manner: Manner, bodies: list[tuple[int, bytes]]
    ) -> None:
        url = where_to(self._notify_url)
        if url is None:
            return
        messages = [(kind, body, False) for kind, body in bodies for _ in range(manner.times)]
        if manner.backwards:
            messages.reverse()
        if manner.forged:
            messages = [
                each
                for kind, body, _ in messages
                for each in ((kind, _forged(body), True), (kind, body, False))
            ]
        self.purchases.queue(purchase.insure_num, messages)
        if not manner.late:
            self._deliver(url, purchase)

    def _deliver(self, url: str, purchase: SimulatedOrder) -> None:
        """Send what has not arrived; of other orders, only what was not held back."""
        for message in self.purchases.undelivered():
            if message.insure_num != purchase.insure_num and not message.attempts:
                continue
            for _ in range(_ATTEMPTS):
                answer = send(url, message.body)
                said = f"{answer.status} {answer.text}"
                said = f"{said[:_MOST_SAID]}…" if len(said) > _MOST_SAID else said
                is_done = answer.is_accepted or message.forged or message.attempts >= _MOST_ATTEMPTS
                self.purchases.answered(message, said, is_done=is_done)
                if is_done:
                    break
            if not (answer.is_accepted or message.forged):
                # The answer itself may name people, and the path may have the token in it.
                current_app.logger.warning(
                    "The simulator's notification of type %d about order %s was not accepted: %s"
                    ' returned %s instead of {"state": true}. Open the order in the simulator to'
                    " see the response and to send the notification again.",
                    message.kind,
                    message.insure_num,
                    urlsplit(url).netloc or "this site",
                    answer.status or f"no response ({answer.text})",
                )

    def answer(self, method: str, body: bytes, sign: str, file_url: Callable[[str], str]) -> Any:
        """Return the answer to an order query, as it is written in JSON.

        :param method: ``orderDetail``, ``orderList`` or ``downloadUrl``.
        :param file_url: makes the URL of an order's policy file.
        """
        text = body.decode("utf-8", "replace")
        if not hmac.compare_digest(sign.encode(), wire.sign(self._key, text).encode()):
            return wire.refusal(1001, "签名错误")
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not (
            asked.get("partnerId") == wire.a_number(self._partner_id) and asked.get("transNo")
        ):
            return wire.refusal(1000, "请求有误")
        if method == "orderList":
            index, size = asked.get("pageIndex"), asked.get("pageSize")
            if not (is_whole(index, 1, _MOST_ROWS) and is_whole(size, 1, _MOST_ROWS)):
                return wire.refusal(1000, "请求有误")
            purchases, total = self.purchases.page(index, size)
            return wire.page_of(map(self._detail, purchases), index, size, total)
        number = asked.get("insureNum")
        if not isinstance(number, str):
            return wire.refusal(1000, "请求有误")
        purchase = self.purchases.find(number)
        if purchase is None:
            return wire.refusal(1002, "投保单号不存在")
        if method == "orderDetail":
            return wire.accepted({"orderDetail": self._detail(purchase)})
        if purchase.issued_at is None:
            return wire.refusal(1003, "电子保单尚未生成")
        url = file_url(purchase.insure_num)
        return wire.accepted({"insureNum": purchase.insure_num, "fileUrl": url})

    def _detail(self, purchase: SimulatedOrder) -> dict[str, Any]:
        detail = {
            "insurePartnerId": wire.a_number(self._partner_id),
            "insureNum": purchase.insure_num,
            "caseCode": purchase.case_code,
            "partnerUniqueKey": purchase.partner_uniq_key,
            **PRODUCT,
            "totalNum": 1,
            "startDate": purchase.start_date,
            "endDate": purchase.end_date,
            "insureTime": purchase.applied_at,
            "payStatus": 0 if purchase.paid_at is None else 1,
            "payAmount": purchase.price,
            "payedTime": purchase.paid_at,
            "issueStatus": 0 if purchase.issued_at is None else 1,
            "issueTime": purchase.issued_at,
            "effectiveStatus": {"issued": 1, "surrendered": 3}.get(purchase.state, 0),
            "applicant": {"cName": _PERSON},
            "insurants": [{"cName": _PERSON, "policyNum": purchase.policy_num}],
        }
        return {name: value for name, value in detail.items() if value is not None}


def _new_number() -> str:
    return f"{wire.now():%Y%m%d%H%M%S%f}"


def _failed(why: str) -> dict[str, Any]:
    return {"state": False, "failMsg": why}


def _forged(body: bytes) -> bytes:
    """Return the body of a callback with a wrong sign."""
    start = body.index(b'"sign":"') + len(b'"sign":"')
    return body[:start] + b"0" * 32 + body[start + 32 :]
