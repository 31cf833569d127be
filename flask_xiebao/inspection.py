"""What ``flask xiebao inspect`` finds in a URL."""

from __future__ import annotations

import base64
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from .config import ENVIRONMENTS
from .console import Finding, bad, ok, warning
from .errors import GatewayError, LinkError, XiebaoError
from .gateway import PAGES, check_web_url
from .links import Click, Entry
from .site import Site

#: The environment of each of the gateway's own hosts.
HOSTS = {urlsplit(url).hostname: env for env, url in ENVIRONMENTS.items()}
_MEANINGS = {
    "partnerId": "the partner's account at Xiebao",
    "subPartnerId": "the partner's sub-account, empty for none",
    "caseCode": "the product, by the code that Xiebao provides",
    "insureNum": "the policy, by its application number",
    "partnerUniqKey": "the member, by the partner's id",
    "platform": "where the page is shown",
    "sign": "md5(apiKey + partnerId), 32 lower-case hex digits",
    "paySuccess": "the standard base64 of the http(s) URL to go to after payment, percent-encoded",
}
# The document leaves them out; the gateway knows them.
_UNDOCUMENTED = ("hidenav", "toLogin")
_NOT_ESCAPED = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")
_PAY_SUCCESS_HINTS = {
    "*": " The * in the examples of 2.3 stands for one.",
    " ": " A + in it must be sent as %2B.",
    "-": " This is the URL-safe base64, with - and _ for + and /.",
    "_": " This is the URL-safe base64, with - and _ for + and /.",
}


def read_gateway_url(url: str, site: Site | None, missing: str) -> Iterator[Finding]:
    """Explain a URL of the gateway, parameter by parameter.

    :param site: whose account and key count; None checks all but those.
    :param missing: why there is no site.
    """
    address, _, query = url.partition("#")[0].partition("?")
    parts = urlsplit(address)
    env = HOSTS.get(parts.hostname)
    page = _page_at(parts.path, mounted=env is None)
    if page is None:
        paths = ", ".join(row.path for row in PAGES.values())
        yield bad(f"The gateway has no page {parts.path}: its pages are {paths}.")
        return
    where = f"the {env} gateway" if env else f"a gateway on {parts.hostname or 'this site'}"
    yield ok(f"The {page} page ({PAGES[page].section}) of {where}.")
    if site is not None and not site.settings.enabled:
        site, missing = None, "XIEBAO_ENABLED is off."
    if site is not None and env not in (None, site.settings.env or "test"):
        yield warning(
            f"This site's XIEBAO_ENV is {site.settings.env or 'test'}, and test and production have"
            " different keys: a sign that is right here is wrong there."
        )
    received = parse_qsl(query, keep_blank_values=True, errors="replace")
    counts = Counter(name for name, _ in received)
    for field, (name, value) in zip(filter(None, query.split("&")), received, strict=True):
        if wrong := _wrong_form(page, site, field, name, value, counts[name]):
            yield bad(wrong)
        elif name == "sign":
            account = dict(received).get("partnerId", "")
            yield _read_sign(value, account, site, missing)
        elif name == "paySuccess":
            yield from _read_pay_success(value, site)
        else:
            yield _read_parameter(page, name, value, site)
    given = {_bare(name) for name in counts}
    for name in PAGES[page].parameters:
        if name in PAGES[page].required | {"partnerId", "sign"} and _bare(name) not in given:
            yield bad(f"{name} is missing: {_MEANINGS[name]}.")
    if len(received) == 1:
        yield warning("Was there more? Put the URL in quotes: the shell ends it at the first &.")


def _page_at(path: str, *, mounted: bool) -> str | None:
    for page, row in PAGES.items():
        if path == row.path or (mounted and path.endswith(row.path)):
            return page
    return None


def _bare(name: str) -> str:
    """Return a name without what a stray space, or ``&amp;`` from HTML, leaves in it."""
    return name.strip().removeprefix("amp;").lower()


def _wrong_form(
    page: str, site: Site | None, field: str, name: str, value: str, count: int
) -> str | None:
    """Say why the gateway would not even look at what a parameter says."""
    known = (*PAGES[page].parameters, *_UNDOCUMENTED, *((site and site.settings.extra) or ()))
    if name not in known:
        for meant in known:
            if name.strip() == meant:
                return f"{name!r} has a space, as in the examples of 2.1, by mistake: remove it."
            if _bare(name) == _bare(meant):
                return f"{name!r} is no parameter: write {meant}."
        return (
            f"{name} is no parameter of {PAGES[page].section}: leave it out, or name it in"
            " XIEBAO_EXTRA if Xiebao told you of it."
        )
    if count > 1:
        return f"{name} is there {count} times: send it once."
    if _NOT_ESCAPED.search(field) or "\N{REPLACEMENT CHARACTER}" in value:
        return f"{name} is not percent-encoded as UTF-8: encode it."
    if not value.strip() and name in PAGES[page].parameters and name != "subPartnerId":
        return f"{name} is empty: it is {_MEANINGS[name]}."
    return None


