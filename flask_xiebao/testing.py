"""A simulator of Xiebao's gateway, for tests and demonstrations.

It reads requests as the interface document tells the gateway to, strictly, and sells nothing.
It shares no code with the rest of the package on purpose: the two are separate readings of one
document, and a mistake in either shows where they meet.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Flask, Response, jsonify, make_response, render_template, request


@dataclass(frozen=True)
class _Page:
    name: str
    section: str  # of the document
    path: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    platforms: tuple[str, ...]


# Only section 2.2 describes paySuccess and 2.3 shows it; on the product page it is a habit of
# integrations of this gateway that the document does not forbid.
_PAGES = (
    _Page(
        name="product",
        section="2.1",
        path="/dispatch/cps",
        required=("partnerId", "caseCode", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "2", "3", "4"),
    ),
    _Page(
        name="home",
        section="2.2",
        path="/dispatch/cps/index",
        required=("partnerId", "sign", "partnerUniqKey"),
        optional=("subPartnerId", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
    ),
    _Page(
        name="policy",
        section="2.3",
        path="/dispatch/cps/insureDetail",
        required=("partnerId", "insureNum", "sign"),
        optional=("partnerUniqKey", "platform", "paySuccess"),
        platforms=("1", "3", "4"),
    ),
)
_HOSTS = ("api.xiebao18.com", "testapi.xiebao18.com")
_PLATFORMS = {"1": "H5", "2": "PC", "3": "iOS", "4": "Android"}
_MEANINGS = {
    "partnerId": "渠道账号，由携保为每个渠道分配",
    "subPartnerId": "渠道子账号，当子账号投保时必传",
    "partnerUniqKey": "渠道会员唯一标识，即渠道自己的会员的 ID",
    "platform": "平台类型",
    "caseCode": "产品方案代码，由携保提供",
    "insureNum": "投保单号",
    "paySuccess": "支付成功后跳转的网址，base64 编码",
    "sign": "md5(apiKey + partnerId)，32 位小写",
}
_LEGEND = {"meanings": _MEANINGS, "platforms": _PLATFORMS}
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
# What a query must not contain unescaped, and a percent sign that begins no escape.
_NOT_ESCAPED = re.compile(r"[^!-~]|%(?![0-9A-Fa-f]{2})")
# Unescaped Chinese is let through here, as browsers do; U+FFFD is what decoding makes of non-UTF-8.
_NOT_IN_URL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]")


class _RefusedError(Exception):
    """Why a parameter is refused, in Chinese; caught in this module."""


@dataclass(frozen=True)
class Verdict:
    """What the gateway makes of one request.

    :param page: ``"product"``, ``"home"`` or ``"policy"``; ``None`` when the path is no page.
    :param reasons: why the request is refused, in Chinese; empty when it is accepted.
    :param parameters: names and values in the order received, the sign masked.
    :param platform: the platform code, when it is given and the page serves it.
    :param member: ``partnerUniqKey``, when it is given and valid.
    :param pay_success: the decoded URL of ``paySuccess``, when it is given and valid.
    """

    page: str | None
    reasons: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    platform: int | None = None
    member: str | None = None
    pay_success: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against the request."""
        return not self.reasons


