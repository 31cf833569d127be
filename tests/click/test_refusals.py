"""Tests for refused clicks: the status, the refusal page, the log and the signal ``entry_refused``.

To test another refused link, add a row to ``REFUSED_LINKS``. To test another cause, add a row to
``CAUSES``. The texts of the refusal page are in ``TITLES`` and ``INSTRUCTIONS``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from flask_xiebao.links.access_rules import REFUSALS
from tests.click.support import LINK_ENDPOINTS, get_return_link_path, init_flask_login
from tests.support import (
    INSURE_NUM,
    LINK_ARGUMENTS,
    MEMBER_SECRET,
    PHONE,
    PRODUCT_CODE,
    SECRET_KEY,
    SIGN,
    MakeSite,
    SentSignals,
    find_element,
    find_href,
    find_leaks,
    make_site,
    set_clock,
)
from tests.tokens import sign_token

#: One row per cause of a refusal: the name of the cause, the status of the response, the reason
#: that visitors see, and the explanation in the log.
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
    "another_page": (404, "invalid_link", "the link is for another page or is a return link"),
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
class RefusedLink:
    """A link created in Alice's session, the visitor who requests it, and the expected refusal.

    :ivar cause: the expected cause of the refusal.
    :ivar page: the gateway page, or ``paid`` for a return link.
    :ivar change: a function that changes the path of the link before the request.
    :ivar visitor: the member who is logged in at the request, or None. The click
        guard refuses the member lucy.
    :ivar options: the options with which the link is built.
    :ivar settings: the settings of the site at the request.
    :ivar reference: the expected reference of the signal's entry, or None if it has no entry.
    :ivar member: the expected member of the signal.
    """

    cause: str
    page: str = "product"
    change: Callable[[str], str] = str
    visitor: str | None = "alice"
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None
    member: str | None = None


def make_token_changer(change: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that applies ``change`` to the token in the path of a link."""
    return lambda path: re.sub("[^/]+$", lambda token: change(token[0]), path)


#: One row per changed token: a name, the expected cause of the refusal, and a function that changes
#: the token.
CHANGED_TOKENS: dict[str, tuple[str, Callable[[str], str]]] = {
    "a word": ("malformed", lambda _: "nonsense"),
    "cut off": ("changed", lambda token: token[:-4]),
    "no signature": ("malformed", lambda token: token.partition(".")[0]),
    "empty signature": ("malformed", lambda token: token.partition(".")[0] + "."),
    "another signature": ("changed", lambda token: token[:-9] + "AAAAAAAAA"),
    "longer signature": ("unknown_key", lambda token: token.replace(".", ".a")),
    "two signatures": ("malformed", lambda token: token + "." + token.partition(".")[2]),
    "another first letter": (
        "changed",
        lambda token: ("a" if token[0] != "a" else "b") + token[1:],
    ),
    "lower case": ("unknown_key", str.lower),
    "reversed": ("unknown_key", lambda token: token[::-1]),
    "very long": ("malformed", lambda token: token * 500),
    "NUL": ("malformed", lambda _: "%00"),
    "invalid UTF-8": ("malformed", lambda _: "%ff.%fe"),
    "Chinese": ("malformed", lambda _: "%E4%BF%9D.%E9%99%A9"),
    "no payload": ("malformed", lambda _: ".a"),
}
#: One row per refused request: a name, and the requested link with the expected refusal.
REFUSED_LINKS = {
    **{
        name: RefusedLink(cause, "product", make_token_changer(change))
        for name, (cause, change) in CHANGED_TOKENS.items()
    },
    "return link cut off": RefusedLink(
        "changed", "paid", make_token_changer(lambda token: token[:-4])
    ),
    **{
        f"{page} link with path {path}": RefusedLink(
            cause="another_page",
            page=page,
            change=lambda link, path=path: f"/xiebao/{path}/{link.rpartition('/')[2]}",  # type: ignore[misc]
            reference=None if path == "paid" else next(iter(LINK_ARGUMENTS.get(page, ())), None),
        )
        for page in LINK_ENDPOINTS
        for path in LINK_ENDPOINTS
        if page != path
    },
    "removed key": RefusedLink("unknown_key", settings={"SECRET_KEY": "another secret"}),
    "another account": RefusedLink(
        "unknown_key", "policy", settings={"XIEBAO_PARTNER_ID": "54321"}
    ),
    **{
        f"policy without member for {visitor}": RefusedLink(
            cause="no_member",
            page="policy",
            change=make_token_changer(lambda _: sign_token(["policy", INSURE_NUM])),
            visitor=visitor,
            reference=INSURE_NUM,
            member=visitor,
        )
        for visitor in ("alice", None)
    },
    "anonymous visitor": RefusedLink("login_required", visitor=None, reference=PRODUCT_CODE),
    "another member": RefusedLink(
        "another_member", "policy", visitor="mary", reference=INSURE_NUM, member="mary"
    ),
    "expired": RefusedLink(
        cause="expired",
        page="policy",
        visitor=None,
        options={"member": "alice", "no_login_for": 60},
        reference=INSURE_NUM,
    ),
    "locked member": RefusedLink("not_allowed", "home", visitor="lucy", member="lucy"),
    "disabled site": RefusedLink("disabled", settings={"XIEBAO_ENABLED": False}),
}


