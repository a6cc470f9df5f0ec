"""What is posted to `/api/v2/alerts`: alerts as Prometheus sends them to Alertmanager."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig, Unreadable, an_object, read_each
from sre_copilot.alerts.intake.texts import address_of, annotations_of, links_of, named_labels
from sre_copilot.alerts.intake.times import moment
from sre_copilot.alerts.intake.words import severity_in
from sre_copilot.domain.alert import AlertEvent, Batch


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read a list of alerts."""
    return read_each(
        body, lambda item: _event(item, intake=intake, received_at=received_at), intake=intake, field="body"
    )


def _event(item: Any, *, intake: IntakeConfig, received_at: float) -> AlertEvent:
    item = an_object(item, "alert")
    labels = named_labels(item.get("labels"), intake=intake)
    annotations = annotations_of(item.get("annotations"), limits=intake.limits)
    starts_at, ends_at = _span(item, received_at, intake.resolve_after_s)
    return AlertEvent(
        labels=labels,
        annotations=annotations,
        status="resolved" if ends_at <= received_at else "firing",
        severity=severity_in(labels),
        starts_at=starts_at,
        ends_at=ends_at,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        generator_url=address_of(item.get("generatorURL"), limits=intake.limits),
        links=links_of({"runbook": annotations.get("runbook_url")}, limits=intake.limits) if annotations else (),
    )  # fmt: skip


def _span(item: dict[str, Any], received_at: float, resolve_after_s: float) -> tuple[float, float]:
    """Beginning and end, set as Alertmanager sets them where they are missing."""
    starts_at = moment(item.get("startsAt"), "startsAt")
    ends_at = moment(item.get("endsAt"), "endsAt")
    if starts_at is None:
        starts_at = received_at if ends_at is None else min(ends_at, received_at)
    if ends_at is None:
        return starts_at, received_at + resolve_after_s
    if ends_at < starts_at:
        raise Unreadable("endsAt", "lies before startsAt; an alert ends after it began")
    return starts_at, ends_at
