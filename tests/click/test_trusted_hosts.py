"""Tests for the host in absolute links and return links: ``TRUSTED_HOSTS`` and forged hosts.

To test another setting that makes a host trusted, add a row to ``TRUSTED_URLS``. To test another
host of return links, add a row to ``RETURN_HOSTS``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import request

from flask_xiebao import LinkError
from tests import qr
from tests.click.support import send_raw_request
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    NEEDS_TRUSTED_HOSTS,
    PC,
    PRODUCT_CODE,
    PUBLIC_URL,
    MakeSite,
    assert_gateway_accepts,
    get_return_link,
)

FORGED_URL = "https://evil.example"
PUBLIC_BELOW_PATH = {"XIEBAO_PUBLIC_URL": "https://shop.example/mall"}

# Absolute links with a member

#: One row per site: the settings, the URL of the request, and the expected beginning of the
#: absolute link.
TRUSTED_URLS: list[Any] = [
    ({}, "https://shop.example:8443", "https://shop.example:8443"),
    ({}, "https://shop.example/mall", "https://shop.example/mall"),
    (PUBLIC_BELOW_PATH, "https://other.example/inside", "https://shop.example/mall"),
    (
        {"XIEBAO_PUBLIC_URL": "http://shop.example:8080"},
        *(FORGED_URL, "http://shop.example:8080"),
    ),
    (
        PUBLIC_BELOW_PATH | {"SERVER_NAME": "in.example"},
        *("https://in.example", "https://shop.example/mall"),
    ),
    (DEPLOYED | PUBLIC_BELOW_PATH, FORGED_URL, "https://shop.example/mall"),
    (DEPLOYED | {"SERVER_NAME": "shop.example"}, FORGED_URL, "https://shop.example"),
    (DEPLOYED | {"DEBUG": True}, FORGED_URL, FORGED_URL),
    (DEPLOYED | {"TESTING": True}, FORGED_URL, FORGED_URL),
    pytest.param(
        DEPLOYED | {"TRUSTED_HOSTS": ["shop.example"]},
        *("https://shop.example", "https://shop.example"),
        marks=NEEDS_TRUSTED_HOSTS,
    ),
]
MEMBER_LINKS = pytest.mark.parametrize(
    ("page", "options"),
    [("product", {"member": "7"}), ("home", {"member": "7", "no_login_for": 60}), ("policy", {})],
)


@pytest.mark.filterwarnings("ignore:Current server name:UserWarning")
@MEMBER_LINKS
@pytest.mark.parametrize(("config", "base_url", "expected"), TRUSTED_URLS)
def test_absolute_link_with_member_has_trusted_host(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    page: str,
    options: dict[str, Any],
    config: dict[str, Any],
    base_url: str,
    expected: str,
) -> None:
    site = make_site(**config)
    site.log_in("7")
    link = site.link(page, base_url, external=True, **options)
    assert re.fullmatch(rf"{re.escape(expected)}/xiebao/{page}/[^/]+", link)

    # Remove the host, because Flask 3.0 builds an absolute URL if the request has another host than
    # SERVER_NAME.
    path = site.link(page, base_url, **options).removeprefix(expected)
    assert path.startswith(f"{urlsplit(base_url).path}/xiebao/{page}/")
    assert caplog.records == []


@pytest.mark.parametrize("config", [{}, {"TRUSTED_HOSTS": []}], ids=["unset", "empty"])
@MEMBER_LINKS
def test_absolute_link_with_member_raises_for_untrusted_host(
    make_site: MakeSite, page: str, options: dict[str, Any], config: dict[str, Any]
) -> None:
    site = make_site(**DEPLOYED, **config)
    site.log_in("7")
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL, SERVER_NAME or TRUST") as error:
        site.link(page, FORGED_URL, external=True, **options)
    assert error.value.argument == "external"
    assert site.link(page, FORGED_URL, **options).startswith(f"/xiebao/{page}/")


@pytest.mark.parametrize("page", ["product", "home"])
def test_absolute_link_without_member_has_host_of_request(make_site: MakeSite, page: str) -> None:
    link = make_site(**DEPLOYED).link(page, FORGED_URL, external=True)
    assert link.startswith(f"{FORGED_URL}/xiebao/{page}/")


@pytest.mark.parametrize(
    "config",
    [{"XIEBAO_PUBLIC_URL": PUBLIC_URL}, {"SERVER_NAME": "shop.example"}],
    ids=["XIEBAO_PUBLIC_URL", "SERVER_NAME"],
)
def test_malformed_host_is_ignored_if_site_url_is_configured(
    make_site: MakeSite, config: dict[str, str]
) -> None:
    site = make_site(**DEPLOYED, **config)
    with site.app.test_request_context(base_url=PUBLIC_URL):
        request.environ["HTTP_HOST"] = "a b"
        assert "//shop.example/" in site.xiebao.product_link(PRODUCT_CODE, external=True)


@pytest.mark.parametrize(
    "call",
    [
        f"insurance_entry('{PRODUCT_CODE}', member='alice', external=True)",
        f"insurance_entry('{PRODUCT_CODE}', member='alice', no_login_for=60, external=True)",
        "insurance_home_entry(member='alice', external=True)",
        f"policy_entry('{INSURE_NUM}', external=True)",
        f"policy_entry('{INSURE_NUM}', member='alice', no_login_for=60, external=True)",
        f"insurance_qr('{PRODUCT_CODE}', member='alice', no_login_for=60)",
        f"xiebao_link('product', '{PRODUCT_CODE}', member='alice', external=True)",
        "xiebao_link('home', member='alice', no_login_for=60, external=True)",
        f"xiebao_link('policy', '{INSURE_NUM}', external=True)",
    ],
)
@pytest.mark.parametrize(
    ("host", "config", "is_rendered"),
    [
        ("evil.example", {}, False),
        ("localhost", {}, False),
        ("evil.example", {"XIEBAO_PUBLIC_URL": PUBLIC_URL}, True),
    ],
    ids=["forged host", "localhost", "public URL"],
)
def test_macro_renders_absolute_link_with_member_only_if_host_is_trusted(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    call: str,
    host: str,
    config: dict[str, Any],
    is_rendered: bool,
) -> None:
    site = make_site(**DEPLOYED, **config)
    site.log_in("alice")
    page = site.render(f"{{{{ {call} }}}}", {**PC, "Host": host, "X-Forwarded-Host": host})
    assert (page.text != "") == is_rendered
    link = qr.read(page.text) if "<svg" in page.text else page.text
    assert (f"{PUBLIC_URL}/xiebao/" in link) == is_rendered
    assert "evil.example" not in page.text
    assert ("Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text) != is_rendered
    assert page.headers.get("Cache-Control") == ("private" if is_rendered else None)


# Return links

#: One row per click: the settings, the URL of the site in the request, and the expected beginning
#: of the return link, or None if the gateway is expected to get no return link.
RETURN_HOSTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, FORGED_URL, None),
    ({}, "http://localhost:5000", "http://localhost:5000"),
    ({}, "http://127.0.0.1", "http://127.0.0.1"),
    ({}, "http://[::1]:5000", "http://[::1]:5000"),
    ({}, "http://localhost.evil.example", None),
    ({"XIEBAO_PUBLIC_URL": "https://shop.example/m"}, FORGED_URL, "https://shop.example/m"),
    ({"TESTING": True}, "https://staging.example", "https://staging.example"),
]


@pytest.mark.parametrize(("config", "base_url", "expected"), RETURN_HOSTS)
def test_gateway_gets_return_link_only_if_host_is_trusted(
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    config: dict[str, Any],
    base_url: str,
    expected: str | None,
) -> None:
    site = make_site(**{**DEPLOYED, **config})
    site.log_in("alice")
    click = site.follow(site.link("product", return_to="/orders/8"), base_url=base_url)
    if expected is None:
        assert assert_gateway_accepts(click).pay_success is None
        assert "without a return URL" in caplog.text
    else:
        assert get_return_link(click).startswith(f"{expected}/xiebao/paid/")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:80@evil.example", "localhost@evil.example", "127.0.0.1:@evil.example"),
        *("[::1]@evil.example", "[::1]:5000@evil.example", "localhost:80 @evil.example"),
        *("localhost\\@evil.example", "localhost:80#@evil.example", "localhost/.evil.example"),
        *("localhost:80\t@evil.example", "localhost:evil.example", "localhost:0@evil.example:80"),
    ],
)
@pytest.mark.parametrize("testing", [True, False])
def test_gateway_gets_no_return_link_for_host_that_begins_like_localhost(
    make_site: MakeSite, host: str, testing: bool
) -> None:
    site = make_site(TESTING=testing, XIEBAO_ENV="test")
    site.log_in("alice")
    path = site.link("product", return_to="/orders/8")
    response = send_raw_request(site.app, path, HTTP_HOST=host)
    if response.status_code != 400:  # Werkzeug itself rejects some of these hosts with 400.
        assert assert_gateway_accepts(response).pay_success in ("", None)
