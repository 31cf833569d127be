"""Functions that create a test shop with another Flask extension.

To test another extension, add a row to ``SITES``.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from tests.ecosystem.shop import AppSetup, Shop, load_session_member
from tests.requirements import import_later

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

# A missing package only skips the tests of its own row.
FileSystemCache = import_later("cachelib.file:FileSystemCache")
Babel = import_later("flask_babel:Babel")
Cache = import_later("flask_caching:Cache")
CORS = import_later("flask_cors:CORS")
DebugToolbarExtension = import_later("flask_debugtoolbar:DebugToolbarExtension")
get_remote_address = import_later("flask_limiter.util:get_remote_address")
Limiter = import_later("flask_limiter:Limiter")
LoginManager = import_later("flask_login:LoginManager")
login_user = import_later("flask_login:login_user")
SeaSurf = import_later("flask_seasurf:SeaSurf")
Session = import_later("flask_session:Session")
Talisman = import_later("flask_talisman:Talisman")
CSRFProtect = import_later("flask_wtf:CSRFProtect")
InMemorySpanExporter = import_later(
    "opentelemetry.sdk.trace.export.in_memory_span_exporter:InMemorySpanExporter"
)

ShopFactory = Callable[[AppSetup, ExitStack], Shop]

_WTF_FIELD = '<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">'
_SEASURF_FIELD = '<input type="hidden" name="_csrf_token" value="{{ csrf_token() }}">'

ALICE_UUID = uuid.UUID("0b6f4f1e-53e5-4f0c-9a5f-0d3b8a9d8c11")
BOB_UUID = uuid.UUID("c2a1f7d0-8a43-4f39-b1ce-6a7f5e2d9b42")

# All default panels of Flask-DebugToolbar except the versions panel, which takes 0.1 seconds for
# each page.
_TOOLBAR_PANELS = [
    f"flask_debugtoolbar.panels.{panel}"
    for panel in (
        "timer.TimerDebugPanel",
        "headers.HeaderDebugPanel",
        "request_vars.RequestVarsDebugPanel",
        "config_vars.ConfigVarsDebugPanel",
        "template.TemplateDebugPanel",
        "sqlalchemy.SQLAlchemyDebugPanel",
        "logger.LoggingPanel",
        "route_list.RouteListDebugPanel",
        "profiler.ProfilerDebugPanel",
        "g.GDebugPanel",
    )
]


def create_seasurf_shop(
    setup: AppSetup, *extensions: Callable[[Flask], object], csrf_fields: str
) -> Shop:
    """Return a shop with Flask-SeaSurf, which does not protect the notification endpoint."""
    seasurfs: list[Any] = []
    shop = Shop(
        setup,
        *extensions,
        lambda app: seasurfs.append(setup.add_extension(SeaSurf, app)),
        csrf_fields=csrf_fields,
    )
    seasurfs[0].exempt(shop.app.view_functions["xiebao.notify"])
    return shop


def build_limiter_adder(setup: AppSetup, *limits: str) -> Callable[[Flask], object]:
    """Return a function that adds Flask-Limiter with these default limits to an app."""
    return partial(
        setup.add_extension,
        Limiter,
        key_func=get_remote_address,
        default_limits=[*limits],
        storage_uri="memory://",
    )


def create_toolbar_shop(setup: AppSetup, *, intercept_redirects: bool) -> Shop:
    """Return a shop with Flask-DebugToolbar."""
    return Shop(
        setup,
        partial(setup.add_extension, DebugToolbarExtension),
        base_url="http://127.0.0.1:5000",
        DEBUG=True,
        DEBUG_TB_INTERCEPT_REDIRECTS=intercept_redirects,
        DEBUG_TB_PROFILER_ENABLED=True,
        DEBUG_TB_PANELS=_TOOLBAR_PANELS,
        XIEBAO_PUBLIC_URL=None,
    )


@dataclass(eq=False)
class User:
    """A user for Flask-Login. The id can have any type, although Flask-Login expects a string."""

    id: Any
    is_active = is_authenticated = True
    is_anonymous = False

    def get_id(self) -> Any:
        return self.id


def create_login_shop(setup: AppSetup, users: Mapping[str, User]) -> Shop:
    """Return a shop in which Flask-Login identifies the members, and which has no member loader.

    :param users: the users by the names with which they log in.
    """

    def add_login_manager(app: Flask) -> None:
        manager = setup.add_extension(LoginManager, app)
        manager.user_loader(lambda id: next((u for u in users.values() if u.id == id), None))

    return Shop(
        setup,
        add_login_manager,
        member_loader=None,
        log_in=lambda name: login_user(users[name]),
        members={name: str(user.id) for name, user in users.items()},
    )


def select_locale() -> str | None:
    """Return the language of the visitor for Flask-Babel."""
    return request.accept_languages.best_match(["zh", "en"])


@contextmanager
def run_sentry() -> Iterator[list[str]]:
    """Run Sentry until the context ends, and yield the list of the events that Sentry sends.

    Sentry collects all that it can. It hides some cookies, headers and parameters by their names,
    and nothing else.
    """
    import sentry_sdk
    from sentry_sdk.envelope import Envelope
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.flask import FlaskIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.transport import Transport

    events: list[str] = []

    class RecordingTransport(Transport):
        def capture_envelope(self, envelope: Envelope) -> None:
            events.extend(item.get_bytes().decode() for item in envelope.items)

    sentry_sdk.init(
        dsn="https://public@sentry.example/1",
        transport=RecordingTransport,
        # Sentry's default integrations are off, because they would stay active after the test.
        default_integrations=False,
        integrations=[
            FlaskIntegration(),
            LoggingIntegration(level=logging.DEBUG, event_level=logging.ERROR),
            DedupeIntegration(),
        ],
        data_collection={"user_info": True, "stack_frame_variables": True},
        traces_sample_rate=1.0,
    )
    try:
        with sentry_sdk.isolation_scope():
            yield events
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)


def create_sentry_shop(setup: AppSetup, exit_stack: ExitStack) -> Shop:
    exit_stack.enter_context(run_sentry())
    return Shop(setup)


def trace_app(app: Flask, exporter: SpanExporter, exit_stack: ExitStack) -> None:
    """Trace the requests of an app with OpenTelemetry until the exit stack is closed."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    exit_stack.callback(provider.shutdown)
    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(app, tracer_provider=provider)
    exit_stack.callback(instrumentor.uninstrument_app, app)


