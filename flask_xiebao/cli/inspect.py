"""What ``flask xiebao inspect`` finds: the simulator's verdict, and what only the site knows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from urllib.parse import SplitResult, urlsplit

import click

from ..app.state import State
from ..check.visits import is_this_machine
from ..errors import GatewayError, TokenError, XiebaoError
from ..gateway.pages import PAGES
from ..gateway.urls import Gateway
from ..gateway.values import Secret
from ..links.tokens import Click, Entry
from ..simulator.document import (
    HOSTS,
    PLATFORMS,
    PORTS,
    Account,
    Problem,
    Row,
    Verdict,
    key_forms,
    mask,
    meaning_in,
    read,
    row_named,
)
from ..texts import text
from .findings import Finding, bad, ok, warning

# The document leaves them out; the gateway knows them.
_UNDOCUMENTED = ("hidenav", "toLogin")


def findings_in(
    url: str, state: State | None, missing: str, locale: str
) -> tuple[Iterator[Finding], str]:
    """Return what is found in a URL, and what an error among it means.

    :param state: the site's; None where there is none.
    :param missing: why there is none.
    :param locale: of what is said.
    :raises click.ClickException: when it is not a URL, or a link of a site that is not there.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - it raises where it is no number
    except ValueError:
        raise click.UsageError("This is not a valid URL.") from None
    # A site may have its links below /dispatch/, too.
    is_link = state is not None and bool(_link_parts(parts.path, state)[0])
    if host in HOSTS or ("/dispatch/" in parts.path and not is_link):
        account = None if state is None else _account(state)
        findings = _GatewayUrl(locale, state, missing).read(url, account)
        key = key_forms("" if state is None else state.settings.api_key.reveal())
        masked = ((level, key.sub("…", _mask_signs(said, account))) for level, said in findings)
        return masked, text(locale, "inspect.refused")
    if state is None:
        raise click.ClickException(f"A link is read with the key of its site: {missing}")
    link = _Link(locale, state)
    return chain(link.read_host(parts), link.read(parts.path)), text(locale, "inspect.nobody")


def _account(state: State) -> Account | None:
    """Return the site's account; one that is switched off needs none."""
    settings = state.settings
    try:
        gateway = Gateway(settings.partner_id, settings.api_key)
    except GatewayError:
        return None
    return Account(gateway.partner_id, Secret(gateway.sign))


