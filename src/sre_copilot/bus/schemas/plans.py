"""The data of events about plans and actions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sre_copilot.bus.schemas.data import Data, Moment


class Plan(Data):
    """A plan of what to do about an incident."""

    plan_id: str
    """Its id."""
    incident_id: str = ""
    """The incident that it is for."""
    digest: str = ""
    """Digest of the whole plan: an approval holds for this text and no other."""
    at: Moment
    """When."""


class PlanProposed(Plan):
    """A plan was proposed; key: the incident, else the plan."""

    title: str
    """What it does."""
    risk: str = ""
    """How dangerous it is."""
    steps: list[dict[str, Any]] = Field(default_factory=list)
    """Its steps, in order."""


class PlanApproved(Plan):
    """A plan may be carried out; key: the incident, else the plan."""

    by: str
    """Who approved it."""
    comment: str = ""
    """Words of that person."""


class PlanRejected(Plan):
    """A plan must not be carried out; key: the incident, else the plan."""

    by: str
    """Who rejected it."""
    reason: str = ""
    """Why."""


class Action(Data):
    """One step of a plan."""

    action_id: str
    """Its id; also its idempotency key."""
    plan_id: str = ""
    """The plan that it belongs to."""
    incident_id: str = ""
    """The incident that it is for."""
    kind: str
    """What is done."""
    target: str = ""
    """What it is done to."""
    dry_run: bool = False
    """Whether nothing is changed by it."""
    at: Moment
    """When."""


class ActionStarted(Action):
    """An action began; key: the incident, else the plan."""


class ActionFinished(Action):
    """An action ended; key: the incident, else the plan."""

    outcome: Literal["succeeded", "failed", "cancelled", "rolled_back"]
    """How."""
    error: str = ""
    """What went wrong."""
