"""`sre-copilot eval learning`: whether what is learned helps and never harms, measured on recorded incidents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.learning.report import print_evaluation
from sre_copilot.eval.learning.run import evaluate

NOT_READ = 1
SHIPPED = Path("examples/incidents")


def learning(
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR…]",
            help="Folders of recorded cases (default: examples/incidents).",
            show_default=False,
        ),
    ] = None,
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the copies in which faults come again.")] = 0,
) -> None:
    """Learn on half of the faults, meet both halves again, and plant wrong cards and labels.

    Each half is learned once. Exit code 0: all cases were read, however it turned out; 1: some could not be read; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    with shown() as progress:
        evaluation = evaluate(directories or [SHIPPED], seed=seed, progress=progress)
    print_evaluation(evaluation, table_console())
    if json_file:
        write_file(
            json_file, json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2) + "\n", option="--json"
        )
    if evaluation.unread:
        raise typer.Exit(NOT_READ)
