"""What ``flask xiebao doctor`` finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ..app.endpoints import knows_its_address, trusts_hosts
from ..app.hooks import can_wait
from ..app.mounts import around, below_mounts, is_this_machine, where_the_site_is
from ..app.settings import ENVIRONMENTS, Settings, name_of
from ..app.state import State
from ..errors import ConfigError
from ..gateway.pages import PAGES
from ..gateway.values import Secret
from .callbacks import check_notifications
from .clicks import check_clicks
from .database import check_database
from .findings import ERROR, Finding, bad, ok, warning
from .keys import check_secret_key, check_secrets

_KNOWN = {name_of(setting.name): setting for setting in fields(Settings)}
_UNSET = {
    "XIEBAO_API_KEY": "none",
    "XIEBAO_ENV": "test",
    "XIEBAO_BASE_URL": "the gateway of XIEBAO_ENV",
    "XIEBAO_LOCALE": "Flask-Babel's, else zh",
    "XIEBAO_STRICT": "on in debug and testing",
}


def check_refused(refusal: ConfigError, *, verbose: bool) -> list[Finding]:
    """Say what is wrong with an app that did not load.

    :param verbose: the settings that are right, too.
    """
    findings = list(check_settings(refusal.app, verbose=verbose)) if refusal.app else []
    if all(level != ERROR for level, _ in findings):
        findings += map(bad, str(refusal).splitlines())
    return findings


def check_site(state: State, *, verbose: bool) -> Iterator[Finding]:
    """Say what is right and wrong with the current app.

    :param verbose: the settings that are right, too.
    """
    settings = state.settings
    yield from check_settings(current_app, settings, verbose=verbose)
    yield from check_gateway(settings)
    yield from check_hooks(state)
    yield from check_links_that_leave(state)
    yield from check_mount(settings)
    yield from check_neighbors(settings)
    try:
        yield check_secret_key(state)
    except ConfigError as error:
        yield bad(str(error))
        return
    if settings.has_account:
        yield from check_notifications(state)
        yield from check_database(state)
    if settings.enabled:
        yield from check_secrets(state)
        yield from check_clicks(state)


def check_settings(
    app: Flask, in_force: Settings | None = None, *, verbose: bool
) -> Iterator[Finding]:
    """Go through every setting, and find those that are misspelled or came too late.

    :param in_force: the settings that ``init_app`` read.
    :param verbose: those that are right, too.
    """
    now, problems = in_force, dict[str, str]()
    try:
        now = Settings.from_config(app.config)
    except ConfigError as error:
        problems = error.problems
    for name, setting in _KNOWN.items():
        value = app.config.get(name)
        if name in problems:
            yield bad(f"{name} {problems[name]}")
        elif in_force and now and _value(in_force, setting.name) != _value(now, setting.name):
            yield bad(
                f"{name} was changed after Xiebao(app) or init_app(app), which read it: the change"
                " has no effect. Change it before."
            )
        elif value is None and name == "XIEBAO_ENV" and not (app.debug or app.testing):
            yield warning(f'{name} is not set: say "production" if this site sells, else "test".')
        elif verbose:
            yield ok(f"{name}{_shown_setting(name, value)}")
    yield from _check_other_names(app)


def _value(settings: Settings, field: str) -> object:
    value = getattr(settings, field)
    return value.reveal() if isinstance(value, Secret) else value


def _check_other_names(app: Flask) -> Iterator[Finding]:
    others = app.config.keys() - _KNOWN.keys() - Flask.default_config.keys()
    for name in sorted(name for name in others if isinstance(name, str)):
        # The prefix of all our settings would make any two look alike.
        prefix = "XIEBAO_" if name.startswith("XIEBAO_") else ""
        known = {each.removeprefix(prefix): each for each in _KNOWN}
        own = name.removeprefix(prefix)
        if meant := get_close_matches(own, known, 1, cutoff=0.6 if prefix else 0.85):
            yield warning(f"{name} is not a setting: did you mean {known[meant[0]]}?")
        elif prefix:
            yield warning(f"{name} is not a setting of Flask-Xiebao: remove it.")


def _shown_setting(name: str, value: Any) -> str:
    if value is None:
        return f" is not set (default: {_UNSET.get(name) or _KNOWN[name].default or 'none'})"
    if _KNOWN[name].metadata["secret"]:
        return " is set, and not shown"
    is_extra = name == "XIEBAO_EXTRA"
    return f": {', '.join(map(str, value)) if is_extra else getattr(value, 'pattern', value)}"


def check_gateway(settings: Settings) -> Iterator[Finding]:
    """Say where the entries lead, and that a simulator has no place on a site that sells."""
    env, base_url = settings.environment, settings.gateway_url
    other = {url: name for name, url in ENVIRONMENTS.items() if name != env}.get(base_url)
    if not settings.enabled:
        yield warning("XIEBAO_ENABLED is off: entries render nothing, their links answer 404.")
    elif other:
        yield warning(
            f"XIEBAO_ENV is {env}, but XIEBAO_BASE_URL is the {other} gateway, which has another"
            " key: remove XIEBAO_BASE_URL."
        )
    elif base_url.startswith("/") and not _has_gateway(base_url):
        yield warning(
            f"XIEBAO_BASE_URL is the path {base_url} of this site, where the app has no gateway:"
            " register the blueprint of a GatewaySimulator there."
        )
    else:
        real = "policies are real" if env == "production" else "no policy is real"
        yield ok(f"Entries lead to {base_url} ({env}: {real}).")
    # The keys of app.blueprints are the names given when registering, which may differ.
    names = {blueprint.name for blueprint in current_app.blueprints.values()}
    if env == "production" and "xiebao_gateway" in names:
        yield bad(
            "XIEBAO_ENV is production, and the blueprint of a GatewaySimulator is registered: it"
            " answers 404. Register it on no site that sells, since what it signs is taken for"
            " Xiebao's."
        )


def _has_gateway(path: str) -> bool:
    site, below = current_app.url_map.bind("localhost"), unquote(path).rstrip("/")
    try:
        for row in PAGES.values():
            site.match(below + row.path)
    except HTTPException:
        return False
    return True


def check_hooks(state: State) -> Iterator[Finding]:
    """Say whether the site knows its members, its login exists and its hooks can run."""
    if not state.hooks.members_are_known():
        yield warning(
            "Nothing says who is logged in, so only links with no_login_for can be followed: add a"
            " member_loader."
        )
    else:
        source = "A member_loader" if "member_loader" in state.hooks.functions else "Flask-Login"
        yield ok(f"{source} says who is logged in.")
    view = state.settings.login_view
    if view is not None and view not in current_app.view_functions:
        meant = get_close_matches(view, current_app.view_functions, 1)
        advice = f"did you mean {meant[0]}?" if meant else "flask routes lists those there are."
        yield bad(f"XIEBAO_LOGIN_VIEW: there is no endpoint {view}: {advice}")
    if state.hooks.asynchronous and not can_wait():
        yield bad(
            f"{', '.join(state.hooks.asynchronous)}: what is async needs an extra of Flask's: pip"
            " install 'flask[async]'."
        )


def check_links_that_leave(state: State) -> Iterator[Finding]:
    """Say whether links in mail, QR codes and paySuccess have a host to trust, and are https."""
    settings = state.settings
    if not knows_its_address(state):
        missing = (
            "links for mail cannot be made without a request"
            if trusts_hosts()
            else "in production, members' links for mail and QR codes cannot be made, and payments"
            " do not come back"
        )
        found = warning if settings.env != "production" or trusts_hosts() else bad
        yield found(
            f"XIEBAO_PUBLIC_URL is not set, so the site does not know its own address: {missing}."
            " Set it, such as to https://shop.example (while you develop, http://127.0.0.1:5000)."
        )
        return
    url = where_the_site_is(state).rstrip("/")
    source = "SERVER_NAME" if settings.public_url is None else "XIEBAO_PUBLIC_URL"
    begin = f"Links that leave the site begin with {url} ({source})"
    if is_this_machine(url) and settings.env == "production":
        yield warning(
            f"{begin}: to whoever follows them, that is their own machine. Name the site."
        )
    elif is_this_machine(url) or url.lower().startswith("https://"):
        yield ok(f"{begin}.")
    else:
        yield warning(f"{begin}, and can be read on their way: set XIEBAO_PUBLIC_URL to https://….")
    root = current_app.config["APPLICATION_ROOT"].rstrip("/")
    if settings.public_url and not f"{urlsplit(settings.public_url).path}/".startswith(f"{root}/"):
        yield warning(
            f"APPLICATION_ROOT is {root}, and links that leave the site are not below it: end"
            f" XIEBAO_PUBLIC_URL in {root}."
        )


def check_mount(settings: Settings) -> Iterator[Finding]:
    """Say what a proxy or server has to do for the links of a site that is below a path."""
    if settings.public_url is None:
        return
    path = urlsplit(settings.public_url).path
    proxy = around(ProxyFix)
    if proxy is not None and proxy.x_prefix:
        must = f"has to set it to {path}" if path else "must not let visitors set it"
        yield ok(
            f"ProxyFix trusts X-Forwarded-Prefix: your proxy {must}, itself and on every request."
            f"{'' if path else ' If it sets a path, end XIEBAO_PUBLIC_URL in that path.'}"
        )
    elif path and proxy is not None:
        yield warning(
            f"XIEBAO_PUBLIC_URL ends in {path}, but ProxyFix ignores X-Forwarded-Prefix, so links"
            f" on pages may lack {path}, and lead nowhere. Payments come back to"
            f" {settings.public_url}{settings.url_prefix}/paid/… Add x_prefix=1 to ProxyFix if your"
            " proxy sets X-Forwarded-Prefix itself on every request, and only then; or let the"
            " server set SCRIPT_NAME."
        )
    elif path and path not in below_mounts(settings.public_url):
        yield ok(
            f"XIEBAO_PUBLIC_URL ends in {path}, and the app itself is not mounted there: the server"
            f" has to set SCRIPT_NAME to {path}. If links on pages lack it, it does not. Behind a"
            " proxy that sets X-Forwarded-Prefix itself on every request, and only there, use"
            " ProxyFix(..., x_prefix=1)."
        )


def check_neighbors(settings: Settings) -> Iterator[Finding]:
    """Warn of other extensions and settings that break entries."""
    caches = current_app.extensions.get("cache")
    names = [type(each).__name__ for each in caches.values()] if isinstance(caches, Mapping) else []
    if any(name != "NullCache" for name in names) and settings.device_markup and settings.enabled:
        yield warning(
            "Flask-Caching does not look at Vary: a page that it keeps has the entries of the"
            " first device, and a new window on phones. Set XIEBAO_DEVICE_MARKUP to False."
        )
    if str(current_app.config["SESSION_COOKIE_SAMESITE"]).lower() == "strict":
        yield warning(
            "SESSION_COOKIE_SAMESITE is Strict: whoever comes back from the payment, or from a"
            ' mail, is logged out. Set it to "Lax".'
        )
