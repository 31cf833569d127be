"""The check of a site's insurance entries: open its pages, click, and say what is wrong.

The requests go through the whole app, middleware included, without a browser or the network.
``flask xiebao check``, the fixture ``check_entries`` and the console of the demo share it.
"""

from __future__ import annotations

import contextvars
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.settings import GATEWAY_BASE_URLS, Settings
from ..app.state import AppState, get_current_app_state
from ..errors import ConfigError, LinkError
from ..gateway.pages import PAGES
from ..links.members import MemberId, normalize_member_id_or_none
from ..links.tokens import mask_tokens_and_credentials, parse_token_without_verifying
from .browser import (
    LoginFunction,
    SiteClient,
    Visitor,
    find_guessable_id_kind,
    find_login_function_for_flask_login,
)
from .click import Click, ClickChecker, build_crash_failure, build_unreached_view_failure
from .devices import DEVICES, Device
from .masking import SecretMasker
from .page import CheckError, get_path_and_query, parse_html, strip_query
from .report import Failure, Report, Result, get_rules
from .site_page import PageChecker
from .visits import UNEXPECTED_EXCEPTIONS, format_request_hook_names

_DEFAULT_DEVICES = ("iphone", "pc")
#: The check's own clicks: the name, the visitor and the expected outcome.
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
    progress: Callable[[int, int], object] | None = None,
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
    :param progress: A function that is called with the number of pages and clicks done, and with
        their total as far as it is known.
    :raises CheckError: if an argument is wrong, no member is logged in after the login, or
        BeautifulSoup or html5lib is not installed.
    :raises ConfigError: if the extension is not initialized for the app.
    """

    def run_check() -> Report:
        with app.app_context(), warnings.catch_warnings():
            # Flask before 3.1 warns if the Host header of a request differs from SERVER_NAME.
            warnings.filterwarnings("ignore", "Current server name", UserWarning)
            if pages:
                parse_html("")
            state = get_current_app_state()
            member_id = None if member is None else _normalize_member(state, member)
            log_in = login
            if log_in is None and member_id is not None:
                log_in = find_login_function_for_flask_login(app)
            device_names = _to_list(_DEFAULT_DEVICES if devices is None else devices)
            if not device_names:
                raise CheckError("No device is selected. Select at least one device.")
            _check_names(device_names, ("all", *DEVICES), "device")
            if "all" in device_names:
                device_names = list(DEVICES)
            _check_names(_to_list(ignore), get_rules(), "rule")
            if expect_env not in (None, *GATEWAY_BASE_URLS):
                environments = " or ".join(GATEWAY_BASE_URLS)
                raise CheckError(f"expect_env must be {environments}, got {expect_env!r}.")
            site = SiteClient(app, state, member_id, log_in, is_login_given=login is not None)
            run = _CheckRun(site, _to_list(ignore), progress)
            page_urls = [_check_page_url(site, page) for page in _to_list(pages)]
            run.check_settings(expect_env)
            run.check_site(page_urls, [DEVICES[name] for name in device_names])
            return run.report

    # The caller may be in a request of the same app, so the check runs in a context of its own.
    return contextvars.Context().run(run_check)


def _to_list(names: Iterable[str]) -> list[str]:
    """Return the names as a list without duplicates. A string is a single name."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _check_names(names: Iterable[str], known_names: Iterable[str], kind: str) -> None:
    """Raise CheckError if a name is unknown."""
    known = list(known_names)
    for name in names:
        if name not in known:
            choice = ", ".join(get_close_matches(name, known, 3) or known)
            raise CheckError(f"There is no {kind} {name!r}. Choose one of {choice}.")


def _normalize_member(state: AppState, member: MemberId) -> str:
    if not state.hooks.can_identify_members():
        raise CheckError(
            "A member was passed, but Flask-Xiebao cannot find out who is logged in to this site."
            " Register a member_loader, or do not pass a member."
        )
    try:
        member_id = normalize_member_id_or_none(member)
    except LinkError as error:
        raise CheckError(str(error)) from None
    if member_id is None:
        raise CheckError(f"The member's id must not be empty or 0, got {member!r}.")
    return member_id


def _check_page_url(site: SiteClient, url: str) -> str:
    """Return the absolute URL of a page that the caller named.

    :raises CheckError: if the URL is not a URL of the site.
    """
    if url.startswith("/") and not url.startswith("//") and url.isprintable():
        has_root_path = bool(site.root_path) and url.startswith(f"{site.root_path}/")
        return f"{site.origin if has_root_path else site.url}{url}"
    if not site.has_site_host(url) or not url.isprintable():
        raise CheckError(
            f'"{mask_tokens_and_credentials(strip_query(url))}" is not a page of the site. Use a'
            f' path, such as "/orders/8", or a URL that begins with "{site.external_url}".'
        )
    return url


