"""An evaluation of detectors for people: the sets side by side, and each series."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.eval.anomalies.summary import SETS, AnomalyEvaluation
from sre_copilot.incidents.report.clean import one_line

COLUMNS = (
    ("vus_pr", "VUS-PR"),
    ("auc_pr", "AUC-PR"),
    ("event_f1", "event F1"),
    ("base_rate", "by chance"),
    ("unscored", "without score"),
)


def print_evaluation(evaluation: AnomalyEvaluation, console: Console, *, series: bool = False) -> None:
    """Print the figures of each set and detector, with `series` those of each series too, then what failed."""
    console.print(sets_table(evaluation))
    if series:
        console.print(series_table(evaluation))
    for each in evaluation.judged:
        if each.error:
            console.print(Text(f"{each.detector} failed on {one_line(each.name)}: {one_line(each.error)}"))


def sets_table(evaluation: AnomalyEvaluation) -> Table:
    """One row a set and detector: means over its series."""
    table = Table(
        "set",
        "detector",
        "series",
        *(title for _, title in COLUMNS),
        "seconds",
        title="Anomalies",
        title_justify="left",
    )
    for dataset in SETS:
        for detector in evaluation.names_for(dataset):
            if found := evaluation.of(dataset, detector):
                figures = (evaluation.mean(figure, dataset, detector) for figure, _ in COLUMNS)
                shown = ("-" if value is None else f"{value:.3f}" for value in figures)
                seconds = sum(each.seconds for each in found)
                table.add_row(dataset, detector, str(len(found)), *shown, f"{seconds:.1f}")
    return table


def series_table(evaluation: AnomalyEvaluation) -> Table:
    """One row a series and detector."""
    table = Table("set", "series", "detector", *(title for _, title in COLUMNS), "points", "events", "window")
    for each in evaluation.judged:
        measured = each.accuracy
        shown = (f"{getattr(measured, figure):.3f}" for figure, _ in COLUMNS)
        counts = (str(measured.points), str(measured.events), str(measured.window))
        table.add_row(each.dataset, Text(one_line(each.name)), each.detector, *shown, *counts)
    return table
