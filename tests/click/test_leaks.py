"""Reports of errors, debuggers and prints say nothing of the key, the sign and the secret.

A new way to fail is a row of ``CAUSES``; a new way to show an object, one of ``forms_of``.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import pprint
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from jinja2 import DictLoader
from werkzeug.debug import DebuggedApplication
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, Entry, Gateway, LinkError, Xiebao, entry_clicked
from flask_xiebao.app.settings import Settings
from tests.click.forged import raw
from tests.support import (
    API_KEY,
    PC,
    PRODUCT_CODE,
    SECRET_KEY,
    SETTING_NAMES,
    SIGN_OF_API_KEY,
    MakeSite,
    Site,
    failing_function,
    find_leaks,
    format_error_report,
)

SECRETS = (API_KEY, SIGN_OF_API_KEY, SECRET_KEY)


# Errors


class TimeoutOfAWorker(BaseException):
    """As gevent's Timeout and a worker's exit are: no Exception, so that nobody stops it."""


def click_as(loader: Callable[[], Any], site: Site) -> None:
    """Click as what the loader returns."""
    site.xiebao.member_loader(loader)
    site.follow(site.link("product", return_to="/orders/8"))


def stop_in_a_receiver(site: Site) -> None:
    with entry_clicked.connected_to(failing_function(TimeoutOfAWorker())):
        click_as(lambda: "alice", site)


def fail_in_a_template(name: str, path: str | None, site: Site) -> None:
    """Show a page of the package's whose template divides by zero, at a path or as the handoff."""
    site.app.jinja_loader = DictLoader({f"xiebao/{name}.html": "{{ 1 // 0 }}"})
    site.log_in("alice")
    site.follow(path or site.link("home"), PC)


def change_secrets(secrets: dict[str, Any], site: Site) -> None:
    site.link("product")
    with site.app.test_request_context():
        site.app.config.update(secrets)
        site.xiebao.product_link(PRODUCT_CODE)


