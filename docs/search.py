"""What the search of the manual searches: every section, setting, name and message of its own.

Sphinx's own index takes Chinese only in words of a dictionary, and finds only what has all words of
a question: a pasted message, with a value of the site's in it, never has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

_PIECES = (nodes.section, addnodes.desc, nodes.definition_list_item)


def _heading(piece: nodes.Element) -> nodes.Element:
    """Return what names a piece: a title, a signature or a term."""
    first = piece.children[0]
    assert isinstance(first, nodes.Element)  # noqa: S101 - so docutils makes them
    return first


def _anchor(piece: nodes.Element) -> str:
    """Return where a piece is on its page; nothing for one that has no place of its own."""
    ids = piece["ids"] or _heading(piece)["ids"]
    return ids[0] if ids else ""


def _is_piece(node: nodes.Node) -> bool:
    return isinstance(node, _PIECES) and bool(_anchor(node))


def _texts(node: nodes.Element) -> Iterator[str]:
    """Yield what there is below a node, without the pieces in it."""
    for child in node.children:
        if isinstance(child, nodes.TextElement):
            yield child.astext()
        elif isinstance(child, nodes.row):
            cells = (" ".join(_texts(cell)) for cell in child.findall(nodes.entry))
            yield " · ".join(filter(None, cells))
        elif isinstance(child, nodes.Element) and not _is_piece(child):
            yield from _texts(child)


def _title(heading: nodes.Element) -> str:
    if isinstance(heading, addnodes.desc_signature):
        return str(heading.get("fullname") or heading.astext())
    return heading.astext()


def _pieces(app: Sphinx) -> Iterator[dict[str, str]]:
    for name in sorted(app.env.found_docs):
        page = app.env.titles[name].astext()
        doctree = app.env.get_doctree(name)
        app.env.resolve_references(doctree, name, app.builder)  # links have words then
        for markup in list(doctree.findall(nodes.raw)):
            markup.replace_self([])
        for piece in doctree.findall(nodes.Element):
            if not _is_piece(piece):
                continue
            heading = _heading(piece)
            title = _title(heading)
            url = app.builder.get_target_uri(name)
            if title != page:
                url += f"#{_anchor(piece)}"
            below = [child for child in piece.children if child is not heading]
            text = " ".join(" ".join(_texts(nodes.container("", *below))).split())
            yield {"title": title, "page": page, "text": text, "url": url}


def _write(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    pieces = [{"id": number, **piece} for number, piece in enumerate(_pieces(app))]
    text = f"const manualPieces = {json.dumps(pieces, ensure_ascii=False)};\n"
    Path(app.outdir, "search-documents.js").write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx write the pieces when the pages stand."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
