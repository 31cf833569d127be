"""Build gateway URLs without the extension, and request them from the gateway simulator."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from bs4 import Tag

from flask_xiebao.testing import GatewaySimulator
from tests.support import SIGN, parse_html

RETURN_URL = "https://shop.example/orders/8?from=保险&ok=1"
PAY_SUCCESS = base64.b64encode(RETURN_URL.encode()).decode()

PRODUCT = "/dispatch/cps"
HOME = "/dispatch/cps/index"
POLICY = "/dispatch/cps/insureDetail"
_ACCOUNT = {"partnerId": "12345", "sign": SIGN}
_MEMBER = {"subPartnerId": "", "partnerUniqKey": "101000"}
#: The parameters of a valid gateway URL, by the path of the gateway page.
VALID_PARAMETERS = {
    PRODUCT: {**_ACCOUNT, **_MEMBER, "caseCode": "QX000000127257"},
    HOME: {**_ACCOUNT, **_MEMBER},
    POLICY: {**_ACCOUNT, "insureNum": "20190226020146"},
}
SIMULATOR = GatewaySimulator("12345", "Key", also_known=("toLogin", "isApp"))
BROWSER = SIMULATOR.create_app().test_client()


def build_gateway_url(path: str, without: str = "", **changes: str) -> str:
    """Return a gateway URL, by default with only valid parameters.

    :param path: the path of the gateway page.
    :param without: the name of a parameter to leave out.
    :param changes: parameters to add or to replace.
    """
    parameters = {**VALID_PARAMETERS[path], **changes}
    return f"{path}?{urlencode({k: v for k, v in parameters.items() if k != without})}"


def encode_base64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def get_status_and_page(url: str) -> tuple[int, Tag]:
    """Request a page of the gateway simulator, and return the status and the parsed page."""
    response = BROWSER.get(url)
    return response.status_code, parse_html(response)
