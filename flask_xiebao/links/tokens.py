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
from ..gateway.pages import page_named
from ..gateway.platforms import AnyPlatform, Platform
from ..gateway.values import WrongValueError, check_text, checked, is_whole, shown
from .members import MemberId

T = TypeVar("T")

# What is signed, the id of the key that signed it, and the signature.
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{3})([A-Za-z0-9_-]+)")

# A token in a longer text. Its payload is a JSON list that begins with a string, and its dot may be
# percent-encoded, even more than once. The possessive quantifier prevents backtracking.
_TOKEN_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]+?yJ[A-Za-z0-9_-]{5})[A-Za-z0-9_-]++"
    r"(?:\.|%(?:25)*2E)[A-Za-z0-9_-]{30,}",
    re.IGNORECASE,
)
# The user name and the password before the host of a URL.
_CREDENTIALS = re.compile(r"(?<=//)[^/?#@\s]*@")

# Seconds since the epoch, within what a calendar can show.
_LAST_MOMENT = 10**11

# A QR code holds 2,900 bytes, more than half of which go to the signature and the encoding, and
# some to the member's id that a link without one gets for its QR code.
_LONGEST = 1200
_MOST_SECONDS = 10**9  # some thirty years

# json.dumps() would make an encoder at each call, which takes 8 % of a new entry.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

#: How many tokens a cache holds, at some hundred bytes each.
REMEMBERED = 1024


class PolicyLinkOptions(TypedDict, total=False):
    """The keywords of a link, as :meth:`Xiebao.link` explains them."""

    member: MemberId | None
    platform: AnyPlatform | None
    return_to: str | None
    no_login_for: int | None
    client_reference: str | int | None
    external: bool


class LinkOptions(PolicyLinkOptions, total=False):
    """Those of a page to which sub-accounts lead."""

    sub_partner_id: str | None


def check_seconds(value: object) -> int:
    """Return *value* if it is a number of seconds that something can last.

    :raises WrongValueError: when it is anything else.
    """
    if not is_whole(value, 1, _MOST_SECONDS):
        raise WrongValueError(
            f"must be an integer number of seconds from 1 to {_MOST_SECONDS:,}, got {shown(value)}."
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
        page = page_named(self.page, LinkError)
        if page.reference is not None:
            checked(page.reference, _text, self.reference, LinkError, "reference")
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
                f"platform must be a Platform or None, got {shown(self.platform)}.", "platform"
            )
        if self.platform is not None and self.platform not in page.platforms:
            raise LinkError(
                f"platform {self.platform.name} is not supported by the {page.name} page at"
                ' present. Leave out "platform", so that members on a PC get a QR code for their'
                " phone.",
                "platform",
            )
        for argument, check in _CHECKS:
            value = getattr(self, argument)
            if value is not None:
                checked(argument, check, value, LinkError, argument)
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


def make_entry(
    page: str,
    reference: str | int | None = None,
    sub_partner_id: str | None = None,
    platform: AnyPlatform | None = None,
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
        reference=_plain(reference),
        member=member,
        no_login_for=no_login_for,
        sub_partner_id=_plain(sub_partner_id),
        platform=None
        if platform is None
        else checked("platform:", Platform.of, platform, LinkError, "platform"),
        return_to=_plain(return_to),
        client_reference=_plain(client_reference),
    )
    texts = {
        "reference": entry.reference,
        "sub_partner_id": entry.sub_partner_id,
        "return_to": entry.return_to,
        "client_reference": entry.client_reference,
        "member": entry.member,
    }
    if len(_to_json([text for text in texts.values() if text])) > _LONGEST:
        longest = max(texts, key=lambda name: len((texts[name] or "").encode()))
        raise LinkError(
            f"The text arguments of a link must have at most {_LONGEST:,} bytes in total, so that"
            f' the link fits into a URL and a QR code. Shorten "{longest}".',
            longest,
        )
    return entry


def _plain(value: Any) -> Any:
    """Return text and whole numbers as plain text, and anything else as it is."""
    if value is None or type(value) is str:  # Entry checks it
        return value
    try:
        return check_text(value)
    except WrongValueError:
        return value


def _text(value: object) -> None:
    check_text(value)
    if not isinstance(value, str):
        raise WrongValueError(f"must be a string, got {type(value).__name__}.")


def _text_or_empty(value: object) -> None:
    if value != "":
        _text(value)


def _moment(value: object) -> None:
    if not is_whole(value, 0, _LAST_MOMENT):
        raise WrongValueError(
            "must be an integer number of seconds since the epoch, such as"
            f" `int(time.time()) - 60`, got {shown(value)}."
        )


