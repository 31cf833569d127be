"""The names that other libraries use for a keyword of the macros.

Without this table, such a keyword would silently become an HTML attribute.
"""

from __future__ import annotations

from collections.abc import Mapping

# In these tables, each row has the replacement and the names that other libraries use for it. The
# names have no underscores. Names that HTML defines for links, such as "title", must not be here.
_BUTTON_NAMES: Mapping[str, str] = {
    '"outline", "borderless" or "pill"': "variant appearance kind",
    '"outline"': "ghost plain hairline",
    '"borderless"': "textonly flat borderlessbutton",
    '"pill"': "round rounded capsule",
    'size="small"': "small mini tiny",
    'size="large"': "large big",
    "a {% call %} block with the icon": "icon lefticon righticon iconleft iconright prefixicon",
}
_BUTTON_OR_CARD_NAMES: Mapping[str, str] = {
    '"block"': "fullwidth fluid expand wide",
    '"disabled"': "soldout unavailable",
    'aria_busy="true"': "loading busy",
    'the token "--xiebao-accent"': "danger color colour bgcolor background",
    'the token "--xiebao-radius"': "radius corner corners borderradius",
    'the token "--xiebao-padding"': "padding",
    'the token "--xiebao-shadow"': "shadow elevation",
    "data_xiebao_theme": "theme dark darkmode",
}
_CARD_NAMES: Mapping[str, str] = {
    '"text"': "desc description subtitle summary",
    '"price"': "amount cost unit",
    '"price_top"': "priceposition priceplacement pricealign",
    'the token "--xiebao-title-lines"': "titlelines lines maxlines",
    '"old_price"': "originalprice originprice compareatprice listprice marketprice wasprice",
    '"badge"': "tag ribbon",
    '"image"': "thumb thumbnail img picture cover imageurl",
    '"action"': "button buttontext btntext buttonlabel cta",
    '"insurer"': "company underwriter provider",
    '"terms_url"': "terms termslink termshref notice",
    '"covers"': "coverage coverages benefits guarantees",
    '"insured"': "purchased bought policyno policynumber policyid",
    '"stacked"': "vertical",
    "a {% call %} block": "rating stars score tags footer extra",
}
_LINK_NAMES: Mapping[str, str] = {
    '"return_to"': "returnurl redirecturl redirecturi backurl callbackurl successurl nexturl next"
    " paysuccess",
    '"member"': "memberid user userid uid customer customerid partneruniqkey",
    '"no_login_for"': "expires expiresin ttl validfor lifetime",
    '"client_reference"': "clientref order orderid orderno ordernumber",
    '"sub_partner_id"': "subaccount subpartner channel channelid",
    '"platform"': "device terminal",
    '"external"': "absolute fullurl",
}

#: The values that the keyword "type" has in other libraries. In HTML, the value is a MIME type.
FOREIGN_TYPES = frozenset(
    ("default", "primary", "secondary", "success", "warning", "danger", "info", "text", "link")
)


def _get_replacements(*tables: Mapping[str, str]) -> dict[str, str]:
    """Return the replacement of each name in the tables."""
    return {
        name: replacement
        for table in tables
        for replacement, names in table.items()
        for name in names.split()
    }


#: The names of other libraries that each kind of macro rejects, with their replacements.
FOREIGN_LINK_KEYWORDS = _get_replacements(_LINK_NAMES)
FOREIGN_MAIL_KEYWORDS = {
    **FOREIGN_LINK_KEYWORDS,
    **_get_replacements({'"accent"': "color colour bgcolor background"}),
}
FOREIGN_ENTRY_KEYWORDS = _get_replacements(
    _BUTTON_NAMES, _BUTTON_OR_CARD_NAMES, _CARD_NAMES, _LINK_NAMES
)
FOREIGN_CARD_KEYWORDS = {
    **FOREIGN_ENTRY_KEYWORDS,
    **dict.fromkeys(_get_replacements(_BUTTON_NAMES), "insurance_entry"),
    "icon": '"image"',
}
