"""The English texts. They replace missing texts of other locales, so they must be complete."""

TEXTS = {
    "language": "en",
    # The name of the site on the extension's pages. If empty, the pages show the host.
    "site.name": "",
    # The texts of a card.
    "card.insurer": "Underwritten by {insurer}",
    "card.terms": "Terms and conditions",
    "card.old_price": "Original price",
    "card.insured": "Insured",
    "card.view_policy": "View policy",
    # The QR code of an entry.
    "qr.label": "QR code: scan with your phone to get insured",
    "qr.name": "QR code",
    "qr.mail": "On a computer? Scan with your phone",
    # The page that sends the browser to a link that was requested by a script.
    "navigate.title": "Opening…",
    "navigate.open": "Page not opening? Continue here",
    "navigate.continue": "Continue",
    # The handoff page.
    "handoff.title": "Continue on your phone",
    # The text "handoff.how" is for the templates of sites. The default template does not use it.
    "handoff.how": "Scan the code to continue on your phone. You stay signed in.",
    "handoff.step.open": "Open WeChat or your camera",
    "handoff.step.scan": "Scan the QR code",
    "handoff.step.go_on": "Continue on your phone",
    "handoff.code": "QR code: scan with your phone to continue",
    "handoff.minutes": "The code is valid for {count} minutes. ",
    "handoff.seconds": "The code is valid for {count} seconds. ",
    "handoff.left": "The code expires in {time}. ",
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
        "This page does not belong to Xiebao. The simulator sells no insurance and takes no money."
        " It checks requests against Xiebao's interface document and notifies the site of purchases"
        " as Xiebao would."
    ),
    "simulator.accepted": "Accepted: {page}",
    "simulator.refused": "Refused: {page}",
    "simulator.received": (
        'Received parameters (only the first two and last two characters of "sign" are shown)'
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
    "simulator.two_people": "Insure two people (¥{price})",
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
    "simulator.late": "Notify the site only with the next step, or by “Notify the site again”",
    "simulator.forged": "Before each notification, also send one with a wrong signature",
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
    "simulator.person_surrendered": "surrendered",
    "simulator.number": "Application number",
    "simulator.policy": "Policy number",
    "simulator.product": "Product",
    "simulator.dates": "Cover",
    "simulator.price": "Premium",
    "simulator.pay": "Pay",
    "simulator.issue": "Issue",
    "simulator.surrender": "Surrender",
    "simulator.surrender_one": "Surrender for one person",
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
        " knows only the orders that were placed in it."
    ),
    "simulator.back": "Back to the site",
    "simulator.file": "This is not a real policy. The simulated policy number is {policy}.\n",
    # The meanings of the interface document's parameters.
    "meaning.partnerId": "the partner's account at Xiebao",
    "meaning.subPartnerId": "the partner's sub-account, empty if there is none",
    "meaning.partnerUniqKey": "the partner's unique id for the member",
    "meaning.platform": "the platform for which the page is shown",
    "meaning.paySuccess": (
        "the http:// or https:// URL to return to after payment, encoded in standard base64"
    ),
    "meaning.sign": "md5(apiKey + partnerId), written as 32 lower-case hex digits",
    "meaning.unknown": "a parameter that is not defined in Xiebao's interface document",
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
        'The parameter "{parameter}" is missing. Add this parameter ({meaning}), because section'
        " {section} of Xiebao's interface document requires it."
    ),
    "problem.spaces": (
        'The parameter name "{parameter}" has leading or trailing whitespace. The examples in'
        ' section 2.1 of Xiebao\'s interface document contain the same mistake. Write "{value}"'
        " instead."
    ),
    "problem.html": (
        'The URL contains the HTML entity "&amp;" instead of "&" before "{value}", so the parameter'
        ' is named "{parameter}". Copy the URL from the address bar, not from HTML source.'
    ),
    "problem.misspelt": 'The parameter name "{parameter}" is misspelled. Write "{value}" instead.',
    "problem.unknown": (
        'The parameter "{parameter}" is not defined in section {section} of Xiebao\'s interface'
        " document. Remove this parameter or, if Xiebao told you to send it, add it to XIEBAO_EXTRA"
        ' or to the "also_known" argument of a GatewaySimulator.'
    ),
    "problem.repeated": (
        'The parameter "{parameter}" appears {value} times in the URL. Send this parameter only'
        " once."
    ),
    "problem.space": (
        'The value of "{parameter}" contains a space or a line break. Remove this character, or'
        ' write a space as "%20".'
    ),
    "problem.escapes": (
        'The parameter "{parameter}" is not percent-encoded as UTF-8. Percent-encode this'
        " parameter."
    ),
    "problem.empty": 'The parameter "{parameter}" is empty. Provide a value ({meaning}).',
    "problem.partner": (
        'The "partnerId" parameter belongs to another account. Use the partnerId "{value}".'
    ),
    "problem.sign": (
        'The signature "{value}" (parameter "sign") was not made with the API key of this account'
        " and environment. Use md5(apiKey + partnerId) as 32 lower-case hex digits."
    ),
    "problem.sign_shape": (
        'The signature "{value}" (parameter "sign") has the wrong format. Use md5(apiKey +'
        " partnerId) as 32 lower-case hex digits."
    ),
    "problem.sign_is_key": (
        'The value of "sign" looks like an API key, as in the examples in section 2.1 of Xiebao\'s'
        " interface document. Send md5(apiKey + partnerId) as 32 lower-case hex digits instead."
        " Tell the owner of the key to ask Xiebao for a new key, because anyone who saw this URL"
        " may know the key."
    ),
    "problem.host": (
        "The host {value} is not Xiebao's gateway, although the name is similar. Use"
        " api.xiebao18.com or, for tests, testapi.xiebao18.com."
    ),
    "problem.scheme": (
        'The URL begins with "http://", so anyone on the network can read the signature (parameter'
        ' "sign"). Begin the URL with "https://".'
    ),
    "problem.port": "Xiebao's gateway does not use port {value}. Remove the port.",
    "problem.platform": (
        "The gateway page in section {section} of Xiebao's interface document does not support the"
        ' platform "{value}". Use one of these platforms: {platforms}.'
    ),
    "problem.no_pc": (
        "The gateway page in section {section} of Xiebao's interface document has no version for"
        ' PCs (platform "{value}") at present. Use one of these platforms: {platforms}.'
    ),
    "problem.pay_success_plus": (
        'The value of "paySuccess" contains a space, so it is not standard base64. Send "+" as'
        ' "%2B", because a "+" in a query string means a space.'
    ),
    "problem.pay_success_url_safe": (
        'The value of "paySuccess" is URL-safe base64. Use standard base64, which has "+" and "/"'
        ' instead of "-" and "_".'
    ),
    "problem.pay_success_star": (
        'The value of "paySuccess" is not standard base64. Send the encoded URL instead of the'
        ' placeholder "*" from the examples in section 2.3 of Xiebao\'s interface document.'
    ),
    "problem.pay_success_base64": (
        'The value of "paySuccess" is not standard base64. Encode the URL with standard base64,'
        ' including the "=" padding at the end.'
    ),
    "problem.pay_success_url": (
        'The value of "paySuccess" must be the base64 form of an absolute http:// or https:// URL.'
        " Use a URL in UTF-8 and without whitespace."
    ),
    "problem.user": (
        "The URL has a user name before the host {value}, so readers may mistake the user name for"
        " the host. Remove the user name."
    ),
    "check.failure": "{meaning} Found: {actual}. Expected: {expected}.",
    "check.failure.actual": "{meaning} Found: {actual}.",
    # The explanations of the check's rules: what a member suffers, and what to do.
    "check.means.crash": (
        "The site raises an exception, so the visitor gets an error page. Fix the code that"
        " raises the exception. If a member_loader calls abort(), let it return None for visitors"
        " who are not logged in. If the code needs the data of a member, name a member with"
        " --member."
    ),
    "check.means.unreached.address": (
        "No view of this app handles the request at the site's address. Check that SERVER_NAME"
        " and TRUSTED_HOSTS accept the host, that XIEBAO_PUBLIC_URL ends with the path at which"
        " the app is mounted, and that no middleware or other app handles URLs below"
        " XIEBAO_URL_PREFIX."
    ),
    "check.means.unreached.view": (
        "The click opens another view of the site instead of the insurance page. Change"
        " XIEBAO_URL_PREFIX to a path that no other view uses."
    ),
    "check.means.unreached.redirect": (
        "The click is redirected before Flask-Xiebao reads the link, so the visitor does not"
        " reach the insurance page. If a login check of the site redirects, exempt the insurance"
        ' links: `if request.blueprint == "xiebao": return`. Flask-Xiebao checks the login itself.'
        " If the site is at another address, set XIEBAO_PUBLIC_URL."
    ),
    "check.means.unreached.limiter": (
        "A rate limiter refuses the click. Raise the limit, or exempt the insurance links:"
        ' `limiter.exempt(app.blueprints["xiebao"])`. To exempt only the requests of this check,'
        " use `limiter.request_filter(is_rehearsal)`."
    ),
    "check.means.unreached.wall": (
        "A request hook or an extension of the site refuses the click before Flask-Xiebao reads"
        " the link. Usual causes are a login check, CSRF protection and a check of the host."
        ' Exempt the insurance links: `if request.blueprint == "xiebao": return`. If the hook also'
        " sets the current member, set the member first."
    ),
    "check.means.status": (
        "The response to the click has the wrong status, so the visitor gets another page than"
        " intended. A redirect with status 301 or 308 is stored by the browser, so the next"
        " member on the device continues as this one. Look for a hook, an error handler or a"
        " middleware that changes responses. With Flask-DebugToolbar, set"
        " DEBUG_TB_INTERCEPT_REDIRECTS to False."
    ),
    "check.means.address": (
        "The click does not lead to the gateway that XIEBAO_ENV or XIEBAO_BASE_URL selects, so"
        " the member and the sign are sent to another address. Look for a hook or a middleware"
        " that changes redirects."
    ),
    "check.means.parameter": (
        "A parameter of the gateway URL is wrong or missing, so the gateway refuses the visitor,"
        " credits the sale to another account or shows another page. Look for a hook or a"
        " middleware that changes the redirect, and check XIEBAO_EXTRA and XIEBAO_APP_USER_AGENT."
        " If paySuccess is missing, the site does not know its own address: set"
        " XIEBAO_PUBLIC_URL."
    ),
    "check.means.secret": (
        "The signature (sign) or the API key appears here, and anyone who reads it can open the"
        " gateway as any member. Find the code that puts the secret there."
    ),
    "check.means.header": (
        "A response header that protects members is missing or was changed, so caches, search"
        " engines or other sites may get a member's link. Make sure that no hook, middleware,"
        " proxy or CDN changes the headers of Flask-Xiebao's responses."
    ),
    "check.means.vary": (
        "The page may show the entries of another device, because a cache stores it for all"
        ' devices. Keep the "Vary" header, or set XIEBAO_DEVICE_MARKUP to False. The decorator'
        " @cache.cached drops headers."
    ),
    "check.means.private": (
        "The page contains a member's link, but its headers allow shared caches to show the page"
        " to others. Keep the headers, and do not cache the page for everybody. The decorator"
        " @cache.cached drops headers."
    ),
    "check.means.private.shown": (
        "A visitor who is not logged in gets a page with a member's link. Do not cache the page"
        " for everybody, for example with @cache.cached, and do not pass a fixed member to the"
        " entry."
    ),
    "check.means.entry.dead": (
        "A click on the entry does nothing, because an element takes the click, or an attribute"
        " cancels it. Move the entry out of the element, or remove the attribute."
    ),
    "check.means.entry.hidden": (
        "No entry on the page can be clicked, because all are hidden or disabled. Remove the"
        " attribute or the style. If that is intended, for example for a sold-out product, ignore"
        " the rule entry.hidden."
    ),
    "check.means.link": (
        "The visitor does not get to the gateway, because the link was not signed by this site,"
        " was changed on the page or on the way, or has expired. Keep the href that the macro"
        " creates, create links when the page is requested, and make sure that no <base href>,"
        " hook or middleware changes the URL. After a change of SECRET_KEY, list the old key in"
        " SECRET_KEY_FALLBACKS."
    ),
    "check.means.page": (
        "The member cannot open the page. If the page needs a login or a certain member, pass"
        " --login or --member. Otherwise correct --page, or read the site's log for the cause."
    ),
    "check.means.page.empty": (
        "The page shows no insurance entry on any device. Check the URL, and that this member may"
        " see the entries. If the page may be empty, ignore the rule page.empty."
    ),
    "check.means.page.no_link": (
        "The page contains the link of an entry, but visitors cannot click it, because it is not"
        " the href of an <a>. If the HTML of the macro is escaped, remove the filter that escapes"
        " it. If the link is the action of a form, use an <a> instead."
    ),
    "check.means.page.another_member": (
        "The page shows a link of another member, so a click on it returns an error page. Check"
        ' the argument "member" of the entry, and do not cache the page for everybody, for'
        " example with @cache.cached."
    ),
    "check.means.left_out": (
        "An entry is missing from the page, because the template passes a wrong argument to its"
        " macro. Correct the template."
    ),
    "check.means.static": (
        "The extension's stylesheet or script does not load, so the entries look like plain"
        " links. Do not block requests below XIEBAO_URL_PREFIX. If the Content-Security-Policy"
        " blocks it, add 'self' to the policy, or pass the nonce of the page:"
        " xiebao_styles(nonce=…)."
    ),
    "check.means.policy.form": (
        "After the login, Chromium does not continue to the gateway, because the"
        " Content-Security-Policy of the login page does not allow it. Add the gateway to"
        ' "form-action".'
    ),
    "check.means.guard": (
        "The site's click_guard refuses this member. Use --member to name a member that the"
        " click_guard accepts, or hide the entry from members that it refuses."
    ),
    "check.means.anonymous": (
        "A visitor who is not logged in continues to the gateway as a member, so all visitors"
        " share one account. Return None from the member_loader if no member is logged in, and do"
        " not cache its return value."
    ),
    "check.means.login": (
        "A visitor who must log in does not come to a login page that opens and returns to the"
        ' link. Set XIEBAO_LOGIN_VIEW to the endpoint of the login page, and redirect to "next"'
        " after the login."
    ),
    "check.means.session": (
        "The member is not logged in at this click, although the check logged the member in."
        " Check SESSION_COOKIE_PATH and SESSION_COOKIE_DOMAIN, and look for code that clears the"
        " session, for example on the page or on the page after payment."
    ),
    "check.means.members.unknown": (
        "The site does not know who is logged in, so every click that needs a login returns"
        " status 401. Register a member_loader. If all links are links without a login"
        " (no_login_for), register one that returns None."
    ),
    "check.means.members.guessable": (
        "The gateway knows members by ids that others can guess, so anyone who has seen one"
        " gateway URL can open the accounts of other members. Set XIEBAO_MEMBER_SECRET. If"
        " members already have policies, also register keeps_plain_key."
    ),
    "check.means.environment": (
        'XIEBAO_ENV is not the environment that "--expect-env" names. Correct one of them.'
    ),
    "check.means.settings.late": (
        "A setting was changed after Xiebao(app) or init_app(app) had read it, so the change has"
        " no effect. Change the setting before the extension is initialized."
    ),
    "check.means.unknown_address": (
        "The site does not know its own address, so members do not return after payment, and"
        " links for emails and QR codes cannot be created. Set XIEBAO_PUBLIC_URL."
    ),
    "check.means.handoff": (
        "The page on which PC users scan a QR code does not lead to the gateway. If"
        ' "xiebao/handoff.html" is a template of the site, output {{ code }} once, and a link'
        ' with href="{{ direct }}". If the address is wrong, correct XIEBAO_PUBLIC_URL.'
    ),
    "check.means.way_back": (
        "After payment, the member does not see the page that the entry names, because the link"
        " back or the page itself does not open. Correct the page or the return_to of the entry,"
        " and look for a hook that changes redirects. If the address is wrong, correct"
        " XIEBAO_PUBLIC_URL."
    ),
    # The notes of the check.
    "check.note.pages": (
        "No page of the site was opened. The check made only its three built-in clicks. Add"
        " --page for each page with insurance entries, for example --page /orders/8."
    ),
    "check.note.no_login": (
        "Flask-Xiebao does not know the login page of the site, so anonymous visitors who click"
        " an entry get a page with status 401. Set XIEBAO_LOGIN_VIEW to the endpoint of the login"
        " page."
    ),
    "check.note.everybody": (
        "Every visitor counts as the same logged-in member, as on an example site. Before the"
        " site goes live, return None from the member_loader if no member is logged in."
    ),
    "check.note.simulated_login": (
        "The check did not log in the member, because the site does not use Flask-Login and no"
        " login function was passed. It only pretended that the member is logged in, so it did"
        " not test the member_loader. Pass a login function, for example --login"
        " tests.login:log_in."
    ),
    "check.note.return_pages": (
        "The pages after payment were not opened, because no member was named. Add --member."
    ),
    "check.note.off": "XIEBAO_ENABLED is off, so the check made no clicks of its own.",
    # The names of the check's own clicks.
    "check.case.site": "settings",
    "check.case.address": "the site's address",
    "check.case.product-plain": "a member's click on a product link",
    "check.case.product-visitor": "an anonymous visitor's click on a product link",
    "check.case.product-changed": "a click on a link with a wrong signature",
    # The words of the check's report.
    "check.report.title": "Check of the insurance entries",
    "check.report.site": "Site",
    "check.report.environment": "Environment",
    "check.report.gateway": "Gateway",
    "check.report.versions": "Versions",
    "check.report.at": "Time",
    "check.report.colon": ": ",
    "check.report.counts": "{passed} passed, {failed} failed",
    "check.report.on": "{place}, on {device}",
    "check.report.anonymous": "{entry} (not logged in)",
    "check.report.actual": "Found",
    "check.report.expected": "Expected",
    "check.report.places": "Where",
    "check.report.more": "and {count} more",
    "check.report.problems": "Problems ({count})",
    "check.report.all": "All entries",
    "check.report.entry": "Entry",
    "check.report.rule": "Rule",
    "check.report.ignored": "Ignored rules: {rules}.",
    # The findings of inspect about a URL.
    "level.ok": "ok",
    "level.WARNING": "WARNING",
    "level.ERROR": "ERROR",
    "level.counts": "Errors: {errors}. Warnings: {warnings}.",
    "inspect.refused": "The gateway would refuse this URL.",
    "inspect.nobody": "Nobody can follow this link.",
    "inspect.page": (
        "This URL opens the {title} (section {section} of Xiebao's interface document) on {where}."
    ),
    "inspect.where.test": "the test gateway",
    "inspect.where.production": "the production gateway",
    "inspect.here": "a gateway of this site",
    "inspect.no_gateway": (
        '{host} is not Xiebao\'s gateway. If {host} is your own simulator, use "flask --app" to'
        " select the app whose XIEBAO_BASE_URL is the URL of the simulator."
    ),
    "inspect.other_env": (
        'XIEBAO_ENV of this site is "{env}", but the URL is for the other environment. Test and'
        ' production have different keys, so a signature (parameter "sign") is valid in only one of'
        " them."
    ),
    "inspect.other_gateway": "The URL is not a URL of this site's gateway, {base_url}.",
    "inspect.cut": (
        "The URL has only one parameter. If the rest is missing, put the URL in quotes, because the"
        ' shell ends an unquoted URL at the first "&".'
    ),
    "inspect.parameter": "{name}={value}: {meaning}.",
    "inspect.platform": "{meaning} ({value} = {name})",
    "inspect.space": (
        "The value contains a space, but Xiebao's codes never contain spaces. Check whether the"
        " space was copied by mistake."
    ),
    "inspect.unset": "not set",
    "inspect.sign.another": (
        "sign={sign}: the format is correct, but the signature was not verified, because the URL is"
        " for another partner account."
    ),
    "inspect.sign.env": (
        "Test and production have different keys, and XIEBAO_ENV of this site is {env}. Check that"
        " the URL was built with the key of this environment."
    ),
    "inspect.sign.unchecked": (
        "sign={sign}: the format is correct, but the signature was not verified, because no key is"
        " available. {why}"
    ),
    "inspect.sign.here": (
        "sign={sign}: the signature was made with the key of this site's environment, but the URL"
        " is for {where}, which has another key and refuses the URL."
    ),
    "inspect.sign.there": (
        "sign={sign}: the format is correct, but the signature was not verified, because this site"
        " does not have the key of {where}."
    ),
    "inspect.sign.right": "sign={sign}: the signature is valid for the configured key.",
    "inspect.key.nobody": (
        "partnerUniqKey={key}: this is not the key of a member of this site. Build the key with"
        " partner_uniq_key(member), because XIEBAO_MEMBER_SECRET is set."
    ),
    "inspect.key.member": "partnerUniqKey={key}: the key of member {member}.",
    "inspect.pay_success": "paySuccess: after payment, the browser is sent to {url}",
    "inspect.link.another_page": (
        "This is not a link to the {page} page, because the last part of the link (the token) is"
        " for another page."
    ),
    "inspect.link.no_member": (
        "This is not a valid link to the {page} page, because the last part of the link (the token)"
        " does not name a member."
    ),
    "inspect.link.refused": (
        "A click on this link returns status {status} ({cause}), even if the member is logged in."
    ),
    "inspect.neither": (
        "This is neither a gateway page nor a link of this site. The links of this site begin with"
        " one of these paths: {paths}."
    ),
    "inspect.off": "XIEBAO_ENABLED is off, so this link returns status 404.",
    "inspect.click": (
        "This is a return link of this site, which members open after payment. It was created for"
        " click {click_id} of member {member} at {when}. It does not prove a payment."
    ),
    "inspect.qr": (
        "This is the URL of a QR code image for emails. The QR code contains the following link."
    ),
    "inspect.token": "This link was not made by this site, or it was changed.",
    "inspect.host": "The host of the link is {host}, but XIEBAO_PUBLIC_URL is {site}.",
    "inspect.entry": (
        "The link opens the {title} (section {section} of Xiebao's interface document)."
    ),
    "inspect.back_to": "return_to",
    "inspect.about": "client_reference",
    "inspect.member.none": (
        "The link does not belong to a member. Visitors log in and then go to the gateway as"
        " themselves."
    ),
    "inspect.member.own": (
        "The link belongs to member {member} and was signed at {when}. Only this member can open"
        " it, after logging in."
    ),
    "inspect.member.past": (
        "The link belongs to member {member} and was signed at {when}. It could be opened without a"
        " login for {no_login_for} seconds (no_login_for). Now only this member can open it, after"
        " logging in."
    ),
    "inspect.member.bearer": (
        "The link belongs to member {member} and was signed at {when}, with"
        " no_login_for={no_login_for}. For another {left} seconds, anyone who has the link can open"
        " it as this member without logging in. Another member who is logged in cannot open it."
    ),
    "suspects": "The cause may be one of these request hooks: {hooks}.",
    # The findings of doctor.
    "doctor.late": (
        "{name} was changed after Xiebao(app) or init_app(app) had read the settings, so the change"
        " has no effect. Set {name} before the extension is initialized."
    ),
    "doctor.env.unset": (
        'XIEBAO_ENV is not set. Set it to "production" if this site sells insurance, otherwise to'
        ' "test".'
    ),
    "doctor.skipped": (
        "All other checks were skipped. Correct the settings and run the command again."
    ),
    "doctor.misspelt": "{name} is not a setting. Did you mean {meant}?",
    "doctor.unknown": "{name} is not a setting of Flask-Xiebao. Remove this setting.",
    "doctor.ok.setting": "{name}: {value}",
    "doctor.ok.hidden": "{name} is set (value hidden)",
    "doctor.ok.default": "{name} is not set (default: {default})",
    "doctor.default": "none",
    "doctor.default.XIEBAO_API_KEY": "none",
    "doctor.default.XIEBAO_ENV": "test",
    "doctor.default.XIEBAO_BASE_URL": "the gateway for XIEBAO_ENV",
    "doctor.default.XIEBAO_LOCALE": "Flask-Babel's locale, otherwise zh",
    "doctor.default.XIEBAO_STRICT": "on in debug mode and testing",
    "doctor.off": (
        "XIEBAO_ENABLED is off, so insurance entries are not rendered, and their links return"
        " status 404."
    ),
    "doctor.gateway.other": (
        'XIEBAO_ENV is "{env}", but XIEBAO_BASE_URL is the URL of the {other} gateway, which has a'
        " different key. Remove XIEBAO_BASE_URL."
    ),
    "doctor.gateway.missing": (
        'XIEBAO_BASE_URL is the path "{path}" of this site, but the app has no gateway pages at'
        " this path. Register the blueprint of a GatewaySimulator at this path, or remove"
        " XIEBAO_BASE_URL."
    ),
    "doctor.ok.gateway.test": (
        "Insurance entries redirect to {url}. In the test environment, policies are not real."
    ),
    "doctor.ok.gateway.production": (
        "Insurance entries redirect to {url}. In the production environment, policies are real."
    ),
    "doctor.simulator": (
        'XIEBAO_ENV is "production", but the blueprint of a GatewaySimulator is registered. Do not'
        " register the simulator on a site that sells insurance, because the site would accept the"
        " simulator's notifications as Xiebao's."
    ),
    "doctor.nobody": (
        "The app has no member_loader and does not use Flask-Login, so the extension does not know"
        " who is logged in, and links that need a login return status 401. Register a"
        " member_loader. If the site makes only links that need no login (no_login_for), register a"
        " member_loader that returns None."
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
        "XIEBAO_PUBLIC_URL is not set, so the app cannot create links for emails outside of a"
        " request. Set XIEBAO_PUBLIC_URL to the address of the site, for example"
        " https://shop.example or, during development, http://127.0.0.1:5000."
    ),
    "doctor.address.production": (
        "XIEBAO_PUBLIC_URL is not set, so in production the app cannot create members' links for"
        " emails and QR codes, and members do not return to the site after payment. Set"
        " XIEBAO_PUBLIC_URL to the address of the site, for example https://shop.example or, during"
        " development, http://127.0.0.1:5000."
    ),
    "doctor.leaving.this_machine": (
        "Absolute links begin with {url} (from {source}), a loopback address, which leads visitors"
        " to their own device. Set {source} to the address of the site."
    ),
    "doctor.leaving.http": (
        "Absolute links begin with {url} (from {source}) and are not encrypted, so anyone on the"
        " network can read them. Set XIEBAO_PUBLIC_URL to an https:// URL."
    ),
    "doctor.ok.leaving": "Absolute links begin with {url} (from {source}).",
    "doctor.root": (
        'APPLICATION_ROOT is "{root}", but absolute links do not begin with this path. Set'
        ' XIEBAO_PUBLIC_URL to a URL that ends with "{root}".'
    ),
    "doctor.prefix": (
        'XIEBAO_PUBLIC_URL ends with "{path}", but ProxyFix ignores X-Forwarded-Prefix, so links on'
        ' pages may lack "{path}". Add x_prefix=1 to ProxyFix if your proxy itself sets'
        " X-Forwarded-Prefix on every request. Otherwise, let the server set SCRIPT_NAME."
    ),
    "doctor.ok.prefix.set": (
        "ProxyFix trusts X-Forwarded-Prefix. Make sure that your proxy itself sets the header to"
        ' "{path}" on every request.'
    ),
    "doctor.ok.prefix.none": (
        "ProxyFix trusts X-Forwarded-Prefix, which visitors can send, too. Make the proxy remove"
        " this header from requests. If the proxy sets the header to a path instead, set"
        " XIEBAO_PUBLIC_URL to a URL that ends with this path, or notifications and members who"
        " return after payment get a 404."
    ),
    "doctor.ok.mount": (
        'XIEBAO_PUBLIC_URL and APPLICATION_ROOT end with "{path}". Make sure that the server sets'
        ' SCRIPT_NAME to "{path}".'
    ),
    "doctor.mount": (
        'XIEBAO_PUBLIC_URL ends with "{path}", but the app does not use ProxyFix and does not mount'
        ' itself there, so links on pages may lack "{path}". Use ProxyFix(..., x_prefix=1) if your'
        " proxy itself sets X-Forwarded-Prefix on every request. If the server sets SCRIPT_NAME,"
        ' set APPLICATION_ROOT to "{path}".'
    ),
    "doctor.cache": (
        "Flask-Caching ignores the Vary header, so every device gets a cached page with the entries"
        " for the first device. Entries for a PC may open a new window on phones. Set"
        " XIEBAO_DEVICE_MARKUP to False."
    ),
    "doctor.cookie": (
        'SESSION_COOKIE_SAMESITE is "Strict", so members who return from the payment or open a link'
        ' in an email appear logged out. Set SESSION_COOKIE_SAMESITE to "Lax".'
    ),
    "doctor.key.weak": (
        "SECRET_KEY is short or well known, so anyone who guesses it can forge links. Generate a"
        ' new key with `python -c "import secrets; print(secrets.token_hex())"`.'
    ),
    "doctor.key.weak_fallback": (
        "A key in SECRET_KEY_FALLBACKS is short or well known, so anyone who guesses it can forge"
        " links. Remove this key."
    ),
    "doctor.key.old": "a key in SECRET_KEY_FALLBACKS",
    "doctor.key.api_key": (
        "SECRET_KEY or a key in SECRET_KEY_FALLBACKS is the same as XIEBAO_API_KEY, so anyone who"
        ' finds the API key can forge links. Generate a different key with `python -c "import'
        ' secrets; print(secrets.token_hex())"`.'
    ),
    "doctor.ok.key": "Links are signed with SECRET_KEY.",
    "doctor.api_key": (
        'XIEBAO_API_KEY is short, so anyone who has the signature (parameter "sign") can find the'
        " key by brute force. Every member who clicks an entry gets the signature. Ask Xiebao for a"
        " random key of 32 characters or more."
    ),
    "doctor.member_secret.known": (
        "XIEBAO_MEMBER_SECRET is well known, so anyone can compute the keys by which the gateway"
        ' identifies members. Generate another secret with `python -c "import secrets;'
        ' print(secrets.token_hex())"` before the first member clicks an entry.'
    ),
    "doctor.member_secret.same": (
        "XIEBAO_MEMBER_SECRET is the same as {name}. They must differ, because {name} may be"
        " replaced and XIEBAO_MEMBER_SECRET must never change. Replace {name} or, only if no member"
        " has clicked an entry yet, choose another XIEBAO_MEMBER_SECRET."
    ),
    "doctor.ok.ids.keys": (
        "The gateway identifies members by keys that are derived from XIEBAO_MEMBER_SECRET."
    ),
    "doctor.ids": (
        "The gateway identifies members by {what}. Such ids can be guessed, so anyone who has seen"
        " one gateway URL can build the URL of any other member. Set XIEBAO_MEMBER_SECRET and, if"
        " members already have policies, register a keeps_plain_key hook."
    ),
    "doctor.ids.get_id": (
        "the return value of Flask-Login's get_id(), which is the number of a database row on most"
        " sites"
    ),
    "doctor.ids.row": "the number of their database row",
    "doctor.ok.ids": (
        "The gateway identifies members by their id on this site. Set XIEBAO_MEMBER_SECRET if the"
        " id can be guessed, for example because it is the number of a database row."
    ),
    "doctor.clicks.none": "The links could not be checked. Fix this error: {error}",
    "doctor.clicks.every": "every link",
    "doctor.clicks.wrong": "{where}: {what}",
    "doctor.ok.page": (
        "{page} ({section}): a link was created and opened, and the site redirected to the gateway."
    ),
    "doctor.ok.paid.url": (
        "After payment, members return to {site}{path} if their entry has a return_to path."
    ),
    "doctor.ok.paid.path": (
        "After payment, members return to …{path} on the site if their entry has a return_to path."
    ),
    "doctor.ok.login.none": (
        "Visitors who are not logged in get a page with status 401. To redirect them to your login"
        " page, set XIEBAO_LOGIN_VIEW."
    ),
    "doctor.ok.login.sent": "Visitors who are not logged in are redirected to {to}.",
    "doctor.ok.login.gets": "Visitors who are not logged in get status {status}.",
    "doctor.plain": (
        "The keeps_plain_key hook returned True for a placeholder member, whom the gateway cannot"
        " know. Return True only for members who joined before XIEBAO_MEMBER_SECRET was set."
    ),
    "doctor.everybody": (
        "A request without a cookie is treated as a logged-in member, so every visitor would go to"
        " the gateway as this member. Return None from the member_loader if no member is logged in."
    ),
    "doctor.notify.guessed": (
        "XIEBAO_NOTIFY_TOKEN, which is a part of the callback URL, is easy to guess or the same as"
        ' another secret of the site. Generate another token with `python -c "import secrets;'
        ' print(secrets.token_hex())"`.'
    ),
    "doctor.notify": "notify: {what}",
    "doctor.ok.notify.handler": (
        "notify: the site accepts notifications at the callback URL and passes them to the"
        " notification_handler."
    ),
    "doctor.ok.notify.reader": (
        "notify: the site accepts notifications at the callback URL and passes them to the"
        " notification_reader and the notification_handler."
    ),
    "doctor.notify.unheard": (
        "No notification_handler is registered, so the site does not learn what members buy."
        " Register a notification_handler, or import the module that contains it. The gateway would"
        " send notifications to {url}."
    ),
    "doctor.notify.unsent": "A notification cannot be sent. Fix this error: {error}",
    "doctor.notify.counted": (
        "The rate limiter Flask-Limiter counts notifications and may refuse some of them, because"
        " the gateway sends all notifications from a few IP addresses. Exempt the callback with"
        ' `limiter.exempt(app.view_functions["xiebao.notify"])`.'
    ),
    "doctor.notify.size": (
        "MAX_CONTENT_LENGTH is too small for notifications. Set MAX_CONTENT_LENGTH to 262144"
        " (256 KiB) or more."
    ),
    "doctor.notify.body": (
        "The body of a notification is consumed by request.stream or a form parser before"
        " Flask-Xiebao can read it. In hooks, read the body with request.get_data() or"
        " request.get_json(), which keep the body."
    ),
    "doctor.notify.answer": (
        "The response to a notification was changed and has status {status}, but Xiebao expects"
        ' status 200 and the body {{"state": true}}. Look for an after_request hook or a middleware'
        " that changes the response."
    ),
    "doctor.notify.fails": "A notification causes an exception. Fix this error: {error}",
    "doctor.notify.view": (
        'The path {path} must be routed to the endpoint "xiebao.notify", but it is routed to'
        " {view}. Change XIEBAO_URL_PREFIX."
    ),
    "doctor.notify.address": (
        "Notifications are redirected to {to}, but Xiebao does not follow redirects. Set"
        " XIEBAO_PUBLIC_URL to the https:// address of the site."
    ),
    "doctor.notify.sent": (
        "Notifications are redirected to {to}, perhaps by a request hook that requires a login. Add"
        ' `if request.blueprint == "xiebao": return` to the hook, before the redirect and after any'
        " code that sets the current member."
    ),
    "doctor.notify.limiter": (
        "Notifications get status {status}, probably from a rate limiter. Exempt the callback with"
        ' `limiter.exempt(app.view_functions["xiebao.notify"])`. If a request hook refuses'
        ' notifications, add `if request.blueprint == "xiebao": return` to the hook, after any code'
        " that sets the current member."
    ),
    "doctor.notify.wall": (
        "Notifications get status {status}, probably from CSRF protection or from a request hook"
        " that requires a login. Exempt the callback with"
        ' `csrf.exempt(app.view_functions["xiebao.notify"])`, or add `if request.blueprint =='
        ' "xiebao": return` to the hook, after any code that sets the current member.'
    ),
    "doctor.notify_url.path": (
        "The callback URL to give to Xiebao ends with {url}. Set XIEBAO_PUBLIC_URL to see the"
        " complete URL."
    ),
    "doctor.notify_url.http": (
        "The callback URL to give to Xiebao is {url}, which is not encrypted. Use an https:// URL,"
        " because notifications contain people's names, and anyone on the network could read them."
    ),
    "doctor.ok.notify_url": "The callback URL to give to Xiebao is {url}",
    "doctor.ok.notify_url.open": (
        "The callback URL can be guessed. Before you give the URL to Xiebao, set"
        ' XIEBAO_NOTIFY_TOKEN to a value from `python -c "import secrets;'
        ' print(secrets.token_hex())"`.'
    ),
    "doctor.ok.notify_url.this_machine": (
        "Notifications are sent to {url}, which Xiebao cannot reach. During development, use the"
        ' simulator or "flask xiebao notify" to send notifications.'
    ),
    "doctor.httpx": (
        "The package httpx is not installed, so order queries (xiebao.orders) cannot confirm what"
        " notifications report. Run `pip install 'Flask-Xiebao[orders]'`."
    ),
    "doctor.purchases.unheard": (
        "The Purchases object receives no notifications, because no notification_handler is"
        " registered. Add `xiebao.notification_handler(purchases.handle)`."
    ),
    "doctor.purchases.shared": (
        'Another site sells with the same partner account (argument "only" of Purchases), so two'
        " members who have the same id on the two sites cannot be told apart. Set a different"
        " XIEBAO_MEMBER_SECRET on each site."
    ),
    "doctor.purchases.unread": (
        'The database with the table "{table}" cannot be used ({error}). Check that the database is'
        " running, and run the command with the same environment as the site."
    ),
    "doctor.purchases.missing": (
        'The database "{database}" has no table "{table}". Check that this is the database of the'
        ' site. Then create the table with `db.create_all()`, or with "flask db migrate" and "flask'
        ' db upgrade".'
    ),
    "doctor.purchases.lacks": (
        'The table "{table}" lacks these columns: {columns}. Migrate the table.'
    ),
    "doctor.purchases.unset": (
        'Rows cannot be written to the table "{table}", because these columns must not be NULL and'
        " have no default: {columns}. Give the columns a default, or allow NULL."
    ),
    "doctor.ok.purchases": (
        'Purchases are stored in the table "{table}" in separate sessions. These sessions wait'
        " while one of your sessions has an uncommitted change to the same row."
    ),
    "doctor.ok.clicks": (
        'Clicks on product and home entries are stored in the table "{table}" at the end of each'
        " request."
    ),
    "doctor.gateway.http": (
        "Insurance entries redirect to {url}, which is not encrypted, so anyone on the network can"
        " read the signature and the member's key. Use an https:// URL."
    ),
    "doctor.debug": (
        'XIEBAO_ENV is "production", but debug mode or TESTING is on. Any Host header is trusted'
        " then, and errors show the site's code. Turn both off."
    ),
    "doctor.environment": (
        "These environment variables are not in app.config: {names}. Call"
        " `app.config.from_prefixed_env()` before Xiebao(app) or init_app(app)."
    ),
    "doctor.online": "The gateway did not accept an order query. {error}",
    "doctor.online.simulator": "The simulator in this app did not accept an order query. {error}",
    "doctor.online.hook": (
        "If a request hook of the site refuses the query, for example as CSRF protection, add `if"
        ' request.blueprint == "xiebao_gateway": return` to the hook.'
    ),
    "doctor.ok.online.simulator": (
        "The simulator in this app accepted an order query after {seconds} seconds. To test the"
        " partner account and the API key with Xiebao's gateway, remove XIEBAO_BASE_URL and run"
        ' "flask xiebao doctor --online".'
    ),
    "doctor.ok.online": (
        "The gateway accepted an order query after {seconds} seconds, so the partner account, the"
        " API key and XIEBAO_ENV match."
    ),
    "doctor.online.clock": (
        "The clocks of this machine and of the gateway differ by about {seconds} s. Synchronize the"
        " clock of this machine."
    ),
    "doctor.ok.online.clock": (
        "The clocks of this machine and of the gateway differ by about {seconds} s."
    ),
    # Order queries that fail.
    "query.refused": (
        'The gateway refused the order query with respCode {code} and the message "{message}".'
    ),
    "query.refused_without_message": "The gateway refused the order query with respCode {code}.",
    "query.means.signature": (
        "Probably XIEBAO_API_KEY is not the key of this partner account in this environment. Check"
        " XIEBAO_API_KEY, XIEBAO_PARTNER_ID and XIEBAO_ENV."
    ),
    "query.means.unknown": (
        "Probably this partner account has no such order in this environment. Check the number,"
        " XIEBAO_PARTNER_ID and XIEBAO_ENV."
    ),
    # The commands order, reconcile, reassign, prune and notify.
    "order.member": "member {member}",
    "order.no_member": "not a member of this site",
    "order.member_error": "the member cannot be determined: {error}",
    "order.unknown_status": "unknown",
    "order.fen": "{price} fen",
    "order.surrendered": "surrendered",
    "reconcile.environment": (
        "The SECRET_KEY of the site is missing or invalid. Run the command with the same"
        " environment as the site."
    ),
    "reconcile.no_purchases": (
        "The app has no Purchases object. Create one, or import the module that creates it."
    ),
    "reconcile.difference": "{number}: {row} -> {gateway}, {outcome}",
    "reconcile.no_row": "no row",
    "reconcile.repaired": "repaired",
    "reconcile.not_repaired": "not repaired",
    "reconcile.other_member": ("the gateway reports another member, or no member, for this order"),
    "reconcile.summary": "Compared: {compared}. Different: {different}. Repaired: {repaired}.",
    "reconcile.stopped": "Stopped after {compared} orders. {error}",
    "reassign.done": "{number}: the row has the member whom the gateway reports.",
    "prune.no_clicks": (
        'The app\'s Purchases object does not store clicks. Pass a model as the argument "clicks".'
    ),
    "reconcile.future": "The date {date} is in the future. Pass a date in the past.",
    "prune.done": "Deleted clicks: {count}.",
    "notify.result": "{url}: {response}",
    "notify.no_response": "no response, {error}",
    "notify.production": (
        'XIEBAO_ENV is "production", but this command sends a notification about a purchase that'
        " was never made. Use the command only in a test environment."
    ),
    "notify.account": (
        "XIEBAO_PARTNER_ID or XIEBAO_API_KEY is not set. Set both, because a notification is signed"
        " with them."
    ),
    "notify.means.0": (
        "Check that the site is running and can be reached at this URL, or pass another URL with"
        " --url."
    ),
    "notify.means.403": (
        "The site has another XIEBAO_API_KEY than this command. Run both with the same settings."
    ),
    "notify.means.404": (
        "The site has no callback at this URL. Register a notification_handler, use the site's"
        ' XIEBAO_NOTIFY_TOKEN, or pass another URL with --url. "flask xiebao doctor" prints the'
        " callback URL."
    ),
    "notify.means.500": (
        "The notification_handler raised an exception or returned a value. Read the log of the"
        " site. A handler that queries the gateway, such as purchases.handle, raises"
        " OrderBehindError, because the gateway does not confirm this notification. This error is"
        " logged at INFO. To test such a handler, buy a policy in the simulator."
    ),
    "notify.means.other": (
        "The callback did not send this response. Check which request hook or server in front of"
        ' the site sent the response. "flask xiebao doctor" tests the request hooks.'
    ),
    # The errors of the link command.
    "link.reference": (
        "A link to the {page} page requires the argument REFERENCE. Pass the {name} as REFERENCE."
    ),
    "link.whose": "A link to the {page} page must belong to a member.",
    "link.who": (
        "The gateway URL of the {page} page requires a member, whose key is sent as partnerUniqKey."
    ),
    "link.off": "No link was created, because XIEBAO_ENABLED is off.",
    "link.nobody": "The member id is empty. Pass the id of a member.",
    "link.gateway": (
        '"--gateway" cannot be combined with "--no-login-for", "--return-to", "--client-reference",'
        ' "--external" or "--local".'
    ),
}
