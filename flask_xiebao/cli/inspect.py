"""What ``flask xiebao inspect`` finds: the simulator's verdict, and what only the site knows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

import click

from ..app.mounts import is_loopback_url
from ..app.state import AppState
from ..errors import TokenError, XiebaoError
from ..gateway.pages import PAGES
from ..gateway.urls import Gateway
from ..gateway.values import Secret
from ..links.access_rules import AllowedClick, Refusal, decide_access
from ..links.tokens import Entry
from ..simulator.document import (
    DEFAULT_PORTS,
    GATEWAY_HOSTS,
    PLATFORM_NAMES,
    Account,
    PageSpec,
    Problem,
    Verdict,
    build_api_key_pattern,
    evaluate_url,
    find_page_spec,
    get_parameter_meaning,
    mask_middle,
)
from ..texts import get_text, get_text_keys
from .findings import Finding, error_finding, ok_finding, warning_finding

# The gateway knows these, but the document does not mention them.
_UNDOCUMENTED_PARAMETERS = ("hidenav", "toLogin")

# The value of a sign parameter in any URL, also in one inside another.
_SIGN_VALUE = re.compile(r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}", re.IGNORECASE)

# The id of the member who is taken for logged in where a link has no member.
_SAMPLE_MEMBER = "any-member"


def inspect_url(
    url: str, state: AppState | None, missing_app_reason: str, locale: str
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
    page, token = _find_page_and_token(parts.path, state)
    if parts.hostname in GATEWAY_HOSTS or ("/dispatch/" in parts.path and not page):
        account = None
        if (
            state is not None and state.settings.has_partner_account
        ):  # masked even if XIEBAO_ENABLED is off
            gateway = Gateway(state.settings.partner_id, state.settings.api_key)
            account = Account(gateway.partner_id, Secret(gateway.sign))
        key = build_api_key_pattern("" if state is None else state.settings.api_key.reveal())
        if state is not None and not state.settings.enabled:
            state, missing_app_reason = None, "XIEBAO_ENABLED is off."
        findings = _GatewayUrlInspector(url, state, missing_app_reason, locale).iter_findings(
            account
        )
        hide = account.mask_sign_in if account else str
        masked = (
            (level, key.sub("…", _SIGN_VALUE.sub(lambda sign: mask_middle(sign[0]), hide(said))))
            for level, said in findings
        )
        return masked, get_text(locale, "inspect.refused")
    if state is None:
        raise click.ClickException(
            f"A link can only be read with its site's app. {missing_app_reason}"
        )
    findings = _iter_link_findings(page, token, state, locale, parts.netloc)
    return findings, get_text(locale, "inspect.nobody")


@dataclass(frozen=True)
class _GatewayUrlInspector:
    """A URL of the gateway: the simulator's verdict, and what only the site knows.

    :param state: the site's; None without an app.
    :param missing: why there is no app.
    :param locale: of what is said.
    """

    url: str
    state: AppState | None
    missing_app_reason: str
    locale: str

    @property
    def mismatched_environment(self) -> str:
        """The environment of the URL, if the site has the key of the other one; else ""."""
        env = GATEWAY_HOSTS.get(urlsplit(self.url).hostname or "", "")
        return "" if self.state is None or env == self.state.settings.environment else env

    def iter_findings(self, account: Account | None) -> Iterator[Finding]:
        """Say what the URL is, and what is wrong with it."""
        further = (self.state.settings.extra or ()) if self.state else ()
        verdict = evaluate_url(
            self.url, account if self.state else None, (*_UNDOCUMENTED_PARAMETERS, *further)
        )
        row = find_page_spec(verdict.page)
        yield from self._iter_page_findings(row, verdict)
        if row is not None:
            yield from self._iter_query_findings(verdict)
            if len(verdict.parameters) == 1:
                yield warning_finding(get_text(self.locale, "inspect.cut"))

    def _iter_page_findings(
        self, page_spec: PageSpec | None, verdict: Verdict
    ) -> Iterator[Finding]:
        problems = [problem for problem in verdict.problems if problem.parameter is None]
        yield from (
            error_finding(problem.explain(self.locale, verdict.page)) for problem in problems
        )
        if page_spec is None or any(problem.code == "host" for problem in problems):
            return
        state, parts = self.state, urlsplit(self.url)
        host = parts.hostname or ""
        here = host or get_text(self.locale, "inspect.here")
        where = (
            get_text(self.locale, f"inspect.where.{GATEWAY_HOSTS[host]}")
            if host in GATEWAY_HOSTS
            else here
        )
        yield ok_finding(
            get_text(
                self.locale,
                "inspect.page",
                title=page_spec.get_title(self.locale),
                section=page_spec.section,
                where=where,
            )
        )
        is_harmless = not host or host in GATEWAY_HOSTS or is_loopback_url(self.url)
        if state is None and not is_harmless:
            yield error_finding(get_text(self.locale, "inspect.no_gateway", host=host))
        elif state is not None and self.mismatched_environment:
            yield warning_finding(
                get_text(self.locale, "inspect.other_env", env=state.settings.environment)
            )
        elif (
            state is not None
            and not problems
            and not _is_page_on_site_gateway(parts, page_spec, state)
        ):
            found = warning_finding if is_harmless else error_finding
            yield found(
                get_text(
                    self.locale, "inspect.other_gateway", base_url=state.gateway.base_url or "/"
                )
            )

    def _iter_query_findings(self, verdict: Verdict) -> Iterator[Finding]:
        # Each name has at most one problem; a name that is there twice always has it.
        problems = {problem.parameter: problem for problem in verdict.problems}
        for name, value in dict(verdict.parameters).items():
            yield from self._iter_parameter_findings(name, value, problems.get(name), verdict)
        # If a name is misspelt, do not also say that the right one is missing.
        misnamed = ("spaces", "misspelt", "html")
        meant = {each.value for each in verdict.problems if each.code in misnamed}
        for problem in verdict.problems:
            if problem.code == "missing" and problem.parameter not in meant:
                yield error_finding(problem.explain(self.locale, verdict.page))

    def _iter_parameter_findings(
        self, name: str, value: str, problem: Problem | None, verdict: Verdict
    ) -> Iterator[Finding]:
        state = self.state
        match name:
            case "sign" if problem is None or problem.code == "sign":
                yield self._get_sign_finding(value, problem, verdict)
            case _ if problem is not None:
                yield error_finding(problem.explain(self.locale, verdict.page))
            case "paySuccess":
                url = verdict.pay_success or ""
                yield ok_finding(get_text(self.locale, "inspect.pay_success", url=url))
                page, token = _find_page_and_token(urlsplit(url).path, state)
                if state is not None and page == "paid":
                    yield from _iter_link_findings(page, token, state, self.locale)
            case "partnerUniqKey" if state and state.settings.member_secret is not None:
                member = state.find_member_by_key(value)
                found, key = (
                    (warning_finding, "nobody") if member is None else (ok_finding, "member")
                )
                yield found(get_text(self.locale, f"inspect.key.{key}", key=value, member=member))
            case _:
                means = get_parameter_meaning(self.locale, name)
                if name == "platform":
                    code = {"value": value, "name": PLATFORM_NAMES[value]}
                    means = get_text(self.locale, "inspect.platform", means=means, **code)
                said = get_text(
                    self.locale, "inspect.parameter", name=name, value=value, means=means
                )
                # A member's id may have a space in it.
                if value != value.strip() or (" " in value and name != "partnerUniqKey"):
                    yield warning_finding(f"{said} {get_text(self.locale, 'inspect.space')}")
                else:
                    yield ok_finding(said)

    def _get_sign_finding(
        self, masked_sign: str, problem: Problem | None, verdict: Verdict
    ) -> Finding:
        if self.state is None:
            return warning_finding(
                get_text(
                    self.locale,
                    "inspect.sign.unchecked",
                    sign=masked_sign,
                    why=self.missing_app_reason,
                )
            )
        if self.mismatched_environment:
            where = get_text(self.locale, f"inspect.where.{self.mismatched_environment}")
            found, key = (error_finding, "here") if problem is None else (warning_finding, "there")
            return found(
                get_text(self.locale, f"inspect.sign.{key}", sign=masked_sign, where=where)
            )
        if problem is None:
            return ok_finding(get_text(self.locale, "inspect.sign.right", sign=masked_sign))
        if any(each.code == "partner" for each in verdict.problems):
            return warning_finding(get_text(self.locale, "inspect.sign.another", sign=masked_sign))
        env = self.state.settings.env or get_text(self.locale, "inspect.unset")
        then = get_text(self.locale, "inspect.sign.env", env=env)
        said = problem.explain(self.locale, verdict.page)
        return error_finding(get_text(self.locale, "list.sentences", first=said, then=then))


def _is_page_on_site_gateway(split_url: SplitResult, page_spec: PageSpec, state: AppState) -> bool:
    ours = urlsplit(state.gateway.base_url)
    if not ours.netloc:  # a path of the site, which may have other hosts and be mounted below one
        return split_url.path.endswith(ours.path + page_spec.path)
    return (
        _get_origin(split_url) == _get_origin(ours) and split_url.path == ours.path + page_spec.path
    )


def _get_origin(split_url: SplitResult) -> tuple[str, str | None, int | None]:
    return (
        split_url.scheme,
        split_url.hostname,
        split_url.port or DEFAULT_PORTS.get(split_url.scheme),
    )


def _find_page_and_token(path: str, state: AppState | None) -> tuple[str, str]:
    """Return the page and the token of a link of the site; empty texts for any other path."""
    prefix = "" if state is None else re.escape(state.settings.url_prefix)
    found = state and re.search(
        rf"{prefix}/(?:({'|'.join(PAGES)}|paid)/([^/]+)|(qr)/([^/]+)\.png)$", path
    )
    return (found[1] or found[3], found[2] or found[4]) if found else ("", "")


def _iter_link_findings(
    page: str, token: str, state: AppState, locale: str, host: str = ""
) -> Iterator[Finding]:
    """Say what a link of the site is, and who could follow it.

    :param host: the host in the link, to be compared with XIEBAO_PUBLIC_URL.
    """
    site = state.settings.public_url
    if host and site and host.lower() != urlsplit(site).netloc.lower():
        yield warning_finding(get_text(locale, "inspect.host", host=host, site=site))
    try:
        if not page:
            comma, prefix = get_text(locale, "list.comma"), state.settings.url_prefix
            paths = comma.join(f"{prefix}/{each}/" for each in (*PAGES, "paid", "qr"))
            yield error_finding(get_text(locale, "inspect.neither", paths=paths))
        elif not state.settings.enabled and page != "paid":
            yield error_finding(get_text(locale, "inspect.off"))
        elif page == "paid":
            paid = state.signer.parse_return_token(token)
            said = {"click_id": paid.click_id, "member": paid.member}
            yield ok_finding(
                get_text(locale, "inspect.click", **said, when=_format_utc_time(paid.clicked_at))
            )
            yield from _iter_entry_findings(paid.entry, locale)
        else:
            entry = state.signer.parse_entry_token(token)
            if page not in (entry.page, "qr"):
                yield error_finding(get_text(locale, "inspect.link.another_page", page=page))
            else:
                if page == "qr":
                    yield ok_finding(get_text(locale, "inspect.qr"))
                yield from (
                    *_iter_entry_findings(entry, locale),
                    _get_access_finding(entry, locale),
                )
    except TokenError:
        yield error_finding(get_text(locale, "inspect.token"))
    except XiebaoError as error:
        yield error_finding(f"{error}")


def _iter_entry_findings(entry: Entry, locale: str) -> Iterator[Finding]:
    row = find_page_spec(entry.page)
    title = row.get_title(locale) if row else entry.page
    yield ok_finding(
        get_text(locale, "inspect.entry", title=title, section=PAGES[entry.page].document_section)
    )
    said = {
        PAGES[entry.page].reference_parameter_name: entry.reference,
        "subPartnerId": entry.sub_partner_id,
        "platform": entry.platform and entry.platform.name,
        get_text(locale, "inspect.back_to"): entry.return_to,
        get_text(locale, "inspect.about"): entry.client_reference,
    }
    yield from (ok_finding(f"{name}: {value}") for name, value in said.items() if value is not None)


def _get_access_finding(entry: Entry, locale: str) -> Finding:
    """Return who may follow the link: a visitor without a login, or a member who is logged in."""
    now = int(time.time())
    visitor = decide_access(entry, None, now)
    member = decide_access(entry, entry.member or _SAMPLE_MEMBER, now)
    if isinstance(member, Refusal):
        key = f"inspect.link.{member.cause}"
        key = key if key in get_text_keys() else "inspect.link.refused"
        refusal = {"page": entry.page, "status": member.status, "cause": member.cause}
        return error_finding(get_text(locale, key, **refusal))
    if isinstance(visitor, AllowedClick):
        who = "bearer"
    elif entry.member is None:
        who = "none"
    else:
        who = "past" if visitor.cause == "expired" else "own"
    said = get_text(
        locale,
        f"inspect.member.{who}",
        member=entry.member,
        when=_format_utc_time(entry.signed_at or 0),
        no_login_for=entry.no_login_for,
        left=entry.seconds_left(now),
    )
    return warning_finding(said) if who == "past" else ok_finding(said)


def _format_utc_time(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
