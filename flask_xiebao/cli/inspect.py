"""What ``flask xiebao inspect`` finds: the simulator's verdict, and what only the site knows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

import click

from ..errors import GatewayError, LinkError, XiebaoError
from ..gateway import Gateway
from ..links import Click, Entry
from ..pages import PAGES
from ..state import State
from ..testing import Problem, Verdict
from ..testing.document import (
    HOSTS,
    PLATFORMS,
    Account,
    Row,
    mask,
    meaning_in,
    read,
    row_named,
)
from ..values import Secret
from .findings import Finding, bad, ok, warning

_LOCALE = "en"
# The document leaves them out; the gateway knows them.
_UNDOCUMENTED = ("hidenav", "toLogin")
_PORTS = {"http": 80, "https": 443}


def findings_in(url: str, state: State | None, missing: str) -> tuple[Iterator[Finding], str]:
    """Return what is found in a URL, and what an error among it means.

    :param state: the site's; None where there is none.
    :param missing: why there is none.
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
        findings = _read_gateway_url(url, account, state, missing)
        masked = ((level, _mask_signs(text, account)) for level, text in findings)
        return masked, "The gateway would refuse this URL."
    if state is None:
        raise click.ClickException(f"A link is read with the key of its site: {missing}")
    return _read_link(parts.path, state), "Nobody can follow this link."


def _account(state: State) -> Account | None:
    """Return the site's account; one that is switched off needs none."""
    settings = state.settings
    try:
        gateway = Gateway(settings.partner_id, settings.api_key)
    except GatewayError:
        return None
    return Account(gateway.partner_id, Secret(gateway.sign))


def _read_gateway_url(
    url: str, account: Account | None, state: State | None, missing: str
) -> Iterator[Finding]:
    if state is not None and not state.settings.enabled:
        account, state, missing = None, None, "XIEBAO_ENABLED is off."
    further = (state.settings.extra or ()) if state else ()
    verdict = read(url, account, (*_UNDOCUMENTED, *further))
    row = row_named(verdict.page)
    if row is None:
        yield from map(bad, verdict.reasons_in(_LOCALE))
        return
    parts = urlsplit(url)
    env = HOSTS.get(parts.hostname or "")
    where = f"the {env} gateway" if env else f"a gateway on {parts.hostname or 'this site'}"
    yield ok(f"The {row.title_in(_LOCALE)} ({row.section}) of {where}.")
    if state is not None and env not in (None, state.settings.env or "test"):
        yield warning(
            f"This site's XIEBAO_ENV is {state.settings.env or 'test'}, and test and production"
            " have different keys: a sign that is right here is wrong there."
        )
    elif state is not None and not _is_the_sites(parts, row, state.gateway.base_url):
        yield warning(f"It is not this site's gateway, which is {state.gateway.base_url or '/'}.")
    if env is not None and parts.scheme != "https":
        yield warning("Begin it with https://: else the sign can be read on its way.")
    yield from _read_parameters(row, verdict, state, missing)
    if len(verdict.parameters) == 1:
        yield warning("Was there more? Put the URL in quotes: the shell ends it at the first &.")


def _is_the_sites(parts: SplitResult, row: Row, base_url: str) -> bool:
    ours = urlsplit(base_url)
    if not ours.netloc:  # a path of the site, which may have other hosts and be mounted below one
        return parts.path.endswith(ours.path + row.path)
    return _origin(parts) == _origin(ours) and parts.path == ours.path + row.path


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _read_parameters(
    row: Row, verdict: Verdict, state: State | None, missing: str
) -> Iterator[Finding]:
    problems: dict[str | None, list[Problem]] = {}
    for problem in verdict.problems:
        problems.setdefault(problem.parameter, []).append(problem)
    for name, value in verdict.parameters:
        if name in problems:  # once, however often the name is there
            yield from (_read_problem(problem, verdict, state) for problem in problems[name])
            problems[name] = []
        elif name == "sign":
            yield _read_sign(value, state, missing)
        elif name == "partnerUniqKey" and state and state.settings.member_secret is not None:
            yield _read_member_key(value, state)
        elif name == "paySuccess":
            yield from _read_pay_success(verdict.pay_success or "", state)
        else:
            means = meaning_in(_LOCALE, name)
            if name == "platform":
                means += f": {value} = {PLATFORMS[value]}"
            yield ok(f"{name}={value}: {means}.")
    # Of a name that is misspelt, that is said, and not that the right one is missing.
    meant = {each.value for each in verdict.problems if each.code in ("spaces", "misspelt")}
    for problem in verdict.problems:
        if problem.code == "missing" and problem.parameter not in meant:
            yield bad(problem.explain(_LOCALE, row.name))


