"""The rules from Xiebao's interface document by which the simulator accepts or refuses a URL.

This module shares no rules with :mod:`.gateway.pages` and :mod:`.gateway.urls` on purpose. Both
implement the same document independently, so that a mistake in one of them makes a test fail. To
add a gateway page, add a :class:`PageSpec`.
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

from ..gateway.values import Secret, build_pattern_for_any_encoding
from ..texts import get_text


@dataclass(frozen=True, kw_only=True)
class PageSpec:
    """The description of a gateway page in Xiebao's interface document.

    :param title: The title of the page, by locale.
    :param meanings: The meanings of the parameters that only this page has, by locale.
    :param sells_insurance: True if a member can buy something on the page.
    :param requires_member: True if the page shows data of one member, so its link must contain the
        member.
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
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters of the page, the required ones first."""
        return self.required + self.optional

    @property
    def reference_parameter_name(self) -> str | None:
        """The name of the parameter that identifies the product or policy.

        None if the page has no such parameter.
        """
        own_names = set(self.required) - {"partnerId", "sign", "partnerUniqKey"}
        return own_names.pop() if own_names else None

    def get_title(self, locale: str) -> str:
        """Return the page's title in the language of the locale."""
        return get_text(locale, f"{self.name}.title", self.title)


# The simulator accepts paySuccess on the product page. The interface document neither describes nor
# forbids it there, but other clients of this gateway send it. For the other two pages, section 2.2
# of the document describes paySuccess, and section 2.3 has it in an example.
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
    """Return the specification of the page with this name, or None if there is no such page."""
    return next((spec for spec in PAGE_SPECS if spec.name == page_name), None)


def get_parameter_meaning(locale: str, parameter: str) -> str:
    """Return an explanation of a query parameter in the language of the locale.

    If the interface document does not contain the parameter, the explanation says so.
    """
    meaning = next(
        (spec.meanings[parameter] for spec in PAGE_SPECS if parameter in spec.meanings), None
    )
    try:
        return get_text(locale, f"meaning.{parameter}", meaning)
    except KeyError:
        return get_text(locale, "meaning.unknown")


#: The gateway's own hosts and their environments. On these hosts, the path of a URL is exactly the
#: path of a page, for example ``/dispatch/cps``, without a prefix.
GATEWAY_HOSTS = {"api.xiebao18.com": "production", "testapi.xiebao18.com": "test"}
#: A mapping from the values of the parameter ``platform`` to the names of the platforms.
PLATFORM_NAMES = {"1": "H5", "2": "PC", "3": "iOS", "4": "Android"}

#: The default ports by URL scheme.
DEFAULT_PORTS = {"http": 80, "https": 443}
# A character that must be percent-encoded in a query, or a percent sign without two hex digits
# after it.
_UNESCAPED_CHARACTER = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")
_FULL_MASK = "***"
# The maximum length of a short API key. A short key may be an ordinary word. Texts in which an API
# key must be masked are not searched for a short key, because it would be found by chance.
_MAX_WORD_LENGTH = 7
# A character that the return URL (the parameter paySuccess) must not contain: whitespace, a control
# character, or U+FFFD, which replaces bytes that are not UTF-8. Unescaped Chinese is allowed,
# because browsers accept it.
_FORBIDDEN_URL_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]")


def build_api_key_pattern(api_key: str) -> re.Pattern[str]:
    """Return a pattern that finds the API key, even if it is percent-encoded or HTML-escaped.

    The pattern finds the key in upper and lower case. The pattern for a short key never matches,
    because a short key would also be found by chance.
    """
    return (
        build_pattern_for_any_encoding(api_key)
        if len(api_key) > _MAX_WORD_LENGTH
        else re.compile("(?!)")
    )


