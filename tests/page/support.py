"""What the tests of pages share: the calls of the macros, and what to hand them."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from tests.support import INSURE_NUM, PRODUCT_CODE

PRODUCT = f'{{{{ insurance_entry("{PRODUCT_CODE}") }}}}'
HOME = "{{ insurance_home_entry() }}"
POLICY = f'{{{{ policy_entry("{INSURE_NUM}") }}}}'
QR = f'{{{{ insurance_qr("{PRODUCT_CODE}") }}}}'
ENTRIES = {"product": PRODUCT, "home": HOME, "policy": POLICY}

MAIL = '{% from "xiebao/mail.html" import mail_entry %}'
#: All that can be sold, with values that would break out of wherever they are shown.
EVERYTHING = (
    PRODUCT
    + HOME
    + POLICY
    + '{% call insurance_entry("1", class="btn") %}<b>{{ 1 + 1 }}</b>{% endcall %}'
    + '{% call policy_entry("1") %} {% endcall %}'
    + '{% call xiebao_entry("home") %}<b>x</b>{% endcall %}'
    + '{{ insurance_entry("1", nasty, title=nasty, class=nasty) }}'
    + '{{ insurance_card("1", nasty, text=nasty, price=nasty, badge=nasty, image="/" ~ nasty,'
    ' action=nasty, insurer=nasty, terms_url="/" ~ nasty) }}'
    + '{{ insurance_card("1", "T", image=icon, insurer=icon) }}'
    + QR
    + '{{ xiebao_link("home") }}'
    + MAIL
    + '{{ mail_entry("product", "1", nasty, qr=9) }}'
)
ASSETS = "{{ xiebao_styles(title=nasty) }}{{ xiebao_script(title=nasty) }}"
BREAKS_OUT = 'x" onmouseover="alert(1)'
NASTY: dict[str, Any] = {
    "nasty": '"><script>alert(1)</script>',
    "icon": Markup("<svg><path/></svg>"),
}


def kept_by(show: Callable[[int], object], times: int = 20) -> int:
    """Return how many bytes stay in memory of showing something some times."""
    show(-1)
    tracemalloc.start()
    try:
        for number in range(times):
            show(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
