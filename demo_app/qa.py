"""The QA console: where every entry leads from every device, what just happened, own links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, request

from . import events
from .clicks import ENDS, Clicker
from .devices import DEVICES
from .matrix import FILTERS, TITLES, found, make_cell, matrix
from .own_links import make
from .rows import ROWS
from .shop import CASE_CODE, MEMBERS

blueprint = Blueprint("qa", __name__, url_prefix="/qa")

#: How many events the console shows; the rest are on a page of their own.
_SHOWN = 20

_PAGES = {"product": "产品", "home": "商城", "policy": "保单"}

_STEPS = {1: "投保", 2: "支付", 3: "出单", 4: "退保", 5: "退保重出", 9: "电子保单"}


@blueprint.after_request
def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.app_template_filter("qa_local_time")
def _local_time(at: float) -> datetime:
    """Return a time in the zone of this machine."""
    return datetime.fromtimestamp(at).astimezone()


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "members": MEMBERS,
        "pages": _PAGES,
        "ends": ENDS,
        "titles": TITLES,
        "most": events.MOST,
        "steps": _STEPS,
        "codes": {str(platform.value): title for platform, title in TITLES.items()},
    }


@blueprint.get("")
def console() -> str:
    """Show everything on one page."""
    chosen = request.args.get("show", "all")
    if chosen not in FILTERS:
        abort(404)
    asked = "page" in request.args
    happenings = events.store(current_app).happenings()
    return render_template(
        "qa/console.html",
        **matrix(chosen),
        happenings=happenings[:_SHOWN],
        events_kept=len(happenings),
        form=request.args if asked else {"reference": CASE_CODE},
        made=make(request.args) if asked else None,
    )


@blueprint.get("/<row>/<device>")
def cell(row: str, device: str) -> str:
    """Show one cell of the matrix with everything about it."""
    if row not in ROWS or device not in DEVICES:
        abort(404)
    one = make_cell(Clicker(), ROWS[row], DEVICES[device])
    return render_template("qa/cell.html", cell=one, found=found(one.device))


@blueprint.get("/events")
def log() -> str:
    """Show every event that is kept."""
    return render_template("qa/events.html", happenings=events.store(current_app).happenings())
