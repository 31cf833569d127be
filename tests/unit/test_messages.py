"""The manual lists the messages of the package: each that there is, and none that there is not."""

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

LEFT_OUT = (
    # Nobody reads it: the package itself catches it.
    "No view was called for …, and the status is ….",
    "The link was not made by this site, or it was changed.",
    "is not a date or a time in the expected format.",
)

CHINESE = re.compile("[一-鿿]")
TERMS = re.compile("渠道账号|渠道子账号|投保单号")  # of Xiebao's document


class Text(NamedTuple):
    """A text in the code, with … for each part that is computed."""

    where: str
    says: str
    is_raised: bool

    @property
    def words(self) -> int:
        return len(re.findall(r"[A-Za-z]['\w]*", self.says))

    @property
    def is_message(self) -> bool:
        """Whether somebody reads it: it is raised, or reads like a sentence."""
        if self.says in LEFT_OUT or self.says in TEXTS or self.words < 2:
            return False
        is_sentence = re.search(r" .*[\w)\"'…][.:?](\s|…|$)", self.says) is not None
        return self.is_raised or (self.words > 2 and is_sentence)

    def letters_in(self, entry: str) -> set[int]:
        """Return where in an entry its letters are; none, unless all of it is there."""
        letters, at = set[int](), 0
        for piece in self.says.split("…"):
            at = entry.find(piece, at)
            if at < 0:
                return set()
            letters.update(range(at, at := at + len(piece)))
        return letters


def text_of(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str() as said):
            return re.sub("%[sdr]", "…", said)
        case ast.JoinedStr(values=parts):
            return re.sub("…+", "…", "".join(text_of(part) or "…" for part in parts))
    return None


def texts_in(node: ast.AST, path: Path, *, is_raised: bool = False) -> Iterator[Text]:
    """Yield the texts in code but docstrings and help."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.keyword(arg="help"):
            return
        case ast.Raise() | ast.Call(func=ast.Name(id="check_named_value")):
            is_raised = True
    says = text_of(node)
    if says is not None:
        yield Text(f"{path}:{getattr(node, 'lineno', '')}", says.strip(), is_raised)
    for child in ast.iter_child_nodes(node):
        if says is None or text_of(child) is None:  # else it is a piece of this text
            yield from texts_in(child, path, is_raised=is_raised)


#: What the commands say of what is wrong; what is right is ``doctor.ok.…``.
_SAID_BY_COMMANDS = re.compile(
    r"(check\.means\.unreached|doctor(?!\.ok\.)|link|query|reconcile|reassign|prune|notify|order)\."
)
#: What the doctor says as a check does, of what it alone has found so far.
_SAID_BY_THE_DOCTOR = {
    *("suspects", "check.failure"),
    *(f"check.means.{code}" for code in ("aborts", "crash", "crash.library", "login.page")),
    "check.means.status.200",
}


@cache
def texts() -> list[Text]:
    found: list[Text] = []
    for file in sorted(ROOT.joinpath("flask_xiebao").rglob("*.py")):
        if file.parent.name != "texts":  # what pages and reports say
            found += texts_in(ast.parse(file.read_text("utf-8")), file.relative_to(ROOT))
    for key, said in TEXTS.items():  # the doctor says these, too
        if key in _SAID_BY_THE_DOCTOR or _SAID_BY_COMMANDS.match(key):
            pieces = [before for before, *_ in Formatter().parse(f"{said}{{}}")]
            found.append(Text(f"texts/en.py, {key}", "…".join(pieces), is_raised=False))
    return found


@cache
def entries() -> list[tuple[str, str]]:
    """Return the manual's entries: the text of each, and what to do."""
    sections = tomllib.loads(ROOT.joinpath(MANUAL).read_text("utf-8"))["section"]
    return [(each["text"], each["en"]) for section in sections for each in section["message"]]


def words_from_nowhere(entry: str) -> str:
    """Return the words of an entry that no text in the code has; numbers may be filled in."""
    known = set[int]().union(
        *(text.letters_in(entry) for text in texts() if text.is_raised or text.words > 1)
    )
    words = re.finditer(r"[^\W\d]\w*", entry)
    return " ".join(word[0] for word in words if not known.issuperset(range(*word.span())))


def test_each_message_of_the_package_has_an_entry() -> None:
    missing = [
        f"{text.where}: {text.says}"
        for text in texts()
        if text.is_message and not any(text.letters_in(entry) for entry, _ in entries())
    ]
    assert not missing, f"{MANUAL} lacks:\n" + "\n".join(missing)


def test_each_entry_is_a_message_of_the_package() -> None:
    gone = [
        f"{MANUAL}: {entry} (not in the code: {words})"
        for entry, _ in entries()
        if (words := words_from_nowhere(entry))
    ]
    assert not gone, "\n".join(gone)


def test_each_entry_is_there_once_and_says_what_to_do() -> None:
    known = [entry for entry, _ in entries()]
    wrong = [
        f"{MANUAL}: {entry}"
        for entry, en in entries()
        if known.count(entry) > 1 or not en.strip() or CHINESE.search(TERMS.sub("", en))
    ]
    assert not wrong, "\n".join(wrong)
