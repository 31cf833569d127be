"""Service workers for the test shop in ``tests/browser/shop.py``.

To test another service worker, add a row to ``WORKERS``.
"""

from __future__ import annotations

from flask import Flask, Response
from playwright.sync_api import Page

#: One row per service worker: the name, and a JavaScript expression for the response to a request.
WORKERS = {
    "forwards requests": "fetch(event.request)",
    "adds header": "fetch(new Request(event.request, {headers:"
    " {...Object.fromEntries(event.request.headers), 'X-Shop': '1'}}))",
    "replaces headers": "fetch(new Request(event.request, {headers: {'X-Shop': '1'}}))",
    "bypasses cache": "fetch(event.request, {cache: 'no-store'})",
    "uses navigation preload": (
        "event.preloadResponse.then(response => response || fetch(event.request))"
    ),
}
_WORKER = """\
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(Promise.all([
  clients.claim(), registration.navigationPreload.%s(),
])));
addEventListener("fetch", event => {
  if (event.request.method == "GET") event.respondWith(%s);
});
"""


def add_service_workers(app: Flask) -> None:
    """Add a view to the app that serves the scripts of the service workers."""

    @app.get("/worker/<name>")
    def serve_worker_script(name: str) -> Response:
        preload = "enable" if name == "uses navigation preload" else "disable"
        return Response(
            _WORKER % (preload, WORKERS[name]),
            mimetype="text/javascript",
            headers={"Service-Worker-Allowed": "/"},
        )


def register_service_worker(page: Page, worker: str | None) -> None:
    """Register a service worker, unless it is None, and wait until it controls the page."""
    if worker is not None:
        page.evaluate(
            """async worker => {
              const {serviceWorker} = navigator;
              const controlled = new Promise(done => serviceWorker.oncontrollerchange = done);
              await serviceWorker.register(`/worker/${worker}`, {scope: "/"});
              await controlled;
            }""",
            worker,
        )
