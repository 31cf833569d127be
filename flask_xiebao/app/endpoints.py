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

from ..errors import ConfigError, LinkError, NowhereError
from ..gateway.pages import Page, page_named
from ..gateway.platforms import AnyPlatform, Platform
from ..gateway.values import plain_text, quoted, shown
from ..links.admission import check_can_be_followed
from ..links.members import MemberId, normalize_member
from ..links.tokens import Entry, make_entry
from .current import this_request
from .headers import request_state
from .log import complain, find_caller, warn_once
from .state import State, is_in_development

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PLACE = "token-goes-here"
# A name of the DNS or an IPv6 address, and a port. Whatever else a Host says would go into a link.
_HOST = re.compile(r"([a-z0-9_.-]{1,253}|\[[a-f0-9:.]{2,45}\])(?::([0-9]{1,5}))?", re.IGNORECASE)

_PLATFORMS: Mapping[str, Platform] = {platform.slug: platform for platform in Platform}


def link(
    state: State,
    page: str,
    reference: str | int | None = None,
    *,
    member: MemberId | None = None,
    sub_partner_id: str | None = None,
    platform: AnyPlatform | None = None,
    return_to: str | None = None,
    no_login_for: int | None = None,
    client_reference: str | int | None = None,
    external: bool = False,
) -> str:
    """Return the local link to a page of the gateway; see :meth:`.Xiebao.link`."""
    if not state.settings.enabled:
        return ""
    row = page_named(page, LinkError)
    page = row.name  # an enum may be text
    reference = without_padding(row, reference)
    details = (page, reference, sub_partner_id, platform, return_to, client_reference)
    if row.members_own:
        if member is None and not has_request_context():
            raise LinkError(
                f'Outside of a request, a link to the {page} page requires "member", because no'
                " member is logged in. Pass the id of the member.",
                "member",
            )
        member = state.hooks.current_member() if member is None else normalize_member(member)
        if member is None:
            return ""
    elif member is None and no_login_for is None:
        token = state.signer.dumps_shared(*details)
        return token_url(state, f"xiebao.{page}", token, external=external)
    entry = make_entry(*details, normalize_member(member), no_login_for)
    return entry_url(state, entry, external=external)


def without_padding(page: Page, reference: Any) -> Any:
    """Return a case code or application number without white space at its ends.

    Columns of the type ``CHAR(n)`` pad every row. Only links that are made are mended so, not
    tokens that are opened.

    :raises LinkError: there is white space in it.
    """
    # Nearly all references contain only letters and digits. Entry checks values of other types.
    if not isinstance(reference, str) or reference.isalnum():
        return reference
    given = plain_text(reference)
    text = given.strip()
    if len(text.split()) > 1:
        raise LinkError(
            f"{page.reference} must be a single value without whitespace, got {shown(given)}.",
            "reference",
        )
    if text in ("", given):
        return given
    # One example for each place: a column pads every row.
    place = find_caller()
    warn_once(
        f"{page.reference} {shown(given)} has leading or trailing whitespace, for example the"
        " padding of a CHAR(n) column, and the link was made without this whitespace. Strip the"
        f" value where it is read. See {place}.",
        like=f"{page.reference} {place}",
    )
    return text


def entry_url(state: State, entry: Entry, *, external: bool, asker_only: bool = False) -> str:
    """Return the signed link of *entry*.

    :param external: make an absolute URL, for a link that leaves the site.
    :param asker_only: the link is shown to nobody but whoever sent the request, so a forged Host
        header would fool only its forger.
    :raises LinkError: when the link would not be safe, or cannot be built.
    """
    check_can_be_followed(entry, members_are_known=state.hooks.members_are_known())
    if entry.member is not None and has_request_context() and not asker_only:
        if external:
            check_host(state)
        request_state().mark_private()
    endpoint = f"xiebao.{page_named(entry.page).name}"  # an enum may be text
    return token_url(state, endpoint, state.signer.dumps(entry), external=external)


def token_url(state: State, endpoint: str, token: str, *, external: bool) -> str:
    """Return the URL of one of the endpoints that take a token."""
    return token.join(url_parts(state, endpoint, external=external))


def url_parts(state: State, endpoint: str, *, external: bool) -> tuple[str, ...]:
    """Return the text before and after the token in the URLs of an endpoint.

    The links to a page differ only in their tokens. Building each by Flask's rules would take 20 %
    of a member's link, and 6 % of a click with ``return_to``.
    """
    if not external and has_request_context():
        known = request_state().url_parts.setdefault(id(state), {})
    else:
        known = state.public_url_parts if state.settings.public_url is not None else {}
    if endpoint not in known:
        url = endpoint_url(state, endpoint, external=external, token=_PLACE)
        known[endpoint] = tuple(url.split(_PLACE))
    return known[endpoint]


