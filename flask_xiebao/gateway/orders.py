"""A client that queries the gateway for orders over HTTPS.

The interface document mentions the order query (数据接口), but describes it in a separate document.
This module sends what public clients of the same gateway family send. httpx is installed with the
extra ``orders``, and is imported when a client is created.
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
    parse_integer,
    parse_json_object,
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
    normalize_query_text,
    normalize_url_or_path,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

logger = logging.getLogger("flask_xiebao")

# The maximum size of a response, in bytes. A response with 100 orders stays below this limit.
# OrderClient.iter() requests 100 orders at a time by default.
_MAX_RESPONSE_BYTES = 1024 * 1024
# After this many pages in a row without a new order, the iteration over the order list ends with an
# error. Otherwise it would not end if the gateway returned the same page for ever.
_MAX_PAGES_WITHOUT_NEW_ORDER = 10


class PayStatus(IntEnum):
    """The payment status of an order (``payStatus``)."""

    NOT_PAID = 0
    """Not paid yet (未支付)."""
    PAID = 1
    """Paid (已支付)."""
    CANNOT_BE_PAID = 2
    """Cannot be paid (不可支付)."""
    DEBIT_RUNNING = 3
    """The debit is in progress (扣款中)."""
    DEBIT_FAILED = 4
    """The debit failed (扣款失败)."""
    DEBITED = 5
    """Paid by debit (已扣款)."""


class IssueStatus(IntEnum):
    """The issue status of an order's policy (``issueStatus``), for example issued or delayed."""

    NOT_ISSUED = 0
    """Not issued yet (未出单)."""
    ISSUED = 1
    """Issued (已出单)."""
    DELAYED = 2
    """Delayed. The insurer issues the policy later (延迟出单)."""
    CANCELLED = 3
    """Cancelled. The policy will not be issued (已取消)."""


class EffectiveStatus(IntEnum):
    """The status of a policy's cover (``effectiveStatus``)."""

    NOT_IN_FORCE = 0
    """Not in force (未生效)."""
    IN_FORCE = 1
    """In force (已生效)."""
    SURRENDER_RUNNING = 2
    """The surrender is in progress (退保中)."""
    SURRENDERED = 3
    """Surrendered (已退保)."""


class _MemberLookup(partial["str | None"]):
    """A function that returns the member with the key that an order contains.

    The key is the ``partnerUniqueKey``, as order queries spell ``partnerUniqKey``.

    Deep copies of an order share the function. A pickled order contains None in place of the
    function.
    """

    def __deepcopy__(self, memo: object) -> _MemberLookup:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return NoneType, ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order as the gateway reports it. Its ``repr`` omits people's names.

    A field is None if the response omits it or its value cannot be read. However,
    :meth:`OrderClient.get` raises an exception if a status cannot be read. A status that has no
    name here is a plain integer. This class is provisional: it may change in a minor version once
    Xiebao's own document about the order query is known.

    :param insure_num: ``insureNum``, the application number (投保单号).
    :param case_code: ``caseCode``, the product code.
    :param insure_partner_id: ``insurePartnerId``, the account that made the sale. A sub-account has
        its own id.
    :param partner_uniq_key: ``partnerUniqueKey``, the key by which the gateway knows the member. It
        is also None if no member can have the key. ``data`` contains the original text.
    :param product_name: ``productName``.
    :param plan_name: ``planName``.
    :param company_name: ``companyName``, the insurer.
    :param start_date: The first day of the cover.
    :param end_date: The last day of the cover.
    :param price_fen: ``payAmount``, in fen (分).
    :param applied_at: ``insureTime``, the time of the application, as a timezone-aware datetime.
    :param paid_at: ``payedTime``, as a timezone-aware datetime.
    :param issued_at: ``issueTime``, as a timezone-aware datetime.
    :param policies: One policy for each insured person.
    :param pay_status: ``payStatus``.
    :param issue_status: ``issueStatus``.
    :param effective_status: ``effectiveStatus``.
    :param data: All fields as they were sent, except that U+FFFD replaces half of an emoji if the
        gateway has cut a text there.
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
    # A dict is not hashable, so hash() ignores this field.
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    _find_member: Callable[[str], str | None] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def is_partly_surrendered(self) -> bool:
        """True if at least one insured person has left the policy and the policy goes on."""
        is_surrendered = self.effective_status == EffectiveStatus.SURRENDERED
        return not is_surrendered and any(policy.is_surrendered for policy in self.policies)

    @cached_property
    def member(self) -> str | None:
        """The id of the member to whom this order's ``partner_uniq_key`` belongs, or None.

        The id is None if no member has the key. Only orders from :attr:`.Xiebao.orders`, and from a
        client with ``member_of``, have a member. Without ``XIEBAO_MEMBER_SECRET``, the member's id
        is the key itself.

        The first access may call ``keeps_plain_key`` and raise its exceptions. Access the member
        before you pickle an order, because the pickle contains the member only after an access.
        """
        if self.partner_uniq_key is None or self._find_member is None:
            return None
        return self._find_member(self.partner_uniq_key)


