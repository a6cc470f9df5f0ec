"""Telemetry: what was recorded of a system, as tables.

Column types (polars): `metrics` ts Int64 (epoch s, UTC), service, instance, metric String, value Float64; `logs` ts_ns Int64
(null when the recording has no times), service, instance, level, trace_id, span_id, message String; `traces` trace_id,
span_id, parent_id ('' = root), service, instance, operation String, start_ns, duration_us Int64, and, where recorded,
`status` String (`ok`, `error`, '' = unknown) and `kind` String (`client`, `server`, `internal`, '' = unknown);
`transactions` ts Int64, service, channel String, count, success Int64, amount, latency_ms Float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

Modality = Literal["metrics", "logs", "traces", "state", "alerts", "topology", "transactions", "changes"]


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open interval of time, `start <= t < end`, in epoch seconds UTC."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.start <= self.end:
            raise ValueError(f"a window ends before it starts: {self.start} .. {self.end}")

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as another system reported it."""

    name: str
    kind: str = ""
    entity: str = ""
    text: tuple[str, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that people or pipelines changed: a deployment, a configuration, a flag."""

    ts: float
    service: str
    kind: str
    text: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What was recorded in one period. `None` is "not recorded"; an empty table is "recorded, nothing happened"."""

    metrics: pl.DataFrame | None = None
    logs: pl.DataFrame | None = None
    traces: pl.DataFrame | None = None
    transactions: pl.DataFrame | None = None
    state: Mapping[str, str] | None = None
    alerts: tuple[Alert, ...] | None = None
    changes: tuple[Change, ...] | None = None
