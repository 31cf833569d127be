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

from ..gateway.values import Secret, build_any_encoding_pattern
from ..texts import get_text


@dataclass(frozen=True, kw_only=True)
class PageSpec:
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
    sells_insurance: bool = False
    requires_member: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter of the page."""
        return self.required + self.optional

    @property
    def reference_parameter_name(self) -> str | None:
        """The parameter that says which product or policy is meant, if any."""
        own = set(self.required) - {"partnerId", "sign", "partnerUniqKey"}
        return own.pop() if own else None

    def get_title(self, locale: str) -> str:
        """Return what the page is."""
        return get_text(locale, f"{self.name}.title", self.title)


# Only section 2.2 describes paySuccess and 2.3 shows it; on the product page it is a habit of
# integrations of this gateway that the document does not forbid.
PAGE_SPECS = (
    PageSpec(
        name="product",
        section="2.1",
        path="/dispatch/cps",
        required=("partnerId", "caseCode", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "2", "3", "4"),
        title={"zh": "产品详情页", "en": "product page"},
        sells_insurance=True,
        meanings={
            "caseCode": {
                "zh": "产品方案代码，由携保提供",
                "en": "the product code that Xiebao provides",
            }
        },
    ),
    PageSpec(
        name="home",
        section="2.2",
        path="/dispatch/cps/index",
        required=("partnerId", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "携保首页", "en": "home page"},
        sells_insurance=True,
    ),
    PageSpec(
        name="policy",
        section="2.3",
        path="/dispatch/cps/insureDetail",
        required=("partnerId", "insureNum", "sign"),
        optional=("partnerUniqKey", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
        title={"zh": "保单详情页", "en": "policy page"},
        requires_member=True,
        meanings={"insureNum": {"zh": "投保单号", "en": "the application number of the policy"}},
    ),
)


def find_page_spec(page_name: str | None) -> PageSpec | None:
    """Return the row of a page, or None."""
    return next((row for row in PAGE_SPECS if row.name == page_name), None)


def get_parameter_meaning(locale: str, parameter: str) -> str:
    """Return what a parameter is, also one that the document does not have."""
    own = next((row.meanings[parameter] for row in PAGE_SPECS if parameter in row.meanings), None)
    try:
        return get_text(locale, f"meaning.{parameter}", own)
    except KeyError:
        return get_text(locale, "meaning.unknown")


#: The gateway's own hosts, which have its pages at the root.
GATEWAY_HOSTS = {"api.xiebao18.com": "production", "testapi.xiebao18.com": "test"}
#: What the codes of ``platform`` stand for.
PLATFORM_NAMES = {"1": "H5", "2": "PC", "3": "iOS", "4": "Android"}

#: The ports that URLs leave out.
DEFAULT_PORTS = {"http": 80, "https": 443}
# What a query must not contain unescaped, and a percent sign that begins no escape.
_UNESCAPED_CHARACTER = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")
_FULL_MASK = "***"
# A key with at most this many characters may be an ordinary word.
_MAX_WORD_LENGTH = 7
_URL_FLAGS = re.IGNORECASE | re.DOTALL
# Unescaped Chinese is let through here, as browsers do; U+FFFD is what decoding makes of non-UTF-8.
_FORBIDDEN_URL_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]")


def build_api_key_pattern(api_key: str) -> re.Pattern[str]:
    """Return what finds an API key; a short one would be found by chance."""
    return (
        build_any_encoding_pattern(api_key)
        if len(api_key) > _MAX_WORD_LENGTH
        else re.compile("(?!)")
    )


@dataclass(frozen=True)
class Account:
    """Whose URLs are accepted.

    :param partner_id: its ``partnerId``.
    :param sign: ``md5(apiKey + partnerId)``.
    """

    partner_id: str
    sign: Secret[str]

    @cached_property
    def _sign_pattern(self) -> Secret[re.Pattern[str]]:
        """What finds the sign however it is written."""
        return self.sign.map(build_any_encoding_pattern)

    def matches_api_key(self, text: str) -> bool:
        """Tell whether a text is the key of this account, by the sign that it makes."""
        signed = f"{text}{self.partner_id}".encode(errors="replace")
        made = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(made, self.sign.reveal())

    def mask_sign_in(self, text: str) -> str:
        """Mask the sign wherever it is in a text."""
        return self._sign_pattern.reveal().sub(mask_middle(self.sign.reveal()), text)


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
        row = find_page_spec(page)
        served = row.platforms if row else ()
        codes = [
            get_text(locale, "list.platform", code=code, platform=PLATFORM_NAMES[code])
            for code in served
        ]
        comma = get_text(locale, "list.comma")
        return get_text(
            locale,
            f"problem.{self.code}",
            parameter=self.parameter,
            value=self.value,
            meaning=get_parameter_meaning(locale, self.parameter or ""),
            section=row.section if row else "",
            platforms=comma.join(codes),
            pages=comma.join(row.path for row in PAGE_SPECS),
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


def evaluate_url(
    url: str, account: Account | None = None, extra_parameters: Collection[str] = ()
) -> Verdict:
    """Read a URL as the gateway would; any text has a verdict.

    :param url: a full URL or one that begins with its path. Except on Xiebao's own hosts the page
        may be mounted below another path, as ``/gateway/dispatch/cps``.
    :param account: whose URL it has to be; None checks all but partner id and key.
    :param also_known: parameters outside the document that are let through, such as ``hidenav``.
    """
    address, _, query = url.partition("#")[0].partition("?")  # no client sends a fragment
    row = find_page_spec_by_url(address)
    if row is not None:
        verdict = evaluate_query(row, query, account, extra_parameters)
        where = tuple(_iter_url_problems(urlsplit(address)))
        return replace(verdict, problems=where + verdict.problems)
    host, path = re.findall("^(?:[a-z][a-z0-9+.-]*://([^/]*))?(.*)", address, _URL_FLAGS)[0]
    hide = account.mask_sign_in if account else str
    paths = tuple(row.path for row in PAGE_SPECS)
    is_page = path in paths or (path.endswith(paths) and host not in GATEWAY_HOSTS)
    code = "address" if is_page else "page"
    return Verdict(
        None, (Problem(code, value=hide(path) or "/"),), _get_masked_parameters(query, account)
    )


def find_page_spec_by_url(url_without_query: str) -> PageSpec | None:
    """Return the page at an address without its query, or None."""
    try:
        parts = urlsplit(url_without_query)
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or _UNESCAPED_CHARACTER.search(url_without_query):
        return None
    is_mounted = parts.hostname not in GATEWAY_HOSTS  # below whatever path
    ends_so = (row for row in PAGE_SPECS if parts.path.endswith(row.path))
    return next((row for row in ends_so if is_mounted or parts.path == row.path), None)


def _iter_url_problems(split_url: SplitResult) -> Iterator[Problem]:
    """Say what is wrong with where a page is, as far as it is, or looks like, Xiebao's own host."""
    host = split_url.hostname or ""
    if host not in GATEWAY_HOSTS:
        if "xiebao18" in split_url.netloc.lower() or get_close_matches(
            host, GATEWAY_HOSTS, cutoff=0.88
        ):
            yield Problem("host", value=split_url.netloc)
        elif not split_url.netloc and split_url.path and not split_url.path.startswith("/"):
            yield Problem("address")
        return
    if split_url.scheme != "https":
        yield Problem("scheme", value=host)
    if split_url.port not in (None, DEFAULT_PORTS.get(split_url.scheme)):
        yield Problem("port", value=str(split_url.port))
    if "@" in split_url.netloc:
        yield Problem("user", value=host)


