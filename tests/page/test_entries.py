"""Entries as a browser reads them: what each keyword of a macro does, and who may see them.

What a keyword does to the markup is a row of ``KEYWORDS``; one that goes to the link is in
``test_keywords_of_a_link_go_to_it_and_become_no_attributes``. Wrong ones are in
``test_wrong_arguments.py``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from jinja2 import StrictUndefined
from markupsafe import Markup

from tests.page.support import (
    ASSETS,
    BREAKS_OUT,
    ENTRIES,
    EVERYTHING,
    HOME,
    NASTY,
    POLICY,
    PRODUCT,
    QR,
)
from tests.support import (
    LINK_ARGUMENTS,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    failing_function,
    find_element,
    find_href,
    find_inline_code,
    get_return_link,
    parse_html,
)

# Links of members are compared as well, which say when they were made.
pytestmark = pytest.mark.usefixtures("clock")

LABELS = {"product": "我要投保", "home": "保险商城", "policy": "查看保单"}


@pytest.mark.parametrize("page", ENTRIES)
def test_an_entry_is_one_link_to_its_page(site: Site, page: str) -> None:
    site.log_in("alice")
    element = find_element(site.render(ENTRIES[page]), "*")
    link = find_href(element)
    del element["href"]
    assert (element.name, element.text) == ("a", LABELS[page])
    assert element.attrs == {
        "class": ["xiebao-entry", "xiebao-entry--button"],
        "data-xiebao-entry": page,
        "data-xiebao-platform": "pc",
        "lang": "zh-CN",
        "rel": ["nofollow", "noopener"],
        "target": "_blank",
    }
    assert link.startswith(f"/xiebao/{page}/")
    assert assert_gateway_accepts(site.follow(link)).page == page


class Page(str, enum.Enum):  # noqa: UP042 - str() names such a one
    PRODUCT = "product"
    POLICY = "policy"


@pytest.mark.parametrize("member", [None, "alice"])
@pytest.mark.parametrize(
    ("page", "macro"),
    [
        ("product", "insurance_entry"),
        (Page.PRODUCT, "insurance_entry"),
        (Page.POLICY, "policy_entry"),
    ],
)
def test_any_page_is_reached_by_its_name(
    site: Site, page: str, macro: str, member: str | None
) -> None:
    site.log_in(member)
    by_name = site.render('{{ xiebao_entry(page, "1", class="btn") }}', page=page)
    assert by_name.text == site.render(f'{{{{ {macro}("1", class="btn") }}}}').text


@pytest.mark.parametrize(("page", "references"), LINK_ARGUMENTS.items())
def test_xiebao_link_is_for_markup_of_the_sites_own(
    site: Site, page: str, references: tuple[str, ...]
) -> None:
    site.log_in("alice")
    source = '<a href="{{ xiebao_link(page, *references) }}">own</a>'
    link = find_href(site.render(source, page=page, references=references))
    assert link == find_href(site.render(ENTRIES[page]))


@pytest.mark.parametrize("macro", ['insurance_entry("1"', 'insurance_card("1", "T"'])
def test_keywords_of_a_link_go_to_it_and_become_no_attributes(site: Site, macro: str) -> None:
    keywords = (
        ', member="alice", no_login_for=60, platform="ios", sub_partner_id="branch-7",'
        ' return_to="/orders/8", external=True'
    )
    plain, element = (
        find_element(site.render(f"{{{{ {macro}{more}) }}}}"), "a") for more in ("", keywords)
    )
    assert element.attrs.keys() == plain.attrs.keys()
    assert find_href(element).startswith("http://localhost/xiebao/product/")
    click = site.follow(find_href(element))
    verdict = assert_gateway_accepts(click)
    assert (verdict.member, verdict.platform) == ("alice", 3)
    assert dict(verdict.parameters)["subPartnerId"] == "branch-7"
    assert get_return_link(click).startswith("http://localhost/xiebao/paid/")


# What keywords do to the markup

ENTRY, CARD, CODE_OF_IT = 'insurance_entry("1", ', 'insurance_card("1", "T", ', 'insurance_qr("1", '

#: A call, a keyword, and what is other than without it: None for what is not there.
KEYWORDS: list[tuple[str, str, Mapping[str, str | list[str] | None]]] = [
    (ENTRY, 'data_track="footer"', {"data-track": "footer"}),
    (ENTRY, 'id="buy"', {"id": "buy"}),
    (ENTRY, 'aria_describedby="note"', {"aria-describedby": "note"}),
    (ENTRY, "download=true", {"download": ""}),
    (ENTRY, "hidden=false", {}),
    (ENTRY, 'type="text/html"', {"type": "text/html"}),
    (ENTRY, "type=[1]", {"type": "[1]"}),
    (
        *(ENTRY, "borderless=true"),
        {"class": ["xiebao-entry", "xiebao-entry--button", "xiebao-entry--borderless"]},
    ),
    (ENTRY, "title=none", {}),
    (ENTRY, "title=missing", {}),
    (ENTRY, "data_n=0", {"data-n": "0"}),
    (ENTRY, "data_n=1", {"data-n": "1"}),
    (ENTRY, 'data_n=""', {"data-n": ""}),
    (ENTRY, '**{"@click": "go()"}', {"@click": "go()"}),
    (ENTRY, '**{":class": "{a: b}"}', {":class": "{a: b}"}),
    (ENTRY, '**{"x-on:click.once": "go"}', {"x-on:click.once": "go"}),
    (ENTRY, '**{"数据": "值"}', {"数据": "值"}),
    (ENTRY, 'data_a="1", **{"data-a": "2"}', {"data-a": "2"}),
    (ENTRY, 'for_="x"', {"for": "x"}),
    # Every macro takes them.
    *[
        (call, given, changes)
        for call in [
            *(CARD, CODE_OF_IT, 'policy_entry("1", ', "insurance_home_entry("),
            *('xiebao_entry("home", ', "xiebao_styles(", "xiebao_script("),
        ]
        for given, changes in [
            ('data_n=1, nonce="r4nd0m"', {"data-n": "1", "nonce": "r4nd0m"}),
            ("hidden=false, title=missing, download=true", {"download": ""}),
        ]
    ],
    # What only sounds like a keyword of a link.
    *[
        (ENTRY, f'**{{"{name}": "x"}}', {name.replace("_", "-"): "x"})
        for name in [
            *(":member", "x_platform", "remember", "x-member", "@member", "v-bind:member"),
            *("data_member", "data-platform", "number", "timber", "content", "data_return_to"),
            *("aria_label", "internal", "nextern"),
        ]
    ],
    (CODE_OF_IT, 'label="x"', {"label": "x"}),
    ("xiebao_script(", 'them="x"', {"them": "x"}),  # which has no theme
    # What is there by itself.
    (ENTRY, 'rel="sponsored"', {"rel": ["sponsored"]}),
    (ENTRY, 'REL="sponsored"', {"rel": ["sponsored"]}),
    (ENTRY, 'target="_top"', {"target": "_top"}),
    (ENTRY, 'target="_self"', {"target": "_self"}),
    (ENTRY, "target=none, rel=false", {"target": None, "rel": None}),
    (ENTRY, 'lang="zh-TW"', {"lang": "zh-TW"}),
    (CODE_OF_IT, "size=96", {"width": "96", "height": "96"}),
    (CODE_OF_IT, 'aria_label="Scan me"', {"aria-label": "Scan me", "lang": None}),
    # A link that leads nowhere.
    *[
        (call, "disabled=True", {"href": None, "role": "link", "aria-disabled": "true"})
        for call in (ENTRY, CARD)
    ],
    *[
        (call, f"disabled={off}", {})
        for call in (ENTRY, CARD)
        for off in ("False", "none", "0", '""', "nothing", "[]")
    ],
    # Classes, and the look, which no class of the site's own changes.
    (CODE_OF_IT, "class=none", {}),
    (CODE_OF_IT, 'class="btn wide"', {"class": ["xiebao-qr", "btn", "wide"]}),
    *[
        (call, given, {"class": ["xiebao-entry", *classes.split()]})
        for call, given, classes in [
            (CARD, 'class="wide"', "xiebao-entry--card wide"),
            (CARD, 'look="card"', "xiebao-entry--card"),
            (CARD, "stacked=True", "xiebao-entry--card xiebao-entry--stacked"),
            (CARD, 'class="xiebao-entry--card x"', "xiebao-entry--card x"),
            *[
                (ENTRY, given, f"xiebao-entry--button {classes}")
                for given, classes in [
                    *[(f"class={nothing}", "") for nothing in ('""', "none", "[]", "[none]")],
                    ('class="btn btn-primary"', "btn btn-primary"),
                    ('class_="btn"', "btn"),
                    ('**{"CLASS": "btn"}', "btn"),
                    ('class=["a", "b"]', "a b"),
                    ('class=("a", "b c")', "a b c"),
                    ('class=["a", none, false, "", "b"]', "a b"),
                    ('class=["a"|safe, 7]', "a 7"),
                    *[(f"look={nothing}", "") for nothing in ("none", "missing", '""', '"button"')],
                    ('size="small"', "xiebao-entry--small"),
                    ('size="large", pill=1', "xiebao-entry--large xiebao-entry--pill"),
                    ("outline=True", "xiebao-entry--outline"),
                    ('class="mt-4", block=True', "xiebao-entry--block mt-4"),
                    *[
                        (f"size={nothing}, outline={nothing}, block=0, pill=false", "")
                        for nothing in ("none", "missing")
                    ],
                    # They may be written as classes, too.
                    ('class="xiebao-entry--small"', "xiebao-entry--small"),
                    ('class="x xiebao-entry--outline"', "x xiebao-entry--outline"),
                    ('class="xiebao-entry--mine"', "xiebao-entry--mine"),
                ]
            ],
            (ENTRY, 'class="xiebao-entry--button x"', "xiebao-entry--button x"),
            (ENTRY, 'class="xiebao-entry--card x"', "xiebao-entry--card x"),
            (ENTRY, 'class="x xiebao-entry--link"', "x xiebao-entry--link"),
            (ENTRY, 'class="xiebao-entry--link", look="link"', "xiebao-entry--link"),
            (ENTRY, 'class="mt-4", look="link"', "xiebao-entry--link mt-4"),
            (ENTRY, 'look="card", stacked=True', "xiebao-entry--card xiebao-entry--stacked"),
            (ENTRY, 'class="btn btn-primary", look="own"', "btn btn-primary"),
            (ENTRY, 'look="own"', ""),
        ]
    ],
]


@pytest.mark.parametrize(("call", "given", "changes"), KEYWORDS)
def test_a_keyword_changes_what_it_names_and_nothing_else(
    site: Site, call: str, given: str, changes: Mapping[str, str | list[str] | None]
) -> None:
    site.log_in("alice")
    plain = find_element(site.render(f"{{{{ {call}) }}}}"))
    markup = site.render(f"{{{{ {call}{given}) }}}}").text
    expected = {**plain.attrs, **changes}
    assert find_element(markup).attrs == {
        name: it for name, it in expected.items() if it is not None
    }
    opening = markup.partition(">")[0].lower()
    assert [name for name in expected if opening.count(f" {name}=") > 1] == []


# Values and labels


class Prints:
    """An object without ``__html__`` whose text says that it is HTML already."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return Markup(self.text)

    def __repr__(self) -> str:
        return f"Prints({self.text!r})"


