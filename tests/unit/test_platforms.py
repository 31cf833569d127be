from __future__ import annotations

import re

import pytest
from werkzeug.datastructures import Headers

from flask_xiebao import Platform, detect_platform
from tests.unit.ua_samples import SAMPLES, Sample

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36"
)
LINUX = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Safari/537.36"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/143.0.0.0 Mobile Safari/537.36"
)
ANDROID_TABLET = ANDROID.replace("Mobile ", "")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
IPAD_AS_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Mobile/15E148"
)
HARMONY_PHONE = "Mozilla/5.0 (Phone; OpenHarmony 5.0) Chrome/114.0.0.0 ArkWeb/4.1.6.1 Mobile"
HARMONY_PC = HARMONY_PHONE.replace("Phone", "PC")


def detect(agent: object, **hints: object) -> Platform:
    """Detect from the three headers; ``mobile`` and ``system`` are the two client hints."""
    return detect_platform(
        {
            "User-Agent": agent,
            "Sec-CH-UA-Mobile": hints.get("mobile"),
            "Sec-CH-UA-Platform": hints.get("system"),
        }
    )


# -- User-Agents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.agent[:100])
def test_user_agent(sample: Sample) -> None:
    assert detect_platform({"User-Agent": sample.agent}) is sample.platform, sample.source


def test_samples_are_distinct_and_say_where_they_come_from() -> None:
    assert len({sample.agent for sample in SAMPLES}) == len(SAMPLES)
    assert all(sample.source for sample in SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.agent[:100])
def test_case_does_not_matter(sample: Sample) -> None:
    assert detect_platform({"User-Agent": sample.agent.upper()}) is sample.platform


@pytest.mark.parametrize("word", ["WindowsWechat", "MacWechat", "UnifiedPCWindowsWechat(0xf2)"])
def test_wechat_for_desktops_is_pc_whatever_its_page_pretends(word: str) -> None:
    assert detect(f"{IPHONE} MicroMessenger/8.0.49 NetType/WIFI") is Platform.H5
    assert detect(f"{IPHONE} MicroMessenger/8.0.49 NetType/WIFI {word}") is Platform.PC


@pytest.mark.parametrize(
    "words",
    [
        *("(Mobile; rv:26.0)", "(Tablet; rv:26.0)", "Kobo eReader", "Kindle/2.5", "PocketBook/801"),
        *("UCWEB7.0.2.37", "UCBrowser/12.9", "MQQBrowser/11.3", "XiaoMi/MiuiBrowser/14.6"),
        *("VivoBrowser/16.7", "HeyTapBrowser/40.8", "(Series 60; Opera Mini/7.1)"),
        *("(S60; SymbOS; Opera Mobi/499)", "Silk/1.1.0", "OpenHarmony/5.0", "(HarmonyOS 5.0)"),
        *("HarmonyOS/5.0", "(Windows CE; PPC; 240x320)", "(SymbianOS/9.3)", "KaiOS Downloader"),
        *("(PalmOS; U)", "(PalmSource/Palm-D050)", "(webOS/1.4.5; U)", "Maemo Browser 1.5.6"),
        *("Profile/MIDP-2.0", "Configuration/CLDC-1.1", "UP.Browser/6.2", "SIE-C55/12 UP/4.1.19"),
        *(
            "R380 WAP1.1",
            "(MAUI;WAP)",
            "(KC4A; BREW; U)",
            "REX/1.0;BREW/3.1.5",
            "NetFront/3.0",
        ),
        *("DoCoMo/2.0 SH2101V", "Nokia6230/2.0", "SonyEricssonT68/R201A"),
        "(Windows NT 10.0; ARM; Lumia 950)",
    ],
)
def test_one_mark_of_a_handheld_is_enough(words: str) -> None:
    assert detect(f"Mozilla/5.0 {words}") is Platform.H5


