"""Parsing and verification of the notifications that the gateway sends about purchases.

The interface document mentions these notifications (the callback, 回调通知), but describes them in
a separate document. This module follows public clients of the same gateway family.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from ..errors import NotificationError, XiebaoError
from .payloads import (
    JsonFields,
    check_boolean,
    check_non_negative_integer,
    check_string,
    convert_to_decimal_string,
    encode_compact_json,
    get_enum_member_or_number,
    get_raw_json_values,
    is_json_value_empty,
    parse_china_time,
    parse_date,
    parse_json_object,
)
from .values import (
    Secret,
    WrongValueError,
    check_named_value,
    compute_sign,
    is_integer_in_range,
    normalize_application_number,
    normalize_member_key_or_none,
    normalize_query_text,
)

#: The maximum size of a notification's body, in bytes. A notification about a policy for 300
#: people has about 77,000 bytes.
MAX_NOTIFICATION_BYTES = 256 * 1024

_SIGN_PATTERN = re.compile("[0-9a-f]{32}")

# The required fields of a notification's body, each with a description and a function that checks
# the value.
_BODY_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "notifyType": (
        'an integer from 0 to 9999 as "notifyType"',
        lambda notify_type: is_integer_in_range(notify_type, 0, 9999),
    ),
    "sign": (
        '32 lower-case hex digits as "sign"',
        lambda sign: isinstance(sign, str) and _SIGN_PATTERN.fullmatch(sign) is not None,
    ),
    # Accept only a JSON object, because members can forge the sign of other texts. Every member
    # sees md5(apiKey + partnerId). MD5 allows length extension, so this value is enough to compute
    # the sign of a longer text that begins with the partner id. A JSON object begins with a brace,
    # not with the partner id.
    "data": ('an object as "data"', lambda data: isinstance(data, dict)),
}


class NotificationType(IntEnum):
    """The purchase step that a notification reports (``notifyType``).

    A notification does not report the state of the policy.
    """

    APPLICATION = 1
    """The application (投保)."""
    PAYMENT = 2
    """The payment (支付)."""
    ISSUE = 3
    """The issue of the policy (出单)."""
    SURRENDER = 4
    """The surrender (退保)."""
    REISSUE = 5
    """The surrender and reissue of the policy (退保重出)."""
    POLICY_FILE = 9
    """The policy file, which is ready (电子保单)."""


@dataclass(frozen=True, kw_only=True)
class PolicyInfo:
    """An insurance policy of an order. Its ``repr`` omits people's names.

    :param product_id: ``productId``, as text.
    :param product_name: ``productName``.
    :param plan_id: ``planId``, as text.
    :param plan_name: ``planName``.
    :param applicant: The name of the applicant (投保人).
    :param insurant: The name of the insured person (被保险人).
    :param start_date: The first day of the cover.
    :param end_date: The last day of the cover.
    :param policy_num: ``policyNum``, the insurer's number for the policy (保单号).
    :param retreat_status: ``retreatStatus`` of the insured person in an order. Its numbers are not
        documented. None and 0 mean that the person is insured.
    """

    product_id: str | None = None
    product_name: str | None = None
    plan_id: str | None = None
    plan_name: str | None = None
    applicant: str | None = field(default=None, repr=False)
    insurant: str | None = field(default=None, repr=False)
    start_date: date | None = None
    end_date: date | None = None
    policy_num: str | None = None
    retreat_status: int | None = None

    @property
    def is_surrendered(self) -> bool:
        """True if the insured person has left the policy or is leaving it."""
        return self.retreat_status not in (None, 0)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A notification about one step of a purchase. Its ``repr`` omits people's names.

    A notification is only a hint, because the ``sign`` does not cover the type. Confirm money and
    surrenders with :meth:`.OrderClient.get`. A site's own ``notification_reader`` also returns an
    instance of this class. This class is provisional: it may change in a minor version once
    Xiebao's own document about the callback is known.

    A notification of the gateway always has a type, ``insure_num`` and ``succeeded``. Any other
    field is None or empty if it is missing or cannot be read.

    :param type: The step, or a plain integer if the step has no name here.
    :param insure_num: ``insureNum``, the application number (投保单号).
    :param succeeded: True if the step succeeded. A step that failed has not changed the policy.
    :param failure: ``failMsg``, the reason why the step failed.
    :param case_code: ``caseCode``, the product code.
    :param partner_id: ``partnerId``, the account that made the sale. A sub-account shares the API
        key, but has its own id.
    :param partner_uniq_key: ``partnerUniqueKey``, the key by which the gateway knows the member. It
        is also None if no member can have the key, because any visitor who clicks can choose the
        key. ``data`` contains the original text.
    :param member: The id of the member who has ``partner_uniq_key``. None until the endpoint has
        set it, and if no member has the key. Without ``XIEBAO_MEMBER_SECRET``, the id is the
        unverified key itself.
    :param price_fen: The amount that was paid, in fen (分), from ``price``, or from ``premium`` for
        an instalment.
    :param paid_at: The time of the payment, as a timezone-aware datetime.
    :param payment_method: ``onlinePaymentId``: ``"1"`` Alipay, ``"3"`` UnionPay, ``"14"`` Tenpay,
        ``"21"`` WeChat, ``"-11"`` bank debit.
    :param policies: The policies that were issued.
    :param new_insure_num: The application number that replaces ``insure_num`` after a reissue.
    :param cancelled_insurants: The names of the insured people who leave the policy in a surrender.
        Names that cannot be read are missing, so use :attr:`is_partial` to find out whether all
        insured people leave.
    :param cancel_reason: ``cancelMsg``.
    :param other_info: ``otherInfo``.
    :param data: All fields as they were sent, except that U+FFFD replaces half of an emoji if the
        gateway has cut a text there.
    :param id: An id that is the same for notifications with the same content. The extension logs
        it, so it must not contain people's names. If it is not passed, it is 64 hex digits of a
        hash over the type and ``data``, or over the type and the other fields if ``data`` is empty.
    """

    type: NotificationType | int
    insure_num: str
    succeeded: bool = field(default=True, repr=False)
    failure: str | None = field(default=None, repr=False)
    case_code: str | None = field(default=None, repr=False)
    partner_id: str | None = field(default=None, repr=False)
    partner_uniq_key: str | None = field(default=None, repr=False)
    member: str | None = field(default=None, repr=False)
    price_fen: int | None = field(default=None, repr=False)
    paid_at: datetime | None = field(default=None, repr=False)
    payment_method: str | None = field(default=None, repr=False)
    policies: tuple[PolicyInfo, ...] = field(default=(), repr=False)
    new_insure_num: str | None = field(default=None, repr=False)
    cancelled_insurants: tuple[str, ...] = field(default=(), repr=False)
    cancel_reason: str | None = field(default=None, repr=False)
    # A dict is not hashable, so hash() ignores these two fields.
    other_info: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    id: str = ""

    def __post_init__(self) -> None:
        if not is_integer_in_range(self.type, 0, 9999):
            raise NotificationError(
                "type must be an integer from 0 to 9999. Pass the notifyType.", "wrong_field"
            )
        object.__setattr__(self, "type", get_enum_member_or_number(NotificationType, self.type))
        for name, normalize in _TEXT_FIELD_NORMALIZERS.items():
            value = getattr(self, name)
            if value is not None or name == "insure_num":
                text = check_named_value(name, normalize, value, NotificationError, "wrong_field")
                object.__setattr__(self, name, text)
        if self.id:
            text = check_named_value(
                "id", normalize_query_text, self.id, NotificationError, "wrong_field"
            )
            object.__setattr__(self, "id", text)
        else:
            content = encode_compact_json(self.data or vars(self), sort_keys=True)
            digest = hashlib.sha256(b"%d\0%s" % (self.type, content))
            object.__setattr__(self, "id", digest.hexdigest())

    @property
    def is_partial(self) -> bool:
        """True for a surrender or reissue that only some of the insured people leave.

        This is the case if ``cancelInsurants`` is not empty, even if its value cannot be read.
        """
        sent_names = self.data.get("cancelInsurants")
        return self.type in (NotificationType.SURRENDER, NotificationType.REISSUE) and (
            bool(self.cancelled_insurants) or not is_json_value_empty(sent_names)
        )


