"""Random mutants: each changes one operator, constant or statement of the package."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.mutants.mutants import Mutant
from tests.tools.mutants.project_copies import ROOT

#: The source files to change. They build links, handle clicks and read notifications.
FILES = ("extension.py", "gateway/*.py", "links/*.py", "app/*.py", "views/*.py", "macros/*.py")
#: The operators that can be replaced, each with the operator that a mutant has instead.
OPERATORS: dict[type, Any] = {
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
# Do not change these syntax tree nodes, because a change would have no effect at run time, or
# because the position of the node in the source code is unknown.
_IGNORED_NODES = (ast.Import, ast.ImportFrom, ast.JoinedStr)
_IGNORED_FIELDS = {"annotation", "returns", "decorator_list", "bases", "msg"}


def choose_random_mutants(count: int, seed: int) -> list[Mutant]:
    """Return random mutants. For the same source code, the same seed gives the same mutants."""
    package = ROOT / "flask_xiebao"
    mutants = {
        mutant.description: mutant
        for pattern in FILES
        for file in sorted(package.glob(pattern))
        for mutant in _iter_mutants(file, str(file.relative_to(package)))
    }
    return random.Random(seed).sample(list(mutants.values()), count)  # noqa: S311


def _iter_mutants(file: Path, name: str) -> Iterator[Mutant]:
    source = file.read_text("utf-8")
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for node, replacement in _iter_replacements(ast.parse(source)):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        before = lines[first][: node.col_offset].decode()
        after = lines[last - 1][node.end_col_offset :].decode()
        original = ast.get_source_segment(source, node) or ""
        # Add the lines above the node to the original code until this code occurs only once in the
        # file.
        while source.count(before + original + after) > 1 and first > 0:
            first -= 1
            before = lines[first].decode() + before
        yield Mutant(
            f"{name}:{node.lineno}:{node.col_offset}: {original} -> {replacement}",
            name,
            before + original + after,
            before + replacement + after,
        )


def _iter_replacements(parent: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield the replaceable nodes below a syntax tree node, each with its replacement code."""
    for field, value in ast.iter_fields(parent):
        children = value if isinstance(value, list) else [value]
        for node in children if field not in _IGNORED_FIELDS else ():
            if not isinstance(node, ast.AST) or isinstance(node, _IGNORED_NODES):
                continue
            if isinstance(node, ast.expr | ast.stmt):
                replacements = ["True", "False"] if field == "test" else []
                for replacement in (*replacements, _build_replacement(node)):
                    if replacement:
                        yield node, replacement
            yield from _iter_replacements(node)


def _build_replacement(node: ast.expr | ast.stmt) -> str:
    """Return the code that replaces a syntax tree node, or "" if the node is not replaced."""
    match node:
        case ast.Constant(bool() as value):
            return repr(not value)
        case ast.Constant(int() as value):
            return repr(value + 1)
        # Replace only strings without spaces, because these are names and not texts for people.
        case ast.Constant(str() as value) if value and not set(value) & set(" \n"):
            return repr(value[:-1])
        case ast.Compare(left, [operator, *others], values) if type(operator) in OPERATORS:
            return ast.unparse(ast.Compare(left, [OPERATORS[type(operator)](), *others], values))
        case ast.BoolOp(operator, values):
            return f"({ast.unparse(ast.BoolOp(OPERATORS[type(operator)](), values))})"
        case ast.BinOp(left, operator, right) if type(operator) in OPERATORS:
            return f"({ast.unparse(ast.BinOp(left, OPERATORS[type(operator)](), right))})"
        case ast.UnaryOp(ast.Not(), operand):
            return f"({ast.unparse(operand)})"
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            return "pass"
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            return "return None"
    return ""
