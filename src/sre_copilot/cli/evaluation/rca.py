"""`sre-copilot eval rca`: how good the answers are, measured on recorded incidents with known causes."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.rca.report import print_evaluation, print_unread, unread
from sre_copilot.eval.rca.run import Options, evaluate

NOT_READ = 1


class Ablation(StrEnum):
    """A modality that can be left out."""

    METRICS = "metrics"
    TRACES = "traces"
    LOGS = "logs"
    STATE = "state"


def rca(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder whose subfolders are recorded cases.", show_default=False),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    ablate: Annotated[
        list[Ablation] | None,
        typer.Option(help="Judge as if this modality had not been recorded; repeatable."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=0, help="Worker processes of one core each; 0: as many as cores.")
    ] = 0,
    rename: Annotated[
        int | None,
        typer.Option(
            metavar="SEED", help="Also judge every case with all names replaced and all rows permuted."
        ),
    ] = None,
    shift_onset: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Also judge every case with its onset moved both ways."),
    ] = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="The bare core: without the second pass that tries to refute.")
    ] = False,
    misses: Annotated[bool, typer.Option("--misses", help="List what was answered wrongly.")] = False,
) -> None:
    """Judge every case, compare with its recorded truth, and print how often the answer was right.

    The truth is read after every answer is final. Without a truth or fault-free telemetry the figures that need it are left out.
    Exit code 0: all cases were judged, however many answers are wrong; 1: some could not be read; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    options = Options(
        jobs=jobs,
        ablate=tuple(each.value for each in dict.fromkeys(ablate or ())),
        rename_seed=rename,
        shifts=(shift_onset, -shift_onset) if shift_onset else (),
        reflecting=not bare,
    )
    with shown() as progress:
        evaluation = evaluate(directory, options, progress=progress)
    console = table_console()
    print_evaluation(evaluation, console, misses=misses)
    if json_file:
        document = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
    if unread(evaluation):
        print_unread(evaluation, console)
        raise typer.Exit(NOT_READ)
