"""The gateway's pages: section 二 of the interface document as one table.

To add a page of the gateway, add its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..errors import GatewayError
from .platforms import Platform
from .values import shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One row of the document: a page of the gateway.

    :param name: what links, macros and endpoints call it.
    :param section: where the document describes it.
    :param path: where the page is on the gateway's host.
    :param reference: the parameter that says which product or policy is meant, if any.
    :param parameters: every parameter the page takes, in the order of the document's examples.
    :param required: those of them that the caller has to give.
    :param platforms: the platforms that the page serves.
    :param members_own: what the page shows belongs to one member: its links say whose they are, by
        default the current member's.
    :param label: what a button says, by locale.
    :param on_phone: the title of the page with the QR code that a PC gets where the gateway has no
        page for PCs, by locale.
    :param sample: a reference as real ones are, for checks and examples.
    """

    name: str
    section: str
    path: str
    parameters: tuple[str, ...]
    required: frozenset[str]
    platforms: frozenset[Platform]
    label: Mapping[str, str]
    reference: str | None = None
    sample: str | None = None
    members_own: bool = False
    on_phone: Mapping[str, str] = field(default_factory=dict)


_EVERYWHERE = frozenset(Platform)
_NO_PC_AT_PRESENT = _EVERYWHERE - {Platform.PC}

# Only 2.2 of the document describes ``paySuccess`` and 2.3 shows it in an example; integrations of
# the same gateway family send it on the product page too, where a shop needs it most.
_ROWS = (
    Page(
        name="product",
        section="2.1",
        path="/dispatch/cps",
        reference="caseCode",
        parameters=(
            *("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey"),
            *("platform", "paySuccess"),
        ),
        required=frozenset({"caseCode", "partnerUniqKey"}),
        platforms=_EVERYWHERE,
        label={"zh": "我要投保", "en": "Get insured"},
        sample="QX000000127257",
    ),
    Page(
        name="home",
        section="2.2",
        path="/dispatch/cps/index",
        parameters=(
            *("partnerId", "subPartnerId", "sign", "partnerUniqKey", "platform", "paySuccess"),
        ),
        required=frozenset({"partnerUniqKey"}),
        platforms=_NO_PC_AT_PRESENT,
        label={"zh": "保险商城", "en": "Insurance shop"},
        on_phone={"zh": "用手机打开保险商城", "en": "Open the insurance shop on your phone"},
    ),
    Page(
        name="policy",
        section="2.3",
        path="/dispatch/cps/insureDetail",
        reference="insureNum",
        parameters=(
            *("partnerId", "insureNum", "sign", "partnerUniqKey", "platform", "paySuccess"),
        ),
        required=frozenset({"insureNum"}),
        platforms=_NO_PC_AT_PRESENT,
        members_own=True,
        label={"zh": "查看保单", "en": "View policy"},
        on_phone={"zh": "用手机查看保单", "en": "View your policy on your phone"},
        sample="20190226020146",
    ),
)

#: The gateway's pages by name.
PAGES: Mapping[str, Page] = MappingProxyType({row.name: row for row in _ROWS})


def page_named(name: object, make_error: Callable[..., Exception] = GatewayError) -> Page:
    """Return the row of :data:`PAGES` with this name.

    :param make_error: makes the error that is raised when there is none.
    """
    page = PAGES.get(name) if isinstance(name, str) else None
    if page is None:
        raise make_error(
            f"{shown(name)} is not a gateway page. Use one of {', '.join(map(repr, PAGES))}.",
            "page",
        )
    return page
