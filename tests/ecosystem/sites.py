"""A shop with each of the extensions, built as the extension's own documentation says."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sentry_sdk
from cachelib.file import FileSystemCache
from flask import Flask, render_template, request
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
    return Shop(way, lambda app: way.add(CSRFProtect, app), form_fields=WTF_TOKEN)


def flask_seasurf(way: Way, scene: ExitStack) -> Shop:
    guards: list[SeaSurf] = []
    shop = Shop(way, lambda app: guards.append(way.add(SeaSurf, app)), form_fields=SEASURF_TOKEN)
    return exempt_from(guards, shop)


def exempt_from(guards: list[SeaSurf], shop: Shop) -> Shop:
    """Have Flask-SeaSurf let notifications through, as doctor says."""
    guards[0].exempt(shop.app.view_functions["xiebao.notify"])
    return shop


def add_limiter(way: Way, app: Flask, *limits: str) -> Limiter:
    added: Limiter = way.add(
        Limiter, app, get_remote_address, default_limits=[*limits], storage_uri="memory://"
    )
    return added


def flask_limiter(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, lambda app: add_limiter(way, app, "2000 per day", "1000 per hour"))


def flask_talisman(way: Way, scene: ExitStack) -> Shop:
    return Shop(way, lambda app: way.add(Talisman, app))


def the_first_four(way: Way, scene: ExitStack) -> Shop:
    guards: list[SeaSurf] = []
    shop = Shop(
        way,
        lambda app: way.add(CSRFProtect, app),
        lambda app: add_limiter(way, app, "2000 per day", "1000 per hour"),
        lambda app: guards.append(way.add(SeaSurf, app)),
        lambda app: way.add(Talisman, app),
        form_fields=BOTH_TOKENS,
    )
    return exempt_from(guards, shop)


def flask_cors(way: Way, scene: ExitStack) -> Shop:
    return Shop(
        way,
        lambda app: way.add(CORS, app),
        CORS_SUPPORTS_CREDENTIALS=True,
        CORS_ORIGINS=["https://partner.example", "https://other.example"],
    )


def flask_session(way: Way, scene: ExitStack) -> Shop:
    folder = scene.enter_context(TemporaryDirectory())
    return Shop(
        way,
        lambda app: way.add(Session, app),
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(folder),
    )


def flask_caching(way: Way, scene: ExitStack) -> Shop:
    def extend(app: Flask) -> None:
        cache: Cache = way.add(Cache, app)

        @app.get("/insurance")
        @cache.cached(timeout=300)
        def insurance() -> str:
            return render_template("insurance.html")

    return Shop(way, extend, CACHE_TYPE="SimpleCache", XIEBAO_DEVICE_MARKUP=False)


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
        lambda app: way.add(DebugToolbarExtension, app),
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


def login_shop(
    way: Way,
    users: Mapping[str, UserMixin],
    find: Callable[[Any], UserMixin | None],
    login_view: str | None = None,
) -> Shop:
    """Return a shop that leaves it to Flask-Login who is signed in.

    :param users: by what they put into the form.
    :param find: the user loader.
    """

    def extend(app: Flask) -> None:
        manager = way.add(LoginManager, app)
        manager.user_loader(find)
        manager.login_view = login_view

    return Shop(
        way,
        extend,
        loader=None,
        sign_in=lambda name: login_user(users[name]),
        members={name: str(user.get_id()) for name, user in users.items()},
    )


class User(UserMixin):  # type: ignore[misc]  # Flask-Login has no annotations
    """A row of a table."""

    def __init__(self, id: int | uuid.UUID) -> None:
        self.id = id


class UserByUUID(User):
    """One whose author forgot that Flask-Login asks for a text."""

    def get_id(self) -> Any:
        return self.id


class UserByToken(User):
    """One who can be signed out everywhere, by a new token."""

    def __init__(self, id: int, token: str) -> None:
        super().__init__(id)
        self.alternative_id = token

    def get_id(self) -> str:
        return str(self.alternative_id)


def flask_login_int(way: Way, scene: ExitStack, login_view: str | None = None) -> Shop:
    users = {"alice": User(7), "bob": User(8)}
    by_id = {user.id: user for user in users.values()}
    return login_shop(way, users, lambda user_id: by_id.get(int(user_id)), login_view)


ALICE = uuid.UUID("0b6f4f1e-53e5-4f0c-9a5f-0d3b8a9d8c11")
BOB = uuid.UUID("c2a1f7d0-8a43-4f39-b1ce-6a7f5e2d9b42")


def flask_login_uuid(way: Way, scene: ExitStack) -> Shop:
    users = {"alice": User(ALICE), "bob": User(BOB)}
    by_id = {user.id: user for user in users.values()}
    return login_shop(way, users, lambda user_id: by_id.get(uuid.UUID(user_id)))


def flask_login_uuid_object(way: Way, scene: ExitStack) -> Shop:
    users = {"alice": UserByUUID(ALICE), "bob": UserByUUID(BOB)}
    by_id = {user.id: user for user in users.values()}
    return login_shop(way, users, by_id.get)


def flask_login_token(way: Way, scene: ExitStack) -> Shop:
    users = {"alice": UserByToken(7, "Zr3-kQ_x81.fW"), "bob": UserByToken(8, "pL0_vT-29c.Ah")}

    def find(token: str) -> UserMixin | None:
        return next((user for user in users.values() if user.alternative_id == token), None)

    return login_shop(way, users, find)


def flask_babel(way: Way, scene: ExitStack) -> Shop:
    def locale() -> str | None:
        return request.accept_languages.best_match(["zh", "en"])

    def extend(app: Flask) -> None:
        if way.in_factory:
            Babel().init_app(app, locale_selector=locale)
        else:
            Babel(app, locale_selector=locale)

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
    "Flask-Login, int": flask_login_int,
    "Flask-Login, UUID": flask_login_uuid,
    "Flask-Login, UUID object": flask_login_uuid_object,
    "Flask-Login, token": flask_login_token,
    "Flask-Babel": flask_babel,
    "Sentry": sentrys,
    "OpenTelemetry": opentelemetry,
    "async": asynchronous,
}
