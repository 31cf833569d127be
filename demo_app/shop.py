"""The shop: an order with the insurance entries, the members' policies, and a login for two."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from werkzeug.exceptions import HTTPException

from flask_xiebao import entry_clicked

from .purchases import Purchase, db, purchases

blueprint = Blueprint("shop", __name__)

#: Members by an id that cannot be guessed, with the applications (投保单号) that are theirs since
#: before the shop heard of purchases.
MEMBERS = {
    "m_7Qk2vX9rT4": {"name": lazy_gettext("Lin Xiao"), "policies": ["20190226020146"]},
    "m_b81TzPwE6c": {
        "name": lazy_gettext("Zhou Hang"),
        "policies": ["20261103110527", "20261119093308"],
    },
}

CASE_CODE = "QX000000127257"
PRODUCTS = {CASE_CODE: lazy_gettext("Domestic travel insurance")}

CHINA_TIME = timezone(timedelta(hours=8))

#: How many policies the order's page shows.
_NEWEST = 2

#: The order that is on the page: what the shop calls it is said with a click, and comes back.
ORDER = "QY-1008"

#: What the shop calls what has become of a policy.
STATES = {
    "unknown": lazy_gettext("Processing"),
    "applied": lazy_gettext("Awaiting payment"),
    "paying": lazy_gettext("Payment processing"),
    "failed": lazy_gettext("Payment failed"),
    "paid": lazy_gettext("Paid, being issued"),
    "not_issued": lazy_gettext("Not issued"),
    "issued": lazy_gettext("Issued"),
    "in_force": lazy_gettext("In force"),
    "expired": lazy_gettext("Expired"),
    "surrendering": lazy_gettext("Surrender in progress"),
    "surrendered": lazy_gettext("Surrendered"),
    "replaced": lazy_gettext("Reissued"),
    "cancelled": lazy_gettext("Canceled"),
}
_OVER = ("expired", "surrendered", "replaced", "cancelled")
#: The titles and the texts of the error pages, by status.
_ERRORS = {
    400: (
        lazy_gettext("This request cannot be processed"),
        lazy_gettext("Please go back and try again."),
    ),
    404: (
        lazy_gettext("Page not found"),
        lazy_gettext("The address may be wrong, or the page no longer exists."),
    ),
    405: (
        lazy_gettext("This address cannot be opened directly"),
        lazy_gettext("Please use the buttons on the site."),
    ),
}
#: An order counts as insured if it has a policy in one of these states.
_INSURED = ("paid", "issued", "in_force", "surrendering")
_UNPAID = ("applied", "failed")


def current_member() -> str | None:
    """Return the id of the member who is signed in."""
    member = session.get("member")
    return member if member in MEMBERS else None


@blueprint.app_context_processor
def signed_in() -> dict[str, Any]:
    """Give every template the member who is signed in, and the words for their policies."""
    member = MEMBERS.get(current_member() or "")
    return {"member": member, "states": STATES, "products": PRODUCTS}


@blueprint.get("/")
def order() -> Response:
    """Show the order, and the insurance that goes with it."""
    known, older = _policies()
    bought = db.session.scalars(purchases.for_reference(ORDER, current_member())).all()
    insurance = next((policy for policy in bought if policy.state in _INSURED), None)
    unpaid = next((policy for policy in bought if policy.state in _UNPAID), None)
    page = render_template(
        "shop/order.html",
        case_code=CASE_CODE,
        order=ORDER,
        insurance=insurance,
        unpaid=None if insurance else unpaid,
        paid="paid" in session,
        # The covers that the simulator sells are for five days from today on.
        days=[datetime.now(CHINA_TIME) + timedelta(days=day) for day in (0, 4)],
        policies=known[:_NEWEST],
        older=older[: max(0, _NEWEST - len(known))],
        total=len(known) + len(older),
    )
    # Otherwise, the Back button may show the card after the member has bought the insurance.
    return Response(page, headers={"Cache-Control": "no-store"})


@blueprint.post("/pay")
def pay() -> ResponseReturnValue:
    """Mark the order as paid in this browser. A real shop would begin a payment."""
    session["paid"] = True
    return redirect(url_for(".order"), 303)


@blueprint.get("/terms")
def terms() -> str:
    """Show the terms of the insurance. A real shop links to the documents of the insurer."""
    return render_template("shop/terms.html")


@blueprint.get("/policies")
def policies() -> ResponseReturnValue:
    """Show the member what they have bought."""
    if current_member() is None:
        return redirect(url_for(".sign_in", next=url_for(".policies")))
    known, older = _policies()
    return render_template("shop/policies.html", policies=known, older=older)


@blueprint.get("/favicon.ico")
def icon() -> ResponseReturnValue:
    """Answer browsers on pages that name no icon, such as the extension's."""
    return current_app.send_static_file("icon.svg")


@blueprint.app_errorhandler(400)
@blueprint.app_errorhandler(404)
@blueprint.app_errorhandler(405)
def show_error(error: HTTPException) -> ResponseReturnValue:
    """Show the demo's own page instead of Werkzeug's."""
    response = error.get_response()
    title, text = _ERRORS[response.status_code]
    response.data = render_template("shop/error.html", title=title, text=text)
    return response


@blueprint.get("/insured")
def insured() -> str:
    """Welcome a member back from the payment.

    That the browser is back proves nothing: what was bought since the click in this browser is what
    the callback says.
    """
    policy = None
    if "clicked_at" in session:
        since = datetime.fromtimestamp(session["clicked_at"], UTC)
        news = purchases.of(current_member()).where(Purchase.updated_at >= since)
        newest = (Purchase.updated_at.desc(), Purchase.insure_num.desc())
        policy = db.session.scalar(news.order_by(None).order_by(*newest))
    return render_template("shop/insured.html", policy=policy)


def init_app(app: Flask) -> None:
    """Remember in each browser when its member last went to buy something."""
    entry_clicked.connect(_remember_click, app)


def _remember_click(_app: Flask, **_: Any) -> None:
    session["clicked_at"] = int(time.time())


def _policies() -> tuple[list[Purchase], list[str]]:
    """Return the member's purchases, those that are over last, and the numbers of older ones."""
    member = current_member()
    known = list(db.session.scalars(purchases.of(member)))
    known.sort(key=lambda policy: policy.state in _OVER)
    heard_of = {policy.insure_num for policy in known}
    older = MEMBERS[member]["policies"] if member is not None else []
    return known, [number for number in older if number not in heard_of]


@blueprint.get("/sign-in")
def sign_in() -> str:
    """Offer the two members."""
    return render_template("shop/sign_in.html", members=MEMBERS, next=_local(request.args))


@blueprint.post("/sign-in")
def sign_in_as() -> ResponseReturnValue:
    """Sign in as a member and go on to where they came from."""
    member = request.form.get("member")
    if member not in MEMBERS:
        abort(400)
    session["member"] = member
    return redirect(_local(request.form))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign out, and keep the language."""
    language = session.get("language")
    session.clear()
    if language is not None:
        session["language"] = language
    return redirect(url_for(".order"))


def _local(values: Any) -> str:
    """Return ``next`` if it is a path of this shop, else the order page."""
    path: str = values.get("next", "")
    stays_here = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if stays_here else url_for(".order")
