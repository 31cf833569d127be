"""Pages of other people's frameworks and styles, and entries in each of them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flask import (
    Flask,
    Response,
    abort,
    render_template_string,
    request,
    send_from_directory,
)

from flask_xiebao import Xiebao
from tests.support import CONFIG, MACROS, serve

#: Where `make test` has npm install what package.json names.
MODULES = Path(__file__).parents[2] / ".venv/npm/node_modules"

#: Where the stylesheets stand: one of the host's between ours, or the other way round.
THEIRS, OURS = "%(theirs)s", "%(ours)s"


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


_BOOTSTRAP = ("modules/bootstrap/dist/css/bootstrap.min.css",)
# Without its icons, which come from the net.
_VANT = tuple(
    f"modules/vant/lib/{part}.css" for part in ("style/css-variables", "style/base", "button/index")
)
_VANT_GROUND = "body { background: var(--van-background); color: var(--van-text-color) }"
_LAYERED = 'xiebao_styles(layer="components")'
_TAILWIND_BODY = 'class="bg-white text-slate-900 dark:bg-slate-900 dark:text-slate-100"'
_DARK_BY_MEDIA = (
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
"""
#: The Tailwind classes that pages here use.
UTILITIES = (
    *("bg-white", "text-slate-900", "dark:bg-slate-900", "dark:text-slate-100", "prose"),
    *("mt-4", "px-8", "rounded-none", "bg-orange-200", "text-black"),
    *("inline-block", "border-4"),
)

