"""An alert as it was received, whatever system told it, before anything is decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.domain.anomaly import Severity

Status = Literal["firing", "resolved"]
ALERTNAME = "alertname"
"""The label that names what fires, as Prometheus writes it; every reader of a payload fills it."""
FORETOLD = "PredictedBreach"
"""The `alertname` of every breach that is likely: nothing is wrong yet."""
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "warning", "info", "low")
"""Most severe first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One alert as one message told it. Times are epoch seconds UTC.

    `labels` are its identity, `annotations` are words about it; neither holds an empty value, and `labels` has an `alertname`. `starts_at` is when it
    began (the time of receipt where the sender does not say); `ends_at` is, for one that is resolved, when it ended, and for one that fires, when it ends
    by itself unless it is told again (None: never). `source` is the configured intake that took it, `provider` the kind of payload.
    `dedup_key` is the sender's own identity for it, where it has one ('' : the labels are the identity). `acknowledged` says that somebody took it on in the
    sending system. `anomaly_id` names our own anomaly that it tells of.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: Status = "firing"
    severity: Severity | None = None
    starts_at: float
    ends_at: float | None = None
    received_at: float
    source: str
    provider: str
    generator_url: str = ""
    dedup_key: str = ""
    acknowledged: bool = False
    anomaly_id: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """Address and text of each."""

    @property
    def name(self) -> str:
        """What fires."""
        return self.labels[ALERTNAME]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An item of a batch that cannot be read: its place in the batch (from 0), the field, and what is wrong with the way out."""

    index: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one message held: what could be read, and what could not; neither harms the other."""

    events: tuple[AlertEvent, ...]
    rejected: tuple[Rejected, ...] = ()
