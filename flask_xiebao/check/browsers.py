"""The browsers of a site's members, who are logged in there for real."""

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

#: Logs a browser, a test client of the site's, in as a member.
LoginFunction = Callable[[FlaskClient, str | None], object]


class Browser(FlaskClient):
    """A test client of the site's that is where the site is, unless it is told otherwise."""

    site_url = "http://localhost"
    #: The path of it that the server takes off; what is wrapped around the app takes off the rest.
    mount = ""
    #: The status of the last answer; 0 before the first.
    last_status = 0

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request; a path is one of the site's."""
        if args and isinstance(args[0], str) and "://" not in args[0] and "base_url" not in kwargs:
            root = urlsplit(self.site_url).path
            path = args[0].removeprefix(root) if args[0].startswith(f"{root}/") else args[0]
            kwargs["base_url"] = self.site_url.removesuffix(root) + self.mount
            args = (f"{root.removeprefix(self.mount)}{path}", *args[1:])
        response = super().open(*args, **kwargs)
        self.last_status = response.status_code
        return response

    def set_cookie(self, *args: Any, **kwargs: Any) -> None:
        """Set a cookie, of the site's host."""
        kwargs.setdefault("domain", urlsplit(self.site_url).hostname)
        super().set_cookie(*args, **kwargs)

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """Change the session."""
        kwargs.setdefault("base_url", self.site_url)
        with super().session_transaction(*args, **kwargs) as session:
            yield session


def build_browser(app: Flask) -> Browser:
    """Return a browser that can do all that the site's own test client can."""
    own = app.test_client_class
    kind = type("Browser", (Browser, own if isinstance(own, type) else FlaskClient), {})
    browser: Browser = kind(app, app.response_class)
    return browser


def find_flask_login_function(app: Flask) -> LoginFunction | None:
    """Return what logs members in on a site that uses Flask-Login, or None."""
    manager = getattr(app, "login_manager", None)
    if manager is None:
        return None

    def log_in(browser: FlaskClient, member: str | None) -> None:
        from flask_login import login_user, user_logged_in

        # All that Flask-Login wants of a user here. The site's receivers would want more.
        user = SimpleNamespace(**{manager.id_attribute: lambda: member})
        with app.test_request_context(environ_base=browser.environ_base), user_logged_in.muted():
            login_user(user, force=True)
            logged_in = dict(session)
        with browser.session_transaction() as own:
            own.update(logged_in)

    return log_in
