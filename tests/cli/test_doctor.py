"""``flask xiebao doctor``: how it says what it finds, apps that do not load, and sound sites.

Sites that are not sound are in ``test_doctor_settings.py``, ``…_members.py``, ``…_clicks.py`` and
``…_notifications.py``. One that is sound, and looks as if it were not, is a row of ``SOUND``.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask, abort, got_request_exception, redirect, request
from flask_caching import Cache
from flask_seasurf import SeaSurf
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from flask_xiebao import Xiebao, notification_received
from flask_xiebao.gateway.pages import PAGES
from tests.check.support import (
    add_language_prefix,
    add_middleware,
    divide_by_zero,
    limit_requests,
    mount_below,
    register_hook,
    require_complete_requests,
    use_flask_login,
)
from tests.cli.support import (
    ACCOUNT_KEY,
    complaints,
    doctor,
    findings,
    is_said_in_chinese,
    listens,
    require_login,
    row_number_by_waiting,
    run,
    shop,
)
from tests.ecosystem.sites import IGNORE_EXTENSION_WARNINGS

pytestmark = IGNORE_EXTENSION_WARNINGS

# How it is said


def test_what_is_wrong_comes_first() -> None:
    app = shop(XIEBAO_LOGIN_VIEW="nowhere", SESSION_COOKIE_SAMESITE="Strict")
    result = app.test_cli_runner().invoke(args=["xiebao", "doctor", "--verbose"])
    levels = [line.split()[0] for line in result.output.splitlines()[:-1]]
    assert levels == sorted(levels, key=["ERROR", "WARNING", "ok"].index)
    assert {*levels} == {"ERROR", "WARNING", "ok"}
    assert findings(result) == doctor(app, "--verbose")


def test_what_the_terminal_cannot_show_is_escaped() -> None:
    result = run(
        partial(shop, XIEBAO_PARTNER_ID=None, XIEBAO_LOCALE="保"), "doctor", charset="latin-1"
    )
    assert "XIEBAO_PARTNER_ID is not set" in findings(result)["ERROR"]
    assert r"\u4fdd" in result.output
    chinese = run(shop(), "doctor", "--locale", "zh", charset="latin-1")
    assert r"\u9519\u8bef 0" in chinese.output.splitlines()[-1]


def test_it_speaks_chinese_if_that_is_asked_for() -> None:
    assert "--locale [en|zh]" in run(shop(), "doctor", "--help").output
    app = shop(listens, before=require_login, XIEBAO_LOGIN_VIEW="nowhere")
    said = run(app, "doctor", "--verbose", "--locale", "zh").output.splitlines()
    assert said[0] == "错误  XIEBAO_LOGIN_VIEW：没有端点 nowhere，请用 flask routes 查看全部端点。"
    assert said[1].startswith("错误  notify：通知被重定向到 /login，可能来自全站登录拦截：请放行，")
    assert said[2].startswith(
        f"错误  {'、'.join(PAGES)}、paid：点击在扩展读取链接之前就被重定向到 /login，"
    )
    # Flask 3.2 answers 303.
    assert re.search(r"。实际：30[23] /login。预期：302 \(xiebao\.product\)。$", said[2])
    assert "正常  XIEBAO_STRICT 没有设置（默认：调试和测试时开启）" in said
    assert said[-1] == "错误 3 项，警告 0 项。"


# Apps that do not load


def refused_inside_of_another_error() -> Flask:
    try:
        return shop(XIEBAO_API_KEY=None)
    except Exception as error:
        raise RuntimeError("the factory failed") from error


def test_all_that_init_app_refuses_is_listed_and_what_is_right_if_that_is_asked_for() -> None:
    app = partial(shop, XIEBAO_API_KEY=None, XIEBAO_ENV="prod", XIEBAO_APIKEY=ACCOUNT_KEY)
    assert doctor(app)["ok"] == ""
    said = doctor(app, "--verbose")
    assert """XIEBAO_ENV must be "test" or "production", got 'prod'.""" in said["ERROR"]
    assert "XIEBAO_API_KEY is not set" in said["ERROR"]
    assert "XIEBAO_PARTNER_ID: 12345" in said["ok"]
    assert said["WARNING"] == "XIEBAO_APIKEY is not a setting. Did you mean XIEBAO_API_KEY?"
    # What was raised stays as it was in any language.
    chinese = run(app, "doctor", "--locale", "zh").output
    for problem in said["ERROR"].splitlines():
        assert f"错误  {problem}\n" in chinese
    assert "警告  没有 XIEBAO_APIKEY 这项设置：是不是 XIEBAO_API_KEY？" in chinese


def test_what_else_init_app_refuses_is_said_beside_the_settings() -> None:
    said = doctor(partial(shop, Xiebao), "-v")
    assert "Flask-Xiebao is already initialized for this app" in said["ERROR"]
    assert "XIEBAO_PARTNER_ID: 12345" in said["ok"]
    assert "XIEBAO_API_KEY is set (value hidden)" in said["ok"]


def test_a_refusal_is_found_inside_of_another_error() -> None:
    assert "XIEBAO_API_KEY is not set" in doctor(refused_inside_of_another_error)["ERROR"]


@pytest.mark.parametrize("command", [["doctor"], ["link", "home"]])
@pytest.mark.parametrize("message", ["no database", ""])
def test_an_error_that_is_none_of_ours_is_left_to_flask(command: list[str], message: str) -> None:
    def create_app() -> Flask:
        error = RuntimeError(message)
        raise error from error  # it is its own cause

    with pytest.raises(RuntimeError, match=f"^{message}$"):
        run(create_app, *command)


@pytest.mark.parametrize("command", [["doctor"], ["link", "home"], ["check"]])
def test_an_app_without_xiebao_is_told_how_to_add_it(command: list[str]) -> None:
    result = run(Flask("bare"), *command)
    assert result.exit_code == 1
    assert "Add `Xiebao(app)`" in result.output


# Sound sites


def gets_over_its_errors(app: Flask) -> None:
    @app.before_request
    def look() -> None:
        got_request_exception.send(app, exception=ValueError("the cache is down"))
        if request.endpoint != "broken":
            with contextlib.suppress(ZeroDivisionError):
                app.test_client().get("/broken")


def seasurf_save_for_notifications(app: Flask) -> None:
    csrf = SeaSurf(app)
    csrf.exempt(app.view_functions["xiebao.notify"])
    csrf.exempt(app.view_functions["xiebao.paid"])


def one_by_one(inner: Any) -> Any:
    """Wait for the response before to be closed."""
    turn = threading.Lock()

    def waits(environ: Any, start_response: Any) -> Any:
        assert turn.acquire(timeout=1), "a response was not closed"
        return ClosingIterator(inner(environ, start_response), [turn.release])

    return waits


def keep_the_body() -> None:
    request.get_data()
    request.get_json(silent=True)


SOUND: dict[str, Callable[[], Flask]] = {
    "plain": shop,
    "in production": partial(shop, XIEBAO_ENV="production"),
    # Who is logged in, and where one logs in
    "random ids": partial(shop, XIEBAO_MEMBER_SECRET=None),
    "an async loader": partial(shop, loader=row_number_by_waiting),
    "some plain keys": partial(
        shop, register_hook("keeps_plain_key", lambda member: member in ("8", "9"))
    ),
    "Flask-Login": partial(
        shop, use_flask_login(), loader=None, XIEBAO_LOGIN_VIEW="login", views={"/login": "Log in"}
    ),
    "a login that aborts": partial(
        shop,
        use_flask_login(lambda: abort(redirect("/login"))),
        loader=None,
        views={"/login": "Log in"},
    ),
    "a login that refuses": partial(shop, use_flask_login(lambda: abort(403)), loader=None),
    "a login elsewhere": partial(
        shop,
        use_flask_login(lambda: redirect("https://sso.example/login?app=shop")),
        loader=None,
    ),
    "in two languages": partial(
        shop, add_language_prefix, XIEBAO_LOGIN_VIEW="login", views={"/<lang>/login": "Log in"}
    ),
    # Where it is
    "an address in capitals": partial(shop, XIEBAO_PUBLIC_URL="HTTPS://shop.example"),
    "in Chinese": partial(
        shop,
        XIEBAO_PUBLIC_URL="https://shop.example/%E5%95%86%E5%9F%8E",
        XIEBAO_URL_PREFIX="/bx",
        APPLICATION_ROOT="/商城",
    ),
    "behind a proxy": partial(
        shop,
        Talisman,
        add_middleware(ProxyFix),
        XIEBAO_PUBLIC_URL=None,
        SERVER_NAME="shop.example",
        PREFERRED_URL_SCHEME="https",
    ),
    "mounted by a proxy": partial(
        shop,
        add_middleware(partial(ProxyFix, x_prefix=1)),
        XIEBAO_PUBLIC_URL="https://shop.example/shop",
    ),
    # At a path that looks as if it were the prefix of the links.
    "mounted by itself": partial(
        shop, mount_below("/xiebao"), XIEBAO_PUBLIC_URL="https://shop.example/xiebao"
    ),
    "mounted with an application root": partial(
        shop, XIEBAO_PUBLIC_URL="https://shop.example/shop", APPLICATION_ROOT="/shop"
    ),
    # What stands around the clicks
    "guards and limits": partial(
        shop,
        CSRFProtect,
        Talisman,
        limit_requests("100 per day", "xiebao.notify"),
        seasurf_save_for_notifications,
    ),
    # As its findings advise
    "a guard of Flask-WTF": partial(shop, CSRFProtect, WTF_CSRF_METHODS=["GET", "HEAD", "POST"]),
    "a limiter that lets entries through": partial(shop, limit_requests("0 per day", "xiebao")),
    "cached pages": partial(shop, Cache, CACHE_TYPE="SimpleCache", XIEBAO_DEVICE_MARKUP=False),
    "a cache that keeps nothing": partial(
        shop, Cache, CACHE_TYPE="NullCache", CACHE_NO_NULL_WARNING=True
    ),
    "a lax cookie": partial(shop, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=True),
    "a middleware that waits for its turn": partial(shop, add_middleware(one_by_one)),
    "a hook that keeps the body": partial(shop, before=keep_the_body),
    "hooks that need a whole request": partial(shop, require_complete_requests),
    "a hook that gets over its errors": partial(
        shop, gets_over_its_errors, views={"/broken": divide_by_zero}
    ),
}


def hold_to_be_sound(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Have the doctor find nothing wrong, and say what it did; nobody hears of it."""
    listens(app)
    sent_signals: list[object] = []
    with notification_received.connected_to(lambda app, **values: sent_signals.append(values), app):
        said = doctor(app)
    assert complaints(said) == []
    assert sent_signals == []
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [text for text in logged if "Exception on /broken" not in text] == []
    for page in ("product (2.1)", "home (2.2)", "policy (2.3)"):
        assert (
            f"{page}: a link was created and opened, and the site redirected to the gateway."
            in said["ok"]
        )
    for line in (
        r"after payment, members return to https://\S+/(xiebao|bx)/paid/… if their entry has"
        r" a return_to path\.",
        r"The callback URL to give to Xiebao is https://\S+/(xiebao|bx)/notify",
        r"notify: the site accepts notifications .* passes them to the notification_handler\.",
    ):
        assert re.search(rf"^{line}$", said["ok"], re.MULTILINE | re.IGNORECASE), said["ok"]
    is_said_in_chinese(app, said)


@pytest.mark.parametrize("site", SOUND.values(), ids=SOUND)
def test_a_sound_site_has_no_complaint(
    site: Callable[[], Flask], caplog: pytest.LogCaptureFixture
) -> None:
    hold_to_be_sound(site(), caplog)
