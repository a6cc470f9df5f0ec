"""What planning knows: what people wrote down, what came of actions before, how the neighbours fare, what was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sre_copilot.agents.tool import Investigated
from sre_copilot.app.live_signals import asked
from sre_copilot.app.rulebook import labels_of
from sre_copilot.clock import Clock
from sre_copilot.decision.planning.model import Advice, Fault, Known
from sre_copilot.decision.planning.signals import neighbour_checks, recovery_checks
from sre_copilot.decision.planning.wording import NOTHING, strategy_of
from sre_copilot.decision.record import Standing, standing_of
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.knowledge import PastFault
from sre_copilot.domain.plan import ActionSpec, Record, SignalCheck
from sre_copilot.domain.signals import Change, Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.incidents.watch.journal import change_of
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.store.database import Database
from sre_copilot.store.outcomes import Outcomes, record_of
from sre_copilot.store.passages import READY, PassageStore
from sre_copilot.store.plans import PlanStore, plan_of
from sre_copilot.store.records import change_records

FAILED = ("rolled_back", "failed")
CHANGES_BEFORE_S = 2 * 3600.0  # twice as long as a change counts as a possible cause
MOST_CHANGES = 1000
RECENT_S = 60.0  # an investigation of what was recorded long ago says nothing of now
LAST_S = 30.0  # two samples of most sources: what was well for so long is not repaired


class Gathering:
    """Gathers, from the store and from what was investigated."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._experience = Experience(database, clock)

    def known(
        self,
        fault: Fault,
        found: Investigated,
        specs: Mapping[str, ActionSpec],
        *,
        incident_id: str,
        tried: frozenset[tuple[str, str]],
    ) -> Known:
        """All that is known of a fault that was investigated."""
        observation = found.observation
        measure = measuring(Evaluator(observation))
        services = {*observation.topology.entities, fault.entity}
        told = (*(observation.current.changes or ()), *self.changes(fault))
        neighbours = neighbour_checks(fault, observation.topology, measure)
        recovery = recovery_checks(fault, found.observed, measure)
        return Known(
            topology=observation.topology,
            changes=tuple({(each.ts, each.service, each.kind, each.text): each for each in told}.values()),
            advice=self.advice(fault),
            rates=rates(services, measure),
            load=load(fault, observation.incident.window, measure),
            labels=labels_of(self._database, incident_id),
            standings=self.standings(fault.fault_type, specs),
            untouched=self.untouched(fault.fault_type),
            tried=tried,
            recovery=(*recovery, *(each for each in neighbours if each.role == "recovery")),
            guards=tuple(each for each in neighbours if each.role == "guard"),
        )

    def changes(self, fault: Fault) -> tuple[Change, ...]:
        """Changes that pipelines told of, before the onset."""
        if fault.onset is None:
            return ()
        since = fault.onset - CHANGES_BEFORE_S
        page = change_records(self._database).page(since=since, limit=MOST_CHANGES, service=fault.entity)
        return tuple(change_of(row) for row in page.rows)

    def advice(self, fault: Fault, *, but: Iterable[str] = ()) -> tuple[Advice, ...]:
        """What people accepted as a measure against such a fault, except what stems from some of the faults themselves."""
        left_out = tuple(but)
        cards = [
            Advice(
                kind="card", id=each.id, text=each.measure, lang=each.lang, fault_type=each.fault_type,
                services=each.scope.services, trust=each.trust,
            )
            for each in self._experience.cards(standing="accepted", fault_type=fault.fault_type)
            if not any(one and one in each.origin for one in left_out)
        ]  # fmt: skip
        return (*cards, *self._procedures(fault))

    def untouched(self, fault_type: str, *, but: str = "") -> Record:
        """Confirmed faults of a type that went away by themselves, among all whose measure is told."""
        told = [each for each in self.confirmed(fault_type) if each.id != but]
        alone = [each for each in told if strategy_of(each.measure) == NOTHING]
        return Record(good=len(alone), total=len(told))

    def confirmed(self, fault_type: str = "") -> tuple[PastFault, ...]:
        """Past faults that a person confirmed, with what was done."""
        found = self._experience.past_faults(standing="accepted", fault_type=fault_type)
        return tuple(each for each in found if each.measure.strip())

    def standings(self, fault_type: str, specs: Iterable[str]) -> dict[str, Standing]:
        """What came of each action against a type of fault."""
        found = {}
        kept = Outcomes(self._database)
        for name in specs:
            cases = kept.history(name, fault_type=fault_type)
            if cases:
                median = record_of(cases).median_seconds
                found[name] = standing_of((good for good, _ in cases), median_seconds=median)
        return found

    def _procedures(self, fault: Fault) -> tuple[Advice, ...]:
        """Accepted procedures that name the fault in their title; their steps as one text."""
        store = PassageStore(self._database)
        documents = [each for each in store.documents(standing=READY) if each["kind"] == "sop"]
        fitting = [each for each in documents if _names(each, fault)]
        if not fitting:
            return ()
        texts: dict[str, list[str]] = {}
        for passage in store.passages():
            texts.setdefault(str(passage["document_id"]), []).append(str(passage["text"]))
        return tuple(
            Advice(
                kind="sop", id=str(each["id"]), text="\n".join(texts.get(str(each["id"]), ())),
                lang=each["lang"], fault_type=fault.fault_type,
                services=tuple((each["scope"] or {}).get("services", ())),
            )
            for each in fitting
        )  # fmt: skip


