"""`sre-copilot`: the command line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import stamina
import typer
from rich.console import Console

from sre_copilot import __version__
from sre_copilot.cli.lazily import LazyGroup
from sre_copilot.cli.streams import accept_any_character, discard, flush, is_output_error
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.settings.document import Logging
from sre_copilot.telemetry import set_up_logging

DONE = 0
INTERNAL_ERROR = 1
BAD_INPUT = 2
ERROR_LENGTH = 1000
TRACEBACK = "SRE_COPILOT_TRACEBACK"  # a variable of the environment: `1` shows where an internal error arose


class Group(LazyGroup):
    """Says of a bad value what is wrong with it, without the name of an exception before it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = str(error.message).removeprefix("Value error, ")
            raise


app = typer.Typer(
    cls=Group,
    name="sre-copilot",
    help="Says what broke, where and why, with evidence that anyone can re-run; or says that it does not know.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(f"sre-copilot {__version__}")


def _version_asked(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version_asked, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Says what broke, where and why, with evidence that anyone can re-run; or says that it does not know."""


def main() -> None:
    """Run the command line; whatever goes wrong becomes one sentence and an exit code."""
    accept_any_character()
    stamina.instrumentation.set_on_retry_hooks([])  # each command says in its own words what failed
    set_up_logging(Logging(level="WARNING"))  # to standard error: standard output is for what was asked for
    sys.exit(run(app))


def run(command: Callable[[], object]) -> int:
    """Run a command and return its exit code."""
    try:
        code = _called(command)
        flush()
    except SreCopilotError as error:
        _complain(str(error))
        return BAD_INPUT if isinstance(error, UsageError) else INTERNAL_ERROR
    except Exception as error:  # noqa: BLE001 - the top of the command: nobody above can do anything with it
        return _unexpected(error)
    return code


def _called(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):
            raise leaving.__context__ from None
        return leaving.code if isinstance(leaving.code, int) else DONE
    return DONE


def _unexpected(error: Exception) -> int:
    """Say what nobody foresaw; a reader who has read enough (`| head`) is no error."""
    if isinstance(error, BrokenPipeError):
        discard()
        return DONE
    if is_output_error(error):
        discard()
        reason = getattr(error, "strerror", None) or error
        _complain(f"standard output: {reason}. Free some space there, or lead the output elsewhere.")
        return INTERNAL_ERROR
    if os.environ.get(TRACEBACK) == "1":
        traceback.print_exception(error)
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    _complain(f"internal error: {type(error).__name__}: {error}{notes}")
    _say(
        f"This is a fault of sre-copilot itself. Please report it with its version and what {TRACEBACK}=1 shows."
    )
    return INTERNAL_ERROR


def _complain(text: str) -> None:
    _say(f"sre-copilot: {one_line(text, ERROR_LENGTH)}")  # it may quote the case, which may come from anyone


def _say(line: str) -> None:
    with suppress(OSError):  # standard error is full or closed, too: the exit code is all that is left
        Console(stderr=True, highlight=False, markup=False).print(line, soft_wrap=True)
