"""OpenTelemetry's instrumentation of Flask traces clicks by their routes."""

from __future__ import annotations

from contextlib import ExitStack

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.ecosystem.shop import Shop, Way
from tests.ecosystem.sites import trace
from tests.support import PC, PHONE


def test_clicks_are_spans_named_after_their_routes_without_the_sign(
    way: Way, scene: ExitStack
) -> None:
    spans = InMemorySpanExporter()
    shop = Shop(way, lambda app: trace(app, spans, scene))
    phone, pc = shop.browser(PHONE, signed_in="alice"), shop.browser(PC, signed_in="alice")
    links = phone.entries()
    spans.clear()

    for id in ("product", "home", "policy", "order"):
        assert phone.get(links[id]).status_code == 302
    assert pc.get(links["home"]).status_code == 200
    assert phone.get("/xiebao/paid/nonsense").status_code == 404

    finished = spans.get_finished_spans()
    assert [span.name for span in finished] == [
        "GET /xiebao/product/<token>",
        "GET /xiebao/home/<token>",
        "GET /xiebao/policy/<token>",
        "GET /xiebao/product/<token>",
        "GET /xiebao/home/<token>",
        "GET /xiebao/paid/<token>",
    ]
    for span in finished:
        assert span.kind is SpanKind.SERVER
        assert span.attributes is not None
        assert span.attributes["http.route"] == span.name.removeprefix("GET ")
        assert "001f9594105fd5b7ccb07caa01481a35" not in span.to_json()
        assert "/dispatch/cps" not in span.to_json()


def test_a_loader_that_fails_is_in_its_clicks_span(way: Way, scene: ExitStack) -> None:
    spans = InMemorySpanExporter()

    def fail() -> str:
        raise ConnectionError("the database is down")

    shop = Shop(way, lambda app: trace(app, spans, scene), loader=fail)
    assert shop.browser(PHONE).get(shop.link("product")).status_code == 500

    [span] = spans.get_finished_spans()
    assert span.name == "GET /xiebao/product/<token>"
    assert not span.status.is_ok
