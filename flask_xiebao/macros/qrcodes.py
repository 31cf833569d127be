"""QR codes, as segno draws them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from markupsafe import Markup
from werkzeug.urls import iri_to_uri

from ..app.signals import qr_code_drawn, send_signal_without_raising
from ..errors import LinkError

if TYPE_CHECKING:
    from segno import QRCode

# How many pixels wide a module of a PNG is. Mails show the PNG smaller, for screens of any density.
_PNG_MODULE_PIXELS = 8


def render_qr_svg(url: str) -> Markup:
    """Return the QR code of *url* as an SVG that fills what it stands in.

    :raises LinkError: when the URL is longer than a code can hold, some 2,900 characters.
    """
    # Drawn by segno, which puts no text into it.
    return Markup(  # noqa: S704  # nosec B704
        _build_qr_code(url).svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    )


def render_qr_svg_and_send_signal(
    url: str, render_svg: Callable[[str], Markup] = render_qr_svg
) -> Markup:
    """Return a QR code for a page, of which a tool may want to know what it says.

    :param draw: draws it, or has it from before.
    :raises LinkError: as :func:`qr_svg` does.
    """
    code = render_svg(url)
    send_signal_without_raising(qr_code_drawn, code=str(code), url=url)
    return code


def build_qr_png(url: str) -> bytes:
    """Return the QR code of *url* as a PNG, for mail.

    :raises LinkError: as :func:`qr_svg` does.
    """
    png = io.BytesIO()
    _build_qr_code(url).save(png, kind="png", scale=_PNG_MODULE_PIXELS)
    return png.getvalue()


def _build_qr_code(url: str) -> QRCode:
    import segno  # loaded with the first code that is drawn, since most processes draw none

    try:
        # The mask is fixed, because choosing the best one takes 65 % of the time, and codes scan as
        # well with this one. The URL is ASCII, because segno would write other characters in
        # whichever Chinese encoding is shortest.
        return segno.make_qr(iri_to_uri(url), mask=0)
    except segno.DataOverflowError:
        raise LinkError(
            f"A QR code cannot hold this link of {len(url):,} characters. Shorten"
            ' "return_to" or XIEBAO_PUBLIC_URL.',
            "return_to",
        ) from None
