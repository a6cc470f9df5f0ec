"""The checks that a known fault was found by, told so that they can be asked again of other telemetry: no detector is needed.

Names give way to places: `{culprit}`, `{neighbour}` (another entity that a check names), `{instance}`. Times are seconds from the onset.
What counts rows is scaled to the length of the new window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from sre_copilot.domain.evidence import Check, Finding, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window
from sre_copilot.knowledge.signature import Token, parse_token, token_of

Holds = Callable[[Check], bool]
"""Re-runs a check on the present telemetry; the evidence layer brings it."""

KEPT = 6  # probes of a fault: the strongest few tell it apart, more only make a repetition fail
ASKED_AGAIN = ("metrics", "logs", "traces", "transactions", "state")
LEAST = 0.3  # nats: weaker findings come and go without a fault
SLACK = 0.5  # traffic may be half of what it was
NEIGHBOURS = 6  # of one entity that are tried in the place of `{neighbour}`
INSTANCES = 4  # of one entity that are tried in the place of `{instance}`
SHIFTS_S = (
    0.0,
    15.0,
    30.0,
    60.0,
)  # an onset is guessed too early by up to a minute or so; then normal rows would hide what stopped
ENOUGH = 0.5  # of the length of the old window that the new one must have: what is not there was not seen
CULPRIT, NEIGHBOUR, INSTANCE = "{culprit}", "{neighbour}", "{instance}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A sign with the checks that showed it; windows are relative to the onset."""

    sign: str
    weight: float
    checks: tuple[Check, ...]

    @property
    def token(self) -> Token:
        """The sign."""
        return parse_token(self.sign)


def probes_of(
    findings: Iterable[Finding], culprit: str, observation: Observation, *, fault_type: str = ""
) -> tuple[Probe, ...]:
    """The probes of the findings about a culprit: the strongest that points to the fault, then all others, strongest first."""
    family = fault_type.partition("/")[0]
    able = [
        each for each in findings if each.entity == culprit and each.checks and each.modality in ASKED_AGAIN
    ]
    able.sort(key=lambda each: -each.weight)
    pointing = [each for each in able if family and (each.fault_type or "").partition("/")[0] == family][:1]
    found: dict[str, Probe] = {}
    for finding in (*pointing, *(each for each in able if each.weight >= LEAST)):
        sign = str(token_of(finding, culprit, observation.topology))
        if sign not in found:
            checks = _general(finding.checks, culprit, observation)
            found[sign] = Probe(sign=sign, weight=finding.weight, checks=checks)
    return tuple(found.values())[:KEPT]


def _general(checks: tuple[Check, ...], culprit: str, observation: Observation) -> tuple[Check, ...]:
    """Checks without the names and times of then; two neighbours keep their names, for which is which could not be told."""
    texts = " ".join(value for check in checks for query in _queries(check) for _, value in query.where)
    others = [
        name
        for name in observation.topology.entities
        if name != culprit and _renamed(texts, {name: ""}) != texts
    ]
    names = {culprit: CULPRIT} | ({others[0]: NEIGHBOUR} if len(others) == 1 else {})
    onset = observation.incident.onset
    return tuple(
        replace(
            check,
            query=_placeless(check.query, names, onset),
            against=_placeless(check.against, names, onset) if check.against else None,
        )
        for check in checks
    )


def _placeless(query: Query, names: Mapping[str, str], onset: float | None) -> Query:
    where = tuple(
        (column, INSTANCE if column == "instance" else _renamed(value, names))
        for column, value in query.where
    )
    window = query.window
    if window is not None:
        window = Window(window.start - onset, window.end - onset) if onset is not None else None
    return replace(query, where=where, window=window)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    if not names:
        return text
    longest = sorted(names, key=lambda name: (-len(name), name))
    pattern = rf"(?<![A-Za-z0-9_])(?:{'|'.join(map(re.escape, longest))})(?![A-Za-z0-9_])"
    return re.sub(pattern, lambda match: names[match[0]], text)


def holding(
    probes: Sequence[Probe], entity: str, observation: Observation, holds: Holds
) -> tuple[Finding, ...]:
    """The probes that are true of an entity now, as findings with the checks that were re-run."""
    return tuple(found for probe in probes if (found := _asked(probe, entity, observation, holds)))


