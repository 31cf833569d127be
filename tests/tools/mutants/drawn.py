"""Wrong versions that nobody thought of: one small change each, drawn by a seed."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.mutants.trees import ROOT
from tests.tools.mutants.wrong import Wrong

#: Where links are made and followed, and notifications are read.
CORE = ("extension.py", "gateway/*.py", "links/*.py", "app/*.py", "views/*.py", "macros/*.py")
_OPERATORS: dict[type, Any] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
}
#: Of these, nothing is run by a site, or it has no place of its own in the text.
_NODES_LEFT = (ast.Import, ast.ImportFrom, ast.JoinedStr)
_FIELDS_LEFT = {"annotation", "returns", "decorator_list", "bases", "msg"}


def draw(count: int, seed: int) -> list[Wrong]:
    """Return so many wrong versions: the same for a seed, as long as the package is the same."""
    package = ROOT / "flask_xiebao"
    possible = {
        wrong.what: wrong
        for pattern in CORE
        for file in sorted(package.glob(pattern))
        for wrong in _changed(file, str(file.relative_to(package)))
    }
    return random.Random(seed).sample(list(possible.values()), count)  # noqa: S311


def _changed(file: Path, name: str) -> Iterator[Wrong]:
    text = file.read_text("utf-8")
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for node, other in _changes(ast.parse(text)):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        before = lines[first][: node.col_offset].decode()
        after = lines[last - 1][node.end_col_offset :].decode()
        was = ast.get_source_segment(text, node) or ""
        # With the lines above it, until it stands there once.
        while text.count(before + was + after) > 1 and first > 0:
            first -= 1
            before = lines[first].decode() + before
        yield Wrong(
            f"{name}:{node.lineno}:{node.col_offset}: {was} -> {other}",
            name,
            before + was + after,
            before + other + after,
        )


def _changes(parent: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Return what can be changed, and what takes its place."""
    for field, value in ast.iter_fields(parent):
        if field in _FIELDS_LEFT:
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or isinstance(node, _NODES_LEFT):
                continue
            if isinstance(node, ast.expr | ast.stmt):
                if field == "test":
                    yield from ((node, other) for other in ("True", "False"))
                if other := _instead(node):
                    yield node, other
            yield from _changes(node)


def _instead(node: ast.expr | ast.stmt) -> str:
    """Return what takes the place of a node, "" where it is left."""
    match node:
        case ast.Constant(bool() as value):
            return repr(not value)
        case ast.Constant(int() as value):
            return repr(value + 1)
        case ast.Constant(str() as value) if value and not set(value) & set(" \n"):
            return repr(value[:-1])  # a name, not what people read
        case ast.Compare(left, [operator, *others], values) if type(operator) in _OPERATORS:
            return ast.unparse(ast.Compare(left, [_OPERATORS[type(operator)](), *others], values))
        case ast.BoolOp(operator, values):
            return f"({ast.unparse(ast.BoolOp(_OPERATORS[type(operator)](), values))})"
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            return f"({ast.unparse(ast.BinOp(left, _OPERATORS[type(operator)](), right))})"
        case ast.UnaryOp(ast.Not(), operand):
            return f"({ast.unparse(operand)})"
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return "pass"
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            return "return None"
    return ""
