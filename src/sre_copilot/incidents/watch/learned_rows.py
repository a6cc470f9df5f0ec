"""What has been learned of each watched series, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.watch.metrics import MetricWatch

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRow:
    """One watched series, for people."""

    key: SeriesKey
    source: str
    state: str
    days: float
    points: int
    expected: float | None
    scale: float | None
    learned_at: float | None
    threshold: float | None = None
    alerts_a_day: float | None = None


def baseline_rows(source: str, watch: MetricWatch, now: float) -> list[BaselineRow]:
    rows = [
        BaselineRow(
            key=key,
            source=source,
            state="warming_up",
            days=0.0,
            points=0,
            expected=None,
            scale=None,
            learned_at=None,
        )
        for key in watch.unknown
    ]
    learned = watch.learned
    if learned is None:
        return rows
    centre, scale = seasonal.expected(learned.profile, now)
    days = learned.profile.days
    for row, key in enumerate(learned.keys):
        rows.append(
            BaselineRow(
                key=key,
                source=source,
                state="learned",
                days=round(float(days[row]), 2),
                points=round(float(days[row]) * DAY_S / watch.step_seconds),
                expected=_number(centre[row]),
                scale=_number(scale[row]),
                learned_at=learned.learned_at,
                threshold=_number(learned.thresholds[0, row]),
                alerts_a_day=_number(learned.thresholds[1, row]),
            )
        )
    return rows


def series_of(watches: Mapping[str, MetricWatch], service: str, metric: str) -> list[tuple[str, SeriesKey]]:
    """The learned series of one metric of a service, each with its source."""
    wanted = (service, metric)
    learned = ((name, watch.learned.keys) for name, watch in watches.items() if watch.learned is not None)
    return [(name, key) for name, keys in learned for key in keys if (key.service, key.metric) == wanted]


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
