"""The order query: what the platform itself says of an order, over TLS.

The interface document names it (数据接口) and leaves it to a document of its own. What is sent here
is what public clients of the same gateway family send. httpx comes with the extra ``orders`` and is
loaded when a client is made.
"""

from __future__ import annotations

import logging
import math
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import IntEnum
from functools import cached_property, partial
from itertools import count
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import OrderError
from .notifications import PolicyInfo
from .payloads import (
    CHINA_TIME,
    Fields,
    code,
    compact,
    day,
    moment,
    named,
    prose,
    read_object,
    rows,
    whole,
    whole_characters,
)
from .values import (
    Secret,
    WrongValueError,
    application_number,
    check_address,
    check_text,
    check_web_url,
    checked,
    id_or_none,
    is_whole,
    quoted,
    shown,
    sign_of,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

logger = logging.getLogger("flask_xiebao")

# The most bytes of an answer. A page of a hundred orders is smaller.
_LARGEST = 1024 * 1024


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


class _MemberLookup(partial["str | None"]):
    """The function that finds the member for a key. A copy shares it, a pickle leaves it out."""

    def __deepcopy__(self, memo: object) -> _MemberLookup:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return NoneType, ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the platform has it. ``repr`` leaves out people's names.

    What the answer omits is None, and so is what cannot be read, save a status in the answer of
    :meth:`OrderClient.get`, which is an error. A status is a plain number where it has no name
    here. Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param insure_num: ``insureNum``, the application number (投保单号).
    :param case_code: ``caseCode``, the product code.
    :param insure_partner_id: ``insurePartnerId``, whose sale it is: a sub-account's own id.
    :param partner_uniq_key: ``partnerUniqueKey``, what the gateway knows the member by; None also
        for one that no member can have, whose text is in ``data``.
    :param product_name: ``productName``.
    :param plan_name: ``planName``.
    :param company_name: ``companyName``, the insurer.
    :param start_date: the first day of the cover.
    :param end_date: its last day.
    :param price_fen: ``payAmount``, in fen (分).
    :param applied_at: ``insureTime``, with a time zone.
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
    insure_partner_id: str | None = None
    partner_uniq_key: str | None = None
    product_name: str | None = None
    plan_name: str | None = None
    company_name: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    price_fen: int | None = None
    applied_at: datetime | None = None
    paid_at: datetime | None = None
    issued_at: datetime | None = None
    policies: tuple[PolicyInfo, ...] = ()
    pay_status: PayStatus | int | None = None
    issue_status: IssueStatus | int | None = None
    effective_status: EffectiveStatus | int | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _member_of: Callable[[str], str | None] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def member(self) -> str | None:
        """The id of the member who has ``partner_uniq_key``, or None if no member has it.

        Only orders from :attr:`.Xiebao.orders`, and from a client that has ``member_of``, know
        their members. Without ``XIEBAO_MEMBER_SECRET`` the member's id is the key itself.

        The first read may call ``keeps_plain_key`` and raise its errors. Read the member before you
        pickle an order, because a pickle has only a member that was read.
        """
        if self.partner_uniq_key is None or self._member_of is None:
            return None
        return self._member_of(self.partner_uniq_key)


class OrderClient(AbstractContextManager["OrderClient"]):
    """Asks the gateway for the orders of one partner account.

    Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param partner_id: ``partnerId``, the account that Xiebao gave the site.
    :param api_key: the key that belongs to the account *and* to the environment.
    :param base_url: :attr:`.Gateway.TEST`, :attr:`.Gateway.PRODUCTION` or another http(s) URL.
    :param transport: the transport that sends the requests, by default an
        ``httpx.HTTPTransport``.
    :param timeout: the maximum number of seconds for each step of a query (wait for a free
        connection, connect, send, wait for the next data) and for all of the response. The total
        is checked each time a part of the body arrives.
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
        self._key = _argument("api_key", key.map, check_text)
        self._partner_id = _argument("partner_id", check_text, partner_id)
        self._base_url = _argument(
            "base_url", lambda url: check_address(check_web_url(url)), base_url
        )
        if isinstance(timeout, bool) or not (
            isinstance(timeout, int | float) and timeout > 0 and math.isfinite(timeout)
        ):
            raise OrderError(
                f"timeout must be a finite number of seconds greater than 0, got {shown(timeout)}."
            )
        self._timeout = timeout
        self._member_of = None if member_of is None else _MemberLookup(member_of)
        # Use a bare transport, because httpx.Client would log each URL with its sign, and use the
        # proxies of the environment.
        self._transport = transport or _make_transport()

    def __repr__(self) -> str:
        return f"OrderClient({getattr(self, '_partner_id', None)!r})"

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
        return self._find("orderDetail", insure_num, self._order, within="orderDetail")

    def iter(self, page_size: int = 100) -> Iterator[Order]:
        """Go through all orders of the account, none of them twice.

        What is in a list is less than what :meth:`get` returns: rely on the number and the
        statuses, where it has them. A row without a number is left out, with a warning in the log.
        Where orders come or go meanwhile, some may be missing.

        :param page_size: how many are asked for at a time.
        :raises OrderError: the gateway gives no answer that can be read.
        """
        if not is_whole(page_size, 1):
            raise OrderError(f"page_size must be a positive integer, got {shown(page_size)}.")
        return self._iter(page_size)

    def _iter(self, page_size: int) -> Iterator[Order]:
        seen = set()
        for index in count(1):
            answer = self._ask("orderList", pageIndex=index, pageSize=page_size)
            with _reading():
                page = answer.object("orders")
                if page.need(whole, "pageIndex") != index:
                    raise WrongValueError(
                        f'"pageIndex" must be {index}, the page that was requested.'
                    )
                pages = page.need(whole, "pageNums")
                found = page.get(rows, "data") or []
            for each in found:
                row = Fields(each if isinstance(each, dict) else {}, is_lenient=True)
                number = row.get(application_number, "insureNum")
                if number is None:
                    logger.warning(
                        'An order in the order list has no valid "insureNum" and was skipped. Ask'
                        " Xiebao about this order."
                    )
                # New orders come first, and push some that were seen to the next page.
                elif number not in seen:
                    seen.add(number)
                    yield self._order(row)
            if not found or index >= pages:
                return

    def policy_url(self, insure_num: str | int) -> str:
        """Return the URL of the policy file (电子保单) of an order.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: ``fileUrl``, an http(s) URL. Whoever has it may be able to read the policy.
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        return self._find(
            "downloadUrl", insure_num, lambda answer: answer.need(check_web_url, "fileUrl")
        )

    def _find(
        self,
        method: str,
        insure_num: str | int,
        read: Callable[[Fields], T],
        within: str | None = None,
    ) -> T:
        """Ask the gateway about one order, and return what *read* makes of the answer.

        :param within: the field of the answer that *read* gets, if not all of it.
        """
        number = checked("insure_num", application_number, insure_num, OrderError)
        answer = self._ask(method, insureNum=number)
        with _reading():
            row = answer if within is None else answer.object(within)
            if row.need(application_number, "insureNum") != number:
                raise WrongValueError(
                    '"insureNum" must be the application number that was requested.'
                )
            return read(row)

    def _order(self, row: Fields) -> Order:
        # An order is not lost for a cover that ends "for life", say.
        rest = replace(row, is_lenient=True)
        return Order(
            insure_num=row.need(application_number, "insureNum"),
            case_code=rest.get(check_text, "caseCode"),
            insure_partner_id=rest.get(check_text, "insurePartnerId"),
            partner_uniq_key=id_or_none(row.values.get("partnerUniqueKey")),
            product_name=rest.get(prose, "productName"),
            plan_name=rest.get(prose, "planName"),
            company_name=rest.get(prose, "companyName"),
            start_date=rest.get(day, "startDate"),
            end_date=rest.get(day, "endDate"),
            price_fen=rest.get(whole, "payAmount"),
            applied_at=rest.get(moment, "insureTime"),
            paid_at=rest.get(moment, "payedTime"),
            issued_at=rest.get(moment, "issueTime"),
            policies=tuple(_policy(rest, insurant) for insurant in rest.objects("insurants")),
            # A row of a list may call a status a state.
            pay_status=row.get(named(PayStatus), "payStatus", "payState"),
            issue_status=row.get(named(IssueStatus), "issueStatus", "issueState"),
            effective_status=row.get(named(EffectiveStatus), "effectiveStatus", "effectiveState"),
            data=row.values,
            _member_of=self._member_of,
        )

    def _ask(self, method: str, **own: str | int) -> Fields:
        """Return the ``data`` of an answer."""
        account = self._partner_id
        number = f"{datetime.now(CHINA_TIME):%Y%m%d%H%M%S}{secrets.randbelow(10**12):012}"
        body = compact(
            {
                "transNo": f"{account}-{number}",
                # The gateway expects a number as one.
                "partnerId": int(account) if re.fullmatch("[1-9][0-9]*", account) else account,
                **own,
            }
        )
        try:
            return self._key.map(lambda key: self._send(method, body, key)).reveal()
        except WrongValueError as error:
            raise OrderError(f"The gateway's response {error}") from None

    def _send(self, method: str, body: bytes, key: str) -> Fields:
        sign, sign_of_pages = sign_of(key, body), sign_of(key, self._partner_id.encode())
        hidden = (key, sign, sign_of_pages)
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
            answer = self._receive(request, hidden)
        except self._httpx.TimeoutException:
            raise OrderError(
                f"The gateway did not respond within {self._timeout:g} seconds."
            ) from None
        except self._httpx.HTTPError as error:
            raise OrderError(
                f"The gateway cannot be reached at {self._base_url} ({type(error).__name__})."
            ) from None
        # It comes from the gateway itself, so a name that was cut within a character is no reason
        # to refuse all of it.
        said = Fields(read_object(whole_characters(answer)))
        with _reading():
            refused = said.need(code, "respCode")
            if refused != 0:
                # It may quote what should have been signed, with the key.
                reason = quoted(said.get(prose, "respMsg") or "", hidden)
                raise OrderError(
                    f"The gateway refused the order query with respCode {refused}.", refused, reason
                )
            return said.object("data")

    def _receive(self, request: httpx.Request, hidden: tuple[str, ...]) -> bytes:
        deadline = time.monotonic() + self._timeout
        with closing(self._transport.handle_request(request)) as response:
            _check_status(response, hidden)
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise OrderError(
                        f"The gateway's response is larger than {_LARGEST:,} bytes. For a list of"
                        ' orders, use a smaller "page_size".'
                    )
                # The read timeout of httpx starts again with each part of the body.
                if time.monotonic() > deadline:
                    raise self._httpx.ReadTimeout("")
        return bytes(body)


def load_httpx() -> Any:
    """Return httpx.

    :raises OrderError: it is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise OrderError(
            "Order queries require httpx, which is not installed. Run"
            " `pip install 'Flask-Xiebao[orders]'`."
        ) from None
    return httpx


def _argument(name: str, check: Callable[[Any], T], value: object) -> T:
    return checked(f"OrderClient's {name}", check, value, OrderError)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except WrongValueError as error:
        raise OrderError(f"The gateway returned an invalid response: {error}") from None


def _make_transport() -> httpx.BaseTransport:
    import httpx

    try:
        return httpx.HTTPTransport()
    except OSError as error:  # SSL_CERT_FILE or SSL_CERT_DIR cannot be read
        raise OrderError(
            f"The certificates for TLS cannot be read ({type(error).__name__}). Check SSL_CERT_FILE"
            " and SSL_CERT_DIR in the environment."
        ) from None


def _check_status(response: httpx.Response, hidden: tuple[str, ...]) -> None:
    if response.status_code != 200:
        # Its query may have the sign.
        to = quoted(response.headers.get("Location", "").partition("?")[0], hidden)
        raise OrderError(
            f"The gateway returned HTTP status {response.status_code}"
            f"{f' with the Location header {to!r}' * bool(to)}."
        )
    # We asked for none: an unpacked answer may be a thousand times as long.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise OrderError(
            "The gateway's response has a Content-Encoding, but order queries accept only"
            ' uncompressed responses. Turn off compression for the paths below "/api/".'
        )


def _policy(row: Fields, insurant: Fields) -> PolicyInfo:
    return PolicyInfo(
        product_name=row.get(prose, "productName"),
        plan_name=row.get(prose, "planName"),
        applicant=row.object("applicant").get(prose, "cName"),
        insurant=insurant.get(prose, "cName"),
        start_date=row.get(day, "startDate"),
        end_date=row.get(day, "endDate"),
        policy_num=insurant.get(check_text, "policyNum"),
    )
