"""What ``flask xiebao doctor`` finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException

from ..config import ENVIRONMENTS, NEW_KEY, Settings, name_of
from ..errors import ConfigError, XiebaoError
from ..hooks import login_manager
from ..pages import PAGES
from ..state import State
from ..testing import GatewaySimulator
from ..urls import trusts_hosts
from ..values import Secret
from .findings import ERROR, Finding, bad, ok, warning
from .link import local_link

_KNOWN = {name_of(setting.name): setting for setting in fields(Settings)}
_UNSET = {
    "XIEBAO_ENV": "test",
    "XIEBAO_BASE_URL": "the gateway of XIEBAO_ENV",
    "XIEBAO_LOCALE": "Flask-Babel's, else zh",
    "XIEBAO_STRICT": "in debug and testing",
}
_SHORTEST_KEY = 16
# Keys that tutorials print and that are long enough, without punctuation.
_PUBLISHED_KEYS = (
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def check_refused(refusal: ConfigError) -> list[Finding]:
    """Say what is wrong with an app that did not load."""
    findings = list(check_settings(refusal.app)) if refusal.app else []
    if all(level != ERROR for level, _ in findings):
        findings += map(bad, str(refusal).splitlines())
    return findings


def check_site(state: State) -> Iterator[Finding]:
    """Say what is right and wrong with the current app."""
    yield from check_settings(current_app, state.settings)
    yield check_destination(state.settings)
    yield from check_login(state)
    yield check_links_that_leave(state.settings)
    try:
        yield check_secret_key(state)
    except ConfigError as error:
        yield bad(str(error))
        return
    if state.settings.enabled:
        yield from (check_round_trip(state, page) for page in PAGES)


def check_settings(app: Flask, in_force: Settings | None = None) -> Iterator[Finding]:
    """Go through every setting, and find those that are misspelled or came too late.

    :param in_force: the settings that ``init_app`` read.
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
        else:
            yield ok(f"{name}{_shown_setting(name, value)}")
    yield from _check_other_names(app)


def _value(settings: Settings, field: str) -> object:
    value = getattr(settings, field)
    return value.reveal() if isinstance(value, Secret) else value


def _check_other_names(app: Flask) -> Iterator[Finding]:
    others = app.config.keys() - _KNOWN.keys() - Flask.default_config.keys()
    for name in sorted(name for name in others if isinstance(name, str)):
        ours = name.startswith("XIEBAO_")
        if meant := get_close_matches(name, _KNOWN, 1, 0.6 if ours else 0.85):
            yield warning(f"{name} is not a setting: did you mean {meant[0]}?")
        elif ours:
            yield warning(f"{name} is not a setting of Flask-Xiebao: remove it.")


def _shown_setting(name: str, value: Any) -> str:
    if value is None:
        default = _UNSET.get(name, _KNOWN[name].default)
        is_none = default in (None, "") or isinstance(default, Secret)
        return f" is not set: {'none' if is_none else default}"
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
    base_url = settings.base_url or ENVIRONMENTS[env]
    other = {url: name for name, url in ENVIRONMENTS.items() if name != env}.get(base_url)
    if other:
        return warning(
            f"XIEBAO_ENV is {env}, but XIEBAO_BASE_URL is the {other} gateway, which has another"
            " key: remove XIEBAO_BASE_URL."
        )
    paths = [base_url.rstrip("/") + row.path for row in PAGES.values()]
    if base_url.startswith("/") and not all(map(_endpoint, paths)):
        return warning(
            f"XIEBAO_BASE_URL is the path {base_url} of this site, where the app has no gateway:"
            " register the blueprint of a GatewaySimulator there."
        )
    real = "policies are real" if env == "production" else "no policy is real"
    return ok(f"Entries lead to {base_url} ({env}: {real}).")


def _endpoint(path: str) -> tuple[str, Mapping[str, Any]] | None:
    """Return the endpoint at a path of this app, and its values."""
    try:
        return current_app.url_map.bind("localhost").match(unquote(path))
    except HTTPException:
        return None


