"""The callback: what the platform tells a site of a purchase, read and checked.

The interface document names it (回调通知) and leaves it to a document of its own. What is read here
is what public clients of the same gateway family send and receive.
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
    check_string_list,
    encode_compact_json,
    get_enum_member_or_number,
    get_raw_json_values,
    normalize_string_or_integer,
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
    normalize_text,
)

#: Bytes of a body.
MAX_NOTIFICATION_BYTES = 64 * 1024

_SIGN_PATTERN = re.compile("[0-9a-f]{32}")

# What a body must have, what each of it must be, and whether a value is that.
_BODY_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "notifyType": (
        'an integer from 0 to 9999 as "notifyType"',
        lambda kind: is_integer_in_range(kind, 0, 9999),
    ),
    "sign": (
        '32 lower-case hex digits as "sign"',
        lambda sign: isinstance(sign, str) and _SIGN_PATTERN.fullmatch(sign) is not None,
    ),
    # Every member sees md5(key + partner id), and MD5 lets them extend it: they can sign any text
    # that begins with the partner id. An object begins with a brace.
    "data": ('an object as "data"', lambda data: isinstance(data, dict)),
}


class NotificationType(IntEnum):
    """Which step of a purchase a notification is about (``notifyType``).

    It does not say in which state the policy is.
    """

    APPLICATION = 1
    """Applied for (投保)."""
    PAYMENT = 2
    """Paid (支付)."""
    ISSUE = 3
    """Issued (出单)."""
    SURRENDER = 4
    """Surrendered (退保)."""
    REISSUE = 5
    """Surrendered and issued anew (退保重出)."""
    POLICY_FILE = 9
    """The policy file is ready (电子保单)."""


# The fields that a step must have if it succeeded.
_REQUIRED_FIELDS: Mapping[int, tuple[str, ...]] = {
    NotificationType.PAYMENT: ("payTime", "price"),
    NotificationType.ISSUE: ("policys",),
    NotificationType.REISSUE: ("newInsureNum",),
}


@dataclass(frozen=True, kw_only=True)
class PolicyInfo:
    """A policy of an application. ``repr`` leaves out people's names.

    :param product_id: ``productId``, as text.
    :param product_name: ``productName``.
    :param plan_id: ``planId``, as text.
    :param plan_name: ``planName``.
    :param applicant: the name of who applied (投保人).
    :param insurant: the name of who is insured (被保险人).
    :param start_date: the first day of the cover.
    :param end_date: its last day.
    :param policy_num: ``policyNum``, the insurer's number (保单号).
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


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What the platform says of one step of a purchase. ``repr`` leaves out people's names.

    It is a hint: the type is not part of what is signed. Money and surrender are confirmed by
    :meth:`.OrderClient.get`. A ``notification_reader`` of the site's own makes one of these.
    Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param type: which step; a plain number where it has no name here.
    :param insure_num: ``insureNum``, the application number (投保单号).
    :param succeeded: whether the step succeeded; if not, the policy is as it was before.
    :param failure: ``failMsg``, why the step failed.
    :param case_code: ``caseCode``, the product code.
    :param partner_id: ``partnerId``, whose sale it is: that of a sub-account, which shares the key,
        is its own.
    :param partner_uniq_key: ``partnerUniqueKey``, what the gateway knows the member by; None also
        for one that no member can have: whoever clicks can choose it. ``data`` has its text.
    :param member: whose key that is; None until the endpoint has set it, and for nobody's key.
        Without ``XIEBAO_MEMBER_SECRET`` it is the key itself, which nobody has verified.
    :param price_fen: what was paid, in fen (分): ``price``, or ``premium`` of an instalment.
    :param paid_at: when it was paid, with a time zone.
    :param payment_method: ``onlinePaymentId``: ``"1"`` Alipay, ``"3"`` UnionPay, ``"14"`` Tenpay,
        ``"21"`` WeChat, ``"-11"`` bank debit.
    :param policies: what was issued.
    :param new_insure_num: of a reissue, the application number that replaces ``insure_num``.
    :param cancelled_insurants: of a surrender, the names of those who leave the policy; when empty,
        all do.
    :param cancel_reason: ``cancelMsg``.
    :param other_info: ``otherInfo``.
    :param data: all fields, as they were sent.
    :param id: the same for notifications that say the same, 64 hex digits; made of the type and
        ``data`` (where there is none, of the other fields) unless it is given.
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
    other_info: Mapping[str, Any] = field(default_factory=dict, repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: str = ""

    def __post_init__(self) -> None:
        if not is_integer_in_range(self.type, 0):
            raise NotificationError(
                f"type must be a non-negative integer, got {type(self.type).__name__}.",
                "wrong_field",
            )
        object.__setattr__(self, "type", get_enum_member_or_number(NotificationType, self.type))
        for name, read in _TEXT_FIELD_NORMALIZERS.items():
            value = getattr(self, name)
            if value is not None or name == "insure_num":
                text = check_named_value(name, read, value, NotificationError, "wrong_field")
                object.__setattr__(self, name, text)
        if not self.id:
            said = encode_compact_json(self.data or vars(self), sort_keys=True)
            digest = hashlib.sha256(b"%d\0%s" % (self.type, said))
            object.__setattr__(self, "id", digest.hexdigest())


def _normalize_member_id(value: object) -> str | None:
    # A value of another type is a mistake of the site's, and not a key that somebody chose.
    if isinstance(value, bool) or not isinstance(value, str | int):
        normalize_text(value)
    return normalize_member_key_or_none(value)


_TEXT_FIELD_NORMALIZERS: Mapping[str, Callable[[object], str | None]] = {
    "insure_num": normalize_application_number,
    "case_code": normalize_text,
    "new_insure_num": normalize_application_number,
    "partner_id": _normalize_member_id,
    "partner_uniq_key": _normalize_member_id,
}


def parse_notification(body: bytes, *, api_key: str | int | Secret[str]) -> Notification:
    """Read the body of a callback, if the platform sent it for this account.

    Provisional: it may change in a minor version, once Xiebao's own document of it is known.

    :param body: the bytes of the request, as they came.
    :param api_key: the account's key, in the environment from which the body comes.
    :raises NotificationError: whatever is wrong with it; never anything else.
    """
    hidden = Secret((body, api_key))
    del body, api_key  # an error report shows the local variables of each frame
    try:
        return hidden.map(_verify_and_parse).reveal()
    except NotificationError:
        raise
    except (WrongValueError, XiebaoError) as error:  # a lazy key may raise errors of its own
        raise NotificationError(f"The notification {error}") from None


def check_notification_size(body: bytes) -> None:
    """Refuse a body that is longer than any of the platform's.

    :raises NotificationError: it is, with the reason ``too_large``.
    """
    if len(body) > MAX_NOTIFICATION_BYTES:
        raise NotificationError(
            f"The notification must have at most {MAX_NOTIFICATION_BYTES:,} bytes.", "too_large"
        )


def _verify_and_parse(body_and_key: tuple[bytes, str | int | Secret[str]]) -> Notification:
    body, api_key = body_and_key
    given_key = api_key.reveal() if isinstance(api_key, Secret) else api_key
    key = check_named_value("api_key", normalize_text, given_key, NotificationError, "wrong_field")
    check_notification_size(body)
    members = parse_json_object(body)
    for name, (what, is_right) in _BODY_FIELDS.items():
        if name not in members:
            raise WrongValueError(f'has no field "{name}".')
        if not is_right(members[name]):
            raise WrongValueError(f"must have {what}.")
    kind, sign, data = (members[name] for name in _BODY_FIELDS)
    if not any(
        hmac.compare_digest(sign, compute_sign(key, text))
        for text in (get_raw_json_values(body, members)["data"].encode(), encode_compact_json(data))
    ):
        raise NotificationError(
            "The sign of the notification was not made with the API key of this account and"
            " environment. The sign must be md5(apiKey + data) as 32 lower-case hex digits.",
            "wrong_sign",
        )
    try:
        return _build_notification(kind, data)
    except WrongValueError as error:
        raise NotificationError(
            f"The notification has a valid sign but invalid data: {error} If the gateway sends such"
            " notifications, register a notification_reader for them.",
            "wrong_field",
        ) from None


def _build_notification(notify_type: int, data: dict[str, Any]) -> Notification:
    sent = JsonFields(data)
    succeeded = sent.get_required_value(check_boolean, "state")
    if succeeded:
        for name in _REQUIRED_FIELDS.get(notify_type, ()):
            sent.get_required_value(lambda value: value, name)
    return Notification(
        type=notify_type,
        insure_num=sent.get_required_value(normalize_application_number, "insureNum"),
        succeeded=succeeded,
        failure=sent.find_first_value(check_string, "failMsg"),
        case_code=sent.find_first_value(normalize_text, "caseCode"),
        partner_id=normalize_member_key_or_none(data.get("partnerId")),
        partner_uniq_key=normalize_member_key_or_none(data.get("partnerUniqueKey")),
        price_fen=sent.find_first_value(check_non_negative_integer, "price", "premium"),
        paid_at=sent.find_first_value(parse_china_time, "payTime"),
        payment_method=sent.find_first_value(normalize_text, "onlinePaymentId"),
        policies=tuple(map(_build_policy_info, sent.get_object_list("policys"))),
        new_insure_num=sent.find_first_value(normalize_application_number, "newInsureNum"),
        cancelled_insurants=tuple(
            sent.find_first_value(check_string_list, "cancelInsurants") or ()
        ),
        cancel_reason=sent.find_first_value(check_string, "cancelMsg"),
        other_info=sent.get_object("otherInfo").values,
        data=data,
    )


def _build_policy_info(policy_fields: JsonFields) -> PolicyInfo:
    return PolicyInfo(
        product_id=policy_fields.find_first_value(normalize_string_or_integer, "productId"),
        product_name=policy_fields.find_first_value(check_string, "productName"),
        plan_id=policy_fields.find_first_value(normalize_string_or_integer, "planId"),
        plan_name=policy_fields.find_first_value(check_string, "planName"),
        applicant=policy_fields.find_first_value(check_string, "applicant"),
        insurant=policy_fields.find_first_value(check_string, "insurant"),
        start_date=policy_fields.find_first_value(parse_date, "startDate"),
        end_date=policy_fields.find_first_value(parse_date, "endDate"),
        policy_num=policy_fields.find_first_value(normalize_string_or_integer, "policyNum"),
    )
