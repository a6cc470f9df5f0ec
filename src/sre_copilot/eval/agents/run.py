"""Run arms over recorded incidents, in worker processes; the truth is read after every answer is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sre_copilot.errors import UsageError
from sre_copilot.eval.agents.arms import ARMS, USUAL
from sre_copilot.eval.agents.judge import Judged, Task, judge
from sre_copilot.eval.agents.summary import summarise
from sre_copilot.eval.rca.run import case_folders
from sre_copilot.eval.rca.truth import read_truth
from sre_copilot.eval.workers import Progress, in_workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All judgements and their figures by arm."""

    judged: tuple[Judged, ...]
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As it is written to a file."""
        return {"agents": self.figures}


def evaluate(
    directory: Path,
    *,
    arms: Sequence[str] = USUAL,
    url: str = "",
    limit: int = 0,
    jobs: int = 0,
    progress: Progress = lambda done, total, name: None,
) -> Evaluation:
    """Judge every case in every arm.

    Raises
    ------
    UsageError : an arm that there is not, or the local model without its address
    """
    folders = case_folders(directory)
    tasks = [task for name in arms for task in _tasks(name, folders[:limit] if limit else folders, url)]
    found = in_workers(
        judge, tasks, name=lambda task: f"{task.name} {task.folder.name}", jobs=jobs, progress=progress
    )
    judged = tuple(found[task] for task in tasks)
    truths = {folder.name: truth for folder in folders if (truth := read_truth(folder))}
    return Evaluation(judged=judged, figures=summarise(judged, truths))


def _tasks(name: str, folders: Sequence[Path], url: str) -> list[Task]:
    arm = ARMS.get(name)
    if arm is None:
        raise UsageError(f"--arm {name}: there is no such arm. There are: {', '.join(ARMS)}.")
    if arm.actor == "local" and not url:
        raise UsageError("--arm local: give the address of the model: --url http://127.0.0.1:PORT/v1")
    return [Task(folder=folder, name=name, arm=replace(arm, url=url)) for folder in folders]
