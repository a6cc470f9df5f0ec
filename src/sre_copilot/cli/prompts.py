"""`sre-copilot prompts`: what roles are instructed with, and the user's changes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.app.asking import speaker_of
from sre_copilot.app.experience import open_prompts
from sre_copilot.cli.knowledge_cards import read_text, who
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.prompts import Prompts, tried
from sre_copilot.settings.loading import load

app = typer.Typer(
    help="Show, change and bring back the texts that roles are instructed with.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="ROLE.LANGUAGE, as `prompts list` shows it.", show_default=False)
]
By = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="In whose name (default: the account).", show_default=False),
]


@app.command("list")
def list_prompts(config: ConfigFile = None) -> None:
    """List all prompts and which version is in use."""
    prompts = _prompts(config)
    table = Table()
    for column in ("name", "in use", "changed by", "why"):
        table.add_column(column)
    for name in prompts.names():
        last = next(iter(prompts.history(name)), None)
        shown = (str(last.number), last.by, last.note) if last else ("shipped", "", "")
        table.add_row(*map(Text, (name, *shown)))
    table_console().print(table)


@app.command("show")
def show(
    name: Name,
    *,
    version: Annotated[
        int | None, typer.Option(min=0, help="0: as shipped (default: in use).", show_default=False)
    ] = None,
    difference: Annotated[
        bool, typer.Option("--difference", help="How it differs from the shipped text.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Print a prompt."""
    prompts = _prompts(config)
    print_document(
        (
            prompts.difference(name, new=version) if difference else prompts.text(name, version=version)
        ).rstrip()
    )


@app.command("edit")
def edit(
    name: Name,
    file: Annotated[
        Path, typer.Argument(help="The new text, as `prompts show` prints it.", show_default=False)
    ],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only see whether it can be used, and how it differs.")
    ] = False,
    by: By = "",
    note: Annotated[str, typer.Option("--note", help="Why.", show_default=False)] = "",
    config: ConfigFile = None,
) -> None:
    """Change a prompt; the new text is in use from the next question on."""
    prompts = _prompts(config)
    text = read_text(file)
    if text == prompts.text(name):
        typer.echo(f"{name}: not changed")
        return
    prompts.check(name, text)
    if check:
        typer.echo(f"{name}: can be used")
        return
    typer.echo(f"{name}: version {prompts.edit(name, text, by=by or who(), note=note).number} is in use")


@app.command("try")
def try_out(
    file: Annotated[Path, typer.Argument(help="The text to be tried.", show_default=False)],
    question: Annotated[str, typer.Argument(help="What the model is asked.", show_default=False)],
    config: ConfigFile = None,
) -> None:
    """Show what the configured model answers when it is instructed with a text; nothing is kept."""
    reply = tried(read_text(file), question, speaker_of(load(config)))
    if reply.value is None:
        raise UsageError(f"the model gave no answer: {reply.problem or reply.trouble}")
    print_document(reply.value.answer)


@app.command("history")
def history(name: Name, config: ConfigFile = None) -> None:
    """List the versions of a prompt, the latest first."""
    table = Table()
    for column in ("version", "at", "by", "why"):
        table.add_column(column)
    for each in _prompts(config).history(name):
        table.add_row(*map(Text, (str(each.number), rfc3339(each.at) or "", each.by, each.note)))
    table_console().print(table)


@app.command("restore")
def restore(
    name: Name,
    version: Annotated[int, typer.Argument(min=0, help="Which one; 0: as shipped.", show_default=False)],
    *,
    by: By = "",
    config: ConfigFile = None,
) -> None:
    """Use an earlier version again."""
    typer.echo(f"{name}: version {_prompts(config).restore(name, version, by=by or who()).number} is in use")


def _prompts(config: Path | None) -> Prompts:
    return open_prompts(load(config))
