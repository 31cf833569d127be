"""``flask xiebao doctor`` on sites that are broken, each in one way, and on sites that are not."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, abort, g, got_request_exception, redirect, request, session
from flask.logging import default_handler
from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from flask_xiebao import Xiebao, XiebaoError, entry_clicked, entry_refused, payment_returned
from flask_xiebao.testing import GatewaySimulator

SECRET_KEY = "c4f6e1d09b7a4e38"
MEMBER_SECRET = "5d41c0a6f98b7e3214c7d0a95be83f61"
API_KEY = "a9Kx7mQp2ZrT8wLc"
#: Base64 of the hex digits 5aa94a97d25, as keys of this gateway family are.
SHORT_API_KEY = "NWFhOTRhOTdkMjU="
#: What no output may show: a password in an error's text, too.
HIDDEN = (SECRET_KEY, MEMBER_SECRET, API_KEY, SHORT_API_KEY, "hunter2", "sign=", "WyJ")


def make_app(**config: Any) -> Flask:
    """Return an app with right settings, save for these; Xiebao is not on it yet."""
    app = Flask("shop")
    app.config.update(
        SECRET_KEY=SECRET_KEY,
        XIEBAO_PARTNER_ID="12345",
        XIEBAO_API_KEY=API_KEY,
        XIEBAO_ENV="test",
        XIEBAO_PUBLIC_URL="https://shop.example",
        XIEBAO_MEMBER_SECRET=MEMBER_SECRET,
    )
    app.config.update(config)
    return app


def with_loader(app: Flask, loader: Callable[[], Any] | None = None) -> Flask:
    """Put Xiebao on an app, with this loader or that of a session."""
    Xiebao(app).member_loader(loader or (lambda: session.get("member")))
    return app


def mount(app: Flask, path: str) -> Flask:
    """Have an app answer below a path only, beside another."""
    inner = app.wsgi_app
    outer = DispatcherMiddleware(NotFound(), {"/admin": Flask("admin"), path: inner})
    app.wsgi_app = outer  # type: ignore[method-assign]
    return app


def doctor(app: Flask, *options: str) -> dict[str, str]:
    """Return what the doctor says on each level, as who types it sees it."""
    result = app.test_cli_runner().invoke(args=["xiebao", "doctor", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for hidden in HIDDEN:
        assert hidden not in result.output
    said: dict[str, list[str]] = {"ok": [], "WARNING": [], "ERROR": []}
    *lines, count = result.output.splitlines()
    for line in lines:
        level, text = line.split(maxsplit=1)
        said[level].append(text)
    errors, complaints = len(said["ERROR"]), len(said["WARNING"])
    assert count == f"Errors: {errors}. Warnings: {complaints}."
    assert result.exit_code == (1 if errors else 0)
    return {level: "\n".join(texts) for level, texts in said.items()}


# Broken sites, each in one way


def csrf_guard_of_flask_wtf() -> Flask:
    app = with_loader(make_app(WTF_CSRF_METHODS=["GET", "HEAD", "POST"]))
    CSRFProtect(app)
    return app


def csrf_guard_of_its_own() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def check_token() -> None:
        if request.args.get("token") != "expected":
            abort(400)

    return app


def login_wall() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def require_login() -> Any:
        if "member" not in session and request.endpoint != "login":
            return redirect(f"/login?next={request.path}")
        return None

    return app


def login_wall_that_says_401() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def require_login() -> None:
        abort(401)

    return app


def firewall() -> Flask:
    app = with_loader(make_app())
    app.wsgi_app = _Refusing(app.wsgi_app)  # type: ignore[method-assign]
    return app


class _Refusing:
    """What answers before the app is asked."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return Response("no", 403)(environ, start_response)


def limiter() -> Flask:
    app = with_loader(make_app(RATELIMIT_STORAGE_URI="memory://"))
    Limiter(get_remote_address, app=app, default_limits=["0 per day"])
    return app


def crash_in_before_request() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def count_visits() -> None:
        raise ConnectionError("redis://user:hunter2@host")

    return app


def crash_around_the_app() -> Flask:
    app = with_loader(make_app())

    def broken(environ: Any, start_response: Any) -> Any:
        raise KeyError("hunter2")

    app.wsgi_app = broken  # type: ignore[method-assign]
    return app


def crash_in_the_loader() -> Flask:
    def current_member() -> str:
        raise ConnectionError("postgres://user:hunter2@host")

    return with_loader(make_app(), current_member)


def another_view_at_its_links() -> Flask:
    app = make_app()
    app.add_url_rule("/xiebao/home/<string(minlength=2):name>", "homes", lambda name: name)
    return with_loader(app)


