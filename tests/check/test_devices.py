"""Tests for the devices that ``flask xiebao check`` simulates, and for its test cases."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from flask_xiebao import detect_platform
from flask_xiebao.check.cases import build_cases
from flask_xiebao.check.devices import Device, build_mobile_app_devices
from flask_xiebao.testing import DEVICES, check_entries
from tests.check.support import ENTRY, make_shop


@pytest.mark.parametrize(
    ("options", "devices_of_plain_clicks", "devices_of_other_cases"),
    [
        ({}, set(DEVICES), {"iphone", "pc"}),
        ({"devices": ["mac", "android"]}, {"mac", "android"}, {"mac", "android"}),
    ],
    ids=["default", "requested devices"],
)
def test_check_runs_cases_on_default_or_requested_devices(
    options: dict[str, Any], devices_of_plain_clicks: set[str], devices_of_other_cases: set[str]
) -> None:
    only = ["product-plain", "home-plain", "policy-plain", "product-bearer", "product-expired"]
    report = check_entries(make_shop(page=ENTRY), pages=["/page"], only=only, **options)

    assert report.passed, str(report)
    devices = defaultdict[str, set[str]](set)
    for result in report.results:
        devices[result.case.page or result.case.name].add(result.device.name)
    assert devices == {
        "product-plain": devices_of_plain_clicks,
        "home-plain": devices_of_plain_clicks,
        "policy-plain": devices_of_plain_clicks,
        "/page · product": devices_of_plain_clicks,
        "product-bearer": devices_of_other_cases,
        "product-expired": devices_of_other_cases,
    }


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
    app_names = [device.name for device in build_mobile_app_devices("ShopApp/3.2")]
    assert app_names == ["app-ios", "app-ipad", "app-android", "app-harmony"]


@pytest.mark.parametrize(
    "device",
    [*DEVICES.values(), *build_mobile_app_devices("ShopApp/3.2")],
    ids=lambda device: device.name,
)
def test_platform_of_device_is_detected(device: Device) -> None:
    platform = detect_platform(device.headers, app_user_agent=r"ShopApp/")
    assert str(int(platform)) == device.platform


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_titles_of_devices_are_unique(locale: str) -> None:
    assert len({device.title_in(locale) for device in DEVICES.values()}) == len(DEVICES)


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("enabled", [True, False])
def test_names_and_titles_of_cases_are_unique(enabled: bool, locale: str) -> None:
    cases = build_cases(enabled=enabled)
    assert len({case.name for case in cases}) == len(cases)
    assert len({case.title_in(locale) for case in cases}) == len(cases)
    assert all(case.expected_outcome_in(locale) for case in cases)
