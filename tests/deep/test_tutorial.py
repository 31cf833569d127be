"""Tests for the shop of the tutorial, as it is after each page except the last page.

``tests/manual/test_tutorial.py`` tests the shop as it is after the last page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manual.blocks import grow_shop
from tests.manual.test_tutorial import PAGES, assert_shop_works


@pytest.mark.parametrize("page", PAGES[:-1])
def test_tutorial_shop_passes_tests_and_doctor_after_each_page(page: str, tmp_path: Path) -> None:
    grow_shop(tmp_path / "site", page)
    assert_shop_works(tmp_path / "site", page)
