"""`lab replay`: learn one resampled week, watch another one tick by tick under a turned clock, and count what is told.

Both weeks are made of the same live stretch, each with a seed of its own, put into a Prometheus, and read by the source that reads any
Prometheus. So whatever is told of the second week is a false alarm.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lab.live import copilot, openmetrics, prometheus, state
from lab.live.stretch import Stretch, past
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesBlock
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.source import Health, Reading, SourceSettings
from sre_copilot.settings.document import Logging, Settings
from sre_copilot.telemetry import set_up_logging
from sre_copilot.testing.servers.real import backfill, free_port

DAY_S = 86_400
TICK_S = 60
LEARN_SEED, WATCH_SEED = 1, 2
Say = Callable[[str], None]


class HeldSource:
    """Serves series that lie in memory, on their own grid."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("metrics",)
    name = "held"

    def __init__(self, block: SeriesBlock) -> None:
        self._block = block

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """The columns of the window; those that are not held are NaN.

        Raises
        ------
        ValueError : another step than that of the block is asked for
        """
        block = self._block
        if step_seconds != block.step_seconds:
            raise ValueError(f"a step of {block.step_seconds} s is held, {step_seconds} s is asked for")
        first = -(-int(window.start) // step_seconds) * step_seconds
        times = np.arange(first, window.end, step_seconds, dtype=np.int64)
        columns = (times - block.start) // step_seconds
        held = (columns >= 0) & (columns < block.values.shape[1])
        values = np.full((len(block.keys), len(times)), np.nan, np.float32)
        values[:, held] = block.values[:, columns[held]]
        return SeriesBlock(block.keys, first, step_seconds, values)

    def read(self, window: Window) -> Reading:
        """Nothing besides series."""
        return Reading(telemetry=Telemetry())

    def health(self) -> Health:
        """It is memory."""
        return Health(source=self.name, ok=True)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An anomaly of the watched time: which day (0 is the first), which series, by which method."""

    day: int
    entity: str
    metric: str
    method: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was watched, and what was told."""

    days: int
    series: int
    ticks: int
    seconds: float
    told: tuple[Told, ...]

    def by_day(self) -> list[int]:
        """Anomalies of each day."""
        return [sum(each.day == day for each in self.told) for day in range(self.days)]


def replayed(*, days: int, every: int, say: Say) -> Replayed:
    """Learn and watch.

    Raises
    ------
    ValueError : there is no live stretch yet
    """
    kept = state.work_folder() / "stretch.npz"
    if not kept.exists():
        raise ValueError("there is no live stretch to resample yet; run `python3 dev.py lab up` once")
    with tempfile.TemporaryDirectory(prefix="lab-replay-") as folder:
        block = _weeks(Stretch.load(kept), Path(folder), days=days, every=every, say=say)
        return _watched(block, Path(folder), days=days, say=say)


def _weeks(seen: Stretch, folder: Path, *, days: int, every: int, say: Say) -> SeriesBlock:
    """The series of two successive stretches of so many days, as the source reads them."""
    end = int(time.time()) // DAY_S * DAY_S
    middle = end - days * DAY_S
    text = folder / "past.txt"
    parts = (
        past(seen, end=at, days=days, every=every, seed=seed)
        for at, seed in ((middle, LEARN_SEED), (end, WATCH_SEED))
    )
    samples = openmetrics.write(text, chain.from_iterable(parts))
    backfill(text, folder / "prometheus" / "data")
    text.unlink()
    say(f"{samples:,} samples of {2 * days} days; reading them as series")
    with prometheus.running(folder / "prometheus", "{}", port=free_port()) as server:
        source = PrometheusSource(
            PrometheusSource.Settings.model_validate(
                copilot.prometheus_settings(server.url) | {"timeout_seconds": 120}
            )
        )
        block = source.series(Window(middle - days * DAY_S, end), step_seconds=TICK_S)
        source.close()
    return block


def _watched(block: SeriesBlock, folder: Path, *, days: int, say: Say) -> Replayed:
    begin = block.end - days * DAY_S
    set_up_logging(Logging(level="ERROR"))
    settings = Settings.model_validate(
        {
            "check_interval_seconds": TICK_S,
            "baseline": {"learning_days": days, "step_seconds": TICK_S},
            "store": {"folder": str(folder / "data"), "keep_days": 2 * days + 2},
        }
    )
    clock, began = TurnedClock(float(begin)), time.monotonic()
    service = make_service(settings, sources=[HeldSource(block)], clock=clock)
    try:
        service.watch.request_learning(wait=True)
        say(f"learned {len(block.keys)} series; ticking through {days} days")
        ticks = 0
        while clock.now() < block.end:
            service.watch.tick()
            ticks += 1
            clock.wait(TICK_S, service.stop)
            if ticks % 1440 == 0:
                say(f"day {ticks // 1440}: {time.monotonic() - began:.0f} s")
        told = _told(service, begin)
    finally:
        service.close()
    return Replayed(
        days=days, series=len(block.keys), ticks=ticks, seconds=time.monotonic() - began, told=told
    )


def _told(service: Service, begin: float) -> tuple[Told, ...]:
    rows: list[Any] = []
    cursor: str | None = None
    while True:
        page = service.anomalies.page(since=begin, cursor=cursor, limit=1000)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            break
    return tuple(
        Told(
            day=int((row["opened_at"] - begin) // DAY_S),
            entity=row["entity"],
            metric=row["metric"],
            method=row["method"],
            score=round(row["peak_score"], 3),
        )
        for row in sorted(rows, key=lambda row: float(row["opened_at"]))
    )


def table(result: Replayed) -> str:
    """The result for people."""
    counts = result.by_day()
    lines = [
        f"{result.series} series, {result.ticks} ticks in {result.seconds:.0f} s",
        f"told each day: {' '.join(map(str, counts))}; {len(result.told) / result.days:.2f} a day",
    ]
    lines += [
        f"  day {each.day}: {each.entity} {each.metric} {each.method} score {each.score:.2f}"
        for each in result.told[:40]
    ]
    return "\n".join(lines)


def document(result: Replayed) -> dict[str, Any]:
    """The result for programs."""
    return {
        "days": result.days,
        "series": result.series,
        "ticks": result.ticks,
        "told_per_day": result.by_day(),
        "worst_day": max(result.by_day(), default=0),
        "told": [f"{each.entity} {each.metric} {each.method}" for each in result.told],
    }
