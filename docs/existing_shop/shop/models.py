"""The models of the shop, and the commands that create their tables and sample rows."""

from datetime import date

import click
from flask.cli import with_appcontext
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from .extensions import db, login_manager


class Member(UserMixin, db.Model):
    """A user who has an account at the shop."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]

    def has_password(self, password: str) -> bool:
        """Return True if the password is correct."""
        return check_password_hash(self.password_hash, password)


class Trip(db.Model):
    """A guided trip on one day."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    day: Mapped[date]
    price_yuan: Mapped[int]


class Order(db.Model):
    """A booking of a trip by a member."""

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(db.ForeignKey("member.id"))
    trip_id: Mapped[int] = mapped_column(db.ForeignKey("trip.id"))
    member: Mapped[Member] = relationship()
    trip: Mapped[Trip] = relationship()


@login_manager.user_loader
def load_member(member_id: str) -> Member | None:
    """Return the member whose id is in the session, or None."""
    return db.session.get(Member, int(member_id))


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the tables that do not exist yet."""
    db.create_all()
    click.echo("The tables exist now.")


@click.command("add-samples")
@with_appcontext
def add_samples() -> None:
    """Add sample rows for development. The passwords of the sample members are public."""
    for name, email in (("林晓", "lin@shanye.example"), ("陈默", "chen@shanye.example")):
        password_hash = generate_password_hash("shanye")
        db.session.add(Member(name=name, email=email, password_hash=password_hash))
    for title, day, price in (
        ("徽杭古道两日徒步", date(2027, 4, 3), 498),
        ("雨崩秘境五日", date(2027, 5, 1), 2680),
        ("千岛湖环湖骑行", date(2027, 5, 15), 399),
    ):
        db.session.add(Trip(title=title, day=day, price_yuan=price))
    db.session.flush()
    db.session.add(Order(member_id=1, trip_id=1))
    db.session.commit()
    click.echo("Log in as lin@shanye.example or chen@shanye.example, with the password shanye.")
