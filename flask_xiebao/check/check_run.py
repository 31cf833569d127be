"""Whether every entry of a site leads where it should: clicked, through the whole app, and judged.

It is what ``flask xiebao check``, the fixture ``check_entries`` and the console of the demo share.
What is done is in :mod:`.cases`, on which devices in :mod:`.devices`, and what has to come in
:mod:`.expectations` and :mod:`.markup`. Nothing is sent to Xiebao.
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
from ..gateway.values import check_named_value, check_web_url, normalize_text
from ..links.members import MemberId, normalize_member
from ..links.tokens import mask_tokens
from ..texts import get_text_keys
from .browsers import LoginFunction, find_flask_login_function
from .case_runner import CaseRunner
from .cases import Case, build_cases, build_page_case
from .devices import DEVICES, Device, build_app_devices, guess_user_agent_for_pattern
from .log_capture import capture_log
from .masking import SecretMasker, mask_member
from .response_checks import Failure
from .results import Note, Report, Result
from .site import Site, strip_query
from .site_client import PHONE, CheckError, SiteClient
from .site_page_checker import SitePageChecker
from .visits import Visit

T = TypeVar("T")
_REPORTED_PACKAGES = ("Flask-Xiebao", "Flask")
# On what everything is done; plain clicks, and those on a site's pages, on every device.
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
    """Follow the entries of a site on many devices, and compare what comes with what should.

    It does not need a browser, or the network. The members are made up, unless one of the site's is
    named; the site's signal receivers hear nothing of them. Plain clicks, and those on the pages
    that are named, are made on every device, all else on an iPhone and on a PC. In production,
    these and a visitor's are all.

    :param app: the site's app.
    :param devices: names in :data:`.DEVICES`, or others, on which then all is done.
    :param only: names of cases, such as ``product-plain``; by default all of them. With pages or
        links there may be none.
    :param pages: pages of the site, such as ``/orders/8``: the entries on them are followed, too.
        With a member of the site's, what a payment comes back to has to open.
    :param links: links of the site, such as those in its mails: each is followed, by nobody who is
        logged in where it vouches for a member.
    :param member: a member of the site's, by their id; by default one is made up.
    :param login: logs a test client in as that member, by the site's own login. On a site that uses
        Flask-Login, a member needs none. On the pages the ``click_guard`` is then asked.
    :param app_user_agent: what the site's own app adds to a User-Agent, such as ``ShopApp/3.2``,
        where ``XIEBAO_APP_USER_AGENT`` does not show it.
    :param url: where the site is, with the path below which it is mounted; by default where its
        settings say that it is.
    :param with_receivers: have the site's signal receivers hear of the clicks.
    :param full: do everything on every device, also in production.
    :param follow_return: also in production, open what a payment comes back to. Shops may take an
        order for paid there.
    :param expect_env: what ``XIEBAO_ENV`` has to be.
    :param ignore: rules to leave out, by the names that reports give them, such as
        ``header.referrer-policy``, or ``header`` for all of these.
    :param progress: is called with the number of clicks done and the total.
    :raises CheckError: an argument is wrong, there is nothing that it leaves to check, or the login
        logs nobody in.
    :raises ConfigError: the app has no Xiebao.
    """

    def run_check() -> Report:
        with app.app_context(), capture_log(app), warnings.catch_warnings():
            # Flask before 3.1 warns of a Host header that is not SERVER_NAME, as a forged one.
            warnings.filterwarnings("ignore", "Current server name", UserWarning)
            state = get_current_app_state()
            who = None if member is None else _normalize_member(state, member)
            if login is not None:
                _check_login_function(login)
            log_in = login or (find_flask_login_function(app) if who is not None else None)
            player = SiteClient(
                app,
                state,
                who,
                log_in,
                is_login_given=login is not None,
                url=_check_site_url(url),
                calls_receivers=with_receivers,
            )
            run = _CheckRun(player, url, _normalize_ignored_rules(ignore), progress)
            own = {device.name: device for device in run.iter_mobile_app_devices(app_user_agent)}
            on = _choose_devices({**DEVICES, **own}, devices)
            on_site = [_check_page_url(player.site, each) for each in _normalize_name_list(pages)]
            alone = [_check_page_url(player.site, each) for each in _normalize_name_list(links)]
            is_empty = only is not None and not only and (on_site or alone)
            todo = [] if is_empty else run.choose_cases(only, full=full)
            if not todo and not on_site and not alone:
                raise CheckError(
                    "None of the selected cases applies to this site. Select other cases."
                )
            run.check_configuration(expect_env)
            if player.unreached_visit is not None:
                return run.build_unreachable_site_report(player.unreached_visit)
            goes_back = follow_return or run.report.environment != "production"
            run.plan_cases(todo, on, on_all_devices=full or devices is not None)
            run.run_pages_and_links(on_site, alone, on, opens_return_to=goes_back)
            run.run_planned_cases()
            return run.finish_report(on_site)

    # A context of its own: whoever asks may be in a request of this very app.
    return contextvars.Context().run(run_check)


def _normalize_member(state: AppState, member: MemberId) -> str:
    if not state.hooks.can_identify_members():
        raise CheckError(
            "A member is given, but this site cannot say who is logged in. Add a member_loader, or"
            " leave the member out."
        )
    try:
        who = normalize_member(member)
    except LinkError as error:
        raise CheckError(str(error)) from None
    if who is None:
        raise CheckError(
            f"The member's id must not be empty or 0, got {member!r}. Leave the member out to use a"
            " made-up member."
        )
    return who


def _check_login_function(login: LoginFunction) -> None:
    try:
        check_accepts_arguments("login", login, ("client", "member"))
    except ConfigError:
        raise CheckError(
            f'The login function "{get_function_name(login)}" must accept two arguments, a test'
            " client and a"
            " member's id. Define it as `def log_in(client, member)`."
        ) from None


def _check_site_url(url: str | None) -> str | None:
    if url is None:
        return None
    return check_named_value(
        f"The url {mask_tokens(strip_query(url))!r}", check_web_url, url, CheckError
    )


def _normalize_ignored_rules(ignore: Iterable[str]) -> list[str]:
    prefix = "check.means."
    known = {key.removeprefix(prefix): key for key in get_text_keys() if key.startswith(prefix)}
    known |= {name.partition(".")[0]: name for name in known}
    return list(_get_by_names(known, _normalize_name_list(ignore), "rule"))


def _choose_devices(
    known_devices: Mapping[str, Device], devices: Iterable[str | Device] | None
) -> list[Device]:
    if devices is None or isinstance(devices, str):
        return _get_all_or_named(known_devices, devices, "device")
    devices = list(devices)
    given = {each.name: each for each in devices if isinstance(each, Device)}
    names = [each.name if isinstance(each, Device) else each for each in devices]
    return _get_all_or_named({**known_devices, **given}, names, "device")


def _get_all_or_named(
    known_objects: Mapping[str, T], names: Iterable[str] | None, noun: str
) -> list[T]:
    if names is None:
        return list(known_objects.values())
    names = _normalize_name_list(names)
    if not names:
        raise CheckError(
            f"No {noun} is selected. Select at least one {noun}, or pass None to select all."
        )
    return list(_get_by_names(known_objects, names, noun).values())


def _get_by_names(known_objects: Mapping[str, T], names: Iterable[str], noun: str) -> dict[str, T]:
    """Return what has these names."""
    for name in names:
        if name not in known_objects:
            likely = get_close_matches(name, known_objects, 3)
            if likely:
                raise CheckError(f"There is no {noun} {name!r}. Did you mean {', '.join(likely)}?")
            raise CheckError(
                f"There is no {noun} {name!r}. Choose one of {', '.join(known_objects)}."
            )
    return {name: known_objects[name] for name in names}


def _normalize_name_list(names: Iterable[str]) -> list[str]:
    """Return names as a list, each once; one may have been given alone."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _check_page_url(site: Site, url: str) -> str:
    shown = mask_tokens(strip_query(url))
    check_named_value(f"The page {shown!r}", normalize_text, url, CheckError)
    is_path = url.startswith("/") and not url.startswith("//")
    if not is_path and not site.is_site_host(url):
        raise CheckError(
            f'{shown!r} is not a page of the site. Use a path, such as "/orders/8", or a URL that'
            f' begins with "{site.external_url}".'
        )
    return url


