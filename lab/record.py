"""One recording: start the shop, warm it up, record, break it in the middle, write the folder, end everything."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import loglines, stack
from lab.case import BASELINE, Recording, Truth, table, write_case, write_tables
from lab.changes import ChangeLog
from lab.derive import LOOK_BACK_S, metric_rows, transaction_rows
from lab.faults import FAULTS, Fault, Scene
from lab.layout import ENTRY
from lab.load import Load
from lab.scrape import Scraper

WARM_UP_S = 25
ONSET_SHARE = 0.6  # of the window lies before the fault
FLUSH_S = 3  # spans are sent once a second, log lines at once
QUIET_CHANGES_S = 90  # a harmless change so often, on the average
QUIET_WINDOW_S = 60
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to record: which fault on which service, for how long, how busy."""

    fault: Fault
    service: str
    seconds: int = 180
    per_second: float = 4.0
    seed: int = 0

    @property
    def truth(self) -> Truth:
        """The answer that the case is scored against."""
        return Truth(self.service, self.fault.fault_type) if self.fault.fault_type else Truth()


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs during a recording."""

    shop: stack.Shop
    load: Load
    scraper: Scraper
    changes: ChangeLog


def plan(name: str, service: str | None = None, **options: Any) -> Plan:
    """The plan for a fault by name.

    Raises
    ------
    ValueError : no such fault, or it cannot befall that service
    """
    if name not in FAULTS:
        raise ValueError(f"no fault '{name}'; there are {', '.join(FAULTS)}")
    fault = FAULTS[name]
    if service and service not in fault.services:
        raise ValueError(
            f"'{name}' cannot befall '{service}'; it can befall {', '.join(sorted(set(fault.services)))}"
        )
    return Plan(fault, service or fault.services[0], **options)


@contextmanager
def staged(say: Say, *, per_second: float, seed: int) -> Iterator[Stage]:
    """A shop with customers and a scraper, ended in the reverse order."""
    with ExitStack() as opened:
        shop = opened.enter_context(stack.running(say))
        load = opened.enter_context(Load(shop.configuration.address(ENTRY), per_second=per_second, seed=seed))
        scraper = opened.enter_context(Scraper(shop.configuration))
        yield Stage(shop, load, scraper, ChangeLog(shop, random.Random(seed)))


def record(what: Plan, out: Path, say: Say) -> dict[str, Any]:
    """Record one incident into the folder `out` and return the facts of its `case.json`."""
    with staged(say, per_second=what.per_second, seed=what.seed) as stage:
        start = _next_ten(time.time() + WARM_UP_S)
        at = start + round(what.seconds * ONSET_SHARE)
        end = start + what.seconds
        scene = Scene(stage.shop, stage.load, stage.changes, what.service, at)
        what.fault.prepare(scene)
        say(f"warming up for {start - time.time():.0f} s")
        _quiet_until(stage, at, start, say, besides=what.service)
        say(f"{what.fault.name} begins at {what.service}")
        with what.fault.begin(scene):
            _quiet_until(stage, end, start, say, besides=what.service)
            time.sleep(FLUSH_S)
            recording = collect(stage, start, end)
        say("ending the shop")
    return write_case(recording, out, at=at, truth=what.truth)


def record_quiet(seconds: int, windows: int, out: Path, say: Say, *, seed: int = 0, first: int = 1) -> None:
    """Record one quiet stretch: a baseline of `seconds`, then as many fault-free windows cut from what follows."""
    with staged(say, per_second=4.0, seed=seed) as stage:
        start = _next_ten(time.time() + WARM_UP_S)
        end = start + seconds + windows * QUIET_WINDOW_S
        _quiet_until(stage, end, start, say)
        time.sleep(FLUSH_S)
        whole = collect(stage, start, end)
    if seconds:
        write_tables(whole.cut(start, start + seconds), out / "baselines" / BASELINE)
    for index in range(windows):
        begin = start + seconds + index * QUIET_WINDOW_S
        part = whole.cut(begin, begin + QUIET_WINDOW_S)
        write_case(
            part,
            out / "cases" / f"lab-quiet-{first + index:02d}",
            at=begin + QUIET_WINDOW_S // 2,
            truth=Truth(),
        )


def collect(stage: Stage, start: int, end: int) -> Recording:
    """Everything that the shop told between two times, as tables."""
    scrapes = stage.scraper.scrapes
    metrics = [row for row in metric_rows(scrapes) if start <= row["ts"] < end]
    orders = [
        row for row in transaction_rows(ENTRY, scrapes[ENTRY]) if start <= row["ts"] <= end - LOOK_BACK_S
    ]
    tables = {
        "metrics": table("metrics", metrics),
        "logs": table("logs", loglines.rows(stage.shop.folder, start, end)),
        "traces": table("traces", stage.shop.collector.rows(start, end)),
        "transactions": table("transactions", orders),
    }
    changes = tuple(entry for entry in stage.changes.entries if start <= entry["ts"] < end)
    return Recording(start, end, tables, changes)


def _next_ten(moment: float) -> int:
    """The next full ten seconds, where the scrapes and the order buckets meet."""
    return int(moment // LOOK_BACK_S + 1) * LOOK_BACK_S


def _quiet_until(stage: Stage, end: int, start: int, say: Say, *, besides: str = "") -> None:
    """Wait, make a harmless change now and then, and say how far the recording is."""
    said = time.time()
    while (left := end - time.time()) > 0:
        step = min(1.0, left)
        time.sleep(step)
        if stage.changes.random.random() < step / QUIET_CHANGES_S:
            stage.changes.harmless(besides=besides)
        if time.time() - said >= 15:
            said = time.time()
            say(f"recorded {max(0.0, said - start):.0f} s" if said > start else "warming up")
