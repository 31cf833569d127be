"""The views for logging in and out."""

import re

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from .extensions import db
from .models import Member

pages = Blueprint("auth", __name__)


class LoginForm(FlaskForm):
    """The login form."""

    email = EmailField("邮箱", [InputRequired()])
    password = PasswordField("密码", [InputRequired()])


@pages.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log a member in, and redirect to the page that required the login."""
    form = LoginForm()
    if form.validate_on_submit():
        member = db.session.scalar(db.select(Member).filter_by(email=form.email.data))
        if member and member.has_password(form.password.data):
            login_user(member)
            return redirect(
                _find_local_path(request.args.get("next", "")) or url_for("trips.index")
            )
        flash("邮箱或密码不对。")
    return render_template("login.html", form=form)


@pages.post("/logout")
@login_required
def logout() -> ResponseReturnValue:
    """Log the member out."""
    logout_user()
    return redirect(url_for("trips.index"))


def _find_local_path(path: str) -> str:
    """Return the path if it leads to this site, or an empty string if it does not."""
    return path if re.fullmatch(r"/(?![/\\])[!-~]*", path) else ""
