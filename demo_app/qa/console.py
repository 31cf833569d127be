"""Only for QA: the pages of the console, below ``/qa``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.exceptions import NotFound

from flask_xiebao import Platform
from flask_xiebao.testing import DEVICES, FORMATS, CheckError

from ..auth import MEMBERS
from ..languages import get_language
from ..reports import build_report
from ..shop import CHINA_TIME
from . import checks
from .events import Event, count_steps, get_events
from .link_form import create_link
from .sales import (
    GROUPS,
    MAX_ROWS,
    build_monthly_report,
    get_current_month,
    get_next_month,
    get_previous_month,
    parse_month,
)

pages = Blueprint("qa", __name__, url_prefix="/qa")

#: The number of events on a page of the list.
EVENTS_PER_PAGE = 50

GATEWAY_PAGES = {
    "product": lazy_gettext("Product page"),
    "home": lazy_gettext("Xiebao home page"),
    "policy": lazy_gettext("Policy page"),
}
#: The pages of events. A return link leads to no gateway page, but it can be refused.
EVENT_PAGES = {**GATEWAY_PAGES, "paid": lazy_gettext("Return link")}
PLATFORMS = {"h5": "H5", "pc": "PC", "ios": "iOS", "android": "Android"}
#: The steps of a purchase, by the type of the notification.
STEPS = {
    1: lazy_gettext("Application"),
    2: lazy_gettext("Payment"),
    3: lazy_gettext("Issue"),
    4: lazy_gettext("Surrender"),
    5: lazy_gettext("Surrender and reissue"),
    9: lazy_gettext("Policy file"),
}
#: The reasons for refusals, by their names in the signal ``entry_refused``.
REASONS = {
    "another_member": lazy_gettext("Another member's link"),
    "invalid_link": lazy_gettext("Invalid link"),
    "expired": lazy_gettext("Expired link"),
    "login_required": lazy_gettext("Sign-in required"),
    "not_allowed": lazy_gettext("Not allowed by the site"),
    "disabled": lazy_gettext("Turned off"),
}
KINDS = {
    "click": lazy_gettext("Click"),
    "handoff": lazy_gettext("QR code"),
    "login": lazy_gettext("Sent to sign-in"),
    "return": lazy_gettext("Return"),
    "refusal": lazy_gettext("Refused"),
    "notification": lazy_gettext("Notification"),
}


@pages.after_request
def add_privacy_headers(response: Response) -> Response:
    """Keep the console out of caches and search engines."""
    response.headers.update({"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
    return response


@pages.errorhandler(404)
def show_not_found(error: NotFound) -> tuple[str, int]:
    """Show what was not found."""
    return render_template("qa/not_found.html", message=error.description), 404


@pages.app_template_filter("beijing_time")
def convert_to_beijing_time(timestamp: float) -> datetime:
    """Return the time in China for a number of seconds since 1970."""
    return datetime.fromtimestamp(timestamp, CHINA_TIME)


@pages.app_template_filter("capitalize_english")
def capitalize_english(text: str) -> str:
    """Capitalize a heading. The English texts of the check begin with a lower-case letter."""
    return text[:1].upper() + text[1:] if get_language() == "en" else text


@pages.context_processor
def add_texts() -> dict[str, Any]:
    """Add the tables of texts to the variables of the console's templates."""
    return {
        "members": MEMBERS,
        "pages": EVENT_PAGES,
        "kinds": KINDS,
        "reasons": REASONS,
        "steps": STEPS,
        "platforms": PLATFORMS,
        "platforms_by_code": {
            str(platform.value): PLATFORMS[platform.slug] for platform in Platform
        },
    }


@pages.get("")
def console() -> str:
    """Show the check of the whole demo, or its progress."""
    report = checks.get_report()
    if report is None:
        return render_template("qa/checking.html", check=checks.get_check())
    cases = [result for result in report.results if not result.case.page]
    page_specs = {result.case.page_spec.name: result.case.page_spec for result in cases}
    # The check may have a gateway page for which the demo has no entry.
    titles = {
        name: GATEWAY_PAGES.get(name, page_spec.get_title(get_language()))
        for name, page_spec in page_specs.items()
    }
    titles |= {"pages": _("Pages of the demo"), "bad": _("✗ Failed")}
    results = {
        name: [result for result in cases if result.case.page_spec.name == name]
        for name in page_specs
    }
    results |= {
        "pages": [result for result in report.results if result.case.page],
        "bad": report.failed,
    }
    chosen = request.args.get("show", "") or ("bad" if report.failed else "product")
    if chosen not in results:
        abort(404, _("There is no such filter."))
    # A row is shown with the results on all devices, so that they can be compared.
    rows = {result.case.page or result.case.name for result in results[chosen]}
    return render_template(
        "qa/console.html",
        report=report,
        problems=report.problems(),
        tables=report.build_tables(
            result for result in report.results if (result.case.page or result.case.name) in rows
        ),
        device_count=len(report.devices),
        chosen=chosen,
        filters={name: (title, len(results[name])) for name, title in titles.items()},
        commit=checks.get_commit(),
    )


