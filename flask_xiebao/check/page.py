"""A page of the site as a browser reads it: its links, entries, QR codes and security policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from ..errors import XiebaoError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_CANCELING_SCRIPT = re.compile(r"(?:^|;)\s*(?:return\s+false|event\.preventDefault\(\))[\s;]*$")
# CSS selectors of elements that take the clicks on the links in them, of elements that hide them,
# and of elements whose content is shown after a click, without a script of the site.
_UNCLICKABLE = ", ".join(
    [
        "button",
        *(f"[style*='pointer-events:{space}none' i]" for space in ("", " ")),
    ]
)
_HIDING = ", ".join(
    [
        *("noscript", "[hidden]", "[inert]", "a[aria-disabled=true]:not([href])"),
        *(f"[style*='display:{space}none' i]" for space in ("", " ")),
        *(f"[style*='visibility:{space}hidden' i]" for space in ("", " ")),
    ]
)
_OPENABLE = "dialog, details, [popover]"


class CheckError(XiebaoError):
    """An error that prevents the check of a site from starting. Its message says what to do."""


def parse_html(html: str) -> BeautifulSoup:
    """Return a page as the tree of elements that a browser builds.

    :raises CheckError: if BeautifulSoup or html5lib is not installed.
    """
    try:
        import html5lib  # noqa: F401 - BeautifulSoup imports the parser by its name.
        from bs4 import BeautifulSoup
    except ModuleNotFoundError as error:
        raise CheckError(
            f'The check needs "{error.name}", which is not installed. Run `pip install'
            ' "Flask-Xiebao[check]"`.'
        ) from error
    return BeautifulSoup(html, "html5lib")


class Page:
    """A page of the site, with the response headers that it was sent with.

    :param url: The absolute URL of the page.
    :param html: The HTML.
    :param headers: The response headers.

    :ivar soup: The tree of elements.
    """

    def __init__(self, url: str, html: str, headers: Headers | None = None) -> None:
        self.url = url
        self.html = html
        self.headers = Headers() if headers is None else headers
        self.soup = parse_html(html)
        base = self.soup.find("base", href=True)
        self._base_url = resolve_link(url, get_attribute(base, "href")) if base else url

    def iter_elements(self, *tags: str) -> Iterator[tuple[Tag, str]]:
        """Yield the elements with these tags that have a URL, each with its absolute URL."""
        for element in self.soup.find_all(tags):
            attribute = "src" if element.name == "script" else "href"
            if element.has_attr(attribute):
                yield element, resolve_link(self._base_url, get_attribute(element, attribute))

    @property
    def has_site_script(self) -> bool:
        """True if the page has a script, except for the entry script of the extension."""
        scripts = self.soup.find_all("script")
        return any("/static/xiebao" not in get_attribute(each, "src") for each in scripts)

    @property
    def policies(self) -> list[str]:
        """The Content-Security-Policies of the page, from its headers and its elements."""
        return self.headers.getlist("Content-Security-Policy") + [
            get_attribute(meta, "content")
            for meta in self.soup.find_all("meta")
            if get_attribute(meta, "http-equiv").lower() == "content-security-policy"
        ]


def find_blocking_directive(
    policies: list[str], directive: str, url: str, page_url: str, nonce: str = ""
) -> str | None:
    """Return the Content-Security-Policy directive that blocks a URL, or None if none does.

    :param policies: The policies of the page.
    :param directive: ``style-src``, ``script-src`` or ``form-action``.
    :param url: The URL of the stylesheet or script, or the URL to which a form leads.
    :param page_url: The URL of the page.
    :param nonce: The nonce of the element.
    """
    for policy in ",".join(policies).split(","):
        directives: dict[str, list[str]] = {}
        for part in policy.split(";"):
            name, *sources = part.split() or [""]
            directives.setdefault(name.lower(), sources)
        names = [f"{directive}-elem", directive, "default-src"]
        names = names[1:2] if directive == "form-action" else names
        name = next((name for name in names if name in directives), "")
        if name and not any(
            source == f"'nonce-{nonce}'" or _is_source_match(source, url, page_url)
            for source in directives[name]
        ):
            sources = [re.sub("'nonce-.*'", "'nonce-…'", each) for each in directives[name]]
            return " ".join([name, *sources])
    return None


def _is_source_match(source: str, url: str, page_url: str) -> bool:
    """Return True if a source of a Content-Security-Policy allows a URL."""
    source = source.lower()
    if source in ("*", "'self'"):
        return source == "*" or urlsplit(url)[:2] == urlsplit(page_url)[:2]
    if source.endswith(":"):
        return url.startswith(source)
    if "://" not in source:
        source = f"{urlsplit(url).scheme}://{source}"
    if not urlsplit(source).path:
        source = f"{source}/"
    # A source with "http:" also allows the URL with "https:".
    return any(
        fnmatchcase(f"{url}/", f"{each}*") for each in (source, source.replace("http:", "https:"))
    )


def get_attribute(element: Any, name: str) -> str:
    """Return an attribute of an element as a string, or "" if there is none."""
    value = element.get(name, "")
    return " ".join(value) if isinstance(value, list) else str(value)


def find_click_blocker(link: Tag) -> str:
    """Return the tag of the element that takes the clicks on a link, or "" if there is none."""
    if _CANCELING_SCRIPT.search(get_attribute(link, "onclick")):
        return "<a onclick>"
    return _format_tag(link.css.closest(_UNCLICKABLE))


def find_hiding_element(link: Tag) -> str:
    """Return the tag of the element that hides a link, or "" if the link is visible.

    A disabled link hides itself. A ``<dialog>``, ``<details>`` or popover does not hide a link,
    because the visitor opens it.
    """
    if link.css.closest(_OPENABLE):
        return ""
    # A selector does not match an element outside of the <template> that contains the link.
    return _format_tag(link.css.closest(_HIDING) or link.find_parent("template"))


def _format_tag(element: Tag | None) -> str:
    """Return a tag with the attributes that can hide its element, or "" for None."""
    if element is None:
        return ""
    attributes = [each for each in ("hidden", "inert", "aria-disabled") if element.has_attr(each)]
    if element.has_attr("style"):
        attributes.append(f'style="{get_attribute(element, "style")}"')
    return f"<{' '.join([element.name, *attributes])}>"


def is_parsable_url(text: str) -> bool:
    """Return True if a text can be parsed as an absolute or relative URL."""
    try:
        urlsplit(text).port  # noqa: B018 - Reading the port checks it.
        iri_to_uri(text)  # This checks the host.
    except ValueError:
        return False
    return True


def resolve_link(page_url: str, href: str) -> str:
    """Return the absolute URL of a link on a page. Return a malformed link unchanged."""
    href = href.strip()
    return urljoin(page_url, href) if is_parsable_url(href) and is_parsable_url(page_url) else href


def strip_query(url: str) -> str:
    """Return a URL without its query and fragment, even if it cannot be parsed."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def encode_url_like_browser(url: str) -> str:
    """Return a URL in ASCII, with its host in lower case. Return a malformed URL unchanged."""
    if not is_parsable_url(url) or not url.isprintable():
        return url
    parts = urlsplit(iri_to_uri(url))
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def get_path_and_query(url: str) -> str:
    """Return the path and the query of a URL, without scheme, host and fragment."""
    return urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl()
