"""Tests that ``flask xiebao check`` passes for unusual sites without a fault.

If a site seems to break a rule but has no fault, add a row to ``SETTINGS``, ``ADDRESSES``,
``HOOKS``, ``LOGINS`` or ``PAGES``.
"""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from flask import (
    Blueprint,
    Flask,
    current_app,
    redirect,
    render_template_string,
    request,
    session,
)
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao import is_rehearsal
from tests.check.support import (
    ENTRY,
    HIDDEN_KEY,
    ON_PAGE,
    WITH_LOGIN_VIEW,
    WITH_PUBLIC_URL,
    MakeApp,
    abort_with,
    add_language_prefix,
    add_middleware,
    assert_check_passes,
    change_headers,
    change_settings,
    log_in_by_form,
    make_login_shop,
    make_shop,
    mount_app_below,
    passing_row,
    redirect_phones,
    redirect_to_host,
    register_hook,
    require_complete_requests,
    run_check,
    use_flask_login,
)
from tests.support import MACROS, NEEDS_TRUSTED_HOSTS
from tests.tools.mutants.sites import SITES

pytestmark = pytest.mark.requires("html5lib")

POLICY = '{{ policy_entry("P1") }}'
PAGE = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
WITH_PAGE = ON_PAGE
AS_MEMBER: dict[str, Any] = {"member": 7, **ON_PAGE}
BELOW_TRAVEL: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example/travel"}
#: The template of a page with each kind of entry.
ENTRIES = (
    f"{PAGE}{POLICY}{{{{ insurance_home_entry() }}}}{{{{ insurance_qr('QX1') }}}}"
    '{{ insurance_card("QX1", "Travel", return_to="/page", terms_url="https://x.example/") }}'
)
make_page_shop = partial(make_shop, page=ENTRIES)


def show_page(**_: Any) -> str:
    return render_template_string(MACROS + PAGE)


def row(id: str, site: MakeApp, *notes: str, marks: Any = (), **options: Any) -> Any:
    """Return a ``pytest.param`` with a site. By default, its page ``/page`` is checked."""
    return passing_row(id, site, *notes, marks=marks, **{**ON_PAGE, **options})


#: One row per site with unusual values of settings.
SETTINGS = [
    *(
        row(str(settings), partial(make_page_shop, **settings))
        for settings in (
            {"XIEBAO_PUBLIC_URL": "HTTPS://Shop.EXAMPLE/Travel"},
            {"XIEBAO_PUBLIC_URL": "https://[2001:DB8::1]:8443"},
            {"XIEBAO_PUBLIC_URL": "https://商店.example/旅行", "XIEBAO_BASE_URL": "/gateway"},
            {"XIEBAO_BASE_URL": "HTTPS://GW.example/a'b(c)|d"},
            {"XIEBAO_BASE_URL": "/"},
            {"SERVER_NAME": "shop.example", "APPLICATION_ROOT": "/travel"},
            {"XIEBAO_API_KEY": "50% & 密钥", "XIEBAO_EXTRA": {"from": "a b&c=号"}},
            {"SECRET_KEY": b"bytes", "SECRET_KEY_FALLBACKS": [b"older", "oldest"]},
            {"XIEBAO_TEXTS": {"product.label": {"zh": " 立即投保 "}, "home.label": "<商城>"}},
            {"XIEBAO_URL_PREFIX": "/ins/v1", "XIEBAO_LOCALE": "en"},
            {"TRAP_HTTP_EXCEPTIONS": True},
        )
    ),
    row("no insurance", partial(make_page_shop, XIEBAO_ENABLED=False), "XIEBAO_ENABLED is off"),
    row(
        "same settings set again in another notation",
        partial(make_page_shop, change_settings(XIEBAO_PARTNER_ID=12345, XIEBAO_LOCALE=None)),
    ),
    *(
        row(
            f"TRUSTED_HOSTS, XIEBAO_PUBLIC_URL={url}",
            partial(make_page_shop, TRUSTED_HOSTS=["shop.example"], XIEBAO_PUBLIC_URL=url),
            marks=NEEDS_TRUSTED_HOSTS,
        )
        for url in (None, "https://shop.example")
    ),
]

# URLs of the site


def add_pages_blueprint(app: Flask) -> None:
    pages = Blueprint("pages", "pages", url_prefix="/store/v2")
    pages.add_url_rule("/page", "page", show_page)
    app.register_blueprint(pages)


def serve_pages_on_subdomains(app: Flask) -> None:
    app.subdomain_matching = True
    app.add_url_rule("/page", "insurance", show_page, subdomain="insurance")
    app.add_url_rule("/login", "login", lambda: "Log in", subdomain="account")


def add_language_parameter(app: Flask) -> None:
    """Add the parameter "lang" to every URL that the app builds."""
    app.url_defaults(lambda endpoint, values: values.setdefault("lang", "zh"))


