"""Functions that build the URLs of the extension's endpoints and check the host in these URLs."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import WSGIEnvironment

from flask import Flask, abort, current_app, has_request_context, request, url_for
from werkzeug.routing import BuildError
from werkzeug.urls import iri_to_uri

from ..errors import ConfigError, LinkError, UnknownSiteUrlError
from ..gateway.pages import GatewayPage, get_gateway_page
from ..gateway.platforms import Platform, PlatformLike
from ..gateway.values import convert_to_exact_str, format_short_repr, format_untrusted_text
from ..links.access_rules import check_link_is_usable
from ..links.members import MemberId, normalize_member_id_or_none
from ..links.tokens import Entry, build_entry
from .current import get_current_request
from .headers import get_request_state
from .log import get_caller_location, log_throttled, warn_once
from .state import AppState, is_debug_or_testing

_URL_PLACEHOLDER = "token-goes-here"
# Matches a DNS name, an IPv4 address or an IPv6 address in brackets, with an optional port. Links
# contain the host from the Host header, so a Host header that does not match is rejected.
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
    """Return the site's link to a gateway page; see :meth:`.Xiebao.link`."""
    if not state.settings.enabled:
        return ""
    gateway_page = get_gateway_page(page, LinkError)
    # The argument "page" may be an item of a string enum. Use the gateway page's own name instead,
    # because the name of an endpoint must be a plain string.
    page = gateway_page.name
    reference = strip_reference(gateway_page, reference)
    details = (page, reference, sub_partner_id, platform, return_to, client_reference)
    if gateway_page.requires_member:
        if member is None and not has_request_context():
            raise LinkError(
                f'Outside of a request, a link to the {page} page requires "member", because no'
                " member is logged in. Pass the id of the member.",
                "member",
            )
        member = (
            state.hooks.find_current_member_id()
            if member is None
            else normalize_member_id_or_none(member)
        )
        if member is None:
            return ""
    elif member is None and no_login_for is None:
        token = state.signer.get_cached_entry_token(*details)
        return build_token_url(state, f"xiebao.{page}", token, external=external)
    entry = build_entry(*details, normalize_member_id_or_none(member), no_login_for)
    return build_entry_link(state, entry, external=external)


def strip_reference(gateway_page: GatewayPage, reference: Any) -> Any:
    """Return *reference*, such as an application number, without whitespace around it.

    A reference is a case code or an application number. Databases pad the values of a ``CHAR(n)``
    column. When a link is made, the value is stripped and a warning is logged. Tokens are not
    corrected when they are opened.

    :param gateway_page: the page that the reference belongs to. Messages contain the name of its
        reference parameter.
    :raises LinkError: if the reference contains whitespace between other characters.
    """
    # Most references (case codes and application numbers) contain only letters and digits. Return
    # such a reference early, because it has no whitespace to strip. A reference that is not a
    # string is also returned unchanged, because Entry checks its type later.
    if not isinstance(reference, str) or reference.isalnum():
        return reference
    padded = convert_to_exact_str(reference)
    stripped = padded.strip()
    if len(stripped.split()) > 1:
        raise LinkError(
            f"{gateway_page.reference_parameter_name} must be a single value without whitespace,"
            f" got {format_short_repr(padded)}.",
            "reference",
        )
    if stripped in ("", padded):
        return padded
    # Warn about whitespace around references only once for each place in the site's code. Databases
    # pad all values in a CHAR(n) column, so every row would cause a warning otherwise.
    caller = get_caller_location()
    warn_once(
        f"{gateway_page.reference_parameter_name} {format_short_repr(padded)} has leading or"
        " trailing whitespace (for example from a CHAR(n) column), which was left out of the link."
        f" Strip the value in the code that reads it. See {caller}.",
        duplicate_key=f"{gateway_page.reference_parameter_name} {caller}",
    )
    return stripped


def build_entry_link(
    state: AppState, entry: Entry, *, external: bool, shown_only_to_requester: bool = False
) -> str:
    """Return the signed link of *entry*.

    :param external: True for an absolute URL, for example in a mail.
    :param shown_only_to_requester: True if only the visitor who sent the request sees the link. The
        host is not checked then, because a forged ``Host`` header would deceive only its sender.
    :raises LinkError: if the link would not be safe or cannot be built.
    """
    check_link_is_usable(entry, can_identify_members=state.hooks.can_identify_members())
    if entry.member is not None and has_request_context() and not shown_only_to_requester:
        if external:
            check_host_is_trusted(state)
        get_request_state().mark_response_private()
    # entry.page may be an item of a string enum. Endpoint names need a plain string, so use the
    # name of the gateway page.
    endpoint = f"xiebao.{get_gateway_page(entry.page).name}"
    return build_token_url(
        state, endpoint, state.signer.build_entry_token(entry), external=external
    )


