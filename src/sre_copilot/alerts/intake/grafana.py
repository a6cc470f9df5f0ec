"""The webhook of Grafana's alerting: as Alertmanager writes it, with links, values, and the organisation."""

from __future__ import annotations

from typing import Any

from sre_copilot.alerts.intake import alertmanager
from sre_copilot.alerts.intake.reader import IntakeConfig, an_object, read_each
from sre_copilot.alerts.intake.texts import annotations_of, links_of
from sre_copilot.domain.alert import Batch

LINKS = {"dashboardURL": "dashboard", "panelURL": "panel", "silenceURL": "silence", "imageURL": "image"}


def read(body: Any, *, intake: IntakeConfig, received_at: float) -> Batch:
    """Read a notification."""
    body = an_object(body, "body")
    organisation = body.get("orgId")

    def more(item: dict[str, Any]) -> tuple[dict[str, str], alertmanager.Links]:
        told = {"value_string": item.get("valueString"), "values": item.get("values"), "org_id": organisation}
        links = {text: item.get(name) for name, text in LINKS.items()}
        return annotations_of(told, limits=intake.limits), links_of(links, limits=intake.limits)

    return read_each(
        body.get("alerts"),
        lambda item: alertmanager.event(item, intake=intake, received_at=received_at, more=more),
        intake=intake,
    )
