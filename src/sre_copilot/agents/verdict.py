"""The verdict in one sentence."""

from __future__ import annotations

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.incident import Diagnosis, Outcome

CERTAIN = 0.8  # from here on the sentence leaves "probably" out


def verdict_message(diagnosis: Diagnosis) -> Message:
    """Say the outcome, and for a fault its entity and kind."""
    culprit = diagnosis.culprit
    if culprit:
        sure = "certain" if diagnosis.probability >= CERTAIN else "likely"
        key = f"verdict.fault.{sure}" + ("" if culprit.fault_type else ".unknown")
        return Message(key=key, params=(("entity", culprit.entity), ("fault_type", culprit.fault_type or "")))
    first = diagnosis.suspects[0] if diagnosis.suspects else None
    if diagnosis.outcome is Outcome.INCONCLUSIVE and first and (first.finding_ids or first.score > 0):
        return Message(key="verdict.inconclusive.first", params=(("entity", first.entity),))
    return Message(key=f"verdict.{diagnosis.outcome.value}")
