"""The command line: ``flask xiebao doctor``, ``link`` and ``inspect``.

The ``flask.commands`` entry point registers it, and not the extension: ``doctor`` has to be there
for an app that does not load.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import ScriptInfo

from .console import local_link, report
from .doctor import check_refused, check_site
from .errors import ConfigError, LinkError, XiebaoError
from .extension import Xiebao
from .gateway import PAGES
from .inspection import HOSTS, mask_signs, read_gateway_url, read_link
from .platforms import Platform
from .site import Site


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
        report(ctx, check_refused(refusal))
    else:
        report(ctx, check_site(site))


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
    if host in HOSTS or "/dispatch/" in parts.path:
        findings = read_gateway_url(url.strip(), site, missing)
        masked = ((level, mask_signs(text, site)) for level, text in findings)
        report(ctx, masked, "The gateway would refuse this URL.")
    elif site is None:
        raise click.ClickException(f"A link is read with the key of its site: {missing}")
    else:
        report(ctx, read_link(parts.path, site), "Nobody can follow this link.")


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
    return extension.site


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
    make = site.link if external else partial(local_link, site)
    url = make(page, reference, **options)
    if not url:
        raise LinkError("There is no link: XIEBAO_ENABLED is off, or --member is empty.")
    return url


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
