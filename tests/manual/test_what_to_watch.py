"""Tests that the page "What to watch" has each warning and each error that the package logs."""

import ast
import re

from tests.manual.blocks import DOCS, ROOT
from tests.unit.test_messages import read_manual_entries, read_string_literal

#: The words with which messages.toml describes a message that is logged.
LOGGED = re.compile(r"in the log|logs this (?:error|warning)")
LOG_CALL = re.compile(r"(.*\.)?(log_throttled|warn_once|_log_and_build_config_error|warning)\(.*")


def test_page_lists_each_warning_and_error_of_package() -> None:
    page = DOCS.joinpath("en/how-to/what-to-watch.md").read_text("utf-8")
    cells = re.findall(r"^\| (`.*?) \| (?:ERROR|WARNING)", page, re.MULTILINE)
    listed = [line.strip("… ") for line in re.findall("`([^`]+)`", " ".join(cells))]
    logged = [text for text, advice in read_manual_entries() if LOGGED.search(advice)]
    for file in ROOT.glob("flask_xiebao/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and LOG_CALL.match(ast.unparse(node)):
                logged.append(read_string_literal(node.args[0]) or "")
    # A text with few words is a part of a message from messages.toml.
    missing = [text for text in logged if text.count(" ") > 4 and not any(map(text.count, listed))]
    assert missing == []