class OrderClient(AbstractContextManager["OrderClient"]):
    """A client that asks the gateway for the orders of one partner account.

    This class is provisional: it may change in a minor version once Xiebao's own document about the
    order query is known.

    :param partner_id: ``partnerId``, the account that the site has at Xiebao.
    :param api_key: The key for this account *and* this environment.
    :param base_url: :attr:`.Gateway.TEST`, :attr:`.Gateway.PRODUCTION` or another http(s) URL.
    :param transport: The transport that sends the requests, by default an
        ``httpx.HTTPTransport``.
    :param timeout: The maximum number of seconds for each step of a query (wait for a free
        connection, connect, send, wait for the next data) and for the whole response. The total
        is checked each time a part of the body arrives.
    :param member_of: A function that returns the member who has a ``partnerUniqueKey``, or None,
        like :meth:`.Xiebao.member_of`.
    :raises OrderError: if an argument is invalid, or httpx is not installed.
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
        # Error reports show local variables, so keep the API key only in a Secret object, which
        # hides it.
        del api_key
        self._httpx = load_httpx()
        self._api_key = _check_argument("api_key", key.map, normalize_query_text)
        self._partner_id = _check_argument("partner_id", normalize_query_text, partner_id)
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
        # Do not use an httpx.Client to send the requests. A client would log each URL, and the URL
        # contains the signature. A client would also use the proxies from the environment.
        self._transport = transport or _build_http_transport()
        #: The ``Date`` header of the gateway's last response, or None.
        self.response_date: str | None = None

    def __repr__(self) -> str:
        return f"OrderClient({getattr(self, '_partner_id', None)!r})"

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all open connections."""
        self._transport.close()

    def get(self, insure_num: str | int) -> Order:
        """Return the order with this insurance application number.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :raises OrderError: if the gateway has no such order, or returns no readable response.
        """
        return self._query_order(
            "orderDetail", insure_num, self._build_order, object_name="orderDetail"
        )

    def iter(self, page_size: int = 100) -> Iterator[Order]:
        """Return an iterator over all orders of the account, each at most once.

        A listed order has fewer fields than an order from :meth:`get`. Rely only on its number and,
        if they are present, its statuses. A listed order without a number is skipped, and a warning
        is logged once for each page. If orders are added or removed during the iteration, some may
        be missing.

        :param page_size: The number of orders in each request.
        :raises OrderError: if the gateway returns no readable response, or ten pages in a row
            without a new order.
        """
        if not is_integer_in_range(page_size, 1):
            raise OrderError(
                f"page_size must be a positive integer, got {format_short_repr(page_size)}."
            )
        return self._iter_orders(page_size)

    # Keep this generator separate from OrderClient.iter(). The code of a generator does not run
    # until its first item is requested, but iter() must check page_size immediately.
    def _iter_orders(self, page_size: int) -> Iterator[Order]:
        seen_numbers: set[str] = set()
        pages_without_new_order = 0
        for index in count(1):
            orders, skipped_count, is_last = self._query_order_page(index, page_size)
            # Log the warning here and not in _query_order_page(), because error reports show local
            # variables, and there they contain people's names.
            if skipped_count:
                logger.warning(
                    "Skipped %d of %d orders on page %d of the order list because of a missing or"
                    ' invalid "insureNum". Ask Xiebao about this page.',
                    skipped_count,
                    skipped_count + len(orders),
                    index,
                )
            # The list begins with the newest orders. A new order moves others to the next page, so
            # an order can be listed twice.
            new_orders = {
                order.insure_num: order for order in orders if order.insure_num not in seen_numbers
            }
            seen_numbers.update(new_orders)
            yield from new_orders.values()
            if is_last:
                return
            pages_without_new_order = 0 if new_orders else pages_without_new_order + 1
            if pages_without_new_order == _MAX_PAGES_WITHOUT_NEW_ORDER:
                raise OrderError(
                    f"The gateway returned {pages_without_new_order} pages of the order list in a"
                    f" row without a new order, up to page {index}, so the list was not read to the"
                    " end. Ask Xiebao about the order list."
                )

    def _query_order_page(self, index: int, page_size: int) -> tuple[list[Order], int, bool]:
        """Query a page of the order list.

        :return: The orders, the number of orders that were skipped because they have no valid
            application number, and True for the last page.
        """
        response_data = self._query_gateway("orderList", pageIndex=index, pageSize=page_size)
        with _convert_errors_to_order_error():
            page = response_data.get_json_object("orders")
            if page.get_required_value(check_non_negative_integer, "pageIndex") != index:
                raise WrongValueError(f'"pageIndex" must be {index}, the page that was requested.')
            page_count = page.get_required_value(check_non_negative_integer, "pageNums")
            items = page.find_first_present_value(check_list, "data") or []
        orders = []
        for item in items:
            order_fields = JsonFields(item if isinstance(item, dict) else {}, is_lenient=True)
            if order_fields.find_first_present_value(normalize_application_number, "insureNum"):
                orders.append(self._build_order(order_fields))
        return orders, len(items) - len(orders), not items or index >= page_count

    def policy_url(self, insure_num: str | int) -> str:
        """Return the URL of an order's policy file (电子保单).

        :param insure_num: ``insureNum``, the application number (投保单号).
        :return: ``fileUrl``, an http(s) URL. Anyone who has the URL may be able to read the policy.
        :raises OrderError: if the gateway has no such file, or returns no readable response.
        """
        return self._query_order(
            "downloadUrl",
            insure_num,
            lambda fields: fields.get_required_value(check_web_url, "fileUrl"),
        )

    def _query_order(
        self,
        api_method: str,
        insure_num: str | int,
        build_result: Callable[[JsonFields], T],
        object_name: str | None = None,
    ) -> T:
        """Query one order, pass its fields to *build_result*, and return the result.

        :param object_name: The field of the response data that contains the order's fields. If
            None, all of the response data is passed to *build_result*.
        """
        number = check_named_value(
            "insure_num", normalize_application_number, insure_num, OrderError
        )
        data = self._query_gateway(api_method, insureNum=number)
        with _convert_errors_to_order_error():
            fields = data if object_name is None else data.get_json_object(object_name)
            if fields.get_required_value(normalize_application_number, "insureNum") != number:
                raise WrongValueError(
                    '"insureNum" must be the application number that was requested.'
                )
            return build_result(fields)

    def _build_order(self, order_fields: JsonFields) -> Order:
        # Most fields that cannot be read become None, for example the end date "for life". Only an
        # application number or a status that cannot be read raises an error. If the order comes
        # from the order list, a status that cannot be read becomes None, too. _iter_orders() skips
        # a listed order whose application number cannot be read.
        lenient_fields = replace(order_fields, is_lenient=True)
        return Order(
            insure_num=order_fields.get_required_value(normalize_application_number, "insureNum"),
            case_code=lenient_fields.find_first_present_value(normalize_query_text, "caseCode"),
            insure_partner_id=lenient_fields.find_first_present_value(
                normalize_query_text, "insurePartnerId"
            ),
            partner_uniq_key=normalize_member_key_or_none(
                order_fields.values.get("partnerUniqueKey")
            ),
            product_name=lenient_fields.find_first_present_value(check_string, "productName"),
            plan_name=lenient_fields.find_first_present_value(check_string, "planName"),
            company_name=lenient_fields.find_first_present_value(check_string, "companyName"),
            start_date=lenient_fields.find_first_present_value(parse_date, "startDate"),
            end_date=lenient_fields.find_first_present_value(parse_date, "endDate"),
            price_fen=lenient_fields.find_first_present_value(
                check_non_negative_integer, "payAmount"
            ),
            applied_at=lenient_fields.find_first_present_value(parse_china_time, "insureTime"),
            paid_at=lenient_fields.find_first_present_value(parse_china_time, "payedTime"),
            issued_at=lenient_fields.find_first_present_value(parse_china_time, "issueTime"),
            policies=tuple(
                _build_policy_info(lenient_fields, insurant_fields)
                for insurant_fields in lenient_fields.get_json_object_list("insurants")
            ),
            # In the order list, the names of the status fields may end in "State" instead of
            # "Status".
            pay_status=order_fields.find_first_present_value(
                build_enum_parser(PayStatus), "payStatus", "payState"
            ),
            issue_status=order_fields.find_first_present_value(
                build_enum_parser(IssueStatus), "issueStatus", "issueState"
            ),
            effective_status=order_fields.find_first_present_value(
                build_enum_parser(EffectiveStatus), "effectiveStatus", "effectiveState"
            ),
            data=order_fields.values,
            _find_member=self._find_member,
        )

    def _query_gateway(self, api_method: str, **parameters: str | int) -> JsonFields:
        """Send a query and return the ``data`` of the response."""
        partner_id = self._partner_id
        suffix = f"{datetime.now(CHINA_TIMEZONE):%Y%m%d%H%M%S}{secrets.randbelow(10**12):012}"
        body = encode_compact_json(
            {
                "transNo": f"{partner_id}-{suffix}",
                # The gateway expects a numeric partner id as a JSON number.
                "partnerId": (
                    int(partner_id) if re.fullmatch("[1-9][0-9]*", partner_id) else partner_id
                ),
                **parameters,
            }
        )
        try:
            return self._api_key.map(lambda key: self._send_query(api_method, body, key)).reveal()
        except WrongValueError as error:
            raise OrderError(f"The gateway's response {error}") from None

    def _send_query(self, api_method: str, body: bytes, api_key: str) -> JsonFields:
        sign = compute_sign(api_key, body)
        # Mask these secrets in messages: the API key, the signature of the order query, and the
        # signature in the URLs of gateway pages.
        secret_texts = (api_key, sign, compute_sign(api_key, self._partner_id.encode()))
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
            response_body = self._fetch_response_body(request, secret_texts)
        except self._httpx.TimeoutException:
            raise OrderError(
                f"The gateway did not respond within {self._timeout:g} seconds."
            ) from None
        except self._httpx.HTTPError as error:
            raise OrderError(
                f"The gateway cannot be reached at {self._base_url} ({type(error).__name__})."
            ) from None
        fields = JsonFields(parse_json_object(response_body))
        with _convert_errors_to_order_error():
            code = fields.get_required_value(check_integer, "respCode")
            if code != 0:
                # The gateway's error message may quote the text to be signed, which contains the
                # API key, so mask the secrets in the message.
                gateway_message = format_untrusted_text(
                    fields.find_first_present_value(check_string, "respMsg") or "", secret_texts
                )
                raise OrderError(
                    f"The gateway refused the order query with respCode {code}.",
                    code,
                    gateway_message,
                )
            return fields.get_json_object("data")

    def _fetch_response_body(self, request: httpx.Request, secret_texts: tuple[str, ...]) -> bytes:
        deadline = time.monotonic() + self._timeout
        with closing(self._transport.handle_request(request)) as response:
            self.response_date = response.headers.get("Date")
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
                # The read timeout of httpx restarts with each part of the body, so check the total
                # time here.
                if time.monotonic() > deadline:
                    raise self._httpx.ReadTimeout("")
        return bytes(body)


