"""What people were told, and what became of it."""

from __future__ import annotations

from typing import Literal

from sre_copilot.api.shapes.shape import Listing, Shape, Time


class Attempt(Shape):
    """One attempt; of one with the outcome `unknown` its process died before it could tell."""

    number: int
    at: Time
    outcome: Literal["sending", "sent", "retry", "failed", "unknown"]
    cause: str
    reason: str
    retry_at: Time | None


class Delivery(Shape):
    """A notification at one address of its receiver."""

    key: str
    target: str
    kind: str
    status: Literal["pending", "started", "sent", "failed", "merged", "skipped"]
    attempts: int
    started_at: Time | None
    sent_at: Time | None
    reference: str
    problem: str
    merged_into: str
    log: list[Attempt]


class Notification(Shape):
    """A message to one receiver."""

    key: str
    group: str
    incident_id: str
    receiver: str
    state: str
    sequence: int
    severity: str
    title: str
    status: Literal["pending", "started", "sent", "failed", "skipped"]
    created_at: Time
    finished_at: Time | None
    problem: str
    fallback_from: list[str]
    deliveries: list[Delivery]


class Notifications(Listing[Notification]):
    """A page of the delivery log."""
