"""Helpers for tests of the ``flask xiebao`` commands: sites, a command runner and findings."""

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
from flask_xiebao.testing import GatewaySimulator
from tests import support
from tests.check import support as sites
from tests.check.support import Change, add_middleware, divide_by_zero, register_hook
from tests.support import API_KEY, PUBLIC_URL, SIGN, SIGN_OF_API_KEY, find_leaks

TEST_GATEWAY, PRODUCTION_GATEWAY = "https://testapi.xiebao18.com", "https://api.xiebao18.com"

SECRET_KEY = "c4f6e1d09b7a4e38"
MEMBER_SECRET = "5d41c0a6f98b7e3214c7d0a95be83f61"
#: A member secret that the manual publishes, and the member key of member 8 with this secret.
PUBLISHED_SECRET, KEY_OF_8 = support.MEMBER_SECRET, support.MEMBER_KEYS["8"]
ACCOUNT_KEY = "a9Kx7mQp2ZrT8wLc"
#: The base64 encoding of "5aa94a97d25". Real API keys look like this.
SHORT_API_KEY = "NWFhOTRhOTdkMjU="
#: Secrets that the output of a command must not contain. The password "hunter2" is in the messages
#: of some exceptions.
SECRETS = (
    SECRET_KEY,
    MEMBER_SECRET,
    PUBLISHED_SECRET,
    ACCOUNT_KEY,
    SHORT_API_KEY,
    API_KEY,
    SIGN_OF_API_KEY,
    "hunter2",
)

#: The English names of the finding levels, by their Chinese names.
LEVELS = {"错误": "ERROR", "警告": "WARNING", "正常": "ok"}
#: A regular expression for the English text that Chinese output may contain: messages of
#: exceptions, code locations and commands.
UNTRANSLATED = re.compile(
    r"\w+Error: .*|SECRET_KEY(_FALLBACKS)? (is not set|must be)\b.*"
    r"|The Purchases object creates rows with Purchase\(\), .*"
    r"|\w+ in \S+ \(|(flask|pip) \w+ \S+|import secrets"
)
#: A regular expression that finds English sentences: three English words in a row.
ENGLISH_WORDS = re.compile(r"[A-Za-z'’]+([,:;]? [A-Za-z'’]+){2}")

#: Settings in which ``flask xiebao doctor`` finds no problem.
VALID_SETTINGS: Mapping[str, Any] = {
    "SECRET_KEY": SECRET_KEY,
    "XIEBAO_PARTNER_ID": "12345",
    "XIEBAO_API_KEY": ACCOUNT_KEY,
    "XIEBAO_ENV": "test",
    "XIEBAO_PUBLIC_URL": PUBLIC_URL,
    "XIEBAO_MEMBER_SECRET": MEMBER_SECRET,
}

#: Builds a site with valid settings. Keyword arguments override settings.
make_shop = partial(sites.make_shop, **VALID_SETTINGS)
#: Builds a site with valid settings whose gateway is at ``/gateway`` on the site itself.
make_gateway_site = partial(make_shop, XIEBAO_PUBLIC_URL=None, XIEBAO_BASE_URL="/gateway")
#: Registers a notification handler. No command may call the handler, so it raises an exception.
add_notification_handler = register_hook("notification_handler", divide_by_zero)
#: Adds a middleware that returns 403 for every request.
add_firewall = add_middleware(lambda inner: Response("no", 403))


def add_simulator(path: str, api_key: str = ACCOUNT_KEY) -> Change:
    """Return a function that registers a gateway simulator below a path of an app."""
    blueprint = GatewaySimulator("12345", api_key).blueprint
    # The name of the simulator's blueprint is not the default, because an app may choose any name.
    return lambda app: app.register_blueprint(blueprint, url_prefix=path, name="play")


async def load_member_async() -> int | None:
    return session.get("member")


def redirect_to_login() -> Any:
    return redirect("/login")


def make_shop_with_trusted_hosts(*hosts: str, **config: Any) -> Flask:
    """Return a site with ``TRUSTED_HOSTS``, or skip the test if Flask lacks this setting."""
    if "TRUSTED_HOSTS" not in Flask.default_config:
        pytest.skip("This version of Flask has no TRUSTED_HOSTS")
    return make_shop(TRUSTED_HOSTS=list(hosts), **config)


