"""Tests for commands on apps that do not load, or that lack the extension or a dependency."""

from __future__ import annotations

import subprocess
import sys

import pytest
from flask import Flask

from tests.cli.support import make_shop, run_command

#: The advice in the error message for an app without the extension.
ADD_EXTENSION = "Add `Xiebao(app)`"


@pytest.mark.parametrize("command", [["doctor"], ["link", "home"]])
@pytest.mark.parametrize("message", ["no database", ""])
def test_command_raises_unrelated_exception_of_app_factory(
    command: list[str], message: str
) -> None:
    def create_app() -> Flask:
        error = RuntimeError(message)
        # The exception is its own cause. The command looks for a setting error among all causes,
        # and this search must not go on forever.
        raise error from error

    with pytest.raises(RuntimeError, match=f"^{message}$"):
        run_command(create_app, *command)


@pytest.mark.parametrize(
    ("app", "command", "exit_code", "message"),
    [
        (Flask("bare"), ["doctor"], 1, ADD_EXTENSION),
        (Flask("bare"), ["link", "home"], 1, ADD_EXTENSION),
        (Flask("bare"), ["check"], 1, ADD_EXTENSION),
        (
            make_shop(XIEBAO_PUBLIC_URL=None, TRUSTED_HOSTS=["exa mple"]),
            ["check"],
            2,
            "TRUSTED_HOSTS must be a list with at least one valid host name",
        ),
    ],
    ids=["doctor", "link", "check", "invalid TRUSTED_HOSTS"],
)
def test_command_on_unusable_app_prints_error(
    app: Flask, command: list[str], exit_code: int, message: str
) -> None:
    result = run_command(app, *command)
    assert result.exit_code == exit_code
    assert message in result.output


def test_import_without_sqlalchemy_names_required_extra() -> None:
    process = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-c"),
            "import sys; sys.modules['sqlalchemy'] = None; import flask_xiebao.sqla",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Run `pip install 'Flask-Xiebao[sqla]'`." in process.stderr
