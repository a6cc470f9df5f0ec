"""`sre-copilot discover`: which known metrics the configured systems have, and what would be watched."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.app import open_configured
from sre_copilot.cli.options import ConfigFile
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.errors import SourceError
from sre_copilot.settings.loading import load

FAILED = 1
COLUMNS = ("source", "metric", "series", "watched", "exporter", "unit", "meaning")


def discover(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also metrics that are not there, and those nobody watches.")
    ] = False,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
    config: ConfigFile = None,
) -> None:
    """Ask every source of metrics which of the known ones it has, how many series each gives, and what would be watched.

    Exit code 0: asked; 1: a source could not be asked; 2: usage.
    """
    if output not in {"table", "json"}:
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")
    rows, problems = _asked(config)
    kept = [row for row in rows if everything or (row["watched"] and row["series"])]
    if output == "json":
        print_document(json.dumps({"metrics": kept, "problems": problems}, indent=2, ensure_ascii=False))
    else:
        _print(kept, problems)
    if problems:
        raise typer.Exit(FAILED)


def _asked(config: ConfigFile) -> tuple[list[dict[str, Any]], list[str]]:
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for source in open_configured(load(config)):
        ask = getattr(source, "discover", None)
        try:
            rows += [{"source": source.name, **asdict(each)} for each in (ask() if ask else ())]
        except SourceError as error:
            problems.append(str(error))
        finally:
            source.close()
    return rows, problems


def _print(rows: list[dict[str, Any]], problems: list[str]) -> None:
    table = Table()
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        series = "?" if row["series"] is None else f"{row['series']:,}"
        shown = {**row, "series": series, "watched": "yes" if row["watched"] else ""}
        table.add_row(*(Text(str(shown[column])) for column in COLUMNS))
    console = table_console()
    console.print(table)
    total = sum(row["series"] or 0 for row in rows if row["watched"])
    console.print(Text(f"{total:,} series would be watched"))
    for problem in problems:
        console.print(Text(problem))
