"""Tests for the HTML of insurance entries: their link, attributes, label and look.

To test another keyword of a macro, add a row to ``KEYWORDS`` if the keyword changes the attributes
of the entry. If it changes the link, add it to
``test_link_keywords_change_href_and_add_no_attributes``. Invalid keywords are in
``test_invalid_macro_arguments.py``.
"""

from __future__ import annotations

import enum
from collections import UserString
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from jinja2 import StrictUndefined
from markupsafe import Markup

from tests.page.support import (
    ALL_ENTRIES,
    ASSETS,
    ENTRIES,
    HANDLER_INJECTION,
    HOME_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    QR_CODE,
    UNSAFE_CONTEXT,
)
from tests.support import (
    LINK_ARGUMENTS,
    PC,
    PHONE,
    PRODUCT_CODE,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    find_inline_code,
    get_return_link,
    parse_html,
)

# The links of members contain the time, so two pages are equal only if the clock stands still.
pytestmark = pytest.mark.usefixtures("clock")

#: The default labels of entries, by the gateway page that an entry opens.
LABELS = {"product": "我要投保", "home": "保险商城", "policy": "查看保单"}
#: The beginnings of macro calls. The tests append keywords and a closing parenthesis.
ENTRY, CARD, QR = 'insurance_entry("1", ', 'insurance_card("1", "T", ', 'insurance_qr("1", '


# Links of entries


@pytest.mark.parametrize("page", ENTRIES)
def test_entry_and_xiebao_link_open_gateway_page(site: Site, page: str) -> None:
    site.log_in("alice")
    [entry] = parse_html(site.render(ENTRIES[page])).select("*")
    href = find_href(entry)

    assert entry.name == "a"
    assert entry.text == LABELS[page]
    assert entry.attrs == {
        "class": ["xiebao-entry", "xiebao-entry--button"],
        "data-xiebao-entry": page,
        "data-xiebao-platform": "pc",
        "href": href,
        "lang": "zh-CN",
        "rel": ["nofollow", "noopener"],
        "target": "_blank",
    }
    assert href.startswith(f"/xiebao/{page}/")
    assert assert_gateway_accepts(site.follow(href)).page == page

    source = "{{ xiebao_link(page, *arguments) }}"
    assert site.render(source, page=page, arguments=LINK_ARGUMENTS[page]).text == href


class PageName(str, enum.Enum):  # noqa: UP042 - Only with a StrEnum, str() returns the value.
    PRODUCT = "product"
    POLICY = "policy"


@pytest.mark.parametrize("member", [None, "alice"])
@pytest.mark.parametrize(
    ("page", "macro"),
    [
        ("product", "insurance_entry"),
        (PageName.PRODUCT, "insurance_entry"),
        (PageName.POLICY, "policy_entry"),
    ],
)
def test_xiebao_entry_renders_same_html_as_insurance_and_policy_entry(
    site: Site, page: str, macro: str, member: str | None
) -> None:
    site.log_in(member)
    entry = site.render('{{ xiebao_entry(page, "1", class="btn") }}', page=page)
    assert entry.text == site.render(f'{{{{ {macro}("1", class="btn") }}}}').text


@pytest.mark.parametrize("call", [ENTRY, CARD])
def test_link_keywords_change_href_and_add_no_attributes(site: Site, call: str) -> None:
    keywords = (
        'member="alice", no_login_for=60, platform="ios", sub_partner_id="branch-7",'
        ' return_to="/orders/8", external=True'
    )
    entry = find_element(site.render(f"{{{{ {call}{keywords}) }}}}"), "a")
    assert entry.attrs.keys() == find_element(site.render(f"{{{{ {call}) }}}}"), "a").attrs.keys()
    assert find_href(entry).startswith("http://localhost/xiebao/product/")

    click = site.follow(find_href(entry))
    verdict = assert_gateway_accepts(click)
    assert (verdict.member, verdict.platform) == ("alice", 3)
    assert dict(verdict.parameters)["subPartnerId"] == "branch-7"
    assert get_return_link(click).startswith("http://localhost/xiebao/paid/")


# HTML attributes

