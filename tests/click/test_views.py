"""A click, from the link in a page to the gateway or to a notice, and back after payment."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine
from flask import Flask, Response, redirect, request, session
from flask_login import LoginManager, UserMixin, login_user
from jinja2 import DictLoader
from werkzeug.exceptions import NotFound
from werkzeug.local import LocalProxy
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, TestResponse

from flask_xiebao import (
    Entry,
    LinkError,
    Platform,
    entry_clicked,
    entry_refused,
    payment_returned,
)
from flask_xiebao.links.tokens import LinkSigner
from flask_xiebao.testing import GatewaySimulator
from tests import qr
from tests.support import (
    CODE,
    HIDDEN,
    KEY,
    NUMBER,
    PC,
    PHONE,
    REFERENCES,
    SECRET,
    SIGN_OF_KEY,
    MakeSite,
    Site,
    arrival,
    href,
    one,
    paid_url,
    soup,
)

DAY = 24 * 60 * 60


def outcome(response: TestResponse) -> str | int:
    """Return the member who went, or the status of a refusal."""
    if response.status_code != 302:
        return response.status_code
    return f"goes as {arrival(response).member}"


def title(response: TestResponse) -> str:
    return one(response, "title").text


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(1_800_000_000, tick=False) as traveler:
        yield traveler


# Who gets in: the link's member, the session's member, no_login_for, and what happens.
WHO_GETS_IN = [
    ("product", None, None, None, 401),
    ("product", None, "alice", None, "goes as alice"),
    ("product", None, "bob", None, "goes as bob"),
    ("product", "alice", "alice", None, "goes as alice"),
    ("product", "alice", "alice", "not yet past", "goes as alice"),
    ("product", "alice", "alice", "past", "goes as alice"),
    ("product", "alice", "bob", None, 403),
    ("product", "alice", "bob", "not yet past", 403),
    ("product", "alice", "bob", "past", 403),
    ("product", "alice", None, None, 401),
    ("product", "alice", None, "not yet past", "goes as alice"),
    ("product", "alice", None, "past", 410),
    ("home", None, None, None, 401),
    ("home", None, "alice", None, "goes as alice"),
    ("home", None, "bob", None, "goes as bob"),
    ("home", "alice", "alice", None, "goes as alice"),
    ("home", "alice", "alice", "not yet past", "goes as alice"),
    ("home", "alice", "alice", "past", "goes as alice"),
    ("home", "alice", "bob", None, 403),
    ("home", "alice", "bob", "not yet past", 403),
    ("home", "alice", "bob", "past", 403),
    ("home", "alice", None, None, 401),
    ("home", "alice", None, "not yet past", "goes as alice"),
    ("home", "alice", None, "past", 410),
    ("policy", "alice", "alice", None, "goes as alice"),
    ("policy", "alice", "alice", "not yet past", "goes as alice"),
    ("policy", "alice", "alice", "past", "goes as alice"),
    ("policy", "alice", "bob", None, 403),
    ("policy", "alice", "bob", "not yet past", 403),
    ("policy", "alice", "bob", "past", 403),
    ("policy", "alice", None, None, 401),
    ("policy", "alice", None, "not yet past", "goes as alice"),
    ("policy", "alice", None, "past", 410),
]


@pytest.mark.parametrize(("page", "theirs", "session_member", "age", "expected"), WHO_GETS_IN)
def test_who_gets_in(
    site: Site,
    clock: Any,
    page: str,
    theirs: str | None,
    session_member: str | None,
    age: str | None,
    expected: str | int,
) -> None:
    url = site.link(page, member=theirs, no_login_for=age and 60)
    clock.shift(61 if age == "past" else 59)
    site.log_in(session_member)

    assert outcome(site.follow(url)) == expected


@pytest.mark.parametrize(
    ("page", "theirs", "no_login_for", "expected"),
    [
        ("product", None, None, 401),
        ("home", None, None, 401),
        ("product", "alice", 61, "goes as alice"),
        ("home", "alice", 61, "goes as alice"),
        ("policy", "alice", 61, "goes as alice"),
        ("product", "alice", 60, 410),
        ("home", "alice", 60, 410),
        ("policy", "alice", 60, 410),
    ],
)
def test_a_site_that_knows_no_members_lets_bearer_links_in_and_nobody_else(
    make_site: MakeSite,
    clock: Any,
    page: str,
    theirs: str | None,
    no_login_for: int | None,
    expected: str | int,
) -> None:
    site = make_site(loader=False)
    url = site.link(page, member=theirs, no_login_for=no_login_for)
    clock.shift(60)

    assert outcome(site.follow(url)) == expected


@pytest.mark.parametrize("page", REFERENCES)
def test_a_members_link_of_a_site_that_has_lost_its_loader_is_no_bearer_link(
    make_site: MakeSite, page: str
) -> None:
    url = make_site().link(page, member="alice")
    assert make_site(loader=False).follow(url).status_code == 401


@pytest.mark.parametrize("page", REFERENCES)
def test_the_link_of_an_entry_in_a_page_leads_to_its_page_of_the_gateway(
    site: Site, page: str
) -> None:
    site.log_in("会员 1&2+3")
    macro = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}
    rendered = site.render(f"{{{{ {macro[page]}(*references) }}}}", references=REFERENCES[page])

    verdict = arrival(site.follow(href(rendered)))

    assert (verdict.page, verdict.member) == (page, "会员 1&2+3")
    for reference in REFERENCES[page]:
        assert reference in dict(verdict.parameters).values()


def test_a_site_may_give_every_view_a_value_of_its_own(make_site: MakeSite) -> None:
    site = make_site()

    @site.app.url_value_preprocessor
    def add_tenant(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values["tenant"] = "north"

    site.log_in("7")
    click = site.follow(site.link("product", return_to="/orders/8"))
    assert arrival(click).page == "product"
    assert site.follow(paid_url(click)).location == "/orders/8"
    assert site.app.test_client().post("/xiebao/notify").status_code == 404  # nobody listens


@pytest.mark.parametrize("member", [None, "alice"])
def test_a_policy_link_without_a_member_is_no_link(site: Site, member: str | None) -> None:
    token = LinkSigner([SECRET], "12345").dumps(Entry("policy", NUMBER))
    site.log_in(member)
    assert site.follow(f"/xiebao/policy/{token}").status_code == 404


@pytest.mark.parametrize("made_for", REFERENCES)
@pytest.mark.parametrize("opened_as", REFERENCES)
def test_a_link_opens_only_the_page_that_it_was_signed_for(
    site: Site, made_for: str, opened_as: str
) -> None:
    site.log_in("alice")
    url = site.link(made_for, member="alice").replace(made_for, opened_as, 1)
    assert site.follow(url).status_code == (302 if made_for == opened_as else 404)


def test_a_return_link_is_no_entry_and_an_entry_no_return_link(site: Site) -> None:
    site.log_in("alice")
    entry = site.link("product", return_to="/orders/8")
    paid = paid_url(site.follow(entry))

    for page in REFERENCES:
        assert site.follow(paid.replace("/paid/", f"/{page}/")).status_code == 404
    assert site.follow(entry.replace("/product/", "/paid/")).status_code == 404


TAMPERINGS: dict[str, Callable[[str], str]] = {
    "first letter": lambda token: ("a" if token[0] != "a" else "b") + token[1:],
    "signature": lambda token: token.replace(".", ".a" if ".a" not in token else ".b"),
    "cut off": lambda token: token[:-4],
    "no signature": lambda token: token.partition(".")[0],
    "empty signature": lambda token: token.partition(".")[0] + ".",
    "signed twice": lambda token: token + "." + token.partition(".")[2],
    "lower case": str.lower,
    "reversed": lambda token: token[::-1],
    "a byte of nothing": lambda _: "%00",
    "no UTF-8": lambda _: "%ff.%fe",
    "Chinese": lambda _: "%E4%BF%9D.%E9%99%A9",
    "only a dot": lambda _: ".a",
    "very long": lambda token: token * 500,
}


@pytest.mark.parametrize("page", [*REFERENCES, "paid"])
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_changed_link_is_not_found_and_the_page_says_nothing_about_why(
    site: Site, page: str, tampering: str
) -> None:
    site.log_in("alice")
    if page == "paid":
        url = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    else:
        url = site.link(page, member="alice")
    head, token = url.rsplit("/", 1)

    changed = site.follow(f"{head}/{TAMPERINGS[tampering](token)}")
    nonsense = site.follow(f"{head}/nonsense")

    assert (changed.status_code, nonsense.status_code) == (404, 404)
    assert changed.text == nonsense.text


@pytest.mark.parametrize("page", REFERENCES)
def test_a_link_signed_with_another_secret_is_not_found(
    site: Site, make_site: MakeSite, page: str
) -> None:
    site.log_in("alice")
    foreign = make_site(SECRET_KEY="another secret").link(page, member="alice")
    assert site.follow(foreign).status_code == 404


# Logging in


def add_login(site: Site) -> None:
    """Give the site a login form, and members who are remembered by the session."""

    @site.app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return "Who are you?"
        session["member"] = request.form["member"]
        return redirect(request.args["next"])

    site.xiebao.member_loader(lambda: session.get("member"))


def mounted(app: Any, at: str) -> Client:
    """Return a browser of a server where the app is found at this path."""
    return Client(DispatcherMiddleware(NotFound(), {at: app}))


@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize(("query", "platform"), [("", 2), ("?platform=h5", 1), ("?platform=x", 2)])
@pytest.mark.parametrize("theirs", [None, "alice"])
def test_logging_in_brings_members_back_to_where_they_clicked(
    make_site: MakeSite, mount: str, query: str, platform: int, theirs: str | None
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")
    add_login(site)
    browser = mounted(site.app, mount)
    url = site.link("product", base_url=f"http://localhost{mount}", member=theirs)

    form = browser.get(url + query, headers=PC)
    assert form.status_code == 302
    assert urlsplit(form.location).path == f"{mount}/login"
    assert browser.get(form.location).text == "Who are you?"
    logged_in = browser.post(form.location, data={"member": "alice"})
    verdict = arrival(browser.get(logged_in.location, headers=PC))

    assert (verdict.member, verdict.platform) == ("alice", platform)


def test_logging_in_as_somebody_else_does_not_open_a_members_link(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")
    add_login(site)
    browser = site.app.test_client()

    form = browser.get(site.link("policy", member="alice"), headers=PHONE)
    back = browser.post(form.location, data={"member": "bob"})

    assert browser.get(back.location, headers=PHONE).status_code == 403


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_a_forged_host_does_not_get_into_the_way_to_the_login_and_back(
    make_site: MakeSite, header: str
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")
    add_login(site)
    url = site.link("product")

    response = site.follow(url, {**PHONE, header: "evil.example"})

    assert parse_qs(urlsplit(response.location).query)["next"] == [url]
    assert "evil.example" not in f"{response.headers}{response.text}"


@pytest.mark.parametrize("query", ["?next=https://evil.example", "?platform=//evil.example"])
def test_what_a_stranger_adds_to_a_link_does_not_come_back_from_the_login(
    make_site: MakeSite, query: str
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")
    add_login(site)
    assert "evil" not in site.follow(site.link("product") + query).location


def test_an_expired_link_offers_a_login_that_leads_back_to_it(
    make_site: MakeSite, clock: Any
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="login")
    add_login(site)
    browser = site.app.test_client()
    url = site.link("product", member="alice", no_login_for=60)
    clock.shift(60)

    notice = browser.get(url, headers=PHONE)
    assert notice.status_code == 410
    login = href(notice, "去登录")
    back = browser.post(login, data={"member": "alice"})

    assert arrival(browser.get(back.location, headers=PHONE)).member == "alice"


def use_flask_login(site: Site) -> LoginManager:
    """Let Flask-Login remember the members of the site."""
    manager = LoginManager(site.app)

    def load(member: str) -> UserMixin:
        user = UserMixin()
        user.id = member
        return user

    manager.user_loader(load)

    @site.app.post("/login")
    def login() -> Any:
        login_user(load(request.form["member"]))
        return redirect(request.args.get("next", "/"))

    return manager


@pytest.mark.parametrize("page", REFERENCES)
def test_members_of_flask_login_are_known_without_a_loader(make_site: MakeSite, page: str) -> None:
    site = make_site(loader=False)
    use_flask_login(site)
    browser = site.app.test_client()
    browser.post("/login", data={"member": "alice"})
    assert outcome(browser.get(site.link(page, member="alice"), headers=PHONE)) == "goes as alice"
    assert browser.get(site.link(page, member="bob"), headers=PHONE).status_code == 403


def test_flask_login_sends_visitors_to_its_login_and_back(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    use_flask_login(site).login_view = "login"
    browser = site.app.test_client()

    form = browser.get(site.link("product") + "?platform=h5", headers=PC)
    back = browser.post(form.location, data={"member": "alice"})
    verdict = arrival(browser.get(back.location, headers=PC))

    assert (verdict.member, verdict.platform) == ("alice", 1)


def test_xiebao_login_view_comes_before_flask_logins(make_site: MakeSite) -> None:
    site = make_site(loader=False, XIEBAO_LOGIN_VIEW="page")
    use_flask_login(site).login_view = "login"
    assert urlsplit(site.follow(site.link("product")).location).path == "/page"


def test_the_unauthorized_handler_of_a_site_answers(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    manager = use_flask_login(site)
    manager.unauthorized_handler(lambda: ("Members only", 418))

    response = site.follow(site.link("product"))

    assert (response.status_code, response.text) == (418, "Members only")
    assert HIDDEN.items() <= dict(response.headers).items()


def test_flask_login_without_a_login_view_gives_the_notice(make_site: MakeSite, heard: Any) -> None:
    site = make_site(loader=False)
    use_flask_login(site)
    response = site.follow(site.link("product"))
    assert (response.status_code, title(response)) == (401, "请先登录")
    assert [(name, told["reason"]) for name, told in heard] == [("refused", "login_required")]


# What a loader says


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, 401),
        (0, 401),
        ("", 401),
        (" \t", 401),
        (False, 401),
        (LocalProxy(lambda: None), 401),
        (7, "goes as 7"),
        (-7, "goes as -7"),
        ("007", "goes as 007"),
        ("None", "goes as None"),
        (LocalProxy(lambda: "alice"), "goes as alice"),
        (LocalProxy(lambda: 7), "goes as 7"),
        (True, 500),
        (1.0, 500),
        (b"alice", 500),
        (["alice"], 500),
        ({"id": 7}, 500),
        (("alice",), 500),
        (object(), 500),
        (LocalProxy(lambda: ["alice"]), 500),
    ],
)
def test_what_a_loader_says_is_a_member_or_nobody_or_an_error(
    make_site: MakeSite, heard: Any, said: Any, expected: str | int
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    site.xiebao.member_loader(lambda: said)

    assert outcome(site.follow(site.link("product"))) == expected
    assert ("clicked" in dict(heard)) == (expected not in (401, 500))


@pytest.mark.parametrize("device", [PHONE, PC])
@pytest.mark.parametrize("page", REFERENCES)
def test_a_loader_that_fails_is_an_error_and_never_a_click(
    make_site: MakeSite, heard: Any, page: str, device: dict[str, str]
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    url = site.link(page, member="alice", no_login_for=60)

    @site.xiebao.member_loader
    def fail() -> str:
        raise ConnectionError("the database is down")

    response = site.follow(url, device)

    assert (response.status_code, heard) == (500, [])
    assert "Location" not in response.headers


# Which platform

APP_ON_IPHONE = {"User-Agent": PHONE["User-Agent"] + " ShopApp/3.1"}
APP_ON_ANDROID = {"User-Agent": "Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1"}


@pytest.mark.parametrize(
    ("theirs", "query", "device", "expected"),
    [
        (None, "", PHONE, Platform.H5),
        (None, "", PC, Platform.PC),
        (None, "", APP_ON_IPHONE, Platform.IOS),
        (None, "", APP_ON_ANDROID, Platform.ANDROID),
        (None, "?platform=h5", PC, Platform.H5),
        (None, "?platform=pc", PHONE, Platform.PC),
        (None, "?platform=ios", PC, Platform.IOS),
        (None, "?platform=android", PC, Platform.ANDROID),
        (None, "?platform=h5", APP_ON_IPHONE, Platform.H5),
        (None, "?platform=", PC, Platform.PC),
        (None, "?platform=1", PC, Platform.PC),
        (None, "?platform=windows", PHONE, Platform.H5),
        (None, "?platform=PC", PHONE, Platform.H5),
        (None, "?platform=%00", PHONE, Platform.H5),
        (None, "?platform=nonsense&platform=ios", PHONE, Platform.H5),
        (Platform.IOS, "?platform=android", PC, Platform.IOS),
        ("android", "", PHONE, Platform.ANDROID),
        ("h5", "?platform=pc", PC, Platform.H5),
        ("pc", "", PHONE, Platform.PC),
    ],
)
def test_the_links_platform_counts_then_the_one_asked_for_then_the_device(
    make_site: MakeSite,
    theirs: Any,
    query: str,
    device: dict[str, str],
    expected: Platform,
) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    response = site.follow(site.link("product", platform=theirs) + query, device)
    assert arrival(response).platform == expected


@pytest.mark.parametrize("device", [APP_ON_IPHONE, APP_ON_ANDROID])
def test_an_app_that_the_site_did_not_name_is_a_phone(site: Site, device: dict[str, str]) -> None:
    site.log_in("alice")
    assert arrival(site.follow(site.link("home"), device)).platform == Platform.H5


@pytest.mark.parametrize("platform", [Platform.PC, "pc", "PC", 2])
@pytest.mark.parametrize("page", ["home", "policy"])
def test_a_link_to_the_pc_edition_of_a_page_without_one_is_refused(
    site: Site, page: str, platform: Any
) -> None:
    with pytest.raises(LinkError, match="platform"):
        site.link(page, member="alice", platform=platform)


# From a PC to a phone


@pytest.mark.parametrize("page", ["home", "policy"])
def test_a_pc_shows_a_code_by_which_a_phone_goes_on_as_the_same_member(
    site: Site, heard: Any, page: str
) -> None:
    site.log_in("alice")
    shown = site.follow(site.link(page, return_to="/orders/8"), PC)
    assert (shown.status_code, heard) == (200, [])

    site.log_in(None)
    click = site.follow(qr.read(shown.text), PHONE)

    verdict = arrival(click)
    assert (verdict.page, verdict.member, verdict.platform) == (page, "alice", Platform.H5)
    assert site.follow(paid_url(click)).location == "/orders/8"


def test_a_handoff_keeps_the_sub_partner_of_the_link(site: Site) -> None:
    site.log_in("alice")
    shown = site.follow(site.link("home", sub_partner_id="branch-7"), PC)
    verdict = arrival(site.follow(qr.read(shown.text), PHONE))
    assert dict(verdict.parameters)["subPartnerId"] == "branch-7"


@pytest.mark.parametrize("page", ["home", "policy"])
@pytest.mark.parametrize("query", ["", "?platform=pc"])
def test_a_tablet_that_looks_like_a_pc_opens_the_page_by_the_direct_link(
    site: Site, page: str, query: str
) -> None:
    site.log_in("alice")
    shown = site.follow(site.link(page, member="alice") + query, PC)
    direct = href(shown, "我正在用平板或手机，直接打开")
    assert direct.endswith("?platform=h5")
    assert arrival(site.follow(direct, PC)).platform == Platform.H5


def test_a_pc_gets_a_new_code_when_the_old_one_has_ended(site: Site, clock: Any) -> None:
    site.log_in("alice")
    shown = site.follow(site.link("home"), PC)
    clock.shift(1000)
    refresh = href(shown, "换一个新的二维码")
    shown_again = site.follow(refresh, PC)
    site.log_in(None)

    assert site.follow(qr.read(shown.text)).status_code == 410
    assert outcome(site.follow(qr.read(shown_again.text))) == "goes as alice"


@pytest.mark.parametrize(
    ("config", "lifetime", "said"),
    [({}, 300, "5 分钟"), ({"XIEBAO_HANDOFF_MAX_AGE": 90}, 90, "90 秒")],
)
def test_a_code_lives_as_long_as_the_page_says(
    make_site: MakeSite, clock: Any, config: dict[str, Any], lifetime: int, said: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    shown = site.follow(site.link("home"), PC)
    site.log_in(None)
    url = qr.read(shown.text)

    clock.shift(lifetime - 1)
    assert outcome(site.follow(url)) == "goes as alice"
    clock.shift(1)
    assert site.follow(url).status_code == 410
    assert said in shown.text


def test_a_chain_of_handoffs_ends_when_the_first_bearer_link_does(site: Site, clock: Any) -> None:
    url = site.link("home", member="alice", no_login_for=100)
    for _ in range(3):
        clock.shift(33)
        url = qr.read(site.follow(url, PC).text)
    assert outcome(site.follow(url, PHONE)) == "goes as alice"  # after 99 seconds

    clock.shift(1)
    assert site.follow(url, PHONE).status_code == 410
    assert site.follow(url, PC).status_code == 410


def test_the_code_of_a_long_lived_bearer_link_lives_no_longer_than_others(
    site: Site, clock: Any
) -> None:
    code = qr.read(site.follow(site.link("home", member="alice", no_login_for=DAY), PC).text)
    clock.shift(300)
    assert site.follow(code).status_code == 410


def test_the_code_of_one_member_does_not_open_on_the_phone_of_another(
    site: Site,
) -> None:
    site.log_in("alice")
    code = qr.read(site.follow(site.link("home"), PC).text)
    site.log_in("bob")
    assert site.follow(code).status_code == 403


@pytest.mark.parametrize("page", ["home", "policy"])
def test_a_handoff_works_on_a_host_that_nobody_vouched_for(make_site: MakeSite, page: str) -> None:
    site = make_site(TESTING=False, XIEBAO_ENV="test")
    site.log_in("alice")
    url = site.link(page, member="alice")
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        site.link(page, member="alice", no_login_for=60, external=True)

    shown = site.follow(url, {**PC, "Host": "shop.example"})

    assert shown.status_code == 200
    assert qr.read(shown.text).startswith("http://shop.example/xiebao/")


def test_a_code_leads_to_the_public_address_of_the_site(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example/m")
    site.log_in("alice")
    shown = site.follow(site.link("home"), {**PC, "Host": "evil.example"})
    assert qr.read(shown.text).startswith("https://shop.example/m/xiebao/home/")
    assert "evil.example" not in shown.text


def test_a_return_path_that_no_code_can_hold_is_refused_early_or_does_without_a_code(
    make_site: MakeSite,
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    site.log_in("alice")
    try:
        url = site.link("home", return_to="/" + "a" * 4000)
    except LinkError:
        return
    assert site.follow(url, PC).status_code == 200


def test_a_site_that_knows_no_members_hands_bearer_links_over(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    shown = site.follow(site.link("home", member="alice", no_login_for=60), PC)
    assert outcome(site.follow(qr.read(shown.text))) == "goes as alice"


@pytest.mark.parametrize(
    ("config", "lang", "heading"),
    [
        ({}, "zh-CN", {"home": "用手机打开保险商城", "policy": "用手机查看保单"}),
        (
            {"XIEBAO_LOCALE": "en"},
            "en",
            {
                "home": "Open the insurance shop on your phone",
                "policy": "View your policy on your phone",
            },
        ),
    ],
)
@pytest.mark.parametrize("page", ["home", "policy"])
def test_the_handoff_page_speaks_the_language_of_the_site(
    make_site: MakeSite, config: dict[str, Any], lang: str, heading: dict[str, str], page: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    shown = site.follow(site.link(page, member="alice"), PC)
    assert (one(shown, "html")["lang"], title(shown)) == (lang, heading[page])
    assert one(shown, "h1").text == heading[page]


# Going


@pytest.mark.parametrize("page", REFERENCES)
def test_a_click_is_a_redirect_without_a_page(site: Site, page: str) -> None:
    site.log_in("alice")
    response = site.follow(site.link(page, member="alice"))
    assert arrival(response).page == page
    assert response.location.startswith("https://testapi.xiebao18.com/dispatch/cps")
    assert response.data == b""


@pytest.mark.parametrize(
    ("config", "options", "expected"),
    [
        ({}, {}, ""),
        ({"XIEBAO_SUB_PARTNER_ID": "branch-1"}, {}, "branch-1"),
        ({"XIEBAO_SUB_PARTNER_ID": "branch-1"}, {"sub_partner_id": "branch-2"}, "branch-2"),
        ({"XIEBAO_SUB_PARTNER_ID": "branch-1"}, {"sub_partner_id": ""}, ""),
    ],
)
@pytest.mark.parametrize("page", ["product", "home"])
def test_the_links_sub_partner_counts_before_the_sites(
    make_site: MakeSite, page: str, config: dict[str, str], options: dict[str, str], expected: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    verdict = arrival(site.follow(site.link(page, **options)))
    assert dict(verdict.parameters)["subPartnerId"] == expected


def test_its_pages_are_html_where_responses_of_the_site_are_json(site: Site) -> None:
    class Json(Response):
        default_mimetype = "application/json"

    site.app.response_class = Json
    for link in (site.link("home"), "/xiebao/home/nonsense"):
        site.log_in("alice")
        assert site.follow(link, PC).mimetype == "text/html"


RETURN_PATHS = ["/orders/8", "/orders/8?from=a&to=b%20c#done", "/订单?名=保险", "/", "/a//b"]


@pytest.mark.parametrize("return_to", RETURN_PATHS)
@pytest.mark.parametrize("page", REFERENCES)
def test_a_payment_comes_back_to_where_the_link_said(site: Site, page: str, return_to: str) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link(page, member="alice", return_to=return_to)))
    assert paid.startswith("http://localhost/xiebao/paid/")

    back = site.follow(paid)

    assert (back.status_code, unquote(back.location)) == (302, unquote(return_to))
    assert back.data == b""


@pytest.mark.parametrize("page", REFERENCES)
def test_a_link_that_says_no_return_path_sends_no_pay_success(site: Site, page: str) -> None:
    site.log_in("alice")
    verdict = arrival(site.follow(site.link(page, member="alice")))
    assert "paySuccess" not in dict(verdict.parameters)


@pytest.mark.parametrize(
    ("later", "same_session"), [("alice", True), ("bob", False), (None, False), (" ", False)]
)
def test_a_return_tells_which_click_it_belongs_to_and_whose_session_it_is(
    site: Site, heard: Any, later: str | None, same_session: bool
) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    site.log_in(later)
    assert site.follow(paid).location == "/orders/8"

    (_, clicked), (name, returned) = heard
    assert name == "returned"
    assert returned == {
        "entry": Entry("product", CODE, return_to="/orders/8"),
        "member": "alice",
        "click_id": clicked["click_id"],
        "same_session": same_session,
    }


@pytest.mark.parametrize(
    ("method", "after", "times"),
    [
        ("GET", 0, 1),
        ("GET", DAY - 1, 1),
        ("GET", DAY + 1, 0),
        ("GET", 400 * DAY, 0),
        ("HEAD", 0, 0),
    ],
)
def test_a_return_is_reported_for_a_day_and_redirects_for_ever(
    site: Site, heard: Any, clock: Any, method: str, after: int, times: int
) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    clock.shift(after)
    assert site.follow(paid, method=method).location == "/orders/8"
    assert [name for name, _ in heard].count("returned") == times


def test_a_return_can_be_reported_again(site: Site, heard: Any) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    site.follow(paid)
    site.follow(paid)
    assert [name for name, _ in heard] == ["clicked", "returned", "returned"]


@pytest.mark.parametrize("page", REFERENCES)
def test_a_site_that_switched_insurance_off_still_takes_payments_back(
    make_site: MakeSite, heard: Any, page: str
) -> None:
    before, off = make_site(), make_site(XIEBAO_ENABLED=False)
    for each in before, off:
        each.log_in("alice")
    entry = before.link(page, member="alice", return_to="/orders/8")
    paid = paid_url(before.follow(entry))

    assert off.follow(entry).status_code == 404
    assert off.follow(paid).location == "/orders/8"
    assert [name for name, _ in heard] == ["clicked", "refused", "returned"]


# Signals


def test_a_click_is_told_before_the_redirect(site: Site, heard: Any) -> None:
    site.log_in("alice")
    options: dict[str, Any] = {"sub_partner_id": "branch-7", "return_to": "/orders/8"}
    arrival(site.follow(site.link("product", **options), PC))
    arrival(site.follow(site.link("home", member="alice", no_login_for=60)))

    [(_, first), (_, second)] = heard
    assert first.pop("click_id") != second.pop("click_id")
    assert first == {
        "entry": Entry("product", CODE, **options),
        "member": "alice",
        "platform": Platform.PC,
    }
    assert second == {
        "entry": Entry("home", member="alice", no_login_for=60),
        "member": "alice",
        "platform": Platform.H5,
    }


def test_the_sender_of_a_signal_is_the_app(make_site: MakeSite) -> None:
    here, elsewhere = make_site(), make_site()
    senders = []

    def receive(sender: Flask, **_: Any) -> None:
        senders.append(sender)

    with entry_clicked.connected_to(receive, sender=here.app):
        for site in here, elsewhere:
            site.log_in("alice")
            arrival(site.follow(site.link("product")))
    assert senders == [here.app]


def test_head_asks_where_a_link_leads_and_is_no_click(site: Site, heard: Any) -> None:
    site.log_in("alice")
    assert arrival(site.follow(site.link("product"), method="HEAD")).member == "alice"
    assert heard == []


def test_a_receiver_that_fails_in_service_is_logged_and_stops_nobody(
    make_site: MakeSite, heard: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(XIEBAO_STRICT=False)

    def fail(_app: Flask, **_: Any) -> None:
        raise ConnectionError("statistics are down")

    site.log_in("alice")
    with (
        entry_clicked.connected_to(fail),
        entry_refused.connected_to(fail),
        payment_returned.connected_to(fail),
    ):
        paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
        assert site.follow(paid).location == "/orders/8"
        assert site.follow("/xiebao/product/nonsense").status_code == 404

    assert [name for name, _ in heard] == ["clicked", "returned", "refused"]
    assert [each.levelname for each in caplog.records if each.levelname != "INFO"] == ["ERROR"] * 3
    reasons = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert reasons == ["statistics are down"] * 3


@pytest.mark.parametrize("page", REFERENCES)
@pytest.mark.parametrize(
    ("theirs", "age", "visitor", "status", "reason"),
    [
        ("alice", None, None, 401, "login_required"),
        ("alice", None, "bob", 403, "another_member"),
        ("alice", 60, None, 410, "expired"),
    ],
)
def test_a_refusal_is_told_with_its_reason(
    site: Site,
    heard: Any,
    clock: Any,
    page: str,
    theirs: str,
    age: int | None,
    visitor: str | None,
    status: int,
    reason: str,
) -> None:
    url = site.link(page, member=theirs, no_login_for=age)
    clock.shift(60)
    site.log_in(visitor)
    assert site.follow(url).status_code == status
    [(name, told)] = heard
    assert name == "refused"
    assert (told["status"], told["reason"]) == (status, reason)


@pytest.mark.parametrize("page", [*REFERENCES, "paid"])
def test_a_link_that_does_not_verify_is_told_as_one_reason(
    site: Site, heard: Any, page: str
) -> None:
    site.follow(f"/xiebao/{page}/nonsense")
    [(name, told)] = heard
    assert name == "refused"
    assert (told["status"], told["reason"]) == (404, "invalid_link")


def test_a_login_is_no_refusal(make_site: MakeSite, heard: Any) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    assert site.follow(site.link("product")).status_code == 302
    assert heard == []


PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Sec-Purpose": "prefetch;anonymous-client-ip"},
    {"Purpose": "prefetch"},
    {"Purpose": "Prefetch"},
]


@pytest.mark.parametrize("prefetch", PREFETCHES, ids=repr)
@pytest.mark.parametrize("page", REFERENCES)
def test_a_prefetch_is_no_click(
    site: Site, heard: Any, page: str, prefetch: dict[str, str]
) -> None:
    site.log_in("alice")
    url = site.link(page, member="alice")

    response = site.follow(url, {**PHONE, **prefetch})

    assert (response.status_code, heard) == (503, [])
    assert "Location" not in response.headers
    assert arrival(site.follow(url)).member == "alice"


def test_a_prefetch_sends_nobody_to_the_login(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    response = site.follow(site.link("product"), {**PHONE, "Sec-Purpose": "prefetch"})
    assert response.status_code == 503
    assert "Location" not in response.headers


# What every answer has in common


def answers(make_site: MakeSite, **config: Any) -> Iterator[tuple[str, TestResponse]]:
    """Return every kind of answer that the endpoints give, with what it is."""
    site = make_site(PROPAGATE_EXCEPTIONS=False, XIEBAO_STRICT=False, **config)
    site.log_in("alice")
    own = {page: site.link(page, member="alice", return_to="/orders/8") for page in REFERENCES}
    yield from ((f"{page} 302", site.follow(own[page])) for page in REFERENCES)
    yield from ((f"{page} 200", site.follow(own[page], PC)) for page in ("home", "policy"))
    yield from (
        (f"{page} 503", site.follow(own[page], {"Purpose": "prefetch"})) for page in REFERENCES
    )
    yield from (
        (f"{page} 200", site.follow(own[page], {**PHONE, "HX-Request": "true"}))
        for page in REFERENCES
    )
    yield from ((f"{page} 200", site.follow(own[page], method="OPTIONS")) for page in REFERENCES)
    yield from (
        (f"{page} 405", site.follow(f"/xiebao/{page}/x", method="POST"))
        for page in (*REFERENCES, "paid")
    )
    yield from ((f"{path} 404", site.follow(f"/xiebao/{path}")) for path in ("paid/", "product"))
    site.log_in("bob")
    yield from ((f"{page} 403", site.follow(own[page])) for page in REFERENCES)
    yield from ((f"{page} 404", site.follow(f"/xiebao/{page}/x")) for page in (*REFERENCES, "paid"))
    site.log_in(None)
    yield from ((f"{page} 401", site.follow(own[page])) for page in REFERENCES)
    with time_machine.travel(1_000_000_000):
        old = [(page, site.link(page, member="alice", no_login_for=1)) for page in REFERENCES]
    yield from ((f"{page} 410", site.follow(url)) for page, url in old)
    site.log_in("alice")

    def fail(_app: Flask, **_: Any) -> None:
        raise ConnectionError("statistics are down")

    with entry_clicked.connected_to(fail):
        clicked = site.follow(own["product"])
    yield "product 302", clicked
    key = config.get("XIEBAO_API_KEY", "Key")
    yield "paid 302", site.follow(paid_url(clicked, key))
    site.log_in(["no member"])
    yield from ((f"{page} 500", site.follow(own[page])) for page in REFERENCES)
    site.log_in("two\nlines")
    yield "product 500", site.follow(site.link("product"))
    with_login = make_site(XIEBAO_LOGIN_VIEW="page", **config)
    yield "product 302", with_login.follow(own["product"])
    off = make_site(XIEBAO_ENABLED=False, **config)
    yield from ((f"{page} 404", off.follow(own[page])) for page in REFERENCES)


def test_no_answer_is_cached_indexed_or_named_to_other_sites(make_site: MakeSite) -> None:
    seen = set()
    for what, response in answers(make_site):
        seen.add(response.status_code)
        assert what.endswith(str(response.status_code))
        for name, value in HIDDEN.items():
            assert response.headers.getlist(name) == [value], f"{name} of {what}"
        if response.location is None:
            assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], what
            policies = response.headers.getlist("Content-Security-Policy")
            assert policies == ["frame-ancestors 'self'"], what
    assert seen == {200, 302, 401, 403, 404, 405, 410, 500, 503}


def test_the_style_sheet_can_be_cached_and_has_none_of_these_headers(site: Site) -> None:
    with site.follow("/xiebao/static/xiebao.css") as response:
        assert (response.status_code, response.mimetype) == (200, "text/css")
        assert "no-store" not in response.headers["Cache-Control"]
        assert not {"Referrer-Policy", "X-Robots-Tag"} & set(response.headers.keys())


def test_other_pages_of_the_site_have_none_of_these_headers(site: Site) -> None:
    response = site.render("<p>the site's own page</p>")
    assert not set(HIDDEN) & set(response.headers.keys())


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_key_and_sign_are_in_no_page_log_or_signal(
    make_site: MakeSite, heard: Any, caplog: pytest.LogCaptureFixture, locale: str
) -> None:
    caplog.set_level(logging.DEBUG)
    redirects = 0
    for _, response in list(answers(make_site, XIEBAO_API_KEY=KEY, XIEBAO_LOCALE=locale)):
        redirects += SIGN_OF_KEY in response.headers.pop("Location", "")
        told = f"{response.headers}{response.text}"
        assert KEY not in told
        assert SIGN_OF_KEY not in told
    assert redirects == 4  # the three pages, and the one whose receiver failed

    assert len(caplog.records) >= 5
    assert {name for name, _ in heard} == {"clicked", "refused", "returned"}
    for told in (caplog.text, repr(heard)):
        assert KEY not in told
        assert SIGN_OF_KEY not in told
        assert "xiebao18.com" not in told


@pytest.mark.parametrize("member", ["two\nlines", ["no member"], True])
def test_key_and_sign_are_in_no_error_report_with_local_variables(
    make_site: MakeSite, member: object
) -> None:
    site = make_site(XIEBAO_API_KEY=KEY)
    site.log_in(member)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - any report is looked at
        site.follow(site.link("product", return_to="/orders/8"))

    frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    report = "".join(frames.format())
    assert "flask_xiebao/views/click.py" in report
    assert KEY not in report
    assert SIGN_OF_KEY not in report


# Where the site is


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("https://A.Example:443/x", "https://a.example:443/x/dispatch/cps?"),
        ('https://a.example/"{x}', "https://a.example/%22%7Bx%7D/dispatch/cps?"),
        ("https://a.example/%25/%41", "https://a.example/%25/%41/dispatch/cps?"),
    ],
)
def test_a_redirect_names_the_gateway_as_a_uri(
    make_site: MakeSite, base_url: str, start: str
) -> None:
    site = make_site(XIEBAO_BASE_URL=base_url)
    site.log_in("alice")
    response = site.follow(site.link("product"))
    assert (response.location or "").startswith(start)


@pytest.mark.parametrize("mount", ["", "/shop"])
@pytest.mark.parametrize("page", REFERENCES)
def test_a_gateway_that_is_a_path_of_the_site_is_found_wherever_the_site_is(
    make_site: MakeSite, page: str, mount: str
) -> None:
    site = make_site(XIEBAO_BASE_URL="/gateway")
    site.app.register_blueprint(GatewaySimulator("12345", "Key").blueprint, url_prefix="/gateway")
    site.log_in("alice")
    browser = mounted(site.app, mount)
    url = site.link(page, base_url=f"http://localhost{mount}", member="alice", return_to="/done")

    response = browser.get(url, headers=PHONE)
    assert response.location.startswith(f"{mount}/gateway/dispatch/cps")
    verdict = browser.get(response.location, headers={"Accept": "application/json"})

    assert verdict.status_code == 200
    said = verdict.get_json()
    assert (said["accepted"], said["page"]) == (True, page)
    paid = browser.get(said["pay_success"])
    assert (paid.status_code, paid.location) == (302, "/done")


def test_a_payment_comes_back_to_the_public_address_of_the_site(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example/m")
    site.log_in("alice")
    url = site.link("product", return_to="/m/orders/8")
    paid = paid_url(site.follow(url, {**PHONE, "Host": "evil.example"}))

    assert paid.startswith("https://shop.example/m/xiebao/paid/")
    assert mounted(site.app, "/m").get(paid).location == "/m/orders/8"


def test_behind_a_proxy_a_payment_comes_back_to_the_proxy(make_site: MakeSite) -> None:
    site = make_site()
    proxy = ProxyFix(site.app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)
    site.app.wsgi_app = proxy  # type: ignore[method-assign]
    site.log_in("alice")
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/m",
    }
    response = site.follow(site.link("home", return_to="/m/"), {**PHONE, **forwarded})
    assert paid_url(response).startswith("https://shop.example/m/xiebao/paid/")


def test_the_endpoints_are_where_the_site_puts_them(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_URL_PREFIX="/insurance/x")
    site.log_in("alice")
    url = site.link("product", return_to="/")
    assert url.startswith("/insurance/x/product/")
    assert "/insurance/x/paid/" in paid_url(site.follow(url))


# Notices

TITLES = [
    (401, "请先登录", "Please sign in"),
    (403, "这个链接属于另一位会员", "This link belongs to another member"),
    (404, "链接无效", "This link does not work"),
    (410, "链接已过期", "This link has expired"),
]
REASONS = {401: "login_required", 403: "another_member", 404: "invalid_link", 410: "expired"}


def refusal(site: Site, status: int, **headers: str) -> TestResponse:
    """Return the answer to a click that gets this status."""
    if status == 404:
        return site.follow("/xiebao/product/nonsense", headers)
    with time_machine.travel(1_000_000_000):
        url = site.link("product", member="alice", no_login_for=60 if status == 410 else None)
    site.log_in("bob" if status == 403 else None)
    return site.follow(url, headers)


@pytest.mark.parametrize(("status", "chinese", "english"), TITLES)
@pytest.mark.parametrize("locale", [None, "zh", "en"])
def test_a_notice_speaks_the_language_of_the_site(
    make_site: MakeSite, locale: str | None, status: int, chinese: str, english: str
) -> None:
    response = refusal(make_site(XIEBAO_LOCALE=locale), status)

    assert response.status_code == status
    assert response.mimetype == "text/html"
    expected = ("en", english) if locale == "en" else ("zh-CN", chinese)
    assert (one(response, "html")["lang"], title(response)) == expected
    assert one(response, "h1").text == title(response)


@pytest.mark.parametrize("mount", ["", "/shop"])
def test_a_notice_leads_back_to_the_start_of_the_site(site: Site, mount: str) -> None:
    response = mounted(site.app, mount).get(f"{mount}/xiebao/product/nonsense")
    assert href(response, "返回网站首页") == f"{mount}/"


@pytest.mark.parametrize("status", REASONS)
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*"])
def test_a_program_that_asks_for_json_gets_json(site: Site, status: int, accept: str) -> None:
    response = refusal(site, status, Accept=accept)
    assert response.status_code == status
    assert response.json == {"status": status, "reason": REASONS[status]}


@pytest.mark.parametrize(
    "accept",
    ["*/*", "text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ""],
)
def test_browsers_get_a_page(site: Site, accept: str) -> None:
    assert refusal(site, 404, Accept=accept).mimetype == "text/html"


@pytest.mark.parametrize(("template", "device"), [("notice", PHONE), ("handoff", PC)])
def test_a_site_replaces_a_page_by_a_template_of_the_same_name(
    site: Site, template: str, device: dict[str, str]
) -> None:
    own = {f"xiebao/{template}.html": "The shop's own page, {{ status or page }}"}
    site.app.jinja_loader = DictLoader(own)
    site.log_in("alice" if template == "handoff" else None)
    response = site.follow(site.link("home"), device)
    assert response.text in ("The shop's own page, 401", "The shop's own page, home")
    assert HIDDEN.items() <= dict(response.headers).items()


def test_a_site_puts_its_header_around_notices_and_handoff(site: Site) -> None:
    own = (
        '{% extends "xiebao/default/layout.html" %}'
        "{% block header %}<header>The shop</header>{% endblock %}"
    )
    site.app.jinja_loader = DictLoader({"xiebao/layout.html": own})
    site.log_in("alice")
    for url, headers in ((site.link("home"), PC), ("/xiebao/home/nonsense", PHONE)):
        assert "<header>The shop</header>" in site.follow(url, headers).text


def test_pages_work_without_inline_scripts_and_styles(make_site: MakeSite) -> None:
    for what, response in answers(make_site):
        assert not soup(response).select("script:not([src]), style"), what
        for tag in soup(response).select("*"):
            assert not [name for name in tag.attrs if name == "style" or name.startswith("on")]


def test_a_site_fills_one_block_of_a_notice(site: Site) -> None:
    own = (
        '{% extends "xiebao/default/notice.html" %}'
        "{% block message %}<p>Call 400-000-0000</p>{% endblock %}"
    )
    site.app.jinja_loader = DictLoader({"xiebao/notice.html": own})
    page = site.follow("/xiebao/home/nonsense", PHONE)
    assert one(page, "h1").text == "链接无效"
    assert soup(page).select("p")[0].text == "Call 400-000-0000"


def test_a_payer_comes_back_although_the_loader_fails(
    site: Site, heard: Any, caplog: pytest.LogCaptureFixture
) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    site.log_in(["no", "member"])
    assert site.follow(paid).location == "/orders/8"
    assert heard[-1][0] == "returned"
    assert heard[-1][1]["same_session"] is False
    assert "member_loader failed" in caplog.text


def test_a_prefetch_of_the_way_back_reports_no_payment(site: Site, heard: Any) -> None:
    site.log_in("alice")
    paid = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    response = site.follow(paid, {**PHONE, "Sec-Purpose": "prefetch"})
    assert response.status_code == 503
    assert "Location" not in response.headers
    assert [name for name, _ in heard] == ["clicked"]


@pytest.mark.parametrize(
    ("config", "base_url", "comes_back"),
    [
        ({}, "https://evil.example", None),
        ({}, "http://localhost:5000", "http://localhost:5000"),
        ({}, "http://127.0.0.1", "http://127.0.0.1"),
        ({}, "http://[::1]:5000", "http://[::1]:5000"),
        ({}, "http://localhost.evil.example", None),
        (
            {"XIEBAO_PUBLIC_URL": "https://shop.example"},
            "https://evil.example",
            "https://shop.example",
        ),
        ({"TESTING": True}, "https://staging.example", "https://staging.example"),
    ],
)
def test_in_service_no_payment_comes_back_by_a_host_nobody_vouched_for(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    base_url: str,
    comes_back: str | None,
) -> None:
    site = make_site(**{"TESTING": False, "XIEBAO_ENV": "test", **config})
    site.log_in("alice")
    url = site.link("product", return_to="/orders/8")
    click = site.follow(url, base_url=base_url)
    if comes_back is None:
        assert arrival(click).pay_success is None
        assert "without a way back" in caplog.text
    else:
        assert paid_url(click).startswith(f"{comes_back}/xiebao/paid/")


def test_redirects_share_nothing(site: Site) -> None:
    @site.app.after_request
    def remember(response: Response) -> Response:
        if "X-Name" in request.headers:
            response.set_cookie("name", "value")
        return response

    site.log_in("alice")
    url = site.link("product")
    first = site.follow(url)
    with_cookie = site.follow(url, {**PHONE, "X-Name": "value"})
    last = site.follow(url)
    assert with_cookie.headers.getlist("Set-Cookie") != []
    for other in (first, last):
        assert arrival(other).member == "alice"
        assert other.headers.getlist("Set-Cookie") == []


@pytest.mark.parametrize("page", [*REFERENCES, "paid"])
def test_slashes_too_many_are_no_redirect_with_the_link(site: Site, page: str) -> None:
    response = site.follow(f"/xiebao//{page}/token", {**PHONE, "Host": "evil.example"})
    assert response.status_code == 404
    assert "Location" not in response.headers
