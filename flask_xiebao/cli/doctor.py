"""The implementation of ``flask xiebao doctor``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ..app.current import get_current_app
from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.hooks import can_call_async_functions
from ..app.mounts import find_middleware, get_site_url, is_loopback_url
from ..app.settings import GATEWAY_BASE_URLS, Settings, get_setting_name
from ..app.state import AppState
from ..check.visits import Visit
from ..errors import ConfigError
from ..gateway.pages import PAGES
from ..texts import get_text
from .doctor_clicks import check_clicks
from .doctor_database import check_database
from .doctor_notifications import check_notifications
from .doctor_online import check_order_query
from .doctor_secrets import check_api_key_and_member_secret, get_secret_key_finding
from .findings import ERROR, Finding, error_finding, ok_finding, warning_finding

_SETTINGS_BY_NAME = {get_setting_name(setting.name): setting for setting in fields(Settings)}


def build_config_error_findings(
    config_error: ConfigError, locale: str, *, verbose: bool
) -> list[Finding]:
    """Return the findings about an app that did not load because of its configuration.

    :param locale: The language of the findings.
    :param verbose: If True, also list the settings that are correct.
    """
    findings = (
        list(check_settings(config_error.app, locale, verbose=verbose)) if config_error.app else []
    )
    if all(level != ERROR for level, _ in findings):
        findings += map(error_finding, str(config_error).splitlines())
    return findings


def check_site(
    state: AppState, locale: str, *, verbose: bool, online: bool = False
) -> Iterator[Finding]:
    """Yield all findings about the current app.

    :param locale: The language of the findings.
    :param verbose: If True, also list the settings that are correct.
    :param online: If True, also send an order query to the gateway.
    """
    settings = state.settings
    yield from check_settings(current_app, locale, settings, verbose=verbose)
    yield from check_gateway_url(settings, locale)
    yield from check_hooks(state, locale)
    yield from check_site_url(state, locale)
    yield from check_path_prefix(settings, locale)
    yield from check_caches_and_cookies(settings, locale)
    try:
        yield get_secret_key_finding(state, locale)
    except ConfigError as error:
        skipped = get_text(locale, "doctor.skipped")
        yield error_finding(get_text(locale, "list.sentences", first=error, then=skipped))
        return
    if settings.has_partner_account:
        # An order query to a simulator in this app is not sent over the network.
        is_simulated = _has_simulator() and settings.gateway_base_url.startswith("/")
        if online or (is_simulated and find_spec("httpx") is not None):
            yield from check_order_query(state, locale, is_simulated=is_simulated)
        yield from check_notifications(state, locale)
        yield from check_database(state, locale)
    if settings.enabled:
        yield from check_api_key_and_member_secret(state, locale)
        yield from check_clicks(state, locale)


def check_settings(
    app: Flask, locale: str, loaded_settings: Settings | None = None, *, verbose: bool
) -> Iterator[Finding]:
    """Yield findings about every setting and about misspelled names of settings.

    A setting that changed after ``init_app`` (a late setting) is an error.

    :param locale: The language of the findings.
    :param loaded_settings: The settings that ``init_app`` read, or None if the app did not load.
    :param verbose: If True, also list the settings that are correct.
    """
    late_names, problems = list[str](), dict[str, str]()
    try:
        current = Settings.from_config(app.config)
        late_names = loaded_settings.find_changed_setting_names(current) if loaded_settings else []
    except ConfigError as error:
        problems = error.problems
    for name in _SETTINGS_BY_NAME:
        value = app.config.get(name)
        if name in problems:
            yield error_finding(f"{name} {problems[name]}")
        elif name in late_names:
            yield error_finding(get_text(locale, "doctor.late", name=name))
        elif value is None and name == "XIEBAO_ENV" and not (app.debug or app.testing):
            yield warning_finding(get_text(locale, "doctor.env.unset"))
        elif verbose:
            yield ok_finding(_describe_setting(name, value, locale))
    yield from _check_unknown_settings(app, locale)
    yield from _check_environment_variables(app, locale)


def _check_environment_variables(app: Flask, locale: str) -> Iterator[Finding]:
    """Yield a warning if environment variables such as ``FLASK_XIEBAO_ENV`` are not in the config.

    Probably the app does not call ``app.config.from_prefixed_env()``.
    """
    names = {name.removeprefix("FLASK_") for name in os.environ if name.startswith("FLASK_XIEBAO_")}
    if unread_names := sorted(names - app.config.keys()):
        listed_names = get_text(locale, "list.comma").join(unread_names)
        yield warning_finding(get_text(locale, "doctor.environment", names=listed_names))


def _check_unknown_settings(app: Flask, locale: str) -> Iterator[Finding]:
    unknown_names = app.config.keys() - _SETTINGS_BY_NAME.keys() - Flask.default_config.keys()
    for name in sorted(name for name in unknown_names if isinstance(name, str)):
        # Names are compared without XIEBAO_, because a common prefix makes any two names similar.
        prefix = "XIEBAO_" if name.startswith("XIEBAO_") else ""
        known_names = {known.removeprefix(prefix): known for known in _SETTINGS_BY_NAME}
        cutoff = 0.6 if prefix else 0.85
        short_name = name.removeprefix(prefix)
        matches = get_close_matches(short_name, known_names, 1, cutoff)
        if prefix and not matches:
            # The names may begin with the same word, such as LOGIN_URL and LOGIN_VIEW.
            first_word = f"{short_name.partition('_')[0]}_"
            matches = [known for known in known_names if known.startswith(first_word)]
        if matches:
            meant = known_names[matches[0]]
            yield warning_finding(get_text(locale, "doctor.misspelt", name=name, meant=meant))
        elif prefix:
            yield warning_finding(get_text(locale, "doctor.unknown", name=name))


def _describe_setting(name: str, value: Any, locale: str) -> str:
    if value is None:
        value = str(_SETTINGS_BY_NAME[name].default or get_text(locale, "doctor.default"))
        default = get_text(locale, f"doctor.default.{name}", {locale: value})
        return get_text(locale, "doctor.ok.default", name=name, default=default)
    if _SETTINGS_BY_NAME[name].metadata["secret"]:
        return get_text(locale, "doctor.ok.hidden", name=name)
    if name == "XIEBAO_EXTRA":
        value = get_text(locale, "list.comma").join(map(str, value))
    # A regular expression is shown as its pattern.
    return get_text(locale, "doctor.ok.setting", name=name, value=getattr(value, "pattern", value))


def check_gateway_url(settings: Settings, locale: str) -> Iterator[Finding]:
    """Yield findings about the gateway URL, and about a gateway simulator in production.

    A simulator in production is an error.
    """
    env, base_url = settings.environment, settings.gateway_base_url
    other_env = {url: name for name, url in GATEWAY_BASE_URLS.items() if name != env}.get(base_url)
    if not settings.enabled:
        yield warning_finding(get_text(locale, "doctor.off"))
    elif other_env:
        # In production, members would buy policies that are not real.
        build_finding = error_finding if env == "production" else warning_finding
        yield build_finding(get_text(locale, "doctor.gateway.other", env=env, other=other_env))
    elif base_url.startswith("/") and not _has_gateway_pages(base_url):
        yield warning_finding(get_text(locale, "doctor.gateway.missing", path=base_url))
    else:
        yield ok_finding(get_text(locale, f"doctor.ok.gateway.{env}", url=base_url))
    if base_url.startswith("http://") and not is_loopback_url(base_url):
        yield warning_finding(get_text(locale, "doctor.gateway.http", url=base_url))
    if env == "production" and (current_app.debug or current_app.testing):
        yield warning_finding(get_text(locale, "doctor.debug"))
    if env == "production" and _has_simulator():
        yield error_finding(get_text(locale, "doctor.simulator"))


def _has_simulator() -> bool:
    """Return True if the blueprint of a GatewaySimulator is registered in the current app."""
    # The keys of app.blueprints are not used, because a blueprint can be registered under another
    # name.
    names = {blueprint.name for blueprint in current_app.blueprints.values()}
    return "xiebao_gateway" in names


def _has_gateway_pages(mount_path: str) -> bool:
    url_adapter, prefix = current_app.url_map.bind("localhost"), unquote(mount_path).rstrip("/")
    try:
        for page in PAGES.values():
            url_adapter.match(prefix + page.path)
    except HTTPException:
        return False
    return True


def check_hooks(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield findings about member identification, the login view and the site's async functions.

    A hook is a function that the site registers, such as the ``member_loader``. An async hook is an
    error if the app cannot run it, for example because Flask's "async" extra is not installed.
    """
    if not state.hooks.can_identify_members():
        yield error_finding(get_text(locale, "doctor.nobody"))
    else:
        source = "member_loader" if "member_loader" in state.hooks.functions else "flask_login"
        yield ok_finding(get_text(locale, f"doctor.ok.{source}"))
    view = state.settings.login_view
    if view is not None and view not in current_app.view_functions:
        matches = get_close_matches(view, current_app.view_functions, 1)
        key = "doctor.login_view.misspelt" if matches else "doctor.login_view"
        yield error_finding(get_text(locale, key, view=view, meant="".join(matches)))
    if state.hooks.async_hook_names and not can_call_async_functions():
        hooks = get_text(locale, "list.comma").join(state.hooks.async_hook_names)
        yield error_finding(get_text(locale, "doctor.async", hooks=hooks))


