"""Which of the gateway's four platforms a request comes from.

The rules are words of operating systems and device classes, not lists of models: new phones appear
every week, new operating systems do not.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Literal, Protocol, cast, get_args

from .values import WrongValueError, format_short_repr, is_integer_in_range

#: How much of a header is read. Real User-Agents end well before; one of a megabyte stays cheap.
MAX_HEADER_LENGTH = 512

# In a pattern: what cannot repeat anything (escapes and sets of characters), what repeats a group,
# and what repeats whatever stands before it.
_ESCAPE_OR_CHARACTER_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_LARGE_QUANTIFIER = re.compile(r"[*+]|\{\d*,(?:\d\d+)?\}|\{\d\d+\}")

# HarmonyOS NEXT names its device first, as in "(PC; OpenHarmony 5.0". That word alone counts: a
# "Mobile" may follow even on a PC. HarmonyOS 2 to 4 says "(Linux; Android 12; HarmonyOS" instead
# and is an Android.
_HARMONY_DEVICE = re.compile(r"\((\w+) ?; ?(?:open)?harmony")
_HARMONY_PC_DEVICES = frozenset({"pc", "2in1"})

# All words below are lower case. Searching for plain words with "in" takes 10 % of the time of a
# regular expression that lists them. The regular expressions and the long lists are used only if a
# word shows that they may match, which saves 25 % of the time.

# WeChat's desktop clients, in their current spelling a part of "UnifiedPCWindowsWechat".
_DESKTOP_WECHAT = ("windowswechat", "macwechat")

# Android also runs on Chromebooks, on old laptops and inside Windows, and only the name of the
# product line tells. Lines that tablets share, such as Lenovo's IdeaPad, are not here.
_ANDROID_LAPTOPS = (
    *("chromebook", "pixelbook", "netbook", "notebook", "laptop", " aio ", "subsystem for android"),
    *("aspire", "travelmate", "extensa", "easynote", "inspiron", "latitude", "vostro", "optiplex"),
    *("elitebook", "probook", "zbook", "pavilion", "compaq", "satellite", "tecra", "portege"),
    *("thinkcentre", "vivobook", "zenbook", "lifebook", "macbook", "vaio"),
)

# The last three are the iOS editions of other browsers. When they ask for a desktop page, that is
# the only mark they leave.
_APPLE_HANDHELDS = ("iphone", "ipad", "ipod", "crios/", "fxios/", "edgios/")
_IOS_WORD = re.compile(r"ios(?<![a-z]ios)(?![a-z])")
# The HTTP client of Apple's systems; on Macs until 2020 the processor follows in parentheses.
_IOS_HTTP_CLIENT = re.compile(r"cfnetwork/[\d.]+ darwin/[\d.]++(?! \()")

# Whatever else is held in a hand says so by one of these words.
_OTHER_HANDHELDS = (
    # the device class, and browsers that have no desktop edition
    *("mobile", "ereader", "ucweb", "opera mini", "opera mobi", "silk/"),
    # operating systems of phones and readers
    *("windows ce", "symbian", "kaios", "palmos", "palmsource", "webos/", "maemo", "kindle"),
    "pocketbook",
    # software of feature phones, and makers whose first phones gave nothing but their name
    *("midp", "cldc", "up.browser", " up/4", " wap", ";wap", "; brew", ";brew", "netfront"),
    *("docomo", "nokia", "sonyericsson"),
)
# More browsers and systems, looked for only where a word is there that they share.
_HANDHELD_BROWSERS = ("ucbrowser", "mqqbrowser", "miuibrowser", "vivobrowser", "heytapbrowser")
_HARMONY_WORDS = ("openharmony", " harmonyos", "(harmonyos")
# "Tablet PC 2.0" is a component of Internet Explorer on laptops.
_TABLET_WORD = re.compile(r"tablet(?! ?pc)")
# Windows on 32-bit ARM ran on phones that asked for desktop pages, and on the Surface RT.
_WINDOWS_ON_ARM = re.compile(r"windows nt [\d.]+; arm;")


PlatformSlug = Literal["h5", "pc", "ios", "android"]
_PLATFORM_SLUGS = get_args(PlatformSlug)


class Platform(IntEnum):
    """The ``platform`` codes of the interface document (2.1): 1 H5, 2 PC, 3 iOS, 4 Android."""

    H5 = 1
    PC = 2
    IOS = 3
    ANDROID = 4

    @property
    def slug(self) -> PlatformSlug:
        """The name used in markup and query strings: ``h5``, ``pc``, ``ios`` or ``android``."""
        return cast(PlatformSlug, self.name.lower())

    @classmethod
    def of(cls, value: object) -> Platform:
        """Return the platform that a caller means.

        :param value: a :class:`Platform`, its code in the interface document (2.1), or its
            :attr:`slug` in any case.
        :raises ValueError: if it is anything else, ``True`` and ``"1"`` included.
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


