"""What would have been proposed for the confirmed faults of the last days. No system is asked: targets are taken as they stand in the configuration."""

from __future__ import annotations

from typing import Any

from sre_copilot.action.catalogue import open_catalogue
from sre_copilot.app.planning_known import Gathering
from sre_copilot.app.rulebook import rulebook_of
from sre_copilot.clock import Clock, rfc3339
from sre_copilot.decision.assess import Rulebook
from sre_copilot.decision.planning.candidates import drafts, missing
from sre_copilot.decision.planning.filling import filled
from sre_copilot.decision.planning.model import Draft, Estate, Fault, Known, NoPlan, Ready, Seen, message
from sre_copilot.decision.planning.propose import propose
from sre_copilot.decision.simulation import Simulated, Tally, strategies_in, tally
from sre_copilot.domain.knowledge import PastFault
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database

DAY_S = 86_400.0


def simulate(
    settings: Settings, database: Database, clock: Clock, *, days: float
) -> tuple[tuple[Simulated, ...], Tally]:
    """Every confirmed fault of the last days with the plan that would have been made now, and how often that is what people did.

    What stems from a fault itself (its card, its own record) is left out when a plan is made for it. A way whose parameters only the
    target's state tells is left out, too.
    """
    catalogue = open_catalogue(settings.actions.executors)
    estate = Estate(
        specs={each.name: each for each in catalogue.specs},
        bindings=tuple(settings.actions.targets),
        repairs=tuple(settings.actions.repairs),
    )
    gathering, rules, now = Gathering(database, clock), rulebook_of(settings), clock.now()
    cases = [each for each in gathering.confirmed() if now - days * DAY_S <= each.at <= now]
    found = tuple(_simulated(each, estate, gathering, rules, now) for each in cases)
    return found, tally(found)


def _simulated(
    past: PastFault, estate: Estate, gathering: Gathering, rules: Rulebook, now: float
) -> Simulated:
    fault = Fault(entity=past.service, fault_type=past.fault_type, probability=1.0, onset=past.at)
    known = Known(
        changes=gathering.changes(fault),
        advice=gathering.advice(fault, but=(past.id, past.investigation_id)),
        standings=gathering.standings(fault.fault_type, estate.specs),
        untouched=gathering.untouched(fault.fault_type, but=past.id),
        labels={"severity": past.severity} if past.severity else {},
    )
    ready = [each for draft in drafts(fault, estate, known) if (each := _ready(draft, estate)) is not None]
    made = (
        propose(ready, fault, estate=estate, known=known, rules=rules, now=now, expires_at=now)
        if ready
        else missing(fault, estate, known)
    )
    return Simulated(
        key=past.id,
        at=past.at,
        service=past.service,
        fault_type=past.fault_type,
        did=past.measure,
        strategies=strategies_in(past.measure),
        plan=None if isinstance(made, NoPlan) else made,
        reason=made.reason if isinstance(made, NoPlan) else None,
    )


def _ready(draft: Draft, estate: Estate) -> Ready | None:
    made = [filled(each, estate.specs[each.action.name], Seen()) for each in draft.wishes]
    actions = tuple(each for each in made if not isinstance(each, NoPlan))
    if len(actions) < len(made):
        return None
    return Ready(draft=draft, actions=actions, digests=("",) * len(actions))


def simulated_document(found: tuple[Simulated, ...], counted: Tally, lang: Language) -> dict[str, Any]:
    """A simulation, to be shown."""
    return {
        "cases": counted.cases,
        "comparable": counted.comparable,
        "fits": counted.fits,
        "share": counted.share,
        "verdicts": dict(counted.verdicts),
        "modes": dict(counted.modes),
        "items": [_row(each, lang) for each in found],
    }


def _row(each: Simulated, lang: Language) -> dict[str, Any]:
    plan = each.plan
    return {
        "id": each.key,
        "at": rfc3339(each.at),
        "service": each.service,
        "fault_type": each.fault_type,
        "people_did": each.did,
        "people_strategies": list(each.strategies),
        "strategy": plan.strategy if plan else None,
        "title": say(plan.title, lang) if plan else None,
        "mode": plan.risk.mode.name if plan else None,
        "risk": plan.risk.score if plan else None,
        "reason": say(each.reason, lang) if each.reason else None,
        "verdict": each.verdict,
        "verdict_words": say(message(f"simulated.{each.verdict}"), lang),
    }
