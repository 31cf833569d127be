"""What ``flask xiebao inspect`` finds: the simulator's verdict, and what only the site knows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

import click

from ..app.mounts import is_this_machine
from ..app.state import State
from ..errors import TokenError, XiebaoError
from ..gateway.pages import PAGES
from ..gateway.urls import Gateway
from ..gateway.values import Secret
from ..links.admission import Go, Refusal, decide
from ..links.tokens import Entry
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
from ..texts import keys, text
from .findings import Finding, bad, ok, warning

# The gateway knows these, but the document does not mention them.
_UNDOCUMENTED = ("hidenav", "toLogin")

# The value of a sign parameter in any URL, also in one inside another.
_SIGNS = re.compile(r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}", re.IGNORECASE)

# The id of the member who is taken for logged in where a link has no member.
_ANY_MEMBER = "any-member"


def findings_in(
    url: str, state: State | None, missing: str, locale: str
) -> tuple[Iterator[Finding], str]:
    """Return what is found in a URL, and what an error among it means.

    :param state: the site's; None without an app.
    :param missing: why there is no app.
    :param locale: of what is said.
    :raises click.ClickException: when it is not a URL, or a link of a site that is not there.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where it is no number
    except ValueError:
        raise click.UsageError("The URL is not valid. Check its host and port.") from None
    # A site may have its links below /dispatch/, too.
    page, token = _link_in(parts.path, state)
    if parts.hostname in HOSTS or ("/dispatch/" in parts.path and not page):
        account = None
        if state is not None and state.settings.has_account:  # masked even if XIEBAO_ENABLED is off
            gateway = Gateway(state.settings.partner_id, state.settings.api_key)
            account = Account(gateway.partner_id, Secret(gateway.sign))
        key = key_forms("" if state is None else state.settings.api_key.reveal())
        if state is not None and not state.settings.enabled:
            state, missing = None, "XIEBAO_ENABLED is off."
        findings = _GatewayUrl(url, state, missing, locale).findings(account)
        hide = account.hide if account else str
        masked = (
            (level, key.sub("…", _SIGNS.sub(lambda sign: mask(sign[0]), hide(said))))
            for level, said in findings
        )
        return masked, text(locale, "inspect.refused")
    if state is None:
        raise click.ClickException(f"A link can only be read with its site's app. {missing}")
    findings = _read_link(page, token, state, locale, parts.netloc)
    return findings, text(locale, "inspect.nobody")


