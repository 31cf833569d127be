"""Tests that ``flask xiebao check`` passes for unusual sites without a fault.

If a site seems to break a rule but has no fault, add a row to ``SETTINGS``,
``ADDRESSES``, ``HOOKS``, ``TEMPLATES``, ``LOGINS`` or ``ENTRIES``. The tests in
``tests/deep/test_check.py`` run every test case of the check on the site of each row.
"""

from __future__ import annotations

import gzip
import ipaddress
import logging
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
import segno
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    redirect,
    render_template_string,
    request,
    session,
)
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_xiebao import is_rehearsal
from tests.check.support import (
    ENTRY,
    FEW_DEVICES,
    HIDDEN_KEY,
    WITH_LOGIN_VIEW,
    WITH_PUBLIC_URL,
    MakeApp,
    abort_with,
    add_language_prefix,
    add_middleware,
    append_html,
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

PAGE = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
POLICY = '{{ policy_entry("P1") }}'
WITH_PAGE: dict[str, Any] = {"pages": ["/page"]}
AS_MEMBER: dict[str, Any] = {"member": 7, **WITH_PAGE}
BELOW_TRAVEL: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example/travel"}


def show_page(**_: Any) -> str:
    return render_template_string(MACROS + PAGE)


# Unusual settings

#: One row per site with unusual values of settings.
SETTINGS = [
    *(
        passing_row(str(settings), partial(make_shop, **settings))
        for settings in (
            {"XIEBAO_PUBLIC_URL": "HTTPS://Shop.EXAMPLE/Travel"},
            {"XIEBAO_PUBLIC_URL": "https://商店.example/旅行"},
            {"XIEBAO_PUBLIC_URL": "https://[2001:DB8::1]:8443"},
            {"XIEBAO_PUBLIC_URL": "https://shop.example/旅行", "XIEBAO_BASE_URL": "/gateway"},
            {"XIEBAO_BASE_URL": "HTTPS://GW.example/a'b(c)|d"},
            {"XIEBAO_BASE_URL": "/"},
            {"SERVER_NAME": "Shop.Example"},
            {"SERVER_NAME": "shop.example", "APPLICATION_ROOT": "/travel"},
            {"XIEBAO_API_KEY": "50% & 密钥", "XIEBAO_EXTRA": {"from": "a b&c=号"}},
            {"SECRET_KEY": b"bytes", "SECRET_KEY_FALLBACKS": [b"older", "oldest"]},
            {"XIEBAO_PARTNER_ID": 12345, "XIEBAO_HANDOFF_MAX_AGE": "45"},
            {"XIEBAO_TEXTS": {"product.label": {"zh": " 立即投保 "}, "home.label": "<商城>"}},
            {"TRAP_HTTP_EXCEPTIONS": True},
        )
    ),
    passing_row(
        "English entries, handoff page and refusals",
        partial(
            make_shop, page=f"{PAGE}{{{{ insurance_home_entry() }}}}{POLICY}", XIEBAO_LOCALE="en"
        ),
        **WITH_PAGE,
    ),
    passing_row(
        "same settings set again in another notation",
        partial(make_shop, change_settings(XIEBAO_PARTNER_ID=12345, XIEBAO_LOCALE=None)),
    ),
    *(
        passing_row(
            f"TRUSTED_HOSTS, XIEBAO_PUBLIC_URL={url}",
            partial(make_shop, TRUSTED_HOSTS=["shop.example"], XIEBAO_PUBLIC_URL=url),
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


def serve_page_on_subdomain(app: Flask) -> None:
    app.subdomain_matching = True
    app.add_url_rule("/page", "insurance", show_page, subdomain="insurance")


BEHIND_PROXY = partial(
    make_shop, add_middleware(ProxyFix, x_proto=1, x_host=1, x_prefix=1), page=PAGE
)
#: One row per site with unusual URLs, for example below a path, on a subdomain or behind a proxy.
ADDRESSES = [
    passing_row("mounted below a path", partial(make_shop, mount_app_below("/travel"))),
    passing_row("behind a proxy", partial(BEHIND_PROXY, **WITH_PUBLIC_URL), **WITH_PAGE),
    passing_row("behind a proxy with a prefix", partial(BEHIND_PROXY, **BELOW_TRAVEL), **WITH_PAGE),
    passing_row(
        "XIEBAO_URL_PREFIX",
        partial(make_shop, page=PAGE, XIEBAO_URL_PREFIX="/ins/v1"),
        **WITH_PAGE,
    ),
    passing_row(
        "redirect to the host of XIEBAO_PUBLIC_URL",
        partial(make_shop, before=redirect_to_host("shop.example"), **WITH_PUBLIC_URL),
    ),
    passing_row(
        "start page redirects phones",
        partial(make_shop, views={"/": lambda: redirect_phones() or "Welcome"}),
    ),
    *(
        passing_row(
            f"mounted below a path, login function posts to {path}",
            partial(make_login_shop, mount_app_below("/travel"), page=POLICY, **BELOW_TRAVEL),
            member="7",
            login=lambda client, member, path=path: client.post(path, data={"name": member}),
            **WITH_PAGE,
        )
        for path in ("/login", "/travel/login")
    ),
    *(
        passing_row(
            f"page below a path, passed as {url}",
            partial(make_shop, page=PAGE, **BELOW_TRAVEL),
            pages=[url],
        )
        for url in ("/page", "/travel/page")
    ),
    passing_row(
        "page in a blueprint, passed as path and as URL",
        partial(make_shop, add_pages_blueprint),
        pages=["/store/v2/page", "https://localhost/store/v2/page"],
    ),
    passing_row(
        "page on a subdomain",
        partial(make_shop, serve_page_on_subdomain, SERVER_NAME="shop.example"),
        pages=["http://insurance.shop.example/page"],
        only=["product-plain"],
    ),
    passing_row(
        "paths with a trailing slash",
        partial(make_shop, views={"/login/": "Log in", "/page/": show_page}, **WITH_LOGIN_VIEW),
        pages=["/page/"],
    ),
]

# Request hooks and middleware


def add_error_pages(app: Flask) -> None:
    for status in (401, 403, 404, 405, 410):
        app.register_error_handler(status, lambda error: (f"<h1>{error.code}</h1>", error.code))


def make_login_wall(response: Any) -> Any:
    """Return a before_request function that shows only the login page until a member logs in.

    Links of entries can be followed without a login.

    :param response: a function that returns or raises the response for blocked pages.
    """

    def block_visitors() -> Any:
        is_open = request.blueprint == "xiebao" or request.path == "/login"
        return None if is_open or "member" in session else response()

    return block_visitors


def isolate_resources() -> Any:
    """Apply the resource isolation policy of web.dev, which allows cross-site navigation."""
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin", "same-site"):
        return None
    is_navigation = headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    return None if is_navigation or request.method == "HEAD" else ("No", 403)


def require_browser_and_proxy() -> Any:
    ipaddress.ip_address(request.remote_addr or "")
    assert "gzip" in request.headers["Accept-Encoding"]
    is_https = request.headers.get("X-Forwarded-Proto", "http") == "https"
    return None if is_https else redirect(request.url.replace("http:", "https:"))


def compress_response(response: Response) -> None:
    if "gzip" in request.headers.get("Accept-Encoding", "") and not response.direct_passthrough:
        response.set_data(gzip.compress(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"


def append_footer(response: Response) -> None:
    """Append a footer with a link, a script and a QR code that do not belong to the extension."""
    if response.mimetype == "text/html" and not response.location:
        footer = '<footer><a href="/about">About</a><script>1</script></footer>'
        code = segno.make_qr("https://weixin.example/r/abc").svg_inline()
        response.set_data(f"{response.get_data(as_text=True)}{footer}{code}")


#: One row per unusual request hook or middleware without a fault.
HOOKS = [
    passing_row(
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
    passing_row("error pages", partial(make_shop, add_error_pages, page=PAGE), **WITH_PAGE),
    passing_row(
        "hook returns 401 to visitors",
        partial(make_shop, before=make_login_wall(abort_with(401))),
    ),
    passing_row(
        "hook redirects visitors to the login",
        partial(
            make_shop,
            before=make_login_wall(lambda: abort(redirect("/login"))),
            views={"/login": "Hello"},
        ),
    ),
    passing_row(
        "hook rejects cross-site scripts",
        partial(make_shop, before=isolate_resources),
        "The site answers a POST to the return link with status 403",
    ),
    passing_row("hooks require complete requests", partial(make_shop, require_complete_requests)),
    passing_row(
        "hook requires headers of browsers and proxies",
        partial(make_shop, before=require_browser_and_proxy),
    ),
    passing_row(
        "hook rejects crawlers",
        partial(
            make_shop,
            page=PAGE,
            before=lambda: ("No", 403) if "bot" in request.user_agent.string.lower() else None,
        ),
        **WITH_PAGE,
    ),
    passing_row(
        "session for visitors",
        partial(make_shop, page=PAGE, before=lambda: session.update(basket=[])),
        **WITH_PAGE,
    ),
    passing_row("compressed responses", partial(make_shop, after=compress_response)),
    passing_row("footer on each page", partial(make_shop, after=append_footer)),
    passing_row(
        "log call with a missing argument",
        partial(
            make_shop,
            after=lambda response: logging.getLogger("shop").error("%s leads to %s", request.path),
        ),
    ),
    *(
        passing_row(
            f"Cache-Control: {value}",
            partial(make_shop, change_headers(("Cache-Control", value), without=["Cache-Control"])),
        )
        for value in ("no-cache, no-store, must-revalidate", "private, no-store")
    ),
    # Pages may load files from other hosts if the URLs do not contain the token of a link.
    *(
        passing_row(html[:60], partial(make_shop, after=append_html(html)))
        for html in (
            f'<link rel=stylesheet href="https://cdn.example/css/bootstrap.{"0a1b" * 8}.css">',
            '<img src="https://my-company-assets-production-eu-west-1.s3.amazonaws.com/x" alt="">',
            f'<script src="https://cdn.example/?jwt=eyJhbGciOi.{"eyJ1" * 12}.sig"></script>',
            '<a href="https://sso.example/login?next={}">Log in</a>',
            '<a href="http://www..example.com/">Partner</a>',
        )
    ),
]

# Jinja options and replaced templates


def change_jinja_options(**options: Any) -> Any:
    return lambda app: vars(app.jinja_env).update(options)


#: One row per Jinja option, or per template with which a site replaces a template of the extension.
TEMPLATES = [
    passing_row("no autoescape", partial(make_shop, change_jinja_options(autoescape=False))),
    passing_row(
        "finalize replaces None",
        partial(
            make_shop,
            change_jinja_options(finalize=lambda value: "" if value is None else value),
            page=PAGE,
        ),
        **WITH_PAGE,
    ),
    passing_row(
        "handoff template",
        partial(
            make_shop,
            templates={"xiebao/handoff.html": "<svg>{{ code }}</svg><a href='{{ direct }}'>x</a>"},
        ),
    ),
    passing_row(
        "notice template",
        partial(
            make_shop,
            templates={
                "xiebao/notice.html": "<h1>Sorry</h1><nav><a href='/imprint'>Imprint</a></nav>"
            },
        ),
    ),
]

# Logins, start pages and return URLs


def limit_logins(app: Flask) -> None:
    """Allow at most three logins, but any number of logins by ``flask xiebao check``."""
    counts = Counter[str]()

    @app.before_request
    def count_login() -> Any:
        if request.path == "/login" and request.method == "POST" and not is_rehearsal():
            counts["login"] += 1
            if counts["login"] > 3:
                abort(429)


def serve_login_on_subdomain(app: Flask) -> None:
    app.subdomain_matching = True
    app.add_url_rule("/login", "login", lambda: "Log in", subdomain="account")


def store_next_and_redirect() -> Any:
    session["next"] = request.args["next"]
    return redirect("/sign-in")


def unauthorized_shop_factory(unauthorized: Any) -> Any:
    """Return a function that builds a site with this Flask-Login ``unauthorized_handler``."""
    return partial(make_login_shop, login=use_flask_login(unauthorized), views={"/login": "Log in"})


COOKIES: dict[str, Any] = {
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-session",
}
#: One row per unusual login, start page or page that members return to after payment.
LOGINS = [
    *(
        passing_row(f"login responds with {name}", unauthorized_shop_factory(response))
        for name, response in {
            "403": lambda: ("Log in", 403),
            "200": lambda: ("Log in", 200),
            "303": lambda: redirect("/login", 303),
            "an abort()": abort_with(401),
        }.items()
    ),
    passing_row(
        "login on another site",
        unauthorized_shop_factory(
            lambda: redirect(f"https://sso.example/?next={quote(request.url)}")
        ),
        "Visitors log in at https://sso.example/, which is not part of this site.",
    ),
    *(
        passing_row(
            f"login page with form-action {sources}",
            partial(make_shop, views={"/login": ("", headers)}, **WITH_LOGIN_VIEW),
        )
        for sources in ("'self' https://testapi.xiebao18.com", "https:")
        for headers in [{"Content-Security-Policy": f"form-action {sources}"}]
    ),
    passing_row(
        "login that redirects and keeps next",
        partial(
            make_shop,
            views={
                "/login": lambda: redirect(f"/sign-in?{request.query_string.decode()}"),
                "/sign-in": "Log in",
            },
            **WITH_LOGIN_VIEW,
        ),
        only=["product-visitor"],
    ),
    passing_row(
        "login that redirects and stores next in the session",
        partial(
            make_shop,
            views={"/login": store_next_and_redirect, "/sign-in": "Log in"},
            **WITH_LOGIN_VIEW,
        ),
        only=["product-visitor"],
    ),
    passing_row(
        "login on a subdomain",
        partial(make_shop, serve_login_on_subdomain, SERVER_NAME="shop.example", **WITH_LOGIN_VIEW),
        only=["product-visitor"],
    ),
    passing_row(
        "rate limit for logins that exempts rehearsals",
        partial(make_login_shop, limit_logins, page=PAGE),
        login=log_in_by_form,
        devices=["iphone", "pc", "android", "mac", "ipad"],
        **AS_MEMBER,
    ),
    *(
        passing_row(
            f"session cookie with SameSite={samesite}",
            partial(make_login_shop, SESSION_COOKIE_SAMESITE=samesite, **COOKIES),
            login=log_in_by_form,
            **AS_MEMBER,
        )
        for samesite in ("Lax", "Strict", "None")
    ),
    *(
        passing_row(f"start page returns {status}", partial(make_shop, views={"/": ("No", status)}))
        for status in (401, 403)
    ),
    passing_row(
        "return_to of a single-page app",
        partial(make_login_shop, views={"/": "<div id=app></div>", "/<path:path>": "<div></div>"}),
        **AS_MEMBER,
    ),
    passing_row(
        "return_to without a view",
        make_login_shop,
        "After payment, members return to /orders/8, but this app has no view for that path.",
        **AS_MEMBER,
    ),
    passing_row(
        "return_to outside of the path of the site",
        partial(
            make_login_shop,
            page='{{ insurance_entry("QX1", return_to="/paid") }}',
            views={"/paid": "Thanks"},
            XIEBAO_PUBLIC_URL="https://shop.example/shop",
        ),
        "After payment, members return to https://shop.example/paid, which is not part of this"
        " site.",
        **AS_MEMBER,
    ),
]

# Entries on pages

#: One row per unusual entry on a page.
ENTRIES = [
    *(
        passing_row(name, partial(make_shop, page=f"{PAGE}{{{{ {card} }}}}"), **WITH_PAGE)
        for name, card in {
            "disabled card": 'insurance_card("QX1", "T", disabled="Sold out")',
            "card with two links": 'insurance_card("QX1", "T", terms_url="https://x.example/")',
        }.items()
    ),
    passing_row(
        "only a disabled entry, rule ignored",
        partial(make_shop, page='{{ insurance_entry("QX1", disabled="Sold out") }}'),
        ignore=["page.disabled"],
        **WITH_PAGE,
    ),
    passing_row(
        "unusual product code",
        partial(
            make_shop, page='{{ insurance_entry("42") }}{{ insurance_entry("QX000000127257") }}'
        ),
        "A product code does not look like QX000000127257: 42 (/page).",
        **WITH_PAGE,
    ),
    passing_row(
        "onclick that counts clicks",
        partial(make_shop, page="""{{ insurance_entry("QX1", onclick="count()") }}"""),
        **WITH_PAGE,
    ),
    passing_row(
        "inline style of a parent",
        partial(
            make_shop, page="""<p style="color: red; display: block">{{ insurance_entry("QX1") }}"""
        ),
        **WITH_PAGE,
    ),
    passing_row(
        "link that needs no login for ten years",
        partial(
            make_login_shop,
            page='{{ insurance_entry("QX1") }}{% if current_user.is_authenticated %}'
            '{{ insurance_entry("QX1", member="7", no_login_for=315360000) }}{% endif %}',
        ),
        "An entry needs no login for a long time (/page: 3,650 days)",
        login=log_in_by_form,
        **AS_MEMBER,
    ),
    passing_row(
        "fragment for htmx",
        partial(
            make_shop,
            page=PAGE,
            views={
                "/fragment": lambda: (
                    show_page() if "HX-Request" in request.headers else redirect("/page")
                )
            },
        ),
        **WITH_PAGE,
    ),
]

#: The rows of all tables in this file: test sites without faults.
ROWS = [*SETTINGS, *ADDRESSES, *HOOKS, *TEMPLATES, *LOGINS, *ENTRIES]


@pytest.mark.parametrize(("site", "notes", "options"), ROWS)
def test_check_passes_for_unusual_site(site: MakeApp, notes: tuple[str, ...], options: Any) -> None:
    assert_check_passes(site, notes, options)


@pytest.mark.parametrize("name", SITES)
def test_check_passes_for_complete_site(name: str) -> None:
    report = run_check(SITES[name], devices=[*FEW_DEVICES, "wechat-pc"], only=None)
    assert report.passed, str(report)
