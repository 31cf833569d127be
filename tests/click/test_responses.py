"""Tests for all kinds of responses to requests for links.

To test another kind of response, add a case to ``build_link_cases`` in ``support.py``. To test
another template of a site, add a row to ``TEMPLATES``.
"""

from __future__ import annotations

import logging

import pytest
from flask import Response
from jinja2 import DictLoader

from flask_xiebao import entry_clicked
from tests.click.support import assert_has_privacy_headers, assert_redirect_target, build_link_cases
from tests.support import (
    API_KEY,
    LINK_ARGUMENTS,
    PC,
    PRIVATE_HEADERS,
    SIGN_OF_API_KEY,
    SentSignals,
    Site,
    failing_function,
    find_inline_code,
    find_leaks,
    parse_html,
)


@pytest.mark.parametrize(
    ("method", "accept"), [("GET", "text/html"), ("GET", "application/json"), ("HEAD", "*/*")]
)
def test_link_responses_have_expected_status_headers_and_signal(
    sent_signals: SentSignals, method: str, accept: str
) -> None:
    for case in build_link_cases(LINK_ARGUMENTS):
        sent_signals.clear()
        response = case.send_request(method, HTTP_ACCEPT=accept)

        assert response.status_code == case.status, case
        assert_has_privacy_headers(response, case)
        assert_redirect_target(case, response.headers.get("Location", ""))
        refusals = [
            (values["status"], values["reason"])
            for name, values in sent_signals
            if name == "refused"
        ]
        assert refusals == ([] if case.reason is None else [(case.status, case.reason)]), case


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_no_secrets_in_responses_logs_and_signals(
    sent_signals: SentSignals, caplog: pytest.LogCaptureFixture, locale: str
) -> None:
    caplog.set_level(logging.DEBUG)
    cases = build_link_cases(
        LINK_ARGUMENTS, XIEBAO_LOCALE=locale, XIEBAO_STRICT=False, XIEBAO_API_KEY=API_KEY
    )
    with entry_clicked.connected_to(failing_function(ConnectionError("The database is down."))):
        responses = [case.send_request() for case in cases]

    for case, response in zip(cases, responses, strict=True):
        assert response.status_code == case.status, case
        assert find_inline_code(response) == [], case
        location = response.headers.pop("Location", "")
        assert (SIGN_OF_API_KEY in location) == (case.target == "gateway"), case
        assert find_leaks(f"{response.headers}{response.text}", API_KEY, SIGN_OF_API_KEY) == [], (
            case
        )
    assert {name for name, _ in sent_signals} == {"clicked", "refused", "returned"}
    log_and_signals = f"{caplog.text}{sent_signals}"
    assert find_leaks(log_and_signals, API_KEY, SIGN_OF_API_KEY, "xiebao18.com") == []


def test_pages_are_html_if_response_class_defaults_to_json(site: Site) -> None:
    site.app.response_class = type(
        "JsonResponse", (Response,), {"default_mimetype": "application/json"}
    )
    site.log_in("alice")
    for link in (site.link("home"), "/xiebao/home/nonsense"):
        assert site.follow(link, PC).mimetype == "text/html"


# Site templates that override templates of the extension

HEADER_BLOCK = (
    '{% extends "xiebao/default/layout.html" %}'
    "{% block header %}<header>The shop</header>{% endblock %}"
)
#: One row per site template that overrides a template of the extension: the template's name, the
#: template's source, the page to request, the expected text, and the expected headings.
TEMPLATES = [
    ("notice", "Status {{ status }}", "notice", "Status 404", []),
    ("handoff", "Page {{ page }}", "handoff", "Page home", []),
    ("layout", HEADER_BLOCK, "notice", "<header>The shop</header>", ["链接无效"]),
    ("layout", HEADER_BLOCK, "handoff", "<header>The shop</header>", ["用手机打开保险商城"]),
    (
        "notice",
        '{% extends "xiebao/default/notice.html" %}{% block message %}Call us{% endblock %}',
        *("notice", "Call us", ["链接无效"]),
    ),
]


@pytest.mark.parametrize(("name", "source", "page", "text", "headings"), TEMPLATES)
def test_template_of_site_overrides_page_or_block_of_extension(
    site: Site, name: str, source: str, page: str, text: str, headings: list[str]
) -> None:
    site.app.jinja_loader = DictLoader({f"xiebao/{name}.html": source})
    site.log_in("alice")
    response = site.follow(site.link("home") if page == "handoff" else "/xiebao/home/x", PC)

    assert text in response.text
    assert [heading.text for heading in parse_html(response).select("h1")] == headings
    assert PRIVATE_HEADERS.items() <= dict(response.headers).items()
