"""By which signals is judged whether a plan helped, or did harm: those that named the fault, and how the neighbours fare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sre_copilot.decision.planning.model import Fault, Measure
from sre_copilot.domain.evidence import Aggregate, Check, Finding, Origin, Query
from sre_copilot.domain.plan import SignalCheck
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.domain.topology import Topology

MOST_RECOVERY = 6
"""Signals that must be well again: the strongest; each further one says the same again, and may fail for reasons of its own."""
MOST_NEIGHBOURS = 6
LIVE: tuple[Modality, ...] = ("metrics", "logs", "traces", "transactions")
"""Telemetry that can be measured again over a window; a state or an event cannot."""
COMPLEMENT: Mapping[str, str] = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
BEFORE_S, CALM_S = 60.0, 600.0
"""Where nothing fault-free was recorded, ten minutes that end a minute before the onset are how it was."""
ERRORS_MORE = 0.05
"""A share of errors of a neighbour so much above what it was is harm: one request in twenty."""
SLOWER = 2.0
"""Twice as slow as it was is harm: users notice that, and noise of a minute does not double a quantile."""
REPLACED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod"})
"""Kinds whose instances get other names when they are changed: a signal of one instance would be looked for in vain."""


def recovery_checks(
    fault: Fault, observed: Mapping[str, tuple[float | None, ...]], measure: Measure
) -> tuple[SignalCheck, ...]:
    """Signals that named the fault, each with the bound between how it was before and how it is.

    Parameters
    ----------
    observed : by finding, what each of its checks was when the plan was made
    """
    found = [
        check
        for finding in fault.findings
        if finding.modality in LIVE
        and (check := _of_finding(finding, observed.get(finding.id, ()), fault, measure)) is not None
    ]
    return tuple({(each.source, each.measure, each.where): each for each in found}.values())[:MOST_RECOVERY]


def neighbour_checks(fault: Fault, topology: Topology, measure: Measure) -> tuple[SignalCheck, ...]:
    """How those fare who call the culprit: who is well must stay so, who suffers must be well again."""
    callers = [each for each in fault.path[1:] if each != fault.entity]
    callers += [each for each in topology.callers(fault.entity) if each not in callers]
    chosen = callers[:MOST_NEIGHBOURS]
    return tuple(check for service in chosen for check in _of_neighbour(service, fault, measure))


def without_instances(checks: Iterable[SignalCheck], kinds: Iterable[str]) -> tuple[SignalCheck, ...]:
    """The same over all instances, where a repair replaces them by others: the tenth of the samples that is worst counts, so that one bad instance of ten is not overlooked."""
    if not REPLACED.intersection(kinds):
        return tuple(checks)
    return tuple(_over_all(each) for each in checks)


def _of_finding(
    finding: Finding, values: tuple[float | None, ...], fault: Fault, measure: Measure
) -> SignalCheck | None:
    """The finding's first check says how it is now; turned round it says how it is to be. Without one that says how it was before, no bound would be more than a guess."""
    check = next(iter(finding.checks), None)
    if check is None or check.query.origin != "incident" or check.combine != "value":
        return None
    relation = _complement(check)
    if not relation or check.query.source != finding.modality:
        return None
    value = values[0] if values else None
    turned = _turned(check, relation, finding.entity, value)
    if _before(check, finding.checks) is not None:
        return turned
    if check.query.measure != "error" or check.relation[0] != ">":
        return None
    then = _earlier(check.query, check.aggregate, fault, measure)
    return None if then is None else replace(turned, bound=min(check.bound, then + ERRORS_MORE))


def _complement(check: Check) -> str:
    nothing_came = check.relation == "==" and check.aggregate == "count" and check.bound == 0
    return ">" if nothing_came else COMPLEMENT.get(check.relation, "")


def _before(check: Check, checks: Iterable[Check]) -> Check | None:
    """The statement about how the same signal was before."""
    same = (check.query.source, check.query.measure, check.query.where, check.aggregate)
    return next(
        (
            each
            for each in checks
            if each is not check
            and (each.query.source, each.query.measure, each.query.where, each.aggregate) == same
            and each.relation[0] != check.relation[0]
            and each.combine == "value"
        ),
        None,
    )


def _turned(check: Check, relation: str, entity: str, value: float | None) -> SignalCheck:
    aggregate: str = check.aggregate
    bound, window = check.bound, check.query.window
    if aggregate == "count" and check.relation in (">", ">="):
        aggregate, bound, value = _per_second(bound, value, window)
    return SignalCheck(
        role="recovery",
        entity=entity,
        source=check.query.source,
        measure=check.query.measure,
        relation=relation,  # type: ignore[arg-type]
        bound=bound,
        aggregate=aggregate,
        where=check.query.where,
        observed=value,
    )


def _per_second(bound: float, value: float | None, window: Window | None) -> tuple[str, float, float | None]:
    """Rows that came up with the fault, as a rate whatever the window: half of what the fault brought, where there was nothing before."""
    if window is None or window.end <= window.start:
        return "count", bound, value
    seconds = window.end - window.start
    return "rate", bound / seconds / 2, None if value is None else value / seconds


def _of_neighbour(service: str, fault: Fault, measure: Measure) -> Iterator[SignalCheck]:
    for name, aggregate in (("error", "mean"), ("duration_ms", "p95")):
        then = _then(service, name, aggregate, fault, measure)  # type: ignore[arg-type]
        now = measure(_check(service, name, aggregate, _since(fault), "incident"))  # type: ignore[arg-type]
        if then is None or now is None:
            continue
        bound = then + ERRORS_MORE if name == "error" else then * SLOWER
        yield SignalCheck(
            role="guard" if now <= bound else "recovery",
            entity=service,
            source="traces",
            measure=name,
            relation="<=",
            bound=bound,
            aggregate=aggregate,
            where=(("service", service),),
            observed=now,
        )


def _then(service: str, name: str, aggregate: Aggregate, fault: Fault, measure: Measure) -> float | None:
    query = _check(service, name, aggregate, None, "reference").query
    return _earlier(query, aggregate, fault, measure)


def _earlier(query: Query, aggregate: Aggregate, fault: Fault, measure: Measure) -> float | None:
    """How a signal was before: in what was recorded without a fault, else in the calm minutes before the onset."""
    asked = Check(query=replace(query, window=None, origin="reference"), aggregate=aggregate, relation=">=", bound=0.0)  # fmt: skip
    known = measure(asked)
    if known is None and fault.onset is not None:
        calm = Window(fault.onset - BEFORE_S - CALM_S, fault.onset - BEFORE_S)
        known = measure(replace(asked, query=replace(query, window=calm, origin="incident")))
    return known


def _since(fault: Fault) -> Window | None:
    windows = [each.window for each in fault.findings if each.window is not None]
    if windows:
        return Window(min(each.start for each in windows), max(each.end for each in windows))
    return None


def _check(service: str, name: str, aggregate: Aggregate, window: Window | None, origin: Origin) -> Check:
    query = Query(source="traces", measure=name, where=(("service", service),), window=window, origin=origin)
    return Check(query=query, aggregate=aggregate, relation=">=", bound=0.0)


def _over_all(check: SignalCheck) -> SignalCheck:
    where = tuple(pair for pair in check.where if pair[0] != "instance")
    if where == check.where or check.aggregate not in ("median", "mean"):
        return replace(check, where=where)
    return replace(check, where=where, aggregate="p90" if check.relation[0] == "<" else "min")
