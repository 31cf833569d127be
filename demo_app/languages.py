"""The language of the demo's pages, which visitors choose in the header."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, get_locale

#: The languages of the demo, by the code that ``?lang=`` has.
LANGUAGES = {"en": "English", "zh": "中文"}


def get_language() -> str:
    """Return the code of the current language."""
    return "zh" if get_locale().language == "zh" else "en"


def init_app(app: Flask) -> None:
    """Show each visitor the language of their choice, or else BABEL_DEFAULT_LOCALE."""
    Babel(app, locale_selector=_select_locale)
    app.before_request(_keep_choice)
    app.context_processor(_add_language)


def _select_locale() -> str | None:
    """Return the visitor's language, or None for the default."""
    return session.get("language") if has_request_context() else None


def _keep_choice() -> None:
    if request.args.get("lang") in LANGUAGES:
        session["language"] = request.args["lang"]


def _add_language() -> dict[str, Any]:
    """Give every template the language, and the address of this page in the other language."""
    language = get_language()
    other_language = "en" if language == "zh" else "zh"
    arguments = {name: value for name, value in request.args.items() if name != "lang"}
    query = f"?{urlencode(arguments)}" if arguments else ""
    return {
        "language": language,
        "lang_attribute": {"en": "en", "zh": "zh-CN"},
        "other_language": other_language,
        "other_language_name": LANGUAGES[other_language],
        "other_language_url": f"?{urlencode({**arguments, 'lang': other_language})}",
        # The page to return to after the sign-in. An error page is replaced by the order page. The
        # URL has no "lang", because the visitor may choose the other language before the sign-in.
        "this_page": "/" if request.routing_exception else f"{request.path}{query}",
    }
