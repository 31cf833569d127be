"""The devices that a site's tests click with."""

from __future__ import annotations

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)"
)
_IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
_HARMONY = "OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36"

#: The User-Agent of each device by name. An iPad that asks for desktop pages, as most do, is a
#: ``mac``.
DEVICES = {
    "pc": f"{_WINDOWS} Chrome/126.0.0.0 Safari/537.36",
    "mac": f"{_MAC} Version/17.5 Safari/605.1.15",
    "iphone": f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    "ipad": f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1",
    "android": f"{_ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36",
    "harmony": f"Mozilla/5.0 (Phone; {_HARMONY} ArkWeb/4.1.6.1 Mobile",
    "wechat": f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI",
    "wechat-pc": f"{_WINDOWS} Chrome/122.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
    " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13)",
    "alipay": f"{_IPHONE} Mobile/15E148 NebulaSDK/1.8.100112 AlipayClient/10.5.96",
}
