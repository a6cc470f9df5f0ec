"""Who is on call, and who takes over."""

from __future__ import annotations

from sre_copilot.api.shapes.shape import Listing, Shape, Time


class Shift(Shape):
    """A person's time on call; where an override put the person there, `override` is its id and `instead_of` who was planned."""

    person: str
    name: str
    start: Time
    end: Time
    layer: str
    override: str
    instead_of: str


class OnCallNow(Shape):
    """Who is on call by one schedule; with `gap` nobody is."""

    schedule: str
    name: str
    time_zone: str
    on_call: list[Shift]
    gap: bool
    next_handover_at: Time | None
    sentences: list[str]


class OnCall(Shape):
    """Who is on call at a time, by schedule."""

    at: Time
    items: list[OnCallNow]
    problems: list[str]


class Gap(Shape):
    """A time in which nobody is on call."""

    start: Time
    end: Time


class Shifts(Shape):
    """Who is on call from when to when."""

    start: Time
    end: Time
    items: list[Shift]
    gaps: list[Gap]


class Override(Shape):
    """Somebody takes over; `replaces` is '' where everybody's place is taken."""

    id: str
    schedule: str
    person: str
    replaces: str
    reason: str
    created_by: str
    removed_by: str
    revision: int
    start: Time
    end: Time
    created_at: Time
    removed_at: Time | None


class Overrides(Listing[Override]):
    """A page of overrides."""