class _GatewayUrl:
    """A URL of the gateway: the simulator's verdict, and what only the site knows.

    :param state: the site's; None where there is none.
    :param missing: why there is none.
    """

    def __init__(self, locale: str, state: State | None, missing: str) -> None:
        if state is not None and not state.settings.enabled:
            state, missing = None, "XIEBAO_ENABLED is off."
        self._locale = locale
        self._say = partial(text, locale)
        self._state = state
        self._missing = missing
        # Where the URL leads, if that is not the environment whose key the site has.
        self._elsewhere = ""

    def read(self, url: str, account: Account | None) -> Iterator[Finding]:
        """Say what it is, and what is wrong with it."""
        state = self._state
        further = (state.settings.extra or ()) if state else ()
        verdict = read(url, account if state else None, (*_UNDOCUMENTED, *further))
        row = row_named(verdict.page)
        if row is None:
            yield from map(bad, verdict.reasons_in(self._locale))
            return
        yield from self._read_address(urlsplit(url), row, verdict)
        yield from self._read_parameters(row, verdict)
        if len(verdict.parameters) == 1:
            yield warning(self._say("inspect.cut"))

    def _read_address(self, parts: SplitResult, row: Row, verdict: Verdict) -> Iterator[Finding]:
        state, host = self._state, parts.hostname or ""
        problems = [problem for problem in verdict.problems if problem.parameter is None]
        yield from (bad(problem.explain(self._locale, row.name)) for problem in problems)
        if any(problem.code == "host" for problem in problems):
            return
        env = HOSTS.get(host)
        title = row.title_in(self._locale)
        where = self._say(f"inspect.where.{env}") if env else host or self._say("inspect.here")
        yield ok(self._say("inspect.page", title=title, section=row.section, where=where))
        if state is None:
            if env is None and host and not is_this_machine(parts.geturl()):
                yield bad(self._say("inspect.no_gateway", host=host))
        elif env is not None and env != (state.settings.env or "test"):
            self._elsewhere = env
            yield warning(self._say("inspect.other_env", env=state.settings.env or "test"))
        elif not problems and not _is_the_sites(parts, row, state.gateway.base_url):
            is_harmless = env is not None or not host or is_this_machine(parts.geturl())
            found = warning if is_harmless else bad
            base_url = state.gateway.base_url or "/"
            yield found(self._say("inspect.other_gateway", base_url=base_url))

    def _read_parameters(self, row: Row, verdict: Verdict) -> Iterator[Finding]:
        problems: dict[str | None, list[Problem]] = {}
        for problem in verdict.problems:
            problems.setdefault(problem.parameter, []).append(problem)
        state = self._state
        for name, value in verdict.parameters:
            if name in problems:  # once, however often the name is there
                yield from (self._read_problem(problem, verdict) for problem in problems[name])
                problems[name] = []
            elif name == "sign":
                yield self._read_sign(value)
            elif name == "partnerUniqKey" and state and state.settings.member_secret is not None:
                yield self._read_member_key(value, state)
            elif name == "paySuccess":
                yield from self._read_pay_success(verdict.pay_success or "")
            else:
                yield self._read_parameter(name, value)
        # Of a name that is misspelt, that is said, and not that the right one is missing.
        misnamed = ("spaces", "misspelt", "html")
        meant = {each.value for each in verdict.problems if each.code in misnamed}
        for problem in verdict.problems:
            if problem.code == "missing" and problem.parameter not in meant:
                yield bad(problem.explain(self._locale, row.name))

    def _read_parameter(self, name: str, value: str) -> Finding:
        means = meaning_in(self._locale, name)
        if name == "platform":
            means = self._say("inspect.platform", means=means, value=value, name=PLATFORMS[value])
        said = self._say("inspect.parameter", name=name, value=value, means=means)
        # A member's id may have one inside.
        has_space = " " in (value.strip() and value) and name != "partnerUniqKey"
        if has_space or value != value.strip():
            return warning(f"{said} {self._say('inspect.space')}")
        return ok(said)

    def _read_problem(self, problem: Problem, verdict: Verdict) -> Finding:
        said = problem.explain(self._locale, verdict.page)
        if problem.code == "sign" and self._state is not None:
            if self._elsewhere:
                where = self._say(f"inspect.where.{self._elsewhere}")
                return warning(self._say("inspect.sign.there", sign=problem.value, where=where))
            if any(each.code == "partner" for each in verdict.problems):
                return warning(self._say("inspect.sign.another", sign=problem.value))
            env = self._state.settings.env or self._say("inspect.unset")
            said = self._say(
                "list.sentences", first=said, then=self._say("inspect.sign.env", env=env)
            )
        return bad(said)

    def _read_sign(self, sign: str) -> Finding:
        if self._state is None:
            return warning(self._say("inspect.sign.unchecked", sign=sign, why=self._missing))
        if self._elsewhere:
            where = self._say(f"inspect.where.{self._elsewhere}")
            return bad(self._say("inspect.sign.here", sign=sign, where=where))
        return ok(self._say("inspect.sign.right", sign=sign))

    def _read_member_key(self, key: str, state: State) -> Finding:
        member = state.member_of(key)
        if member is None:
            return warning(self._say("inspect.key.nobody", key=key))
        return ok(self._say("inspect.key.member", key=key, member=member))

    def _read_pay_success(self, url: str) -> Iterator[Finding]:
        yield ok(self._say("inspect.pay_success", url=url))
        path = urlsplit(url).path
        if self._state is not None and _link_parts(path, self._state)[0] == "paid":
            yield from _Link(self._locale, self._state).read(path)