def build_token_url(state: AppState, endpoint: str, token: str, *, external: bool) -> str:
    """Return the URL of an endpoint with *token* as its last part."""
    return token.join(split_url_at_token(state, endpoint, external=external))


def split_url_at_token(state: AppState, endpoint: str, *, external: bool) -> tuple[str, ...]:
    """Return the text before and after the token in the URLs of an endpoint.

    The links to a page differ only in their tokens, so the rest of the URL is cached. This saves
    20 % of the time to build a member's link, and 6 % of the time of a request for a link with
    ``return_to``.
    """
    if not external and has_request_context():
        split_urls = get_request_state().split_urls.setdefault(id(state), {})
    else:
        split_urls = state.split_public_urls if state.settings.public_url is not None else {}
    if endpoint not in split_urls:
        url = build_endpoint_url(state, endpoint, external=external, token=_URL_PLACEHOLDER)
        split_urls[endpoint] = tuple(url.split(_URL_PLACEHOLDER))
    return split_urls[endpoint]


def build_endpoint_url(
    state: AppState, endpoint: str, *, external: bool = False, **values: Any
) -> str:
    """Return the URL of one of the extension's endpoints.

    :param external: True for an absolute URL, which begins with ``XIEBAO_PUBLIC_URL`` if that is
        set. Without a request, every URL is absolute.
    :raises UnknownSiteUrlError: if there is no request and neither ``XIEBAO_PUBLIC_URL`` nor
        ``SERVER_NAME`` is set.
    """
    if has_request_context() and not external:
        return url_for(endpoint, **values)
    if state.settings.public_url is not None:
        parts = urlsplit(state.settings.public_url)
        return current_app.url_map.bind(
            parts.netloc, script_name=parts.path or "/", url_scheme=parts.scheme
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
    """Log a warning if the request's root path differs from the path of ``XIEBAO_PUBLIC_URL``.

    Return links begin with ``XIEBAO_PUBLIC_URL``. The warning is logged once for each root path.
    """
    if state.settings.public_url is None:
        return
    prefix, root = state.public_root, get_current_request().root_path.rstrip("/")
    if root == prefix:
        return
    advice = (
        "If the site is not at this URL, set XIEBAO_PUBLIC_URL to a URL that ends with the path of"
        " the site."
        if root
        else f'If links on pages lack "{prefix}", make the proxy set X-Forwarded-Prefix on every'
        " request, and trust this header with `ProxyFix(..., x_prefix=1)`."
    )
    log_throttled(
        f'A click arrived under the path "{format_untrusted_text(root) or "/"}", but'
        " XIEBAO_PUBLIC_URL is"
        f' "{state.settings.public_url}". Return links and links in emails begin with'
        f' "{state.settings.public_url}{state.settings.url_prefix}/". {advice}',
        # This warning is logged once for each root path (SCRIPT_NAME), and visitors may be able to
        # choose the root path. Therefore, these warnings belong to a group, because log_throttled()
        # limits the number of messages of a group.
        group="root",
        duplicate_key=root,
        level=logging.WARNING,
        once=True,
    )


def build_callback_url(state: AppState) -> str:
    """Return the URL to which the gateway sends notifications.

    If no setting specifies the site's URL, return only the path of this URL.
    """
    if is_site_url_configured(state):
        return build_endpoint_url(
            state, "xiebao.notify", external=True, **_get_callback_url_values(state)
        )
    return build_callback_path(state)


def build_callback_path(state: AppState) -> str:
    """Return the path to which the gateway sends notifications, without ``SCRIPT_NAME``."""
    return current_app.url_map.bind("localhost").build(
        "xiebao.notify", _get_callback_url_values(state)
    )


def _get_callback_url_values(state: AppState) -> dict[str, str]:
    token = state.settings.notify_token
    return {} if token is None else {"token": token.reveal()}


def is_valid_host(host: str) -> bool:
    """Return True if *host* is a valid host name or IP address, with or without a port."""
    match = _HOST_PATTERN.fullmatch(host)
    return match is not None and int(match[2] or 0) < 65536


def get_site_host(state: AppState) -> str:
    """Return the host of ``XIEBAO_PUBLIC_URL``, or the request's host if that is not set.

    Return "" if the request's host is invalid.
    """
    if state.settings.public_url is not None:
        return urlsplit(state.settings.public_url).netloc
    return request.host if is_valid_host(request.host) else ""


def get_host_for_internal_requests() -> str:
    """Return the host to use when the extension itself sends a request to the app.

    The app must accept this host. Therefore the host is the first valid name in ``TRUSTED_HOSTS``,
    or else ``SERVER_NAME``, or else ``localhost``.

    :raises ConfigError: if ``TRUSTED_HOSTS`` is set but contains no valid host name.
    """
    # Error reports show local variables, so the config, which contains secret keys, is not stored
    # in a local variable.
    trusted = current_app.config.get("TRUSTED_HOSTS")
    if not trusted:
        return str(current_app.config["SERVER_NAME"] or "localhost")
    hosts = [trusted] if isinstance(trusted, str) else trusted
    for host in hosts if isinstance(hosts, Collection) else ():
        # TRUSTED_HOSTS may contain values that are not host names. Skip them.
        with contextlib.suppress(AttributeError, TypeError, UnicodeError):
            # In TRUSTED_HOSTS, a leading dot means that all subdomains are trusted, too.
            name: str = host.lstrip(".").encode("idna").decode()
            if is_valid_host(name):
                return name
    raise ConfigError.about(
        "TRUSTED_HOSTS", 'must be a list with at least one valid host name, such as "shop.example".'
    )


def check_host_is_trusted(state: AppState) -> None:
    """Raise an error if a client could choose the host in absolute links.

    :raises LinkError: if links would contain the ``Host`` header, which any client can forge.
    """
    if not is_link_host_trusted(state):
        raise LinkError(
            "An absolute link cannot be built from the Host header, because any client can forge"
            " this header. Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS.",
            "external",
        )


def is_link_host_trusted(state: AppState) -> bool:
    """Return True if the host in absolute links can be trusted.

    The host is trusted if the settings specify or restrict it, because a client cannot forge it
    then. In debug and testing mode, any host is trusted.
    """
    return is_debug_or_testing() or is_site_url_configured(state) or are_trusted_hosts_enforced()


def is_site_url_configured(state: AppState) -> bool:
    """Return True if ``XIEBAO_PUBLIC_URL`` or ``SERVER_NAME`` is set."""
    return bool(state.settings.public_url or current_app.config["SERVER_NAME"])


def are_trusted_hosts_enforced() -> bool:
    """Return True if the app accepts only requests for the hosts in ``TRUSTED_HOSTS``."""
    # Flask added TRUSTED_HOSTS in version 3.1. Older versions ignore this setting.
    return "TRUSTED_HOSTS" in Flask.default_config and bool(current_app.config["TRUSTED_HOSTS"])


def build_current_link_path(**query: Any) -> str:
    """Return the path and query string of the link that the current request is for.

    :param query: the parameters of the query string. By default, it contains the platform of the
        current request's ``?platform=``. None as a value leaves out the parameter.
    """
    platform = find_requested_platform(request.environ)
    query = {"platform": None if platform is None else platform.slug, **query}
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)