@pytest.mark.parametrize(
    "model",
    [
        *(
            "HP Chromebook 14",
            "Google Pixelbook",
            "GOCLEVER Netbook R103",
            "A1 NoteBook",
            "Laptop 15",
        ),
        *("Engage One AIO System", "Subsystem for Android(TM)", "Aspire 4349", "TravelMate B118"),
        *("Extensa 215", "EasyNote TE11", "Inspiron 3521", "Latitude E6430", "Vostro 3546"),
        *("OptiPlex 3050", "HP EliteBook 840", "HP ProBook 450", "HP ZBook 15", "HP Pavilion 15"),
        *("Compaq 610", "SATELLITE C55", "TECRA R850", "PORTEGE Z30", "ThinkCentre M720"),
        *("VivoBook 15", "ZenBook 13", "LIFEBOOK A555", "MacBookPro11,1", "VAIO Fit 15"),
    ],
)
def test_android_on_a_laptop_is_pc(model: str) -> None:
    assert detect(ANDROID_TABLET.replace("; K)", f"; {model})")) is Platform.PC


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 9; HP Chromebook 14) Chrome/80.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; Lenovo IdeaPad Tablet) Chrome/80.0 Safari/537.36",
    ],
)
def test_android_that_is_no_laptop_is_h5(agent: str) -> None:
    assert detect(agent) is Platform.H5


@pytest.mark.parametrize("agent", ["", "  ", None, b"iPhone", 8, ["iPhone"], "\0", "携保"])
def test_nothing_that_can_be_read_is_pc(agent: object) -> None:
    assert detect(agent) is Platform.PC


def test_either_name_of_harmonyos_may_follow_the_device_word() -> None:
    assert detect("Mozilla/5.0 (PC; HarmonyOS 5.0) Mobile") is Platform.PC
    assert detect("Mozilla/5.0 (PC;OpenHarmony 5.0) Mobile") is Platform.PC


def test_no_headers_at_all() -> None:
    assert detect_platform({}) is Platform.PC


def test_names_of_werkzeug_headers_are_case_insensitive() -> None:
    assert detect_platform(Headers({"user-agent": IPHONE})) is Platform.H5
    assert detect_platform(Headers({"sec-ch-ua-mobile": "?1"})) is Platform.H5
    assert detect_platform(Headers({"user-agent": WINDOWS})) is Platform.PC


# -- Only the beginning of a header is read -------------------------------------------------------


def test_a_user_agent_is_read_up_to_512_characters() -> None:
    assert detect("x" * 505 + " iphone") is Platform.H5
    assert detect("x" * 506 + " iphone") is Platform.PC


@pytest.mark.parametrize("filler", ["x", "(", "(PC ", "ios", "cfnetwork/1 ", "windows nt 1", "İ"])
@pytest.mark.parametrize("agent", [WINDOWS, ANDROID, IPHONE, HARMONY_PC])
def test_a_megabyte_is_read_like_its_beginning(agent: str, filler: str) -> None:
    megabyte = f"{agent} {filler * 1_000_000}"[:1_000_000]
    expected = detect(megabyte[:512])
    assert detect(megabyte) is expected
    assert detect(megabyte + " iPhone WindowsWechat OpenHarmony Mobile") is expected


def test_the_mark_of_an_app_is_looked_for_in_the_beginning_only() -> None:
    far = IPHONE + " " * 1_000 + "ShopApp"
    assert detect_platform({"User-Agent": far}, app_user_agent="ShopApp") is Platform.H5


# -- Client hints ---------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", [None, "", WINDOWS, LINUX, ANDROID])
def test_mobile_hint_is_h5(agent: str | None) -> None:
    assert detect(agent, mobile="?1") is Platform.H5


@pytest.mark.parametrize("system", ['"Windows"', '"macOS"', '"Linux"', '"Chrome OS"'])
def test_mobile_hint_wins_over_the_system(system: str) -> None:
    assert detect(WINDOWS, mobile="?1", system=system) is Platform.H5


