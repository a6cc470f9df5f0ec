"""False findings, planted to see whether any survives: true ones with one thing changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from sre_copilot.cognition.detector import Detection
from sre_copilot.domain.evidence import Check, Finding, Query, Relation
from sre_copilot.domain.incident import Diagnosis, Observation
from sre_copilot.domain.signals import Window
from sre_copilot.eval.rca import plain
from sre_copilot.eval.rca.judgement import Planted
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.investigation import Methods, investigate

CONVINCING: Final = 50.0
"""Nats that a planted finding claims, more than any real one, so that a conclusion would rest on it if it survived."""
BEYOND: Final = 10.0
"""How many times the observed size a planted finding claims."""

_OPPOSITE: Final[dict[Relation, Relation]] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": ">"}
_ENTITIES: Final = ("service", "caller", "callee")

Change = Callable[[Finding, Observation], Finding | None]


def plant(diagnosis: Diagnosis, observation: Observation, methods: Methods) -> tuple[Planted, ...]:
    """Plant one false finding of each mutation and tell which were struck out.

    They are verified, and the conclusion is formed again from them and the findings of `diagnosis`: one survives when
    the evaluator confirms it, or when the conclusion holds it among its findings or a suspect rests on it.
    """
    made = list(false_findings(diagnosis.findings, observation))
    if not made:
        return ()
    findings = tuple(finding for _, finding in made)
    alive = {finding.id for finding in verify(findings, observation).confirmed}
    detected = Detection((*diagnosis.findings, *findings))
    again = investigate(
        observation, Methods(detectors={"planted": lambda _: detected}, localisers=methods.localisers)
    ).diagnosis
    alive |= {finding.id for finding in again.findings}
    alive |= {each for suspect in again.suspects for each in suspect.finding_ids}
    return tuple(Planted(mutation, finding.kind, finding.id not in alive) for mutation, finding in made)


def false_findings(findings: Sequence[Finding], observation: Observation) -> Iterator[tuple[str, Finding]]:
    """For each mutation the first finding, strongest first, that it makes provably false."""
    strongest = sorted(findings, key=lambda finding: (-finding.weight, finding.id))
    for name, change in MUTATIONS.items():
        for finding in strongest:
            changed = change(finding, observation)
            if changed is not None and _is_false(changed, observation):
                yield name, replace(changed, weight=CONVINCING)
                break


def another_service(finding: Finding, observation: Observation) -> Finding | None:
    """The same claim about another service."""
    others = [name for name in _services(observation) if name != finding.entity]
    if not others:
        return None
    place = int(finding.id.removeprefix("F-"), 16) % len(others)
    checks = tuple(_queries(check, lambda query: _renamed(query, others[place])) for check in finding.checks)
    return replace(finding, entity=others[place], checks=checks)


def another_window(finding: Finding, observation: Observation) -> Finding | None:
    """The same claim about a window of the same length that ends where the earliest of its windows begins."""
    windows = [query.window for check in finding.checks for query in _of(check) if query.window]
    if not windows:
        return None
    start = min(window.start for window in windows)
    back = max(window.end for window in windows) - start
    return replace(
        finding, checks=tuple(_queries(check, lambda q: _earlier(q, back)) for check in finding.checks)
    )


def opposite_sign(finding: Finding, _: Observation) -> Finding | None:
    """The opposite of its first check."""
    if not finding.checks:
        return None
    first = replace(finding.checks[0], relation=_OPPOSITE[finding.checks[0].relation])
    return replace(finding, checks=(first, *finding.checks[1:]))


def another_size(finding: Finding, observation: Observation) -> Finding | None:
    """Its first check with a bound ten times beyond what is observed."""
    if not finding.checks:
        return None
    check = finding.checks[0]
    try:
        observed = plain.left_side(check, observation)
    except (plain.CannotTellError, re.error):
        return None
    if observed is None:
        return None
    up = check.relation in (">", ">=", "==")
    bound = max(abs(observed), 1.0) * BEYOND if up else observed - abs(observed) * (1 - 1 / BEYOND) - 1e-6
    return replace(finding, checks=(replace(check, bound=bound), *finding.checks[1:]))


MUTATIONS: Final[dict[str, Change]] = {
    "service": another_service,
    "window": another_window,
    "sign": opposite_sign,
    "size": another_size,
}


def _is_false(finding: Finding, observation: Observation) -> bool:
    try:
        return not all(plain.holds(check, observation) for check in finding.checks)
    except (plain.CannotTellError, re.error):
        return False


def _services(observation: Observation) -> tuple[str, ...]:
    tables = (observation.current.metrics, observation.current.traces, observation.current.logs)
    return tuple(
        sorted({name for table in tables if table is not None for name in table["service"].unique()})
    )


def _of(check: Check) -> tuple[Query, ...]:
    return (check.query, check.against) if check.against else (check.query,)


def _queries(check: Check, change: Callable[[Query], Query]) -> Check:
    against = change(check.against) if check.against else None
    return replace(check, query=change(check.query), against=against)


def _renamed(query: Query, name: str) -> Query:
    return replace(
        query, where=tuple((word, name if word in _ENTITIES else value) for word, value in query.where)
    )


def _earlier(query: Query, seconds: float) -> Query:
    if query.window is None:
        return query
    return replace(query, window=Window(query.window.start - seconds, query.window.end - seconds))
