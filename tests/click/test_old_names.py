"""What sites wrote for 0.2: it works until 0.4, and says what it is called now."""

from __future__ import annotations

import json
import logging
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import render_template_string
from werkzeug.test import TestResponse

from flask_xiebao import Entry, LinkError, Platform, Xiebao, parse_notification
from flask_xiebao.cli import xiebao as commands
from flask_xiebao.testing import entry_of
from tests.manual.blocks import DOCS
from tests.support import CODE, LIVE, NUMBER, PHONE, Site, accepted, href, make_site
from tests.vectors import PAID

#: Tokens that 0.2.0 made, with what they say, and with the secret, partner and key of the tests.
TOKENS = json.loads(Path(__file__).with_name("tokens_of_0_2.json").read_text("utf-8"))
SIGNED = 1764201600

BEARER = 'member="8", max_age=3600'
IN_TEMPLATES = {
    "insurance_entry": f'{{{{ insurance_entry("{CODE}", {BEARER}) }}}}',
    "insurance_home_entry": f"{{{{ insurance_home_entry({BEARER}) }}}}",
    "policy_entry": f'{{{{ policy_entry("{NUMBER}", {BEARER}) }}}}',
    "xiebao_entry": f'{{{{ xiebao_entry("home", {BEARER}) }}}}',
    "insurance_card": f'{{{{ insurance_card("{CODE}", "T", {BEARER}) }}}}',
    "call": f'{{% call insurance_entry("{CODE}", {BEARER}) %}}保{{% endcall %}}',
    "xiebao_link": f"<a href=\"{{{{ xiebao_link('product', '{CODE}', {BEARER}) }}}}\">保</a>",
}
IN_PYTHON: dict[str, Callable[[Xiebao], str]] = {
    "link": lambda xiebao: xiebao.link("home", member="8", max_age=3600),
    "product_link": lambda xiebao: xiebao.product_link(CODE, member="8", max_age=3600),
    "home_link": lambda xiebao: xiebao.home_link(member="8", max_age=3600),
    "policy_link": lambda xiebao: xiebao.policy_link(NUMBER, member="8", max_age=3600),
}


def is_warned() -> Any:
    return pytest.warns(DeprecationWarning, match="no_login_for")


