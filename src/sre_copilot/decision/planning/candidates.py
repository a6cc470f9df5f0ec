"""All ways of repairing a fault that the catalogue, the bindings and the records allow; whether they can be done now is seen afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from sre_copilot.decision.planning.binding import SERVICE, actions_of, specs_for, targets_of
from sre_copilot.decision.planning.model import Advice, Draft, Estate, Fault, Known, NoPlan, Wish, message
from sre_copilot.decision.planning.strategies import UNDOES, Way, takes_back, ways_against
from sre_copilot.decision.planning.wording import NOTHING, Named, named_in
from sre_copilot.domain.incident import Diagnosis, Outcome
from sre_copilot.domain.plan import Action
from sre_copilot.domain.signals import Change

BEFORE_S = 3600.0
"""So long before the onset a change counts as its possible cause: what a release breaks shows with its first requests, or when a pool or a heap is full."""
AFTER_S = 120.0
"""So much after it, for an onset is known to a minute or two."""
RISE = 1.3
"""So many times the requests of before are more load: a third more is beyond what ten minutes differ by on a usual day."""
FIRST, STEP, LEAST = 0.6, 0.1, 0.2
"""Share of cases in which the first way against a fault is expected to help where there is no record, how much less each further one, and the least."""


def fault_of(diagnosis: Diagnosis) -> Fault | NoPlan:
    """What is to be repaired; nothing is where no fault was named, or its type is not known."""
    culprit = diagnosis.culprit
    if diagnosis.outcome is not Outcome.FAULT or culprit is None:
        return NoPlan(reason=message(f"none.{diagnosis.outcome.value}"))
    if not culprit.fault_type:
        return NoPlan(reason=message("none.no_type", service=culprit.entity))
    cited = set(culprit.finding_ids)
    findings = sorted(
        (each for each in diagnosis.findings if each.id in cited), key=lambda each: -each.weight
    )
    return Fault(
        entity=culprit.entity,
        fault_type=culprit.fault_type,
        probability=diagnosis.probability,
        path=culprit.path,
        onset=diagnosis.incident.onset,
        findings=tuple(findings),
    )


def drafts(fault: Fault, estate: Estate, known: Known) -> tuple[Draft, ...]:
    """Every way, each once: what people bound to the fault, what they wrote down, what is known in general, what the team proposes."""
    found = (
        *_bound(fault, estate),
        *_written(fault, estate, known),
        *_general(fault, estate, known),
        *_suggested(estate, known),
    )
    once: dict[tuple[tuple[str, str, str], ...], Draft] = {}
    for each in found:
        key = tuple(
            (w.action.name, w.action.target.key, repr(sorted(w.action.parameters.items())))
            for w in each.wishes
        )
        once.setdefault(key, each)
    return tuple(once.values())


def missing(fault: Fault, estate: Estate, known: Known) -> NoPlan:
    """Why there is no draft at all."""
    if not estate.specs:
        return NoPlan(reason=message("none.no_catalogue"))
    if not targets_of(fault.entity, estate):
        return NoPlan(reason=message("none.no_target", service=fault.entity))
    ways = ways_against(fault.fault_type)
    if not ways:
        return NoPlan(reason=message("none.no_way", fault_type=fault.fault_type))
    only_changes = all(each.strategy in UNDOES for each in ways)
    if only_changes and not any(change_before(each, fault, known.changes) for each in UNDOES):
        return NoPlan(reason=message("none.no_change", service=fault.entity, fault_type=fault.fault_type))
    return NoPlan(reason=message("none.no_action", service=fault.entity, fault_type=fault.fault_type))


def change_before(strategy: str, fault: Fault, changes: Iterable[Change]) -> Change | None:
    """The latest change of the culprit before the onset that a strategy takes back; without an onset none is known to be before it."""
    if fault.onset is None:
        return None
    start, end = fault.onset - BEFORE_S, fault.onset + AFTER_S
    fit = [
        each
        for each in changes
        if each.service == fault.entity and takes_back(strategy, each.kind) and start <= each.ts <= end
    ]
    return max(fit, key=lambda each: each.ts, default=None)


def _bound(fault: Fault, estate: Estate) -> Iterator[Draft]:
    for each in estate.repairs:
        fits = any(fnmatchcase(fault.fault_type, pattern) for pattern in each.faults)
        here = not each.services or any(fnmatchcase(fault.entity, pattern) for pattern in each.services)
        targets = actions_of(fault.entity, each.action, estate) if fits and here else ()
        if targets:
            parameters = {name: _named(value, fault.entity) for name, value in each.parameters.items()}
            action = Action(name=each.action, target=targets[0], parameters=parameters)
            wish = Wish(strategy="repair", action=action)
            yield Draft(strategy="repair", origin="fault_type", wishes=(wish,), prior=FIRST)


def _written(fault: Fault, estate: Estate, known: Known) -> Iterator[Draft]:
    services = {
        *known.topology.entities,
        *(each.service for each in estate.bindings if "*" not in each.service),
    }
    for advice in sorted(known.advice, key=lambda each: (-each.trust, each.id)):
        if not advice.fits(fault):
            continue
        named = named_in(advice.text, services=services, actions=estate.specs)
        wishes = [_wish(each, fault, estate, known.changes) for each in named if each.strategy != NOTHING]
        whole = tuple(each for each in wishes if each is not None)
        if whole and len(whole) == len(wishes):
            yield _draft(advice, whole)


def _draft(advice: Advice, wishes: tuple[Wish, ...]) -> Draft:
    prior = min(max(advice.trust, LEAST), 0.9)
    return Draft(
        strategy=wishes[-1].strategy, origin=f"{advice.kind}:{advice.id}", wishes=wishes, prior=prior
    )


def _wish(named: Named, fault: Fault, estate: Estate, changes: Iterable[Change]) -> Wish | None:
    """What a clause names, on the service that it names; None where that cannot be done."""
    service = named.service or fault.entity
    if named.action:
        targets = actions_of(service, named.action, estate)
        made = Action(name=named.action, target=targets[0]) if targets else None
    else:
        made = _action(named.strategy, service, estate)
    change = change_before(named.strategy, fault, changes) if service == fault.entity else None
    return Wish(strategy=named.strategy, action=made, change=change) if made else None


def _general(fault: Fault, estate: Estate, known: Known) -> Iterator[Draft]:
    fitting = [way for way in ways_against(fault.fault_type) if _fits(way, fault, known)]
    for place, way in enumerate(fitting):
        prior = max(FIRST - STEP * place, LEAST)
        change = change_before(way.strategy, fault, known.changes)
        for target in targets_of(fault.entity, estate):
            spec = next(specs_for(way.strategy, target, estate), None)
            if spec is not None:
                wish = Wish(
                    strategy=way.strategy, action=Action(name=spec.name, target=target), change=change
                )
                yield Draft(strategy=way.strategy, origin="fault_type", wishes=(wish,), prior=prior)


def _fits(way: Way, fault: Fault, known: Known) -> bool:
    if way.loaded:
        return known.load is not None and known.load >= RISE
    return way.strategy not in UNDOES or way.anyway or change_before(way.strategy, fault, known.changes) is not None  # fmt: skip


def _suggested(estate: Estate, known: Known) -> Iterator[Draft]:
    for each in known.suggestions:
        targets = actions_of(each.service, each.action, estate)
        if targets:
            action = Action(name=each.action, target=targets[0], parameters=dict(each.parameters))
            wish = Wish(strategy="repair", action=action)
            yield Draft(strategy="repair", origin="team", wishes=(wish,), prior=LEAST)


def _action(strategy: str, service: str, estate: Estate) -> Action | None:
    for target in targets_of(service, estate):
        spec = next(specs_for(strategy, target, estate), None)
        if spec is not None:
            return Action(name=spec.name, target=target)
    return None


def _named(value: Any, service: str) -> Any:
    return value.replace(SERVICE, service) if isinstance(value, str) else value
