"""Why a link was refused, as the log and ``entry_refused`` say it: by following real links."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from flask_login import LoginManager

from flask_xiebao import Entry
from flask_xiebao.links.tokens import LinkSigner
from flask_xiebao.testing import link_to
from tests.support import (
    CODE,
    NUMBER,
    PHONE,
    SECRET,
    SIGN,
    Heard,
    MakeSite,
    Site,
    href,
    paid_url,
    soup,
)

NOW = 1_800_000_000
MEMBER_SECRET = "a-member-secret-of-a-good-length"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveler:
        yield traveler


@dataclass(frozen=True)
class Case:
    """A link that is refused.

    :ivar url: makes it, on a site where alice is logged in, and then has the site be as it is when
        it is followed.
    :ivar says: how the line in the log ends.
    :ivar knows: the signal's page, the reference of its entry and its member.
    """

    status: int
    reason: str
    cause: str
    url: Callable[[Site], str]
    says: str
    knows: tuple[str, str | None, str | None]


def cut(site: Site) -> str:
    return site.link("product")[:-12]


def cut_off_before_its_signature(site: Site) -> str:
    return site.link("product").partition(".")[0]


def nonsense(site: Site) -> str:
    return "/xiebao/home/nonsense"


def another_number(site: Site) -> str:
    mine = site.link("policy")
    with site.app.test_request_context():
        foreign = site.xiebao.policy_link("20190226029999", member="mary")
    return foreign.partition(".")[0] + "." + mine.partition(".")[2]


def of_a_key_that_was_taken_out(site: Site) -> str:
    link = site.link("product")
    site.app.config["SECRET_KEY"] = "another secret for tests"
    return link


def of_another_site(site: Site) -> str:
    from tests.support import make_site

    other = make_site(XIEBAO_PARTNER_ID="54321")
    other.log_in("alice")
    return other.link("policy")


def of_another_page(site: Site) -> str:
    return site.link("policy").replace("/policy/", "/home/")


def a_way_back(site: Site) -> str:
    back = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    return back.replace("http://localhost", "").replace("/paid/", "/product/")


def a_link_as_a_way_back(site: Site) -> str:
    return site.link("product").replace("/product/", "/paid/")


def a_way_back_that_was_changed(site: Site) -> str:
    back = paid_url(site.follow(site.link("product", return_to="/orders/8")))
    return back.replace("http://localhost", "")[:-9] + "AAAAAAAAA"


def a_policy_of_nobody(site: Site) -> str:
    # The extension makes none, so it is signed here.
    signer = LinkSigner([SECRET], "12345")
    return f"/xiebao/policy/{signer.dumps(Entry('policy', NUMBER))}"


def nobody_is_logged_in(site: Site) -> str:
    link = site.link("product")
    site.log_in(None)
    return link


def somebody_else_is_logged_in(site: Site) -> str:
    link = site.link("policy")
    site.log_in("mary")
    return link


def too_late(site: Site) -> str:
    with site.app.test_request_context():
        link = link_to(Entry("policy", NUMBER, "alice", no_login_for=60, signed_at=NOW - 60))
    site.log_in(None)
    return link


def of_a_member_who_is_locked(site: Site) -> str:
    site.xiebao.click_guard(lambda member, entry: member != "alice")
    return site.link("home")


PRODUCT = ("product", CODE, None)
INVALID = (404, "invalid_link")
CASES = {
    "malformed": Case(
        *INVALID, "malformed", nonsense, "since it is not a link of this site", ("home", None, None)
    ),
    "without a signature": Case(
        *(*INVALID, "malformed", cut_off_before_its_signature),
        "or a part of it is missing",
        ("product", None, None),
    ),
    "cut": Case(
        *INVALID, "changed", cut, "since it was changed or cut off", ("product", None, None)
    ),
    "another number": Case(
        *INVALID, "changed", another_number, "after it was signed", ("policy", None, None)
    ),
    "another key": Case(
        *(*INVALID, "unknown_key", of_a_key_that_was_taken_out),
        "one that is no longer in SECRET_KEY_FALLBACKS",
        ("product", None, None),
    ),
    "another account": Case(
        *(*INVALID, "unknown_key", of_another_site),
        "one of another site or partner account",
        ("policy", None, None),
    ),
    "another page": Case(
        *(*INVALID, "another_page", of_another_page),
        "since it is a link to another page",
        ("home", NUMBER, None),
    ),
    "a way back": Case(
        *(*INVALID, "another_page", a_way_back),
        "or a way back from a payment",
        ("product", None, None),
    ),
    "no way back": Case(
        *(*INVALID, "another_page", a_link_as_a_way_back),
        "since it is a link to another page",
        ("paid", None, None),
    ),
    "a way back that was changed": Case(
        *(*INVALID, "changed", a_way_back_that_was_changed),
        "since it was changed",
        ("paid", None, None),
    ),
    "no member": Case(
        *(*INVALID, "no_member", a_policy_of_nobody),
        "must say whose it is",
        ("policy", NUMBER, "alice"),
    ),
    "nobody": Case(
        *(401, "login_required", "login_required", nobody_is_logged_in),
        "set XIEBAO_LOGIN_VIEW",
        PRODUCT,
    ),
    "another member": Case(
        *(403, "another_member", "another_member", somebody_else_is_logged_in),
        "the link of another member than the one who is logged in",
        ("policy", NUMBER, "mary"),
    ),
    "expired": Case(
        *(410, "expired", "expired", too_late),
        "since its no_login_for has run out",
        ("policy", NUMBER, None),
    ),
    "locked": Case(
        *(403, "not_allowed", "not_allowed", of_a_member_who_is_locked),
        "since the click_guard did not let the member through",
        ("home", None, "alice"),
    ),
}


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.name == "flask_xiebao"]
    assert all(record.levelno == logging.INFO for record in records)
    return [record.getMessage() for record in records]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", CASES)
def test_the_log_and_the_signal_say_why(
    make_site: MakeSite,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    name: str,
    method: str,
) -> None:
    case = CASES[name]
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)
    site.log_in("alice")
    url = case.url(site)
    heard.clear()
    response = site.follow(url, method=method)

    assert response.status_code == case.status
    [(signal, told)] = heard
    assert signal == "refused"
    page, reference, member = case.knows
    assert (told["status"], told["reason"], told["cause"]) == (
        case.status,
        case.reason,
        case.cause,
    )
    assert (told["page"], told["member"]) == (page, member)
    entry = told["entry"]
    assert (None if entry is None else entry.reference) == reference

    [line] = lines(caplog)
    assert line.startswith(f"Refused a {page} link: {case.status} {case.reason}, since ")
    assert case.says in line
    # Neither the token nor whose it is, what it is about, or a key.
    token = url.rpartition("/")[2]
    for secret in (token[:20], CODE, NUMBER, "alice", "mary", SECRET, SIGN, MEMBER_SECRET):
        assert secret not in line


def test_a_site_that_is_switched_off_says_so(
    make_site: MakeSite, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site()
    link = site.link("product")
    off = make_site(XIEBAO_ENABLED=False)
    assert off.follow(link).status_code == 404
    [(signal, told)] = heard
    assert (signal, told["page"]) == ("refused", "product")
    assert (told["reason"], told["cause"]) == ("disabled", "disabled")
    assert lines(caplog) == ["Refused a product link: 404 disabled, since XIEBAO_ENABLED is off."]


def test_visitors_see_nothing_of_the_cause(site: Site) -> None:
    site.log_in("alice")
    same = ("malformed", "cut", "another page", "no member")
    refused = [site.follow(CASES[name].url(site)) for name in same]
    assert len({str(soup(answer).main) for answer in refused}) == 1
    assert len({tuple(answer.headers.items()) for answer in refused}) == 1
    answers = [
        site.follow(case.url(site), PHONE | {"Accept": "application/json"}).json
        for case in (CASES["cut"], CASES["another page"], CASES["another key"])
    ]
    assert answers == [{"status": 404, "reason": "invalid_link"}] * 3


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Mode": "cors"}, {"HX-Request": "true"}]
)
def test_what_is_no_click_is_no_refusal(
    site: Site, heard: Heard, caplog: pytest.LogCaptureFixture, headers: Any
) -> None:
    site.follow("/xiebao/product/nonsense", PHONE | headers)
    assert (heard, lines(caplog)) == ([], [])


def test_who_is_sent_to_log_in_is_not_refused(
    make_site: MakeSite, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW="page")
    assert site.follow(site.link("product")).status_code == 302
    assert (heard, lines(caplog)) == ([], [])


def test_a_logger_that_is_off_says_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "flask_xiebao"):
        site.follow("/xiebao/product/nonsense")
    assert lines(caplog) == []


#: What a notice says to do: on a site that can send people to its login, and on one that cannot.
NOTICES = [
    ("nobody", None, "请先在网站上登录，再重新打开这个链接", "Sign in on the site, then open"),
    ("expired", "page", "请登录后继续，或者重新获取链接", "Sign in to continue, or ask for a new"),
    ("expired", None, "请先登录网站，再打开链接", "Sign in on the site and open this link"),
    ("another member", "page", "请换成链接所属的账号登录", "sign in to the one that the link"),
    ("another member", None, "请先退出当前账号", "Sign out, sign in to the account"),
    ("cut", None, "请从网站上重新打开", "Please open it again from the site"),
    ("locked", None, "请联系本站客服", "please contact customer service"),
]


@pytest.mark.parametrize(("name", "login_view", "zh", "en"), NOTICES)
def test_a_notice_says_what_to_do(
    make_site: MakeSite, name: str, login_view: str | None, zh: str, en: str
) -> None:
    for locale, said in (("zh", zh), ("en", en)):
        site = make_site(XIEBAO_LOCALE=locale, XIEBAO_LOGIN_VIEW=login_view)
        site.log_in("alice")
        url = CASES[name].url(site)
        notice = soup(site.follow(url)).select_one("main")
        assert notice is not None
        assert said in notice.text
        links = [str(link["href"]) for link in notice.select("a")]
        login = f"/page?next={quote(url)}"
        assert (login in links) is (login_view is not None)


def test_a_site_that_is_switched_off_says_so_to_visitors(make_site: MakeSite) -> None:
    off = make_site(XIEBAO_ENABLED=False)
    assert "请稍后再试" in soup(off.follow("/xiebao/product/whatever")).text


def test_a_notice_leads_to_the_login_of_flask_login(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    manager = LoginManager(site.app)
    manager.user_loader(lambda user_id: None)
    manager.login_view = "page"
    url = CASES["expired"].url(site)
    assert href(site.follow(url), "去登录") == f"/page?next={quote(url, safe='')}"
