"""What ``flask xiebao doctor`` says of the callback.

A site that stops notifications is a row of ``STOPPED``, and one whose address is not right of
``ADDRESSES``. Those that let them through are in ``test_doctor.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, redirect, request
from flask_seasurf import SeaSurf
from flask_talisman import Talisman
from werkzeug.routing import exceptions as routing_exceptions

from flask_xiebao import ConfigError, Notification
from tests.check.support import (
    abort_with,
    divide_by_zero,
    limit_requests,
    mount_below,
    register_hook,
)
from tests.cli.support import (
    ACCOUNT_KEY,
    MEMBER_SECRET,
    PUBLISHED,
    complaints,
    doctor,
    firewall,
    is_said_in_chinese,
    listens,
    require_login,
    shop,
)
from tests.ecosystem.sites import IGNORE_EXTENSION_WARNINGS

pytestmark = IGNORE_EXTENSION_WARNINGS
ADDRESS = "The callback URL to give to Xiebao"
TOKEN = "a-token-that-nobody-guesses"

site = partial(shop, listens)


# What stops them


def require_login_at_a_private_address() -> Any:
    url = f"https://user:hunter2@sso.example/login/{ACCOUNT_KEY}"
    return redirect(url) if request.endpoint == "xiebao.notify" else None


def log_the_body() -> None:
    request.stream.read()


def look_at_the_form() -> None:
    request.environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    _ = request.form


def accepted(response: Response) -> None:
    response.status_code = 202


def wrap(response: Response) -> None:
    if response.is_json:
        response.data = b'{"code": 0, "data": %s}' % response.data


behind_a_firewall = partial(site, firewall)
https_elsewhere = partial(site, Talisman, XIEBAO_PUBLIC_URL="http://shop.example")

STOPPED: dict[str, tuple[Callable[[], Flask], tuple[str, ...]]] = {
    "a login wall": (
        partial(site, before=require_login),
        (
            "notify: Notifications are redirected to /login, perhaps by a request",
            'if request.blueprint == "xiebao": return',
            "The cause may be one of these before_request hooks: ",
            "require_login",
        ),
    ),
    "a login wall whose address is private": (
        partial(site, before=require_login_at_a_private_address),
        ("notify: Notifications are redirected to https://sso.example/login/…, perhaps by",),
    ),
    "a login wall that says 401": (
        partial(site, before=abort_with(401)),
        ("Notifications get status 401, probably from CSRF protection or", "abort_with"),
    ),
    "Flask-SeaSurf": (
        partial(site, SeaSurf),
        (
            "Notifications get status 403, probably from CSRF protection",
            'csrf.exempt(app.view_functions["xiebao.notify"])',
        ),
    ),
    "a guard": (
        partial(site, before=abort_with(400)),
        ("Notifications get status 400, probably from CSRF protection", "abort_with"),
    ),
    "a limiter": (
        partial(
            site,
            limit_requests(
                "0 per day", *(f"xiebao.{name}" for name in ("product", "home", "policy", "paid"))
            ),
        ),
        (
            "Notifications get status 429, probably from a rate limiter. Exempt the callback",
            "limiter.exempt",
        ),
    ),
    "a hook that is closed": (
        partial(site, before=abort_with(503)),
        (
            "Notifications get status 503, probably from one of the site's request hooks",
            "abort_with",
        ),
    ),
    "a hook that reads the stream": (
        partial(site, before=log_the_body),
        (
            "The body of a notification is consumed",
            "request.get_data()",
            "log_the_body",
        ),
    ),
    "a hook that reads a form": (
        partial(site, before=look_at_the_form),
        ("The body of a notification is consumed", "look_at_the_form"),
    ),
    "a mount that the address lacks": (
        partial(site, mount_below("/shop")),
        ('Set XIEBAO_PUBLIC_URL to a URL that ends with "/shop"',),
    ),
    "a small limit of bytes": (
        partial(site, MAX_CONTENT_LENGTH=100),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "a limit of bytes of a hook": (
        partial(site, before=abort_with(413)),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "a limit of bytes that lets a short one through": (
        partial(site, MAX_CONTENT_LENGTH=20_000),
        ("MAX_CONTENT_LENGTH is too small for notifications",),
    ),
    "hosts that are none": (
        partial(site, TRUSTED_HOSTS=["*"], XIEBAO_PUBLIC_URL=None),
        (
            "A notification cannot be sent. Fix this error: ConfigError: TRUSTED_HOSTS must be a"
            " list",
        ),
    ),
    "a hook that fails": (
        partial(site, before=divide_by_zero),
        (
            "A notification causes an exception. Fix this error: ZeroDivisionError in divide_by_zero (",
        ),
    ),
    "a firewall": (
        behind_a_firewall,
        (
            "returned status 403 before Flask handled the request",
            "Pass requests for URLs below XIEBAO_URL_PREFIX on to Flask",
        ),
    ),
    "an answer that is wrapped": (
        partial(site, after=wrap),
        ("The response to a notification was changed", 'the body {"state": true}', "wrap"),
    ),
    "an answer that is changed": (
        partial(site, after=accepted),
        ("The response to a notification was changed", "accepted", "has status 202"),
    ),
    "https elsewhere": (
        https_elsewhere,
        (
            "Notifications are redirected to https://shop.example/xiebao/notify, but Xiebao does"
            " not follow redirects. Set XIEBAO_PUBLIC_URL",
        ),
    ),
}


def is_stopped(stopped: Callable[[], Flask], *words: str) -> None:
    said = doctor(stopped())
    for each in words:
        assert each in said["ERROR"]
    assert sum(line.startswith("notify: ") for line in said["ERROR"].splitlines()) == 1
    assert "accepts notifications" not in said["ok"]
    assert ADDRESS in "".join(said.values())  # whoever mends it has to know which it is
    is_said_in_chinese(stopped(), said)


@pytest.mark.parametrize(("stopped", "words"), STOPPED.values(), ids=STOPPED)
def test_what_stops_it_is_named_and_what_to_do(
    stopped: Callable[[], Flask], words: tuple[str, ...]
) -> None:
    is_stopped(stopped, *words)


def test_another_view_there_is_named() -> None:
    stopped = partial(site, views={"POST /xiebao/notify": "Mine"})
    if "DuplicateRuleError" in vars(routing_exceptions):
        with pytest.raises(ConfigError, match="is at /xiebao/notify: change XIEBAO_URL_PREFIX"):
            stopped()  # Werkzeug 3.2 sees that a rule is there already
    else:
        is_stopped(
            stopped,
            '/xiebao/notify must be routed to the endpoint "xiebao.notify", but it is routed to'
            " xiebaonotify.",
            "Change XIEBAO_URL_PREFIX",
        )


# The address

#: Sites, the level, and what is said of the address; a notification arrives all the same.
ADDRESSES: dict[str, tuple[Callable[[], Flask], str, str]] = {
    "https": (site, "ok", f"{ADDRESS} is https://shop.example/xiebao/notify\n"),
    "with a token": (
        partial(site, XIEBAO_NOTIFY_TOKEN=TOKEN),
        "ok",
        f"{ADDRESS} is https://shop.example/xiebao/notify/{TOKEN}\n",
    ),
    "http": (
        partial(site, XIEBAO_PUBLIC_URL="http://shop.example"),
        "WARNING",
        f"{ADDRESS} is http://shop.example/xiebao/notify, which is not encrypted. Use an",
    ),
    "http of SERVER_NAME": (
        partial(site, XIEBAO_PUBLIC_URL=None, SERVER_NAME="shop.example"),
        "WARNING",
        f"{ADDRESS} is http://shop.example/xiebao/notify, which is not encrypted.",
    ),
    "this machine, to develop with": (
        partial(site, XIEBAO_PUBLIC_URL="http://127.0.0.1:5000"),
        "ok",
        "Notifications are sent to http://127.0.0.1:5000/xiebao/notify, which Xiebao cannot reach",
    ),
    "a path alone": (
        partial(site, XIEBAO_PUBLIC_URL=None),
        "WARNING",
        f"{ADDRESS} ends with /xiebao/notify. Set XIEBAO_PUBLIC_URL",
    ),
    "off": (
        partial(site, XIEBAO_ENABLED=False),
        "ok",
        f"{ADDRESS} is https://shop.example/xiebao/notify",
    ),
    "below a path": (
        partial(site, mount_below("/shop"), XIEBAO_PUBLIC_URL="https://shop.example/shop"),
        "ok",
        f"{ADDRESS} is https://shop.example/shop/xiebao/notify\n",
    ),
}


@pytest.mark.parametrize(("address", "level", "wanted"), ADDRESSES.values(), ids=ADDRESSES)
def test_the_address_is_said_and_what_is_wrong_with_it(
    address: Callable[[], Flask], level: str, wanted: str
) -> None:
    said = doctor(address(), "--verbose")
    assert wanted in said[level]
    assert "passes them to the notification_handler." in said["ok"]
    is_warned_of = any(each in said["WARNING"] for each in ("otification", "allback"))
    assert is_warned_of == (level == "WARNING")
    can_be_guessed = "The callback URL can be guessed" in said["ok"]
    assert can_be_guessed != (TOKEN in wanted)
    assert ("XIEBAO_NOTIFY_TOKEN is set (value hidden)" in said["ok"]) == (TOKEN in wanted)
    is_said_in_chinese(address(), said, "--verbose")


@pytest.mark.parametrize("token", [MEMBER_SECRET, "a" * 26, PUBLISHED])
def test_a_token_that_is_another_secret_or_none_is_named_and_not_shown(token: str) -> None:
    for broken in (behind_a_firewall, https_elsewhere):
        assert token not in "".join(doctor(broken(XIEBAO_NOTIFY_TOKEN=token)).values())
    off = doctor(site(XIEBAO_NOTIFY_TOKEN=token, XIEBAO_ENABLED=False))
    assert "is easy to guess or the same as another secret of the site" in off["WARNING"]
    said = doctor(site(XIEBAO_NOTIFY_TOKEN=token))
    guessed = "is easy to guess or the same as another secret of the site"
    assert guessed in said["WARNING"]
    assert f"{ADDRESS} is https://shop.example/xiebao/notify/…" in said["ok"]
    assert token not in "".join(said.values())


# Who listens


def test_where_nobody_listens_it_says_what_that_means() -> None:
    said = doctor(shop())
    assert "No notification_handler is registered" in said["ok"]
    assert (
        "The gateway would send notifications to https://shop.example/xiebao/notify." in said["ok"]
    )
    assert "notify: " not in "".join(said.values())
    with_a_token = doctor(shop(XIEBAO_NOTIFY_TOKEN=TOKEN))
    assert "No notification_handler is registered" in with_a_token["WARNING"]


def test_a_reader_of_the_sites_own_is_named() -> None:
    said = doctor(site(register_hook("notification_reader", divide_by_zero)))
    assert "to the notification_reader and the notification_handler." in said["ok"]
    assert complaints(said) == []


def test_a_limiter_that_counts_notifications_is_named() -> None:
    [said] = complaints(doctor(site(limit_requests("50 per hour"))))
    assert "The rate limiter Flask-Limiter counts notifications" in said
    assert 'limiter.exempt(app.view_functions["xiebao.notify"])' in said


def test_what_is_async_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hear(notification: Notification) -> None: ...

    app = shop(register_hook("notification_handler", hear))
    assert doctor(app)["ERROR"] == ""
    monkeypatch.setitem(sys.modules, "asgiref.sync", None)
    said = doctor(app)
    assert 'the "async" extra of Flask is not installed: notification_handler.' in said["ERROR"]


def test_a_site_that_cannot_ask_for_orders_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaints(doctor(site())) == []
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "pip install 'Flask-Xiebao[orders]'" in doctor(site())["WARNING"]
