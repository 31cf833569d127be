"""Tests for ``flask xiebao link``."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.support import (
    KEY_OF_8,
    PUBLISHED_SECRET,
    TEST_GATEWAY,
    make_shop,
    run_command,
    run_doctor,
)
from tests.support import (
    INSURE_NUM,
    NEEDS_TRUSTED_HOSTS,
    PHONE,
    PRODUCT_CODE,
    PUBLIC_URL,
    SIGN,
    SentSignals,
    assert_gateway_accepts,
    failing_function,
)

#: Builds a site with the partner account of the interface document's example. Member m1 is always
#: logged in.
make_site = partial(make_shop, loader=lambda: "m1", XIEBAO_API_KEY="Key", XIEBAO_MEMBER_SECRET=None)
URL_BELOW_PATH = f"{PUBLIC_URL}/shop"


@pytest.mark.parametrize(
    ("config", "options", "prefix"),
    [
        ({}, [], f"{PUBLIC_URL}/xiebao/home/"),
        ({"XIEBAO_PUBLIC_URL": None}, [], "/xiebao/home/"),
        ({"XIEBAO_PUBLIC_URL": URL_BELOW_PATH}, [], f"{URL_BELOW_PATH}/xiebao/home/"),
        # A local link lacks the path of the public URL, because developers append the link to the
        # address that "flask run" prints, which has no path.
        ({"XIEBAO_PUBLIC_URL": URL_BELOW_PATH}, ["--local"], "/xiebao/home/"),
    ],
    ids=["public URL", "no public URL", "public URL with path", "local link"],
)
def test_link_begins_with_public_url_unless_it_is_local(
    config: dict[str, Any], options: list[str], prefix: str
) -> None:
    app = make_site(APPLICATION_ROOT="/shop", **config)

    output = run_command(app, "link", "home", *options).output

    assert re.fullmatch(rf"{prefix}\S+\n", output)


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["home"], {"page": "home"}),
        (
            [
                *("product", PRODUCT_CODE),
                *("--member", "m1"),
                *("--no-login-for", "60"),
                *("--sub-partner-id", "s1"),
                *("--platform", "ios"),
                *("--return-to", "/a"),
                *("--client-reference", "order-8"),
            ],
            {
                "page": "product",
                "reference": PRODUCT_CODE,
                "member": "m1",
                "no_login_for": 60,
                "sub_partner_id": "s1",
                "platform": 3,
                "return_to": "/a",
                "client_reference": "order-8",
            },
        ),
    ],
    ids=["no options", "all options"],
)
def test_printed_link_redirects_to_gateway_with_options_of_command(
    arguments: list[str], fields: dict[str, Any], sent_signals: SentSignals
) -> None:
    app = make_site()
    link = run_command(app, "link", *arguments).output.strip()

    redirect = app.test_client().get(urlsplit(link).path, headers=PHONE)

    assert_gateway_accepts(redirect)
    [(_, values)] = sent_signals
    assert {name: getattr(values["entry"], name) for name in fields} == fields


def test_gateway_option_prints_gateway_url_with_signature() -> None:
    arguments = ["product", PRODUCT_CODE, "--gateway", "--platform", "h5", "--member", "m1"]

    output = run_command(make_site(), "link", *arguments).output

    assert output == (
        f"{TEST_GATEWAY}/dispatch/cps?partnerId=12345&subPartnerId=&caseCode={PRODUCT_CODE}"
        f"&sign={SIGN}&partnerUniqKey=m1&platform=1\n"
    )
    assert_gateway_accepts(output.strip())


@pytest.mark.parametrize("text", ["Keep this URL SECRET", "--locale [en|zh]"])
def test_help_explains_gateway_url_and_locale(text: str) -> None:
    words = run_command(make_site(), "link", "--help").output.split()
    assert text in " ".join(words)


def test_gateway_url_has_member_key_if_member_secret_is_set() -> None:
    app = make_site(XIEBAO_MEMBER_SECRET=PUBLISHED_SECRET)
    result = run_command(app, "link", "home", "--gateway", "--member", "8")
    assert assert_gateway_accepts(result.output.strip()).member == KEY_OF_8


TO_GATEWAY = ("--gateway", "--member", "m1")


@pytest.mark.parametrize(
    ("arguments", "message"),
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
def test_link_rejects_invalid_arguments(arguments: list[str], message: str) -> None:
    result = run_command(make_site(), "link", *arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        ({}, ["product"], "product 页面需要 REFERENCE，即它的 caseCode。"),
        ({}, ["policy", INSURE_NUM], "policy 页面的链接要指明属于谁。"),
        ({}, ["policy", INSURE_NUM, "--member", ""], "没有链接：--member 是空的。"),
        ({}, ["home", "--gateway"], "home 页面的 partnerUniqKey 要指明会员。"),
        ({}, ["home", *TO_GATEWAY, "--local"], "--gateway 不能与 --no-login-for、"),
        ({"XIEBAO_ENABLED": False}, ["home"], "没有链接：XIEBAO_ENABLED 已关闭。\n"),
    ],
)
def test_link_with_locale_zh_prints_chinese_errors(
    config: dict[str, Any], arguments: list[str], message: str
) -> None:
    assert message in run_command(make_site(**config), "link", *arguments, "--locale", "zh").output


def test_link_checks_arguments_before_it_loads_app() -> None:
    output = run_command(failing_function(AssertionError()), "link", "product").output
    assert "requires the argument REFERENCE. Pass the caseCode" in output


INVALID_HOSTS = "TRUSTED_HOSTS must be a list with at least one valid host name"
DISABLED = "No link was created, because XIEBAO_ENABLED is off"


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        ({"TRUSTED_HOSTS": [""]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": ["."]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": ["*.shop.example"]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": [None]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": [b"shop.example"]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": ["x" * 64]}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": 5}, [], INVALID_HOSTS),
        ({"TRUSTED_HOSTS": True}, [], INVALID_HOSTS),
        ({"SECRET_KEY_FALLBACKS": 5}, [], "Error: SECRET_KEY_FALLBACKS must be"),
        ({"SECRET_KEY": "a\udcff"}, [], "Error: SECRET_KEY must be"),
        ({}, ["--external"], "Set XIEBAO_PUBLIC_URL"),
        ({"XIEBAO_API_KEY": None}, [], "XIEBAO_API_KEY is not set"),
        ({"XIEBAO_ENABLED": False}, [], DISABLED),
        ({"XIEBAO_ENABLED": False}, TO_GATEWAY, "XIEBAO_ENABLED is off"),
        ({"XIEBAO_ENABLED": False, "SECRET_KEY": None}, [], DISABLED),
    ],
)
def test_link_without_usable_settings_names_setting(
    config: dict[str, Any], arguments: list[str], message: str
) -> None:
    create_app = partial(make_site, XIEBAO_PUBLIC_URL=None, **config)
    result = run_command(create_app, "link", "home", *arguments)
    assert result.exit_code == 1
    assert message in result.output


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
def test_link_and_doctor_accept_valid_trusted_hosts(hosts: Any) -> None:
    app = make_site(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=hosts, loader=lambda: None)

    assert run_command(app, "link", "home").output.startswith("/xiebao/home/")

    findings = run_doctor(app)
    assert findings["ERROR"] == ""
    assert "product (2.1): a link was created" in findings["ok"]
