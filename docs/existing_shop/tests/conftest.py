from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from shop import create_app
from shop.extensions import db
from shop.models import add_samples, init_db


@pytest.fixture
def app() -> Iterator[Flask]:
    app = create_app(
        {"TESTING": True, "WTF_CSRF_ENABLED": False, "SQLALCHEMY_DATABASE_URI": "sqlite://"}
    )
    for command in (init_db, add_samples):
        app.test_cli_runner().invoke(command, catch_exceptions=False)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client that is logged in as 林晓, the member with the id 1."""
    client = app.test_client()
    client.post("/login", data={"email": "lin@shanye.example", "password": "shanye"})
    return client
