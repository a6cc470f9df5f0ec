"""`sre-copilot eval workflows`: procedures that become workflows by rules, against the steps that their authors expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.alerting_tables import say, table
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.eval.workflows.run import evaluate


def workflows(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder of NAME.md, each with NAME.steps.yaml.", show_default=False
        ),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
) -> None:
    """Make a workflow of every procedure by rules alone; print the share that lint finds clean, and how many steps are right.

    Exit code 0: all clean; 1: lint has remarks; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    found = evaluate(directory)
    cells = [
        (each.name, each.lang, len(each.remarks), f"{each.right} of {len(each.steps)}")
        for each in found.judged
    ]
    table(("procedure", "language", "remarks", "steps right"), cells, nothing="")
    for each in found.judged:
        for place, expected, made in each.steps:
            if expected != made:
                say(f"{each.name} {place}: expected {expected}; made {made}")
        for remark in each.remarks:
            say(f"{each.name}: {remark}")
    say(
        f"lint-clean {found.clean:.1%}, steps right {found.accuracy:.1%} of {sum(len(each.steps) for each in found.judged)}"
    )
    if json_file:
        write_file(
            json_file, json.dumps(found.as_dict(), ensure_ascii=False, indent=2) + "\n", option="--json"
        )
    if found.clean < 1:
        raise typer.Exit(1)
