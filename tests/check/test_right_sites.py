"""Sites that are right, however unusual: a check finds nothing wrong with them.

A site that is right and looks like one that is wrong is a row here. ``tests/deep/test_check.py``
checks each with every case, and those that need other libraries.
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
from flask_xiebao.app.state import AppState
from tests.check.support import (
    ENTRY,
    FEW,
    HIDDEN_KEY,
    OUTSIDE,
    MakeSite,
    aborts,
    adding,
    around,
    assert_is_right,
    by_form,
    check,
    flask_login,
    in_languages,
    login_shop,
    mounted,
    needs_a_whole_request,
    registers,
    right,
    sends_phones_elsewhere,
    set_late,
    shop,
    with_headers,
)
from tests.support import MACROS, NEEDS_TRUSTED_HOSTS
from tests.tools.mutants.sites import SITES

PAGE = "{{ xiebao_styles() }}{{ xiebao_script() }}" + ENTRY
ON: dict[str, Any] = {"pages": ["/page"]}
TRAVEL: dict[str, Any] = {"XIEBAO_PUBLIC_URL": "https://shop.example/travel"}
LOGIN: dict[str, Any] = {"XIEBAO_LOGIN_VIEW": "login"}
MEMBER: dict[str, Any] = {"member": 7, **ON}
POLICY = '{{ policy_entry("P1") }}'


def show_page(**_: Any) -> str:
    return render_template_string(MACROS + PAGE)


def limits_logins(app: Flask) -> None:
    """Limit logins, except for those of the check."""
    counts = Counter[str]()

    @app.before_request
    def count_login() -> Any:
        if request.path == "/login" and request.method == "POST" and not is_rehearsal():
            counts["login"] += 1
            if counts["login"] > 3:
                abort(429)


def serve_page_on_subdomain(app: Flask) -> None:
    app.subdomain_matching = True
    app.add_url_rule("/page", "insurance", show_page, subdomain="insurance")


def serve_login_on_subdomain(app: Flask) -> None:
    app.subdomain_matching = True
    app.add_url_rule("/login", "login", lambda: "Log in", subdomain="account")


def store_next_and_redirect() -> Any:
    session["next"] = request.args["next"]
    return redirect("/sign-in")


# Settings that are written unusually

SETTINGS = (
    [
        right(str(settings), partial(shop, **settings))
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
    ]
    + [
        right(
            "the same settings, written in another way later",
            partial(shop, set_late(XIEBAO_PARTNER_ID=12345, XIEBAO_LOCALE=None)),
        )
    ]
    + [
        right(
            f"its own hosts alone, {url}",
            partial(shop, TRUSTED_HOSTS=["shop.example"], XIEBAO_PUBLIC_URL=url),
            marks=NEEDS_TRUSTED_HOSTS,
        )
        for url in (None, "https://shop.example")
    ]
)

# Where the site is


BEHIND_A_PROXY = partial(shop, around(ProxyFix, x_proto=1, x_host=1, x_prefix=1), page=PAGE)


def has_one_host() -> Any:
    is_there = request.host == "shop.example"
    return None if is_there else redirect(f"https://shop.example{request.full_path}", 301)


def start_of_pcs() -> Any:
    return sends_phones_elsewhere() or "Welcome"


def by_post(path: str) -> Any:
    return lambda client, member: client.post(path, data={"name": member})


def in_a_blueprint(app: Flask) -> None:
    pages = Blueprint("pages", "pages", url_prefix="/store/v2")
    pages.add_url_rule("/page", "page", show_page)
    app.register_blueprint(pages)


WHERE = [
    right("below a path", partial(shop, mounted("/travel"))),
    right("behind a proxy", partial(BEHIND_A_PROXY, **OUTSIDE), **ON),
    right("behind a proxy, below a path", partial(BEHIND_A_PROXY, **TRAVEL), **ON),
    right("below a prefix", partial(shop, page=PAGE, XIEBAO_URL_PREFIX="/ins/v1"), **ON),
    right("one host, which it says", partial(shop, before=has_one_host, **OUTSIDE)),
    right("another start page for phones", partial(shop, views={"/": start_of_pcs})),
    *(
        right(
            f"below a path, with a login at {path}",
            partial(login_shop, mounted("/travel"), page=POLICY, **TRAVEL),
            member="7",
            login=by_post(path),
            **ON,
        )
        for path in ("/login", "/travel/login")
    ),
    *(
        right(
            f"a page below a path, named {url}",
            partial(shop, page=PAGE, **TRAVEL),
            pages=[url],
        )
        for url in ("/page", "/travel/page")
    ),
    right(
        "a page in a blueprint, named in two ways",
        partial(shop, in_a_blueprint),
        pages=["/store/v2/page", "https://localhost/store/v2/page"],
    ),
    right(
        "paths that end in a slash",
        partial(shop, views={"/login/": "Log in", "/page/": show_page}, **LOGIN),
        pages=["/page/"],
    ),
]

# Hooks


def has_its_own_errors(app: Flask) -> None:
    for status in (401, 403, 404, 405, 410):
        app.register_error_handler(status, lambda error: (f"<h1>{error.code}</h1>", error.code))


def wall(answer: Any) -> Any:
    """Return a hook that lets visitors to the entries, and to the login, alone."""

    def hook() -> Any:
        is_open = request.blueprint == "xiebao" or request.path == "/login"
        return None if is_open or "member" in session else answer()

    return hook


def isolates() -> Any:
    """As web.dev has it: from other sites only what people open themselves."""
    headers = request.headers
    if headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin", "same-site"):
        return None
    is_opened = headers.get("Sec-Fetch-Mode") == "navigate" and request.method == "GET"
    return None if is_opened or request.method == "HEAD" else ("No", 403)


def knows_how_clicks_are_sent() -> Any:
    """With an address, what a proxy says of https, and what browsers accept."""
    ipaddress.ip_address(request.remote_addr or "")
    assert "gzip" in request.headers["Accept-Encoding"]
    is_safe = request.headers.get("X-Forwarded-Proto", "http") == "https"
    return None if is_safe else redirect(request.url.replace("http:", "https:"))


def refuses_crawlers() -> Any:
    return ("No", 403) if "bot" in request.user_agent.string.lower() else None


def has_a_basket() -> None:
    session.setdefault("basket", [])


def packs(response: Response) -> None:
    if "gzip" in request.headers.get("Accept-Encoding", "") and not response.direct_passthrough:
        response.set_data(gzip.compress(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"


def adds_its_own(response: Response) -> None:
    """A footer, and the code by which people follow it."""
    if response.mimetype == "text/html" and not response.location:
        footer = '<footer><a href="/about">About</a><script>1</script></footer>'
        code = segno.make_qr("https://weixin.example/r/abc").svg_inline()
        response.set_data(f"{response.get_data(as_text=True)}{footer}{code}")


def keeps_all(response: Response) -> None:
    response.headers["Cache-Control"] = "public, max-age=60"


def logs_wrongly(response: Response) -> None:
    logging.getLogger("shop").error("%s leads to %s", request.path)


def kept_nowhere(value: str) -> Any:
    return partial(shop, with_headers(("Cache-Control", value), without=["Cache-Control"]))


HOOKS = [
    right(
        "languages in its paths",
        partial(
            shop,
            in_languages,
            registers("keeps_plain_key", lambda member: "old" in request.args),
            views={"/<lang>/login": "Log in", "/<lang>/page": show_page},
            **LOGIN,
            **HIDDEN_KEY,
        ),
        pages=["/en/page", "/zh/page"],
    ),
    right("errors of its own", partial(shop, has_its_own_errors, page=PAGE), **ON),
    right("a wall around the entries", partial(shop, before=wall(aborts(401)))),
    right(
        "a wall that redirects",
        partial(shop, before=wall(lambda: abort(redirect("/login"))), views={"/login": "Hello"}),
    ),
    right(
        "no script of others",
        partial(shop, before=isolates),
        "The site answers a POST to the return link with status 403",
    ),
    right("hooks that need a whole request", partial(shop, needs_a_whole_request)),
    right("no clicks but as they are sent", partial(shop, before=knows_how_clicks_are_sent)),
    right("no crawlers", partial(shop, page=PAGE, before=refuses_crawlers), **ON),
    right("a session for visitors", partial(shop, page=PAGE, before=has_a_basket), **ON),
    right("answers that are packed", partial(shop, after=packs)),
    right("more on its pages", partial(shop, after=adds_its_own)),
    right("caches for all else", partial(shop, after=keeps_all)),
    right("a line of the log that is wrong", partial(shop, after=logs_wrongly)),
    *(
        right(f"caches that keep nothing: {more}", kept_nowhere(more))
        for more in ("no-cache, no-store, must-revalidate", "private, no-store")
    ),
    # What pages load from elsewhere, without the link, is theirs.
    *(
        right(tag[:60], partial(shop, after=adding(tag)))
        for tag in (
            f'<link rel=stylesheet href="https://cdn.example/css/bootstrap.{"0a1b" * 8}.css">',
            '<img src="https://my-company-assets-production-eu-west-1.s3.amazonaws.com/x" alt="">',
            f'<script src="https://cdn.example/?jwt=eyJhbGciOi.{"eyJ1" * 12}.sig"></script>',
            '<a href="https://sso.example/login?next={}">Log in</a>',
            '<a href="http://www..example.com/">Partner</a>',
        )
    ),
]

# Templates


def escapes_nothing(app: Flask) -> None:
    app.jinja_env.autoescape = False


def has_no_none(app: Flask) -> None:
    app.jinja_env.finalize = lambda value: "" if value is None else value


SORRY = "<h1>Sorry</h1><nav><a href='/imprint'>Imprint</a></nav>"
TEMPLATES = [
    right("templates that escape nothing", partial(shop, escapes_nothing)),
    right("nothing where there is None", partial(shop, has_no_none, page=PAGE), **ON),
    right(
        "a handoff of its own",
        partial(
            shop,
            templates={"xiebao/handoff.html": "<svg>{{ code }}</svg><a href='{{ direct }}'>x</a>"},
        ),
    ),
    right("a notice of its own", partial(shop, templates={"xiebao/notice.html": SORRY})),
]

# Logins, ways back and start pages


def answers_a_login(answer: Any) -> Any:
    return partial(login_shop, login=flask_login(answer), views={"/login": "Log in"})


def elsewhere() -> Any:
    return redirect(f"https://sso.example/?next={quote(request.url)}")


def htmx_fragment() -> Any:
    return show_page() if "HX-Request" in request.headers else redirect("/page")


SET_BY_THE_SITE: dict[str, Any] = {
    "SESSION_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-session",
}
AROUND = [
    *(
        right(f"a login that answers {name}", answers_a_login(answer))
        for name, answer in {
            "403": lambda: ("Log in", 403),
            "200": lambda: ("Log in", 200),
            "303": lambda: redirect("/login", 303),
            "an error": aborts(401),
        }.items()
    ),
    right(
        "a login elsewhere",
        answers_a_login(elsewhere),
        "Visitors log in at https://sso.example/, which is not part of this site.",
    ),
    *(
        right(f"a login whose policy has {sources}", partial(shop, views={"/login": said}, **LOGIN))
        for sources in ("'self' https://testapi.xiebao18.com", "https:")
        for said in [("", {"Content-Security-Policy": f"form-action {sources}"})]
    ),
    right(
        "a way back to another app",
        login_shop,
        "After payment, members return to /orders/8, but this app has no view for that path.",
        **MEMBER,
    ),
    right(
        "a way back without the path of the site",
        partial(
            login_shop,
            page='{{ insurance_entry("QX1", return_to="/paid") }}',
            views={"/paid": "Thanks"},
            XIEBAO_PUBLIC_URL="https://shop.example/shop",
        ),
        "After payment, members return to https://shop.example/paid, which is not part of this"
        " site.",
        **MEMBER,
    ),
    *(
        right(f"a start page that answers {status}", partial(shop, views={"/": ("No", status)}))
        for status in (401, 403)
    ),
    *(
        right(name, partial(shop, page=f"{PAGE}{{{{ {card} }}}}"), **ON)
        for name, card in {
            "one that is sold out": 'insurance_card("QX1", "T", disabled="Sold out")',
            "a card with two links": 'insurance_card("QX1", "T", terms_url="https://x.example/")',
        }.items()
    ),
    right(
        "nothing but what is sold out",
        partial(shop, page='{{ insurance_entry("QX1", disabled="Sold out") }}'),
        ignore=["page.disabled"],
        **ON,
    ),
    right(
        "odd product code is a note",
        partial(shop, page='{{ insurance_entry("42") }}{{ insurance_entry("QX000000127257") }}'),
        "A product code does not look like QX000000127257: 42 (/page).",
        **ON,
    ),
    right(
        "entry with an inline script that counts clicks",
        partial(shop, page="""{{ insurance_entry("QX1", onclick="count()") }}"""),
        **ON,
    ),
    right(
        "entry that overrides an inline style",
        partial(
            shop, page="""<p style="color: red; display: block">{{ insurance_entry("QX1") }}"""
        ),
        **ON,
    ),
    right(
        "rate limit for logins with is_rehearsal as exemption",
        partial(login_shop, limits_logins, page=PAGE),
        login=by_form,
        devices=["iphone", "pc", "android", "mac", "ipad"],
        **MEMBER,
    ),
    right(
        "page on a subdomain",
        partial(shop, serve_page_on_subdomain, SERVER_NAME="shop.example"),
        pages=["http://insurance.shop.example/page"],
        only=["product-plain"],
    ),
    right(
        "link that needs no login for years is a note",
        partial(
            login_shop,
            page='{{ insurance_entry("QX1") }}{% if current_user.is_authenticated %}'
            '{{ insurance_entry("QX1", member="7", no_login_for=315360000) }}{% endif %}',
        ),
        "An entry needs no login for a long time (/page: 3,650 days)",
        login=by_form,
        **MEMBER,
    ),
    right(
        "login on a subdomain",
        partial(shop, serve_login_on_subdomain, SERVER_NAME="shop.example", **LOGIN),
        only=["product-visitor"],
    ),
    right(
        "login that redirects and keeps the page to return to",
        partial(
            shop,
            XIEBAO_LOGIN_VIEW="login",
            views={
                "/login": lambda: redirect(f"/sign-in?{request.query_string.decode()}"),
                "/sign-in": "Log in",
            },
        ),
        only=["product-visitor"],
    ),
    right(
        "login that redirects and stores the page to return to in the session",
        partial(
            shop,
            XIEBAO_LOGIN_VIEW="login",
            views={"/login": store_next_and_redirect, "/sign-in": "Log in"},
        ),
        only=["product-visitor"],
    ),
    right(
        "fragments by htmx",
        partial(shop, page=PAGE, views={"/fragment": htmx_fragment}),
        **ON,
    ),
    *(
        right(
            f"cookies that are {samesite}",
            partial(login_shop, SESSION_COOKIE_SAMESITE=samesite, **SET_BY_THE_SITE),
            login=by_form,
            **MEMBER,
        )
        for samesite in ("Lax", "Strict", "None")
    ),
]

ROWS = [*SETTINGS, *WHERE, *HOOKS, *TEMPLATES, *AROUND]


@pytest.mark.parametrize(("site", "notes", "options"), ROWS)
def test_nothing_is_wrong_with_what_is_unusual(
    site: MakeSite, notes: tuple[str, ...], options: Any
) -> None:
    assert_is_right(site, notes, options)


@pytest.mark.parametrize("name", SITES)
def test_nothing_is_wrong_on_a_site_that_is_right(name: str) -> None:
    report = check(SITES[name], devices=[*FEW, "wechat-pc"], only=None)
    assert report.passed, str(report)


def test_check_expects_any_parameter_that_the_package_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A setting that sends a further parameter needs no change of the check."""
    make = AppState.build_gateway_url
    monkeypatch.setattr(AppState, "build_gateway_url", lambda *given: f"{make(*given)}&channel=web")
    assert_is_right(shop, (), {})


def test_a_single_page_app_has_a_view_for_every_way_back() -> None:
    app = login_shop(views={"/": "<div id=app></div>", "/<path:path>": "<div id=app></div>"})
    report = check(app, **MEMBER)
    assert report.passed, str(report)
    assert "no view" not in "\n".join(report.notes_in("en"))
