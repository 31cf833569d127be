"""Tests for a copy of the package with two added gateway pages and two added locales.

``test_architecture.py`` builds the copy and runs these tests.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask_babel import Babel

import flask_xiebao
from flask_xiebao import ConfigError, Gateway, GatewayError, LinkError
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import GatewaySimulator, check_entries
from tests.support import (
    PC,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    make_site,
)

CLAIM = "LP1"
ENTRY = f'{{{{ xiebao_entry("claim", "{CLAIM}") }}}}'
HOME_ENTRY = '{{ xiebao_entry("home") }}'
QR_CODE = '{{ insurance_qr("1") }}'


def make_site_with_locale(locale: str | None) -> Site:
    return make_site(XIEBAO_PUBLIC_URL="https://shop.example", XIEBAO_LOCALE=locale)


@pytest.fixture
def esperanto_site() -> Site:
    """A test site in Esperanto with an entry for the gateway page "claim".

    A member is logged in.
    """
    site = make_site_with_locale("eo")
    site.source = ENTRY
    site.log_in("m1")
    return site


def build_link(site: Site, *arguments: str, **options: Any) -> str:
    with site.app.test_request_context():
        return site.xiebao.link(*arguments, **options)


def run_command(site: Site, *arguments: str) -> str:
    return site.app.test_cli_runner().invoke(commands, arguments).output


def test_package_is_the_extended_copy() -> None:
    assert Path(flask_xiebao.__file__).parent.parent == Path.cwd()


# Added gateway pages


def test_gateway_url_of_added_page_is_accepted() -> None:
    gateway = Gateway("12345", "Key", sub_partner_id="7")
    url = gateway.url("claim", CLAIM, partner_uniq_key="m1", platform="h5")
    assert url.startswith("https://testapi.xiebao18.com/dispatch/cps/claim?partnerId=12345")
    for accepted_url in (url, gateway.url("help"), gateway.url("help", partner_uniq_key="m1")):
        assert_gateway_accepts(accepted_url)


@pytest.mark.parametrize(
    ("page", "options", "message", "parameter"),
    [
        ("claim", {"partner_uniq_key": "m1"}, "claimNum is required", "claimNum"),
        (
            "help",
            {"pay_success": "https://shop.example/"},
            'does not accept "paySuccess"',
            "paySuccess",
        ),
        ("help", {"sub_partner_id": "8"}, 'The help page does not accept "sub', "subPartnerId"),
    ],
)
def test_gateway_url_of_added_page_rejects_invalid_arguments(
    page: str, options: dict[str, Any], message: str, parameter: str
) -> None:
    with pytest.raises(GatewayError, match=message) as error:
        Gateway("12345", "Key", sub_partner_id="7").url(page, **options)
    assert error.value.parameter == parameter


@pytest.mark.parametrize(
    ("arguments", "options", "message", "argument"),
    [
        (["claim"], {"member": "m1"}, "claimNum is None", "reference"),
        (
            ["claim", CLAIM],
            {"sub_partner_id": "7"},
            'does not accept "sub_partner_id"',
            "sub_partner_id",
        ),
        (["claim", CLAIM], {"platform": "pc"}, "platform PC is not supported", "platform"),
        (["help"], {"return_to": "/"}, 'does not accept "return_to"', "return_to"),
    ],
)
def test_link_to_added_page_rejects_invalid_arguments(
    esperanto_site: Site, arguments: list[str], options: dict[str, Any], message: str, argument: str
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        build_link(esperanto_site, *arguments, **options)
    assert error.value.argument == argument


def test_extra_setting_rejects_parameter_of_added_page() -> None:
    with pytest.raises(ConfigError, match="must not contain 'claimNum'"):
        make_site(XIEBAO_EXTRA={"claimNum": "1"})


def test_click_on_link_to_added_page_redirects_to_gateway(
    esperanto_site: Site, sent_signals: SentSignals
) -> None:
    url = build_link(esperanto_site, "claim", CLAIM, member="m1", return_to="/done")
    verdict = assert_gateway_accepts(esperanto_site.follow(url))
    assert (verdict.page, verdict.member) == ("claim", "m1")
    assert verdict.pay_success is not None
    [(signal, values)] = sent_signals
    assert (signal, values["entry"].page, values["entry"].reference) == ("clicked", "claim", CLAIM)
    assert_gateway_accepts(esperanto_site.follow(build_link(esperanto_site, "help"), PC))
    esperanto_site.log_in(None)
    assert build_link(esperanto_site, "claim", CLAIM) == ""


def test_macro_renders_entry_of_added_page(esperanto_site: Site) -> None:
    entry = find_element(esperanto_site.follow("/page"))
    assert (entry.text, entry["lang"]) == ("Vidi reklamon", "eo")
    assert entry["data-xiebao-entry"] == "claim"
    assert_gateway_accepts(esperanto_site.follow(find_href(entry)))
    url = esperanto_site.render(f"{{{{ xiebao_link('claim', '{CLAIM}') }}}}").text
    assert_gateway_accepts(esperanto_site.follow(url))
    esperanto_site.log_in(None)
    assert esperanto_site.render(ENTRY).text == ""


def test_handoff_page_uses_texts_of_added_locale(esperanto_site: Site) -> None:
    page = esperanto_site.follow(find_href(esperanto_site.follow("/page", PC)), PC)
    assert find_element(page, "html")["lang"] == "eo"
    assert (
        find_element(page, "h1").text
        == find_element(page, "head > title").text
        == "Vidi vian reklamon per telefono"
    )
    assert "Skanu la kodon." in page.text
    assert "The code is valid for 5 minutes." in page.text


def test_commands_support_added_page(esperanto_site: Site) -> None:
    esperanto_site.log_in(None)
    output = run_command(esperanto_site, "doctor", "--verbose")
    assert (
        "product (2.1): a link was created and opened, and the site redirected to the gateway."
        in output
    )
    assert "XIEBAO_LOCALE: eo" in output
    assert "Errors: 0." in output
    url = run_command(esperanto_site, "link", "claim", CLAIM, "--member", "m1", "--gateway").strip()
    assert "claimNum=LP1: the claim, by its number." in run_command(esperanto_site, "inspect", url)
    output = run_command(esperanto_site, "inspect", url.replace("claimNum", "claimnum"))
    assert 'The parameter name "claimnum" is misspelled. Write "claimNum" instead.' in output
    site_link = run_command(esperanto_site, "link", "claim", CLAIM, "--member", "m1").strip()
    assert "The link opens the claim page (section 2.4 of" in run_command(
        esperanto_site, "inspect", site_link
    )


def test_simulator_supports_added_page(esperanto_site: Site) -> None:
    esperanto_site.app.register_blueprint(
        GatewaySimulator("12345", "Key").blueprint, url_prefix="/gateway"
    )
    url = Gateway("12345", "Key", base_url="/gateway").url("claim", CLAIM, partner_uniq_key="m1")
    page = esperanto_site.follow(url)
    assert find_element(page, "html")["lang"] == "eo"
    assert find_element(page, ".xiebao-verdict").text == "Akceptita: paĝo de reklamo"
    assert "la reklamo" in page.text
    assert (
        "claimNum mankas: la reklamo"
        in esperanto_site.follow(url.replace("claimNum", "claim")).text
    )


@pytest.mark.parametrize(("device", "handoff"), [("iphone", False), ("pc", True)])
def test_follow_entry_fixture_supports_added_page(
    follow_entry: Callable[..., Any], esperanto_site: Site, device: str, handoff: bool
) -> None:
    verdict = follow_entry(
        esperanto_site.app.test_client(), "/page", "claim", reference=CLAIM, device=device
    )
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.handoff) == ("claim", handoff)


def test_check_follows_links_to_added_page(esperanto_site: Site) -> None:
    esperanto_site.log_in(None)
    report = check_entries(esperanto_site.app, pages=["/page"])
    assert report.passed, str(report)
    entries = {(each.entry, each.device.name) for each in report.results if each.device}
    assert {("claim LP1", "pc"), ("claim LP1", "iphone")} <= entries


# Locales that the copy of the package gets


def test_missing_text_of_added_locale_is_english(esperanto_site: Site) -> None:
    page = esperanto_site.follow("/xiebao/claim/nonsense")
    assert find_element(page, "h1").text == "Ĉi tiu ligilo ne funkcias"
    assert "The link may be incomplete or altered." in page.text


@pytest.mark.parametrize(
    ("locale", "source", "text", "lang"),
    [
        ("eo", HOME_ENTRY, "Insurance shop", "en"),
        ("zh_hant", HOME_ENTRY, "Insurance shop", "en"),
        ("zh_hant", QR_CODE, "用手機掃碼投保", "zh-Hant"),
    ],
)
def test_lang_attribute_matches_language_of_text(
    locale: str, source: str, text: str, lang: str
) -> None:
    element = find_element(make_site_with_locale(locale).render(source))
    assert (element.get("aria-label", element.text), element["lang"]) == (text, lang)


def test_locale_with_script_is_preferred_to_language() -> None:
    site = make_site_with_locale(None)
    Babel(site.app, locale_selector=lambda: "zh_Hant_TW")
    assert find_element(site.render(QR_CODE))["lang"] == "zh-Hant"


def test_unknown_locale_raises_config_error() -> None:
    with pytest.raises(ConfigError, match='XIEBAO_LOCALE must be "en", "eo", "zh" or "zh_hant"'):
        make_site_with_locale("fr")
