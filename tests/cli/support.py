"""What the tests of the commands share: a site, what is typed on it, and what is printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pytest
from click.testing import Result
from flask import Flask, Response, redirect, session
from flask.cli import ScriptInfo

from flask_xiebao.cli import xiebao
from tests import support
from tests.check import support as sites
from tests.check.support import add_middleware, divide_by_zero, register_hook
from tests.support import API_KEY, SIGN, SIGN_OF_API_KEY

TEST, PRODUCTION = "https://testapi.xiebao18.com", "https://api.xiebao18.com"
PLACE = support.PUBLIC_URL

SECRET_KEY = "c4f6e1d09b7a4e38"
MEMBER_SECRET = "5d41c0a6f98b7e3214c7d0a95be83f61"
#: A member secret that the manual shows, and the key that it makes of member 8.
PUBLISHED, KEY_OF_8 = support.MEMBER_SECRET, support.MEMBER_KEYS["8"]
ACCOUNT_KEY = "a9Kx7mQp2ZrT8wLc"
#: Base64 of the hex digits 5aa94a97d25, as keys of this gateway family are.
SHORT_API_KEY = "NWFhOTRhOTdkMjU="
#: What no output may show: nor a password, which an error's text may have.
HIDDEN = (
    SECRET_KEY,
    MEMBER_SECRET,
    PUBLISHED,
    ACCOUNT_KEY,
    SHORT_API_KEY,
    API_KEY,
    SIGN_OF_API_KEY,
    "hunter2",
)

#: The levels of findings, as they are called in Chinese.
LEVELS = {"错误": "ERROR", "警告": "WARNING", "正常": "ok"}
#: What an error says of itself, which is English in every locale; where it was; and commands.
NO_PROSE = re.compile(
    r"\w+Error: .*|SECRET_KEY(_FALLBACKS)? (is not set|must be)\b.*"
    r"|The Purchases object creates rows with Purchase\(\), .*"
    r"|\w+ in \S+ \(|(flask|pip) \w+ \S+|import secrets"
)
#: Three words of English.
ENGLISH = re.compile(r"[A-Za-z'’]+([,:;]? [A-Za-z'’]+){2}")

#: Right settings.
RIGHT: Mapping[str, Any] = {
    "SECRET_KEY": SECRET_KEY,
    "XIEBAO_PARTNER_ID": "12345",
    "XIEBAO_API_KEY": ACCOUNT_KEY,
    "XIEBAO_ENV": "test",
    "XIEBAO_PUBLIC_URL": PLACE,
    "XIEBAO_MEMBER_SECRET": MEMBER_SECRET,
}

#: A site with right settings, save for those that are given.
shop = partial(sites.make_shop, **RIGHT)
#: Has a site listen; no tool may have it hear of a purchase that nobody made.
listens = register_hook("notification_handler", divide_by_zero)
#: Stands around a site, and lets nobody in.
firewall = add_middleware(lambda inner: Response("no", 403))


async def row_number_by_waiting() -> int | None:
    return session.get("member")


def require_login() -> Any:
    return redirect("/login")


def run(app: Flask | Callable[[], Flask], *arguments: str, charset: str = "utf-8") -> Result:
    """Run ``flask xiebao …`` on an app, or on what a factory makes.

    Its own errors are raised, nothing but click may end it, and no secret is printed.
    """
    info = ScriptInfo(create_app=(lambda: app) if isinstance(app, Flask) else app)
    runner = Flask("any").test_cli_runner(charset=charset)
    result = runner.invoke(xiebao, arguments, obj=info)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    shown = [each for each in HIDDEN if each in result.output]
    assert shown == []
    if "--gateway" not in arguments:
        assert SIGN not in result.output.lower()
    return result


def findings(result: Result) -> dict[str, str]:
    """Return what is said on each level, a line for each finding, after a look at the frame."""
    said: dict[str, list[str]] = {"ERROR": [], "WARNING": [], "ok": []}
    *lines, count = result.output.splitlines()
    for line in lines:
        level, text = line.split(maxsplit=1)
        said[level].append(text)
    errors, warnings = len(said["ERROR"]), len(said["WARNING"])
    assert re.match(rf"Errors: {errors}\. Warnings: {warnings}\.( |$)", count), count
    assert result.exit_code == (1 if errors else 0)
    return {level: "\n".join(texts) for level, texts in said.items()}


def inspect(app: Flask | Callable[[], Flask], url: str) -> dict[str, str]:
    return findings(run(app, "inspect", url))


def doctor(app: Flask | Callable[[], Flask], *options: str) -> dict[str, str]:
    """Return what the doctor says on each level; no link or URL that it made is shown."""
    result = run(app, "doctor", *options)
    # Of a sign two characters may be shown, and a token begins as this one.
    assert re.search(r"sign=\w{3}|WyJ", result.output) is None
    return findings(result)


def is_said_in_chinese(app: Flask, said: Mapping[str, str], *options: str) -> None:
    """Hold the doctor to saying in Chinese what it said in English, and no sentence of that."""
    *lines, count = run(app, "doctor", "--locale", "zh", *options).output.splitlines()
    levels = [LEVELS[line[:2]] for line in lines]
    found = {level: len(said[level].splitlines()) for level in LEVELS.values()}
    assert {level: levels.count(level) for level in found} == found, lines
    assert count == f"错误 {found['ERROR']} 项，警告 {found['WARNING']} 项。"
    assert [line for line in lines if ENGLISH.search(NO_PROSE.sub("", line))] == []


def complaints(said: Mapping[str, str], *known: str) -> list[str]:
    """Return what is wrong on a site beside these, which are parts of lines."""
    lines = f"{said['ERROR']}\n{said['WARNING']}".splitlines()
    return [line for line in lines if line and not any(each in line for each in known)]


class Row(NamedTuple):
    """A site, and what the doctor says of it.

    :ivar words: they are on this level; a complaint has the first, and the second is advice.
    :ivar also: parts of further complaints, since they are right, too.
    """

    site: Callable[[], Flask]
    level: str
    words: tuple[str, ...]
    also: tuple[str, ...] = ()


def is_said(row: Row) -> None:
    """Hold the doctor to a row: it says this, in Chinese too, and complains of nothing else."""
    said = doctor(row.site(), "--verbose")
    for words in row.words:
        assert words in said[row.level], said
    others = complaints(said, row.words[0], *row.also)
    assert others == []
    is_said_in_chinese(row.site(), said, "--verbose")


def with_hosts(*hosts: str, **config: Any) -> Flask:
    """Return a site with Flask's list of hosts, where Flask has one."""
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("this Flask has no TRUSTED_HOSTS")
    return shop(TRUSTED_HOSTS=list(hosts), **config)
