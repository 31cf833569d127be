"""What every answer of a link has in common: its headers, no secret, no inline script."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Response
from jinja2 import DictLoader
from werkzeug.test import TestResponse

from flask_xiebao import entry_clicked
from tests.support import (
    HIDDEN,
    KEY,
    PC,
    PHONE,
    REFERENCES,
    SIGN_OF_KEY,
    Heard,
    Site,
    fail_with,
    make_site,
    paid_url,
    soup,
)

PATHS = (*REFERENCES, "paid")


def answers(**config: Any) -> Iterator[tuple[str, TestResponse]]:
    """Return every kind of answer that the endpoints give, with what it is."""
    config |= {"PROPAGATE_EXCEPTIONS": False, "XIEBAO_STRICT": False, "XIEBAO_API_KEY": KEY}
    site = make_site(**config)
    with_login = make_site(**config, XIEBAO_LOGIN_VIEW="page")
    off = make_site(**config, XIEBAO_ENABLED=False)
    site.log_in("alice")
    own = {page: site.link(page, member="alice", return_to="/orders/8") for page in REFERENCES}
    with time_machine.travel(1_000_000_000):
        old = {page: site.link(page, member="alice", no_login_for=1) for page in REFERENCES}

    for page, url in own.items():
        for what, where, visitor, path, headers in (
            ("302", site, "alice", url, PHONE),
            ("for a PC 302" if page == "product" else "handoff 200", site, "alice", url, PC),
            ("ahead 503", site, "alice", url, {"Purpose": "prefetch"}),
            ("for a script 200", site, "alice", url, {**PHONE, "HX-Request": "true"}),
            ("403", site, "bob", url, PHONE),
            ("401", site, None, url, PHONE),
            ("410", site, None, old[page], PHONE),
            ("500", site, ["no member"], url, PHONE),
            ("log in 302", with_login, None, url, PHONE),
            ("off 404", off, "alice", url, PHONE),
        ):
            where.log_in(visitor)
            yield f"{page} {what}", where.follow(path, headers)
    for path in (*REFERENCES, "paid"):
        for what, rest, method in (
            ("404", "/x", "GET"),
            ("without a token 404", "/", "GET"),
            ("405", "/x", "POST"),
            ("200", "/x", "OPTIONS"),
        ):
            yield f"{path} {what}", site.follow(f"/xiebao/{path}{rest}", method=method)

    site.log_in("alice")
    with entry_clicked.connected_to(fail_with(ConnectionError("statistics are down"))):
        clicked = site.follow(own["product"])
    paid = site.follow(paid_url(clicked, KEY))
    yield "a receiver that fails 302", clicked
    yield "paid 302", paid


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_no_answer_is_cached_indexed_or_named_to_others_or_has_a_secret_or_inline_script(
    heard: Heard, caplog: pytest.LogCaptureFixture, locale: str
) -> None:
    caplog.set_level(logging.DEBUG)
    seen, redirects = set(), 0
    for what, response in answers(XIEBAO_LOCALE=locale):
        seen.add(response.status_code)
        assert what.endswith(str(response.status_code))
        for name, value in HIDDEN.items():
            assert response.headers.getlist(name) == [value], f"{name} of {what}"
        if response.location is None:
            assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"], what
            policies = response.headers.getlist("Content-Security-Policy")
            assert policies == ["frame-ancestors 'self'"], what
        page = soup(response)
        assert not page.select("script:not([src]), style, [style]"), what
        for tag in page.select("*"):
            assert not [name for name in tag.attrs if name.startswith("on")], what
        redirects += SIGN_OF_KEY in response.headers.pop("Location", "")
        told = f"{response.headers}{response.text}"
        assert KEY not in told, what
        assert SIGN_OF_KEY not in told, what
    assert seen == {200, 302, 401, 403, 404, 405, 410, 500, 503}
    # The three pages, the product on a PC, and the click whose receiver failed.
    assert redirects == 5

    assert len(caplog.records) >= 5
    assert {name for name, _ in heard} == {"clicked", "refused", "returned"}
    for told in (caplog.text, repr(heard)):
        assert KEY not in told
        assert SIGN_OF_KEY not in told
        assert "xiebao18.com" not in told


def test_the_style_sheet_and_other_pages_have_none_of_these_headers(site: Site) -> None:
    with site.follow("/xiebao/static/xiebao.css") as styles:
        assert (styles.status_code, styles.mimetype) == (200, "text/css")
        assert "no-store" not in styles.headers["Cache-Control"]
        assert not {"Referrer-Policy", "X-Robots-Tag"} & set(styles.headers.keys())
    assert not set(HIDDEN) & set(site.render("<p>the site's own page</p>").headers.keys())


def test_pages_are_html_where_responses_of_the_site_are_json(site: Site) -> None:
    class Json(Response):
        default_mimetype = "application/json"

    site.app.response_class = Json
    site.log_in("alice")
    for link in (site.link("home"), "/xiebao/home/nonsense"):
        assert site.follow(link, PC).mimetype == "text/html"


# A site's own templates

HEADER = (
    '{% extends "xiebao/default/layout.html" %}'
    "{% block header %}<header>The shop</header>{% endblock %}"
)
MESSAGE = (
    '{% extends "xiebao/default/notice.html" %}'
    "{% block message %}<p>Call 400-000-0000</p>{% endblock %}"
)


@pytest.mark.parametrize(
    ("template", "source", "shown", "said"),
    [
        ("notice", "The shop's own {{ status }}", "notice", "The shop's own 404"),
        ("handoff", "The shop's own {{ page }}", "handoff", "The shop's own home"),
        ("layout", HEADER, "notice", "<header>The shop</header>"),
        ("layout", HEADER, "handoff", "<header>The shop</header>"),
        ("notice", MESSAGE, "notice", "<p>Call 400-000-0000</p>"),
    ],
)
def test_a_site_replaces_a_page_or_a_block_of_it_by_a_template_of_the_same_name(
    site: Site, template: str, source: str, shown: str, said: str
) -> None:
    site.app.jinja_loader = DictLoader({f"xiebao/{template}.html": source})
    site.log_in("alice")
    url, device = (site.link("home"), PC) if shown == "handoff" else ("/xiebao/home/x", PHONE)
    page = site.follow(url, device)
    assert said in page.text
    heading = {"notice": ["链接无效"], "handoff": ["用手机打开保险商城"]}[shown]
    # What a template does not fill is as it was.
    assert [h1.text for h1 in soup(page).select("h1")] == (heading if "extends" in source else [])
    assert HIDDEN.items() <= dict(page.headers).items()