def _check_settings_unchanged(loaded_settings: Settings, app: Flask) -> list[Failure]:
    """Return a failure for each setting that was changed after the extension had read it."""
    try:
        late = loaded_settings.find_changed_setting_names(Settings.from_config(app.config))
    except ConfigError as error:
        return [
            Failure("settings.invalid", f"{name} {problem}", "—")
            for name, problem in error.problems.items()
        ]
    return [Failure("settings.late", name, "—") for name in late]


class _CheckRun:
    """A check that is at work.

    :param player: who clicks.
    :param url: where the site was said to be.
    :param rules: those that are left out.
    :param progress: is called with the number of clicks done and the total.

    :ivar report: what was found.
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
            member=None if site.member is None else mask_member(site.member),
            versions={name: version(name) for name in _REPORTED_PACKAGES},
        )
        self._site_client, self._ignored_rules, self._progress = (
            site_client,
            ignored_rules,
            progress,
        )
        self._planned_cases = deque[tuple[Case, Device]]()
        self._makes_few_clicks = False
        self._case_runner, self._masker = CaseRunner(site_client), SecretMasker(site_client.site)
        self._last_result_time = time.perf_counter()

    def iter_mobile_app_devices(self, app_user_agent: str | None) -> Iterator[Device]:
        """Return the devices that have the site's own app, if it has one."""
        pattern = self._site_client.state.settings.app_user_agent
        if app_user_agent == "":
            raise CheckError(
                "app_user_agent must not be empty. Pass the text that the app adds to a"
                ' User-Agent, such as "ShopApp/3.2".'
            )
        if pattern is not None:
            app_user_agent = app_user_agent or guess_user_agent_for_pattern(pattern)
            yield from () if app_user_agent is None else build_app_devices(app_user_agent)
            if app_user_agent is None:
                self._add_note("no_app")

    def _add_note(self, key: str, detail: str = "") -> None:
        self.report.notes.append(Note(f"check.note.{key}", self._masker.mask_secrets(detail)))

    def choose_cases(self, names: Collection[str] | None, *, full: bool) -> list[Case]:
        """Return the cases that were chosen and for which the site has a use."""
        player, site = self._site_client, self._site_client.site
        knows_members = player.state.hooks.can_identify_members()
        enabled = site.settings.enabled
        chosen = _get_all_or_named(
            {each.name: each for each in build_cases(enabled=enabled)}, names, "case"
        )
        if self.report.environment == "production" and names is None and enabled and not full:
            # Each click may be a row of a site that counts visits.
            chosen = [
                each
                for each in chosen
                if self._is_plain_click(each) or each.name == "product-visitor"
            ]
            self._makes_few_clicks = True
        if player.has_real_login:
            chosen = [each for each in chosen if each.expected_outcome != "loader"]
        if not site.has_login:
            chosen = [
                replace(each, expected_outcome="login_required")
                if each.expected_outcome == "login"
                else each
                for each in chosen
            ]
        chosen = [each for each in chosen if knows_members or not each.needs_login]
        for key, holds in {
            "off": not enabled,
            "no_members": not knows_members,
            "played": any(each.expected_outcome == "loader" for each in chosen)
            and site.member is None,
            "nobody_logged_in": site.member is not None and not player.has_real_login,
            "no_login": knows_members and enabled and not site.has_login,
        }.items():
            if holds:
                self._add_note(key)
        return chosen

    def _is_plain_click(self, case: Case) -> bool:
        """Tell whether it is the click of members or, where a site has none, of visitors."""
        return case.kind == (
            "plain" if self._site_client.state.hooks.can_identify_members() else "bearer"
        )

    def check_configuration(self, expected_env: str | None) -> None:
        """Check the environment, the site's address, and that no setting was changed too late.

        :param expected: the environment in which the site should be; None for any.
        """
        came, state = self.report.environment, self._site_client.state
        if expected_env is not None:
            if expected_env not in GATEWAY_BASE_URLS:
                raise CheckError(
                    f"expect_env must be {' or '.join(GATEWAY_BASE_URLS)}, got {expected_env!r}."
                )
            failures = [Failure("environment", came, expected_env)] if came != expected_env else []
            self._record_result(
                Result(Case("environment", "environment"), PHONE, failures=failures)
            )
        if (
            came == "production"
            and not is_site_url_configured(state)
            and not are_trusted_hosts_enforced()
        ):
            unknown = Failure("unknown_address", "—", "XIEBAO_PUBLIC_URL=https://…")
            self._record_result(Result(Case("address", "address"), PHONE, failures=[unknown]))
        if failures := _check_settings_unchanged(state.settings, self._site_client.app):
            self._record_result(Result(Case("settings", "settings"), PHONE, failures=failures))

    def build_unreachable_site_report(self, visit: Visit) -> Report:
        """Return the report on a site that is not where it should be: no click would say more.

        :param visit: what came there.
        """
        endpoint = "xiebao.product"
        failure = self._case_runner.build_unreached_view_failure(visit, endpoint, endpoint)
        self.report.notes.clear()
        self._add_note("nothing_else")
        self._record_result(Result(Case("address", "address"), PHONE, failures=[failure]))
        return self.report

    def run_pages_and_links(
        self,
        urls: Iterable[str],
        links: Iterable[str],
        devices: Sequence[Device],
        *,
        opens_return_to: bool,
    ) -> None:
        """Follow the entries on pages of the site, and links of it, on every device."""
        has_guard = "click_guard" in self._site_client.state.hooks.functions
        calls_guard = has_guard and self._site_client.has_real_login
        pages = SitePageChecker(self._site_client, self._case_runner, calls_guard, opens_return_to)
        for url in urls:
            for device in devices:
                for result in pages.check_page_entries(url, device):
                    self._record_result(result)
            if url not in pages.entry_descriptions and (
                nothing := pages.empty_page_failures.get(url)
            ):
                self._record_result(Result(build_page_case(url), PHONE, failures=[nothing]))
            elif url in pages.empty_page_failures:
                self._add_note(pages.empty_page_failures[url].code, url)
        for link in links:
            for device in devices:
                self._record_result(pages.check_link(link, device))
        hide = self._masker.mask_secrets
        self.report.entries = {
            hide(page): [hide(each) for each in said]
            for page, said in pages.entry_descriptions.items()
        }
        if has_guard and not (calls_guard and pages.entry_descriptions):
            self._add_note("guard")

    def plan_cases(
        self, cases: Iterable[Case], devices: Sequence[Device], *, on_all_devices: bool
    ) -> None:
        """Plan what there is to do.

        :param everywhere: all of it on every device.
        """
        self._planned_cases.extend(
            (case, device)
            for case in cases
            for device in devices
            if on_all_devices or self._is_plain_click(case) or device.name in _DEFAULT_DEVICES
        )

    def run_planned_cases(self) -> None:
        """Do what was planned."""
        while self._planned_cases:
            case, device = self._planned_cases.popleft()
            self._record_result(self._case_runner.run_case(case, device))

    def _record_result(self, result: Result) -> None:
        """Keep a result in the report, without what is secret and the rules that are left out."""
        before, self._last_result_time = self._last_result_time, time.perf_counter()
        hide, failures = self._masker.mask_secrets, []
        for each in result.failures:
            rule = next(
                (r for r in self._ignored_rules if f"{each.code}.".startswith(f"{r}.")), None
            )
            if rule is None:
                values = {name: hide(value) for name, value in each.values.items()}
                came, should = hide(each.actual), hide(each.expected)
                failures.append(
                    replace(each, code=each.rule, actual=came, expected=should, values=values)
                )
            else:
                self.report.ignored[rule] += 1
        case = replace(result.case, page=hide(result.case.page), entry=None)
        self.report.results.append(
            replace(
                result,
                case=case,
                location=hide(result.location),
                seconds=self._last_result_time - before,
                failures=failures,
            )
        )
        if self._progress is not None:
            done = len(self.report.results)
            self._progress(done, done + len(self._planned_cases))

    def finish_report(self, pages: Sequence[str]) -> Report:
        """Return the report, with all that has to be known beside the results."""
        notes = (
            note._replace(detail=self._masker.mask_secrets(note.detail))
            for note in self._case_runner.notes
        )
        self.report.notes += dict.fromkeys(notes)
        if self._makes_few_clicks:
            self._add_note("plain_alone", f"{self._site_client.click_count:,}")
        self.report.ignored.update(dict.fromkeys(self._ignored_rules, 0))
        told = {"pages": bool(pages), "member": self._site_client.site.member is not None}
        unknown = "_".join(name for name, is_told in told.items() if not is_told)
        self.report.not_told = unknown and f"check.not_told.{unknown}"
        return self.report
