"""Send forged tokens to the endpoints of the extension: ``python -m tests.tools.fuzz``.

The tool reports each response with status 500 or higher as a violation. It also reports each
accepted token whose payload and signature are not those of a link that the site has built.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from flask import Flask
from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from werkzeug.test import create_environ, run_wsgi_app

from flask_xiebao import Platform, Xiebao
from tests.support import CONFIG, get_return_link
from tests.tokens import encode_payload

SECRET = "the secret that the forger does not have"
PAGES = ("product", "home", "policy", "paid")
_TOKEN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
_OTHER_LETTERS = "=+ /%&?#\\\"'<>\0\t\r\n\x7f\x80\xff\u200b\u2028携保😀\ufeff\u0660"
_USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)


@dataclass
class FuzzOutcome:
    """The result of a fuzzing run.

    :ivar tried: The number of tokens that were sent.
    :ivar refused: The number of forged tokens that were refused.
    :ivar respelled: The number of changed tokens that were accepted, because the bytes of their
        signature are unchanged. Several base64 texts can stand for the same bytes.
    :ivar genuine: The number of unchanged link tokens, all of which must be accepted.
    """

    tried: int = 0
    refused: int = 0
    respelled: int = 0
    genuine: int = 0
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.tried:,} tokens in {self.seconds:.0f} s: {self.refused:,} refused,"
            f" {self.genuine:,} genuine and {self.respelled:,} respelled accepted,"
            f" {len(self.violations)} violations"
        )


def send_random_tokens(count: int, *, seed: int, seconds: float = 600) -> FuzzOutcome:
    """Send random tokens to a test site, and return what the site accepted and refused.

    :param count: The number of tokens.
    :param seed: The seed for the random choices. The same seed gives the same tokens.
    :param seconds: The maximum time. A run that takes longer ends with fewer tokens.
    """
    rng = random.Random(seed)  # noqa: S311
    site = _FuzzedSite(rng)
    outcome = FuzzOutcome()
    forger = _TokenForger(rng, site.tokens)
    started = time.monotonic()
    while outcome.tried < count and time.monotonic() - started < seconds:
        page = rng.choice(PAGES)
        kind, token = forger.forge_token(page)
        site.member = rng.choice((None, "alice", "bob"))
        status, location = site.send_token(page, token)
        if status == 308:  # Werkzeug redirects a path that contains "//" to the path with "/".
            token = re.sub(rb"/+", b"/", token.lstrip(b"/"))
            status, location = site.send_token(page, token)
        outcome.tried += 1
        description = f"{page}: {kind} {token[:200]!r}"
        if status >= 500:
            outcome.violations.append(f"{description} returned {status}")
        elif kind == "genuine":
            outcome.genuine += 1
            if status == 404:
                outcome.violations.append(f"{description} was refused")
        elif status == 404:
            outcome.refused += 1
        elif site.has_matching_link(page, token):
            outcome.respelled += 1
        else:
            outcome.violations.append(f"{description} was accepted: {status} {location}")
    outcome.seconds = time.monotonic() - started
    return outcome


def is_another_spelling(changed: str, token: str) -> bool:
    """Return True if two tokens have the same payload text and the same signature bytes."""
    payload, _, signature = token.rpartition(".")
    changed_payload, _, spelling = changed.rpartition(".")
    if changed_payload != payload or not re.fullmatch("[A-Za-z0-9_-]+", spelling):
        return False
    try:
        return spelling[:3] == signature[:3] and (
            base64_decode(spelling[3:]) == base64_decode(signature[3:])
        )
    except BadData:
        return False


class _FuzzedSite:
    """A test site with links to all gateway pages and with return links.

    :ivar member: The member who is logged in, or None.
    :ivar tokens: The link tokens, by the name of the page that they open.
    """

    member: str | None = None

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.app = Flask("fuzzed")
        self.app.config.update(
            CONFIG,
            SECRET_KEY=SECRET,
            XIEBAO_ENV="test",
            XIEBAO_PUBLIC_URL="https://shop.example",
        )
        self.app.logger.disabled = True
        self.xiebao = Xiebao(self.app)
        self.xiebao.member_loader(lambda: self.member)
        alice, bob = {"member": "alice"}, {"member": "bob"}
        link, return_link = self._build_link_token, self._build_return_token
        self.tokens = {
            "product": [
                link("product", "QX000000127257"),
                link("product", "QX1", **alice, no_login_for=10**9, return_to="/orders/8?a=é"),
                link("product", "旅行险", **bob, platform=Platform.PC, sub_partner_id="9"),
            ],
            "home": [
                link("home"),
                link("home", **alice, no_login_for=10**9),
                link("home", **bob, return_to="/"),
            ],
            "policy": [
                link("policy", "20190226020146", **alice),
                link("policy", "20190226020146", **bob, no_login_for=10**9),
            ],
            "paid": [
                return_link("product", "QX000000127257", return_to="/orders/8?a=é"),
                return_link("product", "旅行险", platform=Platform.PC, sub_partner_id="9"),
                return_link("home", no_login_for=10**9),
                return_link("policy", "20190226020146"),
            ],
        }

    def _build_link_token(self, page: str, *reference: str, **options: Any) -> str:
        with self.app.test_request_context():
            link: str = getattr(self.xiebao, f"{page}_link")(*reference, **options)
        return link.rpartition("/")[2]

    def _build_return_token(self, page: str, *reference: str, **options: Any) -> str:
        self.member = "alice"
        options = {"member": "alice", "return_to": "/", **options}
        link = f"/xiebao/{page}/{self._build_link_token(page, *reference, **options)}"
        response = self.app.test_client().get(link, headers={"User-Agent": _USER_AGENTS[1]})
        return get_return_link(response).rpartition("/")[2]

    def has_matching_link(self, page: str, token: bytes) -> bool:
        """Return True if a genuine link to the page has the token's payload and signature."""
        text = token.decode("latin-1")
        return any(is_another_spelling(text, known) for known in self.tokens[page])

    def send_token(self, page: str, token: bytes) -> tuple[int, str]:
        """Request a page with a token, and return the response's status and ``Location``."""
        rng = self.rng
        environ = {
            **create_environ(base_url="https://shop.example"),
            "REQUEST_METHOD": "GET" if rng.random() < 0.9 else "HEAD",
            "PATH_INFO": f"/xiebao/{page}/" + token.decode("latin-1"),
            "QUERY_STRING": rng.choice(("", "", "", "platform=h5", "platform=%00")),
            "HTTP_USER_AGENT": rng.choice(_USER_AGENTS),
            "HTTP_ACCEPT": rng.choice(("text/html", "application/json")),
        }
        _, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        return int(status[:3]), headers.get("Location", "")


