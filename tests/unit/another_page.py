"""Where a page of the gateway and a locale show that nobody thought of when the package was built.

``test_house.py`` runs this with a copy of the package that has a row more in each of its two
tables, and a file more among its texts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask_babel import Babel

import flask_xiebao
from flask_xiebao import ConfigError, Gateway, GatewayError, LinkError, entry_clicked
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import GatewaySimulator, check_entries
from tests.support import PC, Site, assert_gateway_accepts, find_element, find_href, make_site

CLAIM = "LP1"
ENTRY = f'{{{{ xiebao_entry("claim", "{CLAIM}") }}}}'
HOME_ENTRY = '{{ xiebao_entry("home") }}'
CODE = '{{ insurance_qr("1") }}'


def site_in(locale: str | None) -> Site:
    return make_site(XIEBAO_PUBLIC_URL="https://shop.example", XIEBAO_LOCALE=locale)


@pytest.fixture
def site() -> Site:
    """A site in Esperanto whose page has an entry to the claim of whoever is logged in."""
    site = site_in("eo")
    site.source = ENTRY
    site.log_in("m1")
    return site


def link(site: Site, *arguments: str, **options: Any) -> str:
    with site.app.test_request_context():
        return site.xiebao.link(*arguments, **options)


def run(site: Site, *arguments: str) -> str:
    return site.app.test_cli_runner().invoke(commands, arguments).output


def test_it_is_the_copy_that_is_tested() -> None:
    assert Path(flask_xiebao.__file__).parent.parent == Path.cwd()


# A page


def test_the_gateways_url() -> None:
    gateway = Gateway("12345", "Key", sub_partner_id="7")
    url = gateway.url("claim", CLAIM, partner_uniq_key="m1", platform="h5")
    assert url.startswith("https://testapi.xiebao18.com/dispatch/cps/claim?partnerId=12345")
    for each in (url, gateway.url("help"), gateway.url("help", partner_uniq_key="m1")):
        assert assert_gateway_accepts(each)


@pytest.mark.parametrize(
    ("page", "options", "words", "parameter"),
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
def test_a_url_takes_what_its_row_has_and_no_more(
    page: str, options: dict[str, Any], words: str, parameter: str
) -> None:
    with pytest.raises(GatewayError, match=words) as raised:
        Gateway("12345", "Key", sub_partner_id="7").url(page, **options)
    assert raised.value.parameter == parameter


@pytest.mark.parametrize(
    ("arguments", "options", "words", "argument"),
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
def test_a_link_takes_what_its_row_has_and_no_more(
    site: Site, arguments: list[str], options: dict[str, Any], words: str, argument: str
) -> None:
    with pytest.raises(LinkError, match=words) as raised:
        link(site, *arguments, **options)
    assert raised.value.argument == argument


def test_its_parameter_is_no_further_one() -> None:
    with pytest.raises(ConfigError, match="must not contain 'claimNum'"):
        make_site(XIEBAO_EXTRA={"claimNum": "1"})


def test_a_link_in_python_and_its_click(site: Site) -> None:
    clicks: list[Any] = []
    url = link(site, "claim", CLAIM, member="m1", return_to="/done")
    with entry_clicked.connected_to(lambda _app, entry, **_: clicks.append(entry), site.app):
        verdict = assert_gateway_accepts(site.follow(url))
    assert (verdict.page, verdict.member) == ("claim", "m1")
    assert verdict.pay_success is not None
    assert [(entry.page, entry.reference) for entry in clicks] == [("claim", CLAIM)]
    assert assert_gateway_accepts(site.follow(link(site, "help"), PC))
    site.log_in(None)
    assert link(site, "claim", CLAIM) == "", "it is a member's own"


def test_the_macro(site: Site) -> None:
    entry = find_element(site.follow("/page"))
    assert (entry.text, entry["lang"]) == ("Vidi reklamon", "eo")
    assert entry["data-xiebao-entry"] == "claim"
    assert assert_gateway_accepts(site.follow(find_href(entry)))
    own = site.render(f"{{{{ xiebao_link('claim', '{CLAIM}') }}}}").text
    assert assert_gateway_accepts(site.follow(own))
    site.log_in(None)
    assert site.render(ENTRY).text == ""


def test_the_handoff(site: Site) -> None:
    page = site.follow(find_href(site.follow("/page", PC)), PC)
    assert find_element(page, "html")["lang"] == "eo"
    title = "Vidi vian reklamon per telefono"
    assert find_element(page, "h1").text == find_element(page, "head > title").text == title
    assert "Skanu la kodon." in page.text
    assert "The code is valid for 5 minutes." in page.text


def test_the_commands(site: Site) -> None:
    said = run(site, "doctor", "--verbose")
    assert (
        "claim (2.4): a link was created and opened, and the site redirected to the gateway."
        in said
    )
    assert "XIEBAO_LOCALE: eo" in said
    assert "Errors: 0." in said
    url = run(site, "link", "claim", CLAIM, "--member", "m1", "--gateway").strip()
    assert "claimNum=LP1: the claim, by its number." in run(site, "inspect", url)
    wrong = run(site, "inspect", url.replace("claimNum", "claimnum"))
    assert 'The parameter name "claimnum" is misspelled. Write "claimNum" instead.' in wrong
    own = run(site, "link", "claim", CLAIM, "--member", "m1").strip()
    assert "The link opens the claim page (section 2.4 of" in run(site, "inspect", own)


def test_the_simulator(site: Site) -> None:
    simulator = GatewaySimulator("12345", "Key")
    site.app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
    url = Gateway("12345", "Key", base_url="/gateway").url("claim", CLAIM, partner_uniq_key="m1")
    page = site.follow(url)
    assert find_element(page, "html")["lang"] == "eo"
    assert find_element(page, ".xiebao-verdict").text == "Akceptita: paĝo de reklamo"
    assert "la reklamo" in page.text
    assert "claimNum mankas: la reklamo" in site.follow(url.replace("claimNum", "claim")).text


@pytest.mark.parametrize(("device", "handoff"), [("iphone", False), ("pc", True)])
def test_the_fixture(
    follow_entry: Callable[..., Any], site: Site, device: str, handoff: bool
) -> None:
    client = site.app.test_client()
    verdict = follow_entry(client, "/page", "claim", reference=CLAIM, device=device)
    assert verdict.accepted, verdict.reasons
    assert (verdict.page, verdict.handoff) == ("claim", handoff)


def test_a_check_of_the_site_follows_it(site: Site) -> None:
    report = check_entries(site.app, devices=["pc", "iphone"])
    assert report.passed, str(report)
    done = {result.case.name: result.case for result in report.results}
    assert {"claim-plain", "claim-return", "claim-another", "help-plain"} <= done.keys()
    assert "help-return" not in done
    assert done["claim-plain"].title_in("eo").startswith("paĝo de reklamo")


# A locale


def test_what_a_locale_leaves_out_is_in_english(site: Site) -> None:
    page = site.follow("/xiebao/claim/nonsense")
    assert find_element(page, "h1").text == "Ĉi tiu ligilo ne funkcias"
    assert "The link may be incomplete or altered." in page.text


@pytest.mark.parametrize(
    ("locale", "source", "words", "lang"),
    [
        ("eo", HOME_ENTRY, "Insurance shop", "en"),
        ("zh_hant", HOME_ENTRY, "Insurance shop", "en"),
        ("zh_hant", CODE, "用手機掃碼投保", "zh-Hant"),
    ],
)
def test_what_is_said_is_in_the_language_that_it_says(
    locale: str, source: str, words: str, lang: str
) -> None:
    element = find_element(site_in(locale).render(source))
    assert (element.get("aria-label", element.text), element["lang"]) == (words, lang)


def test_a_locale_of_a_script_is_nearer_than_its_language() -> None:
    site = site_in(None)
    Babel(site.app, locale_selector=lambda: "zh_Hant_TW")
    assert find_element(site.render(CODE))["lang"] == "zh-Hant"


def test_the_locale_is_one_of_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match='XIEBAO_LOCALE must be "en", "eo", "zh" or "zh_hant"'):
        site_in("fr")
