"""Tests that QR codes are readable in damaged images.

The extension draws each QR code with the same mask, because segno takes long to find the best of
the eight masks. In damaged images, these codes must be readable as often as codes with the best
mask.

To test another kind of damage, add a row to ``DAMAGES``.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import pytest
import segno
from PIL import Image, ImageFilter, ImageOps

from tests import qr
from tests.support import PUBLIC_URL, make_site

CODE_COUNT = 400


#: A URL and two images of its QR code: one that the extension draws, and one with the best mask.
CodeImages = tuple[str, Image.Image, Image.Image]


@pytest.fixture(scope="module")
def qr_codes() -> list[CodeImages]:
    """QR codes for links with different lengths, each with two masks."""
    site = make_site(XIEBAO_PUBLIC_URL=PUBLIC_URL)
    codes = []
    for number in range(CODE_COUNT):
        digits = "".join(create_random_generator(number).choices(string.digits, k=6 + number % 120))
        svg = site.render(f'{{{{ insurance_qr("QX{digits}") }}}}').text
        url = qr.read(svg)
        best_svg = segno.make_qr(url).svg_inline(omitsize=True)
        codes.append((url, qr.draw_qr_code(svg), qr.draw_qr_code(best_svg)))
    return codes


def create_random_generator(seed: int) -> random.Random:
    """Return a random number generator that returns the same numbers in each run."""
    return random.Random(seed)  # noqa: S311 - The numbers are no secrets.


def blend_with_noise(image: Image.Image, rng: random.Random, share: float) -> Image.Image:
    noise = Image.frombytes("L", image.size, rng.randbytes(image.width * image.height))
    return Image.blend(image, noise, share)


def darken_image(image: Image.Image, rng: random.Random) -> Image.Image:
    """Return an image with little contrast and some noise, like a screen at night."""
    return blend_with_noise(
        image.filter(ImageFilter.GaussianBlur(1.2)).point(lambda light: 8 + light // 8),
        rng,
        rng.uniform(0.04, 0.08),
    )


Damage = Callable[[Image.Image, random.Random], Image.Image]
#: One row per kind of damage: the name, and a function that returns a damaged image. The decoder
#: can read some of the damaged images, but not all of them.
DAMAGES: dict[str, Damage] = {
    "blur": lambda image, rng: image.filter(ImageFilter.GaussianBlur(rng.uniform(1.7, 2))),
    "noise": lambda image, rng: blend_with_noise(image, rng, rng.uniform(0.36, 0.5)),
    "small size": lambda image, rng: ImageOps.scale(
        image, rng.uniform(0.3, 0.38), Image.Resampling.BILINEAR
    ),
    "dark screen": darken_image,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_code_is_readable_as_often_as_code_with_best_mask(
    qr_codes: list[CodeImages], damage: Damage
) -> None:
    read = best_read = 0
    for number, (url, image, best_image) in enumerate(qr_codes):
        read += qr.decode_qr_code(damage(image, create_random_generator(number))) == url
        best_read += qr.decode_qr_code(damage(best_image, create_random_generator(number))) == url
    # If the decoder could read nearly all or none of the images, the masks could not be compared.
    assert CODE_COUNT * 0.1 < best_read < CODE_COUNT * 0.9
    assert read >= best_read - CODE_COUNT * 0.05