class _TokenForger:
    """A generator of random tokens. It knows genuine tokens, but not the site's secret key.

    :param tokens: The genuine link tokens, by the name of the page that they open.
    """

    def __init__(self, rng: random.Random, tokens: dict[str, list[str]]) -> None:
        self.rng = rng
        self.tokens = {page: [token.encode() for token in tokens[page]] for page in tokens}
        #: The relative frequency of each kind of token. ``build_edited_token`` builds the kind
        #: "edited", for example.
        self.frequencies = {
            "binary": 6,
            "random": 6,
            "garbage": 4,
            "edited": 30,
            "cut": 8,
            "other_page": 6,
            "mixed": 6,
            "missigned": 12,
            "unsigned": 6,
            "percent_encoded": 8,
            "compressed": 4,
            "nested": 3,
            "long": 1,
            "genuine": 2,
        }

    def forge_token(self, page: str) -> tuple[str, bytes]:
        """Build a random token, and return its kind and the token as it appears in a path."""
        kinds, frequencies = zip(*self.frequencies.items(), strict=True)
        [kind] = self.rng.choices(kinds, frequencies)
        return kind, getattr(self, f"build_{kind}_token")(page)

    def build_binary_token(self, _: str) -> bytes:
        """Return random bytes."""
        return self.rng.randbytes(self.rng.randrange(1, 200))

    def build_random_token(self, _: str) -> bytes:
        """Return random characters from the alphabet of tokens."""
        return "".join(self.rng.choices(_TOKEN_LETTERS, k=self.rng.randrange(1, 200))).encode()

    def build_garbage_token(self, _: str) -> bytes:
        """Return random characters, most of which are not in the alphabet of tokens."""
        letters = _TOKEN_LETTERS + _OTHER_LETTERS * 3
        return "".join(self.rng.choices(letters, k=self.rng.randrange(1, 80))).encode()

    def build_genuine_token(self, page: str) -> bytes:
        """Return an unchanged token of a random link to the page."""
        return self.rng.choice(self.tokens[page])

    def build_edited_token(self, page: str) -> bytes:
        """Return a link token with one to five small changes."""
        token = bytearray(self.build_genuine_token(page))
        for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
            position = self.rng.randrange(len(token))
            letters = _TOKEN_LETTERS if self.rng.random() < 0.7 else _OTHER_LETTERS
            letter = self.rng.choice(letters).encode()
            match self.rng.randrange(5):
                case 0:
                    token[position : position + 1] = letter
                case 1:
                    token[position:position] = letter
                case 2:
                    del token[position]
                case 3:
                    token[position] ^= 1 << self.rng.randrange(8)
                case 4:
                    other = self.rng.randrange(len(token))
                    token[position], token[other] = token[other], token[position]
        return bytes(token)

    def build_cut_token(self, page: str) -> bytes:
        """Return a part of a link token, or the token twice in a row."""
        token = self.build_genuine_token(page)
        start, end = sorted(self.rng.choices(range(len(token) + 1), k=2))
        part = self.rng.choice((token[:end], token[start:], token[start:end], token * 2))
        return part if part != token else token[:-1]

    def build_other_page_token(self, page: str) -> bytes:
        """Return a genuine token of a link to another page."""
        return self.build_genuine_token(self.rng.choice([each for each in PAGES if each != page]))

    def build_mixed_token(self, page: str) -> bytes:
        """Return the payload of one link token with the signature of another."""
        payload = self.build_genuine_token(self.rng.choice(PAGES)).partition(b".")[0]
        signature = self._choose_signature(page)
        is_genuine = payload + b"." + signature in self.tokens[page]
        return payload + b"." + (signature[::-1] if is_genuine else signature)

    def build_missigned_token(self, page: str) -> bytes:
        """Return a token that is signed with another secret key or with another salt."""
        fields = self._choose_payload_fields(page)
        key = self.rng.choice(("", "another secret", SECRET[:-1], SECRET.upper(), "Key"))
        salt = self.rng.choice((b"flask-xiebao.entry", b"flask-xiebao.click", b"itsdangerous"))
        # A site may also use its secret key for tokens of other code.
        if self.rng.random() < 0.2:
            return str(URLSafeTimedSerializer(SECRET, salt).dumps(fields)).encode()
        signer = Signer(key, salt, key_derivation="hmac", digest_method=hashlib.sha256)
        key_id = self.rng.choice((b"AAA", self._choose_signature(page)[:3]))
        value = encode_payload(fields) + b"." + key_id
        return value + signer.get_signature(value)

    def build_unsigned_token(self, page: str) -> bytes:
        """Return a token with an empty or meaningless signature."""
        signature = self.rng.choice((b"", b".", b".AAAA", b"." + b"A" * 43, b"." * 40))
        return encode_payload(self._choose_payload_fields(page)) + signature

    def build_percent_encoded_token(self, page: str) -> bytes:
        """Return a token that is still percent-encoded after the server has decoded the path."""
        token = self.build_edited_token(page)
        once = (
            quote(token, safe="")
            if self.rng.random() < 0.5
            else "".join(f"%{byte:02x}" for byte in token[:60])
        )
        twice = quote_from_bytes(once.encode(), safe="")
        return unquote_to_bytes(self.rng.choice((once, twice, once + "%", "%zz" + once)))

    def build_compressed_token(self, page: str) -> bytes:
        """Return a token whose payload would be huge if a serializer decompressed it."""
        size = self.rng.choice((10, 10**4, 10**6))
        payload = base64_encode(zlib.compress(b"[" + b"0," * size + b"0]", 9))[:4000]
        signature = self._choose_signature(page)
        # The serializers of itsdangerous put a period before a compressed payload.
        return self.rng.choice((b".", b"")) + payload + b"." + signature

    def build_nested_token(self, page: str) -> bytes:
        """Return a token whose payload is deeply nested JSON."""
        depth = self.rng.choice((10, 1000, 20_000))
        return base64_encode(b"[" * depth + b"]" * depth) + b"." + self._choose_signature(page)

    def build_long_token(self, page: str) -> bytes:
        """Return a token that is much longer than any link."""
        token = self.build_genuine_token(page)
        return self.rng.choice((token * 400, token + b"A" * 60_000, b"." * 60_000))

    def _choose_signature(self, page: str) -> bytes:
        """Return the key id and the signature of a random genuine token, as one byte string."""
        return self.build_genuine_token(page).partition(b".")[2]

    def _choose_payload_fields(self, page: str) -> list[Any]:
        member = self.rng.choice(("alice", "bob", None, 0, True, "", ["alice"]))
        entry = [page if page != "paid" else "product", "QX1", None, 1, "/", member, 2**31, 60]
        return ["alice", "click", 2**31, *entry] if page == "paid" else entry


def main() -> int:
    """Print the violations and a summary, and return 1 if there are any violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="the number of tokens")
    parser.add_argument("--seed", type=int, help="by default a random number")
    parser.add_argument("--seconds", type=float, default=600, help="the maximum time")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311
    outcome = send_random_tokens(options.count, seed=seed, seconds=options.seconds)
    print(*outcome.violations[:20], f"{outcome} (seed {seed})", sep="\n")
    return 1 if outcome.violations or outcome.tried < options.count else 0


if __name__ == "__main__":
    sys.exit(main())
