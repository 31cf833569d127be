"""What a site is configured to be, read from its ``app.config`` a second time and by hand.

Of settings, :mod:`.app.settings` says what they are for and what is wrong with them; here is
what sections 2.1 to 2.3 of the document, and the manual, promise a site that has them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from flask import Flask
from werkzeug.urls import iri_to_uri

from ..gateway.values import Secret
from ..simulator.document import ROWS, Account, Row, key_forms
from .token_reader import Said, read_link

_HOSTS = {
    "test": "https://testapi.xiebao18.com",
    "production": "https://api.xiebao18.com",
}
_OFF = ("false", "0", "off", "no")
# What may be the key of a member: in a URL, the id ends where its value does.
_MARKED = re.compile(r"(?=([a-z2-7]{16})([^&/?#\s\"'<>]+))", re.IGNORECASE)
#: The names of the platform codes in links and pages.
SLUGS = {"1": "h5", "2": "pc", "3": "ios", "4": "android"}


class Site:
    """A site as its configuration has it.

    :param app: its app.
    :param url: scheme, host and the path below which it is mounted.
    :param mount: that path as far as the server takes it off.
    :param plain_key_rule: the site's own word for whom the gateway knows by the bare id.
    """

    def __init__(
        self, app: Flask, url: str, mount: str, plain_key_rule: Callable[[str], object] | None
    ) -> None:
        parts = urlsplit(url)
        self.app = app
        self.url = url
        self.mount = mount
        self.root = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._plain_key_rule = plain_key_rule
        self._keys: dict[str, str] = {}
        partner_id = self.partner_id
        self.account = Account(
            partner_id,
            Secret(self._setting("API_KEY"))
            .map(lambda key: f"{'' if key is None else key}{partner_id}".encode())
            .map(lambda signed: hashlib.md5(signed, usedforsecurity=False).hexdigest()),
        )

    def _setting(self, name: str, default: Any = None) -> Any:
        value = self.app.config.get(f"XIEBAO_{name}")
        return default if value is None else value

    def _switch(self, name: str) -> bool:
        return str(self._setting(name, True)).lower() not in _OFF

    @cached_property
    def _key(self) -> Secret[re.Pattern[str]]:
        """What finds the API key."""
        return Secret(self._setting("API_KEY")).map(str).map(key_forms)

    def without_key(self, said: str) -> str:
        """Return a text without the API key."""
        return self._key.reveal().sub("…", said)

    @property
    def partner_id(self) -> str:
        """``partnerId``."""
        return str(self._setting("PARTNER_ID", ""))

    @property
    def environment(self) -> str:
        """``test`` or ``production``."""
        return str(self._setting("ENV", "test"))

    @property
    def gateway(self) -> str:
        """Where the gateway's pages are: a URL, or a path of this site from its root."""
        base = self._setting("BASE_URL")
        if base is None:
            return _HOSTS[self.environment]
        base = str(base).rstrip("/")
        return as_sent(f"{self.root}{base}" if not base or base.startswith("/") else base)

    @property
    def makes_keys(self) -> bool:
        """Whether the gateway knows its members by keys that only it can make."""
        return self._setting("MEMBER_SECRET") is not None

    @property
    def signing_key(self) -> str | bytes:
        """That with which links are signed now."""
        key: str | bytes = self.app.config["SECRET_KEY"]
        return key

    @property
    def entry_salt(self) -> str:
        """What links are signed for."""
        return f"flask-xiebao.entry.{self.partner_id}"

    @property
    def click_salt(self) -> str:
        """What the ways back from payments are signed for."""
        return f"flask-xiebao.click.{self.partner_id}"

    @property
    def sub_partner_id(self) -> str:
        """``subPartnerId`` of links that name none."""
        return str(self._setting("SUB_PARTNER_ID", ""))

    @property
    def extra(self) -> Mapping[str, str]:
        """Parameters outside the document that every URL has."""
        return {name: str(value) for name, value in dict(self._setting("EXTRA", {})).items()}

    @property
    def prefix(self) -> str:
        """The path of the endpoints, from the server's root."""
        return f"{self.root}{str(self._setting('URL_PREFIX', '/xiebao')).rstrip('/')}"

    @property
    def outside(self) -> str:
        """What links begin with that leave the site."""
        return as_sent(str(self._setting("PUBLIC_URL", self.url))).rstrip("/")

    @property
    def knows_its_address(self) -> bool:
        """Whether something else than a request says where the site is."""
        config = self.app.config
        return bool(self._setting("PUBLIC_URL") or config["SERVER_NAME"])

    @property
    def trusts_hosts(self) -> bool:
        """Whether it refuses requests for a host that it does not name."""
        known = "TRUSTED_HOSTS" in Flask.default_config  # by this Flask
        return known and bool(self.app.config["TRUSTED_HOSTS"])

    @property
    def in_development(self) -> bool:
        """Whether it takes any Host header for its own."""
        return self.app.debug or self.app.testing

    @property
    def older_keys(self) -> list[str | bytes]:
        """Those with which links were signed before."""
        return list(self.app.config.get("SECRET_KEY_FALLBACKS") or ())

    @property
    def login_view(self) -> str | None:
        """The endpoint of its login."""
        view = self._setting("LOGIN_VIEW")
        return None if view is None else str(view)

    @property
    def has_login(self) -> bool:
        """Whether it has a login to send people to."""
        manager = getattr(self.app, "login_manager", None)
        if self.login_view is not None:
            return True
        return manager is not None and bool(
            manager.login_view or manager.blueprint_login_views or manager.unauthorized_callback
        )

    @property
    def handoff_max_age(self) -> int:
        """Seconds that the code of a handoff lives."""
        return int(self._setting("HANDOFF_MAX_AGE", 300))

    @property
    def device_markup(self) -> bool:
        """Whether entries say for which platform they were rendered."""
        return self._switch("DEVICE_MARKUP")

    @property
    def enabled(self) -> bool:
        """Whether it sells at all."""
        return self._switch("ENABLED")

    @property
    def is_strict(self) -> bool:
        """Whether a wrong argument in a template is an error."""
        if self._setting("STRICT") is None:
            return self.in_development
        return self._switch("STRICT")

    @property
    def locale(self) -> str | None:
        """That of its entries; None where it is another one for each visitor."""
        if self._setting("LOCALE") is None and "babel" in self.app.extensions:
            return None
        return str(self._setting("LOCALE", "zh"))

    def words(self, key: str, by_default: Mapping[str, str]) -> str | None:
        """Return what a visitor reads; None where that is another text for each visitor.

        :param by_default: by locale, where the site has no words of its own.
        """
        if self.locale is None:
            return None
        own = (self._setting("TEXTS") or {}).get(key, {})
        said: str | None = own if isinstance(own, str) else own.get(self.locale)
        return by_default.get(self.locale) if said is None else said

    def partner_uniq_key(self, member: str) -> str:
        """Return what the gateway knows a member by."""
        if member not in self._keys:
            self._keys[member] = self._make_key(member)
        return self._keys[member]

    def _make_key(self, member: str) -> str:
        if not self.makes_keys or self._keeps_plain_key(member):
            return member
        return self.key_mark(member) + member

    def without_member_keys(self, said: str) -> str:
        """Return a text without what makes keys out of the ids in it."""
        if not self.makes_keys:
            return said
        for found in _MARKED.finditer(said):
            mark, member = found.groups()
            if self.key_mark(unquote(member)) == mark.lower():
                said = said.replace(mark, "…")
        return said

    def key_mark(self, member: str) -> str:
        """Return what stands before an id in a key that only the site can make."""
        said = f"flask-xiebao.member\0{self.partner_id}\0{member}".encode()
        key = str(self._setting("MEMBER_SECRET")).encode()
        digest = hmac.new(key, said, hashlib.sha256).digest()
        return base64.b32encode(digest).decode()[:16].lower()

    def _keeps_plain_key(self, member: str) -> bool:
        if self._plain_key_rule is None:
            return False
        with self.app.test_request_context(base_url=f"{self.url}/"):
            return bool(self._plain_key_rule(member))

    def is_page_of_gateway(self, url: str) -> bool:
        """Tell whether a URL is one of the gateway's pages, whatever it is sent."""
        return without_query(url) in {f"{self.gateway}{row.path}" for row in ROWS}

    def parameters(
        self,
        row: Row,
        *,
        reference: str | None,
        member: str,
        platform: str,
        sub_partner_id: str | None,
    ) -> dict[str, str]:
        """Return what the gateway's page is sent, save for ``paySuccess``."""
        given = {
            "partnerId": self.partner_id,
            "sign": self.account.sign.reveal(),
            "subPartnerId": self.sub_partner_id if sub_partner_id is None else sub_partner_id,
            "partnerUniqKey": self.partner_uniq_key(member),
            "platform": platform,
        }
        if row.reference is not None:
            given[row.reference] = reference or ""
        return {name: given[name] for name in row.known if name in given} | dict(self.extra)

    def is_at(self, url: str) -> bool:
        """Tell whether a URL is one of the site's, by its host."""
        return is_url(url) and urlsplit(as_sent(url)).netloc in self._hosts

    @cached_property
    def _hosts(self) -> set[str]:
        """By what the site is asked: inside, and by everybody else."""
        return {urlsplit(as_sent(known)).netloc for known in (self.url, self.outside)}

    def entry_at(self, url: str) -> tuple[Row, Said | None] | None:
        """Return the page of a link of the site, and what it says; None for any other URL.

        What it says is None where that cannot be read.
        """
        if not self.is_at(url):
            return None
        path, prefix = urlsplit(as_sent(url)).path, as_sent(self.prefix)
        for row in ROWS:
            begins = f"{prefix}/{row.name}/"
            if path.startswith(begins):
                return row, read_link(path.removeprefix(begins))
        return None


def is_url(text: str) -> bool:
    """Tell whether a text is a URL, or a part of one, of which the parts can be told."""
    try:
        urlsplit(text).port  # noqa: B018 - it is looked at when it is asked for
        iri_to_uri(text)  # and its host here
    except ValueError:
        return False
    return True


def absolute(page: str, href: str) -> str:
    """Return to where a link of a page leads; what makes no sense is returned as it is."""
    return urljoin(page, href) if is_url(href) else href


def without_query(url: str) -> str:
    """Return a URL as far as its path, also one that makes no sense."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def as_sent(url: str) -> str:
    """Return a URL as browsers send it: in ASCII, its scheme and host in lower case.

    What makes no sense is returned as it is.
    """
    if not is_url(url):
        return url
    parts = urlsplit(iri_to_uri(url))
    return parts._replace(netloc=parts.netloc.lower()).geturl()
