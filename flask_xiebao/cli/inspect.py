"""The implementation of ``flask xiebao inspect``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

import click

from ..app.log import describe_exception
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
    PageSpec,
    PartnerAccount,
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

# Parameters that the gateway accepts but the interface document does not mention.
_UNDOCUMENTED_PARAMETERS = ("hidenav", "toLogin")

# Matches the value of the parameter "sign", even if the URL is encoded inside another URL.
_SIGN_VALUE = re.compile(r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}", re.IGNORECASE)

# The id of a made-up member, who stands for any logged-in member. If a link is not tied to a
# member, "flask xiebao inspect" uses this id to decide whether logged-in members can follow the
# link.
_SAMPLE_MEMBER = "any-member"


def inspect_url(
    url: str, state: AppState | None, missing_app_reason: str, locale: str
) -> tuple[Iterator[Finding], str]:
    """Return the findings about a URL, and a sentence to print if a finding is an error.

    :param url: A gateway URL or a link of the site.
    :param state: The state of the site, or None if there is no app.
    :param missing_app_reason: The reason why there is no app.
    :param locale: The language of the findings.
    :return: The findings, and the sentence to print if one of them is an error.
    :raises click.ClickException: if *url* is not a URL, or if it is a link and there is no app.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError if the port is not valid
    except ValueError:
        raise click.UsageError("The URL is not valid. Check its host and port.") from None
    # A URL below /dispatch/ is not always the URL of a gateway page, because the site may have its
    # own links there, too. So look for a link of the site first.
    page, token = _find_page_and_token(parts.path, state)
    if parts.hostname in GATEWAY_HOSTS or ("/dispatch/" in parts.path and not page):
        account = None
        # The value of the parameter "sign" is masked even if XIEBAO_ENABLED is off.
        if state is not None and state.settings.has_partner_account:
            gateway = Gateway(state.settings.partner_id, state.settings.api_key)
            account = PartnerAccount(gateway.partner_id, Secret(gateway.sign))
        # The pattern contains the API key, so it is kept in a Secret. Error reports show local
        # variables.
        api_key = Secret("") if state is None else state.settings.api_key
        api_key_pattern = api_key.map(build_api_key_pattern)
        if state is not None and not state.settings.enabled:
            state, missing_app_reason = None, "XIEBAO_ENABLED is off."
        inspector = _GatewayUrlInspector(url, state, missing_app_reason, locale)
        masked_findings = (
            (level, _mask_secrets(message, account, api_key_pattern))
            for level, message in inspector.iter_findings(account)
        )
        return masked_findings, get_text(locale, "inspect.refused")
    if state is None:
        raise click.ClickException(
            "A link can be decoded only with the Flask app of the site that created it."
            f" {missing_app_reason}"
        )
    return (
        _iter_link_findings(page, token, state, locale, parts.netloc),
        get_text(locale, "inspect.nobody"),
    )


def _mask_secrets(
    message: str, account: PartnerAccount | None, api_key_pattern: Secret[re.Pattern[str]]
) -> str:
    message = message if account is None else account.mask_signature(message)
    message = _SIGN_VALUE.sub(lambda sign: mask_middle(sign[0]), message)
    return api_key_pattern.reveal().sub("…", message)