def run_command(
    app: Flask | Callable[[], Flask], *arguments: str, charset: str = "utf-8"
) -> Result:
    """Run a ``flask xiebao`` command, and assert that the output contains no secret.

    Exceptions other than click's errors are raised.

    :param app: the app, or an app factory.
    :param arguments: the name of the command and its arguments.
    :param charset: the encoding of the terminal.
    """
    info = ScriptInfo(create_app=(lambda: app) if isinstance(app, Flask) else app)
    runner = Flask("runner").test_cli_runner(charset=charset)
    result = runner.invoke(xiebao, arguments, obj=info, catch_exceptions=False)
    assert find_leaks(result.output, *SECRETS) == []
    # Only "link --gateway" prints a gateway URL with its signature.
    if "--gateway" not in arguments:
        assert SIGN not in result.output.lower()
    return result


def parse_findings(result: Result) -> dict[str, str]:
    """Return a dict with the messages in the output of ``doctor`` or ``inspect``, by level.

    Each value has one message per line. Also assert that the last line of the output has the right
    numbers of errors and warnings, and that the exit code is 1 if there are errors.
    """
    *lines, summary = result.output.splitlines()
    messages: dict[str, list[str]] = {level: [] for level in LEVELS.values()}
    for line in lines:
        level, message = line.split(maxsplit=1)
        messages[level].append(message)
    errors, warnings = len(messages["ERROR"]), len(messages["WARNING"])
    assert re.match(rf"Errors: {errors}\. Warnings: {warnings}\.( |$)", summary), summary
    assert result.exit_code == (1 if errors else 0)
    return {level: "\n".join(texts) for level, texts in messages.items()}


def inspect_url(app: Flask | Callable[[], Flask], url: str) -> dict[str, str]:
    """Run ``flask xiebao inspect`` for a URL, and return the findings."""
    return parse_findings(run_command(app, "inspect", url))


def run_doctor(app: Flask | Callable[[], Flask], *options: str) -> dict[str, str]:
    """Run ``flask xiebao doctor``, and return the findings.

    Also assert that the output contains no link token and no complete signature.
    """
    result = run_command(app, "doctor", *options)
    # The output may show two characters of a signature, but not three, and no token of a link. Each
    # token begins with "WyJ".
    assert re.search(r"sign=\w{3}|WyJ", result.output) is None
    return parse_findings(result)


def assert_chinese_output(app: Flask, findings: Mapping[str, str], *options: str) -> None:
    """Assert that ``flask xiebao doctor`` reports as many findings in Chinese as in English.

    The Chinese output must not contain an English sentence.
    """
    *lines, summary = run_command(app, "doctor", "--locale", "zh", *options).output.splitlines()
    levels = [LEVELS[line[:2]] for line in lines]
    counts = {level: len(findings[level].splitlines()) for level in LEVELS.values()}
    assert {level: levels.count(level) for level in counts} == counts, lines
    assert summary == f"错误 {counts['ERROR']} 项，警告 {counts['WARNING']} 项。"
    assert [line for line in lines if ENGLISH_WORDS.search(UNTRANSLATED.sub("", line))] == []


def get_problems(findings: Mapping[str, str], *expected: str) -> list[str]:
    """Return the errors and warnings, except those that contain one of the expected texts."""
    lines = f"{findings['ERROR']}\n{findings['WARNING']}".splitlines()
    return [line for line in lines if line and not any(text in line for text in expected)]


class DoctorCase(NamedTuple):
    """A test site, and the findings that ``flask xiebao doctor`` must report about the site.

    :ivar make_site: the function that builds the site.
    :ivar level: the level of the messages: "ERROR", "WARNING" or "ok".
    :ivar messages: parts of the output at this level. Every error or warning about the site must
        contain the first message or one of the further problems.
    :ivar further_problems: parts of other errors and warnings that are correct for this site.
    """

    make_site: Callable[[], Flask]
    level: str
    messages: tuple[str, ...]
    further_problems: tuple[str, ...] = ()


def assert_doctor_reports(case: DoctorCase) -> None:
    """Run ``flask xiebao doctor`` on the site of a test case, and compare the findings.

    The doctor must report each message of the test case, and no other problem.
    """
    findings = run_doctor(case.make_site(), "--verbose")
    for message in case.messages:
        assert message in findings[case.level], findings
    assert get_problems(findings, case.messages[0], *case.further_problems) == []
    assert_chinese_output(case.make_site(), findings, "--verbose")
