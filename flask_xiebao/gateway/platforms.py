"""The gateway's four platforms, and the detection of a request's platform.

The rules search for words of operating systems and device classes. They do not list models, because
new phones appear every week, and new operating systems do not.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Literal, Protocol, cast, get_args

from .values import WrongValueError, format_short_repr, is_integer_in_range

#: The maximum number of characters of a header that are examined. Without this limit, detecting the
#: platform from a User-Agent of one megabyte would take long. Real User-Agents are much shorter
#: than the limit.
MAX_HEADER_LENGTH = 512

# Matches an escape or a character set in a regular expression, such as "\+" or "[*+]". The
# characters in them are not quantifiers.
_ESCAPE_OR_CHARACTER_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)[*+{]")
# Matches a quantifier without an upper bound, or with an upper bound of at least 10.
_LARGE_QUANTIFIER = re.compile(r"[*+]|\{\d*,(?:\d\d+)?\}|\{\d\d+\}")

# HarmonyOS NEXT names the device type first, for example "(PC; OpenHarmony 5.0)". Ignore the rest
# of the User-Agent, because "Mobile" may follow even on a PC. The pattern does not match
# HarmonyOS 2 to 4, which sends a text such as "(Linux; Android 12; HarmonyOS; ...)". A device with
# HarmonyOS 2 to 4 counts as Android.
_HARMONY_DEVICE = re.compile(r"\((\w+) ?; ?(?:open)?harmony")
_HARMONY_PC_DEVICES = frozenset({"pc", "2in1"})

# All words in these lists are lower case. A search for plain words with "in" takes 10 % of the time
# that a regular expression with the same words takes. The regular expressions and the long lists
# are used only if a word in the User-Agent shows that they may match, which saves 25 % of the time.

# The names of WeChat's desktop clients in lower case. Current versions send "WindowsWechat" as a
# part of "UnifiedPCWindowsWechat".
_DESKTOP_WECHAT = ("windowswechat", "macwechat")

# Android also runs on Chromebooks, on old laptops and inside Windows. Only the name of the product
# line in the User-Agent reveals such a computer. Product lines that include tablets, such as
# Lenovo's IdeaPad, are not listed.
_ANDROID_LAPTOPS = (
    *("chromebook", "pixelbook", "netbook", "notebook", "laptop", " aio ", "subsystem for android"),
    *("aspire", "travelmate", "extensa", "easynote", "inspiron", "latitude", "vostro", "optiplex"),
    *("elitebook", "probook", "zbook", "pavilion", "compaq", "satellite", "tecra", "portege"),
    *("thinkcentre", "vivobook", "zenbook", "lifebook", "macbook", "vaio"),
)

# CriOS, FxiOS and EdgiOS are the iOS versions of other browsers. If they request a desktop page,
# these words are the only sign of iOS in the User-Agent.
_APPLE_HANDHELDS = ("iphone", "ipad", "ipod", "crios/", "fxios/", "edgios/")
_IOS_WORD = re.compile(r"ios(?<![a-z]ios)(?![a-z])")
# Matches the User-Agent of Apple's HTTP client on iOS, for example "CFNetwork/1494.0.7
# Darwin/23.4.0". Macs with a macOS from before the end of 2020 also send the processor in
# parentheses after the version of Darwin. The pattern does not match their User-Agents.
_IOS_HTTP_CLIENT = re.compile(r"cfnetwork/[\d.]+ darwin/[\d.]++(?! \()")

# Words in the User-Agents of handheld devices that run neither Android nor iOS.
_OTHER_HANDHELDS = (
    # Words that name a class of mobile devices, or a browser without a desktop version.
    *("mobile", "ereader", "ucweb", "opera mini", "opera mobi", "silk/"),
    # Operating systems of phones and e-book readers.
    *("windows ce", "symbian", "kaios", "palmos", "palmsource", "webos/", "maemo", "kindle"),
    "pocketbook",
    # Software of feature phones, and manufacturers whose first phones sent only the name of the
    # manufacturer as User-Agent.
    *("midp", "cldc", "up.browser", " up/4", " wap", ";wap", "; brew", ";brew", "netfront"),
    *("docomo", "nokia", "sonyericsson"),
)
# The names of mobile browsers, and the names of the operating system HarmonyOS. To save time, the
# first list is searched only if the User-Agent contains "browser", and the second list only if the
# User-Agent contains "harmony".
_HANDHELD_BROWSERS = ("ucbrowser", "mqqbrowser", "miuibrowser", "vivobrowser", "heytapbrowser")
_HARMONY_WORDS = ("openharmony", " harmonyos", "(harmonyos")
# Internet Explorer sends "Tablet PC 2.0" on laptops, too, so "tablet" before "PC" does not mean a
# tablet.
_TABLET_WORD = re.compile(r"tablet(?! ?pc)")
# Windows on 32-bit ARM ("Windows NT 6.2; ARM;") ran on the Surface RT, and on phones that request
# desktop pages. It counts as a handheld device.
_WINDOWS_ON_ARM = re.compile(r"windows nt [\d.]+; arm;")


PlatformSlug = Literal["h5", "pc", "ios", "android"]
_PLATFORM_SLUGS = get_args(PlatformSlug)


class Platform(IntEnum):
    """The gateway's codes for platforms (``platform``): 1 H5 (mobile), 2 PC, 3 iOS, 4 Android."""

    H5 = 1
    PC = 2
    IOS = 3
    ANDROID = 4

    @property
    def slug(self) -> PlatformSlug:
        """The platform's name in HTML and query strings: ``h5``, ``pc``, ``ios`` or ``android``."""
        return cast(PlatformSlug, self.name.lower())

    @classmethod
    def of(cls, value: object) -> Platform:
        """Return the platform with this code, such as 1, or with this slug, such as ``h5``.

        :param value: A :class:`Platform`, its code (section 2.1 of the interface document), or its
            :attr:`slug` in upper or lower case.
        :raises ValueError: if the value is anything else, for example ``True`` or ``"1"``.
        """
        if is_integer_in_range(value, 1, len(cls)):
            return cls(value)
        if isinstance(value, str) and value.lower() in _PLATFORM_SLUGS:
            return cls[value.upper()]
        raise WrongValueError(
            f"{format_short_repr(value)} is not a platform. Pass a Platform, an integer from 1 to"
            " 4, or"
            ' "h5", "pc", "ios" or "android".'
        )


