"""Tests for invalid arguments of ``check_entries``, and for packages that it needs.

To test another argument, add a row to ``REJECTED``.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest
from flask import Flask

from flask_xiebao import ConfigError, XiebaoError
from flask_xiebao.testing import CheckError, check_entries
from tests.check.support import (
    MakeApp,
    divide_by_zero,
    log_in_by_form,
    make_login_shop,
    make_shop,
    run_check_command,
)
from tests.support import SIGN_OF_API_KEY, failing_function, find_leaks
from tests.tokens import sign_token

#: The token of a link that belongs to member m1, and opens without a login from 2025 to 2035.
TOKEN = sign_token(["product", "QX1", None, None, None, "m1", 1_764_000_000, 315_360_000])

#: One row per rejected call of ``check_entries``: the function that builds the site, the keyword
#: arguments, and a regular expression for the error message.
REJECTED: list[tuple[MakeApp, dict[str, Any], str]] = [
    (
        partial(make_shop, loader=divide_by_zero),
        {"member": "7", "login": lambda client, member: None},
        r"cannot find out who .* ZeroDivisionError in divide_by_zero \(",
    ),
    (
        partial(make_shop, loader=lambda: [7]),
        {"member": "7", "login": lambda client, member: None},
        r"cannot find out who .* LinkError: The member_loader did not return a member's id\.",
    ),
    (
        partial(make_login_shop, SESSION_COOKIE_PATH="/account"),
        {"member": 7, "login": log_in_by_form},
        "After the login, the member_loader .* finds no logged-in member",
    ),
    *(
        (make_login_shop, arguments, message)
        for arguments, message in list[tuple[dict[str, Any], str]](
            [
                (
                    {"member": "9"},
                    "finds no logged-in member.* Make sure that the site knows this member",
                ),
                (
                    {"member": "7", "login": lambda client, member: log_in_by_form(client, "8")},
                    "another member than the requested one is logged in. Pass the id",
                ),
                (
                    {"login": lambda client: None},
                    "The login function raised TypeError .* must accept a test client and a",
                ),
                (
                    {"login": failing_function(SystemExit("hunter2"))},
                    "The login function raised SystemExit in raise_error",
                ),
                (
                    {"login": lambda client, member: client.get("/no")},
                    "The last response was 404",
                ),
                ({"member": "x" * 300}, "at most 256 bytes, got 300"),
                ({"member": ""}, "member's id must not be empty or 0, got ''"),
                ({"devices": []}, "device"),
                ({"devices": ["nokia"]}, r"no device 'nokia'\. Choose one of all, pc"),
                ({"devices": "iphnoe"}, r"no device 'iphnoe'\. Choose one of iphone\b"),
                ({"ignore": "unreeched"}, r"no rule 'unreeched'\. Choose one of unreached"),
                ({"expect_env": "prod"}, "no environment 'prod'"),
                (
                    {"pages": "orders/8"},
                    '"orders/8" is not a page of the site. Use a path, such as "/orders/8"',
                ),
                ({"pages": ""}, '"" is not a page of the site'),
                ({"pages": "https://a..b/"}, "is not a page of the site"),
                ({"pages": "//evil.example/p"}, '"//evil.example/p" is not a page of the site'),
                (
                    {"pages": "https://evil.example/p"},
                    'is not a page .* begins with "https://localhost',
                ),
                ({"pages": "https://[localhost/p"}, "is not a page of the site"),
                ({"pages": "/p\n"}, "unprintable|is not a page of the site"),
                (
                    {"pages": f"https://u:hunter2@x.example/xiebao/product/{TOKEN}?sign=hunter2"},
                    "is not a page of the site",
                ),
            ]
        )
    ),
]


@pytest.mark.parametrize(("site", "arguments", "message"), REJECTED)
def test_check_rejects_arguments(site: MakeApp, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(XiebaoError, match=message) as error:
        check_entries(site(), **arguments)
    assert find_leaks(str(error.value), "hunter2", SIGN_OF_API_KEY, TOKEN) == []


def test_check_raises_without_extension() -> None:
    with pytest.raises(ConfigError, match="is not initialized for the app"):
        check_entries(Flask("shop"))


@pytest.mark.requires("html5lib")
@pytest.mark.parametrize("package", ["bs4", "html5lib"])
def test_check_raises_without_html_parser(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        CheckError, match=f'needs "{package}", .* Run `pip install "Flask-Xiebao\\[check\\]"`'
    ):
        check_entries(make_shop(), pages=["/page"])
    result = run_check_command(make_shop(), "--page", "/page")
    assert result.exit_code == 2
    assert 'pip install "Flask-Xiebao[check]"' in result.output
