"""Tests for invalid arguments of macros.

In strict mode, an invalid argument raises an error. Otherwise, the page omits the entry.

To test another invalid argument, add a row to ``INVALID_CALLS``. To test another invalid look of an
entry, such as a misspelled CSS class, add a row to ``INVALID_LOOKS``. Invalid values of
``insurance_card`` are tested in ``test_insurance_card.py``, and invalid arguments of
``xiebao_styles`` and ``xiebao_script`` in ``test_assets.py``.
"""

from __future__ import annotations

import contextlib
import re
from inspect import currentframe
from pathlib import Path

import pytest
from flask import Flask, render_template, render_template_string

from flask_xiebao import LinkError
from tests.page.support import (
    ALL_ENTRIES,
    MAIL_MACRO,
    PRODUCT_ENTRY,
    UNSAFE_CONTEXT,
    render_without_request,
)
from tests.support import DEPLOYED, MACROS, MakeSite, find_element

#: One row per invalid call: the name of the invalid argument, a part of the error message, and the
#: macro call. The Jinja variable ``missing`` is undefined.
INVALID_CALLS: list[tuple[str, str, str]] = [
    ("reference", "caseCode is empty", 'insurance_entry("")'),
    ("reference", "caseCode is empty", 'insurance_entry("  ")'),
    ("reference", "caseCode is empty", 'insurance_qr("")'),
    ("reference", "caseCode is empty", 'insurance_card("", "T")'),
    ("reference", "caseCode is None", "insurance_entry(none)"),
    ("reference", "caseCode is None", 'xiebao_link("product")'),
    ("reference", "reference of an entry is undefined", "insurance_entry(missing)"),
    ("reference", "reference of an entry is undefined", "insurance_entry()"),
    ("reference", "reference of an entry is undefined", 'policy_entry(missing, member="alice")'),
    ("reference", "reference of an entry is undefined", 'xiebao_link("product", missing)'),
    ("reference", "a string or an integer, got float", "insurance_entry(1.5)"),
    ("reference", "a string or an integer, got bool", "insurance_entry(true)"),
    ("reference", "a string or an integer, got bool", "insurance_entry(false)"),
    ("reference", "a string or an integer, got list", 'insurance_entry(["X"])'),
    ("reference", "caseCode must be a single value without whitespace", 'insurance_entry("a\\nb")'),
    ("reference", "insureNum is empty", 'policy_entry("", member="alice")'),
    (
        "reference",
        "The home page does not accept a reference (a case code",
        'xiebao_link("home", "X")',
    ),
    *[
        ("page", "is not a gateway page", call.format(page))
        for page in ("none", '"tv"', '"paid"', '"static"', '"../x"', '["home"]', "5", '"x" * 1000')
        for call in ('xiebao_entry({}, "1")', "xiebao_link({})")
    ],
    ("page", "The page of an entry is undefined", 'xiebao_entry(missing, "1")'),
    ("page", "The page of an entry is undefined", "xiebao_link(missing)"),
    ("title", "The title of a card is missing", 'insurance_card("1")'),
    ("title", "The title of a card is missing", 'insurance_card("1", {}.name)'),
    # Keywords of links
    (
        "platform",
        "platform PC is not supported",
        'policy_entry("1", member="alice", platform="pc")',
    ),
    ("platform", "platform PC is not supported", 'insurance_home_entry(platform="pc")'),
    ("platform", "'xbox' is not a platform", 'insurance_entry("1", platform="xbox")'),
    ("platform", "5 is not a platform", 'insurance_entry("1", platform=5)'),
    ("platform", 'The value of "platform" is undefined', 'insurance_entry("1", platform=missing)'),
    (
        *("sub_partner_id", 'The policy page does not accept "sub_partner_id"'),
        'policy_entry("1", member="alice", sub_partner_id="x")',
    ),
    ("sub_partner_id", "sub_partner_id is empty", 'insurance_entry("1", sub_partner_id=" ")'),
    ("sub_partner_id", "integer, got bool", 'insurance_entry("1", sub_partner_id=false)'),
    ("sub_partner_id", "integer, got list", 'insurance_entry("1", sub_partner_id=[])'),
    ("member", "got bool. Pass the id itself", 'insurance_entry("1", member=true)'),
    ("member", "got list. Pass the id itself", 'insurance_entry("1", member=["alice"])'),
    ("member", 'The value of "member" is undefined', 'insurance_entry("1", member=missing)'),
    ("member", "the unprintable character", 'insurance_entry("1", member="a\\nb")'),
    ("no_login_for", 'requires "member"', 'insurance_entry("1", no_login_for=60)'),
    ("no_login_for", 'requires "member"', 'insurance_entry("1", member="", no_login_for=60)'),
    *[
        (
            "no_login_for",
            "no_login_for must be an integer number of seconds from 1 to 1,000,000,000",
            f'insurance_entry("1", member="alice", no_login_for={seconds})',
        )
        for seconds in ("0", "-1", "true", '"60"', "1.5")
    ],
    *[
        (
            "return_to",
            'return_to must be a path of this site that begins with "/"',
            f'insurance_entry("1", return_to={path})',
        )
        for path in ('""', '"orders"', '"https://evil.example/"', '"javascript:alert(1)"', "8")
    ],
    *[
        (
            "return_to",
            "return_to must not point to another site",
            f'insurance_entry("1", return_to={path})',
        )
        for path in ('"//evil.example"', '"/\\\\evil.example"', '"/\\t/evil.example"')
    ],
    (
        "return_to",
        'The value of "return_to" is undefined',
        'insurance_entry("1", return_to=missing)',
    ),
    ("return_to", "short enough for browsers", 'insurance_qr("1", return_to="/" ~ "a" * 4000)'),
    (
        "color",
        'A link does not accept the keyword "color"',
        'xiebao_link("product", "X", color="red")',
    ),
    # HTML attributes
    *[
        (name, " itself. Leave out this attribute.", call)
        for name, call in [
            ("href", 'insurance_entry("1", href="/")'),
            ("HREF", 'insurance_entry("1", HREF="/")'),
            ("data_xiebao_entry", 'insurance_entry("1", data_xiebao_entry="x")'),
            ("data-xiebao-platform", 'insurance_entry("1", **{"data-xiebao-platform": "x"})'),
            ("width", 'insurance_qr("1", width=5)'),
            ("viewBox", 'insurance_qr("1", viewBox="0 0 1 1")'),
        ]
    ],
    *[
        (name, "is not a valid attribute name", f'{macro}("1", **{{{name!r}: "x"}})')
        for macro in ("insurance_entry", "insurance_qr")
        for name in ("", "a b", "a\n", "a=b", "a>b", "a/b", 'a"b')
    ],
    (
        "caller",
        "does not accept a {% call %} block. Use insurance_entry or insurance_card",
        'call insurance_qr("1")',
    ),
    *[
        (
            "size",
            "size must be a positive integer number of pixels, got ",
            f'insurance_qr("1", size={size})',
        )
        for size in ("0", "-1", '"180"', "true", "missing")
    ],
    *[
        (
            misspelled,
            f'no keyword "{misspelled}". Did you mean "{keyword}"?',
            f'insurance_entry("1", **{{"{misspelled}": 1}})',
        )
        for keyword, misspellings in {
            "member": ["member_", "memebr", "membr", "members", "Member"],
            "no_login_for": ["no_login_for_"],
            "return_to": ["returnTo", "return-to", "retrun_to"],
            "sub_partner_id": ["subPartnerId", "sub-partner-id"],
            "platform": ["plattform"],
            "external": ["extrenal"],
            "label": ["label_", "lable"],
            "outline": ["outlin", "outlined"],
            "size": ["sise"],
        }.items()
        for misspelled in misspellings
    ],
    *[
        (
            old,
            f'no keyword "{old}". Use "no_login_for" instead.',
            f'insurance_entry("1", **{{"{old}": 1}})',
        )
        for old in ("max_age_", "maxage", "max-age", "maxAge")
    ],
    # Keywords of cards
    ("prcie", 'no keyword "prcie". Did you mean "price"?', 'insurance_card("1", "T", prcie="3")'),
    (
        "images",
        'no keyword "images". Did you mean "image"?',
        'insurance_card("1", "T", images="/x")',
    ),
    (
        "label",
        "Pass the title of the card as the second argument",
        'insurance_card("1", "T", label="x")',
    ),
    # Keywords that other UI libraries use
    *[
        (
            name,
            f'no keyword "{name}". Use {replacement} instead.',
            f'{macro}("1", "T", **{{"{name}": "x"}})',
        )
        for macro, name, replacement in [
            ("insurance_entry", "variant", '"outline", "borderless" or "pill"'),
            ("insurance_entry", "ghost", '"outline"'),
            ("insurance_entry", "plain", '"outline"'),
            ("insurance_entry", "icon", "a {% call %} block with the icon"),
            ("insurance_entry", "memberId", '"member"'),
            ("insurance_entry", "return-url", '"return_to"'),
            ("insurance_entry", "next", '"return_to"'),
            ("insurance_entry", "price", "insurance_card"),
            ("insurance_entry", "old_price", "insurance_card"),
            ("insurance_card", "original_price", '"old_price"'),
            ("insurance_card", "compareAtPrice", '"old_price"'),
            ("insurance_card", "thumb", '"image"'),
            ("insurance_card", "desc", '"text"'),
            ("insurance_card", "rating", "a {% call %} block"),
            ("insurance_card", "tag", '"badge"'),
            ("insurance_card", "title_lines", 'the token "--xiebao-title-lines"'),
            ("insurance_entry", "insured", "insurance_card or policy_entry"),
            ("insurance_entry", "theme", "data_xiebao_theme"),
            ("insurance_card", "next", '"return_to"'),
            ("insurance_card", "cover", '"image"'),
            ("insurance_card", "variant", "insurance_entry"),
            ("insurance_card", "icon", '"image"'),
        ]
    ],
    ("type", 'There is no type "primary". Use', 'insurance_entry("1", type="primary")'),
    (
        "user_id",
        'no keyword "user_id". Use "member" instead.',
        'insurance_qr("1", user_id="alice")',
    ),
    ("color", 'Use "accent" instead.', 'mail_entry("product", "1", color="#f00")'),
    # Arguments of the macro mail_entry
    *[
        (
            name,
            f"{name} must be a color with six hex digits, got",
            f'mail_entry("product", "1", {name}={color})',
        )
        for name in ("accent", "on_accent")
        for color in [
            *('"red"', '"#fff"', '"#12345g"', '"red;background:url(//e)"'),
            *("'\"><script>'", "none", "7"),
        ]
    ],
    *[
        (
            "qr",
            "qr must be a positive integer number of pixels, got ",
            f'mail_entry("product", "1", qr={size})',
        )
        for size in ('"160"', "-5", "true", "1.5", '"abc"')
    ],
    ("class", 'mail_entry does not accept "class"', 'mail_entry("product", "1", class="btn")'),
]


