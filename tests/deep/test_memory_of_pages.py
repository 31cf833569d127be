"""Nothing that belongs to one page stays in memory, whatever a site hands to a macro."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.page.support import measure_retained_memory
from tests.support import MakeSite


@pytest.mark.parametrize("enabled", [True, False], ids=["selling", "not selling"])
@pytest.mark.parametrize(
    "make",
    [
        lambda number: {"data_x": f"{number} {'x' * 400_000}"},
        lambda number: dict.fromkeys(("title", "class"), f"{number} {'x' * 400_000}"),
        lambda number: {"class_": f"{' ' * 400_000}{number}"},
        lambda number: {"data_x": f"{number} {'x' * 400_000}", "data-x": "the last one counts"},
        lambda number: {f"data-{number}-{place}{'x' * 60}": None for place in range(150)},
    ],
    ids=["long", "several", "blank", "overruled", "many"],
)
def test_neither_long_values_nor_many_attributes_stay_in_memory(
    make_site: MakeSite, make: Callable[[int], dict[str, Any]], enabled: bool
) -> None:
    site = make_site(XIEBAO_ENABLED=enabled)

    def show(number: int) -> None:
        site.render("{{ insurance_entry('1', **attributes) }}", attributes=make(number))
        site.context = {}

    assert measure_retained_memory(show) < 250_000
