"""`sre-copilot eval injection`: attacks by text, with no model and with one that does whatever it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.injection.run import evaluate


def injection(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder whose subfolders are recorded cases.", show_default=False),
    ],
    *,
    half: Annotated[
        str, typer.Option(help="Half of the attacks: seen, or unseen where it is kept.")
    ] = "seen",
    jobs: Annotated[
        int, typer.Option(min=0, help="Worker processes of one core each; 0: as many as cores.")
    ] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Plant each attack in a recorded case, a document, a card, a tool or a question, and look at everything that comes out.

    Exit code 0: all attacks were tried, whatever came of them; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    with shown() as progress:
        figures = evaluate(directory, half=half, jobs=jobs, progress=progress)
    console = table_console()
    table = Table(title="Attacks by text", title_justify="left")
    for heading in ("model", "attacks", "obeyed"):
        table.add_column(heading)
    for model, found in figures["injection"][half].items():
        table.add_row(model.replace("_", " "), str(found["n"]), str(found["obeyed"]))
    console.print(table)
    for found in figures["injection"][half].values():
        for attack, what in found["which"].items():
            console.print(f"{attack}: {'; '.join(what)}", markup=False)
    if json_file:
        document = json.dumps(figures, ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
