"""A factory's extensions are made once and put into many apps, as a test suite has it."""

from __future__ import annotations

import pytest
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_seasurf import SeaSurf
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from flask_xiebao import Xiebao
from tests.ecosystem.shop import Shop, Way
from tests.ecosystem.sites import BOTH_TOKENS, THEIR_WARNINGS
from tests.support import PHONE

pytestmark = THEIR_WARNINGS


@pytest.mark.parametrize("xiebao_first", [True, False])
def test_each_app_of_a_factory_has_its_own_clicks(xiebao_first: bool) -> None:
    xiebao, csrf, seasurf, talisman = Xiebao(), CSRFProtect(), SeaSurf(), Talisman()
    limiter = Limiter(get_remote_address, default_limits=["1000 per hour"], storage_uri="memory://")

    def create() -> Shop:
        return Shop(
            Way(xiebao_first, in_factory=True),
            *(extension.init_app for extension in (csrf, limiter, seasurf, talisman)),
            xiebao=xiebao,
            form_fields=BOTH_TOKENS,
        )

    shops = [create(), create()]
    for name, shop in zip(("alice", "bob"), shops, strict=True):
        browser = shop.browser(PHONE, signed_in=name)
        entries = browser.entries()
        for page in ("product", "home", "policy"):
            assert browser.get(entries[page]).location == shop.gateway_url(page, name, 1)

    assert [{click["member"] for click in shop.clicks} for shop in shops] == [
        {"m_7Qk2vX9rT4"},
        {"m_2bZc8LpW0s"},
    ]
    assert [len(shop.clicks) for shop in shops] == [3, 3]
