"""What ``doctor`` makes of a few clicks of the check: on each page, the way back, and the login."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import current_app

from ..app.endpoints import knows_its_address, trusts_hosts
from ..app.log import this_app
from ..app.mounts import places_of, where_the_site_is
from ..app.state import State
from ..check.acceptance import check_entries
from ..check.judge import Note
from ..check.player import PHONE, nowhere
from ..check.results import Report
from ..check.site import as_sent
from ..check.visits import TAP, Visit, first_reached, in_context, what_raised
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


def check_clicks(state: State) -> Iterator[Finding]:
    """Follow a link of each page, as a phone does that got it in a mail, and the way back."""
    try:
        nobody = f"nobody-{secrets.token_hex(8)}"
        kept_plain = in_context(this_app(), partial(state.hooks.keeps_plain_key, nobody))
        report = check_entries(this_app(), devices=["iphone"], only=_cases(state))
    except Exception as error:  # the site's own address may be wrong
        yield bad(f"A link cannot be made. Fix this: {what_raised(error)}")
        return
    current = _whoever_asks(state)
    yield from _wrong(report)
    yield from _right(state, report, somebody=current is not None)
    if state.settings.member_secret is not None and kept_plain:
        yield warning(
            "keeps_plain_key says that the gateway knows a member by the bare id whom it cannot"
            " know: name those alone who were there before XIEBAO_MEMBER_SECRET."
        )
    if current is not None:
        yield warning(
            "A request without a cookie counts as a member's, so everybody would go as them."
            " Have the member_loader return None where nobody is logged in."
        )
    yield from check_ids(state, current)


def _cases(state: State) -> list[str]:
    """Return the cases to do: none that needs a login of which it is known that it is not there."""
    has_view = state.settings.login_view in (None, *current_app.view_functions)
    needs_login = () if has_view else ("product-visitor", "loader")
    return [case for case in _CASES if case not in needs_login]


def _wrong(report: Report) -> Iterator[Finding]:
    """Say what is wrong, each kind once."""
    for trouble in report.problems():
        if trouble.code == "unknown_address":  # which the settings show
            continue
        done = {result.case.name for result in trouble.results}
        names = [name for case, name in _CASES.items() if case in done]
        yield bad(f"{', '.join(names) or 'every link'}: {next(iter(trouble.failures))}")


def _right(state: State, report: Report, *, somebody: bool) -> Iterator[Finding]:
    """Say what is as it should be.

    :param somebody: somebody is taken for logged in, though nobody is.
    """
    passed = {result.case.name: result for result in report.results if result.passed}
    for page, row in PAGES.items():
        if f"{page}-bearer" in passed:
            yield ok(
                f"{page} ({row.section}): a link was made, found and opened, and leads to the"
                " gateway."
            )
    comes_back = knows_its_address(state) or trusts_hosts() or report.environment == "test"
    if "product-return" in passed and comes_back:
        at = f"{state.settings.url_prefix}/paid/…"
        site = as_sent(where_the_site_is(state)).rstrip("/")
        where = f"{site}{at}" if knows_its_address(state) else f"the site, at …{at}"
        yield ok(f"paid: after a payment, the browser comes back to {where}")
    login = passed.get("product-visitor") if "loader" in passed and not somebody else None
    if login is not None and Note("check.note.no_login") in report.notes:
        yield ok(
            "Visitors who are not logged in get a 401 page. XIEBAO_LOGIN_VIEW can name your login."
        )
    elif login is not None:
        comes = f"are sent to {login.location}" if login.location else f"get {login.status}"
        yield ok(f"Visitors who are not logged in {comes}.")
    for note in report.notes:
        if note.key == "check.note.login.page.not_here":
            yield warning(text("en", note.key, what=note.what))


def _whoever_asks(state: State) -> str | None:
    """Return whom the site takes for logged in, though nobody is."""
    url = f"{where_the_site_is(state).rstrip('/')}{nowhere(state)}"
    phone = {**TAP, **PHONE.headers}
    seen = visit(state, url, headers=phone, inside=state.hooks.current_member)
    who: str | None = seen.found
    return who


def visit(state: State, url: str, **request: Any) -> Visit:
    """Send a request to the first place where it reaches a view.

    :param request: as :class:`.Visit` takes it.
    """
    places = places_of(state, url, where_the_site_is(state))
    return first_reached(this_app(), places, **request)
