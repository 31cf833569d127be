"""Tests that ``docs/messages.toml`` has every message of the package, and no other message.

The manual is built from this file. If you add or change an exception, a log line, or a text of a
command, add or change its entry in the file.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from flask_xiebao.texts.en import TEXTS
from tests.manual.blocks import ROOT

MANUAL = Path("docs", "messages.toml")

#: Messages of exceptions that the package catches itself, so users do not see them.
INTERNAL_MESSAGES = (
    "No view was called for …, and the status is ….",
    "The link was not made by this site, or it was changed.",
    "is not a date or a time in the expected format.",
)

CHINESE = re.compile("[一-鿿]")
#: Chinese terms from the interface document that English messages may contain.
CHINESE_TERMS = re.compile("渠道账号|渠道子账号|投保单号")


class CodeText(NamedTuple):
    """A string in the source code, with "…" in place of each value that is inserted at run time.

    :ivar location: the file and the line number, or the text key.
    :ivar text: the string.
    :ivar is_raised: True if the string is the message of an exception.
    """

    location: str
    text: str
    is_raised: bool

    @property
    def word_count(self) -> int:
        return len(re.findall(r"[A-Za-z]['\w]*", self.text))

    @property
    def is_message(self) -> bool:
        """True if the string is an exception's message or another sentence that users may read."""
        is_html = self.text.startswith("<") and self.text.endswith(">")
        if is_html or self.text in INTERNAL_MESSAGES or self.text in TEXTS or self.word_count < 2:
            return False
        is_sentence = re.search(r" .*[\w)\"'…][.:?](\s|…|$)", self.text) is not None
        return self.is_raised or (self.word_count > 2 and is_sentence)

    def find_character_indexes(self, entry: str) -> set[int]:
        """Return the indexes of all characters in *entry* that are part of this string.

        *entry* is a message in the manual. If it does not contain all parts of the string in the
        same order, the set is empty.
        """
        positions, start = set[int](), 0
        for part in self.text.split("…"):
            start = entry.find(part, start)
            if start < 0:
                return set()
            positions.update(range(start, start + len(part)))
            start += len(part)
        return positions


def read_string_literal(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str() as text):
            return re.sub("%[sdr]", "…", text)
        case ast.JoinedStr(values=parts):
            return re.sub("…+", "…", "".join(read_string_literal(part) or "…" for part in parts))
    return None


def iter_code_texts(node: ast.AST, path: Path, *, is_raised: bool = False) -> Iterator[CodeText]:
    """Yield the strings in a syntax tree, except for docstrings and help texts."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.keyword(arg="help"):
            return
        case ast.Raise() | ast.Call(func=ast.Name(id="check_named_value")):
            is_raised = True
    text = read_string_literal(node)
    if text is not None:
        yield CodeText(f"{path}:{getattr(node, 'lineno', '')}", text.strip(), is_raised)
    for child in ast.iter_child_nodes(node):
        # Skip the constant parts of an f-string, because the text of the whole f-string contains
        # these parts.
        if text is None or read_string_literal(child) is None:
            yield from iter_code_texts(child, path, is_raised=is_raised)


#: Matches the keys of the texts with which commands report problems. Keys with the prefix
#: ``doctor.ok.`` do not match, because their texts report that there is no problem.
_COMMAND_KEYS = re.compile(
    r"(check\.means\.unreached|doctor(?!\.ok\.)|link|query|reconcile|reassign|prune|notify|order)\."
)
#: Keys of texts for ``flask xiebao check`` that ``flask xiebao doctor`` also prints.
_DOCTOR_KEYS = {
    *("suspects", "check.failure", "check.failure.actual"),
    *(f"check.means.{rule}" for rule in ("address", "anonymous", "crash", "link", "login")),
    *(f"check.means.{rule}" for rule in ("parameter", "status", "way_back")),
}


@cache
def find_code_texts() -> list[CodeText]:
    texts: list[CodeText] = []
    for file in sorted(ROOT.joinpath("flask_xiebao").rglob("*.py")):
        if file.parent.name != "texts":
            texts += iter_code_texts(ast.parse(file.read_text("utf-8")), file.relative_to(ROOT))
    for key, text in TEXTS.items():
        if key in _DOCTOR_KEYS or _COMMAND_KEYS.match(key):
            parts = [literal for literal, *_ in Formatter().parse(f"{text}{{}}")]
            texts.append(CodeText(f"texts/en.py, {key}", "…".join(parts), is_raised=False))
    return texts


@cache
def read_manual_entries() -> list[tuple[str, str]]:
    """Return all messages in the manual, each with the manual's advice on the message."""
    sections = tomllib.loads(ROOT.joinpath(MANUAL).read_text("utf-8"))["section"]
    return [(row["text"], row["en"]) for section in sections for row in section["message"]]


def find_unknown_words(entry: str) -> str:
    """Return the words in a message of the manual that do not come from the source code.

    Numbers are left out.
    """
    known = set[int]().union(
        *(
            text.find_character_indexes(entry)
            for text in find_code_texts()
            if text.is_raised or text.word_count > 1
        )
    )
    words = re.finditer(r"[^\W\d]\w*", entry)
    return " ".join(word[0] for word in words if not known.issuperset(range(*word.span())))


def test_every_message_is_in_manual() -> None:
    missing = [
        f"{text.location}: {text.text}"
        for text in find_code_texts()
        if text.is_message
        and not any(text.find_character_indexes(entry) for entry, _ in read_manual_entries())
    ]
    assert not missing, f"{MANUAL} lacks:\n" + "\n".join(missing)


def test_every_message_in_manual_is_in_package() -> None:
    outdated = [
        f"{MANUAL}: {entry} (not in the code: {words})"
        for entry, _ in read_manual_entries()
        if (words := find_unknown_words(entry))
    ]
    assert not outdated, "\n".join(outdated)


def test_messages_in_manual_are_unique_and_have_advice() -> None:
    texts = [entry for entry, _ in read_manual_entries()]
    invalid = [
        f"{MANUAL}: {entry}"
        for entry, advice in read_manual_entries()
        if texts.count(entry) > 1
        or not advice.strip()
        or CHINESE.search(CHINESE_TERMS.sub("", advice))
    ]
    assert not invalid, "\n".join(invalid)