#: A value, its text, and its text as classes.
VALUES: list[tuple[Any, str, str]] = [
    *[
        (value, str(value), str(value))
        for value in [
            *('"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", BREAKS_OUT),
            *("<b>bold</b>", "a & b &amp; c", "{{ 7 * 7 }}", "保险 ✓", "javascript:alert(1)"),
            *(1.5, -3, {"a": "<b>"}, SimpleNamespace(name="<i>")),
        ]
    ],
    (["<", '"'], str(["<", '"']), '< "'),
    *[(kind(BREAKS_OUT), BREAKS_OUT, BREAKS_OUT) for kind in (Markup, Prints)],
    *[([value], str([value]), BREAKS_OUT) for value in (Markup(BREAKS_OUT), Prints(BREAKS_OUT))],
    *[(kind("Tom &amp; Lin"), "Tom & Lin", "Tom & Lin") for kind in (Markup, Prints)],
]


@pytest.mark.parametrize(("value", "text", "classes"), VALUES)
@pytest.mark.parametrize("call", [ENTRY, CODE_OF_IT])
def test_no_value_breaks_out_of_its_attribute(
    site: Site, call: str, value: Any, text: str, classes: str
) -> None:
    site.log_in("alice")
    plain = find_element(site.render(f"{{{{ {call}) }}}}"))
    source = f"{{{{ {call} title=value, data_x=value, class=value) }}}}"
    element = find_element(site.render(source, value=value))
    assert element["title"] == element["data-x"] == text
    assert element["class"] == [*plain.get_attribute_list("class"), *classes.split()]
    assert element.attrs.keys() == plain.attrs.keys() | {"title", "data-x", "class"}


@pytest.mark.parametrize(
    "form",
    ["{{ %s label) }}", "{%% call %s) %%}{{ label }}{%% endcall %%}"],
    ids=["label", "block"],
)
@pytest.mark.parametrize(
    ("page", "call"),
    [
        ("product", ENTRY),
        ("home", "insurance_home_entry("),
        ("policy", 'policy_entry("1", '),
        ("home", 'xiebao_entry("home", none, '),
    ],
)
def test_an_entry_says_what_was_given_now_and_what_is_no_html_is_escaped(
    site: Site, page: str, call: str, form: str
) -> None:
    """One after the other on one site, since some of them are equal and say something else."""
    site.log_in("alice")
    for label, inside in [
        ("买", "买"),
        ("<i>买</i>", "&lt;i&gt;买&lt;/i&gt;"),
        (Markup("<i>买</i>"), "<i>买</i>"),
        ("", LABELS[page]),
        ("\n  ", LABELS[page]),
        (Markup("买"), "买"),
        ("买", "买"),
        (1.5, "1.5"),
        (["<", '"'], "[&#39;&lt;&#39;, &#39;&#34;&#39;]"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("a & b &amp; c", "a &amp; b &amp;amp; c"),
        (Prints("<b>"), "&lt;b&gt;"),
    ]:
        markup = site.render(form % call, label=label).text
        assert markup[markup.index(">") + 1 :].removesuffix("</a>") == inside
        assert ("lang" in find_element(markup, "a").attrs) == (inside == LABELS[page])


# Devices and visitors


@pytest.mark.parametrize("page", ENTRIES)
def test_each_device_has_its_markup(make_site: MakeSite, page: str) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    for agent, platform, target in [
        (PC["User-Agent"], "pc", "_blank"),
        (PHONE["User-Agent"], "h5", None),
        (PHONE["User-Agent"] + " ShopApp/3.1", "ios", None),
        ("Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1", "android", None),
    ] * 2:
        element = find_element(site.render(ENTRIES[page], {"User-Agent": agent}), "a")
        assert (element["data-xiebao-platform"], element.get("target")) == (platform, target)


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ({}, QR),
        ({}, '{{ xiebao_link("product", "X") }}'),
        ({}, "{{ xiebao_styles() }}"),
        ({"XIEBAO_DEVICE_MARKUP": False}, PRODUCT + HOME + POLICY),
    ],
)
def test_markup_that_is_the_same_for_every_device_says_so(
    make_site: MakeSite, config: dict[str, Any], source: str
) -> None:
    site = make_site(**config)
    site.log_in("alice")
    for_pcs, for_phones = (site.render(source, headers) for headers in (PC, PHONE))
    assert for_pcs.data == for_phones.data
    assert "data-xiebao-platform" not in for_pcs.text
    assert "Vary" not in for_pcs.headers


