"""Plans and requests for approval."""

from __future__ import annotations

from typing import Any, Literal

from sre_copilot.api.shapes.acting import Target
from sre_copilot.api.shapes.shape import Listing, Severity, Shape, Time

Status = Literal[
    "proposed", "approved", "rejected", "expired", "running", "paused", "undoing", "succeeded",
    "rolled_back", "failed", "cancelled",
]  # fmt: skip
Level = Literal["low", "medium", "high", "critical"]
Mode = Literal["AUTO", "SEMI_AUTO", "MANUAL"]


class Risk(Shape):
    """How risky it is, 0 to 1, and who must agree."""

    score: float
    level: Level
    """What kind of action it is: it only reads, can be undone, cannot be undone, or is a key operation."""
    mode: Mode
    words: str


class RiskPart(Shape):
    """One part of a risk."""

    name: str
    value: float
    weight: float
    reason: str


class WholeRisk(Risk):
    """A risk with its parts and the sentences of the rules that decided."""

    four_eyes: bool
    forbidden: bool
    reasons: list[str]
    parts: list[RiskPart]


class PlanRow(Shape):
    """A plan in a list; of one whose text was `altered` beyond reading the rest is missing."""

    id: str
    status: Status
    incident_id: str
    requester: str
    fingerprint: str
    created_at: Time
    updated_at: Time
    altered: bool
    strategy: str = ""
    title: str = ""
    service: str = ""
    fault_type: str = ""
    origin: str = ""
    priority: int = 3
    risk: Risk | None = None


class Plans(Listing[PlanRow]):
    """A page of plans."""


class SignalCheck(Shape):
    """A signal by which a plan is judged: what it is to be, and what it was."""

    role: Literal["recovery", "guard"]
    entity: str
    source: str
    measure: str
    relation: str
    bound: float
    aggregate: str
    where: dict[str, str]
    observed: float | None


class Step(Shape):
    """A step of a plan; `undo` is the action that takes it back, where that is another."""

    id: str
    action: str
    target: Target
    parameters: dict[str, Any]
    expected: str
    needs: list[str]
    reversible: bool
    undo: str | None
    timeout_seconds: float
    checks: list[SignalCheck]
    state: str
    """How it stands: waiting, preparing, acting, verifying, watching, done, failed, undoing, undone, not_undone …; '' of a plan that was never begun."""
    reason: str
    began_at: Time | None
    ended_at: Time | None


class Ticket(Shape):
    """The ticket that goes along with a plan: opened before the first step, told the outcome at the end; `closed` is the state to which it is moved on when the plan has helped."""

    executor: str
    queue: str
    required: bool
    closed: str
    words: str
    ticket: str
    """What the ticket system calls it; '' as long as it is not open."""
    link: str
    state: str
    """waiting, done, failed; '' of a plan that was never begun."""
    reason: str


class OptionAction(Shape):
    """An action that was weighed."""

    action: str
    target: str
    parameters: dict[str, Any]


class Option(Shape):
    """What was weighed against a plan, “do nothing” with it, and why it is not recommended."""

    strategy: str
    title: str
    risk: float
    success_rate: float | None
    reason: str
    actions: list[OptionAction]


class Record(Shape):
    """How often it has helped before."""

    good: int
    total: int
    median_seconds: float | None
    success_rate: float | None


class Deed(Shape):
    """What somebody decided: by which way, and with whose authority where that is another's."""

    approver: str
    on_behalf_of: str
    reason: str
    way: str
    at: Time


class PlanVote(Deed):
    """A vote on a plan that counted."""

    verdict: Literal["approve", "reject"]


class GoAhead(Deed):
    """A step that was let go."""

    step: str


class Plan(Shape):
    """A plan with all that it says, and what became of it: `reason` is why it stands so; of a `hidden` one the signals are left out."""

    id: str
    status: Status
    reason: str
    began_at: Time | None
    ended_at: Time | None
    votes: list[PlanVote]
    go_aheads: list[GoAhead]
    hidden: bool
    incident_id: str
    strategy: str
    title: str
    service: str
    fault_type: str
    origin: str
    priority: int
    investigation_id: str
    confidence: float
    requester: str
    fingerprint: str
    created_at: Time
    expires_at: Time
    decided_at: Time | None
    attempt: int
    verify_seconds: float
    estimated_seconds: float
    record: Record
    risk: WholeRisk
    ticket: Ticket | None
    steps: list[Step]
    options: list[Option]


class StepDifference(Shape):
    """What a step would change now; `changed` is null where the target could not be looked at, and `problem` says why."""

    step: str
    action: str
    target: str
    changed: bool | None
    """Whether the target is another than when the plan was made."""
    problem: str
    difference: list[str]
    objections: list[str]
    checked_by_target: bool = False


class PlanDifference(Shape):
    """What a plan would change now."""

    id: str
    status: Status
    fingerprint: str
    steps: list[StepDifference]


class Simulated(Shape):
    """A past fault, what people did, and what would have been proposed."""

    id: str
    at: Time
    service: str
    fault_type: str
    people_did: str
    people_strategies: list[str]
    strategy: str | None
    title: str | None
    mode: Mode | None
    risk: float | None
    reason: str | None
    verdict: str
    verdict_words: str


class Simulation(Shape):
    """What would have been proposed, and how often it is what people did."""

    cases: int
    comparable: int
    fits: int
    share: float | None
    verdicts: dict[str, int]
    modes: dict[str, int]
    items: list[Simulated]


class RequestStep(Shape):
    """A step as an approver sees it."""

    id: str
    action: str
    target: str
    environment: str
    parameters: dict[str, Any]
    expected: str
    reversible: bool
    state: str
    """How it stands: waiting, acting, done, failed …; '' of a plan that was not begun."""
    reason: str
    began_at: Time | None
    ended_at: Time | None


class Vote(Shape):
    """A vote that counted."""

    approver: str
    on_behalf_of: str
    verdict: Literal["approve", "reject"]
    at: Time


class Request(Shape):
    """A plan that waits: the fields of its message, what it would do, and how it stands; of a `hidden` one the figures are left out."""

    hidden: bool
    plan_id: str
    status: Status
    waits_for: str
    """The step that waits for a go-ahead; '' where the plan waits for its approval."""
    incident_id: str
    severity: Severity
    service: str
    metric: str | None
    current_value: float | str | None
    expected_value: float | str | None
    deviation: float | str | None
    recommended_action: str
    estimated_minutes: int
    success_rate: float | None
    similar_cases: int
    strategy: str
    risk: Risk
    approvals_needed: int
    approvals: list[Vote]
    groups: list[str]
    """Groups that an approver must belong to."""
    requester: str
    fingerprint: str
    created_at: Time
    expires_at: Time
    ticket: Ticket | None
    steps: list[RequestStep]


class Requests(Listing[Request]):
    """Plans that wait for a person."""


class Decided(Shape):
    """What came of a decision: `missing` more people must agree; `step` is the step that was let go."""

    plan_id: str
    status: Status
    missing: int
    step: str
    approver: str
    on_behalf_of: str
    sentence: str


class Delegation(Shape):
    """Who may vote with whose authority, on what, until when."""

    id: str
    giver: str
    taker: str
    environments: list[str]
    actions: list[str]
    services: list[str]
    start: Time
    end: Time
    reason: str
    made_by: str


class Delegations(Listing[Delegation]):
    """Delegations that hold now or will."""


class Ended(Shape):
    """It is over."""

    id: str
    ended: Literal[True]