def endpoint_url(state: State, endpoint: str, *, external: bool = False, **values: Any) -> str:
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
            raise NowhereError(
                "A link cannot be made outside of a request, because the URL of the site is not"
                ' known. Set XIEBAO_PUBLIC_URL, for example to "https://shop.example".'
            )
        if not is_host(request.host):
            abort(400, "The Host header of this request is not a valid host name.")
    return url_for(endpoint, _external=True, **values)


def tell_of_another_root(state: State) -> None:
    """Warn, once for each path, of clicks that come under another one than payments return to."""
    if state.settings.public_url is None:
        return
    public, root = state.public_root, this_request().root_path.rstrip("/")
    if root == public:
        return
    advice = (
        "If the site is not at this URL, set XIEBAO_PUBLIC_URL to a URL that ends with the path of"
        " the site."
        if root
        else f'If links on pages lack "{public}", make the proxy set X-Forwarded-Prefix on every'
        " request, and trust this header with `ProxyFix(..., x_prefix=1)`."
    )
    complain(
        f'A click arrived under the path "{quoted(root) or "/"}", but XIEBAO_PUBLIC_URL is'
        f' "{state.settings.public_url}". Return links and links in mails begin with'
        f' "{state.settings.public_url}{state.settings.url_prefix}/". {advice}',
        about="root",  # which anybody may be able to send
        like=root,
        level=logging.WARNING,
        once=True,
    )


def notify_url(state: State) -> str:
    """Return the URL of notifications; only its path where no setting says where the site is."""
    if knows_its_address(state):
        return endpoint_url(state, "xiebao.notify", external=True, **_notify_token(state))
    return notify_path(state)


def notify_path(state: State) -> str:
    """Return the path of notifications, as the app sees it."""
    return current_app.url_map.bind("localhost").build("xiebao.notify", _notify_token(state))


def _notify_token(state: State) -> dict[str, str]:
    token = state.settings.notify_token
    return {} if token is None else {"token": token.reveal()}


def is_host(host: str) -> bool:
    """Tell whether a Host header, or a setting, is the name of a host, with or without a port."""
    match = _HOST.fullmatch(host)
    return match is not None and int(match[2] or 0) < 65536


def site_host(state: State) -> str:
    """Return the host of this site as visitors know it; "" where the request makes one up."""
    if state.settings.public_url is not None:
        return urlsplit(state.settings.public_url).netloc
    return request.host if is_host(request.host) else ""


def a_host_of_this_site() -> str:
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
            if is_host(name):
                return name
    raise ConfigError.about(
        "TRUSTED_HOSTS", 'must be a list with at least one valid host name, such as "shop.example".'
    )


def check_host(state: State) -> None:
    """Make sure that a link which leaves the site leads back to it.

    :raises LinkError: when it would be built on what anybody can send.
    """
    if not host_is_trusted(state):
        raise LinkError(
            "An absolute link cannot be built from the Host header, because any client can forge"
            " this header. Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS.",
            "external",
        )


def host_is_trusted(state: State) -> bool:
    """Tell whether the host of links can be trusted: not every request may choose it."""
    return is_in_development() or knows_its_address(state) or trusts_hosts()


def knows_its_address(state: State) -> bool:
    """Tell whether a setting says where the site is."""
    return bool(state.settings.public_url or current_app.config["SERVER_NAME"])


def trusts_hosts() -> bool:
    """Tell whether the current app refuses requests for a host that it does not name."""
    # Flask checks it since the version that has the setting.
    return "TRUSTED_HOSTS" in Flask.default_config and bool(current_app.config["TRUSTED_HOSTS"])


def this_link(**query: Any) -> str:
    """Return the path of the link that is being followed, by default with its ``?platform=``."""
    platform = asked_platform(request.environ)
    query = {"platform": None if platform is None else platform.slug, **query}
    return url_for(request.endpoint or "", **(request.view_args or {}), **query)


def asked_platform(environ: WSGIEnvironment) -> Platform | None:
    """Return the ``?platform=`` of a request if it names one."""
    # Not request.args, which fails where a query is not UTF-8.
    query = environ.get("QUERY_STRING")  # most clicks have none
    name, *_ = parse_qs(query, errors="replace").get("platform", [""]) if query else [""]
    return _PLATFORMS.get(name)


def login_url(login_view: str) -> str:
    """Return the URL of the login that comes back to the link being followed.

    :raises ConfigError: when there is no such login.
    """
    try:
        return url_for(login_view, next=this_link())
    except BuildError:
        raise ConfigError.about(
            "XIEBAO_LOGIN_VIEW",
            f"is {login_view!r}, but no URL can be built for this endpoint. Use the endpoint of a"
            ' view that requires no arguments, for example "auth.login".',
        ) from None


def from_root(url: str) -> str:
    """Return a URL as browsers need it: ``XIEBAO_BASE_URL`` may be a path of this site."""
    return iri_to_uri(request.root_path) + url if url.startswith("/") else url
