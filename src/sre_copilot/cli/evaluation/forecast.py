"""`sre-copilot eval forecast`: how good forecasts are, on recorded series at rolling origins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sre_copilot import plugins
from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.errors import UsageError
from sre_copilot.eval.forecast.run import evaluate_forecasts

GROUP = "sre_copilot.forecasters"


def forecast(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder that holds the recorded series.", show_default=False),
    ],
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    method: Annotated[str, typer.Option(help="Name of the forecaster.")] = "seasonal",
    peer: Annotated[
        list[str] | None, typer.Option(help="Also judge this forecaster at the same origins; repeatable.")
    ] = None,
    hours: Annotated[float, typer.Option(min=1, max=12, help="How far ahead, in hours.")] = 6.0,
    each: Annotated[int, typer.Option(min=1, help="Origins a series.")] = 4,
) -> None:
    """Forecast every recorded series from the seven days before some of its times, and compare with what came.

    Series that are shorter are forecast in warm-up and counted apart. Errors are scaled by those of the naive forecast (MASE), coverage
    is the share of values inside the 95 % interval.
    """
    if json_file:
        check_writable(json_file, option="--json")
    known = plugins.load(GROUP)
    for name in (method, *(peer or ())):
        if name not in known:
            raise UsageError(f"there is no forecaster '{name}'; there are: {', '.join(sorted(known))}")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("forecasting", total=None)
        figures = evaluate_forecasts(
            directory,
            known[method],
            peers={name: known[name] for name in peer or ()},
            horizon_hours=hours,
            each=each,
            progress=lambda done, total: bar.update(shown, completed=done, total=total),
        )
    _print(figures)
    if json_file:
        document = json.dumps({"forecast": {"method": method, **figures}}, ensure_ascii=False, indent=2)
        write_file(json_file, f"{document}\n", option="--json")


def _print(figures: dict[str, Any]) -> None:
    table = Table("", "MASE", "median", "coverage 95 %", "s a series", "origins", "series", box=None)
    rows = {"all": figures, **figures["groups"], **figures.get("peers", {})}
    if "warm_up" in figures:
        rows["warm-up"] = figures["warm_up"]
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row['mase']:.3f}",
            f"{row['mase_median']:.3f}",
            f"{100 * row['coverage95']:.1f} %",
            f"{row['seconds_per_series']:.4f}",
            str(row["origins"]),
            str(row["series"]),
        )
    table_console().print(table)