@pytest.mark.parametrize(
    ("argument", "message", "call"), INVALID_CALLS, ids=[call for *_, call in INVALID_CALLS]
)
def test_invalid_argument_raises_in_strict_mode_and_otherwise_omits_entry(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, argument: str, message: str, call: str
) -> None:
    entry = f"{{% {call} %}}poster{{% endcall %}}" if "call " in call else f"{{{{ {call} }}}}"
    source = f"{MAIL_MACRO}<p>before</p>{entry}<p>after</p>{PRODUCT_ENTRY}"

    page = make_site(XIEBAO_STRICT=False).render(source)
    assert page.text.startswith("<p>before</p><p>after</p><a ")
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.name == "shop"
    assert message in record.getMessage()

    with pytest.raises(LinkError, match=re.escape(message)) as error:
        make_site().render(source)
    assert error.value.argument == argument


#: One row per invalid look: the macro call, and a part of the error message.
INVALID_LOOKS = [
    *[
        (
            f'{macro}, class="btn xiebao-entry--{misspelled}")',
            f'no class "xiebao-entry--{misspelled}". Did you mean "xiebao-entry--{modifier}"?',
        )
        for macro, misspelled, modifier in [
            ('insurance_card("1", "T"', "stackd", "stacked"),
            ('insurance_entry("1"', "outlined", "outline"),
            ('insurance_entry("1"', "buton", "button"),
        ]
    ],
    (
        'insurance_entry("1", outline=true, borderless=true)',
        'A button cannot have both "outline" and "borderless"',
    ),
    ('insurance_card("1", "T", look="button")', 'insurance_card has only the look "card", got'),
    (
        'insurance_card("1", "T", class="xiebao-entry--link")',
        'The look of the entry is "card", but a CSS class of the entry sets another look',
    ),
    (
        'insurance_entry("1", look="pill")',
        "look must be 'own' or 'button' or 'card' or 'link', got 'pill'.",
    ),
    ('insurance_entry("1", size="medium")', "size must be 'small' or 'large', got 'medium'."),
    *[
        (f"{call})", f'"{keyword}" requires look="{required}", got look="{look}".')
        for call, keyword, required, look in [
            ('insurance_entry("1", look="own", pill=true', "pill", "button", "own"),
            ('insurance_entry("1", look="link", size="small"', "small", "button", "link"),
            ('insurance_entry("1", stacked=true', "stacked", "card", "button"),
            ('insurance_card("1", "T", pill=true', "pill", "button", "card"),
        ]
    ],
    (
        'insurance_entry("1", look="own", class="btn xiebao-entry--block")',
        '"block" requires look="button" or look="card", got look="own".',
    ),
    (
        'insurance_entry("1", look="own", size="large", class="xiebao-entry--smal")',
        'no class "xiebao-entry--smal". Did you mean "xiebao-entry--small"?',
    ),
    (
        'insurance_entry("1", class="xiebao-entry--card", look="link")',
        'The look of the entry is "link", but a CSS class of the entry sets another look',
    ),
]