def _normalize_partner_key(value: object) -> str | None:
    # If the site's notification_reader passes a key that is neither a string nor an integer, the
    # site has a bug, so raise an error. If the notification_reader passes an invalid string or
    # integer, return None. An invalid key is no bug in the site, because a visitor can send any key
    # to the gateway.
    if isinstance(value, bool) or not isinstance(value, str | int):
        normalize_query_text(value)
    return normalize_member_key_or_none(value)


_TEXT_FIELD_NORMALIZERS: Mapping[str, Callable[[object], str | None]] = {
    "insure_num": normalize_application_number,
    "case_code": normalize_query_text,
    "new_insure_num": normalize_application_number,
    "partner_id": _normalize_partner_key,
    "partner_uniq_key": _normalize_partner_key,
}


def parse_notification(body: bytes, *, api_key: str | int | Secret[str]) -> Notification:
    """Parse the body of a notification, and verify its ``sign`` with the account's API key.

    This function is provisional: it may change in a minor version once Xiebao's own document about
    the callback is known.

    :param body: The body of the request, unchanged.
    :param api_key: The account's API key for the environment that sent the body.
    :raises NotificationError: if anything is wrong with the notification. No other exception is
        raised.
    """
    body_and_key = Secret((body, api_key))
    # Error reports show local variables, so keep the API key and the body only in a Secret object,
    # which hides them.
    del body, api_key
    try:
        return body_and_key.map(_verify_and_parse_body).reveal()
    except NotificationError:
        raise
    # The API key may be a lazy proxy. The evaluation of the proxy may raise any exception of this
    # package, but callers expect only NotificationError.
    except (WrongValueError, XiebaoError) as error:
        raise NotificationError(f"The notification {error}") from None


