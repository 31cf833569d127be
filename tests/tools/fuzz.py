"""Forged tokens, thousands of them: ``python -m tests.tools.fuzz`` (``make fuzz``).

Each goes through WSGI to one of the four endpoints. An answer of 5xx is a violation, and so is one
that lets in what does not hold the very payload and signature of a link that the site made.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from flask import Flask
from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from werkzeug.test import run_wsgi_app

from flask_xiebao import Platform, Xiebao
from tests.support import CONFIG, get_return_link

SECRET = "the secret that the forger does not have"
PAGES = ("product", "home", "policy", "paid")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
_ODD = "=+ /%&?#\\\"'<>\0\t\r\n\x7f\x80\xff\u200b\u2028携保😀\ufeff\u0660"
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)


@dataclass
class Outcome:
    """What became of the tokens."""

    tried: int = 0
    refused: int = 0
    respelled: int = 0  # a genuine link whose signature is spelled otherwise
    genuine: int = 0  # unchanged links in between, which have to open
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.tried:,} tokens in {self.seconds:.0f} s: {self.refused:,} refused,"
            f" {self.genuine:,} genuine and {self.respelled:,} respelled let in,"
            f" {len(self.violations)} violations"
        )


def run(count: int, *, seed: int, seconds: float = 600) -> Outcome:
    """Try *count* tokens, or as many as there is time for.

    :param seed: the same seed makes the same tokens.
    :param seconds: when to stop in any case.
    """
    chance = random.Random(seed)  # noqa: S311 - the same tokens every time
    site = _Site()
    outcome = Outcome()
    forger = _Forger(chance, site.genuine)
    began = time.monotonic()
    while outcome.tried < count and time.monotonic() - began < seconds:
        page = chance.choice(PAGES)
        kind, token = forger.token(page)
        site.member = chance.choice((None, "alice", "bob"))
        status, location = site.ask(page, token, chance)
        if status == 308:  # the router merges slashes: see where that leads
            token = re.sub(rb"/+", b"/", token.lstrip(b"/"))
            status, location = site.ask(page, token, chance)
        outcome.tried += 1
        _judge(outcome, site, page, kind, token, status, location)
    outcome.seconds = time.monotonic() - began
    return outcome


def _judge(
    outcome: Outcome,
    site: _Site,
    page: str,
    kind: str,
    token: bytes,
    status: int,
    location: str,
) -> None:
    what = f"{page}: {kind} {token[:200]!r}"
    if status >= 500:
        outcome.violations.append(f"{what} answered {status}")
    elif kind == "genuine":
        outcome.genuine += 1
        if status == 404:
            outcome.violations.append(f"{what} was not found")
    elif status == 404:
        outcome.refused += 1
    elif not site.made(page, token):
        outcome.violations.append(f"{what} was let in: {status} {location}")
    else:
        outcome.respelled += 1


def is_another_spelling(changed: str, token: str) -> bool:
    """Tell whether both hold the same payload, to the letter, and the same signature."""
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


class _Site:
    """A site, and the links that it made."""

    member: str | None = None

    def __init__(self) -> None:
        self.app = Flask("fuzzed")
        self.app.config.update(
            CONFIG,
            SECRET_KEY=SECRET,
            XIEBAO_ENV="test",
            XIEBAO_PUBLIC_URL="https://shop.example",
        )
        self.app.logger.disabled = True  # its own: named after the app
        xiebao = Xiebao(self.app)
        xiebao.member_loader(lambda: self.member)
        self.xiebao = xiebao
        self.genuine = self._links()

    def made(self, page: str, token: bytes) -> bool:
        """Tell whether the payload, to the letter, and the signature are those of a link made."""
        text = token.decode("latin-1")
        return any(is_another_spelling(text, known) for known in self.genuine[page])

    def ask(self, page: str, token: bytes, chance: random.Random) -> tuple[int, str]:
        """Return the status and the ``Location`` of the answer."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET" if chance.random() < 0.9 else "HEAD",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/xiebao/{page}/" + token.decode("latin-1"),
            "QUERY_STRING": chance.choice(("", "", "", "platform=h5", "platform=%00")),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "shop.example",
            "HTTP_USER_AGENT": chance.choice(_AGENTS),
            "HTTP_ACCEPT": chance.choice(("text/html", "application/json")),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        _, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        return int(status[:3]), headers.get("Location", "")

    def _links(self) -> dict[str, list[str]]:
        """Return the tokens of links of all kinds, by the page that they open."""
        alice, bob = {"member": "alice"}, {"member": "bob"}
        made = {
            "product": [
                self._token("product", "QX000000127257"),
                self._token(
                    "product", "QX1", **alice, no_login_for=10**9, return_to="/orders/8?a=é"
                ),
                self._token("product", "旅行险", **bob, platform=Platform.PC, sub_partner_id="9"),
            ],
            "home": [
                self._token("home"),
                self._token("home", **alice, no_login_for=10**9),
                self._token("home", **bob, return_to="/"),
            ],
            "policy": [
                self._token("policy", "20190226020146", **alice),
                self._token("policy", "20190226020146", **bob, no_login_for=10**9),
            ],
        }
        made["paid"] = [
            self._paid("product", "QX000000127257", return_to="/orders/8?a=é"),
            self._paid("product", "旅行险", platform=Platform.PC, sub_partner_id="9"),
            self._paid("home", no_login_for=10**9),
            self._paid("policy", "20190226020146"),
        ]
        return made

    def _token(self, page: str, *reference: str, **options: Any) -> str:
        with self.app.test_request_context():
            link: str = getattr(self.xiebao, f"{page}_link")(*reference, **options)
        return link.rpartition("/")[2]

    def _paid(self, page: str, *reference: str, **options: Any) -> str:
        """Return the token by which a payment comes back."""
        self.member = "alice"
        token = self._token(page, *reference, **{"member": "alice", "return_to": "/", **options})
        path, agent = f"/xiebao/{page}/{token}", {"User-Agent": _AGENTS[1]}
        return get_return_link(self.app.test_client().get(path, headers=agent)).rpartition("/")[2]


