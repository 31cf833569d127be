"""The check of a site's insurance entries: open its pages, click, and say what is wrong.

The requests go through the whole app, middleware included, without a browser or the network.
``flask xiebao check``, the fixture ``check_entries`` and the console of the demo share it.
"""

from __future__ import annotations

import contextvars
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.settings import GATEWAY_BASE_URLS, Settings
from ..app.state import get_current_app_state
from ..errors import ConfigError
from ..gateway.pages import PAGES
from ..links.members import MemberId, normalize_member_id_or_none
from ..links.tokens import mask_tokens_and_credentials, parse_token_without_verifying
from .browser import (
    LoginFunction,
    SiteClient,
    Visitor,
    find_login_function_for_flask_login,
)
from .click import Click, ClickChecker, build_crash_failure, build_unreached_view_failure
from .devices import DEVICES, Device
from .masking import mask_text
from .page import CheckError, get_path_and_query, parse_html, strip_query
from .report import Failure, Report, Result, get_rules
from .site_page import PageChecker
from .visits import UNEXPECTED_EXCEPTIONS

_DEFAULT_DEVICES = ("iphone", "pc")
#: The check's own clicks: the name, the visitor and the reason of the expected refusal.
_OWN_CLICKS: tuple[tuple[str, Visitor, str], ...] = (
    ("product-plain", "member", ""),
    ("product-visitor", "nobody", ""),
    ("product-changed", "member", "invalid_link"),
)


def check_entries(
    app: Flask,
    *,
    pages: Iterable[str] = (),
    member: MemberId | None = None,
    login: LoginFunction | None = None,
    devices: Iterable[str] | None = None,
    expect_env: str | None = None,
    ignore: Iterable[str] = (),
) -> Report:
    """Open pages of a site as its members do, click the insurance entries, and report problems.

    The check also makes three clicks on product links of its own. It never calls the site's signal
    receivers. In production, it does not open the pages after payment.

    :param app: The site's app.
    :param pages: The pages of the site, such as ``/orders/8``. A string is a single page.
    :param member: The id of a member of the site. By default, the check makes up a member.
        On a site that uses Flask-Login, pass the value of the member's ``get_id()``.
    :param login: A function that logs a test client in as that member, by the site's own login. It
        is not needed for a member of a site that uses Flask-Login. With a login, the
        ``click_guard`` is called.
    :param devices: The names of devices in :data:`.DEVICES`, by default an iPhone and a PC, or
        ``"all"``.
    :param expect_env: The expected value of ``XIEBAO_ENV``.
    :param ignore: The rules to ignore, by their names in reports, such as ``page.empty``.
    :raises CheckError: if an argument is wrong, no member is logged in after the login, or
        BeautifulSoup or html5lib is not installed.
    :raises LinkError: if the member is not a valid id.
    :raises ConfigError: if the extension is not initialized for the app.
    """

    def run_check() -> Report:
        with app.app_context(), warnings.catch_warnings():
            # Flask before 3.1 warns if the Host header of a request differs from SERVER_NAME.
            warnings.filterwarnings("ignore", "Current server name", UserWarning)
            if pages:
                parse_html("")
            state = get_current_app_state()
            device_names = _check_names(
                _DEFAULT_DEVICES if devices is None else devices, ("all", *DEVICES), "device"
            )
            if not device_names:
                raise CheckError("No device is selected. Select at least one device.")
            if "all" in device_names:
                device_names = list(DEVICES)
            ignored_rules = _check_names(ignore, get_rules(), "rule")
            if expect_env is not None:
                _check_names(expect_env, GATEWAY_BASE_URLS, "environment")
            member_id = None if member is None else normalize_member_id_or_none(member)
            if member is not None and member_id is None:
                raise CheckError(f"The member's id must not be empty or 0, got {member!r}.")
            log_in = login
            if log_in is None and member_id is not None:
                log_in = find_login_function_for_flask_login(app)
            site = SiteClient(app, state, member_id, log_in, is_login_given=login is not None)
            run = _CheckRun(site, ignored_rules)
            page_urls = [_check_page_url(site, page) for page in _to_list(pages)]
            run.check_settings(expect_env)
            run.check_site(page_urls, [DEVICES[name] for name in device_names])
            return run.report

    # The caller may be in a request of the same app, so the check runs in a context of its own.
    return contextvars.Context().run(run_check)


