"""The English texts. They replace missing texts of other locales, so they must be complete."""

TEXTS = {
    "language": "en",
    # The name of the site on the extension's pages. If empty, the pages show the host.
    "site.name": "",
    # The texts of a card.
    "card.insurer": "Underwritten by {insurer}",
    "card.terms": "Terms and conditions",
    # The QR code of an entry.
    "qr.label": "QR code: scan with your phone to get insured",
    "qr.name": "QR code",
    "qr.mail": "Or scan with your phone",
    # The page that sends the browser to a link that was requested by a script.
    "navigate.title": "Opening…",
    "navigate.open": "Page not opening? Continue here",
    # The handoff page.
    "handoff.title": "Continue on your phone",
    "handoff.how": "Scan the code to continue on your phone. You stay signed in.",
    "handoff.step.open": "Open WeChat or your camera",
    "handoff.step.scan": "Scan the QR code",
    "handoff.step.go_on": "Continue on your phone",
    "handoff.code": "QR code: scan with your phone to continue",
    "handoff.minutes": "The code is valid for {count} minutes. ",
    "handoff.seconds": "The code is valid for {count} seconds. ",
    "handoff.left": "The code is valid for another {time}. ",
    "handoff.over": "The code has expired",
    "handoff.refresh": "Get a new code",
    "handoff.private": "Anyone who scans this code is signed in as you. Do not share it.",
    "handoff.direct": "On a tablet or phone? Open it here",
    # The pages for refused clicks, by reason.
    "notice.login_required.title": "Please sign in",
    "notice.login_required.text": "Sign in to buy insurance or view your policy.",
    "notice.login_required.elsewhere": "Sign in on the site, then open this link again.",
    "notice.another_member.title": "This link belongs to another member",
    "notice.another_member.text": (
        "You are signed in to a different account. To continue, switch to the account this link"
        " belongs to."
    ),
    "notice.another_member.elsewhere": (
        "You are signed in to a different account. Sign out, sign in to the account this link"
        " belongs to, then open the link again."
    ),
    "notice.not_allowed.title": "You cannot open this link",
    "notice.not_allowed.text": (
        "Your account cannot use this service. If you think this is a mistake, please contact"
        " customer service."
    ),
    "notice.invalid_link.title": "This link does not work",
    "notice.invalid_link.text": (
        "The link may be incomplete or altered. Please go to the site and open the link from there."
    ),
    "notice.disabled.title": "Insurance is not available right now",
    "notice.disabled.text": "Please try again later.",
    "notice.expired.title": "This link has expired",
    "notice.expired.text": (
        "To protect your account, the link was only valid for a limited time. Sign in to continue,"
        " or request a new link."
    ),
    "notice.expired.elsewhere": (
        "To protect your account, the link was only valid for a limited time. Sign in on the site"
        " and open this link again, or request a new link."
    ),
    "notice.login": "Sign in",
    "notice.switch": "Switch account",
    "notice.start": "Back to the home page",
    "notice.start_to_login": "Go to the site to sign in",
    # The simulator.
    "simulator.title": "Xiebao gateway simulator (no real insurance)",
    "simulator.heading": "Xiebao gateway simulator",
    "simulator.what": (
        "This page is not Xiebao. The simulator sells no insurance and takes no money. It checks"
        " requests against the interface document and notifies the site of purchases as Xiebao"
        " would."
    ),
    "simulator.accepted": "Accepted: {page}",
    "simulator.refused": "Refused: {page}",
    "simulator.received": (
        "Received parameters (only the first two and last two characters of sign are shown)"
    ),
    "simulator.parameter": "Parameter",
    "simulator.value": "Value",
    "simulator.meaning": "Meaning",
    "simulator.platform": "{meaning}: {value} = {platform}",
    "simulator.nothing": "No parameters",
    "simulator.abandoned": "You left without buying, so no order was created.",
    "simulator.buy": "Buy: {product}",
    "simulator.cover": "{start} – {end}",
    "simulator.offer": "{cover}, ¥{price}",
    "simulator.paid": "Payment succeeds",
    "simulator.failed": "Payment fails",
    "simulator.not_issued": "Issuing fails",
    "simulator.abandon": "Leave without buying",
    "simulator.manner": "How to notify the site",
    "simulator.times": "Send each notification",
    "simulator.times.1": "once",
    "simulator.times.2": "twice",
    "simulator.times.3": "three times",
    "simulator.backwards": "In reverse order",
    "simulator.late": "Notify the site only when “Notify the site again” is clicked",
    "simulator.forged": "Before each notification, send one with a wrong signature",
    "simulator.no_url": (
        "The site is not notified, because the app has no notification_handler and the simulator"
        " has no notify_url."
    ),
    "simulator.order": "Order",
    "simulator.state": "Status",
    "simulator.state.unpaid": "Not paid",
    "simulator.state.paid": "Paid, not issued",
    "simulator.state.issued": "Issued, in force",
    "simulator.state.surrendered": "Surrendered",
    "simulator.number": "Application number",
    "simulator.policy": "Policy number",
    "simulator.product": "Product",
    "simulator.dates": "Cover",
    "simulator.price": "Premium",
    "simulator.pay": "Pay",
    "simulator.issue": "Issue",
    "simulator.surrender": "Surrender",
    "simulator.reissue": "Surrender and reissue",
    "simulator.again": "Notify the site again",
    "simulator.messages": "Notifications to the site",
    "simulator.kind": "Notification",
    "simulator.kind.1": "application",
    "simulator.kind.2": "payment",
    "simulator.kind.3": "issue",
    "simulator.kind.4": "surrender",
    "simulator.kind.5": "reissue",
    "simulator.kind.9": "policy file",
    "simulator.forged_one": "wrong signature",
    "simulator.step_failed": "failed",
    "simulator.sent": "Times sent, including retries",
    "simulator.count": "{count}×",
    "simulator.answer": "Site's response",
    "simulator.not_sent": "not sent yet",
    "simulator.unreachable": "Not reachable ({why})",
    "simulator.no_order": (
        "The URL is valid, but the simulator has no order with the number {number}. The simulator"
        " has only orders that were placed in the simulator."
    ),
    "simulator.back": "Back to the site",
    "simulator.file": "This is not a real policy. The simulated policy number is {policy}.\n",
    # The meanings of the interface document's parameters.
    "meaning.partnerId": "the partner's account at Xiebao",
    "meaning.subPartnerId": "the partner's sub-account, empty if there is none",
    "meaning.partnerUniqKey": "the partner's unique id for the member",
    "meaning.platform": "the platform for which the page is shown",
    "meaning.paySuccess": "the http(s) URL to return to after payment, in standard base64",
    "meaning.sign": "md5(apiKey + partnerId), 32 lower-case hex digits",
    "meaning.unknown": "a parameter that the interface document does not contain",
    # The parts of lists.
    "list.comma": ", ",
    "list.sentences": "{first} {then}",
    "list.platform": "{code} ({platform})",
    # The problems of a gateway URL.
    "problem.page": 'The gateway has no page "{value}". Use one of {pages}.',
    "problem.address": (
        'The URL is not valid. Begin the URL with "https://" or "http://", and percent-encode all'
        " non-ASCII characters."
    ),
    "problem.missing": (
        '"{parameter}" is missing, but section {section} of the interface document requires this'
        " parameter. Add the parameter ({meaning})."
    ),
    "problem.spaces": (
        'The parameter name "{parameter}" has leading or trailing whitespace, as in the examples in'
        ' section 2.1 of the interface document. Write "{value}".'
    ),
    "problem.html": (
        'Before "{value}", the URL contains the HTML entity "&amp;" instead of "&", so the'
        ' parameter is named "{parameter}". Copy the URL from the address bar, not from HTML'
        " source."
    ),
    "problem.misspelt": 'The parameter name "{parameter}" is misspelled. Write "{value}".',
    "problem.unknown": (
        'Section {section} of the interface document does not define the parameter "{parameter}".'
        " Remove this parameter or, if Xiebao told you to send it, add it to XIEBAO_EXTRA (for a"
        ' simulator, to the argument "also_known").'
    ),
    "problem.repeated": '"{parameter}" appears {value} times. Send this parameter once.',
    "problem.space": (
        '"{parameter}" contains a space or a line break. Remove it, or write a space as "%20".'
    ),
    "problem.escapes": (
        '"{parameter}" is not percent-encoded as UTF-8. Percent-encode this parameter.'
    ),
    "problem.empty": '"{parameter}" is empty. Provide a value ({meaning}).',
    "problem.partner": 'partnerId is the id of another account. Use the partnerId "{value}".',
    "problem.sign": (
        'The signature "{value}" (parameter "sign") was not made with the API key of this account'
        " and environment. Use md5(apiKey + partnerId) as 32 lower-case hex digits."
    ),
    "problem.sign_shape": (
        'The signature "{value}" (parameter "sign") has the wrong format. Use md5(apiKey +'
        " partnerId) as 32 lower-case hex digits."
    ),
    "problem.sign_is_key": (
        'The parameter "sign" looks like an API key, as in the examples in section 2.1 of the'
        " interface document. Send md5(apiKey + partnerId) as 32 lower-case hex digits instead."
        " Anyone who saw this URL may know the key, so tell the owner of the key to ask Xiebao for"
        " a new key."
    ),
    "problem.host": (
        "{value} is not a host of Xiebao's gateway, although the name is similar. Use"
        " api.xiebao18.com or, for tests, testapi.xiebao18.com."
    ),
    "problem.scheme": (
        'The URL begins with "http://", so anyone on the network path can read the signature'
        ' (parameter "sign"). Begin the URL with "https://".'
    ),
    "problem.port": "Xiebao's gateway does not use port {value}. Remove the port.",
    "problem.platform": (
        "The page in section {section} of the interface document does not support the platform"
        ' "{value}". Use one of {platforms}.'
    ),
    "problem.no_pc": (
        "The page in section {section} of the interface document has no PC version (platform"
        ' "{value}") at present. Use one of {platforms}.'
    ),
    "problem.pay_success_plus": (
        'paySuccess contains a space, so it is not standard base64. Send "+" as "%2B", because a'
        ' "+" in a query string means a space.'
    ),
    "problem.pay_success_url_safe": (
        'paySuccess is URL-safe base64. Use standard base64, with "+" and "/" instead of "-" and'
        ' "_".'
    ),
    "problem.pay_success_star": (
        'paySuccess is not standard base64. Send the encoded URL instead of the placeholder "*"'
        " from the examples in section 2.3 of the interface document."
    ),
    "problem.pay_success_base64": (
        'paySuccess is not standard base64. Encode the URL with standard base64, including the "="'
        " padding at the end."
    ),
    "problem.pay_success_url": (
        "paySuccess must be the base64 of an absolute http:// or https:// URL, in UTF-8 and without"
        " whitespace."
    ),
    "problem.user": (
        "The URL has a user name before the host {value}, which may mislead readers. Remove the"
        " user name."
    ),
    # The names of the check's cases. Each consists of a gateway page and one of the texts below.
    "check.case": "{page}: {what}",
    "check.case.plain": "click by a logged-in member",
    "check.case.visitor": "click by an anonymous visitor",
    "check.case.own": "the member's own link",
    "check.case.own-visitor": "a member's link, clicked by an anonymous visitor",
    "check.case.platform-h5": 'link with platform="h5"',
    "check.case.platform-pc": 'link with platform="pc"',
    "check.case.platform-ios": 'link with platform="ios"',
    "check.case.platform-android": 'link with platform="android"',
    "check.case.asked-h5": 'link with "?platform=h5" appended',
    "check.case.asked-pc": 'link with "?platform=pc" appended',
    "check.case.asked-ios": 'link with "?platform=ios" appended',
    "check.case.asked-android": 'link with "?platform=android" appended',
    "check.case.asked-nonsense": 'link with "?platform=" and an unknown platform appended',
    "check.case.platform-over-asked": 'link with platform="android", with "?platform=h5" appended',
    "check.case.awkward": "reference with characters that must be escaped in a URL",
    "check.case.client-reference": "link with client_reference",
    "check.case.sub-partner": "link with sub_partner_id",
    "check.case.return": "link with return_to, including the return to the site after payment",
    "check.case.bearer": "link that needs no login for one hour, clicked by an anonymous visitor",
    "check.case.expired": "expired link, clicked by an anonymous visitor",
    "check.case.expired-own": "the member's own expired link",
    "check.case.another": "another member's link, clicked by a logged-in member",
    "check.case.another-json": "another member's link, requested as JSON by a logged-in member",
    "check.case.another-bearer": (
        "another member's link that needs no login for one hour, clicked by a logged-in member"
    ),
    "check.case.changed": "link with a changed signature",
    "check.case.htmx": "link requested by HTMX",
    "check.case.turbo": "link requested by Turbo",
    "check.case.turbo-frame": "link requested by a Turbo frame",
    "check.case.turbo-prefetch": "link prefetched by Turbo",
    "check.case.fetch": "link requested by a script",
    "check.case.image": "link loaded as an image",
    "check.case.told-to-go": (
        'link with "?go=1" appended, opened by the page that is returned to scripts such as HTMX'
    ),
    "check.case.guard": "click refused by a click_guard",
    "check.case.head": "HEAD request, which does not count as a click",
    "check.case.off": "click by a logged-in member while XIEBAO_ENABLED is off",
    "check.case.off-visitor": "click by an anonymous visitor while XIEBAO_ENABLED is off",
    "check.case.loader": (
        "click by an anonymous visitor, where the site itself determines who is logged in"
    ),
    "check.case.visitor-asked": (
        'link with "?platform=h5" appended, clicked by an anonymous visitor'
    ),
    "check.case.sub-partner-none": 'link with sub_partner_id="", which overrides the setting',
    "check.case.return-long": "link with a long return_to",
    "check.case.changed-json": "link with a changed signature, requested as JSON",
    "check.case.address": "the site's own address",
    "check.case.environment": "the environment",
    "check.case.settings": "the settings",
    # The expected outcomes of the cases.
    "check.ends.gateway": "302, redirect to the gateway",
    "check.ends.handoff": "200, page with a QR code for the phone",
    "check.ends.login": "redirect to the login page, which leads back to the link",
    "check.ends.another_member": "403, because the link belongs to another member",
    "check.ends.not_allowed": "403, because click_guard refuses the click",
    "check.ends.invalid_link": "404, with a response that does not say why the link is invalid",
    "check.ends.expired": "410, because the link has expired and the member must log in",
    "check.ends.login_required": "401, because the site has no login page",
    "check.ends.disabled": "404, because XIEBAO_ENABLED is off",
    "check.ends.navigate": "200, page that sends the browser to the link",
    "check.ends.back": "302, redirect back to the site",
    "check.ends.page": "page with entries",
    "check.ends.gateway_or_handoff": (
        "302, redirect to the gateway (on a PC, 200 and a page with a QR code)"
    ),
    "check.ends.loader": "any response except an error",
    "check.ends.address": "response from Flask-Xiebao",
    "check.ends.environment": "the environment given by --expect-env",
    "check.ends.settings": "unchanged since Flask-Xiebao was initialized",
    # The explanations of failures, with instructions.
    "check.failure": "{means} Actual: {came}. Expected: {should}.",
    "check.means": (
        "The response differs from the expected one. Find the site's code that changes the"
        " response."
    ),
    "check.means.aborts": (
        'The site\'s code called abort() at the place shown after "Actual". Return None from the'
        " member_loader if no member is logged in, because Flask-Xiebao itself redirects to the"
        " login page."
    ),
    "check.means.crash": 'The request raised an exception. Fix the cause shown after "Actual".',
    "check.means.crash.library": (
        "A library raised an exception, and the traceback contains no line of the site. Find the"
        " site's code that passed the wrong value to the library."
    ),
    "check.means.unreached.mounted": (
        "Requests below XIEBAO_URL_PREFIX reach another app, because DispatcherMiddleware mounts"
        ' that app at "{mount}". Change XIEBAO_URL_PREFIX.'
    ),
    "check.means.unreached.below": (
        "A URL that the site gives to others, such as a link in an email, gets status {status},"
        ' because DispatcherMiddleware mounts the site at "{mount}". Set XIEBAO_PUBLIC_URL to a URL'
        ' that ends with "{mount}".'
    ),
    "check.means.unreached.outside": (
        "A middleware around app.wsgi_app, or the site's subclass of Flask, returned status"
        " {status} before Flask looked for a view. Let requests below XIEBAO_URL_PREFIX through to"
        " Flask."
    ),
    "check.means.unreached.nowhere": (
        "A middleware around app.wsgi_app, or the site's subclass of Flask, returned status"
        " {status} before Flask looked for a view. Let requests below XIEBAO_URL_PREFIX through to"
        " Flask. If the middleware mounts the site below a path, set XIEBAO_PUBLIC_URL to a URL"
        " that ends with that path."
    ),
    "check.means.unreached.no_view": (
        'Flask found no view for the links on host "{host}" and returned status {status}. Check'
        " that SERVER_NAME and TRUSTED_HOSTS accept this host."
    ),
    "check.means.unreached.view": (
        'The endpoint "{endpoint}" handles the links instead of Flask-Xiebao\'s view. Change'
        " XIEBAO_URL_PREFIX to a path that no other view uses."
    ),
    "check.means.unreached.limiter": (
        'A rate limiter returned status {status} for a click on host "{host}" before the link was'
        " read. Allow more requests, exempt the entries with"
        ' `limiter.exempt(app.blueprints["xiebao"])`, or exempt only the requests of the check and'
        " the doctor with `limiter.request_filter(is_rehearsal)`."
    ),
    "check.means.unreached.wall": (
        'A click on host "{host}" got status {status} before the link was read, perhaps from a hook'
        " such as a login wall, a CSRF guard or a check of the host. Add `if request.blueprint =="
        ' "xiebao": return` to the start of the hook, because Flask-Xiebao checks each click'
        " itself. If the hook also sets the current member, add the line after the code that sets"
        ' the member. If the site is not on "{host}", set XIEBAO_PUBLIC_URL.'
    ),
    "check.means.unreached.hook": (
        'A click on host "{host}" got status {status} before the link was read, from one of the'
        " site's hooks or from the site's error handler for an exception in a hook. Add `if"
        ' request.blueprint == "xiebao": return` to the start of the hook, because Flask-Xiebao'
        " checks each click itself."
    ),
    "check.means.unreached.sent": (
        'A click is redirected to "{to}" before the link is read, perhaps by a hook such as a login'
        ' wall. Add `if request.blueprint == "xiebao": return` to the start of the hook, because'
        " Flask-Xiebao checks each click itself. If the hook also sets the current member, add the"
        " line after the code that sets the member."
    ),
    "check.means.unreached.host": (
        'Every click is redirected to "{to}". Set XIEBAO_PUBLIC_URL to the URL of the site.'
    ),
    "check.means.unreached.elsewhere": (
        'Some browsers are redirected to "{to}" before the link is read. Add `if request.blueprint'
        ' == "xiebao": return` to the start of the hook that redirects browsers, because the'
        " entries have a page for every device."
    ),
    "check.means.unreached.form": (
        "A click is first redirected to another URL of the same link, for example one with a"
        " language prefix, so the browser must send a second request. Add `if request.blueprint =="
        ' "xiebao": return` to the start of the hook that redirects the click, because Flask-Xiebao'
        " checks each click itself."
    ),
    "check.means.unreached.path": (
        "A link was refused because the path of the link was changed on the way. Exclude the paths"
        " below XIEBAO_URL_PREFIX in the middleware around app.wsgi_app that changes paths."
    ),
    "check.means.unknown_address": (
        "The site does not know its own address, so in production payments do not return to the"
        " site, and links for emails and QR codes cannot be made. Set XIEBAO_PUBLIC_URL."
    ),
    "check.means.page.elsewhere": (
        "The page redirects every device to another host. Choose a page on the host of the site, or"
        " set XIEBAO_PUBLIC_URL to the URL of the site."
    ),
    "check.means.page.429": (
        "A rate limiter refused the requests of the check. Exempt the check and the doctor with"
        " `limiter.request_filter(is_rehearsal)`."
    ),
    "check.means.page.another_key": (
        "This site did not sign the link on the page. Check whether the link is written by hand,"
        " comes from another site or is older than a change of SECRET_KEY."
    ),
    "check.means.status": (
        "The status is wrong, so browsers and visitors misread the response. Look for a hook"
        " (after_request, errorhandler) or a middleware that changes statuses."
    ),
    "check.means.status.200": (
        "A page was returned where a redirect or a refusal was expected. Leave the responses of the"
        ' blueprint "xiebao" unchanged. If Flask-DebugToolbar is installed, set'
        " DEBUG_TB_INTERCEPT_REDIRECTS to False."
    ),
    "check.means.status.301": (
        'Browsers cache a permanent redirect with the "sign" parameter and the member in it, so the'
        " next member on the same device continues as the first member. Leave the status at 302."
    ),
    "check.means.status.302": (
        "The click was redirected where a page or a refusal was expected. Find the site's code that"
        " changes the request or the response."
    ),
    "check.means.status.308": (
        'Browsers cache a permanent redirect with the "sign" parameter and the member in it. Leave'
        " the status at 302."
    ),
    "check.means.status.404": (
        "The response is a 404, as if the link were refused or did not exist. Look for a hook, an"
        " errorhandler or a middleware that turns the response into a 404."
    ),
    "check.means.status.500": "The site returned status 500. Read the site's log for the cause.",
    "check.means.status.303": (
        "The status of the redirect was changed. Look for a hook or a middleware that changes"
        " redirects, and leave the status at 302."
    ),
    "check.means.header": (
        'A response header is missing or was changed. Leave the headers of the blueprint "xiebao"'
        " unchanged."
    ),
    "check.means.header.cache-control": (
        "A cache or a browser may store the response and show one member's page to another member."
        ' Leave the responses of the blueprint "xiebao" unchanged in hooks, proxies and CDNs.'
    ),
    "check.means.header.referrer-policy": (
        "Other sites may learn the link that was clicked, and anyone who has the link may be let"
        ' in. Leave the headers of the blueprint "xiebao" unchanged.'
    ),
    "check.means.header.x-robots-tag": (
        'Search engines may index members\' links. Leave the headers of the blueprint "xiebao"'
        " unchanged."
    ),
    "check.means.header.nosniff": (
        "A browser may interpret the page as another content type. Leave the headers of the"
        ' blueprint "xiebao" unchanged.'
    ),
    "check.means.header.refresh": (
        'The "Refresh" header makes browsers open another address. Do not add this header to the'
        ' responses of the blueprint "xiebao".'
    ),
    "check.means.header.frames": (
        "Other sites may show the page in a frame and trick members into clicking. Leave the"
        ' headers of the blueprint "xiebao" unchanged.'
    ),
    "check.means.secret": (
        'The signature (parameter "sign") or the API key is in a place where others may read it,'
        " and anyone who has the signature can open the gateway as any member. Find the code that"
        " puts the secret there."
    ),
    "check.means.address": (
        "The redirect does not lead to the gateway that XIEBAO_ENV or XIEBAO_BASE_URL selects, so"
        ' the member and the "sign" parameter are sent to another address. Look for a hook or a'
        " middleware that changes redirects."
    ),
    "check.means.told": (
        "The page sends its own link to another site, and anyone who has the link may be let in as"
        " the member. Make sure that nothing on the page, such as an analytics script, sends the"
        " URL of the page to another site."
    ),
    "check.means.body": (
        "The body of the redirect must be empty, because it could otherwise contain the gateway URL"
        ' with the "sign" parameter. Leave the responses of the blueprint "xiebao" unchanged.'
    ),
    "check.means.parameter": (
        "The gateway receives a parameter that differs from the interface document. Check"
        " XIEBAO_EXTRA, and look for a hook or a middleware that changes the redirect."
    ),
    "check.means.parameter.platform": (
        "The gateway shows the page of another platform. Look for a hook or a middleware that"
        " changes the redirect or the User-Agent."
    ),
    "check.means.parameter.sign": (
        'The gateway refuses the URL, because the "sign" parameter does not belong to this account.'
        " Look for a hook or a middleware that changes the redirect."
    ),
    "check.means.parameter.partnerId": (
        "The sale counts for another partner account. Look for a hook or a middleware that changes"
        " the redirect."
    ),
    "check.means.parameter.partnerUniqKey": (
        "The gateway takes the member for another member. Look for a hook or a middleware that"
        " changes the redirect, and for a keeps_plain_key that returns different answers for the"
        " same member."
    ),
    "check.means.parameter.subPartnerId": (
        "The sale counts for another sub-account. Look for a hook or a middleware that changes the"
        " redirect."
    ),
    "check.means.parameter.caseCode": (
        "The gateway shows another product. Look for a hook that changes the redirect."
    ),
    "check.means.parameter.insureNum": (
        "The gateway shows another policy. Look for a hook that changes the redirect."
    ),
    "check.means.parameter.paySuccess": (
        "The member does not return to the expected page after payment. If the gateway URL has no"
        " paySuccess at all, set XIEBAO_PUBLIC_URL, because the site does not know its own address."
    ),
    "check.means.login": (
        "A visitor who must log in is not redirected to the login page of the site. Check"
        " XIEBAO_LOGIN_VIEW."
    ),
    "check.means.login.next": (
        'The login page does not receive the path of the link as "next", so the member does not'
        ' return to the link after the login. Pass the path of the link as "next", and redirect to'
        ' "next" after the login.'
    ),
    "check.means.json": (
        "A script that requests JSON does not learn why the click was refused. Look for an"
        " errorhandler or a hook that changes the response."
    ),
    "check.means.notice": (
        "The response to a refused click does not tell the visitor what to do. Look for an"
        " errorhandler or a hook that changes the response."
    ),
    "check.means.navigate": (
        "If HTMX, Turbo or another script requests a link, Flask-Xiebao returns a page that sends"
        " the browser to the link. This page is incomplete, so a tap does not open the link. Check"
        " whether a template or a hook of the site changes the page."
    ),
    "check.means.link": (
        "The link is incomplete or changed, or leads to another site. Keep the href that the macro"
        " creates, and do not write links by hand."
    ),
    "check.means.way_back": (
        "The page that the member returns to after payment does not open. Correct the return_to of"
        " the entry, or fix the page."
    ),
    "check.means.back": (
        "After payment, members do not return to the return_to of the entry. Look for a hook that"
        " changes the redirect, or for another view at the path of the return link."
    ),
    "check.means.handoff": (
        "The QR code of the handoff page does not lead the phone to the expected page. Check"
        " whether the site has its own template for that page."
    ),
    "check.means.handoff.code": (
        'The handoff page must have exactly one QR code that can be read. If "xiebao/handoff.html"'
        " is a template of the site, output {{ code }} there once."
    ),
    "check.means.handoff.direct": (
        "The handoff page has no link for continuing on the same device. iPads look like Macs and"
        ' need this link. If "xiebao/handoff.html" is a template of the site, add a link with'
        ' href="{{ direct }}".'
    ),
    "check.means.entry": (
        "An attribute of the entry differs from the one that the macro creates. Leave the"
        " attributes of the entry unchanged."
    ),
    "check.means.entry.none": (
        "The page has an entry although XIEBAO_ENABLED is off. Check whether the entry is written"
        " by hand or the page is cached."
    ),
    "check.means.entry.class": (
        'The entry lacks the class "xiebao-entry", so the stylesheet does not apply. Add the class'
        " again."
    ),
    "check.means.entry.label": "The button has no text. Give the button a label or an aria-label.",
    "check.means.entry.data-xiebao-platform": (
        "The page was rendered for another device, so its styles and scripts do not fit this"
        " device. Check whether a cache that ignores Vary stores the page."
    ),
    "check.means.vary": (
        "A shared cache may show the entries of one device to another device. Keep the Vary header,"
        " or set XIEBAO_DEVICE_MARKUP to False. Note that @cache.cached stores pages without their"
        " headers."
    ),
    "check.means.private": (
        "A shared cache may show one member's link to others. Do not cache a page with a member's"
        " link for everybody, for example with @cache.cached, which drops the headers."
    ),
    "check.means.private.shown": (
        "An anonymous visitor gets a page with the member's link. Check whether the page is cached,"
        " for example with @cache.cached, or shows the member's link to everybody."
    ),
    "check.means.qr": (
        "A QR code on the page does not lead to an entry of the site. Check the URL from which the"
        " code is made."
    ),
    "check.means.style": (
        "The stylesheet of the entries does not load. Let requests below XIEBAO_URL_PREFIX through."
    ),
    "check.means.script": (
        "The script of the entries does not load, so a double click counts as two clicks. Let"
        " requests below XIEBAO_URL_PREFIX through."
    ),
    "check.means.page": "The page does not open. Read the site's log for the cause.",
    "check.means.page.empty": (
        "The page has no entries for any device. Check the URL, and check that the member may see"
        ' the entries. If the page may have no entries, add "--ignore page.empty".'
    ),
    "check.means.page.302": (
        "The page redirects the member to another page. If the page requires a login or a certain"
        " member, add --login or --member."
    ),
    "check.means.page.401": (
        "The page returns 401 to the member. If the page requires a login or a certain member, add"
        " --login or --member."
    ),
    "check.means.page.403": (
        "The page returns 403 to the member. With --member, name a member who may see the page."
    ),
    "check.means.page.404": (
        "The page does not exist, or does not exist for this member. Correct --page or --member."
    ),
    "check.means.page.another_member": (
        "The link on the page belongs to another member, so a click on it is refused. Check whether"
        ' the page passes another member as "member", or is cached for everybody, for example with'
        " @cache.cached."
    ),
    "check.means.page.expired": (
        "The link on the page has expired, so a click on it is refused. Create the link when the"
        " page is requested, and make no_login_for at least as long as visitors stay on the page."
    ),
    "check.means.page.invalid_link": (
        "The policy link on the page has no member. Create the link with policy_entry or"
        " xiebao_link while the member is logged in."
    ),
    "check.means.guard": (
        "The click_guard of the site refuses this member. With --member, name a member that"
        " click_guard accepts, or do not show the entry to members that click_guard refuses."
    ),
    "check.means.receiver": "A signal receiver of the site fails during a click. Fix the receiver.",
    "check.means.left_out": (
        "An entry, or a part of one, is missing from the page, because the template passes a wrong"
        " argument. Correct the template."
    ),
    "check.means.environment": (
        "XIEBAO_ENV is not the environment given by --expect-env. Check XIEBAO_ENV."
    ),
    "check.means.settings.late": (
        'The setting shown after "Actual" was changed in app.config after Xiebao(app) or'
        " init_app(app) had read the settings, so the change has no effect. Change the setting"
        " before the extension is initialized."
    ),
    "check.means.settings.invalid": (
        'The setting shown after "Actual" is not valid. The setting was changed in app.config after'
        " Xiebao(app) or init_app(app) had read the settings, so the change has no effect. Correct"
        " the value, and change the setting before the extension is initialized."
    ),
    "check.means.session": (
        "The session is lost at the click, so the site takes the member for an anonymous visitor."
        " Check that the cookie is sent for this path and host (SESSION_COOKIE_PATH,"
        " SESSION_COOKIE_DOMAIN), and that no hook clears the session."
    ),
    "check.means.login.page": (
        "The login page does not open, so visitors who must log in get an error. Set"
        " XIEBAO_LOGIN_VIEW to the endpoint of the view that shows the login page."
    ),
    "check.means.notice.heading": (
        "The heading of the page for a refused click is empty or not the expected one, so visitors"
        ' do not learn why they cannot continue. Check the templates in "xiebao/", XIEBAO_TEXTS and'
        " the hooks that change pages."
    ),
    "check.means.notice.button": (
        "A button on the page for a refused click has no text or leads nowhere, so visitors cannot"
        " continue. Correct the text or the target of the button."
    ),
    "check.means.way_back.host": (
        "The return URL after payment does not begin with the site's own address"
        " (XIEBAO_PUBLIC_URL). Check whether a proxy or SERVER_NAME gives the site another address."
    ),
    "check.means.handoff.host": (
        "The QR code of the handoff page does not lead to the site's own address"
        " (XIEBAO_PUBLIC_URL). Check whether a proxy or SERVER_NAME gives the site another address."
    ),
    "check.means.dead": (
        "The entry is inside an element that takes its clicks, such as another link or a button."
        " Move the entry out of that element."
    ),
    "check.means.dead.unseen": (
        'All entries on this page are hidden. If a script shows the entries later, add "--ignore'
        ' dead.unseen".'
    ),
    "check.means.policy.style": (
        "The Content-Security-Policy of the page blocks the stylesheet of the entries. Add 'self'"
        " to the policy, or pass the nonce of the page to xiebao_styles(nonce=…). For the pages of"
        ' Flask-Xiebao, change "xiebao/layout.html".'
    ),
    "check.means.policy.script": (
        "The Content-Security-Policy of the page blocks the script of the entries. Add 'self' to"
        " the policy, or pass the nonce of the page to xiebao_script(nonce=…). For the pages of"
        ' Flask-Xiebao, change "xiebao/layout.html".'
    ),
    "check.means.policy.form": (
        "Chromium blocks the redirect to the gateway after the login, because it applies the"
        ' "form-action" of the login page\'s Content-Security-Policy to every redirect that follows'
        ' the submitted form. Add the gateway to "form-action".'
    ),
    "check.note.nothing_else": "Nothing else was checked. Fix this problem first.",
    "check.note.no_login": (
        "The site has no login page that Flask-Xiebao knows, so anonymous visitors who click get a"
        " 401 page. Set XIEBAO_LOGIN_VIEW."
    ),
    "check.note.page.elsewhere": (
        "{what} redirects some devices to another host, which the check did not follow."
    ),
    "check.note.page.empty": "Some devices find no entry on {what}.",
    "check.note.off": (
        "XIEBAO_ENABLED is off. The check tested only that nothing can be bought now."
    ),
    "check.note.no_members": (
        "The check cannot find out who is logged in to the site, so everything that needs a login"
        " was left out. Add a member_loader."
    ),
    "check.note.no_app": (
        "The site's mobile app was not checked, because the text that the app adds to its"
        " User-Agent cannot be guessed from XIEBAO_APP_USER_AGENT. Pass this text, for example"
        ' "--app-user-agent ShopApp/3.2".'
    ),
    "check.note.played": (
        "The check did not ask the site at each click who is logged in, because the members are"
        " made up. To test this, name a member with --member and, on a site without Flask-Login, a"
        " login function with --login."
    ),
    "check.note.nobody_logged_in": (
        "The member_loader was not called at each click, because the check cannot log in the member"
        ' itself on a site without Flask-Login. Name a login function, for example "--login'
        ' tests.login:log_in".'
    ),
    "check.note.guard": (
        "The click_guard was not called. The check calls click_guard once for each --page that it"
        " opens as a logged-in member, so add --page, --member and, on a site without Flask-Login,"
        " --login."
    ),
    "check.note.plain_alone": (
        "In production the check made only {what} clicks, because the site may count clicks. It"
        " left out all variations of a click, except a click by an anonymous visitor. Add --full to"
        " run all cases."
    ),
    "check.note.unseen": "Some entries are hidden until a script shows them: {what}.",
    "check.note.qr": (
        "A QR code on {what} comes from a cached part of the page, so the check could not follow"
        " the code."
    ),
    "check.note.login.page.elsewhere": (
        "Visitors log in at {what}, outside this site. The check did not open that page."
    ),
    "check.note.login.page.not_here": (
        "Visitors are redirected to {what} to log in, but this app has no view there. Make sure"
        " that another app serves {what}, or visitors get a 404."
    ),
    "check.note.notice.button.elsewhere": (
        "A button on the page for a refused click leads to {what}, outside this site. The check did"
        " not open that page."
    ),
    "check.note.notice.button.not_here": (
        "A button on the page for a refused click leads to {what}, but this app has no view there."
        " Make sure that another app serves {what}, or visitors get a 404."
    ),
    "check.note.ways_back": (
        "In production, the pages that members return to after payment were not opened, because a"
        " shop may treat such a page view as a completed payment. Add --follow-return to open these"
        " pages."
    ),
    "check.note.way_back.elsewhere": (
        "Members return to {what} after payment, outside this site. The check did not open that"
        " page."
    ),
    "check.note.way_back.not_here": (
        "Members return to {what} after payment, but this app has no view there. Make sure that"
        " another app serves {what}, or members get a 404."
    ),
    "check.not_told.pages": "No page of the site was opened. Add --page.",
    "check.not_told.member": (
        "The members were made up. Add --member and, on a site without Flask-Login, --login."
    ),
    "check.not_told.pages_member": (
        "No page of the site was opened, and the members were made up. Add --page, --member and, on"
        " a site without Flask-Login, --login."
    ),
    # The report of the check.
    "check.report.title": "Check of the insurance entries",
    "check.report.site": "Site",
    "check.report.nowhere": "address not set",
    "check.report.environment": "Environment",
    "check.report.gateway": "Gateway",
    "check.report.member": "Member",
    "check.report.named": "a member of the site",
    "check.report.made_up": "made-up members",
    "check.report.versions": "Versions",
    "check.report.devices": "Device list as of",
    "check.report.at": "Time",
    "check.report.colon": ": ",
    "check.report.counts": "{passed} passed, {failed} failed",
    "check.report.on": "{case}, on {device}",
    "check.report.failed": "{count} ×",
    "check.report.came": "Actual",
    "check.report.should": "Expected",
    "check.report.again": "Reproduce with",
    "check.report.more": "and {count} more",
    "check.report.problems": "Problems ({count})",
    "check.report.all": "All checks",
    "check.report.what": "Case",
    "check.report.qr": "QR",
    "check.report.at_step": "{came} (while {step})",
    "check.report.rule": "Rule",
    "check.report.ignored": "Ignored rules: {rules}.",
    "check.step.scan": "scanning the QR code with a phone",
    "check.step.return": "returning from the payment",
    "check.step.direct": "opening the handoff page's link for tablets",
    # The findings of inspect about a URL.
    "level.ok": "ok",
    "level.WARNING": "WARNING",
    "level.ERROR": "ERROR",
    "level.counts": "Errors: {errors}. Warnings: {warnings}.",
    "inspect.refused": "The gateway would refuse this URL.",
    "inspect.nobody": "Nobody can follow this link.",
    "inspect.page": "This is the {title} ({section}) of {where}.",
    "inspect.where.test": "the test gateway",
    "inspect.where.production": "the production gateway",
    "inspect.here": "a gateway on this site",
    "inspect.no_gateway": (
        '{host} is not Xiebao\'s gateway. If it is your own simulator, use "flask --app" to select'
        " the app whose XIEBAO_BASE_URL is the simulator."
    ),
    "inspect.other_env": (
        'XIEBAO_ENV of this site is "{env}", but the URL is for the other environment. Test and'
        ' production have different keys, so a signature (parameter "sign") that is valid in one is'
        " not valid in the other."
    ),
    "inspect.other_gateway": "The URL does not lead to this site's gateway, {base_url}.",
    "inspect.cut": (
        "The URL has only one parameter. If the rest is missing, put the URL in quotes, because the"
        ' shell ends an unquoted URL at the first "&".'
    ),
    "inspect.parameter": "{name}={value}: {means}.",
    "inspect.platform": "{means} ({value} = {name})",
    "inspect.space": (
        "The value contains a space, but Xiebao's codes never do. Check whether the space was"
        " copied by mistake."
    ),
    "inspect.unset": "not set",
    "inspect.sign.another": (
        "sign={sign}: well-formed, but not verified, because the URL is for another partner"
        " account."
    ),
    "inspect.sign.env": (
        "Test and production have different keys, and XIEBAO_ENV of this site is {env}. Check that"
        " the URL was built with the key of this environment."
    ),
    "inspect.sign.unchecked": (
        "sign={sign}: well-formed, but not verified, because no key is available. {why}"
    ),
    "inspect.sign.here": (
        "sign={sign}: made with the key of this site's environment, but the URL is for {where},"
        " which has another key and refuses the URL."
    ),
    "inspect.sign.there": (
        "sign={sign}: well-formed, but not verified, because this site does not have the key of"
        " {where}."
    ),
    "inspect.sign.right": "sign={sign}: valid for the configured key.",
    "inspect.key.nobody": (
        "partnerUniqKey={key}: not the key of a member of this site. XIEBAO_MEMBER_SECRET is set,"
        " so use the return value of partner_uniq_key(member)."
    ),
    "inspect.key.member": "partnerUniqKey={key}: the key of member {member}.",
    "inspect.pay_success": "paySuccess: after payment the browser goes to {url}",
    "inspect.link.another_page": (
        "This is not a link to the {page} page, because the token is for another page."
    ),
    "inspect.link.no_member": (
        "This is not a valid link to the {page} page, because the token does not name a member."
    ),
    "inspect.link.refused": (
        "A click on this link returns {status} ({cause}), even if the member is logged in."
    ),
    "inspect.neither": (
        "This is neither a gateway page nor a link of this site. The links of this site begin with"
        " one of these paths: {paths}."
    ),
    "inspect.off": "XIEBAO_ENABLED is off, so this link returns 404.",
    "inspect.click": (
        "This is a return link of this site, for click {click_id} of member {member} at {when}. It"
        " does not prove a payment."
    ),
    "inspect.qr": (
        "This is the URL of a QR code image for emails. The QR code contains the following link."
    ),
    "inspect.token": "This link was not made by this site, or it was changed.",
    "inspect.host": "The host of the link is {host}, but XIEBAO_PUBLIC_URL is {site}.",
    "inspect.entry": "The entry leads to the {title} ({section}).",
    "inspect.back_to": "return_to",
    "inspect.about": "client_reference",
    "inspect.member.none": (
        "The link belongs to no member. Visitors log in and then go to the gateway as themselves."
    ),
    "inspect.member.own": (
        "The link belongs to member {member} and was signed at {when}. Only this member can open"
        " it, after logging in."
    ),
    "inspect.member.past": (
        "The link belongs to member {member} and was signed at {when}. Its no_login_for of"
        " {no_login_for} seconds has expired, so only this member can open it, after logging in."
    ),
    "inspect.member.bearer": (
        "The link belongs to member {member} and was signed at {when} with a no_login_for of"
        " {no_login_for} seconds. For another {left} seconds, anyone who has the link can open it"
        " as this member, unless another member is logged in."
    ),
    "suspects": "The cause may be one of these {kind} hooks: {hooks}.",
    # The findings of doctor.
    "doctor.late": (
        "{name} was changed after Xiebao(app) or init_app(app) had read the settings, so the change"
        " has no effect. Set {name} before the extension is initialized."
    ),
    "doctor.env.unset": (
        'XIEBAO_ENV is not set. Set it to "production" if this site sells insurance, otherwise to'
        ' "test".'
    ),
    "doctor.misspelt": "{name} is not a setting. Did you mean {meant}?",
    "doctor.unknown": "{name} is not a setting of Flask-Xiebao. Remove it.",
    "doctor.ok.setting": "{name}: {value}",
    "doctor.ok.hidden": "{name} is set (value hidden)",
    "doctor.ok.default": "{name} is not set (default: {default})",
    "doctor.default": "none",
    "doctor.default.XIEBAO_API_KEY": "none",
    "doctor.default.XIEBAO_ENV": "test",
    "doctor.default.XIEBAO_BASE_URL": "the gateway for XIEBAO_ENV",
    "doctor.default.XIEBAO_LOCALE": "Flask-Babel's locale, otherwise zh",
    "doctor.default.XIEBAO_STRICT": "on in debug mode and testing",
    "doctor.off": "XIEBAO_ENABLED is off, so entries are not rendered and their links return 404.",
    "doctor.gateway.other": (
        'XIEBAO_ENV is "{env}", but XIEBAO_BASE_URL is the {other} gateway, which has a different'
        " key. Remove XIEBAO_BASE_URL."
    ),
    "doctor.gateway.missing": (
        'XIEBAO_BASE_URL is the path "{path}" of this site, but the app does not serve the gateway'
        " pages there. Register the blueprint of a GatewaySimulator at this path, or remove"
        " XIEBAO_BASE_URL."
    ),
    "doctor.ok.gateway.test": "Entries lead to {url} (test: policies are not real).",
    "doctor.ok.gateway.production": "Entries lead to {url} (production: policies are real).",
    "doctor.simulator": (
        'XIEBAO_ENV is "production", but the blueprint of a GatewaySimulator is registered (its'
        " pages return 404 in production). Do not register the simulator on a site that sells"
        " insurance, because the site accepts the simulator's signatures as Xiebao's."
    ),
    "doctor.nobody": (
        "The app has neither a member_loader nor Flask-Login, so it does not know who is logged in"
        " and only links with no_login_for can be opened. Register a member_loader."
    ),
    "doctor.ok.member_loader": "The member_loader determines who is logged in.",
    "doctor.ok.flask_login": "Flask-Login determines who is logged in.",
    "doctor.login_view.misspelt": (
        'XIEBAO_LOGIN_VIEW is "{view}", but the app has no such endpoint. Did you mean "{meant}"?'
    ),
    "doctor.login_view": (
        'XIEBAO_LOGIN_VIEW is "{view}", but the app has no such endpoint. Run "flask routes" to'
        " list the endpoints."
    ),
    "doctor.async": (
        'These hooks are async, but the "async" extra of Flask is not installed: {hooks}. Run `pip'
        " install 'flask[async]'`."
    ),
    "doctor.address.mail": (
        "XIEBAO_PUBLIC_URL is not set, so the app does not know its own address and cannot create"
        " links for emails outside of a request. Set XIEBAO_PUBLIC_URL to the address of the site,"
        " for example https://shop.example (during development, http://127.0.0.1:5000)."
    ),
    "doctor.address.production": (
        "XIEBAO_PUBLIC_URL is not set, so the app does not know its own address. In production, it"
        " cannot create members' links for emails and QR codes, and members do not return to the"
        " site after payment. Set XIEBAO_PUBLIC_URL to the address of the site, for example"
        " https://shop.example (during development, http://127.0.0.1:5000)."
    ),
    "doctor.leaving.this_machine": (
        "Absolute links begin with {url} ({source}), so they lead visitors to their own device. Set"
        " {source} to the address of the site."
    ),
    "doctor.leaving.http": (
        "Absolute links begin with {url} ({source}), so they can be read in transit. Set"
        " XIEBAO_PUBLIC_URL to an https:// URL."
    ),
    "doctor.ok.leaving": "Absolute links begin with {url} ({source}).",
    "doctor.root": (
        'APPLICATION_ROOT is "{root}", but absolute links are not below this path. Make'
        ' XIEBAO_PUBLIC_URL end with "{root}".'
    ),
    "doctor.prefix": (
        'XIEBAO_PUBLIC_URL ends with "{path}", but ProxyFix ignores X-Forwarded-Prefix, so links on'
        ' pages may lack "{path}" and not work. Add x_prefix=1 to ProxyFix only if your proxy'
        " itself sets X-Forwarded-Prefix on every request. Otherwise, let the server set"
        " SCRIPT_NAME. Check that URLs below {url}/paid/ reach the site, because members return"
        " there after payment."
    ),
    "doctor.ok.prefix.set": (
        "ProxyFix trusts X-Forwarded-Prefix. Make sure that your proxy itself sets the header to"
        ' "{path}" on every request.'
    ),
    "doctor.ok.prefix.none": (
        "ProxyFix trusts X-Forwarded-Prefix. If your proxy sets this header to a path, make"
        " XIEBAO_PUBLIC_URL end with the path, because notifications, and members who return after"
        " payment, would otherwise get a 404. If your proxy does not set the header, make the proxy"
        " remove it from requests, because visitors can send it."
    ),
    "doctor.ok.mount": (
        'XIEBAO_PUBLIC_URL ends with "{path}", but the app does not mount itself there, so the'
        ' server must set SCRIPT_NAME to "{path}". If links on pages lack "{path}", SCRIPT_NAME is'
        " not set. You can use ProxyFix(..., x_prefix=1) instead, but only if a proxy itself sets"
        " X-Forwarded-Prefix on every request."
    ),
    "doctor.cache": (
        "Flask-Caching ignores the Vary header, so a cached page has the entries of the first"
        " device that requested it, and these entries may open a new window on phones. Set"
        " XIEBAO_DEVICE_MARKUP to False."
    ),
    "doctor.cookie": (
        'SESSION_COOKIE_SAMESITE is "Strict", so members who come back from the payment or from an'
        ' email appear logged out. Set SESSION_COOKIE_SAMESITE to "Lax".'
    ),
    "doctor.key.weak": (
        "{name} is short or well known, so anyone who guesses it can forge links. Generate a new"
        ' key with `python -c "import secrets; print(secrets.token_hex())"`.'
    ),
    "doctor.key.old": "a key in SECRET_KEY_FALLBACKS",
    "doctor.key.api_key": (
        "SECRET_KEY or a key in SECRET_KEY_FALLBACKS is the same as XIEBAO_API_KEY, so anyone who"
        ' finds the API key can forge links. Generate a different key with `python -c "import'
        ' secrets; print(secrets.token_hex())"`.'
    ),
    "doctor.ok.key": "Links are signed with SECRET_KEY.",
    "doctor.api_key": (
        'XIEBAO_API_KEY is short. Every member who clicks gets the signature (parameter "sign"),'
        " and anyone who has the signature can find a short key by brute force. Ask Xiebao for a"
        " random key of 32 characters or more."
    ),
    "doctor.member_secret.known": (
        "XIEBAO_MEMBER_SECRET is well known, so anyone can compute members' keys. Before the first"
        ' member clicks, generate another secret with `python -c "import secrets;'
        ' print(secrets.token_hex())"`.'
    ),
    "doctor.member_secret.same": (
        "XIEBAO_MEMBER_SECRET is the same as {name}. Replacing {name} would then replace the member"
        " secret too, and every member would be new to the gateway. If no member has clicked yet,"
        " choose another XIEBAO_MEMBER_SECRET. Otherwise keep XIEBAO_MEMBER_SECRET and replace"
        " {name}."
    ),
    "doctor.ok.ids.keys": (
        "The gateway identifies members by keys that are derived from XIEBAO_MEMBER_SECRET."
    ),
    "doctor.ids": (
        "The gateway identifies members by {what}, so anyone who has seen one gateway URL can build"
        " one for any other member. Set XIEBAO_MEMBER_SECRET. If members already have policies, see"
        " keeps_plain_key."
    ),
    "doctor.ids.email": "their email address",
    "doctor.ids.get_id": "Flask-Login's get_id(), which is a row number on most sites",
    "doctor.ids.row": "their row number",
    "doctor.ok.ids": (
        "The gateway identifies members by the bare id. Set XIEBAO_MEMBER_SECRET if the id can be"
        " guessed, for example because it is a row number."
    ),
    "doctor.clicks.none": "The links could not be checked. Fix this error: {error}",
    "doctor.clicks.every": "every link",
    "doctor.clicks.wrong": "{where}: {what}",
    "doctor.ok.page": (
        "{page} ({section}): a link was created and opened, and leads to the gateway."
    ),
    "doctor.ok.paid.url": (
        "paid: after payment, members whose entry has a return_to come back to {site}{path}"
    ),
    "doctor.ok.paid.path": (
        "paid: after payment, members whose entry has a return_to come back to …{path} on the site"
    ),
    "doctor.ok.login.none": (
        "Visitors who are not logged in get a 401 page. To redirect them to your login page, set"
        " XIEBAO_LOGIN_VIEW."
    ),
    "doctor.ok.login.sent": "Visitors who are not logged in are redirected to {to}.",
    "doctor.ok.login.gets": "Visitors who are not logged in get status {status}.",
    "doctor.plain": (
        "keeps_plain_key returned True for a made-up member, whom the gateway cannot know. Return"
        " True only for members who joined before XIEBAO_MEMBER_SECRET was set."
    ),
    "doctor.everybody": (
        "A request without a cookie is treated as a logged-in member, so every visitor would go to"
        " the gateway as this member. Return None from the member_loader if nobody is logged in."
    ),
    "doctor.notify.guessed": (
        "XIEBAO_NOTIFY_TOKEN is easy to guess, or it is also another secret of the site. Generate"
        ' another token with `python -c "import secrets; print(secrets.token_hex())"`, because the'
        " token is part of the callback URL that Xiebao receives."
    ),
    "doctor.notify": "notify: {what}",
    "doctor.ok.notify.handler": "notify: notifications reach the notification_handler.",
    "doctor.ok.notify.reader": (
        "notify: notifications reach the notification_reader and the notification_handler."
    ),
    "doctor.notify.unheard": (
        "No notification_handler is registered, perhaps because its module is not imported, so the"
        " site does not learn what members buy. Notifications would be sent to {url}."
    ),
    "doctor.notify.unsent": "A notification cannot be sent. Fix this error: {error}",
    "doctor.notify.counted": (
        "Flask-Limiter counts notifications and may refuse some of them, because Xiebao sends them"
        " from only a few addresses. Exempt the callback with"
        ' `limiter.exempt(app.view_functions["xiebao.notify"])`.'
    ),
    "doctor.notify.size": (
        "MAX_CONTENT_LENGTH is too small for notifications. Set MAX_CONTENT_LENGTH to 64 KiB or"
        " more."
    ),
    "doctor.notify.body": (
        "The body of a notification is consumed before the callback reads it, by request.stream or"
        " a form parser. In hooks, read the body with request.get_data() or request.get_json(),"
        " which keep it."
    ),
    "doctor.notify.answer": (
        "An after_request hook or a middleware changes the response to a notification (its status"
        ' is {status}). Leave the responses of the blueprint "xiebao" unchanged, because Xiebao'
        ' expects 200 {{"state": true}}.'
    ),
    "doctor.notify.fails": "A notification raises an exception. Fix this error: {error}",
    "doctor.notify.view": (
        'The path {path} must lead to "xiebao.notify", but leads to {view}. Change'
        " XIEBAO_URL_PREFIX."
    ),
    "doctor.notify.no_view": "no view",
    "doctor.notify.address": (
        "Notifications are redirected to {to}, but Xiebao does not follow redirects. Set"
        " XIEBAO_PUBLIC_URL to the https:// address of the site."
    ),
    "doctor.notify.sent": (
        "Notifications are redirected to {to}, perhaps by a hook such as a login wall. Add `if"
        ' request.blueprint == "xiebao": return` to the start of the hook, because Flask-Xiebao'
        " checks each notification itself."
    ),
    "doctor.notify.limiter": (
        "Notifications get status {status}, perhaps from a rate limiter. Exempt the callback with"
        ' `limiter.exempt(app.view_functions["xiebao.notify"])`. If a hook of the site refuses'
        ' notifications, add `if request.blueprint == "xiebao": return` to the start of the hook,'
        " because Flask-Xiebao checks each notification itself."
    ),
    "doctor.notify.wall": (
        "Notifications get status {status}, perhaps from a CSRF guard or a login wall. Exempt the"
        ' callback from a CSRF guard with `csrf.exempt(app.view_functions["xiebao.notify"])`. If a'
        ' hook such as a login wall refuses notifications, add `if request.blueprint == "xiebao":'
        " return` to the start of the hook, because Flask-Xiebao checks each notification itself."
    ),
    "doctor.notify.hook": (
        "Notifications get status {status}, perhaps from one of the site's hooks. Add `if"
        ' request.blueprint == "xiebao": return` to the start of the hook that refuses'
        " notifications, because Flask-Xiebao checks each notification itself."
    ),
    "doctor.notify_url.path": (
        "The callback URL to give to Xiebao ends with {url}. Set XIEBAO_PUBLIC_URL to see the"
        " complete URL."
    ),
    "doctor.notify_url.http": (
        "The callback URL to give to Xiebao is {url}. Use https, because notifications contain"
        " people's names and could be read in transit."
    ),
    "doctor.ok.notify_url": "The callback URL to give to Xiebao is {url}",
    "doctor.ok.notify_url.open": (
        "The callback URL can be guessed. Set XIEBAO_NOTIFY_TOKEN before you give the URL to"
        " Xiebao."
    ),
    "doctor.ok.notify_url.this_machine": (
        "Notifications go to {url}, which Xiebao cannot reach. During development, use the"
        ' simulator or "flask xiebao notify".'
    ),
    "doctor.httpx": (
        "httpx is not installed, so xiebao.orders cannot confirm what notifications report. Run"
        " `pip install 'Flask-Xiebao[orders]'`."
    ),
    "doctor.purchases.unheard": (
        "The Purchases object receives no notifications, because no notification_handler is"
        " registered. Add `xiebao.notification_handler(purchases.handle)`."
    ),
    "doctor.purchases.shared": (
        'The Purchases object was created with the argument "only", so another site sells with the'
        " same partner account. Members of the two sites who have the same id cannot be told apart,"
        " because XIEBAO_MEMBER_SECRET is not set. Set a different XIEBAO_MEMBER_SECRET on each"
        " site."
    ),
    "doctor.purchases.unread": (
        'The database with the table "{table}" cannot be read ({error}). Check the connection to'
        " the database."
    ),
    "doctor.purchases.missing": (
        'The table "{table}" does not exist. Create it with `db.create_all()`, or with "flask db'
        ' migrate" and "flask db upgrade".'
    ),
    "doctor.purchases.lacks": (
        'The table "{table}" lacks these columns: {columns}. Migrate the table.'
    ),
    "doctor.purchases.unset": (
        'Purchases cannot be written, because these columns of the table "{table}" must not be NULL'
        " and have no default: {columns}. Give them a default, unless an event listener of yours"
        " sets them."
    ),
    "doctor.ok.purchases": (
        'Purchases are stored in the table "{table}". They are written in separate sessions, which'
        " wait while one of your sessions has an uncommitted change to the same row."
    ),
    # The errors of the link command.
    "link.reference": "The {page} page requires a REFERENCE. Pass the {name} as REFERENCE.",
    "link.whose": "A link to the {page} page must belong to a member.",
    "link.who": "The gateway URL of the {page} page needs a member for its partnerUniqKey.",
    "link.off": "No link was created, because XIEBAO_ENABLED is off.",
    "link.nobody": "The member id is empty. Pass the id of a member.",
    "link.gateway": (
        '"--gateway" cannot be combined with "--no-login-for", "--return-to", "--client-reference",'
        ' "--external" or "--local".'
    ),
}
