"""What goes wrong in service: pages stand, clicks go on, and the log says it once a minute.

A new mistake in a template is a row of ``MISTAKES``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import render_template_string

from flask_xiebao import entry_clicked
from tests.support import (
    DEPLOYED,
    MACROS,
    PRODUCT_CODE,
    MakeSite,
    assert_gateway_accepts,
    failing_function,
    find_element,
    parse_html,
)

MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    (
        "{{ insurance_entry(code) }}",
        {"code": ""},
        "caseCode is empty or contains only whitespace. Provide a value",
    ),
    (
        "{{ insurance_entry(code) }}",
        {"code": None},
        "caseCode is None, for example because of a NULL",
    ),
    ("{{ insurance_entry(code) }}", {}, "is undefined in this template"),
    ("{{ insurance_entry(code) }}", {"code": "Q\0X"}, "contains the unprintable character U+0000"),
    (
        "{{ insurance_entry('QX1', return_to=to) }}",
        {"to": "//evil.example"},
        "return_to must not point to another site",
    ),
    ("{{ insurance_entry('QX1', return_to=to) }}", {"to": "orders/8"}, 'that begins with "/"'),
    ("{{ insurance_qr('QX1', return_to='/' + 'x' * 2000) }}", {}, 'Shorten "return_to"'),
    (
        "{{ insurance_home_entry(platform='pc') }}",
        {},
        "platform PC is not supported by the home page at present",
    ),
    ("{{ xiebao_link('tv') }}", {}, "Use one of 'product', 'home', 'policy'"),
]


def test_each_mistake_leaves_the_page_standing_and_is_logged_once_a_minute(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, later: Callable[[float], None]
) -> None:
    site = make_site(**DEPLOYED)
    good = f"{{{{ insurance_entry('{PRODUCT_CODE}') }}}}"
    for wait, logged in ((0, True), (59, False), (1, True)):
        later(wait)
        for source, context, words in MISTAKES:
            caplog.clear()
            for _ in range(3):
                page = site.render(f"<p>{source}</p>{good}", **context)
                assert page.status_code == 200
                assert find_element(page, "p").decode_contents() == ""
                assert len(parse_html(page).select("a.xiebao-entry")) == 1
            said = [(record.levelno, words in record.getMessage()) for record in caplog.records]
            assert said == [(logging.ERROR, True)] * logged, (source, context)


def test_mistake_is_logged_although_working_directory_was_deleted(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    site = make_site(**DEPLOYED)
    old_release = tmp_path / "old-release"
    old_release.mkdir()
    monkeypatch.chdir(old_release)
    old_release.rmdir()
    page = site.render(f"{{{{ insurance_entry('{PRODUCT_CODE} ') }}}}")
    assert page.status_code == 200
    assert "has leading or trailing whitespace" in caplog.text


def test_failing_receivers_stop_nobody_and_are_each_logged_once_a_minute(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, later: Callable[[float], None]
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("alice")
    url = site.link("product")

    with ExitStack() as connected:
        for number in range(12):
            fail = failing_function(ConnectionError("statistics are down"))
            fail.__qualname__ = f"count_{number}"
            connected.enter_context(entry_clicked.connected_to(fail))
        for wait, logged in ((0, 12), (30, 0), (29, 0), (1, 12), (59, 0)):
            later(wait)
            caplog.clear()
            assert assert_gateway_accepts(site.follow(url)).member == "alice"
            assert len(caplog.records) == logged
            assert "suppressed for a minute" not in caplog.text


def test_what_visitors_send_does_not_fill_the_log(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED)
    source = "{{ insurance_entry('QX1', platform=request.args.platform) }}"
    site.app.add_url_rule("/offer", "offer", lambda: render_template_string(MACROS + source))
    for number in range(40):
        assert site.follow(f"/offer?platform={number}").status_code == 200
    assert 1 <= len(caplog.records) <= 10
    site.follow(f"/offer?platform={'x' * 100_000}")
    site.render("{{ insurance_entry('') }}")
    assert '(endpoint "page") was left out: caseCode is empty' in caplog.records[-1].getMessage()
    assert all(len(record.getMessage()) < 2000 for record in caplog.records)
