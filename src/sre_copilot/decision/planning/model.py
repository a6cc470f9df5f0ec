"""What planning knows and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sre_copilot.decision.record import Standing
from sre_copilot.domain.evidence import Check, Finding, Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.domain.plan import Action, ActionSpec, Record, SignalCheck
from sre_copilot.domain.signals import Change
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.acting.actions import Repair, TargetBinding

Measure = Callable[[Check], float | None]
"""The left side of a check on the telemetry that was investigated; None when it cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is to be repaired. `path` leads from the culprit to the symptom; `onset` is epoch seconds UTC, None when nobody knows."""

    entity: str
    fault_type: str
    probability: float
    path: tuple[str, ...] = ()
    onset: float | None = None
    findings: tuple[Finding, ...] = ()
    """What the culprit was named by, the strongest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What people wrote down for such a fault: the measure of a card, or the steps of a procedure; `trust` 0..1."""

    kind: Literal["card", "sop"]
    id: str
    text: str
    lang: Lang = "en"
    fault_type: str = ""
    services: tuple[str, ...] = ()
    trust: float = 0.5

    def fits(self, fault: Fault) -> bool:
        """Whether it was written for this type of fault, and for this service or for any."""
        return self.fault_type == fault.fault_type and (not self.services or fault.entity in self.services)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An action that the team proposes: by its name in the catalogue, for a service; it is checked like any other."""

    action: str
    service: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What can be done to what: the catalogue, what services are called there, and the repairs that people bound to faults."""

    specs: Mapping[str, ActionSpec]
    bindings: Sequence[TargetBinding] = ()
    repairs: Sequence[Repair] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What else is known when a plan is made."""

    topology: Topology = field(default_factory=Topology)
    changes: tuple[Change, ...] = ()
    advice: tuple[Advice, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    load: float | None = None
    """Requests that the culprit gets, as a multiple of what it got before the onset; None when that cannot be told."""
    labels: Mapping[str, str] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    """What came of an action against this type of fault, by its name."""
    untouched: Record = field(default_factory=Record)
    """Similar faults that went away without anything being done, among all whose end is known."""
    tried: frozenset[tuple[str, str]] = frozenset()
    """Actions and keys of targets that earlier plans of this incident tried without success."""
    recovery: tuple[SignalCheck, ...] = ()
    guards: tuple[SignalCheck, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One action that is wanted; its parameters are complete once the state of its target has been seen."""

    strategy: str
    action: Action
    change: Change | None = None
    """The change that it takes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One way of repairing: what is wanted, in order, and where that comes from; `prior` is the share of cases in which such a way helps where there is no record."""

    strategy: str
    origin: str
    wishes: tuple[Wish, ...]
    prior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The present state of a target, as its executor told it."""

    state: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A draft whose actions are complete and were accepted by their executors, each with the digest of the state that was seen."""

    draft: Draft
    actions: tuple[Action, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """That no plan is made, and why."""

    reason: Message
    details: tuple[Message, ...] = ()


def message(key: str, /, **params: str | float) -> Message:
    """A sentence of planning."""
    return Message(key=f"planning.{key}", params=tuple(params.items()))
