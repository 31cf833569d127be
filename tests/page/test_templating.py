"""The macros, read as a browser reads them."""

from __future__ import annotations

import enum
import gc
import logging
import re
import time
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from bs4 import Tag
from flask import Response, make_response, render_template_string, url_for
from flask_babel import Babel
from jinja2 import StrictUndefined
from markupsafe import Markup

from flask_xiebao import LinkError
from tests import qr
from tests.support import (
    CODE,
    LIVE,
    MACROS,
    NUMBER,
    PC,
    PHONE,
    MakeSite,
    Site,
    arrival,
    href,
    one,
    paid_url,
    soup,
)

PRODUCT = f'{{{{ insurance_entry("{CODE}") }}}}'
HOME = "{{ insurance_home_entry() }}"
POLICY = f'{{{{ policy_entry("{NUMBER}") }}}}'
QR = f'{{{{ insurance_qr("{CODE}") }}}}'
ENTRIES = {"product": PRODUCT, "home": HOME, "policy": POLICY}
DEVICE = ["User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform"]


def anchor(site: Site, source: str, **context: Any) -> Tag:
    """Return the one element that this template renders."""
    return one(site.render(source, **context), "*")


def without_request(site: Site, source: str, **context: Any) -> str:
    """Render a template as a mail is rendered, by a job and not for a request."""
    with site.app.app_context():
        return render_template_string(MACROS + source, **context)


# The element


@pytest.mark.parametrize("page", ENTRIES)
def test_an_entry_is_one_link_to_its_page(site: Site, page: str) -> None:
    site.log_in("alice")
    element = anchor(site, ENTRIES[page])

    assert element.name == "a"
    assert element["class"] == ["xiebao-entry"]
    assert element["data-xiebao-entry"] == page
    assert set(element["rel"]) == {"nofollow", "noopener"}
    assert href(element).startswith(f"/xiebao/{page}/")
    assert arrival(site.follow(href(element))).page == page


def test_an_entry_leads_to_the_product_that_was_named(site: Site) -> None:
    site.log_in("alice")
    for code in ("QX1", 2, "保险&Co"):
        url = href(anchor(site, "{{ insurance_entry(code) }}", code=code))
        assert dict(arrival(site.follow(url)).parameters)["caseCode"] == str(code)


def test_link_keywords_go_to_the_link_and_become_no_attributes(site: Site) -> None:
    element = anchor(
        site,
        f'{{{{ insurance_entry("{CODE}", member="alice", no_login_for=60, platform="ios",'
        ' sub_partner_id="branch-7", return_to="/orders/8", external=True) }}',
    )
    click = site.follow(href(element))
    verdict = arrival(click)
    assert href(element).startswith("http://localhost/xiebao/product/")
    assert (verdict.member, verdict.platform) == ("alice", 3)
    assert dict(verdict.parameters)["subPartnerId"] == "branch-7"
    assert paid_url(click).startswith("http://localhost/xiebao/paid/")
    plain = anchor(site, PRODUCT)
    assert element.attrs.keys() == plain.attrs.keys()


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ('class="btn btn-primary"', ["xiebao-entry", "btn", "btn-primary"]),
        ('class=""', ["xiebao-entry"]),
        ("class=none", ["xiebao-entry"]),
        ('**{"CLASS": "btn"}', ["xiebao-entry", "btn"]),
    ],
)
@pytest.mark.parametrize("macro", ["insurance_entry", "insurance_qr", "policy_entry"])
def test_classes_are_added(site: Site, macro: str, given: str, classes: list[str]) -> None:
    site.log_in("alice")
    element = one(site.render(f'{{{{ {macro}("1", {given}) }}}}'))
    assert [name.replace("-qr", "-entry") for name in element["class"]] == classes


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ('data_track="footer"', {"data-track": "footer"}),
        ('id="buy"', {"id": "buy"}),
        ('aria_describedby="note"', {"aria-describedby": "note"}),
        ("download=true", {"download": ""}),
        ("hidden=false", {}),
        ("title=none", {}),
        ("title=missing", {}),
        ("data_n=0", {"data-n": "0"}),
        ("data_n=1", {"data-n": "1"}),
        ('data_n=""', {"data-n": ""}),
        ('**{"@click": "go()"}', {"@click": "go()"}),
        ('**{":class": "{a: b}"}', {":class": "{a: b}"}),
        ('**{"x-on:click.once": "go"}', {"x-on:click.once": "go"}),
        ('**{"数据": "值"}', {"数据": "值"}),
        ('data_a="1", **{"data-a": "2"}', {"data-a": "2"}),
    ],
)
@pytest.mark.parametrize("macro", ["insurance_entry", "policy_entry", "insurance_qr"])
def test_other_keywords_become_attributes(
    site: Site, macro: str, given: str, rendered: dict[str, str]
) -> None:
    site.log_in("alice")
    plain = one(site.render(f'{{{{ {macro}("1") }}}}'))
    element = one(site.render(f'{{{{ {macro}("1", {given}) }}}}'))
    plain.attrs.pop("href", None)
    element.attrs.pop("href", None)
    assert element.attrs == {**plain.attrs, **rendered}