def _read_problem(problem: Problem, verdict: Verdict, state: State | None) -> Finding:
    text = problem.explain(_LOCALE, verdict.page)
    if problem.code == "sign" and state is not None:
        if any(each.code == "partner" for each in verdict.problems):
            return warning(
                f"sign={problem.value}: the shape is right. It was not checked: it is another"
                " account's."
            )
        env = state.settings.env or "not set"
        text += (
            f" Test and production have different keys, and XIEBAO_ENV is {env}: does this URL"
            " lead there?"
        )
    return bad(text)


def _read_sign(sign: str, state: State | None, missing: str) -> Finding:
    if state is None:
        return warning(f"sign={sign}: the shape is right. It was not checked with a key: {missing}")
    return ok(f"sign={sign}: right for the configured key.")


def _read_member_key(key: str, state: State) -> Finding:
    member = state.member_of(key)
    if member is None:
        return warning(
            f"partnerUniqKey={key}: this site gave it to nobody. With XIEBAO_MEMBER_SECRET a key is"
            " what partner_uniq_key(member) returns."
        )
    return ok(f"partnerUniqKey={key}: the key of member {member}.")


def _read_pay_success(url: str, state: State | None) -> Iterator[Finding]:
    yield ok(f"paySuccess: after payment the browser goes to {url}")
    if state is not None and _link_parts(urlsplit(url).path, state)[0] == "paid":
        yield from _read_link(urlsplit(url).path, state)


def _read_link(path: str, state: State) -> Iterator[Finding]:
    """Explain a link of the site: what it says, and who could follow it."""
    page, token = _link_parts(path, state)
    try:
        if page == "paid":
            yield from _read_click(state.signer.loads_click(token))
        elif page:
            entry = state.signer.loads(token)
            if entry.page != page:
                raise LinkError(
                    f"This is not a link to the {page} page: its token belongs to another."
                )
            if PAGES[page].members_own and entry.member is None:
                raise LinkError(f"This is not a link to the {page} page: its token has no member.")
            yield from (*_read_entry(entry), _read_member(entry))
        else:
            prefix = state.settings.url_prefix
            paths = ", ".join(f"{prefix}/{page}/" for page in (*PAGES, "paid"))
            yield bad(
                "This is neither a page of the gateway nor a link of this site, whose links begin"
                f" with one of {paths}."
            )
    except XiebaoError as error:
        yield bad(f"{error}")


def _link_parts(path: str, state: State) -> tuple[str, str]:
    prefix = re.escape(state.settings.url_prefix)
    found = re.search(f"{prefix}/({'|'.join(PAGES)}|paid)/([^/]+)$", path)
    return (found[1], found[2]) if found else ("", "")


def _read_click(click: Click) -> Iterator[Finding]:
    yield ok(
        f"This site's way back from a payment, and no proof of one: click {click.click_id} of"
        f" member {click.member}, {_utc(click.clicked_at)}."
    )
    yield from _read_entry(click.entry)


def _read_entry(entry: Entry) -> Iterator[Finding]:
    yield ok(f"It is about the {entry.page} page ({PAGES[entry.page].section}).")
    said = {
        PAGES[entry.page].reference: entry.reference,
        "subPartnerId": entry.sub_partner_id,
        "platform": entry.platform and entry.platform.name,
        "back to": entry.return_to,
        "about": entry.client_reference,
    }
    yield from (ok(f"{name}: {value}") for name, value in said.items() if value is not None)


def _read_member(entry: Entry) -> Finding:
    """Say who could follow a link."""
    if entry.member is None:
        return ok("It has no member: whoever clicks logs in and goes as themselves.")
    whose = f"It is member {entry.member}'s, signed {_utc(entry.signed_at or 0)}"
    if entry.max_age is None:
        return ok(f"{whose}: only they can follow it, logged in.")
    left = entry.seconds_left(time.time())
    if not left:
        return warning(
            f"{whose}, and its max_age of {entry.max_age} seconds is past: only they can follow it,"
            " logged in."
        )
    return ok(
        f"{whose}: for {left} more of its {entry.max_age} seconds whoever has it can follow it as"
        " them, unless another member is logged in."
    )


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _mask_signs(text: str, account: Account | None) -> str:
    """Mask the site's sign, and what a URL inside of *text* calls sign."""
    signs = r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}"
    text = account.hide(text) if account else text
    return re.sub(signs, lambda found: mask(found[0]), text, flags=re.IGNORECASE)