def find_requested_platform(environ: WSGIEnvironment) -> Platform | None:
    """Return the platform that ``?platform=`` in a request specifies, or None."""
    # request.args is not used, because it raises an error if the query string is not valid UTF-8.
    query = environ.get("QUERY_STRING")
    # Most requests for links have no query string, so call parse_qs() only if there is one.
    name, *_ = parse_qs(query, errors="replace").get("platform", [""]) if query else [""]
    return _PLATFORMS_BY_SLUG.get(name)


def build_login_url(login_view: str) -> str:
    """Return the URL of the login view, with the path of the current link as ``next``.

    :raises ConfigError: if no URL can be built for the endpoint *login_view*.
    """
    try:
        return url_for(login_view, next=build_current_link_path())
    except BuildError:
        raise ConfigError.about(
            "XIEBAO_LOGIN_VIEW",
            f"is {login_view!r}, but no URL can be built for this endpoint. Set it to the endpoint"
            ' of a view without arguments. Run "flask routes" to list the endpoints.',
        ) from None


def prepend_root_path(url: str) -> str:
    """Add the app's root path to *url* if *url* is a path. Return any other URL unchanged.

    The gateway URL is a path of this site if ``XIEBAO_BASE_URL`` is a path.
    """
    return iri_to_uri(request.root_path) + url if url.startswith("/") else url
