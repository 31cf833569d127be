"""Entries in mails: what mail clients draw, and the picture of a code."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
import time_machine
from flask import render_template_string
from PIL import Image

from flask_xiebao import LinkError
from tests.qr import read_picture
from tests.support import (
    CODE,
    LIVE,
    NUMBER,
    PHONE,
    Heard,
    MakeSite,
    Site,
    arrival,
    href,
    one,
    soup,
)

IMPORT = '{% from "xiebao/mail.html" import mail_entry %}'
SHOP = "https://shop.example"


def mail(site: Site, call: str, **context: Any) -> str:
    """Render an entry where no visitor is, as a queue of mails does."""
    with site.app.app_context():
        return render_template_string(f"{IMPORT}{{{{ mail_entry({call}) }}}}", **context)


@pytest.fixture
def shop(make_site: MakeSite) -> Site:
    return make_site(XIEBAO_PUBLIC_URL=SHOP)


def picture(site: Site, markup: str, **options: Any) -> Any:
    """Open the picture of the code."""
    url = str(one(markup, "img")["src"])
    assert url.startswith(f"{SHOP}/xiebao/qr/")
    return site.follow(url.removeprefix(SHOP), PHONE, **options)


def read(answer: Any) -> str:
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    text = read_picture(Image.open(io.BytesIO(answer.data)).convert("L"))
    assert text is not None
    return text


def test_an_entry_in_a_mail_leads_to_the_page_from_anywhere(shop: Site) -> None:
    markup = mail(shop, f'"policy", "{NUMBER}", member="alice", no_login_for=3600')
    link = href(markup)
    assert link.startswith(f"{SHOP}/xiebao/policy/")
    verdict = arrival(shop.follow(link))
    assert (verdict.page, verdict.member) == ("policy", "alice")


def test_an_entry_in_a_mail_that_is_made_in_a_request_leads_there_too(shop: Site) -> None:
    call = f'mail_entry("product", "{CODE}", member="alice", no_login_for=3600)'
    shop.app.add_url_rule(
        "/mail", "mail", lambda: render_template_string(f"{IMPORT}{{{{ {call} }}}}")
    )
    assert href(shop.follow("/mail").text).startswith(f"{SHOP}/xiebao/product/")


def test_it_is_a_table_with_all_styles_in_it(shop: Site) -> None:
    markup = mail(shop, f'"product", "{CODE}", qr=160')
    table = one(markup, "table")
    assert table["role"] == "presentation"
    cell = one(markup, "td[bgcolor]")
    assert cell["bgcolor"] == "#0b7d73"
    assert "background-color:#0b7d73" in str(cell["style"])
    assert "mso-padding-alt" in str(cell["style"])
    for element in soup(markup).select("a, img"):
        assert element["style"]
    assert not soup(markup).select("[class], style, script, svg, link")


def test_the_picture_is_the_code_of_the_same_link(shop: Site) -> None:
    markup = mail(shop, '"home", member="alice", no_login_for=3600, qr=160')
    image = one(markup, "img")
    assert (image["width"], image["height"]) == ("160", "160")
    assert image["alt"] == "二维码"
    assert "或用手机扫码打开" in soup(markup).text
    assert read(picture(shop, markup)) == href(markup)


def test_without_qr_there_is_no_picture(shop: Site) -> None:
    assert not soup(mail(shop, f'"product", "{CODE}"')).select("img")


def test_a_code_whose_time_is_over_is_not_drawn(shop: Site) -> None:
    markup = mail(shop, '"home", member="alice", no_login_for=60, qr=160')
    with time_machine.travel(time.time() + 59):
        assert picture(shop, markup).status_code == 200
    with time_machine.travel(time.time() + 61):
        assert picture(shop, markup).status_code == 410


def test_to_draw_a_code_is_no_click_and_no_refusal(shop: Site, heard: Heard) -> None:
    markup = mail(shop, '"home", member="alice", no_login_for=60, qr=160')
    answer = picture(shop, markup)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.location is None
    shop.follow("/xiebao/qr/nonsense.png")
    assert heard == []


@pytest.mark.parametrize("entry", ['"policy", "2019", member="alice", no_login_for=60', '"home"'])
def test_no_code_is_drawn_for_a_host_that_anybody_can_send(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, entry: str
) -> None:
    markup = mail(make_site(XIEBAO_PUBLIC_URL=SHOP), f"{entry}, qr=160")
    lives_somewhere = make_site(**LIVE)
    answer = picture(lives_somewhere, markup, base_url="https://evil.example")
    assert answer.status_code == 404
    assert "The QR code of a mail was not drawn: " in caplog.text
    assert "XIEBAO_PUBLIC_URL" in caplog.text
    here = picture(lives_somewhere, markup, base_url="http://127.0.0.1:5000")
    assert read(here).startswith("http://127.0.0.1:5000/xiebao/")
    named = make_site(**LIVE, XIEBAO_PUBLIC_URL=SHOP)
    drawn = read(picture(named, markup, base_url="https://evil.example"))
    assert drawn.startswith(f"{SHOP}/xiebao/")


@pytest.mark.parametrize("token", ["nonsense", "WyJob21lIl0.x", "a/b"])
def test_nothing_is_drawn_that_the_site_did_not_sign(shop: Site, token: str) -> None:
    assert shop.follow(f"/xiebao/qr/{token}.png").status_code == 404


def test_a_code_is_not_drawn_while_nothing_is_sold(make_site: MakeSite) -> None:
    on = make_site(XIEBAO_PUBLIC_URL=SHOP)
    markup = mail(on, f'"product", "{CODE}", qr=160')
    off = make_site(XIEBAO_PUBLIC_URL=SHOP, XIEBAO_ENABLED=False)
    assert picture(off, markup).status_code == 404
    assert mail(off, f'"product", "{CODE}"').strip() == ""


@pytest.mark.parametrize(
    ("call", "says"),
    [('"product", "QX1"', "我要投保"), ('"product", "QX1", "买 <b>险</b>"', "买 <b>险</b>")],
)
def test_what_it_says(shop: Site, call: str, says: str) -> None:
    assert one(mail(shop, call), "a").text == says


def test_colors_are_the_sites(shop: Site) -> None:
    markup = mail(shop, '"product", "QX1", accent="#c2410c", on_accent="#fff8f0"')
    assert one(markup, "td[bgcolor]")["bgcolor"] == "#c2410c"
    assert "color:#fff8f0" in str(one(markup, "a")["style"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        *[
            (f"{name}={bad!r}", f"{name} must be a color such as #0b7d73")
            for name in ("accent", "on_accent")
            for bad in ("red", "#fff", "#12345g", "red;background:url(//e)", '"><script>', None, 7)
        ],
        *[
            (f"qr={bad!r}", "qr must be a positive whole number of pixels")
            for bad in ("160", -5, True, 1.5, "abc")
        ],
        ('class="big"', "mail_entry takes no class"),
    ],
)
def test_what_no_mail_can_have_is_named(make_site: MakeSite, given: str, says: str) -> None:
    call = f'"product", "QX1", {given}'
    with pytest.raises(LinkError, match=says) as error:
        mail(make_site(XIEBAO_PUBLIC_URL=SHOP), call)
    assert error.value.argument == given.partition("=")[0]
    assert mail(make_site(XIEBAO_PUBLIC_URL=SHOP, **LIVE), call).strip() == ""


@pytest.mark.parametrize("given", ['"product", "QX1"', '"home"', '"policy", "7"'])
def test_no_mail_is_built_on_a_host_that_anybody_can_send(
    make_site: MakeSite, given: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(**LIVE)
    site.log_in("alice")
    page = site.render(
        f"{IMPORT}{{{{ mail_entry({given}, qr=160) }}}}", {**PHONE, "Host": "evil.example"}
    )
    assert (page.status_code, page.text.strip()) == (200, "")
    assert "set XIEBAO_PUBLIC_URL, SERVER_NAME or TRUSTED_HOSTS" in caplog.text


def test_a_link_of_a_site_that_adds_to_every_url_has_its_code(shop: Site) -> None:
    shop.app.url_defaults(lambda _endpoint, values: values.setdefault("lang", "zh"))
    with shop.app.test_request_context():
        markup = render_template_string(f'{IMPORT}{{{{ mail_entry("home", qr=99) }}}}')
    assert read(picture(shop, markup)).startswith(f"{SHOP}/xiebao/home/")


def test_an_attribute_is_an_error(shop: Site) -> None:
    with pytest.raises(LinkError, match="mail_entry takes no class"):
        mail(shop, '"product", "QX1", class="btn"')


def test_who_does_not_say_where_the_site_is_learns_it(make_site: MakeSite) -> None:
    with pytest.raises(LinkError, match="XIEBAO_PUBLIC_URL"):
        mail(make_site(**LIVE), '"product", "QX1"')


def test_a_mails_policy_link_is_made_on_no_forged_host(make_site: MakeSite) -> None:
    site = make_site(**LIVE)
    site.log_in("alice")
    with site.app.test_request_context(base_url="http://evil.example"):
        source = f'{IMPORT}{{{{ mail_entry("policy", "{NUMBER}", qr=9) }}}}'
        assert render_template_string(source).strip() == ""
