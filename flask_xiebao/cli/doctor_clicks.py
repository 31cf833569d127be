"""The part of ``flask xiebao doctor`` that clicks test links and reports the results.

The doctor clicks a link to a product page as a member and as an anonymous visitor, and follows the
link back from the payment.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from flask import current_app

from ..app.current import get_current_app
from ..app.endpoints import are_trusted_hosts_enforced, is_site_url_configured
from ..app.log import describe_exception
from ..app.mounts import get_site_url
from ..app.state import AppState, get_current_app_state
from ..check.check_run import check_entries
from ..check.page import encode_url_like_browser
from ..check.report import Report
from ..check.visits import (
    UNEXPECTED_EXCEPTIONS,
    call_in_request_context,
)
from ..gateway.pages import PAGES
from ..texts import get_text
from .doctor_secrets import check_member_ids_unguessable
from .findings import Finding, error_finding, ok_finding, warning_finding

# The check's own clicks, each with its name in the output of "doctor".
_CLICK_LABELS = {
    "product-plain": "product",
    "product-visitor": "login",
    "product-changed": "changed link",
}
# The rules that are left out of the findings about the clicks, because "doctor" reports the same
# problems in other findings.
_SETTING_RULES = (
    *("unknown_address", "settings.late", "anonymous", "members.unknown", "members.guessable"),
)


def check_clicks(state: AppState, locale: str) -> Iterator[Finding]:
    """Click test links on a simulated phone and yield the findings.

    The links are links to a product page, and the link back from the payment.
    """
    try:
        placeholder_member = f"nobody-{secrets.token_hex(8)}"
        has_plain_key = call_in_request_context(
            get_current_app(), partial(state.hooks.has_plain_member_key, placeholder_member)
        )
        report = check_entries(get_current_app(), devices=["iphone"])
    except UNEXPECTED_EXCEPTIONS as error:
        # The request itself may fail, for example because the host name of the site is invalid.
        yield error_finding(get_text(locale, "doctor.clicks.none", error=describe_exception(error)))
        return
    yield from _iter_failure_findings(report, locale)
    yield from _iter_success_findings(state, report, locale)
    if state.settings.member_secret is not None and has_plain_key:
        yield warning_finding(get_text(locale, "doctor.plain"))
    if "everybody" in report.notes:
        yield warning_finding(get_text(locale, "doctor.everybody"))
    yield from check_member_ids_unguessable(state, locale)


def _iter_failure_findings(report: Report, locale: str) -> Iterator[Finding]:
    """Yield an error finding for each kind of problem in a report, except setting problems."""
    login_view = get_current_app_state().settings.login_view
    is_login_view_valid = login_view is None or login_view in current_app.view_functions
    for problem in report.problems:
        names = {result.entry for result in problem.results}
        labels = [label for name, label in _CLICK_LABELS.items() if name in names]
        is_login_view_wrong = labels == ["login"] and not is_login_view_valid
        if problem.failure.rule in _SETTING_RULES or is_login_view_wrong:
            continue
        places = get_text(locale, "list.comma").join(labels)
        if len(labels) in (0, len(_CLICK_LABELS)):
            places = get_text(locale, "doctor.clicks.every")
        message = problem.failure.message_in(locale)
        yield error_finding(get_text(locale, "doctor.clicks.wrong", where=places, what=message))


def _iter_success_findings(state: AppState, report: Report, locale: str) -> Iterator[Finding]:
    """Yield the "ok" findings about the clicks that passed."""
    passed = {result.entry: result for result in report.results if result.passed}
    if "product-plain" in passed:
        page = PAGES["product"]
        yield ok_finding(
            get_text(locale, "doctor.ok.page", page=page.name, section=page.document_section)
        )
        path = f"{state.settings.url_prefix}/paid/…"
        # In production, members return from the gateway to the site only if the host in the site's
        # absolute links can be trusted.
        if is_site_url_configured(state):
            url = encode_url_like_browser(get_site_url(state)).rstrip("/")
            yield ok_finding(get_text(locale, "doctor.ok.paid.url", site=url, path=path))
        elif are_trusted_hosts_enforced() or report.environment == "test":
            yield ok_finding(get_text(locale, "doctor.ok.paid.path", path=path))
    # If every visitor counts as a logged-in member, nothing is known about the login.
    login_result = None if "everybody" in report.notes else passed.get("product-visitor")
    if login_result is not None and "no_login" in report.notes:
        yield ok_finding(get_text(locale, "doctor.ok.login.none"))
    elif login_result is not None:
        key = f"doctor.ok.login.{'sent' if login_result.location else 'gets'}"
        yield ok_finding(
            get_text(locale, key, to=login_result.location, status=login_result.status)
        )
