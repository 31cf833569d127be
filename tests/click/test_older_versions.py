"""Tests for names that were removed, and for links that older versions of the package signed.

To test another removed keyword of the macros, add a row to ``REMOVED_KEYWORDS``. To test another
removed name, add a row to ``REMOVED_NAMES``.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_xiebao import Entry, LinkError, OrderClient, parse_notification
from flask_xiebao.testing import entry_of
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PRODUCT_CODE,
    PUBLIC_URL,
    Site,
    assert_gateway_accepts,
    make_site,
)

MAIL_MACRO = '{% from "xiebao/mail.html" import mail_entry %}'
MAX_AGE = 'member="8", max_age=3600'
#: One row per macro: a name, and a template that passes the removed keyword ``max_age``.
REMOVED_KEYWORDS = {
    "insurance_entry": f'{{{{ insurance_entry("{PRODUCT_CODE}", {MAX_AGE}) }}}}',
    "insurance_home_entry": f"{{{{ insurance_home_entry({MAX_AGE}) }}}}",
    "policy_entry": f'{{{{ policy_entry("{INSURE_NUM}", {MAX_AGE}) }}}}',
    "xiebao_entry": f'{{{{ xiebao_entry("home", {MAX_AGE}) }}}}',
    "insurance_card": f'{{{{ insurance_card("{PRODUCT_CODE}", "T", {MAX_AGE}) }}}}',
    "call block": f'{{% call insurance_entry("{PRODUCT_CODE}", {MAX_AGE}) %}}保{{% endcall %}}',
    "insurance_qr": f'{{{{ insurance_qr("{PRODUCT_CODE}", {MAX_AGE}) }}}}',
    "mail_entry": f'{{{{ mail_entry("home", {MAX_AGE}) }}}}',
    "xiebao_link": f"{{{{ xiebao_link('product', '{PRODUCT_CODE}', {MAX_AGE}) }}}}",
}
ADVICE = 'There is no keyword "max_age". Use "no_login_for" instead.'
OPTIONS: Any = {"member": "8", "max_age": 60}
#: One row per use of a removed name: the name, the type of the exception, and a function that uses
#: the name.
REMOVED_NAMES: list[tuple[str, type[Exception], Callable[[Site], object]]] = [
    ("max_age", TypeError, lambda site: site.xiebao.link("home", **OPTIONS)),
    ("max_age", TypeError, lambda site: site.xiebao.product_link(PRODUCT_CODE, **OPTIONS)),
    ("max_age", TypeError, lambda site: site.xiebao.home_link(**OPTIONS)),
    ("max_age", TypeError, lambda site: site.xiebao.policy_link(INSURE_NUM, **OPTIONS)),
    ("max_age", TypeError, lambda _: Entry("home", **OPTIONS)),
    ("max_age", AttributeError, lambda _: Entry("home").max_age),  # type: ignore[attr-defined]
    ("state", AttributeError, lambda site: site.xiebao.state),  # type: ignore[attr-defined]
    (
        *("policy_file", AttributeError),
        lambda _: OrderClient.policy_file,  # type: ignore[attr-defined]
    ),
    (
        *("partner_id", TypeError),
        lambda _: parse_notification(b"", partner_id="1", api_key="Key"),  # type: ignore[call-arg]
    ),
]


def load_old_tokens(kind: str) -> list[Any]:
    """Return test parameters: tokens that older versions signed, and the fields of their entries.

    :param kind: ``links`` for entry links, ``returns`` for return links.
    """
    return [
        pytest.param(row["token"], row["entry"], id=f"{file.stem} {row['entry']['page']}")
        for file in sorted(Path(__file__).parent.glob("tokens_of_*.json"))
        # In version 0.2, the option "no_login_for" had the name "max_age".
        for row in json.loads(file.read_text("utf-8").replace('"max_age"', '"no_login_for"'))[kind]
    ]


@pytest.fixture
def site() -> Site:
    """A deployed site with the setting ``XIEBAO_PUBLIC_URL``."""
    return make_site(**DEPLOYED, XIEBAO_PUBLIC_URL=PUBLIC_URL)


@pytest.mark.parametrize("source", REMOVED_KEYWORDS.values(), ids=REMOVED_KEYWORDS)
def test_removed_keyword_raises_error_with_new_keyword(source: str) -> None:
    with pytest.raises(LinkError, match=re.escape(ADVICE)) as error:
        make_site().render(MAIL_MACRO + source)
    assert error.value.argument == "max_age"


@pytest.mark.parametrize(("name", "error_type", "use_name"), REMOVED_NAMES)
def test_removed_name_raises_error(
    site: Site, name: str, error_type: type[Exception], use_name: Callable[[Site], object]
) -> None:
    with site.app.test_request_context(), pytest.raises(error_type, match=name):
        use_name(site)


@pytest.mark.parametrize(("token", "fields"), load_old_tokens("links"))
def test_link_of_older_version_redirects_to_same_page(
    site: Site, token: str, fields: dict[str, Any]
) -> None:
    with site.app.app_context():
        entry = entry_of(token)
    assert entry is not None
    assert dataclasses.asdict(entry) == dict.fromkeys(dataclasses.asdict(entry)) | fields

    site.log_in(fields.get("member", "8"))
    verdict = assert_gateway_accepts(site.follow(f"/xiebao/{fields['page']}/{token}").location)
    assert verdict.page == fields["page"]
    assert fields.get("reference") in (None, *dict(verdict.parameters).values())


@pytest.mark.parametrize(("token", "fields"), load_old_tokens("returns"))
def test_return_link_of_older_version_redirects_to_site(
    site: Site, token: str, fields: dict[str, Any]
) -> None:
    expected = fields["return_to"].replace("保险", "%E4%BF%9D%E9%99%A9")
    assert site.follow(f"/xiebao/paid/{token}").location == expected
