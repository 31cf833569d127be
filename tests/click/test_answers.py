"""What every answer of a link has in common: its headers, no secret, no inline script."""

from __future__ import annotations

import logging

import pytest
from flask import Response
from jinja2 import DictLoader

from flask_xiebao import entry_clicked
from tests.click.forged import assert_sealed, ways
from tests.support import (
    API_KEY,
    LINK_ARGUMENTS,
    PC,
    PHONE,
    PRIVATE_HEADERS,
    SIGN_OF_API_KEY,
    SentSignals,
    Site,
    failing_function,
    find_inline_code,
    find_leaks,
    parse_html,
)


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_no_answer_is_cached_indexed_or_named_to_others_or_has_a_secret_or_inline_script(
    sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, locale: str
) -> None:
    caplog.set_level(logging.DEBUG)
    found = ways(LINK_ARGUMENTS, XIEBAO_LOCALE=locale, XIEBAO_STRICT=False, XIEBAO_API_KEY=API_KEY)
    with entry_clicked.connected_to(failing_function(ConnectionError("statistics are down"))):
        answers = [(way, way.ask()) for way in found]
    for way, response in answers:
        assert response.status_code == way.status, way
        assert_sealed(response, way)
        if response.location is None:
            policies = response.headers.getlist("Content-Security-Policy")
            assert policies == ["frame-ancestors 'self'"], way
        assert find_inline_code(response) == [], way
        location = response.headers.pop("Location", "")
        assert (SIGN_OF_API_KEY in location) == (way.goes == "gateway"), way
        assert find_leaks(f"{response.headers}{response.text}", API_KEY, SIGN_OF_API_KEY) == [], way
    assert {way.status for way in found} == {200, 302, 401, 403, 404, 405, 410, 500, 503}
    assert len(caplog.records) >= 5
    assert {name for name, _ in sent_signals} == {"clicked", "refused", "returned"}
    told = f"{caplog.text}{sent_signals}"
    assert find_leaks(told, API_KEY, SIGN_OF_API_KEY, "xiebao18.com") == []


def test_the_style_sheet_and_other_pages_have_none_of_these_headers(site: Site) -> None:
    with site.follow("/xiebao/static/xiebao.css") as styles:
        assert (styles.status_code, styles.mimetype) == (200, "text/css")
        assert "no-store" not in styles.headers["Cache-Control"]
        assert not {"Referrer-Policy", "X-Robots-Tag"} & set(styles.headers.keys())
    assert not set(PRIVATE_HEADERS) & set(site.render("<p>the site's own page</p>").headers.keys())


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
    assert [h1.text for h1 in parse_html(page).select("h1")] == (
        heading if "extends" in source else []
    )
    assert PRIVATE_HEADERS.items() <= dict(page.headers).items()