@pytest.mark.parametrize(
    ("given", "attribute", "value"),
    [
        ('rel="sponsored"', "rel", ["sponsored"]),
        ('REL="sponsored"', "rel", ["sponsored"]),
        ('target="_top"', "target", "_top"),
        ('target="_self"', "target", "_self"),
        ('lang="zh-TW"', "lang", "zh-TW"),
    ],
)
def test_what_an_entry_sets_by_itself_can_be_changed(
    site: Site, given: str, attribute: str, value: Any
) -> None:
    markup = site.render(f'{{{{ insurance_entry("X", {given}) }}}}').text
    assert markup.lower().count(f" {attribute}=") == 1
    assert one(markup)[attribute] == value


NASTY = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    'say "hi" onclick="alert(1)',
    "<b>bold</b>",
    "a & b &amp; c",
    "{{ 7 * 7 }}",
    "保险 ✓",
    "javascript:alert(1)",
    1.5,
    -3,
    ["<", '"'],
    {"a": "<b>"},
    SimpleNamespace(name="<i>"),
]


@pytest.mark.parametrize("value", NASTY, ids=repr)
@pytest.mark.parametrize("macro", ["insurance_entry", "policy_entry"])
def test_values_and_labels_are_escaped(site: Site, macro: str, value: Any) -> None:
    site.log_in("alice")
    source = f'{{{{ {macro}("1", value, data_x=value, title=value, class=value) }}}}'
    plain = anchor(site, f'{{{{ {macro}("1") }}}}')
    element = anchor(site, source, value=value)

    assert element.text == element["data-x"] == element["title"] == str(value)
    classes = value if isinstance(value, list) else str(value).split()
    assert element["class"] == ["xiebao-entry", *classes]
    own = plain.attrs.keys() - {"lang", "data-xiebao-look"}  # which is not ours with these classes
    assert element.attrs.keys() - {"data-x", "title"} == own


@pytest.mark.parametrize("attribute", ["title", "class"])
@pytest.mark.parametrize("macro", ["insurance_entry", "insurance_qr"])
def test_a_value_that_is_safe_as_html_does_not_break_out_of_its_attribute(
    site: Site, macro: str, attribute: str
) -> None:
    source = (
        '{% set tip %}say "hi" onclick="alert(1)" x="{% endset %}'
        f'{{{{ {macro}("1", {attribute}=tip) }}}}'
    )
    assert "onclick" not in one(site.render(source)).attrs


def test_a_label_that_is_safe_as_html_is_rendered_as_html(site: Site) -> None:
    element = one(
        site.render('{{ insurance_entry("X", label) }}', label=Markup("<b>买</b>旅行险")), "a"
    )
    assert (one(element, "b").text, element.text) == ("买", "买旅行险")


@pytest.mark.parametrize("page", ENTRIES)
def test_a_call_block_is_what_an_entry_contains(site: Site, page: str) -> None:
    site.log_in("alice")
    call = ENTRIES[page].strip("{} ")
    source = f'{{% call {call} %}}<img src="/a.png" alt="旅行险">{{{{ who }}}}{{% endcall %}}'

    element = one(site.render(source, who="<script>"), "a")

    assert [(tag.name, tag["alt"]) for tag in element.find_all(True)] == [("img", "旅行险")]
    assert element.text == "<script>"
    assert "lang" not in element.attrs
    assert arrival(site.follow(href(element))).page == page


@pytest.mark.parametrize("page", ENTRIES)
def test_an_empty_call_block_gets_the_default_label(site: Site, page: str) -> None:
    site.log_in("alice")
    call = ENTRIES[page].strip("{} ")
    assert anchor(site, f"{{% call {call} %}}{{% endcall %}}").text == LABELS["zh-CN"][page]


# Labels and languages

LABELS = {
    "zh-CN": {"product": "我要投保", "home": "保险商城", "policy": "查看保单"},
    "en": {"product": "Get insured", "home": "Insurance shop", "policy": "View policy"},
}


@pytest.mark.parametrize(
    ("setting", "babel", "lang"),
    [
        (None, None, "zh-CN"),
        ("zh", None, "zh-CN"),
        ("en", None, "en"),
        (None, "en", "en"),
        (None, "en_GB", "en"),
        (None, "zh_Hans_CN", "zh-CN"),
        (None, "fr", "en"),
        ("zh", "en", "zh-CN"),
        ("en", "zh", "en"),
    ],
)
@pytest.mark.parametrize("page", ENTRIES)
def test_default_labels_speak_the_language_of_the_site(
    make_site: MakeSite, page: str, setting: str | None, babel: str | None, lang: str
) -> None:
    site = make_site(XIEBAO_LOCALE=setting)
    if babel is not None:
        Babel(site.app, locale_selector=lambda: babel)
    site.log_in("alice")
    element = anchor(site, ENTRIES[page])
    assert (element.text, element["lang"]) == (LABELS[lang][page], lang)


