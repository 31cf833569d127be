"""The shop's error pages. Flask-Xiebao does not need this module."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from werkzeug.exceptions import HTTPException

#: The titles and the texts of the error pages, by the status of the response.
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
    """Register the error pages with the app."""
    for status in ERROR_PAGES:
        app.register_error_handler(status, show_error)
    app.before_request(refuse_invalid_host)


def show_error(error: HTTPException) -> ResponseReturnValue:
    """Return the response to an error, with the shop's error page instead of Werkzeug's."""
    response = error.get_response()
    title, text = ERROR_PAGES[response.status_code]
    response.data = render_template("shop/error.html", title=title, text=text)
    return response


def refuse_invalid_host() -> Response | None:
    """Return a plain text response with status 400 if the ``Host`` header is invalid.

    The shop's error page cannot be rendered, because the links on the page need a valid host.
    """
    # If the ``Host`` header is invalid, Werkzeug returns "" as the host, raises UnicodeError, or
    # does not route the request.
    with suppress(UnicodeError):
        is_refused = getattr(request.routing_exception, "code", None) == 400
        if request.host and request.url_root and not is_refused:
            return None
    return Response(
        "The Host header of this request is not a valid host name.", 400, mimetype="text/plain"
    )