#: The type of a parameter that accepts a platform. Use :meth:`Platform.of` to convert a value that
#: comes from outside the site's code, such as a query parameter.
PlatformLike = Platform | PlatformSlug | Literal[1, 2, 3, 4]

# The values of Sec-CH-UA-Platform include the quotes.
_CLIENT_HINT_PLATFORMS = {
    '"Android"': Platform.ANDROID,
    '"iOS"': Platform.IOS,
    '"Windows"': Platform.PC,
    '"macOS"': Platform.PC,
    '"Linux"': Platform.PC,
    '"Chrome OS"': Platform.PC,
    '"Chromium OS"': Platform.PC,
}


class SupportsGet(Protocol):
    """The type of a request's headers: a mapping, or another object with a method ``get``."""

    def get(self, key: str, /) -> object:
        """Return the value of a header, or ``None`` if the request does not have it."""


def detect_platform(
    headers: SupportsGet, *, app_user_agent: str | re.Pattern[str] | None = None
) -> Platform:
    """Return a request's platform: IOS or ANDROID in the site's app, otherwise H5 (mobile) or PC.

    Tablets count as H5. HarmonyOS, including its apps, also counts as H5 unless the device is a PC.
    A client that does not identify itself counts as a PC. An iPad that requests desktop pages sends
    a Mac's User-Agent and cannot be distinguished from a Mac.

    :param headers: The request's headers. A plain ``dict`` must use the names ``User-Agent``,
        ``Sec-CH-UA-Mobile`` and ``Sec-CH-UA-Platform`` in this spelling. A malformed client hint is
        ignored.
    :param app_user_agent: A pattern that :func:`re.search` finds in the User-Agent of the site's
        own app and in no other. Only the first 512 characters are searched. Without this argument,
        the result is never :attr:`Platform.IOS` or :attr:`Platform.ANDROID`.
    :returns: The platform (section 2.1 of the interface document), even if headers are missing or
        malformed.
    :raises re.error: if ``app_user_agent`` is not a valid regular expression.
    """
    user_agent = _get_header_text(headers, "User-Agent")
    lower_user_agent = user_agent.lower()
    device = _detect_device_platform(
        lower_user_agent,
        is_mobile=_get_header_text(headers, "Sec-CH-UA-Mobile") == "?1",
        hinted_platform=_CLIENT_HINT_PLATFORMS.get(_get_header_text(headers, "Sec-CH-UA-Platform")),
    )
    is_ios_or_android = device is Platform.IOS or device is Platform.ANDROID
    if not is_ios_or_android or (app_user_agent and re.search(app_user_agent, user_agent)):
        return device
    # Phones send "Mobile" in the User-Agent, so search the long list of laptops only if this word
    # is missing.
    if (
        device is Platform.ANDROID
        and "mobile" not in lower_user_agent
        and _has_any_word(_ANDROID_LAPTOPS, lower_user_agent)
    ):
        return Platform.PC
    return Platform.H5


