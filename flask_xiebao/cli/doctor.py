"""What ``flask xiebao doctor`` finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ..app.endpoints import trusts_hosts
from ..app.hooks import can_wait, login_manager
from ..app.settings import ENVIRONMENTS, Settings, name_of
from ..app.state import State
from ..check.visits import around, below_mounts, is_this_machine
from ..errors import ConfigError
from ..gateway.pages import PAGES
from ..gateway.values import Secret
from .callbacks import check_notifications
from .clicks import check_clicks
from .findings import ERROR, Finding, bad, ok, warning
from .keys import check_api_key, check_member_secret, check_notify_token, check_secret_key

_KNOWN = {name_of(setting.name): setting for setting in fields(Settings)}
_UNSET = {
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
    yield from check_settings(current_app, state.settings, verbose=verbose)
    yield check_destination(state.settings)
    yield from check_simulator(state.settings)
    yield from check_login(state)
    if state.hooks.asynchronous and not can_wait():
        names = ", ".join(state.hooks.asynchronous)
        yield bad(f"{names}: what is async needs an extra of Flask's: pip install 'flask[async]'.")
    yield from check_links_that_leave(state.settings)
    yield from check_mount(state.settings)
    yield from check_neighbors(state.settings)
    try:
        yield check_secret_key(state)
    except ConfigError as error:
        yield bad(str(error))
        return
    if state.settings.has_account:
        yield from check_notify_token(state)
        yield from check_notifications(state)
    if state.settings.enabled:
        yield from check_api_key(state)
        yield from check_member_secret(state)
        current = yield from check_clicks(state)
        yield from check_ids(state, current)


def check_settings(
    app: Flask, in_force: Settings | None = None, *, verbose: bool
) -> Iterator[Finding]:
    """Go through every setting, and find those that are misspelled or came too late.

    :param in_force: the settings that ``init_app`` read.
    :param verbose: those that are right, too.
    """
    problems: Mapping[str, str] = {}
    now = None
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
        # What all of ours have in common makes none like another.
        prefix = "XIEBAO_" if name.startswith("XIEBAO_") else ""
        known = {each.removeprefix(prefix): each for each in _KNOWN}
        likeness = 0.6 if prefix else 0.85
        if meant := get_close_matches(name.removeprefix(prefix), known, 1, likeness):
            yield warning(f"{name} is not a setting: did you mean {known[meant[0]]}?")
        elif prefix:
            yield warning(f"{name} is not a setting of Flask-Xiebao: remove it.")


def _shown_setting(name: str, value: Any) -> str:
    if value is None:
        default = _UNSET.get(name, _KNOWN[name].default)
        is_none = default in (None, "") or isinstance(default, Secret)
        return f" is not set (default: {'none' if is_none else default})"
    if _KNOWN[name].metadata["secret"]:
        return " is set, and not shown"
    if name == "XIEBAO_EXTRA":
        return f": {', '.join(map(str, value))}"
    return f": {getattr(value, 'pattern', value)}"


def check_destination(settings: Settings) -> Finding:
    """Say where the entries lead."""
    if not settings.enabled:
        return warning("XIEBAO_ENABLED is off: entries render nothing, their links answer 404.")
    env = settings.env or "test"
    base_url = settings.gateway_url
    other = {url: name for name, url in ENVIRONMENTS.items() if name != env}.get(base_url)
    if other:
        return warning(
            f"XIEBAO_ENV is {env}, but XIEBAO_BASE_URL is the {other} gateway, which has another"
            " key: remove XIEBAO_BASE_URL."
        )
    paths = [base_url.rstrip("/") + row.path for row in PAGES.values()]
    if base_url.startswith("/") and not all(map(_is_served, paths)):
        return warning(
            f"XIEBAO_BASE_URL is the path {base_url} of this site, where the app has no gateway:"
            " register the blueprint of a GatewaySimulator there."
        )
    real = "policies are real" if env == "production" else "no policy is real"
    return ok(f"Entries lead to {base_url} ({env}: {real}).")


def _is_served(path: str) -> bool:
    try:
        current_app.url_map.bind("localhost").match(unquote(path))
    except HTTPException:
        return False
    return True


def check_simulator(settings: Settings) -> Iterator[Finding]:
    """Say that a simulator has no place on a site that sells."""
    # An app knows its blueprints by the names that they were registered with.
    names = {blueprint.name for blueprint in current_app.blueprints.values()}
    if settings.env == "production" and "xiebao_gateway" in names:
        yield bad(
            "XIEBAO_ENV is production, and the blueprint of a GatewaySimulator is registered: it"
            " answers 404. Register it on no site that sells, since what it signs is taken for"
            " Xiebao's."
        )


def check_login(state: State) -> Iterator[Finding]:
    """Say whether the site knows its members, and whether its login is there."""
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


def check_links_that_leave(settings: Settings) -> Iterator[Finding]:
    """Say whether links in mail, QR codes and paySuccess have a host to trust, and are https."""
    source, url = "XIEBAO_PUBLIC_URL", settings.public_url
    if url is None and (host := current_app.config["SERVER_NAME"]):
        source, url = "SERVER_NAME", f"{current_app.config['PREFERRED_URL_SCHEME']}://{host}"
    if url is None:
        missing = (
            "links for mail cannot be made without a request"
            if trusts_hosts()
            else "in production, members' links for mail and QR codes cannot be made, and payments"
            " do not come back"
        )
        yield warning(
            f"XIEBAO_PUBLIC_URL is not set, so the site does not know its own address: {missing}."
            " Set it, such as to https://shop.example (while you develop, http://127.0.0.1:5000)."
        )
        return
    begin = f"Links that leave the site begin with {url} ({source})"
    if is_this_machine(url):
        if settings.env == "production":
            yield warning(
                f"{begin}: to whoever follows them, that is their own machine. Name the site."
            )
        else:
            yield ok(f"{begin}.")
    elif url.lower().startswith("https://"):
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
    """Say what has to be so for the links of a site that is below a path, behind a proxy."""
    if settings.public_url is None:
        return
    path = urlsplit(settings.public_url).path
    proxy = around(ProxyFix)
    trusts_prefix = proxy is not None and bool(proxy.x_prefix)
    if trusts_prefix:
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
    """Warn of what other parts of the site do to entries."""
    backends = current_app.extensions.get("cache")
    backends = backends.values() if isinstance(backends, Mapping) else ()
    caches = any(type(backend).__name__ != "NullCache" for backend in backends)
    if caches and settings.device_markup and settings.enabled:
        yield warning(
            "Flask-Caching does not look at Vary: a page that it keeps has the entries of the"
            " first device, and a new window on phones. Set XIEBAO_DEVICE_MARKUP to False."
        )
    same_site = current_app.config["SESSION_COOKIE_SAMESITE"]
    if isinstance(same_site, str) and same_site.lower() == "strict":
        yield warning(
            "SESSION_COOKIE_SAMESITE is Strict: whoever comes back from the payment, or from a"
            ' mail, is logged out. Set it to "Lax".'
        )


def check_ids(state: State, current: str | None) -> Iterator[Finding]:
    """Warn of ids that anybody can guess, where the gateway knows members by them.

    :param current: an id of a member of the site's, if one is known.
    """
    if state.settings.member_secret is not None:
        yield ok("XIEBAO_MEMBER_SECRET makes the keys by which the gateway knows members.")
        return
    guessed = _what_can_be_guessed(state, current)
    if not guessed:
        yield ok(
            "The gateway knows members by the bare id that the member_loader returns. Where it can"
            " be guessed, as the number of a row can, set XIEBAO_MEMBER_SECRET."
        )
    else:
        yield warning(
            f"The gateway knows members by {guessed}: whoever has seen one gateway URL can make"
            " another for any of them. Set XIEBAO_MEMBER_SECRET; where members have policies"
            " already, see keeps_plain_key."
        )


def _what_can_be_guessed(state: State, current: str | None) -> str:
    loader = state.hooks.functions.get("member_loader")
    if current is not None and current.isdecimal():
        return "the number of their row"
    if current is not None and "@" in current:
        return "their e-mail address"
    if loader is None:
        is_login = login_manager() is not None
        return "get_id() of Flask-Login, for most sites the number of a row" if is_login else ""
    try:
        returned = get_type_hints(loader).get("return")
    except Exception:  # of a name that is imported for type checkers alone
        return ""
    return "the number of their row" if int in (returned, *get_args(returned)) else ""