def evaluate_query(
    page_spec: PageSpec, query: str, account: Account | None, extra_parameters: Collection[str]
) -> Verdict:
    """Read the query of a request for a page; see :func:`read`."""
    raw_fields = [raw for raw in query.split("&") if raw]
    received = _parse_query(query)
    counts = Counter(name for name, _ in received)
    problems = [Problem("missing", name) for name in page_spec.required if name not in counts]
    values: dict[str, str] = {}
    for raw, (name, value) in zip(raw_fields, received, strict=True):
        problem = (
            _find_name_problem(page_spec, name, extra_parameters)
            or _find_format_problem(page_spec, raw, name, value, counts[name])
            or _find_value_problem(page_spec, name, value, account)
        )
        if problem is None:
            values[name] = value
        else:
            problems.append(problem)
    hide = account.mask_sign_in if account else str
    parameters = _get_masked_parameters(query, account)
    pay_success = values.get("paySuccess")
    return Verdict(
        page=page_spec.name,
        problems=tuple(dict.fromkeys(_mask_problem(problem, hide) for problem in problems)),
        parameters=parameters,
        platform=int(values["platform"]) if "platform" in values else None,
        member=dict(parameters)["partnerUniqKey"] if "partnerUniqKey" in values else None,
        pay_success=hide(_decode_base64(pay_success).decode()) if pay_success else None,
    )


