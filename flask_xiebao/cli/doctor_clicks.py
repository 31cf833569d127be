"""The part of ``flask xiebao doctor`` that clicks test links and reports the results.

The doctor clicks a link to each gateway page, a return link and a link that requires a login.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from flask import current_app

from ..app.current import get_current_app
from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.mounts import get_site_url
from ..app.state import AppState
from ..check.check_run import check_entries
from ..check.results import Note, Report
from ..check.site import encode_url_like_browser
from ..check.site_client import PHONE, get_invalid_link_path
from ..check.visits import (
    NAVIGATION_HEADERS,
    UNEXPECTED_EXCEPTIONS,
    call_in_request_context,
    describe_exception,
    find_mount_and_send_request,
)
from ..gateway.pages import PAGES
from ..texts import get_text
from .doctor_secrets import check_member_ids_unguessable
from .findings import Finding, error_finding, ok_finding, warning_finding

# The test cases of "flask xiebao check" that "doctor" also runs, each with its name in the output
# of "doctor".
_CASE_LABELS = {
    **{f"{page}-bearer": page for page in PAGES},
    "product-return": "paid",
    "product-visitor": "login",
    "loader": "member_loader",
}
# The codes of the problems that are left out of the findings about the test clicks, because
# "doctor" reports the same problems in other findings. The codes are those of "flask xiebao check".
_SETTING_RULES = (
    "unknown_address",
    "settings.late",
    "settings.invalid",
    "members.unknown",
    "members.email",
    "members.row",
)


def check_clicks(state: AppState, locale: str) -> Iterator[Finding]:
    """Click test links on a simulated phone and yield the findings.

    The links are a link to each gateway page, as from a mail, and a return link.
    """
    try:
        placeholder_member = f"nobody-{secrets.token_hex(8)}"
        has_plain_key = call_in_request_context(
            get_current_app(), partial(state.hooks.has_plain_member_key, placeholder_member)
        )
        report = check_entries(
            get_current_app(), devices=["iphone"], only=_get_case_names_to_run(state)
        )
    except UNEXPECTED_EXCEPTIONS as error:
        # The request itself may fail, for example because the host name of the site is invalid.
        yield error_finding(get_text(locale, "doctor.clicks.none", error=describe_exception(error)))
        return
    # The member id that the site returns for a request without a login. It should be None.
    anonymous_member: str | None = find_mount_and_send_request(
        state,
        get_invalid_link_path(state),
        headers={**NAVIGATION_HEADERS, **PHONE.headers},
        probe=state.hooks.find_current_member_id,
    ).probe_result
    yield from _iter_failure_findings(report, locale)
    yield from _iter_success_findings(
        state, report, locale, is_always_logged_in=anonymous_member is not None
    )
    for note in report.notes:
        if note.key in ("check.note.login.page.not_here", "check.note.return_post"):
            yield warning_finding(get_text(locale, note.key, what=note.detail))
    if state.settings.member_secret is not None and has_plain_key:
        yield warning_finding(get_text(locale, "doctor.plain"))
    if anonymous_member is not None:
        yield warning_finding(get_text(locale, "doctor.everybody"))
    yield from check_member_ids_unguessable(state, anonymous_member, locale)


def _get_case_names_to_run(state: AppState) -> list[str]:
    """Return the names of the test cases of ``flask xiebao check`` that ``doctor`` runs.

    Leave out the cases with a login if the app has no endpoint that is named in
    ``XIEBAO_LOGIN_VIEW``.
    """
    is_login_view_valid = state.settings.login_view in (None, *current_app.view_functions)
    excluded_names = () if is_login_view_valid else ("product-visitor", "loader")
    return [name for name in _CASE_LABELS if name not in excluded_names]


def _iter_failure_findings(report: Report, locale: str) -> Iterator[Finding]:
    """Yield an error finding for each kind of problem in a report, except setting problems."""
    for trouble in report.problems():
        if trouble.code in _SETTING_RULES:
            continue
        names = {result.case.name for result in trouble.results}
        labels = (label for name, label in _CASE_LABELS.items() if name in names)
        places = get_text(locale, "list.comma").join(labels) or get_text(
            locale, "doctor.clicks.every"
        )
        message = next(iter(trouble.failures)).message_in(locale)
        yield error_finding(get_text(locale, "doctor.clicks.wrong", where=places, what=message))


def _iter_success_findings(
    state: AppState, report: Report, locale: str, *, is_always_logged_in: bool
) -> Iterator[Finding]:
    """Yield the "ok" findings about the test cases that passed.

    :param locale: The language of the findings.
    :param is_always_logged_in: If True, the site finds a member for a request without a login, so
        nothing is known about the login.
    """
    passed = {result.case.name: result for result in report.results if result.passed}
    for name, page in PAGES.items():
        if f"{name}-bearer" in passed:
            yield ok_finding(
                get_text(locale, "doctor.ok.page", page=name, section=page.document_section)
            )
    # In production, members return from the gateway to the site only if the host in the site's
    # absolute links can be trusted. The host can be trusted if the settings specify or restrict
    # this host.
    returns_from_gateway = (
        is_site_url_configured(state)
        or are_trusted_hosts_enforced()
        or report.environment == "test"
    )
    if "product-return" in passed and returns_from_gateway:
        path = f"{state.settings.url_prefix}/paid/…"
        site_url = encode_url_like_browser(get_site_url(state)).rstrip("/")
        key = "doctor.ok.paid.url" if is_site_url_configured(state) else "doctor.ok.paid.path"
        yield ok_finding(get_text(locale, key, site=site_url, path=path))
    login_result = (
        passed.get("product-visitor") if "loader" in passed and not is_always_logged_in else None
    )
    if login_result is not None and Note("check.note.no_login") in report.notes:
        yield ok_finding(get_text(locale, "doctor.ok.login.none"))
    elif login_result is not None:
        key = f"doctor.ok.login.{'sent' if login_result.location else 'gets'}"
        yield ok_finding(
            get_text(locale, key, to=login_result.location, status=login_result.status)
        )