def _path_of_this_site(path: object) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise WrongValueError(
            'must be a path of this site that begins with "/", as url_for() returns it, got'
            f" {shown(path)}."
        )
    # Browsers read a backslash as a slash, drop tabs and line breaks, and take // for a host.
    if path.startswith("//") or "\\" in path or not path.isprintable():
        raise WrongValueError(
            "must lead to this site. Pass a path without a host, a backslash or control characters."
        )


# The arguments of an Entry that may be left out, and what each has to be otherwise.
_CHECKS: tuple[tuple[str, Callable[[object], object]], ...] = (
    ("member", _text),
    ("sub_partner_id", _text_or_empty),
    ("no_login_for", check_seconds),
    ("return_to", _path_of_this_site),
    ("client_reference", _text),
    ("signed_at", _moment),
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
        self._entries = _Seal(secret_keys, f"flask-xiebao.entry.{partner_id}")
        self._clicks = _Seal(secret_keys, f"flask-xiebao.click.{partner_id}")
        #: Returns the entry of a token, however old: its age is looked at when it is followed.
        #: Raises :exc:`.TokenError` when it was not signed with one of the keys, or is malformed.
        #:
        #: The same buttons are clicked again and again. Caching the entries of verified tokens
        #: saves 20 % of the time for a click. The member and the age of a link are checked at
        #: every click.
        self.loads = lru_cache(REMEMBERED)(partial(self._entries.unpack, _entry, self._clicks))
        self._shared = lru_cache(REMEMBERED, typed=True)(
            lambda *details: self.dumps(make_entry(*details))
        )

    def dumps(self, entry: Entry) -> str:
        """Return the token of *entry*, signed now, or when it says that it was."""
        return self._entries.pack(_fields(entry))

    def dumps_shared(self, *details: Any) -> str:
        """Return the token of a link without a member, which is signed once.

        :param details: the first arguments of :func:`make_entry`.
        :raises LinkError: as :func:`make_entry`.
        """
        try:
            return self._shared(*details)
        except TypeError:  # an argument that cannot be hashed: make_entry() says which
            return self._shared.__wrapped__(*details)

    def dumps_click(self, click: Click) -> str:
        """Return the token of the link that a payment returns by."""
        return self._clicks.pack(
            [click.member, click.click_id, click.clicked_at, *_fields(click.entry)]
        )

    def loads_click(self, token: str) -> Click:
        """Return the click of a return link.

        :raises TokenError: as :attr:`loads`.
        """
        return self._clicks.unpack(_click, self._entries, token)


class _Seal:
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

    def pack(self, fields: list[Any]) -> str:
        value = base64_encode(_to_json(fields)) + b"." + self._key_ids[-1]
        return (value + self._signer.get_signature(value)).decode()

    def unpack(self, build: Callable[..., T], other: _Seal, token: str) -> T:
        """Return what *build* makes of the fields of a token.

        :param other: the seal of the other kind, whose tokens may be mistaken for this kind.
        :raises TokenError: when the token is not of this kind.
        """
        # Decoding would pass over what is not base64, and our tokens have nothing else.
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise TokenError("malformed")
        payload, key_id, signature = (part.encode() for part in parts.groups())
        if not self._signer.verify_signature(payload + b"." + key_id, signature):
            if key_id in self._key_ids:
                raise TokenError("changed")
            raise TokenError("another_page" if key_id in other._key_ids else "unknown_key")
        return _decode(parts[1], build)


def read_unverified(token: str) -> Entry:
    """Return the entry of a token without verifying its signature.

    Anybody can make such a token. The check reads links by this function that the site itself may
    refuse, for example links on a cached page that another key has signed.

    :raises TokenError: if the payload is malformed.
    """
    return _decode(token.partition(".")[0], _entry)


def find_tokens(text: str) -> list[str]:
    """Return what looks like a token in a text, for example in a page or a URL."""
    return _TOKEN_IN_TEXT.findall(text)


def mask_tokens(text: str) -> str:
    """Return a text with each token replaced by "…", and without the credentials in URLs."""
    return _CREDENTIALS.sub("", _TOKEN_IN_TEXT.sub("…", text))


def _decode(payload: str, build: Callable[..., T]) -> T:
    """Pass the fields in a token's payload to *build* and return the result.

    :raises TokenError: if the payload is malformed.
    """
    try:
        fields = json.loads(base64_decode(payload))
        if isinstance(fields, list):
            return build(*fields)
    except (BadData, ValueError, TypeError, LinkError, RecursionError):
        pass
    raise TokenError("malformed")


def _to_json(fields: Sequence[Any]) -> bytes:
    return _JSON.encode(fields).encode()


def _fields(entry: Entry) -> list[Any]:
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


def _entry(
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


def _click(member: str, click_id: str, clicked_at: int, *fields: Any) -> Click:
    return Click(_entry(*fields), member, click_id, clicked_at)
