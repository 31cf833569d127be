"""What ``flask xiebao doctor`` says of the callback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_seasurf import SeaSurf
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import exceptions as routing_exceptions

from flask_xiebao import ConfigError, Notification, notification_received
from tests.cli.test_doctor import (
    MEMBER_SECRET,
    SOUND,
    doctor,
    make_app,
    mount,
    that_looks_at_what_servers_and_browsers_say,
    with_loader,
)
from tests.ecosystem.sites import THEIR_WARNINGS

pytestmark = THEIR_WARNINGS
ADDRESS = "The address to give to Xiebao for notifications"


def listening(app: Flask) -> Flask:
    """Have a site listen; no tool may have it hear of a purchase that nobody made."""

    def hear(notification: Notification) -> None:
        raise AssertionError

    app.extensions["xiebao"].notification_handler(hear)
    return app


def site(**config: Any) -> Flask:
    return listening(with_loader(make_app(**config)))


# Sites that stop it


def login_wall() -> Flask:
    app = site()

    @app.before_request
    def require_login() -> Any:
        if "member" not in session and request.endpoint in ("xiebao.notify",):
            return redirect("/login")
        return None

    return app


def wall_that_aborts() -> Flask:
    app = site()

    @app.before_request
    def require_login() -> None:
        if request.method == "POST":
            abort(401)

    return app


def guard_of_flask_seasurf() -> Flask:
    app = site()
    SeaSurf(app)
    return app


def guard_of_its_own() -> Flask:
    app = site()

    @app.before_request
    def check_token() -> None:
        if request.method == "POST" and "token" not in request.form:
            abort(400)

    return app


def limiter() -> Flask:
    app = site(RATELIMIT_STORAGE_URI="memory://")
    counted = Limiter(get_remote_address, app=app, default_limits=["0 per day"])
    for endpoint in ("product", "home", "policy", "paid"):
        counted.exempt(app.view_functions[f"xiebao.{endpoint}"])
    return app


def hook_that_reads_the_stream() -> Flask:
    app = site()

    @app.before_request
    def log_the_body() -> None:
        request.stream.read()

    return app


def hook_that_reads_a_form() -> Flask:
    app = site()

    @app.before_request
    def look_at_the_form() -> None:
        request.environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        _ = request.form

    return app


def hook_that_fails() -> Flask:
    app = site()

    @app.before_request
    def look_up() -> None:
        if request.method == "POST":
            raise ConnectionError("password hunter2 was refused")

    return app


def firewall(**config: Any) -> Flask:
    app = site(**config)
    inner = app.wsgi_app

    def wall(environ: Any, start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            return Response("no", 403)(environ, start_response)
        return inner(environ, start_response)

    app.wsgi_app = wall  # type: ignore[method-assign]
    return app


def another_view_there() -> Flask:
    app = make_app()
    app.add_url_rule("/xiebao/notify", "mine", lambda: "mine", methods=["POST"])
    return listening(with_loader(app))


def answer_that_is_changed() -> Flask:
    app = site()

    @app.after_request
    def accepted(response: Response) -> Response:
        if request.method == "POST":
            response.status_code = 202
        return response

    return app


def answer_that_is_wrapped() -> Flask:
    app = site()

    @app.after_request
    def wrap(response: Response) -> Response:
        if response.is_json:
            response.data = b'{"code": 0, "data": %s}' % response.data
        return response

    return app


def https_elsewhere(**config: Any) -> Flask:
    app = site(XIEBAO_PUBLIC_URL="http://shop.example", **config)
    Talisman(app)
    return app


def mounted_elsewhere() -> Flask:
    return mount(site(), "/shop")


def small_limit() -> Flask:
    return site(MAX_CONTENT_LENGTH=100)


def limit_that_lets_a_short_one_through() -> Flask:
    return site(MAX_CONTENT_LENGTH=20_000)


def hosts_that_are_none() -> Flask:
    return site(TRUSTED_HOSTS=["*"], XIEBAO_PUBLIC_URL=None)


def wall_whose_address_is_private() -> Flask:
    app = site()

    @app.before_request
    def require_login() -> Any:
        if request.endpoint != "xiebao.notify":
            return None
        return redirect(f"https://user:hunter2@sso.example/login/{app.config['XIEBAO_API_KEY']}")

    return app


STOPPED: dict[Callable[[], Flask], tuple[str, ...]] = {
    login_wall: (
        "notify: a notification is sent on to /login, by a login wall",
        'if request.blueprint == "xiebao": return',
        "One of the before_request hooks may do it: ",
        "require_login",
    ),
    wall_whose_address_is_private: (
        "notify: a notification is sent on to https://sso.example/login/…, by a login wall",
    ),
    wall_that_aborts: (
        "a notification gets 401 from a CSRF guard or a login wall",
        "require_login",
    ),
    guard_of_flask_seasurf: (
        "a notification gets 403 from a CSRF guard",
        'csrf.exempt(app.view_functions["xiebao.notify"])',
    ),
    guard_of_its_own: ("a notification gets 400 from a CSRF guard", "check_token"),
    limiter: ("a notification gets 429 from a limiter, perhaps: exempt it", "limiter.exempt"),
    hook_that_reads_the_stream: (
        "the body of a notification is read before it arrives",
        "request.get_data()",
        "log_the_body",
    ),
    hook_that_reads_a_form: (
        "the body of a notification is read before it arrives",
        "look_at_the_form",
    ),
    mounted_elsewhere: ("end XIEBAO_PUBLIC_URL in /shop",),
    small_limit: ("a notification is too long for MAX_CONTENT_LENGTH",),
    limit_that_lets_a_short_one_through: ("a notification is too long for MAX_CONTENT_LENGTH",),
    hosts_that_are_none: (
        "a notification cannot be sent: ConfigError: TRUSTED_HOSTS must be a list",
    ),
    hook_that_fails: ("a notification fails. Fix this: ConnectionError in look_up (",),
    firewall: (
        "gets 403 before Flask looks for a view",
        "have it let what is below XIEBAO_URL_PREFIX",
    ),
    another_view_there: ("/xiebao/notify leads to mine: change XIEBAO_URL_PREFIX",),
    answer_that_is_wrapped: ("is changed on its way out", 'waits for 200 {"state": true}', "wrap"),
    answer_that_is_changed: ("is changed on its way out", "accepted", "It gets 202."),
    https_elsewhere: (
        "a notification is sent on to https://shop.example/xiebao/notify, which Xiebao does not"
        " follow: set XIEBAO_PUBLIC_URL",
    ),
}


@pytest.mark.parametrize("stopped", STOPPED, ids=lambda stopped: stopped.__name__)
def test_what_stops_it_is_named_and_what_to_do(stopped: Callable[[], Flask]) -> None:
    if stopped is another_view_there and "DuplicateRuleError" in vars(routing_exceptions):
        with pytest.raises(ConfigError, match="mine, is at /xiebao/notify: change XIEBAO_URL_PR"):
            stopped()  # Werkzeug 3.2 sees that a rule is there already
        return
    said = doctor(stopped())
    for words in STOPPED[stopped]:
        assert words in said["ERROR"]
    assert said["ERROR"].count("notify: ") == 1
    assert "a notification arrives" not in said["ok"]
    assert ADDRESS in "".join(said.values())  # whoever mends it has to know which it is


# Sites that let it through


def with_guards_and_limits() -> Flask:
    app = site(RATELIMIT_STORAGE_URI="memory://")
    CSRFProtect(app)
    csrf = SeaSurf(app)
    csrf.exempt(app.view_functions["xiebao.notify"])
    Talisman(app)
    counted = Limiter(get_remote_address, app=app, default_limits=["50 per hour"])
    counted.exempt(app.view_functions["xiebao.notify"])
    return app


def with_a_wall_that_lets_it_through() -> Flask:
    app = site()

    @app.before_request
    def require_login() -> Any:
        if request.blueprint == "xiebao" or request.endpoint == "login":
            return None
        return redirect("/login")

    app.add_url_rule("/login", "login", lambda: "log in")
    return app


def with_a_hook_that_keeps_the_body() -> Flask:
    app = site()
    app.before_request(lambda: (request.get_data(), request.get_json(silent=True), None)[2])
    return app


def with_a_reader() -> Flask:
    app = site()

    def read(body: bytes, headers: Any) -> Notification:
        raise AssertionError

    app.extensions["xiebao"].notification_reader(read)
    return app


def switched_off() -> Flask:
    return site(XIEBAO_ENABLED=False)


def behind_a_proxy() -> Flask:
    app = site()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    Talisman(app)
    return app


def mounted() -> Flask:
    return mount(site(XIEBAO_PUBLIC_URL="https://shop.example/shop"), "/shop")


THROUGH = [
    *(site, with_guards_and_limits, with_a_wall_that_lets_it_through, with_a_reader),
    *(with_a_hook_that_keeps_the_body, switched_off, behind_a_proxy, mounted),
]


@pytest.mark.parametrize("through", THROUGH, ids=lambda through: through.__name__)
def test_where_it_arrives_it_says_so_and_nobody_hears_of_it(through: Callable[[], Flask]) -> None:
    heard: list[object] = []
    app = through()
    with notification_received.connected_to(lambda app, **values: heard.append(values), app):
        said = doctor(app)
    assert "notify: a notification arrives at the " in said["ok"]
    assert ("notification_reader and " in said["ok"]) == (through is with_a_reader)
    path = "/shop/xiebao/notify" if through is mounted else "/xiebao/notify"
    assert f"{ADDRESS} is https://shop.example{path}" in said["ok"].splitlines()
    assert said["ERROR"] == ""
    assert "otification" not in said["WARNING"]
    assert heard == []


#: One of them fails on whoever sends no browser's headers, as the platform does not.
FOR_ALL = [site for site in SOUND if site is not that_looks_at_what_servers_and_browsers_say]


@pytest.mark.parametrize("sound", FOR_ALL, ids=lambda sound: sound.__name__)
def test_on_a_sound_site_it_arrives(sound: Callable[[], Flask]) -> None:
    app = listening(sound())
    for each in app.extensions.get("limiter", ()):
        each.exempt(app.view_functions["xiebao.notify"])
    said = doctor(app)
    assert (said["WARNING"], said["ERROR"]) == ("", "")
    assert "notify: a notification arrives at the notification_handler." in said["ok"]
    assert f"{ADDRESS} is https://" in said["ok"].replace("HTTPS", "https")


# The address, and what else is said


def test_a_limiter_that_counts_notifications_is_named() -> None:
    app = site(RATELIMIT_STORAGE_URI="memory://")
    Limiter(get_remote_address, app=app, default_limits=["50 per hour"])
    said = doctor(app)
    assert "Flask-Limiter counts notifications" in said["WARNING"]
    assert 'limiter.exempt(app.view_functions["xiebao.notify"])' in said["WARNING"]


def test_where_nobody_listens_it_says_what_that_means() -> None:
    said = doctor(with_loader(make_app()))
    assert "There is no notification_handler" in said["ok"]
    assert "Notifications would go to https://shop.example/xiebao/notify." in said["ok"]
    assert "notify: " not in "".join(said.values())


def test_the_address_has_the_token() -> None:
    token = "a-token-that-nobody-guesses"
    said = doctor(site(XIEBAO_NOTIFY_TOKEN=token), "--verbose")
    assert f"{ADDRESS} is https://shop.example/xiebao/notify/{token}" in said["ok"]
    assert "XIEBAO_NOTIFY_TOKEN is set, and not shown" in said["ok"]
    assert "notify: a notification arrives" in said["ok"]


def test_a_token_without_anybody_who_listens_is_a_warning() -> None:
    said = doctor(with_loader(make_app(XIEBAO_NOTIFY_TOKEN="a-token-that-nobody-guesses")))
    assert "There is no notification_handler" in said["WARNING"]


@pytest.mark.parametrize("token", [MEMBER_SECRET, "a" * 26, "0123456789abcdef0123456789abcdef"])
def test_a_token_that_is_another_secret_or_none_is_named_and_not_shown(token: str) -> None:
    for broken in (firewall, https_elsewhere):
        assert token not in "".join(doctor(broken(XIEBAO_NOTIFY_TOKEN=token)).values())
    off = doctor(site(XIEBAO_NOTIFY_TOKEN=token, XIEBAO_ENABLED=False))
    assert "XIEBAO_NOTIFY_TOKEN is another" in off["WARNING"]
    said = doctor(site(XIEBAO_NOTIFY_TOKEN=token))
    assert "XIEBAO_NOTIFY_TOKEN is another secret of the site, too, or easily" in said["WARNING"]
    assert f"{ADDRESS} is https://shop.example/xiebao/notify/…" in said["ok"]
    assert token not in "".join(said.values())


def test_what_is_async_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hear(notification: Notification) -> None: ...

    app = with_loader(make_app())
    app.extensions["xiebao"].notification_handler(hear)
    assert doctor(app)["ERROR"] == ""
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    said = doctor(app)
    assert "notification_handler: what is async needs an extra of Flask's" in said["ERROR"]


def test_an_address_that_is_not_https_is_a_warning() -> None:
    said = doctor(site(XIEBAO_PUBLIC_URL="http://shop.example"))
    assert f"{ADDRESS} is http://shop.example/xiebao/notify. Without https" in said["WARNING"]


def test_an_address_of_this_machine_is_one_to_develop_with() -> None:
    said = doctor(site(XIEBAO_PUBLIC_URL="http://127.0.0.1:5000"))
    assert "Notifications go to http://127.0.0.1:5000/xiebao/notify, which Xiebao can" in said["ok"]
    assert "otification" not in said["WARNING"]


def test_without_an_address_of_the_site_only_the_path_is_known() -> None:
    said = doctor(site(XIEBAO_PUBLIC_URL=None))
    assert f"{ADDRESS} ends in /xiebao/notify: set XIEBAO_PUBLIC_URL" in said["WARNING"]
    assert "notify: a notification arrives" in said["ok"]
    named = doctor(site(XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"))
    assert f"{ADDRESS} is http://shop.example/xiebao/notify." in named["WARNING"]


def test_a_site_that_cannot_ask_for_orders_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "httpx" not in doctor(site())["WARNING"]
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "pip install 'Flask-Xiebao[orders]'" in doctor(site())["WARNING"]
