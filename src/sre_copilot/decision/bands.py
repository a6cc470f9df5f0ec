"""What the score, the kind of action and the diagnosis ask for."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.decision.ruling import Ruling, ruling
from sre_copilot.decision.situation import ActionSituation
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, RiskLevel
from sre_copilot.settings.acting.decision import EnvironmentClass, Risk


def band(score: float, risk: Risk) -> Mode:
    """Who decides by the score alone; one that is no number is a person's."""
    if score < risk.auto_threshold:
        return Mode.AUTO
    return Mode.SEMI_AUTO if score < risk.approval_threshold else Mode.MANUAL


def by_score(score: float, risk: Risk) -> Ruling:
    """What the bands ask for."""
    mode = band(score, risk)
    if mode == Mode.AUTO:
        return ruling("band.auto", score=score, edge=risk.auto_threshold)
    if mode == Mode.SEMI_AUTO:
        return ruling("band.semi_auto", mode, score=score, edge=risk.auto_threshold)
    return ruling("band.manual", mode, score=score, edge=risk.approval_threshold)


def by_kind(situation: ActionSituation, environment: EnvironmentClass) -> Iterator[Ruling]:
    """What the kind of action asks for: what cannot be undone needs a person, a key operation two, and what loses data for good in production is theirs to do."""
    spec = situation.spec
    if spec.level >= RiskLevel.CRITICAL:
        message = Message(key="decision.level.critical", params=(("action", spec.name),))
        yield Ruling(message=message, mode=Mode.SEMI_AUTO, four_eyes=True)
    elif spec.level >= RiskLevel.HIGH:
        yield ruling("level.high", Mode.SEMI_AUTO, action=spec.name)
    lasting = not spec.reversible or spec.level >= RiskLevel.HIGH
    if lasting and not spec.data_loss <= 0 and environment == "production":
        yield ruling("lasting_loss", Mode.MANUAL, action=spec.name)


def by_diagnosis(situation: ActionSituation, risk: Risk) -> Iterator[Ruling]:
    """What an uncertain diagnosis asks for: nothing runs by itself against a cause that is not known."""
    if situation.inconclusive:
        yield ruling("inconclusive", Mode.SEMI_AUTO)
    elif situation.certainty < risk.minimum_confidence:
        yield ruling("unsure", Mode.SEMI_AUTO, confidence=situation.certainty, floor=risk.minimum_confidence)
