"""Run an evaluation of detectors: every labelled series by every detector, in worker processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sre_copilot.errors import UsageError
from sre_copilot.eval.anomalies.datasets import (
    NAB_GROUPS,
    SERVICE_SET,
    present,
    series_names,
    service_names,
)
from sre_copilot.eval.anomalies.judge import SERIES_DETECTORS, SERVICE_DETECTORS, Task, judge
from sre_copilot.eval.anomalies.summary import AnomalyEvaluation, summarise
from sre_copilot.eval.workers import Progress, in_workers
from sre_copilot.plugins import registered

DEFAULT_DETECTOR = "ensemble"
DEFAULT_SERVICE_DETECTOR = "isolation_forest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to evaluate: detectors of series, detectors across the metrics of a service, the groups of NAB, worker processes (0: as many as cores)."""

    detectors: tuple[str, ...] = (DEFAULT_DETECTOR,)
    service_detectors: tuple[str, ...] = (DEFAULT_SERVICE_DETECTOR,)
    nab_groups: tuple[str, ...] = NAB_GROUPS
    jobs: int = 0


def evaluate(
    directory: Path, options: Options | None = None, *, progress: Progress = lambda done, total, name: None
) -> AnomalyEvaluation:
    """Score all labelled series of the folder, or of its subfolder `timeseries`, and compare with their labels."""
    options = options or Options()
    directory = directory / "timeseries" if (directory / "timeseries").is_dir() else directory
    check_names(options.detectors, SERIES_DETECTORS, "--detector")
    check_names(options.service_detectors, SERVICE_DETECTORS, "--service-detector")
    tasks = plan(directory, options)
    judged = in_workers(
        judge,
        tasks,
        name=lambda task: f"{task.dataset}: {task.name} by {task.detector}",
        jobs=options.jobs,
        progress=progress,
    )
    return summarise(tuple(judged.values()), options.detectors, options.service_detectors)


def plan(directory: Path, options: Options) -> tuple[Task, ...]:
    """All tasks, services first: they take longest."""
    sets = present(directory)
    services = service_names(directory) if SERVICE_SET in sets else ()
    across = [
        Task(directory, SERVICE_SET, name, detector)
        for name in services
        for detector in options.service_detectors
    ]
    alone = [
        Task(directory, dataset, name, detector)
        for dataset in sets
        if dataset != SERVICE_SET
        for name in series_names(directory, dataset, groups=options.nab_groups)
        for detector in options.detectors
    ]
    return (*across, *alone)


def check_names(names: tuple[str, ...], group: str, option: str) -> None:
    """Refuse a detector that is not registered, before any work is done."""
    known = [plugin.name for plugin in registered(group)]
    for name in names:
        if name not in known:
            raise UsageError(f"{option} '{name}' is not registered. Known: {', '.join(known) or 'none'}.")
