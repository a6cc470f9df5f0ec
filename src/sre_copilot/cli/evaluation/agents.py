"""`sre-copilot eval agents`: the team with no model, with one that behaves, and with one that lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.agents.arms import ARMS, USUAL
from sre_copilot.eval.agents.report import print_evaluation
from sre_copilot.eval.agents.run import evaluate


def agents(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder whose subfolders are recorded cases.", show_default=False),
    ],
    *,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ARM", help=f"One of {', '.join(ARMS)}; repeatable. Default: {', '.join(USUAL)}."
        ),
    ] = None,
    url: Annotated[
        str,
        typer.Option(metavar="URL", help="Address of the local model, for example http://127.0.0.1:8811/v1."),
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="Only so many cases, the first by name; 0: all.")] = 0,
    jobs: Annotated[
        int, typer.Option(min=0, help="Worker processes of one core each; 0: as many as cores.")
    ] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Let the whole team investigate every case in each arm; compare with the bare core and with the recorded truth.

    Every printed claim is looked up once more on the raw tables. Exit code 0: all cases were judged; 1: some could not be; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    with shown() as progress:
        evaluation = evaluate(
            directory, arms=tuple(arm or USUAL), url=url, limit=limit, jobs=jobs, progress=progress
        )
    print_evaluation(evaluation, table_console())
    if json_file:
        document = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
    if any(each.error for each in evaluation.judged):
        raise typer.Exit(1)