def check_notification_size(body: bytes) -> None:
    """Raise NotificationError with the reason ``too_large`` if a notification is too large."""
    if len(body) > MAX_NOTIFICATION_BYTES:
        raise NotificationError(
            f"The notification must have at most {MAX_NOTIFICATION_BYTES:,} bytes.", "too_large"
        )


def _verify_and_parse_body(body_and_key: tuple[bytes, str | int | Secret[str]]) -> Notification:
    body, api_key = body_and_key
    raw_key = api_key.reveal() if isinstance(api_key, Secret) else api_key
    key = check_named_value(
        "api_key", normalize_query_text, raw_key, NotificationError, "wrong_field"
    )
    check_notification_size(body)
    fields = parse_json_object(body)
    for name, (expected, is_valid) in _BODY_FIELDS.items():
        if name not in fields:
            raise WrongValueError(f'has no field "{name}".')
        if not is_valid(fields[name]):
            raise WrongValueError(f"must have {expected}.")
    notify_type, sign, data = (fields[name] for name in _BODY_FIELDS)
    # The signature covers only the field "data". The gateway may have signed the text of this field
    # as it was sent, or the same value as compact JSON, so accept both signatures. The signature
    # does not cover "notifyType", and an old request may be sent again. Therefore, a valid
    # signature proves only that a holder of the API key has signed this data at some time.
    if not any(
        hmac.compare_digest(sign, compute_sign(key, signed_data))
        for signed_data in (
            get_raw_json_values(body, fields)["data"].encode(),
            encode_compact_json(data),
        )
    ):
        raise NotificationError(
            'The signature of the notification (field "sign") was not made with the API key of this'
            " account and environment. The signature must be md5(apiKey + data) as 32 lower-case"
            " hex digits.",
            "wrong_sign",
        )
    try:
        return _build_notification(notify_type, data)
    except WrongValueError as error:
        raise NotificationError(
            f"The notification has a valid signature but invalid data: {error} If the real gateway"
            " sends such notifications, register a notification_reader for them.",
            "wrong_field",
        ) from None


def _build_notification(notify_type: int, data: dict[str, Any]) -> Notification:
    # The gateway repeats a notification until it is accepted. Therefore, require only the fields
    # without which the notification would have no meaning. Each other field becomes None if it is
    # missing or cannot be read.
    required_fields, fields = JsonFields(data), JsonFields(data, is_lenient=True)
    return Notification(
        type=notify_type,
        insure_num=required_fields.get_required_value(normalize_application_number, "insureNum"),
        succeeded=required_fields.get_required_value(check_boolean, "state"),
        failure=fields.find_first_present_value(check_string, "failMsg"),
        case_code=fields.find_first_present_value(normalize_query_text, "caseCode"),
        partner_id=normalize_member_key_or_none(data.get("partnerId")),
        partner_uniq_key=normalize_member_key_or_none(data.get("partnerUniqueKey")),
        price_fen=fields.find_first_present_value(check_non_negative_integer, "price", "premium"),
        paid_at=fields.find_first_present_value(parse_china_time, "payTime"),
        payment_method=fields.find_first_present_value(normalize_query_text, "onlinePaymentId"),
        policies=tuple(map(_build_policy_info, fields.get_json_object_list("policys"))),
        new_insure_num=fields.find_first_present_value(
            normalize_application_number, "newInsureNum"
        ),
        cancelled_insurants=_find_names(data.get("cancelInsurants")),
        cancel_reason=fields.find_first_present_value(check_string, "cancelMsg"),
        other_info=fields.get_json_object("otherInfo").values,
        data=data,
    )


def _find_names(value: object) -> tuple[str, ...]:
    """Return the names in a list, or a single name. Leave out items that are not text."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item.strip())


def _build_policy_info(policy_fields: JsonFields) -> PolicyInfo:
    return PolicyInfo(
        product_id=policy_fields.find_first_present_value(convert_to_decimal_string, "productId"),
        product_name=policy_fields.find_first_present_value(check_string, "productName"),
        plan_id=policy_fields.find_first_present_value(convert_to_decimal_string, "planId"),
        plan_name=policy_fields.find_first_present_value(check_string, "planName"),
        applicant=policy_fields.find_first_present_value(check_string, "applicant"),
        insurant=policy_fields.find_first_present_value(check_string, "insurant"),
        start_date=policy_fields.find_first_present_value(parse_date, "startDate"),
        end_date=policy_fields.find_first_present_value(parse_date, "endDate"),
        policy_num=policy_fields.find_first_present_value(convert_to_decimal_string, "policyNum"),
    )