def load_httpx() -> Any:
    """Import and return httpx.

    :raises OrderError: if httpx is not installed.
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
def _convert_errors_to_order_error() -> Iterator[None]:
    try:
        yield
    except WrongValueError as error:
        raise OrderError(f"The gateway returned an invalid response: {error}") from None


def _build_http_transport() -> httpx.BaseTransport:
    import httpx

    try:
        return httpx.HTTPTransport()
    # httpx raises OSError if SSL_CERT_FILE or SSL_CERT_DIR names files that cannot be read.
    except OSError as error:
        raise OrderError(
            f"The TLS certificates cannot be read ({type(error).__name__}). Check SSL_CERT_FILE"
            " and SSL_CERT_DIR in the environment."
        ) from None


def _check_status_and_encoding(response: httpx.Response, secret_texts: tuple[str, ...]) -> None:
    if response.status_code != 200:
        # Omit the query string of the URL, because it may contain the signature.
        location = format_untrusted_text(
            response.headers.get("Location", "").partition("?")[0], secret_texts
        )
        raise OrderError(
            f"The gateway returned HTTP status {response.status_code}"
            f"{f' with the Location header {location!r}' * bool(location)}."
        )
    # The request accepts only uncompressed responses, because a decompressed response may be 1000
    # times as long as the compressed one.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise OrderError(
            "The gateway's response has a Content-Encoding, but order queries accept only"
            " uncompressed responses. If your own proxy or simulator compresses the response,"
            ' turn off compression for paths below "/api/".'
        )


def _build_policy_info(order_fields: JsonFields, insurant_fields: JsonFields) -> PolicyInfo:
    return PolicyInfo(
        product_name=order_fields.find_first_present_value(check_string, "productName"),
        plan_name=order_fields.find_first_present_value(check_string, "planName"),
        applicant=order_fields.get_json_object("applicant").find_first_present_value(
            check_string, "cName"
        ),
        insurant=insurant_fields.find_first_present_value(check_string, "cName"),
        start_date=order_fields.find_first_present_value(parse_date, "startDate"),
        end_date=order_fields.find_first_present_value(parse_date, "endDate"),
        policy_num=insurant_fields.find_first_present_value(normalize_query_text, "policyNum"),
        retreat_status=insurant_fields.find_first_present_value(parse_integer, "retreatStatus"),
    )
