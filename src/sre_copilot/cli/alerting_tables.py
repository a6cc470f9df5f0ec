"""How the commands of alerting print what the server answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table
from rich.text import Text

from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.incidents.report.clean import one_line

Output = Annotated[str, typer.Option("--output", "-o", help="table, json or yaml.")]
FORMS = ("table", "json", "yaml")
WHOLE = ("id", "fingerprint", "severity", "status", "since", "at", "priority", "state")
"""Columns that are not broken, for they are copied, or nothing when broken."""
LONGEST = 300  # characters of a cell


def check_form(output: str) -> None:
    """Refuse a form that there is none of, before anything is asked."""
    if output not in FORMS:
        raise typer.BadParameter(f"--output {output!r} is no form; write {', '.join(FORMS)}")


def show(document: Mapping[str, Any], output: str) -> bool:
    """Print a document for programs; False when a table is wanted."""
    if output == "json":
        print_document(json.dumps(document, indent=2, ensure_ascii=False))
    elif output == "yaml":
        print_document(yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False))
    else:
        return False
    return True


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, nothing: str) -> None:
    """Print a table; what it says when there is no row."""
    console = table_console()
    shown = [
        tuple(Text(one_line(str(cell if cell is not None else ""), LONGEST)) for cell in row) for row in rows
    ]
    if not shown:
        console.print(Text(nothing))
        return
    drawn = Table()
    for column in columns:
        drawn.add_column(column, overflow="fold", no_wrap=column in WHOLE)
    for row in shown:
        drawn.add_row(*row)
    console.print(drawn)


def seconds_of(moment: str | None) -> str:
    """A time as a table shows it: to the second."""
    if not moment:
        return ""
    whole, _, rest = moment.partition(".")
    return f"{whole}Z" if rest else moment


def sentences(texts: Iterable[str]) -> str:
    """Several sentences in one cell, without a repetition."""
    kept = list(dict.fromkeys(each for each in texts if each))
    chinese = any("\u4e00" <= letter <= "\u9fff" for text in kept for letter in text)
    return ("；" if chinese else "; ").join(kept)


def lines(rows: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, a line each; what is empty is left out."""
    console = table_console()
    for name, value in rows:
        if value not in (None, "", [], {}):
            console.print(Text(one_line(f"{name}: {value}", 1000)), soft_wrap=True)


def say(text: str) -> None:
    """Print a sentence."""
    table_console().print(Text(one_line(text, 1000)), soft_wrap=True)
