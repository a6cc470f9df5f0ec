"""`sre-copilot eval ask`: questions over the lab's recorded incidents, end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.errors import UsageError
from sre_copilot.eval.agents.arms import ARMS
from sre_copilot.eval.ask.run import evaluate

SHARES = ("intent", "services", "window", "understood", "kind", "contains", "answered")
COUNTS = ("n", "unreproduced", "calls_most", "input_tokens_most", "seconds_most")


def ask(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the lab's recorded cases.", show_default=False)
    ],
    *,
    half: Annotated[
        str, typer.Option(help="Half of the questions: seen, or unseen where it is kept.")
    ] = "seen",
    arm: Annotated[str, typer.Option(help=f"One of {', '.join(ARMS)}.")] = "none",
    url: Annotated[
        str,
        typer.Option(metavar="URL", help="Address of the local model, for example http://127.0.0.1:8811/v1."),
    ] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Ask every question of its case, and compare intent, services, time range and answer with what was expected.

    Exit code 0: all questions were asked, however many answers are wrong; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    if arm not in ARMS:
        raise UsageError(f"--arm {arm}: there is no such arm. There are: {', '.join(ARMS)}.")
    with shown() as progress:
        figures = evaluate(directory, half=half, arm=replace(ARMS[arm], url=url), progress=progress)
    found = next(iter(figures["ask"][half].values()))
    table = Table(title="Questions over recorded incidents", title_justify="left")
    table.add_column("measure")
    table.add_column(f"{half}, {arm}", justify="right")
    for name in SHARES:
        table.add_row(name, f"{found[name]:.3f}")
    for name in COUNTS:
        table.add_row(
            name.replace("_", " "),
            f"{found[name]:.1f}" if isinstance(found[name], float) else str(found[name]),
        )
    console = table_console()
    console.print(table)
    for miss in found["misses"]:
        wrong = [name for name in SHARES if name in miss and not miss[name]]
        console.print(f"{miss['id']}: {', '.join(wrong)}: {miss['said']}", markup=False)
    if json_file:
        write_file(json_file, json.dumps(figures, ensure_ascii=False, indent=2) + "\n", option="--json")
