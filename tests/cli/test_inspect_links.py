"""Tests for ``flask xiebao inspect`` with links of the site.

To test another link that the site refuses, add a row to ``REFUSED_LINKS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from flask_xiebao import Entry
from flask_xiebao.links.access_rules import Refusal
from flask_xiebao.links.tokens import TokenSigner
from tests.cli.support import SECRET_KEY, inspect_url, make_shop, parse_findings, run_command
from tests.support import INSURE_NUM, PHONE, PRODUCT_CODE, PUBLIC_URL, Clock, SentSignals

#: Builds a site on which member m1 is always logged in.
make_site = partial(make_shop, loader=lambda: "m1", XIEBAO_MEMBER_SECRET=None)
#: The time of the fixture ``clock``, as the command prints it.
PRINTED_NOW = "2027-01-15 08:00:00 UTC"


@pytest.fixture
def app() -> Flask:
    """A site on which member m1 is logged in."""
    return make_site()


def get_printed_link(app: Flask, *arguments: str) -> str:
    """Return the link that ``flask xiebao link`` prints."""
    return run_command(app, "link", *arguments).output.strip()


@pytest.mark.parametrize("option", ["--external", "--local"])
def test_inspect_decodes_link_without_member(app: Flask, option: str) -> None:
    link = get_printed_link(
        app, "product", PRODUCT_CODE, "--return-to", "/a", "--client-reference", "order-8", option
    )

    findings = inspect_url(app, link)

    assert findings["ok"].splitlines() == [
        "The link opens the product page (section 2.1 of Xiebao's interface document).",
        f"caseCode: {PRODUCT_CODE}",
        "return_to: /a",
        "client_reference: order-8",
        "The link does not belong to a member. Visitors log in and then go to the gateway as"
        " themselves.",
    ]
    assert (findings["ERROR"], findings["WARNING"]) == ("", "")


def test_inspect_decodes_link_with_member(app: Flask) -> None:
    url = get_printed_link(app, "home", "--member", "m1", "--platform", "h5")

    findings = inspect_url(app, url)

    assert "Only this member can open it, after logging in." in findings["ok"]
    assert "platform: H5" in findings["ok"]
    assert "属于会员 m1" in run_command(app, "inspect", url, "--locale", "zh").output


def test_inspect_reports_remaining_time_without_login(app: Flask, clock: Clock) -> None:
    url = get_printed_link(app, "policy", INSURE_NUM, "--member", "m1", "--no-login-for", "60")
    member = f"The link belongs to member m1 and was signed at {PRINTED_NOW}"

    clock.shift(20)
    valid = inspect_url(app, url)
    clock.shift(40)
    expired = inspect_url(app, url)

    assert f"{member}, with no_login_for=60. For another 40 seconds" in valid["ok"]
    assert f"insureNum: {INSURE_NUM}" in valid["ok"]
    assert (
        f"{member}. It could be opened without a login for 60 seconds (no_login_for)."
        in expired["WARNING"]
    )
    assert expired["ERROR"] == ""


def test_inspect_decodes_url_of_qr_code_image(app: Flask) -> None:
    url = get_printed_link(app, "policy", INSURE_NUM, "--member", "m1", "--local")
    qr_url = url.replace("/policy/", "/qr/")

    first, _, others = inspect_url(app, f"{qr_url}.png")["ok"].partition("\n")

    assert first.startswith("This is the URL of a QR code image for emails")
    assert others == inspect_url(app, url)["ok"]
    # The URL of a QR code must end with the suffix of an image file, such as ".png".
    assert inspect_url(app, qr_url)["ERROR"] != ""


def test_inspect_decodes_return_link_of_click(
    app: Flask, clock: Clock, sent_signals: SentSignals
) -> None:
    url = get_printed_link(app, "product", PRODUCT_CODE, "--return-to", "/orders/8", "--local")
    redirect = app.test_client().get(url, headers=PHONE)

    findings = inspect_url(app, str(redirect.location))
    [return_link] = re.findall(rf"{PUBLIC_URL}/xiebao/paid/\S+", findings["ok"])

    click = f"click {sent_signals[0][1]['click_id']} of member m1"
    assert findings["ERROR"] == ""
    assert "paySuccess: after payment, the browser is sent to https://shop." in findings["ok"]
    assert f"{click} at {PRINTED_NOW}." in findings["ok"]
    assert "return_to: /orders/8" in findings["ok"]
    assert click in inspect_url(app, return_link)["ok"]
    assert "was not made by this site" in inspect_url(app, f"{return_link}x")["ERROR"]


def test_inspect_warns_of_link_with_other_host(app: Flask) -> None:
    path = get_printed_link(app, "product", PRODUCT_CODE, "--local")
    assert inspect_url(app, f"{PUBLIC_URL}{path}")["WARNING"] == ""
    findings = inspect_url(app, f"https://other.example{path}")
    assert "The host of the link is other.example" in findings["WARNING"]


def test_inspect_decodes_link_with_path_prefix_of_gateway() -> None:
    app = make_site(XIEBAO_URL_PREFIX="/dispatch/ins")
    findings = inspect_url(app, get_printed_link(app, "home"))
    assert "The link opens the home page" in findings["ok"]
    assert findings["ERROR"] == ""


#: The token of a policy link without a member. Policy links need a member, so this link is refused.
TOKEN_WITHOUT_MEMBER = TokenSigner([SECRET_KEY], "12345").build_entry_token(
    Entry("policy", INSURE_NUM)
)
#: One row per refused link: the function that makes it from a valid product link, and a part of the
#: error.
REFUSED_LINKS: dict[str, tuple[Callable[[str], str], str]] = {
    "changed token": (lambda url: f"{url}x", "was not made by this site, or it was changed"),
    "token of other page": (
        lambda url: url.replace("product", "home"),
        "not a link to the home page, because the last part of the link (the token) is for",
    ),
    "policy link without member": (
        lambda _: f"/xiebao/policy/{TOKEN_WITHOUT_MEMBER}",
        "because the last part of the link (the token) does not name a member",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED_LINKS.values(), ids=REFUSED_LINKS)
def test_inspect_reports_refused_link_as_error(
    app: Flask, change: Callable[[str], str], message: str
) -> None:
    result = run_command(
        app, "inspect", change(get_printed_link(app, "product", PRODUCT_CODE, "--local"))
    )
    assert message in parse_findings(result)["ERROR"]
    assert result.output.endswith("Nobody can follow this link.\n")


@pytest.mark.parametrize(
    "options",
    [(), ("--member", "m1"), ("--member", "m1", "--no-login-for", "60")],
    ids=["no member", "member", "member without login"],
)
def test_inspect_reports_refused_click_for_every_kind_of_link(
    app: Flask, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    url = get_printed_link(app, "product", PRODUCT_CODE, "--local", *options)
    refusal = Refusal(
        status=403, reason="too_old", cause="too_old", explanation="it was made last year"
    )
    monkeypatch.setattr(
        "flask_xiebao.cli.inspect.decide_access", lambda entry, current_member, now: refusal
    )

    result = run_command(app, "inspect", url)

    assert "A click on this link returns status 403 (too_old)" in parse_findings(result)["ERROR"]
    assert result.output.endswith("Nobody can follow this link.\n")
    assert "403（too_old）" in run_command(app, "inspect", url, "--locale", "zh").output


def test_inspect_reports_link_of_site_without_secret_key(app: Flask) -> None:
    url = get_printed_link(app, "product", PRODUCT_CODE, "--local")
    app.config["SECRET_KEY"] = None
    assert "SECRET_KEY is not set" in inspect_url(app, url)["ERROR"]


def test_inspect_reports_404_for_link_of_disabled_site(app: Flask) -> None:
    url = get_printed_link(app, "product", PRODUCT_CODE, "--local")
    assert inspect_url(make_site(XIEBAO_ENABLED=False), url) == {
        "ERROR": "XIEBAO_ENABLED is off, so this link returns status 404.",
        "WARNING": "",
        "ok": "",
    }