def test_a_label_of_the_sites_own_has_no_language_mark(site: Site) -> None:
    element = anchor(site, f'{{{{ insurance_entry("{CODE}", "买旅行险") }}}}')
    assert element.text == "买旅行险"
    assert "lang" not in element.attrs


@pytest.mark.parametrize(("locale", "lang"), [("zh", "zh-CN"), ("en", "en")])
def test_a_qr_code_is_an_image_with_a_name(make_site: MakeSite, locale: str, lang: str) -> None:
    element = one(make_site(XIEBAO_LOCALE=locale).render(QR))
    assert (element["role"], element["lang"]) == ("img", lang)
    assert bool(re.search("[一-鿿]", str(element["aria-label"]))) == (locale == "zh")


def test_a_name_of_the_sites_own_for_a_qr_code_has_no_language_mark(site: Site) -> None:
    element = one(site.render(f'{{{{ insurance_qr("{CODE}", aria_label="Scan me") }}}}'))
    assert element["aria-label"] == "Scan me"
    assert "lang" not in element.attrs


# Devices and caches


@pytest.mark.parametrize(
    ("agent", "platform", "target"),
    [
        (PC["User-Agent"], "pc", "_blank"),
        (PHONE["User-Agent"], "h5", None),
        (PHONE["User-Agent"] + " ShopApp/3.1", "ios", None),
        ("Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1", "android", None),
    ],
)
@pytest.mark.parametrize("page", ENTRIES)
def test_an_entry_is_marked_with_the_device(
    make_site: MakeSite, page: str, agent: str, platform: str, target: str | None
) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    element = one(site.render(ENTRIES[page], headers={"User-Agent": agent}), "a")
    assert (element["data-xiebao-platform"], element.get("target")) == (platform, target)


@pytest.mark.parametrize("source", [PRODUCT, HOME, POLICY, (PRODUCT + HOME + POLICY) * 5])
def test_caches_are_told_once_that_markup_depends_on_the_device(site: Site, source: str) -> None:
    site.log_in("alice")
    assert site.render(source).headers.getlist("Vary") == [", ".join(DEVICE)]


def test_what_a_view_says_about_vary_stays(site: Site) -> None:
    @site.app.get("/mine")
    def mine() -> Response:
        response = make_response(render_template_string(MACROS + PRODUCT * 2))
        response.vary.update(["Cookie", "user-agent"])
        return response

    vary = site.app.test_client().get("/mine").vary
    assert sorted(name.lower() for name in vary) == sorted(
        ["cookie", *(name.lower() for name in DEVICE)]
    )


@pytest.mark.parametrize(
    "source", [QR, '{{ xiebao_link("product", "X") }}', "{{ xiebao_styles() }}"]
)
def test_markup_that_is_the_same_for_every_device_has_no_vary(site: Site, source: str) -> None:
    response = site.render(source)
    assert "Vary" not in response.headers
    assert response.data == site.render(source, headers=PHONE).data


@pytest.mark.parametrize("page", ENTRIES)
def test_device_markup_can_be_switched_off(make_site: MakeSite, page: str) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    site.log_in("alice")
    response = site.render(ENTRIES[page])
    assert "Vary" not in response.headers
    assert not {"data-xiebao-platform", "target"} & one(response, "a").attrs.keys()
    assert arrival(site.follow(href(response))).platform == 1  # the click finds the phone


LINK_OF_ALICE = 'member="alice", no_login_for=60'


@pytest.mark.parametrize(
    ("source", "private"),
    [
        (PRODUCT, False),
        (HOME, False),
        (QR, False),
        (f'{{{{ xiebao_link("product", "{CODE}") }}}}', False),
        ('{{ insurance_entry("X", member="") }}', False),
        (POLICY, True),
        (f'{{{{ xiebao_link("policy", "{NUMBER}") }}}}', True),
        ('{{ insurance_entry("X", member="alice") }}', True),
        (f'{{{{ insurance_home_entry("X", {LINK_OF_ALICE}) }}}}', True),
        (f'{{{{ insurance_qr("X", {LINK_OF_ALICE}) }}}}', True),
        (PRODUCT + POLICY + HOME, True),
    ],
)
@pytest.mark.parametrize("mine", ["", "public, s-maxage=600, max-age=60", "no-cache"])
def test_a_page_with_a_members_link_is_kept_out_of_shared_caches(
    site: Site, source: str, private: bool, mine: str
) -> None:
    site.log_in("alice")

    @site.app.get("/mine")
    def view() -> Response:
        response = make_response(render_template_string(MACROS + source))
        if mine:
            response.headers["Cache-Control"] = mine
        return response

    got = site.app.test_client().get("/mine", headers=PC).headers.get("Cache-Control", "")

    directives = set(got.split(", ")) - {""}
    expected = set(mine.split(", ")) - {""}
    if private:
        expected = expected - {"public", "s-maxage=600"} | {"private"}
    assert directives == expected


