"""``flask xiebao inspect`` on links of the site: where they lead, and who could follow them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import time_machine
from flask import Flask

from flask_xiebao import Entry, entry_clicked
from flask_xiebao.links.access_rules import Refusal
from flask_xiebao.links.tokens import TokenSigner
from tests.cli.support import PLACE, SECRET_KEY, findings, inspect, run, shop
from tests.support import INSURE_NUM, PHONE, PRODUCT_CODE

site = partial(shop, loader=lambda: "m1", XIEBAO_MEMBER_SECRET=None)


def link(app: Flask, *arguments: str) -> str:
    return run(app, "link", *arguments).output.strip()


@pytest.fixture
def app() -> Flask:
    """A site on which m1 is logged in."""
    return site()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-11-24 10:00:00+00:00", tick=False) as traveller:
        yield traveller


FULL = ("--return-to", "/a", "--client-reference", "order-8")
BEARER = ("--no-login-for", "60")


@pytest.mark.parametrize("option", ["--external", "--local"])
def test_a_link_without_a_member(app: Flask, option: str) -> None:
    said = inspect(app, link(app, "product", PRODUCT_CODE, *FULL, option))
    assert said["ok"].splitlines() == [
        "The link opens the product page (section 2.1 of Xiebao's interface document).",
        f"caseCode: {PRODUCT_CODE}",
        "return_to: /a",
        "client_reference: order-8",
        "The link does not belong to a member. Visitors log in and then go to the gateway as"
        " themselves.",
    ]
    assert (said["ERROR"], said["WARNING"]) == ("", "")


def test_a_members_link(app: Flask) -> None:
    url = link(app, "home", "--member", "m1", "--platform", "h5")
    said = inspect(app, url)
    assert "Only this member can open it, after logging in." in said["ok"]
    assert "platform: H5" in said["ok"]
    assert "属于会员 m1" in run(app, "inspect", url, "--locale", "zh").output


def test_a_bearer_link(app: Flask, clock: time_machine.Traveller) -> None:
    url = link(app, "policy", INSURE_NUM, "--member", "m1", "--no-login-for", "60")
    whose = "The link belongs to member m1 and was signed at 2026-11-24 10:00:00 UTC"
    clock.shift(20)
    now = inspect(app, url)
    assert f"{whose}, with no_login_for=60. For another 40 seconds" in now["ok"]
    assert f"insureNum: {INSURE_NUM}" in now["ok"]
    clock.shift(40)
    later = inspect(app, url)
    assert (
        f"{whose}. It could be opened without a login for 60 seconds (no_login_for)."
        in later["WARNING"]
    )
    assert later["ERROR"] == ""


def test_the_code_of_a_mail(app: Flask) -> None:
    url = link(app, "policy", INSURE_NUM, "--member", "m1", "--local")
    code = url.replace("/policy/", "/qr/")
    first, _, rest = inspect(app, f"{code}.png")["ok"].partition("\n")
    assert first.startswith("This is the URL of a QR code image for emails")
    assert rest == inspect(app, url)["ok"]
    assert inspect(app, code)["ERROR"] != ""  # a picture it has to be


def test_the_way_back_from_a_payment(app: Flask, clock: time_machine.Traveller) -> None:
    url = link(app, "product", PRODUCT_CODE, "--return-to", "/orders/8", "--local")
    clicks: list[str] = []
    with entry_clicked.connected_to(lambda app, click_id, **_: clicks.append(click_id), app):
        click = app.test_client().get(url, headers=PHONE)
    said = inspect(app, str(click.location))
    assert said["ERROR"] == ""
    assert f"paySuccess: after payment, the browser is sent to {PLACE}/xiebao/paid/" in said["ok"]
    assert f"click {clicks[0]} of member m1 at 2026-11-24 10:00:00 UTC." in said["ok"]
    assert "return_to: /orders/8" in said["ok"]
    [paid] = re.findall(rf"{PLACE}/xiebao/paid/\S+", said["ok"])
    assert f"click {clicks[0]} of member m1" in inspect(app, paid)["ok"]
    assert "was not made by this site" in inspect(app, f"{paid}x")["ERROR"]


def test_a_link_on_another_host_is_a_warning(app: Flask) -> None:
    url = link(app, "product", PRODUCT_CODE, "--local")
    assert inspect(app, f"{PLACE}{url}")["WARNING"] == ""
    assert (
        "The host of the link is other.example"
        in inspect(app, f"https://other.example{url}")["WARNING"]
    )


def test_a_prefix_may_be_like_a_path_of_the_gateway() -> None:
    app = site(XIEBAO_URL_PREFIX="/dispatch/ins")
    said = inspect(app, link(app, "home"))
    assert "The link opens the home page" in said["ok"]
    assert said["ERROR"] == ""


TOKEN_OF_NOBODY = TokenSigner([SECRET_KEY], "12345").build_entry_token(Entry("policy", INSURE_NUM))
#: What becomes of a link, and what is said of it then.
REFUSED: list[tuple[Callable[[str], str], str]] = [
    (lambda url: f"{url}x", "was not made by this site, or it was changed"),
    (
        lambda url: url.replace("product", "home"),
        "not a link to the home page, because the last part of the link (the token) is for",
    ),
    (
        lambda _: f"/xiebao/policy/{TOKEN_OF_NOBODY}",
        "because the last part of the link (the token) does not name a member",
    ),
]


@pytest.mark.parametrize(("change", "said"), REFUSED, ids=["changed", "another page", "nobody's"])
def test_links_that_the_site_refuses_are_told_apart(
    app: Flask, change: Callable[[str], str], said: str
) -> None:
    result = run(app, "inspect", change(link(app, "product", PRODUCT_CODE, "--local")))
    assert said in findings(result)["ERROR"]
    assert result.output.endswith("Nobody can follow this link.\n")


@pytest.mark.parametrize("options", [(), ("--member", "m1"), ("--member", "m1", *BEARER)])
def test_link_that_a_click_refuses_is_an_error_whatever_the_cause(
    app: Flask, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    url = link(app, "product", PRODUCT_CODE, "--local", *options)
    refusal = Refusal(403, "too_old", "too_old", "it was made last year")
    monkeypatch.setattr(
        "flask_xiebao.cli.inspect.decide_access", lambda entry, current_member, now: refusal
    )
    result = run(app, "inspect", url)
    assert "A click on this link returns status 403 (too_old)" in findings(result)["ERROR"]
    assert result.output.endswith("Nobody can follow this link.\n")
    assert "403（too_old）" in run(app, "inspect", url, "--locale", "zh").output


def test_a_link_of_a_site_without_a_key(app: Flask) -> None:
    url = link(app, "product", PRODUCT_CODE, "--local")
    app.config["SECRET_KEY"] = None
    assert "SECRET_KEY is not set" in inspect(app, url)["ERROR"]


def test_a_link_of_a_site_that_is_switched_off() -> None:
    said = inspect(site(XIEBAO_ENABLED=False), link(site(), "product", PRODUCT_CODE, "--local"))
    assert said == {
        "ERROR": "XIEBAO_ENABLED is off, so this link returns status 404.",
        "WARNING": "",
        "ok": "",
    }
