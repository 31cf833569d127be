"""The order query: what the platform itself says of an order, over TLS.

The interface document names it (数据接口) and leaves it to a document of its own. What is sent here
is what public clients of the same gateway family send. httpx comes with the extra ``orders`` and is
loaded when a client is made. Nothing here uses Flask.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import OrderError
from .notifications import PolicyInfo
from .payloads import CHINA_TIME, Fields, compact, known, read_object
from .values import Secret, WrongValueError, check_address, check_text, check_web_url, is_whole

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

# Bytes of an answer: a page of orders has far fewer.
_LARGEST = 16 * 1024 * 1024

_MOST_SAID = 200


class PayStatus(IntEnum):
    """Whether an order is paid (``payStatus``)."""

    NOT_PAID = 0
    """Not paid yet (未支付)."""
    PAID = 1
    """Paid (已支付)."""
    CANNOT_BE_PAID = 2
    """It cannot be paid (不可支付)."""
    DEBIT_RUNNING = 3
    """The debit is on its way (扣款中)."""
    DEBIT_FAILED = 4
    """The debit failed (扣款失败)."""
    DEBITED = 5
    """Paid by debit (已扣款)."""


class IssueStatus(IntEnum):
    """Whether the policy is issued (``issueStatus``)."""

    NOT_ISSUED = 0
    """Not issued yet (未出单)."""
    ISSUED = 1
    """Issued (已出单)."""
    DELAYED = 2
    """The insurer issues it later (延迟出单)."""
    CANCELLED = 3
    """Cancelled, and not issued any more (已取消)."""


class EffectiveStatus(IntEnum):
    """Whether the policy is in force (``effectiveStatus``)."""

    NOT_IN_FORCE = 0
    """Not in force (未生效)."""
    IN_FORCE = 1
    """In force (已生效)."""
    SURRENDER_RUNNING = 2
    """The surrender is on its way (退保中)."""
    SURRENDERED = 3
    """Surrendered (已退保)."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the platform has it. ``repr`` leaves out people's names.

    What the answer omits is None. A status is a plain number where it has no name here.

    :param insure_num: ``insureNum``, the application number (投保单号).
    :param case_code: ``caseCode``, the product code.
    :param partner_uniq_key: ``partnerUniqueKey``, what the gateway knows the member by.
    :param member: whose key that is; None for nobody's, and from a client made by hand. Without
        ``XIEBAO_MEMBER_SECRET`` it is the key itself.
    :param product_name: ``productName``.
    :param plan_name: ``planName``.
    :param company_name: ``companyName``, the insurer.
    :param start_date: the first day of the cover.
    :param end_date: its last day.
    :param price_fen: ``payAmount``, in fen (分).
    :param paid_at: ``payedTime``, with a time zone.
    :param issued_at: ``issueTime``, with a time zone.
    :param policies: one for each insurant.
    :param pay_status: ``payStatus``.
    :param issue_status: ``issueStatus``.
    :param effective_status: ``effectiveStatus``.
    :param data: all fields, as they were sent.
    """

    insure_num: str
    case_code: str | None = None
    partner_uniq_key: str | None = None
    member: str | None = None
    product_name: str | None = None
    plan_name: str | None = None
    company_name: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    price_fen: int | None = None
    paid_at: datetime | None = None
    issued_at: datetime | None = None
    policies: tuple[PolicyInfo, ...] = ()
    pay_status: PayStatus | int | None = None
    issue_status: IssueStatus | int | None = None
    effective_status: EffectiveStatus | int | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


class OrderClient:
    """Asks the gateway for the orders of one partner account.

    :param partner_id: ``partnerId``, the account that Xiebao gave the site.
    :param api_key: the key that belongs to the account *and* to the environment.
    :param base_url: :attr:`.Gateway.TEST`, :attr:`.Gateway.PRODUCTION` or another http(s) URL.
    :param transport: what sends the requests; one of httpx's own by default.
    :param timeout: seconds to wait for the gateway each time: until it can be reached, until its
        answer begins, and, from the start, until all of it is there.
    :param member_of: whose key a ``partnerUniqueKey`` is; see :meth:`.Xiebao.member_of`.
    :raises OrderError: an argument is wrong, or httpx is not installed.
    """

    def __init__(
        self,
        partner_id: str | int,
        api_key: str | int | Secret[str],
        *,
        base_url: str,
        transport: httpx.BaseTransport | None = None,
        timeout: float = 10,
        member_of: Callable[[str], str | None] | None = None,
    ) -> None:
        key = api_key if type(api_key) is Secret else Secret[object](api_key)
        del api_key  # an error report shows the local variables of each frame
        self._httpx = load_httpx()
        argument = "api_key"
        try:
            self._key = key.map(check_text)
            argument = "partner_id"
            self._partner_id = check_text(partner_id)
            argument = "base_url"
            self._base_url = check_address(check_web_url(base_url)).rstrip("/")
        except WrongValueError as error:
            raise OrderError(f"OrderClient's {argument} {error}") from None
        if isinstance(timeout, bool) or not (isinstance(timeout, int | float) and timeout > 0):
            raise OrderError("timeout must be a number of seconds above 0.")
        self._timeout = timeout
        self._member_of = member_of or (lambda key: None)
        # No client: it would log the URL, and the sign in it, follow redirects and use a proxy.
        self._transport = transport or _over_tls(self._httpx)

    def __repr__(self) -> str:
        return f"OrderClient({getattr(self, '_partner_id', None)!r})"

    def __enter__(self) -> OrderClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()

    def get(self, insure_num: str | int) -> Order:
        """Return an order.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        number = _number(insure_num)
        answer = self._ask("orderDetail", insureNum=number)
        return _reading(lambda: self._order(answer.object("orderDetail"), number))

    def iter(self, page_size: int = 100) -> Iterator[Order]:
        """Go through all orders of the account, each once.

        :param page_size: how many are asked for at a time.
        :raises OrderError: the gateway gives no answer that can be read.
        """
        if not is_whole(page_size, 1):
            raise OrderError("page_size must be a whole number above 0.")
        return self._iter(page_size)

    def _iter(self, page_size: int) -> Iterator[Order]:
        seen = set()
        page, pages = 0, 1
        while page < pages:
            page += 1
            answer = self._ask("orderList", pageIndex=page, pageSize=page_size)
            pages, orders = _reading(self._page, answer, page)
            if not orders:
                break
            for order in orders:
                # New ones come first and push those that were seen to the next page.
                if order.insure_num not in seen:
                    seen.add(order.insure_num)
                    yield order

    def policy_file(self, insure_num: str | int) -> Mapping[str, Any]:
        """Return where the policy file (电子保单) of an order is.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: the answer as it is: ``insureNum``, and the file's URL in a field whose name is not
            known.
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        number = _number(insure_num)
        answer = self._ask("downloadUrl", insureNum=number)
        _reading(_check_number, answer, number)
        return answer.values

    def _page(self, answer: Fields, index: int) -> tuple[int, list[Order]]:
        page = answer.object("orders")
        page.require("pageIndex", "pageNums")
        if page.whole("pageIndex") != index:
            raise WrongValueError(f"pageIndex must be {index}, as it was asked.")
        return page.whole("pageNums") or 0, [self._order(row) for row in page.objects("data")]

    def _order(self, row: Fields, number: str | None = None) -> Order:
        insure_num = _check_number(row, number)
        key = row.text("partnerUniqueKey")
        return Order(
            insure_num=insure_num,
            case_code=row.text("caseCode"),
            partner_uniq_key=key,
            member=None if key is None else self._member_of(key),
            product_name=row.prose("productName"),
            plan_name=row.prose("planName"),
            company_name=row.prose("companyName"),
            start_date=row.day("startDate"),
            end_date=row.day("endDate"),
            price_fen=row.whole("payAmount"),
            paid_at=row.moment("payedTime"),
            issued_at=row.moment("issueTime"),
            policies=tuple(_policy(row, insurant) for insurant in row.objects("insurants")),
            pay_status=_status(PayStatus, row.code("payStatus")),
            issue_status=_status(IssueStatus, row.code("issueStatus")),
            effective_status=_status(EffectiveStatus, row.code("effectiveStatus")),
            data=row.values,
        )

    def _ask(self, method: str, **own: str | int) -> Fields:
        """Return the ``data`` of an answer."""
        now = datetime.now(CHINA_TIME)
        number = f"{now:%Y%m%d%H%M%S}{secrets.randbelow(10**12):012}"
        body = compact(
            {
                "transNo": f"{self._partner_id}-{number}",
                "partnerId": _as_number(self._partner_id),
                **own,
            }
        )
        try:
            return self._key.map(lambda key: self._send(method, body, key)).reveal()
        except WrongValueError as error:
            raise OrderError(f"The answer of the gateway {error}") from None

    def _send(self, method: str, body: bytes, key: str) -> Fields:
        sign = hashlib.md5(key.encode() + body, usedforsecurity=False).hexdigest()
        request = self._httpx.Request(
            "POST",
            f"{self._base_url}/api/{method}?sign={sign}",
            content=body,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            extensions={"timeout": self._httpx.Timeout(self._timeout).as_dict()},
        )
        try:
            answer = self._receive(request)
        except self._httpx.TimeoutException:
            raise OrderError(self._too_late()) from None
        except self._httpx.HTTPError as error:
            raise OrderError(
                f"The gateway cannot be reached at {self._base_url} ({type(error).__name__})."
            ) from None
        said = Fields({name: sent.value for name, sent in read_object(answer).items()})
        return _reading(_data, said, (key, sign))

    def _receive(self, request: httpx.Request) -> bytes:
        until = time.monotonic() + self._timeout
        response = self._transport.handle_request(request)
        response.request = request
        try:
            _check_status(response)
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise OrderError(f"The answer of the gateway has more than {_LARGEST:,} bytes.")
                if time.monotonic() > until:
                    raise OrderError(self._too_late())
        finally:
            response.close()
        return bytes(body)

    def _too_late(self) -> str:
        return f"The gateway gives no answer within {self._timeout:g} seconds."


def load_httpx() -> Any:
    """Return httpx.

    :raises OrderError: it is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise OrderError(
            "Orders are asked for with httpx, which is not installed: pip install"
            " 'Flask-Xiebao[orders]'."
        ) from None
    return httpx


