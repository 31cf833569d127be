"""Who is refused, and what is said of it: to the visitor, in the log and by ``entry_refused``.

What is new here is a row: of ``CASES``, a link that is refused; of ``CAUSES``, what is said of it;
of ``TITLES`` and ``NOTICES``, what visitors read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import time_machine
from flask_login import LoginManager
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from flask_xiebao import Entry
from flask_xiebao.links.access_rules import REFUSALS
from flask_xiebao.links.tokens import TokenSigner
from tests.support import (
    INSURE_NUM,
    LINK_ARGUMENTS,
    MEMBER_SECRET,
    NOW,
    PHONE,
    PRODUCT_CODE,
    SECRET_KEY,
    SIGN,
    MakeSite,
    SentSignals,
    Site,
    find_element,
    find_href,
    find_leaks,
    get_return_link,
    make_site,
)

#: The status, the reason that a visitor may know, and what the log says, of each cause.
CAUSES = {
    "disabled": (404, "disabled", "XIEBAO_ENABLED is off."),
    "malformed": (
        404,
        "invalid_link",
        "the link was not made by this site, or a part of the link is missing",
    ),
    "changed": (404, "invalid_link", "the link was changed or cut off after it was signed"),
    "unknown_key": (
        404,
        "invalid_link",
        "the link was signed with an unknown key, which was removed from SECRET_KEY_FALLBACKS or"
        " belongs to another site or partner account",
    ),
    "another_page": (
        404,
        "invalid_link",
        "the link is for another page or is a return link",
    ),
    "no_member": (
        404,
        "invalid_link",
        "the page belongs to one member, but the link has no member",
    ),
    "login_required": (
        401,
        "login_required",
        "the visitor is not logged in and the site has no login page to redirect to. Set XIEBAO_LO",
    ),
    "another_member": (
        403,
        "another_member",
        "the link belongs to a member other than the one who is logged in",
    ),
    "expired": (410, "expired", "the time in which the link needs no login"),
    "not_allowed": (403, "not_allowed", "the click_guard refused the member"),
}


@dataclass(frozen=True)
class Case:
    """A link that alice gets, and that somebody follows a minute later.

    :ivar cause: why it is refused.
    :ivar page: to which the link is, or ``paid`` for the way back from a payment.
    :ivar change: what becomes of its path.
    :ivar visitor: who is logged in then; lucy is locked.
    :ivar options: with which the link is made.
    :ivar settings: of the site by then.
    :ivar reference: of the entry that the signal has, if it has one.
    :ivar member: whom the signal names.
    """

    cause: str
    page: str = "product"
    change: Callable[[str], str] = str
    visitor: str | None = "alice"
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None
    member: str | None = None


def with_token(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return what makes this of the token in a path."""
    return lambda path: re.sub("[^/]+$", lambda token: change(token[0]), path)


def opened_as(page: str) -> Callable[[str], str]:
    """Return what has a path lead to another page, with the same token."""
    return lambda path: f"/xiebao/{page}/{path.rpartition('/')[2]}"


# The extension makes no such link, so it is signed here.
NOBODYS_POLICY = TokenSigner([SECRET_KEY], "12345").build_entry_token(Entry("policy", INSURE_NUM))
#: What becomes of a token, and how much of that can be told.
SPOILT: dict[str, tuple[str, Callable[[str], str]]] = {
    "a word": ("malformed", lambda _: "nonsense"),
    "cut off": ("changed", lambda token: token[:-4]),
    "no signature": ("malformed", lambda token: token.partition(".")[0]),
    "an empty signature": ("malformed", lambda token: token.partition(".")[0] + "."),
    "another signature": ("changed", lambda token: token[:-9] + "AAAAAAAAA"),
    "a longer signature": ("unknown_key", lambda token: token.replace(".", ".a")),
    "signed twice": ("malformed", lambda token: token + "." + token.partition(".")[2]),
    "another first letter": (
        "changed",
        lambda token: ("a" if token[0] != "a" else "b") + token[1:],
    ),
    "lower case": ("unknown_key", str.lower),
    "reversed": ("unknown_key", lambda token: token[::-1]),
    "very long": ("malformed", lambda token: token * 500),
    "a byte of nothing": ("malformed", lambda _: "%00"),
    "no UTF-8": ("malformed", lambda _: "%ff.%fe"),
    "Chinese": ("malformed", lambda _: "%E4%BF%9D.%E9%99%A9"),
    "only a dot": ("malformed", lambda _: ".a"),
}
PATHS = [*LINK_ARGUMENTS, "paid"]
CASES = {
    **{what: Case(cause, "product", with_token(to)) for what, (cause, to) in SPOILT.items()},
    "a way back that was cut off": Case("changed", "paid", with_token(lambda token: token[:-4])),
    **{
        f"{page} as {other}": Case(
            "another_page",
            page,
            opened_as(other),
            reference={"product": PRODUCT_CODE, "policy": INSURE_NUM}.get(page)
            if other != "paid"
            else None,
        )
        for page in PATHS
        for other in PATHS
        if page != other
    },
    "of a key that was taken out": Case("unknown_key", settings={"SECRET_KEY": "another secret"}),
    "of another account": Case("unknown_key", "policy", settings={"XIEBAO_PARTNER_ID": "54321"}),
    **{
        f"a policy of nobody for {visitor}": Case(
            cause="no_member",
            page="policy",
            change=with_token(lambda _: NOBODYS_POLICY),
            visitor=visitor,
            reference=INSURE_NUM,
            member=visitor,
        )
        for visitor in ("alice", None)
    },
    "nobody": Case("login_required", visitor=None, reference=PRODUCT_CODE),
    "another member": Case(
        "another_member", "policy", visitor="mary", reference=INSURE_NUM, member="mary"
    ),
    "expired": Case(
        cause="expired",
        page="policy",
        visitor=None,
        options={"member": "alice", "no_login_for": 60},
        reference=INSURE_NUM,
    ),
    "locked": Case("not_allowed", "home", visitor="lucy", member="lucy"),
    "switched off": Case("disabled", settings={"XIEBAO_ENABLED": False}),
}


