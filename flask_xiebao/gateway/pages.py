"""The gateway's pages: section 二 of the interface document as one table.

To add a page of the gateway, add its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..errors import GatewayError
from .platforms import Platform
from .values import format_short_repr


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
    document_section: str
    path: str
    parameters: tuple[str, ...]
    required_parameters: frozenset[str]
    platforms: frozenset[Platform]
    button_label: Mapping[str, str]
    reference_parameter_name: str | None = None
    sample_reference: str | None = None
    requires_member: bool = False
    handoff_title: Mapping[str, str] = field(default_factory=dict)


_ALL_PLATFORMS = frozenset(Platform)
_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS - {Platform.PC}

# Only 2.2 of the document describes ``paySuccess`` and 2.3 shows it in an example; integrations of
# the same gateway family send it on the product page too, where a shop needs it most.
_GATEWAY_PAGES = (
    Page(
        name="product",
        document_section="2.1",
        path="/dispatch/cps",
        reference_parameter_name="caseCode",
        parameters=(
            *("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey"),
            *("platform", "paySuccess"),
        ),
        required_parameters=frozenset({"caseCode", "partnerUniqKey"}),
        platforms=_ALL_PLATFORMS,
        button_label={"zh": "我要投保", "en": "Get insured"},
        sample_reference="QX000000127257",
    ),
    Page(
        name="home",
        document_section="2.2",
        path="/dispatch/cps/index",
        parameters=(
            *("partnerId", "subPartnerId", "sign", "partnerUniqKey", "platform", "paySuccess"),
        ),
        required_parameters=frozenset({"partnerUniqKey"}),
        platforms=_ALL_PLATFORMS_EXCEPT_PC,
        button_label={"zh": "保险商城", "en": "Insurance shop"},
        handoff_title={"zh": "用手机打开保险商城", "en": "Open the insurance shop on your phone"},
    ),
    Page(
        name="policy",
        document_section="2.3",
        path="/dispatch/cps/insureDetail",
        reference_parameter_name="insureNum",
        parameters=(
            *("partnerId", "insureNum", "sign", "partnerUniqKey", "platform", "paySuccess"),
        ),
        required_parameters=frozenset({"insureNum"}),
        platforms=_ALL_PLATFORMS_EXCEPT_PC,
        requires_member=True,
        button_label={"zh": "查看保单", "en": "View policy"},
        handoff_title={"zh": "用手机查看保单", "en": "View your policy on your phone"},
        sample_reference="20190226020146",
    ),
)

#: The gateway's pages by name.
PAGES: Mapping[str, Page] = MappingProxyType({row.name: row for row in _GATEWAY_PAGES})


def get_gateway_page(name: object, error_class: Callable[..., Exception] = GatewayError) -> Page:
    """Return the row of :data:`PAGES` with this name.

    :param make_error: makes the error that is raised when there is none.
    """
    page = PAGES.get(name) if isinstance(name, str) else None
    if page is None:
        raise error_class(
            f"{format_short_repr(name)} is not a gateway page. Use one of"
            f" {', '.join(map(repr, PAGES))}.",
            "page",
        )
    return page
