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
    CHINA_TIMEZONE,
    JsonFields,
    build_enum_parser,
    check_integer,
    check_list,
    check_non_negative_integer,
    check_string,
    encode_compact_json,
    parse_china_time,
    parse_date,
    parse_json_object,
    replace_lone_surrogates,
)
from .values import (
    Secret,
    WrongValueError,
    check_named_value,
    check_web_url,
    compute_sign,
    format_short_repr,
    format_untrusted_text,
    is_integer_in_range,
    normalize_application_number,
    normalize_member_key_or_none,
    normalize_text,
    normalize_url_or_path,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

logger = logging.getLogger("flask_xiebao")

# The most bytes of an answer. A page of a hundred orders is smaller.
_MAX_RESPONSE_BYTES = 1024 * 1024


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
    _find_member: Callable[[str], str | None] | None = field(
        default=None, repr=False, compare=False
    )

    @cached_property
    def member(self) -> str | None:
        """The id of the member who has ``partner_uniq_key``, or None if no member has it.

        Only orders from :attr:`.Xiebao.orders`, and from a client that has ``member_of``, know
        their members. Without ``XIEBAO_MEMBER_SECRET`` the member's id is the key itself.

        The first read may call ``keeps_plain_key`` and raise its errors. Read the member before you
        pickle an order, because a pickle has only a member that was read.
        """
        if self.partner_uniq_key is None or self._find_member is None:
            return None
        return self._find_member(self.partner_uniq_key)


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
        self._api_key = _check_argument("api_key", key.map, normalize_text)
        self._partner_id = _check_argument("partner_id", normalize_text, partner_id)
        self._base_url = _check_argument(
            "base_url", lambda url: normalize_url_or_path(check_web_url(url)), base_url
        )
        if isinstance(timeout, bool) or not (
            isinstance(timeout, int | float) and timeout > 0 and math.isfinite(timeout)
        ):
            raise OrderError(
                "timeout must be a finite number of seconds greater than 0, got"
                f" {format_short_repr(timeout)}."
            )
        self._timeout = timeout
        self._find_member = None if member_of is None else _MemberLookup(member_of)
        # Use a bare transport, because httpx.Client would log each URL with its sign, and use the
        # proxies of the environment.
        self._transport = transport or _build_http_transport()

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
        return self._query_order(
            "orderDetail", insure_num, self._build_order, object_name="orderDetail"
        )

    def iter(self, page_size: int = 100) -> Iterator[Order]:
        """Go through all orders of the account, none of them twice.

        What is in a list is less than what :meth:`get` returns: rely on the number and the
        statuses, where it has them. A row without a number is left out, with a warning in the log.
        Where orders come or go meanwhile, some may be missing.

        :param page_size: how many are asked for at a time.
        :raises OrderError: the gateway gives no answer that can be read.
        """
        if not is_integer_in_range(page_size, 1):
            raise OrderError(
                f"page_size must be a positive integer, got {format_short_repr(page_size)}."
            )
        return self._iter_orders(page_size)

    def _iter_orders(self, page_size: int) -> Iterator[Order]:
        seen = set()
        for index in count(1):
            answer = self._query_gateway("orderList", pageIndex=index, pageSize=page_size)
            with _translating_to_order_error():
                page = answer.get_object("orders")
                if page.get_required_value(check_non_negative_integer, "pageIndex") != index:
                    raise WrongValueError(
                        f'"pageIndex" must be {index}, the page that was requested.'
                    )
                pages = page.get_required_value(check_non_negative_integer, "pageNums")
                found = page.find_first_value(check_list, "data") or []
            for each in found:
                row = JsonFields(each if isinstance(each, dict) else {}, is_lenient=True)
                number = row.find_first_value(normalize_application_number, "insureNum")
                if number is None:
                    logger.warning(
                        'An order in the order list has no valid "insureNum" and was skipped. Ask'
                        " Xiebao about this order."
                    )
                # New orders come first, and push some that were seen to the next page.
                elif number not in seen:
                    seen.add(number)
                    yield self._build_order(row)
            if not found or index >= pages:
                return

    def policy_url(self, insure_num: str | int) -> str:
        """Return the URL of the policy file (电子保单) of an order.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: ``fileUrl``, an http(s) URL. Whoever has it may be able to read the policy.
        :raises OrderError: the gateway has none, or it gives no answer that can be read.
        """
        return self._query_order(
            "downloadUrl",
            insure_num,
            lambda answer: answer.get_required_value(check_web_url, "fileUrl"),
        )

    def _query_order(
        self,
        api_method: str,
        insure_num: str | int,
        build_result: Callable[[JsonFields], T],
        object_name: str | None = None,
    ) -> T:
        """Ask the gateway about one order, and return what *read* makes of the answer.

        :param within: the field of the answer that *read* gets, if not all of it.
        """
        number = check_named_value(
            "insure_num", normalize_application_number, insure_num, OrderError
        )
        answer = self._query_gateway(api_method, insureNum=number)
        with _translating_to_order_error():
            row = answer if object_name is None else answer.get_object(object_name)
            if row.get_required_value(normalize_application_number, "insureNum") != number:
                raise WrongValueError(
                    '"insureNum" must be the application number that was requested.'
                )
            return build_result(row)

    def _build_order(self, order_fields: JsonFields) -> Order:
        # An order is not lost for a cover that ends "for life", say.
        rest = replace(order_fields, is_lenient=True)
        return Order(
            insure_num=order_fields.get_required_value(normalize_application_number, "insureNum"),
            case_code=rest.find_first_value(normalize_text, "caseCode"),
            insure_partner_id=rest.find_first_value(normalize_text, "insurePartnerId"),
            partner_uniq_key=normalize_member_key_or_none(
                order_fields.values.get("partnerUniqueKey")
            ),
            product_name=rest.find_first_value(check_string, "productName"),
            plan_name=rest.find_first_value(check_string, "planName"),
            company_name=rest.find_first_value(check_string, "companyName"),
            start_date=rest.find_first_value(parse_date, "startDate"),
            end_date=rest.find_first_value(parse_date, "endDate"),
            price_fen=rest.find_first_value(check_non_negative_integer, "payAmount"),
            applied_at=rest.find_first_value(parse_china_time, "insureTime"),
            paid_at=rest.find_first_value(parse_china_time, "payedTime"),
            issued_at=rest.find_first_value(parse_china_time, "issueTime"),
            policies=tuple(
                _build_policy_info(rest, insurant) for insurant in rest.get_object_list("insurants")
            ),
            # A row of a list may call a status a state.
            pay_status=order_fields.find_first_value(
                build_enum_parser(PayStatus), "payStatus", "payState"
            ),
            issue_status=order_fields.find_first_value(
                build_enum_parser(IssueStatus), "issueStatus", "issueState"
            ),
            effective_status=order_fields.find_first_value(
                build_enum_parser(EffectiveStatus), "effectiveStatus", "effectiveState"
            ),
            data=order_fields.values,
            _find_member=self._find_member,
        )

    def _query_gateway(self, api_method: str, **parameters: str | int) -> JsonFields:
        """Return the ``data`` of an answer."""
        account = self._partner_id
        number = f"{datetime.now(CHINA_TIMEZONE):%Y%m%d%H%M%S}{secrets.randbelow(10**12):012}"
        body = encode_compact_json(
            {
                "transNo": f"{account}-{number}",
                # The gateway expects a number as one.
                "partnerId": int(account) if re.fullmatch("[1-9][0-9]*", account) else account,
                **parameters,
            }
        )
        try:
            return self._api_key.map(lambda key: self._send_query(api_method, body, key)).reveal()
        except WrongValueError as error:
            raise OrderError(f"The gateway's response {error}") from None

    def _send_query(self, api_method: str, body: bytes, api_key: str) -> JsonFields:
        sign, sign_of_pages = (
            compute_sign(api_key, body),
            compute_sign(api_key, self._partner_id.encode()),
        )
        hidden = (api_key, sign, sign_of_pages)
        request = self._httpx.Request(
            "POST",
            f"{self._base_url}/api/{api_method}?sign={sign}",
            content=body,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
            extensions={"timeout": self._httpx.Timeout(self._timeout).as_dict()},
        )
        try:
            answer = self._fetch_response_body(request, hidden)
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
        said = JsonFields(parse_json_object(replace_lone_surrogates(answer)))
        with _translating_to_order_error():
            refused = said.get_required_value(check_integer, "respCode")
            if refused != 0:
                # It may quote what should have been signed, with the key.
                reason = format_untrusted_text(
                    said.find_first_value(check_string, "respMsg") or "", hidden
                )
                raise OrderError(
                    f"The gateway refused the order query with respCode {refused}.", refused, reason
                )
            return said.get_object("data")

    def _fetch_response_body(self, request: httpx.Request, secret_texts: tuple[str, ...]) -> bytes:
        deadline = time.monotonic() + self._timeout
        with closing(self._transport.handle_request(request)) as response:
            _check_status_and_encoding(response, secret_texts)
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > _MAX_RESPONSE_BYTES:
                    raise OrderError(
                        f"The gateway's response is larger than {_MAX_RESPONSE_BYTES:,} bytes."
                        " For a list of"
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


def _check_argument(name: str, check: Callable[[Any], T], value: object) -> T:
    return check_named_value(f"OrderClient's {name}", check, value, OrderError)


@contextmanager
def _translating_to_order_error() -> Iterator[None]:
    try:
        yield
    except WrongValueError as error:
        raise OrderError(f"The gateway returned an invalid response: {error}") from None


def _build_http_transport() -> httpx.BaseTransport:
    import httpx

    try:
        return httpx.HTTPTransport()
    except OSError as error:  # SSL_CERT_FILE or SSL_CERT_DIR cannot be read
        raise OrderError(
            f"The certificates for TLS cannot be read ({type(error).__name__}). Check SSL_CERT_FILE"
            " and SSL_CERT_DIR in the environment."
        ) from None


def _check_status_and_encoding(response: httpx.Response, secret_texts: tuple[str, ...]) -> None:
    if response.status_code != 200:
        # Its query may have the sign.
        to = format_untrusted_text(
            response.headers.get("Location", "").partition("?")[0], secret_texts
        )
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


def _build_policy_info(order_fields: JsonFields, insurant_fields: JsonFields) -> PolicyInfo:
    return PolicyInfo(
        product_name=order_fields.find_first_value(check_string, "productName"),
        plan_name=order_fields.find_first_value(check_string, "planName"),
        applicant=order_fields.get_object("applicant").find_first_value(check_string, "cName"),
        insurant=insurant_fields.find_first_value(check_string, "cName"),
        start_date=order_fields.find_first_value(parse_date, "startDate"),
        end_date=order_fields.find_first_value(parse_date, "endDate"),
        policy_num=insurant_fields.find_first_value(normalize_text, "policyNum"),
    )
