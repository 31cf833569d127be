"""A shop with each of the extensions, built as the extension's own documentation says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sentry_sdk
from cachelib.file import FileSystemCache
from flask import Flask, request
from flask_babel import Babel
from flask_caching import Cache
from flask_cors import CORS
from flask_debugtoolbar import DebugToolbarExtension
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, login_user
from flask_seasurf import SeaSurf
from flask_session import Session
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport

from tests.ecosystem.shop import Shop, Way, remembered

#: What the extensions are warned of, and not this package.
THEIR_WARNINGS = [
    # Flask-SeaSurf 2.0 finds its cookie's expiry by what Python 3.12 deprecated.
    pytest.mark.filterwarnings(r"ignore:datetime\.datetime\.utcnow\(\):DeprecationWarning"),
    # Sentry has another name for it since 2.75, which earlier versions do not know.
    pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning"),
]

WTF_TOKEN = '<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">'
SEASURF_TOKEN = '<input type="hidden" name="_csrf_token" value="{{ csrf_token() }}">'
# Both call it csrf_token(), and in templates Flask-WTF's is the one.
BOTH_TOKENS = WTF_TOKEN + SEASURF_TOKEN.replace("csrf_token()", "g.seasurf_csrf_token")


def flask_wtf(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, partial(way.add, CSRFProtect), form_fields=WTF_TOKEN)


def with_seasurf(way: Way, *others: Callable[[Flask], object], form_fields: str) -> Shop:
    """Return a shop with others and Flask-SeaSurf, which lets notifications through."""
    guards: list[SeaSurf] = []
    shop = Shop(
        way, *others, lambda app: guards.append(way.add(SeaSurf, app)), form_fields=form_fields
    )
    guards[0].exempt(shop.app.view_functions["xiebao.notify"])  # as doctor says
    return shop


def flask_seasurf(way: Way, scene: ExitStack) -> Shop:
    return with_seasurf(way, form_fields=SEASURF_TOKEN)


def add_limiter(way: Way, *limits: str) -> Callable[[Flask], object]:
    key, storage = get_remote_address, "memory://"
    return partial(way.add, Limiter, key_func=key, default_limits=[*limits], storage_uri=storage)


def flask_limiter(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, add_limiter(way, "2000 per day", "1000 per hour"))


def flask_talisman(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, partial(way.add, Talisman))


def the_first_four(way: Way, scene: ExitStack) -> Shop:
    csrf, talisman = partial(way.add, CSRFProtect), partial(way.add, Talisman)
    limiter = add_limiter(way, "2000 per day", "1000 per hour")
    return with_seasurf(way, csrf, limiter, talisman, form_fields=BOTH_TOKENS)


def flask_cors(way: Way, scene: ExitStack) -> Shop:
    return Shop(
        way,
        partial(way.add, CORS),
        CORS_SUPPORTS_CREDENTIALS=True,
        CORS_ORIGINS=["https://partner.example", "https://other.example"],
    )


def flask_session(way: Way, scene: ExitStack) -> Shop:
    folder = scene.enter_context(TemporaryDirectory())
    return Shop(
        way,
        partial(way.add, Session),
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(folder),
    )


def flask_caching(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, partial(way.add, Cache), CACHE_TYPE="SimpleCache", XIEBAO_DEVICE_MARKUP=False)


# All but the one of the versions, which takes a tenth of a second for each page.
TOOLBAR_PANELS = [
    "flask_debugtoolbar.panels.timer.TimerDebugPanel",
    "flask_debugtoolbar.panels.headers.HeaderDebugPanel",
    "flask_debugtoolbar.panels.request_vars.RequestVarsDebugPanel",
    "flask_debugtoolbar.panels.config_vars.ConfigVarsDebugPanel",
    "flask_debugtoolbar.panels.template.TemplateDebugPanel",
    "flask_debugtoolbar.panels.sqlalchemy.SQLAlchemyDebugPanel",
    "flask_debugtoolbar.panels.logger.LoggingPanel",
    "flask_debugtoolbar.panels.route_list.RouteListDebugPanel",
    "flask_debugtoolbar.panels.profiler.ProfilerDebugPanel",
    "flask_debugtoolbar.panels.g.GDebugPanel",
]


def flask_debug_toolbar(way: Way, scene: ExitStack, **config: Any) -> Shop:
    return Shop(
        way,
        partial(way.add, DebugToolbarExtension),
        address="http://127.0.0.1:5000",
        **{
            "DEBUG": True,
            "DEBUG_TB_PROFILER_ENABLED": True,
            "DEBUG_TB_INTERCEPT_REDIRECTS": False,
            "DEBUG_TB_PANELS": TOOLBAR_PANELS,
            "XIEBAO_PUBLIC_URL": None,
            **config,
        },
    )


class User(UserMixin):  # type: ignore[misc]  # Flask-Login has no annotations
    """Somebody whom Flask-Login knows by this, which need not be a text."""

    def __init__(self, id: Any) -> None:
        self.id = id

    def get_id(self) -> Any:
        return self.id


def flask_login(
    way: Way,
    scene: ExitStack,
    users: Mapping[str, User] | None = None,
) -> Shop:
    """Return a shop that leaves it to Flask-Login who is signed in.

    :param users: by what they put into the form.
    """
    known = users or {"alice": User("7"), "bob": User("8")}

    def extend(app: Flask) -> None:
        manager = way.add(LoginManager, app)
        manager.user_loader(lambda id: next((u for u in known.values() if u.id == id), None))

    return Shop(
        way,
        extend,
        loader=None,
        sign_in=lambda name: login_user(known[name]),
        members={name: str(user.id) for name, user in known.items()},
    )


def flask_login_uuid(way: Way, scene: ExitStack) -> Shop:
    """Return one whose author forgot that Flask-Login asks for a text."""
    return flask_login(way, scene, {"alice": User(ALICE), "bob": User(BOB)})


ALICE = uuid.UUID("0b6f4f1e-53e5-4f0c-9a5f-0d3b8a9d8c11")
BOB = uuid.UUID("c2a1f7d0-8a43-4f39-b1ce-6a7f5e2d9b42")


def flask_babel(way: Way, scene: ExitStack) -> Shop:
    def locale() -> str | None:
        return request.accept_languages.best_match(["zh", "en"])

    def extend(app: Flask) -> None:
        Babel().init_app(app, locale_selector=locale)

    return Shop(way, extend, BABEL_DEFAULT_LOCALE="zh")


@contextmanager
def sentry() -> Iterator[list[str]]:
    """Switch Sentry on; the value is what it sends, as text."""
    sent: list[str] = []

    class Collector(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            sent.extend(item.get_bytes().decode() for item in envelope.items)

    sentry_sdk.init(
        dsn="https://public@sentry.example/1",
        transport=Collector,
        # The others change the interpreter itself, for good.
        default_integrations=False,
        integrations=[FlaskIntegration(), LoggingIntegration(), DedupeIntegration()],
        send_default_pii=True,
        include_local_variables=True,
        traces_sample_rate=1.0,
        # Nothing is hidden for its name: what is no secret has to be so by itself.
        event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),
    )
    try:
        with sentry_sdk.isolation_scope():
            yield sent
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)


def sentrys(way: Way, scene: ExitStack) -> Shop:
    scene.enter_context(sentry())
    return Shop(way)


def trace(app: Flask, spans: SpanExporter, scene: ExitStack) -> None:
    """Have OpenTelemetry trace an app until the scene is over."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    scene.callback(provider.shutdown)
    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(app, tracer_provider=provider)
    scene.callback(instrumentor.uninstrument_app, app)


def opentelemetry(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, lambda app: trace(app, InMemorySpanExporter(), scene))


async def remembered_later() -> str | None:
    return remembered()


def asynchronous(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, loader=remembered_later)


Build = Callable[[Way, ExitStack], Shop]

SITES: dict[str, Build] = {
    "Flask-WTF": flask_wtf,
    "Flask-Limiter": flask_limiter,
    "Flask-SeaSurf": flask_seasurf,
    "Flask-Talisman": flask_talisman,
    "the first four": the_first_four,
    "Flask-CORS": flask_cors,
    "Flask-Session": flask_session,
    "Flask-Caching": flask_caching,
    "Flask-DebugToolbar": flask_debug_toolbar,
    "Flask-Login": flask_login,
    "Flask-Login, UUID": flask_login_uuid,
    "Flask-Babel": flask_babel,
    "Sentry": sentrys,
    "OpenTelemetry": opentelemetry,
    "async": asynchronous,
}
