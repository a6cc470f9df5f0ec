"""The webhook of Alertmanager, version 4: a notification with the alerts of one group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sre_copilot.alerts.intake.reader import IntakeConfig, an_object, one_of, read_each
from sre_copilot.alerts.intake.texts import address_of, annotations_of, links_of, named_labels
from sre_copilot.alerts.intake.times import moment
from sre_copilot.alerts.intake.words import severity_in
from sre_copilot.domain.alert import AlertEvent, Batch, Status

Links = tuple[tuple[str, str], ...]
STATUSES: dict[str, Status] = {"firing": "firing", "resolved": "resolved"}


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read a notification; what the group shares is in each of its alerts, too."""
    return read_each(
        an_object(body, "body").get("alerts"),
        lambda item: event(item, intake=intake, received_at=received_at),
        intake=intake,
    )


def event(
    item: Any,
    *,
    intake: IntakeConfig,
    received_at: float,
    more: Callable[[dict[str, Any]], tuple[dict[str, str], Links]] | None = None,
) -> AlertEvent:
    """One alert of a notification, as Alertmanager and those that write like it have it; `more` gives what they add: annotations and links."""
    item = an_object(item, "alert")
    status: Status = one_of(STATUSES, item.get("status"), "status")
    labels = named_labels(item.get("labels"), intake=intake)
    annotations = annotations_of(item.get("annotations"), limits=intake.limits)
    starts_at = moment(item.get("startsAt"), "startsAt")
    ends_at = moment(item.get("endsAt"), "endsAt")
    starts_at = received_at if starts_at is None else starts_at
    if status == "resolved":
        ends_at = max(starts_at, received_at if ends_at is None else ends_at)
    links = links_of({"runbook": annotations.get("runbook_url")}, limits=intake.limits) if annotations else ()
    if more is not None:
        told, added = more(item)
        annotations, links = {**told, **annotations}, links + added
    return AlertEvent(
        labels=labels,
        annotations=annotations,
        status=status,
        severity=severity_in(labels),
        starts_at=starts_at,
        ends_at=ends_at,
        received_at=received_at,
        source=intake.name,
        provider=intake.provider,
        generator_url=address_of(item.get("generatorURL"), limits=intake.limits),
        links=links,
    )
