"""Tests for ``insurance_qr``, the macro for QR codes on pages.

``tests/deep/test_qr_codes.py`` tests whether scanners can read blurred and noisy codes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests import qr
from tests.page.support import QR_CODE
from tests.support import (
    PRODUCT_CODE,
    MakeSite,
    Site,
    find_element,
    parse_html,
)


def test_qr_code_is_inline_svg_with_accessible_name(site: Site) -> None:
    page = site.render(QR_CODE)
    assert find_element(page, "svg.xiebao-qr").attrs == {
        "aria-label": "用手机扫码投保",
        "class": ["xiebao-qr"],
        "height": "180",
        "lang": "zh-CN",
        "role": "img",
        "width": "180",
    }
    assert not parse_html(page).select("img, a")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("public_url", [None, "https://shop.example/m"])
@pytest.mark.parametrize(
    ("keywords", "options"),
    [
        ("", {}),
        ("external=false", {}),
        ('member="alice", no_login_for=60', {"member": "alice", "no_login_for": 60}),
    ],
)
def test_qr_code_contains_absolute_link(
    make_site: MakeSite, public_url: str | None, keywords: str, options: dict[str, Any]
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=public_url)
    link = site.link("product", **options)
    page = site.render(f'{{{{ insurance_qr("{PRODUCT_CODE}", {keywords}) }}}}')
    assert qr.read(page.text) == f"{public_url or 'http://localhost'}{link}"
