"""Flask-Login says who is signed in."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.ecosystem.shop import ONE_WAY
from tests.ecosystem.sites import ALICE, User, flask_login
from tests.support import PHONE, SentSignals


@pytest.mark.parametrize(
    ("id", "member"),
    [("7", "7"), (str(ALICE), str(ALICE)), (ALICE, str(ALICE)), ("Zr3-kQ_x81.fW", "Zr3-kQ_x81.fW")],
    ids=["row number", "UUID", "UUID object", "token"],
)
def test_a_member_is_known_by_what_get_id_says_as_long_as_it_says_so(
    scene: ExitStack, sent_signals: SentSignals, id: object, member: str
) -> None:
    users = {"alice": User(id)}
    shop = flask_login(ONE_WAY, scene, users)
    browser = shop.browser(PHONE, signed_in="alice")
    old_link = browser.entries()["policy"]

    assert browser.get(old_link).location == (
        "/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=20190226020146"
        f"&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform=1"
    )
    assert sent_signals[0][1]["member"] == member

    # A new one signs its user out everywhere, and ends links to the old one.
    users["alice"].id = "nX5_new-tok.3b"
    assert browser.get(old_link).status_code == 401
    after = shop.browser(PHONE, signed_in="alice")
    assert after.get(old_link).status_code == 403
    assert after.get(after.entries()["policy"]).status_code == 302
