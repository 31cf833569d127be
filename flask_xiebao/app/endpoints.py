"""The URLs of the extension's endpoints, and whether their host can be trusted."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, abort, current_app, has_request_context, request, url_for
from werkzeug.routing import BuildError
from werkzeug.urls import iri_to_uri

from ..errors import ConfigError, LinkError, UnknownSiteUrlError
from ..gateway.pages import Page, get_gateway_page
from ..gateway.platforms import Platform, PlatformLike
from ..gateway.values import format_short_repr, format_untrusted_text, get_plain_string
from ..links.access_rules import check_link_is_usable
from ..links.members import MemberId, normalize_member
from ..links.tokens import Entry, build_entry
from .current import get_current_request
from .headers import get_request_state
from .log import get_caller_location, log_throttled, warn_once
from .state import AppState, is_debug_or_testing

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_URL_PLACEHOLDER = "token-goes-here"
# A name of the DNS or an IPv6 address, and a port. Whatever else a Host says would go into a link.
_HOST_PATTERN = re.compile(
    r"([a-z0-9_.-]{1,253}|\[[a-f0-9:.]{2,45}\])(?::([0-9]{1,5}))?", re.IGNORECASE
)

_PLATFORMS_BY_SLUG: Mapping[str, Platform] = {platform.slug: platform for platform in Platform}


def build_link(
    state: AppState,
    page: str,
    reference: str | int | None = None,
    *,
    member: MemberId | None = None,
    sub_partner_id: str | None = None,
    platform: PlatformLike | None = None,
    return_to: str | None = None,
    no_login_for: int | None = None,
    client_reference: str | int | None = None,
    external: bool = False,
) -> str:
    """Return the local link to a page of the gateway; see :meth:`.Xiebao.link`."""
    if not state.settings.enabled:
        return ""
    row = get_gateway_page(page, LinkError)
    page = row.name  # an enum may be text
    reference = strip_reference(row, reference)
    details = (page, reference, sub_partner_id, platform, return_to, client_reference)
    if row.requires_member:
        if member is None and not has_request_context():
            raise LinkError(
                f'Outside of a request, a link to the {page} page requires "member", because no'
                " member is logged in. Pass the id of the member.",
                "member",
            )
        member = (
            state.hooks.find_current_member_id() if member is None else normalize_member(member)
        )
        if member is None:
            return ""
    elif member is None and no_login_for is None:
        token = state.signer.get_cached_entry_token(*details)
        return build_token_url(state, f"xiebao.{page}", token, external=external)
    entry = build_entry(*details, normalize_member(member), no_login_for)
    return build_entry_link(state, entry, external=external)


def strip_reference(gateway_page: Page, reference: Any) -> Any:
    """Return a case code or application number without white space at its ends.

    Columns of the type ``CHAR(n)`` pad every row. Only links that are made are mended so, not
    tokens that are opened.

    :raises LinkError: there is white space in it.
    """
    # Nearly all references contain only letters and digits. Entry checks values of other types.
    if not isinstance(reference, str) or reference.isalnum():
        return reference
    given = get_plain_string(reference)
    text = given.strip()
    if len(text.split()) > 1:
        raise LinkError(
            f"{gateway_page.reference_parameter_name} must be a single value without whitespace,"
            f" got {format_short_repr(given)}.",
            "reference",
        )
    if text in ("", given):
        return given
    # One example for each place: a column pads every row.
    place = get_caller_location()
    warn_once(
        f"{gateway_page.reference_parameter_name} {format_short_repr(given)} has leading or"
        " trailing whitespace, for example the"
        " padding of a CHAR(n) column, and the link was made without this whitespace. Strip the"
        f" value where it is read. See {place}.",
        duplicate_key=f"{gateway_page.reference_parameter_name} {place}",
    )
    return text


def build_entry_link(
    state: AppState, entry: Entry, *, external: bool, shown_only_to_requester: bool = False
) -> str:
    """Return the signed link of *entry*.

    :param external: make an absolute URL, for a link that leaves the site.
    :param asker_only: the link is shown to nobody but whoever sent the request, so a forged Host
        header would fool only its forger.
    :raises LinkError: when the link would not be safe, or cannot be built.
    """
    check_link_is_usable(entry, can_identify_members=state.hooks.can_identify_members())
    if entry.member is not None and has_request_context() and not shown_only_to_requester:
        if external:
            check_host_is_trusted(state)
        get_request_state().mark_private()
    endpoint = f"xiebao.{get_gateway_page(entry.page).name}"  # an enum may be text
    return build_token_url(
        state, endpoint, state.signer.build_entry_token(entry), external=external
    )


def build_token_url(state: AppState, endpoint: str, token: str, *, external: bool) -> str:
    """Return the URL of one of the endpoints that take a token."""
    return token.join(split_url_at_token(state, endpoint, external=external))


def split_url_at_token(state: AppState, endpoint: str, *, external: bool) -> tuple[str, ...]:
    """Return the text before and after the token in the URLs of an endpoint.

    The links to a page differ only in their tokens. Building each by Flask's rules would take 20 %
    of a member's link, and 6 % of a click with ``return_to``.
    """
    if not external and has_request_context():
        known = get_request_state().split_urls.setdefault(id(state), {})
    else:
        known = state.split_public_urls if state.settings.public_url is not None else {}
    if endpoint not in known:
        url = build_endpoint_url(state, endpoint, external=external, token=_URL_PLACEHOLDER)
        known[endpoint] = tuple(url.split(_URL_PLACEHOLDER))
    return known[endpoint]


def build_endpoint_url(
    state: AppState, endpoint: str, *, external: bool = False, **values: Any
) -> str:
    """Return the URL of one of the extension's endpoints.

    :param external: make it absolute, on ``XIEBAO_PUBLIC_URL`` if that is set. Without a request
        every URL is.
    :raises NowhereError: when there is no request and no setting says where the site is.
    """
    if has_request_context() and not external:
        return url_for(endpoint, **values)
    if state.settings.public_url is not None:
        public = urlsplit(state.settings.public_url)
        return current_app.url_map.bind(
            public.netloc, script_name=public.path or "/", url_scheme=public.scheme
        ).build(endpoint, values, force_external=True)
    if not current_app.config["SERVER_NAME"]:
        if not has_request_context():
            raise UnknownSiteUrlError(
                "A link cannot be made outside of a request, because the URL of the site is not"
                ' known. Set XIEBAO_PUBLIC_URL, for example to "https://shop.example".'
            )
        if not is_valid_host(request.host):
            abort(400, "The Host header of this request is not a valid host name.")
    return url_for(endpoint, _external=True, **values)


def warn_if_root_path_differs(state: AppState) -> None:
    """Warn, once for each path, of clicks that come under another one than payments return to."""
    if state.settings.public_url is None:
        return
    public, root = state.public_root, get_current_request().root_path.rstrip("/")
    if root == public:
        return
    advice = (
        "If the site is not at this URL, set XIEBAO_PUBLIC_URL to a URL that ends with the path of"
        " the site."
        if root
        else f'If links on pages lack "{public}", make the proxy set X-Forwarded-Prefix on every'
        " request, and trust this header with `ProxyFix(..., x_prefix=1)`."
    )
    log_throttled(
        f'A click arrived under the path "{format_untrusted_text(root) or "/"}", but'
        " XIEBAO_PUBLIC_URL is"
        f' "{state.settings.public_url}". Return links and links in mails begin with'
        f' "{state.settings.public_url}{state.settings.url_prefix}/". {advice}',
        group="root",  # which anybody may be able to send
        duplicate_key=root,
        level=logging.WARNING,
        once=True,
    )


def build_notify_url(state: AppState) -> str:
    """Return the URL of notifications; only its path where no setting says where the site is."""
    if is_site_url_configured(state):
        return build_endpoint_url(
            state, "xiebao.notify", external=True, **_get_notify_url_values(state)
        )
    return build_notify_path(state)


def build_notify_path(state: AppState) -> str:
    """Return the path of notifications, as the app sees it."""
    return current_app.url_map.bind("localhost").build(
        "xiebao.notify", _get_notify_url_values(state)
    )


def _get_notify_url_values(state: AppState) -> dict[str, str]:
    token = state.settings.notify_token
    return {} if token is None else {"token": token.reveal()}


def is_valid_host(host: str) -> bool:
    """Tell whether a Host header, or a setting, is the name of a host, with or without a port."""
    match = _HOST_PATTERN.fullmatch(host)
    return match is not None and int(match[2] or 0) < 65536


def find_site_host(state: AppState) -> str:
    """Return the host of this site as visitors know it; "" where the request makes one up."""
    if state.settings.public_url is not None:
        return urlsplit(state.settings.public_url).netloc
    return request.host if is_valid_host(request.host) else ""


def get_configured_host() -> str:
    """Return a host for a request to this site.

    :raises ConfigError: when ``TRUSTED_HOSTS`` names none.
    """
    # No variable holds the config, and with it the keys: an error report would show it.
    trusted = current_app.config.get("TRUSTED_HOSTS")
    if not trusted:
        return str(current_app.config["SERVER_NAME"] or "localhost")
    hosts = [trusted] if isinstance(trusted, str) else trusted
    for host in hosts if isinstance(hosts, Collection) else ():
        with contextlib.suppress(AttributeError, TypeError, UnicodeError):  # not a host's name
            # A dot at the beginning stands for subdomains.
            name: str = host.lstrip(".").encode("idna").decode()
            if is_valid_host(name):
                return name
    raise ConfigError.about(
        "TRUSTED_HOSTS", 'must be a list with at least one valid host name, such as "shop.example".'
    )


def check_host_is_trusted(state: AppState) -> None:
    """Make sure that a link which leaves the site leads back to it.

    :raises LinkError: when it would be built on what anybody can send.
    """
    if not is_host_trusted(state):
        raise LinkError(
            "An absolute link cannot be built from the Host header, because any client can forge"
            " this header. Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS.",
            "external",
        )


def is_host_trusted(state: AppState) -> bool:
    """Tell whether the host of links can be trusted: not every request may choose it."""
    return is_debug_or_testing() or is_site_url_configured(state) or are_trusted_hosts_enforced()


def is_site_url_configured(state: AppState) -> bool:
    """Tell whether a setting says where the site is."""
    return bool(state.settings.public_url or current_app.config["SERVER_NAME"])


def are_trusted_hosts_enforced() -> bool:
    """Tell whether the current app refuses requests for a host that it does not name."""
    # Flask checks it since the version that has the setting.
    return "TRUSTED_HOSTS" in Flask.default_config and bool(current_app.config["TRUSTED_HOSTS"])


def build_current_link_path(**query: Any) -> str:
    """Return the path of the link that is being followed, by default with its ``?platform=``."""
    platform = find_requested_platform(request.environ)
    query = {"platform": None if platform is None else platform.slug, **query}
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)


def find_requested_platform(environ: WSGIEnvironment) -> Platform | None:
    """Return the ``?platform=`` of a request if it names one."""
    # Not request.args, which fails where a query is not UTF-8.
    query = environ.get("QUERY_STRING")  # most clicks have none
    name, *_ = parse_qs(query, errors="replace").get("platform", [""]) if query else [""]
    return _PLATFORMS_BY_SLUG.get(name)


def build_login_url(login_view: str) -> str:
    """Return the URL of the login that comes back to the link being followed.

    :raises ConfigError: when there is no such login.
    """
    try:
        return url_for(login_view, next=build_current_link_path())
    except BuildError:
        raise ConfigError.about(
            "XIEBAO_LOGIN_VIEW",
            f"is {login_view!r}, but no URL can be built for this endpoint. Use the endpoint of a"
            ' view that requires no arguments, for example "auth.login".',
        ) from None


def prepend_root_path(url: str) -> str:
    """Return a URL as browsers need it: ``XIEBAO_BASE_URL`` may be a path of this site."""
    return iri_to_uri(request.root_path) + url if url.startswith("/") else url
