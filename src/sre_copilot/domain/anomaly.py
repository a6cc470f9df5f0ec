"""What detection of live telemetry says: something is not normal now, or will cross a limit soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sre_copilot.domain.evidence import Finding

Severity = Literal["critical", "high", "warning", "info", "low"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Something abnormal about one entity, still going on at `at`.

    `current`, `expected`, `low` and `high` (the normal range) are in the unit of the metric; `deviation` is the distance from `expected` in robust
    standard deviations; `score` in 0..1 is calibrated: 0.7 is worth telling; `since` and `at` are epoch seconds UTC; `method` names
    the detector that saw most of it; `finding` carries the sentence and the checks that anyone can re-run.
    """

    finding: Finding
    metric: str
    instance: str = ""
    since: float
    at: float
    current: float | None
    expected: float | None
    low: float | None = None
    high: float | None = None
    deviation: float | None = None
    score: float
    severity: Severity
    method: str

    @property
    def entity(self) -> str:
        """The service, host or object that it is about."""
        return self.finding.entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A series that is expected to cross a limit.

    `at`, `earliest` and `latest` are epoch seconds UTC of the crossing and its 80 % interval (`latest` None: perhaps never); `probability` is that of a
    crossing within the horizon; `hit_rate` is the share of earlier warnings like it that came true in the back-test, None without one.
    """

    entity: str
    metric: str
    instance: str = ""
    made_at: float
    horizon_hours: float
    limit: float
    direction: Literal["above", "below"]
    at: float
    earliest: float
    latest: float | None
    probability: float
    hit_rate: float | None
    method: str
