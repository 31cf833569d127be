"""The QA console: where every entry leads from every device, what just happened, own links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
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

from . import check, events
from . import sales as report_on_sales
from .languages import get_language
from .own_links import make
from .shop import CASE_CODE, CHINA_TIME, MEMBERS

blueprint = Blueprint("qa", __name__, url_prefix="/qa")

#: How many lines of what happened are on a page.
_LINES = 50

TITLES = {"h5": "H5", "pc": "PC", "ios": "iOS", "android": "Android"}
_STEPS = {
    1: lazy_gettext("Application"),
    2: lazy_gettext("Payment"),
    3: lazy_gettext("Issue"),
    4: lazy_gettext("Surrender"),
    5: lazy_gettext("Surrender and reissue"),
    9: lazy_gettext("Policy file"),
}
#: The names of the pages in events. A return link leads to no gateway page, but can be refused.
_PAGES = {**check.PAGES, "paid": lazy_gettext("Return link")}
#: What visitors are told, by the reason that a refusal gives.
_REASONS = {
    "another_member": lazy_gettext("Another member's link"),
    "invalid_link": lazy_gettext("Invalid link"),
    "expired": lazy_gettext("Expired link"),
    "login_required": lazy_gettext("Sign-in required"),
    "not_allowed": lazy_gettext("Not allowed by the site"),
    "disabled": lazy_gettext("Turned off"),
}
_KINDS = {
    "click": lazy_gettext("Click"),
    "handoff": lazy_gettext("QR code"),
    "login": lazy_gettext("Sent to sign-in"),
    "return": lazy_gettext("Return"),
    "refusal": lazy_gettext("Refused"),
    "notification": lazy_gettext("Notification"),
}


@blueprint.after_request
def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.errorhandler(404)
def _not_there(error: NotFound) -> tuple[str, int]:
    return render_template("qa/not_there.html", why=error.description), 404


@blueprint.app_template_filter("beijing_time")
def _convert_to_beijing_time(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, CHINA_TIME)


@blueprint.app_template_filter("capitalize_english")
def _capitalize_english(text: str) -> str:
    """Capitalize a heading. The English texts of the check begin in lower case."""
    return text[:1].upper() + text[1:] if get_language() == "en" else text


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "members": MEMBERS,
        "pages": _PAGES,
        "kinds": _KINDS,
        "reasons": _REASONS,
        "steps": _STEPS,
        "slugs": TITLES,
        "codes": {str(platform.value): TITLES[platform.slug] for platform in Platform},
    }


@blueprint.get("")
def console() -> str:
    """Show the check of the whole demo."""
    report = check.report()
    if report is None:
        return render_template("qa/checking.html", checking=check.current())
    cases = [result for result in report.results if not result.case.page]
    # The check knows each page of the gateway, also one that the demo has no entry for.
    titles: dict[str, str] = {}
    for result in cases:
        page_spec = result.case.page_spec
        titles[page_spec.name] = check.PAGES.get(
            page_spec.name, page_spec.get_title(get_language())
        )
    found = {
        name: [result for result in cases if result.case.page_spec.name == name] for name in titles
    }
    found["pages"] = [result for result in report.results if result.case.page]
    found["bad"] = report.failed
    titles |= {"pages": _("Pages of the demo"), "bad": _("✗ Failed")}
    chosen = request.args.get("show", "") or ("bad" if report.failed else "product")
    if chosen not in titles:
        abort(404, _("There is no such filter."))
    # Whole rows: beside what is wrong on one device is what is right on others.
    shown = {result.case.page or result.case.name for result in found[chosen]}
    return render_template(
        "qa/console.html",
        report=report,
        problems=report.problems(),
        tables=report.build_tables(
            each for each in report.results if (each.case.page or each.case.name) in shown
        ),
        device_count=len(report.devices),
        chosen=chosen,
        filters={name: (titles[name], len(results)) for name, results in found.items()},
        commit=check.commit(),
    )


@blueprint.get("/report")
def report() -> ResponseReturnValue:
    """Send the check as one page that can be mailed."""
    found = check.report()
    if found is None:
        return redirect(url_for(".console"))
    name = f"xiebao-check-{found.at:%Y%m%d-%H%M%S}.html"
    language = get_language()
    found = replace(
        found,
        options=f"{found.options} --locale {language}",
        at=found.at.astimezone(CHINA_TIME),
    )
    return Response(
        FORMATS["html"](found, language),
        mimetype="text/html",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


@blueprint.post("/check")
def check_again() -> ResponseReturnValue:
    """Check anew."""
    check.forget()
    return redirect(url_for(".console", show=request.form.get("show")), 303)


@blueprint.get("/<case>/<device>")
def cell(case: str, device: str) -> str:
    """Do one thing on one device, and show everything about it."""
    try:
        result = check.one(case, device)
    except CheckError:
        abort(404, _("There is no such check or no such device."))
    return render_template("qa/cell.html", result=result)


@blueprint.get("/events")
def log() -> str:
    """Show what happened: how many came how far, and each of them."""
    choices: dict[str, tuple[str, Mapping[str, Any]]] = {
        "kind": (_("Event"), _KINDS),
        "member": (_("Member"), {name: member["name"] for name, member in MEMBERS.items()}),
        "page": (_("Page"), _PAGES),
    }
    asked = {name: request.args.get(name, "") for name in choices}
    chosen = {name: value if value in choices[name][1] else "" for name, value in asked.items()}
    kept = events.happenings()
    # How many came how far is about all kinds of events.
    of_these = _only(kept, {name: chosen[name] for name in ("member", "page")})
    happenings = _only(of_these, {"kind": chosen["kind"]})
    last = max(1, -(-len(happenings) // _LINES))
    at = min(max(request.args.get("at", 1, type=int), 1), last)
    return render_template(
        "qa/events.html",
        funnel=events.funnel(of_these),
        kept=bool(kept),
        count=len(happenings),
        happenings=happenings[(at - 1) * _LINES : at * _LINES],
        chosen=chosen,
        choices=choices,
        at=at,
        last=last,
        newer=at - 1,
        older=at + 1 if at < last else 0,
    )


@blueprint.get("/sales")
def sales() -> str:
    """Show the clicks, the sales and the premiums of a month, as a chart and as a table."""
    groups = {name: title for name, (title, _column) in report_on_sales.GROUPS.items()}
    groups["month"] = lazy_gettext("Month")
    by = request.args.get("by") or "reference"
    current_month = report_on_sales.get_current_month()
    month = report_on_sales.parse_month(request.args.get("month") or f"{current_month:%Y-%m}")
    if by not in groups or month is None or month > current_month:
        abort(404, _("There is no such grouping or no such month."))
    if by == "month":
        rows = report_on_sales.build_report_by_month(month)
    else:
        column = report_on_sales.GROUPS[by][1]
        rows = report_on_sales.build_report(column, month, report_on_sales.get_next_month(month))
    shown_rows = rows[: report_on_sales.MAX_ROWS]
    return render_template(
        "qa/sales.html",
        by=by,
        title=groups[by],
        groups=groups,
        month=f"{month:%Y-%m}",
        previous_month=f"{report_on_sales.get_previous_month(month):%Y-%m}",
        next_month=(
            f"{report_on_sales.get_next_month(month):%Y-%m}" if month < current_month else None
        ),
        rows=shown_rows,
        bars=report_on_sales.compute_bar_lengths(shown_rows),
        hidden_count=len(rows) - len(shown_rows),
        clicks=sum(row.clicks for row in rows),
        sold=sum(row.sales for row in rows),
        premium=sum(row.premium_fen for row in rows),
    )


def _only(happenings: list[events.Happening], chosen: dict[str, str]) -> list[events.Happening]:
    return [
        happening
        for happening in happenings
        if all(value in ("", getattr(happening.event, name)) for name, value in chosen.items())
    ]


@blueprint.get("/links")
def links() -> str:
    """Make a link, and show what comes of a click on it."""
    asked = "page" in request.args
    return render_template(
        "qa/links.html",
        form=request.args if asked else {"reference": CASE_CODE},
        made=make(request.args) if asked else None,
        pages=check.PAGES,
        devices=DEVICES,
    )
