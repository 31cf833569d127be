"""Tests for members that Flask-Login identifies."""

from __future__ import annotations

import pytest

from tests.ecosystem.shop import DEFAULT_SETUP, H5_PLATFORM
from tests.ecosystem.sites import ALICE_UUID, User, create_login_shop
from tests.support import PHONE, SentSignals


@pytest.mark.parametrize(
    "id",
    ["7", str(ALICE_UUID), ALICE_UUID, "Zr3-kQ_x81.fW"],
    ids=["row number", "UUID string", "UUID object", "token"],
)
def test_flask_login_id_identifies_member_until_changed(
    sent_signals: SentSignals, id: object
) -> None:
    users = {"alice": User(id)}
    shop = create_login_shop(DEFAULT_SETUP, users)
    browser = shop.open_browser(PHONE, "alice")
    old_link = browser.get_links()["policy"]

    click = browser.get(old_link)
    assert click.location == shop.get_gateway_url("policy", "alice", H5_PLATFORM)
    assert sent_signals[0][1]["member"] == str(id)

    # If a user's id changes, Flask-Login ends the session. The user's old links then belong to
    # another member.
    users["alice"].id = "nX5_new-tok.3b"
    assert browser.get(old_link).status_code == 401
    browser = shop.open_browser(PHONE, "alice")
    assert browser.get(old_link).status_code == 403
    assert browser.get(browser.get_links()["policy"]).status_code == 302
