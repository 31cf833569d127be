"""Masks the secrets and member ids in reports, and finds secrets in responses and in the log."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, urlsplit

from ..links.tokens import mask_tokens_and_credentials
from .browser import SiteClient
from .report import Failure
from .visits import Visit

_MAX_LENGTH = 500
# Shorter ids are not masked, because a text often contains them by chance.
_MIN_MASKED_ID_BYTES = 4
# A part of a path that cannot be an id, a key or a token. Other parts are not shown.
_PLAIN_PATH_PART = re.compile(r"[a-z_.-]{0,20}")


def describe_url(url: str) -> str:
    """Return a URL without its credentials, its query and those parts of its path that may be ids.

    Return "—" for an empty URL, and "…" for a URL that cannot be parsed.
    """
    if not url:
        return "—"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        netloc = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        return "…"
    path = "/".join(
        part if _PLAIN_PATH_PART.fullmatch(part) else "…" for part in parts.path.split("/")
    )
    return parts._replace(netloc=netloc, path=path, query="", fragment="").geturl()


def mask_text(site: SiteClient, text: str) -> str:
    """Return a text without secrets, member ids and unprintable characters.

    The text is cut to 500 characters.
    """
    # A terminal would obey control characters, and a file cannot hold surrogates.
    text = "".join(each if each.isprintable() else "\ufffd" for each in text)
    text = mask_tokens_and_credentials(site.mask_secrets(text))
    for member in sorted(site.member_ids, key=len, reverse=True):
        key_prefix = site.get_member_key_prefix(member)
        names = [key_prefix, quote(key_prefix, safe="")]
        if len(member.encode()) >= _MIN_MASKED_ID_BYTES:
            names += [member, quote(member), quote(member, safe="")]
        for name in filter(None, names):
            text = text.replace(name, "…")
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def check_no_secret_leaks(
    site: SiteClient, visit: Visit, *, is_redirect: bool = False
) -> Iterator[Failure]:
    """Check that the response and the log contain no API key and no signature of a gateway URL.

    :param is_redirect: True if the response must redirect to the gateway. Then the Location header
        contains the signature.
    """
    texts = [("body", visit.text)]
    for record in visit.rehearsal.log_records:
        text = repr(vars(record))
        # The arguments of a log call may not fit its message.
        with suppress(Exception):
            text += record.getMessage()
        if record.exc_info:
            text += "".join(traceback.format_exception(record.exc_info[1]))
        texts.append((f"log of {record.name} ({record.filename}:{record.lineno})", text))
    is_redirect = is_redirect or site.is_gateway_page(visit.location)
    texts += [each for each in visit.headers if each[0] != "Location" or not is_redirect]
    for name, text in texts:
        if site.mask_secrets(text) != text:
            yield Failure("secret", name)
