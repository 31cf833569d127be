"""What ``doctor`` makes of a few clicks of the check: on each page, the way back, and the login."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

from flask import current_app

from ..app.current import this_app
from ..app.endpoints import knows_its_address, trusts_hosts
from ..app.mounts import where_the_site_is
from ..app.state import State
from ..check.acceptance import check_entries
from ..check.player import PHONE, nowhere
from ..check.results import Note, Report
from ..check.site import as_sent
from ..check.visits import TAP, first_reached, in_context, what_raised
from ..gateway.pages import PAGES
from ..texts import text
from .findings import Finding, bad, ok, warning
from .keys import check_ids

# The cases of the check, and what each is called here.
_CASES = {
    **{f"{page}-bearer": page for page in PAGES},
    "product-return": "paid",
    "product-visitor": "login",
    "loader": "member_loader",
}
# The rules of the check that are about settings. The doctor has findings of its own for these.
_SAID_OF_SETTINGS = ("unknown_address", "settings.late", "settings.invalid")


def check_clicks(state: State, locale: str) -> Iterator[Finding]:
    """Follow a link of each page, as a phone does that got it in a mail, and the way back."""
    try:
        nobody = f"nobody-{secrets.token_hex(8)}"
        kept_plain = in_context(this_app(), partial(state.hooks.keeps_plain_key, nobody))
        report = check_entries(this_app(), devices=["iphone"], only=_cases(state))
    except Exception as error:  # the site's own address may be wrong
        yield bad(text(locale, "doctor.clicks.none", error=what_raised(error)))
        return
    # Whom the site takes for logged in, though nobody is.
    current: str | None = first_reached(
        state,
        nowhere(state),
        headers={**TAP, **PHONE.headers},
        inside=state.hooks.current_member,
    ).found
    yield from _wrong(report, locale)
    yield from _right(state, report, locale, somebody=current is not None)
    if state.settings.member_secret is not None and kept_plain:
        yield warning(text(locale, "doctor.plain"))
    if current is not None:
        yield warning(text(locale, "doctor.everybody"))
    yield from check_ids(state, current, locale)


def _cases(state: State) -> list[str]:
    """Return the cases to do: none that needs a login of which it is known that it is not there."""
    has_view = state.settings.login_view in (None, *current_app.view_functions)
    needs_login = () if has_view else ("product-visitor", "loader")
    return [case for case in _CASES if case not in needs_login]


def _wrong(report: Report, locale: str) -> Iterator[Finding]:
    """Say what is wrong, each kind once."""
    for trouble in report.problems():
        if trouble.code in _SAID_OF_SETTINGS:
            continue
        done = {result.case.name for result in trouble.results}
        names = (name for case, name in _CASES.items() if case in done)
        where = text(locale, "list.comma").join(names) or text(locale, "doctor.clicks.every")
        what = next(iter(trouble.failures)).said_in(locale)
        yield bad(text(locale, "doctor.clicks.wrong", where=where, what=what))


def _right(state: State, report: Report, locale: str, *, somebody: bool) -> Iterator[Finding]:
    """Say what is as it should be.

    :param locale: of what is said.
    :param somebody: somebody is taken for logged in, though nobody is.
    """
    passed = {result.case.name: result for result in report.results if result.passed}
    for page, row in PAGES.items():
        if f"{page}-bearer" in passed:
            yield ok(text(locale, "doctor.ok.page", page=page, section=row.section))
    comes_back = knows_its_address(state) or trusts_hosts() or report.environment == "test"
    if "product-return" in passed and comes_back:
        path = f"{state.settings.url_prefix}/paid/…"
        site = as_sent(where_the_site_is(state)).rstrip("/")
        key = "doctor.ok.paid.url" if knows_its_address(state) else "doctor.ok.paid.path"
        yield ok(text(locale, key, site=site, path=path))
    login = passed.get("product-visitor") if "loader" in passed and not somebody else None
    if login is not None and Note("check.note.no_login") in report.notes:
        yield ok(text(locale, "doctor.ok.login.none"))
    elif login is not None:
        key = f"doctor.ok.login.{'sent' if login.location else 'gets'}"
        yield ok(text(locale, key, to=login.location, status=login.status))
    for note in report.notes:
        if note.key == "check.note.login.page.not_here":
            yield warning(text(locale, note.key, what=note.what))