@pytest.mark.parametrize("agent", [None, WINDOWS, LINUX, ANDROID_TABLET])
def test_android_that_is_not_mobile_is_a_tablet(agent: str | None) -> None:
    assert detect(agent, mobile="?0", system='"Android"') is Platform.H5


def test_ios_hint_is_h5() -> None:
    assert detect(WINDOWS, system='"iOS"') is Platform.H5


@pytest.mark.parametrize(
    "system", ['"Windows"', '"macOS"', '"Linux"', '"Chrome OS"', '"Chromium OS"']
)
@pytest.mark.parametrize("agent", [None, WINDOWS, ANDROID])
def test_desktop_hint_is_pc(agent: str | None, system: str) -> None:
    assert detect(agent, mobile="?0", system=system) is Platform.PC


@pytest.mark.parametrize(
    ("agent", "expected"),
    [(None, Platform.PC), (WINDOWS, Platform.PC), (ANDROID_TABLET, Platform.H5)],
)
def test_not_mobile_says_nothing_by_itself(agent: str | None, expected: Platform) -> None:
    assert detect(agent, mobile="?0") is expected


@pytest.mark.parametrize(
    "mobile",
    ["1", "true", "?true", "? 1", "?2", '"?1"', "?1?1", "?1, ?1", "", None, 1, True, b"?1"],
)
def test_malformed_mobile_hint_is_ignored(mobile: object) -> None:
    assert detect(WINDOWS, mobile=mobile) is Platform.PC


@pytest.mark.parametrize(
    "system",
    [
        "Android",
        "'Android'",
        '"Android',
        '""Android""',
        '"Amiga"',
        '""',
        "",
        None,
        b'"Android"',
        [],
    ],
)
def test_malformed_or_unknown_system_hint_is_ignored(system: object) -> None:
    assert detect(WINDOWS, mobile="?0", system=system) is Platform.PC
    assert detect(ANDROID_TABLET, mobile="?0", system=system) is Platform.H5


def test_spaces_around_a_hint_do_not_matter() -> None:
    assert detect(WINDOWS, mobile=" ?1 ") is Platform.H5
    assert detect(WINDOWS, system=' "Android" ') is Platform.H5


def test_harmony_device_word_wins_over_hints() -> None:
    assert detect(HARMONY_PC, mobile="?1", system='"Android"') is Platform.PC
    assert detect(HARMONY_PHONE, mobile="?0", system='"Linux"') is Platform.H5


# -- The site's own app ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (f"{IPHONE} ShopApp/3.2", Platform.IOS),
        (f"{IPAD_AS_MAC} ShopApp/3.2", Platform.IOS),
        (f"{IPHONE.replace('iPhone', 'iPad')} ShopApp/3.2", Platform.IOS),
        (f"{IPHONE.replace('iPhone', 'iPod')} ShopApp/3.2", Platform.IOS),
        ("ShopApp/3.2 (iPad; iOS 17.4; Scale/2.00)", Platform.IOS),
        ("ShopApp/3.2 (cn.example.shop; build:12; iOS 17.4.0) Alamofire/5.8.1", Platform.IOS),
        ("ShopApp/ios/3.2", Platform.IOS),
        ("ShopApp/12 CFNetwork/1494.0.7 Darwin/23.4.0", Platform.IOS),
        (f"{ANDROID} ShopApp/3.2", Platform.ANDROID),
        (f"{ANDROID_TABLET} ShopApp/3.2", Platform.ANDROID),
        ("ShopApp/3.2 okhttp/4.12.0", Platform.ANDROID),
        ("Dalvik/2.1.0 (Linux; U; Android 14; V2417A) ShopApp/3.2", Platform.ANDROID),
        ("ShopApp/3.2 (Linux; Android 11; HP Chromebook 14)", Platform.ANDROID),
        ("ShopApp/3.2 (Linux; Android 12; HarmonyOS; ADA-AL00)", Platform.ANDROID),
        (f"{HARMONY_PHONE} ShopApp/3.2", Platform.H5),
        (HARMONY_PHONE.replace("Phone", "Tablet") + " ShopApp/3.2", Platform.H5),
        ("ShopApp/3.2 OpenHarmony/5.0", Platform.H5),
        ("ShopApp/3.2 (HarmonyOS 5.0)", Platform.H5),
        ("ShopApp/3.2 HarmonyOS/5.0", Platform.H5),
        ("ShopApp/3.2 (Windows Phone 8.1; Android 4.0) like iPhone OS 7_0_3", Platform.H5),
        (f"{HARMONY_PC} ShopApp/3.2", Platform.PC),
        (f"{WINDOWS} ShopApp/3.2 Electron/32.0.0", Platform.PC),
        (f"{LINUX} ShopApp/3.2 Electron/32.0.0", Platform.PC),
        ("ShopApp/12 CFNetwork/596.5 Darwin/12.5.0 (x86_64) (MacBookAir4%2C1)", Platform.PC),
        ("ShopApp/3.2 (Studios 4.1; Iosevka)", Platform.PC),
    ],
)
@pytest.mark.parametrize("pattern", ["ShopApp/", re.compile(r"shopapp/\w", re.IGNORECASE)])
def test_own_app(agent: str, expected: Platform, pattern: str | re.Pattern[str]) -> None:
    assert detect_platform({"User-Agent": agent}, app_user_agent=pattern) is expected


