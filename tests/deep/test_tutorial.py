"""The tutorial's shop works after each page; after the last it is in ``tests/manual``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manual.blocks import grow
from tests.manual.test_tutorial import PAGES, works_after


@pytest.mark.parametrize("page", PAGES[:-1])
def test_the_shop_works_after_each_page(page: str, tmp_path: Path) -> None:
    grow(tmp_path / "site", page)
    works_after(page, tmp_path / "site")