def attempts(plans: PlanStore, incident_id: str) -> tuple[int, frozenset[tuple[str, str]]]:
    """How many plans of an incident did not help, and what they tried."""
    rows = plans.page(statuses=FAILED, incident_id=incident_id).rows if incident_id else ()
    steps = [step for row in rows for step in plan_of(row["document"]).steps]
    return len(rows), frozenset((each.action.name, each.action.target.key) for each in steps)


def measuring(evaluator: Evaluator) -> Callable[[Check], float | None]:
    """Measures the left side of checks on what was observed."""

    def measure(check: Check) -> float | None:
        return evaluator.evaluate(check).value

    return measure


def recovered(checks: Sequence[SignalCheck], found: Investigated, *, now: float) -> bool:
    """Whether every signal that named the fault is well again in what came last; what cannot be told is not."""
    window = found.observation.incident.window
    if window is None or now - window.end > RECENT_S:
        return False
    tail, evaluator = Window(window.end - LAST_S, window.end), Evaluator(found.observation)
    told = [evaluator.evaluate(asked(each, tail)).holds for each in checks]
    return bool(told) and all(told)


def rates(services: Iterable[str], measure: Callable[[Check], float | None]) -> dict[str, float]:
    """Requests that services answered, as far as traces tell; only their shares matter."""
    found: dict[str, float] = {}
    for each in sorted(services):
        query = Query(source="traces", measure="rows", where=(("service", each), ("kind", "server")))
        value = measure(Check(query=query, aggregate="count", relation=">=", bound=0.0))
        if value is not None:
            found[each] = value
    return found if any(found.values()) else {}


def load(fault: Fault, window: Window | None, measure: Callable[[Check], float | None]) -> float | None:
    """Requests to the culprit since the onset, as a multiple of those in as many minutes as there are before it; None when traces do not tell."""
    if fault.onset is None or window is None or not window.start < fault.onset < window.end:
        return None
    where = (("service", fault.entity), ("kind", "server"))
    spans = (Window(window.start, fault.onset), Window(fault.onset, window.end))
    queries = [Query(source="traces", measure="rows", where=where, window=each) for each in spans]
    before, since = (
        measure(Check(query=each, aggregate="rate", relation=">=", bound=0.0)) for each in queries
    )
    return since / before if since is not None and before else None


def _names(document: Mapping[str, Any], fault: Fault) -> bool:
    known = FAULT_TYPES.get(fault.fault_type)
    title = str(document["title"]).casefold()
    words = (fault.fault_type, known.en, known.zh) if known else (fault.fault_type,)
    return any(each.casefold() in title for each in words)