class GatewaySimulator:
    """Xiebao's three pages (the document's sections 2.1 to 2.3), without Xiebao.

    ``simulator.blueprint`` mounts them in an application, ``app.register_blueprint(
    simulator.blueprint, url_prefix="/gateway")``; :meth:`create_app` serves them alone;
    :meth:`check` reads a URL without HTTP.

    :param partner_id: the one ``partnerId`` that is served.
    :param api_key: its key; not kept, and shown nowhere.
    :param also_known: parameters outside the document that are let through, such as ``hidenav``.
    :raises ValueError: the partner id or the key is empty.
    """

    def __init__(self, partner_id: str | int, api_key: str, also_known: Iterable[str] = ()) -> None:
        self._partner_id = str(partner_id)
        # Text from an environment may hold what UTF-8 has no bytes for: a key of nobody's.
        signed = f"{api_key}{self._partner_id}".encode(errors="replace")
        complete = bool(self._partner_id and api_key and isinstance(api_key, str))
        self._sign = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        del api_key, signed  # an error report shows the local variables of the frame that raises
        if not complete:
            raise ValueError(
                "GatewaySimulator needs a partner_id and an api_key, text and neither empty."
            )
        self._also_known = frozenset(also_known)
        self.blueprint = Blueprint(
            "xiebao_gateway",
            __name__,
            static_folder="static",
            static_url_path="/dispatch/static",
            template_folder="templates",
        )
        for page in _PAGES:
            self.blueprint.add_url_rule(page.path, page.name, self._view(page))

    def __repr__(self) -> str:
        return f"<GatewaySimulator {self._partner_id}>"

    def create_app(self) -> Flask:
        """Return an application that is the simulator alone, its pages at the root."""
        app = Flask(__name__, static_folder=None)
        app.register_blueprint(self.blueprint)
        return app

    def check(self, url: str) -> Verdict:
        """Read a URL as the gateway would; nothing is sent, and any text has a verdict.

        :param url: a full URL or one that begins with its path. Except on Xiebao's own hosts
            the page may be mounted below another path, as ``/gateway/dispatch/cps``.
        """
        address, _, query = url.partition("#")[0].partition("?")  # no client sends a fragment
        return self._read(_page_of(address), query)

    def _view(self, page: _Page) -> Callable[[], Response]:
        def view() -> Response:
            return self._answer(page)

        # By its name and module, CSRF guards, limiters and tracers know a view.
        view.__name__ = view.__qualname__ = page.name
        return view

    def _answer(self, page: _Page) -> Response:
        verdict = self._read(page, request.query_string.decode("utf-8", "replace"))
        accept = request.accept_mimetypes
        if accept["application/json"] > accept["text/html"]:
            response = jsonify(accepted=verdict.accepted, **asdict(verdict))
        else:
            response = make_response(
                render_template("xiebao/simulator.html", verdict=verdict, **_LEGEND)
            )
        response.status_code = 200 if verdict.accepted else 400
        response.vary.add("Accept")
        response.headers.update(_HEADERS)
        return response

    def _read(self, page: _Page | None, query: str) -> Verdict:
        fields = [field for field in query.split("&") if field]
        received = parse_qsl(query, keep_blank_values=True, errors="replace", separator="&")
        shown = tuple((self._hide(name), self._show(name, value)) for name, value in received)
        if page is None:
            paths = "、".join(page.path for page in _PAGES)
            return Verdict(None, (f"网关没有这个页面：路径只能是 {paths}。",), shown)

        counts = Counter(name for name, _ in received)
        reasons = [_missing(page, name) for name in page.required if name not in counts]
        values: dict[str, str] = {}
        for field, (name, value) in zip(fields, received, strict=True):
            try:
                self._check_known(page, name)
                _check_once(name, counts[name])
                _check_escapes(field, name, value)
                _check_present(page, name, value)
                values[name] = self._check_value(page, name, value)
            except _RefusedError as why:
                reasons.append(self._hide(str(why)))
        return Verdict(
            page=page.name,
            reasons=tuple(dict.fromkeys(reasons)),
            parameters=shown,
            platform=int(values["platform"]) if "platform" in values else None,
            member=self._hide(values.get("partnerUniqKey", "")) or None,
            pay_success=self._hide(values.get("paySuccess", "")) or None,
        )

    def _check_known(self, page: _Page, name: str) -> None:
        known = (*page.required, *page.optional, *self._also_known)
        if name in known:
            return
        for meant in known:
            if meant.lower() == name.strip().lower():
                raise _RefusedError(
                    f"不认识参数「{name}」：应写作 {meant}，前后不能有空格，大小写要和文档一致。"
                )
        raise _RefusedError(
            f"不认识参数「{name}」：文档 {page.section} 里没有，请去掉，或登记在 also_known。"
        )

    def _check_value(self, page: _Page, name: str, value: str) -> str:
        match name:
            case "partnerId" if value != self._partner_id:
                raise _RefusedError(f"partnerId 不是 {self._partner_id}：请用携保分配的渠道账号。")
            case "sign" if not hmac.compare_digest(value.encode(), self._sign.encode()):
                raise _RefusedError(
                    "sign 不对：应为 md5(apiKey + partnerId) 的 32 位小写十六进制，"
                    "请核对 apiKey 是不是这个环境的。"
                )
            case "platform":
                _check_platform(page, value)
            case "paySuccess":
                return _decode_pay_success(value)
        return value

    def _show(self, name: str, value: str) -> str:
        return _mask(value) if name.strip().lower() == "sign" else self._hide(value)

    def _hide(self, text: str) -> str:
        """Mask the right sign wherever the sender put it, in whatever case."""
        return re.sub(self._sign, _mask(self._sign), text, flags=re.IGNORECASE)


