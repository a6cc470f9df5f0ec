"""Silences and maintenance windows."""

from __future__ import annotations

from typing import Literal

from sre_copilot.api.shapes.shape import Listing, Shape, Time

State = Literal["active", "pending", "expired"]


class Matcher(Shape):
    """One condition on a label, as Alertmanager has it."""

    name: str
    value: str
    isRegex: bool = False  # noqa: N815 - the field's name in the ecosystem
    isEqual: bool = True  # noqa: N815


class Silence(Shape):
    """A silence and whether it is in effect."""

    id: str
    matchers: list[Matcher]
    created_by: str
    comment: str
    annotations: dict[str, str]
    revision: int
    starts_at: Time
    ends_at: Time
    updated_at: Time
    state: State


class Silences(Listing[Silence]):
    """Silences."""


class Window(Shape):
    """A maintenance window and whether it is in effect."""

    id: str
    matchers: list[Matcher]
    rrule: str
    time_zone: str
    owner: str
    reason: str
    ticket: str
    revision: int
    starts_at: Time
    ends_at: Time
    created_at: Time
    ended_at: Time | None
    state: State


class Windows(Listing[Window]):
    """Maintenance windows."""
