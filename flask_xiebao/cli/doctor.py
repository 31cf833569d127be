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
from ..texts import text
from .callbacks import check_notifications
from .clicks import check_clicks
from .database import check_database
from .findings import ERROR, Finding, bad, ok, warning
from .keys import check_secret_key, check_secrets

_KNOWN = {name_of(setting.name): setting for setting in fields(Settings)}


def check_refused(refusal: ConfigError, locale: str, *, verbose: bool) -> list[Finding]:
    """Say what is wrong with an app that did not load.

    :param locale: of what is said.
    :param verbose: the settings that are right, too.
    """
    findings = list(check_settings(refusal.app, locale, verbose=verbose)) if refusal.app else []
    if all(level != ERROR for level, _ in findings):
        findings += map(bad, str(refusal).splitlines())
    return findings


def check_site(state: State, locale: str, *, verbose: bool) -> Iterator[Finding]:
    """Say what is right and wrong with the current app.

    :param locale: of what is said.
    :param verbose: the settings that are right, too.
    """
    settings = state.settings
    yield from check_settings(current_app, locale, settings, verbose=verbose)
    yield from check_gateway(settings, locale)
    yield from check_hooks(state, locale)
    yield from check_links_that_leave(state, locale)
    yield from check_mount(settings, locale)
    yield from check_neighbors(settings, locale)
    try:
        yield check_secret_key(state, locale)
    except ConfigError as error:
        yield bad(str(error))
        return
    if settings.has_account:
        yield from check_notifications(state, locale)
        yield from check_database(state, locale)
    if settings.enabled:
        yield from check_secrets(state, locale)
        yield from check_clicks(state, locale)


def check_settings(
    app: Flask, locale: str, in_force: Settings | None = None, *, verbose: bool
) -> Iterator[Finding]:
    """Go through every setting, and find those that are misspelled or came too late.

    :param locale: of what is said.
    :param in_force: the settings that ``init_app`` read.
    :param verbose: those that are right, too.
    """
    late, problems = list[str](), dict[str, str]()
    try:
        now = Settings.from_config(app.config)
        late = [] if in_force is None else in_force.names_of_differences(now)
    except ConfigError as error:
        problems = error.problems
    for name in _KNOWN:
        value = app.config.get(name)
        if name in problems:
            yield bad(f"{name} {problems[name]}")
        elif name in late:
            yield bad(text(locale, "doctor.late", name=name))
        elif value is None and name == "XIEBAO_ENV" and not (app.debug or app.testing):
            yield warning(text(locale, "doctor.env.unset"))
        elif verbose:
            yield ok(_shown_setting(name, value, locale))
    yield from _check_other_names(app, locale)


def _check_other_names(app: Flask, locale: str) -> Iterator[Finding]:
    others = app.config.keys() - _KNOWN.keys() - Flask.default_config.keys()
    for name in sorted(name for name in others if isinstance(name, str)):
        # The prefix of all our settings would make any two look alike.
        prefix = "XIEBAO_" if name.startswith("XIEBAO_") else ""
        known = {each.removeprefix(prefix): each for each in _KNOWN}
        own = name.removeprefix(prefix)
        if meant := get_close_matches(own, known, 1, cutoff=0.6 if prefix else 0.85):
            yield warning(text(locale, "doctor.misspelt", name=name, meant=known[meant[0]]))
        elif prefix:
            yield warning(text(locale, "doctor.unknown", name=name))


def _shown_setting(name: str, value: Any, locale: str) -> str:
    if value is None:
        own = {locale: str(_KNOWN[name].default or text(locale, "doctor.default"))}
        default = text(locale, f"doctor.default.{name}", own)
        return text(locale, "doctor.ok.default", name=name, default=default)
    if _KNOWN[name].metadata["secret"]:
        return text(locale, "doctor.ok.hidden", name=name)
    said = text(locale, "list.comma").join(map(str, value)) if name == "XIEBAO_EXTRA" else value
    return text(locale, "doctor.ok.setting", name=name, value=getattr(said, "pattern", said))


