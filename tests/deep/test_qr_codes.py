"""QR codes as cameras see them.

Ours are drawn with one mask, and segno's own with the best of eight. Both are spoilt in the same
way, about as far as a reader gets, and have to be read as often.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest
import segno
from flask import Flask, render_template_string
from PIL import Image, ImageFilter

from flask_xiebao import Xiebao
from tests import qr
from tests.support import CONFIG, MACROS

CODES = 400

Spoil = Callable[[Image.Image, random.Random], Image.Image]
SPOILT: dict[str, Spoil] = {
    "blurred": lambda image, harm: image.filter(ImageFilter.GaussianBlur(harm.uniform(1.7, 2))),
    "noisy": lambda image, harm: with_noise(image, harm, harm.uniform(0.36, 0.5)),
    "small": lambda image, harm: smaller(image, harm.uniform(0.3, 0.38)),
    "dark": lambda image, harm: with_noise(darker(image), harm, harm.uniform(0.04, 0.08)),
}


def same_every_time(number: int) -> random.Random:
    return random.Random(number)  # noqa: S311 - nothing is kept secret by it


def with_noise(image: Image.Image, harm: random.Random, share: float) -> Image.Image:
    noise = Image.frombytes("L", image.size, harm.randbytes(image.width * image.height))
    return Image.blend(image, noise, share)


def smaller(image: Image.Image, scale: float) -> Image.Image:
    size = (int(image.width * scale), int(image.height * scale))
    return image.resize(size, Image.Resampling.BILINEAR)


def darker(image: Image.Image) -> Image.Image:
    """Return a screen at night: black is nearly black, and white not much lighter."""
    return image.filter(ImageFilter.GaussianBlur(1.2)).point(lambda light: 8 + light // 8)


@pytest.fixture(scope="module")
def drawn() -> list[tuple[str, Image.Image, Image.Image]]:
    """What codes of all lengths say, how they are drawn, and how segno draws the same by itself."""
    app = Flask(__name__)
    app.config.update(CONFIG, XIEBAO_PUBLIC_URL="https://shop.example", TESTING=True)
    Xiebao(app)
    codes = []
    with app.test_request_context():
        for number in range(CODES):
            case_code = "".join(same_every_time(number).choices(string.digits, k=6 + number % 120))
            svg = render_template_string(f'{MACROS}{{{{ insurance_qr("QX{case_code}") }}}}')
            url = qr.read(svg)
            best = segno.make_qr(url).svg_inline(omitsize=True)
            codes.append((url, qr.draw_image(svg), qr.draw_image(best)))
    return codes


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_code_is_read_as_often_as_one_with_the_best_mask(
    drawn: list[tuple[str, Image.Image, Image.Image]], spoil: Spoil
) -> None:
    ours = best = 0
    for number, (url, drawn_by_us, drawn_by_segno) in enumerate(drawn):
        ours += qr.read_image(spoil(drawn_by_us, same_every_time(number))) == url
        best += qr.read_image(spoil(drawn_by_segno, same_every_time(number))) == url
    # So spoilt that the reader fails at some, and reads others: else nothing would be compared.
    assert CODES * 0.1 < best < CODES * 0.9
    assert ours >= best - CODES * 0.05
