"""Tests for redirects of anonymous visitors to the site's login page and back to the link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import pytest
from flask import redirect, session
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse

from flask_xiebao import ConfigError
from tests.click.support import assert_click_outcome, init_flask_login
from tests.support import (
    PC,
    PRIVATE_HEADERS,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
)


@pytest.fixture(params=["XIEBAO_LOGIN_VIEW", "Flask-Login"])
def site(make_site: MakeSite, request: pytest.FixtureRequest) -> Site:
    """A site with a login view, which ``XIEBAO_LOGIN_VIEW`` or Flask-Login specifies."""
    if request.param == "XIEBAO_LOGIN_VIEW":
        site = make_site(XIEBAO_LOGIN_VIEW="login")
        site.xiebao.member_loader(lambda: session.get("_user_id"))
    else:
        site = make_site(loader=False)
        init_flask_login(site).login_view = "login"

    @site.app.get("/login")
    def login() -> Any:
        # Flask-Login reads the id of the user from this key of the session.
        session["_user_id"] = flask.request.args["member"]
        return redirect(flask.request.args["next"])

    return site


@pytest.mark.parametrize(
    ("mount", "query", "platform"),
    [("", "", 2), ("/shop", "?platform=h5", 1), ("", "?platform=x", 2)],
)
@pytest.mark.parametrize(
    ("link_member", "member", "expected"),
    [
        (None, "alice", "302 alice"),
        ("alice", "alice", "302 alice"),
        ("alice", "bob", "403 another_member"),
    ],
)
def test_login_redirects_back_to_link_and_keeps_platform(
    site: Site,
    sent_signals: SentSignals,
    caplog: pytest.LogCaptureFixture,
    mount: str,
    query: str,
    platform: int,
    link_member: str | None,
    member: str,
    expected: str,
) -> None:
    browser = Client(DispatcherMiddleware(NotFound(), {mount: site.app}), TestResponse)
    link = site.link("product", base_url=f"http://localhost{mount}", member=link_member)

    login_redirect = browser.get(link + query, headers=PC)
    # Flask-Login redirects with Flask's default status, which is 303 from Flask 3.2 on.
    has_login_view = site.app.config.get("XIEBAO_LOGIN_VIEW") is not None
    expected_status = 302 if has_login_view else redirect("/").status_code
    assert login_redirect.status_code == expected_status
    assert login_redirect.location.startswith(f"{mount}/login?")
    # The redirect to the login does not count as a refusal, so no signal is sent and
    # nothing is logged.
    assert (sent_signals, caplog.messages) == ([], [])

    link_redirect = browser.get(f"{login_redirect.location}&member={member}")
    response = browser.get(link_redirect.location, headers=PC)
    assert_click_outcome(response, sent_signals, expected)
    if response.status_code == 302:
        assert assert_gateway_accepts(response).platform == platform


@pytest.mark.parametrize(
    ("login_view", "handler", "status", "text"),
    [
        (None, None, 401, "请先登录"),
        (None, lambda: ("Members only", 418), 418, "Members only"),
        # The setting XIEBAO_LOGIN_VIEW takes precedence over the unauthorized_handler of
        # Flask-Login.
        ("page", lambda: ("Members only", 418), 302, "/page?next="),
    ],
)
def test_unauthorized_handler_of_flask_login_is_called_without_login_view(
    make_site: MakeSite,
    sent_signals: SentSignals,
    login_view: str | None,
    handler: Callable[[], Any] | None,
    status: int,
    text: str,
) -> None:
    site = make_site(loader=False, XIEBAO_LOGIN_VIEW=login_view)
    init_flask_login(site).unauthorized_handler(handler)
    response = site.follow(site.link("product"))
    assert response.status_code == status
    assert text in response.text
    assert [name for name, _ in sent_signals] == (["refused"] if status == 401 else [])
    assert PRIVATE_HEADERS.items() <= dict(response.headers).items()


# Flask cannot build a login URL for the endpoint "static" without the argument "filename".
@pytest.mark.parametrize("view", ["auth.logn", "static"])
def test_unknown_login_view_or_view_with_arguments_raises_config_error(
    make_site: MakeSite, view: str
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW=view)
    link = site.link("home")
    with pytest.raises(ConfigError, match=f"XIEBAO_LOGIN_VIEW is '{view}'") as error:
        site.follow(link)
    assert list(error.value.problems) == ["XIEBAO_LOGIN_VIEW"]
    assert link.rpartition("/")[2] not in str(error.value)
