"""Alerts of the server's own rules, from the series `ALERTS` that it keeps of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sre_copilot.domain.signals import Alert, Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.promql.decode import Decoded
from sre_copilot.perception.promql.labels import Labels, Naming

FIRING = 'ALERTS{alertstate="firing"}'
_NOT_TEXT = frozenset({"__name__", "alertname", "alertstate"})


def alerts_of(
    pieces: Sequence[tuple[int, Decoded]], window: Window, *, step_seconds: int, naming: Naming
) -> tuple[Alert, ...]:
    """One alert for each stretch of time in which a series of `ALERTS` was there."""
    stretches: dict[str, tuple[Labels, list[int]]] = {}
    for begin, piece in pieces:
        for labels, row in zip(piece.labels, piece.values, strict=True):
            _, columns = stretches.setdefault(repr(sorted(labels.items())), (labels, []))
            columns.extend((begin + np.flatnonzero(~np.isnan(row))).tolist())
    found = [
        _alert(labels, Window(window.start + first * step_seconds, _end(window, last, step_seconds)), naming)
        for labels, columns in stretches.values()
        for first, last in _runs(np.array(sorted(columns), np.int64))
    ]
    return tuple(sorted(found, key=lambda alert: (alert.window or window, alert.name, alert.text)))


def has_rules(client: HttpClient) -> bool:
    """Whether the server has alerting rules at all; one that cannot say has none that we know of."""
    try:
        document = client.get_json("/api/v1/rules", {"type": "alert"})
        return any(group.get("rules") for group in document["data"]["groups"])
    except (SourceError, KeyError, TypeError, AttributeError):
        return False


def _alert(labels: Labels, window: Window, naming: Naming) -> Alert:
    return Alert(
        name=labels.get("alertname", ""),
        kind=labels.get("severity", ""),
        entity=naming.service_of(labels),
        text=tuple(f"{name}={labels[name]}" for name in sorted(labels) if name not in _NOT_TEXT),
        window=window,
    )


def _end(window: Window, last: int, step_seconds: int) -> float:
    return min(window.end, window.start + (last + 1) * step_seconds)


def _runs(columns: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    if columns.size:
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            yield int(run[0]), int(run[-1])
