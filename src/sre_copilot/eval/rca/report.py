"""An evaluation for people: the sets side by side, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sre_copilot.eval.rca.scores import SetScores
from sre_copilot.eval.rca.summary import Evaluation, Miss
from sre_copilot.incidents.report.clean import one_line

ROWS: Final = (
    ("n", "cases with a known fault"),
    ("ac1", "AC@1"),
    ("ac3", "AC@3"),
    ("ac5", "AC@5"),
    ("avg5", "Avg@5"),
    ("mrr", "MRR"),
    ("chance_ac1", "AC@1 by chance"),
    ("type_accuracy", "fault type"),
    ("full_match", "full match"),
    ("confident_wrong", "confident and wrong"),
    ("confident_right", "confident and right"),
    ("inconclusive", "inconclusive"),
    ("ece", "calibration error"),
    ("seconds_median", "seconds a case, median"),
    ("seconds_p95", "seconds a case, p95"),
)
NONE: Final = "-"
ERROR_LENGTH: Final = 400


def print_evaluation(evaluation: Evaluation, console: Console, *, misses: bool = False) -> None:
    """Print the tables, and with `misses` each case that was not answered rightly."""
    console.print(sets_table(evaluation.sets, title="Root cause"))
    console.print(rest_table(evaluation))
    for shift, sets in evaluation.shifted.items():
        console.print(sets_table(sets, title=f"Root cause, onset {shift} s"))
    if evaluation.renamed:
        compared = evaluation.renamed
        console.print(
            Text(
                f"Renamed: {len(compared.changed)} of {compared.n} verdicts changed, "
                f"{len(compared.first_changed)} first suspects (ties aside)."
            )
        )
        for case in sorted({*compared.changed, *compared.first_changed}):
            console.print(Text(f"  {one_line(case)}"))
    if misses:
        console.print(misses_table(evaluation.misses))


def sets_table(sets: Mapping[str, SetScores], *, title: str) -> Table:
    """The figures of each set in a column."""
    table = Table("measure", title=title, title_justify="left")
    for name in sets:
        table.add_column(Text(one_line(name)), justify="right", overflow="fold")
    columns = [scores.as_dict() for scores in sets.values()]
    for key, words in ROWS:
        table.add_row(words, *(figure(column[key]) for column in columns))
    return table


def rest_table(evaluation: Evaluation) -> Table:
    """What is measured over all sets."""
    table = Table("measure", title="All sets", title_justify="left")
    table.add_column("value", justify="right")
    for name, accuracy in evaluation.no_fault_by_set.items():
        table.add_row(Text(f"no fault, {one_line(name)}"), figure(accuracy))
    table.add_row(
        f"no fault, mean of the sets ({evaluation.no_fault_n} judged)", figure(evaluation.no_fault_accuracy)
    )
    table.add_row(
        f"planted findings that survived (of {len(evaluation.planted)})", figure(evaluation.survivors)
    )
    table.add_row("peak memory of the largest process, MB", f"{evaluation.peak_rss_mb:.0f}")
    return table


def misses_table(misses: Sequence[Miss]) -> Table:
    """Each case whose entity or type is wrong, and each alarm without a fault."""
    table = Table(title=f"Misses: {len(misses)}", title_justify="left")
    for column in ("case", "answer", "p", "rank", "said", "true"):
        table.add_column(column, overflow="fold")
    for miss in misses:
        table.add_row(
            Text(one_line(miss.case)),
            miss.outcome,
            f"{miss.probability:.2f}",
            figure(miss.rank),
            Text(one_line(miss.error or " ".join(miss.said))),
            Text(one_line(" ".join(miss.true))),
        )
    return table


def unread(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    """Cases that could not be read or judged, each with its error."""
    return tuple(dict.fromkeys((miss.case, miss.error) for miss in evaluation.misses if miss.error))


def print_unread(evaluation: Evaluation, console: Console) -> None:
    """Say which cases could not be judged, and why; they count as answered wrongly."""
    failed = unread(evaluation)
    console.print(Text(f"Could not be judged: {len(failed)}", style="red"))
    for case, error in failed:
        console.print(Text(f"  {one_line(case)}: {one_line(error, ERROR_LENGTH)}"), soft_wrap=True)


def figure(value: float | int | None) -> str:
    """A figure with three digits after the point, a count without."""
    if value is None:
        return NONE
    return str(value) if isinstance(value, int) else f"{value:.3f}"
