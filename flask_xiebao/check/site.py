"""What sections 2.1 to 2.3 of the document, and the manual, promise a site with its settings.

Hosts, signs and members' keys are a second reading, by hand, so that a mistake in either shows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import cache, cached_property, partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.urls import iri_to_uri

from ..app.state import State
from ..gateway.values import Secret
from ..simulator.document import ROWS, Account, Row, key_forms
from ..texts import text
from .token_reader import Said, read_link
from .visits import in_context

_PACKAGE = Path(__file__).parents[1]
_HOSTS = {
    "test": "https://testapi.xiebao18.com",
    "production": "https://api.xiebao18.com",
}
#: The names of the platform codes in links and pages.
SLUGS = {"1": "h5", "2": "pc", "3": "ios", "4": "android"}


class Site:
    """A site as its settings have it, and what it has to do by them.

    :param app: its app.
    :param state: what the extension has of it.
    :param url: scheme, host and the path below which it is mounted.
    :param mount: that path as far as the server takes it off.

    :ivar gateway: where the gateway's pages are: a URL, or a path of this site from its root.
    :ivar prefix: the path of the endpoints, from the server's root.
    :ivar outside: what links begin with that leave the site.
    :ivar locale: that of its entries; None where it is another one for each visitor.
    :ivar member: the member of the site's whose clicks it gets; None for one who is made up.
    :ivar people: the ids of all members that are known, made up or not.
    """

    def __init__(self, app: Flask, state: State, url: str, mount: str) -> None:
        settings = state.settings
        parts = urlsplit(url)
        self.app = app
        self.settings = settings
        self.url = url
        self.mount = mount
        self.root = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = f"{self.root}{settings.url_prefix}"
        self.outside = as_sent(settings.public_url or url).rstrip("/")
        # Of what members would notice most, what was configured after init_app is looked at, too:
        # the gateway, the sign and their keys.
        config = app.config
        environment = config.get("XIEBAO_ENV") or "test"
        base = str(config.get("XIEBAO_BASE_URL") or _HOSTS.get(environment, "")).rstrip("/")
        self.gateway = as_sent(base if "://" in base else f"{self.root}{base}")
        self.extra = settings.extra or {}
        # By hand: a state that always says the same would agree with itself.
        self.locale = settings.locale or (None if "babel" in app.extensions else "zh")
        self.member: str | None = None
        self.people: set[str] = set()
        self.knows_its_address = bool(settings.public_url or config["SERVER_NAME"])
        key = Secret(config.get("XIEBAO_API_KEY", "")).map(str)
        self.account = Account(
            settings.partner_id,
            key.map(lambda key: f"{key}{settings.partner_id}".encode()).map(
                lambda signed: hashlib.md5(signed, usedforsecurity=False).hexdigest()
            ),
        )
        self.makes_keys = config.get("XIEBAO_MEMBER_SECRET") is not None
        self._key_forms = key.map(key_forms)
        self._keeps_plain_key = state.hooks.keeps_plain_key
        #: Returns what the gateway knows a member by: the site's own function is asked once.
        self.partner_uniq_key = cache(self._make_key)

    def without_key(self, said: str) -> str:
        """Return a text without the API key."""
        return self._key_forms.reveal().sub("…", said)

    @property
    def has_login(self) -> bool:
        """Whether it has a login to send people to."""
        manager = getattr(self.app, "login_manager", None)
        return self.settings.login_view is not None or (
            manager is not None
            and bool(
                manager.login_view or manager.blueprint_login_views or manager.unauthorized_callback
            )
        )

    def words(self, key: str) -> str | None:
        """Return what a visitor reads; None where that is another text for each visitor."""
        if self.locale is None:
            return None
        own = (self.settings.texts or {}).get(key, {})
        return own.get(self.locale) or text(self.locale, key)

    def has_own(self, *templates: str) -> bool:
        """Tell whether one of the extension's templates is the site's own: ``notice``, say."""
        environment = self.app.jinja_env
        if environment.loader is None:
            return False
        sources = (f"xiebao/{name}.html" for name in templates)
        files = [environment.loader.get_source(environment, each)[1] for each in sources]
        return not all(Path(file or "").is_relative_to(_PACKAGE) for file in files)

    def _make_key(self, member: str) -> str:
        if self.makes_keys and not in_context(
            self.app, partial(self._keeps_plain_key, member), base_url=f"{self.url}/"
        ):
            return self.key_mark(member) + member
        return member

    def key_mark(self, member: str) -> str:
        """Return what stands before an id in a key that only the site can make."""
        said = f"flask-xiebao.member\0{self.settings.partner_id}\0{member}".encode()
        secret = str(self.app.config["XIEBAO_MEMBER_SECRET"]).encode()
        digest = hmac.new(secret, said, hashlib.sha256).digest()
        return base64.b32encode(digest).decode()[:16].lower()

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
            "partnerId": self.settings.partner_id,
            "sign": self.account.sign.reveal(),
            "subPartnerId": (
                self.settings.sub_partner_id if sub_partner_id is None else sub_partner_id
            ),
            "partnerUniqKey": self.partner_uniq_key(member),
            "platform": platform,
        }
        if row.reference is not None:
            given[row.reference] = reference or ""
        return {name: given[name] for name in row.known if name in given} | dict(self.extra)

    def is_at(self, url: str) -> bool:
        """Tell whether a URL is one of the site's, by its host."""
        return is_url(url) and urlsplit(as_sent(url)).netloc in self._hosts

    def serves(self, url: str) -> bool:
        """Tell whether a URL is one of the site's, below the path where the site is."""
        return self.is_at(url) and f"{urlsplit(as_sent(url)).path}/".startswith(
            f"{as_sent(self.root)}/"
        )

    @cached_property
    def _hosts(self) -> set[str]:
        """By what the site is asked: inside, and by everybody else."""
        return {urlsplit(as_sent(known)).netloc for known in (self.url, self.outside)}

    def entry_at(self, url: str) -> tuple[Row | None, Said | None]:
        """Return the page of a link of the site, and what it says, where that can be read.

        Of any other URL, both are None.
        """
        if self.settings.url_prefix not in url or not self.is_at(url):  # of most it is soon said
            return None, None
        path, prefix = urlsplit(as_sent(url)).path, as_sent(self.prefix)
        for row in ROWS:
            begins = f"{prefix}/{row.name}/"
            if path.startswith(begins):
                return row, read_link(path.removeprefix(begins))
        return None, None


def is_url(said: str) -> bool:
    """Tell whether a text is a URL, or a part of one, of which the parts can be told."""
    try:
        urlsplit(said).port  # noqa: B018 - it is looked at when it is asked for
        iri_to_uri(said)  # and its host here
    except ValueError:
        return False
    return True


def absolute(page: str, href: str) -> str:
    """Return to where a link of a page leads; what makes no sense is returned as it is."""
    return urljoin(page, href) if is_url(href) and is_url(page) else href


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