def test_what_is_the_same_for_everybody_does_not_ask_who_is_logged_in(site: Site) -> None:
    site.xiebao.member_loader(failing_function(ConnectionError("the database is down")))
    nobodys = PRODUCT + HOME + QR + '{{ insurance_entry("X", member="") }}' + ASSETS
    assert "Cache-Control" not in site.render(nobodys).headers
    assert site.render('{{ insurance_entry("X", member="alice") }}').status_code == 200
    with pytest.raises(ConnectionError):
        site.render(POLICY)


@pytest.mark.parametrize("key", ["a secret", None])
def test_a_policy_entry_for_nobody_renders_nothing_and_needs_no_key(
    make_site: MakeSite, key: str | None
) -> None:
    site = make_site(SECRET_KEY=key)
    for member in (None, "", 0, False, " "):
        site.log_in(member)
        page = site.render(f"<p>before</p>{POLICY}<p>after</p>")
        assert page.text == "<p>before</p><p>after</p>"
        assert not {"Vary", "Cache-Control"} & set(page.headers.keys())


# Sites of all kinds


@pytest.mark.parametrize("headers", [PC, PHONE])
def test_nothing_needs_inline_scripts_or_styles(site: Site, headers: dict[str, str]) -> None:
    site.log_in("alice")
    page = site.render(PRODUCT + HOME + POLICY + QR + ASSETS, headers)
    assert {"a", "svg", "link", "script"} <= {each.name for each in parse_html(page).select("*")}
    assert find_inline_code(page) == []


