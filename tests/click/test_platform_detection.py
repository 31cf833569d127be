"""Tests for the platform of a click: that of the link, of the query string or of the device.

To test another combination, add a row to ``PLATFORMS``. The detection of the platform from the
User-Agent alone is tested in ``tests/unit/test_platforms.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_xiebao import Platform
from tests.support import PC, PHONE, MakeSite, assert_gateway_accepts

IOS_APP = {"User-Agent": PHONE["User-Agent"] + " ShopApp/3.1"}
#: One row per click: the platform of the link, the query string, the request headers of the device,
#: and the expected platform.
PLATFORMS = [
    (None, "", PHONE, Platform.H5),
    (None, "", PC, Platform.PC),
    (None, "", IOS_APP, Platform.IOS),
    (
        *(None, ""),
        {"User-Agent": "Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1"},
        Platform.ANDROID,
    ),
    (None, "?platform=h5", PC, Platform.H5),
    (None, "?platform=pc", PHONE, Platform.PC),
    (None, "?platform=ios", PC, Platform.IOS),
    (None, "?platform=android", PC, Platform.ANDROID),
    (None, "?platform=h5", IOS_APP, Platform.H5),
    (None, "?platform=", PC, Platform.PC),
    (None, "?platform=1", PC, Platform.PC),
    (None, "?platform=windows", PHONE, Platform.H5),
    (None, "?platform=PC", PHONE, Platform.H5),
    (None, "?platform=%00", PHONE, Platform.H5),
    (None, "?platform=nonsense&platform=ios", PHONE, Platform.H5),
    (Platform.IOS, "?platform=android", PC, Platform.IOS),
    ("android", "", PHONE, Platform.ANDROID),
    ("h5", "?platform=pc", PC, Platform.H5),
    ("pc", "", PHONE, Platform.PC),
]


@pytest.mark.parametrize(("link_platform", "query", "device", "expected"), PLATFORMS)
def test_platform_of_link_precedes_query_string_and_device(
    make_site: MakeSite,
    link_platform: Any,
    query: str,
    device: dict[str, str],
    expected: Platform,
) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    response = site.follow(site.link("product", platform=link_platform) + query, device)
    assert assert_gateway_accepts(response).platform == expected
