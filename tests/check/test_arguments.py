"""Tests for invalid arguments of ``check_entries``.

To test another argument, add a row to ``REJECTED``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from flask_xiebao.testing import CheckError, check_entries
from tests.check.support import MakeApp, divide_by_zero, log_in_by_form, make_login_shop, make_shop
from tests.check.test_members import WITH_NUMERIC_IDS
from tests.support import failing_function

#: One row per rejected call of ``check_entries``: the function that builds the site, the keyword
#: arguments, and a regular expression for the error message.
REJECTED: list[tuple[MakeApp, dict[str, Any], str]] = [
    (
        partial(make_shop, loader=None),
        {"member": "7"},
        "A member was passed, but Flask-Xiebao cannot find out who",
    ),
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
    (WITH_NUMERIC_IDS, {}, r"The keeps_plain_key hook raised ValueError in <lambda> \("),
    *(
        (make_login_shop, arguments, message)
        for arguments, message in list[tuple[dict[str, Any], str]](
            [
                (
                    {"member": "9"},
                    "finds no logged-in member.* Check that the site knows this member",
                ),
                (
                    {"member": "7", "login": lambda client, member: None},
                    "finds no logged-in member",
                ),
                (
                    {"member": "7", "login": lambda client, member: log_in_by_form(client, "8")},
                    'for member "…", but member "…" is logged in. Pass the id',
                ),
                ({"login": lambda client: None}, r"must accept .* `def log_in\(client, member"),
                (
                    {"login": failing_function(TypeError("hunter2"))},
                    "The login function raised TypeError in raise_error",
                ),
                (
                    {"login": failing_function(SystemExit("hunter2"))},
                    "The login function raised SystemExit in raise_error",
                ),
                (
                    {"login": lambda client, member: client.get("/no")},
                    "response to the login was 404",
                ),
                ({"app_user_agent": ""}, "app_user_agent must not be empty"),
                ({"member": "x" * 300}, "at most 256 bytes, got 300"),
                (
                    {"member": ""},
                    "member's id must not be empty or 0, got ''. Pass the id of a member",
                ),
                ({"devices": []}, "No device is selected. Select at least one device"),
                ({"devices": ["nokia"]}, "no device 'nokia'. Choose one of pc, mac"),
                ({"devices": "iphnoe"}, "no device 'iphnoe'. Did you mean iphone"),
                ({"only": []}, "No case is selected"),
                ({"only": ["product-plane"]}, "no case 'product-plane'. Did you mean product-pl"),
                ({"ignore": "unreeched"}, "no rule 'unreeched'. Did you mean unreached"),
                ({"expect_env": "prod"}, "expect_env must be .*test.*, got 'prod'"),
                ({"pages": "orders/8"}, "'orders/8' is not a page of the site. Use a path"),
                ({"pages": "https://a..b/"}, "is not a page of the site"),
                ({"pages": "//evil.example/p"}, "'//evil.example/p' is not a page of the site"),
                (
                    {"pages": "https://evil.example/p"},
                    'is not a page .* begins with "https://localhost',
                ),
                ({"pages": "https://[localhost/p"}, "is not a page of the site"),
                ({"pages": ""}, "The page '' is empty"),
                ({"pages": "/p\n"}, "The page .* contains the unprintable character U\\+000A"),
                ({"url": "shop.example"}, "The url 'shop.example' must be an absolute http"),
                ({"url": "https://[shop"}, "must be an absolute http"),
            ]
        )
    ),
]


@pytest.mark.parametrize(("site", "arguments", "message"), REJECTED)
def test_check_rejects_arguments(site: MakeApp, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckError, match=message) as error:
        check_entries(site(), **arguments)
    assert "hunter2" not in str(error.value)