def another_view_at_the_way_back() -> Flask:
    app = make_app()
    app.add_url_rule("/xiebao/paid/<string(minlength=2):order>", "paid_orders", lambda order: order)
    return with_loader(app)


def login_that_needs_arguments() -> Flask:
    app = make_app(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/<shop>/login", "login", lambda shop: shop)
    return with_loader(app)


def login_that_is_not_there() -> Flask:
    return with_loader(make_app(XIEBAO_LOGIN_VIEW="log_in"))


def mounted_below_a_path_that_links_lack() -> Flask:
    app = with_loader(make_app())
    return mount(app, "/shop")


def application_root_that_links_lack() -> Flask:
    return with_loader(make_app(APPLICATION_ROOT="/shop"))


def loader_of_lists() -> Flask:
    return with_loader(make_app(), lambda: ["8"])


def loader_of_true() -> Flask:
    return with_loader(make_app(), lambda: True)


def loader_of_somebody() -> Flask:
    return with_loader(make_app(), lambda: "m_7Qk2vX9rT4")


def row_numbers() -> Flask:
    def current_member() -> int | None:
        return session.get("member")

    return with_loader(make_app(XIEBAO_MEMBER_SECRET=None), current_member)


def row_numbers_of_an_async_loader() -> Flask:
    async def current_member() -> int | None:
        return session.get("member")

    return with_loader(make_app(XIEBAO_MEMBER_SECRET=None), current_member)


def row_numbers_of_flask_login() -> Flask:
    app = make_app(XIEBAO_MEMBER_SECRET=None)
    LoginManager(app).user_loader(lambda user_id: None)
    Xiebao(app)
    return app


def e_mail_addresses() -> Flask:
    return with_loader(make_app(XIEBAO_MEMBER_SECRET=None), lambda: "li.na@shop.example")


def api_key_of_the_familys_shape() -> Flask:
    return with_loader(make_app(XIEBAO_API_KEY=SHORT_API_KEY))


def api_key_of_the_familys_shape_and_the_partner_id() -> Flask:
    return with_loader(make_app(XIEBAO_API_KEY=f"{SHORT_API_KEY[:15]}12345"))


def short_api_key_in_production() -> Flask:
    return with_loader(make_app(XIEBAO_ENV="production", XIEBAO_API_KEY="s3cr3t"))


def cached_pages() -> Flask:
    app = with_loader(make_app(CACHE_TYPE="SimpleCache"))
    Cache(app)
    return app


def strict_session_cookie() -> Flask:
    return with_loader(make_app(SESSION_COOKIE_SAMESITE="Strict"))


def login_that_no_view_has() -> Flask:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    manager.unauthorized_handler(lambda: redirect("/account/login"))
    Xiebao(app)
    return app


def shop_that_does_not_know_where_it_is() -> Flask:
    return with_loader(make_app(XIEBAO_ENV="production", XIEBAO_PUBLIC_URL=None))


def no_secret_key() -> Flask:
    return with_loader(make_app(SECRET_KEY=None))


def short_secret_key() -> Flask:
    return with_loader(make_app(SECRET_KEY="dev"))


def member_secret_that_signs_links() -> Flask:
    return with_loader(make_app(SECRET_KEY=MEMBER_SECRET))


def member_secret_that_signed_links() -> Flask:
    return with_loader(make_app(SECRET_KEY_FALLBACKS=[MEMBER_SECRET]))


def secret_key_that_is_the_api_key() -> Flask:
    key = "a-key-of-forty-letters-that-nobody-guess"
    return with_loader(make_app(XIEBAO_API_KEY=key, SECRET_KEY=key))


def member_secret_that_is_the_api_key() -> Flask:
    return with_loader(make_app(XIEBAO_API_KEY=MEMBER_SECRET))


def redirects_with_more_parameters() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def add_source(response: Response) -> Response:
        if response.location:
            response.location += "&utm_source=shop"
        return response

    return app


def redirects_that_are_pages() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def show(response: Response) -> Response:
        response.status_code = 200
        return response

    return app


def redirects_of_another_kind() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def see_other(response: Response) -> Response:
        response.status_code = 303 if response.status_code == 302 else response.status_code
        return response

    return app


def tokens_in_small_letters() -> Flask:
    app = with_loader(make_app())
    inner = app.wsgi_app

    def small(environ: Any, start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].lower()
        return inner(environ, start_response)

    app.wsgi_app = small  # type: ignore[method-assign]
    return app


def another_host() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def to_www() -> Any:
        if request.host != "www.shop.example":
            return redirect(f"https://www.shop.example{request.path}", 301)
        return None

    return app


def only_https() -> Flask:
    app = with_loader(make_app(XIEBAO_PUBLIC_URL="http://shop.example"))
    Talisman(app)
    return app


def host_that_is_not_trusted() -> Flask:
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    return with_loader(make_app(TRUSTED_HOSTS=["www.shop.example"]))


def link_that_cannot_be_made() -> Flask:
    app = with_loader(make_app())

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        values["language"] = g.language

    return app


def loader_that_aborts() -> Flask:
    def current_member() -> str:
        abort(401)

    return with_loader(make_app(), current_member)


def loader_that_redirects() -> Flask:
    def current_member() -> str:
        abort(redirect("/login", 302))

    return with_loader(make_app(), current_member)


def crash_that_a_handler_hides() -> Flask:
    def current_member() -> str:
        raise ConnectionError("hunter2")

    app = with_loader(make_app(), current_member)
    app.register_error_handler(Exception, lambda error: ("Oops", 200))
    return app


def hook_that_fails_and_a_handler_that_hides_it() -> Flask:
    app = with_loader(make_app())
    app.register_error_handler(Exception, lambda error: ("Oops", 500))

    @app.before_request
    def count_visits() -> None:
        raise ConnectionError("hunter2")

    return app


def hook_that_exits() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def stop() -> None:
        sys.exit(0)

    return app


def hook_that_adds_slashes() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def add_slash() -> Any:
        return None if request.path.endswith("/") else redirect(f"{request.path}/")

    return app


def error_of_its_own() -> Flask:
    class ShopError(XiebaoError):
        pass

    app = with_loader(make_app())

    @app.before_request
    def look() -> None:
        raise ShopError("hunter2")

    return app


def link_of_its_own_that_is_wrong() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def add_link() -> None:
        app.extensions["xiebao"].product_link("")

    return app


def login_of_flask_login_that_is_not_there() -> Flask:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    manager.login_view = "auth.login"
    Xiebao(app)
    return app


def login_that_is_for_forms_alone() -> Flask:
    app = make_app(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/login", "login", lambda: "log in", methods=["POST"])
    return with_loader(app)


def member_secret_of_the_manual() -> Flask:
    return with_loader(make_app(XIEBAO_MEMBER_SECRET="0123456789abcdef0123456789abcdef"))


def keeps_plain_key_of_everybody() -> Flask:
    app = with_loader(make_app())
    app.extensions["xiebao"].keeps_plain_key(lambda member: True)
    return app


def keeps_plain_key_that_says_nothing() -> Flask:
    app = with_loader(make_app())
    app.extensions["xiebao"].keeps_plain_key(lambda member: None)
    return app


def keeps_plain_key_of_numbers_alone() -> Flask:
    def kept(member: str) -> bool:
        return int(member) < 1000

    app = with_loader(make_app())
    app.extensions["xiebao"].keeps_plain_key(kept)
    return app


def hook_that_returns_nothing() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def count(response: Response) -> Response:
        return None  # type: ignore[return-value]

    return app


def everybody_goes_as_one() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def rewrite(response: Response) -> Response:
        if response.location:
            response.location = re.sub(
                "partnerUniqKey=[^&]*", "partnerUniqKey=8", response.location
            )
        return response

    return app


def payments_come_back_elsewhere() -> Flask:
    app = with_loader(make_app())

    @app.after_request
    def rewrite(response: Response) -> Response:
        if request.endpoint == "xiebao.paid":
            response.location = "/thanks/"
        return response

    return app


def wall_of_another_site() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def to_the_wall() -> Any:
        return redirect("https://sso.example/realms/xiebao/auth?client=1")

    return app


def host_that_nobody_told() -> Flask:
    app = with_loader(make_app(XIEBAO_PUBLIC_URL=None))

    @app.before_request
    def check_host() -> None:
        if request.host != "shop.example":
            abort(400)

    return app


def wall_of_the_blueprint() -> Flask:
    app = with_loader(make_app())

    def require_login() -> Any:
        return redirect("/login")

    app.before_request_funcs.setdefault("xiebao", []).append(require_login)
    return app


#: Each of them: what is wrong, and what to do about it.
BROKEN: dict[Callable[[], Flask], tuple[str, str, str]] = {
    csrf_guard_of_its_own: (
        "ERROR",
        "a CSRF guard or a check of the host, perhaps: let the entries",
        "check_token",
    ),
    login_wall: (
        "ERROR",
        "product, home, policy, paid, login: Whoever clicks is sent to /login before the link is",
        'if request.blueprint == "xiebao": return',
    ),
    login_wall_that_says_401: (
        "ERROR",
        "gets 401 before the link is read, from a login",
        "require_l",
    ),
    firewall: ("ERROR", "gets 403 before Flask looks for a view, from a middleware", "have it let"),
    limiter: (
        "ERROR",
        "gets 429 before the link is read, from a limiter: allow more",
        'limiter.exempt(app.blueprints["xiebao"])',
    ),
    crash_in_before_request: (
        "ERROR",
        "product, home, policy, paid, login, member_loader: It crashed, at the place",
        "It came: ConnectionError in count_visits (tests/cli/test_doctor.py:",
    ),
    crash_around_the_app: ("ERROR", "every link: It crashed", "KeyError in broken ("),
    crash_in_the_loader: (
        "ERROR",
        "member_loader: It crashed, at the place that is named: fix the code there",
        "ConnectionError in current_member (",
    ),
    another_view_at_its_links: (
        "ERROR",
        "home: The links lead to homes",
        "change XIEBAO_URL_PREFIX",
    ),
    another_view_at_the_way_back: (
        "ERROR",
        "paid: The links lead to paid_orders",
        "change XIEBAO_URL_PREFIX",
    ),
    login_that_needs_arguments: (
        "ERROR",
        "login, member_loader: It crashed",
        'name the endpoint of a view, such as "auth.login", that needs no arguments',
    ),
    login_that_is_not_there: ("ERROR", "there is no endpoint log_in", "flask routes"),
    mounted_below_a_path_that_links_lack: (
        "ERROR",
        "gets 404, since DispatcherMiddleware has the site below /shop",
        "end XIEBAO_PUBLIC_URL in /shop",
    ),
    application_root_that_links_lack: (
        "WARNING",
        "APPLICATION_ROOT is /shop, and links that leave the site are not below it",
        "end XIEBAO_PUBLIC_URL in /shop",
    ),
    loader_of_lists: (
        "ERROR",
        "The member_loader did not return a member's id",
        "text, a whole number or a UUID, not list",
    ),
    loader_of_true: ("ERROR", "The member_loader did not return a member's id", "not bool"),
    loader_of_somebody: (
        "WARNING",
        "A request without a cookie counts as a member's, so everybody would go as them",
        "Have the member_loader return None where nobody is logged in",
    ),
    row_numbers: (
        "WARNING",
        "The gateway knows members by the number of their row",
        "Set XIEBAO_MEMBER_SECRET",
    ),
    row_numbers_of_an_async_loader: (
        "WARNING",
        "by the number of their row",
        "Set XIEBAO_MEMBER_SECRET",
    ),
    row_numbers_of_flask_login: (
        "WARNING",
        "by get_id() of Flask-Login, for most sites the number of a row",
        "Set XIEBAO_MEMBER_SECRET",
    ),
    e_mail_addresses: ("WARNING", "by their e-mail address", "Set XIEBAO_MEMBER_SECRET"),
    api_key_of_the_familys_shape: ("WARNING", "XIEBAO_API_KEY is short", "Ask Xiebao for a long"),
    api_key_of_the_familys_shape_and_the_partner_id: (
        "WARNING",
        "XIEBAO_API_KEY is short",
        "Ask Xiebao for a long",
    ),
    short_api_key_in_production: ("WARNING", "XIEBAO_API_KEY is short", "Ask Xiebao for a long"),
    cached_pages: (
        "WARNING",
        "Flask-Caching does not look at Vary",
        "Set XIEBAO_DEVICE_MARKUP to False",
    ),
    strict_session_cookie: (
        "WARNING",
        "SESSION_COOKIE_SAMESITE is Strict: whoever comes back from the payment",
        'Set it to "Lax"',
    ),
    login_that_no_view_has: (
        "WARNING",
        "Visitors are sent to /account/login to log in, for which this app has no view",
        "unless another app answers there",
    ),
    shop_that_does_not_know_where_it_is: (
        "ERROR",
        "XIEBAO_PUBLIC_URL is not set, so the site does not know its own address",
        "Set it, such as to https://shop.example",
    ),
    no_secret_key: ("ERROR", "SECRET_KEY is not set", "secrets.token_hex()"),
    short_secret_key: ("WARNING", "SECRET_KEY is short or well known", "secrets.token_hex()"),
    secret_key_that_is_the_api_key: (
        "WARNING",
        "SECRET_KEY or one of SECRET_KEY_FALLBACKS is XIEBAO_API_KEY, too",
        "secrets.token_hex()",
    ),
    member_secret_that_signs_links: (
        "WARNING",
        "XIEBAO_MEMBER_SECRET is SECRET_KEY, too",
        "later, keep it, and renew the other",
    ),
    member_secret_that_signed_links: (
        "WARNING",
        "XIEBAO_MEMBER_SECRET is one of SECRET_KEY_FALLBACKS, too",
        "choose another member secret",
    ),
    member_secret_that_is_the_api_key: (
        "WARNING",
        "XIEBAO_MEMBER_SECRET is XIEBAO_API_KEY, too",
        "choose another member secret",
    ),
    redirects_with_more_parameters: (
        "ERROR",
        "product, home, policy, paid: The gateway gets something other than the document asks for",
        "add_source. It came: utm_source=shop",
    ),
    redirects_that_are_pages: (
        "ERROR",
        "product, home, policy, paid, login: A page came where the browser should be sent on",
        "leave what the blueprint xiebao answers as it is",
    ),
    redirects_of_another_kind: (
        "ERROR",
        "product, home, policy, paid: Something on the site changes the redirect",
        "see_other",
    ),
    tokens_in_small_letters: (
        "ERROR",
        "product, home, policy, paid, login: A link does not arrive as it was made",
        "have the paths of the entries left alone",
    ),
    another_host: (
        "ERROR",
        "Whoever clicks is sent to https://www.shop.example",
        "set XIEBAO_PUBLIC_URL to where the site is",
    ),
    only_https: (
        "ERROR",
        "Whoever clicks is sent to https://shop.example",
        "set XIEBAO_PUBLIC_URL to where the site is",
    ),
    host_that_is_not_trusted: (
        "ERROR",
        "every link: Flask has no view for the links on shop.example, and answers 400",
        "TRUSTED_HOSTS",
    ),
    loader_that_aborts: (
        "ERROR",
        "member_loader: The function at the place that is named calls abort(). A member_loader has",
        "Unauthorized in current_member (",
    ),
    loader_that_redirects: (
        "ERROR",
        "to return None where nobody is logged in",
        "HTTPException in current_member (",
    ),
    crash_that_a_handler_hides: ("ERROR", "ConnectionError in current_member (", "fix the"),
    hook_that_fails_and_a_handler_that_hides_it: (
        "ERROR",
        "gets 500 before the link is read, from one of the site's hooks, or its handler of an err",
        "count_visits",
    ),
    hook_that_exits: ("ERROR", "SystemExit in stop (", "fix the code there"),
    hook_that_adds_slashes: (
        "ERROR",
        "product, home, policy, paid, login: Whoever clicks is sent to another form of the same",
        "add_slash",
    ),
    error_of_its_own: ("ERROR", "ShopError in look (", "fix the code there"),
    link_of_its_own_that_is_wrong: ("ERROR", "caseCode is empty", "See add_link ("),
    login_of_flask_login_that_is_not_there: (
        "ERROR",
        "login, member_loader: It crashed",
        "Could not build url for endpoint 'auth.login'",
    ),
    login_that_is_for_forms_alone: (
        "ERROR",
        "login: Whoever has to log in gets an error: the page of the login does not open",
        "Does XIEBAO_LOGIN_VIEW name the view that shows it? It came: 405 /login",
    ),
    member_secret_of_the_manual: (
        "WARNING",
        "XIEBAO_MEMBER_SECRET is well known",
        "choose another",
    ),
    keeps_plain_key_of_everybody: (
        "WARNING",
        "keeps_plain_key says that the gateway knows a member by the bare id whom it cannot know",
        "name those alone who were there before",
    ),
    keeps_plain_key_that_says_nothing: (
        "ERROR",
        "keeps_plain_key must return True or False, not None",
        "",
    ),
    keeps_plain_key_of_numbers_alone: ("ERROR", "Fix this: ValueError in kept (", ""),
    hook_that_returns_nothing: ("ERROR", "A library crashed over what the site gave it", ".count."),
    everybody_goes_as_one: (
        "ERROR",
        "product, home, policy, paid: To the gateway it is another member",
        "rewrite",
    ),
    payments_come_back_elsewhere: (
        "ERROR",
        "paid: After payment, members do not come back to where the entry says",
        "rewrite",
    ),
    wall_of_another_site: (
        "ERROR",
        "Whoever clicks is sent to https://sso.example/realms/xiebao/auth before the link is read",
        "to_the_wall",
    ),
    host_that_nobody_told: (
        "ERROR",
        "A click on localhost gets 400 before the link is read",
        "If the site is not on localhost, set XIEBAO_PUBLIC_URL",
    ),
    wall_of_the_blueprint: ("ERROR", "Whoever clicks is sent to /login", "require_login"),
    link_that_cannot_be_made: (
        "ERROR",
        "product, home, policy, paid, login, member_loader: It crashed",
        "AttributeError in add_language (",
    ),
}

#: What else is said of a site, since it is so, too.
ALSO = {
    login_wall_that_says_401: {},
    host_that_nobody_told: {"XIEBAO_PUBLIC_URL is not set"},
    e_mail_addresses: {"A request without a cookie counts as a member's"},
    only_https: {"can be read on their way"},
    redirects_with_more_parameters: {"paid: After payment, members do not come back to where"},
}


@pytest.mark.parametrize("site", BROKEN, ids=lambda site: site.__name__)
def test_what_is_wrong_is_named_and_what_to_do(site: Callable[[], Flask]) -> None:
    level, wrong, advice = BROKEN[site]
    said = doctor(site())
    assert wrong in said[level], said
    assert advice in said[level], said
    others = [
        line
        for line in f"{said['WARNING']}\n{said['ERROR']}".splitlines()
        if line and wrong not in line and not any(also in line for also in ALSO.get(site, ()))
    ]
    assert others == []


# Sound sites


def plain() -> Flask:
    return with_loader(make_app())


def with_random_ids() -> Flask:
    def current_member() -> str | None:
        return session.get("member")

    return with_loader(make_app(XIEBAO_MEMBER_SECRET=None), current_member)


def with_an_async_loader() -> Flask:
    async def current_member() -> int | None:
        return session.get("member")

    return with_loader(make_app(), current_member)


def with_flask_login() -> Flask:
    app = make_app(XIEBAO_LOGIN_VIEW="login")
    LoginManager(app).user_loader(lambda user_id: None)
    app.add_url_rule("/login", "login", lambda: "log in")
    Xiebao(app)
    return app


def with_a_login_that_aborts() -> Flask:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    manager.unauthorized_handler(lambda: abort(redirect("/login")))
    app.add_url_rule("/login", "login", lambda: "log in")
    Xiebao(app)
    return app


def with_a_login_that_refuses() -> Flask:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    manager.unauthorized_handler(lambda: abort(403))
    Xiebao(app)
    return app


def with_guards_and_limits() -> Flask:
    app = with_loader(make_app(RATELIMIT_STORAGE_URI="memory://"))
    CSRFProtect(app)
    Limiter(get_remote_address, app=app, default_limits=["100 per day"])
    Talisman(app)
    return app


def behind_a_proxy() -> Flask:
    app = with_loader(make_app(XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"))
    app.config["PREFERRED_URL_SCHEME"] = "https"
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def mounted_by_the_server() -> Flask:
    return with_loader(make_app(XIEBAO_PUBLIC_URL="https://shop.example/shop"))


def mounted_by_itself() -> Flask:
    """At a path that looks as if it were the prefix of the links."""
    app = with_loader(make_app(XIEBAO_PUBLIC_URL="https://shop.example/xiebao"))
    return mount(app, "/xiebao")


def in_chinese() -> Flask:
    return with_loader(
        make_app(
            XIEBAO_PUBLIC_URL="https://shop.example/%E5%95%86%E5%9F%8E", XIEBAO_URL_PREFIX="/bx"
        )
    )


def mounted_with_an_application_root() -> Flask:
    return with_loader(
        make_app(XIEBAO_PUBLIC_URL="https://shop.example/shop", APPLICATION_ROOT="/shop")
    )


def with_an_application_root_alone() -> Flask:
    return with_loader(
        make_app(
            XIEBAO_PUBLIC_URL=None,
            SERVER_NAME="shop.example",
            APPLICATION_ROOT="/shop",
            PREFERRED_URL_SCHEME="https",
        )
    )


def in_two_languages() -> Flask:
    """Its login has the language in its path, and its hooks see to it."""
    app = make_app(XIEBAO_LOGIN_VIEW="login")
    app.add_url_rule("/<language>/login", "login", lambda: "log in")

    @app.url_value_preprocessor
    def take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.language = (values or {}).pop("language", "zh")

    @app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        if app.url_map.is_endpoint_expecting(endpoint, "language"):
            values.setdefault("language", g.language)

    return with_loader(app)


def with_cached_pages() -> Flask:
    app = with_loader(make_app(CACHE_TYPE="SimpleCache", XIEBAO_DEVICE_MARKUP=False))
    Cache(app)
    return app


def with_a_cache_that_keeps_nothing() -> Flask:
    app = with_loader(make_app(CACHE_TYPE="NullCache", CACHE_NO_NULL_WARNING=True))
    Cache(app)
    return app


def with_a_lax_cookie() -> Flask:
    return with_loader(make_app(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=True))


def that_looks_at_what_servers_and_browsers_say() -> Flask:
    """At the address of whoever asks, at what a proxy says of https, at what browsers accept."""
    app = with_loader(make_app())

    @app.before_request
    def look() -> Any:
        ipaddress.ip_address(request.remote_addr or "")
        assert "gzip" in request.headers["Accept-Encoding"]
        if request.headers.get("X-Forwarded-Proto", "http") != "https":
            return redirect(request.url.replace("http:", "https:"))
        return None

    return app


def whose_hooks_need_a_whole_request() -> Flask:
    """As Flask's own manual has it."""
    app = make_app()

    @app.url_defaults
    def add_language_code(endpoint: str, values: dict[str, Any]) -> None:
        if "lang_code" in values or not g.lang_code:
            return
        if app.url_map.is_endpoint_expecting(endpoint, "lang_code"):
            values["lang_code"] = g.lang_code

    @app.url_value_preprocessor
    def pull_lang_code(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.lang_code = (values or {}).pop("lang_code", None)

    @app.before_request
    def begin() -> None:
        g.begun = time.monotonic()

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        app.logger.debug("It took %s seconds.", time.monotonic() - g.begun)

    return with_loader(app)


def that_gets_over_its_errors() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def look() -> None:
        got_request_exception.send(app, exception=ValueError("the cache is down"))
        if request.endpoint != "broken":
            with contextlib.suppress(ZeroDivisionError):
                app.test_client().get("/broken")

    @app.get("/broken")
    def broken() -> str:
        return str(1 // 0)

    return app


def that_keeps_some_plain_keys() -> Flask:
    app = with_loader(make_app())
    app.extensions["xiebao"].keeps_plain_key(lambda member: member in ("8", "9"))
    return app


def with_an_address_in_capitals() -> Flask:
    return with_loader(make_app(XIEBAO_PUBLIC_URL="HTTPS://shop.example"))


def with_a_middleware_that_waits_for_its_turn() -> Flask:
    app = with_loader(make_app())
    inner, turn = app.wsgi_app, threading.Lock()

    def one_by_one(environ: Any, start_response: Any) -> Any:
        assert turn.acquire(timeout=1), "a response was not closed"
        return ClosingIterator(inner(environ, start_response), [turn.release])

    app.wsgi_app = one_by_one  # type: ignore[method-assign]
    return app


def with_a_login_elsewhere() -> Flask:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    manager.unauthorized_handler(lambda: redirect("https://sso.example/login?app=shop"))
    app.add_url_rule("/login", "login", lambda: "a token", methods=["POST"])
    Xiebao(app)
    return app


def in_production() -> Flask:
    return with_loader(make_app(XIEBAO_ENV="production"))


SOUND = [
    *(with_a_login_that_aborts, with_a_login_that_refuses, with_a_login_elsewhere),
    with_a_middleware_that_waits_for_its_turn,
    *(plain, with_random_ids, with_an_async_loader, with_flask_login, with_guards_and_limits),
    *(behind_a_proxy, mounted_by_the_server, mounted_by_itself),
    *(in_chinese, mounted_with_an_application_root, in_two_languages, with_cached_pages),
    with_an_application_root_alone,
    *(with_a_cache_that_keeps_nothing, with_a_lax_cookie, in_production),
    *(that_looks_at_what_servers_and_browsers_say, whose_hooks_need_a_whole_request),
    *(that_gets_over_its_errors, that_keeps_some_plain_keys, with_an_address_in_capitals),
]


def test_an_id_that_is_the_number_of_a_row_is_seen_when_somebody_is_logged_in() -> None:
    said = doctor(with_loader(make_app(XIEBAO_MEMBER_SECRET=None), lambda: "7"))["WARNING"]
    assert "The gateway knows members by the number of their row" in said


def test_links_begin_with_the_application_root() -> None:
    said = doctor(with_an_application_root_alone())["ok"]
    assert "Links that leave the site begin with https://shop.example/shop (SERVER_NAME)." in said


@pytest.mark.parametrize("site", SOUND, ids=lambda site: site.__name__)
@pytest.mark.parametrize("mode", ["in production", "debug", "testing"])
def test_a_sound_site_has_no_warning(
    site: Callable[[], Flask], mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = site()
    app.debug, app.testing = mode == "debug", mode == "testing"
    said = doctor(app)
    assert (said["WARNING"], said["ERROR"]) == ("", "")
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [text for text in logged if "Exception on /broken" not in text] == []
    for page in ("product (2.1)", "home (2.2)", "policy (2.3)"):
        assert f"{page}: a link was made, found and opened, and leads to the gateway." in said["ok"]
    assert re.search(
        r"^paid: after a payment, the browser comes back to https?://\S+/(xiebao|bx)/paid/…$",
        said["ok"],
        re.M,
    )


def cured_limiter() -> Flask:
    app = with_loader(make_app(RATELIMIT_STORAGE_URI="memory://"))
    limiter = Limiter(get_remote_address, app=app, default_limits=["0 per day"])
    limiter.exempt(app.blueprints["xiebao"])  # type: ignore[call-overload]
    return app


def cured_wall() -> Flask:
    app = with_loader(make_app())

    @app.before_request
    def require_login() -> Any:
        if request.blueprint == "xiebao" or request.endpoint == "login":
            return None
        return redirect("/login")

    app.add_url_rule("/login", "login", lambda: "log in")
    return app


@pytest.mark.parametrize("site", [csrf_guard_of_flask_wtf, cured_limiter, cured_wall])
def test_its_advice_is_a_cure(site: Callable[[], Flask]) -> None:
    said = doctor(site())
    assert (said["WARNING"], said["ERROR"]) == ("", "")


def test_nobody_hears_of_the_doctors_clicks(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    xiebao = Xiebao(app)
    xiebao.member_loader(lambda: "mary")  # so that the first click is refused
    heard: list[str] = []

    @xiebao.click_guard
    def guard(member: str, entry: Any) -> bool:
        heard.append(member)
        return False

    def hear(_app: Flask, **_: Any) -> None:
        heard.append("a signal")

    for signal in (entry_clicked, entry_refused, payment_returned):
        signal.connect(hear, app)
    said = doctor(app)
    assert said["ERROR"] == ""
    assert heard == []
    assert [record for record in caplog.records if record.name == "flask_xiebao"] == []


def test_no_visitor_can_say_that_a_click_is_the_doctors() -> None:
    app = make_app()
    xiebao = Xiebao(app)
    xiebao.click_guard(lambda member, entry: False)
    xiebao.member_loader(lambda: "mary")
    with app.test_request_context():
        link = xiebao.home_link()
    response = app.test_client().get(
        link, headers={"flask_xiebao.rehearsal": "1", "Flask-Xiebao-Rehearsal": "1"}
    )
    assert response.status_code == 403


def test_each_click_is_a_request_of_its_own() -> None:
    app = with_loader(make_app())

    @app.before_request
    def begin() -> None:
        assert "begun" not in g, "the g of another request"
        g.begun = True

    assert doctor(app)["ERROR"] == ""


@pytest.mark.parametrize("handler", [default_handler, logging.lastResort], ids=repr)
def test_what_the_app_logs_of_an_error_is_not_shown(handler: logging.Handler) -> None:
    app = crash_in_before_request()
    app.logger.addHandler(handler)
    try:
        assert "ConnectionError in count_visits" in doctor(app)["ERROR"]
    finally:
        app.logger.removeHandler(handler)


def test_a_login_is_tried_and_the_log_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)
    tried: list[str] = []

    def to_the_login() -> Any:
        tried.append(request.path)
        return redirect("/login")

    manager.unauthorized_handler(to_the_login)
    Xiebao(app)
    doctor(app)
    assert 1 <= len(tried) <= 2
    app.logger.error("The log goes on.")
    assert "The log goes on." in caplog.text


def test_a_site_that_is_mounted_and_does_not_say_where_is_found() -> None:
    app = with_loader(make_app(XIEBAO_PUBLIC_URL=None))
    mount(app, "/shop")
    said = doctor(app)
    assert said["ERROR"] == ""
    assert said["WARNING"].startswith("XIEBAO_PUBLIC_URL is not set, so")
    assert said["WARNING"].count("\n") == 0
    assert "comes back to the site, at …/xiebao/paid/…" in said["ok"]


@pytest.mark.parametrize(
    ("path", "proxy", "level", "wanted"),
    [
        ("", {}, "ok", ""),
        ("", {"x_prefix": 1}, "ok", "If it sets a path, end XIEBAO_PUBLIC_URL in that path."),
        ("/shop", {"x_prefix": 1}, "ok", "your proxy has to set it to /shop, itself and on every"),
        ("/shop", {}, "WARNING", "Add x_prefix=1 to ProxyFix if your proxy sets"),
        ("/shop", None, "ok", "the server has to set SCRIPT_NAME to /shop."),
    ],
)
def test_a_site_below_a_path_hears_what_its_proxy_has_to_do(
    path: str, proxy: dict[str, int] | None, level: str, wanted: str
) -> None:
    app = with_loader(make_app(XIEBAO_PUBLIC_URL=f"https://shop.example{path}"))
    if proxy is not None:
        app.wsgi_app = ProxyFix(app.wsgi_app, **proxy)  # type: ignore[method-assign]
    said = doctor(app)
    assert wanted in said[level]
    assert said["ERROR"] == ""
    assert (said["WARNING"] == "") == (level == "ok")
    assert f"comes back to https://shop.example{path}/xiebao/paid/…" in said["ok"]


@pytest.mark.parametrize("env", ["test", "production"])
def test_a_simulator_is_an_error_on_a_site_that_sells(env: str) -> None:
    app = with_loader(make_app(XIEBAO_ENV=env))
    simulator = GatewaySimulator("12345", API_KEY)
    app.register_blueprint(simulator.blueprint, url_prefix="/gateway", name="play")
    is_told = "the blueprint of a GatewaySimulator is registered" in doctor(app)["ERROR"]
    assert is_told == (env == "production")


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
