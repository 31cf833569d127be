"""The pages of the shop: an order with travel insurance, and the member's policies."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    redirect,
    render_template,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import or_

from flask_xiebao import Entry

from .auth import MEMBERS, current_member
from .extensions import db
from .policies import STATES, Purchase, purchases

pages = Blueprint("shop", __name__)

#: The order number on the order page. The insurance card passes this number as
#: ``client_reference``.
ORDER = "QY-1008"
#: The states of a policy in which the order counts as insured. "paying" is one of them, so that the
#: member does not buy a second policy while the payment is processed.
INSURED = ("paying", "paid", "issued", "in_force", "surrendering")
#: The states of a policy in which the member can continue to the payment.
UNPAID = ("applied", "failed")
#: The states of a policy that is at the end of the member's list.
ENDED = ("expired", "surrendered", "replaced", "cancelled")
#: The maximum number of policies on the order page.
MAX_POLICIES = 2
CHINA_TIME = timezone(timedelta(hours=8))


@pages.get("/")
def order() -> Response:
    """Show the order with its insurance, or with a card that offers insurance."""
    # Always pass the member. If a member sends a link to another person, that person's purchase has
    # the same order number, but must not appear here.
    order_policies = db.session.scalars(purchases.for_reference(ORDER, current_member())).all()
    insurance = next((each for each in order_policies if each.state in INSURED), None)
    unpaid = next((each for each in order_policies if each.state in UNPAID), None)
    policies, older = get_member_policies()
    page = render_template(
        "shop/order.html",
        order=ORDER,
        insurance=insurance,
        unpaid=None if insurance else unpaid,
        paid="paid" in session,
        # The trip lasts from today for five days, like the policies of the gateway simulator.
        days=[datetime.now(CHINA_TIME) + timedelta(days=day) for day in (0, 4)],
        policies=policies[:MAX_POLICIES],
        older=older[: max(0, MAX_POLICIES - len(policies))],
        total=len(policies) + len(older),
        states=STATES,
    )
    # Without "no-store", the browser's Back button may still show the offer after the member has
    # bought the insurance.
    return Response(page, headers={"Cache-Control": "no-store"})


@pages.post("/pay")
def pay() -> ResponseReturnValue:
    """Mark the order as paid in the visitor's session. A real shop would begin a payment."""
    session["paid"] = True
    return redirect(url_for(".order"), 303)


@pages.get("/terms")
def terms() -> str:
    """Show the insurance terms. A real shop links to the insurer's documents."""
    return render_template("shop/terms.html")


@pages.get("/policies")
def policies() -> ResponseReturnValue:
    """Show all policies of the member who is logged in."""
    if current_member() is None:
        return redirect(url_for("auth.login", next=url_for(".policies")))
    policies, older = get_member_policies()
    return render_template("shop/policies.html", policies=policies, older=older, states=STATES)


def get_member_policies() -> tuple[list[Purchase], list[str]]:
    """Return the member's stored purchases, and the application numbers of older policies."""
    member_id = current_member()
    policies = list(db.session.scalars(purchases.of(member_id)))
    policies.sort(key=lambda policy: policy.state in ENDED)
    older = MEMBERS[member_id]["policies"] if member_id is not None else []
    stored = {policy.insure_num for policy in policies}
    return policies, [insure_num for insure_num in older if insure_num not in stored]


@pages.get("/insured")
def insured() -> str:
    """Show the policy that was clicked or bought. Members return to this page after the payment.

    The return itself does not prove a payment. So the page shows a new policy only if a
    notification about it has arrived since the click in this browser.
    """
    policy = None
    if "clicked_at" in session:
        query = purchases.of(current_member())
        if clicked_policy := session.get("clicked_policy"):
            query = query.where(Purchase.insure_num == clicked_policy)
        else:
            clicked_at = datetime.fromtimestamp(session["clicked_at"], UTC)
            is_new = or_(Purchase.paid_at.is_(None), Purchase.paid_at >= clicked_at)
            query = query.where(Purchase.updated_at >= clicked_at, is_new)
        newest_first = (Purchase.updated_at.desc(), Purchase.insure_num.desc())
        policy = db.session.scalar(query.order_by(None).order_by(*newest_first))
    return render_template("shop/insured.html", policy=policy, states=STATES)


def store_click(_app: Flask, entry: Entry, **_values: Any) -> None:
    """Store the time of a click and the clicked policy, when ``entry_clicked`` is sent."""
    session["clicked_at"] = int(time.time())
    session["clicked_policy"] = entry.reference if entry.page == "policy" else None


@pages.get("/favicon.ico")
def icon() -> ResponseReturnValue:
    """Send the site's icon, which browsers request if a page does not link to an icon."""
    return current_app.send_static_file("icon.svg")