def _mask(sign: str) -> str:
    if len(sign) < 8:
        return sign and "***"
    return f"{sign[:2]}…{sign[-2:]}"


def _page_of(address: str) -> _Page | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or _NOT_ESCAPED.search(address):
        return None
    for page in _PAGES:
        mounted = parts.hostname not in _HOSTS and parts.path.endswith(page.path)
        if mounted or parts.path == page.path:
            return page
    return None


def _missing(page: _Page, name: str) -> str:
    return f"缺少 {name}（{_MEANINGS[name]}）：文档 {page.section} 的页面必须有它。"


def _check_once(name: str, count: int) -> None:
    if count > 1:
        raise _RefusedError(f"{name} 出现了 {count} 次：只能出现一次。")


def _check_escapes(field: str, name: str, value: str) -> None:
    if _NOT_ESCAPED.search(field) or "\N{REPLACEMENT CHARACTER}" in name + value:
        raise _RefusedError(f"{name} 的转义有误：特殊字符要按 UTF-8 写成百分号转义。")


def _check_present(page: _Page, name: str, value: str) -> None:
    # The document's examples send subPartnerId empty; nothing else it names makes sense so.
    must_have_value = {*page.required, *page.optional} - {"subPartnerId"}
    if name in must_have_value and not value.strip():
        raise _RefusedError(f"{name} 是空的：请给出值（{_MEANINGS[name]}）。")


def _check_platform(page: _Page, value: str) -> None:
    if value not in page.platforms:
        served = "、".join(f"{code}（{_PLATFORMS[code]}）" for code in page.platforms)
        no_pc = "，目前不支持 PC" if value == "2" else ""
        raise _RefusedError(f"platform 不对：文档 {page.section} 只接受 {served}{no_pc}。")


def _decode_pay_success(value: str) -> str:
    if " " in value:
        raise _RefusedError("paySuccess 里有空格：base64 的 + 要写成 %2B。")
    if "-" in value or "_" in value:
        raise _RefusedError(
            "paySuccess 用了 URL 安全的 base64：请用标准的，即 + 和 /，不是 - 和 _。"
        )
    try:
        decoded = base64.b64decode(value, validate=True)
    except ValueError:
        decoded = b""
    # Python versions differ in how much wrong padding they forgive; encoding again forgives none.
    if base64.b64encode(decoded).decode() != value:
        raise _RefusedError("paySuccess 不是标准 base64：请连同末尾的 = 一起发送。")
    url = decoded.decode("utf-8", "replace")
    if not _is_absolute(url):
        raise _RefusedError(
            "paySuccess 解码后不是完整的网址：应以 http:// 或 https:// 开头，"
            "有主机名，没有空白和控制字符，按 UTF-8 编码。"
        )
    return url


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and not _NOT_IN_URL.search(url)
