"""Tests for ``xiebao_styles`` and ``xiebao_script``, and for the files that these macros load.

To test another invalid argument of these macros, add a row to ``INVALID_ARGUMENTS``.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

import demo_app
from demo_app.qa.catalog_examples import TOKENS
from flask_xiebao import LinkError
from flask_xiebao.macros import assets
from tests.manual.blocks import DOCS
from tests.support import DEPLOYED, MakeSite, Site, find_element, parse_html
from tests.tools import stylesheet

STATIC = Path(assets.__file__).parents[1] / "static"
DEMO_STATIC = Path(demo_app.__file__).parent / "static"
STYLES, STYLES_IN_LAYER = "xiebao_styles()", 'xiebao_styles(layer="components.xiebao")'
SCRIPT = "xiebao_script()"


def get_asset_url(site: Site, call: str) -> str:
    """Return the URL of the stylesheet or script that a macro call loads."""
    element = find_element(site.render(f"{{{{ {call} }}}}"), "link, script")
    return str(element.get("href") or element["src"])


# Links to the stylesheet and the script


@pytest.mark.parametrize("enabled", [True, False], ids=["enabled", "disabled"])
@pytest.mark.parametrize(
    ("call", "selector", "subtype"),
    [(STYLES, "link[rel=stylesheet]", "css"), (SCRIPT, "script[defer]", "javascript")],
    ids=["stylesheet", "script"],
)
def test_stylesheet_and_script_are_served_even_if_extension_is_disabled(
    make_site: MakeSite, enabled: bool, call: str, selector: str, subtype: str
) -> None:
    site = make_site(XIEBAO_ENABLED=enabled)
    assert find_element(site.render(f"{{{{ {call} }}}}"), selector)
    with site.follow(get_asset_url(site, call)) as response:
        assert str(response.mimetype).split("/")[1] == subtype


@pytest.mark.parametrize(
    ("call", "name"),
    [(STYLES, "xiebao.css"), (STYLES_IN_LAYER, "xiebao.css"), (SCRIPT, "xiebao.js")],
)
def test_asset_url_ends_with_hash_of_file(site: Site, call: str, name: str) -> None:
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    assert get_asset_url(site, call).endswith(f"/{name}?v={digest[:8]}")


def test_debug_mode_adds_second_script_without_id_or_integrity(site: Site) -> None:
    call = '{{ xiebao_script(nonce="r4nd0m", id_="entries", integrity="sha256-x") }}'
    assert len(parse_html(site.render(call)).select("script")) == 1

    site.app.debug = True
    _, debug_script = parse_html(site.render(call)).select("script")
    assert debug_script["nonce"] == "r4nd0m"
    assert not {"id", "integrity"} & debug_script.attrs.keys()
    with site.follow(str(debug_script["src"])) as response:
        assert response.mimetype == "text/javascript"


#: One row per invalid keyword: the macro, the keyword with its value, and a part of the error
#: message.
INVALID_ARGUMENTS = [
    ("xiebao_styles", 'layr="x"', 'There is no keyword "layr". Did you mean "layer"'),
    ("xiebao_styles", 'theme="dark"', 'no keyword "theme". Set the attribute "data-xiebao-theme"'),
    ("xiebao_styles", "no_login_for=60", 'do not accept "no_login_for", which only links accept'),
    ("xiebao_script", "no_login_for=60", 'do not accept "no_login_for", which only links accept'),
    ("xiebao_script", 'src="/mine.js"', 'The macro sets the attribute "src" itself'),
    *[
        ("xiebao_styles", f"layer={layer!r}", "layer must be the name of a CSS layer")
        for layer in ("a b", "a{}", "1a", "a..b", "", 7, "a;}body{x:y")
    ],
]


@pytest.mark.parametrize(("macro", "argument", "message"), INVALID_ARGUMENTS)
def test_invalid_asset_keyword_raises_error_or_is_ignored_in_production(
    make_site: MakeSite, macro: str, argument: str, message: str
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        make_site().render(f"{{{{ {macro}({argument}) }}}}")
    assert error.value.argument == argument.partition("=")[0]

    deployed = make_site(**DEPLOYED)
    page = deployed.render(f"{{{{ {macro}({argument}) }}}}")
    assert page.text == deployed.render(f"{{{{ {macro}() }}}}").text


# The stylesheet: HTTP responses and contents


def test_css_layer_contains_only_rules_that_position_entries(site: Site) -> None:
    with (
        site.follow(get_asset_url(site, STYLES)) as plain,
        site.follow(get_asset_url(site, STYLES_IN_LAYER)) as layered,
    ):
        assert layered.mimetype == "text/css"
        layer, text = b"@layer components.xiebao", layered.data
        assert text.count(layer + b" {\n  :is(:where(:root, :host), a a a a)") == 1
        assert text.replace(layer, b"@media all") == plain.data

    rules = text.partition(layer)[2].partition(b"\n}\n")[0].decode()
    assert set(re.findall(r"(?m)^ +([a-z-]+): ", rules)) == {
        *("align-items", "block-size", "box-sizing", "display", "flex", "gap", "inline-size"),
        *("justify-content", "margin-block", "max-inline-size", "min-inline-size", "position"),
        "vertical-align",
    }


@pytest.mark.parametrize("call", [STYLES, STYLES_IN_LAYER])
def test_stylesheet_has_configured_max_age_and_returns_304_for_known_etag(
    make_site: MakeSite, call: str
) -> None:
    site = make_site(SEND_FILE_MAX_AGE_DEFAULT=3600)
    url = get_asset_url(site, call)

    with site.follow(url) as response:
        assert response.cache_control.max_age == 3600
        assert response.cache_control.public

    with site.follow(url, {"If-None-Match": response.headers["ETag"]}) as not_modified:
        assert not_modified.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        *(f"layer/{layer}/xiebao.css" for layer in ("a b", "a{}", "1a", "a..b", "7", "a;}x{y:z")),
        *("layer/a/xiebao.js", "layer/a", "layer/xiebao.css", "other/a/xiebao.css"),
    ],
)
def test_static_url_with_invalid_layer_or_file_returns_404(site: Site, path: str) -> None:
    assert site.follow(f"/xiebao/static/{path}").status_code == 404


def test_built_stylesheet_matches_its_source() -> None:
    assert stylesheet.BUILT.read_text("utf-8") == stylesheet.build_stylesheet(), (
        'static/xiebao.css is out of date. Run "make styles".'
    )


def test_compressed_stylesheet_has_at_most_4608_bytes() -> None:
    assert len(gzip.compress((STATIC / "xiebao.css").read_bytes(), 9)) <= 4608


@pytest.mark.parametrize(
    "files",
    [
        [STATIC / "xiebao.css"],
        [STATIC / "xiebao.css", STATIC / "simulator.css"],
        [STATIC / "report.css"],
        [STATIC / "xiebao.css", DEMO_STATIC / "shop.css", DEMO_STATIC / "widgets.css"],
        [STATIC / "xiebao.css", DEMO_STATIC / "shop.css", DEMO_STATIC / "qa.css"],
    ],
    ids=lambda files: files[-1].name,
)
def test_css_custom_properties_without_fallback_are_defined(files: list[Path]) -> None:
    styles = "".join(file.read_text("utf-8") for file in files)
    defined = set(re.findall(r"(--[\w-]+):", styles))
    used_without_fallback = set(re.findall(r"var\((--[\w-]+)\)", styles))
    assert used_without_fallback <= defined


def test_manual_and_demo_list_each_design_token_of_stylesheet() -> None:
    tokens = set(re.findall(r"var\((--xiebao-[a-z-]+)", (STATIC / "xiebao.css").read_text()))
    assert len(tokens) >= 20

    manual = (DOCS / "en/reference/styles.md").read_text("utf-8")
    rows = re.findall(r"^\| (`--xiebao.*?) \|", manual, re.MULTILINE)
    assert set(re.findall(r"`(--xiebao-[a-z-]+)`", " ".join(rows))) == tokens
    assert {token.name for token in TOKENS} == tokens
