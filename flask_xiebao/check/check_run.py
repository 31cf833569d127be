"""A check of a site's insurance entries that follows them with a test client, without a browser.

The requests go through the whole app, middleware included.
``flask xiebao check``, the fixture ``check_entries`` and the console of the demo share it.
The cases are in :mod:`.cases`, the devices in :mod:`.devices`, and the checks of responses and
pages in :mod:`.response_checks` and :mod:`.page_checks`. Nothing is sent to Xiebao.
"""

from __future__ import annotations

import contextvars
import time
import warnings
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from typing import TypeVar

from flask import Flask

from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.hooks import check_accepts_arguments
from ..app.log import get_function_name
from ..app.settings import GATEWAY_BASE_URLS, Settings
from ..app.state import AppState, get_current_app_state
from ..errors import ConfigError, LinkError
from ..gateway.values import check_named_value, check_web_url, normalize_query_text
from ..links.members import MemberId, normalize_member_id_or_none
from ..links.tokens import mask_tokens_and_credentials
from ..texts import get_text_keys
from .browsers import LoginFunction, find_login_function_for_flask_login
from .case_runner import CaseRunner
from .cases import Case, build_cases, build_site_page_case
from .devices import DEVICES, Device, build_mobile_app_devices, guess_user_agent_for_pattern
from .log_capture import capture_log
from .masking import SecretMasker, mask_member_id
from .member_ids import find_guessable_id_kind
from .response_checks import Failure
from .results import Note, Report, Result
from .site import Site, strip_query
from .site_client import PHONE, CheckError, SiteClient
from .site_page_checker import SitePageChecker
from .visits import Visit

T = TypeVar("T")
_REPORTED_PACKAGES = ("Flask-Xiebao", "Flask")
# The devices on which most test cases run by default. Two kinds of test cases run on all devices: a
# member's click on a link without options, and a click on an entry of the site's pages.
_DEFAULT_DEVICES = ("iphone", "pc")


