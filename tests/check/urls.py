"""URLs of the gateway's pages, made by hand, and a simulator that reads them."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from bs4 import Tag

from flask_xiebao.testing import GatewaySimulator
from tests.support import SIGN, parse_html

SHOP = "https://shop.example/orders/8?from=保险&ok=1"
PAY_SUCCESS = base64.b64encode(SHOP.encode()).decode()

PRODUCT = "/dispatch/cps"
HOME = "/dispatch/cps/index"
POLICY = "/dispatch/cps/insureDetail"
OWN = {"partnerId": "12345", "sign": SIGN}
MEMBER = {"subPartnerId": "", "partnerUniqKey": "101000"}
GOOD = {
    PRODUCT: {**OWN, **MEMBER, "caseCode": "QX000000127257"},
    HOME: {**OWN, **MEMBER},
    POLICY: {**OWN, "insureNum": "20190226020146"},
}
SIMULATOR = GatewaySimulator("12345", "Key", also_known=("toLogin", "isApp"))
BROWSER = SIMULATOR.create_app().test_client()


def url(page: str, without: str = "", **changes: str) -> str:
    parameters = {**GOOD[page], **changes}
    return f"{page}?{urlencode({k: v for k, v in parameters.items() if k != without})}"


def encoded(address: str | bytes) -> str:
    raw = address if isinstance(address, bytes) else address.encode()
    return base64.b64encode(raw).decode()


def page_at(address: str) -> tuple[int, Tag]:
    response = BROWSER.get(address)
    return response.status_code, parse_html(response)
