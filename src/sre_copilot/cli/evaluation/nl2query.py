"""`sre-copilot eval nl2query`: whether words become the right queries, and whether unsafe SQL is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from sre_copilot.cli.files import check_writable, write_file
from sre_copilot.cli.streams import table_console
from sre_copilot.eval.nl2query.questions import HALVES
from sre_copilot.eval.nl2query.run import evaluate, halves

MISSED = 1


def nl2query(
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures to this file.")
    ] = None,
    half: Annotated[str | None, typer.Option(help="seen or unseen (default: all that are there).")] = None,
) -> None:
    """Write a query for each question by rules alone, judge it by what a right one has, and send SQL to the guard.

    Exit code 0: every query that was written parses and all unsafe SQL is refused; 1: not so; 2: usage.
    """
    if half is not None and half not in HALVES:
        raise typer.BadParameter(f"--half {half!r} is none of {', '.join(HALVES)}")
    if json_file:
        check_writable(json_file, option="--json")
    found = [evaluate(each).as_dict() for each in halves(half)]
    table = Table()
    for column in (
        "half",
        "questions",
        "written",
        "parsed",
        "right",
        "sure and wrong",
        "unsafe refused",
        "harmless passed",
    ):
        table.add_column(column)
    for each in found:
        table.add_row(
            each["half"], str(each["questions"]), str(each["emitted"]), str(each["parsed"]), str(each["matched"]), str(each["sure_and_wrong"]),
            f"{each['unsafe_refused']} of {each['unsafe']}", f"{each['harmless_passed']} of {each['harmless']}",
        )  # fmt: skip
    table_console().print(table)
    if json_file:
        write_file(
            json_file, json.dumps({"halves": found}, ensure_ascii=False, indent=2) + "\n", option="--json"
        )
    if any(each["parsed"] < each["emitted"] or each["unsafe_refused"] < each["unsafe"] for each in found):
        raise typer.Exit(MISSED)
