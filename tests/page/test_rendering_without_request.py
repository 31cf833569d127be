"""Tests for templates that are rendered without a request, as background jobs do for emails.

To test another configuration of the site's URL, add a row to ``SITE_URLS``. The macro for emails is
tested in ``test_mail_entry.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Response, request
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_xiebao import LinkError
from tests import qr
from tests.page.support import (
    ENTRY_WITHOUT_LOGIN,
    HOME_ENTRY,
    MEMBER_ENTRY,
    MEMBER_POLICY_ENTRY,
    POLICY_ENTRY,
    PRODUCT_ENTRY,
    QR_CODE,
    SHARED_ATTRIBUTES,
    find_entries,
    render_without_request,
)
from tests.support import (
    DEPLOYED,
    PHONE,
    PUBLIC_URL,
    MakeSite,
    assert_gateway_accepts,
    failing_function,
    find_element,
    find_href,
    get_return_link,
)

# URLs in templates that are rendered without a request

#: One row per configuration: the settings of the site, and the URL with which all links begin.
SITE_URLS = [
    ({"XIEBAO_PUBLIC_URL": PUBLIC_URL}, PUBLIC_URL),
    ({"XIEBAO_PUBLIC_URL": PUBLIC_URL, "XIEBAO_STRICT": False}, PUBLIC_URL),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/"}, PUBLIC_URL),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/store"}, f"{PUBLIC_URL}/store"),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/a/b/"}, f"{PUBLIC_URL}/a/b"),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}:8443/store"}, f"{PUBLIC_URL}:8443/store"),
    ({"SERVER_NAME": "shop.example"}, "http://shop.example"),
    ({"SERVER_NAME": "shop.example", "PREFERRED_URL_SCHEME": "https"}, PUBLIC_URL),
    ({"SERVER_NAME": "shop.example:8080"}, "http://shop.example:8080"),
    ({"SERVER_NAME": "shop.example", "APPLICATION_ROOT": "/store"}, "http://shop.example/store"),
    # The setting XIEBAO_PUBLIC_URL overrides the URL settings of Flask.
    (
        {
            "XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/store",
            "SERVER_NAME": "inside.example",
            "APPLICATION_ROOT": "/inside",
            "PREFERRED_URL_SCHEME": "http",
        },
        f"{PUBLIC_URL}/store",
    ),
]


@pytest.mark.parametrize(("config", "base_url"), SITE_URLS)
def test_links_without_request_begin_with_configured_site_url(
    make_site: MakeSite, config: dict[str, Any], base_url: str
) -> None:
    text = render_without_request(
        make_site(**config),
        "{{ xiebao_styles() }}{{ insurance_entry('A') }}"
        + HOME_ENTRY
        + MEMBER_POLICY_ENTRY
        # The QR code and the plain link have the same URL as the first entry.
        + "{{ insurance_qr('A') }}<p>{{ xiebao_link('product', 'A') }}</p>",
    )

    stylesheet_url = str(find_element(text, "link")["href"])
    assert stylesheet_url.startswith(f"{base_url}/xiebao/static/xiebao.css?v=")
    links = [find_href(entry) for entry in find_entries(text)]
    for page, link in zip(("product", "home", "policy"), links, strict=True):
        assert link.startswith(f"{base_url}/xiebao/{page}/")
    assert find_element(text, "p").text == qr.read(text) == links[0]


PUBLIC = {"XIEBAO_PUBLIC_URL": PUBLIC_URL}
#: Templates that cannot be rendered without the URL of the site.
SOURCES_WITH_URLS = [
    *(PRODUCT_ENTRY, ENTRY_WITHOUT_LOGIN, HOME_ENTRY, MEMBER_POLICY_ENTRY, QR_CODE),
    *("{{ xiebao_link('product', 'A') }}", "{{ xiebao_styles() }}"),
]


@pytest.mark.parametrize(
    ("config", "source", "argument", "message"),
    [
        *(
            (config, source, None, "Set XIEBAO_PUBLIC_URL")
            for config in ({}, {"XIEBAO_STRICT": False}, DEPLOYED)
            for source in SOURCES_WITH_URLS
        ),
        (PUBLIC, POLICY_ENTRY, "member", 'requires "member", because no member is logged in'),
        *(
            (
                {**PUBLIC, "loader": False},
                source,
                "no_login_for",
                '"member" requires "no_login_for"',
            )
            for source in (MEMBER_ENTRY, MEMBER_POLICY_ENTRY)
        ),
    ],
)
def test_missing_setting_or_keyword_is_named_in_error(
    make_site: MakeSite, config: dict[str, Any], source: str, argument: str | None, message: str
) -> None:
    with pytest.raises(LinkError, match=message) as error:
        render_without_request(make_site(**config), source)
    assert error.value.argument == argument


def test_links_and_assets_work_if_app_is_mounted_below_path(make_site: MakeSite) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"{PUBLIC_URL}/store")
    # Sites with several languages often use ``url_defaults`` to add the language to every URL.
    site.app.url_defaults(lambda _endpoint, values: values.setdefault("lang", "zh"))
    browser = Client(DispatcherMiddleware(Response("", 404), {"/store": site.app}))
    text = render_without_request(
        site,
        "{{ insurance_entry('A', member=7, no_login_for=60, return_to='/store/orders') }}"
        "{{ policy_entry('1', member='li', no_login_for=60) }}"
        "{{ insurance_qr('A', member='li', no_login_for=60) }}{{ xiebao_styles() }}",
    )
    product, policy = (find_href(entry) for entry in find_entries(text))

    click = browser.get(product, headers=PHONE)
    assert assert_gateway_accepts(click).member == "7"
    return_link = get_return_link(click)
    assert return_link.startswith(f"{PUBLIC_URL}/store/xiebao/paid/")
    assert browser.get(return_link).location == "/store/orders"

    for url in (policy, qr.read(text)):
        assert assert_gateway_accepts(browser.get(url, headers=PHONE)).member == "li"
    with browser.get(str(find_element(text, "link")["href"])) as stylesheet:
        assert stylesheet.mimetype == "text/css"


def test_xiebao_link_is_not_escaped_in_plain_text_template(make_site: MakeSite) -> None:
    site = make_site(**PUBLIC)
    source = "Go: {{ xiebao_link('product', 'A&<', member='li', no_login_for=60) }} now"
    site.app.jinja_loader = DictLoader({"mail.txt": source})
    url = render_without_request(site, "{% include 'mail.txt' %}").split(" ")[1]
    assert ("caseCode", "A&<") in assert_gateway_accepts(site.follow(url)).parameters


# Devices, members and locales without a request


@pytest.mark.parametrize("loader", [True, False], ids=["member loader", "no member loader"])
def test_entry_without_request_has_no_platform_and_opens_without_login(
    make_site: MakeSite, loader: bool
) -> None:
    site = make_site(loader=loader, **PUBLIC)
    [entry] = find_entries(render_without_request(site, ENTRY_WITHOUT_LOGIN))
    assert entry.attrs.keys() == SHARED_ATTRIBUTES
    assert assert_gateway_accepts(site.follow(find_href(entry))).member == "li"


@pytest.mark.parametrize("member", [None, "", " ", 0, False])
def test_policy_entry_without_request_does_not_call_member_loader(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, member: object
) -> None:
    site = make_site(XIEBAO_STRICT=False, **PUBLIC)
    site.xiebao.member_loader(failing_function(ConnectionError("the database is down")))

    assert render_without_request(site, f"[{POLICY_ENTRY}]") == "[]"
    assert [record.levelname for record in caplog.records] == ["ERROR"]

    assert render_without_request(site, "[{{ policy_entry('1', member=m) }}]", m=member) == "[]"
    assert find_entries(render_without_request(site, MEMBER_POLICY_ENTRY))


def select_locale_of_browser() -> str | None:
    """Return the locale that the browser prefers. Raise an error outside of a request."""
    return request.accept_languages.best_match(["zh"])


@pytest.mark.parametrize(
    ("babel", "config", "source", "label", "lang"),
    [
        ({"locale_selector": lambda: "zh"}, {}, PRODUCT_ENTRY, "我要投保", "zh-CN"),
        ({"locale_selector": lambda: "en"}, {}, PRODUCT_ENTRY, "Get insured", "en"),
        ({"locale_selector": lambda: "de"}, {}, PRODUCT_ENTRY, "Get insured", "en"),
        ({"default_locale": "en"}, {}, PRODUCT_ENTRY, "Get insured", "en"),
        # Flask-Babel's locale selector is not called if XIEBAO_LOCALE or the template decides the
        # language.
        (
            {"locale_selector": select_locale_of_browser},
            {"XIEBAO_LOCALE": "en"},
            PRODUCT_ENTRY + QR_CODE,
            "Get insured",
            "en",
        ),
        (
            {"locale_selector": select_locale_of_browser},
            *({}, "{{ insurance_entry('A', 'Trip') }}", "Trip", None),
        ),
    ],
)
def test_label_without_request_uses_locale_of_babel_or_setting(
    make_site: MakeSite,
    babel: dict[str, Any],
    config: dict[str, str],
    source: str,
    label: str,
    lang: str | None,
) -> None:
    from flask_babel import Babel

    site = make_site(**PUBLIC, **config)
    Babel(site.app, **babel)
    [entry] = find_entries(render_without_request(site, source))
    assert entry.text == label
    assert entry.get("lang") == lang