@pytest.mark.parametrize(("call", "message"), INVALID_LOOKS)
def test_invalid_look_raises_in_strict_mode_and_otherwise_uses_default(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, call: str, message: str
) -> None:
    source = f"{{{{ {call} }}}}"

    entry = find_element(make_site(**DEPLOYED).render(source), "a")
    default_look = "card" if call.startswith("insurance_card") else "button"
    assert entry["class"][:2] == ["xiebao-entry", f"xiebao-entry--{default_look}"]
    assert not {"look", "size", "pill", "stacked"} & entry.attrs.keys()
    assert 'The look of an entry (endpoint "page") was left out: ' in caplog.text
    assert message in caplog.text

    with pytest.raises(LinkError, match=re.escape(message)):
        make_site().render(source)


# Log entries that locate the invalid argument


@pytest.mark.parametrize(
    ("call", "template"),
    [
        ('{{ insurance_entry("1", memebr="alice") }}', "page.html"),
        ('{{ xiebao_link("product", "1", max_age=60) }}', "page.html"),
        ('{{ insurance_entry("") }}', "page.html"),
        ('{{ insurance_entry("1", look="pill") }}', "page.html"),
        ('{{ xiebao_styles(theme="dark") }}', "page.html"),
        ('{% include "part.html" %}', "part.html"),
        ('{% from "own.html" import buy with context %}{{ buy("1", lable="Buy") }}', "own.html"),
    ],
)
def test_log_names_template_with_invalid_argument(
    make_site: MakeSite, tmp_path: Path, caplog: pytest.LogCaptureFixture, call: str, template: str
) -> None:
    (tmp_path / "page.html").write_text(f"{MACROS}{call}")
    (tmp_path / "part.html").write_text(MACROS + '{{ insurance_entry("1", memebr="alice") }}')
    (tmp_path / "own.html").write_text(
        MACROS + "{% macro buy(code) %}{{ insurance_entry(code, **kwargs) }}{% endmacro %}"
    )
    app = Flask("shop", template_folder=str(tmp_path))
    app.add_url_rule("/buy", view_func=lambda: render_template("page.html"))

    assert make_site(app, **DEPLOYED).follow("/buy").status_code == 200
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage().endswith(f" See {tmp_path / template}.")


