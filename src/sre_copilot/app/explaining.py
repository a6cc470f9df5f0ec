"""All decisions about an incident, read from the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.alerts.explanation import Because
from sre_copilot.alerts.incident_explanation import Kept, explain_whole
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore

MOST_ALERTS = (
    1000  # that are looked at: of a storm these are enough to say by which routes it goes, and what mutes it
)
MOST_HAPPENINGS = 1000  # of the timeline, from its beginning
MOST_MESSAGES = 200  # the latest: more than that were told to nobody's use


def explained(database: Database, incident: Mapping[str, Any]) -> tuple[Because, ...]:
    """Why an incident is one, what mutes it, whom it goes to, what was told of it and what people decided."""
    key, records = incident["id"], AlertRecords(database)
    messages = NotificationStore(database).page(incident=key, limit=MOST_MESSAGES).rows
    kept = Kept(
        alerts=records.alerts_page(limit=MOST_ALERTS, incident_id=key).rows,
        happenings=records.timeline(key, limit=MOST_HAPPENINGS),
        messages=messages[::-1],
    )
    return explain_whole(incident, kept)