#: One row per keyword: the beginning of the macro call, the keyword with its value, and the HTML
#: attributes that differ from the same call without the keyword. An attribute with the value None
#: is missing from the element.
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
    # All macros accept HTML attributes as keywords.
    *[
        (call, keywords, changes)
        for call in [
            *(CARD, QR, 'policy_entry("1", ', "insurance_home_entry("),
            *('xiebao_entry("home", ', "xiebao_styles(", "xiebao_script("),
        ]
        for keywords, changes in [
            ('data_n=1, nonce="r4nd0m"', {"data-n": "1", "nonce": "r4nd0m"}),
            ("hidden=false, title=missing, download=true", {"download": ""}),
        ]
    ],
    # These names resemble the keywords of links, but the macros treat them as HTML attributes.
    *[
        (ENTRY, f'**{{"{name}": "x"}}', {name.replace("_", "-"): "x"})
        for name in [
            *(":member", "x_platform", "remember", "x-member", "@member", "v-bind:member"),
            *("data_member", "data-platform", "number", "timber", "content", "data_return_to"),
            *("aria_label", "internal", "nextern"),
        ]
    ],
    (QR, 'label="x"', {"label": "x"}),
    # The macro xiebao_script has no keyword "theme", so "them" is an HTML attribute here and not a
    # misspelling of "theme".
    ("xiebao_script(", 'them="x"', {"them": "x"}),
    # Keywords can replace and remove the default HTML attributes of an element.
    (ENTRY, 'rel="sponsored"', {"rel": ["sponsored"]}),
    (ENTRY, 'REL="sponsored"', {"rel": ["sponsored"]}),
    (ENTRY, 'target="_top"', {"target": "_top"}),
    (ENTRY, 'target="_self"', {"target": "_self"}),
    (ENTRY, "target=none, rel=false", {"target": None, "rel": None}),
    (ENTRY, 'lang="zh-TW"', {"lang": "zh-TW"}),
    (QR, "size=96", {"width": "96", "height": "96"}),
    (QR, 'aria_label="Scan me"', {"aria-label": "Scan me", "lang": None}),
    # Disabled entries
    *[
        (call, "disabled=True", {"href": None, "role": "link", "aria-disabled": "true"})
        for call in (ENTRY, CARD)
    ],
    *[
        (call, f"disabled={value}", {})
        for call in (ENTRY, CARD)
        for value in ("False", "none", "0", '""', "missing", "[]")
    ],
    # CSS classes and looks. A CSS class of the site does not change the look of an entry.
    (QR, "class=none", {}),
    (QR, 'class="btn wide"', {"class": ["xiebao-qr", "btn", "wide"]}),
    *[
        (call, keywords, {"class": ["xiebao-entry", *classes.split()]})
        for call, keywords, classes in [
            (CARD, 'class="wide"', "xiebao-entry--card wide"),
            (CARD, 'look="card"', "xiebao-entry--card"),
            (CARD, "stacked=True", "xiebao-entry--card xiebao-entry--stacked"),
            (CARD, "block=True", "xiebao-entry--card xiebao-entry--block"),
            (CARD, 'class="xiebao-entry--card x"', "xiebao-entry--card x"),
            *[
                (ENTRY, keywords, f"xiebao-entry--button {classes}")
                for keywords, classes in [
                    *[(f"class={empty}", "") for empty in ('""', "none", "[]", "[none]")],
                    ('class="btn btn-primary"', "btn btn-primary"),
                    ('class_="btn"', "btn"),
                    ('**{"CLASS": "btn"}', "btn"),
                    ('class=["a", "b"]', "a b"),
                    ('class=("a", "b c")', "a b c"),
                    ('class=["a", none, false, "", "b"]', "a b"),
                    ('class=["a"|safe, 7]', "a 7"),
                    *[(f"look={default}", "") for default in ("none", "missing", '""', '"button"')],
                    ('size="small"', "xiebao-entry--small"),
                    ('size="large", pill=1', "xiebao-entry--large xiebao-entry--pill"),
                    ("outline=True", "xiebao-entry--outline"),
                    ('class="mt-4", block=True', "xiebao-entry--block mt-4"),
                    *[
                        (f"size={empty}, outline={empty}, block=0, pill=false", "")
                        for empty in ("none", "missing")
                    ],
                    # The size and the variant may also be given as CSS classes.
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


@pytest.mark.parametrize(("call", "keywords", "changes"), KEYWORDS)
def test_macro_keyword_changes_only_expected_attributes(
    site: Site, call: str, keywords: str, changes: Mapping[str, str | list[str] | None]
) -> None:
    site.log_in("alice")
    default = find_element(site.render(f"{{{{ {call}) }}}}"))
    html = site.render(f"{{{{ {call}{keywords}) }}}}").text

    expected = {**default.attrs, **changes}
    attributes = {name: value for name, value in expected.items() if value is not None}
    assert find_element(html).attrs == attributes
    # The HTML parser drops repeated attributes, so count the attributes in the text of the tag.
    tag = html.partition(">")[0].lower()
    assert [name for name in attributes if tag.count(f" {name}=") > 1] == []


class PrintedAsMarkup(UserString):
    """A string-like object without ``__html__`` whose ``str()`` returns ``Markup``."""

    def __str__(self) -> str:
        return Markup(self.data)


MARKUP_TYPES = (Markup, PrintedAsMarkup)
#: One row per attribute value: the value, the expected text in the attributes ``title`` and
#: ``data-x``, and the expected text in the attribute ``class``.
VALUES: list[tuple[Any, str, str]] = [
    *[
        (value, str(value), str(value))
        for value in [
            *('"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", HANDLER_INJECTION),
            *("<b>bold</b>", "a & b &amp; c", "{{ 7 * 7 }}", "保险 ✓", "javascript:alert(1)"),
            *(1.5, -3, {"a": "<b>"}, SimpleNamespace(name="<i>")),
        ]
    ],
    (["<", '"'], str(["<", '"']), '< "'),
    *[(kind(HANDLER_INJECTION), HANDLER_INJECTION, HANDLER_INJECTION) for kind in MARKUP_TYPES],
    *[
        ([value], str([value]), HANDLER_INJECTION)
        for value in (Markup(HANDLER_INJECTION), PrintedAsMarkup(HANDLER_INJECTION))
    ],
    *[(kind("Tom &amp; Lin"), "Tom & Lin", "Tom & Lin") for kind in MARKUP_TYPES],
]


@pytest.mark.parametrize(("value", "text", "classes"), VALUES)
@pytest.mark.parametrize("call", [ENTRY, QR])
def test_attribute_values_are_escaped(
    site: Site, call: str, value: Any, text: str, classes: str
) -> None:
    site.log_in("alice")
    default = find_element(site.render(f"{{{{ {call}) }}}}"))
    source = f"{{{{ {call} title=value, data_x=value, class=value) }}}}"
    element = find_element(site.render(source, value=value))

    assert element["title"] == element["data-x"] == text
    assert element["class"] == [*default.get_attribute_list("class"), *classes.split()]
    assert element.attrs.keys() == default.attrs.keys() | {"title", "data-x", "class"}


@pytest.mark.parametrize(
    ("keywords", "classes"),
    [
        ("", []),
        ('class="btn"', ["btn"]),
        ('look="button"', ["xiebao-entry--button"]),
        ('class="xiebao-entry--link"', ["xiebao-entry--link"]),
        ("outline=true", ["xiebao-entry--button", "xiebao-entry--outline"]),
    ],
)
def test_look_setting_applies_to_entries_without_look(
    make_site: MakeSite, keywords: str, classes: list[str]
) -> None:
    page = make_site(XIEBAO_LOOK="own").render(f"{{{{ {ENTRY}{keywords}) }}}}")
    assert find_element(page, "a")["class"] == ["xiebao-entry", *classes]


# Labels of entries

#: One row per label: the label that the template passes, and the expected HTML, or None if the
#: entry is expected to have the default label.
LABEL_HTML: list[tuple[object, str | None]] = [
    ("买", "买"),
    ("<i>买</i>", "&lt;i&gt;买&lt;/i&gt;"),
    (Markup("<i>买</i>"), "<i>买</i>"),
    ("", None),
    ("\n  ", None),
    (Markup("买"), "买"),
    ("买", "买"),
    (1.5, "1.5"),
    (["<", '"'], "[&#39;&lt;&#39;, &#39;&#34;&#39;]"),
    ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
    ("a & b &amp; c", "a &amp; b &amp;amp; c"),
    (PrintedAsMarkup("<b>"), "&lt;b&gt;"),
]


@pytest.mark.parametrize(
    "template",
    ["{{ %s label) }}", "{%% call %s) %%}{{ label }}{%% endcall %%}"],
    ids=["argument", "call block"],
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
def test_label_is_escaped_unless_marked_safe(
    site: Site, page: str, call: str, template: str
) -> None:
    site.log_in("alice")
    # One site renders all labels, because a cache could confuse equal labels of different types.
    for label, html in LABEL_HTML:
        entry = site.render(template % call, label=label).text
        assert entry[entry.index(">") + 1 :].removesuffix("</a>") == (html or LABELS[page])
        assert ("lang" in find_element(entry, "a").attrs) == (html is None)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{ insurance_entry("1", "投保", disabled="已售罄") }}', "已售罄"),
        ('{% call insurance_entry("1", disabled="已售罄") %}<b>投保</b>{% endcall %}', "投保"),
        (f'{{{{ {CARD} action="去投保", disabled="已售罄") }}}}', "T 已售罄"),
        (f'{{{{ {CARD} action="去投保", disabled=True) }}}}', "T 去投保"),
        ('{{ insurance_entry("1", "投保", disabled=" ") }}', "投保"),
    ],
)
def test_disabled_entry_shows_reason_and_has_no_href(site: Site, source: str, text: str) -> None:
    entry = find_element(site.render(source), "a[aria-disabled=true]:not([href])")
    assert " ".join(entry.text.split()) == text


# Entries for different devices and members


@pytest.mark.parametrize("page", ENTRIES)
def test_entry_names_platform_and_opens_new_window_only_on_pc(
    make_site: MakeSite, page: str
) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("alice")
    # Render each entry twice, because the second entry comes from the cache.
    for user_agent, platform, target in [
        (PC["User-Agent"], "pc", "_blank"),
        (PHONE["User-Agent"], "h5", None),
        (PHONE["User-Agent"] + " ShopApp/3.1", "ios", None),
        ("Mozilla/5.0 (Linux; Android 14; wv) Mobile ShopApp/3.1", "android", None),
    ] * 2:
        entry = find_element(site.render(ENTRIES[page], {"User-Agent": user_agent}), "a")
        assert (entry["data-xiebao-platform"], entry.get("target")) == (platform, target)


@pytest.mark.parametrize(
    ("config", "member"),
    [
        *(({}, member) for member in (None, "", 0, False, " ")),
        ({"SECRET_KEY": None}, None),
        ({"loader": False}, None),
    ],
    ids=["None", "empty string", "0", "False", "space", "no SECRET_KEY", "no member_loader"],
)
def test_policy_entry_is_omitted_without_login(
    make_site: MakeSite, config: dict[str, Any], member: object
) -> None:
    site = make_site(**config)
    site.log_in(member)
    page = site.render(f"<p>before</p>{POLICY_ENTRY}<p>after</p>")
    assert page.text == "<p>before</p><p>after</p>"


# Rendering with a Content-Security-Policy and with other Jinja options


@pytest.mark.parametrize("headers", [PC, PHONE], ids=["PC", "phone"])
def test_macros_render_no_inline_scripts_or_styles(site: Site, headers: dict[str, str]) -> None:
    site.log_in("alice")
    page = site.render(PRODUCT_ENTRY + HOME_ENTRY + POLICY_ENTRY + QR_CODE + ASSETS, headers)
    assert {"a", "svg", "link", "script"} <= {tag.name for tag in parse_html(page).select("*")}
    assert find_inline_code(page) == []


@pytest.mark.parametrize(
    "options",
    [{"enable_async": True}, {"undefined": StrictUndefined}, {"autoescape": False}],
    ids=lambda options: str(*options),
)
def test_html_is_independent_of_jinja_options_and_context_processors(
    site: Site, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    site.log_in("alice")
    expected = site.render(ALL_ENTRIES + ASSETS, **UNSAFE_CONTEXT)
    assert not parse_html(expected).select("script:not([src])")
    assert len(parse_html(expected).select("a, svg, img")) > 10

    # The bytecode cache in the Jinja options of the test run has templates that escape all values,
    # so replace these options completely.
    monkeypatch.setattr(Flask, "jinja_options", options)
    site = make_site()
    site.app.template_context_processors.clear()
    site.log_in("alice")
    for _ in range(2):
        assert site.render(ALL_ENTRIES + ASSETS, **UNSAFE_CONTEXT).text == expected.text


@pytest.mark.parametrize(
    "source",
    [
        f'{{% import "xiebao/entry.html" as x %}}{{{{ x.insurance_entry("{PRODUCT_CODE}") }}}}',
        f'{{% from "xiebao/entry.html" import insurance_entry with context %}}{PRODUCT_ENTRY}',
    ],
    ids=["import", "from with context"],
)
def test_macros_render_same_html_with_every_import_statement(site: Site, source: str) -> None:
    assert site.render(source).text == site.render(PRODUCT_ENTRY).text
