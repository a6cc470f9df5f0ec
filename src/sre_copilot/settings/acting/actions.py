"""Keys below `actions`: executors, each with its connection, and what the services of the topology are called there."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from sre_copilot.settings.acting.freezes import Patterns
from sre_copilot.settings.section import Section


class TargetBinding(Section):
    """What a service of the topology is for an executor."""

    service: str = Field(min_length=1, max_length=300)
    """Name of the service, as the telemetry and the topology call it; `*` stands for any text where no entry names the service itself."""
    executor: str = Field(min_length=1, max_length=64)
    """Name of the executor that reaches it."""
    kind: str = Field(min_length=1, max_length=64)
    """Kind of the target there (`Deployment`, `process`, `unit` …)."""
    name: str = Field(min_length=1, max_length=300)
    """Its name there; `{service}` stands for that of the service, in the namespace too."""
    namespace: str = Field(default="", max_length=300)
    """Its namespace, group or host there, where names alone do not tell targets apart."""
    environment: str = Field(default="", max_length=64)
    """`production`, `staging` …; empty counts as production, the stricter of all."""


class Repair(Section):
    """What repairs a fault here, where only you know: a statement, a playbook, a command of your own catalogue."""

    faults: Patterns = Field(min_length=1)
    """Types of fault that it repairs (`database/lock`, `resource/*`)."""
    services: Patterns = Field(default_factory=list)
    """Services to which that applies; any when empty."""
    action: str = Field(min_length=1, max_length=100)
    """Action of the catalogue (`sql.run`); it is done to what `actions.targets` says the service is."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Its parameters; in a text `{service}` stands for the name of the service."""


class ActionLimits(Section):
    """How much may be done to systems, whoever approved it."""

    at_once: int = Field(default=3, ge=1, le=64)
    """Effects under way at once, over all targets and workers (on one target there is never more than one); three, so that a mistake is seen before it is everywhere."""
    per_target_per_hour: int = Field(default=4, ge=1, le=1000)
    """How often one action may be done to one target in an hour: what four restarts did not heal, a fifth will not."""
    per_hour: int = Field(default=20, ge=1, le=10000)
    """Effects in an hour over all targets; a platform in which more is needed has a fault that people must see."""
    cooldown_seconds: float = Field(default=600.0, ge=0, le=86_400)
    """Pause after an action failed on a target, or did not help, before another plan may do it there again: long enough for its effect to be seen."""
    lease_margin_seconds: float = Field(default=10.0, ge=1, le=300)
    """The lock of a target is taken for the time-out of the action and so much longer; what could not begin within it is not begun. Ten seconds: pauses of a loaded machine are shorter."""


class Actions(Section):
    """Executors and targets; without any nothing can be carried out."""

    executors: list[dict[str, Any]] = Field(default_factory=list)
    """Systems that may be changed, each with its `type` and the settings of that type; none by default."""
    targets: list[TargetBinding] = Field(default_factory=list)
    """What services are called there; a service without an entry is found by nobody, and nothing is done to it."""
    repairs: list[Repair] = Field(default_factory=list)
    """Which action repairs which fault, before anything that is known in general."""
    limits: ActionLimits = ActionLimits()
    """How much may be done."""