@pages.get("/report")
def report() -> ResponseReturnValue:
    """Send the report on the check as an HTML file."""
    report = checks.get_report()
    if report is None:
        return redirect(url_for(".console"))
    language = get_language()
    report = replace(
        report,
        options=f"{report.options} --locale {language}",
        at=report.at.astimezone(CHINA_TIME),
    )
    name = f"xiebao-check-{report.at:%Y%m%d-%H%M%S}.html"
    return Response(
        FORMATS["html"](report, language),
        mimetype="text/html",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


@pages.post("/check")
def check_again() -> ResponseReturnValue:
    """Start the check again."""
    checks.delete_finished_checks()
    return redirect(url_for(".console", show=request.form.get("show")), 303)


@pages.get("/<case>/<device>")
def result(case: str, device: str) -> str:
    """Check one case on one device, and show the details."""
    try:
        result = checks.run_single_check(only=[case], devices=[device])
    except CheckError:
        abort(404, _("There is no such check or no such device."))
    return render_template("qa/result.html", result=result)


@pages.get("/events")
def events() -> str:
    """Show the latest events, and how many there were at each step."""
    choices: dict[str, tuple[str, Mapping[str, Any]]] = {
        "kind": (_("Event"), KINDS),
        "member": (_("Member"), {name: member["name"] for name, member in MEMBERS.items()}),
        "page": (_("Page"), EVENT_PAGES),
    }
    arguments = {name: request.args.get(name, "") for name in choices}
    chosen = {name: arguments[name] for name in choices if arguments[name] in choices[name][1]}
    events = get_events()
    # The numbers of the steps are for all kinds of events.
    of_all_kinds = filter_events(events, {**chosen, "kind": ""})
    filtered = filter_events(of_all_kinds, chosen)
    last_page = max(1, -(-len(filtered) // EVENTS_PER_PAGE))
    page = min(max(request.args.get("at", 1, type=int), 1), last_page)
    return render_template(
        "qa/events.html",
        step_counts=count_steps(of_all_kinds),
        has_events=bool(events),
        count=len(filtered),
        events=filtered[(page - 1) * EVENTS_PER_PAGE : page * EVENTS_PER_PAGE],
        chosen=chosen,
        choices=choices,
        page=page,
        last_page=last_page,
    )


def filter_events(events: list[Event], values: dict[str, str]) -> list[Event]:
    """Return the events that have these values. An empty value means any value."""
    return [
        event
        for event in events
        if all(value in ("", getattr(event, name)) for name, value in values.items())
    ]


@pages.get("/sales")
def sales() -> str:
    """Show the clicks, the sales and the premiums of a month, as a chart and as a table."""
    group = request.args.get("by") or "reference"
    current_month = get_current_month()
    month = parse_month(request.args.get("month") or f"{current_month:%Y-%m}")
    if group not in GROUPS or month is None or month > current_month:
        abort(404, _("There is no such grouping or no such month."))
    _title, column = GROUPS[group]
    if column is None:
        rows = build_monthly_report(month)
    else:
        rows = build_report(column, month, get_next_month(month))
        rows.sort(key=lambda row: (-row.sales, -row.clicks, row.value or ""))
    return render_template(
        "qa/sales.html",
        group=group,
        groups=GROUPS,
        month=f"{month:%Y-%m}",
        previous_month=f"{get_previous_month(month):%Y-%m}",
        next_month=f"{get_next_month(month):%Y-%m}" if month < current_month else None,
        rows=rows[:MAX_ROWS],
        hidden_count=len(rows[MAX_ROWS:]),
        clicks=sum(row.clicks for row in rows),
        sales=sum(row.sales for row in rows),
        premium_fen=sum(row.premium_fen for row in rows),
    )


@pages.get("/links")
def links() -> str:
    """Show the form that creates a link, and the link with the result of a click on it."""
    is_submitted = "page" in request.args
    defaults = {"reference": current_app.config["TRAVEL_INSURANCE"]}
    return render_template(
        "qa/links.html",
        form=request.args if is_submitted else defaults,
        link=create_link(request.args) if is_submitted else None,
        gateway_pages=GATEWAY_PAGES,
        devices=DEVICES,
    )