def test_a_policy_entry_for_nobody_renders_nothing(site: Site) -> None:
    for member in (None, "", 0, False, " "):
        site.log_in(member)
        response = site.render(f"<p>before</p>{POLICY}<p>after</p>")
        assert response.text == "<p>before</p><p>after</p>"
        assert not {"Vary", "Cache-Control"} & set(response.headers.keys())


@pytest.mark.parametrize("device", [PC, PHONE])
def test_a_page_without_members_links_is_the_same_for_everybody(
    site: Site, device: dict[str, str]
) -> None:
    pages = set()
    for member in (None, "alice", "bob"):
        site.log_in(member)
        pages.add(site.render(PRODUCT + HOME + QR, headers=device).data)
    assert len(pages) == 1


def test_a_page_without_members_links_does_not_ask_who_is_logged_in(site: Site) -> None:
    @site.xiebao.member_loader
    def fail() -> str:
        raise ConnectionError("the database is down")

    source = PRODUCT + HOME + QR + '{{ insurance_entry("X", member="alice") }}{{ xiebao_styles() }}'
    assert site.render(source).status_code == 200
    with pytest.raises(ConnectionError):
        site.render(POLICY)


def test_a_members_entry_leads_to_what_the_member_may_see(site: Site) -> None:
    site.log_in("alice")
    href = anchor(site, POLICY)["href"]
    site.log_in("bob")
    assert site.app.test_client().get(href, headers=PHONE).status_code == 403


# QR codes


@pytest.mark.parametrize(("given", "size"), [("", "180"), (", size=96", "96")])
def test_a_qr_code_is_an_inline_picture_of_the_size_asked_for(
    site: Site, given: str, size: str
) -> None:
    response = site.render(f'{{{{ insurance_qr("{CODE}"{given}) }}}}')
    element = one(response)
    assert (element.name, element["width"], element["height"]) == ("svg", size, size)
    assert element["class"] == ["xiebao-qr"]
    assert not soup(response).select("img, a")


@pytest.mark.parametrize(
    ("config", "origin"),
    [
        ({}, "http://localhost"),
        ({"XIEBAO_PUBLIC_URL": "https://shop.example/m"}, "https://shop.example/m"),
    ],
)
@pytest.mark.parametrize("external", ["", ", external=false"])
def test_a_qr_code_leads_whoever_scans_it_to_the_product(
    make_site: MakeSite, config: dict[str, str], origin: str, external: str
) -> None:
    site = make_site(**config)
    url = qr.read(site.render(f'{{{{ insurance_qr("{CODE}"{external}) }}}}').text)
    assert url.startswith(f"{origin}/xiebao/product/")

    site.log_in("bob")
    verdict = arrival(site.follow(url.removeprefix(origin)))
    assert (verdict.page, verdict.member) == ("product", "bob")
    assert dict(verdict.parameters)["caseCode"] == CODE


def test_a_members_qr_code_lets_the_member_in_without_logging_in(site: Site) -> None:
    url = qr.read(site.render(f'{{{{ insurance_qr("X", {LINK_OF_ALICE}) }}}}').text)
    assert arrival(site.follow(url)).member == "alice"


