"""The risk of an action: parts from 0 to 1, each with its reason, and one score from all of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from sre_copilot.decision.blast_radius import blast_radius
from sre_copilot.decision.environment import VALUES, environment_of
from sre_copilot.decision.freeze import Freeze
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import RiskLevel, RiskPart
from sre_copilot.settings.acting.decision import EnvironmentClass

WEIGHTS: Mapping[str, float] = {
    "kind": 0.5,  # a key operation is by itself half of all risk
    "blast_radius": 0.3,
    "environment": 0.2,  # production alone is no reason not to repair
    "time": 0.3,
    "confidence": 0.4,  # a repair of the wrong cause leaves the fault and adds a change
    "record": 0.35,  # what was never tried needs a person, what proved itself does not
    "reversibility": 0.35,
    "data_loss": 0.6,  # nothing brings data back: by itself it reaches the band in which people approve
}
"""What a part adds at its worst where there is no other risk."""
KINDS: Mapping[RiskLevel, float] = {
    RiskLevel.LOW: 0.0,
    RiskLevel.MEDIUM: 0.3,
    RiskLevel.HIGH: 0.7,
    RiskLevel.CRITICAL: 1.0,
}
"""How bad a kind of action is; what can be undone is nearer to reading than to what cannot."""
READING = 0.1
"""So much of the other parts counts for an action that only reads: it costs load, and nothing else."""


def score(parts: Iterable[RiskPart]) -> float:
    """The risk of all parts, 0..1: ``1 - product of (1 - weight * value)``.

    Each part takes its share of what the others have left. So a worse part never lowers the score, two are worse than one, no part is averaged away by
    good ones, and it stays below 1.
    """
    return 1.0 - math.prod(1.0 - part.weight * part.value for part in parts)


def parts_of(
    situation: ActionSituation, environment: EnvironmentClass, frozen: Freeze | None
) -> tuple[RiskPart, ...]:
    """All parts, in the order in which they are shown; `frozen` is the freeze or the time of care that is now."""
    named = environment_of(situation.action.target)
    return (
        _part("kind", KINDS[situation.level], Message(key=f"risk.kind.{situation.level.name.lower()}")),
        _reach(situation),
        _part("environment", VALUES[environment], _message(f"environment.{environment}", environment=named)),
        _time(situation, frozen),
        _confidence(situation),
        _record(situation),
        _reversibility(situation),
        _data_loss(situation),
    )


def _reach(situation: ActionSituation) -> RiskPart:
    radius = blast_radius(situation.topology, situation.service, situation.rates)
    if not radius.known:
        reason = _message("blast_radius.unknown", service=situation.service or situation.action.target.name)
    elif radius.requests is None:
        reason = _message("blast_radius.no_traffic", upstream=radius.upstream, downstream=radius.downstream)
    else:
        reason = _message(
            "blast_radius.known",
            share=radius.requests,
            upstream=radius.upstream,
            downstream=radius.downstream,
        )
    return _part("blast_radius", radius.value * _exposed(situation), reason)


def _time(situation: ActionSituation, frozen: Freeze | None) -> RiskPart:
    reason = frozen.message if frozen is not None else Message(key="risk.time.usual")
    return _part("time", _exposed(situation) if frozen is not None else 0.0, reason)


def _confidence(situation: ActionSituation) -> RiskPart:
    certainty = 0.0 if situation.inconclusive else situation.certainty
    if situation.inconclusive or situation.confidence is None:
        reason = Message(key="risk.confidence.none")
    else:
        reason = _message("confidence.known", confidence=certainty)
    return _part("confidence", (1.0 - certainty) * _exposed(situation), reason)


def _record(situation: ActionSituation) -> RiskPart:
    record, certain = situation.standing.record, situation.standing.certain
    reason = (
        _message("record.known", good=record.good, total=record.total, certain=certain)
        if record.total
        else Message(key="risk.record.none")
    )
    return _part("record", (1.0 - certain) * _exposed(situation), reason)


def _reversibility(situation: ActionSituation) -> RiskPart:
    lasting = situation.changes and (not situation.spec.reversible or situation.level >= RiskLevel.HIGH)
    reason = "read" if not situation.changes else "lasting" if lasting else "undone"
    return _part("reversibility", float(lasting), Message(key=f"risk.reversibility.{reason}"))


def _data_loss(situation: ActionSituation) -> RiskPart:
    lost = situation.spec.data_loss
    value = min(max(lost, 0.0), 1.0) if math.isfinite(lost) else 1.0
    reason = _message("data_loss.some", share=value) if value else Message(key="risk.data_loss.none")
    return _part("data_loss", value, reason)


def _exposed(situation: ActionSituation) -> float:
    return 1.0 if situation.changes else READING


def _part(name: str, value: float, reason: Message) -> RiskPart:
    return RiskPart(name=name, value=value, weight=WEIGHTS[name], reason=reason)


def _message(name: str, /, **params: str | float) -> Message:
    return Message(key=f"risk.{name}", params=tuple(params.items()))
