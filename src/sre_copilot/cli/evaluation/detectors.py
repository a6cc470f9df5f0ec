"""`sre-copilot eval detectors`: which detector suits a metric, by rolling origin over its own past."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.cli.evaluation.progress import shown
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.anomalies.judge import SERIES_DETECTORS
from sre_copilot.eval.anomalies.run import check_names
from sre_copilot.eval.anomalies.selection import CHEAP, Selected, select
from sre_copilot.incidents.report.clean import one_line


def detectors(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV or Parquet: timestamp, value, and series, label if any.",
            show_default=False,
        ),
    ],
    *,
    detector: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"A detector to compare; repeatable. Default: {', '.join(CHEAP)}."),
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A series of the file; repeatable. Default: all.")
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="Find what is labelled instead of planted anomalies.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=0, help="Worker processes of one core each; 0: as many as cores.")
    ] = 0,
) -> None:
    """Rank detectors for each series of a file, the best first.

    Four folds roll forward over the later half of the past. In each, spikes and shifts are planted and must be found again by a
    detector that knows what came before; with --labels, what is labelled. The figure is average precision.
    """
    if json_file:
        check_writable(json_file, option="--json")
    names = tuple(dict.fromkeys(detector or CHEAP))
    check_names(names, SERIES_DETECTORS, "--detector")
    with shown() as progress:
        found = select(
            file, names, series=tuple(series or ()), use_labels=labels, jobs=jobs, progress=progress
        )
    table_console().print(selection_table(found, names))
    if json_file:
        write_file(
            json_file, f"{json.dumps(_document(found), ensure_ascii=False, indent=2)}\n", option="--json"
        )


def selection_table(found: Sequence[Selected], names: Sequence[str]) -> Table:
    """One row a series: the best detector and the average precision of each."""
    table = Table("series", "best", *names, title="Detectors by rolling origin", title_justify="left")
    for each in found:
        figures = {ranked.name: f"{ranked.precision:.3f}" for ranked in each.ranked}
        best = each.ranked[0].name if each.ranked else one_line(each.error)
        table.add_row(Text(one_line(each.series)), Text(best), *(figures.get(name, "-") for name in names))
    return table


def _document(found: Sequence[Selected]) -> dict[str, object]:
    return {
        each.series: {
            "best": each.ranked[0].name if each.ranked else None,
            "precision": {ranked.name: ranked.precision for ranked in each.ranked},
            "folds": {ranked.name: ranked.folds for ranked in each.ranked},
            "error": each.error or None,
        }
        for each in found
    }
