"""Statistics, wired: facts out of the store, the word of people, and the gauges that tell them."""

from __future__ import annotations

import math
import threading

from sre_copilot.app.precision import precision_of
from sre_copilot.clock import Clock
from sre_copilot.incidents.statistics.build import Precision, Statistics, build
from sre_copilot.incidents.statistics.facts import read
from sre_copilot.knowledge.labels import Label, Labels
from sre_copilot.store.database import Database
from sre_copilot.telemetry import OwnMetrics

DAY_S = 86_400.0
TOLD_DAYS = 30.0  # that the gauges are of: what `store.keep_days` keeps if nobody says otherwise
AGAIN_S = 60.0  # a scrape within a minute is told the same: the figures of a month do not move meanwhile
TIMES = ("mttd", "mttn", "mtta", "mtti", "mttr", "repair_time")
SHARES = ("repair_success", "warning_precision", "noise_reduction")


def statistics(database: Database, clock: Clock, *, days: float) -> Statistics:
    """All figures of the last days."""
    until = clock.now()
    facts = read(database, since=until - days * DAY_S, until=until)
    labels = Labels(database, clock)
    said = [*labels.all(target="incident"), *labels.all(target="output")]
    found = precision_of(facts.incidents, said)
    judged = Precision(told=found.told, judged=found.judged, real=found.real)
    return build(facts, judged, false_alarms=false_alarms(said))


def false_alarms(labels: list[Label]) -> frozenset[str]:
    """Incidents of which the last word of people is that there was nothing."""
    last = {
        each.target_id: each for each in sorted(labels, key=lambda each: each.at) if each.target == "incident"
    }
    return frozenset(key for key, each in last.items() if not each.right)


class StatisticsGauges:
    """Tells the figures of the last 30 days as metrics; `NaN` where there are too few cases for one."""

    def __init__(self, own: OwnMetrics) -> None:
        self._own = own
        self._lock = threading.Lock()
        self._at = -math.inf

    def refresh(self, database: Database, clock: Clock) -> None:
        """Compute them anew where that was not done within the last minute."""
        with self._lock:
            if 0.0 <= clock.now() - self._at < AGAIN_S:
                return
            self._at = clock.now()
            self._tell(statistics(database, clock, days=TOLD_DAYS))

    def _tell(self, found: Statistics) -> None:
        for name in TIMES:
            each = found.figure(name)
            for statistic, value in (("mean", each.value), ("median", each.median), ("p90", each.p90)):
                self._own.statistics_seconds.labels(name, statistic).set(_number(value))
        for name in SHARES:
            self._own.statistics_ratio.labels(name).set(_number(found.figure(name).value))
        for each in found.figures:
            self._own.statistics_cases.labels(each.name).set(each.n)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
