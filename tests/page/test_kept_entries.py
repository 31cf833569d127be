"""Entries that are made once and shown many times are what they would be if made anew each time.

Each test shows something that an earlier page, device, member, language, key or app could spoil.
"""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import segno
import time_machine
from bs4 import Tag
from flask import Flask, Response, render_template_string, request
from flask_babel import Babel, force_locale
from jinja2 import StrictUndefined, Undefined
from markupsafe import Markup

from flask_xiebao import Platform, Xiebao
from flask_xiebao.app.state import current_state
from flask_xiebao.links.tokens import LinkSigner
from tests import qr
from tests.support import (
    CODE,
    CONFIG,
    MACROS,
    NUMBER,
    PC,
    PHONE,
    MakeSite,
    Site,
    arrival,
    href,
    one,
    soup,
)

PRODUCT = f'{{{{ insurance_entry("{CODE}") }}}}'
POLICY = f'{{{{ policy_entry("{NUMBER}") }}}}'


class Changing:
    """Something of a site's own whose text is another each time."""

    def __init__(self) -> None:
        self.times = 0

    def __str__(self) -> str:
        self.times += 1
        return f"{self.times} left"


class ChangingHtml(Changing):
    def __html__(self) -> str:
        return f"<b>{self}</b>"


def shown(site: Site, source: str, headers: dict[str, str] = PHONE, **context: Any) -> Tag:
    """Return what a template shows, once it has been shown before."""
    site.render(source, headers, **context)
    return one(site.render(source, headers, **context), "*")


# Values


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        (True, 1, {"data-x": "1"}),
        (1, True, {"data-x": ""}),
        (1, "1", {"data-x": "1"}),
        (1, 1.0, {"data-x": "1.0"}),
        (True, "True", {"data-x": "True"}),
        (False, 0, {"data-x": "0"}),
        (0, False, {}),
        (None, "None", {"data-x": "None"}),
        ("a", None, {}),
        ("&amp;", Markup("&amp;"), {"data-x": "&"}),
        (Markup("&amp;"), "&amp;", {"data-x": "&amp;"}),
        ("1", Platform.H5, {"data-x": "1"}),
        ("2026-11-25", date(2026, 11, 25), {"data-x": "2026-11-25"}),
        (Decimal("3.0"), Decimal("3.00"), {"data-x": "3.00"}),
    ],
)
def test_values_that_are_equal_and_not_the_same_are_told_apart(
    site: Site, first: Any, then: Any, expected: dict[str, str]
) -> None:
    source = f'{{{{ insurance_entry("{CODE}", data_x=value) }}}}'
    site.render(source, value=first)
    entry = shown(site, source, value=then)
    assert {name: value for name, value in entry.attrs.items() if name == "data-x"} == expected


@pytest.mark.parametrize(
    ("first", "then"),
    [("7", 7), (7, "7"), ("7", Markup("7")), (1, Platform.H5), (Platform.PC, 2)],
)
def test_a_product_is_what_its_code_says(site: Site, first: Any, then: Any) -> None:
    source = "{{ insurance_entry(code) }}"
    site.render(source, code=first)
    site.log_in("alice")
    verdict = arrival(site.follow(href(shown(site, source, code=then))))
    assert dict(verdict.parameters)["caseCode"] == str(int(then))


@pytest.mark.parametrize("wrong", [True, 1.0, Decimal(1), ["1"], {"1": 1}, "", None, object()])
def test_what_is_no_code_stays_wrong_after_one_that_is(make_site: MakeSite, wrong: Any) -> None:
    site = make_site(XIEBAO_STRICT=False)
    source = "{{ insurance_entry(code) }}"
    for code in ("1", 1):
        site.render(source, code=code)
    assert site.render(source, code=wrong).text == ""


@pytest.mark.parametrize("undefined", [Undefined, StrictUndefined])
def test_what_is_undefined_is_what_it_was_before(
    make_site: MakeSite, undefined: type[Undefined]
) -> None:
    site = make_site(XIEBAO_STRICT=False)
    site.app.jinja_env.undefined = undefined
    for _ in range(2):
        assert site.render("{{ insurance_entry(code) }}", code=CODE).text != ""
        assert site.render("{{ insurance_entry(code) }}").text == ""
        source = "{{ insurance_entry(code, data_x=value) }}"
        assert "data-x" in shown(site, source, code=CODE, value="x").attrs
        assert "data-x" not in shown(site, source, code=CODE).attrs


