"""The names that other libraries use for a keyword of the macros.

Without this table, such a keyword would silently become an HTML attribute.
"""

from __future__ import annotations

from collections.abc import Mapping

# Each row has the replacement and the names that other libraries use for it. The names have no
# underscores. Names that HTML defines for links, such as "title", must not be in this table.
_NAMES_BY_REPLACEMENT: Mapping[str, str] = {
    # Buttons
    '"outline", "borderless" or "pill"': "variant appearance kind",
    '"outline"': "ghost plain hairline",
    '"borderless"': "textonly flat borderlessbutton",
    '"pill"': "round rounded capsule",
    '"block"': "fullwidth fluid expand wide",
    'size="small"': "small mini tiny",
    'size="large"': "large big",
    '"disabled"': "soldout unavailable",
    'aria_busy="true"': "loading busy",
    "a {% call %} block with the icon": "icon lefticon righticon iconleft iconright prefixicon",
    'the token "--xiebao-accent"': "danger color colour bgcolor background",
    'the token "--xiebao-radius"': "radius corner corners borderradius",
    'the token "--xiebao-padding"': "padding",
    'the token "--xiebao-shadow"': "shadow elevation",
    "data_xiebao_theme": "theme dark darkmode",
    # Cards
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
    # Links
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
#: What to use instead of each of these names. The names have no underscores.
FOREIGN_KEYWORDS: Mapping[str, str] = {
    name: replacement
    for replacement, names in _NAMES_BY_REPLACEMENT.items()
    for name in names.split()
}