def _number(insure_num: object) -> str:
    try:
        return check_text(insure_num)
    except WrongValueError as error:
        raise OrderError(f"insure_num {error}") from None


def _as_number(partner_id: str) -> str | int:
    """Return a partner id as the number that the gateway expects, if it is one."""
    is_number = partner_id.isascii() and partner_id.isdecimal() and not partner_id.startswith("0")
    return int(partner_id) if is_number else partner_id


def _reading(read: Callable[..., T], *arguments: Any) -> T:
    try:
        return read(*arguments)
    except WrongValueError as error:
        raise OrderError(f"The answer of the gateway is not what it should be: {error}") from None


def _over_tls(httpx: Any) -> Any:
    try:
        return httpx.HTTPTransport()
    except OSError as error:  # of certificates that the environment names
        raise OrderError(
            f"The certificates for TLS cannot be read ({type(error).__name__}): see SSL_CERT_FILE"
            " and SSL_CERT_DIR in the environment."
        ) from None


def _check_status(response: httpx.Response) -> None:
    if response.status_code != 200:
        # Its query may hold the sign.
        to = response.headers.get("Location", "").partition("?")[0]
        raise OrderError(
            f"The gateway answers HTTP {response.status_code}{f', and leads to {to}' * bool(to)}."
        )
    # None was asked for, and what is unpacked may be a thousand times as long.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise OrderError("The gateway answers with a Content-Encoding, which is not read.")