def test_a_value_that_changes_is_shown_as_it_is_now(site: Site) -> None:
    source = f'{{{{ insurance_entry("{CODE}", label, data_left=left) }}}}'
    left, label = Changing(), ChangingHtml()
    first, second = (one(site.render(source, PHONE, left=left, label=label), "a") for _ in range(2))
    assert (first["data-left"], second["data-left"]) == ("1 left", "2 left")
    assert first.text != second.text


@pytest.mark.parametrize("given", [["btn", "wide"], ("btn", "wide"), "btn wide"])
def test_classes_of_any_kind_are_shown_again(site: Site, given: Any) -> None:
    source = f'{{{{ insurance_entry("{CODE}", class=given) }}}}'
    assert shown(site, source, given=given)["class"] == ["xiebao-entry", "btn", "wide"]
    assert shown(site, source, given=["other"])["class"] == ["xiebao-entry", "other"]


def test_a_label_is_the_one_that_was_given(site: Site) -> None:
    source = f'{{{{ insurance_entry("{CODE}", label) }}}}'
    labels = ["买", "<i>买</i>", Markup("<i>买</i>"), None, "", Markup("买"), "买"]
    markup = [site.render(source, label=label).text for label in labels]
    inside = [text[text.index(">") + 1 :].removesuffix("</a>") for text in markup]
    assert inside == [
        *("买", "&lt;i&gt;买&lt;/i&gt;", "<i>买</i>", "我要投保", "我要投保", "买", "买")
    ]
    assert ["lang=" in text for text in markup] == [False] * 3 + [True] * 2 + [False] * 2


# Devices, places, languages


def test_each_device_has_its_markup(site: Site) -> None:
    for headers, platform, target in [(PHONE, "h5", None), (PC, "pc", "_blank")] * 2:
        entry = one(site.render(PRODUCT, headers), "a")
        assert (entry["data-xiebao-platform"], entry.get("target")) == (platform, target)


def test_links_lead_to_where_the_site_is_for_this_visitor(site: Site) -> None:
    """One behind two proxies, one of which puts it below a path."""
    for root in ("", "/shop", "", "/mall"):
        page = site.render(PRODUCT) if not root else below(site, root)
        assert href(page).startswith(f"{root}/xiebao/product/")


def below(site: Site, root: str) -> str:
    with site.app.test_request_context(base_url=f"http://localhost{root}", headers=PC):
        return render_template_string(MACROS + PRODUCT)


def test_every_url_has_what_the_site_adds_to_it_now(site: Site) -> None:
    language = "zh"
    site.app.url_defaults(lambda _endpoint, values: values.update(lang=language))
    for language in ("zh", "en", "zh"):
        assert href(site.render(PRODUCT)).endswith(f"?lang={language}")


def test_what_a_site_adds_to_the_urls_of_one_page_is_of_this_request(site: Site) -> None:
    def add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "xiebao.home":
            values["ref"] = request.headers["X-Ref"]

    site.app.url_defaults(add)
    for ref in ("alice", "bob"):
        page = site.render("{{ insurance_home_entry() }}", {**PC, "X-Ref": ref})
        assert href(page).endswith(f"?ref={ref}")


def test_a_page_may_change_its_language_half_way(site: Site) -> None:
    def in_chinese() -> Markup:
        with force_locale("zh"):
            return Markup(render_template_string(MACROS + PRODUCT))

    Babel(site.app, default_locale="en")
    site.app.add_template_global(in_chinese)
    for _ in range(2):
        links = soup(site.render(f"{PRODUCT}{{{{ in_chinese() }}}}{PRODUCT}")).select("a")
        assert [link.text for link in links] == ["Get insured", "我要投保", "Get insured"]
        assert [link["lang"] for link in links] == ["en", "zh-CN", "en"]