def _is_the_sites(parts: SplitResult, row: Row, base_url: str) -> bool:
    ours = urlsplit(base_url)
    if not ours.netloc:  # a path of the site, which may have other hosts and be mounted below one
        return parts.path.endswith(ours.path + row.path)
    return _origin(parts) == _origin(ours) and parts.path == ours.path + row.path


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


class _Link:
    """A link of the site: what it says, and who could follow it."""

    def __init__(self, locale: str, state: State) -> None:
        self._locale = locale
        self._say = partial(text, locale)
        self._state = state

    def read_host(self, parts: SplitResult) -> Iterator[Finding]:
        """Say where a link is, if that is not where the site says that it is."""
        site = self._state.settings.public_url
        if parts.netloc and site and parts.netloc.lower() != urlsplit(site).netloc.lower():
            yield warning(self._say("inspect.host", host=parts.netloc, site=site))

    def read(self, path: str) -> Iterator[Finding]:
        """Say what a link is, by its path."""
        page, token = _link_parts(path, self._state)
        try:
            if page == "paid":
                yield from self._read_click(self._state.signer.loads_click(token))
            elif page:
                entry = self._state.signer.loads(token)
                if entry.page != page:
                    yield bad(self._say("inspect.link.another_page", page=page))
                elif PAGES[page].members_own and entry.member is None:
                    yield bad(self._say("inspect.link.no_member", page=page))
                else:
                    yield from (*self._read_entry(entry), self._read_member(entry))
            else:
                prefix = self._state.settings.url_prefix
                comma = self._say("list.comma")
                paths = comma.join(f"{prefix}/{page}/" for page in (*PAGES, "paid"))
                yield bad(self._say("inspect.neither", paths=paths))
        except TokenError:
            yield bad(self._say("inspect.token"))
        except XiebaoError as error:
            yield bad(f"{error}")

    def _read_click(self, click: Click) -> Iterator[Finding]:
        when = _utc(click.clicked_at)
        said = {"click_id": click.click_id, "member": click.member, "when": when}
        yield ok(self._say("inspect.click", **said))
        yield from self._read_entry(click.entry)

    def _read_entry(self, entry: Entry) -> Iterator[Finding]:
        row = row_named(entry.page)
        title = row.title_in(self._locale) if row else entry.page
        yield ok(self._say("inspect.entry", title=title, section=PAGES[entry.page].section))
        said = {
            PAGES[entry.page].reference: entry.reference,
            "subPartnerId": entry.sub_partner_id,
            "platform": entry.platform and entry.platform.name,
            self._say("inspect.back_to"): entry.return_to,
            self._say("inspect.about"): entry.client_reference,
        }
        yield from (ok(f"{name}: {value}") for name, value in said.items() if value is not None)

    def _read_member(self, entry: Entry) -> Finding:
        """Say who could follow a link."""
        if entry.member is None:
            return ok(self._say("inspect.member.none"))
        whose = {"member": entry.member, "when": _utc(entry.signed_at or 0)}
        if entry.no_login_for is None:
            return ok(self._say("inspect.member.own", **whose))
        whose |= {"no_login_for": str(entry.no_login_for)}
        left = entry.seconds_left(time.time())
        if not left:
            return warning(self._say("inspect.member.past", **whose))
        return ok(self._say("inspect.member.bearer", **whose, left=left))


def _link_parts(path: str, state: State) -> tuple[str, str]:
    prefix = re.escape(state.settings.url_prefix)
    found = re.search(f"{prefix}/({'|'.join(PAGES)}|paid)/([^/]+)$", path)
    return (found[1], found[2]) if found else ("", "")


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _mask_signs(said: str, account: Account | None) -> str:
    """Mask the site's sign, and what a URL inside of a text calls sign."""
    signs = r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}"
    said = account.hide(said) if account else said
    return re.sub(signs, lambda found: mask(found[0]), said, flags=re.IGNORECASE)