@dataclass(frozen=True)
class _GatewayUrl:
    """A URL of the gateway: the simulator's verdict, and what only the site knows.

    :param state: the site's; None without an app.
    :param missing: why there is no app.
    :param locale: of what is said.
    """

    url: str
    state: State | None
    missing: str
    locale: str

    @property
    def elsewhere(self) -> str:
        """The environment of the URL, if the site has the key of the other one; else ""."""
        env = HOSTS.get(urlsplit(self.url).hostname or "", "")
        return "" if self.state is None or env == self.state.settings.environment else env

    def findings(self, account: Account | None) -> Iterator[Finding]:
        """Say what the URL is, and what is wrong with it."""
        further = (self.state.settings.extra or ()) if self.state else ()
        verdict = read(self.url, account if self.state else None, (*_UNDOCUMENTED, *further))
        row = row_named(verdict.page)
        yield from self._read_address(row, verdict)
        if row is not None:
            yield from self._read_parameters(verdict)
            if len(verdict.parameters) == 1:
                yield warning(text(self.locale, "inspect.cut"))

    def _read_address(self, row: Row | None, verdict: Verdict) -> Iterator[Finding]:
        problems = [problem for problem in verdict.problems if problem.parameter is None]
        yield from (bad(problem.explain(self.locale, verdict.page)) for problem in problems)
        if row is None or any(problem.code == "host" for problem in problems):
            return
        state, parts = self.state, urlsplit(self.url)
        host = parts.hostname or ""
        here = host or text(self.locale, "inspect.here")
        where = text(self.locale, f"inspect.where.{HOSTS[host]}") if host in HOSTS else here
        yield ok(
            text(
                self.locale,
                "inspect.page",
                title=row.title_in(self.locale),
                section=row.section,
                where=where,
            )
        )
        is_harmless = not host or host in HOSTS or is_this_machine(self.url)
        if state is None and not is_harmless:
            yield bad(text(self.locale, "inspect.no_gateway", host=host))
        elif state is not None and self.elsewhere:
            yield warning(text(self.locale, "inspect.other_env", env=state.settings.environment))
        elif state is not None and not problems and not _is_the_sites(parts, row, state):
            found = warning if is_harmless else bad
            yield found(
                text(self.locale, "inspect.other_gateway", base_url=state.gateway.base_url or "/")
            )

    def _read_parameters(self, verdict: Verdict) -> Iterator[Finding]:
        # Each name has at most one problem; a name that is there twice always has it.
        problems = {problem.parameter: problem for problem in verdict.problems}
        for name, value in dict(verdict.parameters).items():
            yield from self._read_parameter(name, value, problems.get(name), verdict)
        # If a name is misspelt, do not also say that the right one is missing.
        misnamed = ("spaces", "misspelt", "html")
        meant = {each.value for each in verdict.problems if each.code in misnamed}
        for problem in verdict.problems:
            if problem.code == "missing" and problem.parameter not in meant:
                yield bad(problem.explain(self.locale, verdict.page))

    def _read_parameter(
        self, name: str, value: str, problem: Problem | None, verdict: Verdict
    ) -> Iterator[Finding]:
        state = self.state
        match name:
            case "sign" if problem is None or problem.code == "sign":
                yield self._read_sign(value, problem, verdict)
            case _ if problem is not None:
                yield bad(problem.explain(self.locale, verdict.page))
            case "paySuccess":
                url = verdict.pay_success or ""
                yield ok(text(self.locale, "inspect.pay_success", url=url))
                page, token = _link_in(urlsplit(url).path, state)
                if state is not None and page == "paid":
                    yield from _read_link(page, token, state, self.locale)
            case "partnerUniqKey" if state and state.settings.member_secret is not None:
                member = state.member_of(value)
                found, key = (warning, "nobody") if member is None else (ok, "member")
                yield found(text(self.locale, f"inspect.key.{key}", key=value, member=member))
            case _:
                means = meaning_in(self.locale, name)
                if name == "platform":
                    code = {"value": value, "name": PLATFORMS[value]}
                    means = text(self.locale, "inspect.platform", means=means, **code)
                said = text(self.locale, "inspect.parameter", name=name, value=value, means=means)
                # A member's id may have a space in it.
                if value != value.strip() or (" " in value and name != "partnerUniqKey"):
                    yield warning(f"{said} {text(self.locale, 'inspect.space')}")
                else:
                    yield ok(said)

    def _read_sign(self, sign: str, problem: Problem | None, verdict: Verdict) -> Finding:
        if self.state is None:
            return warning(text(self.locale, "inspect.sign.unchecked", sign=sign, why=self.missing))
        if self.elsewhere:
            where = text(self.locale, f"inspect.where.{self.elsewhere}")
            found, key = (bad, "here") if problem is None else (warning, "there")
            return found(text(self.locale, f"inspect.sign.{key}", sign=sign, where=where))
        if problem is None:
            return ok(text(self.locale, "inspect.sign.right", sign=sign))
        if any(each.code == "partner" for each in verdict.problems):
            return warning(text(self.locale, "inspect.sign.another", sign=sign))
        env = self.state.settings.env or text(self.locale, "inspect.unset")
        then = text(self.locale, "inspect.sign.env", env=env)
        said = problem.explain(self.locale, verdict.page)
        return bad(text(self.locale, "list.sentences", first=said, then=then))


