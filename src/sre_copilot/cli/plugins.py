"""`sre-copilot plugins`: what is registered, and by whom."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from sre_copilot.cli.streams import table_console
from sre_copilot.plugins import GROUPS, registered


def plugins() -> None:
    """List sources, detectors, localisers and sentences, each with the package that brings it."""
    table = Table(title="Plug-ins", title_justify="left")
    for column in ("kind", "name", "target", "package"):
        table.add_column(column, overflow="fold")
    for plugin in registered():
        kind = plugin.group.removeprefix("sre_copilot.")
        table.add_row(*map(Text, (kind, plugin.name, plugin.target, plugin.distribution)))
    console = table_console()
    console.print(table)
    for group, meaning in GROUPS.items():
        console.print(Text(f"{group}: {meaning}"))
