"""User-Agents of real devices and browsers, with their expected platforms and sources.

The platforms were assigned by hand. The source is a vendor's documentation, a public repository, a
user's report or, if there is no other source, "own knowledge". Each source must be unique, because
test reports use the source as the id of the User-Agent. The common beginnings of User-Agents are
constants, so that the differences are easy to see. To add a User-Agent, add a ``UserAgentSample``
beside the samples of similar devices.
"""

from __future__ import annotations

from typing import NamedTuple

from flask_xiebao import Platform

H5, PC = Platform.H5, Platform.PC


class UserAgentSample(NamedTuple):
    """A User-Agent, its expected platform in a browser, and the source of the User-Agent."""

    agent: str
    platform: Platform
    source: str


# The common beginnings of User-Agents
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS_32 = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS_7 = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
_LINUX_ARM = "Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko)"
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)"
)
_IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"

_UA_PARSER = "faisalman/ua-parser-js, test/data/ua"

SAMPLES = (
    # HarmonyOS NEXT. The device type at the beginning of the parentheses decides the platform.
    UserAgentSample(
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {_WEBKIT} Chrome/114.0.0.0 Safari/537.36"
        " ArkWeb/4.1.6.1 Mobile",
        H5,
        "Huawei: Developing User-Agent (ArkWeb)",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0; HarmonyOS 5.0) {_WEBKIT} Chrome/114.0.0.0"
        " Safari/537.36 ArkWeb/4.1.6.1 Mobile",
        H5,
        "Huawei: web-useragent-V5",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Phone; OpenHarmony 6.1; Android 10) {_WEBKIT} Chrome/132.0.0.0"
        " Safari/537.36 ArkWeb/6.1.0.120 Mobile HuaweiBrowser/6.1.6.310",
        H5,
        "public code: Huawei Browser on HarmonyOS 6",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {_WEBKIT} Chrome/114.0.0.0 Safari/537.36"
        " ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.303 MicroMessenger/8.0.5",
        H5,
        "public code: WeChat on HarmonyOS NEXT",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {_WEBKIT} Chrome/114.0.0.0 Safari/537.36"
        " ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.11.32(0xf380b20) WeChat/HarmonyOS",
        H5,
        "a user's report: WeChat 8 on HarmonyOS NEXT",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Tablet; OpenHarmony 6.0) {_WEBKIT} Chrome/132.0.0.0 Safari/537.36"
        " ArkWeb/6.0.0.47 HuaweiBrowser/5.1.8.311",
        H5,
        "public code: Huawei Browser on a MatePad",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Tablet; OpenHarmony 6.1) {_WEBKIT} Chrome/132.0.0.0"
        " Safari/537.36ArkWeb/6.1.0.120 MQQBrowser/4.6",
        H5,
        "public code: QQ Browser on a MatePad",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (PC; OpenHarmony 5.0) {_WEBKIT} Chrome/114.0.0.0 Safari/537.36"
        " ArkWeb/4.1.6.1",
        PC,
        "Huawei: Developing User-Agent, device type PC",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (PC; OpenHarmony 5.0) {_WEBKIT} Chrome/114.0.0.0 Safari/537.36"
        " ArkWeb/4.1.6.1 Mobile",
        PC,
        "Huawei: Developing User-Agent, device type PC with the compatibility field",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (PC; OpenHarmony 6.1; Windows NT 10.0) {_WEBKIT} Chrome/132.0.0.0"
        " Safari/537.36 ArkWeb/6.1.0.115 HuaweiBrowser/6.1.7.302",
        PC,
        "public code: Huawei Browser on a MateBook",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (2in1; OpenHarmony 6.1) {_WEBKIT} Chrome/132.0.0.0 Safari/537.36"
        " ArkWeb/6.1.0.117 Mobile",
        PC,
        "OpenHarmony docs: const.product.devicetype, 2in1",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (X11; OHOS 5.0) {_WEBKIT} Chrome/144.0.0.0 Safari/537.36",
        PC,
        "public code: an Electron app on a HarmonyOS PC",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (OHOSHarmonyOS aarch64) {_WEBKIT} Chrome/144.0.0.0 Safari/537.36",
        PC,
        "public code: an older Electron app on a HarmonyOS PC",
    ),
    # HarmonyOS 2 to 4, which count as Android
    UserAgentSample(
        "Mozilla/5.0 (Linux; Android 10; HarmonyOS; VOG-AL00; HMSCore 6.15.0.302; GMSCore"
        f" 20.15.16) {_WEBKIT} Chrome/114.0.5735.196 HuaweiBrowser/15.0.10.302 Mobile"
        " Safari/537.36",
        H5,
        "public code: Huawei Browser on a P30 Pro",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; AGS5-L09; HMSCore 6.16.2.342)"
        f" {_WEBKIT} Chrome/114.0.5735.196 HuaweiBrowser/17.0.6.313 Safari/537.36",
        H5,
        "public code: Huawei Browser on a MatePad SE",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/114.0.0.0 Safari/537.36 HuaweiBrowser/5.0.4.300",
        PC,
        "own knowledge: Huawei Browser for Windows",
    ),
    # WeChat
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
        H5,
        "public code: WeChat 8 on iOS",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.38(0x1800262f) NetType/WIFI Language/zh_CN"
        " MiniProgramEnv/iOS",
        H5,
        "public code: a mini-program on iOS",
    ),
    UserAgentSample(
        f"{_IPAD} Mobile/15E148 MicroMessenger/8.0.49 NetType/WIFI",
        H5,
        "own knowledge: WeChat on iPad",
    ),
    UserAgentSample(
        f"{_SAFARI} Mobile/15E148 MicroMessenger/8.0.49 NetType/WIFI Language/zh_CN",
        H5,
        "own knowledge: WeChat on an iPad, a page that asked for desktop content",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 13; M2102J2SC Build/TKQ1.221114.001; wv) {_WEBKIT}"
        " Version/4.0 Chrome/130.0.6723.103 Mobile Safari/537.36 XWEB/1300333 MMWEBSDK/20241202"
        " MMWEBID/9403 MicroMessenger/8.0.56.2800(0x28003855) WeChat/arm64 Weixin NetType/4G"
        " Language/zh_CN ABI/arm64",
        H5,
        "public code: WeChat 8 on Android",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 12; SM-G9980) {_WEBKIT} Chrome/132.0.0.0 Safari/537.36"
        " MicroMessenger/8.0.40.2420(0x2800283B) NetType/WIFI MiniProgramEnv/Android",
        H5,
        "public code: a mini-program on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS_7} Chrome/39.0.2171.95 Safari/537.36 MicroMessenger/6.5.2.501 NetType/WIFI"
        " WindowsWechat QBCore/3.43.901.400 QQBrowser/9.0.2524.400",
        PC,
        f"{_UA_PARSER}/browser: WeChat for Windows 2",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/122.0.0.0 Safari/537.36 NetType/WIFI"
        " MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c25) XWEB/11581 Flue",
        PC,
        "public code: WeChat for Windows 3.9",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
        " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090a13)"
        " UnifiedPCWindowsWechat(0xf254160a) XWEB/18055",
        PC,
        "public code: a mini-program in WeChat for Windows 4",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " MicroMessenger/2.3.27(0x12031b13) MacWechat NetType/WIFI WindowsWechat",
        PC,
        "public code: WeChat for Mac 2",
    ),
    UserAgentSample(
        f"{_MAC} Chrome/132.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
        " NetType/WIFI MiniProgramEnv/Mac MacWechat/WMPF MacWechat/3.8.7(0x13080712)"
        " UnifiedPCMacWechat(0xf2641210) XWEB/16816",
        PC,
        "public code: a mini-program in WeChat for Mac 4",
    ),
    # WeCom
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 wxwork/4.1.6 MicroMessenger/7.0.1 Language/zh ColorScheme/Light",
        H5,
        "public code: WeCom on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 12; NOH-AN00 Build/HUAWEINOH-AN00; wv) {_WEBKIT} Version/4.0"
        " Chrome/107.0.5304.141 Mobile Safari/537.36 wxwork/4.1.6 MicroMessenger/7.0.1"
        " NetType/WIFI Language/zh Lang/zh",
        H5,
        "own knowledge: WeCom on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/107.0.5304.110 Safari/537.36 Language/zh wxwork/4.1.10"
        " (MicroMessenger/6.2) WindowsWechat  MailPlugin_Electron WeMail embeddisk",
        PC,
        "public code: WeCom for Windows",
    ),
    UserAgentSample(
        f"{_SAFARI} wxwork/4.1.6 (MicroMessenger/6.2) WeMail embeddisk",
        PC,
        "own knowledge: WeCom for Mac",
    ),
    # Alipay and Taobao
    UserAgentSample(
        f"{_IPHONE} Mobile/17G68 Ariver/1.1.0 AliApp(AP/10.2.30.6000) Nebula WK RVKType(1)"
        " AlipayDefined(nt:WIFI,ws:414|672|3.0) AlipayClient/10.2.30.6000 Alipay Language/en",
        H5,
        "public code: Alipay on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 10; zh-CN; V2034A Build/QP1A.190711.020) {_WEBKIT}"
        " Version/4.0 Chrome/69.0.3497.100 UWS/3.22.2.33 Mobile Safari/537.36"
        " UCBS/3.22.2.33_211025173018 NebulaSDK/1.8.100112 Nebula"
        " AlipayDefined(nt:WIFI,ws:360|0|2.0) AliApp(AP/10.2.51.7100) AlipayClient/10.2.51.7100",
        H5,
        f"{_UA_PARSER}/browser: Alipay",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 AliApp(TB/10.14.0) WindVane/8.7.2 UT4Aplus/0.0.4 828x1792 WK",
        H5,
        "public code: Taobao on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 15; zh-CN; 24031PN0DC Build/AQ3A.240627.003) {_WEBKIT}"
        " Version/4.0 Chrome/100.0.4896.58 UWS/5.18.6.0 Mobile Safari/537.36"
        " AliApp(TB/10.48.30.2079) UCBS/2.11.1.1 TTID/600000@taobao_android_10.48.30.2079",
        H5,
        "public code: Taobao on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS_7} Chrome/20.0.1132.11 TaoBrowser/2.0 Safari/536.11",
        PC,
        "public code: Taobao Browser for Windows",
    ),
    # DingTalk and Feishu
    UserAgentSample(
        f"{_IPHONE} Mobile/23E246 AliApp(DingTalk/7.8.1) com.laiwang.DingTalk/46766536"
        " Channel/201200 language/zh-Hans-CN UT4Aplus/0.0.6 WK",
        H5,
        "public code: DingTalk 7 on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 9; zh-CN; MI 6 Build/PKQ1.190118.001) {_WEBKIT}"
        " Version/4.0 Chrome/69.0.3497.100 UWS/3.22.1.161 Mobile Safari/537.36"
        " AliApp(DingTalk/6.0.30) com.alibaba.android.rimet/15213560 Channel/700159",
        H5,
        "public code: DingTalk 6 on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/108.0.5359.125 Safari/537.36 dingtalk-win/1.0.0 nw(0.14.7)"
        " DingTalk(7.8.10-Release.250724002) Mojo/1.0.0 Native AppType(release) Channel/201200",
        PC,
        "public code: DingTalk 7 for Windows",
    ),
    UserAgentSample(
        f"{_MAC} Chrome/96.0.4664.110 Safari/537.36 DingTalk(7.6.0-macOS-macOS-MAS-38513772) nw"
        " Channel/201200 Architecture/x86_64",
        PC,
        "public code: DingTalk 7 for Mac",
    ),
    UserAgentSample(
        f"{_IPHONE} Version/13.3.1 Mobile/15E148 Safari/604.1 Lark/3.21.9 LarkLocale/zh_CN"
        " SDK-Version/3.21.17",
        H5,
        "public code: Feishu on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 15; Pixel 7a Build/AP3A.241105.007; wv) {_WEBKIT}"
        " Version/4.0 Chrome/131.0.6778.135 Mobile Safari/537.36 Lark/7.32.8 LarkLocale/en_US",
        H5,
        "public code: Feishu on Android",
    ),
    UserAgentSample(
        f"{_MAC} Chrome/101.0.4951.53 Safari/537.36 Lark/6.7.5 LarkLocale/en_US ttnet"
        " SDK-Version/6.7.8",
        PC,
        "public code: Feishu for Mac",
    ),
    UserAgentSample(
        f"{_WINDOWS} Lark/7.10.5 Chrome/112.0.5615.165 Safari/537.36 LarkLocale/zh_CN",
        PC,
        "own knowledge: Feishu 7 for Windows",
    ),
    # QQ and QQ Browser
    UserAgentSample(
        f"{_IPHONE} Mobile/14A456 QQ/6.5.3.410 V1_IPH_SQ_6.5.3_1_APP_A Pixel/1080 NetType/WIFI",
        H5,
        f"{_UA_PARSER}/browser: QQ on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 6.0; PRO 6 Build/MRA58K) {_WEBKIT} Version/4.0"
        " Chrome/37.0.0.0 Mobile MQQBrowser/6.8 TBS/036824 Safari/537.36"
        " V1_AND_SQ_6.5.8_422_YYB_D PA QQ/6.5.8.2910 NetType/WIFI WebP/0.3.0 Pixel/1080",
        H5,
        f"{_UA_PARSER}/browser: QQ on Android",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 9; zh-cn; V1816A Build/PKQ1.180819.001) {_WEBKIT}"
        " Version/4.0 Chrome/66.0.3359.126 MQQBrowser/10.1 Mobile Safari/537.36",
        H5,
        "public code: QQ Browser on Android",
    ),
    UserAgentSample(
        f"{_SAFARI} Version/13.1 MQQBrowser/11.3.0 Safari/605.1.15",
        H5,
        "own knowledge: QQ Browser on an iPad",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/94.0.4606.71 Safari/537.36 Core/1.94.225.400"
        " QQBrowser/12.2.5547.400",
        PC,
        "public code: QQ Browser for Windows",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_1) AppleWebKit/602.2.14 (KHTML, like Gecko)"
        " Version/10.0.1 Safari/602.2.14 QQBrowserLite/1.1.0",
        PC,
        f"{_UA_PARSER}/browser: QQ Browser for Mac",
    ),
    # UC and Quark
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 8.1.0; zh-CN; MI 5X Build/OPM1.171019.019) {_WEBKIT}"
        " Version/4.0 Chrome/57.0.2987.108 UCBrowser/12.1.2.992 Mobile Safari/537.36",
        H5,
        "public code: UC Browser on Android",
    ),
    UserAgentSample(
        "JUC (Linux; U; 2.3.5; zh-cn; GT-I9100; 480*800) UCWEB7.9.0.94/139/800",
        H5,
        f"{_UA_PARSER}/browser: UC Browser, Java edition on Android",
    ),
    UserAgentSample("Nokia5700/ UCWEB7.0.2.37/28/999", H5, "own knowledge: UC Browser on Symbian"),
    UserAgentSample(
        "Openwave/ UCWEB7.0.2.37/28/999", H5, "own knowledge: UC Browser on a feature phone"
    ),
    UserAgentSample(
        f"{_LINUX} Version/4.0 Chrome/57.0.2987.108 UCBrowser/12.9.0.1070 Safari/537.36",
        H5,
        "own knowledge: UC Browser on a phone that asks for desktop pages",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/55.0.2883.87 UBrowser/6.2.3964.2 Safari/537.36",
        PC,
        "public code: UC Browser for Windows",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; U; Android 13; zh-CN; M2102J2SC Build/TKQ1.221114.001) {_WEBKIT}"
        " Version/4.0 Chrome/123.0.6312.80 Quark/7.7.5.740 Mobile Safari/537.36",
        H5,
        "public code: Quark on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36 QuarkPC/4.6.0.558",
        PC,
        "public code: Quark for Windows",
    ),
    UserAgentSample(
        f"{_MAC} Chrome/130.0.0.0 Safari/537.36 QuarkPC/6.3.0.699", PC, "public code: Quark for Mac"
    ),
    # Browsers of phone makers. On tablets, the browsers of MIUI and OPPO claim to be on a Linux PC.
    UserAgentSample(
        "Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23013RK75C Build/UKQ1.230804.001)"
        f" {_WEBKIT} Version/4.0 Chrome/119.0.6045.193 Mobile Safari/537.36"
        " XiaoMi/MiuiBrowser/18.6.70920",
        H5,
        "public code: MIUI Browser on a Redmi K60",
    ),
    UserAgentSample(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/534.24 (KHTML, like Gecko)"
        " Chrome/89.0.4389.116 Safari/534.24 Device/nabu Model/21051182C"
        " XiaoMi/MiuiBrowser/14.6.62",
        H5,
        "public code: MIUI Browser on a Xiaomi Pad 5",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 13; 23049RAD8C; wv) {_WEBKIT} Version/4.0"
        " Chrome/87.0.4280.141 Mobile Safari/537.36 VivoBrowser/16.7.1.1",
        H5,
        f"{_UA_PARSER}/browser: vivo Browser",
    ),
    UserAgentSample(
        f"{_LINUX} Chrome/87.0.4280.141 Safari/537.36 VivoBrowser/16.7.1.1",
        H5,
        "own knowledge: vivo Browser on a vivo Pad that asks for desktop pages",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Linux; U; Android 11; zh-cn; PDRM00 Build/RKQ1.200903.002)"
        f" {_WEBKIT} Version/4.0 Chrome/70.0.3538.80 Mobile Safari/537.36 HeyTapBrowser/40.7.27.2",
        H5,
        "public code: OPPO Browser",
    ),
    UserAgentSample(
        f"{_LINUX} Chrome/90.0.4430.61 Safari/537.36 HeyTapBrowser/40.8.10.1",
        H5,
        f"{_UA_PARSER}/browser: OPPO Browser on an OPPO Pad",
    ),
    # Apps that show web pages: Baidu, Toutiao, Douyin, Xiaohongshu, Weibo
    UserAgentSample(
        f"{_IPHONE} Mobile/16C101 main%2F1.0 baiduboxapp/11.12.0.18 (Baidu; P2 12.1.2)",
        H5,
        f"{_UA_PARSER}/browser: Baidu on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 8.1.0; BKK-AL10 Build/HONORBKK-AL10; wv) {_WEBKIT}"
        " Version/4.0 Chrome/63.0.3239.83 Mobile Safari/537.36 T7/11.11 baiduboxapp/11.11.0.0"
        " (Baidu; P1 8.1.0)",
        H5,
        f"{_UA_PARSER}/browser: Baidu on Android",
    ),
    UserAgentSample(
        f"{_WINDOWS_7} Chrome/31.0.1650.57 BIDUBrowser/2.x Safari/537.36",
        PC,
        "public code: Baidu Browser for Windows",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 12; V2048A Build/SP1A.210812.003; wv) {_WEBKIT} Version/4.0"
        " Chrome/75.0.3770.142 Mobile Safari/537.36 JsSdk/2 NewsArticle/8.9.3 NetType/wifi",
        H5,
        "own knowledge: Toutiao on Android",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 NewsArticle/8.9.3.34 JsSdk/2.0 NetType/WIFI (News 8.9.3 17.5)",
        H5,
        "own knowledge: Toutiao on iOS",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 aweme_29.3.0 JsSdk/2.0 NetType/WIFI Channel/App Store"
        " ByteLocale/zh",
        H5,
        "public code: Douyin on iOS",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/104.0.5112.102 Electron/20.1.0-tt.6 Safari/537.36 awemePcClient/5.2.0",
        PC,
        "own knowledge: Douyin for Windows",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 xhsdiscover/8.40 NetType/WiFi",
        H5,
        "public code: Xiaohongshu on iOS",
    ),
    UserAgentSample(
        "Dalvik/2.1.0 (Linux; U; Android 14; V2417A Build/UP1A.231005.007) Resolution/1260*2800"
        " Version/8.69.5 Build/8695125 Device/(vivo;V2417A) discover/8.69.5 NetType/WiFi",
        H5,
        "public code: Xiaohongshu on Android",
    ),
    UserAgentSample(
        f"{_IPHONE} Mobile/15E148 Weibo (iPhone15,3__weibo__16.2.0__iphone__os17.6)",
        H5,
        "public code: Weibo on iOS",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 12; SM-G998U) {_WEBKIT} Chrome/100.0.0.0 Mobile"
        " Safari/537.36 Weibo (samsung-SM-G998U__weibo__13.0.0__android__android12)",
        H5,
        "public code: Weibo on Android",
    ),
    # Chinese browsers for PCs, such as 360 and Sogou
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/86.0.4240.198 Safari/537.36 QIHU 360SE",
        PC,
        f"{_UA_PARSER}/browser: 360 Secure Browser",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/86.0.4240.198 Safari/537.36 QIHU 360ENT",
        PC,
        "public code: 360 Enterprise Browser",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/80.0.3987.87 Safari/537.36 SE 2.X MetaSr 1.0",
        PC,
        "public code: Sogou Browser for Windows",
    ),
    UserAgentSample(
        f"{_IPHONE} Version/14.0 MQQBrowser/12.0.0 Mobile/15E148 Safari/604.1 SogouMSE/12.0.0",
        H5,
        "public code: Sogou Browser on iOS",
    ),
    UserAgentSample(
        f"{_WINDOWS_32} Chrome/56.0.2924.90 Safari/537.36 2345Explorer/9.2.1.17116",
        PC,
        f"{_UA_PARSER}/browser: 2345 Explorer",
    ),
    # Browsers on desktop computers
    UserAgentSample(
        f"{_LINUX} Chrome/126.0.6478.251 Safari/537.36 UOS Professional",
        PC,
        "public code: UOS Browser",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (X11; Linux x86_64; Deepin 15.5) {_WEBKIT} Chrome/55.0.2883.75"
        " Safari/537.36 NFSBrowser/5.0.0.1886",
        PC,
        f"{_UA_PARSER}/os/deepin.json",
    ),
    UserAgentSample(
        f"{_LINUX_ARM} Chrome/108.0.5359.125 Safari/537.36 Qaxbrowser",
        PC,
        "own knowledge: Qianxin Browser on Kylin V10, Phytium processor",
    ),
    UserAgentSample(
        "Mozilla/5.0 (X11; Linux aarch64; rv:102.0) Gecko/20100101 Firefox/102.0",
        PC,
        "own knowledge: Firefox on Kylin V10",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (X11; Linux loongarch64) {_WEBKIT} Chrome/108.0.5359.125 Safari/537.36",
        PC,
        "own knowledge: Loongnix Browser on Kylin V10",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_WEBKIT} Chrome/118.0.0.0 Safari/537.36",
        PC,
        "Chrome docs: User-Agent reduction, ChromeOS",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/143.0.0.0 Safari/537.36",
        PC,
        "Chrome docs: User-Agent reduction, Windows",
    ),
    UserAgentSample(
        f"{_MAC} Chrome/143.0.0.0 Safari/537.36", PC, "Chrome docs: User-Agent reduction, macOS"
    ),
    UserAgentSample(
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:47.0) Gecko/20100101 Firefox/47.0",
        PC,
        "MDN: User-Agent",
    ),
    UserAgentSample(
        f"{_SAFARI} Version/17.4 Safari/605.1.15",
        PC,
        "own knowledge: Safari on a Mac, and on an iPad in desktop mode",
    ),
    # Windows devices with a touch screen
    UserAgentSample(
        "Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; Touch; rv:11.0) like Gecko",
        PC,
        "Microsoft: Internet Explorer 11 User-Agent changes, touch",
    ),
    UserAgentSample(
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; WOW64; Trident/4.0; SLCC2;"
        " .NET CLR 2.0.50727; Media Center PC 6.0; Tablet PC 2.0)",
        PC,
        "own knowledge: Internet Explorer 8 on a Windows 7 laptop",
    ),
    UserAgentSample(
        f"{_WINDOWS} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
        PC,
        "own knowledge: Edge on a Surface Pro",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Windows NT 6.3; ARM; Trident/7.0; Touch; rv:11.0) like Gecko",
        H5,
        f"{_UA_PARSER}/os/windows-rt.json: Surface 2, a tablet",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950 XL) {_WEBKIT}"
        " Chrome/46.0.2486.0 Mobile Safari/537.36 Edge/13.10586",
        H5,
        "Microsoft: Edge on Windows 10 Mobile",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Windows NT 10.0; ARM; Lumia 950) {_WEBKIT} Chrome/46.0.2486.0"
        " Safari/537.36 Edge/13.10586",
        H5,
        "own knowledge: Edge on a Lumia 950 that asks for desktop pages",
    ),
    # iPhone, iPad and iPod touch
    UserAgentSample(
        f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", H5, "own knowledge: Safari on iPhone"
    ),
    UserAgentSample(
        f"{_IPAD} Version/17.5 Mobile/15E148 Safari/604.1", H5, "own knowledge: Safari on iPad"
    ),
    UserAgentSample(f"{_SAFARI} Mobile/15E148", H5, "own knowledge: a web view on an iPad"),
    UserAgentSample(
        f"{_SAFARI} CriOS/127 Version/11.1.1 Safari/605.1.15",
        H5,
        "own knowledge: Chrome on an iPad that asks for desktop pages",
    ),
    UserAgentSample(
        f"{_SAFARI} FxiOS/128.0 Safari/605.1.15",
        H5,
        "own knowledge: Firefox on an iPad, desktop pages",
    ),
    UserAgentSample(
        f"{_SAFARI} Version/17.0 EdgiOS/127.2651.102 Safari/605.1.15",
        H5,
        "own knowledge: Edge on an iPad, desktop pages",
    ),
    UserAgentSample(
        "Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
        " like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1",
        H5,
        "own knowledge: Safari on iPod touch",
    ),
    # Android phones, tablets and laptops
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/143.0.0.0 Mobile Safari/537.36",
        H5,
        "MDN: User-Agent reduction, a phone",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/143.0.0.0 Safari/537.36",
        H5,
        "Chrome docs: User-Agent reduction, a tablet",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Android; Tablet; rv:14.0) Gecko/14.0 Firefox/14.0",
        H5,
        "MDN: Firefox User-Agent reference, a tablet",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 13; Lenovo TB-J716F) {_WEBKIT} Chrome/112.0.0.0"
        " Safari/537.36",
        H5,
        "own knowledge: a Lenovo Pad Pro",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 11; Lenovo Chromebook C330) {_WEBKIT} Chrome/112.0.0.0"
        " Safari/537.36",
        PC,
        "own knowledge: an Android browser on a Chromebook",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 9; Latitude E6430) {_WEBKIT} Chrome/95.0.4638.74"
        " Safari/537.36",
        PC,
        "own knowledge: Android-x86 on a Dell laptop",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 13; Subsystem for Android(TM)) {_WEBKIT} Chrome/112.0.0.0"
        " Safari/537.36",
        PC,
        "own knowledge: Windows Subsystem for Android",
    ),
    # Kindle and Fire devices
    UserAgentSample(
        "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_6_3; en-us; Silk/1.1.0-84)",
        H5,
        f"{_UA_PARSER}/browser: Silk, desktop pages",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {_WEBKIT} Silk/120.4.1 like Chrome/120.0.6099.230"
        " Safari/537.36",
        H5,
        "Amazon: Silk User-Agents, a Fire HD 10",
    ),
    UserAgentSample(
        "Mozilla/5.0 (X11; U; Linux armv7l like Android; en-us) AppleWebKit/531.2+ (KHTML, like"
        " Gecko) Version/5.0 Safari/533.2+ Kindle/3.0+",
        H5,
        "own knowledge: Kindle Paperwhite",
    ),
    UserAgentSample(
        "Mozilla/4.0 (compatible; Linux 2.6.22) Kindle/2.5 (screen 600x800; rotate)",
        H5,
        "own knowledge: Kindle 2",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Unknown; Linux) AppleWebKit/538.1 (KHTML, like Gecko) Kobo eReader"
        " Safari/538.1",
        H5,
        f"{_UA_PARSER}/device: Kobo",
    ),
    # Feature phones and early smartphones
    UserAgentSample(
        "Nokia6230/2.0 (05.24) Profile/MIDP-2.0 Configuration/CLDC-1.1",
        H5,
        "own knowledge: Nokia 6230",
    ),
    UserAgentSample(
        "SAGEM-my411X/1.0 UP.Browser/6.2.3.3.c.1.101 (GUI) MMP/2.0",
        H5,
        "own knowledge: Sagem my411X",
    ),
    UserAgentSample(
        "Opera/9.80 (J2ME/MIDP; Opera Mini/5.1.21214/19.916; U; en) Presto/2.5.25",
        H5,
        f"{_UA_PARSER}/browser: Opera Mini",
    ),
    UserAgentSample(
        "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        H5,
        f"{_UA_PARSER}/os/kaios.json",
    ),
    UserAgentSample(
        "Mozilla/5.0 (SymbianOS/9.3; Series60/3.2) AppleWebKit/413 (KHTML, like Gecko) Safari/413",
        H5,
        "own knowledge: Symbian S60, without the Java profile",
    ),
    UserAgentSample(
        "Mozilla/4.76 [en] (PalmOS; U; WebPro3.0; Palm-Arz1)", H5, f"{_UA_PARSER}/os/palm.json"
    ),
    UserAgentSample(
        "Mozilla/4.0 (PDA; Windows CE/1.0.1) NetFront/3.0", H5, f"{_UA_PARSER}/os/windows-ce.json"
    ),
    UserAgentSample(
        "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+ (KHTML like"
        " Gecko) Version/7.2.1.0 Safari/536.2+",
        H5,
        f"{_UA_PARSER}/os/rim-tablet-os.json",
    ),
    UserAgentSample(
        "Mozilla/5.0 (webOS/1.4.5; U; en-US) AppleWebKit/532.2 (KHTML, like Gecko) Version/1.0"
        " Safari/532.2 Pre/1.0",
        H5,
        f"{_UA_PARSER}/os/webos.json",
    ),
    # Devices that are neither phones nor PCs. If nothing in a User-Agent identifies a handheld
    # device, the expected platform is PC.
    UserAgentSample(
        f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {_WEBKIT} Version/6.0 TV Safari/537.36",
        PC,
        "own knowledge: a Samsung TV",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/87.0.4280.88 Safari/537.36",
        PC,
        f"{_UA_PARSER}/os/webos.json: an LG TV",
    ),
    UserAgentSample(
        "Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        PC,
        f"{_UA_PARSER}/os/playstation.json",
    ),
    UserAgentSample(
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        PC,
        "Google: overview of crawlers",
    ),
    UserAgentSample(
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_WEBKIT} Chrome/143.0.0.0"
        " Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        H5,
        "Google: overview of crawlers, the smartphone",
    ),
    UserAgentSample(
        "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
        PC,
        f"{_UA_PARSER}/extension/crawler.json",
    ),
    UserAgentSample("curl/8.5.0", PC, "own knowledge: curl"),
)
