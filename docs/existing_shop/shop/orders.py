"""The pages with a member's orders."""

from flask import Blueprint, render_template
from flask_login import current_user, login_required

from .extensions import db
from .models import Order

pages = Blueprint("orders", __name__)


@pages.get("/orders/")
@login_required
def index() -> str:
    """Show all orders of the member who is logged in."""
    orders = db.session.scalars(db.select(Order).filter_by(member_id=current_user.id)).all()
    return render_template(
        "orders.html",
        orders=orders,
    )


@pages.get("/orders/<int(max=2147483647):order_id>")
@login_required
def order(order_id: int) -> str:
    """Show an order of the member, or return 404 for an order of another member."""
    query = db.select(Order).filter_by(id=order_id, member_id=current_user.id)
    order = db.first_or_404(query)
    return render_template(
        "order.html",
        order=order,
    )
