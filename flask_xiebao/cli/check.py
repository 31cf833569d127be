"""What ``flask xiebao check`` does with its options."""

from __future__ import annotations

import shlex
import sys
from importlib import import_module
from typing import Any, cast

import click
from flask import Flask
from flask.cli import ScriptInfo

from ..check.acceptance import CheckError, Login, Report, check_entries


def run(app: Flask, *, login: str | None, **options: Any) -> Report:
    """Check the entries of an app; on a terminal, with a progress bar.

    :param login: a function that logs a test client in, as ``module:function``.
    :raises click.UsageError: when an option is wrong.
    """
    log_in = None if login is None else _function(login)
    try:
        if not sys.stderr.isatty():
            return check_entries(app, login=log_in, **options)
        with click.progressbar(length=1, file=sys.stderr, show_pos=True) as bar:

            def show(done: int, of: int) -> None:
                bar.length = of
                bar.update(done - bar.pos)

            return check_entries(app, login=log_in, progress=show, **options)
    except CheckError as error:
        raise click.UsageError(str(error)) from None


def again_with(
    ctx: click.Context,
    *,
    member: str | None,
    login: str | None,
    app_user_agent: str | None,
    with_receivers: bool,
) -> tuple[str, str]:
    """Return the command and its options as one would type them."""
    said = {"--member": member, "--login": login, "--app-user-agent": app_user_agent}
    written = [f"{name} {shlex.quote(value)}" for name, value in said.items() if value is not None]
    written += ["--with-receivers"] if with_receivers else []
    app = ctx.ensure_object(ScriptInfo).app_import_path
    return f"flask{f' --app {shlex.quote(app)}' if app else ''} xiebao check", " ".join(written)


def _function(name: str) -> Login:
    """Return the function that a command line names."""
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function, None) if module and function else None
    except (ImportError, TypeError, ValueError) as error:
        raise click.BadParameter(
            f"{error}. The path begins where the command is run.", param_hint="--login"
        ) from None
    if not callable(found):
        raise click.BadParameter(
            f"{name!r} is not a function: write module:function, such as tests.login:log_in.",
            param_hint="--login",
        )
    return cast(Login, found)
