"""An evaluation of understanding for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_evaluation(found: Mapping[str, Any], console: Console) -> None:
    """Print a row a half."""
    table = Table(
        "questions",
        "n",
        "intent",
        "services",
        "all it carries",
        "both",
        "times",
        "right",
        title="Understanding without a model",
        title_justify="left",
    )
    for half, each in found["intent"].items():
        shares = ("intent_accuracy", "services_accuracy", "parameters_accuracy", "both")
        times = each["times"]
        table.add_row(
            half,
            str(each["n"]),
            *(_share(each[name]) for name in shares),
            str(times["n"]),
            _share(times["accuracy"]),
        )
    console.print(table)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
