"""The order query: what the platform itself says of an order, over TLS.

The interface document names it (数据接口) and leaves it to a document of its own. What is sent here
is what public clients of the same gateway family send. httpx comes with the extra ``orders`` and is
loaded when a client is made. Nothing here uses Flask.
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from ..deprecated import warn
from ..errors import OrderError
from .notifications import PolicyInfo
from .payloads import CHINA_TIME, Fields, compact, known, read_object, whole_characters
from .values import (
    Secret,
    WrongValueError,
    check_address,
    check_text,
    check_web_url,
    id_or_none,
    is_whole,
    quoted,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

logger = logging.getLogger("flask_xiebao")

# Bytes of an answer: a page of a hundred orders has fewer.
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


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the platform has it. ``repr`` leaves out people's names.

    What the answer omits is None. A status is a plain number where it has no name here.
    Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param insure_num: ``insureNum``, the application number (投保单号).
    :param case_code: ``caseCode``, the product code.
    :param insure_partner_id: ``insurePartnerId``, whose sale it is: a sub-account's own id.
    :param partner_uniq_key: ``partnerUniqueKey``, what the gateway knows the member by; None also
        for one that no member can have, whose text is in ``data``.
    :param member: whose key that is; None for nobody's, and from a client made by hand. Without
        ``XIEBAO_MEMBER_SECRET`` it is the key itself. It is found when it is first read, which may
        ask ``keeps_plain_key``: read it before you pickle an order.
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
    insure_partner_id: str | None = None
    partner_uniq_key: str | None = None
    member: str | None = field(default=None, repr=False, compare=False)
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


class _Whose:
    """Finds the member of an order. Copies of the order have it too, and pickles find nobody."""

    def __init__(self, member_of: Callable[[str], str | None], key: str) -> None:
        self._member_of = member_of
        self._key = key

    def __call__(self) -> str | None:
        return self._member_of(self._key)

    def __deepcopy__(self, memo: object) -> _Whose:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _nobody, ()


def _nobody() -> None:
    return None


class _WhenRead:
    """The member of an order that is not known yet; once found, it is an attribute like others."""

    def __get__(self, order: Order | None, _: object) -> str | None:
        if order is None:
            return None  # the class itself, of which mocks are made
        whose: _Whose | None = vars(order).get("_whose")
        found = None if whose is None else whose()
        object.__setattr__(order, "member", found)
        return found


# A dataclass has no fields that are found when they are read.
Order.member = _WhenRead()  # type: ignore[assignment]


class OrderClient:
    """Asks the gateway for the orders of one partner account.

    Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param partner_id: ``partnerId``, the account that Xiebao gave the site.
    :param api_key: the key that belongs to the account *and* to the environment.
    :param base_url: :attr:`.Gateway.TEST`, :attr:`.Gateway.PRODUCTION` or another http(s) URL.
    :param transport: what sends the requests. One of your own has the *timeout* for each step.
    :param timeout: seconds after which a query is given up, from its start until all of the answer
        is there.
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
        if isinstance(timeout, bool) or not (
            isinstance(timeout, int | float) and timeout > 0 and math.isfinite(timeout)
        ):
            raise OrderError("timeout must be a finite number of seconds above 0.")
        self._timeout = timeout
        self._member_of = member_of
        # No client: it would log the URL, and the sign in it, follow redirects and use a proxy.
        self._transport = transport or _over_tls()

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
        """Go through all orders of the account, none of them twice.

        What is in a list is less than what :meth:`get` returns: rely on the number and the
        statuses. A row without a number is left out, with a warning in the log, and a field that
        cannot be read is None. Where orders come or go meanwhile, some may be missing.

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
            pages, rows = _reading(_page, answer, page)
            if not rows:
                break
            for row in rows:
                order = self._row(row)
                # New ones come first and push those that were seen to the next page.
                if order is not None and order.insure_num not in seen:
                    seen.add(order.insure_num)
                    yield order

    def policy_url(self, insure_num: str | int) -> str:
        """Return the URL of the policy file (电子保单) of an order.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: ``fileUrl``, an http(s) URL. Whoever has it may be able to read the policy.
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        answer = self._file(insure_num)

        def read() -> str:
            answer.require("fileUrl")
            try:
                return check_web_url(answer.values["fileUrl"])
            except WrongValueError as error:
                raise WrongValueError(f"fileUrl {error}") from None

        return _reading(read)

    def policy_file(self, insure_num: str | int) -> Mapping[str, Any]:
        """Return what the gateway says of the policy file (电子保单) of an order.

        .. deprecated:: 0.3
           Use :meth:`policy_url`.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: the answer as it is: ``insureNum`` and ``fileUrl``.
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        warn("policy_file will be removed in 0.4: use policy_url, which returns the URL itself.")
        return self._file(insure_num).values

    def _file(self, insure_num: str | int) -> Fields:
        number = _number(insure_num)
        answer = self._ask("downloadUrl", insureNum=number)
        _reading(_check_number, answer, number)
        return answer

    def _row(self, row: Fields) -> Order | None:
        """Return what a row of a list says; None without a number, which is said in the log."""
        try:
            return self._order(row)
        except WrongValueError:
            logger.warning("A row of the order list has no insureNum that can be read: left out.")
            return None

    def _order(self, row: Fields, number: str | None = None) -> Order:
        insure_num = _check_number(row, number)
        key = id_or_none(row.values.get("partnerUniqueKey"))
        order = Order(
            insure_num=insure_num,
            case_code=row.text("caseCode"),
            insure_partner_id=row.text("insurePartnerId"),
            partner_uniq_key=key,
            product_name=row.prose("productName"),
            plan_name=row.prose("planName"),
            company_name=row.prose("companyName"),
            start_date=row.day("startDate"),
            end_date=row.day("endDate"),
            price_fen=row.whole("payAmount"),
            paid_at=row.moment("payedTime"),
            issued_at=row.moment("issueTime"),
            policies=tuple(_policy(row, insurant) for insurant in row.objects("insurants")),
            pay_status=_status(PayStatus, row, "pay"),
            issue_status=_status(IssueStatus, row, "issue"),
            effective_status=_status(EffectiveStatus, row, "effective"),
            data=row.values,
        )
        if key is not None and self._member_of is not None:
            del vars(order)["member"]
            object.__setattr__(order, "_whose", _Whose(self._member_of, key))
        return order

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
        sign, of_pages = (
            hashlib.md5(key.encode() + said, usedforsecurity=False).hexdigest()
            for said in (body, self._partner_id.encode())
        )
        secrets = (key, sign, of_pages)
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
            answer = self._receive(request, secrets)
        except self._httpx.TimeoutException:
            raise OrderError(self._too_late()) from None
        except self._httpx.HTTPError as error:
            raise OrderError(
                f"The gateway cannot be reached at {self._base_url} ({type(error).__name__})."
            ) from None
        # It came from whom it was asked of: a name that was cut in the middle spoils no answer.
        sent = read_object(whole_characters(answer))
        said = Fields({name: member.value for name, member in sent.items()})
        return _reading(_data, said, secrets)

    def _receive(self, request: httpx.Request, secrets: tuple[str, ...]) -> bytes:
        until = time.monotonic() + self._timeout
        response = self._transport.handle_request(request)
        response.request = request
        try:
            _check_status(response, secrets)
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise OrderError(
                        f"The answer of the gateway has more than {_LARGEST:,} bytes, which are not"
                        " read: of a list, ask for fewer at a time (page_size)."
                    )
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
        return check_text(insure_num).strip()  # CHAR(n) columns pad it
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


def _over_tls() -> httpx.BaseTransport:
    from .transport import DeadlineTransport

    try:
        return DeadlineTransport()
    except OSError as error:  # of certificates that the environment names
        raise OrderError(
            f"The certificates for TLS cannot be read ({type(error).__name__}): see SSL_CERT_FILE"
            " and SSL_CERT_DIR in the environment."
        ) from None


def _check_status(response: httpx.Response, secrets: tuple[str, ...]) -> None:
    if response.status_code != 200:
        # Its query may hold the sign.
        to = quoted(response.headers.get("Location", "").partition("?")[0], secrets)
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
        # Gateways may tell what should have been signed.
        said = quoted(answer.prose("respMsg") or "", secrets)
        raise OrderError(f"The gateway refuses the query with respCode {code}.", code, said)
    return answer.object("data")


def _check_number(row: Fields, number: str | None) -> str:
    """Return whose row it is; with a *number*, that of no other."""
    row.require("insureNum")
    found = row.text("insureNum")
    if found is None:
        raise WrongValueError("insureNum cannot be read.")
    if number is not None and found != number:
        raise WrongValueError("it is about another insureNum than was asked for.")
    return found


def _page(answer: Fields, index: int) -> tuple[int, list[Fields]]:
    page = answer.object("orders")
    page.require("pageIndex", "pageNums")
    if page.whole("pageIndex") != index:
        raise WrongValueError(f"pageIndex must be {index}, as it was asked.")
    return page.whole("pageNums") or 0, page.rows("data")


def _status(kind: type[IntEnum], row: Fields, of: str) -> Any:
    """Return a status, which a row of a list may call a state."""
    number = row.code(f"{of}Status")
    number = row.code(f"{of}State") if number is None else number
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
