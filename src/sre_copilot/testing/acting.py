"""Plans on a system that counts what is done to it, and all that carries them out, for tests of what acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import Executor
from sre_copilot.action.hands import Hands
from sre_copilot.action.limits import Locks
from sre_copilot.action.switch import Switch
from sre_copilot.clock import Clock, SystemClock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import (
    Action,
    Mode,
    Plan,
    PlanStep,
    Risk,
    RiskLevel,
    SignalCheck,
    Target,
)
from sre_copilot.durable.port import Durable
from sre_copilot.incidents.remediation.admission import Maintenance, PlanAdmission
from sre_copilot.incidents.remediation.ports import Signals, Standing
from sre_copilot.incidents.remediation.remedies import Remedies
from sre_copilot.incidents.remediation.steps import Room
from sre_copilot.incidents.remediation.ticketing import make_tickets
from sre_copilot.settings.acting.actions import ActionLimits
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.effects import Effects
from sre_copilot.store.leadership import elapsed as elapsed_here
from sre_copilot.store.leases import Lease, Leases
from sre_copilot.store.plans import PlanStore
from sre_copilot.store.remediation import Remediations, ask
from sre_copilot.testing.counted_target import NAME, CountedExecutor, CountedTarget


class GivenSignals:
    """Signals as a test says: by measure, a number, None, or a function of the time window."""

    def __init__(self, **values: float | Callable[[float, float], float | None] | None) -> None:
        self.values = values
        self.asked: list[tuple[str, float, float]] = []

    def measure(self, check: SignalCheck, since: float, until: float) -> float | None:
        """What was given."""
        self.asked.append((check.measure, since, until))
        value = self.values.get(check.measure)
        return value(since, until) if callable(value) else value


def thing(name: str) -> Target:
    """A thing as a target."""
    return Target(executor=NAME, kind="thing", name=name)


def add(name: str, **parameters: Any) -> Action:
    """Add to a thing."""
    return Action(name=f"{NAME}.add", target=thing(name), parameters={"by": 1, **parameters})


def step(key: str, action: Action, *, checks: Sequence[SignalCheck] = (), **more: Any) -> PlanStep:
    """A step of a plan."""
    fixed: dict[str, Any] = {"expected": Message(key="action.restored"), "timeout_seconds": 5.0}
    return PlanStep(id=key, action=action, checks=tuple(checks), **{**fixed, **more})


def recovery(measure: str = "errors", bound: float = 0.1) -> SignalCheck:
    """A signal that must fall below a bound."""
    return SignalCheck(
        role="recovery", entity="cart", source="metrics", measure=measure, relation="<", bound=bound
    )


def guard(measure: str = "latency", bound: float = 1.0) -> SignalCheck:
    """A signal that must stay below a bound."""
    return SignalCheck(
        role="guard", entity="cart", source="metrics", measure=measure, relation="<", bound=bound
    )


def plan(steps: Sequence[PlanStep], *, now: float, mode: Mode = Mode.SEMI_AUTO, **more: Any) -> Plan:
    """A plan that waits for its id."""
    risk = Risk(score=0.3, level=RiskLevel.MEDIUM, parts=(), mode=mode)
    fixed: dict[str, Any] = {
        "id": "", "created_at": now, "strategy": "restart", "title": Message(key="action.restored"), "risk": risk,
        "requester": "planner", "expires_at": now + 3600.0, "origin": "fault_type", "incident_id": "INC-1",
        "entity": "cart", "fault_type": "memory_leak", "verify_seconds": 10.0,
    }  # fmt: skip
    return Plan(steps=tuple(steps), **{**fixed, **more})


@dataclass
class Acting:
    """All that carries plans out, on one database, with the counted target as the only system; approval is as a test says."""

    database: Database
    durable: Durable
    target: CountedTarget
    signals: Signals = field(default_factory=GivenSignals)
    clock: Clock = field(default_factory=SystemClock)
    worker: str = "worker-1"
    settings: Remediation = field(default_factory=Remediation)
    limits: ActionLimits = field(default_factory=ActionLimits)
    elapsed: Callable[[], float] = elapsed_here
    enabled: bool = False
    lease: Lease | None = None
    leader: Callable[[], Lease | None] | None = None
    alive: Callable[[], frozenset[str]] = frozenset
    maintenance: Maintenance = lambda target, service, now: False
    refuses: Standing = lambda plan_id, step_id, direction: None
    again: Callable[[Plan, Mapping[str, Any]], str] = lambda plan, known: ""
    timeout_s: float = 5.0
    executors: Sequence[Executor] = ()
    """Beside the counted target."""

    def __post_init__(self) -> None:
        self.handed_over: list[Mapping[str, Any]] = []
        self.alone: set[str] = set()
        leases = Leases(self.database, clock=self.clock)
        self.leases = leases
        self.plans, self.rows = PlanStore(self.database), Remediations(self.database)
        self.effects = Effects(self.database, leases)
        self.audit = AuditChain(self.database)
        self.switch = Switch(self.database, self.audit, self.clock)
        self.executor = CountedExecutor(self.target, timeout_s=self.timeout_s)
        self.hands = Hands(
            catalogue := Catalogue([self.executor, *self.executors]),
            self.effects,
            Locks(leases, self.limits, worker=self.worker, elapsed=self.elapsed),
            admission=PlanAdmission(
                self.plans,
                self.rows,
                standing=self.refuses,
                clock=self.clock,
                settings=self.settings,
                maintenance=self.maintenance,
                enabled=lambda: self.enabled,
            ),
            audit=self.audit,
            clock=self.clock,
            limits=self.limits,
            cancelled=lambda plan_id: self.rows.asked(plan_id) == "cancel",
        )
        room = Room(
            hands=self.hands,
            plans=self.plans,
            rows=self.rows,
            effects=self.effects,
            signals=self.signals,
            again=self.again,
            hand_over=self.handed_over.append,
            audit=self.audit,
            clock=self.clock,
            settings=self.settings,
            worker=self.worker,
            tickets=make_tickets(
                catalogue, self.effects, leases, self.plans, self.rows,
                audit=self.audit, clock=self.clock, worker=self.worker, elapsed=self.elapsed,
            ),
            alive=self.alive,
        )  # fmt: skip
        self.remedies = Remedies(
            room,
            self.durable,
            leases=leases,
            leader=self.leader or (lambda: self.lease),
            standing=self.refuses,
            agree=self._agree,
            alone=lambda plan_id: plan_id in self.alone,
        )

    def _agree(self, plan_id: str) -> bool:
        if not self.enabled:
            return False
        self.alone.add(plan_id)
        now = self.clock.now()
        return self.plans.set_status(plan_id, "approved", expected="proposed", who="sre-copilot", at=now)

    def approved(self, made: Plan, *, key: str = "") -> Plan:
        """Propose a plan and approve it."""
        kept = self.plans.propose(made, key=key)
        self.plans.set_status(kept.id, "approved", expected="proposed", who="alice", at=self.clock.now())
        return kept

    def wish(self, plan_id: str, wish: str, *, who: str) -> bool:
        """Pause a plan, let it go on, or call it off, as the desk does."""
        with self.database.write() as connection:
            return ask(connection, plan_id, wish, who=who, now=self.clock.now())

    def status(self, plan_id: str) -> str:
        """How a plan stands."""
        kept = self.plans.get(plan_id)
        return kept.status if kept else ""
