"""Only for QA: the console at ``/qa``, and the component catalog at ``/widgets/``."""

from __future__ import annotations

from flask import Flask

from . import catalog, console, events


def init_app(app: Flask) -> None:
    """Add the console and the catalog to the app, and store events for the console."""
    app.register_blueprint(catalog.pages)
    app.register_blueprint(console.pages)
    events.init_app(app)
