"""What a check does, and on what."""

from __future__ import annotations

import pytest

from flask_xiebao import detect_platform
from flask_xiebao.check.cases import cases
from flask_xiebao.check.devices import app_devices
from flask_xiebao.testing import DEVICES, check_entries
from tests.check.support import (
    shop,
)


@pytest.mark.parametrize("enabled", [True, False])
def test_whatever_is_done_has_a_name_of_its_own_in_both_languages(enabled: bool) -> None:
    done = cases(enabled=enabled)
    assert len({case.name for case in done}) == len(done)
    for locale in ("zh", "en"):
        assert len({case.title_in(locale) for case in done}) == len(done)
        assert all(case.should_in(locale) for case in done)


def test_the_devices_are_found_as_what_they_are() -> None:
    """Each is what stands beside it, by hand: the extension has to see the same."""
    for device in DEVICES.values():
        assert str(int(detect_platform(device.headers))) == device.platform, device.name
    for device in app_devices("ShopApp/3.2"):
        found = detect_platform(device.headers, app_user_agent=r"ShopApp/")
        assert str(int(found)) == device.platform, device.name


def test_the_devices_have_names_of_their_own() -> None:
    titles = [device.title_in(locale) for device in DEVICES.values() for locale in ("zh", "en")]
    assert len({title for title in titles if title}) >= len(DEVICES)
    assert {device.name for device in DEVICES.values()} == DEVICES.keys()


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        ("ShopApp/", "ShopApp/"),
        (r"ShopApp/[\d.]+", "ShopApp/1.0"),
        (r"\bShop\.App", "Shop.App"),
        (r"(?i)shopapp/\d+\.\d+", "shopapp/1.0"),
        ("[A-Z]hop", None),
    ],
)
def test_a_sample_of_an_app_is_guessed_from_its_pattern(pattern: str, sample: str | None) -> None:
    app = shop(XIEBAO_APP_USER_AGENT=pattern)
    report = check_entries(app, only=["product-plain"])
    assert report.passed, str(report)
    apps = {
        r.device.user_agent.rpartition(" ")[2] for r in report.results if "app-" in r.device.name
    }
    assert apps == ({sample} if sample else set())
    assert any("cannot be guessed" in each for each in report.notes_in("en")) == (sample is None)
    given = check_entries(app, only=["product-plain"], app_user_agent="Xhop/1")
    assert given.passed == bool(sample is None)
