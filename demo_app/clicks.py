"""The clicks: made for real, through the app itself, and what can come of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from flask import current_app, request, url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_xiebao import Platform
from flask_xiebao.testing import GatewaySimulator, Verdict

from . import events


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
    "login_required": End("需要登录", "401 没有登录页"),
    "not_allowed": End("网站不放行", "403 网站不放行"),
    "disabled": End("已停用", "404 已停用"),
    "prefetch": End("还没点击", "503 等到点击"),
    "nothing": End("没有链接", "没有链接"),
    "unknown": End("意外结果", "意外结果"),
}


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
