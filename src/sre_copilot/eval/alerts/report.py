"""An evaluation of alerts for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.eval.alerts.run import Evaluation
from sre_copilot.eval.alerts.scores import Scores, together
from sre_copilot.incidents.report.clean import one_line

COLUMNS = (
    *("scenario", "alerts", "messages", "fewer", "incidents told", "right", "precision", "chance"),
    *("phases visible", "incidents listed", "visible there"),
)

UNSEEN = (
    *("scenario", "phase", "why", "alerts", "in told incidents", "in listed ones", "routine"),
    "rarest came before",
)
WHY = {
    "told": "told",
    "quiet": "listed, below the limit",
    "mixed": "together with others",
    "habit": "all of it routine",
}


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print a row a scenario, all of them, the peer, and what cannot be seen."""
    table = Table(*COLUMNS, title="Alerts: who is told of what", title_justify="left")
    whole, peer = together(evaluation.scenarios), together(evaluation.peer)
    for each in (*evaluation.scenarios, whole):
        table.add_row(*_row(each))
    table.add_section()
    table.add_row(*_row(peer, name="grouping by kind and host"))
    if evaluation.left_out:
        table.add_section()
        for left in evaluation.left_out:
            name = f"{left.scores.scenario} left out (limit {left.limit:g})"
            table.add_row(*_row(left.scores, name=name))
        parts = [each.scores for each in evaluation.left_out]
        table.add_row(*_row(together(parts), name="all, each left out"))
    console.print(table)
    if whole.missing:
        console.print(_unseen(whole))
    console.print(
        f"Limit {evaluation.minimum_worth:g}; messages are incidents, updates and ends to one receiver; "
        f"{whole.alerts:,} alerts in {evaluation.seconds:.1f} s."
    )


def _unseen(whole: Scores) -> Table:
    """A row a phase that is the majority of no told incident: where its alerts went, and how usual they were."""
    table = Table(*UNSEEN, title="Phases of no told incident", title_justify="left")
    for each in whole.fates:
        if each.outcome != "told":
            counts = (each.alerts, each.in_told, each.in_quiet, each.in_none, each.earlier)
            names = (Text(one_line(each.scenario)), Text(one_line(each.phase)))
            table.add_row(*names, WHY[each.outcome], *(f"{count:,}" for count in counts))
    return table


def _row(scores: Scores, *, name: str = "") -> list[Text | str]:
    return [
        Text(one_line(name or scores.scenario)),
        f"{scores.alerts:,}",
        f"{scores.messages:,}",
        f"{scores.reduction:.3%}",
        f"{scores.told:,}",
        f"{scores.right:,}",
        f"{scores.precision:.3f}",
        f"{scores.chance:.3f}",
        f"{scores.visible} of {scores.phases}",
        f"{scores.listed:,}",
        f"{scores.listed_visible}",
    ]