def check_login(state: State) -> Iterator[Finding]:
    """Say whether the site knows its members, and where those who are not logged in go."""
    if not state.hooks.members_are_known():
        yield warning(
            "Nothing says who is logged in, so only links with max_age can be followed: add a"
            " member_loader."
        )
    else:
        source = "Flask-Login" if not state.hooks.has_member_loader else "A member_loader"
        yield ok(f"{source} says who is logged in.")
    view = state.settings.login_view
    if view is None:
        answer = "are sent to log in by Flask-Login" if login_manager() else "get a 401 page"
        yield ok(f"Visitors who are not logged in {answer}. XIEBAO_LOGIN_VIEW can name your login.")
    elif view not in current_app.view_functions:
        meant = get_close_matches(view, current_app.view_functions, 1)
        advice = f"did you mean {meant[0]}?" if meant else "flask routes lists those there are."
        yield bad(f"XIEBAO_LOGIN_VIEW: there is no endpoint {view}: {advice}")


def check_links_that_leave(settings: Settings) -> Finding:
    """Say whether links in mail, QR codes and paySuccess have a host to trust, and are https."""
    source, url = "XIEBAO_PUBLIC_URL", settings.public_url
    if url is None and (host := current_app.config["SERVER_NAME"]):
        source, url = "SERVER_NAME", f"{current_app.config['PREFERRED_URL_SCHEME']}://{host}"
    if url is None:
        if trusts_hosts():
            safe = "TRUSTED_HOSTS names those there can be, but without a request there is none"
        else:
            safe = (
                "a forged one would carry them away, so outside debug and testing none with a"
                " member is made, save for the handoff, which only its asker sees, and payments do"
                " not come back"
            )
        return warning(
            f"Nothing says where the site is. Links that leave it take the host of the request:"
            f" {safe}. Set XIEBAO_PUBLIC_URL, such as https://shop.example (while you develop,"
            " http://127.0.0.1:5000)."
        )
    begin = f"Links that leave the site begin with {url} ({source})"
    if _is_this_machine(url):
        if settings.env == "production":
            return warning(
                f"{begin}: to whoever follows them, that is their own machine. Name the site."
            )
        return ok(f"{begin}.")
    if url.startswith("https://"):
        return ok(f"{begin}.")
    return warning(f"{begin}, and can be read on their way: set XIEBAO_PUBLIC_URL to https://….")


def _is_this_machine(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _THIS_MACHINE
    except ValueError:
        return False


def check_secret_key(state: State) -> Finding:
    """Say whether links are signed with a key that nobody can guess.

    :raises ConfigError: when they cannot be signed at all.
    """
    state.signer  # noqa: B018 - it raises
    weak = [name for name, key in _keys() if _is_weak(key)]
    if weak:
        return warning(
            f"{weak[0]} is short or well known: anyone who guesses it can forge links. {NEW_KEY}."
        )
    return ok("SECRET_KEY signs the links.")


def _keys() -> Iterator[tuple[str, str | bytes]]:
    yield "SECRET_KEY", current_app.config["SECRET_KEY"]
    for key in current_app.config.get("SECRET_KEY_FALLBACKS") or ():
        yield "One of SECRET_KEY_FALLBACKS", key


def _is_weak(key: str | bytes) -> bool:
    text = key if isinstance(key, str) else key.decode("latin-1")
    letters = re.sub("[^a-z0-9]", "", text.lower())
    return len(text) < _SHORTEST_KEY or letters in _PUBLISHED_KEYS


def check_round_trip(state: State, page: str) -> Finding:
    """Make a link, find its endpoint, open its token, build its gateway URL, have that checked."""
    settings = state.settings
    try:
        link = local_link(state, page, PAGES[page].sample, member="doctor", max_age=60)
        endpoint, values = _endpoint(urlsplit(link).path) or ("nowhere", {})
        if endpoint != f"xiebao.{page}":
            return bad(f"{page}: its links lead to {endpoint}: change XIEBAO_URL_PREFIX.")
        entry = state.signer.loads(values["token"])
        url = state.gateway.url(page, entry.reference, partner_uniq_key=entry.member)
    except Exception as error:  # a site may hook into URLs; what others say may hold passwords
        why = error if isinstance(error, XiebaoError) else "try to make one in flask shell."
        return bad(f"{page}: a link fails with {type(error).__name__}: {why}")
    simulator = GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )
    if not simulator.check(url).accepted:
        return bad(f"{page}: the simulator of the gateway refuses what a link leads to.")
    return ok(f"{page} ({PAGES[page].section}): a link was made, found and opened, and leads on.")
