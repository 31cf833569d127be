"""The members of the shop, and their login."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from .insurance import xiebao

pages = Blueprint("auth", __name__)

#: The members of the shop, by their ids. The ids cannot be guessed. "policies" has the application
#: numbers (投保单号) of policies that a member bought before the shop stored purchases.
MEMBERS = {
    "m_7Qk2vX9rT4": {"name": lazy_gettext("Lin Xiao"), "policies": ["20190226020146"]},
    "m_b81TzPwE6c": {
        "name": lazy_gettext("Zhou Hang"),
        "policies": ["20261103110527", "20261119093308"],
    },
}


@xiebao.member_loader
def current_member() -> str | None:
    """Return the id of the member who is logged in, or None."""
    member_id = session.get("member_id")
    return member_id if member_id in MEMBERS else None


@pages.app_context_processor
def add_member_variable() -> dict[str, Any]:
    """Pass the member who is logged in to all templates, as the variable ``member``."""
    return {"member": MEMBERS.get(current_member() or "")}


@pages.route("/sign-in", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Show the login page, or log a member in and redirect to the page before the login."""
    next_page = request.values.get("next", "")
    if not is_local_path(next_page):
        next_page = url_for("shop.order")
    if request.method != "POST":
        return render_template("shop/sign_in.html", members=MEMBERS, next=next_page)
    member_id = request.form.get("member")
    if member_id not in MEMBERS:
        abort(400)
    session["member_id"] = member_id
    return redirect(next_page)


def is_local_path(path: str) -> bool:
    """Return True if the path leads to this site. ``//evil.example`` leads to another site."""
    return re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", path) is not None


@pages.post("/sign-out")
def logout() -> ResponseReturnValue:
    """Log the member out, and keep the language that the visitor has chosen."""
    for name in session.keys() - {"language"}:
        del session[name]
    return redirect(url_for("shop.order"))
