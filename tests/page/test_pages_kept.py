"""Pages that outlive their request or never had one, cached, streamed or mailed; their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import time_machine
from bs4 import Tag
from flask import (
    Flask,
    Response,
    abort,
    copy_current_request_context,
    make_response,
    render_template,
    render_template_string,
    request,
    session,
    stream_template,
    stream_template_string,
    stream_with_context,
)
from flask_babel import Babel, force_locale
from flask_caching import Cache
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, TestResponse, run_wsgi_app
from werkzeug.wrappers import Response as BaseResponse

from flask_xiebao import LinkError, Platform, Xiebao, detect_platform
from tests import qr
from tests.support import (
    CODE,
    CONFIG,
    MACROS,
    NUMBER,
    PC,
    PHONE,
    MakeSite,
    Site,
    arrival,
    href,
    one,
    paid_url,
    soup,
)

IOS_APP = {"User-Agent": f"{PHONE['User-Agent']} ShopApp/3.1"}
DEVICES = [(PC, Platform.PC), (PHONE, Platform.H5), (IOS_APP, Platform.IOS)]
DEVICE_NAMES = ["pc", "phone", "app"]
DEVICE_HEADERS = {"user-agent", "sec-ch-ua-mobile", "sec-ch-ua-platform"}
ENTRY = "{{ insurance_entry(%r) }}" % CODE  # noqa: UP031 - braces are Jinja's here
HOME = "{{ insurance_home_entry() }}"
MEMBERS_ENTRY = "{{ insurance_entry(%r, member='li') }}" % CODE  # noqa: UP031
POLICY = "{{ policy_entry(%r) }}" % NUMBER  # noqa: UP031
MAILED = "{{ insurance_entry(%r, member='li', no_login_for=3600) }}" % CODE  # noqa: UP031
SHOP = "https://shop.example"

T = TypeVar("T")


def app_without_entries(**config: Any) -> Flask:
    """Return an app that Xiebao has yet to be given to."""
    app = Flask("shop")
    app.config.update(CONFIG, TESTING=True, **config)
    return app


def cache_of(site: Site) -> Cache:
    return Cache(site.app, config={"CACHE_TYPE": "SimpleCache"})


def get(site: Site, url: str, headers: dict[str, str] = PC) -> TestResponse:
    """Open a URL in a browser that is new to the site."""
    return site.follow(url, headers)


def anchors(html: str) -> list[Tag]:
    return soup(html).select("a[data-xiebao-entry]")


def vary(response: TestResponse) -> list[str]:
    """Return every name in every Vary header, as often as it is there."""
    lines = ", ".join(response.headers.getlist("Vary"))
    return [name.strip().lower() for name in lines.split(",") if name.strip()]


def cache_control(response: TestResponse) -> list[str]:
    """Return every directive in every Cache-Control header, as often as it is there."""
    lines = ", ".join(response.headers.getlist("Cache-Control"))
    return sorted(directive.strip() for directive in lines.split(",") if directive.strip())


def in_worker(work: Callable[[], T]) -> T:
    """Do it where no context of the caller's is left: in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def mail(site: Site, source: str, **context: Any) -> str:
    """Return a mail as a worker renders it: with the app, without a request."""

    def work() -> str:
        with site.app.app_context():
            return render_template_string(MACROS + source, **context)

    return in_worker(work)


# Cached pages and fragments


def cached_view(site: Site, source: str) -> list[str]:
    """Give the site ``/kept``, one cached view; return the list of what it renders."""
    cache, made = cache_of(site), []

    @site.app.get("/kept")
    @cache.cached(timeout=60)
    def kept() -> str:
        made.append(render_template_string(MACROS + source))
        return made[-1]

    return made


def cached_fragment(site: Site, source: str) -> list[str]:
    """Give the site ``/kept``, a page of which a fragment is cached; return what that renders."""
    cache_of(site)
    made: list[str] = []

    @site.app.template_global()
    def rendering() -> str:
        made.append("once")
        return ""

    @site.app.get("/kept")
    def kept() -> str:
        return render_template_string(
            MACROS
            + "<p>{{ member }}</p>{% cache 60, 'insurance' %}{{ rendering() }}"
            + source
            + "{% endcache %}",
            member=site.member,
        )

    return made


KEPT = pytest.mark.parametrize("keep", [cached_view, cached_fragment], ids=["view", "fragment"])


