"""The interface document, read a second time and by hand: what the gateway makes of a URL.

It shares nothing of the reading with :mod:`.gateway.pages` and :mod:`.gateway.urls` on
purpose: the two are separate readings of one document, and a mistake in either shows where they
meet. To add a page of the gateway, add its row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ..gateway.values import Secret, forms
from ..texts import text


@dataclass(frozen=True, kw_only=True)
class Row:
    """A page of the gateway as the document describes it.

    :param title: what the page is, by locale.
    :param meanings: what the parameters mean that only this page has, by locale.
    :param sells: whether a member can buy something there.
    :param members_own: whether what it shows belongs to one member, whose link says so.
    """

    name: str
    section: str
    path: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    platforms: tuple[str, ...]
    title: Mapping[str, str]
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sells: bool = False
    members_own: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """Every parameter of the page."""
        return self.required + self.optional

    @property
    def reference(self) -> str | None:
        """The parameter that says which product or policy is meant, if any."""
        own = set(self.required) - {"partnerId", "sign", "partnerUniqKey"}
        return own.pop() if own else None

    def title_in(self, locale: str) -> str:
        """Return what the page is."""
        return text(locale, f"{self.name}.title", self.title)


# Only section 2.2 describes paySuccess and 2.3 shows it; on the product page it is a habit of
# integrations of this gateway that the document does not forbid.
ROWS = (
    Row(
        name="product",
        section="2.1",
        path="/dispatch/cps",
        required=("partnerId", "caseCode", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "2", "3", "4"),
        title={"zh": "产品详情页", "en": "product page"},
        sells=True,
        meanings={
            "caseCode": {
                "zh": "产品方案代码，由携保提供",
                "en": "the product code that Xiebao provides",
            }
        },
    ),
    Row(
        name="home",
        section="2.2",
        path="/dispatch/cps/index",
        required=("partnerId", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "携保首页", "en": "home page"},
        sells=True,
    ),
    Row(
        name="policy",
        section="2.3",
        path="/dispatch/cps/insureDetail",
        required=("partnerId", "insureNum", "sign"),
        optional=("partnerUniqKey", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "保单详情页", "en": "policy page"},
        members_own=True,
        meanings={"insureNum": {"zh": "投保单号", "en": "the application number of the policy"}},
    ),
)


def row_named(name: str | None) -> Row | None:
    """Return the row of a page, or None."""
    return next((row for row in ROWS if row.name == name), None)


def meaning_in(locale: str, parameter: str) -> str:
    """Return what a parameter is, also one that the document does not have."""
    own = next((row.meanings[parameter] for row in ROWS if parameter in row.meanings), None)
    try:
        return text(locale, f"meaning.{parameter}", own)
    except KeyError:
        return text(locale, "meaning.unknown")


#: The gateway's own hosts, which have its pages at the root.
HOSTS = {"api.xiebao18.com": "production", "testapi.xiebao18.com": "test"}
#: What the codes of ``platform`` stand for.
PLATFORMS = {"1": "H5", "2": "PC", "3": "iOS", "4": "Android"}

#: The ports that URLs leave out.
PORTS = {"http": 80, "https": 443}
# What a query must not contain unescaped, and a percent sign that begins no escape.
_NOT_ESCAPED = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")
_ALL_OF_IT = "***"
# A key with at most this many characters may be an ordinary word.
_SHORT = 7
_ANY_CASE = re.IGNORECASE | re.DOTALL
# Unescaped Chinese is let through here, as browsers do; U+FFFD is what decoding makes of non-UTF-8.
_NOT_IN_URL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]")


def key_forms(key: str) -> re.Pattern[str]:
    """Return what finds an API key; a short one would be found by chance."""
    return forms(key) if len(key) > _SHORT else re.compile("(?!)")


@dataclass(frozen=True)
class Account:
    """Whose URLs are accepted.

    :param partner_id: its ``partnerId``.
    :param sign: ``md5(apiKey + partnerId)``.
    """

    partner_id: str
    sign: Secret[str]

    @cached_property
    def _forms(self) -> Secret[re.Pattern[str]]:
        """What finds the sign however it is written."""
        return self.sign.map(forms)

    def is_key(self, text: str) -> bool:
        """Tell whether a text is the key of this account, by the sign that it makes."""
        signed = f"{text}{self.partner_id}".encode(errors="replace")
        made = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(made, self.sign.reveal())

    def hide(self, text: str) -> str:
        """Mask the sign wherever it is in a text."""
        return self._forms.reveal().sub(mask(self.sign.reveal()), text)


@dataclass(frozen=True)
class Problem:
    """Something for which the gateway refuses a URL.

    :param code: what it is, by its key in :mod:`.texts`.
    :param parameter: the name as it was received, or that is missing; None for the page itself.
    :param value: what it should be, or what was received, as far as it is not a secret.
    """

    code: str
    parameter: str | None = None
    value: str | None = None

    def explain(self, locale: str, page: str | None) -> str:
        """Say what is wrong and what to do, in this locale.

        :param page: the name of the page.
        """
        row = row_named(page)
        served = row.platforms if row else ()
        codes = [
            text(locale, "list.platform", code=code, platform=PLATFORMS[code]) for code in served
        ]
        comma = text(locale, "list.comma")
        return text(
            locale,
            f"problem.{self.code}",
            parameter=self.parameter,
            value=self.value,
            meaning=meaning_in(locale, self.parameter or ""),
            section=row.section if row else "",
            platforms=comma.join(codes),
            pages=comma.join(row.path for row in ROWS),
        )


@dataclass(frozen=True)
class Verdict:
    """What the gateway makes of one request.

    :param page: the name of the page, such as ``"product"``; None when the path is not a page.
    :param problems: why the request is refused; empty when it is accepted.
    :param parameters: names and values in the order received, the sign masked.
    :param platform: the platform code, when it is given and the page serves it.
    :param member: ``partnerUniqKey``, when it is given and valid.
    :param pay_success: the decoded URL of ``paySuccess``, when it is given and valid.
    """

    page: str | None
    problems: tuple[Problem, ...]
    parameters: tuple[tuple[str, str], ...]
    platform: int | None = None
    member: str | None = None
    pay_success: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against the request."""
        return not self.problems

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the request is refused, in Chinese."""
        return self.reasons_in("zh")

    def reasons_in(self, locale: str) -> tuple[str, ...]:
        """Say why the request is refused, in this locale."""
        return tuple(problem.explain(locale, self.page) for problem in self.problems)


def read(url: str, account: Account | None = None, also_known: Collection[str] = ()) -> Verdict:
    """Read a URL as the gateway would; any text has a verdict.

    :param url: a full URL or one that begins with its path. Except on Xiebao's own hosts the page
        may be mounted below another path, as ``/gateway/dispatch/cps``.
    :param account: whose URL it has to be; None checks all but partner id and key.
    :param also_known: parameters outside the document that are let through, such as ``hidenav``.
    """
    address, _, query = url.partition("#")[0].partition("?")  # no client sends a fragment
    row = row_at(address)
    if row is not None:
        verdict = read_query(row, query, account, also_known)
        where = tuple(_wrong_place(urlsplit(address)))
        return replace(verdict, problems=where + verdict.problems)
    host, path = re.findall("^(?:[a-z][a-z0-9+.-]*://([^/]*))?(.*)", address, _ANY_CASE)[0]
    hide = account.hide if account else str
    paths = tuple(row.path for row in ROWS)
    is_page = path in paths or (path.endswith(paths) and host not in HOSTS)
    code = "address" if is_page else "page"
    return Verdict(None, (Problem(code, value=hide(path) or "/"),), _shown(query, account))


def row_at(address: str) -> Row | None:
    """Return the page at an address without its query, or None."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or _NOT_ESCAPED.search(address):
        return None
    is_mounted = parts.hostname not in HOSTS  # below whatever path
    ends_so = (row for row in ROWS if parts.path.endswith(row.path))
    return next((row for row in ends_so if is_mounted or parts.path == row.path), None)