def _asked(probe: Probe, entity: str, observation: Observation, holds: Holds) -> Finding | None:
    for places in _placings(probe, entity, observation):
        for shift in SHIFTS_S:
            checks = [_placed(check, places, observation, shift) for check in probe.checks]
            whole = tuple(check for check in checks if check)
            if len(whole) == len(checks) and all(map(holds, whole)):
                return _found(probe, entity, whole)
    return None


def _found(probe: Probe, entity: str, checks: tuple[Check, ...]) -> Finding:
    token = probe.token
    return Finding(
        kind=token.kind,
        entity=entity,
        modality=checks[0].query.source,
        weight=probe.weight,
        checks=checks,
        fault_type=token.fault_type or None,
    )


def _placings(probe: Probe, entity: str, observation: Observation) -> Iterator[Mapping[str, str]]:
    """Every way to put the names of now into the places."""
    texts = " ".join(value for check in probe.checks for query in _queries(check) for _, value in query.where)
    topology = observation.topology
    near = (
        (*topology.callers(entity), *topology.callees(entity))[:NEIGHBOURS] if NEIGHBOUR in texts else ("",)
    )
    instances = _instances(entity, observation) if INSTANCE in texts else ("",)
    for neighbour in near:
        for instance in instances:
            yield {CULPRIT: entity, NEIGHBOUR: neighbour, INSTANCE: instance}


def _queries(check: Check) -> tuple[Query, ...]:
    return (check.query, check.against) if check.against else (check.query,)


def _instances(entity: str, observation: Observation) -> tuple[str, ...]:
    metrics = observation.current.metrics
    if metrics is None:
        return ()
    names = metrics.filter(pl.col("service") == entity)["instance"].unique().sort()
    return tuple(names.head(INSTANCES))


def _placed(check: Check, places: Mapping[str, str], observation: Observation, shift: float) -> Check | None:
    """The check of now; None where too little was recorded for it."""
    query = _at(check.query, places, observation, shift)
    against = _at(check.against, places, observation, shift) if check.against else None
    pairs = ((check.query, query), (check.against, against))
    if any(_short(old, new) for old, new in pairs if old and new):
        return None
    return replace(check, query=query, against=against, bound=_scaled(check, query))


def _short(old: Query, new: Query) -> bool:
    if old.window is None or new.window is None:
        return False
    return new.window.seconds < ENOUGH * old.window.seconds


def _at(query: Query, places: Mapping[str, str], observation: Observation, shift: float) -> Query:
    where = tuple((column, _filled(value, places)) for column, value in query.where)
    return replace(query, where=where, window=_window(query, observation, shift))


def _filled(text: str, places: Mapping[str, str]) -> str:
    for place, name in places.items():
        text = text.replace(place, name)
    return text


def _window(query: Query, observation: Observation, shift: float) -> Window | None:
    """The window of now: from the onset, within what was recorded."""
    incident = observation.incident
    if query.window is None or incident.onset is None or query.origin == "reference":
        return None
    later = incident.onset + (shift if query.window.end > 0 else 0.0)  # what was before stays before
    start, end = query.window.start + later, query.window.end + later
    if incident.window is not None:
        start, end = max(start, incident.window.start), min(end, incident.window.end)
    return Window(start, max(start, end))


def _scaled(check: Check, now: Query) -> float:
    """Counts are of a stretch of time: at least half as many are asked for a second, and of a reference of any length only that there are some."""
    if check.aggregate != "count" or check.combine != "value" or check.relation not in (">", ">="):
        return check.bound
    if check.query.window is None or now.window is None or not check.query.window.seconds:
        return min(check.bound, 1.0)
    return max(1.0, check.bound * SLACK * now.window.seconds / check.query.window.seconds)


def probes_document(probes: Iterable[Probe]) -> list[dict[str, Any]]:
    """Probes as JSON."""
    return [asdict(probe) for probe in probes]


def probes_from(document: Iterable[Mapping[str, Any]]) -> tuple[Probe, ...]:
    """Probes from JSON."""
    return tuple(
        Probe(sign=each["sign"], weight=each["weight"], checks=tuple(map(_check, each["checks"])))
        for each in document
    )


def _check(document: Mapping[str, Any]) -> Check:
    query, against = _query(document["query"]), document["against"]
    return Check(**{**document, "query": query, "against": _query(against) if against else None})


def _query(document: Mapping[str, Any]) -> Query:
    window = document["window"]
    where = tuple((column, value) for column, value in document["where"])
    return Query(**{**document, "where": where, "window": Window(**window) if window else None})