@KEPT
@pytest.mark.parametrize("first", [0, 1, 2], ids=DEVICE_NAMES)
def test_a_page_kept_from_one_device_serves_the_others_and_each_click_finds_its_platform(
    make_site: MakeSite, keep: Any, first: int
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False, XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("li")
    made = keep(site, ENTRY)
    pages = [get(site, "/kept", headers) for headers, _ in DEVICES[first:] + DEVICES[:first]]
    assert len(made) == 1
    assert len({page.text for page in pages}) == 1
    for headers, platform in DEVICES:
        page = get(site, "/kept", headers)
        [anchor] = anchors(page.text)
        assert set(anchor.attrs) == {
            *("class", "href", "data-xiebao-entry", "data-xiebao-look", "rel", "lang")
        }
        assert vary(page) == []
        verdict = arrival(get(site, href(anchor), headers))
        assert (verdict.page, verdict.platform, verdict.member) == ("product", platform, "li")


@KEPT
def test_a_kept_home_entry_leads_phones_to_the_gateway_and_pcs_to_the_handoff(
    make_site: MakeSite, keep: Any
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    site.log_in("li")
    keep(site, HOME)
    url = href(get(site, "/kept", PC))
    assert url == href(get(site, "/kept", PHONE))
    assert arrival(get(site, url, PHONE)).page == "home"
    handoff = get(site, url, PC)
    assert handoff.status_code == 200
    site.log_in(None)
    assert arrival(get(site, qr.read(handoff.text), PHONE)).member == "li"


@KEPT
def test_everybody_goes_as_themselves_by_an_entry_that_was_kept_for_another(
    make_site: MakeSite, keep: Any
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    made = keep(site, ENTRY)
    links = set()
    for member in ("li", "wang"):
        site.log_in(member)
        page = get(site, "/kept")
        assert cache_control(page) == []
        links.add(href(page))
        assert arrival(get(site, href(page))).member == member
    assert len(made) == len(links) == 1
    site.log_in(None)
    assert get(site, links.pop()).status_code == 401


@KEPT
def test_a_kept_entry_does_not_grow_old(make_site: MakeSite, keep: Any) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    site.log_in("li")
    keep(site, ENTRY)
    with time_machine.travel(0, tick=False):
        url = href(get(site, "/kept"))
    assert arrival(get(site, url)).member == "li"
    with site.app.test_request_context():
        assert site.xiebao.product_link(CODE) == url


@KEPT
def test_a_policy_entry_that_was_kept_by_mistake_opens_for_its_member_only(
    make_site: MakeSite, keep: Any
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    made = keep(site, POLICY)
    site.log_in("li")
    assert cache_control(get(site, "/kept")) == ["private"]
    site.log_in("wang")
    url = href(get(site, "/kept"))
    assert len(made) == 1
    assert get(site, url, PHONE).status_code == 403
    site.log_in("li")
    assert arrival(get(site, url, PHONE)).member == "li"


@KEPT
def test_what_a_kept_entry_holds_is_escaped_once(make_site: MakeSite, keep: Any) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    call = "{%% call insurance_entry(%r) %%}<b>A & {{ '<' }}</b>{%% endcall %%}" % CODE  # noqa: UP031
    keep(site, call + "{{ insurance_entry('X', '<i>', title='\"') }}")
    for _ in range(2):
        block, label = anchors(get(site, "/kept").text)
        assert one(block, "b").text == "A & <"
        assert (label.text, label.i, label["title"]) == ("<i>", None, '"')


def test_the_rest_of_a_page_is_not_kept_with_its_fragment(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    cached_fragment(site, ENTRY)
    for member in ("li", "wang"):
        site.log_in(member)
        assert one(get(site, "/kept"), "p").text == member


def test_a_fragment_kept_for_each_member_leads_each_to_their_own_policy(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    cache_of(site)
    source = "{% cache 60, 'policy', member %}" + POLICY + "{% endcache %}"
    for _ in range(2):
        for member in ("li", "wang"):
            site.log_in(member)
            url = href(site.render(source, member=member))
            assert arrival(get(site, url, PHONE)).member == member


def test_a_wrong_case_code_in_a_kept_fragment_leaves_the_page_standing(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(XIEBAO_STRICT=False, XIEBAO_DEVICE_MARKUP=False)
    cache_of(site)
    source = "{% cache 60, 'wrong' %}[{{ insurance_entry('') }}]{% endcache %}"
    assert [site.render(source).text for _ in range(2)] == ["[]", "[]"]
    assert [record.name for record in caplog.records] == ["shop"]


def test_pages_kept_for_each_device_have_the_markup_of_the_device(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    made = []

    def key() -> str:
        return detect_platform(request.headers, app_user_agent="ShopApp/").name

    @site.app.get("/kept")
    @cache_of(site).cached(make_cache_key=key)
    def kept() -> str:
        made.append(1)
        return render_template_string(MACROS + ENTRY)

    for _ in range(2):
        for headers, platform in DEVICES:
            [anchor] = anchors(get(site, "/kept", headers).text)
            assert anchor["data-xiebao-platform"] == platform.slug
            assert ("target" in anchor.attrs) == (platform is Platform.PC)
    assert len(made) == 3


@KEPT
def test_a_kept_qr_code_leads_to_the_public_address_whoever_asked_first(
    make_site: MakeSite, keep: Any
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    keep(site, "{{ insurance_qr(%r) }}" % CODE)  # noqa: UP031
    site.app.test_client().get("/kept", base_url="http://evil.example")
    page = site.app.test_client().get("/kept", base_url=SHOP)
    site.log_in("wang")
    url = qr.read(page.text)
    assert url.startswith(f"{SHOP}/xiebao/product/")
    verdict = arrival(get(site, url, PHONE))
    assert (verdict.platform, verdict.member) == (Platform.H5, "wang")


def test_a_memoized_piece_of_a_page_works_for_every_device_and_member(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False)
    cache, made = cache_of(site), []

    @cache.memoize(60)
    def piece(code: str) -> str:
        made.append(code)
        return render_template_string(MACROS + "{{ insurance_entry(code) }}", code=code)

    @site.app.get("/kept")
    def kept() -> str:
        return piece(CODE)

    for (headers, platform), member in zip(DEVICES[:2], ("li", "wang"), strict=True):
        site.log_in(member)
        verdict = arrival(get(site, href(get(site, "/kept", headers)), headers))
        assert (verdict.platform, verdict.member) == (platform, member)
    assert made == [CODE]


def test_the_cache_may_start_before_the_extension() -> None:
    app = app_without_entries(XIEBAO_DEVICE_MARKUP=False)
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    Xiebao(app).member_loader(lambda: "li")
    source = MACROS + "{% cache 60, 'x' %}" + ENTRY + "{% endcache %}"
    app.add_url_rule("/kept", "kept", lambda: render_template_string(source))
    client = app.test_client()
    pages = [client.get("/kept", headers=headers).text for headers in (PC, PHONE)]
    assert pages[0] == pages[1]
    assert arrival(client.get(href(pages[1]), headers=PHONE)).platform == Platform.H5


# Streamed pages


def by_template(source: str) -> Iterator[str]:
    return stream_template("page.html")


def by_string(source: str) -> Iterator[str]:
    return stream_template_string(MACROS + source)


def by_generator(source: str) -> Iterator[str]:
    def pieces() -> Iterator[str]:
        yield "<h1>"
        yield request.path
        yield "</h1>"
        yield render_template_string(MACROS + source)

    return stream_with_context(pieces())


Stream = Callable[[str], Iterator[str]]
STREAMS = pytest.mark.parametrize(
    "stream", [by_template, by_string, by_generator], ids=["template", "string", "generator"]
)


def streamed(site: Site, stream: Stream, source: str) -> None:
    """Give the site ``/streamed``, which sends its headers before it renders this template."""
    site.app.jinja_loader = DictLoader({"page.html": MACROS + source})

    @site.app.get("/streamed")
    def view() -> Iterator[str]:
        return stream(source)


@STREAMS
def test_a_streamed_page_without_device_markup_is_the_same_for_every_device_and_owes_no_vary(
    make_site: MakeSite, stream: Stream
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=False, XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("li")
    streamed(site, stream, ENTRY)
    texts: set[str] = set()
    for headers, platform in DEVICES:
        page = get(site, "/streamed", headers)
        assert page.content_length is None  # it is streamed
        assert vary(page) == []
        texts.add(page.text)
        [anchor] = anchors(page.text)
        assert set(anchor.attrs) == {
            *("class", "href", "data-xiebao-entry", "data-xiebao-look", "rel", "lang")
        }
        verdict = arrival(get(site, href(anchor), headers))
        assert (verdict.platform, verdict.member) == (platform, "li")
    assert len(texts) == 1


@STREAMS
def test_a_streamed_page_has_the_markup_of_the_device(make_site: MakeSite, stream: Stream) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("li")
    streamed(site, stream, ENTRY)
    for headers, platform in DEVICES:
        page = get(site, "/streamed", headers)
        assert page.content_length is None
        [anchor] = anchors(page.text)
        assert anchor["data-xiebao-platform"] == platform.slug
        assert ("target" in anchor.attrs) == (platform is Platform.PC)
        assert href(anchor).startswith("/xiebao/product/")
        assert arrival(get(site, href(anchor), headers)).platform == platform


@STREAMS
def test_a_streamed_policy_entry_is_of_the_member_who_asked(
    make_site: MakeSite, stream: Stream
) -> None:
    site = make_site(loader=False)
    site.app.add_url_rule("/in/<name>", "log_in", lambda name: session.update(name=name) or "in")
    site.xiebao.member_loader(lambda: session.get("name"))
    streamed(site, stream, POLICY)
    assert anchors(get(site, "/streamed").text) == []
    client = site.app.test_client()
    client.get("/in/li")
    url = href(client.get("/streamed").text)
    assert arrival(client.get(url, headers=PHONE)).member == "li"
    assert get(site, url, PHONE).status_code == 401


@STREAMS
@pytest.mark.parametrize("device_markup", [True, False])
@pytest.mark.parametrize(
    ("source", "by_device", "private"),
    [(ENTRY, True, False), (MEMBERS_ENTRY, True, True), ("{{ insurance_qr('A') }}", False, False)],
    ids=["open", "member", "qr"],
)
def test_headers_that_a_stream_owes_and_can_no_longer_send_are_asked_for_in_the_log(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    stream: Stream,
    source: str,
    by_device: bool,
    private: bool,
    device_markup: bool,
) -> None:
    site = make_site(XIEBAO_DEVICE_MARKUP=device_markup)
    streamed(site, stream, source * 3)
    page = get(site, "/streamed")
    assert page.text.count("xiebao-") >= 3
    assert ("Cache-Control: private" in caplog.text) == private
    assert ("Vary: User-Agent" in caplog.text) == (by_device and device_markup)


@STREAMS
def test_a_stream_keeps_the_headers_of_its_view_and_asks_for_no_others(
    site: Site, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    site.app.jinja_loader = DictLoader({"page.html": MACROS + MEMBERS_ENTRY})

    @site.app.get("/streamed")
    def view() -> Response:
        response = make_response(stream(MEMBERS_ENTRY))
        response.vary.update(("Cookie", "User-Agent"))
        response.cache_control.private = True
        return response

    response = get(site, "/streamed")
    assert len(anchors(response.text)) == 1
    assert vary(response) == ["cookie", "user-agent"]
    assert cache_control(response) == ["private"]
    assert caplog.records == []


@STREAMS
def test_what_was_rendered_before_the_stream_began_is_in_the_headers(
    site: Site, stream: Stream
) -> None:
    site.app.jinja_loader = DictLoader({"page.html": MACROS + ENTRY})

    @site.app.get("/streamed")
    def view() -> Iterator[str]:
        render_template_string(MACROS + MEMBERS_ENTRY)
        return stream(ENTRY)

    response = get(site, "/streamed")
    assert len(anchors(response.text)) == 1
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


@STREAMS
def test_a_wrong_case_code_in_a_stream_leaves_the_rest_of_it_standing(
    make_site: MakeSite, stream: Stream, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(XIEBAO_STRICT=False, XIEBAO_DEVICE_MARKUP=False)
    streamed(site, stream, "{{ insurance_entry('') }}" + ENTRY + "<footer>end</footer>")
    page = get(site, "/streamed").text
    assert len(anchors(page)) == 1
    assert page.endswith("<footer>end</footer>")
    assert len(caplog.records) == 1


@STREAMS
def test_a_wrong_case_code_in_a_stream_raises_in_strict_mode(site: Site, stream: Stream) -> None:
    streamed(site, stream, "<header>top</header>{{ insurance_entry('') }}")
    with pytest.raises(LinkError):
        assert get(site, "/streamed").text


def test_a_mail_can_be_streamed(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)

    def work() -> str:
        with site.app.app_context():
            return "".join(stream_template_string(MACROS + MAILED))

    url = href(in_worker(work))
    assert arrival(get(site, url, PHONE)).member == "li"


# Mail and workers


@pytest.mark.parametrize(
    ("config", "base"),
    [
        ({"XIEBAO_PUBLIC_URL": SHOP}, SHOP),
        ({"XIEBAO_PUBLIC_URL": f"{SHOP}/"}, SHOP),
        ({"XIEBAO_PUBLIC_URL": f"{SHOP}/store"}, f"{SHOP}/store"),
        ({"XIEBAO_PUBLIC_URL": f"{SHOP}/a/b/"}, f"{SHOP}/a/b"),
        ({"XIEBAO_PUBLIC_URL": f"{SHOP}:8443/store"}, f"{SHOP}:8443/store"),
        ({"SERVER_NAME": "shop.example"}, "http://shop.example"),
        ({"SERVER_NAME": "shop.example", "PREFERRED_URL_SCHEME": "https"}, SHOP),
        ({"SERVER_NAME": "shop.example:8080"}, "http://shop.example:8080"),
        (
            {"SERVER_NAME": "shop.example", "APPLICATION_ROOT": "/store"},
            "http://shop.example/store",
        ),
        (
            {
                "SERVER_NAME": "inside.example",
                "APPLICATION_ROOT": "/inside",
                "PREFERRED_URL_SCHEME": "http",
                "XIEBAO_PUBLIC_URL": f"{SHOP}/store",
            },
            f"{SHOP}/store",
        ),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_mail_knows_where_the_site_is(
    make_site: MakeSite, config: dict[str, Any], base: str, strict: bool
) -> None:
    site = make_site(XIEBAO_STRICT=strict, **config)
    text = mail(
        site,
        "{{ xiebao_styles() }}{{ insurance_entry('A') }}{{ insurance_home_entry() }}"
        "{{ policy_entry('1', member='li') }}{{ insurance_qr('A') }}"
        "<p>{{ xiebao_link('product', 'A') }}</p>",
    )
    assert str(one(text, "link")["href"]).startswith(f"{base}/xiebao/static/xiebao.css?v=")
    product, home, policy = (href(anchor) for anchor in anchors(text))
    assert product.startswith(f"{base}/xiebao/product/")
    assert home.startswith(f"{base}/xiebao/home/")
    assert policy.startswith(f"{base}/xiebao/policy/")
    assert one(text, "p").text == qr.read(text) == product


def test_a_mail_leaves_the_platform_for_the_click(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP, XIEBAO_APP_USER_AGENT="ShopApp/")
    site.log_in("li")
    [anchor] = anchors(mail(site, ENTRY))
    assert set(anchor.attrs) == {
        *("class", "href", "data-xiebao-entry", "data-xiebao-look", "rel", "lang")
    }
    for headers, platform in DEVICES:
        assert arrival(get(site, href(anchor), headers)).platform == platform


def test_the_settings_of_a_mail_go_with_its_link(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"{SHOP}/store")
    url = href(
        mail(
            site,
            "{{ insurance_entry('A', member=7, no_login_for=60, platform='android',"
            " sub_partner_id='s', return_to='/store/orders') }}",
        )
    )
    client = Client(DispatcherMiddleware(Response("nothing here", 404), {"/store": site.app}))
    click = client.get(url, headers=PC)
    verdict = arrival(click)
    assert (verdict.platform, verdict.member) == (Platform.ANDROID, "7")
    assert ("subPartnerId", "s") in verdict.parameters
    assert paid_url(click).startswith(f"{SHOP}/store/xiebao/paid/")
    assert client.get(paid_url(click)).location == "/store/orders"


TEMPLATES = {
    "entry": ENTRY,
    "bearer": MAILED,
    "home": HOME,
    "policy": "{{ policy_entry('1', member='li') }}",
    "qr": "{{ insurance_qr('A') }}",
    "link": "{{ xiebao_link('product', 'A') }}",
    "styles": "{{ xiebao_styles() }}",
}


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("source", TEMPLATES.values(), ids=TEMPLATES)
def test_a_mail_of_a_site_that_does_not_say_where_it_is_is_an_error(
    make_site: MakeSite, source: str, strict: bool
) -> None:
    site = make_site(XIEBAO_STRICT=strict)
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        mail(site, source)


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
@pytest.mark.parametrize("external", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"member": "li", "no_login_for": 60}], ids=["open", "bearer"]
)
def test_a_link_without_a_request_needs_to_know_where_the_site_is(
    make_site: MakeSite, strict: bool, external: bool, options: dict[str, Any]
) -> None:
    site = make_site(XIEBAO_STRICT=strict)

    def work() -> None:
        with site.app.app_context():
            site.xiebao.product_link(CODE, external=external, **options)

    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        in_worker(work)


def test_a_mail_of_a_site_that_sells_no_insurance_has_no_entries(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_ENABLED=False)
    assert mail(site, ENTRY + HOME + POLICY + MAILED + "{{ insurance_qr('A') }}|") == "|"


@pytest.mark.parametrize("loader", [True, False], ids=["loader", "no loader"])
@pytest.mark.parametrize(("headers", "platform"), DEVICES[:2], ids=DEVICE_NAMES[:2])
def test_a_bearer_link_in_a_mail_takes_in_who_is_not_signed_in(
    make_site: MakeSite, loader: bool, headers: dict[str, str], platform: Platform
) -> None:
    site = make_site(loader=loader, XIEBAO_PUBLIC_URL=SHOP)
    verdict = arrival(get(site, href(mail(site, MAILED)), headers))
    assert (verdict.platform, verdict.member) == (platform, "li")


def test_a_bearer_link_in_a_mail_ends(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        url = href(mail(site, MAILED))
        clock.shift(3599)
        assert arrival(get(site, url, PHONE)).member == "li"
        clock.shift(2)
        assert get(site, url, PHONE).status_code == 410
        site.log_in("li")
        assert arrival(get(site, url, PHONE)).member == "li"


def test_a_bearer_link_in_a_mail_is_not_for_another_member(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    site.log_in("wang")
    assert get(site, href(mail(site, MAILED)), PHONE).status_code == 403


def test_other_links_in_a_mail_ask_for_a_login(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    for source in (ENTRY, MEMBERS_ENTRY, "{{ policy_entry('1', member='li') }}"):
        url = href(mail(site, source))
        site.log_in(None)
        assert get(site, url, PHONE).status_code == 401
        site.log_in("li")
        assert arrival(get(site, url, PHONE)).member == "li"


def test_a_mailed_link_without_an_end_is_refused_on_a_site_that_knows_no_members(
    make_site: MakeSite,
) -> None:
    site = make_site(loader=False, XIEBAO_PUBLIC_URL=SHOP)
    with pytest.raises(LinkError, match="no_login_for"):
        mail(site, MEMBERS_ENTRY)


def test_a_bearer_link_in_a_mail_works_where_the_site_is_mounted(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"{SHOP}/store")
    url = href(mail(site, "{{ policy_entry('1', member='li', no_login_for=60) }}"))
    mounted = Client(DispatcherMiddleware(Response("nothing here", 404), {"/store": site.app}))
    assert arrival(mounted.get(url, headers=PHONE)).member == "li"
    handoff = mounted.get(url, headers=PC)
    assert arrival(mounted.get(qr.read(handoff.text), headers=PHONE)).member == "li"


def test_production_needs_no_host_header_for_a_mail(make_site: MakeSite) -> None:
    site = make_site(
        TESTING=False, XIEBAO_ENV="production", SERVER_NAME="shop.example", XIEBAO_STRICT=True
    )
    url = href(mail(site, MAILED))
    client = site.app.test_client()
    response = client.get(url, headers=PHONE)
    assert response.location.startswith("https://api.xiebao18.com/")
    assert arrival(response).member == "li"


def test_the_style_sheet_of_a_mail_is_there(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    link = one(mail(site, "{{ xiebao_styles() }}"), "link")
    with get(site, str(link["href"])) as response:
        assert response.status_code == 200
        assert response.mimetype == "text/css"


def test_a_qr_code_in_a_mail_takes_the_phone_that_scans_it_in(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"{SHOP}/store")
    text = mail(site, "{{ insurance_qr('A', member='li', no_login_for=60, size=200) }}")
    url = qr.read(text)
    assert url.startswith(f"{SHOP}/store/xiebao/product/")
    mounted = Client(DispatcherMiddleware(Response("nothing here", 404), {"/store": site.app}))
    verdict = arrival(mounted.get(url, headers=PHONE))
    assert (verdict.platform, verdict.member) == (Platform.H5, "li")


def test_a_policy_entry_in_a_mail_says_that_it_needs_its_member(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    with pytest.raises(LinkError, match=r"\(member\)"):
        mail(site, POLICY)


def test_a_policy_entry_in_a_mail_never_asks_who_is_logged_in(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP, XIEBAO_STRICT=False)
    asked = []

    @site.xiebao.member_loader
    def ask() -> str:
        asked.append(1)
        return "wang"

    assert mail(site, f"[{POLICY}]") == "[]"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert anchors(mail(site, "{{ policy_entry('1', member='li') }}"))
    assert asked == []


@pytest.mark.parametrize("nobody", [None, "", " ", 0, False])
def test_a_policy_entry_in_a_mail_to_nobody_is_never_somebodys(
    make_site: MakeSite, nobody: object
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP, XIEBAO_STRICT=False)
    site.log_in("wang")
    assert mail(site, "[{{ policy_entry('1', member=whose) }}]", whose=nobody) == "[]"


def test_a_plain_text_mail_has_a_link_that_can_be_clicked(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    site.app.jinja_loader = DictLoader(
        {"mail.txt": "Go: {{ xiebao_link('product', 'A&<', member='li', no_login_for=60) }} now"}
    )

    def work() -> str:
        with site.app.app_context():
            return render_template("mail.txt")

    _, url, _ = in_worker(work).split(" ")
    verdict = arrival(get(site, url, PHONE))
    assert ("caseCode", "A&<") in verdict.parameters


def test_a_worker_that_serves_two_sites_mails_from_each(make_site: MakeSite) -> None:
    one = make_site(XIEBAO_PUBLIC_URL="https://one.example")
    two = make_site(XIEBAO_PUBLIC_URL="https://two.example", XIEBAO_URL_PREFIX="/cover")

    def work() -> list[str]:
        with one.app.app_context(), two.app.app_context():
            inner = render_template_string(MACROS + ENTRY)
        with one.app.app_context():
            return [inner, render_template_string(MACROS + ENTRY)]

    inner, outer = in_worker(work)
    assert href(inner).startswith("https://two.example/cover/product/")
    assert href(outer).startswith("https://one.example/xiebao/product/")


def test_a_mail_made_during_a_request_says_that_its_link_is_external(make_site: MakeSite) -> None:
    site = make_site(TESTING=False, XIEBAO_ENV="test", XIEBAO_PUBLIC_URL=f"{SHOP}/store")
    source = "{{ insurance_entry('A', member='li', no_login_for=60, external=True) }}"
    with site.app.test_request_context(base_url="http://evil.example"):
        url = href(render_template_string(MACROS + source))
    assert url.startswith(f"{SHOP}/store/xiebao/product/")


# Languages without a request


@pytest.mark.parametrize(
    ("language", "label", "tag"),
    [("zh", "我要投保", "zh-CN"), ("en", "Get insured", "en"), ("de", "Get insured", "en")],
)
def test_a_mail_speaks_flask_babels_language(
    make_site: MakeSite, language: str, label: str, tag: str
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    Babel(site.app, locale_selector=lambda: language)
    [anchor] = anchors(mail(site, ENTRY))
    assert (anchor.text, anchor["lang"]) == (label, tag)


def test_a_mail_without_a_selector_speaks_the_default_of_the_site(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    Babel(site.app, default_locale="en")
    assert anchors(mail(site, ENTRY))[0].text == "Get insured"


def test_each_mail_of_a_worker_speaks_the_language_of_whom_it_is_for(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    # As most sites have it, the selector needs the request.
    Babel(site.app, locale_selector=lambda: request.accept_languages.best_match(["zh", "en"]))

    def work() -> list[str]:
        labels = []
        for language in ("en", "zh", "en"):
            with site.app.app_context(), force_locale(language):
                labels.append(anchors(render_template_string(MACROS + ENTRY))[0].text)
        return labels

    assert in_worker(work) == ["Get insured", "我要投保", "Get insured"]


def test_a_mail_of_a_site_with_one_language_asks_no_selector(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP, XIEBAO_LOCALE="en")
    Babel(site.app, locale_selector=lambda: request.accept_languages.best_match(["zh"]))
    [anchor] = anchors(mail(site, ENTRY + "{{ insurance_qr('A') }}"))
    assert anchor.text == "Get insured"


def test_a_label_of_the_sites_own_asks_no_selector(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    Babel(site.app, locale_selector=lambda: request.accept_languages.best_match(["zh"]))
    [anchor] = anchors(mail(site, "{{ insurance_entry('A', 'Travel') }}"))
    assert (anchor.text, "lang" in anchor.attrs) == ("Travel", False)


# Threads that take their request with them


def threaded(site: Site, there: str, here: str) -> None:
    """Give the site ``/threaded``: one template is rendered in a thread, then one here."""

    @site.app.get("/threaded")
    def view() -> str:
        @copy_current_request_context
        def work() -> str:
            return render_template_string(MACROS + there)

        return in_worker(work) + render_template_string(MACROS + here)


@pytest.mark.parametrize(("headers", "platform"), DEVICES[:2], ids=DEVICE_NAMES[:2])
def test_a_thread_with_the_request_renders_what_the_view_would(
    site: Site, headers: dict[str, str], platform: Platform
) -> None:
    site.log_in("li")
    threaded(site, ENTRY + POLICY, ENTRY + POLICY)
    there, theirs, here, ours = anchors(get(site, "/threaded", headers).text)
    assert there == here
    assert there["data-xiebao-platform"] == platform.slug
    assert href(there).startswith("/xiebao/product/")
    assert arrival(get(site, href(there), headers)).platform == platform
    for policy in (theirs, ours):
        assert arrival(get(site, href(policy), PHONE)).member == "li"


def test_a_thread_does_not_take_the_headers_of_the_response_away(site: Site) -> None:
    threaded(site, MEMBERS_ENTRY, MEMBERS_ENTRY)
    response = get(site, "/threaded")
    assert len(anchors(response.text)) == 2
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


def test_what_a_thread_renders_for_the_response_is_in_its_headers(site: Site) -> None:
    threaded(site, MEMBERS_ENTRY, "")
    response = get(site, "/threaded")
    assert len(anchors(response.text)) == 1
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


def test_a_thread_that_goes_on_after_the_response_still_renders(site: Site) -> None:
    kept = []

    @site.app.get("/later")
    def view() -> str:
        kept.append(copy_current_request_context(lambda: render_template_string(MACROS + ENTRY)))
        return "soon"

    get(site, "/later", PHONE)
    site.log_in("li")
    [anchor] = anchors(in_worker(kept[0]))
    assert anchor["data-xiebao-platform"] == "h5"
    assert arrival(get(site, href(anchor), PHONE)).member == "li"


# The headers of the response


def with_headers(site: Site, source: str, headers: list[tuple[str, str]]) -> TestResponse:
    """Serve this template from a view that sets these headers."""

    @site.app.get("/headed")
    def view() -> Response:
        response = make_response(render_template_string(MACROS + source))
        response.headers.extend(headers)
        return response

    return get(site, "/headed")


def test_many_entries_set_the_headers_once(site: Site) -> None:
    site.log_in("li")
    source = "{% for _ in range(50) %}" + ENTRY + MEMBERS_ENTRY + POLICY + HOME + "{% endfor %}"
    response = site.render(source)
    assert len(anchors(response.text)) == 200
    assert response.headers.getlist("Vary") == ["User-Agent, Sec-CH-UA-Mobile, Sec-CH-UA-Platform"]
    assert response.headers.getlist("Cache-Control") == ["private"]


def test_entries_of_several_renderings_set_the_headers_once(site: Site) -> None:
    @site.app.before_request
    def early() -> None:
        render_template_string(MACROS + MEMBERS_ENTRY)

    response = site.render(MEMBERS_ENTRY)
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


@pytest.mark.parametrize(
    ("source", "varies", "private"),
    [
        (ENTRY, True, False),
        (HOME, True, False),
        (MEMBERS_ENTRY, True, True),
        ("{{ policy_entry('1', member='li') }}", True, True),
        (POLICY, False, False),  # nobody is logged in: nothing is rendered
        ("{{ insurance_qr('A') }}", False, False),
        ("{{ insurance_qr('A', member='li', no_login_for=9) }}", False, True),
        ("{{ xiebao_link('product', 'A') }}", False, False),
        ("{{ xiebao_link('product', 'A', member='li') }}", False, True),
        ("{{ xiebao_styles() }}", False, False),
        ("no entry", False, False),
    ],
)
@pytest.mark.parametrize("device_markup", [True, False])
def test_each_page_has_the_headers_that_it_owes(
    make_site: MakeSite, source: str, varies: bool, private: bool, device_markup: bool
) -> None:
    response = make_site(XIEBAO_DEVICE_MARKUP=device_markup).render(source)
    assert set(vary(response)) == (DEVICE_HEADERS if varies and device_markup else set())
    assert cache_control(response) == (["private"] if private else [])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Cookie"], ["cookie"]),
        (["Cookie, Accept-Language"], ["cookie", "accept-language"]),
        (["user-agent"], []),
        (["USER-AGENT, Cookie, sec-ch-ua-mobile"], ["cookie"]),
        (["Cookie", "Accept-Language"], ["cookie", "accept-language"]),
    ],
    ids=str,
)
def test_the_views_own_vary_is_kept(site: Site, lines: list[str], expected: list[str]) -> None:
    response = with_headers(site, ENTRY, [("Vary", line) for line in lines])
    assert sorted(vary(response)) == sorted([*expected, *DEVICE_HEADERS])


def test_a_session_adds_to_vary(site: Site) -> None:
    @site.app.before_request
    def read() -> None:
        session.get("name")

    assert sorted(vary(site.render(ENTRY))) == sorted(["cookie", *DEVICE_HEADERS])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["no-store"], ["no-store"]),
        (["no-cache"], ["no-cache"]),
        (["max-age=60"], ["max-age=60"]),
        (["max-age=0, must-revalidate"], ["max-age=0", "must-revalidate"]),
        (["public, max-age=60"], ["max-age=60"]),
        (["public"], []),
        (["s-maxage=600"], []),
        (["public, s-maxage=600, max-age=60"], ["max-age=60"]),
        (["PUBLIC, S-MaxAge=600"], []),
        (["private"], []),
        (["private, no-store"], ["no-store"]),
        (["max-age=60, immutable"], ["immutable", "max-age=60"]),
        (["max-age=60, stale-while-revalidate=30"], ["max-age=60", "stale-while-revalidate=30"]),
        (["no-store", "max-age=0"], ["max-age=0", "no-store"]),
        (["max-age=60", "no-store"], ["max-age=60", "no-store"]),
        (["max-age=60", "public, s-maxage=600"], ["max-age=60"]),
    ],
    ids=str,
)
def test_a_members_page_is_private_and_keeps_what_its_view_said_of_caches(
    site: Site, lines: list[str], expected: list[str]
) -> None:
    response = with_headers(site, MEMBERS_ENTRY, [("Cache-Control", line) for line in lines])
    assert cache_control(response) == sorted([*expected, "private"])


def test_a_page_without_members_links_may_be_public(site: Site) -> None:
    headers = [("Cache-Control", "public, s-maxage=600, max-age=60")]
    response = with_headers(site, ENTRY + HOME, headers)
    assert cache_control(response) == ["max-age=60", "public", "s-maxage=600"]


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_rule_of_the_site_for_all_responses_does_not_make_a_members_page_public(
    first: bool,
) -> None:
    def cache_everything(response: Response) -> Response:
        response.cache_control.public = True
        response.cache_control.max_age = 300
        return response

    app = Flask("shop")
    app.config.update(CONFIG, TESTING=True)
    if first:
        app.after_request(cache_everything)
    Xiebao(app).member_loader(lambda: "li")
    if not first:
        app.after_request(cache_everything)
    app.add_url_rule("/open", "open", lambda: render_template_string(MACROS + ENTRY))
    app.add_url_rule("/own", "own", lambda: render_template_string(MACROS + MEMBERS_ENTRY))
    client = app.test_client()
    assert cache_control(client.get("/open")) == ["max-age=300", "public"]
    assert cache_control(client.get("/own")) == ["max-age=300", "private"]


def test_an_entry_that_a_hook_adds_to_every_page_is_in_the_headers(site: Site) -> None:
    @site.app.after_request
    def add_footer(response: Response) -> Response:
        response.set_data(response.get_data() + render_template_string(MACROS + ENTRY).encode())
        return response

    response = site.render("a page")
    assert len(anchors(response.text)) == 1
    assert set(vary(response)) == DEVICE_HEADERS


def test_a_page_that_hides_its_entries_from_the_response_still_has_its_own_headers(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_STRICT=False)
    response = with_headers(site, "{{ insurance_entry('') }}", [("Cache-Control", "public")])
    assert vary(response) == []
    assert cache_control(response) == ["public"]


# One request's headers are no other's


def test_requests_in_one_app_context_have_each_their_own_headers(site: Site) -> None:
    site.app.add_url_rule("/plain", "plain", lambda: "no entry")
    with site.app.app_context():
        first = site.render(MEMBERS_ENTRY)
        plain = get(site, "/plain")
        last = site.render(MEMBERS_ENTRY, PHONE)
    for response in (first, last):
        assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
        assert cache_control(response) == ["private"]
    assert anchors(first.text)[0]["data-xiebao-platform"] == "pc"
    assert anchors(last.text)[0]["data-xiebao-platform"] == "h5"
    assert (vary(plain), cache_control(plain)) == ([], [])


def test_what_is_rendered_around_a_request_is_not_in_its_headers(make_site: MakeSite) -> None:
    site = make_site(SERVER_NAME="shop.example")
    site.app.add_url_rule("/plain", "plain", lambda: "no entry")
    with site.app.app_context():
        assert anchors(render_template_string(MACROS + MAILED))
        plain = get(site, "/plain")
        page = site.render(MEMBERS_ENTRY)
    assert (vary(plain), cache_control(plain)) == ([], [])
    assert cache_control(page) == ["private"]


def test_a_request_inside_a_request_has_its_own_headers(site: Site) -> None:
    inner = {}

    @site.app.get("/outer")
    def outer() -> str:
        inner["plain"] = get(site, "/plain", PHONE)
        inner["page"] = site.render(ENTRY, PHONE)
        return render_template_string(MACROS + MEMBERS_ENTRY)

    site.app.add_url_rule("/plain", "plain", lambda: "no entry")
    response = get(site, "/outer")
    assert cache_control(response) == ["private"]
    assert anchors(response.text)[0]["data-xiebao-platform"] == "pc"
    assert anchors(inner["page"].text)[0]["data-xiebao-platform"] == "h5"
    assert set(vary(inner["page"])) == DEVICE_HEADERS
    assert cache_control(inner["page"]) == []
    assert (vary(inner["plain"]), cache_control(inner["plain"])) == ([], [])


def cascade(first: Site, second: Site) -> TestResponse:
    """Ask the first app for a page, and the second when the first does not have it."""

    @first.app.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        return render_template_string(MACROS + MEMBERS_ENTRY), 404

    @second.app.get("/here")
    def here() -> str:
        return render_template_string(MACROS + MEMBERS_ENTRY)

    def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
        _, status, _ = run_wsgi_app(first.app, environ)
        assert status.startswith("404")
        return second.app(environ, start_response)

    return Client(wsgi).get("/here", headers=IOS_APP)


def test_an_app_that_answers_after_another_gave_up_has_its_own_headers(
    make_site: MakeSite,
) -> None:
    response = cascade(make_site(), make_site())
    assert len(anchors(response.text)) == 1
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


def test_an_app_that_answers_after_another_gave_up_knows_its_own_app(make_site: MakeSite) -> None:
    first = make_site(XIEBAO_APP_USER_AGENT="OtherApp/")
    second = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    [anchor] = anchors(cascade(first, second).text)
    assert anchor["data-xiebao-platform"] == "ios"


# Error pages and conditional requests


@pytest.mark.parametrize("source", ["plain", MEMBERS_ENTRY], ids=["plain", "entry"])
@pytest.mark.parametrize("status", [404, 405, 500, 503])
def test_an_error_page_with_entries_has_their_headers(
    make_site: MakeSite, status: int, source: str
) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)

    def view() -> str:
        render_template_string(MACROS + source)
        if status == 500:
            raise ZeroDivisionError
        abort(status)

    def show(error: Exception) -> tuple[str, int]:
        return render_template_string(MACROS + MEMBERS_ENTRY + ENTRY), status

    site.app.add_url_rule("/broken", "broken", view)
    site.app.register_error_handler(status, show)
    response = get(site, "/broken", PHONE)
    assert response.status_code == status
    assert [anchor["data-xiebao-platform"] for anchor in anchors(response.text)] == ["h5"] * 2
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


def test_the_page_for_an_address_that_does_not_exist_can_have_entries(
    site: Site,
) -> None:
    site.log_in("li")
    site.app.register_error_handler(
        404, lambda error: (render_template_string(MACROS + ENTRY), 404)
    )
    response = get(site, "/nowhere")
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert arrival(get(site, href(response))).member == "li"


def test_an_error_inside_an_entry_leaves_its_error_page_the_entries(make_site: MakeSite) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)

    @site.app.errorhandler(LinkError)
    def show(error: LinkError) -> tuple[str, int]:
        return render_template_string(MACROS + ENTRY), 500

    response = site.render(
        "{% call insurance_entry('A', member='li') %}{{ insurance_entry('') }}{% endcall %}"
    )
    assert response.status_code == 500
    assert len(anchors(response.text)) == 1
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)


@pytest.fixture
def validated(site: Site) -> Site:
    """A site with ``/validated``, whose view answers conditional requests."""

    @site.app.get("/validated")
    def view() -> BaseResponse:
        response = make_response(render_template_string(MACROS + site.source))
        response.headers["Vary"] = "Cookie"
        response.cache_control.no_cache = True
        response.add_etag()
        return response.make_conditional(request)

    return site


def test_a_page_that_did_not_change_is_not_sent_again_and_its_headers_are(
    validated: Site,
) -> None:
    validated.source = ENTRY
    with time_machine.travel(0, tick=False) as clock:
        first = get(validated, "/validated")
        clock.shift(24 * 60 * 60)
        again = get(validated, "/validated", {**PC, "If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert sorted(vary(first)) == sorted(vary(again)) == sorted(["cookie", *DEVICE_HEADERS])
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_page_for_another_device_is_sent(validated: Site) -> None:
    validated.source = ENTRY
    first = get(validated, "/validated")
    other = get(validated, "/validated", {**PHONE, "If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    assert anchors(other.text)[0]["data-xiebao-platform"] == "h5"


def test_a_members_page_that_did_not_change_stays_private(validated: Site) -> None:
    validated.source = MEMBERS_ENTRY
    with time_machine.travel(1_800_000_000, tick=False):
        first = get(validated, "/validated")
        again = get(validated, "/validated", {**PC, "If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert cache_control(first) == cache_control(again) == ["no-cache", "private"]


def test_head_has_the_headers_of_get(site: Site) -> None:
    site.render(MEMBERS_ENTRY)
    response = site.app.test_client().head("/page", headers=PC)
    assert response.data == b""
    assert sorted(vary(response)) == sorted(DEVICE_HEADERS)
    assert cache_control(response) == ["private"]


def test_what_a_site_adds_to_all_its_urls_leaves_links_whole(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=SHOP)
    site.log_in("li")

    @site.app.url_defaults
    def add_language(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("lang", "zh")

    for source in (ENTRY, POLICY):
        response = get(site, href(site.render(source)), PHONE)
        assert arrival(response).member == "li"
    assert arrival(get(site, href(mail(site, MAILED)), PHONE)).member == "li"
