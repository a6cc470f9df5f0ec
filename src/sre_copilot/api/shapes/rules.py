"""What other rules would have done."""

from __future__ import annotations

from sre_copilot.api.shapes.shape import Shape


class Rehearsed(Shape):
    """What one set of rules made of the alerts."""

    alerts: int
    incidents: int
    woken: int
    messages: int
    by_receiver: dict[str, int]
    by_state: dict[str, int]


class OtherReceivers(Shape):
    """Whom an alert would have been told to."""

    before: list[str]
    after: list[str]


class OtherIncident(Shape):
    """The title of the incident that an alert would have come into; '' for none."""

    before: str
    after: str


class Replayed(Shape):
    """The difference; the last two are by alert."""

    noticed: bool
    """Whether people would notice."""
    before: Rehearsed
    after: Rehearsed
    other_receivers: dict[str, OtherReceivers]
    other_incidents: dict[str, OtherIncident]
