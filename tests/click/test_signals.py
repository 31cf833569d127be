"""What a site listens to: every receiver gets its signal, and one that fails stops nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from blinker import NamedSignal
from flask import Flask

from flask_xiebao import Entry, Platform, entry_clicked, entry_refused, payment_returned
from tests.support import CODE, SIGN, MakeSite, Site, paid_url

ENTRY = Entry("product", CODE, return_to="/orders/8")
SIGNALS = [entry_clicked, entry_refused, payment_returned]


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site as it is in service."""
    return make_site(XIEBAO_STRICT=False)


@pytest.fixture
def cause(site: Site) -> Callable[[NamedSignal], int]:
    """Return a function that does what sends the signal, and returns the status of the answer."""
    urls = what_causes(site)
    return lambda signal: site.follow(urls[signal]).status_code


def what_causes(site: Site) -> dict[NamedSignal, str]:
    """Return the URL by which each signal is sent."""
    site.log_in("7")
    link = site.link("product", return_to="/orders/8")
    return {
        entry_clicked: link,
        entry_refused: "/xiebao/product/no-token",
        payment_returned: paid_url(site.follow(link)),
    }


class Ear:
    """A receiver that notes what it hears, and then fails if it is told to."""

    __qualname__: str

    def __init__(self, failing: bool = False) -> None:
        self.heard: list[dict[str, Any]] = []
        self.failing = failing

    def __call__(self, sender: Flask, **values: Any) -> None:
        self.heard.append({"sender": sender, **values})
        if self.failing:
            raise RuntimeError("this receiver fails")


@pytest.mark.parametrize("signal", SIGNALS)
def test_receivers_that_fail_are_logged_and_the_others_still_hear(
    site: Site,
    cause: Callable[[NamedSignal], int],
    caplog: pytest.LogCaptureFixture,
    signal: NamedSignal,
) -> None:
    ears = [Ear(failing=True), Ear(), Ear(failing=True), Ear(), Ear(failing=True)]
    for number, ear in enumerate(ears):
        ear.__qualname__ = f"receiver_{number}"
        signal.connect(ear, site.app)

    assert cause(signal) == (404 if signal is entry_refused else 302)

    assert [len(ear.heard) for ear in ears] == [1, 1, 1, 1, 1]
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.levelno for record in errors] == [logging.ERROR] * 3
    for record in errors:
        assert f"A receiver of {signal.name} failed: fix tests.click.test_signals.receiver_" in (
            record.getMessage()
        )
        assert record.exc_info is not None
        assert str(record.exc_info[1]) == "this receiver fails"


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_receiver_whose_task_was_cancelled_stops_no_click(
    site: Site,
    cause: Callable[[NamedSignal], int],
    caplog: pytest.LogCaptureFixture,
    signal: NamedSignal,
) -> None:
    def cancelled(_app: Flask, **_: Any) -> None:
        raise asyncio.CancelledError

    with signal.connected_to(cancelled, site.app):
        assert cause(signal) == (404 if signal is entry_refused else 302)
    assert f"A receiver of {signal.name} failed" in caplog.text


def test_the_log_names_a_receiver_and_shows_nothing_of_its_object(
    site: Site, cause: Callable[[NamedSignal], int], caplog: pytest.LogCaptureFixture
) -> None:
    class Mailer:
        def __repr__(self) -> str:
            raise AssertionError("nobody asked for this")

        def send(self, app: Flask, **_: Any) -> None:
            raise RuntimeError("this receiver fails")

    mailer = Mailer()
    entry_clicked.connect(mailer.send, site.app)
    assert cause(entry_clicked) == 302
    assert "Mailer.send" in caplog.text


def test_the_log_does_not_say_that_somebody_was_let_through_who_was_refused(
    site: Site, cause: Callable[[NamedSignal], int], caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear(failing=True)
    entry_refused.connect(ear, site.app)
    assert cause(entry_refused) == 404
    assert "let through" not in caplog.text


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_receiver_that_fails_raises_in_strict_mode(
    make_site: MakeSite, signal: NamedSignal
) -> None:
    site = make_site()
    urls = what_causes(site)
    ear = Ear(failing=True)
    signal.connect(ear, site.app)
    with pytest.raises(RuntimeError, match="this receiver fails"):
        site.follow(urls[signal])
    assert len(ear.heard) == 1


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_sender_is_the_app_and_other_apps_receivers_do_not_hear(
    site: Site, cause: Callable[[NamedSignal], int], signal: NamedSignal
) -> None:
    of_this, of_all, of_another = Ear(), Ear(), Ear()
    another = Flask("another")
    signal.connect(of_this, site.app)
    signal.connect(of_all)
    signal.connect(of_another, another)

    cause(signal)

    for ear in (of_this, of_all):
        (values,) = ear.heard
        assert values["sender"] is site.app
    assert of_another.heard == []


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_that_is_muted_is_not_heard(
    site: Site, cause: Callable[[NamedSignal], int], signal: NamedSignal
) -> None:
    ear = Ear()
    signal.connect(ear, site.app)
    with signal.muted():
        cause(signal)
    assert ear.heard == []
    cause(signal)
    assert len(ear.heard) == 1


def test_a_signal_carries_what_happened_and_never_the_gateways_url(site: Site) -> None:
    ears = {signal: Ear() for signal in SIGNALS}
    for signal, ear in ears.items():
        signal.connect(ear, site.app)
    site.log_in("7")
    site.follow(paid_url(site.follow(site.link("product", return_to="/orders/8"))))
    site.follow("/xiebao/product/no-token")

    (clicked,), (refused,), (returned,) = (ear.heard for ear in ears.values())
    click_id = clicked.pop("click_id")
    assert isinstance(click_id, str)
    assert len(click_id) >= 16
    sender = {"sender": site.app}
    assert clicked == {**sender, "entry": ENTRY, "member": "7", "platform": Platform.H5}
    assert refused == {
        **sender,
        "status": 404,
        "reason": "invalid_link",
        "cause": "malformed",
        "page": "product",
        "entry": None,
        "member": None,
    }
    assert returned == {
        **sender,
        "entry": ENTRY,
        "member": "7",
        "click_id": click_id,
        "same_session": True,
    }
    for values in (clicked, refused, returned):
        assert SIGN not in repr(values)
        assert "xiebao18" not in repr(values)