def test_a_members_qr_code_is_not_made_on_a_host_that_nobody_vouched_for(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    source = f'{{{{ insurance_qr("X", {LINK_OF_ALICE}) }}}}'
    forged = {**PC, "Host": "evil.example"}
    assert make_site(**LIVE).render(source, headers=forged).text == ""
    assert "XIEBAO_PUBLIC_URL" in caplog.text
    named = make_site(**LIVE, XIEBAO_PUBLIC_URL="https://shop.example")
    assert qr.read(named.render(source, headers=forged).text).startswith("https://shop.example/")


# Markup of the site's own


@pytest.mark.parametrize("reference", [CODE, None, NUMBER])
def test_xiebao_link_is_for_markup_of_the_sites_own(site: Site, reference: str | None) -> None:
    site.log_in("alice")
    page = {CODE: "product", None: "home", NUMBER: "policy"}[reference]
    element = anchor(
        site, '<a href="{{ xiebao_link(page, reference) }}">own</a>', page=page, reference=reference
    )
    assert element.attrs.keys() == {"href"}
    assert arrival(site.follow(href(element))).page == page


def test_the_style_sheet_is_linked_and_there(site: Site) -> None:
    element = anchor(site, "{{ xiebao_styles() }}")
    assert (element.name, element["rel"]) == ("link", ["stylesheet"])
    with site.app.test_client().get(element["href"]) as response:
        assert (response.status_code, response.mimetype) == (200, "text/css")


EVERYTHING = (
    PRODUCT + HOME + POLICY + QR.replace(")", f", {LINK_OF_ALICE})") + "{{ xiebao_styles() }}"
)


@pytest.mark.parametrize("device", [PC, PHONE])
def test_nothing_needs_inline_scripts_or_styles(site: Site, device: dict[str, str]) -> None:
    site.log_in("alice")
    elements = soup(site.render(EVERYTHING, headers=device)).select("*")
    assert {"a", "svg", "link"} <= {element.name for element in elements}
    for element in elements:
        assert element.name not in ("script", "style")
        assert not [name for name in element.attrs if name == "style" or name.startswith("on")]


def test_macros_work_under_strict_undefined(site: Site) -> None:
    site.log_in("alice")
    lax = site.render(EVERYTHING)
    site.app.jinja_env.undefined = StrictUndefined
    strict = site.render(EVERYTHING)
    call = site.render('{% call insurance_entry("X", class="btn") %}<b>x</b>{% endcall %}')
    assert len(soup(strict).select("*")) == len(soup(lax).select("*")) > 5
    assert one(call, "a > b").text == "x"


def test_macros_need_no_context_processor(site: Site) -> None:
    site.app.template_context_processors.clear()
    assert site.render(PRODUCT + QR + "{{ xiebao_styles() }}").status_code == 200


def test_macros_can_be_imported_with_context_and_as_a_module(site: Site) -> None:
    plain = site.render(PRODUCT).text
    module = '{% import "xiebao/entry.html" as x %}{{ x.insurance_entry(code) }}'
    context = '{% from "xiebao/entry.html" import insurance_entry with context %}' + PRODUCT
    assert site.render(module, code=CODE).text == site.render(context).text == plain


def test_entries_are_escaped_in_an_app_that_escapes_nothing(site: Site) -> None:
    site.app.jinja_env.autoescape = False
    element = anchor(
        site,
        '{{ insurance_entry("X", value, title=value, class=value) }}',
        value='"><script>alert(1)</script>',
    )
    assert element.text == element["title"] == '"><script>alert(1)</script>'
    assert qr.read(site.render(QR).text).startswith("http://localhost/xiebao/product/")


# Wrong arguments

WRONG = [
    '{{ insurance_entry("") }}',
    '{{ insurance_entry("  ") }}',
    "{{ insurance_entry(none) }}",
    "{{ insurance_entry(missing) }}",
    "{{ insurance_entry() }}",
    "{{ insurance_entry(1.5) }}",
    "{{ insurance_entry(true) }}",
    "{{ insurance_entry(false) }}",
    '{{ insurance_entry(["X"]) }}',
    '{{ insurance_entry("a\\nb") }}',
    '{{ policy_entry("", member="alice") }}',
    '{{ policy_entry(missing, member="alice") }}',
    '{{ policy_entry("1", member="alice", sub_partner_id="x") }}',
    '{{ policy_entry("1", member="alice", platform="pc") }}',
    '{{ insurance_home_entry(platform="pc") }}',
    '{{ insurance_entry("X", platform="xbox") }}',
    '{{ insurance_entry("X", platform=5) }}',
    '{{ insurance_entry("X", platform=missing) }}',
    '{{ insurance_entry("X", sub_partner_id=" ") }}',
    '{{ insurance_entry("X", sub_partner_id=false) }}',
    '{{ insurance_entry("X", sub_partner_id=[]) }}',
    '{{ insurance_entry("X", member=true) }}',
    '{{ insurance_entry("X", member=["alice"]) }}',
    '{{ insurance_entry("X", member=missing) }}',
    '{{ insurance_entry("X", member="a\\nb") }}',
    '{{ insurance_entry("X", no_login_for=60) }}',
    '{{ insurance_entry("X", member="", no_login_for=60) }}',
    '{{ insurance_entry("X", member="alice", no_login_for=0) }}',
    '{{ insurance_entry("X", member="alice", no_login_for=-1) }}',
    '{{ insurance_entry("X", member="alice", no_login_for=true) }}',
    '{{ insurance_entry("X", member="alice", no_login_for="60") }}',
    '{{ insurance_entry("X", member="alice", no_login_for=1.5) }}',
    '{{ insurance_entry("X", return_to="") }}',
    '{{ insurance_entry("X", return_to="orders") }}',
    '{{ insurance_entry("X", return_to="//evil.example") }}',
    '{{ insurance_entry("X", return_to="/\\\\evil.example") }}',
    '{{ insurance_entry("X", return_to="https://evil.example/") }}',
    '{{ insurance_entry("X", return_to="/\\t/evil.example") }}',
    '{{ insurance_entry("X", return_to="javascript:alert(1)") }}',
    '{{ insurance_entry("X", return_to=8) }}',
    '{{ insurance_entry("X", href="/") }}',
    '{{ insurance_entry("X", HREF="/") }}',
    '{{ insurance_entry("X", data_xiebao_entry="x") }}',
    '{{ insurance_entry("X", **{"data-xiebao-platform": "x"}) }}',
    '{{ insurance_entry("X", **{"": "x"}) }}',
    '{{ insurance_entry("X", **{"a b": "x"}) }}',
    '{{ insurance_entry("X", **{"a\\n": "x"}) }}',
    '{{ insurance_entry("X", **{"a=b": "x"}) }}',
    '{{ insurance_entry("X", **{"a>b": "x"}) }}',
    '{{ insurance_entry("X", **{"a/b": "x"}) }}',
    '{{ insurance_entry("X", **{\'a"b\': "x"}) }}',
    '{{ insurance_qr("") }}',
    '{{ insurance_qr("X", size=0) }}',
    '{{ insurance_qr("X", size=-1) }}',
    '{{ insurance_qr("X", size="180") }}',
    '{{ insurance_qr("X", size=true) }}',
    '{{ insurance_qr("X", size=missing) }}',
    '{{ insurance_qr("X", width=5) }}',
    '{{ insurance_qr("X", viewBox="0 0 1 1") }}',
    '{{ insurance_qr("X", **{"a b": "x"}) }}',
    '{% call insurance_qr("X") %}poster{% endcall %}',
    '{{ insurance_qr("X", return_to="/" ~ "a" * 4000) }}',  # more than a QR code can hold
    '{{ xiebao_link("nowhere") }}',
    '{{ xiebao_link("product") }}',
    '{{ xiebao_link("home", "X") }}',
    '{{ xiebao_link("product", "X", color="red") }}',
    '{{ xiebao_link("product", missing) }}',
]


@pytest.mark.parametrize("source", WRONG)
def test_a_wrong_argument_is_an_error_where_the_site_is_strict(site: Site, source: str) -> None:
    with pytest.raises(LinkError):
        site.render(source)


@pytest.mark.parametrize("source", WRONG)
def test_a_wrong_argument_takes_no_page_of_a_live_site_down(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    caplog.set_level(logging.ERROR)
    site = make_site(XIEBAO_STRICT=False)
    response = site.render(f"<p>before</p>{source}<p>after</p>{PRODUCT}")

    assert response.text.startswith("<p>before</p><p>after</p><a ")
    assert [record.name for record in caplog.records] == ["shop"]


def test_a_link_of_a_member_needs_an_end_where_nobody_can_log_in(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    with pytest.raises(LinkError, match="no_login_for"):
        site.render('{{ insurance_entry("X", member="alice") }}')
    assert one(site.render(f'{{{{ insurance_entry("X", {LINK_OF_ALICE}) }}}}'), "a")


@pytest.mark.parametrize(
    ("setting", "testing", "debug", "strict"),
    [
        (None, False, False, False),
        (None, True, False, True),
        (None, False, True, True),
        (True, False, False, True),
        (False, True, True, False),
    ],
)
def test_a_site_is_strict_while_it_is_developed(
    make_site: MakeSite, setting: bool | None, testing: bool, debug: bool, strict: bool
) -> None:
    site = make_site(**LIVE, XIEBAO_STRICT=setting)
    site.app.testing, site.app.debug = testing, debug  # after init_app: it is read at use
    site.app.config["PROPAGATE_EXCEPTIONS"] = True
    source = "before" + '{{ insurance_entry("") }}' + "after"
    if strict:
        with pytest.raises(LinkError):
            site.render(source)
    else:
        assert site.render(source).text == "beforeafter"


@pytest.mark.parametrize("member", [None, "alice"])
def test_a_site_that_switched_insurance_off_shows_none(
    make_site: MakeSite, member: str | None
) -> None:
    site = make_site(XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None)
    site.log_in(member)
    source = f'<p>before</p>{PRODUCT}{HOME}{POLICY}{QR}{{{{ xiebao_link("home") }}}}<p>after</p>'
    response = site.render(source)
    assert response.text == "<p>before</p><p>after</p>"
    assert not {"Vary", "Cache-Control"} & set(response.headers.keys())


# Without a request


@pytest.mark.parametrize(
    ("config", "origin"),
    [
        ({"XIEBAO_PUBLIC_URL": "https://shop.example/m"}, "https://shop.example/m"),
        ({"SERVER_NAME": "shop.example"}, "http://shop.example"),
        (
            {"SERVER_NAME": "inner.example", "XIEBAO_PUBLIC_URL": "https://shop.example"},
            "https://shop.example",
        ),
    ],
)
def test_links_in_a_mail_are_absolute_and_know_no_device(
    make_site: MakeSite, config: dict[str, str], origin: str
) -> None:
    site = make_site(**config)
    source = (
        f"{PRODUCT}{HOME}"
        f'{{{{ policy_entry("{NUMBER}", {LINK_OF_ALICE}) }}}}'
        f'<a href="{{{{ xiebao_link("product", "X") }}}}"></a>'
    )
    links = soup(without_request(site, source)).select("a")

    assert len(links) == 4
    for element in links:
        assert href(element).startswith(f"{origin}/xiebao/")
        assert not {"data-xiebao-platform", "target"} & element.attrs.keys()
    assert arrival(site.follow(href(links[2]).removeprefix(origin))).member == "alice"
    code = qr.read(without_request(site, QR))
    assert code.startswith(f"{origin}/xiebao/product/")


def test_a_mail_has_to_say_whose_policy_it_shows(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example")
    with pytest.raises(LinkError, match="member"):
        without_request(site, POLICY)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "source", [PRODUCT, HOME, QR, '{{ xiebao_link("home") }}', "{{ xiebao_styles() }}"]
)
def test_a_mail_of_a_site_that_does_not_say_where_it_is_is_an_error(
    make_site: MakeSite, strict: bool, source: str
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        without_request(site, source)


def test_an_entry_on_an_error_page_is_still_private(site: Site) -> None:
    site.log_in("alice")

    @site.app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return render_template_string(MACROS + POLICY), 404

    response = site.app.test_client().get("/nowhere", headers=PC)
    assert response.status_code == 404
    assert response.cache_control.private
    assert "User-Agent" in response.vary


def test_links_follow_the_site_below_another_path(site: Site) -> None:
    with site.app.test_request_context(base_url="http://localhost/shop", headers=PC):
        markup = render_template_string(MACROS + PRODUCT + "{{ xiebao_styles() }}")
        assert url_for("page") == "/shop/page"
    assert href(markup).startswith("/shop/xiebao/product/")
    assert str(one(markup, "link")["href"]).startswith("/shop/xiebao/static/xiebao.css?v=")


def test_links_work_on_a_site_that_adds_something_to_every_url(site: Site) -> None:
    site.app.url_defaults(lambda _endpoint, values: values.update(lang="zh"))
    site.log_in("alice")
    for page, source in ENTRIES.items():
        assert arrival(site.follow(href(anchor(site, source)))).page == page


def test_a_default_attribute_can_be_left_out(site: Site) -> None:
    element = one(site.render('{{ insurance_entry("X", target=none, rel=false) }}'), "a")
    assert not {"target", "rel"} & element.attrs.keys()


def test_an_entry_is_never_left_without_a_name(site: Site) -> None:
    source = '{% call insurance_entry("X") %}\n  {% endcall %}'
    assert one(site.render(source), "a").text == "我要投保"


# Values that are odd, or large


class Prints:
    """An object without ``__html__`` whose text says that it is HTML already."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return Markup(self.text)


BREAKS_OUT = 'x" onmouseover="alert(1)'


@pytest.mark.parametrize("attribute", ["title", "class", "data_x"])
@pytest.mark.parametrize("macro", ["insurance_entry", "insurance_qr"])
@pytest.mark.parametrize(
    "wrap", [Prints, Markup, lambda text: [Prints(text)], lambda text: [Markup(text)]]
)
def test_no_object_breaks_out_of_an_attribute(
    site: Site, macro: str, attribute: str, wrap: Callable[[str], Any]
) -> None:
    response = site.render(f'{{{{ {macro}("1", {attribute}=value) }}}}', value=wrap(BREAKS_OUT))
    assert "onmouseover" not in one(response).attrs


@pytest.mark.parametrize("attribute", ["title", "class"])
def test_no_object_breaks_out_of_the_attributes_of_others(site: Site, attribute: str) -> None:
    source = f'{{{{ insurance_entry("1", {attribute}=value) }}}}'
    for value in (Prints(BREAKS_OUT), BREAKS_OUT, Markup(BREAKS_OUT), BREAKS_OUT):
        element = one(site.render(source, value=value), "a")
        assert "onmouseover" not in element.attrs
        shown = element[attribute]
        assert BREAKS_OUT in (" ".join(shown) if isinstance(shown, list) else shown)


@pytest.mark.parametrize("wrap", [Markup, Prints])
def test_the_text_of_html_is_shown_in_an_attribute(site: Site, wrap: Callable[[str], Any]) -> None:
    source = '{{ insurance_entry("1", title=value) }}'
    assert one(site.render(source, value=wrap("Tom &amp; Lin")), "a")["title"] == "Tom & Lin"


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (["a", "b"], ["a", "b"]),
        (("a", "b c"), ["a", "b", "c"]),
        (["a", None, False, "", "b"], ["a", "b"]),
        ([], []),
        ([None], []),
        ([Markup("a"), 7], ["a", "7"]),
    ],
)
def test_classes_may_be_a_list(site: Site, given: Any, classes: list[str]) -> None:
    element = one(site.render('{{ insurance_entry("1", class=given) }}', given=given), "a")
    assert element["class"] == ["xiebao-entry", *classes]


@pytest.mark.parametrize(("name", "attribute"), [("class_", "class"), ("for_", "for")])
def test_a_name_may_end_like_those_that_python_keeps_to_itself(
    site: Site, name: str, attribute: str
) -> None:
    element = one(site.render('{{ insurance_entry("1", **{name: "x"}) }}', name=name), "a")
    assert "x" in element[attribute]


def test_a_name_of_a_hundred_thousand_letters_costs_nothing(site: Site) -> None:
    started = time.process_time()
    with pytest.raises(LinkError, match="too long"):
        site.render('{{ insurance_entry("1", **{name: "x"}) }}', name="a" * 100_000)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "name",
    [
        *(":member", "x_platform", "remember", "x-member", "@member", "v-bind:member"),
        *("data_member", "data-platform", "number", "timber", "content", "data_return_to"),
        *("aria_label", "internal", "nextern"),
    ],
)
def test_what_only_sounds_like_a_link_keyword_is_an_attribute(site: Site, name: str) -> None:
    element = one(site.render('{{ insurance_entry("1", **{name: "x"}) }}', name=name), "a")
    assert element[name.replace("_", "-")] == "x"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("member_", "member"), ("no_login_for_", "no_login_for"), ("label_", "label")),
        *(("memebr", "member"), ("membr", "member"), ("members", "member"), ("Member", "member")),
        *(("returnTo", "return_to"), ("return-to", "return_to"), ("retrun_to", "return_to")),
        *(("maxage", "no_login_for"), ("max-age", "no_login_for"), ("maxAge", "no_login_for")),
        *(("plattform", "platform"), ("extrenal", "external")),
        *(("subPartnerId", "sub_partner_id"), ("sub-partner-id", "sub_partner_id")),
    ],
)
def test_a_misspelt_link_keyword_is_named(site: Site, name: str, meant: str) -> None:
    with pytest.raises(LinkError, match=f"There is no keyword {name}: did you mean {meant}?"):
        site.render('{{ insurance_entry("1", **{name: "x"}) }}', name=name)


def test_what_visitors_wrote_into_attributes_is_not_kept_in_memory(site: Site) -> None:
    source = (
        '{{ insurance_entry("1", data_text=text, title=text, class=text) }}'
        '{{ insurance_entry("1", **{name: "x"}) }}'
    )
    site.render(source, text="warm up", name="data-a")
    tracemalloc.start()
    try:
        for number in range(60):
            site.render(source, text=f"{number} {'x' * 400_000}", name=f"data-{number}")
        site.source, site.context = "", {}
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 5_000_000


class NameOfAPage(str, enum.Enum):  # noqa: UP042 - str() names such a one
    PRODUCT = "product"
    POLICY = "policy"


@pytest.mark.parametrize("page", ["product", NameOfAPage.PRODUCT])
def test_any_page_is_reached_by_its_name(site: Site, page: str) -> None:
    # Classes that no other test has: attributes are remembered, and an enum equals its text.
    name = f"btn-{type(page).__name__}"
    source = '{{ xiebao_entry(page, "QX1", "Buy", class=name) }}'
    entry = one(site.render(source, page=page, name=name), "a")
    assert (entry.text, entry["data-xiebao-entry"]) == ("Buy", "product")
    assert entry["class"] == ["xiebao-entry", name]
    site.log_in("m1")
    assert arrival(site.follow(str(entry["href"]))).page == "product"


def test_any_page_takes_a_call_block(site: Site) -> None:
    rendered = site.render('{% call xiebao_entry("home") %}<b>Shop</b>{% endcall %}')
    assert one(rendered, "a > b").text == "Shop"


def test_a_policy_by_its_name_is_the_members_own(site: Site) -> None:
    source = '{{ xiebao_entry(page, "1") }}'
    assert site.render(source, page=NameOfAPage.POLICY).text == ""
    site.log_in("m1")
    assert one(site.render(source, page=NameOfAPage.POLICY), "a").text == "查看保单"


@pytest.mark.parametrize("page", [None, "tv", "paid", "static", "../x", ["home"], 5, "x" * 1000])
@pytest.mark.parametrize("source", ['{{ xiebao_entry(page, "1") }}', "{{ xiebao_link(page) }}"])
def test_what_is_not_a_page_is_left_out_in_service(
    make_site: MakeSite, page: object, source: str
) -> None:
    with pytest.raises(LinkError, match="is not a page of the gateway"):
        make_site().render(source, page=page)
    served = make_site(**LIVE).render(f"before{source}after", page=page)
    assert (served.status_code, served.text) == (200, "beforeafter")


def test_a_qr_code_may_have_a_label_of_its_own(site: Site) -> None:
    assert one(site.render('{{ insurance_qr("QX1", label="x") }}'), ".xiebao-qr")["label"] == "x"


def test_a_page_that_is_undefined_is_left_out_in_service(make_site: MakeSite) -> None:
    with pytest.raises(LinkError, match="The page of an entry is undefined"):
        make_site().render('{{ xiebao_entry(nothing, "1") }}')
    served = make_site(**LIVE).render('before{{ xiebao_entry(nothing, "1") }}after')
    assert (served.status_code, served.text) == (200, "beforeafter")
