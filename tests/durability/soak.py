"""One day of the watch under a turned clock, in a process of its own: prints what it measured as JSON.

python tests/durability/soak.py FOLDER SERIES HOURS

What is held is asked of the allocator: the resident set also counts what it keeps for itself in pieces (beside other processes on two cores a
fifth of it comes and goes by the order in which threads ran), and that would hide a leak rather than show one. `PYTHONMALLOC=malloc` lets
Python's own objects be counted, too.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sre_copilot.app.serving import make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
INTERVAL = 60
METRICS = 5
STATM = Path("/proc/self/statm")


class PassingClock(TurnedClock):
    """Turned while the watch waits, and passing while it works: a tick that takes too long makes it miss the next, as in life."""

    def __init__(self, start: float, between: Callable[[float], None]) -> None:
        super().__init__(start)
        self._between = between
        self._working_since = time.monotonic()

    def now(self) -> float:
        return super().now() + time.monotonic() - self._working_since

    def wait(self, seconds: float, until: threading.Event) -> bool:
        worked = time.monotonic() - self._working_since
        self._now += worked + max(0.0, seconds)
        self._between(worked)
        self._working_since = time.monotonic()
        return until.is_set()


class MallocInfo(ctypes.Structure):
    """What glibc's `mallinfo2` returns, in bytes; `uordblks` and `hblkhd` are what is handed out now."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]
    ]  # fmt: skip


def held_mb() -> float:
    """Memory that is handed out now, without what only waits to be collected."""
    gc.collect()
    mallinfo = ctypes.CDLL("libc.so.6").mallinfo2
    mallinfo.restype = MallocInfo
    info = mallinfo()
    return float(info.uordblks + info.hblkhd) / 1e6


def resident_mb() -> float:
    """Memory of this process as the system counts it."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(folder: Path, series: int, hours: int) -> dict[str, object]:
    """Let the watch run for so many hours over so many series, and measure its ticks and its memory."""
    source = SyntheticSource(services=series // METRICS, metrics=METRICS)
    _disturb(source, hours)
    settings = Settings.model_validate(
        {
            "store": {"folder": folder},
            "check_interval_seconds": INTERVAL,
            "prediction": {"every_seconds": 3600},
            "logging": {"level": "ERROR"},
        }
    )
    stop, ticks, memory = threading.Event(), list[float](), list[tuple[float, float]]()

    def between(worked: float) -> None:
        while service.watch.status().learning.state == "running":  # it lasts about as long as one real tick
            time.sleep(0.02)
        ticks.append(worked)
        done = len(ticks) - 1  # the first call comes before the first tick
        if done and done % 60 == 0:
            memory.append((held_mb(), resident_mb()))
        if done >= hours * 60:
            stop.set()

    service = make_service(settings, sources=[source], clock=PassingClock(NOW, between))
    service.watch.request_learning(wait=True)
    service.watch.run(stop)
    status = service.watch.status()
    told = service.anomalies.page(limit=1000).rows
    service.close()
    worked = np.array(ticks[1:]) * 1e3
    return {
        "ticks": status.ticks,
        "missed": status.missed_ticks,
        "p50_ms": float(np.median(worked)),
        "p95_ms": float(np.percentile(worked, 95)),
        "held_mb": [held for held, _ in memory],
        "resident_mb": [resident for _, resident in memory],
        "told": len(told),
    }


def _disturb(source: SyntheticSource, hours: int) -> None:
    """Let something happen to one series after the other, so that anomalies begin and end all day."""
    for hour in range(hours):
        key = source.keys[(hour * 37) % len(source.keys)]
        start = NOW + hour * 3600 + 600
        source.disturb(key, start=start, end=start + 1200, add=25.0)


if __name__ == "__main__":
    print(json.dumps(soak(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
