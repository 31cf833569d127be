"""What a site hears of clicks: every receiver gets its signal, and one that fails stops nobody."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

from flask_xiebao import Entry, Platform, entry_clicked, entry_refused, payment_returned
from tests.support import (
    PC,
    PRODUCT_CODE,
    SIGN,
    MakeSite,
    SentSignals,
    Site,
    find_leaks,
    get_return_link,
)

#: The signals, and the status of the answer that sends each.
SIGNALS = {entry_clicked: 302, entry_refused: 404, payment_returned: 302}
EACH_SIGNAL = pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: str(signal.name))


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site as it is in service."""
    return make_site(XIEBAO_STRICT=False)


def cause(site: Site, signal: NamedSignal) -> int:
    """Do what sends the signal; return the status of the answer."""
    site.log_in("7")
    link = site.link("product", return_to="/orders/8")
    if signal is entry_refused:
        link = "/xiebao/product/no-token"
    elif signal is payment_returned:
        link = get_return_link(site.follow(link))
    return site.follow(link).status_code


class Ear:
    """A receiver that notes what it hears, and then fails if it is told to."""

    __qualname__: str

    def __init__(self, error: BaseException | None = None) -> None:
        self.notifications: list[dict[str, Any]] = []
        self.error = error

    def __call__(self, sender: Flask, **values: Any) -> None:
        self.notifications.append({"sender": sender, **values})
        if self.error is not None:
            raise self.error

    def hear(self, sender: Flask, **values: Any) -> None:
        self(sender, **values)

    def __repr__(self) -> str:
        raise AssertionError("nobody asked for this")


@EACH_SIGNAL
@pytest.mark.parametrize(
    "error", [RuntimeError("this fails"), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_receivers_that_fail_are_logged_by_their_names_and_the_others_still_hear(
    site: Site, caplog: pytest.LogCaptureFixture, signal: NamedSignal, error: BaseException
) -> None:
    method, ears = Ear(error), [Ear(error), Ear(), Ear(error), Ear()]
    ears[0].__qualname__ = "statistics"
    for ear in ears:
        signal.connect(ear, site.app)
    signal.connect(method.hear, site.app)

    assert cause(site, signal) == SIGNALS[signal]

    assert [len(ear.notifications) for ear in (method, *ears)] == [1, 1, 1, 1, 1]
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {record.levelno for record in errors} == {logging.ERROR}
    assert [record.exc_info and record.exc_info[1] for record in errors] == [error] * 3
    assert sorted(record.getMessage() for record in errors) == [
        f"The receiver tests.click.test_signals.{name} of the signal"
        f' "{signal.name.replace("-", "_")}" failed. Fix the receiver.'
        for name in ("Ear", "Ear.hear", "statistics")
    ]
    # Least of all of whoever was refused.
    assert "let through" not in caplog.text


@EACH_SIGNAL
def test_a_receiver_that_fails_raises_in_strict_mode(
    make_site: MakeSite, signal: NamedSignal
) -> None:
    site, ear = make_site(), Ear(RuntimeError("this receiver fails"))
    signal.connect(ear, site.app)
    with pytest.raises(RuntimeError, match="this receiver fails"):
        cause(site, signal)
    assert len(ear.notifications) == 1


@EACH_SIGNAL
def test_who_listens_to_this_app_or_to_all_hears_and_others_do_not(
    site: Site, signal: NamedSignal
) -> None:
    of_this, of_all, of_another = Ear(), Ear(), Ear()
    another = Flask("another")
    signal.connect(of_this, site.app)
    signal.connect(of_all)
    signal.connect(of_another, another)
    with signal.muted():
        cause(site, signal)
    assert of_this.notifications == []

    cause(site, signal)
    assert [[values["sender"] for values in ear.notifications] for ear in (of_this, of_all)] == [
        [site.app],
        [site.app],
    ]
    assert of_another.notifications == []


def test_a_signal_carries_what_happened_and_never_the_gateways_url(
    site: Site, sent_signals: SentSignals
) -> None:
    site.log_in("7")
    options: dict[str, Any] = {
        "return_to": "/orders/8",
        "sub_partner_id": "branch-7",
        "client_reference": 8,
    }
    site.follow(get_return_link(site.follow(site.link("product", **options), PC)))
    site.follow(site.link("home", member="8", no_login_for=60, client_reference="order-8"))
    site.log_in(None)
    site.follow(site.link("home", member="8", no_login_for=60))

    entry = Entry("product", PRODUCT_CODE, **{**options, "client_reference": "8"})
    click_ids = [said["click_id"] for _, said in sent_signals if "click_id" in said]
    click_id, of_the_return, another_id = click_ids
    assert click_id == of_the_return != another_id
    assert len(click_id) >= 16
    bearer = Entry("home", member="8", no_login_for=60)
    refused = {"status": 403, "reason": "another_member", "cause": "another_member", "page": "home"}
    ours = {"entry": entry, "member": "7", "click_id": click_id}
    assert sent_signals == [
        ("clicked", {**ours, "platform": Platform.PC}),
        ("returned", {**ours, "same_session": True}),
        (
            "refused",
            {**refused, "entry": replace(bearer, client_reference="order-8"), "member": "7"},
        ),
        (
            "clicked",
            {"entry": bearer, "member": "8", "click_id": another_id, "platform": Platform.H5},
        ),
    ]
    assert find_leaks(repr(sent_signals), SIGN, "xiebao18") == []
