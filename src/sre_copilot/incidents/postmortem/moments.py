"""Times of an incident that figures and rules rest on, each from one record; the same definitions as the statistics have."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.incidents.postmortem.records import Records

FAULT = "diagnosis_fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Epoch seconds; None where it has not happened, or no record tells."""

    began: float
    """The earliest time at which an alert of it began, by its source's word."""
    opened: float
    """When the product opened it: from here on it was known."""
    told: float | None
    """When the first message about it was delivered."""
    acknowledged: float | None
    """When a person took it on for the first time."""
    identified: float | None
    """When an investigation named a cause for the first time."""
    resolved: float | None

    @property
    def detection_seconds(self) -> float:
        """From the beginning to the opening; never below zero, for clocks of two machines differ."""
        return max(0.0, self.opened - self.began)

    def since_opened(self, moment: float | None) -> float | None:
        """Seconds from the opening to a moment."""
        return None if moment is None else max(0.0, moment - self.opened)

    @property
    def repair_seconds(self) -> float | None:
        """From the beginning to the end."""
        return None if self.resolved is None else max(0.0, self.resolved - self.began)


def moments(records: Records) -> Moments:
    """The times of an incident."""
    incident = records.incident
    sent = [
        each["sent_at"]
        for row in records.messages
        for each in row["deliveries"]
        if each["status"] == "sent" and each["sent_at"] is not None
    ]
    taken = [each["at"] for each in records.of_kind("acknowledged")]
    return Moments(
        began=min(float(incident["started_at"]), float(incident["opened_at"])),
        opened=float(incident["opened_at"]),
        told=min(sent, default=None),
        acknowledged=min(taken, default=None),
        identified=min((each["at"] for each in records.of_kind(FAULT)), default=None),
        resolved=incident["resolved_at"] if incident["status"] == "resolved" else None,
    )
