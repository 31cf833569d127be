"""A site's own links: what one leads to (:class:`Entry`), and its token (:class:`LinkSigner`)."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypedDict, TypeVar

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from ..errors import LinkError, TokenError
from ..gateway.pages import get_gateway_page
from ..gateway.platforms import Platform, PlatformLike
from ..gateway.values import (
    WrongValueError,
    check_named_value,
    format_short_repr,
    is_integer_in_range,
    normalize_text,
)
from .members import MemberId

T = TypeVar("T")

# What is signed, the id of the key that signed it, and the signature.
_TOKEN_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{3})([A-Za-z0-9_-]+)")

# A token in a longer text. Its payload is a JSON list that begins with a string, and its dot may be
# percent-encoded, even more than once. The possessive quantifier prevents backtracking.
_TOKEN_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+?yJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++"
    r"(?:\.|%(?:25)*2E)[A-Za-z0-9_-]{30,}",
    re.IGNORECASE,
)
# The user name and the password before the host of a URL.
_URL_CREDENTIALS = re.compile(r"(?<=//)[^/?#@\s]*@")

# Seconds since the epoch, within what a calendar can show.
_MAX_TIMESTAMP = 10**11

# A QR code holds 2,900 bytes, more than half of which go to the signature and the encoding, and
# some to the member's id that a link without one gets for its QR code.
_MAX_TEXT_BYTES = 1200
_MAX_SECONDS = 10**9  # some thirty years

# json.dumps() would make an encoder at each call, which takes 8 % of a new entry.
_JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

#: How many tokens a cache holds, at some hundred bytes each.
MAX_CACHED_TOKENS = 1024


class PolicyLinkOptions(TypedDict, total=False):
    """The keywords of a link, as :meth:`Xiebao.link` explains them."""

    member: MemberId | None
    platform: PlatformLike | None
    return_to: str | None
    no_login_for: int | None
    client_reference: str | int | None
    external: bool


class SubPartnerLinkOptions(PolicyLinkOptions, total=False):
    """Those of a page to which sub-accounts lead."""

    sub_partner_id: str | None


def check_seconds(value: object) -> int:
    """Return *value* if it is a number of seconds that something can last.

    :raises WrongValueError: when it is anything else.
    """
    if not is_integer_in_range(value, 1, _MAX_SECONDS):
        raise WrongValueError(
            f"must be an integer number of seconds from 1 to {_MAX_SECONDS:,}, got"
            f" {format_short_repr(value)}."
        )
    return value


@dataclass(frozen=True, slots=True)
class Entry:
    """What an insurance entry leads to.

    :param page: the name of a page of the gateway, such as ``product`` (2.1 to 2.3).
    :param reference: what the page is about, a case code or an application number, if anything.
    :param member: whose link it is; None when whoever clicks goes as themselves.
    :param no_login_for: seconds for which whoever has the link goes as *member*, without a login;
        None when the member has to be logged in.
    :param sub_partner_id: ``subPartnerId``; None for the setting's.
    :param platform: the platform to send, when it must not be found from the device.
    :param return_to: path of this site to come back to after payment.
    :param client_reference: the site's own word for what a click is about, such as the number of
        an order. The signals have it, and the gateway gets no parameter with it. A link that is
        shared carries it along: the site checks that the order is the member's.
    :param signed_at: when a link with a member was signed, in seconds since the epoch. Set when the
        link is made; entries that differ in nothing else are equal.
    :raises LinkError: when an argument is wrong; the message names it.
    """

    page: str
    reference: str | None = None
    member: str | None = None
    no_login_for: int | None = None
    sub_partner_id: str | None = None
    platform: Platform | None = None
    return_to: str | None = None
    client_reference: str | None = None
    signed_at: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        page = get_gateway_page(self.page, LinkError)
        if page.reference_parameter_name is not None:
            check_named_value(
                page.reference_parameter_name,
                _check_printable_string,
                self.reference,
                LinkError,
                "reference",
            )
        elif self.reference is not None:
            raise LinkError(
                f"The {page.name} page does not accept a case code or an application number."
                ' Leave out "reference".',
                "reference",
            )
        if self.sub_partner_id is not None and "subPartnerId" not in page.parameters:
            raise LinkError(
                f'The {page.name} page does not accept "sub_partner_id". Leave out this argument.',
                "sub_partner_id",
            )
        if self.return_to is not None and "paySuccess" not in page.parameters:
            raise LinkError(
                f'The {page.name} page does not accept "return_to". Leave out this argument.',
                "return_to",
            )
        if not isinstance(self.platform, Platform | None):
            raise LinkError(
                f"platform must be a Platform or None, got {format_short_repr(self.platform)}.",
                "platform",
            )
        if self.platform is not None and self.platform not in page.platforms:
            raise LinkError(
                f"platform {self.platform.name} is not supported by the {page.name} page at"
                ' present. Leave out "platform", so that members on a PC get a QR code for their'
                " phone.",
                "platform",
            )
        for argument, check in _OPTIONAL_FIELD_CHECKS:
            value = getattr(self, argument)
            if value is not None:
                check_named_value(argument, check, value, LinkError, argument)
        if self.no_login_for is not None and self.member is None:
            raise LinkError(
                'A link with "no_login_for" requires "member". Pass the member who may use the link'
                " without a login.",
                "no_login_for",
            )

    def seconds_left(self, now: float) -> int | None:
        """Return for how long the link still opens without a login; None if it never did.

        :param now: the present, in seconds since the epoch.
        """
        if self.no_login_for is None or self.signed_at is None:
            return None
        return max(0, self.signed_at + self.no_login_for - int(now))


def build_entry(
    page: str,
    reference: str | int | None = None,
    sub_partner_id: str | None = None,
    platform: PlatformLike | None = None,
    return_to: str | None = None,
    client_reference: str | int | None = None,
    member: str | None = None,
    no_login_for: int | None = None,
) -> Entry:
    """Return the entry that these arguments of a link or a macro mean.

    :raises LinkError: when one is wrong; the message names it.
    """
    entry = Entry(
        page=page,
        reference=_normalize_text_if_valid(reference),
        member=member,
        no_login_for=no_login_for,
        sub_partner_id=_normalize_text_if_valid(sub_partner_id),
        platform=None
        if platform is None
        else check_named_value("platform:", Platform.of, platform, LinkError, "platform"),
        return_to=_normalize_text_if_valid(return_to),
        client_reference=_normalize_text_if_valid(client_reference),
    )
    texts = {
        "reference": entry.reference,
        "sub_partner_id": entry.sub_partner_id,
        "return_to": entry.return_to,
        "client_reference": entry.client_reference,
        "member": entry.member,
    }
    if len(_encode_fields_as_json([text for text in texts.values() if text])) > _MAX_TEXT_BYTES:
        longest = max(texts, key=lambda name: len((texts[name] or "").encode()))
        raise LinkError(
            f"The text arguments of a link must have at most {_MAX_TEXT_BYTES:,} bytes in total,"
            " so that"
            f' the link fits into a URL and a QR code. Shorten "{longest}".',
            longest,
        )
    return entry


def _normalize_text_if_valid(value: Any) -> Any:
    """Return text and whole numbers as plain text, and anything else as it is."""
    if value is None or type(value) is str:  # Entry checks it
        return value
    try:
        return normalize_text(value)
    except WrongValueError:
        return value


def _check_printable_string(value: object) -> None:
    normalize_text(value)
    if not isinstance(value, str):
        raise WrongValueError(f"must be a string, got {type(value).__name__}.")


def _check_printable_string_or_empty(value: object) -> None:
    if value != "":
        _check_printable_string(value)


def _check_timestamp(value: object) -> None:
    if not is_integer_in_range(value, 0, _MAX_TIMESTAMP):
        raise WrongValueError(
            "must be an integer number of seconds since the epoch, such as"
            f" `int(time.time()) - 60`, got {format_short_repr(value)}."
        )


def _check_site_path(path: object) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise WrongValueError(
            'must be a path of this site that begins with "/", as url_for() returns it, got'
            f" {format_short_repr(path)}."
        )
    # Browsers read a backslash as a slash, drop tabs and line breaks, and take // for a host.
    if path.startswith("//") or "\\" in path or not path.isprintable():
        raise WrongValueError(
            "must lead to this site. Pass a path without a host, a backslash or control characters."
        )


# The arguments of an Entry that may be left out, and what each has to be otherwise.
_OPTIONAL_FIELD_CHECKS: tuple[tuple[str, Callable[[object], object]], ...] = (
    ("member", _check_printable_string),
    ("sub_partner_id", _check_printable_string_or_empty),
    ("no_login_for", check_seconds),
    ("return_to", _check_site_path),
    ("client_reference", _check_printable_string),
    ("signed_at", _check_timestamp),
)


@dataclass(frozen=True, slots=True)
class Click:
    """A click that went to the gateway: what the return link of its payment says.

    :param entry: the entry that was clicked.
    :param member: the member who went.
    :param click_id: what ``entry_clicked`` called the click.
    :param clicked_at: when, in seconds since the epoch.
    """

    entry: Entry
    member: str
    click_id: str
    clicked_at: int


class LinkSigner:
    """Turns entries and clicks into URL-safe tokens and back, with HMAC-SHA256.

    Tokens are signed, not encrypted: whoever holds a link can read what it says. A time is signed
    only with a member, so that a link without one is the same on every page that shows it.

    :param secret_keys: the keys that are accepted, oldest first; the last one signs.
    :param partner_id: the account that the links are for. Sites may share a key: the links of one
        account are not valid for another.
    """

    def __init__(self, secret_keys: Sequence[str | bytes], partner_id: str) -> None:
        self._entry_tokens = _TokenSerializer(secret_keys, f"flask-xiebao.entry.{partner_id}")
        self._return_tokens = _TokenSerializer(secret_keys, f"flask-xiebao.click.{partner_id}")
        #: Returns the entry of a token, however old: its age is looked at when it is followed.
        #: Raises :exc:`.TokenError` when it was not signed with one of the keys, or is malformed.
        #:
        #: The same buttons are clicked again and again. Caching the entries of verified tokens
        #: saves 20 % of the time for a click. The member and the age of a link are checked at
        #: every click.
        self.parse_entry_token = lru_cache(MAX_CACHED_TOKENS)(
            partial(
                self._entry_tokens.verify_and_parse_token,
                _build_entry_from_fields,
                self._return_tokens,
            )
        )
        self._cached_entry_token = lru_cache(MAX_CACHED_TOKENS, typed=True)(
            lambda *details: self.build_entry_token(build_entry(*details))
        )

    def build_entry_token(self, entry: Entry) -> str:
        """Return the token of *entry*, signed now, or when it says that it was."""
        return self._entry_tokens.build_token(_build_token_fields(entry))

    def get_cached_entry_token(self, *entry_args: Any) -> str:
        """Return the token of a link without a member, which is signed once.

        :param details: the first arguments of :func:`make_entry`.
        :raises LinkError: as :func:`make_entry`.
        """
        try:
            return self._cached_entry_token(*entry_args)
        except TypeError:  # an argument that cannot be hashed: make_entry() says which
            return self._cached_entry_token.__wrapped__(*entry_args)

    def build_return_token(self, click: Click) -> str:
        """Return the token of the link that a payment returns by."""
        return self._return_tokens.build_token(
            [click.member, click.click_id, click.clicked_at, *_build_token_fields(click.entry)]
        )

    def parse_return_token(self, token: str) -> Click:
        """Return the click of a return link.

        :raises TokenError: as :attr:`loads`.
        """
        return self._return_tokens.verify_and_parse_token(
            _build_click_from_fields, self._entry_tokens, token
        )


class _TokenSerializer:
    """Signs tokens of one kind. Each names its key, so that a refusal can say what is wrong.

    :param secret_keys: as :class:`LinkSigner` takes them.
    :param salt: the kind.
    """

    def __init__(self, secret_keys: Sequence[str | bytes], salt: str) -> None:
        # A Signer derives its keys anew at each use; these are derived once and used as they are.
        derived = [
            Signer(key, salt, key_derivation="hmac", digest_method=hashlib.sha256).derive_key()
            for key in secret_keys
        ]
        self._signer = Signer(derived, salt, key_derivation="none", digest_method=hashlib.sha256)
        self._key_ids = [base64_encode(hashlib.sha256(key).digest())[:3] for key in derived]

    def build_token(self, fields: list[Any]) -> str:
        value = base64_encode(_encode_fields_as_json(fields)) + b"." + self._key_ids[-1]
        return (value + self._signer.get_signature(value)).decode()

    def verify_and_parse_token(
        self, build_result: Callable[..., T], other_serializer: _TokenSerializer, token: str
    ) -> T:
        """Return what *build* makes of the fields of a token.

        :param other: the seal of the other kind, whose tokens may be mistaken for this kind.
        :raises TokenError: when the token is not of this kind.
        """
        # Decoding would pass over what is not base64, and our tokens have nothing else.
        parts = _TOKEN_PARTS.fullmatch(token)
        if parts is None:
            raise TokenError("malformed")
        payload, key_id, signature = (part.encode() for part in parts.groups())
        if not self._signer.verify_signature(payload + b"." + key_id, signature):
            if key_id in self._key_ids:
                raise TokenError("changed")
            raise TokenError(
                "another_page" if key_id in other_serializer._key_ids else "unknown_key"
            )
        return _parse_payload(parts[1], build_result)


def parse_token_without_verifying(token: str) -> Entry:
    """Return the entry of a token without verifying its signature.

    Anybody can make such a token. The check reads links by this function that the site itself may
    refuse, for example links on a cached page that another key has signed.

    :raises TokenError: if the payload is malformed.
    """
    return _parse_payload(token.partition(".")[0], _build_entry_from_fields)


def find_tokens(text: str) -> list[str]:
    """Return what looks like a token in a text, for example in a page or a URL."""
    return _TOKEN_IN_TEXT.findall(text)


def mask_tokens(text: str) -> str:
    """Return a text with each token replaced by "…", and without the credentials in URLs."""
    return _URL_CREDENTIALS.sub("", _TOKEN_IN_TEXT.sub("…", text))


def _parse_payload(payload: str, build_result: Callable[..., T]) -> T:
    """Pass the fields in a token's payload to *build* and return the result.

    :raises TokenError: if the payload is malformed.
    """
    try:
        fields = json.loads(base64_decode(payload))
        if isinstance(fields, list):
            return build_result(*fields)
    except (BadData, ValueError, TypeError, LinkError, RecursionError):
        pass
    raise TokenError("malformed")


def _encode_fields_as_json(fields: Sequence[Any]) -> bytes:
    return _JSON_ENCODER.encode(fields).encode()


def _build_token_fields(entry: Entry) -> list[Any]:
    signed_at = None
    if entry.member is not None:
        signed_at = int(time.time()) if entry.signed_at is None else entry.signed_at
    fields: list[Any] = [
        entry.page,
        entry.reference,
        entry.sub_partner_id,
        entry.platform,
        entry.return_to,
        entry.member,
        signed_at,
        entry.no_login_for,
        entry.client_reference,
    ]
    while fields[-1] is None:  # short tokens make QR codes that are easy to scan
        fields.pop()
    return fields


def _build_entry_from_fields(
    page: str,
    reference: str | None = None,
    sub_partner_id: str | None = None,
    platform: int | None = None,
    return_to: str | None = None,
    member: str | None = None,
    signed_at: int | None = None,
    no_login_for: int | None = None,
    client_reference: str | None = None,
) -> Entry:
    return Entry(
        page=page,
        reference=reference,
        member=member,
        no_login_for=no_login_for,
        sub_partner_id=sub_partner_id,
        platform=None if platform is None else Platform(platform),
        return_to=return_to,
        client_reference=client_reference,
        signed_at=signed_at,
    )


def _build_click_from_fields(
    member: str, click_id: str, clicked_at: int, *entry_fields: Any
) -> Click:
    return Click(_build_entry_from_fields(*entry_fields), member, click_id, clicked_at)