_RULES_FOR_LINKS = """
.article a { color: #0366d6; text-decoration: underline; border-bottom: 1px dotted; }
.article a:link { color: #0366d6; background: #fffbcc; }
.article a:visited { color: #6f42c1; }
.article a:hover { color: #d73a49; background: #ffd; text-decoration: none; }
.article a { padding-left: 20px; font-weight: 300; }
.article a span { color: #bbb; background: none; }
.article a[href]::after { content: " (" attr(href) ")"; display: inline-block; }
"""
_RESET = """
*, *::before, *::after { all: unset; display: revert; }
a { all: unset; display: inline; color: #0366d6; text-transform: uppercase; letter-spacing: 0.2em; }
html body main div a { padding: 0; border: 0; font: italic 900 11px/1 serif; background: none; }
*:focus { outline: none; }
head, script { display: none; }
html { background: #fff; color: #222; font: 16px/1.5 sans-serif; }
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
    "a reset": Host(css=_RESET),
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
        styles='xiebao_styles(theme="dark")',
        dark="always",
    ),
    "twice as large": Host(css="html { font-size: 200% }"),
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

#: Entries of every look, by id; *words* are those of :data:`WORDS`.
ENTRIES = {
    "button": '{{ insurance_entry("QX1") }}',
    "outline": '{{ insurance_entry("QX1", class="xiebao-entry--outline") }}',
    "small": '{{ insurance_entry("QX1", class="xiebao-entry--small xiebao-entry--pill") }}',
    "large": '{{ insurance_entry("QX1", class="xiebao-entry--large") }}',
    "block": '{{ insurance_entry("QX1", class="xiebao-entry--block") }}',
    "row": (
        '<span class="beside"><span>{{ words.text }}，{{ words.text }}</span>'
        '{{ insurance_entry("QX1") }}</span>'
    ),
    "link": '{{ words.before }}{{ insurance_entry("QX1", class="xiebao-entry--link") }}',
    "card": (
        "{{ insurance_card('QX1', words.title, text=words.text, price=words.price,"
        " badge=words.badge, image='/picture.svg', action=words.action, insurer=words.insurer) }}"
    ),
    "stacked": (
        "{{ insurance_card('QX1', words.title, price=words.price, badge=words.badge,"
        " image='/picture.svg', action=words.action, class='xiebao-entry--stacked') }}"
    ),
    "shrunk": (
        '<span class="shrunk">{{ insurance_card("QX1", words.title, price=words.price,'
        ' image="/picture.svg", action=words.action + words.action) }}</span>'
    ),
    "narrow": '<p class="narrow">{{ insurance_entry("QX1", words.title) }}</p>',
    "priced": "{{ insurance_card('QX1', words.title, price=words.price) }}",
    "quiet": "{{ insurance_card('QX1', words.title, text=words.text) }}",
    "label": "{{ insurance_home_entry(class='xiebao-entry--card') }}",
    "own": (
        '{% call insurance_entry("QX1", class="xiebao-entry--card") %}'
        '<span class="xiebao-entry__foot">'
        '<span class="xiebao-entry__action">{{ words.action }}</span>'
        '<span class="xiebao-entry__price">{{ words.price }}</span></span>'
        '<span class="xiebao-entry__badge">{{ words.badge }}</span>'
        '<img class="xiebao-entry__image" src="/picture.svg" alt="">'
        '<span class="xiebao-entry__insurer">{{ words.insurer }}</span>'
        '<span class="xiebao-entry__text">{{ words.text }}</span>'
        '<span class="xiebao-entry__title">{{ words.title }}</span>'
        "{% endcall %}"
    ),
}
WORDS = {
    "zh": {
        "before": "出发之前，先",
        "title": "境内旅行意外险",
        "text": "航班延误、意外医疗、行李丢失，一份都管",
        "price": "¥3 起/天",
        "badge": "热卖",
        "action": "去投保",
        "insurer": "某某财产保险股份有限公司",
    },
    "en": {
        "before": "Before you leave: ",
        "title": "Domestic travel accident insurance",
        "text": "Delayed flights, medical treatment and lost luggage, all in one",
        "price": "From ¥3 a day",
        "badge": "Bestseller",
        "action": "Get insured",
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
_SHEET = '<link rel="stylesheet" href="%s">'


def page_of(name: str, main: str) -> str:
    """Return the template of a host's page with *main* in it."""
    host = HOSTS[name]
    theirs = "".join(_SHEET % f"/{sheet}" for sheet in host.sheets) + _SHEET % f"/css/{name}"
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
def serve_hosts(folder: Path) -> Iterator[str]:
    """Serve every host under a strict policy: ``/<locale>/<host>``.

    :param folder: where what is built can be written.
    """
    build_tailwind(folder)
    with contextlib.ExitStack() as stack:
        apps = {locale: _create_app(locale, folder) for locale in WORDS}

        def choose(environ: dict[str, str], start_response: object) -> object:
            locale = environ["PATH_INFO"].split("/")[1]
            return apps.get(locale, apps["zh"])(environ, start_response)  # type: ignore[arg-type]

        yield stack.enter_context(serve(choose))  # type: ignore[arg-type]


def _create_app(locale: str, folder: Path) -> Flask:
    app = Flask("host", static_folder=None)
    app.config.update(CONFIG, XIEBAO_ENV="test", XIEBAO_STRICT=True, XIEBAO_LOCALE=locale)
    app.config["XIEBAO_URL_PREFIX"] = f"/{locale}/xiebao"
    Xiebao(app).member_loader(lambda: None)

    @app.get(f"/{locale}/<name>")
    @app.get(f"/{locale}/<name>/<part>")
    def host(name: str, part: str | None = None) -> str:
        if name not in HOSTS:
            abort(404)
        lang = "zh-CN" if locale == "zh" else locale
        return render_template_string(_template(name, part), words=WORDS[locale], lang=lang)

    @app.get("/css/<name>")
    def css(name: str) -> Response:
        return Response(HOSTS[name].css + _ROW, mimetype="text/css")

    @app.get("/app/<name>")
    def script(name: str) -> Response:
        return Response(SCRIPTS[name], mimetype="text/javascript")

    @app.get("/modules/<path:name>")
    def modules(name: str) -> Response:
        return send_from_directory(MODULES, name)

    @app.get("/built/<path:name>")
    def built(name: str) -> Response:
        return send_from_directory(folder, name)

    @app.get("/picture.svg")
    def picture() -> Response:
        svg = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="99%" height="99%"/></svg>'
        return Response(svg, mimetype="image/svg+xml")

    @app.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204

    @app.after_request
    def be_strict(response: Response) -> Response:
        # Bootstrap's own stylesheet has pictures in it.
        policy = "default-src 'self'; img-src 'self' data:"
        if request.path.endswith("/vue"):  # which compiles what is in a page
            policy += "; script-src 'self' 'unsafe-eval'"
        if request.path.endswith("/Turbo"):  # whose progress bar has its styles with it
            policy += "; style-src 'self' 'nonce-turbo'"
        response.headers["Content-Security-Policy"] = policy
        return response

    return app


