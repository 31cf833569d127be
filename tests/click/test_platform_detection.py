"""Tests for the platform of a click, which depends on the link, query string and device.

To test another combination, add a row to ``PLATFORMS``. To test a new browser, add
its User-Agent here and also to ``SAMPLES`` in ``tests/unit/ua_samples.py``, because the tests in
``tests/unit/test_platforms.py`` detect the platform from the User-Agent alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_xiebao import Platform
from tests.click.support import WECHAT_ON_HARMONY
from tests.support import PC, PHONE, MakeSite, assert_gateway_accepts

IOS_APP = {"User-Agent": PHONE["User-Agent"] + " ShopApp/3.1"}
#: One row per click: a name, the platform of the link, the query string, the request headers of the
#: device, and the expected platform.
PLATFORMS: dict[str, tuple[Any, str, dict[str, str], Platform]] = {
    "phone": (None, "", PHONE, Platform.H5),
    "PC": (None, "", PC, Platform.PC),
    "iOS app": (None, "", IOS_APP, Platform.IOS),
    "Android app": (
        *(None, ""),
        {"User-Agent": "Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1"},
        Platform.ANDROID,
    ),
    "WeChat on HarmonyOS": (None, "", WECHAT_ON_HARMONY, Platform.H5),
    "query h5 on PC": (None, "?platform=h5", PC, Platform.H5),
    "query pc on phone": (None, "?platform=pc", PHONE, Platform.PC),
    "query ios on PC": (None, "?platform=ios", PC, Platform.IOS),
    "query android on PC": (None, "?platform=android", PC, Platform.ANDROID),
    "query h5 in iOS app": (None, "?platform=h5", IOS_APP, Platform.H5),
    "empty query on PC": (None, "?platform=", PC, Platform.PC),
    "platform code in query": (None, "?platform=1", PC, Platform.PC),
    "unknown platform in query": (None, "?platform=windows", PHONE, Platform.H5),
    "upper case in query": (None, "?platform=PC", PHONE, Platform.H5),
    "NUL in query": (None, "?platform=%00", PHONE, Platform.H5),
    "two platforms in query": (None, "?platform=nonsense&platform=ios", PHONE, Platform.H5),
    "link ios and query android": (Platform.IOS, "?platform=android", PC, Platform.IOS),
    "link android on phone": ("android", "", PHONE, Platform.ANDROID),
    "link h5 and query pc": ("h5", "?platform=pc", PC, Platform.H5),
    "link pc on phone": ("pc", "", PHONE, Platform.PC),
}


@pytest.mark.parametrize(
    ("link_platform", "query", "device", "expected"), PLATFORMS.values(), ids=PLATFORMS
)
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
