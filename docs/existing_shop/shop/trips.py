"""The front page, and the pages of the trips."""

from flask import Blueprint, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from . import mail
from .extensions import cache, db
from .models import Order, Trip

pages = Blueprint("trips", __name__)


@pages.get("/")
@cache.cached(timeout=60, unless=lambda: "_flashes" in session)
def index() -> str:
    """Show all trips. The page is the same for every visitor."""
    return render_template("index.html", trips=db.session.scalars(db.select(Trip)).all())


@pages.get("/trips/<int(max=2147483647):trip_id>")
def trip(trip_id: int) -> str:
    """Show the page of a trip."""
    return render_template("trip.html", trip=db.get_or_404(Trip, trip_id))


@pages.post("/trips/<int(max=2147483647):trip_id>")
@login_required
def book(trip_id: int) -> ResponseReturnValue:
    """Book a trip for the member, send an email, and redirect to the order."""
    order = Order(member_id=current_user.id, trip=db.get_or_404(Trip, trip_id))
    db.session.add(order)
    db.session.commit()
    mail.send_mail(order.member.email, "预订成功", "mail/booked.html", order=order)
    return redirect(url_for("orders.order", order_id=order.id))
