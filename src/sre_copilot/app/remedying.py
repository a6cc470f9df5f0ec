"""What carries plans out in a worker, wired: hands on the configured executors, live signals, the leader for what begins by itself, and people in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.hands import Hands
from sre_copilot.action.limits import Locks
from sre_copilot.alerts.maintenance import Maintenance
from sre_copilot.app.acting import ActingDesk, open_desk
from sre_copilot.app.approving import Approving
from sre_copilot.app.authority import approving_of
from sre_copilot.app.live_signals import LiveSignals
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Refused
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Target
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError
from sre_copilot.incidents.alerting.rows import maintenance_of
from sre_copilot.incidents.remediation.admission import PlanAdmission
from sre_copilot.incidents.remediation.ports import Again
from sre_copilot.incidents.remediation.remedies import Remedies
from sre_copilot.incidents.remediation.steps import Room
from sre_copilot.incidents.remediation.telling import reason_text
from sre_copilot.incidents.remediation.ticketing import make_tickets
from sre_copilot.incidents.report.words import word
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.effects import Effects
from sre_copilot.store.leadership import Leadership
from sre_copilot.store.leases import Leases
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.remediation import Remediations
from sre_copilot.telemetry import log

LEADER = "autonomy"
WORKER = "worker/"
SEVERITY = "critical"
TURN_S = 1.0  # between two looks at what may begin: a second is nothing beside a repair


@dataclass
class Acting:
    """All that acts in a worker, in a thread of its own: whoever leads what begins by itself need not lead anything else."""

    desk: ActingDesk
    hands: Hands
    approving: Approving
    remedies: Remedies
    leadership: Leadership
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, once durable runs have been launched."""
        self.leadership.start()
        self._thread = threading.Thread(target=self._run, name="acting", daemon=True)
        self._thread.start()

    def turn(self) -> None:
        """Begin what may begin, and look after what was begun."""
        self.remedies.turn()

    def close(self) -> None:
        """End in order: what is under way is gone on with by another worker, or at the next start."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(2.0)
        self.leadership.close()
        self.remedies.close()

    def _run(self) -> None:
        while not self._ended.wait(TURN_S):
            try:
                self.turn()
            except SreCopilotError as error:
                log(__name__).error("plans cannot be looked after now", problem=str(error))
            except Exception:  # noqa: BLE001 - the top of a thread that must go on
                log(__name__).exception("plans cannot be looked after now")


def make_acting(
    service: Service,
    durable: Durable,
    *,
    again: Again = lambda plan, known: "",
    catalogue: Catalogue | None = None,
) -> Acting:
    """Wire what carries plans out; before `durable.launch`.

    Parameters
    ----------
    again : diagnoses an incident again after a plan did not help, and proposes a further one
    catalogue : in place of the configured executors
    """
    settings, database, clock = service.settings, service.database, service.clock
    desk = open_desk(settings, database, clock)
    desk.catalogue = catalogue or desk.catalogue
    shared = database.engine.dialect.name == "postgresql"
    leases = Leases(database, clock=None if shared else clock)
    worker = str(getattr(durable, "executor", "")) or "worker"
    approving = approving_of(service, desk)
    rows, effects, audit = Remediations(database), Effects(database, leases), AuditChain(database)
    hands = Hands(
        desk.catalogue,
        effects,
        Locks(leases, settings.actions.limits, worker=worker),
        admission=PlanAdmission(
            approving.plans,
            rows,
            standing=standing_of(approving),
            clock=clock,
            settings=settings.remediation,
            maintenance=maintenance(database),
            enabled=lambda: settings.risk.auto_remediation_enabled,
        ),
        audit=audit,
        clock=clock,
        limits=settings.actions.limits,
        cancelled=lambda plan_id: rows.asked(plan_id) == "cancel",
        counted=lambda action, outcome: service.own.actions.labels(action, outcome).inc(),
    )
    leadership = Leadership(leases, LEADER, worker)
    tickets = make_tickets(
        desk.catalogue, effects, leases, approving.plans, rows,
        audit=audit, clock=clock, worker=worker, language=settings.language, address=settings.alerting.notify.external_url,
        stops=settings.remediation.on_kill_switch == "undo",
    )  # fmt: skip
    room = Room(
        hands=hands,
        plans=approving.plans,
        rows=rows,
        effects=effects,
        signals=LiveSignals(service.examine or tuple),
        again=again,
        hand_over=people(service),
        audit=audit,
        clock=clock,
        settings=settings.remediation,
        worker=worker,
        ask_for_step=approving.messages.go_ahead,
        tickets=tickets,
        alive=(lambda: _living(leases)) if shared else frozenset,
    )
    remedies = Remedies(
        room,
        durable,
        leases=leases,
        leader=lambda: leadership.lease,
        standing=standing_of(approving, keep=False),
        agree=lambda plan_id: _agrees(approving, plan_id),
        alone=lambda plan_id: _alone(approving, plan_id),
    )
    return Acting(desk, hands, approving, remedies, leadership)


def standing_of(approving: Approving, *, keep: bool = True) -> Callable[[str, str, Any], Message | None]:
    """Why a step may not be carried out now, by what was approved, by whom, and what is so now; `keep`: the audit says so."""

    def standing(plan_id: str, step_id: str, direction: Any) -> Message | None:
        found = approving.admission(plan_id, step_id=step_id, direction=direction, keep=keep)
        return found.message if isinstance(found, Refused) else None

    return standing


def maintenance(database: Database) -> Callable[[Target, str, float], bool]:
    """Whether people work at a target: a window mutes its name, or the service's, now."""

    def working(target: Target, service: str, now: float) -> bool:
        with database.begin() as connection:
            windows = Maintenance(maintenance_of(connection))
        named = {"namespace": target.namespace, "environment": target.environment, "instance": target.name}
        return any(
            windows.maintained_by({**named, "service": each}, now) for each in {service, target.name} if each
        )

    return working


def people(service: Service) -> Callable[[Mapping[str, Any]], None]:
    """Tell the receivers of `remediation.receivers` that they must take over, once for each plan."""
    store, settings = NotificationStore(service.database), service.settings

    def hand_over(known: Mapping[str, Any]) -> None:
        plan_id, incident_id = known["plan_id"], known["incident_id"]
        reason = reason_text(known["failure"].get("reason", {}))
        params = {"plan": plan_id, "status": str(known["status"]), "reason": reason}
        content = {
            "incident_id": incident_id,
            "title": word("acting.handed_over", settings.language, **params),
            "severity": SEVERITY,
            "service": known["entity"],
            "summary": [
                {"key": "acting.handed_over", "params": params},
                *([known["title"]] if known.get("title") else []),
            ],
        }
        told = [
            Notification(
                key=f"handover/{receiver}/{plan_id}", group=incident_id or plan_id, receiver=receiver,
                state="updated", sequence=1, created_at=service.clock.now(), content=content,
            )
            for receiver in settings.remediation.receivers
        ]  # fmt: skip
        with service.database.write() as connection:
            store.insert(connection, told)

    return hand_over


def _agrees(approving: Approving, plan_id: str) -> bool:
    """Approve a plan that needs nobody; that it does need somebody is asked again and again, and no refusal."""
    if approving.alone(plan_id) is not None:
        return False
    return not isinstance(approving.approve_alone(plan_id), Refused)


def _alone(approving: Approving, plan_id: str) -> bool:
    found = approving.standing(plan_id)
    return not isinstance(found, Refused) and any(vote.way == "auto" for vote in found.votes)


def _living(leases: Leases) -> frozenset[str]:
    return frozenset(name.removeprefix(WORKER) for name in leases.live(WORKER))
