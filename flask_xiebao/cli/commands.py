"""The commands: what each takes, and what it does with what the other files here find.

``doctor`` has to be there for an app that does not load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click
from flask.cli import ScriptInfo

from ..app.current import this_app
from ..app.settings import ENVIRONMENTS
from ..app.state import State, current_state
from ..errors import ConfigError, OrderError, XiebaoError
from ..gateway.notifications import NotificationType
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..gateway.values import quoted
from ..texts import locales, text
from .findings import echo, report, worst_first

F = TypeVar("F", bound=Callable[..., Any])


def _removed_option(name: str, *replacements: str) -> Callable[[F], F]:
    """Return a decorator for an old option that raises a usage error naming its replacements."""

    def refuse(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value is not None:
            instead = " or ".join(f'"{each}"' for each in replacements)
            raise click.UsageError(f'There is no option "{name}". Use {instead} instead.', ctx)

    return click.option(name, hidden=True, is_eager=True, expose_value=False, callback=refuse)


@click.group()
def xiebao() -> None:
    """Insurance entries to Xiebao: check this site, make links, explain URLs.

    Numbers such as 2.1 are sections of Xiebao's interface document.
    """


@xiebao.command()
@click.option("--verbose", "-v", is_flag=True, help="List the settings that are right, too.")
@click.option("--locale", type=click.Choice(locales()), default="en", help="Of what is said.")
@click.pass_context
def doctor(ctx: click.Context, verbose: bool, locale: str) -> None:
    """Check every setting, and follow a link of each page (2.1 to 2.3).

    What is wrong comes first. The links go through the whole app, as those in a mail do, and so
    does a notification. Its hooks run; its signal receivers, its click_guard and its
    notification_handler are not called. Nothing is sent to Xiebao, and no secret is printed, save
    for the token in the address of notifications, which Xiebao has to be given. Where the settings
    are so wrong that the app does not load, they are listed all the same. Exits with 1 when there
    is an error.
    """
    from .doctor import check_refused, check_site

    try:
        state = _state(ctx)
    except ConfigError as refusal:
        findings = check_refused(refusal, locale, verbose=verbose)
    else:
        findings = list(check_site(state, locale, verbose=verbose))
    report(ctx, worst_first(findings), locale=locale)


@xiebao.command()
@click.option(
    "--page",
    "pages",
    multiple=True,
    metavar="URL",
    help="A page of the site, such as /orders/8: follow the entries on it, too.",
)
@click.option("--member", help="A member of the site's, by their id; by default one is made up.")
@click.option(
    "--login",
    metavar="MODULE:FUNCTION",
    help="Logs a test client in: function(client, member); member is None without --member. With"
    " Flask-Login, --member is enough.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    help="A device of the list, on which all is done; by default an iPhone and a PC, and all of"
    " them for plain clicks and those on a --page.",
)
@click.option(
    "--case", "only", multiple=True, help="What to do, such as product-plain; by default all."
)
@click.option("--full", is_flag=True, help="Do everything on every device, also in production.")
@click.option("--app-user-agent", metavar="TEXT", help="What your own app adds to a User-Agent.")
@click.option("--expect-env", type=click.Choice(list(ENVIRONMENTS)), help="Fail in another one.")
@click.option(
    "--follow-return",
    is_flag=True,
    help="Open what payments come back to in production, too, where it may mark orders as paid.",
)
@click.option(
    "--with-receivers",
    is_flag=True,
    help="Your signal receivers hear of the clicks, as of real ones; with --member, since your"
    " database does not have one who is made up.",
)
@click.option(
    "--ignore", multiple=True, metavar="RULE", help="Leave a rule out, such as header.nosniff."
)
@click.option("--json", "as_json", type=click.Path(), help="Write a report for programs there.")
@click.option("--junit", type=click.Path(), help="Write a report for CI servers there.")
@click.option("--html", type=click.Path(), help="Write a report as one page there.")
@click.option("--locale", type=click.Choice(locales()), default="en", help="Of the report.")
@_removed_option("--format", "--json", "--junit", "--html")
@_removed_option("--output", "--json", "--junit", "--html")
@click.pass_context
def check(
    ctx: click.Context,
    /,
    as_json: str | None,
    junit: str | None,
    html: str | None,
    locale: str,
    pages: tuple[str, ...],
    devices: tuple[str, ...],
    only: tuple[str, ...],
    **options: Any,
) -> None:
    """Follow the entries on every device, and compare what comes with what should (2.1 to 2.3).

    The clicks go through the whole app, in this process; nothing is sent to Xiebao. Name pages and
    a member, or what only they show is not seen: --page / --member 7 --login tests.login:log_in.
    Otherwise the members are made up. Your signal receivers do not hear of them, and in production
    plain clicks and a visitor's alone are made. Exits with 1 when anything fails.
    """
    from .check import again_with, reports_in, run

    _usable_state(ctx)
    files = {"json": as_json, "junit": junit, "html": html}
    with reports_in(files, locale) as write:
        report = run(this_app(), pages=pages, devices=devices or None, only=only or None, **options)
        spoken = None if locale == "en" else locale
        report.command, report.options = again_with(ctx, locale=spoken, **options)
        write(report)
    ctx.exit(0 if report.passed else 1)


@xiebao.command()
@click.argument("page", type=click.Choice(list(PAGES)))
@click.argument("reference", required=False)
@click.option(
    "--member", help="Whose link it is, by their id on this site. A policy's link needs it."
)
@click.option(
    "--no-login-for",
    type=int,
    help="Seconds for which whoever has the link goes as --member, without a login.",
)
@_removed_option("--max-age", "--no-login-for")
@click.option("--sub-partner-id", help="subPartnerId (2.1, 2.2).")
@click.option(
    "--platform",
    type=click.Choice([platform.slug for platform in Platform]),
    help="Instead of what the device says.",
)
@click.option("--return-to", metavar="PATH", help="Path of this site to come back to (paySuccess).")
@click.option("--client-reference", help="Your own word for what it is about: an order's number.")
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
@click.option(
    "--locale",
    type=click.Choice(locales()),
    default="en",
    help="Of what is said where there is no link.",
)
@click.pass_context
def link(
    ctx: click.Context,
    /,
    page: str,
    reference: str | None,
    to_gateway: bool,
    locale: str,
    **options: Any,
) -> None:
    """Print a link to a page of the gateway (2.1 to 2.3).

    REFERENCE is what the page is about, such as the caseCode of a product or the insureNum of a
    policy. The link is one of this site, which finds out who clicks and on which device, and sends
    them to the gateway.
    """
    from .link import make

    if (name := PAGES[page].reference) and not reference:
        raise click.UsageError(text(locale, "link.reference", page=page, name=name))
    click.echo(make(_usable_state(ctx), page, reference, locale, to_gateway=to_gateway, **options))


@xiebao.command()
@click.argument(
    "step",
    type=click.Choice([step.name.lower().replace("_", "-") for step in NotificationType]),
)
@click.argument("insure_num")
@click.option("--member", help="Whose purchase it is, by their id on this site.")
@click.option("--case-code", help="caseCode of the product.")
@click.option("--price", "price_fen", type=click.IntRange(0), help="Premium in fen.")
@click.option("--failure", metavar="WHY", help="The step failed: failMsg.")
@click.option("--new-insure-num", help="Of a reissue, the number that follows.")
@click.option("--wrong-sign", is_flag=True, help="Send one that the site has to refuse.")
@click.option(
    "--url",
    help="Where the site takes notifications. By default that of XIEBAO_PUBLIC_URL or SERVER_NAME,"
    " else http://127.0.0.1:5000.",
)
@click.pass_context
def notify(ctx: click.Context, /, step: str, insure_num: str, **options: Any) -> None:
    """Tell a running site of a purchase that nobody made, as the callback does.

    STEP is what happened, INSURE_NUM the application number. It is signed with the configured key
    and sent over HTTP, so that the site's own notification_handler hears of it. What a step comes
    with, such as a time of payment, is made up. Nothing is sent to Xiebao. Exits with 1 when the
    site does not accept it.
    """
    from .callbacks import without_secret
    from .notify import send

    state = _usable_state(ctx)
    url, answer = send(state, step, insure_num, **options)
    # If another server is there, it may answer with a whole page.
    click.echo(
        f"{without_secret(state, url)}: {answer.status or 'no response,'} {quoted(answer.text)}"
    )
    ctx.exit(0 if answer.is_accepted else 1)


@xiebao.command()
@click.argument("insure_num")
@click.option("--names", is_flag=True, help="Print people's names, too.")
@click.pass_context
def order(ctx: click.Context, insure_num: str, names: bool) -> None:
    """Ask the gateway for an order, by its application number.

    It is the order query, signed with the configured key, and needs the extra "orders".
    """
    from ..app import order_client
    from .order import lines_of

    state = _usable_state(ctx)
    try:
        found = order_client.order_client(state).get(insure_num)
    except XiebaoError as error:
        said = error.said if isinstance(error, OrderError) else ""
        raise click.ClickException(
            f"{error}{f' The gateway responded: {said}' * bool(said)}"
        ) from None
    for line in lines_of(found, state.settings, with_names=names):
        echo(line)


@xiebao.command()
@click.option("--dry-run", is_flag=True, help="Say what differs, and write nothing.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Leave out what was applied for before that day, in China.",
)
@click.option(
    "--no-on-change",
    is_flag=True,
    help="Do not call your on_change: for the first run in a shop that has sold before.",
)
@click.pass_context
def reconcile(ctx: click.Context, /, **options: Any) -> None:
    """Compare the site's purchases with the gateway's orders, and correct the rows.

    It finds what no notification reported: for cron, and after an outage. It asks about each order
    on which the gateway's list and the site's database do not agree, five a second; each difference
    is a line. Exits with 0 when both agree in the end, with 1 when they do not, and with 2 when it
    could not go on.
    """
    from .database import reconcile
    from .keys import check_secret_key

    state = _usable_state(ctx)
    try:
        # Without the site's environment, as under cron, what is new would be nobody's.
        check_secret_key(state, "en")
    except ConfigError as refusal:
        raise click.UsageError(
            f"Run the command with the same environment as the site. {refusal}"
        ) from None
    purchases = state.hooks.purchases
    if purchases is None:
        raise click.UsageError(
            "The app has no Purchases object. Create one, or import the module that creates it."
        )
    ctx.exit(reconcile(purchases, **options))


@xiebao.command()
@click.argument("url")
@click.option("--locale", type=click.Choice(locales()), default="en", help="Of what is said.")
@click.pass_context
def inspect(ctx: click.Context, url: str, locale: str) -> None:
    """Explain a URL of the gateway, or a link of this site.

    Put it in quotes: the shell ends it at the first & otherwise. Each parameter of a gateway URL
    (2.1 to 2.3) is explained and checked, the sign against the configured key and masked. Without
    an app, all is checked but the sign's key. Of a link: where it leads, whose it is, and who could
    follow it. Exits with 1 when the gateway would refuse the URL, or the link is invalid.
    """
    from .inspect import findings_in

    state, missing = None, ""
    try:
        state = _state(ctx)
    except click.ClickException as error:
        # If the app cannot be imported, a traceback follows the first line.
        said = error.format_message().partition("\n")[0]
        missing = said.removesuffix(":") + '. Run "flask xiebao doctor".' * said.endswith(":")
    except Exception as error:  # its text may hold passwords
        missing = f'The app does not load ({type(error).__name__}). Run "flask xiebao doctor".'
    report(ctx, *findings_in(url.strip(), state, missing, locale), locale)


def _usable_state(ctx: click.Context) -> State:
    try:
        return _state(ctx)
    except ConfigError as refusal:
        raise click.ClickException(str(refusal)) from None


def _state(ctx: click.Context) -> State:
    """Load the app and enter its context.

    :raises ConfigError: also where something has wrapped it in an error of its own.
    """
    try:
        app = ctx.ensure_object(ScriptInfo).load_app()
    except Exception as error:
        refusal = next((each for each in _causes(error) if isinstance(each, ConfigError)), None)
        if refusal is None:
            raise
        raise refusal from None
    ctx.with_resource(app.app_context())
    try:
        return current_state()
    except ConfigError as error:
        raise click.ClickException(f'{error} Or select another app with "flask --app".') from None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Go through an error and its causes; an error may be its own cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
