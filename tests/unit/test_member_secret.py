"""``XIEBAO_MEMBER_SECRET`` and ``keeps_plain_key``, as a site has them; what it may be is a row of
``test_settings.py``."""

from __future__ import annotations

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


async def return_true_async() -> bool:
    return True


@pytest.fixture
def safe(make_site: MakeSite) -> Site:
    return make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET)


def key_of(site: Site, member: Any) -> str:
    with site.app.app_context():
        return site.xiebao.partner_uniq_key(member)


def member_of(site: Site, key: str) -> str | None:
    with site.app.app_context():
        return site.xiebao.member_of(key)


@pytest.mark.parametrize("config", [{}, {"SECRET_KEY": "another"}, {"XIEBAO_API_KEY": API_KEY}])
def test_the_key_of_a_member_is_the_one_that_openssl_makes_whatever_the_other_keys_are(
    make_site: MakeSite, config: dict[str, str]
) -> None:
    site = make_site(XIEBAO_MEMBER_SECRET=MEMBER_SECRET, **config)
    assert {member: key_of(site, member) for member in MEMBER_KEYS} == MEMBER_KEYS
    assert key_of(site, 8) == MEMBER_KEYS["8"]
    assert {member: member_of(site, key) for member, key in MEMBER_KEYS.items()} == {
        member: member for member in MEMBER_KEYS
    }


def test_the_manuals_vectors_are_right() -> None:
    rows = re.findall(
        r"^\| `?(\w*)`? ?\| `?(\w*)`? ?\| `(\S+)` \| `(\S+)` \|$",
        (DOCS / "en/how-to/member-secret.md").read_text("utf-8"),
        re.M,
    )
    assert [row[2:] for row in rows] == [(id_, MEMBER_KEYS[id_]) for id_ in ("8", "m_7Qk2vX9rT4")]
    assert rows[0][:2] == (MEMBER_SECRET, "12345")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        *((nobody, "Pass the id of a member") for nobody in (None, "", " ", 0, False)),
        *((no_id, "A member's id") for no_id in (" 8", "8 ", ["8"], True, "x" * 257)),
    ],
)
@pytest.mark.parametrize(
    "config", [{}, {"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}], ids=["", "secret"]
)
def test_nobody_has_no_key(
    make_site: MakeSite, config: dict[str, Any], wrong: Any, words: str
) -> None:
    with pytest.raises(LinkError, match=words) as raised:
        key_of(make_site(**config), wrong)
    assert raised.value.argument == "member"


@pytest.mark.parametrize("key", [None, b"8", ["8"], "", "\ud800"], ids=repr)
@pytest.mark.parametrize(
    "config", [{}, {"XIEBAO_MEMBER_SECRET": MEMBER_SECRET}], ids=["", "secret"]
)
def test_what_is_no_text_is_nobodys_key(make_site: MakeSite, config: Any, key: Any) -> None:
    assert member_of(make_site(**config), key) is None


def test_keeps_plain_key_may_be_async_and_is_a_decorator(safe: Site) -> None:
    @safe.xiebao.keeps_plain_key
    async def old(member: str) -> bool:
        return member == "8"

    assert iscoroutinefunction(old)
    assert key_of(safe, 8) == member_of(safe, "8") == "8"
    assert key_of(safe, 9) != "9"
    assert member_of(safe, "9") is None


def test_keeps_plain_key_is_not_asked_without_a_secret(site: Site) -> None:
    site.xiebao.keeps_plain_key(lambda member: pytest.fail("it was asked"))
    assert key_of(site, 8) == member_of(site, "8") == "8"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda member: None, "got None"),
        (lambda member: 1, "got int"),
        (lambda member: "no", "got str"),
        (lambda member: return_true_async(), "a coroutine that is never awaited"),
    ],
    ids=["None", "int", "str", "coroutine"],
)
def test_an_answer_that_is_neither_true_nor_false_is_the_sites_error(
    safe: Site, answer: Any, said: str
) -> None:
    safe.xiebao.keeps_plain_key(answer)
    with pytest.raises(
        ConfigError, match=f"The keeps_plain_key hook must return True or False.*{said}"
    ):
        key_of(safe, 8)


# What goes out, and what does not.


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_the_gateway_gets_the_key_and_no_link_of_the_site_has_it(safe: Site, page: str) -> None:
    safe.log_in(8)
    verdict = assert_gateway_accepts(safe.follow(safe.link(page, member=8, return_to="/orders/8")))
    assert verdict.member == MEMBER_KEYS["8"]
    links = [
        safe.link(page),
        safe.link(page, member=8),
        safe.link(page, member=8, no_login_for=60, external=True),
        safe.link(page, member=8, return_to="/orders/8", platform="h5"),
        str(verdict.pay_success),
    ]
    for link in links:
        said = base64_decode(link.rpartition("/")[2].partition(".")[0]).decode()
        assert page in said
        assert MEMBER_KEYS["8"][:16] not in f"{link} {said}"


def test_no_page_has_the_key_and_no_page_and_no_log_the_secret(
    safe: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    safe.log_in(8)
    page = safe.render(
        f'{{{{ insurance_entry("{PRODUCT_CODE}") }}}}{{{{ policy_entry("{INSURE_NUM}") }}}}'
        f'{{{{ insurance_qr("{PRODUCT_CODE}", member=8, no_login_for=60) }}}}'
    )
    handoff = safe.follow(safe.link("home"), PC)
    assert "<svg" in handoff.text
    assert (
        assert_gateway_accepts(safe.follow(find_href(page, "我要投保"))).member == MEMBER_KEYS["8"]
    )
    for answer in (page, handoff):
        told = f"{answer.text} {answer.headers}"
        assert find_leaks(told, MEMBER_KEYS["8"][:16], MEMBER_SECRET) == []
    with safe.app.app_context():
        assert MEMBER_SECRET not in f"{vars(get_current_app_state())} {caplog.text}"