def request_refused_link(
    link: RefusedLink, headers: dict[str, str] = PHONE, method: str = "GET", **settings: Any
) -> tuple[str, TestResponse]:
    """Build a link, request it, and return the path of the link and the response.

    :param settings: more settings of the test site.
    """
    site = make_site()
    site.log_in("alice")
    with set_clock(0):  # A link from 1970 with no_login_for has expired.
        path = (
            get_return_link_path() if link.page == "paid" else site.link(link.page, **link.options)
        )
    path = link.change(path)
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET, **{**link.settings, **settings})
    site.xiebao.click_guard(lambda member, entry: member != "lucy")
    site.log_in(link.visitor)
    return path, site.follow(path, headers, method=method)


def assert_is_refused(
    link: RefusedLink, method: str, sent_signals: SentSignals, caplog: pytest.LogCaptureFixture
) -> None:
    """Request a link, and assert that the response, a signal and the log report the refusal."""
    path, response = request_refused_link(link, method=method)
    status, reason, explanation = CAUSES[link.cause]
    page = path.split("/")[2]
    assert (response.status_code, response.headers.get("Location")) == (status, None)

    [values] = [values for signal, values in sent_signals if signal == "refused"]
    entry = values.pop("entry")
    assert (entry and entry.reference) == link.reference
    assert values == {
        "status": status,
        "reason": reason,
        "cause": link.cause,
        "page": page,
        "member": link.member,
    }

    [record] = [record for record in caplog.records if record.name == "flask_xiebao"]
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith(
        f"Refused a request for a {page} link with status {status} ({reason}),"
        f" because {explanation}"
    )
    secrets = (path.rpartition("/")[2][:20], SECRET_KEY, SIGN, MEMBER_SECRET)
    names = (PRODUCT_CODE, INSURE_NUM, "alice", "mary", "lucy")
    assert find_leaks(record.getMessage(), *secrets, *names) == []


def test_each_cause_of_refusal_has_test_case() -> None:
    tested_causes = {link.cause for link in REFUSED_LINKS.values()}
    assert CAUSES.keys() ^ REFUSALS.keys() == set(), "Change these causes in CAUSES."
    assert tested_causes ^ REFUSALS.keys() == set(), "Change these causes in REFUSED_LINKS."


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *[(name, "GET") for name in REFUSED_LINKS],
        *[(name, "HEAD") for name in ("cut off", "anonymous visitor", "locked member")],
    ],
)
def test_refused_click_is_logged_and_sends_entry_refused(
    sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, name: str, method: str
) -> None:
    assert_is_refused(REFUSED_LINKS[name], method, sent_signals, caplog)


