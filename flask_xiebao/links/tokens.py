"""The targets of a site's links, and the signed tokens that contain the targets."""

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
    normalize_query_text,
)
from .members import MemberId

T = TypeVar("T")

# Matches a whole token: the payload, a dot, three characters that identify the signing key, and the
# signature.
_TOKEN_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{3})([A-Za-z0-9_-]+)")

# Matches a token within a longer text. The payload is a base64-encoded JSON list that begins with a
# string. The dot after the payload may be percent-encoded several times. The possessive quantifier
# prevents backtracking.
_TOKEN_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+?yJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++"
    r"(?:\.|%(?:25)*2E)[A-Za-z0-9_-]{30,}",
    re.IGNORECASE,
)
# Matches the user name and the password before the host of a URL.
_URL_CREDENTIALS = re.compile(r"(?<=//)[^/?#@\s]*@")

# The latest time that is accepted, in seconds since the epoch. The limit ensures that a datetime
# object can represent every accepted time.
_MAX_TIMESTAMP = 10**11

# The maximum size of all text arguments of a link together. A QR code can hold 2,900 bytes, but the
# signature and the encoding take more than half of them. A link without a member also needs room
# for a member's id, because the QR code that a member on a PC gets for the phone contains the id.
_MAX_TEXT_BYTES = 1200
_MAX_SECONDS = 10**9  # About thirty years.

# Build the JSON encoder once. json.dumps() would build an encoder at each call, which takes 8 % of
# the time to render an insurance entry that is not cached.
_JSON_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

#: The maximum number of tokens in each cache. A cached token takes a few hundred bytes.
MAX_CACHED_TOKENS = 1024


class PolicyLinkOptions(TypedDict, total=False):
    """The keyword arguments of a policy link. :meth:`.Xiebao.link` explains them."""

    member: MemberId | None
    platform: PlatformLike | None
    return_to: str | None
    no_login_for: int | None
    client_reference: str | int | None
    external: bool


class SubPartnerLinkOptions(PolicyLinkOptions, total=False):
    """The keyword arguments of a link to a page that accepts a sub-account."""

    sub_partner_id: str | None


def check_seconds(value: object) -> int:
    """Return *value* if it is a valid number of seconds, otherwise raise WrongValueError.

    :raises WrongValueError: if it is not an integer from 1 to 10**9.
    """
    if not is_integer_in_range(value, 1, _MAX_SECONDS):
        raise WrongValueError(
            f"must be an integer number of seconds from 1 to {_MAX_SECONDS:,}, got"
            f" {format_short_repr(value)}."
        )
    return value


