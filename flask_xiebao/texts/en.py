"""English, and the last resort of every other locale: no text may be missing here."""

TEXTS = {
    "language": "en",
    # an entry's QR code
    "qr.label": "QR code: scan it with a phone to get insured",
    # the page that sends a browser to the link that a script fetched
    "navigate.title": "Opening…",
    "navigate.open": "Not opening? Open it now",
    # the page with a QR code for the phone
    "handoff.title": "Continue on your phone",
    "handoff.how": (
        "Scan the QR code with WeChat or your phone's camera. There is no need to sign in again."
    ),
    "handoff.code": "QR code: scan it with your phone to continue",
    "handoff.minutes": "The code is valid for {count} minutes. ",
    "handoff.seconds": "The code is valid for {count} seconds. ",
    "handoff.refresh": "Get a new code",
    "handoff.private": "Whoever scans this code is signed in as you: do not share it.",
    "handoff.direct": "I am on a tablet or phone: open it here",
    # why somebody is not let through, by reason
    "notice.login_required.title": "Please sign in",
    "notice.login_required.text": "Sign in to buy insurance or view your policy.",
    "notice.login_required.elsewhere": "Sign in on the site, then open this link again.",
    "notice.another_member.title": "This link belongs to another member",
    "notice.another_member.text": (
        "You are signed in to a different account. Sign out, sign in to the account that the link"
        " belongs to, then open the link again."
    ),
    "notice.not_allowed.title": "You cannot open this link",
    "notice.not_allowed.text": (
        "Your account is not allowed to use it. If you think that this is a mistake, please contact"
        " customer service."
    ),
    "notice.invalid_link.title": "This link does not work",
    "notice.invalid_link.text": (
        "It may be incomplete or have been altered. Please start again from the site."
    ),
    "notice.disabled.title": "Insurance is not available right now",
    "notice.disabled.text": "Please try this link again later.",
    "notice.expired.title": "This link has expired",
    "notice.expired.text": (
        "To protect your account, it was valid for a limited time only. Sign in to continue, or ask"
        " for a new link."
    ),
    "notice.expired.elsewhere": (
        "To protect your account, it was valid for a limited time only. Sign in on the site and"
        " open it again, or ask for a new link."
    ),
    "notice.login": "Sign in",
    "notice.start": "Back to the home page",
    # the simulator of the gateway
    "simulator.title": "Xiebao gateway simulator (sells no insurance)",
    "simulator.heading": "Xiebao gateway simulator",
    "simulator.what": (
        "This is not Xiebao. It sells no insurance and takes no money: it checks requests against"
        " the interface document, and tells the site of purchases as Xiebao would."
    ),
    "simulator.accepted": "Accepted: {page}",
    "simulator.refused": "Refused: {page}",
    "simulator.received": (
        "Parameters received (only the first and last two characters of sign are shown)"
    ),
    "simulator.parameter": "Parameter",
    "simulator.value": "Value",
    "simulator.meaning": "Meaning",
    "simulator.platform": "{meaning}: {value} = {platform}",
    "simulator.nothing": "No parameters",
    "simulator.abandoned": "You left without buying: there is no order.",
    "simulator.buy": "Buy:",
    "simulator.paid": "Payment succeeds",
    "simulator.failed": "Payment fails",
    "simulator.abandon": "Leave without buying",
    "simulator.manner": "How to notify the site",
    "simulator.times": "Send each notification",
    "simulator.times.1": "once",
    "simulator.times.2": "twice",
    "simulator.times.3": "three times",
    "simulator.backwards": "In reverse order",
    "simulator.late": "Hold back until “Notify the site again”",
    "simulator.forged": "Before each, send one with a wrong sign",
    "simulator.no_url": "This simulator has no notify_url, so the site is not notified.",
    "simulator.order": "Order",
    "simulator.state": "Status",
    "simulator.state.unpaid": "Not paid",
    "simulator.state.issued": "Issued, in force",
    "simulator.state.surrendered": "Surrendered",
    "simulator.number": "Application number",
    "simulator.policy": "Policy number",
    "simulator.product": "Product",
    "simulator.dates": "Cover",
    "simulator.price": "Premium",
    "simulator.pay": "Pay",
    "simulator.surrender": "Surrender",
    "simulator.again": "Notify the site again",
    "simulator.messages": "Notifications to the site",
    "simulator.kind": "Notification",
    "simulator.kind.1": "application",
    "simulator.kind.2": "payment",
    "simulator.kind.3": "issue",
    "simulator.kind.4": "surrender",
    "simulator.kind.9": "policy file",
    "simulator.forged_one": "wrong sign",
    "simulator.step_failed": "failed",
    "simulator.sent": "Sent, with retries",
    "simulator.count": "{count}×",
    "simulator.answer": "Site's answer",
    "simulator.not_sent": "not sent yet",
    "simulator.unreachable": "Not reachable ({why})",
    "simulator.no_order": (
        "The link is fine, but the simulator has no order with the number {number}: it knows only"
        " those that were bought on it."
    ),
    "simulator.back": "Back to the site",
    "simulator.file": "This is no real policy. Its number here is {policy}.\n",
    # what the document's parameters are
    "meaning.partnerId": "the partner's account at Xiebao",
    "meaning.subPartnerId": "the partner's sub-account, empty for none",
    "meaning.partnerUniqKey": "the member, by their id at the partner",
    "meaning.platform": "where the page is shown",
    "meaning.paySuccess": "the standard base64 of the http(s) URL to go to after payment",
    "meaning.sign": "md5(apiKey + partnerId), 32 lower-case hex digits",
    "meaning.unknown": "a parameter that is not in the document",
    # in lists
    "list.comma": ", ",
    "list.platform": "{code} ({platform})",
    # what is wrong with a URL
    "problem.page": "The gateway has no page {value}: its pages are {pages}.",
    "problem.address": (
        "The address is not valid: it must begin with https:// or http://, and what is not ASCII"
        " must be percent-encoded."
    ),
    "problem.missing": "{parameter} is missing: section {section} requires it. It is {meaning}.",
    "problem.spaces": (
        "'{parameter}' has a stray space, a mistake in the examples of 2.1: write {value}."
    ),
    "problem.misspelt": "'{parameter}' is not a parameter: write {value}.",
    "problem.unknown": (
        "{parameter} is not a parameter of section {section}: leave it out or, if Xiebao told you"
        " of it, name it in XIEBAO_EXTRA (of a simulator, in also_known)."
    ),
    "problem.repeated": "{parameter} appears {value} times: send it once.",
    "problem.escapes": "{parameter} is not percent-encoded as UTF-8: encode it.",
    "problem.empty": "{parameter} is empty: it is {meaning}.",
    "problem.partner": "partnerId is another account's: it must be {value}.",
    "problem.sign": (
        "sign={value} is not made with the key of this account and environment: it must be"
        " md5(apiKey + partnerId), 32 lower-case hex digits."
    ),
    "problem.sign_shape": (
        "sign={value} has the wrong shape: it must be md5(apiKey + partnerId), 32 lower-case hex"
        " digits."
    ),
    "problem.sign_example": (
        "sign={value} has the shape of the examples in 2.1, base64 of eleven hex digits and then"
        " the partner id, and is wrong like them: it must be md5(apiKey + partnerId), 32 lower-case"
        " hex digits."
    ),
    "problem.platform": "platform={value} is refused: section {section} accepts {platforms}.",
    "problem.no_pc": (
        "platform={value} is refused: section {section} accepts {platforms}, and no PC at present."
    ),
    "problem.pay_success_plus": (
        "paySuccess is not standard base64: a + in it must be sent as %2B."
    ),
    "problem.pay_success_url_safe": (
        "paySuccess is URL-safe base64: it must be standard base64, with + and / for - and _."
    ),
    "problem.pay_success_star": (
        "paySuccess is not standard base64: the * in the examples of 2.3 is only a placeholder."
    ),
    "problem.pay_success_base64": (
        "paySuccess is not standard base64: encode the URL, and keep the = at the end."
    ),
    "problem.pay_success_url": (
        "paySuccess is not the base64 of an absolute http:// or https:// URL, in UTF-8 and without"
        " white space."
    ),
}
