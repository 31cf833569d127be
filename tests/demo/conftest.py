"""Fixtures for the tests of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.demo.support import ONE_DEVICE, create_demo, open_client


@pytest.fixture
def demo(tmp_path: Path) -> Flask:
    """The demo with the gateway simulator, without events. Its check runs only for an iPhone."""
    return create_demo(tmp_path, **ONE_DEVICE)


@pytest.fixture
def client(demo: Flask) -> FlaskClient:
    """A phone's test client, in which the member Lin Xiao is logged in to the demo."""
    return open_client(demo)
