"""The door for decisions, wired: what the configuration says, and what the other rooms judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.app.approval_messages import Messages
from sre_copilot.app.approval_people import People
from sre_copilot.app.approving import Approving, Judgement, never, nothing
from sre_copilot.app.delegating import Delegating
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Rule, Rules, Scope
from sre_copilot.decision.approval.unanswered import Step
from sre_copilot.decision.freeze import freeze_at
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Plan, RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.acting.approval import Approval
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.approvals import DelegationStore, link_key
from sre_copilot.store.audit_chain import AuditChain, Head
from sre_copilot.store.plans import PlanStore
from sre_copilot.telemetry import AUDIT, hide, log

SHOWN = ("number", "severity", "priority", "status", "started_at", "blast_radius", "diagnosis")
MOST_ALERTS = 50
LOOK_EVERY_S = 5.0  # at requests that wait: their times are minutes
SAY_EVERY_S = 60.0  # the head of the audit: so much of it can be cut off at worst without the log saying so


def make_approving(
    service: Service,
    *,
    frozen: Judgement = nothing,
    halted: Judgement = nothing,
    autonomy: Callable[[Plan, float], bool] = never,
) -> Approving:
    """The door of a running service; the freezes of the configuration always count, `frozen` adds what else forbids a change now.

    Raises
    ------
    SettingsError : when a receiver that is named does not exist
    """
    settings, database, clock = service.settings, service.database, service.clock
    chosen = settings.decision.approval
    check_receivers(settings)
    secret = _link_key(service)  # at once: what makes a message is within a transaction

    def key() -> bytes:
        return secret

    rules = rules_of(chosen)
    messages = Messages(
        settings=chosen,
        rules=rules,
        receivers=tuple(each.name for each in settings.alerting.notify.known())[:1],
        picture=lambda incident: picture_of(service.alerting.records, incident),
        key=key,
        external_url=settings.alerting.notify.external_url,
        language=settings.language,
    )

    def tell(plan: Plan) -> Any:
        return () if autonomy(plan, plan.created_at) else messages.request(plan)

    return Approving(
        database=database,
        clock=clock,
        plans=PlanStore(database, tell=tell, say=lambda message: say(message, settings.language)),
        people=People(chosen, service.tokens, lambda: service.alerting.roster.now(clock.now())),
        rules=rules,
        messages=messages,
        unanswered=tuple(Step(after_s=each.after_minutes * 60, receivers=tuple(each.receivers)) for each in chosen.unanswered),
        frozen=lambda plan, at: freeze_of(settings, plan, at) or frozen(plan, at),
        halted=halted,
        autonomy=autonomy,
        key=key,
    )  # fmt: skip


class Turning:
    """Looks after requests now and then, and writes the head of the audit to the log, where whoever changes the store does not reach it."""

    def __init__(self, approving: Approving, chain: AuditChain) -> None:
        self._approving, self._chain = approving, chain
        self._looked_at = self._said_at = -math.inf
        self._said = Head()

    def pump(self) -> None:
        """Look whether it is time."""
        now = self._approving.clock.now()
        if 0.0 <= now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        self._approving.turn()
        if not 0.0 <= now - self._said_at < SAY_EVERY_S:
            self._said_at = now
            self.say_head()

    def say_head(self) -> None:
        """Write the head to the log, where it is another than the one that was written last."""
        head = self._chain.head()
        if head != self._said:
            self._said = head
            log(AUDIT).info("head of the audit", audit=True, entries=head.count, head=str(head))


def make_delegating(service: Service) -> Delegating:
    """What keeps who may vote with whose authority."""
    roster, clock = service.alerting.roster, service.clock
    return Delegating(
        store=DelegationStore(service.database),
        chain=AuditChain(service.database),
        people=People(service.settings.decision.approval, service.tokens, lambda: roster.now(clock.now())),
        clock=clock,
    )


def freeze_of(settings: Settings, plan: Plan, at: float) -> Message | None:
    """The configured freeze in which a target of a plan may not be changed now; what only reads may be read."""
    if plan.risk.level <= RiskLevel.LOW:
        return None
    targets = (step.action.target for step in plan.steps)
    found = (freeze_at(at, target, windows=settings.decision.freezes) for target in targets)
    return next((each.message for each in found if each is not None), None)


def rules_of(chosen: Approval) -> Rules:
    """The rules of a configuration."""
    rules = [
        Rule(
            group=each.group,
            scope=Scope(
                environments=tuple(each.environments),
                actions=tuple(each.actions),
                entities=tuple(each.services),
            ),
        )
        for each in chosen.rules
    ]
    return Rules(
        role=chosen.role,
        rules=tuple(rules),
        ttl_s=chosen.ttl_minutes * 60,
        valid_s=chosen.valid_minutes * 60,
        separation=chosen.separation,
    )


def check_receivers(settings: Settings) -> None:
    """See whether the receivers are there that requests are to be sent to.

    Raises
    ------
    SettingsError : names the place, and what there is
    """
    known = [each.name for each in settings.alerting.notify.known()]
    for path, name in settings.decision.approval.named_receivers():
        if name not in known:
            listed = ", ".join(known) or "none; configure it in alerting.notify.receivers"
            raise SettingsError(
                f"decision.approval.{path}: there is no receiver {name!r}; there are: {listed}"
            )


def picture_of(records: AlertRecords, incident_id: str) -> Mapping[str, Any]:
    """What a message says of an incident; nothing where there is none."""
    row = records.incident(incident_id)
    if row is None:
        return {}
    alerts = records.alerts_page(limit=MOST_ALERTS, incident_id=incident_id).rows
    anomaly = next((each for each in alerts if each.get("anomaly_id")), None)
    said = (anomaly or {}).get("annotations", {})
    names = ("metric", "current", "expected", "deviation")
    services = row.get("services") or ()
    return {
        **{name: row[name] for name in SHOWN if name in row},
        "started_at": row.get("started_at"),
        "service": services[0] if services else "",
        "services": list(services)[:20],
        "cause": (row.get("diagnosis") or {}).get("cause", ""),
        "confidence": (row.get("diagnosis") or {}).get("confidence"),
        "anomaly": {name: said[name] for name in names if name in said},
    }


def _link_key(service: Service) -> bytes:
    given = service.settings.decision.approval.link_key
    key = given.get_secret_value().encode() if given is not None else link_key(service.database)
    hide([key.hex() if given is None else given.get_secret_value()])
    return key
