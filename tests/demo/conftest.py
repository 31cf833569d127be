"""A demo for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.demo.support import create_demo


@pytest.fixture
def demo(tmp_path: Path) -> Flask:
    """The demo in its tests, in which nothing has happened yet."""
    return create_demo(tmp_path)


@pytest.fixture
def one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check on an iPhone only."""
    monkeypatch.setattr("demo_app.settings.QA_DEVICES", ["iphone"], raising=False)
