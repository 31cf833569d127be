"""The QA console: where every entry leads from every device, what just happened, own links."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from flask.testing import FlaskClient
from markupsafe import Markup
from werkzeug.test import TestResponse

from flask_xiebao import LinkError, Platform, Xiebao, detect_platform
from flask_xiebao.links import make_entry
from flask_xiebao.templating import qr_code
from flask_xiebao.testing import GatewaySimulator, Verdict

from . import events
from .devices import DEVICES, Device
from .shop import CASE_CODE, MEMBERS, current_member

blueprint = Blueprint("qa", __name__, url_prefix="/qa")

_HERSELF, _OTHER = MEMBERS
_NUMBER = MEMBERS[_HERSELF]["policies"][0]
_REFERENCES = {"product": CASE_CODE, "home": None, "policy": _NUMBER}
_PARAMETERS = {"product": "caseCode", "policy": "insureNum"}

#: How many events the console shows; the rest are on a page of their own.
_SHOWN = 20


# The rows: what is clicked, by whom, and what should come of it.


def _made_long_ago(link: str, row: Row) -> str:
    """Return the link of *row* as it would be had it been made in 1970, for one second."""
    entry = make_entry(row.page, _REFERENCES[row.page], member=_HERSELF, max_age=1)
    xiebao: Xiebao = current_app.extensions["xiebao"]
    token = xiebao.site.signer.dumps(replace(entry, signed_at=0))
    return f"{link.rpartition('/')[0]}/{token}"


def _tampered(link: str, row: Row) -> str:
    before, _, token = link.rpartition("/")
    return f"{before}/{'B' if token[0] == 'A' else 'A'}{token[1:]}"


def _of_another_page(link: str, row: Row) -> str:
    product = _link("product", CASE_CODE, member=_HERSELF)
    return f"{link.rpartition('/')[0]}/{product.rpartition('/')[2]}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A way to make a link and to click it.

    :param name: what URLs of the console call it.
    :param visitor: the member who is signed in, if any.
    :param options: the keywords of the link.
    :param spoil: what is done to the link before the click.
    :param headers: what the browser sends beside its device's headers.
    :param ends: what should come of it: a key of :data:`ENDS`.
    :param sends: parameters that the gateway should receive beside the usual ones.
    """

    name: str
    page: str
    title: str
    visitor: str | None = _HERSELF
    options: Mapping[str, Any] = field(default_factory=dict)
    spoil: Callable[[str, Row], str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: str = "gateway"
    sends: Mapping[str, str] = field(default_factory=dict)

    def link(self) -> str:
        """Return the link that is clicked."""
        link = _link(self.page, _REFERENCES[self.page], **self.options)
        return self.spoil(link, self) if self.spoil and link else link

    def should(self) -> str:
        """Say what should come of it, on whatever device."""
        what = ENDS[self.ends].should
        if self.ends == "gateway" and self.page != "product" and "platform" not in self.options:
            what += "，电脑出二维码"
        return what


class End(NamedTuple):
    """What can come of a click."""

    title: str
    should: str


#: What can come of a click, by the reason that a refusal gives, or a word of ours.
ENDS = {
    "gateway": End("去网关", "302 去网关"),
    "handoff": End("二维码", "200 二维码"),
    "login": End("去登录", "302 去登录，再回来"),
    "another_member": End("他人链接", "403 不替别人买"),
    "invalid_link": End("无效链接", "404 不说原因"),
    "expired": End("已过期", "410 登录后再来"),
    "prefetch": End("还没点击", "503 等到点击"),
    "nothing": End("没有链接", "没有链接"),
    "unknown": End("意外结果", "意外结果"),
}

_BEARER = {"member": _HERSELF, "max_age": 3600}
_OWN = {"member": _HERSELF}
_BACK = {"return_to": "/insured"}

ROWS = {
    row.name: row
    for row in (
        Row(name="product", page="product", title="产品"),
        Row(
            name="product-visitor", page="product", title="产品，未登录", visitor=None, ends="login"
        ),
        Row(
            name="product-h5",
            page="product",
            title="产品，指定 H5",
            options={"platform": "h5"},
        ),
        Row(
            name="product-sub",
            page="product",
            title="产品，渠道子账号",
            options={"sub_partner_id": "branch-7"},
            sends={"subPartnerId": "branch-7"},
        ),
        Row(name="product-return", page="product", title="产品，支付后返回", options=_BACK),
        Row(
            name="product-bearer",
            page="product",
            title="产品，限时链接",
            options=_BEARER,
            visitor=None,
        ),
        Row(
            name="product-expired",
            page="product",
            title="产品，限时链接已过期",
            options=_BEARER,
            visitor=None,
            spoil=_made_long_ago,
            ends="expired",
        ),
        Row(
            name="product-other",
            page="product",
            title="产品，别人的链接",
            options=_OWN,
            visitor=_OTHER,
            ends="another_member",
        ),
        Row(
            name="product-tampered",
            page="product",
            title="产品，链接被改动",
            spoil=_tampered,
            ends="invalid_link",
        ),
        Row(
            name="product-prefetch",
            page="product",
            title="产品，浏览器预取",
            headers={"Sec-Purpose": "prefetch"},
            ends="prefetch",
        ),
        Row(name="home", page="home", title="商城"),
        Row(name="home-visitor", page="home", title="商城，未登录", visitor=None, ends="login"),
        Row(name="home-h5", page="home", title="商城，指定 H5", options={"platform": "h5"}),
        Row(
            name="home-bearer",
            page="home",
            title="商城，限时链接",
            options=_BEARER,
            visitor=None,
        ),
        Row(name="policy", page="policy", title="保单", options=_OWN),
        Row(
            name="policy-visitor",
            page="policy",
            title="保单，未登录",
            options=_OWN,
            visitor=None,
            ends="login",
        ),
        Row(
            name="policy-return", page="policy", title="保单，支付后返回", options={**_OWN, **_BACK}
        ),
        Row(
            name="policy-other",
            page="policy",
            title="保单，别人的链接",
            options=_OWN,
            visitor=_OTHER,
            ends="another_member",
        ),
        Row(
            name="policy-expired",
            page="policy",
            title="保单，限时链接已过期",
            options=_BEARER,
            visitor=None,
            spoil=_made_long_ago,
            ends="expired",
        ),
        Row(
            name="policy-swapped",
            page="policy",
            title="保单，换上产品的链接",
            options=_OWN,
            spoil=_of_another_page,
            ends="invalid_link",
        ),
    )
}


# The clicks: made for real, through the app itself.


class Outcome(NamedTuple):
    """What came of a click.

    :param end: a key of :data:`ENDS`.
    :param platform: the one that was found at the click.
    :param address: the gateway's page, without the query that holds the sign.
    :param verdict: the simulator's, of the gateway URL; after a handoff, of the URL that its link
        for tablets and phones leads to.
    :param returns_to: where ``paySuccess`` leads.
    """

    end: str
    status: int = 0
    platform: Platform | None = None
    address: str | None = None
    verdict: Verdict | None = None
    returns_to: str | None = None

    @property
    def shown_url(self) -> str:
        """The gateway URL with the sign masked."""
        parameters = self.verdict.parameters if self.verdict else ()
        query = "&".join(
            # The mask is easier to see as it is.
            f"{name}={value if name == 'sign' else quote(value, safe='')}"
            for name, value in parameters
        )
        return f"{self.address}?{query}"


class Clicker:
    """Clicks links in browsers of its own, one for each visitor, and keeps that out of the log."""

    def __init__(self) -> None:
        config = current_app.config
        # Always one of our own: with a real account none is mounted, and nothing is sent to Xiebao.
        self._simulator = GatewaySimulator(
            config["XIEBAO_PARTNER_ID"],
            str(config["XIEBAO_API_KEY"]),
            also_known=config.get("XIEBAO_EXTRA") or (),
        )
        self._browsers: dict[str | None, FlaskClient] = {}

    def click(self, link: str, visitor: str | None, headers: Mapping[str, str]) -> Outcome:
        """Return what comes of a click on *link*."""
        if not link:
            return Outcome("nothing")
        browser = self._browser(visitor)
        with events.aside() as heard:
            response = _get(browser, link, headers)
            if heard and heard[0].kind == "refusal":
                return Outcome(heard[0].reason or "unknown", response.status_code)
            if heard:
                return self._judge(browser, response, Platform.of(heard[0].platform))
            if response.status_code == 200 and "<svg" in response.text:
                on_phone = _get(browser, f"{link}?platform=h5", headers)
                outcome = self._judge(browser, on_phone, Platform.PC)
                return outcome._replace(end="handoff", status=200)
        return Outcome(_other_end(response, link), response.status_code)

    def _browser(self, visitor: str | None) -> FlaskClient:
        """Return the browser in which *visitor* is signed in."""
        browser = self._browsers.get(visitor)
        if browser is None:
            browser = self._browsers[visitor] = current_app.test_client()
            if visitor is not None:
                sign_in = _inside(url_for("shop.sign_in_as"))
                browser.post(sign_in, base_url=request.url_root, data={"member": visitor})
        return browser

    def _judge(self, browser: FlaskClient, response: TestResponse, platform: Platform) -> Outcome:
        """Show the gateway URL of a redirect to the simulator."""
        location = response.location or ""
        verdict = self._simulator.check(location)
        return Outcome(
            "gateway",
            response.status_code,
            platform,
            location.partition("?")[0],
            verdict,
            _way_back(browser, verdict),
        )


def _get(browser: FlaskClient, link: str, headers: Mapping[str, str]) -> TestResponse:
    return browser.get(_inside(link), base_url=request.url_root, headers=headers)


def _inside(url: str) -> str:
    """Return a URL of this site as the app sees it, which may be mounted below a path."""
    return url.removeprefix(request.root_path)


def _way_back(browser: FlaskClient, verdict: Verdict) -> str | None:
    """Return where a payment would come back to."""
    if verdict.pay_success is None:
        return None
    token = urlsplit(verdict.pay_success).path.rpartition("/")[2]
    return _get(browser, url_for("xiebao.paid", token=token), {}).location


def _other_end(response: TestResponse, link: str) -> str:
    if response.status_code == 503 and response.location is None:
        return "prefetch"
    address, _, query = (response.location or "").partition("?")
    view = current_app.config.get("XIEBAO_LOGIN_VIEW")
    if view and address == url_for(view) and parse_qs(query).get("next") == [link]:
        return "login"
    return "unknown"


# The cells: a row on a device, clicked and compared with what should be.


class Cell(NamedTuple):
    """What came of a row on a device, and what is wrong with that."""

    row: Row
    device: Device
    link: str
    headers: Mapping[str, str]
    outcome: Outcome
    problems: list[str]

    @property
    def platform(self) -> str:
        """The platform that was found at the click; empty when none was looked for."""
        return TITLES[self.outcome.platform] if self.outcome.platform else ""

    @property
    def result(self) -> str:
        """What came of it, and the simulator's verdict."""
        end = self.outcome.end
        title = ENDS[end].title if end in ENDS else end
        if self.outcome.verdict is None:
            return title
        word = "接受" if self.outcome.verdict.accepted else "拒绝"
        return f"{title} {word}" if end == "handoff" else f"网关{word}"

    @property
    def kinds(self) -> set[str]:
        """The filters that show it: keys of :data:`FILTERS`."""
        outcome = self.outcome
        kinds = {"all", "bad" if self.problems else "ok", outcome.end}
        if outcome.verdict is not None:
            kinds.add("accepted" if outcome.verdict.accepted else "rejected")
        if outcome.status >= 400:
            kinds.add("refused")
        return kinds


TITLES = {
    Platform.H5: "H5",
    Platform.PC: "PC",
    Platform.IOS: "iOS",
    Platform.ANDROID: "Android",
}

FILTERS = {
    "all": "全部",
    "ok": "✓ 符合",
    "bad": "✗ 不符",
    "accepted": "网关接受",
    "rejected": "网关拒绝",
    "handoff": "二维码",
    "login": "去登录",
    "refused": "不放行",
}


def _cell(clicker: Clicker, row: Row, device: Device) -> Cell:
    link = row.link()
    headers = {**device.headers, **row.headers}
    outcome = clicker.click(link, row.visitor, headers)
    return Cell(row, device, link, headers, outcome, list(_problems(row, device, outcome)))


def _problems(row: Row, device: Device, outcome: Outcome) -> Iterable[str]:
    """Say what is not as it should be."""
    platform = Platform.of(row.options.get("platform", device.platform))
    ends = row.ends
    if ends == "gateway" and row.page != "product" and platform is Platform.PC:
        ends, platform = "handoff", Platform.H5
    if outcome.end != ends:
        yield f"应当{ENDS[ends].should}"
    if outcome.verdict is None:
        return
    yield from outcome.verdict.reasons
    received = dict(outcome.verdict.parameters)
    for name, value in _expected(row, platform).items():
        if received.get(name) != value:
            yield f"{name} 应为 {value}，收到 {received.get(name, '的里面没有')}"
    if outcome.returns_to != row.options.get("return_to"):
        yield f"支付后应回到 {row.options.get('return_to')}，却回到 {outcome.returns_to}"


def _expected(row: Row, platform: Platform) -> dict[str, str]:
    """Return what the gateway should receive."""
    expected = {"platform": str(platform.value), "partnerUniqKey": _HERSELF, **row.sends}
    reference = _REFERENCES[row.page]
    if reference is not None:
        expected[_PARAMETERS[row.page]] = reference
    return expected


def _found(device: Device) -> str:
    """Return the platform that the extension finds."""
    pattern = current_app.config.get("XIEBAO_APP_USER_AGENT")
    return TITLES[detect_platform(device.headers, app_user_agent=pattern)]


# Own links: a form, and what it makes.

_MACROS = {"product": "insurance_entry", "home": "insurance_home_entry", "policy": "policy_entry"}
_OPTIONS = ("member", "platform", "sub_partner_id", "return_to", "max_age")
_DEVICE_HEADERS = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")
_PAGES = {"product": "产品", "home": "商城", "policy": "保单"}


class Made(NamedTuple):
    """What the form makes; *error* and *qr_error* are those that a developer would get."""

    jinja: str
    error: str | None = None
    link: str = ""
    external: str = ""
    qr: Markup | None = None
    qr_error: str | None = None
    visitor: str | None = None
    outcome: Outcome | None = None


def _make(form: Mapping[str, str]) -> Made:
    """Return what the form makes."""
    page = form.get("page", "")
    reference = None if page == "home" else form.get("reference", "")
    options: dict[str, Any] = {
        name: _typed(name, form[name]) for name in _OPTIONS if form.get(name)
    }
    made = Made(_jinja(page, reference, options))
    if options.get("member") not in (None, *MEMBERS):
        return made._replace(error="这里只能替演示站点的两位会员造链接。")
    try:
        # The macros take every option for every page, and leave it to this to refuse them.
        make_entry(page, reference, options.get("sub_partner_id"))
        link = _link(page, reference, **options)
    except LinkError as error:
        return made._replace(error=str(error))
    if not link:
        return made
    visitor = _who_clicks(options)
    outcome = Clicker().click(link, visitor, _own_headers())
    made = made._replace(link=link, visitor=visitor, outcome=outcome)
    return made._replace(**_qr(page, reference, options))


def _own_headers() -> dict[str, str]:
    """Return what the asker's own browser says about its device, and nothing about the asker."""
    return {name: request.headers[name] for name in _DEVICE_HEADERS if name in request.headers}


def _typed(name: str, text: str) -> str | int:
    """Return what a developer would write: a number where a number is meant."""
    is_number = name == "max_age" and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else text


def _jinja(page: str, reference: str | None, options: Mapping[str, str | int]) -> str:
    """Return the template that makes the entry; a string of JSON is one of Jinja, too."""
    macro = _MACROS.get(page)
    if macro is None:
        return ""
    arguments = [] if reference is None else [_literal(reference)]
    arguments += [f"{name}={_literal(value)}" for name, value in options.items()]
    call = f"{macro}({', '.join(arguments)})"
    return f'{{% from "xiebao/entry.html" import {macro} %}}\n{{{{ {call} }}}}'


def _literal(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False)


def _qr(page: str, reference: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    try:
        external = _link(page, reference, external=True, **options)
        return {"external": external, "qr": qr_code(external)}
    except LinkError as error:
        return {"qr_error": str(error)}


def _who_clicks(options: Mapping[str, Any]) -> str | None:
    """Return who is signed in at the click: whoever the link is made for, or nobody if it vouches.

    A link for everybody is clicked by whoever looks at the console.
    """
    if "member" in options:
        return None if "max_age" in options else str(options["member"])
    return current_member() or _HERSELF


def _link(page: str, reference: str | None, **options: Any) -> str:
    xiebao: Xiebao = current_app.extensions["xiebao"]
    if page == "product":
        return xiebao.product_link(reference or "", **options)
    if page == "policy":
        return xiebao.policy_link(reference or "", **options)
    return xiebao.home_link(**options)


# The pages.


@blueprint.after_request
def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.app_template_filter("qa_local_time")
def _local_time(at: float) -> datetime:
    """Return a time in the zone of this machine."""
    return datetime.fromtimestamp(at).astimezone()


@blueprint.context_processor
def _words() -> dict[str, Any]:
    return {
        "members": MEMBERS,
        "pages": _PAGES,
        "ends": ENDS,
        "titles": TITLES,
        "most": events.MOST,
        "codes": {str(platform.value): title for platform, title in TITLES.items()},
    }


@blueprint.get("")
def console() -> str:
    """Show everything on one page."""
    chosen = request.args.get("show", "all")
    if chosen not in FILTERS:
        abort(404)
    asked = "page" in request.args
    happenings = events.store(current_app).happenings()
    return render_template(
        "qa/console.html",
        **_matrix(chosen),
        happenings=happenings[:_SHOWN],
        events_kept=len(happenings),
        form=request.args if asked else {"reference": CASE_CODE},
        made=_make(request.args) if asked else None,
    )


def _matrix(chosen: str) -> dict[str, Any]:
    """Click every row on every device; leave out what has no cell of the *chosen* filter."""
    clicker = Clicker()
    lines = [
        (row, {name: _cell(clicker, row, device) for name, device in DEVICES.items()})
        for row in ROWS.values()
    ]
    cells = [cell for _, line in lines for cell in line.values()]
    shown = [cell for cell in cells if chosen in cell.kinds]
    rows = {cell.row.name for cell in shown}
    devices = {cell.device.name for cell in shown}
    return {
        "devices": [device for name, device in DEVICES.items() if name in devices],
        "found": {name: _found(device) for name, device in DEVICES.items()},
        "lines": [(row, line) for row, line in lines if row.name in rows],
        "chosen": chosen,
        "filters": {
            name: (title, sum(name in cell.kinds for cell in cells))
            for name, title in FILTERS.items()
        },
    }


@blueprint.get("/<row>/<device>")
def cell(row: str, device: str) -> str:
    """Show one cell of the matrix with everything about it."""
    if row not in ROWS or device not in DEVICES:
        abort(404)
    one = _cell(Clicker(), ROWS[row], DEVICES[device])
    return render_template("qa/cell.html", cell=one, found=_found(one.device))


@blueprint.get("/events")
def log() -> str:
    """Show every event that is kept."""
    return render_template("qa/events.html", happenings=events.store(current_app).happenings())