def check_entries(
    app: Flask,
    *,
    devices: Iterable[str | Device] | None = None,
    only: Collection[str] | None = None,
    pages: Iterable[str] = (),
    links: Iterable[str] = (),
    member: MemberId | None = None,
    login: LoginFunction | None = None,
    app_user_agent: str | None = None,
    url: str | None = None,
    with_receivers: bool = False,
    full: bool = False,
    follow_return: bool = False,
    expect_env: str | None = None,
    ignore: Iterable[str] = (),
    progress: Callable[[int, int], object] | None = None,
) -> Report:
    """Follow a site's insurance entries on many simulated devices and report unexpected responses.

    The check needs neither a browser nor the network. It makes up the members unless you name one.
    By default, it does not call the site's signal receivers. Plain clicks, and clicks on the named
    pages and links, are made on every device, all other clicks on an iPhone and a PC. In
    production, the check makes only these clicks and those of an anonymous visitor on a link to a
    product.

    :param app: The site's app.
    :param devices: The names of devices in :data:`.DEVICES`, or other devices. All cases run on all
        of these devices.
    :param only: The names of cases, such as ``product-plain``. By default, all cases run. With
        pages or links, this may be empty.
    :param pages: The pages of the site, such as ``/orders/8``, whose entries are followed, too. If
        a member is named, the pages to show after payment must open.
    :param links: Links of the site, such as those in its mails. A link that needs no login is
        followed by an anonymous visitor, any other link by the member.
    :param member: The id of a member of the site. By default, the check makes up a member.
        On a site that uses Flask-Login, pass the value of the member's ``get_id()``.
    :param login: A function that logs a test client in as that member, by the site's own login. It
        is not needed for a member of a site that uses Flask-Login. With a login, the
        ``click_guard`` is called for the entries on the pages.
    :param app_user_agent: The text that the site's own app adds to a User-Agent, such as
        ``ShopApp/3.2``. It is needed if it cannot be guessed from ``XIEBAO_APP_USER_AGENT``.
    :param url: The URL of the site, with the path below which the site is mounted. By default, the
        site's settings specify it.
    :param with_receivers: True to call the site's signal receivers for the clicks.
    :param full: True to run all cases on all devices, also in production.
    :param follow_return: True to open the pages to show after payment in production, too. A shop
        may treat such a page view as a completed payment.
    :param expect_env: The expected value of ``XIEBAO_ENV``.
    :param ignore: The rules to ignore, by their names in reports, such as
        ``header.referrer-policy``, or ``header`` for all rules of headers.
    :param progress: A function that is called with the number of clicks done and the total.
    :raises CheckError: if an argument is wrong, no case, page or link is left to check, or no
        member is logged in after the login.
    :raises ConfigError: if the extension is not initialized for the app.
    """

    def run_check() -> Report:
        with app.app_context(), capture_log(app), warnings.catch_warnings():
            # Flask before 3.1 warns if the Host header of a request differs from SERVER_NAME.
            warnings.filterwarnings("ignore", "Current server name", UserWarning)
            state = get_current_app_state()
            member_id = None if member is None else _normalize_requested_member(state, member)
            if login is not None:
                _check_login_function(login)
            log_in = login or (
                find_login_function_for_flask_login(app) if member_id is not None else None
            )
            site_client = SiteClient(
                app,
                state,
                member_id,
                log_in,
                is_login_given=login is not None,
                url=None if url is None else _check_site_url(url),
                calls_receivers=with_receivers,
            )
            run = _CheckRun(site_client, url, _normalize_ignored_rules(ignore), progress)
            app_devices = {
                device.name: device for device in run.iter_mobile_app_devices(app_user_agent)
            }
            chosen_devices = _choose_devices({**DEVICES, **app_devices}, devices)
            page_urls = [
                _check_page_url(site_client.site, page) for page in _normalize_name_list(pages)
            ]
            link_urls = [
                _check_page_url(site_client.site, link) for link in _normalize_name_list(links)
            ]
            skips_cases = only is not None and not only and (page_urls or link_urls)
            cases = [] if skips_cases else run.select_cases_and_add_notes(only, full=full)
            if not cases and not page_urls and not link_urls:
                raise CheckError(
                    "None of the selected test cases applies to this site. Select other test cases."
                )
            run.check_configuration(expect_env)
            if site_client.unreached_visit is not None:
                return run.build_unreachable_site_report(site_client.unreached_visit)
            run.select_devices_for_cases(
                cases, chosen_devices, on_all_devices=full or devices is not None
            )
            run.check_pages_and_links(
                page_urls,
                link_urls,
                chosen_devices,
                opens_return_to=follow_return or run.report.environment != "production",
            )
            run.run_planned_cases()
            return run.finish_report(page_urls)

    # The caller may be in a request of the same app, so the check runs in a context of its own.
    return contextvars.Context().run(run_check)


def _normalize_requested_member(state: AppState, member: MemberId) -> str:
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
        raise CheckError(
            f"The member's id must not be empty or 0, got {member!r}. Pass the id of a"
            " member, or leave out the id to use a placeholder member."
        )
    return member_id


def _check_login_function(login: LoginFunction) -> None:
    try:
        check_accepts_arguments("login", login, ("client", "member"))
    except ConfigError:
        raise CheckError(
            f'The login function "{get_function_name(login)}" must accept two arguments, a test'
            " client and a"
            " member's id. Define it as `def log_in(client, member)`."
        ) from None


def _check_site_url(url: str) -> str:
    return check_named_value(
        f"The url {mask_tokens_and_credentials(strip_query(url))!r}", check_web_url, url, CheckError
    )


def _normalize_ignored_rules(ignore: Iterable[str]) -> list[str]:
    prefix = "check.means."
    rules = {key.removeprefix(prefix): key for key in get_text_keys() if key.startswith(prefix)}
    rules |= {rule.partition(".")[0]: rule for rule in rules}
    return list(_map_names_to_objects(rules, _normalize_name_list(ignore), "rule"))


def _choose_devices(
    known_devices: Mapping[str, Device], devices: Iterable[str | Device] | None
) -> list[Device]:
    if devices is None or isinstance(devices, str):
        return _select_all_or_by_names(known_devices, devices, "device")
    devices = list(devices)
    custom_devices = {device.name: device for device in devices if isinstance(device, Device)}
    names = [device.name if isinstance(device, Device) else device for device in devices]
    return _select_all_or_by_names({**known_devices, **custom_devices}, names, "device")