Cause = Callable[[Site], object]
#: What fails in the middle of a click, where other people's values are wrong.
CLICKS: dict[str, tuple[type[Exception], Cause]] = {
    "the loader fails": (KeyError, partial(click_as, failing_function(KeyError("member")))),
    "the loader returns no member": (LinkError, partial(click_as, lambda: ["no member"])),
    "a member cannot be sent": (LinkError, partial(click_as, lambda: "two\nlines")),
}
CAUSES: dict[str, tuple[type[BaseException], Cause]] = {
    **CLICKS,
    "a receiver is stopped": (TimeoutOfAWorker, stop_in_a_receiver),
    "the handoff fails": (ZeroDivisionError, partial(fail_in_a_template, "handoff", None)),
    "the notice fails": (
        ZeroDivisionError,
        partial(fail_in_a_template, "notice", "/xiebao/home/x"),
    ),
    "an argument is wrong": (LinkError, lambda site: site.render("{{ insurance_entry('') }}")),
    "the secret is taken away": (ConfigError, partial(change_secrets, {"SECRET_KEY": ""})),
    "a fallback is empty": (
        ConfigError,
        partial(change_secrets, {"SECRET_KEY_FALLBACKS": [f"{SECRET_KEY} of last year", ""]}),
    ),
    "a fallback is a number": (
        ConfigError,
        partial(change_secrets, {"SECRET_KEY_FALLBACKS": [SECRET_KEY, 5]}),
    ),
    "the secret has a byte of the environment": (
        ConfigError,
        partial(change_secrets, {"SECRET_KEY": f"{SECRET_KEY}\udcff"}),
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_no_error_report_shows_the_key_the_sign_or_the_secret(
    make_site: MakeSite, name: str
) -> None:
    kind, cause = CAUSES[name]
    with pytest.raises(kind) as raised:
        cause(make_site(XIEBAO_API_KEY=API_KEY))
    assert find_leaks(format_error_report(raised.value), *SECRETS) == []

    report = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    # Jinja's own frames hold Flask's ``config``, and with it whatever the site configured.
    lines = [line for line in "".join(report.format()).splitlines() if "<Config {" not in line]
    assert len(lines) > 10
    assert find_leaks("\n".join(lines), API_KEY, SIGN_OF_API_KEY) == []


@pytest.mark.parametrize("name", CLICKS)
def test_the_debuggers_page_shows_neither_key_nor_sign_nor_secret(
    make_site: MakeSite, name: str
) -> None:
    site = make_site(XIEBAO_API_KEY=API_KEY, DEBUG=True)
    kind, cause = CLICKS[name]
    with pytest.raises(kind):  # the loader is as it has to be from here on
        cause(site)
    url = site.link("product", return_to="/orders/8")
    page = raw(DebuggedApplication(site.app, evalex=True), url)
    text = page.get_data(as_text=True)
    assert page.status_code == 500
    assert "Werkzeug Debugger" in text
    assert "flask_xiebao/views/link_views.py" in text
    assert find_leaks(text, *SECRETS) == []


# Objects


def objects_of_the_package() -> dict[int, Any]:
    """Return every instance of a class of the package, by its id."""
    gc.collect()  # the redirect itself has the sign, and is gone once it is sent
    return {
        id(thing): thing
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("flask_xiebao")
    }


def forms_of(value: Any) -> dict[str, str]:
    """Return what logs, debuggers and reports may show of a value."""
    names = set(getattr(type(value), "__slots__", ())) - {"_value"}
    slots = {name: getattr(value, name, None) for name in names}
    attributes = getattr(value, "__dict__", {})
    is_dataclass = dataclasses.is_dataclass(value) and not isinstance(value, type)
    fields = dataclasses.asdict(value) if is_dataclass else {}
    everything = [value, {"key": value}, (value,), slots, attributes, fields]
    return {
        "str": str(value),
        "repr": repr(value),
        "format": f"{value}",
        "pprint": pprint.pformat(value),
        "repr of attributes": repr(everything),
        "JSON of str": json.dumps(everything, default=str, skipkeys=True),
        "JSON of repr": json.dumps(everything, default=repr, skipkeys=True),
    }


def test_no_object_of_the_package_prints_the_key_or_the_sign(make_site: MakeSite) -> None:
    before = objects_of_the_package()
    others = {"XIEBAO_MEMBER_SECRET": API_KEY * 2, "XIEBAO_NOTIFY_TOKEN": f"{API_KEY}-"}
    site = make_site(XIEBAO_API_KEY=API_KEY, **others)
    assert site.follow(site.link("product", member="alice", no_login_for=60)).status_code == 302
    found = [thing for key, thing in objects_of_the_package().items() if key not in before]
    assert {Xiebao, Gateway, Entry, Settings} <= set(map(type, found))
    for value in (*found, site.app.blueprints["xiebao"], site.app.extensions):
        for form, shown in forms_of(value).items():
            assert find_leaks(shown, *SECRETS) == [], (type(value), form)

    # They are not missing because they are nowhere: who asks for them gets them.
    assert site.app.config["XIEBAO_API_KEY"] == API_KEY
    with site.app.app_context():
        assert site.xiebao.gateway.sign == Gateway("12345", API_KEY).sign == SIGN_OF_API_KEY


# Settings and arguments


class Odd:
    """A value whose comparison and representation fail, as some proxies' do."""

    __eq__ = __repr__ = failing_function(LookupError("nothing is bound"))
    __hash__ = object.__hash__


#: What fails when it is looked at, in any setting, and what costs.
WRONG_SETTINGS: list[tuple[str, Any]] = [
    *((name, Odd()) for name in SETTING_NAMES),
    *((name, Decimal("sNaN")) for name in SETTING_NAMES),
    *((name, LocalProxy(lambda: 1 / 0)) for name in SETTING_NAMES),
    ("XIEBAO_HANDOFF_MAX_AGE", "9" * 5000),
    ("XIEBAO_HANDOFF_MAX_AGE", 10**5000),
    ("XIEBAO_ENV", 10**5000),
    ("XIEBAO_STRICT", 10**5000),
    ("XIEBAO_APP_USER_AGENT", "(" * 3000 + ")" * 3000),
    ("XIEBAO_APP_USER_AGENT", "[[a]"),
    ("XIEBAO_APP_USER_AGENT", r"(\w+)+/ShopApp"),
]


@pytest.mark.parametrize(("name", "value"), WRONG_SETTINGS, ids=lambda value: type(value).__name__)
def test_a_setting_that_fails_when_it_is_looked_at_is_named_in_short(
    make_site: MakeSite, name: str, value: Any
) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError, match=name) as raised:
        make_site(**{"XIEBAO_API_KEY": API_KEY, name: value})
    assert time.monotonic() - started < 5
    assert find_leaks(format_error_report(raised.value), *SECRETS) == []
    assert len(str(raised.value)) < 1000
