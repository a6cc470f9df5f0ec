"""The figures of learning, for people."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.eval.learning.run import Evaluation
from sre_copilot.incidents.report.clean import one_line

ROLES = {
    "again": "a learned fault, another time",
    "recorded_again": "another recording of a learned fault",
    "new": "a new fault",
    "quiet": "no fault",
}
FIGURES = {
    "n": "cases",
    "right_recalls": "recalled at once, rightly",
    "wrong_recalls": "recalled at once, wrongly",
    "right_without": "answered rightly without experience",
    "right_with": "answered rightly with experience",
    "verdicts_changed": "answers that changed",
    "recall_s_median": "seconds of a recall, median",
    "recall_s_most": "seconds of a recall, most",
    "whole_s_median": "seconds of an investigation, median",
}
PLANTED = {
    "cards": "planted cards",
    "instant_recalls": "of them recalled as certain",
    "verdicts_changed": "answers that they changed",
    "trust_before": "their trust before, median",
    "trust_after": "their trust after, median",
    "retired": "of them retired",
    "labels": "planted labels",
    "proposals_of_one": "proposals that they brought about",
    "thresholds_changed": "thresholds that they changed",
}


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print the tables."""
    roles = [role for role in ROLES if role in evaluation.figures]
    table = Table(title="Learning", title_justify="left")
    table.add_column("")
    for role in roles:
        table.add_column(ROLES[role], justify="right")
    for key, words in FIGURES.items():
        table.add_row(Text(words), *(f"{evaluation.figures[role][key]:g}" for role in roles))
    console.print(table)
    lies = Table(title="Lies", title_justify="left")
    lies.add_column("")
    lies.add_column("", justify="right")
    planted = asdict(evaluation.planted)
    for key, words in PLANTED.items():
        lies.add_row(Text(words), f"{planted[key]:g}")
    console.print(lies)
    for each in evaluation.met:
        if each.wrong:
            console.print(Text(one_line(f"wrong: {each.case} ({each.role}) recalled as {each.recalled}")))
    for problem in evaluation.unread:
        console.print(Text(one_line(f"not read: {problem}")))
