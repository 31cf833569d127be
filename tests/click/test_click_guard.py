"""Tests for the hook ``click_guard``.

To test another refusal by a guard, add a row to ``RESPONSES``. To test another invalid result, add
a row to ``INVALID_RESULTS``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock, call

import pytest
from flask import abort, jsonify, make_response, redirect

from flask_xiebao import Entry
from tests.qr import read as read_qr
from tests.support import (
    DEPLOYED,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
)


@pytest.mark.parametrize("page", ["home", "policy"])
def test_click_guard_is_called_again_for_qr_code_of_handoff_page(site: Site, page: str) -> None:
    site.xiebao.click_guard(Mock(side_effect=[True, False, True]))
    site.log_in("lucy")
    code = read_qr(site.follow(site.link(page), PC).text)

    site.log_in(None)
    assert site.follow(code).status_code == 403
    assert assert_gateway_accepts(site.follow(code)).member == "lucy"


@pytest.mark.parametrize(
    ("member", "headers", "suffix", "calls"),
    [
        ("lucy", {}, "", [call("lucy", Entry("product", PRODUCT_CODE, "lucy"))]),
        (None, {}, "", []),
        ("mary", {}, "", []),
        ("lucy", {}, "x", []),
        ("lucy", {"Sec-Purpose": "prefetch"}, "", []),
        ("lucy", {"Sec-Fetch-Mode": "cors"}, "", []),
    ],
    ids=[
        *("member of the link", "anonymous visitor", "another member", "changed link"),
        *("prefetch", "fetch by a script"),
    ],
)
def test_click_guard_is_called_only_for_clicks_of_permitted_members(
    make_site: MakeSite,
    site: Site,
    member: str | None,
    headers: dict[str, str],
    suffix: str,
    calls: list[Any],
) -> None:
    guard = site.xiebao.click_guard(Mock(return_value=True))
    # The guard of another Xiebao object does not replace the guard of this site.
    make_site().xiebao.click_guard(lambda member, entry: False)
    site.log_in(member)
    site.follow(site.link("product", member="lucy") + suffix, PHONE | headers)
    assert guard.mock_calls == calls


#: One row per refusal by a click guard: a name, a function that returns False or returns or raises
#: a response, the expected status, and a part of the expected body. For a redirect, the last column
#: is a part of the ``Location`` header.
RESPONSES: dict[str, tuple[Callable[[], Any], int, str]] = {
    "False": (lambda: False, 403, "您无法打开这个链接"),
    "tuple": (lambda: ("<p>Locked: call 400-800.</p>", 403), 403, "call 400-800"),
    "tuple with headers": (lambda: ("later", 503, {"Retry-After": "60"}), 503, "later"),
    "response": (lambda: make_response("locked", 423), 423, "locked"),
    "JSON": (lambda: (jsonify(error="locked"), 409), 409, "locked"),
    "redirect": (lambda: redirect("/verify", 302), 302, "/verify"),
    "abort": (lambda: abort(403, "call 400-800"), 403, "call 400-800"),
    "abort with response": (lambda: abort(redirect("/verify", 302)), 302, "/verify"),
}


@pytest.mark.parametrize(("get_result", "status", "text"), RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize(
    "is_async",
    [
        pytest.param(False, id="sync"),
        pytest.param(True, id="async", marks=pytest.mark.requires("asgiref")),
    ],
)
@pytest.mark.parametrize(
    ("page", "device"), [("product", PHONE), ("home", PC)], ids=["redirect", "handoff page"]
)
def test_response_of_click_guard_is_sent_and_reported_as_refusal(
    site: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    get_result: Callable[[], Any],
    status: int,
    text: str,
    is_async: bool,
    page: str,
    device: dict[str, str],
) -> None:
    async def async_guard(member: str, entry: Entry) -> Any:
        return get_result()

    site.xiebao.click_guard(async_guard if is_async else lambda member, entry: get_result())
    response = site.follow(site.link(page, member="lucy", no_login_for=60), device)

    assert response.status_code == status
    assert text in (response.location if status == 302 else response.text)
    assert response.headers.get("Retry-After") == ("60" if status == 503 else None)
    assert response.headers["Cache-Control"] == "no-store"
    entry = Entry(page, {"product": PRODUCT_CODE}.get(page), "lucy", 60)
    values = {"reason": "not_allowed", "cause": "not_allowed", "entry": entry, "member": "lucy"}
    assert sent_signals == [("refused", {**values, "status": status, "page": page})]
    assert [record.getMessage() for record in caplog.records if record.name == "flask_xiebao"] == [
        f"Refused a request for a {page} link with status {status} (not_allowed), because the"
        " click_guard refused the member."
    ]


INVALID_RESULT = "click_guard must return True, False or a response"
#: One row per invalid result of a click guard: a name, a function that returns the result or raises
#: an exception, and two parts of the expected error message.
INVALID_RESULTS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "None": (lambda: None, INVALID_RESULT, "None"),
    "one": (lambda: 1, INVALID_RESULT, "int"),
    "zero": (lambda: 0, INVALID_RESULT, "int"),
    "string": (lambda: "yes", INVALID_RESULT, "str"),
    "list": (list, INVALID_RESULT, "list"),
    "coroutine": (lambda: asyncio.sleep(0, True), INVALID_RESULT, "coroutine"),
    "exception": (lambda: 1 // 0, "division", "by zero"),
}


@pytest.mark.parametrize(
    ("get_result", "message", "result_type"), INVALID_RESULTS.values(), ids=INVALID_RESULTS
)
def test_invalid_result_or_exception_of_click_guard_returns_500(
    make_site: MakeSite,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    get_result: Callable[[], Any],
    message: str,
    result_type: str,
) -> None:
    site = make_site(**DEPLOYED)
    site.xiebao.click_guard(lambda member, entry: get_result())
    site.log_in("lucy")
    response = site.follow(site.link("product"))

    assert (response.status_code, response.headers.get("Location")) == (500, None)
    assert sent_signals == []
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert re.search(f"{message}.*{result_type}", str(record.exc_info and record.exc_info[1]))
