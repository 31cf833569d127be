"""QR codes as SVG and PNG, drawn by segno."""

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

# The width of one module (square dot) of a QR code in a PNG, in pixels. Mails scale the PNG down,
# so that the code is sharp on screens of any density.
_PNG_MODULE_PIXELS = 8


def render_qr_svg(url: str) -> Markup:
    """Return the QR code of *url* as an SVG that fills its parent element.

    :raises LinkError: if the URL is longer than a code can hold, about 2,900 characters.
    """
    # segno puts no text into the SVG, so the markup is safe.
    return Markup(  # noqa: S704  # nosec B704
        _build_qr_code(url).svg_inline(omitsize=True, light="#fff", svgclass=None, lineclass=None)
    )


def render_qr_svg_and_send_signal(
    url: str, render_svg: Callable[[str], Markup] = render_qr_svg
) -> Markup:
    """Return the QR code of *url* as an SVG for a page, and send the signal ``qr_code_drawn``.

    From this internal signal, the check learns the URL in the code.

    :param render_svg: The function that renders the SVG, for example a cached one.
    :raises LinkError: as :func:`render_qr_svg` does.
    """
    svg = render_svg(url)
    send_signal_without_raising(qr_code_drawn, code=str(svg), url=url)
    return svg


def build_qr_png(url: str) -> bytes:
    """Return the QR code of *url* as a PNG, for mail.

    :raises LinkError: as :func:`render_qr_svg` does.
    """
    png = io.BytesIO()
    _build_qr_code(url).save(png, kind="png", scale=_PNG_MODULE_PIXELS)
    return png.getvalue()


def _build_qr_code(url: str) -> QRCode:
    # segno is imported only when needed, because most processes draw no QR code.
    import segno

    try:
        return segno.make_qr(
            # The URL is converted to ASCII, so that every scanner reads the same URL. For other
            # characters, segno chooses the shortest encoding, which may be a Chinese one.
            iri_to_uri(url),
            # A QR code can be drawn with one of eight mask patterns. Choosing the best pattern
            # takes 65 % of the time to draw a code, and codes with pattern 0 scan equally well.
            mask=0,
        )
    except segno.DataOverflowError:
        raise LinkError(
            f"A QR code cannot hold this link of {len(url):,} characters. Shorten"
            ' "return_to" or XIEBAO_PUBLIC_URL.',
            "return_to",
        ) from None
