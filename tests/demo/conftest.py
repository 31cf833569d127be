"""Fixtures for the tests of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def demo(tmp_path: Path) -> Flask:
    """The demo app with its gateway simulator and an empty list of events.

    The check in the QA console uses only one device, an iPhone.
    """
    from tests.demo.support import ONE_DEVICE, create_demo

    return create_demo(tmp_path, **ONE_DEVICE)


@pytest.fixture
def client(demo: Flask) -> FlaskClient:
    """A test client with a phone's User-Agent, logged in to the demo as the member Lin Xiao."""
    from tests.demo.support import open_client

    return open_client(demo)
