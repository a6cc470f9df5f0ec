"""An alert as it is handed over: a webhook of Alertmanager, alerts of its API, or our own small document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sre_copilot.errors import UsageError

ENTITY_LABELS = (
    "service",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "deployment",
    "statefulset",
    "daemonset",
    "job",
    "pod",
    "instance",
    "host",
)
"""Labels that may name who an alert is about, the most telling first."""
TEXTS = ("summary", "description", "message")
OPEN = datetime(1, 1, 2, tzinfo=UTC)  # Alertmanager writes year 1 for the end of what goes on
_REPLICA = re.compile(r"^(?P<name>.+?)(?:-[0-9a-f]{6,10})?-(?:[0-9bcdfghjklmnpqrstvwxz]{5}|\d{1,3})$")
_PORT = re.compile(r":\d{1,5}$")
FORMS = "a webhook or API answer of Alertmanager, or {service, title, at}"


class AlertmanagerAlert(BaseModel):
    """An alert as Alertmanager writes it; what it adds later is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)
    status: str | dict[str, Any] = "firing"
    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] = Field(default_factory=dict)
    startsAt: AwareDatetime | None = None  # noqa: N815 - the name in the payload
    endsAt: AwareDatetime | None = None  # noqa: N815


class OwnAlert(BaseModel):
    """Our own document."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    service: str = Field(default="", max_length=300)
    title: str = Field(min_length=1, max_length=1000)
    description: str = Field(default="", max_length=20_000)
    metric: str = Field(default="", max_length=300)
    at: AwareDatetime | None = None
    until: AwareDatetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedAlert:
    """What an alert says: about whom, what, and since when (epoch s; `until` None: it goes on)."""

    title: str
    entity: str = ""
    text: str = ""
    metric: str = ""
    at: float | None = None
    until: float | None = None


def read_alert(payload: Any) -> HandedAlert:
    """The first alert that fires in a payload, else the first one.

    Raises
    ------
    UsageError : names the field and what is wrong
    """
    try:
        if isinstance(payload, Mapping) and "alerts" not in payload and "labels" not in payload:
            return _own(OwnAlert.model_validate(payload))
        listed = payload.get("alerts", payload) if isinstance(payload, Mapping) else payload
        entries = listed if isinstance(listed, list) else [listed]
        alerts = [AlertmanagerAlert.model_validate(each) for each in entries]
    except ValidationError as error:
        raise UsageError(_told(error)) from None
    if not alerts:
        raise UsageError("alerts: there is none. Give one that fires.")
    firing = [each for each in alerts if _fires(each)]
    return _theirs(min(firing or alerts, key=_began))


def entity_of(labels: Mapping[str, str]) -> str:
    """Who labels are about: the service, else the workload that a pod or instance belongs to."""
    for name in ENTITY_LABELS:
        value = labels.get(name, "").strip()
        if not value:
            continue
        if name == "pod" and (found := _REPLICA.match(value)):
            return found["name"]
        return _PORT.sub("", value) if name == "instance" else value
    return ""


def _theirs(alert: AlertmanagerAlert) -> HandedAlert:
    title = alert.labels.get("alertname", "") or alert.annotations.get("summary", "") or "alert"
    ended = alert.endsAt if alert.endsAt and alert.endsAt > OPEN and not _fires(alert) else None
    return HandedAlert(
        title=title,
        entity=entity_of(alert.labels),
        text=_text(alert.annotations.get(name, "") for name in TEXTS),
        at=alert.startsAt.timestamp() if alert.startsAt and alert.startsAt > OPEN else None,
        until=ended.timestamp() if ended else None,
    )


def _own(alert: OwnAlert) -> HandedAlert:
    return HandedAlert(
        title=alert.title,
        entity=alert.service,
        text=alert.description,
        metric=alert.metric,
        at=alert.at.timestamp() if alert.at else None,
        until=alert.until.timestamp() if alert.until else None,
    )


def _fires(alert: AlertmanagerAlert) -> bool:
    state = alert.status if isinstance(alert.status, str) else str(alert.status.get("state", "active"))
    return state in ("firing", "active", "unprocessed")


def _began(alert: AlertmanagerAlert) -> datetime:
    return alert.startsAt or datetime.max.replace(tzinfo=UTC)


def _text(parts: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"]) or "alert"
    return f"{place}: {first['msg']}. Give {FORMS}."
