"""What a page's own Content-Security-Policy keeps from working (CSP 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..simulator.document import DEFAULT_PORTS
from .html_parser import Element, ParsedPage

_HOST_SOURCE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?([^/:]+)(?::(\d+|\*))?(/.*)?", re.IGNORECASE)


def find_blocking_sources(
    page: ParsedPage, element: Element, resource_type: str, url: str, origin: str
) -> str | None:
    """Return the sources of the policy that keeps an element of a page out; None for none.

    :param kind: ``style``, ``script``, or ``form``, which leads to a URL.
    :param url: where it is loaded from.
    :param origin: scheme, host and port of the page.
    """
    loads = (f"{resource_type}-src-elem", f"{resource_type}-src", "default-src")
    names = ("form-action",) if resource_type == "form" else loads
    for directives in _iter_policy_directives(page):
        name = next((each for each in names if each in directives), None)
        if name is not None and not _is_element_allowed(
            directives[name], element, resource_type, url, origin
        ):
            said = f"{name} {' '.join(directives[name])}".strip()
            return re.sub("'nonce-[^']*'", "'nonce-…'", said)  # another on each page
    return None


def _iter_policy_directives(page: ParsedPage) -> Iterator[dict[str, list[str]]]:
    """Return the directives of each policy that is in force, and what they list."""
    said = page.headers.getlist("Content-Security-Policy")
    said += [
        meta.attributes.get("content") or ""
        for meta in page.metas
        if (meta.attributes.get("http-equiv") or "").lower() == "content-security-policy"
    ]
    for policy in ",".join(said).split(","):
        directives: dict[str, list[str]] = {}
        for part in policy.split(";"):
            name, *sources = part.split() or [""]
            directives.setdefault(name.lower(), sources)  # the first counts
        yield directives


def _is_element_allowed(
    sources: list[str], element: Element, resource_type: str, url: str, origin: str
) -> bool:
    nonce, hashes = element.attributes.get("nonce"), element.attributes.get("integrity") or ""
    named = [f"'nonce-{nonce}'", *(f"'{each}'" for each in hashes.split())]
    if any(source in named for source in sources):
        return True
    if resource_type == "script" and "'strict-dynamic'" in map(str.lower, sources):
        return False  # then only what is named
    return any(_is_source_match(source, url, origin) for source in sources)


def _is_source_match(source: str, url: str, origin: str) -> bool:
    at, page = urlsplit(url), urlsplit(origin)
    if source.lower() == "'self'":
        return (at.scheme, at.netloc) == (page.scheme, page.netloc)
    if source == "*" or source.lower() in (f"{at.scheme}:", f"{at.scheme.removesuffix('s')}:"):
        return True
    found = _HOST_SOURCE.fullmatch(source)
    if found is None:
        return False
    scheme, host, port, path = found.groups()
    host, hostname, usual = host.lower(), at.hostname or "", DEFAULT_PORTS.get(at.scheme)
    return (
        (scheme or page.scheme) in (at.scheme, at.scheme.removesuffix("s"))
        and (host in ("*", hostname) or (host.startswith("*.") and hostname.endswith(host[1:])))
        and (port == "*" or (at.port or usual) == (int(port) if port else usual))
        and (not path or at.path == path or (path.endswith("/") and at.path.startswith(path)))
    )