def _wrong_place(parts: SplitResult) -> Iterator[Problem]:
    """Say what is wrong with where a page is, as far as it is, or looks like, Xiebao's own host."""
    host = parts.hostname or ""
    if host not in HOSTS:
        if "xiebao18" in parts.netloc.lower() or get_close_matches(host, HOSTS, cutoff=0.88):
            yield Problem("host", value=parts.netloc)
        elif not parts.netloc and parts.path and not parts.path.startswith("/"):
            yield Problem("address")
        return
    if parts.scheme != "https":
        yield Problem("scheme", value=host)
    if parts.port not in (None, PORTS.get(parts.scheme)):
        yield Problem("port", value=str(parts.port))
    if "@" in parts.netloc:
        yield Problem("user", value=host)


def read_query(
    row: Row, query: str, account: Account | None, also_known: Collection[str]
) -> Verdict:
    """Read the query of a request for a page; see :func:`read`."""
    raw_fields = [raw for raw in query.split("&") if raw]
    received = _parsed(query)
    counts = Counter(name for name, _ in received)
    problems = [Problem("missing", name) for name in row.required if name not in counts]
    values: dict[str, str] = {}
    for raw, (name, value) in zip(raw_fields, received, strict=True):
        problem = (
            _unknown(row, name, also_known)
            or _malformed(row, raw, name, value, counts[name])
            or _wrong(row, name, value, account)
        )
        if problem is None:
            values[name] = value
        else:
            problems.append(problem)
    hide = account.hide if account else str
    parameters = _shown(query, account)
    pay_success = values.get("paySuccess")
    return Verdict(
        page=row.name,
        problems=tuple(dict.fromkeys(_hidden(problem, hide) for problem in problems)),
        parameters=parameters,
        platform=int(values["platform"]) if "platform" in values else None,
        member=dict(parameters)["partnerUniqKey"] if "partnerUniqKey" in values else None,
        pay_success=hide(_decoded(pay_success).decode()) if pay_success else None,
    )


