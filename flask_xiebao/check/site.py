"""The site that is checked: its URLs, its secrets and the expected targets of its entries."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache, partial
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
from ..simulator.document import PAGE_SPECS, PageSpec, PartnerAccount, build_api_key_pattern
from .visits import call_in_request_context

_PACKAGE = Path(__file__).parents[1]


class Site:
    """The site that is checked, described by the settings that the extension uses.

    :param app: The site's app.
    :param state: The extension's state of that app.
    :param url: The scheme, the host and the path below which the site is mounted.
    :param mount: The part of that path that the server removes from a request's path.

    :ivar gateway_root_url: The URL below which the gateway's pages are, or their path on this site
        from the server's root.
    :ivar endpoint_prefix: The path of the extension's endpoints, from the server's root.
    :ivar external_url: The beginning of absolute links to the site, for example in mails.
    :ivar member: The id of the site's member who clicks, or None for a placeholder member.
    :ivar member_ids: The ids of all known members, placeholder members included.
    :ivar account: The site's account at Xiebao.
    :ivar has_member_secret: True if members have keys that only the site can build.
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
        # The site's hosts: the host to which the check sends its requests, and the host in the
        # site's absolute links.
        self._hosts = {
            urlsplit(encode_url_like_browser(each)).netloc for each in (url, self.external_url)
        }
        # The domain whose subdomains the app serves, or None.
        self._server_name = app.config["SERVER_NAME"] if app.subdomain_matching else None
        self.gateway_root_url = self._normalize_gateway_url(settings.gateway_base_url.rstrip("/"))
        self.member: str | None = None
        self.member_ids: set[str] = set()
        sign = Secret(wire.compute_signature(settings.api_key, settings.partner_id))
        self.account = PartnerAccount(settings.partner_id, sign)
        self.has_member_secret = settings.member_secret is not None
        self._api_key_pattern = settings.api_key.map(build_api_key_pattern)
        self._member_keys = MemberKeyCodec(settings.member_secret, settings.partner_id)
        #: A function that returns the gateway URL for a member's click on an entry, without the
        #: ``paySuccess`` parameter. The function caches the URL, so that it calls the site's hook
        #: ``keeps_plain_key`` only once for the same click.
        self.get_gateway_url = cache(self._build_uncached_gateway_url)

    def _normalize_gateway_url(self, url: str) -> str:
        """Return a gateway URL as browsers send it.

        If it is a path on this site, put the site's root path before it.
        """
        return encode_url_like_browser(url if "://" in url else f"{self.root_path}{url}")

    def _build_uncached_gateway_url(self, entry: Entry, member: str, platform: str) -> str:
        build = partial(self.state.build_gateway_url, entry, member, Platform(int(platform)))
        return self._normalize_gateway_url(
            call_in_request_context(self.app, build, base_url=f"{self.url}/")
        )

    def mask_api_key(self, text: str) -> str:
        """Return a text with the API key replaced."""
        return self._api_key_pattern.reveal().sub("…", text)

    @property
    def has_login(self) -> bool:
        """True if the site has a login to which visitors can be sent."""
        manager = getattr(self.app, "login_manager", None)
        return self.settings.login_view is not None or (
            manager is not None
            and bool(
                manager.login_view or manager.blueprint_login_views or manager.unauthorized_callback
            )
        )

    def find_locale_independent_text(self, key: str) -> str | None:
        """Return the text with this key, or None if the text's language depends on the visitor."""
        return (
            None
            if self.state.can_locale_change_within_request
            else self.state.get_visitor_text(key)
        )

    def has_custom_template(self, *names: str) -> bool:
        """Return True if the site overrides any of the named templates, such as ``notice``."""
        environment = self.app.jinja_env
        if environment.loader is None:
            return False
        templates = (f"xiebao/{name}.html" for name in names)
        files = [environment.loader.get_source(environment, each)[1] for each in templates]
        return not all(Path(file or "").is_relative_to(_PACKAGE) for file in files)

    def get_member_key_prefix(self, member: str) -> str:
        """Return the characters that precede a member's id in the ``partnerUniqKey`` parameter.

        Only the site can compute them.
        """
        return self._member_keys.build_member_key(member)[:KEY_PREFIX_LENGTH]

    def is_gateway_page(self, url: str) -> bool:
        """Return True if a URL leads to a gateway page. The query is ignored."""
        return strip_query(url) in {f"{self.gateway_root_url}{spec.path}" for spec in PAGE_SPECS}

    def has_site_host(self, url: str) -> bool:
        """Return True if the host of a URL is the site's, or a subdomain that the app serves."""
        if not is_parsable_url(url):
            return False
        host, server_name = urlsplit(encode_url_like_browser(url)).netloc, self._server_name
        has_subdomain = server_name is not None and host.endswith(f".{server_name}")
        return host in self._hosts or has_subdomain

    def has_subdomain_host(self, url: str) -> bool:
        """Return True if the host of a URL is a subdomain of the site that the app serves."""
        netloc = urlsplit(encode_url_like_browser(url)).netloc
        return self.has_site_host(url) and netloc not in self._hosts

    def is_site_url(self, url: str) -> bool:
        """Return True if a URL has the site's host and is below the site's root path."""
        return self.has_site_host(
            url
        ) and f"{urlsplit(encode_url_like_browser(url)).path}/".startswith(
            f"{encode_url_like_browser(self.root_path)}/"
        )

    def find_page_spec_and_entry(self, url: str) -> tuple[PageSpec | None, Entry | None]:
        """Return the gateway page to which a link of the site leads, and the link's entry.

        The entry is None if the token cannot be parsed. Return None twice for any other URL. The
        signature is not verified.
        """
        # Look for the URL prefix of the extension's links first, because this test is quick and
        # excludes most URLs.
        if self.settings.url_prefix not in url or not self.has_site_host(url):
            return None, None
        path, prefix = (
            urlsplit(encode_url_like_browser(url)).path,
            encode_url_like_browser(self.endpoint_prefix),
        )
        for page_spec in PAGE_SPECS:
            link_prefix = f"{prefix}/{page_spec.name}/"
            if path.startswith(link_prefix):
                with suppress(TokenError):
                    return page_spec, parse_token_without_verifying(path.removeprefix(link_prefix))
                return page_spec, None
        return None, None


def is_parsable_url(text: str) -> bool:
    """Return True if a text can be parsed as an absolute or relative URL."""
    try:
        urlsplit(text).port  # noqa: B018 - Reading the port checks it.
        iri_to_uri(text)  # This checks the host.
    except ValueError:
        return False
    return True


def resolve_link(page_url: str, href: str) -> str:
    """Return the absolute URL of a link on a page.

    Return the href unchanged if it or the URL of the page cannot be parsed.
    """
    return urljoin(page_url, href) if is_parsable_url(href) and is_parsable_url(page_url) else href


def strip_query(url: str) -> str:
    """Return a URL without its query and fragment, even if it cannot be parsed."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def encode_url_like_browser(url: str) -> str:
    """Return a URL as browsers send it: in ASCII, with its scheme and host in lower case.

    Return the URL unchanged if it cannot be parsed.
    """
    if not is_parsable_url(url):
        return url
    parts = urlsplit(iri_to_uri(url))
    return parts._replace(netloc=parts.netloc.lower()).geturl()
