"""What is to be done about a diagnosis: actions out of the catalogue, their order, their risk, and what came of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Literal

from sre_copilot.domain.evidence import Message

PlanStatus = Literal[
    "proposed",  # waits for approval, or for an autonomous start
    "approved",
    "rejected",
    "expired",
    "running",
    "paused",
    "undoing",
    "succeeded",  # carried out, and the signals that broke are well again
    "rolled_back",  # undone in full, for it did not help or failed
    "failed",  # neither: people must look, the reason says what state things are in
    "cancelled",
]
OVER: frozenset[str] = frozenset({"rejected", "expired", "succeeded", "rolled_back", "failed", "cancelled"})


class RiskLevel(IntEnum):
    """How bad an action can be by its kind alone; ordered, so that levels compare."""

    LOW = 1
    """It only reads."""
    MEDIUM = 2
    """It can be undone."""
    HIGH = 3
    """It cannot be undone."""
    CRITICAL = 4
    """A key operation: two people must agree."""


class Mode(IntEnum):
    """Who has to agree before a plan is carried out; the stricter of two is the larger."""

    AUTO = 0
    """Nobody."""
    SEMI_AUTO = 1
    """An approver."""
    MANUAL = 2
    """A person carries it out, or approves every step; the product never starts it by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an action is done to: a thing of a kind in a system (`kubernetes` Deployment `cart` in `shop`), as its executor names it."""

    executor: str
    kind: str
    name: str
    namespace: str = ""
    environment: str = ""
    """`production`, `staging` …; '' where nobody says, and that counts as production."""

    @property
    def key(self) -> str:
        """One word for locks, limits and statistics; the environment is no part of it."""
        return "/".join((self.executor, self.namespace, self.kind, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One effect: an entry of the catalogue (`kubernetes.rollout_restart`) on a target, with parameters that its schema accepts."""

    name: str
    target: Target
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def executor(self) -> str:
        """Name of the executor."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """An entry of the catalogue: what can be asked for, and what is known of it beforehand."""

    name: str
    """`executor.verb`, such as `kubernetes.scale`."""
    level: RiskLevel
    parameters: Mapping[str, Any]
    """JSON schema of the parameters; unknown ones are refused. Descriptions are shown to people and models."""
    kinds: tuple[str, ...]
    """Kinds of target."""
    does: Message
    reversible: bool
    """Whether `undo` restores the state before."""
    exactly_once: bool
    """Whether the target keeps a key or shows its state, so that an effect can be told from none. Otherwise the action is at-least-once and never autonomous."""
    fenced: bool = False
    """Whether the target itself refuses an effect made on an outdated state (resourceVersion, row version)."""
    data_loss: float = 0.0
    """0..1: how much data can be lost at worst."""
    timeout_seconds: float = 60.0
    idempotent: bool = False
    """Whether doing it twice is the same as once (scale to 3), or not (restart)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCheck:
    """A statement about live telemetry by which is judged whether a step helped, or did harm.

    `role` is `recovery` for a signal that named the fault and must be well again, `guard` for one that must not become bad. `value relation bound` must hold.
    """

    role: Literal["recovery", "guard"]
    entity: str
    source: str
    """`metrics`, `logs`, `traces`, `alerts` …: where it is read."""
    measure: str
    relation: Literal[">", ">=", "<", "<="]
    bound: float
    aggregate: str = "mean"
    where: tuple[tuple[str, str], ...] = ()
    observed: float | None = None
    """What it was when the plan was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """One step. `needs` are ids of steps that must be done before; `undo` is what takes it back (None: the executor undoes by its backup, or it cannot be undone)."""

    id: str
    action: Action
    expected: Message
    timeout_seconds: float
    needs: tuple[str, ...] = ()
    reversible: bool = True
    undo: Action | None = None
    checks: tuple[SignalCheck, ...] = ()
    state: str = ""
    """Digest of the target's state when the plan was made (`Executor.look`); another one at execution means that somebody changed it meanwhile. '' when it does not matter."""
    service: str = ""
    """What the topology calls the target, by which policies and approvers are found; '' where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The ticket that is opened before the first step of a plan and told what came of it at the end.

    It is no step of the repair: it has no risk, is not undone, needs nobody's word of its own and counts in no statistics of actions.
    """

    queue: Target
    """Where it is opened; its executor opens it (`EXECUTOR.create`)."""
    required: bool = False
    """Whether nothing is done without it; else it is never a reason for a repair not to happen."""
    closed: str = ""
    """State that it is moved on to when signals show that the plan has helped; '' leaves it to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPart:
    """One component of a risk: `value` 0..1 (1 is worst), `weight` its share, and why."""

    name: str
    value: float
    weight: float
    reason: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How risky a plan is, with its parts; `mode` is the strictest of band, level, black list, policy and autonomy, `reasons` say which of them decided."""

    score: float
    level: RiskLevel
    parts: tuple[RiskPart, ...]
    mode: Mode
    reasons: tuple[Message, ...] = ()
    four_eyes: bool = False
    forbidden: bool = False
    """A black list, a freeze or a policy says that it must not be carried out at all, by nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How often an action has helped against a fault: `good` of `total` similar cases; seconds until it was verified, where known."""

    good: int = 0
    total: int = 0
    median_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Another way that was weighed, “do nothing” among them: its risk, what it is expected to do, and why it was not recommended."""

    strategy: str
    title: Message
    score: float
    success: float | None
    reason: Message
    steps: tuple[PlanStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is proposed. It never changes: `fingerprint` is what is approved, and what is carried out must have the same.

    `strategy` is a word (`restart`, `rollback`, `scale_out` …); `confidence` is the diagnosis' probability, `entity` and `fault_type` its culprit. Times are epoch seconds UTC.
    """

    id: str
    """`PLAN-YYYYMMDDHHMMSS`; where that is taken, of the next free second."""
    created_at: float
    strategy: str
    title: Message
    steps: tuple[PlanStep, ...]
    risk: Risk
    requester: str
    expires_at: float
    origin: str
    """What it came from: `fault_type`, `card:ID`, `sop:ID`, `workflow:ID`, `team`, `person`."""
    incident_id: str = ""
    investigation_id: str = ""
    entity: str = ""
    fault_type: str = ""
    confidence: float = 0.0
    record: Record = Record()
    estimated_seconds: float = 300.0
    priority: int = 3
    verify_seconds: float = 60.0
    """Length of the window over which signals are watched after the last step."""
    options: tuple[Option, ...] = ()
    attempt: int = 1
    """The how-manieth plan for this incident; after two failures people take over."""
    ticket: Ticket | None = None
    """The ticket that goes along with it; None where none was asked for."""

    @property
    def verifiable(self) -> bool:
        """Whether a signal shows that it helped; without one it is carried out, and nobody can say more."""
        return any(check.role == "recovery" for step in self.steps for check in step.checks)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that matters to who approves: steps, parameters, order, checks, limits, risk, the ticket."""
        plain = asdict(self)
        for holder in (plain, *plain["options"]):
            _leave_out_unknown_service(holder["steps"])
        if (
            plain["ticket"] is None
        ):  # plans that were kept before there were any have the fingerprint they had
            del plain["ticket"]
        return hashlib.sha256(
            json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        ).hexdigest()


def _leave_out_unknown_service(steps: Iterable[dict[str, Any]]) -> None:
    """Plans that were kept before steps named their service have the fingerprint they had."""
    for each in steps:
        if not each["service"]:
            del each["service"]