@pytest.mark.parametrize("agent", [IPHONE, IPAD_AS_MAC, ANDROID, "okhttp/4.12.0"])
@pytest.mark.parametrize("pattern", [None, "", "ShopApp/", "^iPhone"])
def test_others_are_h5(agent: str, pattern: str | None) -> None:
    assert detect_platform({"User-Agent": agent}, app_user_agent=pattern) is Platform.H5


def test_own_app_whose_system_only_the_hint_names() -> None:
    headers = {"User-Agent": "ShopApp/3.2", "Sec-CH-UA-Platform": '"Android"'}
    assert detect_platform(headers, app_user_agent="ShopApp") is Platform.ANDROID
    assert detect_platform(headers) is Platform.H5


def test_mobile_hint_does_not_hide_the_own_app() -> None:
    headers = {"User-Agent": f"{IPHONE} ShopApp/3.2", "Sec-CH-UA-Mobile": "?1"}
    assert detect_platform(headers, app_user_agent="ShopApp") is Platform.IOS


def test_pattern_sees_the_case_of_the_user_agent() -> None:
    headers = {"User-Agent": f"{IPHONE} ShopApp/3.2"}
    assert detect_platform(headers, app_user_agent="shopapp") is Platform.H5


def test_a_pattern_that_is_none_is_an_error() -> None:
    with pytest.raises(re.error):
        detect_platform({"User-Agent": IPHONE}, app_user_agent="ShopApp(")


# -- Platform -------------------------------------------------------------------------------------


def test_codes_are_those_of_the_interface_document() -> None:
    assert {platform.slug: int(platform) for platform in Platform} == {
        "h5": 1,
        "pc": 2,
        "ios": 3,
        "android": 4,
    }


@pytest.mark.parametrize("platform", Platform)
def test_of_accepts_a_platform_its_code_and_its_name(platform: Platform) -> None:
    for value in (
        platform,
        platform.value,
        platform.slug,
        platform.slug.upper(),
        platform.slug.title(),
    ):
        assert Platform.of(value) is platform


@pytest.mark.parametrize(
    "value",
    [True, False, None, 0, 5, -1, 1.0, "1", "", " pc", "pc ", "tablet", "io\u017f", b"pc", [], {}],
)
def test_of_refuses_anything_else_and_says_what_to_pass(value: object) -> None:
    with pytest.raises(ValueError, match="from 1 to 4") as caught:
        Platform.of(value)
    message = str(caught.value)
    assert repr(value) in message
    assert all(f'"{platform.slug}"' in message for platform in Platform)