@dataclass(frozen=True, slots=True)
class Entry:
    """The target of an insurance link: a gateway page and the options of the link.

    :param page: The name of a gateway page, for example ``product`` (sections 2.1 to 2.3 of the
        interface document).
    :param reference: The case code of the product or the application number of the policy, or None
        if the page needs neither.
    :param member: The id of the member to whom the link belongs. None if each member who clicks
        goes as themselves.
    :param no_login_for: The number of seconds for which any visitor with the link goes as *member*
        without a login. None if the member must be logged in.
    :param sub_partner_id: ``subPartnerId``, or None for the value of the setting.
    :param platform: The platform to send, or None to find the platform at the click.
    :param return_to: The path on this site to show after payment.
    :param client_reference: The site's own reference for a click, for example an order number. The
        signals contain it. No parameter of the gateway has its value, but the gateway can read it
        in the return link, which is not encrypted. Because a shared link also contains it, the site
        must check that the order belongs to the member.
    :param signed_at: The time when a link with a member was signed, in seconds since the epoch. It
        is set when the link is built. Entries that differ only in this time are equal.
    :raises LinkError: if an argument is invalid. The message names the argument.
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
                f"The {page.name} page does not accept a reference (a case code or an"
                ' application number). Leave out "reference".',
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
        """Return the seconds until the link requires a login, or None if login is always required.

        Return 0 if the link requires a login now. Also return None if the link is not signed yet.

        :param now: The current time in seconds since the epoch.
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
    """Build an entry from the arguments of a link function or a template macro.

    :raises LinkError: if an argument is invalid. The message names the argument.
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
            " so that the link is short enough for browsers and for a QR code. Shorten"
            f' "{longest}".',
            longest,
        )
    return entry


def _normalize_text_if_valid(value: Any) -> Any:
    """Return a valid string or integer as text, and any other value unchanged.

    :class:`Entry` rejects a value that is not valid, and names its argument.
    """
    if value is None or type(value) is str:
        return value
    try:
        return normalize_query_text(value)
    except WrongValueError:
        return value


def _check_printable_string(value: object) -> None:
    normalize_query_text(value)
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
            f'must be a path of this site that begins with "/", got {format_short_repr(path)}.'
            " Use the return value of url_for()."
        )
    # Browsers treat a backslash as a slash, remove tabs and line breaks, and read a host after //.
    if path.startswith("//") or "\\" in path or not path.isprintable():
        raise WrongValueError(
            "must not point to another site. Pass a path without a host, a backslash or control"
            " characters."
        )


# The optional fields of an Entry, each with the function that checks its value. A field may also be
# None, and None is not checked.
_OPTIONAL_FIELD_CHECKS: tuple[tuple[str, Callable[[object], object]], ...] = (
    ("member", _check_printable_string),
    ("sub_partner_id", _check_printable_string_or_empty),
    ("no_login_for", check_seconds),
    ("return_to", _check_site_path),
    ("client_reference", _check_printable_string),
    ("signed_at", _check_timestamp),
)


@dataclass(frozen=True, slots=True)
class RedirectedClick:
    """A click on an insurance link, after which the site redirected the visitor to the gateway.

    The token of the return link, which the browser opens after payment, contains the click.

    :param entry: The entry that was clicked.
    :param member: The id of the member as whom the visitor went.
    :param click_id: The id of the click, as ``entry_clicked`` has sent it.
    :param clicked_at: The time of the click, in seconds since the epoch.
    """

    entry: Entry
    member: str
    click_id: str
    clicked_at: int


class TokenSigner:
    """A signer and verifier of the URL-safe tokens of entries and clicks (HMAC-SHA256).

    The signature covers all fields of a token, including the page. Tokens are not encrypted, so
    anyone who has a link can read its fields. Only a token with a member contains a time. A link
    without a member is therefore the same on every page.

    :param secret_keys: The accepted keys, oldest first. The last key signs new tokens.
    :param partner_id: The partner account of the links. Each account has its own signing keys, so
        that sites can share a secret key. A link of one account is not valid for another account.
    """

    def __init__(self, secret_keys: Sequence[str | bytes], partner_id: str) -> None:
        self._entry_tokens = _TokenSerializer(secret_keys, f"flask-xiebao.entry.{partner_id}")
        self._return_tokens = _TokenSerializer(secret_keys, f"flask-xiebao.click.{partner_id}")
        #: A function that returns the entry of a token of any age. It raises :exc:`.TokenError` if
        #: the token is malformed, or is not signed with one of the keys.
        #:
        #: The same entries are clicked again and again, so caching the entries of verified tokens
        #: saves 20 % of the time of a request for a link. The cache replaces only the verification.
        #: The page, the member and the age of a link are checked at every click.
        self.parse_entry_token = lru_cache(MAX_CACHED_TOKENS)(
            partial(
                self._entry_tokens.verify_and_parse_token,
                _build_entry_from_fields,
                self._return_tokens,
            )
        )
        self._cached_entry_token = lru_cache(MAX_CACHED_TOKENS, typed=True)(
            lambda *entry_args: self.build_entry_token(build_entry(*entry_args))
        )

    def build_entry_token(self, entry: Entry) -> str:
        """Return the signed token of an entry.

        With a member, the token contains ``entry.signed_at``, or the current time if that is None.
        """
        return self._entry_tokens.build_token(_build_token_fields(entry))

    def get_cached_entry_token(self, *entry_args: Any) -> str:
        """Return the cached token of a link that is not restricted to one member.

        A token that is not in the cache is signed and cached.

        :param entry_args: The first arguments of :func:`build_entry`.
        :raises LinkError: if :func:`build_entry` raises it.
        """
        try:
            return self._cached_entry_token(*entry_args)
        except TypeError:
            # An argument that is not hashable cannot be cached. Without the cache, build_entry()
            # raises an error that names the invalid argument.
            return self._cached_entry_token.__wrapped__(*entry_args)

    def build_return_token(self, click: RedirectedClick) -> str:
        """Return the signed token of the link that the browser opens after a payment."""
        return self._return_tokens.build_token(
            [click.member, click.click_id, click.clicked_at, *_build_token_fields(click.entry)]
        )

    def parse_return_token(self, token: str) -> RedirectedClick:
        """Verify the token of a return link, and return the click that the token contains.

        :raises TokenError: if the token is malformed, or is not signed with one of the keys.
        """
        return self._return_tokens.verify_and_parse_token(
            _build_click_from_fields, self._entry_tokens, token
        )


class _TokenSerializer:
    """A signer and verifier of tokens of one kind.

    Each token contains the id of its signing key, so that the cause of a refusal can be found.

    :param secret_keys: The accepted keys, oldest first. The last key signs new tokens.
    :param salt: The kind of token and the partner account.
    """

    def __init__(self, secret_keys: Sequence[str | bytes], salt: str) -> None:
        # Derive the keys here once, and pass the derived keys to the Signer below. A Signer that
        # derives the keys itself would derive them again at each use.
        keys = [
            Signer(key, salt, key_derivation="hmac", digest_method=hashlib.sha256).derive_key()
            for key in secret_keys
        ]
        self._signer = Signer(keys, salt, key_derivation="none", digest_method=hashlib.sha256)
        self._key_ids = [base64_encode(hashlib.sha256(key).digest())[:3] for key in keys]

    def build_token(self, fields: list[Any]) -> str:
        signed_part = base64_encode(_encode_fields_as_json(fields)) + b"." + self._key_ids[-1]
        return (signed_part + self._signer.get_signature(signed_part)).decode()

    def verify_and_parse_token(
        self, build_result: Callable[..., T], other_serializer: _TokenSerializer, token: str
    ) -> T:
        """Verify a token, and return ``build_result(*fields)`` for the fields in the token.

        :param build_result: A function that takes the fields of a token as arguments.
        :param other_serializer: The serializer of the other kind of token, which finds the cause if
            a token of that kind is passed.
        :raises TokenError: if the token is not a valid token of this kind.
        """
        # Match the whole token, because decoding would skip characters that are not base64.
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
    """Return the entry that a token contains, without verifying the token's signature.

    Do not trust the entry, because anyone can build such a token. The check uses this function to
    read links that the site may refuse, for example links on a cached page that were signed with
    another key.

    :raises TokenError: if the payload is malformed.
    """
    return _parse_payload(token.partition(".")[0], _build_entry_from_fields)


def find_tokens(text: str) -> list[str]:
    """Return all parts of a text, for example a page or a URL, that look like a token."""
    return _TOKEN_IN_TEXT.findall(text)


def mask_tokens_and_credentials(text: str) -> str:
    """Return a text with each token replaced by "…", and without the credentials in URLs."""
    return _URL_CREDENTIALS.sub("", _TOKEN_IN_TEXT.sub("…", text))


def _parse_payload(payload: str, build_result: Callable[..., T]) -> T:
    """Decode a token's payload, and return ``build_result(*fields)`` for the decoded fields.

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
    # Never change the order of these fields. Links of earlier versions must remain valid, because
    # mails and posters outlive a release.
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
    # Omit trailing None values, because the QR code of a short token is easier to scan.
    while fields[-1] is None:
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
) -> RedirectedClick:
    return RedirectedClick(_build_entry_from_fields(*entry_fields), member, click_id, clicked_at)
