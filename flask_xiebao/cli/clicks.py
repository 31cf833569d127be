"""The clicks of ``doctor``: one on a link of each page, and the way back from a payment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed, Unauthorized
from werkzeug.wrappers import Response

from ..app import endpoints
from ..app.log import this_app
from ..app.mounts import places_of, where_the_site_is
from ..app.state import State
from ..check.devices import DEVICES
from ..check.visits import TAP, Visit, explain, first_reached
from ..gateway.pages import PAGES
from ..links.tokens import Entry, make_entry
from ..simulator.screens import GatewaySimulator, simulator_of
from ..views import responses
from .diagnosis import why_not_back, why_not_there
from .findings import Finding, bad, ok, warning
from .keys import check_ids

# What a phone sends when its owner taps a link in a mail.
_PHONE = {**DEVICES["iphone"].headers, **TAP}


@dataclass
class _Shown:
    """What the clicks show of a site, besides whether each arrives.

    :ivar gateway: what they lead to.
    :ivar nobody: a member whom no site has.
    :ivar member: whom the site takes for logged in, though nobody is.
    :ivar login: what the site's login answers to somebody who is not logged in, or why it does
        not; None until a request has reached a view.
    :ivar way_back: the URL to which a payment comes back.
    :ivar knows_nobody: whether a click named *nobody* to the gateway by the bare id.
    """

    gateway: GatewaySimulator
    nobody: str
    member: str | None = None
    login: Response | Exception | None = None
    way_back: str | None = None
    knows_nobody: bool = False


def check_clicks(state: State) -> Iterator[Finding]:
    """Follow a link of each page, as a phone does that got it in a mail."""
    shown = _Shown(simulator_of(state.settings), f"nobody-{secrets.token_hex(8)}")
    pages_with: dict[str, list[str]] = {}
    for page, row in PAGES.items():
        try:
            problem = _why_not_there(state, page, shown)
        except Exception as error:  # the site's own address may be wrong
            problem = f"a link cannot be made. {explain(error)}"
        if problem:
            pages_with.setdefault(problem, []).append(page)
        else:
            yield ok(
                f"{page} ({row.section}): a link was made, found and opened, and leads to the"
                " gateway."
            )
    if shown.way_back is not None:
        problem = why_not_back(state, visit(state, shown.way_back, headers=_PHONE))
        back = urlsplit(shown.way_back.rpartition("/")[0])
        # If the site does not know its address, the host of this click was made up.
        is_known = endpoints.knows_its_address(state)
        where = back.geturl() if is_known else f"the site, at {back.path}"
        if problem:
            pages_with.setdefault(problem, []).append("paid")
        else:
            yield ok(f"paid: after a payment, the browser comes back to {where}/…")
    for problem, pages in pages_with.items():
        yield bad(f"{', '.join(pages)}: {problem}")
    yield from _check_login(state, shown.login)
    if state.settings.member_secret is not None and shown.knows_nobody:
        yield warning(
            "keeps_plain_key says that the gateway knows a member by the bare id whom it cannot"
            " know: name those alone who were there before XIEBAO_MEMBER_SECRET."
        )
    if shown.member is not None:
        yield warning(
            "A request without a cookie counts as a member's, so everybody would go as them."
            " Have the member_loader return None where nobody is logged in."
        )
    yield from check_ids(state, shown.member)


def _why_not_there(state: State, page: str, shown: _Shown) -> str:
    """Say why a link to a page does not lead there; "" if it does."""
    member = shown.nobody
    clicked = _click(state, page, member, shown, no_login_for=60)
    if clicked.rehearsal.member is not None:
        shown.member = member = clicked.rehearsal.member
        clicked = _click(state, page, member, shown)
    verdict = shown.gateway.check(clicked.location)
    shown.way_back = shown.way_back or verdict.pay_success
    shown.knows_nobody |= verdict.member == shown.nobody
    return why_not_there(state, page, clicked, verdict, member) or clicked.found or ""


def _look_inside(state: State, entry: Entry, shown: _Shown) -> str:
    """Say why a page of the site could not have a link; "" if it could. And try the login."""
    problem = ""
    try:
        # For the asker only: it is too late to mark the response as private.
        endpoints.entry_url(state, entry, external=False, asker_only=True)
    except Exception as error:  # the site's hooks for URLs may fail
        problem = f"a link cannot be made. {explain(error)}"
    if shown.login is None:  # only once: a login may do more than answer
        shown.login = _log_in(state)
    return problem


def _log_in(state: State) -> Response | Exception:
    """Return what the site's login answers, or why it does not; Unauthorized where it has none."""
    try:
        return responses.log_in(state) or Unauthorized()
    except HTTPException as aborted:  # the site's own login aborts
        return aborted.get_response()
    except Exception as error:
        return error


def _click(
    state: State,
    page: str,
    member: str,
    shown: _Shown,
    no_login_for: int | None = None,
) -> Visit:
    """Follow a link from outside the site."""
    row = PAGES[page]
    entry = make_entry(
        page,
        row.sample,
        return_to="/" if "paySuccess" in row.parameters else None,
        member=member,
        no_login_for=no_login_for,
    )
    site = urlsplit(where_the_site_is(state))
    url = current_app.url_map.bind(
        site.netloc, script_name=site.path or "/", url_scheme=site.scheme
    ).build(f"xiebao.{page}", {"token": state.signer.dumps(entry)}, force_external=True)
    return visit(state, url, headers=_PHONE, inside=partial(_look_inside, state, entry, shown))


def visit(state: State, url: str, **request: Any) -> Visit:
    """Send a request to the first place where it reaches a view.

    :param request: as :class:`.Visit` takes it.
    """
    places = places_of(state, url, where_the_site_is(state))
    return first_reached(this_app(), places, **request)


def _check_login(state: State, login: Response | Exception | None) -> Iterator[Finding]:
    """Say where visitors go who are not logged in."""
    match login:
        case None:
            pass
        case Unauthorized():
            yield ok(
                "Visitors who are not logged in get a 401 page. XIEBAO_LOGIN_VIEW can name your"
                " login."
            )
        case Exception():
            # check_hooks() complains of a view that does not exist.
            if state.settings.login_view in (None, *current_app.view_functions):
                yield bad(
                    "Whoever is sent to log in gets an error: name a login whose URL needs nothing"
                    f" but next. {explain(login)}"
                )
        case Response(location=None):
            yield ok(f"Visitors who are not logged in get {login.status_code} from the login.")
        case _:
            url = login.location or ""
            where = urlsplit(url)._replace(query="", fragment="").geturl()
            sent = f"Visitors who are not logged in are sent to {where}"
            if _takes_no_get(state, url):
                yield bad(f"{sent}, which takes no GET: name the view that shows the login.")
            else:
                yield ok(f"{sent}.")


def _takes_no_get(state: State, url: str) -> bool:
    site, login = urlsplit(where_the_site_is(state)), urlsplit(url)
    path = login.path.removeprefix(site.path)
    try:
        current_app.url_map.bind(site.netloc).match(path)
    except HTTPException as error:  # where it is not found, the path may belong to another app
        return isinstance(error, MethodNotAllowed) and login.netloc in ("", site.netloc)
    return False
