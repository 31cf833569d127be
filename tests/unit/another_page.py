"""Where a page of the gateway and a locale show that nobody thought of when the package was built.

``test_house.py`` runs this with a copy of the package that has a row more in each of its two
tables, and a file more among its texts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string, session
from flask_babel import Babel

import flask_xiebao
from flask_xiebao import ConfigError, Gateway, GatewayError, LinkError, Xiebao, entry_clicked
from flask_xiebao.testing import GatewaySimulator, check_entries

CLAIM = "LP1"
PC = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36"}
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148"}
MACROS = '{% from "xiebao/entry.html" import xiebao_entry %}'


def make_app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(
        TESTING=True,
        SECRET_KEY="a secret for tests",
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY="Key",
        XIEBAO_PUBLIC_URL="https://shop.example",
        XIEBAO_LOCALE="eo",
    )
    app.config.update(config)
    Xiebao(app).member_loader(lambda: session.get("member"))

    @app.get("/")
    def page() -> str:
        return render_template_string(f'{MACROS}{{{{ xiebao_entry("claim", "{CLAIM}") }}}}')

    @app.get("/own")
    def own() -> str:
        return render_template_string(f"{{{{ xiebao_link('claim', '{CLAIM}') }}}}")

    return app


@pytest.fixture
def app() -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> Any:
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["member"] = "m1"
    return client


def soup_of_text(html: str) -> Any:
    return BeautifulSoup(html, "html.parser")


def soup_of(response: Any) -> Any:
    return soup_of_text(response.text)


def test_it_is_the_copy_that_is_tested() -> None:
    assert Path(flask_xiebao.__file__).parent.parent == Path.cwd()


def test_the_gateways_url() -> None:
    url = Gateway("12345", "Key").url("claim", CLAIM, partner_uniq_key="m1", platform="h5")
    assert url.startswith("https://testapi.xiebao18.com/dispatch/cps/claim?partnerId=12345")
    assert GatewaySimulator("12345", "Key").check(url).accepted
    with pytest.raises(GatewayError, match="claimNum is required") as raised:
        Gateway("12345", "Key").url("claim", partner_uniq_key="m1")
    assert raised.value.parameter == "claimNum"


def test_a_page_takes_what_its_row_has_and_no_more(app: Flask, client: Any) -> None:
    gateway = Gateway("12345", "Key", sub_partner_id="7")
    for whoever in (None, "m1"):
        url = gateway.url("help", partner_uniq_key=whoever)
        assert GatewaySimulator("12345", "Key").check(url).accepted
    for parameter, options in (
        ("paySuccess", {"pay_success": "https://shop.example/"}),
        ("subPartnerId", {"sub_partner_id": "8"}),
    ):
        with pytest.raises(GatewayError, match=f"The help page takes no {parameter}") as raised:
            gateway.url("help", **cast(Any, options))
        assert raised.value.parameter == parameter
    with app.test_request_context():
        link = app.extensions["xiebao"].link("help")
        with pytest.raises(LinkError, match="takes no return_to") as refused:
            app.extensions["xiebao"].link("help", return_to="/")
        assert refused.value.argument == "return_to"
    away = client.get(link, headers=PC).location
    assert GatewaySimulator("12345", "Key").check(away).accepted


def test_its_parameter_is_no_further_one() -> None:
    with pytest.raises(ConfigError, match="must not set claimNum"):
        make_app(XIEBAO_EXTRA={"claimNum": "1"})


def test_a_link_in_python_and_its_click(app: Flask, client: Any) -> None:
    clicks: list[Any] = []
    with app.test_request_context():
        link = app.extensions["xiebao"].link("claim", CLAIM, member="m1", return_to="/done")
    with entry_clicked.connected_to(lambda _app, entry, **_: clicks.append(entry), app):
        away = client.get(link, headers=PHONE).location
    verdict = GatewaySimulator("12345", "Key").check(away)
    assert (verdict.accepted, verdict.page, verdict.member) == (True, "claim", "m1")
    assert verdict.pay_success is not None
    assert [(entry.page, entry.reference) for entry in clicks] == [("claim", CLAIM)]


def test_a_link_needs_what_the_row_says(app: Flask) -> None:
    xiebao = app.extensions["xiebao"]
    with app.test_request_context():
        assert xiebao.link("claim", CLAIM) == ""  # nobody is logged in, and it is a member's own
        with pytest.raises(LinkError, match="claimNum is None"):
            xiebao.link("claim", member="m1")
        with pytest.raises(LinkError, match="takes no sub_partner_id"):
            xiebao.link("claim", CLAIM, member="m1", sub_partner_id="7")
        with pytest.raises(LinkError, match="does not serve PC"):
            xiebao.link("claim", CLAIM, member="m1", platform="pc")


def test_the_macro(app: Flask, client: Any) -> None:
    entry = soup_of(client.get("/", headers=PHONE)).a
    assert (entry.text, entry["lang"]) == ("Vidi reklamon", "eo")
    with client.application.test_request_context():
        english = soup_of_text(render_template_string(MACROS + '{{ xiebao_entry("home") }}')).a
    assert (english.text, english["lang"]) == ("Insurance shop", "en")
    assert entry["data-xiebao-entry"] == "claim"
    assert client.get(entry["href"], headers=PHONE).status_code == 302
    assert app.test_client().get("/").text == ""


def test_own_markup(client: Any) -> None:
    assert client.get(client.get("/own").text, headers=PHONE).status_code == 302


def test_the_handoff(client: Any) -> None:
    page = soup_of(client.get(soup_of(client.get("/", headers=PC)).a["href"], headers=PC))
    assert page.html["lang"] == "eo"
    assert page.h1.text == page.title.text == "Vidi vian reklamon per telefono"
    assert "Skanu la kodon." in page.text
    assert "The code is valid for 5 minutes." in page.text


def test_a_refusal(client: Any) -> None:
    assert soup_of(client.get("/xiebao/claim/nonsense")).h1.text == "Ĉi tiu ligilo ne funkcias"


def run(app: Flask, *arguments: str) -> str:
    from flask_xiebao.cli import xiebao

    return app.test_cli_runner().invoke(xiebao, arguments).output


def test_the_doctor(app: Flask) -> None:
    said = run(app, "doctor", "--verbose")
    assert "claim (2.4): a link was made, found and opened, and leads to the gateway." in said
    assert "XIEBAO_LOCALE: eo" in said
    assert "Errors: 0." in said


def test_link_and_inspect_in_the_shell(app: Flask) -> None:
    url = run(app, "link", "claim", CLAIM, "--member", "m1", "--gateway").strip()
    assert "claimNum=LP1: the claim, by its number." in run(app, "inspect", url)
    wrong = run(app, "inspect", url.replace("claimNum", "claimnum"))
    assert "'claimnum' is not a parameter: write claimNum." in wrong
    link = run(app, "link", "claim", CLAIM, "--member", "m1").strip()
    assert "It is about the claim page (2.4)." in run(app, "inspect", link)


def test_the_simulator(app: Flask, client: Any) -> None:
    simulator = GatewaySimulator("12345", "Key")
    app.register_blueprint(simulator.blueprint, url_prefix="/gateway")
    url = Gateway("12345", "Key", base_url="/gateway").url("claim", CLAIM, partner_uniq_key="m1")
    page = soup_of(client.get(url))
    assert page.html["lang"] == "eo"
    assert page.select_one(".xiebao-verdict").text == "Akceptita: paĝo de reklamo"
    assert "la reklamo" in page.text
    refused = soup_of(client.get(url.replace("claimNum", "claim")))
    assert "claimNum mankas: la reklamo" in refused.text


def test_the_fixture(follow_entry: Callable[..., Any], client: Any) -> None:
    for device, handoff in (("iphone", False), ("pc", True)):
        verdict = follow_entry(client, "/", "claim", reference=CLAIM, device=device)
        assert verdict.accepted, verdict.reasons
        assert (verdict.page, verdict.handoff) == ("claim", handoff)


def test_a_locale_of_a_script_is_nearer_than_its_language() -> None:
    app = make_app(XIEBAO_LOCALE="zh_hant")
    source = '{% from "xiebao/entry.html" import insurance_qr %}{{ insurance_qr("1") }}'
    with app.test_request_context():
        code = soup_of_text(render_template_string(source)).svg
    assert (code["aria-label"], code["lang"]) == ("用手機掃碼投保", "zh-Hant")
    app = make_app(XIEBAO_LOCALE=None)
    Babel(app, locale_selector=lambda: "zh_Hant_TW")
    with app.test_request_context():
        assert soup_of_text(render_template_string(source)).svg["lang"] == "zh-Hant"


def test_what_a_qr_code_says_is_in_the_language_that_it_says() -> None:
    app = make_app(XIEBAO_LOCALE="zh_hant")
    with app.test_request_context():
        entry = soup_of_text(render_template_string(MACROS + '{{ xiebao_entry("home") }}')).a
    assert (entry.text, entry["lang"]) == ("Insurance shop", "en")


def test_the_locale_is_one_of_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match='XIEBAO_LOCALE must be "en", "eo", "zh" or "zh_hant"'):
        make_app(XIEBAO_LOCALE="fr")


def test_what_a_locale_leaves_out_is_in_english(client: Any) -> None:
    page = soup_of(client.get("/xiebao/claim/nonsense"))
    assert "It may be incomplete or have been altered." in page.text


def test_a_check_of_the_site_follows_it(app: Flask) -> None:
    report = check_entries(app, devices=["pc", "iphone"])
    assert report.passed, str(report)
    done = {result.case.name for result in report.results}
    assert {"claim-plain", "claim-return", "claim-another", "help-plain"} <= done
    assert "help-return" not in done
    said = next(result.case for result in report.results if result.case.name == "claim-plain")
    assert said.title_in("eo").startswith("paĝo de reklamo")