@pytest.mark.parametrize(
    "name",
    [name for name, link in REFUSED_LINKS.items() if CAUSES[link.cause][1] == "invalid_link"],
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_responses_to_invalid_links_are_identical(name: str, accept: str) -> None:
    headers = {**PHONE, "Accept": accept}
    path, response = request_refused_link(REFUSED_LINKS[name], headers)
    expected = make_site().follow(f"{path.rpartition('/')[0]}/nonsense", headers)
    assert response.text == expected.text
    assert list(response.headers) == list(expected.headers)


# The refusal page

#: One row per refused link: the name of the link in ``REFUSED_LINKS``, and the title of the refusal
#: page in Chinese and in English.
TITLES = {
    "anonymous visitor": ("请先登录", "Please sign in"),
    "another member": ("这个链接属于另一位会员", "This link belongs to another member"),
    "locked member": ("您无法打开这个链接", "You cannot open this link"),
    "cut off": ("链接无效", "This link does not work"),
    "expired": ("链接已过期", "This link has expired"),
    "disabled site": ("保险服务暂停使用", "Insurance is not available right now"),
}
#: One row per refusal page: the name of the refused link, the value of ``XIEBAO_LOGIN_VIEW``, and a
#: part of the page text in Chinese and in English.
INSTRUCTIONS = [
    (
        *("anonymous visitor", None),
        *("请先在网站上登录，再重新打开这个链接", "Sign in on the site, then open"),
    ),
    ("expired", "page", "请登录后继续，或者重新获取链接", "Sign in to continue, or request a new"),
    ("expired", None, "请先登录网站，再打开链接", "Sign in on the site and open this link"),
    ("another member", "page", "请换成链接所属的账号登录", "switch to the account this link"),
    ("another member", None, "请先退出当前账号", "Sign out, sign in to the account"),
    ("cut off", None, "请从网站上重新打开", "Please go to the site and open the link from there"),
    ("locked member", None, "请联系本站客服", "please contact customer service"),
    ("locked member", "page", "请联系本站客服", "please contact customer service"),
    ("disabled site", None, "请稍后再试", "Please try again later"),
]


@pytest.mark.parametrize(
    ("name", "login_view", "labels"),
    [
        ("expired", "page", ["去登录", "返回网站首页"]),
        ("expired", None, ["去首页登录"]),
        ("another member", "page", ["换个账号登录", "返回网站首页"]),
        ("disabled site", None, ["返回网站首页"]),
    ],
)
def test_refusal_page_has_labels_of_links(
    name: str, login_view: str | None, labels: list[str]
) -> None:
    _, page = request_refused_link(REFUSED_LINKS[name], XIEBAO_LOGIN_VIEW=login_view)
    assert [link.text for link in find_element(page, "main").select("a")] == labels


@pytest.mark.parametrize(("name", "login_view", "zh", "en"), INSTRUCTIONS)
@pytest.mark.parametrize("locale", [None, "zh", "en"])
def test_refusal_page_has_title_instruction_and_links_in_language_of_site(
    name: str, login_view: str | None, zh: str, en: str, locale: str | None
) -> None:
    path, page = request_refused_link(
        REFUSED_LINKS[name], XIEBAO_LOCALE=locale, XIEBAO_LOGIN_VIEW=login_view
    )
    is_english = locale == "en"
    title = TITLES[name][is_english]
    assert find_element(page, "html")["lang"] == ("en" if is_english else "zh-CN")
    assert [find_element(page, tag).text for tag in ("title", "h1")] == [title, title]
    main = find_element(page, "main")
    assert (en if is_english else zh) in main.text
    has_login_link = login_view and REFUSALS[REFUSED_LINKS[name].cause].login_helps
    expected = [f"/page?next={quote(path)}", "/"] if has_login_link else ["/"]
    assert [link["href"] for link in main.select("a")] == expected


def test_refusal_page_links_to_login_view_of_flask_login_and_to_start_page(
    make_site: MakeSite,
) -> None:
    site = make_site(loader=False)
    init_flask_login(site).login_view = "page"
    with set_clock(0):  # This link from 1970 has expired.
        link = site.link("policy", member="alice", no_login_for=60)
    page = site.follow(link, base_url="http://localhost/shop")
    assert find_href(page, "去登录") == f"/shop/page?next={quote(f'/shop{link}', safe='')}"
    assert find_href(page, "返回网站首页") == "/shop/"


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
def test_refusal_is_json_if_client_prefers_json(name: str, accept: str, mimetype: str) -> None:
    link = REFUSED_LINKS[name]
    _, response = request_refused_link(link, {**PHONE, "Accept": accept})
    status, reason, _ = CAUSES[link.cause]
    assert (response.status_code, response.mimetype) == (status, mimetype)
    if mimetype == "application/json":
        assert response.json == {"status": status, "reason": reason}