def _read_parameter(page: str, name: str, value: str, site: Site | None) -> Finding:
    meaning = _MEANINGS.get(name, "a parameter that is not in the document")
    if name == "partnerId" and site is not None and value != site.settings.partner_id:
        return bad(f"{name}={value}: {meaning}, but this site's is {site.settings.partner_id}.")
    if name == "platform":
        served = {str(platform.value): platform.name for platform in sorted(PAGES[page].platforms)}
        if value not in served:
            codes = ", ".join(f"{code} ({platform})" for code, platform in served.items())
            return bad(f"{name}={value} is refused: {PAGES[page].section} has {codes} at present.")
        meaning += f", {served[value]}"
    return ok(f"{name}={value}: {meaning}.")


def _read_sign(sign: str, account: str, site: Site | None, missing: str) -> Finding:
    shown, rule = f"sign={_masked(sign)}", f"The rule of the document is {_MEANINGS['sign']}."
    if site is not None and sign == site.gateway.sign:
        return ok(f"{shown}: right for the configured key.")
    if _is_example(sign, account):
        return bad(
            f"{shown} has the shape of the examples in 2.1, base64 of eleven hex digits and then"
            f" the partner id, and is wrong like them. {rule}"
        )
    if not re.fullmatch("[0-9a-f]{32}", sign):
        return bad(f"{shown} has the wrong shape. {rule}")
    if site is None:
        return warning(f"{shown}: the shape is right. It was not checked with a key: {missing}")
    if account != site.settings.partner_id:
        return warning(f"{shown}: the shape is right. It was not checked: it is another account's.")
    return bad(
        f"{shown} is not made with the configured key. {rule} Test and production have different"
        f" keys, and XIEBAO_ENV is {site.settings.env or 'not set'}: does this URL lead there?"
    )


def _is_example(sign: str, account: str) -> bool:
    try:
        digits = base64.b64decode(f"{sign[:15]}=", validate=True)
    except ValueError:
        return False
    return sign[15:].removeprefix("=") == account and bool(re.fullmatch(b"[0-9a-f]{11}", digits))


def _read_pay_success(value: str, site: Site | None) -> Iterator[Finding]:
    try:
        url = base64.b64decode(value, validate=True).decode()
        if base64.b64encode(url.encode()).decode() != value:
            raise ValueError("padding")
        check_web_url("paySuccess", url)
    except (ValueError, GatewayError):
        hints = [hint for mark, hint in _PAY_SUCCESS_HINTS.items() if mark in value]
        hint = hints[0] if hints else ""
        yield bad(f"paySuccess is refused: it must be {_MEANINGS['paySuccess']}.{hint}")
        return
    yield ok(f"paySuccess: after payment the browser goes to {url}")
    if site is not None and _link_parts(urlsplit(url).path, site)[0] == "paid":
        yield from read_link(urlsplit(url).path, site)


def read_link(path: str, site: Site) -> Iterator[Finding]:
    """Explain a link of the site: what it says, and who could follow it."""
    page, token = _link_parts(path, site)
    try:
        if page == "paid":
            yield from _read_click(site.signer.loads_click(token))
        elif page:
            entry = site.signer.loads(token)
            if entry.page != page:
                raise LinkError(f"This is no link to a {page} page: its token is of another.")
            if page == "policy" and entry.member is None:
                raise LinkError("This is no link to a policy page: its token has no member.")
            yield from (*_read_entry(entry), _read_member(entry))
        else:
            yield bad(
                "This is no page of the gateway and no link of this site: its links begin with"
                f" {site.settings.url_prefix}/product/, /home/, /policy/ or /paid/."
            )
    except XiebaoError as error:
        yield bad(f"{error}")


def _link_parts(path: str, site: Site) -> tuple[str, str]:
    prefix = re.escape(site.settings.url_prefix)
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


def _masked(text: str) -> str:
    return f"{text[:2]}…{text[-2:]}" if len(text) >= 8 else "***"


def mask_signs(text: str, site: Site | None) -> str:
    """Mask the site's sign, and what a URL inside of *text* calls sign."""
    signs = r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}"
    if site is not None and site.settings.enabled:
        signs = f"{site.gateway.sign}|{signs}"
    return re.sub(signs, lambda found: _masked(found[0]), text, flags=re.IGNORECASE)
