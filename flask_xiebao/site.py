"""What one app has: its settings, gateway, signer and members, and the links that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, after_this_request, current_app, has_request_context, request, url_for
from werkzeug.wrappers import Response

from .config import ENVIRONMENTS, Settings
from .errors import ConfigError, LinkError
from .gateway import Gateway
from .links import Entry, LinkSigner, normalize_member
from .platforms import Platform

MemberLoader = Callable[[], object]


class Members:
    """Who is logged in: asks the site's loader, else Flask-Login where the app uses it."""

    def __init__(self) -> None:
        self.loader: MemberLoader | None = None

    def are_known(self) -> bool:
        """Tell whether the current app can say who is logged in."""
        return self.loader is not None or login_manager() is not None

    def current(self) -> str | None:
        """Return the id of the member who is logged in, or None.

        :raises LinkError: when the loader returns something that is no member id. What the loader
            itself raises is the site's error and is passed on.
        """
        if self.loader is not None:
            return normalize_member(self.loader())
        if login_manager() is not None:
            from flask_login import current_user

            return normalize_member(
                current_user.get_id() if current_user.is_authenticated else None
            )
        return None


def login_manager() -> Any:
    """Return the current app's Flask-Login manager, or None."""
    return getattr(current_app, "login_manager", None)


class Site:
    """One app's part of the extension. The app itself is always ``current_app``."""

    def __init__(self, settings: Settings, members: Members) -> None:
        self.settings = settings
        self.members = members
        self._gateway = _gateway(settings) if settings.enabled else None
        self._signer: tuple[tuple[str | bytes, ...], LinkSigner] | None = None

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
        keys = _secret_keys(current_app)
        if self._signer is None or self._signer[0] != keys:
            self._signer = (keys, LinkSigner(keys))
        return self._signer[1]

    @property
    def strict(self) -> bool:
        """Whether a wrong link argument in a template raises."""
        if self.settings.strict is not None:
            return self.settings.strict
        return _in_development()

    def link(
        self,
        page: str,
        reference: str | int | None = None,
        *,
        member: str | int | None = None,
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
            holder = self._current_member() if member is None else normalize_member(member)
            if holder is None:
                return ""
        else:
            holder = normalize_member(member)
        entry = Entry(
            page=page,
            reference=str(reference) if isinstance(reference, int) else reference,
            member=holder,
            max_age=max_age,
            sub_partner_id=sub_partner_id,
            platform=None if platform is None else _platform(platform),
            return_to=return_to,
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
            if (
                external
                and not asker_only
                and has_request_context()
                and not self._host_is_vouched()
            ):
                raise LinkError(
                    "A link that carries a member off the site is built on the Host header, which"
                    " anybody can forge: set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS."
                )
            once_after_request(make_private)
        return self.url(f"xiebao.{entry.page}", external=external, token=self.signer.dumps(entry))

    def url(self, endpoint: str, *, external: bool = False, **values: Any) -> str:
        """Return the URL of one of the extension's endpoints.

        :param external: make it absolute, on ``XIEBAO_PUBLIC_URL`` if that is set. Without a
            request every URL is.
        :raises LinkError: when there is no request and no setting says where the site is.
        """
        if has_request_context() and not external:
            return url_for(endpoint, **values)
        if self.settings.public_url is not None:
            public = urlsplit(self.settings.public_url)
            return current_app.url_map.bind(
                public.netloc, script_name=public.path or "/", url_scheme=public.scheme
            ).build(endpoint, values, force_external=True)
        if has_request_context() or current_app.config["SERVER_NAME"]:
            return url_for(endpoint, _external=True, **values)
        raise LinkError(
            "Without a request, a link needs to know where the site is: set XIEBAO_PUBLIC_URL,"
            " such as https://shop.example."
        )

    def _current_member(self) -> str | None:
        if not has_request_context():
            raise LinkError("Without a request nobody is logged in: say whose link it is (member).")
        return self.members.current()

    def _host_is_vouched(self) -> bool:
        return (
            _in_development()
            or self.settings.public_url is not None
            or bool(current_app.config["SERVER_NAME"])
            # Only a Flask that knows the setting refuses other hosts.
            or (
                "TRUSTED_HOSTS" in Flask.default_config
                and bool(current_app.config["TRUSTED_HOSTS"])
            )
        )


def once_after_request(change: Callable[[Response], None]) -> None:
    """Let *change* work on this request's response, once, however often that is asked for.

    Without a request there is no response, and nothing happens.
    """
    if not has_request_context():
        return
    # The environ, unlike ``g``, is never shared by two requests.
    changes: set[object] = request.environ.setdefault("flask_xiebao.changes", set())
    if change not in changes:
        changes.add(change)

        @after_this_request
        def apply(response: Response) -> Response:
            change(response)
            return response


def make_private(response: Response) -> None:
    """Keep shared caches from storing *response*: it holds a link with a member."""
    response.cache_control.public = False
    response.cache_control.s_maxage = None
    response.cache_control.private = True


def _gateway(settings: Settings) -> Gateway:
    return Gateway(
        settings.partner_id,
        settings.api_key,
        sub_partner_id=settings.sub_partner_id,
        base_url=settings.base_url or ENVIRONMENTS[settings.env or "test"],
        extra=settings.extra,
    )


def _secret_keys(app: Flask) -> tuple[str | bytes, ...]:
    key = app.secret_key
    if not key:
        raise ConfigError("SECRET_KEY is not set, and links are signed with it: set it.")
    fallbacks = app.config.get("SECRET_KEY_FALLBACKS") or ()
    if not isinstance(fallbacks, list | tuple) or not all(
        isinstance(fallback, str | bytes) and fallback for fallback in fallbacks
    ):
        raise ConfigError("SECRET_KEY_FALLBACKS must be a list of keys, none of them empty.")
    return (*fallbacks, key)


def _platform(value: object) -> Platform:
    try:
        return Platform.of(value)
    except ValueError as error:
        raise LinkError(f"platform: {error}") from None


def _in_development() -> bool:
    return current_app.debug or current_app.testing
