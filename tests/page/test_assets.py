"""The stylesheet and the script: how a page names them, and what comes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import demo_app
from demo_app.widget_examples import TOKENS
from flask_xiebao import LinkError
from flask_xiebao.macros import assets
from tests.manual.blocks import DOCS
from tests.support import DEPLOYED, MakeSite, Site, find_element, parse_html
from tests.tools import stylesheet

STATIC = Path(assets.__file__).parents[1] / "static"
PAGE = DOCS / "en/reference/styles.md"


def sheet(site: Site, arguments: str = "") -> str:
    """Return the address of the stylesheet."""
    return str(find_element(site.render(f"{{{{ xiebao_styles({arguments}) }}}}"), "link")["href"])


def script(site: Site, arguments: str = "") -> str:
    """Return the address of the script."""
    return str(find_element(site.render(f"{{{{ xiebao_script({arguments}) }}}}"), "script")["src"])


@pytest.mark.parametrize("config", [{}, {"XIEBAO_ENABLED": False}], ids=["selling", "not selling"])
def test_the_stylesheet_and_the_script_are_linked_and_there(
    make_site: MakeSite, config: dict[str, Any]
) -> None:
    site = make_site(**config)
    page = site.render("{{ xiebao_styles() }}{{ xiebao_script() }}")
    assert find_element(page, "link")["rel"] == ["stylesheet"]
    assert find_element(page, "script").has_attr("defer")
    for url, kind in ((sheet(site), "css"), (script(site), "javascript")):
        with site.follow(url) as answer:
            assert (answer.status_code, str(answer.mimetype).split("/")[1]) == (200, kind)


def test_their_addresses_change_with_their_content(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sheet(site), script(site), sheet(site, 'layer="components"')
    for name in ("xiebao.css", "xiebao.js"):
        (tmp_path / name).write_bytes((STATIC / name).read_bytes() + b"\n")
    assets.get_file_hash.cache_clear()
    monkeypatch.setattr(assets, "_STATIC_FOLDER", tmp_path)
    after = sheet(site), script(site), sheet(site, 'layer="components"')
    assets.get_file_hash.cache_clear()
    for one_of_before, one_of_after in zip(before, after, strict=True):
        assert one_of_before != one_of_after
        assert one_of_before.split("?")[0] == one_of_after.split("?")[0]


def test_built_stylesheet_matches_its_source() -> None:
    assert stylesheet.BUILT.read_text("utf-8") == stylesheet.build_stylesheet(), (
        'static/xiebao.css is out of date. Run "make styles".'
    )


def test_script_for_debug_mode_is_linked_in_debug_mode_only(make_site: MakeSite) -> None:
    call = '{{ xiebao_script(nonce="r4nd0m", id_="entries", integrity="sha256-x") }}'
    site = make_site()
    assert len(parse_html(site.render(call)).select("script")) == 1
    site.app.debug = True
    _, script = parse_html(site.render(call)).select("script")
    assert (script["nonce"], script.get("id"), script.get("integrity")) == ("r4nd0m", None, None)
    with site.follow(str(script["src"])) as answer:
        assert (answer.status_code, str(answer.mimetype)) == (200, "text/javascript")


def test_the_stylesheet_is_small() -> None:
    assert len(gzip.compress((STATIC / "xiebao.css").read_bytes(), 9)) <= 4608


@pytest.mark.parametrize(
    ("call", "argument", "says"),
    [
        (sheet, 'layr="x"', 'There is no keyword "layr". Did you mean "layer"'),
        (sheet, 'theme="dark"', 'no keyword "theme". Set the attribute "data-xiebao-theme" on the'),
        (sheet, "no_login_for=60", 'do not accept "no_login_for", which only links accept'),
        (script, "no_login_for=60", 'do not accept "no_login_for", which only links accept'),
        (script, 'src="/mine.js"', 'The macro sets the attribute "src" itself'),
        *[
            (sheet, f"layer={layer!r}", "layer must be the name of a CSS layer")
            for layer in ("a b", "a{}", "1a", "a..b", "", 7, "a;}body{x:y")
        ],
    ],
)
def test_a_wrong_argument_is_an_error_and_in_service_left_out_alone(
    make_site: MakeSite, call: Callable[..., str], argument: str, says: str
) -> None:
    with pytest.raises(LinkError, match=says) as error:
        call(make_site(), argument)
    assert error.value.argument == argument.partition("=")[0]
    live = make_site(**DEPLOYED)
    assert call(live, argument) == call(live)


def test_in_a_layer_is_where_an_entry_stands(site: Site) -> None:
    url = sheet(site, 'layer="components.xiebao"')
    with site.follow(sheet(site)) as plain, site.follow(url) as layered:
        assert layered.mimetype == "text/css"
        text = layered.get_data(as_text=True)
        assert text.count("@layer components.xiebao {\n  :is(:where(:root, :host), a a a a)") == 1
        assert text.replace("@layer components.xiebao", "@media all") == plain.get_data(
            as_text=True
        )
        etag = layered.headers["ETag"]
    with site.app.test_client().get(url, headers={"If-None-Match": etag}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_how_long_static_files_are_kept_counts_in_a_layer_too(make_site: MakeSite) -> None:
    site = make_site(SEND_FILE_MAX_AGE_DEFAULT=3600)
    for url in (sheet(site), sheet(site, 'layer="components"')):
        with site.follow(url) as answer:
            assert answer.cache_control.max_age == 3600
            assert answer.cache_control.public


@pytest.mark.parametrize(
    "path",
    [
        *(f"layer/{layer}/xiebao.css" for layer in ("a b", "a{}", "1a", "a..b", "7", "a;}x{y:z")),
        *("layer/a/xiebao.js", "layer/a", "layer/xiebao.css", "other/a/xiebao.css"),
    ],
)
def test_nothing_but_the_stylesheet_is_in_a_layer_and_that_has_a_name(
    site: Site, path: str
) -> None:
    assert site.follow(f"/xiebao/static/{path}").status_code == 404


def test_a_page_of_a_site_below_another_path_finds_them(site: Site) -> None:
    site.source = "{{ xiebao_styles(layer='a') }}{{ xiebao_script() }}"
    page = site.follow("/page", base_url="http://localhost/shop")
    for element in parse_html(page).select("link, script"):
        assert str(element.get("href") or element["src"]).startswith("/shop/xiebao/static/")


DEMO = Path(demo_app.__file__).parent / "static"


@pytest.mark.parametrize(
    "sheets",
    [
        [STATIC / "xiebao.css"],
        [STATIC / "xiebao.css", STATIC / "simulator.css"],
        [STATIC / "report.css"],
        [STATIC / "xiebao.css", DEMO / "shop.css", DEMO / "widgets.css"],
        [STATIC / "xiebao.css", DEMO / "shop.css", DEMO / "qa.css"],
    ],
    ids=lambda sheets: sheets[-1].name,
)
def test_every_property_that_is_used_is_defined_or_has_a_default(sheets: list[Path]) -> None:
    styles = "".join(sheet.read_text("utf-8") for sheet in sheets)
    defined = set(re.findall(r"(--[\w-]+):", styles))
    assert set(re.findall(r"var\((--[\w-]+)\)", styles)) <= defined


def test_every_token_is_explained_and_in_the_catalog() -> None:
    tokens = set(re.findall(r"var\((--xiebao-[a-z-]+)", (STATIC / "xiebao.css").read_text()))
    assert len(tokens) >= 20
    rows = re.findall(r"^\| (`--xiebao.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(--xiebao-[a-z-]+)`", " ".join(rows))) == tokens
    assert {token.name for token in TOKENS} == tokens
