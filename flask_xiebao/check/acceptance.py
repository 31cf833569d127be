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

from ..app.endpoints import knows_its_address, trusts_hosts
from ..app.hooks import check_arguments
from ..app.log import name_of
from ..app.settings import ENVIRONMENTS, Settings
from ..app.state import State, current_state
from ..errors import ConfigError, LinkError
from ..gateway.values import check_text, check_web_url, checked
from ..links.members import MemberId, normalize_member
from ..links.tokens import mask_tokens
from ..texts import keys
from .browsers import Login, by_flask_login
from .cases import Case, cases, page_case
from .devices import DEVICES, Device, app_devices, sample_of
from .expectations import Failure
from .judge import Judge
from .log_reader import reading_log
from .masks import Mask, shown_member
from .player import PHONE, CheckError, Player
from .results import Note, Report, Result
from .site import Site, without_query
from .site_pages import SitePages
from .visits import Visit

T = TypeVar("T")
_VERSIONS = ("Flask-Xiebao", "Flask")
# On what everything is done; plain clicks, and those on a site's pages, on every device.
_BOTH_KINDS = ("iphone", "pc")


def check_entries(
    app: Flask,
    *,
    devices: Iterable[str | Device] | None = None,
    only: Collection[str] | None = None,
    pages: Iterable[str] = (),
    links: Iterable[str] = (),
    member: MemberId | None = None,
    login: Login | None = None,
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

    def check() -> Report:
        with app.app_context(), reading_log(app), warnings.catch_warnings():
            # Flask before 3.1 warns of a Host header that is not SERVER_NAME, as a forged one.
            warnings.filterwarnings("ignore", "Current server name", UserWarning)
            state = current_state()
            who = None if member is None else _member(state, member)
            if login is not None:
                _check_login(login)
            log_in = login or (by_flask_login(app) if who is not None else None)
            player = Player(
                app,
                state,
                who,
                log_in,
                is_own_login=login is not None,
                url=_address(url),
                calls_receivers=with_receivers,
            )
            run = _Run(player, url, _rules(ignore), progress)
            own = {device.name: device for device in run.own_app(app_user_agent)}
            on = _devices({**DEVICES, **own}, devices)
            on_site = [_page(player.site, each) for each in _several(pages)]
            alone = [_page(player.site, each) for each in _several(links)]
            is_empty = only is not None and not only and (on_site or alone)
            todo = [] if is_empty else run.chosen_cases(only, full=full)
            if not todo and not on_site and not alone:
                raise CheckError(
                    "None of the selected cases applies to this site. Select other cases."
                )
            run.judge_settings(expect_env)
            if player.nobody_there is not None:
                return run.without(player.nobody_there)
            goes_back = follow_return or run.report.environment != "production"
            run.plan(todo, on, everywhere=full or devices is not None)
            run.follow_pages(on_site, alone, on, goes_back=goes_back)
            run.follow_cases()
            return run.finish(on_site)

    # A context of its own: whoever asks may be in a request of this very app.
    return contextvars.Context().run(check)


def _member(state: State, member: MemberId) -> str:
    if not state.hooks.members_are_known():
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


def _check_login(login: Login) -> None:
    try:
        check_arguments("login", login, ("client", "member"))
    except ConfigError:
        raise CheckError(
            f'The login function "{name_of(login)}" must accept two arguments, a test client and a'
            " member's id. Define it as `def log_in(client, member)`."
        ) from None


def _address(url: str | None) -> str | None:
    if url is None:
        return None
    return checked(f"The url {mask_tokens(without_query(url))!r}", check_web_url, url, CheckError)


def _rules(ignore: Iterable[str]) -> list[str]:
    prefix = "check.means."
    known = {key.removeprefix(prefix): key for key in keys() if key.startswith(prefix)}
    known |= {name.partition(".")[0]: name for name in known}
    return list(_named(known, _several(ignore), "rule"))


def _devices(known: Mapping[str, Device], devices: Iterable[str | Device] | None) -> list[Device]:
    if devices is None or isinstance(devices, str):
        return _chosen(known, devices, "device")
    devices = list(devices)
    given = {each.name: each for each in devices if isinstance(each, Device)}
    names = [each.name if isinstance(each, Device) else each for each in devices]
    return _chosen({**known, **given}, names, "device")


def _chosen(known: Mapping[str, T], names: Iterable[str] | None, what: str) -> list[T]:
    if names is None:
        return list(known.values())
    names = _several(names)
    if not names:
        raise CheckError(
            f"No {what} is selected. Select at least one {what}, or pass None to select all."
        )
    return list(_named(known, names, what).values())


def _named(known: Mapping[str, T], names: Iterable[str], what: str) -> dict[str, T]:
    """Return what has these names."""
    for name in names:
        if name not in known:
            likely = get_close_matches(name, known, 3)
            if likely:
                raise CheckError(f"There is no {what} {name!r}. Did you mean {', '.join(likely)}?")
            raise CheckError(f"There is no {what} {name!r}. Choose one of {', '.join(known)}.")
    return {name: known[name] for name in names}


def _several(names: Iterable[str]) -> list[str]:
    """Return names as a list, each once; one may have been given alone."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _page(site: Site, url: str) -> str:
    shown = mask_tokens(without_query(url))
    checked(f"The page {shown!r}", check_text, url, CheckError)
    is_path = url.startswith("/") and not url.startswith("//")
    if not is_path and not site.is_at(url):
        raise CheckError(
            f'{shown!r} is not a page of the site. Use a path, such as "/orders/8", or a URL that'
            f' begins with "{site.outside}".'
        )
    return url


def _late_settings(in_force: Settings, app: Flask) -> list[Failure]:
    """Return a failure for each setting that was changed after the extension had read it."""
    try:
        late = in_force.names_of_differences(Settings.from_config(app.config))
    except ConfigError as error:
        return [
            Failure("settings.invalid", f"{name} {problem}", "—")
            for name, problem in error.problems.items()
        ]
    return [Failure("settings.late", name, "—") for name in late]


class _Run:
    """A check that is at work.

    :param player: who clicks.
    :param url: where the site was said to be.
    :param rules: those that are left out.
    :param progress: is called with the number of clicks done and the total.

    :ivar report: what was found.
    """

    def __init__(
        self,
        player: Player,
        url: str | None,
        rules: Sequence[str],
        progress: Callable[[int, int], object] | None,
    ) -> None:
        site = player.site
        self.report = Report(
            site=player.app.name,
            url=site.outside if url is not None or knows_its_address(player.state) else None,
            environment=site.settings.environment,
            gateway=site.gateway,
            at=datetime.now().astimezone(),
            member=None if site.member is None else shown_member(site.member),
            versions={name: version(name) for name in _VERSIONS},
        )
        self._player, self._rules, self._progress = player, rules, progress
        self._todo = deque[tuple[Case, Device]]()
        self._is_careful = False
        self._judge, self._mask = Judge(player), Mask(player.site)
        self._since = time.perf_counter()

    def own_app(self, sample: str | None) -> Iterator[Device]:
        """Return the devices that have the site's own app, if it has one."""
        pattern = self._player.state.settings.app_user_agent
        if sample == "":
            raise CheckError(
                "app_user_agent must not be empty. Pass the text that the app adds to a"
                ' User-Agent, such as "ShopApp/3.2".'
            )
        if pattern is not None:
            sample = sample or sample_of(pattern)
            yield from () if sample is None else app_devices(sample)
            if sample is None:
                self._note("no_app")

    def _note(self, key: str, what: str = "") -> None:
        self.report.notes.append(Note(f"check.note.{key}", self._mask.hide(what)))

    def chosen_cases(self, only: Collection[str] | None, *, full: bool) -> list[Case]:
        """Return the cases that were chosen and for which the site has a use."""
        player, site = self._player, self._player.site
        knows_members = player.state.hooks.members_are_known()
        enabled = site.settings.enabled
        chosen = _chosen({each.name: each for each in cases(enabled=enabled)}, only, "case")
        if self.report.environment == "production" and only is None and enabled and not full:
            # Each click may be a row of a site that counts visits.
            chosen = [
                each for each in chosen if self._is_plain(each) or each.name == "product-visitor"
            ]
            self._is_careful = True
        if player.logs_in:
            chosen = [each for each in chosen if each.ends != "loader"]
        if not site.has_login:
            chosen = [
                replace(each, ends="login_required") if each.ends == "login" else each
                for each in chosen
            ]
        chosen = [each for each in chosen if knows_members or not each.needs_login]
        for key, holds in {
            "off": not enabled,
            "no_members": not knows_members,
            "played": any(each.ends == "loader" for each in chosen) and site.member is None,
            "nobody_logged_in": site.member is not None and not player.logs_in,
            "no_login": knows_members and enabled and not site.has_login,
        }.items():
            if holds:
                self._note(key)
        return chosen

    def _is_plain(self, case: Case) -> bool:
        """Tell whether it is the click of members or, where a site has none, of visitors."""
        return case.kind == ("plain" if self._player.state.hooks.members_are_known() else "bearer")

    def judge_settings(self, expected: str | None) -> None:
        """Check the environment, the site's address, and that no setting was changed too late.

        :param expected: the environment in which the site should be; None for any.
        """
        came, state = self.report.environment, self._player.state
        if expected is not None:
            if expected not in ENVIRONMENTS:
                raise CheckError(
                    f"expect_env must be {' or '.join(ENVIRONMENTS)}, got {expected!r}."
                )
            failures = [Failure("environment", came, expected)] if came != expected else []
            self._keep(Result(Case("environment", "environment"), PHONE, failures=failures))
        if came == "production" and not knows_its_address(state) and not trusts_hosts():
            unknown = Failure("unknown_address", "—", "XIEBAO_PUBLIC_URL=https://…")
            self._keep(Result(Case("address", "address"), PHONE, failures=[unknown]))
        if failures := _late_settings(state.settings, self._player.app):
            self._keep(Result(Case("settings", "settings"), PHONE, failures=failures))

    def without(self, visit: Visit) -> Report:
        """Return the report on a site that is not where it should be: no click would say more.

        :param visit: what came there.
        """
        endpoint = "xiebao.product"
        failure = self._judge.unreached(visit, endpoint, endpoint)
        self.report.notes.clear()
        self._note("nothing_else")
        self._keep(Result(Case("address", "address"), PHONE, failures=[failure]))
        return self.report

    def follow_pages(
        self,
        urls: Iterable[str],
        links: Iterable[str],
        devices: Sequence[Device],
        *,
        goes_back: bool,
    ) -> None:
        """Follow the entries on pages of the site, and links of it, on every device."""
        has_guard = "click_guard" in self._player.state.hooks.functions
        calls_guard = has_guard and self._player.logs_in
        pages = SitePages(self._player, self._judge, calls_guard, goes_back)
        for url in urls:
            for device in devices:
                for result in pages.on_page(url, device):
                    self._keep(result)
            if url not in pages.said and (nothing := pages.nothing.get(url)):
                self._keep(Result(page_case(url), PHONE, failures=[nothing]))
            elif url in pages.nothing:
                self._note(pages.nothing[url].code, url)
        for link in links:
            for device in devices:
                self._keep(pages.of_link(link, device))
        hide = self._mask.hide
        self.report.entries = {
            hide(page): [hide(each) for each in said] for page, said in pages.said.items()
        }
        if has_guard and not (calls_guard and pages.said):
            self._note("guard")

    def plan(self, todo: Iterable[Case], devices: Sequence[Device], *, everywhere: bool) -> None:
        """Plan what there is to do.

        :param everywhere: all of it on every device.
        """
        self._todo.extend(
            (case, device)
            for case in todo
            for device in devices
            if everywhere or self._is_plain(case) or device.name in _BOTH_KINDS
        )

    def follow_cases(self) -> None:
        """Do what was planned."""
        while self._todo:
            case, device = self._todo.popleft()
            self._keep(self._judge.judge(case, device))

    def _keep(self, result: Result) -> None:
        """Keep a result in the report, without what is secret and the rules that are left out."""
        before, self._since = self._since, time.perf_counter()
        hide, failures = self._mask.hide, []
        for each in result.failures:
            rule = next((r for r in self._rules if f"{each.code}.".startswith(f"{r}.")), None)
            if rule is None:
                values = {name: hide(value) for name, value in each.values.items()}
                came, should = hide(each.came), hide(each.should)
                failures.append(
                    replace(each, code=each.rule, came=came, should=should, values=values)
                )
            else:
                self.report.ignored[rule] += 1
        case = replace(result.case, page=hide(result.case.page), entry=None)
        self.report.results.append(
            replace(
                result,
                case=case,
                location=hide(result.location),
                seconds=self._since - before,
                failures=failures,
            )
        )
        if self._progress is not None:
            done = len(self.report.results)
            self._progress(done, done + len(self._todo))

    def finish(self, pages: Sequence[str]) -> Report:
        """Return the report, with all that has to be known beside the results."""
        notes = (note._replace(what=self._mask.hide(note.what)) for note in self._judge.notes)
        self.report.notes += dict.fromkeys(notes)
        if self._is_careful:
            self._note("plain_alone", f"{self._player.clicks:,}")
        self.report.ignored.update(dict.fromkeys(self._rules, 0))
        told = {"pages": bool(pages), "member": self._player.site.member is not None}
        unknown = "_".join(name for name, is_told in told.items() if not is_told)
        self.report.not_told = unknown and f"check.not_told.{unknown}"
        return self.report
