"""Case codes and application numbers, as sites pass them: with what databases put around them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from flask_xiebao import LinkError
from tests.support import CODE, LIVE, NUMBER, MakeSite, Site, arrival, href

PADDED = f"{CODE}      "
BY: dict[str, Callable[[Site, str], str]] = {
    "insurance_entry": lambda site, code: href(
        site.render("{{ insurance_entry(code) }}", code=code)
    ),
    "with a member": lambda site, code: href(
        site.render('{{ insurance_entry(code, member="8") }}', code=code)
    ),
    "xiebao_link": lambda site, code: (
        site.render("{{ xiebao_link('product', code) }}", code=code).text
    ),
    "product_link": lambda site, code: site.xiebao.product_link(code),
    "link": lambda site, code: site.xiebao.link("product", code, member="8"),
}


@pytest.mark.parametrize("make", BY.values(), ids=BY)
def test_a_padded_code_is_taken_without_its_padding_and_told_once(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, make: Callable[[Site, str], str]
) -> None:
    site = make_site(**LIVE)
    site.log_in("8")
    for padded in (PADDED, f"\u3000{CODE}\n", f" {CODE}"):
        with site.app.test_request_context():
            verdict = arrival(site.follow(make(site, padded)))
        assert dict(verdict.parameters)["caseCode"] == CODE
    [line] = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert line.startswith(
        f"caseCode has white space at its ends, as CHAR(n) columns pad it, and is used without it:"
        f" {PADDED!r}. Strip it where it is read. See "
    )
    assert line.endswith(" line 1.") or __file__ in line


@pytest.mark.parametrize("make", BY.values(), ids=BY)
@pytest.mark.parametrize("code", ["QX 1", " QX\t1 ", "QX\u30001"])
def test_a_code_with_white_space_in_it_is_refused_and_shown(
    site: Site, make: Callable[[Site, str], str], code: str
) -> None:
    with (
        site.app.test_request_context(),
        pytest.raises(LinkError, match="caseCode has white space in it: ") as caught,
    ):
        make(site, code)
    assert caught.value.argument == "reference"
    assert repr(code) in str(caught.value)


def test_an_application_number_is_read_like_a_code(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    site.log_in("8")
    with site.app.test_request_context():
        link = site.xiebao.policy_link(f"{NUMBER}  ")
        with pytest.raises(LinkError, match="insureNum has white space in it"):
            site.xiebao.policy_link("2019 0226")
        with pytest.raises(LinkError, match="insureNum is empty"):
            site.xiebao.policy_link("   ")
    assert dict(arrival(site.follow(link)).parameters)["insureNum"] == NUMBER