def _data(answer: Fields, secrets: tuple[str, ...]) -> Fields:
    answer.require("respCode")
    code = answer.code("respCode") or 0
    if code != 0:
        said = answer.prose("respMsg") or ""
        for secret in secrets:  # gateways may tell what should have been signed
            said = said.replace(secret, "***")
        said = "".join(mark if mark.isprintable() else " " for mark in said[:_MOST_SAID])
        raise OrderError(f"The gateway refuses the query with respCode {code}.", code, said)
    return answer.object("data")


def _check_number(row: Fields, number: str | None) -> str:
    """Return whose row it is; with a *number*, that of no other."""
    row.require("insureNum")
    found = row.text("insureNum") or ""
    if number is not None and found != number:
        raise WrongValueError("it is about another insureNum than was asked for.")
    return found


def _status(kind: type[IntEnum], number: int | None) -> Any:
    return None if number is None else known(kind, number)


def _policy(row: Fields, insurant: Fields) -> PolicyInfo:
    return PolicyInfo(
        product_name=row.prose("productName"),
        plan_name=row.prose("planName"),
        applicant=row.object("applicant").prose("cName"),
        insurant=insurant.prose("cName"),
        start_date=row.day("startDate"),
        end_date=row.day("endDate"),
        policy_num=insurant.text("policyNum"),
    )
