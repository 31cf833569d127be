"""Pages and texts that are rendered without a request, for mails and by workers.

Where the site is, is a row of ``PLACES``. What a mail's own macro draws is in ``test_mail.py``, and
who may follow a link in ``tests/click/test_who_goes.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Response, request
from flask_babel import Babel
from jinja2 import DictLoader
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_xiebao import LinkError, Platform
from tests import qr
from tests.page.kept import (
    DEVICES,
    FOR_ALL,
    MAILED,
    MEMBERS_ENTRY,
    MEMBERS_POLICY,
    anchors,
    mail,
)
from tests.page.support import HOME, POLICY, PRODUCT, QR
from tests.support import (
    PC,
    PHONE,
    PUBLIC_URL,
    MakeSite,
    assert_gateway_accepts,
    find_element,
    find_href,
    get_return_link,
)

INSIDE = {
    "SERVER_NAME": "inside.example",
    "APPLICATION_ROOT": "/inside",
    "PREFERRED_URL_SCHEME": "http",
}
PLACES = [
    ({"XIEBAO_PUBLIC_URL": PUBLIC_URL}, PUBLIC_URL),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/"}, PUBLIC_URL),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/store"}, f"{PUBLIC_URL}/store"),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/a/b/"}, f"{PUBLIC_URL}/a/b"),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}:8443/store"}, f"{PUBLIC_URL}:8443/store"),
    ({"SERVER_NAME": "shop.example"}, "http://shop.example"),
    ({"SERVER_NAME": "shop.example", "PREFERRED_URL_SCHEME": "https"}, PUBLIC_URL),
    ({"SERVER_NAME": "shop.example:8080"}, "http://shop.example:8080"),
    ({"SERVER_NAME": "shop.example", "APPLICATION_ROOT": "/store"}, "http://shop.example/store"),
    ({"XIEBAO_PUBLIC_URL": f"{PUBLIC_URL}/store", **INSIDE}, f"{PUBLIC_URL}/store"),
]


@pytest.mark.parametrize(("config", "base"), PLACES)
@pytest.mark.parametrize("strict", [True, False])
def test_a_mail_knows_where_the_site_is(
    make_site: MakeSite, config: dict[str, Any], base: str, strict: bool
) -> None:
    text = mail(
        make_site(XIEBAO_STRICT=strict, **config),
        "{{ xiebao_styles() }}{{ insurance_entry('A') }}"
        + HOME
        + MEMBERS_POLICY
        # Both are the same link as the first entry's.
        + "{{ insurance_qr('A') }}<p>{{ xiebao_link('product', 'A') }}</p>",
    )
    assert str(find_element(text, "link")["href"]).startswith(f"{base}/xiebao/static/xiebao.css?v=")
    links = [find_href(anchor) for anchor in anchors(text)]
    for page, link in zip(("product", "home", "policy"), links, strict=True):
        assert link.startswith(f"{base}/xiebao/{page}/")
    assert find_element(text, "p").text == qr.read(text) == links[0]


KNOWN = {"XIEBAO_PUBLIC_URL": PUBLIC_URL}
NO_ADDRESS = [
    *(PRODUCT, MAILED, HOME, MEMBERS_POLICY, QR),
    *("{{ xiebao_link('product', 'A') }}", "{{ xiebao_styles() }}"),
]


@pytest.mark.parametrize(
    ("config", "source", "says"),
    [
        *(({}, source, "XIEBAO_PUBLIC_URL") for source in NO_ADDRESS),
        *(({"XIEBAO_STRICT": False}, source, "XIEBAO_PUBLIC_URL") for source in NO_ADDRESS),
        (KNOWN, POLICY, 'requires "member"'),
        ({**KNOWN, "loader": False}, MEMBERS_ENTRY, "no_login_for"),
    ],
)
def test_a_mail_that_lacks_something_says_what(
    make_site: MakeSite, config: dict[str, Any], source: str, says: str
) -> None:
    with pytest.raises(LinkError, match=says):
        mail(make_site(**config), source)


@pytest.mark.parametrize("loader", [True, False], ids=["loader", "no loader"])
def test_a_mail_leaves_the_platform_for_the_click(make_site: MakeSite, loader: bool) -> None:
    site = make_site(loader=loader, XIEBAO_APP_USER_AGENT="ShopApp/", **KNOWN)
    [anchor] = anchors(mail(site, MAILED))
    assert set(anchor.attrs) == FOR_ALL
    for headers, platform in DEVICES:
        verdict = assert_gateway_accepts(site.follow(find_href(anchor), headers))
        assert (verdict.platform, verdict.member) == (platform, "li")


def test_links_codes_and_styles_of_a_mail_work_where_the_site_is_mounted(
    make_site: MakeSite,
) -> None:
    site = make_site(XIEBAO_PUBLIC_URL=f"{PUBLIC_URL}/store")
    # What a site adds to all its URLs leaves them whole.
    site.app.url_defaults(lambda _endpoint, values: values.setdefault("lang", "zh"))
    mounted = Client(DispatcherMiddleware(Response("nothing here", 404), {"/store": site.app}))
    text = mail(
        site,
        "{{ insurance_entry('A&<', member=7, no_login_for=60, platform='android',"
        " sub_partner_id='s', return_to='/store/orders') }}"
        "{{ policy_entry('1', member='li', no_login_for=60) }}"
        "{{ insurance_qr('A', member='li', no_login_for=60, size=200) }}{{ xiebao_styles() }}",
    )
    product, policy = (find_href(anchor) for anchor in anchors(text))
    click = mounted.get(product, headers=PC)
    verdict = assert_gateway_accepts(click)
    assert (verdict.platform, verdict.member) == (Platform.ANDROID, "7")
    assert {("subPartnerId", "s"), ("caseCode", "A&<")} <= set(verdict.parameters)
    assert get_return_link(click).startswith(f"{PUBLIC_URL}/store/xiebao/paid/")
    assert mounted.get(get_return_link(click)).location == "/store/orders"
    handoff = mounted.get(policy, headers=PC)
    for url in (policy, qr.read(handoff.text), qr.read(text)):
        verdict = assert_gateway_accepts(mounted.get(url, headers=PHONE))
        assert (verdict.platform, verdict.member) == (Platform.H5, "li")
    with mounted.get(str(find_element(text, "link")["href"])) as styles:
        assert (styles.status_code, styles.mimetype) == (200, "text/css")


def test_a_plain_text_mail_has_a_link_that_can_be_clicked(make_site: MakeSite) -> None:
    site = make_site(**KNOWN)
    source = "Go: {{ xiebao_link('product', 'A&<', member='li', no_login_for=60) }} now"
    site.app.jinja_loader = DictLoader({"mail.txt": source})
    _, url, _ = mail(site, "{% include 'mail.txt' %}").split(" ")
    assert ("caseCode", "A&<") in assert_gateway_accepts(site.follow(url)).parameters


@pytest.mark.parametrize("nobody", [None, "", " ", 0, False])
def test_a_policy_entry_in_a_mail_never_asks_who_is_logged_in(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, nobody: object
) -> None:
    site = make_site(XIEBAO_STRICT=False, **KNOWN)
    asked = []
    site.xiebao.member_loader(lambda: asked.append("wang"))
    assert mail(site, f"[{POLICY}]") == "[]"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert mail(site, "[{{ policy_entry('1', member=whose) }}]", whose=nobody) == "[]"
    assert anchors(mail(site, MEMBERS_POLICY))
    assert asked == []


def by_browser() -> str | None:
    """Choose a language as most sites do, which needs a request."""
    return request.accept_languages.best_match(["zh"])


@pytest.mark.parametrize(
    ("babel", "config", "source", "label", "language"),
    [
        ({"locale_selector": lambda: "zh"}, {}, PRODUCT, "我要投保", "zh-CN"),
        ({"locale_selector": lambda: "en"}, {}, PRODUCT, "Get insured", "en"),
        ({"locale_selector": lambda: "de"}, {}, PRODUCT, "Get insured", "en"),
        ({"default_locale": "en"}, {}, PRODUCT, "Get insured", "en"),
        # With one language, or a label of the site's own, no selector is asked.
        (
            {"locale_selector": by_browser},
            {"XIEBAO_LOCALE": "en"},
            PRODUCT + QR,
            "Get insured",
            "en",
        ),
        ({"locale_selector": by_browser}, {}, "{{ insurance_entry('A', 'Trip') }}", "Trip", None),
    ],
)
def test_a_mail_speaks_the_language_of_the_site(
    make_site: MakeSite,
    babel: dict[str, Any],
    config: dict[str, str],
    source: str,
    label: str,
    language: str | None,
) -> None:
    site = make_site(**KNOWN, **config)
    Babel(site.app, **babel)
    [anchor] = anchors(mail(site, source))
    assert (anchor.text, anchor.get("lang")) == (label, language)
