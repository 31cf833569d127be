"""The commands of ``flask xiebao``, built with Click.

The commands load the app themselves, because ``doctor`` must also run if the app does not load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import click
from flask.cli import ScriptInfo

from ..app.current import get_current_app
from ..app.settings import GATEWAY_BASE_URLS
from ..app.state import AppState, get_current_app_state
from ..errors import ConfigError, XiebaoError
from ..gateway.notifications import NotificationType
from ..gateway.pages import PAGES
from ..gateway.platforms import Platform
from ..texts import get_locales, get_text
from .findings import print_escaped_line, print_findings_and_exit, sort_by_severity

F = TypeVar("F", bound=Callable[..., Any])

_LOCALE_OPTION = click.option(
    "--locale", type=click.Choice(get_locales()), default="en", help="The language of the output."
)


def _reject_removed_option(name: str, *replacements: str) -> Callable[[F], F]:
    """Return a decorator that makes a command reject an option that no longer exists.

    If a user passes the option, the error names its replacements.
    """

    def raise_usage_error(ctx: click.Context, _: click.Parameter, value: object) -> None:
        if value is not None:
            options = " or ".join(f'"{option}"' for option in replacements)
            raise click.UsageError(f'There is no option "{name}". Use {options} instead.', ctx)

    return click.option(
        name, hidden=True, is_eager=True, expose_value=False, callback=raise_usage_error
    )


@click.group()
def xiebao() -> None:
    """Check a site's insurance entries, create links and explain gateway URLs.

    Insurance entries are the buttons and links that lead to Xiebao, the insurance gateway. Numbers
    such as 2.1 are sections of Xiebao's interface document.
    """


@xiebao.command()
@click.option("--verbose", "-v", is_flag=True, help="Also list the settings that are correct.")
@click.option("--strict", is_flag=True, help="Exit with status 1 also if there is a warning.")
@click.option(
    "--online",
    is_flag=True,
    help="Also query the gateway for one order, to test the partner account and the API key.",
)
@_LOCALE_OPTION
@click.pass_context
def doctor(ctx: click.Context, verbose: bool, strict: bool, online: bool, locale: str) -> None:
    """Check the settings and test the links.

    The command checks every setting, and opens a link to a product page (2.1) as a member and as an
    anonymous visitor. Errors are listed first. The requests go through the whole app, and so does a
    test notification. The hooks of the app run, but its signal receivers, click_guard and
    notification_handler are not called. Nothing is sent to Xiebao,
    except for one order query with --online. No secret is printed, except the token in the callback
    URL, which Xiebao needs to know. The settings are checked even if they are so wrong that the app
    does not load. The exit status is 1 if there is an error, and with --strict also if there is a
    warning.
    """
    from .doctor import build_config_error_findings, check_site

    try:
        state = _enter_app_context(ctx)
    except ConfigError as error:
        findings = build_config_error_findings(error, locale, verbose=verbose)
        summary = get_text(locale, "doctor.skipped")
    else:
        findings = list(check_site(state, locale, verbose=verbose, online=online))
        summary = ""
    print_findings_and_exit(ctx, sort_by_severity(findings), locale, summary, strict=strict)


@xiebao.command()
@click.option(
    "--page",
    "pages",
    multiple=True,
    metavar="URL",
    help="Also test the insurance entries on this page of the site, for example /orders/8. Can be"
    " repeated.",
)
@click.option(
    "--member",
    help="The id of the member who clicks. By default, the check uses placeholder members.",
)
@click.option(
    "--login",
    metavar="MODULE:FUNCTION",
    help="The function that logs in a test client. It is called as function(client, member)."
    " Without --member, member is None. A site with Flask-Login needs only --member.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    help="A device to simulate, for example ipad, or all. Can be repeated. By default, the check"
    " simulates an iPhone and a PC.",
)
@click.option(
    "--expect-env",
    type=click.Choice(list(GATEWAY_BASE_URLS)),
    help="The expected value of XIEBAO_ENV. The check fails if the value is different.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    help="A rule to ignore, for example page.empty. Can be repeated.",
)
@click.option("--json", "as_json", type=click.Path(), help="Write a JSON report to this file.")
@click.option("--junit", type=click.Path(), help="Write a JUnit XML report to this file.")
@click.option("--html", type=click.Path(), help="Write the report as one HTML page to this file.")
@click.option(
    "--locale", type=click.Choice(get_locales()), default="en", help="The language of the report."
)
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
    **options: Any,
) -> None:
    """Open pages of the site, click the insurance entries, and report problems.

    The clicks go through the whole app in this process, and nothing is sent to Xiebao. Pass --page
    for each page with insurance entries, for example --page / --member 7. A site without
    Flask-Login also needs --login, for example --login tests.login:log_in. The check also clicks
    product links that it creates: as a member, as an anonymous visitor, and with a wrong signature.
    The pages after payment are opened only with --member, and never in production. The exit status
    is 1 if anything fails, and 2 if the check cannot run.
    """
    from .check import open_report_writer, run_check_command

    _enter_app_context_or_exit(ctx)
    with open_report_writer(
        {"json": as_json, "junit": junit, "html": html}, locale
    ) as write_report:
        write_report(
            report := run_check_command(
                get_current_app(), pages=pages, devices=devices or None, **options
            )
        )
    ctx.exit(0 if report.passed else 1)


@xiebao.command()
@click.argument("page", type=click.Choice(list(PAGES)))
@click.argument("reference", required=False)
@click.option(
    "--member",
    help="The site's own id for the member to whom the link belongs. Required for the policy page.",
)
@click.option(
    "--no-login-for",
    type=int,
    help="The number of seconds for which anyone who has the link can open it as the member,"
    " without logging in.",
)
@_reject_removed_option("--max-age", "--no-login-for")
@click.option(
    "--sub-partner-id",
    help="The sub-account (subPartnerId in sections 2.1 and 2.2 of Xiebao's interface document).",
)
@click.option(
    "--platform",
    type=click.Choice([platform.slug for platform in Platform]),
    help="The platform to use instead of the platform of the device.",
)
@click.option(
    "--return-to",
    metavar="PATH",
    help="The path of this site to return to after payment (paySuccess).",
)
@click.option("--client-reference", help="Your own reference, for example an order number.")
@click.option(
    "--external/--local",
    default=None,
    help="Print an absolute URL (--external), or a path (--local) to append to"
    " http://127.0.0.1:5000. The default is an absolute URL if XIEBAO_PUBLIC_URL or SERVER_NAME"
    " is set, otherwise a path.",
)
@click.option(
    "--gateway",
    "to_gateway",
    is_flag=True,
    help="Print the gateway URL instead of the link. Keep this URL SECRET, because anyone who has"
    ' its signature (parameter "sign") can go to the gateway as any member.',
)
@click.option(
    "--locale",
    type=click.Choice(get_locales()),
    default="en",
    help="The language of this command's own error messages. Other errors are in English.",
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
    """Print a link to a gateway page.

    The gateway pages are described in sections 2.1 to 2.3 of Xiebao's interface document. REFERENCE
    is the caseCode of a product or the insureNum of a policy. The home page has none. The link is a
    URL of this site. When a visitor clicks the link, the site finds out who is logged in and which
    device the visitor uses, and redirects the visitor to the gateway.
    """
    from .link import build_link_or_gateway_url

    if (name := PAGES[page].reference_parameter_name) and not reference:
        raise click.UsageError(get_text(locale, "link.reference", page=page, name=name))
    click.echo(
        build_link_or_gateway_url(
            _enter_app_context_or_exit(ctx),
            page,
            reference,
            locale,
            to_gateway=to_gateway,
            **options,
        )
    )


@xiebao.command()
@click.argument(
    "step",
    type=click.Choice([step.name.lower().replace("_", "-") for step in NotificationType]),
)
@click.argument("insure_num")
@click.option("--member", help="The site's own id for the member who makes the purchase.")
@click.option("--case-code", help="The caseCode of the product.")
@click.option("--price", "price_fen", type=click.IntRange(0), help="The premium in fen.")
@click.option(
    "--failure",
    metavar="REASON",
    help="Report that the step of the purchase failed, for this reason (failMsg).",
)
@click.option("--new-insure-num", help="The new application number, if the policy is reissued.")
@click.option(
    "--wrong-sign",
    is_flag=True,
    help="Sign the notification with a wrong key, so that the site must reject it.",
)
@click.option(
    "--url",
    help="The URL of the site without a path, or its callback URL. The default is"
    " XIEBAO_PUBLIC_URL, or else SERVER_NAME, or else http://127.0.0.1:5000.",
)
@_LOCALE_OPTION
@click.pass_context
def notify(ctx: click.Context, /, step: str, insure_num: str, locale: str, **options: Any) -> None:
    """Send a test notification to a running site.

    The notification is about a purchase that was never made. The first argument is the step of the
    purchase, INSURE_NUM the application number. The notification is signed with the configured key
    and sent over HTTP, so the notification_handler of the site receives it. The details of the
    step, such as the time of payment, are sample values. Nothing is sent to Xiebao. The exit status
    is 1 if the site does not accept the notification.
    """
    from .notify import describe_response, send_test_notification

    state = _enter_app_context_or_exit(ctx)
    url, response = send_test_notification(state, step, insure_num, locale, **options)
    wrong_sign = options["wrong_sign"]
    for line in describe_response(state, url, response, locale, wrong_sign=wrong_sign):
        print_escaped_line(line)
    ctx.exit(0 if response.accepts_notification else 1)


@xiebao.command()
@click.argument("insure_num")
@click.option("--names", is_flag=True, help="Also print the names of the people in the order.")
@_LOCALE_OPTION
@click.pass_context
def order(ctx: click.Context, insure_num: str, names: bool, locale: str) -> None:
    """Query an order at the gateway by its application number.

    The order query is signed with the configured key and needs the "orders" extra.
    """
    from ..app import order_client
    from .order import iter_order_lines
    from .query_errors import describe_query_error

    state = _enter_app_context_or_exit(ctx)
    try:
        received_order = order_client.get_order_client(state).get(insure_num)
    except XiebaoError as error:
        raise click.ClickException(describe_query_error(error, locale)) from None
    for line in iter_order_lines(received_order, state.settings, locale, include_people=names):
        print_escaped_line(line)


@xiebao.command()
@click.option("--dry-run", is_flag=True, help="Report differences without writing anything.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Ignore orders that were created before this date (in China time).",
)
@click.option(
    "--no-on-change",
    is_flag=True,
    help="Do not call your on_change function. Use this option for the first run on a site that has"
    " already sold insurance.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="Also query each policy for several people that is issued or in force, to find people who"
    " have surrendered.",
)
@_LOCALE_OPTION
@click.pass_context
def reconcile(ctx: click.Context, /, locale: str, **options: Any) -> None:
    """Compare purchases with the gateway's orders.

    The command compares the site's purchases with the gateway's orders and corrects the site's
    rows. It finds changes that no notification reported, so run it from cron and after an outage.
    It queries each order for which the gateway's list differs from the site's database, at most
    five orders per second, and prints a line for each difference. The exit status is 0 if the rows
    agree with the gateway at the end, 1 if they do not, and 2 if the command could not continue. It
    stops before it writes anything if the members in the database show that XIEBAO_MEMBER_SECRET is
    missing or wrong.
    """
    from .reconcile import find_purchases, run_reconcile_command

    purchases = find_purchases(_enter_app_context_or_exit(ctx), locale)
    ctx.exit(run_reconcile_command(purchases, locale, **options))


@xiebao.command()
@click.argument("insure_num")
@_LOCALE_OPTION
@click.pass_context
def reassign(ctx: click.Context, insure_num: str, locale: str) -> None:
    """Correct the member of a purchase.

    The command queries the order at the gateway and replaces the member in the site's row with the
    member of the order. Use it for rows that were written with a wrong XIEBAO_MEMBER_SECRET. The
    row of a member who was forgotten is not changed. The exit status is 2 if the row was not
    corrected.
    """
    from .reconcile import find_purchases, run_reassign_command

    purchases = find_purchases(_enter_app_context_or_exit(ctx), locale)
    ctx.exit(run_reassign_command(purchases, insure_num, locale))


@xiebao.command()
@click.option(
    "--clicks-before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    required=True,
    help="Delete clicks before this date (in China time).",
)
@_LOCALE_OPTION
@click.pass_context
def prune(ctx: click.Context, clicks_before: datetime, locale: str) -> None:
    """Delete old clicks from the site's database.

    A purchase that was attributed to a deleted click has no click afterwards, or another click of
    the same member. The exit status is 2 if the clicks could not be deleted.
    """
    from .prune import run_prune_command
    from .reconcile import find_purchases

    purchases = find_purchases(_enter_app_context_or_exit(ctx), locale)
    ctx.exit(run_prune_command(purchases, clicks_before, locale))


@xiebao.command()
@click.argument("url")
@_LOCALE_OPTION
@click.pass_context
def inspect(ctx: click.Context, url: str, locale: str) -> None:
    """Explain a gateway URL or a link of this site.

    Put the URL in quotes, because the shell ends an unquoted URL at the first "&". For a gateway
    URL (2.1 to 2.3), the command explains and checks each parameter. It verifies the signature
    (parameter "sign") with the configured key and masks it. Without an app, the partner id and the
    key of the signature are not checked. For a link, the command shows where the link leads, to
    which member it belongs and who can open it. The exit status is 1 if the gateway would refuse
    the URL, or if the link is not valid.
    """
    from .inspect import inspect_url

    state, missing_app_reason = None, ""
    try:
        state = _enter_app_context(ctx)
    except click.ClickException as error:
        # Only the first line of the message is shown, because a traceback follows that line if
        # importing the app failed.
        reason = error.format_message().partition("\n")[0]
        hint = '. Run "flask xiebao doctor".' if reason.endswith(":") else ""
        missing_app_reason = reason.removesuffix(":") + hint
    except Exception as error:
        # Only the class of the exception is shown, because its text may contain passwords.
        missing_app_reason = (
            f'The app does not load ({type(error).__name__}). Run "flask xiebao doctor".'
        )
    findings, error_summary = inspect_url(url.strip(), state, missing_app_reason, locale)
    print_findings_and_exit(ctx, findings, locale, error_summary)


def _enter_app_context_or_exit(ctx: click.Context) -> AppState:
    try:
        return _enter_app_context(ctx)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def _enter_app_context(ctx: click.Context) -> AppState:
    """Load the app, enter its context and return the extension's state.

    :raises ConfigError: if the configuration is wrong, also if the app raises another exception
        because of the ConfigError.
    :raises click.ClickException: if the app does not use the extension.
    """
    try:
        app = ctx.ensure_object(ScriptInfo).load_app()
    except Exception as error:
        config_error = next(
            (each for each in _iter_error_chain(error) if isinstance(each, ConfigError)), None
        )
        if config_error is None:
            raise
        raise config_error from None
    ctx.with_resource(app.app_context())
    try:
        return get_current_app_state()
    except ConfigError as error:
        raise click.ClickException(f'{error} Or select another app with "flask --app".') from None


def _iter_error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes. Stop at a repeated error, because causes may form a loop."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
