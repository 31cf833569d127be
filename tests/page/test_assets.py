"""The stylesheet and the script: how a page names them, and what comes."""

from __future__ import annotations

import gzip
import re
from itertools import accumulate
from pathlib import Path

import pytest

from demo_app.widget_examples import TOKENS
from flask_xiebao import LinkError
from flask_xiebao.macros import assets
from tests.manual.blocks import DOCS
from tests.support import LIVE, MakeSite, Site, one, soup

STATIC = Path(assets.__file__).parents[1] / "static"
PAGE = DOCS / "en/reference/styles.md"


def sheet(site: Site, arguments: str = "") -> str:
    """Return the address of the stylesheet."""
    return str(one(site.render(f"{{{{ xiebao_styles({arguments}) }}}}"), "link")["href"])


def script(site: Site, arguments: str = "") -> str:
    """Return the address of the script."""
    return str(one(site.render(f"{{{{ xiebao_script({arguments}) }}}}"), "script")["src"])


def test_the_stylesheet_and_the_script_are_there(site: Site) -> None:
    for url, kind in ((sheet(site), "css"), (script(site), "javascript")):
        with site.follow(url) as answer:
            assert (answer.status_code, str(answer.mimetype).split("/")[1]) == (200, kind)


def test_their_addresses_change_with_their_content(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sheet(site), script(site), sheet(site, 'layer="components"')
    for name in ("xiebao.css", "xiebao.js"):
        (tmp_path / name).write_bytes((STATIC / name).read_bytes() + b"\n")
    assets.version.cache_clear()
    monkeypatch.setattr(assets, "_FOLDER", tmp_path)
    after = sheet(site), script(site), sheet(site, 'layer="components"')
    assets.version.cache_clear()
    for one_of_before, one_of_after in zip(before, after, strict=True):
        assert one_of_before != one_of_after
        assert one_of_before.split("?")[0] == one_of_after.split("?")[0]


def test_the_stylesheet_has_four_kilobytes_at_most() -> None:
    assert len(gzip.compress((STATIC / "xiebao.css").read_bytes(), 9)) <= 4096


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        ('nonce="r4nd0m"', "nonce", "r4nd0m"),
        ('integrity="sha384-x", crossorigin="anonymous"', "integrity", "sha384-x"),
        ('data_turbo_track="reload"', "data-turbo-track", "reload"),
        ('media="screen"', "media", "screen"),
        ("title='\"><script>'", "title", '"><script>'),
    ],
)
def test_they_take_attributes(site: Site, arguments: str, name: str, value: str) -> None:
    page = site.render(f"{{{{ xiebao_styles({arguments}) }}}}{{{{ xiebao_script({arguments}) }}}}")
    assert [element[name] for element in soup(page).select("link, script")] == [value] * 2
    assert one(page, "link")["rel"] == ["stylesheet"]
    assert one(page, "script").has_attr("defer")


def test_the_script_has_no_theme_that_could_be_misspelt(site: Site) -> None:
    assert one(site.render('{{ xiebao_script(them="x") }}'), "script")["them"] == "x"
    with pytest.raises(LinkError, match="There is no keyword them: did you mean theme"):
        site.render('{{ xiebao_styles(them="x") }}')


