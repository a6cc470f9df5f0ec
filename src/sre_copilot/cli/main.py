"""`sre-copilot`: the command line."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from sre_copilot import __version__
from sre_copilot.cli import case, eval, investigate, plugins
from sre_copilot.errors import SreCopilotError, UsageError

INTERNAL_ERROR = 1
BAD_INPUT = 2

app = typer.Typer(
    name="sre-copilot",
    help="Says what broke, where and why, with evidence that anyone can re-run; or says that it does not know.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("investigate")(investigate.investigate)
app.add_typer(case.app, name="case")
app.add_typer(eval.app, name="eval")
app.command("plugins")(plugins.plugins)


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(f"sre-copilot {__version__}")


def main() -> None:
    """Run the command line; an error raised on purpose becomes one sentence and an exit code."""
    try:
        app()
    except SreCopilotError as error:
        Console(stderr=True, highlight=False, markup=False).print(f"sre-copilot: {error}", soft_wrap=True)
        sys.exit(BAD_INPUT if isinstance(error, UsageError) else INTERNAL_ERROR)
