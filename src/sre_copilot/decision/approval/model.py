"""The nouns of approval: who votes, with whose authority, on what, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.decision.environment import lies_in
from sre_copilot.decision.patterns import fits
from sre_copilot.decision.ruling import WITHOUT_A_WORD
from sre_copilot.decision.ruling import Verdict as Ruled
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan, PlanStatus, PlanStep, RiskLevel
from sre_copilot.settings.acting.decision import EnvironmentClass
from sre_copilot.settings.section import Role

Environments = Mapping[str, EnvironmentClass]
"""What environments are, by the patterns of the configuration."""
NONE: Environments = {}
Verdict = Literal["approve", "reject"]
Way = Literal["rest", "cli", "page", "chat", "auto"]
"""How a vote came; `auto` is nobody's: the plan may be carried out without a person."""
Code = Literal[
    "unknown",  # there is no such plan
    "caller",  # the body names somebody else than who asks
    "unverified",  # the platform did not sign the request
    "repeated",  # the request of a platform came before
    "sender",  # the sender in chat is nobody who may approve
    "unclear",  # the text is no decision
    "link",  # the link was changed, or is for something else
    "decided",  # it was approved, rejected, begun or ended already
    "superseded",  # a later plan took its place
    "altered",  # it is not the plan that was shown or approved
    "expired",
    "role",
    "group",
    "requester",  # who asked for it may not approve it
    "replayed",  # the same vote again
    "forbidden",  # nobody may carry it out
    "stricter",  # the rules ask for more by now than when it was made
    "frozen",
    "halted",  # kill switch, maintenance
    "reason",  # a refusal needs one
    "votes",  # not everybody who must agree has
    "authority",  # who approved it may not any more
    "autonomy",  # it may not be carried out without a person
    "step",  # the plan has no such step
    "go_ahead",  # a person must agree to this very step, and nobody has
    "not_waiting",  # the plan does not wait for a go-ahead of this step
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What was asked for is not done; `message` says why."""

    code: Code
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Somebody who asks, as they are known now. `id` is the person: two tokens of one person are one approver."""

    id: str
    name: str
    role: Role
    groups: frozenset[str] = frozenset()
    token_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which plans are meant: every step must fit (patterns with `*`; none: all), and the level may not be higher."""

    environments: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    at_most: RiskLevel = RiskLevel.CRITICAL

    def covers(self, plan: Plan, known: Environments = NONE) -> bool:
        """Whether a plan lies within it; `known` says what environments are."""
        steps = [step.action for step in plan.steps]
        return (
            plan.risk.level <= self.at_most
            and all(fits(action.name, self.actions) for action in steps)
            and all(lies_in(action.target, self.environments, known) for action in steps)
            and all(fits(service_of(plan, step), self.entities) for step in plan.steps)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Steps that lie within `scope` need an approver of a group."""

    group: str
    scope: Scope

    def concerns(self, plan: Plan, step: PlanStep, known: Environments = NONE) -> bool:
        """Whether a step is meant; `known` says what environments are."""
        return (
            fits(step.action.name, self.scope.actions)
            and lies_in(step.action.target, self.scope.environments, known)
            and fits(service_of(plan, step), self.scope.entities)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What must hold for a vote; times in seconds."""

    role: Role = "approver"
    rules: tuple[Rule, ...] = ()
    ttl_s: float = 3600.0
    """How long a request can be answered; the plan's own `expires_at` may be earlier."""
    valid_s: float = 1800.0
    """How long after the last vote its first effect may come, and after the go-ahead of a step that step."""
    separation: bool = True
    """Whether who asked for it may not approve it."""
    environments: Environments = field(default_factory=dict)
    """What environments are."""

    def groups_of(self, plan: Plan) -> tuple[str, ...]:
        """Groups that an approver must belong to: of each step that of the first rule that fits; none: anybody with the role."""
        found = (
            next((rule.group for rule in self.rules if rule.concerns(plan, step, self.environments)), "")
            for step in plan.steps
        )
        return tuple(dict.fromkeys(each for each in found if each))

    def closes_at(self, plan: Plan) -> float:
        """Until when a request can be answered (epoch s)."""
        return min(plan.expires_at, plan.created_at + self.ttl_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """`taker` may vote with the authority of `giver` on what lies in `scope`; times are epoch seconds UTC, the end excluded."""

    id: str
    giver: str
    taker: str
    scope: Scope
    starts_at: float
    ends_at: float
    revoked_at: float | None = None

    def holds(self, at: float) -> bool:
        """Whether it holds at a time."""
        return self.revoked_at is None and self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A vote that counted; `on_behalf_of` is whose authority it was where that is another's, `fingerprint` what was voted on."""

    verdict: Verdict
    person: str
    fingerprint: str
    at: float
    way: Way
    who: str = ""
    token_id: str = ""
    on_behalf_of: str = ""
    reason: str = ""

    @property
    def authority(self) -> str:
        """Whose authority it was."""
        return self.on_behalf_of or self.person


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a plan stands: `fingerprint` was computed when it was proposed."""

    status: PlanStatus
    fingerprint: str
    votes: tuple[Vote, ...] = ()
    reason: str = ""
    superseded_by: str = ""
    """The plan that took its place."""
    go_aheads: Mapping[str, Vote] = field(default_factory=dict)
    """What people said to single steps, by the id of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decides; `fingerprint` is what they were shown ('' where the way does not tell)."""

    verdict: Verdict
    by: Approver
    way: Way
    who: str = ""
    """As the audit names them."""
    reason: str = ""
    fingerprint: str = ""
    step: str = ""
    """The one step that is agreed to; '': the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What else counts now: `people` are those whose authority may be used, as they are known now; `requester` is the person who asked for the plan ('': no person)."""

    rules: Rules = Rules()
    people: Mapping[str, Approver] = field(default_factory=dict)
    delegations: tuple[Delegation, ...] = ()
    requester: str = ""
    frozen: Message | None = None
    """Why nothing may be changed there now."""
    halted: Message | None = None
    """Kill switch or maintenance."""
    autonomy: bool = False
    """Whether this plan, judged now, may be carried out without a person."""
    acted: bool = False
    """Whether an effect of the plan was begun: from then on it goes on, or is undone, however old its votes are."""
    ruling: Ruled = WITHOUT_A_WORD
    """What black list, policies and autonomy ask for now."""


def refused(code: Code, **params: str | float) -> Refused:
    """A refusal with its sentence."""
    return Refused(code=code, message=Message(key=f"approval.refused.{code}", params=tuple(params.items())))


def service_of(plan: Plan, step: PlanStep) -> str:
    """The service that a step acts on; of one that is not known, that of the plan."""
    return step.service or plan.entity


def votes_needed(plan: Plan) -> int:
    """How many different people must agree: two to a key operation."""
    return 2 if plan.risk.four_eyes or plan.risk.level >= RiskLevel.CRITICAL else 1


def step_by_step(plan: Plan) -> bool:
    """Whether each step waits for a person's go-ahead of its own."""
    return plan.risk.mode == Mode.MANUAL


def agreed(votes: tuple[Vote, ...]) -> int:
    """How many people have agreed, each with an authority that no other has used."""
    people = {each.person for each in votes if each.verdict == "approve"}
    authorities = {each.authority for each in votes if each.verdict == "approve"}
    return min(len(people), len(authorities))
