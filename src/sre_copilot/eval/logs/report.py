"""An evaluation of log templates for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.eval.logs.run import Evaluation
from sre_copilot.incidents.report.clean import one_line


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print a row a system and their mean, then the speed."""
    table = Table(
        "system",
        "lines",
        "templates",
        "true",
        "GA",
        "FGA",
        "FTA",
        title="Log templates",
        title_justify="left",
    )
    for each in evaluation.systems:
        counts = (str(each.lines), str(each.templates), str(each.true_templates))
        scores = (each.scores.ga, each.scores.fga, each.scores.fta)
        table.add_row(Text(one_line(each.name)), *counts, *(f"{value:.3f}" for value in scores))
    means = evaluation.as_dict()["logs"]
    table.add_row("mean", "", "", "", *(f"{means[name]:.3f}" for name in ("ga", "fga", "fta")))
    console.print(table)
    console.print(f"{evaluation.lines_per_s:,.0f} lines a second on one core")