@dataclass(frozen=True)
class _GatewayUrlInspector:
    """An inspector that checks a gateway URL by the gateway's rules and the site's settings.

    :param state: The state of the site, or None if there is no app or ``XIEBAO_ENABLED`` is off.
    :param missing_app_reason: The reason why there is no state.
    :param locale: The language of the findings.
    """

    url: str
    state: AppState | None
    missing_app_reason: str
    locale: str

    @property
    def mismatched_url_environment(self) -> str:
        """The gateway URL's environment if it is not the site's environment, otherwise "".

        The environment is "test" or "production". The value is also "" if there is no state, or if
        the host is not one of the gateway's.
        """
        env = GATEWAY_HOSTS.get(urlsplit(self.url).hostname or "", "")
        return "" if self.state is None or env == self.state.settings.environment else env

    def iter_findings(self, account: PartnerAccount | None) -> Iterator[Finding]:
        """Yield the findings about the URL, its page and its parameters.

        :param account: The partner account of the site, or None if the site has none.
        """
        extra_names = (self.state.settings.extra or ()) if self.state else ()
        verdict = evaluate_url(
            self.url, account if self.state else None, (*_UNDOCUMENTED_PARAMETERS, *extra_names)
        )
        page_spec = find_page_spec(verdict.page)
        yield from self._iter_page_findings(page_spec, verdict)
        if page_spec is not None:
            yield from self._iter_findings_in_url_query(verdict)
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
        gateway_name = (
            get_text(self.locale, f"inspect.where.{GATEWAY_HOSTS[host]}")
            if host in GATEWAY_HOSTS
            else host or get_text(self.locale, "inspect.here")
        )
        yield ok_finding(
            get_text(
                self.locale,
                "inspect.page",
                title=page_spec.get_title(self.locale),
                section=page_spec.section,
                where=gateway_name,
            )
        )
        is_known_or_local = not host or host in GATEWAY_HOSTS or is_loopback_url(self.url)
        if state is None and not is_known_or_local:
            yield error_finding(get_text(self.locale, "inspect.no_gateway", host=host))
        elif state is not None and self.mismatched_url_environment:
            yield warning_finding(
                get_text(self.locale, "inspect.other_env", env=state.settings.environment)
            )
        elif (
            state is not None
            and not problems
            and not _is_on_configured_gateway(parts, page_spec, state)
        ):
            build_finding = warning_finding if is_known_or_local else error_finding
            yield build_finding(
                get_text(
                    self.locale, "inspect.other_gateway", base_url=state.gateway.base_url or "/"
                )
            )

    def _iter_findings_in_url_query(self, verdict: Verdict) -> Iterator[Finding]:
        # Report at most one problem for each parameter. No value of a repeated parameter is shown,
        # because the repetition is reported instead.
        problems = {problem.parameter: problem for problem in verdict.problems}
        for name, value in dict(verdict.parameters).items():
            yield from self._iter_findings_for_parameter(name, value, problems.get(name), verdict)
        # If the name of a parameter is misspelled, the correct name is not also reported as
        # missing.
        misspelling_codes = ("spaces", "misspelt", "html")
        intended_names = {each.value for each in verdict.problems if each.code in misspelling_codes}
        for problem in verdict.problems:
            if problem.code == "missing" and problem.parameter not in intended_names:
                yield error_finding(problem.explain(self.locale, verdict.page))

    def _iter_findings_for_parameter(
        self, name: str, value: str, problem: Problem | None, verdict: Verdict
    ) -> Iterator[Finding]:
        state = self.state
        match name:
            case "sign" if problem is None or problem.code == "sign":
                yield self._get_signature_finding(value, problem, verdict)
            case _ if problem is not None:
                yield error_finding(problem.explain(self.locale, verdict.page))
            case "paySuccess":
                url = verdict.pay_success or ""
                yield ok_finding(get_text(self.locale, "inspect.pay_success", url=url))
                page, token = _find_page_and_token(urlsplit(url).path, state)
                if state is not None and page == "paid":
                    yield from _iter_link_findings(page, token, state, self.locale)
            case "partnerUniqKey" if state and state.settings.member_secret is not None:
                try:
                    member = state.find_member_by_key(value)
                except Exception as error:
                    # The site's keeps_plain_key hook may raise any exception.
                    place = describe_exception(error)
                    problem_text = get_text(self.locale, "order.member_error", error=place)
                    yield error_finding(f"{name}: {problem_text}")
                    return
                build_finding, key = (
                    (warning_finding, "nobody") if member is None else (ok_finding, "member")
                )
                yield build_finding(
                    get_text(self.locale, f"inspect.key.{key}", key=value, member=member)
                )
            case _:
                meaning = get_parameter_meaning(self.locale, name)
                if name == "platform":
                    platform = PLATFORM_NAMES[value]
                    meaning = get_text(
                        self.locale, "inspect.platform", meaning=meaning, value=value, name=platform
                    )
                message = get_text(
                    self.locale, "inspect.parameter", name=name, value=value, meaning=meaning
                )
                # A member's id may contain a space.
                if value != value.strip() or (" " in value and name != "partnerUniqKey"):
                    yield warning_finding(f"{message} {get_text(self.locale, 'inspect.space')}")
                else:
                    yield ok_finding(message)

    def _get_signature_finding(
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
        if self.mismatched_url_environment:
            gateway_name = get_text(self.locale, f"inspect.where.{self.mismatched_url_environment}")
            # Each environment has its own API key. In a URL for the other environment, a signature
            # that was made with the site's key is therefore wrong.
            build_finding, key = (
                (error_finding, "here") if problem is None else (warning_finding, "there")
            )
            return build_finding(
                get_text(self.locale, f"inspect.sign.{key}", sign=masked_sign, where=gateway_name)
            )
        if problem is None:
            return ok_finding(get_text(self.locale, "inspect.sign.right", sign=masked_sign))
        if any(each.code == "partner" for each in verdict.problems):
            return warning_finding(get_text(self.locale, "inspect.sign.another", sign=masked_sign))
        env = self.state.settings.env or get_text(self.locale, "inspect.unset")
        message = problem.explain(self.locale, verdict.page)
        hint = get_text(self.locale, "inspect.sign.env", env=env)
        return error_finding(get_text(self.locale, "list.sentences", first=message, then=hint))


def _is_on_configured_gateway(split_url: SplitResult, page_spec: PageSpec, state: AppState) -> bool:
    base_url = urlsplit(state.gateway.base_url)
    page_path = base_url.path + page_spec.path
    # The gateway's base URL may be a path without a host, for example if the gateway is a simulator
    # in the site. In this case, compare only the end of the URL's path with the path of the page.
    # The beginning of the URL may differ, because the site may have several hosts and may be
    # mounted below another path.
    if not base_url.netloc:
        return split_url.path.endswith(page_path)
    return _get_origin(split_url) == _get_origin(base_url) and split_url.path == page_path


def _get_origin(split_url: SplitResult) -> tuple[str, str | None, int | None]:
    return (
        split_url.scheme,
        split_url.hostname,
        split_url.port or DEFAULT_PORTS.get(split_url.scheme),
    )


def _find_page_and_token(path: str, state: AppState | None) -> tuple[str, str]:
    """Return the page and the token in the path of a link, or two empty strings for other paths."""
    prefix = "" if state is None else re.escape(state.settings.url_prefix)
    match = state and re.search(
        rf"{prefix}/(?:({'|'.join(PAGES)}|paid)/([^/]+)|(qr)/([^/]+)\.png)$", path
    )
    return (match[1] or match[3], match[2] or match[4]) if match else ("", "")


def _iter_link_findings(
    page: str, token: str, state: AppState, locale: str, host: str = ""
) -> Iterator[Finding]:
    """Yield the findings about a link of the site, including who can follow it.

    :param page: The page in the path of the link, or "" if the path is not that of a link.
    :param token: The token in the path of the link.
    :param host: The host of the link, which is compared with ``XIEBAO_PUBLIC_URL``, or "".
    """
    public_url = state.settings.public_url
    if host and public_url and host.lower() != urlsplit(public_url).netloc.lower():
        yield warning_finding(get_text(locale, "inspect.host", host=host, site=public_url))
    try:
        if not page:
            comma, prefix = get_text(locale, "list.comma"), state.settings.url_prefix
            paths = comma.join(f"{prefix}/{each}/" for each in (*PAGES, "paid", "qr"))
            yield error_finding(get_text(locale, "inspect.neither", paths=paths))
        elif not state.settings.enabled and page != "paid":
            yield error_finding(get_text(locale, "inspect.off"))
        elif page == "paid":
            returned_click = state.signer.parse_return_token(token)
            yield ok_finding(
                get_text(
                    locale,
                    "inspect.click",
                    click_id=returned_click.click_id,
                    member=returned_click.member,
                    when=_format_utc_time(returned_click.clicked_at),
                )
            )
            yield from _iter_entry_findings(returned_click.entry, locale)
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
        yield error_finding(str(error))


def _iter_entry_findings(entry: Entry, locale: str) -> Iterator[Finding]:
    page_spec = find_page_spec(entry.page)
    title = page_spec.get_title(locale) if page_spec else entry.page
    yield ok_finding(
        get_text(locale, "inspect.entry", title=title, section=PAGES[entry.page].document_section)
    )
    values = {
        PAGES[entry.page].reference_parameter_name: entry.reference,
        "subPartnerId": entry.sub_partner_id,
        "platform": entry.platform and entry.platform.name,
        get_text(locale, "inspect.back_to"): entry.return_to,
        get_text(locale, "inspect.about"): entry.client_reference,
    }
    yield from (
        ok_finding(f"{name}: {value}") for name, value in values.items() if value is not None
    )


def _get_access_finding(entry: Entry, locale: str) -> Finding:
    """Return the finding about who can follow the link: an anonymous visitor or a member."""
    now = int(time.time())
    visitor_access = decide_access(entry, None, now)
    member_access = decide_access(entry, entry.member or _SAMPLE_MEMBER, now)
    if isinstance(member_access, Refusal):
        status, cause = member_access.status, member_access.cause
        cause_key = f"inspect.link.{cause}"
        key = cause_key if cause_key in get_text_keys() else "inspect.link.refused"
        return error_finding(get_text(locale, key, page=entry.page, status=status, cause=cause))
    if isinstance(visitor_access, AllowedClick):
        key = "bearer"
    elif entry.member is None:
        key = "none"
    else:
        key = "past" if visitor_access.cause == "expired" else "own"
    message = get_text(
        locale,
        f"inspect.member.{key}",
        member=entry.member,
        when=_format_utc_time(entry.signed_at or 0),
        no_login_for=entry.no_login_for,
        left=entry.seconds_left(now),
    )
    return warning_finding(message) if key == "past" else ok_finding(message)


def _format_utc_time(timestamp: int) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
