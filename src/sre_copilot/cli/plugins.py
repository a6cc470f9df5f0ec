"""`sre-copilot plugins`: what is registered, and by whom."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.plugins import GROUPS, registered


def plugins() -> None:
    """List sources, detectors and localisers, each with the package that brings it."""
    table = Table("kind", "name", "target", "package", title="Plug-ins", title_justify="left")
    for plugin in registered():
        kind = plugin.group.removeprefix("sre_copilot.")
        table.add_row(*map(Text, (kind, plugin.name, plugin.target, plugin.distribution)))
    console = Console()
    console.print(table)
    for group, meaning in GROUPS.items():
        console.print(Text(f"{group}: {meaning}"))
