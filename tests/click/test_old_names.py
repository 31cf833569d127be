"""What sites wrote for 0.2: it works until 0.4, and says what it is called now.

A name that changes is a row of ``IN_TEMPLATES`` or ``IN_PYTHON``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flask_xiebao import Entry, LinkError, Platform
from tests.support import CODE, LIVE, NUMBER, Site, accepted, href, make_site, said_by

BEARER = 'member="8", max_age=3600'
#: What makes a link by which member 8 needs no login for an hour.
IN_TEMPLATES = {
    "insurance_entry": f'{{{{ insurance_entry("{CODE}", {BEARER}) }}}}',
    "insurance_home_entry": f"{{{{ insurance_home_entry({BEARER}) }}}}",
    "policy_entry": f'{{{{ policy_entry("{NUMBER}", {BEARER}) }}}}',
    "xiebao_entry": f'{{{{ xiebao_entry("home", {BEARER}) }}}}',
    "insurance_card": f'{{{{ insurance_card("{CODE}", "T", {BEARER}) }}}}',
    "call": f'{{% call insurance_entry("{CODE}", {BEARER}) %}}保{{% endcall %}}',
    "xiebao_link": f"<a href=\"{{{{ xiebao_link('product', '{CODE}', {BEARER}) }}}}\">保</a>",
}
IN_PYTHON: dict[str, Callable[[Site], str]] = {
    "link": lambda site: site.xiebao.link("home", member="8", max_age=3600),
    "product_link": lambda site: site.xiebao.product_link(CODE, member="8", max_age=3600),
    "home_link": lambda site: site.xiebao.home_link(member="8", max_age=3600),
    "policy_link": lambda site: site.xiebao.policy_link(NUMBER, member="8", max_age=3600),
}

#: Tokens that 0.2.0 made, with what they say, and with the secret, partner and key of the tests.
TOKENS = json.loads(Path(__file__).with_name("tokens_of_0_2.json").read_text("utf-8"))
LINKS: list[dict[str, Any]] = TOKENS["links"]


@pytest.fixture
def site() -> Site:
    return make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")


def check_bearer(site: Site, link: str) -> None:
    """Make sure that a link lets whoever has it go as the member, without a login."""
    entry = said_by(site, link)
    assert entry is not None
    assert (entry.member, entry.no_login_for) == ("8", 3600)
    accepted(site.follow(link).location)


def make(site: Site, name: str) -> str:
    """Return the link that is made by an old name."""
    if name in IN_PYTHON:
        with site.app.test_request_context():
            return IN_PYTHON[name](site)
    page = site.render(f"\n{IN_TEMPLATES[name]}")
    assert "max-age" not in page.text  # it is no attribute
    return href(page)


@pytest.mark.parametrize("name", [*IN_TEMPLATES, *IN_PYTHON])
def test_an_old_name_works_and_the_log_says_once_where_it_is(
    site: Site, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    for _ in range(3):
        with pytest.warns(DeprecationWarning, match="no_login_for") as warned:
            link = make(site, name)
        check_bearer(site, link)
    [(file, line)] = {(each.filename, each.lineno) for each in warned}
    assert (file, line) == ("a template", 2) or (name in IN_PYTHON and file == __file__)
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        "max_age is now called no_login_for, and will be refused from 0.4 on."
        f" See {file}, line {line}."
    ]


OF_POLICY: Any = Entry("policy", NUMBER, "8")
OLD_ENTRY: Any = Entry  # whose types forbid the old name
NEW_ENTRY: Any = replace(OF_POLICY, no_login_for=60)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda: OLD_ENTRY("policy", NUMBER, "8", max_age=60), NEW_ENTRY),
        (lambda: replace(OF_POLICY, max_age=60), NEW_ENTRY),
        (lambda: NEW_ENTRY.max_age, 60),
    ],
    ids=["made", "replaced", "read"],
)
def test_an_entry_has_its_old_name_and_the_log_says_where(
    caplog: pytest.LogCaptureFixture, use: Callable[[], object], expected: object
) -> None:
    with pytest.warns(DeprecationWarning, match="no_login_for") as warned:
        assert use() == expected
    assert {each.filename for each in warned} == {__file__}
    [line] = [each.getMessage() for each in caplog.records]
    assert __file__ in line


@pytest.mark.parametrize("old", [60, None])
def test_one_of_both_names_is_enough(site: Site, old: int | None) -> None:
    both: Any = {"max_age": old, "no_login_for": 60}
    with site.app.test_request_context():
        for use in (
            lambda: site.xiebao.product_link(CODE, member="8", **both),
            lambda: OLD_ENTRY("home", None, "8", **both),
            lambda: OLD_ENTRY("home", None, "8", 60, max_age=old),
            lambda: replace(OLD_ENTRY("home", None, "8", 60), max_age=old),
        ):
            with pytest.raises(LinkError, match="give no_login_for alone") as caught:
                use()
            assert caught.value.argument == "no_login_for"
    source = '{{ insurance_entry("1", member="8", max_age=old, no_login_for=1) }}'
    with pytest.raises(LinkError, match="give no_login_for alone"):
        make_site().render(source, old=old)


def test_none_makes_no_bearer_link(site: Site) -> None:
    with pytest.warns(DeprecationWarning, match="no_login_for"):
        link = site.link("product", member="8", max_age=None)
    assert site.follow(link).status_code == 401


def test_what_an_app_has_is_private_and_says_so(site: Site) -> None:
    with (
        site.app.app_context(),
        pytest.warns(DeprecationWarning, match=r"Xiebao\.state is private"),
    ):
        assert site.xiebao.state.settings.partner_id == "12345"


@pytest.mark.parametrize("link", LINKS, ids=lambda link: str(link["entry"]))
def test_a_link_that_0_2_made_says_and_leads_where_it_did(site: Site, link: dict[str, Any]) -> None:
    said = dict(link["entry"])
    life, signed_at = said.pop("max_age", None), said.get("signed_at")
    found = said_by(site, link["token"])
    platform = said.pop("platform", None)
    platform = None if platform is None else Platform(platform)
    assert found == Entry(**said, platform=platform, no_login_for=life)
    assert found.signed_at == signed_at

    url = f"/xiebao/{said['page']}/{link['token']}"
    site.log_in(said.get("member", "8"))
    verdict = accepted(site.follow(url).location)
    assert verdict.page == said["page"]
    assert said.get("reference") in (None, *dict(verdict.parameters).values())


@pytest.mark.parametrize("link", TOKENS["returns"])
def test_payments_of_0_2_come_back(site: Site, link: dict[str, Any]) -> None:
    assert site.follow(f"/xiebao/paid/{link['token']}").location == (
        link["entry"]["return_to"].replace("保险", "%E4%BF%9D%E9%99%A9")
    )
