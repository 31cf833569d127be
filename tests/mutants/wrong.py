"""The wrong versions: each spoils one place of the package, as somebody might by mistake."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple


class Wrong(NamedTuple):
    """A wrong version.

    :param what: what is wrong.
    :param file: the one that is spoilt.
    :param right: what stands there, once.
    :param wrong: what takes its place.
    """

    what: str
    file: str
    right: str
    wrong: str

    def spoil(self, text: str) -> str:
        """Return the text of its file, spoilt."""
        if text.count(self.right) != 1:
            raise ValueError(f"{self.what}: {self.file} has this {text.count(self.right)} times.")
        return text.replace(self.right, self.wrong)

    def lines(self, text: str) -> range:
        """Return the numbers of the lines that it changes."""
        changes = SequenceMatcher(None, self.right, self.wrong, autojunk=False).get_opcodes()
        spots = [(change[1], change[2]) for change in changes if change[0] != "equal"]
        at = text.index(self.right)
        first, last = at + spots[0][0], at + spots[-1][1]
        line = text.count("\n", 0, first) + 1
        return range(line, line + text[first:last].rstrip("\n").count("\n") + 1)


SEEN = (
    # where a click leads
    Wrong("iOS and Android exchanged", "gateway/platforms.py", "    IOS = 3\n    ANDROID = 4", "    IOS = 4\n    ANDROID = 3"),
    Wrong("H5 and PC exchanged", "gateway/platforms.py", "    H5 = 1\n    PC = 2", "    H5 = 2\n    PC = 1"),
    Wrong("the production host in test", "gateway/urls.py", 'TEST: ClassVar[str] = "https://testapi.', 'TEST: ClassVar[str] = "https://api.'),
    Wrong("the test host in production", "gateway/urls.py", 'PRODUCTION: ClassVar[str] = "https://api.', 'PRODUCTION: ClassVar[str] = "https://testapi.'),
    Wrong("evil.example", "gateway/urls.py", 'TEST: ClassVar[str] = "https://testapi.xiebao18.com"', 'TEST: ClassVar[str] = "https://testapi.xiebao18.com.evil.example"'),
    Wrong("plain http", "gateway/urls.py", 'TEST: ClassVar[str] = "https://', 'TEST: ClassVar[str] = "http://'),
    Wrong("the path of another page", "gateway/pages.py", 'path="/dispatch/cps/insureDetail"', 'path="/dispatch/cps/index"'),
    Wrong("the key behind the partner id", "gateway/values.py", "key.encode() + said", "said + key.encode()"),
    Wrong("SHA-1 for MD5", "gateway/values.py", "hashlib.md5(key", "hashlib.sha1(key"),
    Wrong("a sign in upper case", "gateway/values.py", "usedforsecurity=False).hexdigest()", "usedforsecurity=False).hexdigest().upper()"),
    Wrong("no subPartnerId where there is none", "gateway/urls.py", "if name in own or name in values\n", "if name in own or values.get(name)\n"),
    Wrong("the setting's sub-account, whatever the link says", "gateway/urls.py", '            values["subPartnerId"] = _checked("subPartnerId", _sub_partner_id, sub_partner_id)\n', "            pass\n"),
    Wrong("no sub-account of the setting", "app/state.py", "                sub_partner_id=settings.sub_partner_id,\n", ""),
    Wrong("no further parameters", "app/state.py", "                extra=settings.extra,\n", ""),
    Wrong("partnerUniqueKey, as the callback spells it", "gateway/pages.py", '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey")', '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqueKey")'),
    Wrong("a parameter too many", "gateway/urls.py", "        url = f\"{self.base_url}", '        pairs.append("from=web")\n        url = f"{self.base_url}'),
    Wrong("caseCode that is not escaped", "gateway/urls.py", "f\"{name}={_PLACE if name in own else _encode(values[name])}\"", "f\"{name}={_PLACE if name in own else values[name]}\""),
    Wrong("paySuccess with a bare +", "gateway/urls.py", "map(_encode, own.values())", "(value if name == 'paySuccess' else _encode(value) for name, value in own.items())"),
    Wrong("URL-safe base64", "gateway/urls.py", "base64.b64encode(after_payment", "base64.urlsafe_b64encode(after_payment"),
    Wrong("the bare id in place of the member's key", "views/click.py", "partner_uniq_key=state.partner_uniq_key(member)", "partner_uniq_key=member"),
    Wrong("the key without the partner id in it", "links/members.py", 'f"flask-xiebao.member\\0{partner_id}\\0"', '"flask-xiebao.member\\0\\0"'),
    Wrong("the mark behind the id", "links/members.py", "return self._mark(member, self._secret) + member", "return member + self._mark(member, self._secret)"),
    Wrong("a path of the site without its mount", "app/endpoints.py", 'return iri_to_uri(request.root_path) + url if url.startswith("/") else url', "return url"),
    # how it leads there
    Wrong("301 for 302", "views/responses.py", "super().__init__((), 302, headers)", "super().__init__((), 301, headers)"),
    Wrong("a redirect with a body that has the URL", "views/responses.py", "super().__init__((), 302, headers)", "super().__init__((url,), 302, headers)"),
    Wrong("a redirect that caches keep", "app/headers.py", '("Cache-Control", "no-store")', '("Cache-Control", "public, max-age=600")'),
    Wrong("a redirect that a browser keeps", "app/headers.py", '("Cache-Control", "no-store")', '("Cache-Control", "private")'),
    Wrong("the whole URL as referrer", "app/headers.py", '"strict-origin")', '"unsafe-url")'),
    Wrong("links for search engines", "app/headers.py", '    ("X-Robots-Tag", "noindex, nofollow"),\n', ""),
    Wrong("headers for CDNs stay", "app/headers.py", 'name in _OVERRULING or name.endswith("-cache-control")', "name in _OVERRULING"),
    Wrong("Expires stays", "app/headers.py", 'frozenset({"expires", "surrogate', 'frozenset({"surrogate'),
    Wrong("the site's own header after ours", "app/headers.py", "    _remove(headers, is_overwritten)\n    headers.extend", "    headers.extend"),
    Wrong("frames of anybody's", "app/headers.py", 'headers.setlist("Content-Security-Policy", [*others, ours])', "pass"),
    Wrong("content that browsers guess", "app/headers.py", 'headers["X-Content-Type-Options"] = "nosniff"', "pass"),
    Wrong("the sign in a header of its own", "views/click.py", '    if request.method != "HEAD":\n        send(entry_clicked', '    away.headers["X-Sign"] = state.gateway.sign\n    if request.method != "HEAD":\n        send(entry_clicked'),
    # who goes
    Wrong("403 as 404", "links/admission.py", '                403,\n                "another_member",', '                404,\n                "another_member",'),
    Wrong("410 as 403", "links/admission.py", '                410,\n                "expired",', '                403,\n                "expired",'),
    Wrong("404 that says why", "views/responses.py", "status, reason = refusal.status, refusal.reason", "status, reason = refusal.status, refusal.cause"),
    Wrong("whoever is logged in buys on another's account", "links/admission.py", 'return Go(current) if entry.member in (None, current) else REFUSALS["another_member"]', "return Go(entry.member or current)"),
    Wrong("another's link goes as oneself", "links/admission.py", 'return Go(current) if entry.member in (None, current) else REFUSALS["another_member"]', "return Go(current)"),
    Wrong("a member's link vouches for ever", "links/admission.py", 'return Go(entry.member, seconds_left) if seconds_left else REFUSALS["expired"]', "return Go(entry.member, seconds_left)"),
    Wrong("a link past its time is past for its own member", "links/admission.py", "    if current is not None:\n", "    if current is not None and entry.seconds_left(now) != 0:\n"),
    Wrong("a link lives a second longer", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for + 1 - int(now))"),
    Wrong("a link lives minutes for seconds", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for * 60 - int(now))"),
    Wrong("a link without a time vouches", "links/admission.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if entry.member is None:\n        return REFUSALS["login_required"]\n    if entry.no_login_for is None:\n        return Go(entry.member)'),
    Wrong("a bearer logs in", "links/admission.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if True:\n        return REFUSALS["login_required"]'),
    Wrong("a policy that is nobody's", "links/admission.py", '    if entry.member is None and page_named(entry.page).members_own:\n        return REFUSALS["no_member"]\n', ""),
    Wrong("no signature is looked at", "links/tokens.py", 'if not self._signer.verify_signature(payload + b"." + key_id, signature):', "if False:"),
    Wrong("links of any account", "links/tokens.py", 'f"flask-xiebao.entry.{partner_id}"', '"flask-xiebao.entry"'),
    Wrong("links to any page", "views/click.py", "    if entry.page != page:\n", "    if False:\n"),
    Wrong("clicks and returns sign alike", "links/tokens.py", 'f"flask-xiebao.click.{partner_id}"', 'f"flask-xiebao.entry.{partner_id}"'),
    Wrong("the key of before counts no longer", "app/state.py", "*(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),", "*(()),"),
    Wrong("the guard is not asked", "views/click.py", "    ask_site(state, entry, visitor.member)\n", ""),
    Wrong("the guard's no is a yes", "views/click.py", "    if answer is False:\n        responses.refuse(state, refusal, entry.page, entry, member)\n", "    if answer is False:\n        return\n"),
    Wrong("the guard's own answer is not sent", "views/click.py", "        raise AnsweredError(answer)\n", "        return\n"),
    Wrong("401 where there is a login", "views/responses.py", "    if state.settings.login_view is not None:\n        return make_response(", "    if False:\n        return make_response("),
    Wrong("a login that comes back to the start page", "app/endpoints.py", "return url_for(login_view, next=this_link())", 'return url_for(login_view, next="/")'),
    Wrong("a login that comes back by the whole URL", "app/endpoints.py", "return url_for(login_view, next=this_link())", "return url_for(login_view, next=request.host_url.rstrip('/') + this_link())"),
    # which platform
    Wrong("?platform= over the link's", "views/click.py", "platform = entry.platform or asked_platform(environ) or state.device(environ)", "platform = asked_platform(environ) or entry.platform or state.device(environ)"),
    Wrong("no ?platform=", "views/click.py", "platform = entry.platform or asked_platform(environ) or state.device(environ)", "platform = entry.platform or state.device(environ)"),
    Wrong("the device alone", "views/click.py", "platform = entry.platform or asked_platform(environ) or state.device(environ)", "platform = state.device(environ)"),
    Wrong("the site's own app is not known", "app/state.py", "return detect_platform(headers, app_user_agent=self.settings.app_user_agent)", "return detect_platform(headers)"),
    Wrong("no hints", "app/state.py", '            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),\n', ""),
    Wrong("a HarmonyOS PC is a phone", "gateway/platforms.py", 'frozenset({"pc", "2in1"})', "frozenset()"),
    Wrong("an iPad in WeChat is a Mac", "gateway/platforms.py", ' or ("mobile/" in agent and "macintosh" in agent)\n', "\n"),
    Wrong("WeChat on a PC is a phone", "gateway/platforms.py", 'if "wechat" in agent and _any(_DESKTOP_WECHAT, agent):\n        return Platform.PC', 'if "wechat" in agent and _any(_DESKTOP_WECHAT, agent):\n        return Platform.H5'),
    Wrong("HarmonyOS phones are PCs", "gateway/platforms.py", "return Platform.PC if harmony[1] in _HARMONY_PCS else Platform.H5", "return Platform.PC"),
    # the handoff
    Wrong("PCs go to a page that is not for them", "gateway/pages.py", "_NO_PC_AT_PRESENT = _EVERYWHERE - {Platform.PC}", "_NO_PC_AT_PRESENT = _EVERYWHERE"),
    Wrong("a handoff for another member", "views/click.py", "link = replace(entry, member=visitor.member,", 'link = replace(entry, member="somebody else",'),
    Wrong("a handoff that lives a year", "views/click.py", "    lifetime = state.settings.handoff_max_age\n", "    lifetime = 31536000\n"),
    Wrong("a handoff that needs a login", "views/click.py", "no_login_for=lifetime, signed_at=now)", "no_login_for=None, signed_at=now)"),
    Wrong("a handoff that prolongs a bearer's link", "views/click.py", "        lifetime = min(lifetime, visitor.seconds_left)\n", "        pass\n"),
    Wrong("a handoff to the front page", "views/click.py", "code = qr_code(entry_url(state, link, external=True, asker_only=True))", "code = qr_code(request.host_url)"),
    Wrong("a handoff to a path", "views/click.py", "code = qr_code(entry_url(state, link, external=True, asker_only=True))", "code = qr_code(entry_url(state, link, external=False, asker_only=True))"),
    Wrong("a handoff to the gateway itself", "views/click.py", "code = qr_code(entry_url(state, link, external=True, asker_only=True))", "code = qr_code(state.gateway.url(entry.page, entry.reference, partner_uniq_key=visitor.member))"),
    Wrong("a handoff that forgets the way back", "views/click.py", "link = replace(entry, member", "link = replace(entry, return_to=None, member"),
    Wrong("a tablet gets the code again", "views/click.py", "direct=this_link(platform=Platform.H5.slug)", "direct=this_link(platform=Platform.PC.slug)"),
    Wrong("no way on for a tablet", "templates/xiebao/default/handoff.html", '{{ direct }}', "#"),
    Wrong("a handoff is counted as a click", "views/click.py", "        return handoff(state, entry, visitor, now)\n", "        go(state, entry, visitor.member, Platform.H5)\n        return handoff(state, entry, visitor, now)\n"),
    # what is no click
    Wrong("a prefetch is a click", "views/click.py", '    if is_prefetch(environ):\n        return responses.not_yet()\n    if not is_navigation', "    if not is_navigation"),
    Wrong("Purpose is not known", "views/click.py", 'environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or ""', 'environ.get("HTTP_SEC_PURPOSE") or ""'),
    Wrong("prerendering is a click", "views/click.py", 'return "prefetch" in purpose.lower()', 'return purpose.lower() == "prefetch"'),
    Wrong("200 for a prefetch", "views/responses.py", '"This link opens when it is clicked.", 503', '"This link opens when it is clicked.", 200'),
    Wrong("what a script fetches is a click", "views/click.py", "    if not is_navigation(environ):\n", "    if False:\n"),
    Wrong("HTMX is not known", "views/click.py", '"HTTP_HX_REQUEST", ', ""),
    Wrong("Turbo's frames are not known", "views/click.py", '"HTTP_TURBO_FRAME", ', ""),
    Wrong("an image is a click", "views/click.py", 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"', 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") in ("navigate", "no-cors")'),
    Wrong("another site's script is told to go", "views/click.py", 'environ.get("HTTP_SEC_FETCH_SITE", "none") in ("none", "same-origin")', "True"),
    Wrong("go=1 counts for nothing", "views/click.py", '"go=1" in environ.get', '"go=2" in environ.get'),
    Wrong("HTMX gets a redirect to the gateway's page", "views/responses.py", '    response.headers["HX-Redirect"] = this_link()\n', '    response.headers["HX-Redirect"] = "/"\n'),
    Wrong("HTMX loses the platform", "views/responses.py", '    response.headers["HX-Redirect"] = this_link()\n', '    response.headers["HX-Redirect"] = this_link(platform=None)\n'),
    Wrong("Turbo keeps the page", "templates/xiebao/navigate.html", '  <meta name="turbo-cache-control" content="no-cache">\n', ""),
    Wrong("Turbo shows the page", "templates/xiebao/navigate.html", '  <meta name="turbo-visit-control" content="reload">\n', ""),
    # the way back
    Wrong("no way back", "views/click.py", "                pay_success=return_url(state, entry, member, click_id),\n", ""),
    Wrong("a way back that is another click's", "views/click.py", "Click(entry, member, click_id, int(time.time()))", "Click(entry, member, secrets.token_hex(8), int(time.time()))"),
    Wrong("a way back that is another member's", "views/click.py", "Click(entry, member, click_id, int(time.time()))", 'Click(entry, "somebody", click_id, int(time.time()))'),
    Wrong("a way back to the start page", "views/click.py", 'return Redirect(iri_to_uri(done.entry.return_to or "/"))', 'return Redirect("/")'),
    Wrong("a way back to wherever the host says", "views/click.py", "    return host_is_trusted(state) or _THIS_MACHINE.fullmatch(request.host) is not None\n", "    return True\n"),
    Wrong("a payment is reported for ever", "views/click.py", "time.time() - done.clicked_at < _RETURN_IS_NEWS", "True"),
    Wrong("every payment is of this session", "views/click.py", "same_session=is_logged_in(state, done.member)", "same_session=True"),
    Wrong("a prefetch of the way back is a return", "views/click.py", '    if is_prefetch(request.environ):\n        return responses.not_yet()\n    try:', "    try:"),
    # what the site is told
    Wrong("no entry_clicked", "views/click.py", '    if request.method != "HEAD":\n', "    if False:\n"),
    Wrong("HEAD is a click", "views/click.py", '    if request.method != "HEAD":\n', "    if True:\n"),
    Wrong("no payment_returned", "views/click.py", '    if request.method == "GET" and time.time()', "    if False and time.time()"),
    Wrong("no entry_refused", "views/responses.py", "    tell(state, refusal, page, entry, member)\n    status", "    status"),
    Wrong("the cause is a mere reason", "views/responses.py", "cause=refusal.cause", "cause=refusal.reason"),
    Wrong("the member who clicked is another", "views/click.py", "send(entry_clicked, state, entry=entry, member=member,", 'send(entry_clicked, state, entry=entry, member="somebody",'),
    Wrong("the client reference is lost", "links/tokens.py", "        client_reference=client_reference,\n        signed_at=signed_at,\n", "        signed_at=signed_at,\n"),
    # what is rendered
    Wrong("entries for every device", "macros/entries.py", '"data-xiebao-platform": device,', '"data-xiebao-platform": "h5",'),
    Wrong("a new window on phones", "macros/entries.py", '"_blank" if device == Platform.PC.slug else None', '"_blank"'),
    Wrong("the same window on PCs", "macros/entries.py", '"_blank" if device == Platform.PC.slug else None', "None"),
    Wrong("links that search engines follow", "macros/entries.py", '"rel": "nofollow noopener"', '"rel": "noopener"'),
    Wrong("no Vary", "macros/entries.py", "            rendering().mark_by_device()\n", ""),
    Wrong("a Vary without hints", "app/headers.py", '_DEVICE = ("User-Agent", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform")', '_DEVICE = ("User-Agent",)'),
    Wrong("a policy for shared caches", "app/endpoints.py", "        rendering().mark_private()\n", ""),
    Wrong("attributes that are not escaped", "macros/attributes.py", '{name}="{escape(value)}"', '{name}="{value}"'),
    Wrong("the caller's classes in place of ours", "macros/attributes.py", 'for each in (own, given) if', 'for each in (given or own,) if'),
    Wrong("underscores in attributes", "macros/attributes.py", 'name = keyword.replace("_", "-").lower()', "name = keyword.lower()"),
    Wrong("the label of another page", "gateway/pages.py", '"zh": "保险商城", "en": "Insurance shop"', '"zh": "我要投保", "en": "Get insured"'),
    Wrong("labels in English only", "app/state.py", "        return current_locale(self.settings.locale)", '        return "en"'),
    Wrong("the wrong page in an entry", "macros/entries.py", '"data-xiebao-entry": page,', '"data-xiebao-entry": "product",'),
    Wrong("a code without a name", "macros/helpers.py", '            own.update({"aria-label": label, "lang": text(locale, "language")})\n', "            pass\n"),
    Wrong("a code that leads to a path", "macros/helpers.py", 'self.entries.href("product", reference, {**options, "external": True})', 'self.entries.href("product", reference, {**options, "external": False})'),
    Wrong("a policy link for everybody", "templates/xiebao/entry.html", '"policy"|_xiebao_entry(insure_num,', '"product"|_xiebao_entry(insure_num,'),
    Wrong("a stylesheet that is not there", "macros/assets.py", 'STYLES, SCRIPT = "xiebao.css"', 'STYLES, SCRIPT = "simulator.svg"'),
    Wrong("a script that is not there", "macros/assets.py", 'SCRIPT = "xiebao.css", "xiebao.js"', 'SCRIPT = "xiebao.css", "simulator.svg"'),
    Wrong("no styles in a layer", "macros/assets.py", 'rf"layer/({LAYER})/', 'rf"sheet/({LAYER})/'),
    Wrong("a path in a mail", "macros/helpers.py", 'href = self.entries.href(page, reference, {**options, "external": True})\n            if not href:\n                return {}', 'href = self.entries.href(page, reference, options)\n            if not href:\n                return {}'),
    Wrong("the code in a mail says another link", "views/click.py", "qr_png(token_url(state, f\"xiebao.{entry.page}\", token, external=True))", "qr_png(token_url(state, \"xiebao.paid\", token, external=True))"),
    Wrong("the code in a mail is no picture", "views/click.py", 'mimetype="image/png"', 'mimetype="text/html"'),
    Wrong("a mail without the picture of its code", "templates/xiebao/mail.html", "{%- if qr %}", "{%- if false %}"),
    Wrong("a card without its price", "templates/xiebao/entry.html", "{%- if costs %}<span", "{%- if false %}<span"),
    Wrong("a card without its look", "macros/attributes.py", 'f"{ENTRY} {MODIFIER}card",', "ENTRY,"),
    Wrong("a card's text is not escaped", "templates/xiebao/entry.html", "{{ text|e }}", "{{ text|safe }}"),
    Wrong("a mail's link on whatever host is asked for", "app/endpoints.py", "    if not host_is_trusted(state):\n", "    if False:\n"),
    Wrong("no XIEBAO_PUBLIC_URL", "app/endpoints.py", "    if state.settings.public_url is not None:\n        public = urlsplit", "    if False:\n        public = urlsplit"),
    Wrong("links with a member carry no time", "links/tokens.py", "signed_at = int(time.time()) if entry.signed_at is None else entry.signed_at", "signed_at = 0"),
    # what a reviewer found that nobody had looked at
    Wrong("new links are signed with a key of before", "app/state.py", '        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),\n        config.get("SECRET_KEY"),\n', '        config.get("SECRET_KEY"),\n        *(fallbacks if isinstance(fallbacks, list | tuple) else (None,)),\n'),
    Wrong("SHA-1 for SHA-256", "links/tokens.py", 'salt, key_derivation="none", digest_method=hashlib.sha256)', 'salt, key_derivation="none", digest_method=hashlib.sha1)'),
    Wrong("a half of it is signed", "links/tokens.py", "return (value + self._signer.get_signature(value)).decode()", "return (value + self._signer.get_signature(value[:12])).decode()"),
    Wrong("a way back of any account", "links/tokens.py", 'f"flask-xiebao.click.{partner_id}"', '"flask-xiebao.click"'),
    Wrong("a member's key that is not escaped", "gateway/urls.py", "map(_encode, own.values())", "(value if name == 'partnerUniqKey' else _encode(value) for name, value in own.items())"),
    Wrong("signed nonsense is an error of the site's", "links/tokens.py", "        except (BadData, ValueError, TypeError, LinkError):\n            pass\n", "        except BadData:\n            pass\n"),
    Wrong("a bearer's guard is not asked", "views/click.py", "    ask_site(state, entry, visitor.member)\n", "    if visitor.seconds_left is None:\n        ask_site(state, entry, visitor.member)\n"),
    Wrong("the guard is asked of somebody else", "views/click.py", "answer = state.hooks.may_go(member, entry)", 'answer = state.hooks.may_go("somebody", entry)'),
    Wrong("a guard that aborts is not told", "views/click.py", "        tell(aborted.get_response().status_code)\n", ""),
    Wrong("the guard's yes is a no", "app/hooks.py", "            return bool(answer)  # of a lazy proxy", "            return not answer  # of a lazy proxy"),
    Wrong("ids in lower case", "links/members.py", 'return checked("A member\'s id", check_id, value, LinkError, "member")', 'return checked("A member\'s id", check_id, value, LinkError, "member").lower()'),
    Wrong("members that are compared without their case", "links/admission.py", "entry.member in (None, current) else", "entry.member is None or entry.member.lower() == current.lower() else"),
    Wrong("members that begin alike", "links/admission.py", "entry.member in (None, current) else", "entry.member is None or current.startswith(entry.member) else"),
    Wrong("the loader is asked when a product's entry is rendered", "app/endpoints.py", "    elif member is None and no_login_for is None:\n", "    elif member is None and no_login_for is None:\n        state.hooks.current_member()\n"),
    Wrong("a login that loses the platform", "app/endpoints.py", "return url_for(login_view, next=this_link())", "return url_for(login_view, next=this_link(platform=None))"),
    Wrong("the cause in a header", "views/responses.py", "    response.status_code = status\n", '    response.status_code = status\n    response.headers["X-Why"] = refusal.cause\n'),
    Wrong("the entry of a refusal is lost", "views/responses.py", "        entry=entry,\n", "        entry=None,\n"),
    Wrong("the member of a refusal is lost", "views/responses.py", "        member=member,\n", "        member=None,\n"),
    Wrong("the API key on the handoff page", "views/click.py", '        title=state.text(f"{entry.page}.on_phone"', '        title=state.settings.api_key.reveal() or state.text(f"{entry.page}.on_phone"'),
    Wrong("the sign in an entry", "macros/entries.py", '"rel": "nofollow noopener",\n', '"rel": "nofollow noopener",\n        "data-sign": "3e630aa9d45ff943dbb939202f3f247a",\n'),
    Wrong("an inline style", "macros/entries.py", '"rel": "nofollow noopener",\n', '"rel": "nofollow noopener",\n        "style": "color: red",\n'),
    Wrong("an inline script", "templates/xiebao/entry.html", '<link{{ _xiebao_styles', '<script>1</script><link{{ _xiebao_styles'),
    Wrong("the gateway URL in entry_clicked", "views/click.py", "platform=platform, click_id=click_id)", "platform=platform, click_id=click_id, url=away.location)"),
    Wrong("every click is called the same", "views/click.py", "click_id = secrets.token_hex(8)", 'click_id = "0" * 16'),
    Wrong("a return that is called another click", "views/click.py", "            click_id=done.click_id,\n", '            click_id="0" * 16,\n'),
    Wrong("whoever is logged in has paid", "views/click.py", "return state.hooks.current_member() == member", "return state.hooks.current_member() is not None"),
    Wrong("a payment is news for a minute", "views/click.py", "_RETURN_IS_NEWS = 24 * 60 * 60", "_RETURN_IS_NEWS = 60"),
    Wrong("a payment is news for two days", "views/click.py", "_RETURN_IS_NEWS = 24 * 60 * 60", "_RETURN_IS_NEWS = 48 * 60 * 60"),
    Wrong("HEAD of the way back is a return", "views/click.py", 'if request.method == "GET" and time.time()', "if time.time()"),
    Wrong("scripts get the page on the way back, too", "views/click.py", '    try:\n        done = state.signer.loads_click(token)', '    if not is_navigation(request.environ):\n        return responses.go_there_yourself(state, by_itself=True)\n    try:\n        done = state.signer.loads_click(token)'),
    Wrong("a loader that fails stops who comes back", "views/click.py", '        complain("The member_loader failed when a payment came back: fix it.", exc_info=True)\n        return False\n', "        raise\n"),
    Wrong("the page for scripts waits", "templates/xiebao/navigate.html", '{% if by_itself %}', '{% if false %}'),
    Wrong("the page for scripts never stops", "views/click.py", "by_itself=not is_told_to_go(environ)", "by_itself=True"),
    Wrong("a script of the site's is a click", "views/click.py", 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"', 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") in ("navigate", "same-origin")'),
    Wrong("go=1 over Turbo", "views/click.py", "    return environ.keys().isdisjoint(_FETCHED) and (", "    return (environ.keys().isdisjoint(_FETCHED) or is_told_to_go(environ)) and ("),
    Wrong("go=1 over prefetch", "views/click.py", '    return "prefetch" in purpose.lower()\n', '    return "prefetch" in purpose.lower() and not is_told_to_go(environ)\n'),
    Wrong("?platform=IOS", "app/endpoints.py", "return _PLATFORMS.get(name)", "return _PLATFORMS.get(name.lower())"),
    Wrong("?platform=3", "app/endpoints.py", "{platform.slug: platform for platform in Platform}", "{**{platform.slug: platform for platform in Platform}, **{str(int(platform)): platform for platform in Platform}}"),
    Wrong("PC for a page that has none", "links/tokens.py", "if self.platform is not None and self.platform not in page.platforms:", "if False:"),
    Wrong("back to another host", "links/tokens.py", 'if path.startswith("//") or', "if"),
    Wrong("back to another host by a backslash", "links/tokens.py", '"\\\\" in path or', ""),
    Wrong("back to another site", "links/tokens.py", 'if not isinstance(path, str) or not path.startswith("/"):', "if not isinstance(path, str):"),
    Wrong("a link for no time", "links/tokens.py", "if not is_whole(value, 1, _MOST_SECONDS):", "if not is_whole(value, 0, _MOST_SECONDS):"),
    Wrong("no way to name no sub-account", "gateway/urls.py", "        if sub_partner_id is not None:\n            values", "        if sub_partner_id:\n            values"),
    Wrong("labels that are not escaped", "macros/entries.py", "return attributes, escape(content) if says else label", "return attributes, Markup(content) if says else label"),
    Wrong("labels that are not the caller's", "macros/entries.py", "return attributes, escape(content) if says else label", 'return attributes, escape("我要投保") if says else label'),
    Wrong("xiebao_entry leads to the home page", "templates/xiebao/entry.html", 'page|_xiebao_entry(reference,', '"home"|_xiebao_entry(none,'),
    Wrong("QR codes of one size", "macros/helpers.py", '"width": str(size),\n            "height": str(size),', '"width": "180",\n            "height": "180",'),
    Wrong("QR codes without their options", "macros/helpers.py", 'href = self.entries.href("product", reference, {**options, "external": True})', 'href = self.entries.href("product", reference, {"external": True})'),
    Wrong("attributes that are None are there", "macros/attributes.py", "    if value is None or value is False or isinstance(value, Undefined):\n        return None\n", ""),
    Wrong("one class of a list", "macros/attributes.py", 'return " ".join(name for each in values', 'return " ".join(name for each in values[:1]'),
    Wrong("Vary where markup is the same for all", "macros/entries.py", "marked=not device_markup,", "marked=False,"),
    Wrong("what CDNs are told stays on members' pages", "app/headers.py", "            _remove(headers, _overrules_cache_control)\n", ""),
    Wrong("the client reference goes to the gateway", "views/click.py", "                sub_partner_id=entry.sub_partner_id,\n", '                sub_partner_id=entry.sub_partner_id,\n                extra={"ref": entry.client_reference} if entry.client_reference and entry.return_to else None,\n'),
    Wrong("the log has the sign", "views/responses.py", '        super().__init__((), 302, headers)\n', '        logger.warning("Redirect to %s", url)\n        super().__init__((), 302, headers)\n'),
    Wrong("the browser keeps the sign", "views/responses.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Set-Cookie", "to=" + __import__("base64").b64encode(url.encode()).decode())\n'),
    Wrong("a Refresh beside the Location", "views/responses.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Refresh", "0; url=/")\n'),
    Wrong("statistics of another site's on the handoff", "templates/xiebao/default/handoff.html", "    </svg>\n", '    </svg><img src="https://stats.example/?{{ request.url }}" alt="">'),
    Wrong("a module of each code is light", "macros/qrcodes.py", "        return segno.make_qr(iri_to_uri(url), mask=0)\n", "        code = segno.make_qr(iri_to_uri(url), mask=0)\n        code.matrix[12][12] ^= 1\n        return code\n"),
    # a site that sells nothing now
    Wrong("entries of a site that is off", "app/endpoints.py", '    if not state.settings.enabled:\n        return ""\n', ""),
    Wrong("clicks on a site that is off", "views/click.py", '    if not state.settings.enabled:\n        responses.refuse(state, REFUSALS["disabled"], page)\n', ""),
)  # fmt: skip

#: What a check cannot see, and why: these are as right as the others to it.
UNSEEN = {
    Wrong("refusals are not logged", "views/responses.py", "        logger.info(\n            \"Refused a %s link: %d %s, since %s.\",", "        logger.debug(\n            \"Refused a %s link: %d %s, since %s.\","): "A check is no refusal of a visitor's, so it is not logged.",
    Wrong("the parameters in another order", "gateway/urls.py", "            for name in row.parameters\n            if name in own or name in values", "            for name in sorted(row.parameters)\n            if name in own or name in values"): "To the gateway it is the same URL.",
    Wrong("receivers are not called", "app/signals.py", "    return () if signal.is_muted else signal.receivers_for(app)", "    return ()"): "The site's receivers are not called, and the check is told without them.",
    Wrong("a receiver that fails stops a click in service", "app/signals.py", "            if state.is_strict:\n                raise", "            if True:\n                raise"): "The receivers of a check do not fail, and the site's are not called.",
    Wrong("a loader that fails is nobody", "app/hooks.py", '            source, found = "The member_loader", loader()\n', '            try:\n                source, found = "The member_loader", loader()\n            except ArithmeticError:\n                return None\n'): "The errors of a check would be reported to whoever watches those of the site.",
    Wrong("a guard that says nothing lets everybody go", "app/hooks.py", "        if isinstance(answer, bool):\n            return bool(answer)  # of", "        if answer is None:\n            return True\n        if isinstance(answer, bool):\n            return bool(answer)  # of"): "The same: whatever else than an answer is the site's error.",
    Wrong("every page is private", "macros/entries.py", "            rendering().mark_by_device()\n", "            rendering().mark_by_device()\n            rendering().mark_private()\n"): "A site may have reasons of its own to make a page private.",
    Wrong("anybody may frame the pages", "app/headers.py", 'frame-ancestors \'self\'".removeprefix', 'frame-ancestors *".removeprefix'): "A site may say so itself.",
    Wrong("a key that was taken out goes on counting", "app/state.py", "if _configured_keys(self._config.reveal()) != self._keys.reveal():", "if _configured_keys(self._config.reveal()) != self._keys.reveal() and not self._keys.reveal():"): "No key is taken out while a check is at work.",
    Wrong("a link of yesterday's is remembered for ever", "links/tokens.py", "REMEMBERED = 1024", "REMEMBERED = None"): "Memory is measured, by make bench.",
}  # fmt: skip
