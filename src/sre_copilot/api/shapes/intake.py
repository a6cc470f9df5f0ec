"""What became of what a system sent."""

from __future__ import annotations

from typing import Literal

from sre_copilot.api.shapes.shape import Shape


class Rejected(Shape):
    """An item that could not be read, by its place in what was sent (from 0)."""

    index: int
    field: str
    problem: str


class Taken(Shape):
    """What was kept and what could not be read; `ids` is empty where there would be very many."""

    accepted: int
    rejected: int
    truncated: int
    """How many alerts the sender says that it left out."""
    ids: list[str]
    errors: list[Rejected]


class Enqueued(Shape):
    """As PagerDuty's events API answers."""

    status: Literal["success"]
    message: str
    dedup_key: str
