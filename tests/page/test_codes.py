"""QR codes on pages: how they look and what they say; ``tests/deep`` sees them as cameras do."""

from __future__ import annotations

import pytest

from tests import qr
from tests.page.support import QR
from tests.support import (
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    parse_html,
)

OF_ALICE = f'{{{{ insurance_qr("{PRODUCT_CODE}", member="alice", no_login_for=60) }}}}'


def test_a_code_is_an_inline_picture_with_a_name(site: Site) -> None:
    page = site.render(QR)
    picture = find_element(page)
    assert picture.name == "svg"
    assert picture.attrs == {
        "aria-label": "用手机扫码投保",
        "class": ["xiebao-qr"],
        "height": "180",
        "lang": "zh-CN",
        "role": "img",
        "width": "180",
    }
    assert not parse_html(page).select("img, a")


@pytest.mark.parametrize("public", [None, "https://shop.example/m"])
@pytest.mark.parametrize(
    ("source", "scanned_by", "member"),
    [
        (QR, "bob", "bob"),
        (QR.replace(")", ", external=false)"), "bob", "bob"),
        (OF_ALICE, None, "alice"),
    ],
)
def test_a_code_leads_whoever_scans_it_to_the_product(
    make_site: MakeSite, public: str | None, source: str, scanned_by: str | None, member: str
) -> None:
    site, origin = make_site(XIEBAO_PUBLIC_URL=public), public or "http://localhost"
    url = qr.read(site.render(source).text)
    assert url.startswith(f"{origin}/xiebao/product/")
    site.log_in(scanned_by)
    verdict = assert_gateway_accepts(site.follow(url.removeprefix(origin)))
    assert (verdict.page, verdict.member) == ("product", member)
    assert dict(verdict.parameters)["caseCode"] == PRODUCT_CODE
