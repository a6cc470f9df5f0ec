"""What is known of an incident when it is looked at: its alerts and what they have in common, as a value that is kept as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from sre_copilot.domain.alert import FORETOLD, SEVERITIES
from sre_copilot.domain.anomaly import Severity

MOST_ALERTS = 200  # kept in a picture, the earliest: a storm has thousands, and the cause is at its beginning
TEXTS = ("summary", "description", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlert:
    """One alert of an incident. Times are epoch seconds UTC; `told_at` is when it first came in."""

    fingerprint: str
    name: str
    service: str
    severity: Severity
    firing: bool
    starts_at: float
    told_at: float
    summary: str = ""
    metric: str = ""
    instance: str = ""
    generator_url: str = ""
    anomaly_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An incident at one moment. `firing` counts the alerts that fire, by service; `alerts` are the earliest of all."""

    incident_id: str
    number: int = 0
    title: str = ""
    status: str = "firing"
    severity: Severity = "warning"
    opened_at: float
    resolved_at: float | None = None
    services: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    firing: Mapping[str, int] = field(default_factory=dict)
    alerts: tuple[SeenAlert, ...] = ()
    calm_since: float | None = None
    """When what was wrong before it was over, as far as alerts tell (epoch s UTC); None: nothing was."""

    @property
    def over(self) -> bool:
        """Whether it was resolved, or became a part of another."""
        return self.status in ("resolved", "merged")

    @property
    def only_foretold(self) -> bool:
        """Whether nothing is wrong yet: all of it are breaches to come."""
        return self.names == (FORETOLD,)

    @property
    def started_at(self) -> float:
        """When the first of its alerts began."""
        return min((each.starts_at for each in self.alerts), default=self.opened_at)

    @property
    def told_at(self) -> float:
        """When the first of its alerts came in."""
        return min((each.told_at for each in self.alerts), default=self.opened_at)

    @property
    def leading(self) -> SeenAlert | None:
        """The alert that began first; of those of one minute the most severe."""
        first = [each for each in self.alerts if each.starts_at < self.started_at + 60.0]
        return min(
            first,
            key=lambda each: (SEVERITIES.index(each.severity), each.starts_at, each.fingerprint),
            default=None,
        )

    @property
    def anomaly_ids(self) -> tuple[str, ...]:
        """Our own anomalies among its alerts."""
        return tuple(dict.fromkeys(each.anomaly_id for each in self.alerts if each.anomaly_id))


Read = Callable[[str], Picture | None]
"""Reads an incident by its id; None where there is none."""


class Incidents(Protocol):
    """Where incidents and alerts are kept, each as a document (`alerts.state`)."""

    def incident(self, key: str) -> Mapping[str, Any] | None:
        """One incident."""
        ...

    def earliest_of(self, incident_id: str, *, limit: int) -> Sequence[Mapping[str, Any]]:
        """The alerts of an incident that began first."""
        ...

    def calm_since(self, incident_id: str, *, before: float) -> float | None:
        """When the last alert of other incidents ended before a time; None when none did."""
        ...

    def kinds_of(self, incident_id: str) -> Sequence[Mapping[str, Any]]:
        """How many alerts it has of each `service`, `name` and `status`."""
        ...


def reading(incidents: Incidents) -> Read:
    """Return what reads an incident as it is kept now."""

    def read(incident_id: str) -> Picture | None:
        found = incidents.incident(incident_id)
        if found is None:
            return None
        earliest = incidents.earliest_of(found["id"], limit=MOST_ALERTS)
        picture = picture_of(found, earliest)
        calm = incidents.calm_since(found["id"], before=picture.started_at)
        picture = replace(picture, calm_since=calm)
        return (
            _with_all(picture, incidents.kinds_of(found["id"])) if len(earliest) == MOST_ALERTS else picture
        )

    return read


def picture_of(incident: Mapping[str, Any], alerts: Iterable[Mapping[str, Any]]) -> Picture:
    """A picture of an incident from its document and those of its alerts, as they are kept or as the interface shows them (times in RFC 3339)."""
    seen = sorted((_alert(each) for each in alerts), key=lambda each: (each.starts_at, each.fingerprint))
    firing = Counter(each.service for each in seen if each.firing and each.service)
    return Picture(
        incident_id=incident["id"],
        number=incident.get("number", 0),
        title=incident.get("title", ""),
        status=incident.get("status", "firing"),
        severity=incident.get("severity", "warning"),
        opened_at=_moment(incident["opened_at"]),
        resolved_at=None if incident.get("resolved_at") is None else _moment(incident["resolved_at"]),
        services=_all(incident.get("services", ()), (each.service for each in seen)),
        names=_all(incident.get("names", ()), (each.name for each in seen)),
        firing=dict(sorted(firing.items())),
        alerts=tuple(seen[:MOST_ALERTS]),
    )


def _with_all(picture: Picture, kinds: Iterable[Mapping[str, Any]]) -> Picture:
    """The same with the services and names of all alerts, of which only the earliest were read."""
    rows = list(kinds)
    firing: Counter[str] = Counter()
    for row in rows:
        if row["status"] == "firing" and row["service"]:
            firing[row["service"]] += row["count"]
    return replace(
        picture,
        firing=dict(sorted(firing.items())),
        services=_all(picture.services, (row["service"] for row in rows)),
        names=_all(picture.names, (row["name"] for row in rows)),
    )


def united(now: Picture, before: Picture | None) -> Picture:
    """The picture with all services and kinds that were ever seen: what went and came back is nothing new."""
    if before is None:
        return now
    return replace(now, services=_all(before.services, now.services), names=_all(before.names, now.names))


def document(picture: Picture) -> dict[str, Any]:
    """The picture as plain values."""
    return asdict(picture)


def of_document(kept: Mapping[str, Any]) -> Picture:
    """The picture of a document."""
    alerts = tuple(SeenAlert(**each) for each in kept["alerts"])
    names = {name: tuple(kept[name]) for name in ("services", "names")}
    return Picture(**{**kept, **names, "alerts": alerts})


def _alert(kept: Mapping[str, Any]) -> SeenAlert:
    labels, annotations = kept.get("labels", {}), kept.get("annotations", {})
    context = kept.get("context", {})
    return SeenAlert(
        fingerprint=kept["fingerprint"],
        name=labels.get("alertname", ""),
        service=str(context.get("service") or labels.get("service", "")),
        severity=kept.get("severity", "warning"),
        firing=kept.get("status", "firing") == "firing",
        starts_at=_moment(kept["starts_at"]),
        told_at=_came_in(kept),
        summary=next((annotations[name] for name in TEXTS if annotations.get(name)), ""),
        metric=labels.get("metric", ""),
        instance=labels.get("instance", ""),
        generator_url=kept.get("generator_url", ""),
        anomaly_id=kept.get("anomaly_id", ""),
    )


def _came_in(kept: Mapping[str, Any]) -> float:
    """When it came in this time: an alert that fires again and again is the same one, and came in for the first time long ago."""
    began = _moment(kept["starts_at"])
    if kept.get("status", "firing") == "firing" and kept.get("changed_at"):
        return max(began, _moment(kept["changed_at"]))
    return max(began, _moment(kept.get("first_received_at") or began))


def _moment(value: str | float) -> float:
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else value


def _all(*parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({each for part in parts for each in part} - {""}))
