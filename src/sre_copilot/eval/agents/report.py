"""The figures as tables."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from sre_copilot.eval.agents.run import Evaluation

ROWS = (
    ("n", "cases"),
    ("verdict_kept", "verdict is the core's, or inconclusive"),
    ("verdict_same", "verdict is the core's"),
    ("inconclusive", "inconclusive"),
    ("inconclusive_core", "inconclusive, bare core"),
    ("claims", "claims printed"),
    ("claims_not_reproduced", "of them not re-running true"),
    ("calls_most", "calls of a model, most"),
    ("input_tokens_most", "tokens in, most"),
    ("input_tokens_mean", "tokens in, mean"),
    ("partial", "partial answers"),
    ("seconds_p95", "seconds, p95"),
    ("errors", "not judged"),
)


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print a column an arm."""
    table = Table(title="The team", title_justify="left")
    table.add_column("measure")
    for arm in evaluation.figures:
        table.add_column(arm, justify="right")
    sets = dict.fromkeys(name for each in evaluation.figures.values() for name in each["ac_at_1"])
    for name in sets:
        cells = [each["ac_at_1"].get(name) for each in evaluation.figures.values()]
        if any(cells):
            label = f"AC@1 {name} (bare core {next(c['core_named'] for c in cells if c):.3f}, n {next(c['n'] for c in cells if c)})"
            table.add_row(label, *(f"{cell['team']:.3f}" if cell else "-" for cell in cells))
    quiet = [each["no_fault_right"] for each in evaluation.figures.values()]
    if any(each["n"] for each in quiet):
        table.add_row("no fault", *(f"{each['right']} of {each['n']}" for each in quiet))
    for key, label in ROWS:
        table.add_row(label, *(_number(each[key]) for each in evaluation.figures.values()))
    console.print(table)


def _number(value: float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
