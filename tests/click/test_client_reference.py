"""The site's own word for what a click is about: there and back, and never at the gateway."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import LinkError
from tests.qr import read as read_qr
from tests.support import CODE, NUMBER, PC, PHONE, Heard, Site, arrival, href, one, paid_url

PAGES = ["product", "home", "policy"]


def references(heard: Heard) -> list[tuple[str, str]]:
    """Return which signals were sent, and about what."""
    return [(name, values["entry"].client_reference) for name, values in heard]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "bearer", [{}, {"member": "alice"}, {"member": "alice", "no_login_for": 60}], ids=str
)
@pytest.mark.parametrize(
    ("given", "said"), [("order-8", "order-8"), (8, "8"), ("订单 8", "订单 8")]
)
def test_it_comes_with_the_click_and_with_the_payment_as_text(
    site: Site, heard: Heard, page: str, bearer: dict[str, Any], given: Any, said: str
) -> None:
    site.log_in("alice")
    link = site.link(page, client_reference=given, return_to="/orders/8", **bearer)
    click = site.follow(link)
    site.follow(paid_url(click))
    assert references(heard) == [
        ("clicked", said),
        ("returned", said),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_the_gateway_gets_no_parameter_with_it(site: Site, page: str) -> None:
    site.log_in("alice")
    with_it = arrival(site.follow(site.link(page, client_reference="order-8")))
    without = arrival(site.follow(site.link(page)))
    assert with_it == without


@pytest.mark.parametrize(
    "source",
    [
        f'{{{{ insurance_entry("{CODE}", client_reference=order) }}}}',
        '{{ insurance_home_entry(client_reference=order, class="btn") }}',
        f'{{{{ policy_entry("{NUMBER}", client_reference=order) }}}}',
        '{{ xiebao_entry("home", client_reference=order, member="alice") }}',
        "<a href=\"{{ xiebao_link('home', client_reference=order) }}\">Insure</a>",
    ],
)
def test_the_macros_take_it_and_make_no_attribute_of_it(
    site: Site, heard: Heard, source: str
) -> None:
    site.log_in("alice")
    for order in ("order-8", "order-9", 10):
        link = one(site.render(source, order=order))
        assert "order" not in "".join(key for key in link.attrs)
        site.follow(href(link))
    assert [reference for _, reference in references(heard)] == ["order-8", "order-9", "10"]


def test_a_qr_code_takes_it(site: Site, heard: Heard) -> None:
    page = site.render(f'{{{{ insurance_qr("{CODE}", client_reference="poster-3") }}}}')
    site.log_in("alice")
    site.follow(read_qr(page.text))
    assert [reference for _, reference in references(heard)] == ["poster-3"]


def test_it_goes_through_the_handoff(site: Site, heard: Heard) -> None:
    site.log_in("alice")
    handoff = site.follow(site.link("home", client_reference="order-8"), PC)
    site.log_in(None)
    assert arrival(site.follow(read_qr(handoff.text), PHONE)).member == "alice"
    assert references(heard) == [("clicked", "order-8")]


def test_a_refusal_has_it(site: Site, heard: Heard) -> None:
    site.log_in("bob")
    site.follow(site.link("home", member="alice", client_reference="order-8"))
    assert references(heard) == [("refused", "order-8")]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "client_reference is empty"),
        ("a\nb", r"client_reference has U\+000A"),
        (["8"], "client_reference must be text or a whole number, not list"),
        (True, "client_reference must be text or a whole number, not bool"),
        ("订" * 500, "Shorten client_reference"),
    ],
)
def test_a_wrong_one_is_refused_where_the_link_is_made(site: Site, wrong: Any, said: str) -> None:
    with pytest.raises(LinkError, match=said) as raised:
        site.link("home", client_reference=wrong)
    assert raised.value.argument == "client_reference"


def test_links_without_one_are_no_longer_than_before(site: Site) -> None:
    token = site.link("product").rpartition("/")[2].partition(".")[0]
    padded = token + "=" * (-len(token) % 4)
    assert base64.urlsafe_b64decode(padded).decode() == f'["product","{CODE}"]'


def test_the_command_line_makes_links_with_it(site: Site, heard: Heard) -> None:
    app: Flask = site.app
    runner = app.test_cli_runner()
    from flask_xiebao.cli import xiebao

    link = runner.invoke(xiebao, ["link", "home", "--client-reference", "order-8"]).output.strip()
    told = runner.invoke(xiebao, ["inspect", link]).output
    assert "about: order-8" in told
    site.log_in("alice")
    site.follow(link)
    assert [reference for _, reference in references(heard)] == ["order-8"]