def _is_the_sites(parts: SplitResult, row: Row, state: State) -> bool:
    ours = urlsplit(state.gateway.base_url)
    if not ours.netloc:  # a path of the site, which may have other hosts and be mounted below one
        return parts.path.endswith(ours.path + row.path)
    return _origin(parts) == _origin(ours) and parts.path == ours.path + row.path


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _link_in(path: str, state: State | None) -> tuple[str, str]:
    """Return the page and the token of a link of the site; empty texts for any other path."""
    prefix = "" if state is None else re.escape(state.settings.url_prefix)
    found = state and re.search(
        rf"{prefix}/(?:({'|'.join(PAGES)}|paid)/([^/]+)|(qr)/([^/]+)\.png)$", path
    )
    return (found[1] or found[3], found[2] or found[4]) if found else ("", "")


def _read_link(
    page: str, token: str, state: State, locale: str, host: str = ""
) -> Iterator[Finding]:
    """Say what a link of the site is, and who could follow it.

    :param host: the host in the link, to be compared with XIEBAO_PUBLIC_URL.
    """
    site = state.settings.public_url
    if host and site and host.lower() != urlsplit(site).netloc.lower():
        yield warning(text(locale, "inspect.host", host=host, site=site))
    try:
        if not page:
            comma, prefix = text(locale, "list.comma"), state.settings.url_prefix
            paths = comma.join(f"{prefix}/{each}/" for each in (*PAGES, "paid", "qr"))
            yield bad(text(locale, "inspect.neither", paths=paths))
        elif not state.settings.enabled and page != "paid":
            yield bad(text(locale, "inspect.off"))
        elif page == "paid":
            paid = state.signer.loads_click(token)
            said = {"click_id": paid.click_id, "member": paid.member}
            yield ok(text(locale, "inspect.click", **said, when=_utc(paid.clicked_at)))
            yield from _read_entry(paid.entry, locale)
        else:
            entry = state.signer.loads(token)
            if page not in (entry.page, "qr"):
                yield bad(text(locale, "inspect.link.another_page", page=page))
            else:
                if page == "qr":
                    yield ok(text(locale, "inspect.qr"))
                yield from (*_read_entry(entry, locale), _who_can_follow(entry, locale))
    except TokenError:
        yield bad(text(locale, "inspect.token"))
    except XiebaoError as error:
        yield bad(f"{error}")


def _read_entry(entry: Entry, locale: str) -> Iterator[Finding]:
    row = row_named(entry.page)
    title = row.title_in(locale) if row else entry.page
    yield ok(text(locale, "inspect.entry", title=title, section=PAGES[entry.page].section))
    said = {
        PAGES[entry.page].reference: entry.reference,
        "subPartnerId": entry.sub_partner_id,
        "platform": entry.platform and entry.platform.name,
        text(locale, "inspect.back_to"): entry.return_to,
        text(locale, "inspect.about"): entry.client_reference,
    }
    yield from (ok(f"{name}: {value}") for name, value in said.items() if value is not None)


def _who_can_follow(entry: Entry, locale: str) -> Finding:
    """Return who may follow the link: a visitor without a login, or a member who is logged in."""
    now = int(time.time())
    visitor = decide(entry, None, now)
    member = decide(entry, entry.member or _ANY_MEMBER, now)
    if isinstance(member, Refusal):
        key = f"inspect.link.{member.cause}"
        key = key if key in keys() else "inspect.link.refused"
        refusal = {"page": entry.page, "status": member.status, "cause": member.cause}
        return bad(text(locale, key, **refusal))
    if isinstance(visitor, Go):
        who = "bearer"
    elif entry.member is None:
        who = "none"
    else:
        who = "past" if visitor.cause == "expired" else "own"
    said = text(
        locale,
        f"inspect.member.{who}",
        member=entry.member,
        when=_utc(entry.signed_at or 0),
        no_login_for=entry.no_login_for,
        left=entry.seconds_left(now),
    )
    return warning(said) if who == "past" else ok(said)


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