def test_one_request_may_show_the_entries_of_two_apps(site: Site) -> None:
    """As a portal does that renders a part of its shop's page into its own."""
    other = Flask("other")
    other.config.update(
        CONFIG,
        TESTING=True,
        XIEBAO_PUBLIC_URL="https://other.example",
        XIEBAO_DEVICE_MARKUP=False,
        SECRET_KEY="another",
    )
    Xiebao(other).member_loader(lambda: "bob")
    site.log_in("alice")
    shop = other.test_client()

    def part() -> Markup:
        with other.app_context():
            link = render_template_string(MACROS + PRODUCT.replace(")", ", external=true)"))
        return Markup(link)

    site.app.add_template_global(part)
    for _ in range(2):
        page = site.render(f"{PRODUCT}{{{{ part() }}}}{PRODUCT}", PHONE)
        first, theirs, second = soup(page).select("a")
        assert first == second
        assert "data-xiebao-platform" in first.attrs
        assert "data-xiebao-platform" not in theirs.attrs
        assert arrival(site.follow(href(first))).page == "product"
        assert arrival(shop.get(href(theirs), headers=PHONE)).page == "product"


# Members


def test_no_member_gets_the_link_of_another(site: Site) -> None:
    source = f'{POLICY}{{{{ insurance_entry("{CODE}", member=who, return_to="/me") }}}}'
    for member in ("alice", "bob", "alice"):
        site.log_in(member)
        for link in soup(site.render(source, PHONE, who=member)).select("a"):
            assert arrival(site.follow(href(link))).member == member
    site.log_in(None)
    assert site.render(POLICY).text == ""


def test_a_link_that_ends_begins_when_it_is_shown(site: Site) -> None:
    source = f'{{{{ insurance_entry("{CODE}", member="alice", no_login_for=60) }}}}'
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        for _ in range(3):
            link = href(site.render(source))
            assert arrival(site.follow(link)).member == "alice"
            clock.shift(61)
            assert site.follow(link).status_code == 410


# Keys and apps


def test_a_key_that_is_changed_signs_no_more(site: Site) -> None:
    site.log_in("alice")
    links = []
    for key in ("first", "second", "third"):
        site.app.config["SECRET_KEY"] = key
        links.append(href(shown(site, PRODUCT)))
        assert arrival(site.follow(links[-1])).page == "product"
        assert [site.follow(link).status_code for link in links[:-1]] == [404] * (len(links) - 1)


EVERYTHING = f'{PRODUCT}{POLICY}{{{{ insurance_qr("{CODE}") }}}}{{{{ xiebao_link("home") }}}}'


def use_an_app() -> list[weakref.ref[Any]]:
    """Return what an app had that did all that it can: its classes, and what signed its links."""

    class OwnResponse(Response):
        pass

    class OwnFlask(Flask):
        response_class = OwnResponse

    before = {id(thing) for thing in gc.get_objects() if type(thing) is LinkSigner}
    app = OwnFlask("shop")
    app.config.update(CONFIG, TESTING=True)
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: "alice")
    app.add_url_rule("/", "start", lambda: render_template_string(MACROS + EVERYTHING))
    client = app.test_client()
    for headers in (PC, PHONE):
        for link in soup(client.get("/", headers=headers).text).select("a"):
            assert client.get(str(link["href"]), headers=headers).status_code in (200, 302)
    signers = [thing for thing in gc.get_objects() if type(thing) is LinkSigner]
    gone = [app, xiebao, OwnFlask, OwnResponse, *(it for it in signers if id(it) not in before)]
    assert len(gone) > 4
    return [weakref.ref(thing) for thing in gone]


def test_an_app_that_is_gone_leaves_nothing_behind() -> None:
    """Neither itself, nor what signed its links, nor a class of its own."""
    gone = use_an_app()
    gc.collect()
    assert [thing() for thing in gone] == [None] * len(gone)


def test_a_key_that_is_gone_leaves_nothing_behind(site: Site) -> None:
    site.log_in("alice")
    site.render(EVERYTHING, PHONE)
    with site.app.app_context():
        signer = weakref.ref(current_state().signer)
    site.app.config["SECRET_KEY"] = "another"
    site.render(EVERYTHING, PHONE)
    gc.collect()
    assert signer() is None


