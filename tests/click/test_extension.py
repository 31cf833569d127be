"""Tests for the class ``Xiebao``: ``init_app``, the gateway of an app, and registered hooks.

To test another wrong function for a hook, add it to a row of ``WRONG_HOOKS``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask

from flask_xiebao import ConfigError, Xiebao
from tests.support import CONFIG, LINK_ARGUMENTS, PRODUCT_CODE, MakeSite, Site, make_link


@pytest.mark.parametrize("is_same", [True, False], ids=["same Xiebao", "another Xiebao"])
def test_init_app_raises_if_app_is_already_initialized(make_site: MakeSite, is_same: bool) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    with pytest.raises(ConfigError, match="is already initialized for this app") as error:
        (site.xiebao if is_same else Xiebao()).init_app(site.app)
    assert error.value.problems == {}
    assert site.app.extensions["xiebao"] is site.xiebao


def test_init_app_can_be_repeated_after_config_error() -> None:
    app, xiebao = Flask("shop"), Xiebao()
    with pytest.raises(ConfigError, match="XIEBAO_PARTNER_ID is not set"):
        xiebao.init_app(app)

    app.config.update(CONFIG, XIEBAO_ENV="test")
    xiebao.init_app(app)
    assert app.extensions["xiebao"] is xiebao


def test_init_app_rejects_app_with_host_matching(make_site: MakeSite) -> None:
    with pytest.raises(ConfigError, match="run the shop as a separate app"):
        make_site(Flask("shop", host_matching=True, static_host="shop.example"))


def test_apps_with_one_xiebao_object_have_separate_settings() -> None:
    xiebao, apps = Xiebao(), [Flask("one"), Flask("two")]
    for app in apps:
        app.config.update(
            CONFIG,
            TESTING=True,
            XIEBAO_PARTNER_ID=f"partner {app.name}",
            XIEBAO_URL_PREFIX=f"/{app.name}",
            XIEBAO_EXTRA={"site": app.name},
            XIEBAO_PUBLIC_URL=f"https://{app.name}.example",
        )
        xiebao.init_app(app)

    for app in (*apps, apps[0]):
        with app.app_context():
            assert xiebao.gateway.partner_id == f"partner {app.name}"
            assert xiebao.gateway.home_url(partner_uniq_key="7").endswith(f"&site={app.name}")
            link = xiebao.product_link(PRODUCT_CODE)
        assert link.startswith(f"https://{app.name}.example/{app.name}/product/")


def test_settings_changed_after_init_app_are_ignored(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_SUB_PARTNER_ID="branch", XIEBAO_EXTRA={"hidenav": 1})
    site.app.config.update(XIEBAO_PARTNER_ID="67890", XIEBAO_ENABLED=False)
    with site.app.app_context():
        url = site.xiebao.gateway.product_url(PRODUCT_CODE, partner_uniq_key="7")
    assert {("partnerId", "12345"), ("subPartnerId", "branch"), ("hidenav", "1")} <= {
        *parse_qsl(urlsplit(url).query)
    }
    assert site.link("home")


def test_gateway_raises_outside_app_context(site: Site) -> None:
    with pytest.raises(RuntimeError, match="application context"):
        _ = site.xiebao.gateway


@pytest.mark.parametrize("is_initialized", [True, False], ids=["another Xiebao", "no Xiebao"])
def test_gateway_and_links_raise_if_xiebao_is_not_initialized_for_app(
    site: Site, make_site: MakeSite, is_initialized: bool
) -> None:
    app = make_site().app if is_initialized else Flask("shop")
    message = r"is not initialized for <Flask .*Call `init_app\(app\)` first"
    with app.app_context():
        with pytest.raises(ConfigError, match=message):
            _ = site.xiebao.gateway
        with pytest.raises(ConfigError, match=message):
            site.xiebao.home_link()


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_disabled_site_has_empty_links_and_no_gateway(make_site: MakeSite, page: str) -> None:
    site = make_site(XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None)
    assert site.link(page, "https://evil.example", member="7", external=True) == ""
    with site.app.app_context():
        assert make_link(site.xiebao, page) == ""
        with pytest.raises(ConfigError, match="XIEBAO_ENABLED is off"):
            _ = site.xiebao.gateway


#: One row per error message: the name of the hook, a part of the message, and functions that have
#: the wrong parameters for this hook.
WRONG_HOOKS: list[tuple[str, str, list[Any]]] = [
    ("member_loader", r"without arguments \(missing .* 'request'\)", [lambda request: "8"]),
    ("click_guard", r"with the arguments \(member, entry\) \(too many", [lambda member: True]),
    ("click_guard", r"with the arguments \(member, entry\)", [lambda: True]),
    ("keeps_plain_key", r"with the arguments \(member\)", [lambda: 1]),
    (
        "notification_handler",
        r"with the arguments \(notification\)",
        [lambda: None, lambda kind, data: None],
    ),
    ("notification_reader", r"with the arguments \(body, headers\)", [lambda: None]),
]


@pytest.mark.parametrize(
    ("hook", "function", "message"),
    [
        *(
            (
                hook,
                function,
                f'<lambda> has the wrong parameters, because "{hook}" is called {call}',
            )
            for hook, call, functions in WRONG_HOOKS
            for function in functions
        ),
        *(
            (hook, value, f'"{hook}" must be a function, got {type(value).__name__}')
            for hook in sorted({hook for hook, *_ in WRONG_HOOKS})
            for value in (None, "lucy", 7)
        ),
    ],
)
def test_hook_decorator_rejects_wrong_parameters_and_non_functions(
    hook: str, function: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        getattr(Xiebao(), hook)(function)
