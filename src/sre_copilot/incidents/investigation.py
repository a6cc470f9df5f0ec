"""The whole product in one file: collect, detect, localise, verify, conclude."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from sre_copilot.cognition.detector import Detection, Detector
from sre_copilot.cognition.rca.calibration import SHIPPED, Calibration
from sre_copilot.cognition.rca.features import Features, features
from sre_copilot.cognition.rca.fusion import fuse
from sre_copilot.cognition.rca.localiser import Localiser
from sre_copilot.cognition.rca.verdict import decide
from sre_copilot.domain.evidence import Finding, Gap, Message, Refutation
from sre_copilot.domain.incident import Diagnosis, Observation, Outcome, Suspect
from sre_copilot.domain.signals import Modality
from sre_copilot.errors import MethodError, SreCopilotError
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.advice import next_steps, reasons
from sre_copilot.incidents.comparable import comparable

CITED_SUSPECTS = 5  # as many suspects as a report names; what they cite is verified

P = ParamSpec("P")
T = TypeVar("T")
NO_METHOD = Gap(modality="metrics", message=Message(key="gap.no_method"))
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
    findings, gaps = detect(observation, methods.detectors)
    return conclude(observation, findings, gaps, methods, calibration=calibration, progress=progress)


def conclude(
    observation: Observation,
    findings: Sequence[Finding],
    gaps: Sequence[Gap],
    methods: Methods,
    *,
    calibration: Calibration = SHIPPED,
    progress: Progress = lambda stage: None,
) -> Investigation:
    """Localise, verify what is cited, strike what cannot be reproduced, and decide."""
    progress("localise")
    findings = tuple(findings)
    suspects = localise(observation, findings, methods.localisers)
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
            suspects = localise(observation, findings, methods.localisers)
    progress("conclude")
    described = features(suspects, findings, comparable(observation, tuple(gaps)))
    probability = calibration.probability(described)
    diagnosis = Diagnosis(
        incident=observation.incident,
        outcome=decide(described, probability),
        probability=probability,
        suspects=suspects,
        findings=tuple(finding for finding in findings if finding.id in observed),
        refuted=tuple(refuted),
        gaps=(*observation.gaps, *gaps, *(() if suspects else (NO_METHOD,))),
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
    observation: Observation, detectors: Mapping[str, Detector]
) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
    """Run every detector; findings come strongest first, each once."""
    detections = [
        _checked(name, _run("detector", name, detector, observation)) for name, detector in detectors.items()
    ]
    gaps = dict.fromkeys(gap for detection in detections for gap in detection.gaps)
    return strongest_first(each for detection in detections for each in detection.findings), tuple(gaps)


def strongest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, strongest first, whatever order they come in."""
    found = {finding.id: finding for finding in findings}
    return tuple(sorted(found.values(), key=lambda finding: (-finding.weight, finding.id)))


def _checked(name: str, detection: object) -> Detection:
    if not isinstance(detection, Detection):
        raise MethodError(f"detector '{name}' returned {type(detection).__name__}, not a Detection.")
    return detection


def localise(
    observation: Observation, findings: Sequence[Finding], localisers: Mapping[str, Localiser]
) -> tuple[Suspect, ...]:
    """Run every localiser that applies and fuse their rankings."""
    rankings = [
        _run("localiser", name, localiser, observation, findings) for name, localiser in localisers.items()
    ]
    return fuse([ranking for ranking in rankings if ranking is not None])


def _run(kind: str, name: str, method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Call a plug-in; whatever it fails with becomes an error that names it, never a result."""
    try:
        return method(*arguments, **options)
    except SreCopilotError:
        raise
    except Exception as error:
        raise MethodError(
            f"{kind} '{name}' failed: {type(error).__name__}: {error}. "
            "Report it to those who wrote it, or uninstall its package (`sre-copilot plugins` names it)."
        ) from error


def cited(
    suspects: Sequence[Suspect], findings: Sequence[Finding], verified: Mapping[str, object]
) -> tuple[Finding, ...]:
    """The findings that the leading suspects rest on and that were not verified yet."""
    names = {each for suspect in suspects[:CITED_SUSPECTS] for each in suspect.finding_ids}
    return tuple(finding for finding in findings if finding.id in names and finding.id not in verified)


def without(observation: Observation, modalities: Iterable[Modality]) -> Observation:
    """The same observation as if `modalities` had not been recorded."""
    missing = dict.fromkeys(modalities)
    reference = replace(observation.reference, **missing) if observation.reference else None
    return replace(observation, current=replace(observation.current, **missing), reference=reference)


def answered(diagnosis: Diagnosis) -> bool:
    """Whether the outcome is an answer; `inconclusive` is none."""
    return diagnosis.outcome is not Outcome.INCONCLUSIVE
