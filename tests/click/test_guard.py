"""The site's last word at a click: ``click_guard``, by every way that a member comes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import abort, jsonify, make_response, redirect
from werkzeug.exceptions import Forbidden
from werkzeug.local import LocalProxy
from werkzeug.test import TestResponse

from flask_xiebao import ConfigError, Entry, LinkError, Xiebao
from tests.qr import read as read_qr
from tests.support import CODE, PC, PHONE, Heard, MakeSite, Site, arrival, href, paid_url, soup

PAGES = ["product", "home", "policy"]


def told(heard: Heard, signal: str = "refused") -> list[dict[str, Any]]:
    """Return what the signals of one kind said."""
    return [values for name, values in heard if name == signal]


@pytest.fixture
def locked(site: Site) -> set[str]:
    """The members of the site that are locked."""
    members: set[str] = {"lucy"}

    @site.xiebao.click_guard
    def allowed(member: str, entry: Entry) -> bool:
        return member not in members

    return members


def is_refused(response: TestResponse) -> bool:
    """Tell whether it is the notice for whom the site did not let through."""
    assert "Location" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert "您无法打开这个链接" in str(soup(response).h1)
    return response.status_code == 403


@pytest.mark.parametrize("device", [PC, PHONE], ids=["pc", "phone"])
@pytest.mark.parametrize("page", PAGES)
def test_a_locked_member_who_is_logged_in_does_not_go(
    site: Site, heard: Heard, locked: set[str], page: str, device: dict[str, str]
) -> None:
    site.log_in("lucy")
    link = site.link(page, client_reference="order-8")
    assert is_refused(site.follow(link, device))
    [refused] = told(heard)
    assert refused.pop("entry").client_reference == "order-8"
    assert refused == {
        "status": 403,
        "reason": "not_allowed",
        "cause": "not_allowed",
        "page": page,
        "member": "lucy",
    }
    assert told(heard, "clicked") == []

    locked.clear()
    response = site.follow(link, device)
    if page == "product" or device is PHONE:
        assert arrival(response).member == "lucy"
    else:
        assert "<svg" in response.text


@pytest.mark.parametrize("page", PAGES)
def test_a_bearer_link_of_a_locked_member_does_not_go(
    site: Site, heard: Heard, locked: set[str], page: str
) -> None:
    link = site.link(page, member="lucy", no_login_for=60)
    assert is_refused(site.follow(link))
    assert [refused["member"] for refused in told(heard)] == ["lucy"]
    assert arrival(site.follow(site.link(page, member="mary", no_login_for=60)))


def test_a_qr_code_of_a_locked_member_does_not_go(
    site: Site, heard: Heard, locked: set[str]
) -> None:
    page = site.render(f'{{{{ insurance_qr("{CODE}", member="lucy", no_login_for=60) }}}}')
    assert is_refused(site.follow(read_qr(page.text)))
    assert [refused["member"] for refused in told(heard)] == ["lucy"]


def test_who_is_locked_between_the_handoff_and_the_phone_does_not_go(
    site: Site, heard: Heard, locked: set[str]
) -> None:
    locked.clear()
    site.log_in("lucy")
    handoff = site.follow(site.link("policy"), PC)
    code, direct = read_qr(handoff.text), href(handoff, "我正在用平板或手机，直接打开")
    site.log_in(None)
    assert arrival(site.follow(code)).member == "lucy"

    locked.add("lucy")
    assert is_refused(site.follow(code))
    site.log_in("lucy")
    assert is_refused(site.follow(direct, PC))


def test_the_guard_is_asked_once_a_click_and_only_of_those_who_would_go(site: Site) -> None:
    asked: list[tuple[str, Entry]] = []

    @site.xiebao.click_guard
    def allowed(member: str, entry: Entry) -> bool:
        asked.append((member, entry))
        return True

    link = site.link("product", member="lucy")
    site.follow(link)  # nobody is logged in
    site.log_in("mary")
    site.follow(link)  # somebody else is
    site.follow("/xiebao/product/nonsense")
    site.log_in("lucy")
    site.follow(link, PHONE | {"Sec-Purpose": "prefetch"})
    site.follow(link, PHONE | {"Sec-Fetch-Mode": "cors"})
    assert asked == []

    site.follow(link)
    [(member, entry)] = asked
    assert (member, entry.page, entry.reference) == ("lucy", "product", CODE)


def test_a_guard_can_tell_pages_and_products_apart(site: Site) -> None:
    @site.xiebao.click_guard
    def allowed(member: str, entry: Entry) -> bool:
        return entry.reference != CODE

    site.log_in("lucy")
    assert is_refused(site.follow(site.link("product")))
    assert arrival(site.follow(site.link("policy")))


def test_who_has_paid_comes_back_even_when_locked_since(site: Site, locked: set[str]) -> None:
    locked.clear()
    site.log_in("lucy")
    back = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    locked.add("lucy")
    assert site.follow(back).location == "/orders/8"


def test_a_refusal_is_json_for_whoever_asks_for_json(site: Site, locked: set[str]) -> None:
    site.log_in("lucy")
    response = site.follow(site.link("product"), PHONE | {"Accept": "application/json"})
    assert response.status_code == 403
    assert response.json == {"status": 403, "reason": "not_allowed"}


def test_the_notice_speaks_english_and_offers_no_login(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_LOCALE="en", XIEBAO_LOGIN_VIEW="page")
    site.xiebao.click_guard(lambda member, entry: False)
    site.log_in("lucy")
    notice = soup(site.follow(site.link("product")))
    assert "You cannot open this link" in str(notice.h1)
    assert [str(link["href"]) for link in notice.select("main a")] == ["/"]


# An answer of the site's own


def page_of_its_own() -> Any:
    return "<p>Your account is locked: call 400-800.</p>", 403


OWN: dict[str, tuple[Callable[[], Any], int, str]] = {
    "tuple": (page_of_its_own, 403, "call 400-800"),
    "tuple with headers": (lambda: ("later", 503, {"Retry-After": "60"}), 503, "later"),
    "response": (lambda: make_response("locked", 423), 423, "locked"),
    "json": (lambda: (jsonify(error="locked"), 409), 409, "locked"),
    "redirect": (lambda: redirect("/verify", 302), 302, ""),
    "abort": (lambda: abort(403, "call 400-800"), 403, "call 400-800"),
    "abort with a response": (lambda: abort(redirect("/verify", 302)), 302, ""),
}


@pytest.mark.parametrize("way", OWN)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_site_answers_with_a_page_of_its_own(
    site: Site, heard: Heard, caplog: pytest.LogCaptureFixture, way: str, is_async: bool
) -> None:
    answer, status, said = OWN[way]

    def guard(member: str, entry: Entry) -> Any:
        return answer()

    async def async_guard(member: str, entry: Entry) -> Any:
        return answer()

    site.xiebao.click_guard(async_guard if is_async else guard)
    response = site.follow(site.link("product", member="lucy", no_login_for=60))

    assert response.status_code == status
    assert said in response.text
    if status == 302:
        assert response.location == "/verify"
    if way == "tuple with headers":
        assert response.headers["Retry-After"] == "60"
    assert response.headers["Cache-Control"] == "no-store"
    [refused] = told(heard)
    assert refused["status"] == status
    assert (refused["reason"], refused["cause"]) == ("not_allowed", "not_allowed")
    assert (refused["member"], refused["entry"].reference) == ("lucy", CODE)
    assert told(heard, "clicked") == []
    lines = [record.getMessage() for record in caplog.records if record.name == "flask_xiebao"]
    assert lines == [
        f"Refused a product link: {status} not_allowed, since the click_guard did not let the"
        " member through."
    ]


def test_what_is_aborted_goes_to_the_sites_error_handler(site: Site, heard: Heard) -> None:
    @site.app.errorhandler(403)
    def forbidden(error: Forbidden) -> Any:
        return f"<p>The shop says: {error.description}</p>", 403

    site.xiebao.click_guard(lambda member, entry: abort(403, "locked"))
    site.log_in("lucy")
    response = site.follow(site.link("product"))
    assert (response.status_code, response.text) == (403, "<p>The shop says: locked</p>")
    assert [refused["status"] for refused in told(heard)] == [403]


def test_a_page_of_its_own_is_shown_on_a_pc_instead_of_the_handoff(site: Site) -> None:
    site.xiebao.click_guard(lambda member, entry: page_of_its_own())
    site.log_in("lucy")
    response = site.follow(site.link("policy"), PC)
    assert response.status_code == 403
    assert "call 400-800" in response.text
    assert "<svg" not in response.text


# What is wrong with a guard


async def never_awaited() -> bool:
    return True


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "none": (lambda: None, "None"),
    "one": (lambda: 1, "int"),
    "zero": (lambda: 0, "int"),
    "text": (lambda: "yes", "str"),
    "list": (list, "list"),
    "coroutine": (never_awaited, "coroutine"),
}


@pytest.mark.parametrize("way", WRONG)
def test_a_guard_that_says_neither_yes_nor_no_is_the_sites_error(
    make_site: MakeSite, heard: Heard, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    answer, named = WRONG[way]
    site = make_site(TESTING=False, XIEBAO_ENV="test")
    site.xiebao.click_guard(lambda member, entry: answer())
    site.log_in("lucy")
    response = site.follow(site.link("product"))
    assert response.status_code == 500
    assert "Location" not in response.headers
    assert heard == []
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert error.exc_info is not None
    message = str(error.exc_info[1])
    assert re.search(r"click_guard must return True, False or a response", message)
    assert named in message


def test_a_guard_that_fails_lets_nobody_through(make_site: MakeSite, heard: Heard) -> None:
    site = make_site(TESTING=False, XIEBAO_ENV="test")

    @site.xiebao.click_guard
    def broken(member: str, entry: Entry) -> bool:
        raise ConnectionError("the database is down")

    site.log_in("lucy")
    assert site.follow(site.link("product")).status_code == 500
    assert heard == []


@pytest.mark.parametrize("hook", ["member_loader", "click_guard", "keeps_plain_key"])
def test_what_is_no_function_is_refused_where_it_is_registered(hook: str) -> None:
    with pytest.raises(ConfigError, match=f"{hook} takes a function, not str"):
        getattr(Xiebao(), hook)("lucy")


@pytest.mark.parametrize(
    ("hook", "function", "said"),
    [
        ("member_loader", lambda request: "8", "without arguments, .*: missing .* 'request'"),
        ("click_guard", lambda member: True, "with member and entry, .*: too many positional"),
        ("click_guard", lambda: True, "with member and entry"),
        (
            "keeps_plain_key",
            lambda: True,
            "with member, and tests.click.test_guard.<lambda> does not",
        ),
    ],
)
def test_what_takes_other_arguments_is_refused_where_it_is_registered(
    hook: str, function: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"{hook} is called {said}"):
        getattr(Xiebao(), hook)(function)


class Waiting:
    """Hooks whose methods are async, an object that is called, and what takes anything."""

    async def __call__(self, *_: Any) -> bool:
        return False

    async def method(self, member: str, entry: Entry) -> bool:
        return False


async def with_more(more: str, member: str, entry: Entry) -> bool:
    return False


@pytest.mark.parametrize(
    "guard", [Waiting(), Waiting().method, functools.partial(with_more, "more")]
)
def test_a_guard_that_is_async_in_another_way_is_waited_for(site: Site, guard: Any) -> None:
    site.xiebao.click_guard(guard)
    site.log_in("lucy")
    assert is_refused(site.follow(site.link("product")))


def test_a_lazy_answer_is_what_it_stands_for(site: Site) -> None:
    site.log_in("lucy")
    site.xiebao.click_guard(lambda member, entry: LocalProxy(lambda: True))
    assert arrival(site.follow(site.link("product")))
    site.xiebao.click_guard(lambda member, entry: LocalProxy(lambda: False))
    assert is_refused(site.follow(site.link("product")))


def test_a_loader_that_nobody_awaits_is_told_to_be_registered_itself(site: Site) -> None:
    async def current_member() -> str:
        return "8"

    site.xiebao.member_loader(lambda: current_member())
    with pytest.raises(LinkError, match="a coroutine, which nobody awaits: register the async"):
        site.follow(site.link("product", member="8"))


@pytest.mark.parametrize("way", ["tuple", "redirect"])
def test_its_own_answer_is_sent_also_where_the_site_traps_exceptions(
    make_site: MakeSite, way: str
) -> None:
    answer, status, _ = OWN[way]
    site = make_site(TRAP_HTTP_EXCEPTIONS=True, XIEBAO_LOGIN_VIEW="page")
    site.xiebao.click_guard(lambda member, entry: answer())
    assert site.follow(site.link("product")).location == "/page?next=" + quote(site.link("product"))
    site.log_in("lucy")
    assert site.follow(site.link("product")).status_code == status


@pytest.mark.parametrize("hook", ["member_loader", "click_guard", "keeps_plain_key"])
def test_a_decorator_returns_the_function(hook: str) -> None:
    def function(*_: Any) -> bool:
        return True

    assert getattr(Xiebao(), hook)(function) is function


def test_an_app_with_a_guard_of_its_own_does_not_ask_that_of_another(make_site: MakeSite) -> None:
    strict, free = make_site(), make_site()
    strict.xiebao.click_guard(lambda member, entry: False)
    for site in (strict, free):
        site.log_in("lucy")
    assert strict.follow(strict.link("product")).status_code == 403
    assert free.follow(free.link("product")).status_code == 302
