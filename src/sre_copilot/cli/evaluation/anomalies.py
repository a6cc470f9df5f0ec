"""`sre-copilot eval anomalies`: how well detectors agree with labels, measured on recorded series."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.anomalies.datasets import NAB_GROUPS
from sre_copilot.eval.anomalies.report import print_evaluation
from sre_copilot.eval.anomalies.run import DEFAULT_DETECTOR, DEFAULT_SERVICE_DETECTOR, Options, evaluate

FAILED = 1


def anomalies(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of the labelled series (Parquet).", show_default=False),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"A detector of series; repeatable. Default: {DEFAULT_DETECTOR}."),
    ] = None,
    service_detector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"A detector across the metrics of a service; repeatable. Default: {DEFAULT_SERVICE_DETECTOR}.",
        ),
    ] = None,
    nab_group: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help=f"A group of NAB; repeatable. Default: {', '.join(NAB_GROUPS)}."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=0, help="Worker processes of one core each; 0: as many as cores.")
    ] = 0,
    series: Annotated[bool, typer.Option("--series", help="List the figures of each series.")] = False,
) -> None:
    """Score every labelled series without looking at its labels, then compare with them.

    Read are nab.parquet, msft.parquet, donut.parquet and jumpstarter_d2.parquet, those that are there.
    Exit code 0: all series were scored; 1: a detector failed on some; 2: usage.
    """
    if json_file:
        check_writable(json_file, option="--json")
    options = Options(
        detectors=tuple(dict.fromkeys(detector or (DEFAULT_DETECTOR,))),
        service_detectors=tuple(dict.fromkeys(service_detector or (DEFAULT_SERVICE_DETECTOR,))),
        nab_groups=tuple(nab_group or NAB_GROUPS),
        jobs=jobs,
    )
    with shown() as progress:
        evaluation = evaluate(directory, options, progress=progress)
    print_evaluation(evaluation, table_console(), series=series)
    if json_file:
        document = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
    if any(each.error for each in evaluation.judged):
        raise typer.Exit(FAILED)
