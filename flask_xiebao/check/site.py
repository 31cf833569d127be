"""A site with the settings that are in force, and where its entries have to lead."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache, cached_property, partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.urls import iri_to_uri

from ..app.state import State
from ..errors import TokenError
from ..gateway.platforms import Platform
from ..gateway.values import MARK, Secret
from ..links.members import MemberKeys
from ..links.tokens import Entry, read_unverified
from ..simulator import wire
from ..simulator.document import ROWS, Account, Row, key_forms
from .visits import in_context

_PACKAGE = Path(__file__).parents[1]


class Site:
    """A site, described by the settings that are in force.

    :param app: its app.
    :param state: what the extension has of it.
    :param url: scheme, host and the path below which it is mounted.
    :param mount: that path as far as the server takes it off.

    :ivar gateway: where the gateway's pages are: a URL, or a path of this site from its root.
    :ivar prefix: the path of the endpoints, from the server's root.
    :ivar outside: what links begin with that leave the site.
    :ivar member: the member of the site's whose clicks it gets; None for one who is made up.
    :ivar people: the ids of all members that are known, made up or not.
    :ivar account: the site's account at Xiebao.
    :ivar makes_keys: whether the gateway knows members by keys that only the site can make.
    """

    def __init__(self, app: Flask, state: State, url: str, mount: str) -> None:
        settings = state.settings
        parts = urlsplit(url)
        self.app = app
        self.state = state
        self.settings = settings
        self.url = url
        self.mount = mount
        self.root = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = f"{self.root}{settings.url_prefix}"
        self.outside = as_sent(settings.public_url or url).rstrip("/")
        self.gateway = self._from_root(settings.gateway_url.rstrip("/"))
        self.member: str | None = None
        self.people: set[str] = set()
        sign = Secret(wire.sign(settings.api_key, settings.partner_id))
        self.account = Account(settings.partner_id, sign)
        self.makes_keys = settings.member_secret is not None
        self._key_forms = settings.api_key.map(key_forms)
        self._keys = MemberKeys(settings.member_secret, settings.partner_id)
        #: Returns the URL to which a member's click on an entry leads, without ``paySuccess``. The
        #: site's ``keeps_plain_key`` is called only once for the same click.
        self.gateway_url = cache(self._gateway_url)

    def _from_root(self, url: str) -> str:
        """Return a URL of the gateway as browsers send it; it may be a path of this site."""
        return as_sent(url if "://" in url else f"{self.root}{url}")

    def _gateway_url(self, entry: Entry, member: str, platform: str) -> str:
        make = partial(self.state.gateway_url, entry, member, Platform(int(platform)))
        return self._from_root(in_context(self.app, make, base_url=f"{self.url}/"))

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
        return None if self.state.locale_may_change else self.state.text(key)

    def has_own(self, *templates: str) -> bool:
        """Tell whether one of the extension's templates is the site's own: ``notice``, say."""
        environment = self.app.jinja_env
        if environment.loader is None:
            return False
        sources = (f"xiebao/{name}.html" for name in templates)
        files = [environment.loader.get_source(environment, each)[1] for each in sources]
        return not all(Path(file or "").is_relative_to(_PACKAGE) for file in files)

    def key_mark(self, member: str) -> str:
        """Return the characters before the id in a member's key. Only the site can make them."""
        return self._keys.key_of(member)[:MARK]

    def is_page_of_gateway(self, url: str) -> bool:
        """Tell whether a URL is one of the gateway's pages, whatever it is sent."""
        return without_query(url) in {f"{self.gateway}{row.path}" for row in ROWS}

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

    def entry_at(self, url: str) -> tuple[Row | None, Entry | None]:
        """Return the page of a link of the site, and its entry if the token can be read.

        Return None twice for any other URL. The signature is not verified.
        """
        if self.settings.url_prefix not in url or not self.is_at(url):  # of most it is soon said
            return None, None
        path, prefix = urlsplit(as_sent(url)).path, as_sent(self.prefix)
        for row in ROWS:
            begins = f"{prefix}/{row.name}/"
            if path.startswith(begins):
                with suppress(TokenError):
                    return row, read_unverified(path.removeprefix(begins))
                return row, None
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
