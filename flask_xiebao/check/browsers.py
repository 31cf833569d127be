"""Test clients that log in to a site as a member."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, session
from flask.sessions import SessionMixin
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

#: A function that logs in a test client as a member of the site.
LoginFunction = Callable[[FlaskClient, str | None], object]


class Browser(FlaskClient):
    """A test client that by default sends its requests to the URL of the site."""

    site_url = "http://localhost"
    #: The beginning of a request's path that the server moves to SCRIPT_NAME, such as "/shop". It
    #: is empty if middleware removes the beginning of the path instead.
    mount = ""
    #: The status of the last response and the target of its redirect, or "" before it.
    last_response = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request to a URL, or to a path of the site.

        A path may begin with the path of the site's URL or leave it out.
        """
        if args and isinstance(args[0], str) and "://" not in args[0] and "base_url" not in kwargs:
            root = urlsplit(self.site_url).path
            path = args[0].removeprefix(root) if args[0].startswith(f"{root}/") else args[0]
            kwargs["base_url"] = self.site_url.removesuffix(root) + self.mount
            args = (f"{root.removeprefix(self.mount)}{path}", *args[1:])
        response = super().open(*args, **kwargs)
        location = urlsplit(response.location or "")._replace(query="", fragment="").geturl()
        self.last_response = f"{response.status_code} {location}".strip()
        return response

    def set_cookie(self, *args: Any, **kwargs: Any) -> None:
        """Set a cookie, by default for the site's host."""
        kwargs.setdefault("domain", urlsplit(self.site_url).hostname)
        super().set_cookie(*args, **kwargs)

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Open the client's session for changes. By default, use the cookies for the site's URL."""
        kwargs.setdefault("base_url", self.site_url)
        with super().session_transaction(*args, **kwargs) as site_session:
            yield site_session


def build_browser(app: Flask) -> Browser:
    """Return a test client that inherits from Browser and from the site's test client class."""
    site_class = app.test_client_class
    bases = (Browser, site_class if isinstance(site_class, type) else FlaskClient)
    browser: Browser = type("Browser", bases, {})(app, app.response_class)
    return browser


def find_login_function_for_flask_login(app: Flask) -> LoginFunction | None:
    """Return a function that logs a member in with Flask-Login, or None if the app lacks it."""
    manager = getattr(app, "login_manager", None)
    if manager is None:
        return None

    def log_in(browser: FlaskClient, member: str | None) -> None:
        from flask_login import login_user, user_logged_in

        # login_user() needs only an id, so this stand-in for a user has only an id. The signal
        # user_logged_in is muted, because the site's receivers may need a real user.
        user = SimpleNamespace(**{manager.id_attribute: lambda: member})
        with app.test_request_context(environ_base=browser.environ_base), user_logged_in.muted():
            login_user(user, force=True)
            logged_in_session = dict(session)
        with browser.session_transaction() as browser_session:
            browser_session.update(logged_in_session)

    return log_in
