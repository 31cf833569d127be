"""The simulated devices of the check and their expected platforms, as of November 2026.

The list is written by hand and does not use the extension's own detection of platforms. To add a
device, add it to ``_DEVICES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK}"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT}"
_LINUX = f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK}"
# Safari 26 no longer reports the version of iOS.
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_WEBKIT}"
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_WEBKIT}"
# Chrome reports "Android 10; K" for every phone, but apps that show pages in Android's web view
# report the phone's model.
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} Chrome/142.0.0.0"
_XIAOMI = f"Mozilla/5.0 (Linux; Android 15; 24129PN74C Build/AQ3A.240812.002; wv) {_BLINK}"
_CHROME = "Chrome/142.0.0.0 Safari/537.36"
_ARKWEB = f"{_BLINK} Chrome/132.0.0.0 Safari/537.36 ArkWeb/6.1.0.120"


@dataclass(frozen=True)
class Device:
    """A simulated browser or app on a kind of device, such as Safari on an iPhone.

    :param name: The name in commands and URLs.
    :param titles: The names for people, by locale.
    :param platform: The expected platform, as a code of the interface document (2.1).
    :param headers: The headers that identify the device. This must be a dict, because the test
        client of Werkzeug 3.0 accepts no other mapping.
    """

    name: str
    titles: Mapping[str, str]
    platform: str
    headers: Mapping[str, str]

    @property
    def user_agent(self) -> str:
        """The User-Agent header."""
        return self.headers["User-Agent"]

    def title_in(self, locale: str) -> str:
        """Return the display name of the device, in English if there is none for the locale."""
        return self.titles.get(locale, self.titles["en"])


_H5, _PC = "1", "2"


def _build_device(
    name: str,
    title_zh: str,
    title_en: str,
    platform: str,
    user_agent: str,
    hint_platform: str = "",
    hint_mobile: str = "?0",
) -> Device:
    """Return a simulated device with the headers that identify it.

    Only Chrome and related browsers send client hints.

    :param hint_platform: The operating system in ``Sec-CH-UA-Platform``, or "" for a browser that
        sends no client hints.
    :param hint_mobile: The value of ``Sec-CH-UA-Mobile``.
    """
    headers = {"User-Agent": user_agent}
    if hint_platform:
        headers |= {"Sec-CH-UA-Mobile": hint_mobile, "Sec-CH-UA-Platform": f'"{hint_platform}"'}
    return Device(name, {"zh": title_zh, "en": title_en}, platform, headers)


_DEVICES = (
    _build_device(
        "pc", "Windows Chrome", "Windows, Chrome", _PC, f"{_WINDOWS} {_CHROME}", "Windows"
    ),
    _build_device(
        "mac", "macOS Safari", "Mac, Safari", _PC, f"{_MAC} Version/26.0 Safari/605.1.15"
    ),
    _build_device(
        "uos",
        "统信 UOS",
        "UOS, built-in browser",
        _PC,
        f"{_LINUX} {_CHROME} UOS Professional",
        "Linux",
    ),
    _build_device(
        "harmony-pc",
        "鸿蒙电脑",
        "HarmonyOS PC",
        _PC,
        f"Mozilla/5.0 (PC; OpenHarmony 6.1; Windows NT 10.0) {_ARKWEB} HuaweiBrowser/6.1.7.302",
    ),
    _build_device(
        "wechat-pc",
        "微信 Windows",
        "WeChat, Windows",
        _PC,
        f"{_WINDOWS} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
        " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13)"
        " UnifiedPCWindowsWechat(0xf254160a) XWEB/18055",
    ),
    _build_device(
        "wechat-mac",
        "微信 Mac",
        "WeChat, Mac",
        _PC,
        f"{_MAC} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
        " NetType/WIFI MiniProgramEnv/Mac MacWechat/WMPF MacWechat/3.8.7(0x13080712)"
        " UnifiedPCMacWechat(0xf2641210) XWEB/16816",
    ),
    # An iPad that requests desktop sites sends the headers of a Mac. The iPad therefore gets the
    # handoff page, on which PC users see a QR code for the phone. The handoff page also has a link
    # for tablets.
    _build_device(
        "ipad-desktop",
        "iPad 桌面模式",
        "iPad, desktop site",
        _PC,
        f"{_MAC} Version/26.1 Safari/605.1.15",
    ),
    _build_device(
        "iphone",
        "iPhone Safari",
        "iPhone, Safari",
        _H5,
        f"{_IPHONE} Version/26.0 Mobile/15E148 Safari/604.1",
    ),
    _build_device(
        "ipad",
        "iPad 移动模式",
        "iPad, mobile site",
        _H5,
        f"{_IPAD} Version/26.0 Mobile/15E148 Safari/604.1",
    ),
    _build_device(
        "android",
        "Android Chrome",
        "Android, Chrome",
        _H5,
        f"{_ANDROID} Mobile Safari/537.36",
        "Android",
        "?1",
    ),
    _build_device(
        "android-tablet",
        "Android 平板",
        "Android tablet, Chrome",
        _H5,
        f"{_ANDROID} Safari/537.36",
        "Android",
    ),
    # On large tablets, Chrome requests desktop pages by default. Only its Sec-CH-UA-Platform header
    # names Android.
    _build_device(
        "android-tablet-desktop",
        "Android 平板 桌面模式",
        "Android tablet, desktop site",
        _H5,
        f"{_LINUX} {_CHROME}",
        "Android",
    ),
    _build_device(
        "harmony",
        "鸿蒙手机",
        "HarmonyOS phone",
        _H5,
        f"Mozilla/5.0 (Phone; OpenHarmony 6.1) {_ARKWEB} Mobile HuaweiBrowser/6.1.6.310",
    ),
    _build_device(
        "harmony-tablet",
        "鸿蒙平板",
        "HarmonyOS tablet",
        _H5,
        f"Mozilla/5.0 (Tablet; OpenHarmony 6.0) {_ARKWEB} HuaweiBrowser/5.1.8.311",
    ),
    _build_device(
        "harmony-4",
        "鸿蒙 4 手机",
        "HarmonyOS 4 phone",
        _H5,
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00; HMSCore 6.15.0.302)"
        f" {_BLINK} Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
    ),
    _build_device(
        "wechat",
        "微信 iPhone",
        "WeChat, iPhone",
        _H5,
        f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.64(0x18004034) NetType/WIFI Language/zh_CN",
    ),
    _build_device(
        "wechat-ipad",
        "微信 iPad",
        "WeChat, iPad",
        _H5,
        f"{_MAC} Mobile/15E148 MicroMessenger/8.0.64(0x18004034) NetType/WIFI Language/zh_CN",
    ),
    _build_device(
        "wechat-android",
        "微信 Android",
        "WeChat, Android",
        _H5,
        f"{_XIAOMI} Version/4.0 Chrome/130.0.6723.103 Mobile Safari/537.36 XWEB/1300333"
        " MMWEBSDK/20250904 MMWEBID/9403 MicroMessenger/8.0.64.2880(0x28004034) WeChat/arm64"
        " Weixin NetType/5G Language/zh_CN ABI/arm64",
    ),
    _build_device(
        "wechat-harmony",
        "微信 鸿蒙",
        "WeChat, HarmonyOS",
        _H5,
        f"Mozilla/5.0 (Phone; OpenHarmony 6.1) {_ARKWEB} Mobile MicroMessenger/8.0.12",
    ),
    _build_device(
        "alipay",
        "支付宝 iPhone",
        "Alipay, iPhone",
        _H5,
        f"{_IPHONE} Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.7.90.6000) Nebula WK"
        " AlipayDefined(nt:WIFI,ws:393|788|3.0) AlipayClient/10.7.90.6000 Alipay Language/zh-Hans",
    ),
    _build_device(
        "alipay-android",
        "支付宝 Android",
        "Alipay, Android",
        _H5,
        f"{_XIAOMI} Version/4.0 Chrome/105.0.5195.148 UWS/5.12.20.0 Mobile Safari/537.36"
        " UCBS/5.12.20.0 NebulaSDK/1.8.100112 Nebula AlipayDefined(nt:WIFI,ws:393|0|2.75)"
        " AliApp(AP/10.7.90.8100) AlipayClient/10.7.90.8100",
    ),
    _build_device(
        "alipay-harmony",
        "支付宝 鸿蒙",
        "Alipay, HarmonyOS",
        _H5,
        f"Mozilla/5.0 (Phone; OpenHarmony 6.1) {_ARKWEB} Mobile Nebula"
        " AliApp(AP/10.7.90.1000) AlipayClient/10.7.90.1000",
    ),
)

#: The simulated devices by name.
DEVICES: Mapping[str, Device] = MappingProxyType({device.name: device for device in _DEVICES})