def has_backtracking_risk(pattern: re.Pattern[str]) -> bool:
    """Return True if a search for *pattern* could be very slow for some User-Agents.

    Any visitor can send such a User-Agent. If the pattern repeats a group, each character of the
    User-Agent can double the time. If it repeats single characters, the time is a power of the
    number of characters. A pattern for the name of an app needs no repeated group, and at most
    two large quantifiers, for example ``*`` or ``+``.

    :param pattern: The ``app_user_agent`` of :func:`detect_platform`.
    """
    structure = _ESCAPE_OR_CHARACTER_SET.sub("x", pattern.pattern)
    return bool(_REPEATED_GROUP.search(structure)) or len(_LARGE_QUANTIFIER.findall(structure)) > 2


def _get_header_text(headers: SupportsGet, name: str) -> str:
    value = headers.get(name)
    return value[:MAX_HEADER_LENGTH].strip() if isinstance(value, str) else ""


def _has_any_word(words: tuple[str, ...], user_agent: str) -> bool:
    return any(map(user_agent.__contains__, words))


def _detect_device_platform(
    user_agent: str, *, is_mobile: bool, hinted_platform: Platform | None
) -> Platform:
    """Return IOS for iOS, ANDROID for Android, H5 for other handheld devices, and otherwise PC.

    :param user_agent: The User-Agent in lower case.
    """
    if "harmony" in user_agent and (match := _HARMONY_DEVICE.search(user_agent)):
        return Platform.PC if match[1] in _HARMONY_PC_DEVICES else Platform.H5
    # A client hint describes the device even if the user requests desktop pages. Sec-CH-UA-Mobile
    # counts only if it is "?1", because tablets also send "?0".
    if hinted_platform and not (is_mobile and hinted_platform is Platform.PC):
        return hinted_platform
    if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):
        return Platform.PC
    # The User-Agent of Windows Phone also contains "Android" and "iPhone".
    if "windows phone" in user_agent:
        return Platform.H5
    # The HTTP client of an app, such as OkHttp on Android, may send only its own name, without the
    # name of the operating system.
    if "android" in user_agent or "okhttp/" in user_agent:
        return Platform.ANDROID
    # The web views of iPads send "Macintosh", but also "Mobile/15E148", which Macs do not send.
    if (
        _has_any_word(_APPLE_HANDHELDS, user_agent)
        or ("mobile/" in user_agent and "macintosh" in user_agent)
        or ("ios" in user_agent and _IOS_WORD.search(user_agent))
        or ("darwin/" in user_agent and _IOS_HTTP_CLIENT.search(user_agent))
    ):
        return Platform.IOS
    if (
        is_mobile
        or _has_any_word(_OTHER_HANDHELDS, user_agent)
        or ("browser" in user_agent and _has_any_word(_HANDHELD_BROWSERS, user_agent))
        or ("harmony" in user_agent and _has_any_word(_HARMONY_WORDS, user_agent))
        or ("tablet" in user_agent and _TABLET_WORD.search(user_agent))
        or ("; arm;" in user_agent and _WINDOWS_ON_ARM.search(user_agent))
    ):
        return Platform.H5
    return Platform.PC
