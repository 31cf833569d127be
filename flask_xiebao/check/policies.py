"""What a page's own Content-Security-Policy keeps from working (CSP 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ..simulator.document import PORTS
from .html_reader import Element, ReadPage

_HOST_SOURCE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?([^/:]+)(?::(\d+|\*))?(/.*)?", re.IGNORECASE)


def keeps_out(page: ReadPage, element: Element, kind: str, url: str, origin: str) -> str | None:
    """Return the sources of the policy that keeps an element of a page out; None for none.

    :param kind: ``style``, ``script``, or ``form``, which leads to a URL.
    :param url: where it is loaded from.
    :param origin: scheme, host and port of the page.
    """
    loads = (f"{kind}-src-elem", f"{kind}-src", "default-src")
    names = ("form-action",) if kind == "form" else loads
    for directives in _policies(page):
        name = next((each for each in names if each in directives), None)
        if name is not None and not _lets_in(directives[name], element, kind, url, origin):
            said = f"{name} {' '.join(directives[name])}".strip()
            return re.sub("'nonce-[^']*'", "'nonce-…'", said)  # another on each page
    return None


def _policies(page: ReadPage) -> Iterator[dict[str, list[str]]]:
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


def _lets_in(sources: list[str], element: Element, kind: str, url: str, origin: str) -> bool:
    nonce, hashes = element.attributes.get("nonce"), element.attributes.get("integrity") or ""
    named = [f"'nonce-{nonce}'", *(f"'{each}'" for each in hashes.split())]
    if any(source in named for source in sources):
        return True
    if kind == "script" and "'strict-dynamic'" in map(str.lower, sources):
        return False  # then only what is named
    return any(_matches(source, url, origin) for source in sources)


def _matches(source: str, url: str, origin: str) -> bool:
    at, page = urlsplit(url), urlsplit(origin)
    if source.lower() == "'self'":
        return (at.scheme, at.netloc) == (page.scheme, page.netloc)
    if source == "*" or source.lower() in (f"{at.scheme}:", f"{at.scheme.removesuffix('s')}:"):
        return True
    found = _HOST_SOURCE.fullmatch(source)
    if found is None:
        return False
    scheme, host, port, path = found.groups()
    host, hostname, usual = host.lower(), at.hostname or "", PORTS.get(at.scheme)
    return (
        (scheme or page.scheme) in (at.scheme, at.scheme.removesuffix("s"))
        and (host in ("*", hostname) or (host.startswith("*.") and hostname.endswith(host[1:])))
        and (port == "*" or (at.port or usual) == (int(port) if port else usual))
        and (not path or at.path == path or (path.endswith("/") and at.path.startswith(path)))
    )
