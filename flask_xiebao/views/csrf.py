"""Lets what comes from outside of a site past its guard against forged requests."""

from __future__ import annotations

from flask import Blueprint, current_app, request


def exempt(blueprint: Blueprint) -> None:
    """Have Flask-WTF let the requests to a blueprint through, whichever of the two is there first.

    The site writes nothing for it. Other guards are the site's to tell.
    """
    # Before all hooks that may answer a request.
    blueprint.url_value_preprocessor(_exempt)


def _exempt(_endpoint: str | None, _values: object) -> None:
    exempt = getattr(current_app.extensions.get("csrf"), "exempt", None)
    if exempt is not None and request.blueprint is not None:
        exempt(current_app.blueprints[request.blueprint])
