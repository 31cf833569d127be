"""Tests for the arguments of ``Purchases`` and ``on_change``.

To test another argument that is rejected, add a row to ``REJECTED`` or ``REJECTED_FUNCTIONS``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from flask_xiebao import ConfigError, Xiebao
from flask_xiebao.sqla import PurchaseMixin, Purchases
from tests.callback.purchases.support import Shop


class Base(DeclarativeBase):
    pass


class Purchase(PurchaseMixin, Base):
    """A valid model for purchases."""


class JoinedPurchase(Purchase):
    """A model for purchases with columns in two tables."""

    __tablename__ = "joined_purchase"
    insure_num: Mapped[str] = mapped_column(
        String(255), ForeignKey(Purchase.insure_num), primary_key=True
    )


class PurchaseWithId(PurchaseMixin, Base):
    """A model for purchases with a second column in the primary key."""

    __tablename__ = "purchase_with_id"
    id: Mapped[int] = mapped_column(primary_key=True)


class AsyncCallable:
    """A class whose instances can be called like an async function."""

    async def __call__(self, session: Session, purchase: Purchase, before: object) -> None:
        pass


async_function = AsyncCallable().__call__


#: One row per argument that ``Purchases`` rejects: the invalid argument, and a pattern for the
#: error message.
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "model without the mixin": ({"model": dict}, "PurchaseMixin"),
    "mixin as the model": ({"model": PurchaseMixin}, "PurchaseMixin"),
    "second primary key column": ({"model": PurchaseWithId}, "no primary key besides"),
    "model with two tables": ({"model": JoinedPurchase}, "with one table"),
    "session": ({"session_factory": Session()}, "got Session"),
    "async session factory": (
        {"session_factory": async_sessionmaker()},
        "got async_sessionmaker",
    ),
    "only without a parameter": (
        {"only": lambda: True},
        r'because "only" is called with the arguments \(order\)',
    ),
    "async only": ({"only": async_function}, '"only" must be a function and must not be async'),
    "clicks without the mixin": (
        {"clicks": object},
        '"clicks" of Purchases must be a mapped class .* ClickMixin',
    ),
    "within of 0": (
        {"within": timedelta()},
        '"within" of Purchases must be a positive timedelta of at most',
    ),
    "too long within": ({"within": timedelta.max}, "of at most 3650 days, got datetime.timedelta"),
    "within as a number": ({"within": 86400}, "of at most 3650 days, got 86400"),
}


@pytest.mark.parametrize(("arguments", "message"), REJECTED.values(), ids=REJECTED)
def test_purchases_rejects_argument(arguments: dict[str, Any], message: str) -> None:
    valid: dict[str, Any] = {"model": Purchase, "session_factory": sessionmaker()}
    with pytest.raises(ConfigError, match=message):
        Purchases(Xiebao(), **{**valid, **arguments})


def test_second_purchases_object_for_same_extension_raises(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="already has a Purchases object"):
        Purchases(shop.site.xiebao, Purchase, sessionmaker())


#: One row per function that ``on_change`` rejects: the function, and a pattern for the error
#: message.
REJECTED_FUNCTIONS: dict[str, tuple[Any, str]] = {
    "async function": (async_function, "async"),
    "object with an async __call__": (AsyncCallable(), "async"),
    "None": (None, "function"),
    "function with one parameter": (lambda purchase: None, "session, purchase"),
    "second function": (
        lambda session, purchase, before: None,
        r"tests\.callback\.purchases\.support\.Shop\.record_change is already",
    ),
}


@pytest.mark.parametrize(
    ("function", "message"), REJECTED_FUNCTIONS.values(), ids=REJECTED_FUNCTIONS
)
def test_on_change_rejects_function(shop: Shop, function: Any, message: str) -> None:
    # The shop has already registered this function. Registering the same function again raises no
    # error.
    shop.purchases.on_change(shop.record_change)
    with pytest.raises(ConfigError, match=message):
        shop.purchases.on_change(function)
