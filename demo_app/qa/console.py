"""Only for QA: the pages of the console, below ``/qa``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
)
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.exceptions import NotFound

from flask_xiebao import Platform
from flask_xiebao.testing import DEVICES, FORMATS

from ..auth import MEMBERS
from ..languages import get_language
from ..reports import build_report
from ..shop import CHINA_TIME
from . import checks
from .events import Event, count_events_per_step, get_events
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

#: The number of events on one page of the event list.
EVENTS_PER_PAGE = 50

GATEWAY_PAGES = {
    "product": lazy_gettext("Product page"),
    "home": lazy_gettext("Xiebao home page"),
    "policy": lazy_gettext("Policy page"),
}
#: The titles of pages in the list of events. The page of an event is a gateway page, or "paid" if a
#: return link was refused.
EVENT_PAGES = {**GATEWAY_PAGES, "paid": lazy_gettext("Return link")}
PLATFORMS = {"h5": "H5", "pc": "PC", "ios": "iOS", "android": "Android"}
#: The titles of the platforms, by the value of the parameter ``platform`` in gateway URLs.
PLATFORMS_BY_CODE = {str(platform.value): PLATFORMS[platform.slug] for platform in Platform}
#: The names of the steps of a purchase, by the type of the notification about the step.
STEPS = {
    1: lazy_gettext("Application"),
    2: lazy_gettext("Payment"),
    3: lazy_gettext("Issue"),
    4: lazy_gettext("Surrender"),
    5: lazy_gettext("Surrender and reissue"),
    9: lazy_gettext("Policy file"),
}
#: The text for each ``reason`` of the signal ``entry_refused``.
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
    """Add headers that keep the console out of caches and search engines."""
    response.headers.update({"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
    return response


@pages.errorhandler(404)
def show_not_found(error: NotFound) -> tuple[str, int]:
    """Show a page with status 404 that says what does not exist."""
    return render_template("qa/not_found.html", message=error.description), 404


@pages.app_template_filter("beijing_time")
def convert_to_beijing_time(timestamp: float) -> datetime:
    """Convert a number of seconds since 1970 to a time in Beijing."""
    return datetime.fromtimestamp(timestamp, CHINA_TIME)


@pages.context_processor
def add_text_tables() -> dict[str, Any]:
    """Pass the demo's members and the texts that describe events to the console's templates."""
    return {
        "members": MEMBERS,
        "pages": EVENT_PAGES,
        "kinds": KINDS,
        "reasons": REASONS,
        "steps": STEPS,
        "platforms": PLATFORMS,
        "platforms_by_code": PLATFORMS_BY_CODE,
    }


@pages.get("")
def show_check() -> str:
    """Check the whole demo, and show the report."""
    report = checks.check_demo(current_app._get_current_object())  # type: ignore[attr-defined]
    return render_template(
        "qa/console.html", report=report, checked_pages=checks.PAGES, member_id=checks.MEMBER
    )


@pages.get("/report")
def download_report() -> Response:
    """Check the whole demo, and send the report as an HTML file to download."""
    report = checks.check_demo(current_app._get_current_object())  # type: ignore[attr-defined]
    name = f"xiebao-check-{report.at:%Y%m%d-%H%M%S}.html"
    return Response(
        FORMATS["html"](report, get_language()),
        mimetype="text/html",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


@pages.get("/events")
def show_events() -> str:
    """Show the latest events, and the number of events at each step of a purchase."""
    choices: dict[str, tuple[str, Mapping[str, Any]]] = {
        "kind": (_("Event"), KINDS),
        "member": (_("Member"), {name: member["name"] for name, member in MEMBERS.items()}),
        "page": (_("Page"), GATEWAY_PAGES),
    }
    arguments = {name: request.args.get(name, "") for name in choices}
    chosen = {name: arguments[name] for name in choices if arguments[name] in choices[name][1]}
    events = get_events()
    # Filter the numbers of events at each step only by member, because notifications have no
    # gateway page.
    of_member = filter_events(events, {"member": chosen.get("member", "")})
    filtered = filter_events(of_member, chosen)
    last_page = max(1, -(-len(filtered) // EVENTS_PER_PAGE))
    page = min(max(request.args.get("at", 1, type=int), 1), last_page)
    return render_template(
        "qa/events.html",
        step_counts=count_events_per_step(of_member),
        has_events=bool(events),
        count=len(filtered),
        events=filtered[(page - 1) * EVENTS_PER_PAGE : page * EVENTS_PER_PAGE],
        chosen=chosen,
        choices=choices,
        page=page,
        last_page=last_page,
    )


def filter_events(events: list[Event], values: dict[str, str]) -> list[Event]:
    """Return the events whose attributes have these values. An empty value means any value."""
    return [
        event
        for event in events
        if all(value in ("", getattr(event, name)) for name, value in values.items())
    ]


@pages.get("/sales")
def show_sales() -> str:
    """Show a chart and a table with the clicks, sales and premiums of a month."""
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
def show_link_form() -> str:
    """Show the form that creates a link. After a submission, click the link and show the result."""
    is_submitted = "page" in request.args
    defaults = {"reference": current_app.config["TRAVEL_INSURANCE"]}
    return render_template(
        "qa/links.html",
        form=request.args if is_submitted else defaults,
        link=create_link(request.args) if is_submitted else None,
        gateway_pages=GATEWAY_PAGES,
        devices=DEVICES,
    )
