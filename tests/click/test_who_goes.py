"""Who goes by which link, and as whom: the link's member, the session's, and the login between.

A new rule is a row of ``WHO``; what a site's loader may say is one of ``SAID``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import redirect, request, session
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, login_user
from werkzeug.exceptions import NotFound
from werkzeug.local import LocalProxy
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from flask_xiebao import ConfigError, LinkError
from tests.support import (
    INSURE_NUM,
    LINK_ARGUMENTS,
    PC,
    PHONE,
    PRIVATE_HEADERS,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    failing_function,
    find_href,
)

MEMBER_UUID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
INVALID_MEMBER_MESSAGE = "A member's id must be a string, an integer or a UUID, got"

#: Whose link it is and for how many seconds it needs no login, who is logged in when it is
#: followed a minute later, and what comes of it.
WHO = [
    (None, None, None, "401 login_required"),
    (None, None, "alice", "goes as alice"),
    (None, None, "bob", "goes as bob"),
    ("alice", None, "alice", "goes as alice"),
    ("alice", 61, "alice", "goes as alice"),
    ("alice", 60, "alice", "goes as alice"),
    ("alice", None, "bob", "403 another_member"),
    ("alice", 61, "bob", "403 another_member"),
    ("alice", 60, "bob", "403 another_member"),
    ("alice", None, None, "401 login_required"),
    ("alice", 61, None, "goes as alice"),
    ("alice", 60, None, "410 expired"),
]
#: The same, by page: a policy's link is always somebody's.
ON_PAGES = [(page, *row) for page in LINK_ARGUMENTS for row in WHO if page != "policy" or row[0]]


def outcome(response: TestResponse, sent_signals: SentSignals) -> str:
    """Return what came of a click: the answer and the one signal say the same."""
    [(signal, said)] = sent_signals
    if signal == "clicked":
        assert assert_gateway_accepts(response).member == said["member"]
        return f"goes as {said['member']}"
    assert response.status_code == said["status"]
    assert "Location" not in response.headers
    return f"{said['status']} {said['reason']}"


@pytest.mark.parametrize(
    ("loader", "page", "theirs", "no_login_for", "visitor", "comes"),
    [
        *((True, *row) for row in ON_PAGES),
        # A site that knows no members, and may have known some when the link was made.
        *((False, *row) for row in ON_PAGES if row[3] is None),
    ],
)
def test_who_goes(
    make_site: MakeSite,
    clock: Any,
    sent_signals: SentSignals,
    loader: bool,
    page: str,
    theirs: str | None,
    no_login_for: int | None,
    visitor: str | None,
    comes: str,
) -> None:
    url = make_site().link(page, member=theirs, no_login_for=no_login_for)
    clock.shift(60)
    site = make_site(loader=loader)
    site.log_in(visitor)
    assert outcome(site.follow(url), sent_signals) == comes


#: What a loader says, and what comes of it.
SAID = [
    (None, "401 login_required"),
    (0, "401 login_required"),
    ("", "401 login_required"),
    (" \t", "401 login_required"),
    (False, "401 login_required"),
    (LocalProxy(lambda: None), "401 login_required"),
    (7, "goes as 7"),
    (-7, "goes as -7"),
    ("007", "goes as 007"),
    ("None", "goes as None"),
    ("会员 1&2+3", "goes as 会员 1&2+3"),
    (MEMBER_UUID, f"goes as {MEMBER_UUID}"),
    (LocalProxy(lambda: "alice"), "goes as alice"),
    (LocalProxy(lambda: 7), "goes as 7"),
    (LocalProxy(lambda: MEMBER_UUID), f"goes as {MEMBER_UUID}"),
]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("said", "comes"), SAID)
def test_what_a_loader_says_is_a_member_or_nobody(
    make_site: MakeSite, sent_signals: SentSignals, said: Any, comes: str, is_async: bool
) -> None:
    site = make_site(loader=False)

    async def current_member() -> Any:
        await asyncio.sleep(0)
        return said

    site.xiebao.member_loader(current_member if is_async else lambda: said)
    # In whatever shape, it is the member whose link says the same as text.
    for theirs in (None, str(said or "alice")):
        sent_signals.clear()
        assert outcome(site.follow(site.link("product", member=theirs)), sent_signals) == comes
    assert (site.link("policy") == "") == (comes == "401 login_required")


#: What a loader must not say, and what is said of it.
WRONG = [
    *[
        (said, INVALID_MEMBER_MESSAGE)
        for said in (True, 1.0, b"alice", ["alice"], {"id": 7}, ("alice",))
    ],
    (LocalProxy(lambda: ["alice"]), INVALID_MEMBER_MESSAGE),
    (1j, f"{INVALID_MEMBER_MESSAGE} complex. Pass the id"),
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


@pytest.mark.parametrize(("said", "words"), WRONG, ids=[ascii(said)[:30] for said, _ in WRONG])
def test_what_is_no_id_is_an_error_where_a_link_is_made_and_at_the_click(
    site: Site, sent_signals: SentSignals, said: Any, words: str
) -> None:
    site.log_in(said)
    # A link without a member asks nobody, until it is followed.
    followed = [(site.link("product"), PHONE), (site.link("home"), PC)]
    words = rf"The member_loader did not return a member's id\. .*{words}"
    with pytest.raises(LinkError, match=words) as raised:
        site.link("policy")
    assert raised.value.argument == "member"
    for link, device in followed:  # neither the gateway nor a handoff
        with pytest.raises(LinkError, match=words):
            site.follow(link, device)
    assert sent_signals == []


def test_a_loader_whose_answer_nobody_awaits_is_told_what_to_register(site: Site) -> None:
    async def current_member() -> str:
        return "alice"

    site.xiebao.member_loader(lambda: current_member())
    with pytest.raises(LinkError, match="a coroutine that is never awaited"):
        site.link("policy")


@pytest.mark.parametrize("device", [PHONE, PC], ids=["phone", "pc"])
@pytest.mark.parametrize("error", [ConnectionError(), ZeroDivisionError()], ids=repr)
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_loader_that_fails_is_the_sites_error_and_never_nobody(
    make_site: MakeSite,
    sent_signals: SentSignals,
    page: str,
    error: Exception,
    device: dict[str, str],
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    url = site.link(page, member="alice", no_login_for=60)
    site.xiebao.member_loader(failing_function(error))
    response = site.follow(url, device)
    assert (response.status_code, sent_signals) == (500, [])
    assert "Location" not in response.headers
    with pytest.raises(type(error)):
        site.link("policy")


# Logging in


def user_named(name: str) -> UserMixin:
    user = UserMixin()
    user.id = name
    return user


def use_flask_login(site: Site) -> LoginManager:
    manager = LoginManager(site.app)
    manager.user_loader(user_named)
    return manager


@pytest.fixture(params=["by XIEBAO_LOGIN_VIEW", "by Flask-Login"])
def shop(make_site: MakeSite, request: pytest.FixtureRequest) -> Site:
    """A site with a login form, and members who are remembered by the session."""
    if request.param == "by Flask-Login":
        site = make_site(loader=False)
        use_flask_login(site).login_view = "login"
        add_login(site, lambda name: login_user(user_named(name)))
    else:
        site = make_site(XIEBAO_LOGIN_VIEW="login")
        site.xiebao.member_loader(lambda: session.get("member"))
        add_login(site, lambda name: session.update(member=name))
    return site


def add_login(site: Site, remember: Callable[[str], object]) -> None:
    @site.app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return "Who are you?"
        remember(request.form["member"])
        return redirect(request.args.get("next", "/page"))


@pytest.mark.parametrize(
    ("mount", "query", "platform"),
    [("", "", 2), ("/shop", "?platform=h5", 1), ("", "?platform=x", 2)],
)
@pytest.mark.parametrize(
    ("theirs", "name", "comes"),
    [
        (None, "alice", "goes as alice"),
        ("alice", "alice", "goes as alice"),
        ("alice", "bob", "403 another_member"),
    ],
)
def test_logging_in_brings_members_back_to_where_they_clicked(
    shop: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    mount: str,
    query: str,
    platform: int,
    theirs: str | None,
    name: str,
    comes: str,
) -> None:
    browser = Client(DispatcherMiddleware(NotFound(), {mount: shop.app}), TestResponse)
    url = shop.link("product", base_url=f"http://localhost{mount}", member=theirs)

    form = browser.get(url + query, headers=PC)
    assert form.status_code in (302, 303)  # by Flask
    assert urlsplit(form.location).path == f"{mount}/login"
    # Nobody is refused who is sent to log in.
    assert (sent_signals, caplog.messages) == ([], [])
    assert browser.get(form.location).text == "Who are you?"
    logged_in = browser.post(form.location, data={"member": name})
    back = browser.get(logged_in.location, headers=PC)

    assert outcome(back, sent_signals) == comes
    if name == "alice":
        assert assert_gateway_accepts(back).platform == platform


def test_flask_login_says_who_is_logged_in_unless_the_site_has_a_loader(
    make_site: MakeSite,
) -> None:
    guest = AnonymousUserMixin()
    guest.get_id = lambda: "guest"
    site = make_site(loader=False)
    use_flask_login(site).anonymous_user = lambda: guest
    add_login(site, lambda name: login_user(user_named(name)))
    site.source, site.context = "{{ policy_entry(number) }}", {"number": INSURE_NUM}
    browser = site.app.test_client()

    assert browser.get("/page").text == ""
    browser.post("/login", data={"member": "alice"})
    assert (
        assert_gateway_accepts(browser.get(find_href(browser.get("/page")), headers=PHONE)).member
        == "alice"
    )
    site.xiebao.member_loader(lambda: "7")
    assert (
        assert_gateway_accepts(browser.get(find_href(browser.get("/page")), headers=PHONE)).member
        == "7"
    )


@pytest.mark.parametrize(
    ("login_view", "handler", "status", "said"),
    [
        (None, None, 401, "请先登录"),
        (None, lambda: ("Members only", 418), 418, "Members only"),
        # The setting is nearer than what all of the site has.
        ("page", lambda: ("Members only", 418), 302, "/page?next="),
    ],
)
def test_what_a_site_with_flask_login_answers_who_is_not_logged_in(
    make_site: MakeSite,
    sent_signals: SentSignals,
    login_view: str | None,
    handler: Callable[[], Any] | None,
    status: int,
    said: str,
) -> None:
    site = make_site(loader=False, XIEBAO_LOGIN_VIEW=login_view)
    manager = use_flask_login(site)
    if handler is not None:
        manager.unauthorized_handler(handler)
    response = site.follow(site.link("product"))
    assert response.status_code == status
    assert said in response.text
    assert [name for name, _ in sent_signals] == (["refused"] if status == 401 else [])
    assert PRIVATE_HEADERS.items() <= dict(response.headers).items()


@pytest.mark.parametrize("view", ["auth.logn", "login_with_arguments"])
def test_a_login_view_that_cannot_be_built_is_named_at_the_click(
    make_site: MakeSite, view: str
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW=view)
    site.app.add_url_rule("/login/<name>", "login_with_arguments", lambda name: name)
    link = site.link("home")
    with pytest.raises(ConfigError, match=f"XIEBAO_LOGIN_VIEW is '{view}'") as raised:
        site.follow(link)
    assert list(raised.value.problems) == ["XIEBAO_LOGIN_VIEW"]
    assert link.rpartition("/")[2] not in str(raised.value)
