"""The whole product in one file: collect, detect, localise, verify, conclude."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sre_copilot.cognition.detector import Detection, Detector
from sre_copilot.cognition.rca.calibration import SHIPPED, Calibration
from sre_copilot.cognition.rca.features import Features, features
from sre_copilot.cognition.rca.fusion import fuse
from sre_copilot.cognition.rca.localiser import Localiser
from sre_copilot.cognition.rca.verdict import decide
from sre_copilot.domain.evidence import Finding, Gap, Refutation
from sre_copilot.domain.incident import Diagnosis, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Modality
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.advice import next_steps, reasons

CITED_SUSPECTS = 5  # as many suspects as a report names; what they cite is verified

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """The detectors and localisers in use, by name; `app` fills it from the plug-ins."""

    detectors: Mapping[str, Detector]
    localisers: Mapping[str, Localiser]


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """A diagnosis with all that it was formed from; `considered` holds every finding that was not struck out."""

    observation: Observation
    diagnosis: Diagnosis
    features: Features
    considered: tuple[Finding, ...]
    observed: Mapping[str, tuple[float | None, ...]]


def investigate(
    observation: Observation,
    methods: Methods,
    *,
    calibration: Calibration = SHIPPED,
    progress: Progress = lambda stage: None,
) -> Investigation:
    """Say what broke, where, and why; or that nothing did; or that it cannot be told."""
    progress("detect")
    findings, gaps = detect(observation, methods.detectors.values())
    progress("localise")
    suspects = localise(observation, findings, methods.localisers.values())
    progress("verify")
    evaluator = Evaluator(observation)
    observed: dict[str, tuple[float | None, ...]] = {}
    refuted: list[Refutation] = []
    while pending := cited(suspects, findings, observed):
        verification = verify(pending, observation, evaluator=evaluator)
        observed |= verification.observed
        if verification.refuted:
            refuted += verification.refuted
            struck = {each.finding.id for each in verification.refuted}
            findings = tuple(finding for finding in findings if finding.id not in struck)
            suspects = localise(observation, findings, methods.localisers.values())
    progress("conclude")
    described = features(suspects, findings, recorded(observation))
    probability = calibration.probability(described)
    diagnosis = Diagnosis(
        incident=observation.incident,
        outcome=decide(described, probability),
        probability=probability,
        suspects=suspects,
        findings=tuple(finding for finding in findings if finding.id in observed),
        refuted=tuple(refuted),
        gaps=(*observation.gaps, *gaps),
    )
    diagnosis = replace(diagnosis, reasons=reasons(diagnosis), next_steps=next_steps(diagnosis))
    return Investigation(
        observation=observation,
        diagnosis=diagnosis,
        features=described,
        considered=findings,
        observed=observed,
    )


def detect(
    observation: Observation, detectors: Iterable[Detector]
) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    """Run every detector; findings come strongest first, each once."""
    detections: Sequence[Detection] = [detector(observation) for detector in detectors]
    found = {finding.id: finding for detection in detections for finding in detection.findings}
    gaps = dict.fromkeys(gap for detection in detections for gap in detection.gaps)
    return tuple(sorted(found.values(), key=lambda finding: (-finding.weight, finding.id))), tuple(gaps)


def localise(
    observation: Observation, findings: Sequence[Finding], localisers: Iterable[Localiser]
) -> tuple[Suspect, ...]:
    """Run every localiser that applies and fuse their rankings."""
    return fuse(
        [found for localiser in localisers if (found := localiser(observation, findings)) is not None]
    )


def cited(
    suspects: Sequence[Suspect], findings: Sequence[Finding], verified: Mapping[str, object]
) -> tuple[Finding, ...]:
    """The findings that the leading suspects rest on and that were not verified yet."""
    names = {each for suspect in suspects[:CITED_SUSPECTS] for each in suspect.finding_ids}
    return tuple(finding for finding in findings if finding.id in names and finding.id not in verified)


def recorded(observation: Observation) -> int:
    """How many kinds of telemetry were recorded."""
    kinds: tuple[Modality, ...] = ("metrics", "logs", "traces", "state", "transactions")
    return sum(getattr(observation.current, kind) is not None for kind in kinds)


def without(observation: Observation, modalities: Iterable[Modality]) -> Observation:
    """The same observation as if `modalities` had not been recorded."""
    missing = dict.fromkeys(modalities)
    reference = replace(observation.reference, **missing) if observation.reference else None
    return replace(observation, current=replace(observation.current, **missing), reference=reference)


def answered(diagnosis: Diagnosis) -> bool:
    """Whether the outcome is an answer; `inconclusive` is none."""
    return diagnosis.outcome is not Outcome.INCONCLUSIVE