def _parse_query(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace", separator="&")


def _get_masked_parameters(query: str, account: Account | None) -> tuple[tuple[str, str], ...]:
    hide = account.mask_sign_in if account else str

    def mask_value(name: str, value: str) -> str:
        decoded = _decode_lenient_base64(value)
        if _normalize_parameter_name(name) == "sign":
            return mask_sign_value(value, account)
        return mask_middle(value) if decoded and hide(decoded) != decoded else hide(value)

    return tuple((hide(name), mask_value(name, value)) for name, value in _parse_query(query))


def _mask_problem(problem: Problem, mask_text: Callable[[str], str]) -> Problem:
    parameter, value = (text and mask_text(text) for text in (problem.parameter, problem.value))
    return Problem(problem.code, parameter, value)


def _is_possible_api_key(sign: str, account: Account | None) -> bool:
    """Tell whether what should be a sign may be an API key, of which nothing is shown."""
    return find_text_after_encoded_hex_digits(sign) is not None or bool(
        account and account.matches_api_key(sign)
    )


def mask_sign_value(sign: str, account: Account | None) -> str:
    """Return what may be shown of what stands in the place of a sign."""
    return _FULL_MASK if _is_possible_api_key(sign, account) else mask_middle(sign)


def mask_middle(value: str) -> str:
    """Return what may be shown of a sign: the two characters at each end."""
    if len(value) < 8:
        return value and _FULL_MASK
    return f"{value[:2]}…{value[-2:]}"


def _find_name_problem(
    page_spec: PageSpec, name: str, extra_parameters: Collection[str]
) -> Problem | None:
    known = (*page_spec.parameters, *extra_parameters)
    if name in known:
        return None
    for meant in known:
        if name == f"amp;{meant}":
            return Problem("html", name, meant)
        if _normalize_parameter_name(name) == meant.lower():
            return Problem("spaces" if name.strip() == meant else "misspelt", name, meant)
    return Problem("unknown", name)


def _normalize_parameter_name(name: str) -> str:
    """Return a name without what a stray space, or ``&amp;`` from HTML, leaves in it."""
    return re.sub(r"^(?:amp;|\s)+", "", name.lower()).strip()


def _find_format_problem(
    page_spec: PageSpec, raw_field: str, name: str, value: str, count: int
) -> Problem | None:
    if count > 1:
        return Problem("repeated", name, str(count))
    if re.search(r"\s", raw_field):
        return Problem("space", name)
    if _UNESCAPED_CHARACTER.search(raw_field) or "\N{REPLACEMENT CHARACTER}" in name + value:
        return Problem("escapes", name)
    # The document's examples send subPartnerId empty; nothing else it names makes sense so.
    must_have_value = set(page_spec.parameters) - {"subPartnerId"}
    if name in must_have_value and not value.strip():
        return Problem("empty", name)
    return None


def _find_value_problem(
    page_spec: PageSpec, name: str, value: str, account: Account | None
) -> Problem | None:
    code = said = None
    match name:
        case "partnerId" if account is not None and value != account.partner_id:
            code, said = "partner", account.partner_id
        case "sign":
            code = _find_sign_problem_code(value, account)
            said = None if code == "sign_is_key" else mask_middle(value)
        case "platform" if value not in page_spec.platforms:
            code, said = "no_pc" if value == "2" else "platform", value
        case "paySuccess":
            code = _find_pay_success_problem_code(value)
    return None if code is None else Problem(code, name, said)


def _find_sign_problem_code(sign: str, account: Account | None) -> str | None:
    if account is not None and hmac.compare_digest(sign.encode(), account.sign.reveal().encode()):
        return None
    if _is_possible_api_key(sign, account):
        return "sign_is_key"
    if not re.fullmatch("[0-9a-f]{32}", sign):
        return "sign_shape"
    return None if account is None else "sign"


def find_text_after_encoded_hex_digits(text: str) -> str | None:
    """Return what follows on base64 of eleven hex digits; None where a text does not begin so.

    The signs in 2.1, which contradict the rule of 2.1, are that and the partner id: keys, most
    likely, that were pasted there.
    """
    try:
        digits = base64.b64decode(f"{text[:15]}=", validate=True)
    except ValueError:
        return None
    return text[15:].removeprefix("=") if re.fullmatch(b"[0-9a-f]{11}", digits) else None


def _find_pay_success_problem_code(value: str) -> str | None:
    if " " in value:
        return "pay_success_plus"
    if "-" in value or "_" in value:
        return "pay_success_url_safe"
    if value == "*":
        return "pay_success_star"
    # Python versions differ in how much wrong padding they forgive; encoding again forgives none.
    if base64.b64encode(_decode_base64(value)).decode() != value:
        return "pay_success_base64"
    if not _is_absolute_url(_decode_base64(value).decode("utf-8", "replace")):
        return "pay_success_url"
    return None


def _decode_base64(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return b""


def _decode_lenient_base64(value: str) -> str:
    """Return what is in base64 that need not be right: the sign is masked also there."""
    standard = value.translate(str.maketrans("-_ ", "+/+", "\r\n\t")).rstrip("=")
    return _decode_base64(standard + "=" * (-len(standard) % 4)).decode("utf-8", "replace")


def _is_absolute_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # an invalid port raises
    except ValueError:
        return False
    return (
        has_host and parts.scheme in ("http", "https") and not _FORBIDDEN_URL_CHARACTER.search(url)
    )