def check_site_url(state: AppState, locale: str) -> Iterator[Finding]:
    """Yield findings about the site URL, which is the base of absolute links.

    Absolute links are used in mail, QR codes and paySuccess. The host of the site URL must be one
    that the site trusts, and its scheme should be https.
    """
    settings = state.settings
    if not is_site_url_configured(state):
        if are_trusted_hosts_enforced():
            yield warning_finding(get_text(locale, "doctor.address.mail"))
        else:
            # In production, a member's link must not be built from the Host header, which any
            # client can forge.
            build_finding = error_finding if settings.env == "production" else warning_finding
            yield build_finding(get_text(locale, "doctor.address.production"))
        return
    url = get_site_url(state).rstrip("/")
    source = "SERVER_NAME" if settings.public_url is None else "XIEBAO_PUBLIC_URL"
    values = {"url": url, "source": source}
    if is_loopback_url(url) and settings.env == "production":
        yield warning_finding(get_text(locale, "doctor.leaving.this_machine", **values))
    elif is_loopback_url(url) or url.lower().startswith("https://"):
        yield ok_finding(get_text(locale, "doctor.ok.leaving", **values))
    else:
        yield warning_finding(get_text(locale, "doctor.leaving.http", **values))
    root = current_app.config["APPLICATION_ROOT"].rstrip("/")
    path = unquote(urlsplit(settings.public_url or "").path)
    if settings.public_url and not f"{path}/".startswith(f"{root}/"):
        yield warning_finding(get_text(locale, "doctor.root", root=root))


