"""Write the index for the manual's own search.

Each section, Python object, setting and message of the manual is a piece in the index.

Sphinx's search does not suit this manual. It finds a Chinese word only if the word is in its
dictionary. It also finds only pages with all words of the query, so it never finds a pasted message
that contains a value from the reader's site.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx


def _find_piece_heading(node: nodes.Node) -> nodes.Element | None:
    """Return the child node whose text is the title of this node in search results.

    Return None if the index has no piece for the node. The index contains only nodes with an id,
    because the search could not link to other nodes.
    """
    if not isinstance(node, nodes.section | addnodes.desc | nodes.definition_list_item):
        return None
    heading = node.children[0]
    return heading if isinstance(heading, nodes.Element) and _get_piece_ids(node, heading) else None


def _get_piece_ids(piece: nodes.Element, heading: nodes.Element) -> list[str]:
    """Return the HTML ids of a piece, or of the heading if only the heading has ids."""
    ids: list[str] = piece["ids"] or heading["ids"]
    return ids


def _iter_texts(node: nodes.Element) -> Iterator[str]:
    """Yield the texts below a node, except the texts of other pieces inside the node."""
    for child in node.children:
        if isinstance(child, nodes.TextElement):
            yield child.astext()
        elif isinstance(child, nodes.row):
            cells = (" ".join(_iter_texts(cell)) for cell in child.findall(nodes.entry))
            yield " · ".join(filter(None, cells))
        elif isinstance(child, nodes.Element) and _find_piece_heading(child) is None:
            yield from _iter_texts(child)


def _iter_pieces(app: Sphinx) -> Iterator[dict[str, str]]:
    """Yield the title, page, text and URL of each piece in the search index."""
    for name in sorted(app.env.found_docs):
        page = app.env.titles[name].astext()
        doctree = app.env.get_doctree(name)
        # Resolve the references, so that a link without a text gets the title of its target.
        app.env.resolve_references(doctree, name, app.builder)
        for markup in list(doctree.findall(nodes.raw)):
            markup.replace_self([])
        for piece in doctree.findall(nodes.Element):
            if (heading := _find_piece_heading(piece)) is None:
                continue
            # "fullname" is the name of a Python object without its parameters.
            title = str(heading.get("fullname") or heading.astext())
            url = app.builder.get_target_uri(name)
            if title != page:
                url += f"#{_get_piece_ids(piece, heading)[0]}"
            content = nodes.container(
                "", *(child for child in piece.children if child is not heading)
            )
            text = " ".join(" ".join(_iter_texts(content)).split())
            yield {"title": title, "page": page, "text": text, "url": url}


def _write_index(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        pieces = [{"id": number, **piece} for number, piece in enumerate(_iter_pieces(app))]
        script = f"const manualPieces = {json.dumps(pieces, ensure_ascii=False)};\n"
        Path(app.outdir, "search-documents.js").write_text(script, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx to write the search index after all pages are written."""
    app.connect("build-finished", _write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
