"""Tests for ``mail_entry``, the macro for emails, and for the images of its QR codes.

Invalid arguments are tested in ``test_invalid_macro_arguments.py``. Other macros in emails are
tested in ``test_rendering_without_request.py``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_xiebao import LinkError
from tests.page.support import MAIL_MACRO, render_without_request
from tests.qr import decode_qr_code
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PHONE,
    PRODUCT_CODE,
    PUBLIC_URL,
    Clock,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    parse_html,
)

#: The keywords of an entry that the member "alice" can open without a login for a minute.
FOR_ALICE = 'member="alice", no_login_for=60'


def render_in_job(site: Site, arguments: str) -> str:
    """Render the macro ``mail_entry`` without a request, as a background job does."""
    return render_without_request(site, f"{MAIL_MACRO}{{{{ mail_entry({arguments}) }}}}")


def render_in_request(site: Site, arguments: str, headers: dict[str, str] = PHONE) -> str:
    """Render the macro ``mail_entry`` during a request, and return the HTML."""
    return site.render(f"{MAIL_MACRO}{{{{ mail_entry({arguments}) }}}}", headers).text


def get_qr_image(site: Site, html: str, base_url: str | None = None) -> TestResponse:
    """Request the image of the QR code in an email, and return the response."""
    url = str(find_element(html, "img")["src"])
    return site.follow(url.removeprefix(PUBLIC_URL), base_url=base_url)


def decode_qr_image(response: TestResponse) -> str | None:
    """Decode the image of a QR code in a response, and return the text."""
    from PIL import Image

    return decode_qr_code(Image.open(io.BytesIO(response.data)).convert("L"))


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A site with the setting ``XIEBAO_PUBLIC_URL``."""
    return make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL)


# HTML of the entries in emails


@pytest.mark.parametrize("render", [render_in_job, render_in_request], ids=["job", "request"])
@pytest.mark.parametrize(
    ("page", "arguments", "logged_in"),
    [
        ("home", '"home"', "alice"),
        ("home", f'"home", {FOR_ALICE}', None),
        ("policy", f'"policy", "{INSURE_NUM}", {FOR_ALICE}', None),
    ],
    ids=["home", "home without login", "policy without login"],
)
def test_link_and_qr_code_of_mail_entry_open_same_page(
    site: Site,
    render: Callable[[Site, str], str],
    page: str,
    arguments: str,
    logged_in: str | None,
) -> None:
    # Sites with several languages often use ``url_defaults`` to add the language to every URL.
    site.app.url_defaults(lambda _endpoint, values: values.setdefault("lang", "zh"))
    html = render(site, f"{arguments}, qr=160")
    link, image = find_href(html), get_qr_image(site, html)

    assert link.startswith(f"{PUBLIC_URL}/xiebao/{page}/")
    assert image.mimetype == "image/png"
    assert decode_qr_image(image) == link

    site.log_in(logged_in)
    verdict = assert_gateway_accepts(site.follow(link))
    assert (verdict.page, verdict.member) == (page, "alice")


def test_mail_entry_consists_of_tables_with_inline_styles(site: Site) -> None:
    html = parse_html(render_in_job(site, f'"product", "{PRODUCT_CODE}", qr=160'))

    assert {table["role"] for table in html.select("table")} == {"presentation"}
    button, code = html.select("td[bgcolor]")
    assert button["bgcolor"] == "#0b7d73"
    assert "background-color:#0b7d73" in str(button["style"])
    assert "mso-padding-alt" in str(button["style"])
    # QR code scanners need a white background, also in mail clients in dark mode.
    assert code["bgcolor"] == "#ffffff"
    assert not html.select("a:not([style]), img:not([style])")
    assert not html.select("[class], style, script, svg, link")


def test_qr_image_has_size_alt_text_and_caption(site: Site) -> None:
    html = render_in_job(site, '"home", qr=160')
    image = find_element(html, "img")
    assert str(image["src"]).startswith(f"{PUBLIC_URL}/xiebao/qr/")
    assert (image["width"], image["height"], image["alt"]) == ("160", "160", "二维码")
    assert "在电脑上？用手机扫码打开" in html


