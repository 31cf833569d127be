"""Tests for the log messages of a deployed site, and for the limits on their number.

The messages about wrong arguments are tested in ``tests/page/test_invalid_macro_arguments.py``.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import render_template_string

from flask_xiebao import entry_clicked
from tests.click.support import get_warnings
from tests.support import (
    DEPLOYED,
    MACROS,
    PRODUCT_CODE,
    Clock,
    MakeSite,
    assert_gateway_accepts,
    failing_function,
)


def test_template_error_and_failing_receivers_are_logged_once_per_minute(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    monotonic_clock: Clock,
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("alice")
    with ExitStack() as stack:
        # The extension logs at most ten errors with variable texts. This limit must not apply to
        # the errors of signal receivers, so twelve receivers fail here.
        for number in range(12):
            fail = failing_function(ConnectionError("The database is down."))
            fail.__qualname__ = f"count_{number}"
            stack.enter_context(entry_clicked.connected_to(fail))

        for seconds, is_logged in ((0, True), (30, False), (29, False), (1, True), (59, False)):
            monotonic_clock.shift(seconds)
            caplog.clear()
            for _ in range(2):
                assert site.render("before{{ insurance_entry('') }}").text == "before"
                assert assert_gateway_accepts(site.follow(site.link("product"))).member == "alice"
            assert [record.levelname for record in caplog.records] == ["ERROR"] * 13 * is_logged
            assert "suppressed for a minute" not in caplog.text


def test_whitespace_warning_is_logged_if_working_directory_was_deleted(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # A deployment may delete the directory of the old release before the old process ends.
    site = make_site(**DEPLOYED)
    old_release = tmp_path / "old-release"
    old_release.mkdir()
    monkeypatch.chdir(old_release)
    old_release.rmdir()
    assert site.render(f"{{{{ insurance_entry('{PRODUCT_CODE} ') }}}}").status_code == 200
    assert "has leading or trailing whitespace" in caplog.text


def test_errors_caused_by_query_parameters_are_logged_at_most_ten_times(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED)
    source = MACROS + "{{ insurance_entry('QX1', platform=request.args.platform) }}"
    site.app.add_url_rule("/offer", "offer", lambda: render_template_string(source))
    for platform in ["x" * 100_000, *range(40)]:
        assert site.follow(f"/offer?platform={platform}").status_code == 200
    assert len(caplog.records) == 10
    assert all(len(record.getMessage()) < 2000 for record in caplog.records)

    site.render("{{ insurance_entry('') }}")
    assert '(endpoint "page") was left out: caseCode is empty' in caplog.records[-1].getMessage()


# Warnings about refused clicks


def test_link_signed_with_unknown_key_is_logged_as_one_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site, other_site = make_site(), make_site(SECRET_KEY="another key of sufficient length")
    for _ in range(3):
        assert site.follow(other_site.link("product")).status_code == 404
        assert site.follow("/xiebao/product/forged").status_code == 404
    [warning] = get_warnings(caplog)
    assert "Set the same SECRET_KEY in all workers" in warning
    assert "another key" not in warning


@pytest.mark.parametrize("login_view", [None, "page"])
def test_click_without_member_loader_is_logged_as_one_warning(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, login_view: str | None
) -> None:
    link = make_site().link("product")
    site = make_site(loader=False, XIEBAO_LOGIN_VIEW=login_view)
    assert site.follow(site.link("home", member="alice", no_login_for=60)).status_code == 302
    assert make_site().follow(link).status_code == 401
    assert get_warnings(caplog) == []

    for _ in range(2):
        assert site.follow(link).status_code == (401 if login_view is None else 302)
    [warning] = get_warnings(caplog)
    assert "Register a member_loader." in warning
