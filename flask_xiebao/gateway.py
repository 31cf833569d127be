"""The gateway's URLs: section 二 of the interface document as one table, and one builder.

Pure Python: nothing here needs Flask. To add a page of the gateway, add its row to :data:`PAGES`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType, NoneType
from typing import Any, ClassVar, Generic, NoReturn, TypeVar
from urllib.parse import quote, urlsplit

from .errors import GatewayError
from .platforms import Platform

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """One row of the document: a page of the gateway.

    :param section: where the document describes it.
    :param path: where the page is on the gateway's host.
    :param reference: the parameter that says which product or policy is meant, if any.
    :param parameters: every parameter the page takes, in the order of the document's examples.
    :param required: those of them that the caller has to give.
    :param platforms: the platforms that the page serves.
    """

    section: str
    path: str
    reference: str | None
    parameters: tuple[str, ...]
    required: frozenset[str]
    platforms: frozenset[Platform]


_EVERYWHERE = frozenset(Platform)
_NO_PC_AT_PRESENT = _EVERYWHERE - {Platform.PC}

#: The gateway's pages by the name that links, macros and endpoints use.
#:
#: Only 2.2 of the document describes ``paySuccess`` and 2.3 shows it in an example; integrations
#: of the same gateway family send it on the product page too, where a shop needs it most.
PAGES: Mapping[str, Page] = MappingProxyType(
    {
        "product": Page(
            "2.1",
            "/dispatch/cps",
            "caseCode",
            (
                *("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey"),
                *("platform", "paySuccess"),
            ),
            frozenset({"caseCode", "partnerUniqKey"}),
            _EVERYWHERE,
        ),
        "home": Page(
            "2.2",
            "/dispatch/cps/index",
            None,
            ("partnerId", "subPartnerId", "sign", "partnerUniqKey", "platform", "paySuccess"),
            frozenset({"partnerUniqKey"}),
            _NO_PC_AT_PRESENT,
        ),
        "policy": Page(
            "2.3",
            "/dispatch/cps/insureDetail",
            "insureNum",
            ("partnerId", "insureNum", "sign", "partnerUniqKey", "platform", "paySuccess"),
            frozenset({"insureNum"}),
            _NO_PC_AT_PRESENT,
        ),
    }
)

_DOCUMENTED = frozenset(name.lower() for page in PAGES.values() for name in page.parameters)


def page_named(name: str) -> Page:
    """Return the row of :data:`PAGES` with this name.

    :raises GatewayError: when there is none.
    """
    try:
        return PAGES[name]
    except (KeyError, TypeError):
        raise GatewayError(f"{name!r} is no page: use one of {', '.join(PAGES)}.") from None


_HOST = re.compile(r"[a-z0-9_.-]+|[a-f0-9:.]+")
_PLACE = "\0"  # of a value, in a frame: no encoded value has it
_LARGEST_BITS = 256  # far beyond any id, and short of where Python refuses to write the digits
# Characters of a value and of a whole URL: more than servers take, and what caches here may hold.
_LONGEST_TEXT, _LONGEST_URL = 2000, 8000


class Secret(Generic[T]):
    """What is not printed by accident: logs, tracebacks and ``repr`` show a placeholder."""

    __slots__ = ("_hidden",)

    def __init__(self, hidden: T) -> None:
        self._hidden = hidden

    def __repr__(self) -> str:
        return "<secret>"

    def __deepcopy__(self, memo: object) -> Secret[T]:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled: pass on where it comes from.")

    def reveal(self) -> T:
        """Return it."""
        return self._hidden


def plain_text(value: str | int) -> str:
    """Return what *value* says, as a plain string.

    It may be a lazy proxy or an enum that is text or a number: str() would name the latter.
    """
    if type(value) is str:
        return value
    return "".join(value) if isinstance(value, str) else str(int(value))


def shown(value: object) -> str:
    """Return a value as a message shows what was given, where that is no secret."""
    try:
        text = repr(value)
    except Exception:  # such as of a number of thousands of digits
        return f"this {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}…"


def text_problem(value: object, longest: int = _LONGEST_TEXT) -> str | None:
    """Say what keeps *value* from being sent as the value of a parameter, or return None.

    It returns instead of raising so that a secret can be checked: an error report would show the
    local variables of the frame that raises.
    """
    # isinstance() asks a lazy proxy for its class, `is None` does not.
    if isinstance(value, NoneType):
        return "is None, such as a NULL in a database: give it a value"
    if isinstance(value, bool) or not isinstance(value, str | int):
        return f"must be text or a whole number, not {type(value).__name__}"
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        return "is too large a number"
    text = plain_text(value)
    if not text.strip():
        return "is empty: give it a value"
    if len(text) > longest:
        return f"has {len(text):,} characters, and may have {longest:,}"
    if not text.isprintable():
        [mark, *_] = (mark for mark in text if not mark.isprintable())
        return f"has U+{ord(mark):04X}, a character that cannot be printed: remove it"
    return None


def check_text(name: str, value: object, longest: int = _LONGEST_TEXT) -> str:
    """Return *value* as the text that a query parameter can carry.

    :param name: what the value is called in the error.
    :param value: text, or a whole number, which becomes its digits.
    :param longest: how many characters it may have.
    :raises GatewayError: when it is empty, blank, unprintable, too long or of another type.
    """
    problem = text_problem(value, longest)
    if problem is None and isinstance(value, str | int):
        return plain_text(value)
    raise GatewayError(f"{name} {problem}.")


def check_web_url(name: str, value: object) -> str:
    """Return *value* if it is an absolute http(s) URL.

    :param name: what the value is called in the error.
    :raises GatewayError: when it is anything else, or has a user name.
    """
    text = check_text(name, value, _LONGEST_URL)
    try:
        parts = urlsplit(text)
        # A port that is none, and a host that DNS cannot have, are refused when they are asked for.
        host = (parts.hostname or "").encode("idna").decode()
        named = _HOST.fullmatch(host) and parts.port != 0
        well_formed = parts.scheme in ("http", "https") and bool(named)
    except ValueError:
        well_formed = False
    if not well_formed or " " in text or "\\" in text:
        raise GatewayError(f"{name} must be an absolute http:// or https:// URL.")
    if "@" in parts.netloc:  # localhost:80@evil.example is evil.example
        raise GatewayError(f"{name} must have no user name or password before its host.")
    return text


def check_base_url(name: str, value: object) -> str:
    """Return a gateway's address without a slash at the end of its path.

    :param name: what the value is called in the error.
    :param value: an http(s) URL or a path of this site, such as ``/gateway``.
    :raises GatewayError: when it is neither, or has a query, a fragment or credentials.
    """
    text = check_text(name, value)
    if "/" not in text:
        raise GatewayError(
            f"{name} must be an http:// or https:// URL, or a path of this site such as /gateway,"
            f" not {shown(text)}."
        )
    if not text.startswith("/") or text.startswith("//"):
        check_web_url(name, text)
    if any(mark in text for mark in "?#@\\ "):
        raise GatewayError(f"{name} must end with its path: no query, fragment or credentials.")
    text = text.rstrip("/")
    if path := next((row.path for row in PAGES.values() if text.endswith(row.path)), None):
        raise GatewayError(
            f"{name} must be what stands before {path}, which each page adds by itself:"
            f" {text.removesuffix(path) or '/'}"
        )
    return text or "/"


def check_extra(name: str, value: object) -> Mapping[str, str]:
    """Return further parameters as names and texts.

    :param name: what the mapping is called in the error.
    :param value: a mapping of parameter names to text or whole numbers.
    :raises GatewayError: when a name is one of the document's, or a value is no text.
    """
    if not isinstance(value, Mapping):
        raise GatewayError(f"{name} must be a mapping of parameter names to values.")
    checked = {}
    for parameter, text in value.items():
        parameter = check_text(f"A name in {name}", parameter)
        if parameter.strip().lower() in _DOCUMENTED:
            raise GatewayError(
                f"{name} must not set {parameter}, which the document defines: it has an argument"
                " or a setting of its own."
            )
        checked[parameter] = check_text(f"{name}[{parameter!r}]", text)
    return checked


class Gateway:
    """Builds the URLs of the gateway for one partner account.

    The ``sign`` is the MD5 of the API key and the partner id and covers nothing else: whoever sees
    one URL can make another for any member. Hand URLs only to the member they are for.

    :param partner_id: ``partnerId``, the account that Xiebao gave the site.
    :param api_key: the key that belongs to the account *and* to the environment. It is used once,
        for the sign, and not kept.
    :param sub_partner_id: ``subPartnerId`` of every URL that names none; empty for none.
    :param base_url: :attr:`TEST`, :attr:`PRODUCTION`, another http(s) URL, or a path of this site.
    :param extra: further parameters for every URL, such as the ``hidenav`` and ``toLogin`` that
        the gateway knows and the document leaves out.
    :raises GatewayError: when an argument is wrong; the message names it.

    Interface document: 1.1, 2.1 to 2.3.
    """

    PRODUCTION: ClassVar[str] = "https://api.xiebao18.com"
    TEST: ClassVar[str] = "https://testapi.xiebao18.com"

    def __init__(
        self,
        partner_id: str | int,
        api_key: str | int | Secret[str],
        *,
        sub_partner_id: str = "",
        base_url: str = TEST,
        extra: Mapping[str, str | int] | None = None,
    ) -> None:
        # Error reports show the local variables of each frame: no plain key may be among them.
        if isinstance(api_key, Secret):
            key = api_key
        else:
            problem = text_problem(api_key)
            key = Secret("" if problem else plain_text(api_key))
            del api_key
            if problem:
                raise GatewayError(f"api_key {problem}.")
        self.partner_id = check_text("partnerId", partner_id)
        self.sub_partner_id = _sub_partner_id(sub_partner_id)
        self.base_url = check_base_url("base_url", base_url).removesuffix("/")
        self.extra = check_extra("extra", {} if extra is None else extra)
        self._sign = _sign(key, self.partner_id)
        self._frame = lru_cache(1024, typed=True)(self._make_frame)

    def __repr__(self) -> str:
        # One whose arguments were refused has neither, and is in the report of the error.
        known = {name: getattr(self, name, None) for name in ("partner_id", "base_url")}
        return "Gateway({partner_id!r}, base_url={base_url!r})".format(**known)

    @property
    def sign(self) -> str:
        """``md5(apiKey + partnerId)``, 32 lower-case hex digits (2.1)."""
        return self._sign.reveal()

    def product_url(
        self,
        case_code: str | int,
        *,
        partner_uniq_key: str | int,
        platform: Platform | str | int | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of a product's page (2.1).

        :param case_code: ``caseCode``, the product code that Xiebao provides.
        :param partner_uniq_key: ``partnerUniqKey``, the member's id on this site.
        :param platform: where the page will be shown; left out, the gateway decides.
        :param sub_partner_id: ``subPartnerId``; the gateway's own by default, ``""`` for none.
        :param pay_success: absolute URL to which the browser goes after payment. The document
            describes ``paySuccess`` for 2.2 only; this page takes it too.
        :param extra: further parameters for this URL.
        :raises GatewayError: names the parameter that is wrong.
        """
        return self.url(
            "product",
            case_code,
            partner_uniq_key=partner_uniq_key,
            platform=platform,
            sub_partner_id=sub_partner_id,
            pay_success=pay_success,
            extra=extra,
        )

    def home_url(
        self,
        *,
        partner_uniq_key: str | int,
        platform: Platform | str | int | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of Xiebao's home page for this partner (2.2, "no PC at present").

        The parameters and errors are those of :meth:`product_url`.
        """
        return self.url(
            "home",
            partner_uniq_key=partner_uniq_key,
            platform=platform,
            sub_partner_id=sub_partner_id,
            pay_success=pay_success,
            extra=extra,
        )

    def policy_url(
        self,
        insure_num: str | int,
        *,
        partner_uniq_key: str | int | None = None,
        platform: Platform | str | int | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of a policy's detail page (2.3, "no PC at present").

        :param insure_num: ``insureNum``, the application number (投保单号).
        :param partner_uniq_key: ``partnerUniqKey``, "not needed at present".

        The other parameters and the errors are those of :meth:`product_url`; the document shows
        ``paySuccess`` for this page in its examples only.
        """
        return self.url(
            "policy",
            insure_num,
            partner_uniq_key=partner_uniq_key,
            platform=platform,
            pay_success=pay_success,
            extra=extra,
        )

    def url(
        self,
        page: str,
        reference: str | int | None = None,
        *,
        partner_uniq_key: str | int | None = None,
        platform: Platform | str | int | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of any page in :data:`PAGES`.

        :param page: the name of its row.
        :param reference: the value of the row's ``reference`` parameter.
        :raises GatewayError: names the parameter that is wrong.

        The other parameters are those of :meth:`product_url`.
        """
        own = {}
        if partner_uniq_key is not None:
            own["partnerUniqKey"] = _encode(check_text("partnerUniqKey", partner_uniq_key))
        if pay_success is not None:
            own["paySuccess"] = _encode(_pay_success(pay_success))
        further = () if extra is None else tuple(check_extra("extra", extra).items())
        shared: tuple[Any, ...] = (page, reference, platform, sub_partner_id, further, *own)
        # What is remembered is bounded in bytes: further parameters may be any number.
        make_frame = self._make_frame if further else self._frame
        try:
            frame = make_frame(*shared)
        except TypeError:  # an argument that cannot be hashed: it is wrong, and this says which
            frame = self._make_frame(*shared)

        # Nothing below raises, so no traceback can hold the sign.
        url = frame[0]
        for value, rest in zip(own.values(), frame[1:], strict=True):
            url += value + rest
        return url

    def _make_frame(
        self,
        page: str,
        reference: str | int | None,
        platform: Platform | str | int | None,
        sub_partner_id: str | None,
        further: tuple[tuple[str, str], ...],
        *own: str,
    ) -> list[str]:
        """Return what stands around the values that are of one URL only, by the page's row.

        It is made once for the URLs that share it.

        :param own: the names of those values.
        """
        row = page_named(page)
        if row.reference is None and reference is not None:
            raise GatewayError(f"The {page} page takes no case code or application number.")
        values = {
            "partnerId": self.partner_id,
            "subPartnerId": (
                self.sub_partner_id if sub_partner_id is None else _sub_partner_id(sub_partner_id)
            ),
        }
        if row.reference is not None and reference is not None:
            values[row.reference] = check_text(row.reference, reference)
        if platform is not None:
            values["platform"] = _platform_code(row, platform)
        for name in row.parameters:
            if name in row.required and name not in values and name not in own:
                raise GatewayError(f"{name} is required for the {page} page: give it a value.")

        # Nothing below raises, so no traceback can hold the sign.
        values["sign"] = self.sign
        pairs = [
            f"{name}={_PLACE if name in own else _encode(values[name])}"
            for name in row.parameters
            if name in own or name in values
        ]
        extra = {**self.extra, **dict(further)}
        pairs += [f"{_encode(name)}={_encode(text)}" for name, text in extra.items()]
        return f"{self.base_url}{row.path}?{'&'.join(pairs)}".split(_PLACE)


def _sign(key: Secret[str], partner_id: str) -> Secret[str]:
    text = key.reveal() + partner_id
    return Secret(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def _encode(text: str) -> str:
    # quote() leaves "/" alone unless told otherwise.
    return quote(text, safe="")


def _sub_partner_id(value: object) -> str:
    # The document's examples send it empty when there is none.
    return "" if value == "" else check_text("subPartnerId", value)


def _platform_code(page: Page, value: object) -> str:
    try:
        platform = Platform.of(value)
    except ValueError as error:
        raise GatewayError(f"platform: {error}") from None
    if platform not in page.platforms:
        raise GatewayError(
            f"platform: {page.path} serves no {platform.name} at present; send the member to it"
            " on a phone."
        )
    return str(int(platform))


def _pay_success(url: object) -> str:
    return base64.b64encode(check_web_url("paySuccess", url).encode()).decode()