def test_mail_entry_shows_label_and_colors_of_arguments_without_qr_code(site: Site) -> None:
    arguments = '"product", "QX1", "买 <b>险</b>", accent="#c2410c", on_accent="#fff8f0"'
    html = render_in_job(site, arguments)
    assert find_element(html, "a").text == "买 <b>险</b>"
    assert find_element(html, "td[bgcolor]")["bgcolor"] == "#c2410c"
    assert "color:#fff8f0" in str(find_element(html, "a")["style"])
    assert "<img" not in html


@pytest.mark.parametrize(
    ("colors", "contrasts"),
    [
        ("", []),
        ('accent="#ffd21e"', ["1.45:1"]),
        ('accent="#ffd21e", on_accent="#1b2530"', []),
        ('accent="#767676"', []),
        ('accent="#777777"', ["4.48:1"]),
    ],
)
def test_low_contrast_of_mail_entry_colors_is_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture, colors: str, contrasts: list[str]
) -> None:
    for _ in range(2):
        assert render_in_job(site, f'"product", "QX1", {colors}')
    pattern = r"mail_entry has a contrast of (\S+) with the button\. Change"
    assert re.findall(pattern, caplog.text) == contrasts


@pytest.mark.parametrize("arguments", ['"product", "QX1"', '"home"', '"policy", "7"'])
def test_mail_entry_needs_trusted_host_in_production(
    make_site: MakeSite, arguments: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**DEPLOYED)
    site.log_in("alice")

    forged = {**PHONE, "Host": "evil.example"}
    assert render_in_request(site, f"{arguments}, qr=160", forged).strip() == ""
    assert "Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text

    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        render_in_job(site, f"{arguments}, {FOR_ALICE}")


# Images of the QR codes in emails


def test_qr_image_is_not_cached_and_returns_410_after_link_expires(
    site: Site, clock: Clock, sent_signals: SentSignals
) -> None:
    html = render_in_job(site, f'"home", {FOR_ALICE}, qr=160')

    clock.shift(59)
    image = get_qr_image(site, html)
    assert image.status_code == 200
    assert image.headers["Cache-Control"] == "no-store"

    clock.shift(2)
    assert get_qr_image(site, html).status_code == 410
    assert sent_signals == []  # A request for the image does not count as a click.


@pytest.mark.parametrize("token", ["nonsense", "WyJob21lIl0.x", "a/b"])
def test_qr_image_of_invalid_token_returns_404(site: Site, token: str) -> None:
    assert site.follow(f"/xiebao/qr/{token}.png").status_code == 404


ARGUMENTS = pytest.mark.parametrize(
    "arguments", ['"home"', f'"policy", "2019", {FOR_ALICE}'], ids=["home", "policy"]
)


@ARGUMENTS
@pytest.mark.parametrize(
    ("config", "host", "base_url"),
    [
        ({}, "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ({"XIEBAO_PUBLIC_URL": PUBLIC_URL}, "https://evil.example", PUBLIC_URL),
    ],
    ids=["local host", "XIEBAO_PUBLIC_URL"],
)
def test_qr_image_in_production_has_link_to_trusted_host(
    site: Site,
    make_site: MakeSite,
    arguments: str,
    config: dict[str, Any],
    host: str,
    base_url: str,
) -> None:
    html = render_in_job(site, f"{arguments}, qr=160")
    image = get_qr_image(make_site(**DEPLOYED, **config), html, host)
    assert str(decode_qr_image(image)).startswith(f"{base_url}/xiebao/")


@ARGUMENTS
@pytest.mark.parametrize(
    ("config", "is_logged"),
    [
        (DEPLOYED, True),
        ({"XIEBAO_PUBLIC_URL": PUBLIC_URL, "XIEBAO_ENABLED": False}, False),
    ],
    ids=["untrusted host", "disabled"],
)
def test_qr_image_returns_404_for_untrusted_host_or_disabled_extension(
    site: Site,
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
    arguments: str,
    config: dict[str, Any],
    is_logged: bool,
) -> None:
    html = render_in_job(site, f"{arguments}, qr=160")
    image = get_qr_image(make_site(**config), html, "https://evil.example")
    assert image.status_code == 404
    assert is_logged == bool(
        re.search("The QR code of an email was not drawn, because .*XIEBAO_PUBLIC_URL", caplog.text)
    )
