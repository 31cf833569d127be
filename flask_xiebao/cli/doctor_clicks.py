"""What ``doctor`` makes of a few clicks of the check: on each page, the way back, and the login."""

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
    call_in_request_context,
    describe_exception,
    visit_at_any_mount,
)
from ..gateway.pages import PAGES
from ..texts import get_text
from .doctor_secrets import check_member_ids_unguessable
from .findings import Finding, error_finding, ok_finding, warning_finding

# The cases of the check, and what each is called here.
_CASE_LABELS = {
    **{f"{page}-bearer": page for page in PAGES},
    "product-return": "paid",
    "product-visitor": "login",
    "loader": "member_loader",
}
# The rules of the check that are about settings. The doctor has findings of its own for these.
_SETTING_RULES = ("unknown_address", "settings.late", "settings.invalid")


def check_clicks(state: AppState, locale: str) -> Iterator[Finding]:
    """Follow a link of each page, as a phone does that got it in a mail, and the way back."""
    try:
        nobody = f"nobody-{secrets.token_hex(8)}"
        kept_plain = call_in_request_context(
            get_current_app(), partial(state.hooks.is_known_by_plain_key, nobody)
        )
        report = check_entries(
            get_current_app(), devices=["iphone"], only=_get_case_names_to_run(state)
        )
    except Exception as error:  # the site's own address may be wrong
        yield error_finding(get_text(locale, "doctor.clicks.none", error=describe_exception(error)))
        return
    # Whom the site takes for logged in, though nobody is.
    current: str | None = visit_at_any_mount(
        state,
        get_invalid_link_path(state),
        headers={**NAVIGATION_HEADERS, **PHONE.headers},
        probe=state.hooks.find_current_member_id,
    ).probe_result
    yield from _iter_failure_findings(report, locale)
    yield from _iter_success_findings(
        state, report, locale, is_always_logged_in=current is not None
    )
    if state.settings.member_secret is not None and kept_plain:
        yield warning_finding(get_text(locale, "doctor.plain"))
    if current is not None:
        yield warning_finding(get_text(locale, "doctor.everybody"))
    yield from check_member_ids_unguessable(state, current, locale)


def _get_case_names_to_run(state: AppState) -> list[str]:
    """Return the cases to do: none that needs a login of which it is known that it is not there."""
    has_view = state.settings.login_view in (None, *current_app.view_functions)
    needs_login = () if has_view else ("product-visitor", "loader")
    return [case for case in _CASE_LABELS if case not in needs_login]


def _iter_failure_findings(report: Report, locale: str) -> Iterator[Finding]:
    """Say what is wrong, each kind once."""
    for trouble in report.problems():
        if trouble.code in _SETTING_RULES:
            continue
        done = {result.case.name for result in trouble.results}
        names = (name for case, name in _CASE_LABELS.items() if case in done)
        where = get_text(locale, "list.comma").join(names) or get_text(
            locale, "doctor.clicks.every"
        )
        what = next(iter(trouble.failures)).message_in(locale)
        yield error_finding(get_text(locale, "doctor.clicks.wrong", where=where, what=what))


def _iter_success_findings(
    state: AppState, report: Report, locale: str, *, is_always_logged_in: bool
) -> Iterator[Finding]:
    """Say what is as it should be.

    :param locale: of what is said.
    :param somebody: somebody is taken for logged in, though nobody is.
    """
    passed = {result.case.name: result for result in report.results if result.passed}
    for page, row in PAGES.items():
        if f"{page}-bearer" in passed:
            yield ok_finding(
                get_text(locale, "doctor.ok.page", page=page, section=row.document_section)
            )
    comes_back = (
        is_site_url_configured(state)
        or are_trusted_hosts_enforced()
        or report.environment == "test"
    )
    if "product-return" in passed and comes_back:
        path = f"{state.settings.url_prefix}/paid/…"
        site = encode_url_like_browser(get_site_url(state)).rstrip("/")
        key = "doctor.ok.paid.url" if is_site_url_configured(state) else "doctor.ok.paid.path"
        yield ok_finding(get_text(locale, key, site=site, path=path))
    login = (
        passed.get("product-visitor") if "loader" in passed and not is_always_logged_in else None
    )
    if login is not None and Note("check.note.no_login") in report.notes:
        yield ok_finding(get_text(locale, "doctor.ok.login.none"))
    elif login is not None:
        key = f"doctor.ok.login.{'sent' if login.location else 'gets'}"
        yield ok_finding(get_text(locale, key, to=login.location, status=login.status))
    for note in report.notes:
        if note.key == "check.note.login.page.not_here":
            yield warning_finding(get_text(locale, note.key, what=note.detail))