def _template(name: str, part: str | None) -> str:
    host = HOSTS[name]
    entries = "".join(f'<div id="{id_}">{entry}</div>' for id_, entry in ENTRIES.items())
    if part == "entries":
        return MACROS + host.around % entries
    if part is not None:
        return page_of(name, host.around % MORE[part])
    if host.fetches:
        return page_of(name, host.fetches % {"address": "{{ request.path }}/entries"})
    return page_of(name, host.around % entries)


_UTILITIES = {
    "margin": "mt-4",
    "colors": "bg-orange-200 text-black",
    "padding": "px-8",
    "corners": "rounded-none",
    "border": "border-4",
}
#: What else stands in some of the pages, by the last part of the address.
MORE = {
    # Each beside an element that has the utilities alone.
    "utilities": "".join(
        f'<p id="{name}">{{{{ insurance_entry("QX1", class="xiebao-entry--button {classes}") }}}}'
        f' <span class="inline-block {classes}">x</span></p>'
        for name, classes in _UTILITIES.items()
    ),
    "alpine": (
        '<script src="/app/alpine" defer></script>'
        '<script src="/modules/@alpinejs/csp/dist/cdn.min.js" defer></script>'
        '<p x-data="page" id="alpine">'
        '{{ insurance_entry("QX1", **{":class": "look"}) }}</p>'
    ),
    "vue": (
        '<div id="app"><p id="vue">{{ insurance_entry("QX1", **{":class": "look"}) }}</p></div>'
        '<script src="/modules/vue/dist/vue.global.prod.js" defer></script>'
        '<script src="/app/vue" defer></script>'
    ),
    "code": '<p id="code">{{ insurance_qr("QX1", size=200) }}</p>',
}
#: The site's own scripts.
SCRIPTS = {
    "alpine": (
        "document.addEventListener('alpine:init', () =>"
        " Alpine.data('page', () => ({look: 'is-active now'})));"
    ),
    "vue": "Vue.createApp({data: () => ({look: 'is-active now'})}).mount('#app');",
}


def build_tailwind(folder: Path) -> None:
    """Have both versions of Tailwind build a stylesheet, as their manuals say."""
    node = shutil.which("node")
    assert node is not None
    three = {
        "content": [{"raw": " ".join(UTILITIES)}],
        "darkMode": "class",
        "plugins": [],
    }
    config = folder / "tailwind.config.js"
    typography = json.dumps(str(MODULES / "@tailwindcss/typography"))
    config.write_text(
        f"module.exports = {{...{json.dumps(three)}, plugins: [require({typography})]}}"
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
        "three": (MODULES / "tailwindcss-3/lib/cli.js", "-c", config),
        "four": (MODULES / "@tailwindcss/cli/dist/index.mjs",),
    }
    for number, (name, command) in zip("34", commands.items(), strict=True):
        subprocess.run(  # noqa: S603
            [
                *(node, *command, "--input", folder / f"{name}.css"),
                *("--output", folder / f"tailwind-{number}.css"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=60,
        )