#: What a caller may name a platform by. A value that comes from elsewhere goes through
#: :meth:`Platform.of`.
PlatformLike = Platform | PlatformSlug | Literal[1, 2, 3, 4]

# The systems that Sec-CH-UA-Platform names, as it writes them: quotes and all.
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
    """The part of a mapping that :func:`detect_platform` needs."""

    def get(self, key: str, /) -> object:
        """Return the value of a header, or ``None``."""


def detect_platform(
    headers: SupportsGet, *, app_user_agent: str | re.Pattern[str] | None = None
) -> Platform:
    """Find the platform (2.1) to send for a request: H5 or PC, or the site's own app.

    Tablets are H5, and so is HarmonyOS, apps included, unless it runs on a PC. What says nothing
    about itself is a PC. An iPad that asks for desktop pages sends a Mac's User-Agent and cannot
    be told from one.

    :param headers: the request's headers; a plain ``dict`` needs the names ``User-Agent``,
        ``Sec-CH-UA-Mobile`` and ``Sec-CH-UA-Platform`` in this spelling. A hint that is malformed
        is ignored.
    :param app_user_agent: a pattern found, with :func:`re.search`, in the User-Agent of the site's
        own app and of nothing else; only 512 characters are looked at. Without it the answer is
        never :attr:`Platform.IOS` or :attr:`Platform.ANDROID`.
    :returns: the platform; whatever the headers hold, there is one.
    :raises re.error: if ``app_user_agent`` is not a valid regular expression.
    """
    agent = _get_header_text(headers, "User-Agent")
    lowered = agent.lower()
    device = _detect_device_platform(
        lowered,
        is_mobile=_get_header_text(headers, "Sec-CH-UA-Mobile") == "?1",
        hinted_platform=_CLIENT_HINT_PLATFORMS.get(_get_header_text(headers, "Sec-CH-UA-Platform")),
    )
    is_handheld = device is Platform.IOS or device is Platform.ANDROID
    if not is_handheld or (app_user_agent and re.search(app_user_agent, agent)):
        return device
    # Phones say "Mobile" and need not be compared with laptops.
    if (
        device is Platform.ANDROID
        and "mobile" not in lowered
        and _has_any_word(_ANDROID_LAPTOPS, lowered)
    ):
        return Platform.PC
    return Platform.H5


def has_backtracking_risk(pattern: re.Pattern[str]) -> bool:
    """Tell whether some User-Agent could keep *pattern* busy for long; anybody can send one.

    Where a group is repeated, each letter can double the time; where single characters are, it is a
    power of their number. The name of an app needs neither the one nor more than two of the other.

    :param pattern: an ``app_user_agent`` of :func:`detect_platform`.
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
    """Say what the request comes from: IOS or ANDROID by its system, else H5 or PC."""
    if "harmony" in user_agent and (harmony := _HARMONY_DEVICE.search(user_agent)):
        return Platform.PC if harmony[1] in _HARMONY_PC_DEVICES else Platform.H5
    # A hint is about the device even when its owner asked for a desktop page. "?0" says nothing by
    # itself, as tablets send it too.
    if hinted_platform and not (is_mobile and hinted_platform is Platform.PC):
        return hinted_platform
    if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):
        return Platform.PC
    # Windows Phone claims to be an Android and an iPhone.
    if "windows phone" in user_agent:
        return Platform.H5
    # An app's own HTTP client may name itself and not the system.
    if "android" in user_agent or "okhttp/" in user_agent:
        return Platform.ANDROID
    # The web views of iPads say "Macintosh" and, unlike Macs, "Mobile/15E148".
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
