"""`sre-copilot eval breach`: how well coming crossings of a limit are told, on containers that the fit has not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.forecast.breaches import evaluate_breaches

SHOWN = {
    "average_precision": "average precision, containers not seen",
    "shipped_average_precision": "average precision of the shipped table",
    "peer_predict_linear": "the rule predict_linear(v[1h]) > limit",
    "peer_predict_linear_ranked": "the same, ranked by its margin",
    "chance": "chance (share that cross)",
    "hit_rate": "hit rate of warnings of 50 % and more",
    "recall": "share of crossings that they warn of",
    "n": "questions",
}


def breach(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder that holds the memory of containers.", show_default=False),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    hours: Annotated[float, typer.Option(min=1, max=12, help="Within how many hours, 1 to 12.")] = 6.0,
) -> None:
    """Ask at every half hour of every container whether it will cross a limit, and compare with what came.

    The calibration is fitted without the container that it is asked about; the one fitted on all is written as `calibration`.
    """
    if json_file:
        check_writable(json_file, option="--json")
    figures = evaluate_breaches(directory, horizon_hours=hours)
    table = Table("", "", box=None, show_header=False)
    for key, words in SHOWN.items():
        value = figures[key]
        table.add_row(
            words, "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
        )
    table_console().print(table)
    if json_file:
        document = json.dumps({"breach": figures}, ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")
