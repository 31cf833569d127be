"""What a stranger writes into a request: it gets out in no answer, and breaks none.

What they may write is in ``forged.py``: a new trick is a row of its ``FORGED`` or ``HOSTS``.
"""

from __future__ import annotations

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Response, request

from tests import qr
from tests.click.forged import EVIL, FORGED, HOSTS, Way, paid_path, raw, told, ways
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    LINK_ARGUMENTS,
    PHONE,
    PRODUCT_CODE,
    PUBLIC_URL,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_leaks,
)

PUBLIC = pytest.mark.parametrize("public", [None, PUBLIC_URL])


def telling_ways(public: str | None) -> list[Way]:
    """Return the answers that could say something of the request; one notice stands for all."""
    found = ways(XIEBAO_PUBLIC_URL=public)
    return [way for way in found if way.status in (200, 302, 403) and way.method is None]


def assert_goes(way: Way, location: str, query: str = "") -> None:
    """Assert that an answer leads where it should, and nowhere else.

    :param query: what may come back from the login besides the link.
    """
    if way.goes == "gateway":
        verdict = assert_gateway_accepts(location)
        assert (verdict.member, verdict.platform) == ("alice", 1)
    elif way.goes == "login":
        assert urlsplit(location)[:3] == ("", "", "/page")
        assert parse_qs(urlsplit(location).query) in (
            {"next": [way.path]},
            {"next": [f"{way.path}{query}"]},
        )
    else:
        assert location == ("/orders/8" if way.goes == "back" else "")


@pytest.mark.parametrize(
    ("method", "accept"), [("GET", "text/html"), ("GET", "application/json"), ("HEAD", "*/*")]
)
def test_every_kind_of_answer_is_what_it_should_be_and_every_refusal_is_told_once(
    sent_signals: SentSignals, method: str, accept: str
) -> None:
    for way in ways(LINK_ARGUMENTS):
        sent_signals.clear()
        response = way.ask(method, HTTP_ACCEPT=accept)
        assert response.status_code == way.status, way
        assert_goes(way, response.headers.get("Location", ""))
        refused = [
            (said["status"], said["reason"]) for name, said in sent_signals if name == "refused"
        ]
        assert refused == ([] if way.reason is None else [(way.status, way.reason)]), way


@PUBLIC
@pytest.mark.parametrize("forgery", FORGED)
def test_nothing_that_a_stranger_writes_into_a_request_is_in_an_answer(
    forgery: str, public: str | None
) -> None:
    environ = FORGED[forgery]
    device = "HTTP_USER_AGENT" in environ
    for way in telling_ways(public):
        response = way.ask(**environ)
        if not device and "platform" not in forgery:
            assert response.status_code == way.status, way
        assert response.status_code < 500, way
        # None of them can be a part of a token by chance.
        words = (EVIL, "javascript:", ":6666", "<script>", "the.stranger")
        assert find_leaks(told(response), *words) == [], way
        # What looks like no phone is shown a code, and a query may ask for the phone's page.
        location = response.headers.get("Location", "")
        if way.goes and not (device and not location):
            assert_goes(way, location, "?platform=h5")
        if way.goes == "gateway":
            back = assert_gateway_accepts(location).pay_success
            assert urlsplit(back or "").netloc == ("shop.example" if public else "localhost")


@PUBLIC
def test_no_host_header_breaks_an_answer_or_gets_into_a_redirect(public: str | None) -> None:
    for way, host in itertools.product(telling_ways(public), HOSTS):
        response = way.ask(HTTP_HOST=host)
        assert response.status_code < 500, (way, host)
        assert EVIL not in response.headers.get("Location", ""), (way, host)
        assert "<script>" not in told(response), (way, host)
        if public is not None:
            assert EVIL not in told(response), (way, host)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:80@evil.example", "localhost@evil.example", "127.0.0.1:@evil.example"),
        *("[::1]@evil.example", "[::1]:5000@evil.example", "localhost:80 @evil.example"),
        *("localhost\\@evil.example", "localhost:80#@evil.example", "localhost/.evil.example"),
        *("localhost:80\t@evil.example", "localhost:evil.example", "localhost:0@evil.example:80"),
    ],
)
@pytest.mark.parametrize("in_service", [True, False])
def test_a_host_that_only_begins_like_this_machine_gets_no_payment(
    make_site: MakeSite, host: str, in_service: bool
) -> None:
    """In development any host is taken, save what is none."""
    site = make_site(TESTING=not in_service, XIEBAO_ENV="test")
    site.log_in("alice")
    response = raw(site.app, site.link("product", return_to="/orders/8"), HTTP_HOST=host)
    if response.status_code != 400:  # which Werkzeug itself answers
        assert "evil" not in (assert_gateway_accepts(response).pay_success or "")


