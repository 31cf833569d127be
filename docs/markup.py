"""Changes of the HTML of the manual that the theme has no option for.

Most of them are for keyboards, screen readers and narrow screens.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _ as translate
from translate import is_outdated

# Command-line options and short words in code do not wrap.
_UNBREAKABLE = re.compile(r'<span class="pre">(--(?!xiebao-)[^<\s]+|[^<\s]{1,16})</span>')
# Long names in tables wrap after "_" and similar characters, and tokens after "--xiebao-".
_NAME = re.compile(
    r'(<code class="(?:xref std std-confval )?docutils literal notranslate"><span class="pre">)'
    r"(.*?)(</span></code>)"
)
_BREAK = re.compile(r"(?<=[\w>])([._/=])(?=[\w&<])|(?<=^--xiebao)(-)")

_MAX_DESCRIPTION_LENGTH = 160

# An id that docutils numbers, because the heading has no ASCII letters.
_NUMBERED_ID = re.compile(r"id\d+")

# Private fields of a dataclass are parameters that only the package passes.
_PRIVATE_PARAMETER = re.compile(r", _\w+=\w+")

_OUTDATED_NOTE = (
    '<div class="admonition note"><p class="admonition-title">英文版更新</p>'
    "<p>英文版的这一页已经更新，中文版还没有跟上：有些名称和说明可能不同。</p></div>"
)

_EMPTY_HEADING = '<th class="head"><p></p></th>'
_EMPTY_HEAD = re.compile(rf"<thead>\s*<tr[^>]*>(\s*{_EMPTY_HEADING})+\s*</tr>\s*</thead>")
_MESSAGE = re.compile(r'(<dt id="([\w-]+)">)(<code class="message.*?)(</dt>)')


def _insert_breaks(name: re.Match[str]) -> str:
    """Insert ``<wbr>`` elements where a name may wrap."""
    return name[1] + _BREAK.sub(r"\g<0><wbr>", name[2]) + name[3]


def _insert_message_link(message: re.Match[str]) -> str:
    """Append a permanent link to a message, as Sphinx does for headings."""
    start, id, text, end = message.groups()
    title = translate("Link to this definition")
    return f'{start}{text}<a class="headerlink" href="#{id}" title="{title}">¶</a>{end}'


def _prefer_readable_ids(app: Sphinx, doctree: nodes.document) -> None:
    """Move numbered ids of headings to the end, because they change if headings are added."""
    for section in doctree.findall(nodes.section):
        section["ids"].sort(key=lambda id: _NUMBERED_ID.fullmatch(id) is not None)


def _edit_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Edit the HTML of a page, and add a description for search engines."""
    if (body := context.get("body")) is None:
        return
    # Markdown requires a head for each table. Remove the heads and headings that are empty.
    body = _EMPTY_HEAD.sub("", body).replace(_EMPTY_HEADING, "<td></td>")
    body = _UNBREAKABLE.sub(r'<span class="pre whole">\1</span>', body)
    body = re.sub(
        r"<td>.*?</td>", lambda cell: _NAME.sub(_insert_breaks, cell[0]), body, flags=re.DOTALL
    )
    body = _MESSAGE.sub(_insert_message_link, body)
    if app.config.language == "zh_CN":
        source = Path(app.srcdir, f"{page}.md")
        if source.exists() and is_outdated(source):
            body = body.replace("</h1>", f"</h1>{_OUTDATED_NOTE}", 1)
        body = body.replace('<span class="colon">:</span>', '<span class="colon">：</span>')
    # Autodoc writes "--" between a parameter and its description, and "~" before some types.
    body = body.replace(" -- ", " – ").replace("~typing.", "")
    # A keyboard can only scroll elements that have the focus.
    body = body.replace("<pre>", '<pre tabindex="0">')
    body = body.replace('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper')
    context["body"] = re.sub(r'(<div class="pictures [^>]*>\s*<p)', r'\1 tabindex="0"', body)
    if doctree and (paragraph := next(doctree.findall(nodes.paragraph), None)):
        text = shorten(paragraph.astext(), _MAX_DESCRIPTION_LENGTH, placeholder="…")
        context["metatags"] += f'<meta name="description" content="{escape(text)}">'


def _remove_private_parameters(
    app: Sphinx, what: str, name: str, documented: object, options: object, signature: str, *_: str
) -> tuple[str, None] | None:
    return (_PRIVATE_PARAMETER.sub("", signature), None) if what == "class" and signature else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions to the events of Sphinx."""
    # The priority is low enough to run before Sphinx collects the headings of the page.
    app.connect("doctree-read", _prefer_readable_ids, priority=100)
    app.connect("html-page-context", _edit_page)
    app.connect("autodoc-process-signature", _remove_private_parameters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