@pytest.mark.parametrize(
    "options",
    [{"enable_async": True}, {"undefined": StrictUndefined}, {"autoescape": False}],
    ids=["asynchronous", "strict about what is undefined", "escaping nothing"],
)
def test_whatever_a_site_makes_of_jinja_its_pages_are_the_same(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    site = make_site()
    site.log_in("alice")
    usual = site.render(EVERYTHING + ASSETS, **NASTY)
    assert not parse_html(usual).select("script:not([src])")
    assert len(parse_html(usual).select("a, svg, img")) > 10
    # Without the cache of the run, where a template may have been compiled to escape.
    monkeypatch.setattr(Flask, "jinja_options", options)
    other = make_site()
    other.log_in("alice")
    for _ in range(2):
        assert other.render(EVERYTHING + ASSETS, **NASTY).text == usual.text


def test_macros_can_be_imported_in_any_way_and_need_no_context(site: Site) -> None:
    plain = site.render(PRODUCT).text
    site.app.template_context_processors.clear()
    module = f'{{% import "xiebao/entry.html" as x %}}{{{{ x.insurance_entry("{PRODUCT_CODE}") }}}}'
    context = '{% from "xiebao/entry.html" import insurance_entry with context %}' + PRODUCT
    for source in (PRODUCT, module, context):
        assert site.render(source).text == plain
    assert site.render(EVERYTHING + ASSETS, **NASTY).status_code == 200
