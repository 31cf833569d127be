"""Tests for the signals ``entry_clicked``, ``entry_refused`` and ``payment_returned``."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

import pytest
from blinker import NamedSignal
from flask import Flask

from flask_xiebao import Entry, Platform, entry_clicked, entry_refused, payment_returned
from tests.click.support import click_and_get_return_link
from tests.support import (
    PC,
    PRODUCT_CODE,
    MakeSite,
    SentSignals,
    Site,
    failing_function,
    get_return_link,
)

EACH_SIGNAL = pytest.mark.parametrize(
    "signal",
    [entry_clicked, entry_refused, payment_returned],
    ids=lambda signal: str(signal.name),
)


def trigger_signal(site: Site, signal: NamedSignal) -> int:
    """Make a request that triggers this signal, and return the status of the response."""
    site.log_in("alice")
    link = site.link("product")
    if signal is entry_refused:
        link = "/xiebao/product/no-token"
    elif signal is payment_returned:
        link = click_and_get_return_link(site)
    return site.follow(link).status_code


@dataclass(eq=False)
class FailingReceiver:
    """A signal receiver that raises an error. Tests connect the object or ``handle_signal``."""

    error: BaseException

    def __call__(self, sender: Flask, **values: Any) -> None:
        raise self.error

    def handle_signal(self, sender: Flask, **values: Any) -> None:
        raise self.error


@EACH_SIGNAL
@pytest.mark.parametrize(
    "error", [RuntimeError("This fails."), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_failing_receivers_are_logged_by_name_and_others_are_called(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    signal: NamedSignal,
    error: BaseException,
) -> None:
    site, senders = make_site(XIEBAO_STRICT=False), []
    receiver, function = FailingReceiver(error), failing_function(error)
    function.__module__, function.__qualname__ = __name__, "count_clicks"

    def record_sender(sender: Flask, **values: Any) -> None:
        senders.append(sender)

    for connected in (receiver, receiver.handle_signal, function, record_sender):
        signal.connect(connected, site.app)
    assert trigger_signal(site, signal) == (404 if signal is entry_refused else 302)

    assert senders == [site.app]
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    errors = [(record.levelname, record.exc_info and record.exc_info[1]) for record in records]
    assert errors == [("ERROR", error)] * 3
    assert sorted(record.getMessage() for record in records) == [
        f'The receiver {__name__}.{name} of the signal "{signal.name.replace("-", "_")}" failed.'
        " Fix the receiver."
        for name in ("FailingReceiver", "FailingReceiver.handle_signal", "count_clicks")
    ]


@EACH_SIGNAL
def test_failing_receiver_raises_in_strict_mode(site: Site, signal: NamedSignal) -> None:
    with (
        signal.connected_to(failing_function(RuntimeError("This receiver fails.")), site.app),
        pytest.raises(RuntimeError, match=r"This receiver fails\."),
    ):
        trigger_signal(site, signal)


@EACH_SIGNAL
def test_receivers_are_called_only_for_apps_they_are_connected_to(
    site: Site, signal: NamedSignal
) -> None:
    receiver, general_receiver, other_receiver = Mock(), Mock(), Mock()
    with (
        signal.connected_to(receiver, site.app),
        signal.connected_to(general_receiver),
        signal.connected_to(other_receiver, Flask("other")),
    ):
        trigger_signal(site, signal)
        with signal.muted():
            trigger_signal(site, signal)
    calls = [each.call_args_list for each in (receiver, general_receiver, other_receiver)]
    assert [[call.args for call in each] for each in calls] == [[(site.app,)], [(site.app,)], []]


def test_signals_have_entry_member_and_click_id_but_no_gateway_url(
    site: Site, sent_signals: SentSignals
) -> None:
    options: dict[str, Any] = {"return_to": "/orders/8", "sub_partner_id": "branch-7"}
    link_without_login = site.link("home", member="8", no_login_for=60, client_reference="order-8")
    site.log_in("7")
    click = site.follow(site.link("product", client_reference=8, **options), PC)
    site.follow(get_return_link(click))
    site.follow(link_without_login)
    site.log_in(None)
    site.follow(link_without_login)

    click_id, return_click_id, other_click_id = [
        values["click_id"] for _, values in sent_signals if "click_id" in values
    ]
    assert click_id == return_click_id != other_click_id
    assert len(click_id) >= 16
    entry = Entry("product", PRODUCT_CODE, client_reference="8", **options)
    other_entry = Entry("home", None, "8", 60, client_reference="order-8")
    clicked = {"entry": entry, "member": "7", "click_id": click_id}
    refused = {"status": 403, "reason": "another_member", "cause": "another_member", "page": "home"}
    other_clicked = {"entry": other_entry, "member": "8", "click_id": other_click_id}
    assert sent_signals == [
        ("clicked", {**clicked, "platform": Platform.PC}),
        ("returned", {**clicked, "same_session": True}),
        ("refused", {**refused, "entry": other_entry, "member": "7"}),
        ("clicked", {**other_clicked, "platform": Platform.H5}),
    ]
