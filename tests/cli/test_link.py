"""``flask xiebao link``: the links that it prints, and why it prints none."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from flask_xiebao import Entry, entry_clicked
from tests.cli.support import KEY_OF_8, PLACE, PUBLISHED, TEST, doctor, run, shop
from tests.support import (
    INSURE_NUM,
    NEEDS_TRUSTED_HOSTS,
    PHONE,
    PRODUCT_CODE,
    SIGN,
    assert_gateway_accepts,
)

#: A site of the account whose sign the document shows; m1 is logged in.
site = partial(shop, loader=lambda: "m1", XIEBAO_API_KEY="Key", XIEBAO_MEMBER_SECRET=None)


def entry_of(app: Flask, url: str) -> Entry:
    """Return the entry that a click on a link tells of."""
    told: list[Entry] = []
    with entry_clicked.connected_to(lambda app, entry, **_: told.append(entry), app):
        click = app.test_client().get(urlsplit(url).path, headers=PHONE)
    assert_gateway_accepts(click.location)
    [entry] = told
    return entry


def test_a_link_is_absolute_where_the_site_says_where_it_is() -> None:
    app = site()
    printed = run(app, "link", "product", PRODUCT_CODE).output
    assert printed.startswith(f"{PLACE}/xiebao/product/")
    assert printed.count("\n") == 1
    assert entry_of(app, printed.strip()).reference == PRODUCT_CODE


def test_elsewhere_it_is_a_path() -> None:
    app = site(XIEBAO_PUBLIC_URL=None)
    printed = run(app, "link", "home").output
    assert printed.startswith("/xiebao/home/")
    assert entry_of(app, printed.strip()).page == "home"
    external = run(app, "link", "home", "--external")
    assert external.exit_code == 1
    assert "Set XIEBAO_PUBLIC_URL" in external.output


def test_a_local_link_can_be_pasted_after_the_address_of_flask_run() -> None:
    app = site(XIEBAO_PUBLIC_URL=f"{PLACE}/mounted", APPLICATION_ROOT="/mounted")
    assert run(app, "link", "home", "--local").output.startswith("/xiebao/home/")
    assert run(app, "link", "home").output.startswith(f"{PLACE}/mounted/xiebao/home/")


def test_a_link_takes_every_keyword() -> None:
    app = site()
    options = {
        "--member": "m1",
        "--no-login-for": "60",
        "--sub-partner-id": "s1",
        "--platform": "ios",
        "--return-to": "/a",
        "--client-reference": "order-8",
    }
    typed = [word for option in options.items() for word in option]
    entry = entry_of(app, run(app, "link", "product", PRODUCT_CODE, *typed).output.strip())
    assert (entry.page, entry.reference) == ("product", PRODUCT_CODE)
    assert (entry.member, entry.no_login_for, entry.client_reference) == ("m1", 60, "order-8")
    assert (entry.sub_partner_id, entry.platform, entry.return_to) == ("s1", 3, "/a")


def test_the_gateways_url_holds_the_sign_and_is_accepted() -> None:
    options = ("--gateway", "--platform", "h5", "--member", "m1")
    printed = run(site(), "link", "product", PRODUCT_CODE, *options).output
    assert printed == (
        f"{TEST}/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}&sign={SIGN}"
        "&partnerUniqKey=m1&platform=1\n"
    )
    assert_gateway_accepts(printed.strip())
    explained = " ".join(run(site(), "link", "--help").output.split())
    assert "Keep this URL SECRET" in explained
    assert "--locale [en|zh]" in explained


def test_the_gateways_url_has_the_members_key() -> None:
    app = site(XIEBAO_MEMBER_SECRET=PUBLISHED)
    printed = run(app, "link", "home", "--gateway", "--member", "8").output
    assert assert_gateway_accepts(printed.strip()).member == KEY_OF_8


TO_GATEWAY = ("--gateway", "--member", "m1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "'nowhere' is not one of"),
        (["product"], "requires the argument REFERENCE. Pass the caseCode"),
        (["policy", "--member", "m1"], "requires the argument REFERENCE. Pass the insureNum"),
        (["product", "Q\n1"], "Invalid value for REFERENCE: "),
        (["product", "Q" * 1300], "Invalid value for REFERENCE: "),
        (["product", "Q\n", *TO_GATEWAY], "Invalid value for REFERENCE: "),
        (
            ["home", PRODUCT_CODE],
            "Invalid value for REFERENCE: The home page does not accept a reference",
        ),
        (["policy", INSURE_NUM], "Missing option --member"),
        (
            ["policy", INSURE_NUM, "--member", ""],
            "Invalid value for --member: The member id is empty",
        ),
        (["home", "--member", "two\nlines"], "Invalid value for --member: "),
        (["home", "--no-login-for", "60"], "Invalid value for --no-login-for: "),
        (["home", "--no-login-for", "60"], 'A link with "no_login_for" requires "member"'),
        (["home", "--platform", "pc"], "Invalid value for --platform: "),
        (["home", "--platform", "pc"], "platform PC is not supported"),
        (["home", "--platform", "pc", *TO_GATEWAY], "Invalid value for --platform: "),
        (["home", "--return-to", "//evil.example"], "Invalid value for --return-to: "),
        (["home", "--return-to", "https://evil.example"], "return_to must be a path"),
        (["home", "--sub-partner-id", " "], "Invalid value for --sub-partner-id: "),
        (["home", "--sub-partner-id", " ", *TO_GATEWAY], "Invalid value for --sub-partner-id: "),
        (
            ["home", "--gateway"],
            "Missing option --member. The gateway URL of the home page requires a member",
        ),
        (
            ["product", PRODUCT_CODE, "--gateway"],
            "Missing option --member. The gateway URL of the product page requires",
        ),
        (["home", "--gateway", "--member", ""], "partnerUniqKey is required"),
        (
            ["home", "--gateway", "--member", " m1"],
            "A member's id has leading or trailing whitespace",
        ),
        (["home", *TO_GATEWAY, "--return-to", "/a"], '"--gateway" cannot be combined with'),
        (["home", *TO_GATEWAY, "--local"], '"--gateway" cannot be combined with'),
        (
            ["home", *TO_GATEWAY, "--no-login-for", "60"],
            '"--gateway" cannot be combined with "--no-login-for"',
        ),
        (["home", "--max-age", "5"], 'no option "--max-age". Use "--no-login-for" instead.'),
        (["--max-age", "5"], 'no option "--max-age". Use "--no-login-for" instead.'),
    ],
)
def test_what_is_asked_wrongly_is_named(arguments: list[str], said: str) -> None:
    result = run(site(), "link", *arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ({}, ["product"], "product 页面需要 REFERENCE，即它的 caseCode。"),
        ({}, ["policy", INSURE_NUM], "policy 页面的链接要指明属于谁。"),
        ({}, ["policy", INSURE_NUM, "--member", ""], "没有链接：--member 是空的。"),
        ({}, ["home", "--gateway"], "home 页面的 partnerUniqKey 要指明会员。"),
        ({}, ["home", *TO_GATEWAY, "--local"], "--gateway 不能与 --no-login-for、"),
        ({"XIEBAO_ENABLED": False}, ["home"], "没有链接：XIEBAO_ENABLED 已关闭。\n"),
    ],
)
def test_what_the_command_itself_says_is_chinese_if_asked(
    config: dict[str, Any], arguments: list[str], said: str
) -> None:
    assert said in run(site(**config), "link", *arguments, "--locale", "zh").output


def test_a_reference_is_asked_for_before_the_app_is_loaded() -> None:
    def create_app() -> Flask:
        raise AssertionError

    assert (
        "requires the argument REFERENCE. Pass the caseCode"
        in run(create_app, "link", "product").output
    )


NO_HOSTS = "TRUSTED_HOSTS must be a list with at least one valid host name"
OFF = "No link was created, because XIEBAO_ENABLED is off"


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ({"TRUSTED_HOSTS": [""]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": ["."]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": ["*.shop.example"]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": [None]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": [b"shop.example"]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": ["x" * 64]}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": 5}, [], NO_HOSTS),
        ({"TRUSTED_HOSTS": True}, [], NO_HOSTS),
        ({"SECRET_KEY_FALLBACKS": 5}, [], "Error: SECRET_KEY_FALLBACKS must be"),
        ({"SECRET_KEY": "a\udcff"}, [], "Error: SECRET_KEY must be"),
        ({"XIEBAO_API_KEY": None}, [], "XIEBAO_API_KEY is not set"),
        ({"XIEBAO_ENABLED": False}, [], OFF),
        ({"XIEBAO_ENABLED": False}, TO_GATEWAY, "XIEBAO_ENABLED is off"),
        ({"XIEBAO_ENABLED": False, "SECRET_KEY": None}, [], OFF),
    ],
)
def test_a_site_that_can_have_no_link_says_which_setting_is_wrong(
    config: dict[str, Any], arguments: list[str], said: str
) -> None:
    app = partial(site, XIEBAO_PUBLIC_URL=None, **config)
    result = run(app, "link", "home", *arguments)
    assert result.exit_code == 1
    assert said in result.output


@NEEDS_TRUSTED_HOSTS
@pytest.mark.parametrize(
    "hosts",
    [
        "shop.example",
        ["shop.example"],
        [".shop.example"],
        frozenset({"shop.example"}),
        ["商店.example"],
    ],
)
def test_a_link_is_made_on_a_trusted_host(hosts: Any) -> None:
    app = site(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=hosts, loader=lambda: None)
    assert run(app, "link", "home").output.startswith("/xiebao/home/")
    said = doctor(app)
    assert said["ERROR"] == ""
    assert "policy (2.3): a link was created" in said["ok"]