@pytest.mark.parametrize(
    "config", [{"XIEBAO_PUBLIC_URL": PUBLIC_URL}, {"SERVER_NAME": "shop.example"}]
)
def test_a_host_that_is_none_does_not_matter_where_another_is_known(
    make_site: MakeSite, config: dict[str, str]
) -> None:
    site = make_site(**DEPLOYED, **config)
    with site.app.test_request_context(base_url=PUBLIC_URL):
        request.environ["HTTP_HOST"] = "a b"
        assert "//shop.example/" in site.xiebao.product_link(PRODUCT_CODE, external=True)


#: Every way in which a template makes a link with a member that leaves the site.
MEMBERS_LINKS = [
    f"insurance_entry('{PRODUCT_CODE}', member='m-alice', external=True)",
    f"insurance_entry('{PRODUCT_CODE}', member='m-alice', no_login_for=60, external=True)",
    "insurance_home_entry(member='m-alice', external=True)",
    f"policy_entry('{INSURE_NUM}', external=True)",
    f"policy_entry('{INSURE_NUM}', member='m-alice', no_login_for=60, external=True)",
    f"insurance_qr('{PRODUCT_CODE}', member='m-alice', no_login_for=60)",
    f"xiebao_link('product', '{PRODUCT_CODE}', member='m-alice', external=True)",
    "xiebao_link('home', member='m-alice', no_login_for=60, external=True)",
    f"xiebao_link('policy', '{INSURE_NUM}', external=True)",
]


@pytest.mark.parametrize("call", MEMBERS_LINKS)
def test_a_members_link_leaves_the_site_on_its_known_address_only_and_on_a_private_page(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    answers = []
    for host, config in ((EVIL, {}), ("localhost", {}), (EVIL, {"XIEBAO_PUBLIC_URL": PUBLIC_URL})):
        site = make_site(**DEPLOYED, **config)
        site.log_in("m-alice")
        site.source = f"before{{{{ {call} }}}}after"
        answers.append(raw(site.app, "/page", HTTP_HOST=host, **FORGED["X-Forwarded-*"]))
    *nobody_knows, known = (answer.get_data(as_text=True) for answer in answers)
    assert nobody_knows == ["beforeafter", "beforeafter"]
    assert "Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text
    assert f"{PUBLIC_URL}/xiebao/" in (qr.read(known) if "<svg" in known else known)
    assert EVIL not in told(answers[-1])
    assert answers[-1].headers["Cache-Control"] == "private"


# Others' answers


@pytest.mark.parametrize("page", [*LINK_ARGUMENTS, "paid"])
def test_what_a_hook_adds_for_one_visitor_is_not_in_the_next_ones_answer(
    site: Site, page: str
) -> None:
    """Nor is what it does for another one in the middle of a click."""
    url = paid_path() if page == "paid" else site.link(page, member="alice")
    bobs = site.link("product", member="bob")
    site.xiebao.member_loader(lambda: request.headers["X-Name"])
    meanwhile = []

    @site.app.after_request
    def remember(response: Response) -> Response:
        name = request.headers["X-Name"]
        response.set_cookie("session", f"of {name}")
        response.headers["X-Seen-By"] = name
        if name == "alice":
            meanwhile.append(
                assert_gateway_accepts(site.follow(bobs, {**PHONE, "X-Name": "bob"})).member
            )
        return response

    for name in ("alice", "mallory", "alice"):
        response = site.follow(url, {**PHONE, "X-Name": name})
        [cookie] = response.headers.getlist("Set-Cookie")
        assert cookie.startswith(f'session="of {name}"')
        assert response.headers.getlist("X-Seen-By") == [name]
        if page == "paid":
            assert response.location == "/orders/8"
        elif name == "alice":
            assert assert_gateway_accepts(response).member == "alice"
        else:
            assert response.status_code == 403
    assert meanwhile == ["bob", "bob"]
