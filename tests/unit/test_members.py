"""What the gateway knows members by: ``partnerUniqKey``, with a secret and without."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_xiebao import ConfigError, LinkError
from flask_xiebao.app.state import current_state
from flask_xiebao.gateway.values import Secret
from flask_xiebao.links.members import MemberKeys
from tests.manual.blocks import DOCS
from tests.support import CODE, KEY, NUMBER, PC, MakeSite, Site, arrival, soup

SECRET = "0123456789abcdef0123456789abcdef"

#: Made apart from the code, with OpenSSL:
#: printf 'flask-xiebao.member\0%s\0%s' 12345 "$id" | openssl dgst -sha256 -hmac "$secret" -binary
#:   | head -c 10 | base32 | tr A-Z a-z
VECTORS = {
    "8": "n4koo53z3p6f6cab8",
    "m_7Qk2vX9rT4": "woa4c7uo27gv5alxm_7Qk2vX9rT4",
    "li.na@shop.example": "dq4sk5fhp42nwvsuli.na@shop.example",
    "会员八号": "r3gakdeaz7xryimd会员八号",
}

#: Ids as sites have them: of a row, random, a UUID's, an address, Chinese, with what URLs escape.
IDS: list[Any] = [
    8,
    "8",
    "m_7Qk2vX9rT4",
    uuid.UUID("8a4b9c1e-7f3d-4e21-9d6a-0c5b1f2e3d4c"),
    "li.na@shop.example",
    "会员八号",
    "a+b/c=d&e%20f g",
    "x" * 256,
    "🌊" * 64,
]


@pytest.fixture
def safe(make_site: MakeSite) -> Site:
    return make_site(XIEBAO_MEMBER_SECRET=SECRET)


def key_of(site: Site, member: Any) -> str:
    with site.app.app_context():
        return site.xiebao.partner_uniq_key(member)


def member_of(site: Site, key: Any) -> str | None:
    with site.app.app_context():
        return site.xiebao.member_of(key)


@pytest.mark.parametrize(("member", "key"), VECTORS.items())
def test_the_key_of_a_member_is_the_one_that_openssl_makes(
    safe: Site, member: str, key: str
) -> None:
    assert key_of(safe, member) == key


def test_the_manuals_vectors_are_right() -> None:
    rows = re.findall(
        r"^\| `?(\w*)`? ?\| `?(\w*)`? ?\| `(\S+)` \| `(\S+)` \|$",
        (DOCS / "en/how-to/member-secret.md").read_text("utf-8"),
        re.M,
    )
    assert [row[2:] for row in rows] == [(id_, VECTORS[id_]) for id_ in ("8", "m_7Qk2vX9rT4")]
    assert rows[0][:2] == (SECRET, "12345")


@pytest.mark.parametrize("member", IDS)
def test_a_key_is_the_members_there_and_back(safe: Site, member: Any) -> None:
    key = key_of(safe, member)
    assert key.endswith(str(member))
    assert len(key) == 16 + len(str(member))
    assert member_of(safe, key) == str(member)
    assert member_of(safe, key[:16].upper() + key[16:]) == str(member)


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.isprintable() and text.strip()))
def test_any_id_that_can_be_printed_comes_back(text: str) -> None:
    keys = MemberKeys(Secret(SECRET), "12345")
    assert keys.member_of(keys.key_of(text.strip())) == text.strip()


@pytest.mark.parametrize("member", IDS)
def test_without_a_secret_a_key_is_the_bare_id(site: Site, member: Any) -> None:
    assert key_of(site, member) == str(member)
    assert member_of(site, str(member)) == str(member)


@pytest.mark.parametrize("nobody", [None, "", " ", 0, False])
@pytest.mark.parametrize("config", [{}, {"XIEBAO_MEMBER_SECRET": SECRET}])
def test_nobody_has_no_key(make_site: MakeSite, config: dict[str, Any], nobody: Any) -> None:
    with pytest.raises(LinkError, match="pass a member's id") as raised:
        key_of(make_site(**config), nobody)
    assert raised.value.argument == "member"


@pytest.mark.parametrize("wrong", [" 8", "8 ", "a\nb", ["8"], True, 1.5, "x" * 257])
def test_what_is_no_id_has_no_key(safe: Site, wrong: Any) -> None:
    with pytest.raises(LinkError, match=r"A member's id"):
        key_of(safe, wrong)


def test_neither_secret_key_nor_api_key_changes_a_key(make_site: MakeSite) -> None:
    key = VECTORS["8"]
    for config in ({"SECRET_KEY": "another key of links"}, {"XIEBAO_API_KEY": KEY}):
        site = make_site(XIEBAO_MEMBER_SECRET=SECRET, **config)
        assert key_of(site, 8) == key
        assert member_of(site, key) == "8"


@pytest.mark.parametrize(
    "config",
    [{"XIEBAO_MEMBER_SECRET": SECRET[::-1]}, {"XIEBAO_PARTNER_ID": "12346"}],
)
def test_a_key_of_another_secret_or_account_is_nobodys(
    make_site: MakeSite, config: dict[str, Any]
) -> None:
    other = make_site(**{"XIEBAO_MEMBER_SECRET": SECRET, **config})
    assert key_of(other, 8) != VECTORS["8"]
    assert member_of(other, VECTORS["8"]) is None


def _forged() -> list[Any]:
    key = VECTORS["m_7Qk2vX9rT4"]
    mark, member = key[:16], key[16:]
    changed = [
        f"{key[:place]}{'b' if key[place] == 'a' else 'a'}{key[place + 1 :]}"
        for place in range(len(key))
    ]
    cut = [key[:length] for length in range(len(key))] + [key[start:] for start in (1, 8, 16)]
    return [
        *changed,
        *cut,
        f"{key}x",
        f" {key}",
        f"{mark}8",  # somebody else's mark
        f"{mark}{member.upper()}",
        # the Kelvin sign and dotless letters become ASCII in lower or upper case
        f"{VECTORS['8'][:2]}\N{KELVIN SIGN}{VECTORS['8'][3:]}",
        VECTORS["8"].upper().replace("I", "\N{LATIN SMALL LETTER DOTLESS I}") + "8",
        # of the document's own kind of secrets
        hashlib.md5(f"Key12345{member}".encode(), usedforsecurity=False).hexdigest() + member,
        hmac.new(b"Key", member.encode(), "sha256").hexdigest()[:16] + member,
        "8",
        "m_7Qk2vX9rT4",
        "",
        "\x00",
        "x" * 5000,
        "\ud800" * 20,
        None,
        8,
        b"8",
        ["8"],
    ]


def test_a_forged_shortened_or_foreign_key_is_nobodys(safe: Site) -> None:
    assert [key for key in _forged() if member_of(safe, key) is not None] == []


def test_without_a_secret_what_is_no_text_is_nobodys(site: Site) -> None:
    for key in ("", " ", "\x00", None, ["8"], "\ud800"):
        assert member_of(site, key) is None


# Members whom the gateway knew before.


@pytest.fixture
def grown(safe: Site) -> Site:
    """A site that set its secret when 8 and m_old had policies already."""
    safe.xiebao.keeps_plain_key(lambda member: member in ("8", "m_old"))
    return safe


def test_who_keeps_the_plain_key_is_known_by_the_bare_id_in_both_directions(grown: Site) -> None:
    for member in ("8", "m_old"):
        assert key_of(grown, member) == member
        assert member_of(grown, member) == member
    assert key_of(grown, 9) != "9"
    assert member_of(grown, "9") is None
    assert member_of(grown, key_of(grown, 9)) == "9"


def test_a_key_made_before_its_member_was_named_still_is_theirs(grown: Site) -> None:
    assert member_of(grown, VECTORS["8"]) == "8"


def test_an_id_that_looks_like_the_key_of_another_is_not_kept_plain(safe: Site) -> None:
    imitation = VECTORS["8"]
    safe.xiebao.keeps_plain_key(lambda member: True)
    assert key_of(safe, imitation) != imitation
    assert member_of(safe, imitation) == "8"
    assert member_of(safe, key_of(safe, imitation)) == imitation


def test_the_function_may_be_async_and_is_a_decorator(safe: Site) -> None:
    @safe.xiebao.keeps_plain_key
    async def old(member: str) -> bool:
        return member == "8"

    assert callable(old)
    assert key_of(safe, 8) == "8"
    assert key_of(safe, 9) != "9"


def test_the_function_is_not_asked_without_a_secret(site: Site) -> None:
    @site.xiebao.keeps_plain_key
    def fail(member: str) -> bool:
        raise AssertionError

    assert key_of(site, 8) == "8"
    assert member_of(site, "8") == "8"


async def _never_awaited() -> bool:
    return True


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda member: None, "not None"),
        (lambda member: 1, "not int"),
        (lambda member: "no", "not str"),
        (lambda member: _never_awaited(), "a coroutine, which nobody awaits"),
    ],
)
def test_an_answer_that_is_neither_true_nor_false_is_the_sites_error(
    safe: Site, answer: Any, said: str
) -> None:
    safe.xiebao.keeps_plain_key(answer)
    with pytest.raises(ConfigError, match=f"keeps_plain_key must return True or False.*{said}"):
        key_of(safe, 8)


def test_only_a_function_is_taken(site: Site) -> None:
    wrong: Any = {"8"}
    with pytest.raises(ConfigError, match="keeps_plain_key takes a function, not set"):
        site.xiebao.keeps_plain_key(wrong)


# What goes out, and what does not.


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_the_gateway_gets_the_key_and_no_link_of_the_site_has_it(safe: Site, page: str) -> None:
    safe.log_in(8)
    key = VECTORS["8"]
    click = safe.follow(safe.link(page, member=8, return_to="/orders/8"))
    verdict = arrival(click)
    assert verdict.member == key
    links = [
        safe.link(page),
        safe.link(page, member=8),
        safe.link(page, member=8, no_login_for=60, external=True),
        safe.link(page, member=8, return_to="/orders/8", platform="h5"),
        verdict.pay_success,
    ]
    for link in links:
        with safe.app.app_context():
            state = current_state()
            token = str(link).rpartition("/")[2]
            read = state.signer.loads_click if "/paid/" in str(link) else state.signer.loads
            assert key[:16] not in repr(read(token))
            assert key[:16] not in str(link)


def test_no_page_has_the_key(safe: Site) -> None:
    safe.log_in(8)
    page = safe.render(
        f'{{{{ insurance_entry("{CODE}") }}}}{{{{ policy_entry("{NUMBER}") }}}}'
        f'{{{{ insurance_qr("{CODE}", member=8, no_login_for=60) }}}}'
    )
    handoff = safe.follow(safe.link("home"), PC)
    assert "<svg" in handoff.text
    for answer in (page, handoff):
        assert VECTORS["8"][:16] not in answer.text
        assert VECTORS["8"][:16] not in str(answer.headers)
    assert soup(page).find("a") is not None


def test_the_secret_is_shown_nowhere(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site = make_site(XIEBAO_MEMBER_SECRET=SECRET)
    site.log_in(8)
    site.follow(site.link("home"))
    with site.app.app_context():
        state = current_state()
        shown = [repr(state.settings), repr(vars(state))]
    assert SECRET not in "".join([*shown, caplog.text])


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("x" * 31, "must have 32 characters or more, not 31."),
        (" " * 40, "is empty, or has line breaks"),
        (f"{SECRET}\n", "line breaks"),
        (1.5, "decimal number"),
        (b"0" * 32, "must be text"),
        ("", "is empty, or has line breaks"),
    ],
)
def test_a_wrong_secret_is_refused_with_what_to_do(
    make_site: MakeSite, secret: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=f"XIEBAO_MEMBER_SECRET .*{said}") as raised:
        make_site(XIEBAO_MEMBER_SECRET=secret)
    assert list(raised.value.problems) == ["XIEBAO_MEMBER_SECRET"]
    assert str(secret) not in str(raised.value).replace("XIEBAO_MEMBER_SECRET", "") or not secret


def test_a_secret_of_digits_may_come_from_the_environment(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = "12345678901234567890123456789012"
    as_text = make_site(XIEBAO_MEMBER_SECRET=digits)
    as_number = make_site(XIEBAO_MEMBER_SECRET=int(digits))
    assert key_of(as_text, 8) == key_of(as_number, 8)