def check_gateway(settings: Settings, locale: str) -> Iterator[Finding]:
    """Say where the entries lead, and that a simulator has no place on a site that sells."""
    env, base_url = settings.environment, settings.gateway_url
    other = {url: name for name, url in ENVIRONMENTS.items() if name != env}.get(base_url)
    if not settings.enabled:
        yield warning(text(locale, "doctor.off"))
    elif other:
        yield warning(text(locale, "doctor.gateway.other", env=env, other=other))
    elif base_url.startswith("/") and not _has_gateway(base_url):
        yield warning(text(locale, "doctor.gateway.missing", path=base_url))
    else:
        yield ok(text(locale, f"doctor.ok.gateway.{env}", url=base_url))
    # The keys of app.blueprints are the names given when registering, which may differ.
    names = {blueprint.name for blueprint in current_app.blueprints.values()}
    if env == "production" and "xiebao_gateway" in names:
        yield bad(text(locale, "doctor.simulator"))


def _has_gateway(path: str) -> bool:
    site, below = current_app.url_map.bind("localhost"), unquote(path).rstrip("/")
    try:
        for row in PAGES.values():
            site.match(below + row.path)
    except HTTPException:
        return False
    return True


def check_hooks(state: State, locale: str) -> Iterator[Finding]:
    """Say whether the site knows its members, its login exists and its hooks can run."""
    if not state.hooks.members_are_known():
        yield warning(text(locale, "doctor.nobody"))
    else:
        source = "member_loader" if "member_loader" in state.hooks.functions else "flask_login"
        yield ok(text(locale, f"doctor.ok.{source}"))
    view = state.settings.login_view
    if view is not None and view not in current_app.view_functions:
        meant = get_close_matches(view, current_app.view_functions, 1)
        key = "doctor.login_view.misspelt" if meant else "doctor.login_view"
        yield bad(text(locale, key, view=view, meant="".join(meant)))
    if state.hooks.asynchronous and not can_wait():
        hooks = text(locale, "list.comma").join(state.hooks.asynchronous)
        yield bad(text(locale, "doctor.async", hooks=hooks))


def check_links_that_leave(state: State, locale: str) -> Iterator[Finding]:
    """Say whether links in mail, QR codes and paySuccess have a host to trust, and are https."""
    settings = state.settings
    if not knows_its_address(state):
        missing = "mail" if trusts_hosts() else "production"
        found = warning if settings.env != "production" or trusts_hosts() else bad
        yield found(text(locale, f"doctor.address.{missing}"))
        return
    url = where_the_site_is(state).rstrip("/")
    source = "SERVER_NAME" if settings.public_url is None else "XIEBAO_PUBLIC_URL"
    begin = {"url": url, "source": source}
    if is_this_machine(url) and settings.env == "production":
        yield warning(text(locale, "doctor.leaving.this_machine", **begin))
    elif is_this_machine(url) or url.lower().startswith("https://"):
        yield ok(text(locale, "doctor.ok.leaving", **begin))
    else:
        yield warning(text(locale, "doctor.leaving.http", **begin))
    root = current_app.config["APPLICATION_ROOT"].rstrip("/")
    if settings.public_url and not f"{urlsplit(settings.public_url).path}/".startswith(f"{root}/"):
        yield warning(text(locale, "doctor.root", root=root))


def check_mount(settings: Settings, locale: str) -> Iterator[Finding]:
    """Say what a proxy or server has to do for the links of a site that is below a path."""
    if settings.public_url is None:
        return
    path = urlsplit(settings.public_url).path
    proxy = around(ProxyFix)
    if proxy is not None and proxy.x_prefix:
        yield ok(text(locale, f"doctor.ok.prefix.{'set' if path else 'none'}", path=path))
    elif path and proxy is not None:
        url = f"{settings.public_url}{settings.url_prefix}"
        yield warning(text(locale, "doctor.prefix", path=path, url=url))
    elif path and path not in below_mounts(settings.public_url):
        yield ok(text(locale, "doctor.ok.mount", path=path))


def check_neighbors(settings: Settings, locale: str) -> Iterator[Finding]:
    """Warn of other extensions and settings that break entries."""
    caches = current_app.extensions.get("cache")
    names = [type(each).__name__ for each in caches.values()] if isinstance(caches, Mapping) else []
    if any(name != "NullCache" for name in names) and settings.device_markup and settings.enabled:
        yield warning(text(locale, "doctor.cache"))
    if str(current_app.config["SESSION_COOKIE_SAMESITE"]).lower() == "strict":
        yield warning(text(locale, "doctor.cookie"))