def _select_all_or_by_names(
    known_objects: Mapping[str, T], names: Iterable[str] | None, object_type: str
) -> list[T]:
    if names is None:
        return list(known_objects.values())
    names = _normalize_name_list(names)
    if not names:
        raise CheckError(
            f"No {object_type} is selected. Select at least one {object_type}, or pass None to"
            " select all."
        )
    return list(_map_names_to_objects(known_objects, names, object_type).values())


def _map_names_to_objects(
    known_objects: Mapping[str, T], names: Iterable[str], object_type: str
) -> dict[str, T]:
    """Return a dict that maps each name to its object.

    :raises CheckError: if a name is unknown.
    """
    for name in names:
        if name not in known_objects:
            matches = get_close_matches(name, known_objects, 3)
            if matches:
                raise CheckError(
                    f"There is no {object_type} {name!r}. Did you mean {', '.join(matches)}?"
                )
            raise CheckError(
                f"There is no {object_type} {name!r}. Choose one of {', '.join(known_objects)}."
            )
    return {name: known_objects[name] for name in names}


def _normalize_name_list(names: Iterable[str]) -> list[str]:
    """Return the names as a list without duplicates. A string is a single name."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _check_page_url(site: Site, url: str) -> str:
    masked_url = mask_tokens_and_credentials(strip_query(url))
    check_named_value(f"The page {masked_url!r}", normalize_query_text, url, CheckError)
    is_path = url.startswith("/") and not url.startswith("//")
    if not is_path and not site.has_site_host(url):
        raise CheckError(
            f'{masked_url!r} is not a page of the site. Use a path, such as "/orders/8", or a URL'
            f' that begins with "{site.external_url}".'
        )
    return url


def _check_settings_unchanged(loaded_settings: Settings, app: Flask) -> list[Failure]:
    """Return a failure for each setting that was changed after the extension had read it.

    If the changed settings are invalid, return a failure for each invalid setting instead.
    """
    try:
        changed_names = loaded_settings.find_changed_setting_names(Settings.from_config(app.config))
    except ConfigError as error:
        return [
            Failure("settings.invalid", f"{name} {problem}", "—")
            for name, problem in error.problems.items()
        ]
    return [Failure("settings.late", name, "—") for name in changed_names]


class _CheckRun:
    """One run of :func:`check_entries`, which collects its results in a report.

    :param site_client: The client that sends the requests.
    :param url: The URL of the site that the caller named, or None.
    :param ignored_rules: The rules whose failures are only counted.
    :param progress: A function that is called with the number of clicks done and the total.

    :ivar report: The report with the results so far.
    """

    def __init__(
        self,
        site_client: SiteClient,
        url: str | None,
        ignored_rules: Sequence[str],
        progress: Callable[[int, int], object] | None,
    ) -> None:
        site = site_client.site
        self.report = Report(
            site=site_client.app.name,
            url=site.external_url
            if url is not None or is_site_url_configured(site_client.state)
            else None,
            environment=site.settings.environment,
            gateway=site.gateway_root_url,
            at=datetime.now().astimezone(),
            member=None if site.member is None else mask_member_id(site.member),
            versions={name: version(name) for name in _REPORTED_PACKAGES},
        )
        self._site_client = site_client
        self._ignored_rules = ignored_rules
        self._progress = progress
        self._planned_cases = deque[tuple[Case, Device]]()
        self._knows_members = site_client.state.hooks.can_identify_members()
        self._makes_few_clicks = False
        self._case_runner, self._masker = CaseRunner(site_client), SecretMasker(site_client.site)
        self._last_result_time = time.perf_counter()

    def iter_mobile_app_devices(self, app_user_agent: str | None) -> Iterator[Device]:
        """Yield the simulated devices with the site's own mobile app, if the site has one."""
        pattern = self._site_client.state.settings.app_user_agent
        if app_user_agent == "":
            raise CheckError(
                "app_user_agent must not be empty. Pass the text that the site's mobile app adds to"
                ' its User-Agent, such as "ShopApp/3.2".'
            )
        if pattern is not None:
            app_user_agent = app_user_agent or guess_user_agent_for_pattern(pattern)
            if app_user_agent is None:
                self._add_note("no_app")
            else:
                yield from build_mobile_app_devices(app_user_agent)

    def _add_note(self, key: str, detail: str = "") -> None:
        self.report.notes.append(Note(f"check.note.{key}", self._masker.mask_secrets(detail)))

    def select_cases_and_add_notes(
        self, names: Collection[str] | None, *, full: bool
    ) -> list[Case]:
        """Return the selected test cases that apply to the site, and add notes on what is left out.

        By default these are all cases, but only a few in production unless *full* is True.
        """
        client, site = self._site_client, self._site_client.site
        enabled = site.settings.enabled
        chosen = _select_all_or_by_names(
            {case.name: case for case in build_cases(enabled=enabled)}, names, "case"
        )
        if self.report.environment == "production" and names is None and enabled and not full:
            # In production, the site may count the clicks as visits, so the check makes only a few.
            chosen = [
                case
                for case in chosen
                if self._is_plain_click(case) or case.name == "product-visitor"
            ]
            self._makes_few_clicks = True
        if client.has_login_function:
            chosen = [case for case in chosen if case.expected_outcome != "loader"]
        if not site.has_login:
            chosen = [
                replace(case, expected_outcome="login_required")
                if case.expected_outcome == "login"
                else case
                for case in chosen
            ]
        chosen = [case for case in chosen if self._knows_members or not case.needs_login]
        for key, is_needed in {
            "off": not enabled,
            "no_members": not self._knows_members,
            "nobody_logged_in": site.member is not None and not client.has_login_function,
            "no_login": self._knows_members and enabled and not site.has_login,
        }.items():
            if is_needed:
                self._add_note(key)
        return chosen

    def _is_plain_click(self, case: Case) -> bool:
        """Return True if the test case is a member's click on a link without options.

        If the site knows no members, it is a visitor's click on a member's link that needs no
        login.
        """
        return case.kind == ("plain" if self._knows_members else "bearer")

    def check_configuration(self, expected_env: str | None) -> None:
        """Check the site's environment, URL, settings and members.

        The environment must be the expected one, the site's URL must be known in production, no
        setting may have changed after the extension had read it, and the site must know who is
        logged in, by ids that cannot be guessed in production.

        :param expected_env: The expected value of ``XIEBAO_ENV``, or None for any value.
        """
        environment, state = self.report.environment, self._site_client.state
        if expected_env is not None:
            if expected_env not in GATEWAY_BASE_URLS:
                raise CheckError(
                    f"expect_env must be {' or '.join(GATEWAY_BASE_URLS)}, got {expected_env!r}."
                )
            failures = (
                [Failure("environment", environment, expected_env)]
                if environment != expected_env
                else []
            )
            self._mask_and_record_result(
                Result(Case("environment", "environment"), PHONE, failures=failures)
            )
        if (
            environment == "production"
            and not is_site_url_configured(state)
            and not are_trusted_hosts_enforced()
        ):
            failure = Failure("unknown_address", "—", "XIEBAO_PUBLIC_URL=https://…")
            self._mask_and_record_result(
                Result(Case("address", "address"), PHONE, failures=[failure])
            )
        if failures := _check_settings_unchanged(state.settings, self._site_client.app):
            self._mask_and_record_result(
                Result(Case("settings", "settings"), PHONE, failures=failures)
            )
        if failures := list(self._check_members()):
            self._mask_and_record_result(
                Result(Case("members", "members"), PHONE, failures=failures)
            )

    def _check_members(self) -> Iterator[Failure]:
        """Check that the site knows who is logged in, and that member ids cannot be guessed."""
        if not self._knows_members:
            yield Failure("members.unknown", "—", "member_loader")
        state = self._site_client.state
        id_kind = find_guessable_id_kind(state, self._site_client.site.member or "")
        # The kind "get_id" is no failure, because get_id() may return something other than the
        # number of a row.
        if (
            self.report.environment == "production"
            and state.settings.member_secret is None
            and id_kind in ("email", "row")
        ):
            yield Failure(f"members.{id_kind}", "XIEBAO_MEMBER_SECRET: —", "XIEBAO_MEMBER_SECRET")

    def build_unreachable_site_report(self, visit: Visit) -> Report:
        """Return the report on a site that does not answer at its URL.

        Its notes say that nothing else was checked, because no click would reach the site.

        :param visit: The visit that did not reach the site.
        """
        endpoint = "xiebao.product"
        failure = self._case_runner.build_unreached_view_failure(visit, endpoint, endpoint)
        self.report.notes.clear()
        self._add_note("nothing_else")
        self._mask_and_record_result(Result(Case("address", "address"), PHONE, failures=[failure]))
        return self.report

    def check_pages_and_links(
        self,
        urls: Iterable[str],
        links: Iterable[str],
        devices: Sequence[Device],
        *,
        opens_return_to: bool,
    ) -> None:
        """Follow the entries on the given pages, and the given links, on every given device."""
        has_guard = "click_guard" in self._site_client.state.hooks.functions
        calls_guard = has_guard and self._site_client.has_login_function
        checker = SitePageChecker(
            self._site_client, self._case_runner, calls_guard, opens_return_to
        )
        for url in urls:
            for device in devices:
                for result in checker.check_page_entries(url, device):
                    self._mask_and_record_result(result)
            failure = checker.empty_page_failures.get(url)
            # If a page shows no entries on any device, report a failure. If it shows entries only
            # on some devices, add a note to the report.
            if failure is not None and url not in checker.entry_descriptions:
                self._mask_and_record_result(
                    Result(build_site_page_case(url), PHONE, failures=[failure])
                )
            elif failure is not None:
                self._add_note(failure.code, url)
        for link in links:
            for device in devices:
                self._mask_and_record_result(checker.check_link(link, device))
        mask = self._masker.mask_secrets
        self.report.entries = {
            mask(page): [mask(description) for description in descriptions]
            for page, descriptions in checker.entry_descriptions.items()
        }
        if has_guard and not (calls_guard and checker.entry_descriptions):
            self._add_note("guard")

    def select_devices_for_cases(
        self, cases: Iterable[Case], devices: Sequence[Device], *, on_all_devices: bool
    ) -> None:
        """Select the simulated devices on which each test case runs.

        :param on_all_devices: True to plan each case on every device, not only plain clicks.
        """
        self._planned_cases.extend(
            (case, device)
            for case in cases
            for device in devices
            if on_all_devices or self._is_plain_click(case) or device.name in _DEFAULT_DEVICES
        )

    def run_planned_cases(self) -> None:
        """Run the planned test cases and record their results."""
        while self._planned_cases:
            case, device = self._planned_cases.popleft()
            self._mask_and_record_result(self._case_runner.run_case(case, device))

    def _mask_and_record_result(self, result: Result) -> None:
        """Add a result to the report. Mask its secrets and remove the failures of ignored rules.

        Failures of ignored rules are only counted.
        """
        previous_time, self._last_result_time = self._last_result_time, time.perf_counter()
        mask, failures = self._masker.mask_secrets, []
        # Record equal failures of a result once. Two cookies, for example, may contain one secret.
        for failure in dict.fromkeys(result.failures):
            ignored_rule = next(
                (rule for rule in self._ignored_rules if f"{failure.code}.".startswith(f"{rule}.")),
                None,
            )
            if ignored_rule is not None:
                self.report.ignored[ignored_rule] += 1
                continue
            failures.append(
                replace(
                    failure,
                    code=failure.rule,
                    actual=mask(failure.actual),
                    expected=mask(failure.expected),
                    values={name: mask(value) for name, value in failure.values.items()},
                )
            )
        self.report.results.append(
            replace(
                result,
                case=replace(result.case, page=mask(result.case.page), entry=None),
                location=mask(result.location),
                seconds=self._last_result_time - previous_time,
                failures=failures,
            )
        )
        if self._progress is not None:
            done = len(self.report.results)
            self._progress(done, done + len(self._planned_cases))

    def finish_report(self, page_urls: Sequence[str]) -> Report:
        """Complete the report and return it.

        Add the notes, the rules that are ignored, and a hint if no pages or no member were named.
        """
        notes = (
            note._replace(detail=self._masker.mask_secrets(note.detail))
            for note in self._case_runner.notes
        )
        self.report.notes += dict.fromkeys(notes)
        if self._makes_few_clicks:
            self._add_note("plain_alone", f"{self._site_client.click_count:,}")
        self.report.ignored.update(dict.fromkeys(self._ignored_rules, 0))
        given_options = {
            "pages": bool(page_urls),
            "member": self._site_client.site.member is not None,
        }
        missing = "_".join(name for name, is_given in given_options.items() if not is_given)
        self.report.not_told = missing and f"check.not_told.{missing}"
        return self.report