def check_path_prefix(settings: Settings, locale: str) -> Iterator[Finding]:
    """Yield findings about the site's path prefix, such as ``/shop``, on a proxy or server.

    The proxy or server must pass this path to the app.
    """
    if settings.public_url is None:
        return
    path = urlsplit(settings.public_url).path
    proxy = find_middleware(ProxyFix)
    if proxy is not None and proxy.x_prefix:
        yield ok_finding(
            get_text(locale, f"doctor.ok.prefix.{'set' if path else 'none'}", path=path)
        )
    elif path and proxy is not None:
        yield warning_finding(get_text(locale, "doctor.prefix", path=path))
    elif path and current_app.config["APPLICATION_ROOT"].rstrip("/") == unquote(path):
        yield ok_finding(get_text(locale, "doctor.ok.mount", path=path))
    elif path and not _is_app_mounted_at_path(settings):
        yield warning_finding(get_text(locale, "doctor.mount", path=path))


def _is_app_mounted_at_path(settings: Settings) -> bool:
    """Return True if a middleware of the app itself serves the path of ``XIEBAO_PUBLIC_URL``."""
    url = f"{settings.public_url}{settings.url_prefix}/paid/-"
    return Visit(get_current_app(), url).endpoint == "xiebao.paid"


def check_caches_and_cookies(settings: Settings, locale: str) -> Iterator[Finding]:
    """Yield warnings about page caches and cookie settings that break insurance entries."""
    caches = current_app.extensions.get("cache")
    # Flask-Caching stores a mapping in app.extensions["cache"]. Another extension may store a
    # different type of object there.
    names = [type(each).__name__ for each in caches.values()] if isinstance(caches, Mapping) else []
    if any(name != "NullCache" for name in names) and settings.device_markup and settings.enabled:
        yield warning_finding(get_text(locale, "doctor.cache"))
    if str(current_app.config["SESSION_COOKIE_SAMESITE"]).lower() == "strict":
        yield warning_finding(get_text(locale, "doctor.cookie"))
