"""Only for the demo: settings and tables, so that the demo starts without any preparation."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from sqlalchemy import inspect, text
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from .extensions import db
from .logs import mask_sign
from .policies import Purchase


def init_app(app: Flask) -> None:
    """Complete the settings of the demo, after the environment variables were read."""
    # If the environment has a partner id or an API key, remove the settings of the example account.
    # Otherwise, the extension would not notice that the other value is missing.
    if os.environ.keys() & {"FLASK_XIEBAO_PARTNER_ID", "FLASK_XIEBAO_API_KEY"}:
        for name in ("XIEBAO_PARTNER_ID", "XIEBAO_API_KEY", "XIEBAO_BASE_URL"):
            if f"FLASK_{name}" not in os.environ:
                del app.config[name]
    folder = Path(app.instance_path)
    folder.mkdir(parents=True, exist_ok=True)
    if app.config["SECRET_KEY"] is None:
        app.config["SECRET_KEY"] = _load_secret_key(folder / "secret_key")
    app.context_processor(_add_gateway_variables)
    for name in ("werkzeug", "gunicorn.access"):
        logging.getLogger(name).addFilter(mask_sign)


def _load_secret_key(file: Path) -> str:
    """Return the secret key from a file, so that all workers share it, also after a restart.

    If the file does not exist, create it with a random key.
    """
    if not file.exists():
        with NamedTemporaryFile(dir=file.parent) as draft:
            Path(draft.name).write_text(secrets.token_hex())
            # If another worker has created the file first, use that worker's secret key.
            with suppress(FileExistsError):
                file.hardlink_to(draft.name)
    return file.read_text()


def _add_gateway_variables() -> dict[str, Any]:
    """Pass the variables ``simulated`` and ``on_this_machine`` to all templates."""
    site_url = current_app.config.get("XIEBAO_PUBLIC_URL") or request.host_url
    return {
        # True if the site has the gateway simulator.
        "simulated": "xiebao_gateway" in current_app.blueprints,
        # True if phones cannot open the site, because its host is this computer.
        "on_this_machine": urlsplit(site_url).hostname in ("127.0.0.1", "localhost", "::1"),
    }


def create_tables(app: Flask) -> None:
    """Create the tables, and add columns that are missing in a database of an earlier version.

    In your shop, migrate the database with Flask-Migrate instead.
    """
    with app.app_context():
        # If two processes start at the same time, db.create_all() fails in one of them, because the
        # other one has just created a table.
        for table in db.metadata.sorted_tables:
            db.session.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                db.session.execute(CreateIndex(index, if_not_exists=True))
        existing_columns = {
            column["name"] for column in inspect(db.engine).get_columns(Purchase.__tablename__)
        }
        for column in Purchase.__table__.columns:
            if column.name not in existing_columns:
                definition = CreateColumn(column).compile(db.engine)
                db.session.execute(
                    text(f"ALTER TABLE {Purchase.__tablename__} ADD COLUMN {definition}")
                )
        db.session.commit()
