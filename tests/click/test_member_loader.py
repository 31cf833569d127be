"""Tests for the hook ``member_loader``, and for Flask-Login on a site without this hook.

To test another result of a member loader, add a row to ``VALID_RESULTS`` or ``INVALID_RESULTS``.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from werkzeug.local import LocalProxy

from flask_xiebao import LinkError
from tests.click.support import assert_click_outcome, init_flask_login, make_user
from tests.support import (
    LINK_ARGUMENTS,
    PC,
    PHONE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    failing_function,
)

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")

#: One row per valid result of a member loader: the result, and the expected outcome of a click.
VALID_RESULTS = [
    (None, "401 login_required"),
    (0, "401 login_required"),
    ("", "401 login_required"),
    (" \t", "401 login_required"),
    (False, "401 login_required"),
    (LocalProxy(lambda: None), "401 login_required"),
    (7, "302 7"),
    (-7, "302 -7"),
    ("007", "302 007"),
    ("None", "302 None"),
    ("会员 1&2+3", "302 会员 1&2+3"),
    (MEMBER_UUID, f"302 {MEMBER_UUID}"),
    (LocalProxy(lambda: "alice"), "302 alice"),
    (LocalProxy(lambda: 7), "302 7"),
    (LocalProxy(lambda: MEMBER_UUID), f"302 {MEMBER_UUID}"),
]


@pytest.mark.parametrize(
    "is_async",
    [
        pytest.param(False, id="sync"),
        pytest.param(True, id="async", marks=pytest.mark.requires("asgiref")),
    ],
)
@pytest.mark.parametrize(("result", "expected"), VALID_RESULTS)
@pytest.mark.parametrize(
    "has_member", [False, True], ids=["link without member", "link with member"]
)
def test_member_loader_result_identifies_member_or_anonymous_visitor(
    make_site: MakeSite,
    sent_signals: SentSignals,
    has_member: bool,
    result: Any,
    expected: str,
    is_async: bool,
) -> None:
    async def load_member() -> Any:
        await asyncio.sleep(0)
        return result

    site = make_site(loader=False)
    site.xiebao.member_loader(load_member if is_async else lambda: result)
    link = site.link("product", member=str(result or "alice") if has_member else None)
    assert_click_outcome(site.follow(link), sent_signals, expected)
    assert (site.link("policy") == "") == (expected == "401 login_required")


INVALID_TYPE = "A member's id must be a string, an integer or a UUID, got"
#: One row per invalid result of a member loader: the result, and a part of the error message.
INVALID_RESULTS = [
    *((value, INVALID_TYPE) for value in (True, 1.0, b"alice", ["alice"], {"id": 7}, ("alice",))),
    (LocalProxy(lambda: ["alice"]), INVALID_TYPE),
    (1j, f"{INVALID_TYPE} complex. Pass the id"),
    ("a\u200db", r"contains the unprintable character U\+200D"),
    ("a\u00a0b", r"contains the unprintable character U\+00A0"),
    ("a\u200bb", r"contains the unprintable character U\+200B"),
    ("a\nb", r"contains the unprintable character U\+000A"),
    ("a\u2028b", r"contains the unprintable character U\+2028"),
    ("a" * 3000, "must have at most 2,000 characters, got 3,000"),
    ("alice ", "has leading or trailing whitespace"),
    (" alice", "has leading or trailing whitespace"),
    ("a" * 300, "must have at most 256 bytes, got 300"),
    ("🙂" * 100, "must have at most 256 bytes, got 400"),
]


@pytest.mark.parametrize(
    ("result", "message"),
    INVALID_RESULTS,
    ids=[ascii(result)[:30] for result, _ in INVALID_RESULTS],
)
def test_invalid_result_of_member_loader_raises_link_error(
    site: Site, sent_signals: SentSignals, result: Any, message: str
) -> None:
    site.log_in(result)
    # These calls raise no error, because links without a member are built without the member
    # loader.
    links = [(site.link("product"), PHONE), (site.link("home"), PC)]
    message = rf"The member_loader did not return a member's id\. .*{message}"
    with pytest.raises(LinkError, match=message) as error:
        site.link("policy")
    assert error.value.argument == "member"
    for link, device in links:
        with pytest.raises(LinkError, match=message):
            site.follow(link, device)
    assert sent_signals == []


def test_lambda_that_returns_coroutine_raises_link_error(site: Site) -> None:
    site.xiebao.member_loader(lambda: asyncio.sleep(0, "alice"))
    with pytest.raises(LinkError, match="a coroutine that is never awaited"):
        site.link("policy")


@pytest.mark.parametrize("device", [PHONE, PC], ids=["phone", "PC"])
@pytest.mark.parametrize("error", [ConnectionError(), ZeroDivisionError()], ids=repr)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_failing_member_loader_returns_500(
    make_site: MakeSite,
    sent_signals: SentSignals,
    page: str,
    error: Exception,
    device: dict[str, str],
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    link = site.link(page, member="alice", no_login_for=60)
    site.xiebao.member_loader(failing_function(error))
    response = site.follow(link, device)
    assert (response.status_code, response.headers.get("Location")) == (500, None)
    assert sent_signals == []


# Members of sites with Flask-Login


def test_anonymous_user_of_flask_login_with_id_is_not_a_member(make_site: MakeSite) -> None:
    from flask_login import AnonymousUserMixin

    site = make_site(loader=False)
    init_flask_login(site).anonymous_user = type(
        "Guest", (AnonymousUserMixin,), {"get_id": lambda user: "guest"}
    )
    assert site.follow(site.link("product")).status_code == 401


def test_flask_login_identifies_member_unless_site_has_member_loader(make_site: MakeSite) -> None:
    from flask_login import FlaskLoginClient

    site = make_site(loader=False)
    init_flask_login(site)
    browser = FlaskLoginClient(site.app, user=make_user("alice"))
    link = site.link("product")
    assert assert_gateway_accepts(browser.get(link, headers=PHONE)).member == "alice"

    site.xiebao.member_loader(lambda: "7")
    assert assert_gateway_accepts(browser.get(link, headers=PHONE)).member == "7"
