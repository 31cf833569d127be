"""A site with the settings that are in force, and where its entries have to lead."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache, cached_property, partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.urls import iri_to_uri

from ..app.state import AppState
from ..errors import TokenError
from ..gateway.platforms import Platform
from ..gateway.values import KEY_PREFIX_LENGTH, Secret
from ..links.members import MemberKeyCodec
from ..links.tokens import Entry, parse_token_without_verifying
from ..simulator import wire
from ..simulator.document import PAGE_SPECS, Account, PageSpec, build_api_key_pattern
from .visits import call_in_request_context

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

    def __init__(self, app: Flask, state: AppState, url: str, mount: str) -> None:
        settings = state.settings
        parts = urlsplit(url)
        self.app = app
        self.state = state
        self.settings = settings
        self.url = url
        self.mount = mount
        self.root_path = parts.path
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.endpoint_prefix = f"{self.root_path}{settings.url_prefix}"
        self.external_url = encode_url_like_browser(settings.public_url or url).rstrip("/")
        self.gateway_root_url = self._normalize_gateway_url(settings.gateway_base_url.rstrip("/"))
        self.member: str | None = None
        self.member_ids: set[str] = set()
        sign = Secret(wire.compute_signature(settings.api_key, settings.partner_id))
        self.account = Account(settings.partner_id, sign)
        self.has_member_secret = settings.member_secret is not None
        self._key_forms = settings.api_key.map(build_api_key_pattern)
        self._keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        #: Returns the URL to which a member's click on an entry leads, without ``paySuccess``. The
        #: site's ``keeps_plain_key`` is called only once for the same click.
        self.get_gateway_url = cache(self._build_uncached_gateway_url)

    def _normalize_gateway_url(self, url: str) -> str:
        """Return a URL of the gateway as browsers send it; it may be a path of this site."""
        return encode_url_like_browser(url if "://" in url else f"{self.root_path}{url}")

    def _build_uncached_gateway_url(self, entry: Entry, member: str, platform: str) -> str:
        make = partial(self.state.build_gateway_url, entry, member, Platform(int(platform)))
        return self._normalize_gateway_url(
            call_in_request_context(self.app, make, base_url=f"{self.url}/")
        )

    def mask_api_key(self, text: str) -> str:
        """Return a text without the API key."""
        return self._key_forms.reveal().sub("…", text)

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

    def find_locale_independent_text(self, key: str) -> str | None:
        """Return what a visitor reads; None where that is another text for each visitor."""
        return None if self.state.can_locale_change else self.state.get_visitor_text(key)

    def has_custom_template(self, *names: str) -> bool:
        """Tell whether one of the extension's templates is the site's own: ``notice``, say."""
        environment = self.app.jinja_env
        if environment.loader is None:
            return False
        sources = (f"xiebao/{name}.html" for name in names)
        files = [environment.loader.get_source(environment, each)[1] for each in sources]
        return not all(Path(file or "").is_relative_to(_PACKAGE) for file in files)

    def get_member_key_prefix(self, member: str) -> str:
        """Return the characters before the id in a member's key. Only the site can make them."""
        return self._keys.build_member_key(member)[:KEY_PREFIX_LENGTH]

    def is_gateway_page(self, url: str) -> bool:
        """Tell whether a URL is one of the gateway's pages, whatever it is sent."""
        return strip_query(url) in {f"{self.gateway_root_url}{row.path}" for row in PAGE_SPECS}

    def is_site_host(self, url: str) -> bool:
        """Tell whether a URL is one of the site's, by its host."""
        return (
            is_parsable_url(url)
            and urlsplit(encode_url_like_browser(url)).netloc in self._site_hosts
        )

    def is_site_url(self, url: str) -> bool:
        """Tell whether a URL is one of the site's, below the path where the site is."""
        return self.is_site_host(
            url
        ) and f"{urlsplit(encode_url_like_browser(url)).path}/".startswith(
            f"{encode_url_like_browser(self.root_path)}/"
        )

    @cached_property
    def _site_hosts(self) -> set[str]:
        """By what the site is asked: inside, and by everybody else."""
        return {
            urlsplit(encode_url_like_browser(known)).netloc
            for known in (self.url, self.external_url)
        }

    def find_page_spec_and_entry(self, url: str) -> tuple[PageSpec | None, Entry | None]:
        """Return the page of a link of the site, and its entry if the token can be read.

        Return None twice for any other URL. The signature is not verified.
        """
        if self.settings.url_prefix not in url or not self.is_site_host(
            url
        ):  # of most it is soon said
            return None, None
        path, prefix = (
            urlsplit(encode_url_like_browser(url)).path,
            encode_url_like_browser(self.endpoint_prefix),
        )
        for row in PAGE_SPECS:
            begins = f"{prefix}/{row.name}/"
            if path.startswith(begins):
                with suppress(TokenError):
                    return row, parse_token_without_verifying(path.removeprefix(begins))
                return row, None
        return None, None


def is_parsable_url(text: str) -> bool:
    """Tell whether a text is a URL, or a part of one, of which the parts can be told."""
    try:
        urlsplit(text).port  # noqa: B018 - it is looked at when it is asked for
        iri_to_uri(text)  # and its host here
    except ValueError:
        return False
    return True


def resolve_link(page_url: str, href: str) -> str:
    """Return to where a link of a page leads; what makes no sense is returned as it is."""
    return urljoin(page_url, href) if is_parsable_url(href) and is_parsable_url(page_url) else href


def strip_query(url: str) -> str:
    """Return a URL as far as its path, also one that makes no sense."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def encode_url_like_browser(url: str) -> str:
    """Return a URL as browsers send it: in ASCII, its scheme and host in lower case.

    What makes no sense is returned as it is.
    """
    if not is_parsable_url(url):
        return url
    parts = urlsplit(iri_to_uri(url))
    return parts._replace(netloc=parts.netloc.lower()).geturl()
