"""Alerts, groups and silences as the API of Alertmanager writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from sre_copilot.alerts.silences import state_of
from sre_copilot.alerts.state import GroupState, SilenceState
from sre_copilot.api.alerting_views import HIDDEN_ANNOTATIONS
from sre_copilot.domain.alert import Status

Receivers = Mapping[str, Sequence[str]]
ORDER = {"active": 0, "pending": 1, "expired": 2}


class Seen(Protocol):
    """What is shown of an alert: its whole record has it, and so has a part of that."""

    @property
    def fingerprint(self) -> str:
        """What it is known by."""
        ...

    @property
    def status(self) -> Status:
        """Whether it fires."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """What it is about."""
        ...

    @property
    def annotations(self) -> Mapping[str, str]:
        """What is said of it."""
        ...

    @property
    def starts_at(self) -> float:
        """When it began."""
        ...

    @property
    def ends_at(self) -> float | None:
        """When it ends by itself, or ended."""
        ...

    @property
    def updated_at(self) -> float:
        """When it was last told."""
        ...

    @property
    def silenced_by(self) -> Sequence[str]:
        """Ids of silences."""
        ...

    @property
    def inhibited_by(self) -> Sequence[str]:
        """Fingerprints of alerts."""
        ...

    @property
    def maintained_by(self) -> Sequence[str]:
        """Ids of maintenance windows."""
        ...

    @property
    def muted(self) -> bool:
        """Whether it is kept from people."""
        ...

    @property
    def routes(self) -> Sequence[str]:
        """Routes that it matches."""
        ...

    @property
    def generator_url(self) -> str:
        """Where it comes from."""
        ...

    @property
    def anomaly_id(self) -> str:
        """Of our own anomaly; '' where it is none."""
        ...


@lru_cache(4096)  # of thousands of alerts most end, and were last told, at the same moments
def instant(moment: float) -> str:
    """A time with milliseconds, as Alertmanager writes it.

    >>> instant(1_790_000_000.5)
    '2026-09-21T14:13:20.500Z'
    """
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def receivers_of(groups: Iterable[GroupState]) -> dict[str, list[str]]:
    """Receivers of each alert, by its fingerprint."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for key in group.fingerprints:
            names = found.setdefault(key, [])
            if group.receiver not in names:
                names.append(group.receiver)
    return found


def state_word(alert: Seen) -> str:
    """Whether it is `suppressed`, `active`, or not yet looked at."""
    if alert.muted:
        return "suppressed"
    return "active" if alert.routes else "unprocessed"


def alert_view(
    alert: Seen, receivers: Sequence[str], *, now: float, resolve_after_s: float, hidden: bool = False
) -> dict[str, Any]:
    """An alert; one without an end ends, as Alertmanager has it, a while after it was last told. Of a `hidden` one figures, texts and links are left out."""
    ends_at = alert.ends_at if alert.ends_at is not None else max(now, alert.updated_at) + resolve_after_s
    return {
        "annotations": {"summary": HIDDEN_ANNOTATIONS} if hidden else alert.annotations,
        "endsAt": instant(ends_at),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": instant(alert.starts_at),
        "status": {
            "inhibitedBy": alert.inhibited_by,
            "silencedBy": alert.silenced_by,
            "mutedBy": alert.maintained_by,
            "state": state_word(alert),
        },
        "updatedAt": instant(alert.updated_at),
        "generatorURL": "" if hidden else alert.generator_url,
        "labels": alert.labels,
    }


def group_view(group: GroupState, alerts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A group with its alerts."""
    return {
        "alerts": list(alerts),
        "labels": group.labels,
        "receiver": {"name": group.receiver},
        "routeLabels": {},
    }


def silence_view(silence: SilenceState, *, now: float) -> dict[str, Any]:
    """A silence with its state."""
    return {
        "id": silence.id,
        "status": {"state": state_of(silence, now)},
        "updatedAt": instant(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": instant(silence.ends_at),
        "matchers": [{"isEqual": True, **matcher} for matcher in silence.matchers],
        "startsAt": instant(silence.starts_at),
        "annotations": silence.annotations,
    }


def in_order(silences: Iterable[SilenceState], *, now: float) -> list[SilenceState]:
    """Active ones by their end, then those to come by their start, then those that are over, the latest first."""

    def place(silence: SilenceState) -> tuple[int, float, str]:
        state = state_of(silence, now)
        by = {"active": silence.ends_at, "pending": silence.starts_at, "expired": -silence.ends_at}
        return ORDER[state], by[state], silence.id

    return sorted(silences, key=place)
