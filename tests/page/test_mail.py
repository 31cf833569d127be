"""Entries in mails: what mail clients draw, and the picture of a code.

What no mail can have is in ``test_wrong_arguments.py``.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
import time_machine
from PIL import Image
from werkzeug.test import TestResponse

from flask_xiebao import LinkError
from tests.page import kept
from tests.page.support import MAIL
from tests.qr import read_image
from tests.support import (
    DEPLOYED,
    INSURE_NUM,
    PHONE,
    PRODUCT_CODE,
    PUBLIC_URL,
    MakeSite,
    SentSignals,
    Site,
    assert_gateway_accepts,
    find_element,
    find_href,
    parse_html,
)

OF_ALICE = 'member="alice", no_login_for=60'


def mail(site: Site, call: str) -> str:
    """Render an entry where no visitor is, as a queue of mails does."""
    return kept.mail(site, f"{MAIL}{{{{ mail_entry({call}) }}}}")


def in_request(site: Site, call: str, headers: dict[str, str] = PHONE) -> str:
    """Render an entry of a mail that is sent while a visitor waits."""
    return site.render(f"{MAIL}{{{{ mail_entry({call}) }}}}", headers).text


MADE = pytest.mark.parametrize("make", [mail, in_request])
Make = Callable[[Site, str], str]


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    return make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL)


def picture(site: Site, markup: str, base_url: str | None = None) -> TestResponse:
    """Open the picture of the code."""
    url = str(find_element(markup, "img")["src"])
    assert url.startswith(f"{PUBLIC_URL}/xiebao/qr/")
    return site.follow(url.removeprefix(PUBLIC_URL), base_url=base_url)


def read(answer: TestResponse) -> str:
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    text = read_image(Image.open(io.BytesIO(answer.data)).convert("L"))
    assert text is not None
    return text


@MADE
def test_an_entry_in_a_mail_leads_to_the_page_from_anywhere(shop: Site, make: Make) -> None:
    link = find_href(make(shop, f'"policy", "{INSURE_NUM}", {OF_ALICE}'))
    assert link.startswith(f"{PUBLIC_URL}/xiebao/policy/")
    verdict = assert_gateway_accepts(shop.follow(link))
    assert (verdict.page, verdict.member) == ("policy", "alice")


def test_it_is_a_table_with_all_styles_in_it(shop: Site) -> None:
    markup = mail(shop, f'"product", "{PRODUCT_CODE}", qr=160')
    assert {table["role"] for table in parse_html(markup).select("table")} == {"presentation"}
    button, code = parse_html(markup).select("td[bgcolor]")
    assert button["bgcolor"] == "#0b7d73"
    assert "background-color:#0b7d73" in str(button["style"])
    assert "mso-padding-alt" in str(button["style"])
    assert code["bgcolor"] == "#ffffff"  # in dark mails, too
    for element in parse_html(markup).select("a, img"):
        assert element["style"]
    assert not parse_html(markup).select("[class], style, script, svg, link")


def test_its_label_and_colors_are_the_sites(shop: Site) -> None:
    call = '"product", "QX1", "买 <b>险</b>", accent="#c2410c", on_accent="#fff8f0"'
    markup = mail(shop, call)
    assert find_element(markup, "a").text == "买 <b>险</b>"
    assert find_element(markup, "td[bgcolor]")["bgcolor"] == "#c2410c"
    assert "color:#fff8f0" in str(find_element(markup, "a")["style"])
    assert not parse_html(markup).select("img")  # without qr


@pytest.mark.parametrize(
    ("colors", "contrast"),
    [
        ("", None),
        ('accent="#ffd21e"', "1.45"),
        ('accent="#ffd21e", on_accent="#1b2530"', None),
        ('accent="#767676"', None),
        ('accent="#777777"', "4.48"),
    ],
)
def test_mail_with_low_contrast_is_logged_once(
    shop: Site, caplog: pytest.LogCaptureFixture, colors: str, contrast: str | None
) -> None:
    for _ in range(2):
        assert mail(shop, f'"product", "QX1", {colors}')
    warnings = [record.getMessage() for record in caplog.records]
    if contrast is None:
        assert warnings == []
    else:
        [warning] = warnings
        assert f"mail_entry has a contrast of {contrast}:1 with the button. Change" in warning


@MADE
@pytest.mark.parametrize("member", ["", f", {OF_ALICE}"])
def test_the_picture_is_the_code_of_the_same_link(shop: Site, make: Make, member: str) -> None:
    # A site that adds to every URL, as those in several languages do.
    shop.app.url_defaults(lambda _endpoint, values: values.setdefault("lang", "zh"))
    markup = make(shop, f'"home"{member}, qr=160')
    image = find_element(markup, "img")
    assert (image["width"], image["height"]) == ("160", "160")
    assert image["alt"] == "二维码"
    assert "在电脑上？用手机扫码打开" in parse_html(markup).text
    assert read(picture(shop, markup)) == find_href(markup)


def test_a_code_is_drawn_until_its_time_is_over_and_that_is_no_click(
    shop: Site, sent_signals: SentSignals
) -> None:
    markup = mail(shop, f'"home", {OF_ALICE}, qr=160')
    with time_machine.travel(time.time() + 59):
        drawn = picture(shop, markup)
    assert (drawn.status_code, "Location" in drawn.headers) == (200, False)
    assert drawn.headers["Cache-Control"] == "no-store"
    with time_machine.travel(time.time() + 61):
        assert picture(shop, markup).status_code == 410
    for token in ("nonsense", "WyJob21lIl0.x", "a/b"):
        assert shop.follow(f"/xiebao/qr/{token}.png").status_code == 404
    assert sent_signals == []


@pytest.mark.parametrize("entry", [f'"policy", "2019", {OF_ALICE}', '"home"'])
def test_no_code_is_drawn_for_a_host_that_anybody_can_send(
    shop: Site, make_site: MakeSite, caplog: pytest.LogCaptureFixture, entry: str
) -> None:
    markup = mail(shop, f"{entry}, qr=160")
    lives_somewhere = make_site(**DEPLOYED)
    assert picture(lives_somewhere, markup, "https://evil.example").status_code == 404
    assert "The QR code of an email was not drawn, because " in caplog.text
    assert "XIEBAO_PUBLIC_URL" in caplog.text
    here = picture(lives_somewhere, markup, "http://127.0.0.1:5000")
    assert read(here).startswith("http://127.0.0.1:5000/xiebao/")
    named = make_site(**DEPLOYED, XIEBAO_PUBLIC_URL=PUBLIC_URL)
    assert read(picture(named, markup, "https://evil.example")).startswith(f"{PUBLIC_URL}/xiebao/")


def test_a_code_is_not_drawn_while_nothing_is_sold(shop: Site, make_site: MakeSite) -> None:
    markup = mail(shop, f'"product", "{PRODUCT_CODE}", qr=160')
    off = make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL, XIEBAO_ENABLED=False)
    assert picture(off, markup).status_code == 404


@pytest.mark.parametrize("entry", ['"product", "QX1"', '"home"', '"policy", "7"'])
def test_a_live_site_that_does_not_say_where_it_is_makes_no_mails(
    make_site: MakeSite, entry: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on a host that anybody can send, nor where there is no request to tell one."""
    site = make_site(**DEPLOYED)
    site.log_in("alice")
    forged = {**PHONE, "Host": "evil.example"}
    assert in_request(site, f"{entry}, qr=160", forged).strip() == ""
    assert "Set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        mail(site, f"{entry}, {OF_ALICE}")
