"""A source of invented metrics: any number of daily-seasonal series at any time, deterministic by seed.

    source = SyntheticSource(services=20, metrics=5)
    source.disturb(SeriesKey("service-003", "latency"), start=1000.0, end=1600.0, add=5.0)
    source.series(Window(0.0, 3600.0), step_seconds=60)

A value depends on the series and the time alone, so that reading it once or in parts gives the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.errors import SourceUnreachable
from sre_copilot.perception.blocks import table_of
from sre_copilot.perception.source import Asked, Health, Reading, SourceSettings

NAMES = ("latency", "requests", "errors", "cpu", "memory")
DAY = 86_400.0
STEP = 60  # of `read`, seconds


class SyntheticSettings(SourceSettings):
    """How much of it there is."""

    services: int = 4
    metrics: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that happens to one series: `add` in standard deviations of its noise; NaN: it has no values."""

    key: SeriesKey
    start: float
    end: float
    add: float


@dataclass
class SyntheticSource:
    """Invented series; `down` makes it unreachable, `asked` counts its reads."""

    services: int = 4
    metrics: int = 3
    seed: int = 0
    name: str = "synthetic"
    down: bool = False
    asked: int = 0
    disturbances: list[Disturbance] = field(default_factory=list)

    Settings: ClassVar[type[SourceSettings]] = SyntheticSettings
    modalities: ClassVar[tuple[Modality, ...]] = ("metrics",)

    def __post_init__(self) -> None:
        self.keys = tuple(
            SeriesKey(
                f"service-{service:03}",
                NAMES[metric % len(NAMES)] + ("" if metric < len(NAMES) else str(metric)),
            )
            for service in range(self.services)
            for metric in range(self.metrics)
        )
        generator = np.random.default_rng(self.seed)
        count = len(self.keys)
        self._level = generator.uniform(50, 150, count).astype(np.float32)
        self._swing = generator.uniform(5, 30, count).astype(np.float32)
        self._phase = generator.uniform(0, 2 * np.pi, count).astype(np.float32)
        self._salt = generator.integers(1, 2**31, count).astype(np.uint64)

    def disturb(self, key: SeriesKey, *, start: float, end: float, add: float) -> None:
        """Let something happen to one series."""
        self.disturbances.append(Disturbance(key, start, end, add))

    def series(self, window: Window, *, step_seconds: int) -> SeriesBlock:
        """All series on the grid of the window."""
        self.asked += 1
        if self.down:
            raise SourceUnreachable(
                self.name, "no connection to an invented system", remedy="set down to False"
            )
        start = int(window.start)
        width = max(0, -(-int(window.end - start) // step_seconds))
        times = start + step_seconds * np.arange(width, dtype=np.int64)
        values = self._values(times)
        for each in self.disturbances:
            row = self.keys.index(each.key)
            hit = (times >= each.start) & (times < each.end)
            values[row, hit] += np.float32(each.add)
        return SeriesBlock(self.keys, start, step_seconds, values)

    def read(self, window: Window) -> Reading:
        """The same as a table."""
        start = -(-int(window.start) // STEP) * STEP
        block = self.series(Window(start, max(start, window.end)), step_seconds=STEP)
        asked = Asked(source=self.name, text="all invented series", window=window, rows=block.values.size)
        return Reading(telemetry=Telemetry(metrics=table_of(block)), asked=(asked,))

    def health(self) -> Health:
        """It is as well as it is told to be."""
        problem = "it is told to be down" if self.down else ""
        return Health(
            source=self.name,
            ok=not self.down,
            version="1",
            problem=problem,
            remedy=problem and "set down to False",
        )

    def close(self) -> None:
        """Nothing to close."""

    def _values(self, times: NDArray[np.int64]) -> NDArray[np.float32]:
        turn = (2 * np.pi / DAY * (times % int(DAY))).astype(np.float32)
        values = np.sin(turn[None, :] + self._phase[:, None])
        values *= self._swing[:, None]
        values += self._level[:, None]
        values += _noise(self._salt, times)
        return np.asarray(values, np.float32)


def _noise(salt: NDArray[np.uint64], times: NDArray[np.int64]) -> NDArray[np.float32]:
    """About normal noise of unit variance that depends on series and time alone: the sum of four hashed uniform numbers."""
    mixed = salt[:, None] * np.uint64(0x9E3779B97F4A7C15) + times.astype(np.uint64)[None, :] * np.uint64(
        0xBF58476D1CE4E5B9
    )
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(29)
    total = np.zeros(mixed.shape, np.float32)
    for shift in (0, 16, 32, 48):
        total += ((mixed >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float32)
    return np.asarray((total / np.float32(65536.0) - np.float32(2.0)) * np.float32(1.7320508), np.float32)
