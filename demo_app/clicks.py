"""The clicks: made for real, through the app itself, and what can come of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import current_app, request, url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_xiebao.testing import GatewaySimulator, Verdict

from . import events

#: What can come of a click, by the reason that a refusal gives, or a word of ours.
ENDS = {
    "gateway": "去网关",
    "handoff": "二维码",
    "login": "去登录",
    "another_member": "他人链接",
    "invalid_link": "无效链接",
    "expired": "已过期",
    "login_required": "需要登录",
    "not_allowed": "网站不放行",
    "disabled": "已停用",
    "nothing": "没有链接",
    "unknown": "意外结果",
}


class Outcome(NamedTuple):
    """What came of a click.

    :param end: a key of :data:`ENDS`.
    :param address: the gateway's page, without the query that holds the sign.
    :param verdict: the simulator's, of the gateway URL; after a handoff, of the URL that its link
        for tablets and phones leads to.
    :param returns_to: where ``paySuccess`` leads.
    """

    end: str
    status: int = 0
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
            said = {event.kind: event for event in heard}
            if "click" in said:
                return self._judge(browser, response)
            if "handoff" in said:
                on_phone = _get(browser, f"{link}?platform=h5", headers)
                outcome = self._judge(browser, on_phone)
                return outcome._replace(end="handoff", status=200)
        end = said["refusal"].reason if "refusal" in said else "login" if said else None
        return Outcome(end or "unknown", response.status_code)

    def _browser(self, visitor: str | None) -> FlaskClient:
        """Return the browser in which *visitor* is signed in."""
        browser = self._browsers.get(visitor)
        if browser is None:
            browser = self._browsers[visitor] = current_app.test_client()
            if visitor is not None:
                sign_in = _inside(url_for("shop.sign_in_as"))
                browser.post(sign_in, base_url=request.url_root, data={"member": visitor})
        return browser

    def _judge(self, browser: FlaskClient, response: TestResponse) -> Outcome:
        """Show the gateway URL of a redirect to the simulator."""
        location = response.location or ""
        verdict = self._simulator.check(location)
        return Outcome(
            "gateway",
            response.status_code,
            location.partition("?")[0],
            verdict,
            _way_back(browser, verdict),
        )


def _get(browser: FlaskClient, link: str, headers: Mapping[str, str]) -> TestResponse:
    return browser.get(_inside(link), base_url=request.url_root, headers=dict(headers))


def _inside(url: str) -> str:
    """Return a URL of this site as the app sees it, which may be mounted below a path."""
    return url.removeprefix(request.root_path)


def _way_back(browser: FlaskClient, verdict: Verdict) -> str | None:
    """Return where a payment would come back to."""
    if verdict.pay_success is None:
        return None
    token = urlsplit(verdict.pay_success).path.rpartition("/")[2]
    return _get(browser, url_for("xiebao.paid", token=token), {}).location