BEHIND_PROXY = partial(make_page_shop, add_middleware(ProxyFix, x_proto=1, x_host=1, x_prefix=1))
#: One row per site with unusual URLs, for example below a path, on a subdomain or behind a proxy.
ADDRESSES = [
    row("mounted below a path", partial(make_page_shop, mount_app_below("/travel"))),
    row("behind a proxy", partial(BEHIND_PROXY, **WITH_PUBLIC_URL)),
    row("behind a proxy with a prefix", partial(BEHIND_PROXY, **BELOW_TRAVEL)),
    row(
        "redirect to the host of XIEBAO_PUBLIC_URL",
        partial(make_page_shop, before=redirect_to_host("shop.example"), **WITH_PUBLIC_URL),
    ),
    row(
        "page after payment redirects phones to another site",
        partial(
            make_shop,
            page='{{ insurance_entry("QX1", return_to="/paid") }}',
            views={"/paid": lambda: redirect_phones() or "Thanks"},
        ),
        member="m1",
    ),
    *(
        row(
            f"mounted below a path, login function posts to {path}",
            partial(make_login_shop, mount_app_below("/travel"), page=POLICY, **BELOW_TRAVEL),
            member="7",
            login=lambda client, member, path=path: client.post(path, data={"name": member}),
        )
        for path in ("/login", "/travel/login")
    ),
    row(
        "page below a path, passed with and without the path",
        partial(make_page_shop, **BELOW_TRAVEL),
        pages=["/page", "/travel/page"],
    ),
    row(
        "page in a blueprint, passed as path and as URL",
        partial(make_shop, add_pages_blueprint),
        pages=["/store/v2/page", "https://localhost/store/v2/page"],
    ),
    row(
        "page and login on subdomains",
        partial(
            make_shop, serve_pages_on_subdomains, SERVER_NAME="shop.example", **WITH_LOGIN_VIEW
        ),
        pages=["http://insurance.shop.example/page"],
    ),
    row(
        "redirect to a page with another path",
        partial(
            make_shop, views={"/page": ("", 302, {"Location": "/zh/page"}), "/zh/page": show_page}
        ),
    ),
    row(
        "redirects to paths with a trailing slash",
        partial(make_shop, views={"/login/": "Log in", "/page/": show_page}, **WITH_LOGIN_VIEW),
        pages=["/page", "/page/"],
    ),
    row(
        "language prefix in URLs",
        partial(
            make_shop,
            add_language_prefix,
            register_hook("keeps_plain_key", lambda member: "old" in request.args),
            views={"/<lang>/login": "Log in", "/<lang>/page": show_page},
            **WITH_LOGIN_VIEW,
            **HIDDEN_KEY,
        ),
        pages=["/en/page", "/zh/page"],
    ),
    row(
        "parameter that is added to every URL",
        partial(
            make_page_shop, add_language_parameter, views={"/login": "Log in"}, **WITH_LOGIN_VIEW
        ),
    ),
]

# Request hooks, middleware and templates


def add_error_pages(app: Flask) -> None:
    for status in (401, 403, 404, 405, 410):
        app.register_error_handler(status, lambda error: (f"<h1>{error.code}</h1>", error.code))


def isolate_resources() -> Any:
    """Apply the resource isolation policy of web.dev, which allows cross-site navigation."""
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin", "same-site"):
        return None
    is_navigation = headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    return None if is_navigation or request.method == "HEAD" else ("No", 403)


def require_browser_and_proxy() -> Any:
    ipaddress.ip_address(request.remote_addr or "")
    assert "bot" not in request.user_agent.string.lower()
    is_https = request.headers.get("X-Forwarded-Proto", "http") == "https"
    return None if is_https else redirect(request.url.replace("http:", "https:"))


def change_jinja_options(app: Flask) -> None:
    app.jinja_env.autoescape = False
    app.jinja_env.finalize = lambda value: "" if value is None else value


#: One row per unusual request hook, middleware or template without a fault.
HOOKS = [
    row("error pages", partial(make_page_shop, add_error_pages)),
    row(
        "hook rejects cross-site scripts",
        partial(make_page_shop, before=isolate_resources),
    ),
    row("hooks require complete requests", partial(make_page_shop, require_complete_requests)),
    row(
        "hook requires headers of browsers and proxies",
        partial(make_page_shop, before=require_browser_and_proxy),
    ),
    row(
        "session for visitors",
        partial(make_page_shop, before=lambda: session.update(basket=[])),
    ),
    row(
        "Cache-Control with more directives",
        partial(
            make_shop,
            change_headers(
                ("Cache-Control", "private, no-store, max-age=0"), without=["Cache-Control"]
            ),
            page=ENTRIES,
        ),
    ),
    row("Jinja options", partial(make_page_shop, change_jinja_options)),
    row(
        "handoff template",
        partial(
            make_page_shop,
            templates={"xiebao/handoff.html": "<svg>{{ code }}</svg><a href='{{ direct }}'>x</a>"},
        ),
    ),
]

