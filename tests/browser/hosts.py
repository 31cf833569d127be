"""Pages of other people's frameworks and styles, and entries in each of them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flask import (
    Flask,
    Response,
    render_template_string,
    request,
    send_from_directory,
)
from playwright.sync_api import Locator, Page

from flask_xiebao import Xiebao
from tests.browser.harness import MODULES, add_icon
from tests.support import CONFIG, MACROS, serve_app


class Host(NamedTuple):
    """A page, as somebody else writes it.

    :param sheets: the stylesheets, by their addresses below ``/modules`` or ``/built``.
    :param css: what the site's own stylesheet says.
    :param html: attributes of the ``<html>`` element.
    :param head: what else is in the head.
    :param body: attributes of the ``<body>`` element.
    :param around: what stands around the entries.
    :param styles: the call of our macro.
    :param ours_last: our stylesheet comes after the host's.
    :param dark: on which devices the page is dark: ``never``, ``always`` or as the ``system``.
    :param scale: how large its text is.
    :param fetches: what stands in the page instead of the entries and fetches them from *address*.
    """

    sheets: tuple[str, ...] = ()
    css: str = ""
    html: str = ""
    head: str = ""
    body: str = ""
    around: str = "%s"
    styles: str = "xiebao_styles()"
    ours_last: bool = False
    dark: str = "never"
    fetches: str = ""
    scale: int = 1


_BOOTSTRAP = ("modules/bootstrap/dist/css/bootstrap.min.css",)
# Without its icons, which come from the net.
_VANT = tuple(
    f"modules/vant/lib/{part}.css" for part in ("style/css-variables", "style/base", "button/index")
)
_VANT_GROUND = "body { background: var(--van-background); color: var(--van-text-color) }"
_LAYERED = 'xiebao_styles(layer="components")'
_TAILWIND_BODY = 'class="bg-white text-slate-900 dark:bg-slate-900 dark:text-slate-100"'
_DARK_BY_MEDIA = (
    "body { font-family: system-ui, sans-serif }"
    "@media (prefers-color-scheme: dark) { body { background: #101418; color: #e6e6e6 } }"
)
# What browsers paint by themselves, which axe does not know.
_CANVAS = "body { background: Canvas; color: CanvasText }"
# A row in which a button has as little room as it takes.
_ROW = """
.beside { display: flex; align-items: center }
.beside > span { flex: 0 1 1000%; min-width: 0 }
.shrunk { display: inline-block }
.narrow { inline-size: 9em }
.grid { display: grid; grid-template-columns: 1fr 1fr; gap: 12px }
.flex, .carousel { display: flex; gap: 12px }
.flex > img { inline-size: 80px }
.carousel { overflow-x: auto }
.looks { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; padding: 12px 16px }
.looks > :nth-child(n + 7) { inline-size: 100% }
.framework { display: flex; flex-wrap: wrap; align-items: center; gap: 12px; padding: 12px 16px }
.framework > :last-child { inline-size: 100% }
.carousel > * { flex: 0 0 85% }
"""
#: The Tailwind classes that pages here use.
UTILITIES = (
    *("bg-white", "text-slate-900", "dark:bg-slate-900", "dark:text-slate-100", "prose"),
    *("mt-4", "px-8", "rounded-none", "bg-orange-200", "text-black"),
    *("inline-block", "border-4", "absolute"),
    *("rounded-lg", "bg-teal-700", "px-4", "py-2.5", "font-semibold", "text-white"),
)

_RULES_FOR_LINKS = """
.article a { color: #0366d6; text-decoration: underline; border-bottom: 1px dotted; }
.article a:link { color: #0366d6; background: #fffbcc; }
.article a:visited { color: #6f42c1; }
.article a:hover { color: #d73a49; background: #ffd; text-decoration: none; }
.article a { padding-left: 20px; font-weight: 300; will-change: transform; }
.article a { -webkit-text-fill-color: transparent; -webkit-background-clip: text; }
.article a span { color: #bbb; background: none; }
.article a[href]::after { content: " (" attr(href) ")"; display: inline-block; max-width: 14px; }
.article span { position: relative; }
"""
_BRAND = """
body { font-family: system-ui, sans-serif; }
:root {
  --xiebao-accent: #ff6600; --xiebao-on-accent: #1f1300; --xiebao-price: #a33f00;
  --xiebao-radius: 4px; --xiebao-card-radius: 20px; --xiebao-line: transparent;
  --xiebao-card-shadow: 0 2px 12px rgb(0 0 0 / 12%); --xiebao-surface: #fff;
}
"""
_RESET = """
*, *::before, *::after { all: unset; display: revert; }
a { all: unset; display: inline; color: #0366d6; text-transform: uppercase; letter-spacing: 0.2em; }
html body main div a { padding: 0; border: 0; font: italic 900 11px/1 serif; background: none; }
*:focus { outline: none; }
head, script { display: none; }
html { background: #fff; color: #222; font: 16px/1.5 sans-serif; }
"""

# An order page that gives its icons, links and titles rules with its id.
_RULES_WITH_AN_ID = """
#order { max-width: 1180px; margin: 0 auto; padding: 12px; line-height: 1.3; }
#order .detail a { color: #287dfa; text-decoration: underline; background: none; border: 0; }
#order .detail a { padding: 0; font-weight: 400; border-radius: 0; text-align: left; }
#order .detail a span { display: inline; color: #999; font-size: 12px; font-weight: 400; }
#order .detail a span { line-height: 1; white-space: nowrap; word-break: break-all; padding: 0; }
#order .detail a::before { content: "→ "; }
#order #terms a { padding: 8px; background: #ff0; color: #999; font-size: 12px; }
#order small { display: block; font-style: italic; }
#order svg { width: 1em; height: 1em; fill: #287dfa; }
#order svg path { fill: currentcolor; stroke: none; }
@layer base { svg { width: 1em; height: 1em; } }
"""

HOSTS: Mapping[str, Host] = {
    "nothing": Host(),
    "Bootstrap": Host(_BOOTSTRAP),
    "Bootstrap, dark": Host(_BOOTSTRAP, html='data-bs-theme="dark"', ours_last=True, dark="always"),
    "Bootstrap, a dark part": Host(
        _BOOTSTRAP,
        around='<div class="bg-body text-body p-2" data-bs-theme="dark">%s</div>',
        dark="always",
    ),
    "Tailwind 3": Host(("built/tailwind-3.css",), body=_TAILWIND_BODY),
    "Tailwind 3, dark": Host(
        ("built/tailwind-3.css",),
        html='class="dark"',
        body=_TAILWIND_BODY,
        ours_last=True,
        dark="always",
    ),
    "Tailwind 3, prose": Host(
        ("built/tailwind-3.css",), around='<article class="prose">%s</article>', ours_last=True
    ),
    "Tailwind 4": Host(
        ("built/tailwind-4.css",), body=_TAILWIND_BODY, styles=_LAYERED, ours_last=True
    ),
    "Tailwind 4, dark": Host(
        ("built/tailwind-4.css",),
        html='class="dark"',
        body=_TAILWIND_BODY,
        styles=_LAYERED,
        ours_last=True,
        dark="always",
    ),
    "Tailwind 4, prose": Host(
        ("built/tailwind-4.css",),
        styles=_LAYERED,
        ours_last=True,
        around='<article class="prose">%s</article>',
    ),
    "Tailwind 4, and rules for links": Host(
        ("built/tailwind-4.css",),
        css=_RULES_FOR_LINKS,
        styles=_LAYERED,
        ours_last=True,
        around='<div class="article">%s</div>',
    ),
    "Tailwind 4, without our layer": Host(("built/tailwind-4.css",), body=_TAILWIND_BODY),
    "Vant": Host(_VANT, _VANT_GROUND),
    "Vant, dark": Host(_VANT, _VANT_GROUND, html='class="van-theme-dark"', dark="always"),
    "rules for links": Host(
        css=_RULES_FOR_LINKS, around='<div class="article">%s</div>', ours_last=True
    ),
    "rules with an id": Host(
        css=_RULES_WITH_AN_ID, around='<div id="order"><div class="detail">%s</div></div>'
    ),
    "tokens of a brand": Host(css=_BRAND),
    "static links": Host(
        css=".page a, .page div { position: static } .page > div { margin: 8px }",
        around='<div class="page">%s</div>',
    ),
    "a reset": Host(css=_RESET),
    "Pico": Host(("modules/@picocss/pico/css/pico.min.css",), ours_last=True, dark="system"),
    "Bulma": Host(
        ("modules/bulma/css/bulma.min.css",),
        # What is read at once is read before a color has faded in.
        css="a { transition: none !important }",
        around='<div class="content">%s</div>',
        dark="system",
    ),
    "right to left": Host(html='dir="rtl"'),
    "a media query": Host(css=_DARK_BY_MEDIA, dark="system"),
    "color-scheme": Host(css=f":root {{ color-scheme: light dark }} {_CANVAS}", dark="system"),
    "color-scheme of a meta": Host(
        css=_CANVAS,
        head='<meta name="color-scheme" content="dark">',
        ours_last=True,
        dark="always",
    ),
    "says that it can be dark, and is not": Host(
        css=":root { color-scheme: light dark } body { background: #fff; color: #222 }"
    ),
    "colors that do not follow the ground": Host(
        css="main { background: #15202b } h1 { color: #fff }",
        html='data-xiebao-theme="dark"',
        dark="always",
    ),
    "twice as large": Host(css="html { font-size: 200% }", scale=2),
    **{
        f"HTMX {version}": Host(
            css=_DARK_BY_MEDIA,
            head=(
                '<meta name="htmx-config" content=\'{"includeIndicatorStyles": false}\'>'
                f'<script src="/modules/{package}/dist/htmx.min.js" defer></script>'
            ),
            fetches='<div hx-get="%(address)s" hx-trigger="load"></div>',
            dark="system",
        )
        for version, package in (("2", "htmx.org"), ("4", "htmx-4"))
    },
    "Turbo": Host(
        css=_DARK_BY_MEDIA,
        head=(
            '<meta name="csp-nonce" content="turbo">'
            '<script src="/modules/@hotwired/turbo/dist/turbo.es2017-esm.js" type="module">'
            "</script>"
        ),
        around='<turbo-frame id="entries">%s</turbo-frame>',
        fetches='<turbo-frame id="entries" src="%(address)s"></turbo-frame>',
        dark="system",
    ),
}

# As shops have it twice in a row of a phone.
_TWO_OF_A_ROW = (
    '{{ insurance_card("QX1", words.title, text=words.text, price=words.price,'
    ' image="/picture.svg", action=words.action) }}'
)
_ICON = (
    '<svg viewBox="0 0 24 24" fill="currentColor"{}>'
    '<path d="M12 2 3 6v6c0 5 4 9 9 10 5-1 9-5 9-10V6z"/></svg>'
)
_LONG_LABEL = "words.title ~ words.title"
#: Entries of every look, by id; *words* are those of :data:`WORDS`.
ENTRIES = {
    "button": '{{ insurance_entry("QX1") }}',
    "outline": '{{ insurance_entry("QX1", outline=True) }}',
    "small": '{{ insurance_entry("QX1", size="small", pill=True) }}',
    "large": '{{ insurance_entry("QX1", size="large") }}',
    "block": '{{ insurance_entry("QX1", block=True) }}',
    "row": (
        '<span class="beside"><span>{{ words.text }}，{{ words.text }}</span>'
        '{{ insurance_entry("QX1") }}</span>'
    ),
    "icon": (
        '{% call insurance_entry("QX1") %}'
        f"{_ICON.format('')} {{{{ words.action }}}}{{% endcall %}}"
    ),
    "sized-icon": (
        '{% call insurance_entry("QX1", outline=True, block=True) %}'
        f"{_ICON.format(' width=32 height=32')} {{{{ words.action }}}}{{% endcall %}}"
    ),
    "borderless": '{{ insurance_entry("QX1", borderless=True) }}',
    "small-outline": '{{ insurance_entry("QX1", size="small", outline=True) }}',
    "bold": '{% call insurance_entry("QX1") %}买<b>一份</b>险{% endcall %}',
    "large-in-table": (
        f'<table><tr><td>{{{{ insurance_entry("QX1", {_LONG_LABEL}, size="large") }}}}</table>'
    ),
    "large-in-inline-block": (
        f'<span class="shrunk">{{{{ insurance_entry("QX1", {_LONG_LABEL}, size="large") }}}}</span>'
    ),
    "link": '{{ words.before }}{{ insurance_entry("QX1", look="link") }}',
    "card": (
        "{{ insurance_card('QX1', words.title, text=words.text, price=words.price,"
        " badge=words.badge, image='/picture.svg', action=words.action, insurer=words.insurer) }}"
    ),
    "stacked": (
        "{{ insurance_card('QX1', words.title, price=words.price, badge=words.badge,"
        " image='/picture.svg', action=words.action, stacked=True) }}"
    ),
    "two-stacked": (
        '<div class="grid">'
        + 2
        * (
            '{{ insurance_card("QX1", words.title, price=words.price, badge=words.badge,'
            ' image="/picture.svg", action=words.action, stacked=True) }}'
        )
        + "</div>"
    ),
    "shrunk": (
        '<span class="shrunk">{{ insurance_card("QX1", words.title, price=words.price,'
        ' image="/picture.svg", action=words.action + words.action) }}</span>'
    ),
    "narrow": '<p class="narrow">{{ insurance_entry("QX1", words.title) }}</p>',
    "priced": "{{ insurance_card('QX1', words.title, price=words.price) }}",
    "quiet": "{{ insurance_card('QX1', words.title, text=words.text) }}",
    "label": "{{ insurance_home_entry(look='card') }}",
    "two": f'<div class="grid">{2 * _TWO_OF_A_ROW}</div>',
    "flex": f'<div class="flex">{2 * _TWO_OF_A_ROW}</div>',
    "thumbnail": f'<div class="flex"><img src="/picture.svg" alt="">{_TWO_OF_A_ROW}</div>',
    "table": f"<table><tr><td>1.<td>{_TWO_OF_A_ROW}</table>",
    "carousel": f'<div class="carousel" tabindex="-1">{2 * _TWO_OF_A_ROW}</div>',
    "terms": (
        '{{ insurance_card("QX1", words.title, text=words.text, insurer=words.insurer,'
        ' price="<small>¥</small>3 <s>¥5</s>"|safe, action=words.action, terms_url="/terms") }}'
    ),
    "covers": (
        '{{ insurance_card("QX1", words.title, covers=words.covers,'
        ' price=words.price, old_price="¥5", price_top=True, badge=words.badge,'
        " action=words.action) }}"
    ),
    "discount": (
        '{% call insurance_card("QX1", words.title, price=words.price, old_price="¥5",'
        ' image="/picture.svg") %}<i>4.8 / 5</i>{% endcall %}'
    ),
    "bare-terms": '{{ insurance_card("QX1", words.title, action=words.action, terms_url="/t") }}',
    "sold": (
        '{{ insurance_card("QX1", words.title, price=words.price, terms_url="/terms",'
        " disabled=words.sold) }}"
    ),
    "own": (
        '{% call insurance_entry("QX1", look="card") %}'
        '<span class="xiebao-entry__main">'
        '<img class="xiebao-entry__image" src="/picture.svg" alt="">'
        '<span class="xiebao-entry__body"><b class="xiebao-entry__title">{{ words.title }}'
        '<span class="xiebao-entry__badge">{{ words.badge }}</span></b>'
        '<span class="xiebao-entry__text">{{ words.text }}</span></span></span>'
        '<span class="xiebao-entry__foot">'
        '<span class="xiebao-entry__price">{{ words.price }}</span>'
        '<span class="xiebao-entry__action">{{ words.action }}</span></span>'
        "{% endcall %}"
    ),
}
#: The entries in the pictures of the manual, by the name of the page.
SHOWN = {
    "looks": (
        *("button", "outline", "borderless", "icon", "small-outline", "large", "block", "link"),
        *("card", "covers", "quiet"),
    ),
    "framework": ("button", "outline", "card"),
}
_PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <path fill="#bfe3f5" d="M0 0h64v64H0z"/>
  <circle cx="46" cy="18" r="8" fill="#ffd166"/>
  <path fill="#2a9d8f" d="M0 64V46l18-16 16 14 10-8 20 16v12z"/>
</svg>
"""
WORDS = {
    "zh": {
        "before": "出发之前，先",
        "title": "境内旅行意外险",
        "text": "航班延误、意外医疗、行李丢失，一份都管",
        "price": "¥3 起/天",
        "badge": "热卖",
        "action": "去投保",
        "sold": "已售罄",
        "covers": [("航班延误", "¥300"), ("意外医疗", "¥200,000"), "24 小时救援"],
        "insurer": "某某财产保险股份有限公司",
    },
    "en": {
        "before": "Before you leave: ",
        "title": "Domestic travel accident insurance",
        "text": "Delayed flights, medical treatment and lost luggage, all in one",
        "price": "From ¥3 a day",
        "badge": "Bestseller",
        "action": "Get insured",
        "sold": "Sold out",
        "covers": [("Delayed flight", "¥300"), ("Medical treatment", "¥200,000"), "Rescue"],
        "insurer": "Example Property & Casualty",
    },
}

_PAGE = """\
<!doctype html>
<html lang="{{ lang }}" %(html)s>
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>A host</title>
  %(head)s
  %(macros)s
  %(sheets)s
  {{ xiebao_script() }}
</head>
<body %(body)s><main><h1>%(name)s</h1>%(main)s</main></body>
</html>
"""


def page_of(name: str, main: str) -> str:
    """Return the template of a host's page with *main* in it."""
    host = HOSTS[name]
    sheets = (*host.sheets, f"css/{name}")
    theirs = "".join(f'<link rel="stylesheet" href="/{sheet}">' for sheet in sheets)
    ours = f"{{{{ {host.styles} }}}}"
    return _PAGE % {
        "html": host.html,
        "head": host.head,
        "body": host.body,
        "name": name,
        "sheets": theirs + ours if host.ours_last else ours + theirs,
        "macros": MACROS,
        "main": main,
    }


@contextlib.contextmanager
def serve_hosts(
    folder: Path, extend: Callable[[Flask], object] = lambda _: None
) -> Iterator[dict[str, str]]:
    """Serve every host under a strict policy; the values are the addresses, by their languages.

    :param folder: where what is built can be written.
    :param extend: puts more into the apps.
    """
    build_tailwind(folder)
    with contextlib.ExitStack() as stack:
        addresses = {}
        for locale in WORDS:
            app = _create_app(locale, folder)
            extend(app)
            addresses[locale] = stack.enter_context(serve_app(app))
        yield addresses


def _create_app(locale: str, folder: Path) -> Flask:
    app = Flask("host", static_folder=MODULES, static_url_path="/modules")
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_STRICT=True, XIEBAO_LOCALE=locale)
    app.debug = True  # A test fails if the script for debug mode warns about a text.
    Xiebao(app).member_loader(lambda: None)
    add_icon(app)

    @app.get("/host/<name>")
    @app.get("/host/<name>/<part>")
    def host(name: str, part: str = "") -> str:
        lang = "zh-CN" if locale == "zh" else locale
        return render_template_string(_template(name, part), words=WORDS[locale], lang=lang)

    @app.get("/css/<name>")
    def css(name: str) -> Response:
        return Response(HOSTS[name].css + _ROW, mimetype="text/css")

    @app.get("/built/<path:name>")
    def built(name: str) -> Response:
        return send_from_directory(folder, name)

    @app.get("/picture.svg")
    def picture() -> Response:
        return Response(_PICTURE, mimetype="image/svg+xml")

    @app.after_request
    def be_strict(response: Response) -> Response:
        # Bootstrap's own stylesheet has pictures in it.
        policy = "default-src 'self'; img-src 'self' data:"
        if request.path.endswith("/Turbo"):  # whose progress bar has its styles with it
            policy += "; style-src 'self' 'nonce-turbo'"
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return app


def _template(name: str, part: str) -> str:
    host = HOSTS[name]
    if part in SHOWN:
        shown = "".join(f"<div>{ENTRIES[id_]}</div>" for id_ in SHOWN[part])
        return page_of(name, host.around % f'<div class="{part}">{shown}</div>')
    entries = "".join(f'<div id="{id_}">{entry}</div>' for id_, entry in ENTRIES.items())
    entries += '<div id="qr">{{ insurance_qr("QX1") }}</div>'
    if part == "entries":
        return MACROS + host.around % entries
    if host.fetches:
        return page_of(name, host.fetches % {"address": "{{ request.path }}/entries"})
    return page_of(name, host.around % entries)


def build_tailwind(folder: Path) -> None:
    """Have both versions of Tailwind build a stylesheet, as their manuals say."""
    typography = json.dumps(str(MODULES / "@tailwindcss/typography"))
    content = json.dumps([{"raw": " ".join(UTILITIES)}])
    (folder / "tailwind.config.js").write_text(
        f"module.exports = {{content: {content}, darkMode: 'class',"
        f" plugins: [require({typography})]}}"
    )
    (folder / "three.css").write_text(
        "@tailwind base;\n@tailwind components;\n@tailwind utilities;\n"
    )
    (folder / "four.css").write_text(
        f'@import "{MODULES}/tailwindcss/index.css";\n'
        f"@plugin {typography};\n"
        "@custom-variant dark (&:where(.dark, .dark *));\n"
        f'@source inline("{" ".join(UTILITIES)}");\n'
    )
    commands = {
        "3": ("three.css", "tailwindcss-3/lib/cli.js", "-c", "tailwind.config.js"),
        "4": ("four.css", "@tailwindcss/cli/dist/index.mjs"),
    }
    for version, (source, program, *options) in commands.items():
        files = ("--input", source, "--output", f"tailwind-{version}.css")
        subprocess.run(  # noqa: S603
            [str(shutil.which("node")), MODULES / program, *options, *files],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=60,
        )


def show(page: Page, address: str, name: str) -> None:
    """Go to the page of a host, and wait for its entries: some pages fetch theirs."""
    page.goto(f"{address}/host/{name}")
    page.locator(".xiebao-entry, .xiebao-qr").first.wait_for()


#: An entry: of a card with two links, all of it.
WHOLE = ".xiebao-entry:not(.xiebao-entry__title), .xiebao-entry--card"


def entry_in(page: Page, name: str) -> Locator:
    return page.locator(f"#{name}").locator(WHOLE).first