def test_a_code_is_drawn_once_for_its_app_and_anew_for_another(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    draw = segno.make_qr

    def count(url: str, **options: Any) -> segno.QRCode:
        drawn.append(url)
        return draw(url, **options)

    monkeypatch.setattr(segno, "make_qr", count)
    for times in (1, 2):
        site = make_site()
        for _ in range(2):
            site.render(f'{{{{ insurance_qr("{CODE}") }}}}')
        assert len(drawn) == times


def kept_by(show: Callable[[int], Any]) -> int:
    """Return how many bytes stay in memory of showing something twenty times."""
    show(-1)
    tracemalloc.start()
    try:
        for number in range(20):
            show(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda number: {"data_x": f"{number} {'x' * 400_000}"},
        lambda number: {"class_": f"{' ' * 400_000}{number}"},
        lambda number: {"data_x": f"{number} {'x' * 400_000}", "data-x": "the last one counts"},
        lambda number: {f"data-{number}-{place}{'x' * 60}": None for place in range(150)},
    ],
    ids=["long", "blank", "overruled", "many"],
)
def test_neither_long_values_nor_many_attributes_stay_in_memory(
    make_site: MakeSite, make: Callable[[int], dict[str, Any]], enabled: bool
) -> None:
    site = make_site(XIEBAO_ENABLED=enabled)

    def show(number: int) -> None:
        site.render("{{ insurance_entry('1', **attributes) }}", attributes=make(number))
        site.context = {}

    assert kept_by(show) < 250_000


@pytest.mark.parametrize("member", [None, "alice"])
def test_a_site_that_is_switched_off_needs_no_key(make_site: MakeSite, member: str | None) -> None:
    site = make_site(XIEBAO_ENABLED=False, SECRET_KEY=None)
    site.log_in(member)
    source = f'{EVERYTHING}{{{{ insurance_home_entry() }}}}{{{{ xiebao_entry("produkt", "1") }}}}'
    assert site.render(source).text == ""


def test_nobodys_policies_need_no_key(make_site: MakeSite) -> None:
    assert make_site(SECRET_KEY=None).render(POLICY).text == ""


# Where Jinja is asynchronous


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (PRODUCT, "我要投保"),
        (f'{{{{ insurance_entry("{CODE}", "买") }}}}', "买"),
        (f'{{% call insurance_entry("{CODE}") %}}<img alt="买">{{% endcall %}}', '<img alt="买"/>'),
        (f'{{% call insurance_entry("{CODE}", class="b") %}}{{{{ 1 + 1 }}}}{{% endcall %}}', "2"),
        ("{% call insurance_home_entry() %}<b>店</b>{% endcall %}", "<b>店</b>"),
        (f'{{% call policy_entry("{NUMBER}") %}}<b>单</b>{{% endcall %}}', "<b>单</b>"),
        (f'{{% call xiebao_entry("product", "{CODE}") %}} {{% endcall %}}', "我要投保"),
    ],
)
def test_entries_and_call_blocks_work_in_an_asynchronous_environment(
    source: str, content: str
) -> None:
    app = Flask("shop")
    app.jinja_options = {"enable_async": True}
    app.config.update(CONFIG, TESTING=True)
    Xiebao(app).member_loader(lambda: "alice")
    app.add_url_rule("/", "start", lambda: render_template_string(MACROS + source))
    client = app.test_client()
    for _ in range(2):
        entry = one(client.get("/", headers=PHONE).text, "a")
        assert entry.decode_contents().strip() == content
        assert arrival(client.get(str(entry["href"]), headers=PHONE)).member == "alice"


def test_a_qr_code_and_the_styles_work_in_an_asynchronous_environment() -> None:
    app = Flask("shop")
    app.jinja_options = {"enable_async": True}
    app.config.update(CONFIG, TESTING=True)
    Xiebao(app)
    with app.test_request_context():
        source = f'{{{{ xiebao_styles() }}}}{{{{ insurance_qr("{CODE}") }}}}'
        page = render_template_string(MACROS + source)
    assert str(one(page, "link")["href"]).startswith("/xiebao/static/xiebao.css?v=")
    assert qr.read(page).startswith("http://localhost/xiebao/product/")
