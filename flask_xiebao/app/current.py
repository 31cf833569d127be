"""The app that a request is for, or whose context was entered."""

from __future__ import annotations

from flask import Flask, current_app


def this_app() -> Flask:
    """Return the current app itself, where its proxy would not do."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
