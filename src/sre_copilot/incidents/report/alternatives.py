"""The other suspects, and why each is not the answer."""

from __future__ import annotations

import math

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Diagnosis, Outcome, Suspect
from sre_copilot.domain.topology import Topology
from sre_copilot.incidents.report.model import Alternative

SHOWN = 5
FACTOR_LIMIT = 1000.0  # beyond it the exact factor says nothing


def alternatives(diagnosis: Diagnosis, topology: Topology) -> tuple[tuple[Alternative, ...], int]:
    """Return the suspects after the first with any evidence, and how many of those are not shown."""
    others = [
        (rank, suspect)
        for rank, suspect in enumerate(diagnosis.suspects, start=1)
        if standing(suspect) and not (rank == 1 and diagnosis.outcome is Outcome.FAULT)
    ]
    shown = tuple(
        Alternative(
            rank=rank,
            entity=suspect.entity,
            score=suspect.score,
            fault_type=suspect.fault_type,
            finding_ids=suspect.finding_ids,
            why_not=why_not(suspect, diagnosis, topology),
        )
        for rank, suspect in others[:SHOWN]
    )
    return shown, max(0, len(others) - SHOWN)


def standing(suspect: Suspect) -> bool:
    """Whether anything at all speaks for a suspect."""
    return suspect.score > 0 or bool(suspect.finding_ids)


def why_not(suspect: Suspect, diagnosis: Diagnosis, topology: Topology) -> tuple[Message, ...]:
    """Say why a suspect is not named as the cause."""
    if diagnosis.outcome is Outcome.NO_FAULT:
        return (Message(key="why_not.within_chance"),)
    first = diagnosis.suspects[0]
    if suspect is first:
        return (Message(key="why_not.too_uncertain"),)
    said = []
    if not suspect.finding_ids:
        said.append(Message(key="why_not.no_finding"))
    said += _explained(suspect, first, topology)
    said += _struck(suspect, diagnosis)
    said.append(_weaker(suspect, first))
    return tuple(said)


def _explained(suspect: Suspect, first: Suspect, topology: Topology) -> list[Message]:
    if suspect.entity in first.path[1:]:
        params = (("entity", suspect.entity), ("other", first.entity))
        return [Message(key="why_not.on_path", params=params)]
    calls = topology.upstream(first.entity).get(suspect.entity)
    if calls:
        further = (("entity", suspect.entity), ("other", first.entity), ("calls", calls))
        return [Message(key="why_not.depends", params=further)]
    return []


def _struck(suspect: Suspect, diagnosis: Diagnosis) -> list[Message]:
    struck = sum(each.finding.entity == suspect.entity for each in diagnosis.refuted)
    return [Message(key="why_not.struck", params=(("findings", struck),))] if struck else []


def _weaker(suspect: Suspect, first: Suspect) -> Message:
    lead = first.score - suspect.score
    if lead < 0.05:  # the difference is printed with one decimal
        return Message(key="why_not.equal", params=(("other", first.entity),))
    factor = math.exp(min(lead, 50.0))
    if factor >= FACTOR_LIMIT:
        return Message(key="why_not.far_weaker", params=(("lead", lead), ("other", first.entity)))
    return Message(
        key="why_not.weaker",
        params=(("lead", lead), ("factor", float(f"{factor:.2g}")), ("other", first.entity)),
    )
