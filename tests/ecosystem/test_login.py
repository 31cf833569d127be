"""Flask-Login says who is signed in, and sends to its login who is not."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ecosystem.shop import ONE_WAY
from tests.ecosystem.sites import ALICE, User, flask_login
from tests.support import PC, PHONE, Heard


@pytest.mark.parametrize(
    ("id", "member"),
    [("7", "7"), (str(ALICE), str(ALICE)), (ALICE, str(ALICE)), ("Zr3-kQ_x81.fW", "Zr3-kQ_x81.fW")],
    ids=["row number", "UUID", "UUID object", "token"],
)
def test_a_member_is_known_by_what_get_id_says_as_long_as_it_says_so(
    scene: ExitStack, heard: Heard, id: object, member: str
) -> None:
    users = {"alice": User(id)}
    shop = flask_login(ONE_WAY, scene, users)
    browser = shop.browser(PHONE, signed_in="alice")
    old_link = browser.entries()["policy"]

    assert browser.get(old_link).location == (
        "/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=20190226020146"
        f"&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform=1"
    )
    assert heard[0][1]["member"] == member

    # A new one signs its user out everywhere, and ends links to the old one.
    users["alice"].id = "nX5_new-tok.3b"
    assert browser.get(old_link).status_code == 401
    after = shop.browser(PHONE, signed_in="alice")
    assert after.get(old_link).status_code == 403
    assert after.get(after.entries()["policy"]).status_code == 302


@pytest.mark.parametrize("query", ["", "?platform=h5"], ids=["phone", "tablet"])
@pytest.mark.parametrize("page", ["product", "policy"])
def test_the_login_leads_back_to_the_click(
    scene: ExitStack, heard: Heard, page: str, query: str
) -> None:
    shop = flask_login(ONE_WAY, scene, login_view="login")
    link = shop.browser(PHONE, signed_in="alice").entries()[page] + query
    browser = shop.browser(PC if query else PHONE)

    sent = browser.get(link)
    assert sent.status_code in (302, 303)  # by Flask-Login
    leads_to = urlsplit(str(sent.location))
    assert leads_to.path == "/login"
    assert parse_qs(leads_to.query)["next"] == [link]

    back = browser.sign_in("alice", str(sent.location))
    assert back.location == link
    assert browser.get(link).location == shop.gateway_url(page, "alice", 1)
    assert [signal for signal, _ in heard].count("clicked") == 1