def _to_list(names: Iterable[str]) -> list[str]:
    """Return the names as a list without duplicates. A string is a single name."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _check_names(names: Iterable[str], known_names: Iterable[str], kind: str) -> list[str]:
    """Return the names as a list.

    :raises CheckError: if a name is unknown.
    """
    names, known = _to_list(names), list(known_names)
    for name in names:
        if name not in known:
            choice = ", ".join(get_close_matches(name, known, 3) or known)
            raise CheckError(f"There is no {kind} {name!r}. Choose one of {choice}.")
    return names


def _check_page_url(site: SiteClient, url: str) -> str:
    """Return the absolute URL of a page that the caller named.

    :raises CheckError: if the URL is not a URL of the site.
    """
    if url.startswith("/") and not url.startswith("//"):
        root_path = urlsplit(site.url).path
        has_root_path = bool(root_path) and url.startswith(f"{root_path}/")
        url = f"{site.origin if has_root_path else site.url}{url}"
    if not site.has_site_host(url) or not url.isprintable():
        shown = mask_tokens_and_credentials(strip_query(url))
        raise CheckError(
            f'"{shown}" is not a page of the site. Use a path, such as "/orders/8", or a URL that'
            f' begins with "{site.external_url}".'
        )
    return url


class _CheckRun:
    """One run of :func:`check_entries`, which collects its results in a report."""

    def __init__(self, site: SiteClient, ignored_rules: list[str]) -> None:
        settings = site.settings
        self.report = Report(
            site=site.app.name,
            url=site.external_url,
            environment=settings.environment,
            gateway=site.gateway_root_url,
            at=datetime.now().astimezone(),
            versions={name: version(name) for name in ("Flask-Xiebao", "Flask")},
        )
        self.report.ignored.update(dict.fromkeys(ignored_rules, 0))
        self._site = site
        self._is_production = settings.environment == "production"
        self._checker = ClickChecker(site, opens_return_to=not self._is_production)

    def check_settings(self, expected_environment: str | None) -> None:
        """Check the environment, the site's URL, late changes of settings, and the members."""
        self._record(Result("", failures=tuple(self._iter_setting_failures(expected_environment))))

    def _iter_setting_failures(self, expected_environment: str | None) -> Iterator[Failure]:
        site, state, environment = self._site, self._site.state, self.report.environment
        if expected_environment not in (None, environment):
            yield Failure("environment", environment, str(expected_environment))
        is_address_known = is_site_url_configured(state) or are_trusted_hosts_enforced()
        if self._is_production and not is_address_known:
            yield Failure("unknown_address", "XIEBAO_PUBLIC_URL: —")
        try:
            current = Settings.from_config(site.app.config)
            late_names = list(state.settings.find_changed_setting_names(current))
        except ConfigError as error:
            late_names = [f"{name} {problem}" for name, problem in error.problems.items()]
        for name in late_names:
            yield Failure("settings.late", name)
        if not state.hooks.can_identify_members():
            yield Failure("members.unknown", "member_loader: —")
        if site.is_always_logged_in and (self._is_production or site.is_real_member):
            yield Failure("anonymous", "member_loader: …", "member_loader: None")
        # The number of a database row and an email address can be guessed.
        is_guessable = site.member.isdecimal() or "@" in site.member
        if self._is_production and site.settings.member_secret is None and is_guessable:
            yield Failure("members.guessable", "XIEBAO_MEMBER_SECRET: —")

    def check_site(self, page_urls: list[str], devices: list[Device]) -> None:
        """Open the pages and click their entries, then make the check's own clicks."""
        site = self._site
        if site.unreached_visit is not None:
            failure = build_unreached_view_failure(site.unreached_visit, "xiebao.product")
            self._record(Result("", "address", failures=(failure,)))
            return
        for url in page_urls:
            self._check_page(url, devices)
        if site.settings.enabled:
            for device in devices:
                for result in self._iter_own_results(device):
                    self._record(result)
        is_simulated = site.is_real_member and not site.has_login_function
        notes = {
            "off": not site.settings.enabled,
            "pages": not page_urls,
            "simulated_login": is_simulated,
            "no_login": site.settings.enabled and not site.has_login_page,
            "everybody": site.is_always_logged_in,
            "return_pages": not site.is_real_member and not self._is_production,
        }
        self.report.notes += [name for name, applies in notes.items() if applies]

    def _check_page(self, url: str, devices: list[Device]) -> None:
        """Check a page on each device. A page without entries is wrong if no device shows any."""
        checkers = [PageChecker(self._site, self._checker, url, device) for device in devices]
        results = [list(checker.iter_results()) for checker in checkers]
        failures = [checker.empty_failure for checker in checkers]
        is_empty = all(failures) and self._site.settings.enabled
        for (page, *entries), failure in zip(results, failures, strict=True):
            if failure is not None and is_empty:
                page = replace(page, failures=(*page.failures, failure))
            for result in (page, *entries):
                self._record(result)

    def _iter_own_results(self, device: Device) -> Iterator[Result]:
        """Make the check's own clicks, and yield the results."""
        reference = PAGES["product"].sample_reference
        knows_members = self._site.state.hooks.can_identify_members()
        options: dict[str, Any] = {}
        if not knows_members:  # All links of the site must be links that need no login.
            options = {"member": self._site.member, "no_login_for": 3600}
        try:
            url = self._site.build_link("product", reference, return_to="/", **options)
        except UNEXPECTED_EXCEPTIONS as error:
            failure = build_crash_failure(error)
            yield Result("", "product-plain", device, failures=(failure,))
            return
        link = get_path_and_query(url)
        entry = parse_token_without_verifying(urlsplit(url).path.rpartition("/")[2])
        for name, visitor, expected in _OWN_CLICKS:
            if knows_members or name != "product-plain":
                clicked = _change_signature(link) if expected else link
                click = Click(clicked, entry, device, visitor, expected, f"{self._site.url}/")
                yield self._checker.build_result(click, Result("", name, device, visitor))

    def _record(self, result: Result) -> None:
        """Add a result to the report. Mask its secrets, and only count ignored failures."""
        failures = []
        for failure in dict.fromkeys(result.failures):
            ignored = [
                rule for rule in self.report.ignored if f"{failure.rule}.".startswith(f"{rule}.")
            ]
            self.report.ignored.update(ignored[:1])
            if not ignored:
                actual, expected = self._mask(failure.actual), self._mask(failure.expected)
                failures.append(replace(failure, actual=actual, expected=expected))
        self.report.results.append(
            replace(
                result,
                page=self._mask(result.page),
                entry=self._mask(result.entry),
                failures=tuple(failures),
            )
        )

    def _mask(self, text: str) -> str:
        return mask_text(self._site, text)


def _change_signature(link: str) -> str:
    """Return a link whose signature is wrong.

    A character in the middle is changed, because some bits of the last one are unused.
    """
    payload, dot, signature = link.rpartition(".")
    replacement = "B" if signature[9] == "A" else "A"
    return f"{payload}{dot}{signature[:9]}{replacement}{signature[10:]}"
