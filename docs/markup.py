"""What readers need and the theme does not have: most of it for keyboards and screen readers."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _ as translated
from translate import lags

# Options and whatever is short do not break; long names in tables do after these, and tokens after
# what they begin with.
_WHOLE = re.compile(r'<span class="pre">(--(?!xiebao-)[^<\s]+|[^<\s]{1,16})</span>')
_NAME = re.compile(
    r'(<code class="(?:xref std std-confval )?docutils literal notranslate"><span class="pre">)'
    r"(.*?)(</span></code>)"
)
_BREAK = re.compile(r"(?<=[\w>])([._/=])(?=[\w&<])|(?<=^--xiebao)(-)")

_LONGEST_DESCRIPTION = 160

_COUNTED = re.compile(r"id\d+")

# A private field of a dataclass is a parameter that only the package passes.
_PRIVATE_PARAMETER = re.compile(r", _\w+=\w+")

_LAGS = (
    '<div class="admonition note"><p class="admonition-title">英文版更新</p>'
    "<p>英文版的这一页已经更新，中文版还没有跟上：有些名称和说明可能不同。</p></div>"
)

_EMPTY_CELL = '<th class="head"><p></p></th>'
_MESSAGE = re.compile(r'(<dt id="([\w-]+)">)(<code class="message.*?)(</dt>)')

_EMPTY_HEAD = re.compile(rf"<thead>\s*<tr[^>]*>(\s*{_EMPTY_CELL})+\s*</tr>\s*</thead>")


def _breakable(name: re.Match[str]) -> str:
    return name[1] + _BREAK.sub(r"\g<0><wbr>", name[2]) + name[3]


def _linked(message: re.Match[str]) -> str:
    start, anchor, text, end = message.groups()
    title = translated("Link to this definition")
    return f'{start}{text}<a class="headerlink" href="#{anchor}" title="{title}">¶</a>{end}'


def _name(app: Sphinx, doctree: nodes.document) -> None:
    # Chinese headings have ids that count them, which change; their words come first.
    for section in doctree.findall(nodes.section):
        section["ids"].sort(key=lambda name: _COUNTED.fullmatch(name) is not None)


def _mend(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    body = context.get("body")
    if body is None:
        return
    # A table of two columns without names has no head; one of names has a corner that is no name.
    body = _EMPTY_HEAD.sub("", body).replace(_EMPTY_CELL, "<td></td>")
    body = _WHOLE.sub(r'<span class="pre whole">\1</span>', body)
    body = re.sub(
        r"<td>.*?</td>", lambda cell: _NAME.sub(_breakable, cell[0]), body, flags=re.DOTALL
    )
    body = _MESSAGE.sub(_linked, body)
    if app.config.language == "zh_CN":
        source = Path(app.srcdir, f"{page}.md")
        if source.exists() and lags(source):
            body = body.replace("</h1>", f"</h1>{_LAGS}", 1)
        body = body.replace('<span class="colon">:</span>', '<span class="colon">：</span>')
    # Between the type of a parameter and what is said of it; and what Sphinx leaves of a type.
    body = body.replace(" -- ", " – ").replace("~typing.", "")
    # Long lines, wide tables and pictures are scrolled with the keyboard, too.
    body = body.replace("<pre>", '<pre tabindex="0">')
    body = re.sub(r'(<div class="pictures [^>]*>\s*<p)', r'\1 tabindex="0"', body)
    first = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    if first is not None:
        said = escape(shorten(first.astext(), _LONGEST_DESCRIPTION, placeholder="…"))
        context["metatags"] += f'<meta name="description" content="{said}">'
    context["body"] = body.replace(
        '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
    )


def _remove_private_parameters(
    app: Sphinx, what: str, name: str, documented: object, options: object, signature: str, *_: str
) -> tuple[str, None] | None:
    return (_PRIVATE_PARAMETER.sub("", signature), None) if what == "class" and signature else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Mend each page when it is read, and before it is written."""
    app.connect("doctree-read", _name, priority=100)  # before tables of contents are made
    app.connect("html-page-context", _mend)
    app.connect("autodoc-process-signature", _remove_private_parameters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
