"""What else stands in pages of the hosts of `tests/browser`."""

from __future__ import annotations

from flask import Flask, Response, render_template_string

from tests.browser.hosts import HOSTS, page_of

_UTILITIES = {
    "margin": "mt-4",
    "place": "absolute",
    "colors": "bg-orange-200 text-black",
    "padding": "px-8",
    "corners": "rounded-none",
    "border": "border-4",
}
#: What else stands in some of the pages, by the last part of the address.
MORE = {
    # Each beside an element that has the utilities alone.
    "utilities": "".join(
        f'<p id="{name}">{{{{ insurance_entry("QX1", class="{classes}") }}}}'
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


def add_more_pages(app: Flask) -> None:
    """Add pages of the hosts that have these: ``/more/<host>/<part>``."""

    @app.get("/more/<name>/<part>")
    def more(name: str, part: str) -> Response:
        main = HOSTS[name].around % MORE[part]
        response = Response(render_template_string(page_of(name, main), lang="zh-CN"))
        if part == "vue":  # which compiles what is in a page
            policy = "default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-eval'"
            response.headers["Content-Security-Policy"] = policy
        return response

    @app.get("/app/<name>")
    def script(name: str) -> Response:
        return Response(SCRIPTS[name], mimetype="text/javascript")
