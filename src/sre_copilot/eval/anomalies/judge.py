"""What a worker does: score one series, or the metrics of one service, by one detector, and measure that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.detectors.multivariate.detector import ServiceDetector
from sre_copilot.cognition.detectors.series.detector import SeriesDetector
from sre_copilot.errors import MethodError
from sre_copilot.eval.anomalies.datasets import SERVICE_SET, SERVICE_STEP_SECONDS, read_series, read_service
from sre_copilot.eval.anomalies.grid import to_grid
from sre_copilot.eval.anomalies.period import buffer_window
from sre_copilot.eval.anomalies.scores import Accuracy, accuracy
from sre_copilot.plugins import load_one

Floats = NDArray[np.float64]
SERIES_DETECTORS = "sre_copilot.series_detectors"
SERVICE_DETECTORS = "sre_copilot.service_detectors"


@dataclass(frozen=True, slots=True)
class Task:
    """One series (or, in the set `jumpstarter`, one service) and the detector that judges it."""

    directory: Path
    dataset: str
    name: str
    detector: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How one detector did on one series; `error` where the method failed, which scores nothing at all."""

    dataset: str
    name: str
    detector: str
    accuracy: Accuracy
    seconds: float
    error: str = ""


def judge(task: Task) -> Judged:
    """Do one task."""
    return _judge_service(task) if task.dataset == SERVICE_SET else _judge_series(task)


def _judge_series(task: Task) -> Judged:
    series = read_series(task.directory, task.dataset, task.name)
    detector: SeriesDetector = load_one(SERIES_DETECTORS, task.detector)()
    grid = to_grid(series.times, series.values)
    return _measured(
        task,
        lambda: detector.score(grid.values, start=grid.start, step_seconds=grid.step_seconds)[grid.cells],
        labels=series.labels,
        window=buffer_window(series.values),
    )


def _judge_service(task: Task) -> Judged:
    service = read_service(task.directory, task.name)
    detector: ServiceDetector = load_one(SERVICE_DETECTORS, task.detector)()

    def scores() -> Floats:
        model = detector.fit(service.train, start=0, step_seconds=SERVICE_STEP_SECONDS)
        return model.score(service.test, start=len(service.train) * SERVICE_STEP_SECONDS).scores

    return _measured(task, scores, labels=service.labels, window=_common_window(service.train))


def _measured(task: Task, scores: Callable[[], Floats], *, labels: NDArray[np.bool_], window: int) -> Judged:
    began = time.perf_counter()
    try:
        found, error = scores(), ""
    except MethodError as failure:
        found, error = np.full(len(labels), np.nan), str(failure)
    seconds = time.perf_counter() - began
    measured = accuracy(labels, found, window=window)
    return Judged(
        dataset=task.dataset,
        name=task.name,
        detector=task.detector,
        accuracy=measured,
        seconds=seconds,
        error=error,
    )


def _common_window(values: Floats) -> int:
    """The median of the buffers that the metrics of a service ask for, constant ones aside."""
    varying = [column for column in values.T if np.nanmin(column) < np.nanmax(column)]
    return int(np.median([buffer_window(column) for column in varying] or [0]))
