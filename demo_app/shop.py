"""The pages of the shop: an order with its insurance, and the member's policies."""

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

from .auth import MEMBERS, current_member
from .extensions import db
from .policies import STATES, Purchase, purchases

pages = Blueprint("shop", __name__)

#: The number of the order on the order page. The card passes it as ``client_reference``.
ORDER = "QY-1008"
#: An order counts as insured if it has a policy in one of these states.
INSURED = ("paid", "issued", "in_force", "surrendering")
#: In these states, the member can continue to the payment.
UNPAID = ("applied", "failed")
#: In these states, a policy is at the end of the list.
ENDED = ("expired", "surrendered", "replaced", "cancelled")
#: The maximum number of policies on the order page.
MAX_POLICIES = 2
CHINA_TIME = timezone(timedelta(hours=8))


@pages.get("/")
def order() -> Response:
    """Show the order, and its insurance or the card that offers one."""
    # Always pass the member, because a link that a member passes on contains the same order number.
    order_policies = db.session.scalars(purchases.for_reference(ORDER, current_member())).all()
    insurance = next((each for each in order_policies if each.state in INSURED), None)
    unpaid = next((each for each in order_policies if each.state in UNPAID), None)
    policies, older = get_policies()
    page = render_template(
        "shop/order.html",
        order=ORDER,
        insurance=insurance,
        unpaid=None if insurance else unpaid,
        paid="paid" in session,
        # The simulator's policies begin today and cover five days.
        days=[datetime.now(CHINA_TIME) + timedelta(days=day) for day in (0, 4)],
        policies=policies[:MAX_POLICIES],
        older=older[: max(0, MAX_POLICIES - len(policies))],
        total=len(policies) + len(older),
        states=STATES,
    )
    # Otherwise, the Back button may show the card after the member has bought the insurance.
    return Response(page, headers={"Cache-Control": "no-store"})


@pages.post("/pay")
def pay() -> ResponseReturnValue:
    """Mark the order as paid in this browser. A real shop would begin a payment."""
    session["paid"] = True
    return redirect(url_for(".order"), 303)


@pages.get("/terms")
def terms() -> str:
    """Show the terms of the insurance. A real shop links to the documents of the insurer."""
    return render_template("shop/terms.html")


@pages.get("/policies")
def policies() -> ResponseReturnValue:
    """Show the member's policies."""
    if current_member() is None:
        return redirect(url_for("auth.login", next=url_for(".policies")))
    policies, older = get_policies()
    return render_template("shop/policies.html", policies=policies, older=older, states=STATES)


def get_policies() -> tuple[list[Purchase], list[str]]:
    """Return the member's purchases, and the application numbers of older policies."""
    member_id = current_member()
    policies = list(db.session.scalars(purchases.of(member_id)))
    policies.sort(key=lambda policy: policy.state in ENDED)
    older = MEMBERS[member_id]["policies"] if member_id is not None else []
    stored = {policy.insure_num for policy in policies}
    return policies, [insure_num for insure_num in older if insure_num not in stored]


@pages.get("/insured")
def insured() -> str:
    """Show the policy that was bought. The entries return to this page after the payment.

    The return itself does not prove a payment. So the page shows a purchase only if a notification
    of it has arrived since the click in this browser.
    """
    policy = None
    if "clicked_at" in session:
        clicked_at = datetime.fromtimestamp(session["clicked_at"], UTC)
        query = purchases.of(current_member()).where(Purchase.updated_at >= clicked_at)
        newest_first = (Purchase.updated_at.desc(), Purchase.insure_num.desc())
        policy = db.session.scalar(query.order_by(None).order_by(*newest_first))
    return render_template("shop/insured.html", policy=policy, states=STATES)


def store_click_time(_app: Flask, **_values: Any) -> None:
    """Store the time of the click in the session. This is a receiver of ``entry_clicked``."""
    session["clicked_at"] = int(time.time())


@pages.get("/favicon.ico")
def icon() -> ResponseReturnValue:
    """Return the icon. Browsers request it for pages without a link to an icon."""
    return current_app.send_static_file("icon.svg")
