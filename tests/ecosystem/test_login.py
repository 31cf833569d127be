"""Flask-Login says who is signed in, and sends to its login who is not."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ecosystem.shop import Way
from tests.ecosystem.sites import (
    Build,
    UserByToken,
    flask_login_int,
    flask_login_token,
    flask_login_uuid,
    flask_login_uuid_object,
    login_shop,
)
from tests.support import PC, PHONE

ALICES_UUID = "0b6f4f1e-53e5-4f0c-9a5f-0d3b8a9d8c11"


@pytest.mark.parametrize(
    ("build", "member"),
    [
        pytest.param(flask_login_int, "7", id="int"),
        pytest.param(flask_login_uuid, ALICES_UUID, id="UUID"),
        pytest.param(flask_login_uuid_object, ALICES_UUID, id="UUID object"),
        pytest.param(flask_login_token, "Zr3-kQ_x81.fW", id="token"),
    ],
)
def test_a_member_is_known_by_what_get_id_says(
    way: Way, scene: ExitStack, build: Build, member: str
) -> None:
    shop = build(way, scene)
    browser = shop.browser(PHONE, signed_in="alice")

    assert browser.get(browser.entries()["policy"]).location == (
        "/gateway/dispatch/cps/insureDetail?partnerId=12345&insureNum=20190226020146"
        f"&sign=001f9594105fd5b7ccb07caa01481a35&partnerUniqKey={member}&platform=1"
    )
    assert shop.clicks[0]["member"] == member


@pytest.mark.parametrize("query", ["", "?platform=h5"], ids=["phone", "tablet"])
@pytest.mark.parametrize("page", ["product", "policy"])
def test_the_login_leads_back_to_the_click(
    way: Way, scene: ExitStack, page: str, query: str
) -> None:
    shop = flask_login_int(way, scene, login_view="login")
    device = PC if query else PHONE
    link = shop.browser(PHONE, signed_in="alice").entries()[page] + query
    browser = shop.browser(device)

    sent = browser.get(link)
    assert sent.status_code in (302, 303)  # by Flask-Login
    assert sent.location is not None
    assert urlsplit(sent.location).path == "/login"
    assert parse_qs(urlsplit(sent.location).query)["next"] == [link]
    assert not shop.clicks

    back = browser.sign_in("alice", sent.location)
    assert back.location == link
    assert browser.get(link).location == shop.gateway_url(page, "alice", 1)
    assert len(shop.clicks) == 1


def test_a_new_token_signs_its_user_out_and_ends_links_to_the_old_one(way: Way) -> None:
    users = {"alice": UserByToken(7, "Zr3-kQ_x81.fW")}

    def find(token: str) -> UserByToken | None:
        return next((user for user in users.values() if user.alternative_id == token), None)

    shop = login_shop(way, users, find)
    before = shop.browser(PHONE, signed_in="alice")
    old_link = before.entries()["policy"]

    users["alice"].alternative_id = "nX5_new-tok.3b"

    assert before.get(old_link).status_code == 401
    after = shop.browser(PHONE, signed_in="alice")
    assert after.get(old_link).status_code == 403
    assert after.get(after.entries()["policy"]).status_code == 302
