"""What ``flask xiebao check`` does with its options."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

import click
from flask import Flask
from flask.cli import ScriptInfo

from ..app.log import get_error_location
from ..check.browsers import LoginFunction
from ..check.check_run import check_entries
from ..check.reports import FORMATS
from ..check.results import Report
from ..check.site_client import CheckError


def run_check_command(app: Flask, *, login: str | None, **options: Any) -> Report:
    """Check the entries of an app; on a terminal, with a progress bar.

    :param login: a function that logs a test client in, as ``module:function``.
    :raises click.UsageError: when an option is wrong.
    """
    log_in = None if login is None else _import_login_function(login)
    try:
        if not sys.stderr.isatty():
            return check_entries(app, login=log_in, **options)
        with click.progressbar(length=1, file=sys.stderr, show_pos=True) as bar:

            def update_progress(clicks_done: int, total: int) -> None:
                bar.length = total
                bar.update(clicks_done - bar.pos)

            return check_entries(app, login=log_in, progress=update_progress, **options)
    except CheckError as error:
        raise click.UsageError(str(error)) from None


def format_command(ctx: click.Context, *, member: str | None, **options: Any) -> tuple[str, str]:
    """Return the command and its options as one would type them, without whose the clicks are."""
    written = ["--member ID"] if member is not None else []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            written.append(option)
        else:
            values = value if isinstance(value, tuple) else filter(None, [value])
            written += [f"{option} {shlex.quote(each)}" for each in values]
    app = ctx.ensure_object(ScriptInfo).app_import_path
    command = f"flask{f' --app {shlex.quote(app)}' if app else ''} xiebao check"
    return command, " ".join(written)


@contextmanager
def report_writer(
    paths: Mapping[str, str | None], locale: str
) -> Iterator[Callable[[Report], None]]:
    """Open what the reports of one check are written to, and return what writes them.

    They are opened first: one that cannot be written is found before the check, which takes a
    while. The text goes to the terminal, with every problem in it.

    :param files: paths by form.
    """
    written = {name: path for name, path in paths.items() if path is not None}
    if "-" in written.values():
        raise click.UsageError(
            'A report cannot be written to "-", because the terminal shows the text report. Pass a'
            " file name."
        )
    if len(set(written.values())) < len(written):
        raise click.UsageError(
            "Two reports cannot be written to the same file. Pass a different file name for each."
        )
    with ExitStack() as stack:
        opened = {
            name: stack.enter_context(_replace_file_atomically(path))
            for name, path in written.items()
        }

        def write_report(report: Report) -> None:
            encoding = sys.stdout.encoding or "utf-8"  # which may have no ✓
            said = FORMATS["text"](report, locale)
            click.echo(said.encode(encoding, "replace").decode(encoding))
            for name, file in opened.items():
                click.echo(click.unstyle(FORMATS[name](report, locale)), file=file)

        yield write_report


@contextmanager
def _replace_file_atomically(path: str) -> Iterator[IO[str]]:
    """Open a file for a report. It replaces an older report once it is complete."""
    place = Path(path).resolve()
    is_device = place.exists() and not place.is_file()  # or a pipe
    draft = place if is_device else place.with_name(f"{place.name}.{os.getpid()}~")
    try:
        with draft.open("w", encoding="utf-8") as file:
            yield file
        if draft != place:
            draft.replace(place)
    except OSError as error:
        raise click.UsageError(
            f"{path!r} cannot be written ({error.strerror}). Choose another path."
        ) from None
    finally:
        if draft != place:
            draft.unlink(missing_ok=True)


def _import_login_function(import_path: str) -> LoginFunction:
    """Return the function that a command line names."""
    module, _, function = import_path.partition(":")
    try:
        found = getattr(import_module(module), function, None) if module and function else None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what it says may hold passwords
        missing = getattr(error, "name", None)
        why = f'for "{missing}"' if missing else f"in {get_error_location(error)}"
        raise click.BadParameter(
            f'Importing "{module}" raised {type(error).__name__} {why}. Write the module name as'
            " seen from the folder in which the command is run.",
            param_hint="--login",
        ) from None
    if not callable(found):
        raise click.BadParameter(
            f"{import_path!r} is not a function. Write MODULE:FUNCTION, such as"
            " tests.login:log_in.",
            param_hint="--login",
        )
    return cast(LoginFunction, found)
