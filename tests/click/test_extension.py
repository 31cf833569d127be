"""``Xiebao`` and ``init_app``: which apps it takes, and what each of them has."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask

from flask_xiebao import ConfigError, Xiebao
from flask_xiebao.gateway.pages import PAGES
from tests.support import CONFIG, LINK_ARGUMENTS, PRODUCT_CODE, MakeSite, Site, make_link


def test_an_app_takes_one_xiebao_only(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    for again in (site.xiebao, Xiebao()):
        with pytest.raises(ConfigError, match="is already initialized for this app") as raised:
            again.init_app(site.app)
        assert raised.value.problems == {}  # it is about no setting
    assert site.app.extensions["xiebao"] is site.xiebao


def test_an_app_that_was_configured_wrongly_can_be_tried_again() -> None:
    app, xiebao = Flask("shop"), Xiebao()
    with pytest.raises(ConfigError, match="XIEBAO_PARTNER_ID is not set"):
        xiebao.init_app(app)
    app.config.update(CONFIG, XIEBAO_ENV="test")
    xiebao.init_app(app)
    with app.app_context():
        assert xiebao.gateway.partner_id == "12345"


def test_an_app_with_host_matching_is_told_what_else_to_do(make_site: MakeSite) -> None:
    app = Flask("shop", host_matching=True, static_host="shop.example")
    with pytest.raises(ConfigError, match="run the shop as a separate app"):
        make_site(app)


def test_one_xiebao_keeps_its_apps_apart() -> None:
    xiebao = Xiebao()
    xiebao.member_loader(lambda: "7")
    apps = {name: Flask(name) for name in ("one", "two")}
    for name, app in apps.items():
        app.config.update(
            TESTING=True,
            SECRET_KEY=f"secret of {name}",
            XIEBAO_PARTNER_ID=f"partner {name}",
            XIEBAO_API_KEY=f"key of {name}",
            XIEBAO_URL_PREFIX=f"/{name}",
            XIEBAO_EXTRA={"site": name},
            XIEBAO_PUBLIC_URL=f"https://{name}.example",
        )
        xiebao.init_app(app)

    for name in ("one", "two", "one"):
        with apps[name].app_context():
            assert xiebao.gateway.partner_id == f"partner {name}"
            assert xiebao.gateway.home_url(partner_uniq_key="7").endswith(f"&site={name}")
            link = xiebao.product_link(PRODUCT_CODE)
        assert link.startswith(f"https://{name}.example/{name}/product/")

    token = link.rpartition("/")[2]
    assert apps["one"].test_client().get(f"/one/product/{token}").status_code == 302
    assert apps["two"].test_client().get(f"/two/product/{token}").status_code == 404


def test_the_gateway_is_the_current_apps_with_its_settings_as_they_were_at_the_start(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_SUB_PARTNER_ID="branch", XIEBAO_EXTRA={"hidenav": 1})
    site.app.config.update(XIEBAO_PARTNER_ID="67890", XIEBAO_ENABLED=False)
    with site.app.app_context():
        url = site.xiebao.gateway.product_url(PRODUCT_CODE, partner_uniq_key="7")
    parameters = dict(parse_qsl(urlsplit(url).query))
    sent = {"partnerId": "12345", "subPartnerId": "branch", "hidenav": "1"}
    assert sent.items() <= parameters.items()
    assert site.link("home")


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, "branch-1"), ({"sub_partner_id": "branch-2"}, "branch-2"), ({"sub_partner_id": ""}, "")],
)
@pytest.mark.parametrize("page", ["product", "home"])
def test_the_links_sub_partner_counts_before_the_sites(
    make_site: MakeSite, page: str, options: dict[str, str], expected: str
) -> None:
    site = make_site(XIEBAO_SUB_PARTNER_ID="branch-1")
    site.log_in("alice")
    sent = parse_qsl(
        urlsplit(site.follow(site.link(page, **options)).location or "").query,
        keep_blank_values=True,
    )
    assert dict(sent)["subPartnerId"] == expected


def test_there_is_no_gateway_outside_an_app_or_on_one_without_this_xiebao(
    site: Site, make_site: MakeSite
) -> None:
    with pytest.raises(RuntimeError, match="application context"):
        _ = site.xiebao.gateway
    for xiebao, app in ((Xiebao(), Flask("other")), (site.xiebao, make_site().app)):
        with app.app_context():
            with pytest.raises(
                ConfigError, match=r"is not initialized for <Flask .*Call `init_app\(app\)` first"
            ):
                _ = xiebao.gateway
            with pytest.raises(
                ConfigError, match=r"is not initialized for <Flask .*Call `init_app\(app\)` first"
            ):
                xiebao.home_link()


@pytest.mark.parametrize("page", LINK_ARGUMENTS)
def test_a_site_that_is_switched_off_has_no_links_and_no_gateway(
    make_site: MakeSite, page: str
) -> None:
    site = make_site(XIEBAO_ENABLED=False, XIEBAO_PARTNER_ID=None, XIEBAO_API_KEY=None)
    app, xiebao = site.app, site.xiebao
    for context in (app.app_context(), app.test_request_context(base_url="https://evil.example")):
        with context:
            assert make_link(xiebao, page) == ""
            assert make_link(xiebao, page, member="7", external=True) == ""
            with pytest.raises(ConfigError, match="XIEBAO_ENABLED is off"):
                _ = xiebao.gateway


def test_every_view_has_a_name_and_the_module_of_the_package(site: Site) -> None:
    views = {
        view.__name__: view.__module__
        for endpoint, view in site.app.view_functions.items()
        if endpoint.startswith("xiebao.") and endpoint != "xiebao.static"
    }
    assert views.keys() == {*PAGES, "paid", "notify", "qr"}
    assert all(module.startswith("flask_xiebao.") for module in views.values())


#: What takes a function, with which arguments, and what is none of them.
HOOKS: list[tuple[str, str, list[Any]]] = [
    ("member_loader", r"without arguments \(missing .* 'request'\)", [lambda request: "8"]),
    (
        "click_guard",
        r"with the arguments \(member, entry\) \(too many positional",
        [lambda member: True],
    ),
    ("click_guard", r"with the arguments \(member, entry\)", [lambda: True]),
    (
        "keeps_plain_key",
        r"with the arguments \(member\)",
        [lambda: 1],
    ),
    (
        "notification_handler",
        r"with the arguments \(notification\)",
        [lambda: None, lambda kind, data: None],
    ),
    ("notification_reader", r"with the arguments \(body, headers\)", [lambda: None]),
]


@pytest.mark.parametrize(
    ("hook", "function", "said"),
    [
        *(
            (hook, wrong, f'<lambda> has the wrong parameters, because "{hook}" is called {words}')
            for hook, words, functions in HOOKS
            for wrong in functions
        ),
        *(
            (hook, wrong, f'"{hook}" must be a function, got {type(wrong).__name__}')
            for hook in sorted({hook for hook, *_ in HOOKS})
            for wrong in (None, "lucy", 7)
        ),
    ],
)
def test_what_is_no_function_with_these_arguments_is_refused_where_it_is_registered(
    hook: str, function: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        getattr(Xiebao(), hook)(function)


def test_foreign_csrf_extension_does_not_break_requests(make_site: MakeSite) -> None:
    site = make_site()
    site.app.extensions["csrf"] = object()
    site.log_in("alice")
    assert site.follow(site.link("product")).status_code == 302
