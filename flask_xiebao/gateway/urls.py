"""Builds the gateway's URLs, by the rows of :mod:`.pages`."""

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
    normalize_text,
    normalize_url_or_path,
)

T = TypeVar("T")

_percent_encode = partial(quote, safe="")  # it would leave "/" alone
_PLACEHOLDER = "\0"  # stands for a value in a frame; no encoded value has it


def normalize_base_url(value: object) -> str:
    """Return a gateway's address without a slash at the end of its path.

    :param value: an http(s) URL or a path of this site, such as ``/gateway``.
    :raises WrongValueError: when it is neither, or has a query, a fragment or credentials.
    """
    text = normalize_text(value)
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
    if path := next((row.path for row in PAGES.values() if text.endswith(row.path)), None):
        raise WrongValueError(
            f'must not end with "{path}", the path of a gateway page. Use'
            f' "{text.removesuffix(path) or "/"}" instead.'
        )
    return text


def normalize_extra_parameters(value: object) -> Mapping[str, str]:
    """Return further parameters as names and texts.

    :param value: a mapping of parameter names to text or whole numbers.
    :raises WrongValueError: when a name is one of the document's, or a value is not text.
    """
    if not isinstance(value, Mapping):
        raise WrongValueError(
            f"must be a mapping of parameter names to values, got {type(value).__name__}."
        )
    texts = {}
    for name, text in value.items():
        parameter = check_named_value(
            "has an invalid parameter name. The name", normalize_text, name, WrongValueError
        )
        if any(
            parameter.strip().lower() == known.lower()
            for row in PAGES.values()
            for known in row.parameters
        ):
            raise WrongValueError(
                f"must not contain {parameter!r}, which is a parameter of the interface document."
                " Use the argument or setting for this parameter instead."
            )
        what = f"has an invalid value. The value of {parameter!r}"
        texts[parameter] = check_named_value(what, normalize_text, text, WrongValueError)
    return texts


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
        # Not isinstance(), which asks a lazy value for its class.
        key = api_key if type(api_key) is Secret else Secret[object](api_key)
        del api_key  # an error report shows the local variables of each frame
        text = _check_parameter("api_key", key.map, normalize_text)
        self.partner_id = _check_parameter("partnerId", normalize_text, partner_id)
        self.sub_partner_id = _check_parameter(
            "subPartnerId", _normalize_sub_partner_id, sub_partner_id
        )
        self.base_url = _check_parameter("base_url", normalize_base_url, base_url).removesuffix("/")
        self.extra = _check_parameter(
            "extra", normalize_extra_parameters, {} if extra is None else extra
        )
        self._extra_query = _build_extra_query(self.extra)
        self._sign = text.map(lambda key: compute_sign(key, self.partner_id.encode()))
        self._cached_url_template = lru_cache(1024, typed=True)(self._build_url_template)

    def __repr__(self) -> str:
        # Error reports show this also while neither is set, since an argument was refused.
        partner_id, base_url = (getattr(self, name, None) for name in ("partner_id", "base_url"))
        return f"Gateway({partner_id!r}, base_url={base_url!r})"

    @property
    def sign(self) -> str:
        """``md5(apiKey + partnerId)``, 32 lower-case hex digits (2.1)."""
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
        """Return the URL of a product's page (2.1).

        :param case_code: ``caseCode``, the product code that Xiebao provides.
        :param partner_uniq_key: ``partnerUniqKey``, what the gateway knows the member by, as
            :meth:`.Xiebao.partner_uniq_key` returns it.
        :param platform: where the page will be shown; left out, the gateway decides.
        :param sub_partner_id: ``subPartnerId``; by default the one that this Gateway was made
            with, ``""`` for none.
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
        platform: PlatformLike | None = None,
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
        platform: PlatformLike | None = None,
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
        platform: PlatformLike | None = None,
        sub_partner_id: str | None = None,
        pay_success: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> str:
        """Return the URL of any page (2.1 to 2.3).

        :param page: the name of a page of the gateway, such as ``product``.
        :param reference: the case code of a product or the application number of a policy.
        :param partner_uniq_key: ``partnerUniqKey``; a page that does not take it is not sent it.
        :raises GatewayError: names the parameter that is wrong.

        The other parameters are those of :meth:`product_url`.
        """
        own = {}
        if partner_uniq_key is not None and "partnerUniqKey" in get_gateway_page(page).parameters:
            own["partnerUniqKey"] = _check_parameter(
                "partnerUniqKey", normalize_text, partner_uniq_key
            )
        if pay_success is not None:
            after_payment = _check_parameter("paySuccess", check_web_url, pay_success)
            own["paySuccess"] = base64.b64encode(after_payment.encode()).decode()
        further = self._extra_query
        if extra is not None:
            further = _build_extra_query(
                {**self.extra, **_check_parameter("extra", normalize_extra_parameters, extra)}
            )
        shared: tuple[Any, ...] = (page, reference, platform, sub_partner_id, *own)
        try:
            frame = self._cached_url_template(*shared)
        except TypeError:  # an argument cannot be hashed, so it is wrong: this says which
            frame = self._build_url_template(*shared)

        # This does not raise, so no traceback can hold the sign.
        return frame % tuple(map(_percent_encode, own.values())) + further

    def _build_url_template(
        self,
        page: str,
        reference: str | int | None,
        platform: PlatformLike | None,
        sub_partner_id: str | None,
        *placeholder_names: str,
    ) -> str:
        """Return the URL with ``%s`` for each value that only one URL has, by the page's row.

        It is cached for other URLs, which saves 10 % of a click.

        :param own: the names of those values.
        """
        row = get_gateway_page(page)
        given = (
            placeholder_names if sub_partner_id is None else (*placeholder_names, "subPartnerId")
        )
        if refused := [name for name in given if name not in row.parameters]:
            raise GatewayError(
                f'The {row.name} page does not accept "{refused[0]}". Leave out this parameter.',
                refused[0],
            )
        values = {"partnerId": self.partner_id, "subPartnerId": self.sub_partner_id}
        if sub_partner_id is not None:
            values["subPartnerId"] = _check_parameter(
                "subPartnerId", _normalize_sub_partner_id, sub_partner_id
            )
        if reference is not None:
            if row.reference_parameter_name is None:
                raise GatewayError(
                    f"The {row.name} page does not accept a case code or an application number."
                    ' Leave out "reference".',
                    "reference",
                )
            values[row.reference_parameter_name] = _check_parameter(
                row.reference_parameter_name, normalize_text, reference
            )
        if platform is not None:
            code = check_named_value("platform:", Platform.of, platform, GatewayError, "platform")
            if code not in row.platforms:
                raise GatewayError(
                    f"platform {code.name} is not supported by the {row.name} page at present. Send"
                    " the member to this page on a phone.",
                    "platform",
                )
            values["platform"] = str(int(code))
        for name in row.parameters:
            if (
                name in row.required_parameters
                and name not in values
                and name not in placeholder_names
            ):
                raise GatewayError(
                    f"{name} is required for the {row.name} page. Pass a value for this parameter.",
                    name,
                )

        # Nothing below raises, so no traceback can hold the sign.
        values["sign"] = self.sign
        pairs = [
            f"{name}={_PLACEHOLDER if name in placeholder_names else _percent_encode(values[name])}"
            for name in row.parameters
            if name in placeholder_names or name in values
        ]
        url = f"{self.base_url}{row.path}?{'&'.join(pairs)}"
        return url.replace("%", "%%").replace(_PLACEHOLDER, "%s")


def _check_parameter(parameter: str, check: Callable[[Any], T], value: object) -> T:
    return check_named_value(parameter, check, value, GatewayError, parameter)


def _build_extra_query(extra_parameters: Mapping[str, str]) -> str:
    return "".join(
        f"&{_percent_encode(name)}={_percent_encode(text)}"
        for name, text in extra_parameters.items()
    )


def _normalize_sub_partner_id(value: object) -> str:
    # The document's examples send it empty when there is none.
    return "" if value == "" else normalize_text(value)
