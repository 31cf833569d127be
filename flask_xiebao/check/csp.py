"""Checks of elements against a page's Content-Security-Policy (CSP 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..simulator.document import DEFAULT_PORTS
from .html_parser import Element, ParsedPage

_HOST_SOURCE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?([^/:]+)(?::(\d+|\*))?(/.*)?", re.IGNORECASE)


def find_blocking_directive(
    page: ParsedPage, element: Element, resource_type: str, url: str, origin: str
) -> str | None:
    """Return the policy directive that blocks an element of a page, or None if none does.

    :param resource_type: ``style``, ``script`` or ``form``.
    :param url: The URL from which the element is loaded, or to which the form leads.
    :param origin: The scheme, host and port of the page.
    """
    names = (
        ("form-action",)
        if resource_type == "form"
        else (f"{resource_type}-src-elem", f"{resource_type}-src", "default-src")
    )
    for directives in _iter_policy_directives(page):
        name = next((name for name in names if name in directives), None)
        if name is not None and not _is_element_allowed(
            directives[name], element, resource_type, url, origin
        ):
            directive = f"{name} {' '.join(directives[name])}".strip()
            # Replace the nonce, because it differs in each response. Equal failures would otherwise
            # look different.
            return re.sub("'nonce-[^']*'", "'nonce-…'", directive)
    return None


def _iter_policy_directives(page: ParsedPage) -> Iterator[dict[str, list[str]]]:
    """Yield each enforced Content-Security-Policy of a page as a dict of directives and sources."""
    policies = page.headers.getlist("Content-Security-Policy")
    policies += [
        meta.attributes.get("content") or ""
        for meta in page.metas
        if (meta.attributes.get("http-equiv") or "").lower() == "content-security-policy"
    ]
    for policy in ",".join(policies).split(","):
        directives: dict[str, list[str]] = {}
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            # Browsers ignore a CSP directive if the policy already has one with the same name.
            directives.setdefault(name.lower(), sources)
        yield directives


def _is_element_allowed(
    sources: list[str], element: Element, resource_type: str, url: str, origin: str
) -> bool:
    nonce, hashes = element.attributes.get("nonce"), element.attributes.get("integrity") or ""
    matching_sources = [f"'nonce-{nonce}'", *(f"'{digest}'" for digest in hashes.split())]
    if any(source in matching_sources for source in sources):
        return True
    if resource_type == "script" and "'strict-dynamic'" in map(str.lower, sources):
        return False  # With strict-dynamic, only nonces and hashes allow a script.
    return any(_is_source_match(source, url, origin) for source in sources)


def _is_source_match(source: str, url: str, origin: str) -> bool:
    target, page = urlsplit(url), urlsplit(origin)
    # In a CSP, a source with http also matches https URLs.
    schemes = (target.scheme, target.scheme.removesuffix("s"))
    if source.lower() == "'self'":
        return (target.scheme, target.netloc) == (page.scheme, page.netloc)
    if source == "*" or source.lower() in (f"{scheme}:" for scheme in schemes):
        return True
    match = _HOST_SOURCE.fullmatch(source)
    if match is None:
        return False
    scheme, host, port, path = match.groups()
    host, hostname = host.lower(), target.hostname or ""
    default_port = DEFAULT_PORTS.get(target.scheme)
    return (
        (scheme or page.scheme) in schemes
        and (host in ("*", hostname) or (host.startswith("*.") and hostname.endswith(host[1:])))
        and (port == "*" or (target.port or default_port) == (int(port) if port else default_port))
        and (
            not path or target.path == path or (path.endswith("/") and target.path.startswith(path))
        )
    )
