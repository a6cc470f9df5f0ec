"""Times of an incident out of its records; they are defined once, with the statistics."""

from __future__ import annotations

from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.statistics.messages import about_alerts
from sre_copilot.incidents.statistics.moments import Moments, traces
from sre_copilot.incidents.statistics.moments import moments as times_of

__all__ = ["Moments", "moments"]


def moments(records: Records) -> Moments:
    """The times of an incident."""
    sent = (
        float(each["sent_at"])
        for row in records.messages
        if about_alerts(row)
        for each in row["deliveries"]
        if each["status"] == "sent" and each["sent_at"] is not None
    )
    happened = ((each["kind"], float(each["at"])) for each in records.happenings)
    own = traces(float(records.incident["opened_at"]), happened, sent)
    return times_of(records.incident, own, records.kin)
