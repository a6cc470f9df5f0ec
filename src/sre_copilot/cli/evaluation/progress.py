"""How far an evaluation is, on the terminal; nothing is left of it when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from sre_copilot.eval.workers import Progress
from sre_copilot.incidents.report.clean import one_line


@contextmanager
def shown() -> Iterator[Progress]:
    """Yield what is to be told after each task: how many are done, of how many, and which one."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[label]}", markup=False),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, label="")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, label=one_line(name))