class _CheckRun:
    """One run of :func:`check_entries`, which collects its results in a report."""

    def __init__(
        self,
        site: SiteClient,
        ignored_rules: list[str],
        progress: Callable[[int, int], object] | None,
    ) -> None:
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
        self._masker = SecretMasker(site)
        self._progress = progress
        self._remaining = 0

    def check_settings(self, expected_environment: str | None) -> None:
        """Check the environment, the site's URL, late changes of settings, and the members."""
        self._record(Result("", failures=tuple(self._iter_setting_failures(expected_environment))))

    def _iter_setting_failures(self, expected_environment: str | None) -> Iterator[Failure]:
        state, environment = self._site.state, self.report.environment
        if expected_environment not in (None, environment):
            yield Failure("environment", environment, str(expected_environment))
        is_address_known = is_site_url_configured(state) or are_trusted_hosts_enforced()
        if self._is_production and not is_address_known:
            yield Failure("unknown_address", "XIEBAO_PUBLIC_URL: —")
        try:
            current = Settings.from_config(self._site.app.config)
            late_names = list(state.settings.find_changed_setting_names(current))
        except ConfigError as error:
            late_names = [f"{name} {problem}" for name, problem in error.problems.items()]
        for name in late_names:
            yield Failure("settings.late", name)
        if not state.hooks.can_identify_members():
            yield Failure("members.unknown", "member_loader: —")
        if self._site.anonymous_member is not None:
            if self._is_production or self._site.is_real_member:
                yield Failure("anonymous", "member_loader: …", "member_loader: None")
            else:
                self.report.notes["everybody", ""] = None
        sample_member = self._site.member if self._site.is_real_member else ""
        id_kind = find_guessable_id_kind(state, sample_member)
        # The kind "get_id" is no failure, because get_id() may return any text.
        if (
            self._is_production
            and state.settings.member_secret is None
            and id_kind in ("email", "row")
        ):
            yield Failure("members.guessable", "XIEBAO_MEMBER_SECRET: —")

    def check_site(self, page_urls: list[str], devices: list[Device]) -> None:
        """Open the pages and click their entries, then make the check's own clicks."""
        visit = self._site.unreached_visit
        if visit is not None:
            failure = build_unreached_view_failure(visit, "xiebao.product")
            self._record(Result("", "address", failures=(failure,)))
            self.report.notes["nothing_else", ""] = None
            return
        self._remaining = len(devices) * (len(page_urls) + len(_OWN_CLICKS))
        for url in page_urls:
            self._check_page(url, devices)
        if self._site.settings.enabled:
            for device in devices:
                for result in self._iter_own_results(device):
                    self._record(result)
        else:
            self.report.notes["off", ""] = None
        self.report.notes |= {
            (key, self._masker.mask_text(what)): None for key, what in self._checker.notes
        }
        if not page_urls:
            self.report.notes["pages", ""] = None
        if self._site.is_real_member and not self._site.has_login_function:
            self.report.notes["simulated_login", ""] = None
        if self._site.settings.enabled and not self._site.has_login_page:
            self.report.notes["no_login", ""] = None

    def _check_page(self, url: str, devices: list[Device]) -> None:
        """Check a page on each device. A page without entries is wrong if no device shows any."""
        checkers = [PageChecker(self._site, self._checker, url, device) for device in devices]
        results = [list(checker.iter_results()) for checker in checkers]
        failures = [checker.empty_failure for checker in checkers]
        is_empty = all(failures) and self._site.settings.enabled
        if any(failures) and not is_empty:
            self.report.notes["empty", self._masker.mask_text(get_path_and_query(url))] = None
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
            link = self._site.build_link("product", reference, return_to="/", **options)
        except UNEXPECTED_EXCEPTIONS as error:
            failure = build_crash_failure(error)
            yield Result("", "product-plain", device, failures=(failure,))
            return
        entry = parse_token_without_verifying(urlsplit(link).path.rpartition("/")[2])
        for name, visitor, expected in _OWN_CLICKS:
            if knows_members or name != "product-plain":
                clicked = get_path_and_query(_change_signature(link) if expected else link)
                referer = f"{self._site.url}/"
                click = Click(clicked, entry, device, visitor, expected, referer, False)
                yield self._checker.build_result(click, Result("", name, device, visitor))

    def _record(self, result: Result) -> None:
        """Add a result to the report. Mask its secrets, and only count ignored failures."""
        failures = []
        mask = self._masker.mask_text
        for failure in dict.fromkeys(result.failures):
            ignored = next(
                (rule for rule in self.report.ignored if f"{failure.rule}.".startswith(f"{rule}.")),
                None,
            )
            if ignored is not None:
                self.report.ignored[ignored] += 1
                continue
            app, hooks = self._site.app, failure.hooks
            suspects = format_request_hook_names(app, hooks) if hooks else ""
            failures.append(
                replace(
                    failure,
                    actual=mask(failure.actual),
                    expected=mask(failure.expected),
                    values={name: mask(value) for name, value in failure.values.items()},
                    suspects=suspects,
                )
            )
        self.report.results.append(
            replace(
                result,
                page=mask(result.page),
                entry=mask(result.entry),
                location=mask(result.location),
                failures=tuple(failures),
            )
        )
        self._remaining = max(0, self._remaining - 1)
        if self._progress is not None:
            done = len(self.report.results)
            self._progress(done, done + self._remaining)


def _change_signature(link: str) -> str:
    """Return a link whose signature is wrong.

    A character in the middle is changed, because some bits of the last one are unused.
    """
    payload, dot, signature = link.rpartition(".")
    replacement = "B" if signature[9] == "A" else "A"
    return f"{payload}{dot}{signature[:9]}{replacement}{signature[10:]}"
