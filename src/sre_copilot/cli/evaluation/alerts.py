"""`sre-copilot eval alerts`: how few messages a stream of alerts becomes, and whether they are about what matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.alerts.report import print_evaluation
from sre_copilot.eval.alerts.run import evaluate


def alerts(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="The labelled alerts (Parquet), or the folder that holds ait_alerts.parquet.",
            show_default=False,
        ),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    leave_one_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out", help="Also judge each scenario with the limit that was best on the others."
        ),
    ] = False,
    pipeline: Annotated[
        bool,
        typer.Option(
            "--pipeline",
            help="Send them through the whole alert pipeline with its defaults, not to correlation alone.",
        ),
    ] = False,
) -> None:
    """Let labelled alerts come in as they did, decide without their labels, then compare.

    An incident is right when more than half of its alerts are of one phase; a phase is visible when it is the majority of an incident that woke somebody.
    Exit code 0: all scenarios were measured; 2: usage, or alerts that cannot be read.
    """
    if json_file:
        check_writable(json_file, option="--json")
    evaluation = evaluate(path, leave_one_out=leave_one_out, pipeline=pipeline)
    print_evaluation(evaluation, table_console())
    if json_file:
        document = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
