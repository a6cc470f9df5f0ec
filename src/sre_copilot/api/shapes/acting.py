"""What could be done to other systems, what it would do, how plans that were begun stand, and the kill switch."""

from __future__ import annotations

from typing import Any, Literal

from sre_copilot.api.shapes.shape import Listing, Shape, Time


class ActionSpec(Shape):
    """An action of the catalogue, and what is known of it beforehand; `parameters` is their JSON schema."""

    name: str
    does: str
    level: Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    kinds: list[str]
    """Kinds of target that it is done to."""
    reversible: bool
    exactly_once: bool
    """Whether its target keeps a key or shows its state, so that an effect can be told from none."""
    fenced: bool
    """Whether its target compares versions."""
    idempotent: bool
    data_loss: float
    """How much data can be lost at worst, 0 to 1."""
    timeout_seconds: float
    parameters: dict[str, Any]
    targets: list[str]
    """Services of `actions.targets` that it can be done to."""


class ActionSpecs(Listing[ActionSpec]):
    """The catalogue."""


class ActionRecord(Shape):
    """How often an action has helped against a fault on a service."""

    action: str
    fault_type: str
    service: str
    good: int
    total: int
    median_seconds: float | None


class ActionRecords(Listing[ActionRecord]):
    """Records of actions."""


class Target(Shape):
    """What an action is done to; an empty `environment` counts as production."""

    executor: str
    kind: str
    name: str
    namespace: str
    environment: str


class Judgement(Shape):
    """How an action is judged now: who must agree, what forbids it (`reasons`), and what would keep it from being begun (`limits`)."""

    score: float
    level: Literal["low", "medium", "high", "critical"]
    mode: Literal["AUTO", "SEMI_AUTO", "MANUAL"]
    words: str
    forbidden: bool
    reasons: list[str]
    limits: list[str]


class Preview(Shape):
    """What an action would do now; nothing was changed."""

    action: str
    target: Target
    parameters: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    difference: list[str]
    objections: list[str]
    checked_by_target: bool
    """Whether the target itself has judged it."""
    dry_run: Literal[True]
    judgement: Judgement


class Proposed(Shape):
    """The plan that a wish became; `already`: it waited before, asked for by the requester."""

    plan_id: str
    status: Literal["proposed"]
    digest: str
    requester: str
    already: bool


class Remediation(Shape):
    """A plan that was begun; `reason` is a sentence as key and params, `known` what people are handed in the end."""

    id: str
    incident_id: str
    state: Literal["running", "paused", "undoing", "succeeded", "rolled_back", "failed", "cancelled"]
    fingerprint: str
    who: str
    autonomous: bool
    attempt: int
    worker: str
    asked: Literal["", "pause", "resume", "cancel"]
    """What a person wants of it."""
    asked_by: str
    began_at: Time
    updated_at: Time
    ended_at: Time | None
    reason: dict[str, Any]
    reason_words: str
    known: dict[str, Any]


class Remediations(Listing[Remediation]):
    """A page of plans that were begun."""


class RemediationStep(Shape):
    """How a step of it stands; `seen` is what was measured last."""

    plan_id: str
    step_id: str
    place: int
    state: str
    action: str
    target: str
    began_at: Time | None
    ended_at: Time | None
    reason: dict[str, Any]
    reason_words: str
    seen: dict[str, Any]


class RemediationWithSteps(Remediation):
    """A plan that was begun, step by step."""

    steps: list[RemediationStep]


class Wished(Shape):
    """What was asked of a plan."""

    plan_id: str
    asked: Literal["pause", "resume", "cancel"]


class KillSwitch(Shape):
    """How the switch stands; `held`: a worker died with a plan that began by itself, and none begins so until a person releases it."""

    thrown: bool
    at: Time | None
    who: str
    reason: str
    held: bool
    held_at: Time | None
    held_plan: str
    held_worker: str
