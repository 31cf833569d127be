"""Tests that error reports and printed objects contain no key and no signature.

To test another error, add a row to ``ERRORS``. To test another way to print an object, add it to
``format_object``. To test another invalid setting, add a row to ``INVALID_SETTINGS``.
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
from werkzeug.local import LocalProxy

from flask_xiebao import ConfigError, Entry, Gateway, LinkError, Xiebao, entry_clicked
from flask_xiebao.app.settings import Settings
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

# Error reports


def click_with_member_loader(loader: Callable[[], Any], site: Site) -> None:
    site.xiebao.member_loader(loader)
    site.follow(site.link("product", return_to="/orders/8"))


def click_with_failing_receiver(site: Site) -> None:
    with entry_clicked.connected_to(failing_function(SystemExit())):
        click_with_member_loader(lambda: "alice", site)


def request_failing_template(name: str, path: str | None, site: Site) -> None:
    """Request a page whose template divides by zero.

    :param path: the path of the page. By default, a link that leads to the handoff page.
    """
    site.app.jinja_loader = DictLoader({f"xiebao/{name}.html": "{{ 1 // 0 }}"})
    site.log_in("alice")
    site.follow(path or site.link("home"), PC)


def sign_with_changed_key(setting: str, value: Any, site: Site) -> None:
    site.link("product")
    with site.app.test_request_context():
        site.app.config[setting] = value
        site.xiebao.product_link(PRODUCT_CODE)


#: One row per error: a name, the type of the exception, and a function that causes this exception
#: on a test site.
ERRORS: dict[str, tuple[type[BaseException], Callable[[Site], object]]] = {
    "failing member_loader": (
        KeyError,
        partial(click_with_member_loader, failing_function(KeyError("member"))),
    ),
    "member id of wrong type": (
        LinkError,
        partial(click_with_member_loader, lambda: ["not a member id"]),
    ),
    "member id with line break": (
        LinkError,
        partial(click_with_member_loader, lambda: "two\nlines"),
    ),
    "failing receiver": (SystemExit, click_with_failing_receiver),
    "failing handoff template": (
        ZeroDivisionError,
        partial(request_failing_template, "handoff", None),
    ),
    "failing refusal template": (
        ZeroDivisionError,
        partial(request_failing_template, "notice", "/xiebao/home/x"),
    ),
    "invalid argument": (LinkError, lambda site: site.render("{{ insurance_entry('') }}")),
    **{
        name: (ConfigError, partial(sign_with_changed_key, setting, value))
        for name, setting, value in (
            ("empty key", "SECRET_KEY", ""),
            ("undecodable key", "SECRET_KEY", f"{SECRET_KEY}\udcff"),
            ("empty fallback", "SECRET_KEY_FALLBACKS", [f"{SECRET_KEY} of last year", ""]),
            ("integer fallback", "SECRET_KEY_FALLBACKS", [SECRET_KEY, 5]),
        )
    },
}


@pytest.mark.parametrize(("error_type", "fail"), ERRORS.values(), ids=ERRORS)
def test_error_report_contains_no_secrets(
    make_site: MakeSite, error_type: type[BaseException], fail: Callable[[Site], object]
) -> None:
    with pytest.raises(error_type) as error:
        fail(make_site(XIEBAO_API_KEY=API_KEY))
    assert find_leaks(format_error_report(error.value), *SECRETS) == []

    report = traceback.TracebackException.from_exception(error.value, capture_locals=True)
    # Leave out the local variables of Jinja that contain the app's config, because the config has
    # all secrets.
    lines = [line for line in "".join(report.format()).splitlines() if "<Config {" not in line]
    assert len(lines) > 10
    assert find_leaks("\n".join(lines), API_KEY, SIGN_OF_API_KEY) == []


# Printed objects


def find_package_objects() -> dict[int, Any]:
    """Return all instances of the package's classes in memory, by object id."""
    # Delete the response from memory first, because the redirect's URL contains the signature.
    gc.collect()
    return {
        id(instance): instance
        for instance in gc.get_objects()
        if str(type(instance).__module__).startswith("flask_xiebao")
    }


def format_object(value: Any) -> dict[str, str]:
    """Format an object in the ways that logs, debuggers and error reports do.

    Return a dict of format names and formatted texts.
    """
    slots = set(getattr(type(value), "__slots__", ())) - {"_value"}
    attributes = [
        {name: getattr(value, name, None) for name in slots},
        getattr(value, "__dict__", {}),
    ]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        attributes.append(dataclasses.asdict(value))
    containers = [value, {"key": value}, (value,), *attributes]
    return {
        "str": str(value),
        "repr": repr(value),
        "format": f"{value}",
        "pprint": pprint.pformat(value),
        "repr of containers": repr(containers),
        "JSON with str": json.dumps(containers, default=str, skipkeys=True),
        "JSON with repr": json.dumps(containers, default=repr, skipkeys=True),
    }


def test_printed_package_objects_contain_no_secrets(make_site: MakeSite) -> None:
    old_ids = find_package_objects().keys()
    site = make_site(
        XIEBAO_API_KEY=API_KEY,
        XIEBAO_MEMBER_SECRET=API_KEY * 2,
        XIEBAO_NOTIFY_TOKEN=f"{API_KEY}-",
    )
    assert site.follow(site.link("product", member="alice", no_login_for=60)).status_code == 302
    objects = [value for key, value in find_package_objects().items() if key not in old_ids]
    assert {Xiebao, Gateway, Entry, Settings} <= set(map(type, objects))
    for value in (*objects, site.app.blueprints["xiebao"], site.app.extensions):
        for name, text in format_object(value).items():
            assert find_leaks(text, *SECRETS) == [], (type(value), name)

    # Make sure that the app uses the secrets. Otherwise, no text could contain them.
    with site.app.app_context():
        assert site.xiebao.gateway.sign == Gateway("12345", API_KEY).sign == SIGN_OF_API_KEY


# Unreadable settings


class UnprintableValue:
    """A value that can be neither compared nor printed, for example an unbound proxy."""

    __eq__ = __repr__ = failing_function(LookupError("The proxy is not bound."))
    __hash__ = object.__hash__


#: One row per invalid setting: the name of the setting, and a value that cannot be read or would be
#: slow to check.
INVALID_SETTINGS: list[tuple[str, Any]] = [
    *((name, UnprintableValue()) for name in SETTING_NAMES),
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


@pytest.mark.parametrize(
    ("name", "value"), INVALID_SETTINGS, ids=lambda value: type(value).__name__
)
def test_unreadable_setting_raises_short_error_without_secrets(
    make_site: MakeSite, name: str, value: Any
) -> None:
    started_at = time.monotonic()
    with pytest.raises(ConfigError, match=name) as error:
        make_site(**{"XIEBAO_API_KEY": API_KEY, name: value})
    assert time.monotonic() - started_at < 5
    assert find_leaks(format_error_report(error.value), *SECRETS) == []
    assert len(str(error.value)) < 1000