# Logins and pages after payment


def store_next_and_redirect() -> Any:
    session["next"] = request.args["next"]
    return redirect("/sign-in")


def require_login() -> Any:
    """Show all pages to members only, and refuse all logins except for logins by the check."""
    if request.path == "/login":
        return None if is_rehearsal() else ("No", 429)
    is_open = request.blueprint == "xiebao" or "_user_id" in session
    return None if is_open else redirect("/login?next=/page")


ALLOWS_GATEWAY = {"Content-Security-Policy": "form-action 'self' https://testapi.xiebao18.com"}
COOKIES: dict[str, Any] = {
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-session",
}
#: One row per unusual login, or page to which members return after payment.
LOGINS = [
    *(
        row(
            f"login responds with {name}",
            partial(make_login_shop, login=use_flask_login(response), views={"/login": "Log in"}),
        )
        for name, response in {
            "403": lambda: ("Log in", 403),
            "200": lambda: ("Log in", 200),
            "303": lambda: redirect("/login", 303),
            "an abort()": abort_with(401),
        }.items()
    ),
    row(
        "login on another site",
        partial(
            make_login_shop,
            login=use_flask_login(
                lambda: redirect(f"https://sso.example/?next={quote(request.url)}")
            ),
        ),
    ),
    *(
        row(
            name,
            partial(
                make_page_shop, views={"/sign-in": "Log in", "/login": view}, **WITH_LOGIN_VIEW
            ),
        )
        for name, view in list[tuple[str, Any]](
            [
                ("login page that allows the gateway", ("Log in", ALLOWS_GATEWAY)),
                (
                    "login that redirects and keeps next",
                    lambda: redirect(f"/sign-in?{request.query_string.decode()}"),
                ),
                ("login that redirects and stores next", store_next_and_redirect),
            ]
        )
    ),
    row(
        "pages for members only, and a hook that allows only logins of rehearsals",
        partial(make_login_shop, before=require_login),
        login=log_in_by_form,
        devices=["iphone", "pc", "android"],
        **AS_MEMBER,
    ),
    *(
        row(
            f"session cookie with SameSite={samesite}",
            partial(make_login_shop, SESSION_COOKIE_SAMESITE=samesite, **COOKIES),
            login=log_in_by_form,
            **AS_MEMBER,
        )
        for samesite in ("Lax", "Strict", "None")
    ),
    row(
        "return_to of a single-page app",
        partial(make_login_shop, views={"/": "<div id=app></div>", "/<path:path>": "<div></div>"}),
        **AS_MEMBER,
    ),
    row(
        "return_to without a view",
        make_login_shop,
        **AS_MEMBER,
    ),
]

# Pages


def show_links_as_json() -> dict[str, Any]:
    """Return links for an API client, for example for a mobile app."""
    link = current_app.extensions["xiebao"].link
    return {"product": link("product", "QX1", return_to="/page"), "policies": [link("home")]}


#: One row per unusual page without a fault. More pages are in ``test_page_rules.py``.
PAGES = [
    row("JSON for an API client", partial(make_shop, views={"/page": show_links_as_json})),
    row(
        "disabled card",
        partial(make_page_shop, page=ENTRY + '{{ insurance_card("1", "T", disabled="Sold out") }}'),
    ),
    row(
        "only a disabled entry, rule ignored",
        partial(make_shop, page='{{ insurance_entry("QX1", disabled="Sold out") }}'),
        "Ignored rules: entry.hidden (2).",
        ignore=["entry.hidden"],
    ),
    row(
        "onclick that counts clicks, and an inline style",
        partial(
            make_shop,
            page="""<p style="display: block">{{ insurance_entry("QX1", onclick="count()") }}""",
        ),
    ),
    # An agent may show the QR code of a customer who is not logged in.
    row(
        "QR code for another member",
        partial(
            make_shop,
            page='{{ insurance_qr("QX1", member="customer9", no_login_for=600) }}',
            **HIDDEN_KEY,
            **WITH_PUBLIC_URL,
        ),
        member="agent1",
    ),
]

#: The rows of all tables in this file: test sites without faults.
ROWS = [*SETTINGS, *ADDRESSES, *HOOKS, *LOGINS, *PAGES]


@pytest.mark.parametrize(("site", "notes", "options"), ROWS)
def test_check_passes_for_unusual_site(site: MakeApp, notes: tuple[str, ...], options: Any) -> None:
    assert_check_passes(site, notes, options)


@pytest.mark.parametrize("name", SITES)
def test_check_passes_for_complete_site(name: str) -> None:
    report = run_check(SITES[name], pages=["/orders/8"], devices=["iphone", "pc", "wechat-pc"])
    assert report.passed, str(report)
