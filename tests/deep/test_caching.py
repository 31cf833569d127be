"""Pages in rarer places: kept responses, threads, apps within apps, mails in several languages.

The quick half is in ``tests/click/test_headers.py`` and, in ``tests/page/``, in
``test_cache_control_and_vary.py``, ``test_cached_pages_and_fragments.py``,
``test_streamed_templates.py`` and ``test_rendering_without_request.py``.
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

from flask_xiebao import LinkError, Platform, Xiebao, detect_platform
from tests.click.test_headers import add_app_hook, make_site_with_hook
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
    CONFIG,
    MACROS,
    PC,
    PHONE,
    PUBLIC_URL,
    MakeSite,
    Site,
    assert_gateway_accepts,
    find_href,
)

# Kept pages


def test_pages_kept_for_each_device_have_the_markup_of_the_device(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")
    made = []

    def key() -> str:
        return detect_platform(request.headers, app_user_agent="ShopApp/").name

    @site.app.get("/kept")
    @create_cache(site).cached(make_cache_key=key)
    def kept() -> str:
        made.append(1)
        return render_template_string(MACROS + PRODUCT_ENTRY)

    for headers, platform in DEVICES * 2:
        [anchor] = find_entries(site.follow("/kept", headers).text)
        assert anchor["data-xiebao-platform"] == platform.slug
        assert ("target" in anchor.attrs) == (platform is Platform.PC)
    assert len(made) == 3


def test_the_cache_may_start_before_the_extension() -> None:
    app = Flask("shop")
    app.config.update(CONFIG, TESTING=True, XIEBAO_DEVICE_MARKUP=False)
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    Xiebao(app).member_loader(lambda: "li")
    source = f"{MACROS}{{% cache 60, 'x' %}}{PRODUCT_ENTRY}{{% endcache %}}"
    app.add_url_rule("/kept", "kept", lambda: render_template_string(source))
    client = app.test_client()
    first, second = (client.get("/kept", headers=headers).text for headers in (PC, PHONE))
    assert first == second
    assert (
        assert_gateway_accepts(client.get(find_href(second), headers=PHONE)).platform == Platform.H5
    )


# Kept responses


def test_a_hook_may_copy_or_pickle_a_response() -> None:
    """As one does that keeps whole pages."""
    kept: list[bytes] = []

    def keep(response: Response) -> Response:
        response.freeze()
        kept.append(pickle.dumps(copy.deepcopy(response)))
        return copy.copy(response)

    shop = make_site_with_hook(True, add_app_hook, keep)
    for source, says in ((POLICY_ENTRY, "private"), (PRODUCT_ENTRY, None), (None, "no-store")):
        response = shop.follow("/xiebao/home/x") if source is None else shop.render(source)
        assert response.text == pickle.loads(kept.pop()).get_data(as_text=True)  # noqa: S301
        assert response.headers.get("Cache-Control") == says


# One request's headers are no other's


def test_a_request_inside_a_request_has_its_own_headers(site: Site) -> None:
    inner: list[TestResponse] = []

    @site.app.get("/outer")
    def outer() -> str:
        inner.extend((site.render("no entry", PHONE), site.render(PRODUCT_ENTRY, PHONE)))
        return render_template_string(MACROS + MEMBER_ENTRY)

    response = site.follow("/outer", PC)
    plain, page = inner
    assert find_entries(response.text)[0]["data-xiebao-platform"] == "pc"
    assert find_entries(page.text)[0]["data-xiebao-platform"] == "h5"
    assert [get_cache_headers(each) for each in (response, plain, page)] == [
        (VARY_BY_DEVICE, ["private"]),
        ([], []),
        (VARY_BY_DEVICE, []),
    ]


def test_an_app_that_answers_after_another_gave_up_has_its_own_headers_and_device(
    make_site: MakeSite,
) -> None:
    first = make_site(XIEBAO_APP_USER_AGENT="OtherApp/")
    second = make_site(XIEBAO_APP_USER_AGENT="ShopApp/")

    def show(*_: Any) -> str:
        return render_template_string(MACROS + MEMBER_ENTRY)

    first.app.register_error_handler(404, lambda error: (show(), 404))
    second.app.add_url_rule("/here", "here", show)

    def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
        _, status, _ = run_wsgi_app(first.app, environ)
        assert status.startswith("404")
        return second.app(environ, start_response)

    response = Client(wsgi).get("/here", headers=IOS_APP)
    [anchor] = find_entries(response.text)
    assert anchor["data-xiebao-platform"] == "ios"
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


def test_an_error_inside_an_entry_leaves_its_error_page_the_entries(make_site: MakeSite) -> None:
    site = make_site(PROPAGATE_EXCEPTIONS=False)
    site.app.register_error_handler(
        LinkError, lambda error: (render_template_string(MACROS + PRODUCT_ENTRY), 500)
    )
    response = site.render(
        "{% call insurance_entry('A', member='li') %}{{ insurance_entry('') }}{% endcall %}"
    )
    assert response.status_code == 500
    assert len(find_entries(response.text)) == 1
    assert get_cache_headers(response)[0] == VARY_BY_DEVICE


# Threads and workers


@pytest.mark.parametrize(("headers", "platform"), DEVICES[:2], ids=["pc", "phone"])
@pytest.mark.parametrize(
    "here", [MEMBER_ENTRY + POLICY_ENTRY, ""], ids=["also here", "there alone"]
)
def test_a_thread_with_the_request_renders_what_the_view_would(
    site: Site, headers: dict[str, str], platform: Platform, here: str
) -> None:
    site.log_in("li")

    @site.app.get("/threaded")
    def view() -> str:
        @copy_current_request_context
        def work() -> str:
            return render_template_string(MACROS + MEMBER_ENTRY + POLICY_ENTRY)

        return run_in_thread(work) + render_template_string(MACROS + here)

    response = site.follow("/threaded", headers)
    entry, policy, *ours = find_entries(response.text)
    assert entry["data-xiebao-platform"] == platform.slug
    assert ours[:1] in ([], [entry])
    assert assert_gateway_accepts(site.follow(find_href(entry), headers)).platform == platform
    for each in (policy, *ours[1:]):
        assert assert_gateway_accepts(site.follow(find_href(each))).member == "li"
    assert get_cache_headers(response) == (VARY_BY_DEVICE, ["private"])


def test_a_thread_that_goes_on_after_the_response_still_renders(site: Site) -> None:
    kept: list[Callable[[], str]] = []

    @site.app.get("/later")
    def view() -> str:
        kept.append(
            copy_current_request_context(lambda: render_template_string(MACROS + PRODUCT_ENTRY))
        )
        return "soon"

    site.follow("/later")
    site.log_in("li")
    [anchor] = find_entries(run_in_thread(kept[0]))
    assert anchor["data-xiebao-platform"] == "h5"
    assert assert_gateway_accepts(site.follow(find_href(anchor))).member == "li"


def test_each_mail_of_a_worker_speaks_the_language_of_whom_it_is_for(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL)
    # As most sites have it, the selector needs the request.
    Babel(site.app, locale_selector=lambda: request.accept_languages.best_match(["zh", "en"]))

    def work() -> list[str]:
        labels = []
        for language in ("en", "zh", "en"):
            with site.app.app_context(), force_locale(language):
                labels.append(find_entries(render_template_string(MACROS + PRODUCT_ENTRY))[0].text)
        return labels

    assert run_in_thread(work) == ["Get insured", "我要投保", "Get insured"]
