"""Tests for ``XIEBAO_MEMBER_SECRET`` and the ``keeps_plain_key`` hook on a site.

The values of the setting are tested in ``test_settings.py`` and ``test_invalid_settings.py``.
"""

from __future__ import annotations

import asyncio
import logging
import re
from inspect import iscoroutinefunction
from typing import Any

import pytest
from itsdangerous.encoding import base64_decode

from flask_xiebao import ConfigError, LinkError
from flask_xiebao.app.state import get_current_app_state
from tests.manual.blocks import DOCS
from tests.support import (
    API_KEY,
    INSURE_NUM,
    MEMBER_KEYS,
    MEMBER_SECRET,
    PC,
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_href,
    find_leaks,
)


@pytest.fixture
def site_with_secret(make_site: MakeSite) -> Site:
    return make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)


def get_member_key(site: Site, member: Any) -> str:
    with site.app.app_context():
        return site.xiebao.partner_uniq_key(member)


def find_member_by_key(site: Site, key: str) -> str | None:
    with site.app.app_context():
        return site.xiebao.member_of(key)


@pytest.mark.parametrize("config", [{}, {"SECRET_KEY": "another"}, {"XIEBAO_API_KEY": API_KEY}])
def test_member_key_equals_openssl_result_and_ignores_other_keys(
    make_site: MakeSite, config: dict[str, str]
) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET, **config)
    assert {member: get_member_key(site, member) for member in MEMBER_KEYS} == MEMBER_KEYS
    assert get_member_key(site, 8) == MEMBER_KEYS["8"]
    assert {member: find_member_by_key(site, key) for member, key in MEMBER_KEYS.items()} == {
        member: member for member in MEMBER_KEYS
    }


def test_member_keys_in_manual_are_correct() -> None:
    rows = re.findall(
        r"^\| `?(\w*)`? ?\| `?(\w*)`? ?\| `(\S+)` \| `(\S+)` \|$",
        (DOCS / "en/how-to/member-secret.md").read_text("utf-8"),
        re.M,
    )
    assert rows == [
        (MEMBER_SECRET, "12345", "8", MEMBER_KEYS["8"]),
        ("", "", "m_7Qk2vX9rT4", MEMBER_KEYS["m_7Qk2vX9rT4"]),
    ]


@pytest.mark.parametrize(
    ("member", "message"),
    [
        *((value, "Pass the id of a member") for value in (None, "", " ", 0, False)),
        *((value, "A member's id") for value in (" 8", "8 ", ["8"], True, "x" * 257)),
    ],
)
@pytest.mark.parametrize(
    "config", [{}, {"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}], ids=["no secret", "secret"]
)
def test_partner_uniq_key_of_invalid_member_raises_link_error(
    make_site: MakeSite, config: dict[str, Any], member: Any, message: str
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        get_member_key(make_site(**config), member)
    assert error.value.argument == "member"


@pytest.mark.parametrize("key", [None, b"8", ["8"], "", "\ud800"], ids=repr)
@pytest.mark.parametrize(
    "config", [{}, {"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}], ids=["no secret", "secret"]
)
def test_member_of_invalid_key_returns_none(make_site: MakeSite, config: Any, key: Any) -> None:
    assert find_member_by_key(make_site(**config), key) is None


@pytest.mark.requires("asgiref")
def test_keeps_plain_key_accepts_async_function(site_with_secret: Site) -> None:
    @site_with_secret.xiebao.keeps_plain_key
    async def is_member_8(member: str) -> bool:
        return member == "8"

    assert iscoroutinefunction(is_member_8)
    assert get_member_key(site_with_secret, 8) == find_member_by_key(site_with_secret, "8") == "8"
    assert get_member_key(site_with_secret, 9) != "9"


def test_keeps_plain_key_is_not_called_without_member_secret(site: Site) -> None:
    site.xiebao.keeps_plain_key(lambda member: pytest.fail("The hook was called."))
    assert get_member_key(site, 8) == find_member_by_key(site, "8") == "8"


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda member: None, "got None"),
        (lambda member: 1, "got int"),
        (lambda member: "no", "got str"),
        (lambda member: asyncio.sleep(0, True), "a coroutine that is never awaited"),
    ],
    ids=["None", "int", "str", "coroutine"],
)
def test_keeps_plain_key_result_that_is_no_bool_raises_config_error(
    site_with_secret: Site, hook: Any, message: str
) -> None:
    site_with_secret.xiebao.keeps_plain_key(hook)
    with pytest.raises(
        ConfigError, match=f"The keeps_plain_key hook must return True or False.*{message}"
    ):
        get_member_key(site_with_secret, 8)


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_gateway_receives_member_key_and_links_do_not_contain_it(
    site_with_secret: Site, page: str
) -> None:
    site_with_secret.log_in(8)
    verdict = assert_gateway_accepts(
        site_with_secret.follow(site_with_secret.link(page, member=8, return_to="/orders/8"))
    )
    assert verdict.member == MEMBER_KEYS["8"]
    links = [
        site_with_secret.link(page),
        site_with_secret.link(page, member=8),
        site_with_secret.link(page, member=8, no_login_for=60, external=True),
        site_with_secret.link(page, member=8, return_to="/orders/8", platform="h5"),
        str(verdict.pay_success),
    ]
    for link in links:
        payload = base64_decode(link.rpartition("/")[2].partition(".")[0]).decode()
        assert page in payload
        assert MEMBER_KEYS["8"][:16] not in f"{link} {payload}"


def test_pages_and_logs_contain_no_member_secret(
    site_with_secret: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site_with_secret.log_in(8)
    page = site_with_secret.render(
        f'{{{{ insurance_entry("{PRODUCT_CODE}") }}}}{{{{ policy_entry("{INSURE_NUM}") }}}}'
        f'{{{{ insurance_qr("{PRODUCT_CODE}", member=8, no_login_for=60) }}}}'
    )
    handoff = site_with_secret.follow(site_with_secret.link("home"), PC)
    assert "<svg" in handoff.text
    assert (
        assert_gateway_accepts(site_with_secret.follow(find_href(page, "我要投保"))).member
        == MEMBER_KEYS["8"]
    )
    responses = f"{page.headers} {page.text} {handoff.headers} {handoff.text}"
    assert find_leaks(responses, MEMBER_KEYS["8"][:16], MEMBER_SECRET) == []
    with site_with_secret.app.app_context():
        assert MEMBER_SECRET not in f"{vars(get_current_app_state())} {caplog.text}"