async def load_session_member_async() -> str | None:
    return load_session_member()


#: One row per test shop: the name of its extension, and a function that creates the shop. The
#: function accepts a setup, and an exit stack for resources that are closed after the test.
SITES: dict[str, ShopFactory] = {
    "Flask-WTF": lambda setup, _: Shop(
        setup,
        partial(setup.add_extension, CSRFProtect),
        csrf_fields=_WTF_FIELD,
    ),
    "Flask-Limiter": lambda setup, _: Shop(
        setup, build_limiter_adder(setup, "2000 per day", "1000 per hour")
    ),
    "Flask-SeaSurf": lambda setup, _: create_seasurf_shop(setup, csrf_fields=_SEASURF_FIELD),
    "Flask-Talisman": lambda setup, _: Shop(setup, partial(setup.add_extension, Talisman)),
    "four security extensions": lambda setup, _: create_seasurf_shop(
        setup,
        partial(setup.add_extension, CSRFProtect),
        build_limiter_adder(setup, "2000 per day", "1000 per hour"),
        partial(setup.add_extension, Talisman),
        # Flask-WTF and Flask-SeaSurf both define csrf_token() for templates. Templates get the
        # function of Flask-WTF.
        csrf_fields=_WTF_FIELD + _SEASURF_FIELD.replace("csrf_token()", "g.seasurf_csrf_token"),
    ),
    "Flask-CORS": lambda setup, _: Shop(
        setup,
        partial(setup.add_extension, CORS),
        CORS_SUPPORTS_CREDENTIALS=True,
        CORS_ORIGINS=["https://partner.example", "https://other.example"],
    ),
    "Flask-Session": lambda setup, exit_stack: Shop(
        setup,
        partial(setup.add_extension, Session),
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(exit_stack.enter_context(TemporaryDirectory())),
    ),
    "Flask-Caching": lambda setup, _: Shop(
        setup,
        partial(setup.add_extension, Cache),
        CACHE_TYPE="SimpleCache",
        XIEBAO_DEVICE_MARKUP=False,
    ),
    "Flask-DebugToolbar": lambda setup, _: create_toolbar_shop(setup, intercept_redirects=False),
    "Flask-Login": lambda setup, _: create_login_shop(
        setup, {"alice": User("7"), "bob": User("8")}
    ),
    "Flask-Login with UUIDs": lambda setup, _: create_login_shop(
        setup, {"alice": User(ALICE_UUID), "bob": User(BOB_UUID)}
    ),
    "Flask-Babel": lambda setup, _: Shop(
        setup,
        lambda app: Babel().init_app(app, locale_selector=select_locale),
        BABEL_DEFAULT_LOCALE="zh",
    ),
    "Sentry": create_sentry_shop,
    "OpenTelemetry": lambda setup, exit_stack: Shop(
        setup, lambda app: trace_app(app, InMemorySpanExporter(), exit_stack)
    ),
    "async member loader": lambda setup, _: Shop(setup, member_loader=load_session_member_async),
}
