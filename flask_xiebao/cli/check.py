"""The implementation of ``flask xiebao check``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

import click
from flask import Flask

from ..app.log import get_error_location
from ..check.browser import LoginFunction
from ..check.check_run import check_entries
from ..check.page import CheckError
from ..check.report import FORMATS, Report
from ..check.visits import UNEXPECTED_EXCEPTIONS
from ..errors import ConfigError


def run_check_command(app: Flask, *, login: str | None, **options: Any) -> Report:
    """Check an app's insurance entries.

    :param login: The ``module:function`` that logs a test client in, or None.
    :param options: The other arguments of :func:`.check_entries`.
    :raises click.UsageError: if an option is wrong.
    """
    log_in = None if login is None else _import_login_function(login)
    try:
        return check_entries(app, login=log_in, **options)
    except (CheckError, ConfigError) as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def open_report_writer(
    paths: Mapping[str, str | None], locale: str
) -> Iterator[Callable[[Report], None]]:
    """Open the report files and yield a function that writes a report to them.

    The files are opened before the check, because the check takes a while and a path that cannot
    be written should be reported first. The function also prints the text report, which lists
    every problem.

    :param paths: The paths of the files by report format. None stands for no file.
    :raises click.UsageError: if a path is "-", is used twice or cannot be written.
    """
    requested_paths = {name: path for name, path in paths.items() if path is not None}
    if "-" in requested_paths.values():
        raise click.UsageError(
            'A report cannot be written to standard output ("-"), because the text report is'
            " printed there. Pass a file name."
        )
    if len(set(requested_paths.values())) < len(requested_paths):
        raise click.UsageError(
            "Two reports cannot be written to the same file. Pass a different file name for each."
        )
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(_replace_file_atomically(path))
            for name, path in requested_paths.items()
        }

        def write_report(report: Report) -> None:
            # The encoding of the terminal may lack characters of the report, such as "✓".
            encoding = sys.stdout.encoding or "utf-8"
            text = FORMATS["text"](report, locale)
            click.echo(text.encode(encoding, "replace").decode(encoding))
            for name, file in files.items():
                click.echo(click.unstyle(FORMATS[name](report, locale)), file=file)

        yield write_report


@contextmanager
def _replace_file_atomically(path: str) -> Iterator[IO[str]]:
    """Open a temporary file for writing. When complete, it replaces the file at *path*.

    :raises click.UsageError: if the file cannot be written.
    """
    target = Path(path).resolve()
    # A device or a pipe cannot be replaced by another file, so the report is written to it
    # directly.
    is_special_file = target.exists() and not target.is_file()
    draft = target if is_special_file else target.with_name(f"{target.name}.{os.getpid()}~")
    try:
        with draft.open("w", encoding="utf-8") as file:
            yield file
        if draft != target:
            draft.replace(target)
    except OSError as error:
        raise click.UsageError(
            f"{path!r} cannot be written ({error.strerror}). Choose another path."
        ) from None
    finally:
        if draft != target:
            draft.unlink(missing_ok=True)


def _import_login_function(import_path: str) -> LoginFunction:
    """Import the function that ``--login`` names.

    :raises click.BadParameter: if the import fails or does not find a function.
    """
    module, _, name = import_path.partition(":")
    try:
        function = getattr(import_module(module), name, None) if module and name else None
    except UNEXPECTED_EXCEPTIONS as error:
        # The text of the exception is left out, because it may contain passwords.
        missing_name = getattr(error, "name", None)
        detail = f'for "{missing_name}"' if missing_name else f"in {get_error_location(error)}"
        raise click.BadParameter(
            f'Importing "{module}" raised {type(error).__name__} {detail}. Use a module'
            " name that can be imported from the folder in which you run the command.",
            param_hint="--login",
        ) from None
    if not callable(function):
        raise click.BadParameter(
            f"{import_path!r} is not a function. Write MODULE:FUNCTION, such as"
            " tests.login:log_in.",
            param_hint="--login",
        )
    return cast(LoginFunction, function)
