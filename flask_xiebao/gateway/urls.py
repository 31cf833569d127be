"""The builder of gateway URLs, based on the table of gateway pages in :mod:`.pages`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from ..errors import GatewayError
from .pages import PAGES, get_gateway_page
from .platforms import Platform, PlatformLike
from .values import (
    Secret,
    WrongValueError,
    check_named_value,
    check_web_url,
    compute_sign,
    format_short_repr,
    normalize_query_text,
    normalize_url_or_path,
)

T = TypeVar("T")

_percent_encode = partial(quote, safe="")  # By default, quote() does not encode "/".
# The placeholder character in a URL for a value that is filled in later. Percent-encoded values
# never contain this character.
_PLACEHOLDER = "\0"


def normalize_base_url(value: object) -> str:
    """Return the gateway's base URL without trailing slashes.

    :param value: An http(s) URL or a path of this site, for example ``/gateway``.
    :raises WrongValueError: if the value is neither, has a query, a fragment or credentials,
        contains non-ASCII characters, or ends with the path of a gateway page.
    """
    text = normalize_query_text(value)
    if "/" not in text:
        raise WrongValueError(
            'must be an http:// or https:// URL, or a path of this site such as "/gateway", got'
            f" {format_short_repr(text)}."
        )
    text = normalize_url_or_path(text)
    if not text.isascii():
        raise WrongValueError(
            "must contain only ASCII characters. Percent-encode the path, and write the host in"
            ' Punycode, beginning with "xn--".'
        )
    if path := next((page.path for page in PAGES.values() if text.endswith(page.path)), None):
        raise WrongValueError(
            f'must not end with "{path}", the path of a gateway page. Use'
            f' "{text.removesuffix(path) or "/"}" instead.'
        )
    return text


def normalize_extra_parameters(value: object) -> Mapping[str, str]:
    """Return extra query parameters as a mapping of names to strings.

    Extra parameters never overwrite a parameter of the interface document.

    :param value: A mapping of parameter names to strings or integers.
    :raises WrongValueError: if the interface document has a parameter with the same name in any
        case, or if a name or a value is not valid.
    """
    if not isinstance(value, Mapping):
        raise WrongValueError(
            f"must be a mapping of parameter names to values, got {type(value).__name__}."
        )
    texts = {}
    for name, text in value.items():
        parameter = check_named_value(
            "has an invalid parameter name. The name", normalize_query_text, name, WrongValueError
        )
        if any(
            parameter.strip().lower() == known.lower()
            for page in PAGES.values()
            for known in page.parameters
        ):
            raise WrongValueError(
                f"must not contain {parameter!r}, which is a parameter in Xiebao's interface"
                " document. Set this parameter with its own argument or setting."
            )
        error_start = f"has an invalid value. The value of {parameter!r}"
        texts[parameter] = check_named_value(
            error_start, normalize_query_text, text, WrongValueError
        )
    return texts


class Gateway:
    """A builder of the gateway URLs of one partner account.

    The ``sign`` is the MD5 of the API key and the partner id and covers nothing else. Therefore,
    anyone who sees one URL can build another for any member. Give a URL only to the member for whom
    it was built.

    :param partner_id: ``partnerId``, the account that the site has at Xiebao.
    :param api_key: The key for this account *and* this environment. It is used once, to compute the
        ``sign``, and is not stored.
    :param sub_partner_id: The default ``subPartnerId`` of all URLs, or ``""`` for none.
    :param base_url: :attr:`TEST`, :attr:`PRODUCTION`, another http(s) URL, or a path of this site.
    :param extra: Extra parameters for all URLs, for example ``hidenav`` and ``toLogin``. The
        gateway knows these two, but the document omits them.
    :raises GatewayError: if an argument is invalid. The message names the argument.

    Sections of the interface document: 1.1, 2.1 (product), 2.2 (home) and 2.3 (policy).
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
        # Use type() instead of isinstance(). If the API key is a lazy proxy, isinstance() would
        # evaluate the proxy before a Secret object hides the key from error reports.
        key = api_key if type(api_key) is Secret else Secret[object](api_key)
        # Error reports show local variables, so keep the API key only in a Secret object, which
        # hides it.
        del api_key
        checked_key = _check_parameter("api_key", key.map, normalize_query_text)
        self.partner_id = _check_parameter("partnerId", normalize_query_text, partner_id)
        self.sub_partner_id = _check_parameter(
            "subPartnerId", _normalize_sub_partner_id, sub_partner_id
        )
        self.base_url = _check_parameter("base_url", normalize_base_url, base_url).removesuffix("/")
        self.extra = _check_parameter(
            "extra", normalize_extra_parameters, {} if extra is None else extra
        )
        self._extra_query = _build_extra_query(self.extra)
        self._sign = checked_key.map(lambda key: compute_sign(key, self.partner_id.encode()))
        self._cached_url_template = lru_cache(1024, typed=True)(self._build_url_template)

    def __repr__(self) -> str:
        # If __init__() has rejected an argument, an attribute is missing, but an error report may
        # still call repr() on the object.
        partner_id, base_url = (getattr(self, name, None) for name in ("partner_id", "base_url"))
        return f"Gateway({partner_id!r}, base_url={base_url!r})"

    @property
    def sign(self) -> str:
        """The ``sign`` in gateway URLs, ``md5(apiKey + partnerId)`` as 32 lower-case hex digits."""
        return self._sign.reveal()

    def product_url(
        self,
        case_code: str | int,
        *,
        partner_uniq_key: str | int,
        platform: PlatformLike | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the gateway URL of a product page.

        :param case_code: ``caseCode``, the product code that Xiebao provides.
        :param partner_uniq_key: ``partnerUniqKey``, the key by which the gateway knows the member,
            as :meth:`.Xiebao.partner_uniq_key` returns it.
        :param platform: The platform on which the page is shown. If it is not passed, the gateway
            decides.
        :param sub_partner_id: ``subPartnerId``, or ``""`` for none. By default, the value that was
            passed to :class:`Gateway`.
        :param pay_success: The absolute URL to which the browser returns after payment. The
            document describes ``paySuccess`` only in section 2.2, but this page accepts it, too.
        :param extra: Extra parameters for this URL.
        :raises GatewayError: if a parameter is invalid. The message names the parameter.
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
        platform: PlatformLike | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of the gateway's home page for this partner.

        Section 2.2 of the interface document says "no PC at present" about this page. The
        parameters and exceptions are the same as for :meth:`product_url`.
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
        platform: PlatformLike | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the gateway URL of a policy page.

        :param insure_num: ``insureNum``, the application number (投保单号).
        :param partner_uniq_key: ``partnerUniqKey``, "not needed at present".

        Section 2.3 of the interface document says "no PC at present" about this page. The other
        parameters and the exceptions are the same as for :meth:`product_url`. The document shows
        ``paySuccess`` for this page only in its examples.
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
        platform: PlatformLike | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of the given gateway page.

        :param page: The name of a gateway page: ``product``, ``home`` or ``policy`` (sections 2.1
            to 2.3 of the interface document).
        :param reference: The case code of a product or the application number of a policy.
        :param partner_uniq_key: ``partnerUniqKey``. It is not sent to a page that does not accept
            it.
        :raises GatewayError: if a parameter is invalid. The message names the parameter.

        The other parameters are the same as for :meth:`product_url`.
        """
        url_values = {}
        if partner_uniq_key is not None and "partnerUniqKey" in get_gateway_page(page).parameters:
            url_values["partnerUniqKey"] = _check_parameter(
                "partnerUniqKey", normalize_query_text, partner_uniq_key
            )
        if pay_success is not None:
            return_url = _check_parameter("paySuccess", check_web_url, pay_success)
            # Standard base64 may contain "+", which a query string turns into a space. Therefore,
            # the value is also percent-encoded below.
            url_values["paySuccess"] = base64.b64encode(return_url.encode()).decode()
        extra_query = self._extra_query
        if extra is not None:
            extra_query = _build_extra_query(
                {**self.extra, **_check_parameter("extra", normalize_extra_parameters, extra)}
            )
        template_args: tuple[Any, ...] = (page, reference, platform, sub_partner_id, *url_values)
        try:
            template = self._cached_url_template(*template_args)
        except TypeError:
            # The cache raised TypeError, because an argument is not hashable. Such an argument is
            # always invalid. Call _build_url_template() without the cache, so that it raises an
            # error that names the argument.
            template = self._build_url_template(*template_args)

        # Tracebacks show local variables, and the URL template contains the signature. Therefore,
        # the code after this point must not raise.
        return template % tuple(map(_percent_encode, url_values.values())) + extra_query

    def _build_url_template(
        self,
        page: str,
        reference: str | int | None,
        platform: PlatformLike | None,
        sub_partner_id: str | None,
        *placeholder_names: str,
    ) -> str:
        """Return a template for a gateway URL, with ``%s`` in place of each value to fill in later.

        Caching the templates saves 10 % of the time of a request for a link.

        :param placeholder_names: The names of the parameters whose value is replaced by ``%s``.
        """
        gateway_page = get_gateway_page(page)
        passed_names = (
            placeholder_names if sub_partner_id is None else (*placeholder_names, "subPartnerId")
        )
        if unknown_names := [name for name in passed_names if name not in gateway_page.parameters]:
            raise GatewayError(
                f'The {gateway_page.name} page does not accept "{unknown_names[0]}". Leave out this'
                " parameter.",
                unknown_names[0],
            )
        values = {"partnerId": self.partner_id, "subPartnerId": self.sub_partner_id}
        if sub_partner_id is not None:
            values["subPartnerId"] = _check_parameter(
                "subPartnerId", _normalize_sub_partner_id, sub_partner_id
            )
        if reference is not None:
            if gateway_page.reference_parameter_name is None:
                raise GatewayError(
                    f"The {gateway_page.name} page does not accept a reference (a case code or an"
                    ' application number). Leave out "reference".',
                    "reference",
                )
            values[gateway_page.reference_parameter_name] = _check_parameter(
                gateway_page.reference_parameter_name, normalize_query_text, reference
            )
        if platform is not None:
            checked_platform = check_named_value(
                "platform:", Platform.of, platform, GatewayError, "platform"
            )
            if checked_platform not in gateway_page.platforms:
                raise GatewayError(
                    f"platform {checked_platform.name} is not supported by the {gateway_page.name}"
                    " page at present. Send the member to this page on a phone.",
                    "platform",
                )
            values["platform"] = str(int(checked_platform))
        for name in gateway_page.parameters:
            if (
                name in gateway_page.required_parameters
                and name not in values
                and name not in placeholder_names
            ):
                raise GatewayError(
                    f"{name} is required for the {gateway_page.name} page. Pass a value for this"
                    " parameter.",
                    name,
                )

        # Tracebacks show local variables, and from here on the variable "values" contains the
        # signature. Therefore, the code after this point must not raise.
        values["sign"] = self.sign
        pairs = [
            f"{name}={_PLACEHOLDER if name in placeholder_names else _percent_encode(values[name])}"
            for name in gateway_page.parameters
            if name in placeholder_names or name in values
        ]
        url = f"{self.base_url}{gateway_page.path}?{'&'.join(pairs)}"
        return url.replace("%", "%%").replace(_PLACEHOLDER, "%s")


def _check_parameter(parameter: str, check: Callable[[Any], T], value: object) -> T:
    return check_named_value(parameter, check, value, GatewayError, parameter)


def _build_extra_query(extra_parameters: Mapping[str, str]) -> str:
    return "".join(
        f"&{_percent_encode(name)}={_percent_encode(text)}"
        for name, text in extra_parameters.items()
    )


def _normalize_sub_partner_id(value: object) -> str:
    # The examples in Xiebao's interface document contain an empty subPartnerId if there is no
    # sub-account.
    return "" if value == "" else normalize_query_text(value)
