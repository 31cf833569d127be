"""The language switch in the header of the shop's pages.

Flask-Xiebao does not need this module, because the extension uses Flask-Babel's language for its
buttons and pages.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, has_request_context, request, session, url_for
from flask_babel import Babel, get_locale

#: The names of the languages, by the value of the query parameter ``lang``.
LANGUAGES = {"en": "English", "zh": "中文"}


def get_language() -> str:
    """Return the current language, ``en`` or ``zh``."""
    return "zh" if get_locale().language == "zh" else "en"


def init_app(app: Flask) -> None:
    """Show pages in the language that the visitor has chosen, or in the default language."""
    Babel(app, locale_selector=_select_locale)
    app.before_request(_store_language)
    app.context_processor(_add_language_variables)


def _select_locale() -> str | None:
    """Return the language that the visitor has chosen, or None for the default language."""
    return session.get("language") if has_request_context() else None


def _store_language() -> None:
    if request.args.get("lang") in LANGUAGES:
        session["language"] = request.args["lang"]


def _add_language_variables() -> dict[str, Any]:
    """Pass the current language, and the URLs that depend on it, to all templates."""
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
        # The URL to redirect to after the login, which is the order page if no view matches the
        # request. The URL has no "lang", because the visitor may choose the other language on the
        # login page.
        "this_page": (
            url_for("shop.order")
            if request.routing_exception
            else f"{request.script_root}{request.path}{query}"
        ),
    }
