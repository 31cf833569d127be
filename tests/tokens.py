"""Build the tokens of links without the extension, to test forged and malformed links."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from itsdangerous import Signer
from itsdangerous.encoding import base64_encode

from tests.support import SECRET_KEY

#: The salts with which a site signs entry links and return links, if its partner id is 12345.
ENTRY_SALT = "flask-xiebao.entry.12345"
CLICK_SALT = "flask-xiebao.click.12345"


def sign_token(
    fields: Any,
    salt: str = ENTRY_SALT,
    *,
    key: str = SECRET_KEY,
    derivation: str = "hmac",
    digest: Any = hashlib.sha256,
) -> str:
    """Return a signed token with these fields. The defaults are the extension's values."""
    signer = Signer(key, salt, key_derivation=derivation, digest_method=digest)
    key_id = base64_encode(hashlib.sha256(signer.derive_key()).digest())[:3]
    value = encode_payload(fields) + b"." + key_id
    return (value + signer.get_signature(value)).decode()


def encode_payload(fields: Any) -> bytes:
    """Return the payload of a token with these fields. Bytes are not JSON-encoded."""
    if isinstance(fields, bytes):
        return base64_encode(fields)
    return base64_encode(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))