@pytest.fixture
def site() -> Site:
    return make_site(**LIVE)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log says of it."""
    return lambda: [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING and "no_login_for" in each.getMessage()
    ]


def bearer(site: Site, link: str) -> None:
    """Make sure that a link lets whoever has it go as the member, without a login."""
    with site.app.app_context():
        entry = entry_of(link)
    assert entry is not None
    assert (entry.member, entry.no_login_for) == ("8", 3600)
    accepted(site.follow(link).location)


@pytest.mark.parametrize("source", IN_TEMPLATES.values(), ids=IN_TEMPLATES)
def test_a_template_works_and_the_log_says_where(
    site: Site, source: str, said: Callable[[], list[str]]
) -> None:
    for _ in range(3):
        with is_warned() as warned:
            page = site.render(f"\n{source}")
        assert [(each.filename, each.lineno) for each in warned] == [("a template", 2)]
        bearer(site, href(page))
    [line] = said()
    assert line == (
        "max_age is now called no_login_for, and will be refused from 0.4 on."
        " See a template, line 2."
    )


def test_a_code_and_a_mail_work_too(said: Callable[[], list[str]]) -> None:
    site = make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")
    with is_warned():
        assert "<path" in site.render(f'{{{{ insurance_qr("{CODE}", {BEARER}) }}}}').text
    mail = '{% from "xiebao/mail.html" import mail_entry %}'
    with is_warned(), site.app.test_request_context():
        page = render_template_string(f'{mail}\n{{{{ mail_entry("home", {BEARER}) }}}}')
    bearer(site, href(page))
    assert len(said()) == 2


@pytest.mark.parametrize("make", IN_PYTHON.values(), ids=IN_PYTHON)
def test_python_works_and_says_where(
    site: Site, make: Callable[[Xiebao], str], said: Callable[[], list[str]]
) -> None:
    with site.app.test_request_context(), is_warned() as warned:
        links = [make(site.xiebao) for _ in range(3)]
    for link in links:
        bearer(site, link)
    [line] = said()
    assert __file__ in line
    assert {each.filename for each in warned} == {__file__}


def test_an_entry_is_made_and_read(said: Callable[[], list[str]]) -> None:
    with is_warned() as warned:
        entry = Entry("policy", NUMBER, "8", max_age=60)  # type: ignore[call-arg]
    assert entry == Entry("policy", NUMBER, "8", no_login_for=60)
    assert entry == Entry("policy", NUMBER, "8", 60)
    with is_warned() as read:
        assert entry.max_age == 60  # type: ignore[attr-defined]
    with is_warned() as replaced:
        own = replace(Entry("policy", NUMBER, "8"), max_age=60)  # type: ignore[call-arg]
    assert own == entry
    assert {each.filename for each in (*warned, *read, *replaced)} == {__file__}
    assert len(said()) == 3


def test_the_command_takes_it() -> None:
    site = make_site(**LIVE)
    arguments = ["link", "policy", NUMBER, "--member", "8", "--max-age", "3600"]
    result = site.app.test_cli_runner().invoke(commands, arguments)
    bearer(site, result.stdout.strip())
    assert result.stderr == (
        "--max-age is now called --no-login-for, and will be refused from 0.4 on.\n"
    )
    both = site.app.test_cli_runner().invoke(commands, [*arguments, "--no-login-for", "3600"])
    assert (both.exit_code, "give that alone" in both.stderr) == (2, True)
    assert "--max-age" not in site.app.test_cli_runner().invoke(commands, ["link", "--help"]).stdout


@pytest.mark.parametrize("old", [60, None])
def test_one_of_both_is_enough(site: Site, old: int | None) -> None:
    both = {"max_age": old, "no_login_for": 60}
    with site.app.test_request_context():
        with pytest.raises(LinkError, match="give no_login_for alone") as caught:
            site.xiebao.product_link(CODE, member="8", **both)  # type: ignore[arg-type]
        assert caught.value.argument == "no_login_for"
        with pytest.raises(LinkError, match="give no_login_for alone"):
            Entry("home", None, "8", **both)  # type: ignore[arg-type]
        with pytest.raises(LinkError, match="give no_login_for alone"):
            Entry("home", None, "8", 60, max_age=old)  # type: ignore[call-arg]
        with pytest.raises(LinkError, match="give no_login_for alone"):
            replace(Entry("home", None, "8", 60), max_age=old)  # type: ignore[call-arg]
    strict = make_site()
    with pytest.raises(LinkError, match="give no_login_for alone"):
        strict.render(f'{{{{ insurance_entry("{CODE}", member="8", max_age=1, no_login_for=1) }}}}')


def test_none_makes_no_bearer_link(site: Site) -> None:
    with site.app.test_request_context(), is_warned():
        link = site.xiebao.product_link(CODE, member="8", max_age=None)
    assert site.follow(link).status_code == 401


def test_it_is_no_attribute(site: Site) -> None:
    with is_warned():
        assert "max-age" not in site.render(IN_TEMPLATES["insurance_entry"]).text


def test_what_an_app_has_is_private_and_says_so(site: Site) -> None:
    with (
        site.app.app_context(),
        pytest.warns(DeprecationWarning, match=r"Xiebao\.state is private"),
    ):
        assert site.xiebao.state.settings.partner_id == "12345"


def test_the_manual_finds_what_still_has_an_old_name(tmp_path: Path) -> None:
    page = (DOCS / "en/how-to/upgrading.md").read_text("utf-8")
    [command] = re.findall(r"^\$ (grep .*)$", page, re.MULTILINE)
    old = [*IN_TEMPLATES.values(), "xiebao.orders.policy_file('1')", "xiebao.state.settings"]
    old += ["from flask_xiebao.links import Entry", "parse_notification(body, partner_id=1)"]
    old += ["notify(client, wrong='partner')", 'NotificationError("", "wrong_partner")']
    (tmp_path / "page.html").write_text("\n".join(old))
    (tmp_path / "shop.py").write_text("Entry('home', 'no_login_for')\nguard(entry.max_age)\n")
    found = subprocess.run(  # noqa: S603 - what the manual says
        shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = [line for line in found.stdout.splitlines() if "page.html" in line]
    assert len(lines) == len(old)
    assert found.stdout.count("shop.py") == 1


def test_a_notification_is_read_whoever_is_named_and_the_log_says_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        assert parse_notification(PAID, partner_id="99", api_key="Key").price_fen == 1500
    [line] = [each.getMessage() for each in caplog.records]
    assert line.startswith("parse_notification does not look at partner_id")
    assert __file__ in line


# Tokens


def entry(said: dict[str, Any]) -> Entry:
    platform = said.get("platform")
    renamed = {"no_login_for": said.pop("max_age")} if "max_age" in said else {}
    return Entry(**{**said, **renamed, "platform": platform and Platform(platform)})


@pytest.mark.parametrize("link", TOKENS["links"], ids=lambda link: str(link["entry"]))
def test_links_that_0_2_made_are_read(site: Site, link: dict[str, Any]) -> None:
    with site.app.app_context():
        found = entry_of(link["token"])
    assert found == entry(dict(link["entry"]))
    assert found.signed_at == link["entry"].get("signed_at")


def follow(site: Site, link: dict[str, Any]) -> TestResponse:
    return site.follow(f"/xiebao/{link['entry']['page']}/{link['token']}", PHONE)


def test_links_that_0_2_made_lead_where_they_did(site: Site) -> None:
    for link in TOKENS["links"]:
        site.log_in(link["entry"].get("member", "8"))
        verdict = accepted(follow(site, link).location)
        reference = link["entry"].get("reference")
        assert reference is None or reference in dict(verdict.parameters).values()
        assert verdict.page == link["entry"]["page"]


def test_bearer_links_that_0_2_made_need_no_login_until_they_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bearers = [link for link in TOKENS["links"] if "max_age" in link["entry"]]
    assert len(bearers) == 3
    for link in bearers:
        ends = link["entry"]["signed_at"] + link["entry"]["max_age"]
        for now, status in {ends - 1: 302, ends: 410}.items():
            monkeypatch.setattr("time.time", lambda now=now: float(now))
            assert follow(site, link).status_code == status


@pytest.mark.parametrize("link", TOKENS["returns"])
def test_payments_of_0_2_come_back(site: Site, link: dict[str, Any], heard: Any) -> None:
    assert site.follow(f"/xiebao/paid/{link['token']}").location == (
        link["entry"]["return_to"].replace("保险", "%E4%BF%9D%E9%99%A9")
    )


def test_a_code_of_0_2_is_drawn() -> None:
    site = make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")
    for link in TOKENS["links"]:
        if link["entry"].get("max_age", SIGNED) == SIGNED:  # the others are over
            assert site.follow(f"/xiebao/qr/{link['token']}.png").mimetype == "image/png"
