"""The rows of the matrix: what is clicked, by whom, and what should come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from flask_xiebao import Entry, Xiebao
from flask_xiebao.testing import link_to

from .clicks import ENDS
from .shop import CASE_CODE, MEMBERS

HERSELF, _OTHER = MEMBERS
_NUMBER = MEMBERS[HERSELF]["policies"][0]
REFERENCES = {"product": CASE_CODE, "home": None, "policy": _NUMBER}


def make_link(page: str, reference: str | None, **options: Any) -> str:
    """Return the link to an entry of *page*."""
    xiebao: Xiebao = current_app.extensions["xiebao"]
    return xiebao.link(page, reference, **options)


def _made_long_ago(link: str, row: Row) -> str:
    """Return the link of *row* as it would be had it been made in 1970, for one second."""
    return link_to(Entry(row.page, REFERENCES[row.page], HERSELF, max_age=1, signed_at=0))


def _tampered(link: str, row: Row) -> str:
    before, _, token = link.rpartition("/")
    return f"{before}/{'B' if token[0] == 'A' else 'A'}{token[1:]}"


def _of_another_page(link: str, row: Row) -> str:
    product = make_link("product", CASE_CODE, member=HERSELF)
    return f"{link.rpartition('/')[0]}/{product.rpartition('/')[2]}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A way to make a link and to click it.

    :param name: what URLs of the console call it.
    :param visitor: the member who is signed in, if any.
    :param options: the keywords of the link.
    :param spoil: what is done to the link before the click.
    :param headers: what the browser sends beside its device's headers.
    :param ends: what should come of it: a key of :data:`ENDS`.
    :param sends: parameters that the gateway should receive beside the usual ones.
    """

    name: str
    page: str
    title: str
    visitor: str | None = HERSELF
    options: Mapping[str, Any] = field(default_factory=dict)
    spoil: Callable[[str, Row], str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: str = "gateway"
    sends: Mapping[str, str] = field(default_factory=dict)

    def link(self) -> str:
        """Return the link that is clicked."""
        link = make_link(self.page, REFERENCES[self.page], **self.options)
        return self.spoil(link, self) if self.spoil and link else link

    def should(self) -> str:
        """Say what should come of it, on whatever device."""
        what = ENDS[self.ends].should
        if self.ends == "gateway" and self.page != "product" and "platform" not in self.options:
            what += "，电脑出二维码"
        return what


_BEARER = {"member": HERSELF, "max_age": 3600}
_OWN = {"member": HERSELF}
_BACK = {"return_to": "/insured"}

ROWS = {
    row.name: row
    for row in (
        Row(name="product", page="product", title="产品"),
        Row(
            name="product-visitor", page="product", title="产品，未登录", visitor=None, ends="login"
        ),
        Row(
            name="product-h5",
            page="product",
            title="产品，指定 H5",
            options={"platform": "h5"},
        ),
        Row(
            name="product-sub",
            page="product",
            title="产品，渠道子账号",
            options={"sub_partner_id": "branch-7"},
            sends={"subPartnerId": "branch-7"},
        ),
        Row(name="product-return", page="product", title="产品，支付后返回", options=_BACK),
        Row(
            name="product-bearer",
            page="product",
            title="产品，限时链接",
            options=_BEARER,
            visitor=None,
        ),
        Row(
            name="product-expired",
            page="product",
            title="产品，限时链接已过期",
            options=_BEARER,
            visitor=None,
            spoil=_made_long_ago,
            ends="expired",
        ),
        Row(
            name="product-other",
            page="product",
            title="产品，别人的链接",
            options=_OWN,
            visitor=_OTHER,
            ends="another_member",
        ),
        Row(
            name="product-tampered",
            page="product",
            title="产品，链接被改动",
            spoil=_tampered,
            ends="invalid_link",
        ),
        Row(
            name="product-prefetch",
            page="product",
            title="产品，浏览器预取",
            headers={"Sec-Purpose": "prefetch"},
            ends="prefetch",
        ),
        Row(name="home", page="home", title="商城"),
        Row(name="home-visitor", page="home", title="商城，未登录", visitor=None, ends="login"),
        Row(name="home-h5", page="home", title="商城，指定 H5", options={"platform": "h5"}),
        Row(
            name="home-bearer",
            page="home",
            title="商城，限时链接",
            options=_BEARER,
            visitor=None,
        ),
        Row(name="policy", page="policy", title="保单", options=_OWN),
        Row(
            name="policy-visitor",
            page="policy",
            title="保单，未登录",
            options=_OWN,
            visitor=None,
            ends="login",
        ),
        Row(
            name="policy-return", page="policy", title="保单，支付后返回", options={**_OWN, **_BACK}
        ),
        Row(
            name="policy-other",
            page="policy",
            title="保单，别人的链接",
            options=_OWN,
            visitor=_OTHER,
            ends="another_member",
        ),
        Row(
            name="policy-expired",
            page="policy",
            title="保单，限时链接已过期",
            options=_BEARER,
            visitor=None,
            spoil=_made_long_ago,
            ends="expired",
        ),
        Row(
            name="policy-swapped",
            page="policy",
            title="保单，换上产品的链接",
            options=_OWN,
            spoil=_of_another_page,
            ends="invalid_link",
        ),
    )
}
