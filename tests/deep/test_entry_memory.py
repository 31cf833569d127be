"""Tests that the extension does not keep HTML attributes of insurance entries in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.page.support import measure_retained_memory
from tests.support import MakeSite

#: A text so long that a cache with the text of each page would exceed the memory limit of the test.
LONG = "x" * 400_000


@pytest.mark.parametrize("enabled", [True, False], ids=["enabled site", "disabled site"])
@pytest.mark.parametrize(
    "build_attributes",
    [
        lambda number: {"data_x": f"{number} {LONG}"},
        lambda number: dict.fromkeys(("title", "class"), f"{number} {LONG}"),
        lambda number: {"class_": f"{' ' * 400_000}{number}"},
        lambda number: {"data_x": f"{number} {LONG}", "data-x": "the last value is used"},
        lambda number: {f"data-{number}-{place}{'x' * 60}": None for place in range(150)},
    ],
    ids=[
        "long value",
        "two long values",
        "long whitespace",
        "long value that is overridden",
        "many attributes",
    ],
)
def test_attributes_of_entries_do_not_stay_in_memory(
    make_site: MakeSite, build_attributes: Callable[[int], dict[str, Any]], enabled: bool
) -> None:
    site = make_site(XIEBAO_ENABLED=enabled)

    def render_entry(number: int) -> None:
        site.render("{{ insurance_entry('1', **attributes) }}", attributes=build_attributes(number))
        site.context = {}

    assert measure_retained_memory(render_entry) < 250_000
