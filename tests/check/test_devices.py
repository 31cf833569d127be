"""Tests for the devices that ``flask xiebao check`` simulates."""

from __future__ import annotations

from typing import Any

import pytest

from flask_xiebao import detect_platform
from flask_xiebao.testing import DEVICES, Device, check_entries
from tests.check.support import ENTRY, make_shop


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        ({}, {"iphone", "pc"}),
        ({"devices": iter(["mac", "android", "mac"])}, {"mac", "android"}),
        ({"devices": "all"}, set(DEVICES)),
    ],
    ids=["default", "requested devices", "all"],
)
def test_check_clicks_on_default_or_requested_devices(
    options: dict[str, Any], devices: set[str]
) -> None:
    report = check_entries(make_shop(page=ENTRY), pages=["/page"], **options)

    assert report.passed, str(report)
    assert {device.name for device in report.devices} == devices
    places = [
        *(("", name) for name in ("product-plain", "product-visitor", "product-changed")),
        *(("/page", entry) for entry in ("", "product QX1")),
    ]
    clicks = [(each.page, each.entry, each.device.name) for each in report.results if each.device]
    assert sorted(clicks) == sorted((*place, device) for place in places for device in devices)


def test_public_device_names_are_unchanged() -> None:
    """Device names are used in commands and URLs, which a renamed or removed device would break."""
    assert set(DEVICES) >= {
        *("pc", "mac", "uos", "harmony-pc", "wechat-pc", "wechat-mac", "ipad-desktop"),
        *("iphone", "ipad", "android", "android-tablet", "android-tablet-desktop"),
        *("harmony", "harmony-tablet", "harmony-4"),
        *("wechat", "wechat-ipad", "wechat-android", "wechat-harmony"),
        *("alipay", "alipay-android", "alipay-harmony"),
    }
    assert [device.name for device in DEVICES.values()] == list(DEVICES)


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES)
def test_platform_of_device_is_detected(device: Device) -> None:
    assert f"{detect_platform(device.headers):d}" == device.platform


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_titles_of_devices_are_unique(locale: str) -> None:
    assert len({device.title_in(locale) for device in DEVICES.values()}) == len(DEVICES)