@dataclass(frozen=True)
class PartnerAccount:
    """The partner account whose partner id and signature a gateway URL must contain.

    :param partner_id: The account's ``partnerId``.
    :param sign: The account's signature, ``md5(apiKey + partnerId)``.
    """

    partner_id: str
    sign: Secret[str]

    @cached_property
    def _signature_pattern(self) -> Secret[re.Pattern[str]]:
        """A pattern that finds the signature of the account's URLs.

        The pattern also finds the signature if it is percent-encoded or HTML-escaped.
        """
        return self.sign.map(build_pattern_for_any_encoding)

    def matches_api_key(self, text: str) -> bool:
        """Return True if the text is the account's API key.

        The account does not contain the key, so the signature that the text would give is
        compared with the account's signature.
        """
        signed_text = f"{text}{self.partner_id}".encode(errors="replace")
        sign = hashlib.md5(signed_text, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(sign, self.sign.reveal())

    def mask_signature(self, text: str) -> str:
        """Mask the signature of the account's URLs wherever it occurs in a text."""
        return self._signature_pattern.reveal().sub(mask_middle(self.sign.reveal()), text)


@dataclass(frozen=True)
class Problem:
    """A reason why the gateway refuses a URL.

    :param code: The code of the problem, which is the end of its text key in :mod:`.texts`.
    :param parameter: The parameter's name as received, or the name of the missing parameter. None
        if the problem concerns the page itself.
    :param value: The expected or the received value, or None. Secrets are masked or left out.
    """

    code: str
    parameter: str | None = None
    value: str | None = None

    def explain(self, locale: str, page: str | None) -> str:
        """Explain the problem and its solution in the language of the locale.

        :param page: The name of the page, or None.
        """
        page_spec = find_page_spec(page)
        platforms = [
            get_text(locale, "list.platform", code=code, platform=PLATFORM_NAMES[code])
            for code in (page_spec.platforms if page_spec else ())
        ]
        comma = get_text(locale, "list.comma")
        return get_text(
            locale,
            f"problem.{self.code}",
            parameter=self.parameter,
            value=self.value,
            meaning=get_parameter_meaning(locale, self.parameter or ""),
            section=page_spec.section if page_spec else "",
            platforms=comma.join(platforms),
            pages=comma.join(spec.path for spec in PAGE_SPECS),
        )


@dataclass(frozen=True)
class Verdict:
    """The gateway's verdict on one request.

    :param page: The name of the page, for example ``"product"``. None if the path is not a page's.
    :param problems: The reasons why the request is refused; empty if it is accepted.
    :param parameters: The names and values in the order received, with the sign masked.
    :param platform: The platform code, if there is one and the page serves this platform.
    :param member: The value of ``partnerUniqKey``, if there is one and it is valid.
    :param pay_success: The decoded URL of ``paySuccess``, if there is one and it is valid.
    """

    page: str | None
    problems: tuple[Problem, ...]
    parameters: tuple[tuple[str, str], ...]
    platform: int | None = None
    member: str | None = None
    pay_success: str | None = None

    @property
    def accepted(self) -> bool:
        """True if the request has no problems."""
        return not self.problems

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons why the request is refused, in Chinese."""
        return self.reasons_in("zh")

    def reasons_in(self, locale: str) -> tuple[str, ...]:
        """Return the reasons why the request is refused, in the language of the locale."""
        return tuple(problem.explain(locale, self.page) for problem in self.problems)


def evaluate_url(
    url: str, account: PartnerAccount | None, extra_parameters: Collection[str] = ()
) -> Verdict:
    """Check a URL as the gateway would, and return the verdict.

    Any text has a verdict. A text that is not a URL is refused, and no error is raised.

    :param url: A full URL, or one that begins with its path. Except on Xiebao's own hosts, the page
        may be mounted below another path, for example ``/gateway/dispatch/cps``.
    :param account: The account that the URL must belong to. None leaves out the checks of the
        partner id and the API key.
    :param extra_parameters: Parameters outside the document that are accepted, for example
        ``hidenav``.
    """
    # Cut off the fragment of the URL, because no client sends it.
    base_url, _, query = url.partition("#")[0].partition("?")
    page_spec = find_page_spec_by_url(base_url)
    if page_spec is not None:
        verdict = evaluate_query(page_spec, query, account, extra_parameters)
        url_problems = tuple(_iter_origin_problems(urlsplit(base_url)))
        return replace(verdict, problems=url_problems + verdict.problems)
    host, path = re.findall(
        "^(?:[a-z][a-z0-9+.-]*://([^/]*))?(.*)", base_url, re.IGNORECASE | re.DOTALL
    )[0]
    mask_text = account.mask_signature if account else str
    page_paths = tuple(spec.path for spec in PAGE_SPECS)
    is_page_path = path in page_paths or (path.endswith(page_paths) and host not in GATEWAY_HOSTS)
    # If the path belongs to a gateway page, report the problem "address" (the URL is not valid)
    # instead of the problem "page" (the page does not exist). In this case, the mistake is in
    # another part of the URL, for example in the scheme.
    problem = Problem("address" if is_page_path else "page", value=mask_text(path) or "/")
    return Verdict(None, (problem,), _get_masked_parameters(query, account))


def find_page_spec_by_url(url_without_query: str) -> PageSpec | None:
    """Return the specification of the page at a URL, or None if no page has this URL."""
    try:
        parts = urlsplit(url_without_query)
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or _UNESCAPED_CHARACTER.search(url_without_query):
        return None
    # On Xiebao's own gateway hosts, the path of a page has no prefix. On other hosts, for example a
    # simulator's, the path may have any prefix, such as /gateway.
    can_be_mounted = parts.hostname not in GATEWAY_HOSTS
    candidates = (spec for spec in PAGE_SPECS if parts.path.endswith(spec.path))
    return next((spec for spec in candidates if can_be_mounted or parts.path == spec.path), None)


def _iter_origin_problems(split_url: SplitResult) -> Iterator[Problem]:
    """Yield the problems with the scheme, user name, host and port of a page's URL.

    On Xiebao's own hosts, these are problems with the scheme, the port and a user name. A URL
    elsewhere has a problem if its host resembles Xiebao's own, or if it has no host and its path
    does not begin with a slash.
    """
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
    page_spec: PageSpec,
    query: str,
    account: PartnerAccount | None,
    extra_parameters: Collection[str],
) -> Verdict:
    """Return the gateway's verdict on the query of a request for a page.

    See :func:`evaluate_url`.
    """
    raw_fields = [raw_field for raw_field in query.split("&") if raw_field]
    parameters = _parse_query(query)
    counts = Counter(name for name, _ in parameters)
    problems = [Problem("missing", name) for name in page_spec.required if name not in counts]
    valid_values: dict[str, str] = {}
    for raw_field, (name, value) in zip(raw_fields, parameters, strict=True):
        problem = (
            _find_parameter_name_problem(page_spec, name, extra_parameters)
            or _find_field_format_problem(page_spec, raw_field, name, value, counts[name])
            or _find_value_problem(page_spec, name, value, account)
        )
        if problem is None:
            valid_values[name] = value
        else:
            problems.append(problem)
    mask_text = account.mask_signature if account else str
    masked_parameters = _get_masked_parameters(query, account)
    pay_success = valid_values.get("paySuccess")
    return Verdict(
        page=page_spec.name,
        problems=tuple(
            dict.fromkeys(_mask_problem_texts(problem, mask_text) for problem in problems)
        ),
        parameters=masked_parameters,
        platform=int(valid_values["platform"]) if "platform" in valid_values else None,
        member=(
            dict(masked_parameters)["partnerUniqKey"] if "partnerUniqKey" in valid_values else None
        ),
        pay_success=mask_text(_decode_base64(pay_success).decode()) if pay_success else None,
    )


def _parse_query(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace", separator="&")


def _get_masked_parameters(
    query: str, account: PartnerAccount | None
) -> tuple[tuple[str, str], ...]:
    mask_text = account.mask_signature if account else str

    def mask_value(name: str, value: str) -> str:
        if _normalize_parameter_name(name) == "sign":
            return mask_signature_value(value, account)
        decoded = _decode_lenient_base64(value)
        return mask_middle(value) if mask_text(decoded) != decoded else mask_text(value)

    return tuple((mask_text(name), mask_value(name, value)) for name, value in _parse_query(query))


def _mask_problem_texts(problem: Problem, mask_text: Callable[[str], str]) -> Problem:
    parameter, value = (text and mask_text(text) for text in (problem.parameter, problem.value))
    return Problem(problem.code, parameter, value)


def _is_possible_api_key(sign: str, account: PartnerAccount | None) -> bool:
    """Return True if the value of the parameter ``sign`` could be the API key, sent by mistake.

    No part of such a value is shown.
    """
    return find_api_key_suffix(sign) is not None or bool(account and account.matches_api_key(sign))


def mask_signature_value(sign: str, account: PartnerAccount | None) -> str:
    """Mask the value of the parameter ``sign``, so that the value can be shown.

    Only the middle is masked. If the value could be the API key, the whole value is masked.
    """
    return _FULL_MASK if _is_possible_api_key(sign, account) else mask_middle(sign)


def mask_middle(value: str) -> str:
    """Mask all but the first two and the last two characters of a value.

    A value with fewer than 8 characters is masked completely.
    """
    if len(value) < 8:
        return value and _FULL_MASK
    return f"{value[:2]}…{value[-2:]}"


def _find_parameter_name_problem(
    page_spec: PageSpec, name: str, extra_parameters: Collection[str]
) -> Problem | None:
    known_names = (*page_spec.parameter_names, *extra_parameters)
    if name in known_names:
        return None
    for known_name in known_names:
        if name == f"amp;{known_name}":
            return Problem("html", name, known_name)
        if _normalize_parameter_name(name) == known_name.lower():
            code = "spaces" if name.strip() == known_name else "misspelt"
            return Problem(code, name, known_name)
    return Problem("unknown", name)


def _normalize_parameter_name(name: str) -> str:
    """Normalize a parameter's name, so that it can be compared with the names of known parameters.

    The normalized name is in lower case, without surrounding whitespace and leading ``amp;``. A
    name begins with ``amp;`` if the URL was copied from HTML, where ``&`` is written ``&amp;``.
    """
    return re.sub(r"^(?:amp;|\s)+", "", name.lower()).strip()


def _find_field_format_problem(
    page_spec: PageSpec, raw_field: str, name: str, value: str, occurrences: int
) -> Problem | None:
    if occurrences > 1:
        return Problem("repeated", name, str(occurrences))
    if re.search(r"\s", raw_field):
        return Problem("space", name)
    if _UNESCAPED_CHARACTER.search(raw_field) or "\N{REPLACEMENT CHARACTER}" in name + value:
        return Problem("escapes", name)
    # subPartnerId may be empty, because it is empty in the examples of the interface document. No
    # other parameter of the document may be empty.
    if name in page_spec.parameter_names and name != "subPartnerId" and not value.strip():
        return Problem("empty", name)
    return None


def _find_value_problem(
    page_spec: PageSpec, name: str, value: str, account: PartnerAccount | None
) -> Problem | None:
    code = shown_value = None
    match name:
        case "partnerId" if account is not None and value != account.partner_id:
            code, shown_value = "partner", account.partner_id
        case "sign":
            code = _find_sign_problem_code(value, account)
            shown_value = None if code == "sign_is_key" else mask_middle(value)
        case "platform" if value not in page_spec.platforms:
            code, shown_value = "no_pc" if value == "2" else "platform", value
        case "paySuccess":
            code = _find_return_url_problem_code(value)
    return None if code is None else Problem(code, name, shown_value)


def _find_sign_problem_code(sign: str, account: PartnerAccount | None) -> str | None:
    if account is not None and hmac.compare_digest(sign.encode(), account.sign.reveal().encode()):
        return None
    if _is_possible_api_key(sign, account):
        return "sign_is_key"
    if not re.fullmatch("[0-9a-f]{32}", sign):
        return "sign_shape"
    return None if account is None else "sign"


def find_api_key_suffix(text: str) -> str | None:
    """Return what follows the first eleven hex digits in base64, or None if there are none.

    A text that begins with such digits is probably an API key, and normally the partner id follows.
    The values of the parameter ``sign`` in the examples of section 2.1 of the interface document
    have this form, although it contradicts the rule of that section. These values are therefore
    most likely API keys.
    """
    try:
        digits = base64.b64decode(f"{text[:15]}=", validate=True)
    except ValueError:
        return None
    return text[15:].removeprefix("=") if re.fullmatch(b"[0-9a-f]{11}", digits) else None


def _find_return_url_problem_code(value: str) -> str | None:
    if " " in value:
        return "pay_success_plus"
    if "-" in value or "_" in value:
        return "pay_success_url_safe"
    if value == "*":
        return "pay_success_star"
    # Python versions accept different kinds of wrong base64 padding. Encode the decoded value again
    # and compare it with the original, so that all versions reject wrong padding.
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
    """Decode base64 that may be URL-safe, contain whitespace or have wrong padding.

    The decoded text is searched for the sign, which must be masked in such a value, too.
    """
    standard = value.translate(str.maketrans("-_ ", "+/+", "\r\n\t")).rstrip("=")
    return _decode_base64(standard + "=" * (-len(standard) % 4)).decode("utf-8", "replace")


def _is_absolute_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # An invalid port raises ValueError.
    except ValueError:
        return False
    return (
        has_host and parts.scheme in ("http", "https") and not _FORBIDDEN_URL_CHARACTER.search(url)
    )
