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
            raise ValueError(
                f"{self.what}: {self.file} has this {text.count(self.right)} times, not once:"
                f" {self.right!r}. Quote what stands there now."
            )
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
    Wrong("the key behind the partner id", "gateway/values.py", "api_key.encode() + signed_data", "signed_data + api_key.encode()"),
    Wrong("SHA-1 for MD5", "gateway/values.py", "hashlib.md5(api_key", "hashlib.sha1(api_key"),
    Wrong("a sign in upper case", "gateway/values.py", "usedforsecurity=False).hexdigest()", "usedforsecurity=False).hexdigest().upper()"),
    Wrong("partnerUniqueKey, as the callback spells it", "gateway/pages.py", '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey")', '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqueKey")'),
    Wrong("caseCode that is not escaped", "gateway/urls.py", "f\"{name}={_PLACEHOLDER if name in placeholder_names else _percent_encode(values[name])}\"", "f\"{name}={_PLACEHOLDER if name in placeholder_names else values[name]}\""),
    Wrong("paySuccess with a bare +", "gateway/urls.py", "map(_percent_encode, url_values.values())", "(value if name == 'paySuccess' else _percent_encode(value) for name, value in url_values.items())"),
    Wrong("URL-safe base64", "gateway/urls.py", "base64.b64encode(return_url", "base64.urlsafe_b64encode(return_url"),
    Wrong("a path of the site without its mount", "app/endpoints.py", 'return iri_to_uri(request.root_path) + url if url.startswith("/") else url', "return url"),
    # how it leads there
    Wrong("301 for 302", "app/headers.py", "super().__init__((), 302, headers)", "super().__init__((), 301, headers)"),
    Wrong("a redirect with a body that has the URL", "app/headers.py", "super().__init__((), 302, headers)", "super().__init__((url,), 302, headers)"),
    Wrong("the site's own header after ours", "app/headers.py", "        _remove_headers(headers, _is_replaced_by_privacy_headers)\n", ""),
    Wrong("frames of anybody's", "app/headers.py", 'headers.setlist("Content-Security-Policy", [*others, extended])', "pass"),
    Wrong("content that browsers guess", "app/headers.py", 'headers["X-Content-Type-Options"] = "nosniff"', "pass"),
    Wrong("the sign in a header of its own", "views/link_views.py", 'if get_current_request().method != "HEAD":\n        send_signal(\n            entry_clicked', 'response.headers["X-Sign"] = state.gateway.sign\n    if get_current_request().method != "HEAD":\n        send_signal(entry_clicked'),
    # who goes
    Wrong("404 that says why", "views/responses.py", "reason=refusal.reason)\n    else:\n        response = build_page_response(\n            state,\n            \"notice\",\n            status=refusal.status,\n            reason=refusal.reason,\n", "reason=refusal.cause)\n    else:\n        response = build_page_response(\n            state,\n            \"notice\",\n            status=refusal.status,\n            reason=refusal.cause,\n"),
    Wrong("whoever is logged in buys on another's account", "links/access_rules.py", "AllowedClick(current_member)\n            if entry.member in (None, current_member)\n            else REFUSALS[\"another_member\"]", "AllowedClick(entry.member or current_member)"),
    Wrong("another's link goes as oneself", "links/access_rules.py", "AllowedClick(current_member)\n            if entry.member in (None, current_member)\n            else REFUSALS[\"another_member\"]", "AllowedClick(current_member)"),
    Wrong("a member's link vouches for ever", "links/access_rules.py", 'return AllowedClick(entry.member, seconds_left) if seconds_left else REFUSALS["expired"]', "return AllowedClick(entry.member, seconds_left)"),
    Wrong("a link past its time is past for its own member", "links/access_rules.py", "    if current_member is not None:\n", "    if current_member is not None and entry.seconds_left(now) != 0:\n"),
    Wrong("a link lives a second longer", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for + 1 - int(now))"),
    Wrong("a link lives minutes for seconds", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for * 60 - int(now))"),
    Wrong("a link without a time vouches", "links/access_rules.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if entry.member is None:\n        return REFUSALS["login_required"]\n    if entry.no_login_for is None:\n        return AllowedClick(entry.member)'),
    Wrong("a bearer logs in", "links/access_rules.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if True:\n        return REFUSALS["login_required"]'),
    Wrong("no signature is looked at", "links/tokens.py", 'if not self._signer.verify_signature(payload + b"." + key_id, signature):', "if False:"),
    Wrong("the guard is not asked", "views/link_views.py", "    check_click_is_allowed(state, entry, allowed_click.member)\n", ""),
    Wrong("the guard's no is a yes", "views/link_views.py", "    if guard_result is False:\n        responses.raise_refusal(state, refusal, entry.page, entry, member)\n", "    if guard_result is False:\n        return\n"),
    Wrong("401 where there is a login", "views/responses.py", "    if state.settings.login_view is not None:\n        return make_response(", "    if False:\n        return make_response("),
    Wrong("a login that comes back to the start page", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", 'return url_for(login_view, next="/")'),
    Wrong("a login that comes back by the whole URL", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", "return url_for(login_view, next=request.host_url.rstrip('/') + build_current_link_path())"),
    # which platform
    Wrong("?platform= over the link's", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "find_requested_platform(environ) or entry.platform or state.detect_request_platform(environ)"),
    Wrong("no ?platform=", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "entry.platform or state.detect_request_platform(environ)"),
    Wrong("the device alone", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "state.detect_request_platform(environ)"),
    Wrong("the site's own app is not known", "app/state.py", "return detect_platform(headers, app_user_agent=self.settings.app_user_agent)", "return detect_platform(headers)"),
    Wrong("no hints", "app/state.py", '            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),\n', ""),
    Wrong("a HarmonyOS PC is a phone", "gateway/platforms.py", 'frozenset({"pc", "2in1"})', "frozenset()"),
    Wrong("an iPad in WeChat is a Mac", "gateway/platforms.py", ' or ("mobile/" in user_agent and "macintosh" in user_agent)\n', "\n"),
    Wrong("WeChat on a PC is a phone", "gateway/platforms.py", 'if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):\n        return Platform.PC', 'if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):\n        return Platform.H5'),
    Wrong("HarmonyOS phones are PCs", "gateway/platforms.py", "return Platform.PC if match[1] in _HARMONY_PC_DEVICES else Platform.H5", "return Platform.PC"),
    # the handoff
    Wrong("PCs go to a page that is not for them", "gateway/pages.py", "_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS - {Platform.PC}", "_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS"),
    Wrong("a handoff for another member", "views/link_views.py", "phone_entry = replace(entry, member=allowed_click.member,", 'phone_entry = replace(entry, member="somebody else",'),
    Wrong("a handoff that needs a login", "views/link_views.py", "no_login_for=lifetime, signed_at=now)", "no_login_for=None, signed_at=now)"),
    Wrong("a handoff to the front page", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(request.host_url)"),
    Wrong("a handoff to a path", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(build_entry_link(state, phone_entry, external=False, shown_only_to_requester=True))"),
    Wrong("a handoff to the gateway itself", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(state.gateway.url(entry.page, entry.reference, partner_uniq_key=allowed_click.member))"),
    Wrong("a handoff that forgets the way back", "views/link_views.py", "phone_entry = replace(entry, member", "phone_entry = replace(entry, return_to=None, member"),
    Wrong("a tablet gets the code again", "views/link_views.py", "direct=build_current_link_path(platform=Platform.H5.slug)", "direct=build_current_link_path(platform=Platform.PC.slug)"),
    Wrong("no way on for a tablet", "templates/xiebao/default/handoff.html", '{{ direct }}', "#"),
    # what is no click
    Wrong("what a script fetches is a click", "views/link_views.py", "    if not is_navigation(environ):\n", "    if False:\n"),
    Wrong("HTMX is not known", "views/link_views.py", '"HTTP_HX_REQUEST",', ""),
    Wrong("Turbo's frames are not known", "views/link_views.py", '"HTTP_TURBO_FRAME",', ""),
    Wrong("an image is a click", "views/link_views.py", 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"', 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") in ("navigate", "no-cors")'),
    Wrong("go=1 counts for nothing", "views/link_views.py", '"go=1" in environ.get', '"go=2" in environ.get'),
    Wrong("HTMX gets a redirect to the gateway's page", "views/responses.py", '    response.headers["HX-Redirect"] = build_current_link_path()\n', '    response.headers["HX-Redirect"] = "/"\n'),
    Wrong("HTMX loses the platform", "views/responses.py", '    response.headers["HX-Redirect"] = build_current_link_path()\n', '    response.headers["HX-Redirect"] = build_current_link_path(platform=None)\n'),
    Wrong("Turbo keeps the page", "templates/xiebao/navigate.html", '  <meta name="turbo-cache-control" content="no-cache">\n', ""),
    Wrong("Turbo shows the page", "templates/xiebao/navigate.html", '  <meta name="turbo-visit-control" content="reload">\n', ""),
    # the way back
    Wrong("no way back", "views/link_views.py", "member, platform, build_return_url(state, entry, member, click_id)\n            )", "member, platform)"),
    Wrong("a way back to the start page", "views/link_views.py", 'return UncacheableRedirect(iri_to_uri(click.entry.return_to or "/"))', 'return UncacheableRedirect("/")'),
    # what is rendered
    Wrong("entries for every device", "macros/entries.py", '"data-xiebao-platform": platform_slug,', '"data-xiebao-platform": "h5",'),
    Wrong("no Vary", "macros/entries.py", "            get_request_state().mark_response_device_dependent()\n", ""),
    Wrong("a policy for shared caches", "app/endpoints.py", "        get_request_state().mark_response_private()\n", ""),
    Wrong("the wrong page in an entry", "macros/entries.py", '"data-xiebao-entry": page,', '"data-xiebao-entry": "product",'),
    Wrong("a stylesheet that is not there", "macros/assets.py", 'STYLESHEET_FILE, SCRIPT_FILE, DEBUG_SCRIPT_FILE = "xiebao.css"', 'STYLESHEET_FILE, SCRIPT_FILE, DEBUG_SCRIPT_FILE = "simulator.svg"'),
    Wrong("a script that is not there", "macros/assets.py", '= "xiebao.css", "xiebao.js"', '= "xiebao.css", "simulator.svg"'),
    Wrong("links with a member carry no time", "links/tokens.py", "signed_at = int(time.time()) if entry.signed_at is None else entry.signed_at", "signed_at = 0"),
    # what a reviewer found that nobody had looked at
    Wrong("a half of it is signed", "links/tokens.py", "return (signed_part + self._signer.get_signature(signed_part)).decode()", "return (signed_part + self._signer.get_signature(signed_part[:12])).decode()"),
    Wrong("a member's key that is not escaped", "gateway/urls.py", "map(_percent_encode, url_values.values())", "(value if name == 'partnerUniqKey' else _percent_encode(value) for name, value in url_values.items())"),
    Wrong("the guard's yes is a no", "app/hooks.py", "            return bool(result)", "            return not result"),
    Wrong("ids in lower case", "links/members.py", 'return check_named_value("A member\'s id", normalize_member_id, value, LinkError, "member")', 'return check_named_value("A member\'s id", normalize_member_id, value, LinkError, "member").lower()'),
    Wrong("a login that loses the platform", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", "return url_for(login_view, next=build_current_link_path(platform=None))"),
    Wrong("the API key on the handoff page", "views/link_views.py", 'title=state.get_visitor_text(\n            f"{entry.page}.on_phone"', 'title=state.settings.api_key.reveal() or state.get_visitor_text(f"{entry.page}.on_phone"'),
    Wrong("the sign in an entry", "macros/entries.py", '"rel": "nofollow noopener",\n', '"rel": "nofollow noopener",\n        "data-sign": "3e630aa9d45ff943dbb939202f3f247a",\n'),
    Wrong("the page for scripts waits", "templates/xiebao/navigate.html", '{% if auto_refresh %}', '{% if false %}'),
    Wrong("what CDNs are told stays on members' pages", "app/headers.py", "            _remove_headers(headers, is_cache_control_override)\n", ""),
    Wrong("the log has the sign", "app/headers.py", '        super().__init__((), 302, headers)\n', '        current_app.logger.warning("Redirect to %s", url)\n        super().__init__((), 302, headers)\n'),
    Wrong("the browser keeps the sign", "app/headers.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Set-Cookie", "to=" + __import__("base64").b64encode(url.encode()).decode())\n'),
    Wrong("a Refresh beside the Location", "app/headers.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Refresh", "0; url=/")\n'),
    Wrong("statistics of another site's on the handoff", "templates/xiebao/default/handoff.html", "    </svg>\n", '    </svg><img src="https://stats.example/?{{ request.url }}" alt="">'),
    # a site that sells nothing now
    Wrong("entries of a site that is off", "app/endpoints.py", '    if not state.settings.enabled:\n        return ""\n', ""),
    Wrong("clicks on a site that is off", "views/link_views.py", '    if not state.settings.enabled:\n        responses.raise_refusal(state, REFUSALS["disabled"], page)\n', ""),
)  # fmt: skip

#: What a check cannot see, and why: these are as right as the others to it.
UNSEEN = {
    Wrong("refusals are not logged", "views/responses.py", "    logger.info(\n        \"Refused a request for a %s link with status %d (%s), because %s.\",", "    logger.debug(\n        \"Refused a request for a %s link with status %d (%s), because %s.\","): "The refusals of a check are not visitors', so they do not reach the log.",
    Wrong("the parameters in another order", "gateway/urls.py", "            for name in gateway_page.parameters\n            if name in placeholder_names or name in values", "            for name in sorted(gateway_page.parameters)\n            if name in placeholder_names or name in values"): "To the gateway it is the same URL.",
    Wrong("receivers are not called", "app/signals.py", "    return signal.receivers_for(app) if signal.receivers and not signal.is_muted else ()", "    return ()"): "The site's receivers are not called, and the check is told without them.",
    Wrong("a receiver that fails stops a click in service", "app/signals.py", "            if state.is_strict:\n                raise", "            if True:\n                raise"): "The receivers of a check do not fail, and the site's are not called.",
    Wrong("a loader that fails is nobody", "app/hooks.py", '            source, member = "The member_loader", loader()\n', '            try:\n                source, member = "The member_loader", loader()\n            except ArithmeticError:\n                return None\n'): "The errors of a check would be reported to whoever watches those of the site.",
    Wrong("a guard that says nothing lets everybody go", "app/hooks.py", "        if isinstance(result, bool):\n", "        if result is None:\n            return True\n        if isinstance(result, bool):\n"): "The same: whatever else than an answer is the site's error.",
    Wrong("every page is private", "macros/entries.py", "            get_request_state().mark_response_device_dependent()\n", "            get_request_state().mark_response_device_dependent()\n            get_request_state().mark_response_private()\n"): "A site may have reasons of its own to make a page private.",
    Wrong("anybody may frame the pages", "app/headers.py", 'frame-ancestors \'self\'".removeprefix', 'frame-ancestors *".removeprefix'): "A site may say so itself.",
    Wrong("a key that was taken out goes on counting", "app/state.py", "if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal():", "if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal() and not self._signer_keys.reveal():"): "No key is taken out while a check is at work.",
    Wrong("a link of yesterday's is remembered for ever", "links/tokens.py", "MAX_CACHED_TOKENS = 1024", "MAX_CACHED_TOKENS = None"): "Memory is measured, by make bench.",
}  # fmt: skip
