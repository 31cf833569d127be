"""The extension on real apps: init_app, the links it makes, and where they lead."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import flask_login
import pytest
from flask import Flask, request
from werkzeug.datastructures import ImmutableDict
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao import ConfigError, Entry, LinkError, Platform, Xiebao
from flask_xiebao.links.tokens import LinkSigner
from tests.support import CODE, LIVE, NUMBER, PC, PHONE, SECRET, MakeSite, Site

TOKEN = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"

#: One link of each page, by a member where it has to be.
LINKS: dict[str, Callable[..., str]] = {
    "product": lambda xiebao, **options: xiebao.product_link(CODE, **options),
    "home": lambda xiebao, **options: xiebao.home_link(**options),
    "policy": lambda xiebao, **options: xiebao.policy_link(NUMBER, **options),
}


def entry_of(link: str, secret: str = SECRET) -> Entry:
    return LinkSigner([secret], "12345").loads(link.rpartition("/")[2])


def followed(site: Site, link: str) -> int:
    parts = urlsplit(link)
    return site.app.test_client().get(parts.path, base_url="https://shop.example").status_code


# init_app


def test_an_app_that_was_refused_can_be_tried_again() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False)
    app.test_client().get("/")
    for _ in range(2):
        with pytest.raises(AssertionError, match="setup"):  # as Flask says it
            Xiebao(app)


def test_an_app_takes_one_xiebao_only() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False)
    xiebao = Xiebao(app)
    assert app.extensions["xiebao"] is xiebao
    for again in (xiebao, Xiebao()):
        with pytest.raises(ConfigError, match="has a Xiebao already"):
            again.init_app(app)
    with pytest.raises(ConfigError, match="has a Xiebao already"):
        Xiebao(app)
    assert app.extensions["xiebao"] is xiebao


def test_an_app_that_was_configured_wrongly_can_be_tried_again() -> None:
    app = Flask("shop")
    xiebao = Xiebao()
    with pytest.raises(ConfigError, match="XIEBAO_PARTNER_ID is not set"):
        xiebao.init_app(app)
    app.config.update(XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="Key", XIEBAO_ENV="test")
    xiebao.init_app(app)
    with app.app_context():
        assert xiebao.gateway.partner_id == "12345"


@pytest.mark.parametrize("prefix", ["/xiebao", "/insurance/cps"])
def test_the_endpoints_are_where_the_design_says(make_site: MakeSite, prefix: str) -> None:
    site = make_site(XIEBAO_URL_PREFIX=prefix)
    rules = {rule.endpoint: rule.rule for rule in site.app.url_map.iter_rules()}
    assert {name: rule for name, rule in rules.items() if name.startswith("xiebao.")} == {
        "xiebao.product": f"{prefix}/product/<token>",
        "xiebao.home": f"{prefix}/home/<token>",
        "xiebao.policy": f"{prefix}/policy/<token>",
        "xiebao.paid": f"{prefix}/paid/<token>",
        "xiebao.notify": f"{prefix}/notify",
        "xiebao.qr": f"{prefix}/qr/<token>.png",
        "xiebao.static": f"{prefix}/static/<path:filename>",
    }


def test_one_xiebao_keeps_its_apps_apart() -> None:
    xiebao = Xiebao()
    apps = []
    for name in ("one", "two"):
        app = Flask(name)
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
        apps.append(app)
    xiebao.member_loader(lambda: "7")
    one, two = apps

    links = {}
    for app in (one, two, one):
        with app.app_context():
            assert xiebao.gateway.partner_id == f"partner {app.name}"
            assert xiebao.gateway.home_url(partner_uniq_key="7").endswith(f"&site={app.name}")
            links[app] = xiebao.product_link(CODE)
        assert links[app].startswith(f"https://{app.name}.example/{app.name}/product/")

    token = links[one].rpartition("/")[2]
    assert one.test_client().get(f"/one/product/{token}").status_code == 302
    assert two.test_client().get(f"/two/product/{token}").status_code == 404


def test_settings_are_read_once(make_site: MakeSite) -> None:
    site = make_site()
    site.app.config.update(XIEBAO_PARTNER_ID="67890", XIEBAO_ENABLED=False)
    with site.app.test_request_context():
        assert site.xiebao.gateway.partner_id == "12345"
        assert site.xiebao.home_link()


def test_the_gateway_is_the_current_apps(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_SUB_PARTNER_ID="branch", XIEBAO_EXTRA={"hidenav": 1})
    with site.app.app_context():
        url = site.xiebao.gateway.product_url(CODE, partner_uniq_key="7")
    parameters = dict(parse_qsl(urlsplit(url).query))
    assert parameters["subPartnerId"] == "branch"
    assert parameters["hidenav"] == "1"


def test_there_is_no_gateway_outside_an_app(site: Site) -> None:
    with pytest.raises(RuntimeError, match="application context"):
        _ = site.xiebao.gateway


@pytest.mark.parametrize("other", [None, Xiebao])
def test_there_is_no_gateway_on_an_app_that_has_no_xiebao_or_another_one(
    make_site: MakeSite, other: type[Xiebao] | None
) -> None:
    xiebao = Xiebao() if other is None else make_site().xiebao
    app = Flask("other") if other is None else make_site().app
    with app.app_context():
        with pytest.raises(ConfigError, match=r"no Xiebao: call init_app\(app\) first"):
            _ = xiebao.gateway
        with pytest.raises(ConfigError, match=r"no Xiebao: call init_app\(app\) first"):
            xiebao.home_link()


# Links


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_a_link_is_a_path_with_a_token(site: Site, page: str) -> None:
    site.log_in("7")
    with site.app.test_request_context():
        link = LINKS[page](site.xiebao)
    assert re.fullmatch(rf"/xiebao/{page}/{TOKEN}", link)
    assert followed(site, link) == (302 if page == "product" else 200), "a PC gets a handoff"


def test_a_link_says_what_it_was_given(site: Site) -> None:
    options: dict[str, Any] = {
        "member": 7,
        "platform": "iOS",
        "return_to": "/orders/8",
        "no_login_for": 60,
        "client_reference": "order-8",
    }
    branch: dict[str, Any] = {"sub_partner_id": "branch"}
    with site.app.test_request_context():
        product = entry_of(site.xiebao.product_link(CODE, **options, **branch))
        home = entry_of(site.xiebao.home_link(**options, **branch))
        policy = entry_of(site.xiebao.policy_link(int(NUMBER), **options))
    said = {**options, "member": "7", "platform": Platform.IOS}
    assert product == Entry("product", CODE, **said, **branch)
    assert home == Entry("home", **said, **branch)
    assert policy == Entry("policy", NUMBER, **said)


@pytest.mark.parametrize("page", ["product", "home"])
def test_a_link_carries_no_member_unless_one_is_given(site: Site, page: str) -> None:
    @site.xiebao.member_loader
    def loader() -> str:
        raise AssertionError("Product and home links never ask who is logged in.")

    with site.app.test_request_context():
        assert entry_of(LINKS[page](site.xiebao)).member is None
        assert entry_of(LINKS[page](site.xiebao, member="7")).member == "7"
        for nobody in (None, "", " ", 0, False):
            assert entry_of(LINKS[page](site.xiebao, member=nobody)).member is None


def test_a_policy_link_is_the_current_members_unless_another_is_given(
    site: Site,
) -> None:
    site.log_in(7)
    with site.app.test_request_context():
        assert entry_of(site.xiebao.policy_link(NUMBER)).member == "7"
        assert entry_of(site.xiebao.policy_link(NUMBER, member=None)).member == "7"
        assert entry_of(site.xiebao.policy_link(NUMBER, member="8")).member == "8"


@pytest.mark.parametrize("nobody", [None, "", "  ", 0, False])
def test_there_is_no_policy_link_for_nobody(site: Site, nobody: Any) -> None:
    site.log_in(nobody)
    with site.app.test_request_context():
        assert site.xiebao.policy_link(NUMBER) == ""

    if nobody is not None:
        site.log_in("7")
        with site.app.test_request_context():
            assert site.xiebao.policy_link(NUMBER, member=nobody) == ""


def test_there_is_no_policy_link_on_a_site_that_knows_nobody(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    with site.app.test_request_context():
        assert site.xiebao.policy_link(NUMBER) == ""


def test_without_a_request_a_policy_link_has_to_say_whose_it_is(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="https://shop.example")
    site.log_in("7")
    with site.app.app_context():
        with pytest.raises(LinkError, match="say whose link it is"):
            site.xiebao.policy_link(NUMBER)
        assert entry_of(site.xiebao.policy_link(NUMBER, member="7")).member == "7"


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("page", "options", "words"),
    [
        ("home", {"member": 1.5}, "A member's id must be text, a whole number or a UUID, not"),
        ("home", {"member": True}, "A member's id must be text, a whole number or a UUID, not"),
        ("product", {"member": 0.0}, "A member's id must be text, a whole number or a UUID, not"),
        ("policy", {"member": []}, "A member's id must be text, a whole number or a UUID, not"),
        ("home", {"member": "7\n"}, r"A member's id has U\+000A"),
        ("policy", {"member": "7\u200d"}, r"A member's id has U\+200D"),
        ("home", {"member": "7" * 257}, "A member's id has 257 bytes: 256 at most are allowed"),
        ("home", {"no_login_for": 60}, "no_login_for needs member"),
        ("home", {"member": 0, "no_login_for": 60}, "no_login_for needs member"),
        (
            "policy",
            {"member": "7", "no_login_for": 0},
            "no_login_for must be a positive whole number",
        ),
        ("home", {"platform": "tv"}, "platform: 'tv' is not a platform"),
        ("product", {"platform": 0}, "platform: 0 is not a platform"),
        ("product", {"platform": ""}, "platform: '' is not a platform"),
        ("home", {"platform": "PC"}, "platform: the home page does not serve PC"),
        ("policy", {"member": "7", "platform": 2}, "platform: the policy page does not serve PC"),
        ("product", {"return_to": "https://evil.example/"}, "return_to must be a path"),
        ("home", {"return_to": "//evil.example"}, "return_to must stay on this site"),
        ("policy", {"member": "7", "return_to": ""}, "return_to must be a path"),
        ("product", {"sub_partner_id": " "}, "sub_partner_id is empty"),
        ("product", {"sub_partner_id": False}, "sub_partner_id must be text"),
        ("product", {"sub_partner_id": []}, "sub_partner_id must be text"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_link_is_made(
    make_site: MakeSite, strict: bool, page: str, options: dict[str, Any], words: str
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    with site.app.test_request_context(), pytest.raises(LinkError, match=words):
        LINKS[page](site.xiebao, **options)


@pytest.mark.parametrize("reference", [None, "", " ", "Q\nX", 1.5, True, False, [CODE], b"QX"])
def test_a_wrong_reference_is_refused_by_the_documents_name(site: Site, reference: Any) -> None:
    with site.app.test_request_context():
        with pytest.raises(LinkError, match=r"^caseCode "):
            site.xiebao.product_link(reference)
        with pytest.raises(LinkError, match=r"^insureNum "):
            site.xiebao.policy_link(reference, member="7")


def test_a_link_that_was_made_does_not_answer_for_a_wrong_argument_that_equals_its_own(
    site: Site,
) -> None:
    xiebao: Any = site.xiebao  # whose types forbid this
    with site.app.test_request_context():
        assert entry_of(xiebao.product_link(1)).reference == "1"
        assert entry_of(xiebao.product_link(CODE, platform=1)).platform is Platform.H5
        for wrong in (True, 1.0):
            with pytest.raises(LinkError):
                xiebao.product_link(wrong)
            with pytest.raises(LinkError):
                xiebao.product_link(CODE, platform=wrong)


def test_a_proxy_of_an_argument_counts_as_the_argument(site: Site) -> None:
    def proxy(value: Any) -> Any:
        return LocalProxy(lambda: value)

    with site.app.test_request_context():
        assert entry_of(site.xiebao.home_link(member=proxy("7"))).member == "7"
        found = entry_of(
            site.xiebao.product_link(
                proxy(CODE), sub_partner_id=proxy("branch"), return_to=proxy("/orders/8")
            )
        )
    assert found == Entry("product", CODE, sub_partner_id="branch", return_to="/orders/8")


def test_a_member_needs_no_login_for_where_nobody_can_be_logged_in(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    with site.app.test_request_context():
        for page, link in LINKS.items():
            with pytest.raises(LinkError, match="member needs no_login_for"):
                link(site.xiebao, member="7")
            bearer = link(site.xiebao, member="7", no_login_for=60)
            assert re.fullmatch(rf"/xiebao/{page}/{TOKEN}", bearer)
        assert site.xiebao.product_link(CODE)


def test_a_link_takes_keywords_only_after_its_reference(site: Site) -> None:
    xiebao: Any = site.xiebao  # whose types forbid this
    with site.app.test_request_context():
        for make in (xiebao.product_link, xiebao.policy_link):
            with pytest.raises(TypeError):
                make(CODE, "7")
        with pytest.raises(TypeError):
            xiebao.home_link("7")
        with pytest.raises(TypeError):
            xiebao.policy_link(NUMBER, sub_partner_id="branch")


def test_a_response_with_a_members_link_is_kept_from_shared_caches(
    site: Site,
) -> None:
    @site.app.get("/links/<member>")
    def links(member: str) -> Any:
        for make in LINKS.values():
            make(site.xiebao, member=member)
        return "links", {"Cache-Control": "public, s-maxage=600, max-age=60"}

    client = site.app.test_client()
    private = client.get("/links/7").cache_control
    assert private.private
    assert not private.public
    assert private.s_maxage is None
    assert private.max_age == 60
    assert client.get("/links/ ").cache_control.public, "a link without a member is anybody's"


# Where a link leads


@pytest.mark.parametrize("page", ["product", "home", "policy"])
def test_an_external_link_is_on_the_host_of_the_request(site: Site, page: str) -> None:
    with site.app.test_request_context(base_url="https://shop.example:8443"):
        link = LINKS[page](site.xiebao, member="7", external=True)
    assert re.fullmatch(rf"https://shop\.example:8443/xiebao/{page}/{TOKEN}", link)


@pytest.mark.parametrize("public_url", ["https://shop.example/mall", "https://shop.example/mall/"])
def test_an_external_link_is_on_the_public_url_with_its_mount_path(
    make_site: MakeSite, public_url: str
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=public_url, SERVER_NAME="internal.example")
    expected = rf"https://shop\.example/mall/xiebao/product/{TOKEN}"
    with site.app.test_request_context(base_url="http://internal.example/inside"):
        assert re.fullmatch(expected, site.xiebao.product_link(CODE, external=True))
        local = site.xiebao.product_link(CODE)
        assert re.fullmatch(rf"/inside/xiebao/product/{TOKEN}", local)
    with site.app.app_context():
        assert re.fullmatch(expected, site.xiebao.product_link(CODE))
        assert re.fullmatch(expected, site.xiebao.product_link(CODE, external=True))


def test_a_public_url_has_its_port_and_scheme(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL="http://shop.example:8080")
    with site.app.test_request_context(base_url="https://other.example"):
        link = site.xiebao.home_link(external=True)
    assert link.startswith("http://shop.example:8080/xiebao/home/")


def test_without_a_request_a_link_is_on_the_server_name(make_site: MakeSite) -> None:
    site = make_site(
        SERVER_NAME="shop.example", APPLICATION_ROOT="/mall", PREFERRED_URL_SCHEME="https"
    )
    with site.app.app_context():
        link = site.xiebao.product_link(CODE, member="7")
    assert re.fullmatch(rf"https://shop\.example/mall/xiebao/product/{TOKEN}", link)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("testing", [True, False])
@pytest.mark.parametrize("external", [True, False])
def test_without_a_request_and_an_address_there_is_no_link(
    make_site: MakeSite, strict: bool, testing: bool, external: bool
) -> None:
    site = make_site(TESTING=testing, XIEBAO_ENV="test", XIEBAO_STRICT=strict)
    with site.app.app_context(), pytest.raises(LinkError, match="set XIEBAO_PUBLIC_URL"):
        site.xiebao.product_link(CODE, external=external)


FORGED = "https://evil.example"
_VOUCH = "set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS"


@pytest.mark.parametrize("page", ["product", "home", "policy"])
@pytest.mark.parametrize("no_login_for", [None, 60])
def test_no_link_with_a_member_leaves_a_live_site_on_a_host_nobody_vouched_for(
    make_site: MakeSite, page: str, no_login_for: int | None
) -> None:
    site = make_site(**LIVE)
    with site.app.test_request_context(base_url=FORGED):
        with pytest.raises(LinkError, match=_VOUCH):
            LINKS[page](site.xiebao, member="7", no_login_for=no_login_for, external=True)
        assert LINKS[page](site.xiebao, member="7", no_login_for=no_login_for).startswith(
            "/xiebao/"
        )


def test_nor_does_the_current_members_policy_link(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    site.log_in("7")
    with (
        site.app.test_request_context(base_url=FORGED),
        pytest.raises(LinkError, match=_VOUCH),
    ):
        site.xiebao.policy_link(NUMBER, external=True)


def test_a_link_without_a_member_may_leave_on_any_host(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    with site.app.test_request_context(base_url=FORGED):
        for page in ("product", "home"):
            link = LINKS[page](site.xiebao, external=True)
            assert link.startswith(f"{FORGED}/xiebao/{page}/")


@pytest.mark.filterwarnings("ignore:Current server name:UserWarning")
@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"XIEBAO_PUBLIC_URL": "https://shop.example"}, "shop.example"),
        ({"SERVER_NAME": "shop.example"}, "shop.example"),
        ({"DEBUG": True}, "evil.example"),
        ({"TESTING": True}, "evil.example"),
    ],
)
def test_a_members_link_may_leave_where_the_host_is_known_or_does_not_matter(
    make_site: MakeSite, config: dict[str, Any], host: str
) -> None:
    site = make_site(**{**LIVE, **config})
    with site.app.test_request_context(base_url=FORGED):
        link = site.xiebao.home_link(member="7", external=True)
    assert urlsplit(link).hostname == host


def host_of_a_members_link(site: Site, host: str) -> tuple[int, str]:
    @site.app.get("/link")
    def link() -> str:
        return site.xiebao.home_link(member="7", external=True)

    response = site.app.test_client().get("/link", base_url=f"https://{host}")
    return response.status_code, str(urlsplit(response.text).hostname)


@pytest.mark.skipif(
    "TRUSTED_HOSTS" not in Flask.default_config, reason="this Flask knows no TRUSTED_HOSTS"
)
def test_a_members_link_may_leave_on_a_host_that_flask_was_told_to_trust(
    make_site: MakeSite,
) -> None:
    trusting = {**LIVE, "TRUSTED_HOSTS": ["shop.example"]}
    assert host_of_a_members_link(make_site(**trusting), "shop.example") == (200, "shop.example")
    assert host_of_a_members_link(make_site(**trusting), "evil.example")[0] == 400


def test_a_flask_that_ignores_trusted_hosts_vouches_for_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: value for name, value in Flask.default_config.items() if "TRUSTED" not in name}
    monkeypatch.setattr(Flask, "default_config", ImmutableDict(known))
    site = make_site(**LIVE, TRUSTED_HOSTS=["shop.example"])
    with (
        site.app.test_request_context(base_url="https://shop.example"),
        pytest.raises(LinkError, match=_VOUCH),
    ):
        site.xiebao.home_link(member="7", external=True)


def test_an_empty_list_of_trusted_hosts_vouches_for_nothing(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    with site.app.test_request_context(base_url=FORGED):
        site.app.config["TRUSTED_HOSTS"] = []
        with pytest.raises(LinkError, match=_VOUCH):
            site.xiebao.home_link(member="7", external=True)


def test_links_of_a_mounted_site_carry_its_mount_path(site: Site) -> None:
    with site.app.test_request_context(base_url="https://shop.example/mall"):
        assert site.xiebao.home_link().startswith("/mall/xiebao/home/")
        external = site.xiebao.home_link(external=True)
    assert external.startswith("https://shop.example/mall/xiebao/home/")


def test_behind_a_proxy_links_have_the_scheme_and_host_that_it_tells(make_site: MakeSite) -> None:
    site = make_site()
    proxy = ProxyFix(site.app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)
    site.app.wsgi_app = proxy  # type: ignore[method-assign]

    @site.app.get("/link")
    def link() -> str:
        assert request.is_secure
        return site.xiebao.home_link(external=True)

    told = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "X-Forwarded-Prefix": "/mall",
    }
    response = site.app.test_client().get("/link", base_url="http://10.0.0.1", headers=told)
    assert response.text.startswith("https://shop.example/mall/xiebao/home/")


def test_what_a_site_adds_to_all_its_urls_does_not_break_a_link(site: Site) -> None:
    site.log_in("7")

    @site.app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", "en")

    with site.app.test_request_context():
        link = site.xiebao.product_link(CODE)
    assert urlsplit(link).query == "lang=en"
    assert entry_of(urlsplit(link).path) == Entry("product", CODE)
    assert followed(site, link) == 302


def test_links_of_one_page_differ_in_what_they_say_only(site: Site) -> None:
    codes = [f"QX{number}" for number in range(50)]
    with site.app.test_request_context(base_url="https://shop.example/mall"):
        links = [site.xiebao.product_link(code) for code in codes * 2]
        links += [site.xiebao.home_link(), site.xiebao.product_link("QX0")]
    assert [entry_of(link).reference for link in links] == [*codes, *codes, None, "QX0"]
    assert {link.rpartition("/")[0] for link in links[:-2]} == {"/mall/xiebao/product"}
    assert links[-2].startswith("/mall/xiebao/home/")


# Switched off


def test_a_site_that_is_switched_off_has_no_links_and_no_gateway() -> None:
    app = Flask("shop")
    app.config.update(XIEBAO_ENABLED=False)
    xiebao = Xiebao(app)
    for context in (app.app_context(), app.test_request_context(base_url=FORGED)):
        with context:
            for make in LINKS.values():
                assert make(xiebao) == ""
                assert make(xiebao, member="7", external=True) == ""
            with pytest.raises(ConfigError, match="XIEBAO_ENABLED is off"):
                _ = xiebao.gateway


# The secret


@pytest.mark.parametrize("secret", [None, "", b"", 123456, 1.5])
def test_a_secret_that_cannot_sign_is_an_error_at_the_first_link(
    make_site: MakeSite, secret: Any
) -> None:
    site = make_site()
    with site.app.test_request_context():  # Flask itself refuses some of these earlier
        site.app.config["SECRET_KEY"] = secret
        with pytest.raises(ConfigError, match="SECRET_KEY"):
            site.xiebao.product_link(CODE)
        site.app.config["SECRET_KEY"] = SECRET
        assert entry_of(site.xiebao.product_link(CODE)) == Entry("product", CODE)


@pytest.mark.parametrize(
    "fallbacks",
    ["old secret", b"old secret", [""], ["old", ""], [None], [5], {"old": 1}, [["a"]]],
)
def test_fallbacks_that_are_no_list_of_keys_are_an_error_at_the_first_link(
    make_site: MakeSite, fallbacks: Any
) -> None:
    site = make_site(SECRET_KEY_FALLBACKS=fallbacks)
    with (
        site.app.test_request_context(),
        pytest.raises(ConfigError, match="SECRET_KEY_FALLBACKS must be a list of keys") as raised,
    ):
        site.xiebao.product_link(CODE)
    assert "old" not in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("fallbacks", [None, [], (), ["old"], ("old",), [b"old"]])
def test_fallbacks_may_be_a_list_or_nothing(make_site: MakeSite, fallbacks: Any) -> None:
    site = make_site(SECRET_KEY_FALLBACKS=fallbacks)
    with site.app.test_request_context():
        assert entry_of(site.xiebao.product_link(CODE)) == Entry("product", CODE)


def test_a_fallback_keeps_old_links_valid_until_it_is_taken_out(make_site: MakeSite) -> None:
    site = make_site()
    site.log_in("7")
    with site.app.test_request_context():
        old = site.xiebao.product_link(CODE)
    assert followed(site, old) == 302

    site.app.config.update(SECRET_KEY="a new secret", SECRET_KEY_FALLBACKS=[SECRET])
    with site.app.test_request_context():
        new = site.xiebao.product_link(CODE)
    assert entry_of(new, "a new secret") == Entry("product", CODE)
    assert followed(site, old) == 302
    assert followed(site, new) == 302

    site.app.config.update(SECRET_KEY_FALLBACKS=[])
    assert followed(site, old) == 404
    assert followed(site, new) == 302

    site.app.config.update(SECRET_KEY="a third secret")
    assert followed(site, new) == 404


# Members


def test_the_loader_comes_back_as_it_was(site: Site) -> None:
    def loader() -> str:
        return "7"

    assert site.xiebao.member_loader(loader) is loader
    with site.app.test_request_context():
        assert entry_of(site.xiebao.policy_link(NUMBER)).member == "7"


def test_a_loader_that_fails_is_the_sites_error_and_never_nobody(site: Site) -> None:
    @site.xiebao.member_loader
    def loader() -> str:
        raise ZeroDivisionError

    with site.app.test_request_context(), pytest.raises(ZeroDivisionError):
        site.xiebao.policy_link(NUMBER)


@pytest.mark.parametrize("value", [True, 1.5, ["7"], b"7"])
def test_a_loader_that_returns_no_member_id_is_an_error(site: Site, value: Any) -> None:
    site.log_in(value)
    with (
        site.app.test_request_context(),
        pytest.raises(LinkError, match="A member's id must be text, a whole number or a UUID, not"),
    ):
        site.xiebao.policy_link(NUMBER)


def log_in_by_flask_login(app: Flask) -> flask_login.LoginManager:
    """Give *app* a Flask-Login on which ``/login/<name>`` logs in whoever comes."""
    manager = flask_login.LoginManager(app)

    def load(name: str) -> flask_login.UserMixin:
        user = flask_login.UserMixin()
        user.id = name
        return user

    manager.user_loader(load)

    @app.get("/login/<name>")
    def login(name: str) -> str:
        flask_login.login_user(load(name))
        return "welcome"

    return manager


def policy_link_for(site: Site, *, login: str | None) -> str:
    @site.app.get("/mine")
    def mine() -> str:
        return site.xiebao.policy_link(NUMBER)

    client = site.app.test_client()
    if login is not None:
        client.get(f"/login/{login}")
    return client.get("/mine").text


def test_flask_login_says_who_is_logged_in(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    log_in_by_flask_login(site.app)
    assert entry_of(policy_link_for(site, login="ann")).member == "ann"


def test_flask_login_says_when_nobody_is(make_site: MakeSite) -> None:
    guest = flask_login.AnonymousUserMixin()
    guest.get_id = lambda: "guest"
    site = make_site(loader=False)
    log_in_by_flask_login(site.app).anonymous_user = lambda: guest
    assert policy_link_for(site, login=None) == ""


def test_the_sites_own_loader_wins_over_flask_login(make_site: MakeSite) -> None:
    site = make_site()
    site.log_in("7")
    log_in_by_flask_login(site.app)
    assert entry_of(policy_link_for(site, login="ann")).member == "7"


def test_with_flask_login_a_member_needs_nothing_else(make_site: MakeSite) -> None:
    site = make_site(loader=False)
    log_in_by_flask_login(site.app)
    with site.app.test_request_context():
        assert entry_of(site.xiebao.home_link(member="ann")).member == "ann"


def test_making_links_logs_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with site.app.test_request_context():
        for make in LINKS.values():
            make(site.xiebao, member="7", no_login_for=60, external=True)
        _ = site.xiebao.gateway.home_url(partner_uniq_key="7")
    assert caplog.records == []


# What is a member


ONE = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


def test_a_uuid_is_a_member_and_is_sent_as_it_is_written(site: Site) -> None:
    site.log_in(ONE)
    with site.app.test_request_context():
        links = [
            site.xiebao.product_link("QX1"),
            site.xiebao.home_link(member=ONE),
            site.xiebao.policy_link(NUMBER),
            site.xiebao.policy_link(NUMBER, member=ONE, no_login_for=60),
        ]
    for link in links:
        response = site.app.test_client().get(link, headers=PHONE)
        query = dict(parse_qsl(urlsplit(response.location or "").query))
        assert query["partnerUniqKey"] == "0f8fad5b-d9cb-469f-a165-70867728950e"


def test_a_uuid_and_its_text_are_the_same_member(site: Site) -> None:
    with site.app.test_request_context():
        link = site.xiebao.home_link(member=str(ONE))
    for member in (ONE, str(ONE), LocalProxy(lambda: ONE)):
        site.log_in(member)
        assert site.app.test_client().get(link, headers=PHONE).status_code == 302


def test_a_loader_may_be_async(make_site: MakeSite) -> None:
    site = make_site(loader=False)

    @site.xiebao.member_loader
    async def current_member() -> str | None:
        await asyncio.sleep(0)
        member: str | None = site.member
        return member

    site.log_in("alice")
    with site.app.test_request_context():
        links = [site.xiebao.home_link(), site.xiebao.policy_link(NUMBER)]
    for link in links:
        query = urlsplit(site.app.test_client().get(link, headers=PHONE).location or "").query
        assert dict(parse_qsl(query))["partnerUniqKey"] == "alice"
    site.log_in(None)
    assert site.app.test_client().get(links[0], headers=PHONE).status_code == 401


ODD = [
    ("zero-width joiner", "a\u200db", r"has U\+200D"),
    ("no-break space", "a\u00a0b", r"has U\+00A0"),
    ("zero-width space", "a\u200b", r"has U\+200B"),
    ("line break", "a\nb", r"has U\+000A"),
    ("line separator", "a\u2028b", r"has U\+2028"),
    ("3,000 characters", "a" * 3000, "has 3,000 characters"),
    ("space at the end", "alice ", "has white space at its ends"),
    ("space at the beginning", "\u0020alice", "has white space at its ends"),
    ("300 characters", "a" * 300, "has 300 bytes: 256 at most are allowed"),
    ("100 emoji", "\N{SLIGHTLY SMILING FACE}" * 100, "has 400 bytes: 256 at most are allowed"),
]


@pytest.mark.parametrize(("member", "words"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
def test_an_odd_member_is_an_error_where_the_page_is_rendered_and_at_the_click(
    site: Site, member: str, words: str
) -> None:
    site.log_in(member)
    with site.app.test_request_context():
        memberless = site.xiebao.home_link()
        with pytest.raises(LinkError, match=words):
            site.xiebao.policy_link(NUMBER)
        with pytest.raises(LinkError, match=words):
            site.xiebao.home_link(member=member)
    for device in (PC, PHONE):  # neither a handoff nor the gateway
        with pytest.raises(LinkError, match=words):
            site.app.test_client().get(memberless, headers=device)


@pytest.mark.parametrize("member", ["a" * 256, "é" * 128, '"' * 256, "会员" * 42, "\\" * 256])
def test_the_longest_member_fits_into_the_code_of_the_longest_link(
    make_site: MakeSite, member: str
) -> None:
    host = f"{'shop.' * 40}example"
    site = make_site(XIEBAO_PUBLIC_URL=f"https://{host}/below/a/path")
    site.log_in(member)
    with site.app.test_request_context():
        link = site.xiebao.home_link(return_to="/" + "x" * 1180)
    handoff = site.app.test_client().get(link, headers=PC)
    assert handoff.status_code == 200
    assert "<svg" in handoff.text


@pytest.mark.parametrize("text", ["/" + '"' * 700, "/" + "保" * 400, "/" + "x" * 1200])
def test_a_link_that_no_code_could_hold_is_refused_when_it_is_made(site: Site, text: str) -> None:
    with site.app.test_request_context(), pytest.raises(LinkError, match="Shorten return_to"):
        site.xiebao.home_link(return_to=text)


@pytest.mark.parametrize("number", [None, LocalProxy(lambda: None)], ids=["None", "a proxy"])
def test_a_number_that_is_null_in_the_database_says_what_it_is(site: Site, number: Any) -> None:
    with (
        site.app.test_request_context(),
        pytest.raises(LinkError, match="insureNum is None, such as a NULL in a database"),
    ):
        site.xiebao.policy_link(number, member="alice")


@pytest.mark.parametrize("view", ["auth.logn", "login_with_arguments"])
def test_a_login_view_that_cannot_be_built_is_named_at_the_click(
    make_site: MakeSite, view: str
) -> None:
    site = make_site(XIEBAO_LOGIN_VIEW=view)
    site.app.add_url_rule("/login/<name>", "login_with_arguments", lambda name: name)
    with site.app.test_request_context():
        link = site.xiebao.home_link()
    with pytest.raises(ConfigError, match=f"XIEBAO_LOGIN_VIEW is '{view}'") as raised:
        site.app.test_client().get(link, headers=PHONE)
    assert link.rpartition("/")[2] not in str(raised.value)


def test_an_app_with_host_matching_is_told_what_else_to_do() -> None:
    app = Flask("shop", host_matching=True, static_host="shop.example")
    app.config.update(SECRET_KEY="s", XIEBAO_PARTNER_ID="12345", XIEBAO_API_KEY="Key")
    with pytest.raises(ConfigError, match="an app of its own"):
        Xiebao(app)


def test_every_view_has_a_name_and_the_module_of_the_package(site: Site) -> None:
    views = {
        endpoint: view
        for endpoint, view in site.app.view_functions.items()
        if endpoint.startswith("xiebao.") and endpoint != "xiebao.static"
    }
    names = {f"{view.__module__}.{view.__name__}" for view in views.values()}
    assert len(names) == len(views) == 6
    assert all(name.startswith("flask_xiebao.") for name in names)
    assert {view.__name__ for view in views.values()} == {
        *("product", "home", "policy", "paid", "notify", "qr")
    }


def test_whoever_returns_something_else_than_an_id_is_named(make_site: MakeSite) -> None:
    site = make_site()
    site.log_in(object())
    with (
        site.app.test_request_context(),
        pytest.raises(
            LinkError,
            match=r"The member_loader did not return a member's id\. .*not object: pass the id",
        ),
    ):
        site.xiebao.policy_link(NUMBER)


def test_a_loader_has_to_be_a_function() -> None:
    with pytest.raises(ConfigError, match="member_loader takes a function, not str"):
        Xiebao().member_loader("m_1")  # type: ignore[type-var]