def _parsed(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace", separator="&")


def _shown(query: str, account: Account | None) -> tuple[tuple[str, str], ...]:
    hide = account.hide if account else str

    def shown(name: str, value: str) -> str:
        decoded = _decoded_somehow(value)
        if _bare(name) == "sign":
            return shown_sign(value, account)
        return mask(value) if decoded and hide(decoded) != decoded else hide(value)

    return tuple((hide(name), shown(name, value)) for name, value in _parsed(query))


def _hidden(problem: Problem, hide: Callable[[str], str]) -> Problem:
    parameter, value = (text and hide(text) for text in (problem.parameter, problem.value))
    return Problem(problem.code, parameter, value)


def _may_be_a_key(sign: str, account: Account | None) -> bool:
    """Tell whether what should be a sign may be an API key, of which nothing is shown."""
    return after_hex_digits(sign) is not None or bool(account and account.is_key(sign))


def shown_sign(sign: str, account: Account | None) -> str:
    """Return what may be shown of what stands in the place of a sign."""
    return _ALL_OF_IT if _may_be_a_key(sign, account) else mask(sign)


def mask(sign: str) -> str:
    """Return what may be shown of a sign: the two characters at each end."""
    if len(sign) < 8:
        return sign and _ALL_OF_IT
    return f"{sign[:2]}…{sign[-2:]}"


def _unknown(row: Row, name: str, also_known: Collection[str]) -> Problem | None:
    known = (*row.known, *also_known)
    if name in known:
        return None
    for meant in known:
        if name == f"amp;{meant}":
            return Problem("html", name, meant)
        if _bare(name) == meant.lower():
            return Problem("spaces" if name.strip() == meant else "misspelt", name, meant)
    return Problem("unknown", name)


def _bare(name: str) -> str:
    """Return a name without what a stray space, or ``&amp;`` from HTML, leaves in it."""
    return re.sub(r"^(?:amp;|\s)+", "", name.lower()).strip()


def _malformed(row: Row, raw: str, name: str, value: str, count: int) -> Problem | None:
    if count > 1:
        return Problem("repeated", name, str(count))
    if re.search(r"\s", raw):
        return Problem("space", name)
    if _NOT_ESCAPED.search(raw) or "\N{REPLACEMENT CHARACTER}" in name + value:
        return Problem("escapes", name)
    # The document's examples send subPartnerId empty; nothing else it names makes sense so.
    must_have_value = set(row.known) - {"subPartnerId"}
    if name in must_have_value and not value.strip():
        return Problem("empty", name)
    return None


def _wrong(row: Row, name: str, value: str, account: Account | None) -> Problem | None:
    code = said = None
    match name:
        case "partnerId" if account is not None and value != account.partner_id:
            code, said = "partner", account.partner_id
        case "sign":
            code = _wrong_sign(value, account)
            said = None if code == "sign_is_key" else mask(value)
        case "platform" if value not in row.platforms:
            code, said = "no_pc" if value == "2" else "platform", value
        case "paySuccess":
            code = _wrong_pay_success(value)
    return None if code is None else Problem(code, name, said)


def _wrong_sign(sign: str, account: Account | None) -> str | None:
    if account is not None and hmac.compare_digest(sign.encode(), account.sign.reveal().encode()):
        return None
    if _may_be_a_key(sign, account):
        return "sign_is_key"
    if not re.fullmatch("[0-9a-f]{32}", sign):
        return "sign_shape"
    return None if account is None else "sign"


def after_hex_digits(text: str) -> str | None:
    """Return what follows on base64 of eleven hex digits; None where a text does not begin so.

    The signs in 2.1, which contradict the rule of 2.1, are that and the partner id: keys, most
    likely, that were pasted there.
    """
    try:
        digits = base64.b64decode(f"{text[:15]}=", validate=True)
    except ValueError:
        return None
    return text[15:].removeprefix("=") if re.fullmatch(b"[0-9a-f]{11}", digits) else None


def _wrong_pay_success(value: str) -> str | None:
    if " " in value:
        return "pay_success_plus"
    if "-" in value or "_" in value:
        return "pay_success_url_safe"
    if value == "*":
        return "pay_success_star"
    # Python versions differ in how much wrong padding they forgive; encoding again forgives none.
    if base64.b64encode(_decoded(value)).decode() != value:
        return "pay_success_base64"
    if not _is_absolute(_decoded(value).decode("utf-8", "replace")):
        return "pay_success_url"
    return None


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


def _decoded_somehow(value: str) -> str:
    """Return what is in base64 that need not be right: the sign is masked also there."""
    standard = value.translate(str.maketrans("-_ ", "+/+", "\r\n\t")).rstrip("=")
    return _decoded(standard + "=" * (-len(standard) % 4)).decode("utf-8", "replace")


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # an invalid port raises
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and not _NOT_IN_URL.search(url)