def follow(
    case: Case, headers: dict[str, str] = PHONE, method: str = "GET", **settings: Any
) -> tuple[str, TestResponse]:
    """Return the path that somebody follows, and the answer."""
    with time_machine.travel(NOW, tick=False):
        before = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
        before.log_in("alice")
        if case.page == "paid":
            click = before.follow(before.link("product", return_to="/orders/8"))
            url = case.change(urlsplit(get_return_link(click)).path)
        else:
            url = case.change(before.link(case.page, **case.options))
    with time_machine.travel(NOW + 60, tick=False):
        site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET, **{**case.settings, **settings})
        site.xiebao.click_guard(lambda member, entry: member != "lucy")
        site.log_in(case.visitor)
        return url, site.follow(url, headers, method=method)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log says: of visitors, and so nothing that is wrong with the site."""
    records = [record for record in caplog.records if record.name == "flask_xiebao"]
    assert all(record.levelno == logging.INFO for record in records)
    return [record.getMessage() for record in records]


def check_refusal(
    case: Case, method: str, sent_signals: SentSignals, caplog: pytest.LogCaptureFixture
) -> TestResponse:
    """Make sure that somebody is refused, and that the signal and the log say why."""
    url, response = follow(case, method=method)
    status, reason, why = CAUSES[case.cause]
    page = url.split("/")[2]

    assert response.status_code == status
    assert "Location" not in response.headers
    [told] = [values for signal, values in sent_signals if signal == "refused"]
    entry = told.pop("entry")
    assert (None if entry is None else entry.reference) == case.reference
    assert told == {
        "status": status,
        "reason": reason,
        "cause": case.cause,
        "page": page,
        "member": case.member,
    }
    [line] = lines(caplog)
    assert line.startswith(
        f"Refused a request for a {page} link with status {status} ({reason}), because {why}"
    )
    # Neither the token nor whose it is, what it is about, or a key.
    token = url.rpartition("/")[2]
    secrets = (
        token[:20],
        PRODUCT_CODE,
        INSURE_NUM,
        "alice",
        "mary",
        "lucy",
        SECRET_KEY,
        SIGN,
        MEMBER_SECRET,
    )
    assert find_leaks(line, *secrets) == []
    return response


def test_every_cause_is_tried() -> None:
    assert CAUSES.keys() == REFUSALS.keys() == {case.cause for case in CASES.values()}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *[(name, "GET") for name in CASES],
        *[(name, "HEAD") for name in ("cut off", "nobody", "locked")],
    ],
)
def test_the_log_and_the_signal_say_why(
    sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, name: str, method: str
) -> None:
    check_refusal(CASES[name], method, sent_signals, caplog)


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if CAUSES[case.cause][1] == "invalid_link"]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_visitors_see_nothing_of_what_is_wrong_with_a_link(name: str, accept: str) -> None:
    headers = {**PHONE, "Accept": accept}
    url, response = follow(CASES[name], headers)
    nonsense = make_site().follow(f"{url.rpartition('/')[0]}/nonsense", headers)
    assert response.text == nonsense.text
    assert list(response.headers) == list(nonsense.headers)


#: What a notice is headed, in Chinese and in English.
TITLES = {
    "nobody": ("请先登录", "Please sign in"),
    "another member": ("这个链接属于另一位会员", "This link belongs to another member"),
    "locked": ("您无法打开这个链接", "You cannot open this link"),
    "cut off": ("链接无效", "This link does not work"),
    "expired": ("链接已过期", "This link has expired"),
    "switched off": ("保险服务暂停使用", "Insurance is not available right now"),
}
#: What it says to do: on a site that can send people to its login, and on one that cannot.
NOTICES = [
    ("nobody", None, "请先在网站上登录，再重新打开这个链接", "Sign in on the site, then open"),
    ("expired", "page", "请登录后继续，或者重新获取链接", "Sign in to continue, or request a new"),
    ("expired", None, "请先登录网站，再打开链接", "Sign in on the site and open this link"),
    ("another member", "page", "请换成链接所属的账号登录", "switch to the account this link"),
    ("another member", None, "请先退出当前账号", "Sign out, sign in to the account"),
    ("cut off", None, "请从网站上重新打开", "Please go to the site and open the link from there"),
    ("locked", None, "请联系本站客服", "please contact customer service"),
    ("locked", "page", "请联系本站客服", "please contact customer service"),
    ("switched off", None, "请稍后再试", "Please try again later"),
]


@pytest.mark.parametrize(("name", "login_view", "zh", "en"), NOTICES)
@pytest.mark.parametrize("locale", [None, "zh", "en"])
def test_a_notice_says_what_is_wrong_and_what_to_do_in_the_language_of_the_site(
    name: str, login_view: str | None, zh: str, en: str, locale: str | None
) -> None:
    url, response = follow(CASES[name], XIEBAO_LOCALE=locale, XIEBAO_LOGIN_VIEW=login_view)
    title, said = TITLES[name][locale == "en"], en if locale == "en" else zh
    assert response.mimetype == "text/html"
    assert find_element(response, "html")["lang"] == ("en" if locale == "en" else "zh-CN")
    assert [find_element(response, part).text for part in ("title", "h1")] == [title, title]
    notice = find_element(response, "main")
    assert said in notice.text
    login_helps = REFUSALS[CASES[name].cause].login_helps
    login = [f"/page?next={quote(url)}"] if login_view and login_helps else []
    assert [link["href"] for link in notice.select("a")] == [*login, "/"]


def test_a_notice_leads_to_the_login_of_flask_login_and_back_to_the_start_of_the_site(
    make_site: MakeSite,
) -> None:
    site = make_site(loader=False)
    manager = LoginManager(site.app)
    manager.user_loader(lambda user_id: None)
    manager.login_view = "page"
    with time_machine.travel(1_000_000_000):
        url = site.link("policy", member="alice", no_login_for=60)
    mounted = Client(DispatcherMiddleware(NotFound(), {"/shop": site.app}))
    notice = mounted.get(f"/shop{url}", headers=PHONE)
    assert find_href(notice, "去登录") == f"/shop/page?next={quote(f'/shop{url}', safe='')}"
    assert find_href(notice, "返回网站首页") == "/shop/"


@pytest.mark.parametrize(
    ("name", "accept", "mimetype"),
    [
        *[(name, "application/json", "application/json") for name in TITLES],
        ("cut off", "application/json, text/plain, */*", "application/json"),
        ("cut off", "*/*", "text/html"),
        ("cut off", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("cut off", "", "text/html"),
    ],
)
def test_a_program_that_asks_for_json_gets_json_and_browsers_a_page(
    name: str, accept: str, mimetype: str
) -> None:
    _, response = follow(CASES[name], {**PHONE, "Accept": accept})
    status, reason, _ = CAUSES[CASES[name].cause]
    assert (response.status_code, response.mimetype) == (status, mimetype)
    if mimetype == "application/json":
        assert response.json == {"status": status, "reason": reason}


def warnings_in(site: Site, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings in the log of the site itself."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == site.app.logger.name and record.levelname == "WARNING"
    ]


def test_link_signed_with_unknown_key_is_logged_as_one_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    worker, other_worker = make_site(), make_site(SECRET_KEY="another key of sufficient length")
    for _ in range(3):
        assert worker.follow(other_worker.link("product")).status_code == 404
        assert worker.follow("/xiebao/product/forged").status_code == 404
    [warning] = warnings_in(worker, caplog)
    assert "Set the same SECRET_KEY in all workers" in warning
    assert "another key" not in warning


@pytest.mark.parametrize("login_view", [None, "page"])
def test_click_without_member_loader_is_logged_as_one_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, login_view: str | None
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW=login_view)
    site.xiebao._hooks.functions.pop("member_loader")
    bearer_link = site.link("product", member="alice", no_login_for=60)
    assert site.follow(bearer_link).status_code == 302
    assert warnings_in(site, caplog) == []
    for _ in range(2):
        assert site.follow(site.link("product")).status_code == (401 if login_view is None else 302)
    [warning] = warnings_in(site, caplog)
    assert "Register a member_loader." in warning


def test_visitor_who_is_not_logged_in_causes_no_warning(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    assert site.follow(site.link("product")).status_code == 401
    assert warnings_in(site, caplog) == []
