"""Changes to the manual's HTML for which the theme has no options.

Most of these changes are for keyboards, screen readers and narrow screens.
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

# Inline code in which no line may break: command-line options and short words.
_UNBREAKABLE = re.compile(r'<span class="pre">(--(?!xiebao-)[^<\s]+|[^<\s]{1,16})</span>')
# A long name in a table. Lines may break after "_" and similar characters, and after "--xiebao-" in
# the name of a design token.
_NAME = re.compile(
    r'(<code class="(?:xref std std-confval )?docutils literal notranslate"><span class="pre">)'
    r"(.*?)(</span></code>)"
)
_BREAK = re.compile(r"(?<=[\w>])([._/=])(?=[\w&<])|(?<=^--xiebao)(-)")

_MAX_DESCRIPTION_LENGTH = 160

# An id such as "id3", which docutils gives to a heading without ASCII letters.
_NUMBERED_ID = re.compile(r"id\d+")

# A private field in the signature of a dataclass. Only the package itself passes this parameter.
_PRIVATE_PARAMETER = re.compile(r", _\w+=\w+")

_OUTDATED_NOTE = (
    '<div class="admonition note"><p class="admonition-title">英文版更新</p>'
    "<p>英文版的这一页已经更新，中文版还没有跟上：有些名称和说明可能不同。</p></div>"
)

_EMPTY_HEADING = '<th class="head"><p></p></th>'
_EMPTY_HEAD = re.compile(rf"<thead>\s*<tr[^>]*>(\s*{_EMPTY_HEADING})+\s*</tr>\s*</thead>")
_MESSAGE = re.compile(r'(<dt id="([\w-]+)">)(<code class="message.*?)(</dt>)')


def _insert_line_breaks(name: re.Match[str]) -> str:
    """Insert a ``<wbr>`` element at each position where a line may break inside a name."""
    return name[1] + _BREAK.sub(r"\g<0><wbr>", name[2]) + name[3]


def _insert_message_link(message: re.Match[str]) -> str:
    """Append a permanent link to a message, like the links that Sphinx appends to headings."""
    start, id, text, end = message.groups()
    title = translate("Link to this definition")
    return f'{start}{text}<a class="headerlink" href="#{id}" title="{title}">¶</a>{end}'


def _prefer_readable_ids(app: Sphinx, doctree: nodes.document) -> None:
    """Sort numbered heading ids last, because the numbers change if headings are added."""
    for section in doctree.findall(nodes.section):
        section["ids"].sort(key=lambda id: _NUMBERED_ID.fullmatch(id) is not None)


def _edit_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Edit the HTML of a page, and add a description for search engines."""
    if (body := context.get("body")) is None:
        return
    # Markdown requires a head for each table. Remove empty table heads and empty heading cells.
    body = _EMPTY_HEAD.sub("", body).replace(_EMPTY_HEADING, "<td></td>")
    body = _UNBREAKABLE.sub(r'<span class="pre whole">\1</span>', body)
    body = re.sub(
        r"<td>.*?</td>", lambda cell: _NAME.sub(_insert_line_breaks, cell[0]), body, flags=re.DOTALL
    )
    body = _MESSAGE.sub(_insert_message_link, body)
    if app.config.language == "zh_CN":
        source = Path(app.srcdir, f"{page}.md")
        if source.exists() and is_outdated(source):
            body = body.replace("</h1>", f"</h1>{_OUTDATED_NOTE}", 1)
        body = body.replace('<span class="colon">:</span>', '<span class="colon">：</span>')
    # Autodoc writes "--" between a parameter and its description, and "~" before some types.
    body = body.replace(" -- ", " – ").replace("~typing.", "")
    # Make code and tables focusable, because a keyboard can scroll only the element with the focus.
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
    """Connect the functions of this module to Sphinx's events."""
    # Functions with a lower priority number run earlier. 100 is low enough to run before Sphinx
    # collects the headings of the page.
    app.connect("doctree-read", _prefer_readable_ids, priority=100)
    app.connect("html-page-context", _edit_page)
    app.connect("autodoc-process-signature", _remove_private_parameters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
