"""The table of gateway pages, from section 2 (二) of Xiebao's interface document.

To support another gateway page, add a row to the table, and a row to ``PAGE_SPECS`` in
:mod:`.simulator.document`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..errors import GatewayError
from .platforms import Platform
from .values import format_short_repr


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayPage:
    """A gateway page and its URL parameters, as Xiebao's interface document describes them.

    :param name: The name of the page in links, macros and endpoints.
    :param document_section: The section of the document that describes the page.
    :param path: The path of the page on the gateway's host.
    :param parameters: All parameters of the page, in the order of the document's examples.
    :param required_parameters: The parameters that the caller must pass.
    :param platforms: The platforms that the page supports.
    :param button_label: The text of an entry's button, by locale.
    :param reference_parameter_name: The name of the parameter for the product or policy, or None.
    :param sample_reference: A realistic reference for checks and examples, or None.
    :param requires_member: True if the page shows the data of one member. A link to the page then
        belongs to a member, by default the current one.
    :param sells_insurance: True if a click on the page can lead to a purchase. Such clicks can be
        stored in the site's database.
    :param handoff_title: The title of the handoff page, by locale. If it is empty, the title is
        the text ``handoff.title``. A page with a PC version has no handoff.
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
    sells_insurance: bool = False
    handoff_title: Mapping[str, str] = field(default_factory=dict)


_ALL_PLATFORMS = frozenset(Platform)
_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS - {Platform.PC}

# Each page has the parameter paySuccess, the URL to return to after payment. Xiebao's interface
# document describes the parameter only for the home page (section 2.2), and shows it in an example
# for the policy page (section 2.3). Other clients of similar gateways also send it to the product
# page, where a shop needs it most.
_GATEWAY_PAGES = (
    GatewayPage(
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
        sells_insurance=True,
        sample_reference="QX000000127257",
    ),
    GatewayPage(
        name="home",
        document_section="2.2",
        path="/dispatch/cps/index",
        parameters=(
            *("partnerId", "subPartnerId", "sign", "partnerUniqKey", "platform", "paySuccess"),
        ),
        required_parameters=frozenset({"partnerUniqKey"}),
        platforms=_ALL_PLATFORMS_EXCEPT_PC,
        button_label={"zh": "保险商城", "en": "Insurance shop"},
        sells_insurance=True,
        handoff_title={"zh": "用手机打开保险商城", "en": "Open the insurance shop on your phone"},
    ),
    GatewayPage(
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

#: A mapping of the names of the gateway pages to the pages.
PAGES: Mapping[str, GatewayPage] = MappingProxyType({page.name: page for page in _GATEWAY_PAGES})


def get_gateway_page(
    name: object, error_class: Callable[..., Exception] = GatewayError
) -> GatewayPage:
    """Return the gateway page with this name.

    :param error_class: The exception to raise if there is no such page.
    """
    page = PAGES.get(name) if isinstance(name, str) else None
    if page is None:
        raise error_class(
            f"{format_short_repr(name)} is not a gateway page. Use one of"
            f" {', '.join(map(repr, PAGES))}.",
            "page",
        )
    return page
