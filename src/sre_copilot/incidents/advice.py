"""Why this answer and not another, and what to do next: sentences by key, chosen by rule."""

from __future__ import annotations

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.faults import FAULT_TYPES
from sre_copilot.domain.incident import Diagnosis, Outcome, Suspect

CLOSE = 1.0  # nats: within it the second suspect is less than three times less likely than the first

# What a first responder does about a family of faults, most reversible first.
STEPS: dict[str, tuple[str, ...]] = {
    "resource": ("next.resource.relieve", "next.resource.limits"),
    "network": ("next.network.path", "next.network.reroute"),
    "code": ("next.code.rollback", "next.code.diff"),
    "process": ("next.process.restart", "next.process.exit"),
    "dependency": ("next.dependency.restore", "next.dependency.shield"),
    "database": ("next.database.sessions", "next.database.settings"),
    "security": ("next.security.renew",),
    "degradation": ("next.degradation.narrow",),
    "admission": ("next.admission.raise",),
    "node": ("next.node.drain", "next.node.repair"),
    "runtime": ("next.runtime.manifest",),
    "scheduling": ("next.scheduling.constraint",),
    "routing": ("next.routing.compare",),
    "startup": ("next.startup.fix",),
}


STEPS_OF_TYPE: dict[str, tuple[str, ...]] = {
    "resource/disk": ("next.resource.free_disk", "next.resource.growth"),
    "resource/pool": ("next.resource.release_pool", "next.resource.pool_holder"),
    "resource/memory": ("next.process.restart", "next.resource.growth"),
}
"""Faults that the steps of their family do not fit."""


def reasons(diagnosis: Diagnosis) -> tuple[Message, ...]:
    """Say in sentences what the outcome rests on."""
    first, *others = diagnosis.suspects or (None,)
    if diagnosis.outcome is Outcome.NO_FAULT:
        return (Message(key="reason.nothing_stands_out", params=(("candidates", len(diagnosis.suspects)),)),)
    if first is None or (diagnosis.outcome is Outcome.INCONCLUSIVE and not first.finding_ids):
        return (Message(key="reason.nothing_recorded"),)
    found = [_support(diagnosis, first)]
    if others and first.score - others[0].score < CLOSE:
        found.append(
            Message(key="reason.close_second", params=(("first", first.entity), ("second", others[0].entity)))
        )
    if diagnosis.outcome is Outcome.INCONCLUSIVE:
        found.append(
            Message(key="reason.too_uncertain", params=(("percent", round(100 * diagnosis.probability)),))
        )
    return tuple(found)


def next_steps(diagnosis: Diagnosis) -> tuple[Message, ...]:
    """Say what a first responder should do next."""
    if diagnosis.outcome is Outcome.NO_FAULT:
        return (Message(key="next.no_fault.watch"),)
    named = diagnosis.suspects[: 1 if diagnosis.outcome is Outcome.FAULT else 3]
    suspects = [suspect for suspect in named if suspect.finding_ids]
    steps = [
        Message(key=key, params=(("entity", suspect.entity),))
        for suspect in suspects
        for key in _steps_for(suspect)
    ]
    missing = dict.fromkeys(gap.modality for gap in diagnosis.gaps if _is_absence(gap))
    steps += [Message(key="next.collect", params=(("modality", modality),)) for modality in missing]
    return tuple(dict.fromkeys(steps))


def _is_absence(gap: Gap) -> bool:
    """Whether recording more would help: oddities of a file that was read are no reason to record it again."""
    return not gap.message.key.startswith("gap.reader.") or gap.message.key.endswith(("absent", "empty"))


def _steps_for(suspect: Suspect) -> tuple[str, ...]:
    known = FAULT_TYPES.get(suspect.fault_type or "")
    if known is None:
        return ("next.degradation.narrow",)
    return STEPS_OF_TYPE.get(known.id) or STEPS.get(known.family, ())


def _support(diagnosis: Diagnosis, first: Suspect) -> Message:
    cited = [finding for finding in diagnosis.findings if finding.id in first.finding_ids]
    kinds = len({finding.modality for finding in cited})
    return Message(
        key="reason.support",
        params=(("entity", first.entity), ("findings", len(cited)), ("modalities", kinds)),
    )
