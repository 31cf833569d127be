"""Old names, which raise errors, and links of older versions, which still open.

A removed keyword of macros is a row of ``IN_TEMPLATES``, another removed name one of ``IN_PYTHON``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_xiebao import Entry, Gateway, LinkError, OrderClient, Platform, parse_notification
from flask_xiebao.testing import entry_of
from tests.page.support import MAIL_MACRO
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PRODUCT_CODE,
    Site,
    assert_gateway_accepts,
    make_site,
)

BEARER = 'member="8", max_age=3600'
NO_MAX_AGE = 'There is no keyword "max_age". Use "no_login_for" instead.'
IN_TEMPLATES = {
    "insurance_entry": f'{{{{ insurance_entry("{PRODUCT_CODE}", {BEARER}) }}}}',
    "insurance_home_entry": f"{{{{ insurance_home_entry({BEARER}) }}}}",
    "policy_entry": f'{{{{ policy_entry("{INSURE_NUM}", {BEARER}) }}}}',
    "xiebao_entry": f'{{{{ xiebao_entry("home", {BEARER}) }}}}',
    "insurance_card": f'{{{{ insurance_card("{PRODUCT_CODE}", "T", {BEARER}) }}}}',
    "call": f'{{% call insurance_entry("{PRODUCT_CODE}", {BEARER}) %}}保{{% endcall %}}',
    "insurance_qr": f'{{{{ insurance_qr("{PRODUCT_CODE}", {BEARER}) }}}}',
    "mail_entry": f'{{{{ mail_entry("home", {BEARER}) }}}}',
    "xiebao_link": f"{{{{ xiebao_link('product', '{PRODUCT_CODE}', {BEARER}) }}}}",
}
OLD: Any = {"max_age": 60}
ENTRY = Entry("home", None, "8", 60)
CLIENT = OrderClient("12345", "Key", base_url=Gateway.TEST)
#: Each removed name, the error that its use raises, and code that uses it.
IN_PYTHON: list[tuple[str, type[Exception], Callable[[Site], object]]] = [
    ("max_age", TypeError, lambda site: site.xiebao.link("home", member="8", **OLD)),
    ("max_age", TypeError, lambda site: site.xiebao.product_link(PRODUCT_CODE, member="8", **OLD)),
    ("max_age", TypeError, lambda site: site.xiebao.home_link(member="8", **OLD)),
    ("max_age", TypeError, lambda site: site.xiebao.policy_link(INSURE_NUM, member="8", **OLD)),
    ("max_age", TypeError, lambda _: Entry("home", None, "8", **OLD)),
    ("max_age", AttributeError, lambda _: ENTRY.max_age),  # type: ignore[attr-defined]
    ("state", AttributeError, lambda site: site.xiebao.state),  # type: ignore[attr-defined]
    ("policy_file", AttributeError, lambda _: CLIENT.policy_file(1)),  # type: ignore[attr-defined]
    (
        *("partner_id", TypeError),
        lambda _: parse_notification(b"", partner_id="1", api_key="Key"),  # type: ignore[call-arg]
    ),
]


def tokens_of(version: str) -> dict[str, list[dict[str, Any]]]:
    """Return tokens that a version made with the secret and the account of the tests."""
    file = Path(__file__).with_name(f"tokens_of_{version}.json")
    tokens: dict[str, list[dict[str, Any]]] = json.loads(file.read_text("utf-8"))
    return tokens


TOKENS = {version: tokens_of(version) for version in ("0_2", "0_3")}
#: The links of both versions, and the return links.
LINKS, RETURNS = (
    [
        pytest.param(link, id=f"{version}-{link['entry']}")
        for version, tokens in TOKENS.items()
        for link in tokens[kind]
    ]
    for kind in ("links", "returns")
)


@pytest.fixture
def site() -> Site:
    return make_site(**DEPLOYED, XIEBAO_PUBLIC_URL="https://shop.example")


@pytest.mark.parametrize("source", IN_TEMPLATES.values(), ids=IN_TEMPLATES)
def test_old_keyword_raises_error_that_names_new_one(source: str) -> None:
    with pytest.raises(LinkError, match=re.escape(NO_MAX_AGE)) as error:
        make_site().render(MAIL_MACRO + source)
    assert error.value.argument == "max_age"


@pytest.mark.parametrize("source", IN_TEMPLATES.values(), ids=IN_TEMPLATES)
def test_old_keyword_in_production_leaves_entry_out_and_logs_error(
    site: Site, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    assert site.render(f"{MAIL_MACRO}<p>before</p>{source}").text == "<p>before</p>"
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"was left out: {NO_MAX_AGE} See " in record.getMessage()


@pytest.mark.parametrize(("name", "error", "use"), IN_PYTHON)
def test_old_name_in_python_raises_error(
    site: Site, name: str, error: type[Exception], use: Callable[[Site], object]
) -> None:
    with site.app.test_request_context(), pytest.raises(error, match=name):
        use(site)


@pytest.mark.parametrize("link", LINKS)
def test_link_of_older_version_opens_its_page(site: Site, link: dict[str, Any]) -> None:
    said = dict(link["entry"])
    life = said.pop("max_age", said.pop("no_login_for", None))
    signed_at = said.get("signed_at")
    with site.app.app_context():
        found = entry_of(link["token"])
    platform = said.pop("platform", None)
    platform = None if platform is None else Platform(platform)
    assert found == Entry(**said, platform=platform, no_login_for=life)
    assert found.signed_at == signed_at

    url = f"/xiebao/{said['page']}/{link['token']}"
    site.log_in(said.get("member", "8"))
    verdict = assert_gateway_accepts(site.follow(url).location)
    assert verdict.page == said["page"]
    assert said.get("reference") in (None, *dict(verdict.parameters).values())


@pytest.mark.parametrize("link", RETURNS)
def test_return_link_of_older_version_returns_to_site(site: Site, link: dict[str, Any]) -> None:
    assert site.follow(f"/xiebao/paid/{link['token']}").location == (
        link["entry"]["return_to"].replace("保险", "%E4%BF%9D%E9%99%A9")
    )