def test_log_names_python_line_of_template_string_with_invalid_argument(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_site(**DEPLOYED).app
    with app.test_request_context():
        line = currentframe().f_lineno + 1  # type: ignore[union-attr]
        render_template_string(MACROS + '{{ insurance_entry("1", memebr="alice") }}')
    assert caplog.records[-1].getMessage().endswith(f"{Path(__file__).name}, line {line}.")


# Settings that change how invalid arguments are treated


@pytest.mark.parametrize(
    ("setting", "testing", "debug", "is_strict"),
    [
        (None, False, False, False),
        (None, True, False, True),
        (None, False, True, True),
        (True, False, False, True),
        (False, True, True, False),
    ],
)
def test_strict_mode_is_default_in_tests_and_debug_mode(
    make_site: MakeSite, setting: bool | None, testing: bool, debug: bool, is_strict: bool
) -> None:
    site = make_site(**DEPLOYED, XIEBAO_STRICT=setting, PROPAGATE_EXCEPTIONS=True)
    # Set both flags after init_app(), because the extension reads the flags again for each page.
    site.app.testing, site.app.debug = testing, debug
    with pytest.raises(LinkError) if is_strict else contextlib.nullcontext():
        assert site.render('before{{ insurance_entry("") }}after').text == "beforeafter"


@pytest.mark.parametrize("member", [None, "alice"])
def test_disabled_extension_renders_nothing_and_needs_no_settings(
    make_site: MakeSite, member: str | None
) -> None:
    site = make_site(
        XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None, SECRET_KEY=None
    )
    site.log_in(member)
    source = f'<p>before</p>{ALL_ENTRIES}{{{{ xiebao_entry("produkt", "1") }}}}<p>after</p>'
    page = site.render(source, **UNSAFE_CONTEXT)

    assert page.text == "<p>before</p><p>after</p>"
    assert not {"Vary", "Cache-Control"} & set(page.headers.keys())
    assert render_without_request(site, source, **UNSAFE_CONTEXT) == page.text
