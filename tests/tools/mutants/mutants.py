"""Mutants of links, clicks and pages. To add a mutant, add an item to ``CLICK_MUTANTS``."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple


class Mutant(NamedTuple):
    """A change to one source file that puts a fault into the package.

    :param description: The fault in words.
    :param file: The path of the source file below ``flask_xiebao/``.
    :param original: The code to replace. It occurs in the file exactly once.
    :param replacement: The code with the fault.
    """

    description: str
    file: str
    original: str
    replacement: str

    def build_faulty_source(self, source: str) -> str:
        """Insert the fault into the source code of the file, and return the result.

        :raises ValueError: if the file does not contain the original code exactly once.
        """
        count = source.count(self.original)
        if count != 1:
            raise ValueError(
                f'The mutant "{self.description}" replaces code that occurs {count} times in'
                f" {self.file}, instead of once: {self.original!r}. Quote the current code."
            )
        return source.replace(self.original, self.replacement)

    def get_changed_lines(self, source: str) -> range:
        """Return the numbers of the source lines that the mutant changes."""
        matcher = SequenceMatcher(None, self.original, self.replacement, autojunk=False)
        changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
        offset = source.index(self.original)
        first, last = offset + changes[0][1], offset + changes[-1][2]
        line = source.count("\n", 0, first) + 1
        return range(line, line + source[first:last].rstrip("\n").count("\n") + 1)


#: The mutants of links, clicks and pages.
CLICK_MUTANTS = (
    # Gateway URLs
    Mutant("platform codes of iOS and Android are swapped", "gateway/platforms.py", "    IOS = 3\n    ANDROID = 4", "    IOS = 4\n    ANDROID = 3"),
    Mutant("platform codes of H5 and PC are swapped", "gateway/platforms.py", "    H5 = 1\n    PC = 2", "    H5 = 2\n    PC = 1"),
    Mutant("API key is hashed after the data instead of before it", "gateway/values.py", "api_key.encode() + signed_data", "signed_data + api_key.encode()"),
    Mutant("sign is computed with SHA-1 instead of MD5", "gateway/values.py", "hashlib.md5(api_key", "hashlib.sha1(api_key"),
    Mutant("sign is in upper case", "gateway/values.py", "usedforsecurity=False).hexdigest()", "usedforsecurity=False).hexdigest().upper()"),
    Mutant("gateway URL has partnerUniqueKey instead of partnerUniqKey", "gateway/pages.py", '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqKey")', '*("partnerId", "subPartnerId", "caseCode", "sign", "partnerUniqueKey")'),
    Mutant("caseCode is not percent-encoded", "gateway/urls.py", "f\"{name}={_PLACEHOLDER if name in placeholder_names else _percent_encode(values[name])}\"", "f\"{name}={_PLACEHOLDER if name in placeholder_names else values[name]}\""),
    Mutant("paySuccess is not percent-encoded", "gateway/urls.py", "map(_percent_encode, url_values.values())", "(value if name == 'paySuccess' else _percent_encode(value) for name, value in url_values.items())"),
    Mutant("paySuccess is URL-safe base64", "gateway/urls.py", "base64.b64encode(return_url", "base64.urlsafe_b64encode(return_url"),
    Mutant("gateway path on the site lacks the app's root path", "app/endpoints.py", 'return iri_to_uri(request.root_path) + url if url.startswith("/") else url', "return url"),
    # Redirects and headers
    Mutant("redirect to the gateway has status 301", "app/headers.py", "super().__init__((), 302, headers)", "super().__init__((), 301, headers)"),
    Mutant("redirect to the gateway has a body with the gateway URL", "app/headers.py", "super().__init__((), 302, headers)", "super().__init__((url,), 302, headers)"),
    Mutant("headers of the site are kept beside the privacy headers", "app/headers.py", "        _remove_headers(headers, _is_replaced_by_privacy_headers)\n", ""),
    Mutant("frame-ancestors directive is missing from pages", "app/headers.py", 'headers.setlist("Content-Security-Policy", [*others, extended])', "pass"),
    Mutant("X-Content-Type-Options header is missing from pages", "app/headers.py", 'headers["X-Content-Type-Options"] = "nosniff"', "pass"),
    Mutant("redirect has the sign in an extra header", "views/link_views.py", 'if get_current_request().method != "HEAD":\n        send_signal(\n            entry_clicked', 'response.headers["X-Sign"] = state.gateway.sign\n    if get_current_request().method != "HEAD":\n        send_signal(entry_clicked'),
    # Access to links
    Mutant("page for a refused click reveals the cause", "views/responses.py", "reason=refusal.reason)\n    else:\n        response = build_page_response(\n            state,\n            \"notice\",\n            status=refusal.status,\n            reason=refusal.reason,\n", "reason=refusal.cause)\n    else:\n        response = build_page_response(\n            state,\n            \"notice\",\n            status=refusal.status,\n            reason=refusal.cause,\n"),
    Mutant("logged-in member buys on the account of the link's member", "links/access_rules.py", "AllowedClick(current_member)\n            if entry.member in (None, current_member)\n            else REFUSALS[\"another_member\"]", "AllowedClick(entry.member or current_member)"),
    Mutant("link of another member opens for the logged-in member", "links/access_rules.py", "AllowedClick(current_member)\n            if entry.member in (None, current_member)\n            else REFUSALS[\"another_member\"]", "AllowedClick(current_member)"),
    Mutant("expired bearer link is accepted", "links/access_rules.py", 'return AllowedClick(entry.member, seconds_left) if seconds_left else REFUSALS["expired"]', "return AllowedClick(entry.member, seconds_left)"),
    Mutant("expired link is refused although its member is logged in", "links/access_rules.py", "    if current_member is not None:\n", "    if current_member is not None and entry.seconds_left(now) != 0:\n"),
    Mutant("bearer link expires one second too late", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for + 1 - int(now))"),
    Mutant("no_login_for counts minutes instead of seconds", "links/tokens.py", "return max(0, self.signed_at + self.no_login_for - int(now))", "return max(0, self.signed_at + self.no_login_for * 60 - int(now))"),
    Mutant("link of a member works without a login although no_login_for is not set", "links/access_rules.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if entry.member is None:\n        return REFUSALS["login_required"]\n    if entry.no_login_for is None:\n        return AllowedClick(entry.member)'),
    Mutant("bearer link requires a login", "links/access_rules.py", '    if entry.member is None or entry.no_login_for is None:\n        return REFUSALS["login_required"]', '    if True:\n        return REFUSALS["login_required"]'),
    Mutant("token signature is not verified", "links/tokens.py", 'if not self._signer.verify_signature(payload + b"." + key_id, signature):', "if False:"),
    Mutant("click_guard is not called", "views/link_views.py", "    check_click_is_allowed(state, entry, allowed_click.member)\n", ""),
    Mutant("click is allowed although click_guard returns False", "views/link_views.py", "    if guard_result is False:\n        responses.raise_refusal(state, refusal, entry.page, entry, member)\n", "    if guard_result is False:\n        return\n"),
    Mutant("anonymous visitor gets 401 instead of a redirect to the login", "views/responses.py", "    if state.settings.login_view is not None:\n        return make_response(", "    if False:\n        return make_response("),
    Mutant("login leads back to the home page instead of the link", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", 'return url_for(login_view, next="/")'),
    Mutant("login URL has an absolute URL as its next parameter", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", "return url_for(login_view, next=request.host_url.rstrip('/') + build_current_link_path())"),
    # Detection of platforms
    Mutant("platform of the query overrides the platform of the link", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "find_requested_platform(environ) or entry.platform or state.detect_request_platform(environ)"),
    Mutant("platform of the query is ignored", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "entry.platform or state.detect_request_platform(environ)"),
    Mutant("platforms of the link and of the query are ignored", "views/link_views.py", "entry.platform or find_requested_platform(environ) or state.detect_request_platform(environ)", "state.detect_request_platform(environ)"),
    Mutant("XIEBAO_APP_USER_AGENT is ignored", "app/state.py", "return detect_platform(headers, app_user_agent=self.settings.app_user_agent)", "return detect_platform(headers)"),
    Mutant("Sec-CH-UA-Platform header is ignored", "app/state.py", '            "Sec-CH-UA-Platform": environ.get("HTTP_SEC_CH_UA_PLATFORM"),\n', ""),
    Mutant("HarmonyOS PC is detected as a phone", "gateway/platforms.py", 'frozenset({"pc", "2in1"})', "frozenset()"),
    Mutant("iPad in WeChat is detected as a PC", "gateway/platforms.py", ' or ("mobile/" in user_agent and "macintosh" in user_agent)\n', "\n"),
    Mutant("WeChat on a PC is detected as a phone", "gateway/platforms.py", 'if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):\n        return Platform.PC', 'if "wechat" in user_agent and _has_any_word(_DESKTOP_WECHAT, user_agent):\n        return Platform.H5'),
    Mutant("HarmonyOS phone is detected as a PC", "gateway/platforms.py", "return Platform.PC if match[1] in _HARMONY_PC_DEVICES else Platform.H5", "return Platform.PC"),
    # The handoff page
    Mutant("PC is redirected to a gateway page without a PC version", "gateway/pages.py", "_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS - {Platform.PC}", "_ALL_PLATFORMS_EXCEPT_PC = _ALL_PLATFORMS"),
    Mutant("handoff link is for another member", "views/link_views.py", "phone_entry = replace(entry, member=allowed_click.member,", 'phone_entry = replace(entry, member="somebody else",'),
    Mutant("handoff link requires a login", "views/link_views.py", "no_login_for=lifetime, signed_at=now)", "no_login_for=None, signed_at=now)"),
    Mutant("QR code of the handoff page contains the URL of the site's home page", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(request.host_url)"),
    Mutant("QR code of the handoff page contains a path instead of a URL", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(build_entry_link(state, phone_entry, external=False, shown_only_to_requester=True))"),
    Mutant("QR code of the handoff page contains the gateway URL", "views/link_views.py", "code = render_qr_svg_and_send_signal(\n            build_entry_link(state, phone_entry, external=True, shown_only_to_requester=True)\n        )", "code = render_qr_svg_and_send_signal(state.gateway.url(entry.page, entry.reference, partner_uniq_key=allowed_click.member))"),
    Mutant("handoff link loses return_to", "views/link_views.py", "phone_entry = replace(entry, member", "phone_entry = replace(entry, return_to=None, member"),
    Mutant("link for tablets on the handoff page leads to the handoff page again", "views/link_views.py", "direct=build_current_link_path(platform=Platform.H5.slug)", "direct=build_current_link_path(platform=Platform.PC.slug)"),
    Mutant("link for tablets on the handoff page has no target", "templates/xiebao/default/handoff.html", '{{ direct }}', "#"),
    # Requests that are not clicks
    Mutant("request by a script counts as a click", "views/link_views.py", "    if not is_navigation(environ):\n", "    if False:\n"),
    Mutant("HX-Request header is ignored", "views/link_views.py", '"HTTP_HX_REQUEST",', ""),
    Mutant("Turbo-Frame header is ignored", "views/link_views.py", '"HTTP_TURBO_FRAME",', ""),
    Mutant("request for an image counts as a click", "views/link_views.py", 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"', 'environ.get("HTTP_SEC_FETCH_MODE", "navigate") in ("navigate", "no-cors")'),
    Mutant("go=1 in the query is ignored", "views/link_views.py", '"go=1" in environ.get', '"go=2" in environ.get'),
    Mutant("HX-Redirect header leads to the home page", "views/responses.py", '    response.headers["HX-Redirect"] = build_current_link_path()\n', '    response.headers["HX-Redirect"] = "/"\n'),
    Mutant("HX-Redirect header loses the platform", "views/responses.py", '    response.headers["HX-Redirect"] = build_current_link_path()\n', '    response.headers["HX-Redirect"] = build_current_link_path(platform=None)\n'),
    Mutant("continue page is cached by Turbo", "templates/xiebao/navigate.html", '  <meta name="turbo-cache-control" content="no-cache">\n', ""),
    Mutant("continue page does not make Turbo reload", "templates/xiebao/navigate.html", '  <meta name="turbo-visit-control" content="reload">\n', ""),
    # Return links
    Mutant("gateway URL has no paySuccess", "views/link_views.py", "member, platform, build_return_url(state, entry, member, click_id)\n            )", "member, platform)"),
    Mutant("return link redirects to the home page instead of return_to", "views/link_views.py", 'return UncacheableRedirect(iri_to_uri(click.entry.return_to or "/"))', 'return UncacheableRedirect("/")'),
    # Entries and pages
    Mutant("entries are marked as H5 on every device", "macros/entries.py", '"data-xiebao-platform": platform_slug,', '"data-xiebao-platform": "h5",'),
    Mutant("page with entries has no Vary header", "macros/entries.py", "            get_request_state().mark_response_device_dependent()\n", ""),
    Mutant("page with a member's link is not marked as private", "app/endpoints.py", "        get_request_state().mark_response_private()\n", ""),
    Mutant("entries of all pages are marked as product entries", "macros/entries.py", '"data-xiebao-entry": page,', '"data-xiebao-entry": "product",'),
    Mutant("stylesheet URL leads to another file", "macros/assets.py", 'STYLESHEET_FILE, SCRIPT_FILE, DEBUG_SCRIPT_FILE = "xiebao.css"', 'STYLESHEET_FILE, SCRIPT_FILE, DEBUG_SCRIPT_FILE = "simulator.svg"'),
    Mutant("script URL leads to another file", "macros/assets.py", '= "xiebao.css", "xiebao.js"', '= "xiebao.css", "simulator.svg"'),
    Mutant("token of a member's link has the time 0", "links/tokens.py", "signed_at = int(time.time()) if entry.signed_at is None else entry.signed_at", "signed_at = 0"),
    # Faults that a review found
    Mutant("token signature covers only the first 12 bytes", "links/tokens.py", "return (signed_part + self._signer.get_signature(signed_part)).decode()", "return (signed_part + self._signer.get_signature(signed_part[:12])).decode()"),
    Mutant("partnerUniqKey is not percent-encoded", "gateway/urls.py", "map(_percent_encode, url_values.values())", "(value if name == 'partnerUniqKey' else _percent_encode(value) for name, value in url_values.items())"),
    Mutant("result of click_guard is inverted", "app/hooks.py", "            return bool(result)", "            return not result"),
    Mutant("member ids are converted to lower case", "links/members.py", 'return check_named_value("A member\'s id", normalize_member_id, value, LinkError, "member")', 'return check_named_value("A member\'s id", normalize_member_id, value, LinkError, "member").lower()'),
    Mutant("login URL loses the platform", "app/endpoints.py", "return url_for(login_view, next=build_current_link_path())", "return url_for(login_view, next=build_current_link_path(platform=None))"),
    Mutant("handoff page shows the API key", "views/link_views.py", 'title=state.get_visitor_text(\n            f"{entry.page}.on_phone"', 'title=state.settings.api_key.reveal() or state.get_visitor_text(f"{entry.page}.on_phone"'),
    Mutant("entry has the sign in a data attribute", "macros/entries.py", '"rel": "nofollow noopener",\n', '"rel": "nofollow noopener",\n        "data-sign": "3e630aa9d45ff943dbb939202f3f247a",\n'),
    Mutant("continue page does not open the link by itself", "templates/xiebao/navigate.html", '{% if auto_refresh %}', '{% if false %}'),
    Mutant("CDN cache headers are kept on members' pages", "app/headers.py", "            _remove_headers(headers, is_cache_control_override)\n", ""),
    Mutant("gateway URL is logged", "app/headers.py", '        super().__init__((), 302, headers)\n', '        current_app.logger.warning("Redirect to %s", url)\n        super().__init__((), 302, headers)\n'),
    Mutant("gateway URL is stored in a cookie", "app/headers.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Set-Cookie", "to=" + __import__("base64").b64encode(url.encode()).decode())\n'),
    Mutant("redirect has a Refresh header besides Location", "app/headers.py", '        super().__init__((), 302, headers)\n', '        super().__init__((), 302, headers)\n        self.headers.add("Refresh", "0; url=/")\n'),
    Mutant("handoff page loads an image from another site", "templates/xiebao/default/handoff.html", "    </svg>\n", '    </svg><img src="https://stats.example/?{{ request.url }}" alt="">'),
    # Disabled sites
    Mutant("disabled site renders entries", "app/endpoints.py", '    if not state.settings.enabled:\n        return ""\n', ""),
    Mutant("disabled site accepts clicks", "views/link_views.py", '    if not state.settings.enabled:\n        responses.raise_refusal(state, REFUSALS["disabled"], page)\n', ""),
    # Faults that a site cannot notice at a click
    Mutant("refusals are not logged", "views/responses.py", "    logger.info(\n        \"Refused a request for a %s link with status %d (%s), because %s.\",", "    logger.debug(\n        \"Refused a request for a %s link with status %d (%s), because %s.\","),
    Mutant("parameters of the gateway URL are sorted by name", "gateway/urls.py", "            for name in gateway_page.parameters\n            if name in placeholder_names or name in values", "            for name in sorted(gateway_page.parameters)\n            if name in placeholder_names or name in values"),
    Mutant("signal receivers are not called", "app/signals.py", "    return signal.receivers_for(app) if signal.receivers and not signal.is_muted else ()", "    return ()"),
    Mutant("exception in a signal receiver fails a click outside strict mode", "app/signals.py", "            if state.is_strict:\n                raise", "            if True:\n                raise"),
    Mutant("exception in member_loader counts as no login", "app/hooks.py", '            source, member = "The member_loader", loader()\n', '            try:\n                source, member = "The member_loader", loader()\n            except ArithmeticError:\n                return None\n'),
    Mutant("click is allowed although click_guard returns None", "app/hooks.py", "        if isinstance(result, bool):\n", "        if result is None:\n            return True\n        if isinstance(result, bool):\n"),
    Mutant("every page with entries is marked as private", "macros/entries.py", "            get_request_state().mark_response_device_dependent()\n", "            get_request_state().mark_response_device_dependent()\n            get_request_state().mark_response_private()\n"),
    Mutant("any site may show the pages in a frame", "app/headers.py", 'frame-ancestors \'self\'".removeprefix', 'frame-ancestors *".removeprefix'),
    Mutant("removed secret key still verifies links", "app/state.py", "if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal():", "if _get_secret_keys(self._config.reveal()) != self._signer_keys.reveal() and not self._signer_keys.reveal():"),
    Mutant("token cache is unbounded", "links/tokens.py", "MAX_CACHED_TOKENS = 1024", "MAX_CACHED_TOKENS = None"),
)  # fmt: skip
