"""Tests for ``insurance_qr``, the macro for QR codes on pages.

``tests/deep/test_qr_codes.py`` tests whether scanners can read blurred and noisy codes.
"""

from __future__ import annotations

import pytest

from tests import qr
from tests.page.support import QR_CODE
from tests.support import (
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    parse_html,
)

QR_CODE_OF_ALICE = f'{{{{ insurance_qr("{PRODUCT_CODE}", member="alice", no_login_for=60) }}}}'


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


@pytest.mark.parametrize("public_url", [None, "https://shop.example/m"])
@pytest.mark.parametrize(
    ("source", "scanned_by", "member"),
    [
        (QR_CODE, "bob", "bob"),
        (QR_CODE.replace(")", ", external=false)"), "bob", "bob"),
        (QR_CODE_OF_ALICE, None, "alice"),
    ],
    ids=["scanned by member", "external=false", "link without login"],
)
def test_scanned_qr_code_opens_product_page(
    make_site: MakeSite, public_url: str | None, source: str, scanned_by: str | None, member: str
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=public_url)
    base_url = public_url or "http://localhost"

    url = qr.read(site.render(source).text)
    assert url.startswith(f"{base_url}/xiebao/product/")

    site.log_in(scanned_by)
    verdict = assert_gateway_accepts(site.follow(url.removeprefix(base_url)))
    assert (verdict.page, verdict.member) == ("product", member)
    assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE
