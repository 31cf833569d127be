"""Tests for entries that are rendered in unusual contexts.

The contexts are caches, requests inside of requests, several apps, threads and background jobs.
More tests of these contexts are in ``tests/page/`` and in ``tests/click/test_headers.py``.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from flask import (
    Flask,
    Response,
    copy_current_request_context,
    render_template_string,
    request,
)
from flask_babel import Babel, force_locale
from flask_caching import Cache
from werkzeug.test import Client, TestResponse, run_wsgi_app

from flask_xiebao import LinkError, Platform, detect_platform
from tests.page.support import (
    DEVICES,
    IOS_APP,
    MEMBER_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    VARY_BY_DEVICE,
    create_cache,
    find_entries,
    get_cache_headers,
    run_in_thread,
)
from tests.support import (
    DEPLOYED,
    MACROS,
    PC,
    PHONE,
    PUBLIC_URL,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_href,
)


def render_source(source: str) -> str:
    """Render a Jinja source that can call the extension's macros, and return the HTML."""
    return render_template_string(MACROS + source)


# Pages and responses in caches


def test_page_cached_per_platform_has_markup_of_platform(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    calls = []

    def make_cache_key() -> str:
        return detect_platform(request.headers, app_user_agent="ShopApp/").name

    @site.app.get("/cached")
    @create_cache(site).cached(make_cache_key=make_cache_key)
    def show_cached_page() -> str:
        calls.append(1)
        return render_source(PRODUCT_ENTRY)

    for headers, platform in DEVICES * 2:
        [entry] = find_entries(site.follow("/cached", headers).text)
        assert entry["data-xiebao-platform"] == platform.slug
        assert ("target" in entry.attrs) == (platform is Platform.PC)
    assert len(calls) == 3


def test_flask_caching_can_start_before_extension(make_site: MakeSite) -> None:
    app = Flask("shop")
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    site = make_site(app, XIEBAO_DEVICE_MARKUP=False)
    site.log_in("li")
    first, second = (
        site.render(f"{{% cache 60, 'key' %}}{PRODUCT_ENTRY}{{% endcache %}}", headers).text
        for headers in (PC, PHONE)
    )
    assert first == second
    assert assert_gateway_accepts(site.follow(find_href(second))).platform == Platform.H5


def test_hook_can_copy_and_pickle_responses(make_site: MakeSite) -> None:
    pickled: list[bytes] = []

    def store_copy(response: Response) -> Response:
        """Copy and pickle the response, as a cache for whole responses does."""
        response.freeze()
        pickled.append(pickle.dumps(copy.deepcopy(response)))
        return copy.copy(response)

    app = Flask("shop")
    app.after_request(store_copy)
    site = make_site(app, **DEPLOYED)
    site.log_in("alice")
    for response, cache_control in (
        (site.render(POLICY_ENTRY), "private"),
        (site.render(PRODUCT_ENTRY), None),
        (site.follow("/xiebao/home/invalid"), "no-store"),
    ):
        stored = pickle.loads(pickled.pop(0))  # noqa: S301 - The test pickled the data.
        assert response.text == stored.get_data(as_text=True)
        assert response.headers.get("Cache-Control") == cache_control


# Requests inside of requests, and several apps


def test_request_inside_request_has_own_headers_and_platform(site: Site) -> None:
    inner: list[TestResponse] = []

    @site.app.get("/outer")
    def show_outer_page() -> str:
        inner.extend((site.render("no entry", PHONE), site.render(PRODUCT_ENTRY, PHONE)))
        return render_source(MEMBER_ENTRY)

    response = site.follow("/outer", PC)
    assert find_entries(response.text)[0]["data-xiebao-platform"] == "pc"
    assert find_entries(inner[1].text)[0]["data-xiebao-platform"] == "h5"
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])
    assert [get_cache_headers(page) for page in inner] == [([], []), (VARY_BY_DEVICE, [])]


def test_second_app_has_own_headers_and_platform_after_404_of_first(make_site: MakeSite) -> None:
    first = make_site(XIEBAO_APP_USER_AGENT="OtherApp/")
    second = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    first.app.register_error_handler(404, lambda error: (render_source(MEMBER_ENTRY), 404))
    second.app.add_url_rule("/second", "second", lambda: render_source(MEMBER_ENTRY))

    def fall_back_to_second_app(environ: dict[str, Any], start_response: Any) -> Any:
        _, status, _ = run_wsgi_app(first.app, environ)
        assert status.startswith("404")
        return second.app(environ, start_response)

    response = Client(fall_back_to_second_app).get("/second", headers=IOS_APP)

    [entry] = find_entries(response.text)
    assert entry["data-xiebao-platform"] == "ios"
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


def test_error_page_can_have_entry_after_entry_raises_error(make_site: MakeSite) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    site.app.register_error_handler(LinkError, lambda error: (render_source(PRODUCT_ENTRY), 500))
    # The content of the first entry is an entry without a product code, which raises LinkError.
    response = site.render(
        "{% call insurance_entry('A', member='li') %}{{ insurance_entry('') }}{% endcall %}"
    )
    assert response.status_code == 500
    assert len(find_entries(response.text)) == 1
    assert get_cache_headers(response)[0] == VARY_BY_DEVICE


# Threads and background jobs


@pytest.mark.parametrize(("headers", "platform"), DEVICES[:2], ids=["PC", "phone"])
@pytest.mark.parametrize(
    "source", [MEMBER_ENTRY + POLICY_ENTRY, ""], ids=["thread and view", "thread only"]
)
def test_thread_with_request_context_renders_same_entries_as_view(
    site: Site, headers: dict[str, str], platform: Platform, source: str
) -> None:
    site.log_in("li")

    @site.app.get("/threaded")
    def show_threaded_page() -> str:
        render_in_context = copy_current_request_context(render_source)
        return run_in_thread(
            lambda: render_in_context(MEMBER_ENTRY + POLICY_ENTRY)
        ) + render_source(source)

    response = site.follow("/threaded", headers)
    entry, policy_entry, *view_entries = find_entries(response.text)
    assert entry["data-xiebao-platform"] == platform.slug
    assert view_entries[:1] in ([], [entry])
    assert assert_gateway_accepts(site.follow(find_href(entry), headers)).platform == platform
    for policy in (policy_entry, *view_entries[1:]):
        assert assert_gateway_accepts(site.follow(find_href(policy))).member == "li"
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


def test_thread_with_request_context_renders_entry_after_response(site: Site) -> None:
    functions: list[Callable[[str], str]] = []

    @site.app.get("/later")
    def store_render_function() -> str:
        functions.append(copy_current_request_context(render_source))
        return "accepted"

    site.follow("/later")
    site.log_in("li")
    [entry] = find_entries(run_in_thread(lambda: functions[0](PRODUCT_ENTRY)))
    assert entry["data-xiebao-platform"] == "h5"
    assert assert_gateway_accepts(site.follow(find_href(entry))).member == "li"


def test_background_job_renders_each_mail_in_forced_locale(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL)
    # Like most locale selectors, this function needs a request, but a background job has no
    # request.
    Babel(site.app, locale_selector=lambda: request.accept_languages.best_match(["zh", "en"]))

    def render_label(language: str) -> str:
        with site.app.app_context(), force_locale(language):
            return find_entries(render_source(PRODUCT_ENTRY))[0].text

    labels = run_in_thread(lambda: [render_label(language) for language in ("en", "zh", "en")])
    assert labels == ["Get insured", "我要投保", "Get insured"]
