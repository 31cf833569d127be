"""The devices that QA looks through: their names, their headers and what they should be found as.

The platforms are written down by hand from the interface document and are compared with what the
extension finds, so nothing here asks the extension.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_xiebao import Platform

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK}"
_MAC = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT}"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT}"
_IPAD = f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_WEBKIT}"
_PIXEL = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_BLINK}"
_ARKWEB = f"{_BLINK} Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1"


class Device(NamedTuple):
    """A browser or an app on a kind of machine.

    :param name: what URLs of the console call it.
    :param headers: what it sends about itself.
    :param platform: what it should be found as.
    """

    name: str
    title: str
    headers: Mapping[str, str]
    platform: Platform


def _device(
    name: str, title: str, platform: Platform, agent: str, system: str = "", mobile: bool = False
) -> Device:
    """Return a device; only Chrome and its relatives send hints, which name the *system*."""
    headers = {"User-Agent": agent}
    if system:
        headers["Sec-CH-UA-Mobile"] = "?1" if mobile else "?0"
        headers["Sec-CH-UA-Platform"] = f'"{system}"'
    return Device(name, title, headers, platform)


_H5, _PC, _IOS, _ANDROID = Platform

DEVICES = {
    device.name: device
    for device in (
        _device(
            "windows",
            "Windows Chrome",
            _PC,
            f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36",
            system="Windows",
        ),
        _device("mac", "macOS Safari", _PC, f"{_MAC} Version/17.5 Safari/605.1.15"),
        _device(
            "uos",
            "统信 UOS",
            _PC,
            f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK} Chrome/126.0.6478.251 Safari/537.36"
            " UOS Professional",
            system="Linux",
        ),
        _device(
            "iphone", "iPhone Safari", _H5, f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1"
        ),
        _device("ipad", "iPad 移动模式", _H5, f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1"),
        # Nothing tells it from a Mac. Its owner goes on by the link of the handoff page.
        _device("ipad-mac", "iPad 桌面模式", _PC, f"{_MAC} Version/17.4 Safari/605.1.15"),
        _device(
            "android",
            "Android Chrome",
            _H5,
            f"{_PIXEL} Chrome/126.0.0.0 Mobile Safari/537.36",
            system="Android",
            mobile=True,
        ),
        _device(
            "wechat",
            "微信 手机",
            _H5,
            f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI"
            " Language/zh_CN",
        ),
        _device(
            "wechat-pc",
            "微信 Windows",
            _PC,
            f"{_WINDOWS} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
            " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13)"
            " UnifiedPCWindowsWechat(0xf254160a) XWEB/18055",
        ),
        _device(
            "alipay",
            "支付宝 手机",
            _H5,
            f"{_IPHONE} Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.5.96.6000) Nebula WK"
            " AlipayDefined(nt:WIFI,ws:393|788|3.0) AlipayClient/10.5.96.6000 Alipay"
            " Language/zh-Hans",
        ),
        _device(
            "harmony",
            "鸿蒙 NEXT 手机",
            _H5,
            f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {_ARKWEB} Mobile",
        ),
        _device(
            "harmony-tablet",
            "鸿蒙 NEXT 平板",
            _H5,
            f"Mozilla/5.0 (Tablet; OpenHarmony 5.0) {_ARKWEB}",
        ),
        _device(
            "harmony-pc", "鸿蒙 NEXT 电脑", _PC, f"Mozilla/5.0 (PC; OpenHarmony 5.0) {_ARKWEB}"
        ),
        _device("app-ios", "轻游 App iOS", _IOS, f"{_IPHONE} Mobile/15E148 QingyouApp/3.2"),
        _device(
            "app-android",
            "轻游 App Android",
            _ANDROID,
            f"{_PIXEL} Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 QingyouApp/3.2",
        ),
    )
}