class _Forger:
    """Makes tokens without knowing the secret."""

    def __init__(self, chance: random.Random, genuine: dict[str, list[str]]) -> None:
        self.chance = chance
        self.genuine = genuine
        self.kinds: tuple[tuple[Callable[[str], bytes], int], ...] = (
            (self.random_bytes, 6),
            (self.random_letters, 6),
            (self.odd_letters, 4),
            (self.changed, 30),
            (self.cut, 8),
            (self.of_another_page, 6),
            (self.mixed, 6),
            (self.signed_by_another, 12),
            (self.signed_by_nobody, 6),
            (self.escaped, 8),
            (self.compressed, 4),
            (self.nested, 3),
            (self.long, 1),
            (self.unchanged, 2),
        )

    def token(self, page: str) -> tuple[str, bytes]:
        """Return what kind it is, and the token as the bytes of a path."""
        makers, weights = zip(*self.kinds, strict=True)
        [maker] = self.chance.choices(makers, weights)
        token = maker(page)
        if maker == self.unchanged:
            return "genuine", token
        return maker.__name__, token

    def random_bytes(self, _: str) -> bytes:
        return self.chance.randbytes(self.chance.randrange(1, 200))

    def random_letters(self, _: str) -> bytes:
        return self._letters(self.chance.randrange(1, 200)).encode()

    def odd_letters(self, _: str) -> bytes:
        letters = self.chance.choices(_LETTERS + _ODD * 3, k=self.chance.randrange(1, 80))
        return "".join(letters).encode()

    def unchanged(self, page: str) -> bytes:
        return self._known(page).encode()

    def changed(self, page: str) -> bytes:
        token = bytearray(self._known(page).encode())
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            place = self.chance.randrange(len(token))
            letter = self._letter()
            match self.chance.randrange(5):
                case 0:
                    token[place : place + 1] = letter
                case 1:
                    token[place:place] = letter
                case 2:
                    del token[place]
                case 3:
                    token[place] ^= 1 << self.chance.randrange(8)
                case 4:
                    other = self.chance.randrange(len(token))
                    token[place], token[other] = token[other], token[place]
        return bytes(token)

    def cut(self, page: str) -> bytes:
        token = self._known(page)
        start, end = sorted(self.chance.choices(range(len(token) + 1), k=2))
        kept = self.chance.choice((token[:end], token[start:], token[start:end], token * 2))
        return (kept if kept != token else token[:-1]).encode()

    def of_another_page(self, page: str) -> bytes:
        return self._known(self.chance.choice([one for one in PAGES if one != page])).encode()

    def mixed(self, page: str) -> bytes:
        payload = self._known(self.chance.choice(PAGES)).partition(".")[0]
        signature = self._known(page).partition(".")[2]
        token = f"{payload}.{signature}"
        return (f"{payload}.{signature[::-1]}" if token in self.genuine[page] else token).encode()

    def signed_by_another(self, page: str) -> bytes:
        fields = self._fields(page)
        key = self.chance.choice(("", "another secret", SECRET[:-1], SECRET.upper(), "Key"))
        salt = self.chance.choice((b"flask-xiebao.entry", b"flask-xiebao.click", b"itsdangerous"))
        if self.chance.random() < 0.2:  # a token of the same site, for another purpose
            return str(URLSafeTimedSerializer(SECRET, salt).dumps(fields)).encode()
        signer = Signer(key, salt, key_derivation="hmac", digest_method=hashlib.sha256)
        key_id = self.chance.choice((b"AAA", self._known(page).partition(".")[2][:3].encode()))
        value = self._packed(fields) + b"." + key_id
        return value + signer.get_signature(value)

    def signed_by_nobody(self, page: str) -> bytes:
        signature = self.chance.choice((b"", b".", b".AAAA", b"." + b"A" * 43, b"." * 40))
        return self._packed(self._fields(page)) + signature

    def escaped(self, page: str) -> bytes:
        """Percent-escapes once and twice: decoded once they are in the path as they are."""
        token = self.changed(page)
        once = (
            quote(token, safe="")
            if self.chance.random() < 0.5
            else "".join(f"%{byte:02x}" for byte in token[:60])
        )
        twice = quote_from_bytes(once.encode(), safe="")
        return unquote_to_bytes(self.chance.choice((once, twice, once + "%", "%zz" + once)))

    def compressed(self, page: str) -> bytes:
        """What a serializer that inflates would choke on, with and without its mark."""
        bomb = zlib.compress(b"[" + b"0," * self.chance.choice((10, 10**4, 10**6)) + b"0]", 9)
        signature = self._known(page).partition(".")[2].encode()
        mark = self.chance.choice((b".", b""))
        return mark + base64_encode(bomb)[:4000] + b"." + signature

    def nested(self, page: str) -> bytes:
        depth = self.chance.choice((10, 1000, 20_000))
        signature = self._known(page).partition(".")[2].encode()
        return base64_encode(b"[" * depth + b"]" * depth) + b"." + signature

    def long(self, page: str) -> bytes:
        token = self._known(page)
        return self.chance.choice((token * 400, token + "A" * 60_000, "." * 60_000)).encode()

    def _known(self, page: str) -> str:
        return self.chance.choice(self.genuine[page])

    def _letters(self, count: int) -> str:
        return "".join(self.chance.choices(_LETTERS, k=count))

    def _letter(self) -> bytes:
        if self.chance.random() < 0.7:
            return self.chance.choice(_LETTERS).encode()
        return self.chance.choice(_ODD).encode()

    def _fields(self, page: str) -> list[Any]:
        who = self.chance.choice(("alice", "bob", None, 0, True, "", ["alice"]))
        entry = [page if page != "paid" else "product", "QX1", None, 1, "/", who, 2**31, 60]
        return ["alice", "click", 2**31, *entry] if page == "paid" else entry

    def _packed(self, fields: list[Any]) -> bytes:
        return base64_encode(json.dumps(fields, separators=(",", ":")))


def main(arguments: list[str] | None = None) -> Iterator[str]:
    """Run as the command line asks; return the lines to print, the summary last."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None, help="else a new one each time")
    parser.add_argument("--seconds", type=float, default=600)
    given = parser.parse_args(arguments)
    seed = random.randrange(2**32) if given.seed is None else given.seed  # noqa: S311
    outcome = run(given.count, seed=seed, seconds=given.seconds)
    yield from outcome.violations[:20]
    yield f"{outcome} (seed {seed})"
    if outcome.violations or outcome.tried < given.count:
        raise SystemExit(1)


if __name__ == "__main__":
    for line in main():
        print(line)
