"""The command line: ``flask xiebao doctor``, ``link`` and ``inspect``.

The ``flask.commands`` entry point registers it, and not the extension: ``doctor`` has to be there
for an app that does not load.
"""

from __future__ import annotations

import base64
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial
from traceback import walk_tb
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo
from werkzeug.exceptions import HTTPException

from .config import ENVIRONMENTS, Settings
from .errors import ConfigError, GatewayError, LinkError, XiebaoError
from .extension import Xiebao
from .gateway import PAGES, check_web_url
from .links import Click, Entry
from .platforms import Platform
from .site import Site, login_manager
from .testing import GatewaySimulator

#: A level and a message: what was found and, unless it is right, what to do about it.
Finding = tuple[str, str]

_ERROR = "ERROR"

# PAGES keeps the order of the document.
_SECTIONS = {page: f"2.{number}" for number, page in enumerate(PAGES, 1)}


@click.group()
def xiebao() -> None:
    """Insurance entries to Xiebao: check a site, make links, read URLs.

    Numbers such as 2.1 are sections of Xiebao's interface document.
    """


@xiebao.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check every setting, and one link of each page (2.1 to 2.3).

    Nothing is sent anywhere, and no secret is printed. An app that Xiebao refuses gets the list of
    what is wrong. Exits with 1 when there is an error.
    """
    try:
        site = _site(ctx)
    except ConfigError as refusal:
        _report(ctx, check_refused(refusal))
    else:
        _report(ctx, check_site(site))


@xiebao.command()
@click.argument("page", type=click.Choice(list(PAGES)))
@click.argument("reference", required=False)
@click.option("--member", help="Whose link it is: partnerUniqKey. A policy's link needs it.")
@click.option("--max-age", type=int, help="Seconds for which the link alone vouches for --member.")
@click.option("--sub-partner-id", help="subPartnerId (2.1, 2.2).")
@click.option(
    "--platform",
    type=click.Choice([platform.slug for platform in Platform]),
    help="Instead of what the device says.",
)
@click.option("--return-to", metavar="PATH", help="Path of this site to come back to (paySuccess).")
@click.option(
    "--external/--local",
    default=None,
    help="An absolute URL, or a path to paste after http://127.0.0.1:5000. By default absolute"
    " where XIEBAO_PUBLIC_URL or SERVER_NAME says where the site is, else a path.",
)
@click.option(
    "--gateway",
    "to_gateway",
    is_flag=True,
    help="Print the gateway's own URL. It holds the sign, which is a SECRET: whoever has it can go"
    " as any member.",
)
@click.pass_context
def link(
    ctx: click.Context, /, page: str, reference: str | None, to_gateway: bool, **options: Any
) -> None:
    """Print a link to the product (2.1), home (2.2) or policy (2.3) page.

    REFERENCE is the caseCode of a product or the insureNum of a policy. The link is one of this
    site, which finds out who clicks and on which device, and sends them to the gateway.
    """
    parameter = PAGES[page].reference
    if parameter and not reference:
        raise click.UsageError(f"The {page} page needs a REFERENCE, its {parameter}.")
    make = make_gateway_url if to_gateway else make_link
    try:
        url = make(_site(ctx), page, reference, **options)
    except XiebaoError as error:
        raise click.ClickException(str(error)) from None
    click.echo(url)


@xiebao.command()
@click.argument("url")
@click.pass_context
def inspect(ctx: click.Context, url: str) -> None:
    """Explain a URL of the gateway, or a link of this site.

    Put it in quotes: the shell ends it at the first & otherwise. Each parameter of a gateway URL
    (2.1 to 2.3) is explained and checked, the sign against the configured key and masked; without
    an app, all but the key. Of a link: where it leads, whose it is, and who could follow it. Exits
    with 1 when the gateway would refuse the URL, or the link is invalid.
    """
    site, missing = None, ""
    try:
        site = _site(ctx)
    except click.ClickException as error:
        missing = error.format_message().splitlines()[0]
    except Exception as error:  # what it says may hold passwords
        missing = f"the app does not load ({type(error).__name__}): try flask xiebao doctor."
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        raise click.UsageError("This is no URL.") from None
    if host in _HOSTS or "/dispatch/" in parts.path:
        findings = read_gateway_url(url.strip(), site, missing)
        masked = ((level, _mask_signs(text, site)) for level, text in findings)
        _report(ctx, masked, "The gateway would refuse this URL.")
    elif site is None:
        raise click.ClickException(f"A link is read with the key of its site: {missing}")
    else:
        _report(ctx, read_link(parts.path, site), "Nobody can follow this link.")


def _site(ctx: click.Context) -> Site:
    """Load the app and enter its context.

    :raises ConfigError: also where something has wrapped it in an error of its own.
    """
    try:
        app = ctx.ensure_object(ScriptInfo).load_app()
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ConfigError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise cause from None
    ctx.with_resource(app.app_context())
    if "xiebao" not in app.extensions:
        raise click.ClickException(
            "This app has no Xiebao: add Xiebao(app), or xiebao.init_app(app) to its factory; or"
            " name another app with flask --app."
        )
    extension: Xiebao = app.extensions["xiebao"]
    return extension._site


def _ok(text: str) -> Finding:
    return "ok", text


def _warning(text: str) -> Finding:
    return "WARNING", text


def _error(text: str) -> Finding:
    return _ERROR, text


def _report(ctx: click.Context, findings: Iterable[Finding], verdict: str = "") -> None:
    """Print one finding a line; exit with 1, and say *verdict*, if any is an error."""
    levels: Counter[str] = Counter()
    for level, text in findings:
        levels[level] += 1
        line = "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)
        click.echo(f"{level:<7}  {line}")
    count = f"Errors: {levels[_ERROR]}. Warnings: {levels['WARNING']}."
    click.echo(f"{count} {verdict}" if verdict and levels[_ERROR] else count)
    ctx.exit(1 if levels[_ERROR] else 0)


# What doctor finds.

_KNOWN = {f"XIEBAO_{setting.name.upper()}": setting for setting in fields(Settings)}
_UNSET = {
    "XIEBAO_ENV": "test",
    "XIEBAO_BASE_URL": "the gateway of XIEBAO_ENV",
    "XIEBAO_LOCALE": "Flask-Babel's, else zh",
    "XIEBAO_STRICT": "in debug and testing",
}
_SHORTEST_KEY = 16
# Keys that tutorials print and that are long enough, without punctuation.
_PUBLISHED_KEYS = (
    *("hardtoguessstring", "supersecretkey", "thisisasecretkey", "yoursecretkey", "5y2lf4q8z"),
    *("youwillneverguess", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"),
)
_NEW_KEY = 'make one with python -c "import secrets; print(secrets.token_hex())"'
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_SAMPLES = {"product": "QX000000127257", "policy": "20190226020146"}


def check_refused(refusal: ConfigError) -> list[Finding]:
    """Say what is wrong with an app that did not load."""
    findings: list[Finding] = []
    for frame, _ in walk_tb(refusal.__traceback__):
        if frame.f_code is Xiebao.init_app.__code__:
            findings = list(check_settings(frame.f_locals["app"]))
    if all(level != _ERROR for level, _ in findings):
        findings += map(_error, str(refusal).splitlines())
    return findings


def check_site(site: Site) -> Iterator[Finding]:
    """Say what is right and wrong with the current app."""
    yield from check_settings(current_app)
    yield check_destination(site.settings)
    yield from check_login(site)
    yield check_links_that_leave(site.settings)
    try:
        yield check_secret_key(site)
    except ConfigError as error:
        yield _error(f"{error} If you have none, {_NEW_KEY}.")
        return
    if site.settings.enabled:
        yield from (check_round_trip(site, page) for page in PAGES)


def check_settings(app: Flask) -> Iterator[Finding]:
    """Go through every setting, and find those that are misspelled."""
    problems: list[str] = []
    try:
        Settings.from_config(app.config)
    except ConfigError as error:
        problems = str(error).splitlines()[1:]
    for name in _KNOWN:
        value = app.config.get(name)
        if wrong := [problem for problem in problems if name in problem]:
            yield from map(_error, wrong)
        elif value is None and name == "XIEBAO_ENV" and not (app.debug or app.testing):
            yield _warning(f'{name} is not set: say "production" if this site sells, else "test".')
        else:
            yield _ok(f"{name}{_shown_setting(name, value)}")
    for name in sorted(app.config.keys() - _KNOWN.keys() - Flask.default_config.keys()):
        ours = name.startswith("XIEBAO_")
        if meant := get_close_matches(name, _KNOWN, 1, 0.6 if ours else 0.85):
            yield _warning(f"{name} is no setting: did you mean {meant[0]}?")
        elif ours:
            yield _warning(f"{name} is no setting of Flask-Xiebao: remove it.")


def _shown_setting(name: str, value: Any) -> str:
    if value is None:
        default = _UNSET.get(name, _KNOWN[name].default)
        return f" is not set: {'none' if default in (None, '') else default}"
    if name == "XIEBAO_API_KEY":
        return " is set, and not shown"
    return f": {', '.join(value) if name == 'XIEBAO_EXTRA' else getattr(value, 'pattern', value)}"


def check_destination(settings: Settings) -> Finding:
    """Say where the entries lead."""
    if not settings.enabled:
        return _warning("XIEBAO_ENABLED is off: entries render nothing, their links answer 404.")
    env = settings.env or "test"
    base_url = settings.base_url or ENVIRONMENTS[env]
    other = {url: name for name, url in ENVIRONMENTS.items() if name != env}.get(base_url)
    if other:
        return _warning(
            f"XIEBAO_ENV is {env}, but XIEBAO_BASE_URL is the {other} gateway, which has another"
            " key: remove XIEBAO_BASE_URL."
        )
    if base_url.startswith("/") and not _endpoint(base_url.rstrip("/") + PAGES["product"].path):
        return _warning(
            f"XIEBAO_BASE_URL is the path {base_url} of this site, where the app has no gateway:"
            " register the blueprint of a GatewaySimulator there."
        )
    real = "policies are real" if env == "production" else "no policy is real"
    return _ok(f"Entries lead to {base_url} ({env}: {real}).")


def _endpoint(path: str) -> tuple[str, Mapping[str, Any]] | None:
    """Return the endpoint at a path of this app, and its values."""
    try:
        return current_app.url_map.bind("localhost").match(path)
    except HTTPException:
        return None


def check_login(site: Site) -> Iterator[Finding]:
    """Say whether the site knows its members, and where those who are not logged in go."""
    if not site.members.are_known():
        yield _warning(
            "Nothing says who is logged in, so only links with max_age can be followed: add a"
            " member_loader."
        )
    else:
        source = "Flask-Login" if site.members.loader is None else "A member_loader"
        yield _ok(f"{source} says who is logged in.")
    view = site.settings.login_view
    if view is None:
        answer = "Flask-Login sends them to log in" if login_manager() else "they get a 401 page"
        yield _ok(f"Whoever is not logged in: {answer}. XIEBAO_LOGIN_VIEW can name your login.")
    elif view not in current_app.view_functions:
        meant = get_close_matches(view, current_app.view_functions, 1)
        advice = f"did you mean {meant[0]}?" if meant else "flask routes lists those there are."
        yield _error(f"XIEBAO_LOGIN_VIEW: there is no endpoint {view}: {advice}")


def check_links_that_leave(settings: Settings) -> Finding:
    """Say whether links in mail, QR codes and paySuccess have a host to trust, and are https."""
    config = current_app.config
    source, url = "XIEBAO_PUBLIC_URL", settings.public_url
    if url is None and config["SERVER_NAME"]:
        source, url = "SERVER_NAME", f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_NAME']}"
    if url is None:
        trusted = "TRUSTED_HOSTS" in Flask.default_config and config["TRUSTED_HOSTS"]
        forged = "" if trusted else " A forged one would carry them away: with a member, they fail."
        return _warning(
            "Links that leave the site have the host of the request, and fail without a request."
            f"{forged} Set XIEBAO_PUBLIC_URL, such as https://shop.example."
        )
    begin = f"Links that leave the site begin with {url} ({source})"
    if url.startswith("https://") or urlsplit(url).hostname in _THIS_MACHINE:
        return _ok(f"{begin}.")
    return _warning(f"{begin}, and can be read on their way: set XIEBAO_PUBLIC_URL to https://….")


def check_secret_key(site: Site) -> Finding:
    """Say whether links are signed with a key that nobody can guess.

    :raises ConfigError: when they cannot be signed at all.
    """
    site.signer  # noqa: B018 - it raises
    config = current_app.config
    for key in (config["SECRET_KEY"], *(config.get("SECRET_KEY_FALLBACKS") or ())):
        text = key if isinstance(key, str) else key.decode("latin-1")
        if len(text) < _SHORTEST_KEY or re.sub("[^a-z0-9]", "", text.lower()) in _PUBLISHED_KEYS:
            name = "SECRET_KEY" if key == config["SECRET_KEY"] else "One of SECRET_KEY_FALLBACKS"
            return _warning(
                f"{name} is short or well known: who guesses it, forges links. So {_NEW_KEY}."
            )
    return _ok("SECRET_KEY signs the links.")


def check_round_trip(site: Site, page: str) -> Finding:
    """Make a link, find its endpoint, open its token, build its gateway URL, have that checked."""
    settings = site.settings
    try:
        link = _local_link(site, page, _SAMPLES.get(page), member="doctor", max_age=60)
        endpoint, values = _endpoint(urlsplit(link).path) or ("nowhere", {})
        if endpoint != f"xiebao.{page}":
            return _error(f"{page}: its links lead to {endpoint}: change XIEBAO_URL_PREFIX.")
        entry = site.signer.loads(values["token"])
        url = site.gateway.url(page, entry.reference, partner_uniq_key=entry.member)
    except Exception as error:  # a site may hook into URLs; what others say may hold passwords
        why = error if isinstance(error, XiebaoError) else "try to make one in flask shell."
        return _error(f"{page}: a link fails with {type(error).__name__}: {why}")
    simulator = GatewaySimulator(
        settings.partner_id, settings.api_key.reveal(), also_known=settings.extra or ()
    )
    if not simulator.check(url).accepted:
        return _error(f"{page}: the simulator of the gateway refuses what a link leads to.")
    return _ok(f"{page} ({_SECTIONS[page]}): a link was made, found and opened, and leads on.")


# What link prints.


def make_link(
    site: Site, page: str, reference: str | None, *, external: bool | None, **options: Any
) -> str:
    """Return a link of the site.

    :param external: absolute, or a path; None means absolute where a setting names the host.
    :raises LinkError: when an argument is wrong, or there is nothing to link to.
    """
    if page == "policy" and options["member"] is None:
        raise LinkError("A policy's link says whose it is: add --member.")
    if external is None:
        external = bool(site.settings.public_url or current_app.config["SERVER_NAME"])
    make = site.link if external else partial(_local_link, site)
    url = make(page, reference, **options)
    if not url:
        raise LinkError("There is no link: XIEBAO_ENABLED is off, or --member is empty.")
    return url


def _local_link(site: Site, page: str, reference: str | None, **options: Any) -> str:
    config = current_app.config
    host, *_ = config.get("TRUSTED_HOSTS") or [config["SERVER_NAME"] or "localhost"]
    with current_app.test_request_context(base_url=f"http://{host.lstrip('.')}"):
        return site.link(page, reference, **options)


def make_gateway_url(
    site: Site,
    page: str,
    reference: str | None,
    *,
    member: str | None,
    platform: str | None,
    sub_partner_id: str | None,
    **of_links: Any,
) -> str:
    """Return the URL of a page of the gateway.

    :raises XiebaoError: when an argument is wrong.
    """
    if any(value is not None for value in of_links.values()):
        raise LinkError("--gateway takes no --max-age, --return-to, --external or --local.")
    return site.gateway.url(
        page,
        reference,
        partner_uniq_key=member,
        platform=platform,
        sub_partner_id=sub_partner_id,
    )


# What inspect finds.

_HOSTS = {urlsplit(url).hostname: env for env, url in ENVIRONMENTS.items()}
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
    env = _HOSTS.get(parts.hostname)
    page = _page_at(parts.path, mounted=env is None)
    if page is None:
        paths = ", ".join(row.path for row in PAGES.values())
        yield _error(f"The gateway has no page {parts.path}: its pages are {paths}.")
        return
    where = f"the {env} gateway" if env else f"a gateway on {parts.hostname or 'this site'}"
    yield _ok(f"The {page} page ({_SECTIONS[page]}) of {where}.")
    if site is not None and not site.settings.enabled:
        site, missing = None, "XIEBAO_ENABLED is off."
    received = parse_qsl(query, keep_blank_values=True, errors="replace")
    counts = Counter(name for name, _ in received)
    for field, (name, value) in zip(filter(None, query.split("&")), received, strict=True):
        if wrong := _wrong_form(page, site, field, name, value, counts[name]):
            yield _error(wrong)
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
            yield _error(f"{name} is missing: {_MEANINGS[name]}.")
    if len(received) == 1:
        yield _warning("Was there more? Put the URL in quotes: the shell ends it at the first &.")


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
            f"{name} is no parameter of {_SECTIONS[page]}: leave it out, or name it in XIEBAO_EXTRA"
            " if Xiebao told you of it."
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
        return _error(f"{name}={value}: {meaning}, but this site's is {site.settings.partner_id}.")
    if name == "platform":
        served = {str(platform.value): platform.name for platform in sorted(PAGES[page].platforms)}
        if value not in served:
            codes = ", ".join(f"{code} ({platform})" for code, platform in served.items())
            return _error(f"{name}={value} is refused: {_SECTIONS[page]} has {codes} at present.")
        meaning += f", {served[value]}"
    return _ok(f"{name}={value}: {meaning}.")


def _read_sign(sign: str, account: str, site: Site | None, missing: str) -> Finding:
    shown, rule = f"sign={_masked(sign)}", f"The rule of the document is {_MEANINGS['sign']}."
    if site is not None and sign == site.gateway.sign:
        return _ok(f"{shown}: right for the configured key.")
    if _is_example(sign, account):
        return _error(
            f"{shown} has the shape of the examples in 2.1, base64 of eleven hex digits and then"
            f" the partner id, and is wrong like them. {rule}"
        )
    if not re.fullmatch("[0-9a-f]{32}", sign):
        return _error(f"{shown} has the wrong shape. {rule}")
    if site is None:
        return _warning(f"{shown}: the shape is right. It was not checked with a key: {missing}")
    if account != site.settings.partner_id:
        return _warning(
            f"{shown}: the shape is right. It was not checked: it is another account's."
        )
    return _error(
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
        yield _error(f"paySuccess is refused: it must be {_MEANINGS['paySuccess']}.{hint}")
        return
    yield _ok(f"paySuccess: after payment the browser goes to {url}")
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
            yield _error(
                "This is no page of the gateway and no link of this site: its links begin with"
                f" {site.settings.url_prefix}/product/, /home/, /policy/ or /paid/."
            )
    except XiebaoError as error:
        yield _error(f"{error}")


def _link_parts(path: str, site: Site) -> tuple[str, str]:
    prefix = re.escape(site.settings.url_prefix)
    found = re.search(f"{prefix}/({'|'.join(PAGES)}|paid)/([^/]+)$", path)
    return (found[1], found[2]) if found else ("", "")


def _read_click(click: Click) -> Iterator[Finding]:
    yield _ok(
        f"This site's way back from a payment, and no proof of one: click {click.click_id} of"
        f" member {click.member}, {_utc(click.clicked_at)}."
    )
    yield from _read_entry(click.entry)


def _read_entry(entry: Entry) -> Iterator[Finding]:
    yield _ok(f"It is about the {entry.page} page ({_SECTIONS[entry.page]}).")
    said = {
        PAGES[entry.page].reference: entry.reference,
        "subPartnerId": entry.sub_partner_id,
        "platform": entry.platform and entry.platform.name,
        "back to": entry.return_to,
    }
    yield from (_ok(f"{name}: {value}") for name, value in said.items() if value is not None)


def _read_member(entry: Entry) -> Finding:
    """Say who could follow a link."""
    if entry.member is None:
        return _ok("It has no member: whoever clicks logs in and goes as themselves.")
    whose = f"It is member {entry.member}'s, signed {_utc(entry.signed_at or 0)}"
    if entry.max_age is None:
        return _ok(f"{whose}: only they can follow it, logged in.")
    left = entry.seconds_left(time.time())
    if not left:
        return _warning(
            f"{whose}, and its max_age of {entry.max_age} seconds is past: only they can follow it,"
            " logged in."
        )
    return _ok(
        f"{whose}: for {left} more of its {entry.max_age} seconds whoever has it can follow it as"
        " them, unless another member is logged in."
    )


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _masked(text: str) -> str:
    return f"{text[:2]}…{text[-2:]}" if len(text) >= 8 else "***"


def _mask_signs(text: str, site: Site | None) -> str:
    """Mask the site's sign, and what a URL inside of *text* calls sign."""
    signs = r"(?<=sign=)[\w+/%=-]{8,}|(?<=sign%3D)[\w+/%=-]{8,}"
    if site is not None and site.settings.enabled:
        signs = f"{site.gateway.sign}|{signs}"
    return re.sub(signs, lambda found: _masked(found[0]), text, flags=re.IGNORECASE)
