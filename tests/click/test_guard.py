"""The site's last word at a click: ``click_guard``, by every way that a member comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock, call

import pytest
from flask import abort, jsonify, make_response, redirect
from werkzeug.test import TestResponse

from flask_xiebao import Entry
from tests.qr import read as read_qr
from tests.support import (
    DEPLOYED,
    LINK_ARGUMENTS,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
)


async def return_true_async() -> bool:
    return True


def is_refused(response: TestResponse) -> bool:
    """Tell whether it is the notice for whom the site did not let through."""
    assert "Location" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert "您无法打开这个链接" in find_element(response, "h1").text
    return response.status_code == 403


@pytest.mark.parametrize("life", [None, 60], ids=["logged in", "by a bearer link"])
@pytest.mark.parametrize("device", [PC, PHONE], ids=["pc", "phone"])
@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_locked_member_does_not_go(
    site: Site,
    sent_signals: SentSignals,
    page: str,
    device: dict[str, str],
    life: int | None,
) -> None:
    locked = {"lucy"}
    site.xiebao.click_guard(lambda member, entry: member not in locked)
    link = site.link(page, member="lucy", no_login_for=life, client_reference="order-8")
    site.log_in(None if life else "lucy")
    assert is_refused(site.follow(link, device))
    [(signal, refused)] = sent_signals
    assert (signal, refused["cause"], refused["member"]) == ("refused", "not_allowed", "lucy")
    assert refused["entry"].client_reference == "order-8"

    locked.clear()
    response = site.follow(link, device)
    if page == "product" or device is PHONE:
        assert assert_gateway_accepts(response).member == "lucy"
    else:  # who is locked until the phone has the code does not go, either
        locked.add("lucy")
        site.log_in(None)
        assert is_refused(site.follow(read_qr(response.text)))


def test_the_guard_is_asked_once_a_click_and_only_of_those_who_would_go(site: Site) -> None:
    guard = site.xiebao.click_guard(Mock(return_value=True))
    link = site.link("product", member="lucy")
    site.follow(link)  # nobody is logged in
    site.log_in("mary")
    site.follow(link)  # somebody else is
    site.follow("/xiebao/product/nonsense")
    site.log_in("lucy")
    site.follow(link, PHONE | {"Sec-Purpose": "prefetch"})
    site.follow(link, PHONE | {"Sec-Fetch-Mode": "cors"})
    assert guard.mock_calls == []

    site.follow(link)
    assert guard.mock_calls == [call("lucy", Entry("product", PRODUCT_CODE, "lucy"))]


def test_each_site_has_its_own_guard_which_can_tell_products_apart(make_site: MakeSite) -> None:
    strict, free = make_site(), make_site()
    strict.xiebao.click_guard(lambda member, entry: entry.reference != PRODUCT_CODE)
    for site in (strict, free):
        site.log_in("lucy")
        assert assert_gateway_accepts(site.follow(site.link("policy")))
    assert is_refused(strict.follow(strict.link("product")))
    assert assert_gateway_accepts(free.follow(free.link("product")))


# What a guard returns


#: What a guard does in place of answering yes or no; the status, and what is said or where to.
OWN: dict[str, tuple[Callable[[], Any], int, str]] = {
    "tuple": (lambda: ("<p>Locked: call 400-800.</p>", 403), 403, "call 400-800"),
    "tuple with headers": (lambda: ("later", 503, {"Retry-After": "60"}), 503, "later"),
    "response": (lambda: make_response("locked", 423), 423, "locked"),
    "json": (lambda: (jsonify(error="locked"), 409), 409, "locked"),
    "redirect": (lambda: redirect("/verify", 302), 302, "/verify"),
    "abort": (lambda: abort(403, "call 400-800"), 403, "call 400-800"),
    "abort with a response": (lambda: abort(redirect("/verify", 302)), 302, "/verify"),
}


@pytest.mark.parametrize("way", OWN)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_site_answers_with_a_page_of_its_own(
    site: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    way: str,
    is_async: bool,
) -> None:
    answer, status, said = OWN[way]

    async def async_guard(member: str, entry: Entry) -> Any:
        return answer()

    site.xiebao.click_guard(async_guard if is_async else lambda member, entry: answer())
    link = site.link("product", member="lucy", no_login_for=60)
    response = site.follow(link)

    assert response.status_code == status
    assert said in (response.location if status == 302 else response.text)
    assert response.headers.get("Retry-After") == ("60" if way == "tuple with headers" else None)
    assert response.headers["Cache-Control"] == "no-store"
    [(signal, refused)] = sent_signals
    assert (signal, refused.pop("entry").reference) == ("refused", PRODUCT_CODE)
    why = {"reason": "not_allowed", "cause": "not_allowed"}
    assert refused == {**why, "status": status, "page": "product", "member": "lucy"}
    assert [record.getMessage() for record in caplog.records if record.name == "flask_xiebao"] == [
        f"Refused a request for a product link with status {status} (not_allowed), because the"
        " click_guard refused the member."
    ]
    # There is no handoff either.
    home = site.link("home", member="lucy", no_login_for=60)
    assert site.follow(home, PC).status_code == status


# What is wrong with a guard


SAYS = "click_guard must return True, False or a response"
#: What a guard must not do, and what the error says.
WRONG: dict[str, tuple[Callable[[], Any], str, str]] = {
    "none": (lambda: None, SAYS, "None"),
    "one": (lambda: 1, SAYS, "int"),
    "zero": (lambda: 0, SAYS, "int"),
    "text": (lambda: "yes", SAYS, "str"),
    "list": (list, SAYS, "list"),
    "coroutine": (return_true_async, SAYS, "coroutine"),
    "error": (lambda: 1 // 0, "division", "by zero"),
}


@pytest.mark.parametrize("way", WRONG)
def test_a_guard_that_says_neither_yes_nor_no_or_fails_lets_nobody_through(
    make_site: MakeSite, sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    answer, said, named = WRONG[way]
    site = make_site(**DEPLOYED)
    site.xiebao.click_guard(lambda member, entry: answer())
    site.log_in("lucy")
    response = site.follow(site.link("product"))
    assert response.status_code == 500
    assert "Location" not in response.headers
    assert sent_signals == []
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert re.search(f"{said}.*{named}", str(error.exc_info and error.exc_info[1]))
