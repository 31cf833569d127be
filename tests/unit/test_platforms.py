"""Tests for ``Platform`` and ``detect_platform``.

To test the User-Agent of another device or browser, add a ``UserAgentSample`` to ``ua_samples.py``.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from flask_xiebao import Platform, detect_platform
from tests.unit.support import short_id
from tests.unit.ua_samples import H5, PC, SAMPLES, UserAgentSample

IOS, ANDROID = Platform.IOS, Platform.ANDROID

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36"
)
LINUX = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36"
)
ANDROID_PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Mobile Safari/537.36"
)
ANDROID_TABLET = ANDROID_PHONE.replace("Mobile ", "")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
WECHAT = f"{IPHONE} MicroMessenger/8.0.49 NetType/WIFI"
IPAD_AS_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Mobile/15E148"
)
HARMONY_PHONE = "Mozilla/5.0 (Phone; OpenHarmony 5.0) Chrome/114.0.0.0 ArkWeb/4.1.6.1 Mobile"
HARMONY_PC = HARMONY_PHONE.replace("Phone", "PC")


def detect_with_hints(agent: object, mobile: object = None, system: object = None) -> Platform:
    """Return the platform that is detected from a User-Agent and from two client hints."""
    return detect_platform(
        {"User-Agent": agent, "Sec-CH-UA-Mobile": mobile, "Sec-CH-UA-Platform": system}
    )


# User-Agents


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.source)
def test_user_agent_is_detected_in_any_case(sample: UserAgentSample) -> None:
    assert detect_with_hints(sample.agent) is sample.platform, sample.source
    assert detect_with_hints(sample.agent.upper()) is sample.platform


def test_user_agent_samples_are_distinct_and_have_sources() -> None:
    sources = {sample.source for sample in SAMPLES}
    assert len({sample.agent for sample in SAMPLES}) == len(sources) == len(SAMPLES)
    assert "" not in sources


#: Parts of User-Agents with a keyword that identifies a phone, a tablet or an e-reader.
HANDHELDS = [
    *("(Mobile; rv:26.0)", "(Tablet; rv:26.0)", "Kobo eReader", "Kindle/2.5", "PocketBook/801"),
    *("UCWEB7.0.2.37", "UCBrowser/12.9", "MQQBrowser/11.3", "XiaoMi/MiuiBrowser/14.6"),
    *("VivoBrowser/16.7", "HeyTapBrowser/40.8", "(Series 60; Opera Mini/7.1)"),
    *("(S60; SymbOS; Opera Mobi/499)", "Silk/1.1.0", "OpenHarmony/5.0", "(HarmonyOS 5.0)"),
    *("HarmonyOS/5.0", "(Windows CE; PPC; 240x320)", "(SymbianOS/9.3)", "KaiOS Downloader"),
    *("(PalmOS; U)", "(PalmSource/Palm-D050)", "(webOS/1.4.5; U)", "Maemo Browser 1.5.6"),
    *("Profile/MIDP-2.0", "Configuration/CLDC-1.1", "UP.Browser/6.2", "SIE-C55/12 UP/4.1.19"),
    *("R380 WAP1.1", "(MAUI;WAP)", "(KC4A; BREW; U)", "REX/1.0;BREW/3.1.5", "NetFront/3.0"),
    *("DoCoMo/2.0 SH2101V", "Nokia6230/2.0", "SonyEricssonT68/R201A"),
    "(Windows NT 10.0; ARM; Lumia 950)",
]
#: Model names of laptops and desktop computers that run Android.
LAPTOPS = [
    *("HP Chromebook 14", "Google Pixelbook", "GOCLEVER Netbook R103", "A1 NoteBook", "Laptop 15"),
    *("Engage One AIO System", "Subsystem for Android(TM)", "Aspire 4349", "TravelMate B118"),
    *("Extensa 215", "EasyNote TE11", "Inspiron 3521", "Latitude E6430", "Vostro 3546"),
    *("OptiPlex 3050", "HP EliteBook 840", "HP ProBook 450", "HP ZBook 15", "HP Pavilion 15"),
    *("Compaq 610", "SATELLITE C55", "TECRA R850", "PORTEGE Z30", "ThinkCentre M720"),
    *("VivoBook 15", "ZenBook 13", "LIFEBOOK A555", "MacBookPro11,1", "VAIO Fit 15"),
]


@pytest.mark.parametrize(
    ("agent", "platform"),
    [
        *[(f"Mozilla/5.0 {words}", H5) for words in HANDHELDS],
        *[(ANDROID_TABLET.replace("; K)", f"; {model})"), PC) for model in LAPTOPS],
        ("Mozilla/5.0 (Linux; Android 9; HP Chromebook 14) Chrome/80.0 Mobile Safari/537.36", H5),
        ("Mozilla/5.0 (Linux; Android 10; Lenovo IdeaPad Tablet) Chrome/80.0 Safari/537.36", H5),
        # The User-Agent of WeChat on a desktop computer may claim to be an iPhone, but the platform
        # is PC.
        (WECHAT, H5),
        *[
            (f"{WECHAT} {word}", PC)
            for word in ("WindowsWechat", "MacWechat", "UnifiedPCWindowsWechat(0xf2)")
        ],
        ("Mozilla/5.0 (PC; HarmonyOS 5.0) Mobile", PC),
        ("Mozilla/5.0 (PC;OpenHarmony 5.0) Mobile", PC),
        # The platform of a missing, empty or invalid User-Agent is PC.
        *[(agent, PC) for agent in ("", "  ", None, b"iPhone", 8, ["iPhone"], "\0", "携保")],
        # Only the first 512 characters of a User-Agent decide the platform.
        ("x" * 505 + " iphone", H5),
        ("x" * 506 + " iphone", PC),
    ],
    ids=short_id,
)
def test_keyword_in_user_agent_decides_platform(agent: object, platform: Platform) -> None:
    assert detect_with_hints(agent) is platform


@pytest.mark.parametrize("filler", ["x", "(", "(PC ", "ios", "cfnetwork/1 ", "windows nt 1", "İ"])
@pytest.mark.parametrize("agent", [WINDOWS, ANDROID_PHONE, IPHONE, HARMONY_PC], ids=short_id)
def test_only_first_512_characters_of_user_agent_count(agent: str, filler: str) -> None:
    megabyte = f"{agent} {filler * 1_000_000}"[:1_000_000]
    expected = detect_with_hints(megabyte[:512])
    assert detect_with_hints(f"{megabyte} iPhone WindowsWechat OpenHarmony Mobile") is expected


# Client hints


@pytest.mark.parametrize(
    ("agent", "mobile", "system", "platform"),
    [
        *[(agent, "?1", None, H5) for agent in (None, "", WINDOWS, LINUX, ANDROID_PHONE)],
        *[
            (WINDOWS, "?1", system, H5)
            for system in ('"Windows"', '"macOS"', '"Linux"', '"Chrome OS"')
        ],
        # An Android device is a tablet if its client hint "mobile" is false, so the platform is H5.
        *[(agent, "?0", '"Android"', H5) for agent in (None, WINDOWS, LINUX, ANDROID_TABLET)],
        (WINDOWS, None, '"iOS"', H5),
        *[
            (agent, "?0", system, PC)
            for agent in (None, WINDOWS, ANDROID_PHONE)
            for system in ('"Windows"', '"macOS"', '"Linux"', '"Chrome OS"', '"Chromium OS"')
        ],
        # Without a client hint for the operating system, the client hint "not mobile" does not
        # decide the platform.
        (None, "?0", None, PC),
        (WINDOWS, "?0", None, PC),
        (ANDROID_TABLET, "?0", None, H5),
        # Client hints with malformed or unknown values are ignored.
        *[
            (WINDOWS, mobile, None, PC)
            for mobile in (
                *("1", "true", "?true", "? 1", "?2", '"?1"', "?1?1", "?1, ?1", "", 1, True, b"?1"),
            )
        ],
        *[
            (agent, "?0", system, platform)
            for agent, platform in ((WINDOWS, PC), (ANDROID_TABLET, H5))
            for system in (
                *("Android", "'Android'", '"Android', '""Android""', '"Amiga"', '""', ""),
                *(b'"Android"', list[str]()),
            )
        ],
        # Spaces before and after a client hint are ignored.
        (WINDOWS, " ?1 ", None, H5),
        (WINDOWS, None, ' "Android" ', H5),
        # The device type in the User-Agent of HarmonyOS takes precedence over the client hints.
        (HARMONY_PC, "?1", '"Android"', PC),
        (HARMONY_PHONE, "?0", '"Linux"', H5),
    ],
    ids=short_id,
)
def test_client_hints_override_user_agent(
    agent: object, mobile: object, system: object, platform: Platform
) -> None:
    assert detect_with_hints(agent, mobile, system) is platform


# The site's mobile app


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (f"{IPHONE} ShopApp/3.2", IOS),
        (f"{IPAD_AS_MAC} ShopApp/3.2", IOS),
        (f"{IPHONE.replace('iPhone', 'iPad')} ShopApp/3.2", IOS),
        (f"{IPHONE.replace('iPhone', 'iPod')} ShopApp/3.2", IOS),
        ("ShopApp/3.2 (iPad; iOS 17.4; Scale/2.00)", IOS),
        ("ShopApp/3.2 (cn.example.shop; build:12; iOS 17.4.0) Alamofire/5.8.1", IOS),
        ("ShopApp/ios/3.2", IOS),
        ("ShopApp/12 CFNetwork/1494.0.7 Darwin/23.4.0", IOS),
        (f"{ANDROID_PHONE} ShopApp/3.2", ANDROID),
        (f"{ANDROID_TABLET} ShopApp/3.2", ANDROID),
        ("ShopApp/3.2 okhttp/4.12.0", ANDROID),
        ("Dalvik/2.1.0 (Linux; U; Android 14; V2417A) ShopApp/3.2", ANDROID),
        ("ShopApp/3.2 (Linux; Android 11; HP Chromebook 14)", ANDROID),
        ("ShopApp/3.2 (Linux; Android 12; HarmonyOS; ADA-AL00)", ANDROID),
        (f"{HARMONY_PHONE} ShopApp/3.2", H5),
        (HARMONY_PHONE.replace("Phone", "Tablet") + " ShopApp/3.2", H5),
        ("ShopApp/3.2 OpenHarmony/5.0", H5),
        ("ShopApp/3.2 (HarmonyOS 5.0)", H5),
        ("ShopApp/3.2 HarmonyOS/5.0", H5),
        ("ShopApp/3.2 (Windows Phone 8.1; Android 4.0) like iPhone OS 7_0_3", H5),
        (f"{HARMONY_PC} ShopApp/3.2", PC),
        (f"{WINDOWS} ShopApp/3.2 Electron/32.0.0", PC),
        (f"{LINUX} ShopApp/3.2 Electron/32.0.0", PC),
        ("ShopApp/12 CFNetwork/596.5 Darwin/12.5.0 (x86_64) (MacBookAir4%2C1)", PC),
        ("ShopApp/3.2 (Studios 4.1; Iosevka)", PC),
        # The name of the app is only searched for in the first 512 characters of the User-Agent.
        (f"{IPHONE}{' ' * 1000}ShopApp/3.2", H5),
    ],
)
@pytest.mark.parametrize(
    "pattern", ["ShopApp/", re.compile(r"shopapp/\w", re.IGNORECASE)], ids=["text", "compiled"]
)
def test_app_user_agent_is_detected_as_ios_or_android_app(
    agent: str, expected: Platform, pattern: str | re.Pattern[str]
) -> None:
    assert detect_platform({"User-Agent": agent}, app_user_agent=pattern) is expected


@pytest.mark.parametrize(
    ("headers", "pattern", "platform"),
    [
        # If the pattern does not match the User-Agent, the request is not from the app, so the
        # platform is H5.
        *[
            ({"User-Agent": agent}, pattern, H5)
            for agent in (IPHONE, IPAD_AS_MAC, ANDROID_PHONE, "okhttp/4.12.0 Shop")
            for pattern in (None, "", "ShopApp/", "^iPhone", "shop")
        ],
        ({"User-Agent": "ShopApp/3.2", "Sec-CH-UA-Platform": '"Android"'}, "ShopApp", ANDROID),
        ({"User-Agent": "ShopApp/3.2", "Sec-CH-UA-Platform": '"Android"'}, None, H5),
        ({"User-Agent": f"{IPHONE} ShopApp/3.2", "Sec-CH-UA-Mobile": "?1"}, "ShopApp", IOS),
        ({"User-Agent": f"{IPHONE} ShopApp/3.2", "Sec-CH-UA-Mobile": "?1"}, None, H5),
        # The headers can be any mapping, for example a dict or Werkzeug's ``Headers``. In
        # ``Headers``, the case of the names does not matter.
        ({}, None, PC),
        (Headers({"user-agent": IPHONE}), None, H5),
        (Headers({"sec-ch-ua-mobile": "?1"}), None, H5),
        (Headers({"user-agent": WINDOWS}), None, PC),
    ],
    ids=short_id,
)
def test_headers_and_app_pattern_decide_platform(
    headers: Any, pattern: str | None, platform: Platform
) -> None:
    assert detect_platform(headers, app_user_agent=pattern) is platform


def test_invalid_app_user_agent_pattern_raises_error() -> None:
    with pytest.raises(re.error):
        detect_platform({"User-Agent": IPHONE}, app_user_agent="ShopApp(")


# The method ``Platform.of``


def test_platform_codes_match_interface_document() -> None:
    codes = {platform.slug: int(platform) for platform in Platform}
    assert codes == {"h5": 1, "pc": 2, "ios": 3, "android": 4}


@pytest.mark.parametrize("platform", Platform)
def test_platform_of_accepts_platform_code_and_name(platform: Platform) -> None:
    slug = platform.slug
    for value in (platform, platform.value, slug, slug.upper(), slug.title()):
        assert Platform.of(value) is platform


@pytest.mark.parametrize(
    "value",
    [True, False, None, 0, 5, -1, 1.0, "1", "", " pc", "pc ", "tablet", "io\u017f", b"pc", [], {}],
    ids=repr,
)
def test_platform_of_rejects_other_values(value: object) -> None:
    with pytest.raises(ValueError, match='1 to 4, or "h5", "pc", "ios" or "android"') as error:
        Platform.of(value)
    assert str(error.value).startswith(f"{value!r} is not a platform.")
