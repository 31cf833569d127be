"""The shop's error pages. They have nothing to do with the extension."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from werkzeug.exceptions import HTTPException

#: The title and the text of each error page, by the status of the response.
ERROR_PAGES = {
    400: (
        lazy_gettext("This request cannot be processed"),
        lazy_gettext("Please go back and try again."),
    ),
    404: (
        lazy_gettext("Page not found"),
        lazy_gettext("The address may be wrong, or the page no longer exists."),
    ),
    405: (
        lazy_gettext("This address cannot be opened directly"),
        lazy_gettext("Please use the buttons on the site."),
    ),
}


def init_app(app: Flask) -> None:
    """Use these error pages in the app."""
    for status in ERROR_PAGES:
        app.register_error_handler(status, show_error)
    app.before_request(refuse_invalid_host)


def show_error(error: HTTPException) -> ResponseReturnValue:
    """Return the error with the shop's page instead of Werkzeug's."""
    response = error.get_response()
    title, text = ERROR_PAGES[response.status_code]
    response.data = render_template("shop/error.html", title=title, text=text)
    return response


def refuse_invalid_host() -> Response | None:
    """Return a plain text with status 400 if the Host header is invalid.

    The error page cannot be rendered, because its links need the host.
    """
    # For an invalid host, Werkzeug returns "", raises UnicodeError or does not route the request.
    with suppress(UnicodeError):
        is_refused = getattr(request.routing_exception, "code", None) == 400
        if request.host and request.url_root and not is_refused:
            return None
    return Response(
        "The Host header of this request is not a valid host name.", 400, mimetype="text/plain"
    )
