"""山野: a shop for guided trips."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import auth, models, orders, trips
from .extensions import cache, csrf, db, login_manager


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Create the app of the shop.

    :param config: Settings for tests. They override the shop's settings.
    """
    app = Flask(__name__)
    app.config.from_object("shop.settings")
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})

    db.init_app(app)
    login_manager.init_app(app)
    csrf.init_app(app)
    cache.init_app(app)

    app.register_blueprint(auth.pages)
    app.register_blueprint(trips.pages)
    app.register_blueprint(orders.pages)
    app.cli.add_command(models.init_db)
    app.cli.add_command(models.add_samples)
    return app
