"""The door for decisions, wired: what the configuration says, and what the other rooms judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sre_copilot.app.approval_messages import Messages
from sre_copilot.app.approval_people import People
from sre_copilot.app.approval_waiting import Waiting
from sre_copilot.app.approving import Approving, Judgement, never, nothing, unasked
from sre_copilot.app.delegating import Delegating
from sre_copilot.app.plan_ticket import with_ticket
from sre_copilot.app.rulebook import frozen_by
from sre_copilot.decision.approval.model import NONE, Environments, Rule, Rules, Scope
from sre_copilot.decision.approval.unanswered import Step
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.ruling import Verdict
from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.errors import SettingsError
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.acting.approval import Approval
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.approvals import DelegationStore, link_key
from sre_copilot.store.audit_chain import AuditChain, Head
from sre_copilot.store.database import Database
from sre_copilot.store.plans import UNUSED, PlanStore
from sre_copilot.telemetry import AUDIT, hide, log

if TYPE_CHECKING:
    from sre_copilot.app.serving import Service

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
    ruling: Callable[[Plan, float], Verdict] = unasked,
) -> Approving:
    """The door of a running service; the freezes of the configuration always count, `frozen` adds what else forbids a change now, `ruling` what the rules ask for now.

    Raises
    ------
    SettingsError : when a receiver that is named does not exist
    """
    settings, database, clock = service.settings, service.database, service.clock
    chosen = settings.decision.approval
    check_receivers(settings)
    messages = messages_of(settings, database)
    freeze = frozen_by(Rulebook(risk=settings.risk, decision=settings.decision))
    return Approving(
        database=database,
        clock=clock,
        plans=plans_of(settings, database, messages=messages, autonomy=autonomy),
        people=People(chosen, service.tokens, lambda: service.alerting.roster.now(clock.now())),
        rules=messages.rules,
        messages=messages,
        unanswered=tuple(Step(after_s=each.after_minutes * 60, receivers=tuple(each.receivers)) for each in chosen.unanswered),
        frozen=lambda plan, at: freeze(plan, at) or frozen(plan, at),
        halted=halted,
        autonomy=autonomy,
        ruling=ruling,
        key=messages.key,
    )  # fmt: skip


def messages_of(settings: Settings, database: Database) -> Messages:
    """What makes the messages to those who must agree."""
    chosen = settings.decision.approval
    secret = _link_key(settings, database)  # at once: what makes a message is within a transaction
    records = AlertRecords(database)
    return Messages(
        settings=chosen,
        rules=rules_of(chosen, settings.decision.environments),
        receivers=tuple(each.name for each in settings.alerting.notify.known())[:1],
        picture=lambda incident: picture_of(records, incident),
        key=lambda: secret,
        external_url=settings.alerting.notify.external_url,
        language=settings.language,
        chat=replying(settings),
    )


def replying(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Receivers that are reached on a platform from which decisions are taken, each with these platforms."""
    taken = settings.decision.approval.chat.platforms()
    found = {
        each.name: tuple(name for name in taken if any(way["type"] == name for way in each.notifiers))
        for each in settings.alerting.notify.known()
    }
    return {name: platforms for name, platforms in found.items() if platforms}


def plans_of(
    settings: Settings,
    database: Database,
    *,
    messages: Messages | None = None,
    autonomy: Callable[[Plan, float], bool] = never,
) -> PlanStore:
    """Where plans are kept, with what those who must agree are told of them."""
    made = messages or messages_of(settings, database)

    def tell(plan: Plan) -> Sequence[Notification]:
        return () if autonomy(plan, plan.created_at) else made.request(plan)

    def tell_end(plan: Plan, status: str, reason: str) -> Sequence[Notification]:
        unasked = plan.risk.mode == Mode.AUTO and autonomy(plan, plan.created_at)
        return () if unasked and status in UNUSED else made.ended(plan, status, reason)

    return PlanStore(
        database,
        tell=tell,
        tell_end=tell_end,
        say=lambda message: say(message, settings.language),
        accompany=with_ticket(settings),
    )


class Turning:
    """Looks after requests now and then, and writes the head of the audit to the log, where whoever changes the store does not reach it."""

    def __init__(self, approving: Approving, chain: AuditChain) -> None:
        self._clock, self._waiting, self._chain = approving.clock, Waiting(approving), chain
        self._looked_at = self._said_at = -math.inf
        self._said = Head()

    def pump(self) -> None:
        """Look whether it is time."""
        now = self._clock.now()
        if 0.0 <= now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        self._waiting.turn()
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


def rules_of(chosen: Approval, environments: Environments = NONE) -> Rules:
    """The rules of a configuration; `environments` says what environments are."""
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
        environments=environments,
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


def _link_key(settings: Settings, database: Database) -> bytes:
    given = settings.decision.approval.link_key
    key = given.get_secret_value().encode() if given is not None else link_key(database)
    hide([key.hex() if given is None else given.get_secret_value()])
    return key