def test_in_a_layer_is_what_utilities_may_change(site: Site) -> None:
    url = sheet(site, 'layer="components.xiebao"')
    with site.follow(sheet(site)) as plain, site.follow(url) as layered:
        assert layered.mimetype == "text/css"
        name, _, rest = layered.get_data(as_text=True).partition("{")
        assert name.strip() == "@layer components.xiebao"
        depth = list(accumulate({"{": 1, "}": -1}.get(letter, 0) for letter in rest))
        end = depth.index(-1)
        inside, outside = rest[:end], rest[end + 1 :]
        assert (inside + outside).split() == plain.get_data(as_text=True).split()
        # What is for entries with no class but ours, and nothing else, is in no layer.
        outside = re.sub(r"/\*.*?\*/", "", outside, flags=re.DOTALL)
        selectors = re.findall(r"^[^{}]+(?=\{)", outside, re.MULTILINE)
        assert len(selectors) > 3
        for selector in ",".join(selectors).split(",\n"):
            where = ("[data-xiebao-look", '.xiebao-entry[aria-disabled="true"]', "@media")
            assert selector.strip().startswith(where)
        etag = layered.headers["ETag"]
    with site.app.test_client().get(url, headers={"If-None-Match": etag}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_how_long_static_files_are_kept_counts_in_a_layer_too(make_site: MakeSite) -> None:
    site = make_site(SEND_FILE_MAX_AGE_DEFAULT=3600)
    for url in (sheet(site), sheet(site, 'layer="components"')):
        with site.follow(url) as answer:
            assert answer.cache_control.max_age == 3600
            assert answer.cache_control.public


@pytest.mark.parametrize("layer", ["a b", "a{}", "1a", "a..b", "", 7, "a;}body{x:y"])
def test_what_is_no_name_of_a_layer_is_an_error(site: Site, layer: object) -> None:
    with pytest.raises(LinkError, match=r"layer must be the name of a CSS layer") as error:
        sheet(site, f"layer={layer!r}")
    assert error.value.argument == "layer"
    path = f"/xiebao/static/layer/{layer}/xiebao.css"
    with site.follow(path) as answer:
        assert answer.status_code in (308, 404)


@pytest.mark.parametrize(
    "path", ["layer/a/xiebao.js", "layer/a", "layer/xiebao.css", "other/a/xiebao.css"]
)
def test_nothing_but_the_stylesheet_is_in_a_layer(site: Site, path: str) -> None:
    assert site.follow(f"/xiebao/static/{path}").status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_a_theme_is_said_on_the_link(site: Site, theme: str) -> None:
    page = site.render(f'{{{{ xiebao_styles(theme="{theme}") }}}}')
    assert one(page, "link")["data-xiebao-theme"] == theme


def test_a_wrong_theme_is_an_error_and_in_service_the_page_keeps_its_styles(
    site: Site, make_site: MakeSite
) -> None:
    with pytest.raises(LinkError, match="light, dark, system, not 'black'"):
        sheet(site, 'theme="black"')
    live = make_site(**LIVE)
    assert sheet(live, 'theme="black"') == sheet(live)
    assert script(live, 'src="/mine.js"') == script(live)


def test_what_is_of_links_is_no_attribute_of_theirs(site: Site) -> None:
    for call in (sheet, script):
        with pytest.raises(LinkError, match="no_login_for is a keyword of links"):
            call(site, "no_login_for=60")


def test_a_page_of_a_site_below_another_path_finds_them(site: Site) -> None:
    with site.app.test_client() as browser:
        site.source = "{{ xiebao_styles(layer='a') }}{{ xiebao_script() }}"
        page = browser.get("/page", base_url="http://localhost/shop")
        for element in soup(page).select("link, script"):
            url = str(element.get("href") or element["src"])
            assert url.startswith("/shop/xiebao/static/")


def test_every_token_is_explained() -> None:
    css = (STATIC / "xiebao.css").read_text()
    tokens = set(re.findall(r"var\((--xiebao-[a-z-]+)", css))
    assert len(tokens) >= 20
    rows = re.findall(r"^\| (`--xiebao.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(--xiebao-[a-z-]+)`", " ".join(rows))) == tokens


def test_the_catalog_lists_every_token() -> None:
    css = (STATIC / "xiebao.css").read_text()
    assert {token.name for token in TOKENS} == set(re.findall(r"var\((--xiebao-[a-z-]+)", css))


def test_styles_are_there_when_nothing_is_sold(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    with site.follow(sheet(site)) as answer:
        assert answer.status_code == 200
