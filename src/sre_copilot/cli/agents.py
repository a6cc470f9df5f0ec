"""`sre-copilot agents`: who is in the team, and what each works with."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sre_copilot.app.asking import roster
from sre_copilot.cli.languages import Language, default_language
from sre_copilot.cli.streams import print_document, table_console
from sre_copilot.domain.knowledge import Lang


def agents(
    lang: Annotated[Language | None, typer.Option(help="Language (default: the locale's).")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """List the agents of the team: what each can be asked, and the tools it works with.

    Exit code 0: listed; 2: usage.
    """
    if output not in ("table", "json"):
        raise typer.BadParameter(f"--output {output!r} is no form; write table or json")
    spoken: Lang = "zh" if (lang or default_language()) is Language.ZH else "en"
    rows = roster(spoken)
    if output == "json":
        return print_document(json.dumps({"agents": rows}, ensure_ascii=False, indent=2))
    table = Table()
    for column in ("agent", "what it can be asked", "tools"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, (row["name"], row["description"], ", ".join(row["tools"]))))
    return table_console().print(table)
