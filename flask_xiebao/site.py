"""What one app has: its settings, gateway, signer and members, and the links that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, abort, current_app, has_request_context, request, url_for

from .config import ENVIRONMENTS, Settings
from .errors import ConfigError, LinkError
from .gateway import Gateway, Secret
from .links import REMEMBERED, Entry, LinkSigner, make_entry, normalize_member
from .platforms import LONGEST, Platform, detect_platform
from .rendering import rendering

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: What to do about a missing or weak key.
NEW_KEY = 'make one with python -c "import secrets; print(secrets.token_hex())"'

_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACE = "token-goes-here"
# A name of the DNS or an IPv6 address, and a port. Whatever else a Host says would go into a link.
_HOST = re.compile(r"([a-z0-9_.-]{1,253}|\[[a-f0-9:.]{2,45}\])(:[0-9]{1,5})?", re.IGNORECASE)

#: A member's id, as a site may have it.
MemberId = str | int | UUID
MemberLoader = Callable[[], object]


def trusts_hosts() -> bool:
    """Tell whether the current app refuses requests for a host that it does not name."""
    # Only a Flask that has the setting does so.
    return "TRUSTED_HOSTS" in Flask.default_config and bool(current_app.config["TRUSTED_HOSTS"])


class NowhereError(LinkError):
    """Nothing says where the site is: wrong for every link, not for one."""


class Members:
    """Who is logged in: asks the site's loader, else Flask-Login where the app uses it."""

    def __init__(self) -> None:
        self.loader: MemberLoader | None = None
        self._asynchronous = False

    def ask(self, loader: MemberLoader) -> None:
        """Ask this function from now on; it may be ``async``.

        :raises ConfigError: when it is not a function.
        """
        if not callable(loader):
            raise ConfigError(f"member_loader takes a function, not {type(loader).__name__}.")
        self.loader = loader
        self._asynchronous = iscoroutinefunction(loader)

    def are_known(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return self.loader is not None or login_manager() is not None

    def current(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        :raises LinkError: when the loader returns something that is no member id. What the loader
            itself raises is the site's error and is passed on.
        """
        if self.loader is not None:
            # Looking for coroutines takes longer than most loaders, so it is done once.
            sync = current_app.ensure_sync(self.loader) if self._asynchronous else self.loader
            return _member_from("the member_loader", sync())
        if login_manager() is not None:
            from flask_login import current_user

            found = current_user.get_id() if current_user.is_authenticated else None
            return _member_from("get_id() of Flask-Login's current_user", found)
        return None


def _member_from(source: str, found: object) -> str | None:
    try:
        return normalize_member(found)
    except LinkError as error:
        raise LinkError(f"What {source} returned is no member. {error}") from None


def login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)


class Site:
    """One app's part of the extension. The app itself is always ``current_app``."""

    def __init__(self, settings: Settings, members: Members) -> None:
        self.settings = settings
        self.members = members
        self._gateway = _gateway(settings) if settings.enabled else None
        # Whoever prints what this object has is not shown the keys.
        self._keys: Secret[tuple[Any, ...]] = Secret(())
        self._signer = LinkSigner((), settings.partner_id)

    @property
    def gateway(self) -> Gateway:
        """The app's gateway.

        :raises ConfigError: when ``XIEBAO_ENABLED`` is off.
        """
        if self._gateway is None:
            raise ConfigError("XIEBAO_ENABLED is off: there is no gateway to build a URL for.")
        return self._gateway

    @property
    def signer(self) -> LinkSigner:
        """The signer for the keys in force now, so that one taken out stops counting at once.

        :raises ConfigError: when ``SECRET_KEY`` or ``SECRET_KEY_FALLBACKS`` is wrong.
        """
        if problem := self._renew_signer():
            raise ConfigError(problem)
        return self._signer

    def _renew_signer(self) -> str | None:
        """Make a signer if the keys have changed, or say what is wrong with them.

        It does not raise: an error report would show the keys among the frame's local variables.
        """
        keys = _configured_keys(current_app._get_current_object())  # type: ignore[attr-defined]
        if keys == self._keys.reveal():
            return None
        problem = _keys_problem(keys)
        if problem is None:
            self._signer = LinkSigner(keys, self.settings.partner_id)
            self._keys = Secret(keys)
        return problem

    @property
    def strict(self) -> bool:
        """Whether a wrong link argument in a template raises."""
        if self.settings.strict is not None:
            return self.settings.strict
        return _in_development()

    def device(self, environ: WSGIEnvironment) -> Platform:
        """Return the platform that a request comes from."""
        return _device(
            environ.get("HTTP_USER_AGENT", "")[:LONGEST],
            environ.get("HTTP_SEC_CH_UA_MOBILE", "")[:LONGEST],
            environ.get("HTTP_SEC_CH_UA_PLATFORM", "")[:LONGEST],
            self.settings.app_user_agent,
        )

    def link(
        self,
        page: str,
        reference: str | int | None = None,
        *,
        member: MemberId | None = None,
        sub_partner_id: str | None = None,
        platform: Platform | str | int | None = None,
        return_to: str | None = None,
        max_age: int | None = None,
        external: bool = False,
    ) -> str:
        """Return the local link to a page of the gateway; see :meth:`.Xiebao.product_link`."""
        if not self.settings.enabled:
            return ""
        if page == "policy":
            member = self._current_member() if member is None else normalize_member(member)
            if member is None:
                return ""
        elif member is None and max_age is None:
            try:
                token = _memberless_token(
                    self.signer, page, reference, sub_partner_id, platform, return_to
                )
            except TypeError:  # an argument that cannot be hashed: make_entry() says which
                pass
            else:
                return self._page_url(page, token, external)
        entry = make_entry(
            page, reference, sub_partner_id, platform, return_to, normalize_member(member), max_age
        )
        return self.entry_url(entry, external=external)

    def entry_url(self, entry: Entry, *, external: bool, asker_only: bool = False) -> str:
        """Return the signed link of *entry*.

        :param external: make an absolute URL, for a link that leaves the site.
        :param asker_only: the link is shown to nobody but whoever sent the request, so a forged
            Host header would fool only its forger.
        :raises LinkError: when the link would not be safe, or cannot be built.
        """
        if entry.member is not None:
            if entry.max_age is None and not self.members.are_known():
                raise LinkError(
                    "member needs max_age on a site that cannot say who is logged in: add a"
                    " member_loader, or give the link a max_age."
                )
            if has_request_context():
                if external and not asker_only and not self.host_is_vouched():
                    raise LinkError(
                        "A link that carries a member off the site is built on the Host header,"
                        " which anybody can forge: set XIEBAO_PUBLIC_URL, SERVER_NAME or"
                        " TRUSTED_HOSTS."
                    )
                if not asker_only:
                    rendering().mark_private()
        return self._page_url(entry.page, self.signer.dumps(entry), external)

    def url(self, endpoint: str, *, external: bool = False, **values: Any) -> str:
        """Return the URL of one of the extension's endpoints.

        :param external: make it absolute, on ``XIEBAO_PUBLIC_URL`` if that is set. Without a
            request every URL is.
        :raises NowhereError: when there is no request and no setting says where the site is.
        """
        if has_request_context() and not external:
            return url_for(endpoint, **values)
        if self.settings.public_url is not None:
            public = urlsplit(self.settings.public_url)
            return current_app.url_map.bind(
                public.netloc, script_name=public.path or "/", url_scheme=public.scheme
            ).build(endpoint, values, force_external=True)
        if current_app.config["SERVER_NAME"]:
            return url_for(endpoint, _external=True, **values)
        if has_request_context():
            if not _HOST.fullmatch(request.host):
                abort(400, "The Host header of this request is not the name of a host.")
            return url_for(endpoint, _external=True, **values)
        raise NowhereError(
            "Without a request, a link needs to know where the site is: set XIEBAO_PUBLIC_URL,"
            " such as https://shop.example."
        )

    def _page_url(self, page: str, token: str, external: bool) -> str:
        if external or not has_request_context():
            return self.url(f"xiebao.{page}", external=True, token=token)
        # A page may show hundreds of entries, and their links differ in the token only.
        around = rendering().around_token
        if page not in around:
            url = self.url(f"xiebao.{page}", token=_PLACE)
            around[page] = url.split(_PLACE)
        return token.join(around[page])

    def _current_member(self) -> str | None:
        if not has_request_context():
            raise LinkError("Without a request nobody is logged in: say whose link it is (member).")
        return self.members.current()

    def host_is_vouched(self) -> bool:
        """Tell whether something else than the request says where the site is."""
        return bool(
            _in_development()
            or self.settings.public_url
            or current_app.config["SERVER_NAME"]
            or trusts_hosts()
        )


@lru_cache(REMEMBERED)
def _device(
    agent: str, mobile: str, system: str, app_user_agent: re.Pattern[str] | None
) -> Platform:
    headers = {
        "User-Agent": agent,
        "Sec-CH-UA-Mobile": mobile,
        "Sec-CH-UA-Platform": system,
    }
    return detect_platform(headers, app_user_agent=app_user_agent)


@lru_cache(REMEMBERED, typed=True)
def _memberless_token(signer: LinkSigner, *details: Any) -> str:
    """Sign a link that is the same on every page that shows it: once is enough."""
    return signer.dumps(make_entry(*details))


def _gateway(settings: Settings) -> Gateway:
    base_url = settings.base_url
    return Gateway(
        settings.partner_id,
        settings.api_key,
        sub_partner_id=settings.sub_partner_id,
        base_url=ENVIRONMENTS[settings.env or "test"] if base_url is None else base_url,
        extra=settings.extra,
    )


def _configured_keys(app: Flask) -> tuple[Any, ...]:
    """Return the keys as they are configured, the one that signs last; None for what is no list."""
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS") or ()
    return (
        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),
        app.config.get("SECRET_KEY"),
    )


def _keys_problem(keys: tuple[Any, ...]) -> str | None:
    *fallbacks, key = keys
    if not key:
        return f"SECRET_KEY is not set, and links are signed with it: {NEW_KEY}."
    if not _is_key(key):
        return f"SECRET_KEY must be text: {NEW_KEY}."
    if not all(map(_is_key, fallbacks)):
        return "SECRET_KEY_FALLBACKS must be a list of keys, none of them empty."
    return None


def _is_key(key: object) -> bool:
    # Half of a surrogate pair can be in a text, and in no bytes.
    return (
        isinstance(key, str | bytes)
        and bool(key)
        and not (isinstance(key, str) and _SURROGATE.search(key))
    )


def _in_development() -> bool:
    return current_app.debug or current_app.testing
